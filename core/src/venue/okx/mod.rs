//! Messages of OKX v5.
//!
//! Source: "OKX API guide", sections WebSocket, Order Book Trading and Public Data; the order of
//! the fields is that of recorded messages.

mod account;
mod answer;
mod figures;
mod instrument;
mod message;
mod notice;
mod order;

use account::{Envelope, Members};
use figures::{
    Funding, IndexTicker, MarkPrice, OpenInterest, PriceCandle, PriceLimit, RatioRow, TradeCandle,
};
use instrument::InstrumentRow;
use message::{Action, Book, SingleTrade, TickerRow, Trade};
use notice::Notice;

use super::decode::{DecodeError, Decoded, Problem};
use super::found::{ControlRow, Found, Name, Row};
use super::json::{Fail, Kind, Reader, Scan, Source, Span, Value, record};
use crate::market::{BookKind, Channel, Scope};

pub(super) use answer::answer;

/// Members by which the general reader tells one kind of message from another.
const KEYS: [&str; 12] = [
    "event",
    "arg",
    "action",
    "data",
    "id",
    "code",
    "msg",
    "channel",
    "connCount",
    "eventType",
    "curPage",
    "lastPage",
];

/// Channels that are documented and not decoded here.
const UNHANDLED: [&str; 26] = [
    "option-trades",
    "books-elp",
    "books-rpi",
    "call-auction-details",
    "adl-warning",
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
    "liquidation-warning",
    "account-greeks",
    "orders-algo",
    "algo-advance",
    "rfqs",
    "quotes",
    "struc-block-trades",
];

/// A family of such channels; what follows is an interval.
const UNHANDLED_PREFIX: &str = "sprd-candle";

record! {
    /// What a message is about.
    Argument {
        "channel" channel: Span,
        "instType" instrument_type: Option<Span>,
        "instId" instrument: Option<Span>,
    }
}

impl Argument {
    /// What the stream is about: one instrument, or else all of a type.
    fn about(&self) -> Option<Span> {
        self.instrument.or(self.instrument_type)
    }
}

/// What is told of all rows of a message before them.
#[derive(Clone, Copy)]
struct Head {
    channel: Channel,
    /// What books are.
    kind: BookKind,
    /// What the message is about; rows of books and candles do not repeat it.
    instrument: Option<Span>,
    envelope: Envelope,
}

/// A row that is one event.
trait Told: Value {
    /// The event, or why it cannot be one. `text` is the message.
    fn row(self, head: Head, text: &str, found: &mut Found) -> Result<Row, Problem>;
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
        top_of(channel)
    };
    let envelope = if channel.is_private() {
        Envelope::scan(&mut scan, &mut found.pools)?
    } else {
        Envelope::default()
    };
    scan.literal(b",\"data\":")?;
    let head = head(channel, kind, argument, envelope, found);
    scan.each("data", |scan| row(scan, head, found)).ok()?;
    scan.literal(b"}")?;
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
    let [
        event,
        arg,
        action,
        data,
        id,
        code,
        msg,
        channel,
        count,
        reason,
        page,
        last,
    ] = places;
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
        (Some(arg), Some(data)) => {
            let message = Message {
                text,
                arg,
                action,
                data,
                envelope: Members { reason, page, last },
            };
            message.read(found)
        }
        _ => Ok(Decoded::Unknown),
    }
}

/// The channels that are decoded here.
#[inline]
fn channel_of(name: &str) -> Option<Channel> {
    match name {
        "trades" => Some(Channel::Trades),
        "trades-all" => Some(Channel::TradesAll),
        "books" => Some(Channel::Books),
        "books5" => Some(Channel::Books5),
        "books50-l2-tbt" => Some(Channel::Books50L2Tbt),
        "books-l2-tbt" => Some(Channel::BooksL2Tbt),
        "bbo-tbt" => Some(Channel::BboTbt),
        "tickers" => Some(Channel::Tickers),
        "index-tickers" => Some(Channel::IndexTickers),
        "funding-rate" => Some(Channel::FundingRate),
        "mark-price" => Some(Channel::OkxMarkPrice),
        "price-limit" => Some(Channel::PriceLimit),
        "open-interest" => Some(Channel::OkxOpenInterest),
        "liquidation-orders" => Some(Channel::LiquidationOrders),
        "instruments" => Some(Channel::Instruments),
        "orders" => Some(Channel::Orders),
        "fills" => Some(Channel::Fills),
        "account" => Some(Channel::Account),
        "positions" => Some(Channel::Positions),
        "balance_and_position" => Some(Channel::BalanceAndPosition),
        _ if name.contains("candle") => name.parse().ok(),
        _ => None,
    }
}

/// How many levels a side there are in what is sent whole each time.
fn top_of(channel: Channel) -> BookKind {
    BookKind::Top(if channel == Channel::Books5 { 5 } else { 1 })
}

/// Says what the message is about, as far as all of its rows have it in common.
#[inline(always)]
fn head(
    channel: Channel,
    kind: BookKind,
    argument: Argument,
    envelope: Envelope,
    found: &mut Found,
) -> Head {
    if matches!(channel.scope(), Scope::InstrumentType | Scope::AnyType) {
        found.set_subject(argument.instrument_type.unwrap_or_default());
    }
    Head {
        channel,
        kind,
        instrument: argument.instrument,
        envelope,
    }
}

/// Reads one row of a channel, by either way.
#[inline(always)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the others are told in figures"
)]
fn row<S: Source>(source: &mut S, head: Head, found: &mut Found) -> Result<(), S::Error> {
    match head.channel {
        Channel::Trades => tell::<S, Trade>(source, head, found),
        Channel::Books
        | Channel::Books5
        | Channel::Books50L2Tbt
        | Channel::BooksL2Tbt
        | Channel::BboTbt => tell::<S, Book>(source, head, found),
        Channel::Tickers => tell::<S, TickerRow>(source, head, found),
        _ => figures(source, head, found),
    }
}

/// The rows of what is not hot, kept apart so that they do not stand in the way of what is.
#[inline(never)]
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named is not read"
)]
fn figures<S: Source>(source: &mut S, head: Head, found: &mut Found) -> Result<(), S::Error> {
    match head.channel {
        Channel::TradesAll => tell::<S, SingleTrade>(source, head, found),
        Channel::Candle(..) => tell::<S, TradeCandle>(source, head, found),
        Channel::MarkPriceCandle(..) | Channel::IndexCandle(..) => {
            tell::<S, PriceCandle>(source, head, found)
        }
        Channel::IndexTickers => tell::<S, IndexTicker>(source, head, found),
        Channel::FundingRate => tell::<S, Funding>(source, head, found),
        Channel::OkxMarkPrice => tell::<S, MarkPrice>(source, head, found),
        Channel::PriceLimit => tell::<S, PriceLimit>(source, head, found),
        Channel::OkxOpenInterest => tell::<S, OpenInterest>(source, head, found),
        Channel::LiquidationOrders => figures::liquidations(source, found),
        Channel::Instruments => tell::<S, InstrumentRow>(source, head, found),
        Channel::Orders => order::order(source, found),
        Channel::Fills => order::fill(source, found),
        Channel::Account => account::balances(source, head.envelope, found),
        Channel::Positions => account::position(source, head.envelope, found),
        Channel::BalanceAndPosition => account::both(source, found),
        Channel::OkxAccountRatio | Channel::OkxTopAccountRatio | Channel::OkxTopPositionRatio => {
            tell::<S, RatioRow>(source, head, found)
        }
        _ => Err(source.refuse(Problem::Value)),
    }
}

#[inline(always)]
fn tell<S: Source, T: Told>(source: &mut S, head: Head, found: &mut Found) -> Result<(), S::Error> {
    let told: T = source.value(&mut found.pools)?;
    let row = told.row(head, source.whole(), found);
    let row = row.map_err(|problem| source.refuse(problem))?;
    found
        .push(row)
        .ok_or_else(|| source.refuse(Problem::TooMany))
}

/// A message of data before the general reader: where its members stand.
#[derive(Clone, Copy)]
struct Message<'a> {
    text: &'a str,
    arg: usize,
    action: Option<usize>,
    data: usize,
    envelope: Members,
}

impl Message<'_> {
    fn read(self, found: &mut Found) -> Result<Decoded, DecodeError> {
        let argument = Argument::read(&mut Reader::at(self.text, self.arg), &mut found.pools);
        let argument = argument.map_err(Fail::at_large)?;
        let name = argument.channel.of(self.text, &found.pools);
        let Some(channel) = channel_of(name) else {
            let known = UNHANDLED.contains(&name) || name.starts_with(UNHANDLED_PREFIX);
            found.set_kind(Name::Printed(argument.channel));
            return Ok(if known {
                Decoded::Unhandled
            } else {
                Decoded::Unknown
            });
        };
        let rows = self.rows(channel, argument, found);
        rows.map_err(|fail| fail.of_channel(channel))
    }

    fn rows(
        self,
        channel: Channel,
        argument: Argument,
        found: &mut Found,
    ) -> Result<Decoded, Fail> {
        let mut reader = Reader::at(self.text, self.data);
        let kind = if channel.begins_with_snapshot() {
            let action = self.action;
            let action = action.ok_or_else(|| reader.fail(Problem::Missing).named("action"))?;
            let action = Action::read(&mut Reader::at(self.text, action), &mut found.pools);
            action.map_err(|fail| fail.named("action"))?.0
        } else {
            top_of(channel)
        };
        let envelope = if channel.is_private() {
            self.envelope.read(self.text, &mut found.pools)?
        } else {
            Envelope::default()
        };
        let head = head(channel, kind, argument, envelope, found);
        reader.each("data", |reader| row(reader, head, found))?;
        Ok(found.events(channel))
    }
}
