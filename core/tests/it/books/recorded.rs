//! The books of recorded sessions.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::OnceLock;

use marketprism_core::book::{Limits, Rule, Status, Sync, Verdict};
use marketprism_core::market::{Body, BookKind, Event, Level, Market, Side};
use marketprism_core::venue::{Decoded, Decoder};
use serde_json::Value;

use super::messages::{Message, level};
use super::tape::Tape;
use crate::recordings::{FOLDERS, files, recordings};

/// Changes of a tape, at least: shorter ones leave no room for edits.
const TAPE_MIN: usize = 200;

/// A book as it came: the messages of one instrument, the snapshots that were asked for, and the
/// best levels that another stream told.
struct Session {
    name: String,
    rule: Rule,
    messages: Vec<Message>,
    /// Each with the number of messages that had come before it.
    answers: Vec<(usize, Message)>,
    tickers: Vec<Message>,
}

/// What became of a session.
#[derive(Debug, Default, PartialEq, Eq)]
struct Account {
    applied: usize,
    known: usize,
    checksums: usize,
    tops: usize,
}

#[test]
fn every_recorded_session_synchronises_without_a_gap_and_has_the_venues_own_top() {
    let mut accounts = BTreeMap::<String, Account>::new();
    let mut books = 0;
    for session in sessions() {
        let account = accounts.entry(session.file().to_owned()).or_default();
        follow(session, account);
        books += 1;
    }
    if accounts.is_empty() {
        return;
    }
    for (file, account) in &accounts {
        println!(
            "(\"{file}\", {}, {}, {}, {}),",
            account.applied, account.known, account.checksums, account.tops
        );
    }
    println!("{books} books");
    let row = |(file, applied, known, checksums, tops): (&str, usize, usize, usize, usize)| {
        (
            file.to_owned(),
            Account {
                applied,
                known,
                checksums,
                tops,
            },
        )
    };
    assert_eq!(accounts, ACCOUNTS.into_iter().map(row).collect());
}

/// File; changes applied, known; checksums verified; tops compared.
const ACCOUNTS: [(&str, usize, usize, usize, usize); 14] = [
    (
        "binance-coinm/session-cryptofeed-2021-07-22/BINANCE_DELIVERY_ws_1_0-5c1902.ndjson",
        1788,
        249,
        0,
        213,
    ),
    (
        "binance-coinm/session-hftbacktest-2024-08/btcusd_perp_20240808.ndjson",
        11803,
        0,
        0,
        478,
    ),
    (
        "binance-coinm/session-hftbacktest-2024-08/ethusd_perp_20240808.ndjson",
        3035,
        0,
        0,
        218,
    ),
    (
        "binance-spot/session-cryptofeed-2021-04-04/BINANCE-ee25be_0-8980a8.ndjson",
        2656,
        29,
        0,
        0,
    ),
    (
        "binance-spot/session-cryptofeed-2021-10-12/BINANCE_ws_1_0-3cdb38.ndjson",
        172,
        1,
        0,
        26,
    ),
    (
        "binance-spot/session-hftbacktest-2024-08/btcusdt_20240808.ndjson",
        2225,
        0,
        0,
        365,
    ),
    (
        "binance-spot/session-hftbacktest-2024-08/ethusdt_20240808.ndjson",
        700,
        0,
        0,
        117,
    ),
    (
        "binance-us-spot/session-cryptofeed-2021-10-12/BINANCE_US_ws_1_0-98c8da.ndjson",
        332,
        0,
        0,
        57,
    ),
    (
        "binance-usdm/session-cryptofeed-2021-07-22/BINANCE_FUTURES_ws_1_0-79508f.ndjson",
        752,
        8,
        0,
        50,
    ),
    (
        "binance-usdm/session-hftbacktest-2024-08/btcusdt_20240808.ndjson",
        2192,
        0,
        0,
        189,
    ),
    (
        "binance-usdm/session-hftbacktest-2024-08/ethusdt_20240808.ndjson",
        742,
        0,
        0,
        63,
    ),
    (
        "binance-usdm/session-hftbacktest-history/btcusdt_20230404.ndjson",
        4321,
        0,
        0,
        310,
    ),
    (
        "okx/session-cryptofeed-2021-07-22/OKEX_ws_1_0-88c5ac.ndjson",
        1494,
        0,
        1504,
        0,
    ),
    (
        "okx/session-cryptofeed-2022-05-13/OKX_ws_1_0-c62f74.ndjson",
        287,
        0,
        290,
        0,
    ),
];

impl Session {
    fn file(&self) -> &str {
        self.name.split(' ').next().unwrap()
    }

    fn is_whole(&self) -> bool {
        let snapshot = |message: &Message| message.kind == BookKind::Snapshot;
        let answered = !self.answers.is_empty() && !self.messages.is_empty();
        answered || self.messages.iter().any(snapshot)
    }

    /// Gives the snapshots that had been taken when this message came, as long as one is needed.
    fn answer(&self, number: usize, sync: &mut Sync) {
        let name = &self.name;
        for (_, answer) in self
            .answers
            .iter()
            .filter(|(after, _)| *after <= number + 1)
        {
            if !sync.needs_snapshot() {
                return;
            }
            match sync.apply(&answer.as_book()) {
                Verdict::Synchronised | Verdict::Refused(_) => {}
                other @ (Verdict::Early
                | Verdict::Applied
                | Verdict::Restarted
                | Verdict::Known
                | Verdict::Broken(_)
                | Verdict::Apart) => {
                    panic!("{name}: {other:?} at the snapshot {:?}", answer.last)
                }
            }
        }
    }
}

fn follow(session: &Session, account: &mut Account) {
    let name = &session.name;
    let mut sync = Sync::new(session.rule, Limits::DEFAULT);
    let mut tops = BTreeMap::new();
    for (number, message) in session.messages.iter().enumerate() {
        match sync.apply(&message.as_book()) {
            Verdict::Applied => account.applied += 1,
            Verdict::Known => account.known += 1,
            Verdict::Early | Verdict::Synchronised => {}
            other @ (Verdict::Restarted
            | Verdict::Refused(_)
            | Verdict::Broken(_)
            | Verdict::Apart) => panic!("{name}: {other:?} at {message:?}"),
        }
        account.checksums += usize::from(message.checksum.is_some_and(|sum| sum != 0));
        session.answer(number, &mut sync);
        if let Some(book) = sync.book() {
            let status = sync.status();
            assert_eq!(status, Status::Synchronised, "{name} at {message:?}");
            let best = [Side::Buy, Side::Sell].map(|side| book.best(side).copied());
            tops.insert(sync.last(), best);
        }
    }
    assert_eq!(sync.status(), Status::Synchronised, "{name}");
    for ticker in &session.tickers {
        if let Some(best) = tops.get(&ticker.last) {
            let expected = [ticker.bids.first().copied(), ticker.asks.first().copied()];
            assert_eq!(*best, expected, "{name} at {:?}", ticker.last);
            account.tops += 1;
        }
    }
}

/// The longer sessions as tapes, begun where they were synchronised first.
pub(super) fn tapes() -> &'static [(String, Tape)] {
    static TAPES: OnceLock<Vec<(String, Tape)>> = OnceLock::new();
    TAPES.get_or_init(|| sessions().iter().filter_map(tape).collect())
}

fn tape(session: &Session) -> Option<(String, Tape)> {
    if session.messages.len() < TAPE_MIN {
        return None;
    }
    let mut sync = Sync::new(session.rule, Limits::DEFAULT);
    for (number, message) in session.messages.iter().enumerate() {
        // Whether all of it is right is the business of another test.
        let _verdict = sync.apply(&message.as_book());
        session.answer(number, &mut sync);
        if let Some(book) = sync.book() {
            let mut start = Message::snapshot(0);
            start.last = sync.last();
            start.bids = book.levels(Side::Buy).copied().collect();
            start.asks = book.levels(Side::Sell).copied().collect();
            let mut rest = session.messages[number + 1..].to_vec();
            // What was on its way when the snapshot was taken changes nothing.
            rest.retain(|message| message.last.is_none() || message.last > start.last);
            let tape = match session.rule {
                Rule::Okx => Tape::numbered(start, rest),
                Rule::Spot | Rule::Futures => Tape::new(session.rule, start, rest),
            };
            return Some((session.name.clone(), tape));
        }
    }
    None
}

/// Every book of every recorded session that has a snapshot.
fn sessions() -> &'static [Session] {
    static SESSIONS: OnceLock<Vec<Session>> = OnceLock::new();
    SESSIONS.get_or_init(|| {
        let Some(root) = recordings() else {
            return Vec::new();
        };
        let mut sessions = Vec::new();
        for (folder, market) in FOLDERS {
            let folder = root.join(folder);
            let files = files(&folder).into_iter();
            for file in files.filter(|file| file.to_string_lossy().contains("/session-")) {
                sessions.extend(read(&root, &file, market));
            }
        }
        sessions.retain(Session::is_whole);
        sessions
    })
}

fn read(root: &Path, file: &Path, market: Market) -> Vec<Session> {
    let name = file.strip_prefix(root).unwrap().display().to_string();
    let mut books = BTreeMap::<String, Session>::new();
    let mut decoder = Decoder::new(market);
    let mut inline = Vec::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        if line.starts_with("{\"lastUpdateId\"") {
            inline.push((
                books.values().map(|book| book.messages.len()).sum(),
                answer(line),
            ));
            continue;
        }
        let Ok(Decoded::Events { count, .. }) = decoder.decode(line) else {
            continue;
        };
        for event in (0..count).filter_map(|index| decoder.event(line, index)) {
            let book = books
                .entry(event.instrument.to_owned())
                .or_insert_with(|| Session {
                    name: format!("{name} {}", event.instrument),
                    rule: Rule::Spot,
                    messages: Vec::new(),
                    answers: Vec::new(),
                    tickers: Vec::new(),
                });
            take(book, &event);
        }
    }
    for (instrument, snapshot) in answers(file.parent().unwrap()) {
        if let Some(book) = books.get_mut(&instrument) {
            book.answers.push((0, snapshot));
        }
    }
    // An answer that stands among the messages names no instrument; such files have only one.
    if let Some(book) = books.values_mut().find(|book| !book.messages.is_empty()) {
        book.answers.extend(inline);
    }
    books.into_values().collect()
}

fn take(book: &mut Session, event: &Event<'_>) {
    let Body::Book(message) = event.body else {
        return;
    };
    match (Rule::of(event.market, event.channel), message.kind) {
        (Some(rule), _) => {
            book.rule = rule;
            book.messages.push(Message::of(&message));
        }
        (None, BookKind::Top(1)) => book.tickers.push(Message::of(&message)),
        (None, _) => {}
    }
}

/// Snapshots that were asked for over REST, with their instruments from the addresses beside.
fn answers(folder: &Path) -> Vec<(String, Message)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.to_string_lossy().ends_with(".rest.ndjson") {
            continue;
        }
        let addresses = std::fs::read_to_string(path.with_extension("url")).unwrap();
        let bodies = std::fs::read_to_string(&path).unwrap();
        for (address, body) in addresses.lines().zip(bodies.lines()) {
            let symbol = address.split_once("depth?symbol=");
            let symbol = symbol.and_then(|(_, rest)| rest.split('&').next());
            if let Some(symbol) = symbol {
                found.push((symbol.to_owned(), answer(body)));
            }
        }
    }
    found
}

fn answer(body: &str) -> Message {
    let tree: Value = serde_json::from_str(body).unwrap();
    let rows = |side: &str| -> Vec<Level> {
        let rows = tree[side].as_array().unwrap().iter();
        rows.map(|row| level((row[0].as_str().unwrap(), row[1].as_str().unwrap())))
            .collect()
    };
    let mut message = Message::snapshot(tree["lastUpdateId"].as_i64().unwrap());
    (message.bids, message.asks) = (rows("bids"), rows("asks"));
    message
}
