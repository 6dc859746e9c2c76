//! The machines that scenarios are about, and their events in words.

use std::time::Duration;

use marketprism_core::connection::{
    Config, Connection, Endpoint, Event, Ping, Quota, Retry, Rotate, SendError, Status, Target,
};
use marketprism_core::plan::{Limits as PlanLimits, SessionPlan, Wanted, plan};
use marketprism_core::session::{self, Change, Heard, Session, Settings, Undecoded};
use marketprism_core::venue::{Challenge, Unsigned};
use marketprism_core::{Machine, Time};
use marketprism_shell::Signer;

use crate::language::{Scenario, Setting};
use crate::parse::{duration, number};
use crate::trace::{Keys, Log, Traced};

/// A machine that a scenario can be about.
pub(crate) trait Subject: Machine + Sized + Send + 'static {
    /// What its application sends.
    fn send_text(&mut self, now: Time, text: &str) -> Result<(), SendError>;
    fn send_bytes(&mut self, now: Time, bytes: &[u8]) -> Result<(), SendError>;
    /// An event, without what differs from run to run: times.
    fn words(event: &Self::Event<'_>) -> String;
}

impl Subject for Connection {
    fn send_text(&mut self, now: Time, text: &str) -> Result<(), SendError> {
        self.send_text(now, text)
    }

    fn send_bytes(&mut self, now: Time, bytes: &[u8]) -> Result<(), SendError> {
        self.send_binary(now, bytes)
    }

    fn words(event: &Event<'_>) -> String {
        match event {
            Event::Status(status) => status_words(*status),
            Event::Text(text) => format!("text {text}").trim_end().into(),
            Event::Binary(bytes) => format!("bytes {}", bytes.len()),
        }
    }
}

/// A session's application sends nothing; what the session sends is its own affair.
impl Subject for Session {
    fn send_text(&mut self, _: Time, _: &str) -> Result<(), SendError> {
        Err(SendError::NotOpen)
    }

    fn send_bytes(&mut self, _: Time, _: &[u8]) -> Result<(), SendError> {
        Err(SendError::NotOpen)
    }

    fn words(heard: &Heard<'_>) -> String {
        use session::Event;
        match heard.event {
            Event::Market(event) => format!("market {} {}", event.instrument, event.channel),
            Event::OutOfOrder {
                event, disorder, ..
            } => format!(
                "disorder {} {} {}",
                event.instrument,
                event.channel,
                disorder.name()
            ),
            Event::Status(status) => status_words(status),
            Event::Subscription { stream, change } => match change {
                Change::Requested { attempt } => format!("requested {stream} attempt {attempt}"),
                Change::Refused(error) => format!("refused {stream}: {error}"),
                Change::Confirmed
                | Change::Live
                | Change::Silent
                | Change::Renewing
                | Change::Mute
                | Change::Unlisted => format!("{} {stream}", change.name()),
            },
            Event::Gap(gap) => match gap.missing {
                Some(missing) => format!(
                    "gap {} from {} to {}: {}",
                    gap.stream,
                    missing.from,
                    missing.to,
                    gap.cause.name()
                ),
                None => format!("gap {}: {}", gap.stream, gap.cause.name()),
            },
            Event::Book { stream, state } => format!("book {stream} {state:?}"),
            Event::Backfilled(event) => {
                format!("backfilled {} {}", event.instrument, event.channel)
            }
            Event::Filled { stream, missing } => {
                format!("filled {stream} from {} to {}", missing.from, missing.to)
            }
            Event::Unfillable {
                stream,
                missing,
                why,
            } => format!(
                "unfillable {stream} from {} to {}: {}",
                missing.from,
                missing.to,
                why.name()
            ),
            Event::Notice(session::Notice::Shutdown { .. }) => "notice of shutdown".into(),
            Event::Notice(notice) => format!("notice {notice:?}"),
            Event::Key(change) => format!("key {}", change.name()),
            Event::Undecoded(Undecoded::Malformed(error)) => format!("undecoded {error}"),
            Event::Undecoded(other) => format!("undecoded {other:?}"),
        }
    }
}

fn status_words(status: Status) -> String {
    match status {
        Status::Dialing { epoch, attempt } => {
            format!("dialing {} attempt {attempt}", epoch.number())
        }
        Status::Open { epoch } => format!("open {}", epoch.number()),
        Status::Down { epoch, cause } => format!("down {}: {cause}", epoch.number()),
        Status::Waiting { .. } => "waiting".into(),
        Status::Stopped => "stopped".into(),
    }
}

/// The plan of a session scenario, from `with session MARKET INSTRUMENT CHANNEL ...`.
pub(crate) fn session_plan(words: &str) -> Result<SessionPlan, String> {
    let mut words = words.split_whitespace();
    let market = words.next().unwrap_or_default().parse();
    let market = market.map_err(|error| format!("{error}"))?;
    let instrument = words.next().unwrap_or_default();
    let wanted: Result<Vec<_>, String> = words
        .map(|channel| {
            Ok(Wanted {
                market,
                instrument: instrument.into(),
                channel: channel.parse().map_err(|error| format!("{error}"))?,
            })
        })
        .collect();
    let sessions = plan(&wanted?, PlanLimits::of).map_err(|error| error.to_string())?;
    match <[SessionPlan; 1]>::try_from(sessions) {
        Ok([session]) => Ok(session),
        Err(several) => Err(format!("{} sessions, not one", several.len())),
    }
}

/// A bare connection to `endpoint`.
pub(crate) fn connection(
    scenario: &Scenario,
    endpoint: Endpoint,
    log: &Log,
) -> Result<Traced<Connection>, String> {
    let config = configured(scenario, Config::new(endpoint))?;
    let machine = Connection::new(&scenario.name, config.clone(), SEED);
    let machine = machine.map_err(|error| error.to_string())?;
    Ok(Traced::new(machine, log.clone(), &config, keys(scenario)))
}

fn keys(scenario: &Scenario) -> Keys {
    match scenario.setting("target") {
        Some("unsigned") => Keys::Missing,
        Some(_) | None => Keys::AtHand,
    }
}

/// Has something for every target that is to be signed, and nothing else.
pub(crate) fn signer() -> Signer {
    Signer::new(|_, challenge| match challenge == Challenge::Target {
        true => Ok("secret".into()),
        false => Err(Unsigned),
    })
}

/// The session that a scenario's plan asks for, dialling `endpoint`.
pub(crate) fn session(
    scenario: &Scenario,
    plan: SessionPlan,
    endpoint: Endpoint,
    log: &Log,
) -> Result<Traced<Session>, String> {
    let mut settings = Settings::of(&plan);
    let path = plan.endpoint.path.clone();
    settings.connection.endpoint = Endpoint { path, ..endpoint };
    settings.connection = configured(scenario, settings.connection)?;
    let timing = &mut settings.timing;
    for Setting { name, value } in &scenario.settings {
        match name.as_str() {
            "ack" => timing.ack = duration(value)?,
            "first-data" => timing.first_data = duration(value)?,
            "silence-floor" => timing.silence_floor = duration(value)?,
            "silence-cap" => timing.silence_cap = duration(value)?,
            "attempts" => timing.attempts = number(value)?,
            _ => {}
        }
    }
    let config = settings.connection.clone();
    let machine = Session::new(plan, settings, SEED).map_err(|error| error.to_string())?;
    Ok(Traced::new(machine, log.clone(), &config, keys(scenario)))
}

/// One seed for all: keys, masks and waits are the same on every stage.
const SEED: [u8; 32] = [7; 32];

/// Deadlines that no run reaches, and no wait between dials, but for what the scenario says.
fn configured(scenario: &Scenario, mut config: Config) -> Result<Config, String> {
    let never = Duration::from_secs(600);
    config.connect = never;
    config.upgrade = never;
    config.close = never;
    config.data = None;
    config.rotate = None;
    config.dials = None;
    config.heartbeat.probe_after = never;
    config.heartbeat.silence_after = never * 2;
    config.retry = Retry {
        initial: Duration::from_millis(1),
        cap: Duration::from_millis(1),
        stable_after: never,
        retry_after_cap: never,
    };
    for setting in &scenario.settings {
        set(&mut config, setting)?;
    }
    Ok(config)
}

fn set(config: &mut Config, Setting { name, value }: &Setting) -> Result<(), String> {
    match name.as_str() {
        "connect" => config.connect = duration(value)?,
        "upgrade" => config.upgrade = duration(value)?,
        "close" => config.close = duration(value)?,
        "data" => config.data = Some(duration(value)?),
        "probe" => config.heartbeat.probe_after = duration(value)?,
        "silence" => config.heartbeat.silence_after = duration(value)?,
        "text-ping" => {
            config.heartbeat.ping = Ping::Text {
                ping: "ping",
                pong: "pong",
            };
        }
        "retry" => {
            config.retry.initial = duration(value)?;
            config.retry.cap = config.retry.initial;
        }
        "stable" => config.retry.stable_after = duration(value)?,
        "retry-after-cap" => config.retry.retry_after_cap = duration(value)?,
        "rotate" => {
            config.rotate = Some(Rotate {
                after: duration(value)?,
                spread: Duration::ZERO,
                ahead: Duration::ZERO,
            });
        }
        "messages" => config.messages = Some(quota(value)?),
        "target" => {
            config.target = Target::Signed;
            config.endpoint.path = "/*".into();
        }
        "dials" => config.dials = Some(quota(value)?),
        "transmit" => config.transmit = number(value)?,
        "handshake" => config.limits.max_handshake = number(value)?,
        "largest" => config.limits.max_message = number(value)?,
        "session" | "also" | "ack" | "first-data" | "silence-floor" | "silence-cap"
        | "attempts" => {}
        _ => return Err(format!("`{name}` cannot be set")),
    }
    Ok(())
}

/// `COUNT in DURATION`.
fn quota(value: &str) -> Result<Quota, String> {
    match value.split_once(" in ") {
        Some((count, per)) => Ok(Quota {
            count: number(count)?,
            per: duration(per)?,
        }),
        None => Err(format!("`{value}` is no quota")),
    }
}
