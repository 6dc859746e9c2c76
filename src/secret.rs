//! Secrets: kept out of everything that is printed, and wiped when they are no longer needed.

use std::fmt;

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

/// The keys of an account on OKX.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct OkxKeys {
    pub(crate) api_key: Secret,
    pub(crate) secret_key: Secret,
    pub(crate) passphrase: Secret,
}

#[cfg(test)]
mod tests {
    use super::*;

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
