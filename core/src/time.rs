//! Time as an argument: a monotonic instant that sets deadlines, and a wall-clock stamp that
//! never does.

use core::fmt;
use core::ops::Add;
use core::time::Duration;

/// An instant of the caller's monotonic clock, in nanoseconds since an origin of its choice.
///
/// 64 bits of nanoseconds last 584 years. Every entry point of the core takes one named `now`
/// and holds it to its word: time that runs backwards is taken as time that stands still.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(u64);

impl Time {
    /// The clock's origin.
    pub const ZERO: Self = Self(0);
    /// Later than any deadline.
    pub const MAX: Self = Self(u64::MAX);

    /// The instant `nanos` nanoseconds after the clock's origin.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// Nanoseconds since the clock's origin.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }

    /// How long ago `earlier` was; zero if it lies in the future.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}

impl Add<Duration> for Time {
    type Output = Self;

    /// The instant `after` later, or [`Time::MAX`] where that cannot be represented.
    fn add(self, after: Duration) -> Self {
        let nanos = u64::try_from(after.as_nanos()).unwrap_or(u64::MAX);
        Self(self.0.saturating_add(nanos))
    }
}

impl fmt::Display for Time {
    /// Seconds with six decimals, enough to order what a person reads.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}.{:06}s",
            self.0 / 1_000_000_000,
            self.0 % 1_000_000_000 / 1_000
        )
    }
}

/// Wall-clock time in nanoseconds since the Unix epoch (UTC, leap seconds not counted).
///
/// Exchange times and receive times are of this type. It describes data and never sets a
/// deadline, because wall clocks jump.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct UnixNanos(u64);

impl UnixNanos {
    /// The stamp `nanos` nanoseconds after the Unix epoch.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos)
    }

    /// The stamp `millis` milliseconds after the Unix epoch, or `None` past the year 2554.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Option<Self> {
        match millis.checked_mul(1_000_000) {
            Some(nanos) => Some(Self(nanos)),
            None => None,
        }
    }

    /// Nanoseconds since the Unix epoch.
    #[must_use]
    pub const fn as_nanos(self) -> u64 {
        self.0
    }
}

/// A day of the calendar in UTC, counted from 1970-01-01.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Day(pub(crate) u32);

const DAY: u64 = 86_400_000_000_000;

impl Day {
    /// The day of an instant.
    #[must_use]
    pub fn of(at: UnixNanos) -> Self {
        // No 64 bits of nanoseconds reach beyond day 213,503.
        Self(u32::try_from(at.as_nanos() / DAY).unwrap_or(u32::MAX))
    }

    /// Year, month and day of the month (Gregorian).
    #[must_use]
    pub fn date(self) -> (u64, u64, u64) {
        // The year begins in March, so that the day that may be missing is its last; 400 years
        // have 146,097 days, and the count begins with the year 0.
        let days = u64::from(self.0) + 719_468;
        let (era, of_era) = (days / 146_097, days % 146_097);
        let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
        let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let from_march = (5 * of_year + 2) / 153;
        let day = of_year - (153 * from_march + 2) / 5 + 1;
        let month = if from_march < 10 {
            from_march + 3
        } else {
            from_march - 9
        };
        let year = era * 400 + year_of_era + u64::from(month <= 2);
        (year, month, day)
    }
}

impl fmt::Display for Day {
    /// `2026-11-21`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (year, month, day) = self.date();
        write!(f, "{year:04}-{month:02}-{day:02}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn adding_saturates_instead_of_wrapping() {
        assert_eq!(
            Time::from_nanos(u64::MAX - 1) + Duration::from_secs(1),
            Time::MAX
        );
        assert_eq!(Time::ZERO + Duration::MAX, Time::MAX);
        assert_eq!(Time::ZERO + Duration::from_nanos(7), Time::from_nanos(7));
    }

    #[test]
    fn the_future_is_no_time_ago() {
        let (early, late) = (Time::from_nanos(3), Time::from_nanos(10));
        assert_eq!(late.since(early), Duration::from_nanos(7));
        assert_eq!(early.since(late), Duration::ZERO);
    }

    #[test]
    fn display_shows_microseconds() {
        assert_eq!(Time::from_nanos(1_002_003_004).to_string(), "1.002003s");
    }

    #[test]
    fn milliseconds_that_do_not_fit_are_refused() {
        assert_eq!(
            UnixNanos::from_millis(2),
            Some(UnixNanos::from_nanos(2_000_000))
        );
        assert_eq!(UnixNanos::from_millis(u64::MAX), None);
    }

    #[test]
    fn days_have_the_names_of_the_calendar() {
        let table = [
            (0, "1970-01-01"),
            (58, "1970-02-28"),
            (59, "1970-03-01"),
            (789, "1972-02-29"),
            (11_016, "2000-02-29"),
            (11_017, "2000-03-01"),
            (20_778, "2026-11-21"),
            (47_540, "2100-02-28"),
            (47_541, "2100-03-01"),
            (213_503, "2554-07-21"),
        ];
        for (day, name) in table {
            assert_eq!(Day(day).to_string(), name);
            let noon = u64::from(day) * DAY + DAY / 2;
            assert_eq!(Day::of(UnixNanos::from_nanos(noon)), Day(day));
        }
    }
}
