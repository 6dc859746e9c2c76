//! What a session has to say besides data, in order, until somebody takes it.

use alloc::collections::VecDeque;

use super::backfill::Unfillable;
use super::books::BookState;
use super::event::Notice;
use super::listen_key::KeyChange;
use super::sequence::GapCause;
use crate::connection::Status;
use crate::market::Missing;
use crate::time::UnixNanos;

/// A change of a stream's subscription, before the stream's names are lent to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    Requested { attempt: u32 },
    Confirmed,
    Live,
    Silent,
    Renewing,
    Mute,
    Refused,
}

/// Something to say.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Note {
    Status(Status),
    Subscription {
        stream: usize,
        step: Step,
    },
    Gap {
        stream: usize,
        missing: Option<Missing>,
        cause: GapCause,
        since: UnixNanos,
    },
    Book {
        stream: usize,
        state: BookState,
    },
    /// What became of a gap that was to be filled.
    Settled {
        stream: usize,
        missing: Missing,
        unfillable: Option<Unfillable>,
    },
    Notice(Notice),
    Key(KeyChange),
}

/// The notes that wait.
///
/// Data is read only when none waits, so a peer cannot make them grow; an application that
/// never takes any loses the oldest, and the loss is counted.
#[derive(Clone, Debug)]
pub(super) struct Notes {
    waiting: VecDeque<Note>,
    capacity: usize,
    lost: u64,
}

impl Notes {
    /// Room for several steps of every stream at once.
    pub(super) fn for_streams(streams: usize) -> Self {
        let capacity = streams.saturating_mul(8).saturating_add(64);
        Self {
            waiting: VecDeque::with_capacity(capacity),
            capacity,
            lost: 0,
        }
    }

    pub(super) fn push(&mut self, note: Note) {
        if self.waiting.len() >= self.capacity {
            self.waiting.pop_front();
            self.lost = self.lost.saturating_add(1);
        }
        self.waiting.push_back(note);
    }

    pub(super) fn step(&mut self, stream: usize, step: Step) {
        self.push(Note::Subscription { stream, step });
    }

    pub(super) fn pop(&mut self) -> Option<Note> {
        self.waiting.pop_front()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) const fn lost(&self) -> u64 {
        self.lost
    }
}
