//! The sessions as one task on tokio.

use std::sync::Arc;

use marketprism_core::connection::Input;
use marketprism_core::fleet::MachineId;
use marketprism_core::{Machine, Time};
use marketprism_tokio::Driver;
use tokio::runtime::Runtime;
use tokio::sync::Notify;

use super::{Crew, Listener, Order};
use crate::failure::Failure;
use crate::runtime;

#[derive(Debug)]
pub(crate) struct Shell<M: Machine> {
    runtime: Runtime,
    driver: Driver<M>,
    bell: Bell,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Bell(Arc<Notify>);

impl Bell {
    pub(super) fn ring(&self) {
        self.0.notify_one();
    }
}

impl<M: Machine> Shell<M> {
    pub(super) fn new(crew: Crew<M>) -> Result<Self, Failure> {
        let (tls, beginners) = (crew.trust()?, crew.beginners());
        let mut driver = Driver::new(crew.fleet, tls);
        for (id, tls) in crew.trusts {
            driver.set_tls(id, tls);
        }
        driver.set_signer(crew.signer);
        for id in beginners {
            driver.handle(id, Input::Start);
        }
        Ok(Self {
            runtime: runtime::start()?,
            driver,
            bell: Bell::default(),
        })
    }

    pub(super) fn now(&self) -> Time {
        self.driver.now()
    }

    pub(super) fn bell(&self) -> Bell {
        self.bell.clone()
    }

    pub(super) fn drive(self, listener: &mut impl Listener<M>) -> Result<(), Failure> {
        let driven = self
            .runtime
            .block_on(turns(self.driver, &self.bell, listener));
        // A resolver that is stuck must not hold up a user who has given up on it.
        self.runtime.shutdown_background();
        driven
    }
}

async fn turns<M: Machine>(
    mut driver: Driver<M>,
    bell: &Bell,
    listener: &mut impl Listener<M>,
) -> Result<(), Failure> {
    while !driver.stopped() {
        let mut each = |id: MachineId, event: M::Event<'_>| listener.event(id, event);
        tokio::select! {
            biased;
            () = bell.0.notified() => {}
            () = driver.turn(&mut each) => {}
        }
        match listener.look(driver.fleet())? {
            Order::GoOn => {}
            Order::Start => driver.start(),
            Order::Stop => driver.stop(),
        }
    }
    Ok(())
}
