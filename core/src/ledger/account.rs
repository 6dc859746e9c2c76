//! The account of one stream: what its messages say about each other.

use super::day::{DayAccount, Days};
use super::gaps::{Cause, Gap, Gaps};
use super::runs::{Run, Runs};
use super::silence::Rhythm;
use super::{Standing, Subject};
use crate::session::{Disorder, GapCause, Missing, Numbers, Rule};
use crate::time::UnixNanos;

/// The account of one stream.
#[derive(Clone, Debug)]
pub(super) struct Account {
    pub(super) subject: Subject,
    rule: Rule,
    /// The session that the stream was heard from last.
    pub(super) session: u32,
    /// The highest number of the present count that was received or told missing.
    reached: Option<i64>,
    /// All numbers of the present count that were received.
    seen: Runs,
    /// How often the venue has begun to count anew.
    era: u32,
    /// Something was lost since the last message; its numbers tell what, if anything.
    doubt: Option<Doubt>,
    pub(super) gaps: Gaps,
    pub(super) days: Days,
    pub(super) rhythm: Rhythm,
}

/// What the next hole in the numbers comes from.
#[derive(Clone, Copy, Debug)]
struct Doubt {
    cause: Cause,
    since: UnixNanos,
}

impl Account {
    pub(super) fn new(subject: Subject) -> Self {
        Self {
            rule: Rule::of(subject.market, subject.channel),
            subject,
            session: 0,
            reached: None,
            seen: Runs::new(),
            era: 0,
            doubt: None,
            gaps: Gaps::default(),
            days: Days::new(),
            rhythm: Rhythm::new(),
        }
    }

    /// Whether the numbers of the stream tell of everything that is missing between two messages.
    pub(super) const fn is_proven_by_numbers(&self) -> bool {
        matches!(self.rule, Rule::Consecutive | Rule::Chained)
    }

    /// A message.
    pub(super) fn data(&mut self, at: UnixNanos, numbers: Option<Numbers>, standing: Standing) {
        let numbers = numbers.filter(|_| self.rule != Rule::Unnumbered);
        self.days.at(at).hear(at);
        match standing {
            Standing::InOrder => self.in_order(at, numbers),
            Standing::OutOfOrder(Disorder::Duplicate) => self.days.at(at).count(Count::Duplicate),
            Standing::OutOfOrder(Disorder::Stale) => self.stale(at, numbers),
            Standing::OutOfOrder(Disorder::Overlap) => {
                self.days.at(at).count(Count::Overlap);
                self.in_order(at, numbers);
            }
            Standing::OutOfOrder(Disorder::Reset) => self.reset(at, numbers),
            Standing::Backfilled => self.backfilled(at, numbers),
        }
    }

    fn in_order(&mut self, at: UnixNanos, numbers: Option<Numbers>) {
        let Some(numbers) = numbers else {
            self.settle_doubt(at);
            self.rhythm.touch(at);
            return self.days.at(at).count(Count::Message);
        };
        let covered = self.covered(numbers);
        self.pass_over(covered.first, at);
        self.rhythm.touch(at);
        let is_new = self.accept(at, covered);
        self.reach(numbers.last);
        match self.rule == Rule::Consecutive && !is_new {
            true => self.days.at(at).count(Count::Duplicate),
            false => self.days.at(at).count(Count::Message),
        }
    }

    /// The numbers that are known once a message has come.
    fn covered(&self, numbers: Numbers) -> Run {
        let Numbers {
            first,
            last,
            previous,
        } = numbers;
        let alone = Run { first: last, last };
        let behind = |before: i64| {
            before
                .checked_add(1)
                .map_or(alone, |first| Run { first, last })
        };
        match self.rule {
            Rule::Consecutive => Run { first, last },
            Rule::Chained => previous.map_or(alone, behind),
            // What it skips was never given out, unless something is known to be lost.
            Rule::Rising | Rule::Polled | Rule::Unnumbered => match (self.reached, &self.doubt) {
                (Some(reached), None) => behind(reached),
                (_, Some(_)) | (None, _) => alone,
            },
        }
    }

    /// What comes next begins here: whatever lies between has not come, and was not told of.
    fn pass_over(&mut self, first: i64, at: UnixNanos) {
        let doubt = self.doubt.take();
        let hole = self
            .reached
            .and_then(|reached| Missing::between(reached, first));
        if let Some(missing) = hole {
            let since = self.rhythm.heard().unwrap_or(at);
            let untold = Doubt {
                cause: Cause::Untold,
                since,
            };
            self.push_gap(Some(missing), doubt.unwrap_or(untold), at);
        }
    }

    /// Without numbers whatever may be lost counts as lost.
    fn settle_doubt(&mut self, at: UnixNanos) {
        if let Some(doubt) = self.doubt.take() {
            self.push_gap(None, doubt, at);
        }
    }

    fn push_gap(&mut self, missing: Option<Missing>, doubt: Doubt, at: UnixNanos) {
        self.rhythm.interrupt();
        self.gaps.push(Gap {
            missing,
            cause: doubt.cause,
            since: doubt.since,
            until: at,
            left: missing.map_or(0, |missing| self.seen.absent(Run::of(missing))),
            merged: 0,
            era: self.era,
        });
    }

    /// Takes numbers in; says whether any of them is new.
    fn accept(&mut self, at: UnixNanos, run: Run) -> bool {
        let (gaps, era, day) = (&mut self.gaps, self.era, self.days.at(at));
        let mut is_new = false;
        self.seen.insert(run, |piece| {
            is_new = true;
            gaps.fill(era, piece);
            day.runs.insert(piece, |_| {});
        });
        is_new
    }

    fn reach(&mut self, number: i64) {
        self.reached = Some(self.reached.map_or(number, |reached| reached.max(number)));
    }

    /// A message behind later ones: it was missing, or it was received before.
    fn stale(&mut self, at: UnixNanos, numbers: Option<Numbers>) {
        let is_late = match numbers.filter(|_| self.is_proven_by_numbers()) {
            Some(numbers) => {
                let covered = self.covered(numbers);
                self.accept(at, covered)
            }
            None => true,
        };
        if is_late {
            self.days.at(at).count(Count::Late);
        }
        let kind = if is_late {
            Count::Message
        } else {
            Count::Duplicate
        };
        self.days.at(at).count(kind);
    }

    /// The venue counts anew, from this message on.
    fn reset(&mut self, at: UnixNanos, numbers: Option<Numbers>) {
        // No number tells how much was lost at the end of the old count.
        self.settle_doubt(at);
        self.rhythm.touch(at);
        self.era = self.era.saturating_add(1);
        (self.seen, self.reached) = (Runs::new(), None);
        let day = self.days.at(at);
        day.restart();
        day.count(Count::Reset);
        day.count(Count::Message);
        if let Some(Numbers { last, .. }) = numbers {
            self.accept(at, Run { first: last, last });
            self.reach(last);
        }
    }

    /// A message that was asked for because it was missing.
    fn backfilled(&mut self, at: UnixNanos, numbers: Option<Numbers>) {
        let Some(Numbers { first, last, .. }) = numbers else {
            return;
        };
        let (gaps, era, day) = (&mut self.gaps, self.era, self.days.at(at));
        let mut is_new = false;
        self.seen.insert(Run { first, last }, |piece| {
            is_new = true;
            gaps.fill(era, piece);
            day.backfilled.insert(piece, |_| {});
        });
        // Over two lines one fills a hole of the other before anybody has told of it.
        let follows = self.reached.and_then(|reached| reached.checked_add(1)) == Some(first);
        if follows {
            self.reached = Some(last);
        }
        day.count(if is_new {
            Count::Backfilled
        } else {
            Count::Duplicate
        });
    }

    /// The session tells of a gap; the next message comes behind it.
    pub(super) fn gap(
        &mut self,
        at: UnixNanos,
        missing: Option<Missing>,
        cause: GapCause,
        since: UnixNanos,
    ) {
        self.days.at(at).hear(at);
        let told = Doubt {
            cause: Cause::Told(cause),
            since,
        };
        match missing {
            Some(missing) if cause == GapCause::Spent => {
                self.pass_over(missing.from, at);
                self.spent(at, missing);
                self.reach(missing.to);
            }
            Some(missing) => {
                self.pass_over(missing.from, at);
                self.push_gap(Some(missing), told, at);
                self.reach(missing.to);
            }
            None if self.is_proven_by_numbers() => self.doubt = Some(told),
            None => self.push_gap(None, told, at),
        }
    }

    /// These numbers stand for nothing.
    fn spent(&mut self, at: UnixNanos, missing: Missing) {
        let (gaps, era, day) = (&mut self.gaps, self.era, self.days.at(at));
        self.seen.insert(Run::of(missing), |piece| {
            gaps.fill(era, piece);
            day.never_given(piece);
        });
    }

    /// Lines were lost on their way to the sink, of this stream or of others.
    pub(super) fn overflowed(&mut self, since: UnixNanos) {
        self.rhythm.interrupt();
        self.doubt = Some(Doubt {
            cause: Cause::Overflow,
            since,
        });
    }
}

/// What a message counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Count {
    Message,
    Duplicate,
    Late,
    Overlap,
    Reset,
    Backfilled,
}

impl DayAccount {
    fn count(&mut self, count: Count) {
        let counts = &mut self.counts;
        let counter = match count {
            Count::Message => &mut counts.messages,
            Count::Duplicate => &mut counts.duplicates,
            Count::Late => &mut counts.late,
            Count::Overlap => &mut counts.overlaps,
            Count::Reset => &mut counts.resets,
            Count::Backfilled => &mut counts.backfilled,
        };
        *counter = counter.saturating_add(1);
    }

    fn never_given(&mut self, run: Run) {
        let counter = &mut self.counts.never_given;
        *counter = counter.saturating_add(run.count());
    }
}
