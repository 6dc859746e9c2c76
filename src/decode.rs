//! `marketprism decode`: raw messages, one a line, to NDJSON events.

mod books;

use std::fs::File;
use std::io::{self, BufRead, BufReader, BufWriter, Write};
use std::path::Path;

use marketprism_core::market::Market;
use marketprism_core::venue::{DecodeError, Decoded, Decoder};
use serde::Serialize;

pub use books::Keeping;
use books::{Books, Written};

use crate::failure::Failure;
use crate::lines::{LINE_MAX, Line, Lines};
use crate::ndjson::{Text, write_line};

/// What the decoder calls the book of Binance as it is answered over REST, outside a stream.
const SNAPSHOT: &str = "depth snapshot";

/// How many of what there was.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// Lines that are not empty.
    pub messages: u64,
    /// Market events that came out.
    pub events: u64,
    /// Acknowledgements, refusals, notices, pongs.
    pub control: u64,
    /// Messages of a kind that is not decoded.
    pub unknown: u64,
    /// Messages that could not be read.
    pub errors: u64,
}

/// A message that gave no event, told on standard error.
#[derive(Serialize)]
struct Report<'a> {
    line: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    unknown: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Text<&'a dyn std::fmt::Display>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Text<marketprism_core::market::Channel>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<usize>,
}

/// Runs the command over the process's own streams.
///
/// # Errors
///
/// A file or stream cannot be read or written. A message that cannot be read is no error: it is
/// reported and counted.
pub fn run(market: Market, keeping: Option<&Keeping>, file: Option<&Path>) -> Result<(), Failure> {
    let stage = Stage::new(market, keeping)?;
    let output = BufWriter::new(io::stdout().lock());
    let reports = io::stderr().lock();
    match file {
        None => decode(stage, io::stdin().lock(), output, reports, "standard input"),
        Some(path) => {
            let name = path.display().to_string();
            let file = File::open(path).map_err(|error| Failure::read(&name, error))?;
            decode(stage, BufReader::new(file), output, reports, &name)
        }
    }
}

fn decode(
    mut stage: Stage,
    input: impl BufRead,
    mut output: impl Write,
    mut reports: impl Write,
    name: &str,
) -> Result<(), Failure> {
    let mut lines = Lines::new(input);
    while let Some(line) = lines.next().map_err(|error| Failure::read(name, error))? {
        stage.message(line);
        let written = output.write_all(&stage.events);
        written.map_err(|error| Failure::write("standard output", error))?;
        let reported = reports.write_all(&stage.reports);
        reported.map_err(|error| Failure::write("standard error", error))?;
    }
    let flushed = output.flush();
    flushed.map_err(|error| Failure::write("standard output", error))?;
    let mut totals = Vec::new();
    write_line(&mut totals, &stage.totals);
    let written = reports.write_all(&totals);
    written.map_err(|error| Failure::write("standard error", error))
}

/// From one message to the bytes that speak of it.
struct Stage {
    decoder: Decoder,
    books: Option<Books>,
    line: u64,
    totals: Totals,
    events: Vec<u8>,
    reports: Vec<u8>,
}

impl Stage {
    fn new(market: Market, keeping: Option<&Keeping>) -> Result<Self, Failure> {
        let books = keeping.map(|keeping| Books::new(market, keeping));
        Ok(Self {
            decoder: Decoder::new(market),
            books: books.transpose()?,
            line: 0,
            totals: Totals::default(),
            events: Vec::new(),
            reports: Vec::new(),
        })
    }

    fn message(&mut self, line: Line<'_>) {
        self.events.clear();
        self.reports.clear();
        self.line += 1;
        let bytes = match line {
            Line::Whole(bytes) if bytes.trim_ascii().is_empty() => return,
            Line::Whole(bytes) => bytes,
            Line::TooLong => {
                self.totals.messages += 1;
                return self.bad_line(&format_args!("longer than {LINE_MAX} bytes"));
            }
        };
        self.totals.messages += 1;
        match std::str::from_utf8(bytes) {
            Ok(text) => self.text(text),
            Err(error) => self.bad_line(&format_args!("not UTF-8: {error}")),
        }
    }

    fn text(&mut self, text: &str) {
        match self.decoder.decode(text) {
            Ok(Decoded::Events { count, .. }) => {
                let mut written = Written::new(&mut self.events, &mut self.totals.events);
                for event in (0..count).filter_map(|index| self.decoder.event(text, index)) {
                    written.event(&event);
                    if let Some(books) = &mut self.books {
                        books.event(&event, &mut written);
                    }
                }
                for error in written.bad {
                    self.bad_line(&error);
                }
            }
            Ok(Decoded::Control) => self.totals.control += 1,
            Ok(Decoded::Unhandled) if self.is_snapshot(text) => self.snapshot(text),
            Ok(Decoded::Unhandled | Decoded::Unknown) => {
                self.totals.unknown += 1;
                let report = Report {
                    line: self.line,
                    unknown: Some(self.decoder.kind(text)),
                    error: None,
                    channel: None,
                    offset: None,
                };
                write_line(&mut self.reports, &report);
            }
            Err(error) => self.bad_message(&error),
        }
    }

    /// Whether the message decoded last is an answer of REST that a book can begin with.
    fn is_snapshot(&self, text: &str) -> bool {
        self.books.is_some() && self.decoder.kind(text) == SNAPSHOT
    }

    fn snapshot(&mut self, text: &str) {
        let mut written = Written::new(&mut self.events, &mut self.totals.events);
        if let Some(books) = &mut self.books {
            books.snapshot(text, &mut written);
        }
        for error in written.bad {
            self.bad_line(&error);
        }
    }

    fn bad_message(&mut self, error: &DecodeError) {
        self.totals.errors += 1;
        let report = Report {
            line: self.line,
            unknown: None,
            error: Some(Text(error)),
            channel: error.channel.map(Text),
            offset: Some(error.offset),
        };
        write_line(&mut self.reports, &report);
    }

    fn bad_line(&mut self, error: &dyn std::fmt::Display) {
        self.totals.errors += 1;
        let report = Report {
            line: self.line,
            unknown: None,
            error: Some(Text(error)),
            channel: None,
            offset: None,
        };
        write_line(&mut self.reports, &report);
    }
}
