//! TLS over a socket that does not block.

use std::io::{self, ErrorKind, Read, Write};
use std::sync::Arc;

use marketprism_core::ReceiveBuffer;
use marketprism_core::connection::Fault;
use marketprism_shell::{Tls, fault, tls_fault};
use rustls::{ClientConnection, IoState};

use crate::stream::{Taken, retried};

/// The size of the loop's one buffer of records as they come from the kernel.
pub(crate) const WIRE: usize = 32 * 1024;

/// What one read may make of them: a record that has been waiting for its end comes on top, and
/// it holds up to 16 KiB (RFC 8446 section 5.2).
pub(crate) const PLAIN: usize = WIRE + 16 * 1024;

/// A client's end of TLS, and the stream below.
///
/// What it holds is bounded: of what comes, a record that has not come to its end; of what goes,
/// one write of at most 64 KiB (rustls' limit), because nothing more is encrypted until that is
/// gone. Dropping it closes the stream without a word: WebSocket has a close handshake of its own.
#[derive(Debug)]
pub(crate) struct Secure<S> {
    stream: S,
    tls: ClientConnection,
    incoming: Incoming,
}

/// What is left to be expected of the far end.
#[derive(Debug)]
enum Incoming {
    Open,
    /// It has said goodbye (close_notify).
    Ended,
    /// It has said something that nothing can follow.
    Broken(io::Error),
}

impl<S: Read + Write> Secure<S> {
    /// Over a connected stream; nothing is said yet.
    ///
    /// # Errors
    ///
    /// [`Fault::Tls`] if the host is neither a name nor an address.
    pub(crate) fn new(stream: S, tls: &Tls, host: &str) -> Result<Self, Fault> {
        let config = Arc::clone(tls.config());
        let tls = ClientConnection::new(config, Tls::server_name(host)?);
        Ok(Self {
            stream,
            tls: tls.map_err(|error| tls_fault(&error))?,
            incoming: Incoming::Open,
        })
    }

    /// Goes on with the handshake as far as it goes without waiting; whether it is complete.
    ///
    /// # Errors
    ///
    /// Why there will be none.
    pub(crate) fn handshake(&mut self) -> Result<bool, Fault> {
        loop {
            let flushed = self.flush().map_err(|error| fault(&error))?;
            if !self.tls.is_handshaking() {
                return Ok(flushed);
            }
            let read = retried(|| self.tls.read_tls(&mut self.stream));
            match read.map_err(|error| fault(&error))? {
                None => return Ok(false),
                // The far end hung up in the middle of the handshake.
                Some(0) => return Err(Fault::Tls),
                Some(_) => self.process().map_err(|error| fault(&error))?,
            };
        }
    }

    /// Takes what the stream has, at most `wire` full of it, and decrypts it into `rx`.
    ///
    /// Nothing stays behind in here but a record without its end: the kernel will not tell again
    /// of what it has handed over.
    pub(crate) fn read(&mut self, wire: &mut [u8], rx: &mut ReceiveBuffer) -> io::Result<Taken> {
        // What came with the end of the handshake.
        self.drain(rx);
        if !rx.is_empty() {
            return Ok(Taken::Bytes(rx.filled().len()));
        }
        match std::mem::replace(&mut self.incoming, Incoming::Ended) {
            Incoming::Open => self.incoming = Incoming::Open,
            Incoming::Ended => return Ok(Taken::End),
            Incoming::Broken(error) => return Err(error),
        }
        Ok(match retried(|| self.stream.read(wire))? {
            None => Taken::Nothing,
            // Without close_notify too.
            Some(0) => Taken::End,
            Some(count) => {
                self.take_in(wire.get(..count).unwrap_or_default(), rx);
                Taken::Bytes(count)
            }
        })
    }

    fn take_in(&mut self, mut records: &[u8], rx: &mut ReceiveBuffer) {
        while !records.is_empty() && matches!(self.incoming, Incoming::Open) {
            let read = self.tls.read_tls(&mut records);
            match read.and_then(|_| self.process()) {
                Ok(state) if state.peer_has_closed() => self.incoming = Incoming::Ended,
                Ok(_) => {}
                Err(error) => self.incoming = Incoming::Broken(error),
            }
            self.drain(rx);
        }
    }

    fn process(&mut self) -> io::Result<IoState> {
        self.tls.process_new_packets().map_err(|error| {
            // The alert that says why, if there is room for it: nobody waits for it.
            let _best_effort = self.flush();
            io::Error::new(ErrorKind::InvalidData, error)
        })
    }

    fn drain(&mut self, rx: &mut ReceiveBuffer) {
        // That nothing is left is an error to rustls.
        while let Ok(count @ 1..) = self.tls.reader().read(rx.spare()) {
            rx.commit(count);
        }
    }

    /// Encrypts and sends; `None` if there is no room, or nothing to write. What is encrypted
    /// and waits for room goes out first, also when there is nothing to write.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> io::Result<Option<usize>> {
        if !self.flush()? || bytes.is_empty() {
            return Ok(None);
        }
        let count = self.tls.writer().write(bytes)?;
        self.flush()?;
        Ok(Some(count))
    }

    /// Sends what is encrypted; whether all of it is gone.
    fn flush(&mut self) -> io::Result<bool> {
        while self.tls.wants_write() {
            match retried(|| self.tls.write_tls(&mut self.stream))? {
                None => return Ok(false),
                Some(0) => return Err(ErrorKind::WriteZero.into()),
                Some(_) => {}
            }
        }
        Ok(true)
    }
}
