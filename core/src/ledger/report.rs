//! What an account says when it is asked.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;

use super::Subject;
use super::account::Account;
use super::day::{Counts, DayAccount, NOTHING};
use super::gaps::{Cause, Gap};
use super::runs::Run;
use super::silence::Silence;
use crate::time::{Day, UnixNanos};

/// Days without a message that are told of one by one, in each gap or silence.
const MAX_EMPTY_DAYS: u32 = 366;

/// How complete a stream was on a day, the best first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Verdict {
    /// Between the first and the last message nothing is missing.
    Whole,
    /// Something was missing, and has come after all.
    Filled,
    /// It was silent for longer than its rhythm allows, and no number tells whether something is
    /// missing.
    Silent,
    /// Something is missing, and why was told.
    Gaps,
    /// Something is missing, and nothing tells why.
    Unexplained,
}

impl Verdict {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Whole => "whole",
            Self::Filled => "filled",
            Self::Silent => "silent",
            Self::Gaps => "gaps",
            Self::Unexplained => "unexplained",
        }
    }
}

/// The account of one stream.
#[derive(Clone, Copy, Debug)]
pub struct StreamReport<'a> {
    account: &'a Account,
    end: UnixNanos,
}

/// The account of one stream on one day.
#[derive(Clone, Debug)]
pub struct DayReport<'a> {
    /// The day.
    pub day: Day,
    /// How complete it is.
    pub verdict: Verdict,
    /// When its first and its last message were received.
    pub heard: Option<(UnixNanos, UnixNanos)>,
    /// How many messages there were, by kind.
    pub counts: Counts,
    /// The numbers that were received in the order of their stream or late, lowest first; those
    /// of a count that the venue gave up on that day come first.
    pub runs: Vec<Run>,
    /// The numbers that were backfilled.
    pub backfilled: &'a [Run],
    /// How many holes between runs are not told apart, for there were too many.
    pub joined: u64,
    /// The gaps that reach into the day.
    pub gaps: Vec<&'a Gap>,
    /// The silences that reach into the day.
    pub silences: Vec<Silence>,
}

impl<'a> StreamReport<'a> {
    pub(super) const fn new(account: &'a Account, end: UnixNanos) -> Self {
        Self { account, end }
    }

    /// Which stream.
    #[must_use]
    pub const fn subject(&self) -> &'a Subject {
        &self.account.subject
    }

    /// Its gaps, in the order of their being noticed.
    #[must_use]
    pub fn gaps(&self) -> &'a [Gap] {
        self.account.gaps.as_slice()
    }

    /// How many of its days are too long ago to be told of.
    #[must_use]
    pub const fn forgotten_days(&self) -> u64 {
        self.account.days.forgotten()
    }

    /// Its days, in order: all on which something came, or on which a gap or a silence stood.
    #[must_use]
    pub fn days(&self) -> Vec<DayReport<'a>> {
        let last = self.account.rhythm.silence_at(self.end);
        let known = self.account.rhythm.silences();
        let silences: Vec<Silence> = known.iter().copied().chain(last).collect();
        let mut days: BTreeSet<Day> = self.account.days.iter().map(|day| day.day).collect();
        for gap in self.account.gaps.as_slice() {
            days.extend(between(gap.since, gap.until));
        }
        for silence in &silences {
            days.extend(between(silence.since, self.end_of(silence)));
        }
        let mut accounts = self.account.days.iter().peekable();
        let report = |day: Day| {
            let account = accounts.next_if(|account| account.day == day);
            self.day(day, account.unwrap_or(&NOTHING), &silences)
        };
        days.into_iter().map(report).collect()
    }

    fn day(&self, day: Day, account: &'a DayAccount, silences: &[Silence]) -> DayReport<'a> {
        let reaches = |since, until| Day::of(since) <= day && day <= Day::of(until);
        let gaps = self.account.gaps.as_slice().iter();
        let gaps: Vec<_> = gaps.filter(|gap| reaches(gap.since, gap.until)).collect();
        let silences = silences.iter().copied();
        let silences: Vec<_> = silences
            .filter(|silence| reaches(silence.since, self.end_of(silence)))
            .collect();
        let runs = account.earlier.iter().chain(account.runs.as_slice());
        DayReport {
            day,
            verdict: self.verdict(&gaps, &silences),
            heard: account.heard,
            counts: account.counts,
            runs: runs.copied().collect(),
            backfilled: account.backfilled.as_slice(),
            joined: account.joined(),
            gaps,
            silences,
        }
    }

    fn end_of(&self, silence: &Silence) -> UnixNanos {
        let watched = || self.account.rhythm.watched_until(self.end);
        silence.until.unwrap_or_else(watched)
    }

    fn verdict(&self, gaps: &[&Gap], silences: &[Silence]) -> Verdict {
        let open = gaps.iter().filter(|gap| gap.is_open());
        let gravest = open.map(|gap| gap.cause).max();
        // Where the next number follows, the pause before it cost nothing.
        let is_proven = self.account.is_proven_by_numbers();
        let is_silent = |silence: &Silence| !is_proven || silence.until.is_none();
        match gravest {
            Some(Cause::Untold) => Verdict::Unexplained,
            Some(Cause::Told(_) | Cause::Overflow) => Verdict::Gaps,
            None if silences.iter().any(is_silent) => Verdict::Silent,
            None if !gaps.is_empty() => Verdict::Filled,
            None => Verdict::Whole,
        }
    }
}

/// The days from one instant to another; of very many the first and the last.
fn between(since: UnixNanos, until: UnixNanos) -> impl Iterator<Item = Day> {
    let (first, last) = (Day::of(since).0, Day::of(until).0);
    let told = last.min(first.saturating_add(MAX_EMPTY_DAYS));
    (first..=told).chain([last.max(first)]).map(Day)
}
