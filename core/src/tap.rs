//! A machine with a witness: everything that goes into it and everything that comes out.
//!
//! A shell that drives a [`Tapped`] machine does not know it, and the machine does not know it
//! either. Logs, digests and traces are made by one mechanism, below every shell.
//!
//! A machine has no clock and no source of randomness. So what a [`Tap`] is told suffices to
//! build another machine with the same settings and seed that does the same: hand in again what
//! was [`given`](Tap::given), and poll an action where one was [taken](Tap::action).

use crate::buffer::ReceiveBuffer;
use crate::connection::{Action, Endpoint, Epoch, FetchId, Input, Phase, Timer};
use crate::machine::Machine;
use crate::rest::{Answer, FetchFault, Request, Wish};
use crate::time::{Time, UnixNanos};
use crate::venue::{Challenge, Unsigned};

/// What goes into a machine. Asking for the next action goes in as well: an answer to an action
/// that has not been taken is ignored. It is told by [`Tap::action`], together with the action.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Given<'a> {
    /// [`Machine::handle`]. What a fleet tells its machines (a hold) is an input like others.
    Input {
        /// When.
        now: Time,
        /// What.
        input: Input,
    },
    /// [`Machine::receive`].
    Received {
        /// When.
        now: Time,
        /// The wall-clock time of the read.
        received: UnixNanos,
        /// What has been read, as it came from the socket.
        bytes: &'a [u8],
    },
    /// [`Machine::transmitted`].
    Transmitted {
        /// When.
        now: Time,
        /// How many bytes have been written.
        count: usize,
        /// What has been written; `None` as long as a signed request may be among it.
        bytes: Option<&'a [u8]>,
    },
    /// [`Machine::signed`]. The request itself is told to nobody.
    Signed {
        /// When.
        now: Time,
        /// The socket that it was signed for.
        epoch: Epoch,
        /// How many bytes the request has.
        answer: Result<usize, Unsigned>,
    },
    /// [`Machine::grant`]: leave that a fleet gives is an input like others.
    Granted {
        /// When.
        now: Time,
        /// For which request.
        id: FetchId,
    },
    /// [`Machine::fetched`].
    Fetched {
        /// When.
        now: Time,
        /// The wall-clock time of the turn.
        received: UnixNanos,
        /// Which request it answers.
        id: FetchId,
        /// The answer, body and all, or that there is none.
        answer: Result<Answer<'a>, FetchFault>,
    },
    /// [`Machine::drain_events`]. Shells ask often; if no event follows, nothing has changed.
    Drained {
        /// The wall-clock time of the turn.
        received: UnixNanos,
    },
}

/// Is told everything that goes into a machine and comes out of it, in order.
pub trait Tap<M: Machine> {
    /// Something goes in: told before the machine takes it in. Whatever follows until
    /// [`settled`](Self::settled) comes of it.
    fn given(&mut self, given: Given<'_>);

    /// The shell has taken an action.
    fn action(&mut self, action: Action);

    /// The application is about to hear of an event.
    fn event(&mut self, event: &M::Event<'_>);

    /// What was given, or taken, is done with; this is how the machine stands now.
    fn settled(&mut self, machine: &M);
}

/// What is told to nobody costs nothing.
impl<M: Machine, T: Tap<M>> Tap<M> for Option<T> {
    #[inline]
    fn given(&mut self, given: Given<'_>) {
        if let Some(tap) = self {
            tap.given(given);
        }
    }

    fn action(&mut self, action: Action) {
        if let Some(tap) = self {
            tap.action(action);
        }
    }

    #[inline]
    fn event(&mut self, event: &M::Event<'_>) {
        if let Some(tap) = self {
            tap.event(event);
        }
    }

    #[inline]
    fn settled(&mut self, machine: &M) {
        if let Some(tap) = self {
            tap.settled(machine);
        }
    }
}

/// A machine and its witness: does what the machine does.
#[derive(Debug)]
pub struct Tapped<M, T> {
    machine: M,
    tap: T,
    written: Written,
}

/// What may be told of the bytes that are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Written {
    Public,
    /// A signed request is among those that wait.
    Secret,
}

impl<M: Machine, T: Tap<M>> Tapped<M, T> {
    /// Puts a witness to a machine that has done nothing yet.
    #[must_use]
    pub const fn new(machine: M, tap: T) -> Self {
        Self {
            machine,
            tap,
            written: Written::Public,
        }
    }

    /// The machine, to look at. To change it past its witness is not possible.
    #[must_use]
    pub const fn machine(&self) -> &M {
        &self.machine
    }

    /// The witness.
    #[must_use]
    pub const fn tap(&self) -> &T {
        &self.tap
    }

    /// The same, to take from it what it has gathered.
    pub const fn tap_mut(&mut self) -> &mut T {
        &mut self.tap
    }
}

impl<M: Machine, T: Tap<M>> Machine for Tapped<M, T> {
    type Event<'a> = M::Event<'a>;

    fn handle(&mut self, now: Time, input: Input) {
        self.tap.given(Given::Input { now, input });
        self.machine.handle(now, input);
        self.tap.settled(&self.machine);
    }

    fn receive(
        &mut self,
        now: Time,
        received: UnixNanos,
        rx: &mut ReceiveBuffer,
        each: &mut impl FnMut(Self::Event<'_>),
    ) {
        let bytes = rx.filled();
        self.tap.given(Given::Received {
            now,
            received,
            bytes,
        });
        let tap = &mut self.tap;
        self.machine.receive(now, received, rx, &mut |event| {
            tap.event(&event);
            each(event);
        });
        self.tap.settled(&self.machine);
    }

    fn drain_events(&mut self, received: UnixNanos, each: &mut impl FnMut(Self::Event<'_>)) {
        self.tap.given(Given::Drained { received });
        let tap = &mut self.tap;
        self.machine.drain_events(received, &mut |event| {
            tap.event(&event);
            each(event);
        });
        self.tap.settled(&self.machine);
    }

    fn poll_action(&mut self) -> Option<Action> {
        let action = self.machine.poll_action()?;
        self.tap.action(action);
        self.tap.settled(&self.machine);
        Some(action)
    }

    fn challenge(&self) -> Option<Challenge> {
        self.machine.challenge()
    }

    fn signed(&mut self, now: Time, epoch: Epoch, answer: Result<&str, Unsigned>) {
        let told = answer.map(str::len);
        self.tap.given(Given::Signed {
            now,
            epoch,
            answer: told,
        });
        if told.is_ok() {
            self.written = Written::Secret;
        }
        self.machine.signed(now, epoch, answer);
        self.tap.settled(&self.machine);
    }

    fn wishes(&self) -> &[Wish] {
        self.machine.wishes()
    }

    fn grant(&mut self, now: Time, id: FetchId) {
        self.tap.given(Given::Granted { now, id });
        self.machine.grant(now, id);
        self.tap.settled(&self.machine);
    }

    fn request(&self, id: FetchId) -> Option<Request<'_>> {
        self.machine.request(id)
    }

    fn fetched(
        &mut self,
        now: Time,
        received: UnixNanos,
        id: FetchId,
        answer: Result<Answer<'_>, FetchFault>,
        each: &mut impl FnMut(Self::Event<'_>),
    ) {
        self.tap.given(Given::Fetched {
            now,
            received,
            id,
            answer,
        });
        let tap = &mut self.tap;
        self.machine
            .fetched(now, received, id, answer, &mut |event| {
                tap.event(&event);
                each(event);
            });
        self.tap.settled(&self.machine);
    }

    fn transmit(&self) -> &[u8] {
        self.machine.transmit()
    }

    fn transmitted(&mut self, now: Time, count: usize) {
        let bytes = self.machine.transmit();
        let bytes = bytes.get(..count).unwrap_or(bytes);
        let count = bytes.len();
        let bytes = match self.written {
            Written::Public => Some(bytes),
            Written::Secret => None,
        };
        self.tap.given(Given::Transmitted { now, count, bytes });
        self.machine.transmitted(now, count);
        if self.machine.transmit().is_empty() {
            self.written = Written::Public;
        }
        self.tap.settled(&self.machine);
    }

    fn poll_timeout(&self) -> Option<(Time, Timer)> {
        self.machine.poll_timeout()
    }

    fn stands(&self) -> bool {
        self.machine.stands()
    }

    fn phase(&self) -> Phase {
        self.machine.phase()
    }

    fn epoch(&self) -> Option<Epoch> {
        self.machine.epoch()
    }

    fn held_until(&self) -> Time {
        self.machine.held_until()
    }

    fn endpoint(&self) -> &Endpoint {
        self.machine.endpoint()
    }

    fn name(&self) -> &str {
        self.machine.name()
    }
}
