//! How a peer can break the protocol.

use core::fmt;

/// How a peer broke the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Violation {
    /// A reserved bit is set without an extension that gives it a meaning (RFC 6455 section 5.2,
    /// RFC 7692 section 6).
    ReservedBits,
    /// The opcode is one of those reserved (RFC 6455 section 5.2).
    ReservedOpcode,
    /// A control frame is fragmented (RFC 6455 section 5.4).
    FragmentedControl,
    /// A control frame's payload is longer than 125 bytes (RFC 6455 section 5.5).
    ControlTooLong,
    /// A continuation frame, although no message is under way (RFC 6455 section 5.4).
    UnexpectedContinuation,
    /// A new message, although one is under way (RFC 6455 section 5.4).
    ExpectedContinuation,
    /// A server masked a frame (RFC 6455 section 5.1).
    Masked,
    /// A client did not mask a frame (RFC 6455 section 5.1).
    Unmasked,
    /// A payload length takes more bytes than it needs (RFC 6455 section 5.2).
    NonMinimalLength,
    /// The most significant bit of a 64-bit payload length is set (RFC 6455 section 5.2).
    OversizedLength,
    /// A frame or a message is longer than our limits allow.
    MessageTooBig,
    /// A message has more frames than our limits allow.
    TooManyFragments,
    /// A text message is not UTF-8 (RFC 6455 section 8.1).
    InvalidUtf8,
    /// A close frame has a payload of one byte (RFC 6455 section 5.5.1).
    CloseLength,
    /// A close frame carries a code that must not be sent (RFC 6455 section 7.4).
    CloseCode,
    /// The reason in a close frame is not UTF-8 (RFC 6455 section 5.5.1).
    CloseReason,
    /// A compressed message is not valid DEFLATE data (RFC 7692 section 7.2.2).
    Deflate,
}

impl Violation {
    /// The close code that tells the peer (RFC 6455 section 7.4.1).
    #[must_use]
    pub const fn close_code(self) -> u16 {
        match self {
            Self::ReservedBits
            | Self::ReservedOpcode
            | Self::FragmentedControl
            | Self::ControlTooLong
            | Self::UnexpectedContinuation
            | Self::ExpectedContinuation
            | Self::Masked
            | Self::Unmasked
            | Self::NonMinimalLength
            | Self::OversizedLength
            | Self::CloseLength
            | Self::CloseCode => 1002,
            Self::InvalidUtf8 | Self::CloseReason | Self::Deflate => 1007,
            Self::MessageTooBig | Self::TooManyFragments => 1009,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ReservedBits => "reserved bits are set",
            Self::ReservedOpcode => "the opcode is reserved",
            Self::FragmentedControl => "a control frame is fragmented",
            Self::ControlTooLong => "a control frame is longer than 125 bytes",
            Self::UnexpectedContinuation => "a continuation without a message to continue",
            Self::ExpectedContinuation => "a new message inside a fragmented one",
            Self::Masked => "a server's frame is masked",
            Self::Unmasked => "a client's frame is not masked",
            Self::NonMinimalLength => "a length takes more bytes than it needs",
            Self::OversizedLength => "a length has its most significant bit set",
            Self::MessageTooBig => "a message is too big",
            Self::TooManyFragments => "a message has too many fragments",
            Self::InvalidUtf8 => "a text message is not UTF-8",
            Self::CloseLength => "a close frame has a payload of one byte",
            Self::CloseCode => "a close frame has an invalid code",
            Self::CloseReason => "the reason in a close frame is not UTF-8",
            Self::Deflate => "a compressed message is not valid DEFLATE data",
        })
    }
}

impl core::error::Error for Violation {}
