//! Requests of clients and the answers to them ("Subscribe", "Unsubscribe", "Login").

use marketprism_core::market::{Channel, Market, Scope};
use marketprism_core::venue::RouteName;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::login;
use crate::twin::desk::{Access, Desk};
use crate::twin::instrument::{Instrument, Kind};
use crate::twin::news::{About, Feed};

/// The words of a login too many.
const REPEATED: &str = "The WebSocket endpoint does not allow multiple or repeated logins.";

/// The longest `id`.
const MAX_ID: usize = 32;

#[derive(Deserialize)]
struct Request {
    id: Option<String>,
    op: String,
    args: Vec<Map<String, Value>>,
}

/// What a client can ask for of a channel.
#[derive(Clone, Copy)]
enum Operation {
    Subscribe,
    Unsubscribe,
}

/// Why a request, or a part of it, is refused: code and text.
pub(super) struct Refusal(pub(super) &'static str, pub(super) String);

/// Carries out a request and returns the answers: one for each channel in it. `now` is the wall
/// clock in seconds.
pub(in crate::twin) fn answers(
    instruments: &[Instrument],
    desk: &mut Desk,
    now: u64,
    text: &str,
) -> Vec<String> {
    let Some(request) = parse(text) else {
        return vec![refused(desk, None, &invalid(text))];
    };
    let id = request.id.as_deref();
    if request.args.is_empty() {
        let refusal = Refusal("60013", "Invalid args".to_owned());
        return vec![refused(desk, id, &refusal)];
    }
    let operation = match request.op.as_str() {
        "subscribe" => Operation::Subscribe,
        "unsubscribe" => Operation::Unsubscribe,
        "login" => {
            let logins = request.args.iter();
            return logins.map(|arg| log_in(desk, now, arg)).collect();
        }
        other => {
            let refusal = Refusal("60019", format!("Invalid op: {other}"));
            return vec![refused(desk, id, &refusal)];
        }
    };
    let answer = |arg: &Map<String, Value>| match carry_out(instruments, desk, operation, arg) {
        Ok(event) => acknowledged(desk, id, event, arg),
        Err(refusal) => refused(desk, id, &refusal),
    };
    request.args.iter().map(answer).collect()
}

/// Whether this is a request for channels.
pub(in crate::twin) fn is_subscribe(text: &str) -> bool {
    parse(text).is_some_and(|request| request.op == "subscribe")
}

/// The answer to a request that is refused for no fault of its own.
pub(in crate::twin) fn refusal(desk: &Desk, text: &str) -> String {
    let id = parse(text).and_then(|request| request.id);
    let refusal = Refusal(
        "64007",
        "Operation failed due to an internal error.".to_owned(),
    );
    refused(desk, id.as_deref(), &refusal)
}

/// The answer to one request too many ("480 times per hour").
pub(in crate::twin) fn too_frequent(desk: &Desk, text: &str) -> String {
    let id = parse(text).and_then(|request| request.id);
    let refusal = Refusal("60014", "Requests too frequent".to_owned());
    refused(desk, id.as_deref(), &refusal)
}

/// The notice before an upgrade of the service ("Notification").
pub(in crate::twin) fn notice(desk: &Desk) -> String {
    let name = &desk.name;
    format!(
        r#"{{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"{name}"}}"#
    )
}

fn parse(text: &str) -> Option<Request> {
    let request: Request = serde_json::from_str(text).ok()?;
    let is_id = |id: &String| {
        (1..=MAX_ID).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    request.id.as_ref().is_none_or(is_id).then_some(request)
}

fn invalid(text: &str) -> Refusal {
    Refusal("60012", format!("Invalid request: {text}"))
}

fn carry_out(
    instruments: &[Instrument],
    desk: &mut Desk,
    operation: Operation,
    arg: &Map<String, Value>,
) -> Result<&'static str, Refusal> {
    let field = |name| arg.get(name).and_then(Value::as_str).unwrap_or_default();
    let channel = field("channel");
    let of_type = channel.parse().is_ok_and(|channel: Channel| {
        matches!(channel.scope(), Scope::InstrumentType | Scope::AnyType)
    });
    let subject = field(if of_type { "instType" } else { "instId" });
    let feed = find(desk, instruments, channel, subject)?;
    let name = stream_name(channel, subject);
    match operation {
        Operation::Subscribe => {
            desk.subscribe(&name, Some(feed));
            Ok("subscribe")
        }
        Operation::Unsubscribe => {
            desk.unsubscribe(&name);
            Ok("unsubscribe")
        }
    }
}

fn log_in(desk: &mut Desk, now: u64, arg: &Map<String, Value>) -> String {
    let checked = match desk.access {
        Access::Public => login::check(arg, now),
        Access::Account => Err(Refusal("60031", REPEATED.to_owned())),
    };
    match checked {
        Ok(()) => {
            desk.access = Access::Account;
            let name = &desk.name;
            format!(r#"{{"event":"login","code":"0","msg":"","connId":"{name}"}}"#)
        }
        Err(refusal) => refused(desk, None, &refusal),
    }
}

/// A stream's name: channel, and instrument or type of instrument.
fn stream_name(channel: &str, subject: &str) -> String {
    format!("{channel}:{subject}")
}

fn find(
    desk: &Desk,
    instruments: &[Instrument],
    channel: &str,
    subject: &str,
) -> Result<Feed, Refusal> {
    let kind = channel.parse().ok().filter(|channel: &Channel| {
        let is_here = Market::Okx.route(*channel).map(RouteName::name) == Some(desk.route);
        let is_open = !channel.needs_login() || desk.access == Access::Account;
        is_here && is_open
    });
    let feed = kind.and_then(|channel| {
        let about = about(instruments, channel, subject)?;
        Some(Feed { about, channel })
    });
    feed.ok_or_else(|| why_not(desk, channel, subject))
}

/// What an argument's `instId` or `instType` stands for.
fn about(instruments: &[Instrument], channel: Channel, subject: &str) -> Option<About> {
    let fits = |instrument: &Instrument| match channel.scope() {
        Scope::Pair => instrument.pair() == subject,
        Scope::Instrument if of_contracts(channel) => {
            instrument.id() == subject && instrument.kind() == Kind::Perpetual
        }
        Scope::Instrument => instrument.id() == subject,
        Scope::InstrumentType | Scope::AnyType | Scope::Contract | Scope::Market => false,
    };
    match (channel.scope(), subject) {
        (Scope::InstrumentType, "SPOT") if channel == Channel::Instruments => {
            Some(About::Kind(Kind::Spot))
        }
        (Scope::Market, "") | (Scope::AnyType, "ANY") => Some(About::Everything),
        (Scope::InstrumentType, "SWAP") => Some(About::Kind(Kind::Perpetual)),
        _ => instruments.iter().position(fits).map(About::Instrument),
    }
}

/// Whether only contracts have such a channel.
const fn of_contracts(channel: Channel) -> bool {
    matches!(channel, Channel::FundingRate | Channel::OkxOpenInterest)
}

fn why_not(desk: &Desk, channel: &str, instrument: &str) -> Refusal {
    let known = channel.parse().ok();
    let route = known.and_then(|channel| Market::Okx.route(channel));
    let needs_login = known.is_some_and(Channel::needs_login);
    if needs_login && desk.route != "business" && desk.access == Access::Public {
        return Refusal("60011", "Please log in".to_owned());
    }
    if route == Some(RouteName::Business) && desk.route == "public" {
        let text = "This channel has been migrated to the '/business' URL. \
                    Please subscribe using the new URL.";
        return Refusal("64001", text.to_owned());
    }
    if route == Some(RouteName::Public) && desk.route == "business" {
        let text = "This channel is not supported by \"/business\" URL. \
                    Please use \"/private\" URL(for private channels), or \"/public\" URL(for \
                    public channels).";
        return Refusal("64002", text.to_owned());
    }
    if channel.is_empty() {
        return Refusal("60013", "Invalid args".to_owned());
    }
    let text = format!(
        "Wrong URL or channel:{channel},instId:{instrument} doesn't exist. Please use the correct \
         URL, channel and parameters referring to API document."
    );
    Refusal("60018", text)
}

fn acknowledged(desk: &Desk, id: Option<&str>, event: &str, arg: &Map<String, Value>) -> String {
    let arg = serde_json::to_string(arg).unwrap_or_default();
    let (id, name) = (id_field(id), &desk.name);
    format!(r#"{{{id}"event":"{event}","arg":{arg},"connId":"{name}"}}"#)
}

fn refused(desk: &Desk, id: Option<&str>, Refusal(code, text): &Refusal) -> String {
    let text = Value::from(text.as_str());
    let (id, name) = (id_field(id), &desk.name);
    format!(r#"{{{id}"event":"error","code":"{code}","msg":{text},"connId":"{name}"}}"#)
}

fn id_field(id: Option<&str>) -> String {
    id.map(|id| format!(r#""id":"{id}","#)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twin::news::Unit;

    fn ask(route: &'static str, text: &str) -> (Vec<String>, Vec<String>) {
        let mut desk = Desk {
            name: "a4d3ae55".to_owned(),
            route,
            wrapped: false,
            unit: Unit::Millis,
            subscriptions: Vec::new(),
            access: Access::Public,
        };
        desk.subscribe("trades:ETH-USDT", None);
        let answers = answers(&Instrument::defaults(Market::Okx), &mut desk, 0, text);
        let names = desk.subscriptions.into_iter().map(|held| held.name);
        (answers, names.skip(1).collect())
    }

    #[test]
    fn every_channel_of_a_request_is_acknowledged_by_itself() {
        let (answers, names) = ask(
            "public",
            r#"{"id":"1512","op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"},{"channel":"trades","instId":"BTC-USDT-SWAP"}]}"#,
        );
        assert_eq!(
            answers,
            [
                r#"{"id":"1512","event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4d3ae55"}"#,
                r#"{"id":"1512","event":"subscribe","arg":{"channel":"trades","instId":"BTC-USDT-SWAP"},"connId":"a4d3ae55"}"#,
            ]
        );
        assert_eq!(names, ["books:BTC-USDT", "trades:BTC-USDT-SWAP"]);
    }

    #[test]
    fn channels_are_asked_for_by_instrument_by_index_or_by_type_where_they_are_served() {
        let cases = [
            ("public", "funding-rate", "instId", "BTC-USDT-SWAP"),
            ("public", "index-tickers", "instId", "BTC-USDT"),
            ("public", "liquidation-orders", "instType", "SWAP"),
            ("public", "instruments", "instType", "SPOT"),
            ("business", "candle1m", "instId", "BTC-USDT"),
            (
                "business",
                "mark-price-candle1Dutc",
                "instId",
                "BTC-USDT-SWAP",
            ),
            ("business", "index-candle1H", "instId", "BTC-USDT"),
            ("business", "trades-all", "instId", "ETH-USDT-SWAP"),
        ];
        for (route, channel, key, subject) in cases {
            let text = format!(
                r#"{{"op":"subscribe","args":[{{"channel":"{channel}","{key}":"{subject}"}}]}}"#
            );
            let (_, names) = ask(route, &text);
            assert_eq!(names, [format!("{channel}:{subject}")]);
        }
    }

    #[test]
    fn a_bad_channel_harms_no_other() {
        let (answers, names) = ask(
            "public",
            r#"{"op":"subscribe","args":[{"channel":"books","instId":"NO-SUCH"},{"channel":"trades","instId":"BTC-USDT"}]}"#,
        );
        assert_eq!(
            answers[0],
            r#"{"event":"error","code":"60018","msg":"Wrong URL or channel:books,instId:NO-SUCH doesn't exist. Please use the correct URL, channel and parameters referring to API document.","connId":"a4d3ae55"}"#
        );
        assert!(answers[1].contains(r#""event":"subscribe""#));
        assert_eq!(names, ["trades:BTC-USDT"]);
    }

    #[test]
    fn unsubscribing_is_acknowledged_and_ends_the_stream() {
        let text = r#"{"op":"unsubscribe","args":[{"channel":"trades","instId":"ETH-USDT"}]}"#;
        let (answers, names) = ask("public", text);
        assert_eq!(
            answers,
            [
                r#"{"event":"unsubscribe","arg":{"channel":"trades","instId":"ETH-USDT"},"connId":"a4d3ae55"}"#
            ]
        );
        assert!(names.is_empty());
    }

    #[test]
    fn every_wrong_request_has_its_code() {
        let cases = [
            ("public", "nonsense", "60012"),
            ("public", r#"{"op":"subscribe","argss":[]}"#, "60012"),
            (
                "public",
                r#"{"id":"a-b","op":"subscribe","args":[{}]}"#,
                "60012",
            ),
            ("public", r#"{"op":"subscribe","args":[]}"#, "60013"),
            (
                "public",
                r#"{"op":"subscribe","args":[{"instId":"BTC-USDT"}]}"#,
                "60013",
            ),
            ("public", r#"{"op":"subscript","args":[{}]}"#, "60019"),
            (
                "public",
                r#"{"op":"login","args":[{"apiKey":"K"}]}"#,
                "60004",
            ),
            (
                "public",
                r#"{"op":"subscribe","args":[{"channel":"candle1m","instId":"BTC-USDT"}]}"#,
                "64001",
            ),
            (
                "public",
                r#"{"op":"subscribe","args":[{"channel":"books-l2-tbt","instId":"BTC-USDT"}]}"#,
                "60011",
            ),
            (
                "business",
                r#"{"op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"}]}"#,
                "64002",
            ),
            (
                "private",
                r#"{"op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"}]}"#,
                "60018",
            ),
            (
                "public",
                r#"{"op":"subscribe","args":[{"channel":"funding-rate","instId":"BTC-USDT"}]}"#,
                "60018",
            ),
            (
                "public",
                r#"{"op":"subscribe","args":[{"channel":"liquidation-orders","instId":"SWAP"}]}"#,
                "60018",
            ),
        ];
        for (route, text, code) in cases {
            let (answers, names) = ask(route, text);
            let expected = format!(r#""event":"error","code":"{code}""#);
            assert!(answers[0].contains(&expected), "{text}: {}", answers[0]);
            assert!(serde_json::from_str::<Value>(&answers[0]).is_ok());
            assert!(names.is_empty());
        }
        let (answers, _) = ask("public", r#"{"op":"subscribe","argss":[]}"#);
        assert_eq!(
            answers[0],
            r#"{"event":"error","code":"60012","msg":"Invalid request: {\"op\":\"subscribe\",\"argss\":[]}","connId":"a4d3ae55"}"#
        );
    }
}
