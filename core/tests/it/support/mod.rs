//! What the suites share.

pub(crate) mod splits;
pub(crate) mod wire;
