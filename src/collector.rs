//! From configured sessions to lines in a sink.

use std::mem;
use std::time::{SystemTime, UNIX_EPOCH};

use marketprism_core::fleet::{BudgetId, Fleet, MachineId};
use marketprism_core::lines::Line;
use marketprism_core::market::Market;
use marketprism_core::poller::PollError;
use marketprism_core::session::{Heard, SettingsError};
use marketprism_core::{Machine, Time, UnixNanos};
use marketprism_shell::Signer;

use crate::config::{Planned, Polled, Sink};
use crate::failure::Failure;
use crate::listing::Listing;
use crate::merge::{Lead, Merger, Taken};
use crate::ndjson::{Overflow, Writer};
use crate::shell::Crew;
use crate::sink::{self, Destination, Handover, Offer, OutputError, Written};

/// Makes the sessions: `seed` gives each its own, and `make` makes a machine of it. Nobody signs
/// unless the crew is given somebody who does.
///
/// # Errors
///
/// A session's settings contradict each other.
pub(crate) fn crew<M: Machine>(
    sessions: &[Planned],
    mut seed: impl FnMut() -> Result<[u8; 32], Failure>,
    mut make: impl FnMut(&Planned, [u8; 32]) -> Result<M, SettingsError>,
) -> Result<Crew<M>, Failure> {
    let mut fleet = Fleet::new();
    let mut budgets: Vec<(Market, BudgetId)> = Vec::new();
    let mut trusts = Vec::new();
    for planned in sessions {
        let machine = make(planned, seed()?)?;
        let budget = budget(&mut fleet, &mut budgets, planned);
        let id = fleet.add(machine, budget);
        trusts.push((id, planned.trust.tls.clone()));
    }
    pair(&mut fleet, sessions);
    Ok(Crew {
        fleet,
        trusts,
        signer: Signer::default(),
        first: Vec::new(),
    })
}

/// What two lines carry both, one of them can do without for a while.
fn pair<M: Machine>(fleet: &mut Fleet<M>, sessions: &[Planned]) {
    let sessions: Vec<_> = fleet.ids().zip(sessions).collect();
    let of = |line| sessions.iter().filter(move |(_, of)| of.line == line);
    for (second, b) in of(Line::B) {
        for (first, _) in of(Line::A).filter(|(_, a)| a.shares(b)) {
            fleet.pair(*first, *second);
        }
    }
}

/// Adds the pollers, likewise, and says under which numbers.
///
/// # Errors
///
/// A poller's settings contradict each other.
pub(crate) fn join<M: Machine>(
    crew: &mut Crew<M>,
    polls: &[Polled],
    mut seed: impl FnMut() -> Result<[u8; 32], Failure>,
    mut make: impl FnMut(&Polled, [u8; 32]) -> Result<M, PollError>,
) -> Result<Vec<MachineId>, Failure> {
    let mut ids = Vec::new();
    for polled in polls {
        let id = crew.fleet.add(make(polled, seed()?)?, None);
        crew.trusts.push((id, polled.trust.tls.clone()));
        ids.push(id);
    }
    Ok(ids)
}

/// The budget of dials of a session's market: venues count them by address.
fn budget<M: Machine>(
    fleet: &mut Fleet<M>,
    budgets: &mut Vec<(Market, BudgetId)>,
    planned: &Planned,
) -> Option<BudgetId> {
    let market = planned.plan.market;
    let known = budgets.iter().find(|(of, _)| *of == market);
    if let Some((_, budget)) = known {
        return Some(*budget);
    }
    let budget = fleet.budget(planned.settings.connection.dials?);
    budgets.push((market, budget));
    Some(budget)
}

/// Writes what the sessions say into a sink, and accounts for what finds no room.
#[derive(Debug)]
pub(crate) struct Collector {
    handover: Handover,
    feeds: Vec<Feed>,
    merger: Option<Merger>,
    listing: Listing,
    /// Lines that have been merged and not written yet.
    merged: Vec<Vec<u8>>,
    /// The line that is being written.
    line: Vec<u8>,
    sink: Sink,
    state: State,
}

/// One session's place in the sink.
#[derive(Debug)]
struct Feed {
    writer: Writer,
    overflow: Option<Overflow>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Complete,
    /// Some lines found no room, and the gaps that tell it are not written yet.
    Losing,
    /// The sink has failed.
    Broken,
}

impl Collector {
    /// Opens the sink. `zero` is the wall-clock time at the origin of the driver's clock; `wake`
    /// is called when [`settle`](Self::settle) has something to do, and at the end of
    /// [`close`](Self::close).
    ///
    /// # Errors
    ///
    /// The sink cannot be opened.
    pub(crate) fn open<'p>(
        sessions: &[Planned],
        polls: impl Iterator<Item = &'p Polled>,
        sink: Sink,
        zero: UnixNanos,
        wake: impl Fn() + Send + 'static,
    ) -> Result<Self, Failure> {
        let output = sink.destination.open()?;
        let handover = Handover::start(output, sink.limits, wake)
            .map_err(|error| Failure::Io(format!("cannot start the writer thread: {error}")))?;
        let feed = |(name, market): (&String, Market)| Feed {
            writer: Writer::new(name.clone(), market, zero),
            overflow: None,
        };
        let of_sessions = sessions.iter().map(|of| (&of.plan.name, of.plan.market));
        let of_polls = polls.map(|of| (&of.plan.name, of.plan.market));
        Ok(Self {
            handover,
            feeds: of_sessions.chain(of_polls).map(feed).collect(),
            merger: Merger::new(sessions, zero),
            listing: Listing::default(),
            merged: Vec::new(),
            line: Vec::new(),
            sink,
            state: State::Complete,
        })
    }

    /// Takes an event.
    pub(crate) fn event(&mut self, id: MachineId, heard: &Heard<'_>) {
        if self.state == State::Broken {
            return;
        }
        let Some(merger) = &mut self.merger else {
            return self.plain(id, heard);
        };
        let listed = self.listing.of(&heard.event);
        let taken = merger.event(id, heard, listed, &mut self.merged);
        self.write_merged(id, heard.received);
        if taken == Taken::No {
            self.plain(id, heard);
        }
    }

    /// Writes an event of a session as it is.
    fn plain(&mut self, id: MachineId, heard: &Heard<'_>) {
        self.begin_line();
        if let Some(feed) = self.feeds.get(id.index()) {
            self.listing.write(&feed.writer, &mut self.line, heard);
        }
        self.offer(id, heard.received);
    }

    fn write_merged(&mut self, id: MachineId, received: UnixNanos) {
        for line in mem::take(&mut self.merged) {
            self.begin_line();
            self.line.extend_from_slice(&line);
            self.offer(id, received);
        }
    }

    fn begin_line(&mut self) {
        self.line.clear();
        self.write_overflows();
    }

    /// Hands the line over, or notes that an event of this session was lost.
    fn offer(&mut self, id: MachineId, received: UnixNanos) {
        match self.handover.offer(&self.line) {
            Offer::Taken => self.told(),
            Offer::Refused => {
                if let Some(feed) = self.feeds.get_mut(id.index()) {
                    feed.lose(received);
                }
                self.state = State::Losing;
            }
            Offer::Broken => self.state = State::Broken,
        }
    }

    /// What the venues' lists have said so far.
    pub(crate) const fn listing(&self) -> &Listing {
        &self.listing
    }

    /// How the lines of streams that have two stood to each other.
    pub(crate) fn leads(&self) -> Vec<Lead> {
        self.merger
            .as_ref()
            .map_or_else(Vec::new, Merger::standings)
    }

    /// Tells what was lost as soon as there is room; to be called when woken. It does not wait.
    pub(crate) fn settle(&mut self) {
        if self.handover.is_broken() {
            self.state = State::Broken;
        }
        if self.state != State::Losing {
            return;
        }
        self.line.clear();
        self.write_overflows();
        match self.handover.offer(&self.line) {
            Offer::Taken => self.told(),
            Offer::Refused => {}
            Offer::Broken => self.state = State::Broken,
        }
    }

    /// Whether the sink has failed, so that there is nothing left to collect for.
    pub(crate) fn is_broken(&self) -> bool {
        self.state == State::Broken
    }

    /// Tells the last of what was lost, and lets the writer come to its end.
    pub(crate) fn close(mut self) -> Closing {
        self.line.clear();
        self.write_overflows();
        Closing {
            writer: self.handover.close(&self.line),
            destination: self.sink.destination,
        }
    }

    /// Writes the gaps that stand for what was lost ahead of the next line.
    fn write_overflows(&mut self) {
        if self.state != State::Losing {
            return;
        }
        for feed in &self.feeds {
            if let Some(overflow) = feed.overflow {
                feed.writer.overflow(&mut self.line, overflow);
            }
        }
    }

    fn told(&mut self) {
        if self.state == State::Losing {
            self.feeds.iter_mut().for_each(|feed| feed.overflow = None);
            self.state = State::Complete;
        }
    }
}

/// A sink that takes nothing more.
#[derive(Debug)]
pub(crate) struct Closing {
    writer: sink::Closing,
    destination: Destination,
}

impl Closing {
    /// Whether there is nothing left to wait for.
    pub(crate) fn is_over(&self) -> bool {
        self.writer.is_over()
    }

    /// Waits until everything is written.
    ///
    /// # Errors
    ///
    /// Something could not be written.
    pub(crate) fn finish(self) -> Result<Written, OutputError> {
        let finished = self.writer.finish();
        finished.map_err(|error| OutputError::Io(self.destination, error))
    }
}

impl Feed {
    fn lose(&mut self, received: UnixNanos) {
        let overflow = self.overflow.get_or_insert(Overflow {
            lost: 0,
            since: received,
            until: received,
        });
        overflow.lost = overflow.lost.saturating_add(1);
        overflow.until = received;
    }
}

/// The wall-clock time at the origin of a clock by which it is now `now`.
pub(crate) fn clock_zero(now: Time) -> UnixNanos {
    let unix = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let unix = u64::try_from(unix.as_nanos()).unwrap_or(u64::MAX);
    UnixNanos::from_nanos(unix.saturating_sub(now.as_nanos()))
}

/// A seed from the system: masks must not be foreseeable (RFC 6455 section 10.3).
///
/// # Errors
///
/// The system has no random numbers to give.
pub(crate) fn random_seed() -> Result<[u8; 32], Failure> {
    let mut seed = [0; 32];
    getrandom::fill(&mut seed)
        .map_err(|error| Failure::Io(format!("the system gives no random numbers: {error}")))?;
    Ok(seed)
}
