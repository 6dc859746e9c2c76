//! An exchange on real sockets: TCP or TLS, one task, nothing of its own decided here.

mod certificates;
mod listener;
mod socket;
mod wire;

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::io;
use std::iter;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use marketprism_core::{ReceiveBuffer, Time, UnixNanos};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep};

use super::exchange::{Command, ConnectionId, Exchange};
use super::fault::Fault;
use super::ledger::Ledger;
use super::tls::HandshakeFault;
pub use certificates::{CertificateError, Certificates};
use listener::Listener;
use socket::{Mode, Socket};

/// Bytes that are read at a time.
const READ: usize = 64 << 10;
/// How long the alarm sleeps when nothing is due.
const IDLE: Duration = Duration::from_secs(3600);
/// How long after an accept that failed the next one is tried.
const ACCEPT_AGAIN: Duration = Duration::from_millis(50);
/// Connections that are accepted before the others are looked at again.
const MAX_ARRIVALS: usize = 64;

/// An exchange that listens.
///
/// It runs on whatever task polls it: call [`turn`](Self::turn) in a loop, or
/// [`run`](Self::run). Both can be dropped at any time and called again.
///
/// ```
/// use marketprism::twin::{Exchange, Options, Server};
/// use marketprism_core::market::Market;
///
/// # let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
/// # runtime.block_on(async {
/// let exchange = Exchange::new(Market::Okx, Options::new(Market::Okx), 1);
/// let mut server = Server::bind(exchange, "127.0.0.1:0".parse().unwrap(), None)?;
/// println!("ws://{}/ws/v5/public", server.address());
/// server.run(std::future::ready(())).await?; // a future that ends when serving is to end
/// assert_eq!(server.ledger().sockets().total, 0);
/// # Ok::<(), std::io::Error>(())
/// # })?;
/// # Ok::<(), std::io::Error>(())
/// ```
#[derive(Debug)]
pub struct Server {
    exchange: Exchange,
    listener: Listener,
    /// A second door to the same exchange, which no fault closes.
    second: Option<Listener>,
    certificates: Option<Certificates>,
    origin: Instant,
    sleep: Pin<Box<Sleep>>,
    sockets: BTreeMap<ConnectionId, Socket>,
    arrived: Vec<TcpStream>,
    rx: ReceiveBuffer,
}

/// The wall-clock time now, for [`Options::origin`](super::Options::origin): stamps of an
/// exchange that is served are then those of this machine.
#[must_use]
pub fn wall_clock() -> UnixNanos {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    UnixNanos::from_nanos(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}

impl Server {
    /// Listens at an address; port 0 is any free one. With certificates it speaks TLS.
    ///
    /// The exchange's time begins now. Call it within a tokio runtime with IO and time enabled.
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub fn bind(
        exchange: Exchange,
        address: SocketAddr,
        certificates: Option<&Certificates>,
    ) -> io::Result<Self> {
        let origin = Instant::now();
        let exchange = match certificates {
            Some(_) => exchange.over_tls(),
            None => exchange,
        };
        Ok(Self {
            exchange,
            listener: Listener::bind(address)?,
            second: None,
            certificates: certificates.cloned(),
            origin,
            sleep: Box::pin(tokio::time::sleep_until(origin)),
            sockets: BTreeMap::new(),
            arrived: Vec::new(),
            rx: ReceiveBuffer::with_capacity(READ),
        })
    }

    /// Where it listens.
    #[must_use]
    pub const fn address(&self) -> SocketAddr {
        self.listener.address()
    }

    /// Listens at a second address as well, and says where that is: whoever sends requests there
    /// and opens WebSockets at the first can tell the two kinds of sockets apart by their ports.
    ///
    /// # Errors
    ///
    /// The address cannot be bound.
    pub fn listen_too(&mut self, address: SocketAddr) -> io::Result<SocketAddr> {
        let second = Listener::bind(address)?;
        let address = second.address();
        self.second = Some(second);
        Ok(address)
    }

    /// The exchange that is served.
    #[must_use]
    pub const fn exchange(&self) -> &Exchange {
        &self.exchange
    }

    /// What the exchange has done so far.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        self.exchange.ledger()
    }

    /// How long it has been serving, as the ledger counts time.
    #[must_use]
    pub fn now(&self) -> Time {
        Time::ZERO + self.origin.elapsed()
    }

    /// Lets a fault strike now.
    pub fn inject(&mut self, fault: Fault) {
        let now = self.now();
        self.exchange.inject(now, fault);
        // The next turn obeys what follows from it, and comes at once.
        self.sleep.as_mut().reset(Instant::now());
    }

    /// Serves until `stop` is ready.
    ///
    /// # Errors
    ///
    /// As [`turn`](Self::turn).
    pub async fn run(&mut self, stop: impl Future<Output = ()>) -> io::Result<()> {
        let mut stop = std::pin::pin!(stop);
        loop {
            tokio::select! {
                biased;
                () = &mut stop => return Ok(()),
                turned = self.turn() => turned?,
            }
        }
    }

    /// Waits for the next thing to do and does it. May be dropped at any time: nothing is lost.
    ///
    /// # Errors
    ///
    /// The port could not be taken again after a while of refused connections.
    pub async fn turn(&mut self) -> io::Result<()> {
        poll_fn(|cx| self.poll_turn(cx)).await?;
        if !self.arrived.is_empty() {
            // Who connects anew may have closed the socket before. The system told of that
            // first, and this lets the runtime hear it: the ledger must not count both.
            tokio::task::yield_now().await;
            poll_fn(|cx| Poll::Ready(self.poll_sockets(cx))).await;
            self.admit();
        }
        self.obey()?;
        self.set_alarm();
        Ok(())
    }

    fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.arrived.is_empty() {
            return Poll::Ready(Ok(()));
        }
        let mut progress = self.poll_time(cx);
        progress |= self.poll_arrivals(cx);
        progress |= self.poll_sockets(cx);
        if progress {
            Poll::Ready(Ok(()))
        } else {
            Poll::Pending
        }
    }

    fn poll_time(&mut self, cx: &mut Context<'_>) -> bool {
        if self.sleep.as_mut().poll(cx).is_pending() {
            return false;
        }
        let now = self.now();
        self.exchange.handle_timeout(now);
        // Nothing is due for now; `set_alarm` knows better.
        self.sleep.as_mut().reset(Instant::now() + IDLE);
        true
    }

    /// Brings the alarm forward to what the exchange has become due for meanwhile.
    fn set_alarm(&mut self) {
        if let Some(next) = self.exchange.poll_timeout() {
            self.wake_by(self.origin + next.since(Time::ZERO));
        }
    }

    fn wake_by(&mut self, at: Instant) {
        if at < self.sleep.deadline() {
            self.sleep.as_mut().reset(at);
        }
    }

    fn poll_arrivals(&mut self, cx: &mut Context<'_>) -> bool {
        let mut failed = false;
        for listener in iter::once(&mut self.listener).chain(&mut self.second) {
            while self.arrived.len() < MAX_ARRIVALS {
                match listener.poll_accept(cx) {
                    Poll::Ready(Ok(stream)) => self.arrived.push(stream),
                    Poll::Ready(Err(_)) => {
                        failed = true;
                        break;
                    }
                    Poll::Pending => break,
                }
            }
        }
        if failed {
            // One connection died before it was ours, or descriptors have run out.
            self.wake_by(Instant::now() + ACCEPT_AGAIN);
        }
        !self.arrived.is_empty()
    }

    fn admit(&mut self) {
        for stream in self.arrived.drain(..) {
            let now = Time::ZERO + self.origin.elapsed();
            let id = self.exchange.accept(now);
            let socket = Socket::new(stream, self.certificates.as_ref());
            self.sockets.insert(id, socket);
        }
        // New sockets must be polled once to be heard of, and may have deadlines.
        self.sleep.as_mut().reset(Instant::now());
    }

    fn poll_sockets(&mut self, cx: &mut Context<'_>) -> bool {
        let Self {
            exchange,
            origin,
            sockets,
            rx,
            ..
        } = self;
        let mut progress = false;
        sockets.retain(|id, socket| {
            let mut carrier = Carrier {
                exchange,
                now: Time::ZERO + origin.elapsed(),
                id: *id,
                rx,
            };
            match carrier.poll(cx, socket) {
                Carried::Nothing => true,
                Carried::Something => {
                    progress = true;
                    true
                }
                Carried::Gone => {
                    progress = true;
                    carrier.exchange.closed(carrier.now, *id);
                    false
                }
            }
        });
        progress
    }

    fn obey(&mut self) -> io::Result<()> {
        let mut obeyed = false;
        while let Some(command) = self.exchange.poll_command() {
            obeyed = true;
            match command {
                Command::Close(id) => self.with(id, |socket| socket.mode = Mode::Closing),
                Command::HalfClose(id) => self.with(id, Socket::half_close),
                Command::Stall(id) => self.with(id, |socket| socket.mode = Mode::Stalled),
                Command::Unread(id) => self.with(id, Socket::stop_reading),
                Command::Handshake(id, fault) => self.misgreet(id, fault),
                Command::Record(id, fault) => self.with(id, |socket| socket.spoil(fault)),
                Command::Drop(id) => drop(self.gone(id)),
                Command::Reset(id) => {
                    if let Some(socket) = self.gone(id) {
                        socket.reset();
                    }
                }
                Command::Deafen => self.listener.deafen(),
                Command::Overflow => self.listener.overflow()?,
                Command::Listen => self.listener.listen()?,
            }
        }
        if obeyed {
            // A socket in a new mode, or a new listener, must be polled once to be heard of.
            self.sleep.as_mut().reset(Instant::now());
        }
        Ok(())
    }

    fn with(&mut self, id: ConnectionId, act: impl FnOnce(&mut Socket)) {
        if let Some(socket) = self.sockets.get_mut(&id) {
            act(socket);
        }
    }

    fn misgreet(&mut self, id: ConnectionId, fault: HandshakeFault) {
        if let (Some(socket), Some(certificates)) =
            (self.sockets.get_mut(&id), self.certificates.as_ref())
        {
            socket.misgreet(fault, certificates);
        }
    }

    fn gone(&mut self, id: ConnectionId) -> Option<Socket> {
        let now = self.now();
        self.exchange.closed(now, id);
        self.sockets.remove(&id)
    }
}

/// Carries bytes between one socket and the exchange.
struct Carrier<'a> {
    exchange: &'a mut Exchange,
    now: Time,
    id: ConnectionId,
    rx: &'a mut ReceiveBuffer,
}

/// What was carried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Carried {
    Nothing,
    Something,
    /// The socket is at its end.
    Gone,
}

impl Carrier<'_> {
    fn poll(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Carried {
        match socket.mode {
            Mode::Stalled => match socket.poll_gone(cx) {
                Poll::Ready(()) => Carried::Gone,
                Poll::Pending => Carried::Nothing,
            },
            Mode::Unread => match socket.poll_gone(cx) {
                Poll::Ready(()) => Carried::Gone,
                Poll::Pending => self.poll_write(cx, socket),
            },
            Mode::HalfClosed => self.poll_read(cx, socket),
            Mode::TlsClosed => match socket.poll_flush(cx) {
                Poll::Ready(Err(_)) => Carried::Gone,
                Poll::Ready(Ok(())) | Poll::Pending => self.poll_read(cx, socket),
            },
            Mode::TlsFailed => Self::poll_end(cx, socket),
            Mode::Serving => match self.poll_read(cx, socket) {
                Carried::Gone => Carried::Gone,
                read @ (Carried::Nothing | Carried::Something) => {
                    read.max(self.poll_write(cx, socket))
                }
            },
            Mode::Closing => self.poll_close(cx, socket),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Carried {
        let mut carried = Carried::Nothing;
        loop {
            match socket.poll_read(cx, self.rx) {
                Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) => return Carried::Gone,
                Poll::Ready(Ok(_)) => {
                    self.exchange.receive(self.now, self.id, self.rx);
                    carried = Carried::Something;
                }
                Poll::Pending => return carried,
            }
        }
    }

    fn poll_write(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Carried {
        let mut carried = Carried::Nothing;
        loop {
            let bytes = self.exchange.transmit(self.id);
            if bytes.is_empty() {
                break;
            }
            match socket.poll_write(cx, bytes) {
                Poll::Ready(Ok(0)) | Poll::Ready(Err(_)) => return Carried::Gone,
                Poll::Ready(Ok(count)) => {
                    self.exchange.transmitted(self.now, self.id, count);
                    carried = Carried::Something;
                }
                Poll::Pending => return carried,
            }
        }
        match socket.poll_flush(cx) {
            Poll::Ready(Err(_)) => Carried::Gone,
            Poll::Ready(Ok(())) | Poll::Pending => carried,
        }
    }

    /// Writes what is left, then ends its direction and awaits the client's end: a socket that is
    /// closed over unread bytes resets, and what was written last could be lost with it.
    fn poll_close(&mut self, cx: &mut Context<'_>, socket: &mut Socket) -> Carried {
        let read = self.poll_read(cx, socket);
        if read == Carried::Gone || self.poll_write(cx, socket) == Carried::Gone {
            return Carried::Gone;
        }
        if !self.exchange.transmit(self.id).is_empty() {
            return read;
        }
        read.max(Self::poll_end(cx, socket))
    }

    fn poll_end(cx: &mut Context<'_>, socket: &mut Socket) -> Carried {
        match socket.poll_shutdown(cx) {
            Poll::Ready(Ok(())) => {
                socket.mode = Mode::HalfClosed;
                Carried::Something
            }
            Poll::Ready(Err(_)) => Carried::Gone,
            Poll::Pending => Carried::Nothing,
        }
    }
}
