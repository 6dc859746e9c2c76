//! Sets of numbers that come almost in a row.

use alloc::vec::Vec;

use crate::session::Missing;

/// Numbers in a row, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Run {
    /// The first.
    pub first: i64,
    /// The last.
    pub last: i64,
}

impl Run {
    pub(super) const fn of(missing: Missing) -> Self {
        Self {
            first: missing.from,
            last: missing.to,
        }
    }

    /// How many there are.
    #[must_use]
    pub const fn count(self) -> u64 {
        if self.first > self.last {
            return 0;
        }
        self.last.abs_diff(self.first).saturating_add(1)
    }

    /// What both have; empty where they have nothing in common.
    pub(super) fn within(self, other: Self) -> Self {
        Self {
            first: self.first.max(other.first),
            last: self.last.min(other.last),
        }
    }
}

/// A set of numbers as runs, of which there is a limit.
///
/// Beyond the limit the two oldest runs count as one, which is said: who asks for a number between
/// them hears that it is known, so what is missing there stays missing.
#[derive(Clone, Debug)]
pub(super) struct Runs {
    runs: Vec<Run>,
    joined: u64,
}

/// Runs of one set; those of a day with more holes than these are no longer told apart.
pub(super) const MAX_RUNS: usize = 1024;

impl Runs {
    pub(super) const fn new() -> Self {
        Self {
            runs: Vec::new(),
            joined: 0,
        }
    }

    /// Adds numbers, and lends each run of them that is new.
    pub(super) fn insert(&mut self, run: Run, mut fresh: impl FnMut(Run)) {
        match self.runs.last_mut() {
            Some(tail) if follows(*tail, run) => {
                tail.last = run.last;
                fresh(run);
            }
            Some(_) | None => self.fill(run, fresh),
        }
    }

    fn fill(&mut self, run: Run, mut fresh: impl FnMut(Run)) {
        if run.count() == 0 {
            return;
        }
        let touching = self.touching(run);
        let known = self.runs.get(touching.clone()).unwrap_or_default();
        each_between(known, run, &mut fresh);
        let joined = known.iter().fold(run, |joined, known| Run {
            first: joined.first.min(known.first),
            last: joined.last.max(known.last),
        });
        self.runs.splice(touching, [joined]);
        self.shed();
    }

    /// The places of the runs that overlap this one or stand right beside it.
    fn touching(&self, run: Run) -> core::ops::Range<usize> {
        let (before, behind) = (run.first.saturating_sub(1), run.last.saturating_add(1));
        let start = self.runs.partition_point(|known| known.last < before);
        let end = self.runs.partition_point(|known| known.first <= behind);
        start..end.max(start)
    }

    fn shed(&mut self) {
        if self.runs.len() <= MAX_RUNS {
            return;
        }
        let oldest = self.runs.remove(0);
        if let Some(next) = self.runs.first_mut() {
            next.first = oldest.first;
        }
        self.joined = self.joined.saturating_add(1);
    }

    /// How many of these numbers are not in the set.
    pub(super) fn absent(&self, run: Run) -> u64 {
        let known = self.runs.get(self.touching(run)).unwrap_or_default();
        let mut absent = 0_u64;
        each_between(known, run, &mut |piece| {
            absent = absent.saturating_add(piece.count());
        });
        absent
    }

    pub(super) fn as_slice(&self) -> &[Run] {
        &self.runs
    }

    /// How many holes between runs are no longer told apart.
    pub(super) const fn joined(&self) -> u64 {
        self.joined
    }
}

fn follows(tail: Run, run: Run) -> bool {
    run.first <= run.last && tail.last.checked_add(1) == Some(run.first)
}

/// Lends what of a run lies between these, which are in order and each touch it.
fn each_between(known: &[Run], run: Run, each: &mut impl FnMut(Run)) {
    let mut next = Some(run.first);
    for known in known {
        let Some(first) = next else { return };
        let last = run.last.min(known.first.saturating_sub(1));
        if first < known.first && first <= last {
            each(Run { first, last });
        }
        next = known.last.checked_add(1).map(|behind| behind.max(first));
    }
    if let Some(first) = next.filter(|first| *first <= run.last) {
        let last = run.last;
        each(Run { first, last });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::vec;
    use proptest::prelude::*;

    const fn run(first: i64, last: i64) -> Run {
        Run { first, last }
    }

    fn inserted(runs: &mut Runs, run: Run) -> Vec<Run> {
        let mut fresh = Vec::new();
        runs.insert(run, |piece| fresh.push(piece));
        fresh
    }

    #[test]
    fn what_is_new_is_lent_and_neighbours_become_one_run() {
        let table = [
            (run(5, 6), vec![run(5, 6)], vec![run(5, 6)]),
            (run(7, 7), vec![run(7, 7)], vec![run(5, 7)]),
            (run(6, 9), vec![run(8, 9)], vec![run(5, 9)]),
            (run(12, 14), vec![run(12, 14)], vec![run(5, 9), run(12, 14)]),
            (run(6, 8), vec![], vec![run(5, 9), run(12, 14)]),
            (run(11, 11), vec![run(11, 11)], vec![run(5, 9), run(11, 14)]),
            (
                run(1, 20),
                vec![run(1, 4), run(10, 10), run(15, 20)],
                vec![run(1, 20)],
            ),
            (run(30, 29), vec![], vec![run(1, 20)]),
        ];
        let mut runs = Runs::new();
        for (given, fresh, all) in table {
            assert_eq!(inserted(&mut runs, given), fresh, "{given:?}");
            assert_eq!(runs.as_slice(), all, "{given:?}");
        }
    }

    #[test]
    fn the_ends_of_all_numbers_are_numbers_like_others() {
        let mut runs = Runs::new();
        let ends = [run(i64::MAX, i64::MAX), run(i64::MIN, i64::MIN)];
        for end in ends {
            assert_eq!(inserted(&mut runs, end), [end]);
            assert_eq!(inserted(&mut runs, end), []);
        }
        assert_eq!(runs.absent(run(i64::MIN, i64::MAX)), u64::MAX - 1);
        let between = run(i64::MIN + 1, i64::MAX - 1);
        assert_eq!(inserted(&mut runs, run(i64::MIN, i64::MAX)), [between]);
        assert_eq!(runs.as_slice(), [run(i64::MIN, i64::MAX)]);
    }

    #[test]
    fn too_many_runs_are_joined_from_the_oldest_on_and_that_is_said() {
        let mut runs = Runs::new();
        let holes = 3 + i64::try_from(MAX_RUNS).unwrap();
        (0..=holes).for_each(|n| runs.insert(run(2 * n, 2 * n), |_| {}));
        assert_eq!((runs.as_slice().len(), runs.joined()), (MAX_RUNS, 4));
        assert_eq!(runs.as_slice()[0], run(0, 8));
        assert_eq!(inserted(&mut runs, run(3, 3)), [], "taken for known");
        assert_eq!(inserted(&mut runs, run(9, 9)), [run(9, 9)]);
    }

    proptest! {
        #[test]
        fn runs_are_a_set_of_numbers(given in prop::collection::vec((0_i64..40, 0_i64..8), 0..40)) {
            let (mut runs, mut reference) = (Runs::new(), BTreeSet::new());
            for (first, more) in given {
                let new: Vec<_> = (first..=first + more).filter(|n| !reference.contains(n)).collect();
                let whole = run(first, first + more);
                prop_assert_eq!(runs.absent(whole), new.len() as u64);
                let fresh = inserted(&mut runs, whole);
                let lent: Vec<_> = fresh.iter().flat_map(|piece| piece.first..=piece.last).collect();
                prop_assert_eq!(&lent, &new);
                reference.extend(new);
                let all: Vec<_> = runs.as_slice().iter().flat_map(|known| known.first..=known.last).collect();
                prop_assert!(all.iter().eq(reference.iter()));
                let apart = runs.as_slice().windows(2).all(|pair| pair[0].last + 1 < pair[1].first);
                prop_assert!(apart);
            }
        }
    }
}
