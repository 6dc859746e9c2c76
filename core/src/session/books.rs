//! The order books of a session's streams of changes: what each is worth, and which of them need a
//! snapshot that has to be asked for.

use alloc::vec::Vec;
use core::time::Duration;

use super::stream::Stream;
use crate::book::{Book, Break, Limits, Refusal, Rule, Status, Sync, Verdict};
use crate::market::{self, BookKind, Market};
use crate::time::Time;

/// The least time between two snapshots of one book; it doubles while the book does not hold.
const PAUSE: Duration = Duration::from_secs(1);

/// The longest such time.
const PAUSE_CAP: Duration = Duration::from_secs(60);

/// When a snapshot that the venue has refused is asked for again.
const REFUSED: Duration = Duration::from_secs(300);

/// What a book is worth, told where that changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum BookState {
    /// There is none: its changes come, or came, and its snapshot is awaited.
    Waiting,
    /// From here on it is the venue's.
    Synchronised {
        /// The last update in it.
        last: Option<i64>,
    },
    /// Likewise, and the best bid is not below the best ask: legitimate before a market opens.
    Crossed {
        /// The last update in it.
        last: Option<i64>,
    },
    /// A snapshot that was asked for cannot be used, and is asked for again.
    Refused(Refusal),
    /// It is gone until the next snapshot, which is asked for or subscribed to.
    Broken(Break),
}

/// The books, each at the place of its stream.
#[derive(Clone, Debug)]
pub(super) struct Books {
    kept: Vec<Option<Kept>>,
    /// Those whose snapshot is to be asked for.
    wanting: Vec<usize>,
}

/// One book.
#[derive(Clone, Debug)]
struct Kept {
    sync: Sync,
    /// What was told of it last.
    told: Option<Status>,
    request: Asking,
    /// No snapshot is asked for before this.
    not_before: Time,
    pause: Duration,
}

/// Whether a snapshot is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asking {
    No,
    Yes,
}

/// What a message did to its book.
#[derive(Clone, Copy, Debug)]
pub(super) struct Outcome {
    /// What is to be told.
    pub(super) state: Option<BookState>,
    /// Only a new subscription brings the snapshot that it needs.
    pub(super) is_to_be_renewed: bool,
}

impl Books {
    /// A book for each stream whose changes have a rule; none takes memory before they come.
    pub(super) fn new<'a>(market: Market, streams: impl Iterator<Item = &'a Stream>) -> Self {
        let kept: Vec<_> = streams
            .map(|stream| Rule::of(market, stream.channel).map(Kept::new))
            .collect();
        Self {
            wanting: Vec::with_capacity(kept.len()),
            kept,
        }
    }

    /// The book of a stream, while it is the venue's.
    pub(super) fn get(&self, stream: usize) -> Option<&Book> {
        self.kept.get(stream)?.as_ref()?.sync.book()
    }

    /// Takes in a message of the stream.
    pub(super) fn apply(
        &mut self,
        now: Time,
        stream: usize,
        message: &market::Book<'_>,
    ) -> Option<Outcome> {
        let kept = self.kept.get_mut(stream)?.as_mut()?;
        let state = kept.apply(now, message);
        let broken = matches!(state, Some(BookState::Broken(_)));
        let is_to_be_renewed = broken && kept.sync.rule().brings_snapshot();
        if kept.wants_snapshot() {
            kept.request = Asking::Yes;
            self.wanting.push(stream);
        }
        Some(Outcome {
            state,
            is_to_be_renewed,
        })
    }

    /// Takes in a snapshot that was asked for; `None` where the stream brings its own.
    pub(super) fn answer(
        &mut self,
        now: Time,
        stream: usize,
        message: &market::Book<'_>,
    ) -> Option<Outcome> {
        let kept = self.kept.get_mut(stream)?.as_mut()?;
        if kept.sync.rule().brings_snapshot() {
            return None;
        }
        kept.request = Asking::No;
        self.apply(now, stream, message)
    }

    /// A snapshot whose time has come to be asked for, and the earliest time to do so.
    pub(super) fn next_wanted(&mut self) -> Option<(usize, Time)> {
        let stream = self.wanting.pop()?;
        let kept = self.kept.get(stream)?.as_ref()?;
        Some((stream, kept.not_before))
    }

    /// The venue will not give the snapshot: it is asked for again much later.
    pub(super) fn refused(&mut self, now: Time, stream: usize) {
        if let Some(Some(kept)) = self.kept.get_mut(stream) {
            kept.request = Asking::No;
            kept.not_before = now + REFUSED;
        }
    }

    /// The connection is gone, and what comes next follows nothing. Each stream whose book is lost
    /// with it is handed to `lost`.
    pub(super) fn interrupt(&mut self, mut lost: impl FnMut(usize)) {
        self.wanting.clear();
        for (stream, kept) in self.kept.iter_mut().enumerate() {
            let Some(kept) = kept else { continue };
            kept.request = Asking::No;
            if kept.sync.interrupt() {
                kept.told = Some(Status::Waiting);
                lost(stream);
            }
        }
    }
}

impl Kept {
    fn new(rule: Rule) -> Self {
        Self {
            sync: Sync::new(rule, Limits::DEFAULT),
            told: None,
            request: Asking::No,
            not_before: Time::ZERO,
            pause: PAUSE,
        }
    }

    /// Whether a snapshot is to be asked for that is not asked for yet.
    fn wants_snapshot(&self) -> bool {
        let by_request = !self.sync.rule().brings_snapshot() && self.request == Asking::No;
        by_request && self.sync.needs_snapshot()
    }

    fn apply(&mut self, now: Time, message: &market::Book<'_>) -> Option<BookState> {
        let had_book = self.sync.book().is_some();
        let is_snapshot = matches!(message.kind, BookKind::Snapshot);
        let state = match self.sync.apply(message) {
            Verdict::Known | Verdict::Apart => return None,
            Verdict::Refused(refusal) => return Some(BookState::Refused(refusal)),
            Verdict::Broken(broken) => {
                self.hold_back(now);
                self.told = Some(Status::Waiting);
                // What was no book yet cannot break: the hole in the stream is told as such.
                (had_book || is_snapshot).then_some(BookState::Broken(broken))
            }
            Verdict::Synchronised => {
                self.told = None;
                self.tell()
            }
            Verdict::Early | Verdict::Applied | Verdict::Restarted => self.tell(),
        };
        if is_snapshot {
            self.not_before = now + self.pause;
        }
        state
    }

    /// What it is worth, unless that has been told.
    fn tell(&mut self) -> Option<BookState> {
        let (status, last) = (self.sync.status(), self.sync.last());
        let is_new = self.told.replace(status) != Some(status);
        is_new.then_some(match status {
            Status::Waiting => BookState::Waiting,
            Status::Synchronised => BookState::Synchronised { last },
            Status::Crossed => BookState::Crossed { last },
        })
    }

    /// A book that breaks soon after its snapshot waits longer for the next.
    fn hold_back(&mut self, now: Time) {
        let soon = now < self.not_before + self.pause;
        self.pause = match soon {
            true => self.pause.saturating_mul(2).min(PAUSE_CAP),
            false => PAUSE,
        };
    }
}
