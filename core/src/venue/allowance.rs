//! What requests over REST draw on: the venues' limits for one IP address.

use core::time::Duration;

use super::profile::Quota;

/// A group of requests that a venue counts together, for each IP address that they come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Allowance {
    /// Binance spot: weight.
    BinanceSpot,
    /// Binance USD-M and COIN-M, which share one: weight.
    BinanceFutures,
    /// Binance `/futures/data/`, statistics of both: requests.
    BinanceStatistics,
    /// OKX `market/books`: requests.
    OkxBooks,
    /// OKX `market/history-trades`: requests.
    OkxTrades,
    /// OKX `public/instruments`: requests.
    OkxInstruments,
    /// OKX `rubik/stat/`: requests. The venue counts each path and instrument by itself; a
    /// courtesy that lies below.
    OkxStatistics,
}

/// Those who bar an address altogether, and not for one kind of request alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Site {
    /// Binance spot.
    BinanceSpot,
    /// Binance USD-M and COIN-M.
    BinanceFutures,
    /// OKX.
    Okx,
}

impl Allowance {
    /// Each of them.
    pub const ALL: [Self; 7] = [
        Self::BinanceSpot,
        Self::BinanceFutures,
        Self::BinanceStatistics,
        Self::OkxBooks,
        Self::OkxTrades,
        Self::OkxInstruments,
        Self::OkxStatistics,
    ];

    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BinanceSpot => "binance-spot",
            Self::BinanceFutures => "binance-futures",
            Self::BinanceStatistics => "binance-statistics",
            Self::OkxBooks => "okx-books",
            Self::OkxTrades => "okx-trades",
            Self::OkxInstruments => "okx-instruments",
            Self::OkxStatistics => "okx-statistics",
        }
    }

    /// What we grant ourselves: two thirds to three quarters of what is documented, because
    /// others may share the address and what is held up on the way arrives together.
    #[must_use]
    pub const fn quota(self) -> Quota {
        let (count, millis) = match self {
            // 6000 weight in a minute (`rateLimits` of exchangeInfo).
            Self::BinanceSpot => (4000, 60_000),
            // 2400 weight in a minute.
            Self::BinanceFutures => (1600, 60_000),
            // 1000 requests in 5 minutes.
            Self::BinanceStatistics => (700, 300_000),
            // 40 requests in 2 seconds.
            Self::OkxBooks => (30, 3_000),
            // 20 requests in 2 seconds.
            Self::OkxTrades | Self::OkxInstruments => (15, 3_000),
            // 5 requests in 2 seconds.
            Self::OkxStatistics => (4, 3_000),
        };
        Quota {
            count,
            per: Duration::from_millis(millis),
        }
    }

    /// How fast we spend it, so that not all that is wanted at once leaves at once: a quarter in
    /// a sixth of the time.
    #[must_use]
    pub const fn pace(self) -> Quota {
        let Quota { count, per } = self.quota();
        let Some(per) = per.checked_div(6) else {
            return Quota { count, per };
        };
        Quota {
            count: count.div_ceil(4),
            per,
        }
    }

    /// Whether the venue's count of weight, told in the head of its answers
    /// (`X-MBX-USED-WEIGHT-1M`), is about this.
    #[must_use]
    pub const fn is_told(self) -> bool {
        matches!(self, Self::BinanceSpot | Self::BinanceFutures)
    }

    /// Who bars the address.
    #[must_use]
    pub const fn site(self) -> Site {
        match self {
            Self::BinanceSpot => Site::BinanceSpot,
            Self::BinanceFutures | Self::BinanceStatistics => Site::BinanceFutures,
            Self::OkxBooks | Self::OkxTrades | Self::OkxInstruments | Self::OkxStatistics => {
                Site::Okx
            }
        }
    }
}
