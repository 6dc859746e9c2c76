//! The tests of the core from outside, in one binary.

mod connection_year;
mod session_plan;
mod sim;
