//! A log read back, and its sessions made to live again.

use std::io::Read;

use marketprism_core::agent::Agent;
use marketprism_core::session::Heard;
use marketprism_core::tap::Tapped;
use marketprism_core::venue::Unsigned;
use marketprism_core::{Machine, ReceiveBuffer, Time};

use super::block::{Block, Blocks, Kind, Next};
use super::digest::{Digest, Witness};
use super::entry::{Entry, RECEIVED_MAX, Stamps};
use super::error::LogError;
use super::fleet::Fleet;
use super::journal::Ending;
use super::wire::{Bytes, Flaw, Take};

/// A log whose beginning has been read.
pub struct Log<R> {
    fleet: Fleet,
    sessions: Vec<Player>,
    blocks: Blocks<R>,
    rx: ReceiveBuffer,
    report: Report,
}

/// Whether there is more to replay.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// There may be.
    More,
    /// There is nothing more.
    End,
}

/// A session or a poller that lives again.
#[derive(Debug)]
struct Player {
    agent: Tapped<Agent, Witness>,
    stamps: Stamps,
}

impl Player {
    fn new(agent: Agent) -> Self {
        Self {
            agent: Tapped::new(agent, Witness::new()),
            stamps: Stamps::default(),
        }
    }
}

/// What a replay has found.
#[derive(Clone, Debug)]
pub struct Report {
    /// The digest of everything that came out.
    pub digest: Digest,
    /// How the log ends.
    pub tail: Tail,
    /// Where the digest first was another than when it was recorded, if anywhere.
    pub difference: Option<Difference>,
    /// Entries replayed.
    pub entries: u64,
    /// Text messages in them.
    pub messages: u64,
    /// The latest instant of the sessions' clock.
    pub until: Time,
}

/// How a log ends.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tail {
    /// As its recorder ended it.
    Ended(Ending),
    /// The recorder was killed between two blocks.
    Open,
    /// The recorder was killed within a block: so many bytes could not be used.
    Torn(u64),
}

/// Where a replay first differs from what was recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Difference {
    /// Where the block begins at whose end the digest was another, in bytes.
    pub offset: u64,
    /// The digest that was recorded there.
    pub recorded: Digest,
    /// The instant of the block's last entry.
    pub before: Time,
}

impl<R: Read> Log<R> {
    /// Reads what was recorded and makes the sessions.
    ///
    /// # Errors
    ///
    /// It is no log, or of another version, or damaged.
    pub fn open(input: R) -> Result<Self, LogError> {
        let mut blocks = Blocks::open(input)?;
        let Next::Block(block) = blocks.next()? else {
            return Err(LogError::Short);
        };
        let offset = block.offset;
        let damaged = |flaw| LogError::Damaged { offset, flaw };
        if block.kind != Kind::Fleet {
            return Err(damaged(Flaw("does not say what was recorded")));
        }
        let fleet = Fleet::read(block.raw).map_err(damaged)?;
        let sessions = fleet.sessions.iter().map(|recorded| {
            let session = recorded.session();
            let session =
                session.map_err(|error| LogError::Session(recorded.plan.name.clone(), error))?;
            Ok(Player::new(session.into()))
        });
        let pollers = fleet.pollers.iter().map(|recorded| {
            let poller = recorded.poller();
            let poller =
                poller.map_err(|error| LogError::Poller(recorded.plan.name.clone(), error))?;
            Ok(Player::new(poller.into()))
        });
        let players = sessions.chain(pollers);
        let sessions = players.collect::<Result<Vec<_>, _>>()?;
        let report = Report {
            digest: digest(&sessions),
            tail: Tail::Open,
            difference: None,
            entries: 0,
            messages: 0,
            until: Time::ZERO,
        };
        Ok(Self {
            fleet,
            sessions,
            blocks,
            rx: ReceiveBuffer::with_capacity(RECEIVED_MAX),
            report,
        })
    }

    /// What was recorded.
    #[must_use]
    pub const fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    /// Hands in again the next part of what was handed in, and each event to `each` with the
    /// number of its session.
    ///
    /// # Errors
    ///
    /// The log is damaged. What was handed over until then is as it was.
    pub fn step(&mut self, each: &mut impl FnMut(usize, &Heard<'_>)) -> Result<Step, LogError> {
        let block = match self.blocks.next()? {
            Next::Block(block) => block,
            Next::Nothing => return Ok(Step::End),
            Next::Torn(cut) => {
                self.report.tail = Tail::Torn(cut);
                return Ok(Step::End);
            }
        };
        let mut stage = Stage {
            sessions: &mut self.sessions,
            rx: &mut self.rx,
            report: &mut self.report,
        };
        let offset = block.offset;
        let ended = stage.block(&block, each);
        match ended.map_err(|flaw| LogError::Damaged { offset, flaw })? {
            Some(ending) => self.end(offset, ending),
            None => Ok(Step::More),
        }
    }

    /// What has been found so far.
    #[must_use]
    pub fn report(&self) -> Report {
        let sessions = self.sessions.iter();
        let messages = sessions.map(|player| player.agent.machine().statistics().messages);
        Report {
            messages: messages.fold(0, u64::saturating_add),
            ..self.report.clone()
        }
    }

    fn end(&mut self, offset: u64, ending: Ending) -> Result<Step, LogError> {
        self.report.tail = Tail::Ended(ending);
        match self.blocks.is_over()? {
            true => Ok(Step::End),
            false => Err(LogError::Damaged {
                offset,
                flaw: Flaw("says that it is the last, and the file goes on"),
            }),
        }
    }
}

impl<R> std::fmt::Debug for Log<R> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Log")
            .field("fleet", &self.fleet)
            .field("report", &self.report)
            .finish_non_exhaustive()
    }
}

/// Where blocks are replayed.
struct Stage<'a> {
    sessions: &'a mut [Player],
    rx: &'a mut ReceiveBuffer,
    report: &'a mut Report,
}

impl Stage<'_> {
    /// Replays a block; how the recording ended, if it is the last.
    fn block(
        &mut self,
        block: &Block<'_>,
        each: &mut impl FnMut(usize, &Heard<'_>),
    ) -> Result<Option<Ending>, Flaw> {
        let mut bytes = Bytes::new(block.raw);
        let recorded = match block.kind {
            Kind::Fleet => return Err(Flaw("says a second time what was recorded")),
            Kind::Entries | Kind::End => Digest::take(&mut bytes)?,
        };
        let ending = match block.kind {
            Kind::End => Some(Ending::take(&mut bytes)?),
            Kind::Fleet | Kind::Entries => None,
        };
        while !bytes.is_empty() {
            if ending.is_some() {
                return Err(Flaw("goes on behind its end"));
            }
            self.entry(&mut bytes, each)?;
        }
        self.compare(block.offset, recorded);
        Ok(ending)
    }

    fn compare(&mut self, offset: u64, recorded: Digest) {
        self.report.digest = digest(self.sessions);
        if self.report.digest != recorded {
            self.report.difference.get_or_insert(Difference {
                offset,
                recorded,
                before: self.report.until,
            });
        }
    }

    fn entry(
        &mut self,
        bytes: &mut Bytes<'_>,
        each: &mut impl FnMut(usize, &Heard<'_>),
    ) -> Result<(), Flaw> {
        let number = usize::take(bytes)?;
        let player = self.sessions.get_mut(number);
        let player = player.ok_or(Flaw("has an entry of an unknown session"))?;
        let entry = player.stamps.take(bytes)?;
        self.report.entries += 1;
        self.report.until = self.report.until.max(player.stamps.now());
        give(&mut player.agent, self.rx, entry, &mut |heard| {
            each(number, &heard);
        });
        Ok(())
    }
}

/// Hands in what was handed in.
fn give(
    session: &mut Tapped<Agent, Witness>,
    rx: &mut ReceiveBuffer,
    entry: Entry<'_>,
    each: &mut impl FnMut(Heard<'_>),
) {
    match entry {
        Entry::Input { now, input } => session.handle(now, input),
        Entry::Received {
            now,
            received,
            bytes,
        } => {
            rx.clear();
            if let Some(room) = rx.spare().get_mut(..bytes.len()) {
                room.copy_from_slice(bytes);
                rx.commit(bytes.len());
            }
            session.receive(now, received, rx, each);
        }
        Entry::Transmitted { now, count } => session.transmitted(now, count),
        Entry::Drained { received } => session.drain_events(received, each),
        Entry::Signed { now, epoch, length } => {
            // Whatever is as long takes the same course.
            let request = length.map(|length| "x".repeat(length));
            session.signed(now, epoch, request.as_deref().ok_or(Unsigned));
        }
        Entry::Granted { now, id } => session.grant(now, id),
        Entry::Fetched {
            now,
            received,
            id,
            answer,
        } => session.fetched(now, received, id, answer, each),
        Entry::Action => {
            // What it is has been told to the witness.
            let _action = session.poll_action();
        }
    }
}

fn digest(sessions: &[Player]) -> Digest {
    Digest::of(sessions.iter().map(|player| player.agent.tap().digest()))
}
