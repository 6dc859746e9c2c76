//! The clock of a shell.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use marketprism_core::{Time, UnixNanos};

/// Turns a monotonic clock into the core's [`Time`], counted from the driver's start.
///
/// Which clock is the shell's to say: a runtime whose time can be paused in a test pauses the
/// core's with it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    origin: Instant,
    read: fn() -> Instant,
}

impl Clock {
    /// A clock whose origin is now, by what `read` says now and later.
    #[must_use]
    pub fn start(read: fn() -> Instant) -> Self {
        let origin = read();
        Self { origin, read }
    }

    /// The present in the core's terms.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::ZERO + (self.read)().saturating_duration_since(self.origin)
    }

    /// How long it is until an instant of the core; zero once it has passed.
    #[must_use]
    pub fn until(&self, at: Time) -> Duration {
        at.since(self.now())
    }

    /// The system's name for an instant of the core; `None` for one so far away that it never
    /// comes.
    #[must_use]
    pub fn instant(&self, at: Time) -> Option<Instant> {
        self.origin.checked_add(at.since(Time::ZERO))
    }

    /// The wall clock. It stamps what is received and sets no deadline.
    #[must_use]
    pub fn unix() -> UnixNanos {
        let since = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        UnixNanos::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_clock_runs_forward_from_its_start() {
        let clock = Clock::start(Instant::now);
        let (early, late) = (clock.now(), clock.now());
        assert!(Time::ZERO <= early && early <= late);
    }

    #[test]
    fn what_has_passed_is_due_now() {
        let clock = Clock::start(Instant::now);
        assert_eq!(clock.until(Time::ZERO), Duration::ZERO);
        let ahead = clock.until(clock.now() + Duration::from_secs(60));
        assert!(ahead > Duration::from_secs(50) && ahead <= Duration::from_secs(60));
    }

    #[test]
    fn an_instant_of_the_core_is_one_of_the_system() {
        let clock = Clock::start(Instant::now);
        let due = clock.instant(Time::from_nanos(7_000)).unwrap();
        assert_eq!(due, clock.origin + Duration::from_micros(7));
    }

    #[test]
    fn the_wall_clock_stands_after_2020() {
        assert!(Clock::unix() > UnixNanos::from_nanos(1_577_836_800_000_000_000));
    }
}
