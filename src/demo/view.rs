//! What the demo shows: a table that renews itself on a terminal, plain lines elsewhere.

use std::collections::VecDeque;
use std::fmt::{self, Write as _};
use std::io::{self, IsTerminal, Write as _};
use std::time::{Duration, Instant};

use marketprism_core::connection::Phase;

use super::verdict::{Answer, Row};
use super::watch::{Heed, Kinds, Watch};

/// Lines of the story below the table.
const LINES: usize = 12;

/// Another screen, no cursor, no wrapping of long lines; and all that back.
const ENTER: &str = "\x1b[?1049h\x1b[?25l\x1b[?7l";
const LEAVE: &str = "\x1b[?7h\x1b[?25h\x1b[?1049l";
/// To the first line; to the end of a line; to the end of the screen.
const HOME: &str = "\x1b[H";
const CLEAR_LINE: &str = "\x1b[K";
const CLEAR_BELOW: &str = "\x1b[J";

/// Where the demo is told.
#[derive(Debug)]
pub(super) struct View {
    mode: Mode,
    began: Instant,
}

#[derive(Debug)]
enum Mode {
    Plain,
    Live(VecDeque<String>),
}

/// The present state of one session beside what was heard of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Standing {
    pub(super) phase: Phase,
    pub(super) live: usize,
    pub(super) streams: usize,
}

impl View {
    /// A live view if standard output is a terminal.
    pub(super) fn open(now: Instant) -> Self {
        let live = io::stdout().is_terminal();
        if live {
            put(ENTER);
        }
        let mode = if live {
            Mode::Live(VecDeque::new())
        } else {
            Mode::Plain
        };
        Self { mode, began: now }
    }

    /// Tells a line of the story.
    pub(super) fn line(&mut self, now: Instant, words: &str) {
        let seconds = now.duration_since(self.began).as_secs_f32();
        let line = format!("{seconds:7.3}  {words}");
        match &mut self.mode {
            Mode::Plain => put(&format!("{line}\n")),
            Mode::Live(lines) => {
                lines.push_back(line);
                if lines.len() > LINES {
                    lines.pop_front();
                }
            }
        }
    }

    /// Draws the table anew, on a terminal.
    pub(super) fn draw(
        &self,
        now: Instant,
        total: Duration,
        watch: &Watch,
        standings: &[Standing],
    ) {
        let Mode::Live(lines) = &self.mode else {
            return;
        };
        let mut screen = HOME.to_owned();
        let elapsed = now.duration_since(self.began).as_secs();
        let total = total.as_secs();
        let head = format!("MarketPrism demo, second {elapsed} of {total}, Ctrl-C ends it\n\n");
        let table = Table { watch, standings }.to_string();
        let story = lines
            .iter()
            .fold(String::from("\n"), |story, line| story + line + "\n");
        for line in [head, table, story].concat().lines() {
            screen.push_str(line);
            screen.push_str(CLEAR_LINE);
            screen.push('\n');
        }
        screen.push_str(CLEAR_BELOW);
        put(&screen);
    }

    /// Ends the live view and prints what was collected, and the verdict.
    pub(super) fn verdict(mut self, kinds: &Kinds, rows: &[Row]) {
        self.close();
        let mut text = format!("\nevents\n  {kinds}\n\nverdict\n");
        for Row {
            question,
            answer,
            detail,
        } in rows
        {
            // Writing to memory cannot fail.
            let _written = writeln!(text, "  {answer:<4} {question:<45} {detail}");
        }
        put(&text);
    }

    fn close(&mut self) {
        if let Mode::Live(_) = self.mode {
            put(LEAVE);
            self.mode = Mode::Plain;
        }
    }
}

impl Drop for View {
    /// However the demo ends, the terminal is left as it was found.
    fn drop(&mut self) {
        self.close();
    }
}

/// Whether all is well; what cannot be looked at is not held against anybody.
pub(super) fn all_well(rows: &[Row]) -> bool {
    rows.iter().all(|row| row.answer != Answer::No)
}

/// Writes to standard output. Nobody who watches is no reason to stop: the exit code tells.
fn put(text: &str) {
    let mut stdout = io::stdout().lock();
    let _shown = stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush());
}

struct Table<'a> {
    watch: &'a Watch,
    standings: &'a [Standing],
}

impl fmt::Display for Table<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{:<22}{:<11}{:>7}{:>9}{:>10}{:>6}  last cause",
            "session", "phase", "socket", "streams", "events/s", "gaps"
        )?;
        for (heed, standing) in self.watch.sessions.iter().zip(self.standings) {
            write_row(f, heed, *standing)?;
        }
        writeln!(f, "\nevents\n  {}\n", self.watch.kinds())?;
        for heed in &self.watch.sessions {
            for (instrument, top) in &heed.tops {
                let name = format!("{} {instrument}", heed.name);
                writeln!(f, "{name:<36}{:>14} | {}", top.bid, top.ask)?;
            }
        }
        Ok(())
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, heed: &Heed, standing: Standing) -> fmt::Result {
    let Standing {
        phase,
        live,
        streams,
    } = standing;
    let streams = format!("{live}/{streams}");
    write!(
        f,
        "{:<22}{:<11}{:>7}{streams:>9}{:>10}{:>6}  ",
        heed.name,
        phase.name(),
        heed.epoch,
        heed.rate.per_second,
        heed.gaps.len()
    )?;
    match heed.last_cause {
        Some(cause) => writeln!(f, "{cause}"),
        None => writeln!(f, "none"),
    }
}
