//! `run` against twins: what they send is in the file, whatever happens to the sink.
#![cfg(unix)]

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use marketprism::twin::{Exchange, Ledger, Options, Ping, Server};
use marketprism_core::market::Market;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::program::{Scratch, program, text};

/// A twin in a thread of its own.
struct Twin {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Ledger>,
}

impl Twin {
    /// A spot exchange whose books change every `pace` and which expects quick pongs.
    fn start(pace: Duration) -> Self {
        let (stop, stopped) = oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut server = server(pace);
                tell.send(server.address()).unwrap();
                let stopped = async { stopped.await.unwrap_or_default() };
                server.run(stopped).await.unwrap();
                server.ledger().clone()
            })
        });
        Self {
            address: told.recv().unwrap(),
            stop,
            thread,
        }
    }

    /// A configuration for a session with this exchange.
    fn config(&self, scratch: &Scratch, sink: &str) -> String {
        let text = format!(
            "collect:
  - {{market: binance-spot, instruments: [BTCUSDT, ETHUSDT], channels: [trade, bookTicker]}}
settings:
  websocket: ws://{}
sink: {sink}
",
            self.address
        );
        scratch.write("config.yaml", &text).display().to_string()
    }

    fn end(self) -> Ledger {
        self.stop.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

fn server(pace: Duration) -> Server {
    let mut options = Options::new(Market::BinanceSpot);
    options.pace = pace;
    options.rules.ping = Some(Ping {
        every: Duration::from_millis(500),
        within: Duration::from_millis(1500),
    });
    let exchange = Exchange::new(Market::BinanceSpot, options, 1);
    Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), None).unwrap()
}

/// `run` with a configuration.
fn start(config: &str, stdout: Stdio) -> Child {
    let mut command = program();
    command.args(["run", config]).stdout(stdout);
    command.stderr(Stdio::piped()).spawn().unwrap()
}

fn interrupt(child: &Child) {
    // The shell's own `kill`: the program of that name is not everywhere.
    let kill = format!("kill -INT {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(sent.success());
}

/// Waits until a file has so many lines.
fn wait_for_lines(path: &Path, count: usize) {
    loop {
        let text = std::fs::read(path).unwrap_or_default();
        if text.iter().filter(|byte| **byte == b'\n').count() >= count {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn is_market(line: &Value) -> bool {
    ["trade", "book", "ticker"].contains(&line["kind"].as_str().unwrap())
}

fn last_words(output: &Output) -> &str {
    text(&output.stderr).lines().next_back().unwrap()
}

#[test]
fn a_signal_loses_nothing_that_was_received() {
    let scratch = Scratch::new();
    let twin = Twin::start(Duration::from_millis(5));
    let events = scratch.path("events.ndjson");
    let config = twin.config(&scratch, &format!("{{file: '{}'}}", events.display()));
    let child = start(&config, Stdio::null());
    wait_for_lines(&events, 300);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let ledger = twin.end();
    let written = std::fs::read_to_string(&events).unwrap();
    let lines: Vec<_> = written.lines().map(parse).collect();
    let market = lines.iter().filter(|line| is_market(line)).count();
    assert_eq!(u64::try_from(market).unwrap(), ledger.messages());
    assert!(!written.contains(r#""kind":"gap""#), "nothing was missing");
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["kind"], &last["status"]),
        (&"status".into(), &"stopped".into())
    );
    assert!(last_words(&output).ends_with(&format!("{} bytes written", written.len())));
}

#[test]
fn a_second_run_continues_the_file() {
    let scratch = Scratch::new();
    let twin = Twin::start(Duration::from_millis(20));
    let events = scratch.write("events.ndjson", "{\"torn\":");
    let config = twin.config(&scratch, &format!("{{file: '{}'}}", events.display()));
    let child = start(&config, Stdio::null());
    wait_for_lines(&events, 20);
    let rival = start(&config, Stdio::null()).wait_with_output().unwrap();
    interrupt(&child);
    assert_eq!(child.wait_with_output().unwrap().status.code(), Some(0));
    assert_eq!(rival.status.code(), Some(1));
    assert!(last_words(&rival).ends_with("another process writes to it"));
    let written = std::fs::read_to_string(&events).unwrap();
    let (torn, rest) = written.split_once('\n').unwrap();
    assert_eq!(torn, "{\"torn\":");
    assert!(rest.lines().map(parse).count() >= 19);
    drop(twin.end());
}

#[test]
fn a_slow_reader_costs_events_but_no_connection_and_each_loss_is_told() {
    let scratch = Scratch::new();
    let twin = Twin::start(Duration::from_millis(1));
    let config = twin.config(&scratch, "{buffer_bytes: 65536, block: 100}");
    let mut child = start(&config, Stdio::piped());
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    assert_eq!(parse(&first)["status"], "dialing");
    // Nobody reads while pings come and go several times.
    thread::sleep(Duration::from_secs(4));
    let reader = thread::spawn(move || {
        let mut rest = String::new();
        stdout.read_to_string(&mut rest).unwrap();
        rest
    });
    thread::sleep(Duration::from_millis(500));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let lines: Vec<_> = reader.join().unwrap().lines().map(parse).collect();
    let ledger = twin.end();
    let with = |key: &str, value: &str| lines.iter().filter(|line| line[key] == value).count();
    assert_eq!(
        (with("status", "open"), with("status", "down")),
        (1, 1),
        "one connection"
    );
    let lost = lines.iter().filter(|line| line["cause"] == "overflow");
    let lost: Vec<u64> = lost.map(|line| line["lost"].as_u64().unwrap()).collect();
    assert!((1..10).contains(&lost.len()), "{lost:?}");
    let written = lines.iter().filter(|line| is_market(line)).count();
    let total = u64::try_from(written).unwrap() + lost.iter().sum::<u64>();
    assert_eq!(total, ledger.messages(), "written and lost make all");
}

#[test]
fn a_second_signal_gives_up_on_a_reader_that_is_stuck() {
    let scratch = Scratch::new();
    let twin = Twin::start(Duration::from_millis(1));
    let config = twin.config(&scratch, "{buffer_bytes: 65536, block: off}");
    let mut child = start(&config, Stdio::piped());
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut line = String::new();
    while !line.contains(r#""kind":"book""#) {
        line.clear();
        stdout.read_line(&mut line).unwrap();
    }
    // By the time that the exchange has gone, the pipe is full and the writer stuck in it.
    thread::sleep(Duration::from_secs(2));
    interrupt(&child);
    thread::sleep(Duration::from_millis(500));
    assert!(
        child.try_wait().unwrap().is_none(),
        "it waits for its reader"
    );
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = "marketprism: stopped by a second signal before everything was written";
    assert_eq!(last_words(&output), words);
    drop((twin.end(), stdout));
}

#[test]
fn a_reader_that_goes_away_ends_the_run() {
    let scratch = Scratch::new();
    let twin = Twin::start(Duration::from_millis(20));
    let config = twin.config(&scratch, "{}");
    let mut child = start(&config, Stdio::piped());
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = last_words(&output);
    assert!(
        words.starts_with("marketprism: cannot write to standard output: "),
        "{words}"
    );
    drop(twin.end());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_run() {
    let scratch = Scratch::new();
    let twin = Twin::start(Duration::from_millis(20));
    let config = twin.config(&scratch, "{file: /dev/full}");
    let output = start(&config, Stdio::null()).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = last_words(&output);
    assert!(
        words.starts_with("marketprism: cannot write to /dev/full: "),
        "{words}"
    );
    drop(twin.end());
}
