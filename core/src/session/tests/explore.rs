//! All short histories of two subscriptions, enumerated: nothing hangs, nothing spins, nothing is
//! subscribed twice.

use alloc::collections::BTreeSet;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::market::{Channel, Market};
use crate::session::Timing;
use crate::session::entry::Entry;
use crate::session::event::VenueError;
use crate::session::notes::Notes;
use crate::session::sequence::{Rule, Sequence, Verdict};
use crate::session::stream::{Stream, StreamState};
use crate::session::subscriptions::{Acks, Health, Subscriptions};
use crate::time::Time;
use crate::venue::{Operation, Reason, Rejection, RequestId};

const STREAMS: usize = 2;

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Input {
    /// The oldest request is carried out and acknowledged.
    Acknowledge,
    /// It is carried out, and the answer is lost.
    LoseAnswer,
    /// It is lost.
    LoseRequest,
    /// It is refused.
    Refuse,
    /// Every subscribed stream but the first speaks.
    SomeSpeak,
    /// Every subscribed stream speaks.
    AllSpeak,
    /// The sequence of the first stream breaks.
    Break,
    /// Time passes until the next deadline.
    Wait,
    /// The connection is lost, and there is another one.
    Reconnect,
}

const INPUTS: [Input; 9] = [
    Input::Acknowledge,
    Input::LoseAnswer,
    Input::LoseRequest,
    Input::Refuse,
    Input::SomeSpeak,
    Input::AllSpeak,
    Input::Break,
    Input::Wait,
    Input::Reconnect,
];

/// A request on its way to the venue.
#[derive(Clone, Debug)]
struct Sent {
    id: RequestId,
    operation: Operation,
    places: Vec<usize>,
}

#[derive(Clone, Debug)]
struct World {
    now: Time,
    acks: Acks,
    subscriptions: Subscriptions,
    notes: Notes,
    wire: Vec<Sent>,
    /// What the venue sends.
    subscribed: BTreeSet<usize>,
}

impl World {
    fn new(acks: Acks) -> Self {
        let entry = |number: usize| {
            let instrument = String::from(["AAA", "BBB"][number]);
            let stream = Stream {
                instrument,
                channel: Channel::Books,
            };
            let sequence = Sequence::new(Rule::of(Market::Okx, stream.channel));
            Entry::new(stream, sequence, Duration::from_secs(10))
        };
        let entries = (0..STREAMS).map(entry).collect();
        let mut world = Self {
            now: Time::from_nanos(1),
            acks,
            subscriptions: Subscriptions::new(entries, Timing::DEFAULT, acks),
            notes: Notes::for_streams(STREAMS),
            wire: Vec::new(),
            subscribed: BTreeSet::new(),
        };
        world.open();
        world
    }

    fn open(&mut self) {
        self.subscriptions.opened(self.now);
        self.send();
    }

    fn reconnect(&mut self) {
        self.subscriptions.closed(self.now);
        self.wire.clear();
        self.subscribed.clear();
        self.open();
    }

    fn send(&mut self) {
        while self.subscriptions.has_unsent() {
            let Some(operation) = self.subscriptions.choose(self.now) else {
                return;
            };
            let id = self.subscriptions.next_id();
            let place = |stream: &Stream| usize::from(stream.instrument == "BBB");
            let places: Vec<_> = self.subscriptions.batch().map(place).collect();
            let count = places.len();
            self.wire.push(Sent {
                id,
                operation,
                places,
            });
            self.subscriptions
                .sent(self.now, operation, count, &mut self.notes);
        }
    }

    /// Whether the input means anything here; what does not is not followed further.
    fn apply(&mut self, input: Input) -> bool {
        match input {
            Input::Acknowledge | Input::LoseAnswer | Input::LoseRequest | Input::Refuse => {
                if self.wire.is_empty() {
                    return false;
                }
                let sent = self.wire.remove(0);
                self.arrive(input, &sent);
            }
            Input::AllSpeak => self.speak(0),
            Input::SomeSpeak => self.speak(1),
            Input::Break => self.subscriptions.broken(self.now, 0),
            Input::Wait => self.wait(),
            Input::Reconnect => self.reconnect(),
        }
        self.send();
        true
    }

    fn arrive(&mut self, input: Input, sent: &Sent) {
        if matches!(input, Input::Acknowledge | Input::LoseAnswer) {
            self.carry_out(sent);
        }
        if input == Input::Acknowledge {
            self.acknowledge(sent);
        }
        if input == Input::Refuse && sent.operation == Operation::Subscribe {
            let rejection = Rejection {
                code: 1,
                reason: Reason::NoSuchStream,
            };
            let error = VenueError::new(rejection, "no");
            let (id, notes) = (Some(sent.id), &mut self.notes);
            self.subscriptions
                .request_refused(self.now, id, error, notes);
        }
    }

    fn carry_out(&mut self, sent: &Sent) {
        for &place in &sent.places {
            match sent.operation {
                Operation::Subscribe => {
                    assert!(self.subscribed.insert(place), "subscribed twice");
                }
                Operation::Unsubscribe => drop(self.subscribed.remove(&place)),
            }
        }
    }

    fn acknowledge(&mut self, sent: &Sent) {
        let (now, notes) = (self.now, &mut self.notes);
        if self.acks == Acks::ForRequest {
            return self.subscriptions.acknowledged(now, Some(sent.id), notes);
        }
        for &place in &sent.places {
            match sent.operation {
                Operation::Subscribe => self.subscriptions.subscribed(now, place, notes),
                Operation::Unsubscribe => self.subscriptions.unsubscribed(now, place, notes),
            }
        }
    }

    fn speak(&mut self, first: usize) {
        self.now = self.now + Duration::from_millis(100);
        for &place in self.subscribed.iter().filter(|&&place| place >= first) {
            let entry = self.subscriptions.entry_mut(place).expect("a stream");
            entry.touch(self.now, Verdict::Follows);
            self.subscriptions.data(self.now, place, &mut self.notes);
        }
    }

    fn wait(&mut self) {
        let Some(wake) = self.subscriptions.wake() else {
            panic!("nothing is waited for: {self:?}");
        };
        self.now = self.now.max(wake);
        match self.subscriptions.timeout(self.now, &mut self.notes) {
            Health::Fine => {}
            Health::Stalled => return self.reconnect(),
        }
        self.send();
        let again = self.subscriptions.wake();
        assert!(
            again.is_some_and(|again| again > self.now),
            "it spins: {self:?}"
        );
    }

    /// From wherever it stands: if the venue answers and speaks from now on, all is live.
    fn recovers(mut self) {
        for _ in 0..200 {
            while self.apply(Input::Acknowledge) {}
            self.apply(Input::AllSpeak);
            let mut entries = self.subscriptions.entries().iter();
            if entries.all(|entry| entry.state() == StreamState::Live) {
                return;
            }
            if self.wire.is_empty() {
                self.apply(Input::Wait);
            }
        }
        panic!("never live again: {self:?}");
    }
}

fn explore(world: &World, depth: u32, count: &mut u64) {
    *count += 1;
    world.clone().recovers();
    if depth == 0 {
        return;
    }
    for input in INPUTS {
        let mut next = world.clone();
        if next.apply(input) {
            explore(&next, depth - 1, count);
        }
    }
}

#[test]
fn no_short_history_hangs_spins_or_subscribes_twice() {
    for acks in [Acks::ForRequest, Acks::ForStream] {
        let mut count = 0;
        explore(&World::new(acks), 7, &mut count);
        assert!(count > 1_000_000, "{count} histories");
        std::println!("{acks:?}: {count} histories");
    }
}
