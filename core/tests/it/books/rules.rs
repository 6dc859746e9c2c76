//! Each rule as a table of cases, and what follows from every order of a few messages.

use std::collections::BTreeSet;

use marketprism_core::book::{Break, Cause, Limits, Refusal, Rule, Status, Sync, Verdict};
use marketprism_core::market::{Channel, Market, Missing, Side};

use super::messages::Message;

const LIMITS: Limits = Limits {
    levels: 4,
    held_changes: 4,
    held_levels: 8,
};

fn broken(cause: Cause, missing: Option<(i64, i64)>) -> Verdict {
    let missing = missing.map(|(from, to)| Missing { from, to });
    Verdict::Broken(Break { missing, cause })
}

fn gap(from: i64, to: i64) -> Verdict {
    broken(Cause::Gap, Some((from, to)))
}

/// Applies the messages in turn and compares each verdict, and the number at the end.
fn check(rule: Rule, steps: &[(Message, Verdict)], last: Option<i64>) {
    let mut sync = Sync::new(rule, LIMITS);
    for (number, (message, expected)) in steps.iter().enumerate() {
        let verdict = sync.apply(&message.as_book());
        assert_eq!(verdict, *expected, "{rule:?}, step {number}: {message:?}");
    }
    assert_eq!(sync.last(), last, "{rule:?}: {steps:?}");
    assert_eq!(sync.book().is_some(), last.is_some());
}

fn change(first: i64, last: i64) -> Message {
    Message::change(first, last, -7)
}

use Verdict::{Applied, Early, Known, Refused, Restarted, Synchronised};

#[test]
fn a_spot_snapshot_is_continued_by_the_change_that_reaches_back_to_it() {
    // The snapshot is 100. The change held, and what becomes of it.
    let cases = [
        ((90, 99), Synchronised, 100),
        ((90, 100), Synchronised, 100),
        ((90, 101), Synchronised, 101),
        ((100, 100), Synchronised, 100),
        ((100, 105), Synchronised, 105),
        // Valid since the correction of 2025-11, and refused by many clients.
        ((101, 105), Synchronised, 105),
    ];
    for ((first, last), verdict, at) in cases {
        let steps = [
            (change(first, last), Early),
            (Message::snapshot(100), verdict),
        ];
        check(Rule::Spot, &steps, Some(at));
        let late = [
            (Message::snapshot(100), Synchronised),
            (
                change(first, last),
                if last > 100 { Applied } else { Known },
            ),
        ];
        check(Rule::Spot, &late, Some(at));
    }
    let old = Refused(Refusal::OlderThanChanges);
    let steps = [
        (change(102, 105), Early),
        (Message::snapshot(100), old),
        (Message::snapshot(101), Synchronised),
    ];
    check(Rule::Spot, &steps, Some(105));
    check(
        Rule::Spot,
        &[
            (Message::snapshot(100), Synchronised),
            (change(102, 105), gap(101, 101)),
        ],
        None,
    );
}

#[test]
fn a_spot_change_is_followed_by_the_next_number() {
    let begun = [
        (Message::snapshot(100), Synchronised),
        (change(101, 110), Applied),
    ];
    for ((first, last), verdict, at) in [
        ((111, 120), Applied, Some(120)),
        ((105, 120), Applied, Some(120)),
        ((101, 110), Known, Some(110)),
        ((95, 100), Known, Some(110)),
        ((112, 120), gap(111, 111), None),
        ((150, 160), gap(111, 149), None),
    ] {
        let mut steps = begun.to_vec();
        steps.push((change(first, last), verdict));
        check(Rule::Spot, &steps, at);
    }
}

#[test]
fn a_futures_snapshot_is_continued_by_the_change_that_spans_it() {
    // The snapshot is 100: `U`, `u`, `pu` of the change held.
    for ((first, last, previous), at) in [
        ((80, 99, 75), 100),
        ((80, 100, 75), 100),
        ((80, 120, 75), 120),
        ((100, 120, 98), 120),
        // The numbers between `pu` and `U` are those of other instruments.
        ((105, 120, 98), 120),
        ((105, 120, 100), 120),
    ] {
        let message = Message::change(first, last, previous);
        check(
            Rule::Futures,
            &[
                (message.clone(), Early),
                (Message::snapshot(100), Synchronised),
            ],
            Some(at),
        );
        let verdict = if last >= 100 { Applied } else { Known };
        check(
            Rule::Futures,
            &[(Message::snapshot(100), Synchronised), (message, verdict)],
            Some(at),
        );
    }
    let message = Message::change(105, 120, 103);
    let old = Refused(Refusal::OlderThanChanges);
    check(
        Rule::Futures,
        &[(message.clone(), Early), (Message::snapshot(100), old)],
        None,
    );
    check(
        Rule::Futures,
        &[
            (Message::snapshot(100), Synchronised),
            (message, gap(101, 103)),
        ],
        None,
    );
}

#[test]
fn a_futures_change_names_the_one_before_it() {
    let begun = [
        (Message::snapshot(100), Synchronised),
        (Message::change(99, 110, 95), Applied),
    ];
    for ((first, last, previous), verdict, at) in [
        ((111, 120, 110), Applied, Some(120)),
        ((140, 150, 110), Applied, Some(150)),
        ((99, 110, 95), Known, Some(110)),
        ((80, 95, 70), Known, Some(110)),
        ((111, 120, 111), gap(111, 111), None),
        ((140, 150, 139), gap(111, 139), None),
        ((105, 120, 104), broken(Cause::Gap, None), None),
        ((1, 9, 110), broken(Cause::Gap, None), None),
    ] {
        let mut steps = begun.to_vec();
        steps.push((Message::change(first, last, previous), verdict));
        check(Rule::Futures, &steps, at);
    }
}

#[test]
fn okx_counts_as_its_documentation_shows() {
    let update = |previous, last| Message::change(last, last, previous);
    let documented = [
        (Message::snapshot(10), Synchronised),
        (update(10, 15), Applied),
        (update(15, 15), Applied),
        (update(15, 3), Restarted),
        (update(3, 5), Applied),
    ];
    check(Rule::Okx, &documented, Some(5));
    for (message, verdict, at) in [
        (update(3, 5), Known, Some(5)),
        (update(5, 5), Applied, Some(5)),
        (update(7, 9), gap(6, 7), None),
        (update(15, 3), gap(6, 15), None),
        (update(2, 4), broken(Cause::Gap, None), None),
        (Message::snapshot(4), Synchronised, Some(4)),
    ] {
        let mut steps = documented.to_vec();
        steps.push((message, verdict));
        check(Rule::Okx, &steps, at);
    }
    // Nothing is held: the snapshot is the first thing that counts.
    check(
        Rule::Okx,
        &[(update(3, 9), Early), (Message::snapshot(12), Synchronised)],
        Some(12),
    );
}

#[test]
fn a_snapshot_not_younger_than_the_book_is_refused() {
    for rule in [Rule::Spot, Rule::Futures] {
        let steps = [
            (Message::snapshot(100), Synchronised),
            (Message::change(100, 110, 99), Applied),
            (Message::snapshot(105), Refused(Refusal::OlderThanBook)),
            (Message::snapshot(110), Refused(Refusal::OlderThanBook)),
            (Message::change(111, 112, 110), Applied),
            (Message::snapshot(120), Synchronised),
        ];
        check(rule, &steps, Some(120));
    }
}

#[test]
fn the_change_that_breaks_a_book_is_the_first_of_the_next() {
    for rule in [Rule::Spot, Rule::Futures] {
        let steps = [
            (Message::snapshot(100), Synchronised),
            (Message::change(100, 110, 99), Applied),
            (Message::change(121, 130, 120), gap(111, 120)),
            (Message::change(131, 140, 130), Early),
            (Message::change(151, 160, 150), gap(141, 150)),
            (Message::snapshot(145), Refused(Refusal::OlderThanChanges)),
            (Message::snapshot(155), Synchronised),
        ];
        check(rule, &steps, Some(160));
    }
}

#[test]
fn a_snapshot_is_asked_for_once_changes_come() {
    for rule in [Rule::Spot, Rule::Futures, Rule::Okx] {
        let mut sync = Sync::new(rule, LIMITS);
        assert!(!sync.needs_snapshot());
        assert_eq!(sync.apply(&change(1, 2).as_book()), Early);
        assert!(sync.needs_snapshot());
        assert_eq!(sync.apply(&Message::snapshot(2).as_book()), Synchronised);
        assert!(!sync.needs_snapshot());
        assert!(sync.interrupt());
        assert!(!sync.interrupt() && !sync.needs_snapshot());
    }
}

#[test]
fn what_waits_is_bounded_and_a_snapshot_that_needs_more_is_refused() {
    let mut sync = Sync::new(Rule::Spot, LIMITS);
    for id in 1..=6 {
        assert_eq!(sync.apply(&change(id, id).as_book()), Early);
    }
    let old = sync.apply(&Message::snapshot(1).as_book());
    assert_eq!(old, Refused(Refusal::OlderThanChanges));
    assert_eq!(sync.apply(&Message::snapshot(2).as_book()), Synchronised);
    assert_eq!(sync.last(), Some(6));

    // One that has more levels than may be held leaves nothing that could be used without it.
    let nine = [("1", "1"); 9];
    let mut sync = Sync::new(Rule::Spot, LIMITS);
    assert_eq!(sync.apply(&change(1, 1).as_book()), Early);
    assert_eq!(sync.apply(&change(2, 2).with(&nine, &[]).as_book()), Early);
    assert_eq!(sync.apply(&change(3, 3).as_book()), Early);
    let old = sync.apply(&Message::snapshot(1).as_book());
    assert_eq!(old, Refused(Refusal::OlderThanChanges));
    assert_eq!(sync.apply(&Message::snapshot(2).as_book()), Synchronised);
}

#[test]
fn a_book_with_more_levels_than_are_kept_is_broken() {
    let four = [("4", "1"), ("3", "1"), ("2", "1"), ("1", "1")];
    let five = [("5", "1"), ("4", "1"), ("3", "1"), ("2", "1"), ("1", "1")];
    let steps = [
        (
            Message::snapshot(100).with(&five, &[]),
            broken(Cause::Levels, None),
        ),
        (Message::snapshot(100).with(&four, &[]), Synchronised),
        (
            change(101, 101).with(&[("9", "1"), ("4", "0")], &[]),
            broken(Cause::Levels, None),
        ),
    ];
    check(Rule::Spot, &steps, None);
}

#[test]
fn a_book_that_crosses_is_broken_unless_its_snapshot_was_crossed() {
    let snapshot = Message::snapshot(100).with(&[("9", "1")], &[("10", "1")]);
    let crossing = Message::change(101, 101, 100).with(&[("10", "1")], &[]);
    for rule in [Rule::Spot, Rule::Futures] {
        let steps = [
            (snapshot.clone(), Synchronised),
            (crossing.clone(), broken(Cause::Crossed, None)),
        ];
        check(rule, &steps, None);
        let crossed = Message::snapshot(100).with(&[("11", "1")], &[("10", "1")]);
        let mut sync = Sync::new(rule, LIMITS);
        assert_eq!(sync.apply(&crossed.as_book()), Synchronised);
        assert_eq!(sync.apply(&crossing.as_book()), Applied);
        assert_eq!(sync.status(), Status::Crossed);
    }
}

#[test]
fn a_crossed_book_of_okx_is_told_and_kept() {
    let mut sync = Sync::new(Rule::Okx, LIMITS);
    let snapshot = Message::snapshot(100).with(&[("9", "1")], &[("10", "1")]);
    let crossing = Message::change(101, 101, 100).with(&[("10", "1")], &[]);
    let opening = Message::change(102, 102, 101).with(&[("10", "0")], &[]);
    let statuses = [snapshot, crossing, opening].map(|message| {
        assert!(matches!(
            sync.apply(&message.as_book()),
            Synchronised | Applied
        ));
        sync.status()
    });
    assert_eq!(
        statuses,
        [Status::Synchronised, Status::Crossed, Status::Synchronised]
    );
}

#[test]
fn a_checksum_is_held_against_the_book_unless_it_is_zero() {
    let with = |mut message: Message, checksum| {
        message.checksum = Some(checksum);
        message
    };
    let rows = ([("9.50", "1")], [("10", "2.0")]);
    let right = {
        let mut book = marketprism_core::book::Book::new(4);
        book.apply(&Message::snapshot(1).with(&rows.0, &rows.1).as_book())
            .unwrap();
        book.checksum()
    };
    let snapshot = Message::snapshot(100).with(&rows.0, &rows.1);
    let update = Message::change(101, 101, 100);
    let wrong = broken(Cause::Checksum, None);
    for (checksum, loaded, applied, at) in [
        (right, Synchronised, Applied, Some(101)),
        (0, Synchronised, Applied, Some(101)),
        (right ^ 1, wrong, Early, None),
    ] {
        let steps = [
            (with(snapshot.clone(), checksum), loaded),
            (with(update.clone(), checksum), applied),
        ];
        check(Rule::Okx, &steps, at);
    }
    check(
        Rule::Okx,
        &[(snapshot, Synchronised), (with(update, right ^ 1), wrong)],
        None,
    );
}

#[test]
fn without_numbers_the_checksum_is_the_proof_and_without_both_there_is_none() {
    let bare = |mut message: Message, checksum| {
        (message.first, message.last, message.previous) = (None, None, None);
        message.checksum = checksum;
        message
    };
    let empty = 0;
    let level = [("9", "1")];
    let mut book = marketprism_core::book::Book::new(4);
    book.apply(&Message::snapshot(1).with(&level, &[]).as_book())
        .unwrap();
    let sum = Some(book.checksum());
    let mut sync = Sync::new(Rule::Okx, LIMITS);
    assert_eq!(
        sync.apply(&bare(Message::snapshot(1), Some(empty)).as_book()),
        Synchronised
    );
    let update = bare(Message::change(1, 1, 1).with(&level, &[]), sum);
    assert_eq!(sync.apply(&update.as_book()), Applied);
    let update = bare(update, Some(empty));
    assert_eq!(
        sync.apply(&update.as_book()),
        broken(Cause::Unnumbered, None)
    );

    for rule in [Rule::Spot, Rule::Futures] {
        let mut sync = Sync::new(rule, LIMITS);
        assert_eq!(
            sync.apply(&update.as_book()),
            broken(Cause::Unnumbered, None)
        );
        let snapshot = bare(Message::snapshot(1), None);
        assert_eq!(
            sync.apply(&snapshot.as_book()),
            Refused(Refusal::Unnumbered)
        );
    }
}

#[test]
fn a_venue_that_counts_anew_is_noticed() {
    for rule in [Rule::Spot, Rule::Futures] {
        let begun = [Message::snapshot(1000), Message::change(1000, 1010, 999)];
        let held = [Message::change(1000, 1010, 999)];
        for first in [begun.as_slice(), held.as_slice()] {
            let mut sync = Sync::new(rule, LIMITS);
            for message in first {
                assert!(matches!(
                    sync.apply(&message.as_book()),
                    Early | Applied | Synchronised
                ));
            }
            let verdicts: Vec<_> = (1..=33)
                .map(|id| sync.apply(&Message::change(id, id, id - 1).as_book()))
                .collect();
            assert_eq!(
                verdicts.iter().filter(|&&verdict| verdict == Known).count(),
                32
            );
            assert_eq!(verdicts.last(), Some(&broken(Cause::Restart, None)));
            assert_eq!(sync.apply(&Message::snapshot(33).as_book()), Synchronised);
        }
    }
}

#[test]
fn best_levels_that_are_whole_each_time_are_no_part_of_a_book() {
    let mut top = Message::snapshot(1);
    top.kind = marketprism_core::market::BookKind::Top(5);
    check(Rule::Spot, &[(top, Verdict::Apart)], None);
}

#[test]
fn changes_of_the_book_have_a_rule_and_nothing_else_has() {
    let stems = |market, rule| {
        let ruled = Channel::all().filter(|&channel| Rule::of(market, channel) == Some(rule));
        // A channel at each of its speeds counts once.
        ruled.map(Channel::stem).collect::<BTreeSet<_>>()
    };
    for market in Market::ALL {
        let expected = match market {
            Market::BinanceSpot => (Rule::Spot, BTreeSet::from(["depth"])),
            Market::BinanceUsdm | Market::BinanceCoinm => {
                (Rule::Futures, BTreeSet::from(["depth", "rpiDepth"]))
            }
            Market::Okx => (
                Rule::Okx,
                BTreeSet::from(["books", "books50-l2-tbt", "books-l2-tbt"]),
            ),
        };
        for rule in [Rule::Spot, Rule::Futures, Rule::Okx] {
            let stems = stems(market, rule);
            let expected = (rule == expected.0).then_some(&expected.1);
            assert_eq!(&stems, expected.unwrap_or(&BTreeSet::new()), "{market}");
        }
    }
}

/// Every sequence of six messages out of eight, for each rule: whatever comes, a book that is
/// shown was reached by numbers without a hole.
#[test]
fn no_sequence_of_messages_leads_to_a_book_with_a_hole() {
    // Each change leaves one bid of its own number; the book is right if it holds them all.
    let price = |id: i64| id.to_string();
    let marked = |mut message: Message, ids: std::ops::RangeInclusive<i64>| {
        let rows: Vec<_> = ids.map(price).collect();
        let rows: Vec<_> = rows.iter().map(|row| (row.as_str(), "1")).collect();
        message = message.with(&rows, &[]);
        message
    };
    let mut alphabet: Vec<Message> = (1..=5)
        .map(|id| marked(Message::change(id, id, id - 1), id..=id))
        .collect();
    alphabet.extend([1, 2, 4].map(|id| marked(Message::snapshot(id), 1..=id)));
    let limits = Limits {
        levels: 100,
        held_changes: 100,
        held_levels: 100,
    };
    for rule in [Rule::Spot, Rule::Futures, Rule::Okx] {
        let mut shown = 0;
        for code in 0..alphabet.len().pow(6) {
            let mut sync = Sync::new(rule, limits);
            let mut code = code;
            for _ in 0..6 {
                let message = &alphabet[code % alphabet.len()];
                code /= alphabet.len();
                let verdict = sync.apply(&message.as_book());
                assert_eq!(
                    matches!(verdict, Verdict::Broken(_)),
                    sync.book().is_none() && !matches!(verdict, Early | Known | Refused(_))
                );
                if let (Some(book), Some(last)) = (sync.book(), sync.last()) {
                    shown += 1;
                    assert_eq!(book.depth(Side::Buy) as i64, last, "{rule:?}");
                }
            }
        }
        assert!(shown > 100_000, "{shown}");
    }
}
