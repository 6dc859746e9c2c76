//! `run` against a twin: the file has all that the books are made of.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::process::Stdio;
use std::time::Duration;

use marketprism::Runtime;
use marketprism::twin::{Exchange, Options, Server};
use marketprism_core::book::{Limits, Rule, Sync, Verdict};
use marketprism_core::market::{Book, BookKind, Level, Market};
use serde_json::Value;

use crate::collect::{Twin, interrupt, wait_for_lines};
use crate::program::{Scratch, on_each_runtime, program, text};

#[test]
fn the_lines_of_a_file_make_the_books_without_a_hole() {
    on_each_runtime(makes_the_books);
}

fn server() -> Server {
    let mut options = Options::new(Market::BinanceSpot);
    options.pace = Duration::from_millis(5);
    let exchange = Exchange::new(Market::BinanceSpot, options, 7);
    Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), None).unwrap()
}

fn makes_the_books(runtime: Runtime) {
    let scratch = Scratch::new();
    let twin = Twin::serve(server);
    let events = scratch.path("events.ndjson");
    let settings = format!(
        "collect:
  - {{market: binance-spot, instruments: [BTCUSDT, ETHUSDT], channels: [depth@100ms]}}
settings: {{websocket: 'ws://{}', rest: 'http://{}'}}
sink: {{file: '{}'}}
runtime: {runtime}
",
        twin.address,
        twin.address,
        events.display()
    );
    let config = scratch.write("config.yaml", &settings);
    let mut command = program();
    command.arg("run").arg(config).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_for_lines(&events, 400);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    twin.end();
    rebuild(&std::fs::read_to_string(&events).unwrap());
}

/// Keeps the books by the lines alone, and hears the same of them as the session told.
fn rebuild(lines: &str) {
    let mut books = BTreeMap::new();
    let mut told = 0;
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let sync = books
            .entry(line["instrument"].to_string())
            .or_insert_with(|| Sync::new(Rule::Spot, Limits::DEFAULT));
        match line["kind"].as_str().unwrap() {
            "gap" => panic!("{line}"),
            "book" => {
                let verdict = apply(sync, &line);
                let bad = matches!(verdict, Verdict::Broken(_) | Verdict::Refused(_));
                assert!(!bad, "{verdict:?} by {line}");
            }
            "book_state" if line["state"] == "synchronised" => {
                told += 1;
                assert_eq!(sync.last(), line["last"].as_i64());
            }
            _ => {}
        }
    }
    assert_eq!(told, 2, "each book once");
}

fn apply(sync: &mut Sync, line: &Value) -> Verdict {
    let levels = |side: &str| -> Vec<Level> {
        let rows = line[side].as_array().unwrap().iter();
        rows.map(|row| {
            let number = |place: usize| row[place].as_str().unwrap().parse().unwrap();
            Level::new(number(0), number(1))
        })
        .collect()
    };
    let (bids, asks) = (levels("bids"), levels("asks"));
    sync.apply(&Book {
        kind: match line["book"] == "snapshot" {
            true => BookKind::Snapshot,
            false => BookKind::Delta,
        },
        first: line["first"].as_i64(),
        last: line["last"].as_i64(),
        previous: None,
        checksum: None,
        bids: &bids,
        asks: &asks,
    })
}
