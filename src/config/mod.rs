//! The configuration: a YAML file in, a checked plan out.
//!
//! What is wrong is told in one sentence that begins with file, line and column and ends with
//! what is allowed.

mod collect;
mod error;
mod fields;
mod layer;
mod login;
#[cfg(test)]
mod tests;
mod timers;
mod url;
mod yaml;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use marketprism_core::lines::Line;
use marketprism_core::market::{Market, Venue};
use marketprism_core::plan::{self, PollPlan, SessionPlan};
use marketprism_core::poller::{PollError, PollSettings, Poller};
use marketprism_core::session::{Access, Session, Settings, SettingsError};

pub use error::{ConfigError, Place};
pub(crate) use layer::Trust;
pub(crate) use url::{RestUrl, WebSocketUrl};

use crate::listing::Unlisted;
use crate::secret::{BinanceKeys, Keys};
use crate::shell::Runtime;
use crate::sink::{Destination, Limits};
use collect::Wishes;
use error::Flaw;
pub(crate) use fields::nearest;
use fields::{Field, Mapping};
use layer::{Layer, Scope};

/// The largest file that is read; a plan of a thousand instruments has a hundredth of it.
const FILE_MAX: u64 = 1 << 20;

/// A configuration that has been checked.
#[derive(Debug)]
pub struct Config {
    pub(crate) sessions: Vec<Planned>,
    pub(crate) polls: Vec<Polled>,
    /// The lists of instruments that tell what the others bring.
    pub(crate) lists: Vec<Polled>,
    pub(crate) unlisted: Unlisted,
    /// Connections for requests over REST, at most.
    pub(crate) rest_connections: usize,
    pub(crate) sink: Sink,
    pub(crate) runtime: Runtime,
    /// The keys of accounts, for channels that are served to their holders.
    pub(crate) keys: Keys,
}

/// A session with everything that it needs.
#[derive(Clone, Debug)]
pub(crate) struct Planned {
    pub(crate) plan: SessionPlan,
    /// The second line stands in for streams of the first.
    pub(crate) line: Line,
    pub(crate) settings: Settings,
    /// How many streams it might have had.
    pub(crate) limits: plan::Limits,
    pub(crate) trust: Trust,
}

/// A poller with everything that it needs.
#[derive(Clone, Debug)]
pub(crate) struct Polled {
    pub(crate) plan: PollPlan,
    pub(crate) settings: PollSettings,
    pub(crate) trust: Trust,
}

impl Planned {
    /// Whether both carry one stream at least.
    pub(crate) fn shares(&self, other: &Self) -> bool {
        let streams = &other.plan.streams;
        let is_there = |stream| streams.contains(stream);
        self.plan.market == other.plan.market && self.plan.streams.iter().any(is_there)
    }
}

impl Polled {
    /// The poller itself.
    ///
    /// # Errors
    ///
    /// Its settings contradict each other, which a configuration that was read rules out.
    pub(crate) fn poller(&self, seed: [u8; 32]) -> Result<Poller, PollError> {
        Poller::new(self.plan.clone(), &self.settings, seed)
    }
}

/// Where events go, and what happens when it is slow.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Sink {
    pub(crate) destination: Destination,
    pub(crate) limits: Limits,
}

impl Planned {
    /// The session itself.
    ///
    /// # Errors
    ///
    /// Its settings contradict each other, which a configuration that was read rules out.
    pub(crate) fn session(&self, seed: [u8; 32]) -> Result<Session, SettingsError> {
        Session::new(self.plan.clone(), self.settings.clone(), seed)
    }

    /// `place` is where the timers stand that were set last, or else the limits.
    fn check(&self, place: Option<Place>) -> Result<(), Flaw> {
        let contradiction = timers::contradiction(&self.settings).or_else(|| {
            let session = self.session([0; 32]);
            session.err().map(|error| error.to_string())
        });
        let Some(contradiction) = contradiction else {
            return Ok(());
        };
        let message = format!("session `{}`: {contradiction}", self.plan.name);
        Err(Flaw { place, message })
    }

    /// The key may log in, so the connection does where that is another way to the account's stream.
    fn log_in(&mut self) {
        if self.settings.access == Access::Subscription {
            self.settings.access = Access::Login;
        }
    }

    /// Every timer with its value; `None` is off.
    pub(crate) fn timers(&self) -> impl Iterator<Item = (&'static str, Option<Duration>)> {
        timers::values(&self.settings)
    }
}

impl Config {
    /// Reads and checks a file.
    ///
    /// # Errors
    ///
    /// Whatever is wrong first.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = read_text(file).map_err(|flaw| flaw.in_file(file))?;
        Self::parse(&text).map_err(|flaw| flaw.in_file(file))
    }

    /// Checks a text; `name` stands for the file in errors.
    ///
    /// # Errors
    ///
    /// Whatever is wrong first.
    pub fn from_text(name: &str, text: &str) -> Result<Self, ConfigError> {
        Self::parse(text).map_err(|flaw| flaw.in_file(Path::new(name)))
    }

    fn parse(text: &str) -> Result<Self, Flaw> {
        let node = yaml::parse(text)?;
        let top = Field::top(&node);
        let keys = [
            "collect",
            "settings",
            "markets",
            "sessions",
            "sink",
            "runtime",
            "rest_connections",
            "login",
            "unlisted",
        ];
        let mapping = top.mapping(&keys)?;
        let collect = mapping.required("collect")?;
        let wishes = Wishes::read(&collect)?;
        let layers = Layers::read(&mapping)?;
        let sink = match mapping.optional("sink") {
            Some(field) => read_sink(&field)?,
            None => Sink::default(),
        };
        let runtime = match mapping.optional("runtime") {
            Some(field) => field.choice(&Runtime::ALL.map(|runtime| (runtime.name(), runtime)))?,
            None => Runtime::default(),
        };
        let rest_connections = match mapping.optional("rest_connections") {
            Some(field) => usize::try_from(field.count(1..=16)?).unwrap_or(1),
            None => 2,
        };
        let polls = wishes.polls();
        let polls =
            polls.map_err(|error| collect.refuse(format_args!("cannot be planned: {error}")))?;
        let plans = wishes.plan(|market| layers.limits(market));
        let plans =
            plans.map_err(|error| collect.refuse(format_args!("cannot be planned: {error}")))?;
        let keys = match mapping.optional("login") {
            Some(field) => login::read(&field)?,
            None => Keys::default(),
        };
        let mut keyless = plans.iter().filter_map(|(plan, _)| keyless(plan, &keys));
        if let Some(sentence) = keyless.next() {
            return Err(collect.refuse(sentence));
        }
        let mut sessions = layers.apply(plans)?;
        if keys.binance.as_ref().is_some_and(BinanceKeys::may_log_in) {
            sessions.iter_mut().for_each(Planned::log_in);
        }
        let polls = polls.into_iter().map(|plan| layers.polled(plan));
        let lists = wishes.lists().into_iter();
        let lists = lists.map(|plan| layers.polled(plan));
        let unlisted = match mapping.optional("unlisted") {
            Some(field) => {
                field.choice(&[("refuse", Unlisted::Refuse), ("tell", Unlisted::Tell)])?
            }
            None => Unlisted::default(),
        };
        Ok(Self {
            sessions,
            polls: polls.collect(),
            lists: lists.collect(),
            unlisted,
            rest_connections,
            sink,
            runtime,
            keys,
        })
    }
}

impl Default for Sink {
    fn default() -> Self {
        Self {
            destination: Destination::Stdout,
            limits: Limits {
                capacity: 8 << 20,
                block: Duration::from_secs(1),
            },
        }
    }
}

fn read_text(file: &Path) -> Result<String, Flaw> {
    let failed = |error: io::Error| Flaw::of_file(format!("the file cannot be read: {error}"));
    let opened = File::open(file).map_err(failed)?;
    if opened.metadata().map_err(failed)?.is_dir() {
        return Err(Flaw::of_file("this is a directory; a YAML file is needed"));
    }
    let mut bytes = Vec::new();
    let read = opened.take(FILE_MAX + 1).read_to_end(&mut bytes);
    if read.map_err(failed)? as u64 > FILE_MAX {
        let message = format!("the file is larger than {FILE_MAX} bytes");
        return Err(Flaw::of_file(message));
    }
    String::from_utf8(bytes).map_err(|error| {
        let valid = error.utf8_error().valid_up_to();
        let before = error.as_bytes().get(..valid).unwrap_or_default();
        Flaw::at(end_of(before), "the file is not UTF-8 from here on")
    })
}

/// The place behind the last character of a valid text.
fn end_of(text: &[u8]) -> Place {
    let text = std::str::from_utf8(text).unwrap_or_default();
    let last_line = text.rsplit('\n').next().unwrap_or_default();
    Place {
        line: text.matches('\n').count() + 1,
        column: last_line.chars().count() + 1,
    }
}

/// What is to be said of a session that needs keys which are not there.
fn keyless(plan: &SessionPlan, keys: &Keys) -> Option<String> {
    let venue = plan.market.venue();
    let at_hand = match venue {
        Venue::Binance => keys.binance.is_some(),
        Venue::Okx => keys.okx.is_some(),
    };
    let mut streams = plan.streams.iter();
    let needy = streams.find(|stream| !at_hand && stream.channel.needs_login())?;
    let (channel, market, venue) = (needy.channel, plan.market, venue.name());
    Some(format!(
        "has `{channel}` of {market}, which is served to holders of keys; say under `login.{venue}` where they are"
    ))
}

fn read_sink(field: &Field<'_>) -> Result<Sink, Flaw> {
    let mapping = field.mapping(&["file", "buffer_bytes", "block"])?;
    let mut sink = Sink::default();
    if let Some(field) = mapping.optional("file") {
        sink.destination = Destination::File(PathBuf::from(field.text()?));
    }
    if let Some(field) = mapping.optional("buffer_bytes") {
        let bytes = field.count(64 << 10..=1 << 30)?;
        sink.limits.capacity = usize::try_from(bytes).unwrap_or(usize::MAX);
    }
    if let Some(field) = mapping.optional("block") {
        sink.limits.block = field.millis_or_off()?.unwrap_or_default();
    }
    Ok(sink)
}

/// The layers of settings, from the broad to the narrow.
struct Layers {
    every: Layer,
    markets: Vec<(Market, Layer)>,
    sessions: Vec<Named>,
    webpki: Trust,
}

/// A layer for one session.
struct Named {
    name: String,
    place: Place,
    layer: Layer,
}

impl Layers {
    fn read(mapping: &Mapping<'_>) -> Result<Self, Flaw> {
        let every = match mapping.optional("settings") {
            Some(field) => Layer::read(&field, Scope::Many)?,
            None => Layer::default(),
        };
        let mut markets = Vec::new();
        if let Some(field) = mapping.optional("markets") {
            for (name, _, layer) in field.entries()? {
                let market = layer::market(&field, name)?;
                markets.push((market, Layer::read(&layer, Scope::Many)?));
            }
        }
        let mut sessions = Vec::new();
        if let Some(field) = mapping.optional("sessions") {
            for (name, place, layer) in field.entries()? {
                let layer = Layer::read(&layer, Scope::One)?;
                let name = name.to_owned();
                sessions.push(Named { name, place, layer });
            }
        }
        Ok(Self {
            every,
            markets,
            sessions,
            webpki: Trust::webpki().map_err(Flaw::of_file)?,
        })
    }

    fn of_market(&self, market: Market) -> impl Iterator<Item = &Layer> {
        let of_market = self.markets.iter().filter(move |(of, _)| *of == market);
        std::iter::once(&self.every).chain(of_market.map(|(_, layer)| layer))
    }

    fn limits(&self, market: Market) -> plan::Limits {
        let mut limits = plan::Limits::of(market);
        for layer in self.of_market(market) {
            layer.limit(&mut limits);
        }
        limits
    }

    fn apply(&self, plans: Vec<(SessionPlan, Line)>) -> Result<Vec<Planned>, Flaw> {
        let known = || plans.iter().map(|(plan, _)| &*plan.name);
        for named in &self.sessions {
            if !known().any(|name| name == named.name) {
                let names = known().collect::<Vec<_>>().join(", ");
                let message = format!(
                    "`{}` is not a session of this plan; allowed: {names}",
                    named.name.escape_debug()
                );
                return Err(Flaw::at(named.place, message));
            }
        }
        let planned = |(plan, line)| self.planned(plan, line);
        plans.into_iter().map(planned).collect()
    }

    fn polled(&self, plan: PollPlan) -> Polled {
        let mut settings = PollSettings::of(plan.market);
        let mut trust = self.webpki.clone();
        let layers: Vec<_> = self.of_market(plan.market).collect();
        settings.rest = layer::rest(&layers).unwrap_or(settings.rest);
        for layer in layers {
            layer.poll(&mut settings);
            if let Some(layer_trust) = &layer.trust {
                trust = layer_trust.clone();
            }
        }
        Polled {
            plan,
            settings,
            trust,
        }
    }

    fn planned(&self, mut plan: SessionPlan, line: Line) -> Result<Planned, Flaw> {
        let mut settings = Settings::of(&plan);
        let mut trust = self.webpki.clone();
        let (mut timers, mut own_limits) = (None, None);
        let by_name = self.sessions.iter().filter(|named| named.name == plan.name);
        let of_market = self.of_market(plan.market);
        let layers: Vec<_> = of_market.chain(by_name.map(|named| &named.layer)).collect();
        settings.rest = layer::rest(&layers).unwrap_or(settings.rest);
        for layer in layers {
            layer.change(&mut settings);
            timers = layer.timers.or(timers);
            own_limits = layer.limits.or(own_limits);
            if let Some(url) = &layer.websocket {
                settings.connection.endpoint = url.join(&plan.endpoint.path);
            }
            if let Some(layer_trust) = &layer.trust {
                trust = layer_trust.clone();
            }
        }
        plan.endpoint = settings.connection.endpoint.clone();
        if let (Line::B, Some(rotate)) = (line, &mut settings.connection.rotate) {
            // The first line is then always in the middle of a socket's life.
            rotate.ahead = rotate.after / 2;
        }
        let planned = Planned {
            limits: self.limits(plan.market),
            plan,
            line,
            settings,
            trust,
        };
        planned.check(timers.or(own_limits))?;
        Ok(planned)
    }
}
