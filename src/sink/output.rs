//! The ends of the line: standard output, or a file that only ever grows.

use std::fmt;
use std::fs::{File, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// Where the lines go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Destination {
    /// Standard output.
    Stdout,
    /// A file, appended to if it exists. Nothing that stands in it is ever overwritten.
    File(PathBuf),
}

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stdout => f.write_str("standard output"),
            Self::File(path) => write!(f, "{}", path.display()),
        }
    }
}

/// Why a destination cannot be written.
#[derive(Debug)]
pub enum OutputError {
    /// Another process writes to this file.
    Taken(PathBuf),
    /// The operating system refuses.
    Io(Destination, io::Error),
}

impl fmt::Display for OutputError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Taken(path) => {
                let path = path.display();
                write!(f, "cannot write to {path}: another process writes to it")
            }
            Self::Io(destination, error) => write!(f, "cannot write to {destination}: {error}"),
        }
    }
}

impl std::error::Error for OutputError {}

/// An open destination.
#[derive(Debug)]
pub enum Output {
    /// Standard output.
    Stdout(io::Stdout),
    /// A file, locked against other writers for as long as it is open.
    File(File),
}

impl Destination {
    /// Opens it for appending.
    ///
    /// If the last line of the file was cut off (power, a full disk), a new line is begun, so
    /// that a torn line never swallows a whole one.
    ///
    /// # Errors
    ///
    /// The file cannot be opened, or another process writes to it.
    pub fn open(&self) -> Result<Output, OutputError> {
        match self {
            Self::Stdout => Ok(Output::Stdout(io::stdout())),
            Self::File(path) => open_file(path).map(Output::File),
        }
    }
}

fn open_file(path: &Path) -> Result<File, OutputError> {
    let failed = |error| OutputError::Io(Destination::File(path.to_owned()), error);
    let mut options = File::options();
    let opened = options.read(true).append(true).create(true).open(path);
    let mut file = opened.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => return Err(OutputError::Taken(path.to_owned())),
        Err(TryLockError::Error(error)) => return Err(failed(error)),
    }
    end_last_line(&mut file).map_err(failed)?;
    Ok(file)
}

fn end_last_line(file: &mut File) -> io::Result<()> {
    let metadata = file.metadata()?;
    if !metadata.is_file() || metadata.len() == 0 {
        return Ok(());
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    if last == *b"\n" {
        Ok(())
    } else {
        file.write_all(b"\n")
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match self {
            Self::Stdout(stdout) => stdout.write(bytes),
            Self::File(file) => file.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match self {
            Self::Stdout(stdout) => stdout.flush(),
            Self::File(file) => file.flush(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn scratch(name: &str) -> PathBuf {
        let name = format!("marketprism-output-{}-{name}", std::process::id());
        std::env::temp_dir().join(name)
    }

    fn append(path: &Path, text: &str) {
        let destination = Destination::File(path.to_owned());
        destination
            .open()
            .unwrap()
            .write_all(text.as_bytes())
            .unwrap();
    }

    #[test]
    fn a_file_is_continued_and_a_torn_line_is_ended() {
        let path = scratch("continued");
        append(&path, "one\n");
        append(&path, "two\nto");
        append(&path, "three\n");
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\nto\nthree\n");
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn two_writers_of_one_file_are_refused() {
        let path = scratch("shared");
        let destination = Destination::File(path.clone());
        let first = destination.open().unwrap();
        assert!(matches!(destination.open(), Err(OutputError::Taken(_))));
        drop(first);
        assert!(destination.open().is_ok());
        fs::remove_file(path).unwrap();
    }

    #[test]
    fn what_cannot_be_opened_is_named() {
        let error = Destination::File("/nonexistent/x".into())
            .open()
            .unwrap_err();
        let sentence = error.to_string();
        assert!(
            sentence.starts_with("cannot write to /nonexistent/x: "),
            "{sentence}"
        );
    }
}
