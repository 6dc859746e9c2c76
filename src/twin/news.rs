//! What happens in a market, and the messages that tell of it.

use std::time::Duration;

use marketprism_core::market::Channel;
use marketprism_core::{Time, UnixNanos};

use super::figures::Pulse;
use super::instrument::Kind;
use super::market::{Step, SyntheticMarket};
use super::tape::Diff;

/// How often it is looked which streams that speak at a rhythm are to speak.
pub(super) const BEAT: Duration = Duration::from_millis(250);

/// Something that streams may tell.
#[derive(Clone, Copy, Debug)]
pub(super) enum News<'a> {
    /// A step of the walk.
    Step(&'a Step),
    /// The end of an interval: what has changed in it, if anything has.
    Interval {
        at: Time,
        cadence: Duration,
        diff: Option<&'a Diff>,
    },
    /// A second is over for an instrument.
    Pulse(&'a Pulse),
    /// A beat: so many of them fit into the time that the wall clock shows.
    Beat { at: Time, number: u64 },
}

impl News<'_> {
    pub(super) const fn at(&self) -> Time {
        match self {
            Self::Step(step) => step.at,
            Self::Interval { at, .. } | Self::Beat { at, .. } => *at,
            Self::Pulse(pulse) => pulse.at,
        }
    }
}

/// When a stream speaks that has a rhythm, and how often it does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Beat {
    pub(super) at: Time,
    pub(super) every: Duration,
}

impl Beat {
    /// Whether something that ended at this millisecond has ended since the beat before.
    pub(super) fn is_first_after(self, until: u64, clock: Clock) -> bool {
        let every = u64::try_from(self.every.as_millis()).unwrap_or(u64::MAX);
        until.saturating_add(every) > clock.millis(self.at)
    }
}

/// What a subscription is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Feed {
    pub(super) about: About,
    pub(super) channel: Channel,
}

/// What a stream is about. Instruments go by their places in the list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum About {
    Instrument(usize),
    /// All contracts on the pair of this one.
    Pair(usize),
    /// All of a kind.
    Kind(Kind),
    Everything,
}

/// Whose news they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Place {
    Own(usize),
    /// Of the venue's other market of futures.
    Aside(usize),
    /// Of all of them.
    Everywhere,
}

/// The markets that an exchange knows.
#[derive(Clone, Copy, Debug)]
pub(super) struct Markets<'a> {
    pub(super) own: &'a [SyntheticMarket],
    /// Those of the venue's other market of futures, which only streams of all markets show.
    pub(super) aside: &'a [SyntheticMarket],
}

impl<'a> Markets<'a> {
    pub(super) fn at(self, place: Place) -> Option<&'a SyntheticMarket> {
        match place {
            Place::Own(index) => self.own.get(index),
            Place::Aside(index) => self.aside.get(index),
            Place::Everywhere => None,
        }
    }

    /// Those that a stream is about.
    pub(super) fn about(self, about: About) -> impl Iterator<Item = &'a SyntheticMarket> {
        let pair = match about {
            About::Pair(index) => self.own.get(index).map(|book| book.instrument().pair()),
            About::Instrument(_) | About::Kind(_) | About::Everything => None,
        };
        let places = (0..self.own.len()).map(Place::Own);
        let places = places.chain((0..self.aside.len()).map(Place::Aside));
        places.filter_map(move |place| {
            let book = self.at(place)?;
            let fits = match about {
                About::Instrument(index) => place == Place::Own(index),
                About::Pair(_) => pair == Some(book.instrument().pair()),
                About::Kind(kind) => book.instrument().kind() == kind,
                About::Everything => true,
            };
            fits.then_some(book)
        })
    }
}

impl About {
    /// Whether news of an instrument of that kind are about it, as far as kinds go.
    pub(super) fn takes(self, kind: Kind) -> bool {
        match self {
            Self::Kind(wanted) => wanted == kind,
            Self::Instrument(_) | Self::Pair(_) | Self::Everything => true,
        }
    }

    /// Whether news from a place are about it.
    pub(super) fn is_at(self, place: Place) -> bool {
        match (self, place) {
            (_, Place::Everywhere) | (Self::Everything | Self::Kind(_), _) => true,
            (Self::Instrument(index) | Self::Pair(index), Place::Own(own)) => index == own,
            (Self::Instrument(_) | Self::Pair(_), Place::Aside(_)) => false,
        }
    }
}

/// Whether a stream with this rhythm speaks at this beat.
pub(super) const fn is_due(rhythm: Duration, number: u64) -> bool {
    let passed = BEAT.as_nanos() * number as u128;
    !rhythm.is_zero() && passed.is_multiple_of(rhythm.as_nanos())
}

/// A message before it is addressed to anybody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    pub(super) payload: String,
    /// The ids that are lost with it, where its stream is one whose ids tell of a loss.
    pub(super) ids: Option<Ids>,
    /// Whether it uses up its ids without any news.
    pub(super) void: bool,
}

impl Message {
    /// One whose stream does not tell of a loss.
    pub(super) const fn plain(payload: String) -> Self {
        Self {
            payload,
            ids: None,
            void: false,
        }
    }

    /// One with ids that are lost with it.
    pub(super) const fn numbered(payload: String, ids: Ids) -> Self {
        Self {
            payload,
            ids: Some(ids),
            void: false,
        }
    }
}

/// A range of ids, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ids {
    /// The first.
    pub first: u64,
    /// The last.
    pub last: u64,
}

/// The twin's wall clock: when its time began.
#[derive(Clone, Copy, Debug)]
pub(super) struct Clock {
    pub(super) origin: UnixNanos,
    pub(super) unit: Unit,
}

/// The unit of time stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    Millis,
    Micros,
}

impl Clock {
    /// What the wall clock shows, in milliseconds.
    pub(super) const fn millis(&self, at: Time) -> u64 {
        self.origin.as_nanos().saturating_add(at.as_nanos()) / 1_000_000
    }

    /// The stamp of a time in milliseconds.
    pub(super) const fn stamp_of(&self, millis: u64) -> u64 {
        match self.unit {
            Unit::Millis => millis,
            Unit::Micros => millis.saturating_mul(1000),
        }
    }

    /// The stamp of an instant.
    pub(super) const fn stamp(&self, at: Time) -> u64 {
        let nanos = self.origin.as_nanos().saturating_add(at.as_nanos());
        match self.unit {
            Unit::Millis => nanos / 1_000_000,
            Unit::Micros => nanos / 1_000,
        }
    }
}

/// Writes the items with a comma between them.
pub(super) fn join<T>(
    out: &mut String,
    items: impl IntoIterator<Item = T>,
    mut write: impl FnMut(&mut String, T),
) {
    for (index, item) in items.into_iter().enumerate() {
        if index > 0 {
            out.push(',');
        }
        write(out, item);
    }
}
