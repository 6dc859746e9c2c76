//! What the benches share: one traffic for everybody, the peers that frame it, and the best that a
//! user of serde would write to decode it.

pub mod books;
pub mod clock;
pub mod decoders;
pub mod models;
pub mod peers;
pub mod session;
pub mod traffic;
