//! The way in: events that borrow from the receive buffer, one at a time.

use alloc::string::String;
use alloc::vec::Vec;

use super::io::{Cause, Status};
use super::phase::{Reading, Stimulus};
use super::{Connection, Told};
use crate::buffer::ReceiveBuffer;
use crate::time::Time;
use crate::ws::{self, Item, Kind, Violation};

/// What the application hears.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Event<'a> {
    /// The connection's state has changed.
    Status(Status),
    /// A text message.
    Text(&'a str),
    /// A binary message.
    Binary(&'a [u8]),
}

/// What the application hears, kept: for a queue or a stream.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OwnedEvent {
    /// The connection's state has changed.
    Status(Status),
    /// A text message.
    Text(String),
    /// A binary message.
    Binary(Vec<u8>),
}

impl From<Event<'_>> for OwnedEvent {
    fn from(event: Event<'_>) -> Self {
        match event {
            Event::Status(status) => Self::Status(status),
            Event::Text(text) => Self::Text(text.into()),
            Event::Binary(bytes) => Self::Binary(bytes.into()),
        }
    }
}

/// An event that has been decided on and not yet lent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    /// Nothing to lend.
    Status(Status),
    /// A text or binary message.
    Message(ws::Found),
}

/// Lends what a receive buffer holds, event by event.
///
/// What an event is made of is taken from the buffer before the event is lent, so a guard that
/// is dropped or forgotten early replays nothing, and the next one goes on behind it.
#[derive(Debug)]
#[must_use = "what is not drained is not heard"]
pub struct Drain<'a> {
    connection: &'a mut Connection,
    now: Time,
    rx: &'a mut ReceiveBuffer,
}

impl Drain<'_> {
    /// The next event, or `None` when the buffer is empty.
    #[expect(
        clippy::should_implement_trait,
        reason = "an event borrows from the guard, which an iterator's items cannot"
    )]
    #[inline]
    pub fn next(&mut self) -> Option<Event<'_>> {
        let found = self.connection.find(self.now, self.rx)?;
        if let Found::Message(_) = found {
            self.connection.data(self.now);
        }
        Some(self.connection.lend(self.rx, found))
    }
}

impl Connection {
    /// Lends what has been read from the socket of the current epoch. Drain it to the end.
    ///
    /// A shell clears the buffer when it drops a socket. Bytes that arrive where no socket can
    /// have sent them are thrown away.
    pub fn receive<'a>(&'a mut self, now: Time, rx: &'a mut ReceiveBuffer) -> Drain<'a> {
        Drain {
            connection: self,
            now,
            rx,
        }
    }

    /// Takes the next event's bytes out of the buffer and says where they stand; what concerns
    /// the connection alone is dealt with on the way. On `None` the buffer is empty.
    #[inline]
    pub(crate) fn find(&mut self, now: Time, rx: &mut ReceiveBuffer) -> Option<Found> {
        if !rx.is_empty() && self.told.heard.replace(now) != Some(now) {
            self.signal(now, Stimulus::Heard);
        }
        loop {
            if let Some(status) = self.poll_status() {
                return Some(Found::Status(status));
            }
            match self.life.reading() {
                Reading::Handshake => self.find_answer(now, rx)?,
                Reading::Frames => {
                    if let Some(found) = self.find_frame(now, rx)? {
                        return Some(Found::Message(found));
                    }
                }
                Reading::Nothing => {
                    rx.clear();
                    return None;
                }
            }
        }
    }

    /// What was found is data: it proves the socket, and the next is due so long after it. Who
    /// finds messages says which of them are.
    #[inline]
    pub(crate) fn data(&mut self, now: Time) {
        if self.told.data.replace(now) != Some(now) {
            self.signal(now, Stimulus::Data);
        }
    }

    /// Lends what was found; nothing else may be found in between.
    ///
    /// Whether a text is UTF-8 is seen only now, so that it is looked at once. If it is not, the
    /// event is the end of the connection.
    #[inline]
    pub(crate) fn lend<'a>(&'a mut self, rx: &'a ReceiveBuffer, found: Found) -> Event<'a> {
        let found = match found {
            Found::Status(status) => return Event::Status(status),
            Found::Message(found) => found,
        };
        let violation = match self.decoder.lend(rx, found) {
            Ok(Item::Text(text)) => return Event::Text(text),
            Ok(Item::Binary(bytes)) => return Event::Binary(bytes),
            // Only messages are found.
            Ok(Item::Ping(_) | Item::Pong(_) | Item::Close(_)) => Violation::ReservedOpcode,
            Err(violation) => violation,
        };
        let stimulus = Stimulus::Violation(violation);
        self.life.apply(self.life.now, stimulus, &mut self.link);
        let down = Status::Down {
            epoch: self.life.epoch,
            cause: Cause::Violation(violation),
        };
        Event::Status(self.life.statuses.poll().unwrap_or(down))
    }

    /// `None` while the answer to the upgrade request is incomplete.
    fn find_answer(&mut self, now: Time, rx: &mut ReceiveBuffer) -> Option<()> {
        match self.link.read_answer(rx) {
            Ok(Some(upgraded)) => {
                self.decoder.restart(upgraded.deflate);
                self.told = Told::default();
                self.signal(now, Stimulus::Upgraded);
            }
            Ok(None) => return None,
            Err(refusal) => self.signal(now, Stimulus::Refused(refusal)),
        }
        Some(())
    }

    /// `None` when the buffer is empty; nothing inside if the frame was the connection's own.
    #[inline]
    fn find_frame(&mut self, now: Time, rx: &mut ReceiveBuffer) -> Option<Option<ws::Found>> {
        let found = match self.decoder.find(rx) {
            Ok(found) => found?,
            Err(violation) => {
                self.signal(now, Stimulus::Violation(violation));
                return Some(None);
            }
        };
        match found.kind() {
            Kind::Text if self.is_text_pong(rx, found) => self.signal(now, Stimulus::Pong),
            Kind::Text | Kind::Binary => return Some(Some(found)),
            Kind::Ping | Kind::Pong | Kind::Close => self.obey(now, rx, found),
        }
        Some(None)
    }

    /// A control frame.
    #[cold]
    fn obey(&mut self, now: Time, rx: &ReceiveBuffer, found: ws::Found) {
        const WITHOUT_CODE: u16 = 1005;
        let stimulus = match self.decoder.lend(rx, found) {
            Ok(Item::Ping(payload)) => {
                self.link.note_ping(payload);
                Stimulus::Ping
            }
            Ok(Item::Close(close)) => {
                Stimulus::PeerClosed(close.map_or(WITHOUT_CODE, |close| close.code))
            }
            Ok(Item::Pong(_) | Item::Text(_) | Item::Binary(_)) => Stimulus::Pong,
            Err(violation) => Stimulus::Violation(violation),
        };
        self.signal(now, stimulus);
    }

    #[inline]
    fn is_text_pong(&mut self, rx: &ReceiveBuffer, found: ws::Found) -> bool {
        match self.link.text_pong() {
            Some(pong) => self.decoder.lend(rx, found) == Ok(Item::Text(pong)),
            None => false,
        }
    }

    #[inline]
    fn signal(&mut self, now: Time, stimulus: Stimulus) {
        self.life.apply(now, stimulus, &mut self.link);
    }
}
