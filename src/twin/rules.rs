//! The rules of a market's servers: who pings, what is too much, when a connection ends.

use std::collections::VecDeque;
use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::market::Market;

use super::news::BEAT;

/// What a market's servers do and forbid. [`Rules::of`] has the documented values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rules {
    /// Pings of the server's own, if it sends any.
    pub ping: Option<Ping>,
    /// A connection to which nothing was pushed for so long is closed (OKX code 4004).
    pub idle: Option<Duration>,
    /// A connection is cut after so long.
    pub lifetime: Option<Duration>,
    /// How many frames a client may send, pongs and pings counted.
    pub frames: Option<Allowance>,
    /// How many requests a client may send on one connection.
    pub requests: Option<Allowance>,
    /// How many connections may be opened.
    pub connects: Option<Allowance>,
    /// How much weight REST requests may have in all; OKX: how many snapshots may be asked for.
    pub weight: Option<Allowance>,
    /// How many statistics may be asked for over REST; OKX: of each kind.
    pub statistics: Option<Allowance>,
    /// How long those are banned from REST who go on although they are refused.
    pub ban: Option<Duration>,
    /// How long a `listenKey` is valid that is not renewed (Binance's futures markets).
    pub listen_key: Duration,
    /// By what the rhythms of streams are divided that speak at one.
    pub hurry: u32,
    /// Between the notice of a shutdown and the cut.
    pub notice: Duration,
    /// How long the server waits for a request after the connection was opened, and for the
    /// client's close frame after its own.
    pub patience: Duration,
    /// Bytes that wait for a slow client before it is dropped (OKX code 4005).
    pub backlog: usize,
}

/// Pings of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ping {
    /// How often.
    pub every: Duration,
    /// How long it waits for a pong with the same payload.
    pub within: Duration,
}

/// So many in any span of this length.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Allowance {
    /// How many.
    pub count: u32,
    /// In which span.
    pub per: Duration,
}

impl Allowance {
    const fn new(count: u32, per: Duration) -> Option<Self> {
        Some(Self { count, per })
    }
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(60 * 60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);
/// The shortest of Binance's bans; the longest is of three days.
const BAN: Duration = Duration::from_secs(2 * 60);
const BACKLOG: usize = 4 << 20;

impl Rules {
    /// The documented rules of a market.
    #[must_use]
    pub const fn of(market: Market) -> Self {
        match market {
            Market::BinanceSpot => Self::BINANCE_SPOT,
            Market::BinanceUsdm | Market::BinanceCoinm => Self::BINANCE_USDM,
            Market::Okx => Self::OKX,
        }
    }

    /// "WebSocket Streams for Binance", general information and limits; REST "Limits".
    const BINANCE_SPOT: Self = Self {
        ping: Some(Ping {
            every: Duration::from_secs(20),
            within: MINUTE,
        }),
        idle: None,
        lifetime: Some(DAY),
        frames: Allowance::new(5, SECOND),
        requests: None,
        connects: Allowance::new(300, Duration::from_secs(5 * 60)),
        weight: Allowance::new(6000, MINUTE),
        statistics: None,
        ban: Some(BAN),
        listen_key: HOUR,
        hurry: 1,
        notice: Duration::from_secs(30),
        patience: Duration::from_secs(10),
        backlog: BACKLOG,
    };

    /// "USDⓈ-M Futures WebSocket Market Streams"; COIN-M has the same. No limit of connects is documented there.
    const BINANCE_USDM: Self = Self {
        ping: Some(Ping {
            every: Duration::from_secs(3 * 60),
            within: Duration::from_secs(10 * 60),
        }),
        frames: Allowance::new(10, SECOND),
        weight: Allowance::new(2400, MINUTE),
        statistics: Allowance::new(1000, Duration::from_secs(5 * 60)),
        ..Self::BINANCE_SPOT
    };

    /// OKX API guide, "WebSocket" (connect, notification), "Get order book" (40 in 2 s), "Trading
    /// Statistics" (5 in 2 s).
    const OKX: Self = Self {
        ping: None,
        idle: Some(Duration::from_secs(30)),
        lifetime: None,
        frames: None,
        requests: Allowance::new(480, HOUR),
        connects: Allowance::new(3, SECOND),
        weight: Allowance::new(40, Duration::from_secs(2)),
        statistics: Allowance::new(5, Duration::from_secs(2)),
        ban: None,
        listen_key: HOUR,
        hurry: 1,
        notice: MINUTE,
        patience: Duration::from_secs(10),
        backlog: BACKLOG,
    };

    /// The same rules with every time but the spans of allowances `factor` times shorter, so
    /// that a day's life can be watched in minutes.
    #[must_use]
    pub fn compressed(self, factor: u32) -> Self {
        let shorter = |span: Duration| span / factor.max(1);
        Self {
            ping: self.ping.map(|ping| Ping {
                every: shorter(ping.every),
                within: shorter(ping.within),
            }),
            idle: self.idle.map(shorter),
            lifetime: self.lifetime.map(shorter),
            ban: self.ban.map(shorter),
            listen_key: shorter(self.listen_key),
            hurry: self.hurry.saturating_mul(factor.max(1)),
            notice: shorter(self.notice),
            patience: shorter(self.patience),
            ..self
        }
    }
}

impl Rules {
    /// How often a stream speaks whose documented rhythm this is: with whole beats, one at least.
    pub(super) fn rhythm(&self, documented: Duration) -> Duration {
        let hurried = documented / self.hurry.max(1);
        let beats = u32::try_from(hurried.as_nanos() / BEAT.as_nanos()).unwrap_or(u32::MAX);
        BEAT * beats.max(1)
    }
}

/// What has been used of an [`Allowance`]: a rolling window.
#[derive(Clone, Debug, Default)]
pub(super) struct Window(VecDeque<(Time, u32)>);

/// Whether something is within its allowance.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    Within,
    /// Too much; room will be so much later.
    Beyond(Duration),
}

impl Window {
    /// Counts one more.
    pub(super) fn count(&mut self, now: Time, allowed: Option<Allowance>) -> Verdict {
        self.weigh(now, 1, allowed)
    }

    /// Counts something of this weight, unless it is too much.
    pub(super) fn weigh(&mut self, now: Time, weight: u32, allowed: Option<Allowance>) -> Verdict {
        let Some(Allowance { count, per }) = allowed else {
            return Verdict::Within;
        };
        self.0.retain(|(at, _)| now.since(*at) < per);
        let used = self.used();
        if u64::from(used) + u64::from(weight) > u64::from(count) {
            let oldest = self.0.front().map_or(now, |(at, _)| *at);
            return Verdict::Beyond((oldest + per).since(now));
        }
        self.0.push_back((now, weight));
        Verdict::Within
    }

    pub(super) fn used(&self) -> u32 {
        self.0.iter().map(|(_, weight)| weight).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(millis: u64) -> Time {
        Time::ZERO + Duration::from_millis(millis)
    }

    #[test]
    fn an_allowance_holds_in_every_span_of_its_length() {
        let allowed = Allowance::new(2, SECOND);
        let mut window = Window::default();
        assert_eq!(window.count(at(0), allowed), Verdict::Within);
        assert_eq!(window.count(at(900), allowed), Verdict::Within);
        let beyond = Verdict::Beyond(Duration::from_millis(10));
        assert_eq!(window.count(at(990), allowed), beyond);
        assert_eq!(window.count(at(1000), allowed), Verdict::Within);
        assert!(matches!(
            window.count(at(1001), allowed),
            Verdict::Beyond(_)
        ));
        assert_eq!(window.count(at(1001), None), Verdict::Within);
    }

    #[test]
    fn rhythms_are_hurried_but_for_less_than_a_beat() {
        let rules = Rules::of(Market::Okx);
        let second = Duration::from_secs(1);
        assert_eq!(rules.rhythm(second * 30), second * 30);
        assert_eq!(rules.compressed(20).rhythm(second * 30), second * 3 / 2);
        let rules = Rules::of(Market::Okx).compressed(20);
        assert_eq!([rules.rhythm(second), rules.rhythm(second * 6)], [BEAT; 2]);
    }

    #[test]
    fn compressed_rules_keep_their_allowances() {
        let rules = Rules::of(Market::BinanceSpot).compressed(20);
        assert_eq!(rules.ping.map(|ping| ping.every), Some(SECOND));
        assert_eq!(rules.frames, Rules::of(Market::BinanceSpot).frames);
        assert_eq!(Rules::of(Market::Okx).compressed(0), Rules::of(Market::Okx));
    }
}
