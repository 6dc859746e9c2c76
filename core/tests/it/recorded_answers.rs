//! Answers of REST that the exchanges really sent, and what clients sent: the rest of the
//! recordings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use marketprism_core::market::{Channel, Market};
use marketprism_core::venue::{Asked, Decoded, Decoder, Query};
use serde_json::Value;

use crate::recordings::recordings;
use crate::reference_okx;
use crate::venue_decode::{events, scrambled};

/// The folders whose answers are read here, and their markets.
const FOLDERS: [(&str, Market); 1] = [("okx", Market::Okx)];

/// What was asked, and of what.
type Question = (Asked, String);

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
            for line in text.lines() {
                let url = urls.next().unwrap_or_default();
                let label = account(market, &name, url, line);
                *counts.entry((name.clone(), label)).or_insert(0_usize) += 1;
            }
        }
    }
    let table: BTreeMap<(String, String), usize> = include_str!("recorded_answers.tsv")
        .lines()
        .map(|row| {
            let cells: Vec<&str> = row.split('\t').collect();
            let count = cells[2].parse().unwrap();
            ((cells[0].to_owned(), cells[1].to_owned()), count)
        })
        .collect();
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

/// Reads a line and says what it was.
fn account(market: Market, file: &str, url: &str, line: &str) -> String {
    let tree: Value = serde_json::from_str(line).unwrap();
    if file.contains(".client-sent.") {
        assert!(tree.get("op").is_some(), "{line}");
        return "request".to_owned();
    }
    let Some((asked, instrument)) = question(file, url, &tree) else {
        return "not asked for".to_owned();
    };
    let query = Query {
        asked,
        instrument: &instrument,
    };
    let mut decoder = Decoder::new(market);
    let expected = expected(query, &tree);
    for text in [line.to_owned(), scrambled(&tree, 7)] {
        match decoder.decode_answer(query, &text) {
            Ok(Decoded::Events { count, .. }) => assert_eq!(count, expected.len(), "{text}"),
            other => panic!("{other:?}: {text}"),
        }
        assert_eq!(events(&decoder, &text), expected, "{text}");
    }
    format!("answer {}", asked.channel())
}

/// The question that an answer answers: told by its URL, by its folder, or by what it holds.
fn question(file: &str, url: &str, tree: &Value) -> Option<Question> {
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

fn expected(query: Query<'_>, tree: &Value) -> Vec<String> {
    let rows = tree.get("data").unwrap_or(tree).as_array().unwrap();
    let channel = query.asked.channel().to_string();
    let of = |row| reference_okx::of_row(&channel, query.instrument, Some("snapshot"), row);
    rows.iter().flat_map(|row| of(row).unwrap()).collect()
}

/// What `recordings::files` leaves out.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let whole = path.display().to_string();
        let other = ["/rest", ".rest.", ".client-sent."];
        if path.is_dir() {
            found.extend(files(&path));
        } else if whole.ends_with(".ndjson") && other.iter().any(|mark| whole.contains(mark)) {
            found.push(path);
        }
    }
    found.sort();
    found
}
