//! From a host name to a connected socket, without blocking the loop.

use std::io::{self, ErrorKind};
use std::net::{IpAddr, SocketAddr};

use marketprism_core::connection::{Endpoint, Fault};
use marketprism_core::fleet::MachineId;
use marketprism_shell::{Addresses, Dials, First, Tls, fault, set_options};
use mio::net::TcpStream;
use mio::{Interest, Registry, Token};

use crate::resolve::{Find, Lookup, Resolver};
use crate::secure::Secure;
use crate::stream::Socket;
use crate::wake::Bell;

/// Resolves by the system, connects by TCP, speaks TLS where the endpoint asks for it.
///
/// It has no deadline of its own: the core's ends a dial by dropping it.
#[derive(Debug)]
pub(crate) struct Dialer {
    dials: Dials,
    resolver: Resolver,
}

impl Dialer {
    /// A dialer that trusts `tls`, looks names up by `find`, and rings when one is found.
    pub(crate) const fn new(tls: Tls, find: Find, bell: Bell) -> Self {
        Self {
            dials: Dials::new(tls),
            resolver: Resolver::new(find, bell),
        }
    }

    /// Lets one machine trust something else.
    pub(crate) fn set_tls(&mut self, id: MachineId, tls: Tls) {
        self.dials.set_tls(id, tls);
    }

    /// Begins to dial for a machine; see [`Dial::advance`].
    pub(crate) fn dial(&mut self, id: MachineId, endpoint: &Endpoint) -> Dial {
        let (tls, first) = self.dials.next(id, endpoint);
        let (step, known) = match endpoint.host.parse::<IpAddr>() {
            Ok(address) => (Step::Next, vec![SocketAddr::new(address, endpoint.port)]),
            Err(_) => (self.resolve(endpoint), Vec::new()),
        };
        Dial {
            step,
            secure: tls.map(|tls| (tls, endpoint.host.clone())),
            addresses: Addresses::new(known, first.clone()),
            first,
            last: Fault::Resolve,
        }
    }

    fn resolve(&mut self, endpoint: &Endpoint) -> Step {
        match self.resolver.look_up(&endpoint.host, endpoint.port) {
            Ok(lookup) => Step::Resolving(lookup),
            Err(_) => Step::Failed,
        }
    }
}

/// A dial under way; dropping it closes whatever it holds.
///
/// Addresses are tried one after another, each socket closed before the next is opened; the
/// last one's fault stands for all.
#[derive(Debug)]
pub(crate) struct Dial {
    step: Step,
    /// How TLS is spoken, and with whom; `None` for plain TCP.
    secure: Option<(Tls, String)>,
    addresses: Addresses,
    first: First,
    last: Fault,
}

#[derive(Debug)]
enum Step {
    Resolving(Lookup),
    /// To go on with the next address.
    Next,
    Connecting(TcpStream),
    Connected(TcpStream),
    /// Beyond the connect no other address is tried: a server that accepted has counted an
    /// attempt, and the next one is the core's to allow.
    Securing(Box<Secure<TcpStream>>),
    /// Nothing is left to try.
    Failed,
}

/// What became of a step.
enum Outcome {
    /// The next one can be taken.
    Then(Step),
    /// It is to be taken again once there is news.
    Wait(Step),
    Done(Result<Socket, Fault>),
}

impl Dial {
    /// Goes as far as it goes without waiting: `None` while the dial is under way.
    pub(crate) fn advance(
        &mut self,
        registry: &Registry,
        token: Token,
    ) -> Option<Result<Socket, Fault>> {
        loop {
            let step = std::mem::replace(&mut self.step, Step::Failed);
            match self.take(step, registry, token) {
                Outcome::Then(step) => self.step = step,
                Outcome::Wait(step) => {
                    self.step = step;
                    return None;
                }
                Outcome::Done(result) => return Some(result),
            }
        }
    }

    fn take(&mut self, step: Step, registry: &Registry, token: Token) -> Outcome {
        match step {
            Step::Resolving(lookup) => self.resolved(lookup),
            Step::Next => match self.addresses.next() {
                Some(address) => self.attempted(connect(address, registry, token)),
                None => Outcome::Then(Step::Failed),
            },
            Step::Connecting(stream) => match connected(&stream) {
                Ok(true) => Outcome::Then(Step::Connected(stream)),
                Ok(false) => Outcome::Wait(Step::Connecting(stream)),
                Err(error) => self.attempted(Err(error)),
            },
            Step::Connected(stream) => self.connected(stream),
            Step::Securing(stream) => self.secured(stream),
            Step::Failed => Outcome::Done(Err(self.last)),
        }
    }

    fn resolved(&mut self, lookup: Lookup) -> Outcome {
        let Some(found) = lookup.answer() else {
            return Outcome::Wait(Step::Resolving(lookup));
        };
        self.addresses = Addresses::new(found, self.first.clone());
        Outcome::Then(Step::Next)
    }

    fn attempted(&mut self, result: io::Result<TcpStream>) -> Outcome {
        Outcome::Then(match result {
            Ok(stream) => Step::Connecting(stream),
            Err(error) => {
                self.last = fault(&error);
                Step::Next
            }
        })
    }

    fn connected(&self, stream: TcpStream) -> Outcome {
        match &self.secure {
            None => self.done(Socket::Plain(stream)),
            Some((tls, host)) => match Secure::new(stream, tls, host) {
                Ok(stream) => Outcome::Then(Step::Securing(Box::new(stream))),
                Err(fault) => Outcome::Done(Err(fault)),
            },
        }
    }

    fn secured(&self, mut stream: Box<Secure<TcpStream>>) -> Outcome {
        match stream.handshake() {
            Ok(true) => self.done(Socket::Tls(stream)),
            Ok(false) => Outcome::Wait(Step::Securing(stream)),
            Err(fault) => Outcome::Done(Err(fault)),
        }
    }

    fn done(&self, socket: Socket) -> Outcome {
        self.addresses.worked();
        Outcome::Done(Ok(socket))
    }
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
    use crate::resolve;
    use marketprism_core::connection::{Config, Connection};
    use marketprism_core::fleet::Fleet;
    use mio::{Events, Poll, Waker};
    use std::io::Read;
    use std::net::TcpListener;
    use std::time::Duration;

    /// An address of this machine where nobody listens.
    fn closed() -> SocketAddr {
        listening().1
    }

    fn listening() -> (TcpListener, SocketAddr) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        (listener, address)
    }

    /// The bell is what a resolver rings, for as long as there is one.
    fn begun(host: &str, port: u16, tls: bool) -> (Dial, Poll, Bell) {
        let poll = Poll::new().unwrap();
        let bell = Bell::new(Waker::new(poll.registry(), Token(0)).unwrap());
        let mut dialer = Dialer::new(Tls::webpki().unwrap(), resolve::system, bell.clone());
        let endpoint = Endpoint {
            host: host.into(),
            port,
            tls,
            path: "/".into(),
        };
        let mut fleet = Fleet::<Connection>::new();
        let config = Config::new(endpoint.clone());
        let id = fleet.add(Connection::new("test", config, [1; 32]).unwrap(), None);
        (dialer.dial(id, &endpoint), poll, bell)
    }

    fn to(addresses: impl Into<Vec<SocketAddr>>, first: &First) -> Dial {
        Dial {
            step: Step::Next,
            secure: None,
            addresses: Addresses::new(addresses.into(), first.clone()),
            first: first.clone(),
            last: Fault::Resolve,
        }
    }

    fn finished(dial: &mut Dial, poll: &mut Poll) -> Result<Socket, Fault> {
        let mut events = Events::with_capacity(8);
        loop {
            if let Some(result) = dial.advance(poll.registry(), Token(1)) {
                return result;
            }
            poll.poll(&mut events, Some(Duration::from_secs(20)))
                .unwrap();
            assert!(!events.is_empty(), "the dial hangs");
        }
    }

    fn dialed(host: &str, port: u16) -> Result<Socket, Fault> {
        let (mut dial, mut poll, _bell) = begun(host, port, false);
        finished(&mut dial, &mut poll)
    }

    #[test]
    fn a_literal_and_a_name_both_connect() {
        let (_listener, address) = listening();
        for host in ["127.0.0.1", "localhost"] {
            let Socket::Plain(stream) = dialed(host, address.port()).unwrap() else {
                unreachable!("nobody asked for TLS");
            };
            assert!(stream.nodelay().unwrap());
        }
    }

    #[test]
    fn a_dial_that_fails_says_why() {
        let refused = dialed("127.0.0.1", closed().port());
        assert_eq!(refused.unwrap_err(), Fault::Refused);
        let unknown = dialed("host.invalid", 80);
        assert_eq!(unknown.unwrap_err(), Fault::Resolve);
    }

    #[test]
    fn an_address_that_refuses_is_followed_by_the_next() {
        let (_listener, open) = listening();
        let mut poll = Poll::new().unwrap();
        let mut dial = to([closed(), open, open], &First::default());
        finished(&mut dial, &mut poll).unwrap();
        assert_eq!(dial.addresses.count(), 1, "nothing beyond it is tried");
    }

    #[test]
    fn the_last_fault_stands_for_all() {
        let mut poll = Poll::new().unwrap();
        let mut dial = to([closed(), closed()], &First::default());
        assert_eq!(finished(&mut dial, &mut poll).unwrap_err(), Fault::Refused);
        let mut none = to([], &First::default());
        assert_eq!(finished(&mut none, &mut poll).unwrap_err(), Fault::Resolve);
    }

    #[test]
    fn the_address_that_worked_is_tried_first_again_and_one_that_was_given_up_last() {
        let (_listener, open) = listening();
        let mut poll = Poll::new().unwrap();
        let first = First::default();
        let addresses = [closed(), open];
        finished(&mut to(addresses, &first), &mut poll).unwrap();
        assert_eq!(to(addresses, &first).addresses.next(), Some(open));
        assert_eq!(to(addresses, &first).addresses.next(), Some(addresses[0]));
    }

    #[test]
    fn dropping_a_dial_closes_its_socket() {
        let (listener, open) = listening();
        let (mut dial, mut poll, _bell) = begun("127.0.0.1", open.port(), true);
        let accepted = std::thread::spawn(move || listener.accept().unwrap());
        let mut events = Events::with_capacity(8);
        while !matches!(dial.step, Step::Securing(_)) {
            assert!(dial.advance(poll.registry(), Token(1)).is_none());
            poll.poll(&mut events, Some(Duration::from_millis(10)))
                .unwrap();
        }
        let (mut far, _) = accepted.join().unwrap();
        drop(dial);
        let mut hello = Vec::new();
        far.read_to_end(&mut hello).unwrap();
        assert!(!hello.is_empty());
    }
}
