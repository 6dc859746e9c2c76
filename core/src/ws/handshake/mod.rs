//! The opening handshake (RFC 6455 section 4).

/// Why an answer to an upgrade request is not a valid upgrade.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum HandshakeError {}
