//! What happens in a market, and the messages that tell of it.

use std::time::Duration;

use marketprism_core::market::Channel;
use marketprism_core::{Time, UnixNanos};

use super::market::Step;
use super::tape::Diff;

/// Something that streams may tell.
#[derive(Clone, Copy, Debug)]
pub(super) enum News<'a> {
    /// A step of the walk.
    Step(&'a Step),
    /// The end of an interval: what has changed in it, if anything has.
    Interval {
        at: Time,
        cadence: Duration,
        diff: Option<&'a Diff>,
    },
}

impl News<'_> {
    pub(super) const fn at(&self) -> Time {
        match self {
            Self::Step(step) => step.at,
            Self::Interval { at, .. } => *at,
        }
    }
}

/// What a subscription is for: an instrument, by its place in the list, and a channel.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Feed {
    pub(super) instrument: usize,
    pub(super) channel: Channel,
}

/// A message before it is addressed to anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) payload: String,
    /// The ids that are lost with it, where its stream is one whose ids tell of a loss.
    pub(super) ids: Option<Ids>,
    /// Whether it uses up its ids without any news.
    pub(super) void: bool,
}

impl Message {
    /// One whose stream does not tell of a loss.
    pub(super) const fn plain(payload: String) -> Self {
        Self {
            payload,
            ids: None,
            void: false,
        }
    }

    /// One with ids that are lost with it.
    pub(super) const fn numbered(payload: String, ids: Ids) -> Self {
        Self {
            payload,
            ids: Some(ids),
            void: false,
        }
    }
}

/// A range of ids, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// The twin's wall clock: when its time began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) origin: UnixNanos,
    pub(super) unit: Unit,
}

/// The unit of time stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
}

impl Clock {
    /// The stamp of an instant.
    pub(super) const fn stamp(&self, at: Time) -> u64 {
        let nanos = self.origin.as_nanos().saturating_add(at.as_nanos());
        match self.unit {
            Unit::Millis => nanos / 1_000_000,
            Unit::Micros => nanos / 1_000,
        }
    }
}

/// Writes the items with a comma between them.
pub(super) fn join<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
}
