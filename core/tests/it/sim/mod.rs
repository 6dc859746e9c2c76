//! The third shell: a virtual clock that jumps to whatever is due next, a network with latency,
//! and a peer behind it. Everything is deterministic, and everything leaves a trace.

pub(crate) mod faults;
pub(crate) mod feed;

use std::collections::VecDeque;
use std::time::Duration;

use marketprism_core::connection::{Action, Epoch, Fault, Input};
use marketprism_core::venue::Unsigned;
use marketprism_core::{Machine, ReceiveBuffer, Time, UnixNanos};

/// One way through the network.
const LATENCY: Duration = Duration::from_millis(5);
/// A dial takes three of them.
const DIAL: Duration = Duration::from_millis(15);
/// How long the shell takes to close a socket: long enough to be forgotten.
const RELEASE: Duration = Duration::from_millis(1);

/// What the server's side does with a dial.
pub(crate) enum Answer {
    Accept,
    Refuse(Fault),
    /// Nothing comes back.
    Ignore,
}

/// How the server's side ends a connection.
pub(crate) enum End {
    Fin,
    Reset,
}

/// The server's side, for one connection at a time.
pub(crate) trait Peer {
    fn dialed(&mut self, now: Time) -> Answer;
    fn received(&mut self, now: Time, bytes: &[u8]);
    /// The client's end of the socket is closed.
    fn left(&mut self, now: Time);
    fn poll_timeout(&self) -> Option<Time>;
    fn handle_timeout(&mut self, now: Time);
    /// Bytes for the client.
    fn transmit(&mut self) -> Vec<u8>;
    /// Whether this end of the socket is to be closed behind those bytes.
    fn end(&mut self) -> Option<End>;
}

/// What travels towards the client.
enum Parcel {
    Bytes(Vec<u8>),
    Fin,
    Reset,
}

/// The one socket, as both ends see it.
struct Socket {
    epoch: Epoch,
    to_server: VecDeque<(Time, Vec<u8>)>,
    to_client: VecDeque<(Time, Parcel)>,
}

/// A running account of all that happened, in one order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    /// FNV-1a over every entry.
    pub(crate) hash: u64,
    pub(crate) entries: u64,
}

impl Trace {
    const fn new() -> Self {
        Self {
            hash: 0xcbf2_9ce4_8422_2325,
            entries: 0,
        }
    }

    pub(crate) fn note(&mut self, now: Time, what: &[u8]) {
        self.entries += 1;
        for &byte in now.as_nanos().to_le_bytes().iter().chain(what) {
            self.hash = (self.hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
        }
    }
}

/// A machine, its peer and the network between them.
pub(crate) struct Sim<M, P> {
    pub(crate) now: Time,
    pub(crate) machine: M,
    pub(crate) peer: P,
    pub(crate) trace: Trace,
    /// Dials asked for so far.
    pub(crate) dials: u64,
    /// The answer to whoever wants something signed.
    pub(crate) signature: Result<String, Unsigned>,
    socket: Option<Socket>,
    /// What the shell will report: the outcome of a dial, a release.
    reports: VecDeque<(Time, Input)>,
    rx: ReceiveBuffer,
}

impl<M: Machine, P: Peer> Sim<M, P> {
    pub(crate) fn new(machine: M, peer: P) -> Self {
        Self {
            now: Time::from_nanos(1),
            machine,
            peer,
            trace: Trace::new(),
            dials: 0,
            signature: Err(Unsigned),
            socket: None,
            reports: VecDeque::new(),
            rx: ReceiveBuffer::with_capacity(64 << 10),
        }
    }

    /// Hands an input to the machine and does what it asks for.
    pub(crate) fn input(&mut self, input: Input, each: &mut impl FnMut(Time, M::Event<'_>)) {
        self.note(&input);
        self.machine.handle(self.now, input);
        self.serve(each);
    }

    /// Lets everything happen that is due by `end`.
    pub(crate) fn run_until(&mut self, end: Time, each: &mut impl FnMut(Time, M::Event<'_>)) {
        while let Some(next) = self.next_event().filter(|&next| next <= end) {
            assert!(
                next > self.now || self.trace.entries < u64::MAX,
                "time stands still"
            );
            self.now = self.now.max(next);
            self.step(each);
        }
        self.now = self.now.max(end);
    }

    pub(crate) fn run_for(&mut self, time: Duration, each: &mut impl FnMut(Time, M::Event<'_>)) {
        self.run_until(self.now + time, each);
    }

    /// Whether there is a socket, or the machine has yet to hear that there is none.
    pub(crate) fn is_live(&self) -> bool {
        self.socket.is_some() || !self.reports.is_empty()
    }

    fn next_event(&self) -> Option<Time> {
        let socket = self.socket.as_ref();
        let times = [
            self.machine.poll_timeout().map(|(at, _)| at),
            self.peer.poll_timeout(),
            self.reports.front().map(|&(at, _)| at),
            socket.and_then(|socket| Some(socket.to_server.front()?.0)),
            socket.and_then(|socket| Some(socket.to_client.front()?.0)),
        ];
        times.into_iter().flatten().min()
    }

    /// Everything that is due now, once; the network first, the clocks last.
    fn step(&mut self, each: &mut impl FnMut(Time, M::Event<'_>)) {
        if let Some((_, input)) = take_due(&mut self.reports, self.now) {
            self.input(input, each);
        }
        self.deliver_to_client(each);
        self.deliver_to_server();
        if is_due(self.peer.poll_timeout(), self.now) {
            self.peer.handle_timeout(self.now);
        }
        if is_due(self.machine.poll_timeout().map(|(at, _)| at), self.now) {
            self.input(Input::Timeout, each);
        }
        self.collect_from_peer();
    }

    fn deliver_to_client(&mut self, each: &mut impl FnMut(Time, M::Event<'_>)) {
        let now = self.now;
        let Some(socket) = &mut self.socket else {
            return;
        };
        let epoch = socket.epoch;
        match take_due(&mut socket.to_client, now) {
            Some((_, Parcel::Bytes(bytes))) => self.read(&bytes, each),
            Some((_, Parcel::Fin)) => self.input(Input::Eof(epoch), each),
            Some((_, Parcel::Reset)) => self.input(Input::Broken(epoch, Fault::Reset), each),
            None => {}
        }
    }

    fn read(&mut self, mut bytes: &[u8], each: &mut impl FnMut(Time, M::Event<'_>)) {
        while !bytes.is_empty() {
            let spare = self.rx.spare();
            let len = spare.len().min(bytes.len());
            spare[..len].copy_from_slice(&bytes[..len]);
            self.rx.commit(len);
            bytes = &bytes[len..];
            let now = self.now;
            let mut each = |event: M::Event<'_>| each(now, event);
            self.machine
                .receive(now, wall(now), &mut self.rx, &mut each);
            assert!(self.rx.is_empty(), "a drained buffer is empty");
        }
        self.serve(each);
    }

    fn deliver_to_server(&mut self) {
        let now = self.now;
        if let Some(socket) = &mut self.socket
            && let Some((_, bytes)) = take_due(&mut socket.to_server, now)
        {
            self.trace.note(now, &bytes);
            self.peer.received(now, &bytes);
        }
    }

    fn collect_from_peer(&mut self) {
        let bytes = self.peer.transmit();
        let end = self.peer.end();
        let Some(socket) = &mut self.socket else {
            return;
        };
        let at = self.now + LATENCY;
        if !bytes.is_empty() {
            self.trace.note(self.now, &bytes);
            socket.to_client.push_back((at, Parcel::Bytes(bytes)));
        }
        match end {
            Some(End::Fin) => socket.to_client.push_back((at, Parcel::Fin)),
            // A reset overtakes nothing here, but nothing follows it.
            Some(End::Reset) => socket.to_client.push_back((at, Parcel::Reset)),
            None => {}
        }
    }

    /// The rule of use: after any call, events, actions and bytes.
    fn serve(&mut self, each: &mut impl FnMut(Time, M::Event<'_>)) {
        let now = self.now;
        let mut hear = |event: M::Event<'_>| each(now, event);
        self.machine.drain_events(wall(now), &mut hear);
        self.write();
        while let Some(action) = self.machine.poll_action() {
            self.note(&action);
            self.act(action);
        }
        self.machine.drain_events(wall(now), &mut hear);
        self.write();
    }

    fn act(&mut self, action: Action) {
        match action {
            Action::Dial(epoch) => self.dial(epoch),
            Action::Drop(epoch) => {
                if self.socket.take().is_some() {
                    self.peer.left(self.now);
                }
                self.rx.clear();
                self.reports.clear();
                let released = Input::Released(epoch);
                self.reports.push_back((self.now + RELEASE, released));
            }
            Action::Sign(epoch) => {
                let answer = self.signature.as_deref().map_err(|unsigned| *unsigned);
                self.machine.signed(self.now, epoch, answer);
            }
            Action::Fetch(_) => panic!("nobody gives leave here"),
        }
    }

    fn dial(&mut self, epoch: Epoch) {
        assert!(!self.is_live(), "a dial while a socket is live");
        self.dials += 1;
        let outcome = match self.peer.dialed(self.now) {
            Answer::Accept => Input::Dialed(epoch),
            Answer::Refuse(fault) => Input::DialFailed(epoch, fault),
            Answer::Ignore => return,
        };
        if outcome == Input::Dialed(epoch) {
            self.socket = Some(Socket {
                epoch,
                to_server: VecDeque::new(),
                to_client: VecDeque::new(),
            });
        }
        self.reports.push_back((self.now + DIAL, outcome));
    }

    fn write(&mut self) {
        let bytes = self.machine.transmit();
        if bytes.is_empty() {
            return;
        }
        let socket = self
            .socket
            .as_mut()
            .expect("nothing is sent without a socket");
        let parcel = (self.now + LATENCY, bytes.to_vec());
        socket.to_server.push_back(parcel);
        let len = bytes.len();
        self.machine.transmitted(self.now, len);
        self.write();
    }

    fn note(&mut self, what: &impl std::fmt::Debug) {
        self.trace.note(self.now, format!("{what:?}").as_bytes());
    }
}

fn wall(now: Time) -> UnixNanos {
    UnixNanos::from_nanos(now.as_nanos())
}

fn is_due(at: Option<Time>, now: Time) -> bool {
    at.is_some_and(|at| at <= now)
}

fn take_due<T>(queue: &mut VecDeque<(Time, T)>, now: Time) -> Option<(Time, T)> {
    let due = queue.front().is_some_and(|&(at, _)| at <= now);
    if due { queue.pop_front() } else { None }
}
