//! One stream: how far its subscription has come, its pace and its sequence.

use alloc::string::String;
use core::time::Duration;

use super::backfill::Holes;
use super::event::VenueError;
use super::pace::Pace;
use super::sequence::{GapCause, Sequence, Verdict};
use super::settings::Timing;
use super::stream::{Reached, Stream, StreamState};
use crate::time::{Time, UnixNanos};
use crate::venue::{Reason, Rejection, RequestId};

/// The venue's words are kept up to this length.
const MESSAGE: usize = 256;

/// Why a stream is subscribed anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Why {
    /// No acknowledgement, or no data: the stream is well again as soon as data comes.
    Silence,
    /// Its sequence is broken and only a new snapshot mends it.
    Broken,
}

/// Where a subscription stands, with what it waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// To be subscribed, not before this.
    Wanted { not_before: Time },
    /// Asked for.
    Requested { by: RequestId },
    /// Acknowledged; the first data is due.
    Acknowledged { due: Time },
    /// Data flows.
    Live,
    /// To be unsubscribed, not before this, then subscribed.
    Renewing { not_before: Time, why: Why },
    /// Unsubscribing asked for.
    Unsubscribing { by: RequestId },
    /// Subscribed without effect; to be renewed at `until`.
    Mute { until: Time },
    /// Not subscribed because the venue refused; to be asked for again at `until`.
    Refused { until: Time },
}

/// One stream.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) stream: Stream,
    pub(super) standing: Standing,
    pub(super) pace: Pace,
    pub(super) sequence: Sequence,
    /// What is missing and to be asked for.
    pub(super) holes: Holes,
    /// When its last message was received.
    pub(super) heard: UnixNanos,
    /// The first data is due so long after the acknowledgement.
    pub(super) first_data: Duration,
    /// It becomes live, or did: the beginning of its good time.
    pub(super) live_since: Time,
    /// Whether it has been live on this connection.
    pub(super) proven: Proven,
    /// Renewals since it was last well.
    pub(super) attempts: u32,
    /// Attempts in a row to unsubscribe it that were not answered.
    pub(super) unheard: u32,
    /// Refusals in a row.
    pub(super) refusals: u32,
    /// The largest request it may be part of, while the bad one of a refused request is sought.
    pub(super) share: usize,
    /// The last refusal.
    pub(super) refusal: Option<VenueError>,
}

/// Whether data has come on this connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Proven {
    Yes,
    NotYet,
}

impl Entry {
    pub(super) const fn new(stream: Stream, sequence: Sequence, first_data: Duration) -> Self {
        Self {
            stream,
            standing: Standing::Wanted {
                not_before: Time::ZERO,
            },
            pace: Pace::new(),
            sequence,
            holes: Holes::new(),
            heard: UnixNanos::from_nanos(0),
            first_data,
            live_since: Time::ZERO,
            proven: Proven::NotYet,
            attempts: 0,
            unheard: 0,
            refusals: 0,
            share: usize::MAX,
            refusal: None,
        }
    }

    /// It goes on where it stood when it was last listened to.
    pub(super) const fn resume(&mut self, reached: &Reached) {
        self.sequence.resume(reached.last, reached.exchange_time);
        self.heard = reached.heard;
    }

    pub(super) const fn state(&self) -> StreamState {
        match self.standing {
            Standing::Wanted { .. } => StreamState::Wanted,
            Standing::Requested { .. } => StreamState::Requested,
            Standing::Acknowledged { .. } => StreamState::Acknowledged,
            Standing::Live => StreamState::Live,
            Standing::Renewing { .. } | Standing::Unsubscribing { .. } => StreamState::Renewing,
            Standing::Mute { .. } => StreamState::Mute,
            Standing::Refused { .. } => StreamState::Refused,
        }
    }

    /// When something is to be done about the stream by itself, if ever.
    pub(super) fn due(&self, timing: &Timing) -> Option<Time> {
        match self.standing {
            Standing::Wanted { not_before } | Standing::Renewing { not_before, .. } => {
                Some(not_before)
            }
            Standing::Acknowledged { due } => Some(due),
            Standing::Live => Some(self.silent_at(timing)),
            Standing::Mute { until } | Standing::Refused { until } => Some(until),
            Standing::Requested { .. } | Standing::Unsubscribing { .. } => None,
        }
    }

    /// When a live stream counts as silent, unless it speaks before.
    pub(super) fn silent_at(&self, timing: &Timing) -> Time {
        self.heard_at() + self.patience(timing)
    }

    /// When to look at a live stream again: soon if it has no habit yet, because its patience
    /// shrinks once it has one.
    pub(super) fn look_at(&self, now: Time, timing: &Timing) -> Time {
        let silent_at = self.silent_at(timing);
        match self.pace.habit(timing.silence_floor) {
            None if !self.stream.channel.is_sparse() => silent_at.min(now + timing.silence_floor),
            Some(_) | None => silent_at,
        }
    }

    /// When a live stream was last heard of.
    pub(super) fn heard_at(&self) -> Time {
        self.pace.last().unwrap_or(self.live_since)
    }

    /// How long the stream may pause while it is live.
    pub(super) fn patience(&self, timing: &Timing) -> Duration {
        if self.stream.channel.is_sparse() {
            return self.first_data;
        }
        self.pace.patience(timing.silence_floor, timing.silence_cap)
    }

    /// How long the first data may take: as long as the stream's habit is, where it has one.
    pub(super) fn first_data_patience(&self, timing: &Timing) -> Duration {
        if self.stream.channel.is_sparse() {
            return self.first_data;
        }
        let habit = self.pace.habit(timing.silence_floor);
        habit.map_or(self.first_data, |pause| pause.min(timing.silence_cap))
    }

    /// Whether the stream was live on this connection, and has paused beyond anything that it is
    /// known to do by itself.
    pub(super) fn has_died(&self, now: Time, timing: &Timing) -> bool {
        if self.stream.channel.is_sparse() {
            return false;
        }
        let habit = self.pace.habit(timing.silence_floor);
        let is_dead = habit.zip(self.pace.last()).is_some_and(|(pause, last)| {
            let silence = now.since(last);
            silence >= pause && self.pace.can_judge(silence)
        });
        self.proven == Proven::Yes && is_dead
    }

    /// A message has come, with numbers that mean this.
    pub(super) fn touch(&mut self, now: Time, verdict: Verdict) {
        let cut_after = self.pace.cut_after();
        self.pace.touch(now);
        if let Some(last) = cut_after
            && !self.sequence.shows_loss(verdict)
        {
            // It was cut for nothing: it pauses as long as that.
            self.pace.learn(now.since(last));
        }
    }

    /// It is subscribed anew on the same connection.
    pub(super) const fn interrupt(&mut self) {
        self.pace.interrupt();
        self.sequence.interrupt(GapCause::Resubscription);
    }

    /// Forgets past troubles if the stream has been well for long enough.
    pub(super) fn forget_troubles(&mut self, now: Time, timing: &Timing) {
        let well =
            self.standing == Standing::Live && now.since(self.live_since) >= timing.stable_after;
        if well {
            self.attempts = 0;
        }
    }

    /// The wait before the next renewal: none at first, then doubling.
    pub(super) fn renewal_wait(&self, timing: &Timing) -> Duration {
        match self.attempts {
            0 | 1 => Duration::ZERO,
            more => doubled(timing.retry, more - 2, timing.retry_cap),
        }
    }

    pub(super) fn refuse(&mut self, now: Time, timing: &Timing, error: VenueError) {
        let wait = doubled(timing.quarantine, self.refusals, timing.quarantine_cap);
        self.refusals = self.refusals.saturating_add(1);
        self.refusal = Some(error);
        self.share = 1;
        self.standing = Standing::Refused { until: now + wait };
    }

    /// The connection is gone: nothing is subscribed any more.
    pub(super) fn disconnect(&mut self, now: Time) {
        self.pace.interrupt();
        self.sequence.interrupt(GapCause::Connection);
        self.proven = Proven::NotYet;
        self.share = usize::MAX;
        self.unheard = 0;
        if !matches!(self.standing, Standing::Refused { .. }) {
            self.standing = Standing::Wanted { not_before: now };
        }
    }
}

impl VenueError {
    /// The login could not be signed.
    pub(super) fn unsigned() -> Self {
        Self::of_login("nobody has signed the login")
    }

    /// There is no room for the login among what waits to be written.
    pub(super) fn unsendable() -> Self {
        Self::of_login("the login cannot be sent")
    }

    /// Too many connections of the account have the channel ("Connection count limit").
    pub(super) fn crowded_out() -> Self {
        let rejection = Rejection {
            code: 0,
            reason: Reason::Conflict,
        };
        Self::new(rejection, "too many connections of the account have it")
    }

    /// The login was not answered in time.
    pub(super) fn unanswered() -> Self {
        Self::of_login("the login was not answered")
    }

    fn of_login(message: &str) -> Self {
        let rejection = Rejection {
            code: 0,
            reason: Reason::Login,
        };
        Self::new(rejection, message)
    }

    pub(crate) fn new(rejection: Rejection, message: &str) -> Self {
        let mut end = message.len().min(MESSAGE);
        while !message.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            rejection,
            message: String::from(message.get(..end).unwrap_or_default()),
        }
    }
}

/// `first`, doubled so many times, up to `cap`.
pub(super) fn doubled(first: Duration, times: u32, cap: Duration) -> Duration {
    first.saturating_mul(1 << times.min(30)).min(cap)
}
