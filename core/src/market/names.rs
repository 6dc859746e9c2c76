//! Venues and their markets.

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
    /// Binance coin-margined futures.
    BinanceCoinm,
    /// OKX v5, public channels of every instrument type.
    Okx,
}

impl Market {
    /// Every market, in the order of their names.
    pub const ALL: [Self; 4] = [
        Self::BinanceSpot,
        Self::BinanceUsdm,
        Self::BinanceCoinm,
        Self::Okx,
    ];

    /// The stable name, for configuration and output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::BinanceSpot => "binance-spot",
            Self::BinanceUsdm => "binance-usdm",
            Self::BinanceCoinm => "binance-coinm",
            Self::Okx => "okx",
        }
    }

    /// The exchange it belongs to.
    #[must_use]
    pub const fn venue(self) -> Venue {
        match self {
            Self::BinanceSpot | Self::BinanceUsdm | Self::BinanceCoinm => Venue::Binance,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_market_is_found_again_by_its_name() {
        for market in Market::ALL {
            assert_eq!(market.name().parse(), Ok(market));
        }
        assert_eq!("binance".parse::<Market>(), Err(UnknownName));
    }
}
