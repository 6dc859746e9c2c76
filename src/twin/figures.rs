//! What an exchange says about an instrument besides its book and its trades: mark and index
//! price, funding rate, open interest, liquidations. All of it follows from the walk, once a
//! second, and changes nothing in it.

use marketprism_core::Time;

use super::bars::{Bars, Deal};
use super::book::Top;
use super::market::Print;
use super::random::Random;

/// Decimals of mark prices, index prices and rates.
pub(super) const SCALE: u8 = 8;
/// The interest in a funding rate: 0.01 % in eight hours.
pub(super) const INTEREST: i64 = 10_000;
/// A funding rate is never farther from zero than 0.3 %.
pub(super) const MOST: i64 = 300_000;
const ONE: i64 = 100_000_000;

/// The state of these figures.
#[derive(Clone, Debug)]
pub(super) struct Figures {
    random: Random,
    mark: u64,
    average: u64,
    index: u64,
    open_interest: u64,
    sentiment: u64,
    block: u64,
    last: Option<Print>,
    marks: Bars,
    indexes: Bars,
}

/// What happened in a second that nobody knew before it was over.
#[derive(Clone, Debug)]
pub(super) struct Pulse {
    pub(super) at: Time,
    /// A taker order of that second that closed somebody's position.
    pub(super) liquidation: Option<Print>,
    /// A trade outside the book.
    pub(super) block: Option<Block>,
    /// Whether the instrument's terms were published anew.
    pub(super) terms: bool,
}

/// A trade that was agreed outside the book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Block {
    pub(super) id: u64,
    pub(super) price: u64,
    pub(super) quantity: u64,
    pub(super) bought: bool,
}

impl Figures {
    /// Figures at this price, of [`SCALE`] decimals.
    pub(super) fn new(mut random: Random, millis: u64, price: u64, lot: u64) -> Self {
        Self {
            mark: price,
            average: price,
            index: price,
            open_interest: lot.saturating_mul(random.between(500_000, 5_000_000)),
            block: random.between(100, 100_000),
            sentiment: random.below(u64::MAX),
            last: None,
            marks: Bars::new(millis, price),
            indexes: Bars::new(millis, price),
            random,
        }
    }

    /// A taker order was carried out.
    pub(super) fn note(&mut self, print: &Print) {
        self.last = Some(print.clone());
    }

    /// A second is over. `middle` lies between the best prices, with [`SCALE`] decimals;
    /// `volume` was traded in it.
    pub(super) fn pulse(&mut self, at: Time, millis: u64, middle: u64, volume: u64) -> Pulse {
        self.mark = towards(self.mark, middle, 4);
        self.average = towards(self.average, self.mark, 30);
        self.index = towards(self.index, middle, 16);
        note(&mut self.marks, millis, self.mark);
        note(&mut self.indexes, millis, self.index);
        self.open_interest = match self.random.per_mille(500) {
            true => self.open_interest.saturating_add(volume),
            false => self.open_interest.saturating_sub(volume),
        };
        let last = self.last.take();
        Pulse {
            at,
            block: self.block(last.as_ref()),
            liquidation: last.filter(|_| self.random.per_mille(80)),
            terms: self.random.per_mille(5),
        }
    }

    fn block(&mut self, last: Option<&Print>) -> Option<Block> {
        let last = last.filter(|_| self.random.per_mille(20))?;
        self.block += 1;
        Some(Block {
            id: self.block,
            price: last.price,
            quantity: last
                .quantity()
                .saturating_mul(self.random.between(100, 1000)),
            bought: self.random.per_mille(500),
        })
    }

    pub(super) const fn mark(&self) -> u64 {
        self.mark
    }

    /// The moving average of the mark price.
    pub(super) const fn average(&self) -> u64 {
        self.average
    }

    pub(super) const fn index(&self) -> u64 {
        self.index
    }

    /// In quantity units.
    pub(super) const fn open_interest(&self) -> u64 {
        self.open_interest
    }

    /// The number that long/short ratios are drawn from.
    pub(super) const fn sentiment(&self) -> u64 {
        self.sentiment
    }

    /// How much higher the mark price is than the index, as a part of it.
    pub(super) fn premium(&self) -> i64 {
        let signed = |price: u64| i64::try_from(price).unwrap_or(i64::MAX);
        let (mark, index) = (signed(self.mark), signed(self.index).max(1));
        let part = i128::from(mark - index) * i128::from(ONE) / i128::from(index);
        i64::try_from(part).unwrap_or(0)
    }

    /// What the longs will pay to the shorts.
    pub(super) fn funding_rate(&self) -> i64 {
        INTEREST.saturating_add(self.premium()).clamp(-MOST, MOST)
    }

    /// Candles of the mark price, with one of its values for each second.
    pub(super) const fn marks(&self) -> &Bars {
        &self.marks
    }

    /// Candles of the index price.
    pub(super) const fn indexes(&self) -> &Bars {
        &self.indexes
    }
}

/// The price in the middle of the book.
pub(super) fn middle(top: Top, price_scale: u8) -> u64 {
    let half = 10u64.pow(u32::from(SCALE.saturating_sub(price_scale))) / 2;
    (top.bid.price + top.ask.price).saturating_mul(half)
}

/// So much of the way from one value to another, the more the smaller the number.
fn towards(from: u64, to: u64, slowness: u64) -> u64 {
    (from.saturating_mul(slowness - 1).saturating_add(to)) / slowness
}

fn note(bars: &mut Bars, millis: u64, price: u64) {
    let deal = Deal {
        price,
        quantity: 0,
        turnover: 0,
        bought: false,
        first: 0,
        last: 0,
        trades: 1,
    };
    bars.note(millis, deal);
}
