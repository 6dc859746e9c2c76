//! An obviously right decoder, slow and allocating: takes a parsed tree, and turns what it finds
//! under each key straight into text. Next to it the same text made from our events, so that
//! prices are compared with what the venue printed, character by character.

use std::fmt::Write as _;

use marketprism_core::market::{Body, Book, BookKind, Event, Level, Market, Trade, Venue};
use serde_json::Value;

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
        Venue::Binance => binance(market, message).map(|event| vec![event]),
        Venue::Okx => okx::events(message),
    }
}

fn binance(market: Market, message: &Value) -> Option<String> {
    let data = message.get("data").unwrap_or(message);
    let event = data.get("e").and_then(Value::as_str);
    let stream = message.get("stream").and_then(Value::as_str);
    let (channel, symbol) = match (stream, event) {
        (Some("!bookTicker"), _) => ("!bookTicker".to_owned(), String::new()),
        (Some(stream), _) => {
            let (symbol, channel) = stream.split_once('@')?;
            (channel.to_owned(), symbol.to_uppercase())
        }
        (None, Some("depthUpdate")) => ("depth".to_owned(), String::new()),
        (None, Some(event)) => (event.to_owned(), String::new()),
        (None, None) if data.get("B").is_some() => ("bookTicker".to_owned(), String::new()),
        (None, None) => return None,
    };
    let instrument = match data.get("s") {
        Some(symbol) => symbol.as_str().unwrap().to_owned(),
        None => symbol,
    };
    let body = match channel.split('@').next()? {
        "trade" => binance_trade(data, "t", "t", "t"),
        "aggTrade" => binance_trade(data, "a", "f", "l"),
        "bookTicker" | "!bookTicker" => binance_top(data),
        "depth" => binance_book("delta", data),
        "depth5" => binance_book("top5", data),
        "depth10" => binance_book("top10", data),
        "depth20" => binance_book("top20", data),
        _ => return None,
    };
    let (exchange, sent) = (nanos(data.get("T")), nanos(data.get("E")));
    let subject = match channel.starts_with('!') {
        true => "",
        false => &instrument,
    };
    Some(format!(
        "{market} {channel} {subject}/{instrument} {exchange:?} {sent:?} {body}"
    ))
}

fn binance_trade(data: &Value, id: &str, first: &str, last: &str) -> String {
    let side = match data["m"].as_bool().unwrap() {
        true => "sell",
        false => "buy",
    };
    format!(
        "trade {} {:?} {:?} {} {} {:?} {side} {:?} None None",
        data[id],
        data[first].as_i64(),
        data[last].as_i64(),
        text(&data["p"]),
        text(&data["q"]),
        data.get("nq").map(text),
        data.get("X").map(text),
    )
}

fn binance_top(data: &Value) -> String {
    let side = |price: &str, quantity: &str| {
        let (price, quantity) = (text(&data[price]), text(&data[quantity]));
        match quantity.chars().all(|c| matches!(c, '0' | '.')) {
            true => String::new(),
            false => format!(" {price}x{quantity}/None"),
        }
    };
    format!(
        "top1 None {:?} None None bids{} asks{}",
        data["u"].as_i64(),
        side("b", "B"),
        side("a", "A")
    )
}

fn binance_book(kind: &str, data: &Value) -> String {
    let either = |short: &str, long: &str| data.get(short).or_else(|| data.get(long)).cloned();
    format!(
        "{kind} {:?} {:?} {:?} None bids{} asks{}",
        data["U"].as_i64(),
        either("u", "lastUpdateId").unwrap().as_i64(),
        data["pu"].as_i64(),
        rows(&either("b", "bids").unwrap()),
        rows(&either("a", "asks").unwrap()),
    )
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
    value.as_str().unwrap().to_owned()
}

pub(crate) fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

pub(crate) fn nanos(value: Option<&Value>) -> Option<i64> {
    Some(number(value?)? * 1_000_000)
}
