//! This shell as the tests of every shell know it.

use marketprism_core::connection::Input;
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::{Machine, Time};
use marketprism_mio::{Driver, Tls};
use marketprism_shell::Signer;
use marketprism_shell_tests::{Drive, Shell};

pub(crate) struct Mio;

impl Shell for Mio {
    type Driver<M: Machine> = Waiting<M>;
}

/// A driver whose loop can be waited for.
pub(crate) struct Waiting<M: Machine>(Driver<M>);

impl<M: Machine> Drive<M> for Waiting<M> {
    fn new(fleet: Fleet<M>, tls: Tls) -> Self {
        Self(Driver::new(fleet, tls).unwrap())
    }

    fn set_tls(&mut self, id: MachineId, tls: Tls) {
        self.0.set_tls(id, tls);
    }

    fn set_signer(&mut self, signer: Signer) {
        self.0.set_signer(signer);
    }

    fn fleet(&mut self) -> &mut Fleet<M> {
        self.0.fleet()
    }

    fn now(&self) -> Time {
        self.0.now()
    }

    fn handle(&mut self, id: MachineId, input: Input) {
        self.0.handle(id, input);
    }

    fn start(&mut self) {
        self.0.start();
    }

    fn stop(&mut self) {
        self.0.stop();
    }

    fn stopped(&self) -> bool {
        self.0.stopped()
    }

    fn turn(&mut self, each: &mut impl FnMut(MachineId, M::Event<'_>)) {
        self.0.turn(each).unwrap();
    }
}
