//! The obviously right decoder of OKX messages.

use serde_json::Value;

use crate::reference::{nanos, number, rows, text};
use crate::reference_account as account;
use crate::shown::Figures;

/// The events of a message as text, or `None` if it is not of our channels.
pub(crate) fn events(message: &Value) -> Option<Vec<String>> {
    let (arg, data) = (message.get("arg")?, message.get("data")?.as_array()?);
    let channel = text(&arg["channel"]);
    let about = arg.get("instId").or_else(|| arg.get("instType"));
    let about = about.map(text).unwrap_or_default();
    let mut events = Vec::new();
    for row in data {
        if let Some(told) = account::okx(&channel, message, row) {
            events.extend(told);
            continue;
        }
        events.extend(of_row(&channel, &about, message["action"].as_str(), row)?);
    }
    Some(events)
}

/// The events of a row of a channel, which is about something that the row may not repeat.
pub(crate) fn of_row(
    channel: &str,
    about: &str,
    action: Option<&str>,
    row: &Value,
) -> Option<Vec<String>> {
    let bodies = match (channel, action) {
        ("trades", _) => vec![trade(row)],
        ("trades-all", _) => vec![single_trade(row)],
        ("tickers", _) => vec![ticker(row)],
        ("bbo-tbt", _) => vec![book("top1", row)],
        ("books5", _) => vec![book("top5", row)],
        ("books" | "books-l2-tbt" | "books50-l2-tbt", Some("update")) => vec![book("delta", row)],
        ("books" | "books-l2-tbt" | "books50-l2-tbt", Some("snapshot")) => {
            vec![book("snapshot", row)]
        }
        ("mark-price", _) => vec![mark_price(row)],
        ("index-tickers", _) => vec![index_price(row)],
        ("funding-rate", _) => vec![funding(row)],
        ("price-limit", _) => vec![price_limit(row)],
        ("open-interest", _) => vec![open_interest(row)],
        ("instruments", _) => vec![instrument(row)],
        ("liquidation-orders", _) => return Some(liquidations(about, row)),
        _ if channel.contains("candle") => vec![candle(channel, row)],
        _ if channel.starts_with("long-short-") => vec![ratio(channel, row)],
        _ => return None,
    };
    let instrument = row.get("instId").map_or_else(|| about.to_owned(), text);
    let subject = match channel {
        "instruments" => about,
        _ => &instrument,
    };
    let time = match channel.starts_with("long-short-") {
        true => nanos(row.get(0)),
        false => nanos(row.get("ts")),
    };
    let event = |body| format!("okx {channel} {subject}/{instrument} {time:?} None {body}");
    Some(bodies.into_iter().map(event).collect())
}

fn trade(row: &Value) -> String {
    let id = number(&row["tradeId"]).unwrap();
    let count = row.get("count").and_then(number);
    let first = count.map(|count| id - count + 1);
    numbered(row, id, first, count.map(|_| id))
}

fn single_trade(row: &Value) -> String {
    let id = number(&row["tradeId"]).unwrap();
    numbered(row, id, Some(id), Some(id))
}

fn numbered(row: &Value, id: i64, first: Option<i64>, last: Option<i64>) -> String {
    format!(
        "trade {id} {first:?} {last:?} {} {} None {} None {:?} {:?}",
        text(&row["px"]),
        text(&row["sz"]),
        text(&row["side"]),
        row.get("source").and_then(number),
        row["seqId"].as_i64(),
    )
}

fn book(kind: &str, row: &Value) -> String {
    format!(
        "{kind} None {:?} {:?} {:?} bids{} asks{}",
        row["seqId"].as_i64(),
        row["prevSeqId"].as_i64(),
        row["checksum"].as_i64(),
        rows(&row["bids"]),
        rows(&row["asks"]),
    )
}

fn ticker(row: &Value) -> String {
    Figures::of("ticker")
        .put("window", Some("1d"))
        .put("type", Some(text(&row["instType"]).to_lowercase()))
        .put("last", given(row, "last"))
        .put("last_quantity", given(row, "lastSz"))
        .put("ask_price", given(row, "askPx"))
        .put("ask_quantity", given(row, "askSz"))
        .put("bid_price", given(row, "bidPx"))
        .put("bid_quantity", given(row, "bidSz"))
        .put("open", given(row, "open24h"))
        .put("high", given(row, "high24h"))
        .put("low", given(row, "low24h"))
        .put("open_utc0", given(row, "sodUtc0"))
        .put("open_utc8", given(row, "sodUtc8"))
        .put("volume", given(row, "vol24h"))
        .put("volume_currency", given(row, "volCcy24h"))
        .done()
}

/// Cells are told apart by their place, and by how many there are: those of trades alone have
/// volumes.
fn candle(channel: &str, row: &Value) -> String {
    let cells = row.as_array().unwrap();
    let cell = |index: usize| cells.get(index).and_then(filled);
    let (_, bar) = channel.split_once("candle").unwrap();
    let bar = bar.trim_end_matches("utc");
    let bar = match bar {
        "1M" | "2D" | "5D" | "3M" => bar.to_owned(),
        _ => bar.to_lowercase(),
    };
    let of_trades = channel.starts_with("candle");
    let volume = |index| cell(index).filter(|_| of_trades);
    let confirm = cell(if of_trades { 8 } else { 5 });
    Figures::of("candle")
        .put("interval", Some(bar))
        .put("open_time", nanos(cells.first()))
        .put("open", cell(1))
        .put("high", cell(2))
        .put("low", cell(3))
        .put("close", cell(4))
        .put("volume", volume(5))
        .put("volume_currency", volume(6))
        .put("volume_quote", volume(7))
        .put("closed", confirm.map(|confirm| confirm == "1"))
        .done()
}

fn mark_price(row: &Value) -> String {
    Figures::of("mark_price")
        .put("mark", given(row, "markPx"))
        .done()
}

fn index_price(row: &Value) -> String {
    Figures::of("index_price")
        .put("price", given(row, "idxPx"))
        .put("open_24h", given(row, "open24h"))
        .put("high_24h", given(row, "high24h"))
        .put("low_24h", given(row, "low24h"))
        .put("open_utc0", given(row, "sodUtc0"))
        .put("open_utc8", given(row, "sodUtc8"))
        .done()
}

fn funding(row: &Value) -> String {
    let settled = given(row, "settState").and_then(|state| match state.as_str() {
        "settled" => Some(true),
        "processing" => Some(false),
        _ => None,
    });
    Figures::of("funding")
        .put("rate", given(row, "fundingRate"))
        .put("time", time(row, "fundingTime"))
        .put("next_time", time(row, "nextFundingTime"))
        .put("next_rate", given(row, "nextFundingRate"))
        .put("min_rate", given(row, "minFundingRate"))
        .put("max_rate", given(row, "maxFundingRate"))
        .put("interest_rate", given(row, "interestRate"))
        .put("premium", given(row, "premium"))
        .put("impact_value", given(row, "impactValue"))
        .put("settled_rate", given(row, "settFundingRate"))
        .put("settled", settled)
        .done()
}

fn price_limit(row: &Value) -> String {
    Figures::of("price_limit")
        .put("highest_buy", given(row, "buyLmt"))
        .put("lowest_sell", given(row, "sellLmt"))
        .put("enabled", row["enabled"].as_bool())
        .done()
}

fn open_interest(row: &Value) -> String {
    Figures::of("open_interest")
        .put("quantity", given(row, "oi"))
        .put("base", given(row, "oiCcy"))
        .put("usd", given(row, "oiUsd"))
        .done()
}

fn liquidations(about: &str, row: &Value) -> Vec<String> {
    let instrument = text(&row["instId"]);
    let one = |detail: &Value| {
        let body = Figures::of("liquidation")
            .put("side", given(detail, "side"))
            .put("price", given(detail, "bkPx"))
            .put("quantity", given(detail, "sz"))
            .put("loss", given(detail, "bkLoss"))
            .done();
        let time = nanos(detail.get("ts"));
        format!("okx liquidation-orders {about}/{instrument} {time:?} None {body}")
    };
    row["details"].as_array().unwrap().iter().map(one).collect()
}

fn ratio(channel: &str, row: &Value) -> String {
    let of = match channel {
        "long-short-account-ratio-contract-top-trader" => "top_accounts",
        "long-short-position-ratio-contract-top-trader" => "top_positions",
        _ => "accounts",
    };
    Figures::of("ratio")
        .put("of", Some(of))
        .put("ratio", filled(&row[1]))
        .done()
}

fn instrument(row: &Value) -> String {
    let kind = match text(&row["instType"]).as_str() {
        "SPOT" => "spot",
        "MARGIN" => "margin",
        "SWAP" => "swap",
        "FUTURES" => "futures",
        "OPTION" => "option",
        _ => "other",
    };
    let style = match given(row, "ctType").as_deref() {
        Some("inverse") => Some("inverse"),
        Some("linear") | None => Some("linear"),
        Some(_) => None,
    };
    let worth = given(row, "ctVal").zip(given(row, "ctMult"));
    let contract = worth.zip(style);
    Figures::of("instrument")
        .put("type", Some(kind))
        .put("state", given(row, "state"))
        .put("pair", given(row, "uly"))
        .put("base", given(row, "baseCcy"))
        .put("quote", given(row, "quoteCcy"))
        .put("settle", given(row, "settleCcy"))
        .put("price_step", given(row, "tickSz"))
        .put("quantity_step", given(row, "lotSz"))
        .put("least_quantity", given(row, "minSz"))
        .put("listed", time(row, "listTime"))
        .put("expires", time(row, "expTime"))
        .put("value", contract.as_ref().map(|((value, _), _)| value))
        .put("multiplier", contract.as_ref().map(|((_, by), _)| by))
        .put(
            "currency",
            given(row, "ctValCcy").filter(|_| contract.is_some()),
        )
        .put("style", contract.as_ref().map(|(_, style)| style))
        .done()
}

/// What stands under a key, unless it is empty.
fn given(row: &Value, key: &str) -> Option<String> {
    row.get(key).and_then(filled)
}

fn filled(value: &Value) -> Option<String> {
    value
        .as_str()
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

fn time(row: &Value, key: &str) -> Option<i128> {
    nanos(Some(&Value::String(given(row, key)?)))
}
