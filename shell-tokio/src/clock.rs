//! The only place that reads clocks.

use std::time::{SystemTime, UNIX_EPOCH};

use marketprism_core::{Time, UnixNanos};
use tokio::time::Instant;

/// Turns tokio's monotonic clock into the core's [`Time`], counted from the driver's start.
///
/// It is tokio's clock and not the system's, so that a test that pauses the runtime's time
/// pauses the core's with it.
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
        let since = Instant::now().saturating_duration_since(self.origin);
        Time::ZERO + since
    }

    /// The runtime's name for an instant of the core; `None` for one so far away that it never
    /// comes.
    pub(crate) fn instant(&self, at: Time) -> Option<Instant> {
        self.origin.checked_add(at.since(Time::ZERO))
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
    use std::time::Duration;

    #[tokio::test(start_paused = true)]
    async fn time_passes_with_the_runtime() {
        let clock = Clock::start();
        assert_eq!(clock.now(), Time::ZERO);
        tokio::time::advance(Duration::from_millis(1_500)).await;
        assert_eq!(clock.now(), Time::from_nanos(1_500_000_000));
    }

    #[tokio::test(start_paused = true)]
    async fn an_instant_of_the_core_is_one_of_the_runtime() {
        let clock = Clock::start();
        let due = clock.instant(Time::from_nanos(7_000)).unwrap();
        assert_eq!(due, Instant::now() + Duration::from_micros(7));
    }

    #[test]
    fn the_wall_clock_stands_after_2020() {
        assert!(Clock::unix() > UnixNanos::from_nanos(1_577_836_800_000_000_000));
    }
}
