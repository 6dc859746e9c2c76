//! What a log begins with: everything that is needed to make the same sessions again.

use std::str::FromStr;

use marketprism_core::UnixNanos;
use marketprism_core::connection::{
    Config, Endpoint, Heartbeat, Ping, Quota, Retry, Rotate, Target,
};
use marketprism_core::market::{Channel, Market};
use marketprism_core::plan::{PollPlan, SessionPlan, Told};
use marketprism_core::poller::{PollError, PollSettings, Poller};
use marketprism_core::session::{
    Access, Reached, Session, Settings, SettingsError, Stream, Timing,
};
use marketprism_core::venue::{self, Profile, RouteName};
use marketprism_core::ws::{Limits, deflate};

use super::wire::{Bytes, Flaw, Put, Take, codes, fields, put_fields};

/// What may wait to be written in all sessions together, requests included: far more than any
/// configuration can ask for, and little enough to be granted to a file from anywhere.
const WAITING_MAX: usize = 1 << 30;

/// What one peer can make a session store, at the most.
const STORED_MAX: usize = 64 << 20;

/// A recorded fleet.
#[derive(Clone, Debug)]
pub struct Fleet {
    /// The version of the program that recorded it.
    pub program: String,
    /// The runtime that moved the bytes.
    pub runtime: String,
    /// The wall-clock time at the origin of the monotonic clock.
    pub zero: UnixNanos,
    /// Its sessions, in the order of their numbers.
    pub sessions: Vec<Recorded>,
    /// Its pollers, whose numbers go on from there.
    pub pollers: Vec<RecordedPoller>,
}

/// One recorded poller: what it was made of.
#[derive(Clone, Debug)]
pub struct RecordedPoller {
    /// What it asks for.
    pub plan: PollPlan,
    /// When, and where.
    pub settings: PollSettings,
    /// What its waits were drawn from.
    pub seed: [u8; 32],
}

impl RecordedPoller {
    /// The poller, as it was before anything happened.
    ///
    /// # Errors
    ///
    /// Its settings contradict each other, which no recorded poller's do.
    pub fn poller(&self) -> Result<Poller, PollError> {
        Poller::new(self.plan.clone(), &self.settings, self.seed)
    }
}

/// One recorded session: what it was made of.
///
/// Headers of the upgrade request are not kept. They may hold keys, and no configuration has any.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Where it connects and what it subscribes to.
    pub plan: SessionPlan,
    /// Its deadlines and limits.
    pub settings: Settings,
    /// What its masks, keys and waits were drawn from.
    pub seed: [u8; 32],
}

impl Recorded {
    /// The session, as it was before anything happened.
    ///
    /// # Errors
    ///
    /// Its settings contradict each other, which no recorded session's do.
    pub fn session(&self) -> Result<Session, SettingsError> {
        Session::new(self.plan.clone(), self.settings.clone(), self.seed)
    }

    /// Whether it keeps within what a reader grants.
    const fn is_moderate(&self) -> bool {
        let Limits {
            max_message,
            max_frame,
            max_handshake,
            ..
        } = self.settings.connection.limits;
        max_message <= STORED_MAX && max_frame <= STORED_MAX && max_handshake <= STORED_MAX
    }

    const fn waiting(&self) -> usize {
        let Settings {
            connection,
            request_bytes,
            ..
        } = &self.settings;
        connection.transmit.saturating_add(*request_bytes)
    }
}

impl Fleet {
    /// Reads a whole block.
    pub(super) fn read(block: &[u8]) -> Result<Self, Flaw> {
        let mut bytes = Bytes::new(block);
        let fleet = Self::take(&mut bytes)?;
        if !bytes.is_empty() {
            return Err(Flaw("goes on behind its end"));
        }
        let waiting = fleet.sessions.iter().map(Recorded::waiting);
        let waiting = waiting.fold(0, usize::saturating_add);
        if waiting > WAITING_MAX || !fleet.sessions.iter().all(Recorded::is_moderate) {
            return Err(Flaw("asks for too much memory"));
        }
        Ok(fleet)
    }
}

fields! {
    Fleet { program, runtime, zero, sessions, pollers }
    RecordedPoller { plan, settings, seed }
    PollPlan { name, market, streams, expected, told }
    PollSettings { rest, open_interest, ratios_after, instruments }
    Recorded { plan, settings, seed }
    SessionPlan { name, market, route, endpoint, streams }
    Stream { instrument, channel }
    Settings { connection, rest, requests, request_bytes, timing, access, reached }
    Reached { stream, last, exchange_time, heard }
    Timing {
        ack, settle, first_data, silence_floor, silence_cap, retry, retry_cap, attempts,
        quarantine, quarantine_cap, stable_after,
    }
    Endpoint { host, port, tls, path }
    Heartbeat { probe_after, silence_after, ping }
    Retry { initial, cap, stable_after, retry_after_cap }
    Rotate { after, spread, ahead }
    Quota { count, per }
    Limits { max_message, max_frame, max_fragments, max_handshake }
    deflate::Config { ours, theirs }
    deflate::Side { context, window_bits }
}

codes! {
    Told { Expected = 0, All = 1 }
    Target { Plain = 0, Signed = 1 }
    Access { Login = 0, Subscription = 1, Target = 2 }
    deflate::Context { Takeover = 0, Fresh = 1 }
    RouteName { Stream = 0, Public = 1, Market = 2, Business = 3, Private = 4, Api = 5 }
}

impl Put for Config {
    fn put(&self, out: &mut Vec<u8>) {
        let Self {
            endpoint,
            target,
            headers: _,
            deflate,
            limits,
            connect,
            upgrade,
            heartbeat,
            data,
            close,
            retry,
            rotate,
            messages,
            pong_reserve,
            dials,
            transmit,
        } = self;
        (endpoint, target).put(out);
        (deflate, limits).put(out);
        (connect, (upgrade, heartbeat)).put(out);
        (data, (close, retry)).put(out);
        (rotate, (messages, pong_reserve)).put(out);
        (dials, transmit).put(out);
    }
}

impl Take for Config {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        Ok(Self {
            endpoint: Take::take(from)?,
            target: Take::take(from)?,
            headers: Vec::new(),
            deflate: Take::take(from)?,
            limits: Take::take(from)?,
            connect: Take::take(from)?,
            upgrade: Take::take(from)?,
            heartbeat: Take::take(from)?,
            data: Take::take(from)?,
            close: Take::take(from)?,
            retry: Take::take(from)?,
            rotate: Take::take(from)?,
            messages: Take::take(from)?,
            pong_reserve: Take::take(from)?,
            dials: Take::take(from)?,
            transmit: Take::take(from)?,
        })
    }
}

impl Put for Ping {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Frame => None,
            Self::Text { ping, pong } => Some((ping, pong)),
        }
        .put(out);
    }
}

impl Take for Ping {
    /// Only pings that a venue wants can be read back: their texts are part of the program.
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        if !bool::take(from)? {
            return Ok(Self::Frame);
        }
        let told = (String::take(from)?, String::take(from)?);
        let texts = Market::ALL.map(|market| Profile::of(market).ping);
        let known = texts.into_iter().find_map(|ping| match ping {
            venue::Ping::Text(ping) if (ping, "pong") == (&*told.0, &*told.1) => Some(ping),
            venue::Ping::Text(_) | venue::Ping::Frame => None,
        });
        let ping = known.ok_or(Flaw("has a text ping that no venue wants"))?;
        Ok(Self::Text { ping, pong: "pong" })
    }
}

impl Put for deflate::WindowBits {
    fn put(&self, out: &mut Vec<u8>) {
        self.bits().put(out);
    }
}

impl Take for deflate::WindowBits {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        Self::new(u8::take(from)?).ok_or(Flaw("has a number out of range"))
    }
}

impl Put for UnixNanos {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_nanos().put(out);
    }
}

impl Take for UnixNanos {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        u64::take(from).map(Self::from_nanos)
    }
}

impl Put for Market {
    fn put(&self, out: &mut Vec<u8>) {
        self.name().put(out);
    }
}

impl Take for Market {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        named(from)
    }
}

impl Put for Channel {
    fn put(&self, out: &mut Vec<u8>) {
        self.to_string().as_str().put(out);
    }
}

impl Take for Channel {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        named(from)
    }
}

fn named<T: FromStr>(from: &mut Bytes<'_>) -> Result<T, Flaw> {
    let name = str::from_utf8(from.counted()?).ok();
    let known = name.and_then(|name| name.parse().ok());
    known.ok_or(Flaw("has an unknown name"))
}
