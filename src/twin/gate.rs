//! Faults that lie in wait for the next client on a route.

use std::time::Duration;

use marketprism_core::Time;

use super::exchange::{Command, ConnectionId, Exchange};

/// Faults that lie in wait at a time.
const MAX_GATES: usize = 256;

/// How an upgrade can go wrong, once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BadUpgrade {
    /// The request is never answered.
    Unanswered,
    /// The answer comes in small parts over so long.
    Slow(Duration),
    /// Half of the answer comes, and never the rest.
    Unfinished,
    /// The answer carries the key of another request.
    WrongKey,
}

impl BadUpgrade {
    /// The name of the fault.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Unanswered => "accept-then-nothing",
            Self::Slow(_) => "slow-upgrade",
            Self::Unfinished => "unfinished-upgrade",
            Self::WrongKey => "wrong-accept-key",
        }
    }
}

/// When a server that takes connections ends them again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum HangUp {
    /// Instead of an answer to the upgrade request.
    BeforeAnswer,
    /// Right behind the answer that grants the upgrade.
    AfterAnswer,
}

impl HangUp {
    /// The name of the fault.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BeforeAnswer => "accept-then-close",
            Self::AfterAnswer => "upgrade-then-close",
        }
    }
}

/// What can befall a request for a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    LostAck,
    LostRequest,
    RefusedAck,
}

/// What every upgrade meets for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Barrier {
    Status(u16),
    HangUp(HangUp),
}

/// A fault that lies in wait for the next client on a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    route: &'static str,
    kind: GateKind,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum GateKind {
    /// The span begins with the first attempt.
    Barrier {
        barrier: Barrier,
        pause: Duration,
        until: Option<Time>,
    },
    /// The next upgrade goes wrong.
    Upgrade(BadUpgrade),
    /// The next subscription goes wrong.
    Mishap(Mishap),
}

impl GateKind {
    pub(super) const fn barrier(barrier: Barrier, pause: Duration) -> Self {
        Self::Barrier {
            barrier,
            pause,
            until: None,
        }
    }
}

impl Exchange {
    /// Cuts the connection and waits for the next one on its route.
    pub(super) fn lie_in_wait(&mut self, id: ConnectionId, kind: GateKind) {
        let route = self.clients.get(&id).map_or("", |client| client.desk.route);
        if self.gates.len() < MAX_GATES {
            self.gates.push(Gate { route, kind });
        }
        self.end(id, Command::Close(id));
    }

    /// What upgrades on a route meet now, and for how long still.
    pub(super) fn barrier(&mut self, now: Time, route: &str) -> Option<(Barrier, Duration)> {
        let standing = |(place, gate): (usize, &mut Gate)| match &mut gate.kind {
            GateKind::Barrier {
                barrier,
                pause,
                until,
            } if gate.route == route => {
                let until = *until.get_or_insert(now + *pause);
                Some((place, *barrier, until.since(now)))
            }
            GateKind::Barrier { .. } | GateKind::Upgrade(_) | GateKind::Mishap(_) => None,
        };
        let (place, barrier, left) = self.gates.iter_mut().enumerate().find_map(standing)?;
        if left.is_zero() {
            self.gates.remove(place);
            return None;
        }
        Some((barrier, left))
    }

    /// How this upgrade goes wrong, if it does.
    pub(super) fn bad_upgrade(&mut self, route: &str) -> Option<BadUpgrade> {
        self.take_gate(route, |kind| match kind {
            GateKind::Upgrade(bad) => Some(bad),
            GateKind::Barrier { .. } | GateKind::Mishap(_) => None,
        })
    }

    /// What befalls this request of a client, if anything does.
    pub(super) fn mishap(&mut self, id: ConnectionId, is_subscribe: bool) -> Option<Mishap> {
        let route = self.clients.get(&id)?.desk.route;
        self.take_gate(route, |kind| match kind {
            GateKind::Mishap(mishap) if is_subscribe => Some(mishap),
            GateKind::Mishap(_) | GateKind::Barrier { .. } | GateKind::Upgrade(_) => None,
        })
    }

    /// Takes away the first gate on a route that is of a kind.
    fn take_gate<T>(&mut self, route: &str, of: impl Fn(GateKind) -> Option<T>) -> Option<T> {
        let fits = |gate: &Gate| of(gate.kind).filter(|_| gate.route == route);
        let place = self.gates.iter().position(|gate| fits(gate).is_some())?;
        of(self.gates.remove(place).kind)
    }
}
