//! The driver over real sockets, as every shell.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod run;
mod shell;

marketprism_shell_tests::suite!(crate::shell::Mio);
