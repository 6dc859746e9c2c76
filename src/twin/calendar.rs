//! Where candles begin, on the wall clock.

use marketprism_core::market::{DayStart, Interval};

const SECOND: u64 = 1000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;
const DAY: u64 = 24 * HOUR;
/// UTC+8.
const AHEAD: u64 = 8 * HOUR;
/// 1970-01-01 was a Thursday, and weeks begin on Monday.
const THURSDAY: u64 = 3;

/// The candle of an interval in which this millisecond of the Unix epoch lies: its first one, and
/// the first one behind it.
pub(super) fn span(interval: Interval, start: DayStart, millis: u64) -> (u64, u64) {
    let ahead = match start {
        DayStart::Utc => 0,
        DayStart::Utc8 => AHEAD,
    };
    let (from, to) = local_span(interval, millis.saturating_add(ahead));
    (from.saturating_sub(ahead), to.saturating_sub(ahead))
}

fn local_span(interval: Interval, millis: u64) -> (u64, u64) {
    let even = |length: u64| {
        let from = millis - millis % length;
        (from, from + length)
    };
    match interval {
        Interval::S1 => even(SECOND),
        Interval::M1 => even(MINUTE),
        Interval::M3 => even(3 * MINUTE),
        Interval::M5 => even(5 * MINUTE),
        Interval::M15 => even(15 * MINUTE),
        Interval::M30 => even(30 * MINUTE),
        Interval::H1 => even(HOUR),
        Interval::H2 => even(2 * HOUR),
        Interval::H4 => even(4 * HOUR),
        Interval::H6 => even(6 * HOUR),
        Interval::H8 => even(8 * HOUR),
        Interval::H12 => even(12 * HOUR),
        Interval::D1 => even(DAY),
        Interval::D2 => even(2 * DAY),
        Interval::D3 => even(3 * DAY),
        Interval::D5 => even(5 * DAY),
        Interval::W1 => week(millis / DAY),
        Interval::Month1 => months(millis / DAY, 1),
        Interval::Month3 => months(millis / DAY, 3),
    }
}

fn week(day: u64) -> (u64, u64) {
    let monday = (day + THURSDAY).saturating_sub((day + THURSDAY) % 7 + THURSDAY);
    (monday * DAY, (monday + 7) * DAY)
}

fn months(day: u64, count: u64) -> (u64, u64) {
    let (mut first, mut month, mut year) = (0, 0, 1970);
    // Month by month from 1970 on: some hundreds, and seldom asked for.
    loop {
        let length: u64 = (month..month + count).map(|month| days(year, month)).sum();
        if day < first + length {
            return (first * DAY, (first + length) * DAY);
        }
        first += length;
        month += count;
        if month == 12 {
            (month, year) = (0, year + 1);
        }
    }
}

/// The days of a month, January being 0.
const fn days(year: u64, month: u64) -> u64 {
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    match month {
        1 if leap => 29,
        1 => 28,
        3 | 5 | 8 | 10 => 30,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn candles_begin_where_the_venues_begin_them() {
        // 2026-11-20 21:34:56.789 UTC, a Friday.
        const NOW: u64 = 1_795_210_496_789;
        let table = [
            (Interval::S1, DayStart::Utc, 1_795_210_496_000, SECOND),
            (Interval::M15, DayStart::Utc, 1_795_210_200_000, 15 * MINUTE),
            (Interval::H4, DayStart::Utc, 1_795_204_800_000, 4 * HOUR),
            // 2026-11-20 and 2026-11-21 at UTC+8.
            (Interval::D1, DayStart::Utc, 1_795_132_800_000, DAY),
            (Interval::D1, DayStart::Utc8, 1_795_190_400_000, DAY),
            (Interval::H6, DayStart::Utc, 1_795_197_600_000, 6 * HOUR),
            (Interval::H6, DayStart::Utc8, 1_795_190_400_000, 6 * HOUR),
            // Monday the 16th, the first of November, the first of October.
            (Interval::W1, DayStart::Utc, 1_794_787_200_000, 7 * DAY),
            (Interval::Month1, DayStart::Utc, 1_793_491_200_000, 30 * DAY),
            (Interval::Month3, DayStart::Utc, 1_790_812_800_000, 92 * DAY),
        ];
        for (interval, start, from, length) in table {
            let expected = (from, from + length);
            assert_eq!(
                span(interval, start, NOW),
                expected,
                "{interval:?} {start:?}"
            );
        }
    }

    #[test]
    fn every_moment_lies_in_its_candle_and_the_next_begins_where_it_ends() {
        for interval in Interval::ALL {
            for start in DayStart::ALL {
                for hours in 0..2000 {
                    let now = 1_704_000_000_000 + hours * 7 * HOUR;
                    let (from, to) = span(interval, start, now);
                    assert!(from <= now && now < to, "{interval:?} {start:?} {now}");
                    assert_eq!(span(interval, start, to).0, to, "{interval:?} {start:?}");
                }
            }
        }
    }
}
