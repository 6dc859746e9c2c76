//! When what goes wrong, from a seed.

use std::time::Duration;

use marketprism_core::Time;
use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What can go wrong at the far end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The connection is reset.
    Reset,
    /// The stream ends without a close frame.
    Fin,
    /// An orderly close, and then the end of the stream.
    Close,
    /// An orderly close, but the socket is left open.
    CloseAndLinger,
    /// Nothing comes any more; the socket stays open.
    Stall,
    /// No data comes any more; pings are answered.
    Mute,
    /// A frame that breaks the protocol.
    Garbage,
    /// Reset, and no connection is accepted for a while.
    Outage(Duration),
    /// Reset, and dials are not answered for a while.
    Blackout(Duration),
    /// Reset, and upgrades are refused with this status and `Retry-After` for a while.
    Refusal(u16, Duration),
    /// Reset, and upgrade requests are not answered for a while.
    Mumble(Duration),
}

/// Troubles at random moments, and a cut every 24 hours.
#[derive(Clone, Debug)]
pub(crate) struct Schedule {
    rng: ChaCha8Rng,
    mean: Duration,
    next: Time,
    cut: Time,
}

const DAY: Duration = Duration::from_secs(86_400);

impl Schedule {
    /// One trouble every `mean` on average.
    pub(crate) fn new(seed: u64, mean: Duration) -> Self {
        let mut schedule = Self {
            rng: ChaCha8Rng::seed_from_u64(seed),
            mean,
            next: Time::ZERO,
            cut: Time::ZERO + DAY,
        };
        schedule.next = schedule.draw_next(Time::ZERO);
        schedule
    }

    pub(crate) fn at(&self) -> Time {
        self.next.min(self.cut)
    }

    pub(crate) fn strike(&mut self) -> Trouble {
        if self.cut <= self.next {
            self.cut = self.cut + DAY;
            return Trouble::Reset;
        }
        self.next = self.draw_next(self.next);
        self.draw()
    }

    /// The times between are exponential: they know nothing of one another.
    fn draw_next(&mut self, last: Time) -> Time {
        let uniform = (self.rng.next_u64() >> 11) as f64 / (1_u64 << 53) as f64;
        last + self.mean.mul_f64(-(1.0 - uniform).ln())
    }

    fn draw(&mut self) -> Trouble {
        let while_ = Duration::from_secs(u64::from(self.rng.next_u32() % 60) + 1);
        match self.rng.next_u32() % 13 {
            0 | 1 => Trouble::Reset,
            2 => Trouble::Fin,
            3 => Trouble::Close,
            4 => Trouble::CloseAndLinger,
            5 => Trouble::Stall,
            6 => Trouble::Mute,
            7 => Trouble::Garbage,
            8 => Trouble::Outage(while_),
            9 => Trouble::Blackout(while_),
            10 => Trouble::Refusal(503, while_),
            11 => Trouble::Refusal(429, while_),
            _ => Trouble::Mumble(while_),
        }
    }
}
