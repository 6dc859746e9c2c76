//! Candles of every length, and figures of windows that end now.
//!
//! What happens goes into the bar of the present second alone. When that is over it goes into the
//! candles that are open, so that a hurried market pays for one bar and not for all.

use std::collections::VecDeque;

use marketprism_core::market::{DayStart, Interval};

use super::calendar::span;

/// Minutes of the longest window.
const MINUTES: usize = 24 * 60;
const MINUTE: u64 = 60_000;

/// What was traded in a span: in price steps, quantity units and their products.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Bar {
    /// The first millisecond of it, and the first one behind it.
    pub(super) from: u64,
    pub(super) until: u64,
    pub(super) open: u64,
    pub(super) high: u64,
    pub(super) low: u64,
    pub(super) close: u64,
    /// The quantity of the last trade.
    pub(super) last_quantity: u64,
    pub(super) volume: u64,
    pub(super) turnover: u64,
    /// The parts of both that takers bought.
    pub(super) bought: u64,
    pub(super) bought_turnover: u64,
    /// Ids of the first and the last trade, where there is any.
    pub(super) first: u64,
    pub(super) last: u64,
    /// How many trades.
    pub(super) trades: u64,
}

/// Something that was traded at one price.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deal {
    pub(super) price: u64,
    pub(super) quantity: u64,
    pub(super) turnover: u64,
    /// Whether the taker bought.
    pub(super) bought: bool,
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) trades: u64,
}

impl Bar {
    const fn flat((from, until): (u64, u64), price: u64) -> Self {
        Self {
            from,
            until,
            open: price,
            high: price,
            low: price,
            close: price,
            last_quantity: 0,
            volume: 0,
            turnover: 0,
            bought: 0,
            bought_turnover: 0,
            first: 0,
            last: 0,
            trades: 0,
        }
    }

    /// The id of the first trade; -1 where there is none, as Binance says it.
    pub(super) fn first_id(&self) -> i64 {
        self.id(self.first)
    }

    /// The id of the last trade, likewise.
    pub(super) fn last_id(&self) -> i64 {
        self.id(self.last)
    }

    fn id(&self, id: u64) -> i64 {
        match self.trades {
            0 => -1,
            _ => i64::try_from(id).unwrap_or(i64::MAX),
        }
    }

    /// Takes in a bar that lies within this one, behind what is in it already.
    fn take(&mut self, later: &Self) {
        if later.trades == 0 {
            return;
        }
        let first = self.trades == 0;
        self.open = if first { later.open } else { self.open };
        self.high = if first {
            later.high
        } else {
            self.high.max(later.high)
        };
        self.low = if first {
            later.low
        } else {
            self.low.min(later.low)
        };
        self.first = if first { later.first } else { self.first };
        self.close = later.close;
        self.last = later.last;
        self.last_quantity = later.last_quantity;
        self.volume = self.volume.saturating_add(later.volume);
        self.turnover = self.turnover.saturating_add(later.turnover);
        self.bought = self.bought.saturating_add(later.bought);
        self.bought_turnover = self.bought_turnover.saturating_add(later.bought_turnover);
        self.trades += later.trades;
    }

    fn note(&mut self, deal: Deal) {
        let (bought, bought_turnover) = match deal.bought {
            true => (deal.quantity, deal.turnover),
            false => (0, 0),
        };
        self.take(&Self {
            last_quantity: deal.quantity,
            volume: deal.quantity,
            turnover: deal.turnover,
            bought,
            bought_turnover,
            first: deal.first,
            last: deal.last,
            trades: deal.trades,
            ..Self::flat((self.from, self.until), deal.price)
        });
    }
}

/// The candles of one length: the one that is open and the one before it.
#[derive(Clone, Debug)]
struct Series {
    interval: Interval,
    start: DayStart,
    open: Bar,
    closed: Option<Bar>,
}

impl Series {
    /// Closes the candle if it is over by then.
    fn roll(&mut self, millis: u64) {
        if millis >= self.open.until {
            let next = Bar::flat(span(self.interval, self.start, millis), self.open.close);
            self.closed = Some(std::mem::replace(&mut self.open, next));
        }
    }
}

/// All candles of one instrument, or of a price that belongs to it.
#[derive(Clone, Debug)]
pub(super) struct Bars {
    touched: u64,
    second: Bar,
    series: Vec<Series>,
    minutes: VecDeque<Bar>,
    /// The minute that is open, apart from the second.
    minute: Bar,
}

impl Bars {
    /// Candles that are all open, at this price.
    pub(super) fn new(millis: u64, price: u64) -> Self {
        let flat = |interval, start| Bar::flat(span(interval, start, millis), price);
        let series = |interval| {
            DayStart::ALL.map(|start| Series {
                interval,
                start,
                open: flat(interval, start),
                closed: None,
            })
        };
        Self {
            touched: millis,
            second: flat(Interval::S1, DayStart::Utc),
            series: Interval::ALL.into_iter().flat_map(series).collect(),
            minutes: VecDeque::new(),
            minute: flat(Interval::M1, DayStart::Utc),
        }
    }

    /// Something was traded.
    pub(super) fn note(&mut self, millis: u64, deal: Deal) {
        self.roll(millis);
        self.touched = millis;
        self.second.note(deal);
    }

    /// The clock shows this: what is over is closed. At least once a second, so that no candle is
    /// passed over.
    pub(super) fn roll(&mut self, millis: u64) {
        if millis < self.second.until {
            return;
        }
        let next = Bar::flat(span(Interval::S1, DayStart::Utc, millis), self.second.close);
        let over = std::mem::replace(&mut self.second, next);
        for series in &mut self.series {
            series.open.take(&over);
            series.roll(millis);
        }
        self.minute.take(&over);
        if millis >= self.minute.until {
            let next = Bar::flat(span(Interval::M1, DayStart::Utc, millis), over.close);
            self.minutes
                .push_back(std::mem::replace(&mut self.minute, next));
            if self.minutes.len() > MINUTES {
                self.minutes.pop_front();
            }
        }
    }

    /// The open candle of this length, and the one that was closed before it.
    pub(super) fn candle(&self, interval: Interval, start: DayStart) -> Option<(Bar, Option<Bar>)> {
        let is_it = |series: &&Series| series.interval == interval && series.start == start;
        let series = self.series.iter().find(is_it)?;
        let mut open = series.open;
        open.take(&self.second);
        Some((open, series.closed))
    }

    /// What was traded in so many minutes, the present one not counted.
    pub(super) fn window(&self, minutes: u64) -> Bar {
        let from = self
            .minute
            .from
            .saturating_sub(minutes.saturating_mul(MINUTE));
        let within = self.minutes.iter().filter(|bar| bar.from >= from);
        let mut window = Bar::flat((from, self.second.until), self.second.open);
        for bar in within.chain([&self.minute, &self.second]) {
            window.take(bar);
        }
        window
    }

    /// The last price.
    pub(super) const fn price(&self) -> u64 {
        self.second.close
    }

    /// When something was traded last, or since when nothing was.
    pub(super) const fn touched(&self) -> u64 {
        self.touched
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deal(price: u64, quantity: u64, id: u64) -> Deal {
        Deal {
            price,
            quantity,
            turnover: price * quantity,
            bought: id.is_multiple_of(2),
            first: id,
            last: id,
            trades: 1,
        }
    }

    #[test]
    fn a_candle_is_what_was_traded_in_it() {
        let begin = 1_767_225_600_000;
        let mut bars = Bars::new(begin, 100);
        let mut volumes = [0; 3];
        for id in 0..180 {
            let millis = begin + id * 1000 + 300;
            bars.roll(begin + id * 1000);
            bars.note(millis, deal(100 + id % 7, id + 1, id));
            volumes[(id / 60) as usize] += id + 1;
        }
        let (open, closed) = bars.candle(Interval::M1, DayStart::Utc).unwrap();
        let closed = closed.unwrap();
        assert_eq!((closed.volume, open.volume), (volumes[1], volumes[2]));
        assert_eq!((closed.first, closed.last, closed.trades), (60, 119, 60));
        assert_eq!(
            (closed.from, closed.until),
            (begin + 60_000, begin + 120_000)
        );
        assert_eq!((closed.high, closed.low), (106, 100));
        assert_eq!((closed.open, closed.close), (104, 107 - 7));
        let even: u64 = (60..120).filter(|id| id % 2 == 0).map(|id| id + 1).sum();
        assert_eq!(closed.bought, even);
        let (day, _) = bars.candle(Interval::D1, DayStart::Utc8).unwrap();
        assert_eq!(day.volume, volumes.iter().sum::<u64>());
    }

    #[test]
    fn a_window_leaves_out_what_is_older_and_a_candle_without_trades_keeps_the_price() {
        let begin = 1_767_225_600_000;
        let mut bars = Bars::new(begin, 100);
        bars.note(begin, deal(120, 5, 1));
        for second in 1..=3700 {
            bars.roll(begin + second * 1000);
        }
        bars.note(begin + 3_700_500, deal(130, 2, 2));
        assert_eq!(bars.window(60).volume, 2);
        assert_eq!(bars.window(61).volume, 7);
        let (_, closed) = bars.candle(Interval::M1, DayStart::Utc).unwrap();
        let closed = closed.unwrap();
        assert_eq!((closed.trades, closed.open, closed.close), (0, 120, 120));
    }
}
