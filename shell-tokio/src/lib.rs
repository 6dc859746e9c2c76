//! Drives the sans-IO core over real sockets with tokio and rustls.
//!
//! The shell is thin on purpose: it reads and feeds, drains and writes, obeys actions, and
//! sleeps until the core's next deadline. Timeouts, retries, heartbeats and limits are the
//! core's. One [`Driver`] owns a whole fleet and polls it in one task.
//!
//! A handler borrows each event from the receive buffer:
//!
//! ```no_run
//! use marketprism_core::connection::{Config, Connection, Endpoint, Event};
//! use marketprism_core::fleet::Fleet;
//! use marketprism_tokio::{Driver, Tls};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::new(Endpoint {
//!     host: "stream.example".into(),
//!     port: 443,
//!     tls: true,
//!     path: "/".into(),
//! });
//! # let seed = [0; 32];
//! let mut fleet = Fleet::new();
//! fleet.add(Connection::new("example", config, seed)?, None);
//! let mut driver = Driver::new(fleet, Tls::webpki()?);
//! let listen = |_, event: Event<'_>| {
//!     if let Event::Text(text) = event {
//!         println!("{text}");
//!     }
//! };
//! driver.run(listen, tokio::signal::ctrl_c()).await;
//! # Ok(())
//! # }
//! ```
//!
//! [`Driver::events`] makes a [`Stream`](futures_core::Stream) of owned ones instead:
//!
//! ```
//! # use marketprism_core::connection::{Connection, OwnedEvent};
//! # use marketprism_tokio::Driver;
//! # fn example(driver: Driver<Connection>) {
//! let events = driver.events(|id, event| Some((id, OwnedEvent::from(event))));
//! # }
//! ```
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod dial;
mod events;
mod line;
mod stream;
mod turn;
mod wake;

pub use dial::{Dialer, Network};
pub use events::Events;
pub use marketprism_shell::{Alpn, Tls, TlsError};
pub use stream::{Secure, Socket};
pub use turn::Driver;
