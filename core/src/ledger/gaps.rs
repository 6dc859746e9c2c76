//! The gaps of one stream, and what is left of each.

use alloc::vec::Vec;

use super::runs::Run;
use crate::session::{GapCause, Missing};
use crate::time::UnixNanos;

/// Gaps of one stream that are told apart; those behind the last one are told as one with it.
pub(super) const MAX_GAPS: usize = 4096;

/// A hole in a stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Gap {
    /// The numbers that were missing, both ends included, where they are known.
    pub missing: Option<Missing>,
    /// Why.
    pub cause: Cause,
    /// When the last message before the hole was received.
    pub since: UnixNanos,
    /// When it was noticed: with the first message behind it.
    pub until: UnixNanos,
    /// How many numbers are missing still. Late messages and backfilled ones fill a gap.
    pub left: u64,
    /// How many gaps more this one stands for, beyond the limit of what is told apart. Its numbers
    /// and times are then those of all of them together, and its cause is the gravest.
    pub merged: u64,
    /// The count that its numbers belong to.
    pub(super) era: u32,
}

/// Why something is missing, the gravest last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The session told so.
    Told(GapCause),
    /// The sink was too slow, and lines were lost on the way to it.
    Overflow,
    /// Nothing tells of it: the numbers alone show that something is missing.
    Untold,
}

impl Cause {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Told(cause) => cause.name(),
            Self::Overflow => "overflow",
            Self::Untold => "unexplained",
        }
    }
}

impl Gap {
    /// Whether something is missing still, as far as anybody can tell.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.left > 0 || self.missing.is_none()
    }

    fn run(&self) -> Option<Run> {
        self.missing.map(Run::of)
    }

    fn merge(&mut self, other: Self) {
        self.missing = self
            .missing
            .zip(other.missing)
            .map(|(ours, theirs)| Missing {
                from: ours.from.min(theirs.from),
                to: ours.to.max(theirs.to),
            });
        self.cause = self.cause.max(other.cause);
        self.since = self.since.min(other.since);
        self.until = self.until.max(other.until);
        self.left = self.left.saturating_add(other.left);
        self.merged = self.merged.saturating_add(1);
        self.era = other.era;
    }
}

/// The gaps of one stream, in the order of their being noticed.
#[derive(Clone, Debug, Default)]
pub(super) struct Gaps {
    list: Vec<Gap>,
    /// The present count, and the highest number that is missing in it.
    era: u32,
    highest: Option<i64>,
}

impl Gaps {
    pub(super) fn push(&mut self, gap: Gap) {
        if gap.era != self.era {
            (self.era, self.highest) = (gap.era, None);
        }
        self.highest = self.highest.max(gap.missing.map(|missing| missing.to));
        let is_full = self.list.len() >= MAX_GAPS;
        match self.list.last_mut() {
            Some(last) if is_full => last.merge(gap),
            Some(_) | None => self.list.push(gap),
        }
    }

    /// These numbers have come after all, and none of them before.
    pub(super) fn fill(&mut self, era: u32, piece: Run) {
        // Almost every message comes behind every gap.
        if self.era != era || Some(piece.first) > self.highest {
            return;
        }
        for gap in self.list.iter_mut().rev().take_while(|gap| gap.era == era) {
            let common = gap.run().map_or(0, |run| run.within(piece).count());
            gap.left = gap.left.saturating_sub(common);
        }
    }

    pub(super) fn as_slice(&self) -> &[Gap] {
        &self.list
    }
}
