//! What the future of subscriptions depends on, for those who explore whole fleets.

use super::Subscriptions;
use crate::model::Key;
use crate::session::entry::{Entry, Proven, Standing, Why};
use crate::venue::Operation;

impl Subscriptions {
    /// Counters are cut where they have no further effect; requests are told by their age.
    ///
    /// Left out, because one stream whose patience has one length, known or not, does not feel
    /// it: the habits that it has shown, its sequence (only books are renewed for a hole), how
    /// often it was refused (the quarantine has one length too) and when others spoke.
    pub(crate) fn key(&self, key: &mut Key) {
        for entry in &self.entries {
            self.entry_key(entry, key);
        }
        for (age, request) in self.requests.waiting() {
            key.number(age);
            key.flag(request.operation == Operation::Subscribe);
            key.time(request.due);
            key.flag(request.refusal.is_some());
        }
        key.deadline(self.wake);
        key.flag(self.unsent);
        key.number(self.unanswered.min(2 * (self.timing.attempts + 1)));
    }

    fn entry_key(&self, entry: &Entry, key: &mut Key) {
        let last = self.requests.next_id() - 1;
        match entry.standing {
            Standing::Wanted { .. } => key.number(0),
            Standing::Requested { by } => key.number(10 + last - by),
            Standing::Acknowledged { .. } => key.number(1),
            Standing::Live => key.number(2),
            Standing::Renewing { why, .. } => key.number(3 + u8::from(why == Why::Broken)),
            Standing::Unsubscribing { by } => key.number(100 + last - by),
            Standing::Mute { .. } => key.number(5),
            Standing::Refused { .. } => key.number(6),
        }
        let proven = entry.proven == Proven::Yes;
        // Else its habits would decide whether it is mute or its connection is dead.
        assert!(!proven || entry.standing == Standing::Live);
        key.deadline(entry.due(&self.timing));
        key.number(entry.attempts.min(self.timing.attempts + 1));
        key.number(entry.unheard.min(self.timing.attempts + 1));
        key.flag(entry.share == usize::MAX);
    }
}
