//! A stream of owned events, for those who would rather await than be called.

use std::collections::VecDeque;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;
use marketprism_core::Machine;
use marketprism_core::fleet::MachineId;

use crate::dial::Network;
use crate::turn::Driver;

/// What [`Driver::events`] makes: the events of every machine, each turned into a value of its
/// own by a function of the caller, which may also pass over those it does not care for.
///
/// The sockets are read only when everything from the turn before has been taken, so a slow
/// consumer slows the sender down by TCP and not by memory. But note that nothing else happens
/// either while it is not polled: no ping of the peer is answered, and what is silent when it is
/// polled again is found dead. The stream ends when every machine has stopped.
pub struct Events<M: Machine, N: Network, F, T> {
    driver: Driver<M, N>,
    own: F,
    /// What one turn brought and is not taken yet.
    ready: VecDeque<T>,
}

impl<M: Machine, N: Network, F, T> Events<M, N, F, T> {
    pub(crate) const fn new(driver: Driver<M, N>, own: F) -> Self {
        Self {
            driver,
            own,
            ready: VecDeque::new(),
        }
    }

    /// The driver, to send or to stop; what it is told is acted upon in the next poll.
    pub const fn driver(&mut self) -> &mut Driver<M, N> {
        &mut self.driver
    }
}

impl<M, N, F, T> Stream for Events<M, N, F, T>
where
    M: Machine,
    N: Network,
    F: FnMut(MachineId, M::Event<'_>) -> Option<T>,
{
    type Item = T;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        let Self { driver, own, ready } = self.get_mut();
        loop {
            if let Some(event) = ready.pop_front() {
                return Poll::Ready(Some(event));
            }
            let turned = driver.poll_turn(cx, &mut |id, event| ready.extend(own(id, event)));
            if ready.is_empty() {
                if driver.stopped() {
                    return Poll::Ready(None);
                }
                ready!(turned);
            }
        }
    }
}

/// Nothing here is ever pinned: the sockets and dials are [`Unpin`].
impl<M: Machine, N: Network, F, T> Unpin for Events<M, N, F, T> {}

impl<M: Machine, N: Network, F, T> fmt::Debug for Events<M, N, F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Events")
            .field("driver", &self.driver)
            .field("ready", &self.ready.len())
            .finish_non_exhaustive()
    }
}
