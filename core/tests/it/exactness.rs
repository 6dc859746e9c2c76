//! Every number that the exchanges were recorded to print is held exactly.

use std::path::{Path, PathBuf};

use marketprism_core::market::Wide;

use crate::recordings::recordings;

#[test]
fn every_recorded_number_is_shown_again_as_it_was_printed() {
    let Some(root) = recordings() else { return };
    let (mut numbers, mut longest) = (0_u64, 0);
    for file in all_files(&root) {
        let text = std::fs::read_to_string(&file).unwrap();
        for number in numbers_in(&text) {
            let held: Wide = number.parse().unwrap_or_else(|error| {
                panic!("{}: {number}: {error}", file.display());
            });
            assert_eq!(held.to_string(), plain(number), "{}", file.display());
            let digits = number.bytes().filter(u8::is_ascii_digit).count();
            longest = longest.max(digits);
            numbers += 1;
        }
    }
    println!("{numbers} numbers, the longest of {longest} digits");
    assert!(numbers > 1_000_000 && longest >= 20, "{numbers} {longest}");
}

/// Whatever stands alone and looks like a number, quoted or not.
fn numbers_in(text: &str) -> impl Iterator<Item = &str> {
    let ends = |c: char| matches!(c, '"' | ',' | ':' | '[' | ']' | '{' | '}' | ' ' | '\n');
    text.split(ends).filter(|word| {
        let digits = word.strip_prefix('-').unwrap_or(word);
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
        let all = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        all(whole) && all(fraction)
    })
}

/// Without zeros before it: as parts of dates and names are, which are no numbers.
fn plain(number: &str) -> String {
    let (sign, digits) = match number.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", number),
    };
    let whole = digits.split('.').next().unwrap_or_default();
    let zeros = whole.len() - whole.trim_start_matches('0').len();
    let kept = digits.split_at(zeros.min(whole.len() - 1)).1;
    let zero = kept.bytes().all(|byte| matches!(byte, b'0' | b'.'));
    format!("{}{kept}", if zero { "" } else { sign })
}

/// What was recorded, answers of REST and what clients sent included.
fn all_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(all_files(&path));
        } else if path.extension().is_some_and(|end| end == "ndjson") {
            found.push(path);
        }
    }
    found.sort();
    found
}
