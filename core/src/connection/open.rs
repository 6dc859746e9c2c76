//! An open socket: what proves it, and what has it replaced.

use super::dial::Pace;
use super::io::{Cause, Timer};
use super::phase::{Lifecycle, Wire};
use crate::time::Time;

impl Lifecycle {
    pub(super) fn data(&mut self, now: Time) {
        self.await_data(now);
        let proving = self.timers.deadline(Timer::Stable).is_some();
        if self.attempt > 0 && !proving {
            self.timers
                .arm(Timer::Stable, now + self.rules.retry.stable_after);
        }
    }

    pub(super) fn await_data(&mut self, now: Time) {
        if let Some(data) = self.rules.data {
            self.timers.arm(Timer::Data, now + data);
        }
    }

    pub(super) const fn proved(&mut self) {
        self.attempt = 0;
    }

    /// Control frames arrive but data does not.
    pub(super) fn starved(&mut self, now: Time, wire: &mut impl Wire) {
        self.close(now, Cause::Lost(Timer::Data), wire);
    }

    /// A socket that has proved itself is replaced at once. Any other goes through the backoff,
    /// or a server that announces its shutdown to each newcomer would be dialled without end.
    pub(super) fn renew(&mut self, now: Time, wire: &mut impl Wire) {
        if self.attempt == 0 {
            self.pace = Pace::AtOnce;
        }
        self.close(now, Cause::Renewed, wire);
    }

    pub(super) fn part(&mut self, now: Time, wire: &mut impl Wire) {
        self.unwant();
        self.close(now, Cause::Stopped, wire);
    }
}
