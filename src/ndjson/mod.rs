//! Events to NDJSON lines. The structures below this module are the format: `docs/EVENTS.md`
//! describes each field, and a field, once named, keeps its name and its meaning.

mod account;
mod book;
mod figures;
mod market;
mod notice;
mod read;
mod session;
mod worth;

use std::fmt;

use serde::{Serialize, Serializer};

pub(crate) use book::{BookState, write_book_state, write_book_top};
pub(crate) use market::{Place, write_market};
pub(crate) use read::{EventLine, Unread};
pub(crate) use session::{Overflow, Writer};

/// Appends one line to `out`.
pub(crate) fn write_line(out: &mut Vec<u8>, line: &impl Serialize) {
    let start = out.len();
    // Writing to memory cannot fail; should it ever, a line is whole or it is not there.
    match serde_json::to_writer(&mut *out, line) {
        Ok(()) => out.push(b'\n'),
        Err(_) => out.truncate(start),
    }
}

/// Where and when something was received; empty for what is decoded from a file.
#[derive(Clone, Copy, Debug, Default, Serialize)]
pub(crate) struct Origin<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) session: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) received_ns: Option<u64>,
}

/// A value written as the text that it displays: decimals above all, which no JSON number holds
/// without the danger that a reader turns it into a float.
#[derive(Clone, Copy)]
pub(crate) struct Text<T>(pub(crate) T);

impl<T: fmt::Display> Serialize for Text<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}
