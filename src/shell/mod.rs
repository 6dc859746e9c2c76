//! What drives the sessions: either shell, with nothing to tell them apart for whoever listens.

mod tokio;

use std::thread::{self, Thread};

use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::{Machine, Time};
use marketprism_tokio::Tls;

use crate::failure::Failure;

/// A fleet, and whom each machine of it trusts.
#[derive(Debug)]
pub(crate) struct Crew<M> {
    pub(crate) fleet: Fleet<M>,
    pub(crate) trusts: Vec<(MachineId, Tls)>,
}

impl<M> Crew<M> {
    /// Whom to trust where nothing else is said. There is no machine if there is nobody.
    fn trust(&self) -> Result<Tls, Failure> {
        match self.trusts.first() {
            Some((_, tls)) => Ok(tls.clone()),
            None => Err(Failure::Io("there is nothing to collect".to_owned())),
        }
    }
}

/// Who is told what the machines say, and decides when they stop.
pub(crate) trait Listener<M: Machine> {
    /// Takes an event.
    fn event(&mut self, id: MachineId, event: M::Event<'_>);

    /// Looks around: after each turn, and so whenever a [`Bell`] has rung.
    ///
    /// # Errors
    ///
    /// An error ends everything at once, without a farewell.
    fn look(&mut self, fleet: &Fleet<M>) -> Result<Order, Failure>;
}

/// What the machines are to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Order {
    /// What they did so far.
    GoOn,
    /// To close in good order; said once.
    Stop,
}

/// A shell with its machines, not started yet.
#[derive(Debug)]
pub(crate) enum Shell<M: Machine> {
    Tokio(tokio::Shell<M>),
}

impl<M: Machine> Shell<M> {
    /// # Errors
    ///
    /// There is no machine, or the system refuses what a shell needs.
    pub(crate) fn new(crew: Crew<M>) -> Result<Self, Failure> {
        tokio::Shell::new(crew).map(Self::Tokio)
    }

    /// The present in the core's terms.
    pub(crate) fn now(&self) -> Time {
        match self {
            Self::Tokio(shell) => shell.now(),
        }
    }

    /// A bell that wakes the thread that asks for it, which is to be the one that drives.
    pub(crate) fn bell(&self) -> Bell {
        let turn = match self {
            Self::Tokio(shell) => Turn::Tokio(shell.bell()),
        };
        Bell {
            turn,
            thread: thread::current(),
        }
    }

    /// Starts every machine and drives them in this thread until all have stopped.
    ///
    /// # Errors
    ///
    /// What the listener says, or the system refuses to wait for the sockets.
    pub(crate) fn drive(self, listener: &mut impl Listener<M>) -> Result<(), Failure> {
        match self {
            Self::Tokio(shell) => shell.drive(listener),
        }
    }
}

/// Wakes the thread that drives, from any other.
#[derive(Clone, Debug)]
pub(crate) struct Bell {
    turn: Turn,
    thread: Thread,
}

/// What ends the wait for the sockets.
#[derive(Clone, Debug)]
enum Turn {
    Tokio(tokio::Bell),
}

impl Bell {
    pub(crate) fn ring(&self) {
        match &self.turn {
            Turn::Tokio(bell) => bell.ring(),
        }
        self.thread.unpark();
    }

    /// Waits for a ring once there are no turns any more. Like any wait of a thread it may end
    /// without one, and it ends at once if there was one since the last.
    pub(crate) fn wait() {
        thread::park();
    }
}
