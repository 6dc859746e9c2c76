//! The WebSocket API of spot, as far as accounts go: signed requests ("Request security", "Session
//! Authentication", "User Data Stream subscription").

use std::collections::BTreeMap;

use marketprism_core::market::Channel;
use ring::signature::{ED25519, UnparsedPublicKey};
use serde::Deserialize;
use serde_json::{Map, Value};

use crate::secret::{Secret, SigningKey};
use crate::twin::account::API_KEY;
use crate::twin::desk::{Access, Desk};
use crate::twin::news::{About, Feed};

/// What the account signs with by HMAC, and the public key of the key that signs by Ed25519 (the first
/// test vector of RFC 8032, section 7.1). They guard nothing.
const SECRET_KEY: &str = "twin-binance-secret";
const PUBLIC_KEY: [u8; 32] = [
    0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07, 0x3a,
    0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07, 0x51, 0x1a,
];

/// The stream of the account among a client's streams.
const STREAM: &str = "userData";

#[derive(Deserialize)]
struct Request {
    id: Value,
    method: String,
    #[serde(default)]
    params: Map<String, Value>,
}

/// Why a request is refused: status, code and text.
struct Refusal(u16, i64, &'static str);

/// How a request was signed.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signed {
    Hmac,
    Ed25519,
}

/// Carries out a request and returns the answer; `now` is the wall clock in milliseconds.
pub(in crate::twin) fn answer(desk: &mut Desk, now: u64, text: &str) -> String {
    let request: Request = match serde_json::from_str(text) {
        Ok(request) => request,
        Err(_) => return refused(&Value::Null, &Refusal(400, -1000, "Invalid JSON.")),
    };
    match carry_out(desk, now, &request) {
        Ok(result) => format!(r#"{{"id":{},"status":200,"result":{result}}}"#, request.id),
        Err(refusal) => refused(&request.id, &refusal),
    }
}

fn refused(id: &Value, Refusal(status, code, text): &Refusal) -> String {
    format!(r#"{{"id":{id},"status":{status},"error":{{"code":{code},"msg":"{text}"}}}}"#)
}

fn carry_out(desk: &mut Desk, now: u64, request: &Request) -> Result<String, Refusal> {
    match request.method.as_str() {
        "userDataStream.subscribe.signature" => {
            check(&request.params, now)?;
            subscribe(desk);
            Ok(r#"{"subscriptionId":0}"#.to_owned())
        }
        "session.logon" => {
            if check(&request.params, now)? != Signed::Ed25519 {
                return Err(Refusal(400, -4056, "HMAC_SHA256 API key is not supported."));
            }
            desk.access = Access::Account;
            Ok(format!(
                r#"{{"apiKey":"{API_KEY}","authorizedSince":{now},"connectedSince":{now},"returnRateLimits":false,"serverTime":{now},"userDataStream":false}}"#
            ))
        }
        "userDataStream.subscribe" if desk.access == Access::Account => {
            subscribe(desk);
            Ok(r#"{"subscriptionId":0}"#.to_owned())
        }
        "userDataStream.subscribe" => Err(Refusal(401, -2027, "The session is not logged in.")),
        "userDataStream.unsubscribe" => {
            desk.unsubscribe(STREAM);
            Ok("{}".to_owned())
        }
        _ => Err(Refusal(400, -1100, "Unknown method.")),
    }
}

fn subscribe(desk: &mut Desk) {
    let feed = Feed {
        about: About::Everything,
        channel: Channel::UserData,
    };
    desk.subscribe(STREAM, Some(feed));
}

/// Whether a request is the account's, and how it is signed.
fn check(params: &Map<String, Value>, now: u64) -> Result<Signed, Refusal> {
    let number = |name| params.get(name).and_then(Value::as_u64);
    let word = |name| params.get(name).and_then(Value::as_str).unwrap_or_default();
    let valid = number("recvWindow").unwrap_or(5000);
    let sent = number("timestamp").unwrap_or_default();
    if sent.abs_diff(now) > valid {
        let text = "Timestamp for this request is outside of the recvWindow.";
        return Err(Refusal(400, -1021, text));
    }
    if word("apiKey") != API_KEY {
        return Err(Refusal(
            400,
            -2015,
            "Invalid API-key, IP, or permissions for action.",
        ));
    }
    signed(&text(params), word("signature")).ok_or(Refusal(
        400,
        -1022,
        "Signature for this request is not valid.",
    ))
}

/// What is signed: every parameter but the signature, sorted by name.
fn text(params: &Map<String, Value>) -> String {
    let others = params.iter().filter(|(name, _)| *name != "signature");
    let sorted: BTreeMap<_, _> = others.collect();
    let pairs = sorted.into_iter().map(|(name, value)| match value {
        Value::String(text) => format!("{name}={text}"),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => {
            format!("{name}={value}")
        }
    });
    pairs.collect::<Vec<_>>().join("&")
}

fn signed(text: &str, signature: &str) -> Option<Signed> {
    use base64::Engine;
    let shared = SigningKey::Hmac(Secret::new(SECRET_KEY.to_owned()));
    if shared.sign(text)? == signature {
        return Some(Signed::Hmac);
    }
    let signature = base64::engine::general_purpose::STANDARD
        .decode(signature)
        .ok()?;
    let public = UnparsedPublicKey::new(&ED25519, PUBLIC_KEY);
    public.verify(text.as_bytes(), &signature).ok()?;
    Some(Signed::Ed25519)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twin::news::Unit;
    use marketprism_core::venue::BinanceLogin;

    const NOW: u64 = 1_747_385_641_636;

    fn desk() -> Desk {
        Desk {
            name: String::new(),
            route: "api",
            wrapped: false,
            unit: Unit::Millis,
            subscriptions: Vec::new(),
            access: Access::Public,
        }
    }

    fn login(millis: u64) -> (BinanceLogin<'static>, String) {
        let login = BinanceLogin {
            api_key: API_KEY,
            millis,
        };
        let key = SigningKey::Hmac(Secret::new(SECRET_KEY.to_owned()));
        let signature = key.sign(&login.text()).unwrap();
        (login, signature)
    }

    #[test]
    fn what_is_signed_subscribes_and_what_is_not_has_its_code() {
        let (login, signature) = login(NOW - 4000);
        let mut desk = desk();
        let good = login.subscription(3, &signature);
        assert_eq!(
            answer(&mut desk, NOW, &good),
            r#"{"id":3,"status":200,"result":{"subscriptionId":0}}"#
        );
        assert_eq!(desk.subscriptions.len(), 1);
        let wrong = [
            (login.subscription(4, "c0ffee"), NOW, -1022),
            (login.subscription(4, &signature), NOW + 2000, -1021),
            (good.replace(API_KEY, "another"), NOW, -2015),
            // Keys that sign by HMAC may not log in.
            (login.logon(4, &signature), NOW, -4056),
            (
                r#"{"id":4,"method":"userDataStream.subscribe"}"#.to_owned(),
                NOW,
                -2027,
            ),
            (r#"{"id":4,"method":"order.place"}"#.to_owned(), NOW, -1100),
            ("nonsense".to_owned(), NOW, -1000),
        ];
        for (request, now, code) in wrong {
            let answer = answer(&mut desk, now, &request);
            assert!(
                answer.contains(&format!(r#""error":{{"code":{code},"#)),
                "{answer}"
            );
            assert!(serde_json::from_str::<Value>(&answer).is_ok());
        }
    }
}
