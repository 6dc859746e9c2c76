//! The slow decoder of Binance: each field of a parsed tree by its name.

use marketprism_core::market::{Channel, Market};
use marketprism_core::venue::{Asked, Query};
use serde_json::Value;

use crate::reference::{nanos, number, rows, text};
use crate::reference_account as account;
use crate::shown::Figures;

/// A message, or one of an array.
struct Row<'a> {
    market: Market,
    /// The stream's name for a combined stream.
    stream: Option<&'a str>,
    /// Whether it stood in an array.
    listed: bool,
    data: &'a Value,
}

/// The events of a message, or `None` if it is not of our channels.
pub(crate) fn events(market: Market, message: &Value) -> Option<Vec<String>> {
    let stream = message.get("stream").and_then(Value::as_str);
    let data = match stream {
        Some(_) => message.get("data")?,
        None => message.get("event").unwrap_or(message),
    };
    if let Some(told) = account::binance(market, data) {
        return Some(told);
    }
    let row = |data, listed| Row {
        market,
        stream,
        listed,
        data,
    };
    let shown: Option<Vec<Vec<String>>> = match data.as_array() {
        // Nothing names an empty array, unless a stream does.
        Some(all) if all.is_empty() && stream.is_none() => None,
        Some(all) => all.iter().map(|data| row(data, true).shown()).collect(),
        None => row(data, false).shown().map(|shown| vec![shown]),
    };
    shown.map(|shown| shown.concat())
}

impl Row<'_> {
    fn shown(&self) -> Option<Vec<String>> {
        let event = self.data.get("e").and_then(Value::as_str);
        let channel = self.channel(event)?;
        // What goes on behind the name: `depth20`, `kline`, `ticker`.
        let stem = channel.trim_start_matches('!').split(['@', '_']).next()?;
        let foreign = match self.market {
            Market::BinanceUsdm => Some(2),
            Market::BinanceCoinm => Some(1),
            Market::BinanceSpot | Market::Okx => None,
        };
        let merged = matches!(
            stem,
            "bookTicker" | "ticker" | "miniTicker" | "markPrice" | "forceOrder" | "contractInfo"
        );
        let marked = self.data.get("st").and_then(Value::as_i64);
        if merged && marked.is_some() && marked == foreign {
            return Some(vec![]);
        }
        let (bodies, instrument, exchange) = self.bodies(stem)?;
        let subject = self.subject(&channel, &instrument);
        let sent = nanos(self.data.get("E"));
        let market = self.market;
        let shown = bodies.into_iter().map(|body| {
            format!("{market} {channel} {subject}/{instrument} {exchange:?} {sent:?} {body}")
        });
        Some(shown.collect())
    }

    /// The channel's name.
    fn channel(&self, event: Option<&str>) -> Option<String> {
        if let Some(stream) = self.stream {
            let name = match stream.starts_with('!') {
                true => stream,
                false => stream.split_once('@')?.1,
            };
            // The candle tells how long it is.
            return Some(match (name.find("line_"), name.strip_suffix("@+08:00")) {
                (Some(place), None) => format!("{}_{}", &name[..place + 4], self.interval()?),
                (Some(place), Some(_)) => {
                    format!("{}_{}@+08:00", &name[..place + 4], self.interval()?)
                }
                (None, _) => name.to_owned(),
            });
        }
        let of_all = |name: &str| match self.listed {
            true => format!("!{name}@arr"),
            false => name.to_owned(),
        };
        Some(match event {
            Some("trade" | "aggTrade" | "blockTrade" | "bookTicker" | "avgPrice") => {
                event?.to_owned()
            }
            Some("depthUpdate") => "depth".to_owned(),
            Some("kline") => format!("kline_{}", self.interval()?),
            Some("continuous_kline") => format!("continuousKline_{}", self.interval()?),
            Some("indexPrice_kline") => format!("indexPriceKline_{}", self.interval()?),
            Some("markPrice_kline") => format!("markPriceKline_{}", self.interval()?),
            Some("24hrTicker") => of_all("ticker"),
            Some("24hrMiniTicker") => of_all("miniTicker"),
            Some("1hTicker") => of_all("ticker_1h"),
            Some("4hTicker") => of_all("ticker_4h"),
            Some("1dTicker") => of_all("ticker_1d"),
            Some("markPriceUpdate") => of_all("markPrice"),
            Some("forceOrder") => of_all("forceOrder"),
            Some("indexPriceUpdate") => "indexPrice".to_owned(),
            Some("contractInfo") => "!contractInfo".to_owned(),
            None if self.data.get("B").is_some() => "bookTicker".to_owned(),
            Some(_) | None => return None,
        })
    }

    fn interval(&self) -> Option<&str> {
        self.data.get("k")?.get("i")?.as_str()
    }

    /// What the stream is about.
    fn subject(&self, channel: &str, instrument: &str) -> String {
        match self.stream {
            _ if channel.starts_with('!') => String::new(),
            // The contracts of a pair.
            Some(stream) if self.listed && channel.starts_with("markPrice") => {
                stream.split('@').next().unwrap().to_ascii_uppercase()
            }
            Some(_) | None => instrument.to_owned(),
        }
    }

    /// What it says, of which instrument, and when the exchange did it.
    fn bodies(&self, stem: &str) -> Option<(Vec<String>, String, Option<i128>)> {
        let data = self.data;
        let symbol = data.get("s").map(text);
        let traded = nanos(data.get("T"));
        let one = |body: String, exchange| Some((vec![body], symbol.clone()?, exchange));
        match stem {
            "trade" | "blockTrade" => one(trade(data, "t", "t", "t"), traded),
            "aggTrade" => one(trade(data, "a", "f", "l"), traded),
            "bookTicker" => one(top(data), traded),
            "depth" | "rpiDepth" => one(book("delta", data), traded),
            "depth5" | "depth10" | "depth20" => {
                let stream = self.stream?.split('@').next()?;
                let symbol = symbol.unwrap_or_else(|| stream.to_ascii_uppercase());
                let kind = stem.replace("depth", "top");
                Some((vec![book(&kind, data)], symbol, traded))
            }
            "kline" => one(candle(&data["k"]), None),
            "continuousKline" => {
                let contract = format!("{}_{}", text(&data["ps"]), text(&data["ct"]));
                Some((vec![candle(&data["k"])], contract, None))
            }
            "indexPriceKline" => Some((vec![candle(&data["k"])], text(&data["ps"]), None)),
            "markPriceKline" => Some((vec![candle(&data["k"])], text(&data["k"]["s"]), None)),
            "ticker" => {
                let window = match data["e"].as_str()?.strip_suffix("Ticker")? {
                    "24hr" => "1d",
                    window => window,
                };
                one(ticker(window, data), None)
            }
            "miniTicker" => one(ticker("1d", data), None),
            "avgPrice" => one(average(data), None),
            "markPrice" => {
                let funding = funding(data);
                let bodies = [Some(mark(data)), funding].into_iter().flatten().collect();
                Some((bodies, symbol?, None))
            }
            "indexPrice" => {
                let pair = data.get("i").map(text).or(symbol)?;
                let price = Figures::of("index_price").put("price", Some(text(&data["p"])));
                Some((vec![price.done()], pair, None))
            }
            "forceOrder" => {
                let order = &data["o"];
                let traded = nanos(order.get("T"));
                Some((vec![liquidation(order)], text(&order["s"]), traded))
            }
            "contractInfo" => one(contract(data), None),
            _ => None,
        }
    }
}

fn trade(data: &Value, id: &str, first: &str, last: &str) -> String {
    let side = match data["m"].as_bool().unwrap() {
        true => "sell",
        false => "buy",
    };
    format!(
        "trade {} {:?} {:?} {} {} {:?} {side} {:?} None None",
        number(&data[id]).unwrap(),
        number(&data[first]),
        number(&data[last]),
        text(&data["p"]),
        text(&data["q"]),
        data.get("nq").map(text),
        data.get("X").map(text),
    )
}

fn top(data: &Value) -> String {
    let side = |price: &str, quantity: &str| {
        let (price, quantity) = (text(&data[price]), text(&data[quantity]));
        match quantity.chars().all(|c| matches!(c, '0' | '.')) {
            true => String::new(),
            false => format!(" {price}x{quantity}/None"),
        }
    };
    format!(
        "top1 None {:?} None None bids{} asks{}",
        number(&data["u"]),
        side("b", "B"),
        side("a", "A")
    )
}

fn book(kind: &str, data: &Value) -> String {
    let either = |short: &str, long: &str| data.get(short).or_else(|| data.get(long)).cloned();
    format!(
        "{kind} {:?} {:?} {:?} None bids{} asks{}",
        number(&data["U"]),
        number(&either("u", "lastUpdateId").unwrap()),
        number(&data["pu"]),
        rows(&either("b", "bids").unwrap()),
        rows(&either("a", "asks").unwrap()),
    )
}

fn candle(k: &Value) -> String {
    Figures::of("candle")
        .put("interval", Some(text(&k["i"])))
        .put("open_time", nanos(k.get("t")))
        .put("close_time", nanos(k.get("T")))
        .put("open", Some(text(&k["o"])))
        .put("high", Some(text(&k["h"])))
        .put("low", Some(text(&k["l"])))
        .put("close", Some(text(&k["c"])))
        .put("volume", Some(text(&k["v"])))
        .put("volume_currency", Some(text(&k["q"])))
        .put("taker_buy_volume", Some(text(&k["V"])))
        .put("taker_buy_volume_currency", Some(text(&k["Q"])))
        .put("trades", number(&k["n"]))
        .put("first_id", number(&k["f"]))
        .put("last_id", number(&k["L"]))
        .put("closed", k["x"].as_bool())
        .done()
}

/// Every field that one of the tickers has; `Q` and `b` to `x` are of spot and futures alone.
fn ticker(window: &str, data: &Value) -> String {
    // Which members a ticker of this kind has.
    let members = match text(&data["e"]).as_str() {
        "24hrMiniTicker" => "cohlvq",
        "24hrTicker" => "cohlvqQaAbBxpPwOCFLn",
        _ => "cohlvqpPwOCFLn",
    };
    let member = |key: &str| data.get(key).filter(|_| members.contains(key));
    let given = |key: &str| given(member(key));
    Figures::of("ticker")
        .put("window", Some(window))
        .put("last", given("c"))
        .put("last_quantity", given("Q"))
        .put("ask_price", given("a"))
        .put("ask_quantity", given("A"))
        .put("bid_price", given("b"))
        .put("bid_quantity", given("B"))
        .put("open", given("o"))
        .put("high", given("h"))
        .put("low", given("l"))
        .put("before", given("x"))
        .put("change", given("p"))
        .put("change_percent", given("P"))
        .put("average", given("w"))
        .put("volume", given("v"))
        .put("volume_currency", given("q"))
        .put("open_time", nanos(member("O")))
        .put("close_time", nanos(member("C")))
        .put("first_id", member("F").and_then(number))
        .put("last_id", member("L").and_then(number))
        .put("trades", member("n").and_then(number))
        .done()
}

fn average(data: &Value) -> String {
    Figures::of("ticker")
        .put("window", Some(text(&data["i"])))
        .put("average", Some(text(&data["w"])))
        .put("close_time", nanos(data.get("T")))
        .done()
}

fn mark(data: &Value) -> String {
    Figures::of("mark_price")
        .put("mark", Some(text(&data["p"])))
        .put("average", given(data.get("ap")))
        .put("index", given(data.get("i")))
        .put("settlement", given(data.get("P")))
        .done()
}

fn funding(data: &Value) -> Option<String> {
    let rate = given(data.get("r"))?;
    let time = nanos(data.get("T")).filter(|time| *time != 0);
    let funding = Figures::of("funding").put("rate", Some(rate));
    Some(funding.put("time", time).done())
}

fn liquidation(order: &Value) -> String {
    Figures::of("liquidation")
        .put("side", Some(text(&order["S"]).to_lowercase()))
        .put("price", Some(text(&order["p"])))
        .put("average_price", given(order.get("ap")))
        .put("quantity", Some(text(&order["q"])))
        .put("last_filled", given(order.get("l")))
        .put("filled", given(order.get("z")))
        .done()
}

fn contract(data: &Value) -> String {
    Figures::of("instrument")
        .put(
            "type",
            Some(contract_type(&data.get("ct").map(text).unwrap_or_default())),
        )
        .put("state", Some(text(&data["cs"])))
        .put("pair", data.get("ps").map(text))
        .put("listed", date(data, "ot"))
        .put("expires", date(data, "dt"))
        .done()
}

fn contract_type(word: &str) -> &'static str {
    match (
        word.contains("PERPETUAL"),
        word.contains("QUARTER") || word.contains("MONTH"),
    ) {
        (true, _) => "swap",
        (false, true) => "futures",
        (false, false) => "other",
    }
}

/// The events of the answer to a query.
pub(crate) fn answer(market: Market, query: Query<'_>, answer: &Value) -> Vec<String> {
    let channel = query.asked.channel();
    let of = |instrument: &str, time: &str, sent: &str, row: &Value, body: String| {
        let (time, sent) = (nanos(row.get(time)), nanos(row.get(sent)));
        let subject = query.instrument;
        format!("{market} {channel} {subject}/{instrument} {time:?} {sent:?} {body}")
    };
    let one = |time: &str, row: &Value, body| of(query.instrument, time, "E", row, body);
    let all = |rows: &Value, each: &dyn Fn(&Value) -> String| {
        rows.as_array().unwrap().iter().map(each).collect()
    };
    match query.asked {
        Asked::Book(_) => vec![one("T", answer, book("snapshot", answer))],
        Asked::Trades { .. } => all(answer, &|row| one("time", row, past_trade(row))),
        Asked::Poll(Channel::OpenInterest) => {
            let interest = Figures::of("open_interest");
            let interest = interest.put("quantity", Some(text(&answer["openInterest"])));
            vec![one("time", answer, interest.done())]
        }
        Asked::Poll(Channel::ExchangeInfo) => all(&answer["symbols"], &|row| {
            of(&text(&row["symbol"]), "", "", row, listed(market, row))
        }),
        Asked::Poll(_) => all(answer, &|row| {
            one("timestamp", row, ratio(&channel.to_string(), row))
        }),
    }
}

fn past_trade(row: &Value) -> String {
    let side = match row["isBuyerMaker"].as_bool().unwrap() {
        true => "sell",
        false => "buy",
    };
    let id = number(&row["id"]).unwrap();
    let (price, quantity) = (text(&row["price"]), text(&row["qty"]));
    format!("trade {id} Some({id}) Some({id}) {price} {quantity} None {side} None None None")
}

fn ratio(channel: &str, row: &Value) -> String {
    let of = match channel {
        "topLongShortAccountRatio" => "top_accounts",
        "topLongShortPositionRatio" => "top_positions",
        _ => "accounts",
    };
    let either = |one: &str, other: &str| row.get(one).or_else(|| row.get(other)).map(text);
    Figures::of("ratio")
        .put("of", Some(of))
        .put("ratio", row.get("longShortRatio").map(text))
        .put("long", either("longAccount", "longPosition"))
        .put("short", either("shortAccount", "shortPosition"))
        .done()
}

/// A row of the list of instruments.
fn listed(market: Market, row: &Value) -> String {
    let word = |key: &str| given(row.get(key));
    let filter = |kind: &str, key: &str| {
        let filters = row["filters"].as_array().unwrap();
        let filter = filters.iter().find(|filter| filter["filterType"] == kind)?;
        // A filter that is off has zeros.
        given(filter.get(key)).filter(|step| step.chars().any(|c| ('1'..='9').contains(&c)))
    };
    let kind = match market {
        Market::BinanceSpot => "spot",
        Market::BinanceUsdm | Market::BinanceCoinm | Market::Okx => {
            contract_type(&word("contractType").unwrap_or_default())
        }
    };
    let shown = Figures::of("instrument")
        .put("type", Some(kind))
        .put("state", word("status").or_else(|| word("contractStatus")))
        .put("pair", word("pair"))
        .put("base", word("baseAsset"))
        .put("quote", word("quoteAsset"))
        .put("settle", word("marginAsset"))
        .put("price_step", filter("PRICE_FILTER", "tickSize"))
        .put("quantity_step", filter("LOT_SIZE", "stepSize"))
        .put("least_quantity", filter("LOT_SIZE", "minQty"))
        .put("listed", date(row, "onboardDate"))
        .put("expires", date(row, "deliveryDate"));
    match word("contractSize") {
        None => shown.done(),
        Some(size) => shown
            .put("value", Some(size))
            .put("multiplier", Some(1))
            .put("currency", word("quoteAsset"))
            .put("style", Some("inverse"))
            .done(),
    }
}

/// A date; never is the year 2100.
fn date(row: &Value, key: &str) -> Option<i128> {
    nanos(row.get(key)).filter(|time| ![0, 4_133_404_800_000_000_000].contains(time))
}

/// A number that may be missing or empty.
fn given(field: Option<&Value>) -> Option<String> {
    field.map(text).filter(|text| !text.is_empty())
}
