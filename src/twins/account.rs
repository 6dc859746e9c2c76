//! The twins' ledgers as NDJSON: what was done, and what became of it, in the order of its
//! becoming known.

use std::io::Write;

use marketprism_core::market::Market;
use marketprism_core::{Time, UnixNanos};
use serde::Serialize;

use crate::failure::Failure;
use crate::ndjson::{Text, write_line};
use crate::sink::{Destination, Output, OutputError};
use crate::twin::{ConnectionId, Fault, FaultEntry, Ledger, Omission, Sign};

/// A file of ledgers.
#[derive(Debug)]
pub(super) struct Account {
    destination: Destination,
    output: Output,
    told: Vec<Told>,
}

/// How far the ledger of one twin has been written.
#[derive(Debug, Default)]
struct Told {
    faults: usize,
    omissions: usize,
    /// Faults that had not been recovered from, by their place in the ledger.
    open: Vec<usize>,
    /// Omissions that a client could not tell yet.
    unfollowed: Vec<usize>,
}

#[derive(Serialize)]
struct Line<B> {
    kind: &'static str,
    /// The place of the twin on the command line, from 0.
    twin: usize,
    market: &'static str,
    #[serde(flatten)]
    body: B,
}

#[derive(Serialize)]
struct BeginLine {
    origin_ns: u64,
}

#[derive(Serialize)]
struct FaultLine<'a> {
    at_ns: u64,
    fault: Text<Fault>,
    sign: Text<Sign>,
    lasts_ms: u64,
    keeps_away: bool,
    connection: Text<ConnectionId>,
    route: &'static str,
    streams: &'a [String],
}

#[derive(Serialize)]
struct RecoveredLine {
    fault: Text<Fault>,
    at_ns: u64,
    recovered_ns: u64,
}

#[derive(Serialize)]
struct OmissionLine<'a> {
    at_ns: u64,
    connection: Text<ConnectionId>,
    instrument: &'a str,
    stream: &'a str,
    first: u64,
    last: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    followed_ns: Option<u64>,
}

#[derive(Serialize)]
struct EndLine {
    faults: usize,
    recovered: usize,
    omissions: usize,
    followed: usize,
    messages: u64,
    snapshots: u64,
    sockets: u64,
}

impl Account {
    pub(super) fn open(destination: Destination) -> Result<Self, Failure> {
        Ok(Self {
            output: destination.open()?,
            destination,
            told: Vec::new(),
        })
    }

    /// Writes the first line of a twin: the wall-clock time that its other times count from.
    pub(super) fn begin(
        &mut self,
        twin: usize,
        market: Market,
        origin: UnixNanos,
    ) -> Result<(), Failure> {
        let origin_ns = origin.as_nanos();
        let mut lines = Vec::new();
        line(&mut lines, "begin", twin, market, BeginLine { origin_ns });
        self.put(&lines)
    }

    /// Writes what has happened since the last time.
    pub(super) fn write(&mut self, twin: usize, ledger: &Ledger) -> Result<(), Failure> {
        while self.told.len() <= twin {
            self.told.push(Told::default());
        }
        let mut lines = Vec::new();
        if let Some(told) = self.told.get_mut(twin) {
            let mut page = Page {
                lines: &mut lines,
                twin,
                ledger,
            };
            page.faults(told);
            page.omissions(told);
        }
        self.put(&lines)
    }

    /// Writes the last line of a twin.
    pub(super) fn end(&mut self, twin: usize, ledger: &Ledger) -> Result<(), Failure> {
        self.write(twin, ledger)?;
        let (faults, omissions) = (ledger.faults(), ledger.omissions());
        let end = EndLine {
            faults: faults.len(),
            recovered: faults.len() - ledger.unrecovered().count(),
            omissions: omissions.len(),
            followed: omissions
                .iter()
                .filter(|entry| entry.followed.is_some())
                .count(),
            messages: ledger.messages(),
            snapshots: ledger.snapshots(),
            sockets: ledger.sockets().total,
        };
        let mut lines = Vec::new();
        let mut page = Page {
            lines: &mut lines,
            twin,
            ledger,
        };
        page.line("end", end);
        self.put(&lines)
    }

    fn put(&mut self, lines: &[u8]) -> Result<(), Failure> {
        let written = self.output.write_all(lines);
        written.map_err(|error| OutputError::Io(self.destination.clone(), error).into())
    }
}

/// Lines about one twin.
struct Page<'a> {
    lines: &'a mut Vec<u8>,
    twin: usize,
    ledger: &'a Ledger,
}

impl Page<'_> {
    fn faults(&mut self, told: &mut Told) {
        let faults = self.ledger.faults();
        for entry in faults.iter().skip(told.faults) {
            self.line("fault", fault_line(entry));
        }
        told.open.extend(told.faults..faults.len());
        told.faults = faults.len();
        told.open.retain(|place| match faults.get(*place) {
            Some(entry) => match entry.recovered {
                Some(recovered) => {
                    self.line("recovered", recovered_line(entry, recovered));
                    false
                }
                None => true,
            },
            None => false,
        });
    }

    fn omissions(&mut self, told: &mut Told) {
        let omissions = self.ledger.omissions();
        for entry in omissions.iter().skip(told.omissions) {
            self.line("omission", omission_line(entry, None));
        }
        told.unfollowed.extend(told.omissions..omissions.len());
        told.omissions = omissions.len();
        told.unfollowed.retain(|place| match omissions.get(*place) {
            Some(entry) => match entry.followed {
                Some(followed) => {
                    self.line("followed", omission_line(entry, Some(followed)));
                    false
                }
                None => true,
            },
            None => false,
        });
    }

    fn line(&mut self, kind: &'static str, body: impl Serialize) {
        line(self.lines, kind, self.twin, self.ledger.market(), body);
    }
}

fn line(
    lines: &mut Vec<u8>,
    kind: &'static str,
    twin: usize,
    market: Market,
    body: impl Serialize,
) {
    let line = Line {
        kind,
        twin,
        market: market.name(),
        body,
    };
    write_line(lines, &line);
}

fn fault_line(entry: &FaultEntry) -> FaultLine<'_> {
    FaultLine {
        at_ns: entry.at.as_nanos(),
        fault: Text(entry.fault),
        sign: Text(entry.fault.sign()),
        lasts_ms: u64::try_from(entry.fault.lasts().as_millis()).unwrap_or(u64::MAX),
        keeps_away: entry.fault.keeps_away(),
        connection: Text(entry.connection),
        route: entry.route,
        streams: &entry.streams,
    }
}

const fn recovered_line(entry: &FaultEntry, recovered: Time) -> RecoveredLine {
    RecoveredLine {
        fault: Text(entry.fault),
        at_ns: entry.at.as_nanos(),
        recovered_ns: recovered.as_nanos(),
    }
}

fn omission_line(entry: &Omission, followed: Option<Time>) -> OmissionLine<'_> {
    OmissionLine {
        at_ns: entry.at.as_nanos(),
        connection: Text(entry.connection),
        instrument: &entry.instrument,
        stream: &entry.stream,
        first: entry.ids.first,
        last: entry.ids.last,
        followed_ns: followed.map(Time::as_nanos),
    }
}
