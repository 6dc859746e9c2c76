//! Exchange twins at work: each in a task of its own, its ledger there for the asking.

use std::io;
use std::net::SocketAddr;

use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;

use crate::failure::Failure;
use crate::twin::{Ledger, Server};

/// A twin that serves until it is dropped or stopped.
#[derive(Debug)]
pub(crate) struct Host {
    address: SocketAddr,
    questions: mpsc::Sender<oneshot::Sender<Ledger>>,
    task: JoinHandle<io::Result<()>>,
}

impl Host {
    /// Lets a twin serve in the runtime of the caller.
    pub(crate) fn start(server: Server) -> Self {
        let (questions, asked) = mpsc::channel(1);
        Self {
            address: server.address(),
            questions,
            task: tokio::spawn(serve(server, asked)),
        }
    }

    /// Where it listens.
    pub(crate) const fn address(&self) -> SocketAddr {
        self.address
    }

    /// What it has done so far.
    pub(crate) async fn ledger(&self) -> Result<Ledger, Failure> {
        let gone = || Failure::Io(format!("the twin at {} has ended", self.address));
        let (answer, answered) = oneshot::channel();
        self.questions.send(answer).await.map_err(|_| gone())?;
        answered.await.map_err(|_| gone())
    }

    /// Closes its sockets.
    pub(crate) async fn stop(self) -> Result<(), Failure> {
        drop(self.questions);
        let failed = |error: &dyn std::fmt::Display| {
            Failure::Io(format!("the twin at {} failed: {error}", self.address))
        };
        match self.task.await {
            Ok(served) => served.map_err(|error| failed(&error)),
            Err(error) => Err(failed(&error)),
        }
    }
}

/// Serves until nobody can ask any more.
async fn serve(
    mut server: Server,
    mut asked: mpsc::Receiver<oneshot::Sender<Ledger>>,
) -> io::Result<()> {
    loop {
        tokio::select! {
            question = asked.recv() => match question {
                // Who asked may have gone since.
                Some(answer) => answer.send(server.ledger().clone()).unwrap_or_default(),
                None => return Ok(()),
            },
            turned = server.turn() => turned?,
        }
    }
}
