//! The simulator: a clock that jumps to the next deadline, and a network in memory.
//!
//! It drives the machine in the order in which the shells do, and knows nothing of scenarios.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::rc::Rc;

use marketprism_core::connection::{Action, Epoch, Fault, Input};
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::{ReceiveBuffer, Time, UnixNanos};
use marketprism_shell::Signer;

use super::shell::{Shell, obey};
use crate::language::Order;
use crate::play::{End, Read, Reception, Stage};
use crate::subject::{Subject, signer};
use crate::trace::{Log, Trace, Traced};

/// What a socket takes of bytes that the far end has not read.
const ROOM: usize = 256 << 10;

/// More turns than any scenario takes.
const TURNS: usize = 100_000;

/// One connection, as both ends see it.
#[derive(Debug, Default)]
struct Pipe {
    to_far: VecDeque<u8>,
    to_near: VecDeque<u8>,
    far_end: Option<End>,
    near_end: bool,
}

type Shared = Rc<RefCell<Pipe>>;

pub(crate) struct Memory<M: Subject> {
    log: Log,
    fleet: Fleet<Traced<M>>,
    id: MachineId,
    now: Time,
    rx: ReceiveBuffer,
    signer: Signer,
    reception: Reception,
    dial: Option<Epoch>,
    near: Option<Near>,
    queue: VecDeque<Shared>,
    far: Option<Shared>,
}

/// The machine's socket.
struct Near {
    epoch: Epoch,
    pipe: Shared,
    /// What the machine has been told of its end.
    told: Option<End>,
}

impl<M: Subject> Memory<M> {
    pub(crate) fn new(machine: Traced<M>, log: Log) -> Self {
        let mut fleet = Fleet::new();
        let id = fleet.add(machine, None);
        Self {
            log,
            fleet,
            id,
            now: Time::from_nanos(1),
            rx: ReceiveBuffer::with_capacity(64 << 10),
            signer: signer(),
            reception: Reception::Listening,
            dial: None,
            near: None,
            queue: VecDeque::new(),
            far: None,
        }
    }

    /// Turns until there is what is asked for; `None` if nothing can bring it.
    fn turn_until<T>(&mut self, find: impl Fn(&mut Self) -> Option<T>) -> Option<T> {
        for _ in 0..TURNS {
            if let Some(found) = find(self) {
                return Some(found);
            }
            if !self.pass() {
                let (at, ..) = self.fleet.poll_timeout()?;
                self.now = self.now.max(at);
                self.fleet.handle_timeouts(self.now);
                self.pass();
            }
        }
        None
    }

    /// What both shells do in a turn, the clock aside.
    fn pass(&mut self) -> bool {
        let mut happened = self.settle();
        happened |= self.dial();
        happened |= self.write();
        happened |= self.read();
        happened |= self.settle();
        self.fleet
            .drain_events(wall(self.now), &mut |_, _| happened = true);
        happened
    }

    fn settle(&mut self) -> bool {
        let mut happened = false;
        while let Some((id, action)) = self.fleet.poll_action() {
            happened = true;
            match action {
                Action::Dial(epoch) => self.dial = Some(epoch),
                Action::Drop(epoch) => {
                    self.drop_socket();
                    self.fleet.handle(self.now, id, Input::Released(epoch));
                }
                Action::Sign(epoch) => {
                    self.signer.answer(&mut self.fleet, self.now, id, epoch);
                }
                Action::Fetch(_) => panic!("there is no REST interface in any scenario"),
            }
        }
        happened
    }

    fn drop_socket(&mut self) {
        self.dial = None;
        if let Some(near) = self.near.take() {
            near.pipe.borrow_mut().near_end = true;
        }
    }

    fn dial(&mut self) -> bool {
        let Some(epoch) = self.dial.filter(|_| self.reception != Reception::Ignoring) else {
            return false;
        };
        self.dial = None;
        let input = match self.reception {
            Reception::Refusing | Reception::Ignoring => Input::DialFailed(epoch, Fault::Refused),
            Reception::Listening => {
                let pipe = Shared::default();
                self.queue.push_back(Rc::clone(&pipe));
                self.near = Some(Near {
                    epoch,
                    pipe,
                    told: None,
                });
                Input::Dialed(epoch)
            }
        };
        self.fleet.handle(self.now, self.id, input);
        self.settle();
        true
    }

    fn write(&mut self) -> bool {
        let mut happened = false;
        while let Some(near) = &self.near {
            let bytes = self.fleet.transmit(self.id);
            let mut pipe = near.pipe.borrow_mut();
            let count = bytes.len().min(ROOM.saturating_sub(pipe.to_far.len()));
            if count == 0 || pipe.far_end == Some(End::Reset) {
                break;
            }
            pipe.to_far.extend(&bytes[..count]);
            drop(pipe);
            self.fleet.transmitted(self.now, self.id, count);
            self.settle();
            happened = true;
        }
        happened
    }

    fn read(&mut self) -> bool {
        let Some(near) = &mut self.near else {
            return false;
        };
        let mut pipe = near.pipe.borrow_mut();
        if !pipe.to_near.is_empty() {
            let spare = self.rx.spare();
            let count = spare.len().min(pipe.to_near.len());
            for (place, byte) in spare.iter_mut().zip(pipe.to_near.drain(..count)) {
                *place = byte;
            }
            drop(pipe);
            self.rx.commit(count);
            let (now, received) = (self.now, wall(self.now));
            self.fleet
                .receive(now, received, self.id, &mut self.rx, &mut |_, _| {});
            self.settle();
            self.write();
            return true;
        }
        let epoch = near.epoch;
        let input = match pipe.far_end {
            end if end == near.told => return false,
            None => return false,
            Some(End::Fin) => Input::Eof(epoch),
            Some(End::Reset) => Input::Broken(epoch, Fault::Reset),
        };
        near.told = pipe.far_end;
        drop(pipe);
        self.fleet.handle(self.now, self.id, input);
        self.settle();
        self.write();
        true
    }
}

impl<M: Subject> Stage for Memory<M> {
    fn log(&self) -> &Log {
        &self.log
    }

    fn tell(&mut self, orders: &[Order]) -> Result<(), String> {
        let log = self.log.clone();
        obey(self, &log, orders)
    }

    fn receive_dials(&mut self, how: Reception) -> Result<(), String> {
        self.reception = how;
        Ok(())
    }

    fn accept(&mut self) -> Result<(), String> {
        let dialed = self.turn_until(|stage| stage.queue.pop_front());
        self.far = Some(dialed.ok_or("nobody dials")?);
        Ok(())
    }

    fn read(&mut self) -> Result<Read, String> {
        let far = Rc::clone(self.far.as_ref().ok_or("no connection")?);
        let read = self.turn_until(|_| {
            let mut pipe = far.borrow_mut();
            match (pipe.to_far.is_empty(), pipe.near_end) {
                (false, _) => Some(Read::Bytes(pipe.to_far.drain(..).collect())),
                (true, true) => Some(Read::End),
                (true, false) => None,
            }
        });
        read.ok_or_else(|| "nothing comes".into())
    }

    fn write(&mut self, bytes: &[u8]) {
        if let Some(far) = &self.far {
            far.borrow_mut().to_near.extend(bytes);
        }
    }

    fn end(&mut self, how: End) {
        if let Some(far) = &self.far {
            far.borrow_mut().far_end = Some(how);
        }
    }

    fn wait(&mut self, until: &dyn Fn(&Trace) -> bool) -> bool {
        let come = self.turn_until(|stage| until(&stage.log.read()).then_some(()));
        come.is_some()
    }
}

impl<M: Subject> Shell<M> for Memory<M> {
    fn now(&self) -> Time {
        self.now
    }

    fn handle(&mut self, input: Input) {
        self.fleet.handle(self.now, self.id, input);
    }

    fn machine(&mut self) -> &mut Traced<M> {
        self.fleet.machine_mut(self.id).expect("the one machine")
    }
}

fn wall(now: Time) -> UnixNanos {
    UnixNanos::from_nanos(now.as_nanos())
}
