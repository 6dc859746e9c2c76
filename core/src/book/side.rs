//! One side of a book.
//!
//! Levels in blocks of at most 64, the best at the end of the last: a search begins at the last
//! block, and what is inserted far from the top moves its own block alone. Over recorded changes
//! of Binance `BTreeMap` takes 1.2 times as long a level, and one sorted vector 1.6 times on spot
//! and twice on USD-M: it is the faster one only as long as everything happens near the top
//! (`benches/ratios.sh 'book of'`).

use alloc::vec::Vec;
use core::cmp::Ordering;

use super::Full;
use crate::market::{Decimal, Level, Side};

/// A block that has come to so many levels is split.
const BLOCK: usize = 64;

/// The levels of one side.
#[derive(Clone, Debug)]
pub(super) struct Levels {
    side: Side,
    limit: usize,
    count: usize,
    /// The best at the end; none is empty.
    blocks: Vec<Block>,
    /// Memory of blocks that were given up.
    spare: Vec<Vec<Level>>,
}

#[derive(Clone, Debug)]
struct Block {
    /// The price of the first level, here so that a search need not look into the block.
    worst: Decimal,
    /// The best at the end.
    levels: Vec<Level>,
}

impl Levels {
    pub(super) const fn new(side: Side, limit: usize) -> Self {
        Self {
            side,
            limit,
            count: 0,
            blocks: Vec::new(),
            spare: Vec::new(),
        }
    }

    pub(super) fn clear(&mut self) {
        while let Some(block) = self.blocks.pop() {
            self.give_up(block);
        }
        self.count = 0;
    }

    pub(super) const fn count(&self) -> usize {
        self.count
    }

    #[inline]
    pub(super) fn best(&self) -> Option<&Level> {
        self.blocks.last()?.levels.last()
    }

    pub(super) fn best_first(&self) -> impl Iterator<Item = &Level> + Clone {
        let blocks = self.blocks.iter().rev();
        blocks.flat_map(|block| block.levels.iter().rev())
    }

    /// Sets or removes each of these levels. To remove what is not there is normal: it may lie
    /// beyond what the snapshot showed.
    pub(super) fn change(&mut self, changes: &[Level]) -> Result<(), Full> {
        changes.iter().try_for_each(|level| self.set(level))
    }

    /// Puts these levels in place of all.
    pub(super) fn replace(&mut self, levels: &[Level]) -> Result<(), Full> {
        self.clear();
        // The worst first, so that each is the best so far and nothing has to move.
        levels.iter().rev().try_for_each(|level| self.set(level))
    }

    #[inline]
    fn set(&mut self, level: &Level) -> Result<(), Full> {
        let price = level.price;
        match self.side {
            Side::Buy => self.set_by(level, |known| known.cmp(&price)),
            Side::Sell => self.set_by(level, |known| price.cmp(&known)),
        }
    }

    /// `order` says `Greater` of a price that is better than the level's.
    #[inline]
    fn set_by(&mut self, level: &Level, order: impl Fn(Decimal) -> Ordering) -> Result<(), Full> {
        let at = self.block_of(&order);
        let Some(block) = self.blocks.get_mut(at) else {
            return self.begin(level);
        };
        match (block.find(&order), level.quantity.is_zero()) {
            (Ok(place), false) => block.put(place, level),
            (Ok(place), true) => self.remove(at, place),
            (Err(_), true) => {}
            (Err(_), false) if self.count >= self.limit => return Err(Full),
            (Err(place), false) => {
                block.insert(place, level);
                self.count += 1;
                self.split(at);
            }
        }
        Ok(())
    }

    /// The block where the price stands or would: the last whose worst is not better, from the top
    /// in doubling steps and then by halves.
    #[inline]
    fn block_of(&self, order: impl Fn(Decimal) -> Ordering) -> usize {
        let reaches = |block: &Block| order(block.worst) != Ordering::Greater;
        let (mut end, mut step) = (self.blocks.len(), 1);
        loop {
            let start = end.saturating_sub(step);
            if start == 0 || self.blocks.get(start).is_none_or(&reaches) {
                let part = self.blocks.get(start..end).unwrap_or_default();
                return (start + part.partition_point(&reaches)).saturating_sub(1);
            }
            (end, step) = (start, step * 2);
        }
    }

    /// The first level.
    fn begin(&mut self, level: &Level) -> Result<(), Full> {
        if level.quantity.is_zero() {
            return Ok(());
        }
        if self.limit == 0 {
            return Err(Full);
        }
        let mut block = Block::new(level.price, &mut self.spare);
        block.levels.push(*level);
        self.blocks.push(block);
        self.count += 1;
        Ok(())
    }

    fn remove(&mut self, at: usize, place: usize) {
        let Some(block) = self.blocks.get_mut(at) else {
            return;
        };
        block.levels.remove(place);
        self.count -= 1;
        let Some(first) = block.levels.first() else {
            let block = self.blocks.remove(at);
            return self.give_up(block);
        };
        block.worst = first.price;
        if block.levels.len() < BLOCK / 4 {
            self.merge(at.saturating_sub(1));
            self.merge(at);
        }
    }

    /// Makes one block of this and the next, if they are few: the memory of all blocks stays in
    /// proportion to the levels.
    fn merge(&mut self, at: usize) {
        let Some([one, other]) = self.blocks.get_mut(at..at + 2) else {
            return;
        };
        if one.levels.len() + other.levels.len() <= BLOCK / 2 {
            one.levels.append(&mut other.levels);
            let empty = self.blocks.remove(at + 1);
            self.give_up(empty);
        }
    }

    /// Makes two blocks of a full one.
    fn split(&mut self, at: usize) {
        let Some(block) = self.blocks.get_mut(at) else {
            return;
        };
        let Some(middle) = block.levels.get(BLOCK / 2) else {
            return;
        };
        if block.levels.len() < BLOCK {
            return;
        }
        let mut upper = Block::new(middle.price, &mut self.spare);
        upper.levels.extend(block.levels.drain(BLOCK / 2..));
        self.blocks.insert(at + 1, upper);
    }

    fn give_up(&mut self, block: Block) {
        let mut levels = block.levels;
        levels.clear();
        self.spare.push(levels);
    }
}

impl Block {
    fn new(worst: Decimal, spare: &mut Vec<Vec<Level>>) -> Self {
        let levels = spare.pop();
        Self {
            worst,
            levels: levels.unwrap_or_else(|| Vec::with_capacity(BLOCK)),
        }
    }

    /// Where the price stands, or where it would. By halves from the middle: what changes near the
    /// top has no pattern that a processor could guess, and this way has no branch to guess.
    #[inline]
    fn find(&self, order: impl Fn(Decimal) -> Ordering) -> Result<usize, usize> {
        self.levels.binary_search_by(|level| order(level.price))
    }

    #[inline]
    fn put(&mut self, place: usize, level: &Level) {
        if let Some(known) = self.levels.get_mut(place) {
            *known = *level;
        }
    }

    #[inline]
    fn insert(&mut self, place: usize, level: &Level) {
        self.levels.insert(place, *level);
        if place == 0 {
            self.worst = level.price;
        }
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

    /// Changes of these many prices at two scales, so that the same ones are met again and again.
    fn changes(prices: i64) -> impl Strategy<Value = Vec<Level>> {
        let change = (0..prices, any::<bool>(), 0_i64..4).prop_map(|(price, fine, quantity)| {
            let price = if fine {
                Decimal::new(price * 10, 2)
            } else {
                Decimal::new(price, 1)
            };
            Level::new(price.unwrap(), Decimal::new(quantity, 0).unwrap())
        });
        proptest::collection::vec(change, 0..2000)
    }

    fn holds_what_a_map_holds(side: Side, changes: &[Level]) {
        let mut levels = Levels::new(side, 1000);
        let mut map = BTreeMap::new();
        for change in changes {
            levels.change(&[*change]).unwrap();
            match change.quantity.is_zero() {
                true => map.remove(&change.price),
                false => map.insert(change.price, *change),
            };
            // Two blocks beside each other hold 17 levels at least.
            assert!(levels.blocks.len() <= 2 * levels.count() / 17 + 1);
            assert_eq!(levels.count(), map.len());
        }
        let mut expected: Vec<_> = map.into_values().collect();
        if side == Side::Buy {
            expected.reverse();
        }
        assert_eq!(shown(&levels), expected);
        assert_eq!(levels.best(), expected.first());
        let mut again = Levels::new(side, 1000);
        again.replace(&expected).unwrap();
        assert_eq!(shown(&again), expected);
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn a_side_holds_what_a_map_holds(few in changes(20), many in changes(700)) {
            for side in [Side::Buy, Side::Sell] {
                holds_what_a_map_holds(side, &few);
                holds_what_a_map_holds(side, &many);
                let emptied = many.iter().map(|level| Level::new(level.price, Decimal::ZERO));
                let both: Vec<_> = many.iter().copied().chain(emptied).collect();
                holds_what_a_map_holds(side, &both);
            }
        }
    }
}
