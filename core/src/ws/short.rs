//! A few bytes that wait for the rest.

/// Up to `N` bytes, in place.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Short<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Short<N> {
    pub(super) const EMPTY: Self = Self {
        bytes: [0; N],
        len: 0,
    };

    /// Appends as much as there is room for: callers know that all of it fits.
    pub(super) fn fill(&mut self, more: &[u8]) {
        for (slot, byte) in self.bytes.iter_mut().skip(self.len).zip(more) {
            *slot = *byte;
            self.len += 1;
        }
    }

    pub(super) fn filled(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.len == 0
    }

    pub(super) const fn clear(&mut self) {
        self.len = 0;
    }
}
