//! The one kind of tokio runtime that there is here: a single thread, because a single task owns
//! every socket.

use tokio::runtime::{Builder, Runtime};

use crate::failure::Failure;

pub(crate) fn start() -> Result<Runtime, Failure> {
    Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| Failure::Io(format!("cannot start the runtime: {error}")))
}
