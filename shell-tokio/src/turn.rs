//! One turn of the loop: what the core wants done, what the sockets bring, what the clock says.

use std::fmt;
use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use marketprism_core::connection::{Action, Input};
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::{Machine, ReceiveBuffer, Time};
use marketprism_shell::{Clock, Fetcher, Signer, Tls};
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::dial::{Dialer, Network};
use crate::events::Events;
use crate::line::{Line, Read, Written};
use crate::wake::{Bell, Task};

/// The size of the one receive buffer, and what one socket may bring in one turn before the others
/// and the clock have theirs; the read that reaches it may go beyond.
const RECEIVE: usize = 64 * 1024;

/// Drives a fleet over real sockets.
///
/// One value owns everything: the machines, at most one socket for each of them, and one
/// receive buffer lent to all. There is no task, channel or queue behind it, and no deadline,
/// retry or limit that is not the core's; only requests over REST are made by the threads of a
/// [`Fetcher`]. Nothing happens unless [`turn`](Self::turn),
/// [`run`](Self::run) or [`Events`] is polled, and any of these may be dropped at any time and
/// called again: no byte and no event is lost.
pub struct Driver<M: Machine, N: Network = Dialer> {
    fleet: Fleet<M>,
    network: N,
    clock: Clock,
    lines: Vec<Line<N>>,
    rx: ReceiveBuffer,
    task: Arc<Task>,
    alarm: Alarm,
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
    #[must_use]
    pub fn new(fleet: Fleet<M>, tls: Tls) -> Self {
        Self::fetching(fleet, Dialer::new(tls.clone()), Some(tls))
    }

    /// Lets one machine trust something else.
    pub fn set_tls(&mut self, id: MachineId, tls: Tls) {
        self.fetcher.set_tls(id, tls.clone());
        self.network.set_tls(id, tls);
    }
}

impl<M: Machine, N: Network> Driver<M, N> {
    /// A driver over another network, which requests over REST know nothing of; theirs are sent
    /// without TLS or not at all.
    #[must_use]
    pub fn over(fleet: Fleet<M>, network: N) -> Self {
        Self::fetching(fleet, network, None)
    }

    fn fetching(fleet: Fleet<M>, network: N, tls: Option<Tls>) -> Self {
        let task = Arc::default();
        let answered = Waker::from(Arc::new(Bell::new(Arc::clone(&task))));
        Self {
            fleet,
            network,
            // The runtime's clock and not the system's: a test that pauses it pauses the core's.
            clock: Clock::start(|| Instant::now().into_std()),
            lines: Vec::new(),
            rx: ReceiveBuffer::with_capacity(RECEIVE),
            alarm: Alarm::new(&task),
            task,
            signer: Signer::default(),
            fetcher: Fetcher::new(tls, move || answered.wake_by_ref()),
            told: Told::Nothing,
        }
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

    /// Starts every machine and hands each event to `each`, until every machine has stopped:
    /// by itself, or because `stop` is done and all have closed in good order.
    pub async fn run(&mut self, mut each: impl FnMut(MachineId, M::Event<'_>), stop: impl Future) {
        self.start();
        let mut stop = Some(pin!(stop));
        while !self.stopped() {
            poll_fn(|cx| {
                if let Some(asked) = &mut stop
                    && asked.as_mut().poll(cx).is_ready()
                {
                    stop = None;
                    self.stop();
                }
                self.poll_turn(cx, &mut each)
            })
            .await;
        }
    }

    /// Starts every machine and makes a stream of what `own` makes of each event; see
    /// [`Events`].
    pub fn events<T, F>(mut self, own: F) -> Events<M, N, F, T>
    where
        F: FnMut(MachineId, M::Event<'_>) -> Option<T>,
    {
        self.start();
        Events::new(self, own)
    }

    /// Waits until there is something to do, and does it: hands each event to `each`, in
    /// order, and returns once the network has nothing more for this turn.
    pub async fn turn(&mut self, each: &mut impl FnMut(MachineId, M::Event<'_>)) {
        poll_fn(|cx| self.poll_turn(cx, each)).await;
    }

    /// The same, for a future of one's own: pending while there is nothing to do.
    pub fn poll_turn(
        &mut self,
        cx: &mut Context<'_>,
        each: &mut impl FnMut(MachineId, M::Event<'_>),
    ) -> Poll<()> {
        self.task.register(cx.waker());
        let told = std::mem::replace(&mut self.told, Told::Nothing);
        let rung = self.poll_alarm(cx);
        let happened = self.pass(rung, each);
        // Once all have stopped, nothing would ever end the wait.
        let over = told == Told::Something && self.fleet.stopped();
        match happened || rung.is_some() || over {
            true => Poll::Ready(()),
            false => Poll::Pending,
        }
    }

    /// What time it is, once the earliest deadline has passed.
    ///
    /// It is the runtime that says so and not the clock, because it looks for news of the sockets
    /// before it does: after a pause of ours (a handler that took its time, a process that was
    /// stopped) no deadline is held against a socket that nobody has asked.
    fn poll_alarm(&mut self, cx: &mut Context<'_>) -> Option<Time> {
        let due = self.fleet.poll_timeout();
        let due = due.and_then(|(at, _, _)| self.clock.instant(at));
        match self.alarm.poll(cx, due.map(Instant::from_std)) {
            Poll::Ready(()) => Some(self.clock.now()),
            Poll::Pending => None,
        }
    }

    /// Looks at everything once; whether anything happened. Only when nothing did is there
    /// nothing left to do.
    ///
    /// The sockets come first: what a socket has brought may put a deadline off that has `rung`.
    fn pass(&mut self, rung: Option<Time>, each: &mut impl FnMut(MachineId, M::Event<'_>)) -> bool {
        self.admit();
        let mut happened = self.settle();
        for index in 0..self.lines.len() {
            happened |= self.serve(index, each);
        }
        happened |= rung.is_some_and(|now| self.timeouts(now));
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
            self.lines.push(Line::new(id, &self.task));
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
                    let dial = self.network.dial(id, machine.endpoint());
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
        let Some(line) = self.lines.get(index) else {
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
        let Poll::Ready(input) = line.poll_dial() else {
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
            match line.poll_write(self.fleet.transmit(id)) {
                Poll::Pending => break,
                Poll::Ready(Written::Bytes(count)) => {
                    self.fleet.transmitted(self.clock.now(), id, count);
                    self.settle();
                }
                Poll::Ready(Written::Broken) => {}
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
            match line.poll_read(&mut self.rx) {
                Poll::Pending => return happened,
                Poll::Ready(Read::Bytes(count)) => {
                    share = share.saturating_sub(count);
                    self.receive(id, each);
                }
                Poll::Ready(Read::End(input)) => {
                    self.fleet.handle(self.clock.now(), id, input);
                }
            }
            happened = true;
            self.settle();
            // An answer (a pong, a close frame) goes out ahead of the next read.
            self.write(index);
        }
        if let Some(line) = self.lines.get(index) {
            line.look_again();
        }
        happened
    }

    fn receive(&mut self, id: MachineId, each: &mut impl FnMut(MachineId, M::Event<'_>)) {
        self.signer.censor(id, &mut self.rx);
        let (now, received) = (self.clock.now(), Clock::unix());
        self.fleet.receive(now, received, id, &mut self.rx, each);
        debug_assert!(self.rx.is_empty(), "a machine takes in what it is given");
        self.rx.clear();
    }
}

impl<M: Machine, N: Network> fmt::Debug for Driver<M, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Driver")
            .field("clock", &self.clock)
            .field("lines", &self.lines.len())
            .finish_non_exhaustive()
    }
}

/// The one sleep of the loop, until the earliest deadline of the core.
struct Alarm {
    sleep: Option<Pin<Box<Sleep>>>,
    /// The deadline that has passed, since when the runtime looks for news.
    passed: Option<Instant>,
    /// Rung once it has looked.
    looked: Arc<Bell>,
}

impl Alarm {
    fn new(task: &Arc<Task>) -> Self {
        Self {
            sleep: None,
            passed: None,
            looked: Arc::new(Bell::new(Arc::clone(task))),
        }
    }

    fn poll(&mut self, cx: &mut Context<'_>, at: Option<Instant>) -> Poll<()> {
        let Some(at) = at else {
            return Poll::Pending;
        };
        // Made at the first need and not with the driver, which may be built outside a runtime.
        let sleep = self.sleep.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if sleep.deadline() != at {
            sleep.as_mut().reset(at);
        }
        ready!(sleep.as_mut().poll(cx));
        self.poll_looked(at)
    }

    /// Ready once the runtime has looked for news after the deadline had passed: the pause that
    /// found it passed may have ended as interrupted, which a stopped process finds when it
    /// goes on, and then it brought no news.
    fn poll_looked(&mut self, at: Instant) -> Poll<()> {
        let rung = self.looked.answer();
        if self.passed == Some(at) {
            if rung {
                self.passed = None;
                return Poll::Ready(());
            }
            return Poll::Pending;
        }
        self.passed = Some(at);
        // The runtime wakes who yields after its next look at the sockets.
        let waker = Waker::from(Arc::clone(&self.looked));
        let _pending = pin!(yield_now()).poll(&mut Context::from_waker(&waker));
        Poll::Pending
    }
}
