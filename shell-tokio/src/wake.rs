//! Who woke us: one flag for each socket, so that a turn looks only at those that have news.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Wake, Waker};

/// The task that polls the driver at present.
#[derive(Debug, Default)]
pub(crate) struct Task(Mutex<Option<Waker>>);

impl Task {
    /// Takes note of who is to be woken from now on.
    pub(crate) fn register(&self, waker: &Waker) {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        match &mut *slot {
            Some(known) => known.clone_from(waker),
            empty => *empty = Some(waker.clone()),
        }
    }

    fn wake(&self) {
        let slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(waker) = &*slot {
            waker.wake_by_ref();
        }
    }
}

/// One socket's flag. It stays up until it is looked at, whoever polls the driver by then, so
/// news that comes while nobody does is not lost.
#[derive(Debug)]
pub(crate) struct Bell {
    rung: AtomicBool,
    task: Arc<Task>,
}

impl Bell {
    pub(crate) const fn new(task: Arc<Task>) -> Self {
        Self {
            rung: AtomicBool::new(false),
            task,
        }
    }

    /// Puts the flag up without waking anybody: the driver itself wants to look again.
    pub(crate) fn ring(&self) {
        self.rung.store(true, Ordering::Release);
    }

    /// Takes the flag down; whether it was up.
    pub(crate) fn answer(&self) -> bool {
        self.rung.swap(false, Ordering::AcqRel)
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
        self.task.wake();
    }
}
