//! RFC 6455 (WebSocket) and RFC 7692 (permessage-deflate), both roles, without time.
//!
//! The parts, each usable alone:
//!
//! * [`handshake`]: the upgrade request and its answer, for either side.
//! * [`Decoder`]: received bytes in, [`Item`]s out. A message that arrives in one frame and whole
//!   is lent from the receive buffer without a copy.
//! * [`TransmitQueue`]: messages in, bytes to write out. Bounded, with a reserve for control
//!   frames.
//! * [`deflate`]: the negotiation of permessage-deflate; [`Decoder`] and [`TransmitQueue`] apply
//!   what was agreed.
//! * [`Server`]: the above put together in the server role, with pongs and the close handshake.
//!
//! Every limit stands in [`Limits`], and is applied when a header is read, before anything is
//! stored.

mod assembly;
mod close;
mod codec;
mod decode;
pub mod deflate;
mod frame;
pub mod handshake;
mod lane;
mod mask;
mod server;
mod short;
mod transmit;
mod utf8;
mod violation;

pub use close::{CloseFrame, is_valid_close_code};
pub use decode::{Decoder, Found, Kind};
pub use frame::Opcode;
pub use server::{Server, ServerError, ServerEvent};
pub use transmit::{Full, TransmitQueue};
pub use violation::Violation;

/// Memory that a buffer keeps between messages; a message beyond it gives the excess back.
const KEEP: usize = 1 << 20;

/// Which end of the connection we are. A client masks what it sends and a server does not
/// (RFC 6455 section 5.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Role {
    /// We asked for the upgrade.
    Client,
    /// We were asked.
    Server,
}

/// The most that a peer can make us store or follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Limits {
    /// Bytes in a message, after inflation.
    pub max_message: usize,
    /// Bytes in a frame's payload, as transmitted.
    pub max_frame: usize,
    /// Frames in a message.
    pub max_fragments: u32,
    /// Bytes in the head of the upgrade request or of its answer.
    pub max_handshake: usize,
}

impl Limits {
    /// 16 MiB a message and a frame, 16384 frames a message (as the `ws` package for Node does),
    /// 16 KiB a handshake.
    pub const DEFAULT: Self = Self {
        max_message: 16 << 20,
        max_frame: 16 << 20,
        max_fragments: 16 << 10,
        max_handshake: 16 << 10,
    };
}

impl Default for Limits {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// A message to be sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Text.
    Text(&'a str),
    /// Bytes.
    Binary(&'a [u8]),
}

/// What has been received: a whole message or a control frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Item<'a> {
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
    /// A ping, to be answered by a pong with the same payload (RFC 6455 section 5.5.2).
    Ping(&'a [u8]),
    /// A pong.
    Pong(&'a [u8]),
    /// The peer's close frame, with what it carried. Nothing comes after it.
    Close(Option<CloseFrame<'a>>),
}
