//! Binance spot, USD-M and COIN-M: paths, stream names, requests, messages, REST.
//!
//! Sources: "WebSocket Streams for Binance", "USDⓈ-M Futures WebSocket Market Streams", the notice
//! that split the latter into routes, "COIN-M Futures WebSocket Market Streams" and the notice of
//! their integration; what they leave out is as observed on the wire.

mod account;
pub(super) mod api;
pub(super) mod data;
pub(super) mod figures;
mod instruments;
pub(super) mod request;
pub(super) mod rest;
mod route;
mod statistics;
mod trades;

pub(super) use route::{open, stream};
