//! Messages of books that tests write, keep and hand out.

use marketprism_core::market::{Book, BookKind, Level};

/// A message that owns its levels.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) kind: BookKind,
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    pub(super) previous: Option<i64>,
    pub(super) checksum: Option<i32>,
    pub(super) bids: Vec<Level>,
    pub(super) asks: Vec<Level>,
}

impl Message {
    /// A change without levels: `U`, `u`, `pu`.
    pub(super) const fn change(first: i64, last: i64, previous: i64) -> Self {
        Self {
            kind: BookKind::Delta,
            first: Some(first),
            last: Some(last),
            previous: Some(previous),
            checksum: None,
            bids: Vec::new(),
            asks: Vec::new(),
        }
    }

    /// A snapshot without levels.
    pub(super) const fn snapshot(last: i64) -> Self {
        Self {
            kind: BookKind::Snapshot,
            first: None,
            last: Some(last),
            previous: None,
            checksum: None,
            bids: Vec::new(),
            asks: Vec::new(),
        }
    }

    pub(super) fn of(book: &Book<'_>) -> Self {
        Self {
            kind: book.kind,
            first: book.first,
            last: book.last,
            previous: book.previous,
            checksum: book.checksum,
            bids: book.bids.to_vec(),
            asks: book.asks.to_vec(),
        }
    }

    pub(super) fn with(mut self, bids: &[(&str, &str)], asks: &[(&str, &str)]) -> Self {
        self.bids = bids.iter().map(|&row| level(row)).collect();
        self.asks = asks.iter().map(|&row| level(row)).collect();
        self
    }

    pub(super) fn as_book(&self) -> Book<'_> {
        Book {
            kind: self.kind,
            first: self.first,
            last: self.last,
            previous: self.previous,
            checksum: self.checksum,
            bids: &self.bids,
            asks: &self.asks,
        }
    }
}

pub(super) fn level((price, quantity): (&str, &str)) -> Level {
    Level::new(price.parse().unwrap(), quantity.parse().unwrap())
}
