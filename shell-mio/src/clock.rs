//! The only place that reads clocks.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use marketprism_core::{Time, UnixNanos};

/// Turns the system's monotonic clock into the core's [`Time`], counted from the driver's start.
#[derive(Debug)]
pub(crate) struct Clock {
    origin: Instant,
}

impl Clock {
    /// A clock whose origin is now.
    pub(crate) fn start() -> Self {
        Self {
            origin: Instant::now(),
        }
    }

    pub(crate) fn now(&self) -> Time {
        Time::ZERO + self.origin.elapsed()
    }

    /// How long it is until an instant of the core; zero once it has passed.
    pub(crate) fn until(&self, at: Time) -> Duration {
        at.since(self.now())
    }

    /// The wall clock. It stamps what is received and sets no deadline.
    pub(crate) fn unix() -> UnixNanos {
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
        let clock = Clock::start();
        let (early, late) = (clock.now(), clock.now());
        assert!(Time::ZERO <= early && early <= late);
    }

    #[test]
    fn what_has_passed_is_due_now() {
        let clock = Clock::start();
        assert_eq!(clock.until(Time::ZERO), Duration::ZERO);
        let ahead = clock.until(clock.now() + Duration::from_secs(60));
        assert!(ahead > Duration::from_secs(50) && ahead <= Duration::from_secs(60));
    }

    #[test]
    fn the_wall_clock_stands_after_2020() {
        assert!(Clock::unix() > UnixNanos::from_nanos(1_577_836_800_000_000_000));
    }
}
