//! The exchange twin.

mod answers;
mod broken;
mod decoded;
mod disorder;
mod faults;
mod figures;
mod follower;
mod nonsense;
mod peers;
mod place;
mod recovery;
mod replies;
mod rest;
mod rules;
mod session;
mod sockets;
mod tls;
mod told;
mod wire;
