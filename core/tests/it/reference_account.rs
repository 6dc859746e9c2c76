//! The slow decoder of what accounts are told: each field of a parsed tree by its name.

use marketprism_core::market::Market;
use serde_json::Value;

use crate::reference::{nanos, number, text};
use crate::shown::Figures;

/// A body, its instrument, and when the exchange did it.
type Told = (String, String, Option<i128>);

/// The events of a message of Binance, or `None` if it is of no account.
pub(crate) fn binance(market: Market, data: &Value) -> Option<Vec<String>> {
    let time = nanos(data.get("T"));
    let event = data.get("e")?.as_str()?;
    let told: Vec<Told> = match event {
        "executionReport" => orders(data, true, time, time),
        "ORDER_TRADE_UPDATE" => {
            let order = &data["o"];
            orders(order, false, time, nanos(order.get("T")))
        }
        "ALGO_UPDATE" => vec![(algo(&data["o"]), text(&data["o"]["s"]), time)],
        "outboundAccountPosition" => list(&data["B"])
            .map(|row| (spot_balance(row), String::new(), nanos(data.get("u"))))
            .collect(),
        "balanceUpdate" => vec![(change(event, "change", data), String::new(), time)],
        "externalLockUpdate" => vec![(change(event, "locked_change", data), String::new(), time)],
        "ACCOUNT_UPDATE" => update(&data["a"], time),
        "MARGIN_CALL" => list(&data["p"])
            .map(|row| (called(row), text(&row["s"]), None))
            .collect(),
        _ => return None,
    };
    let sent = nanos(data.get("E"));
    let shown = told.into_iter().map(|(body, instrument, exchange)| {
        format!("{market} userData /{instrument} {exchange:?} {sent:?} {body}")
    });
    Some(shown.collect())
}

fn orders(o: &Value, is_spot: bool, time: Option<i128>, filled: Option<i128>) -> Vec<Told> {
    let mut told = vec![(order(o, is_spot), text(&o["s"]), time)];
    let quantity = text(&o["l"]);
    let is_filled = quantity.contains(|digit: char| ('1'..='9').contains(&digit));
    if matches!(text(&o["x"]).as_str(), "TRADE" | "CALCULATED") && is_filled {
        told.push((fill(o, is_spot), text(&o["s"]), filled));
    }
    told
}

/// An order of spot has no position, and one of futures no time of its making.
fn order(o: &Value, is_spot: bool) -> String {
    let on = |wanted: bool, key| Some(o).filter(|_| wanted).and_then(|o| given(o, key));
    let on_spot = |key| on(is_spot, key);
    let on_futures = |key| on(!is_spot, key);
    let parent = on_spot("g").or_else(|| on_futures("si"));
    let renamed = on_spot("C").filter(|name| !name.is_empty());
    let named = |figures: Figures| {
        figures
            .put("client_id", renamed.clone().or_else(|| word(o, "c")))
            .put("parent_id", told(parent))
            .put("kind", word(o, "o"))
            .put("time_in_force", word(o, "f"))
            .put("state_word", word(o, "X"))
            .put("execution", word(o, "x"))
            .put("reason", told(on_spot("r").or_else(|| on_futures("er"))))
    };
    named(Figures::of("order").put("id", given(o, "i")))
        .put("side", Some(text(&o["S"]).to_lowercase()))
        .put("state", Some(state(&text(&o["X"]))))
        .put("conditional", Some(false))
        .put("position_side", Some(o).filter(|_| !is_spot).and_then(side))
        .put(
            "reduce_only",
            o.get("R").and_then(Value::as_bool).filter(|_| !is_spot),
        )
        .put("price", given(o, "p"))
        .put("stop_price", on_spot("P").or_else(|| on_futures("sp")))
        .put("average_price", on_futures("ap"))
        .put("quantity", given(o, "q"))
        .put("filled", given(o, "z"))
        .put("filled_quote", on_spot("Z"))
        .put("created", nanos(o.get("O")).filter(|_| is_spot))
        .done()
}

fn fill(o: &Value, is_spot: bool) -> String {
    let on = |wanted: bool, key| Some(o).filter(|_| wanted).and_then(|o| given(o, key));
    let renamed = on(is_spot, "C").filter(|name| !name.is_empty());
    Figures::of("fill")
        .put("id", number(&o["t"]))
        .put("order_id", given(o, "i"))
        .put("client_id", renamed.or_else(|| word(o, "c")))
        .put("fee_currency", word(o, "N"))
        .put("side", Some(text(&o["S"]).to_lowercase()))
        .put(
            "liquidity",
            Some(if o["m"] == true { "maker" } else { "taker" }),
        )
        .put("position_side", Some(o).filter(|_| !is_spot).and_then(side))
        .put("price", given(o, "L"))
        .put("quantity", given(o, "l"))
        .put("quote_quantity", on(is_spot, "Y"))
        .put("fee", given(o, "n"))
        .put("realised_profit", on(!is_spot, "rp"))
        .done()
}

fn algo(o: &Value) -> String {
    let state = match text(&o["X"]).as_str() {
        "NEW" => "pending",
        "TRIGGERING" | "TRIGGERED" | "FINISHED" => "triggered",
        other => state(other),
    };
    Figures::of("order")
        .put("id", given(o, "aid"))
        .put("client_id", word(o, "caid"))
        .put("kind", word(o, "o"))
        .put("time_in_force", word(o, "f"))
        .put("state_word", word(o, "X"))
        .put("reason", told(word(o, "rm")))
        .put("side", Some(text(&o["S"]).to_lowercase()))
        .put("state", Some(state))
        .put("conditional", Some(true))
        .put("position_side", side(o))
        .put("reduce_only", o.get("R").and_then(Value::as_bool))
        .put("price", given(o, "p"))
        .put("stop_price", given(o, "tp"))
        .put("average_price", word(o, "ap"))
        .put("quantity", given(o, "q"))
        .put("filled", word(o, "aq"))
        .done()
}

fn spot_balance(row: &Value) -> String {
    Figures::of("balance")
        .put("currency", word(row, "a"))
        .put("reason", Some("outboundAccountPosition"))
        .put("available", given(row, "f"))
        .put("locked", given(row, "l"))
        .done()
}

fn change(event: &str, name: &str, data: &Value) -> String {
    Figures::of("balance")
        .put("currency", word(data, "a"))
        .put("reason", Some(event))
        .put(name, given(data, "d"))
        .done()
}

fn update(update: &Value, time: Option<i128>) -> Vec<Told> {
    let balance = |row: &Value| {
        let body = Figures::of("balance")
            .put("currency", word(row, "a"))
            .put("reason", word(update, "m"))
            .put("total", given(row, "wb"))
            .put("cross", given(row, "cw"))
            .put("change", given(row, "bc"))
            .done();
        (body, given(update, "S").unwrap_or_default(), time)
    };
    let position = |row: &Value| {
        let body = Figures::of("position")
            .put("currency", word(row, "ma"))
            .put("reason", word(update, "m"))
            .put("side", side(row))
            .put("quantity", given(row, "pa"))
            .put("margin_mode", Some(mode(row)))
            .put("entry_price", given(row, "ep"))
            .put("break_even_price", word(row, "bep"))
            .put("margin", given(row, "iw"))
            .put("unrealised_profit", given(row, "up"))
            .put("realised_profit", given(row, "cr"))
            .done();
        (body, text(&row["s"]), time)
    };
    let balances = update.get("B").into_iter().flat_map(list).map(balance);
    let positions = update.get("P").into_iter().flat_map(list).map(position);
    balances.chain(positions).collect()
}

fn called(row: &Value) -> String {
    Figures::of("position")
        .put("reason", Some("MARGIN_CALL"))
        .put("side", side(row))
        .put("quantity", given(row, "pa"))
        .put("margin_mode", Some(mode(row)))
        .put("mark_price", given(row, "mp"))
        .put("margin", given(row, "iw"))
        .put("maintenance_margin", given(row, "mm"))
        .put("unrealised_profit", given(row, "up"))
        .done()
}

fn state(word: &str) -> &'static str {
    match word {
        "PENDING_NEW" => "pending",
        "NEW" | "NEW_INSURANCE" | "NEW_ADL" => "open",
        "PARTIALLY_FILLED" => "partially_filled",
        "FILLED" => "filled",
        "CANCELED" => "cancelled",
        "REJECTED" => "rejected",
        "EXPIRED" | "EXPIRED_IN_MATCH" => "expired",
        _ => "other",
    }
}

fn side(row: &Value) -> Option<String> {
    let side = row.get("ps").map(text)?;
    Some(match side.as_str() {
        "BOTH" => "net".to_owned(),
        _ => side.to_lowercase(),
    })
}

fn mode(row: &Value) -> &'static str {
    match text(&row["mt"]).as_str() {
        "cross" | "CROSSED" => "cross",
        "isolated" | "ISOLATED" => "isolated",
        _ => "other",
    }
}

/// The events of a row of OKX, or `None` if its channel is of no account.
pub(crate) fn okx(channel: &str, message: &Value, row: &Value) -> Option<Vec<String>> {
    let told: Vec<Told> = match channel {
        "orders" => okx_orders(row),
        "fills" => vec![okx_told(row, okx_fill(row), "ts")],
        "account" => okx_balances(message, row),
        "positions" => {
            let page = |figures| page(figures, message);
            vec![okx_told(row, okx_position(page, row), "uTime")]
        }
        "balance_and_position" => both(row),
        _ => return None,
    };
    let subject = match channel {
        "orders" | "positions" => message["arg"].get("instType").map(text).unwrap_or_default(),
        _ => String::new(),
    };
    let sent = word(row, "pTime").and_then(|_| nanos(row.get("pTime")));
    let shown = told.into_iter().map(|(body, instrument, exchange)| {
        format!("okx {channel} {subject}/{instrument} {exchange:?} {sent:?} {body}")
    });
    Some(shown.collect())
}

fn okx_told(row: &Value, body: String, time: &str) -> Told {
    (body, text(&row["instId"]), nanos(row.get(time)))
}

fn okx_orders(row: &Value) -> Vec<Told> {
    let mut told = vec![okx_told(row, okx_order(row), "uTime")];
    let quantity = word(row, "fillSz").unwrap_or_default();
    let is_filled = quantity.contains(|digit: char| ('1'..='9').contains(&digit));
    let trade = word(row, "tradeId").zip(word(row, "fillPx"));
    if is_filled && trade.is_some() {
        let body = Figures::of("fill")
            .put("id", number(&row["tradeId"]))
            .put("order_id", word(row, "ordId"))
            .put("client_id", word(row, "clOrdId"))
            .put("fee_currency", word(row, "fillFeeCcy"))
            .put("side", word(row, "side"))
            .put("liquidity", liquidity(row))
            .put("position_side", word(row, "posSide"))
            .put("price", word(row, "fillPx"))
            .put("quantity", word(row, "fillSz"))
            .put("fee", word(row, "fillFee").map(negated))
            .put("realised_profit", word(row, "fillPnl"))
            .done();
        let time = word(row, "fillTime").and_then(|_| nanos(row.get("fillTime")));
        told.push((body, text(&row["instId"]), time));
    }
    told
}

fn okx_order(row: &Value) -> String {
    let state = match text(&row["state"]).as_str() {
        "live" => "open",
        "partially_filled" => "partially_filled",
        "filled" => "filled",
        "canceled" | "mmp_canceled" => "cancelled",
        _ => "other",
    };
    Figures::of("order")
        .put("id", word(row, "ordId"))
        .put("client_id", word(row, "clOrdId"))
        .put("parent_id", word(row, "algoId"))
        .put("kind", word(row, "ordType"))
        .put("state_word", word(row, "state"))
        .put("reason", word(row, "cancelSource"))
        .put("side", word(row, "side"))
        .put("state", Some(state))
        .put("conditional", Some(false))
        .put("position_side", word(row, "posSide"))
        .put("margin_mode", okx_mode(row, "tdMode"))
        .put("reduce_only", word(row, "reduceOnly"))
        .put("price", word(row, "px"))
        .put("average_price", word(row, "avgPx"))
        .put("quantity", word(row, "sz"))
        .put("filled", word(row, "accFillSz"))
        .put("created", nanos(row.get("cTime")))
        .done()
}

fn okx_fill(row: &Value) -> String {
    Figures::of("fill")
        .put("id", number(&row["tradeId"]))
        .put("order_id", word(row, "ordId"))
        .put("client_id", word(row, "clOrdId"))
        .put("side", word(row, "side"))
        .put("liquidity", liquidity(row))
        .put("price", word(row, "fillPx"))
        .put("quantity", word(row, "fillSz"))
        .put("count", word(row, "count"))
        .done()
}

fn okx_balances(message: &Value, row: &Value) -> Vec<Told> {
    let whole = page(Figures::of("balance"), message)
        .put("equity_usd", word(row, "totalEq"))
        .put("available_equity", word(row, "availEq"))
        .put("unrealised_profit", word(row, "upl"))
        .put("margin_ratio", word(row, "mgnRatio"))
        .done();
    let currency = |row: &Value| {
        let body = page(
            Figures::of("balance").put("currency", word(row, "ccy")),
            message,
        )
        .put("total", word(row, "cashBal"))
        .put("available", word(row, "availBal"))
        .put("locked", word(row, "frozenBal"))
        .put("equity", word(row, "eq"))
        .put("equity_usd", word(row, "eqUsd"))
        .put("available_equity", word(row, "availEq"))
        .put("ordered", word(row, "ordFrozen"))
        .put("unrealised_profit", word(row, "upl"))
        .put("liability", word(row, "liab"))
        .put("interest", word(row, "interest"))
        .put("margin_ratio", word(row, "mgnRatio"))
        .done();
        (body, String::new(), nanos(row.get("uTime")))
    };
    let mut told = vec![(whole, String::new(), nanos(row.get("uTime")))];
    told.extend(list(&row["details"]).map(currency));
    told
}

fn okx_position(envelope: impl FnOnce(Figures) -> Figures, row: &Value) -> String {
    let named = Figures::of("position")
        .put("id", word(row, "posId"))
        .put("currency", word(row, "ccy"));
    envelope(named)
        .put("side", word(row, "posSide"))
        .put("quantity", word(row, "pos"))
        .put("margin_mode", okx_mode(row, "mgnMode"))
        .put("entry_price", word(row, "avgPx"))
        .put("break_even_price", word(row, "bePx"))
        .put("mark_price", word(row, "markPx"))
        .put("liquidation_price", word(row, "liqPx"))
        .put("leverage", word(row, "lever"))
        .put("margin", word(row, "margin"))
        .put("initial_margin", word(row, "imr"))
        .put("maintenance_margin", word(row, "mmr"))
        .put("margin_ratio", word(row, "mgnRatio"))
        .put("unrealised_profit", word(row, "upl"))
        .put("realised_profit", word(row, "realizedPnl"))
        .put("fee", word(row, "fee"))
        .put("funding", word(row, "fundingFee"))
        .put("trade_id", word(row, "tradeId"))
        .put("deleveraging", word(row, "adl"))
        .put(
            "created",
            word(row, "cTime").and_then(|_| nanos(row.get("cTime"))),
        )
        .done()
}

fn both(row: &Value) -> Vec<Told> {
    let reason = || word(row, "eventType");
    let balance = |cash: &Value| {
        let body = Figures::of("balance")
            .put("currency", word(cash, "ccy"))
            .put("reason", reason())
            .put("total", word(cash, "cashBal"))
            .done();
        (body, String::new(), nanos(cash.get("uTime")))
    };
    let position = |held: &Value| {
        let body = okx_position(|figures| figures.put("reason", reason()), held);
        okx_told(held, body, "uTime")
    };
    let balances = row.get("balData").into_iter().flat_map(list).map(balance);
    let positions = row.get("posData").into_iter().flat_map(list).map(position);
    balances.chain(positions).collect()
}

/// Why it is told, and where among its pages it stands.
fn page(figures: Figures, message: &Value) -> Figures {
    let number = message.get("curPage").and_then(number);
    let page = number.zip(message.get("lastPage").and_then(Value::as_bool));
    figures
        .put("reason", word(message, "eventType"))
        .put("page", page.map(|(number, _)| number))
        .put("last_page", page.map(|(_, last)| last))
}

fn liquidity(row: &Value) -> Option<&'static str> {
    Some(match word(row, "execType")?.as_str() {
        "M" => "maker",
        _ => "taker",
    })
}

fn okx_mode(row: &Value, key: &str) -> Option<&'static str> {
    Some(match word(row, key)?.as_str() {
        "cross" => "cross",
        "isolated" => "isolated",
        "cash" => "cash",
        _ => "other",
    })
}

/// A number with the other sign, as text.
fn negated(number: String) -> String {
    let is_zero = !number.contains(|digit: char| ('1'..='9').contains(&digit));
    match number.strip_prefix('-') {
        Some(positive) => positive.to_owned(),
        None if is_zero => number,
        None => format!("-{number}"),
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// What stands under a key.
fn given(row: &Value, key: &str) -> Option<String> {
    row.get(key).filter(|value| !value.is_null()).map(text)
}

/// What stands under a key, unless it is empty.
fn word(row: &Value, key: &str) -> Option<String> {
    given(row, key).filter(|text| !text.is_empty())
}

/// What says more than that there is nothing to say.
fn told(text: Option<String>) -> Option<String> {
    text.filter(|text| !matches!(text.as_str(), "" | "NONE" | "0" | "-1"))
}
