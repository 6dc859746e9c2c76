//! `run` against twins, on each runtime: what they send is in the file, whatever happens to the
//! sink.
#![cfg(unix)]

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::mpsc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use marketprism::Runtime;
use marketprism::twin::{Certificates, Exchange, Ledger, Options, Ping, Server, wall_clock};
use marketprism_core::market::Market;
use serde_json::Value;
use tokio::sync::oneshot;

use crate::program::{Scratch, on_each_runtime, program, text};

/// A twin in a thread of its own.
pub(crate) struct Twin {
    pub(crate) address: SocketAddr,
    url: String,
    /// What its clients must trust.
    authority: Option<String>,
    silence: Option<oneshot::Sender<()>>,
    end: mpsc::Sender<()>,
    thread: JoinHandle<Ledger>,
}

impl Twin {
    /// A spot exchange whose books change every `pace` and which expects quick pongs.
    fn start(pace: Duration) -> Self {
        Self::over("ws", pace)
    }

    fn over(scheme: &str, pace: Duration) -> Self {
        let certificates = (scheme == "wss").then(|| Certificates::generate().unwrap());
        let authority = certificates
            .as_ref()
            .map(|certificates| certificates.authority().to_owned());
        let twin = Self::serve(move || server(pace, certificates.as_ref()));
        Self {
            url: format!("{scheme}://{}", twin.address),
            authority,
            ..twin
        }
    }

    /// Whatever server is made, in a runtime.
    pub(crate) fn serve(make: impl FnOnce() -> Server + Send + 'static) -> Self {
        let (silence, silenced) = oneshot::channel::<()>();
        let (end, ended) = mpsc::channel();
        let (tell, told) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let mut server = make();
                tell.send(server.address()).unwrap();
                let silenced = async { silenced.await.unwrap_or_default() };
                server.run(silenced).await.unwrap();
                ended.recv().unwrap();
                server.ledger().clone()
            })
        });
        let address = told.recv().unwrap();
        Self {
            address,
            url: format!("ws://{address}"),
            authority: None,
            silence: Some(silence),
            end,
            thread,
        }
    }

    /// A configuration for a session with this exchange.
    fn config(&self, scratch: &Scratch, runtime: Runtime, sink: &str) -> String {
        let mut settings = format!("websocket: {}", self.url);
        if let Some(authority) = &self.authority {
            let path = scratch.write("ca.pem", authority);
            settings.push_str(&format!(", ca_file: '{}'", path.display()));
        }
        config(scratch, &settings, runtime, sink)
    }

    /// Keeps its sockets and does nothing any more.
    fn fall_silent(&mut self) {
        if let Some(silence) = self.silence.take() {
            silence.send(()).unwrap();
        }
    }

    pub(crate) fn end(mut self) -> Ledger {
        self.fall_silent();
        self.end.send(()).unwrap();
        self.thread.join().unwrap()
    }
}

fn server(pace: Duration, certificates: Option<&Certificates>) -> Server {
    let mut options = Options::new(Market::BinanceSpot);
    options.pace = pace;
    options.rules.ping = Some(Ping {
        every: Duration::from_millis(500),
        within: Duration::from_secs(3),
    });
    let exchange = Exchange::new(Market::BinanceSpot, options, 1);
    Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), certificates).unwrap()
}

fn config(scratch: &Scratch, settings: &str, runtime: Runtime, sink: &str) -> String {
    let text = format!(
        "collect:
  - {{market: binance-spot, instruments: [BTCUSDT, ETHUSDT], channels: [trade, bookTicker]}}
settings: {{{settings}}}
sink: {sink}
runtime: {runtime}
"
    );
    scratch.write("config.yaml", &text).display().to_string()
}

/// `run` with a configuration.
fn start(config: &str, stdout: Stdio) -> Child {
    let mut command = program();
    command.args(["run", config]).stdout(stdout);
    command.stderr(Stdio::piped()).spawn().unwrap()
}

pub(crate) fn interrupt(child: &Child) {
    // The shell's own `kill`: the program of that name is not everywhere.
    let kill = format!("kill -INT {}", child.id());
    let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
    assert!(sent.success());
}

/// Waits until a file has so many lines.
pub(crate) fn wait_for_lines(path: &Path, count: usize) {
    wait_until(path, |text| text.matches('\n').count() >= count);
}

/// Waits until a file is as it should be.
pub(crate) fn wait_until(path: &Path, mut is_enough: impl FnMut(&str) -> bool) {
    while !is_enough(&std::fs::read_to_string(path).unwrap_or_default()) {
        thread::sleep(Duration::from_millis(20));
    }
}

fn parse(line: &str) -> Value {
    serde_json::from_str(line).unwrap()
}

fn is_market(line: &Value) -> bool {
    ["trade", "book", "ticker"].contains(&line["kind"].as_str().unwrap())
}

/// The lines of data that stand there more than once.
fn twice(lines: &[Value]) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let data = lines.iter().filter(|line| is_market(line));
    let names = data.map(|line| {
        let number = line.get("id").or_else(|| line.get("last"));
        format!("{} {} {number:?}", line["instrument"], line["channel"])
    });
    names.filter(|name| !seen.insert(name.clone())).collect()
}

pub(crate) fn last_words(output: &Output) -> &str {
    text(&output.stderr).lines().next_back().unwrap()
}

#[test]
fn a_signal_loses_nothing_that_was_received() {
    on_each_runtime(|runtime| loses_nothing(runtime, "ws"));
}

#[test]
fn a_signal_loses_nothing_that_was_received_over_tls() {
    on_each_runtime(|runtime| loses_nothing(runtime, "wss"));
}

fn loses_nothing(runtime: Runtime, scheme: &str) {
    let scratch = Scratch::new();
    let twin = Twin::over(scheme, Duration::from_millis(5));
    let events = scratch.path("events.ndjson");
    let config = twin.config(
        &scratch,
        runtime,
        &format!("{{file: '{}'}}", events.display()),
    );
    let child = start(&config, Stdio::null());
    wait_for_lines(&events, 300);
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let ledger = twin.end();
    let written = std::fs::read_to_string(&events).unwrap();
    let lines: Vec<_> = written.lines().map(parse).collect();
    let market = lines.iter().filter(|line| is_market(line)).count();
    assert_eq!(
        u64::try_from(market).unwrap(),
        ledger.messages(),
        "twice on {runtime}: {:?}",
        twice(&lines)
    );
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
    on_each_runtime(continues_the_file);
}

fn continues_the_file(runtime: Runtime) {
    let scratch = Scratch::new();
    let twin = Twin::start(Duration::from_millis(20));
    let events = scratch.write("events.ndjson", "{\"torn\":");
    let config = twin.config(
        &scratch,
        runtime,
        &format!("{{file: '{}'}}", events.display()),
    );
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
    on_each_runtime(tells_each_loss);
}

fn tells_each_loss(runtime: Runtime) {
    let scratch = Scratch::new();
    let twin = Twin::start(Duration::from_millis(4));
    let config = twin.config(&scratch, runtime, "{buffer_bytes: 65536, block: 100}");
    let mut child = start(&config, Stdio::piped());
    let mut stdout = BufReader::new(child.stdout.take().unwrap());
    let mut first = String::new();
    stdout.read_line(&mut first).unwrap();
    assert_eq!(
        parse(&first)["channel"],
        "exchangeInfo",
        "the list comes first"
    );
    // Nobody reads while pings come and go several times.
    thread::sleep(Duration::from_secs(5));
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
        "one connection on {runtime}"
    );
    let lost = lines.iter().filter(|line| line["cause"] == "overflow");
    let lost: Vec<u64> = lost.map(|line| line["lost"].as_u64().unwrap()).collect();
    assert!((1..10).contains(&lost.len()), "{lost:?} on {runtime}");
    let written = lines.iter().filter(|line| is_market(line)).count();
    let total = u64::try_from(written).unwrap() + lost.iter().sum::<u64>();
    // Besides data, the few lines that tell of the connection and its streams may be lost.
    let (sent, few) = (ledger.messages(), 24);
    assert!(
        (sent..=sent + few).contains(&total),
        "{total} written and lost, of {sent}, on {runtime}"
    );
}

#[test]
fn a_second_signal_gives_up_on_a_reader_that_is_stuck() {
    on_each_runtime(gives_up_on_a_reader);
}

fn gives_up_on_a_reader(runtime: Runtime) {
    let scratch = Scratch::new();
    let twin = Twin::start(Duration::from_millis(4));
    let config = twin.config(&scratch, runtime, "{buffer_bytes: 65536, block: off}");
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
fn a_second_signal_gives_up_on_an_exchange_that_does_not_answer() {
    on_each_runtime(gives_up_on_an_exchange);
}

fn gives_up_on_an_exchange(runtime: Runtime) {
    let scratch = Scratch::new();
    let mut twin = Twin::start(Duration::from_millis(20));
    let events = scratch.path("events.ndjson");
    let settings = format!("websocket: {}, timers: {{close: 600000}}", twin.url);
    let sink = format!("{{file: '{}'}}", events.display());
    let config = config(&scratch, &settings, runtime, &sink);
    let mut child = start(&config, Stdio::null());
    wait_for_lines(&events, 20);
    twin.fall_silent();
    // Signals that come together are one; those after the first that was heard make the second.
    while child.try_wait().unwrap().is_none() {
        interrupt(&child);
        thread::sleep(Duration::from_millis(100));
    }
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = "marketprism: stopped by a second signal before everything was written";
    assert_eq!(last_words(&output), words);
    drop(twin.end());
}

#[test]
fn a_reader_that_goes_away_ends_the_run() {
    on_each_runtime(ends_without_a_reader);
}

fn ends_without_a_reader(runtime: Runtime) {
    let scratch = Scratch::new();
    let twin = Twin::start(Duration::from_millis(20));
    let config = twin.config(&scratch, runtime, "{}");
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
    on_each_runtime(ends_on_a_full_disk);
}

fn ends_on_a_full_disk(runtime: Runtime) {
    let scratch = Scratch::new();
    let twin = Twin::start(Duration::from_millis(20));
    let config = twin.config(&scratch, runtime, "{file: /dev/full}");
    let output = start(&config, Stdio::null()).wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let words = last_words(&output);
    assert!(
        words.starts_with("marketprism: cannot write to /dev/full: "),
        "{words}"
    );
    drop(twin.end());
}

/// The account that the twin knows; it says so in `src/twin/okx/login.rs`.
const KEYS: [(&str, &str); 3] = [
    ("api_key", "twin-key"),
    ("secret_key", "twin-secret"),
    ("passphrase", "twin-passphrase"),
];

#[test]
fn what_is_served_behind_a_login_is_collected_and_no_secret_is_printed() {
    on_each_runtime(logs_in);
}

fn logs_in(runtime: Runtime) {
    let scratch = Scratch::new();
    let twin = Twin::serve(|| {
        let mut options = Options::new(Market::Okx);
        options.origin = wall_clock();
        let exchange = Exchange::new(Market::Okx, options, 1);
        Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), None).unwrap()
    });
    let keys = KEYS.map(|(name, secret)| {
        let place = scratch.write(name, &format!("{secret}\n"));
        format!("{name}: 'file:{}'", place.display())
    });
    let (events, log) = (scratch.path("events"), scratch.path("log"));
    let text_of_config = format!(
        "collect:
  - {{market: okx, instruments: [BTC-USDT], channels: [trades, books50-l2-tbt]}}
settings: {{websocket: {}}}
sink: {{file: '{}'}}
login: {{okx: {{{}}}}}
runtime: {runtime}
",
        twin.url,
        events.display(),
        keys.join(", ")
    );
    let config = scratch.write("config.yaml", &text_of_config);
    let mut command = program();
    command.arg("record").arg(&config).arg("--log").arg(&log);
    let child = command.stderr(Stdio::piped()).spawn().unwrap();
    let collected = || std::fs::read_to_string(&events).unwrap_or_default();
    while !collected().contains(r#""channel":"books50-l2-tbt","exchange_ns""#) {
        thread::sleep(Duration::from_millis(20));
    }
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let replayed = program().arg("replay").arg(&log).output().unwrap();
    assert_eq!(
        replayed.status.code(),
        Some(0),
        "{}",
        text(&replayed.stderr)
    );
    assert!(text(&replayed.stdout) == collected());
    for (_, secret) in KEYS {
        let printed = [collected().as_bytes(), &output.stderr].concat();
        let found = printed
            .windows(secret.len())
            .any(|window| window == secret.as_bytes());
        assert!(!found, "{secret} on {runtime}");
    }
    drop(twin.end());
}
