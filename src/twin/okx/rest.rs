//! REST: order book snapshots ("Get order book").

use super::data::rows;
use crate::twin::answer::Answer;
use crate::twin::book::Side;
use crate::twin::market::SyntheticMarket;
use crate::twin::uri::Target;

const NO_INSTRUMENT: &str =
    r#"{"code":"50014","msg":"Parameter instId can not be empty.","data":[]}"#;
const BAD_INSTRUMENT: &str = r#"{"code":"51001","msg":"Instrument ID, Instrument ID code, or Spread ID doesn't exist.","data":[]}"#;
const BAD_SIZE: &str = r#"{"code":"51000","msg":"Parameter sz error","data":[]}"#;
/// The answer to a request too many.
pub(in crate::twin) const TOO_MANY: &str = r#"{"code":"50011","msg":"Rate limit reached. Please refer to API documentation and throttle requests accordingly.","data":[]}"#;
/// Levels a side at the most.
const MAX_LEVELS: usize = 400;

/// What a path asks for and what it weighs; `None` for a path that there is not.
pub(in crate::twin) fn weight(target: &Target) -> Option<u32> {
    (target.path == "/api/v5/market/books").then_some(1)
}

/// The snapshot that the request asks for.
pub(in crate::twin) fn books(books: &[SyntheticMarket], target: &Target, stamp: u64) -> Answer {
    let instrument = target.parameter("instId").unwrap_or_default();
    if instrument.is_empty() {
        return Answer::json(400, NO_INSTRUMENT);
    }
    let Ok(size) = target.parameter("sz").unwrap_or("1").parse::<usize>() else {
        return Answer::json(400, BAD_SIZE);
    };
    let named = |book: &&SyntheticMarket| book.instrument().id() == instrument;
    match books.iter().find(named) {
        Some(book) => Answer::json(200, &snapshot(book, size.min(MAX_LEVELS), stamp)),
        // OKX answers this with status 200.
        None => Answer::json(200, BAD_INSTRUMENT),
    }
}

fn snapshot(book: &SyntheticMarket, size: usize, stamp: u64) -> String {
    let side = |side| rows(book, book.book().best_first(side).take(size));
    let (bids, asks) = (side(Side::Bid), side(Side::Ask));
    let sequence = book.update();
    format!(
        r#"{{"code":"0","msg":"","data":[{{"asks":{asks},"bids":{bids},"ts":"{stamp}","seqId":{sequence}}}]}}"#
    )
}
