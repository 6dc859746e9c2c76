//! An order book in integers.

use std::collections::BTreeMap;

/// Who stands where: buyers below, sellers above.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Side {
    /// Buyers.
    Bid,
    /// Sellers.
    Ask,
}

/// What rests at one price.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Resting {
    /// In quantity units; zero is nothing.
    pub(super) quantity: u64,
    /// Number of orders.
    pub(super) orders: u32,
}

/// A price and what rests there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Level {
    pub(super) price: u64,
    pub(super) resting: Resting,
}

/// A book: at every price, what rests there.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Book {
    bids: BTreeMap<u64, Resting>,
    asks: BTreeMap<u64, Resting>,
}

/// The best bid and the best ask.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Top {
    pub(super) bid: Level,
    pub(super) ask: Level,
}

impl Book {
    /// Replaces what rests at a price; an empty level is removed.
    pub(super) fn set(&mut self, side: Side, price: u64, resting: Resting) {
        let levels = match side {
            Side::Bid => &mut self.bids,
            Side::Ask => &mut self.asks,
        };
        if resting.quantity == 0 {
            levels.remove(&price);
        } else {
            levels.insert(price, resting);
        }
    }

    /// What rests at a price.
    pub(super) fn at(&self, side: Side, price: u64) -> Resting {
        self.levels(side).get(&price).copied().unwrap_or_default()
    }

    /// The levels of a side, best first.
    pub(super) fn best_first(&self, side: Side) -> impl Iterator<Item = Level> {
        let (up, down) = match side {
            Side::Bid => (None, Some(self.bids.iter().rev())),
            Side::Ask => (Some(self.asks.iter()), None),
        };
        let levels = up.into_iter().flatten().chain(down.into_iter().flatten());
        levels.map(|(&price, &resting)| Level { price, resting })
    }

    /// The best level of a side.
    pub(super) fn best(&self, side: Side) -> Option<Level> {
        self.best_first(side).next()
    }

    /// The level of a side that is farthest from the other side.
    pub(super) fn worst(&self, side: Side) -> Option<u64> {
        match side {
            Side::Bid => self.bids.keys().next().copied(),
            Side::Ask => self.asks.keys().next_back().copied(),
        }
    }

    /// Both best levels, unless a side is empty.
    pub(super) fn top(&self) -> Option<Top> {
        Some(Top {
            bid: self.best(Side::Bid)?,
            ask: self.best(Side::Ask)?,
        })
    }

    /// Number of levels of a side.
    pub(super) fn depth(&self, side: Side) -> usize {
        self.levels(side).len()
    }

    const fn levels(&self, side: Side) -> &BTreeMap<u64, Resting> {
        match side {
            Side::Bid => &self.bids,
            Side::Ask => &self.asks,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_sides_are_read_best_first() {
        let mut book = Book::default();
        assert_eq!(book.top(), None);
        let resting = Resting {
            quantity: 5,
            orders: 1,
        };
        for price in [10, 12, 11] {
            book.set(Side::Bid, price, resting);
            book.set(Side::Ask, price + 10, resting);
        }
        let prices = |side| {
            book.best_first(side)
                .map(|level| level.price)
                .collect::<Vec<_>>()
        };
        assert_eq!(prices(Side::Bid), [12, 11, 10]);
        assert_eq!(prices(Side::Ask), [20, 21, 22]);
        assert_eq!(
            (book.worst(Side::Bid), book.worst(Side::Ask)),
            (Some(10), Some(22))
        );
        book.set(Side::Bid, 12, Resting::default());
        assert_eq!(book.best(Side::Bid).map(|level| level.price), Some(11));
        assert_eq!(book.depth(Side::Bid), 2);
    }
}
