//! Messages of the channels that speak at a rhythm, and at once when they are asked for: candles,
//! prices, rates, open interest, instruments.

use std::time::Duration;

use marketprism_core::market::{Channel, DayStart, Interval};

use super::account;
use super::data::{instrument, kind_name, price, quantity, trimmed, volume_currency, volume_quote};
use crate::twin::bars::{Bar, Bars};
use crate::twin::decimal::{Printed, Signed, Style};
use crate::twin::figures::{INTEREST, MOST, SCALE};
use crate::twin::instrument::{Contract, Instrument};
use crate::twin::market::SyntheticMarket;
use crate::twin::news::{Beat, Clock, Feed, Markets, Message};

/// Funding is paid every eight hours.
const FUNDING: u64 = 8 * 3_600_000;
/// Minutes of a day.
const DAY: u64 = 24 * 60;
/// What speaks when it is asked for, and then only when something happens.
const ONCE: Duration = Duration::MAX;

/// How often a channel speaks, if it does so at a rhythm. Where OKX speaks on change, at most so
/// often, the changes come once a second here.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the others speak when something happens"
)]
pub(in crate::twin) const fn rhythm(channel: Channel) -> Option<Duration> {
    Some(match channel {
        Channel::Candle(..)
        | Channel::MarkPriceCandle(..)
        | Channel::IndexCandle(..)
        | Channel::IndexTickers
        | Channel::OkxMarkPrice
        | Channel::PriceLimit
        | Channel::Orders
        | Channel::Account
        | Channel::Positions
        | Channel::BalanceAndPosition
        | Channel::Fills => Duration::from_secs(1),
        Channel::OkxOpenInterest => Duration::from_secs(3),
        Channel::FundingRate => Duration::from_secs(30),
        Channel::Instruments => ONCE,
        _ => return None,
    })
}

/// What a channel says at its beat.
pub(in crate::twin) fn messages(
    markets: Markets<'_>,
    feed: Feed,
    beat: Beat,
    clock: Clock,
) -> Vec<Message> {
    if feed.channel.is_private() {
        return account::messages(markets, feed.channel, beat, clock);
    }
    let figure = |book| Figure {
        book,
        millis: clock.millis(beat.at),
        beat,
        clock,
    };
    let books = markets.about(feed.about);
    let rows = books.filter_map(|book| figure(book).row(feed.channel));
    let rows = rows.collect::<Vec<_>>().join(",");
    match rows.is_empty() {
        true => Vec::new(),
        false => vec![Message::plain(format!(r#""data":[{rows}]"#))],
    }
}

/// What `public/open-interest` and the channel say.
pub(super) fn open_interest(book: &SyntheticMarket, millis: u64) -> String {
    let instrument = book.instrument();
    let (id, kind) = (instrument.id(), kind_name(instrument.kind()));
    let open = quantity(book, book.figures().open_interest());
    let (coins, dollars) = worth(book);
    format!(
        r#"{{"instId":"{id}","instType":"{kind}","oi":"{open}","oiCcy":"{coins}","oiUsd":"{dollars}","ts":"{millis}"}}"#
    )
}

/// Open interest in base currency and in dollars.
fn worth(book: &SyntheticMarket) -> (Printed, Printed) {
    let (instrument, held) = (book.instrument(), book.figures().open_interest());
    let (price, places) = (book.bars().price(), instrument.quantity_scale());
    let turnover = instrument.turnover(price, held);
    let plain = trimmed(turnover, instrument.turnover_scale());
    let Some(Contract {
        value,
        scale,
        inverse,
    }) = instrument.contract()
    else {
        return (trimmed(held, places), plain);
    };
    let fixed = trimmed(held.saturating_mul(value), places + scale);
    match inverse {
        true => (plain, fixed),
        false => {
            let units = turnover.saturating_mul(value);
            (fixed, trimmed(units, instrument.turnover_scale() + scale))
        }
    }
}

/// One instrument at a beat.
struct Figure<'a> {
    book: &'a SyntheticMarket,
    millis: u64,
    beat: Beat,
    clock: Clock,
}

impl Figure<'_> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others speak when something happens"
    )]
    fn row(&self, channel: Channel) -> Option<String> {
        match channel {
            Channel::Candle(bar, start) => self.candle(bar, start),
            Channel::MarkPriceCandle(bar, start) => {
                self.price_candle(self.book.figures().marks(), bar, start)
            }
            Channel::IndexCandle(bar, start) => {
                self.price_candle(self.book.figures().indexes(), bar, start)
            }
            Channel::IndexTickers => Some(self.index_ticker()),
            Channel::OkxMarkPrice => Some(self.mark_price()),
            Channel::PriceLimit => Some(self.price_limit()),
            Channel::OkxOpenInterest => Some(open_interest(self.book, self.millis)),
            Channel::FundingRate => Some(self.funding_rate()),
            Channel::Instruments => Some(instrument(self.book)),
            _ => None,
        }
    }

    /// The candle that ended since the last beat, or else the one that is open, and whether it
    /// is over.
    fn bar(&self, bars: &Bars, interval: Interval, start: DayStart) -> Option<(Bar, u8)> {
        let (open, closed) = bars.candle(interval, start)?;
        let just = closed.filter(|bar| self.beat.is_first_after(bar.until, self.clock));
        Some(just.map_or((open, 0), |bar| (bar, 1)))
    }

    fn candle(&self, interval: Interval, start: DayStart) -> Option<String> {
        let (bar, confirm) = self.bar(self.book.bars(), interval, start)?;
        let [open, high, low, close] =
            [bar.open, bar.high, bar.low, bar.close].map(|units| price(self.book, units));
        let (from, volume) = (bar.from, quantity(self.book, bar.volume));
        let currency = volume_currency(self.book, &bar);
        let quote = volume_quote(self.book, &bar);
        Some(format!(
            r#"["{from}","{open}","{high}","{low}","{close}","{volume}","{currency}","{quote}","{confirm}"]"#
        ))
    }

    /// A candle of what is not traded.
    fn price_candle(&self, bars: &Bars, interval: Interval, start: DayStart) -> Option<String> {
        let (bar, confirm) = self.bar(bars, interval, start)?;
        let [open, high, low, close] = [bar.open, bar.high, bar.low, bar.close].map(precise);
        let from = bar.from;
        Some(format!(
            r#"["{from}","{open}","{high}","{low}","{close}","{confirm}"]"#
        ))
    }

    fn index_ticker(&self) -> String {
        let (pair, millis) = (self.book.instrument().pair(), self.millis);
        let bars = self.book.figures().indexes();
        let day = bars.window(DAY);
        let [last, high, low, open] = [bars.price(), day.high, day.low, day.open].map(precise);
        let [utc, utc8] = DayStart::ALL.map(|start| {
            let today = bars.candle(Interval::D1, start);
            precise(today.map_or(day.open, |(today, _)| today.open))
        });
        format!(
            r#"{{"instId":"{pair}","idxPx":"{last}","high24h":"{high}","low24h":"{low}","open24h":"{open}","sodUtc0":"{utc}","sodUtc8":"{utc8}","ts":"{millis}"}}"#
        )
    }

    fn mark_price(&self) -> String {
        let (id, millis) = (self.book.instrument().id(), self.millis);
        let kind = match self.book.instrument().contract() {
            Some(_) => "SWAP",
            // Things that can be borrowed have a mark price, and go by another type for it.
            None => "MARGIN",
        };
        let mark = precise(self.book.figures().mark());
        format!(r#"{{"instType":"{kind}","instId":"{id}","markPx":"{mark}","ts":"{millis}"}}"#)
    }

    /// Nobody may buy for 5 % more than the mark price or sell for 5 % less.
    fn price_limit(&self) -> String {
        let (id, millis) = (self.book.instrument().id(), self.millis);
        let mark = self.book.figures().mark();
        let grid = |units| price(self.book, on_grid(self.book.instrument(), units));
        let (most, least) = (grid(mark / 100 * 105), grid(mark / 100 * 95));
        format!(
            r#"{{"instId":"{id}","buyLmt":"{most}","sellLmt":"{least}","ts":"{millis}","enabled":true}}"#
        )
    }

    fn funding_rate(&self) -> String {
        let (id, millis) = (self.book.instrument().id(), self.millis);
        let figures = self.book.figures();
        let [rate, premium, most, least] =
            [figures.funding_rate(), figures.premium(), MOST, -MOST].map(part);
        let (next, interest) = (millis - millis % FUNDING + FUNDING, part(INTEREST));
        let (after, settled) = (next + FUNDING, part(INTEREST));
        format!(
            r#"{{"formulaType":"withRate","fundingRate":"{rate}","fundingTime":"{next}","impactValue":"10000","instId":"{id}","instType":"SWAP","interestRate":"{interest}","maxFundingRate":"{most}","method":"current_period","minFundingRate":"{least}","nextFundingRate":"","nextFundingTime":"{after}","premium":"{premium}","settFundingRate":"{settled}","settState":"settled","ts":"{millis}"}}"#
        )
    }
}

/// A price on the grid of its instrument.
fn on_grid(instrument: &Instrument, precise: u64) -> u64 {
    precise / 10u64.pow(u32::from(SCALE.saturating_sub(instrument.price_scale())))
}

const fn precise(units: u64) -> Printed {
    trimmed(units, SCALE)
}

const fn part(units: i64) -> Signed {
    Signed {
        units,
        scale: SCALE,
        style: Style::Trimmed,
    }
}
