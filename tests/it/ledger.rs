//! `ledger` over written lines: what it prints, and what it refuses.

use std::fs;
use std::path::Path;
use std::process::Output;

use crate::program::{Scratch, program, text};

/// 2026-11-21 10:00:00 UTC.
const TEN: u64 = 1_795_255_200_000_000_000;

fn ledger(place: &Path, more: &[&str]) -> Output {
    let mut command = program();
    command.arg("ledger").arg(place).args(more);
    command.output().unwrap()
}

fn head(kind: &str, millis: u64) -> String {
    let received = TEN + millis * 1_000_000;
    format!(
        r#"{{"kind":"{kind}","session":"binance-spot-1","received_ns":{received},"venue":"binance","market":"binance-spot","#
    )
}

fn trade(millis: u64, id: i64) -> String {
    let head = head("trade", millis);
    format!(
        r#"{head}"instrument":"BTCUSDT","channel":"trade","id":{id},"price":"1","quantity":"1","aggressor":"buy"}}"#
    ) + "\n"
}

fn gap(millis: u64, from: i64, to: i64) -> String {
    let head = head("gap", millis);
    let since = TEN + (millis - 1500) * 1_000_000;
    format!(
        r#"{head}"instrument":"BTCUSDT","channel":"trade","cause":"connection","from":{from},"to":{to},"since_ns":{since}}}"#
    ) + "\n"
}

#[test]
fn what_is_missing_is_told_with_its_cause_and_its_time() {
    let scratch = Scratch::new();
    let lines = [
        trade(0, 7),
        trade(500, 8),
        gap(2000, 9, 11),
        trade(2000, 12),
    ]
    .concat();
    let file = scratch.write("events.ndjson", &lines);
    let output = ledger(&file, &[]);
    assert_eq!(
        text(&output.stdout),
        "2026-11-21 UTC
  stream                          messages     missing  duplicates    late  first     last      verdict
  binance-spot BTCUSDT trade             3           3           0       0  10:00:00  10:00:02  gaps
    connection: 3 of 9 to 11 missing, from 10:00:00.500 to 10:00:02.000
1 day of streams: 1 gaps
"
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
}

#[test]
fn what_nobody_tells_of_is_unexplained_and_exits_with_1() {
    let scratch = Scratch::new();
    let lines = [trade(0, 7), trade(500, 9), trade(1000, 10)].concat();
    let file = scratch.write("events.ndjson", &lines);
    let output = ledger(&file, &["--json"]);
    let expected = format!(
        r#"{{"day":"2026-11-21","market":"binance-spot","instrument":"BTCUSDT","channel":"trade","verdict":"unexplained","first_ns":{TEN},"last_ns":{},"messages":3,"duplicates":0,"late":0,"overlaps":0,"resets":0,"backfilled":0,"never_given":0,"runs":[[7,7],[9,10]],"backfilled_runs":[],"joined":0,"gaps":[{{"from":8,"to":8,"cause":"unexplained","since_ns":{TEN},"until_ns":{},"left":1,"merged":0}}],"silences":[]}}"#,
        TEN + 1_000_000_000,
        TEN + 500_000_000
    );
    assert_eq!(text(&output.stdout).trim_end(), expected);
    assert_eq!(output.status.code(), Some(1));
    let words = "marketprism: something is missing and nothing tells why\n";
    assert_eq!(text(&output.stderr), words);
}

#[test]
fn lines_that_were_lost_on_the_way_to_the_sink_explain_what_is_missing() {
    let scratch = Scratch::new();
    let overflow =
        head("gap", 600) + &format!(r#""cause":"overflow","lost":2,"since_ns":{TEN}}}"#) + "\n";
    let lines = [trade(0, 7), overflow, trade(700, 10)].concat();
    let output = ledger(&scratch.write("events.ndjson", &lines), &[]);
    assert!(text(&output.stdout).contains("overflow: 2 of 8 to 9 missing, from 10:00:00.000"));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_folder_is_read_in_the_order_of_what_its_files_hold() {
    let scratch = Scratch::new();
    // Their names are in another order, and one is no event file.
    scratch.write("a.ndjson.2", &[trade(2000, 9), trade(2500, 10)].concat());
    scratch.write("b.ndjson", &[trade(0, 7), trade(500, 8)].concat());
    scratch.write("c.ndjson", "");
    scratch.write("notes.txt", "nothing of ours\n");
    let output = ledger(&scratch.path("."), &[]);
    assert!(text(&output.stdout).ends_with("1 day of streams: 1 whole\n"));
    assert_eq!(output.status.code(), Some(0));
}

#[test]
fn a_line_that_was_cut_off_is_told_and_what_it_said_is_missing() {
    let scratch = Scratch::new();
    let cut = trade(500, 8);
    let cut = &cut[..cut.len() - 20];
    let lines = [&trade(0, 7), cut, "\n", &trade(1000, 9), &cut[..40]].concat();
    let file = scratch.write("events.ndjson", &lines);
    let output = ledger(&file, &[]);
    let told = text(&output.stdout);
    for line in [2, 4] {
        let place = format!("{}:{line} was cut off", file.display());
        assert!(told.contains(&place), "{told}");
    }
    assert!(told.contains("unexplained: 1 of 8 to 8 missing"), "{told}");
    assert_eq!(output.status.code(), Some(1));
}

#[test]
fn what_is_no_event_line_is_refused_in_one_sentence() {
    let scratch = Scratch::new();
    let decoded = r#"{"kind":"trade","venue":"binance","market":"binance-spot","instrument":"BTCUSDT","channel":"trade","id":1}"#;
    let table = [
        (
            "collect:\n",
            "line 2 of FILE is no event line: expected value at line 1 column 1; take it out, or name the right file",
        ),
        (
            decoded,
            "line 2 of FILE is no event line: it does not say when it was received, as lines of `decode` do not; take it out, or name the right file",
        ),
    ];
    for (line, sentence) in table {
        let file = scratch.write("events.ndjson", &(trade(0, 7) + line));
        let output = ledger(&file, &[]);
        let sentence = sentence.replace("FILE", &file.display().to_string());
        assert_eq!(text(&output.stderr), format!("marketprism: {sentence}\n"));
        assert_eq!(
            (output.status.code(), output.stdout.is_empty()),
            (Some(1), true)
        );
    }
    let missing = scratch.path("none.ndjson");
    let told = ledger(&missing, &[]);
    let sentence = format!("marketprism: cannot read {}: ", missing.display());
    assert!(text(&told.stderr).starts_with(&sentence));
    let empty = scratch.path("empty");
    fs::create_dir(&empty).unwrap();
    let told = ledger(&empty, &[]);
    let sentence = format!(
        "there is no file with `.ndjson` in its name in {}",
        empty.display()
    );
    assert_eq!(text(&told.stderr), format!("marketprism: {sentence}\n"));
}

#[test]
fn lines_of_a_later_version_are_passed_over_and_counted() {
    let scratch = Scratch::new();
    let strange = trade(100, 8).replace("\"trade\",\"id\"", "\"trade@7ns\",\"id\"");
    let lines = [trade(0, 7), strange, trade(500, 8)].concat();
    let output = ledger(&scratch.write("events.ndjson", &lines), &[]);
    assert!(text(&output.stdout).ends_with(
        "1 day of streams: 1 whole\n1 line is of a stream or kind that this version does not know\n"
    ));
    assert_eq!(output.status.code(), Some(0));
}
