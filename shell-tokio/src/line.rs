//! One machine's socket: where it stands, and one look at it.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};

use marketprism_core::ReceiveBuffer;
use marketprism_core::connection::{Epoch, Fault, Input};
use marketprism_core::fleet::MachineId;
use marketprism_shell::fault;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::dial::Network;
use crate::wake::{Bell, Task};

/// One machine's place in the loop: at most one socket, or one dial under way.
pub(crate) struct Line<N: Network> {
    pub(crate) id: MachineId,
    state: State<N>,
    bell: Arc<Bell>,
    waker: Waker,
}

enum State<N: Network> {
    Down,
    Dialing(Epoch, N::Dial),
    Live(Live<N::Socket>),
}

struct Live<S> {
    epoch: Epoch,
    socket: S,
    reading: Reading,
    writing: Writing,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Reading {
    Open,
    /// The core knows that nothing more will come; what it still has to say may go out.
    Ended,
    /// The core knows that the socket is of no use any more.
    Over,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Writing {
    Flushed,
    /// TLS may still hold a part of what it took.
    Unflushed,
    /// Writing failed. The core hears of it once everything that had arrived is read.
    Broken(Fault),
}

pub(crate) enum Read {
    Bytes(usize),
    End(Input),
}

pub(crate) enum Written {
    Bytes(usize),
    Broken,
}

impl<N: Network> State<N> {
    const fn epoch(&self) -> Option<Epoch> {
        match self {
            Self::Down => None,
            Self::Dialing(epoch, _) => Some(*epoch),
            Self::Live(live) => Some(live.epoch),
        }
    }
}

impl<N: Network> Line<N> {
    pub(crate) fn new(id: MachineId, task: &Arc<Task>) -> Self {
        let bell = Arc::new(Bell::new(Arc::clone(task)));
        Self {
            id,
            state: State::Down,
            waker: Waker::from(Arc::clone(&bell)),
            bell,
        }
    }

    /// A dial is under way.
    pub(crate) fn begin(&mut self, epoch: Epoch, dial: N::Dial) {
        self.set(State::Dialing(epoch, dial));
    }

    /// Lets go of the socket, or the dial, of this epoch. It is the last owner: the descriptor
    /// is closed when this returns.
    pub(crate) fn release(&mut self, epoch: Epoch) {
        if self.state.epoch() == Some(epoch) {
            self.set(State::Down);
        }
    }

    /// Whether there is news from the socket; asking takes note of it.
    pub(crate) fn take_news(&self) -> bool {
        self.bell.answer()
    }

    /// There is more, or there may be.
    pub(crate) fn look_again(&self) {
        self.bell.ring();
    }

    /// What the old state held is closed first. The new one is to be looked at, because nobody
    /// has asked its socket for news yet.
    fn set(&mut self, state: State<N>) {
        self.state = state;
        self.look_again();
    }

    pub(crate) fn poll_dial(&mut self) -> Poll<Input> {
        let State::Dialing(epoch, dial) = &mut self.state else {
            return Poll::Pending;
        };
        let epoch = *epoch;
        let dialed = ready!(Pin::new(dial).poll(&mut Context::from_waker(&self.waker)));
        Poll::Ready(match dialed {
            Ok(socket) => {
                self.state = State::Live(Live::new(epoch, socket));
                Input::Dialed(epoch)
            }
            Err(fault) => {
                self.state = State::Down;
                Input::DialFailed(epoch, fault)
            }
        })
    }

    pub(crate) fn poll_write(&mut self, bytes: &[u8]) -> Poll<Written> {
        let State::Live(live) = &mut self.state else {
            return Poll::Pending;
        };
        let written = live.poll_write(&mut Context::from_waker(&self.waker), bytes);
        if matches!(written, Poll::Ready(Written::Broken)) {
            self.look_again();
        }
        written
    }

    pub(crate) fn poll_read(&mut self, rx: &mut ReceiveBuffer) -> Poll<Read> {
        let State::Live(live) = &mut self.state else {
            return Poll::Pending;
        };
        live.poll_read(&mut Context::from_waker(&self.waker), rx)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Live<S> {
    const fn new(epoch: Epoch, socket: S) -> Self {
        Self {
            epoch,
            socket,
            reading: Reading::Open,
            writing: Writing::Flushed,
        }
    }

    /// Pending if there is nothing to write as well.
    fn poll_write(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<Written> {
        match self.writing {
            Writing::Broken(_) => return Poll::Pending,
            Writing::Flushed if bytes.is_empty() => return Poll::Pending,
            Writing::Flushed | Writing::Unflushed => {}
        }
        let socket = Pin::new(&mut self.socket);
        let result = if bytes.is_empty() {
            ready!(socket.poll_flush(cx)).map(|()| None)
        } else {
            ready!(socket.poll_write(cx, bytes)).map(Some)
        };
        match result {
            Ok(None) => {
                self.writing = Writing::Flushed;
                Poll::Pending
            }
            Ok(Some(0)) => self.broken(Fault::Other),
            Ok(Some(count)) => {
                self.writing = Writing::Unflushed;
                Poll::Ready(Written::Bytes(count))
            }
            Err(error) => self.broken(fault(&error)),
        }
    }

    const fn broken(&mut self, fault: Fault) -> Poll<Written> {
        self.writing = Writing::Broken(fault);
        Poll::Ready(Written::Broken)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, rx: &mut ReceiveBuffer) -> Poll<Read> {
        let mut buffer = ReadBuf::new(rx.spare());
        let read = match (self.reading, self.writing) {
            (Reading::Over, _) | (Reading::Ended, Writing::Flushed | Writing::Unflushed) => {
                return Poll::Pending;
            }
            (Reading::Ended, Writing::Broken(_)) => Poll::Ready(Ok(())),
            (Reading::Open, _) => Pin::new(&mut self.socket).poll_read(cx, &mut buffer),
        };
        let count = buffer.filled().len();
        let (reading, end) = match (read, self.writing) {
            (Poll::Ready(Ok(())), _) if count > 0 => {
                rx.commit(count);
                return Poll::Ready(Read::Bytes(count));
            }
            (Poll::Pending, Writing::Flushed | Writing::Unflushed) => return Poll::Pending,
            (_, Writing::Broken(fault)) => (Reading::Over, Input::Broken(self.epoch, fault)),
            (Poll::Ready(Ok(())), _) => (Reading::Ended, Input::Eof(self.epoch)),
            (Poll::Ready(Err(error)), _) => {
                (Reading::Over, Input::Broken(self.epoch, fault(&error)))
            }
        };
        self.reading = reading;
        Poll::Ready(Read::End(end))
    }
}
