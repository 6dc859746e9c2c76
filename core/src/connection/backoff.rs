//! How long to wait before the next dial.

use core::time::Duration;

/// The pace of dialling again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// The longest wait after the first failure; each further failure doubles it.
    pub initial: Duration,
    /// The wait never gets longer than this.
    pub cap: Duration,
    /// The failures are forgotten once data has flowed for this long on one socket.
    pub stable_after: Duration,
    /// A `Retry-After` that asks for more than this is cut to it.
    pub retry_after_cap: Duration,
}

impl Retry {
    /// The wait after `attempt` dials since the connection was last stable (none counts as one):
    /// a uniform draw between zero and the ceiling of that attempt ("full jitter"), so that
    /// clients cut at the same moment do not come back at the same moment.
    pub(super) fn delay(&self, attempt: u32, draw: u64) -> Duration {
        fraction(self.ceiling(attempt), draw)
    }

    fn ceiling(&self, attempt: u32) -> Duration {
        let doublings = attempt.saturating_sub(1).min(31);
        self.initial.saturating_mul(1 << doublings).min(self.cap)
    }
}

/// `draw` as a fraction of its range, times `whole`.
pub(crate) fn fraction(whole: Duration, draw: u64) -> Duration {
    let nanos = whole.as_nanos().min(u128::from(u64::MAX));
    let scaled = (nanos * u128::from(draw)) >> 64;
    Duration::from_nanos(u64::try_from(scaled).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RETRY: Retry = Retry {
        initial: Duration::from_secs(1),
        cap: Duration::from_secs(300),
        stable_after: Duration::from_secs(60),
        retry_after_cap: Duration::from_secs(3600),
    };

    #[test]
    fn the_ceiling_doubles_from_the_first_failure_to_the_cap() {
        let table = [
            (0, 1),
            (1, 1),
            (2, 2),
            (3, 4),
            (4, 8),
            (5, 16),
            (6, 32),
            (7, 64),
            (8, 128),
            (9, 256),
            (10, 300),
            (11, 300),
            (1000, 300),
            (u32::MAX, 300),
        ];
        for (attempt, seconds) in table {
            assert_eq!(
                RETRY.ceiling(attempt),
                Duration::from_secs(seconds),
                "{attempt}"
            );
        }
    }

    #[test]
    fn the_draw_spreads_the_wait_over_the_whole_range() {
        assert_eq!(RETRY.delay(3, 0), Duration::ZERO);
        assert_eq!(RETRY.delay(3, 1 << 63), Duration::from_secs(2));
        let most = RETRY.delay(3, u64::MAX);
        assert!(most < Duration::from_secs(4));
        assert!(most > Duration::from_millis(3999));
    }

    #[test]
    fn waits_without_end_do_not_overflow() {
        let endless = Retry {
            initial: Duration::MAX,
            cap: Duration::MAX,
            ..RETRY
        };
        assert!(endless.delay(u32::MAX, u64::MAX) > Duration::from_secs(1 << 33));
    }
}
