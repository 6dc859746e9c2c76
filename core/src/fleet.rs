//! Many machines under one roof, with budgets of dials and of requests that they share.
//!
//! Venues count connection attempts by address, so what one machine spends, or is banned for,
//! concerns all that dial from there. The fleet tells the others before any of them can dial.
//! Requests over REST are counted likewise: a machine has to be given leave for each.

mod fetches;
#[cfg(test)]
mod key;

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::time::Duration;

use crate::buffer::ReceiveBuffer;
use crate::connection::{Action, Epoch, FetchId, Input, Phase, Quota, Timer, Window};
use crate::machine::Machine;
use crate::time::{Time, UnixNanos};
use crate::venue::{Challenge, Unsigned};
use fetches::Fetches;

/// Until then what has been subscribed has brought data.
const SETTLED: Duration = Duration::from_secs(1);

/// The number of a machine in its fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MachineId(u32);

impl MachineId {
    /// The place in the order of addition, counted from 0: for tables beside the fleet.
    #[must_use]
    pub const fn index(self) -> usize {
        index(self.0)
    }
}

/// The number of a budget in its fleet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BudgetId(u32);

/// Many machines under one roof: the same calls as for one, with the machine's id.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub struct Fleet<M> {
    members: Vec<Member<M>>,
    budgets: Vec<Budget>,
    fetches: Fetches,
    /// Members that may have an action; each stands here once at the most.
    acting: VecDeque<MachineId>,
}

#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Member<M> {
    machine: M,
    budget: Option<BudgetId>,
    acting: Acting,
    /// Machines that carry some of the same.
    twins: Vec<MachineId>,
    /// The last of its wishes that has been looked at: each has the next number.
    wished: Option<FetchId>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Acting {
    No,
    Queued,
}

/// What the machines of one venue may do from one address.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Budget {
    dials: Window,
    held: Time,
}

/// What decides whether a machine has spent or lost something that others share.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Mark {
    epoch: Option<Epoch>,
    held: Time,
}

impl Mark {
    fn of(machine: &impl Machine) -> Self {
        Self {
            epoch: machine.epoch(),
            held: machine.held_until(),
        }
    }
}

impl<M: Machine> Fleet<M> {
    /// A fleet without machines.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            members: Vec::new(),
            budgets: Vec::new(),
            fetches: Fetches::new(),
            acting: VecDeque::new(),
        }
    }

    /// Adds a budget of dials: one for each venue and address that is dialled from.
    pub fn budget(&mut self, dials: Quota) -> BudgetId {
        self.budgets.push(Budget {
            dials: Window::new(Some(dials)),
            held: Time::ZERO,
        });
        BudgetId(number(self.budgets.len()))
    }

    /// Adds a machine. A budget of another fleet counts as none.
    pub fn add(&mut self, machine: M, budget: Option<BudgetId>) -> MachineId {
        self.members.push(Member {
            machine,
            budget,
            acting: Acting::No,
            twins: Vec::new(),
            wished: None,
        });
        let id = MachineId(number(self.members.len()));
        self.note_actions(id);
        if let Some(held) = budget.and_then(|budget| self.held(budget))
            && let Some(member) = self.member_mut(id)
        {
            // The clock only moves forward: zero is whatever time the machine has already seen.
            member.machine.handle(Time::ZERO, Input::Hold(held));
        }
        id
    }

    /// Two machines carry the same, or some of it: neither is renewed by plan while the other
    /// does not stand.
    pub fn pair(&mut self, one: MachineId, other: MachineId) {
        for (id, twin) in [(one, other), (other, one)] {
            if let Some(member) = self.member_mut(id) {
                member.twins.push(twin);
            }
            self.lean(Time::ZERO, id);
        }
    }

    /// Every machine, in the order of addition.
    pub fn ids(&self) -> impl Iterator<Item = MachineId> + use<M> {
        (1..=number(self.members.len())).map(MachineId)
    }

    /// A machine, unless its id is another fleet's.
    #[must_use]
    pub fn machine(&self, id: MachineId) -> Option<&M> {
        Some(&self.member(id)?.machine)
    }

    /// The same, to change it: to send, or to change what is wanted. What it does to the socket
    /// is found as ever; inputs go through [`handle`](Self::handle), which knows the budgets, and
    /// what makes it wish for something over REST through [`with`](Self::with).
    pub fn machine_mut(&mut self, id: MachineId) -> Option<&mut M> {
        self.note_actions(id);
        Some(&mut self.member_mut(id)?.machine)
    }

    /// Hands an input to one machine, and what it means for the shared budget to the others.
    pub fn handle(&mut self, now: Time, id: MachineId, input: Input) {
        self.with(now, id, |machine| machine.handle(now, input));
    }

    /// Hands an input to every machine. Those for whom the budget has no room wait.
    pub fn handle_all(&mut self, now: Time, input: Input) {
        for id in self.ids() {
            self.handle(now, id, input);
        }
    }

    /// Tells every machine whose deadline has passed.
    pub fn handle_timeouts(&mut self, now: Time) {
        for id in self.ids() {
            // Asked one by one: a dial of the last may have moved this one's deadline.
            let due = self
                .member(id)
                .and_then(|member| member.machine.poll_timeout());
            if due.is_some_and(|(at, _)| at <= now) {
                self.handle(now, id, Input::Timeout);
            }
        }
        if self.leave_due().is_some_and(|(at, _)| at <= now) {
            self.give_leave(now);
        }
    }

    /// Takes in what was read from a machine's socket; see [`Machine::receive`].
    pub fn receive(
        &mut self,
        now: Time,
        received: UnixNanos,
        id: MachineId,
        rx: &mut ReceiveBuffer,
        each: &mut impl FnMut(MachineId, M::Event<'_>),
    ) {
        self.with(now, id, |machine| {
            machine.receive(now, received, rx, &mut |event| each(id, event));
        });
    }

    /// Hands over the events of every machine that arose outside [`receive`](Self::receive).
    pub fn drain_events(
        &mut self,
        received: UnixNanos,
        each: &mut impl FnMut(MachineId, M::Event<'_>),
    ) {
        for id in self.ids() {
            if let Some(member) = self.member_mut(id) {
                let mut each = |event: M::Event<'_>| each(id, event);
                member.machine.drain_events(received, &mut each);
            }
        }
    }

    /// The next thing to do to a machine's socket.
    pub fn poll_action(&mut self) -> Option<(MachineId, Action)> {
        while let Some(&id) = self.acting.front() {
            let member = self.member_mut(id)?;
            if let Some(action) = member.machine.poll_action() {
                return Some((id, action));
            }
            member.acting = Acting::No;
            self.acting.pop_front();
        }
        None
    }

    /// What a machine wants signed; see [`Machine::challenge`].
    #[must_use]
    pub fn challenge(&self, id: MachineId) -> Option<Challenge> {
        self.machine(id)?.challenge()
    }

    /// Hands over the answer to [`Action::Sign`]; see [`Machine::signed`].
    pub fn signed(
        &mut self,
        now: Time,
        id: MachineId,
        epoch: Epoch,
        answer: Result<&str, Unsigned>,
    ) {
        self.with(now, id, |machine| machine.signed(now, epoch, answer));
    }

    /// The bytes to write to a machine's socket next.
    #[must_use]
    pub fn transmit(&self, id: MachineId) -> &[u8] {
        self.machine(id).map_or(&[], Machine::transmit)
    }

    /// Declares that the first `count` of them have been written.
    pub fn transmitted(&mut self, now: Time, id: MachineId, count: usize) {
        self.with(now, id, |machine| machine.transmitted(now, count));
    }

    /// The next deadline of all; of equal ones the first machine's.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<(Time, MachineId, Timer)> {
        let deadlines = self.ids().zip(&self.members).filter_map(|(id, member)| {
            let (at, timer) = member.machine.poll_timeout()?;
            Some((at, id, timer))
        });
        let leave = self.leave_due();
        let leave = leave.map(|(at, id)| (at, id, Timer::Weight));
        deadlines.chain(leave).min_by_key(|&(at, ..)| at)
    }

    /// Whether every machine has stopped. A stopped machine has no socket.
    #[must_use]
    pub fn stopped(&self) -> bool {
        let mut members = self.members.iter();
        members.all(|member| member.machine.phase() == Phase::Stopped)
    }

    /// Does something to a machine, settles with its budget what came of it, and gives leave to
    /// what it has come to wish for.
    pub fn with(&mut self, now: Time, id: MachineId, act: impl FnOnce(&mut M)) {
        let Some(member) = self.member_mut(id) else {
            return;
        };
        let before = Mark::of(&member.machine);
        let stood = member.machine.stands();
        act(&mut member.machine);
        let after = Mark::of(&member.machine);
        let (budget, stands) = (member.budget, member.machine.stands());
        let twins = match stood == stands {
            true => Vec::new(),
            false => member.twins.clone(),
        };
        self.note_actions(id);
        if let Some(budget) = budget
            && before != after
        {
            self.charge(now, budget, before, after);
        }
        twins.into_iter().for_each(|twin| self.lean(now, twin));
        if self.has_wished(id) {
            self.give_leave(now);
        }
    }

    /// Tells a machine whether it can be done without.
    fn lean(&mut self, now: Time, id: MachineId) {
        let Some(member) = self.member(id) else {
            return;
        };
        let stands = |twin: &MachineId| self.machine(*twin).is_some_and(Machine::stands);
        let until = match member.twins.iter().all(stands) {
            true => now + SETTLED,
            false => Time::MAX,
        };
        if let Some(member) = self.member_mut(id) {
            member.machine.handle(now, Input::Stay(until));
        }
    }

    fn charge(&mut self, now: Time, id: BudgetId, before: Mark, after: Mark) {
        let Some(budget) = self.budgets.get_mut(index(id.0)) else {
            return;
        };
        if after.epoch.is_some() && after.epoch != before.epoch {
            budget.dials.spend(now);
        }
        let held = budget.dials.free_at(now, 0).max(after.held);
        if held > budget.held.max(now) {
            budget.held = held;
            self.hold(now, id, held);
        }
    }

    /// Tells all that share a budget; a wait that is too short becomes long enough.
    fn hold(&mut self, now: Time, budget: BudgetId, until: Time) {
        let sharing = self.members.iter_mut();
        for member in sharing.filter(|member| member.budget == Some(budget)) {
            member.machine.handle(now, Input::Hold(until));
        }
    }

    fn held(&self, budget: BudgetId) -> Option<Time> {
        Some(self.budgets.get(index(budget.0))?.held)
    }

    fn note_actions(&mut self, id: MachineId) {
        if let Some(member) = self.member_mut(id)
            && member.acting == Acting::No
        {
            member.acting = Acting::Queued;
            self.acting.push_back(id);
        }
    }

    fn member(&self, id: MachineId) -> Option<&Member<M>> {
        self.members.get(index(id.0))
    }

    fn member_mut(&mut self, id: MachineId) -> Option<&mut Member<M>> {
        self.members.get_mut(index(id.0))
    }
}

impl<M: Machine> Default for Fleet<M> {
    fn default() -> Self {
        Self::new()
    }
}

/// The number of what was added last. Nobody adds four billion.
fn number(len: usize) -> u32 {
    u32::try_from(len).unwrap_or(u32::MAX)
}

const fn index(number: u32) -> usize {
    (number as usize).wrapping_sub(1)
}
