//! What is told in figures: candles, tickers, prices, rates.
//!
//! What a venue leaves out or empty is `None`.

use super::{Decimal, InstrumentType, Interval, Side, Wide};
use crate::time::UnixNanos;

/// A candle. Volumes of Binance spot and USD-M and of OKX spot are in base currency, those of
/// COIN-M and of OKX derivatives in contracts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Candle {
    /// How long it lasts.
    pub interval: Interval,
    /// When it began.
    pub open_time: UnixNanos,
    /// Its last millisecond (Binance `T`).
    pub close_time: Option<UnixNanos>,
    /// First price.
    pub open: Decimal,
    /// Highest price.
    pub high: Decimal,
    /// Lowest price.
    pub low: Decimal,
    /// Last price so far.
    pub close: Decimal,
    /// Volume.
    pub volume: Option<Wide>,
    /// Volume in the other currency (Binance `q`, OKX `volCcy`): quote currency, but base
    /// currency where `volume` is in contracts.
    pub volume_currency: Option<Wide>,
    /// Volume in quote currency (OKX `volCcyQuote`).
    pub volume_quote: Option<Wide>,
    /// The part of `volume` that takers bought (Binance `V`).
    pub taker_buy_volume: Option<Wide>,
    /// The part of `volume_currency` that takers bought (Binance `Q`).
    pub taker_buy_volume_currency: Option<Wide>,
    /// How many trades (Binance `n`).
    pub trades: Option<i64>,
    /// The first trade's number (Binance `f`; of an index or a mark price no number of a trade).
    pub first_id: Option<i64>,
    /// The last trade's number (Binance `L`).
    pub last_id: Option<i64>,
    /// Whether nothing more comes (Binance `x`, OKX `confirm`).
    pub closed: Option<bool>,
}

/// Figures of a window of time that ends now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ticker {
    /// How long the window is.
    pub window: Interval,
    /// What kind of instrument it is about (OKX).
    pub instrument_type: Option<InstrumentType>,
    /// Last traded price.
    pub last: Option<Decimal>,
    /// Last traded quantity.
    pub last_quantity: Option<Decimal>,
    /// Best ask.
    pub ask_price: Option<Decimal>,
    /// Quantity at the best ask.
    pub ask_quantity: Option<Decimal>,
    /// Best bid.
    pub bid_price: Option<Decimal>,
    /// Quantity at the best bid.
    pub bid_quantity: Option<Decimal>,
    /// First price of the window.
    pub open: Option<Decimal>,
    /// Highest price of the window.
    pub high: Option<Decimal>,
    /// Lowest price of the window.
    pub low: Option<Decimal>,
    /// The last price before the window (Binance spot `x`).
    pub before: Option<Decimal>,
    /// Price at 00:00 UTC (OKX).
    pub open_utc0: Option<Decimal>,
    /// Price at 00:00 UTC+8 (OKX).
    pub open_utc8: Option<Decimal>,
    /// Last less first price (Binance `p`).
    pub change: Option<Decimal>,
    /// The same in percent of the first (Binance `P`).
    pub change_percent: Option<Decimal>,
    /// Average price, weighted by volume (Binance `w`).
    pub average: Option<Decimal>,
    /// Volume: base currency; contracts on OKX derivatives and COIN-M.
    pub volume: Option<Wide>,
    /// Volume in the other currency: quote currency, but base currency where `volume` is in
    /// contracts.
    pub volume_currency: Option<Wide>,
    /// When the window began (Binance `O`).
    pub open_time: Option<UnixNanos>,
    /// When it ended (Binance `C`; `T` of `avgPrice`: the last trade).
    pub close_time: Option<UnixNanos>,
    /// The first trade's number (Binance `F`).
    pub first_id: Option<i64>,
    /// The last trade's number (Binance `L`).
    pub last_id: Option<i64>,
    /// How many trades (Binance `n`).
    pub trades: Option<i64>,
}

impl Ticker {
    /// A ticker of which nothing is known yet.
    pub(crate) const fn empty(window: Interval) -> Self {
        Self {
            window,
            instrument_type: None,
            last: None,
            last_quantity: None,
            ask_price: None,
            ask_quantity: None,
            bid_price: None,
            bid_quantity: None,
            open: None,
            high: None,
            low: None,
            before: None,
            open_utc0: None,
            open_utc8: None,
            change: None,
            change_percent: None,
            average: None,
            volume: None,
            volume_currency: None,
            open_time: None,
            close_time: None,
            first_id: None,
            last_id: None,
            trades: None,
        }
    }
}

/// A mark price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct MarkPrice {
    /// The mark price.
    pub mark: Decimal,
    /// Its moving average (Binance `ap`).
    pub average: Option<Decimal>,
    /// The price of the index (Binance `i`).
    pub index: Option<Decimal>,
    /// The estimated settlement price; of use in the last hour before settlement (Binance `P`).
    pub settlement: Option<Decimal>,
}

/// The price of an index.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct IndexPrice {
    /// The price.
    pub price: Decimal,
    /// Price 24 hours ago (OKX).
    pub open_24h: Option<Decimal>,
    /// Highest price of 24 hours (OKX).
    pub high_24h: Option<Decimal>,
    /// Lowest price of 24 hours (OKX).
    pub low_24h: Option<Decimal>,
    /// Price at 00:00 UTC (OKX).
    pub open_utc0: Option<Decimal>,
    /// Price at 00:00 UTC+8 (OKX).
    pub open_utc8: Option<Decimal>,
}

/// A funding rate: the part of a position's value that the longs pay to the shorts.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Funding {
    /// The rate that will be paid at `time`.
    pub rate: Wide,
    /// When it is paid.
    pub time: Option<UnixNanos>,
    /// When it is paid the next time (OKX `nextFundingTime`).
    pub next_time: Option<UnixNanos>,
    /// The rate of that time, where the venue foresees it (OKX, before 2024).
    pub next_rate: Option<Wide>,
    /// The lowest that the rate can be (OKX).
    pub min_rate: Option<Wide>,
    /// The highest that the rate can be (OKX).
    pub max_rate: Option<Wide>,
    /// The interest in the rate (OKX).
    pub interest_rate: Option<Wide>,
    /// The premium of the contract over the index (OKX).
    pub premium: Option<Wide>,
    /// The depth that the premium is measured at, in quote currency (OKX `impactValue`).
    pub impact_value: Option<Wide>,
    /// The rate that was settled last, or that is being settled (OKX `settFundingRate`).
    pub settled_rate: Option<Wide>,
    /// Whether that settlement is over (OKX `settState`: `settled` and not `processing`).
    pub settled: Option<bool>,
}

/// The prices beyond which no order is taken (OKX).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct PriceLimit {
    /// The highest price to buy at.
    pub highest_buy: Option<Decimal>,
    /// The lowest price to sell at.
    pub lowest_sell: Option<Decimal>,
    /// Whether the limits are in force.
    pub enabled: Option<bool>,
}

/// Open interest: what is held, one side counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct OpenInterest {
    /// Base currency on Binance USD-M; contracts on COIN-M and OKX.
    pub quantity: Wide,
    /// In base currency (OKX `oiCcy`).
    pub base: Option<Wide>,
    /// In US dollars (OKX `oiUsd`).
    pub usd: Option<Wide>,
}

/// A liquidation. Venues show a sample of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Liquidation {
    /// The side of the order that closes the position: `Sell` when a long is liquidated.
    pub side: Side,
    /// The price of the order (Binance `p`), or the bankruptcy price of the position (OKX
    /// `bkPx`).
    pub price: Decimal,
    /// The average price of what was filled (Binance `ap`).
    pub average_price: Option<Decimal>,
    /// The quantity of the order (Binance) or of the position (OKX): base currency; contracts on
    /// COIN-M and OKX.
    pub quantity: Decimal,
    /// What was filled last (Binance `l`).
    pub last_filled: Option<Decimal>,
    /// What has been filled in all (Binance `z`).
    pub filled: Option<Decimal>,
    /// What the insurance fund paid (OKX `bkLoss`).
    pub loss: Option<Wide>,
}

/// A long/short ratio, over a period of five minutes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Ratio {
    /// What is counted.
    pub of: Counted,
    /// Longs divided by shorts.
    pub ratio: Decimal,
    /// The part of the longs (Binance).
    pub long: Option<Decimal>,
    /// The part of the shorts (Binance).
    pub short: Option<Decimal>,
}

/// What a [`Ratio`] counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Counted {
    /// All accounts.
    Accounts,
    /// The largest accounts.
    TopAccounts,
    /// The positions of the largest accounts.
    TopPositions,
}

impl Counted {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Accounts => "accounts",
            Self::TopAccounts => "top_accounts",
            Self::TopPositions => "top_positions",
        }
    }
}
