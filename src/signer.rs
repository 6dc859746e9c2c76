//! Who answers when a session wants something signed: here alone keys and sessions meet.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use marketprism_core::venue::{BinanceLogin, Challenge, OkxLogin, Unsigned};
use marketprism_shell::Signer;

use crate::secret::{BinanceKeys, Keys, OkxKeys, Secret, mac};

/// A signer that has these keys, as far as there are any.
pub(crate) fn signer(keys: Keys) -> Signer {
    let hidden: Vec<_> = hidden(&keys)
        .map(|secret| secret.reveal().to_owned())
        .collect();
    let api_key = keys
        .binance
        .as_ref()
        .map(|keys| keys.api_key.reveal().to_owned());
    let signer = Signer::new(move |_, challenge| {
        let Keys { okx, binance } = &keys;
        let request = match (challenge, okx, binance) {
            (Challenge::OkxLogin, Some(keys), _) => Some(okx_login(keys, since_epoch().as_secs())),
            (_, _, Some(keys)) => binance_login(keys, challenge, since_epoch()),
            _ => None,
        };
        request.ok_or(Unsigned)
    });
    let signer = hidden.into_iter().fold(signer, Signer::hiding);
    match api_key {
        Some(api_key) => signer.with_api_key(api_key),
        None => signer,
    }
}

/// What venues are sent, and may repeat: in the answer to a logon, or in the words of a refusal.
fn hidden(keys: &Keys) -> impl Iterator<Item = &Secret> {
    let okx = keys.okx.iter();
    let okx = okx.flat_map(|keys| [&keys.api_key, &keys.passphrase]);
    okx.chain(keys.binance.iter().map(|keys| &keys.api_key))
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

/// The request that is asked for, signed for this time, if it is one that is signed.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the list of challenges is open; what is not named is not signed"
)]
fn binance_login(keys: &BinanceKeys, challenge: Challenge, now: Duration) -> Option<String> {
    let login = BinanceLogin {
        api_key: keys.api_key.reveal(),
        millis: u64::try_from(now.as_millis()).unwrap_or(u64::MAX),
    };
    let signature = || keys.signing.sign(&login.text());
    match challenge {
        Challenge::BinanceSubscribe(id) => Some(login.subscription(id, &signature()?)),
        Challenge::BinanceLogon(id) => Some(login.logon(id, &signature()?)),
        _ => None,
    }
}

/// Base64 of HMAC-SHA256, as OKX signs ("OKX API guide", WebSocket, Login).
pub(crate) fn okx_signature(secret_key: &str, text: &str) -> String {
    STANDARD.encode(mac(secret_key, text))
}

/// Wall-clock time.
fn since_epoch() -> Duration {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::SigningKey;

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

    /// The signature of this text is held against another implementation beside the keys.
    #[test]
    fn a_subscription_is_signed_for_its_time_and_number() {
        let keys = BinanceKeys {
            api_key: Secret::new("key".to_owned()),
            signing: SigningKey::Hmac(Secret::new("secret".to_owned())),
        };
        let now = Duration::from_millis(1_747_385_641_636);
        let subscription = Challenge::BinanceSubscribe(4);
        assert_eq!(
            binance_login(&keys, subscription, now).unwrap(),
            r#"{"id":4,"method":"userDataStream.subscribe.signature","params":{"apiKey":"key","recvWindow":5000,"timestamp":1747385641636,"signature":"ce48a7186c8cb560dddafabc75a8d775aed6234db1cf9a4ba5a9704010989bc5"}}"#
        );
        assert_eq!(binance_login(&keys, Challenge::OkxLogin, now), None);
    }

    #[test]
    fn without_keys_nothing_is_signed() {
        let printed = format!("{:?}", signer(Keys::default()));
        assert_eq!(printed, "Signer");
    }
}
