//! One WebSocket kept alive: phases, epochs, timers, backoff, close handshake.

mod io;

pub use io::{Action, Cause, Endpoint, Epoch, Fault, Input, Phase, Refusal, Status, Timer};
