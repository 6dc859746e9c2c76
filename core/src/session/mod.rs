//! One connection to a venue and the streams on it: desired and confirmed subscriptions,
//! deadlines for everything, and typed events in the order of their streams.

mod backfill;
mod books;
mod drain;
mod entry;
mod event;
mod fetches;
mod listen_key;
mod login;
mod lookup;
mod notes;
mod pace;
mod pacing;
mod requests;
mod sequence;
mod settings;
mod statistics;
mod stream;
mod streams;
mod subscriptions;
#[cfg(test)]
mod tests;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

pub use backfill::Unfillable;
pub use books::BookState;
pub use drain::Drain;
pub use event::{Change, Event, Gap, Heard, Notice, Undecoded, VenueError};
pub use fetches::Purpose;
pub use listen_key::KeyChange;
pub use sequence::{Disorder, GapCause, Numbers};
pub use settings::{Access, Settings, SettingsError, Timing};
pub use statistics::Statistics;

pub use crate::market::Missing;
pub use stream::{Reached, Stream, StreamState};

use crate::book::Book;
use crate::buffer::ReceiveBuffer;
use crate::connection::{
    Action, Cause, Connection, Endpoint, Epoch, FetchId, Input, Phase, SendError, Status, Timer,
};
use crate::machine::Machine;
use crate::market::{Market, Venue};
use crate::plan::SessionPlan;
use crate::rest::{Answer, FetchFault, Request, Wish};
use crate::time::{Time, UnixNanos};
use crate::venue::{self, Challenge, Decoder, Operation, Profile, Reason, Rejection, Unsigned};
use books::Books;
use drain::Reader;
use entry::Entry;
use fetches::Fetches;
use listen_key::ListenKey;
use login::Login;
use notes::{Note, Notes};
pub(crate) use pace::Pace;
use pacing::Pacing;
pub(crate) use sequence::Rule;
use sequence::Sequence;
pub(crate) use statistics::add;
use streams::Streams;
use subscriptions::{Acks, Health, Subscriptions};

/// A connection to one endpoint of a venue, and the streams on it.
///
/// ```
/// use marketprism_core::connection::{Action, Input};
/// use marketprism_core::market::{Channel, Market};
/// use marketprism_core::plan::{Limits, Wanted, plan};
/// use marketprism_core::session::{Session, Settings};
/// use marketprism_core::Time;
///
/// let wanted = [Wanted {
///     market: Market::BinanceSpot,
///     instrument: "BTCUSDT".into(),
///     channel: Channel::Trade,
/// }];
/// let plan = plan(&wanted, Limits::of).unwrap().remove(0);
/// let settings = Settings::of(&plan);
/// let mut session = Session::new(plan, settings, [7; 32]).unwrap();
/// session.handle(Time::ZERO, Input::Start);
/// assert!(matches!(session.poll_action(), Some(Action::Dial(_))));
/// ```
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub struct Session {
    market: Market,
    connection: Connection,
    reader: Reader,
    streams: Streams,
    fetches: Fetches,
    /// The key of the account's stream, where it takes one.
    key: ListenKey,
    pacing: Pacing,
    /// The answer to a login is due so long after it was sent.
    login_within: Duration,
    /// The text of the request that is being sent.
    request: String,
    request_bytes: usize,
    /// What the connection's timer table holds for us.
    armed: Option<Time>,
}

impl Session {
    /// A stopped session. `seed` decides every random draw of its connection.
    ///
    /// # Errors
    ///
    /// If the settings contradict each other, or if a stream of the plan cannot be subscribed to
    /// on its endpoint.
    pub fn new(
        plan: SessionPlan,
        settings: Settings,
        seed: [u8; 32],
    ) -> Result<Self, SettingsError> {
        settings.check(&plan)?;
        let profile = Profile::of(plan.market);
        let longest = settings.timing.first_data;
        let entry = |stream: Stream| {
            let sequence = Sequence::new(Rule::of(plan.market, stream.channel));
            let first_data = profile.first_data_within(stream.channel);
            let first_data = match stream.channel.is_sparse() {
                true => first_data,
                false => first_data.min(longest),
            };
            let mut reached = settings.reached.iter();
            let reached = reached.find(|reached| reached.stream == stream);
            let mut entry = Entry::new(stream, sequence, first_data);
            if let Some(reached) = reached {
                entry.resume(reached);
            }
            entry
        };
        let entries: Vec<_> = plan.streams.into_iter().map(entry).collect();
        let acks = match plan.market.venue() {
            Venue::Binance => Acks::ForRequest,
            Venue::Okx => Acks::ForStream,
        };
        Ok(Self {
            market: plan.market,
            fetches: fetches::fetches(&settings, entries.len(), seed),
            key: match settings.access {
                Access::Target => ListenKey::Missing,
                Access::Login | Access::Subscription => ListenKey::Needless,
            },
            connection: Connection::new(plan.name, settings.connection, seed)?,
            reader: Reader::new(Decoder::new(plan.market)),
            streams: Streams {
                notes: Notes::for_streams(entries.len()),
                books: Books::new(plan.market, entries.iter().map(|entry| &entry.stream)),
                subscriptions: Subscriptions::new(entries, settings.timing, acks),
                login: Login::new(plan.market.venue(), settings.access),
                access: settings.access,
                seeking: VecDeque::new(),
                statistics: Statistics::default(),
            },
            login_within: settings.timing.ack,
            pacing: Pacing::new(settings.requests),
            request: String::with_capacity(settings.request_bytes),
            request_bytes: settings.request_bytes,
            armed: None,
        })
    }

    /// Takes an input in. Every input is legal in every phase; one that names a stale epoch
    /// changes nothing.
    pub fn handle(&mut self, now: Time, input: Input) {
        if input == Input::Start && self.key == ListenKey::Missing {
            // There is no dial without a key.
            self.connection.handle(now, Input::Withhold);
        }
        self.connection.handle(now, input);
        self.take_statuses(now);
        if input == Input::Timeout {
            // A row that has expired is disarmed.
            self.armed = self.armed.filter(|&armed| armed > now);
            self.timeout(now);
        }
        self.act(now);
    }

    /// The next thing to do to the socket.
    pub fn poll_action(&mut self) -> Option<Action> {
        let action = self.connection.poll_action();
        let action = action.or_else(|| self.streams.login.poll_action());
        action.or_else(|| self.fetches.poll_action())
    }

    /// What is to be signed, from [`Action::Sign`] until [`signed`](Self::signed).
    #[must_use]
    pub fn challenge(&self) -> Option<Challenge> {
        match self.connection.awaits_signature() {
            true => Some(Challenge::Target),
            false => self.streams.login.challenge(),
        }
    }

    /// The answer to [`Action::Sign`]: the finished request, or that there is none. It is queued
    /// to be written and kept nowhere else; one that nobody awaits is thrown away.
    pub fn signed(&mut self, now: Time, epoch: Epoch, answer: Result<&str, Unsigned>) {
        if self.connection.awaits_signature() {
            return self.target_signed(now, epoch, answer);
        }
        if !self.streams.login.awaits(epoch) {
            return;
        }
        let Ok(request) = answer else {
            self.streams.login_failed(now, VenueError::unsigned());
            return self.act(now);
        };
        match self.connection.send_text(now, request) {
            Ok(()) => {
                self.pacing.spend(now);
                add(&mut self.streams.statistics.requests, 1);
                self.streams.login.sent(now, self.login_within);
            }
            // Another request went first. It is signed anew when there is room: it would be old.
            Err(SendError::Quota { .. }) => self.streams.login.forget(),
            Err(SendError::Full | SendError::NotOpen) => {
                self.streams.login_failed(now, VenueError::unsendable());
            }
        }
        self.act(now);
    }

    /// The answer to what the upgrade request needs. Where there is none, whoever holds the secrets
    /// has lost the key.
    fn target_signed(&mut self, now: Time, epoch: Epoch, answer: Result<&str, Unsigned>) {
        if self.connection.epoch() != Some(epoch) {
            return;
        }
        self.connection.signed(now, epoch, answer);
        match self.connection.phase() {
            Phase::Upgrading => self.key_used(),
            Phase::Stopped
            | Phase::Waiting
            | Phase::Connecting
            | Phase::Open
            | Phase::Closing
            | Phase::Releasing => self.forget_key(now),
        }
        self.take_statuses(now);
        self.act(now);
    }

    /// The bytes to write to the socket next.
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        self.connection.transmit()
    }

    /// Declares that the first `count` bytes of [`transmit`](Self::transmit) have been written.
    pub fn transmitted(&mut self, now: Time, count: usize) {
        self.connection.transmitted(now, count);
        self.take_statuses(now);
        self.act(now);
    }

    /// The next deadline and its name; when it passes, [`Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Time, Timer)> {
        let fetch = self.fetches.wake().into_iter().chain(self.key_due());
        let fetch = fetch.map(|at| (at, Timer::Fetch));
        let deadlines = self.connection.poll_timeout().into_iter().chain(fetch);
        deadlines.min_by_key(|&(at, _)| at)
    }

    /// The streams and how far they have come, in the order of the plan.
    pub fn subscriptions(&self) -> impl Iterator<Item = (&Stream, StreamState)> {
        let entries = self.streams.subscriptions.entries().iter();
        entries.map(|entry| (&entry.stream, entry.state()))
    }

    /// The order book that the changes of a stream have made, while it is the venue's: as of the
    /// event that was lent last. Streams are named by their place in the plan.
    #[must_use]
    pub fn book(&self, stream: usize) -> Option<&Book> {
        self.streams.books.get(stream)
    }

    /// What the session has seen so far.
    #[must_use]
    pub const fn statistics(&self) -> &Statistics {
        &self.streams.statistics
    }

    /// The market.
    #[must_use]
    pub const fn market(&self) -> Market {
        self.market
    }

    /// The connection below: phase, epoch, name, endpoint.
    #[must_use]
    pub const fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Takes what the connection has to say, and what follows from it.
    fn take_statuses(&mut self, now: Time) {
        while let Some(status) = self.connection.poll_status() {
            self.status(now, status);
        }
    }

    fn status(&mut self, now: Time, status: Status) {
        self.streams.notes.push(Note::Status(status));
        match status {
            Status::Open { .. } => {
                add(&mut self.streams.statistics.opened, 1);
                self.pacing.restart();
                self.streams.opened(now);
                self.check_key(now);
            }
            Status::Down { cause, .. } => {
                add(&mut self.streams.statistics.downs, 1);
                self.streams.statistics.last_cause = Some(cause);
                self.pacing.restart();
                self.streams.closed(now);
                if cause != Cause::Stopped {
                    self.doubt_key(now);
                }
                // What it was to be the beginning of is gone.
                self.fetches
                    .forget(|job| matches!(job, Purpose::Snapshot(_)));
            }
            Status::Stopped => {
                if self.key != ListenKey::Needless {
                    self.key = ListenKey::Missing;
                }
                self.fetches.forget(|_| true);
                self.streams.seek_no_more();
            }
            Status::Dialing { .. } | Status::Waiting { .. } => {}
        }
    }

    fn timeout(&mut self, now: Time) {
        self.time_fetches(now);
        if self.key_due().is_some_and(|due| due <= now) {
            self.key_ended(now);
        }
        if self.streams.login.due().is_some_and(|due| due <= now) {
            self.streams.login_failed(now, VenueError::unanswered());
        }
        let due = self
            .streams
            .subscriptions
            .wake()
            .is_some_and(|wake| wake <= now);
        if !due || self.connection.phase() != Phase::Open {
            return;
        }
        match self
            .streams
            .subscriptions
            .timeout(now, &mut self.streams.notes)
        {
            Health::Fine => {}
            Health::Stalled => {
                self.connection.starve(now);
                self.take_statuses(now);
            }
        }
    }

    /// Says what waits to be said.
    fn tell_notes(&mut self, received: UnixNanos, each: &mut impl FnMut(Heard<'_>)) {
        while let Some(note) = self.streams.notes.pop() {
            if let Some(event) = self.streams.tell(note) {
                each(Heard { received, event });
            }
        }
    }

    /// Replaces the connection in good order.
    fn renew(&mut self, now: Time) {
        self.connection.handle(now, Input::Renew);
        self.take_statuses(now);
    }

    /// Sends what is to be sent and sets the deadline: after everything that may have changed
    /// either.
    fn act(&mut self, now: Time) {
        self.pacing.proceed();
        self.ask_for_books(now);
        self.ask_for_trades(now);
        self.tend_key(now);
        if self.connection.phase() == Phase::Open {
            self.log_in(now);
            self.send_requests(now);
        }
        self.streams.statistics.notes_lost = self.streams.notes.lost();
        let waits = [
            self.streams.subscriptions.wake(),
            self.streams.login.due(),
            self.pacing.resume(),
        ];
        let wake = match self.connection.phase() {
            Phase::Open => waits.into_iter().flatten().min(),
            Phase::Stopped
            | Phase::Waiting
            | Phase::Connecting
            | Phase::Upgrading
            | Phase::Closing
            | Phase::Releasing => None,
        };
        if wake != self.armed {
            self.armed = wake;
            self.connection.arm_session(wake);
        }
    }

    /// Asks for a signature if a stream waits for the login, as soon as the request could be sent.
    fn log_in(&mut self, now: Time) {
        let Some(epoch) = self.connection.epoch() else {
            return;
        };
        if !self.streams.login.is_out() || !self.streams.subscriptions.awaits_login(now) {
            return;
        }
        let frames_at = self.connection.message_free_at(now);
        if self.pacing.admits(now, frames_at) {
            let id = match self.market.venue() {
                Venue::Binance => self.streams.subscriptions.take_id(),
                Venue::Okx => 0,
            };
            self.streams.login.ask(epoch, id, now + self.login_within);
        }
    }

    fn send_requests(&mut self, now: Time) {
        while self.streams.subscriptions.has_unsent() {
            let frames_at = self.connection.message_free_at(now);
            if !self.pacing.admits(now, frames_at) {
                return;
            }
            let Some(operation) = self.streams.subscriptions.choose(now) else {
                return;
            };
            match self.send(now, operation) {
                Ok(()) => {}
                Err(SendError::Quota { until }) => return self.pacing.wait(until),
                // Room comes with the next `transmitted`, all else with a new connection.
                Err(SendError::Full | SendError::NotOpen) => return,
            }
        }
    }

    fn send(&mut self, now: Time, operation: Operation) -> Result<(), SendError> {
        let id = self.streams.subscriptions.next_id();
        let streams = self.streams.subscriptions.batch().map(Stream::subscription);
        let (limit, text) = (self.request_bytes, &mut self.request);
        match venue::encode(self.market, operation, id, streams, limit, text) {
            Ok(count) => {
                self.connection.send_text(now, text)?;
                self.pacing.spend(now);
                add(&mut self.streams.statistics.requests, 1);
                if operation == Operation::Unsubscribe {
                    add(&mut self.streams.statistics.renewals, count);
                }
                self.streams
                    .subscriptions
                    .sent(now, operation, count, &mut self.streams.notes);
            }
            Err(_) => {
                let rejection = Rejection {
                    code: 0,
                    reason: Reason::Malformed,
                };
                let error = VenueError::new(rejection, "it cannot be written");
                self.streams
                    .subscriptions
                    .unsendable(now, error, &mut self.streams.notes);
            }
        }
        Ok(())
    }
}

impl Machine for Session {
    type Event<'a> = Heard<'a>;

    fn handle(&mut self, now: Time, input: Input) {
        self.handle(now, input);
    }

    fn receive(
        &mut self,
        now: Time,
        received: UnixNanos,
        rx: &mut ReceiveBuffer,
        each: &mut impl FnMut(Self::Event<'_>),
    ) {
        let mut drain = self.receive(now, received, rx);
        while let Some(event) = drain.next() {
            each(Heard { received, event });
        }
    }

    fn drain_events(&mut self, received: UnixNanos, each: &mut impl FnMut(Self::Event<'_>)) {
        self.tell_notes(received, each);
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.poll_action()
    }

    fn challenge(&self) -> Option<Challenge> {
        self.challenge()
    }

    fn signed(&mut self, now: Time, epoch: Epoch, answer: Result<&str, Unsigned>) {
        self.signed(now, epoch, answer);
    }

    fn wishes(&self) -> &[Wish] {
        self.fetches.wishes()
    }

    fn grant(&mut self, now: Time, id: FetchId) {
        self.fetches.grant(now, id);
    }

    fn request(&self, id: FetchId) -> Option<Request<'_>> {
        self.fetches.request(id)
    }

    fn fetched(
        &mut self,
        now: Time,
        received: UnixNanos,
        id: FetchId,
        answer: Result<Answer<'_>, FetchFault>,
        each: &mut impl FnMut(Self::Event<'_>),
    ) {
        self.fetched(now, received, id, answer, each);
    }

    fn transmit(&self) -> &[u8] {
        self.transmit()
    }

    fn transmitted(&mut self, now: Time, count: usize) {
        self.transmitted(now, count);
    }

    fn poll_timeout(&self) -> Option<(Time, Timer)> {
        self.poll_timeout()
    }

    fn phase(&self) -> Phase {
        self.connection.phase()
    }

    /// Every stream that may be subscribed is.
    fn stands(&self) -> bool {
        self.connection.phase() == Phase::Open && self.streams.subscriptions.are_settled()
    }

    fn epoch(&self) -> Option<Epoch> {
        self.connection.epoch()
    }

    fn held_until(&self) -> Time {
        self.connection.held_until()
    }

    fn endpoint(&self) -> &Endpoint {
        self.connection.endpoint()
    }

    fn name(&self) -> &str {
        self.connection.name()
    }
}
