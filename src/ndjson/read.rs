//! Event lines read back: the fields that say where a line stands, borrowed from the line.

use std::borrow::Cow;
use std::fmt;

use marketprism_core::UnixNanos;
use marketprism_core::ledger::Standing;
use marketprism_core::market::{BookKind, Channel, Scope};
use marketprism_core::session::{Disorder, Missing, Numbers};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A line, as far as it says where it stands; a name that it does not give is empty. What a field
/// holds that is of another kind than ours (the `last` of a ticker is a price) is passed over.
#[derive(serde::Deserialize)]
pub(crate) struct EventLine<'a> {
    #[serde(borrow)]
    pub(crate) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) session: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) market: Cow<'a, str>,
    #[serde(borrow, default)]
    instrument: Cow<'a, str>,
    #[serde(borrow, default)]
    subject: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) channel: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) status: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(crate) cause: Cow<'a, str>,
    #[serde(borrow, default)]
    disorder: Cow<'a, str>,
    #[serde(default)]
    backfilled: bool,
    #[serde(borrow, default)]
    book: Cow<'a, str>,
    #[serde(default)]
    received_ns: Whole,
    #[serde(default)]
    exchange_ns: Whole,
    #[serde(default)]
    since_ns: Whole,
    #[serde(default)]
    id: Whole,
    #[serde(default)]
    first_id: Whole,
    #[serde(default)]
    first: Whole,
    #[serde(default)]
    last: Whole,
    #[serde(default)]
    previous: Whole,
    #[serde(default)]
    from: Whole,
    #[serde(default)]
    to: Whole,
}

/// Why a line cannot be read.
#[derive(Debug)]
pub(crate) enum Unread {
    /// It ends too early: it was cut off while it was written.
    Torn,
    /// It is no event line.
    Foreign(serde_json::Error),
}

impl<'a> EventLine<'a> {
    pub(crate) fn read(bytes: &'a [u8]) -> Result<Self, Unread> {
        serde_json::from_slice(bytes).map_err(|error| match error.is_eof() {
            true => Unread::Torn,
            false => Unread::Foreign(error),
        })
    }

    /// All names that together stand for a stream.
    pub(crate) fn names(&self) -> [&str; 4] {
        [&self.market, &self.channel, &self.instrument, &self.subject]
    }

    /// What a stream of this channel is about, which is not always an instrument.
    pub(crate) fn subject(&self, channel: Channel) -> &str {
        match (channel.scope(), self.subject.as_ref()) {
            (Scope::Market, _) => "",
            (_, "") => &self.instrument,
            (_, subject) => subject,
        }
    }

    pub(crate) fn received(&self) -> Option<UnixNanos> {
        self.received_ns.stamp()
    }

    pub(crate) fn exchange_time(&self) -> Option<UnixNanos> {
        self.exchange_ns.stamp()
    }

    pub(crate) fn since(&self) -> Option<UnixNanos> {
        self.since_ns.stamp()
    }

    /// Whether it is about the session and no market data.
    pub(crate) fn is_of_session(&self) -> bool {
        matches!(
            self.kind.as_ref(),
            "status"
                | "subscription"
                | "gap"
                | "filled"
                | "unfillable"
                | "notice"
                | "listen_key"
                | "undecoded"
                | "book_state"
                | "collision"
        )
    }

    /// Whether it is a book that was asked for over REST: it stands beside the stream of its
    /// changes and not in the order of them.
    pub(crate) fn is_asked_for(&self, channel: Channel) -> bool {
        let snapshot = BookKind::Snapshot;
        self.book == snapshot.name() && snapshot.is_asked_for(channel)
    }

    /// The numbers of market data.
    pub(crate) fn numbers(&self, channel: Channel) -> Option<Numbers> {
        if let Some(id) = self.id.0 {
            return Some(Numbers::of_trade(channel, id, self.first_id.0));
        }
        let kind = match self.book.as_ref() {
            "" => return None,
            "snapshot" => BookKind::Snapshot,
            "delta" => BookKind::Delta,
            _ => BookKind::Top(0),
        };
        let (first, last, previous) = (self.first.0, self.last.0?, self.previous.0);
        Some(Numbers::of_book(kind, first, last, previous))
    }

    /// How market data stands in its stream; `None` where that is a word of a later version.
    pub(crate) fn standing(&self) -> Option<Standing> {
        if self.backfilled {
            return Some(Standing::Backfilled);
        }
        if self.disorder.is_empty() {
            return Some(Standing::InOrder);
        }
        let disorders = [
            Disorder::Duplicate,
            Disorder::Stale,
            Disorder::Overlap,
            Disorder::Reset,
        ];
        let mut known = disorders.into_iter();
        let disorder = known.find(|disorder| disorder.name() == self.disorder)?;
        Some(Standing::OutOfOrder(disorder))
    }

    /// The numbers that a gap is about.
    pub(crate) fn missing(&self) -> Option<Missing> {
        let (from, to) = (self.from.0?, self.to.0?);
        Some(Missing { from, to })
    }
}

/// A whole number, or whatever else stands there.
#[derive(Clone, Copy, Debug, Default)]
struct Whole(Option<i64>);

impl Whole {
    fn stamp(self) -> Option<UnixNanos> {
        let nanos = u64::try_from(self.0?).ok()?;
        Some(UnixNanos::from_nanos(nanos))
    }
}

impl<'de> Deserialize<'de> for Whole {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WholeOrNot)
    }
}

struct WholeOrNot;

impl<'de> Visitor<'de> for WholeOrNot {
    type Value = Whole;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_i64<E>(self, number: i64) -> Result<Whole, E> {
        Ok(Whole(Some(number)))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Whole, E> {
        Ok(Whole(i64::try_from(number).ok()))
    }

    fn visit_f64<E>(self, _: f64) -> Result<Whole, E> {
        Ok(Whole(None))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Whole, E> {
        Ok(Whole(None))
    }

    fn visit_str<E>(self, _: &str) -> Result<Whole, E> {
        Ok(Whole(None))
    }

    fn visit_unit<E>(self) -> Result<Whole, E> {
        Ok(Whole(None))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Whole, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Whole(None))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Whole, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Whole(None))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> EventLine<'_> {
        EventLine::read(line.as_bytes()).unwrap()
    }

    #[test]
    fn a_trade_and_a_book_tell_their_numbers_and_a_ticker_none() {
        let trade = read(r#"{"kind":"trade","received_ns":7,"id":9,"first_id":5,"price":"1"}"#);
        assert_eq!(trade.received(), Some(UnixNanos::from_nanos(7)));
        let numbers = |line: &EventLine<'_>, channel| {
            let numbers = line.numbers(channel)?;
            Some((numbers.first, numbers.last, numbers.previous))
        };
        assert_eq!(numbers(&trade, Channel::Trades), Some((5, 9, None)));
        assert_eq!(numbers(&trade, Channel::Trade), Some((9, 9, None)));
        let table = [
            (
                r#"{"kind":"book","book":"delta","first":3,"last":4,"previous":2,"bids":[["1","2"]]}"#,
                Some((3, 4, Some(2))),
            ),
            (
                r#"{"kind":"book","book":"snapshot","last":4,"previous":-1}"#,
                Some((4, 4, None)),
            ),
            (
                r#"{"kind":"book","book":"top","depth":5,"last":4}"#,
                Some((4, 4, None)),
            ),
            (r#"{"kind":"ticker","last":"17.5","open_24h":"1"}"#, None),
            (
                r#"{"kind":"ticker","last":[1,{"a":null}],"id":1.5,"first":{"a":[]},"from":true,"to":null}"#,
                None,
            ),
        ];
        for (line, expected) in table {
            assert_eq!(numbers(&read(line), Channel::Books), expected, "{line}");
        }
    }

    #[test]
    fn a_book_that_was_asked_for_is_no_part_of_the_stream_of_its_changes() {
        let snapshot = read(r#"{"kind":"book","book":"snapshot","last":9}"#);
        let channel = |name: &str| name.parse().unwrap();
        assert!(snapshot.is_asked_for(channel("depth@100ms")));
        assert!(!snapshot.is_asked_for(channel("books")));
        let change = read(r#"{"kind":"book","book":"delta","first":8,"last":9}"#);
        assert!(!change.is_asked_for(channel("depth@100ms")));
    }

    #[test]
    fn a_stream_that_tells_of_many_instruments_is_one_stream() {
        let swaps = "liquidation-orders".parse().unwrap();
        let line = read(r#"{"kind":"liquidation","instrument":"BTC-USDT-SWAP","subject":"SWAP"}"#);
        assert_eq!(line.subject(swaps), "SWAP");
        assert_eq!(line.subject("!forceOrder@arr".parse().unwrap()), "");
        let line = read(r#"{"kind":"gap","instrument":"SWAP"}"#);
        assert_eq!(line.subject(swaps), "SWAP");
    }

    #[test]
    fn what_stands_out_of_order_is_known_by_its_name() {
        let standing = |line| read(line).standing();
        assert_eq!(standing(r#"{"kind":"trade"}"#), Some(Standing::InOrder));
        let backfilled = standing(r#"{"kind":"trade","backfilled":true}"#);
        assert_eq!(backfilled, Some(Standing::Backfilled));
        let stale = Standing::OutOfOrder(Disorder::Stale);
        assert_eq!(
            standing(r#"{"kind":"trade","disorder":"stale"}"#),
            Some(stale)
        );
        assert_eq!(
            standing(r#"{"kind":"trade","disorder":"upside-down"}"#),
            None
        );
    }

    #[test]
    fn a_line_that_was_cut_off_anywhere_is_torn_and_anything_else_is_foreign() {
        let whole = r#"{"kind":"book","instrument":"币BTC","channel":"books","bids":[["1.5","2"]],"last":7}"#;
        for cut in 1..whole.len() {
            let part = &whole.as_bytes()[..cut];
            assert!(matches!(EventLine::read(part), Err(Unread::Torn)), "{cut}");
        }
        for foreign in [
            "hello",
            "[1]",
            "{}",
            r#"{"kind":7}"#,
            "\u{0}",
            r#"{"kind":"a"} b"#,
        ] {
            let read = EventLine::read(foreign.as_bytes());
            assert!(matches!(read, Err(Unread::Foreign(_))), "{foreign}");
        }
    }
}
