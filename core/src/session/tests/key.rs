//! What the future of a session depends on, for those who explore whole fleets.

use crate::connection::Timer;
use crate::model::Key;
use crate::session::Session;
use crate::time::Time;
use crate::venue::RequestId;

impl Session {
    /// Left out: what was counted, what has been said, the login, which public streams never ask
    /// for, and the decoder, which is between two messages.
    pub(crate) fn key(&self, key: &mut Key) {
        self.connection.key(key);
        key.deadline(self.armed);
        key.times(self.pacing.spent(key.now()));
        key.deadline(self.pacing.resume());
        self.streams.subscriptions.key(key);
        assert!(self.fetches.is_idle(), "nothing is asked for over REST");
        assert!(self.streams.notes.is_empty(), "the application has heard");
    }

    /// When the session is to look at its streams.
    pub(crate) fn wake(&self) -> Option<Time> {
        self.connection.deadline(Timer::Session)
    }

    /// The number of the last request.
    pub(crate) const fn last_request(&self) -> RequestId {
        self.streams.subscriptions.next_id() - 1
    }

    /// The next draws come from this seed.
    pub(crate) fn redraw(&mut self, seed: [u8; 32]) {
        self.connection.redraw(seed);
    }
}
