//! Trades that are asked for by number ("Compressed/Aggregate trades list", "Old trade lookup").

use marketprism_core::market::Market;

use super::data::{Writer, buyer_is_maker};
use crate::twin::market::{Print, SyntheticMarket};

/// Aggregates, oldest first.
pub(super) fn aggregates(book: &SyntheticMarket, from: Option<u64>, limit: usize) -> String {
    let rows = book.history().iter();
    let rows = rows.map(|(stamp, print)| (print.aggregate, aggregate(book, *stamp, print)));
    page(rows.collect(), from, limit)
}

/// Trades one by one, oldest first.
pub(super) fn singles(book: &SyntheticMarket, from: Option<u64>, limit: usize) -> String {
    let rows = book.history().iter().flat_map(|(stamp, print)| {
        let fills = print.fills.iter();
        fills.map(move |fill| (fill.0, single(book, *stamp, print, *fill)))
    });
    page(rows.collect(), from, limit)
}

fn page(rows: Vec<(u64, String)>, from: Option<u64>, limit: usize) -> String {
    let start = match from {
        Some(from) => rows.partition_point(|(id, _)| *id < from),
        None => rows.len().saturating_sub(limit),
    };
    let rows = rows.into_iter().skip(start).take(limit);
    let rows: Vec<_> = rows.map(|(_, row)| row).collect();
    format!("[{}]", rows.join(","))
}

fn aggregate(book: &SyntheticMarket, stamp: u64, print: &Print) -> String {
    let writer = Writer::new(book, stamp);
    let (id, maker) = (print.aggregate, buyer_is_maker(print));
    let (price, quantity) = (writer.price(print.price), writer.quantity(print.quantity()));
    let (first, last) = print.trades();
    let more = match book.market() {
        Market::BinanceSpot | Market::Okx => r#","M":true"#.to_owned(),
        Market::BinanceUsdm => format!(r#","nq":"{quantity}""#),
        Market::BinanceCoinm => String::new(),
    };
    format!(
        r#"{{"a":{id},"p":"{price}","q":"{quantity}","f":{first},"l":{last},"T":{stamp},"m":{maker}{more}}}"#
    )
}

fn single(book: &SyntheticMarket, stamp: u64, print: &Print, (id, quantity): (u64, u64)) -> String {
    let writer = Writer::new(book, stamp);
    let turnover = book.instrument().turnover(print.price, quantity);
    let scale = book.instrument().turnover_scale();
    let turnover = super::data::printed(book.market(), turnover, scale);
    let (price, quantity) = (writer.price(print.price), writer.quantity(quantity));
    let maker = buyer_is_maker(print);
    format!(
        r#"{{"id":{id},"price":"{price}","qty":"{quantity}","quoteQty":"{turnover}","time":{stamp},"isBuyerMaker":{maker},"isBestMatch":true}}"#
    )
}
