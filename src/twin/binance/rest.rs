//! REST ("Market Data endpoints" of spot, USD-M and COIN-M): what may be asked, and at what price.

use marketprism_core::market::Market;

use super::data::rows;
use super::{instruments, statistics, trades};
use crate::twin::answer::Answer;
use crate::twin::book::Side;
use crate::twin::market::SyntheticMarket;
use crate::twin::rules::Rules;
use crate::twin::sentiment::Counted;
use crate::twin::toll::Toll;
use crate::twin::uri::Target;

/// What the venue counts as weight.
pub(in crate::twin) const WEIGHT: &str = "weight";
/// What is counted for statistics.
const STATISTICS: &str = "statistics";

const NO_SYMBOL: &str = r#"{"code":-1102,"msg":"Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."}"#;
const BAD_SYMBOL: &str = r#"{"code":-1121,"msg":"Invalid symbol."}"#;
const BAD_SYMBOLS: &str = r#"{"code":-1100,"msg":"Illegal characters found in parameter 'symbols'; legal range is '^\\[(\"[\\w\\-._&&[^a-z]]{1,50}\"(,\"[\\w\\-._&&[^a-z]]{1,50}\"){0,}){0,1}\\]$'."}"#;
const BAD_LIMIT: &str = r#"{"code":-1100,"msg":"Illegal characters found in parameter 'limit'; legal range is '^[0-9]{1,20}$'."}"#;
const BAD_NUMBER: &str = r#"{"code":-1100,"msg":"Illegal characters found in parameter 'fromId'; legal range is '^[0-9]{1,20}$'."}"#;
const LIMIT_OFF_LIST: &str = r#"{"code":-4021,"msg":"Invalid depth limit."}"#;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Depth,
    Aggregates,
    Trades,
    Instruments,
    OpenInterest,
    Ratio(Counted),
}

fn question(market: Market, path: &str) -> Option<Question> {
    let (base, futures) = match market {
        Market::BinanceSpot | Market::Okx => ("/api/v3/", false),
        Market::BinanceUsdm => ("/fapi/v1/", true),
        Market::BinanceCoinm => ("/dapi/v1/", true),
    };
    if let Some(name) = path.strip_prefix("/futures/data/").filter(|_| futures) {
        return statistics::counted(name).map(Question::Ratio);
    }
    match path.strip_prefix(base)? {
        "depth" => Some(Question::Depth),
        "rpiDepth" if market == Market::BinanceUsdm => Some(Question::Depth),
        "aggTrades" => Some(Question::Aggregates),
        // On futures they are for holders of keys.
        "historicalTrades" if !futures => Some(Question::Trades),
        "exchangeInfo" => Some(Question::Instruments),
        "openInterest" if futures => Some(Question::OpenInterest),
        _ => None,
    }
}

/// What a request costs; `None` for a path that there is not.
pub(in crate::twin) fn toll(market: Market, rules: &Rules, target: &Target) -> Option<Toll> {
    let weight = match question(market, &target.path)? {
        Question::Depth => depth_weight(market, target),
        Question::Aggregates if market == Market::BinanceSpot => 4,
        Question::Aggregates => 20,
        Question::Trades => 25,
        Question::Instruments if market == Market::BinanceSpot => 20,
        Question::Instruments | Question::OpenInterest => 1,
        Question::Ratio(_) => {
            return Some(Toll {
                pool: STATISTICS,
                allowed: rules.statistics,
                weight: 1,
            });
        }
    };
    Some(Toll {
        pool: WEIGHT,
        allowed: rules.weight,
        weight,
    })
}

fn depth_weight(market: Market, target: &Target) -> u32 {
    let limit = limit(market, target).unwrap_or(0);
    match market {
        Market::BinanceSpot | Market::Okx => match limit {
            0..=100 => 5,
            101..=500 => 25,
            501..=1000 => 50,
            _ => 250,
        },
        Market::BinanceUsdm | Market::BinanceCoinm => match limit {
            0..=50 => 2,
            51..=100 => 5,
            101..=500 => 10,
            _ => 20,
        },
    }
}

/// The answer to a request that is paid for.
pub(in crate::twin) fn answer(
    market: Market,
    books: &[SyntheticMarket],
    target: &Target,
    stamp: u64,
) -> Answer {
    let answer = match question(market, &target.path) {
        Some(Question::Depth) => depth(market, books, target, stamp),
        Some(Question::Aggregates) => trades(books, target, trades::aggregates),
        Some(Question::Trades) => trades(books, target, trades::singles),
        Some(Question::Instruments) => {
            listed(market, books, target).map(|books| instruments::list(market, &books, stamp))
        }
        Some(Question::OpenInterest) => {
            named(books, target).map(|book| statistics::open_interest(book, stamp))
        }
        Some(Question::Ratio(counted)) => statistics::ratios(books, counted, target, stamp),
        None => return Answer::json(404, ""),
    };
    match answer {
        Ok(body) => Answer::json(200, &body),
        Err(refusal) => Answer::json(400, refusal),
    }
}

fn depth(
    market: Market,
    books: &[SyntheticMarket],
    target: &Target,
    stamp: u64,
) -> Result<String, &'static str> {
    if target.parameter("symbol").is_none_or(str::is_empty) {
        return Err(NO_SYMBOL);
    }
    let limit = limit(market, target)?;
    let book = named(books, target)?;
    Ok(snapshot(market, book, limit, stamp))
}

/// Trades from a number on, or the last ones.
fn trades(
    books: &[SyntheticMarket],
    target: &Target,
    rows: fn(&SyntheticMarket, Option<u64>, usize) -> String,
) -> Result<String, &'static str> {
    let limit = target.parameter("limit").unwrap_or("500");
    let limit: usize = limit.parse().map_err(|_| BAD_LIMIT)?;
    let from = target.parameter("fromId").map(str::parse);
    let from = from.transpose().map_err(|_| BAD_NUMBER)?;
    Ok(rows(named(books, target)?, from, limit.clamp(1, 1000)))
}

/// The instruments that a request for the list names, or all: spot alone takes names, as JSON, and
/// refuses all for one that it does not know.
fn listed<'a>(
    market: Market,
    books: &'a [SyntheticMarket],
    target: &Target,
) -> Result<Vec<&'a SyntheticMarket>, &'static str> {
    let names = target.parameter("symbols");
    let Some(names) = names.filter(|_| market == Market::BinanceSpot) else {
        return Ok(books.iter().collect());
    };
    let names: Vec<String> = serde_json::from_str(names).map_err(|_| BAD_SYMBOLS)?;
    let find = |name: &String| books.iter().find(|book| book.instrument().id() == name);
    let found = names.iter().map(|name| find(name).ok_or(BAD_SYMBOL));
    found.collect()
}

/// The instrument that a request names.
fn named<'a>(
    books: &'a [SyntheticMarket],
    target: &Target,
) -> Result<&'a SyntheticMarket, &'static str> {
    let symbol = target.parameter("symbol").unwrap_or_default();
    let mut books = books.iter();
    match symbol {
        "" => Err(NO_SYMBOL),
        symbol => books
            .find(|book| book.instrument().id() == symbol)
            .ok_or(BAD_SYMBOL),
    }
}

/// The answer to a request beyond the allowance, which will have room again at this stamp.
pub(in crate::twin) fn too_many(status: u16, until: u64) -> Answer {
    let text = format!(
        r#"{{"code":-1003,"msg":"Way too much request weight used; IP banned until {until}. Please use WebSocket Streams for live updates to avoid bans."}}"#
    );
    Answer::json(status, &text)
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
