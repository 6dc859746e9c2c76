//! What can be asked over REST.

use crate::market::Channel;

/// A question about one instrument (or whatever else the channel's
/// [`Scope`](crate::market::Scope) names).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Query<'a> {
    /// What is asked for.
    pub asked: Asked,
    /// The venue's name of the instrument.
    pub instrument: &'a str,
}

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Asked {
    /// The book, to which the changes of this channel apply.
    Book(Channel),
    /// The trades of this channel with these numbers, both included.
    Trades {
        /// The channel.
        channel: Channel,
        /// The first number.
        from: i64,
        /// The last number.
        to: i64,
    },
    /// The present state of a channel that is polled.
    Poll(Channel),
}

impl Asked {
    /// The channel that the events of the answer belong to.
    #[must_use]
    pub const fn channel(self) -> Channel {
        match self {
            Self::Book(channel) | Self::Trades { channel, .. } | Self::Poll(channel) => channel,
        }
    }
}
