//! From the loop that owns the sockets to a log on disk: bounded, and never waited for.
//!
//! The hand-over of events waits a while for room, because an event that is lost is lost. A log
//! that cannot keep up ends instead, says so, and the collecting goes on as if it were not there:
//! a log with a hole could not be replayed.

use std::collections::VecDeque;
use std::fmt;
use std::io::{self, Write};
use std::mem;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::block::{Kind, Packer, RAW_MAX, beginning};
use super::digest::Digest;
use super::wire::{Bytes, Flaw, Put, Take};

/// What may wait for the writer.
const WAITING_MAX: usize = 128 << 20;

/// The length from which a block is written, before compression.
const BLOCK: usize = 256 << 10;

/// How long an entry may wait for its block to fill: what a killed recorder can cost.
const PATIENCE: Duration = Duration::from_millis(500);

/// How a recording ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Ending {
    /// With the sessions.
    Complete,
    /// The disk could not keep up.
    Overflow,
    /// A session was given more at once than a log holds.
    Oversize,
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Complete => "it is complete",
            Self::Overflow => "the disk could not keep up",
            Self::Oversize => "a session was given more at once than a log holds",
        })
    }
}

impl Put for Ending {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(match self {
            Self::Complete => 0,
            Self::Overflow => 1,
            Self::Oversize => 2,
        });
    }
}

impl Take for Ending {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        match u8::take(from)? {
            0 => Ok(Self::Complete),
            1 => Ok(Self::Overflow),
            2 => Ok(Self::Oversize),
            _ => Err(Flaw("has an unknown code")),
        }
    }
}

/// What became of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a log that has ended takes no more entries"]
pub(super) enum Offer {
    Taken,
    /// The log has ended.
    Over,
}

/// What has been written when all is done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Written {
    pub(crate) bytes: u64,
    pub(crate) digest: Digest,
    pub(crate) ending: Ending,
}

/// The queue between the recorders and the writer's thread.
#[derive(Debug, Default)]
pub(super) struct Journal {
    queue: Mutex<Queue>,
    work: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    /// Blocks that are full.
    full: VecDeque<Chunk>,
    /// Entries on their way to the next.
    open: Vec<u8>,
    /// Since when the first of them has waited.
    since: Option<Instant>,
    /// The bytes of all of them, and of the block that is being written.
    waiting: usize,
    /// Each session's digest after its last entry.
    digests: Vec<Digest>,
    ending: Option<Ending>,
    writer: Writer,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Writer {
    #[default]
    Running,
    /// It has written all that it could.
    Gone,
}

/// Entries, and the digest of all that came out until their end.
#[derive(Debug)]
struct Chunk {
    entries: Vec<u8>,
    digest: Digest,
}

impl Queue {
    fn digest(&self) -> Digest {
        Digest::of(self.digests.iter().copied())
    }

    fn close_block(&mut self) -> Option<Chunk> {
        self.since = None;
        let entries = mem::take(&mut self.open);
        let digest = self.digest();
        (!entries.is_empty()).then_some(Chunk { entries, digest })
    }

    const fn takes_no_more(&self) -> bool {
        self.ending.is_some() || matches!(self.writer, Writer::Gone)
    }
}

impl Journal {
    /// Plain values stand behind the lock: a thread that died while it held it left them whole.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Makes room for one session more, whose digest begins with this one.
    pub(super) fn join(&self, digest: Digest) -> u32 {
        let mut queue = self.lock();
        let number = u32::try_from(queue.digests.len()).unwrap_or(u32::MAX);
        queue.digests.push(digest);
        number
    }

    /// Takes an entry, with the digest of all that its session has brought out since.
    pub(super) fn offer(&self, session: u32, entry: &[u8], digest: Digest) -> Offer {
        let mut queue = self.lock();
        if queue.takes_no_more() {
            return Offer::Over;
        }
        let ending = match entry.len() {
            len if len > RAW_MAX / 2 => Some(Ending::Oversize),
            len if queue.waiting + len > WAITING_MAX => Some(Ending::Overflow),
            _ => None,
        };
        if ending.is_some() {
            queue.ending = ending;
            self.work.notify_one();
            return Offer::Over;
        }
        if !queue.open.is_empty() && queue.open.len() + entry.len() > BLOCK {
            let full = queue.close_block();
            queue.full.extend(full);
            self.work.notify_one();
        }
        if queue.since.is_none() {
            queue.since = Some(Instant::now());
            self.work.notify_one();
        }
        queue.open.extend_from_slice(entry);
        queue.waiting += entry.len();
        if let Some(place) = queue.digests.get_mut(session as usize) {
            *place = digest;
        }
        Offer::Taken
    }

    /// Nothing more will come.
    pub(super) fn close(&self) {
        self.lock().ending.get_or_insert(Ending::Complete);
        self.work.notify_one();
    }

    /// Waits until there is a block to write; `None` once there will be none.
    fn take(&self) -> Option<Chunk> {
        let mut queue = self.lock();
        loop {
            if let Some(chunk) = queue.full.pop_front() {
                return Some(chunk);
            }
            let left = queue.since.map(|at| PATIENCE.saturating_sub(at.elapsed()));
            if queue.ending.is_some() || left.is_some_and(|left| left.is_zero()) {
                return queue.close_block();
            }
            let left = left.unwrap_or(Duration::MAX);
            let waited = self.work.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn end(&self) -> (Ending, Digest) {
        let queue = self.lock();
        let ending = queue.ending.clone();
        (ending.unwrap_or(Ending::Complete), queue.digest())
    }

    /// Whether the writer is at its end.
    pub(super) fn is_over(&self) -> bool {
        self.lock().writer == Writer::Gone
    }

    fn written(&self, chunk: &Chunk) {
        let mut queue = self.lock();
        queue.waiting = queue.waiting.saturating_sub(chunk.entries.len());
    }

    /// The writer's thread: writes a whole log. `early` is told when the log ends before the
    /// sessions do, and `wake` is called at the end of all.
    pub(super) fn write(
        &self,
        fleet: &[u8],
        output: impl Write,
        early: impl FnOnce(&dyn fmt::Display),
        wake: impl Fn(),
    ) -> io::Result<Written> {
        let _leaving = Leaving {
            journal: self,
            wake,
        };
        let mut log = Log::begin(output, fleet)?;
        while let Some(chunk) = self.take() {
            if let Err(error) = log.entries(&chunk) {
                early(&error);
                return Err(error);
            }
            self.written(&chunk);
        }
        let (ending, digest) = self.end();
        if ending != Ending::Complete {
            early(&ending);
        }
        log.end(ending, digest)
    }
}

/// However the writer leaves, the recorders do not go on for nobody, and nobody waits for it.
struct Leaving<'a, W: Fn()> {
    journal: &'a Journal,
    wake: W,
}

impl<W: Fn()> Drop for Leaving<'_, W> {
    fn drop(&mut self) {
        let mut queue = self.journal.lock();
        queue.writer = Writer::Gone;
        queue.full = VecDeque::new();
        queue.open = Vec::new();
        drop(queue);
        (self.wake)();
    }
}

/// A log as it is written.
struct Log<W> {
    output: W,
    packer: Packer,
    raw: Vec<u8>,
    bytes: u64,
}

impl<W: Write> Log<W> {
    fn begin(output: W, fleet: &[u8]) -> io::Result<Self> {
        let mut log = Self {
            output,
            packer: Packer::new()?,
            raw: Vec::new(),
            bytes: 0,
        };
        log.write(&beginning())?;
        log.block(Kind::Fleet, fleet)?;
        Ok(log)
    }

    fn entries(&mut self, chunk: &Chunk) -> io::Result<()> {
        let mut raw = mem::take(&mut self.raw);
        raw.clear();
        chunk.digest.put(&mut raw);
        raw.extend_from_slice(&chunk.entries);
        let written = self.block(Kind::Entries, &raw);
        self.raw = raw;
        written
    }

    fn end(mut self, ending: Ending, digest: Digest) -> io::Result<Written> {
        let mut raw = Vec::new();
        digest.put(&mut raw);
        ending.put(&mut raw);
        self.block(Kind::End, &raw)?;
        Ok(Written {
            bytes: self.bytes,
            digest,
            ending,
        })
    }

    fn block(&mut self, kind: Kind, raw: &[u8]) -> io::Result<()> {
        let block = self.packer.pack(kind, raw)?;
        self.write(&block)
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.output.write_all(bytes)?;
        self.output.flush()?;
        self.bytes += bytes.len() as u64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::record::block;
    use crate::record::recorder::Recorder;
    use crate::record::{Fleet, Log as Replay, LogError, Recorded, Report, Step, Tail};
    use marketprism_core::agent::Agent;
    use marketprism_core::connection::{Action, Input};
    use marketprism_core::market::{Channel, Market};
    use marketprism_core::plan::{Limits, Wanted, plan};
    use marketprism_core::session::Settings;
    use marketprism_core::tap::Tapped;
    use marketprism_core::ws::{self, Server, ServerEvent};
    use marketprism_core::{Machine, ReceiveBuffer, Time, UnixNanos};
    use proptest::prelude::*;
    use std::cell::Cell;
    use std::sync::Arc;
    use std::sync::mpsc::{self, Receiver};

    /// A session that is recorded, and the server that it is connected to.
    struct Scene {
        journal: Arc<Journal>,
        fleet: Fleet,
        session: Tapped<Agent, Recorder>,
        server: Server,
        now: Time,
        heard: usize,
    }

    fn recorded() -> Recorded {
        let wanted = Wanted {
            market: Market::Okx,
            instrument: "BTC-USDT".to_owned(),
            channel: Channel::Trades,
        };
        let plan = plan(&[wanted], Limits::of).unwrap().remove(0);
        let settings = Settings::of(&plan);
        Recorded {
            plan,
            settings,
            seed: [5; 32],
        }
    }

    fn fleet() -> Fleet {
        Fleet {
            program: "0.0.0".to_owned(),
            runtime: "none".to_owned(),
            zero: UnixNanos::from_nanos(1_000),
            sessions: vec![recorded()],
            pollers: Vec::new(),
        }
    }

    impl Scene {
        fn new() -> Self {
            let (journal, fleet) = (Arc::default(), fleet());
            let session = fleet.sessions[0].session().unwrap();
            Self {
                session: Tapped::new(session.into(), Recorder::new(&journal)),
                journal,
                fleet,
                server: Server::new(ws::Limits::DEFAULT, 1 << 16, None),
                now: Time::from_nanos(7),
                heard: 0,
            }
        }

        /// A connection, two trades with a hole between them, and the end.
        fn live(&mut self) {
            self.session.handle(self.now, Input::Start);
            let Some(Action::Dial(epoch)) = self.session.poll_action() else {
                panic!("no dial");
            };
            self.session.handle(self.now, Input::Dialed(epoch));
            self.talk();
            self.end_block();
            for id in [70, 75] {
                let trade = format!(
                    r#"{{"arg":{{"channel":"trades","instId":"BTC-USDT"}},"data":[{{"instId":"BTC-USDT","tradeId":"{id}","px":"1.5","sz":"2","side":"buy","ts":"9","count":"1","source":"0","seqId":3}}]}}"#
                );
                self.server.queue().text(&trade).unwrap();
                self.talk();
            }
            self.end_block();
            self.session.handle(self.now, Input::Eof(epoch));
            let heard = &mut self.heard;
            self.session
                .drain_events(UnixNanos::from_nanos(3), &mut |_| *heard += 1);
            self.session
                .drain_events(UnixNanos::from_nanos(4), &mut |_| *heard += 1);
        }

        /// Both ends read what the other has written.
        fn talk(&mut self) {
            let mut rx = ReceiveBuffer::with_capacity(4096);
            for _ in 0..2 {
                self.now = self.now + Duration::from_millis(1);
                let bytes = self.session.transmit().to_vec();
                fill(&mut rx, &bytes);
                self.session.transmitted(self.now, bytes.len());
                while let Some(event) = self.server.next(&mut rx).unwrap() {
                    if let ServerEvent::Request(_) = event {
                        self.server.accept(None).unwrap();
                    }
                }
                let bytes = self.server.transmit().to_vec();
                fill(&mut rx, &bytes);
                self.server.transmitted(bytes.len());
                let (received, heard) = (UnixNanos::from_nanos(2), &mut self.heard);
                self.session
                    .receive(self.now, received, &mut rx, &mut |_| *heard += 1);
            }
        }

        /// What a second of silence would do.
        fn end_block(&self) {
            let mut queue = self.journal.lock();
            let full = queue.close_block();
            queue.full.extend(full);
        }

        fn log(&self) -> (Vec<u8>, Written) {
            self.journal.close();
            let (mut log, mut description) = (Vec::new(), Vec::new());
            self.fleet.put(&mut description);
            let early = |why: &dyn fmt::Display| panic!("{why}");
            let written = self.journal.write(&description, &mut log, early, || {});
            (log, written.unwrap())
        }
    }

    fn fill(rx: &mut ReceiveBuffer, bytes: &[u8]) {
        rx.spare()[..bytes.len()].copy_from_slice(bytes);
        rx.commit(bytes.len());
    }

    fn replay(log: &[u8]) -> Result<(Report, usize), LogError> {
        let mut replay = Replay::open(log)?;
        let mut heard = 0;
        while replay.step(&mut |_, _| heard += 1)? == Step::More {}
        Ok((replay.report(), heard))
    }

    #[test]
    fn a_log_brings_out_again_what_came_out() {
        let mut scene = Scene::new();
        scene.live();
        let (log, written) = scene.log();
        assert_eq!(written.bytes, log.len() as u64);
        let (report, heard) = replay(&log).unwrap();
        assert_eq!(report.digest, written.digest);
        assert_eq!(report.difference, None);
        assert_eq!(report.tail, Tail::Ended(Ending::Complete));
        assert_eq!((report.messages, heard), (2, scene.heard));
        assert!(heard > 6, "{heard} events");
        assert_eq!(report.until, scene.now);
    }

    #[test]
    fn wherever_a_log_is_cut_its_whole_blocks_are_replayed_and_the_cut_is_told() {
        let mut scene = Scene::new();
        scene.live();
        let (log, written) = scene.log();
        let mut whole = Vec::new();
        for length in 0..log.len() {
            match replay(&log[..length]) {
                Err(LogError::NoLog) => assert_eq!(length, 0),
                Err(LogError::Short) => assert!(whole.is_empty(), "at {length}"),
                Err(error) => panic!("{error} at {length}"),
                Ok((report, _)) => {
                    assert_eq!(report.difference, None, "at {length}");
                    match report.tail {
                        Tail::Open => whole.push(length),
                        Tail::Torn(cut) => {
                            let last = *whole.last().unwrap() as u64;
                            assert_eq!(last + cut, length as u64);
                        }
                        Tail::Ended(ending) => panic!("{ending:?} at {length}"),
                    }
                }
            }
        }
        assert_eq!(whole.len(), 4, "the fleet and three blocks of entries");
        let last = replay(&log[..whole[3]]).unwrap().0;
        assert_eq!(last.digest, written.digest);
    }

    #[test]
    fn no_changed_byte_goes_unnoticed() {
        let mut scene = Scene::new();
        scene.live();
        let (log, _) = scene.log();
        for place in 0..log.len() {
            for mask in [0x01, 0x80, 0xff] {
                let mut changed = log.clone();
                changed[place] ^= mask;
                assert!(replay(&changed).is_err(), "byte {place}");
            }
        }
        let mut longer = log;
        longer.push(0);
        assert!(replay(&longer).is_err(), "bytes behind the end");
    }

    #[test]
    fn another_core_is_told_where_it_differs() {
        let mut scene = Scene::new();
        scene.live();
        // Another seed draws another key, which is what another core would do in our place.
        scene.fleet.sessions[0].seed = [6; 32];
        let (report, _) = replay(&scene.log().0).unwrap();
        let difference = report.difference.unwrap();
        assert_ne!(difference.recorded, report.digest);
        assert!(difference.offset > 16);
    }

    /// A log whose blocks are as a recorder makes them, with whatever in them.
    fn packed(blocks: &[(Kind, &[u8])]) -> Vec<u8> {
        let (mut log, mut packer) = (beginning(), Packer::new().unwrap());
        for (kind, raw) in blocks {
            log.extend(packer.pack(*kind, raw).unwrap());
        }
        log
    }

    fn described() -> Vec<u8> {
        let mut description = Vec::new();
        fleet().put(&mut description);
        description
    }

    #[test]
    fn a_fleet_that_asks_for_too_much_is_refused() {
        let mut greedy = fleet();
        greedy.sessions[0].settings.request_bytes = usize::MAX / 2;
        greedy.sessions[0].settings.connection.transmit = usize::MAX;
        let mut description = Vec::new();
        greedy.put(&mut description);
        let error = replay(&packed(&[(Kind::Fleet, &description)])).unwrap_err();
        assert_eq!(
            error.to_string(),
            "it is damaged: the block at byte 16 asks for too much memory"
        );
    }

    #[test]
    fn another_version_is_told_by_its_number() {
        let mut newer = beginning();
        let [next, _] = (block::VERSION + 1).to_le_bytes();
        newer[8] = next;
        let check = block::check32(0, &newer[..12]);
        newer[12..].copy_from_slice(&check);
        let error = replay(&newer).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "it is of version {next} of the format; this program reads {}",
                block::VERSION
            )
        );
    }

    #[test]
    fn blocks_stand_in_their_order() {
        let (fleet, nothing) = (described(), [0; 16]);
        type Blocks<'a> = &'a [(Kind, &'a [u8])];
        let table: [(Blocks<'_>, &str); 3] = [
            (
                &[(Kind::Entries, &nothing)],
                "does not say what was recorded",
            ),
            (
                &[(Kind::Fleet, &fleet), (Kind::Fleet, &fleet)],
                "says a second time what was recorded",
            ),
            (
                &[(Kind::Fleet, &fleet), (Kind::End, &[0; 18])],
                "goes on behind its end",
            ),
        ];
        for (blocks, flaw) in table {
            let error = replay(&packed(blocks)).unwrap_err().to_string();
            assert!(error.ends_with(flaw), "{error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_in_a_block_is_replayed_or_refused(
            entries in prop::collection::vec(
                (0..2_u8, 0..6_u8, prop::collection::vec(0..12_u8, 0..20)),
                0..20,
            ),
            description in prop::collection::vec(any::<u8>(), 0..200),
        ) {
            let mut raw = vec![0; 16];
            for (session, kind, rest) in entries {
                raw.extend([session, kind]);
                raw.extend(rest);
            }
            let blocks: [(Kind, &[u8]); 2] = [(Kind::Fleet, &described()), (Kind::Entries, &raw)];
            if let Ok((report, _)) = replay(&packed(&blocks)) {
                prop_assert!(report.difference.is_some(), "its digest was never taken");
            }
            prop_assert!(replay(&packed(&[(Kind::Fleet, &description)])).is_err());
        }
    }

    /// An output that writes only what it is allowed to.
    struct Gated(Receiver<()>);

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.recv().map_err(io::Error::other)?;
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_disk_that_cannot_keep_up_ends_the_log_and_holds_nobody_up() {
        let journal = Arc::new(Journal::default());
        let (permits, allowed) = mpsc::channel();
        let theirs = Arc::clone(&journal);
        let writer = std::thread::spawn(move || {
            let mut why = String::new();
            let early = |said: &dyn fmt::Display| why = said.to_string();
            let written = theirs.write(&[], Gated(allowed), early, || {});
            (written, why)
        });
        let digest = Digest::of([]);
        let session = journal.join(digest);
        let entry = vec![0; 1 << 20];
        let taken = (0..1000)
            .take_while(|_| journal.offer(session, &entry, digest) == Offer::Taken)
            .count();
        assert_eq!(taken, WAITING_MAX >> 20);
        for _ in 0..1000 {
            permits.send(()).unwrap();
        }
        let (written, why) = writer.join().unwrap();
        assert_eq!(written.unwrap().ending, Ending::Overflow);
        assert_eq!(why, "the disk could not keep up");
        assert_eq!(journal.offer(session, &[], digest), Offer::Over);
    }

    #[test]
    fn a_disk_that_fails_is_told_at_once_and_takes_no_more() {
        let journal = Journal::default();
        let session = journal.join(Digest::of([]));
        let offered = journal.offer(session, b"entry", Digest::of([]));
        assert_eq!(offered, Offer::Taken);
        let (permits, allowed) = mpsc::channel();
        for _ in 0..2 {
            permits.send(()).unwrap();
        }
        drop(permits);
        let (mut told, woken) = (0, Cell::new(0));
        let wake = || woken.set(woken.get() + 1);
        let written = journal.write(&[], Gated(allowed), |_| told += 1, wake);
        assert!(written.is_err());
        assert_eq!((told, woken.get()), (1, 1));
        assert!(journal.is_over());
        assert_eq!(journal.offer(session, &[], Digest::of([])), Offer::Over);
    }

    #[test]
    fn an_entry_waits_no_longer_than_its_patience() {
        let journal = Journal::default();
        let session = journal.join(Digest::of([]));
        let offered = journal.offer(session, b"entry", Digest::of([]));
        assert_eq!(offered, Offer::Taken);
        let chunk = journal.take().unwrap();
        assert_eq!(chunk.entries, b"entry");
    }
}
