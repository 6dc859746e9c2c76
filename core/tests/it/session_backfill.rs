//! Trades that are missing are asked for by number, and lent behind what came meanwhile.

use marketprism_core::Machine;
use marketprism_core::market::Market;

use crate::session_world::{Said, World, seconds};

const STREAM: &str = "BTCUSDT trade";

/// A session with trades of which these are missing, once it has noticed.
fn missing(numbers: &[i64]) -> World {
    let mut world = World::new(Market::BinanceSpot, &["BTCUSDT"], &["trade"]);
    for number in numbers {
        let key = ("btcusdt@trade".into(), *number);
        world.exchange().wrongs.missing.insert(key);
    }
    world.start();
    world.run(seconds(12));
    world.said.clear();
    world
}

/// An answer with these trades.
fn trades(numbers: impl IntoIterator<Item = i64>) -> String {
    let row = |id| {
        format!(
            r#"{{"id":{id},"price":"1","qty":"1","quoteQty":"1","time":1,"isBuyerMaker":true,"isBestMatch":true}}"#
        )
    };
    let rows: Vec<_> = numbers.into_iter().map(row).collect();
    format!("[{}]", rows.join(","))
}

fn lent(numbers: impl IntoIterator<Item = i64>) -> Vec<Said> {
    let lent = numbers.into_iter();
    lent.map(|number| Said::Backfilled(STREAM.into(), Some(number)))
        .collect()
}

fn settled(from: i64, to: i64, how: &'static str) -> Said {
    Said::Settled(STREAM.into(), (from, to), how)
}

impl World {
    /// What has been said since the last look.
    fn news(&mut self) -> Vec<Said> {
        let said = std::mem::take(&mut self.said);
        said.into_iter().map(|(_, said)| said).collect()
    }
}

#[test]
fn missing_trades_are_asked_for_and_lent_once_in_order_then_the_gap_is_filled() {
    let mut world = missing(&[10, 11, 12]);
    let asked = world.reply(200, &trades([12, 9, 10, 11, 11, 12, 13]));
    assert_eq!(
        asked.as_deref(),
        Some("/api/v3/historicalTrades?symbol=BTCUSDT&fromId=10&limit=3")
    );
    // Of an answer that is in no order only what is in order counts.
    let mut expected = lent([12]);
    expected.push(settled(10, 12, "gone"));
    assert_eq!(world.news(), expected);
    let mut world = missing(&[10, 11, 12]);
    world.reply(200, &trades([9, 10, 10, 11]));
    assert_eq!(world.news(), lent([10, 11]), "12 is still missing");
    let asked = world.reply(200, &trades([12, 13]));
    assert!(asked.unwrap().ends_with("fromId=12&limit=1"));
    let mut expected = lent([12]);
    expected.push(settled(10, 12, "filled"));
    assert_eq!(world.news(), expected);
    assert_eq!(world.reply(200, "[]"), None, "nothing more is asked for");
    assert_eq!(world.sim.machine.statistics().backfilled, 3);
}

#[test]
fn one_gap_of_a_stream_is_asked_for_after_the_other() {
    let mut world = missing(&[10, 14, 15]);
    assert_eq!(world.sim.machine.wishes().len(), 1);
    world.reply(200, &trades([10]));
    world.reply(200, &trades([14, 15]));
    let mut expected = lent([10]);
    expected.push(settled(10, 10, "filled"));
    expected.extend(lent([14, 15]));
    expected.push(settled(14, 15, "filled"));
    assert_eq!(world.news(), expected);
}

#[test]
fn what_the_venue_has_no_more_stays_a_gap() {
    let mut world = missing(&[10, 11, 12]);
    world.reply(200, &trades([11, 12]));
    let mut expected = lent([11, 12]);
    expected.push(settled(10, 12, "gone"));
    assert_eq!(world.news(), expected);
    let mut world = missing(&[10]);
    for _ in 0..3 {
        world.reply(200, &trades([20, 21]));
        world.run(seconds(10));
    }
    let said = world.news();
    assert!(said.contains(&settled(10, 10, "gone")), "{said:?}");
    assert_eq!(world.reply(200, "[]"), None);
}

#[test]
fn what_the_venue_refuses_or_never_answers_stays_a_gap() {
    let mut world = missing(&[10]);
    world.reply(400, r#"{"code":-1121,"msg":"Invalid symbol."}"#);
    assert_eq!(world.news(), [settled(10, 10, "refused")]);
    let mut world = missing(&[10]);
    for _ in 0..8 {
        assert!(world.reply(503, "").is_some());
        world.run(seconds(61));
    }
    let said = world.news();
    assert!(said.contains(&settled(10, 10, "failed")), "{said:?}");
    assert_eq!(world.reply(503, ""), None);
}

#[test]
fn what_the_venue_sells_to_holders_of_keys_alone_is_not_asked_for() {
    let mut world = World::new(Market::BinanceUsdm, &["BTCUSDT"], &["trade"]);
    let key = ("btcusdt@trade".into(), 10);
    world.exchange().wrongs.missing.insert(key);
    world.start();
    world.run(seconds(12));
    let said = world.news();
    assert!(said.contains(&settled(10, 10, "not-offered")), "{said:?}");
    assert_eq!(world.reply(200, "[]"), None);
}

#[test]
fn what_comes_late_by_itself_is_not_lent_again() {
    let mut world = missing(&[10, 11, 12]);
    world.exchange().say(
        r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":11,"p":"1","q":"1","T":1,"m":true,"M":true}}"#,
    );
    world.run(seconds(1));
    let said = world.news();
    assert!(said.contains(&Said::OutOfOrder(STREAM.into(), "stale")));
    world.reply(200, &trades([10, 11, 12]));
    let mut expected = lent([10, 12]);
    expected.push(settled(10, 12, "filled"));
    assert_eq!(world.news(), expected);
}

#[test]
fn gaps_that_are_too_long_or_too_many_stay_gaps() {
    let mut world = missing(&[]);
    let far = |id: i64| {
        format!(
            r#"{{"stream":"btcusdt@trade","data":{{"e":"trade","E":1,"s":"BTCUSDT","t":{id},"p":"1","q":"1","T":1,"m":true,"M":true}}}}"#
        )
    };
    world.exchange().say(&far(200_000));
    (0..9).for_each(|gap| world.exchange().say(&far(200_002 + 2 * gap)));
    world.run(seconds(1));
    let said = world.news();
    let how = |how| {
        let settled = said.iter();
        settled
            .filter(|said| matches!(said, Said::Settled(_, _, why) if *why == how))
            .count()
    };
    assert_eq!((how("too-long"), how("too-many")), (1, 1), "{said:?}");
    assert_eq!(world.sim.machine.wishes().len(), 1);
}
