//! What an application hears from a session.

use alloc::string::String;
use core::fmt;

use super::backfill::Unfillable;
use super::books::BookState;
use super::listen_key::KeyChange;
use super::sequence::{Disorder, GapCause};
use super::stream::Stream;
use crate::connection::Status;
use crate::market::{self, Missing};
use crate::time::UnixNanos;
use crate::venue::{DecodeError, Rejection};

/// What an application hears from a shell, and when it came.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Heard<'a> {
    /// The wall-clock time of the read that brought it, or of the turn in which it arose.
    pub received: UnixNanos,
    /// What it is.
    pub event: Event<'a>,
}

/// What an application hears; it borrows from the receive buffer and the session.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Event<'a> {
    /// Market data in the order of its stream.
    Market(market::Event<'a>),
    /// Market data that stands out of the order of its stream. Nothing is held back: what a
    /// consumer does with it depends on the disorder.
    OutOfOrder {
        /// The data.
        event: market::Event<'a>,
        /// In what way.
        disorder: Disorder,
        /// The number that the stream had reached before it.
        last: Option<i64>,
    },
    /// A trade that was missing and has been asked for. It lies in a gap that was told before,
    /// behind the trades of that gap that came before it.
    Backfilled(market::Event<'a>),
    /// The connection's state has changed.
    Status(Status),
    /// A subscription has come a step further or back.
    Subscription {
        /// The stream.
        stream: &'a Stream,
        /// The step.
        change: Change<'a>,
    },
    /// Data is missing; the next event of the stream comes after the hole.
    Gap(Gap<'a>),
    /// What the order book of a stream is worth has changed, by the event of the stream that was
    /// lent before, or with the connection.
    Book {
        /// The stream of its changes.
        stream: &'a Stream,
        /// What it is worth.
        state: BookState,
    },
    /// All trades of a gap have come: backfilled, or late by themselves.
    Filled {
        /// The stream.
        stream: &'a Stream,
        /// The gap.
        missing: Missing,
    },
    /// A gap in a stream of trades stays one; some of its trades may have been backfilled.
    Unfillable {
        /// The stream.
        stream: &'a Stream,
        /// The gap.
        missing: Missing,
        /// Why.
        why: Unfillable,
    },
    /// The venue has announced something.
    Notice(Notice),
    /// What has become of the key that opens the account's stream (Binance's futures markets).
    Key(KeyChange),
    /// A message that could not be used; the stream goes on.
    Undecoded(Undecoded<'a>),
}

/// A step of a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change<'a> {
    /// Requested; `attempt` counts from 1 since the stream was last without trouble.
    Requested {
        /// Which attempt.
        attempt: u32,
    },
    /// The venue has acknowledged it, which proves nothing.
    Confirmed,
    /// The first data has come.
    Live,
    /// Nothing has come for longer than the stream usually pauses, or since the acknowledgement.
    Silent,
    /// It is unsubscribed, to be subscribed anew.
    Renewing,
    /// Several attempts have brought no data; it is asked for again at long intervals.
    Mute,
    /// The venue has refused it; it is asked for again at long intervals.
    Refused(&'a VenueError),
    /// The venue's lists have no such instrument. The stream is that of the list.
    Unlisted,
}

impl Change<'_> {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Requested { .. } => "requested",
            Self::Confirmed => "confirmed",
            Self::Live => "live",
            Self::Silent => "silent",
            Self::Renewing => "renewing",
            Self::Mute => "mute",
            Self::Refused(_) => "refused",
            Self::Unlisted => "unlisted",
        }
    }
}

/// A venue's refusal of one subscription.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VenueError {
    /// The venue's code and what it means.
    pub rejection: Rejection,
    /// The venue's words, cut to 256 bytes.
    pub message: String,
}

impl fmt::Display for VenueError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Rejection { code, reason } = self.rejection;
        write!(f, "{} (code {code}): {}", reason.name(), self.message)
    }
}

impl core::error::Error for VenueError {}

/// A hole in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap<'a> {
    /// The stream.
    pub stream: &'a Stream,
    /// The numbers that are missing, where the stream has numbers. On streams that skip numbers
    /// (all but trades and Binance spot depth) not each of them was ever given out.
    pub missing: Option<Missing>,
    /// Why.
    pub cause: GapCause,
    /// When the last message before the hole was received.
    pub since: UnixNanos,
}

/// An announcement of the venue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The connection is about to be closed (Binance `serverShutdown`, OKX notice 64008). The
    /// session renews it at once.
    Shutdown {
        /// When the venue said so, if it tells.
        sent_time: Option<UnixNanos>,
    },
    /// No more of the account is told on this connection (Binance `listenKeyExpired`,
    /// `eventStreamTerminated`). The session sees to it that it is told again.
    AccountEnded {
        /// When the venue said so, if it tells.
        sent_time: Option<UnixNanos>,
    },
    /// Anything else (OKX).
    Other {
        /// The venue's number for it.
        code: u32,
    },
    /// A refusal that belongs to none of our requests.
    Error(Rejection),
}

/// A message that could not be used.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Undecoded<'a> {
    /// It is malformed.
    Malformed(DecodeError),
    /// It is of a kind that is known and not read, named here.
    Unhandled(&'a str),
    /// It is of an unknown kind; what names it, if anything does.
    Unknown(&'a str),
    /// It is data of a stream that was not asked for.
    Stray(market::Event<'a>),
    /// It is binary; JSON endpoints send none.
    Binary,
}
