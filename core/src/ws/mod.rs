//! RFC 6455 and RFC 7692, both roles, without time.

pub mod handshake;

/// How a peer broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Violation {}
