//! What the venues say, in one language: exact, normalised, borrowed events.

mod account;
mod catalog;
mod channel;
mod channel_name;
mod decimal;
mod event;
mod figures;
mod instrument;
mod interval;
mod missing;
mod names;
mod scope;

pub use account::{
    Balance, BalanceFigures, Fill, FillFigures, Liquidity, MarginMode, Order, OrderFigures,
    OrderState, Page, Position, PositionFigures, PositionSide,
};
pub use catalog::{Catalog, Collision, Listed, ROUNDED_DIGITS, Worth};
pub use channel::{Channel, Content};
pub(crate) use decimal::digits;
pub use decimal::{Decimal, NumberError, Wide};
pub use event::{Body, Book, BookKind, Event, Level, Side, Trade};
pub use figures::{
    Candle, Counted, Funding, IndexPrice, Liquidation, MarkPrice, OpenInterest, PriceLimit, Ratio,
    Ticker,
};
pub use instrument::{Contract, ContractStyle, Instrument, InstrumentType};
pub use interval::{DayStart, DepthLevels, Interval, Speed};
pub use missing::Missing;
pub use names::{Market, UnknownName, Venue};
pub use scope::Scope;
