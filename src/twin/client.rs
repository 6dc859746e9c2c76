//! One connection as the exchange sees it.

use std::collections::VecDeque;
use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::ws::{CloseFrame, Limits, Server};

use super::desk::Desk;
use super::outlet::Outlet;
use super::rules::{Rules, Window};

/// The longest request: OKX closes on more, and nothing that Binance heeds is longer.
const MAX_REQUEST: usize = 64 << 10;
/// Pings follow each other no sooner than this, so that time always moves on.
const MIN_PING: Duration = Duration::from_millis(1);
/// Unanswered pings that are remembered.
const MAX_PINGS: usize = 16;

/// A client's connection.
#[derive(Debug)]
pub(super) struct Client {
    pub(super) server: Server,
    pub(super) outlet: Outlet,
    pub(super) stage: Stage,
    pub(super) conduct: Conduct,
    pub(super) desk: Desk,
    /// Frames and requests that it has sent.
    pub(super) frames: Window,
    pub(super) requests: Window,
    /// Requests over REST that were answered.
    pub(super) answered: u32,
    deadlines: Deadlines,
    pings: VecDeque<(Vec<u8>, Time)>,
}

/// How far a connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// A request is awaited.
    Asking,
    /// The upgrade was granted.
    Open,
    /// Our close frame or our last answer is on its way.
    Ending,
    /// The socket layer was told to end it.
    Over,
}

/// How the exchange behaves towards a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Conduct {
    /// As it should.
    Well,
    /// As it should, as far as it knows; on the way something goes wrong.
    Doomed,
    /// It sends no data.
    Dataless,
    /// It neither sends nor reads, or has ended its own direction and stays.
    Dead,
}

/// What a connection's next deadline is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Deadline {
    /// The request that opens it has not come, or the answer to our close frame.
    Patience,
    /// A ping is due.
    Ping,
    /// The next part of a slow answer.
    Beat,
    /// A pong has not come.
    Pong,
    /// Nothing has been pushed for too long.
    Idle,
    /// Its life is over, or the notice has run out.
    Cut,
    /// A socket that a fault holds has been held long enough.
    Linger,
}

#[derive(Clone, Copy, Debug, Default)]
struct Deadlines {
    patience: Option<Time>,
    ping: Option<Time>,
    beat: Option<Time>,
    idle: Option<Time>,
    cut: Option<Time>,
    linger: Option<Time>,
}

impl Client {
    pub(super) fn new(now: Time, rules: &Rules, desk: Desk) -> Self {
        let limits = Limits {
            max_message: MAX_REQUEST,
            max_frame: MAX_REQUEST,
            ..Limits::DEFAULT
        };
        Self {
            server: Server::new(limits, rules.backlog, None),
            outlet: Outlet::default(),
            stage: Stage::Asking,
            conduct: Conduct::Well,
            desk,
            frames: Window::default(),
            requests: Window::default(),
            answered: 0,
            deadlines: Deadlines {
                patience: Some(now + rules.patience),
                ..Deadlines::default()
            },
            pings: VecDeque::new(),
        }
    }

    /// The upgrade was granted.
    pub(super) fn open(&mut self, now: Time, rules: &Rules) {
        self.stage = Stage::Open;
        self.deadlines = Deadlines {
            ping: rules.ping.map(|ping| now + ping.every),
            idle: rules.idle.map(|idle| now + idle),
            cut: rules.lifetime.map(|lifetime| now + lifetime),
            ..Deadlines::default()
        };
    }

    /// Something was pushed.
    pub(super) fn pushed(&mut self, now: Time, rules: &Rules) {
        self.deadlines.idle = rules.idle.map(|idle| now + idle);
    }

    /// Sends a ping that carries its time, and awaits its pong.
    pub(super) fn ping(&mut self, now: Time, rules: &Rules, stamp: u64) {
        let Some(ping) = rules.ping else {
            return;
        };
        let payload = stamp.to_string().into_bytes();
        self.deadlines.ping = Some(now + ping.every.max(MIN_PING));
        if self.server.queue().ping(&payload).is_ok() && self.pings.len() < MAX_PINGS {
            self.pings.push_back((payload, now + ping.within));
        }
    }

    /// A pong came: it answers the ping whose payload it copies and all before it. One that was
    /// not asked for does not keep the connection alive.
    pub(super) fn pong(&mut self, payload: &[u8]) {
        if let Some(place) = self.pings.iter().position(|(sent, _)| sent == payload) {
            self.pings.drain(..=place);
        }
    }

    /// Sends a close frame and waits for its answer.
    pub(super) fn close(&mut self, now: Time, rules: &Rules, code: u16, reason: &str) {
        // Refused only where a close frame is on its way already.
        self.server
            .queue()
            .close(Some(CloseFrame { code, reason }))
            .unwrap_or_default();
        self.end(now, rules);
    }

    /// A request over REST was answered, and another one may come.
    pub(super) fn stay(&mut self, now: Time, rules: &Rules) {
        self.deadlines.patience = Some(now + rules.patience);
    }

    /// Lets what was queued go out, and then waits only so long.
    pub(super) fn end(&mut self, now: Time, rules: &Rules) {
        self.stage = Stage::Ending;
        self.deadlines = Deadlines {
            patience: Some(now + rules.patience),
            ..Deadlines::default()
        };
    }

    /// The socket layer ends it in good order, or is asked to drop it after a while.
    pub(super) fn over(&mut self, now: Time, rules: &Rules) {
        self.end(now, rules);
        self.stage = Stage::Over;
    }

    /// The socket layer drops it at once.
    pub(super) fn dropped(&mut self) {
        self.stage = Stage::Over;
        self.deadlines = Deadlines::default();
    }

    /// A fault takes hold of the socket, until the client gives it up or for so long.
    pub(super) fn hold(&mut self, until: Time) {
        self.conduct = Conduct::Dead;
        self.deadlines = Deadlines {
            linger: Some(until),
            ..Deadlines::default()
        };
    }

    /// Something goes wrong on the way, until the client gives up or for so long.
    pub(super) fn doom(&mut self, until: Time) {
        self.conduct = Conduct::Doomed;
        self.deadlines.linger = Some(until);
    }

    /// The connection will be cut.
    pub(super) fn cut_at(&mut self, at: Time) {
        self.deadlines.cut = Some(at);
    }

    /// Whether data goes out to it.
    pub(super) fn is_served(&self) -> bool {
        self.stage == Stage::Open && matches!(self.conduct, Conduct::Well | Conduct::Doomed)
    }

    /// Whether it is served and no fault has struck the whole of it.
    pub(super) fn is_unharmed(&self) -> bool {
        self.is_served() && self.conduct == Conduct::Well
    }

    /// Whether what comes from it is read.
    pub(super) fn is_heard(&self) -> bool {
        self.stage != Stage::Over && self.conduct != Conduct::Dead
    }

    /// What to write next. Who is held says only what was on its way before.
    pub(super) fn transmit(&self) -> &[u8] {
        self.outlet.lend(match self.conduct {
            Conduct::Well | Conduct::Doomed | Conduct::Dataless => self.server.transmit(),
            Conduct::Dead => &[],
        })
    }

    pub(super) fn transmitted(&mut self, count: usize) {
        let queued = self.outlet.written(count);
        self.server.transmitted(queued);
    }

    /// Whether the connection is closed or has failed, and all has been written.
    pub(super) fn is_done(&self) -> bool {
        self.server.is_over() && self.outlet.is_free()
    }

    /// Says these bytes behind everything that is queued, whatever they are.
    pub(super) fn say(&mut self, bytes: &[u8]) {
        while let queued @ [_, ..] = self.server.transmit() {
            let count = queued.len();
            self.outlet.ahead().extend_from_slice(queued);
            self.server.transmitted(count);
        }
        self.outlet.ahead().extend_from_slice(bytes);
    }

    /// Lets what is queued go out slowly.
    pub(super) fn slow(&mut self, now: Time, span: Duration) {
        let bytes = self.server.transmit().len();
        self.deadlines.beat = Some(self.outlet.slow(now, bytes, span));
    }

    /// The next part of a slow answer.
    pub(super) fn beat(&mut self, now: Time) {
        self.deadlines.beat = self.outlet.beat(now);
    }

    /// The next deadline.
    pub(super) fn due(&self) -> Option<(Time, Deadline)> {
        let Deadlines {
            patience,
            ping,
            beat,
            idle,
            cut,
            linger,
        } = self.deadlines;
        let pong = match self.stage {
            Stage::Open if self.conduct != Conduct::Dead => self.pings.front().map(|(_, by)| *by),
            Stage::Asking | Stage::Open | Stage::Ending | Stage::Over => None,
        };
        let all = [
            (patience, Deadline::Patience),
            (ping, Deadline::Ping),
            (beat, Deadline::Beat),
            (pong, Deadline::Pong),
            (idle, Deadline::Idle),
            (cut, Deadline::Cut),
            (linger, Deadline::Linger),
        ];
        let set = all.into_iter().filter_map(|(at, what)| Some((at?, what)));
        set.min()
    }

    /// Forgets a deadline that has been dealt with.
    pub(super) fn forget(&mut self, what: Deadline) {
        match what {
            Deadline::Patience => self.deadlines.patience = None,
            Deadline::Ping => self.deadlines.ping = None,
            Deadline::Beat => self.deadlines.beat = None,
            Deadline::Pong => self.pings.clear(),
            Deadline::Idle => self.deadlines.idle = None,
            Deadline::Cut => self.deadlines.cut = None,
            Deadline::Linger => self.deadlines.linger = None,
        }
    }
}
