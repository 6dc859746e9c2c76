//! Gaps in a stream of trades, while their trades are asked for by number.

use alloc::collections::VecDeque;

use super::sequence::Numbers;
use crate::market::{Channel, Content, Missing};

/// Gaps of one stream that wait, at most.
const WAITING: usize = 8;
/// A gap of more trades is not asked for: half an hour of a busy market. Snapshots go before it,
/// and more would keep others waiting for too long.
const LONGEST: u64 = 100_000;
/// Answers that one gap is filled from, at most: OKX has a hundred trades in each.
const ANSWERS: u32 = 1_000;
/// Pieces that late messages may cut a gap into.
const PIECES: usize = 64;

/// Why the trades of a gap do not come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Unfillable {
    /// The venue gives these trades by number to nobody, or to holders of keys alone (Binance
    /// futures, `trade`).
    NotOffered,
    /// They are too many.
    TooLong,
    /// Too many gaps of the stream wait already.
    TooMany,
    /// The venue has not all of them, or no more; what it had has come.
    Gone,
    /// The venue has refused the request.
    Refused,
    /// The requests came to nothing.
    Failed,
}

impl Unfillable {
    /// Every reason.
    pub const ALL: [Self; 6] = [
        Self::NotOffered,
        Self::TooLong,
        Self::TooMany,
        Self::Gone,
        Self::Refused,
        Self::Failed,
    ];

    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::NotOffered => "not-offered",
            Self::TooLong => "too-long",
            Self::TooMany => "too-many",
            Self::Gone => "gone",
            Self::Refused => "refused",
            Self::Failed => "failed",
        }
    }
}

/// Whether each number that a stream of this channel misses is a trade that can be named.
pub(super) const fn is_numbered(channel: Channel) -> bool {
    // Block trades share their numbers with all other trades.
    matches!(channel.content(), Content::Trades) && !matches!(channel, Channel::BlockTrade)
}

/// The gaps of one stream that are to be filled, oldest first.
#[derive(Clone, Debug)]
pub(super) struct Holes {
    waiting: VecDeque<Hole>,
}

/// One of them.
#[derive(Clone, Debug)]
struct Hole {
    whole: Missing,
    /// What has not come, in order.
    left: VecDeque<Missing>,
    /// Whether some of it will not come.
    lacks: bool,
    answers: u32,
}

impl Holes {
    pub(super) const fn new() -> Self {
        Self {
            waiting: VecDeque::new(),
        }
    }

    /// Takes up a gap, unless there is no point in it.
    pub(super) fn push(&mut self, missing: Missing) -> Result<(), Unfillable> {
        // One less than there are.
        if missing.to.abs_diff(missing.from) >= LONGEST {
            return Err(Unfillable::TooLong);
        }
        if self.waiting.len() >= WAITING {
            return Err(Unfillable::TooMany);
        }
        self.waiting.push_back(Hole {
            whole: missing,
            left: VecDeque::from([missing]),
            lacks: false,
            answers: 0,
        });
        Ok(())
    }

    /// What is to be asked for next.
    pub(super) fn rest(&self) -> Option<Missing> {
        self.waiting.front()?.left.front().copied()
    }

    /// Whether the first gap is the one that these numbers were asked for from.
    pub(super) fn is_about(&self, asked: Missing) -> bool {
        let whole = self.waiting.front().map(|hole| hole.whole);
        whole.is_some_and(|whole| whole.from <= asked.from && asked.to <= whole.to)
    }

    /// Takes a trade of an answer; whether it was missing.
    pub(super) fn take(&mut self, numbers: Numbers) -> bool {
        self.waiting
            .front_mut()
            .is_some_and(|hole| hole.take(numbers))
    }

    /// An answer has brought all that there is up to this number.
    pub(super) fn answered(&mut self, reached: i64) {
        if let Some(hole) = self.waiting.front_mut() {
            hole.answers = hole.answers.saturating_add(1);
            hole.pass(reached);
        }
    }

    /// A message has come out of its order: what it brings is missing no more.
    pub(super) fn came_late(&mut self, numbers: Numbers) {
        self.waiting
            .iter_mut()
            .for_each(|hole| hole.came_late(numbers));
    }

    /// Takes out the first gap if it is over: which one, and why it stays, if it does.
    pub(super) fn over(&mut self) -> Option<(Missing, Option<Unfillable>)> {
        let hole = self.waiting.front()?;
        let is_over = hole.left.is_empty() || hole.answers >= ANSWERS;
        let lacks = hole.lacks || !hole.left.is_empty();
        let whole = is_over.then(|| self.give_up())??;
        Some((whole, lacks.then_some(Unfillable::Gone)))
    }

    /// Takes out the first gap as it stands.
    pub(super) fn give_up(&mut self) -> Option<Missing> {
        self.waiting.pop_front().map(|hole| hole.whole)
    }

    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}

impl Hole {
    fn take(&mut self, Numbers { first, last, .. }: Numbers) -> bool {
        let inside = |piece: &Missing| piece.from <= first && last <= piece.to;
        let place = self.left.iter().position(inside);
        if let Some(place) = place {
            self.cut(place, first, last);
        }
        place.is_some()
    }

    fn came_late(&mut self, Numbers { first, last, .. }: Numbers) {
        let touches = |piece: &Missing| piece.from <= last && first <= piece.to;
        while let Some(place) = self.left.iter().position(touches) {
            if self.left.len() >= PIECES {
                // It will come twice, which its number shows.
                return;
            }
            self.cut(place, first, last);
        }
    }

    /// Cuts numbers out of a piece that has some of them.
    fn cut(&mut self, place: usize, first: i64, last: i64) {
        let Some(piece) = self.left.remove(place) else {
            return;
        };
        for rest in piece.without(first, last).into_iter().rev().flatten() {
            self.left.insert(place, rest);
        }
    }

    /// What lies before this number and has not come will not come.
    fn pass(&mut self, reached: i64) {
        while let Some(piece) = self.left.front_mut().filter(|piece| piece.from <= reached) {
            self.lacks = true;
            match reached.checked_add(1).filter(|next| *next <= piece.to) {
                Some(next) => piece.from = next,
                None => {
                    self.left.pop_front();
                }
            }
        }
    }
}
