//! A machine without a protocol, and a network that does what a script says.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use marketprism_core::connection::{Action, Endpoint, Epoch, Fault, Input, Phase, Timer};
use marketprism_core::fleet::MachineId;
use marketprism_core::{Machine, ReceiveBuffer, Time, UnixNanos};
use marketprism_tokio::Network;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// Dials once, writes what it has, hands over what it gets, and stops at the end of its socket.
#[derive(Debug)]
pub(crate) struct Pipe {
    endpoint: Endpoint,
    phase: Phase,
    actions: VecDeque<Action>,
    out: Vec<u8>,
    written: usize,
    /// How its socket, or its dial, ended.
    pub(crate) end: Option<Input>,
    tick: Option<Duration>,
    deadline: Option<Time>,
    pub(crate) ticks: usize,
}

impl Pipe {
    pub(crate) fn new(out: &[u8]) -> Self {
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
    pub(crate) fn ticking(tick: Duration) -> Self {
        Self {
            tick: Some(tick),
            ..Self::new(b"")
        }
    }

    pub(crate) fn written(&self) -> &[u8] {
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
            Input::Start | Input::Renew | Input::Hold(_) => {}
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

/// What one call on a socket does; when the script is over, it does all it is asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Step {
    /// At most so many bytes.
    Limit(usize),
    /// Nothing yet: the waker is kept until [`Wakers::fire`].
    Pending,
    /// Fails, and every later call too.
    Error(ErrorKind),
}

/// The wakers that sockets and dials hold on to.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wakers(Arc<Mutex<Vec<Waker>>>);

impl Wakers {
    fn keep(&self, cx: &Context<'_>) {
        self.0.lock().unwrap().push(cx.waker().clone());
    }

    /// Wakes them all; how many there were.
    pub(crate) fn fire(&self) -> usize {
        let wakers = std::mem::take(&mut *self.0.lock().unwrap());
        wakers.iter().for_each(Waker::wake_by_ref);
        wakers.len()
    }
}

/// One connection as it is going to go.
#[derive(Clone, Debug, Default)]
pub(crate) struct Script {
    /// How often the dial is pending.
    pub(crate) pending: usize,
    /// The dial's failure, if it fails.
    pub(crate) fault: Option<Fault>,
    pub(crate) reads: Vec<Step>,
    pub(crate) writes: Vec<Step>,
    /// What there is to read; after it, the end of the stream.
    pub(crate) incoming: Vec<u8>,
}

/// A network on which each machine's dials follow the scripts in order.
#[derive(Debug, Default)]
pub(crate) struct Scripted {
    scripts: VecDeque<Script>,
    pub(crate) wakers: Wakers,
    /// Sockets and dials that are open at the moment.
    pub(crate) open: Arc<AtomicUsize>,
}

impl Scripted {
    pub(crate) fn new(scripts: impl IntoIterator<Item = Script>) -> Self {
        Self {
            scripts: scripts.into_iter().collect(),
            ..Self::default()
        }
    }
}

impl Network for Scripted {
    type Socket = Socket;
    type Dial = Dial;

    fn dial(&mut self, _: MachineId, _: &Endpoint) -> Dial {
        let script = self.scripts.pop_front().unwrap_or_default();
        Dial(Some(Socket {
            pending: script.pending,
            fault: script.fault,
            reads: script.reads.into(),
            writes: script.writes.into(),
            incoming: script.incoming.into(),
            wakers: self.wakers.clone(),
            _open: Open::new(&self.open),
        }))
    }
}

/// Counts what is open.
#[derive(Debug)]
struct Open(Arc<AtomicUsize>);

impl Open {
    fn new(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::SeqCst);
        Self(Arc::clone(count))
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }
}

#[derive(Debug)]
pub(crate) struct Dial(Option<Socket>);

impl Future for Dial {
    type Output = Result<Socket, Fault>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut socket = self.0.take().expect("a dial is not polled after its end");
        if socket.pending > 0 {
            socket.pending -= 1;
            socket.wakers.keep(cx);
            self.0 = Some(socket);
            return Poll::Pending;
        }
        Poll::Ready(match socket.fault {
            Some(fault) => Err(fault),
            None => Ok(socket),
        })
    }
}

#[derive(Debug)]
pub(crate) struct Socket {
    pending: usize,
    fault: Option<Fault>,
    reads: VecDeque<Step>,
    writes: VecDeque<Step>,
    incoming: VecDeque<u8>,
    wakers: Wakers,
    _open: Open,
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let socket = &mut *self;
        let limit = match step(&mut socket.reads, &socket.wakers, cx) {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(limit) => limit?,
        };
        let count = limit.min(buf.remaining()).min(socket.incoming.len());
        let bytes: Vec<u8> = socket.incoming.drain(..count).collect();
        buf.put_slice(&bytes);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let socket = &mut *self;
        step(&mut socket.writes, &socket.wakers, cx).map_ok(|limit| limit.min(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        unreachable!("a driver closes by dropping")
    }
}

fn step(steps: &mut VecDeque<Step>, wakers: &Wakers, cx: &Context<'_>) -> Poll<io::Result<usize>> {
    match steps.front().copied() {
        Some(Step::Error(kind)) => Poll::Ready(Err(kind.into())),
        Some(Step::Pending) => {
            steps.pop_front();
            wakers.keep(cx);
            Poll::Pending
        }
        Some(Step::Limit(limit)) => {
            steps.pop_front();
            Poll::Ready(Ok(limit.max(1)))
        }
        None => Poll::Ready(Ok(usize::MAX)),
    }
}
