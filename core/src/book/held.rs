//! Changes that wait for a snapshot.

use alloc::vec::Vec;

use super::sync::Limits;
use crate::market::{self, BookKind, Level};

/// The numbers of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    pub(super) previous: Option<i64>,
}

/// Changes in the order in which they came, each following the one before it. When there is no
/// room the older half goes: a snapshot that needs it is refused, and a younger one will do.
#[derive(Clone, Debug, Default)]
pub(super) struct Held {
    changes: Vec<Change>,
    levels: Vec<Level>,
}

#[derive(Clone, Copy, Debug)]
struct Change {
    place: Place,
    bids: usize,
    asks: usize,
}

impl Place {
    pub(super) const fn of(message: &market::Book<'_>) -> Self {
        Self {
            first: message.first,
            last: message.last,
            previous: message.previous,
        }
    }
}

impl Held {
    pub(super) fn first(&self) -> Option<Place> {
        self.changes.first().map(|change| change.place)
    }

    pub(super) fn last(&self) -> Option<Place> {
        self.changes.last().map(|change| change.place)
    }

    /// Forgets all and keeps the memory.
    pub(super) fn clear(&mut self) {
        self.changes.clear();
        self.levels.clear();
    }

    /// Keeps a change, unless it alone is more than there may be.
    pub(super) fn push(&mut self, message: &market::Book<'_>, limits: Limits) {
        let count = message.bids.len().saturating_add(message.asks.len());
        if count > limits.held_levels || limits.held_changes == 0 {
            // What is older cannot be used without it.
            return self.clear();
        }
        let room = limits.held_levels - count;
        while self.levels.len() > room || self.changes.len() >= limits.held_changes {
            self.drop_older_half();
        }
        self.levels.extend_from_slice(message.bids);
        self.levels.extend_from_slice(message.asks);
        self.changes.push(Change {
            place: Place::of(message),
            bids: message.bids.len(),
            asks: message.asks.len(),
        });
    }

    /// The changes as the messages that they came in.
    pub(super) fn messages(&self) -> impl Iterator<Item = market::Book<'_>> {
        let mut levels = self.levels.as_slice();
        self.changes.iter().filter_map(move |change| {
            let (bids, rest) = levels.split_at_checked(change.bids)?;
            let (asks, rest) = rest.split_at_checked(change.asks)?;
            levels = rest;
            Some(market::Book {
                kind: BookKind::Delta,
                first: change.place.first,
                last: change.place.last,
                previous: change.place.previous,
                // Held changes are those of venues that send none.
                checksum: None,
                bids,
                asks,
            })
        })
    }

    fn drop_older_half(&mut self) {
        let count = self.changes.len().div_ceil(2);
        let dropped = self.changes.drain(..count);
        let levels: usize = dropped.map(|change| change.bids + change.asks).sum();
        self.levels.drain(..levels.min(self.levels.len()));
    }
}
