//! The client that the Autobahn suite puts to the test, over this shell.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

#[path = "../tests/it/shell.rs"]
mod shell;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    marketprism_shell_tests::autobahn::client::<shell::Tokio>()
}
