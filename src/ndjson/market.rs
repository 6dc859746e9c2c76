//! Lines of market data.

use marketprism_core::UnixNanos;
use marketprism_core::market::{
    Body, Book, BookKind, Channel, Decimal, Event, Level, Listed, Trade,
};
use serde::Serialize;
use serde::ser::{SerializeTuple, Serializer};

use super::figures::Figures;
use super::worth::Worth;
use super::{Origin, Text, write_line};

/// Appends a market event: a line of the kind of its body, with what is known of its instrument.
pub(crate) fn write_market(
    out: &mut Vec<u8>,
    origin: Origin<'_>,
    event: &Event<'_>,
    place: Place,
    listed: Option<&Listed>,
) {
    let head = Head {
        origin,
        event,
        place,
        listed,
    };
    match event.body {
        Body::Trade(trade) => head.write(out, "trade", trade_line(&trade)),
        Body::Book(book) => head.write(out, "book", book_line(&book)),
        Body::Candle(candle) => head.write(out, "candle", Figures(candle)),
        Body::Ticker(ticker) => head.write(out, "ticker", Figures(ticker)),
        Body::MarkPrice(price) => head.write(out, "mark_price", Figures(price)),
        Body::IndexPrice(price) => head.write(out, "index_price", Figures(price)),
        Body::Funding(funding) => head.write(out, "funding", Figures(funding)),
        Body::PriceLimit(limit) => head.write(out, "price_limit", Figures(limit)),
        Body::OpenInterest(interest) => head.write(out, "open_interest", Figures(interest)),
        Body::Liquidation(liquidation) => head.write(out, "liquidation", Figures(liquidation)),
        Body::Ratio(ratio) => head.write(out, "ratio", Figures(ratio)),
        Body::Instrument(instrument) => head.write(out, "instrument", Figures(instrument)),
        Body::Order(order) => head.write(out, "order", Figures(&order)),
        Body::Fill(fill) => head.write(out, "fill", Figures(&fill)),
        Body::Balance(balance) => head.write(out, "balance", Figures(&balance)),
        Body::Position(position) => head.write(out, "position", Figures(&position)),
    }
}

/// What the lines of all kinds have in common.
#[derive(Clone, Copy)]
pub(super) struct Head<'a> {
    pub(super) origin: Origin<'a>,
    pub(super) event: &'a Event<'a>,
    pub(super) place: Place,
    pub(super) listed: Option<&'a Listed>,
}

impl Head<'_> {
    pub(super) fn write(self, out: &mut Vec<u8>, kind: &'static str, body: impl Serialize) {
        write_line(out, &Line::new(kind, self, body));
    }
}

/// Where an event stands in its stream; says nothing where it follows the one before it.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Place {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) disorder: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reached: Option<i64>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    pub(crate) backfilled: bool,
}

#[derive(Serialize)]
struct Line<'a, B> {
    kind: &'static str,
    #[serde(flatten)]
    origin: Origin<'a>,
    venue: &'static str,
    market: &'static str,
    instrument: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    symbol: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    subject: Option<&'a str>,
    channel: Text<Channel>,
    #[serde(skip_serializing_if = "Option::is_none")]
    exchange_ns: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    sent_ns: Option<u64>,
    #[serde(flatten)]
    body: B,
    #[serde(flatten)]
    worth: Worth<'a>,
    #[serde(flatten)]
    place: Place,
}

impl<'a, B> Line<'a, B> {
    fn new(kind: &'static str, head: Head<'a>, body: B) -> Self {
        let Head {
            origin,
            event,
            place,
            listed,
        } = head;
        Self {
            kind,
            origin,
            venue: event.market.venue().name(),
            market: event.market.name(),
            instrument: event.instrument,
            symbol: listed.and_then(Listed::symbol),
            subject: Some(event.subject).filter(|subject| *subject != event.instrument),
            channel: Text(event.channel),
            exchange_ns: event.exchange_time.map(UnixNanos::as_nanos),
            sent_ns: event.sent_time.map(UnixNanos::as_nanos),
            body,
            worth: Worth::of(event, listed),
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
pub(super) struct Levels<'a>(pub(super) &'a [Level]);

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
