//! What has been spent of one allowance, and until when the address is barred from it.

use core::time::Duration;

use super::request::Answer;
use crate::connection::{Quota, Window};
use crate::time::Time;
use crate::venue::{self, Allowance};

/// No bar is longer: bans last from two minutes to three days (Binance, "Limits").
const LONGEST: Duration = Duration::from_secs(3 * 24 * 3600);

/// One allowance, as far as we know it.
#[derive(Clone, Debug)]
pub(crate) struct Pool {
    allowance: Allowance,
    quota: Window,
    pace: Window,
    barred: Time,
    /// Bars since the last answer that was none.
    bars: u32,
}

impl Pool {
    pub(crate) fn new(allowance: Allowance) -> Self {
        Self {
            allowance,
            quota: window(allowance.quota()),
            pace: window(allowance.pace()),
            barred: Time::ZERO,
            bars: 0,
        }
    }

    /// When so much may be spent; not after `now` if that is at once.
    pub(crate) fn room_at(&self, now: Time, weight: u32) -> Time {
        let paced = self.pace.room_at(now, weight);
        self.quota.room_at(now, weight).max(paced).max(self.barred)
    }

    pub(crate) fn spend(&mut self, now: Time, weight: u32) {
        self.quota.spend_many(now, weight);
        self.pace.spend_many(now, weight);
    }

    /// Takes in what an answer says of the address; how long it is barred, if it is.
    pub(crate) fn answered(&mut self, now: Time, answer: &Answer<'_>) -> Option<Time> {
        if self.allowance.is_told() {
            let told = answer.used_weight.unwrap_or_default();
            // Others spend from this address too, and we may have been started anew.
            let unknown = told.saturating_sub(self.quota.used(now));
            self.quota.spend_many(now, unknown);
        }
        let Some(wait) = self.wait(answer) else {
            if answer.status < 500 {
                self.bars = 0;
            }
            return None;
        };
        self.bars = self.bars.saturating_add(1);
        let until = now + wait;
        self.bar(until);
        Some(until)
    }

    pub(crate) fn bar(&mut self, until: Time) {
        self.barred = self.barred.max(until);
    }

    /// How long the address is to keep away: as long as the venue says, or, where it says
    /// nothing, twice as long each time.
    fn wait(&self, answer: &Answer<'_>) -> Option<Duration> {
        let first = match answer.status {
            // Over the limit: one period, and whoever goes on is banned.
            429 => self.allowance.quota().per.max(Duration::from_secs(10)),
            // Banned, for two minutes at the least.
            418 => Duration::from_secs(120),
            // The firewall in front of the venue; it does not say for how long.
            403 => Duration::from_secs(300),
            _ => answer.retry_after?,
        };
        let doubled = first.saturating_mul(1 << self.bars.min(20));
        Some(answer.retry_after.unwrap_or(doubled).min(LONGEST))
    }
}

fn window(quota: venue::Quota) -> Window {
    let venue::Quota { count, per } = quota;
    Window::new(Some(Quota { count, per }))
}
