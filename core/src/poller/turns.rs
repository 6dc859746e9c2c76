//! When questions come round.

use core::fmt;
use core::time::Duration;

use crate::connection::Endpoint;
use crate::market::{Channel, Content, Market};
use crate::session::Stream;
use crate::time::UnixNanos;
use crate::venue::{Profile, RequestError};

/// How often a poller asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollSettings {
    /// The REST interface; its path stands before those of the venue.
    pub rest: Endpoint,
    /// Open interest is asked for once in so long.
    pub open_interest: Duration,
    /// Ratios of five minutes are asked for so long after the end of each.
    pub ratios_after: Duration,
    /// The list of instruments is asked for once in so long.
    pub instruments: Duration,
}

impl PollSettings {
    /// What a market's profile says: open interest every 30 s, ratios 20 s after the end of their
    /// five minutes, instruments every hour.
    #[must_use]
    pub fn of(market: Market) -> Self {
        Self {
            rest: Profile::of(market).rest(),
            open_interest: Duration::from_secs(30),
            ratios_after: Duration::from_secs(20),
            instruments: Duration::from_secs(3600),
        }
    }

    /// When a channel is asked for.
    #[must_use]
    pub const fn turns(&self, channel: Channel) -> Turns {
        match channel.content() {
            Content::Ratios => Turns::Aligned {
                period: Duration::from_secs(300),
                after: self.ratios_after,
            },
            Content::Instruments => Turns::Every(self.instruments),
            Content::Trades
            | Content::Changes
            | Content::Top
            | Content::Candles
            | Content::Tickers
            | Content::MarkPrices
            | Content::IndexPrices
            | Content::Funding
            | Content::PriceLimits
            | Content::OpenInterest
            | Content::Liquidations
            | Content::Account => Turns::Every(self.open_interest),
        }
    }
}

/// When a question comes round.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Turns {
    /// Once in so long.
    Every(Duration),
    /// So long after the end of each period of UTC.
    Aligned {
        /// The period.
        period: Duration,
        /// How long after its end.
        after: Duration,
    },
}

impl Turns {
    /// From an answer to the next question.
    pub(super) fn wait(self, received: UnixNanos, jitter: Duration) -> Duration {
        match self {
            Self::Every(period) => period.saturating_sub(jitter.min(period / 10)),
            Self::Aligned { period, after } => {
                let nanos = u64::try_from(period.as_nanos()).unwrap_or(u64::MAX).max(1);
                let into = Duration::from_nanos(received.as_nanos() % nanos);
                period.saturating_sub(into) + after + jitter
            }
        }
    }
}

impl fmt::Display for Turns {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Every(period) => write!(f, "every {} s", period.as_secs()),
            Self::Aligned { period, after } => {
                write!(
                    f,
                    "{} s after every {} s",
                    after.as_secs(),
                    period.as_secs()
                )
            }
        }
    }
}

/// Why a poller cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PollError {
    /// This period must be longer than nothing.
    Zero(&'static str),
    /// A stream is no question to the venue.
    Stream(Stream, RequestError),
}

impl fmt::Display for PollError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero(name) => write!(f, "`{name}` must be longer than zero"),
            Self::Stream(stream, error) => write!(f, "{stream}: {error}"),
        }
    }
}

impl core::error::Error for PollError {}
