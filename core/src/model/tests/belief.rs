//! Whether the search can be believed: what it meets, and whether worlds that it takes for one
//! have one future.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::vec::Vec;
use std::println;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::MARKETS;
use crate::connection::Phase;
use crate::market::Market;
use crate::model::step::{Step, Trouble, Turn, Who};
use crate::model::story;
use crate::model::world::World;
use crate::session::StreamState;

/// An aimless way: more often than not what helps.
fn wander(world: &World, chance: &mut ChaCha8Rng) -> Step {
    let (steps, helpful) = (world.steps(), world.quiet());
    let steps = match chance.next_u32() % 8 {
        0 => steps,
        _ => helpful,
    };
    steps[chance.next_u32() as usize % steps.len()]
}

#[test]
fn every_trouble_phase_and_state_of_a_stream_is_met() {
    let (mut turns, mut phases, mut states) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    let mut chance = ChaCha8Rng::from_seed([1; 32]);
    let mut world = World::new(Market::Okx);
    for _ in 0..50_000 {
        let step = wander(&world, &mut chance);
        world.step(step);
        if let Step::To(_, Turn::Trouble(trouble)) = step {
            turns.insert(trouble as usize);
        }
        phases.insert(world.session(Who::First).connection().phase());
        states.insert(world.state(Who::First));
    }
    assert_eq!(turns.len(), Trouble::ALL.len());
    assert_eq!(phases.len(), Phase::Releasing as usize + 1);
    assert_eq!(states.len(), StreamState::Refused as usize + 1);
}

/// The abstraction, judged: worlds that were reached on different ways, at different times, and
/// have equal keys, go on alike.
#[test]
fn worlds_with_equal_keys_have_equal_futures() {
    let mut pairs = 0;
    for market in MARKETS {
        let mut chance = ChaCha8Rng::from_seed([2; 32]);
        let mut met: BTreeMap<Vec<u8>, World> = BTreeMap::new();
        let mut world = World::new(market);
        for number in 0..8_000 {
            if number % 40 == 0 {
                world = World::new(market);
            }
            let step = wander(&world, &mut chance);
            world.step(step);
            let other = met.entry(world.key()).or_insert_with(|| world.clone());
            if other.now != world.now {
                pairs += 1;
                go_on_alike(other.clone(), world.clone(), &mut chance);
            }
        }
    }
    println!("{pairs} pairs of worlds went on alike");
    assert!(pairs > 500, "{pairs} pairs");
}

fn go_on_alike(mut one: World, mut other: World, chance: &mut ChaCha8Rng) {
    let mut steps = Vec::new();
    for _ in 0..30 {
        assert_eq!(one.steps(), other.steps(), "after {steps:?}");
        let step = wander(&one, chance);
        steps.push(step);
        one.step(step);
        other.step(step);
        assert_eq!(one.key(), other.key(), "after {steps:?}");
        assert_eq!(one.breach, other.breach, "after {steps:?}");
    }
}

#[test]
fn a_story_is_told_in_the_words_of_the_scenarios() {
    let turn = |turn| Step::To(Who::Second, turn);
    let steps = [
        turn(Turn::Start),
        turn(Turn::Accept),
        turn(Turn::Upgrade),
        turn(Turn::Trouble(Trouble::LoseRequest)),
        Step::Pass,
        turn(Turn::Trouble(Trouble::End)),
    ];
    let story = story::tell(&World::new(Market::BinanceSpot), &steps);
    let (_, scenario) = story
        .split_once("second of two sessions")
        .expect("two of them");
    let (settings, told) = scenario.split_once("    tell").expect("a start");
    assert!(
        settings.contains("\n    with session binance-spot BBBUSDT trade\n"),
        "{settings}"
    );
    assert!(
        settings.contains("\n    with connect 100ms\n"),
        "{settings}"
    );
    let expected = r#" Start
    far accepts
    far expects request
    far sends 101
    far expects text {"method":"SUBSCRIBE","params":["bbbusdt@trade"],"id":1}
    then Open probe
    far expects ping
    far sends pong
    far ends
    tell Stop
"#;
    assert_eq!(told, expected, "{story}");
}
