//! The listening socket, which can be closed and opened again at the same port.

use std::io;
use std::net::SocketAddr;
use std::task::{Context, Poll};

use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// A place where connections may arrive.
#[derive(Debug)]
pub(super) struct Listener {
    address: SocketAddr,
    state: State,
}

#[derive(Debug)]
enum State {
    Open(TcpListener),
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
        })
    }

    pub(super) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// Refuses connections from now on.
    pub(super) fn deafen(&mut self) {
        // The old socket must be gone before its port can be bound again.
        self.state = State::Lost;
        if let Ok(socket) = bound(self.address) {
            self.state = State::Deaf(socket);
        }
    }

    /// Accepts connections again.
    pub(super) fn listen(&mut self) -> io::Result<()> {
        let socket = match std::mem::replace(&mut self.state, State::Lost) {
            State::Open(listener) => {
                self.state = State::Open(listener);
                return Ok(());
            }
            State::Deaf(socket) => socket,
            State::Lost => bound(self.address)?,
        };
        self.state = State::Open(socket.listen(BACKLOG)?);
        Ok(())
    }

    pub(super) fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<io::Result<TcpStream>> {
        match &self.state {
            State::Open(listener) => listener.poll_accept(cx).map_ok(|(stream, _)| stream),
            State::Deaf(_) | State::Lost => Poll::Pending,
        }
    }
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
