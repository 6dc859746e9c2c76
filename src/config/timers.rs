//! Every timer by the name that it has in the configuration. All values are in milliseconds.

use std::time::Duration;

use marketprism_core::connection::{Quota, Rotate};
use marketprism_core::session::Settings;

/// A timer that can be set.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timer {
    pub(super) name: &'static str,
    pub(super) slot: Slot,
}

/// Where its value stands.
#[derive(Clone, Copy, Debug)]
pub(super) enum Slot {
    /// A timer that always runs.
    Always(fn(&mut Settings) -> &mut Duration),
    /// One that can be `off`.
    OrOff(fn(&mut Settings) -> &mut Option<Duration>),
    /// The planned renewal, which can be `off` too.
    Rotate,
}

impl Slot {
    pub(super) fn set(self, settings: &mut Settings, value: Option<Duration>) {
        match (self, value) {
            (Self::Always(slot), Some(value)) => *slot(settings) = value,
            (Self::Always(_), None) => {}
            (Self::OrOff(slot), value) => *slot(settings) = value,
            (Self::Rotate, value) => {
                // Spread over the same part of the time as in the venues' profiles.
                let rotate = |after| Rotate {
                    after,
                    spread: after / 8,
                    ahead: Duration::ZERO,
                };
                settings.connection.rotate = value.map(rotate);
            }
        }
    }

    fn value(self, settings: &mut Settings) -> Option<Duration> {
        match self {
            Self::Always(slot) => Some(*slot(settings)),
            Self::OrOff(slot) => *slot(settings),
            Self::Rotate => settings.connection.rotate.map(|rotate| rotate.after),
        }
    }
}

/// The timers, those of the connection first, then those of its streams.
pub(super) const TIMERS: [Timer; 21] = [
    always("connect", |settings| &mut settings.connection.connect),
    always("upgrade", |settings| &mut settings.connection.upgrade),
    always("probe", |settings| {
        &mut settings.connection.heartbeat.probe_after
    }),
    always("silence", |settings| {
        &mut settings.connection.heartbeat.silence_after
    }),
    Timer {
        name: "data",
        slot: Slot::OrOff(|settings| &mut settings.connection.data),
    },
    always("close", |settings| &mut settings.connection.close),
    always("retry", |settings| &mut settings.connection.retry.initial),
    always("retry_cap", |settings| &mut settings.connection.retry.cap),
    always("retry_after_cap", |settings| {
        &mut settings.connection.retry.retry_after_cap
    }),
    always("stable", |settings| {
        &mut settings.connection.retry.stable_after
    }),
    Timer {
        name: "rotate",
        slot: Slot::Rotate,
    },
    always("ack", |settings| &mut settings.timing.ack),
    always("settle", |settings| &mut settings.timing.settle),
    always("first_data", |settings| &mut settings.timing.first_data),
    always("stream_silence_floor", |settings| {
        &mut settings.timing.silence_floor
    }),
    always("stream_silence_cap", |settings| {
        &mut settings.timing.silence_cap
    }),
    always("stream_retry", |settings| &mut settings.timing.retry),
    always("stream_retry_cap", |settings| {
        &mut settings.timing.retry_cap
    }),
    always("quarantine", |settings| &mut settings.timing.quarantine),
    always("quarantine_cap", |settings| {
        &mut settings.timing.quarantine_cap
    }),
    always("stream_stable", |settings| {
        &mut settings.timing.stable_after
    }),
];

const fn always(name: &'static str, slot: fn(&mut Settings) -> &mut Duration) -> Timer {
    let slot = Slot::Always(slot);
    Timer { name, slot }
}

/// Every timer with its value; `None` is `off`.
pub(super) fn values(
    settings: &Settings,
) -> impl Iterator<Item = (&'static str, Option<Duration>)> {
    let mut settings = settings.clone();
    TIMERS
        .iter()
        .map(move |timer| (timer.name, timer.slot.value(&mut settings)))
}

/// Pairs of which the first must be shorter than the second, or as long where that makes sense.
const ORDERED: [(&str, &str, Order); 5] = [
    ("probe", "silence", Order::Shorter),
    ("retry", "retry_cap", Order::NotLonger),
    (
        "stream_silence_floor",
        "stream_silence_cap",
        Order::NotLonger,
    ),
    ("stream_retry", "stream_retry_cap", Order::NotLonger),
    ("quarantine", "quarantine_cap", Order::NotLonger),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Shorter,
    NotLonger,
}

/// What contradicts what, if anything does.
pub(super) fn contradiction(settings: &Settings) -> Option<String> {
    disorder(settings).or_else(|| overspending(settings))
}

fn disorder(settings: &Settings) -> Option<String> {
    let value = |wanted: &str| {
        let found = values(settings).find(|(name, _)| *name == wanted);
        found
            .and_then(|(_, value)| value)
            .unwrap_or_default()
            .as_millis()
    };
    ORDERED.iter().find_map(|(name, bound, order)| {
        let (low, high) = (value(name), value(bound));
        let (wrong, words) = match order {
            Order::Shorter => (low >= high, "must be shorter than"),
            Order::NotLonger => (low > high, "must not be longer than"),
        };
        wrong.then(|| format!("`{name}` ({low} ms) {words} `{bound}` ({high} ms)"))
    })
}

/// Pings so frequent that a quiet socket spends every frame that the quota leaves for requests.
fn overspending(settings: &Settings) -> Option<String> {
    let connection = &settings.connection;
    let Quota { count, per } = connection.messages?;
    let free = count.saturating_sub(connection.pong_reserve);
    let probe = connection.heartbeat.probe_after;
    let room = probe.checked_mul(free).is_none_or(|spent| spent > per);
    (!room).then(|| {
        let (probe, per) = (probe.as_millis(), per.as_millis());
        format!(
            "`probe` ({probe} ms) would spend the quota `frames` ({count} in {per} ms) on pings and \
             leave nothing for requests"
        )
    })
}
