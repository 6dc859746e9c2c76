//! The bounded hand-over from the loop that owns the sockets to the thread that writes.
//!
//! A reader of sockets must not wait for a disk: pings want answers. So the loop waits for room
//! only for a bounded time, then lines are refused until the writer has caught up. The caller
//! counts what was refused and says so in the stream itself.

use std::io::{self, Write};
use std::mem;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

/// How much may wait, and for how long the loop may be held up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How many bytes of lines may wait for the writer. As many again may be in its hands.
    pub capacity: usize,
    /// How long the loop waits for room, in all, in each round: until the writer has taken what
    /// waits. After that lines are refused.
    pub block: Duration,
}

/// What became of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "a refused line is lost and has to be accounted for"]
pub enum Offer {
    /// The writer has it or will have it.
    Taken,
    /// There was no room in time.
    Refused,
    /// The writer has failed; [`Closing::finish`] tells why.
    Broken,
}

/// What has been written when all is done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Written {
    /// Bytes.
    pub bytes: u64,
}

/// The loop's end of the hand-over.
#[derive(Debug)]
pub struct Handover {
    shared: Arc<Shared>,
    limits: Limits,
    writer: JoinHandle<io::Result<Written>>,
    /// How long the loop has waited in this round.
    blocked: Duration,
    round: u64,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Mode {
    #[default]
    Flowing,
    /// Lines are refused until half the capacity is free: one gap for a congestion, not one for
    /// each line.
    Refusing,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    room: Condvar,
    work: Condvar,
}

#[derive(Debug, Default)]
struct Queue {
    waiting: Vec<u8>,
    /// How often the writer has taken all that waits.
    rounds: u64,
    mode: Mode,
    writer: Writer,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Writer {
    #[default]
    Running,
    /// Nothing more will come.
    Closing,
    /// Everything is written.
    Done,
    Failed,
}

impl Shared {
    /// The queue holds plain bytes: a thread that died while it held the lock left them whole.
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Handover {
    /// Starts the writer thread over `output`. `wake` is called from that thread whenever the
    /// loop has reason to look: there is room again, or the writer is at its end.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub fn start(
        output: impl Write + Send + 'static,
        limits: Limits,
        wake: impl Fn() + Send + 'static,
    ) -> io::Result<Self> {
        let shared = Arc::new(Shared::default());
        let theirs = Arc::clone(&shared);
        let writer = thread::Builder::new()
            .name("writer".to_owned())
            .spawn(move || {
                let mut leaving = Leaving {
                    shared: &theirs,
                    wake: &wake,
                    last: Writer::Failed,
                };
                let written = write_all(&theirs, output, &wake)?;
                leaving.last = Writer::Done;
                Ok(written)
            })?;
        Ok(Self {
            shared,
            limits,
            writer,
            blocked: Duration::ZERO,
            round: 0,
        })
    }

    /// Hands over whole lines, all of them or none.
    pub fn offer(&mut self, lines: &[u8]) -> Offer {
        let shared = Arc::clone(&self.shared);
        let mut queue = shared.lock();
        if queue.mode == Mode::Flowing && !self.fits(&queue, lines) {
            queue = self.wait_for_room(&shared, queue, lines);
        }
        if queue.writer == Writer::Failed {
            return Offer::Broken;
        }
        if !self.admits(&queue, lines) {
            queue.mode = Mode::Refusing;
            return Offer::Refused;
        }
        queue.mode = Mode::Flowing;
        if queue.waiting.is_empty() {
            shared.work.notify_one();
        }
        queue.waiting.extend_from_slice(lines);
        Offer::Taken
    }

    fn fits(&self, queue: &Queue, lines: &[u8]) -> bool {
        // Lines longer than the whole capacity are let through alone rather than never.
        queue.waiting.is_empty() || queue.waiting.len() + lines.len() <= self.limits.capacity
    }

    fn admits(&self, queue: &Queue, lines: &[u8]) -> bool {
        match queue.mode {
            Mode::Flowing => self.fits(queue, lines),
            Mode::Refusing => queue.waiting.len() <= self.limits.capacity / 2,
        }
    }

    fn wait_for_room<'q>(
        &mut self,
        shared: &'q Shared,
        mut queue: MutexGuard<'q, Queue>,
        lines: &[u8],
    ) -> MutexGuard<'q, Queue> {
        if self.round != queue.rounds {
            self.round = queue.rounds;
            self.blocked = Duration::ZERO;
        }
        let began = Instant::now();
        let budget = self.limits.block.saturating_sub(self.blocked);
        while queue.writer == Writer::Running && !self.fits(&queue, lines) {
            let left = budget.saturating_sub(began.elapsed());
            if left.is_zero() {
                break;
            }
            let waited = shared.room.wait_timeout(queue, left);
            queue = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        self.blocked += began.elapsed();
        queue
    }

    /// Whether the writer has failed.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.shared.lock().writer == Writer::Failed
    }

    /// Hands over `last` whether there is room or not, and nothing after it.
    #[must_use]
    pub fn close(self, last: &[u8]) -> Closing {
        let mut queue = self.shared.lock();
        queue.waiting.extend_from_slice(last);
        if queue.writer == Writer::Running {
            queue.writer = Writer::Closing;
        }
        drop(queue);
        self.shared.work.notify_one();
        Closing {
            shared: self.shared,
            writer: self.writer,
        }
    }
}

/// A hand-over that takes nothing more, while the writer writes what still waits.
#[derive(Debug)]
pub struct Closing {
    shared: Arc<Shared>,
    writer: JoinHandle<io::Result<Written>>,
}

impl Closing {
    /// Whether the writer is at its end, having written everything or failed. It wakes the loop
    /// when it gets there.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.shared.lock().writer, Writer::Done | Writer::Failed)
    }

    /// Waits until everything is written and the output is closed.
    ///
    /// # Errors
    ///
    /// Writing failed, now or before.
    pub fn finish(self) -> io::Result<Written> {
        match self.writer.join() {
            Ok(result) => result,
            Err(_) => Err(io::Error::other("the writer thread died")),
        }
    }
}

/// The writer thread: takes all that waits, writes it, and again.
fn write_all(shared: &Shared, mut output: impl Write, wake: &impl Fn()) -> io::Result<Written> {
    let mut lines = Vec::new();
    let mut written = Written::default();
    loop {
        let taken = take(shared, &mut lines);
        if taken.mode == Mode::Refusing {
            wake();
        }
        output.write_all(&lines)?;
        output.flush()?;
        written.bytes += lines.len() as u64;
        lines.clear();
        if taken.writer != Writer::Running {
            return Ok(written);
        }
    }
}

/// How the hand-over stood when the writer took all that waited.
struct Taken {
    mode: Mode,
    writer: Writer,
}

fn take(shared: &Shared, lines: &mut Vec<u8>) -> Taken {
    let mut queue = shared.lock();
    while queue.waiting.is_empty() && queue.writer == Writer::Running {
        queue = shared
            .work
            .wait(queue)
            .unwrap_or_else(PoisonError::into_inner);
    }
    mem::swap(&mut queue.waiting, lines);
    queue.rounds += 1;
    shared.room.notify_one();
    Taken {
        mode: queue.mode,
        writer: queue.writer,
    }
}

/// Tells the loop that the writer is at its end, whichever way it got there: a writer that
/// panicked must not leave the loop believing in it.
struct Leaving<'a, W: Fn()> {
    shared: &'a Shared,
    wake: &'a W,
    last: Writer,
}

impl<W: Fn()> Drop for Leaving<'_, W> {
    fn drop(&mut self) {
        let mut queue = self.shared.lock();
        queue.writer = self.last;
        queue.waiting = Vec::new();
        drop(queue);
        self.shared.room.notify_one();
        (self.wake)();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{self, Receiver, Sender};

    /// An output that writes only what it is allowed to: one `write` for each permit.
    struct Gated {
        permits: Receiver<()>,
        written: Arc<Mutex<Vec<u8>>>,
    }

    impl Write for Gated {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.permits.recv().map_err(io::Error::other)?;
            self.written.lock().unwrap().extend_from_slice(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    struct Scene {
        handover: Handover,
        permits: Sender<()>,
        written: Arc<Mutex<Vec<u8>>>,
        woken: Receiver<()>,
    }

    fn scene(capacity: usize, block: Duration) -> Scene {
        let (permits, allowed) = mpsc::channel();
        let (wake, woken) = mpsc::channel();
        let written = Arc::default();
        let output = Gated {
            permits: allowed,
            written: Arc::clone(&written),
        };
        let limits = Limits { capacity, block };
        let handover =
            Handover::start(output, limits, move || wake.send(()).unwrap_or_default()).unwrap();
        Scene {
            handover,
            permits,
            written,
            woken,
        }
    }

    impl Scene {
        /// Offers a first line and waits until the writer has it in its hands, stuck.
        fn stick(&mut self) {
            assert_eq!(self.handover.offer(b"first\n"), Offer::Taken);
            while !self.handover.shared.lock().waiting.is_empty() {
                thread::yield_now();
            }
        }
    }

    #[test]
    fn everything_is_written_in_order() {
        let mut scene = scene(1 << 20, Duration::from_secs(60));
        let mut expected = Vec::new();
        for number in 0..1000 {
            let line = format!("line {number}\n");
            expected.extend_from_slice(line.as_bytes());
            scene.permits.send(()).unwrap();
            assert_eq!(scene.handover.offer(line.as_bytes()), Offer::Taken);
        }
        expected.extend_from_slice(b"last\n");
        scene.permits.send(()).unwrap();
        let written = scene.handover.close(b"last\n").finish().unwrap();
        assert_eq!(*scene.written.lock().unwrap(), expected);
        assert_eq!(written.bytes, expected.len() as u64);
    }

    #[test]
    fn a_stuck_output_holds_the_loop_up_once_and_for_a_bounded_time() {
        let block = Duration::from_millis(30);
        let mut scene = scene(10, block);
        scene.stick();
        assert_eq!(scene.handover.offer(b"0123456789"), Offer::Taken);
        let began = Instant::now();
        assert_eq!(scene.handover.offer(b"x"), Offer::Refused);
        assert!(began.elapsed() >= block);
        let began = Instant::now();
        for _ in 0..1000 {
            assert_eq!(scene.handover.offer(b"x"), Offer::Refused);
        }
        assert!(began.elapsed() < Duration::from_secs(5), "refused at once");
    }

    #[test]
    fn lines_are_taken_again_once_there_is_room_and_the_loop_is_woken() {
        let mut scene = scene(10, Duration::ZERO);
        scene.stick();
        assert_eq!(scene.handover.offer(b"0123456789"), Offer::Taken);
        assert_eq!(scene.handover.offer(b"lost"), Offer::Refused);
        scene.permits.send(()).unwrap();
        scene.woken.recv().unwrap();
        assert_eq!(scene.handover.offer(b"gap\n"), Offer::Taken);
        scene.permits.send(()).unwrap();
        scene.permits.send(()).unwrap();
        scene.handover.close(b"").finish().unwrap();
        assert_eq!(*scene.written.lock().unwrap(), b"first\n0123456789gap\n");
    }

    #[test]
    fn a_block_longer_than_the_whole_buffer_passes_alone() {
        let mut scene = scene(4, Duration::ZERO);
        scene.stick();
        assert_eq!(scene.handover.offer(b"longer than four"), Offer::Taken);
        assert_eq!(scene.handover.offer(b"x"), Offer::Refused);
    }

    #[test]
    fn a_failed_output_is_told_at_once_and_again_at_the_end() {
        let mut scene = scene(10, Duration::from_secs(60));
        scene.stick();
        assert_eq!(scene.handover.offer(b"0123456789"), Offer::Taken);
        drop(scene.permits);
        // Woken out of the wait for room, long before its end.
        assert_eq!(scene.handover.offer(b"x"), Offer::Broken);
        scene.woken.recv().unwrap();
        assert_eq!(scene.handover.offer(b"x"), Offer::Broken);
        assert!(scene.handover.close(b"last").finish().is_err());
    }

    #[test]
    fn a_writer_that_panics_breaks_the_sink_at_once() {
        struct Mine;
        impl Write for Mine {
            fn write(&mut self, _: &[u8]) -> io::Result<usize> {
                panic!("stepped on");
            }
            fn flush(&mut self) -> io::Result<()> {
                Ok(())
            }
        }
        let (wake, woken) = mpsc::channel();
        let limits = Limits {
            capacity: 10,
            block: Duration::from_secs(60),
        };
        let wake = move || wake.send(()).unwrap_or_default();
        let mut handover = Handover::start(Mine, limits, wake).unwrap();
        assert_eq!(handover.offer(b"x"), Offer::Taken);
        woken.recv().unwrap();
        assert!(handover.is_broken());
        assert_eq!(handover.offer(b"x"), Offer::Broken);
        let closing = handover.close(b"");
        assert!(closing.is_over());
        let error = closing.finish().unwrap_err();
        assert_eq!(error.to_string(), "the writer thread died");
    }

    #[test]
    fn the_loop_is_woken_when_everything_is_written() {
        let mut scene = scene(10, Duration::ZERO);
        scene.stick();
        let closing = scene.handover.close(b"last\n");
        assert!(!closing.is_over());
        scene.permits.send(()).unwrap();
        scene.permits.send(()).unwrap();
        scene.woken.recv().unwrap();
        assert!(closing.is_over());
        let written = closing.finish().unwrap();
        assert_eq!(written.bytes, b"first\nlast\n".len() as u64);
    }
}
