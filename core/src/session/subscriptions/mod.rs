//! What is wanted, what is confirmed, and what is to be done about the difference. Pure: no
//! bytes, no socket.
//!
//! ```text
//!   Wanted ──sent──▶ Requested ──ack──▶ Acknowledged ──data──▶ Live
//!     ▲  ▲               │ │                 │ no data          │ silent, or its
//!     │  └── Refused ◀───┘ └──── no ack ───┐ │ ┌────────────────┘ sequence broken
//!     │                                    ▼ ▼ ▼
//!     └──────────── Unsubscribing ◀──sent── Renewing ◀── Mute (after several attempts)
//! ```
//!
//! Refused and Mute end after a quarantine; the data of a stream makes it Live from almost
//! anywhere.
//!
//! What may be subscribed at the venue is unsubscribed before it is asked for again, so no
//! stream is ever subscribed twice. Data proves a subscription, whatever the acknowledgement did.

mod answers;
#[cfg(test)]
mod key;

use alloc::vec::Vec;

use super::entry::{Entry, Proven, Standing, Why, doubled};
use super::event::VenueError;
use super::lookup::Lookup;
use super::notes::{Notes, Step};
use super::requests::Requests;
use super::settings::{Access, Timing};
use super::stream::Stream;
use crate::market::Channel;
use crate::time::Time;
use crate::venue::{Operation, RequestId};

/// How a venue answers a request with several streams.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Acks {
    /// One answer for all of it (Binance).
    ForRequest,
    /// One for each stream; an error does not say which one it is about (OKX).
    ForStream,
}

/// What the deadlines have brought to light.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[must_use]
pub(super) enum Health {
    /// Nothing that could not be mended on this connection.
    Fine,
    /// The connection carries no data although it should.
    Stalled,
}

/// The subscriptions of one session.
#[derive(Clone, Debug)]
pub(super) struct Subscriptions {
    entries: Vec<Entry>,
    lookup: Lookup,
    requests: Requests,
    timing: Timing,
    acks: Acks,
    /// The streams of the next request.
    batch: Vec<usize>,
    /// Not later than the next deadline; it may be earlier, because data puts deadlines off and
    /// does not touch this.
    wake: Option<Time>,
    /// Whether there may be something to send.
    unsent: bool,
    /// When the last message of any stream came.
    last_data: Time,
    /// Requests in a row that nothing was heard of.
    unanswered: u32,
    /// Whether streams that need a login may be asked for.
    admission: Admission,
}

/// Whether the connection is logged in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Admission {
    /// No stream needs it.
    Needless,
    NotYet,
    Granted,
}

impl Subscriptions {
    pub(super) fn new(entries: Vec<Entry>, timing: Timing, acks: Acks) -> Self {
        let admission = match entries
            .iter()
            .any(|entry| entry.stream.channel.needs_login())
        {
            true => Admission::NotYet,
            false => Admission::Needless,
        };
        let lookup = Lookup::new(entries.iter().map(|entry| &entry.stream));
        Self {
            batch: Vec::with_capacity(entries.len()),
            entries,
            lookup,
            requests: Requests::default(),
            timing,
            acks,
            wake: None,
            unsent: false,
            last_data: Time::ZERO,
            unanswered: 0,
            admission,
        }
    }

    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    pub(super) fn entry_mut(&mut self, place: usize) -> Option<&mut Entry> {
        self.entries.get_mut(place)
    }

    /// Where the stream of a message stands.
    pub(super) fn find(&self, channel: Channel, instrument: &str) -> Option<usize> {
        let at = |place| self.entries.get(place).map(|entry: &Entry| &entry.stream);
        self.lookup.find(channel, instrument, at)
    }

    /// The next deadline, or an instant before it.
    pub(super) const fn wake(&self) -> Option<Time> {
        self.wake
    }

    /// Whether there may be something to send.
    pub(super) const fn has_unsent(&self) -> bool {
        self.unsent
    }

    /// Whether everything that could be asked for has been, and answered.
    pub(super) const fn are_settled(&self) -> bool {
        !self.unsent && self.requests.are_answered()
    }

    /// The connection is open: everything is to be subscribed.
    pub(super) fn opened(&mut self, now: Time) {
        self.last_data = now;
        self.rearm(now);
    }

    /// The connection is gone, and every subscription with it.
    pub(super) fn closed(&mut self, now: Time) {
        self.requests.clear();
        for entry in &mut self.entries {
            entry.disconnect(now);
        }
        self.wake = None;
        self.unsent = false;
        self.unanswered = 0;
        if self.admission == Admission::Granted {
            self.admission = Admission::NotYet;
        }
    }

    /// Data of a stream has come; its pace knows.
    pub(super) fn data(&mut self, now: Time, place: usize, notes: &mut Notes) {
        self.last_data = now;
        let standing = self.entries.get(place).map(|entry| entry.standing);
        if standing != Some(Standing::Live) {
            self.proven(now, place, notes);
        }
    }

    /// Data has come of a stream that was not live: it is, unless it is on its way out.
    fn proven(&mut self, now: Time, place: usize, notes: &mut Notes) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        match entry.standing {
            Standing::Requested { .. }
            | Standing::Acknowledged { .. }
            | Standing::Mute { .. }
            | Standing::Refused { .. }
            | Standing::Renewing {
                why: Why::Silence, ..
            } => {}
            // What was on its way when the stream was unsubscribed proves nothing.
            Standing::Live
            | Standing::Wanted { .. }
            | Standing::Unsubscribing { .. }
            | Standing::Renewing {
                why: Why::Broken, ..
            } => return,
        }
        entry.standing = Standing::Live;
        entry.live_since = now;
        entry.proven = Proven::Yes;
        entry.refusals = 0;
        entry.share = usize::MAX;
        let look_at = entry.look_at(now, &self.timing);
        notes.step(place, Step::Live);
        self.wake_by(look_at);
    }

    /// The sequence of a stream is broken, and only a new subscription brings a snapshot.
    pub(super) fn broken(&mut self, now: Time, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        if entry.standing != Standing::Live {
            return;
        }
        entry.forget_troubles(now, &self.timing);
        entry.attempts = entry.attempts.saturating_add(1);
        let not_before = now + entry.renewal_wait(&self.timing);
        entry.standing = Standing::Renewing {
            not_before,
            why: Why::Broken,
        };
        self.plan(now, not_before);
    }

    /// What has passed its deadline.
    pub(super) fn timeout(&mut self, now: Time, notes: &mut Notes) -> Health {
        let mut health = self.stalled(now, notes);
        if health == Health::Stalled {
            return health;
        }
        while let Some(request) = self.requests.take_overdue(now) {
            health = health.max(self.overdue(now, request, notes));
        }
        for place in 0..self.entries.len() {
            health = health.max(self.expire(now, place, notes));
        }
        self.rearm(now);
        health
    }

    /// Chooses what the next request is about: what may be subscribed and is to be renewed is
    /// unsubscribed first. [`batch`](Self::batch) has the streams.
    pub(super) fn choose(&mut self, now: Time) -> Option<Operation> {
        if !self.requests.has_room() {
            return None;
        }
        if self.gather(now, Operation::Unsubscribe) {
            return Some(Operation::Unsubscribe);
        }
        // What is unsubscribed one by one is subscribed together again.
        if self.requests.has(Operation::Unsubscribe) {
            return None;
        }
        self.unsent = self.gather(now, Operation::Subscribe);
        self.unsent.then_some(Operation::Subscribe)
    }

    /// The streams of the request that was chosen.
    pub(super) fn batch(&self) -> impl Iterator<Item = &Stream> {
        let entries = self
            .batch
            .iter()
            .filter_map(|&place| self.entries.get(place));
        entries.map(|entry| &entry.stream)
    }

    /// The number of the request that was chosen.
    pub(super) const fn next_id(&self) -> RequestId {
        self.requests.next_id()
    }

    /// The request that was chosen has been sent with the first `count` of its streams.
    pub(super) fn sent(
        &mut self,
        now: Time,
        operation: Operation,
        count: usize,
        notes: &mut Notes,
    ) {
        let due = now + self.timing.ack;
        let by = self.requests.sent(operation, due);
        self.wake_by(due);
        for &place in self.batch.iter().take(count) {
            let Some(entry) = self.entries.get_mut(place) else {
                continue;
            };
            match operation {
                Operation::Subscribe => {
                    entry.standing = Standing::Requested { by };
                    entry.interrupt();
                    let attempt = entry.attempts.saturating_add(1);
                    notes.step(place, Step::Requested { attempt });
                }
                Operation::Unsubscribe => {
                    entry.standing = Standing::Unsubscribing { by };
                    notes.step(place, Step::Renewing);
                }
            }
        }
    }

    /// The first stream of the request that was chosen cannot be written.
    pub(super) fn unsendable(&mut self, now: Time, error: VenueError, notes: &mut Notes) {
        if let Some(&place) = self.batch.first() {
            self.refuse(now, place, error, notes);
        }
    }
}

/// Steps of one stream.
impl Subscriptions {
    /// The request `id` is carried out for this stream, if it was part of it.
    fn confirm(&mut self, now: Time, place: usize, id: RequestId, notes: &mut Notes) {
        self.unanswered = 0;
        match self.entries.get(place).map(|entry| entry.standing) {
            Some(Standing::Requested { by }) if by == id => self.await_data(now, place, notes),
            Some(Standing::Unsubscribing { by }) if by == id => self.want(now, place, now),
            Some(_) | None => {}
        }
    }

    fn await_data(&mut self, now: Time, place: usize, notes: &mut Notes) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        let due = now + entry.first_data_patience(&self.timing);
        entry.standing = Standing::Acknowledged { due };
        entry.share = usize::MAX;
        notes.step(place, Step::Confirmed);
        self.wake_by(due);
    }

    fn want(&mut self, now: Time, place: usize, not_before: Time) {
        if let Some(entry) = self.entries.get_mut(place) {
            entry.unheard = 0;
            entry.standing = Standing::Wanted { not_before };
            self.plan(now, not_before);
        }
    }

    fn refuse(&mut self, now: Time, place: usize, error: VenueError, notes: &mut Notes) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        entry.refuse(now, &self.timing, error);
        let due = entry.due(&self.timing);
        notes.step(place, Step::Refused);
        self.wake = earliest(self.wake, due);
    }

    /// Something about the stream is past its deadline, or nothing is.
    fn expire(&mut self, now: Time, place: usize, notes: &mut Notes) -> Health {
        let Some(entry) = self.entries.get(place) else {
            return Health::Fine;
        };
        if entry.due(&self.timing).is_none_or(|due| due > now) {
            return Health::Fine;
        }
        match entry.standing {
            Standing::Acknowledged { .. } => {
                notes.step(place, Step::Silent);
                self.fail(now, place, notes)
            }
            Standing::Live if self.is_silent(now, entry) => {
                notes.step(place, Step::Silent);
                self.fail(now, place, notes)
            }
            Standing::Mute { .. } => {
                self.renew(now, place, now);
                Health::Fine
            }
            Standing::Refused { .. } => {
                self.want(now, place, now);
                Health::Fine
            }
            Standing::Live
            | Standing::Wanted { .. }
            | Standing::Requested { .. }
            | Standing::Renewing { .. }
            | Standing::Unsubscribing { .. } => Health::Fine,
        }
    }

    /// A subscription is without effect: once more, or more slowly, or the connection is to blame.
    fn fail(&mut self, now: Time, place: usize, notes: &mut Notes) -> Health {
        let timing = self.timing;
        let Some(entry) = self.entries.get_mut(place) else {
            return Health::Fine;
        };
        entry.forget_troubles(now, &timing);
        entry.attempts = entry.attempts.saturating_add(1);
        if entry.attempts <= timing.attempts {
            let not_before = now + entry.renewal_wait(&timing);
            self.renew(now, place, not_before);
            return Health::Fine;
        }
        if entry.has_died(now, &timing) {
            return Health::Stalled;
        }
        let beyond = entry.attempts - timing.attempts - 1;
        let until = now + doubled(timing.quarantine, beyond, timing.quarantine_cap);
        entry.standing = Standing::Mute { until };
        notes.step(place, Step::Mute);
        self.wake_by(until);
        Health::Fine
    }

    fn renew(&mut self, now: Time, place: usize, not_before: Time) {
        if let Some(entry) = self.entries.get_mut(place) {
            entry.standing = Standing::Renewing {
                not_before,
                why: Why::Silence,
            };
            self.plan(now, not_before);
        }
    }

    /// A live stream past its patience is silent if others have spoken meanwhile; where none has,
    /// it gets as much time again.
    fn is_silent(&self, now: Time, entry: &Entry) -> bool {
        let patience = entry.patience(&self.timing);
        let last = entry.heard_at();
        self.last_data.since(last) >= patience / 2 || now.since(last) >= patience.saturating_mul(2)
    }

    /// If every live stream is silent at once, it is the connection. One that is alone is given
    /// twice the time: there is no other to bear witness.
    fn stalled(&self, now: Time, notes: &mut Notes) -> Health {
        let is_live = |(_, entry): &(usize, &Entry)| entry.standing == Standing::Live;
        let live = || self.entries.iter().enumerate().filter(is_live);
        let times = match live().count() {
            0 => return Health::Fine,
            1 => 2,
            _ => 1,
        };
        let is_silent = |(_, entry): (usize, &Entry)| {
            let patience = entry.patience(&self.timing).saturating_mul(times);
            entry.heard_at() + patience <= now
        };
        if !live().all(is_silent) {
            return Health::Fine;
        }
        live().for_each(|(place, _)| notes.step(place, Step::Silent));
        Health::Stalled
    }
}

/// The login.
impl Subscriptions {
    /// Whether a stream is to be asked for that needs a login first.
    pub(super) fn awaits_login(&self, now: Time) -> bool {
        let awaits = |entry: &Entry| {
            entry.stream.channel.needs_login()
                && matches!(entry.standing, Standing::Wanted { not_before } if not_before <= now)
        };
        self.admission == Admission::NotYet && self.entries.iter().any(awaits)
    }

    /// A number for the login, if it takes one.
    pub(super) const fn take_id(&mut self) -> RequestId {
        self.requests.take_id()
    }

    /// What is served to holders of keys is subscribed with their admission.
    pub(super) fn confirm_private(&mut self, now: Time, notes: &mut Notes) {
        let is_private = |entry: &Entry| entry.stream.channel.is_private();
        for place in 0..self.entries.len() {
            if self.entries.get(place).is_some_and(is_private) {
                self.subscribed(now, place, notes);
            }
        }
    }

    /// No more of the account is told here: it is to be asked for again, more slowly each time.
    pub(super) fn account_ended(&mut self, now: Time, access: Access, notes: &mut Notes) {
        if access == Access::Subscription && self.admission == Admission::Granted {
            self.admission = Admission::NotYet;
        }
        for place in 0..self.entries.len() {
            let Some(entry) = self.entries.get_mut(place) else {
                continue;
            };
            let is_on = matches!(
                entry.standing,
                Standing::Acknowledged { .. } | Standing::Live
            );
            if !entry.stream.channel.is_private() || !is_on {
                continue;
            }
            entry.forget_troubles(now, &self.timing);
            entry.attempts = entry.attempts.saturating_add(1);
            entry.interrupt();
            let not_before = now + entry.renewal_wait(&self.timing);
            entry.standing = Standing::Wanted { not_before };
            notes.step(place, Step::Renewing);
            self.plan(now, not_before);
        }
    }

    /// The connection is logged in.
    pub(super) const fn admit(&mut self) {
        self.admission = Admission::Granted;
        self.unsent = true;
    }

    /// The login has come to nothing.
    pub(super) fn shut_out(&mut self, now: Time, error: &VenueError, notes: &mut Notes) {
        for place in 0..self.entries.len() {
            let waits = self.entries.get(place).is_some_and(|entry| {
                entry.stream.channel.needs_login()
                    && matches!(entry.standing, Standing::Wanted { .. })
            });
            if waits {
                self.refuse(now, place, error.clone(), notes);
            }
        }
    }
}

/// The next request.
impl Subscriptions {
    /// Gathers the streams that `operation` is due for into the next request.
    fn gather(&mut self, now: Time, operation: Operation) -> bool {
        self.batch.clear();
        let share_of = |entry: &Entry| match operation {
            Operation::Subscribe => entry.share,
            Operation::Unsubscribe => usize::MAX,
        };
        let mut share = usize::MAX;
        for (place, entry) in self.entries.iter().enumerate() {
            if self.admission == Admission::NotYet && entry.stream.channel.needs_login() {
                continue;
            }
            let is_due = match (operation, entry.standing) {
                (Operation::Subscribe, Standing::Wanted { not_before })
                | (Operation::Unsubscribe, Standing::Renewing { not_before, .. }) => {
                    not_before <= now
                }
                (Operation::Subscribe | Operation::Unsubscribe, _) => false,
            };
            let least = share.min(share_of(entry));
            if is_due && self.batch.len() < least {
                share = least;
                self.batch.push(place);
            }
        }
        !self.batch.is_empty()
    }
}

/// The deadline.
impl Subscriptions {
    /// Something is to be sent, at once or at `not_before`.
    fn plan(&mut self, now: Time, not_before: Time) {
        if not_before <= now {
            self.unsent = true;
        } else {
            self.wake_by(not_before);
        }
    }

    fn wake_by(&mut self, at: Time) {
        self.wake = earliest(self.wake, Some(at));
    }

    /// Looks for the next deadline among all streams.
    fn rearm(&mut self, now: Time) {
        self.wake = self.requests.due();
        for place in 0..self.entries.len() {
            let Some(entry) = self.entries.get(place) else {
                continue;
            };
            match (entry.standing, entry.due(&self.timing)) {
                (Standing::Live, Some(due)) if due > now => {
                    self.wake_by(entry.look_at(now, &self.timing));
                }
                (_, Some(due)) if due > now => self.wake_by(due),
                (Standing::Wanted { .. } | Standing::Renewing { .. }, Some(_)) => {
                    self.unsent = true;
                }
                // Nobody speaks: look again when its time is up for good.
                (Standing::Live, Some(due)) => {
                    self.wake_by(due + entry.patience(&self.timing));
                }
                // A quarantine that has ended while the connection was down is over at once.
                (_, Some(due)) => self.wake_by(due),
                (_, None) => {}
            }
        }
    }
}

fn earliest(one: Option<Time>, other: Option<Time>) -> Option<Time> {
    one.into_iter().chain(other).min()
}
