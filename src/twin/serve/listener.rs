//! The listening socket, which can be closed and opened again at the same port.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use socket2::{Domain, SockRef, Socket, Type};
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;
/// How long a connect of our own may take to fill the queue: within a machine it takes
/// microseconds, and where the queue is full already it takes for ever.
const FILLING_MAX: Duration = Duration::from_millis(20);

/// A place where connections may arrive.
#[derive(Debug)]
pub(super) struct Listener {
    address: SocketAddr,
    state: State,
    /// Who fills the queue, until its turn comes to be accepted.
    filler: Option<SocketAddr>,
}

#[derive(Debug)]
enum State {
    Open(TcpListener),
    /// Its queue is full and nobody accepts.
    Full(TcpListener),
    /// Bound and not listening: connects are refused, and nobody else can take the port. A
    /// client that dials its own port by accident would even reach itself.
    Deaf(TcpSocket),
    /// The port could not be held.
    Lost,
}

impl Listener {
    pub(super) fn bind(address: SocketAddr) -> io::Result<Self> {
        let listener = bound(address)?.listen(BACKLOG)?;
        Ok(Self {
            address: listener.local_addr()?,
            state: State::Open(listener),
            filler: None,
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses connections from now on.
    pub(super) fn deafen(&mut self) {
        // The old socket must be gone before its port can be bound again.
        self.state = State::Lost;
        self.filler = None;
        if let Ok(socket) = bound(self.address) {
            self.state = State::Deaf(socket);
        }
    }

    /// Leaves connects without any answer from now on.
    ///
    /// Linux drops a SYN for which the queue has no room, with cookies or without, and needs no
    /// privilege for it: the queue is made as short as can be, and a connection of our own, which
    /// is reset at once and keeps its place all the same, fills it. Where a system does not count
    /// so, its clients are connected, and nobody accepts them.
    pub(super) fn overflow(&mut self) -> io::Result<()> {
        let listener = self.take(0)?;
        SockRef::from(&listener).listen(0)?;
        self.filler = self.filler.or_else(|| fill(self.address).ok());
        self.state = State::Full(listener);
        Ok(())
    }

    /// Accepts connections again.
    pub(super) fn listen(&mut self) -> io::Result<()> {
        let listener = self.take(BACKLOG)?;
        SockRef::from(&listener).listen(BACKLOG.cast_signed())?;
        self.state = State::Open(listener);
        Ok(())
    }

    /// The socket, listening; the port is lost until it is put back.
    fn take(&mut self, backlog: u32) -> io::Result<TcpListener> {
        match std::mem::replace(&mut self.state, State::Lost) {
            State::Open(listener) | State::Full(listener) => Ok(listener),
            State::Deaf(socket) => socket.listen(backlog),
            State::Lost => bound(self.address)?.listen(backlog),
        }
    }

    pub(super) fn poll_accept(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        let State::Open(listener) = &self.state else {
            return Poll::Pending;
        };
        loop {
            let (stream, from) = ready!(listener.poll_accept(cx))?;
            if self.filler != Some(from) {
                return Poll::Ready(Ok(stream));
            }
            self.filler = None;
        }
    }
}

/// Connects, and gives up at once what it has got.
fn fill(address: SocketAddr) -> io::Result<SocketAddr> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    socket.connect_timeout(&address.into(), FILLING_MAX)?;
    socket.set_linger(Some(Duration::ZERO))?;
    let own = socket.local_addr()?.as_socket();
    own.ok_or_else(|| io::ErrorKind::AddrNotAvailable.into())
}

fn bound(address: SocketAddr) -> io::Result<TcpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => TcpSocket::new_v4()?,
        SocketAddr::V6(_) => TcpSocket::new_v6()?,
    };
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    Ok(socket)
}
