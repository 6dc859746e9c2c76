//! Endpoints, limits and habits of each market, as data.
//!
//! Where a comment says "documented", the source is the venue's own documentation; "observed"
//! marks what the venue does not document.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::connection::Endpoint;
use crate::market::{Channel, Content, DayStart, Interval, Market, Speed, Venue};

/// What a session has to know about a market. A plain value: copy it and change what differs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Profile {
    /// The market.
    pub market: Market,
    /// The endpoints, one connection at least for each that is needed.
    pub routes: &'static [Route],
    /// The host of the REST interface.
    pub rest_host: &'static str,
    /// How the client shows that it is alive.
    pub ping: Ping,
    /// Ping when nothing has been received for so long.
    pub ping_after: Duration,
    /// Give up when nothing has been received for so long.
    pub dead_after: Duration,
    /// Frames that may be sent on one connection, pongs counted.
    pub frames: Quota,
    /// Subscribe and unsubscribe requests that may be sent on one connection.
    pub requests: Quota,
    /// Dials from one IP address.
    pub dials: Quota,
    /// The size of a request in bytes, at most.
    pub request_bytes: usize,
    /// Streams on one connection, at most: below what the venue allows.
    pub streams: usize,
    /// An acknowledgement is due after so long.
    pub ack_within: Duration,
    /// Renew the connection after so long; `None` where the venue sets no limit.
    pub rotate_after: Option<Duration>,
    /// Control frames arrive but data does not: give up after so long.
    pub data_within: Duration,
    /// How to come back.
    pub retry: Retry,
}

/// One endpoint of a market.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route {
    /// Its name.
    pub name: RouteName,
    /// The venue's host.
    pub host: &'static str,
    /// Path of the upgrade request. Binance: the combined form, because `bookTicker` and
    /// `depth<N>` on spot do not say what they are without it. A `*` stands for a secret.
    pub path: &'static str,
}

/// The name of an endpoint.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RouteName {
    /// Binance spot and COIN-M: all streams.
    Stream,
    /// Binance USD-M `/public`; OKX `/public`.
    Public,
    /// Binance USD-M `/market`.
    Market,
    /// OKX `/business`.
    Business,
    /// The account's channels of USD-M, COIN-M and OKX.
    Private,
    /// Binance spot's WebSocket API, with the account's channel.
    Api,
}

/// How a client shows that it is alive.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Ping {
    /// A ping frame of the protocol.
    Frame,
    /// A text message with this text.
    Text(&'static str),
}

/// At most `count` in any window of length `per`.
///
/// Where a venue counts over a second or so, our window is half as long again: it counts what
/// arrives, and what was held up on the way arrives together with what follows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Quota {
    /// How many.
    pub count: u32,
    /// In how long.
    pub per: Duration,
}

/// Bounds of the backoff between dials.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Retry {
    /// The first wait.
    pub first: Duration,
    /// The longest wait of our own.
    pub longest: Duration,
    /// The backoff starts anew after so long of data.
    pub stable_after: Duration,
    /// `Retry-After` is honoured up to here.
    pub retry_after_cap: Duration,
}

impl Profile {
    /// The profile of a market.
    #[must_use]
    pub const fn of(market: Market) -> Self {
        match market {
            Market::BinanceSpot => BINANCE_SPOT,
            Market::BinanceUsdm => BINANCE_USDM,
            Market::BinanceCoinm => BINANCE_COINM,
            Market::Okx => OKX,
        }
    }

    /// The REST interface, by TLS on port 443.
    #[must_use]
    pub fn rest(&self) -> Endpoint {
        Endpoint {
            host: String::from(self.rest_host),
            port: 443,
            tls: true,
            path: String::new(),
        }
    }

    /// The endpoint that serves a channel, or `None` where the market does not offer it.
    #[must_use]
    pub fn route(&self, channel: Channel) -> Option<&'static Route> {
        let name = self.market.route(channel)?;
        self.routes.iter().find(|route| route.name == name)
    }

    /// How long after its acknowledgement a stream may stay silent before it counts as not
    /// subscribed: Binance acknowledges streams that do not exist. What may rightly be silent
    /// for longer than any of these proves itself when it speaks.
    #[must_use]
    pub const fn first_data_within(&self, channel: Channel) -> Duration {
        if channel.is_private() {
            // An account that does nothing is told nothing.
            return Duration::MAX;
        }
        if channel.is_sparse() {
            return SPARSE;
        }
        Duration::from_secs(match (channel.venue(), channel.content()) {
            // OKX sends the present state at once.
            (Venue::Okx, Content::Changes | Content::Top | Content::Tickers) => 10,
            // Sent at every interval, changed or not, on spot; on change on futures.
            (Venue::Binance, Content::Top) if matches!(channel, Channel::DepthPartial(..)) => 30,
            // OKX, "Index tickers channel": once a minute while nothing changes.
            (Venue::Okx, Content::IndexPrices) => 90,
            // Sent at an interval of seconds, changed or not.
            (_, Content::MarkPrices | Content::IndexPrices) => 30,
            // On change; a listed instrument is quoted all the time.
            (Venue::Binance, Content::Changes | Content::Top) => 60,
            // OKX, "Funding rate channel": every 30 to 90 seconds.
            (_, Content::Funding | Content::PriceLimits | Content::OpenInterest) => 180,
            // A thin instrument trades seldom.
            (
                _,
                Content::Trades
                | Content::Candles
                | Content::Tickers
                | Content::Liquidations
                | Content::Ratios
                | Content::Instruments
                | Content::Account,
            ) => 300,
        })
    }
}

impl Route {
    /// Where to dial, by TLS on port 443.
    #[must_use]
    pub fn endpoint(&self) -> Endpoint {
        Endpoint {
            host: String::from(self.host),
            port: 443,
            tls: true,
            path: String::from(self.path),
        }
    }
}

impl RouteName {
    /// The stable name, for configuration and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Stream => "stream",
            Self::Public => "public",
            Self::Market => "market",
            Self::Business => "business",
            Self::Private => "private",
            Self::Api => "api",
        }
    }
}

impl Market {
    /// The name of the endpoint that serves a channel, or `None` where no endpoint of the market
    /// does. On USD-M a stream asked for on the wrong endpoint is acknowledged and stays silent.
    ///
    /// Sources: "WebSocket Streams for Binance" (spot), "Important WebSocket Change Notice"
    /// (USD-M), "Websocket Market Streams" (COIN-M), "OKX API guide" v5.
    #[must_use]
    pub const fn route(self, channel: Channel) -> Option<RouteName> {
        match self {
            Self::BinanceSpot => spot_route(channel),
            Self::BinanceUsdm => usdm_route(channel),
            Self::BinanceCoinm => coinm_route(channel),
            Self::Okx => okx_route(channel),
        }
    }

    /// The families of channels that can be collected, in the order of [`Channel::all`].
    #[must_use]
    pub fn families(self) -> Vec<&'static str> {
        let mut families = Vec::new();
        for channel in Channel::all().filter(|&channel| self.route(channel).is_some()) {
            if !families.contains(&channel.family()) {
                families.push(channel.family());
            }
        }
        families
    }

    /// Whether a channel is asked for by a request on the connection. An account of Binance's futures
    /// markets is told by the connection itself, which a secret in its target has opened.
    #[must_use]
    pub const fn is_asked_for(self, channel: Channel) -> bool {
        !matches!(
            (self, channel),
            (Self::BinanceUsdm | Self::BinanceCoinm, Channel::UserData)
        )
    }

    /// Whether the channel can be collected: an endpoint serves it, or it is polled over REST.
    #[must_use]
    pub const fn offers(self, channel: Channel) -> bool {
        self.polls(channel) || self.route(channel).is_some()
    }

    /// Whether the channel is one of those that are polled over REST.
    #[must_use]
    pub const fn polls(self, channel: Channel) -> bool {
        match (self, channel.venue()) {
            (Self::BinanceSpot, Venue::Binance) => matches!(channel, Channel::ExchangeInfo),
            (Self::BinanceUsdm | Self::BinanceCoinm, Venue::Binance) | (Self::Okx, Venue::Okx) => {
                channel.is_polled()
            }
            (Self::BinanceSpot | Self::BinanceUsdm | Self::BinanceCoinm, Venue::Okx)
            | (Self::Okx, Venue::Binance) => false,
        }
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named is not offered"
)]
const fn spot_route(channel: Channel) -> Option<RouteName> {
    let offered = match channel {
        Channel::UserData => return Some(RouteName::Api),
        Channel::Trade
        | Channel::AggTrade
        | Channel::BlockTrade
        | Channel::BookTicker
        | Channel::Kline(..)
        | Channel::Ticker
        | Channel::MiniTicker
        | Channel::AllMiniTickers
        | Channel::WindowTicker(_)
        | Channel::AllWindowTickers(_)
        | Channel::AvgPrice => true,
        Channel::Depth(speed) | Channel::DepthPartial(_, speed) => {
            matches!(speed, Speed::Default | Speed::Ms100 | Speed::Ms1000)
        }
        _ => false,
    };
    if offered {
        Some(RouteName::Stream)
    } else {
        None
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named is not offered"
)]
const fn usdm_route(channel: Channel) -> Option<RouteName> {
    match channel {
        Channel::IndexPriceKline(_) | Channel::MarkPriceKline(_) | Channel::IndexPrice(_) => None,
        Channel::UserData => Some(RouteName::Private),
        _ if !is_of_futures(channel) => None,
        // `trade` is not documented there, and served.
        Channel::Trade
        | Channel::BookTicker
        | Channel::AllBookTickers
        | Channel::Depth(_)
        | Channel::DepthPartial(..)
        | Channel::RpiDepth(_) => Some(RouteName::Public),
        _ => Some(RouteName::Market),
    }
}

const fn coinm_route(channel: Channel) -> Option<RouteName> {
    if channel.is_private() && matches!(channel.venue(), Venue::Binance) {
        Some(RouteName::Private)
    } else if is_of_futures(channel) {
        Some(RouteName::Stream)
    } else {
        None
    }
}

/// What one or both of the futures markets stream.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named is not offered"
)]
const fn is_of_futures(channel: Channel) -> bool {
    match channel {
        Channel::Trade
        | Channel::AggTrade
        | Channel::BookTicker
        | Channel::AllBookTickers
        | Channel::Ticker
        | Channel::AllTickers
        | Channel::MiniTicker
        | Channel::AllMiniTickers
        | Channel::ForceOrder
        | Channel::AllForceOrders
        | Channel::ContractInfo => true,
        Channel::Kline(interval, DayStart::Utc)
        | Channel::ContinuousKline(interval)
        | Channel::IndexPriceKline(interval)
        | Channel::MarkPriceKline(interval) => !matches!(interval, Interval::S1),
        Channel::Depth(speed) => matches!(
            speed,
            Speed::Default | Speed::Ms0 | Speed::Ms100 | Speed::Ms250 | Speed::Ms500
        ),
        Channel::DepthPartial(_, speed) => matches!(
            speed,
            Speed::Default | Speed::Ms100 | Speed::Ms250 | Speed::Ms500
        ),
        Channel::RpiDepth(speed) => matches!(speed, Speed::Ms500),
        Channel::MarkPrice(speed) | Channel::AllMarkPrices(speed) | Channel::IndexPrice(speed) => {
            matches!(speed, Speed::Default | Speed::S1)
        }
        _ => false,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "what is not named is not offered"
)]
const fn okx_route(channel: Channel) -> Option<RouteName> {
    match channel {
        Channel::TradesAll | Channel::Candle(..) => Some(RouteName::Business),
        _ if matches!(channel.venue(), Venue::Okx) && channel.is_private() => {
            Some(RouteName::Private)
        }
        // Bars of a second are of trades alone.
        Channel::MarkPriceCandle(Interval::S1, _) | Channel::IndexCandle(Interval::S1, _) => None,
        Channel::MarkPriceCandle(..) | Channel::IndexCandle(..) => Some(RouteName::Business),
        _ if matches!(channel.venue(), Venue::Okx) && !channel.is_polled() => {
            Some(RouteName::Public)
        }
        _ => None,
    }
}

/// As long as a connection lives at the most: with the next one everything is asked for anew.
const SPARSE: Duration = Duration::from_secs(24 * 3600);

const RETRY: Retry = Retry {
    first: Duration::from_secs(1),
    longest: Duration::from_secs(300),
    stable_after: Duration::from_secs(60),
    // A Binance ban lasts from 2 minutes to 3 days (documented).
    retry_after_cap: Duration::from_secs(3 * 24 * 3600),
};

const BINANCE_SPOT: Profile = Profile {
    market: Market::BinanceSpot,
    routes: &[
        Route {
            name: RouteName::Stream,
            host: "stream.binance.com",
            path: "/stream",
        },
        Route {
            name: RouteName::Api,
            host: "ws-api.binance.com",
            path: "/ws-api/v3",
        },
    ],
    rest_host: "api.binance.com",
    ping: Ping::Frame,
    // The server pings every 20 s (documented), so silence is noticed before we need to ask.
    ping_after: Duration::from_secs(25),
    dead_after: Duration::from_secs(35),
    // Documented: 5 a second, each ping, pong and request counted; beyond it disconnected.
    frames: Quota {
        count: 4,
        per: Duration::from_millis(1500),
    },
    requests: Quota {
        count: 4,
        per: Duration::from_millis(1500),
    },
    // Documented: 300 in 5 minutes for each IP address.
    dials: Quota {
        count: 280,
        per: Duration::from_secs(300),
    },
    // Observed: frames of 4088 bytes pass, of 4106 are ignored.
    request_bytes: 4000,
    // Documented: 1024.
    streams: 200,
    ack_within: Duration::from_secs(10),
    // Documented: cut after 24 hours.
    rotate_after: Some(Duration::from_secs(23 * 3600)),
    data_within: Duration::from_secs(300),
    retry: RETRY,
};

const BINANCE_USDM: Profile = Profile {
    market: Market::BinanceUsdm,
    routes: &[
        Route {
            name: RouteName::Public,
            host: "fstream.binance.com",
            path: "/public/stream",
        },
        Route {
            name: RouteName::Market,
            host: "fstream.binance.com",
            path: "/market/stream",
        },
        // Nothing is told that is not named, the end of the key included.
        Route {
            name: RouteName::Private,
            host: "fstream.binance.com",
            path: "/private/ws?listenKey=*&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE/listenKeyExpired",
        },
    ],
    rest_host: "fapi.binance.com",
    ping: Ping::Frame,
    // The server pings every 3 minutes only (documented), so we ask.
    ping_after: Duration::from_secs(20),
    dead_after: Duration::from_secs(30),
    // Documented: 10 a second.
    frames: Quota {
        count: 8,
        per: Duration::from_millis(1500),
    },
    requests: Quota {
        count: 8,
        per: Duration::from_millis(1500),
    },
    // Not documented for futures; the number of spot.
    dials: Quota {
        count: 280,
        per: Duration::from_secs(300),
    },
    // As on spot.
    request_bytes: 4000,
    // Documented: 1024 since 2025-07-02, 200 before.
    streams: 200,
    ack_within: Duration::from_secs(10),
    // Documented: cut after 24 hours.
    rotate_after: Some(Duration::from_secs(23 * 3600)),
    data_within: Duration::from_secs(300),
    retry: RETRY,
};

const BINANCE_COINM: Profile = Profile {
    market: Market::BinanceCoinm,
    routes: &[
        Route {
            name: RouteName::Stream,
            host: "dstream.binance.com",
            path: "/stream",
        },
        Route {
            name: RouteName::Private,
            host: "dstream.binance.com",
            path: "/ws/*",
        },
    ],
    rest_host: "dapi.binance.com",
    // All else as on USD-M, by the documents of both.
    ..BINANCE_USDM
};

const OKX: Profile = Profile {
    market: Market::Okx,
    // Port 8443 stopped accepting WebSocket on 2026-10-31 (announced).
    routes: &[
        Route {
            name: RouteName::Public,
            host: "ws.okx.com",
            path: "/ws/v5/public",
        },
        Route {
            name: RouteName::Business,
            host: "ws.okx.com",
            path: "/ws/v5/business",
        },
        Route {
            name: RouteName::Private,
            host: "ws.okx.com",
            path: "/ws/v5/private",
        },
    ],
    rest_host: "openapi.okx.com",
    ping: Ping::Text("ping"),
    // Documented: closed with 4004 when nothing was pushed for 30 s.
    ping_after: Duration::from_secs(20),
    dead_after: Duration::from_secs(30),
    // No limit on frames is documented; a courtesy.
    frames: Quota {
        count: 10,
        per: Duration::from_secs(1),
    },
    // Documented: 480 an hour for each connection; a request counts once however many arguments
    // it has, and the text ping does not count.
    requests: Quota {
        count: 470,
        per: Duration::from_secs(3600),
    },
    // Documented: 3 a second for each IP address.
    dials: Quota {
        count: 2,
        per: Duration::from_millis(1500),
    },
    // Documented: 64 KB for all channels of a request, else closed with 1009.
    request_bytes: 60_000,
    // Limits exist (4008, 4009) but are not published; fewer than 30 of the 400-level books on
    // one connection are recommended.
    streams: 100,
    ack_within: Duration::from_secs(10),
    // No lifetime is documented.
    rotate_after: None,
    data_within: Duration::from_secs(300),
    retry: RETRY,
};

#[cfg(test)]
mod tests {
    use super::*;
    use crate::connection::{self, Window};
    use crate::time::Time;
    use alloc::borrow::ToOwned;
    use alloc::collections::BTreeSet;
    use alloc::format;
    use alloc::string::ToString;

    #[test]
    fn every_market_offers_what_it_should_and_on_the_right_route() {
        let table = [
            (Market::BinanceSpot, "trade", Some(RouteName::Stream)),
            (Market::BinanceSpot, "depth@100ms", Some(RouteName::Stream)),
            (Market::BinanceSpot, "depth@500ms", None),
            (Market::BinanceSpot, "depth@0ms", None),
            (
                Market::BinanceSpot,
                "depth20@100ms",
                Some(RouteName::Stream),
            ),
            (Market::BinanceSpot, "trades", None),
            (Market::BinanceUsdm, "aggTrade", Some(RouteName::Market)),
            (Market::BinanceUsdm, "trade", Some(RouteName::Public)),
            (Market::BinanceUsdm, "bookTicker", Some(RouteName::Public)),
            (Market::BinanceUsdm, "depth@0ms", Some(RouteName::Public)),
            (Market::BinanceUsdm, "depth5@0ms", None),
            (Market::BinanceUsdm, "depth5@500ms", Some(RouteName::Public)),
            (Market::BinanceUsdm, "depth@1000ms", None),
            (Market::Okx, "books", Some(RouteName::Public)),
            (Market::Okx, "books-l2-tbt", Some(RouteName::Public)),
            (Market::Okx, "books50-l2-tbt", Some(RouteName::Public)),
            (Market::Okx, "bbo-tbt", Some(RouteName::Public)),
            (Market::Okx, "depth", None),
        ];
        for (market, channel, route) in table {
            let channel: Channel = channel.parse().unwrap();
            assert_eq!(market.route(channel), route, "{market} {channel}");
            let found = Profile::of(market).route(channel).map(|route| route.name);
            assert_eq!(found, route, "{market} {channel}");
        }
    }

    #[test]
    fn every_channel_is_offered_by_some_market_but_at_speeds_that_none_has() {
        let unoffered = Channel::all()
            .filter(|&channel| !Market::ALL.into_iter().any(|market| market.offers(channel)))
            .map(|channel| channel.to_string())
            .collect::<Vec<_>>();
        let speeds = |stem: &str, none: &[Speed]| {
            let named = none.iter().map(|speed| format!("{stem}{}", speed.suffix()));
            named.collect::<Vec<_>>()
        };
        let prices = [
            Speed::Ms0,
            Speed::Ms100,
            Speed::Ms250,
            Speed::Ms500,
            Speed::Ms1000,
        ];
        let rpi = [
            Speed::Default,
            Speed::Ms0,
            Speed::Ms100,
            Speed::Ms250,
            Speed::Ms1000,
            Speed::S1,
        ];
        let mut expected = speeds("depth", &[Speed::S1]);
        expected.extend(speeds("rpiDepth", &rpi));
        for stem in ["depth5", "depth10", "depth20"] {
            expected.extend(speeds(stem, &[Speed::Ms0, Speed::S1]));
        }
        for stem in ["markPrice", "!markPrice@arr", "indexPrice"] {
            expected.extend(speeds(stem, &prices));
        }
        for name in [
            "continuousKline_1s",
            "indexPriceKline_1s",
            "markPriceKline_1s",
            "mark-price-candle1s",
            "index-candle1s",
        ] {
            expected.push(name.to_owned());
        }
        assert_eq!(
            unoffered.into_iter().collect::<BTreeSet<_>>(),
            expected.into_iter().collect::<BTreeSet<_>>()
        );
    }

    #[test]
    fn every_profile_stays_below_the_documented_limits() {
        let spot = Profile::of(Market::BinanceSpot);
        assert!(spot.frames.count < 5 && spot.dials.count < 300 && spot.streams < 1024);
        let usdm = Profile::of(Market::BinanceUsdm);
        assert!(usdm.frames.count < 10 && usdm.request_bytes < 4088 && usdm.streams < 1024);
        let okx = Profile::of(Market::Okx);
        assert!(okx.requests.count < 480 && okx.dials.count < 3 && okx.request_bytes < 64_000);
        for market in Market::ALL {
            let profile = Profile::of(market);
            assert_eq!(profile.market, market);
            assert!(profile.ping_after < profile.dead_after);
        }
    }

    #[test]
    fn a_limit_by_the_second_holds_though_some_are_held_up_on_the_way() {
        let (spot, usdm) = (
            Profile::of(Market::BinanceSpot),
            Profile::of(Market::BinanceUsdm),
        );
        let dials = Profile::of(Market::Okx).dials;
        for (Quota { count, per }, documented) in [(spot.frames, 5), (usdm.frames, 10), (dials, 3)]
        {
            let mut window = Window::new(Some(connection::Quota { count, per }));
            let mut arrivals = Vec::new();
            for millis in 0..10_000 {
                let now = Time::from_nanos(millis * 1_000_000);
                while window.free_at(now, 0) <= now {
                    window.spend(now);
                    // What comes first is held up the longest.
                    let delay = if arrivals.len() % (2 * count as usize) < count as usize {
                        450
                    } else {
                        0
                    };
                    arrivals.push(millis + delay);
                }
            }
            arrivals.sort_unstable();
            let most = arrivals.windows(documented + 1);
            assert!(most.clone().count() > 0);
            for more in most {
                assert!(more[documented] - more[0] >= 1000, "{count}: {more:?}");
            }
        }
    }
}
