//! The way in: events that borrow from the receive buffer, one at a time.

use super::Connection;
use super::io::Status;
use super::phase::Reading;
use crate::buffer::ReceiveBuffer;
use crate::time::Time;

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

/// An event that has been decided on and not yet lent.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Found {
    /// Nothing to lend.
    Status(Status),
}

/// Lends what a receive buffer holds, event by event.
///
/// What an event was made of is taken from the buffer before the event is lent, so a guard that
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
    pub fn next(&mut self) -> Option<Event<'_>> {
        let found = self.connection.find(self.now, self.rx)?;
        Some(self.connection.lend(self.now, self.rx, found))
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

    /// Takes the next event's bytes out of the buffer and says where they stand.
    pub(crate) fn find(&mut self, _now: Time, rx: &mut ReceiveBuffer) -> Option<Found> {
        if let Some(status) = self.poll_status() {
            return Some(Found::Status(status));
        }
        match self.life.reading() {
            Reading::Handshake | Reading::Frames | Reading::Nothing => rx.clear(),
        }
        None
    }

    /// Lends what was found; nothing else may be found in between.
    pub(crate) const fn lend<'a>(
        &'a mut self,
        _now: Time,
        _rx: &'a ReceiveBuffer,
        found: Found,
    ) -> Event<'a> {
        match found {
            Found::Status(status) => Event::Status(status),
        }
    }
}
