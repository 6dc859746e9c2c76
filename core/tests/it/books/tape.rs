//! What a venue sends of one book, written by ourselves from a seed, and the true book at each
//! number.

use std::collections::BTreeMap;

use marketprism_core::book::Rule;
use marketprism_core::market::{BookKind, Decimal, Level};

use super::messages::Message;
use super::reference::Reference;

/// A snapshot and the changes that follow it without a hole.
#[derive(Clone, Debug)]
pub(super) struct Tape {
    pub(super) rule: Rule,
    pub(super) start: Message,
    pub(super) changes: Vec<Message>,
    /// The fingerprint of the book as of each number.
    truth: BTreeMap<Option<i64>, u64>,
}

impl Tape {
    pub(super) fn new(rule: Rule, start: Message, changes: Vec<Message>) -> Self {
        let mut reference = Reference::default();
        reference.apply(&start);
        let mut truth = BTreeMap::from([(start.last, reference.print())]);
        for change in &changes {
            reference.apply(change);
            truth.insert(change.last, reference.print());
        }
        Self {
            rule,
            start,
            changes,
            truth,
        }
    }

    /// A quiet market of 20 prices a side, so that levels come, go and come again.
    pub(super) fn from_seed(rule: Rule, seed: u64, count: usize) -> Self {
        let mut draw = Draw(seed | 1);
        let mut reference = Reference::default();
        let mut opening = Message::snapshot(0);
        (opening.bids, opening.asks) = (draw.levels(20, 980), draw.levels(20, 1001));
        reference.apply(&opening);
        let mut last = 1_000_000;
        let start = reference.snapshot(Some(last));
        let changes = (0..count).map(|index| {
            let restarts = rule == Rule::Okx && index == count / 2;
            let change = draw.change(rule, last, restarts);
            last = change.last.unwrap();
            change
        });
        let changes = changes.collect();
        Self::new(rule, start, changes)
    }

    /// The same levels under the numbers of OKX, for what was recorded before it had any.
    pub(super) fn numbered(start: Message, changes: Vec<Message>) -> Self {
        let mut last = 1;
        let start = Message {
            last: Some(last),
            ..start
        };
        let number = |change: Message| {
            let previous = last;
            last += 3;
            Message {
                first: None,
                last: Some(last),
                previous: Some(previous),
                ..change
            }
        };
        let changes = changes.into_iter().map(number).collect();
        Self::new(Rule::Okx, start, changes)
    }

    /// The part of so many changes from this place on.
    pub(super) fn part(&self, from: usize, count: usize) -> Self {
        let from = from.min(self.changes.len());
        let to = (from + count).min(self.changes.len());
        Self::new(
            self.rule,
            self.snapshot(from),
            self.changes[from..to].to_vec(),
        )
    }

    /// The book before this change, as the venue would give it.
    pub(super) fn snapshot(&self, before: usize) -> Message {
        let mut reference = Reference::default();
        reference.apply(&self.start);
        for change in &self.changes[..before] {
            reference.apply(change);
        }
        reference.snapshot(self.number(before))
    }

    /// Whether this is the book as of this number.
    pub(super) fn is_true(&self, last: Option<i64>, print: u64) -> bool {
        self.truth.get(&last) == Some(&print)
    }

    /// The number of the book before this change.
    pub(super) fn number(&self, before: usize) -> Option<i64> {
        match before.checked_sub(1) {
            Some(index) => self.changes[index].last,
            None => self.start.last,
        }
    }

    /// The numbers that are missing if this change is, as its rule tells; `None` where it tells
    /// none.
    pub(super) fn range(&self, index: usize) -> Option<(i64, i64)> {
        let (change, before) = (&self.changes[index], self.number(index)?);
        let last = change.last?;
        (last > before).then_some((before + 1, last))
    }
}

/// An xorshift generator and what it decides.
struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> i64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit) as i64
    }

    fn levels(&mut self, most: u64, from: i64) -> Vec<Level> {
        let count = self.below(most + 1);
        (0..count)
            .map(|_| {
                let price = Decimal::new(from + self.below(20), 1).unwrap();
                Level::new(price, Decimal::new(self.below(4), 0).unwrap())
            })
            .collect()
    }

    fn change(&mut self, rule: Rule, before: i64, restarts: bool) -> Message {
        let (first, last) = match rule {
            Rule::Spot => (before + 1, before + 1 + self.below(5)),
            Rule::Futures => {
                let first = before + 1 + self.below(10);
                (first, first + self.below(5))
            }
            Rule::Okx if restarts => (5, 5),
            Rule::Okx => (before, before + self.below(6)),
        };
        let heartbeat = last == before;
        let rows = if heartbeat { 0 } else { 3 };
        Message {
            kind: BookKind::Delta,
            first: (rule != Rule::Okx).then_some(first),
            last: Some(last),
            previous: (rule != Rule::Spot).then_some(before),
            checksum: (rule == Rule::Okx).then_some(0),
            bids: self.levels(rows, 980),
            asks: self.levels(rows, 1001),
        }
    }
}
