//! A synthetic market: one instrument's book and trades as a random walk in integers.
//!
//! The walk goes on by itself from step to step, each at a time of its own; whether anybody
//! looks, and when, changes nothing. Every step changes the book under fresh update ids and may
//! print trades; tapes gather the changes for the streams that speak at intervals.

use std::collections::VecDeque;
use std::time::Duration;

use marketprism_core::market::{DayStart, Interval, Market};
use marketprism_core::{Time, UnixNanos};

use super::bars::{Bars, Deal};
use super::book::{Book, Level, Resting, Side, Top};
use super::figures::{self, Figures, Pulse};
use super::instrument::Instrument;
use super::random::{Purpose, Random};
use super::tape::{Diff, Tape};

/// Levels a side at the start.
const START_LEVELS: usize = 60;
/// A side never gets thinner than this by trades and cancels.
const MIN_LEVELS: usize = 25;
/// Nor deeper than this: the farthest level leaves, as a change of its own.
const MAX_LEVELS: usize = 200;
/// A step follows another no sooner than this, so that time always moves on.
const MIN_PACE: Duration = Duration::from_micros(1);
/// The time between two steps of a market in a hurry.
const HURRIED_PACE: Duration = Duration::from_micros(5);
/// The most levels that one taker order goes through.
const MAX_SWEEP: usize = 4;
/// Prints that can be asked for behind the event.
const HISTORY: usize = 4096;
const MILLI: u64 = 1_000_000;
const SECOND: Duration = Duration::from_secs(1);

/// What a market is made of: its instrument, its ids, its book.
#[derive(Clone, Debug)]
pub(super) struct SyntheticMarket {
    market: Market,
    instrument: Instrument,
    random: Random,
    pace: Duration,
    /// Until when it is in a hurry.
    hurried: Time,
    next: Time,
    book: Book,
    ids: Ids,
    bars: Bars,
    figures: Figures,
    pulse: Time,
    origin: UnixNanos,
    tapes: Vec<Tape>,
    /// The last prints, with the millisecond of each.
    history: VecDeque<(u64, Print)>,
}

/// Where and when a market opens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Listing {
    pub(super) market: Market,
    /// The time between two steps, on average.
    pub(super) pace: Duration,
    /// The wall-clock time at [`Time::ZERO`].
    pub(super) origin: UnixNanos,
    pub(super) seed: u64,
    /// Its number among all that are drawn from the seed.
    pub(super) number: u32,
    /// Whether anybody can watch its book.
    pub(super) watched: bool,
}

/// The last of each kind of id that was given out.
#[derive(Clone, Copy, Debug)]
struct Ids {
    update: u64,
    trade: u64,
    aggregate: u64,
}

/// One step of the walk.
#[derive(Clone, Debug)]
pub(super) struct Step {
    pub(super) at: Time,
    /// Trades, in order.
    pub(super) prints: Vec<Print>,
    /// A trade id that was used up without a trade (USD-M prints these with price zero).
    pub(super) spent: Option<u64>,
    /// The update id after the step.
    pub(super) update: u64,
    /// The best levels, where the step changed them.
    pub(super) top: Option<Top>,
}

/// What one taker order did at one price.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Print {
    /// The id of the whole.
    pub(super) aggregate: u64,
    pub(super) price: u64,
    /// The side that the taker took from: bids when it sold.
    pub(super) resting: Side,
    /// Trade ids and quantities.
    pub(super) fills: Vec<(u64, u64)>,
}

impl Print {
    pub(super) fn quantity(&self) -> u64 {
        self.fills.iter().map(|(_, quantity)| quantity).sum()
    }

    /// The first and the last trade id.
    pub(super) fn trades(&self) -> (u64, u64) {
        let id = |fill: Option<&(u64, u64)>| fill.map_or(0, |(id, _)| *id);
        (id(self.fills.first()), id(self.fills.last()))
    }
}

impl SyntheticMarket {
    /// A market of its own.
    pub(super) fn new(listing: Listing, instrument: Instrument) -> Self {
        let Listing {
            market,
            origin,
            seed,
            number,
            ..
        } = listing;
        let mut random = Random::new(seed, Purpose::Market(number));
        let chance = Random::new(seed, Purpose::Figures(number));
        let pace = listing.pace.max(MIN_PACE);
        let ids = Ids {
            update: random.between(1_000_000_000, 90_000_000_000),
            trade: random.between(1_000_000, 900_000_000),
            aggregate: random.between(1_000_000, 90_000_000),
        };
        let home = instrument.home();
        let millis = origin.as_nanos() / MILLI;
        let price = home * 10u64.pow(u32::from(figures::SCALE - instrument.price_scale()));
        let mut opened = Self {
            market,
            next: Time::ZERO + random.around(pace),
            random,
            pace,
            hurried: Time::ZERO,
            book: Book::default(),
            ids,
            bars: Bars::new(millis, home),
            figures: Figures::new(chance, millis, price, instrument.lot()),
            pulse: next_beat(origin, Time::ZERO, SECOND),
            origin,
            tapes: match listing.watched {
                true => Tape::all(market, ids.update),
                false => Vec::new(),
            },
            instrument,
            history: VecDeque::new(),
        };
        opened.fill_book();
        opened
    }

    fn fill_book(&mut self) {
        for side in [Side::Bid, Side::Ask] {
            let mut price = self.instrument.home();
            for _ in 0..START_LEVELS {
                let gap = self.random.between(1, 3);
                price = match side {
                    Side::Bid => price.saturating_sub(gap).max(1),
                    Side::Ask => price + gap,
                };
                let resting = self.some_resting();
                self.book.set(side, price, resting);
            }
        }
    }

    pub(super) const fn instrument(&self) -> &Instrument {
        &self.instrument
    }

    pub(super) const fn book(&self) -> &Book {
        &self.book
    }

    /// The id of the last change of the book.
    pub(super) const fn update(&self) -> u64 {
        self.ids.update
    }

    pub(super) const fn market(&self) -> Market {
        self.market
    }

    /// Candles and windows of its trades.
    pub(super) const fn bars(&self) -> &Bars {
        &self.bars
    }

    /// The last prints, oldest first, with the millisecond of each.
    pub(super) const fn history(&self) -> &VecDeque<(u64, Print)> {
        &self.history
    }

    pub(super) const fn figures(&self) -> &Figures {
        &self.figures
    }

    /// When the next second is over.
    pub(super) const fn next_pulse(&self) -> Time {
        self.pulse
    }

    /// A second of the wall clock is over.
    pub(super) fn pulse(&mut self) -> Pulse {
        let at = self.pulse;
        self.pulse = at + SECOND;
        let millis = self.millis(at);
        self.bars.roll(millis);
        let second = self.bars.candle(Interval::S1, DayStart::Utc);
        let volume = second
            .and_then(|(_, closed)| closed)
            .map_or(0, |second| second.volume);
        let scale = self.instrument.price_scale();
        let middle = match self.book.top() {
            Some(top) => figures::middle(top, scale),
            None => self.figures.mark(),
        };
        self.figures.pulse(at, millis, middle, volume)
    }

    fn millis(&self, at: Time) -> u64 {
        self.origin.as_nanos().saturating_add(at.as_nanos()) / MILLI
    }

    /// When the next step is due.
    pub(super) const fn next_step(&self) -> Time {
        self.next
    }

    /// When the next tape speaks, and which.
    pub(super) fn next_flush(&self) -> Option<(Time, usize)> {
        let due = self.tapes.iter().map(Tape::due).enumerate();
        due.map(|(tape, at)| (at, tape)).min()
    }

    /// Lets a tape speak: its interval, and what has changed in it if anything has.
    pub(super) fn flush(&mut self, tape: usize) -> Option<(Duration, Option<Diff>)> {
        let tape = self.tapes.get_mut(tape)?;
        Some((tape.cadence(), tape.flush(&self.book, self.ids.update)))
    }

    /// Lets the tape without an interval speak, if the market has one.
    pub(super) fn flush_always(&mut self) -> Option<Diff> {
        let tape = self
            .tapes
            .iter_mut()
            .find(|tape| tape.cadence().is_zero())?;
        tape.flush(&self.book, self.ids.update)
    }

    /// Takes its steps in a hurry from now on, until then.
    pub(super) fn hurry(&mut self, now: Time, until: Time) {
        self.hurried = self.hurried.max(until);
        self.next = self.next.min(now + HURRIED_PACE);
    }

    /// Takes the next step.
    pub(super) fn step(&mut self) -> Step {
        let at = self.next;
        let pace = match at < self.hurried {
            true => HURRIED_PACE,
            false => self.pace,
        };
        self.next = at + self.random.around(pace);
        let before = self.book.top();
        let mut step = Step {
            at,
            prints: Vec::new(),
            spent: None,
            update: 0,
            top: None,
        };
        match self.random.below(100) {
            0..20 => self.trade(&mut step),
            20..45 => self.cancel(),
            _ => self.quote(),
        }
        step.update = self.ids.update;
        step.top = self.book.top().filter(|top| before != Some(*top));
        step
    }

    /// A new order, or one more at a price.
    fn quote(&mut self) {
        let side = self.any_side();
        let Some(price) = self.quote_price(side) else {
            return;
        };
        let resting = self.some_resting();
        self.change(side, price, resting);
        while self.book.depth(side) > MAX_LEVELS {
            let Some(worst) = self.book.worst(side) else {
                return;
            };
            self.change(side, worst, Resting::default());
        }
    }

    /// A price that does not cross the other side: inside the spread or behind it.
    fn quote_price(&mut self, side: Side) -> Option<u64> {
        let Top { bid, ask } = self.book.top()?;
        let (bid, ask) = (bid.price, ask.price);
        let inside = ask - bid > 1 && self.random.per_mille(300);
        let behind = self.random.below(50);
        Some(match (side, inside) {
            (_, true) => self.random.between(bid + 1, ask - 1),
            (Side::Bid, false) => bid.saturating_sub(behind).max(1),
            (Side::Ask, false) => ask + behind,
        })
    }

    /// An order that is taken back.
    fn cancel(&mut self) {
        let side = self.any_side();
        if self.book.depth(side) <= MIN_LEVELS {
            return self.quote();
        }
        let place = self.random.below(20);
        let level = self
            .book
            .best_first(side)
            .nth(usize::try_from(place).unwrap_or(0));
        if let Some(Level { price, .. }) = level {
            self.change(side, price, Resting::default());
        }
    }

    /// A taker order: it eats the other side from the best level on.
    fn trade(&mut self, step: &mut Step) {
        if self.market == Market::BinanceUsdm && self.random.per_mille(15) {
            self.ids.trade += 1;
            step.spent = Some(self.ids.trade);
        }
        let resting = self.side_to_take();
        let mut wanted = self.instrument.lot() * self.random.between(1, 250);
        for _ in 0..MAX_SWEEP {
            if wanted == 0 || self.book.depth(resting) <= MIN_LEVELS {
                break;
            }
            let Some(level) = self.book.best(resting) else {
                break;
            };
            let taken = wanted.min(level.resting.quantity);
            wanted -= taken;
            let print = self.print(resting, level, taken);
            self.note(step.at, &print);
            step.prints.push(print);
        }
    }

    fn print(&mut self, resting: Side, level: Level, taken: u64) -> Print {
        let Level {
            price,
            resting: was,
        } = level;
        let fills = self.fills(taken, was.orders);
        let gone = u32::try_from(fills.len()).unwrap_or(u32::MAX);
        let left = Resting {
            quantity: was.quantity - taken,
            orders: was.orders.saturating_sub(gone).max(1),
        };
        self.change(resting, price, left);
        self.ids.aggregate += 1;
        Print {
            aggregate: self.ids.aggregate,
            price,
            resting,
            fills,
        }
    }

    fn note(&mut self, at: Time, print: &Print) {
        let (first, last) = print.trades();
        let quantity = print.quantity();
        let deal = Deal {
            price: print.price,
            quantity,
            turnover: self.instrument.turnover(print.price, quantity),
            bought: print.resting == Side::Ask,
            first,
            last,
            trades: print.fills.len() as u64,
        };
        let millis = self.millis(at);
        self.bars.note(millis, deal);
        self.figures.note(print);
        if self.history.len() == HISTORY {
            self.history.pop_front();
        }
        self.history.push_back((millis, print.clone()));
    }

    /// Splits what was taken over at most three resting orders.
    fn fills(&mut self, taken: u64, orders: u32) -> Vec<(u64, u64)> {
        let parts = self
            .random
            .between(1, u64::from(orders.clamp(1, 3)))
            .min(taken);
        let mut left = taken;
        let mut fills = Vec::new();
        for part in (0..parts).rev() {
            let quantity = match part {
                0 => left,
                others => self.random.between(1, left - others),
            };
            left -= quantity;
            self.ids.trade += 1;
            fills.push((self.ids.trade, quantity));
        }
        fills
    }

    /// Changes what rests at a price, under the next update id.
    fn change(&mut self, side: Side, price: u64, resting: Resting) {
        self.ids.update += self.id_step();
        self.book.set(side, price, resting);
        for tape in &mut self.tapes {
            tape.note(self.ids.update, side, price);
        }
    }

    /// Ids of USD-M and OKX are shared with books that nobody shows us; those of spot are not.
    fn id_step(&mut self) -> u64 {
        match self.market {
            Market::BinanceSpot => 1,
            Market::BinanceUsdm | Market::BinanceCoinm => self.random.between(1, 60),
            Market::Okx => self.random.between(1, 12),
        }
    }

    fn some_resting(&mut self) -> Resting {
        Resting {
            quantity: self.instrument.lot() * self.random.between(1, 400),
            orders: u32::try_from(self.random.between(1, 12)).unwrap_or(1),
        }
    }

    fn any_side(&mut self) -> Side {
        if self.random.per_mille(500) {
            Side::Bid
        } else {
            Side::Ask
        }
    }

    /// Chance, drawn back home: far above it more is sold, far below more is bought.
    fn side_to_take(&mut self) -> Side {
        let home = self.instrument.home();
        let price = self.book.best(Side::Bid).map_or(home, |level| level.price);
        let reach = (home / 200).max(1);
        let away = price.abs_diff(home).min(reach) * 400 / reach;
        let sold = if price > home { 500 + away } else { 500 - away };
        if self.random.per_mille(sold) {
            Side::Bid
        } else {
            Side::Ask
        }
    }
}

/// The first time behind `now` at which the wall clock shows a multiple of `every`.
pub(super) fn next_beat(origin: UnixNanos, now: Time, every: Duration) -> Time {
    let every = u64::try_from(every.as_nanos()).unwrap_or(u64::MAX).max(1);
    let shown = origin.as_nanos().saturating_add(now.as_nanos());
    now + Duration::from_nanos(every - shown % every)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn market(market: Market, seed: u64) -> SyntheticMarket {
        let listing = Listing {
            market,
            pace: Duration::from_millis(20),
            origin: UnixNanos::from_nanos(1_767_225_600_000_000_000),
            seed,
            number: 0,
            watched: true,
        };
        SyntheticMarket::new(listing, Instrument::defaults(market).remove(0))
    }

    /// Walks through so many seconds, and says what was traded in each.
    fn walk(market: &mut SyntheticMarket, seconds: u32) -> Vec<(Vec<Print>, Pulse)> {
        let second = |_| {
            let mut prints = Vec::new();
            while market.next_step() <= market.next_pulse() {
                prints.extend(market.step().prints);
            }
            (prints, market.pulse())
        };
        (0..seconds).map(second).collect()
    }

    #[test]
    fn figures_follow_the_walk() {
        for kind in Market::ALL {
            let mut market = market(kind, 10);
            let told = walk(&mut market, 600);
            let top = market.book().top().unwrap();
            let middle = figures::middle(top, market.instrument().price_scale());
            let figures = market.figures();
            for price in [figures.mark(), figures.average(), figures.index()] {
                assert!(
                    price.abs_diff(middle) < middle / 100,
                    "{kind}: {price} {middle}"
                );
            }
            assert!(figures.funding_rate().abs() <= figures::MOST);
            let liquidations = told.iter().filter_map(|(prints, pulse)| {
                let print = pulse.liquidation.as_ref()?;
                assert!(prints.contains(print));
                Some(print)
            });
            let count = liquidations.count();
            assert!((10..100).contains(&count), "{kind}: {count}");
            let volume: u64 = told
                .iter()
                .flat_map(|(prints, _)| prints)
                .map(Print::quantity)
                .sum();
            assert_eq!(market.bars().window(1440).volume, volume);
        }
    }

    #[test]
    fn a_book_is_never_crossed_nor_empty_nor_without_bounds() {
        for kind in Market::ALL {
            let mut market = market(kind, 5);
            for _ in 0..20_000 {
                market.step();
                let top = market.book().top().unwrap();
                assert!(top.bid.price < top.ask.price, "{top:?}");
                for side in [Side::Bid, Side::Ask] {
                    let depth = market.book().depth(side);
                    assert!((MIN_LEVELS..=MAX_LEVELS).contains(&depth), "{depth}");
                }
            }
            let (home, last) = (market.instrument().home(), market.bars().price());
            assert!(last.abs_diff(home) < home / 20, "{home} {last}");
        }
    }

    #[test]
    fn trade_ids_run_without_a_hole() {
        let mut market = market(Market::BinanceUsdm, 6);
        let (mut trade, mut aggregate) = (market.ids.trade, market.ids.aggregate);
        let mut spent = 0;
        for _ in 0..20_000 {
            let step = market.step();
            if let Some(id) = step.spent {
                assert_eq!(id, trade + 1);
                trade = id;
                spent += 1;
            }
            for print in &step.prints {
                assert_eq!(print.aggregate, aggregate + 1);
                aggregate = print.aggregate;
                for (id, quantity) in &print.fills {
                    assert_eq!(*id, trade + 1);
                    assert!(*quantity > 0);
                    trade = *id;
                }
            }
        }
        assert!(spent > 10, "{spent}");
    }

    #[test]
    fn spot_update_ids_run_without_a_hole_and_those_of_others_with_holes() {
        for kind in Market::ALL {
            let mut market = market(kind, 7);
            let mut holes = 0;
            let mut update = market.update();
            for _ in 0..5000 {
                let before = update;
                update = market.step().update;
                holes += u64::from(update > before + 6);
            }
            assert_eq!(holes == 0, kind == Market::BinanceSpot, "{kind}: {holes}");
        }
    }

    #[test]
    fn one_seed_is_one_market() {
        let run = |seed| {
            let mut market = market(Market::Okx, seed);
            let steps: Vec<_> = (0..500).map(|_| format!("{:?}", market.step())).collect();
            (steps, market.book)
        };
        assert_eq!(run(8), run(8));
        assert_ne!(run(8), run(9));
    }
}
