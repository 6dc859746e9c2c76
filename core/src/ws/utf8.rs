//! UTF-8 checked as it arrives (RFC 6455 section 8.1): text that can no longer become valid is
//! refused at once, wherever a character was cut.

use alloc::string::String;

/// Not UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Invalid;

/// Text that is still arriving.
///
/// What is checked is kept as a `String`, so lending it costs nothing. A character that was cut
/// waits outside until the rest of it arrives.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Text {
    checked: String,
    cut: [u8; 3],
    cut_len: usize,
}

impl Text {
    /// Forgets the text and keeps the memory, up to `keep` bytes of it.
    pub(crate) fn clear(&mut self, keep: usize) {
        self.checked.clear();
        self.checked.shrink_to(keep);
        self.cut_len = 0;
    }

    /// Prepares for `more` bytes.
    pub(crate) fn reserve(&mut self, more: usize) {
        self.checked.reserve(more);
    }

    /// Bytes so far.
    pub(crate) const fn len(&self) -> usize {
        self.checked.len() + self.cut_len
    }

    /// The characters that are complete.
    pub(crate) fn as_str(&self) -> &str {
        &self.checked
    }

    /// Appends what has arrived.
    pub(crate) fn push(&mut self, bytes: &[u8]) -> Result<(), Invalid> {
        let bytes = self.complete_cut(bytes)?;
        let (whole, cut) = split_cut(bytes);
        self.checked.push_str(check(whole)?);
        self.set_aside(cut)
    }

    /// Declares the end: no character may be left incomplete.
    pub(crate) const fn finish(&self) -> Result<(), Invalid> {
        match self.cut_len {
            0 => Ok(()),
            _ => Err(Invalid),
        }
    }

    /// Adds to the character that was cut until it is complete, and returns the bytes after it.
    fn complete_cut<'a>(&mut self, mut bytes: &'a [u8]) -> Result<&'a [u8], Invalid> {
        while let (1.., [first, rest @ ..]) = (self.cut_len, bytes) {
            let mut character = [0; 4];
            character[..self.cut_len].copy_from_slice(&self.cut[..self.cut_len]);
            character[self.cut_len] = *first;
            let character = &character[..=self.cut_len];
            self.cut_len = 0;
            match core::str::from_utf8(character) {
                Ok(complete) => self.checked.push_str(complete),
                Err(_) => self.set_aside(character)?,
            }
            bytes = rest;
        }
        Ok(bytes)
    }

    /// Keeps the beginning of a character, if it is one.
    fn set_aside(&mut self, cut: &[u8]) -> Result<(), Invalid> {
        match core::str::from_utf8(cut) {
            // Empty: a non-empty `cut` begins with an incomplete character.
            Ok(_) => Ok(()),
            Err(error) if error.error_len().is_none() && error.valid_up_to() == 0 => {
                self.cut[..cut.len()].copy_from_slice(cut);
                self.cut_len = cut.len();
                Ok(())
            }
            Err(_) => Err(Invalid),
        }
    }
}

/// `bytes` as text, all at once.
#[inline]
pub(crate) fn check(bytes: &[u8]) -> Result<&str, Invalid> {
    simdutf8::basic::from_utf8(bytes).map_err(|_| Invalid)
}

/// Splits off the last character if, by its first byte, it is incomplete.
fn split_cut(bytes: &[u8]) -> (&[u8], &[u8]) {
    let cut = match bytes {
        [.., first] if *first >= 0xC0 => 1,
        [.., first, _] if *first >= 0xE0 => 2,
        [.., first, _, _] if *first >= 0xF0 => 3,
        _ => 0,
    };
    bytes.split_at(bytes.len() - cut)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    /// The text, or how many bytes were taken before it was refused.
    fn feed<'a>(chunks: impl Iterator<Item = &'a [u8]>) -> Result<String, usize> {
        let mut text = Text::default();
        let mut taken = 0;
        for chunk in chunks {
            text.push(chunk).map_err(|Invalid| taken)?;
            taken += chunk.len();
        }
        text.finish().map_err(|Invalid| taken)?;
        Ok(text.as_str().into())
    }

    #[test]
    fn every_two_byte_beginning_is_judged_as_core_does() {
        for first in 0..=u8::MAX {
            for second in 0..=u8::MAX {
                let bytes = [first, second];
                let hopeless = |taken: &usize| {
                    core::str::from_utf8(&bytes[..=*taken])
                        .is_err_and(|error| error.error_len().is_some())
                };
                let cut = core::str::from_utf8(&bytes).is_err().then_some(bytes.len());
                let expected = (0..bytes.len()).find(hopeless).or(cut);
                let got = feed(bytes.chunks(1)).err();
                assert_eq!(got, expected, "{bytes:02x?}");
            }
        }
    }

    #[test]
    fn every_character_survives_every_cut() {
        let text = "aß€𐍈\u{10FFFF}\u{D7FF}\u{E000}z";
        for cut in 0..=text.len() {
            let (head, tail) = text.as_bytes().split_at(cut);
            assert_eq!(feed([head, tail].into_iter()).as_deref(), Ok(text), "{cut}");
        }
        assert_eq!(feed(text.as_bytes().chunks(1)).as_deref(), Ok(text));
    }

    #[test]
    fn what_can_no_longer_become_valid_is_refused_at_once() {
        let table: &[(&[u8], usize)] = &[
            (b"a\xFFb", 1),
            (b"\xC0\xAF", 0),
            (b"\xE0\x80\x80", 1),
            (b"\xED\xA0\x80", 1),
            (b"\xF4\x90\x80\x80", 1),
            (b"\xF8\x88", 0),
            (b"\xCE\xBA\xE1\xBD\xB9\xF4\x90", 6),
            (b"\xE2\x82", 2),
            (b"\x80", 0),
        ];
        for (bytes, taken) in table {
            assert_eq!(feed(bytes.chunks(1)), Err(*taken), "{bytes:02x?}");
            assert!(feed([*bytes].into_iter()).is_err(), "{bytes:02x?}");
        }
    }

    #[test]
    fn clearing_forgets_a_cut_character() {
        let mut text = Text::default();
        assert_eq!(text.push(b"a\xE2\x82"), Ok(()));
        assert_eq!((text.len(), text.as_str()), (3, "a"));
        text.clear(0);
        assert_eq!((text.len(), text.finish()), (0, Ok(())));
        let bytes: Vec<u8> = (0..0x80).collect();
        assert_eq!(text.push(&bytes), Ok(()));
    }
}
