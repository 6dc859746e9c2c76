//! The settings of a connection: plain data, checked once.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::time::Duration;

use super::backoff::Retry;
use super::heartbeat::{Heartbeat, Ping};
use super::io::Endpoint;
use super::quota::Quota;
use crate::ws::handshake::InvalidRequest;
use crate::ws::{Limits, deflate};

/// Everything that a connection can be told in advance; [`Connection::new`](super::Connection::new)
/// checks it.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where to dial.
    pub endpoint: Endpoint,
    /// Whether the path is whole.
    pub target: Target,
    /// Headers of the upgrade request beyond those that RFC 6455 asks for.
    pub headers: Vec<(String, String)>,
    /// What to offer of permessage-deflate, if anything.
    pub deflate: Option<deflate::Config>,
    /// The most that the peer can make us store.
    pub limits: Limits,
    /// How long a dial may take, TLS included.
    pub connect: Duration,
    /// How long the answer to the upgrade request may take.
    pub upgrade: Duration,
    /// How the peer's death is noticed.
    pub heartbeat: Heartbeat,
    /// How long an open connection may go without a message, or `None` for ever.
    pub data: Option<Duration>,
    /// How long the close handshake may take.
    pub close: Duration,
    /// The pace of dialling again.
    pub retry: Retry,
    /// Planned renewal, before the server cuts the connection.
    pub rotate: Option<Rotate>,
    /// How many frames may be sent on one socket: messages, pings and pongs together.
    pub messages: Option<Quota>,
    /// How many of `messages` are kept for pongs and pings.
    pub pong_reserve: u32,
    /// How many dials may be attempted.
    pub dials: Option<Quota>,
    /// Bytes that may wait to be written, the upgrade request included; control frames have room
    /// beyond them.
    pub transmit: usize,
}

/// What the upgrade request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// The path as it stands.
    Plain,
    /// The path with a secret in the place of its `*`. Somebody who holds the secrets is asked for it
    /// as soon as a socket is connected ([`Action::Sign`](super::Action::Sign)), and it goes into the
    /// bytes to write and nowhere else.
    Signed,
}

/// Planned renewal of a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rotate {
    /// The latest age of an open socket.
    pub after: Duration,
    /// Renewal comes up to this much earlier, drawn anew for each socket, so that those opened
    /// together do not leave together.
    pub spread: Duration,
    /// The first socket is renewed so much earlier: two connections that stand in for each other
    /// are then never renewed together.
    pub ahead: Duration,
}

impl Config {
    /// The defaults for an endpoint: 10 s for each step of dialling, a ping after 20 s of silence
    /// and the end after 30 s, 300 s without data, 5 s to close, 1 s to 300 s between dials.
    #[must_use]
    pub const fn new(endpoint: Endpoint) -> Self {
        Self {
            endpoint,
            target: Target::Plain,
            headers: Vec::new(),
            deflate: None,
            limits: Limits::DEFAULT,
            connect: Duration::from_secs(10),
            upgrade: Duration::from_secs(10),
            heartbeat: Heartbeat {
                probe_after: Duration::from_secs(20),
                silence_after: Duration::from_secs(30),
                ping: Ping::Frame,
            },
            data: Some(Duration::from_secs(300)),
            close: Duration::from_secs(5),
            retry: Retry {
                initial: Duration::from_secs(1),
                cap: Duration::from_secs(300),
                stable_after: Duration::from_secs(60),
                retry_after_cap: Duration::from_secs(3600),
            },
            rotate: None,
            messages: None,
            pong_reserve: 0,
            dials: None,
            transmit: 64 << 10,
        }
    }

    /// Why these settings cannot work, if they cannot.
    pub(super) fn check(&self) -> Result<(), ConfigError> {
        self.check_durations()?;
        self.check_quotas()?;
        if self.heartbeat.probe_after >= self.heartbeat.silence_after {
            return Err(ConfigError::ProbeAfterSilence);
        }
        if self.retry.initial > self.retry.cap {
            return Err(ConfigError::RetryBeyondCap);
        }
        if self.target == Target::Signed && !self.endpoint.path.contains('*') {
            return Err(ConfigError::Target);
        }
        if self
            .rotate
            .is_some_and(|rotate| rotate.spread.saturating_add(rotate.ahead) >= rotate.after)
        {
            return Err(ConfigError::SpreadBeyondRotation);
        }
        Ok(())
    }

    fn check_durations(&self) -> Result<(), ConfigError> {
        let positive = [
            ("connect", self.connect),
            ("upgrade", self.upgrade),
            ("heartbeat.probe_after", self.heartbeat.probe_after),
            ("heartbeat.silence_after", self.heartbeat.silence_after),
            ("data", self.data.unwrap_or(Duration::MAX)),
            ("close", self.close),
            ("retry.initial", self.retry.initial),
            ("retry.stable_after", self.retry.stable_after),
        ];
        match positive.iter().find(|(_, duration)| duration.is_zero()) {
            Some((name, _)) => Err(ConfigError::Zero(name)),
            None => Ok(()),
        }
    }

    fn check_quotas(&self) -> Result<(), ConfigError> {
        let quotas = [("messages", self.messages), ("dials", self.dials)];
        for (name, quota) in quotas {
            if quota.is_some_and(|quota| !quota.is_valid()) {
                return Err(ConfigError::Quota(name));
            }
        }
        match self.messages {
            Some(messages) if self.pong_reserve >= messages.count => Err(ConfigError::Reserve),
            Some(_) | None => Ok(()),
        }
    }
}

/// Why a configuration cannot work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ConfigError {
    /// This duration must be longer than nothing.
    Zero(&'static str),
    /// This quota has no period, or its count is not between 1 and [`Quota::MAX`].
    Quota(&'static str),
    /// The reserve for pongs leaves nothing of the message quota.
    Reserve,
    /// The ping would come after the end.
    ProbeAfterSilence,
    /// The first wait is longer than the longest.
    RetryBeyondCap,
    /// Rotation could come at once.
    SpreadBeyondRotation,
    /// A signed target has no `*` in its path, where the secret would go.
    Target,
    /// The upgrade request would not fit into what may wait to be written.
    Transmit,
    /// The upgrade request cannot be written.
    Request(InvalidRequest),
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Zero(name) => write!(f, "`{name}` must be longer than zero"),
            Self::Quota(name) => write!(
                f,
                "the quota `{name}` needs a period and a count from 1 to {}",
                Quota::MAX
            ),
            Self::Reserve => {
                f.write_str("`pong_reserve` must be less than the count of `messages`")
            }
            Self::ProbeAfterSilence => f.write_str(
                "`heartbeat.probe_after` must be shorter than `heartbeat.silence_after`",
            ),
            Self::RetryBeyondCap => {
                f.write_str("`retry.initial` must not be longer than `retry.cap`")
            }
            Self::SpreadBeyondRotation => f.write_str(
                "`rotate.spread` and `rotate.ahead` must be shorter than `rotate.after`",
            ),
            Self::Target => f.write_str("the path of a signed target needs a `*`"),
            Self::Transmit => f.write_str("`transmit` must have room for the upgrade request"),
            Self::Request(invalid) => write!(f, "{invalid}"),
        }
    }
}

impl core::error::Error for ConfigError {}
