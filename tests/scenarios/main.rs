//! One suite of scenarios for the simulator and both shells: what they do to a machine, and what
//! it does for them, is the same.
#![cfg(test)]

mod coverage;
mod far;
mod language;
mod parse;
mod place;
mod play;
mod run;
mod stage;
mod subject;
mod trace;

use std::fmt::Write as _;

use coverage::coverage;
use play::{Outcome, difference};
use run::{On, Played, played};

/// Everything in which an outcome differs from what its scenario says.
fn findings(played: &Played) -> String {
    let [done, said] = played.scenario.expected();
    let mut text = String::new();
    for (stage, Outcome { trace, stuck }) in &played.outcomes {
        let differs = [
            difference(&done, &trace.done),
            difference(&said, &trace.said),
        ];
        if stuck.is_none() && differs == [None, None] {
            continue;
        }
        writeln!(text, "{} on {stage:?}:", played.scenario.name).unwrap();
        for finding in stuck.iter().chain(differs.iter().flatten()) {
            writeln!(text, "{finding}").unwrap();
        }
    }
    text
}

#[test]
fn every_scenario_goes_as_written_on_the_simulator_and_both_shells() {
    let findings: String = played().iter().map(findings).collect();
    assert!(findings.is_empty(), "\n{findings}");
}

#[test]
fn together_the_scenarios_meet_every_transition_of_the_machine() {
    for on in On::ALL {
        let bare = |played: &&Played| played.scenario.setting("session").is_none();
        let outcomes = played()
            .iter()
            .filter(bare)
            .flat_map(|played| &played.outcomes);
        let here = outcomes.filter(|(stage, _)| *stage == on);
        let met = here.flat_map(|(_, outcome)| outcome.trace.met.iter().copied());
        let (missing, table) = coverage(&met.collect());
        println!("{on:?}\n{table}");
        assert!(
            missing.is_empty(),
            "not met on {on:?}: {missing:#?}\n{table}"
        );
    }
}

#[test]
fn there_are_enough_scenarios_and_enough_of_them_over_tls() {
    let all = played().len();
    let secured = played()
        .iter()
        .filter(|played| played.outcomes.len() > On::ALL.len())
        .count();
    println!("{all} scenarios, {secured} of them over TLS as well");
    assert!(all >= 50 && secured >= 10, "{all}, {secured}");
}
