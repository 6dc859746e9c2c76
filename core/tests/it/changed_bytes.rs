//! Messages of Binance, recorded and our own, with bytes changed at random: whatever is read is
//! what the slow decoder reads, and nothing panics.

use marketprism_core::market::Market;
use marketprism_core::venue::{Decoded, Decoder};
use serde_json::Value;

use crate::recordings::{FOLDERS, files, recordings};
use crate::reference::reference;
use crate::venue_decode::{Random, events, messages};

/// How many, unless `MARKETPRISM_MUTATIONS` says otherwise.
const MUTATIONS: usize = 20_000;

/// Recorded lines of a file, spread over it, so that long recordings do not drown short ones.
const LINES_OF_A_FILE: usize = 200;

/// Longer lines are answers of REST that somebody kept beside the messages.
const LONGEST_LINE: usize = 20_000;

#[test]
fn what_is_read_of_a_changed_message_is_what_the_reference_reads() {
    let mutations = std::env::var("MARKETPRISM_MUTATIONS");
    let mutations = mutations.map_or(MUTATIONS, |count| count.parse().unwrap());
    let lines = lines();
    let mut random = Random(7);
    let mut read = 0;
    for _ in 0..mutations {
        let (market, line) = &lines[random.below(lines.len())];
        let changed = mutated(line, &mut random);
        read += usize::from(agrees(*market, &changed));
    }
    println!("{read} of {mutations} changed messages were read");
    assert!(read > mutations / 10, "{read} of {mutations}");
}

/// Our own messages, and those recorded if they are at hand.
fn lines() -> Vec<(Market, String)> {
    let own = messages()
        .into_iter()
        .filter(|(market, _)| *market != Market::Okx);
    let mut lines: Vec<_> = own
        .map(|(market, text)| (market, text.to_owned()))
        .collect();
    let Some(root) = recordings() else {
        return lines;
    };
    for (folder, market) in FOLDERS
        .into_iter()
        .filter(|(_, market)| *market != Market::Okx)
    {
        for file in files(&root.join(folder)) {
            let text = std::fs::read_to_string(&file).unwrap();
            let all: Vec<_> = text
                .lines()
                .filter(|line| line.len() < LONGEST_LINE)
                .collect();
            let step = all.len().div_ceil(LINES_OF_A_FILE).max(1);
            let some = all.into_iter().step_by(step);
            lines.extend(some.map(|line| (market, line.to_owned())));
        }
    }
    lines
}

/// One to three bytes changed, doubled or taken out, or a digit put in.
fn mutated(line: &str, random: &mut Random) -> String {
    let mut bytes = line.as_bytes().to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        let other = bytes[random.below(bytes.len())];
        match random.below(5) {
            0 => bytes[at] = other,
            1 => bytes.insert(at, other),
            2 => {
                bytes.remove(at);
            }
            3 if bytes[at].is_ascii_digit() => bytes[at] = b'0' + random.below(10) as u8,
            _ if bytes[at].is_ascii_digit() => bytes.insert(at, b'0' + random.below(10) as u8),
            _ => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether the message was read; what was read is compared.
fn agrees(market: Market, text: &str) -> bool {
    let mut decoder = Decoder::new(market);
    let Ok(Decoded::Events { spent: 0, .. }) = decoder.decode(text) else {
        return false;
    };
    if has_padded_number(text) {
        return false;
    }
    let found = events(&decoder, text);
    let tree: Value = match serde_json::from_str(text) {
        Ok(tree) => tree,
        // `1e999` in a member that nobody reads: no float of the tree holds it.
        Err(error) if error.to_string().starts_with("number out of range") => return false,
        Err(error) => panic!("{error}: {text}"),
    };
    if has_bare_fraction(&tree) {
        return false;
    }
    assert_eq!(Some(found), reference(market, &tree), "{market}: {text}");
    true
}

/// A parsed tree keeps no zeros at the end of a number without quotes.
fn has_bare_fraction(tree: &Value) -> bool {
    match tree {
        Value::Number(number) => number.is_f64(),
        Value::Array(elements) => elements.iter().any(has_bare_fraction),
        Value::Object(members) => members.values().any(has_bare_fraction),
        Value::Null | Value::Bool(_) | Value::String(_) => false,
    }
}

/// Zeros before a number are no part of it, but the reference shows texts as they stand.
fn has_padded_number(text: &str) -> bool {
    let bytes = text.as_bytes();
    let padded = |window: &[u8]| match window {
        [b'"', b'0', digit] | [b'-', b'0', digit] => digit.is_ascii_digit(),
        _ => false,
    };
    bytes.windows(3).any(padded) || text.contains("\"-0")
}
