//! Trades, books and tickers, row by row.

use super::{Head, Told};
use crate::market::{
    BookKind, Decimal, InstrumentType, Interval, Side, Ticker, Trade as Fill, Wide,
};
use crate::venue::decode::Problem;
use crate::venue::found::{BookRow, Figures, Found, Row, RowBody, TradeRow};
use crate::venue::json::{
    Blank, FourLevels, Pools, Quoted, Reader, Scan, Span, Stamp, Value, record,
};

record! {
    /// A row of `trades`.
    Trade {
        "instId" instrument: Span,
        "tradeId" id: Quoted<i64>,
        "px" price: Decimal,
        "sz" quantity: Decimal,
        "side" aggressor: Side,
        "ts" traded: Quoted<Stamp>,
        "count" count: Option<Quoted<i64>>,
        "source" source: Option<Quoted<i64>>,
        "seqId" sequence: Option<i64>,
    }
}

record! {
    /// A row of `trades-all`.
    SingleTrade {
        "instId" instrument: Span,
        "tradeId" id: Quoted<i64>,
        "px" price: Decimal,
        "sz" quantity: Decimal,
        "side" aggressor: Side,
        "source" source: Option<Quoted<i64>>,
        "ts" traded: Quoted<Stamp>,
    }
}

record! {
    /// A row of `books`, its faster kin, `books5` and `bbo-tbt`.
    Book {
        "asks" asks: FourLevels,
        "bids" bids: FourLevels,
        "instId" instrument: Option<Span>,
        "ts" changed: Quoted<Stamp>,
        "checksum" checksum: Option<i64>,
        "seqId" last: Option<i64>,
        "prevSeqId" previous: Option<i64>,
    }
}

record! {
    /// A row of `tickers`.
    TickerRow {
        "instType" instrument_type: InstrumentType,
        "instId" instrument: Span,
        "last" last: Blank<Decimal>,
        "lastSz" last_quantity: Blank<Decimal>,
        "askPx" ask_price: Blank<Decimal>,
        "askSz" ask_quantity: Blank<Decimal>,
        "bidPx" bid_price: Blank<Decimal>,
        "bidSz" bid_quantity: Blank<Decimal>,
        "open24h" open_24h: Blank<Decimal>,
        "high24h" high_24h: Blank<Decimal>,
        "low24h" low_24h: Blank<Decimal>,
        "sodUtc0" open_utc0: Blank<Decimal>,
        "sodUtc8" open_utc8: Blank<Decimal>,
        "volCcy24h" volume_currency_24h: Blank<Wide>,
        "vol24h" volume_24h: Blank<Wide>,
        "ts" computed: Quoted<Stamp>,
    }
}

/// `"action"` of `books` and its faster kin.
#[derive(Clone, Copy, Debug)]
pub(super) struct Action(pub(super) BookKind);

impl Value for Action {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, _: &mut Pools) -> Option<Self> {
        if scan.literal(b"\"update\"").is_some() {
            return Some(Self(BookKind::Delta));
        }
        scan.literal(b"\"snapshot\"")
            .map(|()| Self(BookKind::Snapshot))
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, crate::venue::json::Fail> {
        reader.one_of(pools, |word| match word {
            "update" => Some(Self(BookKind::Delta)),
            "snapshot" => Some(Self(BookKind::Snapshot)),
            _ => None,
        })
    }
}

impl Told for Trade {
    #[inline(always)]
    fn row(self, _: Head, _: &str, _: &mut Found) -> Result<Row, Problem> {
        // The last of `count` fills is `tradeId`. Without a fill there is no trade, and a first
        // number behind the last would be taken for a hole in the stream.
        let first_id = match self.count {
            Some(Quoted(count)) if count < 1 => return Err(Problem::Value),
            Some(Quoted(count)) => Some(self.id.0.checked_sub(count - 1).ok_or(Problem::Value)?),
            None => None,
        };
        let trade = Fill {
            id: self.id.0,
            first_id,
            last_id: first_id.map(|_| self.id.0),
            price: self.price,
            quantity: self.quantity,
            quantity_without_rpi: None,
            aggressor: self.aggressor,
            execution: None,
            source: source(self.source)?,
            sequence: self.sequence,
        };
        Ok(trade_row(self.instrument, self.traded, trade))
    }
}

impl Told for SingleTrade {
    fn row(self, _: Head, _: &str, _: &mut Found) -> Result<Row, Problem> {
        let trade = Fill {
            id: self.id.0,
            first_id: Some(self.id.0),
            last_id: Some(self.id.0),
            price: self.price,
            quantity: self.quantity,
            quantity_without_rpi: None,
            aggressor: self.aggressor,
            execution: None,
            source: source(self.source)?,
            sequence: None,
        };
        Ok(trade_row(self.instrument, self.traded, trade))
    }
}

#[inline(always)]
fn source(source: Option<Quoted<i64>>) -> Result<Option<u8>, Problem> {
    match source {
        Some(Quoted(source)) => u8::try_from(source).map(Some).map_err(|_| Problem::Value),
        None => Ok(None),
    }
}

#[inline(always)]
const fn trade_row(instrument: Span, traded: Quoted<Stamp>, trade: Fill<'static>) -> Row {
    Row {
        instrument,
        exchange_time: Some(traded.0.0),
        sent_time: None,
        body: RowBody::Trade(TradeRow {
            trade,
            execution: None,
        }),
    }
}

impl Told for Book {
    #[inline(always)]
    fn row(self, head: Head, _: &str, _: &mut Found) -> Result<Row, Problem> {
        let checksum = match self.checksum {
            Some(checksum) => Some(i32::try_from(checksum).map_err(|_| Problem::Value)?),
            None => None,
        };
        let instrument = self.instrument.or(head.instrument);
        Ok(Row {
            instrument: instrument.ok_or(Problem::Missing)?,
            exchange_time: Some(self.changed.0.0),
            sent_time: None,
            body: RowBody::Book(BookRow {
                kind: head.kind,
                first: None,
                last: self.last,
                previous: self.previous,
                checksum,
                bids: self.bids.0,
                asks: self.asks.0,
            }),
        })
    }
}

impl Told for TickerRow {
    fn row(self, _: Head, _: &str, found: &mut Found) -> Result<Row, Problem> {
        let ticker = Ticker {
            instrument_type: Some(self.instrument_type),
            last: self.last.0,
            last_quantity: self.last_quantity.0,
            ask_price: self.ask_price.0,
            ask_quantity: self.ask_quantity.0,
            bid_price: self.bid_price.0,
            bid_quantity: self.bid_quantity.0,
            open: self.open_24h.0,
            high: self.high_24h.0,
            low: self.low_24h.0,
            open_utc0: self.open_utc0.0,
            open_utc8: self.open_utc8.0,
            volume: self.volume_24h.0,
            volume_currency: self.volume_currency_24h.0,
            ..Ticker::empty(Interval::D1)
        };
        Ok(Row {
            instrument: self.instrument,
            exchange_time: Some(self.computed.0.0),
            sent_time: None,
            body: found.push_figures(Figures::Ticker(ticker)),
        })
    }
}
