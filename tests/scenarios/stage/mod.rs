//! The stages: virtual time over a network in memory, and both shells over real sockets.

pub(crate) mod client;
pub(crate) mod memory;
pub(crate) mod shell;
pub(crate) mod sockets;
