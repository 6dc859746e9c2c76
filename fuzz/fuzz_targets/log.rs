//! Any bytes as a log, and any bytes as the entries of a log that is otherwise sound: they are
//! replayed or refused.
//!
//! The frame is written here a second time, by `docs/RECORDING.md` alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marketprism::record::{Log, LogError, Report, Step};
use twox_hash::XxHash3_64;

/// A recording whose sessions the entries go to.
const RECORDED: &[u8] = include_bytes!("../../tests/recordings/okx-tokio.mplog");

/// The length of a log's beginning and of a block's head.
const BEGINNING: usize = 16;
const HEAD: usize = 21;

fuzz_target!(|bytes: &[u8]| {
    // Whatever it says, it comes back.
    let _ = replay(bytes);
    let mut entries = vec![0; 16];
    entries.extend_from_slice(bytes);
    if let Ok(report) = replay(&with_entries(&entries)) {
        assert!(report.difference.is_some(), "a digest that was never taken");
    }
});

fn replay(bytes: &[u8]) -> Result<Report, LogError> {
    let mut log = Log::open(bytes)?;
    while log.step(&mut |_, _| {})? == Step::More {}
    Ok(log.report())
}

/// The beginning and the fleet of the recording, and these entries.
fn with_entries(raw: &[u8]) -> Vec<u8> {
    let fleet = u32::from_le_bytes(RECORDED[BEGINNING + 5..][..4].try_into().unwrap());
    let end = BEGINNING + HEAD + fleet as usize;
    let mut log = RECORDED[..end].to_vec();
    let stored = zstd::bulk::compress(raw, 1).unwrap();
    let mut head = vec![2];
    head.extend((raw.len() as u32).to_le_bytes());
    head.extend((stored.len() as u32).to_le_bytes());
    head.extend(XxHash3_64::oneshot_with_seed(1, &stored).to_le_bytes());
    let check = XxHash3_64::oneshot_with_seed(1, &head).to_le_bytes();
    head.extend(&check[..4]);
    log.extend(head);
    log.extend(stored);
    log
}
