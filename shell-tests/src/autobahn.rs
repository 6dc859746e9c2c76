//! The client that the Autobahn suite puts to the test: `core::connection` driven by a shell.
//!
//! The suite's server is at `$AUTOBAHN_ADDR` and knows us as `$AUTOBAHN_AGENT`. It says how many
//! cases there are; in each, every message is echoed until the connection ends.

use std::error::Error;
use std::net::SocketAddr;

use marketprism_core::connection::{
    Action, Config, Connection, Endpoint, Epoch, Event, Input, Phase, SendError, Status, Timer,
};
use marketprism_core::fleet::Fleet;
use marketprism_core::ws::{Limits, deflate};
use marketprism_core::{Machine, ReceiveBuffer, Time, UnixNanos};

use crate::heard::webpki;
use crate::{Drive, Shell};

/// The suite sends messages of 16 MiB and messages in 65537 fragments; sound limits are lower.
const LIMITS: Limits = Limits {
    max_fragments: 1 << 17,
    ..Limits::DEFAULT
};

/// Room for what one read can bring when it is compressed a thousandfold.
const TRANSMIT: usize = 128 << 20;

/// Goes through every case.
///
/// # Errors
///
/// If the environment does not say where the suite is.
pub fn client<S: Shell>() -> Result<(), Box<dyn Error>> {
    let address: SocketAddr = std::env::var("AUTOBAHN_ADDR")?.parse()?;
    let agent = std::env::var("AUTOBAHN_AGENT")?;
    let mut count = 0;
    connected::<S, _>(connection(address, "/getCaseCount")?, |event| {
        if let Event::Text(text) = event {
            count = text.parse().unwrap_or(0);
        }
    });
    for case in 1..=count {
        let path = format!("/runCase?case={case}&agent={agent}");
        connected::<S, _>(Echo::new(connection(address, &path)?), |_| {});
    }
    let path = format!("/updateReports?agent={agent}");
    connected::<S, _>(connection(address, &path)?, |_| {});
    Ok(())
}

fn connection(address: SocketAddr, path: &str) -> Result<Connection, Box<dyn Error>> {
    let mut config = Config::new(Endpoint {
        host: address.ip().to_string(),
        port: address.port(),
        tls: false,
        path: path.into(),
    });
    config.limits = LIMITS;
    config.transmit = TRANSMIT;
    config.deflate = Some(deflate::Config::default());
    // A fixed seed: the keys of the masks are no secret here, and a run can be repeated.
    Ok(Connection::new(path, config, [7; 32])?)
}

/// Drives a machine through one connection.
fn connected<S, M>(machine: M, mut each: impl FnMut(Event<'_>))
where
    S: Shell,
    M: for<'a> Machine<Event<'a> = Event<'a>>,
{
    let mut fleet = Fleet::new();
    fleet.add(machine, None);
    let mut driver = S::Driver::<M>::new(fleet, webpki());
    driver.start();
    while !driver.stopped() {
        let mut down = false;
        driver.turn(&mut |_, event: Event<'_>| {
            down |= matches!(event, Event::Status(Status::Down { .. }));
            each(event);
        });
        if down {
            // One connection is enough: no second dial.
            driver.stop();
        }
    }
}

/// A connection that answers every message with itself, between one event and the next.
struct Echo {
    connection: Connection,
    text: String,
    binary: Vec<u8>,
}

/// What was found, once its message has been copied.
enum Heard {
    Status(Status),
    Text,
    Binary,
}

impl Echo {
    const fn new(connection: Connection) -> Self {
        Self {
            connection,
            text: String::new(),
            binary: Vec::new(),
        }
    }

    /// Takes the next event out of the buffer; a message is copied, because what sends it is
    /// what lends it.
    fn hear(&mut self, now: Time, rx: &mut ReceiveBuffer) -> Option<Heard> {
        Some(match self.connection.receive(now, rx).next()? {
            Event::Status(status) => Heard::Status(status),
            Event::Text(text) => {
                self.text.clear();
                self.text.push_str(text);
                Heard::Text
            }
            Event::Binary(bytes) => {
                self.binary.clear();
                self.binary.extend_from_slice(bytes);
                Heard::Binary
            }
        })
    }
}

impl Machine for Echo {
    type Event<'a> = Event<'a>;

    fn receive(
        &mut self,
        now: Time,
        _: UnixNanos,
        rx: &mut ReceiveBuffer,
        each: &mut impl FnMut(Event<'_>),
    ) {
        while let Some(heard) = self.hear(now, rx) {
            let sent = match heard {
                Heard::Status(status) => {
                    each(Event::Status(status));
                    continue;
                }
                Heard::Text => self.connection.send_text(now, &self.text),
                Heard::Binary => self.connection.send_binary(now, &self.binary),
            };
            match sent {
                // A connection that is closing is not answered any more.
                Ok(()) | Err(SendError::NotOpen) => {}
                Err(error) => eprintln!("{}: {error}", self.connection.name()),
            }
        }
    }

    fn handle(&mut self, now: Time, input: Input) {
        self.connection.handle(now, input);
    }

    fn drain_events(&mut self, received: UnixNanos, each: &mut impl FnMut(Event<'_>)) {
        self.connection.drain_events(received, each);
    }

    fn poll_action(&mut self) -> Option<Action> {
        self.connection.poll_action()
    }

    fn transmit(&self) -> &[u8] {
        self.connection.transmit()
    }

    fn transmitted(&mut self, now: Time, count: usize) {
        self.connection.transmitted(now, count);
    }

    fn poll_timeout(&self) -> Option<(Time, Timer)> {
        self.connection.poll_timeout()
    }

    fn phase(&self) -> Phase {
        self.connection.phase()
    }

    fn epoch(&self) -> Option<Epoch> {
        self.connection.epoch()
    }

    fn held_until(&self) -> Time {
        self.connection.held_until()
    }

    fn endpoint(&self) -> &Endpoint {
        self.connection.endpoint()
    }

    fn name(&self) -> &str {
        self.connection.name()
    }
}
