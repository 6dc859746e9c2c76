//! The digest of everything that came out.
//!
//! For each session XXH3-128 (the XXH3 of the xxHash specification, seed 0) over the bytes of its
//! outcomes; for the fleet the same over the digests of its sessions, in their order.

use std::fmt;

use marketprism_core::Machine;
use marketprism_core::agent::Agent;
use marketprism_core::connection::Action;
use marketprism_core::rest::FetchId;
use marketprism_core::session::Heard;
use marketprism_core::tap::{Given, Tap};
use twox_hash::XxHash3_128;

use super::wire::{Bytes, Flaw, Put, Take, put_counted};

/// What an outcome begins with.
const ACTION: u8 = 0;
const EVENT: u8 = 1;
const TRANSMITTED: u8 = 2;
const STANDS: u8 = 3;
const WITHHELD: u8 = 4;
const REQUEST: u8 = 5;

/// A digest; two runs with the same outcomes have the same one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Digest(u128);

impl Digest {
    /// The digest over those of a fleet's sessions.
    pub(super) fn of(sessions: impl IntoIterator<Item = Self>) -> Self {
        let mut hasher = XxHash3_128::new();
        for Self(digest) in sessions {
            hasher.write(&digest.to_be_bytes());
        }
        Self(hasher.finish_128())
    }
}

impl fmt::Display for Digest {
    /// 32 hexadecimal digits, as the specification writes it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

impl Put for Digest {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.0.to_be_bytes());
    }
}

impl Take for Digest {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        from.array().map(u128::from_be_bytes).map(Self)
    }
}

/// Takes the digest of what comes out of one session, live or replayed.
///
/// What is secret has no part in it: of a request that has been signed only the length counts.
pub(super) struct Witness {
    hasher: XxHash3_128,
    /// The bytes of what has come out since the session was given something.
    outcome: Vec<u8>,
    asked: Asked,
    /// The request over REST that has been asked for, until the session lends it.
    request: Option<FetchId>,
}

/// What the session was given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    /// Something that counts, whatever follows.
    Something,
    /// Whether it has anything to say: asked at every turn, and only an answer counts.
    ForEvents,
}

/// Whether what the session was given has changed anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Nothing,
    Something,
}

impl Witness {
    pub(super) fn new() -> Self {
        Self {
            hasher: XxHash3_128::new(),
            outcome: Vec::new(),
            asked: Asked::Something,
            request: None,
        }
    }

    pub(super) fn digest(&self) -> Digest {
        Digest(self.hasher.finish_128())
    }

    pub(super) fn given(&mut self, given: Given<'_>) {
        self.asked = match given {
            Given::Drained { .. } => Asked::ForEvents,
            Given::Transmitted { count, bytes, .. } => {
                self.transmitted(count, bytes);
                Asked::Something
            }
            Given::Input { .. }
            | Given::Received { .. }
            | Given::Signed { .. }
            | Given::Granted { .. }
            | Given::Fetched { .. } => Asked::Something,
        };
    }

    fn transmitted(&mut self, count: usize, bytes: Option<&[u8]>) {
        match bytes {
            Some(bytes) => {
                self.outcome.push(TRANSMITTED);
                put_counted(bytes, &mut self.outcome);
            }
            None => (WITHHELD, count).put(&mut self.outcome),
        }
    }

    pub(super) fn action(&mut self, action: Action) {
        self.asked = Asked::Something;
        self.outcome.push(ACTION);
        action.put(&mut self.outcome);
        self.request = match action {
            Action::Fetch(id) => Some(id),
            Action::Dial(_) | Action::Drop(_) | Action::Sign(_) => None,
        };
    }

    pub(super) fn event(&mut self, heard: &Heard<'_>) {
        self.outcome.push(EVENT);
        heard.put(&mut self.outcome);
    }

    pub(super) fn settled(&mut self, agent: &Agent) -> Change {
        if self.asked == Asked::ForEvents && self.outcome.is_empty() {
            return Change::Nothing;
        }
        if let Some(id) = self.request.take()
            && let Some(request) = agent.request(id)
        {
            self.outcome.push(REQUEST);
            request.put(&mut self.outcome);
        }
        self.outcome.push(STANDS);
        agent.phase().put(&mut self.outcome);
        agent.epoch().put(&mut self.outcome);
        agent.poll_timeout().put(&mut self.outcome);
        agent.held_until().put(&mut self.outcome);
        self.hasher.write(&self.outcome);
        self.outcome.clear();
        Change::Something
    }
}

impl Tap<Agent> for Witness {
    fn given(&mut self, given: Given<'_>) {
        self.given(given);
    }

    fn action(&mut self, action: Action) {
        self.action(action);
    }

    fn event(&mut self, event: &Heard<'_>) {
        self.event(event);
    }

    fn settled(&mut self, agent: &Agent) {
        // Who replays hands in only what changed something when it was recorded.
        let _change = self.settled(agent);
    }
}

impl fmt::Debug for Witness {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Witness")
            .field("digest", &self.digest())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_written_as_the_specification_writes_it() {
        // XXH3_128bits of nothing, as in the reference implementation's own tests.
        let nothing = Witness::new().digest();
        assert_eq!(nothing.to_string(), "99aa06d3014798d86001c324468d497f");
        let mut bytes = Vec::new();
        nothing.put(&mut bytes);
        assert_eq!(Digest::take(&mut Bytes::new(&bytes)), Ok(nothing));
        assert_eq!(bytes[..2], [0x99, 0xaa]);
    }

    #[test]
    fn the_order_of_sessions_counts() {
        let (one, two) = (Digest(1), Digest(2));
        assert_ne!(Digest::of([one, two]), Digest::of([two, one]));
        assert_ne!(Digest::of([one]), one);
    }
}
