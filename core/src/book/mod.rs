//! Order books that are the venue's own, or say that they are not.
//!
//! [`Book`] is two sides of price levels. [`Sync`] keeps one from a snapshot and the changes that
//! follow it, by the venue's rule; it never shows a book that a change is missing from. Pure: it
//! asks nobody for a snapshot, it says that it [needs one](Sync::needs_snapshot).
//!
//! ```
//! use marketprism_core::book::{Limits, Rule, Sync, Verdict};
//! use marketprism_core::market::{Book, BookKind, Level, Side};
//!
//! let level = |price: &str| [Level::new(price.parse().unwrap(), "1".parse().unwrap())];
//! let (bids, asks) = (level("99.5"), level("100.5"));
//! let message = |kind, first, last| Book {
//!     kind,
//!     first,
//!     last: Some(last),
//!     previous: None,
//!     checksum: None,
//!     bids: &bids,
//!     asks: &asks,
//! };
//! let mut sync = Sync::new(Rule::Spot, Limits::DEFAULT);
//! assert_eq!(sync.apply(&message(BookKind::Delta, Some(8), 9)), Verdict::Early);
//! assert!(sync.needs_snapshot());
//! assert_eq!(sync.apply(&message(BookKind::Snapshot, None, 7)), Verdict::Synchronised);
//! let best = sync.book().unwrap().best(Side::Buy).unwrap();
//! assert_eq!((sync.last(), best.price), (Some(9), "99.5".parse().unwrap()));
//! ```

mod checksum;
mod held;
mod rule;
mod side;
mod sync;

pub use rule::Rule;
pub use sync::{Break, Cause, Limits, Refusal, Status, Sync, Verdict};

use crate::market::{self, BookKind, Level, Side};
use side::Levels;

/// Two sides of price levels, each best first.
#[derive(Clone, Debug)]
pub struct Book {
    bids: Levels,
    asks: Levels,
}

/// A side has as many levels as it may, and another one was to be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Full;

impl Book {
    /// An empty book of at most `limit` levels a side. It takes no memory until it is filled.
    #[must_use]
    pub const fn new(limit: usize) -> Self {
        Self {
            bids: Levels::new(Side::Buy, limit),
            asks: Levels::new(Side::Sell, limit),
        }
    }

    /// Applies a message by its kind: a change level by level, anything else in place of all that
    /// was there. Whether the message follows what is there is the business of [`Sync`].
    ///
    /// # Errors
    ///
    /// A side is full. The book is then neither what it was nor what the message makes of it.
    pub fn apply(&mut self, message: &market::Book<'_>) -> Result<(), Full> {
        match message.kind {
            BookKind::Delta => {
                self.bids.change(message.bids)?;
                self.asks.change(message.asks)
            }
            BookKind::Snapshot | BookKind::Top(_) => {
                self.bids.replace(message.bids)?;
                self.asks.replace(message.asks)
            }
        }
    }

    /// Removes every level and keeps the memory.
    pub fn clear(&mut self) {
        self.bids.clear();
        self.asks.clear();
    }

    /// The best level of a side.
    #[inline]
    #[must_use]
    pub fn best(&self, side: Side) -> Option<&Level> {
        self.side(side).best()
    }

    /// The levels of a side, best first; `.take(n)` is the view of its top, at no cost.
    pub fn levels(&self, side: Side) -> impl Iterator<Item = &Level> + Clone {
        self.side(side).best_first()
    }

    /// The number of levels of a side.
    #[must_use]
    pub const fn depth(&self, side: Side) -> usize {
        self.side(side).count()
    }

    /// Whether the best bid is not below the best ask.
    #[inline]
    #[must_use]
    pub fn is_crossed(&self) -> bool {
        match (self.bids.best(), self.asks.best()) {
            (Some(bid), Some(ask)) => bid.price >= ask.price,
            (None, _) | (_, None) => false,
        }
    }

    /// The checksum that OKX sent with its books until 2026-06-23: CRC-32 over price and quantity
    /// of the best 25 levels, a bid and an ask in turn, joined by colons (OKX "Checksum").
    #[must_use]
    pub fn checksum(&self) -> i32 {
        checksum::of(self)
    }

    const fn side(&self, side: Side) -> &Levels {
        match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        }
    }
}
