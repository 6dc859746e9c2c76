//! The exchange twin.

mod answer;
mod binance;
mod book;
mod decimal;
mod desk;
mod instrument;
mod market;
mod news;
mod okx;
mod random;
mod tape;
mod uri;

pub use instrument::{Instrument, InvalidInstrument};
pub use news::Ids;
