//! One heartbeat: a clock since the last byte received, first a ping, then the end. And what we
//! owe the peer: pongs.

use core::time::Duration;

use super::io::{Cause, Timer};
use super::phase::{Control, Lifecycle, NoRoom, Wire};
use crate::time::Time;

/// How the peer's death is noticed. Any byte received starts both clocks anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Heartbeat {
    /// After this long without a byte, ping.
    pub probe_after: Duration,
    /// After this long without a byte, the socket is dead.
    pub silence_after: Duration,
    /// What a ping looks like.
    pub ping: Ping,
}

/// What a ping looks like.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ping {
    /// A ping frame (RFC 6455 section 5.5.2).
    Frame,
    /// A text message, for peers that want one.
    Text {
        /// What we send.
        ping: &'static str,
        /// What the peer answers. It is not passed on as a message and does not count as data.
        pong: &'static str,
    },
}

/// What we owe the peer, because the quota or the transmit reserve has no room for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Owed {
    pong: Debt,
    ping: Debt,
}

/// One frame at the most: a newer ping of the peer replaces the older (RFC 6455 section 5.5.3),
/// and a second ping of ours would ask nothing new.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
enum Debt {
    #[default]
    Nothing,
    One,
}

impl Owed {
    /// Pongs first: the peer waits for them.
    const fn first(self) -> Option<Control> {
        match (self.pong, self.ping) {
            (Debt::One, Debt::One | Debt::Nothing) => Some(Control::Pong),
            (Debt::Nothing, Debt::One) => Some(Control::Ping),
            (Debt::Nothing, Debt::Nothing) => None,
        }
    }

    const fn set(&mut self, control: Control, debt: Debt) {
        match control {
            Control::Pong => self.pong = debt,
            Control::Ping => self.ping = debt,
        }
    }
}

impl Lifecycle {
    /// Bytes have arrived: the peer lives, and a ping not yet sent need not be sent.
    pub(super) fn heard(&mut self, now: Time) {
        let heartbeat = self.rules.heartbeat;
        self.timers.arm(Timer::Probe, now + heartbeat.probe_after);
        self.timers
            .arm(Timer::Silence, now + heartbeat.silence_after);
        self.owed.set(Control::Ping, Debt::Nothing);
    }

    /// Nothing has arrived for a while. The row stays empty until something does: one ping.
    pub(super) fn probe(&mut self, now: Time, wire: &mut impl Wire) {
        self.owe(now, Control::Ping, wire);
    }

    /// Nothing has arrived in spite of the ping. A close frame would reach nobody.
    pub(super) fn silent(&mut self, wire: &mut impl Wire) {
        self.end(Cause::Lost(Timer::Silence), wire);
    }

    /// The peer pings; the wire holds the payload of its newest ping.
    pub(super) fn pinged(&mut self, now: Time, wire: &mut impl Wire) {
        self.owe(now, Control::Pong, wire);
    }

    /// Bytes have left: there may be room for what is owed.
    pub(super) fn written(&mut self, now: Time, wire: &mut impl Wire) {
        if wire.is_flushed() {
            self.messages.leave(now);
        }
        self.settle(now, wire);
    }

    fn owe(&mut self, now: Time, control: Control, wire: &mut impl Wire) {
        self.owed.set(control, Debt::One);
        self.settle(now, wire);
    }

    /// Sends what is owed as far as the quota and the wire allow.
    pub(super) fn settle(&mut self, now: Time, wire: &mut impl Wire) {
        self.timers.disarm(Timer::Quota);
        while let Some(control) = self.owed.first() {
            let free_at = self.messages.free_at(now, 0);
            if free_at > now {
                return self.timers.arm(Timer::Quota, free_at);
            }
            match wire.control(control) {
                Ok(()) => self.messages.queue(),
                // It is tried again when bytes have left.
                Err(NoRoom) => return,
            }
            self.owed.set(control, Debt::Nothing);
        }
    }
}
