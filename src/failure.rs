//! Why a command failed, and the exit code that says so.

use std::fmt;
use std::io;

use marketprism_core::poller::PollError;
use marketprism_core::session::SettingsError;

use crate::config::ConfigError;
use crate::sink::OutputError;

/// Why a command did not do what was asked.
#[derive(Debug)]
pub enum Failure {
    /// The arguments make no sense.
    Arguments(String),
    /// The configuration is refused.
    Config(ConfigError),
    /// The venue has no such instruments as are to be collected; the sentence says which.
    Instruments(String),
    /// Something cannot be read, written or opened; the sentence says what and why.
    Io(String),
    /// The events cannot be written.
    Output(OutputError),
    /// A recording cannot be replayed, or not as it was recorded; the sentence says why.
    Replay(String),
    /// It ran, and what it saw is not as it should be.
    Verdict,
    /// In what was collected something is missing, and nothing tells why: so many gaps.
    Unexplained(usize),
}

impl Failure {
    pub(crate) fn read(what: &str, error: io::Error) -> Self {
        Self::Io(format!("cannot read {what}: {error}"))
    }

    pub(crate) fn write(what: &str, error: io::Error) -> Self {
        Self::Io(format!("cannot write to {what}: {error}"))
    }

    /// The process's exit code: 2 for what the user should correct, 1 for everything else.
    #[must_use]
    pub const fn exit_code(&self) -> u8 {
        match self {
            Self::Arguments(_) | Self::Config(_) | Self::Instruments(_) => 2,
            Self::Io(_) | Self::Output(_) | Self::Replay(_) => 1,
            Self::Verdict | Self::Unexplained(_) => 1,
        }
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Arguments(sentence)
            | Self::Instruments(sentence)
            | Self::Io(sentence)
            | Self::Replay(sentence) => f.write_str(sentence),
            Self::Config(error) => error.fmt(f),
            Self::Output(error) => error.fmt(f),
            Self::Verdict => f.write_str("the verdict is no"),
            Self::Unexplained(1) => f.write_str("something is missing and nothing tells why"),
            Self::Unexplained(count) => {
                write!(
                    f,
                    "in {count} places something is missing and nothing tells why"
                )
            }
        }
    }
}

impl std::error::Error for Failure {}

impl From<ConfigError> for Failure {
    fn from(error: ConfigError) -> Self {
        Self::Config(error)
    }
}

impl From<PollError> for Failure {
    fn from(error: PollError) -> Self {
        Self::Io(format!("a poller cannot be made: {error}"))
    }
}

impl From<OutputError> for Failure {
    fn from(error: OutputError) -> Self {
        Self::Output(error)
    }
}

impl From<SettingsError> for Failure {
    fn from(error: SettingsError) -> Self {
        Self::Arguments(error.to_string())
    }
}
