//! `decode --books`: the events, what the books are worth, and their tops.

use std::fs;

use serde_json::Value;

use crate::program::{Scratch, program, recordings, run_with, text};

const SPOT: &str = r#"{"stream":"bnbbtc@depth","data":{"e":"depthUpdate","E":1,"s":"BNBBTC","U":5,"u":8,"b":[["0.0024","10"]],"a":[]}}
{"stream":"bnbbtc@depth","data":{"e":"depthUpdate","E":2,"s":"BNBBTC","U":9,"u":9,"b":[],"a":[["0.0026","0"]]}}
{"stream":"bnbbtc@depth","data":{"e":"depthUpdate","E":2,"s":"BNBBTC","U":9,"u":9,"b":[],"a":[["0.0026","0"]]}}
{"stream":"bnbbtc@depth","data":{"e":"depthUpdate","E":3,"s":"BNBBTC","U":12,"u":14,"b":[["0.0025","1"]],"a":[]}}
{"stream":"bnbbtc@depth","data":{"e":"depthUpdate","E":4,"s":"BNBBTC","U":15,"u":15,"b":[],"a":[["0.0025","1"]]}}
"#;

const ANSWERS: &str = r#"{"lastUpdateId":3,"bids":[["0.0023","1"]],"asks":[]}
{"lastUpdateId":7,"bids":[["0.0023","1"]],"asks":[["0.0026","4"],["0.00270","5"]]}
{"lastUpdateId":14,"bids":[["0.0024","2"]],"asks":[["0.0027","5"]]}
"#;

/// Kind, and of lines about books the rest behind the channel.
fn outline(stdout: &[u8]) -> Vec<String> {
    text(stdout)
        .lines()
        .map(|line| {
            let value: Value = serde_json::from_str(line).unwrap();
            let kind = value["kind"].as_str().unwrap();
            match kind {
                "book" => format!(
                    "{kind} {} {}",
                    value["book"].as_str().unwrap(),
                    value["last"]
                ),
                "book_top" => format!(
                    "{kind} {} {} {}",
                    value["last"], value["bids"], value["asks"]
                ),
                "book_state" => {
                    let field = |name: &str| {
                        let found = value.get(name);
                        found.map_or_else(String::new, |found| format!(" {name} {found}"))
                    };
                    let state = value["state"].as_str().unwrap();
                    let fields = ["last", "cause", "from", "to"].map(field).concat();
                    format!("{kind} {state}{fields}")
                }
                other => other.to_owned(),
            }
        })
        .collect()
}

#[test]
fn after_each_change_the_top_is_printed_and_what_breaks_a_book_is_named() {
    let scratch = Scratch::new();
    let answers = scratch.write("answers.txt", ANSWERS);
    let snapshot = format!("BNBBTC={}", answers.display());
    let output = run_with(
        &[
            "decode",
            "--market",
            "binance-spot",
            "--books=2",
            "--snapshot",
            &snapshot,
        ],
        SPOT.as_bytes(),
    );
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let expected = [
        "book delta 8",
        "book snapshot 3",
        "book_state refused cause \"older-than-changes\"",
        "book snapshot 7",
        "book_state synchronised last 8",
        r#"book_top 8 [["0.0024","10"],["0.0023","1"]] [["0.0026","4"],["0.00270","5"]]"#,
        "book delta 9",
        r#"book_top 9 [["0.0024","10"],["0.0023","1"]] [["0.00270","5"]]"#,
        "book delta 9",
        "book_state known last 9",
        "book delta 14",
        "book_state broken cause \"gap\" from 10 to 11",
        "book snapshot 14",
        "book_state synchronised last 14",
        r#"book_top 14 [["0.0024","2"]] [["0.0027","5"]]"#,
        "book delta 15",
        r#"book_top 15 [["0.0024","2"]] [["0.0025","1"],["0.0027","5"]]"#,
    ];
    assert_eq!(outline(&output.stdout), expected);
    let account = text(&output.stderr).lines().next_back().unwrap();
    let expected = r#"{"messages":5,"events":8,"control":0,"unknown":0,"errors":0}"#;
    assert_eq!(account, expected);
}

#[test]
fn the_lines_of_books_say_all_that_those_of_events_say() {
    let okx = r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256","0","12"]],"ts":"1597026383085","checksum":0,"prevSeqId":-1,"seqId":123456}]}"#;
    let output = run_with(&["decode", "--market", "okx", "--books"], okx.as_bytes());
    let head = r#""venue":"okx","market":"okx","instrument":"BTC-USDT","channel":"books","exchange_ns":1597026383085000000"#;
    let lines: Vec<_> = text(&output.stdout).lines().skip(1).collect();
    let expected = [
        format!(r#"{{"kind":"book_state",{head},"state":"synchronised","last":123456}}"#),
        format!(
            r#"{{"kind":"book_top",{head},"last":123456,"bids":[["8476.97","256",12]],"asks":[["8476.98","415",13]]}}"#
        ),
    ];
    assert_eq!(lines, expected);
}

#[test]
fn a_snapshot_among_the_messages_is_that_of_the_only_book() {
    let change = |symbol: &str| {
        format!(
            r#"{{"e":"depthUpdate","E":1,"T":1,"s":"{symbol}","U":5,"u":8,"pu":4,"b":[],"a":[]}}"#
        )
    };
    let answer = r#"{"lastUpdateId":6,"E":1,"T":1,"bids":[["2","1"]],"asks":[["3","1"]]}"#;
    let arguments = ["decode", "--market", "binance-usdm", "--books"];
    let input = format!("{}\n{answer}\n", change("BTCUSDT"));
    let output = run_with(&arguments, input.as_bytes());
    let expected = [
        "book delta 8",
        "book snapshot 6",
        "book_state synchronised last 8",
        r#"book_top 8 [["2","1"]] [["3","1"]]"#,
    ];
    assert_eq!(outline(&output.stdout), expected);

    let input = format!("{}\n{}\n{answer}\n", change("BTCUSDT"), change("ETHUSDT"));
    let output = run_with(&arguments, input.as_bytes());
    assert_eq!(outline(&output.stdout), ["book delta 8", "book delta 8"]);
    let report = text(&output.stderr).lines().next().unwrap();
    assert!(report.contains("--snapshot says whose it is"), "{report}");
}

#[test]
fn a_snapshot_that_cannot_be_read_is_told_and_does_not_end_the_stream() {
    let scratch = Scratch::new();
    let refusal = scratch.write(
        "answers.txt",
        "{\"code\":-1121,\"msg\":\"Invalid symbol.\"}\n{}\n",
    );
    let snapshot = format!("BNBBTC={}", refusal.display());
    let arguments = [
        "decode",
        "--market",
        "binance-spot",
        "--books",
        "--snapshot",
        &snapshot,
    ];
    let output = run_with(&arguments, SPOT.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    let reports: Vec<_> = text(&output.stderr).lines().collect();
    assert!(
        reports[0].contains("the snapshot of BNBBTC: Invalid symbol."),
        "{}",
        reports[0]
    );
    assert!(
        reports[2].contains(r#""events":5"#) && reports[2].contains(r#""errors":2"#),
        "{reports:?}"
    );
    let missing = [
        "decode",
        "--market",
        "okx",
        "--books",
        "--snapshot",
        "BTC-USDT=/nonexistent",
    ];
    assert_eq!(run_with(&missing, b"").status.code(), Some(1));
    let alone = [
        "decode",
        "--market",
        "okx",
        "--snapshot",
        "BTC-USDT=/nonexistent",
    ];
    assert_eq!(run_with(&alone, b"").status.code(), Some(2));
}

#[test]
fn the_books_of_recorded_sessions_are_printed_without_a_break() {
    let Some(folder) = recordings() else {
        return;
    };
    // The snapshots stand among the messages; OKX sends them.
    for (market, file, tops) in [
        (
            "binance-spot",
            "session-hftbacktest-2024-08/ethusdt_20240808.ndjson",
            701,
        ),
        (
            "binance-usdm",
            "session-hftbacktest-2024-08/ethusdt_20240808.ndjson",
            743,
        ),
        (
            "binance-coinm",
            "session-hftbacktest-2024-08/ethusd_perp_20240808.ndjson",
            3036,
        ),
        (
            "okx",
            "session-cryptofeed-2021-07-22/OKEX_ws_1_0-88c5ac.ndjson",
            1504,
        ),
    ] {
        let path = folder.join(market).join(file);
        let output = program()
            .args(["decode", "--books", "--market", market])
            .arg(&path)
            .output()
            .unwrap();
        let lines = outline(&output.stdout);
        let count = |prefix: &str| lines.iter().filter(|line| line.starts_with(prefix)).count();
        assert_eq!(count("book_state broken"), 0, "{file}");
        assert_eq!(count("book_top"), tops, "{file}");
        let messages = fs::read_to_string(&path).unwrap().lines().count();
        let account: Value =
            serde_json::from_str(text(&output.stderr).lines().next_back().unwrap()).unwrap();
        assert_eq!(account["messages"], messages);
        assert_eq!(account["errors"], 0, "{file}");
    }
}
