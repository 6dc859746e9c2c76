//! What is told in figures: candles, tickers, mark and index prices.
//!
//! Sources: "WebSocket Streams for Binance" (spot), "Websocket Market Streams" (USD-M and
//! COIN-M).

use super::message::words;
use super::stream::{window_of_event, with_interval};
use crate::market::{
    Candle, Channel, Decimal, Funding, IndexPrice, Interval, MarkPrice, Side, Ticker, Venue, Wide,
};
use crate::time::UnixNanos;
use crate::venue::decode::Problem;
use crate::venue::found::{Figures, Found, Row};
use crate::venue::json::{Blank, Ignored, Is, Span, Stamp, Value, named, record};

words! {
    KlineEvent "kline",
    ContinuousKlineEvent "continuous_kline",
    IndexPriceKlineEvent "indexPrice_kline",
    MarkPriceKlineEvent "markPrice_kline",
    TickerEvent "24hrTicker",
    MiniTickerEvent "24hrMiniTicker",
    AvgPriceEvent "avgPrice",
    MarkPriceEvent "markPriceUpdate",
    IndexPriceEvent "indexPriceUpdate",
}

/// A message of a kind that comes alone or in an array.
pub(super) trait Told: Value {
    /// Of which futures market it is, where that is told (`st`).
    fn symbol_type(&self) -> Option<i64> {
        None
    }

    /// Adds what it says, and says of which channel it is, for a message of `channel`.
    fn tell(self, text: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem>;
}

/// An interval in Binance's words.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Bar(Interval);

/// `"e":"1hTicker"`, by its window.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WindowEvent(Interval);

/// A side in capitals.
#[derive(Clone, Copy, Debug)]
pub(crate) struct CapitalSide(pub(super) Side);

named!(Bar, |word| Interval::named(Venue::Binance, word));
named!(WindowEvent, window_of_event);
named!(CapitalSide, side);

fn side(word: &str) -> Option<Side> {
    match word {
        "BUY" => Some(Side::Buy),
        "SELL" => Some(Side::Sell),
        _ => None,
    }
}

record! {
    /// `"k"` of every kind of candle.
    Kline {
        "t" open_time: Stamp,
        "T" close_time: Stamp,
        "s" symbol: Option<Span>,
        "i" interval: Bar,
        "f" first_id: i64,
        "L" last_id: i64,
        "o" open: Decimal,
        "c" close: Decimal,
        "h" high: Decimal,
        "l" low: Decimal,
        "v" volume: Wide,
        "n" trades: i64,
        "x" closed: bool,
        "q" volume_currency: Wide,
        "V" taker_buy_volume: Wide,
        "Q" taker_buy_volume_currency: Wide,
        "B" _ignore: Option<Ignored>,
    }
}

record! {
    /// `<symbol>@kline_<interval>`
    SymbolKline {
        "e" _event: Is<KlineEvent>,
        "E" sent: Stamp,
        "s" symbol: Span,
        "k" kline: Kline,
    }
}

record! {
    /// `<pair>_<contractType>@continuousKline_<interval>`
    ContinuousKline {
        "e" _event: Is<ContinuousKlineEvent>,
        "E" sent: Stamp,
        "ps" pair: Span,
        "ct" contract: Span,
        "k" kline: Kline,
    }
}

record! {
    /// `<pair>@indexPriceKline_<interval>`
    IndexPriceKline {
        "e" _event: Is<IndexPriceKlineEvent>,
        "E" sent: Stamp,
        "ps" pair: Span,
        "k" kline: Kline,
    }
}

record! {
    /// `<symbol>@markPriceKline_<interval>`
    MarkPriceKline {
        "e" _event: Is<MarkPriceKlineEvent>,
        "E" sent: Stamp,
        "ps" _pair: Option<Span>,
        "k" kline: Kline,
    }
}

record! {
    /// `<symbol>@ticker`; spot alone has the best bid and ask and the price before
    FullTicker {
        "e" _event: Is<TickerEvent>,
        "E" sent: Stamp,
        "s" symbol: Span,
        "ps" _pair: Option<Span>,
        "p" change: Blank<Decimal>,
        "P" change_percent: Blank<Decimal>,
        "w" average: Blank<Decimal>,
        "x" before: Option<Blank<Decimal>>,
        "c" last: Blank<Decimal>,
        "Q" last_quantity: Blank<Decimal>,
        "b" bid_price: Option<Blank<Decimal>>,
        "B" bid_quantity: Option<Blank<Decimal>>,
        "a" ask_price: Option<Blank<Decimal>>,
        "A" ask_quantity: Option<Blank<Decimal>>,
        "o" open: Blank<Decimal>,
        "h" high: Blank<Decimal>,
        "l" low: Blank<Decimal>,
        "v" volume: Blank<Wide>,
        "q" volume_currency: Blank<Wide>,
        "O" open_time: Stamp,
        "C" close_time: Stamp,
        "F" first_id: i64,
        "L" last_id: i64,
        "n" trades: i64,
        "st" symbol_type: Option<i64>,
    }
}

record! {
    /// `<symbol>@ticker_<window>`
    WindowTicker {
        "e" window: WindowEvent,
        "E" sent: Stamp,
        "s" symbol: Span,
        "p" change: Blank<Decimal>,
        "P" change_percent: Blank<Decimal>,
        "o" open: Blank<Decimal>,
        "h" high: Blank<Decimal>,
        "l" low: Blank<Decimal>,
        "c" last: Blank<Decimal>,
        "w" average: Blank<Decimal>,
        "v" volume: Blank<Wide>,
        "q" volume_currency: Blank<Wide>,
        "O" open_time: Stamp,
        "C" close_time: Stamp,
        "F" first_id: i64,
        "L" last_id: i64,
        "n" trades: i64,
    }
}

record! {
    /// `<symbol>@miniTicker`
    MiniTicker {
        "e" _event: Is<MiniTickerEvent>,
        "E" sent: Stamp,
        "s" symbol: Span,
        "ps" _pair: Option<Span>,
        "c" last: Blank<Decimal>,
        "o" open: Blank<Decimal>,
        "h" high: Blank<Decimal>,
        "l" low: Blank<Decimal>,
        "v" volume: Blank<Wide>,
        "q" volume_currency: Blank<Wide>,
        "st" symbol_type: Option<i64>,
    }
}

record! {
    /// `<symbol>@avgPrice`
    AvgPrice {
        "e" _event: Is<AvgPriceEvent>,
        "E" sent: Stamp,
        "s" symbol: Span,
        "i" window: Bar,
        "w" average: Decimal,
        "T" traded: Stamp,
    }
}

record! {
    /// `<symbol>@markPrice`; a contract that expires has no funding
    MarkPriceUpdate {
        "e" _event: Is<MarkPriceEvent>,
        "E" sent: Stamp,
        "s" symbol: Span,
        "p" mark: Decimal,
        "ap" average: Option<Blank<Decimal>>,
        "P" settlement: Option<Blank<Decimal>>,
        "i" index: Option<Blank<Decimal>>,
        "r" rate: Option<Blank<Wide>>,
        "T" time: Option<Stamp>,
        "st" symbol_type: Option<i64>,
    }
}

record! {
    /// `<pair>@indexPrice`; the pair stands under `i`, and since 2026-06-30 under `s`
    IndexPriceUpdate {
        "e" _event: Is<IndexPriceEvent>,
        "E" sent: Stamp,
        "i" index: Option<Span>,
        "s" symbol: Option<Span>,
        "p" price: Decimal,
    }
}

impl Told for SymbolKline {
    fn tell(self, _: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem> {
        self.kline.tell(self.symbol, self.sent, channel, found)
    }
}

impl Told for ContinuousKline {
    fn tell(self, text: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem> {
        let contract = found.pools.keep_joined(text, self.pair, "_", self.contract);
        self.kline.tell(contract, self.sent, channel, found)
    }
}

impl Told for IndexPriceKline {
    fn tell(self, _: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem> {
        self.kline.tell(self.pair, self.sent, channel, found)
    }
}

impl Told for MarkPriceKline {
    fn tell(self, _: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem> {
        let symbol = self.kline.symbol.ok_or(Problem::Missing)?;
        self.kline.tell(symbol, self.sent, channel, found)
    }
}

impl Kline {
    fn tell(
        self,
        instrument: Span,
        sent: Stamp,
        channel: Channel,
        found: &mut Found,
    ) -> Result<Channel, Problem> {
        let interval = self.interval.0;
        let candle = Candle {
            interval,
            open_time: self.open_time.0,
            close_time: Some(self.close_time.0),
            open: self.open,
            high: self.high,
            low: self.low,
            close: self.close,
            volume: Some(self.volume),
            volume_currency: Some(self.volume_currency),
            volume_quote: None,
            taker_buy_volume: Some(self.taker_buy_volume),
            taker_buy_volume_currency: Some(self.taker_buy_volume_currency),
            trades: Some(self.trades),
            first_id: Some(self.first_id),
            last_id: Some(self.last_id),
            closed: Some(self.closed),
        };
        let channel = with_interval(channel, interval);
        said(found, instrument, sent, Figures::Candle(candle)).map(|()| channel)
    }
}

impl Told for FullTicker {
    fn symbol_type(&self) -> Option<i64> {
        self.symbol_type
    }

    fn tell(self, _: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem> {
        let ticker = Ticker {
            last: self.last.0,
            last_quantity: self.last_quantity.0,
            ask_price: given(self.ask_price),
            ask_quantity: given(self.ask_quantity),
            bid_price: given(self.bid_price),
            bid_quantity: given(self.bid_quantity),
            open: self.open.0,
            high: self.high.0,
            low: self.low.0,
            before: given(self.before),
            change: self.change.0,
            change_percent: self.change_percent.0,
            average: self.average.0,
            volume: self.volume.0,
            volume_currency: self.volume_currency.0,
            open_time: Some(self.open_time.0),
            close_time: Some(self.close_time.0),
            first_id: Some(self.first_id),
            last_id: Some(self.last_id),
            trades: Some(self.trades),
            ..Ticker::empty(Interval::D1)
        };
        said(found, self.symbol, self.sent, Figures::Ticker(ticker)).map(|()| channel)
    }
}

impl Told for WindowTicker {
    fn tell(self, _: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem> {
        let ticker = Ticker {
            last: self.last.0,
            open: self.open.0,
            high: self.high.0,
            low: self.low.0,
            change: self.change.0,
            change_percent: self.change_percent.0,
            average: self.average.0,
            volume: self.volume.0,
            volume_currency: self.volume_currency.0,
            open_time: Some(self.open_time.0),
            close_time: Some(self.close_time.0),
            first_id: Some(self.first_id),
            last_id: Some(self.last_id),
            trades: Some(self.trades),
            ..Ticker::empty(self.window.0)
        };
        said(found, self.symbol, self.sent, Figures::Ticker(ticker)).map(|()| channel)
    }
}

impl Told for MiniTicker {
    fn symbol_type(&self) -> Option<i64> {
        self.symbol_type
    }

    fn tell(self, _: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem> {
        let ticker = Ticker {
            last: self.last.0,
            open: self.open.0,
            high: self.high.0,
            low: self.low.0,
            volume: self.volume.0,
            volume_currency: self.volume_currency.0,
            ..Ticker::empty(Interval::D1)
        };
        said(found, self.symbol, self.sent, Figures::Ticker(ticker)).map(|()| channel)
    }
}

impl Told for AvgPrice {
    fn tell(self, _: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem> {
        let ticker = Ticker {
            average: Some(self.average),
            close_time: Some(self.traded.0),
            ..Ticker::empty(self.window.0)
        };
        said(found, self.symbol, self.sent, Figures::Ticker(ticker)).map(|()| channel)
    }
}

impl Told for MarkPriceUpdate {
    fn symbol_type(&self) -> Option<i64> {
        self.symbol_type
    }

    fn tell(self, _: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem> {
        let price = MarkPrice {
            mark: self.mark,
            average: given(self.average),
            index: given(self.index),
            settlement: given(self.settlement),
        };
        said(found, self.symbol, self.sent, Figures::MarkPrice(price))?;
        if let Some(rate) = given(self.rate) {
            let funding = funding(rate, self.time);
            said(found, self.symbol, self.sent, Figures::Funding(funding))?;
        }
        Ok(channel)
    }
}

/// A contract that expires has a time of 0.
fn funding(rate: Wide, time: Option<Stamp>) -> Funding {
    let time = time.map(|time| time.0);
    Funding {
        rate,
        time: time.filter(|time| *time != UnixNanos::from_nanos(0)),
        next_time: None,
        next_rate: None,
        min_rate: None,
        max_rate: None,
        interest_rate: None,
        premium: None,
        impact_value: None,
        settled_rate: None,
        settled: None,
    }
}

impl Told for IndexPriceUpdate {
    fn tell(self, _: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem> {
        let pair = self.index.or(self.symbol).ok_or(Problem::Missing)?;
        let price = IndexPrice {
            price: self.price,
            open_24h: None,
            high_24h: None,
            low_24h: None,
            open_utc0: None,
            open_utc8: None,
        };
        said(found, pair, self.sent, Figures::IndexPrice(price)).map(|()| channel)
    }
}

/// Adds figures that the venue has computed and sent.
pub(super) fn said(
    found: &mut Found,
    instrument: Span,
    sent: Stamp,
    figures: Figures,
) -> Result<(), Problem> {
    let body = found.push_figures(figures);
    let row = Row {
        instrument,
        exchange_time: None,
        sent_time: Some(sent.0),
        body,
    };
    found.push(row).ok_or(Problem::TooMany)
}

pub(super) fn given<T>(field: Option<Blank<T>>) -> Option<T> {
    field.and_then(|field| field.0)
}
