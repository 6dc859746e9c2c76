//! Secrets: kept out of everything that is printed, and wiped when they are no longer needed.

use std::fmt;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;
use ring::signature::Ed25519KeyPair;
use rustls::pki_types::PrivatePkcs8KeyDer;
use rustls::pki_types::pem::PemObject;
use zeroize::Zeroizing;

/// A text that nobody but the venue is to see.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Secret(Zeroizing<String>);

impl Secret {
    pub(crate) fn new(text: String) -> Self {
        Self(Zeroizing::new(text))
    }

    /// The text itself, for signing and for the venue.
    pub(crate) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

/// The keys of all accounts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Keys {
    pub(crate) okx: Option<OkxKeys>,
    pub(crate) binance: Option<BinanceKeys>,
}

/// The keys of an account on OKX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OkxKeys {
    pub(crate) api_key: Secret,
    pub(crate) secret_key: Secret,
    pub(crate) passphrase: Secret,
}

/// The keys of an account on Binance, good for all of its markets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct BinanceKeys {
    pub(crate) api_key: Secret,
    pub(crate) signing: SigningKey,
}

impl BinanceKeys {
    /// Whether the WebSocket API takes the key for a login: Ed25519 alone ("Session
    /// Authentication").
    pub(crate) const fn may_log_in(&self) -> bool {
        matches!(self.signing, SigningKey::Ed25519(_))
    }
}

/// What signs on Binance.
#[derive(Clone, PartialEq, Eq)]
pub(crate) enum SigningKey {
    /// HMAC-SHA256 with this secret.
    Hmac(Secret),
    /// Ed25519, as a PKCS#8 document.
    Ed25519(Zeroizing<Vec<u8>>),
}

impl SigningKey {
    /// Reads a private key, if this is one of the kind that Binance takes for a login.
    pub(crate) fn from_pem(pem: &Secret) -> Option<Self> {
        let der = PrivatePkcs8KeyDer::from_pem_slice(pem.reveal().as_bytes()).ok()?;
        let document = Zeroizing::new(der.secret_pkcs8_der().to_vec());
        key_pair(&document).map(|_| Self::Ed25519(document))
    }

    /// The signature of a text, written as Binance wants it ("Request security"): of HMAC in
    /// hexadecimal digits, of Ed25519 in Base64.
    pub(crate) fn sign(&self, text: &str) -> Option<String> {
        match self {
            Self::Hmac(secret) => Some(hexadecimal(&mac(secret.reveal(), text))),
            Self::Ed25519(document) => {
                let signature = key_pair(document)?.sign(text.as_bytes());
                Some(STANDARD.encode(signature))
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    /// Its kind, and nothing of what it holds.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hmac(_) => "Hmac",
            Self::Ed25519(_) => "Ed25519",
        })
    }
}

/// HMAC-SHA256.
pub(crate) fn mac(secret_key: &str, text: &str) -> hmac::Tag {
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret_key.as_bytes());
    hmac::sign(&key, text.as_bytes())
}

fn hexadecimal(tag: &hmac::Tag) -> String {
    let digits = tag.as_ref().iter().map(|byte| format!("{byte:02x}"));
    digits.collect()
}

/// OpenSSL and others leave the public key out of the document.
fn key_pair(document: &[u8]) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_pkcs8_maybe_unchecked(document).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first test vector of RFC 8032, section 7.1, as OpenSSL writes it.
    const PEM: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIJ1hsZ3v/VpguoRK9JLsLMREScVpezJpGXA7rAMcrn9g
-----END PRIVATE KEY-----
";

    const TEXT: &str = "apiKey=key&recvWindow=5000&timestamp=1747385641636";

    /// Both signatures were computed with other implementations (Python's `hmac` and `cryptography`).
    #[test]
    fn what_binance_wants_signed_is_signed_as_others_would_sign_it() {
        let shared = SigningKey::Hmac(Secret::new("secret".to_owned()));
        assert_eq!(
            shared.sign(TEXT).unwrap(),
            "ce48a7186c8cb560dddafabc75a8d775aed6234db1cf9a4ba5a9704010989bc5"
        );
        let own = SigningKey::from_pem(&Secret::new(PEM.to_owned())).unwrap();
        assert_eq!(
            own.sign(TEXT).unwrap(),
            "Xy7UYBi97gGPXrSl14E8eMglZo1TMQAhr0P2swiZl0IrIP0bczMWdko24wT6yGq0q+t3qfGzQi0FzD0OpJr1CA=="
        );
        assert_eq!(format!("{shared:?} {own:?}"), "Hmac Ed25519");
    }

    #[test]
    fn what_is_no_private_key_is_none() {
        let cut = PEM.replace("MC4C", "MC4");
        for text in ["", "hush", &cut, &PEM.replace("PRIVATE", "PUBLIC")] {
            let read = SigningKey::from_pem(&Secret::new(text.to_owned()));
            assert_eq!(read, None, "{text}");
        }
    }

    #[test]
    fn a_secret_is_never_printed() {
        let secret = Secret::new("hush".to_owned());
        assert_eq!(secret.reveal(), "hush");
        assert_eq!(
            format!("{secret:?} {:?}", Some(&secret)),
            "Secret Some(Secret)"
        );
    }
}
