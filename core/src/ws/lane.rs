//! A queue of whole frames in one piece of memory.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::fmt;

use super::KEEP;

/// Frames in the order of their going out.
#[derive(Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Lane {
    bytes: Vec<u8>,
    /// Bytes at the front that have been written.
    sent: usize,
    /// The lengths of the frames that are not wholly written.
    frames: VecDeque<usize>,
    /// How much of the first of them has been written.
    begun: usize,
}

impl fmt::Debug for Lane {
    /// How much waits, and not what: there may be secrets in it.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane")
            .field("bytes", &self.unsent().len())
            .field("frames", &self.frames)
            .finish_non_exhaustive()
    }
}

impl Lane {
    /// Bytes that are not written yet.
    pub(super) fn unsent(&self) -> &[u8] {
        self.bytes.get(self.sent..).unwrap_or_default()
    }

    /// The rest of a frame that is partly written; empty if there is none.
    pub(super) fn rest_of_begun(&self) -> &[u8] {
        match (self.begun, self.frames.front()) {
            (1.., Some(len)) => self.unsent().get(..len - self.begun).unwrap_or_default(),
            _ => &[],
        }
    }

    /// Appends a frame of whatever `write` appends.
    pub(super) fn push(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        self.reclaim();
        let before = self.bytes.len();
        write(&mut self.bytes);
        self.frames.push_back(self.bytes.len() - before);
    }

    /// Declares that the first `count` bytes of [`unsent`](Self::unsent) have been written, and
    /// returns how many frames were thereby completed.
    pub(super) fn written(&mut self, count: usize) -> usize {
        let count = count.min(self.unsent().len());
        self.sent += count;
        self.begun += count;
        let mut completed = 0;
        while let Some(len) = self
            .frames
            .front()
            .copied()
            .filter(|len| *len <= self.begun)
        {
            self.begun -= len;
            self.frames.pop_front();
            completed += 1;
        }
        if self.frames.is_empty() {
            self.bytes.clear();
            self.bytes.shrink_to(KEEP);
            self.sent = 0;
        }
        completed
    }

    /// Forgets every frame.
    pub(super) fn clear(&mut self) {
        self.bytes.clear();
        self.frames.clear();
        (self.sent, self.begun) = (0, 0);
    }

    /// Frames that are not wholly written.
    pub(super) fn len(&self) -> usize {
        self.frames.len()
    }

    /// Whether the first frame is partly written.
    pub(super) const fn is_begun(&self) -> bool {
        self.begun > 0
    }

    /// Takes the frame at `index` out again, unless it is begun.
    pub(super) fn remove(&mut self, index: usize) {
        if index == 0 && self.is_begun() {
            return;
        }
        let before: usize = self.frames.iter().take(index).sum();
        if let Some(len) = self.frames.remove(index) {
            let start = self.sent + before - self.begun;
            self.bytes.drain(start..start + len);
        }
    }

    /// Moves unsent bytes to the front once at least as many have been sent, so that each byte
    /// is moved once at the most on average.
    fn reclaim(&mut self) {
        if self.sent > self.bytes.len() / 2 {
            self.bytes.drain(..self.sent);
            self.sent = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec;

    fn lane(frames: &[&[u8]]) -> Lane {
        let mut lane = Lane::default();
        for frame in frames {
            lane.push(|out| out.extend_from_slice(frame));
        }
        lane
    }

    #[test]
    fn frames_go_out_in_order_however_the_writes_are_cut() {
        for cut in 0..=9 {
            let mut lane = lane(&[b"abc", b"defg", b"hi"]);
            let mut out = Vec::new();
            out.extend_from_slice(&lane.unsent()[..cut]);
            let mut completed = lane.written(cut);
            lane.push(|bytes| bytes.extend_from_slice(b"jk"));
            out.extend_from_slice(lane.unsent());
            completed += lane.written(usize::MAX);
            assert_eq!((out.as_slice(), completed), (&b"abcdefghijk"[..], 4));
            assert_eq!((lane.unsent(), lane.len()), (&b""[..], 0));
        }
    }

    #[test]
    fn the_rest_of_a_begun_frame_is_known() {
        let mut lane = lane(&[b"abc", b"de"]);
        let rests: [&[u8]; 6] = [b"", b"bc", b"c", b"", b"e", b""];
        for rest in rests {
            assert_eq!(lane.rest_of_begun(), rest);
            lane.written(1);
        }
    }

    #[test]
    fn a_frame_can_be_taken_out_unless_it_is_begun() {
        let mut lane = lane(&[b"abc", b"de", b"f"]);
        lane.written(1);
        lane.remove(0);
        assert_eq!(lane.unsent(), b"bcdef");
        lane.remove(1);
        assert_eq!((lane.unsent(), lane.len()), (&b"bcf"[..], 2));
        lane.remove(7);
        assert_eq!(lane.len(), 2);
    }

    #[test]
    fn the_memory_of_a_huge_frame_is_given_back() {
        let mut lane = lane(&[&vec![0; 3 * KEEP]]);
        lane.written(usize::MAX);
        assert!(lane.bytes.capacity() <= KEEP);
    }

    #[test]
    fn memory_is_reclaimed_while_the_lane_never_runs_empty() {
        let mut lane = lane(&[&[0; 100]]);
        for _ in 0..1000 {
            lane.push(|out| out.extend_from_slice(&[1; 100]));
            lane.written(100);
        }
        assert_eq!(lane.unsent().len(), 100);
        assert!(lane.bytes.capacity() <= 1000, "{}", lane.bytes.capacity());
    }
}
