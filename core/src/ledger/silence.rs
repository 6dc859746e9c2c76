//! Pauses that are longer than the stream's own.

use alloc::vec::Vec;
use core::time::Duration;

use crate::session::{Pace, Timing};
use crate::time::{Time, UnixNanos};

/// No pause is a silence before this, however fast a stream usually speaks.
const FLOOR: Duration = Timing::DEFAULT.silence_floor;
/// Silences of one stream that are told apart; those behind the last one are told as one with it.
const MAX_SILENCES: usize = 1024;

/// A pause beyond what the stream's own rhythm allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Silence {
    /// When the last message before it was received.
    pub since: UnixNanos,
    /// When the next one was received; `None` where none has come.
    pub until: Option<UnixNanos>,
    /// How long a pause its rhythm allowed.
    pub allowed: Duration,
    /// How many silences more this one stands for, beyond the limit of what is told apart.
    pub merged: u64,
}

/// When a stream speaks. Its messages are timed by the wall clock, so a clock that is set forward
/// looks like a pause.
#[derive(Clone, Debug)]
pub(super) struct Rhythm {
    pace: Pace,
    heard: Option<UnixNanos>,
    /// Since when nothing is expected of it.
    ended: Option<UnixNanos>,
    silences: Vec<Silence>,
}

impl Rhythm {
    pub(super) const fn new() -> Self {
        Self {
            pace: Pace::new(),
            heard: None,
            ended: None,
            silences: Vec::new(),
        }
    }

    /// A message has come in its place.
    pub(super) fn touch(&mut self, at: UnixNanos) {
        let ended = self.ended.take();
        let is_own = self.pace.cut_after().is_none();
        if let Some(silence) = self.silence_until(ended.unwrap_or(at)).filter(|_| is_own) {
            let until = Some(at);
            self.note(Silence { until, ..silence });
        }
        if ended.is_some() {
            self.pace.interrupt();
        }
        self.pace.touch(instant(at));
        self.heard = Some(at);
    }

    /// Something is missing here: the pause until the next message is not the stream's own.
    pub(super) const fn interrupt(&mut self) {
        self.pace.interrupt();
    }

    /// Nothing is expected of the stream any more, until it speaks again.
    pub(super) fn end(&mut self, at: UnixNanos) {
        self.ended = self.ended.or(Some(at));
    }

    /// When the last message came.
    pub(super) const fn heard(&self) -> Option<UnixNanos> {
        self.heard
    }

    pub(super) fn silences(&self) -> &[Silence] {
        &self.silences
    }

    /// The silence in which the stream is at this time, if it is in one.
    pub(super) fn silence_at(&self, end: UnixNanos) -> Option<Silence> {
        self.silence_until(self.watched_until(end))
    }

    /// Until when something was expected of the stream, in an account that ends then.
    pub(super) fn watched_until(&self, end: UnixNanos) -> UnixNanos {
        self.ended.map_or(end, |ended| ended.min(end))
    }

    fn silence_until(&self, at: UnixNanos) -> Option<Silence> {
        let (since, allowed) = (self.heard?, self.pace.habit(FLOOR)?);
        let pause = instant(at).since(instant(since));
        (pause > allowed).then_some(Silence {
            since,
            until: None,
            allowed,
            merged: 0,
        })
    }

    fn note(&mut self, silence: Silence) {
        let is_full = self.silences.len() >= MAX_SILENCES;
        match self.silences.last_mut() {
            Some(last) if is_full => {
                last.until = silence.until;
                last.merged = last.merged.saturating_add(1);
            }
            Some(_) | None => self.silences.push(silence),
        }
    }
}

/// The wall clock as a clock that learns of pauses.
const fn instant(at: UnixNanos) -> Time {
    Time::from_nanos(at.as_nanos())
}
