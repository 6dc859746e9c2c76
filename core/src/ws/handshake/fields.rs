//! Header fields looked up by name.

use httparse::Header;

use super::HandshakeError;

/// The fields of a parsed head. Names are compared without regard to case (RFC 9110 section
/// 5.1).
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'a, 'h>(pub(super) &'a [Header<'h>]);

impl<'a, 'h: 'a> Fields<'a, 'h> {
    /// Every value of the fields with this name, without the white space around it.
    pub(super) fn all(self, name: &'a str) -> impl Iterator<Item = &'h [u8]> + 'a {
        let named = move |field: &&Header<'_>| field.name.eq_ignore_ascii_case(name);
        self.0
            .iter()
            .filter(named)
            .map(|field| field.value.trim_ascii())
    }

    /// The value of the one field with this name: `None` if there is none, `error` if there are
    /// several or it is not text.
    pub(super) fn one(
        self,
        name: &'a str,
        error: HandshakeError,
    ) -> Result<Option<&'h str>, HandshakeError> {
        let mut values = self.all(name);
        match (values.next(), values.next()) {
            (None, _) => Ok(None),
            (Some(value), None) => core::str::from_utf8(value).map(Some).map_err(|_| error),
            (Some(_), Some(_)) => Err(error),
        }
    }

    /// Whether the comma-separated list in these fields has this token, in any case.
    pub(super) fn lists(self, name: &'a str, token: &str) -> bool {
        self.all(name)
            .flat_map(|value| value.split(|byte| *byte == b','))
            .any(|element| element.trim_ascii().eq_ignore_ascii_case(token.as_bytes()))
    }
}
