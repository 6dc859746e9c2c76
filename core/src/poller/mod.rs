//! A machine without a socket: it asks for figures over REST, again and again.
//!
//! Each channel has its period. What a venue publishes at the end of a period is asked for shortly
//! after it, and no row is told twice; everything else is asked for at its own pace. Wall-clock
//! time decides where in a period a question falls and never whether it comes: if it jumps, the
//! next one comes within a period all the same.

mod lists;
mod poll;
mod roll;
mod turns;

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::buffer::ReceiveBuffer;
use crate::connection::{Action, Endpoint, Epoch, FetchId, Input, Phase, Status, Timer};
use crate::machine::Machine;
use crate::market::Market;
use crate::plan::PollPlan;
use crate::rest::{Answer, Desk, Errand, FetchFault, Priority, Request, Ticket, Wish};
use crate::session::{Change, Event, Heard, Statistics, Stream, Undecoded, VenueError, add};
use crate::time::{Time, UnixNanos};
use crate::venue::{self, Asked, Control, Decoded, Decoder, Query, Reason, Rejection};

use poll::{Poll, Standing};
use roll::Roll;
pub use turns::{PollError, PollSettings, Turns};

/// A question that has failed so often in a row is put off until its next turn, but not beyond
/// [`REFUSED`].
const ATTEMPTS: u32 = 5;

/// A row that is published late is asked for so often before its next turn.
const REPEATS: u32 = 4;

/// How long to wait for a row that is late.
const REPEAT_AFTER: Duration = Duration::from_secs(15);

/// A question that the venue has refused is asked again after so long.
const REFUSED: Duration = Duration::from_secs(300);

/// The first questions are spread over so long, and each later one may come so much later. Lists
/// are asked for at once: what others bring is told by them.
const JITTER: Duration = Duration::from_secs(5);

/// A list that has not come so long after the start is not waited for.
const AWAITED: Duration = Duration::from_secs(5);

/// Something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Note {
    Stopped,
    Step(usize, Standing),
    /// An expected instrument stands in no list.
    Unlisted(usize),
}

/// What an answer has brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Brought {
    News,
    Nothing,
}

/// Asks for the channels of one market that no stream serves.
///
/// It is [`Phase::Connecting`] from its start until of each of its lists is known whether it can be
/// had, and then [`Phase::Open`]: who needs the lists for what others bring waits for that.
#[derive(Debug)]
pub struct Poller {
    name: String,
    market: Market,
    desk: Desk<usize>,
    decoder: Decoder,
    polls: Vec<Poll>,
    roll: Roll,
    /// No more than two for each poll and expected instrument: what has not been heard is
    /// overwritten by what follows.
    notes: VecDeque<Note>,
    phase: Phase,
    /// Until when lists are awaited.
    awaited: Option<Time>,
    statistics: Statistics,
}

impl Poller {
    /// A stopped poller. `seed` decides when exactly it asks.
    ///
    /// # Errors
    ///
    /// If a period is empty, or a stream is no question.
    pub fn new(plan: PollPlan, settings: &PollSettings, seed: [u8; 32]) -> Result<Self, PollError> {
        let PollPlan {
            name,
            market,
            streams,
            expected,
            told,
        } = plan;
        for (name, period) in [
            ("open_interest", settings.open_interest),
            ("instruments", settings.instruments),
        ] {
            if period.is_zero() {
                return Err(PollError::Zero(name));
            }
        }
        for stream in &streams {
            let written = venue::write_target(market, query(stream), &mut String::new());
            written.map_err(|error| PollError::Stream(stream.clone(), error))?;
        }
        let poll = |stream: Stream| Poll {
            turns: settings.turns(stream.channel),
            stream,
            due: None,
            last: None,
            repeats: 0,
            standing: Standing::New,
            refusal: None,
        };
        // A question about several names may become one about each.
        let questions = streams.len().saturating_add(expected.len());
        Ok(Self {
            name,
            market,
            desk: Desk::new(settings.rest.clone(), questions, seed),
            decoder: Decoder::new(market),
            roll: Roll::new(&streams, expected, told),
            polls: streams.into_iter().map(poll).collect(),
            notes: VecDeque::new(),
            phase: Phase::Stopped,
            awaited: None,
            statistics: Statistics::default(),
        })
    }

    /// What it has seen so far.
    #[must_use]
    pub const fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// The market.
    #[must_use]
    pub const fn market(&self) -> Market {
        self.market
    }

    fn start(&mut self, now: Time) {
        if self.phase != Phase::Stopped {
            return;
        }
        for poll in &mut self.polls {
            poll.due = Some(match poll.is_list() {
                true => now,
                false => now + self.desk.draw(JITTER),
            });
        }
        self.phase = Phase::Connecting;
        self.awaited = Some(now + AWAITED);
        self.look_at_lists();
    }

    fn stop(&mut self) {
        if self.phase == Phase::Stopped {
            return;
        }
        self.phase = Phase::Stopped;
        self.awaited = None;
        self.desk.forget(|_| true);
        self.polls.iter_mut().for_each(|poll| poll.due = None);
        self.note(Note::Stopped);
    }

    fn timeout(&mut self, now: Time) {
        while let Some(ticket) = self.desk.overdue(now) {
            self.failed(now, UnixNanos::default(), ticket);
        }
        self.desk.resume(now);
        for place in 0..self.polls.len() {
            self.ask_if_due(now, place);
        }
        if self.awaited.is_some_and(|awaited| awaited <= now) {
            self.give_up_waiting();
        }
    }

    fn ask_if_due(&mut self, now: Time, place: usize) {
        let Some(poll) = self.polls.get_mut(place) else {
            return;
        };
        if poll.due.is_none_or(|due| due > now) {
            return;
        }
        poll.due = None;
        let mut target = self.desk.endpoint().path.clone();
        if let Ok(cost) = venue::write_target(self.market, query(&poll.stream), &mut target) {
            let errand = Errand::question(target, cost, Priority::Poll);
            self.desk.ask(now, errand, place);
        }
    }

    fn answered(
        &mut self,
        now: Time,
        received: UnixNanos,
        ticket: Ticket<usize>,
        text: &str,
        each: &mut impl FnMut(Heard<'_>),
    ) {
        let Some(stream) = self.polls.get(ticket.job).map(|poll| &poll.stream) else {
            return;
        };
        match self.decoder.decode_answer(query(stream), text) {
            Ok(Decoded::Events { count, .. }) => {
                add(&mut self.statistics.fetched, 1);
                self.step(ticket.job, Standing::Live);
                self.tell_notes(received, each);
                let brought = self.tell(received, ticket.job, text, count, each);
                self.turn_over(now, received, ticket.job, brought);
                self.look_at_lists();
            }
            Ok(Decoded::Control) => {
                let error = match self.decoder.control(text) {
                    Some(Control::Refused {
                        rejection, message, ..
                    }) => VenueError::new(rejection, message),
                    _ => VenueError::new(UNKNOWN, ""),
                };
                self.refused(now, received, ticket, error);
            }
            Ok(Decoded::Unhandled | Decoded::Unknown) => {
                add(&mut self.statistics.unknown, 1);
                self.failed(now, received, ticket);
            }
            Err(error) => {
                add(&mut self.statistics.malformed, 1);
                let event = Event::Undecoded(Undecoded::Malformed(error));
                each(Heard { received, event });
                self.failed(now, received, ticket);
            }
        }
    }

    /// Tells the rows of an answer that are news, the oldest first.
    fn tell(
        &mut self,
        received: UnixNanos,
        place: usize,
        text: &str,
        count: usize,
        each: &mut impl FnMut(Heard<'_>),
    ) -> Brought {
        let (Some(poll), decoder) = (self.polls.get_mut(place), &self.decoder) else {
            return Brought::Nothing;
        };
        let roll = &mut self.roll;
        let time = |index| {
            decoder
                .event(text, index)
                .and_then(|event| event.exchange_time)
        };
        let last = count.saturating_sub(1);
        let falling = time(0) > time(last);
        let newest = if falling { time(0) } else { time(last) };
        let told = poll.last;
        let list = poll.is_list();
        let is_news = |at: Option<UnixNanos>| match (at, told) {
            (Some(at), Some(told)) => list || at > told,
            // What was there before we came is not ours to tell.
            (Some(_), None) => list || at == newest,
            (None, _) => true,
        };
        let mut brought = Brought::Nothing;
        for index in 0..count {
            let index = if falling { last - index } else { index };
            if let Some(event) = decoder
                .event(text, index)
                .filter(|event| is_news(event.exchange_time))
                .filter(|event| !list || roll.call(event.instrument))
            {
                add(&mut self.statistics.events, 1);
                let event = Event::Market(event);
                each(Heard { received, event });
                brought = Brought::News;
            }
        }
        poll.last = newest.max(told);
        brought
    }

    /// Sets the next turn after an answer.
    fn turn_over(&mut self, now: Time, received: UnixNanos, place: usize, brought: Brought) {
        let Some(poll) = self.polls.get_mut(place) else {
            return;
        };
        poll.repeats = match brought {
            Brought::News => 0,
            Brought::Nothing => poll.repeats.saturating_add(1),
        };
        let late = brought == Brought::Nothing && poll.repeats <= REPEATS;
        let wait = match poll.turns {
            Turns::Aligned { .. } if late => REPEAT_AFTER,
            turns @ (Turns::Every(_) | Turns::Aligned { .. }) => {
                turns.wait(received, self.desk.draw(JITTER))
            }
        };
        poll.due = Some(now + wait);
    }

    fn refused(
        &mut self,
        now: Time,
        received: UnixNanos,
        ticket: Ticket<usize>,
        error: VenueError,
    ) {
        match error.rejection.reason {
            Reason::TooFrequent | Reason::Venue | Reason::Unknown => {
                self.failed(now, received, ticket);
            }
            Reason::NoSuchStream if self.is_list(ticket.job) => {
                add(&mut self.statistics.fetches_refused, 1);
                self.narrow(now, ticket.job);
            }
            Reason::Malformed
            | Reason::NoSuchStream
            | Reason::WrongPath
            | Reason::Login
            | Reason::Tier
            | Reason::Conflict => {
                add(&mut self.statistics.fetches_refused, 1);
                if let Some(poll) = self.polls.get_mut(ticket.job) {
                    poll.refusal = Some(error);
                    poll.due = Some(now + REFUSED);
                }
                self.step(ticket.job, Standing::Refused);
            }
        }
        self.look_at_lists();
    }

    /// It is asked again after a while; if that does not help either, at its next turn.
    fn failed(&mut self, now: Time, received: UnixNanos, ticket: Ticket<usize>) {
        add(&mut self.statistics.fetches_failed, 1);
        let (place, is_last) = (ticket.job, ticket.attempts >= ATTEMPTS);
        if is_last || self.is_awaited(place) {
            self.step(place, Standing::Silent);
            self.look_at_lists();
        }
        if !is_last {
            return self.desk.put_back(now, ticket);
        }
        if let Some(poll) = self.polls.get_mut(place) {
            let wait = poll.turns.wait(received, self.desk.draw(JITTER));
            poll.due = Some(now + wait.min(REFUSED));
        }
    }

    /// Says how a stream fares where that has changed.
    fn step(&mut self, place: usize, standing: Standing) {
        if let Some(poll) = self.polls.get_mut(place)
            && poll.standing != standing
        {
            poll.standing = standing;
            self.note(Note::Step(place, standing));
        }
    }

    fn note(&mut self, note: Note) {
        let speakers = self.polls.len().saturating_add(self.roll.len());
        if self.notes.len() > speakers.saturating_mul(2) {
            self.notes.pop_front();
            add(&mut self.statistics.notes_lost, 1);
        }
        self.notes.push_back(note);
    }

    fn tell_notes(&mut self, received: UnixNanos, each: &mut impl FnMut(Heard<'_>)) {
        while let Some(note) = self.notes.pop_front() {
            let event = match note {
                Note::Stopped => Some(Event::Status(Status::Stopped)),
                Note::Step(place, standing) => {
                    self.polls.get(place).and_then(|poll| poll.tell(standing))
                }
                Note::Unlisted(place) => self.roll.stream(place).map(|stream| {
                    let change = Change::Unlisted;
                    Event::Subscription { stream, change }
                }),
            };
            if let Some(event) = event {
                each(Heard { received, event });
            }
        }
    }
}

/// A refusal that does not say why.
const UNKNOWN: Rejection = Rejection {
    code: 0,
    reason: Reason::Unknown,
};

fn query(stream: &Stream) -> Query<'_> {
    Query {
        asked: Asked::Poll(stream.channel),
        instrument: &stream.instrument,
    }
}

impl Machine for Poller {
    type Event<'a> = Heard<'a>;

    fn handle(&mut self, now: Time, input: Input) {
        match input {
            Input::Start => self.start(now),
            Input::Stop => self.stop(),
            Input::Timeout => self.timeout(now),
            // It has no socket.
            Input::Dialed(_)
            | Input::DialFailed(..)
            | Input::Eof(_)
            | Input::Broken(..)
            | Input::Released(_)
            | Input::Renew
            | Input::Hold(_)
            | Input::Stay(_)
            | Input::Withhold
            | Input::Permit => {}
        }
    }

    fn receive(
        &mut self,
        _: Time,
        _: UnixNanos,
        rx: &mut ReceiveBuffer,
        _: &mut impl FnMut(Self::Event<'_>),
    ) {
        rx.clear();
    }

    fn drain_events(&mut self, received: UnixNanos, each: &mut impl FnMut(Self::Event<'_>)) {
        self.tell_notes(received, each);
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.desk.poll_action()
    }

    fn wishes(&self) -> &[Wish] {
        self.desk.wishes()
    }

    fn grant(&mut self, now: Time, id: FetchId) {
        self.desk.grant(now, id);
    }

    fn request(&self, id: FetchId) -> Option<Request<'_>> {
        self.desk.request(id)
    }

    fn fetched(
        &mut self,
        now: Time,
        received: UnixNanos,
        id: FetchId,
        answer: Result<Answer<'_>, FetchFault>,
        each: &mut impl FnMut(Self::Event<'_>),
    ) {
        let Some(ticket) = self.desk.take(id) else {
            add(&mut self.statistics.fetches_late, 1);
            return;
        };
        match answer.as_ref().map_or(None, Answer::text) {
            Some(text) => self.answered(now, received, ticket, text, each),
            None => self.failed(now, received, ticket),
        }
        self.tell_notes(received, each);
    }

    fn transmit(&self) -> &[u8] {
        &[]
    }

    fn transmitted(&mut self, _: Time, _: usize) {}

    fn poll_timeout(&self) -> Option<(Time, Timer)> {
        let dues = self.polls.iter().filter_map(|poll| poll.due);
        let at = dues.chain(self.desk.wake()).chain(self.awaited).min()?;
        Some((at, Timer::Fetch))
    }

    fn phase(&self) -> Phase {
        self.phase
    }

    fn epoch(&self) -> Option<Epoch> {
        None
    }

    fn held_until(&self) -> Time {
        Time::ZERO
    }

    fn endpoint(&self) -> &Endpoint {
        self.desk.endpoint()
    }

    fn name(&self) -> &str {
        &self.name
    }
}
