//! A client that follows the venues' rules for a local order book gets exactly the book that a
//! snapshot shows. It shares no code with the twin: prices are texts to it.

use std::collections::BTreeMap;
use std::time::Duration;

use marketprism::twin::Options;
use marketprism_core::market::Market;
use serde_json::Value;

use super::wire::World;

/// Price, by its number of last decimals, to quantity as printed; what is empty is not there.
type Levels = BTreeMap<u64, String>;

#[derive(Default, Debug, PartialEq, Eq)]
struct Book {
    bids: Levels,
    asks: Levels,
}

impl Book {
    fn apply(&mut self, bids: &Value, asks: &Value) {
        for (levels, rows) in [(&mut self.bids, bids), (&mut self.asks, asks)] {
            for row in rows.as_array().unwrap() {
                let (price, quantity) = (row[0].as_str().unwrap(), row[1].as_str().unwrap());
                if quantity.bytes().all(|byte| matches!(byte, b'0' | b'.')) {
                    levels.remove(&scaled(price));
                } else {
                    levels.insert(scaled(price), quantity.to_owned());
                }
            }
        }
    }

    fn of(bids: &Value, asks: &Value) -> Self {
        let mut book = Self::default();
        book.apply(bids, asks);
        book
    }

    fn best(&self) -> [Option<(u64, String)>; 2] {
        let bid = self.bids.last_key_value();
        let ask = self.asks.first_key_value();
        let own = |(price, quantity): (&u64, &String)| (*price, quantity.clone());
        [bid.map(own), ask.map(own)]
    }
}

/// A price in units of its eighth decimal.
fn scaled(price: &str) -> u64 {
    let (whole, decimals) = price.split_once('.').unwrap_or((price, ""));
    format!("{whole}{decimals:0<8}").parse().unwrap()
}

fn parse(text: &str) -> Value {
    serde_json::from_str(text).unwrap()
}

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

/// The body of a snapshot.
fn snapshot(world: &mut World, target: &str) -> Value {
    let answer = world.get(target);
    parse(answer.split_once("\r\n\r\n").unwrap().1)
}

/// Some time, in steps that do not fit the exchange's intervals.
fn pass(world: &mut World, millis: u32) {
    for _ in 0..millis / 13 {
        world.run(Duration::from_millis(13));
    }
}

#[test]
fn spot_diffs_and_snapshots_make_one_book() {
    for (seed, speed) in [(1, "@100ms"), (2, ""), (3, "@100ms")] {
        let mut world = World::new(Market::BinanceSpot, Options::new(Market::BinanceSpot), seed);
        let peer = world.connect(&format!("/ws/btcusdt@depth{speed}"));
        pass(&mut world, 2500);
        let target = "/api/v3/depth?symbol=BTCUSDT&limit=5000";
        let first = snapshot(&mut world, target);
        pass(&mut world, 30_000);
        let (mut book, mut last) = (
            Book::of(&first["bids"], &first["asks"]),
            number(&first["lastUpdateId"]),
        );
        let mut applied = 0;
        for (_, text) in &world.peers[peer].texts {
            let event = parse(text);
            let (from, to) = (number(&event["U"]), number(&event["u"]));
            if to <= last {
                continue;
            }
            assert!(from <= last + 1, "a gap: {last} {from}");
            assert!(applied == 0 || from == last + 1);
            book.apply(&event["b"], &event["a"]);
            last = to;
            applied += 1;
        }
        assert!(applied > 25);
        // What has changed since the last diff is in the next one.
        let end = snapshot(&mut world, target);
        world.run(Duration::from_secs(1));
        let rest = world.peers[peer].texts.iter().map(|(_, text)| parse(text));
        let mut rest = rest.filter(|event| number(&event["U"]) <= number(&end["lastUpdateId"]));
        let next = rest.rfind(|event| number(&event["u"]) > last);
        let mut whole = Book::of(&end["bids"], &end["asks"]);
        if let Some(event) = next {
            book.apply(&event["b"], &event["a"]);
            whole.apply(&event["b"], &event["a"]);
        }
        assert_eq!(book, whole);
    }
}

#[test]
fn usdm_diffs_and_snapshots_make_one_book() {
    for (seed, speed) in [(1, "@100ms"), (2, ""), (3, "@0ms"), (4, "@500ms")] {
        let mut world = World::new(Market::BinanceUsdm, Options::new(Market::BinanceUsdm), seed);
        let peer = world.connect(&format!("/public/ws/btcusdt@depth{speed}"));
        pass(&mut world, 2000);
        let target = "/fapi/v1/depth?symbol=BTCUSDT&limit=1000";
        let first = snapshot(&mut world, target);
        pass(&mut world, 30_000);
        let start = number(&first["lastUpdateId"]);
        let mut book = Book::of(&first["bids"], &first["asks"]);
        let mut last = None;
        for (_, text) in &world.peers[peer].texts {
            let event = parse(text);
            let (from, to, previous) = (
                number(&event["U"]),
                number(&event["u"]),
                number(&event["pu"]),
            );
            if to < start {
                continue;
            }
            match last {
                None => assert!(
                    from <= start || previous == start,
                    "{previous} {from} {start} {to}"
                ),
                Some(last) => assert_eq!(previous, last),
            }
            book.apply(&event["b"], &event["a"]);
            last = Some(to);
        }
        let mut end = snapshot(&mut world, target);
        let from = world.peers[peer].texts.len();
        world.run(Duration::from_millis(600));
        let mut whole = Book::of(&end["bids"].take(), &end["asks"].take());
        if let Some((_, text)) = world.peers[peer].texts.get(from) {
            let event = parse(text);
            book.apply(&event["b"], &event["a"]);
            whole.apply(&event["b"], &event["a"]);
        }
        assert_eq!(book, whole);
    }
}

#[test]
fn okx_updates_make_the_book_that_a_later_snapshot_shows() {
    let mut world = World::of(Market::Okx);
    let request = r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#;
    let peer = world.connect("/ws/v5/public");
    world.send(peer, request);
    pass(&mut world, 30_000);
    let later = world.connect("/ws/v5/public");
    world.send(later, request);
    pass(&mut world, 200);
    let follow = |peer: usize, until: u64| {
        let (mut book, mut last) = (Book::default(), -1);
        for (_, text) in world.peers[peer]
            .texts
            .iter()
            .filter(|(_, text)| text.contains("data"))
        {
            let message = parse(text);
            let data = &message["data"][0];
            let (sequence, previous) = (data["seqId"].as_i64(), data["prevSeqId"].as_i64());
            assert_eq!(previous, Some(last));
            last = sequence.unwrap();
            book.apply(&data["bids"], &data["asks"]);
            if last as u64 == until {
                return Some(book);
            }
        }
        None
    };
    let snapshot = parse(&world.peers[later].texts[1].1);
    let sequence = number(&snapshot["data"][0]["seqId"]);
    assert_eq!(follow(peer, sequence), follow(later, sequence));
    assert!(follow(peer, sequence).is_some());
}

#[test]
fn the_best_levels_of_a_stream_are_those_of_the_book_at_the_same_update() {
    let mut world = World::of(Market::BinanceUsdm);
    let depth = world.connect("/public/ws/btcusdt@depth@0ms");
    let top = world.connect("/public/ws/btcusdt@bookTicker");
    let first = snapshot(&mut world, "/fapi/v1/depth?symbol=BTCUSDT&limit=1000");
    world.run(Duration::from_secs(30));
    let mut book = Book::of(&first["bids"], &first["asks"]);
    let mut tops = world.peers[top]
        .texts
        .iter()
        .map(|(_, text)| parse(text))
        .peekable();
    let mut compared = 0;
    for (_, text) in &world.peers[depth].texts {
        let event = parse(text);
        book.apply(&event["b"], &event["a"]);
        if let Some(top) = tops.next_if(|top| top["u"] == event["u"]) {
            let side = |price: &str, quantity: &str| {
                let price = scaled(top[price].as_str().unwrap());
                Some((price, top[quantity].as_str().unwrap().to_owned()))
            };
            assert_eq!(book.best(), [side("b", "B"), side("a", "A")]);
            compared += 1;
        }
    }
    assert!(compared > 50, "{compared}");
    assert_eq!(tops.next(), None);
}

#[test]
fn partial_depth_is_the_top_of_the_book() {
    let mut world = World::of(Market::BinanceSpot);
    let peer = world.connect("/stream?streams=btcusdt@depth20@100ms/btcusdt@depth5@100ms");
    world.run(Duration::from_secs(2));
    let of = |name: &str| -> Vec<Value> {
        let texts = world.peers[peer].texts_with(name).into_iter();
        texts.map(|text| parse(text)["data"].take()).collect()
    };
    let (deep, flat) = (of("depth20@100ms"), of("depth5@100ms"));
    assert_eq!(deep.len(), flat.len());
    assert!(deep.len() > 5);
    for (deep, flat) in deep.iter().zip(&flat) {
        assert_eq!(deep["lastUpdateId"], flat["lastUpdateId"]);
        for side in ["bids", "asks"] {
            let (deep, flat) = (
                deep[side].as_array().unwrap(),
                flat[side].as_array().unwrap(),
            );
            assert_eq!((deep.len(), flat.len()), (20, 5));
            assert_eq!(deep[..5], flat[..]);
        }
    }
}

#[test]
fn trade_ids_run_on_and_aggregates_cover_them() {
    let mut world = World::of(Market::BinanceSpot);
    let peer = world.connect("/stream?streams=btcusdt@trade/btcusdt@aggTrade");
    world.run(Duration::from_secs(60));
    let of = |name: &str| -> Vec<Value> {
        let texts = world.peers[peer].texts_with(name).into_iter();
        texts.map(|text| parse(text)["data"].take()).collect()
    };
    let (trades, aggregates) = (of("btcusdt@trade"), of("btcusdt@aggTrade"));
    let ids: Vec<u64> = trades.iter().map(|trade| number(&trade["t"])).collect();
    assert!(ids.len() > 100 && ids.windows(2).all(|pair| pair[1] == pair[0] + 1));
    let covered = aggregates
        .iter()
        .flat_map(|row| number(&row["f"])..=number(&row["l"]));
    assert!(covered.eq(ids));
    let numbers: Vec<u64> = aggregates.iter().map(|row| number(&row["a"])).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1));
}
