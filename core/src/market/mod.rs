//! What the venues say, in one language: exact, normalised, borrowed events.

mod channel;
mod decimal;
mod event;
mod missing;

pub use channel::{Channel, DepthLevels, Market, Speed, UnknownName, Venue};
pub(crate) use decimal::digits;
pub use decimal::{Decimal, NumberError, Wide};
pub use event::{Body, Book, BookKind, Event, InstrumentType, Level, Side, Ticker, Trade};
pub use missing::Missing;
