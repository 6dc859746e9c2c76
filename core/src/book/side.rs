//! One side of a book.
//!
//! A sorted vector with the best level at its end: most of what changes lies near the top, so it
//! is searched from there in doubling steps and little has to move.

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::Full;
use crate::market::{Decimal, Level, Side};

/// The levels of one side.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    side: Side,
    limit: usize,
    /// The best at the end.
    levels: Vec<Level>,
}

impl Levels {
    pub(super) const fn new(side: Side, limit: usize) -> Self {
        Self {
            side,
            limit,
            levels: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        self.levels.clear();
    }

    #[inline]
    pub(super) fn best(&self) -> Option<&Level> {
        self.levels.last()
    }

    pub(super) fn best_first(&self) -> impl ExactSizeIterator<Item = &Level> + Clone {
        self.levels.iter().rev()
    }

    /// Sets or removes each of these levels. To remove what is not there is normal: it may lie
    /// beyond what the snapshot showed.
    pub(super) fn change(&mut self, changes: &[Level]) -> Result<(), Full> {
        changes.iter().try_for_each(|level| self.set(level))
    }

    /// Puts these levels in place of all.
    pub(super) fn replace(&mut self, levels: &[Level]) -> Result<(), Full> {
        self.levels.clear();
        if levels.len() > self.limit {
            return Err(Full);
        }
        let present = levels
            .iter()
            .rev()
            .filter(|level| !level.quantity.is_zero());
        self.levels.extend(present);
        let side = self.side;
        let order = |one: &Level, other: &Level| order(side, one.price, other.price);
        if !self
            .levels
            .is_sorted_by(|one, other| order(one, other) == Ordering::Less)
        {
            self.levels.sort_by(order);
            self.levels.dedup_by(|one, other| one.price == other.price);
        }
        Ok(())
    }

    fn set(&mut self, level: &Level) -> Result<(), Full> {
        match (self.find(level.price), level.quantity.is_zero()) {
            (Ok(at), true) => {
                self.levels.remove(at);
            }
            (Ok(at), false) => {
                if let Some(known) = self.levels.get_mut(at) {
                    *known = *level;
                }
            }
            (Err(_), true) => {}
            (Err(_), false) if self.levels.len() >= self.limit => return Err(Full),
            (Err(at), false) => self.levels.insert(at, *level),
        }
        Ok(())
    }

    /// Where the price stands, or where it would: from the top in doubling steps, then by halves.
    #[inline]
    fn find(&self, price: Decimal) -> Result<usize, usize> {
        let (mut end, mut step) = (self.levels.len(), 1);
        loop {
            let start = end.saturating_sub(step);
            match self.levels.get(start) {
                Some(level)
                    if order(self.side, level.price, price) == Ordering::Greater && start > 0 =>
                {
                    end = start;
                    step *= 2;
                }
                _ => return self.find_within(start, end, price),
            }
        }
    }

    #[inline]
    fn find_within(&self, start: usize, end: usize, price: Decimal) -> Result<usize, usize> {
        let part = self.levels.get(start..end).unwrap_or_default();
        let found = part.binary_search_by(|level| order(self.side, level.price, price));
        found.map(|at| start + at).map_err(|at| start + at)
    }
}

/// `Greater` where `one` is better than `other`.
#[inline]
fn order(side: Side, one: Decimal, other: Decimal) -> Ordering {
    match side {
        Side::Buy => one.cmp(&other),
        Side::Sell => other.cmp(&one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeMap;
    use alloc::vec;
    use proptest::prelude::*;

    fn level(price: &str, quantity: &str) -> Level {
        Level::new(price.parse().unwrap(), quantity.parse().unwrap())
    }

    fn shown(levels: &Levels) -> Vec<Level> {
        levels.best_first().copied().collect()
    }

    #[test]
    fn a_full_side_takes_changes_and_no_further_level() {
        let mut bids = Levels::new(Side::Buy, 2);
        assert_eq!(bids.change(&[level("1", "1"), level("2", "1")]), Ok(()));
        assert_eq!(bids.change(&[level("3", "1")]), Err(Full));
        assert_eq!(bids.change(&[level("3", "0"), level("2", "5")]), Ok(()));
        assert_eq!(bids.change(&[level("1", "0"), level("3", "1")]), Ok(()));
        assert_eq!(shown(&bids), [level("3", "1"), level("2", "5")]);
        let three = ["1", "2", "3"].map(|price| level(price, "1"));
        assert_eq!(bids.replace(&three), Err(Full));
    }

    #[test]
    fn a_snapshot_in_any_order_is_sorted_and_what_it_repeats_stands_once() {
        let mut asks = Levels::new(Side::Sell, 9);
        let rows = [
            ("2", "1"),
            ("1", "1"),
            ("3", "0"),
            ("2.0", "7"),
            ("1.5", "1"),
        ];
        asks.replace(&rows.map(|(price, quantity)| level(price, quantity)))
            .unwrap();
        let prices: Vec<_> = shown(&asks).iter().map(|level| level.price).collect();
        assert_eq!(
            prices,
            vec![
                level("1", "1").price,
                level("1.5", "1").price,
                level("2", "1").price
            ]
        );
    }

    /// Changes of a few prices at two scales, so that the same ones are met again and again.
    fn changes() -> impl Strategy<Value = Vec<Level>> {
        let change = (0_i64..40, any::<bool>(), 0_i64..4).prop_map(|(price, fine, quantity)| {
            let price = if fine {
                Decimal::new(price * 10, 2)
            } else {
                Decimal::new(price, 1)
            };
            Level::new(price.unwrap(), Decimal::new(quantity, 0).unwrap())
        });
        proptest::collection::vec(change, 0..200)
    }

    proptest! {
        #[test]
        fn a_side_holds_what_a_map_holds(changes in changes(), is_bid: bool) {
            let side = if is_bid { Side::Buy } else { Side::Sell };
            let mut levels = Levels::new(side, 100);
            let mut map = BTreeMap::new();
            for change in changes {
                levels.change(&[change]).unwrap();
                if change.quantity.is_zero() {
                    map.remove(&change.price);
                } else {
                    map.insert(change.price, change);
                }
            }
            let mut expected: Vec<_> = map.into_values().collect();
            if is_bid {
                expected.reverse();
            }
            prop_assert_eq!(shown(&levels), expected);
        }
    }
}
