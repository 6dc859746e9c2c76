//! The fleet and everything around it: a shell, a clock, two users and two far ends.

use alloc::collections::VecDeque;
use alloc::vec::Vec;
use core::mem;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::far_end::{Line, Reply, Socket, Stage, filled, framed};
use super::laws::Law;
use super::step::{Draw, Step, Trouble, Turn, Who};
use super::{DIALS, Key, RETRY_AFTER, UNIT, plan_of, settings};
use crate::connection::{Action, Epoch, Fault, Input, Phase};
use crate::fleet::{Fleet, MachineId};
use crate::market::{Market, Venue};
use crate::session::{Session, StreamState};
use crate::time::{Time, UnixNanos};
use crate::venue::Operation;

/// What is searched.
#[derive(Clone, Debug)]
pub(super) struct World {
    pub(super) now: Time,
    pub(super) fleet: Fleet<Session>,
    pub(super) seats: [Seat; 2],
    /// When the last few dials were asked for, by either.
    dialed: VecDeque<Time>,
    /// The far end has barred the address until then.
    barred: Time,
    /// The first rule that was broken.
    pub(super) breach: Option<Law>,
}

/// A session with what is around it.
#[derive(Clone, Debug)]
pub(super) struct Seat {
    pub(super) id: MachineId,
    pub(super) line: Line,
    pub(super) user: User,
}

/// What the user of a session wants.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum User {
    Up,
    Down,
}

impl World {
    /// Two stopped sessions, and users that want none.
    pub(super) fn new(market: Market) -> Self {
        let mut fleet = Fleet::new();
        let budget = fleet.budget(DIALS);
        let names = match market.venue() {
            Venue::Binance => ["AAAUSDT", "BBBUSDT"],
            Venue::Okx => ["AAA-USDT", "BBB-USDT"],
        };
        let seats = names.map(|name| {
            let plan = plan_of(market, name);
            let settings = settings(&plan);
            let session = Session::new(plan, settings, [7; 32]).expect("valid settings");
            Seat {
                id: fleet.add(session, Some(budget)),
                line: Line::new(market.venue(), name.into()),
                user: User::Down,
            }
        });
        let mut world = Self {
            now: Time::ZERO + UNIT,
            fleet,
            seats,
            dialed: VecDeque::new(),
            barred: Time::ZERO,
            breach: None,
        };
        world.serve();
        world
    }

    /// What can happen of its own accord in a network without trouble, and is not late: users
    /// that want their session back included.
    pub(super) fn helpful(&self) -> Vec<Step> {
        let mut steps = Vec::new();
        for who in Who::BOTH {
            let turns = self.good_turns(who);
            steps.extend(turns.into_iter().map(|turn| Step::To(who, turn)));
        }
        steps
    }

    /// What happens next in a quiet network: what can, in any order; and if there is nothing, time
    /// passes.
    pub(super) fn quiet(&self) -> Vec<Step> {
        let steps = self.helpful();
        match steps.is_empty() {
            true => Vec::from([Step::Pass]),
            false => steps,
        }
    }

    /// Everything that can happen.
    pub(super) fn steps(&self) -> Vec<Step> {
        let mut steps = self.helpful();
        // A user may stay away for as long as he likes.
        let is_start = |step: &Step| matches!(step, Step::To(_, Turn::Start));
        if steps.iter().all(is_start) {
            steps.push(Step::Pass);
        }
        for who in Who::BOTH {
            let possible = |&trouble: &Trouble| self.is_possible(who, trouble);
            let troubles = Trouble::ALL.into_iter().filter(possible);
            steps.extend(troubles.map(|trouble| Step::To(who, Turn::Trouble(trouble))));
        }
        steps
    }

    fn good_turns(&self, who: Who) -> Vec<Turn> {
        let Seat { line, user, .. } = &self.seats[who as usize];
        let mut turns = Vec::new();
        if *user == User::Down {
            turns.push(Turn::Start);
        }
        match (line.socket, &line.stage) {
            (Socket::Dropped(_), _) => {
                turns.extend([Draw::Short, Draw::Long].map(Turn::Release));
            }
            (Socket::Live(_), _) if !line.is_reachable() => {}
            (Socket::Live(_), Stage::Dialing) => turns.push(Turn::Accept),
            (Socket::Live(_), Stage::Asked(_)) => turns.push(Turn::Upgrade),
            (Socket::Live(_), Stage::Open) if line.they_closed => turns.push(Turn::Part),
            (Socket::Live(_), Stage::Open) if line.is_open() => {
                if !line.requests.is_empty() {
                    turns.push(Turn::Answer);
                }
                if line.streams() && self.state(who) != StreamState::Live {
                    turns.push(Turn::Speak);
                }
            }
            (Socket::Live(_), Stage::Open) | (Socket::None, _) => {}
        }
        turns
    }

    fn is_possible(&self, who: Who, trouble: Trouble) -> bool {
        let Seat { line, user, .. } = &self.seats[who as usize];
        let (reachable, open) = (line.is_reachable(), line.is_open());
        let oldest = line.requests.front().map(|request| request.operation);
        match trouble {
            Trouble::Stop => *user == User::Up,
            Trouble::RefuseDial => reachable && line.stage == Stage::Dialing,
            Trouble::Vanish => reachable,
            Trouble::Ban | Trouble::Overload => reachable && matches!(line.stage, Stage::Asked(_)),
            Trouble::End | Trouble::Reset => reachable && line.stage != Stage::Dialing,
            Trouble::LoseAnswer | Trouble::LoseRequest => open && oldest.is_some(),
            Trouble::RefuseRequest => open && oldest == Some(Operation::Subscribe),
            Trouble::Mute => open && !line.muted,
            Trouble::Close | Trouble::Announce => open,
        }
    }

    /// Lets something happen.
    pub(super) fn step(&mut self, step: Step) {
        match step {
            Step::Pass => self.pass(),
            Step::To(who, turn) => self.turn(who, turn),
        }
        self.serve();
    }

    fn pass(&mut self) {
        let Some((at, ..)) = self.fleet.poll_timeout() else {
            return;
        };
        let units = at.as_nanos().div_ceil(UNIT.as_nanos() as u64);
        let at = Time::from_nanos(units * UNIT.as_nanos() as u64);
        self.now = self.now.max(at);
        for who in Who::BOTH {
            if self.seats[who as usize].line.streams() {
                self.turn(who, Turn::Speak);
            }
        }
        self.fleet.handle_timeouts(self.now);
    }

    fn turn(&mut self, who: Who, turn: Turn) {
        let Seat { id, line, user } = &mut self.seats[who as usize];
        let id = *id;
        match turn {
            Turn::Start => {
                *user = User::Up;
                self.fleet.handle(self.now, id, Input::Start);
            }
            Turn::Accept => {
                line.stage = Stage::Asked(Vec::new());
                self.input(who, Input::Dialed);
            }
            Turn::Upgrade => {
                let answer = line.upgrade();
                self.deliver(who, &answer);
            }
            Turn::Answer => {
                let request = line.take_request();
                let once = line.carry_out(&request);
                let answer = line.reply(&request, Reply::Done);
                self.obey(once, Law::SubscribedOnce);
                self.deliver(who, &framed(&answer));
            }
            Turn::Speak => {
                let message = line.speak();
                self.deliver(who, &framed(&message));
            }
            Turn::Part => {
                let close = line.close();
                self.deliver(who, &close);
                self.end(who);
            }
            Turn::Release(draw) => self.release(who, draw),
            Turn::Trouble(trouble) => self.trouble(who, trouble),
        }
    }

    fn trouble(&mut self, who: Who, trouble: Trouble) {
        let Seat { id, line, user } = &mut self.seats[who as usize];
        let id = *id;
        match trouble {
            Trouble::Stop => {
                *user = User::Down;
                self.fleet.handle(self.now, id, Input::Stop);
            }
            Trouble::RefuseDial => {
                line.ended = true;
                self.input(who, |epoch| Input::DialFailed(epoch, Fault::Refused));
            }
            Trouble::Vanish => line.vanished = true,
            Trouble::Ban => {
                let answer = Line::refuse_upgrade(429);
                self.barred = self.now + RETRY_AFTER;
                self.deliver(who, &answer);
            }
            Trouble::Overload => {
                let answer = Line::refuse_upgrade(503);
                self.deliver(who, &answer);
            }
            Trouble::End => self.end(who),
            Trouble::Reset => {
                line.ended = true;
                self.input(who, |epoch| Input::Broken(epoch, Fault::Reset));
            }
            Trouble::LoseAnswer => {
                let request = line.take_request();
                let once = line.carry_out(&request);
                self.obey(once, Law::SubscribedOnce);
            }
            Trouble::LoseRequest => drop(line.take_request()),
            Trouble::RefuseRequest => {
                let request = line.take_request();
                let answer = line.reply(&request, Reply::Refused);
                self.deliver(who, &framed(&answer));
            }
            Trouble::Mute => line.muted = true,
            Trouble::Close => {
                let close = line.close();
                self.deliver(who, &close);
            }
            Trouble::Announce => {
                let notice = line.announce();
                self.deliver(who, &framed(notice));
            }
        }
    }

    fn end(&mut self, who: Who) {
        if mem::replace(&mut self.seats[who as usize].line.ended, true) {
            return;
        }
        self.input(who, Input::Eof);
    }

    fn release(&mut self, who: Who, draw: Draw) {
        let Seat { id, line, .. } = &mut self.seats[who as usize];
        let Socket::Dropped(epoch) = line.socket else {
            return;
        };
        line.replace(Socket::None);
        if let Some(session) = self.fleet.machine_mut(*id) {
            session.redraw(seed(draw));
        }
        self.fleet.handle(self.now, *id, Input::Released(epoch));
    }

    /// Tells a session of its socket.
    fn input(&mut self, who: Who, input: impl Fn(Epoch) -> Input) {
        let Seat { id, line, .. } = &self.seats[who as usize];
        if let Socket::Live(epoch) = line.socket {
            self.fleet.handle(self.now, *id, input(epoch));
        }
    }

    fn deliver(&mut self, who: Who, bytes: &[u8]) {
        let Seat { id, line, .. } = &self.seats[who as usize];
        if bytes.is_empty() || !matches!(line.socket, Socket::Live(_)) {
            return;
        }
        let mut rx = filled(bytes);
        let received = UnixNanos::from_nanos(self.now.as_nanos());
        self.fleet
            .receive(self.now, received, *id, &mut rx, &mut |_, _| {});
        self.serve();
    }

    /// The rule of use: after any call, events, actions and bytes.
    fn serve(&mut self) {
        let received = UnixNanos::from_nanos(self.now.as_nanos());
        let mut busy = true;
        while busy {
            self.fleet.drain_events(received, &mut |_, _| {});
            busy = Who::BOTH.map(|who| self.write(who)).contains(&true);
            while let Some((id, action)) = self.fleet.poll_action() {
                busy = true;
                self.act(id, action);
            }
        }
    }

    /// Whether there was something to write.
    fn write(&mut self, who: Who) -> bool {
        let Seat { id, line, .. } = &mut self.seats[who as usize];
        let bytes = self.fleet.transmit(*id).to_vec();
        if bytes.is_empty() {
            return false;
        }
        let answer = line.received(&bytes);
        self.fleet.transmitted(self.now, *id, bytes.len());
        self.deliver(who, &answer);
        true
    }

    fn act(&mut self, id: MachineId, action: Action) {
        let Some(seat) = self.seats.iter_mut().find(|seat| seat.id == id) else {
            return;
        };
        let held = seat.line.socket;
        match action {
            Action::Dial(epoch) => {
                seat.line.replace(Socket::Live(epoch));
                self.obey(held == Socket::None, Law::OneSocket);
                self.count_dial();
            }
            Action::Drop(epoch) => {
                seat.line.replace(Socket::Dropped(epoch));
                self.obey(held == Socket::Live(epoch), Law::OneSocket);
            }
            Action::Sign(_) => panic!("a public stream needs no login"),
            Action::Fetch(_) => panic!("nobody has given leave"),
        }
    }

    fn count_dial(&mut self) {
        self.dialed.push_back(self.now);
        if self.dialed.len() > DIALS.count as usize + 1 {
            self.dialed.pop_front();
        }
        let window = self.dialed.len() > DIALS.count as usize;
        let full = window && self.now.since(self.dialed[0]) < DIALS.per;
        self.obey(!full, Law::SharedQuota);
        self.obey(self.now >= self.barred, Law::Barred);
    }

    fn obey(&mut self, holds: bool, law: Law) {
        if !holds {
            self.breach.get_or_insert(law);
        }
    }

    pub(super) fn session(&self, who: Who) -> &Session {
        let id = self.seats[who as usize].id;
        self.fleet.machine(id).expect("it is of this fleet")
    }

    /// How far the stream has come, as its session sees it.
    pub(super) fn state(&self, who: Who) -> StreamState {
        let mut streams = self.session(who).subscriptions();
        streams.next().expect("a stream").1
    }

    /// Whether both sessions stream, as they and their far ends see it.
    pub(super) fn is_streaming(&self) -> bool {
        Who::BOTH.into_iter().all(|who| {
            let seat = &self.seats[who as usize];
            let open = self.session(who).connection().phase() == Phase::Open;
            open && self.state(who) == StreamState::Live
                && seat.line.streams()
                && seat.user == User::Up
        })
    }

    /// What the future of this world depends on.
    pub(super) fn key(&self) -> Vec<u8> {
        let mut key = Key::at(self.now);
        self.fleet.key(&mut key);
        for who in Who::BOTH {
            let (seat, session) = (&self.seats[who as usize], self.session(who));
            session.key(&mut key);
            seat.line.key(session.last_request(), &mut key);
            key.flag(seat.user == User::Up);
        }
        let freed = self.dialed.iter().map(|&at| at + DIALS.per);
        key.times(freed.filter(|&at| at > self.now));
        key.time(self.barred);
        key.finish()
    }
}

/// A seed whose first number is low or high in its range.
fn seed(draw: Draw) -> [u8; 32] {
    let fits = |number: u64| match draw {
        Draw::Short => number < u64::MAX / 4,
        Draw::Long => number > u64::MAX / 4 * 3,
    };
    let mut seeds = (0..=u8::MAX).map(|byte| [byte; 32]);
    let found = seeds.find(|&seed| fits(ChaCha8Rng::from_seed(seed).next_u64()));
    found.expect("one in four is")
}
