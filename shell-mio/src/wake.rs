//! Handles by which other threads wake the loop.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Weak};

use mio::Waker;

/// Ends a wait of the loop from another thread: the [`turn`](crate::Driver::turn) that waits, or
/// else the next one, returns although nothing has happened.
#[derive(Clone, Debug)]
pub struct Bell(Arc<Waker>);

impl Bell {
    pub(crate) fn new(waker: Waker) -> Self {
        Self(Arc::new(waker))
    }

    /// Rings.
    ///
    /// # Errors
    ///
    /// If the system refuses to wake the loop, which then wakes when it would have anyhow.
    pub fn ring(&self) -> io::Result<()> {
        self.0.wake()
    }

    /// The same for a thread that may outlive the loop: it does not keep the loop's end of the
    /// wake-up open.
    pub(crate) fn downgraded(&self) -> WeakBell {
        WeakBell(Arc::downgrade(&self.0))
    }
}

/// A [`Bell`] that is no more once the loop and every other are gone.
#[derive(Debug)]
pub(crate) struct WeakBell(Weak<Waker>);

impl WeakBell {
    /// Rings, if there is anything left to ring.
    pub(crate) fn ring(&self) {
        if let Some(waker) = self.0.upgrade() {
            // Fails only where the loop cannot be woken by anybody; it wakes by its deadlines.
            drop(waker.wake());
        }
    }
}

/// Asks a [`run`](crate::Driver::run) in another thread to stop in good order.
#[derive(Clone, Debug)]
pub struct Stopper {
    asked: Arc<AtomicBool>,
    bell: Bell,
}

impl Stopper {
    pub(crate) fn new(bell: Bell) -> Self {
        Self {
            asked: Arc::default(),
            bell,
        }
    }

    /// Asks.
    ///
    /// # Errors
    ///
    /// If the loop cannot be woken; it then stops after its next wake-up.
    pub fn stop(&self) -> io::Result<()> {
        self.asked.store(true, Ordering::Release);
        self.bell.ring()
    }

    /// Whether anybody has asked since this was asked last.
    pub(crate) fn take(&self) -> bool {
        self.asked.swap(false, Ordering::AcqRel)
    }
}
