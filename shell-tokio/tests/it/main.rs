//! The driver over scripted sockets, over loopback, and against servers that others wrote.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod loopback;
mod others;
mod peer;
mod script;
mod secure;
mod turns;
