//! The account for people.

use std::fmt;
use std::io::{self, Write};

use marketprism_core::UnixNanos;
use marketprism_core::ledger::{Gap, Silence, Verdict};
use marketprism_core::time::Day;

use super::Row;
use super::reader::Remarks;

/// Gaps and silences of a stream on a day that are told one by one.
const MOST: usize = 10;

const VERDICTS: [Verdict; 5] = [
    Verdict::Whole,
    Verdict::Filled,
    Verdict::Silent,
    Verdict::Gaps,
    Verdict::Unexplained,
];

pub(super) fn write(out: &mut impl Write, rows: &[Row<'_>], remarks: &Remarks) -> io::Result<()> {
    let width =
        |name: fn(&Row<'_>) -> String| rows.iter().map(|row| name(row).chars().count()).max();
    let wide = width(stream).unwrap_or(0).max("stream".len());
    let mut day = None;
    for row in rows {
        if day != Some(row.day) {
            day = Some(row.day);
            write_head(out, row.day, wide)?;
        }
        write_row(out, row, wide)?;
    }
    write_sum(out, rows)?;
    write_remarks(out, remarks)
}

/// What is to be said of the lines themselves.
pub(super) fn write_remarks(out: &mut impl Write, remarks: &Remarks) -> io::Result<()> {
    for place in &remarks.torn {
        writeln!(
            out,
            "{place} was cut off while it was written and is passed over"
        )?;
    }
    if remarks.more_torn > 0 {
        writeln!(out, "and {} lines more", remarks.more_torn)?;
    }
    match remarks.unknown {
        0 => {}
        1 => writeln!(
            out,
            "1 line is of a stream or kind that this version does not know"
        )?,
        count => writeln!(
            out,
            "{count} lines are of streams or kinds that this version does not know"
        )?,
    }
    Ok(())
}

fn stream(row: &Row<'_>) -> String {
    let subject = row.subject;
    format!(
        "{} {} {}",
        subject.market, subject.instrument, subject.channel
    )
}

fn write_head(out: &mut impl Write, day: Day, wide: usize) -> io::Result<()> {
    writeln!(
        out,
        "{day} UTC\n  {:wide$}  {:>12}  {:>10}  {:>10}  {:>6}  {:8}  {:8}  verdict",
        "stream", "messages", "missing", "duplicates", "late", "first", "last"
    )
}

fn write_row(out: &mut impl Write, row: &Row<'_>, wide: usize) -> io::Result<()> {
    let report = &row.report;
    let missing: u64 = report.gaps.iter().map(|gap| gap.left).sum();
    let counts = report.counts;
    writeln!(
        out,
        "  {:wide$}  {:>12}  {missing:>10}  {:>10}  {:>6}  {:8}  {:8}  {}",
        stream(row),
        counts.messages,
        counts.duplicates,
        counts.late,
        Seconds(report.heard.map(|(first, _)| first)),
        Seconds(report.heard.map(|(_, last)| last)),
        report.verdict.name(),
    )?;
    for gap in report.gaps.iter().take(MOST) {
        write_gap(out, row.day, gap)?;
    }
    for silence in report.silences.iter().take(MOST) {
        write_silence(out, row.day, silence)?;
    }
    let told = |count: usize| count.saturating_sub(MOST);
    let more = told(report.gaps.len()) + told(report.silences.len());
    if more > 0 {
        writeln!(out, "    and {more} more, all of which --json tells")?;
    }
    Ok(())
}

fn write_gap(out: &mut impl Write, day: Day, gap: &Gap) -> io::Result<()> {
    let (since, until) = (Moment(day, gap.since), Moment(day, gap.until));
    write!(out, "    {}", gap.cause.name())?;
    match gap.missing {
        Some(missing) => {
            let (from, to) = (missing.from, missing.to);
            write!(out, ": {} of {from} to {to} missing", gap.left)?;
        }
        None => write!(out, ": something may be missing")?,
    }
    if gap.merged > 0 {
        write!(out, ", in {} gaps", gap.merged + 1)?;
    }
    writeln!(out, ", from {since} to {until}")
}

fn write_silence(out: &mut impl Write, day: Day, silence: &Silence) -> io::Result<()> {
    let since = Moment(day, silence.since);
    match silence.until {
        Some(until) => write!(out, "    silent from {since} to {}", Moment(day, until))?,
        None => write!(out, "    silent from {since} on")?,
    }
    let allowed = silence.allowed.as_secs_f64();
    write!(out, "; its rhythm allows {allowed:.1} s")?;
    if silence.merged > 0 {
        write!(out, "; in {} silences", silence.merged + 1)?;
    }
    writeln!(out)
}

fn write_sum(out: &mut impl Write, rows: &[Row<'_>]) -> io::Result<()> {
    let count = |verdict| {
        rows.iter()
            .filter(|row| row.report.verdict == verdict)
            .count()
    };
    let counts = VERDICTS.map(|verdict| (count(verdict), verdict));
    let told = counts.iter().filter(|(count, _)| *count > 0);
    let told: Vec<_> = told
        .map(|(count, verdict)| format!("{count} {}", verdict.name()))
        .collect();
    let days = rows.len();
    if days == 0 {
        return writeln!(out, "no stream has an account in here");
    }
    let plural = if days == 1 { "" } else { "s" };
    writeln!(out, "{days} day{plural} of streams: {}", told.join(", "))
}

/// A time of the day, to the second.
struct Seconds(Option<UnixNanos>);

impl fmt::Display for Seconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Some(at) = self.0 else {
            return f.pad("-");
        };
        let seconds = at.as_nanos() / 1_000_000_000 % 86_400;
        let (hour, minute) = (seconds / 3600, seconds / 60 % 60);
        write!(f, "{hour:02}:{minute:02}:{:02}", seconds % 60)
    }
}

/// A time to the millisecond, with its day where that is another one.
struct Moment(Day, UnixNanos);

impl fmt::Display for Moment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(today, at) = *self;
        let day = Day::of(at);
        if day != today {
            write!(f, "{day} ")?;
        }
        let millis = at.as_nanos() / 1_000_000 % 1000;
        write!(f, "{}.{millis:03}", Seconds(Some(at)))
    }
}
