//! A book that is obviously right, and a fingerprint to compare books by.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};

use marketprism_core::book;
use marketprism_core::market::{BookKind, Decimal, Level, Side};

use super::messages::Message;

/// Two maps, and the fingerprint of what is in them.
#[derive(Clone, Debug, Default)]
pub(super) struct Reference {
    bids: BTreeMap<Decimal, Level>,
    asks: BTreeMap<Decimal, Level>,
    print: u64,
}

impl Reference {
    pub(super) fn apply(&mut self, message: &Message) {
        if message.kind != BookKind::Delta {
            *self = Self::default();
        }
        for level in &message.bids {
            self.set(Side::Buy, level);
        }
        for level in &message.asks {
            self.set(Side::Sell, level);
        }
    }

    fn set(&mut self, side: Side, level: &Level) {
        let levels = match side {
            Side::Buy => &mut self.bids,
            Side::Sell => &mut self.asks,
        };
        let old = match level.quantity.is_zero() {
            true => levels.remove(&level.price),
            false => levels.insert(level.price, *level),
        };
        if let Some(old) = old {
            self.print = self.print.wrapping_sub(mark(side, &old));
        }
        if !level.quantity.is_zero() {
            self.print = self.print.wrapping_add(mark(side, level));
        }
    }

    /// Equal for equal books, in whatever order they came about.
    pub(super) const fn print(&self) -> u64 {
        self.print
    }

    /// Best first.
    pub(super) fn levels(&self, side: Side) -> Vec<Level> {
        match side {
            Side::Buy => self.bids.values().rev().copied().collect(),
            Side::Sell => self.asks.values().copied().collect(),
        }
    }

    /// The book as a snapshot of this number.
    pub(super) fn snapshot(&self, last: Option<i64>) -> Message {
        Message {
            kind: BookKind::Snapshot,
            first: None,
            last,
            previous: Some(-1),
            checksum: None,
            bids: self.levels(Side::Buy),
            asks: self.levels(Side::Sell),
        }
    }
}

/// The fingerprint of a book, from nothing.
pub(super) fn print(book: &book::Book) -> u64 {
    let side = |side| book.levels(side).map(move |level| mark(side, level));
    side(Side::Buy)
        .chain(side(Side::Sell))
        .fold(0, u64::wrapping_add)
}

fn mark(side: Side, level: &Level) -> u64 {
    let mut hasher = DefaultHasher::new();
    let Level {
        price,
        quantity,
        orders,
    } = level;
    (side, price.mantissa(), price.scale()).hash(&mut hasher);
    (quantity.mantissa(), quantity.scale(), orders).hash(&mut hasher);
    hasher.finish()
}
