//! A machine without a protocol: what the shell does to it is all that happens.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::time::Duration;

use marketprism_core::connection::{Action, Endpoint, Epoch, Input, Phase, Timer};
use marketprism_core::{Machine, ReceiveBuffer, Time, UnixNanos};

/// Dials once, writes what it has, hands over what it gets, and stops at the end of its socket.
#[derive(Debug)]
pub struct Pipe {
    endpoint: Endpoint,
    phase: Phase,
    actions: VecDeque<Action>,
    out: Vec<u8>,
    written: usize,
    /// How its socket, or its dial, ended.
    pub end: Option<Input>,
    tick: Option<Duration>,
    deadline: Option<Time>,
    /// How many deadlines have passed.
    pub ticks: usize,
}

impl Pipe {
    /// One that dials a host which only a scripted network knows, and writes this.
    #[must_use]
    pub fn new(out: &[u8]) -> Self {
        Self {
            endpoint: Endpoint {
                host: "far.example".into(),
                port: 1,
                tls: false,
                path: "/".into(),
            },
            phase: Phase::Stopped,
            actions: VecDeque::new(),
            out: out.into(),
            written: 0,
            end: None,
            tick: None,
            deadline: None,
            ticks: 0,
        }
    }

    /// One that has a deadline every `tick`; whatever arrives puts it off.
    #[must_use]
    pub fn ticking(tick: Duration) -> Self {
        Self {
            tick: Some(tick),
            ..Self::new(b"")
        }
    }

    /// The same, with a place to dial.
    #[must_use]
    pub fn to(mut self, address: SocketAddr) -> Self {
        self.endpoint.host = address.ip().to_string();
        self.endpoint.port = address.port();
        self
    }

    /// What the shell has written.
    #[must_use]
    pub fn written(&self) -> &[u8] {
        &self.out[..self.written]
    }

    fn release(&mut self, end: Input) {
        if self.phase != Phase::Releasing {
            self.end = Some(end);
            self.phase = Phase::Releasing;
            self.actions.push_back(Action::Drop(Epoch::default()));
        }
    }
}

impl Machine for Pipe {
    type Event<'a> = &'a [u8];

    fn handle(&mut self, now: Time, input: Input) {
        match input {
            Input::Start if self.phase == Phase::Stopped => {
                self.phase = Phase::Connecting;
                self.actions.push_back(Action::Dial(Epoch::default()));
                self.deadline = self.tick.map(|tick| now + tick);
            }
            Input::Dialed(_) => self.phase = Phase::Open,
            Input::DialFailed(..) | Input::Eof(_) | Input::Broken(..) | Input::Stop => {
                self.release(input);
            }
            Input::Released(_) => {
                self.phase = Phase::Stopped;
                self.deadline = None;
            }
            Input::Timeout => {
                self.ticks += 1;
                self.deadline = self.tick.map(|tick| now + tick);
            }
            Input::Start
            | Input::Renew
            | Input::Hold(_)
            | Input::Stay(_)
            | Input::Withhold
            | Input::Permit => {}
        }
    }

    fn receive(
        &mut self,
        now: Time,
        _: UnixNanos,
        rx: &mut ReceiveBuffer,
        each: &mut impl FnMut(&[u8]),
    ) {
        self.deadline = self.tick.map(|tick| now + tick);
        each(rx.filled());
        rx.clear();
    }

    fn drain_events(&mut self, _: UnixNanos, _: &mut impl FnMut(&[u8])) {}

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front()
    }

    fn transmit(&self) -> &[u8] {
        match self.phase {
            Phase::Open => &self.out[self.written..],
            Phase::Stopped
            | Phase::Waiting
            | Phase::Connecting
            | Phase::Upgrading
            | Phase::Closing
            | Phase::Releasing => &[],
        }
    }

    fn transmitted(&mut self, _: Time, count: usize) {
        self.written += count;
    }

    fn poll_timeout(&self) -> Option<(Time, Timer)> {
        Some((self.deadline?, Timer::Session))
    }

    fn phase(&self) -> Phase {
        self.phase
    }

    fn epoch(&self) -> Option<Epoch> {
        (self.phase != Phase::Stopped).then(Epoch::default)
    }

    fn held_until(&self) -> Time {
        Time::ZERO
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn name(&self) -> &str {
        "pipe"
    }
}
