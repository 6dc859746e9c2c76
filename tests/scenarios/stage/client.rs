//! Both shells, each in a thread of its own that does what it is told.

use std::sync::mpsc::{self, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::connection::Input;
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_shell::Tls;
use tokio::sync::mpsc as channel;

use super::shell::{Shell, obey};
use crate::language::Order;
use crate::subject::{Subject, signer};
use crate::trace::{Log, Traced};

/// What the driving thread is asked for.
struct Command {
    orders: Vec<Order>,
    done: SyncSender<Result<(), String>>,
}

/// A machine with the shell that drives it. Dropping it ends both.
pub(crate) struct Client {
    commands: Option<channel::UnboundedSender<Command>>,
    wake: Box<dyn Fn()>,
    thread: Option<JoinHandle<()>>,
}

impl Client {
    /// Driven by the mio shell.
    pub(crate) fn mio<M: Subject>(machine: Traced<M>, tls: Tls, log: Log) -> Self {
        let (commands, taken) = channel::unbounded_channel();
        let (ready, driver) = mpsc::sync_channel(1);
        let thread = spawn(move || {
            let mut fleet = Fleet::new();
            let id = fleet.add(machine, None);
            let mut driver = marketprism_mio::Driver::new(fleet, tls).expect("a driver");
            driver.set_signer(signer());
            ready.send(driver.bell()).expect("somebody waits");
            run_mio(&mut driver, id, taken, &log);
        });
        let bell = driver.recv().expect("a driver");
        Self {
            commands: Some(commands),
            wake: Box::new(move || bell.ring().expect("the loop wakes")),
            thread: Some(thread),
        }
    }

    /// Driven by the tokio shell.
    pub(crate) fn tokio<M: Subject>(machine: Traced<M>, tls: Tls, log: Log) -> Self {
        let (commands, mut taken) = channel::unbounded_channel();
        let thread = spawn(move || {
            let mut fleet = Fleet::new();
            let id = fleet.add(machine, None);
            let mut driver = marketprism_tokio::Driver::new(fleet, tls);
            driver.set_signer(signer());
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            runtime
                .expect("a runtime")
                .block_on(run_tokio(&mut driver, id, &mut taken, &log));
        });
        Self {
            commands: Some(commands),
            wake: Box::new(|| {}),
            thread: Some(thread),
        }
    }

    /// Has the machine told all of these in one moment, and waits until it has been.
    pub(crate) fn tell(&self, orders: Vec<Order>, most: Duration) -> Result<(), String> {
        let (done, told) = mpsc::sync_channel(1);
        let sent = self
            .commands
            .as_ref()
            .map(|to| to.send(Command { orders, done }));
        (self.wake)();
        match (sent, told.recv_timeout(most)) {
            (Some(Ok(())), Ok(result)) => result,
            _ => Err("the shell is gone".into()),
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        drop(self.commands.take());
        (self.wake)();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                ended.is_ok() || thread::panicking(),
                "the shell has panicked"
            );
        }
    }
}

fn spawn(run: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    let named = thread::Builder::new().name("shell".into());
    named.spawn(run).expect("a thread")
}

fn run_mio<M: Subject>(
    driver: &mut marketprism_mio::Driver<Traced<M>>,
    id: MachineId,
    mut commands: channel::UnboundedReceiver<Command>,
    log: &Log,
) {
    loop {
        match commands.try_recv() {
            Ok(command) => perform(&mut Mio(driver, id), log, command),
            Err(channel::error::TryRecvError::Empty) => {
                driver
                    .turn(&mut |_, _| {})
                    .expect("sockets can be waited for");
            }
            Err(channel::error::TryRecvError::Disconnected) => return,
        }
    }
}

async fn run_tokio<M: Subject>(
    driver: &mut marketprism_tokio::Driver<Traced<M>>,
    id: MachineId,
    commands: &mut channel::UnboundedReceiver<Command>,
    log: &Log,
) {
    let mut deaf = |_: MachineId, _: M::Event<'_>| {};
    loop {
        tokio::select! {
            () = driver.turn(&mut deaf) => {}
            command = commands.recv() => match command {
                Some(command) => perform(&mut Tokio(driver, id), log, command),
                None => return,
            },
        }
    }
}

fn perform<M: Subject>(shell: &mut impl Shell<M>, log: &Log, command: Command) {
    let result = obey(shell, log, &command.orders);
    // Nobody waits any more if the scenario has been given up.
    command.done.send(result).unwrap_or_default();
}

struct Mio<'a, M: Subject>(&'a mut marketprism_mio::Driver<Traced<M>>, MachineId);

impl<M: Subject> Shell<M> for Mio<'_, M> {
    fn now(&self) -> Time {
        self.0.now()
    }

    fn handle(&mut self, input: Input) {
        self.0.handle(self.1, input);
    }

    fn machine(&mut self) -> &mut Traced<M> {
        self.0.fleet().machine_mut(self.1).expect("the one machine")
    }
}

struct Tokio<'a, M: Subject>(&'a mut marketprism_tokio::Driver<Traced<M>>, MachineId);

impl<M: Subject> Shell<M> for Tokio<'_, M> {
    fn now(&self) -> Time {
        self.0.now()
    }

    fn handle(&mut self, input: Input) {
        self.0.handle(self.1, input);
    }

    fn machine(&mut self) -> &mut Traced<M> {
        self.0.fleet().machine_mut(self.1).expect("the one machine")
    }
}
