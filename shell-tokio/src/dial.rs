//! From a host name to a connected socket.

use std::collections::BTreeMap;
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use marketprism_core::connection::{Endpoint, Fault};
use marketprism_core::fleet::MachineId;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use crate::stream::Socket;
use crate::tls::Tls;

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
    tls: Tls,
    own: BTreeMap<MachineId, Tls>,
    first: BTreeMap<MachineId, First>,
}

/// The index of the address that a machine's next dial tries first: the one that worked last,
/// or the one after that which failed or hung. Without it, a first address that swallows every
/// packet would eat the whole deadline of every dial.
type First = Arc<AtomicUsize>;

impl Dialer {
    /// A dialer that trusts `tls`.
    #[must_use]
    pub const fn new(tls: Tls) -> Self {
        Self {
            tls,
            own: BTreeMap::new(),
            first: BTreeMap::new(),
        }
    }

    /// Lets one machine trust something else.
    pub fn set_tls(&mut self, id: MachineId, tls: Tls) {
        self.own.insert(id, tls);
    }
}

impl Network for Dialer {
    type Socket = Socket;
    type Dial = Pin<Box<dyn Future<Output = Result<Socket, Fault>> + Send>>;

    fn dial(&mut self, id: MachineId, endpoint: &Endpoint) -> Self::Dial {
        let tls = endpoint.tls.then(|| self.own.get(&id).unwrap_or(&self.tls));
        let first = self.first.entry(id).or_default();
        Box::pin(dial(
            endpoint.host.clone(),
            endpoint.port,
            tls.cloned(),
            Arc::clone(first),
        ))
    }
}

async fn dial(host: String, port: u16, tls: Option<Tls>, first: First) -> Result<Socket, Fault> {
    let addresses = resolve(&host, port).await?;
    let (index, stream) = connect(&addresses, &first).await?;
    // Beyond this point no other address is tried: a server that accepted has counted an
    // attempt, and the next one is the core's to allow.
    let socket = match tls {
        None => Socket::Plain(stream),
        Some(tls) => Socket::Tls(Box::new(tls.connect(&host, stream).await?)),
    };
    first.store(index, Ordering::Relaxed);
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
async fn connect(addresses: &[SocketAddr], first: &First) -> Result<(usize, TcpStream), Fault> {
    let begin = first.load(Ordering::Relaxed).checked_rem(addresses.len());
    let (tried_last, tried_first) = addresses.split_at(begin.unwrap_or(0));
    let order = (tried_last.len()..)
        .zip(tried_first)
        .chain((0..).zip(tried_last));
    let mut last = Fault::Resolve;
    for (index, address) in order {
        first.store(index + 1, Ordering::Relaxed);
        match connect_one(*address).await {
            Ok(stream) => return Ok((index, stream)),
            Err(error) => last = fault(&error),
        }
    }
    Err(last)
}

async fn connect_one(address: SocketAddr) -> io::Result<TcpStream> {
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    bound_the_unacknowledged(&stream);
    Ok(stream)
}

/// Lets the kernel wait for a minute for an acknowledgement of what was sent (RFC 5482), instead
/// of a quarter of an hour.
///
/// No deadline of a session depends on it: the core's come first. It bounds what the kernel
/// holds when the far end is gone, and a kernel that will not have it is no reason not to dial.
#[cfg(target_os = "linux")]
fn bound_the_unacknowledged(stream: &TcpStream) {
    let limit = std::time::Duration::from_secs(60);
    let _best_effort = socket2::SockRef::from(stream).set_tcp_user_timeout(Some(limit));
}

/// Other systems have no such option.
#[cfg(not(target_os = "linux"))]
fn bound_the_unacknowledged(_: &TcpStream) {}

/// What the core cares to know about an error of the system or of TLS.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the list of kinds is open, and most of them say nothing of a network"
)]
pub(crate) fn fault(error: &io::Error) -> Fault {
    if let Some(inner) = error.get_ref()
        && let Some(tls) = inner.downcast_ref::<rustls::Error>()
    {
        return tls_fault(tls);
    }
    match error.kind() {
        ErrorKind::ConnectionRefused => Fault::Refused,
        ErrorKind::ConnectionReset | ErrorKind::ConnectionAborted | ErrorKind::BrokenPipe => {
            Fault::Reset
        }
        ErrorKind::HostUnreachable
        | ErrorKind::NetworkUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::AddrNotAvailable => Fault::Unreachable,
        ErrorKind::TimedOut => Fault::TimedOut,
        _ => Fault::Other,
    }
}

fn tls_fault(error: &rustls::Error) -> Fault {
    let refused = matches!(
        error,
        rustls::Error::InvalidCertificate(_) | rustls::Error::NoCertificatesPresented
    );
    if refused {
        Fault::Certificate
    } else {
        Fault::Tls
    }
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

    #[tokio::test]
    async fn an_address_that_refuses_is_followed_by_the_next() {
        let (_listener, open) = listening();
        let first = First::default();
        let (index, stream) = connect(&[closed(), open], &first).await.unwrap();
        assert_eq!((index, stream.peer_addr().unwrap()), (1, open));
        assert!(stream.nodelay().unwrap());
    }

    #[tokio::test]
    async fn the_last_fault_stands_for_all() {
        let addresses = [closed(), closed()];
        let fault = connect(&addresses, &First::default()).await.unwrap_err();
        assert_eq!(fault, Fault::Refused);
        let none = connect(&[], &First::default()).await.unwrap_err();
        assert_eq!(none, Fault::Resolve);
    }

    #[tokio::test]
    async fn the_dial_after_one_that_was_given_up_begins_at_the_next_address() {
        let first = First::default();
        let (_listener, open) = listening();
        let addresses = [closed(), open, closed()];
        connect(&addresses, &first).await.unwrap();
        assert_eq!(
            first.load(Ordering::Relaxed),
            2,
            "not confirmed: what follows"
        );
        let (index, _) = connect(&addresses, &first).await.unwrap();
        assert_eq!(index, 1, "round the end");
    }

    #[tokio::test]
    async fn the_address_that_worked_is_tried_first_again() {
        let first = First::default();
        let (_listener, open) = listening();
        first.store(7, Ordering::Relaxed);
        dial("127.0.0.1".into(), open.port(), None, Arc::clone(&first))
            .await
            .unwrap();
        assert_eq!(first.load(Ordering::Relaxed), 0);
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

    #[test]
    fn errors_of_the_system_become_faults() {
        for (kind, expected) in [
            (ErrorKind::ConnectionRefused, Fault::Refused),
            (ErrorKind::ConnectionReset, Fault::Reset),
            (ErrorKind::ConnectionAborted, Fault::Reset),
            (ErrorKind::BrokenPipe, Fault::Reset),
            (ErrorKind::HostUnreachable, Fault::Unreachable),
            (ErrorKind::NetworkUnreachable, Fault::Unreachable),
            (ErrorKind::NetworkDown, Fault::Unreachable),
            (ErrorKind::AddrNotAvailable, Fault::Unreachable),
            (ErrorKind::TimedOut, Fault::TimedOut),
            (ErrorKind::PermissionDenied, Fault::Other),
        ] {
            assert_eq!(fault(&io::Error::from(kind)), expected, "{kind:?}");
        }
    }

    #[test]
    fn errors_of_tls_become_faults() {
        let wrapped = |error| io::Error::new(ErrorKind::InvalidData, error);
        let expired = rustls::Error::InvalidCertificate(rustls::CertificateError::Expired);
        assert_eq!(fault(&wrapped(expired)), Fault::Certificate);
        assert_eq!(fault(&wrapped(rustls::Error::DecryptError)), Fault::Tls);
    }
}
