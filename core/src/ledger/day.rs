//! What one stream brought on one day.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use super::runs::{MAX_RUNS, Run, Runs};
use crate::time::{Day, UnixNanos};

/// Days of one stream that are kept besides the newest; the oldest are forgotten, which is said.
const MAX_DAYS: usize = 4096;

/// Counts of one stream on one day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Counts {
    /// Messages that brought something new.
    pub messages: u64,
    /// Messages that had been received before.
    pub duplicates: u64,
    /// Messages that came behind later ones; they count as messages as well.
    pub late: u64,
    /// Messages that were partly new; likewise.
    pub overlaps: u64,
    /// How often the venue began to count anew.
    pub resets: u64,
    /// Messages that were asked for over REST, to fill a gap.
    pub backfilled: u64,
    /// Numbers that stand for nothing: the venue has used them up for rows that are no news.
    pub never_given: u64,
}

impl Counts {
    const NONE: Self = Self {
        messages: 0,
        duplicates: 0,
        late: 0,
        overlaps: 0,
        resets: 0,
        backfilled: 0,
        never_given: 0,
    };
}

/// One stream on one day.
#[derive(Clone, Debug)]
pub(super) struct DayAccount {
    pub(super) day: Day,
    pub(super) counts: Counts,
    /// When the first and the last message of the day were received.
    pub(super) heard: Option<(UnixNanos, UnixNanos)>,
    pub(super) runs: Runs,
    pub(super) backfilled: Runs,
    /// Runs of counts that the venue has given up.
    pub(super) earlier: Vec<Run>,
    pub(super) unlisted: u64,
}

impl DayAccount {
    const fn new(day: Day) -> Self {
        Self {
            day,
            counts: Counts::NONE,
            heard: None,
            runs: Runs::new(),
            backfilled: Runs::new(),
            earlier: Vec::new(),
            unlisted: 0,
        }
    }

    /// How many holes between runs are not told apart.
    pub(super) const fn joined(&self) -> u64 {
        let joined = self.runs.joined().saturating_add(self.backfilled.joined());
        joined.saturating_add(self.unlisted)
    }

    pub(super) fn hear(&mut self, at: UnixNanos) {
        let (first, last) = self.heard.unwrap_or((at, at));
        self.heard = Some((first.min(at), last.max(at)));
    }

    /// The venue counts anew.
    pub(super) fn restart(&mut self) {
        let runs = core::mem::replace(&mut self.runs, Runs::new());
        let room = MAX_RUNS.saturating_sub(self.earlier.len());
        let unlisted = runs.as_slice().len().saturating_sub(room) as u64;
        self.unlisted = self
            .unlisted
            .saturating_add(unlisted)
            .saturating_add(runs.joined());
        self.earlier.extend(runs.as_slice().iter().take(room));
    }
}

/// A day on which nothing came.
pub(super) static NOTHING: DayAccount = DayAccount::new(Day(0));

/// The days of one stream, in order. A day that is over does not come back: what a clock that was
/// set back stamps with it counts to the newest.
#[derive(Clone, Debug)]
pub(super) struct Days {
    past: VecDeque<DayAccount>,
    newest: DayAccount,
    forgotten: u64,
}

impl Days {
    pub(super) const fn new() -> Self {
        Self {
            past: VecDeque::new(),
            newest: DayAccount::new(Day(0)),
            forgotten: 0,
        }
    }

    /// The account of the day of an instant.
    pub(super) fn at(&mut self, at: UnixNanos) -> &mut DayAccount {
        let day = Day::of(at);
        if day > self.newest.day {
            let over = core::mem::replace(&mut self.newest, DayAccount::new(day));
            self.keep(over);
        }
        &mut self.newest
    }

    fn keep(&mut self, over: DayAccount) {
        if over.heard.is_none() {
            return;
        }
        if self.past.len() >= MAX_DAYS {
            self.past.pop_front();
            self.forgotten = self.forgotten.saturating_add(1);
        }
        self.past.push_back(over);
    }

    /// The days on which something was heard, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &DayAccount> {
        let newest = self.newest.heard.map(|_| &self.newest);
        self.past.iter().chain(newest)
    }

    /// How many days are too long ago to be told of.
    pub(super) const fn forgotten(&self) -> u64 {
        self.forgotten
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 86_400_000_000_000;

    #[test]
    fn a_day_that_is_over_does_not_come_back_and_an_old_one_is_forgotten() {
        let at = |day: u64| UnixNanos::from_nanos(day * DAY);
        let mut days = Days::new();
        for day in [5, 7, 6] {
            days.at(at(day)).hear(at(day));
        }
        let named: Vec<_> = days.iter().map(|account| account.day.0).collect();
        assert_eq!(named, [5, 7]);
        let many = 8 + MAX_DAYS as u64;
        (8..=many).for_each(|day| days.at(at(day)).hear(at(day)));
        assert_eq!(days.forgotten(), 2);
        assert_eq!(days.iter().count(), MAX_DAYS + 1);
    }
}
