//! Messages in, bytes to write out.

use alloc::vec::Vec;
use core::fmt;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use super::codec::Deflater;
use super::frame::{self, Coding, Fin, Header, MAX_CONTROL, Opcode};
use super::lane::Lane;
use super::{CloseFrame, KEEP, Message, Role, deflate, mask};

/// Control frames that can wait: the reserve that messages cannot take.
const MAX_WAITING_CONTROLS: usize = 16;

/// What was to be sent does not fit, or a close frame has been queued and nothing may follow it
/// (RFC 6455 section 5.5.1). Nothing has been queued.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Full;

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the transmit queue has no room")
    }
}

impl core::error::Error for Full {}

/// A bounded queue of whole outgoing frames.
///
/// Control frames have a reserve of their own and go ahead of every frame that has not been
/// begun, never into one that has. A close frame is the exception: it goes last, and nothing
/// after it.
///
/// ```
/// use marketprism_core::ws::TransmitQueue;
///
/// let mut queue = TransmitQueue::server(1024);
/// queue.text("hello")?;
/// queue.ping(b"?")?;
/// assert_eq!(queue.bytes(), b"\x89\x01?");
/// queue.written(3);
/// assert_eq!(queue.bytes(), b"\x81\x05hello");
/// # Ok::<(), marketprism_core::ws::Full>(())
/// ```
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub struct TransmitQueue {
    /// The opening handshake.
    handshake: Lane,
    /// Messages, and the close frame.
    messages: Lane,
    controls: Lane,
    /// Where the newest pong stands in `controls`.
    newest_pong: Option<usize>,
    capacity: usize,
    keys: Option<ChaCha12Rng>,
    deflater: Option<Deflater>,
    scratch: Vec<u8>,
    closed: Closed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Closed {
    Open,
    Queued,
}

impl TransmitQueue {
    /// A client's queue for up to `capacity` bytes of messages, their headers included. Masking
    /// keys are drawn from `seed`, which must be unpredictable to whoever chooses the messages
    /// (RFC 6455 section 10.3).
    #[must_use]
    pub fn client(capacity: usize, seed: [u8; 32]) -> Self {
        Self::new(capacity, Some(ChaCha12Rng::from_seed(seed)))
    }

    /// A server's queue for up to `capacity` bytes of messages, their headers included.
    #[must_use]
    pub fn server(capacity: usize) -> Self {
        Self::new(capacity, None)
    }

    fn new(capacity: usize, keys: Option<ChaCha12Rng>) -> Self {
        Self {
            handshake: Lane::default(),
            messages: Lane::default(),
            controls: Lane::default(),
            newest_pong: None,
            capacity,
            keys,
            deflater: None,
            scratch: Vec::new(),
            closed: Closed::Open,
        }
    }

    /// Compresses every message from now on, as the handshake agreed, or none.
    pub fn compress(&mut self, deflate: Option<deflate::Agreement>) {
        self.deflater = deflate.and_then(|agreement| Deflater::new(agreement.ours));
    }

    /// Starts anew for another connection: forgets everything, compression included, and keeps
    /// the memory and the source of masking keys.
    pub fn restart(&mut self) {
        self.handshake.clear();
        self.messages.clear();
        self.controls.clear();
        self.newest_pong = None;
        self.deflater = None;
        self.closed = Closed::Open;
    }

    /// Queues bytes of the opening handshake. They go ahead of every frame and are never dropped.
    ///
    /// # Errors
    /// [`Full`], also when a frame has been queued already.
    pub fn handshake(&mut self, head: &[u8]) -> Result<(), Full> {
        let has_frames = self.messages.len() + self.controls.len() > 0;
        self.check_room(self.handshake.unsent().len().saturating_add(head.len()))?;
        if has_frames {
            return Err(Full);
        }
        self.handshake.push(|out| out.extend_from_slice(head));
        Ok(())
    }

    /// Queues a text message.
    ///
    /// # Errors
    /// [`Full`].
    pub fn text(&mut self, text: &str) -> Result<(), Full> {
        self.message(Message::Text(text))
    }

    /// Queues a binary message.
    ///
    /// # Errors
    /// [`Full`].
    pub fn binary(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.message(Message::Binary(bytes))
    }

    /// Queues a message in one frame.
    ///
    /// # Errors
    /// [`Full`].
    pub fn message(&mut self, message: Message<'_>) -> Result<(), Full> {
        self.fragmented(message, [])
    }

    /// Queues a message in several frames: one of each of these sizes, as far as the message
    /// goes, and one of the rest (RFC 6455 section 5.4). Sizes are counted before compression.
    ///
    /// # Errors
    /// [`Full`]: not all of it fits.
    pub fn fragmented(
        &mut self,
        message: Message<'_>,
        sizes: impl IntoIterator<Item = usize, IntoIter: Clone>,
    ) -> Result<(), Full> {
        let (mut opcode, payload) = match message {
            Message::Text(text) => (Opcode::Text, text.as_bytes()),
            Message::Binary(bytes) => (Opcode::Binary, bytes),
        };
        let fragments = Fragments {
            rest: Some(payload),
            sizes: sizes.into_iter(),
        };
        self.check_room(self.bound(fragments.clone()))?;
        let mut coding = match self.deflater {
            Some(_) => Coding::Deflate,
            None => Coding::Plain,
        };
        for (fin, fragment) in fragments {
            self.push_fragment((opcode, fin, coding), fragment)?;
            (opcode, coding) = (Opcode::Continuation, Coding::Plain);
        }
        Ok(())
    }

    /// Queues a ping; of a longer payload the first 125 bytes (RFC 6455 section 5.5).
    ///
    /// # Errors
    /// [`Full`].
    pub fn ping(&mut self, payload: &[u8]) -> Result<(), Full> {
        self.control(Opcode::Ping, payload)
    }

    /// Queues a pong; of a longer payload the first 125 bytes (RFC 6455 section 5.5).
    ///
    /// # Errors
    /// [`Full`]: the reserve is exhausted; then [`replace_pong`](Self::replace_pong).
    pub fn pong(&mut self, payload: &[u8]) -> Result<(), Full> {
        let place = self.controls.len();
        self.control(Opcode::Pong, payload)?;
        self.newest_pong = Some(place);
        Ok(())
    }

    /// Whether a pong waits of which nothing has been written.
    #[must_use]
    pub const fn has_unsent_pong(&self) -> bool {
        match self.newest_pong {
            None => false,
            Some(index) => index > 0 || !self.controls.is_begun(),
        }
    }

    /// Queues a pong in the place of the newest one that waits unsent, if there is one: only the
    /// newest ping needs an answer (RFC 6455 section 5.5.3).
    ///
    /// # Errors
    /// [`Full`]: no pong waits and the reserve is exhausted.
    pub fn replace_pong(&mut self, payload: &[u8]) -> Result<(), Full> {
        if self.closed == Closed::Queued {
            return Err(Full);
        }
        if let (Some(index), true) = (self.newest_pong, self.has_unsent_pong()) {
            self.controls.remove(index);
            self.newest_pong = None;
        }
        self.pong(payload)
    }

    /// Queues a close frame behind everything else. There is always room for it. A code that
    /// must not be sent ([`is_valid_close_code`](super::is_valid_close_code)) is left out with
    /// its reason; a reason is cut to 123 bytes, at a character.
    ///
    /// # Errors
    /// [`Full`]: one has been queued already.
    pub fn close(&mut self, close: Option<CloseFrame<'_>>) -> Result<(), Full> {
        if self.closed == Closed::Queued {
            return Err(Full);
        }
        let mut payload = [0; MAX_CONTROL];
        let len = close.map_or(0, |close| close.write(&mut payload));
        let payload = payload.get(..len).unwrap_or_default();
        push_frame(
            &mut self.messages,
            &mut self.keys,
            whole(Opcode::Close),
            payload,
        );
        self.closed = Closed::Queued;
        Ok(())
    }

    /// What to write next; empty when there is nothing. A frame that is partly written comes
    /// first, then control frames, then messages.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        if self.handshake.len() > 0 {
            return self.handshake.unsent();
        }
        match (self.messages.is_begun(), self.controls.len()) {
            (_, 0) => self.messages.unsent(),
            (true, _) => self.messages.rest_of_begun(),
            (false, _) => self.controls.unsent(),
        }
    }

    /// Declares that the first `count` bytes of [`bytes`](Self::bytes) have been written; more
    /// than there are counts as all of them.
    pub fn written(&mut self, count: usize) {
        let count = count.min(self.bytes().len());
        if self.handshake.len() > 0 {
            self.handshake.written(count);
            return;
        }
        if self.messages.is_begun() || self.controls.len() == 0 {
            self.messages.written(count);
            return;
        }
        let completed = self.controls.written(count);
        self.newest_pong = self
            .newest_pong
            .and_then(|index| index.checked_sub(completed));
    }

    /// Whether all has been written.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.bytes().is_empty()
    }

    /// Whether a close frame has been queued.
    #[must_use]
    pub fn is_closed(&self) -> bool {
        self.closed == Closed::Queued
    }

    fn control(&mut self, opcode: Opcode, payload: &[u8]) -> Result<(), Full> {
        if self.closed == Closed::Queued || self.controls.len() >= MAX_WAITING_CONTROLS {
            return Err(Full);
        }
        let payload = payload.get(..MAX_CONTROL).unwrap_or(payload);
        push_frame(&mut self.controls, &mut self.keys, whole(opcode), payload);
        Ok(())
    }

    /// Whether `len` more bytes of messages fit.
    fn check_room(&self, len: usize) -> Result<(), Full> {
        let used = self.messages.unsent().len();
        if self.closed == Closed::Queued || len > self.capacity.saturating_sub(used) {
            return Err(Full);
        }
        Ok(())
    }

    /// The most bytes that these fragments can take. It is asked before anything is compressed:
    /// what the compressor has seen must be sent. Counting ends where the queue does, because
    /// empty fragments may go on for ever.
    fn bound<'a>(&self, fragments: impl Iterator<Item = (Fin, &'a [u8])>) -> usize {
        let role = match self.keys {
            Some(_) => Role::Client,
            None => Role::Server,
        };
        let mut bound = 0_usize;
        for (_, fragment) in fragments {
            let len = match self.deflater {
                Some(_) => Deflater::bound(fragment.len()),
                None => fragment.len(),
            };
            bound = bound.saturating_add(frame::size(len, role));
            if bound > self.capacity {
                break;
            }
        }
        bound
    }

    fn push_fragment(
        &mut self,
        (opcode, fin, coding): (Opcode, Fin, Coding),
        fragment: &[u8],
    ) -> Result<(), Full> {
        let payload = match &mut self.deflater {
            Some(deflater) => {
                self.scratch.clear();
                self.scratch.shrink_to(KEEP);
                deflater.push(fragment, fin, &mut self.scratch)?;
                self.scratch.as_slice()
            }
            None => fragment,
        };
        push_frame(
            &mut self.messages,
            &mut self.keys,
            (opcode, fin, coding),
            payload,
        );
        Ok(())
    }
}

/// The parts of a message, in order; the last one is what `sizes` leaves over.
#[derive(Clone)]
struct Fragments<'a, I> {
    rest: Option<&'a [u8]>,
    sizes: I,
}

impl<'a, I: Iterator<Item = usize>> Iterator for Fragments<'a, I> {
    type Item = (Fin, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let rest = self.rest?;
        match self
            .sizes
            .next()
            .and_then(|size| rest.split_at_checked(size))
        {
            Some((fragment, later)) if !later.is_empty() => {
                self.rest = Some(later);
                Some((Fin::More, fragment))
            }
            Some(_) | None => {
                self.rest = None;
                Some((Fin::Last, rest))
            }
        }
    }
}

const fn whole(opcode: Opcode) -> (Opcode, Fin, Coding) {
    (opcode, Fin::Last, Coding::Plain)
}

fn push_frame(
    lane: &mut Lane,
    keys: &mut Option<ChaCha12Rng>,
    (opcode, fin, coding): (Opcode, Fin, Coding),
    payload: &[u8],
) {
    let key = keys.as_mut().map(|keys| keys.next_u32().to_le_bytes());
    let header = Header {
        fin,
        coding,
        opcode,
        key,
        len: payload.len() as u64,
    };
    lane.push(|out| {
        frame::write(header, out);
        let start = out.len();
        out.extend_from_slice(payload);
        if let (Some(key), Some(payload)) = (key, out.get_mut(start..)) {
            mask::apply(payload, key, 0);
        }
    });
}
