//! Intervals: of candles, of windows, and of streams that speak at a rate.

use super::Venue;

/// How long a candle lasts, or a window that figures are about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Interval {
    /// 1 second.
    S1,
    /// 1 minute.
    M1,
    /// 3 minutes.
    M3,
    /// 5 minutes.
    M5,
    /// 15 minutes.
    M15,
    /// 30 minutes.
    M30,
    /// 1 hour.
    H1,
    /// 2 hours.
    H2,
    /// 4 hours.
    H4,
    /// 6 hours.
    H6,
    /// 8 hours.
    H8,
    /// 12 hours.
    H12,
    /// 1 day.
    D1,
    /// 2 days.
    D2,
    /// 3 days.
    D3,
    /// 5 days.
    D5,
    /// 1 week.
    W1,
    /// 1 calendar month.
    Month1,
    /// 3 calendar months.
    Month3,
}

/// Where candles of six hours and more begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DayStart {
    /// At 00:00 UTC: Binance, and OKX where the name ends in `utc`.
    Utc,
    /// At 00:00 UTC+8: OKX, and Binance where the name ends in `@+08:00`.
    Utc8,
}

/// How often a Binance stream speaks: the part of its name behind the last `@`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Speed {
    /// No suffix. Depth: 1000 ms on spot, 250 ms on futures; mark price: 3 s. Also where a
    /// message does not tell.
    #[default]
    Default,
    /// `@0ms`: as it happens (futures, undocumented).
    Ms0,
    /// `@100ms`.
    Ms100,
    /// `@250ms` (futures).
    Ms250,
    /// `@500ms` (futures).
    Ms500,
    /// `@1000ms` (spot).
    Ms1000,
    /// `@1s` (mark and index prices of futures).
    S1,
}

/// How many levels a side a partial depth stream shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum DepthLevels {
    /// 5 levels.
    Five,
    /// 10 levels.
    Ten,
    /// 20 levels.
    Twenty,
}

impl Interval {
    /// Every interval, shortest first.
    pub const ALL: [Self; 19] = [
        Self::S1,
        Self::M1,
        Self::M3,
        Self::M5,
        Self::M15,
        Self::M30,
        Self::H1,
        Self::H2,
        Self::H4,
        Self::H6,
        Self::H8,
        Self::H12,
        Self::D1,
        Self::D2,
        Self::D3,
        Self::D5,
        Self::W1,
        Self::Month1,
        Self::Month3,
    ];

    /// The stable name, for output: Binance's, and OKX's where Binance has none.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self.names() {
            (Some(name), _) | (None, Some(name)) => name,
            (None, None) => "",
        }
    }

    /// How a venue writes it, or `None` where the venue has no such candles.
    #[must_use]
    pub const fn name(self, venue: Venue) -> Option<&'static str> {
        let (binance, okx) = self.names();
        match venue {
            Venue::Binance => binance,
            Venue::Okx => okx,
        }
    }

    /// The interval that a venue writes like this.
    #[must_use]
    pub fn named(venue: Venue, name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|interval| interval.name(venue) == Some(name))
    }

    /// On Binance, "Kline/Candlestick chart intervals"; on OKX, "Candlesticks channel".
    const fn names(self) -> (Option<&'static str>, Option<&'static str>) {
        match self {
            Self::S1 => (Some("1s"), Some("1s")),
            Self::M1 => (Some("1m"), Some("1m")),
            Self::M3 => (Some("3m"), Some("3m")),
            Self::M5 => (Some("5m"), Some("5m")),
            Self::M15 => (Some("15m"), Some("15m")),
            Self::M30 => (Some("30m"), Some("30m")),
            Self::H1 => (Some("1h"), Some("1H")),
            Self::H2 => (Some("2h"), Some("2H")),
            Self::H4 => (Some("4h"), Some("4H")),
            Self::H6 => (Some("6h"), Some("6H")),
            Self::H8 => (Some("8h"), None),
            Self::H12 => (Some("12h"), Some("12H")),
            Self::D1 => (Some("1d"), Some("1D")),
            Self::D2 => (None, Some("2D")),
            Self::D3 => (Some("3d"), Some("3D")),
            Self::D5 => (None, Some("5D")),
            Self::W1 => (Some("1w"), Some("1W")),
            Self::Month1 => (Some("1M"), Some("1M")),
            Self::Month3 => (None, Some("3M")),
        }
    }
}

impl DayStart {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Utc, Self::Utc8];
}

impl Speed {
    /// Every speed.
    pub const ALL: [Self; 7] = [
        Self::Default,
        Self::Ms0,
        Self::Ms100,
        Self::Ms250,
        Self::Ms500,
        Self::Ms1000,
        Self::S1,
    ];

    /// The suffix in a stream's name, `@` included; empty for the default.
    #[must_use]
    pub const fn suffix(self) -> &'static str {
        match self {
            Self::Default => "",
            Self::Ms0 => "@0ms",
            Self::Ms100 => "@100ms",
            Self::Ms250 => "@250ms",
            Self::Ms500 => "@500ms",
            Self::Ms1000 => "@1000ms",
            Self::S1 => "@1s",
        }
    }

    /// The speed with this suffix.
    #[must_use]
    pub fn from_suffix(suffix: &str) -> Option<Self> {
        match suffix {
            "" => Some(Self::Default),
            "@0ms" => Some(Self::Ms0),
            "@100ms" => Some(Self::Ms100),
            "@250ms" => Some(Self::Ms250),
            "@500ms" => Some(Self::Ms500),
            "@1000ms" => Some(Self::Ms1000),
            "@1s" => Some(Self::S1),
            _ => None,
        }
    }
}

impl DepthLevels {
    /// Every depth.
    pub const ALL: [Self; 3] = [Self::Five, Self::Ten, Self::Twenty];

    /// The number of levels a side.
    #[must_use]
    pub const fn count(self) -> u8 {
        match self {
            Self::Five => 5,
            Self::Ten => 10,
            Self::Twenty => 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_are_found_again_by_the_venues_own_names() {
        for interval in Interval::ALL {
            for venue in [Venue::Binance, Venue::Okx] {
                if let Some(name) = interval.name(venue) {
                    assert_eq!(Interval::named(venue, name), Some(interval));
                }
            }
        }
        assert_eq!(Interval::named(Venue::Binance, "1H"), None);
        assert_eq!(Interval::named(Venue::Okx, "8H"), None);
    }

    #[test]
    fn speeds_are_found_again_by_their_suffixes() {
        for speed in Speed::ALL {
            assert_eq!(Speed::from_suffix(speed.suffix()), Some(speed));
        }
        assert_eq!(Speed::from_suffix("@99ms"), None);
    }
}
