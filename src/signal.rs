//! Ctrl-C and SIGTERM.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::failure::Failure;

/// The signals that have come and are not answered yet. Both ask for the same: to stop in good
/// order.
///
/// They are heard in a thread of their own, so that it makes no difference what the others wait
/// in.
#[derive(Debug)]
pub(crate) struct Signals {
    come: Arc<AtomicU32>,
}

impl Signals {
    /// From here on signals no longer end the process by themselves; `wake` is called at each.
    ///
    /// # Errors
    ///
    /// The system does not let anybody listen, or the thread cannot be started.
    pub(crate) fn listen(wake: impl Fn() + Send + 'static) -> Result<Self, Failure> {
        let come = Arc::new(AtomicU32::new(0));
        let theirs = Arc::clone(&come);
        hear(move || {
            theirs.fetch_add(1, Ordering::Release);
            wake();
        })
        .map_err(|error| Failure::Io(format!("cannot listen for signals: {error}")))?;
        Ok(Self { come })
    }

    /// Whether there was one more.
    pub(crate) fn next(&self) -> bool {
        let one_less = |come: u32| come.checked_sub(1);
        let taken = self
            .come
            .fetch_update(Ordering::AcqRel, Ordering::Acquire, one_less);
        taken.is_ok()
    }
}

#[cfg(unix)]
fn hear(mut each: impl FnMut() + Send + 'static) -> std::io::Result<()> {
    use signal_hook::consts::{SIGINT, SIGTERM};
    let mut signals = signal_hook::iterator::Signals::new([SIGINT, SIGTERM])?;
    std::thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || signals.forever().for_each(|_| each()))?;
    Ok(())
}

/// Elsewhere there is only Ctrl-C.
#[cfg(not(unix))]
fn hear(each: impl FnMut() + Send + 'static) -> Result<(), ctrlc::Error> {
    ctrlc::set_handler(each)
}
