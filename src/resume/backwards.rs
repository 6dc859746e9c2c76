//! Lines of a file, the last one first.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};

use memchr::memrchr;

use crate::lines::LINE_MAX;

/// Bytes that are read at a time.
const READ: usize = 1 << 20;

/// Reads a file from its end.
#[derive(Debug)]
pub(super) struct Backwards {
    file: File,
    /// Where in the file `kept` begins.
    start: u64,
    kept: Vec<u8>,
}

impl Backwards {
    /// From the end that the file has now.
    pub(super) fn new(mut file: File) -> io::Result<Self> {
        let start = file.seek(SeekFrom::End(0))?;
        Ok(Self {
            file,
            start,
            kept: Vec::new(),
        })
    }

    /// How many bytes stand before what has been read.
    pub(super) const fn left(&self) -> u64 {
        self.start
    }

    /// Takes the line before those that were taken, without its end; the one behind the last end
    /// of a line is empty, or was cut off. `None` at the beginning of the file, and where a line
    /// is longer than any of ours.
    pub(super) fn next(&mut self, line: &mut Vec<u8>) -> io::Result<Option<()>> {
        line.clear();
        loop {
            if let Some(end) = memrchr(b'\n', &self.kept) {
                line.extend(self.kept.drain(end..).skip(1));
                return Ok(Some(()));
            }
            if self.kept.len() > LINE_MAX {
                return Ok(None);
            }
            if self.start == 0 {
                std::mem::swap(line, &mut self.kept);
                return Ok((!line.is_empty()).then_some(()));
            }
            self.read()?;
        }
    }

    fn read(&mut self) -> io::Result<()> {
        let count = READ.min(usize::try_from(self.start).unwrap_or(READ));
        self.start -= count as u64;
        self.file.seek(SeekFrom::Start(self.start))?;
        let mut bytes = vec![0; count];
        self.file.read_exact(&mut bytes)?;
        bytes.append(&mut self.kept);
        self.kept = bytes;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn read(text: &[u8]) -> Vec<Vec<u8>> {
        let name = format!(
            "marketprism-backwards-{}-{}",
            std::process::id(),
            text.len()
        );
        let path = std::env::temp_dir().join(name);
        fs::write(&path, text).unwrap();
        let mut lines = Backwards::new(File::open(&path).unwrap()).unwrap();
        let (mut read, mut line) = (Vec::new(), Vec::new());
        while lines.next(&mut line).unwrap().is_some() {
            read.push(line.clone());
        }
        fs::remove_file(path).unwrap();
        read
    }

    #[test]
    fn lines_come_from_the_last_to_the_first() {
        assert_eq!(read(b"one\n\ntwo\nto"), [&b"to"[..], b"two", b"", b"one"]);
        assert_eq!(read(b"one\ntwo\n"), [&b""[..], b"two", b"one"]);
        assert_eq!(read(b"alone"), [b"alone"]);
        assert_eq!(read(b""), [b""; 0]);
    }

    #[test]
    fn lines_are_whole_wherever_a_read_begins() {
        let numbers = 0..400_000_u32;
        let text: String = numbers.clone().map(|n| format!("line {n}\n")).collect();
        assert!(text.len() > 4 * READ);
        let lines = read(text.as_bytes());
        let expected = numbers.rev().map(|n| format!("line {n}").into_bytes());
        assert!(lines[1..].iter().cloned().eq(expected));
    }

    #[test]
    fn a_line_that_is_none_of_ours_ends_it() {
        let mut text = vec![b'x'; LINE_MAX + 2 * READ];
        text.extend(b"\nlast\n");
        assert_eq!(read(&text), [&b""[..], b"last"]);
    }
}
