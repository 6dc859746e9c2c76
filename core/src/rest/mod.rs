//! Requests over REST as a part of the machine: what may be asked when, and what became of it.
//!
//! A machine wants to fetch something ([`Wish`]); the [fleet](crate::fleet) gives it leave when the
//! venue's allowance for the address has room; [`Action::Fetch`](crate::connection::Action::Fetch)
//! has the shell send the [`Request`], and its [`Answer`] is told to the machine. No shell waits,
//! retries or counts.

mod desk;
mod pool;
mod request;

pub(crate) use desk::{Desk, Errand, Ticket};
pub(crate) use pool::Pool;
pub use request::{Answer, Credential, FetchFault, Method, Priority, Request, Wish};

pub use crate::connection::FetchId;
pub use crate::venue::Allowance;
