//! Requests of clients and the answers to them ("Live Subscribing/Unsubscribing to streams").

use marketprism_core::market::Market;
use serde::Deserialize;
use serde_json::Value;

use super::stream;
use crate::twin::desk::{Desk, MAX_STREAMS};
use crate::twin::instrument::Instrument;

/// The longest `id` that is a string.
const MAX_ID: usize = 36;

#[derive(Deserialize)]
struct Request {
    method: Method,
    #[serde(default)]
    params: Vec<Value>,
    #[serde(default)]
    id: Value,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Method {
    Subscribe,
    Unsubscribe,
    ListSubscriptions,
    SetProperty,
    GetProperty,
}

/// Why a request is refused: code and text.
struct Refusal(u8, String);

impl Refusal {
    fn invalid(what: &str) -> Self {
        Self(2, format!("Invalid request: {what}"))
    }
}

/// Carries out a request and returns the answer.
pub(in crate::twin) fn answer(
    market: Market,
    instruments: &[Instrument],
    desk: &mut Desk,
    text: &str,
) -> String {
    let outcome = parse(text).and_then(|request| {
        let result = carry_out(market, instruments, desk, &request)?;
        Ok((result, request.id))
    });
    match outcome {
        Ok((result, id)) => format!(r#"{{"result":{result},"id":{id}}}"#),
        Err(refusal) => refused(&refusal, text),
    }
}

/// Whether this is a request for streams.
pub(in crate::twin) fn is_subscribe(text: &str) -> bool {
    matches!(
        parse(text),
        Ok(Request {
            method: Method::Subscribe,
            ..
        })
    )
}

/// The answer to a request that is refused for no fault of its own.
pub(in crate::twin) fn refusal(text: &str) -> String {
    refused(&Refusal::invalid("too many parameters"), text)
}

fn refused(Refusal(code, message): &Refusal, text: &str) -> String {
    let message = Value::from(message.as_str());
    let request: Result<Value, _> = serde_json::from_str(text);
    match request.ok().and_then(|request| request.get("id").cloned()) {
        Some(id) => format!(r#"{{"code":{code},"msg":{message},"id":{id}}}"#),
        None => format!(r#"{{"code":{code},"msg":{message}}}"#),
    }
}

fn parse(text: &str) -> Result<Request, Refusal> {
    let request: Request = serde_json::from_str(text).map_err(|error| {
        if error.is_data() {
            Refusal::invalid(&error.to_string())
        } else {
            Refusal(3, format!("Invalid JSON: {error}"))
        }
    })?;
    if is_id(&request.id) {
        Ok(request)
    } else {
        Err(Refusal::invalid("request ID must be an unsigned integer"))
    }
}

fn is_id(id: &Value) -> bool {
    match id {
        Value::Null => true,
        Value::Number(number) => number.is_i64(),
        Value::String(text) => {
            let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_');
            (1..=MAX_ID).contains(&text.len()) && text.bytes().all(plain)
        }
        Value::Bool(_) | Value::Array(_) | Value::Object(_) => false,
    }
}

fn carry_out(
    market: Market,
    instruments: &[Instrument],
    desk: &mut Desk,
    request: &Request,
) -> Result<Value, Refusal> {
    match request.method {
        Method::Subscribe => subscribe(market, instruments, desk, &request.params),
        Method::Unsubscribe => {
            for name in names(&request.params)? {
                desk.unsubscribe(name);
            }
            Ok(Value::Null)
        }
        Method::ListSubscriptions => {
            let names = desk.subscriptions.iter().map(|held| held.name.as_str());
            Ok(names.collect())
        }
        Method::SetProperty => set_property(desk, &request.params),
        Method::GetProperty => match request.params.as_slice() {
            [name] => property(name).map(|()| Value::from(desk.wrapped)),
            _ => Err(Refusal::invalid("too many parameters")),
        },
    }
}

fn subscribe(
    market: Market,
    instruments: &[Instrument],
    desk: &mut Desk,
    params: &[Value],
) -> Result<Value, Refusal> {
    let names = names(params)?;
    if desk.subscriptions.len() + names.len() > MAX_STREAMS {
        return Err(Refusal::invalid("too many parameters"));
    }
    for name in names {
        let feed = stream(market, desk.route, instruments, name);
        desk.subscribe(name, feed);
    }
    Ok(Value::Null)
}

fn names(params: &[Value]) -> Result<Vec<&str>, Refusal> {
    let names: Option<Vec<&str>> = params.iter().map(Value::as_str).collect();
    names.ok_or_else(|| Refusal::invalid("invalid type: expected a string"))
}

fn set_property(desk: &mut Desk, params: &[Value]) -> Result<Value, Refusal> {
    let [name, value] = params else {
        return Err(Refusal::invalid("too many parameters"));
    };
    property(name)?;
    let wrong = || Refusal(1, "Invalid value type: expected Boolean".to_owned());
    desk.wrapped = value.as_bool().ok_or_else(wrong)?;
    Ok(Value::Null)
}

fn property(name: &Value) -> Result<(), Refusal> {
    match name.as_str() {
        Some("combined") => Ok(()),
        Some(_) => Err(Refusal(0, "Unknown property".to_owned())),
        None => Err(Refusal::invalid("property name must be a string")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::twin::desk::Access;
    use crate::twin::news::Unit;

    fn desk() -> Desk {
        Desk {
            name: String::new(),
            route: "stream",
            wrapped: true,
            unit: Unit::Millis,
            subscriptions: Vec::new(),
            access: Access::Public,
        }
    }

    fn ask(desk: &mut Desk, text: &str) -> String {
        let instruments = Instrument::defaults(Market::BinanceSpot);
        answer(Market::BinanceSpot, &instruments, desk, text)
    }

    #[test]
    fn every_request_is_answered_in_the_venues_form() {
        let mut desk = desk();
        let cases = [
            (
                r#"{"method":"SUBSCRIBE","params":["btcusdt@aggTrade","btcusdt@depth@100ms"],"id":1}"#,
                r#"{"result":null,"id":1}"#,
            ),
            (
                r#"{"method":"LIST_SUBSCRIPTIONS","id":3}"#,
                r#"{"result":["btcusdt@aggTrade","btcusdt@depth@100ms"],"id":3}"#,
            ),
            (
                r#"{"method":"UNSUBSCRIBE","params":["btcusdt@depth@100ms"],"id":"a-1"}"#,
                r#"{"result":null,"id":"a-1"}"#,
            ),
            (
                r#"{"method":"LIST_SUBSCRIPTIONS","id":null}"#,
                r#"{"result":["btcusdt@aggTrade"],"id":null}"#,
            ),
            (
                r#"{"method":"GET_PROPERTY","params":["combined"],"id":6}"#,
                r#"{"result":true,"id":6}"#,
            ),
            (
                r#"{"method":"SET_PROPERTY","params":["combined",false],"id":5}"#,
                r#"{"result":null,"id":5}"#,
            ),
            (
                r#"{"method":"GET_PROPERTY","params":["combined"],"id":7}"#,
                r#"{"result":false,"id":7}"#,
            ),
            (
                r#"{"method":"SUBSCRIBE","params":["nosuch@trade"],"id":8}"#,
                r#"{"result":null,"id":8}"#,
            ),
        ];
        for (request, reply) in cases {
            assert_eq!(ask(&mut desk, request), reply, "{request}");
        }
    }

    #[test]
    fn every_wrong_request_is_refused_in_the_venues_form() {
        let cases = [
            (
                r#"{"method":"SET_PROPERTY","params":["other",true],"id":1}"#,
                r#"{"code":0,"msg":"Unknown property","id":1}"#,
            ),
            (
                r#"{"method":"SET_PROPERTY","params":["combined","yes"],"id":1}"#,
                r#"{"code":1,"msg":"Invalid value type: expected Boolean","id":1}"#,
            ),
            (
                r#"{"method":"GET_PROPERTY","params":[7],"id":1}"#,
                r#"{"code":2,"msg":"Invalid request: property name must be a string","id":1}"#,
            ),
            (
                r#"{"method":"GET_PROPERTY","params":["combined",1],"id":1}"#,
                r#"{"code":2,"msg":"Invalid request: too many parameters","id":1}"#,
            ),
            (
                r#"{"method":"SUBSCRIBE","params":[],"id":[]}"#,
                r#"{"code":2,"msg":"Invalid request: request ID must be an unsigned integer","id":[]}"#,
            ),
            (
                r#"{"method":"SUBSCRIBED","params":[],"id":1}"#,
                "{\"code\":2,\"msg\":\"Invalid request: unknown variant `SUBSCRIBED`, expected one of \
              `SUBSCRIBE`, `UNSUBSCRIBE`, `LIST_SUBSCRIPTIONS`, `SET_PROPERTY`, `GET_PROPERTY` \
              at line 1 column 22\",\"id\":1}",
            ),
            (
                r#"{"params":["btcusdt@trade"]}"#,
                "{\"code\":2,\"msg\":\"Invalid request: missing field `method` at line 1 column 28\"}",
            ),
            (
                "nonsense",
                r#"{"code":3,"msg":"Invalid JSON: expected ident at line 1 column 2"}"#,
            ),
        ];
        for (request, reply) in cases {
            let mut desk = desk();
            assert_eq!(ask(&mut desk, request), reply, "{request}");
            assert!(desk.subscriptions.is_empty());
        }
    }

    #[test]
    fn a_connection_has_1024_streams_at_the_most() {
        let mut desk = desk();
        let names = |count: usize| {
            (0..count)
                .map(|n| format!("s{n}@trade"))
                .collect::<Vec<_>>()
        };
        let request = |names| json!({"method": "SUBSCRIBE", "params": names, "id": 1}).to_string();
        assert!(ask(&mut desk, &request(names(1025))).contains("too many parameters"));
        assert!(desk.subscriptions.is_empty());
        assert_eq!(
            ask(&mut desk, &request(names(1024))),
            r#"{"result":null,"id":1}"#
        );
    }
}
