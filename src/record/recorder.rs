//! The recording of a fleet while it runs.

use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use marketprism_core::UnixNanos;
use marketprism_core::agent::Agent;
use marketprism_core::connection::Action;
use marketprism_core::poller::PollError;
use marketprism_core::session::{Heard, SettingsError};
use marketprism_core::tap::{Given, Tap, Tapped};

use super::digest::{Change, Witness};
use super::entry::Stamps;
use super::fleet::{Fleet, Recorded, RecordedPoller};
use super::journal::{Ending, Journal, Offer, Written};
use super::wire::Put;
use crate::config::{Planned, Polled};
use crate::failure::Failure;

/// A recording that is being prepared: sessions join it before anything happens to them.
#[derive(Debug)]
pub(crate) struct Recording {
    path: PathBuf,
    file: File,
    journal: Arc<Journal>,
    sessions: Vec<Recorded>,
    pollers: Vec<RecordedPoller>,
}

impl Recording {
    /// Opens the file of a new log. Nothing that exists is overwritten.
    ///
    /// # Errors
    ///
    /// The file exists or cannot be made.
    pub(crate) fn open(path: &Path) -> Result<Self, Failure> {
        let name = path.display().to_string();
        let file = File::create_new(path).map_err(|error| Failure::write(&name, error))?;
        Ok(Self {
            path: path.to_owned(),
            file,
            journal: Arc::default(),
            sessions: Vec::new(),
            pollers: Vec::new(),
        })
    }

    /// A session that is recorded.
    ///
    /// # Errors
    ///
    /// Its settings contradict each other.
    pub(crate) fn session(
        &mut self,
        planned: &Planned,
        seed: [u8; 32],
    ) -> Result<Tapped<Agent, Recorder>, SettingsError> {
        let session = planned.session(seed)?;
        self.sessions.push(Recorded {
            plan: planned.plan.clone(),
            settings: planned.settings.clone(),
            seed,
        });
        Ok(Tapped::new(session.into(), Recorder::new(&self.journal)))
    }

    /// A poller that is recorded. All sessions have joined before the first of them.
    ///
    /// # Errors
    ///
    /// Its settings contradict each other.
    pub(crate) fn poller(
        &mut self,
        polled: &Polled,
        seed: [u8; 32],
    ) -> Result<Tapped<Agent, Recorder>, PollError> {
        let poller = polled.poller(seed)?;
        self.pollers.push(RecordedPoller {
            plan: polled.plan.clone(),
            settings: polled.settings.clone(),
            seed,
        });
        Ok(Tapped::new(poller.into(), Recorder::new(&self.journal)))
    }

    /// Starts to write. `zero` is the wall-clock time at the origin of the sessions' clock; `wake`
    /// is called at the end of [`close`](Running::close).
    ///
    /// # Errors
    ///
    /// The writer's thread cannot be started.
    pub(crate) fn start(
        self,
        runtime: &str,
        zero: UnixNanos,
        wake: impl Fn() + Send + 'static,
    ) -> Result<Running, Failure> {
        let fleet = Fleet {
            program: env!("CARGO_PKG_VERSION").to_owned(),
            runtime: runtime.to_owned(),
            zero,
            sessions: self.sessions,
            pollers: self.pollers,
        };
        let (journal, path) = (Arc::clone(&self.journal), self.path.clone());
        let writer = thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || write(&self.journal, &fleet, &self.file, &self.path, wake))
            .map_err(|error| Failure::Io(format!("cannot start the log's thread: {error}")))?;
        Ok(Running {
            path,
            journal,
            writer,
        })
    }
}

fn write(
    journal: &Journal,
    fleet: &Fleet,
    file: &File,
    path: &Path,
    wake: impl Fn(),
) -> io::Result<Written> {
    let mut description = Vec::new();
    fleet.put(&mut description);
    let early = |why: &dyn fmt::Display| {
        let path = path.display();
        // With standard error closed the exit code tells.
        let _told = writeln!(
            io::stderr(),
            "marketprism: the log {path} ends here: {why}; collecting goes on"
        );
    };
    journal.write(&description, file, early, wake)
}

/// A recording under way.
#[derive(Debug)]
pub(crate) struct Running {
    path: PathBuf,
    journal: Arc<Journal>,
    writer: JoinHandle<io::Result<Written>>,
}

impl Running {
    /// Nothing more will come; the writer comes to its end.
    pub(crate) fn close(&self) {
        self.journal.close();
    }

    /// Whether there is nothing left to wait for.
    pub(crate) fn is_over(&self) -> bool {
        self.journal.is_over()
    }

    /// Waits until the log is written, and tells what it has come to.
    ///
    /// # Errors
    ///
    /// It could not be written to its end, or it ended before the sessions did.
    pub(crate) fn finish(self) -> Result<Summary, Failure> {
        let path = self.path.display().to_string();
        let written = match self.writer.join() {
            Ok(written) => written,
            Err(_) => Err(io::Error::other("the log's thread died")),
        };
        match written {
            Ok(written) if written.ending == Ending::Complete => Ok(Summary { path, written }),
            Ok(Written { ending, .. }) => {
                let sentence = format!("the log {path} ended before its time: {ending}");
                Err(Failure::Io(sentence))
            }
            Err(error) => Err(Failure::write(&path, error)),
        }
    }
}

/// What a recording has come to, for people.
#[derive(Debug)]
pub(crate) struct Summary {
    path: String,
    written: Written,
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { path, written } = self;
        let Written { bytes, digest, .. } = written;
        write!(f, "recorded in {path}, {bytes} bytes, digest {digest}")
    }
}

/// Records one session: everything that it is given, and the digest of what comes out.
#[derive(Debug)]
pub(crate) struct Recorder {
    number: u32,
    journal: Arc<Journal>,
    witness: Witness,
    stamps: Stamps,
    /// The same before the entry at hand, which may turn out to be none.
    before: Stamps,
    entry: Vec<u8>,
    last: Offer,
}

impl Recorder {
    pub(super) fn new(journal: &Arc<Journal>) -> Self {
        let witness = Witness::new();
        Self {
            number: journal.join(witness.digest()),
            journal: Arc::clone(journal),
            witness,
            stamps: Stamps::default(),
            before: Stamps::default(),
            entry: Vec::new(),
            last: Offer::Taken,
        }
    }

    fn begin(&mut self) {
        self.before = self.stamps;
        self.entry.clear();
        self.number.put(&mut self.entry);
    }
}

impl Tap<Agent> for Recorder {
    fn given(&mut self, given: Given<'_>) {
        if self.last == Offer::Taken {
            self.begin();
            self.stamps.put(given, &mut self.entry);
            self.witness.given(given);
        }
    }

    fn action(&mut self, action: Action) {
        if self.last == Offer::Taken {
            self.begin();
            Stamps::put_action(&mut self.entry);
            self.witness.action(action);
        }
    }

    fn event(&mut self, event: &Heard<'_>) {
        if self.last == Offer::Taken {
            self.witness.event(event);
        }
    }

    fn settled(&mut self, agent: &Agent) {
        if self.last == Offer::Over {
            return;
        }
        match self.witness.settled(agent) {
            Change::Nothing => self.stamps = self.before,
            Change::Something => {
                let digest = self.witness.digest();
                self.last = self.journal.offer(self.number, &self.entry, digest);
            }
        }
    }
}
