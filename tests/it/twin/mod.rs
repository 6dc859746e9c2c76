//! The exchange twin.

mod faults;
mod follower;
mod replies;
mod rules;
mod wire;
