//! Every phase and every stimulus: where it leads.

use alloc::vec::Vec;
use core::time::Duration;

use super::super::config::Target;
use super::super::farewell::Farewell;
use super::super::io::{Cause, Fault, Phase, Refusal, Status, Timer};
use super::super::phase::Stimulus;
use super::{Step, World};
use crate::ws::Violation;

/// The columns: every phase, and the three ways to stand in `Closing`.
const COLUMNS: [&str; 9] = ["St", "Wa", "Co", "Up", "Op", "Ca", "Cs", "Cf", "Re"];

fn world(column: &str) -> World {
    let mut world = World::in_phase(match column {
        "St" => Phase::Stopped,
        "Wa" => Phase::Waiting,
        "Co" => Phase::Connecting,
        "Up" => Phase::Upgrading,
        "Op" | "Cs" | "Cf" => Phase::Open,
        "Ca" => Phase::Closing,
        _ => Phase::Releasing,
    });
    match column {
        "Cs" => world.step(Step::PeerClosed),
        "Cf" => {
            world.step(Step::PeerClosed);
            world.step(Step::Eof);
        }
        _ => world.step(Step::Take),
    }
    world
}

fn column(world: &World) -> &'static str {
    match (world.life.phase(), world.life.farewell) {
        (Phase::Stopped, _) => "St",
        (Phase::Waiting, _) => "Wa",
        (Phase::Connecting, _) => "Co",
        (Phase::Upgrading, _) => "Up",
        (Phase::Open, _) => "Op",
        (Phase::Closing, Farewell::Asked(_)) => "Ca",
        (Phase::Closing, Farewell::Said) => "Cs",
        (Phase::Closing, Farewell::Flushing) => "Cf",
        (Phase::Releasing, _) => "Re",
    }
}

fn stimuli(world: &World) -> Vec<(&'static str, Stimulus)> {
    let soon = world.now + Duration::from_secs(1);
    let mut stimuli = alloc::vec![
        ("Start", Stimulus::Start),
        ("Stop", Stimulus::Stop),
        ("Renew", Stimulus::Renew),
        ("Hold", Stimulus::Hold(soon)),
        ("Stay", Stimulus::Stay(soon)),
        ("Withhold", Stimulus::Withhold),
        ("Permit", Stimulus::Permit),
        ("Dialed", Stimulus::Dialed),
        ("DialFailed", Stimulus::DialFailed(Fault::Refused)),
        ("Eof", Stimulus::Eof),
        ("Broken", Stimulus::Broken(Fault::Reset)),
        ("Released", Stimulus::Released),
        ("Heard", Stimulus::Heard),
        ("Signed", Stimulus::Signed),
        ("Unsigned", Stimulus::Unsigned),
        ("Upgraded", Stimulus::Upgraded),
        ("Refused", Stimulus::Refused(Refusal::Status(503, None))),
        ("Data", Stimulus::Data),
        ("Ping", Stimulus::Ping),
        ("Pong", Stimulus::Pong),
        ("PeerClosed", Stimulus::PeerClosed(1001)),
        ("Violation", Stimulus::Violation(Violation::Masked)),
        ("Written", Stimulus::Written),
    ];
    let timers = ["connect", "upgrade", "probe", "silence", "data", "close"];
    let others = [
        "retry", "stable", "rotate", "quota", "session", "fetch", "weight",
    ];
    let names = timers.into_iter().chain(others);
    stimuli.extend(names.zip(Timer::ALL.map(Stimulus::Expired)));
    stimuli
}

/// Where each stimulus leads from each column: to another column; nowhere else, but something
/// changes (o); nowhere at all (a dot). The scenarios of the whole are held against it as well.
const TABLE: &str = include_str!("table.txt");

#[test]
fn every_stimulus_leads_from_every_phase_where_the_table_says() {
    let rows: Vec<Vec<&str>> = TABLE
        .lines()
        .map(|line| line.split_whitespace().collect())
        .filter(|row: &Vec<_>| row.len() == COLUMNS.len() + 1)
        .collect();
    let mut findings = Vec::new();
    let mut pairs = 0;
    for (index, from) in COLUMNS.into_iter().enumerate() {
        for (name, stimulus) in stimuli(&world(from)) {
            let row = rows.iter().find(|row| row[0] == name);
            let Some(expected) = row.map(|row| row[index + 1]) else {
                panic!("{name} is not in the table");
            };
            let found = cell(from, stimulus);
            if found != expected {
                findings.push((name, from, expected, found));
            }
            pairs += 1;
        }
    }
    assert_eq!(findings, []);
    assert_eq!(pairs, rows.len() * COLUMNS.len());
    std::println!("{pairs} pairs of a phase and a stimulus");
}

/// What a stimulus does in this column, as the table says it. When bytes are written, it is all
/// of them.
fn cell(from: &str, stimulus: Stimulus) -> &'static str {
    let mut acts = false;
    for mut world in worlds(from) {
        if stimulus == Stimulus::Written {
            world.wire.leave(world.now, usize::MAX);
        }
        let before = world.clone();
        world.signal(stimulus);
        match column(&world) {
            to if to != from => return to,
            _ => acts |= world != before,
        }
    }
    if acts { "o" } else { "." }
}

/// The world of a column by the shortest way, with the other wish of the application, and with a
/// pong that is owed because the quota is spent; a second later, when there is room for it again. Or
/// without leave to dial, and with a request that is to be signed.
fn worlds(from: &str) -> Vec<World> {
    let busy = &[Step::Send, Step::Ping, Step::Ping, Step::Flush];
    let ways: [&[Step]; 6] = [
        &[],
        &[Step::Stop],
        &[Step::Start],
        busy,
        &[Step::Withhold],
        &[Step::Withhold, Step::Deadline],
    ];
    let mut worlds = Vec::new();
    let plain = ways.map(|way| (world(from), way));
    let unsigned = (from == "Up").then(|| (unsigned(), ways[0]));
    for (mut world, way) in plain.into_iter().chain(unsigned) {
        way.iter().for_each(|&step| world.step(step));
        world.now = world.now + Duration::from_secs(1);
        world.life.now = world.now;
        if column(&world) == from {
            worlds.push(world);
        }
    }
    worlds
}

/// A socket is connected, and its upgrade request waits for its signature.
fn unsigned() -> World {
    let mut world = World::of(Target::Signed, 1);
    for step in [Step::Start, Step::Take, Step::Dialed, Step::Take] {
        world.step(step);
    }
    world
}

/// What the application hears of each end.
#[test]
fn every_end_tells_its_cause() {
    let ends = [
        (
            "Co",
            Stimulus::DialFailed(Fault::Refused),
            Cause::Fault(Fault::Refused),
        ),
        (
            "Co",
            Stimulus::Expired(Timer::Connect),
            Cause::Lost(Timer::Connect),
        ),
        ("Co", Stimulus::Stop, Cause::Stopped),
        (
            "Up",
            Stimulus::Expired(Timer::Upgrade),
            Cause::Lost(Timer::Upgrade),
        ),
        ("Up", Stimulus::Eof, Cause::Eof),
        ("Up", Stimulus::Broken(Fault::Tls), Cause::Fault(Fault::Tls)),
        (
            "Up",
            Stimulus::Refused(Refusal::Status(503, None)),
            Cause::Refused(Refusal::Status(503, None)),
        ),
        ("Up", Stimulus::Unsigned, Cause::Unsigned),
        ("Op", Stimulus::Eof, Cause::Eof),
        (
            "Op",
            Stimulus::Broken(Fault::Reset),
            Cause::Fault(Fault::Reset),
        ),
        (
            "Op",
            Stimulus::Expired(Timer::Silence),
            Cause::Lost(Timer::Silence),
        ),
        ("Op", Stimulus::PeerClosed(1012), Cause::Peer(1012)),
        (
            "Op",
            Stimulus::Violation(Violation::Masked),
            Cause::Violation(Violation::Masked),
        ),
        ("Ca", Stimulus::PeerClosed(1000), Cause::Stopped),
        ("Ca", Stimulus::Eof, Cause::Stopped),
        ("Ca", Stimulus::Expired(Timer::Close), Cause::Stopped),
    ];
    for (from, stimulus, expected) in ends {
        let mut world = world(from);
        world.life.apply(world.now, stimulus, &mut world.wire);
        let epoch = world.life.epoch;
        let down = Status::Down {
            epoch,
            cause: expected,
        };
        assert_eq!(
            world.life.statuses.poll(),
            Some(down),
            "{stimulus:?} in {from}"
        );
        assert_eq!(world.life.statuses.poll(), None, "{stimulus:?} in {from}");
    }
}

/// Ends that begin with our close frame tell their cause when the peer has answered.
#[test]
fn an_orderly_end_is_told_when_the_peer_has_answered() {
    let ends = [
        (Stimulus::Stop, Cause::Stopped),
        (Stimulus::Renew, Cause::Renewed),
        (Stimulus::Expired(Timer::Rotate), Cause::Renewed),
        (Stimulus::Expired(Timer::Data), Cause::Lost(Timer::Data)),
    ];
    for (stimulus, cause) in ends {
        let mut world = world("Op");
        world.life.apply(world.now, stimulus, &mut world.wire);
        assert!(world.wire.closed, "{stimulus:?}");
        assert_eq!(world.life.statuses.poll(), None, "{stimulus:?}");
        world.signal(Stimulus::PeerClosed(1000));
        let epoch = world.life.epoch;
        assert_eq!(
            world.life.statuses.poll(),
            Some(Status::Down { epoch, cause })
        );
    }
}
