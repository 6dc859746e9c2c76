//! Logins ("OKX API guide", WebSocket, Login).

use serde_json::{Map, Value};

use super::request::Refusal;
use crate::signer::okx_signature;

/// The one account that the twin knows. It guards nothing.
const API_KEY: &str = "twin-key";
const SECRET_KEY: &str = "twin-secret";
const PASSPHRASE: &str = "twin-passphrase";

/// A request is taken for so many seconds.
const VALID: u64 = 30;

/// Whether a login is in order at this time, in seconds since the Unix epoch.
pub(super) fn check(arg: &Map<String, Value>, now: u64) -> Result<(), Refusal> {
    let field = |name| arg.get(name).and_then(Value::as_str).unwrap_or_default();
    let timestamp = field("timestamp");
    let Ok(seconds) = timestamp.parse::<u64>() else {
        return Err(refusal("60004", "Invalid timestamp"));
    };
    if seconds.abs_diff(now) > VALID {
        return Err(refusal("60006", "Timestamp request expired"));
    }
    if field("apiKey") != API_KEY {
        return Err(refusal("60005", "Invalid apiKey"));
    }
    if field("passphrase") != PASSPHRASE {
        return Err(refusal("60024", "Wrong passphrase"));
    }
    let text = format!("{timestamp}GET/users/self/verify");
    match field("sign") == okx_signature(SECRET_KEY, &text) {
        true => Ok(()),
        false => Err(refusal("60007", "Invalid sign")),
    }
}

fn refusal(code: &'static str, text: &str) -> Refusal {
    Refusal(code, text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    const NOW: u64 = 1_767_225_600;

    fn code(change: &str, to: &str) -> Option<&'static str> {
        let timestamp = if change == "timestamp" {
            to.to_owned()
        } else {
            NOW.to_string()
        };
        let text = format!("{timestamp}GET/users/self/verify");
        let mut arg = json!({
            "apiKey": API_KEY,
            "passphrase": PASSPHRASE,
            "timestamp": timestamp,
            "sign": okx_signature(SECRET_KEY, &text),
        });
        arg[change] = to.into();
        let refused = check(arg.as_object().unwrap(), NOW).err();
        refused.map(|Refusal(code, _)| code)
    }

    #[test]
    fn a_login_is_in_order_or_its_code_says_why_not() {
        let late = (NOW - VALID - 1).to_string();
        let recent = (NOW - VALID).to_string();
        let table = [
            ("other", "", None),
            ("timestamp", recent.as_str(), None),
            ("timestamp", late.as_str(), Some("60006")),
            ("timestamp", "now", Some("60004")),
            ("apiKey", "other", Some("60005")),
            ("passphrase", "other", Some("60024")),
            ("sign", "other", Some("60007")),
        ];
        for (field, value, expected) in table {
            assert_eq!(code(field, value), expected, "{field}: {value}");
        }
    }
}
