//! The tests of the core from outside, in one binary.

mod session_plan;
