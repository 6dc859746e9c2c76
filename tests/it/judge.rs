//! The judges behind `faults.sh` let nothing pass that they should not.

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
    for (steps, complaint) in table {
        let scratch = Scratch::new();
        let path = scratch.write("trace", &trace(steps));
        let mut judge = judge("sockets.py");
        let Ok(output) = judge.arg("order").arg(path).arg("443").output() else {
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

fn judge(name: &str) -> Command {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/faults");
    let mut python = Command::new("python3");
    python.arg(folder.join(name));
    python
}

/// Event lines of one stream, shortened: a trade by its id, with a mark or without; a gap; an
/// update of a book with its numbers, and with the one before it where the venue names that.
#[derive(Clone, Copy)]
enum Line {
    Trade(u64),
    Marked(u64, &'static str),
    Gap(u64, u64),
    Delta(u64, u64),
    Chained(u64, u64, u64),
    Snapshot(u64),
}

fn line(line: &Line) -> String {
    let body = match *line {
        Line::Trade(id) => format!(r#""kind":"trade","id":{id}"#),
        Line::Marked(id, mark) => format!(r#""kind":"trade","id":{id},"disorder":"{mark}""#),
        Line::Gap(from, to) => format!(r#""kind":"gap","from":{from},"to":{to}"#),
        Line::Delta(first, last) => {
            format!(r#""kind":"book","book":"delta","first":{first},"last":{last}"#)
        }
        Line::Chained(previous, first, last) => format!(
            r#""kind":"book","book":"delta","first":{first},"last":{last},"previous":{previous}"#
        ),
        Line::Snapshot(last) => format!(r#""kind":"book","book":"snapshot","last":{last}"#),
    };
    format!(r#"{{{body},"session":"s","received_ns":1,"instrument":"i","channel":"c"}}"#) + "\n"
}

#[test]
fn a_number_out_of_order_needs_a_mark_and_one_that_is_missing_a_gap() {
    use Line::{Chained, Delta, Gap, Marked, Snapshot, Trade};
    let (fine, disorder, hole) = ("0 disorder, 0 hole", "1 disorder", "1 hole");
    let table: &[(&[Line], &str)] = &[
        (&[Trade(1), Trade(2), Trade(3)], fine),
        (&[Trade(1), Trade(1)], disorder),
        (&[Trade(1), Marked(1, "duplicate"), Trade(2)], fine),
        (&[Trade(5), Marked(6, "duplicate")], disorder),
        (&[Trade(5), Marked(3, "stale"), Trade(6)], fine),
        (&[Trade(5), Marked(1, "reset"), Trade(2)], fine),
        (&[Trade(1), Trade(4)], hole),
        (&[Trade(1), Gap(2, 3), Trade(4)], fine),
        (&[Trade(1), Gap(2, 2), Gap(3, 3), Trade(4)], fine),
        (&[Trade(1), Gap(3, 3), Trade(4)], hole),
        (&[Gap(2, 3), Trade(1), Trade(4)], hole),
        (&[Delta(1, 5), Delta(6, 9)], fine),
        (&[Delta(1, 5), Delta(5, 9)], disorder),
        (&[Delta(1, 5), Delta(7, 9)], hole),
        (&[Chained(0, 1, 5), Chained(5, 8, 9)], fine),
        (&[Chained(0, 1, 5), Chained(6, 8, 9)], hole),
        (&[Chained(0, 1, 5), Chained(4, 8, 9)], disorder),
        (&[Chained(0, 1, 5), Snapshot(5), Chained(5, 7, 9)], fine),
        (&[Chained(0, 1, 5), Snapshot(4)], disorder),
    ];
    for (lines, verdict) in table {
        let lines: String = lines.iter().map(line).collect();
        let scratch = Scratch::new();
        let path = scratch.write("events.ndjson", &lines);
        let Ok(output) = judge("events.py").arg(path).output() else {
            eprintln!("skipped: no python3");
            return;
        };
        let told = text(&output.stdout);
        assert!(told.contains(verdict), "{lines}: {told}");
        assert_eq!(output.status.success(), *verdict == fine, "{lines}: {told}");
    }
}
