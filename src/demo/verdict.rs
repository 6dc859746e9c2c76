//! The verdict: what the exchanges did against what the sessions and the kernel say.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use marketprism_core::market::{Channel, Market, Venue};
use marketprism_core::session::{GapCause, Missing, Stream};
use marketprism_core::venue;

use super::watch::{Heed, Hole, Kinds, Mark, Order};
use crate::audit::Findings;
use crate::twin::{Disorder, FaultEntry, Ledger, Omission};

/// What every demo collects. Liquidations come when they come.
const COLLECTED: [&str; 10] = [
    "trades",
    "books",
    "candles",
    "tickers",
    "mark prices",
    "index prices",
    "funding rates",
    "open interest",
    "ratios",
    "instruments",
];

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
    pub(super) market: Market,
    pub(super) faults: &'a [FaultEntry],
    pub(super) omissions: &'a [Omission],
    pub(super) gaps: &'a [Hole],
    pub(super) disorders: &'a [Disorder],
    pub(super) order: &'a Order,
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

/// Whether requests over REST never had more sockets than were declared for them.
pub(super) fn rest_sockets(findings: Option<&Findings>, declared: usize) -> Row {
    let question = "never more REST sockets than declared";
    let Some(findings) = findings else {
        return unknown(question);
    };
    let most = findings.pool_max;
    Row {
        question,
        answer: (most <= declared).into(),
        detail: format!("at most {most} at once of {declared} in all"),
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
    let faults = || stories.iter().flat_map(|story| story.faults);
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
    let omissions = stories.iter().map(|story| story.omissions.len());
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

/// Whether every update that came out of its place was marked, and nothing else was.
pub(super) fn marked(stories: &[Story<'_>]) -> Row {
    let unmarked: Vec<_> = stories.iter().flat_map(Story::unmarked).collect();
    let false_marks: Vec<_> = stories.iter().flat_map(Story::false_marks).collect();
    let sent: usize = stories.iter().map(|story| story.disorders.len()).sum();
    let marks: usize = stories.iter().map(|story| story.order.marks.len()).sum();
    let (silent, alarms) = (unmarked.len(), false_marks.len());
    let detail = format!("{sent} sent, {marks} marked, {silent} unmarked, {alarms} false marks");
    let detail = with_list(detail, "unmarked", &unmarked);
    Row {
        question: "each update out of its place marked",
        answer: (unmarked.is_empty() && false_marks.is_empty()).into(),
        detail: with_list(detail, "false", &false_marks),
    }
}

/// Whether something came of everything that is collected, but for what seldom happens.
pub(super) fn collected(kinds: &Kinds) -> Row {
    let missing: Vec<_> = COLLECTED
        .iter()
        .filter(|kind| kinds.of(kind) == 0)
        .map(|kind| (*kind).to_owned())
        .collect();
    let (count, events) = kinds.sums();
    Row {
        question: "every kind of event collected",
        answer: missing.is_empty().into(),
        detail: with_list(
            format!("{events} events of {count} kinds"),
            "none",
            &missing,
        ),
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

impl<'a> Story<'a> {
    pub(super) fn new(ledger: &'a Ledger, heed: &'a Heed) -> Self {
        Self {
            market: ledger.market(),
            faults: ledger.faults(),
            omissions: ledger.omissions(),
            gaps: &heed.gaps,
            disorders: ledger.disorders(),
            order: &heed.order,
        }
    }

    /// Updates out of their places that were not marked although they came, and what is wrong
    /// by the numbers alone.
    pub(super) fn unmarked(&self) -> Vec<String> {
        let sent = self.disorders.iter().filter(|disorder| {
            let has = |marks: &[Mark], numbers: RangeInclusive<u64>| {
                marks.iter().any(|mark| {
                    let number = u64::try_from(mark.number);
                    number.is_ok_and(|number| numbers.contains(&number))
                        && self
                            .name(&mark.stream)
                            .is_some_and(|name| name == disorder.stream)
                })
            };
            let (last, Disorder { since, reached, .. }) = (disorder.ids.last, disorder);
            // Where the connection ended on the way there, it may never have come.
            !has(&self.order.marks, last..=last) && !has(&self.order.ends, *since..=*reached)
        });
        let sent = sent.map(|disorder| format!("{} {}", disorder.stream, disorder.ids.last));
        sent.chain(self.order.unmarked.iter().map(words)).collect()
    }

    /// Marks on what was sent in its place.
    fn false_marks(&self) -> Vec<String> {
        let earned = |mark: &&Mark| {
            let name = self.name(&mark.stream);
            self.disorders.iter().any(|disorder| {
                name.as_ref() == Some(&disorder.stream)
                    && i64::try_from(disorder.ids.last) == Ok(mark.number)
            })
        };
        let marks = self.order.marks.iter();
        marks.filter(|mark| !earned(mark)).map(words).collect()
    }

    /// Omissions that no gap covers.
    pub(super) fn unreported(&self) -> Vec<String> {
        let covered =
            |omission: &&Omission| self.gaps.iter().any(|hole| self.covers(hole, omission));
        self.omissions
            .iter()
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
        let of_stream = self
            .omissions
            .iter()
            .filter(|omission| self.is_of(hole, omission));
        let named = matches!(
            (self.market, hole.stream.channel),
            (
                Market::BinanceUsdm | Market::BinanceCoinm,
                Channel::Depth(_) | Channel::RpiDepth(_)
            )
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
        match self.market.venue() {
            Venue::Binance => {
                let mut name = String::new();
                venue::stream_name(self.market, stream.subscription(), &mut name).ok()?;
                Some(name)
            }
            Venue::Okx => Some(format!("{}:{}", stream.channel, stream.instrument)),
        }
    }
}

fn words(mark: &Mark) -> String {
    format!("{} {}", mark.stream, mark.number)
}

/// The first and the last missing number, as sessions count.
fn ids(omission: &Omission) -> Option<(i64, i64)> {
    let first = i64::try_from(omission.ids.first).ok()?;
    let last = i64::try_from(omission.ids.last).ok()?;
    Some((first, last))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twin::{ConnectionId, Exchange, Fault, Ids, Options};
    use marketprism_core::Time;
    use std::collections::BTreeMap;

    fn connection() -> ConnectionId {
        let market = Market::BinanceSpot;
        Exchange::new(market, Options::new(market), 1).accept(Time::ZERO)
    }

    fn omission(stream: &str, first: u64, last: u64) -> Omission {
        Omission {
            at: Time::ZERO,
            connection: connection(),
            instrument: "BTCUSDT".to_owned(),
            stream: stream.to_owned(),
            ids: Ids { first, last },
            followed: None,
        }
    }

    fn hole(channel: &str, from: i64, to: i64, cause: GapCause) -> Hole {
        Hole {
            stream: Stream {
                instrument: "BTCUSDT".to_owned(),
                channel: channel.parse().unwrap(),
            },
            missing: Some(Missing { from, to }),
            cause,
        }
    }

    fn answer(market: Market, omissions: &[Omission], gaps: &[Hole]) -> Answer {
        let faults = &[];
        let story = Story {
            market,
            faults,
            omissions,
            gaps,
            disorders: &[],
            order: &Order::default(),
        };
        reported(&[story]).answer
    }

    #[test]
    fn what_was_left_out_must_be_reported_and_nothing_else() {
        let (missing, reconnect) = (GapCause::Missing, GapCause::Connection);
        let two = [
            omission("btcusdt@trade", 5, 6),
            omission("btcusdt@trade", 7, 7),
        ];
        let table: &[(&[Hole], Answer)] = &[
            (&[hole("trade", 5, 7, missing)], Answer::Yes),
            (
                &[hole("trade", 5, 6, missing), hole("trade", 7, 7, missing)],
                Answer::Yes,
            ),
            (&[hole("trade", 3, 9, reconnect)], Answer::Yes),
            (&[], Answer::No),
            (&[hole("trade", 5, 6, missing)], Answer::No),
            (&[hole("trade", 4, 7, missing)], Answer::No),
            (&[hole("trade", 5, 8, missing)], Answer::No),
            (&[hole("aggTrade", 5, 7, missing)], Answer::No),
        ];
        for (gaps, expected) in table {
            assert_eq!(
                answer(Market::BinanceSpot, &two, gaps),
                *expected,
                "{gaps:?}"
            );
        }
        let alarm = [hole("trade", 1, 2, missing)];
        assert_eq!(answer(Market::BinanceSpot, &[], &alarm), Answer::No);
        let reconnected = [hole("trade", 1, 2, reconnect)];
        assert_eq!(answer(Market::BinanceSpot, &[], &reconnected), Answer::Yes);
    }

    #[test]
    fn what_came_out_of_its_place_must_be_marked_and_nothing_else() {
        let sent = [Disorder {
            at: Time::ZERO,
            connection: connection(),
            instrument: "BTCUSDT".to_owned(),
            stream: "btcusdt@trade".to_owned(),
            ids: Ids { first: 5, last: 5 },
            since: 4,
            reached: 7,
        }];
        let one = |number| {
            vec![Mark {
                stream: hole("trade", 0, 0, GapCause::Missing).stream,
                number,
            }]
        };
        let table = [
            (
                Order {
                    marks: one(5),
                    ..Order::default()
                },
                Answer::Yes,
            ),
            (
                Order {
                    ends: one(6),
                    ..Order::default()
                },
                Answer::Yes,
            ),
            (
                Order {
                    ends: one(8),
                    ..Order::default()
                },
                Answer::No,
            ),
            (
                Order {
                    marks: one(6),
                    ends: one(6),
                    ..Order::default()
                },
                Answer::No,
            ),
            (
                Order {
                    marks: one(5),
                    unmarked: one(3),
                    ..Order::default()
                },
                Answer::No,
            ),
            (Order::default(), Answer::No),
        ];
        for (order, expected) in table {
            let story = Story {
                market: Market::BinanceSpot,
                faults: &[],
                omissions: &[],
                gaps: &[],
                disorders: &sent,
                order: &order,
            };
            assert_eq!(marked(&[story]).answer, expected, "{order:?}");
        }
    }

    #[test]
    fn a_chained_stream_may_begin_its_gap_earlier() {
        let one = [omission("btcusdt@depth@100ms", 5, 9)];
        let gap = |from, to| [hole("depth@100ms", from, to, GapCause::Missing)];
        assert_eq!(answer(Market::BinanceUsdm, &one, &gap(3, 9)), Answer::Yes);
        assert_eq!(answer(Market::BinanceUsdm, &one, &gap(3, 10)), Answer::No);
        assert_eq!(answer(Market::BinanceUsdm, &one, &gap(6, 9)), Answer::No);
        assert_eq!(answer(Market::BinanceSpot, &one, &gap(3, 9)), Answer::No);
    }

    #[test]
    fn a_fault_that_is_not_over_is_named() {
        let fault = |recovered| FaultEntry {
            at: Time::from_nanos(1_000_000_000),
            fault: Fault::Stall,
            connection: connection(),
            route: "stream",
            streams: vec!["btcusdt@trade".to_owned()],
            waiting: vec!["btcusdt@trade".to_owned()],
            recovered,
        };
        let row = |faults: &[FaultEntry]| {
            let story = Story {
                market: Market::BinanceSpot,
                faults,
                omissions: &[],
                gaps: &[],
                disorders: &[],
                order: &Order::default(),
            };
            let row = recovered(&[story]);
            (row.answer, row.detail)
        };
        let over = fault(Some(Time::from_nanos(3_500_000_000)));
        let fine = "1 of 1, the slowest in 2500 ms".to_owned();
        assert_eq!(row(std::slice::from_ref(&over)), (Answer::Yes, fine));
        let waiting = "1 of 2, the slowest in 2500 ms; waiting: stall on btcusdt@trade".to_owned();
        assert_eq!(row(&[over, fault(None)]), (Answer::No, waiting));
    }

    #[test]
    fn sockets_are_judged_where_anybody_can_look() {
        let findings = |most| Findings {
            samples: 9,
            live_max: BTreeMap::from([(1, 1), (2, most)]),
            pool_max: most,
            close_wait_max: Duration::from_millis(20),
        };
        assert_eq!(one_socket(Some(&findings(1))).answer, Answer::Yes);
        assert_eq!(one_socket(Some(&findings(2))).answer, Answer::No);
        assert_eq!(one_socket(None).answer, Answer::Unknown);
        assert_eq!(rest_sockets(Some(&findings(2)), 2).answer, Answer::Yes);
        assert_eq!(rest_sockets(Some(&findings(3)), 2).answer, Answer::No);
        assert_eq!(rest_sockets(None, 2).answer, Answer::Unknown);
        assert_eq!(
            no_close_wait(Some(&findings(1)), Some(0)).answer,
            Answer::Yes
        );
        assert_eq!(
            no_close_wait(Some(&findings(1)), Some(1)).answer,
            Answer::No
        );
        assert_eq!(no_close_wait(None, None).answer, Answer::Unknown);
        assert_eq!(restored(3, 4).answer, Answer::No);
    }
}
