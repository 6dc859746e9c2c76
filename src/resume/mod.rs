//! Where each stream stood when the last process stopped to listen: read from the end of the file
//! that it wrote, so that the next one can tell what was missed in between.

mod backwards;

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io;
use std::path::Path;

use marketprism_core::UnixNanos;
use marketprism_core::ledger::Standing;
use marketprism_core::market::{Channel, Market};
use marketprism_core::session::{Disorder, Reached, Stream};

use crate::config::Planned;
use crate::failure::Failure;
use crate::ndjson::EventLine;
use backwards::Backwards;

/// So much is read at the most. Of a stream that has not spoken since it is only known that it
/// may have missed something.
const FAR_ENOUGH: u64 = 256 << 20;

/// How much is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Known {
    /// Streams that go on.
    pub(crate) streams: usize,
}

impl fmt::Display for Known {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.streams {
            1 => f.write_str("1 stream goes on"),
            count => write!(f, "{count} streams go on"),
        }
    }
}

/// Tells the sessions where their streams stood at the end of a file; a file that does not exist
/// tells nothing, and neither does what is no regular file.
///
/// # Errors
///
/// The file cannot be read.
pub(crate) fn find(path: &Path, sessions: &mut [Planned]) -> Result<Known, Failure> {
    let failed = |error: io::Error| Failure::read(&path.display().to_string(), error);
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Known { streams: 0 }),
        Err(error) => return Err(failed(error)),
    };
    if !file.metadata().map_err(failed)?.is_file() {
        return Ok(Known { streams: 0 });
    }
    let mut search = Search::of(sessions);
    search.read(file, FAR_ENOUGH).map_err(failed)?;
    Ok(search.tell(sessions))
}

/// Streams whose last place is looked for.
struct Search {
    places: BTreeMap<(Market, Stream), Option<Reached>>,
    missing: usize,
    /// When the earliest line that was read was received.
    earliest: Option<UnixNanos>,
    /// Whether the file goes on before what was read.
    rest: Rest,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rest {
    Read,
    Unread,
}

impl Search {
    fn of(sessions: &[Planned]) -> Self {
        let streams = sessions.iter().flat_map(|session| {
            let market = session.plan.market;
            session
                .plan
                .streams
                .iter()
                .map(move |stream| ((market, stream.clone()), None))
        });
        let places: BTreeMap<_, _> = streams.collect();
        Self {
            missing: places.len(),
            places,
            earliest: None,
            rest: Rest::Read,
        }
    }

    fn read(&mut self, file: File, most: u64) -> io::Result<()> {
        let mut lines = Backwards::new(file)?;
        let (end, mut line) = (lines.left(), Vec::new());
        while self.missing > 0 && end - lines.left() <= most {
            if lines.next(&mut line)?.is_none() {
                break;
            }
            // What was cut off says nothing.
            if let Ok(line) = EventLine::read(&line) {
                self.earliest = line.received().or(self.earliest);
                self.note(&line);
            }
        }
        self.rest = match lines.left() {
            0 => Rest::Read,
            _ => Rest::Unread,
        };
        Ok(())
    }

    fn note(&mut self, line: &EventLine<'_>) -> Option<()> {
        let (market, channel) = (line.market.parse().ok()?, line.channel.parse().ok()?);
        let last = last_number(line, channel)?;
        let stream = Stream {
            instrument: line.subject(channel).to_owned(),
            channel,
        };
        let place = self.places.get_mut(&(market, stream.clone()))?;
        if place.is_none() {
            self.missing -= 1;
            *place = Some(Reached {
                stream,
                last,
                exchange_time: line.exchange_time(),
                heard: line.received()?,
            });
        }
        Some(())
    }

    /// A stream that was not found may stand where nobody has looked.
    fn tell(self, sessions: &mut [Planned]) -> Known {
        let mut known = Known { streams: 0 };
        for session in sessions {
            for stream in &session.plan.streams {
                let place = self.places.get(&(session.plan.market, stream.clone()));
                let unknown = || match (self.rest, self.earliest) {
                    (Rest::Unread, Some(heard)) => Some(Reached {
                        stream: stream.clone(),
                        last: None,
                        exchange_time: None,
                        heard,
                    }),
                    (Rest::Read, _) | (_, None) => None,
                };
                let reached = place.cloned().flatten().or_else(unknown);
                known.streams += usize::from(reached.is_some());
                session.settings.reached.extend(reached);
            }
        }
        known
    }
}

/// The number up to which a stream is known behind this line, if it has numbers; `None` where the
/// line does not tell.
fn last_number(line: &EventLine<'_>, channel: Channel) -> Option<Option<i64>> {
    if line.kind == "gap" {
        return Some(Some(line.missing()?.to));
    }
    if line.is_of_session() || line.is_asked_for(channel) {
        return None;
    }
    match line.standing()? {
        Standing::InOrder | Standing::OutOfOrder(Disorder::Overlap | Disorder::Reset) => {
            Some(line.numbers(channel).map(|numbers| numbers.last))
        }
        Standing::OutOfOrder(Disorder::Duplicate | Disorder::Stale) | Standing::Backfilled => None,
    }
}
