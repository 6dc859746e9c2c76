//! Towards a socket: when to dial, and the way from there to an open connection.

use core::mem;

use rand_core::Rng;

use super::backoff;
use super::config::Target;
use super::heartbeat::Owed;
use super::io::{Cause, Phase, Refusal, Status, Timer};
use super::phase::{Lifecycle, Wire};
use crate::time::Time;

/// Whether the application wants the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wanted {
    Up,
    Down,
}

/// When to dial again once the socket is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pace {
    Backoff,
    AtOnce,
}

/// Whether the application lets a socket be dialled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Leave {
    Given,
    Withheld,
    /// Nothing else is in the way of a dial any more.
    Awaited,
}

/// Whether the upgrade request is to be signed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Signature {
    /// Not at all, or not any more.
    Needless,
    Awaited,
}

impl Lifecycle {
    pub(super) fn start(&mut self, now: Time) {
        self.want();
        self.dial_from(now, now);
    }

    /// The application wants it. After a stop it starts afresh, as soon as the socket is gone.
    pub(super) fn want(&mut self) {
        if self.wanted == Wanted::Down {
            self.wanted = Wanted::Up;
            self.pace = Pace::AtOnce;
            self.attempt = 0;
        }
    }

    /// Dials, or waits for the first moment at which it is allowed to. Where leave is withheld, it
    /// looks again after the longest wait, though [`permitted`](Self::permitted) comes first.
    pub(super) fn dial_from(&mut self, now: Time, earliest: Time) {
        let allowed = self.held.max(self.pause).max(self.dials.free_at(now, 0));
        let until = earliest.max(allowed);
        if until > now {
            return self.wait(until);
        }
        match self.leave {
            Leave::Given => self.dial(now),
            Leave::Withheld | Leave::Awaited => {
                self.leave = Leave::Awaited;
                self.wait(now + self.rules.retry.cap);
            }
        }
    }

    pub(super) fn withhold(&mut self) {
        if self.leave == Leave::Given {
            self.leave = Leave::Withheld;
        }
    }

    pub(super) const fn permit(&mut self) {
        self.leave = Leave::Given;
    }

    /// What was in the way of the dial, and alone, is not any more.
    pub(super) fn permitted(&mut self, now: Time) {
        let awaited = self.leave == Leave::Awaited;
        self.permit();
        if awaited {
            self.timers.disarm(Timer::Retry);
            self.dial_from(now, now);
        }
    }

    fn dial(&mut self, now: Time) {
        self.epoch = self.epoch.next();
        self.attempt = self.attempt.saturating_add(1);
        self.pace = Pace::Backoff;
        self.dials.spend(now);
        self.phase = Phase::Connecting;
        self.timers.arm(Timer::Connect, now + self.rules.connect);
        self.actions.dial(self.epoch);
        let (epoch, attempt) = (self.epoch, self.attempt);
        self.statuses.push(Status::Dialing { epoch, attempt });
    }

    fn wait(&mut self, until: Time) {
        self.timers.arm(Timer::Retry, until);
        if self.phase != Phase::Waiting {
            self.phase = Phase::Waiting;
            self.statuses.push(Status::Waiting { until });
        }
    }

    pub(super) fn hold(&mut self, until: Time) {
        self.held = self.held.max(until);
    }

    pub(super) fn postpone(&mut self, until: Time) {
        self.hold(until);
        let due = self.timers.deadline(Timer::Retry).unwrap_or(until);
        self.timers.arm(Timer::Retry, due.max(until));
    }

    /// The venue cuts what is not renewed in time, which is no worse than a renewal.
    pub(super) fn stay(&mut self, until: Time) {
        self.stay = until;
        if self.timers.deadline(Timer::Rotate).is_some() {
            self.timers.arm(Timer::Rotate, self.renewal.max(until));
        }
    }

    pub(super) fn connected(&mut self, now: Time, wire: &mut impl Wire) {
        self.phase = Phase::Upgrading;
        self.timers.disarm(Timer::Connect);
        self.timers.arm(Timer::Upgrade, now + self.rules.upgrade);
        wire.connect();
        self.signature = match self.rules.target {
            Target::Plain => Signature::Needless,
            Target::Signed => Signature::Awaited,
        };
        if self.signature == Signature::Awaited {
            self.actions.sign(self.epoch);
        }
    }

    pub(super) const fn signed(&mut self) {
        self.signature = Signature::Needless;
    }

    pub(super) fn opened(&mut self, now: Time) {
        self.phase = Phase::Open;
        self.timers.disarm(Timer::Upgrade);
        self.messages.clear();
        self.owed = Owed::default();
        self.heard(now);
        self.await_data(now);
        if let Some(rotate) = &mut self.rules.rotate {
            let drawn = backoff::fraction(rotate.spread, self.rng.next_u64());
            let earlier = drawn + mem::take(&mut rotate.ahead);
            let after = rotate.after.saturating_sub(earlier);
            self.renewal = now + after;
            self.timers.arm(Timer::Rotate, self.renewal.max(self.stay));
        }
        self.statuses.push(Status::Open { epoch: self.epoch });
    }

    /// The server would not have us. What concerns the address is shared with its other
    /// connections; what concerns the server's load is ours alone.
    pub(super) fn refused(&mut self, now: Time, refusal: Refusal, wire: &mut impl Wire) {
        if let Refusal::Status(status, Some(after)) = refusal {
            let until = now + after.min(self.rules.retry.retry_after_cap);
            match status {
                403 | 418 | 429 => self.hold(until),
                _ => self.pause = self.pause.max(until),
            }
        }
        self.end(Cause::Refused(refusal), wire);
    }
}
