//! What goes into a connection and what comes out of it: small values, all but the endpoint
//! `Copy`.

use alloc::string::String;
use core::time::Duration;

use crate::time::Time;
use crate::ws::Violation;

/// The number of a dial. Each attempt gets the next one, so an input that speaks of a socket
/// that is no longer ours is recognised and ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Epoch(u32);

impl Epoch {
    /// The number of the next dial.
    pub(super) const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// The dial with this number, as a recording tells it.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Its number; the first dial has the lowest.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// The number of a request over REST among those of its machine. Each gets the next one, so an
/// answer that nobody awaits any more is recognised and ignored.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FetchId(u32);

impl FetchId {
    /// The number of the next request.
    pub(crate) const fn next(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// The request with this number, as a recording tells it.
    #[must_use]
    pub const fn from_number(number: u32) -> Self {
        Self(number)
    }

    /// Its number; the first request has the lowest.
    #[must_use]
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// What happened, told to the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// The application wants the connection. It has no effect unless stopped.
    Start,
    /// The socket of this epoch is connected (TCP, and TLS where the endpoint asks for it).
    Dialed(Epoch),
    /// The socket of this epoch could not be had.
    DialFailed(Epoch, Fault),
    /// The peer ended its side of the stream (FIN, or a TLS stream that just ends).
    Eof(Epoch),
    /// Reading or writing failed.
    Broken(Epoch, Fault),
    /// The last owner of the file descriptor is gone and it is closed. Due after every
    /// [`Action::Drop`], even if the dial never got as far as a socket.
    Released(Epoch),
    /// The clock has reached [`poll_timeout`](super::Connection::poll_timeout)'s deadline.
    Timeout,
    /// Replace the socket in good order: the venue announced a shutdown, or the operator asks.
    Renew,
    /// No dial before this instant: a budget shared with other connections is spent, or the
    /// venue banned this address. The latest of several counts.
    Hold(Time),
    /// No planned renewal before this instant: another connection that carries the same is down.
    /// The last of several counts. What the server asks for is done at once all the same.
    Stay(Time),
    /// No dial until [`Input::Permit`]: the application has yet to get something that a new socket
    /// needs. The socket there is stays.
    Withhold,
    /// The application has what a new socket needs.
    Permit,
    /// The application is done: close in good order and stay down.
    Stop,
}

/// What to do to the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "an action that is not carried out leaves the connection waiting"]
pub enum Action {
    /// Dial the endpoint; answer with `Dialed` or `DialFailed`.
    Dial(Epoch),
    /// Close the socket of this epoch (or give up the dial), then answer with
    /// [`Input::Released`].
    Drop(Epoch),
    /// Have somebody who holds the secrets sign what [`Machine::challenge`](crate::Machine::challenge)
    /// lends, and answer with [`Machine::signed`](crate::Machine::signed). A bare connection asks
    /// when its [target is signed](super::Target::Signed); all else is for the layers above.
    Sign(Epoch),
    /// Send the request that [`Machine::request`](crate::Machine::request) lends over HTTP, and
    /// answer with [`Machine::fetched`](crate::Machine::fetched), exactly once and whatever comes
    /// of it. It needs no socket of the connection, and like `Sign` is for the layers above one.
    Fetch(FetchId),
}

/// Where a connection stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Phase {
    /// Down, and staying down until [`Input::Start`].
    Stopped,
    /// Waiting for the backoff to pass. No socket.
    Waiting,
    /// A dial is under way.
    Connecting,
    /// The upgrade request is under way.
    Upgrading,
    /// Messages flow.
    Open,
    /// The close handshake is under way.
    Closing,
    /// Waiting for the shell to confirm that the socket is gone.
    Releasing,
}

/// The rows of the timer table: what a deadline is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Timer {
    /// The dial takes too long.
    Connect,
    /// The answer to the upgrade request takes too long.
    Upgrade,
    /// Nothing received for a while: ping.
    Probe,
    /// Nothing received although a ping was sent: dead.
    Silence,
    /// Control frames arrive but data does not: dead.
    Data,
    /// The close handshake takes too long.
    Close,
    /// The backoff has passed: dial again.
    Retry,
    /// The connection has carried data for long enough to be trusted: the backoff starts anew.
    Stable,
    /// Planned renewal, before the venue cuts the connection.
    Rotate,
    /// The message quota has room again for what waits (a pong, a ping).
    Quota,
    /// A deadline of the layer above (an acknowledgement, a stream's first data).
    Session,
    /// An answer over REST is overdue, or it is time to ask. No row of a connection.
    Fetch,
    /// The venue's allowance has room again for a request over REST. No row of a connection.
    Weight,
}

/// What the operating system or TLS reported, as far as the core cares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Fault {
    /// The host name could not be resolved.
    Resolve,
    /// Connection refused.
    Refused,
    /// Connection reset by the peer.
    Reset,
    /// The network or host is unreachable.
    Unreachable,
    /// The operating system gave up waiting.
    TimedOut,
    /// TLS: the certificate was not accepted.
    Certificate,
    /// TLS: anything else.
    Tls,
    /// Anything else.
    Other,
}

/// Why an upgrade request was refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// An HTTP status other than 101, with the delay that `Retry-After` asked for.
    Status(u16, Option<Duration>),
    /// The answer is not a valid upgrade.
    Handshake(crate::ws::handshake::HandshakeError),
}

/// Why a connection is down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// The dial or the stream failed.
    Fault(Fault),
    /// The stream ended without a close frame.
    Eof,
    /// A deadline passed.
    Lost(Timer),
    /// The peer refused the upgrade.
    Refused(Refusal),
    /// The peer broke the protocol.
    Violation(Violation),
    /// The peer sent a close frame; 1005 stands for one without a code (RFC 6455 section 7.1.5).
    Peer(u16),
    /// Nobody has signed the target of the upgrade request.
    Unsigned,
    /// Planned renewal.
    Renewed,
    /// The application stopped it.
    Stopped,
}

/// A change of state that the application hears of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// A dial begins; `attempt` counts from 1 since the connection was last stable.
    Dialing {
        /// The new socket's number.
        epoch: Epoch,
        /// Which attempt this is.
        attempt: u32,
    },
    /// The upgrade succeeded; messages may be sent.
    Open {
        /// The socket's number.
        epoch: Epoch,
    },
    /// No message will come from this socket any more.
    Down {
        /// The socket's number.
        epoch: Epoch,
        /// Why.
        cause: Cause,
    },
    /// The socket is gone; the next dial is due at `until` at the earliest.
    Waiting {
        /// When the next dial is due.
        until: Time,
    },
    /// Stopped for good, until [`Input::Start`].
    Stopped,
}

/// Where to dial, and what to ask for.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Endpoint {
    /// Host name or address literal, without brackets.
    pub host: String,
    /// TCP port.
    pub port: u16,
    /// Whether TLS is spoken.
    pub tls: bool,
    /// Path and query of the upgrade request; begins with a slash.
    pub path: String,
}
