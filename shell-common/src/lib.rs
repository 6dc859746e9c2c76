//! What every shell of the sans-IO core needs and none should say twice: whom TLS trusts, what an
//! error of the system means to the core, the clock, socket options, which address of a host
//! comes first, who is asked for a signature, and who sends requests over REST.
//!
//! No socket of a machine is opened here and no loop waits; that is what the shells differ in. The
//! [`Fetcher`] has threads and connections of its own.
#![forbid(unsafe_code)]
#![deny(missing_docs)]

mod clock;
mod dials;
mod fault;
mod fetcher;
mod guard;
mod options;
mod signer;
mod tls;

pub use clock::Clock;
pub use dials::{Addresses, Dials, First};
pub use fault::{fault, tls_fault};
pub use fetcher::Fetcher;
pub use options::set_options;
pub use signer::Signer;
pub use tls::{Alpn, Tls, TlsError};
