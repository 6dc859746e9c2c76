//! `marketprism demo`: the whole system on this machine, faults included, and a verdict.
//!
//! Nothing in it is a mock: the twins listen on loopback with TLS, the sessions are those that
//! `run` has, with their timers compressed, and the kernel's own table says how many sockets
//! there are.

mod scene;
mod verdict;
mod view;
mod watch;

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use marketprism_core::connection::Phase;
use marketprism_core::fleet::MachineId;
use marketprism_core::session::{Heard, Session, StreamState};
use marketprism_tokio::Driver;
use tokio::time::{MissedTickBehavior, interval};

use crate::audit::{self, Audit, Findings};
use crate::collector;
use crate::failure::Failure;
use crate::host::Host;
use crate::runtime;
use crate::signal::Signals;
use crate::twin::Ledger;
use scene::{Conduct, SESSIONS, Scene};
use verdict::{Row, Story};
use view::{Standing, View};
use watch::Watch;

/// How often the exchanges are asked.
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
    runtime::start()?.block_on(perform(demo))
}

async fn perform(demo: Demo) -> Result<(), Failure> {
    let conduct = match demo.faults {
        Faults::Strike => Conduct::Faulty(demo.duration),
        Faults::None => Conduct::Good,
    };
    let mut signals = Signals::listen()?;
    let Scene { servers, config } = Scene::open(demo.seed, conduct)?;
    let driver = collector::driver(&config.sessions, seeds(demo.seed))?;
    let hosts: Vec<_> = servers.into_iter().map(Host::start).collect();
    let audit = audit_of(&hosts)?;
    let mut stage = Stage::new(driver, hosts, demo.duration);
    let told = stage.play(&mut signals).await;
    let rows = stage.judge(audit, told?).await?;
    let well = view::all_well(&rows);
    stage.view.verdict(&rows);
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
fn audit_of(hosts: &[Host]) -> Result<Option<Audit>, Failure> {
    match Audit::start(hosts.iter().map(|host| host.address().port())) {
        Ok(audit) => Ok(Some(audit)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::read("the table of sockets", error)),
    }
}

/// Everything that is on while the demo runs.
struct Stage {
    driver: Driver<Session>,
    hosts: Vec<Host>,
    watch: Watch,
    view: View,
    began: Instant,
    duration: Duration,
    drawn: Instant,
    /// How many faults of each exchange have been told.
    told: BTreeMap<usize, usize>,
}

/// How things stood when all was well, or when time was up.
struct Account {
    ledgers: Vec<Ledger>,
    live: usize,
    streams: usize,
}

impl Stage {
    fn new(driver: Driver<Session>, hosts: Vec<Host>, duration: Duration) -> Self {
        let began = Instant::now();
        let names = SESSIONS.iter().map(|(name, _)| (*name).to_owned());
        Self {
            driver,
            hosts,
            watch: Watch::new(names, began),
            view: View::open(began),
            began,
            duration,
            drawn: began,
            told: BTreeMap::new(),
        }
    }

    /// Lets faults strike, then waits until all is well again.
    async fn play(&mut self, signals: &mut Signals) -> Result<Account, Failure> {
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        self.driver.start();
        loop {
            tokio::select! {
                biased;
                () = signals.next() => {
                    return Err(Failure::Io("ended before the verdict".to_owned()));
                }
                _ = ticks.tick() => {
                    let account = self.look().await?;
                    let elapsed = self.began.elapsed();
                    if self.is_over(elapsed, &account) {
                        return Ok(account);
                    }
                }
                () = turn(&mut self.driver, &mut self.watch, &mut self.view) => {}
            }
        }
    }

    fn is_over(&self, elapsed: Duration, account: &Account) -> bool {
        let healing = elapsed.checked_sub(self.duration);
        healing.is_some_and(|healing| healing >= HEALING_MAX || self.is_well(account))
    }

    fn is_well(&self, account: &Account) -> bool {
        let recovered = account
            .ledgers
            .iter()
            .all(|ledger| ledger.unrecovered().next().is_none());
        let reported = self
            .stories(account)
            .iter()
            .all(|story| story.unreported().is_empty());
        recovered && reported && account.live == account.streams
    }

    fn stories<'a>(&'a self, account: &'a Account) -> Vec<Story<'a>> {
        let pairs = account.ledgers.iter().zip(&self.watch.sessions);
        pairs
            .map(|(ledger, heed)| Story::new(ledger, &heed.gaps))
            .collect()
    }

    /// Asks everybody how things stand, and shows it.
    async fn look(&mut self) -> Result<Account, Failure> {
        let mut ledgers = Vec::new();
        for host in &self.hosts {
            ledgers.push(host.ledger().await?);
        }
        self.tell_faults(&ledgers);
        let now = Instant::now();
        for heed in &mut self.watch.sessions {
            heed.rate.tick(now, heed.events);
        }
        let standings = self.standings();
        if now.duration_since(self.drawn) >= FRAME {
            self.drawn = now;
            self.view.draw(now, self.duration, &self.watch, &standings);
        }
        Ok(Account {
            ledgers,
            live: standings.iter().map(|standing| standing.live).sum(),
            streams: standings.iter().map(|standing| standing.streams).sum(),
        })
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

    fn standings(&mut self) -> Vec<Standing> {
        let fleet = self.driver.fleet();
        let sessions = fleet.ids().filter_map(|id| fleet.machine(id));
        sessions.map(standing).collect()
    }

    /// Closes everything and comes to a verdict.
    async fn judge(&mut self, audit: Option<Audit>, account: Account) -> Result<Vec<Row>, Failure> {
        self.driver.stop();
        while !self.driver.fleet().stopped() {
            turn(&mut self.driver, &mut self.watch, &mut self.view).await;
        }
        for host in self.hosts.drain(..) {
            host.stop().await?;
        }
        let unread = |error| Failure::read("the table of sockets", error);
        let findings = audit.map(Audit::finish).transpose().map_err(unread)?;
        let left = match &findings {
            Some(_) => Some(close_wait_left().await.map_err(unread)?),
            None => None,
        };
        Ok(self.rows(&account, findings.as_ref(), left))
    }

    fn rows(
        &self,
        account: &Account,
        findings: Option<&Findings>,
        left: Option<usize>,
    ) -> Vec<Row> {
        let stories = self.stories(account);
        vec![
            verdict::one_socket(findings),
            verdict::no_close_wait(findings, left),
            verdict::recovered(&stories),
            verdict::restored(account.live, account.streams),
            verdict::reported(&stories),
        ]
    }
}

async fn turn(driver: &mut Driver<Session>, watch: &mut Watch, view: &mut View) {
    let mut each = |id: MachineId, heard: Heard<'_>| {
        if let Some(words) = watch.hear(id, &heard) {
            view.line(Instant::now(), &words);
        }
    };
    driver.turn(&mut each).await;
}

fn standing(session: &Session) -> Standing {
    let phase = session.connection().phase();
    let live = |state: StreamState| phase == Phase::Open && state == StreamState::Live;
    Standing {
        phase,
        live: session
            .subscriptions()
            .filter(|(_, state)| live(*state))
            .count(),
        streams: session.subscriptions().count(),
    }
}

/// Sockets of this process that stay in CLOSE_WAIT; what is only passing through is waited for.
async fn close_wait_left() -> io::Result<usize> {
    let began = Instant::now();
    loop {
        let left = audit::close_wait_now()?;
        if left == 0 || began.elapsed() > CLOSING_MAX {
            return Ok(left);
        }
        tokio::time::sleep(TICK).await;
    }
}
