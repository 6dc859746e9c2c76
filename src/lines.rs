//! Lines of a stream, each bounded.

use std::io::{self, BufRead};

use memchr::memchr;

/// The longest line, its end not counted. The largest message of any venue has a tenth of it.
pub(crate) const LINE_MAX: usize = 4 << 20;

/// Reads lines into a buffer of its own.
#[derive(Debug)]
pub(crate) struct Lines<R> {
    input: R,
    line: Vec<u8>,
}

/// One line, without its end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Line<'a> {
    Whole(&'a [u8]),
    /// It has more than [`LINE_MAX`] bytes and was passed over.
    TooLong,
}

/// How far a line has been read.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Progress {
    Keeping,
    PassingOver,
}

impl<R: BufRead> Lines<R> {
    pub(crate) const fn new(input: R) -> Self {
        Self {
            input,
            line: Vec::new(),
        }
    }

    /// The next line, or `None` at the end. A last line needs no end.
    pub(crate) fn next(&mut self) -> io::Result<Option<Line<'_>>> {
        self.line.clear();
        let mut progress = Progress::Keeping;
        let mut begun = false;
        loop {
            let bytes = match self.input.fill_buf() {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(error),
            };
            if bytes.is_empty() {
                return Ok(begun.then(|| self.line(progress)));
            }
            begun = true;
            let end = memchr(b'\n', bytes);
            let part = bytes.get(..end.unwrap_or(bytes.len())).unwrap_or(bytes);
            if self.line.len() + part.len() > LINE_MAX {
                progress = Progress::PassingOver;
            }
            if progress == Progress::Keeping {
                self.line.extend_from_slice(part);
            }
            let used = part.len() + usize::from(end.is_some());
            self.input.consume(used);
            if end.is_some() {
                return Ok(Some(self.line(progress)));
            }
        }
    }

    fn line(&self, progress: Progress) -> Line<'_> {
        match progress {
            Progress::Keeping => Line::Whole(self.line.strip_suffix(b"\r").unwrap_or(&self.line)),
            Progress::PassingOver => Line::TooLong,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::BufReader;

    fn read(bytes: &[u8], capacity: usize) -> Vec<Option<Vec<u8>>> {
        let mut lines = Lines::new(BufReader::with_capacity(capacity, bytes));
        let mut read = Vec::new();
        while let Some(line) = lines.next().unwrap() {
            read.push(match line {
                Line::Whole(bytes) => Some(bytes.to_vec()),
                Line::TooLong => None,
            });
        }
        read
    }

    #[test]
    fn lines_are_the_same_however_they_are_read() {
        let text = b"one\n\ntwo\r\nthree \xff\nlast";
        let expected: Vec<_> = [&b"one"[..], b"", b"two", b"three \xff", b"last"]
            .map(|line| Some(line.to_vec()))
            .into();
        for capacity in 1..=text.len() + 1 {
            assert_eq!(read(text, capacity), expected, "{capacity}");
        }
        assert_eq!(read(b"", 4), []);
        assert_eq!(read(b"\n", 4), [Some(Vec::new())]);
    }

    #[test]
    fn a_line_too_long_is_passed_over_and_the_next_is_read() {
        let mut text = vec![b'x'; LINE_MAX];
        text.push(b'\n');
        text.extend(vec![b'y'; LINE_MAX + 1]);
        text.extend(b"\nz");
        let read = read(&text, 64 << 10);
        let lengths: Vec<_> = read
            .iter()
            .map(|line| line.as_ref().map(Vec::len))
            .collect();
        assert_eq!(lengths, [Some(LINE_MAX), None, Some(1)]);
    }
}
