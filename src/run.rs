//! `marketprism run` and `record`: collect until they are told to stop.

use std::io::{self, Write};
use std::path::Path;

use marketprism_core::Machine;
use marketprism_core::agent::Agent;
use marketprism_core::connection::Phase;
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::session::Heard;

use crate::collector::{self, Collector, random_seed};
use crate::config::{Config, Planned, Polled};
use crate::failure::Failure;
use crate::listing::Strictness;
use crate::record::{Recording, Running, Summary};
use crate::resume;
use crate::shell::{Bell, Crew, Listener, Order, Shell};
use crate::signal::Signals;
use crate::signer::signer;
use crate::sink::{Destination, Written};

/// Collects what a configuration names.
///
/// # Errors
///
/// The configuration is refused, the sink fails, or a second signal cuts the end short.
pub fn run(file: &Path) -> Result<(), Failure> {
    let mut config = Config::read(file)?;
    go_on(&mut config)?;
    let session = |planned: &Planned, seed| planned.session(seed).map(Agent::from);
    let mut crew = collector::crew(&config.sessions, random_seed, session)?;
    let poller = |polled: &Polled, seed| polled.poller(seed).map(Agent::from);
    collector::join(&mut crew, &config.polls, random_seed, poller)?;
    crew.first = collector::join(&mut crew, &config.lists, random_seed, poller)?;
    collect(config, crew, None)
}

/// The same, and records all that the sessions are given in a log beside.
///
/// # Errors
///
/// As [`run`]; or the log cannot be made, or was not written to its end.
pub fn record(file: &Path, log: &Path) -> Result<(), Failure> {
    let mut config = Config::read(file)?;
    go_on(&mut config)?;
    let mut recording = Recording::open(log)?;
    let mut crew = collector::crew(&config.sessions, random_seed, |planned, seed| {
        recording.session(planned, seed)
    })?;
    let mut poller = |polled: &Polled, seed| recording.poller(polled, seed);
    collector::join(&mut crew, &config.polls, random_seed, &mut poller)?;
    crew.first = collector::join(&mut crew, &config.lists, random_seed, &mut poller)?;
    collect(config, crew, Some(recording))
}

/// Lets the sessions go on where the sink's file ends, so that they tell what was missed since.
fn go_on(config: &mut Config) -> Result<(), Failure> {
    let Destination::File(path) = &config.sink.destination else {
        return Ok(());
    };
    let known = resume::find(path, &mut config.sessions)?;
    if known.streams > 0 {
        let path = path.display();
        tell(&format_args!("{known} from the end of {path}"));
    }
    Ok(())
}

fn collect<M>(
    mut config: Config,
    mut crew: Crew<M>,
    recording: Option<Recording>,
) -> Result<(), Failure>
where
    M: for<'a> Machine<Event<'a> = Heard<'a>>,
{
    crew.fleet.set_fetches_at_once(config.rest_connections);
    crew.signer = signer(std::mem::take(&mut config.keys));
    let awaited = crew.first.clone();
    let shell = Shell::new(config.runtime, crew)?;
    let (bell, wake, wake_too) = (shell.bell(), shell.bell(), shell.bell());
    let signals = Signals::listen(move || bell.ring())?;
    let zero = collector::clock_zero(shell.now());
    let wake = move || wake.ring();
    let strictness = Strictness::of(config.unlisted, &config.sessions);
    let polls = config.polls.iter().chain(&config.lists);
    let collector = Collector::open(&config.sessions, polls, config.sink, zero, wake)?;
    let shell_name = config.runtime.name();
    let start = |recording: Recording| recording.start(shell_name, zero, move || wake_too.ring());
    let mut run = Run {
        collector,
        log: recording.map(start).transpose()?,
        signals,
        asked: Asked::Nothing,
        awaited,
        strictness,
    };
    tell(&format_args!("collecting, Ctrl-C stops"));
    let driven = shell.drive(&mut run);
    let leads = run.collector.leads();
    let (written, recorded) = run.finish()?;
    tell(&format_args!("stopped, {} bytes written", written.bytes));
    leads.iter().for_each(|lead| tell(lead));
    if let Some(recorded) = recorded.transpose()? {
        tell(&recorded);
    }
    driven
}

/// A collector until the end: because of a signal, or because the sink is gone.
struct Run {
    collector: Collector,
    log: Option<Running>,
    signals: Signals,
    asked: Asked,
    /// Whose lists are awaited before anybody else starts.
    awaited: Vec<MachineId>,
    strictness: Strictness,
}

/// What has been asked of us.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Asked {
    Nothing,
    Stop,
    /// To end at once, whatever is still to be written.
    GiveUp,
}

impl<M> Listener<M> for Run
where
    M: for<'a> Machine<Event<'a> = Heard<'a>>,
{
    fn event(&mut self, id: MachineId, heard: Heard<'_>) {
        self.collector.event(id, &heard);
    }

    fn look(&mut self, fleet: &Fleet<M>) -> Result<Order, Failure> {
        self.collector.settle();
        let before = self.asked;
        while self.signals.next() {
            self.asked = match self.asked {
                Asked::Nothing => Asked::Stop,
                Asked::Stop | Asked::GiveUp => Asked::GiveUp,
            };
        }
        if self.collector.is_broken() && self.asked == Asked::Nothing {
            self.asked = Asked::Stop;
        }
        match (before, self.asked) {
            (_, Asked::GiveUp) => Err(given_up()),
            (Asked::Nothing, Asked::Stop) => Ok(Order::Stop),
            (_, Asked::Stop) => Ok(Order::GoOn),
            (_, Asked::Nothing) => self.begin(fleet),
        }
    }
}

impl Run {
    /// Lets all others start once of each list is known whether it can be had.
    fn begin<M: Machine>(&mut self, fleet: &Fleet<M>) -> Result<Order, Failure> {
        let is_awaited = |id: &MachineId| {
            let machine = fleet.machine(*id);
            machine.is_some_and(|machine| machine.phase() == Phase::Connecting)
        };
        if self.awaited.is_empty() || self.awaited.iter().any(is_awaited) {
            return Ok(Order::GoOn);
        }
        self.awaited.clear();
        let troubles = self.collector.listing().judge(&self.strictness)?;
        troubles.iter().for_each(|trouble| tell(trouble));
        Ok(Order::Start)
    }

    /// Waits for the writers, but not beyond a signal.
    fn finish(self) -> Result<Finished, Failure> {
        let (closing, log) = (self.collector.close(), self.log);
        if let Some(log) = &log {
            log.close();
        }
        while !(closing.is_over() && log.as_ref().is_none_or(Running::is_over)) {
            if self.asked == Asked::GiveUp || self.signals.next() {
                return Err(given_up());
            }
            Bell::wait();
        }
        Ok((closing.finish()?, log.map(Running::finish)))
    }
}

/// What the writers say at their end.
type Finished = (Written, Option<Result<Summary, Failure>>);

fn given_up() -> Failure {
    Failure::Io("stopped by a second signal before everything was written".to_owned())
}

/// A word for people; standard output belongs to the events.
fn tell(message: &dyn std::fmt::Display) {
    // With standard error closed there is nobody to tell.
    let _told = writeln!(io::stderr(), "marketprism: {message}");
}
