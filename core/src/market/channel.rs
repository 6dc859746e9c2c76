//! The names of venues, markets and channels, in the venues' own words.

use core::fmt;
use core::str::FromStr;

/// An exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Venue {
    /// Binance.
    Binance,
    /// OKX.
    Okx,
}

/// A market of a venue: one set of endpoints, limits and message formats.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Market {
    /// Binance spot.
    BinanceSpot,
    /// Binance USD-margined futures.
    BinanceUsdm,
    /// OKX v5, public channels of every instrument type.
    Okx,
}

impl Market {
    /// Every market, in the order of their names.
    pub const ALL: [Self; 3] = [Self::BinanceSpot, Self::BinanceUsdm, Self::Okx];

    /// The stable name, for configuration and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BinanceSpot => "binance-spot",
            Self::BinanceUsdm => "binance-usdm",
            Self::Okx => "okx",
        }
    }

    /// The exchange it belongs to.
    #[must_use]
    pub const fn venue(self) -> Venue {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm => Venue::Binance,
            Self::Okx => Venue::Okx,
        }
    }
}

impl Venue {
    /// The stable name, for configuration and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Binance => "binance",
            Self::Okx => "okx",
        }
    }
}

/// What can be subscribed to, for one instrument at a time.
///
/// `Display` and `FromStr` use the venue's own name: `aggTrade`, `depth20@100ms`, `bbo-tbt`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Binance `trade`: every fill. Undocumented on USD-M, where it is served all the same.
    Trade,
    /// Binance `aggTrade`: one row for each taker order and price.
    AggTrade,
    /// Binance `depth`: changes of the book.
    Depth(Speed),
    /// Binance `depth<N>`: the best N levels, whole each time.
    DepthPartial(DepthLevels, Speed),
    /// Binance `bookTicker`: the best bid and ask.
    BookTicker,
    /// OKX `trades`: one row for each taker order, price and source.
    Trades,
    /// OKX `books`: a snapshot of 400 levels, then its changes each 100 ms.
    Books,
    /// OKX `books50-l2-tbt`: 50 levels as a snapshot, then changes, each 10 ms; for accounts that
    /// have logged in and are of a tier.
    Books50L2Tbt,
    /// OKX `books-l2-tbt`: 400 levels, likewise.
    BooksL2Tbt,
    /// OKX `bbo-tbt`: the best bid and ask, each 10 ms.
    BboTbt,
    /// OKX `tickers`: last price, best bid and ask, figures of 24 hours.
    Tickers,
}

/// How often a Binance depth stream speaks: the part of its name behind the last `@`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Speed {
    /// No suffix: 1000 ms on spot, 250 ms on USD-M. Also where a message does not tell.
    #[default]
    Default,
    /// `@0ms`: as it happens (USD-M, undocumented).
    Ms0,
    /// `@100ms`.
    Ms100,
    /// `@250ms` (USD-M).
    Ms250,
    /// `@500ms` (USD-M).
    Ms500,
    /// `@1000ms` (spot).
    Ms1000,
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

impl Channel {
    /// Every channel, each speed and depth counted.
    pub fn all() -> impl Iterator<Item = Self> {
        let partial = DepthLevels::ALL
            .into_iter()
            .flat_map(|levels| Speed::ALL.map(|speed| Self::DepthPartial(levels, speed)));
        [Self::Trade, Self::AggTrade, Self::BookTicker]
            .into_iter()
            .chain(Speed::ALL.map(Self::Depth))
            .chain(partial)
            .chain([Self::Trades, Self::Books, Self::Books50L2Tbt])
            .chain([Self::BooksL2Tbt, Self::BboTbt, Self::Tickers])
    }

    /// The name without speed: `depth20` for `depth20@100ms`.
    #[must_use]
    pub const fn stem(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::AggTrade => "aggTrade",
            Self::Depth(_) => "depth",
            Self::DepthPartial(DepthLevels::Five, _) => "depth5",
            Self::DepthPartial(DepthLevels::Ten, _) => "depth10",
            Self::DepthPartial(DepthLevels::Twenty, _) => "depth20",
            Self::BookTicker => "bookTicker",
            Self::Trades => "trades",
            Self::Books => "books",
            Self::Books50L2Tbt => "books50-l2-tbt",
            Self::BooksL2Tbt => "books-l2-tbt",
            Self::BboTbt => "bbo-tbt",
            Self::Tickers => "tickers",
        }
    }

    /// The speed of a depth stream; the default for all others.
    #[must_use]
    pub const fn speed(self) -> Speed {
        match self {
            Self::Depth(speed) | Self::DepthPartial(_, speed) => speed,
            Self::Trade
            | Self::AggTrade
            | Self::BookTicker
            | Self::Trades
            | Self::Books
            | Self::Books50L2Tbt
            | Self::BooksL2Tbt
            | Self::BboTbt
            | Self::Tickers => Speed::Default,
        }
    }

    /// Whether it begins with a snapshot of the book, without which none of the changes that
    /// follow can be used, and which only a new subscription brings again (OKX).
    #[must_use]
    pub const fn begins_with_snapshot(self) -> bool {
        matches!(self, Self::Books | Self::Books50L2Tbt | Self::BooksL2Tbt)
    }

    /// Whether the venue serves it to those alone who have logged in on the connection (OKX, "WS
    /// / Order book channel").
    #[must_use]
    pub const fn needs_login(self) -> bool {
        matches!(self, Self::Books50L2Tbt | Self::BooksL2Tbt)
    }
}

impl Speed {
    /// Every speed.
    pub const ALL: [Self; 6] = [
        Self::Default,
        Self::Ms0,
        Self::Ms100,
        Self::Ms250,
        Self::Ms500,
        Self::Ms1000,
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

/// A name that stands for nothing we know.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownName;

impl fmt::Display for UnknownName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown name")
    }
}

impl core::error::Error for UnknownName {}

impl fmt::Display for Venue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl fmt::Display for Market {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Market {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::ALL
            .into_iter()
            .find(|market| market.name() == name)
            .ok_or(UnknownName)
    }
}

impl fmt::Display for Channel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.stem())?;
        f.write_str(self.speed().suffix())
    }
}

impl FromStr for Channel {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        let (stem, suffix) = name.split_at(name.find('@').unwrap_or(name.len()));
        let speed = Speed::from_suffix(suffix).ok_or(UnknownName)?;
        let channel = match stem {
            "trade" => Self::Trade,
            "aggTrade" => Self::AggTrade,
            "depth" => Self::Depth(speed),
            "depth5" => Self::DepthPartial(DepthLevels::Five, speed),
            "depth10" => Self::DepthPartial(DepthLevels::Ten, speed),
            "depth20" => Self::DepthPartial(DepthLevels::Twenty, speed),
            "bookTicker" => Self::BookTicker,
            "trades" => Self::Trades,
            "books" => Self::Books,
            "books50-l2-tbt" => Self::Books50L2Tbt,
            "books-l2-tbt" => Self::BooksL2Tbt,
            "bbo-tbt" => Self::BboTbt,
            "tickers" => Self::Tickers,
            _ => return Err(UnknownName),
        };
        if channel.speed() == speed {
            Ok(channel)
        } else {
            Err(UnknownName)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn every_channel_is_found_again_by_its_name() {
        for channel in Channel::all() {
            assert_eq!(channel.to_string().parse(), Ok(channel));
        }
        assert_eq!(Channel::all().count(), 33);
    }

    #[test]
    fn names_are_the_venues_own() {
        let fast20 = Channel::DepthPartial(DepthLevels::Twenty, Speed::Ms100);
        assert_eq!(fast20.to_string(), "depth20@100ms");
        assert_eq!(Channel::Depth(Speed::Default).to_string(), "depth");
        assert_eq!(Channel::BboTbt.to_string(), "bbo-tbt");
    }

    #[test]
    fn other_names_are_refused() {
        for name in [
            "",
            "aggtrade",
            "trade@100ms",
            "depth7",
            "depth@",
            "depth@99ms",
            "books5",
        ] {
            assert_eq!(name.parse::<Channel>(), Err(UnknownName), "{name}");
        }
    }

    #[test]
    fn every_market_is_found_again_by_its_name() {
        for market in Market::ALL {
            assert_eq!(market.name().parse(), Ok(market));
        }
        assert_eq!("binance".parse::<Market>(), Err(UnknownName));
    }
}
