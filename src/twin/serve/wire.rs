//! A TCP stream that can spoil what is written to it.

use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;

/// What lies below TLS: it gets a record with each write, whole or the rest of it.
#[derive(Debug)]
pub(super) struct Wire {
    tcp: TcpStream,
    damage: Damage,
}

/// What happens to the next write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Damage {
    None,
    /// Half of it goes out, and then nothing ever.
    Stop,
    /// Half of it goes out, and then the end of the stream.
    Cut,
    /// Its last byte goes out changed; what follows is sound.
    Flip,
    /// These bytes go out before it; what follows is sound.
    Insert(&'static [u8]),
    /// Nothing goes out any more, and nobody is told.
    Void,
}

impl Wire {
    pub(super) const fn new(tcp: TcpStream) -> Self {
        Self {
            tcp,
            damage: Damage::None,
        }
    }

    pub(super) const fn tcp(&self) -> &TcpStream {
        &self.tcp
    }

    pub(super) const fn damage(&mut self, damage: Damage) {
        self.damage = damage;
    }

    fn poll_half(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let half = bytes.get(..bytes.len() / 2).unwrap_or_default();
        ready!(Pin::new(&mut self.tcp).poll_write(cx, half))?;
        if self.damage == Damage::Cut {
            // It fails where the client has gone already.
            let end = SockRef::from(&self.tcp).shutdown(Shutdown::Write);
            end.unwrap_or_default();
        }
        self.damage = Damage::Void;
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flipped(&mut self, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let mut changed = bytes.to_vec();
        if let Some(last) = changed.last_mut() {
            *last ^= 1;
        }
        let count = ready!(Pin::new(&mut self.tcp).poll_write(cx, &changed))?;
        if count == bytes.len() {
            self.damage = Damage::None;
        }
        Poll::Ready(Ok(count))
    }

    fn poll_insert(
        &mut self,
        cx: &mut Context<'_>,
        mut inserted: &'static [u8],
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        while !inserted.is_empty() {
            let count = ready!(Pin::new(&mut self.tcp).poll_write(cx, inserted))?;
            inserted = inserted.get(count..).unwrap_or_default();
            self.damage = Damage::Insert(inserted);
        }
        self.damage = Damage::None;
        Pin::new(&mut self.tcp).poll_write(cx, bytes)
    }
}

impl AsyncRead for Wire {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_read(cx, buf)
    }
}

impl AsyncWrite for Wire {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        match wire.damage {
            Damage::None => Pin::new(&mut wire.tcp).poll_write(cx, bytes),
            Damage::Stop | Damage::Cut => wire.poll_half(cx, bytes),
            Damage::Flip => wire.poll_flipped(cx, bytes),
            Damage::Insert(inserted) => wire.poll_insert(cx, inserted, bytes),
            Damage::Void => Poll::Ready(Ok(bytes.len())),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        all: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let wire = self.get_mut();
        if wire.damage == Damage::None {
            return Pin::new(&mut wire.tcp).poll_write_vectored(cx, all);
        }
        let first = all.iter().find(|bytes| !bytes.is_empty());
        Pin::new(wire).poll_write(cx, first.map_or(&[], |bytes| bytes))
    }

    fn is_write_vectored(&self) -> bool {
        self.tcp.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().tcp).poll_shutdown(cx)
    }
}
