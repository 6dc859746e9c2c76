//! Messages of the streams that speak at a rhythm: candles, tickers, mark and index prices.

use std::time::Duration;

use marketprism_core::market::{Channel, DayStart, Interval, Market, Speed, Venue};

use super::account;
use super::data::{Writer, printed};
use crate::twin::bars::{Bar, Bars};
use crate::twin::decimal::{Printed, Signed, Style};
use crate::twin::figures::SCALE;
use crate::twin::market::SyntheticMarket;
use crate::twin::news::{About, Beat, Clock, Feed, Markets, Message};

/// Funding is paid every eight hours.
const FUNDING: u64 = 8 * 3_600_000;
const DAY: u64 = 24 * 60;
const SECOND: u64 = 1000;
/// What Binance calls the ticker of 24 hours.
const DAY_TICKER: &str = "24hrTicker";

/// How often a channel speaks, if it does so at a rhythm ("Update Speed").
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the others speak when something happens"
)]
pub(in crate::twin) const fn rhythm(market: Market, channel: Channel) -> Option<Duration> {
    let spot = matches!(market, Market::BinanceSpot);
    let coin = matches!(market, Market::BinanceCoinm);
    Some(Duration::from_millis(match channel {
        Channel::Kline(Interval::S1, _) => 1000,
        Channel::Kline(..) if spot => 2000,
        Channel::Kline(..)
        | Channel::ContinuousKline(_)
        | Channel::IndexPriceKline(_)
        | Channel::MarkPriceKline(_) => 250,
        Channel::Ticker | Channel::MiniTicker if coin => 500,
        Channel::Ticker | Channel::MiniTicker if !spot => 2000,
        Channel::Ticker
        | Channel::MiniTicker
        | Channel::AllTickers
        | Channel::AllMiniTickers
        | Channel::WindowTicker(_)
        | Channel::AllWindowTickers(_)
        | Channel::AvgPrice
        | Channel::MarkPrice(Speed::S1)
        | Channel::AllMarkPrices(Speed::S1)
        | Channel::IndexPrice(_) => 1000,
        Channel::MarkPrice(_) | Channel::AllMarkPrices(_) => 3000,
        Channel::AllBookTickers => 5000,
        Channel::UserData => 1000,
        _ => return None,
    }))
}

/// What a stream says at its beat.
pub(in crate::twin) fn messages(
    markets: Markets<'_>,
    feed: Feed,
    beat: Beat,
    clock: Clock,
) -> Vec<Message> {
    if feed.channel == Channel::UserData {
        return account::messages(markets, beat, clock);
    }
    let figure = |book| Figure {
        writer: Writer::new(book, clock.stamp(beat.at)),
        book,
        millis: clock.millis(beat.at),
        beat,
        clock,
    };
    let rows = markets
        .about(feed.about)
        .filter_map(|book| figure(book).row(feed.channel));
    match (feed.about, feed.channel) {
        (About::Everything, Channel::AllBookTickers) | (About::Instrument(_), _) => {
            rows.map(Message::plain).collect()
        }
        (About::Everything | About::Pair(_) | About::Kind(_), _) => {
            let rows = rows.collect::<Vec<_>>().join(",");
            match rows.is_empty() {
                true => Vec::new(),
                false => vec![Message::plain(format!("[{rows}]"))],
            }
        }
    }
}

/// One instrument at a beat.
struct Figure<'a> {
    writer: Writer<'a>,
    book: &'a SyntheticMarket,
    millis: u64,
    beat: Beat,
    clock: Clock,
}

impl Figure<'_> {
    /// What a channel says of it. Streams of all markets leave out what did not change.
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others speak when something happens"
    )]
    fn row(&self, channel: Channel) -> Option<String> {
        let lively = self.book.bars().touched() + SECOND > self.millis;
        match channel {
            Channel::Kline(interval, start) => self.kline(interval, start),
            Channel::ContinuousKline(interval) => self.continuous(interval),
            Channel::IndexPriceKline(interval) => self.index_kline(interval),
            Channel::MarkPriceKline(interval) => self.mark_kline(interval),
            Channel::Ticker => Some(self.ticker(Interval::D1, DAY_TICKER)),
            Channel::AllTickers => lively.then(|| self.ticker(Interval::D1, DAY_TICKER)),
            Channel::WindowTicker(window) => self.window_ticker(window),
            Channel::AllWindowTickers(window) => {
                lively.then(|| self.window_ticker(window)).flatten()
            }
            Channel::MiniTicker => Some(self.mini_ticker()),
            Channel::AllMiniTickers => lively.then(|| self.mini_ticker()),
            Channel::AvgPrice => Some(self.average_price()),
            Channel::MarkPrice(_) | Channel::AllMarkPrices(_) => Some(self.mark_price()),
            Channel::IndexPrice(_) => Some(self.index_price()),
            Channel::AllBookTickers => {
                let top = self.book.book().top()?;
                Some(self.writer.top(self.book.update(), &top).payload)
            }
            _ => None,
        }
    }

    /// The candle that ended with this beat or since the last one, or else the one that is open.
    fn candle(&self, bars: &Bars, interval: Interval, start: DayStart) -> Option<(Bar, bool)> {
        let (open, closed) = bars.candle(interval, start)?;
        let just = closed.filter(|bar| self.beat.is_first_after(bar.until, self.clock));
        Some(just.map_or((open, false), |bar| (bar, true)))
    }

    fn kline(&self, interval: Interval, start: DayStart) -> Option<String> {
        let (bar, closed) = self.candle(self.book.bars(), interval, start)?;
        let (stamp, symbol) = (self.writer.stamp, self.writer.symbol());
        let of = format!(r#""s":"{symbol}","#);
        let bar = self.traded(interval, &bar, closed, &of)?;
        Some(format!(
            r#"{{"e":"kline","E":{stamp},"s":"{symbol}","k":{bar}}}"#
        ))
    }

    fn continuous(&self, interval: Interval) -> Option<String> {
        let (bar, closed) = self.candle(self.book.bars(), interval, DayStart::Utc)?;
        let (stamp, pair) = (self.writer.stamp, self.book.instrument().pair());
        let bar = self.traded(interval, &bar, closed, "")?;
        Some(format!(
            r#"{{"e":"continuous_kline","E":{stamp},"ps":"{pair}","ct":"PERPETUAL","k":{bar}}}"#
        ))
    }

    fn index_kline(&self, interval: Interval) -> Option<String> {
        let bars = self.book.figures().indexes();
        self.price_kline("indexPrice_kline", "0", bars, interval)
    }

    fn mark_kline(&self, interval: Interval) -> Option<String> {
        let bars = self.book.figures().marks();
        self.price_kline("markPrice_kline", self.writer.symbol(), bars, interval)
    }

    /// A candle of what is not traded: no volumes, and no numbers of trades.
    fn price_kline(
        &self,
        kind: &str,
        symbol: &str,
        bars: &Bars,
        interval: Interval,
    ) -> Option<String> {
        let (bar, closed) = self.candle(bars, interval, DayStart::Utc)?;
        let name = interval.name(Venue::Binance)?;
        let (from, until) = self.span(&bar);
        let [open, close, high, low] = [bar.open, bar.close, bar.high, bar.low].map(precise);
        let (stamp, pair, count) = (self.writer.stamp, self.book.instrument().pair(), bar.trades);
        Some(format!(
            r#"{{"e":"{kind}","E":{stamp},"ps":"{pair}","k":{{"t":{from},"T":{until},"s":"{symbol}","i":"{name}","f":{from},"L":{until},"o":"{open}","c":"{close}","h":"{high}","l":"{low}","v":"0","n":{count},"x":{closed},"q":"0","V":"0","Q":"0","B":"0"}}}}"#
        ))
    }

    fn traded(&self, interval: Interval, bar: &Bar, closed: bool, of: &str) -> Option<String> {
        let name = interval.name(Venue::Binance)?;
        let (from, until) = self.span(bar);
        let [open, close, high, low] =
            [bar.open, bar.close, bar.high, bar.low].map(|price| self.writer.price(price));
        let [volume, bought] = [bar.volume, bar.bought].map(|part| self.writer.quantity(part));
        let [worth, bought_worth] =
            [bar.turnover, bar.bought_turnover].map(|part| self.turnover(part));
        let (first, last, count) = (bar.first_id(), bar.last_id(), bar.trades);
        Some(format!(
            r#"{{"t":{from},"T":{until},{of}"i":"{name}","f":{first},"L":{last},"o":"{open}","c":"{close}","h":"{high}","l":"{low}","v":"{volume}","n":{count},"x":{closed},"q":"{worth}","V":"{bought}","Q":"{bought_worth}","B":"0"}}"#
        ))
    }

    /// The first and the last moment of a candle.
    fn span(&self, bar: &Bar) -> (u64, u64) {
        let stamp = |millis| self.clock.stamp_of(millis);
        (stamp(bar.from), stamp(bar.until) - 1)
    }

    fn window_ticker(&self, window: Interval) -> Option<String> {
        let name = window.name(Venue::Binance)?;
        Some(self.ticker(window, &format!("{name}Ticker")))
    }

    fn ticker(&self, window: Interval, kind: &str) -> String {
        let bar = self.book.bars().window(minutes(window));
        let Writer { stamp, .. } = self.writer;
        let symbol = self.writer.symbol();
        let [open, high, low, last] =
            [bar.open, bar.high, bar.low, bar.close].map(|price| self.writer.price(price));
        let (change, percent) = self.change(&bar);
        let (average, volume, worth) = (
            self.average(&bar),
            self.writer.quantity(bar.volume),
            self.turnover(bar.turnover),
        );
        let more = match kind {
            DAY_TICKER => self.last_and_best(&bar),
            _ => String::new(),
        };
        let (from, until) = (self.clock.stamp_of(bar.from), stamp);
        let (first, last_id, count) = (bar.first_id(), bar.last_id(), bar.trades);
        let (pair, market) = (self.writer.pair(), self.writer.kind());
        format!(
            r#"{{"e":"{kind}","E":{stamp},"s":"{symbol}","p":"{change}","P":"{percent}","w":"{average}","c":"{last}","o":"{open}","h":"{high}","l":"{low}","v":"{volume}","q":"{worth}","O":{from},"C":{until},"F":{first},"L":{last_id},"n":{count}{more}{pair}{market}}}"#
        )
    }

    /// What the ticker of 24 hours says besides: the last quantity, and on spot the price before
    /// and the best of the book.
    fn last_and_best(&self, bar: &Bar) -> String {
        let last = self.writer.quantity(bar.last_quantity);
        let best = self.book.book().top();
        let (Market::BinanceSpot, Some(top)) = (self.book.market(), best) else {
            return format!(r#","Q":"{last}""#);
        };
        let before = self.writer.price(bar.open);
        let [bid, ask] = [top.bid, top.ask].map(|level| self.writer.price(level.price));
        let [bid_quantity, ask_quantity] =
            [top.bid, top.ask].map(|level| self.writer.quantity(level.resting.quantity));
        format!(
            r#","Q":"{last}","x":"{before}","b":"{bid}","B":"{bid_quantity}","a":"{ask}","A":"{ask_quantity}""#
        )
    }

    fn mini_ticker(&self) -> String {
        let bar = self.book.bars().window(DAY);
        let Writer { stamp, .. } = self.writer;
        let symbol = self.writer.symbol();
        let [open, high, low, last] =
            [bar.open, bar.high, bar.low, bar.close].map(|price| self.writer.price(price));
        let (volume, worth) = (
            self.writer.quantity(bar.volume),
            self.turnover(bar.turnover),
        );
        let (pair, market) = (self.writer.pair(), self.writer.kind());
        format!(
            r#"{{"e":"24hrMiniTicker","E":{stamp},"s":"{symbol}","c":"{last}","o":"{open}","h":"{high}","l":"{low}","v":"{volume}","q":"{worth}"{pair}{market}}}"#
        )
    }

    fn average_price(&self) -> String {
        let bars = self.book.bars();
        let Writer { stamp, .. } = self.writer;
        let symbol = self.writer.symbol();
        let (average, last) = (
            self.average(&bars.window(5)),
            self.clock.stamp_of(bars.touched()),
        );
        format!(
            r#"{{"e":"avgPrice","E":{stamp},"s":"{symbol}","i":"5m","w":"{average}","T":{last}}}"#
        )
    }

    fn mark_price(&self) -> String {
        let figures = self.book.figures();
        let Writer { stamp, .. } = self.writer;
        let symbol = self.writer.symbol();
        let [mark, average, index] =
            [figures.mark(), figures.average(), figures.index()].map(precise);
        let rate = Signed {
            units: figures.funding_rate(),
            scale: SCALE,
            style: Style::Padded(SCALE),
        };
        let (next, market) = (
            self.millis - self.millis % FUNDING + FUNDING,
            self.writer.kind(),
        );
        format!(
            r#"{{"e":"markPriceUpdate","E":{stamp},"s":"{symbol}","p":"{mark}","ap":"{average}","i":"{index}","P":"{index}","r":"{rate}","T":{next}{market}}}"#
        )
    }

    fn index_price(&self) -> String {
        let (stamp, pair) = (self.writer.stamp, self.book.instrument().pair());
        let index = precise(self.book.figures().index());
        format!(r#"{{"e":"indexPriceUpdate","E":{stamp},"s":"{pair}","p":"{index}"}}"#)
    }

    /// The change of the price since the window began, and how many percent that is.
    fn change(&self, bar: &Bar) -> (Signed, Signed) {
        let signed = |price: u64| i64::try_from(price).unwrap_or(i64::MAX);
        let units = signed(bar.close).saturating_sub(signed(bar.open));
        let price = self.writer.price(0);
        let change = Signed {
            units,
            scale: price.scale,
            style: price.style,
        };
        let percent = Signed {
            units: units.saturating_mul(100_000) / signed(bar.open).max(1),
            scale: 3,
            style: Style::Padded(3),
        };
        (change, percent)
    }

    /// The average price by volume: what was paid for what.
    fn average(&self, bar: &Bar) -> Printed {
        let instrument = self.book.instrument();
        let (paid, paid_scale, bought, bought_scale) = match instrument.contract() {
            Some(contract) if contract.inverse => (
                u128::from(bar.volume) * u128::from(contract.value),
                instrument.quantity_scale() + contract.scale,
                bar.turnover,
                instrument.turnover_scale(),
            ),
            Some(_) | None => (
                u128::from(bar.turnover),
                instrument.turnover_scale(),
                bar.volume,
                instrument.quantity_scale(),
            ),
        };
        if bought == 0 {
            return self.writer.price(bar.close);
        }
        let up = 10u128.pow(u32::from(SCALE + bought_scale));
        let down = u128::from(bought) * 10u128.pow(u32::from(paid_scale));
        precise(u64::try_from(paid.saturating_mul(up) / down).unwrap_or(u64::MAX))
    }

    fn turnover(&self, units: u64) -> Printed {
        let scale = self.book.instrument().turnover_scale();
        printed(self.book.market(), units, scale)
    }
}

/// A price with all its decimals.
const fn precise(units: u64) -> Printed {
    Printed {
        units,
        scale: SCALE,
        style: Style::Padded(SCALE),
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "windows are of an hour, four, or a day"
)]
const fn minutes(window: Interval) -> u64 {
    match window {
        Interval::H1 => 60,
        Interval::H4 => 240,
        _ => DAY,
    }
}
