//! Signatures and keys: the shell's caller holds the secrets and is asked. What venues give away
//! that is as good as a secret is kept here as well, and goes to nobody else.

use std::fmt;

use marketprism_core::connection::Epoch;
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::machine::{Challenge, Machine, Unsigned};
use marketprism_core::rest::Credential;
use marketprism_core::{ReceiveBuffer, Time};
use zeroize::Zeroizing;

use crate::guard::{Guard, take_listen_key};

type Sign = dyn FnMut(MachineId, Challenge) -> Result<String, Unsigned> + Send;

/// Answers [`Action::Sign`](marketprism_core::connection::Action::Sign) by asking whoever holds
/// the secrets, gives requests over REST the keys that they need, and strikes out of what venues
/// send whatever nobody else is to see. The default has no secrets.
pub struct Signer {
    sign: Box<Sign>,
    api_key: Option<Zeroizing<String>>,
    hidden: Vec<Zeroizing<String>>,
    accounts: Vec<Account>,
}

/// A machine that something has been signed for.
struct Account {
    machine: MachineId,
    listen_key: Option<Zeroizing<String>>,
    /// What is struck out of what its socket brings.
    guards: Vec<Guard>,
    /// Likewise: the key of its stream, and the one before it, which may still be spoken of.
    listen_keys: Vec<Guard>,
}

impl Account {
    fn keep(&mut self, listen_key: Zeroizing<String>) {
        if !self
            .listen_keys
            .iter()
            .any(|guard| guard.is_of(&listen_key))
        {
            self.listen_keys.truncate(1);
            let newest = Guard::of(listen_key.clone());
            self.listen_keys.splice(0..0, newest);
        }
        self.listen_key = Some(listen_key);
    }
}

impl Signer {
    /// Asks `sign`, which returns at once with the finished request.
    pub fn new(
        sign: impl FnMut(MachineId, Challenge) -> Result<String, Unsigned> + Send + 'static,
    ) -> Self {
        Self {
            sign: Box::new(sign),
            api_key: None,
            hidden: Vec::new(),
            accounts: Vec::new(),
        }
    }

    /// Has a name of a key for requests over REST that need one ([`Credential::ListenKey`]).
    #[must_use]
    pub fn with_api_key(mut self, api_key: String) -> Self {
        self.api_key = Some(Zeroizing::new(api_key));
        self
    }

    /// Strikes this out of whatever comes over the sockets of machines that something has been
    /// signed for: venues repeat what they were sent. What has fewer than eight bytes is let through.
    #[must_use]
    pub fn hiding(mut self, secret: String) -> Self {
        self.hidden.push(Zeroizing::new(secret));
        self
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
            Some(challenge) => self.answer_to(id, challenge),
            None => Err(Unsigned),
        };
        if answer.is_ok() {
            self.account(id);
        }
        let answer = answer.as_ref().map(|answer| answer.as_str());
        fleet.signed(now, id, epoch, answer.map_err(|unsigned| *unsigned));
    }

    fn answer_to(
        &mut self,
        id: MachineId,
        challenge: Challenge,
    ) -> Result<Zeroizing<String>, Unsigned> {
        if challenge == Challenge::Target
            && let Some(listen_key) = self.listen_key(id)
        {
            return Ok(listen_key);
        }
        (self.sign)(id, challenge).map(Zeroizing::new)
    }

    /// Strikes out of what has been read from a machine's socket what nobody is to see.
    pub fn censor(&mut self, id: MachineId, rx: &mut ReceiveBuffer) {
        let of = |account: &&mut Account| account.machine == id;
        let Some(account) = self.accounts.iter_mut().find(of) else {
            return;
        };
        for guard in account.guards.iter_mut().chain(&mut account.listen_keys) {
            guard.strike(rx.filled_mut());
        }
    }

    /// What a request with this credential carries.
    pub(crate) fn api_key(&self, credential: Credential) -> Option<Zeroizing<String>> {
        match credential {
            Credential::ListenKey => self.api_key.clone(),
        }
    }

    /// Keeps what is secret of an answer to such a request, and strikes it out there.
    pub(crate) fn keep(&mut self, id: MachineId, credential: Credential, body: &mut Vec<u8>) {
        let taken = match credential {
            Credential::ListenKey => take_listen_key(body),
        };
        if let Some(listen_key) = taken {
            self.account(id).keep(listen_key);
        }
    }

    fn listen_key(&self, id: MachineId) -> Option<Zeroizing<String>> {
        let account = self.accounts.iter().find(|account| account.machine == id)?;
        account.listen_key.clone()
    }

    /// The account of a machine, which has one from now on.
    fn account(&mut self, id: MachineId) -> &mut Account {
        let known = self
            .accounts
            .iter()
            .position(|account| account.machine == id);
        let place = known.unwrap_or_else(|| {
            let hidden = self.hidden.iter().cloned();
            self.accounts.push(Account {
                machine: id,
                listen_key: None,
                guards: hidden.filter_map(Guard::of).collect(),
                listen_keys: Vec::new(),
            });
            self.accounts.len() - 1
        });
        &mut self.accounts[place]
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
