//! Lines of market data.

use marketprism_core::UnixNanos;
use marketprism_core::market::{
    Body, Book, BookKind, Channel, Decimal, Event, Level, Ticker, Trade, Wide,
};
use serde::Serialize;
use serde::ser::{SerializeTuple, Serializer};

use super::{Origin, Text, write_line};

/// Appends a market event: a line of the kind `trade`, `book` or `ticker`.
pub(crate) fn write_market(out: &mut Vec<u8>, origin: Origin<'_>, event: &Event<'_>, place: Place) {
    match &event.body {
        Body::Trade(trade) => {
            write_line(
                out,
                &Line::new("trade", origin, event, trade_line(trade), place),
            );
        }
        Body::Book(book) => {
            write_line(
                out,
                &Line::new("book", origin, event, book_line(book), place),
            );
        }
        Body::Ticker(ticker) => {
            write_line(
                out,
                &Line::new("ticker", origin, event, ticker_line(ticker), place),
            );
        }
    }
}

/// Where an event stands in its stream; says nothing where it follows the one before it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disorder: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reached: Option<i64>,
}

#[derive(Serialize)]
struct Line<'a, B> {
    kind: &'static str,
    #[serde(flatten)]
    origin: Origin<'a>,
    venue: &'static str,
    market: &'static str,
    instrument: &'a str,
    channel: Text<Channel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_ns: Option<u64>,
    #[serde(flatten)]
    body: B,
    #[serde(flatten)]
    place: Place,
}

impl<'a, B> Line<'a, B> {
    fn new(
        kind: &'static str,
        origin: Origin<'a>,
        event: &Event<'a>,
        body: B,
        place: Place,
    ) -> Self {
        Self {
            kind,
            origin,
            venue: event.market.venue().name(),
            market: event.market.name(),
            instrument: event.instrument,
            channel: Text(event.channel),
            exchange_ns: event.exchange_time.map(UnixNanos::as_nanos),
            sent_ns: event.sent_time.map(UnixNanos::as_nanos),
            body,
            place,
        }
    }
}

#[derive(Serialize)]
struct TradeLine<'a> {
    id: i64,
    #[serde(skip_serializing_if = "Option::is_none")]
    first_id: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_id: Option<i64>,
    price: Text<Decimal>,
    quantity: Text<Decimal>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quantity_without_rpi: Option<Text<Decimal>>,
    aggressor: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    execution: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    source: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sequence: Option<i64>,
}

fn trade_line<'a>(trade: &Trade<'a>) -> TradeLine<'a> {
    TradeLine {
        id: trade.id,
        first_id: trade.first_id,
        last_id: trade.last_id,
        price: Text(trade.price),
        quantity: Text(trade.quantity),
        quantity_without_rpi: trade.quantity_without_rpi.map(Text),
        aggressor: trade.aggressor.name(),
        execution: trade.execution,
        source: trade.source,
        sequence: trade.sequence,
    }
}

#[derive(Serialize)]
struct BookLine<'a> {
    book: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    depth: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    first: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    previous: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<i32>,
    bids: Levels<'a>,
    asks: Levels<'a>,
}

fn book_line<'a>(book: &Book<'a>) -> BookLine<'a> {
    BookLine {
        book: book.kind.name(),
        depth: match book.kind {
            BookKind::Top(depth) => Some(depth),
            BookKind::Snapshot | BookKind::Delta => None,
        },
        first: book.first,
        last: book.last,
        previous: book.previous,
        checksum: book.checksum,
        bids: Levels(book.bids),
        asks: Levels(book.asks),
    }
}

/// `[[price, quantity], …]`, with the number of orders as a third member where it is known.
struct Levels<'a>(&'a [Level]);

impl Serialize for Levels<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(LevelLine))
    }
}

struct LevelLine<'a>(&'a Level);

impl Serialize for LevelLine<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let Level {
            price,
            quantity,
            orders,
        } = self.0;
        let mut tuple = serializer.serialize_tuple(2 + usize::from(orders.is_some()))?;
        tuple.serialize_element(&Text(price))?;
        tuple.serialize_element(&Text(quantity))?;
        if let Some(orders) = orders {
            tuple.serialize_element(orders)?;
        }
        tuple.end()
    }
}

#[derive(Serialize)]
struct TickerLine {
    instrument_type: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<Text<Decimal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    last_quantity: Option<Text<Decimal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask_price: Option<Text<Decimal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ask_quantity: Option<Text<Decimal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bid_price: Option<Text<Decimal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    bid_quantity: Option<Text<Decimal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_24h: Option<Text<Decimal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    high_24h: Option<Text<Decimal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    low_24h: Option<Text<Decimal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_utc0: Option<Text<Decimal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    open_utc8: Option<Text<Decimal>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_24h: Option<Text<Wide>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    volume_currency_24h: Option<Text<Wide>>,
}

fn ticker_line(ticker: &Ticker) -> TickerLine {
    TickerLine {
        instrument_type: ticker.instrument_type.name(),
        last: ticker.last.map(Text),
        last_quantity: ticker.last_quantity.map(Text),
        ask_price: ticker.ask_price.map(Text),
        ask_quantity: ticker.ask_quantity.map(Text),
        bid_price: ticker.bid_price.map(Text),
        bid_quantity: ticker.bid_quantity.map(Text),
        open_24h: ticker.open_24h.map(Text),
        high_24h: ticker.high_24h.map(Text),
        low_24h: ticker.low_24h.map(Text),
        open_utc0: ticker.open_utc0.map(Text),
        open_utc8: ticker.open_utc8.map(Text),
        volume_24h: ticker.volume_24h.map(Text),
        volume_currency_24h: ticker.volume_currency_24h.map(Text),
    }
}
