//! By what a client can tell of a fault, and for how long the fault goes on: what its recovery is
//! measured against.

use std::fmt;
use std::time::Duration;

use super::fault::Fault;
use super::gate::BadUpgrade;
use super::tls::HandshakeFault;

/// By what a client can tell of a fault at the soonest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sign {
    /// By what it reads, or by an error of its socket.
    AtOnce,
    /// By the deadline of a dial, TLS included.
    Connect,
    /// By the deadline of the upgrade.
    Upgrade,
    /// By the deadline of a connection on which nothing comes.
    Silence,
    /// By the deadline of a connection on which no data comes.
    Data,
    /// By the deadline of one stream among others that flow.
    Stream,
    /// By the deadline of an acknowledgement.
    Ack,
    /// By what it reads; and then the far end does not close.
    Close,
    /// By a refusal, after which a client does not ask again at once.
    Refusal,
}

impl fmt::Display for Sign {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtOnce => "at-once",
            Self::Connect => "connect",
            Self::Upgrade => "upgrade",
            Self::Silence => "silence",
            Self::Data => "data",
            Self::Stream => "stream",
            Self::Ack => "ack",
            Self::Close => "close",
            Self::Refusal => "refusal",
        })
    }
}

impl Fault {
    /// By what a client can tell of it at the soonest.
    #[must_use]
    pub const fn sign(self) -> Sign {
        match self {
            Self::Close(_)
            | Self::Cut
            | Self::Reset
            | Self::HalfClose
            | Self::Status(..)
            | Self::Rest(..)
            | Self::LostAck
            | Self::MissingUpdates(_)
            | Self::Refuse(_)
            | Self::ResetOnAccept(_)
            | Self::Unread(_)
            | Self::Handshake(
                HandshakeFault::Cut | HandshakeFault::PlainHttp | HandshakeFault::Certificate(_),
                _,
            )
            | Self::Record(_)
            | Self::Notice
            | Self::Lifetime
            | Self::Upgrade(BadUpgrade::Slow(_) | BadUpgrade::WrongKey)
            | Self::HangUp(..)
            | Self::Frame(_)
            | Self::Json(..)
            | Self::DuplicatedUpdates(_)
            | Self::ReorderedUpdates(_)
            | Self::LateUpdate(_)
            | Self::SingleBytes(_)
            | Self::PingFlood(_)
            | Self::DataFlood(_) => Sign::AtOnce,
            Self::CloseAndHang(_) => Sign::Close,
            Self::Upgrade(BadUpgrade::Unanswered | BadUpgrade::Unfinished) => Sign::Upgrade,
            Self::DroppedSyn(_)
            | Self::Handshake(HandshakeFault::Hang | HandshakeFault::HangMidway, _) => {
                Sign::Connect
            }
            Self::Stall => Sign::Silence,
            Self::StallWithPings => Sign::Data,
            Self::SilentStream => Sign::Stream,
            Self::LostRequest => Sign::Ack,
            Self::RefusedAck => Sign::Refusal,
        }
    }

    /// Whether it tells a client to keep away with all its connections: a refusal that names a
    /// time is meant for the client's address.
    #[must_use]
    pub const fn keeps_away(self) -> bool {
        matches!(self, Self::Status(403 | 418 | 429, _))
    }

    /// How long it goes on, whatever the client does.
    #[must_use]
    pub const fn lasts(self) -> Duration {
        match self {
            Self::Status(_, pause)
            | Self::Rest(_, pause)
            | Self::Refuse(pause)
            | Self::DroppedSyn(pause)
            | Self::ResetOnAccept(pause)
            | Self::Unread(pause)
            | Self::Handshake(_, pause)
            | Self::Upgrade(BadUpgrade::Slow(pause))
            | Self::HangUp(_, pause)
            | Self::DataFlood(pause) => pause,
            Self::Close(_)
            | Self::Cut
            | Self::Reset
            | Self::HalfClose
            | Self::Stall
            | Self::StallWithPings
            | Self::SilentStream
            | Self::LostAck
            | Self::LostRequest
            | Self::RefusedAck
            | Self::MissingUpdates(_)
            | Self::Record(_)
            | Self::Notice
            | Self::CloseAndHang(_)
            | Self::Lifetime
            | Self::Upgrade(
                BadUpgrade::Unanswered | BadUpgrade::Unfinished | BadUpgrade::WrongKey,
            )
            | Self::Frame(_)
            | Self::Json(..)
            | Self::DuplicatedUpdates(_)
            | Self::ReorderedUpdates(_)
            | Self::LateUpdate(_)
            | Self::SingleBytes(_)
            | Self::PingFlood(_) => Duration::ZERO,
        }
    }
}
