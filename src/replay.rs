//! `marketprism replay`: a log through the same core, to the same events and the same digest.

use std::fmt;
use std::fs::File;
use std::io::{self, BufReader, Read, Write};
use std::path::Path;

use crate::failure::Failure;
use crate::listing::Listing;
use crate::ndjson::Writer;
use crate::record::{Ending, Fleet, Log, LogError, Report, Step, Tail};

/// What is printed besides the digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Print {
    /// The events, as the live run printed them.
    Events,
    /// Nothing.
    Nothing,
}

/// Replays a log.
///
/// # Errors
///
/// It cannot be read, it is damaged, or what comes out is not what was recorded.
pub fn run(file: &Path, print: Print) -> Result<(), Failure> {
    let name = file.display().to_string();
    let input = File::open(file).map_err(|error| Failure::read(&name, error))?;
    let refused = |error: LogError| Failure::Replay(format!("{name} cannot be replayed: {error}"));
    let mut log = Log::open(BufReader::new(input)).map_err(refused)?;
    match print {
        Print::Events => play(&mut log, refused)?,
        Print::Nothing => while log.step(&mut |_, _| {}).map_err(refused)? == Step::More {},
    }
    judge(log.fleet(), &log.report())
}

/// Prints the events, block by block.
fn play(log: &mut Log<impl Read>, refused: impl Fn(LogError) -> Failure) -> Result<(), Failure> {
    let writers = writers(log.fleet());
    let mut listing = Listing::default();
    let mut lines = Vec::new();
    loop {
        lines.clear();
        let step = log.step(&mut |session, heard| {
            if let Some(writer) = writers.get(session) {
                listing.write(writer, &mut lines, heard);
            }
        });
        let written = io::stdout().write_all(&lines);
        written.map_err(|error| Failure::write("standard output", error))?;
        if step.map_err(&refused)? == Step::End {
            return Ok(());
        }
    }
}

fn writers(fleet: &Fleet) -> Vec<Writer> {
    let sessions = fleet.sessions.iter().map(|recorded| &recorded.plan);
    let sessions = sessions.map(|plan| (&plan.name, plan.market));
    let pollers = fleet.pollers.iter().map(|recorded| &recorded.plan);
    let pollers = pollers.map(|plan| (&plan.name, plan.market));
    let agents = sessions.chain(pollers);
    agents
        .map(|(name, market)| Writer::new(name.clone(), market, fleet.zero))
        .collect()
}

fn judge(fleet: &Fleet, report: &Report) -> Result<(), Failure> {
    tell(&Contents(fleet, report));
    match &report.tail {
        Tail::Ended(Ending::Complete) => {}
        Tail::Ended(ending) => tell(&format_args!(
            "the recording ended before its time: {ending}"
        )),
        Tail::Open => tell(&"the recording has no end: its recorder was killed"),
        Tail::Torn(cut) => tell(&format_args!(
            "the recording has no end: its recorder was killed, and its last {cut} bytes are cut \
             off; the digest is of what stands before them"
        )),
    }
    let digest = report.digest;
    match report.difference {
        None => {
            tell(&format_args!("digest {digest}, as it was recorded"));
            Ok(())
        }
        Some(difference) => Err(Failure::Replay(format!(
            "digest {digest}, not as it was recorded: what came out differs first in the block at \
             byte {}, by {}",
            difference.offset, difference.before
        ))),
    }
}

/// What a log holds, for people.
struct Contents<'a>(&'a Fleet, &'a Report);

impl fmt::Display for Contents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(fleet, report) = self;
        write!(
            f,
            "{} sessions by marketprism {} on {}: {} of their clock, {} entries, {} messages",
            fleet.sessions.len(),
            fleet.program.escape_debug(),
            fleet.runtime.escape_debug(),
            report.until,
            report.entries,
            report.messages
        )
    }
}

/// A word for people; standard output belongs to the events.
fn tell(message: &dyn fmt::Display) {
    // With standard error closed the exit code is all that is left to tell.
    let _told = writeln!(io::stderr(), "marketprism: {message}");
}
