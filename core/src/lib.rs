//! The sans-IO core of MarketPrism: WebSocket, reconnecting client, exchange sessions, as pure
//! transitions from inputs to outputs.
//!
//! Nothing in this crate opens a socket, reads a clock, starts a thread or draws a random number
//! of its own: time is an argument ([`Time`]), randomness is a seed, bytes come in through a
//! [`ReceiveBuffer`] and go out through `transmit`. `no_std` makes the compiler the proof.
#![no_std]
#![forbid(unsafe_code)]
#![deny(missing_docs)]

extern crate alloc;
#[cfg(test)]
extern crate std;

pub mod agent;
pub mod book;
pub mod buffer;
pub mod connection;
pub mod fleet;
pub mod ledger;
pub mod lines;
pub mod machine;
pub mod market;
#[cfg(test)]
mod model;
pub mod plan;
pub mod poller;
pub mod rest;
pub mod session;
pub mod tap;
pub mod time;
pub mod venue;
pub mod ws;

pub use buffer::ReceiveBuffer;
pub use machine::Machine;
pub use time::{Time, UnixNanos};
