//! The recordings in `tests/recordings`: every market, every fault but the flood, on either runtime, made by the
//! project's own twins. The core has to bring out of them what it brought out when they were made.
#![cfg(unix)]

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use marketprism::record::{Ending, Log, Report, Step, Tail};
use marketprism::twin::Certificates;
use marketprism_core::market::Market;

use crate::collect::interrupt;
use crate::program::{Scratch, text};
use crate::record::{RUNTIMES, Source, config, faults, record};

/// The command that makes them anew.
const MAKE: &str = "cargo test -p marketprism --test it -- --ignored recordings_are_made_anew";

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/recordings")
}

/// Every recording, by name.
pub(crate) fn all() -> Vec<PathBuf> {
    let entries = fs::read_dir(folder()).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.retain(|path| {
        path.extension()
            .is_some_and(|extension| extension == "mplog")
    });
    paths.sort();
    paths
}

fn name(market: Market, runtime: &str) -> String {
    format!("{market}-{runtime}.mplog")
}

fn play(path: &Path) -> Report {
    let file = fs::File::open(path).unwrap();
    let mut log = Log::open(std::io::BufReader::new(file)).unwrap();
    while log.step(&mut |_, _| {}).unwrap() == Step::More {}
    log.report()
}

#[test]
fn the_core_brings_out_of_every_recording_what_it_did_when_it_was_made() {
    for path in all() {
        let report = play(&path);
        assert_eq!(report.tail, Tail::Ended(Ending::Complete));
        if let Some(difference) = report.difference {
            panic!(
                "{}: out of the same inputs comes something else than when this was recorded; the \
                 first difference is in the block at byte {}, by {} of its clock.\n\
                 The core has changed what it does. `marketprism replay FILE` prints the events; \
                 compare those of the commit before. If the change is meant, make the recordings \
                 anew and say in the commit what has changed:\n    {MAKE}",
                path.display(),
                difference.offset,
                difference.before,
            );
        }
        assert!(report.messages > 100, "{report:?}");
    }
}

#[test]
fn there_is_a_recording_of_every_market_on_every_runtime_and_no_other() {
    let mut expected: Vec<_> = RUNTIMES
        .iter()
        .flat_map(|runtime| Market::ALL.map(|market| folder().join(name(market, runtime))))
        .collect();
    expected.sort();
    assert_eq!(all(), expected, "make them with: {MAKE}");
    let bytes = all()
        .into_iter()
        .map(|path| fs::metadata(path).unwrap().len());
    assert!(bytes.sum::<u64>() < 2 << 20, "together they stay small");
}

#[test]
#[ignore = "makes the recordings anew, on purpose"]
fn recordings_are_made_anew() {
    for path in all() {
        fs::remove_file(path).unwrap();
    }
    let makers: Vec<_> = RUNTIMES
        .into_iter()
        .flat_map(|runtime| Market::ALL.map(|market| (market, runtime)))
        .map(|(market, runtime)| thread::spawn(move || make(market, runtime)))
        .collect();
    for maker in makers {
        maker.join().unwrap();
    }
}

/// Records sessions of one market until every fault has struck.
fn make(market: Market, runtime: &str) {
    let scratch = Scratch::new();
    let certificates = Certificates::generate().unwrap();
    let authority = scratch.path("ca.pem");
    certificates.write_authority(&authority).unwrap();
    let wanted = faults(market);
    let mean = Duration::from_millis(700);
    let source = Source {
        market,
        pace: Duration::from_millis(100),
        mean,
        seed: 7,
    };
    let twin = source.serve(Some(&certificates));
    let urls = [(market, format!("wss://{}", twin.address))];
    let trust = format!("  ca_file: '{}'\n", authority.display());
    let config = config(&scratch, runtime, &urls, &trust);
    let log = folder().join(name(market, runtime));
    let child = record(&config, &log);
    // A fault waits for the one before to be over; twice their time is enough for all.
    thread::sleep(2 * mean * u32::try_from(wanted.len()).unwrap());
    interrupt(&child);
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    let ledger = twin.end();
    for fault in wanted {
        let struck = ledger
            .faults()
            .iter()
            .any(|struck| struck.fault.name() == fault);
        assert!(struck, "{fault} has not struck {market}; once more");
    }
}
