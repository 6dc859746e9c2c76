//! Logging in: what is to be signed, and the request that carries the signature.
//!
//! Whoever holds the secrets calls these functions and hands over the finished request alone.
//! Nothing here keeps anything.

use alloc::format;
use alloc::string::String;

use super::control::RequestId;

/// What somebody who holds an account's secrets is asked to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Challenge {
    /// A login on OKX: answer with what [`OkxLogin::request`] writes.
    OkxLogin,
    /// The subscription to an account on Binance spot: answer with what
    /// [`BinanceLogin::subscription`] writes.
    BinanceSubscribe(RequestId),
    /// A login on the WebSocket API of Binance spot: answer with what [`BinanceLogin::logon`]
    /// writes. Keys of the kind Ed25519 alone may.
    BinanceLogon(RequestId),
    /// An upgrade request with a secret in its target: answer with the secret. On Binance's futures
    /// markets it is the `listenKey` of the account's stream.
    Target,
}

/// Nobody could sign, or nobody would.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Unsigned;

/// A login on OKX ("OKX API guide", WebSocket, Login). It has no `Debug` because it holds secrets.
///
/// ```
/// use marketprism_core::venue::OkxLogin;
///
/// let login = OkxLogin { api_key: "K", passphrase: "P", seconds: 1_538_054_050 };
/// assert_eq!(login.text(), "1538054050GET/users/self/verify");
/// // Base64 of HMAC-SHA256 over this text, with the account's secret key:
/// let signature = "BASE64";
/// assert_eq!(
///     login.request(signature),
///     r#"{"op":"login","args":[{"apiKey":"K","passphrase":"P","timestamp":"1538054050","sign":"BASE64"}]}"#
/// );
/// ```
#[expect(
    missing_debug_implementations,
    reason = "what holds a secret is not to be printed"
)]
#[derive(Clone, Copy)]
pub struct OkxLogin<'a> {
    /// The name of the key.
    pub api_key: &'a str,
    /// The passphrase that was chosen with the key.
    pub passphrase: &'a str,
    /// Wall-clock time in whole seconds since the Unix epoch. The venue takes it for 30 s.
    pub seconds: u64,
}

impl OkxLogin<'_> {
    /// The text that the signature is made over.
    #[must_use]
    pub fn text(&self) -> String {
        format!("{}GET/users/self/verify", self.seconds)
    }

    /// The request, with the signature of [`text`](Self::text).
    #[must_use]
    pub fn request(&self, signature: &str) -> String {
        let mut out = String::from(r#"{"op":"login","args":[{"apiKey":""#);
        escape(self.api_key, &mut out);
        out.push_str(r#"","passphrase":""#);
        escape(self.passphrase, &mut out);
        out.push_str(&format!(r#"","timestamp":"{}","sign":""#, self.seconds));
        escape(signature, &mut out);
        out.push_str(r#""}]}"#);
        out
    }
}

/// What authenticates a request on the WebSocket API of Binance spot ("Request security"). It has no
/// `Debug` because it names a key.
///
/// ```
/// use marketprism_core::venue::BinanceLogin;
///
/// let login = BinanceLogin { api_key: "K", millis: 1_747_385_641_636 };
/// assert_eq!(login.text(), "apiKey=K&recvWindow=5000&timestamp=1747385641636");
/// // HMAC-SHA256 over this text as hexadecimal digits, or Ed25519 as Base64:
/// let signature = "c0ffee";
/// assert_eq!(
///     login.subscription(7, signature),
///     r#"{"id":7,"method":"userDataStream.subscribe.signature","params":{"apiKey":"K","recvWindow":5000,"timestamp":1747385641636,"signature":"c0ffee"}}"#
/// );
/// ```
#[expect(
    missing_debug_implementations,
    reason = "what names a key is not to be printed"
)]
#[derive(Clone, Copy)]
pub struct BinanceLogin<'a> {
    /// The name of the key.
    pub api_key: &'a str,
    /// Wall-clock time in milliseconds since the Unix epoch. The venue takes it for
    /// [`VALID`](Self::VALID).
    pub millis: u64,
}

impl BinanceLogin<'_> {
    /// How long a request is valid, in milliseconds (`recvWindow`).
    pub const VALID: u64 = 5000;

    /// The text that the signature is made over: every parameter but the signature, sorted by
    /// name. Nothing is percent-encoded here, other than over REST.
    #[must_use]
    pub fn text(&self) -> String {
        let Self { api_key, millis } = self;
        let valid = Self::VALID;
        format!("apiKey={api_key}&recvWindow={valid}&timestamp={millis}")
    }

    /// The request that subscribes to the account's events, with the signature of
    /// [`text`](Self::text).
    #[must_use]
    pub fn subscription(&self, id: RequestId, signature: &str) -> String {
        self.request("userDataStream.subscribe.signature", id, signature)
    }

    /// The request that logs the connection in, likewise.
    #[must_use]
    pub fn logon(&self, id: RequestId, signature: &str) -> String {
        self.request("session.logon", id, signature)
    }

    fn request(&self, method: &str, id: RequestId, signature: &str) -> String {
        let mut out = format!(r#"{{"id":{id},"method":"{method}","params":{{"apiKey":""#);
        escape(self.api_key, &mut out);
        let (valid, millis) = (Self::VALID, self.millis);
        out.push_str(&format!(
            r#"","recvWindow":{valid},"timestamp":{millis},"signature":""#
        ));
        escape(signature, &mut out);
        out.push_str(r#""}}"#);
        out
    }
}

/// Writes a text as it stands between the quotes of JSON (RFC 8259 section 7).
fn escape(text: &str, out: &mut String) {
    for character in text.chars() {
        match character {
            '"' | '\\' => out.extend(['\\', character]),
            '\0'..='\u{1f}' => out.push_str(&format!("\\u{:04x}", u32::from(character))),
            _ => out.push(character),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_passphrase_may_have_any_characters() {
        let passphrase = "a\"b\\c\nd\u{1}é币";
        let login = OkxLogin {
            api_key: "key",
            passphrase,
            seconds: 7,
        };
        let request: serde_json::Value = serde_json::from_str(&login.request("s+/=")).unwrap();
        let argument = &request["args"][0];
        assert_eq!(request["op"], "login");
        assert_eq!(argument["passphrase"], passphrase);
        assert_eq!(argument["timestamp"], "7");
        assert_eq!(argument["sign"], "s+/=");
    }

    #[test]
    fn a_logon_differs_from_a_subscription_by_its_method_alone() {
        let login = BinanceLogin {
            api_key: "a\"key",
            millis: 9,
        };
        let subscription = login.subscription(3, "s+/=");
        let logon = login.logon(3, "s+/=");
        assert_eq!(
            subscription.replace("userDataStream.subscribe.signature", "session.logon"),
            logon
        );
        let request: serde_json::Value = serde_json::from_str(&logon).unwrap();
        assert_eq!(request["params"]["apiKey"], "a\"key");
        assert_eq!(request["params"]["signature"], "s+/=");
    }
}
