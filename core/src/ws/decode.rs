//! Received bytes in, messages out.

use super::assembly::{Assembly, Data};
use super::codec::Inflater;
use super::frame::{self, Coding, Fin, Header, Key, MAX_CONTROL, MAX_HEADER, Opcode};
use super::short::Short;
use super::{Item, Limits, Role, Violation, close, deflate, mask, utf8};
use crate::buffer::ReceiveBuffer;

/// Takes frames from a [`ReceiveBuffer`] and puts messages together.
///
/// Decide first, borrow last: [`find`](Self::find) takes the next message or control frame and
/// says what it is and where it stands; [`lend`](Self::lend) borrows it from there.
/// [`next`](Self::next) does both. A message that is not compressed, not fragmented and wholly
/// in the buffer is lent from it; anything else is put together in memory of the decoder's own,
/// bounded by [`Limits`] and kept for the next message, so the buffer is always drained.
///
/// After a violation every call returns that violation again; after a close frame whatever
/// follows is ignored (RFC 6455 section 5.5.1).
///
/// ```
/// use marketprism_core::ReceiveBuffer;
/// use marketprism_core::ws::{Decoder, Item, Limits, Role};
///
/// let mut rx = ReceiveBuffer::with_capacity(64);
/// rx.spare()[..7].copy_from_slice(b"\x81\x05hello");
/// rx.commit(7);
/// let mut decoder = Decoder::new(Role::Client, Limits::DEFAULT, None);
/// assert_eq!(decoder.next(&mut rx), Ok(Some(Item::Text("hello"))));
/// assert_eq!(decoder.next(&mut rx), Ok(None));
/// ```
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub struct Decoder {
    role: Role,
    limits: Limits,
    state: State,
    /// The beginning of a header that was cut.
    header: Short<MAX_HEADER>,
    /// The message under way.
    message: Option<Message>,
    assembly: Assembly,
    /// The payload of a control frame that was cut.
    control: Short<MAX_CONTROL>,
    inflater: Option<Inflater>,
}

/// What has been found, and where it stands until the receive buffer's next
/// [`spare`](ReceiveBuffer::spare) or the decoder's next [`find`](Decoder::find).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Found {
    kind: Kind,
    place: Place,
}

impl Found {
    /// What it is.
    #[must_use]
    pub const fn kind(self) -> Kind {
        self.kind
    }
}

/// The kinds of [`Item`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// A text message.
    Text,
    /// A binary message.
    Binary,
    /// A ping.
    Ping,
    /// A pong.
    Pong,
    /// A close frame.
    Close,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    Buffer { start: usize, end: usize },
    Assembly,
    Control,
}

#[derive(Clone, Copy, Debug)]
enum State {
    Header,
    Payload(Frame),
    Closed,
    Failed(Violation),
}

/// A frame whose header has been taken.
#[derive(Clone, Copy, Debug)]
struct Frame {
    opcode: Opcode,
    fin: Fin,
    key: Option<Key>,
    /// Payload bytes taken so far.
    done: usize,
    /// Payload bytes that are still to come.
    left: usize,
}

/// A message whose first header has been taken.
#[derive(Clone, Copy, Debug)]
struct Message {
    data: Data,
    coding: Coding,
    fragments: u32,
}

impl Decoder {
    /// A decoder for what `role` receives. `deflate` is what the handshake agreed on.
    #[must_use]
    pub fn new(role: Role, limits: Limits, deflate: Option<deflate::Agreement>) -> Self {
        Self {
            role,
            limits,
            state: State::Header,
            header: Short::EMPTY,
            message: None,
            assembly: Assembly::default(),
            control: Short::EMPTY,
            inflater: deflate.map(|agreement| Inflater::new(agreement.theirs)),
        }
    }

    /// Starts anew for another connection and keeps the memory.
    pub fn restart(&mut self, deflate: Option<deflate::Agreement>) {
        self.state = State::Header;
        self.header.clear();
        self.message = None;
        self.inflater = deflate.map(|agreement| Inflater::new(agreement.theirs));
    }

    /// Takes the next message or control frame, or all there is of it: on `None` the buffer is
    /// empty and more is needed.
    ///
    /// A text message that stands in the buffer is not looked at yet; whether it is UTF-8 is for
    /// [`lend`](Self::lend) to find, so that it is checked once.
    ///
    /// # Errors
    /// The peer broke the protocol; the connection is to be failed with
    /// [`Violation::close_code`].
    #[inline]
    pub fn find(&mut self, rx: &mut ReceiveBuffer) -> Result<Option<Found>, Violation> {
        if let Some(found) = self.find_whole(rx) {
            return Ok(Some(found));
        }
        let found = self.step(rx);
        if let Err(violation) = found {
            self.fail(violation, rx);
        }
        found
    }

    /// The common case at one look: the next message stands in the buffer in one frame, as it was
    /// sent. Whatever else it may be is for [`step`](Self::step) to find out, and so is the message
    /// after one that was put together, whose memory it tidies up.
    #[inline]
    fn find_whole(&self, rx: &mut ReceiveBuffer) -> Option<Found> {
        let (State::Header, None) = (self.state, self.message) else {
            return None;
        };
        if !self.header.is_empty() || !self.assembly.is_empty() {
            return None;
        }
        let Ok(Some((header, size))) = frame::parse(rx.filled(), self.role) else {
            return None;
        };
        let kind = match (header.opcode, header.fin, header.coding, header.key) {
            (Opcode::Text, Fin::Last, Coding::Plain, None) => Kind::Text,
            (Opcode::Binary, Fin::Last, Coding::Plain, None) => Kind::Binary,
            _ => return None,
        };
        let len = usize::try_from(header.len).ok()?;
        let most = self.limits.max_frame.min(self.limits.max_message);
        if len > most.min(rx.filled().len() - size) {
            return None;
        }
        rx.take(size);
        let place = rx.take(len);
        Some(Found {
            kind,
            place: Place::Buffer {
                start: place.start,
                end: place.end,
            },
        })
    }

    /// Borrows what [`find`](Self::find) has found; nothing else may be found in between.
    ///
    /// # Errors
    /// [`Violation::InvalidUtf8`]: the message is not text after all. The next
    /// [`find`](Self::find) returns it as well.
    #[inline]
    pub fn lend<'a>(
        &'a mut self,
        rx: &'a ReceiveBuffer,
        found: Found,
    ) -> Result<Item<'a>, Violation> {
        if let (Kind::Text, Place::Assembly) = (found.kind, found.place) {
            return Ok(Item::Text(self.assembly.text()));
        }
        let bytes = match found.place {
            Place::Buffer { start, end } => rx.at(start..end),
            Place::Assembly => self.assembly.binary(),
            Place::Control => self.control.filled(),
        };
        match found.kind {
            Kind::Text => match utf8::check(bytes) {
                Ok(text) => Ok(Item::Text(text)),
                Err(utf8::Invalid) => {
                    self.state = State::Failed(Violation::InvalidUtf8);
                    Err(Violation::InvalidUtf8)
                }
            },
            Kind::Binary => Ok(Item::Binary(bytes)),
            Kind::Ping => Ok(Item::Ping(bytes)),
            Kind::Pong => Ok(Item::Pong(bytes)),
            Kind::Close => close::parse(bytes).map(Item::Close),
        }
    }

    /// Takes and lends the next item: [`find`](Self::find) and [`lend`](Self::lend) in one.
    ///
    /// # Errors
    /// As these do.
    #[inline]
    pub fn next<'a>(
        &'a mut self,
        rx: &'a mut ReceiveBuffer,
    ) -> Result<Option<Item<'a>>, Violation> {
        match self.find(rx)? {
            Some(found) => self.lend(rx, found).map(Some),
            None => Ok(None),
        }
    }

    fn step(&mut self, rx: &mut ReceiveBuffer) -> Result<Option<Found>, Violation> {
        loop {
            match self.state {
                State::Header => match self.take_header(rx)? {
                    Some(header) => self.state = State::Payload(self.begin_frame(header)?),
                    None => return Ok(None),
                },
                State::Payload(frame) => {
                    if let Some(found) = self.take_payload(frame, rx)? {
                        return Ok(Some(found));
                    }
                    if let State::Payload(_) = self.state {
                        return Ok(None);
                    }
                }
                State::Closed => {
                    rx.clear();
                    return Ok(None);
                }
                State::Failed(violation) => return Err(violation),
            }
        }
    }

    #[cold]
    fn fail(&mut self, violation: Violation, rx: &mut ReceiveBuffer) {
        self.state = State::Failed(violation);
        rx.clear();
    }

    #[inline]
    fn take_header(&mut self, rx: &mut ReceiveBuffer) -> Result<Option<Header>, Violation> {
        if !self.header.is_empty() {
            return self.complete_header(rx);
        }
        match frame::parse(rx.filled(), self.role)? {
            Some((header, size)) => {
                rx.take(size);
                Ok(Some(header))
            }
            None => {
                self.header.fill(rx.filled());
                rx.clear();
                Ok(None)
            }
        }
    }

    /// Adds to a header that was cut, a byte at a time.
    fn complete_header(&mut self, rx: &mut ReceiveBuffer) -> Result<Option<Header>, Violation> {
        while let [byte, ..] = *rx.filled() {
            rx.take(1);
            self.header.fill(&[byte]);
            if let Some((header, _)) = frame::parse(self.header.filled(), self.role)? {
                self.header.clear();
                return Ok(Some(header));
            }
        }
        Ok(None)
    }

    /// Judges a frame by its header.
    #[inline]
    fn begin_frame(&mut self, header: Header) -> Result<Frame, Violation> {
        let frame = Frame {
            opcode: header.opcode,
            fin: header.fin,
            key: header.key,
            done: 0,
            left: usize::try_from(header.len).map_err(|_| Violation::MessageTooBig)?,
        };
        let data = match header.opcode {
            Opcode::Text => Some(Data::Text),
            Opcode::Binary => Some(Data::Binary),
            Opcode::Continuation => None,
            Opcode::Close | Opcode::Ping | Opcode::Pong => {
                return match header.coding {
                    Coding::Plain => Ok(frame),
                    Coding::Deflate => Err(Violation::ReservedBits),
                };
            }
        };
        let message = match data {
            Some(data) => self.begin_message(data, header.coding)?,
            None => self.continue_message(header.coding)?,
        };
        self.message = Some(message);
        self.check_length(message, frame)?;
        Ok(frame)
    }

    #[inline]
    fn begin_message(&mut self, data: Data, coding: Coding) -> Result<Message, Violation> {
        if self.message.is_some() {
            return Err(Violation::ExpectedContinuation);
        }
        if coding == Coding::Deflate && self.inflater.is_none() {
            return Err(Violation::ReservedBits);
        }
        self.assembly.clear();
        Ok(Message {
            data,
            coding,
            fragments: 1,
        })
    }

    /// The RSV1 bit belongs to a message's first frame alone (RFC 7692 section 6).
    fn continue_message(&self, coding: Coding) -> Result<Message, Violation> {
        let message = self.message.ok_or(Violation::UnexpectedContinuation)?;
        if coding == Coding::Deflate {
            return Err(Violation::ReservedBits);
        }
        if message.fragments >= self.limits.max_fragments {
            return Err(Violation::TooManyFragments);
        }
        Ok(Message {
            fragments: message.fragments + 1,
            ..message
        })
    }

    /// The length of a compressed message is known only as it is inflated.
    #[inline]
    fn check_length(&self, message: Message, frame: Frame) -> Result<(), Violation> {
        let whole = match message.coding {
            Coding::Plain => self.assembly.len(message.data).saturating_add(frame.left),
            Coding::Deflate => 0,
        };
        if frame.left > self.limits.max_frame || whole > self.limits.max_message {
            return Err(Violation::MessageTooBig);
        }
        Ok(())
    }

    #[inline]
    fn take_payload(
        &mut self,
        frame: Frame,
        rx: &mut ReceiveBuffer,
    ) -> Result<Option<Found>, Violation> {
        let place = rx.take(frame.left);
        if let Some(key) = frame.key {
            mask::apply(rx.at_mut(place.clone()), key, frame.done);
        }
        let frame = Frame {
            done: frame.done + place.len(),
            left: frame.left - place.len(),
            ..frame
        };
        self.state = match frame.left {
            0 => State::Header,
            _ => State::Payload(frame),
        };
        if frame.opcode.is_control() {
            return self.take_control(frame, rx, place);
        }
        let Some(message) = self.message else {
            return Ok(None);
        };
        if self.is_whole(message, frame, place.len()) {
            self.message = None;
            return Ok(Some(Found {
                kind: message.data.into(),
                place: Place::Buffer {
                    start: place.start,
                    end: place.end,
                },
            }));
        }
        self.assemble(message, frame, rx.at(place))
    }

    /// Whether the bytes just taken are all of a message, as it was sent.
    #[inline]
    fn is_whole(&self, message: Message, frame: Frame, taken: usize) -> bool {
        frame.left == 0
            && frame.done == taken
            && frame.fin == Fin::Last
            && message.fragments == 1
            && message.coding == Coding::Plain
    }

    /// Adds to the message under way.
    fn assemble(
        &mut self,
        message: Message,
        frame: Frame,
        bytes: &[u8],
    ) -> Result<Option<Found>, Violation> {
        let limit = self.limits.max_message;
        match (message.coding, &mut self.inflater) {
            (Coding::Deflate, Some(inflater)) => {
                inflater.push(bytes, |out| self.assembly.push(message.data, out, limit))?;
            }
            (Coding::Deflate, None) => return Err(Violation::ReservedBits),
            (Coding::Plain, _) => {
                if frame.done == bytes.len() {
                    self.assembly
                        .reserve(message.data, bytes.len() + frame.left);
                }
                self.assembly.push(message.data, bytes, limit)?;
            }
        }
        if frame.left > 0 || frame.fin == Fin::More {
            return Ok(None);
        }
        self.finish_message(message).map(Some)
    }

    fn finish_message(&mut self, message: Message) -> Result<Found, Violation> {
        let limit = self.limits.max_message;
        if let (Coding::Deflate, Some(inflater)) = (message.coding, &mut self.inflater) {
            inflater.finish(|out| self.assembly.push(message.data, out, limit))?;
        }
        self.assembly.finish(message.data)?;
        self.message = None;
        Ok(Found {
            kind: message.data.into(),
            place: Place::Assembly,
        })
    }

    fn take_control(
        &mut self,
        frame: Frame,
        rx: &ReceiveBuffer,
        place: core::ops::Range<usize>,
    ) -> Result<Option<Found>, Violation> {
        if frame.done == place.len() {
            self.control.clear();
        }
        let whole = frame.left == 0 && frame.done == place.len();
        if !whole {
            self.control.fill(rx.at(place.clone()));
        }
        if frame.left > 0 {
            return Ok(None);
        }
        let kind = match frame.opcode {
            Opcode::Ping => Kind::Ping,
            Opcode::Pong => Kind::Pong,
            Opcode::Close | Opcode::Continuation | Opcode::Text | Opcode::Binary => Kind::Close,
        };
        let place = if whole {
            Place::Buffer {
                start: place.start,
                end: place.end,
            }
        } else {
            Place::Control
        };
        if kind == Kind::Close {
            self.check_close(rx, place)?;
        }
        Ok(Some(Found { kind, place }))
    }

    fn check_close(&mut self, rx: &ReceiveBuffer, place: Place) -> Result<(), Violation> {
        let payload = match place {
            Place::Buffer { start, end } => rx.at(start..end),
            Place::Control | Place::Assembly => self.control.filled(),
        };
        close::parse(payload)?;
        self.state = State::Closed;
        Ok(())
    }
}
