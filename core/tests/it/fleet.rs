//! Many machines that share what a venue grants one address.

use std::collections::BTreeMap;
use std::time::Duration;

use marketprism_core::connection::{
    Action, Config, Connection, Endpoint, Epoch, Event, Fault, Input, Phase, Quota, Status, Timer,
};
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::ws::handshake::Response;
use marketprism_core::{ReceiveBuffer, Time, UnixNanos};
use proptest::prelude::*;

const THREE_A_SECOND: Quota = Quota {
    count: 3,
    per: Duration::from_secs(1),
};

fn connection(name: &str, seed: u8) -> Connection {
    let endpoint = Endpoint {
        host: "feed.example".into(),
        port: 443,
        tls: true,
        path: "/".into(),
    };
    Connection::new(name, Config::new(endpoint), [seed; 32]).expect("valid settings")
}

/// A fleet of so many connections under one budget, and one that has none.
fn fleet(count: u8) -> (Fleet<Connection>, Vec<MachineId>, MachineId) {
    let mut fleet = Fleet::new();
    let budget = fleet.budget(THREE_A_SECOND);
    let ids = (0..count).map(|seed| fleet.add(connection("shared", seed), Some(budget)));
    let ids = ids.collect();
    let alone = fleet.add(connection("alone", 200), None);
    (fleet, ids, alone)
}

fn dials(fleet: &mut Fleet<Connection>) -> Vec<(MachineId, Epoch)> {
    let actions = std::iter::from_fn(|| fleet.poll_action());
    actions
        .filter_map(|(id, action)| match action {
            Action::Dial(epoch) => Some((id, epoch)),
            Action::Drop(_) | Action::Sign(_) | Action::Fetch(_) => None,
        })
        .collect()
}

#[test]
fn a_start_of_many_respects_the_budget() {
    let (mut fleet, ids, alone) = fleet(12);
    let mut now = Time::from_nanos(5);
    let mut dialed = BTreeMap::new();
    fleet.handle_all(now, Input::Start);
    while dialed.len() < 13 {
        for (id, _) in dials(&mut fleet) {
            assert_eq!(dialed.insert(id, now), None, "each dials once");
        }
        now = fleet.poll_timeout().unwrap().0;
        fleet.handle_timeouts(now);
    }
    assert_eq!(dialed.remove(&alone), Some(Time::from_nanos(5)));
    let times: Vec<_> = ids.iter().map(|id| dialed[id]).collect();
    for (index, &at) in times.iter().enumerate() {
        let second = Duration::from_secs(index as u64 / 3);
        assert_eq!(at, Time::from_nanos(5) + second, "machine {index}");
    }
}

#[test]
fn a_ban_holds_every_connection_of_the_budget_and_no_other() {
    let (mut fleet, ids, alone) = fleet(3);
    let now = Time::from_nanos(5);
    fleet.handle_all(now, Input::Start);
    let dialed = dials(&mut fleet);
    for &(id, epoch) in &dialed {
        fleet.handle(now, id, Input::Dialed(epoch));
    }
    let mut rx = ReceiveBuffer::with_capacity(4096);
    let answer = Response::new(418).field("Retry-After", "120").body(b"");
    rx.spare()[..answer.len()].copy_from_slice(&answer);
    rx.commit(answer.len());
    let mut downs = Vec::new();
    fleet.receive(
        now,
        UnixNanos::default(),
        ids[0],
        &mut rx,
        &mut |id, event| {
            if let Event::Status(Status::Down { .. }) = event {
                downs.push(id);
            }
        },
    );
    assert_eq!(downs, [ids[0]]);
    let until = now + Duration::from_secs(120);
    for id in ids {
        assert_eq!(fleet.machine(id).unwrap().held_until(), until);
    }
    assert!(fleet.machine(alone).unwrap().held_until() < until);
}

#[test]
fn a_hold_moves_those_that_wait() {
    let (mut fleet, ids, _) = fleet(4);
    let now = Time::from_nanos(5);
    fleet.handle_all(now, Input::Start);
    let fourth = ids[3];
    assert_eq!(fleet.machine(fourth).unwrap().phase(), Phase::Waiting);
    let until = now + Duration::from_secs(60);
    fleet.handle(now, ids[0], Input::Hold(until));
    let machine = fleet.machine(fourth).unwrap();
    assert_eq!(machine.poll_timeout(), Some((until, Timer::Retry)));
}

#[test]
fn one_who_joins_later_is_held_as_well() {
    let mut fleet = Fleet::new();
    let budget = fleet.budget(THREE_A_SECOND);
    let first = fleet.add(connection("first", 1), Some(budget));
    let now = Time::from_nanos(5);
    let until = now + Duration::from_secs(60);
    fleet.handle(now, first, Input::Hold(until));
    let second = fleet.add(connection("second", 2), Some(budget));
    fleet.handle(now, second, Input::Start);
    assert_eq!(fleet.poll_action(), None);
    let machine = fleet.machine(second).unwrap();
    assert_eq!(machine.poll_timeout(), Some((until, Timer::Retry)));
}

#[test]
fn ids_of_another_fleet_are_nobody() {
    let (mut small, ..) = fleet(0);
    let (_, ids, _) = fleet(9);
    let stranger = ids[8];
    small.handle(Time::ZERO, stranger, Input::Start);
    small.transmitted(Time::ZERO, stranger, 1);
    assert!(small.machine(stranger).is_none());
    assert!(small.machine_mut(stranger).is_none());
    assert_eq!(small.transmit(stranger), b"");
    assert!(dials(&mut small).is_empty());
}

#[test]
fn a_stop_for_all_ends_with_all_stopped() {
    let (mut fleet, ..) = fleet(5);
    let now = Time::from_nanos(5);
    assert!(fleet.stopped());
    fleet.handle_all(now, Input::Start);
    assert!(!fleet.stopped());
    fleet.handle_all(now, Input::Stop);
    while let Some((id, action)) = fleet.poll_action() {
        if let Action::Drop(epoch) = action {
            assert!(!fleet.stopped());
            fleet.handle(now, id, Input::Released(epoch));
        }
    }
    assert!(fleet.stopped());
    assert_eq!(fleet.poll_timeout(), None);
    let mut stops = 0;
    fleet.drain_events(UnixNanos::default(), &mut |_, event| {
        stops += u32::from(event == Event::Status(Status::Stopped));
    });
    assert_eq!(stops, 6);
}

#[test]
fn the_earliest_deadline_names_its_machine() {
    let (mut fleet, ids, alone) = fleet(1);
    fleet.handle(Time::from_nanos(9), alone, Input::Start);
    fleet.handle(Time::from_nanos(5), ids[0], Input::Start);
    let connect = Time::from_nanos(5) + Duration::from_secs(10);
    assert_eq!(
        fleet.poll_timeout(),
        Some((connect, ids[0], Timer::Connect))
    );
    fleet.handle_timeouts(connect);
    let down = fleet.machine(ids[0]).unwrap().phase();
    assert_eq!(
        (down, fleet.machine(alone).unwrap().phase()),
        (Phase::Releasing, Phase::Connecting)
    );
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever the machines go through, the address never dials more often than it may.
    #[test]
    fn the_budget_is_never_exceeded(steps in prop::collection::vec((0_usize..8, 0_u8..8), 1..600)) {
        let (mut fleet, ids, _) = fleet(8);
        let mut now = Time::from_nanos(1);
        let mut dialed: Vec<Time> = Vec::new();
        let mut sockets: BTreeMap<MachineId, Epoch> = BTreeMap::new();
        for (who, what) in steps {
            let id = ids[who];
            let epoch = sockets.get(&id).copied();
            match (what, epoch) {
                (0, _) => fleet.handle_all(now, Input::Start),
                (1, _) => fleet.handle(now, id, Input::Stop),
                (2 | 3, _) => now = now + Duration::from_millis(130),
                (4, _) => now = fleet.poll_timeout().map_or(now, |(at, ..)| now.max(at)),
                (5, Some(epoch)) => fleet.handle(now, id, Input::DialFailed(epoch, Fault::Refused)),
                (6, Some(epoch)) => fleet.handle(now, id, Input::Broken(epoch, Fault::Reset)),
                (_, Some(epoch)) => fleet.handle(now, id, Input::Dialed(epoch)),
                (_, None) => fleet.handle(now, id, Input::Start),
            }
            fleet.handle_timeouts(now);
            while let Some((id, action)) = fleet.poll_action() {
                match action {
                    Action::Dial(epoch) => {
                        prop_assert_eq!(sockets.insert(id, epoch), None);
                        if ids.contains(&id) {
                            dialed.push(now);
                        }
                    }
                    Action::Drop(epoch) => {
                        prop_assert_eq!(sockets.remove(&id), Some(epoch));
                        fleet.handle(now, id, Input::Released(epoch));
                    }
                    Action::Sign(_) | Action::Fetch(_) => {
                        prop_assert!(false, "a bare connection asks for nothing else");
                    }
                }
            }
        }
        for four in dialed.windows(4) {
            prop_assert!(four[3].since(four[0]) >= THREE_A_SECOND.per, "{:?}", four);
        }
    }
}
