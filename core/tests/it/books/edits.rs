//! A change lost, doubled or swapped anywhere is noticed, named and healed, and no book is ever
//! shown that is not the venue's at the number that it names.

use marketprism_core::book::{Break, Limits, Rule, Status, Sync, Verdict};
use marketprism_core::market::Missing;
use proptest::prelude::*;

use super::recorded;
use super::reference::print;
use super::tape::Tape;

/// So many untouched changes at the end suffice to heal.
const REST: usize = 40;

/// What happens to one change on its way.
#[derive(Clone, Copy, Debug)]
enum Edit {
    Lost(usize),
    /// It comes again, so many changes later.
    Doubled(usize, usize),
    /// It changes places with the one behind it.
    Swapped(usize),
}

/// How the one acts who answers when a snapshot is asked for.
#[derive(Clone, Copy, Debug)]
struct Answers {
    /// So many changes after the question.
    delay: usize,
    /// With the book of so many changes before or behind what the stream has come to. What is
    /// asked again is answered with the latest.
    shift: isize,
}

/// What was told of a tape on its way through edits.
#[derive(Debug, Default)]
struct Told {
    /// Place in the tape, and the verdict.
    verdicts: Vec<(usize, Verdict)>,
    /// The change that came next behind each snapshot that was used.
    snapshots: Vec<usize>,
}

fn edited(count: usize, edits: &[Edit]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..count).collect();
    for &edit in edits {
        let place = |index| order.iter().position(|&other| other == index);
        match edit {
            Edit::Lost(index) => order.retain(|&other| other != index),
            Edit::Doubled(index, later) => {
                if let Some(at) = place(index) {
                    let at = (at + 1 + later).min(order.len());
                    order.insert(at, index);
                }
            }
            Edit::Swapped(index) => {
                if let Some(at) = place(index)
                    && at + 1 < order.len()
                {
                    order.swap(at, at + 1);
                }
            }
        }
    }
    order
}

/// Sends the changes in this order and answers what is asked. Whenever a book is shown it has to
/// be the true one.
fn play(tape: &Tape, order: &[usize], answers: Answers) -> (Told, Sync) {
    let mut sync = Sync::new(tape.rule, Limits::DEFAULT);
    let mut told = Told::default();
    let mut due = None;
    let mut reached = 0;
    if tape.rule.brings_snapshot() {
        assert_eq!(sync.apply(&tape.start.as_book()), Verdict::Synchronised);
    }
    for &index in order {
        reached = reached.max(index + 1);
        // A stream that is being subscribed anew is silent.
        if due.is_none() || !tape.rule.brings_snapshot() {
            let verdict = sync.apply(&tape.changes[index].as_book());
            told.verdicts.push((index, verdict));
            check(tape, &sync);
        }
        due = match (sync.needs_snapshot(), due) {
            (false, _) => None,
            (true, None) => Some((answers.delay, answers.shift)),
            (true, Some((0, shift))) => answer(tape, &mut sync, &mut told, reached, shift),
            (true, Some((delay, shift))) => Some((delay - 1, shift)),
        };
    }
    (told, sync)
}

fn answer(
    tape: &Tape,
    sync: &mut Sync,
    told: &mut Told,
    reached: usize,
    shift: isize,
) -> Option<(usize, isize)> {
    let shift = if tape.rule.brings_snapshot() {
        0
    } else {
        shift
    };
    let before = reached.saturating_add_signed(shift).min(tape.changes.len());
    if tape.rule.brings_snapshot() {
        sync.interrupt();
    }
    match sync.apply(&tape.snapshot(before).as_book()) {
        Verdict::Synchronised => {
            told.snapshots.push(before);
            check(tape, sync);
            None
        }
        Verdict::Refused(_) => Some((0, 0)),
        other @ (Verdict::Early
        | Verdict::Applied
        | Verdict::Restarted
        | Verdict::Known
        | Verdict::Broken(_)
        | Verdict::Apart) => panic!("{other:?} for the snapshot before {before}, at {reached}"),
    }
}

fn check(tape: &Tape, sync: &Sync) {
    if let Some(book) = sync.book() {
        assert!(
            tape.is_true(sync.last(), print(book)),
            "a wrong book at {:?}",
            sync.last()
        );
    }
}

impl Told {
    fn has_named(&self, (from, to): (i64, i64)) -> bool {
        let missing = Some(Missing { from, to });
        let broken = |verdict: &Verdict| matches!(verdict, Verdict::Broken(Break { missing: found, .. }) if *found == missing);
        self.verdicts.iter().any(|(_, verdict)| broken(verdict))
    }

    /// How the last of its copies was judged.
    fn of_the_copy(&self, index: usize) -> Option<Verdict> {
        let copies = self.verdicts.iter().filter(|(other, _)| *other == index);
        copies.skip(1).map(|&(_, verdict)| verdict).last()
    }
}

/// One edit: it is noticed, the numbers are named, and the book is right again at the end.
fn one_edit(tape: &Tape, edit: Edit, answers: Answers) {
    let (told, sync) = play(tape, &edited(tape.changes.len(), &[edit]), answers);
    let end = tape.number(tape.changes.len());
    assert_eq!(
        (sync.status(), sync.last()),
        (Status::Synchronised, end),
        "{edit:?} {answers:?}"
    );
    match edit {
        // Nobody can miss the change before the first.
        Edit::Lost(0) | Edit::Swapped(0) => {}
        Edit::Lost(index) | Edit::Swapped(index) => {
            let noticed = tape.range(index).is_none_or(|range| told.has_named(range));
            // The snapshot was ahead of the stream and has it already.
            let covered = told.snapshots.first().is_some_and(|&next| next > index);
            assert!(noticed || covered, "{edit:?} {answers:?}: {told:?}");
        }
        Edit::Doubled(index, later) => {
            let verdict = told.of_the_copy(index);
            let heartbeat = tape.range(index).is_none();
            let noticed = match tape.rule {
                Rule::Spot | Rule::Futures => verdict == Some(Verdict::Known),
                Rule::Okx if later == 0 => verdict == Some(Verdict::Known) || heartbeat,
                Rule::Okx => {
                    matches!(verdict, Some(Verdict::Known | Verdict::Broken(_))) || heartbeat
                }
            };
            assert!(noticed, "{edit:?} {answers:?}: {verdict:?}");
        }
    }
}

#[test]
fn one_change_lost_doubled_or_swapped_at_any_place_is_noticed_named_and_healed() {
    for (rule, seed) in [(Rule::Spot, 11), (Rule::Futures, 12), (Rule::Okx, 13)] {
        let tape = Tape::from_seed(rule, seed, 20 + REST);
        for delay in [0, 1, 5] {
            for shift in [-3, -1, 0, 2] {
                let answers = Answers { delay, shift };
                for index in 0..20 {
                    one_edit(&tape, Edit::Lost(index), answers);
                    one_edit(&tape, Edit::Swapped(index), answers);
                    for later in 0..4 {
                        one_edit(&tape, Edit::Doubled(index, later), answers);
                    }
                }
            }
        }
    }
}

#[test]
fn a_change_lost_from_a_recording_is_noticed_named_and_healed() {
    for (name, tape) in recorded::tapes() {
        // The places lie apart by a prime, so that they fall on changes of all kinds.
        let places = (0..tape.changes.len().saturating_sub(REST)).step_by(97);
        let mut edits = 0;
        for from in places {
            let part = tape.part(from, 30 + REST);
            let index = 1 + from % 25;
            if index + REST > part.changes.len() {
                continue;
            }
            let answers = Answers {
                delay: from % 4,
                shift: (from % 5) as isize - 2,
            };
            one_edit(&part, Edit::Lost(index), answers);
            one_edit(&part, Edit::Doubled(index, from % 3), answers);
            one_edit(&part, Edit::Swapped(index), answers);
            edits += 3;
        }
        println!("{name}: {edits} edits");
    }
}

fn edits(within: usize) -> impl Strategy<Value = Vec<Edit>> {
    let edit = prop_oneof![
        (0..within).prop_map(Edit::Lost),
        (0..within, 0_usize..20).prop_map(|(index, later)| Edit::Doubled(index, later)),
        (0..within).prop_map(Edit::Swapped),
    ];
    proptest::collection::vec(edit, 0..12)
}

fn answers() -> impl Strategy<Value = Answers> {
    (0_usize..10, -8_isize..8).prop_map(|(delay, shift)| Answers { delay, shift })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_the_changes_no_wrong_book_is_shown_and_all_heals(
        seed: u64, edits in edits(120), answers in answers()
    ) {
        for rule in [Rule::Spot, Rule::Futures, Rule::Okx] {
            let tape = Tape::from_seed(rule, seed, 120 + REST);
            let (_, sync) = play(&tape, &edited(tape.changes.len(), &edits), answers);
            prop_assert_eq!(sync.status(), Status::Synchronised);
            prop_assert_eq!(sync.last(), tape.number(tape.changes.len()));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_happens_to_a_recording_no_wrong_book_is_shown_and_all_heals(
        from: prop::sample::Index, edits in edits(120), answers in answers()
    ) {
        for (name, tape) in recorded::tapes() {
            let part = tape.part(from.index(tape.changes.len().saturating_sub(120 + REST).max(1)), 120 + REST);
            let (_, sync) = play(&part, &edited(part.changes.len(), &edits), answers);
            prop_assert_eq!(sync.status(), Status::Synchronised, "{}", name);
            prop_assert_eq!(sync.last(), part.number(part.changes.len()), "{}", name);
        }
    }
}
