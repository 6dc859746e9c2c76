//! One stream, and how its questions fare.

use super::Turns;
use crate::market::Content;
use crate::session::{Change, Event, Stream, VenueError};
use crate::time::{Time, UnixNanos};

/// One stream, and how its questions fare.
#[derive(Clone, Debug)]
pub(super) struct Poll {
    pub(super) stream: Stream,
    pub(super) turns: Turns,
    /// When it is its turn; `None` while it is asked.
    pub(super) due: Option<Time>,
    /// The exchange time of the last row that was told.
    pub(super) last: Option<UnixNanos>,
    pub(super) repeats: u32,
    pub(super) standing: Standing,
    pub(super) refusal: Option<VenueError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    New,
    Live,
    Silent,
    Refused,
    /// The venue has no instrument of the one name that it asks about.
    Unlisted,
}

impl Poll {
    pub(super) const fn is_list(&self) -> bool {
        matches!(self.stream.channel.content(), Content::Instruments)
    }

    /// Whether nothing is known yet of a list.
    pub(super) fn is_awaited(&self) -> bool {
        self.is_list() && self.standing == Standing::New
    }

    /// Gives half of the names away that it asks about, if there are several.
    pub(super) fn split(&mut self) -> Option<Self> {
        let names = &self.stream.instrument;
        let half = names.split(',').count() / 2;
        let (comma, _) = names.match_indices(',').nth(half.checked_sub(1)?)?;
        let (first, second) = names.split_at_checked(comma)?;
        let mut other = self.clone();
        other.stream.instrument = second.strip_prefix(',')?.into();
        self.stream.instrument = first.into();
        Some(other)
    }

    pub(super) fn tell(&self, standing: Standing) -> Option<Event<'_>> {
        let change = match standing {
            Standing::New | Standing::Unlisted => return None,
            Standing::Live => Change::Live,
            Standing::Silent => Change::Silent,
            Standing::Refused => Change::Refused(self.refusal.as_ref()?),
        };
        let stream = &self.stream;
        Some(Event::Subscription { stream, change })
    }
}
