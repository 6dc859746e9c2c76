//! Every short history of two lines, against what it must come to.

use super::*;
use crate::market::Speed;
use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;
use core::time::Duration;

/// What comes out: numbers and gaps.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Out {
    Message(Line, i64),
    Gap(Option<(i64, i64)>, GapCause),
    Filled(i64, i64),
    Unfillable(i64, i64, Unfillable),
}

struct World {
    arbiter: Arbiter<i64>,
    out: Vec<Out>,
    now: u64,
}

const A: Line = Line::A;
const B: Line = Line::B;

impl World {
    fn new(market: Market, channel: Channel) -> Self {
        Self {
            arbiter: Arbiter::new(market, channel).unwrap(),
            out: Vec::new(),
            now: 0,
        }
    }

    fn trades() -> Self {
        Self::new(Market::BinanceSpot, Channel::Trade)
    }

    fn bring(&mut self, line: Line, kind: Kind, numbers: Numbers) {
        self.weigh(line, kind, numbers, 1);
    }

    fn weigh(&mut self, line: Line, kind: Kind, numbers: Numbers, weight: usize) {
        self.now += 1_000;
        let arrival = Arrival {
            line,
            numbers,
            kind,
            weight,
            received: UnixNanos::from_nanos(self.now),
        };
        let out = &mut self.out;
        self.arbiter.offer(arrival, || numbers.last, &mut |merged| {
            out.push(shown(merged));
        });
    }

    fn trade(&mut self, line: Line, id: i64) {
        self.bring(line, Kind::Live, numbers(id, id, None));
    }

    fn down(&mut self, line: Line) {
        let out = &mut self.out;
        self.arbiter
            .down(line, &mut |merged| out.push(shown(merged)));
    }

    fn take(&mut self) -> Vec<Out> {
        core::mem::take(&mut self.out)
    }
}

fn shown(merged: Merged<i64>) -> Out {
    match merged {
        Merged::Message(line, number) => Out::Message(line, number),
        Merged::Gap(missing, cause) => {
            Out::Gap(missing.map(|missing| (missing.from, missing.to)), cause)
        }
        Merged::Filled(missing) => Out::Filled(missing.from, missing.to),
        Merged::Unfillable(missing, why) => Out::Unfillable(missing.from, missing.to, why),
    }
}

const fn numbers(first: i64, last: i64, previous: Option<i64>) -> Numbers {
    Numbers {
        first,
        last,
        previous,
    }
}

#[test]
fn the_first_arrival_wins_and_the_other_is_a_repetition() {
    let mut world = World::trades();
    for (line, id) in [(A, 1), (B, 1), (B, 2), (A, 2), (A, 3), (B, 3)] {
        world.trade(line, id);
    }
    let expected = [Out::Message(A, 1), Out::Message(B, 2), Out::Message(A, 3)];
    assert_eq!(world.take(), expected);
    let standing = world.arbiter.standing();
    assert_eq!((standing.of(A).first, standing.of(A).repeated), (2, 2));
    assert_eq!((standing.of(B).first, standing.of(B).repeated), (1, 1));
    let median = standing.of(A).median().unwrap();
    assert!((Duration::from_nanos(500)..=Duration::from_nanos(1_000)).contains(&median));
}

#[test]
fn what_one_line_misses_the_other_fills_in_order() {
    let mut world = World::trades();
    for (line, id) in [(A, 1), (B, 1), (A, 4), (A, 5)] {
        world.trade(line, id);
    }
    assert_eq!(world.take(), [Out::Message(A, 1)], "4 waits for 2 and 3");
    world.trade(B, 2);
    world.trade(B, 3);
    let expected = [2, 3].map(|id| Out::Message(B, id));
    assert_eq!(world.out[..2], expected);
    assert_eq!(world.out[2..], [4, 5].map(|id| Out::Message(A, id)));
}

#[test]
fn what_neither_brings_is_a_gap_as_soon_as_that_is_certain() {
    let mut world = World::trades();
    for (line, id) in [(A, 1), (B, 1), (A, 4)] {
        world.trade(line, id);
    }
    world.take();
    world.trade(B, 3);
    let missing = Out::Gap(Some((2, 2)), GapCause::Missing);
    let expected = [missing, Out::Message(B, 3), Out::Message(A, 4)];
    assert_eq!(world.take(), expected);
    world.down(B);
    world.trade(A, 7);
    let missing = Out::Gap(Some((5, 6)), GapCause::Missing);
    assert_eq!(world.take(), [missing, Out::Message(A, 7)], "B is down");
    world.down(A);
    world.trade(B, 9);
    let missing = Out::Gap(Some((8, 8)), GapCause::Connection);
    assert_eq!(world.take(), [missing, Out::Message(B, 9)]);
}

#[test]
fn a_line_that_goes_down_holds_up_nobody() {
    let mut world = World::trades();
    for (line, id) in [(A, 1), (B, 1), (A, 3)] {
        world.trade(line, id);
    }
    world.take();
    world.down(B);
    let missing = Out::Gap(Some((2, 2)), GapCause::Missing);
    assert_eq!(world.take(), [missing, Out::Message(A, 3)]);
}

#[test]
fn a_backfill_fills_what_waits_and_what_was_told_and_nothing_twice() {
    let mut world = World::trades();
    for (line, id) in [(A, 1), (B, 1), (A, 4)] {
        world.trade(line, id);
    }
    let backfill = |world: &mut World, id| {
        world.bring(A, Kind::Backfill, numbers(id, id, None));
    };
    world.take();
    backfill(&mut world, 2);
    assert_eq!(world.take(), [Out::Message(A, 2)]);
    world.down(B);
    let missing = Out::Gap(Some((3, 3)), GapCause::Missing);
    assert_eq!(world.take(), [missing, Out::Message(A, 4)]);
    backfill(&mut world, 3);
    backfill(&mut world, 3);
    backfill(&mut world, 2);
    assert_eq!(world.take(), [Out::Message(A, 3), Out::Filled(3, 3)]);
}

#[test]
fn a_gap_of_both_lines_is_told_once_whatever_becomes_of_it() {
    let mut world = World::trades();
    for (line, id) in [(A, 1), (A, 5), (B, 5)] {
        world.trade(line, id);
    }
    world.take();
    let give_up = |world: &mut World, from, to| {
        let out = &mut world.out;
        let missing = Missing { from, to };
        world
            .arbiter
            .unfillable(missing, Unfillable::Gone, &mut |merged| {
                out.push(shown(merged));
            });
    };
    give_up(&mut world, 5, 9);
    assert_eq!(world.take(), [], "that came");
    give_up(&mut world, 2, 4);
    give_up(&mut world, 2, 4);
    assert_eq!(world.take(), [Out::Unfillable(2, 4, Unfillable::Gone)]);
    for (line, id) in [(A, 2), (B, 2), (B, 4), (A, 3), (B, 3), (A, 4)] {
        world.bring(line, Kind::Backfill, numbers(id, id, None));
    }
    let messages = [(A, 2), (B, 4), (A, 3)].map(|(line, id)| Out::Message(line, id));
    assert_eq!(world.out[..3], messages);
    assert_eq!(world.out[3..], [Out::Filled(2, 4)]);
}

#[test]
fn a_backfill_behind_another_hole_waits_for_its_place() {
    let mut world = World::trades();
    for (line, id) in [(A, 1), (B, 1), (A, 3), (A, 6)] {
        world.trade(line, id);
    }
    world.take();
    for id in [4, 5] {
        world.bring(A, Kind::Backfill, numbers(id, id, None));
    }
    assert_eq!(world.take(), [], "2 is missing");
    world.trade(B, 2);
    let expected = [(B, 2), (A, 3), (A, 4), (A, 5), (A, 6)];
    assert_eq!(
        world.take(),
        expected.map(|(line, id)| Out::Message(line, id))
    );
}

#[test]
fn what_was_missed_while_nothing_was_collected_is_told_once() {
    let mut world = World::trades();
    let missing = Missing { from: 3, to: 5 };
    for line in [A, B] {
        let out = &mut world.out;
        world
            .arbiter
            .missed(missing, GapCause::Connection, &mut |merged| {
                out.push(shown(merged));
            });
        world.trade(line, 6);
    }
    let gap = Out::Gap(Some((3, 5)), GapCause::Connection);
    assert_eq!(world.take(), [gap, Out::Message(A, 6)]);
}

#[test]
fn changes_of_a_book_chain_over_both_lines_and_snapshots_come_when_wanted() {
    let mut world = World::new(Market::Okx, Channel::Books);
    let change = |world: &mut World, line, previous, last| {
        world.bring(line, Kind::Live, numbers(last, last, Some(previous)));
    };
    let snapshot = |world: &mut World, line, last| {
        world.bring(line, Kind::Snapshot, numbers(last, last, None));
    };
    snapshot(&mut world, A, 10);
    snapshot(&mut world, B, 9);
    change(&mut world, B, 9, 10);
    change(&mut world, A, 10, 15);
    change(&mut world, B, 10, 15);
    assert_eq!(world.take(), [Out::Message(A, 10), Out::Message(A, 15)]);
    // Line A comes back with a snapshot further on: the changes of line B lead there.
    world.down(A);
    snapshot(&mut world, A, 30);
    assert_eq!(world.take(), []);
    change(&mut world, B, 15, 20);
    change(&mut world, B, 20, 30);
    change(&mut world, A, 30, 31);
    let expected = [(B, 20), (B, 30), (A, 31)].map(|(line, last)| Out::Message(line, last));
    assert_eq!(world.take(), expected);
    // Both miss a change: a gap, and the next snapshot is wanted.
    change(&mut world, A, 33, 34);
    change(&mut world, B, 33, 34);
    let gap = Out::Gap(Some((32, 33)), GapCause::Missing);
    assert_eq!(world.take(), [gap, Out::Message(A, 34)]);
    snapshot(&mut world, B, 34);
    snapshot(&mut world, A, 34);
    assert_eq!(world.take(), [Out::Message(B, 34)]);
}

#[test]
fn a_snapshot_over_rest_comes_once_and_may_be_older_than_the_changes() {
    let mut world = World::new(Market::BinanceSpot, Channel::Depth(Speed::Ms100));
    for (line, first, last) in [(A, 5, 7), (B, 6, 8), (A, 8, 9)] {
        world.bring(line, Kind::Live, numbers(first, last, None));
    }
    world.bring(A, Kind::Snapshot, numbers(6, 6, None));
    world.bring(B, Kind::Snapshot, numbers(20, 20, None));
    world.bring(B, Kind::Live, numbers(9, 12, None));
    let expected = [(A, 7), (B, 8), (A, 9), (A, 6), (B, 12)];
    assert_eq!(
        world.take(),
        expected.map(|(line, last)| Out::Message(line, last))
    );
}

#[test]
fn after_a_reset_the_other_line_is_heard_when_it_has_come_there() {
    let mut world = World::new(Market::Okx, Channel::Books);
    world.bring(A, Kind::Snapshot, numbers(10, 10, None));
    world.bring(B, Kind::Snapshot, numbers(10, 10, None));
    world.bring(A, Kind::Live, numbers(15, 15, Some(10)));
    world.bring(A, Kind::Reset, numbers(3, 3, Some(15)));
    world.bring(B, Kind::Live, numbers(15, 15, Some(10)));
    world.bring(B, Kind::Reset, numbers(3, 3, Some(15)));
    world.bring(B, Kind::Live, numbers(5, 5, Some(3)));
    let expected = [(A, 10), (A, 15), (A, 3), (B, 5)];
    assert_eq!(
        world.take(),
        expected.map(|(line, last)| Out::Message(line, last))
    );
}

#[test]
fn what_waits_when_the_count_begins_anew_comes_out_behind_its_gap() {
    let mut world = World::new(Market::Okx, Channel::Books);
    for line in [A, B] {
        world.bring(line, Kind::Snapshot, numbers(10, 10, None));
    }
    world.bring(A, Kind::Live, numbers(20, 20, Some(15)));
    world.bring(A, Kind::Reset, numbers(3, 3, Some(20)));
    let expected = [
        Out::Message(A, 10),
        Out::Gap(Some((11, 15)), GapCause::Missing),
        Out::Message(A, 20),
        Out::Message(A, 3),
    ];
    assert_eq!(world.take(), expected);
}

#[test]
fn a_line_that_never_comes_to_the_new_count_is_heard_once_it_is_alone() {
    let mut world = World::new(Market::Okx, Channel::BboTbt);
    let top = |world: &mut World, line, kind, last| {
        world.bring(line, kind, numbers(last, last, None));
    };
    top(&mut world, A, Kind::Live, 10);
    top(&mut world, B, Kind::Live, 10);
    top(&mut world, A, Kind::Reset, 3);
    top(&mut world, B, Kind::Live, 11);
    world.take();
    world.down(A);
    top(&mut world, B, Kind::Live, 12);
    assert_eq!(world.take(), [Out::Message(B, 12)]);
}

#[test]
fn a_gap_in_too_many_pieces_is_never_told_to_be_whole() {
    let mut world = World::trades();
    world.trade(A, 1);
    world.trade(A, 400);
    let ids = (3..400).step_by(2).chain((2..400).step_by(2));
    for id in ids {
        world.bring(A, Kind::Backfill, numbers(id, id, None));
    }
    let came = |out: &&Out| matches!(out, Out::Message(..));
    assert!(
        world.out.iter().filter(came).count() < 400,
        "some is forgotten"
    );
    assert!(!world.out.iter().any(|out| matches!(out, Out::Filled(..))));
}

#[test]
fn heavy_messages_wait_in_smaller_numbers() {
    let mut world = World::trades();
    world.trade(A, 1);
    world.trade(B, 1);
    let heavy = HELD_WEIGHT_MAX / 4;
    for id in 3..7 {
        world.weigh(A, Kind::Live, numbers(id, id, None), heavy);
    }
    assert_eq!(world.out.len(), 1, "they wait for 2");
    world.weigh(A, Kind::Live, numbers(7, 7, None), heavy);
    assert_eq!(world.out[1], Out::Gap(Some((2, 2)), GapCause::Missing));
    assert_eq!(world.out.len(), 7);
}

#[test]
fn numbers_that_skip_tell_a_gap_only_if_both_lines_were_down() {
    let mut world = World::new(Market::BinanceSpot, Channel::BookTicker);
    for (line, id) in [(A, 1), (B, 5), (A, 5), (B, 4)] {
        world.trade(line, id);
    }
    world.down(A);
    world.trade(B, 9);
    world.down(B);
    world.trade(A, 20);
    let expected = vec![
        Out::Message(A, 1),
        Out::Message(B, 5),
        Out::Message(B, 9),
        Out::Gap(Some((10, 19)), GapCause::Connection),
        Out::Message(A, 20),
    ];
    assert_eq!(world.take(), expected);
}

#[test]
fn a_hole_that_nobody_fills_holds_up_so_many_messages_and_no_more() {
    let mut world = World::trades();
    world.trade(A, 1);
    world.trade(B, 1);
    (3..).take(HELD_MAX + 1).for_each(|id| world.trade(A, id));
    let gap = Out::Gap(Some((2, 2)), GapCause::Missing);
    assert_eq!(world.out[1], gap);
    assert_eq!(world.out.len(), 2 + HELD_MAX + 1);
    (2..).take(HELD_MAX + 2).for_each(|id| world.trade(B, id));
    assert_eq!(world.out.len(), 2 + HELD_MAX + 1, "it was told as a gap");
}

#[test]
fn channels_without_common_numbers_are_refused_with_the_reason() {
    for channel in Channel::all() {
        for market in Market::ALL
            .into_iter()
            .filter(|market| market.offers(channel))
        {
            let arbiter = Arbiter::<()>::new(market, channel);
            let numbered = Rule::of(market, channel) != Rule::Unnumbered;
            assert_eq!(arbiter.is_ok(), numbered, "{market} {channel}");
        }
    }
    let reason = comparable(Market::Okx, Channel::Tickers).unwrap_err();
    assert!(
        reason
            .to_string()
            .starts_with("the messages of tickers have no numbers")
    );
}

/// A step of a history: line A or line B moves on to its next message and brings it, misses it,
/// or goes down and misses it.
const STEPS: [(Line, Fate); 6] = [
    (A, Fate::Brings),
    (A, Fate::Misses),
    (A, Fate::Down),
    (B, Fate::Brings),
    (B, Fate::Misses),
    (B, Fate::Down),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Fate {
    Brings,
    Misses,
    Down,
}

#[test]
fn in_every_short_history_each_number_comes_once_in_order_or_lies_in_a_gap() {
    const LENGTH: u32 = 7;
    for number in 0..6_usize.pow(LENGTH) {
        let steps = (0..LENGTH).map(|at| STEPS[number / 6_usize.pow(at) % 6]);
        let history: Vec<_> = steps.collect();
        play(&history);
        if history.iter().all(|(_, fate)| *fate != Fate::Down) {
            let both = Line::ALL.map(|line| (line, Fate::Brings));
            let history = [&both, &history[..]].concat();
            whole(&history, &play(&history));
        }
    }
}

/// Plays a history to its end, with one last message that both lines bring.
fn play(history: &[(Line, Fate)]) -> Vec<Out> {
    let mut world = World::trades();
    let mut next = [1, 1];
    for &(line, fate) in history {
        let id = next[line.index()];
        next[line.index()] += 1;
        match fate {
            Fate::Brings => world.trade(line, id),
            Fate::Misses => {}
            Fate::Down => world.down(line),
        }
    }
    let last = next[0].max(next[1]);
    Line::ALL
        .into_iter()
        .for_each(|line| world.trade(line, last));
    let mut reached = None;
    for out in &world.out {
        let (from, to) = match *out {
            Out::Message(_, id) => (id, id),
            Out::Gap(Some((from, to)), _) => (from, to),
            Out::Gap(None, _) | Out::Filled(..) | Out::Unfillable(..) => {
                panic!("{out:?}: {history:?}")
            }
        };
        let follows = reached.is_none_or(|reached| from == reached + 1);
        assert!(follows && from <= to, "{history:?} {:?}", world.out);
        reached = Some(to);
    }
    assert_eq!(reached, Some(last), "{history:?} {:?}", world.out);
    world.out
}

/// Where neither line was ever down, whatever one of them brought came out.
fn whole(history: &[(Line, Fate)], out: &[Out]) {
    for line in Line::ALL {
        let fates = history.iter().filter(|(of, _)| *of == line);
        let brought = fates
            .zip(1..)
            .filter(|((_, fate), _)| *fate == Fate::Brings);
        for (_, id) in brought {
            let is_it = |out: &Out| matches!(out, Out::Message(_, number) if *number == id);
            assert!(out.iter().any(is_it), "{id} {history:?} {out:?}");
        }
    }
}
