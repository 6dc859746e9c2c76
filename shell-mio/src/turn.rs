//! One turn of the loop: what the core wants done, what the sockets bring, what the clock says.

use std::io;
use std::time::{Duration, Instant};

use marketprism_core::connection::{Action, Input};
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::{Machine, ReceiveBuffer, Time};
use marketprism_shell::{Clock, Fetcher, Signer, Tls};
use mio::{Events, Poll, Token, Waker};

use crate::dial::Dialer;
use crate::line::{Line, Read, Written};
use crate::resolve::{self, Find};
use crate::secure::{PLAIN, WIRE};
use crate::wake::{Bell, Stopper};

/// The size of the one receive buffer, and what one socket may bring in one turn before the others
/// and the clock have theirs; the read that reaches it may go beyond.
const RECEIVE: usize = 64 * 1024;
const _: () = assert!(PLAIN <= RECEIVE, "what one read decrypts finds room");

/// How many readiness events one wait takes over; the rest wait in the kernel.
const EVENTS: usize = 256;

/// The token that is no socket's: a [`Bell`] wakes the loop.
const WOKEN: Token = Token(usize::MAX);

/// Drives a fleet over real sockets in the thread that calls it.
///
/// One value owns everything: the machines, at most one socket for each of them, and one
/// receive buffer lent to all. There is no task, channel or queue behind it, and no deadline,
/// retry or limit that is not the core's; only a host name is looked up in a thread of its own,
/// and requests over REST are made by a [`Fetcher`]'s.
/// Nothing happens unless [`turn`](Self::turn) or [`run`](Self::run) is called.
#[derive(Debug)]
pub struct Driver<M: Machine> {
    fleet: Fleet<M>,
    dialer: Dialer,
    clock: Clock,
    poll: Poll,
    events: Events,
    lines: Vec<Line>,
    rx: ReceiveBuffer,
    /// Records of TLS on their way into it.
    wire: Box<[u8]>,
    bell: Bell,
    stopper: Stopper,
    signer: Signer,
    fetcher: Fetcher,
    told: Told,
}

/// Whether the machines have been told something that no turn has acted upon yet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Told {
    Nothing,
    Something,
}

impl<M: Machine> Driver<M> {
    /// A driver over the system's network; `tls` is used where an endpoint asks for it.
    ///
    /// # Errors
    ///
    /// If the system has no file descriptor left for the loop.
    pub fn new(fleet: Fleet<M>, tls: Tls) -> io::Result<Self> {
        Self::finding(fleet, tls, resolve::system)
    }

    /// The same, with another way of looking names up.
    fn finding(fleet: Fleet<M>, tls: Tls, find: Find) -> io::Result<Self> {
        let poll = Poll::new()?;
        let bell = Bell::new(Waker::new(poll.registry(), WOKEN)?);
        let answered = bell.downgraded();
        Ok(Self {
            fleet,
            fetcher: Fetcher::new(Some(tls.clone()), move || answered.ring()),
            dialer: Dialer::new(tls, find, bell.clone()),
            clock: Clock::start(Instant::now),
            poll,
            events: Events::with_capacity(EVENTS),
            lines: Vec::new(),
            rx: ReceiveBuffer::with_capacity(RECEIVE),
            wire: vec![0; WIRE].into_boxed_slice(),
            stopper: Stopper::new(bell.clone()),
            bell,
            signer: Signer::default(),
            told: Told::Nothing,
        })
    }

    /// Lets one machine trust something else.
    pub fn set_tls(&mut self, id: MachineId, tls: Tls) {
        self.fetcher.set_tls(id, tls.clone());
        self.dialer.set_tls(id, tls);
    }

    /// Who signs what a machine wants signed; nobody unless told.
    pub fn set_signer(&mut self, signer: Signer) {
        self.signer = signer;
    }

    /// The machines, to read them, to add to them, or to send. What this changes is acted upon
    /// in the next turn.
    pub const fn fleet(&mut self) -> &mut Fleet<M> {
        &mut self.fleet
    }

    /// The present in the core's terms, for calls on the [`fleet`](Self::fleet).
    #[must_use]
    pub fn now(&self) -> Time {
        self.clock.now()
    }

    /// Tells one machine something; acted upon in the next turn.
    pub fn handle(&mut self, id: MachineId, input: Input) {
        self.tell(|fleet, now| fleet.handle(now, id, input));
    }

    /// Asks every machine to connect; one that is not stopped takes no notice.
    pub fn start(&mut self) {
        self.tell(|fleet, now| fleet.handle_all(now, Input::Start));
    }

    /// Asks every machine to close in good order and to stay down. Keep turning until
    /// [`stopped`](Self::stopped): what still arrives is still handed over.
    pub fn stop(&mut self) {
        self.tell(|fleet, now| fleet.handle_all(now, Input::Stop));
    }

    /// What is told to machines that have stopped and stay so makes no difference to them.
    fn tell(&mut self, what: impl FnOnce(&mut Fleet<M>, Time)) {
        let stopped = self.fleet.stopped();
        what(&mut self.fleet, self.clock.now());
        if !(stopped && self.fleet.stopped()) {
            self.told = Told::Something;
        }
    }

    /// Whether every machine has stopped and all that they had to say has been handed over.
    #[must_use]
    pub fn stopped(&self) -> bool {
        self.told == Told::Nothing && self.fleet.stopped()
    }

    /// A handle by which another thread stops [`run`](Self::run).
    #[must_use]
    pub fn stopper(&self) -> Stopper {
        self.stopper.clone()
    }

    /// A handle by which another thread ends a wait of [`turn`](Self::turn).
    #[must_use]
    pub fn bell(&self) -> Bell {
        self.bell.clone()
    }

    /// Starts every machine and hands each event to `each`, until every machine has stopped:
    /// by itself, or because a [`Stopper`] asked and all have closed in good order.
    ///
    /// # Errors
    ///
    /// As [`turn`](Self::turn).
    pub fn run(&mut self, mut each: impl FnMut(MachineId, M::Event<'_>)) -> io::Result<()> {
        self.start();
        while !self.stopped() {
            if self.stopper.take() {
                self.stop();
            }
            self.turn(&mut each)?;
        }
        Ok(())
    }

    /// Waits until there is something to do, and does it: hands each event to `each`, in order,
    /// and returns once the network has nothing more for this turn, or a [`Bell`] has rung.
    ///
    /// # Errors
    ///
    /// If the system refuses to wait for the sockets; no state is lost by it.
    pub fn turn(&mut self, each: &mut impl FnMut(MachineId, M::Event<'_>)) -> io::Result<()> {
        // The news of all come first: a socket that always has more must not keep those of the
        // others waiting in the kernel.
        let rung = self.look(Some(Duration::ZERO))?;
        let told = std::mem::replace(&mut self.told, Told::Nothing);
        let happened = self.pass(each);
        // Once all have stopped, nothing would ever end the wait.
        let over = told == Told::Something && self.fleet.stopped();
        if happened || rung || over {
            return Ok(());
        }
        let due = self.fleet.poll_timeout();
        self.look(due.map(|(at, _, _)| self.clock.until(at)))?;
        self.pass(each);
        Ok(())
    }

    /// Waits for news of the sockets, but not longer than this, and takes note of whose they are;
    /// whether a [`Bell`] has rung.
    ///
    /// A signal ends the wait, not the look: a process that was stopped for a while wakes to
    /// deadlines that have passed, and to sockets full of proof that they do not count.
    fn look(&mut self, mut wait: Option<Duration>) -> io::Result<bool> {
        while let Err(error) = self.poll.poll(&mut self.events, wait) {
            if error.kind() != io::ErrorKind::Interrupted {
                return Err(error);
            }
            wait = Some(Duration::ZERO);
        }
        let mut rung = false;
        for event in &self.events {
            match self.lines.get_mut(event.token().0) {
                Some(line) => line.look_again(),
                None => rung = true,
            }
        }
        if rung {
            // By a resolver, perhaps: whoever dials looks.
            self.lines.iter_mut().for_each(Line::look_if_dialing);
        }
        Ok(rung)
    }

    /// Looks at everything once; whether anything happened. Only when nothing did is there
    /// nothing left to do.
    ///
    /// The sockets come first: what a socket has brought may put a deadline off that has passed.
    /// After a pause of ours (a handler that took its time, a process that was stopped) no
    /// deadline is held against a socket that nobody has asked.
    fn pass(&mut self, each: &mut impl FnMut(MachineId, M::Event<'_>)) -> bool {
        self.admit();
        let now = self.clock.now();
        let mut happened = self.settle();
        for index in 0..self.lines.len() {
            happened |= self.serve(index, each);
        }
        happened |= self.timeouts(now);
        happened |= self.answers(each);
        happened |= self.settle();
        self.fleet.drain_events(Clock::unix(), &mut |id, event| {
            happened = true;
            each(id, event);
        });
        happened
    }

    /// Gives a line to each machine that has joined the fleet.
    fn admit(&mut self) {
        for id in self.fleet.ids().skip(self.lines.len()) {
            self.lines.push(Line::new(id));
        }
    }

    fn timeouts(&mut self, now: Time) -> bool {
        let due = matches!(self.fleet.poll_timeout(), Some((at, _, _)) if at <= now);
        if due {
            self.fleet.handle_timeouts(now);
        }
        due
    }

    /// Hands over what has come of requests over REST.
    fn answers(&mut self, each: &mut impl FnMut(MachineId, M::Event<'_>)) -> bool {
        let now = || self.clock.now();
        self.fetcher
            .settle(&mut self.fleet, &mut self.signer, now, Clock::unix(), each)
    }

    /// Does what the core wants done.
    fn settle(&mut self) -> bool {
        let mut happened = false;
        while let Some((id, action)) = self.fleet.poll_action() {
            happened = true;
            self.perform(id, action);
        }
        happened
    }

    fn perform(&mut self, id: MachineId, action: Action) {
        let line = self.lines.get_mut(id.index());
        match action {
            Action::Dial(epoch) => {
                if let (Some(line), Some(machine)) = (line, self.fleet.machine(id)) {
                    let dial = self.dialer.dial(id, machine.endpoint());
                    line.begin(epoch, dial);
                }
            }
            Action::Drop(epoch) => {
                if let Some(line) = line {
                    line.release(epoch);
                }
                self.fleet
                    .handle(self.clock.now(), id, Input::Released(epoch));
            }
            Action::Fetch(fetch) => self.fetcher.fetch(&self.fleet, &self.signer, id, fetch),
            Action::Sign(epoch) => {
                self.signer
                    .answer(&mut self.fleet, self.clock.now(), id, epoch);
            }
        }
    }

    /// Gives one line its share of the turn.
    fn serve(&mut self, index: usize, each: &mut impl FnMut(MachineId, M::Event<'_>)) -> bool {
        let Some(line) = self.lines.get_mut(index) else {
            return false;
        };
        if !line.take_news() {
            // No news from the socket, but the core may have something for it.
            return self.write(index);
        }
        let mut happened = self.dial(index);
        happened |= self.write(index);
        happened |= self.read(index, each);
        happened
    }

    fn dial(&mut self, index: usize) -> bool {
        let Some(line) = self.lines.get_mut(index) else {
            return false;
        };
        let Some(input) = line.dial(self.poll.registry(), Token(index)) else {
            return false;
        };
        let id = line.id;
        self.fleet.handle(self.clock.now(), id, input);
        self.settle();
        true
    }

    /// Writes until the core has nothing more to write or the socket takes no more.
    fn write(&mut self, index: usize) -> bool {
        let mut happened = false;
        while let Some(line) = self.lines.get_mut(index) {
            let id = line.id;
            match line.write(self.fleet.transmit(id)) {
                Written::Nothing => break,
                Written::Bytes(count) => {
                    self.fleet.transmitted(self.clock.now(), id, count);
                    self.settle();
                }
                Written::Broken => {}
            }
            happened = true;
        }
        happened
    }

    /// Reads until the socket has nothing more or its share of the turn is used up.
    fn read(&mut self, index: usize, each: &mut impl FnMut(MachineId, M::Event<'_>)) -> bool {
        let mut happened = false;
        let mut share = RECEIVE;
        while share > 0 {
            let Some(line) = self.lines.get_mut(index) else {
                return happened;
            };
            let id = line.id;
            match line.read(&mut self.wire, &mut self.rx) {
                Read::Nothing => return happened,
                Read::Bytes(count) => {
                    share = share.saturating_sub(count);
                    self.receive(id, each);
                }
                Read::End(input) => self.fleet.handle(self.clock.now(), id, input),
            }
            happened = true;
            self.settle();
            // An answer (a pong, a close frame) goes out ahead of the next read.
            self.write(index);
        }
        if let Some(line) = self.lines.get_mut(index) {
            line.look_again();
        }
        happened
    }

    fn receive(&mut self, id: MachineId, each: &mut impl FnMut(MachineId, M::Event<'_>)) {
        if self.rx.is_empty() {
            // A part of a record, or one that TLS keeps to itself.
            return;
        }
        self.signer.censor(id, &mut self.rx);
        let (now, received) = (self.clock.now(), Clock::unix());
        self.fleet.receive(now, received, id, &mut self.rx, each);
        debug_assert!(self.rx.is_empty(), "a machine takes in what it is given");
        self.rx.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use marketprism_core::connection::{Cause, Event, Timer};
    use marketprism_shell_tests::heard::{Heard, config, connection, heard, text, webpki};
    use marketprism_shell_tests::peer::{Act, Peer};
    use marketprism_shell_tests::within_a_minute;
    use std::net::SocketAddr;
    use std::sync::Mutex;
    use std::sync::atomic::{AtomicUsize, Ordering};

    #[test]
    fn a_resolver_that_hangs_holds_up_nobody_and_is_asked_once() {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        static PORT: Mutex<u16> = Mutex::new(0);
        within_a_minute(|| {
            let far = Peer::plain([Act::Echo("found at last")]);
            let near = Peer::plain([Act::Chatter(20)]);
            let mut hangs = config(far.address);
            hangs.endpoint.host = "hangs.example".into();
            hangs.connect = Duration::from_millis(50);
            let mut fleet = Fleet::new();
            let id = fleet.add(connection(hangs), None);
            fleet.add(connection(config(near.address)), None);
            let mut hanging = PORT.lock().unwrap();
            let mut driver = Driver::finding(fleet, webpki(), |_, _| {
                ASKED.fetch_add(1, Ordering::SeqCst);
                Ok(vec![SocketAddr::from((
                    [127, 0, 0, 1],
                    *PORT.lock().unwrap(),
                ))])
            })
            .unwrap();
            driver.start();
            let (mut given_up, mut numbers) = (0, 0);
            let lost = Heard::Down(Cause::Lost(Timer::Connect));
            while given_up < 5 || numbers < 20 {
                let mut each = |from, event: Event<'_>| match heard(event) {
                    Some(Heard::Text(_)) => numbers += 1,
                    other => given_up += usize::from(from == id && other.as_ref() == Some(&lost)),
                };
                driver.turn(&mut each).unwrap();
            }
            assert_eq!(ASKED.load(Ordering::SeqCst), 1);
            *hanging = far.address.port();
            drop(hanging);
            let mut found = Vec::new();
            while found.last() != Some(&text("found at last")) {
                let mut each = |_, event: Event<'_>| found.extend(heard(event));
                driver.turn(&mut each).unwrap();
            }
        });
    }
}
