//! The deadlines and limits of a session: the venue's profile, each of them open to change.

use alloc::collections::BTreeSet;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::stream::{Reached, Stream};
use crate::connection::{
    Config, ConfigError, Endpoint, Heartbeat, Ping, Quota, Retry, Rotate, Target,
};
use crate::market::Market;
use crate::plan::SessionPlan;
use crate::venue::{self, Profile, RequestError, RouteName};

/// The header of a frame that a client sends, at most (RFC 6455 section 5.2).
const FRAME: usize = 14;

/// What may wait to be written: more than the longest request that any venue takes.
const TRANSMIT: usize = 128 << 10;

/// Everything that a session can be told besides its plan.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The connection, with the plan's endpoint.
    pub connection: Config,
    /// The REST interface; its path stands before those of the venue.
    pub rest: Endpoint,
    /// Subscribe and unsubscribe requests that may be sent on one connection.
    pub requests: Quota,
    /// The size of a request in bytes, at most; what may wait to be written has to have room for
    /// one.
    pub request_bytes: usize,
    /// The deadlines of subscriptions.
    pub timing: Timing,
    /// How streams are come by that are served to holders of keys.
    pub access: Access,
    /// Where streams stood when they were last listened to: what they missed since is a gap before
    /// their first message. Streams that the session does not have are passed over.
    pub reached: Vec<Reached>,
}

/// How a session comes by streams that are served to holders of keys alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Access {
    /// The connection logs in, then they are asked for like others: OKX, and Binance spot with a key
    /// of the kind Ed25519.
    Login,
    /// One signed request is login and subscription: Binance spot with any other key.
    Subscription,
    /// The connection is the subscription, and a secret in its target the login: Binance's futures
    /// markets.
    Target,
}

impl Access {
    /// What the session's market asks for; on Binance spot, what every kind of key may do.
    fn of(plan: &SessionPlan) -> Self {
        match (plan.market, plan.route) {
            (Market::BinanceUsdm | Market::BinanceCoinm, RouteName::Private) => Self::Target,
            (Market::BinanceSpot, RouteName::Api) => Self::Subscription,
            _ => Self::Login,
        }
    }
}

/// The deadlines of subscriptions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Timing {
    /// An acknowledgement is due so long after the request.
    pub ack: Duration,
    /// After a refusal the acknowledgements of the other arguments of the same request may still
    /// come for so long (OKX acknowledges each argument by itself and refuses without naming one).
    pub settle: Duration,
    /// The first data is due so long after the acknowledgement at the latest; the profile sets
    /// shorter times for channels that speak at once.
    pub first_data: Duration,
    /// A live stream is not silent before this, however fast it usually speaks.
    pub silence_floor: Duration,
    /// A live stream is silent after this, however slowly it usually speaks.
    pub silence_cap: Duration,
    /// The wait before the second renewal of a stream; it doubles from one to the next.
    pub retry: Duration,
    /// The longest wait between two renewals of a stream.
    pub retry_cap: Duration,
    /// How often a stream is renewed without success before it counts as mute.
    pub attempts: u32,
    /// The first wait before a mute or refused stream is asked for again; it doubles.
    pub quarantine: Duration,
    /// The longest wait before a mute or refused stream is asked for again.
    pub quarantine_cap: Duration,
    /// A stream that has been live for so long has its troubles forgotten.
    pub stable_after: Duration,
}

impl Timing {
    /// 10 s for an acknowledgement, 300 s at most for the first data, silence after 10 s to
    /// 300 s, three renewals, then every 5 minutes to one hour.
    pub const DEFAULT: Self = Self {
        ack: Duration::from_secs(10),
        settle: Duration::from_secs(1),
        first_data: Duration::from_secs(300),
        silence_floor: Duration::from_secs(10),
        silence_cap: Duration::from_secs(300),
        retry: Duration::from_secs(1),
        retry_cap: Duration::from_secs(300),
        attempts: 3,
        quarantine: Duration::from_secs(300),
        quarantine_cap: Duration::from_secs(3600),
        stable_after: Duration::from_secs(60),
    };
}

impl Default for Timing {
    fn default() -> Self {
        Self::DEFAULT
    }
}

impl Settings {
    /// What the market's profile says.
    #[must_use]
    pub fn of(plan: &SessionPlan) -> Self {
        let profile = Profile::of(plan.market);
        Self {
            connection: connection(plan, &profile),
            rest: profile.rest(),
            requests: quota(profile.requests),
            request_bytes: profile.request_bytes,
            timing: Timing {
                ack: profile.ack_within,
                ..Timing::DEFAULT
            },
            access: Access::of(plan),
            reached: Vec::new(),
        }
    }

    pub(super) fn check(&self, plan: &SessionPlan) -> Result<(), SettingsError> {
        if !self.requests.is_valid() {
            return Err(SettingsError::Requests);
        }
        if self.request_bytes.saturating_add(FRAME) > self.connection.transmit {
            return Err(SettingsError::RequestBytes);
        }
        let Timing {
            ack,
            first_data,
            silence_floor,
            silence_cap,
            quarantine,
            quarantine_cap,
            ..
        } = self.timing;
        let positive = [
            ("ack", ack),
            ("first_data", first_data),
            ("silence_floor", silence_floor),
            ("silence_cap", silence_cap),
            ("quarantine", quarantine),
            ("quarantine_cap", quarantine_cap),
        ];
        if let Some((name, _)) = positive.iter().find(|(_, duration)| duration.is_zero()) {
            return Err(SettingsError::Zero(name));
        }
        if silence_floor > silence_cap {
            return Err(SettingsError::SilenceFloorBeyondCap);
        }
        let mut seen = BTreeSet::new();
        for stream in &plan.streams {
            self.check_stream(plan, stream)?;
            if !seen.insert((stream.channel, stream.instrument.to_ascii_uppercase())) {
                return Err(SettingsError::Twice(stream.clone()));
            }
        }
        match seen.is_empty() {
            true => Err(SettingsError::NoStream),
            false => Ok(()),
        }
    }

    fn check_stream(&self, plan: &SessionPlan, stream: &Stream) -> Result<(), SettingsError> {
        if self.access == Access::Target && !plan.market.is_asked_for(stream.channel) {
            return Ok(());
        }
        let error = match venue::encode(
            plan.market,
            venue::Operation::Unsubscribe,
            u64::MAX,
            [stream.subscription()],
            self.request_bytes,
            &mut alloc::string::String::new(),
        ) {
            Ok(_) if plan.market.route(stream.channel) == Some(plan.route) => return Ok(()),
            Ok(_) => RequestError::NotOffered(stream.channel),
            Err(error) => error,
        };
        let stream = stream.clone();
        Err(SettingsError::Stream { stream, error })
    }
}

fn connection(plan: &SessionPlan, profile: &Profile) -> Config {
    Config {
        heartbeat: Heartbeat {
            probe_after: profile.ping_after,
            silence_after: profile.dead_after,
            ping: match profile.ping {
                venue::Ping::Frame => Ping::Frame,
                venue::Ping::Text(ping) => Ping::Text { ping, pong: "pong" },
            },
        },
        // Where all streams may rightly be silent for hours, only the peer's own silence tells.
        data: match plan.streams.iter().all(|stream| stream.channel.is_sparse()) {
            true => None,
            false => Some(profile.data_within),
        },
        retry: Retry {
            initial: profile.retry.first,
            cap: profile.retry.longest,
            stable_after: profile.retry.stable_after,
            retry_after_cap: profile.retry.retry_after_cap,
        },
        // Sessions opened together are renewed over an eighth of their lives.
        rotate: profile.rotate_after.map(|after| Rotate {
            after,
            spread: after / 8,
            ahead: Duration::ZERO,
        }),
        messages: Some(quota(profile.frames)),
        pong_reserve: 1,
        dials: Some(quota(profile.dials)),
        transmit: TRANSMIT,
        target: match Access::of(plan) {
            Access::Target => Target::Signed,
            Access::Login | Access::Subscription => Target::Plain,
        },
        ..Config::new(plan.endpoint.clone())
    }
}

const fn quota(quota: venue::Quota) -> Quota {
    Quota {
        count: quota.count,
        per: quota.per,
    }
}

/// Why a session cannot be made.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SettingsError {
    /// The settings of the connection contradict each other.
    Connection(ConfigError),
    /// The quota of requests has no period, or its count is out of range.
    Requests,
    /// A request would not fit into what may wait to be written.
    RequestBytes,
    /// This duration must be longer than nothing.
    Zero(&'static str),
    /// A stream would be silent later than at the latest.
    SilenceFloorBeyondCap,
    /// There is nothing to subscribe to.
    NoStream,
    /// A stream stands there twice.
    Twice(Stream),
    /// A stream cannot be subscribed to on this endpoint.
    Stream {
        /// The stream.
        stream: Stream,
        /// Why.
        error: RequestError,
    },
}

impl From<ConfigError> for SettingsError {
    fn from(error: ConfigError) -> Self {
        Self::Connection(error)
    }
}

impl fmt::Display for SettingsError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Connection(error) => error.fmt(f),
            Self::Requests => {
                write!(
                    f,
                    "the quota `requests` needs a period and a count from 1 to {}",
                    Quota::MAX
                )
            }
            Self::RequestBytes => {
                f.write_str("`transmit` must have room for `request_bytes` and a header")
            }
            Self::Zero(name) => write!(f, "`{name}` must be longer than zero"),
            Self::SilenceFloorBeyondCap => {
                f.write_str("`silence_floor` must not be longer than `silence_cap`")
            }
            Self::NoStream => f.write_str("there is nothing to subscribe to"),
            Self::Twice(stream) => write!(f, "{stream} is wanted twice"),
            Self::Stream { stream, error } => write!(f, "{stream}: {error}"),
        }
    }
}

impl core::error::Error for SettingsError {}
