//! From event lines to notes in the account.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use marketprism_core::UnixNanos;
use marketprism_core::ledger::{Ledger, Note, StreamId};
use marketprism_core::market::Channel;
use marketprism_core::session::GapCause;

use crate::failure::Failure;
use crate::lines::{Line, Lines};
use crate::ndjson::{EventLine, Unread};

/// Bytes that are read at a time.
const READ: usize = 1 << 20;
/// Torn lines that are told one by one.
const MAX_TORN: usize = 100;

/// Reads files into one account.
#[derive(Default)]
pub(super) struct Reader {
    ledger: Ledger,
    streams: BTreeMap<String, Option<Stream>>,
    sessions: BTreeMap<String, u32>,
    /// The name of a stream, to look it up.
    key: String,
    remarks: Remarks,
}

#[derive(Clone, Copy)]
struct Stream {
    id: StreamId,
    channel: Channel,
}

/// What is to be said of the lines themselves.
#[derive(Debug, Default)]
pub(super) struct Remarks {
    /// Lines that are not empty.
    pub(super) lines: u64,
    /// Where lines were cut off.
    pub(super) torn: Vec<String>,
    /// Further ones.
    pub(super) more_torn: u64,
    /// Lines about streams or of kinds that this version does not know.
    pub(super) unknown: u64,
}

impl Remarks {
    fn torn(&mut self, place: String) {
        match self.torn.len() < MAX_TORN {
            true => self.torn.push(place),
            false => self.more_torn += 1,
        }
    }
}

impl Reader {
    pub(super) fn read(&mut self, path: &Path) -> Result<(), Failure> {
        let name = path.display().to_string();
        let file = File::open(path).map_err(|error| Failure::read(&name, error))?;
        let mut lines = Lines::new(BufReader::with_capacity(READ, file));
        let mut number = 0;
        while let Some(line) = lines.next().map_err(|error| Failure::read(&name, error))? {
            number += 1;
            match line {
                Line::Whole(bytes) if bytes.trim_ascii().is_empty() => {}
                Line::Whole(bytes) => self.line(bytes, &name, number)?,
                Line::TooLong => return Err(foreign(&name, number, "it is too long")),
            }
        }
        Ok(())
    }

    pub(super) fn finish(self) -> (Ledger, Remarks) {
        (self.ledger, self.remarks)
    }

    fn line(&mut self, bytes: &[u8], name: &str, number: u64) -> Result<(), Failure> {
        self.remarks.lines += 1;
        let line = match EventLine::read(bytes) {
            Ok(line) => line,
            Err(Unread::Torn) => {
                self.remarks.torn(format!("{name}:{number}"));
                return Ok(());
            }
            Err(Unread::Foreign(error)) => return Err(foreign(name, number, &error.to_string())),
        };
        let Some(at) = line.received() else {
            let why = "it does not say when it was received, as lines of `decode` do not";
            return Err(foreign(name, number, why));
        };
        match self.note(&line) {
            Some(note) => {
                let session = self.session(&line.session);
                self.ledger.note(session, at, note);
            }
            None => self.remarks.unknown += 1,
        }
        Ok(())
    }

    fn note(&mut self, line: &EventLine<'_>) -> Option<Note> {
        Some(match line.kind.as_ref() {
            "gap" if line.cause == "overflow" => Note::Overflow {
                since: line.since()?,
            },
            "gap" => self.gap(line)?,
            "status" if line.status == "stopped" => Note::Stopped,
            _ if line.is_of_session() => Note::Alive,
            _ => self.data(line)?,
        })
    }

    fn gap(&mut self, line: &EventLine<'_>) -> Option<Note> {
        let mut causes = GapCause::ALL.into_iter();
        Some(Note::Gap {
            stream: self.stream(line)?.id,
            missing: line.missing(),
            cause: causes.find(|cause| cause.name() == line.cause)?,
            since: line.since().unwrap_or(UnixNanos::from_nanos(0)),
        })
    }

    fn data(&mut self, line: &EventLine<'_>) -> Option<Note> {
        let Stream { id, channel } = self.stream(line)?;
        if line.is_asked_for(channel) {
            return Some(Note::Alive);
        }
        Some(Note::Data {
            stream: id,
            numbers: line.numbers(channel),
            standing: line.standing()?,
        })
    }

    /// The stream that a line is about, if it names one that we know.
    fn stream(&mut self, line: &EventLine<'_>) -> Option<Stream> {
        self.key.clear();
        for name in line.names() {
            self.key.push_str(name);
            self.key.push('\n');
        }
        if let Some(known) = self.streams.get(&self.key) {
            return *known;
        }
        let stream = self.new_stream(line);
        self.streams.insert(self.key.clone(), stream);
        stream
    }

    fn new_stream(&mut self, line: &EventLine<'_>) -> Option<Stream> {
        let (market, channel) = (line.market.parse().ok()?, line.channel.parse().ok()?);
        let id = self.ledger.stream(market, channel, line.subject(channel))?;
        Some(Stream { id, channel })
    }

    fn session(&mut self, name: &str) -> u32 {
        if let Some(number) = self.sessions.get(name) {
            return *number;
        }
        let number = u32::try_from(self.sessions.len()).unwrap_or(u32::MAX);
        self.sessions.insert(name.to_owned(), number);
        number
    }
}

fn foreign(name: &str, number: u64, why: &str) -> Failure {
    Failure::Io(format!(
        "line {number} of {name} is no event line: {why}; take it out, or name the right file"
    ))
}
