//! The sessions in the thread that calls, over mio: no runtime, no task.

use std::io;

use marketprism_core::connection::Input;
use marketprism_core::{Machine, Time};
use marketprism_mio::Driver;

use super::{Crew, Listener, Order};
use crate::failure::Failure;

#[derive(Debug)]
pub(crate) struct Shell<M: Machine> {
    driver: Driver<M>,
}

#[derive(Clone, Debug)]
pub(crate) struct Bell(marketprism_mio::Bell);

impl Bell {
    pub(super) fn ring(&self) {
        // It fails only where the loop is gone, or about to find the system without resources.
        let _rung = self.0.ring();
    }
}

impl<M: Machine> Shell<M> {
    pub(super) fn new(crew: Crew<M>) -> Result<Self, Failure> {
        let (tls, beginners) = (crew.trust()?, crew.beginners());
        let mut driver = Driver::new(crew.fleet, tls).map_err(failed)?;
        for (id, tls) in crew.trusts {
            driver.set_tls(id, tls);
        }
        driver.set_signer(crew.signer);
        for id in beginners {
            driver.handle(id, Input::Start);
        }
        Ok(Self { driver })
    }

    pub(super) fn now(&self) -> Time {
        self.driver.now()
    }

    pub(super) fn bell(&self) -> Bell {
        Bell(self.driver.bell())
    }

    pub(super) fn drive(self, listener: &mut impl Listener<M>) -> Result<(), Failure> {
        let mut driver = self.driver;
        while !driver.stopped() {
            let turned = driver.turn(&mut |id, event| listener.event(id, event));
            turned.map_err(failed)?;
            match listener.look(driver.fleet())? {
                Order::GoOn => {}
                Order::Start => driver.start(),
                Order::Stop => driver.stop(),
            }
        }
        Ok(())
    }
}

fn failed(error: io::Error) -> Failure {
    Failure::Io(format!("cannot wait for the sockets: {error}"))
}
