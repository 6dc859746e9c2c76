//! The opening handshake (RFC 6455 section 4), both sides.
//!
//! A client writes a [`Request`] and has a [`ResponseReader`] check the answer; a server has a
//! [`RequestReader`] collect the request, parses it as a [`ServerRequest`], and accepts the
//! upgrade or answers otherwise.

mod client;
pub(super) mod extensions;
mod fields;
mod head;
mod server;

use core::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha1::{Digest as _, Sha1};

pub use client::{InvalidRequest, Refused, Request, ResponseReader, Upgraded};
pub use server::{RequestReader, Response, ServerRequest, Upgrade};

/// Header fields that a head may have.
const MAX_FIELDS: usize = 64;
/// What a server appends to the key (RFC 6455 section 1.3).
const GUID: &[u8] = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
/// The version of the protocol (RFC 6455 section 4.1).
const VERSION: &str = "13";

/// Why a request or an answer is not a valid upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HandshakeError {
    /// The head is longer than [`Limits::max_handshake`](super::Limits::max_handshake).
    TooLong,
    /// The head has more than 64 header fields.
    TooManyFields,
    /// The head is not HTTP.
    Syntax,
    /// The HTTP version is not 1.1.
    HttpVersion,
    /// A request's method is not GET.
    Method,
    /// A request does not name the host, or names several.
    Host,
    /// A request comes with a body.
    Body,
    /// `Upgrade` does not name `websocket`.
    Upgrade,
    /// `Connection` does not name `upgrade`.
    Connection,
    /// `Sec-WebSocket-Key` is missing, repeated or not 16 bytes in base64.
    Key,
    /// `Sec-WebSocket-Version` is missing, repeated or not 13.
    Version,
    /// `Sec-WebSocket-Accept` is missing, repeated or not the one that our key asks for.
    Accept,
    /// The answer names a subprotocol that was not requested, or several.
    Protocol,
    /// The answer uses an extension that was not offered, or in a way that was not.
    Extension,
}

impl HandshakeError {
    /// The HTTP status that tells a client (RFC 6455 section 4.2.2, RFC 9110 section 15,
    /// RFC 6585 section 5).
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Self::TooLong | Self::TooManyFields => 431,
            Self::HttpVersion => 505,
            Self::Method => 405,
            Self::Version => 426,
            Self::Body => 413,
            Self::Syntax
            | Self::Host
            | Self::Upgrade
            | Self::Connection
            | Self::Key
            | Self::Accept
            | Self::Protocol
            | Self::Extension => 400,
        }
    }
}

impl fmt::Display for HandshakeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLong => "the head is too long",
            Self::TooManyFields => "the head has too many fields",
            Self::Syntax => "the head is not HTTP",
            Self::HttpVersion => "the HTTP version is not 1.1",
            Self::Method => "the method is not GET",
            Self::Host => "the host is missing or ambiguous",
            Self::Body => "the request has a body",
            Self::Upgrade => "Upgrade does not name websocket",
            Self::Connection => "Connection does not name upgrade",
            Self::Key => "Sec-WebSocket-Key is missing or invalid",
            Self::Version => "Sec-WebSocket-Version is not 13",
            Self::Accept => "Sec-WebSocket-Accept is missing or wrong",
            Self::Protocol => "the subprotocol was not requested",
            Self::Extension => "the extension was not offered",
        })
    }
}

impl core::error::Error for HandshakeError {}

/// `Sec-WebSocket-Accept`: 20 bytes in base64.
type Accept = [u8; 28];

/// What answers a key (RFC 6455 section 4.2.2).
fn accept(key: &[u8]) -> Accept {
    let digest = Sha1::new().chain_update(key).chain_update(GUID).finalize();
    encode(&digest)
}

/// `bytes` in base64, into an array of the fitting size.
fn encode<const N: usize>(bytes: &[u8]) -> [u8; N] {
    let mut out = [0; N];
    // The callers' sizes fit, so this cannot fail; were it to, the answer would not match.
    STANDARD.encode_slice(bytes, &mut out).unwrap_or_default();
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_rfc_holds() {
        assert_eq!(
            &accept(b"dGhlIHNhbXBsZSBub25jZQ=="),
            b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
        );
        assert_eq!(
            &encode::<24>(b"the sample nonce"),
            b"dGhlIHNhbXBsZSBub25jZQ=="
        );
    }
}
