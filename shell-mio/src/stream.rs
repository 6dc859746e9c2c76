//! One socket. Its owner owns the file descriptor whole: dropping it closes it.
//!
//! TCP for now; TLS joins it as a second variant, over rustls' own buffers.

use std::io::{self, Read, Write};

use mio::net::TcpStream;

/// A connected socket; dropping it closes the file descriptor before the drop returns, which is
/// what makes `Input::Released` true.
#[derive(Debug)]
pub(crate) struct Socket(TcpStream);

impl Socket {
    pub(crate) const fn plain(stream: TcpStream) -> Self {
        Self(stream)
    }

    /// Reads what is there; `None` if nothing is, 0 at the end of the stream.
    pub(crate) fn read(&mut self, into: &mut [u8]) -> io::Result<Option<usize>> {
        retried(|| self.0.read(into))
    }

    /// Writes what there is room for; `None` if there is none.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        retried(|| self.0.write(bytes))
    }
}

/// The answer of a non-blocking call: again if a signal came in between, `None` if it would
/// have to wait.
fn retried(mut call: impl FnMut() -> io::Result<usize>) -> io::Result<Option<usize>> {
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
