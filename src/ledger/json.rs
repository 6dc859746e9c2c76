//! The account for machines: one object a line, for each stream and day.

use std::io::{self, Write};

use marketprism_core::ledger::{Counts, Gap, Run, Silence};
use marketprism_core::market::Channel;
use serde::Serialize;

use super::Row;
use crate::ndjson::{Text, write_line};

#[derive(Serialize)]
struct Line<'a> {
    day: Text<marketprism_core::time::Day>,
    market: &'static str,
    instrument: &'a str,
    channel: Text<Channel>,
    verdict: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_ns: Option<u64>,
    messages: u64,
    duplicates: u64,
    late: u64,
    overlaps: u64,
    resets: u64,
    backfilled: u64,
    never_given: u64,
    runs: Vec<(i64, i64)>,
    backfilled_runs: Vec<(i64, i64)>,
    joined: u64,
    gaps: Vec<GapLine>,
    silences: Vec<SilenceLine>,
}

#[derive(Serialize)]
struct GapLine {
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i64>,
    cause: &'static str,
    since_ns: u64,
    until_ns: u64,
    left: u64,
    merged: u64,
}

#[derive(Serialize)]
struct SilenceLine {
    since_ns: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ns: Option<u64>,
    allowed_ms: u64,
    merged: u64,
}

pub(super) fn write(out: &mut impl Write, rows: &[Row<'_>]) -> io::Result<()> {
    let mut text = Vec::new();
    for row in rows {
        text.clear();
        write_line(&mut text, &line(row));
        out.write_all(&text)?;
    }
    Ok(())
}

fn line<'a>(row: &Row<'a>) -> Line<'a> {
    let report = &row.report;
    let Counts {
        messages,
        duplicates,
        late,
        overlaps,
        resets,
        never_given,
        backfilled,
    } = report.counts;
    Line {
        day: Text(row.day),
        market: row.subject.market.name(),
        instrument: &row.subject.instrument,
        channel: Text(row.subject.channel),
        verdict: report.verdict.name(),
        first_ns: report.heard.map(|(first, _)| first.as_nanos()),
        last_ns: report.heard.map(|(_, last)| last.as_nanos()),
        messages,
        duplicates,
        late,
        overlaps,
        resets,
        backfilled,
        never_given,
        runs: pairs(&report.runs),
        backfilled_runs: pairs(report.backfilled),
        joined: report.joined,
        gaps: report.gaps.iter().map(|gap| gap_line(gap)).collect(),
        silences: report.silences.iter().map(silence_line).collect(),
    }
}

fn pairs(runs: &[Run]) -> Vec<(i64, i64)> {
    runs.iter().map(|run| (run.first, run.last)).collect()
}

fn gap_line(gap: &Gap) -> GapLine {
    GapLine {
        from: gap.missing.map(|missing| missing.from),
        to: gap.missing.map(|missing| missing.to),
        cause: gap.cause.name(),
        since_ns: gap.since.as_nanos(),
        until_ns: gap.until.as_nanos(),
        left: gap.left,
        merged: gap.merged,
    }
}

fn silence_line(silence: &Silence) -> SilenceLine {
    SilenceLine {
        since_ns: silence.since.as_nanos(),
        until_ns: silence.until.map(|until| until.as_nanos()),
        allowed_ms: u64::try_from(silence.allowed.as_millis()).unwrap_or(u64::MAX),
        merged: silence.merged,
    }
}
