//! One machine's socket: where it stands, and one look at it.

use marketprism_core::ReceiveBuffer;
use marketprism_core::connection::{Epoch, Fault, Input};
use marketprism_core::fleet::MachineId;
use marketprism_shell::fault;
use mio::{Registry, Token};

use crate::dial::Dial;
use crate::stream::{Socket, Taken};

/// One machine's place in the loop: at most one socket, or one dial under way.
#[derive(Debug)]
pub(crate) struct Line {
    pub(crate) id: MachineId,
    state: State,
    /// Whether the socket may have something for us. Readiness is told once (edge-triggered),
    /// so this stays up until a look finds nothing left.
    news: bool,
}

#[derive(Debug)]
enum State {
    Down,
    Dialing(Epoch, Dial),
    Live(Live),
}

#[derive(Debug)]
struct Live {
    epoch: Epoch,
    socket: Socket,
    reading: Reading,
    writing: Writing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Open,
    /// The core knows that nothing more will come; what it still has to say may go out.
    Ended,
    /// The core knows that the socket is of no use any more.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    Open,
    /// Writing failed. The core hears of it once everything that had arrived is read.
    Broken(Fault),
}

pub(crate) enum Read {
    Nothing,
    /// From the kernel; see [`Taken`].
    Bytes(usize),
    End(Input),
}

pub(crate) enum Written {
    Nothing,
    Bytes(usize),
    Broken,
}

impl State {
    const fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Down => None,
            Self::Dialing(epoch, _) => Some(*epoch),
            Self::Live(live) => Some(live.epoch),
        }
    }
}

impl Line {
    pub(crate) const fn new(id: MachineId) -> Self {
        Self {
            id,
            state: State::Down,
            news: false,
        }
    }

    /// A dial is under way.
    pub(crate) fn begin(&mut self, epoch: Epoch, dial: Dial) {
        self.set(State::Dialing(epoch, dial));
    }

    /// Lets go of the socket, or the dial, of this epoch. It is the last owner: the descriptor
    /// is closed when this returns.
    pub(crate) fn release(&mut self, epoch: Epoch) {
        if self.state.epoch() == Some(epoch) {
            self.set(State::Down);
        }
    }

    /// Whether there is news from the socket; asking takes note of it.
    pub(crate) fn take_news(&mut self) -> bool {
        std::mem::take(&mut self.news)
    }

    /// There is more, or there may be.
    pub(crate) const fn look_again(&mut self) {
        self.news = true;
    }

    /// What the old state held is closed first. The new one is to be looked at, because nobody
    /// has asked its socket for news yet.
    fn set(&mut self, state: State) {
        self.state = state;
        self.look_again();
    }

    pub(crate) const fn look_if_dialing(&mut self) {
        if let State::Dialing(..) = self.state {
            self.news = true;
        }
    }

    pub(crate) fn dial(&mut self, registry: &Registry, token: Token) -> Option<Input> {
        let State::Dialing(epoch, dial) = &mut self.state else {
            return None;
        };
        let epoch = *epoch;
        Some(match dial.advance(registry, token)? {
            Ok(socket) => {
                self.state = State::Live(Live {
                    epoch,
                    socket,
                    reading: Reading::Open,
                    writing: Writing::Open,
                });
                Input::Dialed(epoch)
            }
            Err(fault) => {
                self.state = State::Down;
                Input::DialFailed(epoch, fault)
            }
        })
    }

    pub(crate) fn write(&mut self, bytes: &[u8]) -> Written {
        let State::Live(live) = &mut self.state else {
            return Written::Nothing;
        };
        if live.writing != Writing::Open {
            return Written::Nothing;
        }
        let broken = match live.socket.write(bytes) {
            Ok(None) => return Written::Nothing,
            Ok(Some(0)) => Fault::Other,
            Ok(Some(count)) => return Written::Bytes(count),
            Err(error) => fault(&error),
        };
        live.writing = Writing::Broken(broken);
        self.news = true;
        Written::Broken
    }

    pub(crate) fn read(&mut self, wire: &mut [u8], rx: &mut ReceiveBuffer) -> Read {
        let State::Live(live) = &mut self.state else {
            return Read::Nothing;
        };
        let taken = match (live.reading, live.writing) {
            (Reading::Over, _) | (Reading::Ended, Writing::Open) => return Read::Nothing,
            (Reading::Ended, Writing::Broken(_)) => Ok(Taken::End),
            (Reading::Open, _) => live.socket.read(wire, rx),
        };
        let (reading, end) = match (taken, live.writing) {
            (Ok(Taken::Bytes(count)), _) => return Read::Bytes(count),
            (Ok(Taken::Nothing), Writing::Open) => return Read::Nothing,
            (_, Writing::Broken(fault)) => (Reading::Over, Input::Broken(live.epoch, fault)),
            (Ok(Taken::End), _) => (Reading::Ended, Input::Eof(live.epoch)),
            (Err(error), _) => (Reading::Over, Input::Broken(live.epoch, fault(&error))),
        };
        live.reading = reading;
        Read::End(end)
    }
}
