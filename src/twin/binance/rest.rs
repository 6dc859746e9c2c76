//! REST: order book snapshots ("Order book" of the spot and USD-M market data endpoints).

use marketprism_core::market::Market;

use super::data::rows;
use crate::twin::answer::Answer;
use crate::twin::book::Side;
use crate::twin::market::SyntheticMarket;
use crate::twin::uri::Target;

const NO_SYMBOL: &str = r#"{"code":-1102,"msg":"Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."}"#;
const BAD_SYMBOL: &str = r#"{"code":-1121,"msg":"Invalid symbol."}"#;
const BAD_LIMIT: &str = r#"{"code":-1100,"msg":"Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'."}"#;
const LIMIT_OFF_LIST: &str = r#"{"code":-4021,"msg":"Invalid depth limit."}"#;

/// What a path asks for and what it weighs; `None` for a path that there is not.
pub(in crate::twin) fn weight(market: Market, target: &Target) -> Option<u32> {
    match (market, target.path.as_str()) {
        (Market::BinanceSpot, "/api/v3/depth") => Some(match limit(market, target).unwrap_or(0) {
            0..=100 => 5,
            101..=500 => 25,
            501..=1000 => 50,
            _ => 250,
        }),
        (Market::BinanceUsdm, "/fapi/v1/depth") | (Market::BinanceCoinm, "/dapi/v1/depth") => {
            Some(match limit(market, target).unwrap_or(0) {
                0..=50 => 2,
                51..=100 => 5,
                101..=500 => 10,
                _ => 20,
            })
        }
        _ => None,
    }
}

/// The snapshot that the request asks for.
pub(in crate::twin) fn depth(
    market: Market,
    books: &[SyntheticMarket],
    target: &Target,
    stamp: u64,
) -> Answer {
    let symbol = target.parameter("symbol").unwrap_or_default();
    if symbol.is_empty() {
        return Answer::json(400, NO_SYMBOL);
    }
    let limit = match limit(market, target) {
        Ok(limit) => limit,
        Err(body) => return Answer::json(400, body),
    };
    let named = |book: &&SyntheticMarket| book.instrument().id() == symbol;
    let Some(book) = books.iter().find(named) else {
        return Answer::json(400, BAD_SYMBOL);
    };
    Answer::json(200, &snapshot(market, book, limit, stamp))
}

/// The answer to a request beyond the allowance, which will have room again at this stamp.
pub(in crate::twin) fn too_many(until: u64) -> Answer {
    let text = format!(
        r#"{{"code":-1003,"msg":"Way too much request weight used; IP banned until {until}. Please use WebSocket Streams for live updates to avoid bans."}}"#
    );
    Answer::json(429, &text)
}

fn snapshot(market: Market, book: &SyntheticMarket, limit: usize, stamp: u64) -> String {
    let side = |side| rows(market, book, book.book().best_first(side).take(limit));
    let (bids, asks) = (side(Side::Bid), side(Side::Ask));
    let update = book.update();
    let times = match market {
        Market::BinanceUsdm => format!(r#""E":{stamp},"T":{stamp},"#),
        Market::BinanceCoinm => {
            let (symbol, pair) = (book.instrument().id(), book.instrument().pair());
            format!(r#""symbol":"{symbol}","pair":"{pair}","E":{stamp},"T":{stamp},"#)
        }
        Market::BinanceSpot | Market::Okx => String::new(),
    };
    format!(r#"{{"lastUpdateId":{update},{times}"bids":{bids},"asks":{asks}}}"#)
}

/// The number of levels: by default 100 on spot and 500 on futures. Spot takes any number
/// and gives at most 5000; futures have a list.
fn limit(market: Market, target: &Target) -> Result<usize, &'static str> {
    let default = match market {
        Market::BinanceSpot | Market::Okx => 100,
        Market::BinanceUsdm | Market::BinanceCoinm => 500,
    };
    let Some(text) = target.parameter("limit") else {
        return Ok(default);
    };
    let limit: usize = text.parse().map_err(|_| BAD_LIMIT)?;
    match market {
        Market::BinanceSpot | Market::Okx => Ok(limit.min(5000)),
        Market::BinanceUsdm | Market::BinanceCoinm
            if matches!(limit, 5 | 10 | 20 | 50 | 100 | 500 | 1000) =>
        {
            Ok(limit)
        }
        Market::BinanceUsdm | Market::BinanceCoinm => Err(LIMIT_OFF_LIST),
    }
}
