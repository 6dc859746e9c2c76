//! Candles, prices, rates and whatever else is told in figures, row by row.

use super::{Head, Told};
use crate::market::{
    Candle, Channel, Counted, Decimal, Funding as Rate, IndexPrice, Liquidation, MarkPrice as Mark,
    OpenInterest as Interest, PriceLimit as Limit, Ratio, Side, Wide,
};
use crate::time::UnixNanos;
use crate::venue::decode::Problem;
use crate::venue::found::{Figures, Found, Row};
use crate::venue::json::{
    Blank, Fail, Ignored, Later, Pools, Quoted, Reader, Scan, Source, Span, Stamp, Value, record,
    tuple,
};

tuple! {
    /// A row of `candle<bar>`; the last two came in 2022.
    TradeCandle {
        "ts" open_time: Quoted<Stamp>,
        "o" open: Decimal,
        "h" high: Decimal,
        "l" low: Decimal,
        "c" close: Decimal,
        "vol" volume: Option<Blank<Wide>>,
        "volCcy" volume_currency: Option<Blank<Wide>>,
        "volCcyQuote" volume_quote: Option<Blank<Wide>>,
        "confirm" closed: Option<Flag>,
    }
}

tuple! {
    /// A row of `mark-price-candle<bar>` and `index-candle<bar>`; the last came in 2022.
    PriceCandle {
        "ts" open_time: Quoted<Stamp>,
        "o" open: Decimal,
        "h" high: Decimal,
        "l" low: Decimal,
        "c" close: Decimal,
        "confirm" closed: Option<Flag>,
    }
}

tuple! {
    /// A row of a long/short ratio, over REST.
    RatioRow {
        "ts" computed: Quoted<Stamp>,
        "ratio" ratio: Decimal,
    }
}

record! {
    /// A row of `mark-price`.
    MarkPrice {
        "instId" instrument: Span,
        "instType" _type: Option<Ignored>,
        "markPx" mark: Decimal,
        "ts" computed: Quoted<Stamp>,
    }
}

record! {
    /// A row of `index-tickers`.
    IndexTicker {
        "instId" index: Span,
        "idxPx" price: Decimal,
        "open24h" open_24h: Blank<Decimal>,
        "high24h" high_24h: Blank<Decimal>,
        "low24h" low_24h: Blank<Decimal>,
        "sodUtc0" open_utc0: Blank<Decimal>,
        "sodUtc8" open_utc8: Blank<Decimal>,
        "ts" computed: Quoted<Stamp>,
    }
}

record! {
    /// A row of `funding-rate`. In 2022 it had little more than the rates and their instrument.
    Funding {
        "formulaType" _formula: Option<Ignored>,
        "fundingRate" rate: Wide,
        "fundingTime" time: Blank<Quoted<Stamp>>,
        "impactValue" impact_value: Option<Blank<Wide>>,
        "instId" instrument: Span,
        "instType" _type: Option<Ignored>,
        "interestRate" interest_rate: Option<Blank<Wide>>,
        "maxFundingRate" max_rate: Option<Blank<Wide>>,
        "method" _method: Option<Ignored>,
        "minFundingRate" min_rate: Option<Blank<Wide>>,
        "nextFundingRate" next_rate: Option<Blank<Wide>>,
        "nextFundingTime" next_time: Option<Blank<Quoted<Stamp>>>,
        "premium" premium: Option<Blank<Wide>>,
        "prevFundingTime" _previous: Option<Ignored>,
        "settFundingRate" settled_rate: Option<Blank<Wide>>,
        "settState" settled: Option<Settlement>,
        "ts" computed: Option<Quoted<Stamp>>,
    }
}

record! {
    /// A row of `price-limit`. Without limits in force, the prices are empty.
    PriceLimit {
        "buyLmt" highest_buy: Blank<Decimal>,
        "enabled" enabled: Option<bool>,
        "instId" instrument: Span,
        "instType" _type: Option<Ignored>,
        "sellLmt" lowest_sell: Blank<Decimal>,
        "ts" computed: Quoted<Stamp>,
    }
}

record! {
    /// A row of `open-interest`; in US dollars since 2025-03-26.
    OpenInterest {
        "instId" instrument: Span,
        "instType" _type: Option<Ignored>,
        "oi" quantity: Wide,
        "oiCcy" base: Option<Blank<Wide>>,
        "oiUsd" usd: Option<Blank<Wide>>,
        "ts" computed: Quoted<Stamp>,
    }
}

record! {
    /// A row of `liquidation-orders`: the liquidations of an instrument.
    Liquidations {
        "details" details: Later,
        "instFamily" _family: Option<Ignored>,
        "instId" instrument: Span,
        "instType" _type: Option<Ignored>,
        "uly" _underlying: Option<Ignored>,
    }
}

record! {
    /// One of them.
    Detail {
        "bkLoss" loss: Option<Blank<Wide>>,
        "bkPx" price: Decimal,
        "ccy" _currency: Option<Ignored>,
        "posSide" _position: Option<Ignored>,
        "side" side: Side,
        "sz" quantity: Decimal,
        "ts" liquidated: Quoted<Stamp>,
    }
}

/// `"0"` or `"1"`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flag(bool);

/// `settState`: whether the last settlement is over; `None` where the venue does not say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Settlement(Option<bool>);

impl Value for Flag {
    fn scan(scan: &mut Scan<'_>, _: &mut Pools) -> Option<Self> {
        if scan.literal(b"\"1\"").is_some() {
            return Some(Self(true));
        }
        scan.literal(b"\"0\"").map(|()| Self(false))
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        reader.one_of(pools, |word| match word {
            "1" => Some(Self(true)),
            "0" => Some(Self(false)),
            _ => None,
        })
    }
}

impl Value for Settlement {
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        let span = Span::scan(scan, pools)?;
        Some(Self(settlement(scan.text_at(span))))
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        reader.one_of(pools, |word| Some(Self(settlement(word))))
    }
}

fn settlement(word: &str) -> Option<bool> {
    match word {
        "settled" => Some(true),
        "processing" => Some(false),
        _ => None,
    }
}

impl Told for TradeCandle {
    fn row(self, head: Head, _: &str, found: &mut Found) -> Result<Row, Problem> {
        let prices = [self.open, self.high, self.low, self.close];
        let candle = Candle {
            volume: given(self.volume),
            volume_currency: given(self.volume_currency),
            volume_quote: given(self.volume_quote),
            ..bare(head, self.open_time, prices, self.closed)?
        };
        let instrument = head.instrument.ok_or(Problem::Missing)?;
        Ok(row(instrument, None, Figures::Candle(candle), found))
    }
}

impl Told for PriceCandle {
    fn row(self, head: Head, _: &str, found: &mut Found) -> Result<Row, Problem> {
        let prices = [self.open, self.high, self.low, self.close];
        let candle = bare(head, self.open_time, prices, self.closed)?;
        let instrument = head.instrument.ok_or(Problem::Missing)?;
        Ok(row(instrument, None, Figures::Candle(candle), found))
    }
}

/// A candle without volumes.
fn bare(
    head: Head,
    open_time: Quoted<Stamp>,
    [open, high, low, close]: [Decimal; 4],
    closed: Option<Flag>,
) -> Result<Candle, Problem> {
    let (Channel::Candle(interval, _)
    | Channel::MarkPriceCandle(interval, _)
    | Channel::IndexCandle(interval, _)) = head.channel
    else {
        return Err(Problem::Value);
    };
    Ok(Candle {
        interval,
        open_time: open_time.0.0,
        close_time: None,
        open,
        high,
        low,
        close,
        volume: None,
        volume_currency: None,
        volume_quote: None,
        taker_buy_volume: None,
        taker_buy_volume_currency: None,
        trades: None,
        first_id: None,
        last_id: None,
        closed: closed.map(|flag| flag.0),
    })
}

impl Told for RatioRow {
    fn row(self, head: Head, _: &str, found: &mut Found) -> Result<Row, Problem> {
        let of = if head.channel == Channel::OkxTopAccountRatio {
            Counted::TopAccounts
        } else if head.channel == Channel::OkxTopPositionRatio {
            Counted::TopPositions
        } else {
            Counted::Accounts
        };
        let ratio = Ratio {
            of,
            ratio: self.ratio,
            long: None,
            short: None,
        };
        let instrument = head.instrument.ok_or(Problem::Missing)?;
        let time = Some(self.computed.0.0);
        Ok(row(instrument, time, Figures::Ratio(ratio), found))
    }
}

impl Told for MarkPrice {
    fn row(self, _: Head, _: &str, found: &mut Found) -> Result<Row, Problem> {
        let price = Mark {
            mark: self.mark,
            average: None,
            index: None,
            settlement: None,
        };
        let time = Some(self.computed.0.0);
        Ok(row(self.instrument, time, Figures::MarkPrice(price), found))
    }
}

impl Told for IndexTicker {
    fn row(self, _: Head, _: &str, found: &mut Found) -> Result<Row, Problem> {
        let price = IndexPrice {
            price: self.price,
            open_24h: self.open_24h.0,
            high_24h: self.high_24h.0,
            low_24h: self.low_24h.0,
            open_utc0: self.open_utc0.0,
            open_utc8: self.open_utc8.0,
        };
        let time = Some(self.computed.0.0);
        Ok(row(self.index, time, Figures::IndexPrice(price), found))
    }
}

impl Told for Funding {
    fn row(self, _: Head, _: &str, found: &mut Found) -> Result<Row, Problem> {
        let funding = Rate {
            rate: self.rate,
            time: self.time.0.map(|time| time.0.0),
            next_time: given(self.next_time).map(|time| time.0.0),
            next_rate: given(self.next_rate),
            min_rate: given(self.min_rate),
            max_rate: given(self.max_rate),
            interest_rate: given(self.interest_rate),
            premium: given(self.premium),
            impact_value: given(self.impact_value),
            settled_rate: given(self.settled_rate),
            settled: self.settled.and_then(|settlement| settlement.0),
        };
        let time = self.computed.map(|time| time.0.0);
        Ok(row(self.instrument, time, Figures::Funding(funding), found))
    }
}

impl Told for PriceLimit {
    fn row(self, _: Head, _: &str, found: &mut Found) -> Result<Row, Problem> {
        let limit = Limit {
            highest_buy: self.highest_buy.0,
            lowest_sell: self.lowest_sell.0,
            enabled: self.enabled,
        };
        let time = Some(self.computed.0.0);
        Ok(row(
            self.instrument,
            time,
            Figures::PriceLimit(limit),
            found,
        ))
    }
}

impl Told for OpenInterest {
    fn row(self, _: Head, _: &str, found: &mut Found) -> Result<Row, Problem> {
        let interest = Interest {
            quantity: self.quantity,
            base: given(self.base),
            usd: given(self.usd),
        };
        let figures = Figures::OpenInterest(interest);
        let time = Some(self.computed.0.0);
        Ok(row(self.instrument, time, figures, found))
    }
}

/// Reads a row of `liquidation-orders`, which is an event for each of its details.
pub(super) fn liquidations<S: Source>(source: &mut S, found: &mut Found) -> Result<(), S::Error> {
    let of: Liquidations = source.value(&mut found.pools)?;
    source.at(of.details).each("details", |source| {
        let detail: Detail = source.value(&mut found.pools)?;
        let row = detail.row(of.instrument, found);
        found
            .push(row)
            .ok_or_else(|| source.refuse(Problem::TooMany))
    })
}

impl Detail {
    fn row(self, instrument: Span, found: &mut Found) -> Row {
        let liquidation = Liquidation {
            side: self.side,
            price: self.price,
            average_price: None,
            quantity: self.quantity,
            last_filled: None,
            filled: None,
            loss: given(self.loss),
        };
        let time = Some(self.liquidated.0.0);
        row(instrument, time, Figures::Liquidation(liquidation), found)
    }
}

fn row(instrument: Span, time: Option<UnixNanos>, figures: Figures, found: &mut Found) -> Row {
    Row {
        instrument,
        exchange_time: time,
        sent_time: None,
        body: found.push_figures(figures),
    }
}

/// What is neither absent nor empty.
pub(super) fn given<T>(value: Option<Blank<T>>) -> Option<T> {
    value.and_then(|value| value.0)
}
