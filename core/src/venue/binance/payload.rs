//! What a stream carries, by either way of reading.

use super::Dialect;
use super::account;
use super::figures::{
    AvgPrice, ContinuousKline, FullTicker, IndexPriceKline, IndexPriceUpdate, MarkPriceKline,
    MarkPriceUpdate, MiniTicker, SymbolKline, Told, WindowTicker,
};
use super::instrument::ContractInfo;
use super::liquidation::ForceOrder;
use super::message::{coinm, spot, usdm};
use crate::market::{BookKind, Channel};
use crate::venue::decode::Problem;
use crate::venue::found::Found;
use crate::venue::json::{Source, Span};

/// Reads what a channel carries, and says which channel it is of: a candle outside a combined
/// stream tells its interval itself. `symbol` stands in the stream's name, lower case.
#[inline(always)]
pub(super) fn payload<S: Source>(
    source: &mut S,
    dialect: Dialect,
    channel: Channel,
    symbol: Span,
    found: &mut Found,
) -> Result<Channel, S::Error> {
    let pools = &mut found.pools;
    let row = match (dialect, channel) {
        (Dialect::Spot, Channel::Trade) => Some(source.value::<spot::Trade>(pools)?.row()),
        (Dialect::Usdm | Dialect::Coinm, Channel::Trade) => {
            Some(source.value::<usdm::Trade>(pools)?.row())
        }
        (Dialect::Spot, Channel::AggTrade) => Some(source.value::<spot::AggTrade>(pools)?.row()),
        (Dialect::Usdm | Dialect::Coinm, Channel::AggTrade) => {
            Some(source.value::<usdm::AggTrade>(pools)?.row())
        }
        (Dialect::Spot, Channel::BookTicker | Channel::AllBookTickers) => {
            source.value::<spot::BookTicker>(pools)?.row(pools)
        }
        (Dialect::Usdm, Channel::BookTicker | Channel::AllBookTickers) => {
            let ticker: usdm::BookTicker = source.value(pools)?;
            if dialect.is_foreign(ticker.symbol_type) {
                found.leave_out();
                return Ok(channel);
            }
            ticker.row(pools)
        }
        (Dialect::Coinm, Channel::BookTicker | Channel::AllBookTickers) => {
            let ticker: coinm::BookTicker = source.value(pools)?;
            if dialect.is_foreign(ticker.symbol_type) {
                found.leave_out();
                return Ok(channel);
            }
            ticker.row(pools)
        }
        (Dialect::Spot, Channel::Depth(_) | Channel::RpiDepth(_)) => {
            Some(source.value::<spot::Depth>(pools)?.row())
        }
        (Dialect::Usdm, Channel::Depth(_) | Channel::RpiDepth(_)) => {
            Some(source.value::<usdm::Depth>(pools)?.row(BookKind::Delta))
        }
        (Dialect::Coinm, Channel::Depth(_) | Channel::RpiDepth(_)) => {
            Some(source.value::<coinm::Depth>(pools)?.row(BookKind::Delta))
        }
        (Dialect::Spot, Channel::DepthPartial(levels, _)) => {
            let depth: spot::PartialDepth = source.value(pools)?;
            let instrument = pools.keep_upper_case(source.whole(), symbol);
            Some(depth.row(instrument, levels))
        }
        (Dialect::Usdm, Channel::DepthPartial(levels, _)) => {
            let depth: usdm::Depth = source.value(pools)?;
            Some(depth.row(BookKind::Top(levels.count())))
        }
        (Dialect::Coinm, Channel::DepthPartial(levels, _)) => {
            let depth: coinm::Depth = source.value(pools)?;
            Some(depth.row(BookKind::Top(levels.count())))
        }
        _ => return rarer(source, dialect, channel, symbol, found),
    };
    row.and_then(|row| found.push(row))
        .map(|()| channel)
        .ok_or_else(|| source.refuse(Problem::TooMany))
}

/// What comes less often than trades and changes of books.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "no stream has a name of the others: they are polled, or of another venue"
)]
fn rarer<S: Source>(
    source: &mut S,
    dialect: Dialect,
    channel: Channel,
    symbol: Span,
    found: &mut Found,
) -> Result<Channel, S::Error> {
    let read = match channel {
        Channel::BlockTrade => {
            let row = source.value::<spot::BlockTrade>(&mut found.pools)?.row();
            let pushed = found.push(row).map(|()| channel);
            return pushed.ok_or_else(|| source.refuse(Problem::TooMany));
        }
        Channel::Kline(..) => rows::<S, SymbolKline>,
        Channel::ContinuousKline(_) => rows::<S, ContinuousKline>,
        Channel::IndexPriceKline(_) => rows::<S, IndexPriceKline>,
        Channel::MarkPriceKline(_) => rows::<S, MarkPriceKline>,
        Channel::Ticker | Channel::AllTickers => rows::<S, FullTicker>,
        Channel::MiniTicker | Channel::AllMiniTickers => rows::<S, MiniTicker>,
        Channel::WindowTicker(_) | Channel::AllWindowTickers(_) => rows::<S, WindowTicker>,
        Channel::AvgPrice => rows::<S, AvgPrice>,
        Channel::MarkPrice(_) | Channel::AllMarkPrices(_) => rows::<S, MarkPriceUpdate>,
        Channel::IndexPrice(_) => rows::<S, IndexPriceUpdate>,
        Channel::ForceOrder | Channel::AllForceOrders => rows::<S, ForceOrder>,
        Channel::ContractInfo => rows::<S, ContractInfo>,
        Channel::UserData => return account::tell(source, found),
        _ => return Err(source.refuse(Problem::Value)),
    };
    read(source, dialect, channel, symbol, found)
}

/// One message, or an array of them.
fn rows<S: Source, T: Told>(
    source: &mut S,
    dialect: Dialect,
    channel: Channel,
    symbol: Span,
    found: &mut Found,
) -> Result<Channel, S::Error> {
    if !source.is_array()? {
        return row::<S, T>(source, dialect, channel, found);
    }
    // `<pair>@markPrice` of COIN-M tells of every contract of the pair.
    if matches!(channel, Channel::MarkPrice(_)) {
        let pair = found.pools.keep_upper_case(source.whole(), symbol);
        found.set_subject(pair);
    }
    let mut last = channel;
    source.each("data", |source| {
        last = row::<S, T>(source, dialect, channel, found)?;
        Ok(())
    })?;
    Ok(last)
}

fn row<S: Source, T: Told>(
    source: &mut S,
    dialect: Dialect,
    channel: Channel,
    found: &mut Found,
) -> Result<Channel, S::Error> {
    let told: T = source.value(&mut found.pools)?;
    if dialect.is_foreign(told.symbol_type()) {
        found.leave_out();
        return Ok(channel);
    }
    told.tell(source.whole(), channel, found)
        .map_err(|problem| source.refuse(problem))
}

impl Dialect {
    /// Whether a row is of the other futures market (`st`: 1 USD-M, 2 COIN-M).
    #[inline(always)]
    const fn is_foreign(self, symbol_type: Option<i64>) -> bool {
        matches!(
            (self, symbol_type),
            (Self::Usdm, Some(2)) | (Self::Coinm, Some(1))
        )
    }
}
