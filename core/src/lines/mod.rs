//! Two lines, one stream: what two sessions bring of the same stream, merged by the venue's own
//! numbers.
//!
//! A line is a session with its own socket, and nothing about it changes because there is
//! another. The [`Arbiter`] of a stream stands behind both. It is a pure function of the numbers
//! in the order in which they arrive: whichever line brings a message first wins, the other's copy
//! is a repetition; where one line has a hole, what stands behind it waits for the other line,
//! and only what neither can bring any more is a gap.
//!
//! What waits is bounded. When the bound is reached, the hole in front of it is a gap.

mod lead;
#[cfg(test)]
mod tests;

use alloc::collections::VecDeque;
use core::fmt;

pub use lead::{Lead, Standing};

use crate::market::{Channel, Market, Missing};
use crate::session::{GapCause, Numbers, Rule, Unfillable};
use crate::time::UnixNanos;
use lead::Leads;

/// Messages of one stream that wait for the other line, at most.
const HELD_MAX: usize = 1024;
/// What they weigh together, at most: a message of a book may have thousands of levels.
const HELD_WEIGHT_MAX: usize = 1 << 16;
/// Gaps that are remembered so that they can be filled later, at most.
const GAPS_MAX: usize = 64;
/// Pieces of one of them, at most; of more the last are forgotten, and the gap is never whole.
const PIECES_MAX: usize = 64;

/// One of two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Line {
    /// The first.
    A,
    /// The second.
    B,
}

impl Line {
    /// Both.
    pub const ALL: [Self; 2] = [Self::A, Self::B];

    /// The other one.
    #[must_use]
    pub const fn other(self) -> Self {
        match self {
            Self::A => Self::B,
            Self::B => Self::A,
        }
    }

    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::A => "a",
            Self::B => "b",
        }
    }

    const fn index(self) -> usize {
        match self {
            Self::A => 0,
            Self::B => 1,
        }
    }
}

/// What a line brings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Arrival {
    /// By which line.
    pub line: Line,
    /// The numbers of the message.
    pub numbers: Numbers,
    /// How it came.
    pub kind: Kind,
    /// How much room it takes where it has to wait: one, and one for each level of a book.
    pub weight: usize,
    /// When.
    pub received: UnixNanos,
}

/// How a message came.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// In the stream.
    Live,
    /// The snapshot of a book, in the stream or over REST.
    Snapshot,
    /// In the stream, which begins to count anew with it.
    Reset,
    /// Asked for over REST, to fill a gap.
    Backfill,
}

/// What comes out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Merged<P> {
    /// The next message of the stream, and the line that was first to bring it.
    Message(Line, P),
    /// What neither line has brought: these numbers where they tell.
    Gap(Option<Missing>, GapCause),
    /// All of a gap that was told has come.
    Filled(Missing),
    /// One line cannot fill this gap, which was told; the other may.
    Unfillable(Missing, Unfillable),
}

/// The arbiter of one stream. `P` is whatever is to come out for a message.
#[derive(Clone, Debug)]
pub struct Arbiter<P> {
    rule: Rule,
    /// Whether the stream itself brings snapshots.
    carries: bool,
    /// The last number that came out.
    reached: Option<i64>,
    /// Messages behind a hole, in the order of their numbers.
    held: VecDeque<Held<P>>,
    /// What they weigh together.
    held_weight: usize,
    /// Gaps that have been told, oldest first.
    gaps: VecDeque<Told>,
    /// Whether each line is up, and how far it has come.
    lines: [Place; 2],
    /// Both lines were down at the same time since the last message.
    interrupted: bool,
    snapshots: Snapshots,
    leads: Leads,
}

#[derive(Clone, Debug)]
struct Held<P> {
    arrival: Arrival,
    payload: P,
}

/// A gap that has been told.
#[derive(Clone, Debug)]
struct Told {
    whole: Missing,
    /// What of it has not come, in order.
    left: VecDeque<Missing>,
    /// Whether some of that was forgotten.
    lacks: bool,
    /// Whether it was told that a line cannot fill it.
    is_given_up: bool,
}

/// Where a line stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Place {
    up: bool,
    /// The last number it has brought since it came up.
    last: Option<i64>,
    /// The venue began to count anew, as the other line has shown, and this line has still to
    /// come to there.
    awaits_reset: bool,
}

/// What a snapshot is to the stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Snapshots {
    /// Nothing that came before can be used without one.
    Wanted,
    /// It is not needed, and what follows on its line continues from it (OKX).
    Carrying,
    /// It is not needed.
    Spare,
}

/// Why a channel cannot be collected over two lines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotComparable(Channel);

impl fmt::Display for NotComparable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "the messages of {} have no numbers that are the same on every connection, so nothing \
             tells a repetition of the other line from a new message",
            self.0
        )
    }
}

impl core::error::Error for NotComparable {}

/// Whether the messages of a channel can be told apart over two connections.
///
/// # Errors
///
/// They cannot.
pub const fn comparable(market: Market, channel: Channel) -> Result<(), NotComparable> {
    match Rule::of(market, channel) {
        Rule::Consecutive | Rule::Chained | Rule::Rising | Rule::Polled => Ok(()),
        Rule::Unnumbered => Err(NotComparable(channel)),
    }
}

/// Where a message stands to what has come out.
enum Stand {
    /// It is the next.
    Next,
    /// It tells nothing new.
    Known,
    /// Something is missing before it.
    Ahead,
}

impl<P> Arbiter<P> {
    /// The arbiter of a stream.
    ///
    /// # Errors
    ///
    /// The channel's messages cannot be told apart over two connections.
    pub const fn new(market: Market, channel: Channel) -> Result<Self, NotComparable> {
        match comparable(market, channel) {
            Ok(()) => Ok(Self {
                rule: Rule::of(market, channel),
                carries: channel.begins_with_snapshot(),
                reached: None,
                held: VecDeque::new(),
                held_weight: 0,
                gaps: VecDeque::new(),
                lines: [Place {
                    up: false,
                    last: None,
                    awaits_reset: false,
                }; 2],
                interrupted: false,
                snapshots: Snapshots::Wanted,
                leads: Leads::new(),
            }),
            Err(error) => Err(error),
        }
    }

    /// Takes what a line brings, and hands out what may come out now. `payload` is made only if
    /// the message is new.
    pub fn offer(
        &mut self,
        arrival: Arrival,
        payload: impl FnOnce() -> P,
        out: &mut impl FnMut(Merged<P>),
    ) {
        if arrival.kind == Kind::Backfill {
            return self.backfill(arrival, payload, out);
        }
        let place = &mut self.lines[arrival.line.index()];
        place.up = true;
        match arrival.kind {
            // Until the line comes to where the venue began to count anew, it repeats.
            Kind::Live if place.awaits_reset => return,
            Kind::Reset if !place.awaits_reset => self.reset(arrival.line, out),
            Kind::Live | Kind::Reset | Kind::Snapshot | Kind::Backfill => {
                place.awaits_reset = false;
            }
        }
        self.lines[arrival.line.index()].last = Some(arrival.numbers.last);
        match self.stand(arrival) {
            Stand::Known => self.leads.second(arrival),
            Stand::Next => self.pass(arrival, payload(), out),
            Stand::Ahead => self.hold(arrival, payload()),
        }
        self.release(out);
    }

    /// A line has told what it missed before its first message, while nothing was collected.
    pub fn missed(&mut self, missing: Missing, cause: GapCause, out: &mut impl FnMut(Merged<P>)) {
        if self.reached.is_none() {
            self.tell(Some(missing), cause, out);
        }
    }

    /// A line is down: it brings nothing more of what went by meanwhile.
    pub fn down(&mut self, line: Line, out: &mut impl FnMut(Merged<P>)) {
        self.lines[line.index()] = Place::default();
        // Whatever the other one brings, nobody else does.
        self.lines[line.other().index()].awaits_reset = false;
        self.interrupted |= self.lines.iter().all(|place| !place.up) && self.reached.is_some();
        self.release(out);
    }

    /// How often each line was first, and by how much.
    #[must_use]
    pub const fn standing(&self) -> &Standing {
        self.leads.standing()
    }

    /// The numbers begin anew: nothing can come any more before what waits.
    fn reset(&mut self, line: Line, out: &mut impl FnMut(Merged<P>)) {
        self.lines[line.other().index()].awaits_reset = self.reached.is_some();
        while self.next_out(out) {}
        self.reached = None;
    }

    fn stand(&self, arrival: Arrival) -> Stand {
        let Numbers {
            first,
            last,
            previous,
        } = arrival.numbers;
        let Some(reached) = self.reached else {
            return Stand::Next;
        };
        let is_snapshot = arrival.kind == Kind::Snapshot;
        if is_snapshot && self.snapshots == Snapshots::Wanted {
            return Stand::Next;
        }
        if last <= reached || is_snapshot && self.snapshots == Snapshots::Spare {
            return Stand::Known;
        }
        let follows = match self.rule {
            Rule::Consecutive => first <= reached.saturating_add(1),
            Rule::Chained => previous.is_some_and(|previous| previous <= reached),
            Rule::Rising | Rule::Polled | Rule::Unnumbered => true,
        };
        match follows {
            true => Stand::Next,
            false => Stand::Ahead,
        }
    }

    fn pass(&mut self, arrival: Arrival, payload: P, out: &mut impl FnMut(Merged<P>)) {
        self.tell_interruption(arrival, out);
        if arrival.kind == Kind::Snapshot {
            self.snapshots = match self.carries {
                true => Snapshots::Carrying,
                false => Snapshots::Spare,
            };
        }
        // A snapshot over REST may be older than changes that have come out already.
        self.reached = self.reached.max(Some(arrival.numbers.last));
        self.leads.first(arrival);
        out(Merged::Message(arrival.line, payload));
    }

    /// Both lines were down. Where numbers rise and skip nothing else would tell; where they
    /// follow each other, they have told already.
    fn tell_interruption(&mut self, arrival: Arrival, out: &mut impl FnMut(Merged<P>)) {
        let interrupted = core::mem::take(&mut self.interrupted);
        let skips = matches!(self.rule, Rule::Rising | Rule::Polled);
        if let Some(reached) = self.reached.filter(|_| interrupted && skips) {
            let missing = Missing::between(reached, arrival.numbers.last);
            if missing.is_some() {
                out(Merged::Gap(missing, GapCause::Connection));
            }
        }
    }

    fn hold(&mut self, arrival: Arrival, payload: P) {
        let last = arrival.numbers.last;
        let at = self
            .held
            .partition_point(|held| held.arrival.numbers.last < last);
        let known = self.held.get(at);
        if known.is_some_and(|held| held.arrival.numbers.last == last) {
            self.leads.second(arrival);
            return;
        }
        self.held_weight = self.held_weight.saturating_add(arrival.weight);
        self.held.insert(at, Held { arrival, payload });
    }

    /// Hands out what waits, as far as nothing is missing before it or nobody can bring it.
    fn release(&mut self, out: &mut impl FnMut(Merged<P>)) {
        while let Some(held) = self.held.front() {
            let arrival = held.arrival;
            let waits = matches!(self.stand(arrival), Stand::Ahead);
            if waits && self.may_be_filled(arrival) {
                return;
            }
            self.next_out(out);
        }
    }

    /// Hands out the next that waits, behind the gap before it; whether there was any.
    fn next_out(&mut self, out: &mut impl FnMut(Merged<P>)) -> bool {
        let Some(Held { arrival, payload }) = self.held.pop_front() else {
            return false;
        };
        self.held_weight = self.held_weight.saturating_sub(arrival.weight);
        match self.stand(arrival) {
            Stand::Known => return true,
            Stand::Ahead => self.give_up(arrival, out),
            Stand::Next => {}
        }
        self.pass(arrival, payload, out);
        true
    }

    /// Whether the other line may still bring what is missing before a message.
    fn may_be_filled(&self, arrival: Arrival) -> bool {
        let other = self.lines[arrival.line.other().index()];
        let passed = other
            .last
            .is_some_and(|last| last >= arrival.numbers.first.min(arrival.numbers.last));
        let has_room = self.held.len() <= HELD_MAX && self.held_weight <= HELD_WEIGHT_MAX;
        other.up && !passed && other.last.is_some() && has_room
    }

    /// Tells the gap before a message that waits.
    fn give_up(&mut self, arrival: Arrival, out: &mut impl FnMut(Merged<P>)) {
        let Some(reached) = self.reached else {
            return;
        };
        let missing = match (self.rule, arrival.numbers.previous) {
            (Rule::Chained, Some(previous)) if previous > reached => Some(Missing {
                from: reached.saturating_add(1),
                to: previous,
            }),
            (Rule::Chained, _) => Missing::between(reached, arrival.numbers.last),
            _ => Missing::between(reached, arrival.numbers.first),
        };
        let cause = match core::mem::take(&mut self.interrupted) {
            true => GapCause::Connection,
            false => GapCause::Missing,
        };
        self.tell(missing, cause, out);
        // What waits stands right behind the gap.
        self.reached = Some(match (self.rule, arrival.numbers.previous) {
            (Rule::Chained, Some(previous)) => previous.max(reached),
            (Rule::Chained, None) => reached,
            _ => arrival.numbers.first.saturating_sub(1),
        });
    }

    /// Tells a gap and remembers it, because it may be filled later.
    fn tell(&mut self, missing: Option<Missing>, cause: GapCause, out: &mut impl FnMut(Merged<P>)) {
        self.snapshots = Snapshots::Wanted;
        out(Merged::Gap(missing, cause));
        if self.gaps.len() == GAPS_MAX {
            self.gaps.pop_front();
        }
        self.gaps.extend(missing.map(|whole| Told {
            whole,
            left: VecDeque::from([whole]),
            lacks: false,
            is_given_up: false,
        }));
    }

    /// What was asked for fills a hole that still waits, or a gap that has been told.
    fn backfill(
        &mut self,
        arrival: Arrival,
        payload: impl FnOnce() -> P,
        out: &mut impl FnMut(Merged<P>),
    ) {
        match self.stand(arrival) {
            Stand::Known => return self.fill(arrival, payload, out),
            // Nothing waits that it could stand before.
            Stand::Next | Stand::Ahead if self.held.is_empty() => return,
            Stand::Next => self.pass(arrival, payload(), out),
            Stand::Ahead => self.hold(arrival, payload()),
        }
        self.release(out);
    }

    /// Fills a gap that has been told, if the message lies in one; whole, it is told once more.
    fn fill(
        &mut self,
        arrival: Arrival,
        payload: impl FnOnce() -> P,
        out: &mut impl FnMut(Merged<P>),
    ) {
        let mut gaps = self.gaps.iter_mut();
        let Some(gap) = gaps.find_map(|gap| gap.take(arrival.numbers).then_some(gap)) else {
            return;
        };
        out(Merged::Message(arrival.line, payload()));
        if gap.left.is_empty() {
            if !gap.lacks {
                out(Merged::Filled(gap.whole));
            }
            self.gaps.retain(|gap| !gap.left.is_empty());
        }
    }

    /// A line has told that it cannot fill this. Of a gap of both it is told once.
    pub fn unfillable(
        &mut self,
        missing: Missing,
        why: Unfillable,
        out: &mut impl FnMut(Merged<P>),
    ) {
        let touches = |gap: &&mut Told| gap.touches(missing) && !gap.is_given_up;
        for gap in self.gaps.iter_mut().filter(touches) {
            gap.is_given_up = true;
            out(Merged::Unfillable(gap.whole, why));
        }
    }
}

impl Told {
    fn touches(&self, missing: Missing) -> bool {
        let touches = |left: &Missing| left.from <= missing.to && missing.from <= left.to;
        self.left.iter().any(touches)
    }

    /// Whether the message lies in what is left, which is smaller from now on.
    fn take(&mut self, Numbers { first, last, .. }: Numbers) -> bool {
        let inside = |left: &Missing| left.from <= first && last <= left.to;
        let Some(at) = self.left.iter().position(inside) else {
            return false;
        };
        let Some(left) = self.left.remove(at) else {
            return false;
        };
        for rest in left.without(first, last).into_iter().rev().flatten() {
            self.left.insert(at, rest);
        }
        if self.left.len() > PIECES_MAX {
            self.left.truncate(PIECES_MAX);
            self.lacks = true;
        }
        true
    }
}
