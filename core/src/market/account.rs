//! What a venue tells an account of itself: orders, fills, balances, positions.
//!
//! Figures are wide, since averages and balances have many digits. They stand behind a reference
//! so that an event stays as small as one of the market. Texts are the venue's; one that is left
//! out is empty, and a figure that is left out is `None`.

use super::{Side, Wide};
use crate::time::UnixNanos;

/// An order, as it stands now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Order<'a> {
    /// The venue's number of it: digits, more than a float holds.
    pub id: &'a str,
    /// The name that the account has given it.
    pub client_id: &'a str,
    /// The number of what has brought it about: a list of orders (Binance spot `g`), or an order
    /// that waited for a condition (Binance futures `si`, OKX `algoId`).
    pub parent_id: &'a str,
    /// What kind it is, in the venue's word: `LIMIT`, `post_only`, …
    pub kind: &'a str,
    /// How long it is good for, in the venue's word (Binance `f`): `GTC`, `IOC`, …
    pub time_in_force: &'a str,
    /// Its state in the venue's word: `PARTIALLY_FILLED`, `mmp_canceled`, …
    pub state_word: &'a str,
    /// What has just happened to it, in the venue's word (Binance `x`): `NEW`, `TRADE`, …
    pub execution: &'a str,
    /// Why, in the venue's word or number: of a rejection (Binance spot `r`, of a conditional order
    /// `rm`), an expiry (Binance futures `er`), a cancellation (OKX `cancelSource`).
    pub reason: &'a str,
    /// The rest of it.
    pub figures: &'a OrderFigures,
}

/// The figures of an [`Order`]. Quantities are in base currency; in contracts on COIN-M and OKX
/// derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OrderFigures {
    /// Its side.
    pub side: Side,
    /// Its state.
    pub state: OrderState,
    /// Whether it waits for a condition in a service of its own, with numbers of its own
    /// (Binance futures `ALGO_UPDATE`); once it is triggered, an ordinary order follows.
    pub conditional: bool,
    /// The position that it changes.
    pub position_side: Option<PositionSide>,
    /// How its margin is held (OKX `tdMode`).
    pub margin_mode: Option<MarginMode>,
    /// Whether it can only make a position smaller.
    pub reduce_only: Option<bool>,
    /// Its price; zero or absent for an order at the market.
    pub price: Option<Wide>,
    /// The price that triggers it.
    pub stop_price: Option<Wide>,
    /// The average price of what was filled; zero or absent where nothing is.
    pub average_price: Option<Wide>,
    /// Its quantity. A few orders at the market on OKX spot are for an amount of quote currency,
    /// which then stands here.
    pub quantity: Wide,
    /// What has been filled in all.
    pub filled: Option<Wide>,
    /// What has been filled in all, in quote currency (Binance spot `Z`).
    pub filled_quote: Option<Wide>,
    /// When it was made.
    pub created: Option<UnixNanos>,
}

/// The state of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum OrderState {
    /// It waits for another order, for a condition, or to be taken.
    Pending,
    /// It stands, and nothing of it is filled.
    Open,
    /// Part of it is filled, and the rest stands.
    PartiallyFilled,
    /// All of it is filled.
    Filled,
    /// It was cancelled, by the account or by the venue.
    Cancelled,
    /// It was not taken.
    Rejected,
    /// It ended by its own rules.
    Expired,
    /// Its condition has been met; what follows is another order's.
    Triggered,
    /// One that was not documented when this was written.
    Other,
}

/// A part of an order that was filled.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Fill<'a> {
    /// The trade's number in the market.
    pub id: i64,
    /// The order's number.
    pub order_id: &'a str,
    /// The name that the account has given the order.
    pub client_id: &'a str,
    /// The currency of the fee.
    pub fee_currency: &'a str,
    /// The rest of it.
    pub figures: &'a FillFigures,
}

/// The figures of a [`Fill`]. Quantities are in base currency; in contracts on COIN-M and OKX
/// derivatives.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FillFigures {
    /// The side of the account's order.
    pub side: Side,
    /// Whether the order stood in the book or came to it.
    pub liquidity: Option<Liquidity>,
    /// The position that it changes.
    pub position_side: Option<PositionSide>,
    /// Price.
    pub price: Wide,
    /// Quantity.
    pub quantity: Wide,
    /// Quantity in quote currency (Binance spot `Y`).
    pub quote_quantity: Option<Wide>,
    /// What the account pays; below zero what it is paid. (OKX writes it the other way round.)
    pub fee: Option<Wide>,
    /// Profit that it has made certain.
    pub realised_profit: Option<Wide>,
    /// How many trades this row stands for (OKX `fills`); `id` is the last.
    pub count: Option<i64>,
}

/// Who of two orders was there first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Liquidity {
    /// It stood in the book.
    Maker,
    /// It came to the book.
    Taker,
}

/// A balance of the account in one currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Balance<'a> {
    /// The currency; empty for the account as a whole, whose figures are in US dollars (OKX
    /// `account`).
    pub currency: &'a str,
    /// Why it is told, in the venue's word: `ORDER`, `FUNDING_FEE`, `snapshot`, …
    pub reason: &'a str,
    /// The rest of it.
    pub figures: &'a BalanceFigures,
}

/// The figures of a [`Balance`], all in its currency unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct BalanceFigures {
    /// Of a snapshot: which page. What no page names, the account has none of.
    pub page: Option<Page>,
    /// What there is, profit not made certain left out (Binance futures `wb`, OKX `cashBal`).
    pub total: Option<Wide>,
    /// What can be used (Binance spot `f`, OKX `availBal`).
    pub available: Option<Wide>,
    /// What cannot (Binance spot `l`, OKX `frozenBal`).
    pub locked: Option<Wide>,
    /// What is shared by positions with cross margin (Binance futures `cw`).
    pub cross: Option<Wide>,
    /// By how much it has changed, other than by profit and fees (Binance spot `balanceUpdate`,
    /// futures `bc`).
    pub change: Option<Wide>,
    /// By how much what another system of the venue has locked has changed (Binance spot
    /// `externalLockUpdate`).
    pub locked_change: Option<Wide>,
    /// What there is, profit not made certain counted (OKX `eq`).
    pub equity: Option<Wide>,
    /// The same in US dollars (OKX `eqUsd`).
    pub equity_usd: Option<Wide>,
    /// What of the equity can be used as margin (OKX `availEq`).
    pub available_equity: Option<Wide>,
    /// What is locked by orders (OKX `ordFrozen`).
    pub ordered: Option<Wide>,
    /// Profit that is not certain yet (OKX `upl`).
    pub unrealised_profit: Option<Wide>,
    /// What is owed (OKX `liab`).
    pub liability: Option<Wide>,
    /// Interest that is owed (OKX `interest`).
    pub interest: Option<Wide>,
    /// How far it is from liquidation (OKX `mgnRatio`).
    pub margin_ratio: Option<Wide>,
}

/// A page of a snapshot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Page {
    /// Which one, from 1 on.
    pub number: i64,
    /// Whether it is the last one.
    pub last: bool,
}

/// A position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Position<'a> {
    /// The venue's number of it (OKX `posId`).
    pub id: &'a str,
    /// The currency of its margin (Binance `ma`, OKX `ccy`).
    pub currency: &'a str,
    /// Why it is told, in the venue's word: `ORDER`, `MARGIN_CALL`, `event_update`, …
    pub reason: &'a str,
    /// The rest of it.
    pub figures: &'a PositionFigures,
}

/// The figures of a [`Position`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PositionFigures {
    /// Of a snapshot: which page. What no page names is closed.
    pub page: Option<Page>,
    /// Which way it goes.
    pub side: PositionSide,
    /// How much is held: base currency; contracts on COIN-M and OKX derivatives. The sign tells
    /// the direction where `side` is [`PositionSide::Net`]; else it is as the venue writes it
    /// (Binance writes shorts below zero, OKX above).
    pub quantity: Wide,
    /// How its margin is held.
    pub margin_mode: Option<MarginMode>,
    /// The average price at which it was entered.
    pub entry_price: Option<Wide>,
    /// The price at which nothing is won or lost (Binance `bep`, OKX `bePx`).
    pub break_even_price: Option<Wide>,
    /// The mark price.
    pub mark_price: Option<Wide>,
    /// The price at which it is liquidated.
    pub liquidation_price: Option<Wide>,
    /// How many times its margin it may be worth (OKX `lever`).
    pub leverage: Option<Wide>,
    /// The margin of an isolated position (Binance `iw`, OKX `margin`).
    pub margin: Option<Wide>,
    /// The margin needed to enter it (OKX `imr`).
    pub initial_margin: Option<Wide>,
    /// The margin needed to keep it (Binance `mm` of a margin call, OKX `mmr`).
    pub maintenance_margin: Option<Wide>,
    /// How far it is from liquidation (OKX `mgnRatio`).
    pub margin_ratio: Option<Wide>,
    /// Profit that is not certain yet.
    pub unrealised_profit: Option<Wide>,
    /// Profit that is certain (Binance `cr`: accumulated, before fees; OKX `realizedPnl`).
    pub realised_profit: Option<Wide>,
    /// Fees since it was opened, negative when charged (OKX `fee`).
    pub fee: Option<Wide>,
    /// Funding since it was opened, negative when paid (OKX `fundingFee`).
    pub funding: Option<Wide>,
    /// The last trade that changed it (OKX `tradeId`).
    pub trade_id: Option<i64>,
    /// How soon it is closed against others' liquidations, from 0 on (OKX `adl`).
    pub deleveraging: Option<i64>,
    /// When it was opened (OKX `cTime`).
    pub created: Option<UnixNanos>,
}

impl PositionFigures {
    /// A position of which nothing else is known.
    pub(crate) const fn of(side: PositionSide, quantity: Wide) -> Self {
        Self {
            page: None,
            side,
            quantity,
            margin_mode: None,
            entry_price: None,
            break_even_price: None,
            mark_price: None,
            liquidation_price: None,
            leverage: None,
            margin: None,
            initial_margin: None,
            maintenance_margin: None,
            margin_ratio: None,
            unrealised_profit: None,
            realised_profit: None,
            fee: None,
            funding: None,
            trade_id: None,
            deleveraging: None,
            created: None,
        }
    }
}

/// Which way a position goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PositionSide {
    /// Long.
    Long,
    /// Short.
    Short,
    /// Either, by the sign of its quantity (Binance `BOTH`, OKX `net`).
    Net,
}

/// How margin is held.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarginMode {
    /// Shared by positions.
    Cross,
    /// For one position alone.
    Isolated,
    /// None: what is sold is there (OKX `cash`).
    Cash,
    /// One that was not documented when this was written.
    Other,
}

impl OrderState {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Open => "open",
            Self::PartiallyFilled => "partially_filled",
            Self::Filled => "filled",
            Self::Cancelled => "cancelled",
            Self::Rejected => "rejected",
            Self::Expired => "expired",
            Self::Triggered => "triggered",
            Self::Other => "other",
        }
    }
}

impl Liquidity {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Maker => "maker",
            Self::Taker => "taker",
        }
    }
}

impl PositionSide {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Long => "long",
            Self::Short => "short",
            Self::Net => "net",
        }
    }
}

impl MarginMode {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cross => "cross",
            Self::Isolated => "isolated",
            Self::Cash => "cash",
            Self::Other => "other",
        }
    }
}
