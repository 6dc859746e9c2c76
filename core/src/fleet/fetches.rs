//! Who may fetch what when: the allowances of an address, shared by all machines of a fleet.
//!
//! The head of each allowance's queue (by priority, then age) is given leave as soon as it has
//! room, and one that asks for much is not overtaken by those that ask for little. There are only
//! so many requests under way as the shell has connections for.

use alloc::collections::BTreeMap;
use alloc::vec::Vec;

use super::{Fleet, MachineId};
use crate::connection::FetchId;
use crate::machine::Machine;
use crate::rest::{Answer, FetchFault, Pool, Priority, Request, Wish};
use crate::time::{Time, UnixNanos};
use crate::venue::Allowance;

/// The requests of a fleet.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Fetches {
    pools: BTreeMap<Allowance, Pool>,
    /// What is under way; no more than `at_once`.
    out: Vec<Out>,
    at_once: usize,
    /// When somebody who waits may be served, and who.
    due: Option<(Time, MachineId)>,
}

#[derive(Clone, Copy, Debug)]
struct Out {
    machine: MachineId,
    fetch: FetchId,
    allowance: Allowance,
}

/// The one who is next in the queue of an allowance.
#[derive(Clone, Copy, Debug)]
struct Head {
    machine: MachineId,
    wish: Wish,
}

impl Head {
    /// What decides who goes first.
    const fn rank(&self) -> (Priority, Time, MachineId, FetchId) {
        let Wish {
            priority,
            since,
            id,
            ..
        } = self.wish;
        (priority, since, self.machine, id)
    }
}

impl Fetches {
    /// Requests under way at once, unless told otherwise.
    const AT_ONCE: usize = 2;

    pub(super) const fn new() -> Self {
        Self {
            pools: BTreeMap::new(),
            out: Vec::new(),
            at_once: Self::AT_ONCE,
            due: None,
        }
    }

    fn pool(&mut self, allowance: Allowance) -> &mut Pool {
        let pool = || Pool::new(allowance);
        self.pools.entry(allowance).or_insert_with(pool)
    }

    /// Takes an answer in: whoever bars the address bars it for all that the site counts.
    fn answered(&mut self, now: Time, allowance: Allowance, answer: &Answer<'_>) {
        let Some(until) = self.pool(allowance).answered(now, answer) else {
            return;
        };
        if matches!(answer.status, 403 | 418) {
            let site = allowance.site();
            let others = Allowance::ALL.into_iter();
            for other in others.filter(|other| other.site() == site) {
                self.pool(other).bar(until);
            }
        }
    }

    fn end(&mut self, machine: MachineId, fetch: FetchId) -> Option<Out> {
        let is_it = |out: &Out| out.machine == machine && out.fetch == fetch;
        let place = self.out.iter().position(is_it)?;
        Some(self.out.swap_remove(place))
    }

    #[cfg(test)]
    pub(super) fn is_idle(&self) -> bool {
        self.pools.is_empty() && self.out.is_empty() && self.due.is_none()
    }
}

impl<M: Machine> Fleet<M> {
    /// How many requests over REST may be under way at once: as many as the shell is to have
    /// connections for. Two unless told.
    pub const fn set_fetches_at_once(&mut self, at_once: usize) {
        self.fetches.at_once = at_once;
    }

    /// The same, for the shell.
    #[must_use]
    pub const fn fetches_at_once(&self) -> usize {
        self.fetches.at_once
    }

    /// What a machine wants sent; see [`Machine::request`].
    #[must_use]
    pub fn request(&self, id: MachineId, fetch: FetchId) -> Option<Request<'_>> {
        self.machine(id)?.request(fetch)
    }

    /// Hands over what became of a request; see [`Machine::fetched`].
    pub fn fetched(
        &mut self,
        now: Time,
        received: UnixNanos,
        id: MachineId,
        fetch: FetchId,
        answer: Result<Answer<'_>, FetchFault>,
        each: &mut impl FnMut(MachineId, M::Event<'_>),
    ) {
        if let Some(out) = self.fetches.end(id, fetch)
            && let Ok(answer) = &answer
        {
            self.fetches.answered(now, out.allowance, answer);
        }
        self.with(now, id, |machine| {
            let each = &mut |event: M::Event<'_>| each(id, event);
            machine.fetched(now, received, fetch, answer, each);
        });
        self.give_leave(now);
    }

    /// When somebody who waits for an allowance may be served, and who.
    pub(super) fn leave_due(&self) -> Option<(Time, MachineId)> {
        self.fetches.due
    }

    /// Whether a machine has a wish that has not been looked at; takes note of it.
    pub(super) fn has_wished(&mut self, id: MachineId) -> bool {
        let Some(member) = self.member_mut(id) else {
            return false;
        };
        let last = member.machine.wishes().last().map(|wish| wish.id);
        let news = last.is_some() && last != member.wished;
        if news {
            member.wished = last;
        }
        news
    }

    /// Gives leave to all that have room, and notes when the next has.
    pub(super) fn give_leave(&mut self, now: Time) {
        self.fetches.due = None;
        while self.fetches.out.len() < self.fetches.at_once {
            let heads = self.heads();
            let rooms = heads.into_iter().map(|head| {
                let pool = self.fetches.pool(head.wish.allowance);
                (pool.room_at(now, head.wish.weight).max(now), head)
            });
            let Some((at, head)) = rooms.min_by_key(|(at, head)| (*at, head.rank())) else {
                return;
            };
            if at > now {
                self.fetches.due = Some((at, head.machine));
                return;
            }
            self.leave(now, head);
        }
    }

    /// The head of each queue.
    fn heads(&self) -> Vec<Head> {
        let mut heads: Vec<Head> = Vec::new();
        for (machine, member) in self.ids().zip(&self.members) {
            for &wish in member.machine.wishes() {
                let head = Head { machine, wish };
                let same = |other: &&mut Head| other.wish.allowance == wish.allowance;
                match heads.iter_mut().find(same) {
                    Some(known) if head.rank() < known.rank() => *known = head,
                    Some(_) => {}
                    None => heads.push(head),
                }
            }
        }
        heads
    }

    fn leave(&mut self, now: Time, head: Head) {
        let Head { machine, wish } = head;
        let allowance = wish.allowance;
        self.fetches.pool(allowance).spend(now, wish.weight);
        self.fetches.out.push(Out {
            machine,
            fetch: wish.id,
            allowance,
        });
        if let Some(member) = self.member_mut(machine) {
            member.machine.grant(now, wish.id);
        }
        self.note_actions(machine);
    }
}
