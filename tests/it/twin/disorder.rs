//! Updates that are unreadable, come twice, or do not come in their place, and the ledger's
//! account of them.

use std::time::Duration;

use marketprism::twin::{BadJson, Fault, Ids};
use marketprism_core::market::Market;
use serde_json::Value;

use super::wire::World;

const SECOND: Duration = Duration::from_secs(1);

/// A client of one stream of trades, struck by a fault, and the place of its first text after it.
fn struck(fault: Fault) -> (World, usize) {
    let mut world = World::of(Market::BinanceSpot);
    world.connect("/ws/btcusdt@trade");
    world.run(SECOND * 20);
    let place = world.peers[0].texts.len();
    world.exchange.inject(world.now, fault);
    world.run(SECOND * 60);
    assert_eq!(world.peers[0].ended, None);
    assert!(world.exchange.ledger().faults()[0].recovered.is_some());
    (world, place)
}

/// The trade ids that came from a place on; nothing for a text that is no trade.
fn trades(world: &World, place: usize, count: usize) -> Vec<Option<u64>> {
    let id = |text: &str| serde_json::from_str::<Value>(text).ok()?["t"].as_u64();
    let texts = world.peers[0].texts[place..].iter().take(count);
    texts.map(|(_, text)| id(text)).collect()
}

/// The numbers behind the first one, so that runs can be compared with a list.
fn steps(ids: &[Option<u64>]) -> Vec<Option<u64>> {
    let lowest = ids.iter().flatten().min().copied().unwrap();
    ids.iter().map(|id| id.map(|id| id - lowest)).collect()
}

fn rows(world: &World) -> (Vec<Ids>, Vec<(Ids, u64, u64)>) {
    let ledger = world.exchange.ledger();
    let omissions = ledger.omissions().iter();
    let disorders = ledger.disorders().iter();
    (
        omissions.map(|omission| omission.ids).collect(),
        disorders
            .map(|disorder| (disorder.ids, disorder.since, disorder.reached))
            .collect(),
    )
}

const fn one(id: u64) -> Ids {
    Ids {
        first: id,
        last: id,
    }
}

#[test]
fn an_update_that_comes_twice_is_in_the_ledger_once() {
    let (world, place) = struck(Fault::DuplicatedUpdates(2));
    let ids = trades(&world, place, 6);
    let expected = [0, 0, 1, 1, 2, 3].map(Some);
    assert_eq!(steps(&ids), expected);
    let first = ids[0].unwrap();
    let (omissions, disorders) = rows(&world);
    assert_eq!(omissions, []);
    let doubled = |id| (one(id), id - 1, id);
    assert_eq!(disorders, [doubled(first), doubled(first + 1)]);
}

#[test]
fn two_updates_change_places_so_many_times() {
    let (world, place) = struck(Fault::ReorderedUpdates(2));
    let ids = trades(&world, place, 6);
    assert_eq!(steps(&ids), [1, 0, 3, 2, 4, 5].map(Some));
    let first = ids[1].unwrap();
    let (omissions, disorders) = rows(&world);
    assert_eq!(omissions, [one(first), one(first + 2)]);
    assert_eq!(
        disorders,
        [
            (one(first), first - 1, first + 1),
            (one(first + 2), first + 1, first + 3)
        ]
    );
}

#[test]
fn a_late_update_comes_behind_those_that_follow_it() {
    let (world, place) = struck(Fault::LateUpdate(3));
    let ids = trades(&world, place, 6);
    assert_eq!(steps(&ids), [1, 2, 3, 0, 4, 5].map(Some));
    let late = ids[3].unwrap();
    let (omissions, disorders) = rows(&world);
    assert_eq!(omissions, [one(late)]);
    assert_eq!(disorders, [(one(late), late - 1, late + 3)]);
    assert!(world.exchange.ledger().omissions()[0].followed.is_some());
}

#[test]
fn unreadable_texts_stand_where_updates_are_missing_and_the_stream_goes_on() {
    for bad in BadJson::ALL {
        let (world, place) = struck(Fault::Json(bad, 2));
        let ids = trades(&world, place, 5);
        let first = ids[2].unwrap() - 2;
        assert_eq!(ids[..2], [None, None], "{bad:?}");
        assert_eq!(ids[2..], [first + 2, first + 3, first + 4].map(Some));
        let (omissions, disorders) = rows(&world);
        assert_eq!(omissions, [one(first), one(first + 1)]);
        assert_eq!(disorders, []);
    }
}

#[test]
fn okx_updates_are_disturbed_in_the_same_ways() {
    for fault in [
        Fault::DuplicatedUpdates(2),
        Fault::ReorderedUpdates(1),
        Fault::LateUpdate(3),
        Fault::Json(BadJson::WrongTypes, 2),
    ] {
        let mut world = World::of(Market::Okx);
        let peer = world.connect("/ws/v5/public");
        world.send(
            peer,
            r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#,
        );
        world.run(SECOND * 5);
        world.exchange.inject(world.now, fault);
        world.run(SECOND * 5);
        let (omissions, disorders) = rows(&world);
        assert_eq!(
            omissions.is_empty(),
            matches!(fault, Fault::DuplicatedUpdates(_))
        );
        assert_eq!(disorders.is_empty(), matches!(fault, Fault::Json(..)));
        assert!(
            world.exchange.ledger().faults()[0].recovered.is_some(),
            "{fault}"
        );
    }
}
