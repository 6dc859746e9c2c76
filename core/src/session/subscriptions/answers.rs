//! What the venue answers to requests, or does not.

use super::{Acks, Health, Subscriptions};
use crate::session::entry::{Entry, Standing, doubled};
use crate::session::event::{Notice, VenueError};
use crate::session::notes::{Note, Notes};
use crate::session::requests::Request;
use crate::time::Time;
use crate::venue::{Operation, Reason, RequestId};

/// Answers.
impl Subscriptions {
    /// A request has been carried out as a whole.
    pub(in crate::session) fn acknowledged(
        &mut self,
        now: Time,
        id: Option<RequestId>,
        notes: &mut Notes,
    ) {
        let Some((id, _)) = self.requests.answered(id) else {
            return;
        };
        for place in 0..self.entries.len() {
            self.confirm(now, place, id, notes);
        }
        self.requests.remove(id);
    }

    /// One stream has been subscribed.
    pub(in crate::session) fn subscribed(&mut self, now: Time, place: usize, notes: &mut Notes) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        match entry.standing {
            Standing::Requested { by } => {
                self.confirm(now, place, by, notes);
                self.remove_if_done(by);
            }
            // Its request was refused as a whole, or so it seemed.
            Standing::Wanted { .. } => self.await_data(now, place, notes),
            Standing::Acknowledged { .. }
            | Standing::Live
            | Standing::Renewing { .. }
            | Standing::Unsubscribing { .. }
            | Standing::Mute { .. }
            | Standing::Refused { .. } => {}
        }
    }

    /// One stream has been unsubscribed.
    pub(in crate::session) fn unsubscribed(&mut self, now: Time, place: usize, notes: &mut Notes) {
        let standing = self.entries.get(place).map(|entry| entry.standing);
        if let Some(Standing::Unsubscribing { by }) = standing {
            self.confirm(now, place, by, notes);
            self.remove_if_done(by);
        }
    }

    /// One stream has been refused.
    pub(in crate::session) fn refused(
        &mut self,
        now: Time,
        place: usize,
        error: VenueError,
        notes: &mut Notes,
    ) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        match entry.standing {
            Standing::Unsubscribing { by } => {
                self.confirm(now, place, by, notes);
                self.remove_if_done(by);
            }
            Standing::Requested { by } => {
                self.unanswered = 0;
                self.refuse(now, place, error, notes);
                self.remove_if_done(by);
            }
            // OKX acknowledges a book that conflicts with another one before it refuses it.
            Standing::Acknowledged { .. } | Standing::Live | Standing::Mute { .. } => {
                self.refuse(now, place, error, notes);
            }
            Standing::Wanted { .. } | Standing::Renewing { .. } | Standing::Refused { .. } => {}
        }
    }

    /// A request has been refused, and the venue does not say for which of its streams.
    pub(in crate::session) fn request_refused(
        &mut self,
        now: Time,
        id: Option<RequestId>,
        error: VenueError,
        notes: &mut Notes,
    ) {
        let Some((id, operation)) = self.requests.answered(id) else {
            return notes.push(Note::Notice(Notice::Error(error.rejection)));
        };
        let waiting = self.waiting_for(id);
        self.unanswered = 0;
        match (operation, self.acks) {
            // Nothing was subscribed that could be unsubscribed.
            (Operation::Unsubscribe, _) => self.acknowledged(now, Some(id), notes),
            (Operation::Subscribe, Acks::ForStream) if waiting > 1 => {
                let until = now + self.timing.settle;
                self.requests.settle(id, error, until);
                self.wake_by(until);
            }
            (Operation::Subscribe, Acks::ForRequest | Acks::ForStream) => {
                self.requests.remove(id);
                self.blame(now, id, error, notes);
            }
        }
    }
}

/// Answers that do not come, and those that do not say what they are about.
impl Subscriptions {
    /// The answer to a request has not come in time. A venue that leaves several in a row
    /// unanswered does not read this connection any more.
    pub(super) fn overdue(&mut self, now: Time, request: Request, notes: &mut Notes) -> Health {
        if let Some(error) = request.refusal {
            self.blame(now, request.id, error, notes);
            return Health::Fine;
        }
        if self.waiting_for(request.id) > 0 {
            self.unanswered = self.unanswered.saturating_add(1);
        }
        let mut health = match self.unanswered / 2 > self.timing.attempts {
            true => Health::Stalled,
            false => Health::Fine,
        };
        for place in 0..self.entries.len() {
            match self.entries.get(place).map(|entry| entry.standing) {
                // It may be subscribed or not, so it is unsubscribed before the next attempt.
                Some(Standing::Requested { by }) if by == request.id => {
                    health = health.max(self.fail(now, place, notes));
                }
                Some(Standing::Unsubscribing { by }) if by == request.id => {
                    self.unsubscribe_again(now, place);
                }
                Some(_) | None => {}
            }
        }
        health
    }

    /// Unsubscribing was not acknowledged. Subscribed again without certainty it might be
    /// subscribed twice; but some attempts are enough, because venues hold sets of streams.
    fn unsubscribe_again(&mut self, now: Time, place: usize) {
        let Some(entry) = self.entries.get_mut(place) else {
            return;
        };
        entry.unheard = entry.unheard.saturating_add(1);
        match entry.unheard > self.timing.attempts {
            true => self.want(now, place, now),
            false => self.renew(now, place, now),
        }
    }

    /// A request was refused: whatever is still waiting for it is to blame. One stream alone is
    /// the culprit; among several it is sought by halves, so that the others are not held up.
    fn blame(&mut self, now: Time, id: RequestId, error: VenueError, notes: &mut Notes) {
        let suspects = self.waiting_for(id);
        for place in 0..self.entries.len() {
            let Some(entry) = self.entries.get_mut(place) else {
                continue;
            };
            if entry.standing != (Standing::Requested { by: id }) {
                continue;
            }
            if is_passing(error.rejection.reason) && entry.attempts < self.timing.attempts {
                entry.attempts += 1;
                let wait = doubled(self.timing.retry, entry.attempts, self.timing.retry_cap);
                self.want(now, place, now + wait);
            } else if suspects == 1 {
                self.refuse(now, place, error.clone(), notes);
            } else {
                entry.share = suspects.div_ceil(2);
                match self.acks {
                    Acks::ForRequest => self.want(now, place, now),
                    // Some may be subscribed, and only their acknowledgements lost.
                    Acks::ForStream => self.renew(now, place, now),
                }
            }
        }
    }

    /// How many streams wait for the answer to a request.
    fn waiting_for(&self, id: RequestId) -> usize {
        let waits = |entry: &&Entry| match entry.standing {
            Standing::Requested { by } | Standing::Unsubscribing { by } => by == id,
            Standing::Wanted { .. }
            | Standing::Acknowledged { .. }
            | Standing::Live
            | Standing::Renewing { .. }
            | Standing::Mute { .. }
            | Standing::Refused { .. } => false,
        };
        self.entries.iter().filter(waits).count()
    }

    fn remove_if_done(&mut self, id: RequestId) {
        if self.waiting_for(id) == 0 {
            self.requests.remove(id);
        }
    }
}

/// Whether the same request may well pass later.
const fn is_passing(reason: Reason) -> bool {
    matches!(reason, Reason::TooFrequent | Reason::Venue)
}
