//! One WebSocket kept alive: phases, epochs, timers, backoff, close handshake.
//!
//! A [`Connection`] is a reconnecting WebSocket client without a socket: it says what to do
//! ([`Action`]), what to write ([`Connection::transmit`]) and when to come back
//! ([`Connection::poll_timeout`]), and is told what happened ([`Input`]) and what was read
//! ([`Connection::receive`]). It knows no exchange.
//!
//! # Exactly one live socket
//!
//! A socket is live from the [`Action::Dial`] that asks for it until [`Input::Released`] confirms
//! that it is closed. There is no dial in between. Every dial ends with one [`Action::Drop`],
//! even one that failed, and each has a number, its [`Epoch`]: what names another one is ignored.
//!
//! # Phases
//!
//! ```text
//! Stopped --Start--> Connecting --Dialed--> Upgrading --101--> Open
//!    ^  ^                |                      |               |  \ Stop, Renew, Rotate, Data,
//!    |  |                |                      |               |   v  peer's close, violation
//!    |  |                +-----------+----------+---------------+  Closing
//!    |  |                            v  Drop                         |
//!    |  +---- wanted no more --- Releasing <-------------------------+
//!    |                               | Released
//!    +----------- Stop ---------- Waiting --Retry--> Connecting
//! ```
//!
//! Every phase but `Stopped` has a deadline, or awaits the shell's confirmation, so nothing can
//! hang. There is one table of timers ([`Timer`]), one heartbeat ([`Heartbeat`]) and one reason
//! to dial again: the phase `Waiting`, or its end.
//!
//! # Stopping and starting
//!
//! [`Input::Stop`] gives up a dial at once and closes an open socket in good order: what is queued
//! is written, a close frame follows it, and the peer is given [`Config::close`] to answer.
//! While [`Input::Withhold`] stands there is no dial, whatever else is asked; [`Input::Permit`] ends it.
//!
//! [`Input::Start`] has an effect on a connection that has stopped or is about to: it starts
//! afresh, without backoff, as soon as the last socket is released, quotas and holds permitting.
//!
//! # The loop
//!
//! After any call, carry out the actions, write, and sleep until something happens. Here the
//! network is a [`Server`](crate::ws::Server) in memory.
//!
//! ```
//! use marketprism_core::connection::{Action, Config, Connection, Endpoint, Event, Input, Phase};
//! use marketprism_core::ws::{Limits, Server, ServerEvent};
//! use marketprism_core::{ReceiveBuffer, Time};
//!
//! let endpoint = Endpoint {
//!     host: "localhost".into(),
//!     port: 80,
//!     tls: false,
//!     path: "/time".into(),
//! };
//! let mut connection = Connection::new("clock", Config::new(endpoint), [0; 32])?;
//! let mut socket: Option<Server> = None; // exactly one
//! let mut rx = ReceiveBuffer::with_capacity(4096);
//! let mut server_rx = ReceiveBuffer::with_capacity(4096);
//! let mut now = Time::ZERO;
//! let mut heard = Vec::new();
//!
//! connection.handle(now, Input::Start);
//! loop {
//!     // Carry out the actions.
//!     while let Some(action) = connection.poll_action() {
//!         match action {
//!             Action::Dial(epoch) => {
//!                 socket = Some(Server::new(Limits::DEFAULT, 4096, None));
//!                 connection.handle(now, Input::Dialed(epoch));
//!             }
//!             Action::Drop(epoch) => {
//!                 socket = None;
//!                 rx.clear();
//!                 connection.handle(now, Input::Released(epoch));
//!             }
//!             // For those who log in or ask over REST; a bare connection does neither.
//!             Action::Sign(_) | Action::Fetch(_) => {}
//!         }
//!     }
//!     if connection.phase() == Phase::Stopped {
//!         break;
//!     }
//!     let Some(server) = &mut socket else {
//!         // Nothing to read: sleep until the deadline.
//!         now = connection.poll_timeout().map_or(now, |(at, _)| at);
//!         connection.handle(now, Input::Timeout);
//!         continue;
//!     };
//!     // Write.
//!     let len = connection.transmit().len();
//!     server_rx.spare()[..len].copy_from_slice(connection.transmit());
//!     server_rx.commit(len);
//!     connection.transmitted(now, len);
//!     // What happens at the other end.
//!     while let Some(event) = server.next(&mut server_rx)? {
//!         if let ServerEvent::Request(_) = event {
//!             server.accept(None)?;
//!             server.queue().text("noon")?;
//!         }
//!     }
//!     // Read.
//!     let len = server.transmit().len();
//!     rx.spare()[..len].copy_from_slice(server.transmit());
//!     rx.commit(len);
//!     server.transmitted(len);
//!     let mut drain = connection.receive(now, &mut rx);
//!     while let Some(event) = drain.next() {
//!         if let Event::Text(text) = event {
//!             heard.push(text.to_owned());
//!         }
//!     }
//!     if server.is_over()
//!         && let Some(epoch) = connection.epoch()
//!     {
//!         connection.handle(now, Input::Eof(epoch));
//!     } else if !heard.is_empty() {
//!         connection.handle(now, Input::Stop);
//!     }
//! }
//! assert_eq!(heard, ["noon"]);
//! # Ok::<(), Box<dyn core::error::Error>>(())
//! ```

mod backoff;
mod config;
mod dial;
mod drain;
mod farewell;
mod heartbeat;
mod io;
mod link;
mod name;
mod open;
mod output;
mod phase;
mod quota;
#[cfg(test)]
mod tests;
mod timer;

use alloc::string::String;
use core::fmt;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

pub use backoff::Retry;
pub use config::{Config, ConfigError, Rotate, Target};
pub use drain::{Drain, Event, OwnedEvent};
pub use heartbeat::{Heartbeat, Ping};
pub use io::{
    Action, Cause, Endpoint, Epoch, Fault, FetchId, Input, Phase, Refusal, Status, Timer,
};
pub use quota::Quota;

pub(crate) use backoff::fraction;
pub(crate) use drain::Found;
pub(crate) use quota::Window;

use crate::buffer::ReceiveBuffer;
use crate::machine::{Challenge, Machine, Unsigned};
use crate::time::{Time, UnixNanos};
use crate::ws::{Decoder, Full, Role};
use link::Link;
use phase::{Lifecycle, Stimulus};

/// A WebSocket client that keeps itself connected, over one socket at a time.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub struct Connection {
    name: String,
    life: Lifecycle,
    link: Link,
    decoder: Decoder,
    told: Told,
}

/// When the transitions were last told of what arrives in large numbers. Once for each read is
/// enough: what is told twice at the same moment says nothing new.
#[derive(Clone, Copy, Debug, Default)]
struct Told {
    heard: Option<Time>,
    data: Option<Time>,
}

impl Connection {
    /// A stopped connection. `name` is for logs and tables; `seed` decides every random draw:
    /// backoff, rotation, masks and handshake keys.
    ///
    /// # Errors
    /// If the settings contradict each other; the error says which.
    pub fn new(
        name: impl Into<String>,
        config: Config,
        seed: [u8; 32],
    ) -> Result<Self, ConfigError> {
        config.check()?;
        let mut seeds = ChaCha12Rng::from_seed(seed);
        let [mut life, mut link] = [[0; 32]; 2];
        seeds.fill_bytes(&mut life);
        seeds.fill_bytes(&mut link);
        Ok(Self {
            name: name.into(),
            life: Lifecycle::new(&config, life),
            decoder: Decoder::new(Role::Client, config.limits, None),
            link: Link::new(config, link)?,
            told: Told::default(),
        })
    }

    /// Takes an input in. Every input is legal in every phase; one that names a stale epoch, or
    /// answers an action that has not been taken yet, changes nothing.
    pub fn handle(&mut self, now: Time, input: Input) {
        self.life.handle(now, input, &mut self.link);
    }

    /// The next thing to do to the socket.
    pub fn poll_action(&mut self) -> Option<Action> {
        self.life.actions.poll()
    }

    /// Whether the upgrade request of the socket there is waits for a signature: from
    /// [`Action::Sign`] until [`signed`](Self::signed).
    #[must_use]
    pub fn awaits_signature(&self) -> bool {
        let mut epoch = self.epoch().into_iter();
        epoch.any(|epoch| self.life.awaits_signature(epoch))
    }

    /// The answer to [`Action::Sign`]: what goes in the place of the `*` of the path, letters and
    /// digits, or that there is nothing. It goes into the bytes to write and is kept nowhere else; one
    /// that nobody awaits is thrown away.
    pub fn signed(&mut self, now: Time, epoch: Epoch, answer: Result<&str, Unsigned>) {
        if !self.life.awaits_signature(epoch) {
            return;
        }
        let stimulus = match answer.is_ok_and(|secret| self.link.sign(secret)) {
            true => Stimulus::Signed,
            false => Stimulus::Unsigned,
        };
        self.life.apply(now, stimulus, &mut self.link);
    }

    /// The next change of state, for those who do not hear of it from [`receive`](Self::receive).
    /// 16 are kept; an application that takes none loses the oldest.
    #[inline]
    pub fn poll_status(&mut self) -> Option<Status> {
        self.life.statuses.poll()
    }

    /// The next deadline and its name; when it passes, [`Input::Timeout`] is due.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Time, Timer)> {
        self.life.timers.next()
    }

    /// The bytes to write to the socket next; empty where there is no socket.
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        self.link.transmit()
    }

    /// Declares that the first `count` bytes of [`transmit`](Self::transmit) have been written.
    pub fn transmitted(&mut self, now: Time, count: usize) {
        self.link.written(count);
        self.life.apply(now, Stimulus::Written, &mut self.link);
    }

    /// Queues a text message.
    ///
    /// # Errors
    /// If it cannot be sent now; the error says what to wait for. Nothing has been queued then.
    pub fn send_text(&mut self, now: Time, text: &str) -> Result<(), SendError> {
        self.admit(now)?;
        self.link.text(text).map_err(|Full| SendError::Full)?;
        self.life.messages.queue();
        Ok(())
    }

    /// Queues a binary message.
    ///
    /// # Errors
    /// As [`send_text`](Self::send_text).
    pub fn send_binary(&mut self, now: Time, bytes: &[u8]) -> Result<(), SendError> {
        self.admit(now)?;
        self.link.binary(bytes).map_err(|Full| SendError::Full)?;
        self.life.messages.queue();
        Ok(())
    }

    /// Where the connection stands.
    #[must_use]
    pub const fn phase(&self) -> Phase {
        self.life.phase()
    }

    /// The live socket: from [`Action::Dial`] until [`Input::Released`].
    #[must_use]
    pub const fn epoch(&self) -> Option<Epoch> {
        self.life.epoch()
    }

    /// Where to dial.
    #[must_use]
    pub const fn endpoint(&self) -> &Endpoint {
        self.link.endpoint()
    }

    /// The name given at the beginning.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// No dial is made before this instant: the latest [`Input::Hold`], or what a server that
    /// bars this address (HTTP 403, 418, 429) said in `Retry-After`.
    #[must_use]
    pub const fn held_until(&self) -> Time {
        self.life.held()
    }

    /// When [`send_text`](Self::send_text) will not fail for the quota; not after `now` if that
    /// is at once.
    #[must_use]
    pub fn message_free_at(&self, now: Time) -> Time {
        self.life.message_free_at(now)
    }

    /// The layer above has learned how often data comes, and it is overdue: [`Timer::Data`] has
    /// expired early.
    pub(crate) fn starve(&mut self, now: Time) {
        let stimulus = Stimulus::Expired(Timer::Data);
        self.life.apply(now, stimulus, &mut self.link);
    }

    /// Arms or disarms the row of the timer table that belongs to the layer above. It is
    /// disarmed when it expires.
    pub(crate) const fn arm_session(&mut self, at: Option<Time>) {
        match at {
            Some(at) => self.life.timers.arm(Timer::Session, at),
            None => self.life.timers.disarm(Timer::Session),
        }
    }

    fn admit(&self, now: Time) -> Result<(), SendError> {
        if self.phase() != Phase::Open {
            return Err(SendError::NotOpen);
        }
        let until = self.message_free_at(now);
        if until > now {
            return Err(SendError::Quota { until });
        }
        Ok(())
    }
}

/// Why a message cannot be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SendError {
    /// The connection is not open.
    NotOpen,
    /// What waits to be written leaves no room.
    Full,
    /// The message quota is spent.
    Quota {
        /// When there is room again, if nothing else is sent.
        until: Time,
    },
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOpen => f.write_str("the connection is not open"),
            Self::Full => f.write_str("too much waits to be written"),
            Self::Quota { until } => write!(f, "the message quota is spent until {until}"),
        }
    }
}

impl core::error::Error for SendError {}

impl Machine for Connection {
    type Event<'a> = Event<'a>;

    fn handle(&mut self, now: Time, input: Input) {
        self.handle(now, input);
    }

    fn receive(
        &mut self,
        now: Time,
        _received: UnixNanos,
        rx: &mut ReceiveBuffer,
        each: &mut impl FnMut(Self::Event<'_>),
    ) {
        let mut drain = self.receive(now, rx);
        while let Some(event) = drain.next() {
            each(event);
        }
    }

    fn drain_events(&mut self, _received: UnixNanos, each: &mut impl FnMut(Self::Event<'_>)) {
        while let Some(status) = self.poll_status() {
            each(Event::Status(status));
        }
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.poll_action()
    }

    fn transmit(&self) -> &[u8] {
        self.transmit()
    }

    fn transmitted(&mut self, now: Time, count: usize) {
        self.transmitted(now, count);
    }

    fn challenge(&self) -> Option<Challenge> {
        self.awaits_signature().then_some(Challenge::Target)
    }

    fn signed(&mut self, now: Time, epoch: Epoch, answer: Result<&str, Unsigned>) {
        self.signed(now, epoch, answer);
    }

    fn poll_timeout(&self) -> Option<(Time, Timer)> {
        self.poll_timeout()
    }

    fn phase(&self) -> Phase {
        self.phase()
    }

    fn epoch(&self) -> Option<Epoch> {
        self.epoch()
    }

    fn held_until(&self) -> Time {
        self.held_until()
    }

    fn endpoint(&self) -> &Endpoint {
        self.endpoint()
    }

    fn name(&self) -> &str {
        self.name()
    }
}
