//! `marketprism ledger`: the account of what was collected, read back from its lines.

mod json;
mod parts;
mod reader;
mod table;

use std::io::{self, BufWriter, Write};
use std::path::Path;

use marketprism_core::ledger::{Cause, DayReport, Ledger, Subject};
use marketprism_core::time::Day;

use crate::failure::Failure;
use reader::Reader;

/// How the account is printed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A table for people.
    Table,
    /// One JSON object a line, for each stream and day.
    Json,
}

/// Prints the account of a file of event lines, or of a folder of such files.
///
/// # Errors
///
/// A file cannot be read or holds something else, standard output cannot be written, or something
/// is missing and nothing tells why.
pub fn run(place: &Path, form: Form) -> Result<(), Failure> {
    let mut reader = Reader::default();
    for part in parts::of(place)? {
        reader.read(&part)?;
    }
    let (ledger, remarks) = reader.finish();
    let rows = rows(&ledger);
    let mut text = BufWriter::new(io::stdout().lock());
    let written = match form {
        Form::Table => table::write(&mut text, &rows, &remarks),
        Form::Json => json::write(&mut text, &rows),
    };
    let written = written.and_then(|()| text.flush());
    written.map_err(|error| Failure::write("standard output", error))?;
    if form == Form::Json {
        table::write_remarks(&mut io::stderr().lock(), &remarks)
            .map_err(|error| Failure::write("standard error", error))?;
    }
    match unexplained(&ledger) {
        0 => Ok(()),
        count => Err(Failure::Unexplained(count)),
    }
}

/// One stream on one day.
struct Row<'a> {
    day: Day,
    subject: &'a Subject,
    report: DayReport<'a>,
}

/// The whole account by day, market, instrument and channel.
fn rows(ledger: &Ledger) -> Vec<Row<'_>> {
    let streams = ledger.reports();
    let mut rows: Vec<_> = streams
        .flat_map(|stream| {
            let subject = stream.subject();
            stream.days().into_iter().map(move |report| Row {
                day: report.day,
                subject,
                report,
            })
        })
        .collect();
    rows.sort_by_key(|row| {
        let Subject {
            market,
            channel,
            instrument,
        } = row.subject;
        (row.day, *market, instrument, *channel)
    });
    rows
}

fn unexplained(ledger: &Ledger) -> usize {
    let gaps = ledger.reports().flat_map(|stream| stream.gaps());
    gaps.filter(|gap| gap.cause == Cause::Untold && gap.is_open())
        .count()
}
