//! What a session subscribes to, and how far it has come with it.

use alloc::string::String;
use core::fmt;

use crate::market::Channel;
use crate::time::UnixNanos;
use crate::venue::Subscription;

/// One channel of one instrument.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream {
    /// The venue's name of the instrument, in the spelling of its events.
    pub instrument: String,
    /// The channel.
    pub channel: Channel,
}

impl Stream {
    /// As requests take it.
    #[must_use]
    pub fn subscription(&self) -> Subscription<'_> {
        Subscription {
            channel: self.channel,
            instrument: &self.instrument,
        }
    }
}

impl fmt::Display for Stream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.instrument, self.channel)
    }
}

/// Where a stream stood when it was last listened to, by whoever wrote down what it said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reached {
    /// The stream.
    pub stream: Stream,
    /// The number of its last message, where messages have numbers and it is known.
    pub last: Option<i64>,
    /// The exchange time of that message.
    pub exchange_time: Option<UnixNanos>,
    /// When that message was received; where it is not known, the earliest time from which on
    /// there was none.
    pub heard: UnixNanos,
}

/// How far the subscription of a stream has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StreamState {
    /// To be requested as soon as the connection is open and the pace allows.
    Wanted,
    /// Requested; the acknowledgement is due.
    Requested,
    /// Acknowledged, which proves nothing; the first data is due.
    Acknowledged,
    /// Data flows.
    Live,
    /// To be unsubscribed and subscribed anew, because it fell silent, lost its place in the
    /// sequence, or was never acknowledged.
    Renewing,
    /// Acknowledged several times without a message; asked for again at long intervals.
    Mute,
    /// Refused by the venue; asked for again at long intervals.
    Refused,
}

impl StreamState {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Wanted => "wanted",
            Self::Requested => "requested",
            Self::Acknowledged => "acknowledged",
            Self::Live => "live",
            Self::Renewing => "renewing",
            Self::Mute => "mute",
            Self::Refused => "refused",
        }
    }
}
