//! What a session has told, held against the ledger of the exchange that did it.

use std::collections::BTreeMap;

use marketprism::twin::{Disorder, Ledger, Omission};
use marketprism_core::connection::Status;
use marketprism_core::market::{self, Body, BookKind, Channel};
use marketprism_core::session::{Event, Heard};

/// An instrument and a channel.
type Stream = (String, Channel);

#[derive(Debug, Default)]
pub(super) struct Told {
    gaps: BTreeMap<Stream, Vec<(i64, i64)>>,
    /// Numbers of the updates that were marked as out of order.
    marks: BTreeMap<Stream, Vec<i64>>,
    /// The number that each stream has reached.
    reached: BTreeMap<Stream, i64>,
    /// The numbers that streams had reached when connections ended.
    ends: BTreeMap<Stream, Vec<i64>>,
    pub(super) undecoded: Vec<String>,
}

impl Told {
    pub(super) fn hear(&mut self, heard: &Heard<'_>) {
        match &heard.event {
            Event::Gap(gap) => {
                if let Some(missing) = gap.missing {
                    let stream = (gap.stream.instrument.clone(), gap.stream.channel);
                    let gaps = self.gaps.entry(stream).or_default();
                    gaps.push((missing.from, missing.to));
                }
            }
            Event::Undecoded(what) => self.undecoded.push(format!("{what:?}")),
            Event::OutOfOrder { event, .. } => {
                let marks = self.marks.entry(stream(event)).or_default();
                marks.extend(event.body.number());
            }
            Event::Market(event) => self.in_order(event),
            Event::Status(Status::Down { .. }) => {
                for (stream, reached) in &self.reached {
                    self.ends.entry(stream.clone()).or_default().push(*reached);
                }
            }
            Event::Backfilled(_)
            | Event::Filled { .. }
            | Event::Unfillable { .. }
            | Event::Status(_)
            | Event::Subscription { .. }
            | Event::Book { .. }
            | Event::Notice(_)
            | Event::Key(_) => {}
        }
    }

    /// What is not marked is new, or a whole book.
    fn in_order(&mut self, event: &market::Event<'_>) {
        let Some(number) = event.body.number() else {
            return;
        };
        let before = self.reached.insert(stream(event), number);
        let rises = before.is_none_or(|before| before < number || before == number && whole(event));
        let stream = (event.instrument, event.channel);
        assert!(rises, "unmarked behind {before:?}: {number} of {stream:?}");
    }

    fn knows_of(&self, omission: &Omission) -> bool {
        let gaps = self.gaps.get(&of(&omission.instrument, &omission.stream));
        let (first, last) = (omission.ids.first as i64, omission.ids.last as i64);
        gaps.into_iter()
            .flatten()
            .any(|(from, to)| *from <= first && last <= *to)
    }

    fn marked(&self, disorder: &Disorder) -> bool {
        let marks = self.marks.get(&of(&disorder.instrument, &disorder.stream));
        marks.is_some_and(|marks| marks.contains(&(disorder.ids.last as i64)))
    }

    /// Whether the connection ended before the update that was out of order came.
    fn missed(&self, disorder: &Disorder) -> bool {
        let ends = self.ends.get(&of(&disorder.instrument, &disorder.stream));
        let sent = disorder.since as i64..=disorder.reached as i64;
        ends.into_iter().flatten().any(|end| sent.contains(end))
    }
}

/// Holds everything that was told by the sessions of one exchange against its ledger.
pub(super) fn judge(told: &[&Told], ledger: &Ledger) {
    let followed = ledger.omissions().iter();
    for omission in followed.filter(|omission| omission.followed.is_some()) {
        let known = told.iter().any(|told| told.knows_of(omission));
        assert!(known, "{omission:?} {told:#?}");
    }
    for disorder in ledger.disorders() {
        let known = |told: &&Told| told.marked(disorder) || told.missed(disorder);
        assert!(told.iter().any(known), "{disorder:?} {told:#?}");
    }
    for (stream, marks) in told.iter().flat_map(|told| &told.marks) {
        for mark in marks {
            let was_sent = ledger.disorders().iter().any(|disorder| {
                let of = of(&disorder.instrument, &disorder.stream);
                of == *stream && disorder.ids.last as i64 == *mark
            });
            assert!(was_sent, "{stream:?} {mark}");
        }
    }
}

/// A stream by its name in the ledger.
fn of(instrument: &str, stream: &str) -> Stream {
    let binance = stream.split_once('@').map(|(_, channel)| channel);
    let okx = || stream.split_once(':').map(|(channel, _)| channel);
    let channel = binance.or_else(okx).unwrap();
    (instrument.to_owned(), channel.parse().unwrap())
}

fn stream(event: &market::Event<'_>) -> Stream {
    (event.instrument.to_owned(), event.channel)
}

fn whole(event: &market::Event<'_>) -> bool {
    matches!(event.body, Body::Book(book) if !matches!(book.kind, BookKind::Delta))
}
