//! Long/short ratios: of which part of the accounts, or of their positions, the venue says that
//! they are long, in each period anew.

/// Parts of a whole.
pub(super) const WHOLE: u64 = 10_000;

/// What is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Counted {
    Accounts,
    TopAccounts,
    TopPositions,
}

impl Counted {
    const fn salt(self) -> u64 {
        match self {
            Self::Accounts => 1,
            Self::TopAccounts => 2,
            Self::TopPositions => 3,
        }
    }
}

/// A period of statistics, in milliseconds, by the name that both venues give it.
pub(super) fn period(name: &str) -> Option<u64> {
    let (count, unit) = name.split_at(name.len().checked_sub(1)?);
    let minutes = match (count, unit) {
        ("5" | "15" | "30", "m") => 1,
        ("1" | "2" | "4", "h" | "H") => 60,
        _ => return None,
    };
    Some(count.parse::<u64>().ok()? * minutes * 60_000)
}

/// The last `count` periods that are over, newest first: when each began, and how many of
/// [`WHOLE`] were long in it. A matter of the seed's number and the time alone.
pub(super) fn longs(
    seed: u64,
    counted: Counted,
    period: u64,
    millis: u64,
    count: u64,
) -> impl Iterator<Item = (u64, u64)> {
    let newest = millis / period;
    let periods = (newest.saturating_sub(count)..newest).rev();
    periods.map(move |number| {
        let drawn = mixed(seed ^ mixed(number ^ (counted.salt() << 56)));
        (number * period, 4_000 + drawn % 2_500)
    })
}

/// The ratio of longs to shorts, with four decimals.
pub(super) const fn ratio(long: u64) -> u64 {
    long * WHOLE / (WHOLE - long)
}

/// The mixing of `SplitMix64`: any fixed one does.
const fn mixed(number: u64) -> u64 {
    let first = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let second = (first ^ (first >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let third = (second ^ (second >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    third ^ (third >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ratios_are_of_periods_that_are_over_and_stay_what_they_were() {
        let five = period("5m").unwrap();
        let at = |millis| longs(7, Counted::Accounts, five, millis, 3).collect::<Vec<_>>();
        let now = 1_767_225_600_000 + 123_456;
        let newest = at(now);
        let stamps: Vec<u64> = newest.iter().map(|(stamp, _)| *stamp).collect();
        assert_eq!(
            stamps,
            [1_767_225_300_000, 1_767_225_000_000, 1_767_224_700_000]
        );
        assert_eq!(at(now + five)[1..], newest[..2]);
        assert!(newest.iter().all(|(_, long)| (4_000..6_500).contains(long)));
        let other = longs(7, Counted::TopAccounts, five, now, 3).collect::<Vec<_>>();
        assert_ne!(other, newest);
    }

    #[test]
    fn periods_have_the_names_of_both_venues() {
        let hour = 3_600_000;
        assert_eq!(
            [period("1h"), period("1H"), period("4H")],
            [Some(hour), Some(hour), Some(4 * hour)]
        );
        assert_eq!([period("7m"), period(""), period("5")], [None; 3]);
        assert_eq!(ratio(5_000), 10_000);
    }
}
