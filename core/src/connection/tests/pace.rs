//! When the next dial comes: backoff, proof, renewal, holds.

use core::time::Duration;

use super::super::io::{Action, Input, Phase, Status, Timer};
use super::super::phase::{Lifecycle, Stimulus};
use super::super::quota::Quota;
use super::{Model, Step, World, config};
use crate::time::Time;

/// A world in which only the backoff says when to dial.
fn unlimited() -> World {
    let mut world = World::new(1);
    let mut config = config();
    config.dials = None;
    config.messages = Some(Quota {
        count: 100,
        per: Duration::from_millis(1),
    });
    world.life = Lifecycle::new(&config, [1; 32]);
    world
}

fn take(world: &mut World, steps: &[Step]) {
    for &step in steps {
        world.step(step);
    }
}

/// From any phase to the next open socket.
fn reopen(world: &mut World) {
    while world.life.phase() != Phase::Open {
        let step = world.helpful();
        world.step(step);
    }
}

/// Ends the open socket and says how long the wait for the next dial is.
fn wait_after(world: &mut World, end: Step) -> Duration {
    world.step(end);
    while world.life.phase() > Phase::Connecting {
        let step = world.helpful();
        world.step(step);
    }
    let retry = world.life.timers.deadline(Timer::Retry);
    retry.map_or(Duration::ZERO, |at| at.since(world.now))
}

/// Data arrives every ten seconds.
fn live_for(world: &mut World, seconds: u64) {
    for _ in 0..seconds / 10 {
        world.now = world.now + Duration::from_secs(10);
        world.input(Input::Timeout);
        world.step(Step::Data);
    }
}

#[test]
fn attempts_count_and_waits_grow_from_failure_to_failure() {
    let mut world = unlimited();
    world.input(Input::Start);
    let mut longest = Duration::ZERO;
    for attempt in 1..=20 {
        assert_eq!(world.life.attempt, attempt);
        take(
            &mut world,
            &[Step::Take, Step::DialFailed, Step::Take, Step::Released],
        );
        assert_eq!(world.life.phase(), Phase::Waiting);
        let until = world.life.timers.deadline(Timer::Retry).unwrap();
        let wait = until.since(world.now);
        let ceiling = Duration::from_secs(1 << (attempt - 1).min(20)).min(Duration::from_secs(300));
        assert!(wait <= ceiling, "{wait:?} after {attempt} attempts");
        longest = longest.max(wait);
        world.step(Step::Deadline);
    }
    assert!(longest > Duration::from_secs(60), "{longest:?}");
}

#[test]
fn opening_alone_does_not_forget_the_failures() {
    let mut world = unlimited();
    for attempt in 1..=12 {
        reopen(&mut world);
        assert_eq!(world.life.attempt, attempt);
        world.step(Step::PeerClosed);
    }
}

#[test]
fn failures_are_forgotten_once_data_has_flowed_for_long_enough() {
    let mut world = unlimited();
    for _ in 0..5 {
        reopen(&mut world);
        live_for(&mut world, 60);
        assert!(world.life.attempt > 0, "50 seconds of data are not enough");
        world.step(Step::Eof);
    }
    assert_eq!(world.life.attempt, 5);
    reopen(&mut world);
    live_for(&mut world, 80);
    assert_eq!(world.life.attempt, 0);
    assert!(wait_after(&mut world, Step::Eof) <= Duration::from_secs(1));
    reopen(&mut world);
    assert_eq!(world.life.attempt, 1);
}

#[test]
fn pings_alone_prove_nothing() {
    let mut world = unlimited();
    reopen(&mut world);
    for _ in 0..20 {
        world.now = world.now + Duration::from_secs(10);
        world.input(Input::Timeout);
        take(&mut world, &[Step::Ping, Step::Flush]);
    }
    assert_eq!(world.life.attempt, 1);
}

#[test]
fn a_socket_that_has_proved_itself_is_renewed_at_once_behind_its_close() {
    for renewal in [Stimulus::Renew, Stimulus::Expired(Timer::Rotate)] {
        let mut world = unlimited();
        reopen(&mut world);
        live_for(&mut world, 80);
        world.signal(renewal);
        assert_eq!(world.life.phase(), Phase::Closing);
        assert!(world.wire.closed);
        assert_eq!(wait_after(&mut world, Step::PeerClosed), Duration::ZERO);
        assert_eq!(world.life.phase(), Phase::Connecting);
    }
}

/// A server that announces its shutdown to each newcomer is not dialled in a loop.
#[test]
fn a_fresh_socket_is_renewed_through_the_backoff() {
    let mut world = unlimited();
    let mut waited = Duration::ZERO;
    for _ in 0..12 {
        reopen(&mut world);
        world.step(Step::Data);
        waited += wait_after(&mut world, Step::Renew);
    }
    assert!(
        waited > Duration::from_secs(60),
        "12 renewals within {waited:?}"
    );
}

#[test]
fn renewal_is_staggered_by_the_seed_within_its_spread() {
    let mut ages = alloc::collections::BTreeSet::new();
    for seed in 0..50 {
        let mut world = World::new(seed);
        reopen(&mut world);
        let age = world
            .life
            .timers
            .deadline(Timer::Rotate)
            .unwrap()
            .since(world.now);
        assert!(age > Duration::from_secs(540) && age <= Duration::from_secs(600));
        ages.insert(age);
    }
    assert_eq!(ages.len(), 50);
}

#[test]
fn a_hold_postpones_a_start_and_a_retry() {
    let mut world = unlimited();
    let until = world.now + Duration::from_secs(1000);
    world.input(Input::Hold(until));
    world.input(Input::Hold(Time::ZERO));
    world.input(Input::Start);
    assert_eq!(world.life.statuses.poll(), Some(Status::Waiting { until }));
    let later = until + Duration::from_secs(1);
    world.input(Input::Hold(later));
    assert_eq!(world.life.timers.next(), Some((later, Timer::Retry)));
    world.now = until;
    world.input(Input::Timeout);
    assert_eq!(world.life.actions.poll(), None);
    world.now = later;
    world.input(Input::Timeout);
    assert!(matches!(world.life.actions.poll(), Some(Action::Dial(_))));
}

#[test]
fn a_renewal_waits_for_as_long_as_it_is_told_to_stay() {
    let mut world = unlimited();
    reopen(&mut world);
    let rotate = |world: &World| world.life.timers.deadline(Timer::Rotate);
    let due = rotate(&world).unwrap();
    world.input(Input::Stay(Time::MAX));
    assert_eq!(rotate(&world), Some(Time::MAX));
    let later = due + Duration::from_secs(5000);
    world.input(Input::Stay(later));
    assert_eq!(rotate(&world), Some(later));
    // The last counts, and its own clock goes on.
    world.input(Input::Stay(Time::ZERO));
    assert_eq!(rotate(&world), Some(due));
    // It may be told so before there is a connection, too.
    world.input(Input::Stay(Time::MAX));
    world.step(Step::Eof);
    assert_eq!(rotate(&world), None);
    reopen(&mut world);
    assert_eq!(rotate(&world), Some(Time::MAX));
}

#[test]
fn a_stop_and_a_start_do_not_lift_a_pause_that_the_server_asked_for() {
    let mut world = unlimited();
    take(
        &mut world,
        &[Step::Start, Step::Take, Step::Dialed, Step::Overloaded],
    );
    let until = world.now + Duration::from_secs(5);
    take(
        &mut world,
        &[Step::Stop, Step::Take, Step::Released, Step::Start],
    );
    assert_eq!(world.life.timers.next(), Some((until, Timer::Retry)));
}

#[test]
fn time_that_runs_backwards_stands_still() {
    let mut life = Lifecycle::new(&config(), [1; 32]);
    let mut wire = Model::default();
    let late = Time::from_nanos(1_000_000_000_000);
    life.handle(late, Input::Hold(Time::ZERO), &mut wire);
    life.handle(Time::ZERO, Input::Start, &mut wire);
    let deadline = late + Duration::from_secs(10);
    assert_eq!(life.timers.next(), Some((deadline, Timer::Connect)));
}
