//! Where events end up: a bounded hand-over to a writer thread, and the files it writes.

mod handover;
mod output;

pub use handover::{Closing, Handover, Limits, Offer, Written};
pub use output::{Destination, Output, OutputError};
