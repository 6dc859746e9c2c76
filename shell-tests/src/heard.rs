//! What a connection says, owned, and drivers of one.

use std::net::SocketAddr;
use std::time::Duration;

use marketprism_core::connection::{Cause, Config, Connection, Endpoint, Event, Retry, Status};
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_shell::Tls;

use crate::{Drive, Shell};

/// What a machine said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Heard {
    /// The connection is up.
    Open,
    /// It is down.
    Down(Cause),
    /// A text message.
    Text(String),
    /// A binary message of so many bytes.
    Binary(usize),
}

/// What this event is to the tests, if anything.
#[must_use]
pub fn heard(event: Event<'_>) -> Option<Heard> {
    match event {
        Event::Status(Status::Open { .. }) => Some(Heard::Open),
        Event::Status(Status::Down { cause, .. }) => Some(Heard::Down(cause)),
        Event::Status(_) => None,
        Event::Text(text) => Some(Heard::Text(text.into())),
        Event::Binary(bytes) => Some(Heard::Binary(bytes.len())),
    }
}

/// A text message that was heard.
#[must_use]
pub fn text(text: &str) -> Heard {
    Heard::Text(text.into())
}

/// Settings in which every deadline comes soon, but not so soon that a busy machine meets it.
#[must_use]
pub fn config(address: SocketAddr) -> Config {
    let mut config = Config::new(Endpoint {
        host: address.ip().to_string(),
        port: address.port(),
        tls: false,
        path: "/".into(),
    });
    config.connect = Duration::from_secs(5);
    config.upgrade = Duration::from_secs(1);
    config.close = Duration::from_secs(5);
    config.retry = Retry {
        initial: Duration::from_millis(2),
        cap: Duration::from_millis(5),
        ..config.retry
    };
    config
}

/// A connection with these settings.
///
/// # Panics
///
/// If they make no sense.
#[must_use]
pub fn connection(config: Config) -> Connection {
    Connection::new("test", config, [1; 32]).unwrap()
}

/// A driver of one connection.
#[must_use]
pub fn driver<S: Shell>(config: Config, tls: Tls) -> (S::Driver<Connection>, MachineId) {
    let mut fleet = Fleet::new();
    let id = fleet.add(connection(config), None);
    (Drive::new(fleet, tls), id)
}

/// The authorities that are compiled in.
///
/// # Panics
///
/// If there are none.
#[must_use]
pub fn webpki() -> Tls {
    Tls::webpki().unwrap()
}

/// Runs until something is heard that is to be the last, then stops in good order; everything
/// that was heard.
pub fn heard_until(driver: &mut impl Drive<Connection>, last: &Heard) -> Vec<Heard> {
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        let begin = all.len();
        driver.turn(&mut |_, event| all.extend(heard(event)));
        if all[begin..].contains(last) {
            driver.stop();
        }
    }
    all
}
