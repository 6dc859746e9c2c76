//! Messages of OKX v5.
//!
//! Source: "OKX API guide", sections WebSocket and Order Book Trading; the order of the fields is
//! that of recorded messages.

use super::decode::{DecodeError, Decoded, Problem};
use super::found::{BookRow, ControlRow, Figures, Found, Name, Row, RowBody, SubjectRow, TradeRow};
use super::json::{
    Blank, Fail, FourLevels, Kind, Pools, Quoted, Reader, Scan, Source, Span, Stamp, Value, record,
};
use crate::market::{
    BookKind, Channel, Decimal, InstrumentType, Interval, Side, Ticker, Trade as Fill, Wide,
};

/// Members by which the general reader tells one kind of message from another.
const KEYS: [&str; 9] = [
    "event",
    "arg",
    "action",
    "data",
    "id",
    "code",
    "msg",
    "channel",
    "connCount",
];

/// The notice that this connection is about to be closed.
const UPGRADE_NOTICE: u32 = 64008;

/// Channels that are documented and not decoded here.
const UNHANDLED: [&str; 40] = [
    "trades-all",
    "option-trades",
    "books5",
    "books-elp",
    "books-rpi",
    "call-auction-details",
    "open-interest",
    "funding-rate",
    "mark-price",
    "index-tickers",
    "price-limit",
    "liquidation-orders",
    "adl-warning",
    "instruments",
    "estimated-price",
    "opt-summary",
    "status",
    "economic-calendar",
    "public-struc-block-trades",
    "public-block-trades",
    "block-tickers",
    "sprd-orders",
    "sprd-trades",
    "sprd-bbo-tbt",
    "sprd-books5",
    "sprd-books-l2-tbt",
    "sprd-public-trades",
    "sprd-tickers",
    "account",
    "positions",
    "balance_and_position",
    "liquidation-warning",
    "account-greeks",
    "orders",
    "orders-algo",
    "algo-advance",
    "fills",
    "rfqs",
    "quotes",
    "struc-block-trades",
];

/// Families of such channels; what follows is an interval.
const UNHANDLED_PREFIXES: [&str; 4] =
    ["candle", "mark-price-candle", "index-candle", "sprd-candle"];

record! {
    /// What a message is about.
    Argument {
        "channel" channel: Span,
        "instId" instrument: Option<Span>,
    }
}

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
    /// A row of `books`, its faster kin and `bbo-tbt`.
    Book {
        "asks" asks: FourLevels,
        "bids" bids: FourLevels,
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
struct Action(BookKind);

impl Value for Action {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, _: &mut Pools) -> Option<Self> {
        if scan.literal(b"\"update\"").is_some() {
            return Some(Self(BookKind::Delta));
        }
        scan.literal(b"\"snapshot\"")
            .map(|()| Self(BookKind::Snapshot))
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        reader.one_of(pools, |word| match word {
            "update" => Some(Self(BookKind::Delta)),
            "snapshot" => Some(Self(BookKind::Snapshot)),
            _ => None,
        })
    }
}

/// Reads market data in the expected order; `None` asks for [`read`].
#[inline]
pub(super) fn scan(text: &str, found: &mut Found) -> Option<Channel> {
    let mut scan = Scan::new(text);
    scan.literal(b"{\"arg\":")?;
    let argument = Argument::scan(&mut scan, &mut found.pools)?;
    let channel = channel_of(scan.text_at(argument.channel))?;
    let kind = if channel.begins_with_snapshot() {
        scan.literal(b",\"action\":")?;
        Action::scan(&mut scan, &mut found.pools)?.0
    } else {
        BookKind::Top(1)
    };
    scan.literal(b",\"data\":[")?;
    loop {
        row(&mut scan, channel, kind, argument.instrument, found).ok()?;
        if scan.literal(b",").is_none() {
            break;
        }
    }
    scan.literal(b"]}")?;
    scan.end()?;
    Some(channel)
}

/// Reads any message, or says what is wrong with it.
pub(super) fn read(text: &str, found: &mut Found) -> Result<Decoded, DecodeError> {
    // The answer to the text `ping` is no JSON.
    if text == "pong" {
        found.set_control(ControlRow::Pong);
        return Ok(Decoded::Control);
    }
    let mut reader = Reader::new(text);
    if reader.kind().map_err(Fail::at_large)? != Kind::Object {
        reader.skip().map_err(Fail::at_large)?;
        reader.end().map_err(Fail::at_large)?;
        return Ok(Decoded::Unknown);
    }
    let places = reader.outline(&KEYS).map_err(Fail::at_large)?;
    reader.end().map_err(Fail::at_large)?;
    let [event, arg, action, data, id, code, msg, channel, count] = places;
    if let Some(event) = event {
        let notice = Notice {
            text,
            arg,
            id,
            code,
            msg,
            channel,
            count,
        };
        return notice.read(event, found).map_err(Fail::at_large);
    }
    match (arg, data) {
        (Some(arg), Some(data)) => read_data(text, arg, action, data, found),
        _ => Ok(Decoded::Unknown),
    }
}

/// The channels that are decoded here.
#[inline]
fn channel_of(name: &str) -> Option<Channel> {
    match name {
        "trades" => Some(Channel::Trades),
        "books" => Some(Channel::Books),
        "books50-l2-tbt" => Some(Channel::Books50L2Tbt),
        "books-l2-tbt" => Some(Channel::BooksL2Tbt),
        "bbo-tbt" => Some(Channel::BboTbt),
        "tickers" => Some(Channel::Tickers),
        _ => None,
    }
}

/// Reads one row of a channel, by either way. `instrument` is what the message is about; rows of
/// books do not repeat it.
#[inline(always)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named is not read"
)]
fn row<S: Source>(
    source: &mut S,
    channel: Channel,
    kind: BookKind,
    instrument: Option<Span>,
    found: &mut Found,
) -> Result<(), S::Error> {
    let pools = &mut found.pools;
    let row = match channel {
        Channel::Trades => source.value::<Trade>(pools)?.row(),
        Channel::Tickers => {
            let ticker: TickerRow = source.value(pools)?;
            Some(ticker.row(found))
        }
        Channel::Books | Channel::Books50L2Tbt | Channel::BooksL2Tbt | Channel::BboTbt => {
            let book: Book = source.value(pools)?;
            let Some(instrument) = instrument else {
                return Err(source.refuse(Problem::Missing));
            };
            book.row(instrument, kind)
        }
        _ => None,
    };
    let row = row.ok_or_else(|| source.refuse(Problem::Value))?;
    found
        .push(row)
        .ok_or_else(|| source.refuse(Problem::TooMany))
}

fn read_data(
    text: &str,
    arg: usize,
    action: Option<usize>,
    data: usize,
    found: &mut Found,
) -> Result<Decoded, DecodeError> {
    let argument =
        Argument::read(&mut Reader::at(text, arg), &mut found.pools).map_err(Fail::at_large)?;
    let name = argument.channel.of(text, &found.pools);
    let Some(channel) = channel_of(name) else {
        let known = UNHANDLED.contains(&name)
            || UNHANDLED_PREFIXES
                .iter()
                .any(|prefix| name.starts_with(prefix));
        found.set_kind(Name::Printed(argument.channel));
        return Ok(if known {
            Decoded::Unhandled
        } else {
            Decoded::Unknown
        });
    };
    read_rows(text, channel, argument.instrument, action, data, found)
        .map_err(|fail| fail.of_channel(channel))
}

fn read_rows(
    text: &str,
    channel: Channel,
    instrument: Option<Span>,
    action: Option<usize>,
    data: usize,
    found: &mut Found,
) -> Result<Decoded, Fail> {
    let mut reader = Reader::at(text, data);
    let kind = if channel.begins_with_snapshot() {
        let action = action.ok_or_else(|| reader.fail(Problem::Missing).named("action"))?;
        let action = Action::read(&mut Reader::at(text, action), &mut found.pools);
        action.map_err(|fail| fail.named("action"))?.0
    } else {
        BookKind::Top(1)
    };
    let mut members = reader.array().map_err(|fail| fail.named("data"))?;
    while reader.element(&mut members)? {
        row(&mut reader, channel, kind, instrument, found)?;
    }
    Ok(found.events(channel))
}

/// A message with an `event`: where its members stand.
struct Notice<'a> {
    text: &'a str,
    arg: Option<usize>,
    id: Option<usize>,
    code: Option<usize>,
    msg: Option<usize>,
    channel: Option<usize>,
    count: Option<usize>,
}

/// What an `event` says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Subscribe,
    Unsubscribe,
    Error,
    Notice,
    Login,
    ConnectionCount,
    ConnectionRefused,
    Unknown,
}

impl Notice<'_> {
    fn read(&self, place: usize, found: &mut Found) -> Result<Decoded, Fail> {
        let pools = &mut found.pools;
        let event = Reader::at(self.text, place).one_of(pools, |word| Some(Event::named(word)));
        let row = match event.map_err(|fail| fail.named("event"))? {
            Event::Subscribe => ControlRow::Subscribed(self.id(pools)?, self.subject(pools)?),
            Event::Unsubscribe => ControlRow::Unsubscribed(self.id(pools)?, self.subject(pools)?),
            Event::Error => ControlRow::Refused(
                self.id(pools)?,
                self.member("code", self.code, pools)?,
                self.member("msg", self.msg, pools)?,
            ),
            Event::Notice => self.notice(pools)?,
            Event::Login => ControlRow::LoggedIn,
            Event::ConnectionCount => ControlRow::ConnectionCount(
                self.member("channel", self.channel, pools)?,
                self.number("connCount", self.count, pools)?,
            ),
            Event::ConnectionRefused => ControlRow::ConnectionRefused(
                self.member("channel", self.channel, pools)?,
                self.number("connCount", self.count, pools)?,
            ),
            Event::Unknown => {
                let name = Reader::at(self.text, place).text(pools)?;
                found.set_kind(Name::Printed(name));
                return Ok(Decoded::Unknown);
            }
        };
        found.set_control(row);
        Ok(Decoded::Control)
    }

    fn notice(&self, pools: &mut Pools) -> Result<ControlRow, Fail> {
        let code = self.number("code", self.code, pools)?;
        if code == UPGRADE_NOTICE {
            return Ok(ControlRow::Shutdown(None));
        }
        Ok(ControlRow::Notice(
            code,
            self.member("msg", self.msg, pools)?,
        ))
    }

    fn subject(&self, pools: &mut Pools) -> Result<SubjectRow, Fail> {
        let argument: Argument = self.member("arg", self.arg, pools)?;
        Ok(SubjectRow {
            channel: argument.channel,
            instrument: argument.instrument.unwrap_or_default(),
        })
    }

    fn id(&self, pools: &mut Pools) -> Result<Option<u64>, Fail> {
        match self.id {
            Some(place) => Reader::at(self.text, place)
                .request_id(pools)
                .map_err(|fail| fail.named("id")),
            None => Ok(None),
        }
    }

    fn number(
        &self,
        key: &'static str,
        place: Option<usize>,
        pools: &mut Pools,
    ) -> Result<u32, Fail> {
        let number: i64 = self.member(key, place, pools)?;
        let failed = Reader::at(self.text, place.unwrap_or_default()).fail(Problem::Overflow);
        u32::try_from(number).map_err(|_| failed.named(key))
    }

    fn member<T: Value>(
        &self,
        key: &'static str,
        place: Option<usize>,
        pools: &mut Pools,
    ) -> Result<T, Fail> {
        let mut reader = Reader::at(self.text, place.unwrap_or_default());
        if place.is_none() {
            return Err(reader.fail(Problem::Missing).named(key));
        }
        T::read(&mut reader, pools).map_err(|fail| fail.named(key))
    }
}

impl Event {
    fn named(word: &str) -> Self {
        match word {
            "subscribe" => Self::Subscribe,
            "unsubscribe" => Self::Unsubscribe,
            "error" => Self::Error,
            "notice" => Self::Notice,
            "login" => Self::Login,
            "channel-conn-count" => Self::ConnectionCount,
            "channel-conn-count-error" => Self::ConnectionRefused,
            _ => Self::Unknown,
        }
    }
}

impl Trade {
    /// `None` where a count or a source is not what it can be.
    #[inline(always)]
    fn row(self) -> Option<Row> {
        // The last of `count` fills is `tradeId`. Without a fill there is no trade, and a first
        // number behind the last would be taken for a hole in the stream.
        let first_id = match self.count {
            Some(Quoted(count)) if count < 1 => return None,
            Some(Quoted(count)) => Some(self.id.0.checked_sub(count - 1)?),
            None => None,
        };
        let source = match self.source {
            Some(Quoted(source)) => Some(u8::try_from(source).ok()?),
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
            source,
            sequence: self.sequence,
        };
        Some(Row {
            instrument: self.instrument,
            exchange_time: Some(self.traded.0.0),
            sent_time: None,
            body: RowBody::Trade(TradeRow {
                trade,
                execution: None,
            }),
        })
    }
}

impl Book {
    /// `None` where the checksum is not of 32 bits.
    #[inline(always)]
    fn row(self, instrument: Span, kind: BookKind) -> Option<Row> {
        let checksum = match self.checksum {
            Some(checksum) => Some(i32::try_from(checksum).ok()?),
            None => None,
        };
        Some(Row {
            instrument,
            exchange_time: Some(self.changed.0.0),
            sent_time: None,
            body: RowBody::Book(BookRow {
                kind,
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

impl TickerRow {
    fn row(self, found: &mut Found) -> Row {
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
        Row {
            instrument: self.instrument,
            exchange_time: Some(self.computed.0.0),
            sent_time: None,
            body: found.push_figures(Figures::Ticker(ticker)),
        }
    }
}
