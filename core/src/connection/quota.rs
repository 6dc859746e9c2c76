//! Quotas as a strict rolling window, the way venues count.
//!
//! A token bucket lets a full burst through right after a full period of spending, which is
//! twice the quota inside one period as the venue measures it.

use alloc::collections::VecDeque;
use core::time::Duration;

use crate::time::Time;

/// So many in any period of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// How many; from 1 to [`Quota::MAX`].
    pub count: u32,
    /// The length of the period.
    pub per: Duration,
}

impl Quota {
    /// The largest count: a window remembers one instant for each.
    pub const MAX: u32 = 4096;

    /// Whether the count is in range and the period is not empty.
    #[must_use]
    pub const fn is_valid(&self) -> bool {
        self.count >= 1 && self.count <= Self::MAX && !self.per.is_zero()
    }
}

/// What has been spent of a quota.
///
/// What is queued but not yet on the wire counts as spent with its instant still to come: bytes
/// that waited for a slow socket leave together, and the venue counts them when they arrive.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Window {
    quota: Option<Quota>,
    spent: VecDeque<Time>,
    queued: u32,
}

impl Window {
    /// Without a quota there is always room.
    pub(crate) fn new(quota: Option<Quota>) -> Self {
        let count = quota.map_or(0, |quota| quota.count.min(Quota::MAX));
        Self {
            quota,
            spent: VecDeque::with_capacity(count as usize),
            queued: 0,
        }
    }

    /// Spends one now.
    pub(crate) fn spend(&mut self, now: Time) {
        self.queue();
        self.leave(now);
    }

    /// Spends several at once.
    pub(crate) fn spend_many(&mut self, now: Time, count: u32) {
        self.queued = self.queued.saturating_add(count);
        self.leave(now);
    }

    /// Spends one that has yet to leave.
    pub(crate) const fn queue(&mut self) {
        self.queued = self.queued.saturating_add(1);
    }

    /// Everything queued has left; not before what left last, whatever `now` says.
    pub(crate) fn leave(&mut self, now: Time) {
        let now = self.spent.back().map_or(now, |&last| now.max(last));
        let count = self.quota.map_or(0, |quota| quota.count);
        for _ in 0..self.queued.min(count) {
            if self.spent.len() >= count as usize {
                self.spent.pop_front();
            }
            self.spent.push_back(now);
        }
        self.queued = 0;
    }

    /// Starts over.
    pub(crate) fn clear(&mut self) {
        self.spent.clear();
        self.queued = 0;
    }

    /// How many have been spent and are not free again yet.
    pub(crate) fn used(&self, now: Time) -> u32 {
        let per = self.quota.map_or(Duration::ZERO, |quota| quota.per);
        let held = self.spent.iter().filter(|&&at| at + per > now).count();
        u32::try_from(held)
            .unwrap_or(u32::MAX)
            .saturating_add(self.queued)
    }

    /// When so many more may be spent together; not after `now` if that is at once. More than
    /// the quota fit once nothing else is in the window.
    pub(crate) fn room_at(&self, now: Time, count: u32) -> Time {
        self.free_at(now, count.saturating_sub(1))
    }

    /// When what has been spent is free again, oldest first, without what is free already.
    #[cfg(test)]
    pub(crate) fn spent(&self, now: Time) -> impl Iterator<Item = Time> {
        let per = self.quota.map_or(Duration::ZERO, |quota| quota.per);
        let freed = self.spent.iter().map(move |&at| at + per);
        freed.filter(move |&at| at > now)
    }

    /// When one more may be spent if `reserve` of the quota is to stay untouched; not after
    /// `now` if that is at once.
    pub(crate) fn free_at(&self, now: Time, reserve: u32) -> Time {
        let Some(Quota { count, per }) = self.quota else {
            return now;
        };
        let allowed = count.saturating_sub(reserve).max(1) as usize;
        let mut freed = self.spent.iter().map(|&at| at + per).filter(|&at| at > now);
        let used = freed.clone().count() + self.queued as usize;
        let Some(excess) = used.checked_sub(allowed) else {
            return now;
        };
        // What is still queued frees its place a full period after it has left.
        freed.nth(excess).unwrap_or(now + per)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn at(millis: u64) -> Time {
        Time::from_nanos(millis * 1_000_000)
    }

    fn window(count: u32) -> Window {
        Window::new(Some(Quota { count, per: SECOND }))
    }

    #[test]
    fn time_that_runs_backwards_frees_nothing_early() {
        let mut window = window(1);
        window.spend(at(500));
        window.spend(at(100));
        assert_eq!(window.free_at(at(500), 0), at(1500));
    }

    #[test]
    fn any_period_holds_the_count_and_no_more() {
        let mut window = window(3);
        let mut times = alloc::vec::Vec::new();
        for millis in 0..10_000 {
            if window.free_at(at(millis), 0) <= at(millis) {
                window.spend(at(millis));
                times.push(millis);
            }
        }
        assert_eq!(times.len(), 30);
        assert!(times.windows(4).all(|four| four[3] - four[0] >= 1000));
    }

    #[test]
    fn a_burst_after_silence_is_followed_by_a_full_period_of_silence() {
        let mut window = window(2);
        window.spend(at(900));
        window.spend(at(990));
        assert_eq!(window.free_at(at(1000), 0), at(1900));
        assert_eq!(window.free_at(at(1900), 0), at(1900));
    }

    #[test]
    fn the_reserve_stays_untouched() {
        let mut window = window(3);
        window.spend(at(0));
        window.spend(at(1));
        assert_eq!(window.free_at(at(2), 1), at(1000));
        assert_eq!(window.free_at(at(2), 2), at(1001));
        assert_eq!(window.free_at(at(2), 0), at(2));
    }

    #[test]
    fn what_is_queued_is_spent_when_it_leaves() {
        let mut window = window(2);
        window.queue();
        window.queue();
        assert_eq!(window.free_at(at(5_000), 0), at(6_000));
        window.leave(at(7_000));
        assert_eq!(window.free_at(at(7_500), 0), at(8_000));
    }

    #[test]
    fn overspending_is_remembered_without_growing() {
        let mut window = window(2);
        for _ in 0..10 {
            window.spend(at(3));
        }
        assert_eq!(window.spent.len(), 2);
        assert_eq!(window.free_at(at(4), 0), at(1003));
        window.clear();
        assert_eq!(window.free_at(at(4), 0), at(4));
    }
}
