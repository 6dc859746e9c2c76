//! One socket, plain or TLS. Its owner owns the file descriptor whole: dropping it closes it.

use std::io::{self, Read, Write};

use marketprism_core::ReceiveBuffer;
use mio::net::TcpStream;

use crate::secure::Secure;

/// A connected socket.
///
/// Dropping it closes the file descriptor before the drop returns, which is what makes
/// `Input::Released` true. Lingering is left as the system has it: what was written is still
/// delivered, and the close does not wait for it.
#[derive(Debug)]
pub(crate) enum Socket {
    /// TCP.
    Plain(TcpStream),
    /// TLS over TCP.
    Tls(Box<Secure<TcpStream>>),
}

/// What one look at a socket brought.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// There is nothing for the time being.
    Nothing,
    /// So many bytes from the kernel; what they say stands in the receive buffer, which may be
    /// nothing yet where they were encrypted.
    Bytes(usize),
    /// There will be no more.
    End,
}

impl Socket {
    /// Takes what there is into `rx`; `wire` is lent for what has to be decrypted first.
    pub(crate) fn read(&mut self, wire: &mut [u8], rx: &mut ReceiveBuffer) -> io::Result<Taken> {
        match self {
            Self::Plain(stream) => plain(stream, rx),
            Self::Tls(stream) => stream.read(wire, rx),
        }
    }

    /// Writes what there is room for; `None` if there is none, or nothing to write.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        match self {
            Self::Plain(_) if bytes.is_empty() => Ok(None),
            Self::Plain(stream) => retried(|| stream.write(bytes)),
            Self::Tls(stream) => stream.write(bytes),
        }
    }
}

fn plain(stream: &mut TcpStream, rx: &mut ReceiveBuffer) -> io::Result<Taken> {
    Ok(match retried(|| stream.read(rx.spare()))? {
        None => Taken::Nothing,
        Some(0) => Taken::End,
        Some(count) => {
            rx.commit(count);
            Taken::Bytes(count)
        }
    })
}

/// The answer of a non-blocking call: again if a signal came in between, `None` if it would
/// have to wait.
pub(crate) fn retried(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
    loop {
        match call() {
            Ok(count) => return Ok(Some(count)),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signal_is_not_an_error_and_waiting_is_no_bytes() {
        let mut answers = vec![
            Ok(3),
            Err(io::ErrorKind::Interrupted.into()),
            Err(io::ErrorKind::Interrupted.into()),
        ];
        let read = retried(|| answers.pop().unwrap()).unwrap();
        assert_eq!(read, Some(3));
        let read = retried(|| Err(io::ErrorKind::WouldBlock.into())).unwrap();
        assert_eq!(read, None);
        let read = retried(|| Err(io::ErrorKind::ConnectionReset.into()));
        assert_eq!(read.unwrap_err().kind(), io::ErrorKind::ConnectionReset);
    }
}
