//! Logging in: what is to be signed, and the request that carries the signature.
//!
//! Whoever holds the secrets calls these functions and hands over the finished request alone.
//! Nothing here keeps anything.

use alloc::format;
use alloc::string::String;

/// What somebody who holds an account's secrets is asked to sign.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Challenge {
    /// A login on OKX: answer with what [`OkxLogin::request`] writes.
    OkxLogin,
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
}
