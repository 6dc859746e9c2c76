//! The names of channels, written and read.

use core::fmt;
use core::str::FromStr;

use super::{Channel, DayStart, DepthLevels, Interval, Speed, UnknownName, Venue};

/// What stands behind a Binance kline's interval when its day begins at UTC+8.
const UTC8: &str = "@+08:00";

impl fmt::Display for Channel {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all others have names that do not vary"
    )]
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let binance = |interval: Interval| interval.name(Venue::Binance).unwrap_or_default();
        let okx = |interval: Interval| interval.name(Venue::Okx).unwrap_or_default();
        match *self {
            Self::Kline(interval, DayStart::Utc) => write!(f, "kline_{}", binance(interval)),
            Self::Kline(interval, DayStart::Utc8) => {
                write!(f, "kline_{}{UTC8}", binance(interval))
            }
            Self::ContinuousKline(interval) => write!(f, "continuousKline_{}", binance(interval)),
            Self::IndexPriceKline(interval) => write!(f, "indexPriceKline_{}", binance(interval)),
            Self::MarkPriceKline(interval) => write!(f, "markPriceKline_{}", binance(interval)),
            Self::WindowTicker(window) => write!(f, "ticker_{}", binance(window)),
            Self::AllWindowTickers(window) => write!(f, "!ticker_{}@arr", binance(window)),
            Self::Candle(bar, start) => write!(f, "candle{}{}", okx(bar), zone(start)),
            Self::MarkPriceCandle(bar, start) => {
                write!(f, "mark-price-candle{}{}", okx(bar), zone(start))
            }
            Self::IndexCandle(bar, start) => write!(f, "index-candle{}{}", okx(bar), zone(start)),
            fixed => {
                f.write_str(fixed.stem())?;
                f.write_str(fixed.speed().suffix())
            }
        }
    }
}

const fn zone(start: DayStart) -> &'static str {
    match start {
        DayStart::Utc => "utc",
        DayStart::Utc8 => "",
    }
}

impl Channel {
    /// The name without what varies in it: `depth20` for `depth20@100ms`, `candle` for
    /// `candle1m`.
    #[must_use]
    pub const fn stem(self) -> &'static str {
        match self {
            Self::Trade => "trade",
            Self::AggTrade => "aggTrade",
            Self::BlockTrade => "blockTrade",
            Self::Depth(_) => "depth",
            Self::DepthPartial(DepthLevels::Five, _) => "depth5",
            Self::DepthPartial(DepthLevels::Ten, _) => "depth10",
            Self::DepthPartial(DepthLevels::Twenty, _) => "depth20",
            Self::RpiDepth(_) => "rpiDepth",
            Self::BookTicker => "bookTicker",
            Self::AllBookTickers => "!bookTicker",
            Self::Kline(..) => "kline",
            Self::ContinuousKline(_) => "continuousKline",
            Self::IndexPriceKline(_) => "indexPriceKline",
            Self::MarkPriceKline(_) => "markPriceKline",
            Self::Ticker | Self::WindowTicker(_) => "ticker",
            Self::AllTickers | Self::AllWindowTickers(_) => "!ticker@arr",
            Self::MiniTicker => "miniTicker",
            Self::AllMiniTickers => "!miniTicker@arr",
            Self::AvgPrice => "avgPrice",
            Self::MarkPrice(_) => "markPrice",
            Self::AllMarkPrices(_) => "!markPrice@arr",
            Self::IndexPrice(_) => "indexPrice",
            Self::ForceOrder => "forceOrder",
            Self::AllForceOrders => "!forceOrder@arr",
            Self::ContractInfo => "!contractInfo",
            Self::OpenInterest => "openInterest",
            Self::TopPositionRatio => "topLongShortPositionRatio",
            Self::TopAccountRatio => "topLongShortAccountRatio",
            Self::AccountRatio => "globalLongShortAccountRatio",
            Self::ExchangeInfo => "exchangeInfo",
            Self::Trades => "trades",
            Self::TradesAll => "trades-all",
            Self::Books => "books",
            Self::Books5 => "books5",
            Self::Books50L2Tbt => "books50-l2-tbt",
            Self::BooksL2Tbt => "books-l2-tbt",
            Self::BboTbt => "bbo-tbt",
            Self::Candle(..) => "candle",
            Self::MarkPriceCandle(..) => "mark-price-candle",
            Self::IndexCandle(..) => "index-candle",
            Self::Tickers => "tickers",
            Self::IndexTickers => "index-tickers",
            Self::FundingRate => "funding-rate",
            Self::OkxMarkPrice => "mark-price",
            Self::PriceLimit => "price-limit",
            Self::OkxOpenInterest => "open-interest",
            Self::LiquidationOrders => "liquidation-orders",
            Self::Instruments => "instruments",
            Self::OkxAccountRatio => "long-short-account-ratio-contract",
            Self::OkxTopAccountRatio => "long-short-account-ratio-contract-top-trader",
            Self::OkxTopPositionRatio => "long-short-position-ratio-contract-top-trader",
            Self::UserData => "userData",
            Self::Orders => "orders",
            Self::Account => "account",
            Self::Positions => "positions",
            Self::BalanceAndPosition => "balance_and_position",
            Self::Fills => "fills",
        }
    }

    /// The name with what varies in it in capitals: `kline_INTERVAL`; without its speed.
    #[must_use]
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "all others have names that do not vary"
    )]
    pub const fn family(self) -> &'static str {
        match self {
            Self::Kline(..) => "kline_INTERVAL",
            Self::ContinuousKline(_) => "continuousKline_INTERVAL",
            Self::IndexPriceKline(_) => "indexPriceKline_INTERVAL",
            Self::MarkPriceKline(_) => "markPriceKline_INTERVAL",
            Self::WindowTicker(_) => "ticker_WINDOW",
            Self::AllWindowTickers(_) => "!ticker_WINDOW@arr",
            Self::Candle(..) => "candleBAR",
            Self::MarkPriceCandle(..) => "mark-price-candleBAR",
            Self::IndexCandle(..) => "index-candleBAR",
            fixed => fixed.stem(),
        }
    }

    /// The channel whose name is its stem alone.
    fn plain(name: &str) -> Option<Self> {
        Self::PLAIN
            .into_iter()
            .find(|channel| channel.stem() == name)
    }
}

impl FromStr for Channel {
    type Err = UnknownName;

    fn from_str(name: &str) -> Result<Self, UnknownName> {
        Self::plain(name)
            .or_else(|| of_whole_market(name))
            .or_else(|| with_speed(name))
            .or_else(|| with_interval(name))
            .ok_or(UnknownName)
    }
}

fn of_whole_market(name: &str) -> Option<Channel> {
    if let Some(suffix) = name.strip_prefix("!markPrice@arr") {
        return Speed::from_suffix(suffix).map(Channel::AllMarkPrices);
    }
    let window = name.strip_prefix("!ticker_")?.strip_suffix("@arr")?;
    ticker_window(window).map(Channel::AllWindowTickers)
}

fn with_speed(name: &str) -> Option<Channel> {
    let (stem, suffix) = name.split_at(name.find('@').unwrap_or(name.len()));
    let speed = Speed::from_suffix(suffix)?;
    match stem {
        "depth" => Some(Channel::Depth(speed)),
        "depth5" => Some(Channel::DepthPartial(DepthLevels::Five, speed)),
        "depth10" => Some(Channel::DepthPartial(DepthLevels::Ten, speed)),
        "depth20" => Some(Channel::DepthPartial(DepthLevels::Twenty, speed)),
        "rpiDepth" => Some(Channel::RpiDepth(speed)),
        "markPrice" => Some(Channel::MarkPrice(speed)),
        "indexPrice" => Some(Channel::IndexPrice(speed)),
        _ => None,
    }
}

fn with_interval(name: &str) -> Option<Channel> {
    match name.split_once('_') {
        Some(("kline", interval)) => kline(interval),
        Some(("continuousKline", interval)) => binance(interval).map(Channel::ContinuousKline),
        Some(("indexPriceKline", interval)) => binance(interval).map(Channel::IndexPriceKline),
        Some(("markPriceKline", interval)) => binance(interval).map(Channel::MarkPriceKline),
        Some(("ticker", window)) => ticker_window(window).map(Channel::WindowTicker),
        Some(_) => None,
        None => candle(name),
    }
}

fn kline(interval: &str) -> Option<Channel> {
    let (interval, start) = match interval.strip_suffix(UTC8) {
        Some(interval) => (interval, DayStart::Utc8),
        None => (interval, DayStart::Utc),
    };
    binance(interval).map(|interval| Channel::Kline(interval, start))
}

fn candle(name: &str) -> Option<Channel> {
    let (stem, bar) = name.split_at(name.find("candle")? + "candle".len());
    let (name, start) = match bar.strip_suffix("utc") {
        Some(name) => (name, DayStart::Utc),
        None => (bar, DayStart::Utc8),
    };
    let bar = Interval::named(Venue::Okx, name)?;
    super::channel::okx_bar(bar, start)?;
    match stem {
        "candle" => Some(Channel::Candle(bar, start)),
        "mark-price-candle" => Some(Channel::MarkPriceCandle(bar, start)),
        "index-candle" => Some(Channel::IndexCandle(bar, start)),
        _ => None,
    }
}

fn binance(interval: &str) -> Option<Interval> {
    Interval::named(Venue::Binance, interval)
}

fn ticker_window(name: &str) -> Option<Interval> {
    binance(name).filter(|window| super::channel::WINDOWS.contains(window))
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::collections::BTreeSet;
    use alloc::string::ToString;

    #[test]
    fn every_channel_is_found_again_by_its_name_and_no_two_share_one() {
        let mut names = BTreeSet::new();
        for channel in Channel::all() {
            assert_eq!(channel.to_string().parse(), Ok(channel), "{channel}");
            assert!(names.insert(channel.to_string()), "{channel}");
        }
        assert_eq!(names.len(), 265);
    }

    #[test]
    fn names_are_the_venues_own() {
        let table = [
            (
                Channel::DepthPartial(DepthLevels::Twenty, Speed::Ms100),
                "depth20@100ms",
            ),
            (Channel::Depth(Speed::Default), "depth"),
            (
                Channel::Kline(Interval::M1, DayStart::Utc8),
                "kline_1m@+08:00",
            ),
            (
                Channel::ContinuousKline(Interval::Month1),
                "continuousKline_1M",
            ),
            (Channel::AllMarkPrices(Speed::S1), "!markPrice@arr@1s"),
            (Channel::AllWindowTickers(Interval::H4), "!ticker_4h@arr"),
            (Channel::AllMiniTickers, "!miniTicker@arr"),
            (Channel::BboTbt, "bbo-tbt"),
            (Channel::Candle(Interval::D1, DayStart::Utc), "candle1Dutc"),
            (
                Channel::MarkPriceCandle(Interval::H1, DayStart::Utc8),
                "mark-price-candle1H",
            ),
            (Channel::OkxMarkPrice, "mark-price"),
        ];
        for (channel, name) in table {
            assert_eq!(channel.to_string(), name);
        }
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
            "books7",
            "kline_1H",
            "kline_1m@+09:00",
            "kline_2d",
            "candle1h",
            "candle1mutc",
            "xcandle1m",
            "ticker_1m",
            "!ticker_1m@arr",
            "!kline_1m@arr",
            "markPrice@",
        ] {
            assert_eq!(name.parse::<Channel>(), Err(UnknownName), "{name}");
        }
    }
}
