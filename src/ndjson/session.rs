//! Lines about a session: what becomes of it, what it lost, what the venue said.

use marketprism_core::connection::Status;
use marketprism_core::market::{Channel, Collision, Listed, Market};
use marketprism_core::session::{self, Change, Event, Gap, Missing, Stream, Undecoded};
use marketprism_core::{Time, UnixNanos};
use serde::Serialize;

use super::notice::{key_line, notice_line};
use super::{BookState, Origin, Place, Text, write_line, write_market};

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

    pub(crate) const fn market(&self) -> Market {
        self.market
    }

    /// Appends the line of an event, with what is known of its instrument.
    pub(crate) fn event(
        &self,
        out: &mut Vec<u8>,
        received: UnixNanos,
        event: &Event<'_>,
        listed: Option<&Listed>,
    ) {
        match event {
            Event::Market(event) => {
                write_market(out, self.origin(received), event, Place::default(), listed);
            }
            Event::OutOfOrder {
                event,
                disorder,
                last,
            } => {
                let place = Place {
                    disorder: Some(disorder.name()),
                    reached: *last,
                    ..Place::default()
                };
                write_market(out, self.origin(received), event, place, listed);
            }
            Event::Backfilled(event) => {
                let place = Place {
                    backfilled: true,
                    ..Place::default()
                };
                write_market(out, self.origin(received), event, place, listed);
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
            Event::Book { stream, state } => {
                self.line(out, "book_state", received, book_line(stream, *state));
            }
            Event::Filled { stream, missing } => {
                let line = settled_line(stream, *missing, None);
                self.line(out, "filled", received, line);
            }
            Event::Unfillable {
                stream,
                missing,
                why,
            } => {
                let line = settled_line(stream, *missing, Some(why.name()));
                self.line(out, "unfillable", received, line);
            }
            Event::Notice(notice) => self.line(out, "notice", received, notice_line(*notice)),
            Event::Key(change) => self.line(out, "listen_key", received, key_line(*change)),
            Event::Undecoded(undecoded) => {
                self.line(out, "undecoded", received, undecoded_line(undecoded));
            }
        }
    }

    /// Appends that an instrument cannot be told from another, so that nothing is known of it.
    pub(crate) fn collision(&self, out: &mut Vec<u8>, received: UnixNanos, collision: &Collision) {
        let line = CollisionLine {
            instrument: &collision.refused,
            symbol: &collision.symbol,
            other: &collision.held,
        };
        self.line(out, "collision", received, line);
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
        Change::Confirmed
        | Change::Live
        | Change::Silent
        | Change::Renewing
        | Change::Mute
        | Change::Unlisted => line,
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

/// What became of a gap.
#[derive(Serialize)]
struct SettledLine<'a> {
    instrument: &'a str,
    channel: Text<Channel>,
    from: i64,
    to: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<&'static str>,
}

fn settled_line<'a>(
    stream: &'a Stream,
    missing: Missing,
    reason: Option<&'static str>,
) -> SettledLine<'a> {
    SettledLine {
        instrument: &stream.instrument,
        channel: Text(stream.channel),
        from: missing.from,
        to: missing.to,
        reason,
    }
}

#[derive(Serialize)]
struct BookLine<'a> {
    instrument: &'a str,
    channel: Text<Channel>,
    #[serde(flatten)]
    state: BookState,
}

fn book_line(stream: &Stream, state: session::BookState) -> BookLine<'_> {
    BookLine {
        instrument: &stream.instrument,
        channel: Text(stream.channel),
        state: state.into(),
    }
}

#[derive(Serialize)]
struct CollisionLine<'a> {
    instrument: &'a str,
    symbol: &'a str,
    other: &'a str,
}

#[derive(Serialize)]
struct OverflowLine {
    cause: &'static str,
    lost: u64,
    since_ns: u64,
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

#[cfg(test)]
mod tests {
    use super::*;
    use marketprism_core::connection::{Cause, Epoch, Fault};
    use marketprism_core::market::Venue;
    use marketprism_core::session::{GapCause, Unfillable, VenueError};
    use marketprism_core::session::{KeyChange, Notice};
    use marketprism_core::venue::{DecodeError, Problem, Reason, Rejection};

    const HEAD: &str = r#""session":"okx-public-1","received_ns":7,"venue":"okx","market":"okx""#;

    fn writer() -> Writer {
        Writer::new(
            "okx-public-1".to_owned(),
            Market::Okx,
            UnixNanos::from_nanos(100),
        )
    }

    /// The line of an event without its head.
    fn line(event: &Event<'_>) -> String {
        let mut out = Vec::new();
        writer().event(&mut out, UnixNanos::from_nanos(7), event, None);
        let line = String::from_utf8(out).unwrap();
        assert_documented(&line);
        line.replace(&format!(",{HEAD}"), "")
    }

    fn assert_documented(line: &str) {
        let page = include_str!("../../docs/EVENTS.md");
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        for key in value.as_object().unwrap().keys() {
            assert!(page.contains(&format!("`{key}`")), "{key} in {line}");
        }
    }

    fn stream() -> Stream {
        Stream {
            instrument: "BTC-USDT".to_owned(),
            channel: Channel::Books,
        }
    }

    #[test]
    fn statuses_say_what_and_why() {
        let epoch = Epoch::default();
        let table = [
            (
                Status::Dialing { epoch, attempt: 2 },
                r#"{"kind":"status","status":"dialing","epoch":0,"attempt":2}"#,
            ),
            (
                Status::Open { epoch },
                r#"{"kind":"status","status":"open","epoch":0}"#,
            ),
            (
                Status::Down {
                    epoch,
                    cause: Cause::Fault(Fault::Reset),
                },
                r#"{"kind":"status","status":"down","epoch":0,"cause":"fault","detail":"connection reset by the peer"}"#,
            ),
            (
                Status::Waiting {
                    until: Time::from_nanos(50),
                },
                r#"{"kind":"status","status":"waiting","until_ns":150}"#,
            ),
            (Status::Stopped, r#"{"kind":"status","status":"stopped"}"#),
        ];
        for (status, expected) in table {
            assert_eq!(line(&Event::Status(status)), format!("{expected}\n"));
        }
    }

    #[test]
    fn subscriptions_carry_the_words_of_the_venue_escaped() {
        let stream = stream();
        let error = VenueError {
            rejection: Rejection {
                code: 60018,
                reason: Reason::NoSuchStream,
            },
            message: "\"BTC\\USDT\"\n\u{1}ü".to_owned(),
        };
        let change = Change::Refused(&error);
        let expected = r#"{"kind":"subscription","instrument":"BTC-USDT","channel":"books","change":"refused","code":60018,"reason":"no such channel or instrument","message":"\"BTC\\USDT\"\n\u0001ü"}"#;
        let stream = &stream;
        assert_eq!(
            line(&Event::Subscription { stream, change }),
            format!("{expected}\n")
        );
        let change = Change::Requested { attempt: 3 };
        let expected = r#"{"kind":"subscription","instrument":"BTC-USDT","channel":"books","change":"requested","attempt":3}"#;
        assert_eq!(
            line(&Event::Subscription { stream, change }),
            format!("{expected}\n")
        );
    }

    #[test]
    fn gaps_name_what_is_missing() {
        let gap = |missing, cause| {
            line(&Event::Gap(Gap {
                stream: &stream(),
                missing,
                cause,
                since: UnixNanos::from_nanos(3),
            }))
        };
        let missing = Some(Missing { from: 5, to: 9 });
        assert_eq!(
            gap(missing, GapCause::Missing),
            "{\"kind\":\"gap\",\"instrument\":\"BTC-USDT\",\"channel\":\"books\",\
             \"cause\":\"missing\",\"from\":5,\"to\":9,\"since_ns\":3}\n"
        );
        assert_eq!(
            gap(None, GapCause::Connection),
            "{\"kind\":\"gap\",\"instrument\":\"BTC-USDT\",\"channel\":\"books\",\
             \"cause\":\"connection\",\"since_ns\":3}\n"
        );
        let mut out = Vec::new();
        let overflow = Overflow {
            lost: 12,
            since: UnixNanos::from_nanos(3),
            until: UnixNanos::from_nanos(7),
        };
        writer().overflow(&mut out, overflow);
        let told = String::from_utf8(out).unwrap();
        assert_documented(&told);
        let body = r#""cause":"overflow","lost":12,"since_ns":3"#;
        assert_eq!(told, format!("{{\"kind\":\"gap\",{HEAD},{body}}}\n"));
    }

    #[test]
    fn books_tell_what_they_are_worth() {
        use marketprism_core::book::{Break, Cause, Refusal};
        let missing = Some(Missing { from: 5, to: 9 });
        let cause = Cause::Gap;
        let last = Some(7);
        let table = [
            (session::BookState::Waiting, r#""state":"waiting""#),
            (
                session::BookState::Synchronised { last },
                r#""state":"synchronised","last":7"#,
            ),
            (
                session::BookState::Crossed { last },
                r#""state":"crossed","last":7"#,
            ),
            (
                session::BookState::Refused(Refusal::OlderThanChanges),
                r#""state":"refused","cause":"older-than-changes""#,
            ),
            (
                session::BookState::Broken(Break { missing, cause }),
                r#""state":"broken","cause":"gap","from":5,"to":9"#,
            ),
        ];
        let stream = &stream();
        for (state, expected) in table {
            let told = line(&Event::Book { stream, state });
            let head = r#""kind":"book_state","instrument":"BTC-USDT","channel":"books""#;
            assert_eq!(told, format!("{{{head},{expected}}}\n"));
        }
    }

    #[test]
    fn what_became_of_a_gap_is_told_with_its_numbers() {
        let (stream, missing) = (&stream(), Missing { from: 5, to: 9 });
        let of = r#""instrument":"BTC-USDT","channel":"books","from":5,"to":9"#;
        assert_eq!(
            line(&Event::Filled { stream, missing }),
            format!("{{\"kind\":\"filled\",{of}}}\n")
        );
        let page = include_str!("../../docs/EVENTS.md");
        for why in Unfillable::ALL {
            let event = Event::Unfillable {
                stream,
                missing,
                why,
            };
            let reason = why.name();
            assert_eq!(
                line(&event),
                format!("{{\"kind\":\"unfillable\",{of},\"reason\":\"{reason}\"}}\n")
            );
            assert!(page.contains(&format!("`{reason}`")), "{reason}");
        }
    }

    #[test]
    fn notices_and_undecoded_messages_have_their_lines() {
        let sent_time = UnixNanos::from_millis(2);
        let malformed = DecodeError {
            channel: Some(Channel::Trades),
            offset: 17,
            field: "px",
            problem: Problem::Number,
        };
        let table = [
            (
                Event::Notice(Notice::Shutdown { sent_time }),
                r#"{"kind":"notice","notice":"shutdown","sent_ns":2000000}"#,
            ),
            (
                Event::Notice(Notice::Other { code: 64003 }),
                r#"{"kind":"notice","notice":"other","code":64003}"#,
            ),
            (
                Event::Notice(Notice::AccountEnded { sent_time }),
                r#"{"kind":"notice","notice":"account_ended","sent_ns":2000000}"#,
            ),
            (
                Event::Key(KeyChange::Obtained),
                r#"{"kind":"listen_key","change":"obtained"}"#,
            ),
            (
                Event::Key(KeyChange::NotRenewed(Rejection::new(Venue::Binance, -1003))),
                r#"{"kind":"listen_key","change":"not_renewed","code":-1003,"reason":"too many requests"}"#,
            ),
            (
                Event::Undecoded(Undecoded::Malformed(malformed)),
                r#"{"kind":"undecoded","problem":"malformed","channel":"trades","field":"px","offset":17,"detail":"not a plain number"}"#,
            ),
            (
                Event::Undecoded(Undecoded::Unhandled("candle1m")),
                r#"{"kind":"undecoded","problem":"unhandled","name":"candle1m"}"#,
            ),
            (
                Event::Undecoded(Undecoded::Unknown("")),
                r#"{"kind":"undecoded","problem":"unknown"}"#,
            ),
            (
                Event::Undecoded(Undecoded::Binary),
                r#"{"kind":"undecoded","problem":"binary"}"#,
            ),
        ];
        for (event, expected) in table {
            assert_eq!(line(&event), format!("{expected}\n"));
        }
    }
}
