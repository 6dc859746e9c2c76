//! What the sessions of the demo have said, as far as the view and the verdict need it.

use std::collections::BTreeMap;
use std::fmt;
use std::time::{Duration, Instant};

use marketprism_core::connection::{Cause, Status};
use marketprism_core::fleet::MachineId;
use marketprism_core::market::{self, Body, BookKind, Decimal};
use marketprism_core::session::{BookState, Change, Event, Gap, GapCause, Heard, Missing, Stream};

/// Over how long the rate of events is taken.
const RATE_WINDOW: Duration = Duration::from_secs(1);

/// Kinds of events on one line.
const ABREAST: usize = 6;

/// What has been heard of every session, in the order of the fleet.
#[derive(Debug)]
pub(super) struct Watch {
    pub(super) sessions: Vec<Heed>,
}

/// What has been heard of one session.
#[derive(Debug)]
pub(super) struct Heed {
    pub(super) name: String,
    pub(super) events: u64,
    pub(super) kinds: Kinds,
    pub(super) rate: Rate,
    pub(super) epoch: u32,
    pub(super) last_cause: Option<Cause>,
    pub(super) gaps: Vec<Hole>,
    pub(super) order: Order,
    pub(super) tops: BTreeMap<String, Top>,
}

/// How many events there were of each kind.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Kinds(BTreeMap<&'static str, u64>);

impl Kinds {
    fn count(&mut self, event: &market::Event<'_>) {
        *self.0.entry(kind(&event.body)).or_default() += 1;
    }

    fn add(&mut self, other: &Self) {
        for (kind, count) in &other.0 {
            *self.0.entry(kind).or_default() += count;
        }
    }

    /// How many kinds there were, and how many events in all.
    pub(super) fn sums(&self) -> (usize, u64) {
        (self.0.len(), self.0.values().sum())
    }

    /// How many there were of this kind.
    pub(super) fn of(&self, kind: &str) -> u64 {
        self.0.get(kind).copied().unwrap_or_default()
    }
}

/// Some of them on each line.
impl fmt::Display for Kinds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, (kind, count)) in self.0.iter().enumerate() {
            f.write_str(match place {
                0 => "",
                place if place.is_multiple_of(ABREAST) => ",\n  ",
                _ => ", ",
            })?;
            write!(f, "{kind} {count}")?;
        }
        Ok(())
    }
}

/// What an event is about, in words for people.
const fn kind(body: &Body<'_>) -> &'static str {
    match body {
        Body::Trade(_) => "trades",
        Body::Book(_) => "books",
        Body::Candle(_) => "candles",
        Body::Ticker(_) => "tickers",
        Body::MarkPrice(_) => "mark prices",
        Body::IndexPrice(_) => "index prices",
        Body::Funding(_) => "funding rates",
        Body::PriceLimit(_) => "price limits",
        Body::OpenInterest(_) => "open interest",
        Body::Liquidation(_) => "liquidations",
        Body::Ratio(_) => "ratios",
        Body::Instrument(_) => "instruments",
        Body::Order(_) => "orders",
        Body::Fill(_) => "fills",
        Body::Balance(_) => "balances",
        Body::Position(_) => "positions",
    }
}

/// A gap that was reported.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Hole {
    pub(super) stream: Stream,
    pub(super) missing: Option<Missing>,
    pub(super) cause: GapCause,
}

/// What was said about the order of updates.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Order {
    /// Updates that were marked as out of order.
    pub(super) marks: Vec<Mark>,
    /// Updates that were not, and do not come behind the one before them.
    pub(super) unmarked: Vec<Mark>,
    /// Where streams stood when their connections ended.
    pub(super) ends: Vec<Mark>,
    /// Where they stand.
    pub(super) reached: Vec<Mark>,
}

/// An update of a stream by its number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    pub(super) stream: Stream,
    pub(super) number: i64,
}

impl Mark {
    fn of(event: &market::Event<'_>) -> Option<Self> {
        Some(Self {
            stream: Stream {
                instrument: event.instrument.to_owned(),
                channel: event.channel,
            },
            number: event.body.number()?,
        })
    }

    fn is_of(&self, event: &market::Event<'_>) -> bool {
        self.stream.channel == event.channel && self.stream.instrument == event.instrument
    }
}

impl Order {
    /// An update that is said to be in order. A whole book may come again.
    fn in_order(&mut self, event: &market::Event<'_>) {
        let Some(number) = event.body.number() else {
            return;
        };
        // What was asked for over REST is as old as its answer.
        if matches!(event.body, Body::Book(book) if book.kind.is_asked_for(event.channel)) {
            return;
        }
        let whole = matches!(event.body, Body::Book(book) if book.kind != BookKind::Delta);
        match self.reached.iter_mut().find(|mark| mark.is_of(event)) {
            Some(mark) if mark.number < number || whole && mark.number == number => {
                mark.number = number;
            }
            Some(_) => self.unmarked.extend(Mark::of(event)),
            None => self.reached.extend(Mark::of(event)),
        }
    }
}

/// The best prices of an instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Top {
    pub(super) bid: Decimal,
    pub(super) ask: Decimal,
}

/// Events a second, as of the last full window.
#[derive(Debug)]
pub(super) struct Rate {
    since: Instant,
    events: u64,
    pub(super) per_second: u64,
}

impl Rate {
    const fn new(now: Instant) -> Self {
        Self {
            since: now,
            events: 0,
            per_second: 0,
        }
    }

    /// Looks at the clock: so many `events` have come in all.
    pub(super) fn tick(&mut self, now: Instant, events: u64) {
        let window = now.duration_since(self.since);
        if window < RATE_WINDOW {
            return;
        }
        let millis = u64::try_from(window.as_millis()).unwrap_or(u64::MAX);
        self.per_second = events.saturating_sub(self.events).saturating_mul(1000) / millis;
        self.since = now;
        self.events = events;
    }
}

impl Watch {
    pub(super) fn new(names: impl Iterator<Item = String>, now: Instant) -> Self {
        let heed = |name| Heed {
            name,
            events: 0,
            kinds: Kinds::default(),
            rate: Rate::new(now),
            epoch: 0,
            last_cause: None,
            gaps: Vec::new(),
            order: Order::default(),
            tops: BTreeMap::new(),
        };
        Self {
            sessions: names.map(heed).collect(),
        }
    }

    /// How many events of each kind all of them have told.
    pub(super) fn kinds(&self) -> Kinds {
        let mut all = Kinds::default();
        for heed in &self.sessions {
            all.add(&heed.kinds);
        }
        all
    }

    /// Takes an event in and returns what is worth a line, if anything.
    pub(super) fn hear(&mut self, id: MachineId, heard: &Heard<'_>) -> Option<String> {
        let heed = self.sessions.get_mut(id.index())?;
        let words = heed.hear(&heard.event)?;
        Some(format!("{:<21} {words}", heed.name))
    }
}

impl Heed {
    fn hear(&mut self, event: &Event<'_>) -> Option<String> {
        match event {
            Event::Market(event) => {
                self.events += 1;
                self.order.in_order(event);
                self.market(event);
                None
            }
            Event::OutOfOrder { event, .. } => {
                self.events += 1;
                self.order.marks.extend(Mark::of(event));
                self.market(event);
                None
            }
            Event::Backfilled(event) => {
                self.events += 1;
                self.market(event);
                None
            }
            Event::Filled { stream, missing } => {
                let count = missing.to.abs_diff(missing.from).saturating_add(1);
                Some(format!("{stream}: the gap of {count} is filled"))
            }
            Event::Unfillable { stream, why, .. } => {
                Some(format!("{stream}: the gap stays ({})", why.name()))
            }
            Event::Status(status) => self.status(*status),
            Event::Gap(gap) => self.gap(gap),
            Event::Subscription { stream, change } => match change {
                Change::Requested { .. } | Change::Confirmed | Change::Live => None,
                Change::Silent
                | Change::Renewing
                | Change::Mute
                | Change::Refused(_)
                | Change::Unlisted => Some(format!("{stream} is {}", change.name())),
            },
            Event::Book { stream, state } => match state {
                BookState::Waiting | BookState::Synchronised { .. } => None,
                BookState::Crossed { .. } => Some(format!("the book of {stream} is crossed")),
                BookState::Refused(refusal) => {
                    let why = refusal.name();
                    Some(format!("a snapshot of {stream} is refused: {why}"))
                }
                BookState::Broken(broken) => {
                    let why = broken.cause.name();
                    Some(format!("the book of {stream} is broken: {why}"))
                }
            },
            Event::Notice(_) => Some("the venue gives notice".to_owned()),
            Event::Key(change) => Some(format!("the account's key: {}", change.name())),
            Event::Undecoded(undecoded) => Some(format!("undecoded: {undecoded:?}")),
        }
    }

    fn market(&mut self, event: &market::Event<'_>) {
        self.kinds.count(event);
        let Body::Book(book) = event.body else {
            return;
        };
        if let (BookKind::Top(_), [bid, ..], [ask, ..]) = (book.kind, book.bids, book.asks) {
            let top = Top {
                bid: bid.price,
                ask: ask.price,
            };
            match self.tops.get_mut(event.instrument) {
                Some(known) => *known = top,
                None => {
                    self.tops.insert(event.instrument.to_owned(), top);
                }
            }
        }
    }

    fn status(&mut self, status: Status) -> Option<String> {
        match status {
            Status::Dialing { epoch, .. } => {
                self.epoch = epoch.number();
                None
            }
            Status::Open { epoch } => Some(format!("socket {} is open", epoch.number())),
            Status::Down { epoch, cause } => {
                self.last_cause = Some(cause);
                self.order.ends.extend_from_slice(&self.order.reached);
                Some(format!("socket {} is down: {cause}", epoch.number()))
            }
            Status::Waiting { .. } | Status::Stopped => None,
        }
    }

    /// What a reconnect cost is in the table; a hole in a standing subscription is a story.
    fn gap(&mut self, gap: &Gap<'_>) -> Option<String> {
        let Gap { stream, cause, .. } = gap;
        self.gaps.push(Hole {
            stream: (*stream).clone(),
            missing: gap.missing,
            cause: *cause,
        });
        let quiet = [GapCause::Connection, GapCause::Spent];
        let Missing { from, to } = gap.missing.filter(|_| !quiet.contains(cause))?;
        let cause = cause.name();
        Some(format!("gap in {stream}: {from} to {to} ({cause})"))
    }
}
