//! Counters of one session, for status views and metrics.

use crate::connection::Cause;

/// What a session has seen since it was made. Counters stop at their largest value.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Text messages received.
    pub messages: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Market events made of them.
    pub events: u64,
    /// Messages that were acknowledgements, refusals or notices.
    pub control: u64,
    /// Times the connection was open.
    pub opened: u64,
    /// Times a connection ended, refused and failed dials included.
    pub downs: u64,
    /// Why the last one ended.
    pub last_cause: Option<Cause>,
    /// Requests sent.
    pub requests: u64,
    /// Streams renewed: unsubscribed to be subscribed anew.
    pub renewals: u64,
    /// Refusals of streams.
    pub refusals: u64,
    /// Holes in streams.
    pub gaps: u64,
    /// Events out of the order of their stream.
    pub out_of_order: u64,
    /// Order books that have become the venue's, each time anew.
    pub books_synchronised: u64,
    /// Order books that were it no more.
    pub books_broken: u64,
    /// Announcements of the venue.
    pub notices: u64,
    /// Malformed messages.
    pub malformed: u64,
    /// Messages of a kind that is known and not read.
    pub unhandled: u64,
    /// Messages of an unknown kind, binary ones included.
    pub unknown: u64,
    /// Events of streams that are not ours.
    pub stray: u64,
    /// Trades that the venue's numbers count and that never were (Binance, price and quantity
    /// zero).
    pub spent: u64,
    /// Rows of another market in streams of all instruments (Binance futures).
    pub foreign: u64,
    /// Answers over REST that brought what was asked for.
    pub fetched: u64,
    /// Trades among them that had been missing.
    pub backfilled: u64,
    /// Requests over REST that came to nothing; most of them are made again.
    pub fetches_failed: u64,
    /// Requests over REST that the venue refused.
    pub fetches_refused: u64,
    /// Answers over REST that nobody awaited any more.
    pub fetches_late: u64,
    /// Events that were not taken before the receive buffer was read into again.
    pub undrained: u64,
    /// Status and subscription events that nobody took.
    pub notes_lost: u64,
}

/// Adds to a counter.
pub(crate) const fn add(counter: &mut u64, count: usize) {
    *counter = counter.saturating_add(count as u64);
}
