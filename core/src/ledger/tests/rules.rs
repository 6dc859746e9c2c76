//! Tables: what each kind of stream makes of its numbers, and the limits.

use alloc::vec::Vec;

use super::{Book, NOON, SECOND, number};
use crate::ledger::gaps::MAX_GAPS;
use crate::ledger::runs::MAX_RUNS;
use crate::ledger::{Cause, DayReport, Ledger, Note, Run, Standing, Verdict};
use crate::market::{BookKind, Channel, Market, Speed};
use crate::session::{Disorder, GapCause, Missing, Numbers};
use crate::time::UnixNanos;

const DAY: u64 = 86_400 * SECOND;

fn runs(day: &DayReport<'_>) -> Vec<(i64, i64)> {
    day.runs.iter().map(|run| (run.first, run.last)).collect()
}

/// The first and the last number of a gap, its cause, and how many are missing still.
type Told = (Option<(i64, i64)>, &'static str, u64);

fn gaps(day: &DayReport<'_>) -> Vec<Told> {
    let gaps = day.gaps.iter().map(|gap| {
        let missing = gap.missing.map(|missing| (missing.from, missing.to));
        (missing, gap.cause.name(), gap.left)
    });
    gaps.collect()
}

fn snapshot(last: i64) -> Option<Numbers> {
    Some(Numbers::of_book(BookKind::Snapshot, None, last, Some(-1)))
}

fn change(previous: i64, last: i64) -> Option<Numbers> {
    Some(Numbers::of_book(
        BookKind::Delta,
        None,
        last,
        Some(previous),
    ))
}

#[test]
fn changes_of_a_book_are_a_chain_from_snapshot_to_snapshot() {
    let mut book = Book::of(Market::Okx, Channel::Books);
    let chain = [
        snapshot(100),
        change(100, 104),
        change(104, 104),
        change(104, 110),
    ];
    chain
        .into_iter()
        .for_each(|numbers| book.data(numbers, Standing::InOrder));
    assert_eq!(runs(&book.day()), [(100, 110)]);
    assert_eq!(book.day().verdict, Verdict::Whole);
    // A hole, which the session mends by a new snapshot.
    book.gap(Some((111, 130)), GapCause::Missing);
    book.data(change(130, 131), Standing::InOrder);
    book.gap(Some((132, 139)), GapCause::Resubscription);
    book.data(snapshot(140), Standing::InOrder);
    let day = book.day();
    assert_eq!(runs(&day), [(100, 110), (131, 131), (140, 140)]);
    let told = [
        (Some((111, 130)), "missing", 20),
        (Some((132, 139)), "resubscription", 8),
    ];
    assert_eq!(gaps(&day), told);
    assert_eq!(day.verdict, Verdict::Gaps);
    // One that nobody tells of.
    book.data(change(150, 151), Standing::InOrder);
    let day = book.day();
    assert_eq!(gaps(&day)[2], (Some((141, 150)), "unexplained", 10));
    assert_eq!(day.verdict, Verdict::Unexplained);
}

#[test]
fn a_count_that_begins_anew_leaves_the_gaps_of_the_old_one_as_they_are() {
    let mut book = Book::of(Market::Okx, Channel::Books);
    book.data(snapshot(100), Standing::InOrder);
    book.gap(Some((101, 104)), GapCause::Missing);
    book.data(change(104, 105), Standing::InOrder);
    book.data(change(105, 3), Standing::OutOfOrder(Disorder::Reset));
    book.data(change(3, 200), Standing::InOrder);
    let day = book.day();
    assert_eq!(runs(&day), [(100, 100), (105, 105), (3, 200)]);
    assert_eq!(gaps(&day), [(Some((101, 104)), "missing", 4)]);
    assert_eq!((day.counts.resets, day.counts.messages), (1, 4));
}

#[test]
fn what_was_lost_before_a_count_began_anew_is_a_gap_without_numbers() {
    let mut book = Book::of(Market::Okx, Channel::Books);
    book.data(snapshot(100), Standing::InOrder);
    book.overflow();
    book.data(change(105, 3), Standing::OutOfOrder(Disorder::Reset));
    book.data(change(3, 200), Standing::InOrder);
    let day = book.day();
    assert_eq!(gaps(&day), [(None, "overflow", 0)]);
    assert_eq!(day.verdict, Verdict::Gaps);
}

#[test]
fn a_stream_that_skips_numbers_misses_only_what_it_is_told_to_miss() {
    let mut book = Book::of(Market::BinanceSpot, Channel::BookTicker);
    let top = |last| Some(Numbers::of_book(BookKind::Top(1), None, last, None));
    for last in [10, 17, 30] {
        book.data(top(last), Standing::InOrder);
    }
    assert_eq!(runs(&book.day()), [(10, 30)]);
    book.gap(Some((31, 39)), GapCause::Connection);
    book.data(top(40), Standing::InOrder);
    book.overflow();
    book.data(top(50), Standing::InOrder);
    book.data(top(45), Standing::OutOfOrder(Disorder::Stale));
    let day = book.day();
    assert_eq!(runs(&day), [(10, 30), (40, 40), (50, 50)]);
    let told = [
        (Some((31, 39)), "connection", 9),
        (Some((41, 49)), "overflow", 9),
    ];
    assert_eq!(gaps(&day), told);
    assert_eq!((day.counts.late, day.counts.messages), (1, 6));
}

#[test]
fn without_numbers_every_doubt_is_a_gap() {
    let mut book = Book::of(Market::Okx, Channel::Tickers);
    book.data(None, Standing::InOrder);
    book.gap(None, GapCause::Connection);
    book.data(None, Standing::InOrder);
    book.overflow();
    book.data(None, Standing::InOrder);
    let day = book.day();
    assert_eq!(gaps(&day), [(None, "connection", 0), (None, "overflow", 0)]);
    assert!(day.gaps.iter().all(|gap| gap.is_open()));
    assert_eq!((day.verdict, day.counts.messages), (Verdict::Gaps, 3));
    assert!(day.runs.is_empty());
}

#[test]
fn where_numbers_are_consecutive_they_settle_every_doubt() {
    let mut book = Book::of(Market::BinanceSpot, Channel::Trade);
    book.trade(7);
    book.overflow();
    book.trade(8);
    book.gap(None, GapCause::Connection);
    book.trade(9);
    assert_eq!(book.day().verdict, Verdict::Whole);
    book.gap(None, GapCause::Connection);
    book.trade(12);
    assert_eq!(gaps(&book.day()), [(Some((10, 11)), "connection", 2)]);
}

#[test]
fn a_gap_that_nobody_tells_of_lies_between_the_messages_around_it() {
    let mut book = Book::of(Market::BinanceSpot, Channel::Trade);
    book.trade(7);
    book.now += 3 * SECOND;
    book.trade(9);
    let day = book.day();
    let (since, until) = (day.gaps[0].since.as_nanos(), day.gaps[0].until.as_nanos());
    assert_eq!((since, until), (NOON, NOON + 3 * SECOND));
}

#[test]
fn a_row_of_okx_stands_for_its_fills_and_a_change_of_spot_for_its_updates() {
    let mut book = Book::of(Market::Okx, Channel::Trades);
    let row = |id, first| Some(Numbers::of_trade(Channel::Trades, id, Some(first)));
    book.data(row(5, 3), Standing::InOrder);
    book.data(row(9, 7), Standing::InOrder);
    assert_eq!(runs(&book.day()), [(3, 5), (7, 9)]);
    assert_eq!(gaps(&book.day()), [(Some((6, 6)), "unexplained", 1)]);
    let mut book = Book::of(Market::BinanceSpot, Channel::Depth(Speed::Ms100));
    let update = |first, last| Some(Numbers::of_book(BookKind::Delta, Some(first), last, None));
    book.data(update(3, 5), Standing::InOrder);
    book.data(update(5, 9), Standing::OutOfOrder(Disorder::Overlap));
    book.data(update(10, 12), Standing::InOrder);
    let day = book.day();
    assert_eq!(
        (runs(&day), day.verdict),
        ([(3, 12)].into(), Verdict::Whole)
    );
    assert_eq!((day.counts.overlaps, day.counts.messages), (1, 3));
}

#[test]
fn what_was_backfilled_is_missing_no_more() {
    let mut book = Book::of(Market::BinanceUsdm, Channel::AggTrade);
    book.trade(10);
    book.gap(Some((11, 15)), GapCause::Connection);
    book.trade(16);
    for id in [11, 12, 15] {
        book.data(number(id), Standing::Backfilled);
    }
    let day = book.day();
    assert_eq!((day.verdict, day.gaps[0].left), (Verdict::Gaps, 2));
    for id in [13, 14, 14] {
        book.data(number(id), Standing::Backfilled);
    }
    let day = book.day();
    assert_eq!((day.verdict, day.gaps[0].left), (Verdict::Filled, 0));
    assert_eq!((day.counts.backfilled, day.counts.duplicates), (5, 1));
    let backfilled = Run {
        first: 11,
        last: 15,
    };
    assert_eq!(day.backfilled, [backfilled]);
    assert_eq!(runs(&day), [(10, 10), (16, 16)]);
}

#[test]
fn numbers_that_the_venue_used_up_for_nothing_are_not_missing() {
    let mut book = Book::of(Market::BinanceUsdm, Channel::Trade);
    book.trade(10);
    book.gap(Some((11, 11)), GapCause::Spent);
    book.trade(12);
    book.gap(Some((14, 14)), GapCause::Spent);
    book.trade(15);
    let day = book.day();
    assert_eq!(gaps(&day), [(Some((13, 13)), "unexplained", 1)]);
    assert_eq!((day.counts.messages, day.counts.never_given), (3, 2));
    assert_eq!(runs(&day), [(10, 10), (12, 12), (15, 15)]);
}

#[test]
fn a_gap_over_midnight_stands_on_both_days_and_on_those_between() {
    let mut book = Book::of(Market::BinanceSpot, Channel::Trade);
    book.trade(1);
    book.now += 2 * DAY;
    let stream = book.stream;
    book.note(Note::Gap {
        stream,
        missing: Some(Missing { from: 2, to: 4 }),
        cause: GapCause::Connection,
        since: UnixNanos::from_nanos(NOON),
    });
    book.trade(5);
    let days = book.days();
    let told: Vec<_> = days
        .iter()
        .map(|day| (day.heard.is_some(), day.gaps.len(), day.verdict))
        .collect();
    let (heard, silent) = ((true, 1, Verdict::Gaps), (false, 1, Verdict::Gaps));
    assert_eq!(told, [heard, silent, heard]);
    assert_eq!(
        (runs(&days[0]), runs(&days[2])),
        ([(1, 1)].into(), [(5, 5)].into())
    );
    // What comes late fills it on every day.
    for id in 2..=4 {
        book.out_of_order(id, Disorder::Stale);
    }
    let verdicts: Vec<_> = book.days().iter().map(|day| day.verdict).collect();
    assert_eq!(verdicts, [Verdict::Filled; 3]);
}

#[test]
fn an_overflow_concerns_the_streams_of_its_session_alone() {
    let mut ledger = Ledger::new();
    let names = ["A", "B"];
    let streams = names.map(|name| {
        ledger
            .stream(Market::BinanceSpot, Channel::Trade, name)
            .unwrap()
    });
    let at = UnixNanos::from_nanos(NOON);
    let trade = |ledger: &mut Ledger, session: usize, id| {
        let note = Note::Data {
            stream: streams[session],
            numbers: number(id),
            standing: Standing::InOrder,
        };
        ledger.note(u32::try_from(session).unwrap(), at, note);
    };
    (0..2).for_each(|session| trade(&mut ledger, session, 1));
    ledger.note(1, at, Note::Overflow { since: at });
    (0..2).for_each(|session| trade(&mut ledger, session, 3));
    let causes = ledger
        .reports()
        .map(|report| report.days()[0].gaps[0].cause);
    let causes: Vec<_> = causes.collect();
    assert_eq!(causes, [Cause::Untold, Cause::Overflow]);
}

#[test]
fn gaps_and_runs_beyond_the_limit_are_told_as_one_and_that_is_said() {
    let mut book = Book::of(Market::BinanceSpot, Channel::Trade);
    let more = i64::try_from(MAX_GAPS).unwrap() + 3;
    for n in 0..=more {
        book.trade(2 * n);
    }
    let day = book.day();
    assert_eq!(day.gaps.len(), MAX_GAPS);
    let last = day.gaps[MAX_GAPS - 1];
    assert_eq!((last.merged, last.left), (3, 4));
    let missing = last.missing.unwrap();
    assert_eq!((missing.from, missing.to), (2 * more - 7, 2 * more - 1));
    assert_eq!(day.runs.len(), MAX_RUNS);
    assert_eq!(day.joined, day.counts.messages - MAX_RUNS as u64);
    // What comes late still fills the gap that it is part of.
    book.out_of_order(2 * more - 3, Disorder::Stale);
    assert_eq!(book.day().gaps[MAX_GAPS - 1].left, 3);
}
