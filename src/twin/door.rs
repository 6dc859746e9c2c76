//! Faults that await whoever connects.

use std::time::Duration;

use marketprism_core::Time;

use super::answer::Answer;
use super::exchange::{Command, ConnectionId, Exchange};
use super::rest::After;
use super::tls::HandshakeFault;

/// Doors at a time.
const MAX_DOORS: usize = 256;

/// What befalls every connection that arrives, for a while that begins with the first of them.
#[derive(Clone, Copy, Debug)]
pub(super) struct Door {
    kind: DoorKind,
    span: Duration,
    until: Option<Time>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum DoorKind {
    /// It is reset.
    Reset,
    /// Its handshake goes wrong.
    Handshake(HandshakeFault),
}

impl Exchange {
    /// Cuts the connection; this awaits those who connect next. One door is behind the other.
    pub(super) fn put_door(&mut self, id: ConnectionId, kind: DoorKind, span: Duration) {
        if self.doors.len() < MAX_DOORS {
            self.doors.push_back(Door {
                kind,
                span,
                until: None,
            });
        }
        self.end(id, Command::Close(id));
    }

    /// Lets a connection that has just arrived meet what awaits it, if anything does.
    pub(super) fn meet(&mut self, now: Time, id: ConnectionId) {
        match self.next_door(now) {
            None => {}
            Some(DoorKind::Reset) => self.end(id, Command::Reset(id)),
            Some(DoorKind::Handshake(fault)) => self.misgreet(now, id, fault),
        }
    }

    fn next_door(&mut self, now: Time) -> Option<DoorKind> {
        while let Some(door) = self.doors.front_mut() {
            if now < *door.until.get_or_insert(now + door.span) {
                return Some(door.kind);
            }
            self.doors.pop_front();
        }
        None
    }

    fn misgreet(&mut self, now: Time, id: ConnectionId, fault: HandshakeFault) {
        let command = Command::Handshake(id, fault);
        match fault {
            HandshakeFault::Hang | HandshakeFault::HangMidway | HandshakeFault::Cut => {
                self.hold(now, id, command);
            }
            HandshakeFault::PlainHttp => {
                self.commands.push_back(command);
                let answer = Answer::json(400, "").bytes(After::Close);
                // The first to be queued always finds room.
                self.with(id, |client, _| {
                    client.server.queue().handshake(&answer).unwrap_or_default();
                });
                self.end(id, Command::Close(id));
            }
            HandshakeFault::Certificate(_) => self.commands.push_back(command),
        }
    }
}
