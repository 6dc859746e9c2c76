//! Numbers that a stream did not show.

/// The numbers that a stream did not show, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Missing {
    /// The first.
    pub from: i64,
    /// The last.
    pub to: i64,
}

impl Missing {
    /// What lies between two numbers that were seen, if anything does.
    pub(crate) fn between(seen: i64, next: i64) -> Option<Self> {
        Self::range(seen.saturating_add(1), next.saturating_sub(1))
    }

    /// What lies behind a number that was seen, up to this one, if anything does.
    pub(crate) fn behind(seen: i64, to: i64) -> Option<Self> {
        Self::range(seen.saturating_add(1), to)
    }

    /// What is left without these numbers, some of which it has: before them and behind them.
    pub(crate) fn without(self, first: i64, last: i64) -> [Option<Self>; 2] {
        let before = first.checked_sub(1);
        let behind = last.checked_add(1);
        [
            before.and_then(|to| Self::range(self.from, to)),
            behind.and_then(|from| Self::range(from, self.to)),
        ]
    }

    fn range(from: i64, to: i64) -> Option<Self> {
        (from <= to).then_some(Self { from, to })
    }
}
