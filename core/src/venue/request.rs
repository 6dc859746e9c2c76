//! Subscribe and unsubscribe requests.

use alloc::string::String;
use core::fmt::{self, Write};

use crate::market::{Channel, Market, Scope, Venue};

/// One channel of one instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subscription<'a> {
    /// The channel.
    pub channel: Channel,
    /// The venue's name of the instrument, as events have it (`BTCUSDT`, `BTC-USDT-SWAP`).
    pub instrument: &'a str,
}

/// What a request asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Operation {
    /// Begin to send.
    Subscribe,
    /// Cease to send.
    Unsubscribe,
}

/// Why a request cannot be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RequestError {
    /// The market does not offer the channel.
    NotOffered(Channel),
    /// What the channel is about is not named, or by a name that nothing of the kind has.
    Instrument(Scope),
    /// Not even one subscription fits into a request.
    TooLong,
}

/// Writes one request for as many of `subscriptions`, from the first on, as fit into `limit`
/// bytes, and says how many; `out` is overwritten. None of none is 0 and an empty text.
///
/// OKX does not name the argument that it refuses: what is doubtful is better asked for alone.
///
/// # Errors
///
/// When the first subscription that would go into the request cannot be written at all. One that
/// stands further back ends the request, so the others are not held up by it.
pub fn encode<'a>(
    market: Market,
    operation: Operation,
    id: u64,
    subscriptions: impl IntoIterator<Item = Subscription<'a>>,
    limit: usize,
    out: &mut String,
) -> Result<usize, RequestError> {
    out.clear();
    let mut subscriptions = subscriptions.into_iter().peekable();
    if let Some(first) = subscriptions.peek()
        && first.channel == Channel::UserData
    {
        // One account, and so one to a request.
        check(market, *first)?;
        return write_account(market, operation, id, out).map(|()| 1);
    }
    let mut count = 0;
    for subscription in subscriptions {
        let before = out.len();
        let added = append(market, operation, id, subscription, count, limit, out);
        match added {
            Ok(()) => count += 1,
            Err(error) if count == 0 => {
                out.clear();
                return Err(error);
            }
            Err(_) => {
                out.truncate(before);
                break;
            }
        }
    }
    if count > 0 {
        write_end(market, id, out);
    }
    Ok(count)
}

/// Writes a Binance stream's name, lower case, as it stands in requests: `btcusdt@depth@100ms`.
///
/// # Errors
///
/// If the market is not Binance's, does not offer the channel, or if the instrument's name cannot
/// be one.
pub fn stream_name(
    market: Market,
    subscription: Subscription<'_>,
    out: &mut String,
) -> Result<(), RequestError> {
    check(market, subscription)?;
    match market.venue() {
        Venue::Binance if subscription.channel != Channel::UserData => {
            write_stream(subscription, out);
            Ok(())
        }
        Venue::Binance | Venue::Okx => Err(RequestError::NotOffered(subscription.channel)),
    }
}

/// Adds one subscription to the request and sees that it can still be ended within `limit`.
fn append(
    market: Market,
    operation: Operation,
    id: u64,
    subscription: Subscription<'_>,
    count: usize,
    limit: usize,
    out: &mut String,
) -> Result<(), RequestError> {
    check(market, subscription)?;
    if count == 0 {
        write_start(market, operation, id, out);
    } else {
        out.push(',');
    }
    match market.venue() {
        Venue::Binance => {
            out.push('"');
            write_stream(subscription, out);
            out.push('"');
        }
        Venue::Okx => write_argument(subscription, out),
    }
    if out.len() + end_length(market, id) <= limit {
        Ok(())
    } else {
        Err(RequestError::TooLong)
    }
}

fn check(market: Market, subscription: Subscription<'_>) -> Result<(), RequestError> {
    if market.route(subscription.channel).is_none() {
        return Err(RequestError::NotOffered(subscription.channel));
    }
    let scope = subscription.channel.scope();
    match scope.admits(subscription.instrument) {
        true => Ok(()),
        false => Err(RequestError::Instrument(scope)),
    }
}

fn write_stream(subscription: Subscription<'_>, out: &mut String) {
    let Subscription {
        channel,
        instrument,
    } = subscription;
    if channel.scope() != Scope::Market {
        write_symbol(instrument, out);
    }
    push(out, format_args!("{channel}"));
}

/// Names of streams are in lower case.
fn write_symbol(instrument: &str, out: &mut String) {
    let lower = instrument.chars().map(|c| c.to_ascii_lowercase());
    out.extend(lower);
    out.push('@');
}

fn write_argument(subscription: Subscription<'_>, out: &mut String) {
    let Subscription {
        channel,
        instrument,
    } = subscription;
    let key = match channel.scope() {
        Scope::InstrumentType | Scope::AnyType => "instType",
        Scope::Instrument | Scope::Pair | Scope::Contract => "instId",
        Scope::Market => return push(out, format_args!(r#"{{"channel":"{channel}"}}"#)),
    };
    let argument = format_args!(r#"{{"channel":"{channel}","{key}":"{instrument}"}}"#);
    push(out, argument);
}

/// Asks for the account's events on a connection of the WebSocket API that is logged in ("User Data
/// Stream subscription"); without a number all subscriptions are meant.
fn write_account(
    market: Market,
    operation: Operation,
    id: u64,
    out: &mut String,
) -> Result<(), RequestError> {
    if market != Market::BinanceSpot {
        return Err(RequestError::NotOffered(Channel::UserData));
    }
    let verb = match operation {
        Operation::Subscribe => "subscribe",
        Operation::Unsubscribe => "unsubscribe",
    };
    push(
        out,
        format_args!(r#"{{"id":{id},"method":"userDataStream.{verb}"}}"#),
    );
    Ok(())
}

fn write_start(market: Market, operation: Operation, id: u64, out: &mut String) {
    match (market.venue(), operation) {
        (Venue::Binance, Operation::Subscribe) => {
            out.push_str(r#"{"method":"SUBSCRIBE","params":["#);
        }
        (Venue::Binance, Operation::Unsubscribe) => {
            out.push_str(r#"{"method":"UNSUBSCRIBE","params":["#);
        }
        (Venue::Okx, Operation::Subscribe) => {
            push(
                out,
                format_args!(r#"{{"id":"{id}","op":"subscribe","args":["#),
            );
        }
        (Venue::Okx, Operation::Unsubscribe) => {
            push(
                out,
                format_args!(r#"{{"id":"{id}","op":"unsubscribe","args":["#),
            );
        }
    }
}

fn write_end(market: Market, id: u64, out: &mut String) {
    match market.venue() {
        Venue::Binance => push(out, format_args!(r#"],"id":{id}}}"#)),
        Venue::Okx => out.push_str("]}"),
    }
}

/// The length of what [`write_end`] writes.
fn end_length(market: Market, id: u64) -> usize {
    match market.venue() {
        Venue::Binance => {
            r#"],"id":}"#.len() + id.checked_ilog10().map_or(1, |log| log as usize + 1)
        }
        Venue::Okx => "]}".len(),
    }
}

/// Writes to a `String`, which cannot fail.
fn push(out: &mut String, text: fmt::Arguments<'_>) {
    let written = out.write_fmt(text);
    debug_assert!(written.is_ok(), "a String takes everything");
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotOffered(channel) => write!(f, "the market has no channel {channel}"),
            Self::Instrument(scope) => write!(f, "this cannot be the name of {scope}"),
            Self::TooLong => f.write_str("the subscription does not fit into a request"),
        }
    }
}

impl core::error::Error for RequestError {}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market::Speed;
    use alloc::vec::Vec;
    use alloc::{format, vec};

    const DEPTH: Channel = Channel::Depth(Speed::Ms100);

    fn subscription(channel: Channel, instrument: &str) -> Subscription<'_> {
        Subscription {
            channel,
            instrument,
        }
    }

    #[test]
    fn requests_read_as_the_venues_document_them() {
        let mut out = String::new();
        let wanted = [
            subscription(Channel::AggTrade, "BTCUSDT"),
            subscription(DEPTH, "BTCUSDT"),
        ];
        let spot = Market::BinanceSpot;
        assert_eq!(
            encode(spot, Operation::Subscribe, 1, wanted, 4000, &mut out),
            Ok(2)
        );
        assert_eq!(
            out,
            r#"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","btcusdt@depth@100ms"],"id":1}"#
        );
        let last = [subscription(DEPTH, "币安人生USDT")];
        assert_eq!(
            encode(spot, Operation::Unsubscribe, 20, last, 4000, &mut out),
            Ok(1)
        );
        assert_eq!(
            out,
            r#"{"method":"UNSUBSCRIBE","params":["币安人生usdt@depth@100ms"],"id":20}"#
        );
        let wanted = [
            subscription(Channel::Books, "BTC-USDT-SWAP"),
            subscription(Channel::Trades, "BTC-USD_UM-SWAP"),
        ];
        assert_eq!(
            encode(
                Market::Okx,
                Operation::Subscribe,
                1512,
                wanted,
                60_000,
                &mut out
            ),
            Ok(2)
        );
        assert_eq!(
            out,
            r#"{"id":"1512","op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT-SWAP"},{"channel":"trades","instId":"BTC-USD_UM-SWAP"}]}"#
        );
        assert_eq!(
            encode(
                Market::Okx,
                Operation::Unsubscribe,
                7,
                wanted.into_iter().take(1),
                90,
                &mut out
            ),
            Ok(1)
        );
        assert_eq!(
            out,
            r#"{"id":"7","op":"unsubscribe","args":[{"channel":"books","instId":"BTC-USDT-SWAP"}]}"#
        );
    }

    #[test]
    fn accounts_are_asked_for_where_a_request_does() {
        let mut out = String::new();
        let mut one = |market, operation, wanted: &[Subscription<'_>]| {
            let wanted = wanted.iter().copied();
            let written = encode(market, operation, 3, wanted, 4000, &mut out);
            written.map(|count| (count, out.clone()))
        };
        let account = [subscription(Channel::UserData, "")];
        for (operation, verb) in [
            (Operation::Subscribe, "subscribe"),
            (Operation::Unsubscribe, "unsubscribe"),
        ] {
            let request = format!(r#"{{"id":3,"method":"userDataStream.{verb}"}}"#);
            let written = one(Market::BinanceSpot, operation, &account);
            assert_eq!(written, Ok((1, request)));
        }
        for market in [Market::BinanceUsdm, Market::BinanceCoinm] {
            let refused = Err(RequestError::NotOffered(Channel::UserData));
            assert_eq!(one(market, Operation::Subscribe, &account), refused);
            assert!(!market.is_asked_for(Channel::UserData));
        }
        let wanted = [
            subscription(Channel::Account, ""),
            subscription(Channel::Orders, "ANY"),
        ];
        assert_eq!(
            one(Market::Okx, Operation::Subscribe, &wanted).unwrap().1,
            r#"{"id":"3","op":"subscribe","args":[{"channel":"account"},{"channel":"orders","instType":"ANY"}]}"#
        );
    }

    #[test]
    fn nothing_is_asked_for_by_an_empty_text() {
        let mut out = String::from("old");
        let none = core::iter::empty();
        assert_eq!(
            encode(Market::Okx, Operation::Subscribe, 1, none, 100, &mut out),
            Ok(0)
        );
        assert_eq!(out, "");
    }

    #[test]
    fn requests_stay_within_every_limit_and_lose_nothing() {
        let names: Vec<String> = (0..60).map(|n| format!("COIN{n}USDT")).collect();
        for (market, channel) in [(Market::BinanceUsdm, DEPTH), (Market::Okx, Channel::Books)] {
            for limit in [120, 121, 122, 200, 4000] {
                for id in [0, 9, 10, u64::MAX] {
                    let mut sent = vec![];
                    let mut out = String::new();
                    while sent.len() < names.len() {
                        let rest = names[sent.len()..]
                            .iter()
                            .map(|name| subscription(channel, name));
                        let count = encode(market, Operation::Subscribe, id, rest, limit, &mut out)
                            .unwrap();
                        assert!(out.len() <= limit, "{out}");
                        serde_json::from_str::<serde_json::Value>(&out).unwrap();
                        let first = sent.len();
                        for name in &names[first..first + count] {
                            let shown = match market.venue() {
                                Venue::Binance => {
                                    format!("\"{}@depth@100ms\"", name.to_lowercase())
                                }
                                Venue::Okx => format!("\"{name}\""),
                            };
                            assert_eq!(out.matches(&shown).count(), 1);
                            sent.push(name);
                        }
                    }
                }
            }
        }
    }

    #[test]
    fn what_cannot_be_asked_for_is_refused_and_holds_up_nobody() {
        let mut out = String::new();
        let mut one = |market, channel, instrument, limit| {
            let wanted = [subscription(channel, instrument)];
            encode(market, Operation::Subscribe, 1, wanted, limit, &mut out)
        };
        let spot = Market::BinanceSpot;
        assert_eq!(
            one(spot, Channel::Books, "BTCUSDT", 4000),
            Err(RequestError::NotOffered(Channel::Books))
        );
        for name in [
            "",
            "BTC USDT",
            "BTC\"",
            "a@b",
            "a/b",
            "BTC\\USDT",
            "btc\n",
            "\u{0}",
        ] {
            assert_eq!(
                one(spot, DEPTH, name, 4000),
                Err(RequestError::Instrument(Scope::Instrument)),
                "{name:?}"
            );
        }
        assert_eq!(one(spot, DEPTH, "BTCUSDT", 40), Err(RequestError::TooLong));
        let mixed = [
            subscription(DEPTH, "BTCUSDT"),
            subscription(DEPTH, "BTC USDT"),
        ];
        assert_eq!(
            encode(spot, Operation::Subscribe, 1, mixed, 4000, &mut out),
            Ok(1)
        );
        assert_eq!(
            out,
            r#"{"method":"SUBSCRIBE","params":["btcusdt@depth@100ms"],"id":1}"#
        );
    }

    #[test]
    fn streams_have_names_on_binance_only() {
        let mut out = String::new();
        let depth = subscription(DEPTH, "BTCUSDT");
        assert_eq!(stream_name(Market::BinanceUsdm, depth, &mut out), Ok(()));
        assert_eq!(out, "btcusdt@depth@100ms");
        let books = subscription(Channel::Books, "BTC-USDT");
        assert_eq!(
            stream_name(Market::Okx, books, &mut out),
            Err(RequestError::NotOffered(Channel::Books))
        );
    }
}
