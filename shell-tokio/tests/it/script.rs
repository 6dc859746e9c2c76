//! A network that does what a script says.

use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};

use marketprism_core::connection::{Endpoint, Fault};
use marketprism_core::fleet::MachineId;
use marketprism_tokio::Network;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

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
