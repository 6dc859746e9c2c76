//! The exchanges of the demo, served in a thread of their own: the thread of the sessions is
//! theirs alone, as it is in `run`.

use std::sync::mpsc::{self, Receiver, SyncSender, TrySendError};
use std::thread::{self, JoinHandle};
use std::time::Instant;

use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use super::TICK;
use crate::failure::Failure;
use crate::host::Host;
use crate::shell::Bell;
use crate::twin::{Ledger, Server};

/// Exchanges that serve until they are stopped, or until nobody takes their reports any more.
#[derive(Debug)]
pub(super) struct Exchanges {
    stop: oneshot::Sender<()>,
    thread: JoinHandle<Result<(), Failure>>,
}

/// What every exchange had done at an instant.
#[derive(Debug)]
pub(super) struct Report {
    pub(super) at: Instant,
    pub(super) ledgers: Vec<Ledger>,
}

impl Exchanges {
    /// Serves in the runtime that the servers were made in. The bell rings at each report.
    ///
    /// # Errors
    ///
    /// The thread cannot be started.
    pub(super) fn serve(
        runtime: Runtime,
        servers: Vec<Server>,
        bell: Bell,
    ) -> Result<(Self, Receiver<Report>), Failure> {
        let (stop, stopped) = oneshot::channel();
        // A second report would be old by the time that somebody takes it.
        let (report, reports) = mpsc::sync_channel(1);
        let thread = thread::Builder::new()
            .name("exchanges".to_owned())
            .spawn(move || runtime.block_on(host(servers, stopped, &report, &bell)))
            .map_err(|error| Failure::Io(format!("cannot start a thread: {error}")))?;
        Ok((Self { stop, thread }, reports))
    }

    /// Closes their sockets.
    ///
    /// # Errors
    ///
    /// One of them has failed, now or before.
    pub(super) fn stop(self) -> Result<(), Failure> {
        // If they have ended already, the thread says why.
        let _stopped = self.stop.send(());
        match self.thread.join() {
            Ok(served) => served,
            Err(_) => Err(Failure::Io("the exchanges have died".to_owned())),
        }
    }
}

async fn host(
    servers: Vec<Server>,
    stopped: oneshot::Receiver<()>,
    report: &SyncSender<Report>,
    bell: &Bell,
) -> Result<(), Failure> {
    let hosts: Vec<_> = servers.into_iter().map(Host::start).collect();
    tokio::select! {
        _ = stopped => {}
        ended = tell(&hosts, report, bell) => ended?,
    }
    for host in hosts {
        host.stop().await?;
    }
    Ok(())
}

async fn tell(hosts: &[Host], report: &SyncSender<Report>, bell: &Bell) -> Result<(), Failure> {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        let at = Instant::now();
        let mut ledgers = Vec::new();
        for host in hosts {
            ledgers.push(host.ledger().await?);
        }
        match report.try_send(Report { at, ledgers }) {
            Ok(()) => bell.ring(),
            // The last one is not taken yet: the next will be newer.
            Err(TrySendError::Full(_)) => {}
            Err(TrySendError::Disconnected(_)) => return Ok(()),
        }
    }
}
