//! What waits to be taken by the shell and the application; both bounded by construction.

use alloc::collections::VecDeque;

use super::io::{Action, Epoch, Status};

/// The actions that wait for the shell: at most one dial, a signature for its socket and, after them,
/// its end. There can be no second dial before the shell has taken the drop and confirmed it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Actions {
    dial: Option<Epoch>,
    sign: Option<Epoch>,
    drop: Option<Epoch>,
}

impl Actions {
    pub(super) const fn dial(&mut self, epoch: Epoch) {
        self.dial = Some(epoch);
    }

    pub(super) const fn sign(&mut self, epoch: Epoch) {
        self.sign = Some(epoch);
    }

    /// What was to be signed for the socket is not needed any more.
    pub(super) const fn drop(&mut self, epoch: Epoch) {
        self.sign = None;
        self.drop = Some(epoch);
    }

    pub(super) fn poll(&mut self) -> Option<Action> {
        let dial = self.dial.take().map(Action::Dial);
        let sign = || self.sign.take().map(Action::Sign);
        let first = dial.or_else(sign);
        first.or_else(|| self.drop.take().map(Action::Drop))
    }

    /// Whether the shell has yet to hear of the dial.
    pub(super) const fn dial_waits(&self) -> bool {
        self.dial.is_some()
    }

    /// Whether the shell has yet to hear that something is to be signed.
    pub(super) const fn sign_waits(&self) -> bool {
        self.sign.is_some()
    }

    /// Whether the shell has yet to hear that the socket is to go.
    pub(super) const fn drop_waits(&self) -> bool {
        self.drop.is_some()
    }
}

/// The changes that wait for the application.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Statuses(VecDeque<Status>);

impl Statuses {
    /// More than four cycles' worth. An application that never looks forgets the oldest.
    const CAPACITY: usize = 16;

    pub(super) fn push(&mut self, status: Status) {
        if self.0.len() == Self::CAPACITY {
            self.0.pop_front();
        }
        self.0.push_back(status);
    }

    #[inline]
    pub(super) fn poll(&mut self) -> Option<Status> {
        self.0.pop_front()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_dial_is_told_before_its_end() {
        let mut actions = Actions::default();
        actions.dial(Epoch::default());
        actions.sign(Epoch::default());
        assert!(actions.dial_waits() && actions.sign_waits());
        actions.drop(Epoch::default());
        assert!(!actions.sign_waits() && actions.drop_waits());
        assert_eq!(actions.poll(), Some(Action::Dial(Epoch::default())));
        assert_eq!(actions.poll(), Some(Action::Drop(Epoch::default())));
        assert_eq!(actions.poll(), None);
    }

    #[test]
    fn statuses_nobody_takes_make_room_from_the_oldest() {
        let mut statuses = Statuses::default();
        statuses.push(Status::Stopped);
        let epoch = Epoch::default();
        for _ in 0..Statuses::CAPACITY {
            statuses.push(Status::Open { epoch });
        }
        assert_eq!(statuses.0.len(), Statuses::CAPACITY);
        assert_eq!(statuses.poll(), Some(Status::Open { epoch }));
    }
}
