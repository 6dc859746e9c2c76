//! The way in: typed events that borrow from the receive buffer, one at a time.
//!
//! Decide first, borrow last: [`Session::decide`] takes bytes from the buffer, moves every state
//! and returns where the next event stands; only [`Session::lend`] borrows it. The stream's order
//! book alone takes it in then, so that it is as of what was lent.

use super::Session;
use super::event::{Event, Undecoded};
use super::notes::Note;
use super::statistics::{Statistics, add};
use super::streams::{Judged, Then};
use crate::buffer::ReceiveBuffer;
use crate::connection::{self, Found};
use crate::market;
use crate::time::{Time, UnixNanos};
use crate::venue::{DecodeError, Decoded, Decoder};

/// Lends what a receive buffer holds, event by event.
///
/// Drain it to the end: of a message with several events, those that are not taken are lost
/// (and counted) when the buffer is read into again.
#[derive(Debug)]
#[must_use = "what is not drained is not heard"]
pub struct Drain<'a> {
    session: &'a mut Session,
    now: Time,
    received: UnixNanos,
    rx: &'a mut ReceiveBuffer,
}

impl Drain<'_> {
    /// The next event, or `None` when the buffer is empty.
    #[expect(
        clippy::should_implement_trait,
        reason = "an event borrows from the guard, which an iterator's items cannot"
    )]
    pub fn next(&mut self) -> Option<Event<'_>> {
        let next = self.session.decide(self.now, self.received, self.rx)?;
        self.session.lend(self.now, self.rx, next)
    }
}

/// The decoder, and what is left of the message decoded last.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Reader {
    decoder: Decoder,
    message: Option<Message>,
}

/// The message decoded last: where it stands, and how many of its events have been lent.
#[derive(Clone, Copy, Debug)]
struct Message {
    found: Found,
    lent: usize,
    count: usize,
    /// What the next event is, once that is decided.
    judged: Option<Judged>,
}

/// What to lend next.
#[derive(Clone, Copy, Debug)]
enum Next {
    Note(Note),
    Text(Found, Part),
    Malformed(DecodeError),
    Binary,
}

/// What to lend of a text message.
#[derive(Clone, Copy, Debug)]
enum Part {
    Market { index: usize, judged: Judged },
    Unhandled,
    Unknown,
}

impl Reader {
    pub(super) const fn new(decoder: Decoder) -> Self {
        Self {
            decoder,
            message: None,
        }
    }

    pub(super) const fn decoder(&self) -> &Decoder {
        &self.decoder
    }

    pub(super) const fn decoder_mut(&mut self) -> &mut Decoder {
        &mut self.decoder
    }

    /// Forgets what has not been taken of the message at hand, and counts it.
    pub(super) fn forget(&mut self, statistics: &mut Statistics) {
        if let Some(message) = self.message.take() {
            let left = message.count.saturating_sub(message.lent);
            add(&mut statistics.undrained, left);
        }
    }
}

impl Session {
    /// Takes in what was read from the socket of the current epoch. `received` is the wall-clock
    /// time of the read; it stamps events and sets no deadline.
    pub fn receive<'a>(
        &'a mut self,
        now: Time,
        received: UnixNanos,
        rx: &'a mut ReceiveBuffer,
    ) -> Drain<'a> {
        self.reader.forget(&mut self.streams.statistics);
        Drain {
            session: self,
            now,
            received,
            rx,
        }
    }

    /// Goes on until there is something to lend: what waits comes first, then the rest of the
    /// message at hand, then the next message.
    fn decide(&mut self, now: Time, received: UnixNanos, rx: &mut ReceiveBuffer) -> Option<Next> {
        loop {
            if let Some(note) = self.streams.notes.pop() {
                return Some(Next::Note(note));
            }
            let next = match self.reader.message {
                Some(message) => self.go_on(now, received, rx, message),
                None => {
                    let Some(found) = self.connection.find(now, rx) else {
                        self.act(now);
                        // What has been done may have something to say.
                        return self.streams.notes.pop().map(Next::Note);
                    };
                    self.take(now, received, rx, found)
                }
            };
            if next.is_some() {
                return next;
            }
        }
    }

    /// Takes in what the connection has found.
    fn take(
        &mut self,
        now: Time,
        received: UnixNanos,
        rx: &ReceiveBuffer,
        found: Found,
    ) -> Option<Next> {
        let text = match self.connection.lend(rx, found) {
            connection::Event::Text(text) => text,
            connection::Event::Status(status) => {
                self.status(now, status);
                self.act(now);
                return None;
            }
            connection::Event::Binary(_) => {
                add(&mut self.streams.statistics.unknown, 1);
                return Some(Next::Binary);
            }
        };
        let statistics = &mut self.streams.statistics;
        add(&mut statistics.messages, 1);
        add(&mut statistics.bytes, text.len());
        let decoder = &mut self.reader.decoder;
        match decoder.decode(text) {
            Ok(Decoded::Events {
                count,
                spent,
                foreign,
                ..
            }) => {
                add(&mut statistics.spent, spent);
                add(&mut statistics.foreign, foreign);
                for event in (0..spent).filter_map(|index| decoder.spent(text, index)) {
                    self.streams.spend(now, received, &event);
                }
                let event = decoder.event(text, 0)?;
                let judged = self.streams.judge(now, received, &event);
                let judged = Some(judged);
                // An acknowledgement is none: it proves no subscription.
                self.connection.data(now);
                self.hand_over(Message {
                    found,
                    lent: 0,
                    count,
                    judged,
                })
            }
            Ok(Decoded::Control) => {
                let control = decoder.control(text)?;
                let then = self.streams.obey(now, control);
                self.proceed(now, then);
                None
            }
            Ok(Decoded::Unhandled) => {
                add(&mut statistics.unhandled, 1);
                Some(Next::Text(found, Part::Unhandled))
            }
            Ok(Decoded::Unknown) => {
                add(&mut statistics.unknown, 1);
                Some(Next::Text(found, Part::Unknown))
            }
            Err(error) => {
                add(&mut statistics.malformed, 1);
                Some(Next::Malformed(error))
            }
        }
    }

    fn proceed(&mut self, now: Time, then: Then) {
        match then {
            Then::GoOn => {}
            // Better now, in good order, than when the venue does it.
            Then::Renew => self.renew(now),
            Then::GetKey => self.key_ended(now),
        }
        self.act(now);
    }

    /// The next event of a message that has several, or that had to wait for a note.
    fn go_on(
        &mut self,
        now: Time,
        received: UnixNanos,
        rx: &ReceiveBuffer,
        mut message: Message,
    ) -> Option<Next> {
        self.reader.message = None;
        if message.judged.is_none() {
            let event = match self.connection.lend(rx, message.found) {
                connection::Event::Text(text) => self.reader.decoder.event(text, message.lent)?,
                connection::Event::Status(_) | connection::Event::Binary(_) => return None,
            };
            message.judged = Some(self.streams.judge(now, received, &event));
        }
        self.hand_over(message)
    }

    /// Hands over the event that has been judged, unless something has to be said before it.
    fn hand_over(&mut self, message: Message) -> Option<Next> {
        if !self.streams.notes.is_empty() {
            self.reader.message = Some(message);
            return None;
        }
        let Message {
            found,
            lent: index,
            count,
            judged,
        } = message;
        let lent = index + 1;
        let rest = Message {
            found,
            lent,
            count,
            judged: None,
        };
        self.reader.message = (lent < count).then_some(rest);
        add(&mut self.streams.statistics.events, 1);
        judged.map(|judged| Next::Text(found, Part::Market { index, judged }))
    }

    /// Lends what has been decided on; valid until the buffer is read into again.
    fn lend<'a>(&'a mut self, now: Time, rx: &'a ReceiveBuffer, next: Next) -> Option<Event<'a>> {
        let (found, part) = match next {
            Next::Note(note) => return self.streams.tell(note),
            Next::Text(found, part) => (found, part),
            Next::Malformed(error) => {
                return Some(Event::Undecoded(Undecoded::Malformed(error)));
            }
            Next::Binary => return Some(Event::Undecoded(Undecoded::Binary)),
        };
        let connection::Event::Text(text) = self.connection.lend(rx, found) else {
            return None;
        };
        let decoder = &self.reader.decoder;
        Some(match part {
            Part::Market { index, judged } => {
                let event = decoder.event(text, index)?;
                self.streams.keep(now, &event);
                present(event, judged)
            }
            Part::Unhandled => Event::Undecoded(Undecoded::Unhandled(decoder.kind(text))),
            Part::Unknown => Event::Undecoded(Undecoded::Unknown(decoder.kind(text))),
        })
    }
}

const fn present(event: market::Event<'_>, judged: Judged) -> Event<'_> {
    match judged {
        Judged::InOrder => Event::Market(event),
        Judged::OutOfOrder { disorder, last } => Event::OutOfOrder {
            event,
            disorder,
            last,
        },
        Judged::Stray => Event::Undecoded(Undecoded::Stray(event)),
    }
}
