//! How a venue numbers the changes of a book.
//!
//! | Rule | A snapshot `L` is continued by | A change is followed by | Source |
//! | --- | --- | --- | --- |
//! | Binance spot | the first change with `u > L`, where `U <= L + 1` | `U <= u' + 1`, where `u'` is the last `u`; a lower `u` is old | spot "How to manage a local order book correctly", as corrected on 2025-11-12 |
//! | Binance futures | the first change with `u >= L`, where `U <= L`; or where `pu <= L`, because it says all that happened behind `pu` | `pu = u'`; `U` means nothing here | USD-M and COIN-M "How to manage a local order book correctly" |
//! | OKX | `prevSeqId = L` | `prevSeqId = seqId'`; with an equal `seqId` it is a heartbeat, with a lower one the venue counts anew | OKX "Sequence ID" |

use super::held::Place;
use crate::market::{Channel, Market, Missing};

/// How a venue numbers the changes of a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Rule {
    /// Binance spot: each change begins where the one before it ended.
    Spot,
    /// Binance futures: each change names the one before it.
    Futures,
    /// OKX: likewise; the snapshot comes in the stream, and a new subscription brings another.
    Okx,
}

/// What a change's numbers mean for a book.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fit {
    /// It is the next one.
    Follows,
    /// It is the next one, and the venue has begun to count anew.
    Restarts,
    /// The book has all of it.
    Known,
    /// Something lies between: these numbers, as far as they tell.
    Gap(Option<Missing>),
    /// It has no number, so nothing can be said.
    Unnumbered,
}

impl Rule {
    /// The rule of a channel that is made of changes.
    #[must_use]
    pub const fn of(market: Market, channel: Channel) -> Option<Self> {
        match market {
            Market::BinanceSpot if matches!(channel, Channel::Depth(_)) => Some(Self::Spot),
            Market::BinanceUsdm | Market::BinanceCoinm
                if matches!(channel, Channel::Depth(_) | Channel::RpiDepth(_)) =>
            {
                Some(Self::Futures)
            }
            Market::Okx if channel.begins_with_snapshot() => Some(Self::Okx),
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm | Market::Okx => None,
        }
    }

    /// Whether the snapshot comes in the stream by itself, so that none has to be asked for.
    #[must_use]
    pub const fn brings_snapshot(self) -> bool {
        match self {
            Self::Okx => true,
            Self::Spot | Self::Futures => false,
        }
    }

    /// What the first changes behind a snapshot mean. Those that were on their way when it was
    /// taken are in it.
    pub(super) fn after_snapshot(self, snapshot: Option<i64>, change: Place) -> Fit {
        let (Some(at), Some(last)) = (snapshot, change.last) else {
            return Fit::Unnumbered;
        };
        match self {
            Self::Spot if last <= at => Fit::Known,
            Self::Futures if last < at => Fit::Known,
            Self::Spot => consecutive(at, change),
            Self::Futures if change.first.is_some_and(|first| first <= at) => Fit::Follows,
            Self::Futures => match change
                .previous
                .map(|previous| Missing::behind(at, previous))
            {
                Some(None) => Fit::Follows,
                Some(missing) => Fit::Gap(missing),
                None => Fit::Unnumbered,
            },
            Self::Okx => chained(at, last, change.previous),
        }
    }

    /// What a change means behind another one.
    pub(super) fn after_change(self, before: Place, change: Place) -> Fit {
        let (Some(at), Some(last)) = (before.last, change.last) else {
            return Fit::Unnumbered;
        };
        match self {
            Self::Spot if last <= at => Fit::Known,
            Self::Spot => consecutive(at, change),
            Self::Futures if last <= at && change.previous != Some(at) => Fit::Known,
            // That these begin anew is documented nowhere.
            Self::Futures if last < at => Fit::Gap(None),
            Self::Futures => chained(at, last, change.previous),
            // A lower number may be what follows a restart that was lost, so only the very same
            // one is known.
            Self::Okx if change == before && change.previous != Some(at) => Fit::Known,
            Self::Okx => chained(at, last, change.previous),
        }
    }
}

fn consecutive(at: i64, change: Place) -> Fit {
    match change.first.map(|first| Missing::between(at, first)) {
        Some(None) => Fit::Follows,
        Some(missing) => Fit::Gap(missing),
        None => Fit::Unnumbered,
    }
}

fn chained(at: i64, last: i64, previous: Option<i64>) -> Fit {
    match previous {
        Some(previous) if previous == at && last < at => Fit::Restarts,
        Some(previous) if previous == at => Fit::Follows,
        Some(previous) => Fit::Gap(Missing::behind(at, previous)),
        None => Fit::Unnumbered,
    }
}
