//! The books that the decoded messages make.

use std::collections::{BTreeMap, VecDeque};
use std::fs;
use std::path::PathBuf;

use marketprism_core::book::{Limits, Rule, Sync, Verdict};
use marketprism_core::market::{Body, Channel, Event, Level, Market, Side};
use marketprism_core::venue::{Asked, Control, DecodeError, Decoded, Decoder, Query};

use crate::failure::Failure;
use crate::ndjson::{BookState, Origin, Place, write_book_state, write_book_top, write_market};

/// What is to be kept of books, as asked for on the command line.
#[derive(Clone, Debug)]
pub struct Keeping {
    /// Levels of each side to print.
    pub levels: usize,
    /// Instruments, and files with their snapshots, one a line, as they are answered over REST.
    pub snapshots: Vec<(String, PathBuf)>,
}

/// Every book of the stream.
pub(super) struct Books {
    levels: usize,
    kept: BTreeMap<Channel, BTreeMap<String, Sync>>,
    answers: BTreeMap<String, VecDeque<String>>,
    decoder: Decoder,
}

/// What is written meanwhile.
pub(super) struct Written<'a> {
    lines: &'a mut Vec<u8>,
    /// Market events among them.
    events: &'a mut u64,
    /// Snapshots that cannot be read.
    pub(super) bad: Vec<String>,
}

impl<'a> Written<'a> {
    pub(super) const fn new(lines: &'a mut Vec<u8>, events: &'a mut u64) -> Self {
        Self {
            lines,
            events,
            bad: Vec::new(),
        }
    }

    pub(super) fn event(&mut self, event: &Event<'_>) {
        *self.events += 1;
        let (origin, place) = (Origin::default(), Place::default());
        write_market(self.lines, origin, event, place, None);
    }
}

impl Books {
    pub(super) fn new(market: Market, keeping: &Keeping) -> Result<Self, Failure> {
        let mut answers = BTreeMap::<String, VecDeque<String>>::new();
        for (instrument, path) in &keeping.snapshots {
            let text = fs::read_to_string(path)
                .map_err(|error| Failure::read(&path.display().to_string(), error))?;
            let lines = text.lines().filter(|line| !line.trim().is_empty());
            let answers = answers.entry(instrument.clone()).or_default();
            answers.extend(lines.map(str::to_owned));
        }
        Ok(Self {
            levels: keeping.levels,
            kept: BTreeMap::new(),
            answers,
            decoder: Decoder::new(market),
        })
    }

    /// Takes an event whose line has been written.
    pub(super) fn event(&mut self, event: &Event<'_>, written: &mut Written<'_>) {
        let (Some(rule), Body::Book(_)) = (Rule::of(event.market, event.channel), event.body)
        else {
            return;
        };
        let books = self.kept.entry(event.channel).or_default();
        if !books.contains_key(event.instrument) {
            let sync = Sync::new(rule, Limits::DEFAULT);
            books.insert(event.instrument.to_owned(), sync);
        }
        let Some(sync) = books.get_mut(event.instrument) else {
            return;
        };
        apply(sync, event, self.levels, written.lines);
        let Some(answers) = self.answers.get_mut(event.instrument) else {
            return;
        };
        while sync.needs_snapshot()
            && let Some(text) = answers.pop_front()
        {
            let query = Query {
                asked: Asked::Book(event.channel),
                instrument: event.instrument,
            };
            answer(&mut self.decoder, query, &text, |snapshot| {
                written.event(snapshot);
                apply(sync, snapshot, self.levels, written.lines);
            })
            .unwrap_or_else(|error| written.bad.push(error));
        }
    }

    /// Takes a snapshot that stands among the messages. It names no instrument, so it is that of
    /// the only book there is.
    pub(super) fn snapshot(&mut self, text: &str, written: &mut Written<'_>) {
        let books = self.kept.iter_mut();
        let mut books = books.flat_map(|(channel, books)| {
            books
                .iter_mut()
                .map(|(instrument, sync)| (*channel, instrument, sync))
        });
        let (Some((channel, instrument, sync)), None) = (books.next(), books.next()) else {
            let error = "a snapshot that names no instrument, and not one book alone; \
                         --snapshot says whose it is";
            return written.bad.push(error.to_owned());
        };
        let query = Query {
            asked: Asked::Book(channel),
            instrument,
        };
        answer(&mut self.decoder, query, text, |snapshot| {
            written.event(snapshot);
            apply(sync, snapshot, self.levels, written.lines);
        })
        .unwrap_or_else(|error| written.bad.push(error));
    }
}

/// Reads an answer of REST.
fn answer(
    decoder: &mut Decoder,
    query: Query<'_>,
    text: &str,
    mut each: impl FnMut(&Event<'_>),
) -> Result<(), String> {
    let instrument = query.instrument;
    let bad = |error: &dyn std::fmt::Display| format!("the snapshot of {instrument}: {error}");
    match decoder.decode_answer(query, text) {
        Ok(Decoded::Events { count, .. }) => {
            let events = (0..count).filter_map(|index| decoder.event(text, index));
            events.for_each(|event| each(&event));
            Ok(())
        }
        Ok(Decoded::Control) => Err(match decoder.control(text) {
            Some(Control::Refused { message, .. }) => bad(&message),
            _ => bad(&"not a book"),
        }),
        Ok(Decoded::Unhandled | Decoded::Unknown) => Err(bad(&"not a book")),
        Err(error @ DecodeError { .. }) => Err(bad(&error)),
    }
}

/// Applies a message and writes what became of the book.
fn apply(sync: &mut Sync, event: &Event<'_>, levels: usize, out: &mut Vec<u8>) {
    let Body::Book(message) = event.body else {
        return;
    };
    let was = sync.status();
    let verdict = sync.apply(&message);
    let (is, last) = (sync.status(), sync.last());
    let state = match verdict {
        Verdict::Early | Verdict::Apart => return,
        Verdict::Known => Some(BookState::known(last)),
        Verdict::Refused(refusal) => Some(BookState::refused(refusal)),
        Verdict::Broken(broken) => Some(BookState::broken(broken)),
        Verdict::Synchronised => Some(BookState::of(is, last)),
        Verdict::Applied | Verdict::Restarted => (is != was).then(|| BookState::of(is, last)),
    };
    if let Some(state) = state {
        write_book_state(out, event, state);
    }
    if matches!(
        verdict,
        Verdict::Synchronised | Verdict::Applied | Verdict::Restarted
    ) {
        write_top(sync, event, levels, out);
    }
}

fn write_top(sync: &Sync, event: &Event<'_>, levels: usize, out: &mut Vec<u8>) {
    let Some(book) = sync.book() else {
        return;
    };
    let top = |side| -> Vec<Level> { book.levels(side).take(levels).copied().collect() };
    let (bids, asks) = (top(Side::Buy), top(Side::Sell));
    write_book_top(out, event, sync.last(), [&bids, &asks]);
}
