//! The exchange twin.

mod faults;
mod follower;
mod nonsense;
mod peers;
mod replies;
mod rules;
mod session;
mod sockets;
mod wire;
