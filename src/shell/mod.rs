//! What drives the sessions: either shell, with nothing to tell them apart for whoever listens.

mod mio;
mod tokio;

use std::fmt;
use std::thread::{self, Thread};

use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::{Machine, Time};
use marketprism_shell::{Signer, Tls};

use crate::failure::Failure;

/// Which shell drives the sessions. What comes of it is the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Runtime {
    /// A task on tokio.
    #[default]
    Tokio,
    /// A thread over mio and nothing else.
    Mio,
}

impl Runtime {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Tokio, Self::Mio];

    /// The name in configurations and arguments.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Tokio => "tokio",
            Self::Mio => "mio",
        }
    }
}

impl fmt::Display for Runtime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A fleet, and whom each machine of it trusts.
#[derive(Debug)]
pub(crate) struct Crew<M> {
    pub(crate) fleet: Fleet<M>,
    pub(crate) trusts: Vec<(MachineId, Tls)>,
    pub(crate) signer: Signer,
    /// Who is started first; all others are once the listener says so. If there is nobody, all are
    /// started at once.
    pub(crate) first: Vec<MachineId>,
}

impl<M: Machine> Crew<M> {
    /// Who is started before the listener has said anything.
    fn beginners(&self) -> Vec<MachineId> {
        match self.first.is_empty() {
            true => self.fleet.ids().collect(),
            false => self.first.clone(),
        }
    }

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
    /// To start, those who have not.
    Start,
    /// To close in good order; said once.
    Stop,
}

/// A shell with its machines, not started yet.
#[derive(Debug)]
pub(crate) enum Shell<M: Machine> {
    Tokio(tokio::Shell<M>),
    Mio(mio::Shell<M>),
}

impl<M: Machine> Shell<M> {
    /// # Errors
    ///
    /// There is no machine, or the system refuses what a shell needs.
    pub(crate) fn new(runtime: Runtime, crew: Crew<M>) -> Result<Self, Failure> {
        match runtime {
            Runtime::Tokio => tokio::Shell::new(crew).map(Self::Tokio),
            Runtime::Mio => mio::Shell::new(crew).map(Self::Mio),
        }
    }

    /// The present in the core's terms.
    pub(crate) fn now(&self) -> Time {
        match self {
            Self::Tokio(shell) => shell.now(),
            Self::Mio(shell) => shell.now(),
        }
    }

    /// A bell that wakes the thread that asks for it, which is to be the one that drives.
    pub(crate) fn bell(&self) -> Bell {
        let turn = match self {
            Self::Tokio(shell) => Turn::Tokio(shell.bell()),
            Self::Mio(shell) => Turn::Mio(shell.bell()),
        };
        Bell {
            turn,
            thread: thread::current(),
        }
    }

    /// Starts the machines and drives them in this thread until all have stopped.
    ///
    /// # Errors
    ///
    /// What the listener says, or the system refuses to wait for the sockets.
    pub(crate) fn drive(self, listener: &mut impl Listener<M>) -> Result<(), Failure> {
        match self {
            Self::Tokio(shell) => shell.drive(listener),
            Self::Mio(shell) => shell.drive(listener),
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
    Mio(mio::Bell),
}

impl Bell {
    pub(crate) fn ring(&self) {
        match &self.turn {
            Turn::Tokio(bell) => bell.ring(),
            Turn::Mio(bell) => bell.ring(),
        }
        self.thread.unpark();
    }

    /// Waits for a ring once there are no turns any more. Like any wait of a thread it may end
    /// without one, and it ends at once if there was one since the last.
    pub(crate) fn wait() {
        thread::park();
    }
}
