//! What the future of a fleet depends on besides its machines.

use super::{Acting, Fleet};
use crate::model::Key;

impl<M> Fleet<M> {
    /// The budgets: what they count, and until when they hold. Who shares them does not change,
    /// no action waits, and nobody has ever had a wish.
    pub(crate) fn key(&self, key: &mut Key) {
        for budget in &self.budgets {
            key.times(budget.dials.spent(key.now()));
            key.time(budget.held);
        }
        assert!(self.fetches.is_idle(), "nothing has been fetched");
        let idle = |member: &super::Member<M>| member.acting == Acting::No;
        assert!(self.members.iter().all(idle), "the shell has acted");
    }
}
