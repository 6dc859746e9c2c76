//! The laws by name, and whether the search can be believed.

mod belief;
mod laws;

use crate::market::Market;

/// One that acknowledges requests, one that acknowledges streams.
const MARKETS: [Market; 2] = [Market::BinanceSpot, Market::Okx];
