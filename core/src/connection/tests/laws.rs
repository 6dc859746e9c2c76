//! What holds at every step, whatever happens.

use alloc::format;
use alloc::string::String;

use super::{DIALS, MESSAGES, Socket, Step, World};
use crate::connection::dial::{Leave, Signature};
use crate::connection::io::{Phase, Timer};

/// Judges a step by the world before it and after it.
pub(super) type Law = fn(&World, Step, &World) -> Result<(), String>;

/// The laws by name; each is a test of its own in `explore`.
pub(super) const ALL: [(&str, Law); 12] = [
    ("one live socket", one_live_socket),
    ("no dial before released", no_dial_before_released),
    ("stale changes nothing", stale_changes_nothing),
    ("one pending reconnect", one_pending_reconnect),
    ("nothing can hang", nothing_can_hang),
    ("pings answered once", pings_answered_once),
    ("dead sockets are silent", dead_sockets_are_silent),
    ("dials within quota", dials_within_quota),
    ("messages within quota", messages_within_quota),
    ("statuses in order", statuses_in_order),
    ("no dial without leave", no_dial_without_leave),
    ("nothing unsigned is sent", nothing_unsigned_is_sent),
];

fn lawful(holds: bool, otherwise: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(otherwise()) }
}

fn one_live_socket(_: &World, _: Step, after: &World) -> Result<(), String> {
    lawful(after.second_dials == 0, || {
        "a dial beside a live socket".into()
    })?;
    lawful(after.stray_drops == 0, || "a drop of no socket".into())
}

/// From the dial to the confirmed release the epoch stays the same.
fn no_dial_before_released(before: &World, step: Step, after: &World) -> Result<(), String> {
    let (old, new) = (before.life.epoch(), after.life.epoch());
    let confirmed = step == Step::Released && matches!(before.socket, Socket::Dropped(_));
    lawful(old.is_none() || old == new || confirmed, || {
        format!("{old:?} gave way to {new:?} without a release")
    })
}

fn stale_changes_nothing(before: &World, step: Step, after: &World) -> Result<(), String> {
    let early = step == Step::Released && matches!(before.socket, Socket::Live(_));
    let stale = step == Step::Stale || early;
    lawful(!stale || before == after, || {
        "a stale input had an effect".into()
    })
}

fn one_pending_reconnect(_: &World, _: Step, after: &World) -> Result<(), String> {
    let pending = after.life.timers.deadline(Timer::Retry).is_some();
    let waiting = after.life.phase() == Phase::Waiting;
    lawful(pending == waiting, || {
        "a retry beside a socket, or none without".into()
    })?;
    let connecting = after.life.phase() == Phase::Connecting;
    let dialing = after.life.timers.deadline(Timer::Connect).is_some();
    lawful(dialing == connecting, || {
        "a dial outside of connecting".into()
    })
}

fn nothing_can_hang(_: &World, _: Step, after: &World) -> Result<(), String> {
    let row = match after.life.phase() {
        Phase::Stopped => return Ok(()),
        Phase::Waiting => Timer::Retry,
        Phase::Connecting => Timer::Connect,
        Phase::Upgrading => Timer::Upgrade,
        Phase::Open => Timer::Silence,
        Phase::Closing => Timer::Close,
        Phase::Releasing => {
            let asked = after.life.actions.drop_waits();
            let owes = matches!(after.socket, Socket::Dropped(_));
            return lawful(asked || owes, || {
                "releasing, and nobody was asked to".into()
            });
        }
    };
    lawful(after.life.timers.deadline(row).is_some(), || {
        format!("{:?} without {row:?}", after.life.phase())
    })
}

/// Each ping is answered once and never twice, at once if there is room; if there is not, the
/// newest is answered as soon as there is.
fn pings_answered_once(_: &World, _: Step, after: &World) -> Result<(), String> {
    let wire = &after.wire;
    lawful(wire.wrong_pongs == 0, || {
        "a second answer to the same ping".into()
    })?;
    lawful(wire.probes <= 1, || {
        "a second ping into the same silence".into()
    })?;
    if after.life.phase() != Phase::Open || wire.answered == wire.pings {
        return Ok(());
    }
    let rationed = after.life.timers.deadline(Timer::Quota).is_some();
    let blocked = wire.frames > 0;
    lawful(rationed || blocked, || "a ping was forgotten".into())
}

fn dead_sockets_are_silent(_: &World, _: Step, after: &World) -> Result<(), String> {
    lawful(after.wire.misplaced == 0, || {
        "a frame for a dead socket, or behind a close".into()
    })?;
    let connected = matches!(
        after.life.phase(),
        Phase::Upgrading | Phase::Open | Phase::Closing
    );
    lawful(connected || after.wire.frames == 0, || {
        "bytes left for a dead socket".into()
    })
}

fn dials_within_quota(before: &World, _: Step, after: &World) -> Result<(), String> {
    let all = DIALS.count as usize + 1;
    if after.dialed.len() == all && after.dialed.back() != before.dialed.back() {
        let span = after.dialed[all - 1].since(after.dialed[0]);
        lawful(span >= DIALS.per, || format!("{all} dials within {span:?}"))?;
    }
    let dialed = after.life.epoch().is_some() && before.life.epoch() != after.life.epoch();
    lawful(!dialed || after.life.held() <= after.now, || {
        "a dial in spite of a hold".into()
    })
}

fn no_dial_without_leave(before: &World, _: Step, after: &World) -> Result<(), String> {
    let dialed = after.life.epoch().is_some() && before.life.epoch() != after.life.epoch();
    lawful(!dialed || after.life.leave == Leave::Given, || {
        "a dial without leave".into()
    })
}

/// A socket whose upgrade request waits for its signature has nothing to write.
fn nothing_unsigned_is_sent(_: &World, _: Step, after: &World) -> Result<(), String> {
    let awaited = after.life.signature == Signature::Awaited;
    let upgrading = after.life.phase() == Phase::Upgrading;
    lawful(!awaited || !upgrading || after.wire.frames == 0, || {
        "a request that was not signed".into()
    })
}

fn messages_within_quota(_: &World, _: Step, after: &World) -> Result<(), String> {
    let all = MESSAGES.count as usize + 1;
    let left = &after.wire.left;
    let span = match (left.len() == all, left.front(), left.back()) {
        (true, Some(&first), Some(last)) => last.since(first),
        _ => return Ok(()),
    };
    lawful(span >= MESSAGES.per, || {
        format!("{all} frames within {span:?}")
    })
}

fn statuses_in_order(_: &World, _: Step, after: &World) -> Result<(), String> {
    lawful(after.disorder == 0, || {
        "statuses that cannot follow one another".into()
    })
}
