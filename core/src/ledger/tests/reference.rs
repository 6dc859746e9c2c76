//! The account against one that is kept in sets of single numbers.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;

use proptest::prelude::*;

use super::{Book, number};
use crate::ledger::{Cause, Run, Standing, Verdict};
use crate::market::{Channel, Market};
use crate::session::{Disorder, GapCause};

/// Something that befalls a stream of trades.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// A trade comes, and the session tells what is missing before it.
    Comes(i64),
    /// The same, but the line that tells of the gap has not been kept.
    ComesUntold(i64),
    /// Lines are lost in the sink.
    Overflow,
    /// What was missing is asked for and comes.
    Backfilled(i64),
}

/// An account in sets.
#[derive(Default)]
struct Reference {
    last: Option<i64>,
    seen: BTreeSet<i64>,
    backfilled: BTreeSet<i64>,
    missed: BTreeMap<i64, Cause>,
    duplicates: u64,
    late: u64,
    doubt: bool,
}

impl Reference {
    fn take(&mut self, book: &mut Book, turn: Turn) {
        match turn {
            Turn::Comes(id) => self.comes(book, id, true),
            Turn::ComesUntold(id) => self.comes(book, id, false),
            Turn::Overflow => {
                book.overflow();
                // A stream that has never spoken has nothing to lose.
                self.doubt = self.last.is_some();
            }
            // Only what lies behind is ever asked for.
            Turn::Backfilled(id) if self.last.is_some_and(|last| id < last) => {
                book.data(number(id), Standing::Backfilled);
                match self.knows(id) {
                    true => self.duplicates += 1,
                    false => drop(self.backfilled.insert(id)),
                }
            }
            Turn::Backfilled(_) => {}
        }
    }

    fn comes(&mut self, book: &mut Book, id: i64, told: bool) {
        let last = self.last.unwrap_or(id - 1);
        if id <= last {
            return self.comes_behind(book, id, last);
        }
        if last + 1 < id {
            if told {
                book.gap(Some((last + 1, id - 1)), GapCause::Missing);
            }
            let cause = match (told, self.doubt) {
                (true, _) => Cause::Told(GapCause::Missing),
                (false, true) => Cause::Overflow,
                (false, false) => Cause::Untold,
            };
            self.missed.extend((last + 1..id).map(|id| (id, cause)));
        }
        book.trade(id);
        (self.last, self.doubt) = (Some(id), false);
        self.seen.insert(id);
    }

    fn comes_behind(&mut self, book: &mut Book, id: i64, last: i64) {
        let disorder = match id == last {
            true => Disorder::Duplicate,
            false => Disorder::Stale,
        };
        book.out_of_order(id, disorder);
        match self.knows(id) {
            true => self.duplicates += 1,
            false => {
                self.late += 1;
                self.seen.insert(id);
            }
        }
    }

    fn knows(&self, id: i64) -> bool {
        self.seen.contains(&id) || self.backfilled.contains(&id)
    }

    fn verdict(&self) -> Verdict {
        let left = self.missed.iter().filter(|(id, _)| !self.knows(**id));
        match left.map(|(_, cause)| *cause).max() {
            Some(Cause::Untold) => Verdict::Unexplained,
            Some(_) => Verdict::Gaps,
            None if self.missed.is_empty() => Verdict::Whole,
            None => Verdict::Filled,
        }
    }

    fn left(&self, cause: Cause) -> u64 {
        let left = self.missed.iter();
        left.filter(|(id, why)| **why == cause && !self.knows(**id))
            .count() as u64
    }

    fn compare(&self, book: &Book) {
        let days = book.days();
        let Some(day) = days.first() else {
            return assert!(self.last.is_none());
        };
        assert_eq!(numbers(&day.runs), self.seen);
        assert_eq!(numbers(day.backfilled), self.backfilled);
        assert_eq!(day.counts.duplicates, self.duplicates);
        assert_eq!(day.counts.late, self.late);
        assert_eq!(day.counts.messages, self.seen.len() as u64);
        assert_eq!(day.counts.backfilled, self.backfilled.len() as u64);
        let causes = [
            Cause::Told(GapCause::Missing),
            Cause::Overflow,
            Cause::Untold,
        ];
        for cause in causes {
            let gaps = day.gaps.iter().filter(|gap| gap.cause == cause);
            let left: u64 = gaps.map(|gap| gap.left).sum();
            assert_eq!(left, self.left(cause), "{cause:?}");
        }
        assert_eq!(day.verdict, self.verdict());
    }
}

fn numbers(runs: &[Run]) -> BTreeSet<i64> {
    runs.iter().flat_map(|run| run.first..=run.last).collect()
}

fn play(turns: &[Turn]) {
    let mut book = Book::of(Market::BinanceSpot, Channel::Trade);
    let mut reference = Reference::default();
    for turn in turns {
        reference.take(&mut book, *turn);
    }
    reference.compare(&book);
}

#[test]
fn every_short_history_has_the_account_that_sets_of_numbers_give() {
    let ids = 1..=4;
    let turns: Vec<Turn> = ids
        .flat_map(|id| [Turn::Comes(id), Turn::ComesUntold(id), Turn::Backfilled(id)])
        .chain([Turn::Overflow])
        .collect();
    let mut histories: Vec<Vec<Turn>> = Vec::from([Vec::new()]);
    for _ in 0..4 {
        let longer = |history: &Vec<Turn>| {
            let history = history.clone();
            turns.iter().map(move |turn| {
                let mut history = history.clone();
                history.push(*turn);
                history
            })
        };
        histories = histories.iter().flat_map(longer).collect();
        histories.iter().for_each(|history| play(history));
    }
    assert_eq!(histories.len(), 13_usize.pow(4));
}

fn turn() -> impl Strategy<Value = Turn> {
    let id = 1_i64..80;
    prop_oneof![
        4 => id.clone().prop_map(Turn::Comes),
        2 => id.clone().prop_map(Turn::ComesUntold),
        2 => id.prop_map(Turn::Backfilled),
        1 => Just(Turn::Overflow),
    ]
}

proptest! {
    #[test]
    fn every_long_history_too(turns in prop::collection::vec(turn(), 0..120)) {
        play(&turns);
    }

    #[test]
    fn and_one_that_goes_forward_by_small_steps(steps in prop::collection::vec((0_i64..4, -6_i64..3, 0_u8..6), 0..200)) {
        let mut id = 100;
        let turns: Vec<Turn> = steps.into_iter().map(|(step, back, kind)| {
            id += step;
            match kind {
                0 => Turn::Backfilled(id + back),
                1 => Turn::ComesUntold(id),
                2 => Turn::Comes(id + back),
                3 if step == 0 => Turn::Overflow,
                _ => Turn::Comes(id),
            }
        }).collect();
        play(&turns);
    }
}
