//! Messages of Binance spot, USD-M and COIN-M.
//!
//! Sources: "WebSocket Streams for Binance" and "WebSocket API" (spot API docs), "Websocket Market
//! Streams" (derivatives docs); the order of the fields is that of recorded messages.

mod account;
mod answer;
mod figures;
mod instrument;
mod liquidation;
mod message;
mod payload;
mod stream;

pub(super) use self::answer::answer;
use self::message::spot;
use self::payload::payload;
use self::stream::{channel_of_event, channel_of_start, of_all, split_stream};
use super::decode::{DecodeError, Decoded, Problem};
use super::found::{ControlRow, Found, Name};
use super::json::{Fail, Kind, Reader, Scan, Span, Stamp, Value};
use crate::market::{Channel, DepthLevels, Speed};
use crate::time::UnixNanos;

/// Which way of writing a message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Spot,
    Usdm,
    Coinm,
}

/// Members by which the general reader tells one kind of message from another.
const KEYS: [&str; 14] = [
    "stream",
    "data",
    "e",
    "event",
    "error",
    "code",
    "msg",
    "result",
    "status",
    "id",
    "lastUpdateId",
    "u",
    "B",
    "A",
];

/// Event types that are documented and not decoded here.
const UNHANDLED: [&str; 15] = [
    "referencePrice",
    "compositeIndex",
    "assetIndexUpdate",
    "EquityUpdate",
    "CommodityUpdate",
    "KR_EquityUpdate",
    "HK_EquityUpdate",
    "listStatus",
    "ACCOUNT_CONFIG_UPDATE",
    "TRADE_LITE",
    "CONDITIONAL_ORDER_TRIGGER_REJECT",
    "STRATEGY_UPDATE",
    "GRID_UPDATE",
    "RISK_LEVEL_CHANGE",
    "OPEN_ORDER_LOSS",
];

/// Levels a side of the largest partial depth stream; what has more is an answer of REST.
const LARGEST_PARTIAL: usize = 20;

/// Reads market data in the expected order; `None` asks for [`read`].
#[inline]
pub(super) fn scan(dialect: Dialect, text: &str, found: &mut Found) -> Option<Channel> {
    let mut scan = Scan::new(text);
    if scan.literal(b"{\"subscriptionId\":").is_some() {
        i64::scan(&mut scan, &mut found.pools)?;
        scan.literal(b",\"event\":")?;
        let channel = account::tell(&mut scan, found).ok()?;
        scan.literal(b"}")?;
        scan.end()?;
        return Some(channel);
    }
    if scan.literal(b"{\"stream\":\"").is_none() {
        let channel = channel_of_start(dialect, text)?;
        let channel = payload(&mut scan, dialect, channel, Span::default(), found).ok()?;
        scan.end()?;
        return Some(channel);
    }
    let stream = scan.plain_text()?;
    let (symbol, channel) = split_stream(scan.text_at(stream))?;
    scan.literal(b",\"data\":")?;
    let channel = payload(&mut scan, dialect, channel, stream.prefix(symbol), found).ok()?;
    scan.literal(b"}")?;
    scan.end()?;
    Some(channel)
}

/// Reads any message, or says what is wrong with it.
pub(super) fn read(
    dialect: Dialect,
    text: &str,
    found: &mut Found,
) -> Result<Decoded, DecodeError> {
    let mut reader = Reader::new(text);
    let message = Message { dialect, text };
    match reader.kind().map_err(Fail::at_large)? {
        Kind::Object => message.object(found),
        Kind::Array => message.array(found),
        Kind::Text | Kind::Number | Kind::Word => reader
            .skip()
            .and_then(|()| reader.end())
            .map(|()| Decoded::Unknown)
            .map_err(Fail::at_large),
    }
}

/// A message before the general reader.
#[derive(Clone, Copy)]
struct Message<'a> {
    dialect: Dialect,
    text: &'a str,
}

impl<'a> Message<'a> {
    fn object(self, found: &mut Found) -> Result<Decoded, DecodeError> {
        let mut reader = Reader::new(self.text);
        let outline = reader.outline(&KEYS).map_err(Fail::at_large)?;
        reader.end().map_err(Fail::at_large)?;
        let [
            stream,
            data,
            e,
            event,
            error,
            code,
            msg,
            result,
            status,
            id,
            update,
            u,
            bid,
            ask,
        ] = outline;
        if let (Some(stream), Some(data)) = (stream, data) {
            return self.combined(stream, data, found);
        }
        if let Some(e) = e {
            let name = self.value(e, found)?;
            return self.named(name, 0, found);
        }
        if let Some(event) = event {
            return self.wrapped(event, found);
        }
        if let Some(error) = error {
            return self.error(error, id, found).map_err(Fail::at_large);
        }
        if let Some(code) = code {
            return self.refused(code, msg, id, found).map_err(Fail::at_large);
        }
        if let Some(result) = result {
            // What the WebSocket API answers may name the account's key, and says no more than that
            // the request has been carried out.
            let answer = match status {
                Some(_) => self.acknowledged(id, found),
                None => self.answer(result, id, found),
            };
            return answer.map_err(Fail::at_large);
        }
        if update.is_some() {
            return self.snapshot(found);
        }
        if self.dialect == Dialect::Spot && u.is_some() && bid.is_some() && ask.is_some() {
            return self.data(Channel::BookTicker, 0, Span::default(), found);
        }
        Ok(Decoded::Unknown)
    }

    /// `[{"e":…},…]`, of the streams for all symbols.
    fn array(self, found: &mut Found) -> Result<Decoded, DecodeError> {
        let mut reader = Reader::new(self.text);
        reader
            .skip()
            .and_then(|()| reader.end())
            .map_err(Fail::at_large)?;
        let Some(name) = self.first_of_array(0, found).map_err(Fail::at_large)? else {
            return Ok(Decoded::Unknown);
        };
        match channel_of_event(name.of(self.text, &found.pools)) {
            Some(channel) => self.data(of_all(channel), 0, Span::default(), found),
            None => Ok(self.set_name(name, found)),
        }
    }

    /// What the first element of an array calls itself.
    fn first_of_array(self, place: usize, found: &mut Found) -> Result<Option<Span>, Fail> {
        let mut reader = Reader::at(self.text, place);
        let mut members = reader.array()?;
        if !reader.element(&mut members)? || reader.kind()? != Kind::Object {
            return Ok(None);
        }
        let [Some(e)] = reader.outline(&["e"])? else {
            return Ok(None);
        };
        Reader::at(self.text, e).text(&mut found.pools).map(Some)
    }

    /// `{"stream":…,"data":…}`
    fn combined(
        self,
        stream: usize,
        data: usize,
        found: &mut Found,
    ) -> Result<Decoded, DecodeError> {
        let stream: Span = self.value(stream, found)?;
        if let Some((symbol, channel)) = split_stream(stream.of(self.text, &found.pools)) {
            return self.data(channel, data, stream.prefix(symbol), found);
        }
        let mut reader = Reader::at(self.text, data);
        match reader.kind().map_err(Fail::at_large)? {
            Kind::Array => {
                let name = self.first_of_array(data, found).map_err(Fail::at_large)?;
                Ok(match name {
                    Some(name) => self.set_name(name, found),
                    None => self.set_stream(stream, found),
                })
            }
            Kind::Object => {
                let [e] = reader.outline(&["e"]).map_err(Fail::at_large)?;
                let Some(e) = e else {
                    return Ok(self.set_stream(stream, found));
                };
                let name: Span = self.value(e, found)?;
                match channel_of_event(name.of(self.text, &found.pools)) {
                    // The stream of an account is named by the key to it.
                    Some(Channel::UserData) | None => self.named(name, data, found),
                    // What a stream of another kind carries is of another kind, whatever it says.
                    Some(_) => Ok(self.set_stream(stream, found)),
                }
            }
            Kind::Text | Kind::Number | Kind::Word => Ok(self.set_stream(stream, found)),
        }
    }

    /// An object with an event type.
    fn named(self, name: Span, place: usize, found: &mut Found) -> Result<Decoded, DecodeError> {
        let event = name.of(self.text, &found.pools);
        let notice: Option<fn(_) -> _> = match event {
            "serverShutdown" => Some(ControlRow::Shutdown),
            "listenKeyExpired" | "eventStreamTerminated" => Some(ControlRow::AccountEnded),
            _ => None,
        };
        if let Some(notice) = notice {
            return self.notice(place, notice, found).map_err(Fail::at_large);
        }
        match channel_of_event(event) {
            Some(channel) => self.data(channel, place, Span::default(), found),
            None => Ok(self.set_name(name, found)),
        }
    }

    /// `{"event":{"e":…}}`, of the WebSocket API.
    fn wrapped(self, event: usize, found: &mut Found) -> Result<Decoded, DecodeError> {
        let mut reader = Reader::at(self.text, event);
        if reader.kind().map_err(Fail::at_large)? != Kind::Object {
            return Ok(Decoded::Unknown);
        }
        let [e] = reader.outline(&["e"]).map_err(Fail::at_large)?;
        let Some(e) = e else {
            return Ok(Decoded::Unknown);
        };
        let name = self.value(e, found)?;
        self.named(name, event, found)
    }

    fn data(
        self,
        channel: Channel,
        place: usize,
        symbol: Span,
        found: &mut Found,
    ) -> Result<Decoded, DecodeError> {
        let mut reader = Reader::at(self.text, place);
        payload(&mut reader, self.dialect, channel, symbol, found)
            .map(|channel| found.events(channel))
            .map_err(|fail| fail.of_channel(channel))
    }

    /// `{"lastUpdateId":…,"bids":…,"asks":…}` outside a combined stream: a partial depth of spot
    /// by its size, or an answer of REST.
    fn snapshot(self, found: &mut Found) -> Result<Decoded, DecodeError> {
        let mut reader = Reader::new(self.text);
        let depth = spot::PartialDepth::read(&mut reader, &mut found.pools);
        let depth = depth.map_err(Fail::at_large)?;
        let size = depth.bids.0.len().max(depth.asks.0.len());
        if self.dialect != Dialect::Spot || size > LARGEST_PARTIAL {
            found.set_kind(Name::Ours("depth snapshot"));
            return Ok(Decoded::Unhandled);
        }
        let levels = DepthLevels::ALL
            .into_iter()
            .find(|levels| size <= usize::from(levels.count()))
            .unwrap_or(DepthLevels::Twenty);
        let channel = Channel::DepthPartial(levels, Speed::Default);
        found
            .push(depth.row(Span::default(), levels))
            .map(|()| found.events(channel))
            .ok_or_else(|| reader.fail(Problem::TooMany).of_channel(channel))
    }

    /// `{"e":"serverShutdown","E":…}` and what else says no more than that something ends, and
    /// when. Futures add the `listenKey`, a secret, which stays where it is.
    fn notice(
        self,
        place: usize,
        notice: fn(Option<UnixNanos>) -> ControlRow,
        found: &mut Found,
    ) -> Result<Decoded, Fail> {
        let [sent] = Reader::at(self.text, place).outline(&["E"])?;
        let sent = match sent {
            Some(sent) => {
                let stamp = Stamp::read(&mut Reader::at(self.text, sent), &mut found.pools);
                Some(stamp.map_err(|fail| fail.named("E"))?.0)
            }
            None => None,
        };
        found.set_control(notice(sent));
        Ok(Decoded::Control)
    }

    /// `{"error":{"code":…,"msg":…},"id":…}`
    fn error(self, place: usize, id: Option<usize>, found: &mut Found) -> Result<Decoded, Fail> {
        let mut reader = Reader::at(self.text, place);
        let [code, msg] = reader.outline(&["code", "msg"])?;
        let code = code.ok_or_else(|| reader.fail(Problem::Missing).named("code"))?;
        self.refused(code, msg, id, found)
    }

    /// `{"code":…,"msg":…,"id":…}`
    fn refused(
        self,
        code: usize,
        msg: Option<usize>,
        id: Option<usize>,
        found: &mut Found,
    ) -> Result<Decoded, Fail> {
        let id = self.id(id, found)?;
        let code = i64::read(&mut Reader::at(self.text, code), &mut found.pools)
            .map_err(|fail| fail.named("code"))?;
        let message = match msg {
            Some(msg) => Reader::at(self.text, msg)
                .text(&mut found.pools)
                .map_err(|fail| fail.named("msg"))?,
            None => Span::default(),
        };
        found.set_control(ControlRow::Refused(id, code, message));
        Ok(Decoded::Control)
    }

    /// `{"id":…,"status":200,"result":…}`
    fn acknowledged(self, id: Option<usize>, found: &mut Found) -> Result<Decoded, Fail> {
        let id = self.id(id, found)?;
        found.set_control(ControlRow::Ack(id));
        Ok(Decoded::Control)
    }

    /// `{"result":…,"id":…}`
    fn answer(self, place: usize, id: Option<usize>, found: &mut Found) -> Result<Decoded, Fail> {
        let id = self.id(id, found)?;
        let mut reader = Reader::at(self.text, place);
        let row = if reader.null()? {
            ControlRow::Ack(id)
        } else {
            ControlRow::Answer(id, reader.raw()?)
        };
        found.set_control(row);
        Ok(Decoded::Control)
    }

    fn id(self, place: Option<usize>, found: &mut Found) -> Result<Option<u64>, Fail> {
        match place {
            Some(place) => Reader::at(self.text, place).request_id(&mut found.pools),
            None => Ok(None),
        }
    }

    fn value<T: Value>(self, place: usize, found: &mut Found) -> Result<T, DecodeError> {
        T::read(&mut Reader::at(self.text, place), &mut found.pools).map_err(Fail::at_large)
    }

    /// Names what is not decoded by its stream, unless that may be the key to an account: streams
    /// of the market have a channel behind their symbol, or begin with an exclamation mark.
    fn set_stream(self, stream: Span, found: &mut Found) -> Decoded {
        let name = stream.of(self.text, &found.pools);
        if name.contains('@') || name.starts_with('!') {
            return self.set_name(stream, found);
        }
        Decoded::Unknown
    }

    /// Names what is not decoded: by its event type, or by its stream.
    fn set_name(self, name: Span, found: &mut Found) -> Decoded {
        found.set_kind(Name::Printed(name));
        let name: &str = found.kind(self.text);
        let stem = name.split('@').nth(1).unwrap_or(name);
        if UNHANDLED.contains(&stem) {
            Decoded::Unhandled
        } else {
            Decoded::Unknown
        }
    }
}
