//! One socket, plain or TLS. Its owner owns the file descriptor whole: dropping it closes it.

use std::io::{self, Read};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// A connected socket.
///
/// Dropping it closes the file descriptor before the drop returns, which is what makes
/// `Input::Released` true. Lingering is left as the system has it: what was written is still
/// delivered, and the close does not wait for it.
#[derive(Debug)]
pub enum Socket {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<Secure>),
}

/// A client's end of TLS.
#[derive(Debug)]
pub struct Secure {
    stream: TlsStream<TcpStream>,
    /// What the far end said that nothing can follow; what it said before is handed over first.
    broken: Option<io::Error>,
}

impl Secure {
    pub(crate) const fn new(stream: TlsStream<TcpStream>) -> Self {
        Self {
            stream,
            broken: None,
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        if self.broken.is_none() {
            let read = ready!(Pin::new(&mut self.stream).poll_read(cx, buf));
            let Err(error) = end_is_end(read) else {
                return Poll::Ready(Ok(()));
            };
            self.broken = Some(error);
        }
        // That nothing is left is an error to rustls.
        let (_, tls) = self.stream.get_mut();
        if let Ok(count @ 1..) = tls.reader().read(buf.initialize_unfilled()) {
            buf.advance(count);
            return Poll::Ready(Ok(()));
        }
        Poll::Ready(self.broken.take().map_or(Ok(()), Err))
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(secure) => secure.poll_read(cx, buf),
        }
    }
}

/// A TLS stream that ends without close_notify is an end of file like any other: WebSocket has
/// a close handshake of its own, by which a cut is told from an end.
fn end_is_end(read: io::Result<()>) -> io::Result<()> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => Ok(()),
        other => other,
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(secure) => Pin::new(&mut secure.stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(secure) => Pin::new(&mut secure.stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(secure) => Pin::new(&mut secure.stream).poll_shutdown(cx),
        }
    }
}
