//! The judge of traces in `live_sockets.py` lets nothing pass that it should not.

use std::path::Path;
use std::process::Command;

use crate::program::{Scratch, text};

/// What `strace -f` writes, shortened; `N` stands for a connect of descriptor N to port 443.
fn trace(steps: &[&str]) -> String {
    let line = |step: &&str| match step.parse::<u32>() {
        Ok(descriptor) => format!(
            "7 connect({descriptor}, {{sa_family=AF_INET, sin_port=htons(443), …}}, 16) = -1\n"
        ),
        Err(_) => format!("7 {step}\n"),
    };
    steps.iter().map(line).collect()
}

#[test]
fn a_close_must_end_before_the_next_connect_begins() {
    let unfinished = ["close(9 <unfinished ...>", "<... close resumed>) = 0"];
    let table: &[(&[&str], &str)] = &[
        (&["9", "close(9) = 0", "9", "close(9) = 0"], ""),
        (
            &["9", unfinished[0], unfinished[1], "10", "close(10) = 0"],
            "",
        ),
        (
            &["9", "close(5) = 0", "10", "close(10) = 0"],
            "while descriptor 9 is open",
        ),
        (
            &["9", unfinished[0], "10", unfinished[1]],
            "while descriptor 9 is open",
        ),
        (&["9", "close(9) = 0", "10"], "never closed"),
        (&["9", "close(9) = 0"], "nobody ever reconnected"),
        (&[], "nobody ever reconnected"),
    ];
    let judge = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/live_sockets.py");
    for (steps, complaint) in table {
        let scratch = Scratch::new();
        let path = scratch.write("trace", &trace(steps));
        let mut python = Command::new("python3");
        let Ok(output) = python
            .arg(&judge)
            .arg("order")
            .arg(path)
            .arg("443")
            .output()
        else {
            eprintln!("skipped: no python3");
            return;
        };
        let told = text(&output.stderr);
        assert_eq!(
            output.status.success(),
            complaint.is_empty(),
            "{steps:?}: {told}"
        );
        assert!(told.contains(complaint), "{steps:?}: {told}");
    }
}
