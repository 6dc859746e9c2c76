//! Binance spot and USD-M: paths, stream names, requests, messages, REST.
//!
//! Sources: "WebSocket Streams for Binance", "USDⓈ-M Futures WebSocket Market Streams" and the
//! notice that split the latter into routes; what they leave out is as observed on the wire.

pub(super) mod data;
pub(super) mod request;
pub(super) mod rest;
mod route;

pub(super) use route::{open, stream};
