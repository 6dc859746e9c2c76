//! Messages of Binance spot and USD-M.
//!
//! Sources: "WebSocket Streams for Binance" (spot API docs) and "Websocket Market Streams"
//! (derivatives docs); the order of the fields is that of recorded messages.

mod message;

use self::message::{spot, usdm};
use super::decode::{DecodeError, Decoded, Problem};
use super::found::{ControlRow, Found, Name};
use super::json::{Fail, Kind, Reader, Scan, Source, Span, Stamp, Value};
use crate::market::{BookKind, Channel, DepthLevels, Speed};

/// Which of the two ways of writing a message has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    Spot,
    Usdm,
}

/// Members by which the general reader tells one kind of message from another.
const KEYS: [&str; 13] = [
    "stream",
    "data",
    "e",
    "event",
    "error",
    "code",
    "msg",
    "result",
    "id",
    "lastUpdateId",
    "u",
    "B",
    "A",
];

/// Event types that are documented and not decoded here.
const UNHANDLED: [&str; 42] = [
    "kline",
    "continuous_kline",
    "indexPrice_kline",
    "markPrice_kline",
    "24hrMiniTicker",
    "24hrTicker",
    "1hTicker",
    "4hTicker",
    "1dTicker",
    "avgPrice",
    "referencePrice",
    "blockTrade",
    "markPriceUpdate",
    "indexPriceUpdate",
    "indexPrice",
    "forceOrder",
    "contractInfo",
    "compositeIndex",
    "assetIndexUpdate",
    "EquityUpdate",
    "CommodityUpdate",
    "KR_EquityUpdate",
    "HK_EquityUpdate",
    "executionReport",
    "outboundAccountPosition",
    "balanceUpdate",
    "listStatus",
    "externalLockUpdate",
    "eventStreamTerminated",
    "listenKeyExpired",
    "ACCOUNT_UPDATE",
    "ACCOUNT_CONFIG_UPDATE",
    "ORDER_TRADE_UPDATE",
    "TRADE_LITE",
    "MARGIN_CALL",
    "ALGO_UPDATE",
    "CONDITIONAL_ORDER_TRIGGER_REJECT",
    "STRATEGY_UPDATE",
    "GRID_UPDATE",
    "RISK_LEVEL_CHANGE",
    "OPEN_ORDER_LOSS",
    "rpiDepth",
];

/// Levels a side of the largest partial depth stream; what has more is an answer of REST.
const LARGEST_PARTIAL: usize = 20;

/// Reads market data in the expected order; `None` asks for [`read`].
#[inline]
pub(super) fn scan(dialect: Dialect, text: &str, found: &mut Found) -> Option<Channel> {
    let mut scan = Scan::new(text);
    if scan.literal(b"{\"stream\":\"").is_none() {
        let channel = channel_of_start(dialect, text)?;
        payload(&mut scan, dialect, channel, Span::default(), found).ok()?;
        scan.end()?;
        return Some(channel);
    }
    let stream = scan.plain_text()?;
    let (symbol, channel) = split_stream(scan.text_at(stream))?;
    scan.literal(b",\"data\":")?;
    payload(&mut scan, dialect, channel, stream.prefix(symbol), found).ok()?;
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
        Kind::Array => message.array(found).map_err(Fail::at_large),
        Kind::Text | Kind::Number | Kind::Word => reader
            .skip()
            .and_then(|()| reader.end())
            .map(|()| Decoded::Unknown)
            .map_err(Fail::at_large),
    }
}

/// What the first bytes of a message outside a combined stream promise.
fn channel_of_start(dialect: Dialect, text: &str) -> Option<Channel> {
    if let Some(rest) = text.strip_prefix("{\"e\":\"") {
        let (event, _) = rest.split_once('"')?;
        return channel_of_event(event);
    }
    let ticker = dialect == Dialect::Spot && text.starts_with("{\"u\":");
    ticker.then_some(Channel::BookTicker)
}

fn channel_of_event(event: &str) -> Option<Channel> {
    match event {
        "trade" => Some(Channel::Trade),
        "aggTrade" => Some(Channel::AggTrade),
        // Partial depth of USD-M says the same of itself; only a combined stream tells.
        "depthUpdate" => Some(Channel::Depth(Speed::Default)),
        "bookTicker" => Some(Channel::BookTicker),
        _ => None,
    }
}

/// The length of the symbol, and the channel, in a stream's name: `btcusdt@depth20@100ms`. The
/// all-market stream of best bids and asks has no symbol.
#[inline(always)]
fn split_stream(name: &str) -> Option<(usize, Channel)> {
    let symbol = name.bytes().position(|byte| byte == b'@');
    let Some(symbol) = symbol else {
        return (name == "!bookTicker").then_some((0, Channel::AllBookTickers));
    };
    let channel = match name.get(symbol + 1..)? {
        "aggTrade" => Channel::AggTrade,
        "trade" => Channel::Trade,
        "bookTicker" => Channel::BookTicker,
        "depth@100ms" => Channel::Depth(Speed::Ms100),
        "depth@0ms" => Channel::Depth(Speed::Ms0),
        other => rarer_channel(other)?,
    };
    Some((symbol, channel))
}

fn rarer_channel(name: &str) -> Option<Channel> {
    let channel: Channel = name.parse().ok()?;
    matches!(
        channel,
        Channel::Trade
            | Channel::AggTrade
            | Channel::Depth(_)
            | Channel::DepthPartial(..)
            | Channel::BookTicker
    )
    .then_some(channel)
}

/// Reads what a channel carries, by either way. `symbol` stands in the stream's name, lower case.
#[inline(always)]
fn payload<S: Source>(
    source: &mut S,
    dialect: Dialect,
    channel: Channel,
    symbol: Span,
    found: &mut Found,
) -> Result<(), S::Error> {
    let pools = &mut found.pools;
    let row = match (dialect, channel) {
        (Dialect::Spot, Channel::Trade) => Some(source.value::<spot::Trade>(pools)?.row()),
        (Dialect::Usdm, Channel::Trade) => Some(source.value::<usdm::Trade>(pools)?.row()),
        (Dialect::Spot, Channel::AggTrade) => Some(source.value::<spot::AggTrade>(pools)?.row()),
        (Dialect::Usdm, Channel::AggTrade) => Some(source.value::<usdm::AggTrade>(pools)?.row()),
        (Dialect::Spot, Channel::BookTicker | Channel::AllBookTickers) => {
            source.value::<spot::BookTicker>(pools)?.row(pools)
        }
        (Dialect::Usdm, Channel::BookTicker | Channel::AllBookTickers) => {
            source.value::<usdm::BookTicker>(pools)?.row(pools)
        }
        (Dialect::Spot, Channel::Depth(_)) => Some(source.value::<spot::Depth>(pools)?.row()),
        (Dialect::Usdm, Channel::Depth(_)) => {
            Some(source.value::<usdm::Depth>(pools)?.row(BookKind::Delta))
        }
        (Dialect::Spot, Channel::DepthPartial(levels, _)) => {
            let depth: spot::PartialDepth = source.value(pools)?;
            let instrument = pools.keep_upper_case(source.whole(), symbol);
            Some(depth.row(instrument, levels))
        }
        (Dialect::Usdm, Channel::DepthPartial(levels, _)) => {
            let depth: usdm::Depth = source.value(pools)?;
            Some(depth.row(BookKind::Top(levels.count())))
        }
        _ => None,
    };
    row.and_then(|row| found.push(row))
        .ok_or_else(|| source.refuse(Problem::TooMany))
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
            return self.answer(result, id, found).map_err(Fail::at_large);
        }
        if update.is_some() {
            return self.snapshot(found);
        }
        if self.dialect == Dialect::Spot && u.is_some() && bid.is_some() && ask.is_some() {
            return self.data(Channel::BookTicker, 0, Span::default(), found);
        }
        Ok(Decoded::Unknown)
    }

    /// `[{"e":…},…]`, of the streams for all symbols: named by its first element.
    fn array(self, found: &mut Found) -> Result<Decoded, Fail> {
        let mut reader = Reader::new(self.text);
        reader.skip()?;
        reader.end()?;
        self.first_of_array(0, found)
    }

    fn first_of_array(self, place: usize, found: &mut Found) -> Result<Decoded, Fail> {
        let mut reader = Reader::at(self.text, place);
        let mut members = reader.array()?;
        if !reader.element(&mut members)? || reader.kind()? != Kind::Object {
            return Ok(Decoded::Unknown);
        }
        let [Some(e)] = reader.outline(&["e"])? else {
            return Ok(Decoded::Unknown);
        };
        let name = Reader::at(self.text, e).text(&mut found.pools)?;
        Ok(self.set_name(name, found))
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
            Kind::Array => self.first_of_array(data, found).map_err(Fail::at_large),
            Kind::Object => {
                let [e] = reader.outline(&["e"]).map_err(Fail::at_large)?;
                let Some(e) = e else {
                    return Ok(self.set_name(stream, found));
                };
                let name: Span = self.value(e, found)?;
                // What a stream of another kind carries is of another kind, whatever it says:
                // `rpiDepth` sends `depthUpdate`.
                if channel_of_event(name.of(self.text, &found.pools)).is_some() {
                    return Ok(self.set_name(stream, found));
                }
                self.named(name, data, found)
            }
            Kind::Text | Kind::Number | Kind::Word => Ok(self.set_name(stream, found)),
        }
    }

    /// An object with an event type.
    fn named(self, name: Span, place: usize, found: &mut Found) -> Result<Decoded, DecodeError> {
        let event = name.of(self.text, &found.pools);
        if event == "serverShutdown" {
            return self.shutdown(place, found).map_err(Fail::at_large);
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
            .map(|()| found.events(channel))
            .map_err(|fail| fail.of_channel(channel))
    }

    /// `{"lastUpdateId":…,"bids":…,"asks":…}` outside a combined stream: a partial depth of spot
    /// by its size, or an answer of REST.
    fn snapshot(self, found: &mut Found) -> Result<Decoded, DecodeError> {
        let mut reader = Reader::new(self.text);
        let depth = spot::PartialDepth::read(&mut reader, &mut found.pools);
        let depth = depth.map_err(Fail::at_large)?;
        let size = depth.bids.0.len().max(depth.asks.0.len());
        if self.dialect == Dialect::Usdm || size > LARGEST_PARTIAL {
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

    /// `{"e":"serverShutdown","E":…}`
    fn shutdown(self, place: usize, found: &mut Found) -> Result<Decoded, Fail> {
        let [sent] = Reader::at(self.text, place).outline(&["E"])?;
        let sent = match sent {
            Some(sent) => {
                let stamp = Stamp::read(&mut Reader::at(self.text, sent), &mut found.pools);
                Some(stamp.map_err(|fail| fail.named("E"))?.0)
            }
            None => None,
        };
        found.set_control(ControlRow::Shutdown(sent));
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
