//! A book and the changes that make it, kept together by the venue's rule.

use core::mem;

use super::held::{Held, Place};
use super::rule::Fit;
use super::{Book, Rule};
use crate::market::{self, BookKind, Missing};

/// So many known changes in a row behind a change are no disorder but a new count.
const KNOWN_IN_A_ROW: u32 = 32;

/// So many known changes in a row behind a snapshot are more than can be on their way: ten seconds
/// of the fastest stream.
const KNOWN_BEHIND_SNAPSHOT: u32 = 1000;

/// How much a book and what waits for its snapshot may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Levels a side. A book that would pass it is broken and begun anew from a snapshot, which
    /// leaves out what has gathered far from the top.
    pub levels: usize,
    /// Changes that wait for a snapshot.
    pub held_changes: usize,
    /// Levels of these changes.
    pub held_levels: usize,
}

impl Limits {
    /// Three times the largest snapshot (5000 levels) a side, and a minute of the fastest stream:
    /// 1.3 MB a book, and while it waits for a snapshot 2.6 MB more.
    pub const DEFAULT: Self = Self {
        levels: 16_384,
        held_changes: 8192,
        held_levels: 65_536,
    };
}

/// A book kept by snapshots and changes, or the knowledge that it is not.
#[derive(Clone, Debug)]
pub struct Sync {
    rule: Rule,
    limits: Limits,
    book: Book,
    held: Held,
    state: State,
    /// Known changes in a row.
    known: u32,
    /// The snapshot itself was crossed: the venue means it so.
    may_cross: bool,
}

/// How far the book has come.
#[derive(Clone, Copy, Debug)]
enum State {
    /// It has no snapshot; `seen` says whether changes come.
    Waiting { seen: bool },
    /// It is the snapshot of this number.
    Loaded { at: Option<i64> },
    /// It is as of this change.
    Following { at: Place },
}

/// What a message did to the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Verdict {
    /// A change that comes before the snapshot: it is held for it, or let pass where the snapshot
    /// comes in the stream.
    Early,
    /// A snapshot, and all changes behind it that were held: the book is the venue's from here.
    Synchronised,
    /// The next change.
    Applied,
    /// The next change, with which the venue begins to count anew (OKX).
    Restarted,
    /// A change that the book has already: a repetition, or one from before the snapshot.
    Known,
    /// A snapshot that cannot be used. Where one is needed, another is to be asked for.
    Refused(Refusal),
    /// The book is not the venue's any more, and empty until the next snapshot.
    Broken(Break),
    /// No part of a book that is kept: the best levels, whole in each message.
    Apart,
}

/// Why a snapshot cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refusal {
    /// It is older than the book.
    OlderThanBook,
    /// It is older than the first change that is held: what lies between is missing.
    OlderThanChanges,
    /// It has no number.
    Unnumbered,
}

/// Why a book is not the venue's any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Break {
    /// What is missing, as far as numbers tell.
    pub missing: Option<Missing>,
    /// Why.
    pub cause: Cause,
}

/// The reason of a [`Break`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Cause {
    /// A change does not follow the one before it.
    Gap,
    /// The checksum is another one.
    Checksum,
    /// The best bid is not below the best ask, although that was not so in the snapshot.
    Crossed,
    /// More levels than are kept.
    Levels,
    /// Only old numbers come: the venue counts anew.
    Restart,
    /// A change has neither the numbers of its rule nor a checksum.
    Unnumbered,
}

/// What the book is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Status {
    /// Nothing: a snapshot is awaited.
    Waiting,
    /// It is the venue's.
    Synchronised,
    /// Likewise, and crossed or locked: legitimate before a market opens.
    Crossed,
}

impl Sync {
    /// An empty book that awaits its snapshot. It takes no memory until messages come.
    #[must_use]
    pub fn new(rule: Rule, limits: Limits) -> Self {
        Self {
            rule,
            limits,
            book: Book::new(limits.levels),
            held: Held::default(),
            state: State::Waiting { seen: false },
            known: 0,
            may_cross: false,
        }
    }

    /// Takes the next message of the stream, or a snapshot that was asked for.
    pub fn apply(&mut self, message: &market::Book<'_>) -> Verdict {
        let place = Place::of(message);
        match (self.state, message.kind) {
            (_, BookKind::Top(_)) => Verdict::Apart,
            (State::Waiting { .. }, BookKind::Delta) => self.hold(message),
            (State::Waiting { .. }, BookKind::Snapshot) => self.begin(message),
            (State::Loaded { at }, BookKind::Delta) => {
                let fit = self.rule.after_snapshot(at, place);
                self.follow(fit, KNOWN_BEHIND_SNAPSHOT, message)
            }
            (State::Following { at }, BookKind::Delta) => {
                let fit = self.rule.after_change(at, place);
                self.follow(fit, KNOWN_IN_A_ROW, message)
            }
            (State::Loaded { at }, BookKind::Snapshot) => self.renew(at, message),
            (State::Following { at }, BookKind::Snapshot) => self.renew(at.last, message),
        }
    }

    /// The connection or the subscription has ended: what comes next follows nothing. Says
    /// whether there was a book.
    pub fn interrupt(&mut self) -> bool {
        let had_book = self.book().is_some();
        self.forget();
        self.state = State::Waiting { seen: false };
        had_book
    }

    /// Whether changes come that wait for a snapshot. It is to be asked for now and not before:
    /// one taken before the first change could miss what lies between.
    #[must_use]
    pub const fn needs_snapshot(&self) -> bool {
        matches!(self.state, State::Waiting { seen: true })
    }

    /// The book, while it is the venue's.
    #[must_use]
    pub const fn book(&self) -> Option<&Book> {
        match self.state {
            State::Waiting { .. } => None,
            State::Loaded { .. } | State::Following { .. } => Some(&self.book),
        }
    }

    /// The number of the last update in the book.
    #[must_use]
    pub const fn last(&self) -> Option<i64> {
        match self.state {
            State::Waiting { .. } => None,
            State::Loaded { at } => at,
            State::Following { at } => at.last,
        }
    }

    /// What the book is worth.
    #[must_use]
    pub fn status(&self) -> Status {
        match self.book() {
            None => Status::Waiting,
            Some(book) if book.is_crossed() => Status::Crossed,
            Some(_) => Status::Synchronised,
        }
    }

    /// The rule by which it is kept.
    #[must_use]
    pub const fn rule(&self) -> Rule {
        self.rule
    }

    fn hold(&mut self, message: &market::Book<'_>) -> Verdict {
        self.state = State::Waiting { seen: true };
        if self.rule.brings_snapshot() {
            return Verdict::Early;
        }
        let place = Place::of(message);
        let fit = match self.held.last() {
            Some(before) => self.rule.after_change(before, place),
            None if place.last.is_none() => Fit::Unnumbered,
            None => Fit::Follows,
        };
        match fit {
            Fit::Follows | Fit::Restarts => {
                self.known = 0;
                self.held.push(message, self.limits);
                Verdict::Early
            }
            Fit::Known => self.pass(KNOWN_IN_A_ROW, message),
            Fit::Gap(missing) => self.lose(missing, Cause::Gap, message),
            Fit::Unnumbered => self.lose(None, Cause::Unnumbered, message),
        }
    }

    /// Begins with a snapshot, unless it does not reach to the changes that are held.
    fn begin(&mut self, snapshot: &market::Book<'_>) -> Verdict {
        if let Some(first) = self.held.first() {
            match self.rule.after_snapshot(snapshot.last, first) {
                Fit::Follows | Fit::Restarts | Fit::Known => {}
                Fit::Gap(_) => return Verdict::Refused(Refusal::OlderThanChanges),
                Fit::Unnumbered => return Verdict::Refused(Refusal::Unnumbered),
            }
        }
        self.load(snapshot)
    }

    /// Replaces a book that is there by a younger one.
    fn renew(&mut self, at: Option<i64>, snapshot: &market::Book<'_>) -> Verdict {
        if !self.rule.brings_snapshot() && snapshot.last <= at {
            return Verdict::Refused(Refusal::OlderThanBook);
        }
        self.load(snapshot)
    }

    fn load(&mut self, snapshot: &market::Book<'_>) -> Verdict {
        if !self.rule.brings_snapshot() && snapshot.last.is_none() {
            return Verdict::Refused(Refusal::Unnumbered);
        }
        if self.book.apply(snapshot).is_err() {
            return self.give_up(None, Cause::Levels);
        }
        if self.contradicts(snapshot) {
            return self.give_up(None, Cause::Checksum);
        }
        self.may_cross = self.rule.brings_snapshot() || self.book.is_crossed();
        self.state = State::Loaded { at: snapshot.last };
        self.replay()
    }

    /// Applies what was held; should that break the book, the rest is held again.
    fn replay(&mut self) -> Verdict {
        let mut verdict = Verdict::Synchronised;
        let held = mem::take(&mut self.held);
        for change in held.messages() {
            self.known = 0;
            if let broken @ Verdict::Broken(_) = self.apply(&change) {
                verdict = broken;
            }
        }
        self.known = 0;
        verdict
    }

    fn follow(&mut self, fit: Fit, patience: u32, change: &market::Book<'_>) -> Verdict {
        match fit {
            Fit::Follows => self.advance(change, Verdict::Applied),
            Fit::Restarts => self.advance(change, Verdict::Restarted),
            Fit::Known => self.pass(patience, change),
            Fit::Gap(missing) => self.lose(missing, Cause::Gap, change),
            // Archives from before OKX numbered its changes: the checksum tells as much.
            Fit::Unnumbered if checksum(change).is_some() => self.advance(change, Verdict::Applied),
            Fit::Unnumbered => self.lose(None, Cause::Unnumbered, change),
        }
    }

    fn advance(&mut self, change: &market::Book<'_>, verdict: Verdict) -> Verdict {
        if self.book.apply(change).is_err() {
            return self.lose(None, Cause::Levels, change);
        }
        if self.contradicts(change) {
            return self.lose(None, Cause::Checksum, change);
        }
        if !self.may_cross && self.book.is_crossed() {
            return self.lose(None, Cause::Crossed, change);
        }
        self.known = 0;
        self.state = State::Following {
            at: Place::of(change),
        };
        verdict
    }

    /// Lets a known change pass; too many in a row are a new count.
    fn pass(&mut self, patience: u32, change: &market::Book<'_>) -> Verdict {
        if self.known >= patience {
            return self.lose(None, Cause::Restart, change);
        }
        self.known += 1;
        Verdict::Known
    }

    /// The book ends here, and this change may be the first of the next.
    fn lose(
        &mut self,
        missing: Option<Missing>,
        cause: Cause,
        change: &market::Book<'_>,
    ) -> Verdict {
        let verdict = self.give_up(missing, cause);
        if !self.rule.brings_snapshot() && change.last.is_some() {
            self.held.push(change, self.limits);
        }
        verdict
    }

    fn give_up(&mut self, missing: Option<Missing>, cause: Cause) -> Verdict {
        self.forget();
        self.state = State::Waiting { seen: true };
        Verdict::Broken(Break { missing, cause })
    }

    fn forget(&mut self) {
        self.book.clear();
        self.held.clear();
        self.known = 0;
        self.may_cross = false;
    }

    fn contradicts(&self, message: &market::Book<'_>) -> bool {
        checksum(message).is_some_and(|expected| expected != self.book.checksum())
    }
}

/// The checksum of a message, if it has one: since 2026-06-23 OKX sends zero in its place.
fn checksum(message: &market::Book<'_>) -> Option<i32> {
    message.checksum.filter(|&checksum| checksum != 0)
}

impl Cause {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Gap => "gap",
            Self::Checksum => "checksum",
            Self::Crossed => "crossed",
            Self::Levels => "levels",
            Self::Restart => "restart",
            Self::Unnumbered => "unnumbered",
        }
    }
}

impl Refusal {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OlderThanBook => "older-than-book",
            Self::OlderThanChanges => "older-than-changes",
            Self::Unnumbered => "unnumbered",
        }
    }
}
