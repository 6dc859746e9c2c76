//! OKX v5: paths, requests, messages, REST.
//!
//! Source: the OKX API guide, sections "WebSocket", "Order Book Trading / Market Data",
//! "Public Data", "Trading Statistics" and "Error Code"; what it leaves out is as observed on the wire.

mod account;
pub(super) mod data;
pub(super) mod figures;
mod login;
pub(super) mod request;
pub(super) mod rest;

use super::desk::Opening;
use super::news::Unit;
use super::uri::Target;

/// What a path of the WebSocket server opens; `None` where there is nothing.
pub(super) fn open(target: &Target) -> Option<Opening> {
    let route = match target.path.as_str() {
        "/ws/v5/public" => "public",
        "/ws/v5/business" => "business",
        "/ws/v5/private" => "private",
        _ => return None,
    };
    Some(Opening {
        route,
        wrapped: false,
        unit: Unit::Millis,
        streams: Vec::new(),
    })
}
