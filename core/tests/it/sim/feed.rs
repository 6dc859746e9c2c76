//! A WebSocket server that sends a message now and then, pings, and gets into trouble.

use std::time::Duration;

use marketprism_core::connection::Fault;
use marketprism_core::ws::handshake::Response;
use marketprism_core::ws::{CloseFrame, Item, Limits, Server, ServerEvent};
use marketprism_core::{ReceiveBuffer, Time};

use super::faults::{Schedule, Trouble};
use super::{Answer, End, Peer};

/// What a feed does unless it is in trouble.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Habits {
    /// Time between messages.
    pub(crate) data: Duration,
    /// Time between pings.
    pub(crate) ping: Duration,
}

/// The server.
pub(crate) struct Feed {
    habits: Habits,
    schedule: Option<Schedule>,
    server: Option<Server>,
    stage: Stage,
    rx: ReceiveBuffer,
    next_data: Time,
    next_ping: Time,
    /// Nothing new is accepted before this, and how it is refused.
    barred: Option<(Time, Trouble)>,
    raw: Vec<u8>,
    end: Option<End>,
    /// The account.
    pub(crate) tally: Tally,
}

/// How a connection is doing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Healthy,
    /// Pings are answered, and that is all.
    Mute,
    /// Nothing is answered.
    Dead,
    /// A close frame has been sent; the end of the stream follows the client's answer, or not.
    Closing(Lingering),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lingering {
    No,
    Yes,
}

/// What a feed has counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) troubles: u64,
    pub(crate) upgrades: u64,
    pub(crate) sent: u64,
    pub(crate) pings: u64,
    pub(crate) pongs: u64,
    pub(crate) client_pings: u64,
    pub(crate) texts: u64,
    pub(crate) clean_closes: u64,
    /// Pongs that answer nothing, or the same ping again.
    pub(crate) wrong_pongs: u64,
    last_pong: u64,
}

impl Feed {
    pub(crate) fn new(habits: Habits, schedule: Option<Schedule>) -> Self {
        Self {
            habits,
            schedule,
            server: None,
            stage: Stage::Healthy,
            rx: ReceiveBuffer::with_capacity(64 << 10),
            next_data: Time::MAX,
            next_ping: Time::MAX,
            barred: None,
            raw: Vec::new(),
            end: None,
            tally: Tally::default(),
        }
    }

    /// Strikes now, outside of any schedule.
    pub(crate) fn strike(&mut self, now: Time, trouble: Trouble) {
        self.tally.troubles += 1;
        match trouble {
            Trouble::Reset => self.reset(),
            Trouble::Fin => self.finish(),
            Trouble::Close => self.close(1001, Lingering::No),
            Trouble::CloseAndLinger => self.close(1012, Lingering::Yes),
            Trouble::Stall => self.stage = Stage::Dead,
            Trouble::Mute => self.stage = Stage::Mute,
            // An opcode that is reserved.
            Trouble::Garbage => self.raw.extend_from_slice(b"\x83\x00"),
            Trouble::Outage(time)
            | Trouble::Blackout(time)
            | Trouble::Refusal(_, time)
            | Trouble::Mumble(time) => {
                self.barred = Some((now + time, trouble));
                self.reset();
            }
        }
    }

    fn reset(&mut self) {
        if self.server.is_some() {
            self.end = Some(End::Reset);
            self.stage = Stage::Dead;
        }
    }

    fn finish(&mut self) {
        if self.server.is_some() {
            self.end = Some(End::Fin);
            self.stage = Stage::Dead;
        }
    }

    fn close(&mut self, code: u16, lingering: Lingering) {
        if let Some(server) = &mut self.server
            && self.stage == Stage::Healthy
        {
            let close = CloseFrame { code, reason: "" };
            server
                .queue()
                .close(Some(close))
                .expect("the first close frame");
            self.stage = Stage::Closing(lingering);
        }
    }

    /// What bars newcomers at the moment.
    fn bar(&self, now: Time) -> Option<(Duration, Trouble)> {
        let (until, trouble) = self.barred?;
        (until > now).then(|| (until.since(now), trouble))
    }

    fn read(&mut self, now: Time) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        loop {
            let upgrade = match server.next(&mut self.rx) {
                Ok(Some(ServerEvent::Request(_))) => true,
                Ok(Some(ServerEvent::Item(item))) => {
                    self.tally.hear(item);
                    false
                }
                Ok(None) => break,
                Err(error) => panic!("the client broke the protocol: {error}"),
            };
            if upgrade {
                self.upgrade(now, &mut server);
            }
        }
        self.server = Some(server);
    }

    /// Ends the stream once the close handshake is through.
    fn finish_if_over(&mut self) {
        let over = self.server.as_ref().is_some_and(Server::is_over);
        match self.stage {
            Stage::Healthy | Stage::Mute | Stage::Closing(Lingering::No) if over => {
                self.tally.clean_closes += 1;
                self.finish();
            }
            Stage::Healthy | Stage::Mute | Stage::Closing(_) | Stage::Dead => {}
        }
    }

    fn upgrade(&mut self, now: Time, server: &mut Server) {
        match self.bar(now) {
            Some((left, Trouble::Refusal(status, _))) => {
                let seconds = left.as_secs() + 1;
                let response = Response::new(status)
                    .field("Retry-After", &seconds.to_string())
                    .body(b"");
                server.respond(&response).expect("room for an answer");
            }
            Some((_, Trouble::Mumble(_))) => self.stage = Stage::Dead,
            Some(_) | None => {
                server.accept(None).expect("a valid request");
                self.tally.upgrades += 1;
                self.next_data = now + self.habits.data;
                self.next_ping = now + self.habits.ping;
            }
        }
    }

    fn speak(&mut self, now: Time) {
        let Some(server) = &mut self.server else {
            return;
        };
        if server.queue().is_closed() {
            self.stage = Stage::Closing(Lingering::No);
        }
        if self.next_data <= now {
            self.next_data = self.next_data + self.habits.data;
            if self.stage == Stage::Healthy {
                self.tally.sent += 1;
                server.queue().text("{\"e\":\"trade\"}").expect("room");
            }
        }
        if self.next_ping <= now {
            self.next_ping = self.next_ping + self.habits.ping;
            if self.stage == Stage::Healthy {
                self.tally.pings += 1;
                let number = self.tally.pings.to_be_bytes();
                server.queue().ping(&number).expect("room");
            }
        }
    }
}

impl Tally {
    fn hear(&mut self, item: Item<'_>) {
        match item {
            Item::Pong(payload) => {
                let number = payload.try_into().map_or(0, u64::from_be_bytes);
                if number <= self.last_pong || number > self.pings {
                    self.wrong_pongs += 1;
                }
                self.last_pong = number;
                self.pongs += 1;
            }
            Item::Ping(_) => self.client_pings += 1,
            Item::Text(_) | Item::Binary(_) => self.texts += 1,
            Item::Close(_) => {}
        }
    }
}

impl Peer for Feed {
    fn dialed(&mut self, now: Time) -> Answer {
        match self.bar(now) {
            Some((_, Trouble::Outage(_))) => Answer::Refuse(Fault::Refused),
            Some((_, Trouble::Blackout(_))) => Answer::Ignore,
            Some(_) | None => {
                self.server = Some(Server::new(Limits::DEFAULT, 1 << 16, None));
                self.stage = Stage::Healthy;
                self.end = None;
                self.raw.clear();
                self.rx.clear();
                Answer::Accept
            }
        }
    }

    fn received(&mut self, now: Time, bytes: &[u8]) {
        if self.stage != Stage::Dead {
            self.rx.spare()[..bytes.len()].copy_from_slice(bytes);
            self.rx.commit(bytes.len());
            self.read(now);
        }
    }

    fn left(&mut self, _: Time) {
        self.server = None;
        self.next_data = Time::MAX;
        self.next_ping = Time::MAX;
    }

    fn poll_timeout(&self) -> Option<Time> {
        let trouble = self.schedule.as_ref().map_or(Time::MAX, Schedule::at);
        let next = trouble.min(self.next_data).min(self.next_ping);
        (next < Time::MAX).then_some(next)
    }

    fn handle_timeout(&mut self, now: Time) {
        while let Some(schedule) = &mut self.schedule
            && schedule.at() <= now
        {
            let trouble = schedule.strike();
            self.strike(now, trouble);
        }
        self.speak(now);
    }

    fn transmit(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        if let Some(server) = &mut self.server
            && self.stage != Stage::Dead
        {
            while !server.transmit().is_empty() {
                let len = server.transmit().len();
                bytes.extend_from_slice(server.transmit());
                server.transmitted(len);
            }
            bytes.append(&mut self.raw);
        }
        self.finish_if_over();
        bytes
    }

    fn end(&mut self) -> Option<End> {
        self.end.take()
    }
}
