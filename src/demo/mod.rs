//! `marketprism demo`: the whole system on this machine, faults included, and a verdict.
//!
//! Nothing in it is a mock: the twins listen on loopback with TLS, the sessions are those that
//! `run` has, with their timers compressed, and the kernel's own table says how many sockets
//! there are.

mod exchanges;
mod scene;
mod verdict;
mod view;
mod watch;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::thread;
use std::time::{Duration, Instant};

use marketprism_core::agent::Agent;
use marketprism_core::connection::Phase;
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::session::{Heard, Session, Stream, StreamState};

use crate::audit::{self, Audit, Findings};
use crate::collector;
use crate::config::{Config, Planned, Polled};
use crate::failure::Failure;
use crate::runtime;
use crate::shell::{Listener, Order, Runtime, Shell};
use crate::signal::Signals;
use crate::twin::{Ledger, Server};
use exchanges::{Exchanges, Report};
use scene::{Conduct, SESSIONS, Scene};
use verdict::{Row, Story};
use view::{Standing, View};
use watch::Watch;

/// How often the exchanges report.
const TICK: Duration = Duration::from_millis(50);

/// How often the view is drawn.
const FRAME: Duration = Duration::from_millis(200);

/// How long everything may take to be well again after the last fault.
const HEALING_MAX: Duration = Duration::from_secs(20);

/// How long a half-closed socket may take to be closed once everything is over.
const CLOSING_MAX: Duration = Duration::from_secs(2);

/// What the demo is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Demo {
    /// How long faults strike.
    pub duration: Duration,
    /// What faults, markets and masks are drawn from.
    pub seed: u64,
    /// Whether there are any.
    pub faults: Faults,
    /// What drives the sessions.
    pub runtime: Runtime,
}

/// Whether faults strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Faults {
    /// They do.
    Strike,
    /// The exchanges behave.
    None,
}

/// Runs the demo and prints its verdict.
///
/// # Errors
///
/// [`Failure::Verdict`] if anything was not as it should be; others if it could not be run.
pub fn run(demo: Demo) -> Result<(), Failure> {
    let conduct = match demo.faults {
        Faults::Strike => Conduct::Faulty(demo.duration),
        Faults::None => Conduct::Good,
    };
    let runtime = runtime::start()?;
    let Scene {
        servers,
        desks,
        config,
    } = {
        let _entered = runtime.enter();
        Scene::open(demo.seed, conduct)?
    };
    let mut seeds = seeds(demo.seed);
    let session = |planned: &Planned, seed| planned.session(seed).map(Agent::from);
    let mut crew = collector::crew(&config.sessions, &mut seeds, session)?;
    let poller = |polled: &Polled, seed| polled.poller(seed).map(Agent::from);
    collector::join(&mut crew, &config.polls, &mut seeds, poller)?;
    crew.fleet.set_fetches_at_once(config.rest_connections);
    let shell = Shell::new(demo.runtime, crew)?;
    let bell = shell.bell();
    let signals = Signals::listen(move || bell.ring())?;
    let audit = audit_of(&servers, &desks)?;
    let (exchanges, reports) = Exchanges::serve(runtime, servers, shell.bell())?;
    let mut stage = Stage::new(signals, reports, demo.duration, &config);
    let played = shell.drive(&mut stage);
    exchanges.stop()?;
    played?;
    let rows = stage.judge(audit)?;
    let well = view::all_well(&rows);
    stage.view.verdict(&stage.watch.kinds(), &rows);
    if well { Ok(()) } else { Err(Failure::Verdict) }
}

/// A seed for each session, all drawn from one number.
fn seeds(seed: u64) -> impl FnMut() -> Result<[u8; 32], Failure> {
    let mut number = 0_u64;
    move || {
        number += 1;
        let mut bytes = [0; 32];
        let (first, rest) = bytes.split_at_mut(8);
        first.copy_from_slice(&seed.to_le_bytes());
        if let Some(second) = rest.get_mut(..8) {
            second.copy_from_slice(&number.to_le_bytes());
        }
        Ok(bytes)
    }
}

/// Watches the sockets to each exchange, where the system lets anybody look.
fn audit_of(servers: &[Server], desks: &[SocketAddr]) -> Result<Option<Audit>, Failure> {
    let ports = servers.iter().map(|server| server.address().port());
    match Audit::start(ports, desks.iter().map(SocketAddr::port)) {
        Ok(audit) => Ok(Some(audit)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::read("the table of sockets", error)),
    }
}

/// Everything that is on while the demo runs.
struct Stage {
    signals: Signals,
    reports: Receiver<Report>,
    watch: Watch,
    view: View,
    began: Instant,
    duration: Duration,
    /// How many sockets for requests over REST there may be.
    rest_connections: usize,
    drawn: Instant,
    /// How many faults of each exchange have been told.
    told: BTreeMap<usize, usize>,
    account: Account,
    play: Play,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Play {
    /// Faults strike, or all is not well again yet.
    On,
    /// The sessions close.
    Over,
}

/// How things stood when all was well, or when time was up.
#[derive(Default)]
struct Account {
    ledgers: Vec<Ledger>,
    live: usize,
    streams: usize,
}

impl Listener<Agent> for Stage {
    fn event(&mut self, id: MachineId, heard: Heard<'_>) {
        if let Some(words) = self.watch.hear(id, &heard) {
            self.view.line(Instant::now(), &words);
        }
    }

    /// Lets faults strike, then waits until all is well again.
    fn look(&mut self, fleet: &Fleet<Agent>) -> Result<Order, Failure> {
        let ended = |words: &str| Failure::Io(words.to_owned());
        if self.signals.next() {
            return Err(ended("ended before the verdict"));
        }
        match self.reports.try_recv() {
            Ok(report) if self.play == Play::On => Ok(self.hear(report, fleet)),
            Ok(_) | Err(TryRecvError::Empty) => Ok(Order::GoOn),
            Err(TryRecvError::Disconnected) => Err(ended("the exchanges have ended")),
        }
    }
}

impl Stage {
    fn new(
        signals: Signals,
        reports: Receiver<Report>,
        duration: Duration,
        config: &Config,
    ) -> Self {
        let began = Instant::now();
        let sessions = config.sessions.iter().map(|planned| &planned.plan.name);
        let polls = config.polls.iter().map(|polled| &polled.plan.name);
        let names = sessions.chain(polls).cloned();
        Self {
            signals,
            reports,
            watch: Watch::new(names, began),
            view: View::open(began),
            began,
            duration,
            rest_connections: config.rest_connections,
            drawn: began,
            told: BTreeMap::new(),
            account: Account::default(),
            play: Play::On,
        }
    }

    /// Takes in how things stand on both sides, shows it, and says whether it is over.
    fn hear(&mut self, report: Report, fleet: &Fleet<Agent>) -> Order {
        self.tell_faults(&report.ledgers);
        let now = Instant::now();
        for heed in &mut self.watch.sessions {
            heed.rate.tick(now, heed.events);
        }
        let standings = standings(fleet);
        if now.duration_since(self.drawn) >= FRAME {
            self.drawn = now;
            self.view.draw(now, self.duration, &self.watch, &standings);
        }
        self.account = Account {
            ledgers: report.ledgers,
            live: standings.iter().map(|standing| standing.live).sum(),
            streams: standings.iter().map(|standing| standing.streams).sum(),
        };
        if self.is_over(report.at.duration_since(self.began)) {
            self.play = Play::Over;
            return Order::Stop;
        }
        Order::GoOn
    }

    /// `elapsed` is the age of the account: no fault has struck since, if it is over.
    fn is_over(&self, elapsed: Duration) -> bool {
        let healing = elapsed.checked_sub(self.duration);
        healing.is_some_and(|healing| healing >= HEALING_MAX || self.is_well())
    }

    fn is_well(&self) -> bool {
        let account = &self.account;
        let recovered = account
            .ledgers
            .iter()
            .all(|ledger| ledger.unrecovered().next().is_none());
        let reported = self
            .stories()
            .iter()
            .all(|story| story.unreported().is_empty() && story.unmarked().is_empty());
        recovered && reported && account.live == account.streams
    }

    fn stories(&self) -> Vec<Story<'_>> {
        let pairs = self.account.ledgers.iter().zip(&self.watch.sessions);
        pairs
            .map(|(ledger, heed)| Story::new(ledger, heed))
            .collect()
    }

    fn tell_faults(&mut self, ledgers: &[Ledger]) {
        for (index, (ledger, (name, _))) in ledgers.iter().zip(SESSIONS).enumerate() {
            let told = self.told.entry(index).or_default();
            for fault in ledger.faults().iter().skip(*told) {
                let words = format!("{name:<21} FAULT {}", fault.fault);
                self.view.line(Instant::now(), &words);
                *told += 1;
            }
        }
    }

    /// Comes to a verdict, once everything is closed.
    fn judge(&self, audit: Option<Audit>) -> Result<Vec<Row>, Failure> {
        let unread = |error| Failure::read("the table of sockets", error);
        let findings = audit.map(Audit::finish).transpose().map_err(unread)?;
        let left = match &findings {
            Some(_) => Some(close_wait_left().map_err(unread)?),
            None => None,
        };
        Ok(self.rows(findings.as_ref(), left))
    }

    fn rows(&self, findings: Option<&Findings>, left: Option<usize>) -> Vec<Row> {
        let stories = self.stories();
        let Account { live, streams, .. } = self.account;
        vec![
            verdict::one_socket(findings),
            verdict::rest_sockets(findings, self.rest_connections),
            verdict::no_close_wait(findings, left),
            verdict::recovered(&stories),
            verdict::restored(live, streams),
            verdict::reported(&stories),
            verdict::marked(&stories),
            verdict::collected(&self.watch.kinds()),
        ]
    }
}

fn standings(fleet: &Fleet<Agent>) -> Vec<Standing> {
    let agents = fleet.ids().filter_map(|id| fleet.machine(id));
    let sessions = agents.filter_map(|agent| match agent {
        Agent::Session(session) => Some(session),
        Agent::Poller(_) => None,
    });
    sessions.map(standing).collect()
}

fn standing(session: &Session) -> Standing {
    let phase = session.connection().phase();
    // What may be silent for hours has no more to show than that it was granted.
    let granted =
        |stream: &Stream, state| state == StreamState::Acknowledged && stream.channel.is_sparse();
    let live = |(stream, state): &(&Stream, StreamState)| {
        phase == Phase::Open && (*state == StreamState::Live || granted(stream, *state))
    };
    Standing {
        phase,
        live: session.subscriptions().filter(live).count(),
        streams: session.subscriptions().count(),
    }
}

/// Sockets of this process that stay in CLOSE_WAIT; what is only passing through is waited for.
fn close_wait_left() -> io::Result<usize> {
    let began = Instant::now();
    loop {
        let left = audit::close_wait_now()?;
        if left == 0 || began.elapsed() > CLOSING_MAX {
            return Ok(left);
        }
        thread::sleep(TICK);
    }
}
