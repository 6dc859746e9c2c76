//! The end of a socket: the close handshake, the release, and what comes after it.

use rand_core::Rng;

use super::dial::{Pace, Wanted};
use super::io::{Cause, Phase, Status, Timer};
use super::phase::{Lifecycle, Wire};
use crate::time::Time;
use crate::ws::Violation;

/// How far the end of a socket has come in [`Phase::Closing`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Farewell {
    /// Our close frame is on its way and the peer's is not here yet: its messages still count.
    Asked(Cause),
    /// The peer has closed too, or broke the protocol: nothing counts but the end of the stream.
    /// The server ends it first (RFC 6455 section 7.1.1).
    Said,
    /// The peer has ended the stream: what is queued is still written.
    Flushing,
}

impl Lifecycle {
    /// Begins the close handshake of our own accord.
    pub(super) fn close(&mut self, now: Time, cause: Cause, wire: &mut impl Wire) {
        const NORMAL: u16 = 1000;
        wire.close(NORMAL);
        self.closing(now, Farewell::Asked(cause));
    }

    pub(super) fn peer_closed(&mut self, now: Time, code: u16, wire: &mut impl Wire) {
        wire.close(code);
        self.down(Cause::Peer(code));
        self.closing(now, Farewell::Said);
    }

    pub(super) fn violated(&mut self, now: Time, violation: Violation, wire: &mut impl Wire) {
        wire.close(violation.close_code());
        self.down(Cause::Violation(violation));
        self.closing(now, Farewell::Said);
    }

    fn closing(&mut self, now: Time, farewell: Farewell) {
        self.phase = Phase::Closing;
        self.farewell = farewell;
        self.timers.disarm_all();
        self.timers.arm(Timer::Close, now + self.rules.close);
    }

    /// The peer closes too; or it breaks the protocol now, which ends its words just as well.
    pub(super) fn close_answered(&mut self) {
        if let Farewell::Asked(cause) = self.farewell {
            self.down(cause);
            self.farewell = Farewell::Said;
        }
    }

    /// The end of the stream. The echo of the peer's close frame is still written.
    pub(super) fn peer_ended(&mut self, wire: &mut impl Wire) {
        match self.farewell {
            Farewell::Said if !wire.is_flushed() => self.farewell = Farewell::Flushing,
            Farewell::Asked(_) | Farewell::Said | Farewell::Flushing => self.close_over(wire),
        }
    }

    pub(super) fn flushed(&mut self, wire: &mut impl Wire) {
        if self.farewell == Farewell::Flushing && wire.is_flushed() {
            self.close_over(wire);
        }
    }

    pub(super) fn close_over(&mut self, wire: &mut impl Wire) {
        self.close_answered();
        self.release(wire);
    }

    pub(super) fn give_up(&mut self, wire: &mut impl Wire) {
        self.unwant();
        self.end(Cause::Stopped, wire);
    }

    pub(super) const fn unwant(&mut self) {
        self.wanted = Wanted::Down;
    }

    /// The end without a close handshake.
    pub(super) fn end(&mut self, cause: Cause, wire: &mut impl Wire) {
        self.down(cause);
        self.release(wire);
    }

    fn down(&mut self, cause: Cause) {
        let epoch = self.epoch;
        self.statuses.push(Status::Down { epoch, cause });
    }

    /// The one way out of every phase with a socket.
    fn release(&mut self, wire: &mut impl Wire) {
        wire.clear();
        self.timers.disarm_all();
        self.phase = Phase::Releasing;
        self.actions.drop(self.epoch);
    }

    /// The socket is gone: only from here the next one is dialled.
    pub(super) fn released(&mut self, now: Time) {
        match (self.wanted, self.pace) {
            (Wanted::Down, _) => self.stopped(),
            (Wanted::Up, Pace::AtOnce) => self.dial_from(now, now),
            (Wanted::Up, Pace::Backoff) => {
                let delay = self.rules.retry.delay(self.attempt, self.rng.next_u64());
                self.dial_from(now, now + delay);
            }
        }
    }

    pub(super) fn stopped(&mut self) {
        self.wanted = Wanted::Down;
        self.timers.disarm(Timer::Retry);
        self.phase = Phase::Stopped;
        self.statuses.push(Status::Stopped);
    }
}
