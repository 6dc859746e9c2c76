//! What a session asks for over REST, and what becomes of the answers.

use alloc::string::String;

use super::backfill::Unfillable;
use super::event::{Event, Heard, Undecoded};
use super::sequence::Numbers;
use super::statistics::add;
use super::streams::Streams;
use super::{Session, Settings};
use crate::connection::FetchId;
use crate::market::Missing;
use crate::rest::{Answer, Desk, Errand, FetchFault, Priority, Ticket};
use crate::time::{Time, UnixNanos};
use crate::venue::{self, Asked, Control, Decoded, Query, Reason};

/// Trades that so many requests have not brought are given up.
const ATTEMPTS: u32 = 8;

/// Trades that so many answers have not had are given up: REST may be behind the stream, but not
/// for long.
const EMPTY: u32 = 3;

/// What a request over REST is for. Streams are named by their place in the plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// The book that the changes of this stream apply to.
    Snapshot(usize),
    /// Trades of this stream that were missed.
    Trades(usize, Missing),
    /// The key that opens the account's stream.
    ObtainKey,
    /// More time for it.
    RenewKey,
}

impl Purpose {
    /// The stream, where it is about one.
    #[must_use]
    pub const fn stream(self) -> Option<usize> {
        match self {
            Self::Snapshot(stream) | Self::Trades(stream, _) => Some(stream),
            Self::ObtainKey | Self::RenewKey => None,
        }
    }
}

pub(super) type Fetches = Desk<Purpose>;

/// At most one request for each stream, and one for the key of an account.
pub(super) fn fetches(settings: &Settings, streams: usize, seed: [u8; 32]) -> Fetches {
    Desk::new(settings.rest.clone(), streams + 1, seed)
}

impl Session {
    /// Asks for something over REST, to be sent when a fleet gives leave; the events of the answer
    /// are lent like others. One request at a time is made for a stream. Whether this one is.
    pub fn ask(&mut self, now: Time, purpose: Purpose) -> bool {
        self.ask_not_before(now, now, purpose)
    }

    /// Asks for the snapshots that books need.
    pub(super) fn ask_for_books(&mut self, now: Time) {
        while let Some((stream, not_before)) = self.streams.books.next_wanted() {
            // Where the venue does not offer it, the book goes on waiting, which has been told.
            self.ask_not_before(now, not_before, Purpose::Snapshot(stream));
        }
    }

    fn ask_not_before(&mut self, now: Time, not_before: Time, purpose: Purpose) -> bool {
        if purpose
            .stream()
            .is_none_or(|stream| self.is_asked_for(stream))
        {
            return false;
        }
        let Some(errand) = self.errand(purpose) else {
            return false;
        };
        match purpose {
            Purpose::Snapshot(_) => self
                .fetches
                .ask_not_before(now, not_before, errand, purpose),
            Purpose::Trades(stream, missing) => {
                self.streams.seek(stream, missing);
                self.ask_for_trades(now);
                self.is_asked_for(stream)
            }
            // The session's own affair.
            Purpose::ObtainKey | Purpose::RenewKey => false,
        }
    }

    /// Asks for trades that are missing, as far as no request for their stream is under way.
    pub(super) fn ask_for_trades(&mut self, now: Time) {
        while let Some(stream) = self.streams.seeking.pop_front() {
            if self.is_asked_for(stream) {
                continue;
            }
            let Some(missing) = self.streams.sought(stream) else {
                continue;
            };
            let purpose = Purpose::Trades(stream, missing);
            let why = match self.errand(purpose) {
                Some(errand) => match self.fetches.ask(now, errand, purpose) {
                    true => continue,
                    false => Unfillable::Failed,
                },
                None => Unfillable::NotOffered,
            };
            self.streams.give_up(stream, missing, why);
        }
    }

    fn is_asked_for(&self, stream: usize) -> bool {
        self.fetches.jobs().any(|job| job.stream() == Some(stream))
    }

    /// What is to be sent, where the venue offers it.
    fn errand(&self, purpose: Purpose) -> Option<Errand> {
        let query = query(&self.streams, purpose)?;
        let mut target = String::from(self.fetches.endpoint().path.as_str());
        let cost = venue::write_target(self.market, query, &mut target).ok()?;
        let priority = match purpose {
            Purpose::Snapshot(_) => Priority::Snapshot,
            Purpose::Trades(..) | Purpose::ObtainKey | Purpose::RenewKey => Priority::Backfill,
        };
        Some(Errand::question(target, cost, priority))
    }

    /// What became of a request. Each event that the answer brings is handed to `each`, behind
    /// what waits to be said.
    pub fn fetched(
        &mut self,
        now: Time,
        received: UnixNanos,
        id: FetchId,
        answer: Result<Answer<'_>, FetchFault>,
        each: &mut impl FnMut(Heard<'_>),
    ) {
        let Some(ticket) = self.fetches.take(id) else {
            add(&mut self.streams.statistics.fetches_late, 1);
            return;
        };
        let text = answer.as_ref().map_or(None, Answer::text);
        match (ticket.job, answer, text) {
            (Purpose::ObtainKey | Purpose::RenewKey, Ok(answer), Some(text)) => {
                self.key_answered(now, ticket, (answer.status, text));
            }
            (Purpose::Snapshot(_) | Purpose::Trades(..), _, Some(text)) => {
                self.answered(now, received, ticket, text, each);
            }
            (_, _, _) => self.fetch_failed(now, ticket),
        }
        self.act(now);
    }

    fn answered(
        &mut self,
        now: Time,
        received: UnixNanos,
        ticket: Ticket<Purpose>,
        text: &str,
        each: &mut impl FnMut(Heard<'_>),
    ) {
        self.reader.forget(&mut self.streams.statistics);
        let Some(query) = query(&self.streams, ticket.job) else {
            return;
        };
        let decoder = self.reader.decoder_mut();
        match decoder.decode_answer(query, text) {
            Ok(Decoded::Events { count, .. }) => match ticket.job {
                Purpose::Snapshot(stream) => {
                    self.lend_answer(now, received, (stream, ticket), text, count, each);
                }
                Purpose::Trades(stream, asked) => {
                    let reached = self.lend_missing(received, stream, asked, (text, count), each);
                    self.backfilled(now, ticket, reached);
                }
                Purpose::ObtainKey | Purpose::RenewKey => {}
            },
            Ok(Decoded::Control) => {
                let rejection = match decoder.control(text) {
                    Some(Control::Refused { rejection, .. }) => rejection.reason,
                    _ => Reason::Unknown,
                };
                self.fetch_refused(now, ticket, rejection);
            }
            Ok(Decoded::Unhandled | Decoded::Unknown) => {
                add(&mut self.streams.statistics.unknown, 1);
                self.fetch_failed(now, ticket);
            }
            Err(error) => {
                add(&mut self.streams.statistics.malformed, 1);
                let event = Event::Undecoded(Undecoded::Malformed(error));
                each(Heard { received, event });
                self.fetch_failed(now, ticket);
            }
        }
    }

    /// Lends the events of an answer, behind what waits to be said. A snapshot that its book
    /// cannot use is asked for again instead.
    fn lend_answer(
        &mut self,
        now: Time,
        received: UnixNanos,
        (stream, ticket): (usize, Ticket<Purpose>),
        text: &str,
        count: usize,
        each: &mut impl FnMut(Heard<'_>),
    ) {
        self.tell_notes(received, each);
        let decoder = self.reader.decoder();
        // An answer without a book is as good as none.
        let mut is_of_use = false;
        for event in (0..count).filter_map(|index| decoder.event(text, index)) {
            is_of_use = self.streams.keep_answer(now, stream, &event);
            if is_of_use {
                let event = Event::Market(event);
                each(Heard { received, event });
            }
        }
        match is_of_use {
            true => add(&mut self.streams.statistics.fetched, 1),
            false => self.fetch_failed(now, ticket),
        }
        self.tell_notes(received, each);
    }

    /// Lends the trades of an answer that are missing, behind what waits to be said; the last number
    /// of the answer that was asked for.
    fn lend_missing(
        &mut self,
        received: UnixNanos,
        stream: usize,
        asked: Missing,
        (text, count): (&str, usize),
        each: &mut impl FnMut(Heard<'_>),
    ) -> Option<i64> {
        self.tell_notes(received, each);
        let decoder = self.reader.decoder();
        let Streams {
            subscriptions,
            statistics,
            ..
        } = &mut self.streams;
        let holes = &mut subscriptions.entry_mut(stream)?.holes;
        let mut reached = None;
        for event in (0..count).filter_map(|index| decoder.event(text, index)) {
            let Some(numbers) = Numbers::of(&event) else {
                continue;
            };
            let is_asked_for = asked.from <= numbers.first && numbers.last <= asked.to;
            if !is_asked_for || Some(numbers.first) <= reached || !holes.is_about(asked) {
                continue;
            }
            reached = Some(numbers.last);
            if holes.take(numbers) {
                add(&mut statistics.backfilled, 1);
                let event = Event::Backfilled(event);
                each(Heard { received, event });
            }
        }
        reached
    }

    /// An answer has brought missing trades up to this number, or none.
    fn backfilled(&mut self, now: Time, ticket: Ticket<Purpose>, reached: Option<i64>) {
        let Purpose::Trades(stream, asked) = ticket.job else {
            return;
        };
        match (reached, self.streams.subscriptions.entry_mut(stream)) {
            (Some(reached), Some(entry)) => {
                add(&mut self.streams.statistics.fetched, 1);
                entry.holes.answered(reached);
                self.streams.seeking.push_back(stream);
            }
            (None, _) if ticket.attempts < EMPTY => self.fetches.put_back(now, ticket),
            (_, None) | (None, _) => self.streams.give_up(stream, asked, Unfillable::Gone),
        }
    }

    /// The venue has said no: what may be right later is asked for again, all else is given up.
    fn fetch_refused(&mut self, now: Time, ticket: Ticket<Purpose>, reason: Reason) {
        match reason {
            Reason::TooFrequent | Reason::Venue | Reason::Unknown => self.fetch_failed(now, ticket),
            Reason::Malformed
            | Reason::NoSuchStream
            | Reason::WrongPath
            | Reason::Login
            | Reason::Tier
            | Reason::Conflict => {
                add(&mut self.streams.statistics.fetches_refused, 1);
                self.forgo(now, ticket.job, Unfillable::Refused);
            }
        }
    }

    /// It is asked for again after a while, unless it has been asked for often enough.
    fn fetch_failed(&mut self, now: Time, ticket: Ticket<Purpose>) {
        if ticket.job.stream().is_none() {
            return self.key_unanswered(now, ticket);
        }
        add(&mut self.streams.statistics.fetches_failed, 1);
        let given_up = matches!(ticket.job, Purpose::Trades(..)) && ticket.attempts >= ATTEMPTS;
        match given_up {
            true => self.forgo(now, ticket.job, Unfillable::Failed),
            false => self.fetches.put_back(now, ticket),
        }
    }

    /// It is not asked for again.
    fn forgo(&mut self, now: Time, job: Purpose, why: Unfillable) {
        match job {
            Purpose::Trades(stream, asked) => self.streams.give_up(stream, asked, why),
            Purpose::Snapshot(stream) => self.streams.books.refused(now, stream),
            Purpose::ObtainKey | Purpose::RenewKey => {}
        }
    }

    /// What is overdue has failed, and what has rested is wished for again.
    pub(super) fn time_fetches(&mut self, now: Time) {
        while let Some(ticket) = self.fetches.overdue(now) {
            self.fetch_failed(now, ticket);
        }
        self.fetches.resume(now);
    }
}

/// What is asked.
fn query(streams: &Streams, purpose: Purpose) -> Option<Query<'_>> {
    let entries = streams.subscriptions.entries();
    let stream = &entries.get(purpose.stream()?)?.stream;
    let asked = match purpose {
        Purpose::Snapshot(_) => Asked::Book(stream.channel),
        Purpose::Trades(_, Missing { from, to }) => Asked::Trades {
            channel: stream.channel,
            from,
            to,
        },
        Purpose::ObtainKey | Purpose::RenewKey => return None,
    };
    Some(Query {
        asked,
        instrument: &stream.instrument,
    })
}
