//! What a collector puts into its fleet: sessions, and pollers for what no session is sent.

use crate::buffer::ReceiveBuffer;
use crate::connection::{Action, Endpoint, Epoch, FetchId, Input, Phase, Timer};
use crate::machine::{Challenge, Machine, Unsigned};
use crate::poller::Poller;
use crate::rest::{Answer, FetchFault, Request, Wish};
use crate::session::{Heard, Session, Statistics};
use crate::time::{Time, UnixNanos};

/// A session or a poller.
#[derive(Debug)]
#[expect(
    clippy::large_enum_variant,
    reason = "there are few pollers, and a pointer would stand before every call of a session"
)]
pub enum Agent {
    /// With a socket.
    Session(Session),
    /// Without one.
    Poller(Poller),
}

/// The same call on whichever it is.
macro_rules! each {
    ($agent:expr, $machine:ident => $call:expr) => {
        match $agent {
            Agent::Session($machine) => $call,
            Agent::Poller($machine) => $call,
        }
    };
}

impl Agent {
    /// What it has seen so far.
    #[must_use]
    pub const fn statistics(&self) -> &Statistics {
        each!(self, machine => machine.statistics())
    }
}

impl From<Session> for Agent {
    fn from(session: Session) -> Self {
        Self::Session(session)
    }
}

impl From<Poller> for Agent {
    fn from(poller: Poller) -> Self {
        Self::Poller(poller)
    }
}

impl Machine for Agent {
    type Event<'a> = Heard<'a>;

    fn handle(&mut self, now: Time, input: Input) {
        each!(self, machine => Machine::handle(machine, now, input));
    }

    fn receive(
        &mut self,
        now: Time,
        received: UnixNanos,
        rx: &mut ReceiveBuffer,
        each: &mut impl FnMut(Self::Event<'_>),
    ) {
        each!(self, machine => Machine::receive(machine, now, received, rx, each));
    }

    fn drain_events(&mut self, received: UnixNanos, each: &mut impl FnMut(Self::Event<'_>)) {
        each!(self, machine => machine.drain_events(received, each));
    }

    fn poll_action(&mut self) -> Option<Action> {
        each!(self, machine => machine.poll_action())
    }

    fn transmit(&self) -> &[u8] {
        each!(self, machine => machine.transmit())
    }

    fn transmitted(&mut self, now: Time, count: usize) {
        each!(self, machine => machine.transmitted(now, count));
    }

    fn challenge(&self) -> Option<Challenge> {
        each!(self, machine => machine.challenge())
    }

    fn signed(&mut self, now: Time, epoch: Epoch, answer: Result<&str, Unsigned>) {
        each!(self, machine => machine.signed(now, epoch, answer));
    }

    fn wishes(&self) -> &[Wish] {
        each!(self, machine => machine.wishes())
    }

    fn grant(&mut self, now: Time, id: FetchId) {
        each!(self, machine => machine.grant(now, id));
    }

    fn request(&self, id: FetchId) -> Option<Request<'_>> {
        each!(self, machine => machine.request(id))
    }

    fn fetched(
        &mut self,
        now: Time,
        received: UnixNanos,
        id: FetchId,
        answer: Result<Answer<'_>, FetchFault>,
        each: &mut impl FnMut(Self::Event<'_>),
    ) {
        each!(self, machine => machine.fetched(now, received, id, answer, each));
    }

    fn poll_timeout(&self) -> Option<(Time, Timer)> {
        each!(self, machine => machine.poll_timeout())
    }

    fn stands(&self) -> bool {
        each!(self, machine => machine.stands())
    }

    fn phase(&self) -> Phase {
        each!(self, machine => machine.phase())
    }

    fn epoch(&self) -> Option<Epoch> {
        each!(self, machine => machine.epoch())
    }

    fn held_until(&self) -> Time {
        each!(self, machine => machine.held_until())
    }

    fn endpoint(&self) -> &Endpoint {
        each!(self, machine => machine.endpoint())
    }

    fn name(&self) -> &str {
        each!(self, machine => machine.name())
    }
}
