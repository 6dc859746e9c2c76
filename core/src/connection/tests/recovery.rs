//! Once faults cease, the connection is open again.

use alloc::format;
use alloc::string::String;

use super::{Socket, Step, World};
use crate::connection::dial::{Leave, Signature};
use crate::connection::io::Phase;

/// More than enough: at the most a close, a release, a wait for each reason, and a dial.
const PATIENCE: usize = 40;

impl World {
    /// What a good shell, a good server and the clock do next.
    pub(super) fn helpful(&self) -> Step {
        let actions = &self.life.actions;
        if actions.dial_waits() || actions.sign_waits() || actions.drop_waits() {
            return Step::Take;
        }
        if self.life.leave != Leave::Given {
            return Step::Permit;
        }
        match self.life.phase() {
            Phase::Stopped => Step::Start,
            Phase::Waiting => Step::Deadline,
            Phase::Connecting => Step::Dialed,
            Phase::Upgrading if self.life.signature == Signature::Awaited => Step::Signed,
            Phase::Upgrading => Step::Upgraded,
            Phase::Open if self.wire.frames > 0 => Step::Flush,
            Phase::Open => Step::Data,
            Phase::Closing if self.wire.frames > 0 => Step::Flush,
            Phase::Closing => Step::Eof,
            Phase::Releasing => match self.socket {
                Socket::Dropped(_) => Step::Released,
                Socket::None | Socket::Live(_) => Step::Take,
            },
        }
    }
}

/// Whether the way back is short, from wherever the world stands.
pub(super) fn recovers(from: &World) -> Result<(), String> {
    let mut world = from.clone();
    for _ in 0..PATIENCE {
        if world.life.phase() == Phase::Open {
            return Ok(());
        }
        let step = world.helpful();
        world.step(step);
    }
    Err(format!(
        "still {:?} after {PATIENCE} steps from {from:#?}",
        world.life.phase()
    ))
}
