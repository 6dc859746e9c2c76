//! A million messages that nobody ever sent: recorded ones with other digits, in any order. What the
//! decoder takes is what the reference takes, and it takes most of them: the others have a checksum of
//! 33 bits, a flag that is neither 0 nor 1, or the like.

use marketprism_core::market::Market;
use marketprism_core::venue::{Decoded, Decoder};
use serde_json::Value;

use crate::recordings::{files, recordings};
use crate::reference::reference;
use crate::venue_decode::{Random, events, messages, scrambled};

const MESSAGES: usize = 1_000_000;

/// Longer messages are as short ones, and slow.
const LONGEST: usize = 2_000;

/// Of so many messages one is written in another order as well.
const SCRAMBLE_EVERY: usize = 16;

#[test]
fn what_is_taken_of_a_million_messages_of_okx_with_other_digits_is_as_the_reference_reads_it() {
    let lines = lines(Market::Okx, "okx");
    let mut random = Random(1);
    let mut decoder = Decoder::new(Market::Okx);
    let mut taken = 0;
    for number in 0..MESSAGES {
        let line = &lines[random.below(lines.len())];
        let text = with_other_digits(line, &mut random);
        taken += usize::from(agrees(&mut decoder, &text));
        if number.is_multiple_of(SCRAMBLE_EVERY)
            && let Ok(tree) = serde_json::from_str(&text)
        {
            agrees(&mut decoder, &scrambled(&tree, number as u64));
        }
    }
    println!("{taken} of {MESSAGES} taken, from {} lines", lines.len());
    assert!(taken > MESSAGES * 8 / 10, "{taken}");
}

/// Whether the decoder takes events from a message; those must be the reference's.
fn agrees(decoder: &mut Decoder, text: &str) -> bool {
    let Ok(Decoded::Events { count, .. }) = decoder.decode(text) else {
        return false;
    };
    let tree: Value = serde_json::from_str(text).unwrap();
    let found = events(decoder, text);
    assert_eq!(found.len(), count);
    assert_eq!(Some(found), reference(decoder.market(), &tree), "{text}");
    true
}

/// The messages of data that are known: our own, and those of the recordings.
fn lines(market: Market, folder: &str) -> Vec<String> {
    let ours = messages().into_iter().filter(|(of, _)| *of == market);
    let mut lines: Vec<String> = ours.map(|(_, text)| text.to_owned()).collect();
    let recorded = recordings().map(|root| files(&root.join(folder)));
    for file in recorded.unwrap_or_default() {
        let text = std::fs::read_to_string(file).unwrap();
        let short = text.lines().filter(|line| line.len() <= LONGEST);
        lines.extend(short.map(str::to_owned));
    }
    let mut decoder = Decoder::new(market);
    lines.retain(|line| matches!(decoder.decode(line), Ok(Decoded::Events { count: 1.., .. })));
    lines
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
