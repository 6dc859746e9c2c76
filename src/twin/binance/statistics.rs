//! Open interest, and the statistics of longs and shorts.

use std::fmt::Write as _;

use marketprism_core::market::Market;

use super::data::{Writer, printed};
use crate::twin::market::SyntheticMarket;
use crate::twin::news::join;
use crate::twin::sentiment::{Counted, WHOLE, longs, period, ratio};
use crate::twin::uri::Target;

/// Rows of an answer, at the most and unless told otherwise.
const MAX_ROWS: u64 = 500;
const ROWS: u64 = 30;
/// Decimals of a ratio.
const SCALE: u8 = 4;

const NO_SUBJECT: &str = r#"{"code":-1102,"msg":"Mandatory parameter 'symbol' was not sent, was empty/null, or malformed."}"#;
const BAD_SUBJECT: &str = r#"{"code":-1121,"msg":"Invalid symbol."}"#;
const BAD_PERIOD: &str = r#"{"code":-1130,"msg":"Data sent for parameter 'period' is not valid."}"#;
const BAD_LIMIT: &str = r#"{"code":-1130,"msg":"Data sent for parameter 'limit' is not valid."}"#;

/// What the statistics of this name count.
pub(super) fn counted(name: &str) -> Option<Counted> {
    match name {
        "globalLongShortAccountRatio" => Some(Counted::Accounts),
        "topLongShortAccountRatio" => Some(Counted::TopAccounts),
        "topLongShortPositionRatio" => Some(Counted::TopPositions),
        _ => None,
    }
}

pub(super) fn open_interest(book: &SyntheticMarket, stamp: u64) -> String {
    let writer = Writer::new(book, stamp);
    let symbol = writer.symbol();
    let open = writer.quantity(book.figures().open_interest());
    match book.market() {
        Market::BinanceCoinm => {
            let pair = book.instrument().pair();
            format!(
                r#"{{"symbol":"{symbol}","pair":"{pair}","openInterest":"{open}","contractType":"PERPETUAL","time":{stamp}}}"#
            )
        }
        Market::BinanceSpot | Market::BinanceUsdm | Market::Okx => {
            format!(r#"{{"openInterest":"{open}","symbol":"{symbol}","time":{stamp}}}"#)
        }
    }
}

/// Rows of longs and shorts, oldest first. USD-M asks by symbol, COIN-M by pair.
pub(super) fn ratios(
    books: &[SyntheticMarket],
    counted: Counted,
    target: &Target,
    stamp: u64,
) -> Result<String, &'static str> {
    let of_pair = books
        .iter()
        .any(|book| book.market() == Market::BinanceCoinm);
    let key = if of_pair { "pair" } else { "symbol" };
    let subject = target.parameter(key).filter(|name| !name.is_empty());
    let subject = subject.ok_or(NO_SUBJECT)?;
    let is_it = |book: &&SyntheticMarket| book.instrument().pair() == subject;
    let book = books.iter().find(is_it).ok_or(BAD_SUBJECT)?;
    let every = target.parameter("period").and_then(period);
    let every = every.ok_or(BAD_PERIOD)?;
    let count = match target.parameter("limit").map(str::parse) {
        None => ROWS,
        Some(Ok(count @ 1..=MAX_ROWS)) => count,
        Some(_) => return Err(BAD_LIMIT),
    };
    let seed = book.figures().sentiment();
    let mut rows: Vec<_> = longs(seed, counted, every, stamp, count).collect();
    rows.reverse();
    let mut out = String::from("[");
    join(&mut out, rows, |out, (stamp, long)| {
        let row = row(key, subject, counted, long, stamp);
        // Writing to a string cannot fail.
        write!(out, "{row}").unwrap_or_default();
    });
    out.push(']');
    Ok(out)
}

fn row(key: &str, subject: &str, counted: Counted, long: u64, stamp: u64) -> String {
    let [ratio, long, short] =
        [ratio(long), long, WHOLE - long].map(|part| printed(Market::BinanceUsdm, part, SCALE));
    let what = match (key, counted) {
        ("pair", Counted::TopPositions) => "Position",
        _ => "Account",
    };
    format!(
        r#"{{"{key}":"{subject}","longShortRatio":"{ratio}","long{what}":"{long}","short{what}":"{short}","timestamp":{stamp}}}"#
    )
}
