//! Tests of the whole through its public doors.
#![cfg(test)]

mod twin;
