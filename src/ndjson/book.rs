//! Lines of books that are kept: what they are worth, and what is at their top.

use marketprism_core::book::{Break, Cause, Refusal, Status};
use marketprism_core::market::{Event, Level, Missing};
use marketprism_core::session;
use serde::Serialize;

use super::market::{Head, Levels};
use super::{Origin, Place};

/// What became of a book: a line of the kind `book_state`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct BookState {
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    cause: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    from: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    to: Option<i64>,
}

#[derive(Serialize)]
struct TopLine<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    last: Option<i64>,
    bids: Levels<'a>,
    asks: Levels<'a>,
}

impl From<session::BookState> for BookState {
    fn from(state: session::BookState) -> Self {
        match state {
            session::BookState::Waiting => Self::of(Status::Waiting, None),
            session::BookState::Synchronised { last } => Self::of(Status::Synchronised, last),
            session::BookState::Crossed { last } => Self::of(Status::Crossed, last),
            session::BookState::Refused(refusal) => Self::refused(refusal),
            session::BookState::Broken(broken) => Self::broken(broken),
        }
    }
}

impl BookState {
    /// A book of this worth, as of this number.
    pub(crate) const fn of(status: Status, last: Option<i64>) -> Self {
        let state = match status {
            Status::Waiting => "waiting",
            Status::Synchronised => "synchronised",
            Status::Crossed => "crossed",
        };
        Self::new(state, last, None, None)
    }

    /// The book is gone.
    pub(crate) fn broken(broken: Break) -> Self {
        let cause = Some(Cause::name(broken.cause));
        Self::new("broken", None, cause, broken.missing)
    }

    /// A snapshot could not be used.
    pub(crate) const fn refused(refusal: Refusal) -> Self {
        Self::new("refused", None, Some(refusal.name()), None)
    }

    /// A message said nothing that the book had not.
    pub(crate) const fn known(last: Option<i64>) -> Self {
        Self::new("known", last, None, None)
    }

    const fn new(
        state: &'static str,
        last: Option<i64>,
        cause: Option<&'static str>,
        missing: Option<Missing>,
    ) -> Self {
        let (from, to) = match missing {
            Some(Missing { from, to }) => (Some(from), Some(to)),
            None => (None, None),
        };
        Self {
            state,
            last,
            cause,
            from,
            to,
        }
    }
}

/// Appends what became of the event's book.
pub(crate) fn write_book_state(out: &mut Vec<u8>, event: &Event<'_>, state: BookState) {
    head(event).write(out, "book_state", state);
}

/// Appends the best levels of the event's book.
pub(crate) fn write_book_top(
    out: &mut Vec<u8>,
    event: &Event<'_>,
    last: Option<i64>,
    [bids, asks]: [&[Level]; 2],
) {
    let line = TopLine {
        last,
        bids: Levels(bids),
        asks: Levels(asks),
    };
    head(event).write(out, "book_top", line);
}

fn head<'a>(event: &'a Event<'a>) -> Head<'a> {
    Head {
        origin: Origin::default(),
        event,
        place: Place::default(),
        listed: None,
    }
}
