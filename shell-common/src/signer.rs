//! Signatures: the shell's caller holds the secrets and is asked.

use std::fmt;

use marketprism_core::Time;
use marketprism_core::connection::Epoch;
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::machine::{Challenge, Machine, Unsigned};

type Sign = dyn FnMut(MachineId, Challenge) -> Result<String, Unsigned> + Send;

/// Answers [`Action::Sign`](marketprism_core::connection::Action::Sign) by asking whoever holds
/// the secrets. The default signs nothing.
pub struct Signer(Box<Sign>);

impl Signer {
    /// Asks `sign`, which returns at once with the finished request.
    pub fn new(
        sign: impl FnMut(MachineId, Challenge) -> Result<String, Unsigned> + Send + 'static,
    ) -> Self {
        Self(Box::new(sign))
    }

    /// Gives a machine its answer. The text is not kept.
    pub fn answer<M: Machine>(
        &mut self,
        fleet: &mut Fleet<M>,
        now: Time,
        id: MachineId,
        epoch: Epoch,
    ) {
        let answer = match fleet.challenge(id) {
            Some(challenge) => (self.0)(id, challenge),
            None => Err(Unsigned),
        };
        fleet.signed(
            now,
            id,
            epoch,
            answer.as_deref().map_err(|unsigned| *unsigned),
        );
    }
}

impl Default for Signer {
    fn default() -> Self {
        Self::new(|_, _| Err(Unsigned))
    }
}

impl fmt::Debug for Signer {
    /// Nothing of what it holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Signer")
    }
}
