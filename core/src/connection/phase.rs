//! All transitions: one exhaustive match over phase and stimulus.
//!
//! Nothing here knows a frame, a socket or a clock. What is to be sent goes through [`Wire`],
//! what is to be done to the socket through [`Actions`].

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::backoff::{self, Retry};
use super::config::{Config, Rotate};
use super::heartbeat::{Heartbeat, Owed};
use super::io::{Cause, Epoch, Fault, Input, Phase, Refusal, Status, Timer};
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
    Dialed,
    DialFailed(Fault),
    Eof,
    Broken(Fault),
    Released,
    /// This row's deadline has passed.
    Expired(Timer),
    /// Bytes have been received, whatever they say.
    Heard,
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
    /// A socket is connected: forget the last one and queue the upgrade request.
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
    connect: Duration,
    upgrade: Duration,
    pub(super) heartbeat: Heartbeat,
    data: Option<Duration>,
    close: Duration,
    retry: Retry,
    rotate: Option<Rotate>,
    pong_reserve: u32,
}

/// Whether the application wants the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Wanted {
    Up,
    Down,
}

/// When to dial again once the socket is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pace {
    Backoff,
    AtOnce,
}

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
    rng: ChaCha8Rng,
    pub(super) now: Time,
    pub(super) phase: Phase,
    pub(super) wanted: Wanted,
    pub(super) pace: Pace,
    pub(super) farewell: Farewell,
    /// The last dial.
    pub(super) epoch: Epoch,
    /// Dials since the connection was last stable; 0 while it is.
    pub(super) attempt: u32,
    /// No dial before this: shared budgets and bans of this address.
    pub(super) held: Time,
    /// No dial before this: the server asked for a pause.
    pub(super) pause: Time,
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
            farewell: Farewell::Said,
            epoch: Epoch::default(),
            attempt: 0,
            held: Time::ZERO,
            pause: Time::ZERO,
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

            // `Heard` has said all there is to say, and the layer above looks at its own row.
            (
                Stopped | Waiting | Connecting | Upgrading | Open | Closing | Releasing,
                S::Pong | S::Expired(T::Session),
            ) => {}
        }
    }
}

// Towards a socket.
impl Lifecycle {
    fn start(&mut self, now: Time) {
        self.want();
        self.dial_from(now, now);
    }

    /// The application wants it. After a stop it starts afresh, as soon as the socket is gone.
    fn want(&mut self) {
        if self.wanted == Wanted::Down {
            self.wanted = Wanted::Up;
            self.pace = Pace::AtOnce;
            self.attempt = 0;
        }
    }

    /// Dials, or waits for the first moment at which it is allowed to.
    fn dial_from(&mut self, now: Time, earliest: Time) {
        let allowed = self.held.max(self.pause).max(self.dials.free_at(now, 0));
        let until = earliest.max(allowed);
        if until <= now {
            self.dial(now);
        } else {
            self.wait(until);
        }
    }

    fn dial(&mut self, now: Time) {
        self.epoch = self.epoch.next();
        self.attempt = self.attempt.saturating_add(1);
        self.pace = Pace::Backoff;
        self.dials.spend(now);
        self.phase = Phase::Connecting;
        self.timers.disarm(Timer::Retry);
        self.timers.arm(Timer::Connect, now + self.rules.connect);
        self.actions.dial(self.epoch);
        let (epoch, attempt) = (self.epoch, self.attempt);
        self.statuses.push(Status::Dialing { epoch, attempt });
    }

    fn wait(&mut self, until: Time) {
        self.timers.arm(Timer::Retry, until);
        if self.phase != Phase::Waiting {
            self.phase = Phase::Waiting;
            self.statuses.push(Status::Waiting { until });
        }
    }

    fn hold(&mut self, until: Time) {
        self.held = self.held.max(until);
    }

    fn postpone(&mut self, until: Time) {
        self.hold(until);
        let due = self.timers.deadline(Timer::Retry).unwrap_or(until);
        self.timers.arm(Timer::Retry, due.max(until));
    }

    fn connected(&mut self, now: Time, wire: &mut impl Wire) {
        self.phase = Phase::Upgrading;
        self.timers.disarm(Timer::Connect);
        self.timers.arm(Timer::Upgrade, now + self.rules.upgrade);
        wire.connect();
    }

    fn opened(&mut self, now: Time) {
        self.phase = Phase::Open;
        self.timers.disarm(Timer::Upgrade);
        self.messages.clear();
        self.owed = Owed::default();
        self.heard(now);
        self.await_data(now);
        if let Some(rotate) = self.rules.rotate {
            let earlier = backoff::fraction(rotate.spread, self.rng.next_u64());
            let after = rotate.after.saturating_sub(earlier);
            self.timers.arm(Timer::Rotate, now + after);
        }
        self.statuses.push(Status::Open { epoch: self.epoch });
    }

    /// The server would not have us. What concerns the address is shared with its other
    /// connections; what concerns the server's load is ours alone.
    fn refused(&mut self, now: Time, refusal: Refusal, wire: &mut impl Wire) {
        if let Refusal::Status(status, Some(after)) = refusal {
            let until = now + after.min(self.rules.retry.retry_after_cap);
            match status {
                403 | 418 | 429 => self.hold(until),
                _ => self.pause = self.pause.max(until),
            }
        }
        self.end(Cause::Refused(refusal), wire);
    }
}

// An open socket.
impl Lifecycle {
    fn data(&mut self, now: Time) {
        self.await_data(now);
        let proving = self.timers.deadline(Timer::Stable).is_some();
        if self.attempt > 0 && !proving {
            self.timers
                .arm(Timer::Stable, now + self.rules.retry.stable_after);
        }
    }

    fn await_data(&mut self, now: Time) {
        if let Some(data) = self.rules.data {
            self.timers.arm(Timer::Data, now + data);
        }
    }

    const fn proved(&mut self) {
        self.attempt = 0;
    }

    /// Control frames arrive but data does not.
    fn starved(&mut self, now: Time, wire: &mut impl Wire) {
        self.close(now, Cause::Lost(Timer::Data), wire);
    }

    /// A socket that has proved itself is replaced at once. Any other goes through the backoff,
    /// or a server that announces its shutdown to each newcomer would be dialled without end.
    fn renew(&mut self, now: Time, wire: &mut impl Wire) {
        if self.attempt == 0 {
            self.pace = Pace::AtOnce;
        }
        self.close(now, Cause::Renewed, wire);
    }

    fn part(&mut self, now: Time, wire: &mut impl Wire) {
        self.unwant();
        self.close(now, Cause::Stopped, wire);
    }
}

// The end of a socket.
impl Lifecycle {
    /// Begins the close handshake of our own accord.
    fn close(&mut self, now: Time, cause: Cause, wire: &mut impl Wire) {
        const NORMAL: u16 = 1000;
        wire.close(NORMAL);
        self.closing(now, Farewell::Asked(cause));
    }

    fn peer_closed(&mut self, now: Time, code: u16, wire: &mut impl Wire) {
        wire.close(code);
        self.down(Cause::Peer(code));
        self.closing(now, Farewell::Said);
    }

    fn violated(&mut self, now: Time, violation: Violation, wire: &mut impl Wire) {
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
    fn close_answered(&mut self) {
        if let Farewell::Asked(cause) = self.farewell {
            self.down(cause);
            self.farewell = Farewell::Said;
        }
    }

    /// The end of the stream. The echo of the peer's close frame is still written.
    fn peer_ended(&mut self, wire: &mut impl Wire) {
        match self.farewell {
            Farewell::Said if !wire.is_flushed() => self.farewell = Farewell::Flushing,
            Farewell::Asked(_) | Farewell::Said | Farewell::Flushing => self.close_over(wire),
        }
    }

    fn flushed(&mut self, wire: &mut impl Wire) {
        if self.farewell == Farewell::Flushing && wire.is_flushed() {
            self.close_over(wire);
        }
    }

    fn close_over(&mut self, wire: &mut impl Wire) {
        self.close_answered();
        self.release(wire);
    }

    fn give_up(&mut self, wire: &mut impl Wire) {
        self.unwant();
        self.end(Cause::Stopped, wire);
    }

    const fn unwant(&mut self) {
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
    fn released(&mut self, now: Time) {
        match (self.wanted, self.pace) {
            (Wanted::Down, _) => self.stopped(),
            (Wanted::Up, Pace::AtOnce) => self.dial_from(now, now),
            (Wanted::Up, Pace::Backoff) => {
                let delay = self.rules.retry.delay(self.attempt, self.rng.next_u64());
                self.dial_from(now, now + delay);
            }
        }
    }

    fn stopped(&mut self) {
        self.wanted = Wanted::Down;
        self.timers.disarm(Timer::Retry);
        self.phase = Phase::Stopped;
        self.statuses.push(Status::Stopped);
    }
}

impl From<&Config> for Rules {
    fn from(config: &Config) -> Self {
        Self {
            connect: config.connect,
            upgrade: config.upgrade,
            heartbeat: config.heartbeat,
            data: config.data,
            close: config.close,
            retry: config.retry,
            rotate: config.rotate,
            pong_reserve: config.pong_reserve,
        }
    }
}
