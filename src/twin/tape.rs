//! What changed since a stream last spoke.

use std::collections::BTreeSet;
use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::market::{Market, Speed};

use super::book::{Book, Level, Side};

/// After this long without a change, OKX says so with an empty update (OKX API guide, "Order
/// book channel", sequence id).
const HEARTBEAT: Duration = Duration::from_secs(60);

/// The intervals at which a market's depth streams speak, shortest first; zero is as it happens.
///
/// Binance spot "Diff. Depth Stream", USD-M "Diff. Book Depth Streams" and OKX "Order book channel".
pub(super) const fn cadences(market: Market) -> &'static [Duration] {
    match market {
        Market::BinanceSpot => &SPOT,
        Market::BinanceUsdm | Market::BinanceCoinm => &USDM,
        Market::Okx => &OKX,
    }
}

const SPOT: [Duration; 2] = [Duration::from_millis(100), Duration::from_secs(1)];
const USDM: [Duration; 4] = [
    Duration::ZERO,
    Duration::from_millis(100),
    Duration::from_millis(250),
    Duration::from_millis(500),
];
/// The faster books are documented at 10 ms, which is more often than anything happens here.
const OKX: [Duration; 2] = [Duration::ZERO, Duration::from_millis(100)];

/// The interval that a speed stands for in a market, if the market has it.
pub(super) fn cadence(market: Market, speed: Speed) -> Option<Duration> {
    let millis = match (speed, market) {
        (Speed::Default, Market::BinanceSpot) | (Speed::Ms1000, _) => 1000,
        (Speed::Default, Market::BinanceUsdm | Market::BinanceCoinm) | (Speed::Ms250, _) => 250,
        (Speed::Default, Market::Okx) | (Speed::Ms100, _) => 100,
        (Speed::Ms500, _) => 500,
        (Speed::Ms0, _) => 0,
        (Speed::S1, _) => return None,
    };
    let wanted = Duration::from_millis(millis);
    cadences(market).contains(&wanted).then_some(wanted)
}

/// The changes of one book for the streams of one interval.
#[derive(Clone, Debug)]
pub(super) struct Tape {
    cadence: Duration,
    heartbeat: Option<Duration>,
    due: Time,
    spoke: Time,
    touched: BTreeSet<(Side, u64)>,
    first: Option<u64>,
    previous: u64,
}

/// What a depth stream says: the levels that changed, and its place in the sequence.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Diff {
    /// The first update id in it (Binance `U`).
    pub(super) first: u64,
    /// The last one (Binance `u`, OKX `seqId`).
    pub(super) last: u64,
    /// The last one of the message before (Binance `pu`, OKX `prevSeqId`).
    pub(super) previous: u64,
    /// What rests now at each price that was touched.
    pub(super) levels: Vec<(Side, Level)>,
}

impl Tape {
    /// The tapes of a market whose last update id is `update`.
    pub(super) fn all(market: Market, update: u64) -> Vec<Self> {
        let heartbeat = match market {
            Market::Okx => Some(HEARTBEAT),
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => None,
        };
        let tape = |&cadence| Self {
            cadence,
            heartbeat,
            due: Time::ZERO + cadence,
            spoke: Time::ZERO,
            touched: BTreeSet::new(),
            first: None,
            previous: update,
        };
        cadences(market).iter().map(tape).collect()
    }

    pub(super) const fn cadence(&self) -> Duration {
        self.cadence
    }

    /// When it speaks next. One without an interval never does so by itself: it is flushed with
    /// each step.
    pub(super) const fn due(&self) -> Time {
        if self.cadence.is_zero() {
            Time::MAX
        } else {
            self.due
        }
    }

    /// Notes that a price was touched under this update id.
    pub(super) fn note(&mut self, update: u64, side: Side, price: u64) {
        self.first.get_or_insert(update);
        self.touched.insert((side, price));
    }

    /// What has changed since the last time, if anything has or if it has long been quiet.
    pub(super) fn flush(&mut self, book: &Book, update: u64) -> Option<Diff> {
        let at = self.due;
        self.due = at + self.cadence;
        let quiet = self
            .heartbeat
            .is_some_and(|limit| at.since(self.spoke) >= limit);
        if self.first.is_none() && !quiet {
            return None;
        }
        let (previous, last) = match self.first {
            Some(_) => (self.previous, update),
            None => (self.previous, self.previous),
        };
        self.spoke = at;
        self.previous = last;
        Some(Diff {
            first: self.first.take().unwrap_or(last),
            last,
            previous,
            levels: self.take_levels(book),
        })
    }

    fn take_levels(&mut self, book: &Book) -> Vec<(Side, Level)> {
        let touched = std::mem::take(&mut self.touched);
        let level = |(side, price)| {
            let resting = book.at(side, price);
            (side, Level { price, resting })
        };
        touched.into_iter().map(level).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::book::Resting;
    use super::*;

    #[test]
    fn a_market_knows_its_own_speeds_only() {
        let speeds =
            |market| Speed::ALL.map(|speed| cadence(market, speed).map(|at| at.as_millis()));
        let none = None;
        assert_eq!(
            speeds(Market::BinanceSpot),
            [Some(1000), none, Some(100), none, none, Some(1000), none]
        );
        assert_eq!(
            speeds(Market::BinanceUsdm),
            [
                Some(250),
                Some(0),
                Some(100),
                Some(250),
                Some(500),
                none,
                none
            ]
        );
    }

    #[test]
    fn a_diff_says_what_rests_now_and_where_it_stands_in_the_sequence() {
        let mut book = Book::default();
        let mut tape = Tape::all(Market::BinanceSpot, 100).remove(0);
        assert_eq!(tape.flush(&book, 100), None);
        let resting = Resting {
            quantity: 3,
            orders: 1,
        };
        book.set(Side::Ask, 9, resting);
        tape.note(101, Side::Ask, 9);
        tape.note(102, Side::Bid, 7);
        let diff = tape.flush(&book, 102).unwrap();
        assert_eq!((diff.first, diff.last, diff.previous), (101, 102, 100));
        let gone = Level {
            price: 7,
            resting: Resting::default(),
        };
        assert_eq!(
            diff.levels,
            [(Side::Bid, gone), (Side::Ask, Level { price: 9, resting })]
        );
        tape.note(103, Side::Bid, 7);
        assert_eq!(tape.flush(&book, 103).map(|diff| diff.previous), Some(102));
    }

    #[test]
    fn a_quiet_okx_book_says_so_once_a_minute() {
        let mut tapes = Tape::all(Market::Okx, 100).into_iter();
        let mut tape = tapes.find(|tape| !tape.cadence.is_zero()).unwrap();
        let book = Book::default();
        let said: Vec<_> = (0..1300).filter_map(|_| tape.flush(&book, 100)).collect();
        assert_eq!(said.len(), 2);
        for diff in said {
            assert_eq!((diff.last, diff.previous), (100, 100));
            assert!(diff.levels.is_empty());
        }
    }
}
