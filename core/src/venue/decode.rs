//! From a message to typed events.

use core::fmt;

use super::binance::{self, Dialect};
use super::found::Found;
use super::json::Fail;
use super::{Control, Query, okx};
use crate::market::{Channel, Event, Market};

/// Reads the messages of one market.
///
/// Decide first, borrow last: [`decode`](Self::decode) says what a message is and keeps what it
/// found; [`event`](Self::event), [`control`](Self::control) and [`kind`](Self::kind) lend it
/// together with the text, until the next `decode`. After warm-up nothing is allocated, but for
/// the texts of instruments, which are seldom told.
///
/// ```
/// use marketprism_core::market::{Body, Market};
/// use marketprism_core::venue::{Decoded, Decoder};
///
/// let text = r#"{"stream":"bnbbtc@trade","data":{"e":"trade","E":1672515782136,"s":"BNBBTC",
///     "t":12345,"p":"0.00100000","q":"100","T":1672515782136,"m":true,"M":true}}"#;
/// let mut decoder = Decoder::new(Market::BinanceSpot);
/// let Ok(Decoded::Events { count: 1, .. }) = decoder.decode(text) else { panic!() };
/// let Some(event) = decoder.event(text, 0) else { panic!() };
/// let Body::Trade(trade) = event.body else { panic!() };
/// assert_eq!((event.instrument, trade.price.to_string().as_str()), ("BNBBTC", "0.00100000"));
/// ```
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub struct Decoder {
    market: Market,
    /// Of the message decoded last, if it was market data.
    channel: Option<Channel>,
    found: Found,
    fallbacks: u64,
}

/// What a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decoded {
    /// Market data: `count` events, each lent by [`Decoder::event`].
    Events {
        /// The channel of all of them.
        channel: Channel,
        /// How many events.
        count: usize,
        /// How many trades were left out because price and quantity are zero: Binance sends such
        /// for trade numbers that were spent without a trade. Each is lent by
        /// [`Decoder::spent`].
        spent: usize,
        /// How many rows were left out because they belong to another market: the streams of
        /// all instruments of a Binance futures market carry both markets (since 2026-06-30).
        foreign: usize,
    },
    /// Not data; lent by [`Decoder::control`].
    Control,
    /// A message that the venue documents and that is not decoded here, such as what repeats
    /// another message with fewer fields; named by [`Decoder::kind`].
    Unhandled,
    /// A message of a kind that we have never heard of; what names it, if anything does, is lent
    /// by [`Decoder::kind`].
    Unknown,
}

/// Why a message cannot be read. The next one may be fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct DecodeError {
    /// The channel, as far as it was known.
    pub channel: Option<Channel>,
    /// Where in the message, in bytes.
    pub offset: usize,
    /// The field that it is about, by the venue's name; empty if about none.
    pub field: &'static str,
    /// What is wrong.
    pub problem: Problem,
}

/// What is wrong with a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Problem {
    /// Not JSON.
    Syntax,
    /// Nested too deeply.
    TooDeep,
    /// More rows or levels, or a longer text, than any venue sends.
    TooMany,
    /// A documented field is missing.
    Missing,
    /// A field stands there twice.
    Duplicate,
    /// A field is of another type than documented.
    Type,
    /// A number is not in plain notation.
    Number,
    /// A number is too large to be held exactly.
    Overflow,
    /// A value that the venue does not document.
    Value,
}

/// The longest message. WebSocket limits are far lower; places within a message are kept in 32
/// bits.
const MAX_MESSAGE: usize = 64 << 20;

impl Decoder {
    /// A decoder for the messages of a market.
    #[must_use]
    pub fn new(market: Market) -> Self {
        Self {
            market,
            channel: None,
            found: Found::default(),
            fallbacks: 0,
        }
    }

    /// The market.
    #[must_use]
    pub const fn market(&self) -> Market {
        self.market
    }

    /// How many messages went through the general reader, because they were no market data or
    /// did not come in the expected order. Many of the latter say that a venue has changed its
    /// writer.
    #[must_use]
    pub const fn fallbacks(&self) -> u64 {
        self.fallbacks
    }

    /// Reads a message.
    ///
    /// # Errors
    ///
    /// When the message is not JSON, or not what its kind is documented to be.
    #[inline]
    pub fn decode(&mut self, text: &str) -> Result<Decoded, DecodeError> {
        self.found.clear();
        if text.len() > MAX_MESSAGE {
            return Err(Fail::TOO_LONG.at_large());
        }
        let found = &mut self.found;
        self.channel = match self.market {
            Market::BinanceSpot => binance::scan(Dialect::Spot, text, found),
            Market::BinanceUsdm => binance::scan(Dialect::Usdm, text, found),
            Market::BinanceCoinm => binance::scan(Dialect::Coinm, text, found),
            Market::Okx => okx::scan(text, found),
        };
        match self.channel {
            Some(channel) => Ok(self.found.events(channel)),
            None => self.decode_any(text),
        }
    }

    /// The general reader, for what does not come in the expected order.
    #[cold]
    fn decode_any(&mut self, text: &str) -> Result<Decoded, DecodeError> {
        self.found.clear();
        self.fallbacks += 1;
        let found = &mut self.found;
        let decoded = match self.market {
            Market::BinanceSpot => binance::read(Dialect::Spot, text, found),
            Market::BinanceUsdm => binance::read(Dialect::Usdm, text, found),
            Market::BinanceCoinm => binance::read(Dialect::Coinm, text, found),
            Market::Okx => okx::read(text, found),
        };
        self.settle(decoded)
    }

    /// Reads the body of an answer to a query over REST, to be lent as any message is: the
    /// channel of its events is that of the query, and so is the instrument where the answer
    /// does not repeat it. Trades and ratios are lent oldest first, as streams bring them. The
    /// refusal of a query is a [`Control::Refused`].
    ///
    /// # Errors
    ///
    /// When the answer is not JSON, or not what it is documented to be.
    pub fn decode_answer(&mut self, query: Query<'_>, text: &str) -> Result<Decoded, DecodeError> {
        self.channel = None;
        self.found.clear();
        if text.len() > MAX_MESSAGE {
            return Err(Fail::TOO_LONG.at_large());
        }
        let found = &mut self.found;
        let decoded = match self.market {
            Market::BinanceSpot => binance::answer(Dialect::Spot, query, text, found),
            Market::BinanceUsdm => binance::answer(Dialect::Usdm, query, text, found),
            Market::BinanceCoinm => binance::answer(Dialect::Coinm, query, text, found),
            Market::Okx => okx::answer(query, text, found),
        };
        self.settle(decoded)
    }

    /// Keeps the channel of what was found.
    fn settle(&mut self, decoded: Result<Decoded, DecodeError>) -> Result<Decoded, DecodeError> {
        match decoded {
            Ok(Decoded::Events { channel, .. }) => self.channel = Some(channel),
            Ok(Decoded::Control | Decoded::Unhandled | Decoded::Unknown) => {}
            // Nothing of a message that failed is lent.
            Err(_) => self.found.clear(),
        }
        decoded
    }

    /// The event number `index` of the message decoded last, which `text` has to be.
    #[must_use]
    pub fn event<'a>(&'a self, text: &'a str, index: usize) -> Option<Event<'a>> {
        self.found.event(self.market, self.channel?, text, index)
    }

    /// The trade number `index` of those left out of the message decoded last, which `text` has
    /// to be: its number was spent, and it never happened.
    #[must_use]
    pub fn spent<'a>(&'a self, text: &'a str, index: usize) -> Option<Event<'a>> {
        self.found.spent(self.market, self.channel?, text, index)
    }

    /// The message decoded last, which `text` has to be, if it is a control message.
    #[must_use]
    pub fn control<'a>(&'a self, text: &'a str) -> Option<Control<'a>> {
        self.found.control(self.market.venue(), text)
    }

    /// What the message decoded last, which `text` has to be, calls itself: `kline`, `opt-summary`;
    /// empty if it has no name.
    #[must_use]
    pub fn kind<'a>(&'a self, text: &'a str) -> &'a str {
        self.found.kind(text)
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(channel) = self.channel {
            write!(f, "{channel}: ")?;
        }
        f.write_str(self.problem.name())?;
        if !self.field.is_empty() {
            write!(f, ", field `{}`", self.field)?;
        }
        write!(f, ", at byte {}", self.offset)
    }
}

impl core::error::Error for DecodeError {}

impl Problem {
    /// A few words for logs and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Syntax => "not JSON",
            Self::TooDeep => "nested too deeply",
            Self::TooMany => "too long",
            Self::Missing => "missing",
            Self::Duplicate => "given twice",
            Self::Type => "of another type than documented",
            Self::Number => "not a plain number",
            Self::Overflow => "a number with too many digits",
            Self::Value => "an undocumented value",
        }
    }
}
