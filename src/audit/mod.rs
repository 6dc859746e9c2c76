//! The audit from outside: the kernel's table of this process's sockets, sampled while it works.

mod table;

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use table::{Family, Socket, State, own_sockets};

/// How often the table is read. The kernel walks its whole hash table for one reading, which can
/// take as long, so half of it is rest in any case.
const PERIOD: Duration = Duration::from_millis(20);

/// A thread that reads the table until it is told to stop.
#[derive(Debug)]
pub(crate) struct Audit {
    stop: Sender<()>,
    thread: JoinHandle<io::Result<Findings>>,
}

/// What was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Findings {
    /// How many times the table was read.
    pub(crate) samples: u64,
    /// For each watched port, the most sockets to it that were open at once.
    pub(crate) live_max: BTreeMap<u16, usize>,
    /// The most sockets to all ports of the pool together that were open at once.
    pub(crate) pool_max: usize,
    /// The longest that a socket to a watched port stood in CLOSE_WAIT.
    pub(crate) close_wait_max: Duration,
}

impl Audit {
    /// Begins to watch the sockets of IP version 4 whose remote port is one of `ports`, each for
    /// itself, or of `pool`, all together.
    ///
    /// # Errors
    ///
    /// The system has no such table, or the thread cannot be started.
    pub(crate) fn start(
        ports: impl IntoIterator<Item = u16>,
        pool: impl IntoIterator<Item = u16>,
    ) -> io::Result<Self> {
        own_sockets(Family::V4)?;
        let (stop, stopped) = mpsc::channel();
        let mut watch = Watch::new(ports, pool);
        let thread = thread::Builder::new()
            .name("audit".to_owned())
            .spawn(move || {
                let mut pause = PERIOD;
                while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                    let now = Instant::now();
                    watch.sample(now, &own_sockets(Family::V4)?);
                    pause = PERIOD.saturating_sub(now.elapsed()).max(PERIOD / 2);
                }
                Ok(watch.findings)
            })?;
        Ok(Self { stop, thread })
    }

    /// Ends the watch.
    ///
    /// # Errors
    ///
    /// The table could not be read at some point.
    pub(crate) fn finish(self) -> io::Result<Findings> {
        drop(self.stop);
        match self.thread.join() {
            Ok(findings) => findings,
            Err(_) => Err(io::Error::other("the audit thread died")),
        }
    }
}

/// How many sockets of this process stand in CLOSE_WAIT now, whoever is at the other end.
///
/// # Errors
///
/// The system has no such table.
pub(crate) fn close_wait_now() -> io::Result<usize> {
    let half_closed = |socket: &&Socket| socket.state == State::CloseWait;
    let mut sockets = own_sockets(Family::V4)?;
    sockets.extend(own_sockets(Family::V6)?);
    Ok(sockets.iter().filter(half_closed).count())
}

#[derive(Debug, Default)]
struct Watch {
    findings: Findings,
    pool: BTreeSet<u16>,
    /// Since when each socket has been seen in CLOSE_WAIT, by inode.
    half_closed: BTreeMap<u64, Instant>,
}

impl Watch {
    fn new(ports: impl IntoIterator<Item = u16>, pool: impl IntoIterator<Item = u16>) -> Self {
        let mut watch = Self {
            pool: pool.into_iter().collect(),
            ..Self::default()
        };
        watch.findings.live_max = ports.into_iter().map(|port| (port, 0)).collect();
        watch
    }

    fn sample(&mut self, now: Instant, sockets: &[Socket]) {
        self.findings.samples += 1;
        for (port, live_max) in &mut self.findings.live_max {
            let to_port = |socket: &&Socket| socket.remote_port == *port;
            *live_max = (*live_max).max(sockets.iter().filter(to_port).count());
        }
        let in_pool = |socket: &&Socket| self.pool.contains(&socket.remote_port);
        let pooled = sockets.iter().filter(in_pool).count();
        self.findings.pool_max = self.findings.pool_max.max(pooled);
        let watched = |socket: &Socket| {
            self.findings.live_max.contains_key(&socket.remote_port) || in_pool(&socket)
        };
        let half_closed = |socket: &Socket| socket.state == State::CloseWait && watched(socket);
        let inodes = sockets
            .iter()
            .copied()
            .filter(half_closed)
            .map(|socket| socket.inode);
        let since = |inode| (inode, self.half_closed.get(&inode).copied().unwrap_or(now));
        self.half_closed = inodes.map(since).collect();
        for since in self.half_closed.values() {
            let lasted = now.duration_since(*since);
            self.findings.close_wait_max = self.findings.close_wait_max.max(lasted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn socket(remote_port: u16, state: State, inode: u64) -> Socket {
        Socket {
            local_port: 1,
            remote_port,
            state,
            inode,
        }
    }

    #[test]
    fn the_most_sockets_at_once_count() {
        let mut watch = Watch::new([7, 8], [10, 11]);
        let now = Instant::now();
        let one = socket(7, State::Established, 1);
        let two = socket(7, State::Other, 2);
        let foreign = socket(9, State::Established, 3);
        watch.sample(now, &[one, foreign]);
        let pooled = [10, 11].map(|port| socket(port, State::Established, port.into()));
        watch.sample(now, &[one, two, pooled[0], pooled[1]]);
        watch.sample(now, &[]);
        assert_eq!(watch.findings.live_max, BTreeMap::from([(7, 2), (8, 0)]));
        assert_eq!(watch.findings.pool_max, 2);
        assert_eq!(watch.findings.samples, 3);
    }

    #[test]
    fn close_wait_is_timed_for_each_socket() {
        let mut watch = Watch::new([7], []);
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        watch.sample(at(0), &[socket(7, State::CloseWait, 1)]);
        watch.sample(at(20), &[socket(7, State::CloseWait, 1)]);
        // Another socket in its place starts a time of its own.
        watch.sample(at(40), &[socket(7, State::CloseWait, 2)]);
        watch.sample(at(55), &[socket(7, State::CloseWait, 2)]);
        assert_eq!(watch.findings.close_wait_max, Duration::from_millis(20));
    }
}
