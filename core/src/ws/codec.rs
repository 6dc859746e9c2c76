//! Compression and decompression of messages (RFC 7692 section 7.2), on flate2 with zlib-rs.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress, Status};

use super::deflate::{Context, Side};
use super::frame::Fin;
use super::{Full, Violation};

/// What the sender of a message leaves out of its end (RFC 7692 section 7.2.1).
const TAIL: [u8; 4] = [0x00, 0x00, 0xFF, 0xFF];
/// Inflated bytes handed over at a time: the most that a bomb gets before it is noticed.
const STEP: usize = 8 << 10;

/// Decompresses what the peer sends. zlib-rs takes about 48 KiB for it, whatever the window.
pub(super) struct Inflater {
    stream: Decompress,
    step: Box<[u8]>,
    context: Context,
}

impl Inflater {
    /// For a peer that compresses as agreed. The window is always of the largest size: it reads
    /// what any smaller one wrote, and zlib-rs would not take less memory.
    pub(super) fn new(theirs: Side) -> Self {
        Self {
            stream: Decompress::new(false),
            step: vec![0; STEP].into_boxed_slice(),
            context: theirs.context,
        }
    }

    /// Takes a piece of a compressed message and hands over what comes out of it, in steps.
    pub(super) fn push(
        &mut self,
        mut input: &[u8],
        mut each: impl FnMut(&[u8]) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        loop {
            let (taken, made) = (self.stream.total_in(), self.stream.total_out());
            let status = self
                .stream
                .decompress(input, &mut self.step, FlushDecompress::Sync);
            let taken = progress(taken, self.stream.total_in());
            let made = progress(made, self.stream.total_out());
            input = input.get(taken..).unwrap_or_default();
            // Also what came before an error: the verdict must not depend on how input was cut.
            each(self.step.get(..made).unwrap_or_default())?;
            match status {
                Err(_) => return Err(Violation::Deflate),
                // A block with BFINAL set (RFC 7692 section 7.2.3.5): what follows starts anew.
                Ok(Status::StreamEnd) => self.stream.reset(false),
                Ok(Status::Ok | Status::BufError) if made == self.step.len() => continue,
                Ok(Status::Ok | Status::BufError) if taken == 0 => return Ok(()),
                Ok(Status::Ok | Status::BufError) => {}
            }
            if input.is_empty() {
                return Ok(());
            }
        }
    }

    /// Declares the end of the message.
    pub(super) fn finish(
        &mut self,
        each: impl FnMut(&[u8]) -> Result<(), Violation>,
    ) -> Result<(), Violation> {
        // At the start of a stream there is no block for the tail to complete: the message ended
        // with its stream, without the empty block that should have followed.
        if self.stream.total_in() > 0 {
            self.push(&TAIL, each)?;
        }
        if self.context == Context::Fresh {
            self.stream.reset(false);
        }
        Ok(())
    }
}

/// Compresses what we send. zlib-rs takes about 260 KiB for it with the largest window.
pub(super) struct Deflater {
    stream: Compress,
    context: Context,
}

impl Deflater {
    /// Compresses as agreed; `None` for a window of 256 bytes, which zlib cannot promise to keep
    /// to: messages then go uncompressed, as RFC 7692 section 6 allows for each.
    pub(super) fn new(ours: Side) -> Option<Self> {
        let bits = ours.window_bits.bits();
        (bits > 8).then(|| Self {
            stream: Compress::new_with_window_bits(Compression::default(), false, bits),
            context: ours.context,
        })
    }

    /// The most that `len` bytes can become: 9 bits each and a few block headers.
    pub(super) const fn bound(len: usize) -> usize {
        len.saturating_add(len / 8).saturating_add(64)
    }

    /// Compresses a piece of a message into `out`, which is empty.
    ///
    /// # Errors
    /// [`Full`] stands for a failure inside zlib that its contract rules out.
    pub(super) fn push(&mut self, input: &[u8], fin: Fin, out: &mut Vec<u8>) -> Result<(), Full> {
        if !input.is_empty() {
            self.compress(input, out)?;
        }
        if fin == Fin::Last {
            self.finish(input, out);
        }
        Ok(())
    }

    fn compress(&mut self, mut input: &[u8], out: &mut Vec<u8>) -> Result<(), Full> {
        out.reserve(Self::bound(input.len()));
        loop {
            let taken = self.stream.total_in();
            self.stream
                .compress_vec(input, out, FlushCompress::Sync)
                .map_err(|_| Full)?;
            let taken = progress(taken, self.stream.total_in());
            input = input.get(taken..).unwrap_or_default();
            if input.is_empty() && out.len() < out.capacity() {
                return Ok(());
            }
            out.reserve(Self::bound(input.len()));
        }
    }

    /// Leaves out the tail of the flush, or writes the empty message (RFC 7692 section 7.2.3.6).
    fn finish(&mut self, input: &[u8], out: &mut Vec<u8>) {
        if input.is_empty() {
            out.push(0);
        } else if out.ends_with(&TAIL) {
            out.truncate(out.len() - TAIL.len());
        }
        if self.context == Context::Fresh {
            self.stream.reset();
        }
    }
}

fn progress(before: u64, after: u64) -> usize {
    usize::try_from(after.saturating_sub(before)).unwrap_or(usize::MAX)
}

/// What explores all that can happen copies whole machines, none of which compresses: zlib's state
/// cannot be copied.
#[cfg(test)]
impl Clone for Inflater {
    fn clone(&self) -> Self {
        unreachable!("an explored connection agrees on no compression")
    }
}

#[cfg(test)]
impl Clone for Deflater {
    fn clone(&self) -> Self {
        unreachable!("an explored connection agrees on no compression")
    }
}

impl fmt::Debug for Inflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inflater")
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Deflater {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Deflater")
            .field("context", &self.context)
            .finish_non_exhaustive()
    }
}
