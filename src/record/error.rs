//! Why a log cannot be replayed.

use std::fmt;
use std::io;

use marketprism_core::poller::PollError;
use marketprism_core::session::SettingsError;

use super::block::VERSION;
use super::wire::Flaw;

/// Why a log cannot be replayed, or not any further.
#[derive(Debug)]
#[non_exhaustive]
pub enum LogError {
    /// It cannot be read.
    Io(io::Error),
    /// It is no log at all.
    NoLog,
    /// It ends before it says what was recorded.
    Short,
    /// It is of another version of the format.
    Version(u16),
    /// A block is damaged, or was not made by a recorder.
    Damaged {
        /// Where the block begins, in bytes.
        offset: u64,
        /// What is wrong with it.
        flaw: Flaw,
    },
    /// A session cannot be made as it is described.
    Session(String, SettingsError),
    /// A poller cannot be made as it is described.
    Poller(String, PollError),
}

impl fmt::Display for LogError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(error) => write!(f, "it cannot be read: {error}"),
            Self::NoLog => f.write_str("it is no log of `marketprism record`"),
            Self::Short => f.write_str("it ends before it says what was recorded"),
            Self::Version(version) => write!(
                f,
                "it is of version {version} of the format; this program reads {VERSION}"
            ),
            Self::Damaged { offset, flaw } => {
                write!(f, "it is damaged: the block at byte {offset} {}", flaw.0)
            }
            Self::Session(name, error) => write!(
                f,
                "its session `{}` cannot be made: {error}",
                name.escape_debug()
            ),
            Self::Poller(name, error) => write!(
                f,
                "its poller `{}` cannot be made: {error}",
                name.escape_debug()
            ),
        }
    }
}

impl std::error::Error for LogError {}
