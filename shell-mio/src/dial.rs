//! From a host name to a connected socket, without blocking the loop.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, TryRecvError};
use std::thread;
use std::vec;

use marketprism_core::connection::{Endpoint, Fault};
use marketprism_shell::{fault, set_options};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token, Waker};

use crate::stream::Socket;

/// A dial under way; dropping it closes whatever it holds.
///
/// Addresses are tried one after another, each socket closed before the next is opened. There
/// is no deadline here: the core's ends a dial by dropping it.
#[derive(Debug)]
pub(crate) struct Dial {
    step: Step,
    rest: vec::IntoIter<SocketAddr>,
    last: Fault,
}

#[derive(Debug)]
enum Step {
    /// The system's resolver blocks, so it has a thread of its own, which ends with the answer.
    Resolving(Receiver<Vec<SocketAddr>>),
    /// To go on with the next address.
    Next,
    Connecting(TcpStream),
    /// Nothing is left to try.
    Failed,
}

impl Dial {
    /// Begins to dial; `waker` wakes the loop when the name is resolved.
    pub(crate) fn begin(endpoint: &Endpoint, waker: &Arc<Waker>) -> Self {
        if endpoint.tls {
            // Not spoken by this shell yet; a plain connection would be a lie.
            return Self::new(Step::Failed, Vec::new(), Fault::Tls);
        }
        match endpoint.host.parse::<IpAddr>() {
            Ok(address) => {
                let address = SocketAddr::new(address, endpoint.port);
                Self::new(Step::Next, vec![address], Fault::Resolve)
            }
            Err(_) => match resolve(endpoint.host.clone(), endpoint.port, Arc::clone(waker)) {
                Ok(answer) => Self::new(Step::Resolving(answer), Vec::new(), Fault::Resolve),
                Err(_) => Self::new(Step::Failed, Vec::new(), Fault::Resolve),
            },
        }
    }

    fn new(step: Step, addresses: Vec<SocketAddr>, last: Fault) -> Self {
        Self {
            step,
            rest: addresses.into_iter(),
            last,
        }
    }

    /// Goes as far as it goes without waiting: `None` while the dial is under way.
    pub(crate) fn advance(
        &mut self,
        registry: &Registry,
        token: Token,
    ) -> Option<Result<Socket, Fault>> {
        loop {
            self.step = match std::mem::replace(&mut self.step, Step::Failed) {
                Step::Failed => return Some(Err(self.last)),
                Step::Resolving(answer) => match answer.try_recv() {
                    Ok(addresses) => {
                        self.rest = addresses.into_iter();
                        Step::Next
                    }
                    Err(TryRecvError::Disconnected) => Step::Failed,
                    Err(TryRecvError::Empty) => {
                        self.step = Step::Resolving(answer);
                        return None;
                    }
                },
                Step::Next => match self.rest.next() {
                    None => Step::Failed,
                    Some(address) => self.attempt(connect(address, registry, token)),
                },
                Step::Connecting(stream) => match connected(&stream) {
                    Ok(true) => return Some(Ok(Socket::plain(stream))),
                    Ok(false) => {
                        self.step = Step::Connecting(stream);
                        return None;
                    }
                    Err(error) => self.attempt(Err(error)),
                },
            };
        }
    }

    fn attempt(&mut self, result: io::Result<TcpStream>) -> Step {
        match result {
            Ok(stream) => Step::Connecting(stream),
            Err(error) => {
                self.last = fault(&error);
                Step::Next
            }
        }
    }
}

fn resolve(host: String, port: u16, waker: Arc<Waker>) -> io::Result<Receiver<Vec<SocketAddr>>> {
    let (answer, resolved) = mpsc::sync_channel(1);
    thread::Builder::new()
        .name("resolve".into())
        .spawn(move || {
            let found = (host.as_str(), port).to_socket_addrs();
            let found = found.map(Iterator::collect).unwrap_or_default();
            // An answer in every case, and ahead of the wake-up that it is the reason of. It
            // fails if the dial has been given up; then nobody waits for it.
            drop(answer.send(found));
            drop(waker.wake());
        })?;
    Ok(resolved)
}

fn connect(address: SocketAddr, registry: &Registry, token: Token) -> io::Result<TcpStream> {
    let mut stream = TcpStream::connect(address)?;
    registry.register(&mut stream, token, Interest::READABLE | Interest::WRITABLE)?;
    Ok(stream)
}

/// Whether a connect under way has come to its end.
fn connected(stream: &TcpStream) -> io::Result<bool> {
    if let Some(error) = stream.take_error()? {
        return Err(error);
    }
    match stream.peer_addr() {
        Ok(_) => set_options(stream).map(|()| true),
        Err(error) if error.kind() == ErrorKind::NotConnected => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use mio::{Events, Poll};
    use std::net::TcpListener;
    use std::time::Duration;

    const TOKEN: Token = Token(1);

    fn dialed(host: &str, port: u16, tls: bool) -> Result<Socket, Fault> {
        let mut poll = Poll::new().unwrap();
        let waker = Arc::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let endpoint = Endpoint {
            host: host.into(),
            port,
            tls,
            path: "/".into(),
        };
        let mut dial = Dial::begin(&endpoint, &waker);
        finished(&mut dial, &mut poll)
    }

    fn finished(dial: &mut Dial, poll: &mut Poll) -> Result<Socket, Fault> {
        let mut events = Events::with_capacity(8);
        loop {
            if let Some(result) = dial.advance(poll.registry(), TOKEN) {
                return result;
            }
            poll.poll(&mut events, Some(Duration::from_secs(10)))
                .unwrap();
            assert!(!events.is_empty(), "the dial hangs");
        }
    }

    fn closed_port() -> u16 {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    }

    #[test]
    fn a_literal_and_a_name_both_connect() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        dialed("127.0.0.1", port, false).unwrap();
        dialed("localhost", port, false).unwrap();
    }

    #[test]
    fn a_dial_that_fails_says_why() {
        assert_eq!(
            dialed("127.0.0.1", closed_port(), false).unwrap_err(),
            Fault::Refused
        );
        assert_eq!(
            dialed("host.invalid", 80, false).unwrap_err(),
            Fault::Resolve
        );
        assert_eq!(dialed("127.0.0.1", 443, true).unwrap_err(), Fault::Tls);
    }

    #[test]
    fn an_address_that_refuses_is_followed_by_the_next() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let closed = SocketAddr::from(([127, 0, 0, 1], closed_port()));
        let addresses = vec![closed, listener.local_addr().unwrap(), closed];
        let mut dial = Dial::new(Step::Next, addresses, Fault::Resolve);
        finished(&mut dial, &mut Poll::new().unwrap()).unwrap();
        assert_eq!(
            dial.rest.len(),
            1,
            "nothing beyond the one that works is tried"
        );
    }
}
