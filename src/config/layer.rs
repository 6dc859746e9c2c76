//! Settings in layers: for every session, for those of one market, for one session by name.

use std::fmt;
use std::time::Duration;

use marketprism_core::connection::{Endpoint, Quota};
use marketprism_core::market::Market;
use marketprism_core::plan;
use marketprism_core::poller::PollSettings;
use marketprism_core::session::Settings;
use marketprism_shell::{Tls, TlsError};

use super::error::{Flaw, Place};
use super::fields::Field;
use super::timers::{Slot, TIMERS};
use super::url::{BaseUrl, Kind};

/// What one layer changes; what it is silent about is left to the layers below it.
#[derive(Clone, Debug, Default)]
pub(super) struct Layer {
    pub(super) websocket: Option<BaseUrl>,
    pub(super) rest: Option<BaseUrl>,
    pub(super) trust: Option<Trust>,
    polls: Vec<(Period, Duration)>,
    pub(super) streams: Option<usize>,
    pub(super) books: Option<usize>,
    /// Where its timers stand.
    pub(super) timers: Option<Place>,
    /// Where its limits stand.
    pub(super) limits: Option<Place>,
    changes: Vec<Change>,
}

/// Whom a session trusts.
#[derive(Clone, Debug)]
pub(crate) struct Trust {
    name: String,
    pub(crate) tls: Tls,
}

impl fmt::Display for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

#[derive(Clone, Copy, Debug)]
enum Change {
    Timer(Slot, Option<Duration>),
    Quota(fn(&mut Settings, Quota), Quota),
    RequestBytes(usize),
}

/// Where a period of polls goes.
type Period = fn(&mut PollSettings) -> &mut Duration;

const PERIODS: [(&str, Period); 3] = [
    ("open_interest", |polls| &mut polls.open_interest),
    ("ratios_after", |polls| &mut polls.ratios_after),
    ("instruments", |polls| &mut polls.instruments),
];

/// A quota: its name, its least count, and where it goes.
type QuotaOf = (&'static str, u64, fn(&mut Settings, Quota));

const QUOTAS: [QuotaOf; 3] = [
    // One frame at least for a request, and one kept for pongs.
    ("frames", 2, |settings, quota| {
        settings.connection.messages = Some(quota);
    }),
    ("requests", 1, |settings, quota| {
        settings.requests = quota;
    }),
    ("dials", 1, |settings, quota| {
        settings.connection.dials = Some(quota);
    }),
];

/// How many sessions a layer is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Scope {
    /// Those that are planned, so their limits decide the plan.
    Many,
    /// One that the plan has made already.
    One,
}

impl Layer {
    pub(super) fn read(field: &Field<'_>, scope: Scope) -> Result<Self, Flaw> {
        let keys = [
            "websocket",
            "rest",
            "roots",
            "ca_file",
            "timers",
            "limits",
            "polls",
        ];
        // Polls belong to no session.
        let mapping = match scope {
            Scope::Many => field.mapping(&keys)?,
            Scope::One => field.mapping(keys.split_last().map_or(&[], |(_, keys)| keys))?,
        };
        let mut layer = Self::default();
        if let Some(field) = mapping.optional("websocket") {
            layer.websocket = Some(base_url(&field, Kind::WebSocket)?);
        }
        if let Some(field) = mapping.optional("rest") {
            layer.rest = Some(base_url(&field, Kind::Rest)?);
        }
        layer.trust = match (mapping.optional("roots"), mapping.optional("ca_file")) {
            (None, None) => None,
            (Some(field), None) => Some(Trust::roots(&field)?),
            (None, Some(field)) => Some(Trust::file(&field)?),
            (Some(_), Some(file)) => {
                return Err(file.refuse("does not go with `roots`: give one of the two"));
            }
        };
        if let Some(field) = mapping.optional("timers") {
            layer.read_timers(&field)?;
        }
        if let Some(field) = mapping.optional("limits") {
            layer.read_limits(&field, scope)?;
        }
        if let Some(field) = mapping.optional("polls") {
            layer.read_polls(&field)?;
        }
        Ok(layer)
    }

    fn read_timers(&mut self, field: &Field<'_>) -> Result<(), Flaw> {
        self.timers = Some(field.place);
        let names = TIMERS.map(|timer| timer.name);
        let mapping = field.mapping(&names)?;
        for timer in TIMERS {
            let Some(field) = mapping.optional(timer.name) else {
                continue;
            };
            let value = match timer.slot {
                Slot::Always(_) => Some(field.millis()?),
                Slot::OrOff(_) | Slot::Rotate => field.millis_or_off()?,
            };
            self.changes.push(Change::Timer(timer.slot, value));
        }
        Ok(())
    }

    fn read_polls(&mut self, field: &Field<'_>) -> Result<(), Flaw> {
        let mapping = field.mapping(&PERIODS.map(|(name, _)| name))?;
        for (name, period) in PERIODS {
            if let Some(field) = mapping.optional(name) {
                self.polls.push((period, field.millis()?));
            }
        }
        Ok(())
    }

    /// Changes what it has a word on.
    pub(super) fn poll(&self, settings: &mut PollSettings) {
        for (period, value) in &self.polls {
            *period(settings) = *value;
        }
    }

    fn read_limits(&mut self, field: &Field<'_>, scope: Scope) -> Result<(), Flaw> {
        self.limits = Some(field.place);
        let session_keys = ["request_bytes", "frames", "requests", "dials"];
        let all_keys = [
            "streams",
            "books",
            "request_bytes",
            "frames",
            "requests",
            "dials",
        ];
        let mapping = match scope {
            Scope::Many => field.mapping(&all_keys)?,
            Scope::One => field.mapping(&session_keys)?,
        };
        let count = |key| mapping.optional(key).map(|field| field.count(1..=1024));
        self.streams = count("streams").transpose()?.map(small);
        self.books = count("books").transpose()?.map(small);
        if let Some(field) = mapping.optional("request_bytes") {
            let bytes = small(field.count(256..=65_536)?);
            self.changes.push(Change::RequestBytes(bytes));
        }
        for (name, least, set) in QUOTAS {
            if let Some(field) = mapping.optional(name) {
                self.changes
                    .push(Change::Quota(set, read_quota(&field, least)?));
            }
        }
        Ok(())
    }

    pub(super) fn change(&self, settings: &mut Settings) {
        for change in &self.changes {
            match *change {
                Change::Timer(slot, value) => slot.set(settings, value),
                Change::Quota(set, quota) => set(settings, quota),
                Change::RequestBytes(bytes) => settings.request_bytes = bytes,
            }
        }
    }

    pub(super) fn limit(&self, limits: &mut plan::Limits) {
        limits.streams = self.streams.unwrap_or(limits.streams);
        limits.books = self.books.unwrap_or(limits.books);
    }
}

impl Trust {
    /// The authorities compiled in.
    pub(super) fn webpki() -> Result<Self, String> {
        Self::named("webpki", Tls::webpki())
    }

    fn roots(field: &Field<'_>) -> Result<Self, Flaw> {
        let native = field.choice(&[("webpki", false), ("native", true)])?;
        let trust = if native {
            Self::named("native", Tls::native())
        } else {
            Self::webpki()
        };
        trust.map_err(|sentence| field.refuse(format_args!("cannot be used: {sentence}")))
    }

    fn file(field: &Field<'_>) -> Result<Self, Flaw> {
        let path = field.text()?;
        Self::named(path, Tls::ca_file(path))
            .map_err(|sentence| field.refuse(format_args!("cannot be used: {sentence}")))
    }

    fn named(name: &str, tls: Result<Tls, TlsError>) -> Result<Self, String> {
        let name = name.to_owned();
        tls.map(|tls| Self { name, tls })
            .map_err(|error| error.to_string())
    }
}

/// A limit that has been read within bounds far below any pointer's width.
fn small(count: u64) -> usize {
    usize::try_from(count).unwrap_or(usize::MAX)
}

fn base_url(field: &Field<'_>, kind: Kind) -> Result<BaseUrl, Flaw> {
    let text = field.text()?;
    BaseUrl::parse(kind, text).map_err(|expected| field.expected(expected))
}

fn read_quota(field: &Field<'_>, least: u64) -> Result<Quota, Flaw> {
    let mapping = field.mapping(&["count", "per"])?;
    let count = mapping.required("count")?.count(least..=1_000)?;
    Ok(Quota {
        count: u32::try_from(count).unwrap_or(u32::MAX),
        per: mapping.required("per")?.millis()?,
    })
}

/// Where requests over REST go: to where the narrowest layer says, or else to the server that takes
/// the place of the venue's own, because answers of another would not fit what that one streams.
pub(super) fn rest(layers: &[&Layer]) -> Option<Endpoint> {
    let narrowest = || layers.iter().rev();
    let rest = narrowest().find_map(|layer| layer.rest.as_ref());
    let websocket = || narrowest().find_map(|layer| layer.websocket.as_ref());
    rest.map(|url| url.join(""))
        .or_else(|| websocket().map(BaseUrl::server))
}

/// The name of the layer for one market, checked.
pub(super) fn market(field: &Field<'_>, name: &str) -> Result<Market, Flaw> {
    let markets = Market::ALL.iter().map(|market| market.name());
    name.parse()
        .map_err(|_| field.unknown(name, markets.clone(), markets))
}
