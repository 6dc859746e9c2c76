//! The channels, in the venues' own words.

use super::{DayStart, DepthLevels, Interval, Scope, Speed, Venue};

/// What can be collected.
///
/// `Display` and `FromStr` use the venue's own name: `aggTrade`, `depth20@100ms`, `kline_1m`,
/// `!miniTicker@arr`, `bbo-tbt`, `candle1Dutc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// Binance `trade`: every fill. Undocumented on USD-M, where it is served all the same.
    Trade,
    /// Binance `aggTrade`: one row for each taker order and price.
    AggTrade,
    /// Binance spot `blockTrade`: trades agreed outside the book (since 2026-05).
    BlockTrade,
    /// Binance `depth`: changes of the book.
    Depth(Speed),
    /// Binance `depth<N>`: the best N levels, whole each time.
    DepthPartial(DepthLevels, Speed),
    /// Binance futures `rpiDepth`: changes of the book with retail price improvement orders.
    RpiDepth(Speed),
    /// Binance `bookTicker`: the best bid and ask.
    BookTicker,
    /// Binance futures `!bookTicker`: the best bid and ask of every instrument.
    AllBookTickers,
    /// Binance `kline_<interval>`: candles.
    Kline(Interval, DayStart),
    /// Binance futures `continuousKline_<interval>`: candles of a pair and a kind of contract,
    /// whichever contract that is at the time.
    ContinuousKline(Interval),
    /// Binance COIN-M `indexPriceKline_<interval>`: candles of a pair's index.
    IndexPriceKline(Interval),
    /// Binance COIN-M `markPriceKline_<interval>`: candles of a mark price.
    MarkPriceKline(Interval),
    /// Binance `ticker`: figures of the last 24 hours.
    Ticker,
    /// Binance futures `!ticker@arr`: the same of every instrument that changed.
    AllTickers,
    /// Binance `miniTicker`: fewer figures of the last 24 hours.
    MiniTicker,
    /// Binance `!miniTicker@arr`: the same of every instrument that changed.
    AllMiniTickers,
    /// Binance spot `ticker_<window>`: figures of the last hour, 4 hours or day.
    WindowTicker(Interval),
    /// Binance spot `!ticker_<window>@arr`: the same of every instrument that changed.
    AllWindowTickers(Interval),
    /// Binance spot `avgPrice`: the average price of some minutes.
    AvgPrice,
    /// Binance futures `markPrice`: mark price, index price and funding rate.
    MarkPrice(Speed),
    /// Binance futures `!markPrice@arr`: the same of every instrument.
    AllMarkPrices(Speed),
    /// Binance COIN-M `indexPrice`: the price of a pair's index.
    IndexPrice(Speed),
    /// Binance futures `forceOrder`: liquidations, one a second at most.
    ForceOrder,
    /// Binance futures `!forceOrder@arr`: the same of every instrument.
    AllForceOrders,
    /// Binance futures `!contractInfo`: listings, delistings and changes of contracts.
    ContractInfo,
    /// Binance futures `openInterest`, over REST.
    OpenInterest,
    /// Binance futures `topLongShortPositionRatio`, over REST: positions of the accounts with
    /// the largest margin balances (the top fifth).
    TopPositionRatio,
    /// Binance futures `topLongShortAccountRatio`, over REST: the same accounts, by count.
    TopAccountRatio,
    /// Binance futures `globalLongShortAccountRatio`, over REST: all accounts, by count.
    AccountRatio,
    /// Binance `exchangeInfo`, over REST: every instrument.
    ExchangeInfo,
    /// OKX `trades`: one row for each taker order, price and source.
    Trades,
    /// OKX `trades-all`: every fill.
    TradesAll,
    /// OKX `books`: a snapshot of 400 levels, then its changes each 100 ms.
    Books,
    /// OKX `books5`: the best 5 levels, whole each 100 ms.
    Books5,
    /// OKX `books50-l2-tbt`: 50 levels as a snapshot, then changes, each 10 ms; for accounts that
    /// have logged in and are of a tier.
    Books50L2Tbt,
    /// OKX `books-l2-tbt`: 400 levels, likewise.
    BooksL2Tbt,
    /// OKX `bbo-tbt`: the best bid and ask, each 10 ms.
    BboTbt,
    /// OKX `candle<bar>`: candles.
    Candle(Interval, DayStart),
    /// OKX `mark-price-candle<bar>`: candles of a mark price.
    MarkPriceCandle(Interval, DayStart),
    /// OKX `index-candle<bar>`: candles of an index.
    IndexCandle(Interval, DayStart),
    /// OKX `tickers`: last price, best bid and ask, figures of 24 hours.
    Tickers,
    /// OKX `index-tickers`: the price of an index.
    IndexTickers,
    /// OKX `funding-rate`.
    FundingRate,
    /// OKX `mark-price`.
    OkxMarkPrice,
    /// OKX `price-limit`: the highest price to buy at and the lowest to sell at.
    PriceLimit,
    /// OKX `open-interest`.
    OkxOpenInterest,
    /// OKX `liquidation-orders`, of a type of instrument.
    LiquidationOrders,
    /// OKX `instruments`, of a type of instrument.
    Instruments,
    /// OKX `long-short-account-ratio-contract`, over REST: all accounts, by count.
    OkxAccountRatio,
    /// OKX `long-short-account-ratio-contract-top-trader`, over REST: the accounts with the
    /// largest positions (the top twentieth), by count.
    OkxTopAccountRatio,
    /// OKX `long-short-position-ratio-contract-top-trader`, over REST: their positions.
    OkxTopPositionRatio,
    /// Binance user data: orders, fills, balances and positions of the account.
    UserData,
    /// OKX `orders`: orders of the account and what was filled of them.
    Orders,
    /// OKX `account`: the account's balances.
    Account,
    /// OKX `positions`: the account's positions.
    Positions,
    /// OKX `balance_and_position`: changes of both, as they happen.
    BalanceAndPosition,
    /// OKX `fills`: what was filled of the account's orders; for accounts of a tier.
    Fills,
}

/// What a channel tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// Trades.
    Trades,
    /// Changes of a book, to be applied one after the other.
    Changes,
    /// The best levels of a book, whole each time.
    Top,
    /// Candles.
    Candles,
    /// Figures of a window of time.
    Tickers,
    /// Mark prices, and on Binance funding rates.
    MarkPrices,
    /// Prices of an index.
    IndexPrices,
    /// Funding rates.
    Funding,
    /// Price limits.
    PriceLimits,
    /// Open interest.
    OpenInterest,
    /// Liquidations.
    Liquidations,
    /// Long/short ratios.
    Ratios,
    /// Instruments: which there are, their steps and sizes.
    Instruments,
    /// The account: its orders, fills, balances and positions.
    Account,
}

/// Windows that Binance spot has tickers of.
pub(super) const WINDOWS: [Interval; 3] = [Interval::H1, Interval::H4, Interval::D1];

impl Channel {
    /// Every channel, each speed, depth and interval counted.
    pub fn all() -> impl Iterator<Item = Self> {
        let partial = DepthLevels::ALL
            .into_iter()
            .flat_map(|levels| Speed::ALL.map(|speed| Self::DepthPartial(levels, speed)));
        let speeds = Speed::ALL.into_iter();
        let speeds = speeds
            .flat_map(|speed| [Self::Depth(speed), Self::RpiDepth(speed)].into_iter())
            .chain(Speed::ALL.into_iter().flat_map(|speed| {
                let index = Self::IndexPrice(speed);
                [Self::MarkPrice(speed), Self::AllMarkPrices(speed), index]
            }));
        let windows = WINDOWS
            .into_iter()
            .flat_map(|window| [Self::WindowTicker(window), Self::AllWindowTickers(window)]);
        Self::PLAIN
            .into_iter()
            .chain(speeds)
            .chain(partial)
            .chain(windows)
            .chain(Interval::ALL.into_iter().flat_map(candles))
    }

    /// The channels whose names have no parts that vary.
    pub(super) const PLAIN: [Self; 42] = [
        Self::Trade,
        Self::AggTrade,
        Self::BlockTrade,
        Self::BookTicker,
        Self::AllBookTickers,
        Self::Ticker,
        Self::AllTickers,
        Self::MiniTicker,
        Self::AllMiniTickers,
        Self::AvgPrice,
        Self::ForceOrder,
        Self::AllForceOrders,
        Self::ContractInfo,
        Self::OpenInterest,
        Self::TopPositionRatio,
        Self::TopAccountRatio,
        Self::AccountRatio,
        Self::ExchangeInfo,
        Self::Trades,
        Self::TradesAll,
        Self::Books,
        Self::Books5,
        Self::Books50L2Tbt,
        Self::BooksL2Tbt,
        Self::BboTbt,
        Self::Tickers,
        Self::IndexTickers,
        Self::FundingRate,
        Self::OkxMarkPrice,
        Self::PriceLimit,
        Self::OkxOpenInterest,
        Self::LiquidationOrders,
        Self::Instruments,
        Self::OkxAccountRatio,
        Self::OkxTopAccountRatio,
        Self::OkxTopPositionRatio,
        Self::UserData,
        Self::Orders,
        Self::Account,
        Self::Positions,
        Self::BalanceAndPosition,
        Self::Fills,
    ];

    /// The venue that offers it.
    #[must_use]
    pub const fn venue(self) -> Venue {
        match self {
            Self::Trade
            | Self::AggTrade
            | Self::BlockTrade
            | Self::Depth(_)
            | Self::DepthPartial(..)
            | Self::RpiDepth(_)
            | Self::BookTicker
            | Self::AllBookTickers
            | Self::Kline(..)
            | Self::ContinuousKline(_)
            | Self::IndexPriceKline(_)
            | Self::MarkPriceKline(_)
            | Self::Ticker
            | Self::AllTickers
            | Self::MiniTicker
            | Self::AllMiniTickers
            | Self::WindowTicker(_)
            | Self::AllWindowTickers(_)
            | Self::AvgPrice
            | Self::MarkPrice(_)
            | Self::AllMarkPrices(_)
            | Self::IndexPrice(_)
            | Self::ForceOrder
            | Self::AllForceOrders
            | Self::ContractInfo
            | Self::OpenInterest
            | Self::TopPositionRatio
            | Self::TopAccountRatio
            | Self::AccountRatio
            | Self::ExchangeInfo
            | Self::UserData => Venue::Binance,
            Self::Trades
            | Self::TradesAll
            | Self::Books
            | Self::Books5
            | Self::Books50L2Tbt
            | Self::BooksL2Tbt
            | Self::BboTbt
            | Self::Candle(..)
            | Self::MarkPriceCandle(..)
            | Self::IndexCandle(..)
            | Self::Tickers
            | Self::IndexTickers
            | Self::FundingRate
            | Self::OkxMarkPrice
            | Self::PriceLimit
            | Self::OkxOpenInterest
            | Self::LiquidationOrders
            | Self::Instruments
            | Self::OkxAccountRatio
            | Self::OkxTopAccountRatio
            | Self::OkxTopPositionRatio
            | Self::Orders
            | Self::Account
            | Self::Positions
            | Self::BalanceAndPosition
            | Self::Fills => Venue::Okx,
        }
    }

    /// What it tells of.
    #[must_use]
    pub const fn content(self) -> Content {
        match self {
            Self::Trade | Self::AggTrade | Self::BlockTrade | Self::Trades | Self::TradesAll => {
                Content::Trades
            }
            Self::Depth(_)
            | Self::RpiDepth(_)
            | Self::Books
            | Self::Books50L2Tbt
            | Self::BooksL2Tbt => Content::Changes,
            Self::DepthPartial(..)
            | Self::BookTicker
            | Self::AllBookTickers
            | Self::Books5
            | Self::BboTbt => Content::Top,
            Self::Kline(..)
            | Self::ContinuousKline(_)
            | Self::IndexPriceKline(_)
            | Self::MarkPriceKline(_)
            | Self::Candle(..)
            | Self::MarkPriceCandle(..)
            | Self::IndexCandle(..) => Content::Candles,
            Self::Ticker
            | Self::AllTickers
            | Self::MiniTicker
            | Self::AllMiniTickers
            | Self::WindowTicker(_)
            | Self::AllWindowTickers(_)
            | Self::AvgPrice
            | Self::Tickers => Content::Tickers,
            Self::MarkPrice(_) | Self::AllMarkPrices(_) | Self::OkxMarkPrice => Content::MarkPrices,
            Self::IndexPrice(_) | Self::IndexTickers => Content::IndexPrices,
            Self::FundingRate => Content::Funding,
            Self::PriceLimit => Content::PriceLimits,
            Self::OpenInterest | Self::OkxOpenInterest => Content::OpenInterest,
            Self::ForceOrder | Self::AllForceOrders | Self::LiquidationOrders => {
                Content::Liquidations
            }
            Self::TopPositionRatio
            | Self::TopAccountRatio
            | Self::AccountRatio
            | Self::OkxAccountRatio
            | Self::OkxTopAccountRatio
            | Self::OkxTopPositionRatio => Content::Ratios,
            Self::ContractInfo | Self::ExchangeInfo | Self::Instruments => Content::Instruments,
            Self::UserData
            | Self::Orders
            | Self::Account
            | Self::Positions
            | Self::BalanceAndPosition
            | Self::Fills => Content::Account,
        }
    }

    /// What a stream's instrument names.
    #[must_use]
    pub const fn scope(self) -> Scope {
        match self {
            Self::AllBookTickers
            | Self::AllTickers
            | Self::AllMiniTickers
            | Self::AllWindowTickers(_)
            | Self::AllMarkPrices(_)
            | Self::AllForceOrders
            | Self::ContractInfo
            | Self::ExchangeInfo
            | Self::UserData
            | Self::Account
            | Self::BalanceAndPosition
            | Self::Fills => Scope::Market,
            Self::Orders | Self::Positions => Scope::AnyType,
            Self::LiquidationOrders | Self::Instruments => Scope::InstrumentType,
            Self::ContinuousKline(_) => Scope::Contract,
            Self::IndexPriceKline(_)
            | Self::IndexPrice(_)
            | Self::IndexTickers
            | Self::IndexCandle(..) => Scope::Pair,
            Self::Trade
            | Self::AggTrade
            | Self::BlockTrade
            | Self::Depth(_)
            | Self::DepthPartial(..)
            | Self::RpiDepth(_)
            | Self::BookTicker
            | Self::Kline(..)
            | Self::MarkPriceKline(_)
            | Self::Ticker
            | Self::MiniTicker
            | Self::WindowTicker(_)
            | Self::AvgPrice
            | Self::MarkPrice(_)
            | Self::ForceOrder
            | Self::OpenInterest
            | Self::TopPositionRatio
            | Self::TopAccountRatio
            | Self::AccountRatio
            | Self::Trades
            | Self::TradesAll
            | Self::Books
            | Self::Books5
            | Self::Books50L2Tbt
            | Self::BooksL2Tbt
            | Self::BboTbt
            | Self::Candle(..)
            | Self::MarkPriceCandle(..)
            | Self::Tickers
            | Self::FundingRate
            | Self::OkxMarkPrice
            | Self::PriceLimit
            | Self::OkxOpenInterest
            | Self::OkxAccountRatio
            | Self::OkxTopAccountRatio
            | Self::OkxTopPositionRatio => Scope::Instrument,
        }
    }

    /// The speed in its name; the default for those that have none.
    #[must_use]
    pub const fn speed(self) -> Speed {
        if let Self::Depth(speed)
        | Self::DepthPartial(_, speed)
        | Self::RpiDepth(speed)
        | Self::MarkPrice(speed)
        | Self::AllMarkPrices(speed)
        | Self::IndexPrice(speed) = self
        {
            speed
        } else {
            Speed::Default
        }
    }

    /// Whether it is asked for over REST again and again, because no stream serves it.
    #[must_use]
    pub const fn is_polled(self) -> bool {
        matches!(
            self,
            Self::OpenInterest
                | Self::TopPositionRatio
                | Self::TopAccountRatio
                | Self::AccountRatio
                | Self::ExchangeInfo
                | Self::OkxAccountRatio
                | Self::OkxTopAccountRatio
                | Self::OkxTopPositionRatio
        )
    }

    /// Whether it may rightly be silent for hours: it tells of what seldom happens.
    #[must_use]
    pub const fn is_sparse(self) -> bool {
        matches!(
            self,
            Self::BlockTrade
                | Self::ForceOrder
                | Self::AllForceOrders
                | Self::ContractInfo
                | Self::LiquidationOrders
                | Self::Instruments
        ) || self.is_private()
    }

    /// Whether it tells an account of itself, and nobody else.
    #[must_use]
    pub const fn is_private(self) -> bool {
        matches!(self.content(), Content::Account)
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
        self.is_private() || matches!(self, Self::Books50L2Tbt | Self::BooksL2Tbt)
    }
}

/// The candles of an interval.
fn candles(interval: Interval) -> impl Iterator<Item = Channel> {
    let binance = interval.name(Venue::Binance).map(|_| {
        [
            Channel::Kline(interval, DayStart::Utc),
            Channel::Kline(interval, DayStart::Utc8),
            Channel::ContinuousKline(interval),
            Channel::IndexPriceKline(interval),
            Channel::MarkPriceKline(interval),
        ]
    });
    let starts = DayStart::ALL.into_iter();
    let okx = starts.filter(move |&start| okx_bar(interval, start).is_some());
    let okx = okx.flat_map(move |start| {
        [
            Channel::Candle(interval, start),
            Channel::MarkPriceCandle(interval, start),
            Channel::IndexCandle(interval, start),
        ]
    });
    binance.into_iter().flatten().chain(okx)
}

/// The bar of an OKX candle and what stands behind it; `None` where there is none. Where a day
/// begins only tells from six hours on.
pub(super) fn okx_bar(interval: Interval, start: DayStart) -> Option<(&'static str, &'static str)> {
    let name = interval.name(Venue::Okx)?;
    match start {
        DayStart::Utc8 => Some((name, "")),
        DayStart::Utc => (interval >= Interval::H6).then_some((name, "utc")),
    }
}
