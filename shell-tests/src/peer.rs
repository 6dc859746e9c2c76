//! Far ends on loopback: plain threads over blocking sockets, one act for each connection.

use std::io::{self, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use marketprism_core::ReceiveBuffer;
use marketprism_core::ws::handshake::Response;
use marketprism_core::ws::{CloseFrame, Item, Limits, Server, ServerEvent};
use rustls::{HandshakeKind, ServerConfig, ServerConnection, StreamOwned};

/// How one connection goes, once it is accepted.
#[derive(Clone, Copy, Debug)]
pub enum Act {
    /// Says this and echoes until the client closes.
    Echo(&'static str),
    /// Says this, then sends FIN and nothing else.
    Fin(&'static str),
    /// Says this and stops in the middle of a frame that never ends, by FIN.
    Torn(&'static str),
    /// Says this, then resets.
    Reset(&'static str),
    /// Says this, then begins the close handshake.
    Close(&'static str, u16),
    /// Answers the upgrade with this status.
    Refuse(u16),
    /// Never answers.
    Silent,
    /// Accepts the upgrade and says nothing ever after.
    Mute,
    /// Says `0`, and with its answer to the client's close all numbers below this.
    Late(u32),
    /// Says a number every 50 ms, so many of them, then echoes.
    Chatter(u32),
    /// Sends so many zero bytes in one binary message, reading nothing before the client has
    /// had time to fill every buffer in between.
    Slow(usize),
    /// Says this, and then without end, reading nothing, for as long as the socket lives.
    Flood(&'static str),
    /// Says so many numbers and, in one message, so many zero bytes, all in one write; then
    /// nothing until the client closes.
    Burst(u32, usize),
    /// Says this, and then something that is no frame, nor a record of TLS.
    Garbage(&'static str),
    /// Says this in a session that was resumed, then echoes.
    Resumed(&'static str),
    /// Says this, and changes its keys and asks for new ones before each echo.
    Rekey(&'static str),
}

/// A peer that plays its acts and ends.
#[derive(Debug)]
pub struct Peer {
    /// Where it listens.
    pub address: SocketAddr,
    thread: JoinHandle<io::Result<()>>,
}

impl Peer {
    /// One act for each connection, in order, over plain TCP.
    ///
    /// # Panics
    ///
    /// If there is no port to listen on.
    #[must_use]
    pub fn plain(acts: impl Into<Vec<Act>>) -> Self {
        Self::playing(acts.into(), Ok)
    }

    /// The same over TLS.
    ///
    /// # Panics
    ///
    /// If there is no port to listen on.
    #[must_use]
    pub fn tls(acts: impl Into<Vec<Act>>, config: Arc<ServerConfig>) -> Self {
        Self::playing(acts.into(), move |stream| {
            let connection = ServerConnection::new(Arc::clone(&config)).unwrap();
            Ok(StreamOwned::new(connection, stream))
        })
    }

    fn playing<S: Stream>(
        acts: Vec<Act>,
        over: impl Fn(TcpStream) -> io::Result<S> + Send + 'static,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let thread = thread::spawn(move || {
            let mut earlier = Vec::new();
            for act in acts {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                earlier.iter().for_each(assert_closed);
                // A second descriptor would keep a reset from being sent.
                if !matches!(act, Act::Reset(_)) {
                    earlier.push(stream.try_clone()?);
                }
                Far::new(over(stream)?).play(act)?;
            }
            Ok(())
        });
        Self { address, thread }
    }

    /// Waits for the last act.
    ///
    /// # Panics
    ///
    /// If the client did what it should not.
    pub fn finished(self) {
        self.thread.join().unwrap().unwrap();
    }
}

/// Panics unless the client has closed its end. It closes before it dials again, so on loopback
/// the end has arrived by the time that the next connection is accepted.
fn assert_closed(mut stream: &TcpStream) {
    stream.set_nonblocking(true).unwrap();
    let mut rest = [0; 4096];
    loop {
        match stream.read(&mut rest) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) => {
                assert_ne!(
                    error.kind(),
                    io::ErrorKind::WouldBlock,
                    "two sockets at once"
                );
                return;
            }
        }
    }
}

/// A far end's socket.
trait Stream: Read + Write {
    fn tcp(&self) -> &TcpStream;

    /// The far end's TLS, unless it is plain TCP.
    fn tls(&mut self) -> Option<&mut ServerConnection> {
        None
    }
}

impl Stream for TcpStream {
    fn tcp(&self) -> &TcpStream {
        self
    }
}

impl Stream for StreamOwned<ServerConnection, TcpStream> {
    fn tcp(&self) -> &TcpStream {
        self.get_ref()
    }

    fn tls(&mut self) -> Option<&mut ServerConnection> {
        Some(&mut self.conn)
    }
}

/// The server's end of one connection.
struct Far<S> {
    stream: S,
    server: Server,
    rx: ReceiveBuffer,
}

/// What the client has said.
enum Said {
    Text(String),
    Other,
    Closed,
    End,
}

impl<S: Stream> Far<S> {
    fn new(stream: S) -> Self {
        Self {
            stream,
            server: Server::new(Limits::DEFAULT, 64 << 20, None),
            rx: ReceiveBuffer::with_capacity(16 << 10),
        }
    }

    fn play(mut self, act: Act) -> io::Result<()> {
        self.perform(act)?;
        if let Act::Reset(_) = act {
            let socket = socket2::SockRef::from(self.stream.tcp());
            return socket.set_linger(Some(Duration::ZERO));
        }
        // The client may have been faster.
        drop(self.stream.tcp().shutdown(Shutdown::Write));
        Ok(())
    }

    fn perform(&mut self, act: Act) -> io::Result<()> {
        match act {
            Act::Echo(text) => {
                self.welcome(text)?;
                self.echo()
            }
            Act::Fin(text) | Act::Reset(text) => self.welcome(text),
            Act::Torn(text) => {
                self.welcome(text)?;
                self.stream.write_all(&[0x81, 0x7d, b'x'])?;
                self.stream.flush()
            }
            Act::Close(text, code) => {
                self.welcome(text)?;
                let close = CloseFrame { code, reason: "" };
                self.server.queue().close(Some(close)).unwrap();
                self.echo()
            }
            Act::Refuse(status) => self.refuse(status),
            Act::Silent => self.wait_for_the_end(),
            Act::Mute => {
                self.upgrade()?;
                self.flush()?;
                self.wait_for_the_end()
            }
            Act::Chatter(count) => {
                self.upgrade()?;
                for number in 0..count {
                    self.server.queue().text(&number.to_string()).unwrap();
                    self.flush()?;
                    thread::sleep(Duration::from_millis(50));
                }
                self.echo()
            }
            Act::Late(count) => self.answer_late(count),
            Act::Flood(text) => self.flood(text),
            Act::Burst(count, size) => self.burst(count, size),
            Act::Garbage(text) => {
                self.welcome(text)?;
                self.garbage()
            }
            Act::Resumed(text) => {
                self.welcome(text)?;
                let kind = self.stream.tls().and_then(|tls| tls.handshake_kind());
                assert_eq!(kind, Some(HandshakeKind::Resumed));
                self.echo()
            }
            Act::Rekey(text) => self.rekey(text),
            Act::Slow(count) => {
                self.upgrade()?;
                self.flush()?;
                thread::sleep(Duration::from_millis(100));
                self.server.queue().binary(&vec![0; count]).unwrap();
                self.echo()
            }
        }
    }

    /// Ends when the client has closed.
    fn flood(&mut self, text: &str) -> io::Result<()> {
        self.welcome(text)?;
        for _ in 0..10_000 {
            self.server.queue().text("more").unwrap();
        }
        while self.stream.write_all(self.server.transmit()).is_ok() {}
        Ok(())
    }

    fn burst(&mut self, count: u32, size: usize) -> io::Result<()> {
        self.upgrade()?;
        for number in 0..count {
            self.server.queue().text(&number.to_string()).unwrap();
        }
        self.server.queue().binary(&vec![0; size]).unwrap();
        self.echo()
    }

    /// Below TLS, if there is any, and then nothing until the client has closed.
    fn garbage(&self) -> io::Result<()> {
        self.stream.tcp().write_all(&[0xff; 64])?;
        let mut rest = [0; 4096];
        while matches!(self.stream.tcp().read(&mut rest), Ok(count) if count > 0) {}
        Ok(())
    }

    fn rekey(&mut self, text: &str) -> io::Result<()> {
        self.welcome(text)?;
        while let Said::Text(text) = self.hear()? {
            let tls = self.stream.tls().unwrap();
            tls.refresh_traffic_keys().unwrap();
            self.server.queue().text(&text).unwrap();
            self.flush()?;
        }
        self.echo()
    }

    fn answer_late(&mut self, count: u32) -> io::Result<()> {
        self.welcome("0")?;
        for number in 1..count {
            self.server.queue().text(&number.to_string()).unwrap();
        }
        while !matches!(self.hear()?, Said::Closed | Said::End) {}
        self.flush()
    }

    fn upgrade(&mut self) -> io::Result<()> {
        while let Said::Other = self.hear()? {
            if self.server.accept(None).is_ok() {
                return Ok(());
            }
        }
        Err(io::ErrorKind::UnexpectedEof.into())
    }

    fn welcome(&mut self, text: &str) -> io::Result<()> {
        self.upgrade()?;
        self.server.queue().text(text).unwrap();
        self.flush()
    }

    fn refuse(&mut self, status: u16) -> io::Result<()> {
        self.hear()?;
        self.server
            .respond(&Response::new(status).body(b""))
            .unwrap();
        self.flush()?;
        self.wait_for_the_end()
    }

    fn echo(&mut self) -> io::Result<()> {
        loop {
            self.flush()?;
            if self.server.is_over() {
                return Ok(());
            }
            match self.hear()? {
                Said::Text(text) => self.server.queue().text(&text).unwrap(),
                Said::Other | Said::Closed => {}
                Said::End => return Ok(()),
            }
        }
    }

    fn wait_for_the_end(&mut self) -> io::Result<()> {
        let mut rest = [0; 4096];
        while matches!(self.stream.read(&mut rest), Ok(count) if count > 0) {}
        Ok(())
    }

    fn hear(&mut self) -> io::Result<Said> {
        loop {
            match self.server.next(&mut self.rx).map_err(io::Error::other)? {
                Some(ServerEvent::Item(Item::Text(text))) => return Ok(Said::Text(text.into())),
                Some(ServerEvent::Item(Item::Close(_))) => return Ok(Said::Closed),
                Some(_) => return Ok(Said::Other),
                None => {}
            }
            match self.stream.read(self.rx.spare()) {
                Ok(0) => return Ok(Said::End),
                Ok(count) => self.rx.commit(count),
                // A client that closes without close_notify, or with bytes unread.
                Err(_) => return Ok(Said::End),
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        while !self.server.transmit().is_empty() {
            let count = self.stream.write(self.server.transmit())?;
            self.server.transmitted(count);
        }
        self.stream.flush()
    }
}
