//! `run` with the venues' lists of instruments: contracts are told in base currency as well, what
//! is not listed is refused, and where no list can be had collecting goes on and says so.
#![cfg(unix)]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::Duration;

use marketprism::Runtime;
use marketprism::twin::{Exchange, Instrument, Options, Server, wall_clock};
use marketprism_core::market::{Market, Wide};
use serde_json::Value;

use crate::collect::{Twin, interrupt, last_words, wait_until};
use crate::program::{Scratch, on_each_runtime, program, text};

/// Market, instruments with their symbols, and channels.
type Collected = (
    Market,
    &'static [(&'static str, &'static str)],
    &'static str,
);

const COLLECTED: [Collected; 3] = [
    (
        Market::Okx,
        &[
            ("BTC-USDT", "BTC/USDT"),
            ("ETH-USDT-SWAP", "ETH/USDT:USDT"),
            ("BTC-USD-SWAP", "BTC/USD:BTC"),
        ],
        "trades, bbo-tbt",
    ),
    (
        Market::BinanceCoinm,
        &[("BTCUSD_PERP", "BTC/USD:BTC")],
        "aggTrade, bookTicker",
    ),
    (
        Market::BinanceSpot,
        &[("BTCUSDT", "BTC/USDT"), ("ETHUSDT", "ETH/USDT")],
        "trade",
    ),
];

fn twin(market: Market, instruments: &[(&str, &str)]) -> Twin {
    let of = |(name, _): &(&str, &str)| Instrument::new(market, name).unwrap();
    let instruments: Vec<_> = instruments.iter().map(of).collect();
    Twin::serve(move || {
        let mut options = Options::new(market);
        options.instruments = instruments;
        options.origin = wall_clock();
        options.pace = Duration::from_millis(10);
        let exchange = Exchange::new(market, options, 5);
        Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), None).unwrap()
    })
}

/// A configuration for one entry of each market, which has its server there.
fn config(
    scratch: &Scratch,
    runtime: Runtime,
    entries: &[(Collected, SocketAddr, SocketAddr)],
    more: &str,
) -> String {
    let mut text = String::from("collect:\n");
    for ((market, instruments, channels), ..) in entries {
        let names: Vec<_> = instruments.iter().map(|(name, _)| *name).collect();
        let names = names.join(", ");
        text +=
            &format!("  - {{market: {market}, instruments: [{names}], channels: [{channels}]}}\n");
    }
    text += "markets:\n";
    for ((market, ..), websocket, rest) in entries {
        text += &format!("  {market}: {{websocket: 'ws://{websocket}', rest: 'http://{rest}'}}\n");
    }
    let events = scratch.path("events.ndjson");
    let events = events.display();
    text += &format!("sink: {{file: '{events}'}}\nruntime: {runtime}\n{more}");
    scratch.write("config.yaml", &text).display().to_string()
}

fn start(config: &str) -> Child {
    let mut command = program();
    let quiet = command.args(["run", config]).stdout(Stdio::null());
    quiet.stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the lines of a file are as they are to be.
fn wait_for(scratch: &Scratch, mut enough: impl FnMut(&[Value]) -> bool) -> Vec<Value> {
    let mut lines: Vec<Value> = Vec::new();
    wait_until(&scratch.path("events.ndjson"), |written| {
        let whole = written.rsplit_once('\n').map_or("", |(whole, _)| whole);
        let read = whole
            .lines()
            .map(|line| serde_json::from_str(line).unwrap());
        lines = read.collect();
        enough(&lines)
    });
    lines
}

fn stop(child: Child) -> Output {
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    output
}

fn is(line: &Value, kind: &str) -> bool {
    line["kind"] == kind
}

fn wide(value: &Value) -> Wide {
    value.as_str().unwrap().parse().unwrap()
}

/// A server that gives each request the next of these answers, the last for ever.
fn rest(answers: &'static [(u16, &'static str)]) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || {
        for (asked, stream) in listener.incoming().enumerate() {
            let (status, body) = answers[asked.min(answers.len() - 1)];
            answer(stream.unwrap(), status, body);
        }
    });
    address
}

fn answer(mut stream: TcpStream, status: u16, body: &str) {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") && stream.read(&mut byte).unwrap() > 0 {
        head.extend(byte);
    }
    let length = body.len();
    let head = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n");
    // A client that has gone needs no answer.
    let _sent = stream.write_all(format!("{head}\r\n{body}").as_bytes());
}

#[test]
fn every_line_has_both_values_and_its_symbol_from_the_first_on() {
    on_each_runtime(has_both_values);
}

fn has_both_values(runtime: Runtime) {
    let scratch = Scratch::new();
    let twins = COLLECTED.map(|(market, instruments, _)| twin(market, instruments));
    let entries = [0, 1, 2].map(|place| {
        let address = twins[place].address;
        (COLLECTED[place], address, address)
    });
    let child = start(&config(&scratch, runtime, &entries, ""));
    let names = COLLECTED.iter().flat_map(|(market, instruments, _)| {
        let named = instruments.iter();
        named.map(move |(name, symbol)| (market.name(), *name, *symbol))
    });
    let names: Vec<_> = names.collect();
    let lines = wait_for(&scratch, |lines| {
        let count = |name: &&str| {
            let traded = |line: &&Value| is(line, "trade") && line["instrument"] == **name;
            lines.iter().filter(traded).count()
        };
        names.iter().all(|(_, name, _)| count(name) >= 10)
    });
    stop(child);
    let data = |line: &&Value| is(line, "trade") || is(line, "book") || is(line, "ticker");
    for line in lines.iter().filter(data) {
        let is_it = |(market, name, _): &&(&str, &str, &str)| {
            line["market"] == *market && line["instrument"] == *name
        };
        let (_, name, symbol) = names.iter().find(is_it).unwrap();
        assert_eq!(line["symbol"], *symbol, "{line}");
        match is(line, "trade") {
            true => assert_worth(name, line),
            false => assert_unit(name, line),
        }
    }
    // The file says by which terms.
    let terms = lines.iter().filter(|line| is(line, "instrument"));
    assert_eq!(terms.count(), names.len());
    twins.into_iter().for_each(|twin| drop(twin.end()));
}

/// The terms of the twin's contracts, and what follows from them, calculated anew.
fn assert_worth(name: &str, line: &Value) {
    let quantity = wide(&line["quantity"]);
    match name {
        "ETH-USDT-SWAP" => {
            let (mantissa, scale) = (quantity.mantissa(), quantity.scale());
            let tenth = Wide::new(mantissa, scale + 1).unwrap();
            assert_eq!(wide(&line["base_quantity"]), tenth, "{line}");
            assert!(line.get("quote_quantity").is_none() && line.get("rounded").is_none());
        }
        "BTC-USD-SWAP" | "BTCUSD_PERP" => {
            let (mantissa, scale) = (quantity.mantissa() * 100, quantity.scale());
            let dollars = Wide::new(mantissa, scale).unwrap();
            assert_eq!(wide(&line["quote_quantity"]), dollars, "{line}");
            let price = wide(&line["price"]);
            let exponent = 12 + u32::from(price.scale()) - u32::from(scale);
            let above = mantissa * 10_i128.pow(exponent);
            let (whole, rest) = (above / price.mantissa(), above % price.mantissa());
            let up = i128::from(rest * 2 >= price.mantissa());
            let base = Wide::new(whole + up, 12).unwrap();
            assert_eq!(wide(&line["base_quantity"]), base, "{line}");
            assert_eq!(line.get("rounded").is_some(), rest != 0, "{line}");
        }
        _ => assert!(line.get("base_quantity").is_none(), "{line}"),
    }
}

fn assert_unit(name: &str, line: &Value) {
    let unit = match name {
        "ETH-USDT-SWAP" => Some(("0.1", "ETH")),
        "BTC-USD-SWAP" | "BTCUSD_PERP" => Some(("100", "USD")),
        _ => None,
    };
    let told = line["contract_value"].as_str();
    let told = told.zip(line["contract_currency"].as_str());
    assert_eq!(told, unit, "{line}");
}

const COLLIDING: &str = r#"{"symbols":[
    {"symbol":"BTCUSDT","baseAsset":"BTC","quoteAsset":"USDT","filters":[]},
    {"symbol":"ETHUSDT","baseAsset":"BTC","quoteAsset":"USDT","filters":[]}]}"#;

const ONE: &str = r#"{"symbols":[
    {"symbol":"BTCUSDT","baseAsset":"BTC","quoteAsset":"USDT","filters":[]}]}"#;

const FUTURES: &str = r#"{"symbols":[{"symbol":"BTCUSD_PERP","contractType":"PERPETUAL",
    "baseAsset":"BTC","quoteAsset":"USD","marginAsset":"BTC","contractSize":100,"filters":[]}]}"#;

/// What `run` says before it ends by itself.
fn refusal(entry: Collected, answers: &'static [(u16, &'static str)], runtime: Runtime) -> String {
    let scratch = Scratch::new();
    let (market, instruments, _) = entry;
    let twin = twin(market, instruments);
    let entries = [(entry, twin.address, rest(answers))];
    let child = start(&config(&scratch, runtime, &entries, ""));
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(2), "{}", text(&output.stderr));
    let ledger = twin.end();
    assert_eq!(ledger.messages(), 0, "nothing is collected");
    last_words(&output).to_owned()
}

#[test]
fn instruments_that_cannot_be_told_apart_are_an_error_at_the_start() {
    on_each_runtime(|runtime| {
        assert_eq!(
            refusal(COLLECTED[2], &[(200, COLLIDING)], runtime),
            "marketprism: instruments of binance-spot cannot be told apart: `BTCUSDT` and `ETHUSDT` are both BTC/USDT"
        );
    });
}

#[test]
fn an_instrument_that_is_not_listed_is_an_error_at_the_start() {
    on_each_runtime(|runtime| {
        let wrong: Collected = (Market::BinanceCoinm, &[("BTCUSD_PREP", "")], "aggTrade");
        assert_eq!(
            refusal(wrong, &[(200, FUTURES)], runtime),
            "marketprism: binance-coinm has no instrument `BTCUSD_PREP` in its list"
        );
        let none = r#"{"code":-1121,"msg":"Invalid symbol."}"#;
        let answers: &[_] = Box::leak(Box::new([(400, none)]));
        let wrong: Collected = (Market::BinanceSpot, &[("BTCUSDX", "")], "trade");
        assert_eq!(
            refusal(wrong, answers, runtime),
            "marketprism: binance-spot has no instrument `BTCUSDX` in its list"
        );
    });
}

#[test]
fn what_is_not_listed_is_told_where_that_is_wanted() {
    on_each_runtime(|runtime| {
        let scratch = Scratch::new();
        let entry: Collected = (Market::BinanceUsdm, &[("ETHUSDT", "")], "aggTrade");
        let twin = twin(entry.0, entry.1);
        let entries = [(entry, twin.address, rest(&[(200, ONE)]))];
        let config = config(&scratch, runtime, &entries, "unlisted: tell\n");
        let child = start(&config);
        let lines = wait_for(&scratch, |lines| lines.iter().any(|line| is(line, "trade")));
        let output = stop(child);
        let told = "binance-usdm has no instrument `ETHUSDT` in its list";
        assert!(text(&output.stderr).contains(told));
        let is_told =
            |line: &Value| line["change"] == "unlisted" && line["instrument"] == "ETHUSDT";
        assert!(lines.iter().any(is_told));
        drop(twin.end());
    });
}

#[test]
fn without_a_list_collecting_goes_on_and_base_values_follow_once_it_is_there() {
    on_each_runtime(|runtime| {
        let scratch = Scratch::new();
        let entry = COLLECTED[1];
        let twin = twin(entry.0, entry.1);
        let answers = &[(503, ""), (503, ""), (503, ""), (200, FUTURES)];
        let entries = [(entry, twin.address, rest(answers))];
        let child = start(&config(&scratch, runtime, &entries, ""));
        let lines = wait_for(&scratch, |lines| {
            let whole = |line: &&Value| is(line, "trade") && line.get("base_quantity").is_some();
            lines.iter().filter(whole).count() >= 5
        });
        let output = stop(child);
        assert!(
            text(&output.stderr)
                .contains("the list of instruments of binance-coinm cannot be had yet")
        );
        let step = |change: &str| {
            let is_it = |line: &Value| {
                line["session"] == "binance-coinm-instruments" && line["change"] == change
            };
            lines.iter().position(is_it).unwrap()
        };
        let (silent, live) = (step("silent"), step("live"));
        assert!(silent < live);
        let trades = |part: &[Value]| {
            let trades = part.iter().filter(|line| is(line, "trade"));
            let worth = trades.map(|line| line.get("base_quantity").is_some());
            worth.collect::<Vec<_>>()
        };
        let (before, after) = (trades(&lines[..live]), trades(&lines[live..]));
        assert!(
            !before.is_empty() && before.iter().all(|worth| !worth),
            "{runtime}"
        );
        assert!(after.iter().all(|worth| *worth), "{runtime}");
        drop(twin.end());
    });
}

#[test]
fn two_instruments_that_turn_out_to_be_the_same_are_told_in_band() {
    on_each_runtime(|runtime| {
        let scratch = Scratch::new();
        let entry = COLLECTED[2];
        let twin = twin(entry.0, entry.1);
        let answers = &[(503, ""), (200, COLLIDING)];
        let entries = [(entry, twin.address, rest(answers))];
        let child = start(&config(&scratch, runtime, &entries, ""));
        let lines = wait_for(&scratch, |lines| {
            lines.iter().any(|line| is(line, "collision"))
        });
        stop(child);
        let collision = lines.iter().find(|line| is(line, "collision")).unwrap();
        assert_eq!(collision["instrument"], "ETHUSDT");
        assert_eq!(collision["other"], "BTCUSDT");
        assert_eq!(collision["symbol"], "BTC/USDT");
        drop(twin.end());
    });
}
