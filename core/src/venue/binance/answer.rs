//! Answers of REST: books, trades, open interest, ratios, instruments.
//!
//! Sources: "Market Data endpoints" (spot), "Order Book", "Recent Trades List", "Open Interest",
//! "Top Trader Long/Short Ratio" and their neighbours (USD-M and COIN-M).

use super::Dialect;
use super::instrument::read_symbol;
use super::message::{aggressor, fill};
use crate::market::{BookKind, Channel, Counted, Decimal, OpenInterest, Ratio, Trade, Wide};
use crate::venue::decode::{DecodeError, Decoded, Problem};
use crate::venue::found::{BookRow, ControlRow, Figures, Found, Row, RowBody, TradeRow};
use crate::venue::json::{
    Fail, Ignored, Kind, PairLevels, Reader, Scan, Source, Span, Stamp, Value, record,
};
use crate::venue::{Asked, Query};

record! {
    /// `depth`; spot gives no time
    Depth {
        "lastUpdateId" last: i64,
        "E" sent: Option<Stamp>,
        "T" changed: Option<Stamp>,
        "symbol" _symbol: Option<Span>,
        "pair" _pair: Option<Span>,
        "bids" bids: PairLevels,
        "asks" asks: PairLevels,
    }
}

record! {
    /// A row of `aggTrades`.
    AggTrade {
        "a" id: i64,
        "p" price: Decimal,
        "q" quantity: Decimal,
        "nq" quantity_without_rpi: Option<Decimal>,
        "f" first_id: i64,
        "l" last_id: i64,
        "T" traded: Stamp,
        "m" buyer_is_maker: bool,
        "M" _ignore: Option<Ignored>,
    }
}

record! {
    /// A row of `trades` and `historicalTrades`.
    Single {
        "id" id: i64,
        "price" price: Decimal,
        "qty" quantity: Decimal,
        "quoteQty" _quote: Option<Span>,
        "baseQty" _base: Option<Span>,
        "time" traded: Stamp,
        "isBuyerMaker" buyer_is_maker: bool,
        "isBestMatch" _ignore: Option<Ignored>,
    }
}

record! {
    /// `openInterest`
    Interest {
        "symbol" _symbol: Option<Span>,
        "pair" _pair: Option<Span>,
        "openInterest" quantity: Wide,
        "contractType" _kind: Option<Span>,
        "time" counted: Stamp,
    }
}

record! {
    /// A row of `topLongShortPositionRatio` and its neighbours. COIN-M calls positions so.
    LongShort {
        "symbol" _symbol: Option<Span>,
        "pair" _pair: Option<Span>,
        "longShortRatio" ratio: Decimal,
        "longAccount" long: Option<Decimal>,
        "longPosition" long_position: Option<Decimal>,
        "shortAccount" short: Option<Decimal>,
        "shortPosition" short_position: Option<Decimal>,
        "timestamp" counted: Stamp,
    }
}

/// Reads the answer to a query, or the refusal of it.
pub(in crate::venue) fn answer(
    dialect: Dialect,
    query: Query<'_>,
    text: &str,
    found: &mut Found,
) -> Result<Decoded, DecodeError> {
    let channel = query.asked.channel();
    let mut scan = Scan::new(text);
    let subject = subject(query, found);
    if body(&mut scan, query.asked, subject, found).is_ok() && scan.end().is_some() {
        return Ok(found.events(channel));
    }
    found.clear();
    let whole = whole(dialect, query, text, found);
    whole.or_else(|fail| match refusal(text, found) {
        Some(refused) => refused.map_err(Fail::at_large),
        None => Err(fail.of_channel(channel)),
    })
}

/// By the general reader.
fn whole(
    dialect: Dialect,
    query: Query<'_>,
    text: &str,
    found: &mut Found,
) -> Result<Decoded, Fail> {
    let mut reader = Reader::new(text);
    if query.asked.channel() == Channel::ExchangeInfo {
        // Whichever of them were asked for, they are of the market.
        let market = found.pools.keep("");
        found.set_subject(market);
        instruments(&mut reader, dialect, found)?;
    } else {
        let subject = subject(query, found);
        body(&mut reader, query.asked, subject, found)?;
    }
    reader.end()?;
    Ok(found.events(query.asked.channel()))
}

/// Keeps the name that was asked about: it is that of the stream, and not every answer repeats it.
fn subject(query: Query<'_>, found: &mut Found) -> Span {
    let subject = found.pools.keep(query.instrument);
    found.set_subject(subject);
    subject
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other channels are not asked for over REST"
)]
fn body<S: Source>(
    source: &mut S,
    asked: Asked,
    subject: Span,
    found: &mut Found,
) -> Result<(), S::Error> {
    match asked {
        Asked::Book(_) => {
            let depth: Depth = source.value(&mut found.pools)?;
            keep(source, found, depth.row(subject))
        }
        Asked::Trades { channel, from, to } => source.each("", |source| {
            let row = match channel {
                Channel::AggTrade => source.value::<AggTrade>(&mut found.pools)?.row(subject),
                _ => source.value::<Single>(&mut found.pools)?.row(subject),
            };
            // Venues count from a number on; what lies beyond the last one was not asked for.
            match row.body {
                RowBody::Trade(TradeRow { trade, .. }) if (from..=to).contains(&trade.id) => {
                    keep(source, found, row)
                }
                _ => Ok(()),
            }
        }),
        Asked::Poll(Channel::OpenInterest) => {
            let interest: Interest = source.value(&mut found.pools)?;
            let row = interest.row(subject, found);
            keep(source, found, row)
        }
        Asked::Poll(channel) => {
            let of = counted(channel).ok_or_else(|| source.refuse(Problem::Value))?;
            source.each("", |source| {
                let ratio: LongShort = source.value(&mut found.pools)?;
                let row = ratio.row(of, subject, found);
                keep(source, found, row)
            })
        }
    }
}

fn keep<S: Source>(source: &S, found: &mut Found, row: Row) -> Result<(), S::Error> {
    found
        .push(row)
        .ok_or_else(|| source.refuse(Problem::TooMany))
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the other channels tell no ratios"
)]
const fn counted(channel: Channel) -> Option<Counted> {
    match channel {
        Channel::AccountRatio => Some(Counted::Accounts),
        Channel::TopAccountRatio => Some(Counted::TopAccounts),
        Channel::TopPositionRatio => Some(Counted::TopPositions),
        _ => None,
    }
}

/// `exchangeInfo`: all symbols.
fn instruments(reader: &mut Reader<'_>, dialect: Dialect, found: &mut Found) -> Result<(), Fail> {
    let mut members = reader.object()?;
    let mut symbols = false;
    while let Some(key) = reader.key(&mut members)? {
        if key.as_str() == "symbols" {
            symbols = true;
            reader.each("symbols", |reader| {
                let row = read_symbol(reader, dialect, found)?;
                keep(reader, found, row)
            })?;
        } else {
            reader.skip()?;
        }
    }
    match symbols {
        true => Ok(()),
        false => Err(reader.fail(Problem::Missing).named("symbols")),
    }
}

/// `{"code":-1121,"msg":"Invalid symbol."}`, if that is what it is.
fn refusal(text: &str, found: &mut Found) -> Option<Result<Decoded, Fail>> {
    let mut reader = Reader::new(text);
    if reader.kind().ok()? != Kind::Object {
        return None;
    }
    let [code, msg] = reader.outline(&["code", "msg"]).ok()?;
    let code = code?;
    found.clear();
    Some(refused(text, code, msg, found))
}

fn refused(
    text: &str,
    code: usize,
    msg: Option<usize>,
    found: &mut Found,
) -> Result<Decoded, Fail> {
    let code = i64::read(&mut Reader::at(text, code), &mut found.pools)
        .map_err(|fail| fail.named("code"))?;
    let message = match msg {
        Some(msg) => Reader::at(text, msg)
            .text(&mut found.pools)
            .map_err(|fail| fail.named("msg"))?,
        None => Span::default(),
    };
    found.set_control(ControlRow::Refused(None, code, message));
    Ok(Decoded::Control)
}

impl Depth {
    const fn row(self, instrument: Span) -> Row {
        Row {
            instrument,
            exchange_time: Stamp::given(self.changed),
            sent_time: Stamp::given(self.sent),
            body: RowBody::Book(BookRow {
                kind: BookKind::Snapshot,
                first: None,
                last: Some(self.last),
                previous: None,
                checksum: None,
                bids: self.bids.0,
                asks: self.asks.0,
            }),
        }
    }
}

impl AggTrade {
    const fn row(self, instrument: Span) -> Row {
        let taker = aggressor(self.buyer_is_maker);
        let trade = Trade {
            first_id: Some(self.first_id),
            last_id: Some(self.last_id),
            quantity_without_rpi: self.quantity_without_rpi,
            ..fill(self.id, self.price, self.quantity, taker)
        };
        traded(instrument, self.traded, trade)
    }
}

impl Single {
    const fn row(self, instrument: Span) -> Row {
        let taker = aggressor(self.buyer_is_maker);
        let trade = fill(self.id, self.price, self.quantity, taker);
        traded(instrument, self.traded, trade)
    }
}

const fn traded(instrument: Span, traded: Stamp, trade: Trade<'static>) -> Row {
    Row {
        instrument,
        exchange_time: Some(traded.0),
        sent_time: None,
        body: RowBody::Trade(TradeRow {
            trade,
            execution: None,
        }),
    }
}

impl Interest {
    fn row(self, instrument: Span, found: &mut Found) -> Row {
        let interest = OpenInterest {
            quantity: self.quantity,
            base: None,
            usd: None,
        };
        Row {
            instrument,
            exchange_time: Some(self.counted.0),
            sent_time: None,
            body: found.push_figures(Figures::OpenInterest(interest)),
        }
    }
}

impl LongShort {
    fn row(self, of: Counted, instrument: Span, found: &mut Found) -> Row {
        let ratio = Ratio {
            of,
            ratio: self.ratio,
            long: self.long.or(self.long_position),
            short: self.short.or(self.short_position),
        };
        Row {
            instrument,
            exchange_time: Some(self.counted.0),
            sent_time: None,
            body: found.push_figures(Figures::Ratio(ratio)),
        }
    }
}
