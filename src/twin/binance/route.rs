//! Where streams are served: paths, routes, stream names.

use marketprism_core::market::{Channel, Market, Scope};
use marketprism_core::venue::RouteName;

use crate::twin::desk::Opening;
use crate::twin::instrument::Instrument;
use crate::twin::news::{About, Feed, Unit};
use crate::twin::uri::Target;

/// What this path opens; `None` where there is nothing.
///
/// Spot and COIN-M have `/ws` and `/stream`. USD-M has the same below `/public`, `/market` and `/private`;
/// without a route it still takes the connection and serves it as `/public`.
pub(in crate::twin) fn open(market: Market, target: &Target) -> Option<Opening> {
    if market == Market::BinanceSpot && target.path == "/ws-api/v3" {
        return Some(Opening {
            route: "api",
            wrapped: false,
            unit: unit(market, target),
            streams: Vec::new(),
        });
    }
    let mut parts = target.path.split('/').skip(1).peekable();
    let route = match (market, parts.peek().copied()) {
        (Market::BinanceUsdm, Some(name)) => match routed(name) {
            Some(route) => {
                parts.next();
                route
            }
            None => "public",
        },
        _ => "stream",
    };
    let (wrapped, streams) = match parts.next() {
        Some("ws") => {
            let key = target.parameter("listenKey");
            (false, parts.chain(key).map(str::to_owned).collect())
        }
        Some("stream") => (true, listed(target)),
        _ => return None,
    };
    Some(Opening {
        route,
        wrapped,
        unit: unit(market, target),
        streams: non_empty(streams),
    })
}

fn routed(name: &str) -> Option<&'static str> {
    ["public", "market", "private"]
        .into_iter()
        .find(|route| *route == name)
}

fn listed(target: &Target) -> Vec<String> {
    let list = target.parameter("streams").unwrap_or_default();
    list.split('/').map(str::to_owned).collect()
}

fn non_empty(mut streams: Vec<String>) -> Vec<String> {
    streams.retain(|stream| !stream.is_empty());
    streams
}

fn unit(market: Market, target: &Target) -> Unit {
    match (market, target.parameter("timeUnit")) {
        (Market::BinanceSpot, Some("MICROSECOND" | "microsecond")) => Unit::Micros,
        _ => Unit::Millis,
    }
}

/// What a stream's name stands for on a route; `None` for a stream that is acknowledged and
/// never says a word: an unknown name, an unknown symbol, the wrong route.
pub(in crate::twin) fn stream(
    market: Market,
    route: &str,
    instruments: &[Instrument],
    name: &str,
) -> Option<Feed> {
    let all = name.starts_with('!');
    let (subject, channel) = match all {
        true => ("", name),
        false => name.split_once('@')?,
    };
    let channel: Channel = channel.parse().ok()?;
    let served = market.route(channel).map(RouteName::name) == Some(route);
    if !served || subject.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return None;
    }
    let about = about(market, instruments, channel, subject)?;
    Some(Feed { about, channel })
}

/// What the part of a stream's name before the `@` stands for.
fn about(
    market: Market,
    instruments: &[Instrument],
    channel: Channel,
    subject: &str,
) -> Option<About> {
    let place = |is_it: &dyn Fn(&Instrument) -> bool| instruments.iter().position(is_it);
    let named = || place(&|instrument| instrument.id().eq_ignore_ascii_case(subject));
    let of_pair = |pair: &str| place(&|instrument| instrument.pair().eq_ignore_ascii_case(pair));
    match channel.scope() {
        Scope::Market => subject.is_empty().then_some(About::Everything),
        Scope::Pair => of_pair(subject).map(About::Instrument),
        Scope::Contract => {
            let pair = subject.strip_suffix("_perpetual")?;
            of_pair(pair).map(About::Instrument)
        }
        Scope::Instrument => named().map(About::Instrument).or_else(|| {
            let of_pairs = market == Market::BinanceCoinm;
            let marks = of_pairs && matches!(channel, Channel::MarkPrice(_));
            marks.then(|| of_pair(subject).map(About::Pair)).flatten()
        }),
        Scope::InstrumentType | Scope::AnyType => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn opening(market: Market, uri: &str) -> Option<Opening> {
        open(market, &Target::parse(uri))
    }

    #[test]
    fn paths_open_what_the_venue_documents() {
        let cases = [
            (Market::BinanceSpot, "/ws", Some(("stream", false, 0))),
            (Market::BinanceSpot, "/stream", Some(("stream", true, 0))),
            (
                Market::BinanceSpot,
                "/ws/a@trade/b@trade",
                Some(("stream", false, 2)),
            ),
            (
                Market::BinanceSpot,
                "/stream?streams=a@trade/b@trade",
                Some(("stream", true, 2)),
            ),
            (
                Market::BinanceSpot,
                "/stream?streams=a%40trade",
                Some(("stream", true, 1)),
            ),
            (Market::BinanceSpot, "/public/ws", None),
            (Market::BinanceSpot, "/", None),
            (
                Market::BinanceUsdm,
                "/public/stream",
                Some(("public", true, 0)),
            ),
            (
                Market::BinanceUsdm,
                "/market/ws/a@aggTrade",
                Some(("market", false, 1)),
            ),
            (
                Market::BinanceUsdm,
                "/ws/a@depth",
                Some(("public", false, 1)),
            ),
            (Market::BinanceUsdm, "/stream", Some(("public", true, 0))),
            (Market::BinanceUsdm, "/elsewhere", None),
            (Market::BinanceCoinm, "/stream", Some(("stream", true, 0))),
            (Market::BinanceCoinm, "/public/stream", None),
        ];
        for (market, uri, expected) in cases {
            let found = opening(market, uri)
                .map(|opening| (opening.route, opening.wrapped, opening.streams.len()));
            assert_eq!(found, expected, "{market} {uri}");
        }
    }

    #[test]
    fn microseconds_are_for_spot_only() {
        let unit = |market| opening(market, "/stream?timeUnit=MICROSECOND").map(|open| open.unit);
        assert_eq!(unit(Market::BinanceSpot), Some(Unit::Micros));
        assert_eq!(unit(Market::BinanceUsdm), Some(Unit::Millis));
    }

    #[test]
    fn a_stream_is_served_on_its_own_route_only() {
        let cases = [
            (Market::BinanceSpot, "stream", "btcusdt@aggTrade", true),
            (Market::BinanceSpot, "stream", "btcusdt@depth@100ms", true),
            (Market::BinanceSpot, "stream", "btcusdt@depth@250ms", false),
            (Market::BinanceSpot, "stream", "btcusdt@depth20", true),
            (Market::BinanceSpot, "stream", "BTCUSDT@trade", false),
            (Market::BinanceSpot, "stream", "nosuch@trade", false),
            (Market::BinanceSpot, "stream", "btcusdt@books", false),
            (Market::BinanceSpot, "stream", "btcusdt", false),
            (Market::BinanceUsdm, "market", "btcusdt@aggTrade", true),
            (Market::BinanceUsdm, "public", "btcusdt@aggTrade", false),
            (Market::BinanceUsdm, "market", "btcusdt@depth", false),
            (Market::BinanceUsdm, "public", "btcusdt@depth@0ms", true),
            (Market::BinanceUsdm, "public", "btcusdt@depth5@0ms", false),
            (Market::BinanceUsdm, "public", "btcusdt@trade", true),
            (Market::BinanceUsdm, "private", "btcusdt@trade", false),
            (
                Market::BinanceSpot,
                "stream",
                "btcusdt@kline_1d@+08:00",
                true,
            ),
            (Market::BinanceSpot, "stream", "!miniTicker@arr", true),
            (Market::BinanceSpot, "stream", "!ticker@arr", false),
            (Market::BinanceUsdm, "market", "!ticker@arr", true),
            (Market::BinanceUsdm, "public", "!ticker@arr", false),
            (Market::BinanceUsdm, "public", "!bookTicker", true),
            (
                Market::BinanceUsdm,
                "market",
                "btcusdt_perpetual@continuousKline_1m",
                true,
            ),
            (
                Market::BinanceUsdm,
                "market",
                "btcusdt@continuousKline_1m",
                false,
            ),
            (Market::BinanceCoinm, "stream", "btcusd_perp@aggTrade", true),
            (Market::BinanceCoinm, "stream", "btcusd@aggTrade", false),
            (Market::BinanceCoinm, "stream", "btcusd@indexPrice", true),
            (Market::BinanceCoinm, "stream", "btcusd@markPrice@1s", true),
            (
                Market::BinanceCoinm,
                "stream",
                "btcusd_perp@markPriceKline_1m",
                true,
            ),
        ];
        for (market, route, name, served) in cases {
            let instruments = Instrument::defaults(market);
            let found = stream(market, route, &instruments, name);
            assert_eq!(found.is_some(), served, "{market} {route} {name}");
        }
    }
}
