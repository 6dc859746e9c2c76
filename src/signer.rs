//! Who answers when a session wants something signed: here alone keys and sessions meet.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use marketprism_core::venue::{Challenge, OkxLogin, Unsigned};
use marketprism_shell::Signer;
use ring::hmac;

use crate::secret::OkxKeys;

/// A signer that has these keys, if any.
pub(crate) fn signer(okx: Option<OkxKeys>) -> Signer {
    Signer::new(move |_, challenge| match (challenge, &okx) {
        (Challenge::OkxLogin, Some(keys)) => Ok(okx_login(keys, unix_seconds())),
        _ => Err(Unsigned),
    })
}

/// The login request, signed for this time.
fn okx_login(keys: &OkxKeys, seconds: u64) -> String {
    let login = OkxLogin {
        api_key: keys.api_key.reveal(),
        passphrase: keys.passphrase.reveal(),
        seconds,
    };
    login.request(&okx_signature(keys.secret_key.reveal(), &login.text()))
}

/// Base64 of HMAC-SHA256, as OKX signs ("OKX API guide", WebSocket, Login).
pub(crate) fn okx_signature(secret_key: &str, text: &str) -> String {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret_key.as_bytes());
    STANDARD.encode(hmac::sign(&key, text.as_bytes()))
}

fn unix_seconds() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default().as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::Secret;

    /// Computed with another implementation of HMAC (Python's `hmac`).
    #[test]
    fn a_login_is_signed_as_others_would_sign_it() {
        let keys = OkxKeys {
            api_key: Secret::new("key".to_owned()),
            secret_key: Secret::new("secret".to_owned()),
            passphrase: Secret::new("pass".to_owned()),
        };
        assert_eq!(
            okx_login(&keys, 1_538_054_050),
            r#"{"op":"login","args":[{"apiKey":"key","passphrase":"pass","timestamp":"1538054050","sign":"Gj2hQIVKFcXbiwCak8SmVOu5mxPCizWDdmUAhbx8Z+s="}]}"#
        );
    }

    #[test]
    fn without_keys_nothing_is_signed() {
        let printed = format!("{:?}", signer(None));
        assert_eq!(printed, "Signer");
    }
}
