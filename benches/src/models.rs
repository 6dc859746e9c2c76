//! The best that a user of serde would write for these messages: structures that borrow, exact decimals
//! parsed in place, levels in vectors that are used again, one look at the stream's name instead of
//! a tree.

use std::cell::RefCell;
use std::fmt;

use marketprism_core::market::{Body, BookKind, Event, Side};
use serde::Deserialize;
use serde::de::{self, Deserializer, SeqAccess, Visitor};

/// A decimal of 64 bits and the number of digits behind its point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decimal {
    /// All digits as one number.
    pub mantissa: i64,
    /// How many of them stand behind the point.
    pub scale: u8,
}

impl Decimal {
    /// Reads plain decimal text; what does not fit is `None`.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (negative, digits) = match text.strip_prefix('-') {
            Some(rest) => (true, rest),
            None => (false, text),
        };
        let mut mantissa = 0_i64;
        let mut scale = None;
        for byte in digits.bytes() {
            match byte {
                b'0'..=b'9' => {
                    mantissa = mantissa
                        .checked_mul(10)?
                        .checked_add(i64::from(byte - b'0'))?;
                    scale = scale.map(|places: u8| places + 1);
                }
                b'.' if scale.is_none() => scale = Some(0),
                _ => return None,
            }
        }
        Some(Self {
            mantissa: if negative { -mantissa } else { mantissa },
            scale: scale.unwrap_or(0),
        })
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl Visitor<'_> for Text {
            type Value = Decimal;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("decimal text")
            }

            fn visit_str<E: de::Error>(self, text: &str) -> Result<Decimal, E> {
                Decimal::parse(text).ok_or_else(|| E::custom("not a decimal"))
            }
        }
        deserializer.deserialize_str(Text)
    }
}

thread_local! {
    static SPARE: RefCell<Vec<Vec<(Decimal, Decimal)>>> = const { RefCell::new(Vec::new()) };
}

/// One side of a book: price and quantity of each level, in a vector that goes back to a pool.
#[derive(Debug)]
pub struct Levels(pub Vec<(Decimal, Decimal)>);

impl Drop for Levels {
    fn drop(&mut self) {
        let levels = std::mem::take(&mut self.0);
        SPARE.with_borrow_mut(|pool| pool.push(levels));
    }
}

impl<'de> Deserialize<'de> for Levels {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Rows;
        impl<'de> Visitor<'de> for Rows {
            type Value = Levels;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of levels")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Levels, A::Error> {
                let mut levels = Levels(SPARE.with_borrow_mut(Vec::pop).unwrap_or_default());
                levels.0.clear();
                while let Some(level) = rows.next_element()? {
                    levels.0.push(level);
                }
                Ok(levels)
            }
        }
        deserializer.deserialize_seq(Rows)
    }
}

/// The wrapper of a combined stream, of which only the payload matters once the stream is known.
#[derive(Deserialize)]
pub struct Combined<T> {
    /// The payload.
    pub data: T,
}

/// `aggTrade`.
#[derive(Debug, Deserialize)]
pub struct Trade<'a> {
    /// Symbol.
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Event time in milliseconds.
    #[serde(rename = "E")]
    pub event_time: u64,
    /// Aggregate trade id.
    #[serde(rename = "a")]
    pub id: u64,
    /// Price.
    #[serde(rename = "p")]
    pub price: Decimal,
    /// Quantity.
    #[serde(rename = "q")]
    pub quantity: Decimal,
    /// First trade id.
    #[serde(rename = "f")]
    pub first: u64,
    /// Last trade id.
    #[serde(rename = "l")]
    pub last: u64,
    /// Trade time in milliseconds.
    #[serde(rename = "T")]
    pub trade_time: u64,
    /// Whether the buyer was the maker.
    #[serde(rename = "m")]
    pub buyer_is_maker: bool,
}

/// `depthUpdate`.
#[derive(Debug, Deserialize)]
pub struct Depth<'a> {
    /// Symbol.
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Event time in milliseconds.
    #[serde(rename = "E")]
    pub event_time: u64,
    /// First update id.
    #[serde(rename = "U")]
    pub first: u64,
    /// Last update id.
    #[serde(rename = "u")]
    pub last: u64,
    /// Bids.
    #[serde(rename = "b")]
    pub bids: Levels,
    /// Asks.
    #[serde(rename = "a")]
    pub asks: Levels,
}

/// `bookTicker`.
#[derive(Debug, Deserialize)]
pub struct Top<'a> {
    /// Symbol.
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Update id.
    #[serde(rename = "u")]
    pub update: u64,
    /// Best bid.
    #[serde(rename = "b")]
    pub bid: Decimal,
    /// Its quantity.
    #[serde(rename = "B")]
    pub bid_quantity: Decimal,
    /// Best ask.
    #[serde(rename = "a")]
    pub ask: Decimal,
    /// Its quantity.
    #[serde(rename = "A")]
    pub ask_quantity: Decimal,
}

/// `aggTrade`, its numbers left as text.
#[derive(Debug, Deserialize)]
pub struct TextTrade<'a> {
    /// Symbol.
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Event time in milliseconds.
    #[serde(rename = "E")]
    pub event_time: u64,
    /// Aggregate trade id.
    #[serde(rename = "a")]
    pub id: u64,
    /// Price.
    #[serde(rename = "p")]
    pub price: &'a str,
    /// Quantity.
    #[serde(rename = "q")]
    pub quantity: &'a str,
    /// First trade id.
    #[serde(rename = "f")]
    pub first: u64,
    /// Last trade id.
    #[serde(rename = "l")]
    pub last: u64,
    /// Trade time in milliseconds.
    #[serde(rename = "T")]
    pub trade_time: u64,
    /// Whether the buyer was the maker.
    #[serde(rename = "m")]
    pub buyer_is_maker: bool,
}

/// `depthUpdate`, its numbers left as text.
#[derive(Debug, Deserialize)]
pub struct TextDepth<'a> {
    /// Symbol.
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Event time in milliseconds.
    #[serde(rename = "E")]
    pub event_time: u64,
    /// First update id.
    #[serde(rename = "U")]
    pub first: u64,
    /// Last update id.
    #[serde(rename = "u")]
    pub last: u64,
    /// Bids.
    #[serde(rename = "b", borrow)]
    pub bids: Vec<(&'a str, &'a str)>,
    /// Asks.
    #[serde(rename = "a", borrow)]
    pub asks: Vec<(&'a str, &'a str)>,
}

/// `bookTicker`, its numbers left as text.
#[derive(Debug, Deserialize)]
pub struct TextTop<'a> {
    /// Symbol.
    #[serde(rename = "s")]
    pub symbol: &'a str,
    /// Update id.
    #[serde(rename = "u")]
    pub update: u64,
    /// Best bid.
    #[serde(rename = "b")]
    pub bid: &'a str,
    /// Its quantity.
    #[serde(rename = "B")]
    pub bid_quantity: &'a str,
    /// Best ask.
    #[serde(rename = "a")]
    pub ask: &'a str,
    /// Its quantity.
    #[serde(rename = "A")]
    pub ask_quantity: &'a str,
}

/// A typed message.
#[derive(Debug)]
pub enum Message<'a> {
    /// Our own event.
    Event(Event<'a>),
    /// A trade of which only the structure was read.
    TextTrade(TextTrade<'a>),
    /// A book update of which only the structure was read.
    TextDepth(TextDepth<'a>),
    /// A book top of which only the structure was read.
    TextTop(TextTop<'a>),
    /// A trade.
    Trade(Trade<'a>),
    /// A book update.
    Depth(Depth<'a>),
    /// A book top.
    Top(Top<'a>),
}

/// Which kind a message is, by the name of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// `aggTrade`.
    Trade,
    /// `depth`.
    Depth,
    /// `bookTicker`.
    Top,
}

impl Kind {
    /// Looks at the stream's name, which stands first.
    #[must_use]
    pub fn of(message: &[u8]) -> Option<Self> {
        let at = message.iter().take(64).position(|&byte| byte == b'@')?;
        match message.get(at + 1)? {
            b'a' => Some(Self::Trade),
            b'd' => Some(Self::Depth),
            b'b' => Some(Self::Top),
            _ => None,
        }
    }
}

/// What every way of decoding must agree on: enough of each message that nothing can be left out.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// Trades, book updates and tops.
    pub messages: u64,
    /// Levels of all book updates.
    pub levels: u64,
    /// All mantissas and numbers, added up.
    pub sum: u64,
}

impl Digest {
    /// Takes a number in.
    pub const fn number(&mut self, number: u64) {
        self.sum = self.sum.wrapping_add(number);
    }

    /// Takes a decimal in: its mantissa at eight places behind the point, as the traffic prints it.
    pub const fn mantissa(&mut self, mantissa: i64) {
        self.number(mantissa.cast_unsigned());
    }

    /// Takes a message in.
    pub fn message(&mut self, message: &Message<'_>) {
        self.messages += 1;
        match message {
            Message::Trade(trade) => {
                self.mantissa(trade.price.mantissa);
                self.mantissa(trade.quantity.mantissa);
                self.number(trade.id);
                self.number(u64::from(trade.buyer_is_maker));
            }
            Message::Depth(depth) => {
                self.number(depth.first);
                self.number(depth.last);
                for (price, quantity) in depth.bids.0.iter().chain(&depth.asks.0) {
                    self.levels += 1;
                    self.mantissa(price.mantissa);
                    self.mantissa(quantity.mantissa);
                }
            }
            Message::Event(event) => self.event(event),
            Message::TextTrade(trade) => self.number(trade.id),
            Message::TextDepth(depth) => {
                self.levels += (depth.bids.len() + depth.asks.len()) as u64
            }
            Message::TextTop(top) => self.number(top.update),
            Message::Top(top) => {
                for decimal in [top.bid, top.bid_quantity, top.ask, top.ask_quantity] {
                    self.mantissa(decimal.mantissa);
                }
                self.number(top.update);
            }
        }
    }

    fn event(&mut self, event: &Event<'_>) {
        match event.body {
            Body::Trade(trade) => {
                self.mantissa(trade.price.mantissa());
                self.mantissa(trade.quantity.mantissa());
                self.number(trade.id.cast_unsigned());
                self.number(u64::from(trade.aggressor == Side::Sell));
            }
            Body::Book(book) => {
                if book.kind == BookKind::Delta {
                    self.number(book.first.unwrap_or_default().cast_unsigned());
                    self.levels += (book.bids.len() + book.asks.len()) as u64;
                }
                self.number(book.last.unwrap_or_default().cast_unsigned());
                for level in book.bids.iter().chain(book.asks) {
                    self.mantissa(level.price.mantissa());
                    self.mantissa(level.quantity.mantissa());
                }
            }
            _ => {}
        }
    }
}
