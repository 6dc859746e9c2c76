//! Every scenario on every stage, once for all tests.

use std::fs;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread;

use marketprism_core::connection::Endpoint;
use marketprism_shell::Tls;
use marketprism_shell_tests::trust::Authority;
use rustls::ServerConfig;

use crate::language::Scenario;
use crate::parse::Reader;
use crate::play::{Outcome, play};
use crate::stage::client::Client;
use crate::stage::memory::Memory;
use crate::stage::sockets::{Listener, Sockets};
use crate::subject::{self, Subject};
use crate::trace::{Log, Traced};

/// Where the scenarios are, a file for each part of a session's life.
const SUITE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/scenarios/suite");

/// What they begin and end with.
const BLOCKS: &str = include_str!("suite/blocks.txt");

/// So many scenarios at once: most of the time they wait.
const WORKERS: usize = 12;

/// Where a scenario is played.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum On {
    Simulator,
    Mio,
    Tokio,
    MioOverTls,
    TokioOverTls,
}

impl On {
    /// Where every scenario is played.
    pub(crate) const ALL: [Self; 3] = [Self::Simulator, Self::Mio, Self::Tokio];

    /// Where those are played that say `with also tls`.
    pub(crate) const TLS: [Self; 2] = [Self::MioOverTls, Self::TokioOverTls];
}

/// A scenario and what became of it, stage by stage.
#[derive(Debug)]
pub(crate) struct Played {
    pub(crate) scenario: Scenario,
    pub(crate) outcomes: Vec<(On, Outcome)>,
}

/// All scenarios that there are.
pub(crate) fn suite() -> Vec<Scenario> {
    let files = fs::read_dir(SUITE)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.filter(|path| !path.ends_with("blocks.txt")).collect();
    files.sort();
    let mut reader = Reader::default();
    reader.read(BLOCKS).unwrap();
    for path in files {
        if let Err(error) = reader.read(&fs::read_to_string(&path).unwrap()) {
            panic!("{}, {error}", path.display());
        }
    }
    reader.scenarios
}

/// All of them, played.
pub(crate) fn played() -> &'static [Played] {
    static PLAYED: OnceLock<Vec<Played>> = OnceLock::new();
    PLAYED.get_or_init(|| {
        let suite = suite();
        let next = AtomicUsize::new(0);
        let played = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..WORKERS {
                scope.spawn(|| {
                    while let Some(scenario) = suite.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let outcomes = everywhere(scenario);
                        let mut played = played.lock().unwrap_or_else(PoisonError::into_inner);
                        played.push(Played {
                            scenario: scenario.clone(),
                            outcomes,
                        });
                    }
                });
            }
        });
        played.into_inner().unwrap_or_else(PoisonError::into_inner)
    })
}

fn everywhere(scenario: &Scenario) -> Vec<(On, Outcome)> {
    let mut stages = On::ALL.to_vec();
    if scenario.setting("also") == Some("tls") {
        stages.extend(On::TLS);
    }
    let played = stages.into_iter().map(|on| (on, outcome(scenario, on)));
    played.collect()
}

fn outcome(scenario: &Scenario, on: On) -> Outcome {
    let result = match scenario.setting("session") {
        Some(words) => subject::session_plan(words).and_then(|plan| {
            staged(scenario, on, |endpoint, log| {
                subject::session(scenario, plan.clone(), endpoint, log)
            })
        }),
        None => staged(scenario, on, |endpoint, log| {
            subject::connection(scenario, endpoint, log)
        }),
    };
    result.unwrap_or_else(|error| panic!("`{}`: {error}", scenario.name))
}

fn staged<M: Subject>(
    scenario: &Scenario,
    on: On,
    machine: impl Fn(Endpoint, &Log) -> Result<Traced<M>, String>,
) -> Result<Outcome, String> {
    let log = Log::default();
    let listener = Listener::bind().map_err(|error| error.to_string())?;
    let (trusted, server) = trust();
    let secured = On::TLS.contains(&on).then(|| Arc::clone(server));
    let machine = machine(listener.endpoint(secured.is_some()), &log)?;
    let (tls, shared) = (trusted.clone(), log.clone());
    let client = match on {
        On::Simulator => return Ok(play(scenario, &mut Memory::new(machine, log))),
        On::Mio | On::MioOverTls => Client::mio(machine, tls, shared),
        On::Tokio | On::TokioOverTls => Client::tokio(machine, tls, shared),
    };
    let mut stage = Sockets::new(listener, client, secured, log);
    Ok(play(scenario, &mut stage))
}

/// One authority for all far ends.
fn trust() -> &'static (Tls, Arc<ServerConfig>) {
    static TRUST: OnceLock<(Tls, Arc<ServerConfig>)> = OnceLock::new();
    TRUST.get_or_init(|| {
        let Authority { tls, server } = Authority::of("127.0.0.1");
        (tls, Arc::new(server))
    })
}
