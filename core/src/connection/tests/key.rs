//! What the future of a connection depends on, for those who explore whole fleets.

use alloc::format;
use alloc::string::String;

use rand_chacha::ChaCha8Rng;
use rand_core::SeedableRng;

use crate::connection::farewell::Farewell;
use crate::connection::io::{Phase, Timer};
use crate::connection::{Connection, Told};
use crate::model::Key;
use crate::time::Time;

/// Dials beyond this many do not lengthen the backoff any more where its cap is twice its first.
const MOST_ATTEMPTS: u32 = 2;

impl Connection {
    /// Left out, because nothing that happens later depends on it: the number of the epoch (the
    /// world around knows whether it is the current one), the cause that is still to be told,
    /// the source of randomness (set before each draw) and of nonces (nobody compares them), and
    /// the wire, which has nothing queued and no frame half read.
    pub(crate) fn key(&self, key: &mut Key) {
        let life = &self.life;
        key.number(life.phase as usize);
        key.number(life.wanted as usize);
        key.number(life.pace as usize);
        key.number(match (life.phase, life.farewell) {
            (Phase::Closing, Farewell::Asked(_)) => 1,
            (Phase::Closing, Farewell::Said) => 2,
            (Phase::Closing, Farewell::Flushing) => 3,
            (_, _) => 0,
        });
        key.number(life.leave as usize);
        key.number(life.signature as usize);
        key.number(life.attempt.min(MOST_ATTEMPTS));
        key.time(life.held);
        key.time(life.pause);
        for timer in Timer::ALL {
            key.deadline(life.timers.deadline(timer));
        }
        key.times(life.dials.spent(key.now()));
        let Told { heard, data } = self.told;
        key.flag(heard == Some(key.now()));
        key.flag(data == Some(key.now()));
        assert!(!life.actions.dial_waits() && !life.actions.drop_waits());
        assert!(!life.actions.sign_waits());
        assert!(self.transmit().is_empty(), "the shell has written");
    }

    /// Where it stands, in the words of the table of transitions.
    pub(crate) fn place(&self) -> String {
        match (self.life.phase, self.life.farewell) {
            (Phase::Closing, Farewell::Asked(_)) => "Asked".into(),
            (Phase::Closing, farewell) => format!("{farewell:?}"),
            (phase, _) => format!("{phase:?}"),
        }
    }

    /// When a row of the timer table is due.
    pub(crate) fn deadline(&self, timer: Timer) -> Option<Time> {
        self.life.timers.deadline(timer)
    }

    /// The next draws come from this seed.
    pub(crate) fn redraw(&mut self, seed: [u8; 32]) {
        self.life.rng = ChaCha8Rng::from_seed(seed);
    }
}
