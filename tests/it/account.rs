//! The ledger against the twins' own lists of what they sent, with random cuts and missing
//! updates, and with `kill -9` in between: every number is delivered once, backfilled once, or told
//! to be missing.
//!
//! A few seconds here; `tests/ledger.sh` lets it go on for ten minutes.
#![cfg(unix)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Stdio};
use std::str::FromStr;
use std::time::Duration;

use marketprism::Runtime;
use marketprism::twin::{Exchange, Fault, FaultPlan, Ids, Ledger, Options, Server, wall_clock};
use marketprism_core::market::{Market, Venue};
use serde_json::Value;

use crate::collect::{Twin, interrupt, wait_for_lines};
use crate::program::{Scratch, on_each_runtime, program, text};

/// Market, instrument, and channels whose numbers tell of everything that is missing.
const COLLECTED: [(Market, &str, &[&str]); 3] = [
    (
        Market::BinanceSpot,
        "BTCUSDT",
        &["trade", "aggTrade", "depth@100ms"],
    ),
    (
        Market::BinanceUsdm,
        "BTCUSDT",
        &["trade", "aggTrade", "depth@100ms"],
    ),
    (Market::Okx, "BTC-USDT", &["trades", "books"]),
];
/// Faults that cost messages, and those that bring them twice, late or in another order.
const FAULTS: [&str; 7] = [
    "cut",
    "reset",
    "half-close",
    "missing-updates",
    "duplicated-updates",
    "reordered-updates",
    "late-update",
];
/// How often the process is killed and started again.
const KILLS: u32 = 2;

/// A number from the environment, for longer runs.
fn asked<T: FromStr>(name: &str, usual: T) -> T {
    let value = std::env::var(name)
        .ok()
        .and_then(|value| value.parse().ok());
    value.unwrap_or(usual)
}

fn twin(market: Market, seed: u64) -> Twin {
    Twin::serve(move || {
        let mut options = Options::new(market);
        options.origin = wall_clock();
        options.pace = Duration::from_millis(4);
        let kinds = Fault::catalogue().into_iter();
        options.faults = Some(FaultPlan {
            kinds: kinds
                .filter(|fault| FAULTS.contains(&fault.name().as_ref()))
                .collect(),
            ..FaultPlan::every(Duration::from_millis(400))
        });
        let exchange = Exchange::new(market, options, seed);
        Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), None).unwrap()
    })
}

fn config(scratch: &Scratch, twins: &[Twin], runtime: Runtime, file: &Path) -> String {
    let mut text = String::from("collect:\n");
    for (market, instrument, channels) in COLLECTED {
        let channels = channels.join(", ");
        text += &format!(
            "  - {{market: {market}, instruments: [{instrument}], channels: [{channels}]}}\n"
        );
    }
    text += "markets:\n";
    for (twin, (market, ..)) in twins.iter().zip(COLLECTED) {
        let address = twin.address;
        text += &format!("  {market}: {{websocket: 'ws://{address}', rest: 'http://{address}'}}\n");
    }
    text += "settings: {timers: {silence: 2000, probe: 1000, retry: 50, retry_cap: 400}}\n";
    text += &format!("sink: {{file: '{}'}}\nruntime: {runtime}\n", file.display());
    scratch.write("config.yaml", &text).display().to_string()
}

fn start(config: &str) -> Child {
    let mut command = program();
    let quiet = command.args(["run", config]).stdout(Stdio::null());
    quiet.stderr(Stdio::piped()).spawn().unwrap()
}

#[test]
fn every_number_that_was_sent_is_delivered_once_or_backfilled_once_or_told_to_be_missing() {
    on_each_runtime(agrees_with_the_twins);
}

fn agrees_with_the_twins(runtime: Runtime) {
    let seed = asked("MARKETPRISM_SEED", 1_u64);
    let span = Duration::from_secs(asked("MARKETPRISM_SECONDS", 9)) / (KILLS + 1);
    let scratch = Scratch::new();
    let twins = COLLECTED.map(|(market, ..)| twin(market, seed));
    let file = scratch.path("events.ndjson");
    let config = config(&scratch, &twins, runtime, &file);
    for _ in 0..KILLS {
        let mut child = start(&config);
        wait_for_lines(&file, 100);
        std::thread::sleep(span);
        child.kill().unwrap();
        child.wait().unwrap();
    }
    let last = start(&config);
    std::thread::sleep(span);
    interrupt(&last);
    let output = last.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    misses_a_line(&file, &scratch);
    let ledgers = twins.map(Twin::end);
    let accounts = accounts(&file);
    let read = read(&file);
    let (mut backfilled, mut cut_off) = (0, 0);
    for (ledger, (market, instrument, channels)) in ledgers.iter().zip(COLLECTED) {
        assert_eq!(ledger.unlisted(), 0);
        for channel in channels {
            let name = format!("{market} {instrument} {channel}");
            let judge = Judge {
                account: &accounts[&name],
                read: &read[&name],
                ledger,
                stream: &match market.venue() {
                    Venue::Okx => format!("{channel}:{instrument}"),
                    Venue::Binance => format!("{}@{channel}", instrument.to_lowercase()),
                },
                name: format!("{name} with seed {seed} on {runtime}"),
            };
            judge.every_number_has_its_place();
            judge.what_was_backfilled_was_missing();
            backfilled += judge.read.backfilled.len();
            cut_off += judge.cut_off();
            if *channel != "books"
                && !(market == Market::BinanceUsdm && channel.starts_with("depth"))
            {
                judge.each_number_is_as_the_twin_has_it();
            }
        }
    }
    // Which stream loses what is chance; that none lost anything would be a test of nothing.
    assert!(backfilled > 0, "seed {seed} on {runtime}");
    assert!(cut_off > 0, "seed {seed} on {runtime}");
}

/// A trade that is taken out of the middle of the file is missed.
fn misses_a_line(file: &Path, scratch: &Scratch) {
    let written = std::fs::read_to_string(file).unwrap();
    let lines: Vec<_> = written.lines().collect();
    let ordinary = |line: &str| {
        let is_trade =
            line.starts_with(r#"{"kind":"trade""#) && line.contains(r#""channel":"trade","#);
        is_trade && !line.contains("disorder") && !line.contains("backfilled")
    };
    let mut middle = lines.len() / 2..lines.len();
    // One that comes again later would not be missed.
    let is_once = |line: &str| {
        let id = number(&serde_json::from_str(line).unwrap(), "id");
        written.matches(&format!(r#""id":{id},"#)).count() == 1
    };
    let place = middle
        .find(|place| ordinary(lines[*place]) && is_once(lines[*place]))
        .unwrap();
    let others = lines[..place].iter().chain(&lines[place + 1..]);
    let others: String = others.map(|line| format!("{line}\n")).collect();
    let mut command = program();
    let file = scratch.write("others.ndjson", &others);
    let output = command.arg("ledger").arg(file).output().unwrap();
    assert_eq!(output.status.code(), Some(1), "{}", lines[place]);
}

/// What `marketprism ledger` says of each stream, all days together.
fn accounts(file: &Path) -> BTreeMap<String, Account> {
    let mut command = program();
    let output = command
        .arg("ledger")
        .arg(file)
        .arg("--json")
        .output()
        .unwrap();
    // Nothing is missing of which nobody tells.
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let mut accounts: BTreeMap<String, Account> = BTreeMap::new();
    for line in text(&output.stdout).lines() {
        let day: Value = serde_json::from_str(line).unwrap();
        accounts.entry(name(&day)).or_default().add(&day);
    }
    accounts
}

/// The account of one stream.
#[derive(Debug, Default)]
struct Account {
    runs: Vec<(i64, i64)>,
    backfilled: Vec<(i64, i64)>,
    /// From, to, cause.
    gaps: BTreeSet<(i64, i64, String)>,
    left: u64,
    duplicates: u64,
    never_given: u64,
}

impl Account {
    fn add(&mut self, day: &Value) {
        self.runs.extend(pairs(&day["runs"]));
        self.backfilled.extend(pairs(&day["backfilled_runs"]));
        for gap in day["gaps"].as_array().unwrap() {
            let cause = gap["cause"].as_str().unwrap().to_owned();
            let is_new = self
                .gaps
                .insert((number(gap, "from"), number(gap, "to"), cause));
            self.left += if is_new {
                gap["left"].as_u64().unwrap()
            } else {
                0
            };
        }
        self.duplicates += day["duplicates"].as_u64().unwrap();
        self.never_given += day["never_given"].as_u64().unwrap();
    }

    fn delivered(&self) -> BTreeSet<i64> {
        each(&self.runs)
    }

    fn backfilled(&self) -> BTreeSet<i64> {
        each(&self.backfilled)
    }

    fn missing(&self, cause: Option<&str>) -> BTreeSet<i64> {
        let gaps = self
            .gaps
            .iter()
            .filter(|gap| cause.is_none_or(|cause| gap.2 == cause));
        gaps.flat_map(|(from, to, _)| *from..=*to).collect()
    }
}

/// What stands in the file about one stream, read without the ledger.
#[derive(Debug, Default)]
struct Read {
    numbers: BTreeSet<i64>,
    /// Messages all of whose numbers stand there already.
    again: u64,
    spent: BTreeSet<i64>,
    backfilled: BTreeSet<i64>,
    /// The first and the last of gaps that were told to be filled.
    filled: Vec<(i64, i64)>,
}

fn read(file: &Path) -> BTreeMap<String, Read> {
    let mut all: BTreeMap<String, Read> = BTreeMap::new();
    for line in BufReader::new(File::open(file).unwrap()).lines() {
        // A line that was cut off says nothing.
        let Ok(line) = serde_json::from_str::<Value>(&line.unwrap()) else {
            continue;
        };
        let read = all.entry(name(&line)).or_default();
        match line["kind"].as_str().unwrap() {
            "trade" if line["backfilled"] == true => {
                let id = number(&line, "id");
                let is_new = read.backfilled.insert(id) && !read.numbers.contains(&id);
                read.again += u64::from(!is_new);
            }
            "filled" => read
                .filled
                .push((number(&line, "from"), number(&line, "to"))),
            "trade" => {
                let first = if line["channel"] == "trades" {
                    "first_id"
                } else {
                    "id"
                };
                read.take(number(&line, first), number(&line, "id"));
            }
            // It was asked for, and stands beside the changes.
            "book" if line["book"] == "snapshot" && line["market"] != "okx" => {}
            "book" => {
                let first = line["first"]
                    .as_i64()
                    .unwrap_or_else(|| number(&line, "last"));
                read.take(first, number(&line, "last"));
            }
            "gap" if line["cause"] == "spent" => {
                read.spent
                    .extend(number(&line, "from")..=number(&line, "to"));
            }
            _ => {}
        }
    }
    all
}

impl Read {
    fn take(&mut self, first: i64, last: i64) {
        let is_known = |id| self.numbers.contains(&id) || self.backfilled.contains(&id);
        self.again += u64::from((first..=last).all(is_known));
        self.numbers.extend(first..=last);
    }
}

/// One stream, and all that is known of it.
struct Judge<'a> {
    account: &'a Account,
    read: &'a Read,
    ledger: &'a Ledger,
    /// Its name in the twin's list.
    stream: &'a str,
    name: String,
}

impl Judge<'_> {
    /// From the first number to the last there is none that was not delivered, told to be missing,
    /// or used up for nothing.
    fn every_number_has_its_place(&self) {
        let spent = self.read.spent.iter().map(|id| (*id, *id));
        let gaps = self.account.gaps.iter().map(|(from, to, _)| (*from, *to));
        let mut spans: Vec<_> = self
            .account
            .runs
            .iter()
            .copied()
            .chain(gaps)
            .chain(spent)
            .collect();
        spans.sort_unstable();
        let mut reached = spans[0].0 - 1;
        for (first, last) in spans {
            assert!(
                first <= reached + 1,
                "{}: nothing about {}",
                self.name,
                reached + 1
            );
            reached = reached.max(last);
        }
    }

    /// Nothing is backfilled but trades that were told to be missing, each once, and a gap that is
    /// told to be filled is.
    fn what_was_backfilled_was_missing(&self) {
        let (name, backfilled) = (&self.name, self.account.backfilled());
        assert_eq!(backfilled, self.read.backfilled, "{name}");
        assert!(backfilled.is_subset(&self.account.missing(None)), "{name}");
        let mut known = self.account.delivered();
        assert!(known.is_disjoint(&backfilled), "{name}");
        known.extend(backfilled);
        let filled = each(&self.read.filled);
        assert!(filled.is_subset(&known), "{name}");
    }

    /// How much is missing because the connection or the process ended.
    fn cut_off(&self) -> usize {
        let lost = |cause| self.account.missing(Some(cause)).len();
        lost("restart") + lost("connection")
    }

    fn each_number_is_as_the_twin_has_it(&self) {
        let (name, delivered) = (&self.name, self.account.delivered());
        // The account is of what stands in the file.
        let mut read = self.read.numbers.clone();
        read.retain(|id| delivered.contains(id) || !self.read.backfilled.contains(id));
        assert_eq!(delivered, read, "{name}");
        assert_eq!(self.account.duplicates, self.read.again, "{name}");
        assert_eq!(
            self.account.never_given,
            self.read.spent.len() as u64,
            "{name}"
        );
        let missing = self.account.missing(None);
        let backfilled = self.account.backfilled();
        let known = |id: &&i64| delivered.contains(id) || backfilled.contains(id);
        let left = missing.iter().filter(|id| !known(id)).count() as u64;
        assert_eq!(self.account.left, left, "{name}");
        // What was delivered was sent, in its place or out of it.
        let mut sent = numbers(self.ledger.numbers(self.stream));
        let disorders = self.ledger.disorders().iter();
        let disorders = disorders.filter(|disorder| disorder.stream == self.stream);
        sent.extend(disorders.flat_map(|disorder| numbers(&[disorder.ids])));
        assert!(delivered.is_subset(&sent), "{name}");
        // What did not come although the connection stood is what the twin left out.
        let omissions = self.ledger.omissions().iter();
        let omissions = omissions.filter(|omission| omission.stream == self.stream);
        let omitted: BTreeSet<_> = omissions
            .flat_map(|omission| numbers(&[omission.ids]))
            .collect();
        assert!(
            self.account.missing(Some("missing")).is_subset(&omitted),
            "{name}"
        );
        // What was left out between the first number and the last is known to be missing.
        let (first, last) = (*delivered.first().unwrap(), *delivered.last().unwrap());
        let known = |id: &i64| missing.contains(id) || delivered.contains(id);
        assert!(omitted.range(first..=last).all(known), "{name}");
    }
}

fn pairs(runs: &Value) -> impl Iterator<Item = (i64, i64)> {
    let runs = runs.as_array().unwrap().iter();
    runs.map(|run| (run[0].as_i64().unwrap(), run[1].as_i64().unwrap()))
}

fn each(runs: &[(i64, i64)]) -> BTreeSet<i64> {
    let each = runs.iter().flat_map(|(first, last)| *first..=*last);
    each.collect()
}

fn numbers(ids: &[Ids]) -> BTreeSet<i64> {
    let all = ids.iter().flat_map(|ids| ids.first..=ids.last);
    all.map(|id| i64::try_from(id).unwrap()).collect()
}

fn name(line: &Value) -> String {
    let part = |key: &str| line[key].as_str().unwrap_or_default().to_owned();
    format!(
        "{} {} {}",
        part("market"),
        part("instrument"),
        part("channel")
    )
}

fn number(line: &Value, field: &str) -> i64 {
    line[field].as_i64().unwrap()
}
