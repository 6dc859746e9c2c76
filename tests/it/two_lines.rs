//! `run` over two lines against a twin: one line is cut again and again, and nothing is missing.
#![cfg(unix)]

use std::collections::BTreeMap;
use std::io;
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::process::Stdio;
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use marketprism::Runtime;
use marketprism::twin::{Exchange, Options, Server};
use marketprism_core::market::Market;
use serde_json::Value;

use crate::collect::{Twin, interrupt, wait_for_lines};
use crate::program::{Scratch, on_each_runtime, program, text};

/// How often the first line is cut.
const CUTS: usize = 6;

/// A way to the twin that can be cut.
struct Cable {
    address: SocketAddr,
    ends: Arc<Mutex<Vec<TcpStream>>>,
}

impl Cable {
    fn to(far: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let ends = Arc::new(Mutex::new(Vec::new()));
        let laid = Arc::clone(&ends);
        thread::spawn(move || {
            for near in listener.incoming() {
                let (near, far) = (near.unwrap(), TcpStream::connect(far).unwrap());
                for (from, to) in [(&near, &far), (&far, &near)] {
                    let (from, to) = (from.try_clone().unwrap(), to.try_clone().unwrap());
                    thread::spawn(move || carry(&from, &to));
                }
                laid.lock().unwrap().extend([near, far]);
            }
        });
        Self { address, ends }
    }

    /// Cuts every connection that there is, in the middle of whatever it carries.
    fn cut(&self) -> usize {
        let ends = std::mem::take(&mut *self.ends.lock().unwrap());
        for end in &ends {
            // It may be cut at the other end already.
            let _cut = end.shutdown(Shutdown::Both);
        }
        ends.len() / 2
    }
}

/// Carries bytes until either end is cut.
fn carry(mut from: &TcpStream, mut to: &TcpStream) {
    let _cut = io::copy(&mut from, &mut to);
    for end in [from, to] {
        let _cut = end.shutdown(Shutdown::Both);
    }
}

fn server() -> Server {
    let mut options = Options::new(Market::BinanceSpot);
    options.pace = Duration::from_millis(5);
    let exchange = Exchange::new(Market::BinanceSpot, options, 7);
    Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), None).unwrap()
}

#[test]
fn a_line_that_is_cut_again_and_again_costs_nothing() {
    on_each_runtime(costs_nothing);
}

fn costs_nothing(runtime: Runtime) {
    let scratch = Scratch::new();
    let twin = Twin::serve(server);
    let cable = Cable::to(twin.address);
    let events = scratch.path("events.ndjson");
    let config = scratch.write(
        "config.yaml",
        &format!(
            "collect:
  - {{market: binance-spot, instruments: [BTCUSDT, ETHUSDT], channels: [trade, depth@100ms, bookTicker], lines: 2}}
settings: {{websocket: 'ws://{}', rest: 'http://{}', timers: {{retry: 20, retry_cap: 40}}}}
sessions: {{binance-spot-1: {{websocket: 'ws://{}'}}}}
sink: {{file: '{}'}}
runtime: {runtime}
",
            twin.address,
            twin.address,
            cable.address,
            events.display()
        ),
    );
    let mut command = program();
    command.arg("run").arg(config).stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    let mut cuts = 0;
    for round in 1..=CUTS {
        wait_for_lines(&events, 400 * round);
        cuts += cable.cut();
    }
    wait_for_lines(&events, 400 * (CUTS + 1));
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    let words = text(&output.stderr);
    assert_eq!(output.status.code(), Some(0), "{words}");
    twin.end();
    assert!(cuts >= CUTS - 1, "{cuts}");
    let lead = "binance-spot-1: line a was first with";
    assert!(words.contains(lead), "{words}");
    whole(&std::fs::read_to_string(&events).unwrap());
}

/// No gap, no repetition: every stream goes on where it was.
fn whole(lines: &str) {
    let mut reached = BTreeMap::new();
    let mut downs = 0;
    for line in lines.lines() {
        let line: Value = serde_json::from_str(line).unwrap();
        let stream = format!("{} {}", line["instrument"], line["channel"]);
        let id = |key: &str| line[key].as_i64().unwrap();
        let (first, last) = match line["kind"].as_str().unwrap() {
            "trade" => (id("id"), id("id")),
            "book" if line["book"] == "delta" => (id("first"), id("last")),
            "book" if line["book"] == "top" => {
                let before = reached.insert(stream, id("last"));
                assert!(before.is_none_or(|before| before < id("last")), "{line}");
                continue;
            }
            "gap" => panic!("{line}"),
            kind => {
                downs += usize::from(kind == "status" && line["status"] == "down");
                continue;
            }
        };
        let before = reached.insert(stream, last);
        assert!(before.is_none_or(|before| first == before + 1), "{line}");
    }
    assert_eq!(reached.len(), 6, "{reached:?}");
    assert!(downs > CUTS, "each cut, and the end: {downs}");
}
