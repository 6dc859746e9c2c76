//! The receive buffer: it belongs to the shell's loop and is lent to one connection at a time.

use alloc::boxed::Box;
use alloc::vec;

/// Bytes as read from a socket, from the moment the shell reads them until a connection has
/// taken them in.
///
/// One buffer can serve every connection of a loop: a connection that is drained to the end
/// leaves it empty, because it keeps the tail of an incomplete frame itself. The cursor lives
/// here and moves as frames are taken, so a guard that is dropped or forgotten early replays
/// nothing and loses nothing.
///
/// ```
/// use marketprism_core::ReceiveBuffer;
///
/// let mut rx = ReceiveBuffer::with_capacity(16);
/// rx.spare()[..5].copy_from_slice(b"hello"); // what a socket's `read` would do
/// rx.commit(5);
/// assert_eq!(rx.filled(), b"hello");
/// ```
#[derive(Debug)]
pub struct ReceiveBuffer {
    bytes: Box<[u8]>,
    start: usize,
    end: usize,
}

impl ReceiveBuffer {
    /// A buffer that holds up to `capacity` bytes; it never grows.
    #[must_use]
    pub fn with_capacity(capacity: usize) -> Self {
        Self {
            bytes: vec![0; capacity].into_boxed_slice(),
            start: 0,
            end: 0,
        }
    }

    /// The room behind the unread bytes; read into its beginning, then [`commit`](Self::commit).
    ///
    /// Unread bytes are moved to the front first if they do not stand there yet.
    pub fn spare(&mut self) -> &mut [u8] {
        if self.start > 0 {
            self.bytes.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.start = 0;
        }
        &mut self.bytes[self.end..]
    }

    /// Declares that the first `count` bytes of [`spare`](Self::spare) have been filled; more
    /// than there is room for counts as all of it.
    #[inline]
    pub fn commit(&mut self, count: usize) {
        self.end = self.end.saturating_add(count).min(self.bytes.len());
    }

    /// The bytes that no connection has taken yet.
    #[must_use]
    #[inline]
    pub fn filled(&self) -> &[u8] {
        &self.bytes[self.start..self.end]
    }

    /// The same, for whoever has to strike something out before anybody reads it.
    #[must_use]
    #[inline]
    pub fn filled_mut(&mut self) -> &mut [u8] {
        self.bytes.get_mut(self.start..self.end).unwrap_or_default()
    }

    /// Whether every byte has been taken.
    #[must_use]
    #[inline]
    pub const fn is_empty(&self) -> bool {
        self.start == self.end
    }

    /// Forgets what has not been taken: the socket it came from is gone.
    #[inline]
    pub const fn clear(&mut self) {
        self.start = 0;
        self.end = 0;
    }

    /// Takes `count` bytes from the front and returns where they stand. The place stays valid
    /// until the next [`spare`](Self::spare), so an event can borrow it after the fact.
    #[inline]
    pub(crate) fn take(&mut self, count: usize) -> core::ops::Range<usize> {
        let start = self.start;
        self.start = start.saturating_add(count).min(self.end);
        start..self.start
    }

    /// The bytes at a place that [`take`](Self::take) returned; nothing if it returned it of
    /// another, larger buffer.
    #[inline]
    pub(crate) fn at(&self, place: core::ops::Range<usize>) -> &[u8] {
        self.bytes.get(place).unwrap_or_default()
    }

    /// The same, to unmask in place.
    pub(crate) fn at_mut(&mut self, place: core::ops::Range<usize>) -> &mut [u8] {
        self.bytes.get_mut(place).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled_with(bytes: &[u8], capacity: usize) -> ReceiveBuffer {
        let mut rx = ReceiveBuffer::with_capacity(capacity);
        rx.spare()[..bytes.len()].copy_from_slice(bytes);
        rx.commit(bytes.len());
        rx
    }

    #[test]
    fn what_is_taken_can_still_be_lent() {
        let mut rx = filled_with(b"abcdef", 8);
        let place = rx.take(4);
        assert_eq!(rx.at(place.clone()), b"abcd");
        assert_eq!(rx.filled(), b"ef");
        rx.at_mut(place.clone())[0] = b'A';
        assert_eq!(rx.at(place), b"Abcd");
    }

    #[test]
    fn spare_moves_unread_bytes_to_the_front() {
        let mut rx = filled_with(b"abcdef", 8);
        rx.take(4);
        assert_eq!(rx.spare().len(), 6);
        assert_eq!(rx.filled(), b"ef");
    }

    #[test]
    fn counts_beyond_the_buffer_are_clamped() {
        let mut rx = filled_with(b"ab", 4);
        assert_eq!(rx.take(100), 0..2);
        assert!(rx.is_empty());
        rx.commit(100);
        assert_eq!(rx.filled().len(), 2);
        rx.clear();
        assert!(rx.is_empty());
        assert_eq!(rx.spare().len(), 4);
    }
}
