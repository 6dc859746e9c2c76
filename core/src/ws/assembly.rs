//! Where a message that did not arrive whole and in one frame is put together.

use alloc::vec::Vec;

use super::utf8::Text;
use super::{KEEP, Kind, Violation};

/// The most that a header's word is taken for when memory is prepared.
const TRUST: usize = 1 << 16;

/// The message that is being put together, or that was last.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Assembly {
    text: Text,
    binary: Vec<u8>,
}

impl Assembly {
    /// Forgets the last message.
    pub(super) fn clear(&mut self) {
        self.text.clear(KEEP);
        self.binary.clear();
        self.binary.shrink_to(KEEP);
    }

    /// Prepares for a frame that announces `len` bytes.
    pub(super) fn reserve(&mut self, kind: Data, len: usize) {
        match kind {
            Data::Text => self.text.reserve(len.min(TRUST)),
            Data::Binary => self.binary.reserve(len.min(TRUST)),
        }
    }

    /// Whether there is nothing to forget.
    pub(super) const fn is_empty(&self) -> bool {
        self.text.len() == 0 && self.binary.is_empty()
    }

    /// Bytes so far.
    pub(super) fn len(&self, kind: Data) -> usize {
        match kind {
            Data::Text => self.text.len(),
            Data::Binary => self.binary.len(),
        }
    }

    /// Appends what has arrived, up to `limit` bytes in all. What fits is judged first, so the
    /// verdict does not depend on how the bytes were cut.
    pub(super) fn push(&mut self, kind: Data, bytes: &[u8], limit: usize) -> Result<(), Violation> {
        let room = limit.saturating_sub(self.len(kind));
        let (fits, excess) = bytes.split_at(room.min(bytes.len()));
        match kind {
            Data::Text => self.text.push(fits).map_err(|_| Violation::InvalidUtf8)?,
            Data::Binary => self.binary.extend_from_slice(fits),
        }
        if excess.is_empty() {
            Ok(())
        } else {
            Err(Violation::MessageTooBig)
        }
    }

    /// Declares the end of the message.
    pub(super) fn finish(&self, kind: Data) -> Result<(), Violation> {
        match kind {
            Data::Text => self.text.finish().map_err(|_| Violation::InvalidUtf8),
            Data::Binary => Ok(()),
        }
    }

    pub(super) fn text(&self) -> &str {
        self.text.as_str()
    }

    pub(super) fn binary(&self) -> &[u8] {
        &self.binary
    }
}

/// The two kinds of message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Data {
    Text,
    Binary,
}

impl From<Data> for Kind {
    fn from(data: Data) -> Self {
        match data {
            Data::Text => Self::Text,
            Data::Binary => Self::Binary,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    #[test]
    fn a_header_is_not_taken_at_its_word() {
        let mut assembly = Assembly::default();
        assembly.reserve(Data::Binary, 16 << 20);
        assert!((1..=TRUST).contains(&assembly.binary.capacity()));
    }

    #[test]
    fn the_memory_of_a_huge_message_is_given_back() {
        let mut assembly = Assembly::default();
        let huge = vec![0; 3 * KEEP];
        assert_eq!(assembly.push(Data::Binary, &huge, huge.len()), Ok(()));
        assembly.clear();
        assert!(assembly.binary.capacity() <= KEEP);
    }
}
