//! Replies in the venues' own forms, through the whole exchange.

use std::time::Duration;

use marketprism_core::market::Market;
use marketprism_core::ws::handshake::Refused;
use serde_json::Value;

use super::wire::{Stage, World};

const SECOND: Duration = Duration::from_secs(1);

#[test]
fn a_path_that_there_is_not_is_answered_404() {
    for (market, path) in [
        (Market::BinanceSpot, "/elsewhere"),
        (Market::BinanceUsdm, "/elsewhere/ws"),
        (Market::Okx, "/ws"),
    ] {
        let mut world = World::of(market);
        let peer = world.connect(path);
        assert_eq!(
            world.peers[peer].stage(),
            Stage::Refused(Refused::Status(404, None))
        );
    }
}

#[test]
fn binance_wraps_combined_streams_and_no_others() {
    let mut world = World::of(Market::BinanceSpot);
    let combined = world.connect("/stream?streams=btcusdt@bookTicker");
    let raw = world.connect("/ws/btcusdt@bookTicker");
    world.run(SECOND);
    let first = |peer: usize| world.peers[peer].texts[0].1.clone();
    let payload = first(raw);
    assert_eq!(
        first(combined),
        format!(r#"{{"stream":"btcusdt@bookTicker","data":{payload}}}"#)
    );
    let top: Value = serde_json::from_str(&payload).unwrap();
    let keys: Vec<_> = top.as_object().unwrap().keys().cloned().collect();
    assert_eq!(keys, ["A", "B", "a", "b", "s", "u"]);
}

#[test]
fn a_stream_on_the_wrong_route_is_acknowledged_and_silent() {
    let mut world = World::of(Market::BinanceUsdm);
    for (path, served) in [
        ("/public/stream", false),
        ("/market/stream", true),
        ("/stream", false),
    ] {
        let peer = world.connect(path);
        let request = r#"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","x@y"],"id":9}"#;
        assert_eq!(world.ask(peer, request), [r#"{"result":null,"id":9}"#]);
        world.run(SECOND * 5);
        assert_eq!(world.peers[peer].texts.len() > 1, served, "{path}");
    }
}

#[test]
fn usdm_messages_have_the_fields_of_since_2026() {
    let mut world = World::of(Market::BinanceUsdm);
    let public = world.connect("/public/ws/btcusdt@depth@100ms/btcusdt@bookTicker/btcusdt@depth5");
    let market = world.connect("/market/ws/btcusdt@aggTrade");
    world.run(SECOND * 2);
    for (peer, kind, fields) in [
        (
            public,
            "depthUpdate",
            &["E", "T", "U", "a", "b", "e", "ps", "pu", "s", "st", "u"][..],
        ),
        (
            public,
            "bookTicker",
            &["A", "B", "E", "T", "a", "b", "e", "ps", "s", "st", "u"],
        ),
        (
            market,
            "aggTrade",
            &["E", "T", "a", "e", "f", "l", "m", "nq", "p", "q", "s", "st"],
        ),
    ] {
        let texts = world.peers[peer].texts_with(&format!(r#""e":"{kind}""#));
        let message: Value = serde_json::from_str(texts[0]).unwrap();
        let keys: Vec<_> = message.as_object().unwrap().keys().cloned().collect();
        assert_eq!(keys, fields, "{kind}");
    }
}

#[test]
fn spot_speaks_in_microseconds_when_asked_to() {
    let mut world = World::of(Market::BinanceSpot);
    let millis = world.connect("/ws/btcusdt@depth@100ms");
    let micros = world.connect("/ws/btcusdt@depth@100ms?timeUnit=MICROSECOND");
    world.run(SECOND);
    let stamp = |peer: usize| {
        let message: Value = serde_json::from_str(&world.peers[peer].texts[0].1).unwrap();
        message["E"].as_u64().unwrap()
    };
    assert_eq!(stamp(micros) / 1000, stamp(millis));
}

#[test]
fn okx_answers_a_text_ping_and_nothing_else_to_it() {
    let mut world = World::of(Market::Okx);
    let peer = world.connect("/ws/v5/public");
    assert_eq!(world.ask(peer, "ping"), ["pong"]);
}

#[test]
fn okx_books_begin_with_a_snapshot_and_tickers_follow() {
    let mut world = World::of(Market::Okx);
    let peer = world.connect("/ws/v5/public");
    let request = r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"},{"channel":"trades","instId":"BTC-USDT"},{"channel":"bbo-tbt","instId":"BTC-USDT"},{"channel":"tickers","instId":"BTC-USDT"}]}"#;
    assert_eq!(world.ask(peer, request).len(), 4);
    world.run(SECOND * 3);
    let of = |channel: &str| {
        world.peers[peer].texts_with(&format!(r#"{{"arg":{{"channel":"{channel}""#))
    };
    let books = of("books");
    assert!(books[0].starts_with(
        r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["#
    ));
    assert!(
        books[0].contains(r#""checksum":0,"seqId":"#) && books[0].ends_with(r#""prevSeqId":-1}]}"#)
    );
    assert!(
        books[1..]
            .iter()
            .all(|text| text.contains(r#""action":"update""#))
    );
    for channel in ["trades", "bbo-tbt", "tickers"] {
        assert!(of(channel).len() > 2, "{channel}");
    }
}

#[test]
fn rest_errors_have_the_venues_form() {
    for (market, target, status, body) in [
        (
            Market::BinanceSpot,
            "/api/v3/depth?symbol=NOSUCH",
            400,
            r#"{"code":-1121,"msg":"Invalid symbol."}"#,
        ),
        (
            Market::BinanceSpot,
            "/api/v3/depth",
            400,
            r#"{"code":-1102,"#,
        ),
        (
            Market::BinanceSpot,
            "/api/v3/depth?symbol=BTCUSDT&limit=x",
            400,
            r#"{"code":-1100,"#,
        ),
        (
            Market::BinanceSpot,
            "/fapi/v1/depth?symbol=BTCUSDT",
            404,
            "",
        ),
        (
            Market::BinanceUsdm,
            "/fapi/v1/depth?symbol=BTCUSDT&limit=7",
            400,
            r#"{"code":-4021,"#,
        ),
        (
            Market::Okx,
            "/api/v5/market/books?instId=NOSUCH",
            200,
            r#"{"code":"51001","#,
        ),
        (
            Market::Okx,
            "/api/v5/market/books",
            400,
            r#"{"code":"50014","#,
        ),
    ] {
        let answer = World::of(market).get(target);
        assert!(
            answer.starts_with(&format!("HTTP/1.1 {status} ")),
            "{target}: {answer}"
        );
        assert!(answer.contains(body), "{target}: {answer}");
    }
}

#[test]
fn snapshots_beyond_the_weight_are_refused_with_a_time_to_wait() {
    let mut world = World::of(Market::BinanceSpot);
    let target = "/api/v3/depth?symbol=BTCUSDT&limit=5000";
    for served in 1..=24 {
        let answer = world.get(target);
        assert!(answer.starts_with("HTTP/1.1 200 OK"));
        assert!(answer.contains(&format!("X-MBX-USED-WEIGHT-1M: {}\r\n", served * 250)));
    }
    let answer = world.get(target);
    assert!(
        answer.starts_with("HTTP/1.1 429 ") && answer.contains("Retry-After: 60\r\n"),
        "{answer}"
    );
    world.run(SECOND * 60);
    assert!(world.get(target).starts_with("HTTP/1.1 200 OK"));
}
