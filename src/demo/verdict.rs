//! The verdict: what the exchanges did against what the sessions and the kernel say.

use std::fmt;
use std::time::Duration;

use marketprism_core::market::{Channel, Market, Venue};
use marketprism_core::session::{GapCause, Missing, Stream};
use marketprism_core::venue;

use super::watch::Hole;
use crate::audit::Findings;
use crate::twin::{Ledger, Omission};

/// A question, its answer, and the figures behind it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Row {
    pub(super) question: &'static str,
    pub(super) answer: Answer,
    pub(super) detail: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Yes,
    No,
    /// This system does not let anybody look.
    Unknown,
}

/// One session's side and its exchange's side of what happened.
#[derive(Debug)]
pub(super) struct Story<'a> {
    pub(super) ledger: &'a Ledger,
    pub(super) gaps: &'a [Hole],
}

impl From<bool> for Answer {
    fn from(yes: bool) -> Self {
        if yes { Self::Yes } else { Self::No }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Yes => "yes",
            Self::No => "NO",
            Self::Unknown => "?",
        })
    }
}

/// Whether no session ever had two sockets.
pub(super) fn one_socket(findings: Option<&Findings>) -> Row {
    let question = "never more than one live socket per session";
    let Some(findings) = findings else {
        return unknown(question);
    };
    let most = findings
        .live_max
        .values()
        .copied()
        .max()
        .unwrap_or_default();
    let (sessions, samples) = (findings.live_max.len(), findings.samples);
    Row {
        question,
        answer: (most <= 1).into(),
        detail: format!("at most {most} in each of {sessions} sessions, {samples} samples"),
    }
}

/// Whether every half-closed socket was closed.
pub(super) fn no_close_wait(findings: Option<&Findings>, left: Option<usize>) -> Row {
    let question = "no socket left in CLOSE_WAIT";
    let (Some(findings), Some(left)) = (findings, left) else {
        return unknown(question);
    };
    let longest = findings.close_wait_max.as_millis();
    Row {
        question,
        answer: (left == 0).into(),
        detail: format!("{left} left; while it ran, none stood there for more than {longest} ms"),
    }
}

/// Whether every stream that a fault touched has flowed since.
pub(super) fn recovered(stories: &[Story<'_>]) -> Row {
    let faults = || stories.iter().flat_map(|story| story.ledger.faults());
    let times = faults().filter_map(|fault| Some(fault.recovered?.since(fault.at)));
    let slowest = times.max().unwrap_or(Duration::ZERO).as_millis();
    let total = faults().count();
    let waiting: Vec<_> = faults()
        .filter(|fault| fault.recovered.is_none())
        .map(|fault| format!("{} on {}", fault.fault, fault.waiting.join(" ")))
        .collect();
    let done = total - waiting.len();
    Row {
        question: "every fault recovered",
        answer: waiting.is_empty().into(),
        detail: with_list(
            format!("{done} of {total}, the slowest in {slowest} ms"),
            "waiting",
            &waiting,
        ),
    }
}

/// Whether all streams flow at the end.
pub(super) fn restored(live: usize, wanted: usize) -> Row {
    Row {
        question: "every subscription restored",
        answer: (live == wanted).into(),
        detail: format!("{live} of {wanted} streams are live"),
    }
}

/// Whether every update that was left out was reported with its numbers, and nothing else was.
pub(super) fn reported(stories: &[Story<'_>]) -> Row {
    let silent: Vec<_> = stories.iter().flat_map(Story::unreported).collect();
    let alarms: Vec<_> = stories.iter().flat_map(Story::false_alarms).collect();
    let omissions = stories.iter().map(|story| story.ledger.omissions().len());
    let total: usize = omissions.sum();
    let (done, false_alarms) = (total - silent.len(), alarms.len());
    let detail = format!("{done} of {total} with exact numbers, {false_alarms} false alarms");
    let detail = with_list(detail, "unreported", &silent);
    Row {
        question: "each missing update reported as a gap",
        answer: (silent.is_empty() && alarms.is_empty()).into(),
        detail: with_list(detail, "false", &alarms),
    }
}

fn with_list(detail: String, word: &str, list: &[String]) -> String {
    if list.is_empty() {
        return detail;
    }
    format!("{detail}; {word}: {}", list.join(", "))
}

fn unknown(question: &'static str) -> Row {
    Row {
        question,
        answer: Answer::Unknown,
        detail: "this system has no /proc/net/tcp to look at".to_owned(),
    }
}

impl Story<'_> {
    /// Omissions that no gap covers.
    pub(super) fn unreported(&self) -> Vec<String> {
        let covered =
            |omission: &&Omission| self.gaps.iter().any(|hole| self.covers(hole, omission));
        let omissions = self.ledger.omissions().iter();
        omissions
            .filter(|omission| !covered(omission))
            .map(|omission| {
                let (first, last) = (omission.ids.first, omission.ids.last);
                format!("{} {first} to {last}", omission.stream)
            })
            .collect()
    }

    fn covers(&self, hole: &Hole, omission: &Omission) -> bool {
        let (Some((first, last)), Some(Missing { from, to })) = (ids(omission), hole.missing)
        else {
            return false;
        };
        self.is_of(hole, omission) && from <= first && last <= to
    }

    /// Gaps in a standing subscription that do not begin and end where omissions do. Where a
    /// message names the one before it instead of following its number, nothing tells where
    /// between the two the missing one began.
    fn false_alarms(&self) -> Vec<String> {
        let standing = |hole: &&Hole| hole.cause == GapCause::Missing;
        self.gaps
            .iter()
            .filter(standing)
            .filter(|hole| !self.is_exact(hole))
            .map(|hole| format!("{} {:?}", hole.stream, hole.missing))
            .collect()
    }

    fn is_exact(&self, hole: &Hole) -> bool {
        let Some(Missing { from, to }) = hole.missing else {
            return false;
        };
        let omissions = self.ledger.omissions().iter();
        let of_stream = omissions.filter(|omission| self.is_of(hole, omission));
        let named = matches!(
            (self.ledger.market(), hole.stream.channel),
            (Market::BinanceUsdm, Channel::Depth(_))
        );
        let (mut begins, mut ends) = (false, false);
        for (first, last) in of_stream.filter_map(ids) {
            begins |= first == from || named && first > from;
            ends |= last == to;
        }
        begins && ends
    }

    fn is_of(&self, hole: &Hole, omission: &Omission) -> bool {
        self.name(&hole.stream)
            .is_some_and(|name| name == omission.stream)
    }

    /// A stream in the words of the exchange's ledger.
    fn name(&self, stream: &Stream) -> Option<String> {
        let market = self.ledger.market();
        match market.venue() {
            Venue::Binance => {
                let mut name = String::new();
                venue::stream_name(market, stream.subscription(), &mut name).ok()?;
                Some(name)
            }
            Venue::Okx => Some(format!("{}:{}", stream.channel, stream.instrument)),
        }
    }
}

/// The first and the last missing number, as sessions count.
fn ids(omission: &Omission) -> Option<(i64, i64)> {
    let first = i64::try_from(omission.ids.first).ok()?;
    let last = i64::try_from(omission.ids.last).ok()?;
    Some((first, last))
}
