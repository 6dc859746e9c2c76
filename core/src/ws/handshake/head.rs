//! The head of an HTTP message as it arrives.

use alloc::vec::Vec;

use memchr::memmem;

use super::HandshakeError;
use crate::buffer::ReceiveBuffer;

/// What ends a head.
const END: &[u8] = b"\r\n\r\n";

/// Collects a head until its end, and no byte beyond it. The end is searched from where the last
/// search stopped and the head is parsed once, so a peer that dribbles costs no more than one
/// that does not.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Head {
    bytes: Vec<u8>,
    max: usize,
}

impl Head {
    /// A head of up to `max` bytes.
    pub(super) const fn new(max: usize) -> Self {
        Self {
            bytes: Vec::new(),
            max,
        }
    }

    /// Takes the head's bytes; `None` as long as it is incomplete, and then the buffer is empty.
    pub(super) fn read(&mut self, rx: &mut ReceiveBuffer) -> Result<Option<&[u8]>, HandshakeError> {
        let before = self.bytes.len();
        let fresh = rx.filled();
        let fits = fresh.len().min(self.max - before);
        self.bytes
            .extend_from_slice(fresh.get(..fits).unwrap_or_default());
        let from = before.saturating_sub(END.len() - 1);
        let searched = self.bytes.get(from..).unwrap_or_default();
        match memmem::find(searched, END) {
            Some(at) => {
                let end = from + at + END.len();
                self.bytes.truncate(end);
                rx.take(end - before);
                Ok(Some(&self.bytes))
            }
            None if fits < fresh.len() || self.bytes.len() == self.max => {
                Err(HandshakeError::TooLong)
            }
            None => {
                rx.take(fits);
                Ok(None)
            }
        }
    }

    /// What has been collected.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Prepares for the next head.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
    }
}

/// What httparse says, as an error of ours.
pub(super) const fn parse_error(error: httparse::Error) -> HandshakeError {
    match error {
        httparse::Error::TooManyHeaders => HandshakeError::TooManyFields,
        httparse::Error::Version => HandshakeError::HttpVersion,
        httparse::Error::HeaderName
        | httparse::Error::HeaderValue
        | httparse::Error::NewLine
        | httparse::Error::Status
        | httparse::Error::Token => HandshakeError::Syntax,
    }
}
