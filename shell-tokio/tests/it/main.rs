//! The driver over scripted sockets, and over real ones as every shell.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod run;
mod script;
mod shell;
mod turns;

marketprism_shell_tests::suite!(crate::shell::Tokio);
