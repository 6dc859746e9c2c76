//! An obviously right decoder, slow and allocating: takes a parsed tree, and turns what it finds
//! under each key straight into text. Next to it the same text made from our events, so that
//! prices are compared with what the venue printed, character by character.

use std::fmt::Write as _;

use marketprism_core::market::{Body, Book, BookKind, Event, Level, Market, Trade, Venue};
use serde_json::Value;

use crate::reference_binance as binance;
use crate::reference_okx as okx;
use crate::shown::figures;

/// One of our events as text.
pub(crate) fn show(event: &Event<'_>) -> String {
    let body = figures(&event.body).unwrap_or_else(|| show_numbered(&event.body));
    let exchange = event.exchange_time.map(|time| time.as_nanos());
    let sent = event.sent_time.map(|time| time.as_nanos());
    format!(
        "{} {} {}/{} {exchange:?} {sent:?} {body}",
        event.market, event.channel, event.subject, event.instrument
    )
}

#[expect(clippy::wildcard_enum_match_arm, reason = "the others are figures")]
fn show_numbered(body: &Body<'_>) -> String {
    match body {
        Body::Trade(trade) => show_trade(trade),
        Body::Book(book) => show_book(book),
        other => panic!("no text of {other:?}"),
    }
}

fn show_trade(trade: &Trade<'_>) -> String {
    let nq = trade.quantity_without_rpi.map(|nq| nq.to_string());
    format!(
        "trade {} {:?} {:?} {} {} {nq:?} {} {:?} {:?} {:?}",
        trade.id,
        trade.first_id,
        trade.last_id,
        trade.price,
        trade.quantity,
        trade.aggressor.name(),
        trade.execution,
        trade.source,
        trade.sequence
    )
}

fn show_book(book: &Book<'_>) -> String {
    let kind = match book.kind {
        BookKind::Snapshot | BookKind::Delta => book.kind.name().to_owned(),
        BookKind::Top(count) => format!("top{count}"),
    };
    format!(
        "{kind} {:?} {:?} {:?} {:?} bids{} asks{}",
        book.first,
        book.last,
        book.previous,
        book.checksum,
        show_levels(book.bids),
        show_levels(book.asks)
    )
}

fn show_levels(levels: &[Level]) -> String {
    let mut out = String::new();
    for level in levels {
        write!(
            out,
            " {}x{}/{:?}",
            level.price, level.quantity, level.orders
        )
        .unwrap();
    }
    out
}

/// The events of a message as text, or `None` if it is not of our channels.
pub(crate) fn reference(market: Market, message: &Value) -> Option<Vec<String>> {
    match market.venue() {
        Venue::Binance => binance::events(market, message),
        Venue::Okx => okx::events(message),
    }
}

pub(crate) fn rows(levels: &Value) -> String {
    let mut out = String::new();
    for level in levels.as_array().unwrap() {
        let orders = level.get(3).and_then(number);
        let (price, quantity) = (text(&level[0]), text(&level[1]));
        write!(out, " {price}x{quantity}/{orders:?}").unwrap();
    }
    out
}

pub(crate) fn text(value: &Value) -> String {
    match value.as_str() {
        Some(text) => text.to_owned(),
        None => value.as_number().unwrap().to_string(),
    }
}

pub(crate) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

pub(crate) fn nanos(value: Option<&Value>) -> Option<i128> {
    let count = i128::from(number(value?)?);
    // Milliseconds, or microseconds if they are so many.
    Some(match count < 100_000_000_000_000 {
        true => count * 1_000_000,
        false => count * 1_000,
    })
}
