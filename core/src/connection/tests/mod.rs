//! The abstract machine and its world: a shell, a wire and a peer, small enough to be explored.

mod explore;
mod key;
mod laws;
mod pace;
mod recovery;
mod table;

use alloc::collections::VecDeque;
use core::time::Duration;

use super::config::{Config, Rotate, Target};
use super::dial::{Leave, Pace, Signature, Wanted};
use super::farewell::Farewell;
use super::heartbeat::Owed;
use super::io::{Action, Endpoint, Epoch, Fault, Input, Phase, Refusal, Status, Timer};
use super::phase::{Control, Lifecycle, NoRoom, Stimulus, Wire};
use super::quota::Quota;
use crate::time::Time;
use crate::ws::Violation;

const DIALS: Quota = Quota {
    count: 3,
    per: Duration::from_secs(20),
};
const MESSAGES: Quota = Quota {
    count: 2,
    per: Duration::from_secs(1),
};
/// Control frames that can wait on the wire.
const RESERVE: usize = 1;

/// Every row of the timer table is in use.
fn config() -> Config {
    let endpoint = Endpoint {
        host: "localhost".into(),
        port: 80,
        tls: false,
        path: "/".into(),
    };
    Config {
        rotate: Some(Rotate {
            after: Duration::from_secs(600),
            spread: Duration::from_secs(60),
            ahead: Duration::ZERO,
        }),
        messages: Some(MESSAGES),
        pong_reserve: 1,
        dials: Some(DIALS),
        ..Config::new(endpoint)
    }
}

/// What can happen next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    /// The shell takes an action.
    Take,
    Start,
    Stop,
    Renew,
    Hold,
    Stay,
    Withhold,
    Permit,
    Dialed,
    DialFailed,
    Eof,
    Broken,
    Released,
    /// The answer to what the shell was asked to sign.
    Signed,
    Unsigned,
    /// The same seven, for the socket before this one.
    Stale,
    /// The clock reaches the next deadline.
    Deadline,
    /// A little time passes.
    Tick,
    /// The shell wakes up for nothing.
    Spurious,
    Upgraded,
    Banned,
    Overloaded,
    Data,
    Ping,
    Pong,
    PeerClosed,
    Violation,
    /// All bytes leave.
    Flush,
    /// One frame leaves.
    Trickle,
    /// The application sends a message, if it may.
    Send,
}

impl Step {
    const ALL: [Self; 30] = [
        Self::Take,
        Self::Start,
        Self::Stop,
        Self::Renew,
        Self::Hold,
        Self::Stay,
        Self::Withhold,
        Self::Permit,
        Self::Dialed,
        Self::DialFailed,
        Self::Eof,
        Self::Broken,
        Self::Released,
        Self::Signed,
        Self::Unsigned,
        Self::Stale,
        Self::Deadline,
        Self::Tick,
        Self::Spurious,
        Self::Upgraded,
        Self::Banned,
        Self::Overloaded,
        Self::Data,
        Self::Ping,
        Self::Pong,
        Self::PeerClosed,
        Self::Violation,
        Self::Flush,
        Self::Trickle,
        Self::Send,
    ];
}

/// A wire without bytes: it counts frames, and pings by number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    /// Whether the upgrade request is signed before it is queued.
    signed: bool,
    connected: bool,
    closed: bool,
    frames: usize,
    controls: usize,
    /// Pings of the peer on this socket, and the last that was answered.
    pings: u32,
    answered: u32,
    /// Frames queued where nothing may be queued.
    misplaced: u32,
    /// Answers that were not to the newest ping, or the second to the same.
    wrong_pongs: u32,
    /// Pings of ours that were queued since the peer was last heard.
    probes: u32,
    /// Counted frames that have yet to leave, and when the last few left.
    counted: u32,
    left: VecDeque<Time>,
}

impl Model {
    fn queue(&mut self) {
        self.frames += 1;
        if !self.connected || self.closed {
            self.misplaced += 1;
        }
    }

    fn leave(&mut self, now: Time, frames: usize) {
        let frames = frames.min(self.frames);
        self.frames -= frames;
        self.controls = self.controls.min(self.frames);
        for _ in 0..frames.min(self.counted as usize) {
            self.counted -= 1;
            self.left.push_back(now);
            if self.left.len() > MESSAGES.count as usize + 1 {
                self.left.pop_front();
            }
        }
    }
}

impl Wire for Model {
    fn connect(&mut self) {
        *self = Self {
            signed: self.signed,
            connected: true,
            misplaced: self.misplaced,
            wrong_pongs: self.wrong_pongs,
            ..Self::default()
        };
        if !self.signed {
            self.queue();
        }
    }

    fn control(&mut self, control: Control) -> Result<(), NoRoom> {
        if self.controls == RESERVE {
            return Err(NoRoom);
        }
        self.controls += 1;
        self.counted += 1;
        self.queue();
        match control {
            Control::Ping => self.probes += 1,
            Control::Pong if self.answered == self.pings => self.wrong_pongs += 1,
            Control::Pong => self.answered = self.pings,
        }
        Ok(())
    }

    fn close(&mut self, _: u16) {
        self.queue();
        self.closed = true;
    }

    fn is_flushed(&self) -> bool {
        self.frames == 0
    }

    fn clear(&mut self) {
        self.connected = false;
        self.frames = 0;
        self.controls = 0;
        self.counted = 0;
    }
}

/// What the shell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Socket {
    None,
    Live(Epoch),
    Dropped(Epoch),
}

/// The machine and everything around it.
#[derive(Clone, Debug, PartialEq)]
struct World {
    now: Time,
    life: Lifecycle,
    wire: Model,
    socket: Socket,
    /// Dials asked for while a socket was live, and drops of a socket that was not.
    second_dials: u32,
    stray_drops: u32,
    /// When the last few dials were asked for.
    dialed: VecDeque<Time>,
    /// The application's view.
    heard: Heard,
    /// Statuses that cannot follow one another.
    disorder: u32,
}

/// What the application has heard last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Heard {
    Stopped,
    Waiting,
    Dialing,
    Open,
    Down,
}

impl World {
    fn new(seed: u8) -> Self {
        Self::of(Target::Plain, seed)
    }

    fn of(target: Target, seed: u8) -> Self {
        let config = Config { target, ..config() };
        Self {
            now: Time::from_nanos(1),
            life: Lifecycle::new(&config, [seed; 32]),
            wire: Model {
                signed: target == Target::Signed,
                ..Model::default()
            },
            socket: Socket::None,
            second_dials: 0,
            stray_drops: 0,
            dialed: VecDeque::new(),
            heard: Heard::Stopped,
            disorder: 0,
        }
    }

    /// A world led to a phase by the shortest way.
    fn in_phase(phase: Phase) -> Self {
        use Step::{Dialed, Flush, Released, Start, Stop, Take, Upgraded};
        let steps: &[Step] = match phase {
            Phase::Stopped => &[],
            Phase::Waiting => &[Start, Take, Step::DialFailed, Take, Released],
            Phase::Connecting => &[Start, Take],
            Phase::Upgrading => &[Start, Take, Dialed, Flush],
            Phase::Open => &[Start, Take, Dialed, Flush, Upgraded],
            Phase::Closing => &[Start, Take, Dialed, Flush, Upgraded, Stop],
            Phase::Releasing => &[Start, Take, Dialed, Flush, Upgraded, Step::Eof],
        };
        let mut world = Self::new(1);
        for &step in steps {
            world.step(step);
        }
        assert_eq!(world.life.phase(), phase);
        world
    }

    fn step(&mut self, step: Step) {
        match step {
            Step::Take => self.take(),
            Step::Start => self.input(Input::Start),
            Step::Stop => self.input(Input::Stop),
            Step::Renew => self.input(Input::Renew),
            Step::Withhold => self.input(Input::Withhold),
            Step::Permit => self.input(Input::Permit),
            Step::Hold => self.input(Input::Hold(self.now + Duration::from_secs(7))),
            Step::Stay => self.input(Input::Stay(self.now + Duration::from_secs(7))),
            Step::Dialed => self.input_of(Input::Dialed),
            Step::DialFailed => self.input_of(|epoch| Input::DialFailed(epoch, Fault::Refused)),
            Step::Eof => self.input_of(Input::Eof),
            Step::Broken => self.input_of(|epoch| Input::Broken(epoch, Fault::Reset)),
            Step::Released => self.release(),
            Step::Signed => self.sign_of(Stimulus::Signed),
            Step::Unsigned => self.sign_of(Stimulus::Unsigned),
            Step::Stale => self.stale(),
            Step::Deadline => self.deadline(),
            Step::Tick => self.now = self.now + Duration::from_millis(10),
            Step::Spurious => self.input(Input::Timeout),
            Step::Upgraded => self.signal(Stimulus::Upgraded),
            Step::Banned => self.refuse(429),
            Step::Overloaded => self.refuse(503),
            Step::Data => self.frame(Stimulus::Data),
            Step::Ping => self.ping(),
            Step::Pong => self.frame(Stimulus::Pong),
            Step::PeerClosed => self.frame(Stimulus::PeerClosed(1001)),
            Step::Violation => self.frame(Stimulus::Violation(Violation::Masked)),
            Step::Flush => self.written(usize::MAX),
            Step::Trickle => self.written(1),
            Step::Send => self.send(),
        }
        self.listen();
    }

    fn input(&mut self, input: Input) {
        let before = self.life.epoch();
        self.life.handle(self.now, input, &mut self.wire);
        if self.life.epoch() != before && self.life.epoch().is_some() {
            self.dialed.push_back(self.now);
            if self.dialed.len() > DIALS.count as usize + 1 {
                self.dialed.pop_front();
            }
        }
    }

    /// Inputs come from a shell that speaks of the socket it has.
    fn input_of(&mut self, input: impl Fn(Epoch) -> Input) {
        match self.socket {
            Socket::Live(epoch) => self.input(input(epoch)),
            Socket::Dropped(epoch) => self.input(input(epoch)),
            Socket::None => {}
        }
    }

    /// Somebody has signed for the socket that the shell has, or has not.
    fn sign_of(&mut self, answer: Stimulus) {
        if let Socket::Live(epoch) | Socket::Dropped(epoch) = self.socket {
            self.sign_for(epoch, answer);
        }
    }

    /// As [`Connection::signed`](super::Connection::signed) does.
    fn sign_for(&mut self, epoch: Epoch, answer: Stimulus) {
        if self.life.awaits_signature(epoch) {
            if answer == Stimulus::Signed {
                self.wire.queue();
            }
            self.signal(answer);
        }
    }

    fn release(&mut self) {
        match self.socket {
            Socket::Dropped(epoch) => {
                self.socket = Socket::None;
                self.input(Input::Released(epoch));
            }
            // Too early: nobody asked for it.
            Socket::Live(epoch) => self.input(Input::Released(epoch)),
            Socket::None => {}
        }
    }

    /// Every input that speaks of a socket, for one that is not the current one.
    fn stale(&mut self) {
        let Some(current) = self.life.epoch() else {
            return self.inputs_for(Epoch::default());
        };
        self.inputs_for(current.next());
        self.inputs_for(Epoch::default());
    }

    fn inputs_for(&mut self, epoch: Epoch) {
        // Whatever the time: a stale input does not move the clock either.
        let late = self.now + Duration::from_secs(3600);
        for input in [
            Input::Dialed(epoch),
            Input::DialFailed(epoch, Fault::Other),
            Input::Eof(epoch),
            Input::Broken(epoch, Fault::Other),
            Input::Released(epoch),
        ] {
            self.life.handle(late, input, &mut self.wire);
        }
        self.sign_for(epoch, Stimulus::Signed);
        self.sign_for(epoch, Stimulus::Unsigned);
    }

    fn take(&mut self) {
        match self.life.actions.poll() {
            Some(Action::Dial(epoch)) => {
                if self.socket != Socket::None {
                    self.second_dials += 1;
                }
                self.socket = Socket::Live(epoch);
            }
            Some(Action::Drop(epoch)) => {
                if self.socket != Socket::Live(epoch) {
                    self.stray_drops += 1;
                }
                self.socket = Socket::Dropped(epoch);
            }
            Some(Action::Fetch(_)) => panic!("a bare connection asks for nothing else"),
            // Who has taken it answers it by a step of its own.
            Some(Action::Sign(_)) | None => {}
        }
    }

    fn deadline(&mut self) {
        if let Some((at, _)) = self.life.timers.next() {
            self.now = self.now.max(at);
            self.input(Input::Timeout);
        }
    }

    fn refuse(&mut self, status: u16) {
        let pause = Some(Duration::from_secs(5));
        self.signal(Stimulus::Refused(Refusal::Status(status, pause)));
    }

    fn signal(&mut self, stimulus: Stimulus) {
        self.life.apply(self.now, stimulus, &mut self.wire);
    }

    fn frame(&mut self, stimulus: Stimulus) {
        self.wire.probes = 0;
        self.signal(Stimulus::Heard);
        self.signal(stimulus);
    }

    fn ping(&mut self) {
        if self.life.phase() == Phase::Open {
            self.wire.pings += 1;
        }
        self.frame(Stimulus::Ping);
    }

    fn written(&mut self, frames: usize) {
        if self.wire.frames > 0 {
            self.wire.leave(self.now, frames);
            self.signal(Stimulus::Written);
        }
    }

    fn send(&mut self) {
        let open = self.life.phase() == Phase::Open;
        if open && self.life.message_free_at(self.now) <= self.now && self.wire.frames < 3 {
            self.wire.counted += 1;
            self.wire.queue();
            self.life.messages.queue();
        }
    }

    fn listen(&mut self) {
        while let Some(status) = self.life.statuses.poll() {
            let (heard, after): (Heard, &[Heard]) = match status {
                Status::Dialing { .. } => (
                    Heard::Dialing,
                    &[Heard::Stopped, Heard::Waiting, Heard::Down],
                ),
                Status::Open { .. } => (Heard::Open, &[Heard::Dialing]),
                Status::Down { .. } => (Heard::Down, &[Heard::Dialing, Heard::Open]),
                Status::Waiting { .. } => (Heard::Waiting, &[Heard::Stopped, Heard::Down]),
                Status::Stopped => (Heard::Stopped, &[Heard::Waiting, Heard::Down]),
            };
            self.disorder += u32::from(!after.contains(&self.heard));
            self.heard = heard;
        }
    }

    /// The state with times reduced to their order and counters to small ranges.
    fn abstracted(&self) -> Abstract {
        let now = self.now;
        let life = &self.life;
        let marks = [
            life.held(),
            life.pause,
            life.dials.free_at(now, 0),
            life.messages.free_at(now, 0),
            life.messages.free_at(now, 1),
        ];
        let rows = Timer::ALL.map(|timer| life.timers.deadline(timer));
        let mut instants: alloc::vec::Vec<Time> = rows.iter().flatten().copied().collect();
        instants.extend(marks);
        instants.push(now);
        instants.retain(|&at| at >= now);
        instants.sort_unstable();
        instants.dedup();
        // Past and present are one.
        let rank = |at: Time| instants.binary_search(&at).map_or(0, small);
        Abstract {
            phase: life.phase(),
            wanted: life.wanted,
            pace: life.pace,
            leave: life.leave,
            signature: life.signature,
            farewell: match (life.phase(), life.farewell) {
                (Phase::Closing, Farewell::Asked(_)) => 1,
                (Phase::Closing, Farewell::Said) => 2,
                (Phase::Closing, Farewell::Flushing) => 3,
                _ => 0,
            },
            attempt: life.attempt.min(2),
            owed: life.owed,
            actions: [
                life.actions.dial_waits(),
                life.actions.sign_waits(),
                life.actions.drop_waits(),
            ],
            rows: rows.map(|at| at.map(rank)),
            marks: marks.map(rank),
            wire: [
                u8::from(self.wire.signed),
                u8::from(self.wire.connected),
                u8::from(self.wire.closed),
                small(self.wire.frames.min(3)),
                small(self.wire.controls),
                u8::from(self.wire.pings == self.wire.answered),
                small(self.wire.counted.min(3) as usize),
            ],
            socket: match self.socket {
                Socket::None => 0,
                Socket::Live(_) => 1,
                Socket::Dropped(_) => 2,
            },
        }
    }
}

fn small(number: usize) -> u8 {
    u8::try_from(number).unwrap_or(u8::MAX)
}

/// What two states have in common if the machine cannot tell them apart by order and range.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Abstract {
    phase: Phase,
    wanted: Wanted,
    pace: Pace,
    leave: Leave,
    signature: Signature,
    farewell: u8,
    attempt: u32,
    owed: Owed,
    actions: [bool; 3],
    rows: [Option<u8>; Timer::ALL.len()],
    marks: [u8; 5],
    wire: [u8; 7],
    socket: u8,
}
