//! Drives the sans-IO core over real sockets with tokio and rustls.
//!
//! The shell is thin on purpose: it reads and feeds, drains and writes, obeys actions, and
//! sleeps until the core's next deadline. Timeouts, retries, heartbeats and limits are the
//! core's. One [`Driver`] owns a whole fleet and polls it in one task; see there.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod clock;
mod dial;
mod events;
mod line;
mod stream;
mod tls;
mod turn;
mod wake;

pub use dial::{Dialer, Network};
pub use events::Events;
pub use stream::Socket;
pub use tls::{Alpn, Tls, TlsError};
pub use turn::Driver;
