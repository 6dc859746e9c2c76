//! Messages that the exchanges really sent, all of them.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use marketprism_core::market::Market;
use marketprism_core::venue::{Decoded, Decoder};
use serde_json::Value;

use crate::reference::reference;
use crate::venue_decode::{events, scrambled};

/// Folder of the recordings, and its market.
pub(crate) const FOLDERS: [(&str, Market); 5] = [
    ("binance-spot", Market::BinanceSpot),
    ("binance-us-spot", Market::BinanceSpot),
    ("binance-usdm", Market::BinanceUsdm),
    ("binance-coinm", Market::BinanceCoinm),
    ("okx", Market::Okx),
];

/// Every how many messages one is written anew in another order.
const SCRAMBLE_EVERY: usize = 5;

#[test]
fn every_recorded_message_is_read_as_it_is_printed_and_every_one_is_accounted_for() {
    let Some(root) = recordings() else { return };
    let mut counts = BTreeMap::new();
    let mut total = 0;
    for (folder, market) in FOLDERS {
        for file in files(&root.join(folder)) {
            let name = file.strip_prefix(&root).unwrap().display().to_string();
            let text = std::fs::read_to_string(&file).unwrap();
            let mut decoder = Decoder::new(market);
            let messages = text.lines().filter(|line| !is_snapshot(line));
            for (number, line) in messages.enumerate() {
                let label = check(&mut decoder, line, number);
                *counts.entry((name.clone(), label)).or_insert(0_usize) += 1;
                total += 1;
            }
        }
    }
    let table: BTreeMap<(String, String), usize> = include_str!("recordings.tsv")
        .lines()
        .map(|row| {
            let cells: Vec<&str> = row.split('\t').collect();
            (
                (cells[0].to_owned(), cells[1].to_owned()),
                cells[2].parse().unwrap(),
            )
        })
        .collect();
    for (row, count) in &counts {
        if table.get(row) != Some(count) {
            println!("found\t{}\t{}\t{count}", row.0, row.1);
        }
    }
    assert!(counts == table, "the rows above differ from recordings.tsv");
    println!("{total} messages in {} rows", table.len());
}

/// Reads a message by both ways, compares with the reference, and says what it was.
fn check(decoder: &mut Decoder, line: &str, number: usize) -> String {
    let decoded = decoder.decode(line);
    let found = events(decoder, line);
    let label = match decoded {
        Ok(Decoded::Events { channel, .. }) => channel.to_string(),
        Ok(Decoded::Control) => "control".to_owned(),
        Ok(Decoded::Unhandled) => format!("unhandled {}", decoder.kind(line)),
        Ok(Decoded::Unknown) => "unknown".to_owned(),
        Err(error) => panic!("{error}: {line}"),
    };
    let tree: Value = serde_json::from_str(line).unwrap();
    let expected = reference(decoder.market(), &tree).unwrap_or_default();
    assert_eq!(found, expected, "{line}");
    // White space in front is not expected, so this goes through the general reader.
    let spaced = format!(" {line}");
    assert_eq!(decoder.decode(&spaced), decoded, "{line}");
    assert_eq!(events(decoder, &spaced), expected, "{line}");
    if number.is_multiple_of(SCRAMBLE_EVERY) {
        let scrambled = scrambled(&tree, number as u64);
        assert_eq!(decoder.decode(&scrambled), decoded, "{scrambled}");
        assert_eq!(events(decoder, &scrambled), expected, "{scrambled}");
    }
    label
}

#[test]
fn what_comes_in_the_recorded_order_is_read_in_one_pass() {
    let Some(root) = recordings() else { return };
    for (folder, market) in FOLDERS {
        let mut decoder = Decoder::new(market);
        let (mut data, mut others) = (0_u64, 0_u64);
        for file in files(&root.join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            for line in text.lines().filter(|line| !is_snapshot(line)) {
                match decoder.decode(line) {
                    Ok(Decoded::Events { .. }) => data += 1,
                    _ => others += 1,
                }
            }
        }
        let again = decoder.fallbacks() - others;
        println!("{folder}: {again} of {data} messages of data read by the general reader");
        match folder {
            // Two samples that somebody else has written anew, with blanks.
            "binance-coinm" => assert_eq!(again, 2),
            _ => assert_eq!(again, 0, "{folder}"),
        }
    }
}

/// Whether a line is the answer to a question for a book, which somebody kept between the
/// messages.
pub(crate) fn is_snapshot(line: &str) -> bool {
    line.starts_with("{\"lastUpdateId\"")
}

/// `MARKETPRISM_RECORDINGS`, else beside the workspace.
pub(crate) fn recordings() -> Option<PathBuf> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/recordings");
    let root = std::env::var_os("MARKETPRISM_RECORDINGS").map_or(beside, PathBuf::from);
    if root.is_dir() {
        return Some(root);
    }
    println!("skipped: no recordings in {}", root.display());
    None
}

/// The WebSocket messages of a market, in order of their names; what clients sent and answers of
/// REST are left out.
pub(crate) fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if path.is_dir() && !name.starts_with("rest") {
            found.extend(files(&path));
        }
        let other = name.contains(".rest.") || name.contains(".client-sent.");
        if name.ends_with(".ndjson") && !other {
            found.push(path);
        }
    }
    found.sort();
    found
}
