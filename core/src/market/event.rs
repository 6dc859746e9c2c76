//! Events as the application sees them: normalised, exact, borrowed from the receive buffer.

use super::account::{Balance, Fill, Order, Position};
use super::figures::{
    Candle, Funding, IndexPrice, Liquidation, MarkPrice, OpenInterest, PriceLimit, Ratio, Ticker,
};
use super::{Channel, Decimal, Instrument, Market};
use crate::time::UnixNanos;

/// One piece of data, of the market or of the account.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Event<'a> {
    /// The market it comes from.
    pub market: Market,
    /// The channel it came through. A Binance message outside a combined stream does not tell
    /// its speed, which then reads [`Speed::Default`](super::Speed::Default).
    pub channel: Channel,
    /// The venue's name of the instrument (or pair, or index), in the venue's own spelling
    /// (`BTCUSDT`, `BTC-USDT-SWAP`). Empty for a Binance spot `depth<N>` outside a combined
    /// stream, because then nothing names it, and for a balance.
    pub instrument: &'a str,
    /// What the stream is about that it came through: the instrument, unless the channel's
    /// [`Scope`](super::Scope) is another.
    pub subject: &'a str,
    /// When the matching engine did it (Binance `T`, OKX `ts`).
    pub exchange_time: Option<UnixNanos>,
    /// When the venue sent it (Binance `E`).
    pub sent_time: Option<UnixNanos>,
    /// What happened.
    pub body: Body<'a>,
}

/// What an [`Event`] is about.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Body<'a> {
    /// A trade, or several of one taker order at one price.
    Trade(Trade<'a>),
    /// The order book or a change of it.
    Book(Book<'a>),
    /// A candle.
    Candle(&'a Candle),
    /// Figures of a window of time.
    Ticker(&'a Ticker),
    /// A mark price.
    MarkPrice(&'a MarkPrice),
    /// The price of an index.
    IndexPrice(&'a IndexPrice),
    /// A funding rate.
    Funding(&'a Funding),
    /// The prices beyond which no order is taken.
    PriceLimit(&'a PriceLimit),
    /// Open interest.
    OpenInterest(&'a OpenInterest),
    /// A liquidation.
    Liquidation(&'a Liquidation),
    /// A long/short ratio.
    Ratio(&'a Ratio),
    /// An instrument: listed, changed, or as it stands.
    Instrument(&'a Instrument),
    /// An order of the account.
    Order(Order<'a>),
    /// A part of an order of the account that was filled.
    Fill(Fill<'a>),
    /// A balance of the account.
    Balance(Balance<'a>),
    /// A position of the account.
    Position(Position<'a>),
}

impl Body<'_> {
    /// The number that it brings its stream to: of a trade, or of a book's last update.
    #[must_use]
    pub const fn number(&self) -> Option<i64> {
        match self {
            Self::Trade(trade) => Some(trade.id),
            Self::Book(book) => book.last,
            Self::Candle(_)
            | Self::Ticker(_)
            | Self::MarkPrice(_)
            | Self::IndexPrice(_)
            | Self::Funding(_)
            | Self::PriceLimit(_)
            | Self::OpenInterest(_)
            | Self::Liquidation(_)
            | Self::Ratio(_)
            | Self::Instrument(_)
            | Self::Order(_)
            | Self::Fill(_)
            | Self::Balance(_)
            | Self::Position(_) => None,
        }
    }
}

/// The side of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Side {
    /// Bid.
    Buy,
    /// Ask.
    Sell,
}

impl Side {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Buy => "buy",
            Self::Sell => "sell",
        }
    }
}

/// A trade, or several of one taker order at one price.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Trade<'a> {
    /// The number of this row: `t`, `a` (of the aggregate) or `tradeId`.
    pub id: i64,
    /// The first fill it stands for (`f`, or `tradeId - count + 1`).
    pub first_id: Option<i64>,
    /// The last fill it stands for (`l`, or `tradeId`).
    pub last_id: Option<i64>,
    /// Price.
    pub price: Decimal,
    /// Quantity: base currency, on OKX derivatives contracts.
    pub quantity: Decimal,
    /// The part of the quantity that did not meet retail price improvement orders (Binance USD-M
    /// `nq`).
    pub quantity_without_rpi: Option<Decimal>,
    /// The side of the taker (`m`: the buyer is the maker, so the aggressor sells).
    pub aggressor: Side,
    /// How it came about, in the venue's word (Binance USD-M `X`: `MARKET`, `INSURANCE_FUND`,
    /// `NA`, …).
    pub execution: Option<&'a str>,
    /// OKX `source`: 0 ordinary, 1 retail price improvement.
    pub source: Option<u8>,
    /// OKX `seqId`; several trades may share one.
    pub sequence: Option<i64>,
}

/// The order book or a change of it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Book<'a> {
    /// How to apply it.
    pub kind: BookKind,
    /// The first update it covers (Binance `U`).
    pub first: Option<i64>,
    /// The last update it covers (Binance `u` and `lastUpdateId`, OKX `seqId`).
    pub last: Option<i64>,
    /// The last update of the message before it (USD-M `pu`, OKX `prevSeqId`: -1 for a
    /// snapshot).
    pub previous: Option<i64>,
    /// OKX `checksum`, as sent: 0 since 2026-06-23.
    pub checksum: Option<i32>,
    /// Bids, best first in snapshots; in changes a quantity of zero removes the level.
    pub bids: &'a [Level],
    /// Asks, likewise.
    pub asks: &'a [Level],
}

/// How to apply a [`Book`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BookKind {
    /// The book anew; changes follow.
    Snapshot,
    /// A change: quantities are absolute, zero removes the level.
    Delta,
    /// The best levels, at most so many a side, whole each time. A side without orders is empty.
    Top(u8),
}

impl BookKind {
    /// Whether a message of this kind in the stream of this channel is the answer to a request: it
    /// is a snapshot, and the stream brings none. It has no part in the order of the stream.
    #[must_use]
    pub const fn is_asked_for(self, channel: Channel) -> bool {
        matches!(self, Self::Snapshot) && !channel.begins_with_snapshot()
    }

    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Snapshot => "snapshot",
            Self::Delta => "delta",
            Self::Top(_) => "top",
        }
    }
}

/// A price level.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Level {
    /// Price.
    pub price: Decimal,
    /// Quantity: base currency, on OKX derivatives contracts. Zero in a change removes the level.
    pub quantity: Decimal,
    /// How many orders stand behind it (OKX).
    pub orders: Option<u32>,
}

impl Level {
    /// A level of a venue that does not count orders.
    #[inline]
    #[must_use]
    pub const fn new(price: Decimal, quantity: Decimal) -> Self {
        Self {
            price,
            quantity,
            orders: None,
        }
    }
}
