//! `marketprism check`: what a configuration amounts to.

use std::fmt;
use std::io::{self, Write};
use std::path::Path;
use std::time::Duration;

use marketprism_core::connection::Quota;
use marketprism_core::lines::Line;
use marketprism_core::venue::{self, Allowance};

use crate::config::{Config, Planned, Polled, RestUrl, Sink, WebSocketUrl};
use crate::failure::Failure;
use crate::secret::Keys;

/// Prints the plan of a configuration.
///
/// # Errors
///
/// The configuration is refused, or standard output cannot be written.
pub fn run(file: &Path) -> Result<(), Failure> {
    let config = Config::read(file)?;
    let written = write!(io::stdout(), "{}", Plan(&config));
    written.map_err(|error| Failure::write("standard output", error))
}

/// The plan, for people.
struct Plan<'a>(&'a Config);

impl fmt::Display for Plan<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Config {
            sessions,
            polls,
            lists,
            unlisted: _,
            rest_connections,
            sink,
            runtime,
            keys,
        } = self.0;
        let streams: usize = sessions
            .iter()
            .map(|session| session.plan.streams.len())
            .sum();
        let (sessions_word, streams_word) = (plural(sessions.len()), plural(streams));
        writeln!(
            f,
            "{} session{sessions_word}, {streams} stream{streams_word}",
            sessions.len()
        )?;
        for session in sessions {
            write_session(f, session)?;
        }
        for polled in polls.iter().chain(lists) {
            write_polls(f, polled)?;
        }
        write_rest(f, *rest_connections)?;
        write_login(f, keys)?;
        write_sink(f, sink)?;
        writeln!(f, "\nruntime     {runtime}")
    }
}

const fn plural(count: usize) -> &'static str {
    if count == 1 { "" } else { "s" }
}

fn write_session(f: &mut fmt::Formatter<'_>, session: &Planned) -> fmt::Result {
    let Planned {
        plan,
        line,
        settings,
        limits,
        trust,
    } = session;
    let connection = &settings.connection;
    writeln!(f, "\n{}", plan.name)?;
    writeln!(f, "  url       {}", WebSocketUrl(&plan.endpoint))?;
    if *line == Line::B {
        writeln!(f, "  line      the second, merged with the first")?;
    }
    writeln!(f, "  rest      {}", RestUrl(&settings.rest))?;
    writeln!(f, "  trust     {trust}")?;
    writeln!(
        f,
        "  streams   {} of at most {}",
        plan.streams.len(),
        limits.streams
    )?;
    for stream in &plan.streams {
        writeln!(f, "            {stream}")?;
    }
    let (requests, bytes) = (Paced(Some(settings.requests)), settings.request_bytes);
    writeln!(f, "  requests  {requests}, each of at most {bytes} bytes")?;
    let (frames, reserve) = (Paced(connection.messages), connection.pong_reserve);
    writeln!(
        f,
        "  frames    {frames}, {reserve} of them kept for pongs and pings"
    )?;
    let dials = Paced(connection.dials);
    writeln!(
        f,
        "  dials     {dials}, shared by all sessions of {}",
        plan.market
    )?;
    write!(f, "  timers    ")?;
    for (index, (name, value)) in session.timers().enumerate() {
        let separator = if index == 0 { "" } else { ", " };
        write!(f, "{separator}{name} {}", Millis(value))?;
    }
    writeln!(f, " (ms)")
}

fn write_polls(f: &mut fmt::Formatter<'_>, polled: &Polled) -> fmt::Result {
    let Polled {
        plan,
        settings,
        trust,
    } = polled;
    writeln!(f, "\n{}", plan.name)?;
    writeln!(f, "  rest      {}", RestUrl(&settings.rest))?;
    writeln!(f, "  trust     {trust}")?;
    for stream in &plan.streams {
        writeln!(
            f,
            "            {stream}, {}",
            settings.turns(stream.channel)
        )?;
    }
    Ok(())
}

/// The connections of the REST interface, and what requests draw on.
fn write_rest(f: &mut fmt::Formatter<'_>, connections: usize) -> fmt::Result {
    writeln!(
        f,
        "\nrest\n  sockets   at most {connections}, opened when they are needed"
    )?;
    for allowance in Allowance::ALL {
        let venue::Quota { count, per } = allowance.quota();
        let (name, per) = (allowance.name(), per.as_millis());
        writeln!(f, "  weight    {name}: {count} in {per} ms, shared by all")?;
    }
    Ok(())
}

/// Whose keys there are, and not one of them.
fn write_login(f: &mut fmt::Formatter<'_>, keys: &Keys) -> fmt::Result {
    let venues = [
        ("okx", keys.okx.is_some()),
        ("binance", keys.binance.is_some()),
    ];
    if venues.iter().any(|(_, is_at_hand)| *is_at_hand) {
        writeln!(f, "\nlogin")?;
    }
    for (venue, _) in venues.iter().filter(|(_, is_at_hand)| *is_at_hand) {
        writeln!(f, "  {venue:<9} the keys are at hand")?;
    }
    Ok(())
}

fn write_sink(f: &mut fmt::Formatter<'_>, sink: &Sink) -> fmt::Result {
    let Sink {
        destination,
        limits,
    } = sink;
    writeln!(f, "\nsink")?;
    writeln!(f, "  to        {destination}")?;
    writeln!(f, "  buffer    {} bytes", limits.capacity)?;
    let block = limits.block.as_millis();
    writeln!(
        f,
        "  overflow  wait {block} ms for room, then drop and leave a gap line"
    )
}

/// A quota in words.
struct Paced(Option<Quota>);

impl fmt::Display for Paced {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Quota { count, per }) => write!(f, "{count} in {} ms", per.as_millis()),
            None => f.write_str("without limit"),
        }
    }
}

/// A timer's value in words.
struct Millis(Option<Duration>);

impl fmt::Display for Millis {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(value) => write!(f, "{}", value.as_millis()),
            None => f.write_str("off"),
        }
    }
}
