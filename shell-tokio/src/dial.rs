//! From a host name to a connected socket.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use marketprism_core::connection::{Endpoint, Fault};
use marketprism_core::fleet::MachineId;
use marketprism_shell::{Addresses, Dials, First, Tls, fault, set_options};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use crate::stream::{Secure, Socket};

/// Where sockets come from. [`Dialer`] is the system's network; a test brings its own.
pub trait Network {
    /// A connected socket; dropping it closes it at once.
    type Socket: AsyncRead + AsyncWrite + Unpin;
    /// A dial under way; dropping it closes whatever it holds at once.
    type Dial: Future<Output = Result<Self::Socket, Fault>> + Unpin;

    /// Begins to dial for a machine. At most one socket may be open at any time of the dial.
    fn dial(&mut self, id: MachineId, endpoint: &Endpoint) -> Self::Dial;
}

/// Resolves by the system, connects by TCP, speaks TLS where the endpoint asks for it.
///
/// It has no deadline of its own: the core's ends a dial by dropping it.
#[derive(Debug)]
pub struct Dialer {
    dials: Dials,
}

impl Dialer {
    /// A dialer that trusts `tls`.
    #[must_use]
    pub const fn new(tls: Tls) -> Self {
        Self {
            dials: Dials::new(tls),
        }
    }

    /// Lets one machine trust something else.
    pub fn set_tls(&mut self, id: MachineId, tls: Tls) {
        self.dials.set_tls(id, tls);
    }
}

impl Network for Dialer {
    type Socket = Socket;
    type Dial = Pin<Box<dyn Future<Output = Result<Socket, Fault>> + Send>>;

    fn dial(&mut self, id: MachineId, endpoint: &Endpoint) -> Self::Dial {
        let (tls, first) = self.dials.next(id, endpoint);
        Box::pin(dial(endpoint.host.clone(), endpoint.port, tls, first))
    }
}

async fn dial(host: String, port: u16, tls: Option<Tls>, first: First) -> Result<Socket, Fault> {
    let mut addresses = Addresses::new(resolve(&host, port).await?, first);
    let stream = connect(&mut addresses).await?;
    // Beyond this point no other address is tried: a server that accepted has counted an
    // attempt, and the next one is the core's to allow.
    let socket = match tls {
        None => Socket::Plain(stream),
        Some(tls) => {
            let stream = handshake(&tls, &host, stream).await?;
            Socket::Tls(Box::new(Secure::new(stream)))
        }
    };
    addresses.worked();
    Ok(socket)
}

async fn resolve(host: &str, port: u16) -> Result<Vec<SocketAddr>, Fault> {
    match tokio::net::lookup_host((host, port)).await {
        Ok(found) => Ok(found.collect()),
        Err(_) => Err(Fault::Resolve),
    }
}

/// Tries the addresses one after another, each socket closed before the next is opened; the
/// last one's fault stands for all.
async fn connect(addresses: &mut Addresses) -> Result<TcpStream, Fault> {
    let mut last = Fault::Resolve;
    for address in addresses {
        match connect_one(address).await {
            Ok(stream) => return Ok(stream),
            Err(error) => last = fault(&error),
        }
    }
    Err(last)
}

async fn connect_one(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    set_options(&stream)?;
    Ok(stream)
}

/// Runs the TLS handshake over a connected socket, which is closed if it fails.
async fn handshake(
    tls: &Tls,
    host: &str,
    stream: TcpStream,
) -> Result<TlsStream<TcpStream>, Fault> {
    let name = Tls::server_name(host)?;
    let connecting = TlsConnector::from(Arc::clone(tls.config())).connect(name, stream);
    connecting.await.map_err(|error| {
        if error.kind() == ErrorKind::UnexpectedEof {
            // The far end hung up in the middle of the handshake.
            return Fault::Tls;
        }
        fault(&error)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::net::{Ipv4Addr, TcpListener};
    use tokio::io::AsyncReadExt;

    /// An address of this machine where nobody listens.
    fn closed() -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        listener.local_addr().unwrap()
    }

    fn listening() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    fn addresses(all: impl Into<Vec<SocketAddr>>) -> Addresses {
        Addresses::new(all.into(), First::default())
    }

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next() {
        let (_listener, open) = listening();
        let mut addresses = addresses([closed(), open, open]);
        let stream = connect(&mut addresses).await.unwrap();
        assert_eq!(stream.peer_addr().unwrap(), open);
        assert!(stream.nodelay().unwrap());
        assert_eq!(addresses.count(), 1, "nothing beyond it is tried");
    }

    #[tokio::test]
    async fn the_last_fault_stands_for_all() {
        let mut all = addresses([closed(), closed()]);
        assert_eq!(connect(&mut all).await.unwrap_err(), Fault::Refused);
        let none = connect(&mut addresses([])).await.unwrap_err();
        assert_eq!(none, Fault::Resolve);
    }

    #[tokio::test]
    async fn an_address_counts_as_one_that_works_when_the_whole_dial_does() {
        let (listener, open) = listening();
        let first = First::default();
        let begun = async |tls| dial("127.0.0.1".into(), open.port(), tls, first.clone()).await;
        let begins = || Addresses::new(vec![open, closed()], first.clone()).next();
        begun(None).await.unwrap();
        assert_eq!(begins(), Some(open));
        let far = std::thread::spawn(move || [listener.accept(), listener.accept()].map(drop));
        let cut_short = begun(Some(Tls::webpki().unwrap())).await;
        assert!(cut_short.is_err());
        assert_ne!(begins(), Some(open));
        far.join().unwrap();
    }

    #[tokio::test]
    async fn dropping_a_dial_closes_its_socket() {
        let (listener, open) = listening();
        let tls = Tls::webpki().unwrap();
        let mut dial = Box::pin(dial(
            "127.0.0.1".into(),
            open.port(),
            Some(tls),
            First::default(),
        ));
        let accepted = tokio::select! {
            _ = &mut dial => unreachable!("nobody answers the handshake"),
            accepted = tokio::task::spawn_blocking(move || listener.accept()) => accepted,
        };
        let (far, _) = accepted.unwrap().unwrap();
        drop(dial);
        far.set_nonblocking(true).unwrap();
        let mut far = TcpStream::from_std(far).unwrap();
        let mut hello = Vec::new();
        far.read_to_end(&mut hello).await.unwrap();
    }
}
