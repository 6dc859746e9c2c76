//! Holes, repetitions and announcements.

use marketprism_core::connection::Cause;
use marketprism_core::market::Market;

use crate::session_world::{Said, World, millis, seconds};
use crate::sim::End;

/// The number of the message that a stream with this pace sends at this second.
const fn number(second: i64) -> i64 {
    second * 2
}

#[test]
fn a_missing_message_is_a_hole_in_its_place() {
    for (market, instrument, channel, stream) in [
        (Market::BinanceSpot, "BTCUSDT", "trade", "btcusdt@trade"),
        (
            Market::BinanceSpot,
            "BTCUSDT",
            "depth@100ms",
            "btcusdt@depth@100ms",
        ),
        (
            Market::BinanceUsdm,
            "BTCUSDT",
            "depth@100ms",
            "btcusdt@depth@100ms",
        ),
        (
            Market::BinanceUsdm,
            "BTCUSDT",
            "aggTrade",
            "btcusdt@aggTrade",
        ),
        (Market::Okx, "BTC-USDT", "trades", "trades:BTC-USDT"),
        (Market::Okx, "BTC-USDT", "books", "books:BTC-USDT"),
    ] {
        let mut world = World::new(market, &[instrument], &[channel]);
        for second in [number(5), number(8), number(8) + 1] {
            world
                .exchange()
                .wrongs
                .missing
                .insert((stream.into(), second));
        }
        world.start();
        world.run(seconds(7));
        let name = format!("{instrument} {channel}");
        let first = (number(5), number(5));
        assert_eq!(world.gaps(), [(name.as_str(), Some(first), "missing")]);
        let hole = Said::Gap(name.clone(), Some(first), "missing");
        let place = world
            .said
            .iter()
            .position(|(_, said)| *said == hole)
            .unwrap();
        assert_eq!(world.said[place + 1].1, Said::Market(name.clone()));
        world.run(seconds(5));
        let second = (number(8), number(8) + 1);
        assert_eq!(world.gaps()[1], (name.as_str(), Some(second), "missing"));
        assert_eq!(world.gaps().len(), 2);
    }
}

#[test]
fn a_hole_in_a_book_that_only_a_snapshot_mends_renews_that_stream_alone() {
    let mut world = World::new(Market::Okx, &["BTC-USDT", "ETH-USDT"], &["books", "trades"]);
    let stream = "books:BTC-USDT";
    world
        .exchange()
        .wrongs
        .missing
        .insert((stream.into(), number(5)));
    world.start();
    world.run(seconds(20));
    world.expect_all_live();
    let steps = world.steps("BTC-USDT books");
    assert_eq!(
        steps,
        [
            "requested",
            "confirmed",
            "live",
            "renewing",
            "requested",
            "confirmed",
            "live"
        ]
    );
    let requests = &world.exchange().account.requests;
    assert!(
        requests[1..]
            .iter()
            .all(|request| request.streams == [stream])
    );
    assert_eq!(requests.len(), 3);
    assert_eq!(
        world.steps("ETH-USDT books"),
        ["requested", "confirmed", "live"]
    );
    assert_eq!(world.exchange().account.connections, 1);
}

#[test]
fn a_book_that_keeps_breaking_is_renewed_more_and_more_seldom() {
    let mut world = World::new(Market::Okx, &["BTC-USDT"], &["books"]);
    for third in 1..2000 {
        let key = ("books:BTC-USDT".into(), third * 3);
        world.exchange().wrongs.missing.insert(key);
    }
    world.start();
    world.run(seconds(900));
    let requests = world.exchange().account.requests.len();
    assert!(requests < 40, "{requests} requests in 15 minutes");
    assert!(world.gaps().len() > 100, "each hole is told all the same");
    world.exchange().wrongs.missing.clear();
    world.run(seconds(600));
    world.expect_all_live();
}

#[test]
fn what_comes_twice_is_handed_over_as_such() {
    let mut world = World::new(Market::BinanceSpot, &["BTCUSDT"], &["trade"]);
    let stream = "btcusdt@trade";
    world
        .exchange()
        .wrongs
        .twice
        .insert((stream.into(), number(3)));
    world.start();
    world.run(seconds(6));
    let twice = Said::OutOfOrder("BTCUSDT trade".into(), "duplicate");
    assert_eq!(world.times(&twice).len(), 1);
    assert_eq!(world.gaps(), []);
    assert_eq!(world.sim.machine.statistics().out_of_order, 1);
}

#[test]
fn what_comes_late_is_handed_over_as_such() {
    let mut world = World::new(Market::BinanceSpot, &["BTCUSDT"], &["trade"]);
    world.start();
    world.run(seconds(6));
    world.exchange().say(
        r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1,"s":"BTCUSDT","t":2,"p":"1","q":"1","T":1,"m":true,"M":true}}"#,
    );
    world.run(seconds(2));
    let late = Said::OutOfOrder("BTCUSDT trade".into(), "stale");
    assert_eq!(world.times(&late).len(), 1);
    assert_eq!(world.gaps(), [], "the order goes on where it was");
}

#[test]
fn a_number_spent_without_a_trade_leaves_no_hole_and_is_told() {
    let mut world = World::new(Market::BinanceUsdm, &["BTCUSDT"], &["trade"]);
    let key = ("btcusdt@trade".to_owned(), number(5));
    world.exchange().wrongs.missing.insert(key);
    world.start();
    world.run(millis(4_990));
    world.exchange().say(&format!(
        r#"{{"stream":"btcusdt@trade","data":{{"e":"trade","E":1,"T":1,"s":"BTCUSDT","t":{},"p":"0","q":"0","X":"NA","m":false}}}}"#,
        number(5)
    ));
    world.run(seconds(5));
    let spent = Some((number(5), number(5)));
    assert_eq!(world.gaps(), [("BTCUSDT trade", spent, "spent")]);
    let statistics = world.sim.machine.statistics();
    assert_eq!((statistics.spent, statistics.gaps), (1, 0));
}

#[test]
fn what_a_cut_cost_is_told_for_each_stream() {
    let mut world = World::new(Market::BinanceSpot, &["BTCUSDT"], &["trade", "bookTicker"]);
    world.start();
    world.run(seconds(10));
    world.exchange().cut(End::Reset);
    world.exchange().wrongs.mute = true;
    world.run(seconds(4));
    world.exchange().wrongs.mute = false;
    world.run(seconds(10));
    let trade = world
        .gaps()
        .into_iter()
        .find(|gap| gap.0 == "BTCUSDT trade");
    let (_, missing, cause) = trade.unwrap();
    assert_eq!(
        (missing, cause),
        (Some((number(10) + 1, number(14))), "connection")
    );
    assert_eq!(world.gaps().len(), 2);
}

#[test]
fn a_shutdown_that_is_announced_is_anticipated_in_all_its_shapes() {
    let shapes = [
        (
            Market::BinanceSpot,
            r#"{"e":"serverShutdown","E":1770123456789}"#,
        ),
        (
            Market::BinanceSpot,
            r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#,
        ),
        (
            Market::BinanceSpot,
            r#"{"event":{"e":"serverShutdown","E":1770123456789}}"#,
        ),
        (
            Market::BinanceUsdm,
            r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#,
        ),
        (
            Market::Okx,
            r#"{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"a4d3ae55"}"#,
        ),
    ];
    for (market, announcement) in shapes {
        let (instrument, channel) = match market {
            Market::Okx => ("BTC-USDT", "trades"),
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                ("BTCUSDT", "trade")
            }
        };
        let mut world = World::new(market, &[instrument], &[channel]);
        world.start();
        world.run(seconds(5));
        world.exchange().say(announcement);
        world.run(seconds(1));
        assert_eq!(world.exchange().account.connections, 2, "{announcement}");
        let is_notice = |said: &&(_, Said)| matches!(&said.1, Said::Notice(_));
        assert_eq!(world.said.iter().filter(is_notice).count(), 1);
        assert_eq!(world.times(&Said::Down(Cause::Renewed)).len(), 1);
        world.run(seconds(2));
        world.expect_all_live();
    }
}

#[test]
fn announcements_that_repeat_renew_once() {
    let mut world = World::new(Market::BinanceSpot, &["BTCUSDT"], &["trade"]);
    world.start();
    world.run(seconds(5));
    for _ in 0..5 {
        world
            .exchange()
            .say(r#"{"e":"serverShutdown","E":1770123456789}"#);
    }
    world.run(seconds(3));
    assert_eq!(world.exchange().account.connections, 2);
    world.expect_all_live();
}

#[test]
fn other_notices_are_told_and_change_nothing() {
    let mut world = World::new(Market::Okx, &["BTC-USDT"], &["trades"]);
    world.start();
    world.run(seconds(5));
    world
        .exchange()
        .say(r#"{"event":"notice","code":"64999","msg":"Hello.","connId":"a4d3ae55"}"#);
    world.run(seconds(3));
    assert_eq!(
        world
            .times(&Said::Notice("Other { code: 64999 }".into()))
            .len(),
        1
    );
    assert_eq!(world.exchange().account.connections, 1);
}

#[test]
fn a_refusal_that_belongs_to_no_request_is_told() {
    let mut world = World::new(Market::Okx, &["BTC-USDT"], &["trades"]);
    world.start();
    world.run(seconds(5));
    world
        .exchange()
        .say(r#"{"event":"error","code":"60012","msg":"Invalid request","connId":"a"}"#);
    world.run(seconds(1));
    let told =
        |said: &&(_, Said)| matches!(&said.1, Said::Notice(notice) if notice.contains("60012"));
    assert_eq!(world.said.iter().filter(told).count(), 1);
    world.expect_all_live();
}

#[test]
fn a_quiet_okx_connection_is_pinged_with_text_and_the_answer_is_no_message() {
    let mut world = World::new(Market::Okx, &["BTC-USDT"], &["trades"]);
    world.exchange().every = seconds(100);
    world.start();
    world.run(seconds(95));
    let account = &world.exchange().account;
    assert!(
        (3..=4).contains(&account.text_pings),
        "{}",
        account.text_pings
    );
    assert_eq!(account.connections, 1);
    assert!(
        !world
            .said
            .iter()
            .any(|(_, said)| matches!(said, Said::Undecoded(_)))
    );
}
