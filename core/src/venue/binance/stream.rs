//! Which channel a message is of: by the name of its stream, or by what it calls itself.

use super::Dialect;
use super::account::Kind;
use crate::market::{Channel, DayStart, DepthLevels, Interval, Scope, Speed, Venue};

/// The length of the symbol, and the channel, in a stream's name: `btcusdt@depth20@100ms`. The
/// streams of the whole market have no symbol: `!ticker@arr`.
#[inline(always)]
pub(super) fn split_stream(name: &str) -> Option<(usize, Channel)> {
    if name.starts_with('!') {
        let channel = served(name)?;
        return (channel.scope() == Scope::Market).then_some((0, channel));
    }
    let symbol = name.bytes().position(|byte| byte == b'@')?;
    let channel = match name.get(symbol + 1..)? {
        "aggTrade" => Channel::AggTrade,
        "trade" => Channel::Trade,
        "bookTicker" => Channel::BookTicker,
        "depth@100ms" => Channel::Depth(Speed::Ms100),
        "depth@0ms" => Channel::Depth(Speed::Ms0),
        "depth20@100ms" => Channel::DepthPartial(DepthLevels::Twenty, Speed::Ms100),
        "kline_1m" => Channel::Kline(Interval::M1, DayStart::Utc),
        "markPrice@1s" => Channel::MarkPrice(Speed::S1),
        other => served(other).filter(|channel| channel.scope() != Scope::Market)?,
    };
    Some((symbol, channel))
}

/// A channel of Binance that comes as a stream.
fn served(name: &str) -> Option<Channel> {
    let channel: Channel = name.parse().ok()?;
    let streams = channel.venue() == Venue::Binance && !channel.is_polled();
    (streams && !channel.is_private()).then_some(channel)
}

/// What the first bytes of a message outside a combined stream promise.
#[inline(always)]
pub(super) fn channel_of_start(dialect: Dialect, text: &str) -> Option<Channel> {
    if let Some(rest) = text.strip_prefix("{\"e\":\"") {
        let (event, _) = rest.split_once('"')?;
        return channel_of_event(event);
    }
    if let Some(rest) = text.strip_prefix("[{\"e\":\"") {
        let (event, _) = rest.split_once('"')?;
        return channel_of_event(event).map(of_all);
    }
    let ticker = dialect != Dialect::Usdm && text.starts_with("{\"u\":");
    ticker.then_some(Channel::BookTicker)
}

/// The channel of an event's type. The speed is not told; an interval is told by the candle, of
/// which it is read.
pub(super) fn channel_of_event(event: &str) -> Option<Channel> {
    match event {
        "trade" => Some(Channel::Trade),
        "aggTrade" => Some(Channel::AggTrade),
        "blockTrade" => Some(Channel::BlockTrade),
        // Partial depth of the futures says the same of itself, and so does `rpiDepth`; only a
        // combined stream tells.
        "depthUpdate" => Some(Channel::Depth(Speed::Default)),
        "bookTicker" => Some(Channel::BookTicker),
        "kline" => Some(Channel::Kline(Interval::M1, DayStart::Utc)),
        "continuous_kline" => Some(Channel::ContinuousKline(Interval::M1)),
        "indexPrice_kline" => Some(Channel::IndexPriceKline(Interval::M1)),
        "markPrice_kline" => Some(Channel::MarkPriceKline(Interval::M1)),
        "24hrTicker" => Some(Channel::Ticker),
        "24hrMiniTicker" => Some(Channel::MiniTicker),
        "avgPrice" => Some(Channel::AvgPrice),
        "markPriceUpdate" => Some(Channel::MarkPrice(Speed::Default)),
        "indexPriceUpdate" => Some(Channel::IndexPrice(Speed::Default)),
        "forceOrder" => Some(Channel::ForceOrder),
        "contractInfo" => Some(Channel::ContractInfo),
        other => match Kind::named(other) {
            Some(_) => Some(Channel::UserData),
            None => window_of_event(other).map(Channel::WindowTicker),
        },
    }
}

/// The window that an event's type names: `1hTicker`.
pub(super) fn window_of_event(event: &str) -> Option<Interval> {
    match event {
        "1hTicker" => Some(Interval::H1),
        "4hTicker" => Some(Interval::H4),
        "1dTicker" => Some(Interval::D1),
        _ => None,
    }
}

/// The channel of all instruments, for what comes as an array outside a combined stream.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all others are the same for one instrument and for many"
)]
pub(super) const fn of_all(channel: Channel) -> Channel {
    match channel {
        Channel::Ticker => Channel::AllTickers,
        Channel::MiniTicker => Channel::AllMiniTickers,
        Channel::WindowTicker(window) => Channel::AllWindowTickers(window),
        Channel::MarkPrice(speed) => Channel::AllMarkPrices(speed),
        Channel::ForceOrder => Channel::AllForceOrders,
        one => one,
    }
}

/// The channel whose candles last so long.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "all others have no interval"
)]
pub(super) const fn with_interval(channel: Channel, interval: Interval) -> Channel {
    match channel {
        Channel::Kline(_, start) => Channel::Kline(interval, start),
        Channel::ContinuousKline(_) => Channel::ContinuousKline(interval),
        Channel::IndexPriceKline(_) => Channel::IndexPriceKline(interval),
        Channel::MarkPriceKline(_) => Channel::MarkPriceKline(interval),
        other => other,
    }
}
