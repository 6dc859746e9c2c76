//! An obviously right decoder, slow and allocating: takes a parsed tree, and turns what it finds
//! under each key straight into text. Next to it the same text made from our events, so that
//! prices are compared with what the venue printed, character by character.

use std::fmt::Write as _;

use marketprism_core::market::{
    Body, Book, BookKind, Event, InstrumentType, Level, Market, Ticker, Trade, Venue,
};
use serde_json::Value;

/// One of our events as text.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "figures have no numbers that follow each other"
)]
pub(crate) fn show(event: &Event<'_>) -> String {
    let body = match event.body {
        Body::Trade(trade) => show_trade(&trade),
        Body::Book(book) => show_book(&book),
        Body::Ticker(ticker) => show_ticker(ticker),
        other => format!("{other:?}"),
    };
    let exchange = event.exchange_time.map(|time| time.as_nanos());
    let sent = event.sent_time.map(|time| time.as_nanos());
    format!(
        "{} {} {} {exchange:?} {sent:?} {body}",
        event.market, event.channel, event.instrument
    )
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

fn show_ticker(ticker: &Ticker) -> String {
    let decimals = [
        ticker.last,
        ticker.last_quantity,
        ticker.ask_price,
        ticker.ask_quantity,
        ticker.bid_price,
        ticker.bid_quantity,
        ticker.open,
        ticker.high,
        ticker.low,
        ticker.open_utc0,
        ticker.open_utc8,
    ];
    let mut out = format!(
        "ticker {}",
        ticker.instrument_type.map_or("", InstrumentType::name)
    );
    for decimal in decimals {
        let text = decimal.map(|decimal| decimal.to_string());
        write!(out, " {}", text.unwrap_or_default()).unwrap();
    }
    for wide in [ticker.volume, ticker.volume_currency] {
        let text = wide.map(|wide| wide.to_string());
        write!(out, " {}", text.unwrap_or_default()).unwrap();
    }
    out
}

/// The events of a message as text, or `None` if it is not of our channels.
pub(crate) fn reference(market: Market, message: &Value) -> Option<Vec<String>> {
    match market.venue() {
        Venue::Binance => binance(market, message).map(|event| vec![event]),
        Venue::Okx => okx(message),
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
    Some(format!(
        "{market} {channel} {instrument} {exchange:?} {sent:?} {body}"
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

fn okx(message: &Value) -> Option<Vec<String>> {
    let (arg, data) = (message.get("arg")?, message.get("data")?.as_array()?);
    let channel = text(&arg["channel"]);
    let one = |row: &Value| {
        let instrument = row.get("instId").unwrap_or_else(|| &arg["instId"]);
        let body = match channel.as_str() {
            "trades" => okx_trade(row),
            "tickers" => okx_ticker(row),
            "bbo-tbt" => okx_book("top1", row),
            "books" | "books-l2-tbt" | "books50-l2-tbt" if message["action"] == "update" => {
                okx_book("delta", row)
            }
            "books" | "books-l2-tbt" | "books50-l2-tbt" if message["action"] == "snapshot" => {
                okx_book("snapshot", row)
            }
            _ => return None,
        };
        let exchange = nanos(row.get("ts"));
        let instrument = text(instrument);
        Some(format!(
            "okx {channel} {instrument} {exchange:?} None {body}"
        ))
    };
    data.iter().map(one).collect()
}

fn okx_trade(row: &Value) -> String {
    let id = number(&row["tradeId"]).unwrap();
    let count = row.get("count").and_then(number);
    format!(
        "trade {id} {:?} {:?} {} {} None {} None {:?} {:?}",
        count.map(|count| id - count + 1),
        count.map(|_| id),
        text(&row["px"]),
        text(&row["sz"]),
        text(&row["side"]),
        row.get("source").and_then(number),
        row["seqId"].as_i64(),
    )
}

fn okx_book(kind: &str, row: &Value) -> String {
    format!(
        "{kind} None {:?} {:?} {:?} bids{} asks{}",
        row["seqId"].as_i64(),
        row["prevSeqId"].as_i64(),
        row["checksum"].as_i64(),
        rows(&row["bids"]),
        rows(&row["asks"]),
    )
}

fn okx_ticker(row: &Value) -> String {
    let mut out = format!("ticker {}", text(&row["instType"]).to_lowercase());
    for key in [
        "last",
        "lastSz",
        "askPx",
        "askSz",
        "bidPx",
        "bidSz",
        "open24h",
        "high24h",
        "low24h",
        "sodUtc0",
        "sodUtc8",
        "vol24h",
        "volCcy24h",
    ] {
        write!(out, " {}", text(&row[key])).unwrap();
    }
    out
}

fn rows(levels: &Value) -> String {
    let mut out = String::new();
    for level in levels.as_array().unwrap() {
        let orders = level.get(3).and_then(number);
        let (price, quantity) = (text(&level[0]), text(&level[1]));
        write!(out, " {price}x{quantity}/{orders:?}").unwrap();
    }
    out
}

fn text(value: &Value) -> String {
    value.as_str().unwrap().to_owned()
}

fn number(value: &Value) -> Option<i64> {
    value.as_i64().or_else(|| value.as_str()?.parse().ok())
}

fn nanos(value: Option<&Value>) -> Option<i64> {
    Some(number(value?)? * 1_000_000)
}
