//! The requests that wait for their acknowledgement.

use alloc::vec::Vec;

use super::event::VenueError;
use crate::time::Time;
use crate::venue::{Operation, RequestId};

/// More requests than this never wait for their acknowledgement at once.
const IN_FLIGHT: usize = 16;

/// A request on its way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) id: RequestId,
    pub(super) operation: Operation,
    /// When the acknowledgement is overdue.
    pub(super) due: Time,
    /// Set when one of its arguments was refused and the others may still be acknowledged.
    pub(super) refusal: Option<VenueError>,
}

/// The requests on their way, oldest first.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    waiting: Vec<Request>,
    last_id: RequestId,
}

impl Requests {
    /// Whether one more may be sent.
    pub(super) const fn has_room(&self) -> bool {
        self.waiting.len() < IN_FLIGHT
    }

    /// Whether every request has been answered.
    pub(super) const fn are_answered(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Whether one of this kind waits for its acknowledgement.
    pub(super) fn has(&self, operation: Operation) -> bool {
        let mut waiting = self.waiting.iter();
        waiting.any(|request| request.operation == operation)
    }

    /// The number of the next request. Numbers are never used twice, not even on another
    /// connection, so a late answer cannot be mistaken for another one's.
    pub(super) const fn next_id(&self) -> RequestId {
        self.last_id + 1
    }

    /// The next number, for a request that is not one of these.
    pub(super) const fn take_id(&mut self) -> RequestId {
        self.last_id += 1;
        self.last_id
    }

    /// The request with the next number has been sent.
    pub(super) fn sent(&mut self, operation: Operation, due: Time) -> RequestId {
        self.last_id += 1;
        self.waiting.push(Request {
            id: self.last_id,
            operation,
            due,
            refusal: None,
        });
        self.last_id
    }

    /// The request that an answer speaks of: by its number, by order where it tells none.
    pub(super) fn answered(&self, id: Option<RequestId>) -> Option<(RequestId, Operation)> {
        let request = match id {
            Some(id) => self.waiting.iter().find(|request| request.id == id),
            None => self.waiting.first(),
        };
        request.map(|request| (request.id, request.operation))
    }

    /// Waits a little longer for the other arguments of a request of which one was refused.
    pub(super) fn settle(&mut self, id: RequestId, error: VenueError, until: Time) {
        let of_it = |request: &&mut Request| request.id == id && request.refusal.is_none();
        if let Some(request) = self.waiting.iter_mut().find(of_it) {
            request.refusal = Some(error);
            request.due = request.due.min(until);
        }
    }

    /// The request is done with.
    pub(super) fn remove(&mut self, id: RequestId) {
        self.waiting.retain(|request| request.id != id);
    }

    /// Takes the oldest request that is overdue.
    pub(super) fn take_overdue(&mut self, now: Time) -> Option<Request> {
        let place = self.waiting.iter().position(|request| request.due <= now)?;
        Some(self.waiting.remove(place))
    }

    /// When the next one is overdue.
    pub(super) fn due(&self) -> Option<Time> {
        self.waiting.iter().map(|request| request.due).min()
    }

    /// The requests on their way, with how many were numbered since.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> impl Iterator<Item = (u64, &Request)> {
        let waiting = self.waiting.iter();
        waiting.map(|request| (self.last_id - request.id, request))
    }

    /// The connection is gone, and with it every answer.
    pub(super) fn clear(&mut self) {
        self.waiting.clear();
    }
}
