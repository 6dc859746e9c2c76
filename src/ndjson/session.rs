//! Lines about a session: what becomes of it, what it lost, what the venue said.

use marketprism_core::connection::Status;
use marketprism_core::market::{Channel, Market};
use marketprism_core::session::{Change, Event, Gap, Notice, Stream, Undecoded};
use marketprism_core::{Time, UnixNanos};
use serde::Serialize;

use super::{Origin, Place, Text, write_line, write_market};

/// Writes the events of one session.
#[derive(Clone, Debug)]
pub(crate) struct Writer {
    session: String,
    market: Market,
    zero: UnixNanos,
}

/// Events of one session that found no room in the sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Overflow {
    pub(crate) lost: u64,
    /// When the first of them was received.
    pub(crate) since: UnixNanos,
    /// When the last of them was received.
    pub(crate) until: UnixNanos,
}

/// What every line of a session begins with.
#[derive(Serialize)]
struct Line<'a, B> {
    kind: &'static str,
    #[serde(flatten)]
    origin: Origin<'a>,
    venue: &'static str,
    market: &'static str,
    #[serde(flatten)]
    body: B,
}

impl Writer {
    /// `zero` is the wall-clock time at the origin of the monotonic clock.
    pub(crate) const fn new(session: String, market: Market, zero: UnixNanos) -> Self {
        Self {
            session,
            market,
            zero,
        }
    }

    /// Appends the line of an event.
    pub(crate) fn event(&self, out: &mut Vec<u8>, received: UnixNanos, event: &Event<'_>) {
        match event {
            Event::Market(event) => {
                write_market(out, self.origin(received), event, Place::default());
            }
            Event::OutOfOrder {
                event,
                disorder,
                last,
            } => {
                let place = Place {
                    disorder: Some(disorder.name()),
                    reached: *last,
                };
                write_market(out, self.origin(received), event, place);
            }
            Event::Status(status) => {
                self.line(out, "status", received, status_line(*status, self.zero));
            }
            Event::Subscription { stream, change } => {
                self.line(
                    out,
                    "subscription",
                    received,
                    subscription_line(stream, change),
                );
            }
            Event::Gap(gap) => self.line(out, "gap", received, gap_line(gap)),
            Event::Notice(notice) => self.line(out, "notice", received, notice_line(*notice)),
            Event::Undecoded(undecoded) => {
                self.line(out, "undecoded", received, undecoded_line(undecoded));
            }
        }
    }

    /// Appends the gap that stands for events which found no room.
    pub(crate) fn overflow(&self, out: &mut Vec<u8>, overflow: Overflow) {
        let line = OverflowLine {
            cause: "overflow",
            lost: overflow.lost,
            since_ns: overflow.since.as_nanos(),
        };
        self.line(out, "gap", overflow.until, line);
    }

    fn line(
        &self,
        out: &mut Vec<u8>,
        kind: &'static str,
        received: UnixNanos,
        body: impl Serialize,
    ) {
        let line = Line {
            kind,
            origin: self.origin(received),
            venue: self.market.venue().name(),
            market: self.market.name(),
            body,
        };
        write_line(out, &line);
    }

    fn origin(&self, received: UnixNanos) -> Origin<'_> {
        Origin {
            session: Some(&self.session),
            received_ns: Some(received.as_nanos()),
        }
    }
}

#[derive(Default, Serialize)]
struct StatusLine {
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    epoch: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<Text<marketprism_core::connection::Cause>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    until_ns: Option<u64>,
}

fn status_line(status: Status, zero: UnixNanos) -> StatusLine {
    let line = StatusLine {
        status: status.name(),
        ..StatusLine::default()
    };
    match status {
        Status::Dialing { epoch, attempt } => StatusLine {
            epoch: Some(epoch.number()),
            attempt: Some(attempt),
            ..line
        },
        Status::Open { epoch } => StatusLine {
            epoch: Some(epoch.number()),
            ..line
        },
        Status::Down { epoch, cause } => StatusLine {
            epoch: Some(epoch.number()),
            cause: Some(cause.name()),
            detail: Some(Text(cause)),
            ..line
        },
        Status::Waiting { until } => StatusLine {
            until_ns: Some(wall_clock(zero, until)),
            ..line
        },
        Status::Stopped => line,
    }
}

/// The wall-clock time of an instant, as good as the wall clock is steady.
const fn wall_clock(zero: UnixNanos, instant: Time) -> u64 {
    zero.as_nanos().saturating_add(instant.as_nanos())
}

#[derive(Serialize)]
struct SubscriptionLine<'a> {
    instrument: &'a str,
    channel: Text<Channel>,
    change: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    attempt: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<&'a str>,
}

fn subscription_line<'a>(stream: &'a Stream, change: &Change<'a>) -> SubscriptionLine<'a> {
    let line = SubscriptionLine {
        instrument: &stream.instrument,
        channel: Text(stream.channel),
        change: change.name(),
        attempt: None,
        code: None,
        reason: None,
        message: None,
    };
    match *change {
        Change::Requested { attempt } => SubscriptionLine {
            attempt: Some(attempt),
            ..line
        },
        Change::Refused(error) => SubscriptionLine {
            code: Some(error.rejection.code),
            reason: Some(error.rejection.reason.name()),
            message: Some(&error.message),
            ..line
        },
        Change::Confirmed | Change::Live | Change::Silent | Change::Renewing | Change::Mute => line,
    }
}

#[derive(Serialize)]
struct GapLine<'a> {
    instrument: &'a str,
    channel: Text<Channel>,
    cause: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i64>,
    since_ns: u64,
}

fn gap_line<'a>(gap: &Gap<'a>) -> GapLine<'a> {
    GapLine {
        instrument: &gap.stream.instrument,
        channel: Text(gap.stream.channel),
        cause: gap.cause.name(),
        from: gap.missing.map(|missing| missing.from),
        to: gap.missing.map(|missing| missing.to),
        since_ns: gap.since.as_nanos(),
    }
}

#[derive(Serialize)]
struct OverflowLine {
    cause: &'static str,
    lost: u64,
    since_ns: u64,
}

#[derive(Serialize)]
struct NoticeLine {
    notice: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    code: Option<i64>,
}

fn notice_line(notice: Notice) -> NoticeLine {
    match notice {
        Notice::Shutdown { sent_time } => NoticeLine {
            notice: "shutdown",
            sent_ns: sent_time.map(UnixNanos::as_nanos),
            code: None,
        },
        Notice::Other { code } => NoticeLine {
            notice: "other",
            sent_ns: None,
            code: Some(i64::from(code)),
        },
        Notice::Error(rejection) => NoticeLine {
            notice: "error",
            sent_ns: None,
            code: Some(rejection.code),
        },
    }
}

#[derive(Default, Serialize)]
struct UndecodedLine<'a> {
    problem: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    channel: Option<Text<Channel>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    field: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    offset: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    detail: Option<&'static str>,
}

fn undecoded_line<'a>(undecoded: &Undecoded<'a>) -> UndecodedLine<'a> {
    match *undecoded {
        Undecoded::Malformed(error) => UndecodedLine {
            problem: "malformed",
            channel: error.channel.map(Text),
            field: Some(error.field).filter(|field| !field.is_empty()),
            offset: Some(error.offset),
            detail: Some(error.problem.name()),
            ..UndecodedLine::default()
        },
        Undecoded::Unhandled(name) => UndecodedLine {
            problem: "unhandled",
            name: Some(name),
            ..UndecodedLine::default()
        },
        Undecoded::Unknown(name) => UndecodedLine {
            problem: "unknown",
            name: Some(name).filter(|name| !name.is_empty()),
            ..UndecodedLine::default()
        },
        Undecoded::Stray(event) => UndecodedLine {
            problem: "stray",
            name: Some(event.instrument),
            channel: Some(Text(event.channel)),
            ..UndecodedLine::default()
        },
        Undecoded::Binary => UndecodedLine {
            problem: "binary",
            ..UndecodedLine::default()
        },
    }
}
