//! What channels are about.

use core::fmt;

/// What a channel is about, and with it what a stream's `instrument` names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// One instrument: `BTCUSDT`, `BTC-USDT-SWAP`. On Binance COIN-M `markPrice` takes a pair as
    /// well.
    Instrument,
    /// A pair or an index: `BTCUSD`, `BTC-USDT`.
    Pair,
    /// A pair and a kind of contract: `BTCUSDT_PERPETUAL`.
    Contract,
    /// A type of instrument: `SPOT`, `MARGIN`, `SWAP`, `FUTURES`, `OPTION`.
    InstrumentType,
    /// A type of instrument, or `ANY` for all types.
    AnyType,
    /// All instruments of the market; the name is empty.
    Market,
}

/// Instrument types of OKX, as requests write them.
const INSTRUMENT_TYPES: [&str; 5] = ["SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"];

/// All of them, in a request for an account's orders or positions.
const ANY_TYPE: &str = "ANY";

impl Scope {
    /// Whether this can be the name of what a channel is about.
    #[must_use]
    pub fn admits(self, name: &str) -> bool {
        match self {
            Self::Market => name.is_empty(),
            Self::InstrumentType => INSTRUMENT_TYPES.contains(&name),
            Self::AnyType => name == ANY_TYPE || INSTRUMENT_TYPES.contains(&name),
            Self::Instrument | Self::Pair | Self::Contract => is_plain(name),
        }
    }
}

/// Instruments are letters, digits (of any script, since Binance lists such) and `-`, `_`, `.`.
fn is_plain(name: &str) -> bool {
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    !name.is_empty() && name.chars().all(plain)
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Instrument => f.write_str("an instrument"),
            Self::Pair => f.write_str("a pair or an index"),
            Self::Contract => {
                f.write_str("a pair and a kind of contract, such as BTCUSDT_PERPETUAL")
            }
            Self::InstrumentType => write_types(f),
            Self::AnyType => {
                write_types(f)?;
                write!(f, ", or {ANY_TYPE}")
            }
            Self::Market => f.write_str("anything: the channel is of the whole market"),
        }
    }
}

fn write_types(f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str("a type of instrument, which is")?;
    INSTRUMENT_TYPES
        .iter()
        .try_for_each(|name| write!(f, " {name}"))
}
