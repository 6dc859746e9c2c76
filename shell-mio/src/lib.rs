//! Drives the sans-IO core over real sockets with mio: one thread, no runtime.
//!
//! The same files in the same order as the tokio shell, and the same division of labour: it
//! reads and feeds, drains and writes, obeys actions, and sleeps until the core's next
//! deadline. [`Driver`] speaks plain TCP; a dial that asks for TLS fails with `Fault::Tls`.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod dial;
mod line;
mod stream;
mod turn;

pub use turn::{Driver, Stopper};
