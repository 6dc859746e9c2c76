//! Streams that two sessions bring, merged before they reach the sink.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use marketprism_core::UnixNanos;
use marketprism_core::connection::Status;
use marketprism_core::fleet::MachineId;
use marketprism_core::lines::{Arbiter, Arrival, Kind, Line, Merged, Standing};
use marketprism_core::market::{self, Body, BookKind, Channel, Listed};
use marketprism_core::session::{
    Disorder, Event, Gap, GapCause, Heard, Missing, Numbers, Stream, Unfillable,
};

use crate::config::Planned;
use crate::ndjson::Writer;

/// When nothing has been received yet.
const NEVER: UnixNanos = UnixNanos::from_nanos(0);

/// The arbiters of all streams that are collected over two lines.
#[derive(Debug)]
pub(crate) struct Merger {
    sessions: Vec<Session>,
    streams: Vec<Merging>,
}

/// What a session has to do with it.
#[derive(Debug)]
struct Session {
    name: String,
    line: Line,
    writer: Writer,
    /// Its merged streams, by what they are about.
    places: BTreeMap<String, Vec<(Channel, usize)>>,
}

/// One stream of two sessions.
#[derive(Debug)]
struct Merging {
    stream: Stream,
    /// The session of its first line, under whose name gaps are told.
    session: usize,
    arbiter: Arbiter<Vec<u8>>,
    /// When its last message was received.
    since: UnixNanos,
}

/// Whether an event has been dealt with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Yes; what came of it stands among the lines.
    Yes,
    /// It is written as ever.
    No,
}

impl Merger {
    /// `None` if every stream has one line alone.
    pub(crate) fn new(sessions: &[Planned], zero: UnixNanos) -> Option<Self> {
        let session = |planned: &Planned| Session {
            name: planned.plan.name.clone(),
            line: planned.line,
            writer: Writer::new(planned.plan.name.clone(), planned.plan.market, zero),
            places: BTreeMap::new(),
        };
        let mut merger = Self {
            sessions: sessions.iter().map(session).collect(),
            streams: Vec::new(),
        };
        for (second, planned) in sessions.iter().enumerate() {
            if planned.line == Line::B {
                merger.pair(sessions, second, planned);
            }
        }
        (!merger.streams.is_empty()).then_some(merger)
    }

    /// Finds the first line of each stream of a second one.
    fn pair(&mut self, sessions: &[Planned], second: usize, planned: &Planned) {
        let market = planned.plan.market;
        for stream in &planned.plan.streams {
            let first = sessions.iter().position(|other| {
                let same = other.line == Line::A && other.plan.market == market;
                same && other.plan.streams.contains(stream)
            });
            let arbiter = Arbiter::new(market, stream.channel);
            if let (Some(first), Ok(arbiter)) = (first, arbiter) {
                let place = self.streams.len();
                self.streams.push(Merging {
                    stream: stream.clone(),
                    session: first,
                    arbiter,
                    since: NEVER,
                });
                self.place(first, stream, place);
                self.place(second, stream, place);
            }
        }
    }

    fn place(&mut self, session: usize, stream: &Stream, place: usize) {
        if let Some(session) = self.sessions.get_mut(session) {
            let places = session.places.entry(stream.instrument.clone());
            places.or_default().push((stream.channel, place));
        }
    }

    /// Takes an event of a session, with what is known of its instrument, and adds the lines that
    /// come of it to `lines`.
    pub(crate) fn event(
        &mut self,
        id: MachineId,
        heard: &Heard<'_>,
        listed: Option<&Listed>,
        lines: &mut Vec<Vec<u8>>,
    ) -> Taken {
        let (event, how) = match &heard.event {
            Event::Market(event) => (event, How::Live),
            Event::Backfilled(event) => (event, How::Asked),
            Event::OutOfOrder {
                event, disorder, ..
            } => match disorder {
                Disorder::Reset => (event, How::Reset),
                Disorder::Duplicate | Disorder::Stale | Disorder::Overlap => (event, How::Live),
            },
            Event::Gap(gap) => return self.gap(id, heard, gap, lines),
            Event::Filled { stream, .. } => return self.filled(id, stream),
            Event::Unfillable {
                stream,
                missing,
                why,
            } => return self.unfillable(id, heard.received, (stream, *missing, *why), lines),
            Event::Status(Status::Down { .. }) => {
                self.down(id, heard.received, lines);
                return Taken::No;
            }
            Event::Status(_)
            | Event::Subscription { .. }
            | Event::Book { .. }
            | Event::Notice(_)
            | Event::Key(_)
            | Event::Undecoded(_) => return Taken::No,
        };
        self.market(id, (heard, listed), event, how, lines)
    }

    /// How the two lines of each first session stand to each other.
    pub(crate) fn standings(&self) -> Vec<Lead> {
        let firsts = self.sessions.iter().enumerate();
        let leads = firsts.filter(|(_, session)| session.line == Line::A);
        leads
            .filter_map(|(number, session)| {
                let mut streams = self.streams.iter().filter(|one| one.session == number);
                let mut standing = streams.next()?.arbiter.standing().clone();
                streams.for_each(|stream| standing.add(stream.arbiter.standing()));
                let session = session.name.clone();
                Some(Lead { session, standing })
            })
            .collect()
    }

    /// A hole of one line is none as long as the other fills it. Numbers that were used up are
    /// told in their place, and so is what neither line was there to hear.
    fn gap(
        &mut self,
        id: MachineId,
        heard: &Heard<'_>,
        gap: &Gap<'_>,
        lines: &mut Vec<Vec<u8>>,
    ) -> Taken {
        let Some(place) = self.find(id, gap.stream.channel, &gap.stream.instrument) else {
            return Taken::No;
        };
        match (gap.cause, gap.missing) {
            (GapCause::Spent, Some(spent)) => {
                let numbers = Numbers {
                    first: spent.from,
                    last: spent.to,
                    previous: None,
                };
                self.offer(id, place, (heard, None), numbers, Kind::Live, lines);
            }
            (GapCause::Restart, Some(missing)) => {
                if let Some(merging) = self.streams.get_mut(place) {
                    let (arbiter, mut tell) = merging.parts(&self.sessions, heard.received, lines);
                    tell.since = gap.since;
                    arbiter.missed(missing, gap.cause, &mut |merged| tell.tell(merged));
                }
            }
            (GapCause::Restart, None) => return self.first_word(place),
            (
                GapCause::Missing
                | GapCause::Connection
                | GapCause::Resubscription
                | GapCause::Spent,
                _,
            ) => {}
        }
        Taken::Yes
    }

    /// A restart of a stream without numbers is told by whichever line speaks first.
    fn first_word(&self, place: usize) -> Taken {
        match self.streams.get(place) {
            Some(merging) if merging.since != NEVER => Taken::Yes,
            Some(_) | None => Taken::No,
        }
    }

    /// What one line has filled is told when both lines together have.
    fn filled(&self, id: MachineId, stream: &Stream) -> Taken {
        match self.find(id, stream.channel, &stream.instrument) {
            Some(_) => Taken::Yes,
            None => Taken::No,
        }
    }

    fn unfillable(
        &mut self,
        id: MachineId,
        received: UnixNanos,
        (stream, missing, why): (&Stream, Missing, Unfillable),
        lines: &mut Vec<Vec<u8>>,
    ) -> Taken {
        let place = self.find(id, stream.channel, &stream.instrument);
        let Some(merging) = place.and_then(|place| self.streams.get_mut(place)) else {
            return Taken::No;
        };
        let (arbiter, mut tell) = merging.parts(&self.sessions, received, lines);
        arbiter.unfillable(missing, why, &mut |merged| tell.tell(merged));
        Taken::Yes
    }

    fn market(
        &mut self,
        id: MachineId,
        (heard, listed): (&Heard<'_>, Option<&Listed>),
        event: &market::Event<'_>,
        how: How,
        lines: &mut Vec<Vec<u8>>,
    ) -> Taken {
        if matches!(event.body, Body::Book(book) if book.kind.is_asked_for(event.channel)) {
            return Taken::No;
        }
        let place = self.find(id, event.channel, event.subject);
        let (Some(place), Some(numbers)) = (place, Numbers::of(event)) else {
            return Taken::No;
        };
        self.offer(id, place, (heard, listed), numbers, kind(event, how), lines);
        Taken::Yes
    }

    /// Puts what a line has brought before the arbiter of its stream.
    fn offer(
        &mut self,
        id: MachineId,
        place: usize,
        (heard, listed): (&Heard<'_>, Option<&Listed>),
        numbers: Numbers,
        kind: Kind,
        lines: &mut Vec<Vec<u8>>,
    ) {
        let session = self.sessions.get(id.index());
        let (Some(session), Some(merging)) = (session, self.streams.get_mut(place)) else {
            return;
        };
        let arrival = Arrival {
            line: session.line,
            numbers,
            kind,
            weight: weight(&heard.event),
            received: heard.received,
        };
        let payload = || {
            let mut line = Vec::new();
            let writer = &session.writer;
            writer.event(&mut line, heard.received, &heard.event, listed);
            line
        };
        {
            let (arbiter, mut tell) = merging.parts(&self.sessions, heard.received, lines);
            arbiter.offer(arrival, payload, &mut |merged| tell.tell(merged));
        }
        if kind != Kind::Backfill {
            merging.since = heard.received;
        }
    }

    fn down(&mut self, id: MachineId, received: UnixNanos, lines: &mut Vec<Vec<u8>>) {
        let Some(session) = self.sessions.get(id.index()) else {
            return;
        };
        let places = session.places.values().flatten();
        let places: Vec<_> = places.map(|(_, place)| *place).collect();
        let line = session.line;
        for place in places {
            if let Some(merging) = self.streams.get_mut(place) {
                let (arbiter, mut tell) = merging.parts(&self.sessions, received, lines);
                arbiter.down(line, &mut |merged| tell.tell(merged));
            }
        }
    }

    fn find(&self, id: MachineId, channel: Channel, subject: &str) -> Option<usize> {
        let places = self.sessions.get(id.index())?.places.get(subject)?;
        let place = places.iter().find(|(of, _)| *of == channel);
        place.map(|(_, place)| *place)
    }
}

/// Where lines go, and what is needed to write a gap.
struct Tell<'a> {
    stream: &'a Stream,
    writer: Option<&'a Writer>,
    since: UnixNanos,
    received: UnixNanos,
    lines: &'a mut Vec<Vec<u8>>,
}

impl Merging {
    /// The arbiter, and where what it says goes.
    fn parts<'a>(
        &'a mut self,
        sessions: &'a [Session],
        received: UnixNanos,
        lines: &'a mut Vec<Vec<u8>>,
    ) -> (&'a mut Arbiter<Vec<u8>>, Tell<'a>) {
        let tell = Tell {
            stream: &self.stream,
            writer: sessions.get(self.session).map(|session| &session.writer),
            since: self.since,
            received,
            lines,
        };
        (&mut self.arbiter, tell)
    }
}

impl Tell<'_> {
    fn tell(&mut self, merged: Merged<Vec<u8>>) {
        let stream = self.stream;
        let event = match merged {
            Merged::Message(_, line) => return self.lines.push(line),
            Merged::Gap(missing, cause) => Event::Gap(Gap {
                stream,
                missing,
                cause,
                since: self.since,
            }),
            Merged::Filled(missing) => Event::Filled { stream, missing },
            Merged::Unfillable(missing, why) => Event::Unfillable {
                stream,
                missing,
                why,
            },
        };
        if let Some(writer) = self.writer {
            let mut line = Vec::new();
            writer.event(&mut line, self.received, &event, None);
            self.lines.push(line);
        }
    }
}

/// How a line has come to a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum How {
    Live,
    Reset,
    Asked,
}

/// What an event weighs where it has to wait.
fn weight(event: &Event<'_>) -> usize {
    let (Event::Market(event) | Event::OutOfOrder { event, .. }) = event else {
        return 1;
    };
    let Body::Book(book) = event.body else {
        return 1;
    };
    1 + book.bids.len() + book.asks.len()
}

fn kind(event: &market::Event<'_>, how: How) -> Kind {
    let snapshot =
        matches!(event.body, Body::Book(book) if matches!(book.kind, BookKind::Snapshot));
    match (snapshot, how) {
        (_, How::Asked) => Kind::Backfill,
        (true, _) => Kind::Snapshot,
        (false, How::Reset) => Kind::Reset,
        (false, How::Live) => Kind::Live,
    }
}

/// How two lines stood to each other, in words.
#[derive(Debug)]
pub(crate) struct Lead {
    session: String,
    standing: Standing,
}

impl fmt::Display for Lead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:", self.session)?;
        for line in Line::ALL {
            let lead = self.standing.of(line);
            let ahead = lead.median().unwrap_or(Duration::ZERO);
            write!(
                f,
                " line {} was first with {} messages, {} of which the other brought too (median lead {ahead:?});",
                line.name(),
                lead.first,
                lead.repeated,
            )?;
        }
        Ok(())
    }
}
