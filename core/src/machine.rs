//! What a shell drives: one socket's worth of state, whatever stands above it.

use crate::buffer::ReceiveBuffer;
use crate::connection::{Action, Endpoint, Epoch, FetchId, Input, Phase, Timer};
use crate::rest::{Answer, FetchFault, Request, Wish};
use crate::time::{Time, UnixNanos};
/// What a machine may want signed, and the answer of one who cannot.
pub use crate::venue::{Challenge, Unsigned};

/// One socket's worth of state: a bare [`Connection`](crate::connection) or a
/// [`Session`](crate::session) on top of one.
///
/// The rule of use: after any call with `&mut self`, drain [`poll_action`](Self::poll_action)
/// and [`drain_events`](Self::drain_events), write [`transmit`](Self::transmit), and sleep until
/// [`poll_timeout`](Self::poll_timeout). A shell adds nothing to this: no deadline, no retry, no
/// queue.
pub trait Machine {
    /// What it has to say to the application; it borrows from the receive buffer.
    type Event<'a>;

    /// Takes an input in. Every input is legal in every phase; one that names a stale epoch
    /// changes nothing.
    fn handle(&mut self, now: Time, input: Input);

    /// Takes in what was read from the socket of the current epoch and hands each event to
    /// `each`, in order, until the buffer is empty. `received` is the wall-clock time of the
    /// read; it stamps events and sets no deadline.
    fn receive(
        &mut self,
        now: Time,
        received: UnixNanos,
        rx: &mut ReceiveBuffer,
        each: &mut impl FnMut(Self::Event<'_>),
    );

    /// Hands over the events that arose outside [`receive`](Self::receive): a deadline that
    /// passed, a socket that broke.
    fn drain_events(&mut self, received: UnixNanos, each: &mut impl FnMut(Self::Event<'_>));

    /// The next thing to do to the socket, or `None` when all is done.
    fn poll_action(&mut self) -> Option<Action>;

    /// The bytes to write next; empty when there are none.
    fn transmit(&self) -> &[u8];

    /// Declares that the first `count` bytes of [`transmit`](Self::transmit) have been written.
    fn transmitted(&mut self, now: Time, count: usize);

    /// What is to be signed, from [`Action::Sign`] until [`signed`](Self::signed). Most machines
    /// never ask.
    fn challenge(&self) -> Option<Challenge> {
        None
    }

    /// The answer to [`Action::Sign`] of this epoch: the finished request, with whatever secrets
    /// are in it, or that there is none. It goes into the bytes to write and nowhere else; one
    /// that nobody awaits is thrown away.
    fn signed(&mut self, _now: Time, _epoch: Epoch, _answer: Result<&str, Unsigned>) {}

    /// What it would fetch over REST as soon as it is given leave, in the order of the numbers.
    /// Each wish has the next number, however the one before it ended. Most machines have none.
    fn wishes(&self) -> &[Wish] {
        &[]
    }

    /// Leave for one of its wishes: its [`Action::Fetch`] follows. A fleet gives it when the
    /// venue's allowance for the address has room; whoever drives a machine alone gives it himself.
    fn grant(&mut self, _now: Time, _id: FetchId) {}

    /// What is to be sent, from [`Action::Fetch`] until [`fetched`](Self::fetched). `None` if it
    /// was withdrawn: the answer is then [`FetchFault::Unsent`].
    fn request(&self, _id: FetchId) -> Option<Request<'_>> {
        None
    }

    /// What became of a request: due once for each [`Action::Fetch`]. Each event that the answer
    /// brings is handed to `each`; it borrows from the answer's body. An answer that nobody awaits
    /// any more changes nothing.
    fn fetched(
        &mut self,
        _now: Time,
        _received: UnixNanos,
        _id: FetchId,
        _answer: Result<Answer<'_>, FetchFault>,
        _each: &mut impl FnMut(Self::Event<'_>),
    ) {
    }

    /// The next deadline and its name; when it passes, [`Input::Timeout`] is due.
    fn poll_timeout(&self) -> Option<(Time, Timer)>;

    /// Where it stands.
    fn phase(&self) -> Phase;

    /// Whether it brings all that it is there for, so that one that carries the same can be done
    /// without.
    fn stands(&self) -> bool {
        self.phase() == Phase::Open
    }

    /// The live socket: from [`Action::Dial`] until [`Input::Released`].
    fn epoch(&self) -> Option<Epoch>;

    /// No dial is made before this instant. It concerns the address that we dial from, and with
    /// it every machine that shares a budget.
    fn held_until(&self) -> Time;

    /// Where to dial.
    fn endpoint(&self) -> &Endpoint;

    /// The name of this machine in logs and tables.
    fn name(&self) -> &str;
}
