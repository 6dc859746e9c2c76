//! Sessions that replay: a log of everything that went into a fleet, and the same fleet made to
//! live again from it, to the bit.
//!
//! A session has no clock and no source of randomness, so its settings, its seed and what it was
//! given make it do the same again, in any build and behind any shell. `docs/RECORDING.md`
//! describes the file.

mod block;
mod digest;
mod entry;
mod error;
mod fleet;
mod journal;
mod log;
mod outcome;
mod recorder;
mod wire;

pub use digest::Digest;
pub use error::LogError;
pub use fleet::{Fleet, Recorded, RecordedPoller};
pub use journal::Ending;
pub use log::{Difference, Log, Report, Step, Tail};
pub(crate) use recorder::{Recording, Running, Summary};
pub use wire::Flaw;
