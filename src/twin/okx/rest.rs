//! REST ("Order Book Trading", "Public Data", "Trading Statistics"): what may be asked, and how
//! often. Where OKX counts each instrument by itself, all count together here.

use std::time::Duration;

use super::data::{instrument, kind_name, past, rows, trimmed};
use super::figures::open_interest;
use crate::twin::answer::Answer;
use crate::twin::book::Side;
use crate::twin::market::SyntheticMarket;
use crate::twin::rules::{Allowance, Rules};
use crate::twin::sentiment::{Counted, longs, period, ratio};
use crate::twin::toll::Toll;
use crate::twin::uri::Target;

const NO_INSTRUMENT: &str =
    r#"{"code":"50014","msg":"Parameter instId can not be empty.","data":[]}"#;
const NO_TYPE: &str = r#"{"code":"50014","msg":"Parameter instType can not be empty.","data":[]}"#;
const BAD_INSTRUMENT: &str = r#"{"code":"51001","msg":"Instrument ID, Instrument ID code, or Spread ID doesn't exist.","data":[]}"#;
const BAD_SIZE: &str = r#"{"code":"51000","msg":"Parameter sz error","data":[]}"#;
const BAD_PERIOD: &str = r#"{"code":"51000","msg":"Parameter period error","data":[]}"#;
const BAD_LIMIT: &str = r#"{"code":"51000","msg":"Parameter limit error","data":[]}"#;
/// The answer to a request too many.
pub(in crate::twin) const TOO_MANY: &str = r#"{"code":"50011","msg":"Rate limit reached. Please refer to API documentation and throttle requests accordingly.","data":[]}"#;
/// Levels a side at the most.
const MAX_LEVELS: usize = 400;
/// Rows of statistics at the most and unless told otherwise.
const MAX_ROWS: u64 = 100;
/// Decimals of a ratio.
const SCALE: u8 = 4;
/// The limit of trades, and of both lists, of instruments and of open interest.
const LISTS: Option<Allowance> = Some(Allowance {
    count: 20,
    per: Duration::from_secs(2),
});

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Question {
    Books,
    Trades,
    Instruments,
    OpenInterest,
    Ratio(Counted),
}

fn question(path: &str) -> Option<Question> {
    let path = path.strip_prefix("/api/v5/")?;
    if let Some(name) = path.strip_prefix("rubik/stat/contracts/") {
        return counted(name).map(Question::Ratio);
    }
    match path {
        "market/books" => Some(Question::Books),
        "market/history-trades" => Some(Question::Trades),
        "public/instruments" => Some(Question::Instruments),
        "public/open-interest" => Some(Question::OpenInterest),
        _ => None,
    }
}

fn counted(name: &str) -> Option<Counted> {
    match name {
        "long-short-account-ratio-contract" => Some(Counted::Accounts),
        "long-short-account-ratio-contract-top-trader" => Some(Counted::TopAccounts),
        "long-short-position-ratio-contract-top-trader" => Some(Counted::TopPositions),
        _ => None,
    }
}

/// What a request costs; `None` for a path that there is not.
pub(in crate::twin) fn toll(rules: &Rules, target: &Target) -> Option<Toll> {
    let (pool, allowed) = match question(&target.path)? {
        Question::Books => ("books", rules.weight),
        Question::Trades => ("history-trades", LISTS),
        Question::Instruments => ("instruments", LISTS),
        Question::OpenInterest => ("open-interest", LISTS),
        Question::Ratio(Counted::Accounts) => ("accounts", rules.statistics),
        Question::Ratio(Counted::TopAccounts) => ("top-accounts", rules.statistics),
        Question::Ratio(Counted::TopPositions) => ("top-positions", rules.statistics),
    };
    Some(Toll {
        pool,
        allowed,
        weight: 1,
    })
}

/// The answer to a request that is let through. OKX refuses most with status 200.
pub(in crate::twin) fn answer(books: &[SyntheticMarket], target: &Target, stamp: u64) -> Answer {
    let answer = match question(&target.path) {
        Some(Question::Books) => snapshot(books, target, stamp),
        Some(Question::Trades) => trades(books, target),
        Some(Question::Instruments) => list(books, target, instrument),
        Some(Question::OpenInterest) => list(books, target, |book| open_interest(book, stamp)),
        Some(Question::Ratio(counted)) => ratios(books, counted, target, stamp),
        None => return Answer::json(404, ""),
    };
    match answer {
        Ok(rows) => Answer::json(200, &format!(r#"{{"code":"0","msg":"","data":[{rows}]}}"#)),
        Err(BAD_INSTRUMENT) => Answer::json(200, BAD_INSTRUMENT),
        Err(refusal) => Answer::json(400, refusal),
    }
}

fn named<'a>(
    books: &'a [SyntheticMarket],
    target: &Target,
) -> Result<&'a SyntheticMarket, &'static str> {
    let id = target.parameter("instId").filter(|id| !id.is_empty());
    let id = id.ok_or(NO_INSTRUMENT)?;
    let named = |book: &&SyntheticMarket| book.instrument().id() == id;
    books.iter().find(named).ok_or(BAD_INSTRUMENT)
}

fn snapshot(
    books: &[SyntheticMarket],
    target: &Target,
    stamp: u64,
) -> Result<String, &'static str> {
    let book = named(books, target)?;
    let size = target.parameter("sz").unwrap_or("1").parse::<usize>();
    let size = size.map_err(|_| BAD_SIZE)?.min(MAX_LEVELS);
    let side = |side| rows(book, book.book().best_first(side).take(size));
    let (bids, asks) = (side(Side::Bid), side(Side::Ask));
    let sequence = book.update();
    Ok(format!(
        r#"{{"asks":{asks},"bids":{bids},"ts":"{stamp}","seqId":{sequence}}}"#
    ))
}

/// Trades before a number, newest first.
fn trades(books: &[SyntheticMarket], target: &Target) -> Result<String, &'static str> {
    let book = named(books, target)?;
    let limit = target.parameter("limit").unwrap_or("100");
    let limit: usize = limit.parse().map_err(|_| BAD_LIMIT)?;
    let behind = target.parameter("after").unwrap_or("").parse::<u64>();
    let behind = behind.unwrap_or(u64::MAX);
    let prints = book.history().iter().rev();
    let rows = prints.flat_map(|(stamp, print)| past(book, *stamp, print));
    let rows = rows.skip_while(|(id, _)| *id >= behind);
    let rows: Vec<_> = rows.take(limit.min(100)).map(|(_, row)| row).collect();
    Ok(rows.join(","))
}

/// Rows about all instruments of a type, or about one of them.
fn list(
    books: &[SyntheticMarket],
    target: &Target,
    row: impl Fn(&SyntheticMarket) -> String,
) -> Result<String, &'static str> {
    let kind = target.parameter("instType").filter(|kind| !kind.is_empty());
    let kind = kind.ok_or(NO_TYPE)?;
    let one = target.parameter("instId").map(|_| named(books, target));
    let one = one.transpose()?.map(|book| book.instrument().id());
    let fits = |book: &&SyntheticMarket| {
        let instrument = book.instrument();
        kind_name(instrument.kind()) == kind && one.is_none_or(|id| instrument.id() == id)
    };
    let rows: Vec<String> = books.iter().filter(fits).map(row).collect();
    Ok(rows.join(","))
}

/// Rows of a time and a ratio, newest first.
fn ratios(
    books: &[SyntheticMarket],
    counted: Counted,
    target: &Target,
    stamp: u64,
) -> Result<String, &'static str> {
    let book = named(books, target)?;
    let every = period(target.parameter("period").unwrap_or("5m")).ok_or(BAD_PERIOD)?;
    let count = match target.parameter("limit").map(str::parse) {
        None => MAX_ROWS,
        Some(Ok(count @ 1..=MAX_ROWS)) => count,
        Some(_) => return Err(BAD_LIMIT),
    };
    let rows = longs(book.figures().sentiment(), counted, every, stamp, count);
    let rows: Vec<String> = rows
        .map(|(stamp, long)| format!(r#"["{stamp}","{}"]"#, trimmed(ratio(long), SCALE)))
        .collect();
    Ok(rows.join(","))
}
