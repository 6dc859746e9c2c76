//! `run` against a twin: the file has all that the books are made of.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use marketprism::Runtime;
use marketprism::twin::{BadAnswer, Exchange, Fault, FaultPlan, Options, Server};
use marketprism_core::book::{Limits, Rule, Sync, Verdict};
use marketprism_core::market::{Book, BookKind, Level, Market};
use serde_json::Value;

use crate::collect::{Twin, interrupt, wait_until};
use crate::program::{Scratch, on_each_runtime, program, text};

#[test]
fn the_lines_of_a_file_make_the_books_without_a_hole() {
    on_each_runtime(makes_the_books);
}

#[test]
fn books_come_back_whatever_was_answered_over_rest() {
    on_each_runtime(comes_back);
}

fn options() -> Options {
    let mut options = Options::new(Market::BinanceSpot);
    options.pace = Duration::from_millis(5);
    options
}

fn server(options: Options) -> Server {
    let exchange = Exchange::new(Market::BinanceSpot, options, 7);
    Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), None).unwrap()
}

/// A configuration that collects two books of this twin into this file.
fn config(twin: &Twin, events: &Path, runtime: Runtime) -> String {
    format!(
        "collect:
  - {{market: binance-spot, instruments: [BTCUSDT, ETHUSDT], channels: [depth@100ms]}}
settings:
  websocket: 'ws://{}'
  rest: 'http://{}'
  timers: {{retry: 20, retry_cap: 100}}
sink: {{file: '{}'}}
runtime: {runtime}
",
        twin.address,
        twin.address,
        events.display()
    )
}

/// Collects until the file is as it should be.
fn collect(twin: &Twin, runtime: Runtime, is_enough: impl Fn(&str) -> bool) -> String {
    let scratch = Scratch::new();
    let events = scratch.path("events.ndjson");
    let config = scratch.write("config.yaml", &config(twin, &events, runtime));
    let mut command = program();
    command.arg("run").arg(config).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    wait_until(&events, is_enough);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    std::fs::read_to_string(&events).unwrap()
}

fn makes_the_books(runtime: Runtime) {
    let twin = Twin::serve(|| server(options()));
    let lines = collect(&twin, runtime, |lines| lines.matches('\n').count() >= 400);
    twin.end();
    rebuild(&lines);
}

/// One that never comes is left out: it would be waited for.
fn bad_answers() -> Vec<Fault> {
    let kinds = BadAnswer::ALL.into_iter();
    let kinds = kinds.filter(|bad| *bad != BadAnswer::Unanswered);
    let span = Duration::from_millis(300);
    kinds.map(|bad| Fault::Rest(bad, span)).collect()
}

fn comes_back(runtime: Runtime) {
    let twin = Twin::serve(|| {
        let mut options = options();
        let kinds = bad_answers();
        options.faults = Some(FaultPlan {
            most: kinds.len() as u64,
            kinds,
            ..FaultPlan::every(Duration::from_millis(700))
        });
        server(options)
    });
    let struck = bad_answers().len();
    collect(&twin, runtime, |lines| {
        let downs = lines.matches(r#""status":"down""#).count();
        downs >= struck && is_whole(lines)
    });
    let ledger = twin.end();
    assert_eq!(ledger.faults().len(), struck);
}

/// Whether the last word on each book is that it is the venue's.
fn is_whole(lines: &str) -> bool {
    let states = lines.lines().filter(|line| line.contains("book_state"));
    let mut last = BTreeMap::new();
    for line in states.filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
        last.insert(line["instrument"].to_string(), line["state"].clone());
    }
    last.len() == 2 && last.values().all(|state| state == "synchronised")
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
