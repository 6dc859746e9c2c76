//! Which line is first, and by how much.

use alloc::collections::VecDeque;
use core::time::Duration;

use super::{Arrival, Line};
use crate::time::UnixNanos;

/// Messages that are remembered until the other line brings them too, at most.
const REMEMBERED: usize = 256;
/// Leads are counted in powers of two nanoseconds.
const BUCKETS: usize = 40;

/// How the two lines of a stream stand to each other.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    lines: [Lead; 2],
}

/// What one line has done for the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lead {
    /// Messages that it was first to bring, or alone.
    pub first: u64,
    /// Of those, messages that the other line brought as well, later.
    pub repeated: u64,
    buckets: [u64; BUCKETS],
}

/// The leads of a stream while it flows.
#[derive(Clone, Debug)]
pub(super) struct Leads {
    standing: Standing,
    recent: VecDeque<(i64, Line, UnixNanos)>,
}

impl Standing {
    /// What a line has done.
    #[must_use]
    pub const fn of(&self, line: Line) -> &Lead {
        &self.lines[line.index()]
    }

    /// Adds another stream's.
    pub fn add(&mut self, other: &Self) {
        for (ours, theirs) in self.lines.iter_mut().zip(&other.lines) {
            ours.first = ours.first.saturating_add(theirs.first);
            ours.repeated = ours.repeated.saturating_add(theirs.repeated);
            for (ours, theirs) in ours.buckets.iter_mut().zip(theirs.buckets) {
                *ours = ours.saturating_add(theirs);
            }
        }
    }
}

impl Default for Standing {
    fn default() -> Self {
        Self {
            lines: [Lead::NONE; 2],
        }
    }
}

impl Lead {
    const NONE: Self = Self {
        first: 0,
        repeated: 0,
        buckets: [0; BUCKETS],
    };

    /// By how much it was ahead in half of the messages that both lines brought and it was first
    /// with, to within a factor of two; `None` if there were none.
    #[must_use]
    pub fn median(&self) -> Option<Duration> {
        let half = self.repeated.div_ceil(2);
        let mut seen = 0_u64;
        let bucket = self.buckets.iter().position(|count| {
            seen = seen.saturating_add(*count);
            seen >= half && half > 0
        })?;
        Some(Duration::from_nanos(1 << bucket))
    }
}

impl Leads {
    pub(super) const fn new() -> Self {
        Self {
            standing: Standing {
                lines: [Lead::NONE; 2],
            },
            recent: VecDeque::new(),
        }
    }

    pub(super) const fn standing(&self) -> &Standing {
        &self.standing
    }

    /// A line is the first to bring a message.
    pub(super) fn first(&mut self, arrival: Arrival) {
        let lead = &mut self.standing.lines[arrival.line.index()];
        lead.first = lead.first.saturating_add(1);
        if self.recent.len() == REMEMBERED {
            self.recent.pop_front();
        }
        let (number, line) = (arrival.numbers.last, arrival.line);
        self.recent.push_back((number, line, arrival.received));
    }

    /// A line brings what the other has brought before.
    pub(super) fn second(&mut self, arrival: Arrival) {
        let number = arrival.numbers.last;
        let first = self
            .recent
            .iter()
            .rev()
            .find(|(known, ..)| *known == number);
        let Some(&(_, line, received)) = first.filter(|(_, line, _)| *line != arrival.line) else {
            return;
        };
        let ahead = arrival
            .received
            .as_nanos()
            .saturating_sub(received.as_nanos());
        let bucket = ahead.checked_ilog2().map_or(0, |log| log as usize);
        let lead = &mut self.standing.lines[line.index()];
        lead.repeated = lead.repeated.saturating_add(1);
        if let Some(count) = lead.buckets.get_mut(bucket.min(BUCKETS - 1)) {
            *count = count.saturating_add(1);
        }
    }
}
