//! Real sockets on loopback: the far end waits in the calling thread, the machine is driven by a
//! shell in a thread of its own.

use std::io::{self, ErrorKind, Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use marketprism_core::connection::Endpoint;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use socket2::{Domain, SockRef, Socket, Type};

use super::client::Client;
use crate::language::Order;
use crate::play::{End, Read, Reception, Stage};
use crate::trace::{Log, Trace};

/// Longer than anything takes on a busy machine: what has not come by then does not come.
const LIMIT: Duration = Duration::from_secs(30);

/// How long a dial is tried to see that nobody answers it.
const FILLING: Duration = Duration::from_millis(50);

/// What the far end's kernel takes of bytes that nobody has read: little, so that a machine's
/// writing can be held up.
const ROOM: usize = 64 << 10;

pub(crate) struct Sockets {
    log: Log,
    client: Client,
    listener: Listener,
    line: Option<Line>,
    tls: Option<Arc<ServerConfig>>,
}

/// A port that is ours whether or not dials to it are answered.
pub(crate) struct Listener {
    socket: Socket,
    address: SocketAddr,
    reception: Option<Reception>,
    /// Dials of our own that keep the kernel's queue full.
    fillers: Vec<TcpStream>,
}

enum Line {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ServerConnection, TcpStream>>),
}

impl Sockets {
    pub(crate) fn new(
        listener: Listener,
        client: Client,
        tls: Option<Arc<ServerConfig>>,
        log: Log,
    ) -> Self {
        Self {
            log,
            client,
            listener,
            line: None,
            tls,
        }
    }
}

impl Stage for Sockets {
    fn log(&self) -> &Log {
        &self.log
    }

    fn tell(&mut self, orders: &[Order]) -> Result<(), String> {
        if self.listener.reception.is_none() {
            self.receive_dials(Reception::Listening)?;
        }
        self.client.tell(orders.to_vec(), LIMIT)
    }

    fn receive_dials(&mut self, how: Reception) -> Result<(), String> {
        let received = self.listener.receive(how);
        received.map_err(|error| error.to_string())
    }

    fn accept(&mut self) -> Result<(), String> {
        self.line = None;
        let accepted = self
            .listener
            .accept()
            .and_then(|stream| self.secure(stream));
        self.line = Some(accepted.map_err(|error| format!("nobody dials: {error}"))?);
        Ok(())
    }

    fn read(&mut self) -> Result<Read, String> {
        let line = self.line.as_mut().ok_or("no connection")?;
        let mut bytes = vec![0; 64 << 10];
        match line.read(&mut bytes) {
            Ok(0) => Ok(Read::End),
            Ok(count) => {
                bytes.truncate(count);
                Ok(Read::Bytes(bytes))
            }
            Err(error) if has_ended(&error) => Ok(Read::End),
            Err(error) => Err(format!("nothing comes: {error}")),
        }
    }

    /// A machine that has left hears nothing; what is missing shows in its trace.
    fn write(&mut self, bytes: &[u8]) {
        if let Some(line) = &mut self.line {
            line.write(bytes).unwrap_or_default();
        }
    }

    fn end(&mut self, how: End) {
        let Some(line) = &self.line else {
            return;
        };
        match how {
            End::Fin => line.tcp().shutdown(Shutdown::Write).unwrap_or_default(),
            End::Reset => {
                let socket = SockRef::from(line.tcp());
                socket.set_linger(Some(Duration::ZERO)).unwrap_or_default();
                self.line = None;
            }
        }
    }

    fn wait(&mut self, until: &dyn Fn(&Trace) -> bool) -> bool {
        self.log.wait(until, LIMIT)
    }
}

impl Sockets {
    fn secure(&self, stream: TcpStream) -> io::Result<Line> {
        let Some(config) = &self.tls else {
            return Ok(Line::Plain(stream));
        };
        let connection = ServerConnection::new(Arc::clone(config)).map_err(io::Error::other)?;
        let mut stream = StreamOwned::new(connection, stream);
        while stream.conn.is_handshaking() {
            stream.conn.complete_io(&mut stream.sock)?;
        }
        Ok(Line::Tls(Box::new(stream)))
    }
}

impl Listener {
    /// A port of this machine, where nobody listens yet.
    pub(crate) fn bind() -> io::Result<Self> {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        socket.set_recv_buffer_size(ROOM)?;
        socket.set_read_timeout(Some(LIMIT))?;
        let address = socket.local_addr()?.as_socket();
        Ok(Self {
            address: address.ok_or(ErrorKind::AddrNotAvailable)?,
            socket,
            reception: None,
            fillers: Vec::new(),
        })
    }

    pub(crate) fn endpoint(&self, tls: bool) -> Endpoint {
        Endpoint {
            host: self.address.ip().to_string(),
            port: self.address.port(),
            tls,
            path: "/".into(),
        }
    }

    fn receive(&mut self, how: Reception) -> io::Result<()> {
        match (how, self.reception.replace(how)) {
            (Reception::Listening, _) => {
                self.fillers
                    .drain(..)
                    .try_for_each(|_| self.socket.accept().map(drop))?;
                self.socket.listen(128)
            }
            (Reception::Ignoring, _) => {
                self.socket.listen(0)?;
                while let Ok(stream) = TcpStream::connect_timeout(&self.address, FILLING) {
                    self.fillers.push(stream);
                }
                Ok(())
            }
            (Reception::Refusing, None) => Ok(()),
            (Reception::Refusing, Some(_)) => {
                Err(io::Error::other("who has listened does not refuse"))
            }
        }
    }

    fn accept(&self) -> io::Result<TcpStream> {
        let (socket, _) = self.socket.accept()?;
        let stream = TcpStream::from(socket);
        stream.set_read_timeout(Some(LIMIT))?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }
}

impl Line {
    fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => &stream.sock,
        }
    }

    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(bytes),
            Self::Tls(stream) => stream.read(bytes),
        }
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Plain(stream) => stream.write_all(bytes),
            Self::Tls(stream) => stream.write_all(bytes).and_then(|()| stream.flush()),
        }
    }
}

/// Whether the machine has closed its socket: in good order, or with bytes unread.
fn has_ended(error: &io::Error) -> bool {
    let kinds = [
        ErrorKind::ConnectionReset,
        ErrorKind::BrokenPipe,
        ErrorKind::UnexpectedEof,
    ];
    kinds.contains(&error.kind())
}
