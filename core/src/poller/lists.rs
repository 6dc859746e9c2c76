//! Lists of instruments: what others bring is told by them, so they are awaited, and what they do
//! not have is told.

use super::poll::{Poll, Standing};
use super::{Note, Poller, REFUSED};
use crate::connection::Phase;
use crate::time::Time;

impl Poller {
    pub(super) fn give_up_waiting(&mut self) {
        for place in 0..self.polls.len() {
            if self.is_awaited(place) {
                self.step(place, Standing::Silent);
            }
        }
        self.look_at_lists();
    }

    /// Once all lists are there, what they do not have is told; once nothing is to be awaited any
    /// more, nobody has to wait.
    pub(super) fn look_at_lists(&mut self) {
        let is_there = |poll: &Poll| {
            let standing = poll.standing;
            !poll.is_list() || matches!(standing, Standing::Live | Standing::Unlisted)
        };
        let are_there = self.polls.iter().all(is_there);
        if self.phase == Phase::Connecting && !self.polls.iter().any(Poll::is_awaited) {
            self.phase = Phase::Open;
            self.awaited = None;
        }
        if are_there {
            while let Some(missing) = self.roll.next_missing() {
                self.note(Note::Unlisted(missing));
            }
        }
    }

    pub(super) fn is_list(&self, place: usize) -> bool {
        self.polls.get(place).is_some_and(Poll::is_list)
    }

    pub(super) fn is_awaited(&self, place: usize) -> bool {
        let poll = self.polls.get(place);
        poll.is_some_and(Poll::is_awaited)
    }

    /// A question about several names that is refused for one of them becomes two, until it is
    /// known which.
    pub(super) fn narrow(&mut self, now: Time, place: usize) {
        let Some(poll) = self.polls.get_mut(place) else {
            return;
        };
        match poll.split() {
            Some(other) => {
                poll.due = Some(now);
                let due = Some(now);
                self.polls.push(Poll { due, ..other });
            }
            None => {
                poll.due = Some(now + REFUSED);
                poll.standing = Standing::Unlisted;
                self.roll.strike(&poll.stream.instrument);
            }
        }
    }
}
