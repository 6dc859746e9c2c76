//! Drives the sans-IO core over real sockets with mio: one thread, no runtime.
//!
//! The same files in the same order as the tokio shell, and the same division of labour: it
//! reads and feeds, drains and writes, obeys actions, and sleeps until the core's next
//! deadline. Where a handler has to be fast, this is the shorter way: it is called in the thread
//! that has just read the bytes, and borrows each event from the receive buffer.
//!
//! ```no_run
//! use marketprism_core::connection::{Config, Connection, Endpoint, Event};
//! use marketprism_core::fleet::Fleet;
//! use marketprism_mio::{Driver, Tls};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let config = Config::new(Endpoint {
//!     host: "stream.example".into(),
//!     port: 443,
//!     tls: true,
//!     path: "/".into(),
//! });
//! # let seed = [0; 32];
//! let mut fleet = Fleet::new();
//! fleet.add(Connection::new("example", config, seed)?, None);
//! let mut driver = Driver::new(fleet, Tls::webpki()?)?;
//! let stopper = driver.stopper(); // `stop()` ends the run in good order, from any thread
//! driver.run(|_, event| {
//!     if let Event::Text(text) = event {
//!         println!("{text}");
//!     }
//! })?;
//! # drop(stopper);
//! # Ok(())
//! # }
//! ```
//!
//! Whoever has a loop of his own calls [`Driver::turn`] in it, and lets other threads end its
//! wait by a [`Bell`].
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod dial;
mod line;
mod resolve;
mod secure;
mod stream;
mod turn;
mod wake;

pub use marketprism_shell::{Alpn, Tls, TlsError};
pub use turn::Driver;
pub use wake::{Bell, Stopper};
