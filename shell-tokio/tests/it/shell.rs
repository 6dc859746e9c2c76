//! This shell as the tests of every shell know it.

use marketprism_core::connection::Input;
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::{Machine, Time};
use marketprism_shell::Signer;
use marketprism_shell_tests::{Drive, Shell};
use marketprism_tokio::{Driver, Tls};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;

pub(crate) struct Tokio;

impl Shell for Tokio {
    type Driver<M: Machine> = Blocking<M>;
}

/// A driver in a runtime of its own; the driver goes first, because its sockets need the runtime.
pub(crate) struct Blocking<M: Machine> {
    driver: Driver<M>,
    runtime: Runtime,
}

impl<M: Machine> Drive<M> for Blocking<M> {
    fn new(fleet: Fleet<M>, tls: Tls) -> Self {
        Self {
            driver: Driver::new(fleet, tls),
            runtime: Builder::new_current_thread().enable_all().build().unwrap(),
        }
    }

    fn set_tls(&mut self, id: MachineId, tls: Tls) {
        self.driver.set_tls(id, tls);
    }

    fn set_signer(&mut self, signer: Signer) {
        self.driver.set_signer(signer);
    }

    fn fleet(&mut self) -> &mut Fleet<M> {
        self.driver.fleet()
    }

    fn now(&self) -> Time {
        self.driver.now()
    }

    fn handle(&mut self, id: MachineId, input: Input) {
        self.driver.handle(id, input);
    }

    fn start(&mut self) {
        self.driver.start();
    }

    fn stop(&mut self) {
        self.driver.stop();
    }

    fn stopped(&self) -> bool {
        self.driver.stopped()
    }

    fn turn(&mut self, each: &mut impl FnMut(MachineId, M::Event<'_>)) {
        self.runtime.block_on(async {
            self.driver.turn(each).await;
            // A task that goes from turn to turn lets the runtime look at the sockets now and
            // then; one that ends with every turn has to.
            yield_now().await;
        });
    }
}
