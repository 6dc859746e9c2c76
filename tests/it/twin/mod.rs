//! The exchange twin.

mod faults;
mod follower;
mod peers;
mod replies;
mod rules;
mod sockets;
mod wire;
