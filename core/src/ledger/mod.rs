//! The account of what was collected: per stream and UTC day what is complete, what is missing,
//! since when and why.
//!
//! It is made of what sessions say, live or read back from where it was written down, and it
//! believes the numbers of the venues before it believes anybody: what the numbers show to be
//! missing and nobody has told of is a gap with the cause [`Cause::Untold`].

mod account;
mod day;
mod gaps;
mod report;
mod runs;
mod silence;
#[cfg(test)]
mod tests;

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

pub use day::Counts;
pub use gaps::{Cause, Gap};
pub use report::{DayReport, StreamReport, Verdict};
pub use runs::Run;
pub use silence::Silence;

use crate::connection::Status;
use crate::market::{Body, Channel, Market};
use crate::session::{Disorder, Event, GapCause, Missing, Numbers};
use crate::time::UnixNanos;
use account::Account;

/// Streams that have an account; messages of further ones are counted and no more.
const MAX_STREAMS: usize = 1 << 16;

/// An account of any number of streams, sessions and days.
///
/// ```
/// use marketprism_core::UnixNanos;
/// use marketprism_core::ledger::{Ledger, Note, Standing, Verdict};
/// use marketprism_core::market::{Channel, Market};
/// use marketprism_core::session::Numbers;
///
/// let mut ledger = Ledger::new();
/// let stream = ledger.stream(Market::BinanceSpot, Channel::Trade, "BTCUSDT").unwrap();
/// for id in [7, 8, 10] {
///     let numbers = Some(Numbers::of_trade(Channel::Trade, id, None));
///     let standing = Standing::InOrder;
///     let at = UnixNanos::from_nanos(id.unsigned_abs());
///     ledger.note(0, at, Note::Data { stream, numbers, standing });
/// }
/// let report = ledger.reports().next().unwrap();
/// let day = report.days().remove(0);
/// assert_eq!(day.verdict, Verdict::Unexplained);
/// assert_eq!(day.gaps[0].missing.unwrap().from, 9);
/// ```
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    accounts: Vec<Account>,
    places: BTreeMap<(Market, Channel), BTreeMap<String, StreamId>>,
    /// The latest time of anything.
    end: UnixNanos,
    unlisted: u64,
}

/// A stream in a [`Ledger`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(usize);

/// What names a stream.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// The market.
    pub market: Market,
    /// The channel.
    pub channel: Channel,
    /// The venue's name of the instrument, or of what else the channel is about.
    pub instrument: String,
}

/// How a message stands in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Standing {
    /// In its order.
    InOrder,
    /// Out of its order.
    OutOfOrder(Disorder),
    /// Asked for because it was missing, and told behind what came meanwhile.
    Backfilled,
}

/// Something to take note of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Note {
    /// A message.
    Data {
        /// Of which stream.
        stream: StreamId,
        /// Its numbers, where it has any.
        numbers: Option<Numbers>,
        /// How it stands in its stream.
        standing: Standing,
    },
    /// The session tells of a gap; the next message of the stream comes behind it.
    Gap {
        /// In which stream.
        stream: StreamId,
        /// The numbers, both ends included, where they are known.
        missing: Option<Missing>,
        /// Why.
        cause: GapCause,
        /// When the last message before it was received.
        since: UnixNanos,
    },
    /// Lines of the session were lost on their way to the sink.
    Overflow {
        /// Since when.
        since: UnixNanos,
    },
    /// The session was stopped in good order: its streams are expected to be silent.
    Stopped,
    /// Anything else: all that it tells is that the session lives.
    Alive,
}

impl Ledger {
    /// An empty one.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The place of a stream, a new one if need be; `None` where there are too many.
    pub fn stream(
        &mut self,
        market: Market,
        channel: Channel,
        instrument: &str,
    ) -> Option<StreamId> {
        let places = self.places.entry((market, channel)).or_default();
        if let Some(id) = places.get(instrument) {
            return Some(*id);
        }
        if self.accounts.len() >= MAX_STREAMS {
            self.unlisted = self.unlisted.saturating_add(1);
            return None;
        }
        let id = StreamId(self.accounts.len());
        places.insert(String::from(instrument), id);
        self.accounts.push(Account::new(Subject {
            market,
            channel,
            instrument: String::from(instrument),
        }));
        Some(id)
    }

    /// Takes note of something that a session said. The caller numbers the sessions.
    pub fn note(&mut self, session: u32, at: UnixNanos, note: Note) {
        self.end = self.end.max(at);
        match note {
            Note::Data {
                stream,
                numbers,
                standing,
            } => self.with(session, stream, |account| {
                account.data(at, numbers, standing);
            }),
            Note::Gap {
                stream,
                missing,
                cause,
                since,
            } => self.with(session, stream, |account| {
                account.gap(at, missing, cause, since);
            }),
            Note::Overflow { since } => self.of(session, |account| account.overflowed(since)),
            Note::Stopped => self.of(session, |account| account.rhythm.end(at)),
            Note::Alive => {}
        }
    }

    /// Takes note of what a session of this market said.
    pub fn hear(&mut self, session: u32, market: Market, at: UnixNanos, event: &Event<'_>) {
        if let Some(note) = self.note_of(market, event) {
            self.note(session, at, note);
        }
    }

    fn note_of(&mut self, market: Market, event: &Event<'_>) -> Option<Note> {
        let (event, standing) = match event {
            Event::Market(event) => (event, Standing::InOrder),
            Event::OutOfOrder {
                event, disorder, ..
            } => (event, Standing::OutOfOrder(*disorder)),
            Event::Backfilled(event) => (event, Standing::Backfilled),
            Event::Gap(gap) => {
                let stream = self.stream(market, gap.stream.channel, &gap.stream.instrument)?;
                return Some(Note::Gap {
                    stream,
                    missing: gap.missing,
                    cause: gap.cause,
                    since: gap.since,
                });
            }
            Event::Status(Status::Stopped) => return Some(Note::Stopped),
            Event::Status(_)
            // The numbers tell what has come.
            | Event::Filled { .. }
            | Event::Unfillable { .. }
            | Event::Subscription { .. }
            | Event::Book { .. }
            | Event::Notice(_)
            | Event::Key(_)
            | Event::Undecoded(_) => return Some(Note::Alive),
        };
        // It stands beside the stream of its changes and not in the order of them.
        if matches!(event.body, Body::Book(book) if book.kind.is_asked_for(event.channel)) {
            return Some(Note::Alive);
        }
        Some(Note::Data {
            stream: self.stream(market, event.channel, event.subject)?,
            numbers: Numbers::of(event),
            standing,
        })
    }

    /// The account of each stream, in the order of their first being heard of.
    pub fn reports(&self) -> impl Iterator<Item = StreamReport<'_>> {
        let end = self.end;
        self.accounts
            .iter()
            .map(move |account| StreamReport::new(account, end))
    }

    /// How often something was to be noted about streams beyond the limit.
    #[must_use]
    pub const fn unlisted(&self) -> u64 {
        self.unlisted
    }

    fn with(&mut self, session: u32, stream: StreamId, act: impl FnOnce(&mut Account)) {
        if let Some(account) = self.accounts.get_mut(stream.0) {
            account.session = session;
            act(account);
        }
    }

    /// What is said of a session is said of all streams that were heard from it last.
    fn of(&mut self, session: u32, act: impl Fn(&mut Account)) {
        let accounts = self.accounts.iter_mut();
        accounts
            .filter(|account| account.session == session)
            .for_each(act);
    }
}
