//! OKX v5, public channels: paths, requests, messages, REST.
//!
//! Source: the OKX API guide, sections "WebSocket", "Order Book Trading / Market Data" and
//! "Error Code"; what it leaves out is as observed on the wire.

pub(super) mod data;
pub(super) mod request;
pub(super) mod rest;

use super::uri::Target;

/// The route that a path of the WebSocket server stands for.
pub(super) fn open(target: &Target) -> Option<&'static str> {
    match target.path.as_str() {
        "/ws/v5/public" => Some("public"),
        "/ws/v5/business" => Some("business"),
        "/ws/v5/private" => Some("private"),
        _ => None,
    }
}
