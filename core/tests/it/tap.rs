//! What a tap is told is enough to make another machine do the same.

use std::time::Duration;

use marketprism_core::connection::{
    Action, Config, Connection, Endpoint, Epoch, Event, Input, OwnedEvent, Phase, Timer,
};
use marketprism_core::tap::{Given, Tap, Tapped};
use marketprism_core::{Machine, ReceiveBuffer, Time, UnixNanos};

use super::sim::Sim;
use super::sim::faults::Schedule;
use super::sim::feed::{Feed, Habits};

/// What a tap was told, kept.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Told {
    Input(Time, Input),
    Received(Time, UnixNanos, Vec<u8>),
    Transmitted(Time, Vec<u8>),
    Drained(UnixNanos),
    Action(Action),
    Event(OwnedEvent),
    Settled(Phase, Option<Epoch>, Option<(Time, Timer)>),
}

#[derive(Debug, Default)]
struct Diary(Vec<Told>);

impl Tap<Connection> for Diary {
    fn given(&mut self, given: Given<'_>) {
        self.0.push(match given {
            Given::Input { now, input } => Told::Input(now, input),
            Given::Received {
                now,
                received,
                bytes,
            } => Told::Received(now, received, bytes.to_vec()),
            Given::Transmitted { now, bytes, .. } => {
                Told::Transmitted(now, bytes.map(<[u8]>::to_vec).unwrap_or_default())
            }
            Given::Signed { .. } | Given::Granted { .. } | Given::Fetched { .. } => {
                panic!("a bare connection asks for nothing else")
            }
            Given::Drained { received } => Told::Drained(received),
        });
    }

    fn action(&mut self, action: Action) {
        self.0.push(Told::Action(action));
    }

    fn event(&mut self, event: &Event<'_>) {
        self.0.push(Told::Event((*event).into()));
    }

    fn settled(&mut self, machine: &Connection) {
        let (phase, epoch) = (machine.phase(), machine.epoch());
        self.0
            .push(Told::Settled(phase, epoch, machine.poll_timeout()));
    }
}

fn connection() -> Connection {
    let endpoint = Endpoint {
        host: "feed.example".into(),
        port: 443,
        tls: true,
        path: "/ws".into(),
    };
    Connection::new("tapped", Config::new(endpoint), [9; 32]).unwrap()
}

fn feed() -> Feed {
    let habits = Habits {
        data: Duration::from_secs(10),
        ping: Duration::from_secs(180),
    };
    Feed::new(habits, Some(Schedule::new(4, Duration::from_secs(300))))
}

/// A day of faults, with what the application heard.
fn day<M>(machine: M) -> (Sim<M, Feed>, Vec<OwnedEvent>)
where
    M: for<'a> Machine<Event<'a> = Event<'a>>,
{
    let mut heard = Vec::new();
    let mut each = |_: Time, event: Event<'_>| heard.push(event.into());
    let mut sim = Sim::new(machine, feed());
    sim.input(Input::Start, &mut each);
    sim.run_for(Duration::from_secs(86_400), &mut each);
    sim.input(Input::Stop, &mut each);
    sim.run_for(Duration::from_secs(30), &mut each);
    (sim, heard)
}

/// Hands in again what was handed in before.
fn give(machine: &mut Tapped<Connection, Diary>, told: &Told) {
    match told {
        Told::Input(now, input) => machine.handle(*now, *input),
        Told::Received(now, received, bytes) => {
            let mut rx = ReceiveBuffer::with_capacity(bytes.len());
            rx.spare().copy_from_slice(bytes);
            rx.commit(bytes.len());
            machine.receive(*now, *received, &mut rx, &mut |_| {});
        }
        Told::Transmitted(now, bytes) => machine.transmitted(*now, bytes.len()),
        Told::Drained(received) => machine.drain_events(*received, &mut |_| {}),
        Told::Action(_) => assert!(machine.poll_action().is_some()),
        Told::Event(_) | Told::Settled(..) => {}
    }
}

#[test]
fn a_tapped_machine_does_what_the_machine_does() {
    let (plain, heard) = day(connection());
    let (tapped, heard_tapped) = day(Tapped::new(connection(), Diary::default()));
    assert_eq!(tapped.trace, plain.trace);
    assert_eq!(heard_tapped, heard);
    let (untold, heard_untold) = day(Tapped::new(connection(), None::<Diary>));
    assert_eq!((untold.trace, heard_untold), (plain.trace, heard));
}

#[test]
fn what_a_tap_was_told_given_again_brings_the_same_out() {
    let (sim, heard) = day(Tapped::new(connection(), Diary::default()));
    let told = &sim.machine.tap().0;
    assert!(heard.len() > 5000, "a day with {} events", heard.len());
    let mut again = Tapped::new(connection(), Diary::default());
    for told in told {
        give(&mut again, told);
    }
    assert!(again.tap().0 == *told, "every word of the day");
    let events = told.iter().filter_map(|told| {
        if let Told::Event(event) = told {
            return Some(event);
        }
        None
    });
    assert!(
        events.eq(&heard),
        "the tap hears what the application hears"
    );
}

#[test]
fn what_is_written_is_told_as_it_was_and_no_more_than_there_was() {
    let mut machine = Tapped::new(connection(), Diary::default());
    machine.handle(Time::ZERO, Input::Start);
    let Some(Action::Dial(epoch)) = machine.poll_action() else {
        panic!("no dial");
    };
    machine.handle(Time::ZERO, Input::Dialed(epoch));
    let request = machine.transmit().to_vec();
    machine.transmitted(Time::ZERO, 3);
    machine.transmitted(Time::ZERO, usize::MAX);
    let written = machine.tap().0.iter().filter_map(|told| {
        if let Told::Transmitted(_, bytes) = told {
            return Some(bytes.as_slice());
        }
        None
    });
    assert!(written.eq([&request[..3], &request[3..]]));
    assert_eq!(machine.transmit(), b"");
}
