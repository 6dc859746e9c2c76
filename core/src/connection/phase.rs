//! All transitions: one exhaustive match over phase and stimulus.
//!
//! Nothing here knows a frame, a socket or a clock. What is to be sent goes through [`Wire`],
//! what is to be done to the socket through [`Actions`].

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use super::backoff::Retry;
use super::config::{Config, Rotate, Target};
use super::dial::{Leave, Pace, Signature, Wanted};
use super::farewell::Farewell;
use super::heartbeat::{Heartbeat, Owed};
use super::io::{Cause, Epoch, Fault, Input, Phase, Refusal, Timer};
use super::output::{Actions, Statuses};
use super::quota::Window;
use super::timer::TimerTable;
use crate::time::Time;
use crate::ws::Violation;
use core::time::Duration;

/// Everything that can happen to a connection: inputs that speak of the current socket, expired
/// timers, and what the data plane finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stimulus {
    Start,
    Stop,
    Renew,
    Hold(Time),
    Stay(Time),
    Withhold,
    Permit,
    Dialed,
    DialFailed(Fault),
    Eof,
    Broken(Fault),
    Released,
    /// This row's deadline has passed.
    Expired(Timer),
    /// Bytes have been received, whatever they say.
    Heard,
    /// The upgrade request was signed, and is queued.
    Signed,
    /// Nobody has signed it.
    Unsigned,
    /// The upgrade request has been answered with 101.
    Upgraded,
    Refused(Refusal),
    /// A message for the application.
    Data,
    Ping,
    Pong,
    /// The peer's close frame with its code, 1005 if it carried none.
    PeerClosed(u16),
    Violation(Violation),
    /// Bytes have been written.
    Written,
}

/// A control frame that is sent of our own accord.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Control {
    Ping,
    Pong,
}

/// The transmit reserve is exhausted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NoRoom;

/// The way out, as the transitions see it.
pub(super) trait Wire {
    /// A socket is connected: forget the last one, and queue the upgrade request unless it has to
    /// be signed first.
    fn connect(&mut self);
    /// Queues a ping, or the answer to the peer's newest ping.
    fn control(&mut self, control: Control) -> Result<(), NoRoom>;
    /// Queues a close frame, the last frame; 1005 stands for one without a code.
    fn close(&mut self, code: u16);
    /// Whether everything queued has been written.
    fn is_flushed(&self) -> bool;
    /// The socket is lost: forget what was queued.
    fn clear(&mut self);
}

/// The part of the configuration that transitions depend on.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Rules {
    pub(super) connect: Duration,
    pub(super) upgrade: Duration,
    pub(super) target: Target,
    pub(super) heartbeat: Heartbeat,
    pub(super) data: Option<Duration>,
    pub(super) close: Duration,
    pub(super) retry: Retry,
    pub(super) rotate: Option<Rotate>,
    pub(super) pong_reserve: u32,
}

/// What may be read from the socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reading {
    /// The answer to the upgrade request.
    Handshake,
    /// Frames.
    Frames,
    /// Nothing that counts.
    Nothing,
}

/// Where a connection stands, and all that decides where it goes.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Lifecycle {
    pub(super) rules: Rules,
    pub(super) rng: ChaCha8Rng,
    pub(super) now: Time,
    pub(super) phase: Phase,
    pub(super) wanted: Wanted,
    pub(super) pace: Pace,
    pub(super) leave: Leave,
    pub(super) signature: Signature,
    pub(super) farewell: Farewell,
    /// The last dial.
    pub(super) epoch: Epoch,
    /// Dials since the connection was last stable; 0 while it is.
    pub(super) attempt: u32,
    /// No dial before this: shared budgets and bans of this address.
    pub(super) held: Time,
    /// No dial before this: the server asked for a pause.
    pub(super) pause: Time,
    /// When the last connection was to be renewed.
    pub(super) renewal: Time,
    /// No planned renewal before this.
    pub(super) stay: Time,
    pub(super) timers: TimerTable,
    pub(super) dials: Window,
    pub(super) messages: Window,
    pub(super) owed: Owed,
    pub(super) actions: Actions,
    pub(super) statuses: Statuses,
}

impl Lifecycle {
    pub(super) fn new(config: &Config, seed: [u8; 32]) -> Self {
        Self {
            rules: Rules::from(config),
            rng: ChaCha8Rng::from_seed(seed),
            now: Time::ZERO,
            phase: Phase::Stopped,
            wanted: Wanted::Down,
            pace: Pace::Backoff,
            leave: Leave::Given,
            signature: Signature::Needless,
            farewell: Farewell::Said,
            epoch: Epoch::default(),
            attempt: 0,
            held: Time::ZERO,
            pause: Time::ZERO,
            renewal: Time::ZERO,
            stay: Time::ZERO,
            timers: TimerTable::default(),
            dials: Window::new(config.dials),
            messages: Window::new(config.messages),
            owed: Owed::default(),
            actions: Actions::default(),
            statuses: Statuses::default(),
        }
    }

    /// Takes an input in. One that speaks of a socket that is not ours changes nothing.
    pub(super) fn handle(&mut self, now: Time, input: Input, wire: &mut impl Wire) {
        match input {
            Input::Start => self.apply(now, Stimulus::Start, wire),
            Input::Stop => self.apply(now, Stimulus::Stop, wire),
            Input::Renew => self.apply(now, Stimulus::Renew, wire),
            Input::Hold(until) => self.apply(now, Stimulus::Hold(until), wire),
            Input::Stay(until) => self.apply(now, Stimulus::Stay(until), wire),
            Input::Withhold => self.apply(now, Stimulus::Withhold, wire),
            Input::Permit => self.apply(now, Stimulus::Permit, wire),
            Input::Timeout => self.expire(now, wire),
            Input::Dialed(epoch) => self.apply_to(epoch, now, Stimulus::Dialed, wire),
            Input::DialFailed(epoch, fault) => {
                self.apply_to(epoch, now, Stimulus::DialFailed(fault), wire);
            }
            Input::Eof(epoch) => self.apply_to(epoch, now, Stimulus::Eof, wire),
            Input::Broken(epoch, fault) => {
                self.apply_to(epoch, now, Stimulus::Broken(fault), wire);
            }
            Input::Released(epoch) => self.apply_to(epoch, now, Stimulus::Released, wire),
        }
    }

    /// What may be read from the socket at the moment.
    #[inline]
    pub(super) const fn reading(&self) -> Reading {
        match (self.phase, self.farewell) {
            (Phase::Upgrading, _) => Reading::Handshake,
            (Phase::Open, _) | (Phase::Closing, Farewell::Asked(_)) => Reading::Frames,
            (Phase::Closing, Farewell::Said | Farewell::Flushing)
            | (Phase::Stopped | Phase::Waiting | Phase::Connecting | Phase::Releasing, _) => {
                Reading::Nothing
            }
        }
    }

    pub(super) const fn phase(&self) -> Phase {
        self.phase
    }

    /// The live socket: from the dial until its release is confirmed.
    pub(super) const fn epoch(&self) -> Option<Epoch> {
        match self.phase {
            Phase::Stopped | Phase::Waiting => None,
            Phase::Connecting
            | Phase::Upgrading
            | Phase::Open
            | Phase::Closing
            | Phase::Releasing => Some(self.epoch),
        }
    }

    pub(super) const fn held(&self) -> Time {
        self.held
    }

    /// Whether the socket of this epoch waits for its upgrade request to be signed, and the shell
    /// has been asked for that.
    pub(super) fn awaits_signature(&self, of: Epoch) -> bool {
        let asked = self.signature == Signature::Awaited && !self.actions.sign_waits();
        asked && self.phase == Phase::Upgrading && self.epoch == of
    }

    /// When a message of the application may be sent without touching the reserve.
    pub(super) fn message_free_at(&self, now: Time) -> Time {
        self.messages.free_at(now, self.rules.pong_reserve)
    }

    /// Every row that is due, once; a row that is armed for the past again is due next time.
    fn expire(&mut self, now: Time, wire: &mut impl Wire) {
        for _ in Timer::ALL {
            let Some(timer) = self.timers.expired(now) else {
                return;
            };
            self.apply(now, Stimulus::Expired(timer), wire);
        }
    }

    /// A shell cannot answer an action that it has not been given: such input is stale too.
    fn apply_to(&mut self, epoch: Epoch, now: Time, stimulus: Stimulus, wire: &mut impl Wire) {
        let asked = match stimulus == Stimulus::Released {
            true => self.phase == Phase::Releasing && !self.actions.drop_waits(),
            false => !self.actions.dial_waits(),
        };
        if asked && self.epoch() == Some(epoch) {
            self.apply(now, stimulus, wire);
        }
    }

    /// The transitions.
    #[expect(clippy::too_many_lines, reason = "all transitions in one match")]
    pub(super) fn apply(&mut self, now: Time, stimulus: Stimulus, wire: &mut impl Wire) {
        use Phase::{Closing, Connecting, Open, Releasing, Stopped, Upgrading, Waiting};
        use Stimulus as S;
        use Timer as T;

        // Time only moves forward.
        self.now = self.now.max(now);
        let now = self.now;
        match (self.phase, stimulus) {
            (Stopped, S::Start) => self.start(now),
            (Closing | Releasing, S::Start) => self.want(),
            (Waiting | Connecting | Upgrading | Open, S::Start) => {}

            (Stopped, S::Stop) => {}
            (Waiting, S::Stop) => self.stopped(),
            (Connecting | Upgrading, S::Stop) => self.give_up(wire),
            (Open, S::Stop) => self.part(now, wire),
            (Closing | Releasing, S::Stop) => self.unwant(),

            (Open, S::Renew | S::Expired(T::Rotate)) => self.renew(now, wire),
            (Stopped | Waiting | Connecting, S::Renew | S::Expired(T::Rotate)) => {}
            (Upgrading | Closing | Releasing, S::Renew | S::Expired(T::Rotate)) => {}

            (Waiting, S::Hold(until)) => self.postpone(until),
            (Stopped | Connecting | Upgrading, S::Hold(until)) => self.hold(until),
            (Open | Closing | Releasing, S::Hold(until)) => self.hold(until),

            (Stopped | Waiting | Connecting | Upgrading, S::Stay(until)) => self.stay(until),
            (Open | Closing | Releasing, S::Stay(until)) => self.stay(until),
            (Stopped | Waiting | Connecting, S::Withhold) => self.withhold(),
            (Upgrading | Open | Closing | Releasing, S::Withhold) => self.withhold(),

            (Waiting, S::Permit) => self.permitted(now),
            (Stopped | Connecting | Upgrading, S::Permit) => self.permit(),
            (Open | Closing | Releasing, S::Permit) => self.permit(),

            (Connecting, S::Dialed) => self.connected(now, wire),
            (Stopped | Waiting | Upgrading | Open | Closing | Releasing, S::Dialed) => {}

            (Connecting, S::DialFailed(fault)) => self.end(Cause::Fault(fault), wire),
            (Stopped | Waiting | Upgrading | Open | Closing | Releasing, S::DialFailed(_)) => {}

            (Connecting | Upgrading | Open, S::Eof) => self.end(Cause::Eof, wire),
            (Closing, S::Eof) => self.peer_ended(wire),
            (Stopped | Waiting | Releasing, S::Eof) => {}

            (Connecting | Upgrading | Open, S::Broken(fault)) => {
                self.end(Cause::Fault(fault), wire);
            }
            (Closing, S::Broken(_) | S::Expired(T::Close)) => self.close_over(wire),
            (Stopped | Waiting | Releasing, S::Broken(_)) => {}
            (Stopped | Waiting | Connecting | Upgrading, S::Expired(T::Close)) => {}
            (Open | Releasing, S::Expired(T::Close)) => {}

            (Releasing, S::Released) => self.released(now),
            (Stopped | Waiting | Connecting | Upgrading | Open | Closing, S::Released) => {}

            (Connecting, S::Expired(T::Connect)) => self.end(Cause::Lost(T::Connect), wire),
            (Stopped | Waiting | Upgrading, S::Expired(T::Connect)) => {}
            (Open | Closing | Releasing, S::Expired(T::Connect)) => {}

            (Upgrading, S::Signed) => self.signed(),
            (Stopped | Waiting | Connecting | Open | Closing | Releasing, S::Signed) => {}

            (Upgrading, S::Unsigned) => self.end(Cause::Unsigned, wire),
            (Stopped | Waiting | Connecting | Open | Closing | Releasing, S::Unsigned) => {}

            (Upgrading, S::Upgraded) => self.opened(now),
            (Stopped | Waiting | Connecting | Open | Closing | Releasing, S::Upgraded) => {}

            (Upgrading, S::Refused(refusal)) => self.refused(now, refusal, wire),
            (Stopped | Waiting | Connecting | Open | Closing | Releasing, S::Refused(_)) => {}

            (Upgrading, S::Expired(T::Upgrade)) => self.end(Cause::Lost(T::Upgrade), wire),
            (Stopped | Waiting | Connecting, S::Expired(T::Upgrade)) => {}
            (Open | Closing | Releasing, S::Expired(T::Upgrade)) => {}

            (Waiting, S::Expired(T::Retry)) => self.dial_from(now, now),
            (Stopped | Connecting | Upgrading, S::Expired(T::Retry)) => {}
            (Open | Closing | Releasing, S::Expired(T::Retry)) => {}

            (Open, S::Heard) => self.heard(now),
            (Open, S::Data) => self.data(now),
            (Open, S::Ping) => self.pinged(now, wire),
            (Open, S::Written) => self.written(now, wire),
            (Open, S::Expired(T::Probe)) => self.probe(now, wire),
            (Open, S::Expired(T::Silence)) => self.silent(wire),
            (Open, S::Expired(T::Data)) => self.starved(now, wire),
            (Open, S::Expired(T::Stable)) => self.proved(),
            (Open, S::Expired(T::Quota)) => self.settle(now, wire),
            (Open, S::PeerClosed(code)) => self.peer_closed(now, code, wire),
            (Open, S::Violation(violation)) => self.violated(now, violation, wire),
            (Closing, S::PeerClosed(_) | S::Violation(_)) => self.close_answered(),
            (Closing, S::Written) => self.flushed(wire),
            (Closing, S::Heard | S::Data | S::Ping) => {}
            (
                Stopped | Waiting | Connecting | Upgrading | Releasing,
                S::Heard | S::Data | S::Ping | S::Written | S::PeerClosed(_) | S::Violation(_),
            ) => {}
            (
                Stopped | Waiting | Connecting | Upgrading | Closing | Releasing,
                S::Expired(T::Probe | T::Silence | T::Data | T::Stable | T::Quota),
            ) => {}

            // `Heard` has said all there is to say, and the layers above look at their own rows.
            (
                Stopped | Waiting | Connecting | Upgrading | Open | Closing | Releasing,
                S::Pong | S::Expired(T::Session | T::Fetch | T::Weight),
            ) => {}
        }
    }
}

impl From<&Config> for Rules {
    fn from(config: &Config) -> Self {
        Self {
            connect: config.connect,
            upgrade: config.upgrade,
            target: config.target,
            heartbeat: config.heartbeat,
            data: config.data,
            close: config.close,
            retry: config.retry,
            rotate: config.rotate,
            pong_reserve: config.pong_reserve,
        }
    }
}
