//! Candles, tickers, prices, rates: each at its rhythm, and all of them of one market.

use std::collections::BTreeMap;
use std::time::Duration;

use marketprism::twin::Options;
use marketprism_core::market::Market;
use serde_json::Value;

use super::wire::World;

/// Binance spot at the beginning of 2026, with a few changes a second.
fn world(market: Market, seed: u64) -> World {
    let mut options = Options::new(market);
    options.pace = Duration::from_millis(100);
    World::new(market, options, seed)
}

/// What came of each stream, by its name, without its envelope.
fn by_stream(world: &World, peer: usize) -> BTreeMap<String, Vec<Value>> {
    let mut streams: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    let texts = world.peers[peer].texts.iter().map(|(_, text)| text);
    for text in texts.filter(|text| *text != "pong") {
        let mut message: Value = serde_json::from_str(text).unwrap();
        if let Some(name) = message["stream"].as_str().map(str::to_owned) {
            streams
                .entry(name)
                .or_default()
                .push(message["data"].take());
        } else if message.get("data").is_some() {
            let arg = &message["arg"];
            let subject = arg.get("instId").or_else(|| arg.get("instType")).unwrap();
            let (channel, subject) = (arg["channel"].as_str().unwrap(), subject.as_str().unwrap());
            let name = format!("{channel}:{subject}");
            let Value::Array(rows) = message["data"].take() else {
                panic!("{text}");
            };
            streams.entry(name).or_default().extend(rows);
        }
    }
    streams
}

/// A number that is written as a text, in units of its eighth decimal.
fn number(value: &Value) -> i128 {
    let text = value.as_str().unwrap();
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{part:0<8}").parse().unwrap()
}

fn sum(values: impl Iterator<Item = i128>) -> i128 {
    values.sum()
}

#[test]
fn a_kline_is_the_sum_of_the_trades_of_its_interval() {
    let mut world = world(Market::BinanceSpot, 3);
    let peer = world.connect("/stream?streams=btcusdt@trade/btcusdt@kline_1m/btcusdt@kline_1s");
    world.run(Duration::from_secs(200));
    let streams = by_stream(&world, peer);
    for (name, least) in [("btcusdt@kline_1m", 3), ("btcusdt@kline_1s", 199)] {
        let klines = streams[name].iter().map(|message| &message["k"]);
        let closed: Vec<&Value> = klines.filter(|kline| kline["x"] == true).collect();
        assert!(closed.len() >= least, "{name}: {}", closed.len());
        for kline in closed {
            let within = |trade: &&Value| {
                let at = trade["T"].as_u64().unwrap();
                kline["t"].as_u64().unwrap() <= at && at <= kline["T"].as_u64().unwrap()
            };
            let trades: Vec<&Value> = streams["btcusdt@trade"].iter().filter(within).collect();
            let volume = sum(trades.iter().map(|trade| number(&trade["q"])));
            let bought = trades.iter().filter(|trade| trade["m"] == false);
            assert_eq!(number(&kline["v"]), volume, "{kline}");
            assert_eq!(
                number(&kline["V"]),
                sum(bought.map(|trade| number(&trade["q"])))
            );
            assert_eq!(kline["n"].as_u64().unwrap(), trades.len() as u64);
            if let [first, .., last] = trades.as_slice() {
                assert_eq!((&kline["f"], &kline["L"]), (&first["t"], &last["t"]));
                assert_eq!((&kline["o"], &kline["c"]), (&first["p"], &last["p"]));
                let prices = || trades.iter().map(|trade| number(&trade["p"]));
                assert_eq!(Some(number(&kline["h"])), prices().max());
                assert_eq!(Some(number(&kline["l"])), prices().min());
            }
        }
    }
}

#[test]
fn each_stream_of_figures_speaks_at_the_rhythm_that_its_venue_documents() {
    let binance = |names: &'static [(&'static str, usize)]| (names, 60);
    let cases = [
        (
            Market::BinanceSpot,
            "/stream",
            binance(&[
                ("btcusdt@kline_1m", 30),
                ("btcusdt@kline_1d@+08:00", 30),
                ("btcusdt@ticker", 60),
                ("btcusdt@miniTicker", 60),
                ("btcusdt@ticker_1h", 60),
                ("btcusdt@avgPrice", 60),
            ]),
        ),
        (
            Market::BinanceUsdm,
            "/market/stream",
            binance(&[
                ("btcusdt@kline_1m", 240),
                ("btcusdt_perpetual@continuousKline_1m", 240),
                ("btcusdt@ticker", 30),
                ("btcusdt@markPrice", 20),
                ("btcusdt@markPrice@1s", 60),
                ("!markPrice@arr", 20),
                ("!markPrice@arr@1s", 60),
            ]),
        ),
        (
            Market::BinanceCoinm,
            "/stream",
            binance(&[
                ("btcusd_perp@ticker", 120),
                ("btcusd_perp@miniTicker", 120),
                ("btcusd@indexPrice", 60),
                ("btcusd@indexPriceKline_1m", 240),
                ("btcusd_perp@markPriceKline_1m", 240),
                ("btcusd@markPrice@1s", 60),
                // Of two contracts here and two there, each for itself.
                ("!bookTicker", 12 * 4),
            ]),
        ),
    ];
    for (market, path, (names, seconds)) in cases {
        let mut world = world(market, 4);
        let list: Vec<&str> = names.iter().map(|(name, _)| *name).collect();
        let list = list.join("/").replace('+', "%2B");
        let peer = world.connect(&format!("{path}?streams={list}"));
        world.run(Duration::from_secs(seconds));
        let streams = by_stream(&world, peer);
        for (name, count) in names {
            let came = streams.get(*name).map_or(0, Vec::len);
            assert_eq!(came, *count, "{market} {name}");
        }
    }
}

#[test]
fn streams_of_all_futures_show_both_markets_and_say_which() {
    for (market, path, symbols) in [
        (
            Market::BinanceUsdm,
            "/market/stream",
            ["BTCUSDT", "BTCUSD_PERP"],
        ),
        (Market::BinanceCoinm, "/stream", ["BTCUSD_PERP", "BTCUSDT"]),
    ] {
        let mut world = world(market, 5);
        let names = "!ticker@arr/!miniTicker@arr/!markPrice@arr@1s/!forceOrder@arr/!contractInfo";
        let peer = world.connect(&format!("{path}?streams={names}"));
        world.run(Duration::from_secs(600));
        let streams = by_stream(&world, peer);
        for name in names.split('/') {
            let messages = streams[name].iter();
            let rows: Vec<&Value> = messages
                .flat_map(|message| match message.as_array() {
                    Some(rows) => rows.iter().collect(),
                    None => vec![message],
                })
                .collect();
            for symbol in symbols {
                let symbol_of = |row: &Value| match row.get("o").filter(|order| order.is_object()) {
                    Some(order) => order["s"].clone(),
                    None => row["s"].clone(),
                };
                let is_it = |row: &&&Value| symbol_of(row) == symbol;
                let kind = if symbol == "BTCUSDT" { 1 } else { 2 };
                let mut of_symbol = rows.iter().filter(is_it).peekable();
                assert!(of_symbol.peek().is_some(), "{name} {symbol}");
                assert!(of_symbol.all(|row| row["st"] == kind), "{name} {symbol}");
            }
        }
    }
}

#[test]
fn coin_margined_contracts_are_counted_in_contracts() {
    let mut world = world(Market::BinanceCoinm, 6);
    let names =
        "btcusd_perp@aggTrade/btcusd_perp@trade/btcusd_perp@depth@100ms/btcusd_perp@kline_1m";
    let peer = world.connect(&format!("/stream?streams={names}"));
    world.run(Duration::from_secs(130));
    let streams = by_stream(&world, peer);
    for trade in &streams["btcusd_perp@aggTrade"] {
        assert!(trade["q"].as_str().unwrap().parse::<u64>().unwrap() > 0);
        assert_eq!(
            (&trade["s"], &trade["st"]),
            (&"BTCUSD_PERP".into(), &2.into())
        );
    }
    let depth = &streams["btcusd_perp@depth@100ms"][0];
    assert_eq!((&depth["ps"], &depth["st"]), (&"BTCUSD".into(), &2.into()));
    let mut klines = streams["btcusd_perp@kline_1m"]
        .iter()
        .map(|message| &message["k"]);
    let kline = klines.find(|kline| kline["x"] == true).unwrap();
    // Contracts of 100 USD, at some 67,000 USD a bitcoin.
    let (contracts, coins) = (number(&kline["v"]), number(&kline["q"]));
    let price = contracts * 100 * 100_000_000 / coins;
    let close = number(&kline["c"]);
    assert!((price - close).abs() < close / 100, "{price} {close}");
}

#[test]
fn the_mark_price_is_near_the_middle_and_liquidations_are_trades() {
    let mut world = world(Market::BinanceUsdm, 7);
    let market = world
        .connect("/market/stream?streams=btcusdt@markPrice@1s/btcusdt@forceOrder/btcusdt@aggTrade");
    let public = world.connect("/public/stream?streams=btcusdt@bookTicker");
    world.run(Duration::from_secs(300));
    let (market, public) = (by_stream(&world, market), by_stream(&world, public));
    let tops = &public["btcusdt@bookTicker"];
    for mark in &market["btcusdt@markPrice@1s"][1..] {
        let at = mark["E"].as_u64();
        let before = |top: &&Value| top["E"].as_u64() <= at;
        let top = tops.iter().rfind(before).unwrap();
        let middle = (number(&top["b"]) + number(&top["a"])) / 2;
        let away = (number(&mark["p"]) - middle).abs();
        assert!(away < middle / 500, "{mark} {top}");
        assert!(number(&mark["r"]).abs() <= 300_000, "{mark}");
        assert!(mark["T"].as_u64() > at);
    }
    let liquidations = &market["btcusdt@forceOrder"];
    assert!(liquidations.len() > 5);
    for order in liquidations.iter().map(|message| &message["o"]) {
        let was_traded = market["btcusdt@aggTrade"].iter().any(|trade| {
            let maker = order["S"] == "SELL";
            trade["p"] == order["p"] && trade["q"] == order["q"] && trade["m"] == maker
        });
        assert!(was_traded, "{order}");
    }
}

#[test]
fn okx_says_how_things_stand_at_once_and_then_at_its_rhythm() {
    let mut world = world(Market::Okx, 8);
    let public = world.connect("/ws/v5/public");
    let business = world.connect("/ws/v5/business");
    let args = [
        (public, "index-tickers", "BTC-USDT", 61),
        (public, "funding-rate", "BTC-USDT-SWAP", 3),
        (public, "mark-price", "BTC-USDT-SWAP", 61),
        (public, "price-limit", "BTC-USDT", 61),
        (public, "open-interest", "BTC-USDT-SWAP", 21),
        (public, "instruments", "SWAP", 2),
        (business, "candle1m", "BTC-USDT", 61),
        (business, "mark-price-candle1m", "BTC-USDT-SWAP", 61),
        (business, "index-candle1Dutc", "BTC-USDT", 61),
    ];
    for (peer, channel, subject, _) in args {
        let key = if subject.contains('-') {
            "instId"
        } else {
            "instType"
        };
        let text = format!(
            r#"{{"op":"subscribe","args":[{{"channel":"{channel}","{key}":"{subject}"}}]}}"#
        );
        let replies = world.ask(peer, &text);
        assert!(replies[0].contains(r#""event":"subscribe""#), "{replies:?}");
    }
    world.run(Duration::from_millis(300));
    for peer in [public, business] {
        let wanted = args.iter().filter(|(of, ..)| *of == peer).count();
        assert_eq!(by_stream(&world, peer).len(), wanted);
    }
    for _ in 0..60 {
        world.run(Duration::from_secs(1));
        for peer in [public, business] {
            world.send(peer, "ping");
        }
    }
    for (peer, channel, subject, count) in args {
        let streams = by_stream(&world, peer);
        let came = streams[&format!("{channel}:{subject}")].len();
        let more = usize::from(channel == "instruments") * 10;
        assert!((count..=count + more).contains(&came), "{channel}: {came}");
    }
}

#[test]
fn okx_candles_are_the_sums_of_all_fills_and_books5_is_the_top_of_books() {
    let mut world = world(Market::Okx, 9);
    let public = world.connect("/ws/v5/public");
    let business = world.connect("/ws/v5/business");
    let ask = |world: &mut World, peer, channels: &[&str], key, subject| {
        for channel in channels {
            let text = format!(
                r#"{{"op":"subscribe","args":[{{"channel":"{channel}","{key}":"{subject}"}}]}}"#
            );
            assert!(world.ask(peer, &text)[0].contains("subscribe"));
        }
    };
    ask(
        &mut world,
        business,
        &["trades-all", "candle1m"],
        "instId",
        "BTC-USDT-SWAP",
    );
    ask(
        &mut world,
        public,
        &["books5", "bbo-tbt"],
        "instId",
        "BTC-USDT-SWAP",
    );
    ask(
        &mut world,
        public,
        &["liquidation-orders"],
        "instType",
        "SWAP",
    );
    world.run(Duration::from_secs(190));
    let (public, business) = (by_stream(&world, public), by_stream(&world, business));
    let confirmed: Vec<&Value> = business["candle1m:BTC-USDT-SWAP"]
        .iter()
        .filter(|candle| candle[8] == "1")
        .collect();
    assert_eq!(confirmed.len(), 3);
    let fills = &business["trades-all:BTC-USDT-SWAP"];
    for candle in confirmed {
        let from: u64 = candle[0].as_str().unwrap().parse().unwrap();
        let within = |fill: &&Value| {
            let at: u64 = fill["ts"].as_str().unwrap().parse().unwrap();
            (from..from + 60_000).contains(&at)
        };
        let volume = sum(fills.iter().filter(within).map(|fill| number(&fill["sz"])));
        assert_eq!(number(&candle[5]), volume);
        // A contract is a hundredth of a bitcoin.
        assert_eq!(number(&candle[6]) * 100, volume);
    }
    let tops = &public["bbo-tbt:BTC-USDT-SWAP"];
    for five in &public["books5:BTC-USDT-SWAP"] {
        assert_eq!(five["asks"].as_array().unwrap().len(), 5);
        if let Some(top) = tops.iter().find(|top| top["seqId"] == five["seqId"]) {
            assert_eq!(top["asks"][0], five["asks"][0]);
            assert_eq!(top["bids"][0], five["bids"][0]);
        }
    }
    let orders = &public["liquidation-orders:SWAP"];
    assert!(orders.iter().all(|order| order["instType"] == "SWAP") && orders.len() > 5);
}
