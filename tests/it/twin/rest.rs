//! What is asked over REST: lists, figures, limits, and connections that stay.

use std::time::Duration;

use marketprism_core::market::Market;
use serde_json::Value;

use super::wire::World;

const SECOND: Duration = Duration::from_secs(1);

fn head(target: &str) -> String {
    format!("GET {target} HTTP/1.1\r\nHost: localhost\r\n\r\n")
}

/// The body of an answer with this status.
fn body(answer: &str, status: u16) -> Value {
    assert!(
        answer.starts_with(&format!("HTTP/1.1 {status} ")),
        "{answer}"
    );
    let (_, body) = answer.split_once("\r\n\r\n").unwrap();
    serde_json::from_str(body).unwrap()
}

#[test]
fn a_connection_stays_for_the_next_question_until_nobody_asks_for_a_while() {
    let mut world = World::of(Market::BinanceUsdm);
    let target = "/fapi/v1/openInterest?symbol=BTCUSDT";
    let peer = world.join_plain(&head(target));
    for _ in 0..5 {
        world.run(SECOND * 9);
        let answer = world.say(peer, &head(target));
        assert_eq!(body(&answer, 200)["symbol"], "BTCUSDT");
        assert!(!answer.contains("Connection: close"), "{answer}");
        assert_eq!(world.peers[peer].ended, None);
    }
    world.run(SECOND * 11);
    assert!(world.peers[peer].ended.is_some());
    assert_eq!(world.exchange.ledger().sockets().live, 0);
}

#[test]
fn a_connection_has_its_last_answer_and_says_so() {
    let mut world = World::of(Market::BinanceSpot);
    let target = head("/api/v3/nothing");
    let peer = world.join_plain(&target);
    for asked in 2..=1000 {
        assert_eq!(world.peers[peer].ended, None, "{asked}");
        let answer = world.say(peer, &target);
        let last = asked == 1000;
        assert_eq!(
            answer.contains("Connection: close"),
            last,
            "{asked}: {answer}"
        );
    }
    assert!(world.peers[peer].ended.is_some());
}

#[test]
fn every_list_and_figure_is_answered_in_the_venues_form() {
    let mut futures = World::of(Market::BinanceUsdm);
    let info = body(&futures.get("/fapi/v1/exchangeInfo"), 200);
    let first = &info["symbols"][0];
    assert_eq!(
        (&first["symbol"], &first["contractType"]),
        (&"BTCUSDT".into(), &"PERPETUAL".into())
    );
    assert_eq!(first["filters"][0]["tickSize"], "0.01");
    let target = "/futures/data/topLongShortPositionRatio?symbol=ETHUSDT&period=5m&limit=3";
    let rows = body(&futures.get(target), 200);
    assert_eq!(rows.as_array().unwrap().len(), 3);
    assert!(rows[0]["timestamp"].as_u64() < rows[2]["timestamp"].as_u64());
    assert!(rows[0]["longAccount"].is_string());

    let mut coin = World::of(Market::BinanceCoinm);
    let open = body(&coin.get("/dapi/v1/openInterest?symbol=BTCUSD_PERP"), 200);
    assert_eq!(
        (&open["pair"], &open["contractType"]),
        (&"BTCUSD".into(), &"PERPETUAL".into())
    );
    assert!(
        open["openInterest"]
            .as_str()
            .unwrap()
            .parse::<u64>()
            .is_ok()
    );
    let target = "/futures/data/topLongShortPositionRatio?pair=BTCUSD&period=1h";
    let rows = body(&coin.get(target), 200);
    assert!(rows[29]["longPosition"].is_string() && rows[29]["pair"] == "BTCUSD");
    let info = body(&coin.get("/dapi/v1/exchangeInfo"), 200);
    assert_eq!(info["symbols"][0]["contractSize"], 100);
    let depth = body(&coin.get("/dapi/v1/depth?symbol=ETHUSD_PERP&limit=5"), 200);
    assert_eq!(
        (&depth["symbol"], &depth["pair"]),
        (&"ETHUSD_PERP".into(), &"ETHUSD".into())
    );

    let mut spot = World::of(Market::BinanceSpot);
    let info = body(
        &spot.get("/api/v3/exchangeInfo?showPermissionSets=false"),
        200,
    );
    assert_eq!(info["symbols"][1]["baseAsset"], "ETH");

    let mut okx = World::of(Market::Okx);
    let swaps = body(&okx.get("/api/v5/public/instruments?instType=SWAP"), 200);
    assert_eq!(
        (&swaps["code"], &swaps["data"][0]["ctVal"]),
        (&"0".into(), &"0.01".into())
    );
    assert_eq!(swaps["data"].as_array().unwrap().len(), 2);
    let target = "/api/v5/public/open-interest?instType=SWAP&instId=ETH-USDT-SWAP";
    assert_eq!(
        body(&okx.get(target), 200)["data"][0]["instId"],
        "ETH-USDT-SWAP"
    );
    let target = "/api/v5/rubik/stat/contracts/long-short-account-ratio-contract?instId=BTC-USDT-SWAP&limit=2";
    let rows = body(&okx.get(target), 200);
    assert!(rows["data"][0][0].as_str() > rows["data"][1][0].as_str());
}

#[test]
fn a_wrong_question_has_its_code() {
    let cases = [
        (Market::BinanceUsdm, "/fapi/v1/openInterest", "-1102"),
        (
            Market::BinanceUsdm,
            "/fapi/v1/openInterest?symbol=NOSUCH",
            "-1121",
        ),
        (
            Market::BinanceUsdm,
            "/futures/data/globalLongShortAccountRatio?symbol=BTCUSDT&period=7m",
            "-1130",
        ),
        (
            Market::BinanceCoinm,
            "/futures/data/globalLongShortAccountRatio?symbol=BTCUSD&period=5m",
            "-1102",
        ),
        (Market::Okx, "/api/v5/public/instruments", "50014"),
    ];
    for (market, target, code) in cases {
        let body = body(&World::of(market).get(target), 400);
        let found = body["code"].to_string();
        let found = found.trim_matches('"');
        assert_eq!(found, code, "{target}");
    }
    for (market, target) in [
        (Market::BinanceSpot, "/api/v3/openInterest?symbol=BTCUSDT"),
        (Market::BinanceUsdm, "/dapi/v1/depth?symbol=BTCUSDT"),
        (Market::Okx, "/api/v5/market/nothing"),
    ] {
        let answer = World::of(market).get(target);
        assert!(answer.starts_with("HTTP/1.1 404 "), "{target}: {answer}");
    }
}

#[test]
fn who_goes_on_although_refused_is_banned_and_let_in_again_later() {
    let mut world = World::of(Market::BinanceSpot);
    let target = "/api/v3/depth?symbol=BTCUSDT&limit=5000";
    let mut status = || {
        let answer = world.get(target);
        (answer[9..12].parse::<u16>().unwrap(), answer)
    };
    let statuses: Vec<u16> = (0..24 + 20).map(|_| status().0).collect();
    assert_eq!(statuses, [[200; 24].as_slice(), &[429; 20]].concat());
    let (banned, answer) = status();
    assert!(
        banned == 418 && answer.contains("Retry-After: 120\r\n"),
        "{answer}"
    );
    world.run(SECOND * 119);
    assert!(
        world
            .get("/api/v3/exchangeInfo")
            .starts_with("HTTP/1.1 418 ")
    );
    world.run(SECOND * 2);
    assert!(world.get(target).starts_with("HTTP/1.1 200 "));
}

#[test]
fn statistics_have_a_limit_of_their_own() {
    let mut world = World::of(Market::Okx);
    let target = |name: &str| {
        format!("/api/v5/rubik/stat/contracts/{name}?instId=BTC-USDT-SWAP&period=5m&limit=30")
    };
    let accounts = target("long-short-account-ratio-contract");
    for _ in 0..5 {
        body(&world.get(&accounts), 200);
    }
    assert_eq!(body(&world.get(&accounts), 429)["code"], "50011");
    let others = target("long-short-position-ratio-contract-top-trader");
    body(&world.get(&others), 200);
    world.run(SECOND * 2);
    body(&world.get(&accounts), 200);
}
