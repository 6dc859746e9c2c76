mod reference;
mod rules;
mod silences;

use alloc::vec::Vec;
use core::time::Duration;

use super::{DayReport, Ledger, Note, Standing, StreamId};
use crate::market::{Channel, Market};
use crate::session::{Disorder, GapCause, Missing, Numbers};
use crate::time::UnixNanos;

const SECOND: u64 = 1_000_000_000;
/// Noon of a day.
const NOON: u64 = 20_778 * 86_400 * SECOND + 43_200 * SECOND;

/// An account of one stream of one session.
struct Book {
    ledger: Ledger,
    stream: StreamId,
    now: u64,
}

impl Book {
    fn of(market: Market, channel: Channel) -> Self {
        let mut ledger = Ledger::new();
        let stream = ledger.stream(market, channel, "X").unwrap();
        Self {
            ledger,
            stream,
            now: NOON,
        }
    }

    fn pass(&mut self, duration: Duration) {
        self.now += u64::try_from(duration.as_nanos()).unwrap();
    }

    fn note(&mut self, note: Note) {
        self.ledger.note(0, UnixNanos::from_nanos(self.now), note);
    }

    fn data(&mut self, numbers: Option<Numbers>, standing: Standing) {
        let stream = self.stream;
        self.note(Note::Data {
            stream,
            numbers,
            standing,
        });
    }

    fn trade(&mut self, id: i64) {
        self.data(number(id), Standing::InOrder);
    }

    fn out_of_order(&mut self, id: i64, disorder: Disorder) {
        self.data(number(id), Standing::OutOfOrder(disorder));
    }

    fn gap(&mut self, missing: Option<(i64, i64)>, cause: GapCause) {
        let stream = self.stream;
        let missing = missing.map(|(from, to)| Missing { from, to });
        let since = UnixNanos::from_nanos(self.now - SECOND);
        self.note(Note::Gap {
            stream,
            missing,
            cause,
            since,
        });
    }

    fn overflow(&mut self) {
        let since = UnixNanos::from_nanos(self.now - SECOND);
        self.note(Note::Overflow { since });
    }

    fn days(&self) -> Vec<DayReport<'_>> {
        self.ledger.reports().next().unwrap().days()
    }

    fn day(&self) -> DayReport<'_> {
        let mut days = self.days();
        assert_eq!(days.len(), 1);
        days.remove(0)
    }
}

fn number(id: i64) -> Option<Numbers> {
    Some(Numbers::of_trade(Channel::Trade, id, None))
}
