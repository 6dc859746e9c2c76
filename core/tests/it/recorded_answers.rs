//! Answers of REST that the exchanges really sent, some of them between messages, and what clients
//! sent: the rest of the recordings.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use marketprism_core::UnixNanos;
use marketprism_core::market::{Body, Catalog, Channel, Market, Speed, Venue};
use marketprism_core::venue::{Asked, Decoded, Decoder, Query};
use serde_json::Value;

use crate::recordings::{FOLDERS, is_snapshot, recordings};
use crate::reference_binance;
use crate::reference_okx;
use crate::venue_decode::{events, scrambled};

/// What was asked, and of what.
type Question = (Asked, String);

/// A file, what one of its lines was, and how many of them.
type Rows<'a> = BTreeMap<(&'a str, &'a str), usize>;

const MESSAGES: &str = include_str!("recordings.tsv");
const ANSWERS: &str = include_str!("recorded_answers.tsv");
/// What is no event, and why.
const REASONS: &str = include_str!("recorded_without_events.tsv");

#[test]
fn every_recorded_answer_is_read_as_it_is_printed_and_every_one_is_accounted_for() {
    let Some(root) = recordings() else { return };
    let mut counts = BTreeMap::new();
    for (folder, market) in FOLDERS {
        for file in files(&root.join(folder)) {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            let text = std::fs::read_to_string(&file).unwrap();
            let urls = std::fs::read_to_string(file.with_extension("url")).unwrap_or_default();
            let mut urls = urls.lines();
            for line in text
                .lines()
                .filter(|line| holds_answers(&name) || is_snapshot(line))
            {
                let url = urls.next().unwrap_or_default();
                let label = account(market, &name, url, line);
                *counts.entry((name.clone(), label)).or_insert(0_usize) += 1;
            }
        }
    }
    let counts: Rows<'_> = counts
        .iter()
        .map(|((file, label), count)| ((file.as_str(), label.as_str()), *count))
        .collect();
    let table = rows(ANSWERS);
    for (row, count) in &counts {
        if table.get(row) != Some(count) {
            println!("found\t{}\t{}\t{count}", row.0, row.1);
        }
    }
    assert!(
        counts == table,
        "the rows above differ from recorded_answers.tsv"
    );
}

#[test]
fn every_recorded_line_is_in_one_of_the_two_tables_and_none_is_unknown() {
    let Some(root) = recordings() else { return };
    let mut counted = BTreeMap::new();
    for ((file, _), count) in rows(MESSAGES).into_iter().chain(rows(ANSWERS)) {
        *counted.entry(file.to_owned()).or_insert(0) += count;
    }
    let lines: BTreeMap<String, usize> = FOLDERS
        .iter()
        .flat_map(|(folder, _)| files(&root.join(folder)))
        .map(|file| {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            let text = std::fs::read_to_string(&file).unwrap();
            (name, text.lines().count())
        })
        .collect();
    assert_eq!(counted, lines);
    let total: usize = lines.values().sum();
    println!(
        "{total} lines in {} files, none of them unknown",
        lines.len()
    );
    assert!(!MESSAGES.contains("unknown") && !ANSWERS.contains("unknown"));
}

#[test]
fn whatever_is_no_event_has_a_reason_in_words() {
    let silent = |label: &str| !is_event(label);
    let messages = rows(MESSAGES).into_keys().map(|(_, label)| label);
    let answers = rows(ANSWERS).into_keys().map(|(_, label)| label);
    let found: BTreeSet<&str> = messages
        .chain(answers)
        .filter(|label| silent(label))
        .collect();
    let reasons: BTreeMap<&str, &str> = REASONS
        .lines()
        .map(|row| row.split_once('\t').unwrap())
        .collect();
    assert_eq!(found, reasons.keys().copied().collect());
    assert!(reasons.values().all(|reason| reason.contains(' ')));
}

/// What a catalog says is wrong with the lists: a false alarm would keep a collector from starting.
#[test]
fn recorded_lists_of_instruments_have_one_name_for_each() {
    let Some(root) = recordings() else { return };
    let mut listed = 0;
    for (folder, market) in FOLDERS {
        for file in files(&root.join(folder)) {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            let text = std::fs::read_to_string(&file).unwrap();
            let urls = std::fs::read_to_string(file.with_extension("url")).unwrap_or_default();
            let lines = text.lines().filter(|_| holds_answers(&name));
            for (line, url) in lines.zip(urls.lines().chain(std::iter::repeat(""))) {
                listed += catalogued(market, &name, url, line);
            }
        }
    }
    println!("{listed} instruments with a symbol");
    assert!(listed > 5_000, "{listed}");
}

/// How many instruments of a list have a symbol, if the line is a list.
fn catalogued(market: Market, file: &str, url: &str, line: &str) -> usize {
    let tree: Value = serde_json::from_str(line).unwrap();
    let question = match market.venue() {
        Venue::Okx => okx_question(file, url, &tree),
        Venue::Binance => binance_question(endpoint(file, url), url),
    };
    let is_list = |asked| {
        let Asked::Poll(channel) = asked else {
            return false;
        };
        matches!(channel, Channel::ExchangeInfo | Channel::Instruments)
    };
    let Some((asked, instrument)) = question.filter(|(asked, _)| is_list(*asked)) else {
        return 0;
    };
    let (mut decoder, mut catalog) = (Decoder::new(market), Catalog::new());
    let query = Query {
        asked,
        instrument: &instrument,
    };
    let Ok(Decoded::Events { count, .. }) = decoder.decode_answer(query, line) else {
        return 0;
    };
    let rows = (0..count).filter_map(|index| decoder.event(line, index));
    let mut symbols = 0;
    for event in rows {
        let Body::Instrument(instrument) = event.body else {
            panic!("{event:?}");
        };
        let added = catalog.add(event.instrument, instrument, UnixNanos::default());
        assert_eq!(added, Ok(()), "{file}");
        let listed = catalog.find(event.instrument);
        symbols += usize::from(listed.is_some_and(|listed| listed.symbol().is_some()));
    }
    symbols
}

/// Whether lines of this label become events; `unhandled kline` and `control` do not.
fn is_event(label: &str) -> bool {
    let words = [
        "unhandled ",
        "not asked for ",
        "control",
        "refusal",
        "request",
    ];
    !words.iter().any(|word| label.starts_with(word))
}

fn rows(table: &str) -> Rows<'_> {
    let row = |row| {
        let mut cells = str::split(row, '\t');
        let (file, label) = (cells.next().unwrap(), cells.next().unwrap());
        ((file, label), cells.next().unwrap().parse().unwrap())
    };
    table.lines().map(row).collect()
}

/// Reads a line and says what it was.
fn account(market: Market, file: &str, url: &str, line: &str) -> String {
    let tree: Value = serde_json::from_str(line).unwrap();
    if file.contains(".client-sent.") {
        assert!(tree.get("op").is_some(), "{line}");
        return "request".to_owned();
    }
    let mut decoder = Decoder::new(market);
    let question = match market.venue() {
        Venue::Okx => okx_question(file, url, &tree),
        Venue::Binance => binance_question(endpoint(file, url), url),
    };
    if market.venue() == Venue::Binance && tree.get("code").is_some() {
        let query = Query {
            asked: Asked::Poll(Channel::OpenInterest),
            instrument: "",
        };
        assert_eq!(decoder.decode_answer(query, line), Ok(Decoded::Control));
        return "refusal".to_owned();
    }
    let Some((asked, instrument)) = question else {
        return format!("not asked for {}", endpoint(file, url));
    };
    let query = Query {
        asked,
        instrument: &instrument,
    };
    let expected = match market.venue() {
        Venue::Okx => okx_expected(query, &tree),
        Venue::Binance => reference_binance::answer(market, query, &tree),
    };
    for text in [line.to_owned(), scrambled(&tree, 7)] {
        match decoder.decode_answer(query, &text) {
            Ok(Decoded::Events { count, .. }) => assert_eq!(count, expected.len(), "{text}"),
            other => panic!("{other:?}: {text}"),
        }
        assert_eq!(events(&decoder, &text), expected, "{text}");
    }
    format!("answer {}", asked.channel())
}

/// What was asked for: the last word of the URL's path, or of the folder's name.
fn endpoint<'a>(file: &'a str, url: &'a str) -> &'a str {
    let place = match (url.split('?').next(), file.rsplit_once('/')) {
        (Some("") | None, Some((folder, _))) if folder.contains("/rest-") => folder,
        (Some("") | None, _) => "depth",
        (Some(path), _) => path,
    };
    place.rsplit(['/', '_', '-']).next().unwrap()
}

fn binance_question(endpoint: &str, url: &str) -> Option<Question> {
    let asked = match endpoint {
        "depth" => Asked::Book(Channel::Depth(Speed::Ms100)),
        "trades" => Asked::Trades {
            channel: Channel::Trade,
            from: 0,
            to: i64::MAX,
        },
        "openInterest" => Asked::Poll(Channel::OpenInterest),
        "topLongShortAccountRatio" => Asked::Poll(Channel::TopAccountRatio),
        "topLongShortPositionRatio" => Asked::Poll(Channel::TopPositionRatio),
        "globalLongShortAccountRatio" => Asked::Poll(Channel::AccountRatio),
        "exchangeInfo" => return Some((Asked::Poll(Channel::ExchangeInfo), String::new())),
        _ => return None,
    };
    let named = url
        .split_once("symbol=")
        .map_or("BTCUSDT", |(_, rest)| rest);
    Some((asked, named.split('&').next()?.to_owned()))
}

/// The question that an answer answers: told by its URL, by its folder, or by what it holds.
fn okx_question(file: &str, url: &str, tree: &Value) -> Option<Question> {
    if let Some((_, kind)) = url.split_once("instType=") {
        let kind = kind.split('&').next()?;
        return Some((Asked::Poll(Channel::Instruments), kind.to_owned()));
    }
    if let Some((_, kind)) = file.split_once("rest-instruments-") {
        let kind = kind.split('/').next()?;
        return Some((Asked::Poll(Channel::Instruments), kind.to_owned()));
    }
    let row = tree.get("data")?.get(0)?;
    if row.get("asks").is_some() {
        return Some((Asked::Book(Channel::Books), "BTC-USDT".to_owned()));
    }
    row.get("oi")?;
    Some((
        Asked::Poll(Channel::OkxOpenInterest),
        "BTC-USD-220520".to_owned(),
    ))
}

fn okx_expected(query: Query<'_>, tree: &Value) -> Vec<String> {
    let rows = tree.get("data").unwrap_or(tree).as_array().unwrap();
    let channel = query.asked.channel().to_string();
    let of = |row| reference_okx::of_row(&channel, query.instrument, Some("snapshot"), row);
    rows.iter().flat_map(|row| of(row).unwrap()).collect()
}

/// Whether a file holds answers, or what a client sent; `recordings::files` leaves it out.
fn holds_answers(name: &str) -> bool {
    ["/rest", ".rest.", ".client-sent."]
        .iter()
        .any(|mark| name.contains(mark))
}

/// All files of lines.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else if path.extension().is_some_and(|ending| ending == "ndjson") {
            found.push(path);
        }
    }
    found.sort();
    found
}
