//! A million messages that nobody ever sent: our own and recorded ones with other digits, with their
//! members in another order, or with bytes changed, doubled or taken out. What the decoder takes is
//! what the reference takes, and nothing panics.

use std::collections::BTreeMap;

use marketprism_core::market::{Market, Venue};
use marketprism_core::venue::{Decoded, Decoder};
use serde_json::Value;

use crate::recordings::{FOLDERS, files, recordings};
use crate::reference::reference;
use crate::venue_decode::{Random, events, messages, scrambled};

/// Of each venue.
const MESSAGES: usize = 500_000;

/// Longer messages are as short ones, and slow.
const LONGEST: usize = 2_000;

/// Lines of a file, spread over it, so that long recordings do not drown short ones.
const LINES_OF_A_FILE: usize = 500;

/// Of so many messages one is written in another order, and one of Binance has other bytes.
const SCRAMBLE_EVERY: usize = 16;
const SPOIL_EVERY: usize = 8;

#[test]
fn what_is_taken_of_a_million_changed_messages_is_as_the_reference_reads_it() {
    for venue in [Venue::Binance, Venue::Okx] {
        let lines = lines(venue);
        let mut decoders = BTreeMap::from(Market::ALL.map(|market| (market, Decoder::new(market))));
        let mut random = Random(1);
        let mut taken = 0;
        for number in 0..MESSAGES {
            let (market, line) = &lines[random.below(lines.len())];
            let decoder = decoders.get_mut(market).unwrap();
            // The reference of OKX shows words as they stand, known or not.
            let is_spoilt = venue == Venue::Binance && number.is_multiple_of(SPOIL_EVERY);
            let text = match is_spoilt {
                true => with_other_bytes(line, &mut random),
                false => with_other_digits(line, &mut random),
            };
            taken += usize::from(agrees(decoder, &text));
            if number.is_multiple_of(SCRAMBLE_EVERY)
                && let Ok(tree) = serde_json::from_str(&text)
            {
                agrees(decoder, &scrambled(&tree, number as u64));
            }
        }
        println!("{taken} of {MESSAGES} taken, from {} lines", lines.len());
        // The others have a checksum of 33 bits, a flag that is neither 0 nor 1, or the like.
        assert!(taken > MESSAGES / 2, "{taken}");
    }
}

/// Whether the decoder takes events from a message; those must be the reference's.
fn agrees(decoder: &mut Decoder, text: &str) -> bool {
    let Ok(Decoded::Events {
        count, spent: 0, ..
    }) = decoder.decode(text)
    else {
        return false;
    };
    let tree: Value = match serde_json::from_str(text) {
        Ok(tree) => tree,
        // `1e999` in a member that nobody reads: no float of the tree holds it.
        Err(error) if error.to_string().starts_with("number out of range") => return false,
        Err(error) => panic!("{error}: {text}"),
    };
    let found = events(decoder, text);
    assert_eq!(found.len(), count);
    if has_odd_number(&tree) {
        return false;
    }
    assert_eq!(Some(found), reference(decoder.market(), &tree), "{text}");
    true
}

/// The messages of data that are known: ours, and those of the recordings.
fn lines(venue: Venue) -> Vec<(Market, String)> {
    let ours = messages().into_iter();
    let mut lines: Vec<_> = ours.map(|(of, text)| (of, text.to_owned())).collect();
    if let Some(root) = recordings() {
        for (folder, market) in FOLDERS {
            let files = files(&root.join(folder)).into_iter();
            let short = files.flat_map(|file| short_lines(&file));
            lines.extend(short.map(|line| (market, line)));
        }
    }
    lines.retain(|(market, line)| {
        let is_data = |decoded| matches!(decoded, Ok(Decoded::Events { count: 1.., .. }));
        market.venue() == venue && is_data(Decoder::new(*market).decode(line))
    });
    lines
}

fn short_lines(file: &std::path::Path) -> Vec<String> {
    let text = std::fs::read_to_string(file).unwrap();
    let short = text.lines().filter(|line| line.len() <= LONGEST);
    let short: Vec<_> = short.collect();
    let step = short.len().div_ceil(LINES_OF_A_FILE).max(1);
    short.into_iter().step_by(step).map(str::to_owned).collect()
}

/// Puts other digits, none of them zero, into what a message tells.
fn with_other_digits(line: &str, random: &mut Random) -> String {
    let told = line.find("\"data\"").unwrap_or_default();
    let mut bytes = line.as_bytes().to_vec();
    for _ in 0..=random.below(8) {
        let place = told + random.below(bytes.len() - told);
        let digits = bytes[place..].iter_mut();
        if let Some(digit) = digits.into_iter().find(|byte| byte.is_ascii_digit()) {
            *digit = b"123456789"[random.below(9)];
        }
    }
    String::from_utf8(bytes).unwrap()
}

/// One to three bytes changed, doubled or taken out, or a digit put in.
fn with_other_bytes(line: &str, random: &mut Random) -> String {
    let mut bytes = line.as_bytes().to_vec();
    for _ in 0..=random.below(3) {
        let at = random.below(bytes.len());
        let other = bytes[random.below(bytes.len())];
        match random.below(4) {
            0 => bytes[at] = other,
            1 => bytes.insert(at, other),
            2 => {
                bytes.remove(at);
            }
            _ if bytes[at].is_ascii_digit() => bytes.insert(at, b'0' + random.below(10) as u8),
            _ => {}
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Whether a number stands there as the reference does not show it: it shows texts as they stand,
/// where zeros before a number are no part of it, and a parsed tree keeps no zeros at the end of a
/// number without quotes.
fn has_odd_number(tree: &Value) -> bool {
    match tree {
        Value::Number(number) => number.is_f64(),
        Value::String(text) => {
            matches!(text.as_bytes(), [b'0', b'0'..=b'9', ..] | [b'-', b'0', ..])
        }
        Value::Array(elements) => elements.iter().any(has_odd_number),
        Value::Object(members) => members.values().any(has_odd_number),
        Value::Null | Value::Bool(_) => false,
    }
}
