//! `demo` and `twin`, short.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use marketprism::Runtime;

use crate::program::{Scratch, on_each_runtime, program, text};

#[test]
fn a_short_demo_comes_to_a_good_verdict() {
    on_each_runtime(comes_to_a_good_verdict);
}

fn comes_to_a_good_verdict(runtime: Runtime) {
    let output = program()
        .args(["demo", "--seconds", "6", "--seed", "7", "--runtime"])
        .arg(runtime.name())
        .output()
        .unwrap();
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}");
    let (story, verdict) = told.split_once("\nverdict\n").unwrap();
    assert!(story.contains("FAULT"), "{story}");
    assert_eq!(verdict.lines().count(), 8, "{verdict}");
    let answer = if cfg!(target_os = "linux") {
        "yes"
    } else {
        "?"
    };
    assert!(
        verdict
            .lines()
            .next()
            .unwrap()
            .trim_start()
            .starts_with(answer),
        "{verdict}"
    );
}

#[test]
fn without_faults_there_is_nothing_to_tell() {
    on_each_runtime(there_is_nothing_to_tell);
}

fn there_is_nothing_to_tell(runtime: Runtime) {
    let output = program()
        .args(["demo", "--seconds", "3", "--no-faults", "--runtime"])
        .arg(runtime.name())
        .output()
        .unwrap();
    let told = text(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told}");
    assert!(!told.contains("FAULT") && told.contains("0 of 0"), "{told}");
}

#[test]
fn twins_say_where_they_are_and_stop_in_time() {
    let scratch = Scratch::new();
    let (authority, ledger) = (scratch.path("ca.pem"), scratch.path("ledger.ndjson"));
    let mut child = program()
        .args([
            "twin",
            "--market",
            "okx",
            "--market",
            "okx",
            "--address",
            "127.0.0.2",
            "--seconds",
            "1",
            "--tls-ca",
        ])
        .arg(&authority)
        .arg("--ledger")
        .arg(&ledger)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let stdout = BufReader::new(child.stdout.take().unwrap());
    let lines: Vec<String> = stdout.lines().map(Result::unwrap).collect();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert_eq!(lines.len(), 2);
    for line in lines {
        let parts: Vec<_> = line.split(' ').collect();
        let port = parts[1].strip_prefix("wss://127.0.0.2:").unwrap();
        assert_eq!(
            parts,
            ["okx", parts[1], &*format!("https://127.0.0.2:{port}")]
        );
    }
    let pem = std::fs::read_to_string(authority).unwrap();
    assert!(pem.starts_with("-----BEGIN CERTIFICATE-----"));
    let ledger = std::fs::read_to_string(ledger).unwrap();
    let kinds = ["begin", "begin", "end", "end"];
    assert_eq!(ledger.lines().count(), kinds.len(), "{ledger}");
    for (line, kind) in ledger.lines().zip(kinds) {
        let start = format!(r#"{{"kind":"{kind}","twin":"#);
        assert!(line.starts_with(&start), "{line}");
    }
}
