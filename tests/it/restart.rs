//! `run`, killed and started again: what was missed in between stands in the file.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Stdio};
use std::time::Duration;

use marketprism::Runtime;
use marketprism::twin::{Exchange, Options, Server, wall_clock};
use marketprism_core::market::Market;
use serde_json::Value;

use crate::collect::{Twin, interrupt, wait_for_lines};
use crate::program::{Scratch, on_each_runtime, program, text};

const CHANNELS: [(Market, &str, &str); 2] = [
    (
        Market::BinanceSpot,
        "BTCUSDT",
        "trade, aggTrade, depth@100ms, bookTicker",
    ),
    (Market::Okx, "BTC-USDT", "trades, books, tickers"),
];

fn twin(market: Market) -> Twin {
    Twin::serve(move || {
        let mut options = Options::new(market);
        options.origin = wall_clock();
        options.pace = Duration::from_millis(3);
        let exchange = Exchange::new(market, options, 1);
        Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), None).unwrap()
    })
}

fn config(scratch: &Scratch, twins: &[Twin], runtime: Runtime, file: &Path) -> String {
    let mut text = String::from("collect:\n");
    for (market, instrument, channels) in CHANNELS {
        text += &format!(
            "  - {{market: {market}, instruments: [{instrument}], channels: [{channels}]}}\n"
        );
    }
    text += "markets:\n";
    for (twin, (market, ..)) in twins.iter().zip(CHANNELS) {
        text += &format!("  {market}: {{websocket: 'ws://{}'}}\n", twin.address);
    }
    text += &format!("sink: {{file: '{}'}}\nruntime: {runtime}\n", file.display());
    scratch.write("config.yaml", &text).display().to_string()
}

fn start(config: &str) -> Child {
    let mut command = program();
    let quiet = command.args(["run", config]).stdout(Stdio::null());
    quiet.stderr(Stdio::piped()).spawn().unwrap()
}

/// The lines of a file, without those that were cut off.
fn lines(file: &Path) -> Vec<Value> {
    let written = fs::read_to_string(file).unwrap();
    let whole = written
        .lines()
        .filter_map(|line| serde_json::from_str(line).ok());
    whole.collect()
}

fn name(line: &Value) -> String {
    format!("{} {}", line["instrument"], line["channel"])
}

fn number(line: &Value, field: &str) -> i64 {
    line[field].as_i64().unwrap()
}

#[test]
fn what_a_killed_process_missed_until_the_next_one_is_a_gap_in_the_file() {
    on_each_runtime(tells_what_was_missed);
}

fn tells_what_was_missed(runtime: Runtime) {
    let scratch = Scratch::new();
    let twins = CHANNELS.map(|(market, ..)| twin(market));
    let file = scratch.path("events.ndjson");
    let config = config(&scratch, &twins, runtime, &file);
    let mut first = start(&config);
    wait_for_lines(&file, 500);
    first.kill().unwrap();
    first.wait().unwrap();
    // As if it had been killed in the middle of a line.
    let written = fs::metadata(&file).unwrap().len();
    File::options()
        .write(true)
        .open(&file)
        .unwrap()
        .set_len(written - 30)
        .unwrap();
    let before = lines(&file).len();
    let second = start(&config);
    wait_for_lines(&file, before + 500);
    interrupt(&second);
    let output = second.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let told = format!("7 streams go on from the end of {}", file.display());
    assert!(
        text(&output.stderr).contains(&told),
        "{}",
        text(&output.stderr)
    );
    judge_gaps(&lines(&file), before);
    judge_trades(&lines(&file));
    judge_account(&file);
    twins.into_iter().for_each(|twin| drop(twin.end()));
}

/// Where a stream begins again with a gap, it tells why. Without numbers nobody can know that
/// nothing was missed; where there are some, the account judges.
fn judge_gaps(lines: &[Value], before: usize) {
    let mut first = BTreeMap::new();
    let of_streams = lines[before..]
        .iter()
        .filter(|line| line["kind"] != "subscription" && line["kind"] != "instrument");
    for line in of_streams.filter(|line| line.get("channel").is_some()) {
        first.entry(name(line)).or_insert(line);
    }
    assert_eq!(first.len(), 7);
    for (stream, line) in first {
        if line["kind"] == "gap" || stream.contains("tickers") {
            assert_eq!(line["cause"], "restart", "{stream}");
            let is_numbered = line.get("from").is_some();
            assert_eq!(is_numbered, !stream.contains("tickers"), "{stream}");
        }
    }
}

/// Every trade is there once, or was told to be missing.
fn judge_trades(lines: &[Value]) {
    let mut ids: BTreeMap<String, Vec<i64>> = BTreeMap::new();
    let trades = ["trade", "aggTrade", "trades"].map(Value::from);
    for line in lines
        .iter()
        .filter(|line| trades.contains(&line["channel"]))
    {
        let range = match line["kind"].as_str().unwrap() {
            // It lies in a gap, which counts already.
            "trade" if line["backfilled"] == true => continue,
            "trade" if line["channel"] == "trades" => number(line, "first_id")..=number(line, "id"),
            "trade" => number(line, "id")..=number(line, "id"),
            "gap" => number(line, "from")..=number(line, "to"),
            _ => continue,
        };
        ids.entry(name(line)).or_default().extend(range);
    }
    assert_eq!(ids.len(), 3);
    for (stream, ids) in ids {
        let known: BTreeSet<_> = ids.iter().copied().collect();
        assert_eq!(known.len(), ids.len(), "{stream}: none twice");
        let (first, last) = (*known.first().unwrap(), *known.last().unwrap());
        assert!(
            known.into_iter().eq(first..=last),
            "{stream}: none left out"
        );
    }
}

fn judge_account(file: &Path) {
    let output = program().arg("ledger").arg(file).output().unwrap();
    let account = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{account}");
    assert!(account.contains("restart: "), "{account}");
    assert!(
        account.contains("was cut off while it was written"),
        "{account}"
    );
}

#[test]
fn a_stream_that_has_not_spoken_for_long_is_found_far_before_the_end() {
    let scratch = Scratch::new();
    let twins = CHANNELS.map(|(market, ..)| twin(market));
    let head = r#""session":"binance-spot-1","received_ns":7,"market":"binance-spot","instrument":"BTCUSDT""#;
    let rare = format!("{{\"kind\":\"trade\",{head},\"channel\":\"trade\",\"id\":5}}\n");
    let often = format!("{{\"kind\":\"trade\",{head},\"channel\":\"aggTrade\",\"id\":9}}\n");
    let file = scratch.write("events.ndjson", &(rare + &often.repeat(20_000)));
    let config = config(&scratch, &twins, Runtime::Tokio, &file);
    let child = start(&config);
    wait_for_lines(&file, 20_300);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let told = format!("2 streams go on from the end of {}", file.display());
    assert!(
        text(&output.stderr).contains(&told),
        "{}",
        text(&output.stderr)
    );
    let gaps = lines(&file)
        .into_iter()
        .filter(|line| line["kind"] == "gap");
    let gaps: BTreeSet<_> = gaps
        .map(|line| (name(&line), number(&line, "from")))
        .collect();
    let expected = [("aggTrade", 10), ("trade", 6)];
    let expected = expected.map(|(channel, from)| (format!("\"BTCUSDT\" \"{channel}\""), from));
    assert_eq!(gaps, BTreeSet::from(expected));
    twins.into_iter().for_each(|twin| drop(twin.end()));
}
