//! What a machine is told and what it does, written down as it happens.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use marketprism_core::connection::{Action, Config, Endpoint, Epoch, Input, Phase, Ping, Timer};
use marketprism_core::venue::{Challenge, Unsigned};
use marketprism_core::ws::{Decoder, Item, Role};
use marketprism_core::{Machine, ReceiveBuffer, Time, UnixNanos};

use crate::language::{Asked, Line, Transition};
use crate::place::Place;
use crate::subject::Subject;

/// What has happened so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    /// Transitions and actions, in one order.
    pub(crate) done: Vec<Line>,
    /// What the application heard. When it hears of something is the shell's affair, so events
    /// have an order of their own.
    pub(crate) said: Vec<Line>,
    /// Where which stimulus was met, those included that are not written down because chunks
    /// decide how often they come; and where it led.
    pub(crate) met: BTreeSet<(Place, &'static str, Place)>,
    /// The sockets that were asked for, by their numbers.
    pub(crate) epochs: BTreeMap<u32, Epoch>,
}

/// A trace that a scenario waits on while a shell writes it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<(Mutex<Trace>, Condvar)>);

impl Log {
    pub(crate) fn read(&self) -> MutexGuard<'_, Trace> {
        self.0.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self, what: impl FnOnce(&mut Trace)) {
        what(&mut self.read());
        self.0.1.notify_all();
    }

    /// Whether it came to this within the time.
    pub(crate) fn wait(&self, until: impl Fn(&Trace) -> bool, most: Duration) -> bool {
        let trace = self.read();
        let waited = self
            .0
            .1
            .wait_timeout_while(trace, most, |trace| !until(trace));
        let (trace, _) = waited.unwrap_or_else(PoisonError::into_inner);
        until(&trace)
    }
}

/// A machine that writes its trace.
///
/// It hands on one thing at a time, so that each has its name: of several deadlines that have
/// passed one, which leaves the others due, and of what was received one frame after another.
/// To the machine it means the same.
#[derive(Debug)]
pub(crate) struct Traced<M> {
    machine: M,
    log: Log,
    place: Place,
    reader: Reader,
    keys: Keys,
}

/// Whether there is anybody to sign the target of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Keys {
    AtHand,
    Missing,
}

impl<M: Subject> Traced<M> {
    pub(crate) fn new(machine: M, log: Log, config: &Config, keys: Keys) -> Self {
        let reader = Reader::new(config);
        Self {
            keys,
            machine,
            log,
            place: Place::Stopped,
            reader,
        }
    }

    /// The machine, for the application to send.
    pub(crate) const fn machine_mut(&mut self) -> &mut M {
        &mut self.machine
    }

    fn note(&mut self, stimulus: &'static str, remark: &str) {
        let (from, to) = self.meet(stimulus);
        let line = Line::Then(Transition {
            from,
            stimulus: format!("{stimulus}{remark}"),
            to: (from != to).then_some(to),
        });
        self.log.write(|trace| trace.done.push(line));
    }

    /// What comes as often as chunks will have it is written down if it leads somewhere.
    fn note_if_it_moves(&mut self, stimulus: &'static str) {
        if self.place.after(stimulus, self.machine.phase()) == self.place {
            self.meet(stimulus);
        } else {
            self.note(stimulus, "");
        }
    }

    fn meet(&mut self, stimulus: &'static str) -> (Place, Place) {
        let (from, to) = (self.place, self.place.after(stimulus, self.machine.phase()));
        self.place = to;
        self.log.write(|trace| {
            trace.met.insert((from, stimulus, to));
        });
        (from, to)
    }
}

impl<M: Subject> Machine for Traced<M> {
    type Event<'a> = M::Event<'a>;

    fn handle(&mut self, now: Time, input: Input) {
        let current = self.machine.epoch();
        let (stimulus, names) = match input {
            Input::Start => ("Start", current),
            Input::Stop => ("Stop", current),
            Input::Renew => ("Renew", current),
            Input::Hold(_) => ("Hold", current),
            Input::Stay(_) => ("Stay", current),
            Input::Withhold => ("Withhold", current),
            Input::Permit => ("Permit", current),
            Input::Dialed(epoch) => ("Dialed", Some(epoch)),
            Input::DialFailed(epoch, _) => ("DialFailed", Some(epoch)),
            Input::Eof(epoch) => ("Eof", Some(epoch)),
            Input::Broken(epoch, _) => ("Broken", Some(epoch)),
            Input::Released(epoch) => ("Released", Some(epoch)),
            Input::Timeout => return self.expire(now),
        };
        self.machine.handle(now, input);
        self.note(stimulus, if names == current { "" } else { " stale" });
    }

    fn receive(
        &mut self,
        now: Time,
        received: UnixNanos,
        rx: &mut ReceiveBuffer,
        each: &mut impl FnMut(Self::Event<'_>),
    ) {
        let bytes = rx.filled().to_vec();
        rx.clear();
        let mut rest = bytes.as_slice();
        if self.place == Place::Open {
            self.note_if_it_moves("Heard");
        }
        while !rest.is_empty() {
            let (count, found) = self.reader.next(self.place, rest);
            let (part, behind) = rest.split_at(count);
            rest = behind;
            let mut one = filled(part);
            let log = self.log.clone();
            self.machine.receive(now, received, &mut one, &mut |event| {
                log.write(|trace| trace.said.push(Line::Says(M::words(&event))));
                each(event);
            });
            self.found(found);
        }
    }

    fn drain_events(&mut self, received: UnixNanos, each: &mut impl FnMut(Self::Event<'_>)) {
        let log = self.log.clone();
        self.machine.drain_events(received, &mut |event| {
            log.write(|trace| trace.said.push(Line::Says(M::words(&event))));
            each(event);
        });
    }

    fn poll_action(&mut self) -> Option<Action> {
        let action = self.machine.poll_action()?;
        let (asked, epoch) = match action {
            Action::Dial(epoch) => (Asked::Dial(epoch.number()), epoch),
            Action::Drop(epoch) => (Asked::Drop(epoch.number()), epoch),
            Action::Sign(epoch) => (Asked::Sign(epoch.number()), epoch),
            Action::Fetch(_) => panic!("there is no REST interface in any scenario"),
        };
        self.log.write(|trace| {
            trace.epochs.insert(epoch.number(), epoch);
            trace.done.push(Line::Asks(asked));
        });
        Some(action)
    }

    fn transmit(&self) -> &[u8] {
        self.machine.transmit()
    }

    fn transmitted(&mut self, now: Time, count: usize) {
        self.machine.transmitted(now, count);
        self.note_if_it_moves("Written");
    }

    fn challenge(&self) -> Option<Challenge> {
        let asked = self.machine.challenge();
        asked.filter(|_| self.keys == Keys::AtHand)
    }

    fn signed(&mut self, now: Time, epoch: Epoch, answer: Result<&str, Unsigned>) {
        let of_target = self.machine.challenge() == Some(Challenge::Target);
        self.machine.signed(now, epoch, answer);
        if of_target {
            self.note(if answer.is_ok() { "Signed" } else { "Unsigned" }, "");
        }
    }

    fn poll_timeout(&self) -> Option<(Time, Timer)> {
        self.machine.poll_timeout()
    }

    fn phase(&self) -> Phase {
        self.machine.phase()
    }

    fn epoch(&self) -> Option<Epoch> {
        self.machine.epoch()
    }

    fn held_until(&self) -> Time {
        self.machine.held_until()
    }

    fn endpoint(&self) -> &Endpoint {
        self.machine.endpoint()
    }

    fn name(&self) -> &str {
        self.machine.name()
    }
}

impl<M: Subject> Traced<M> {
    /// The first row that is due, at its own moment: none of the others is due by then.
    fn expire(&mut self, now: Time) {
        match self.machine.poll_timeout().filter(|&(at, _)| at <= now) {
            Some((at, timer)) => {
                self.machine.handle(at, Input::Timeout);
                self.note(timer.name(), "");
            }
            None => self.machine.handle(now, Input::Timeout),
        }
    }

    fn found(&mut self, found: Found) {
        match (found, self.machine.phase()) {
            (Found::Nothing, _) => {}
            (Found::Frame(stimulus), _) => self.note(stimulus, ""),
            (Found::Answer, Phase::Open) => {
                self.reader.restart();
                self.note("Upgraded", "");
            }
            (Found::Answer, Phase::Releasing) => {
                self.reader.restart();
                self.note("Refused", "");
            }
            (
                Found::Answer,
                Phase::Stopped
                | Phase::Waiting
                | Phase::Connecting
                | Phase::Upgrading
                | Phase::Closing,
            ) => {}
        }
    }
}

fn filled(bytes: &[u8]) -> ReceiveBuffer {
    let mut rx = ReceiveBuffer::with_capacity(bytes.len());
    rx.spare().copy_from_slice(bytes);
    rx.commit(bytes.len());
    rx
}

/// What a piece of the stream is to the machine.
#[derive(Clone, Copy, Debug)]
enum Found {
    Nothing,
    /// All or a part of the answer to the request.
    Answer,
    Frame(&'static str),
}

/// Follows the stream beside the machine and cuts it into what is one stimulus each.
#[derive(Debug)]
struct Reader {
    decoder: Decoder,
    text_pong: Option<&'static str>,
    /// How much of the blank line that ends a head has come.
    blank: usize,
}

impl Reader {
    const BLANK: &'static [u8] = b"\r\n\r\n";

    fn new(config: &Config) -> Self {
        Self {
            decoder: Decoder::new(Role::Client, config.limits, None),
            text_pong: match config.heartbeat.ping {
                Ping::Text { pong, .. } => Some(pong),
                Ping::Frame => None,
            },
            blank: 0,
        }
    }

    /// For another socket.
    fn restart(&mut self) {
        self.decoder.restart(None);
        self.blank = 0;
    }

    /// How many of the bytes belong together, and what they are.
    fn next(&mut self, place: Place, bytes: &[u8]) -> (usize, Found) {
        match place {
            Place::Upgrading => (self.head(bytes), Found::Answer),
            Place::Open | Place::Asked => self.frame(bytes),
            Place::Stopped
            | Place::Waiting
            | Place::Connecting
            | Place::Said
            | Place::Flushing
            | Place::Releasing => (bytes.len(), Found::Nothing),
        }
    }

    fn head(&mut self, bytes: &[u8]) -> usize {
        for (index, &byte) in bytes.iter().enumerate() {
            self.blank = match Self::BLANK.get(self.blank) {
                Some(&next) if next == byte => self.blank + 1,
                _ => usize::from(byte == b'\r'),
            };
            if self.blank == Self::BLANK.len() {
                self.blank = 0;
                return index + 1;
            }
        }
        bytes.len()
    }

    fn frame(&mut self, bytes: &[u8]) -> (usize, Found) {
        let mut rx = filled(bytes);
        let found = match self.decoder.next(&mut rx) {
            Ok(None) => Found::Nothing,
            Ok(Some(Item::Text(text))) if Some(text) == self.text_pong => Found::Frame("Pong"),
            Ok(Some(Item::Text(_) | Item::Binary(_))) => Found::Frame("Data"),
            Ok(Some(Item::Ping(_))) => Found::Frame("Ping"),
            Ok(Some(Item::Pong(_))) => Found::Frame("Pong"),
            Ok(Some(Item::Close(_))) => Found::Frame("PeerClosed"),
            Err(_) => return (bytes.len(), Found::Frame("Violation")),
        };
        (bytes.len() - rx.filled().len(), found)
    }
}
