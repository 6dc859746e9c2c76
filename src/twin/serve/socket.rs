//! One accepted socket, plain or TLS, and what a fault makes of it.

use std::future::Future;
use std::io;
use std::net::Shutdown;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use marketprism_core::ReceiveBuffer;
use rustls::ServerConnection;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;
use tokio_rustls::{Accept, TlsAcceptor};

use super::certificates::Certificates;
use super::wire::{Damage, Wire};
use crate::twin::tls::{HandshakeFault, RecordFault};

/// What a middlebox says in the middle of TLS.
const GARBAGE: &[u8] = b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n";
/// A record that nobody can have encrypted.
const NO_RECORD: &[u8] = b"\x17\x03\x03\x00\x15what nobody encrypted";

/// A socket and how it is treated.
#[derive(Debug)]
pub(super) struct Socket {
    stream: Stream,
    pub(super) mode: Mode,
}

/// What is done with a socket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// It is read and written.
    Serving,
    /// It is written to the end, then closed.
    Closing,
    /// Its sending direction is closed; what comes in is thrown away.
    HalfClosed,
    /// TLS is closed and TCP stays open; what comes in is thrown away.
    TlsClosed,
    /// TLS has failed: its alert is sent, and the end.
    TlsFailed,
    /// It is left alone.
    Stalled,
    /// It is written and not read.
    Unread,
}

enum Stream {
    Plain(Wire),
    /// The handshake has not begun.
    Arrived(Wire, TlsAcceptor),
    Shaking(Box<Accept<Wire>>),
    Tls(Box<TlsStream<Wire>>),
    /// The handshake failed.
    Gone,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Plain(_) => "Plain",
            Self::Arrived(..) => "Arrived",
            Self::Shaking(_) => "Shaking",
            Self::Tls(_) => "Tls",
            Self::Gone => "Gone",
        })
    }
}

impl Socket {
    pub(super) fn new(stream: TcpStream, tls: Option<&Certificates>) -> Self {
        // Without it small messages would wait for each other; with it unset all still works.
        stream.set_nodelay(true).unwrap_or_default();
        let wire = Wire::new(stream);
        let stream = match tls {
            Some(certificates) => Stream::Arrived(wire, certificates.acceptor()),
            None => Stream::Plain(wire),
        };
        Self {
            stream,
            mode: Mode::Serving,
        }
    }

    /// Reads what has come; zero bytes are the end of the stream.
    pub(super) fn poll_read(
        &mut self,
        cx: &mut Context<'_>,
        rx: &mut ReceiveBuffer,
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_handshake(cx))?;
        let mut space = ReadBuf::new(rx.spare());
        let read = match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, &mut space),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_read(cx, &mut space),
            Stream::Arrived(..) | Stream::Shaking(_) | Stream::Gone => return Poll::Ready(Ok(0)),
        };
        let count = space.filled().len();
        ready!(read)?;
        rx.commit(count);
        Poll::Ready(Ok(count))
    }

    /// Writes some of these bytes.
    pub(super) fn poll_write(
        &mut self,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        ready!(self.poll_handshake(cx))?;
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, bytes),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_write(cx, bytes),
            Stream::Arrived(..) | Stream::Shaking(_) | Stream::Gone => {
                Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()))
            }
        }
    }

    /// Hands to the system what TLS has not yet.
    pub(super) fn poll_flush(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_flush(cx),
            Stream::Plain(_) | Stream::Arrived(..) | Stream::Shaking(_) | Stream::Gone => {
                Poll::Ready(Ok(()))
            }
        }
    }

    /// Ends the sending direction in good order.
    pub(super) fn poll_shutdown(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match &mut self.stream {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream.as_mut()).poll_shutdown(cx),
            Stream::Arrived(..) | Stream::Shaking(_) | Stream::Gone => Poll::Ready(Ok(())),
        }
    }

    /// Waits, without reading, for the client to end its direction or the whole.
    pub(super) fn poll_gone(&self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(tcp) = self.tcp() else {
            return Poll::Ready(());
        };
        loop {
            if ready!(tcp.poll_read_ready(cx)).is_err() {
                return Poll::Ready(());
            }
            // Ready already, so this says at once what for.
            let mut readiness = pin!(tcp.ready(Interest::READABLE));
            match readiness.as_mut().poll(cx) {
                Poll::Ready(Ok(ready)) if !ready.is_read_closed() => {}
                Poll::Ready(_) => return Poll::Ready(()),
                Poll::Pending => return Poll::Pending,
            }
            // What has come stays where it is; only more of it wakes us again.
            let untouched = || Err::<(), _>(io::ErrorKind::WouldBlock.into());
            tcp.try_io(Interest::READABLE, untouched)
                .unwrap_or_default();
        }
    }

    /// Ends the sending direction by a FIN and nothing else, in the middle of TLS or not.
    pub(super) fn half_close(&mut self) {
        self.mode = Mode::HalfClosed;
        if let Some(tcp) = self.tcp() {
            // It fails where the client has gone already.
            SockRef::from(tcp)
                .shutdown(Shutdown::Write)
                .unwrap_or_default();
        }
    }

    /// Leaves what comes in to the system, in as little room as it allows.
    pub(super) fn stop_reading(&mut self) {
        self.mode = Mode::Unread;
        if let Some(tcp) = self.tcp() {
            // With more room it merely takes longer until the client's writes pile up.
            let shrunk = SockRef::from(tcp).set_recv_buffer_size(1);
            shrunk.unwrap_or_default();
        }
    }

    /// Lets the handshake, which has not begun, go wrong.
    pub(super) fn misgreet(&mut self, fault: HandshakeFault, certificates: &Certificates) {
        let Some((mut wire, mut acceptor)) = self.take_arrived() else {
            return;
        };
        match fault {
            HandshakeFault::Hang => self.mode = Mode::Stalled,
            HandshakeFault::HangMidway => wire.damage(Damage::Stop),
            HandshakeFault::Cut => wire.damage(Damage::Cut),
            HandshakeFault::Certificate(flaw) => acceptor = certificates.flawed(flaw),
            HandshakeFault::PlainHttp => {
                self.stream = Stream::Plain(wire);
                return;
            }
        }
        self.stream = Stream::Arrived(wire, acceptor);
    }

    /// Lets a record go wrong.
    pub(super) fn spoil(&mut self, fault: RecordFault) {
        let Stream::Tls(stream) = &mut self.stream else {
            return;
        };
        let (wire, session) = stream.get_mut();
        match fault {
            RecordFault::Cut => wire.damage(Damage::Cut),
            RecordFault::Corrupt => wire.damage(Damage::Flip),
            RecordFault::Garbage => wire.damage(Damage::Insert(GARBAGE)),
            RecordFault::Alert => {
                fail(session);
                self.mode = Mode::TlsFailed;
            }
            RecordFault::CloseNotify => {
                session.send_close_notify();
                self.mode = Mode::TlsClosed;
            }
        }
    }

    /// Closes by a reset (a linger time of zero).
    pub(super) fn reset(self) {
        if let Some(tcp) = self.tcp() {
            tcp.set_zero_linger().unwrap_or_default();
        }
    }

    fn poll_handshake(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if let Some((wire, acceptor)) = self.take_arrived() {
            self.stream = Stream::Shaking(Box::new(acceptor.accept(wire)));
        }
        let Stream::Shaking(accept) = &mut self.stream else {
            return Poll::Ready(Ok(()));
        };
        let shaken = ready!(Pin::new(accept.as_mut()).poll(cx));
        self.stream = Stream::Gone;
        self.stream = Stream::Tls(Box::new(shaken?));
        Poll::Ready(Ok(()))
    }

    /// The connection if its handshake has not begun; the caller puts it back.
    fn take_arrived(&mut self) -> Option<(Wire, TlsAcceptor)> {
        if !matches!(self.stream, Stream::Arrived(..)) {
            return None;
        }
        match std::mem::replace(&mut self.stream, Stream::Gone) {
            Stream::Arrived(wire, acceptor) => Some((wire, acceptor)),
            Stream::Plain(_) | Stream::Shaking(_) | Stream::Tls(_) | Stream::Gone => None,
        }
    }

    fn tcp(&self) -> Option<&TcpStream> {
        let wire = match &self.stream {
            Stream::Plain(wire) | Stream::Arrived(wire, _) => Some(wire),
            Stream::Shaking(accept) => accept.get_ref(),
            Stream::Tls(stream) => Some(stream.get_ref().0),
            Stream::Gone => None,
        };
        wire.map(Wire::tcp)
    }
}

/// Has TLS find a record that it cannot decrypt, upon which it gets its alert ready to be sent.
fn fail(session: &mut ServerConnection) {
    // Reading from memory succeeds, and that the record is refused is what is wanted.
    if session.read_tls(&mut &*NO_RECORD).is_ok() {
        session.process_new_packets().map(drop).unwrap_or_default();
    }
}
