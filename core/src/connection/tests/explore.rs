//! The laws, tried everywhere: the abstracted states to their fixpoint, all short sequences from
//! every phase, and long random ones.

use alloc::collections::{BTreeMap, BTreeSet, VecDeque};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use std::println;
use std::sync::OnceLock;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::recovery::recovers;
use super::{Abstract, Step, World, laws};
use crate::connection::config::Target;
use crate::connection::io::Phase;

/// More than this and the abstraction does not reduce anything any more.
const MOST_STATES: usize = 1_000_000;
const DEPTH: u32 = 7;

const PHASES: [Phase; 7] = [
    Phase::Stopped,
    Phase::Waiting,
    Phase::Connecting,
    Phase::Upgrading,
    Phase::Open,
    Phase::Closing,
    Phase::Releasing,
];

/// The steps of the short sequences. Actions are taken at once there.
const SHORT: [Step; 12] = [
    Step::Start,
    Step::Stop,
    Step::Renew,
    Step::Dialed,
    Step::Broken,
    Step::Eof,
    Step::Released,
    Step::Deadline,
    Step::Upgraded,
    Step::Data,
    Step::Ping,
    Step::PeerClosed,
];

/// Those of a socket whose upgrade request is to be signed: the answer late, never, refused, or of
/// another socket.
const SIGNED: [Step; 10] = [
    Step::Stop,
    Step::Start,
    Step::Dialed,
    Step::Eof,
    Step::Released,
    Step::Deadline,
    Step::Signed,
    Step::Unsigned,
    Step::Stale,
    Step::Upgraded,
];

/// The first breach of each law, and how much was tried.
#[derive(Debug, Default)]
struct Findings {
    breaches: BTreeMap<&'static str, String>,
    states: usize,
    steps: u64,
    sequences: u64,
    recovered: usize,
}

impl Findings {
    fn judge(&mut self, before: &World, step: Step, after: &World) {
        self.steps += 1;
        for (name, law) in laws::ALL {
            if let Err(breach) = law(before, step, after) {
                self.breaches.entry(name).or_insert_with(|| {
                    format!("{breach}\nafter {step:?}\nbefore: {before:#?}\nafter: {after:#?}")
                });
            }
        }
    }
}

/// Every state that differs in more than amounts, breadth first.
fn fixpoint() -> &'static Findings {
    static FINDINGS: OnceLock<Findings> = OnceLock::new();
    FINDINGS.get_or_init(|| {
        let mut findings = Findings::default();
        let mut seen: BTreeSet<Abstract> = BTreeSet::new();
        let targets = [Target::Plain, Target::Signed];
        let mut queue = VecDeque::from(targets.map(|target| World::of(target, 1)));
        while let Some(world) = queue.pop_front() {
            if !seen.insert(world.abstracted()) {
                continue;
            }
            assert!(seen.len() < MOST_STATES, "the states do not come to an end");
            match recovers(&world) {
                Ok(()) => findings.recovered += 1,
                Err(stuck) => {
                    findings.breaches.entry("recovery").or_insert(stuck);
                }
            }
            for step in Step::ALL {
                let mut next = world.clone();
                next.step(step);
                findings.judge(&world, step, &next);
                if !seen.contains(&next.abstracted()) {
                    queue.push_back(next);
                }
            }
        }
        findings.states = seen.len();
        println!(
            "fixpoint: {} abstract states, {} transitions judged by {} laws, {} recoveries",
            findings.states,
            findings.steps,
            laws::ALL.len(),
            findings.recovered
        );
        findings
    })
}

/// All sequences of [`SHORT`] to [`DEPTH`] from every phase. A step that changes nothing at all
/// is not followed further: what comes behind it is what comes without it.
fn sequences() -> &'static Findings {
    static FINDINGS: OnceLock<Findings> = OnceLock::new();
    FINDINGS.get_or_init(|| {
        let mut all = Findings::default();
        for phase in PHASES {
            let mut world = World::in_phase(phase);
            world.step(Step::Take);
            let (sequences, steps) = (all.sequences, all.steps);
            follow(&world, &SHORT, DEPTH, &mut all);
            println!(
                "from {phase:?}: {} sequences of {DEPTH}, {} steps taken",
                all.sequences - sequences,
                all.steps - steps
            );
        }
        let mut unsigned = World::of(Target::Signed, 1);
        for step in [Step::Start, Step::Take, Step::Dialed] {
            unsigned.step(step);
        }
        let (sequences, steps) = (all.sequences, all.steps);
        follow(&unsigned, &SIGNED, DEPTH, &mut all);
        println!(
            "from an unsigned request: {} sequences of {DEPTH}, {} steps taken",
            all.sequences - sequences,
            all.steps - steps
        );
        all
    })
}

fn follow(world: &World, steps: &[Step], depth: u32, findings: &mut Findings) {
    if depth == 0 {
        findings.sequences += 1;
        return;
    }
    for &step in steps {
        let mut next = world.clone();
        next.step(step);
        findings.judge(world, step, &next);
        let mut taken = next.clone();
        taken.step(Step::Take);
        findings.judge(&next, Step::Take, &taken);
        if taken == *world {
            findings.sequences += (steps.len() as u64).pow(depth - 1);
        } else {
            follow(&taken, steps, depth - 1, findings);
        }
    }
}

/// Long random sequences.
fn walks() -> &'static Findings {
    static FINDINGS: OnceLock<Findings> = OnceLock::new();
    FINDINGS.get_or_init(|| {
        let mut runner = TestRunner::new(Config {
            cases: 12,
            failure_persistence: None,
            ..Config::default()
        });
        let steps = prop::collection::vec(prop::sample::select(&Step::ALL[..]), 10_000..12_000);
        let findings = core::cell::RefCell::new(Findings::default());
        let outcome = runner.run(&(any::<u8>(), steps), |(seed, steps)| {
            walk(seed, &steps, &mut findings.borrow_mut());
            Ok(())
        });
        assert_eq!(outcome, Ok(()));
        let findings = findings.into_inner();
        println!("random: {} steps", findings.steps);
        findings
    })
}

/// An aimless walk hardly gets beyond the handshake, so every other step is one that helps.
fn walk(seed: u8, steps: &[Step], findings: &mut Findings) {
    let target = match seed % 2 {
        0 => Target::Plain,
        _ => Target::Signed,
    };
    let mut world = World::of(target, seed);
    for (index, &step) in steps.iter().enumerate() {
        let step = if index % 2 == 0 {
            step
        } else {
            world.helpful()
        };
        let before = world.clone();
        world.step(step);
        findings.judge(&before, step, &world);
    }
}

#[track_caller]
fn holds(law: &'static str) {
    for findings in [fixpoint(), sequences(), walks()] {
        if let Some(breach) = findings.breaches.get(law) {
            panic!("{law}: {breach}");
        }
    }
}

#[test]
fn never_more_than_one_live_socket() {
    holds("one live socket");
}

#[test]
fn no_dial_before_the_last_socket_is_released() {
    holds("no dial before released");
}

#[test]
fn a_stale_epoch_changes_nothing() {
    holds("stale changes nothing");
}

#[test]
fn at_most_one_reconnect_is_pending() {
    holds("one pending reconnect");
}

#[test]
fn every_phase_but_stopped_has_a_deadline_or_awaits_a_confirmation() {
    holds("nothing can hang");
}

#[test]
fn every_ping_is_answered_once_and_only_the_newest_waits() {
    holds("pings answered once");
}

#[test]
fn nothing_is_transmitted_on_a_dead_socket_or_behind_a_close() {
    holds("dead sockets are silent");
}

#[test]
fn dials_never_exceed_the_quota_nor_break_a_hold() {
    holds("dials within quota");
}

#[test]
fn frames_never_exceed_the_message_quota() {
    holds("messages within quota");
}

#[test]
fn statuses_come_in_an_order_that_makes_sense() {
    holds("statuses in order");
}

#[test]
fn there_is_no_dial_without_leave() {
    holds("no dial without leave");
}

#[test]
fn nothing_is_sent_that_is_to_be_signed_and_is_not() {
    holds("nothing unsigned is sent");
}

#[test]
fn once_faults_cease_it_is_open_again() {
    holds("recovery");
    assert_eq!(fixpoint().recovered, fixpoint().states);
}

#[test]
fn the_exploration_is_as_large_as_it_claims() {
    let reached: Vec<_> = [fixpoint(), walks()].map(|findings| findings.steps).into();
    assert!(fixpoint().states > 1_000, "{} states", fixpoint().states);
    assert!(reached[1] >= 120_000, "{} random steps", reached[1]);
    let every = (SHORT.len() as u64).pow(DEPTH) * PHASES.len() as u64;
    let signed = (SIGNED.len() as u64).pow(DEPTH);
    assert_eq!(sequences().sequences, every + signed);
}
