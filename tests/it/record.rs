//! `record` against twins with faults, and `replay`: what comes out is the same, to the bit.
#![cfg(unix)]

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};
use std::thread;
use std::time::Duration;

use marketprism::twin::{Certificates, Exchange, Fault, FaultPlan, Options, Server, wall_clock};
use marketprism_core::Time;
use marketprism_core::market::Market;

use crate::collect::{Twin, interrupt, last_words, wait_for_lines};
use crate::program::{Scratch, program, run_with, text};

/// Every runtime that can be recorded on.
pub(crate) const RUNTIMES: [&str; 2] = ["tokio", "mio"];

/// How long a fault lasts that lasts.
const PAUSE: Duration = Duration::from_millis(500);

/// Timers some twenty times shorter than usual.
const TIMERS: &str = "{connect: 1000, upgrade: 1000, probe: 700, silence: 1400, data: 1500, \
    close: 400, retry: 50, retry_cap: 800, retry_after_cap: 2000, stable: 1500, rotate: 15000, \
    ack: 700, settle: 150, first_data: 2500, stream_silence_floor: 1000, \
    stream_silence_cap: 2500, stream_retry: 100, stream_retry_cap: 800, quarantine: 500, \
    quarantine_cap: 1000, stream_stable: 2000}";

/// An exchange that misbehaves, and what is collected from it.
pub(crate) struct Source {
    pub(crate) market: Market,
    pub(crate) pace: Duration,
    /// How long one fault is after the other, on average.
    pub(crate) mean: Duration,
    pub(crate) seed: u64,
}

impl Source {
    pub(crate) fn serve(self, certificates: Option<&Certificates>) -> Twin {
        let certificates = certificates.cloned();
        Twin::serve(move || {
            let mut options = Options::new(self.market);
            options.pace = self.pace;
            options.origin = wall_clock();
            options.rules = options.rules.compressed(20);
            options.faults = Some(FaultPlan {
                kinds: kinds().map(|fault| fault.lasting(PAUSE)).collect(),
                from: Time::ZERO + Duration::from_millis(500),
                ..FaultPlan::every(self.mean)
            });
            let exchange = Exchange::new(self.market, options, self.seed);
            let anywhere = "127.0.0.1:0".parse().unwrap();
            Server::bind(exchange, anywhere, certificates.as_ref()).unwrap()
        })
    }
}

/// What is collected from a market.
fn wishes(market: Market) -> &'static str {
    match market {
        Market::BinanceSpot => {
            "{market: binance-spot, instruments: [BTCUSDT, ETHUSDT], channels: [trade, depth@100ms, bookTicker]}"
        }
        Market::BinanceUsdm => {
            "{market: binance-usdm, instruments: [BTCUSDT, ETHUSDT], channels: [aggTrade, depth@100ms, bookTicker]}"
        }
        Market::BinanceCoinm => {
            "{market: binance-coinm, instruments: [BTCUSD_PERP, ETHUSD_PERP], channels: [aggTrade, depth@100ms, bookTicker]}"
        }
        Market::Okx => {
            "{market: okx, instruments: [BTC-USDT], channels: [trades, books, bbo-tbt, tickers]}"
        }
    }
}

/// A configuration for sessions with these exchanges.
pub(crate) fn config(
    scratch: &Scratch,
    runtime: &str,
    urls: &[(Market, String)],
    more: &str,
) -> PathBuf {
    let mut text = String::from("collect:\n");
    for (market, _) in urls {
        writeln!(text, "  - {}", wishes(*market)).unwrap();
    }
    writeln!(text, "settings:\n  timers: {TIMERS}\n{more}markets:").unwrap();
    for (market, url) in urls {
        writeln!(text, "  {market}: {{websocket: '{url}'}}").unwrap();
    }
    let events = scratch.path("events.ndjson");
    writeln!(text, "sink: {{file: '{}'}}", events.display()).unwrap();
    writeln!(text, "runtime: {runtime}").unwrap();
    scratch.write("config.yaml", &text)
}

/// `record`, started.
pub(crate) fn record(config: &Path, log: &Path) -> Child {
    let mut command = program();
    command.arg("record").arg(config).arg("--log").arg(log);
    let piped = command.stdout(Stdio::null()).stderr(Stdio::piped());
    piped.spawn().unwrap()
}

pub(crate) fn replay(log: &Path) -> Output {
    program().arg("replay").arg(log).output().unwrap()
}

/// The digest in the last words of `record` and `replay`.
pub(crate) fn digest(output: &Output) -> &str {
    let (_, digest) = last_words(output).split_once("digest ").unwrap();
    digest.trim_end_matches(", as it was recorded")
}

#[test]
fn what_is_replayed_is_what_was_collected_to_the_byte() {
    for runtime in RUNTIMES {
        let scratch = Scratch::new();
        let source = |market, seed| Source {
            market,
            pace: Duration::from_millis(5),
            mean: Duration::from_millis(250),
            seed,
        };
        let markets = [Market::BinanceUsdm, Market::BinanceCoinm, Market::Okx];
        let twins = markets.map(|market| source(market, 3).serve(None));
        let urls = [0, 1, 2].map(|index: usize| {
            let url = format!("ws://{}", twins[index].address);
            (markets[index], url)
        });
        let config = config(&scratch, runtime, &urls, "");
        let (log, events) = (scratch.path("log"), scratch.path("events.ndjson"));
        let child = record(&config, &log);
        wait_for_lines(&events, 1500);
        interrupt(&child);
        let recorded = child.wait_with_output().unwrap();
        assert_eq!(
            recorded.status.code(),
            Some(0),
            "{}",
            text(&recorded.stderr)
        );
        let replayed = replay(&log);
        assert_eq!(
            replayed.status.code(),
            Some(0),
            "{}",
            text(&replayed.stderr)
        );
        let collected = fs::read(&events).unwrap();
        assert!(
            text(&collected).contains(r#""status":"down""#),
            "faults struck"
        );
        assert!(text(&collected).contains(r#""base_quantity":"#));
        assert!(replayed.stdout == collected, "the events on {runtime}");
        assert_eq!(digest(&replayed), digest(&recorded));
        assert_eq!(digest(&recorded).len(), 32);
        for twin in twins {
            drop(twin.end());
        }
    }
}

#[test]
fn a_recorder_that_is_killed_leaves_what_can_be_replayed() {
    let scratch = Scratch::new();
    let source = Source {
        market: Market::BinanceSpot,
        pace: Duration::from_millis(5),
        mean: Duration::from_secs(3600),
        seed: 1,
    };
    let twin = source.serve(None);
    let urls = [(Market::BinanceSpot, format!("ws://{}", twin.address))];
    let config = config(&scratch, "tokio", &urls, "");
    let (log, events) = (scratch.path("log"), scratch.path("events.ndjson"));
    let mut child = record(&config, &log);
    wait_for_lines(&events, 100);
    // Whatever has been collected by now is in the log within a second.
    let lines = fs::read(&events).unwrap();
    let mut replayed = replay(&log);
    while !replayed.stdout.starts_with(&lines) {
        thread::sleep(Duration::from_millis(50));
        replayed = replay(&log);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let replayed = replay(&log);
    assert_eq!(
        replayed.status.code(),
        Some(0),
        "{}",
        text(&replayed.stderr)
    );
    let told = text(&replayed.stderr);
    assert!(told.contains("its recorder was killed"), "{told}");
    assert!(
        last_words(&replayed).ends_with(", as it was recorded"),
        "{told}"
    );
    assert!(replayed.stdout.starts_with(&lines));
    drop(twin.end());
}

#[test]
fn a_log_that_exists_is_not_written_over() {
    let scratch = Scratch::new();
    let urls = [(Market::Okx, "ws://127.0.0.1:1".to_owned())];
    let config = config(&scratch, "tokio", &urls, "");
    let log = scratch.write("log", "precious");
    let refused = record(&config, &log).wait_with_output().unwrap();
    assert_eq!(refused.status.code(), Some(1));
    let expected = format!("marketprism: cannot write to {}: ", log.display());
    assert!(last_words(&refused).starts_with(&expected));
    assert_eq!(fs::read_to_string(&log).unwrap(), "precious");
}

#[test]
fn what_cannot_be_replayed_is_told_in_one_sentence() {
    let scratch = Scratch::new();
    let whole = fs::read(crate::recordings::all().remove(0)).unwrap();
    let changed = |place: usize| {
        let mut bytes = whole.clone();
        bytes[place] ^= 1;
        bytes
    };
    let table = [
        (b"{}\n".to_vec(), "it is no log of `marketprism record`"),
        (Vec::new(), "it is no log of `marketprism record`"),
        (
            whole[..100].to_vec(),
            "it ends before it says what was recorded",
        ),
        (
            changed(9),
            "it is damaged: the block at byte 0 does not have the bytes that its checksum is of",
        ),
        (
            changed(100),
            "it is damaged: the block at byte 16 does not have the bytes that its checksum is of",
        ),
        (
            changed(17),
            "it is damaged: the block at byte 16 does not have the bytes that its checksum is of",
        ),
    ];
    for (bytes, sentence) in table {
        let log = scratch.path("log");
        fs::write(&log, bytes).unwrap();
        let output = replay(&log);
        let log = log.display();
        let expected = format!("marketprism: {log} cannot be replayed: {sentence}\n");
        assert_eq!(text(&output.stderr), expected);
        assert_eq!(output.status.code(), Some(1));
    }
}

#[test]
fn a_log_is_named_and_replayed_without_its_events_on_request() {
    let missing = run_with(&["record", "config.yaml"], b"");
    assert_eq!(missing.status.code(), Some(2));
    assert_eq!(
        last_words(&missing),
        "marketprism: --log <FILE> is missing; see --help"
    );
    let log = crate::recordings::all().remove(0);
    let quiet = program()
        .arg("replay")
        .arg("--quiet")
        .arg(&log)
        .output()
        .unwrap();
    assert_eq!(quiet.status.code(), Some(0));
    assert!(quiet.stdout.is_empty());
    assert_eq!(digest(&quiet), digest(&replay(&log)));
}

/// Every fault but the flood of data: it alone would take more room than all the others.
fn kinds() -> impl Iterator<Item = Fault> {
    let all = Fault::catalogue().into_iter();
    all.filter(|fault| !matches!(fault, Fault::DataFlood(_)))
}

/// The faults that an exchange of this market can have.
pub(crate) fn faults(market: Market) -> Vec<String> {
    let faults = kinds().filter(|fault| fault.applies_to(market));
    faults.map(Fault::name).collect()
}
