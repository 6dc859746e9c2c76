//! `decode`: messages in, events out, and the account at the end.

use std::fs;
use std::process::Stdio;

use crate::program::{Scratch, program, recordings, run_with, text};

const SPOT: &str = r#"{"stream":"bnbbtc@trade","data":{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0.00100000","q":"100","T":1672515782135,"m":true,"M":true}}
{"result":null,"id":1}

{"stream":"bnbbtc@depth","data":{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"]],"a":[["0.0026","0"]]}}
{"e":"tidings","E":1,"s":"BNBBTC"}
{"stream":"bnbbtc@trade","data":{"e":"trade","E":1672515782136,"s":"BNBBTC","t":12345,"p":"0x10","q":"100","T":1672515782135,"m":true,"M":true}}
not json
"#;

const SPOT_EVENTS: &str = r#"{"kind":"trade","venue":"binance","market":"binance-spot","instrument":"BNBBTC","channel":"trade","exchange_ns":1672515782135000000,"sent_ns":1672515782136000000,"id":12345,"first_id":12345,"last_id":12345,"price":"0.00100000","quantity":"100","aggressor":"sell"}
{"kind":"book","venue":"binance","market":"binance-spot","instrument":"BNBBTC","channel":"depth","sent_ns":1672515782136000000,"book":"delta","first":157,"last":160,"bids":[["0.0024","10"]],"asks":[["0.0026","0"]]}
"#;

const OKX: &str = r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3","source":"0","seqId":1234}]}
{"arg":{"channel":"bbo-tbt","instId":"BTC-USDT"},"data":[{"asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256","0","12"]],"ts":"1597026383085","seqId":123456}]}
{"event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT"},"connId":"a4d3ae55"}
pong
"#;

const OKX_EVENTS: &str = r#"{"kind":"trade","venue":"okx","market":"okx","instrument":"BTC-USDT","channel":"trades","exchange_ns":1630048897897000000,"id":130639474,"first_id":130639472,"last_id":130639474,"price":"42219.9","quantity":"0.12060306","aggressor":"buy","source":0,"sequence":1234}
{"kind":"book","venue":"okx","market":"okx","instrument":"BTC-USDT","channel":"bbo-tbt","exchange_ns":1597026383085000000,"book":"top","depth":1,"last":123456,"bids":[["8476.97","256",12]],"asks":[["8476.98","415",13]]}
"#;

/// The last line on standard error.
fn account(stderr: &[u8]) -> &str {
    text(stderr).lines().next_back().unwrap()
}

#[test]
fn events_come_out_exactly_and_bad_lines_are_reported() {
    let output = run_with(&["decode", "--market", "binance-spot"], SPOT.as_bytes());
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), SPOT_EVENTS);
    assert_eq!(
        account(&output.stderr),
        r#"{"messages":6,"events":2,"control":1,"unknown":1,"errors":2}"#
    );
    let reports: Vec<serde_json::Value> = text(&output.stderr)
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(reports.len(), 4);
    assert_eq!(
        (&reports[0]["line"], &reports[0]["unknown"]),
        (&5.into(), &"tidings".into())
    );
    assert_eq!(
        (&reports[1]["line"], &reports[1]["channel"]),
        (&6.into(), &"trade".into())
    );
    assert!(reports[2]["error"].is_string());
}

#[test]
fn the_same_from_a_file() {
    let scratch = Scratch::new();
    let path = scratch.write("okx.txt", OKX);
    let output = program()
        .args(["decode", "--market", "okx"])
        .arg(path)
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stdout), OKX_EVENTS);
    assert_eq!(
        account(&output.stderr),
        r#"{"messages":4,"events":2,"control":2,"unknown":0,"errors":0}"#
    );
}

#[test]
fn a_line_that_is_no_text_or_too_long_does_not_end_the_stream() {
    let mut input = b"\xff\xfe\n".to_vec();
    input.extend(vec![b'x'; 5 << 20]);
    input.push(b'\n');
    input.extend_from_slice(SPOT.as_bytes());
    let output = run_with(&["decode", "--market", "binance-spot"], &input);
    assert_eq!(output.status.code(), Some(0));
    assert_eq!(text(&output.stdout), SPOT_EVENTS);
    assert_eq!(
        account(&output.stderr),
        r#"{"messages":8,"events":2,"control":1,"unknown":1,"errors":4}"#
    );
}

#[test]
fn a_file_that_cannot_be_read_is_an_error() {
    let output = program()
        .args(["decode", "--market", "okx", "/nonexistent/file"])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    let sentence = text(&output.stderr);
    assert!(
        sentence.starts_with("marketprism: cannot read /nonexistent/file: "),
        "{sentence}"
    );
}

#[test]
fn a_reader_that_goes_away_is_an_error_and_no_panic() {
    let scratch = Scratch::new();
    let path = scratch.write("spot.txt", &SPOT.repeat(2000));
    let mut child = program()
        .args(["decode", "--market", "binance-spot"])
        .arg(path)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr).lines().next_back().unwrap().to_owned();
    assert!(
        told.starts_with("marketprism: cannot write to standard output: "),
        "{told}"
    );
}

#[test]
fn what_the_exchanges_really_sent_is_decoded_without_an_error() {
    let Some(folder) = recordings() else {
        return;
    };
    let mut files = 0;
    for market in ["binance-spot", "binance-usdm", "okx"] {
        for kind in fs::read_dir(folder.join(market)).unwrap() {
            let kind = kind.unwrap().path();
            let name = kind.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("rest-") {
                continue;
            }
            for file in fs::read_dir(&kind).unwrap() {
                let file = file.unwrap().path();
                if file.to_string_lossy().ends_with(".ndjson")
                    && !file.to_string_lossy().contains(".rest.")
                {
                    decodes(market, &file);
                    files += 1;
                }
            }
        }
    }
    assert!(files > 50, "{files}");
}

fn decodes(market: &str, file: &std::path::Path) {
    let output = program()
        .args(["decode", "--market", market])
        .arg(file)
        .output()
        .unwrap();
    let name = file.display();
    assert_eq!(output.status.code(), Some(0), "{name}");
    let account: serde_json::Value = serde_json::from_str(account(&output.stderr)).unwrap();
    let lines = fs::read_to_string(file).unwrap();
    let lines = lines.lines().filter(|line| !line.trim().is_empty()).count();
    assert_eq!(account["messages"], lines, "{name}");
    assert_eq!(account["errors"], 0, "{name}: {}", text(&output.stderr));
    let events = output.stdout.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(account["events"], events, "{name}");
}
