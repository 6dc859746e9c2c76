//! Tests of the whole through its public doors.

mod twin;
