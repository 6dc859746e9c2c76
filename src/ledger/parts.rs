//! Which files to read, and in which order.

use std::fs::{self, File};
use std::io::{self, BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::failure::Failure;
use crate::ndjson::EventLine;

/// Part of the name of every file that is read out of a folder, wherever a rotation has put its
/// own number or date.
const NAME: &str = ".ndjson";
/// A first line is looked for in so many bytes: the largest message of any venue has less.
const HEAD: u64 = 4 << 20;

/// The file itself; of a folder the files that have `.ndjson` in their names, in the order of
/// their first lines.
pub(super) fn of(place: &Path) -> Result<Vec<PathBuf>, Failure> {
    let name = place.display().to_string();
    let failed = |error: io::Error| Failure::read(&name, error);
    if !fs::metadata(place).map_err(failed)?.is_dir() {
        return Ok(vec![place.to_owned()]);
    }
    let mut parts = Vec::new();
    for entry in fs::read_dir(place).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_part = path
            .file_name()
            .is_some_and(|name| name.to_string_lossy().contains(NAME));
        if is_part && path.is_file() {
            parts.push((begin(&path)?, path));
        }
    }
    if parts.is_empty() {
        let sentence = format!("there is no file with `{NAME}` in its name in {name}");
        return Err(Failure::Io(sentence));
    }
    parts.sort();
    Ok(parts.into_iter().map(|(_, path)| path).collect())
}

/// When the first line of a file was received; `None` where it has none that tells.
fn begin(path: &Path) -> Result<Option<u64>, Failure> {
    let failed = |error| Failure::read(&path.display().to_string(), error);
    let file = File::open(path).map_err(failed)?;
    let mut lines = BufReader::new(file.take(HEAD));
    let mut line = Vec::new();
    while lines.read_until(b'\n', &mut line).map_err(failed)? > 0 {
        let read = EventLine::read(line.trim_ascii()).ok();
        if let Some(received) = read.and_then(|read| read.received()) {
            return Ok(Some(received.as_nanos()));
        }
        line.clear();
    }
    Ok(None)
}
