//! Close frames and their codes (RFC 6455 sections 5.5.1 and 7.4).

use super::frame::MAX_CONTROL;
use super::{Violation, utf8};

/// What a close frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseFrame<'a> {
    /// The status code.
    pub code: u16,
    /// Why, for a person to read; at most 123 bytes.
    pub reason: &'a str,
}

impl CloseFrame<'_> {
    /// Writes the payload and returns its length: nothing for a code that must not be sent, and
    /// as much of the reason as there is room for.
    pub(crate) fn write(self, payload: &mut [u8; MAX_CONTROL]) -> usize {
        if !is_valid_close_code(self.code) {
            return 0;
        }
        let (code, room) = payload.split_at_mut(2);
        code.copy_from_slice(&self.code.to_be_bytes());
        let cut = self.reason.floor_char_boundary(room.len());
        let reason = self.reason.as_bytes().get(..cut).unwrap_or_default();
        for (slot, byte) in room.iter_mut().zip(reason) {
            *slot = *byte;
        }
        2 + reason.len()
    }
}

/// Whether a close frame may carry this code: those that RFC 6455 section 7.4.1 and the IANA
/// registry ("WebSocket Close Code Number") define for the wire, and the ranges for libraries
/// and applications (section 7.4.2). 1004, 1005, 1006 and 1015 must not be sent.
#[must_use]
pub const fn is_valid_close_code(code: u16) -> bool {
    matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999)
}

/// Reads the payload of a close frame.
pub(crate) fn parse(payload: &[u8]) -> Result<Option<CloseFrame<'_>>, Violation> {
    match payload {
        [] => Ok(None),
        [_] => Err(Violation::CloseLength),
        [a, b, reason @ ..] => {
            let code = u16::from_be_bytes([*a, *b]);
            if !is_valid_close_code(code) {
                return Err(Violation::CloseCode);
            }
            let reason = utf8::check(reason).map_err(|_| Violation::CloseReason)?;
            Ok(Some(CloseFrame { code, reason }))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_for_the_wire() {
        let refused = [
            0, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 65535,
        ];
        let accepted = [
            1000, 1001, 1002, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999,
        ];
        assert!(!refused.into_iter().any(is_valid_close_code));
        assert!(accepted.into_iter().all(is_valid_close_code));
    }

    #[test]
    fn payloads_are_read_or_refused_by_name() {
        let reason = "bye";
        assert_eq!(parse(b""), Ok(None));
        assert_eq!(
            parse(b"\x03\xE8bye"),
            Ok(Some(CloseFrame { code: 1000, reason }))
        );
        assert_eq!(parse(b"\x03"), Err(Violation::CloseLength));
        assert_eq!(parse(b"\x03\xEE"), Err(Violation::CloseCode));
        assert_eq!(parse(b"\x03\xE8\xFF"), Err(Violation::CloseReason));
    }
}
