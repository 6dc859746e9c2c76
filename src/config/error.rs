//! What is wrong with a configuration file, in one sentence that names the place.

use std::fmt;
use std::path::{Path, PathBuf};

/// A place in a configuration file; both numbers count from 1, the column in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// What is wrong at a place of the file that is being read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Flaw {
    pub(super) place: Option<Place>,
    pub(super) message: String,
}

impl Flaw {
    pub(super) fn at(place: Place, message: impl Into<String>) -> Self {
        Self {
            place: Some(place),
            message: message.into(),
        }
    }

    pub(super) fn of_file(message: impl Into<String>) -> Self {
        Self {
            place: None,
            message: message.into(),
        }
    }

    pub(super) fn in_file(self, file: &Path) -> ConfigError {
        ConfigError {
            file: file.to_owned(),
            flaw: self,
        }
    }
}

/// A configuration that is refused. Displayed as `file:line:column: sentence`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigError {
    file: PathBuf,
    flaw: Flaw,
}

impl ConfigError {
    /// Where in the file, unless the file as a whole is at fault.
    #[must_use]
    pub const fn place(&self) -> Option<Place> {
        self.flaw.place
    }
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.file.display())?;
        if let Some(Place { line, column }) = self.flaw.place {
            write!(f, "{line}:{column}:")?;
        }
        write!(f, " {}", self.flaw.message)
    }
}

impl std::error::Error for ConfigError {}
