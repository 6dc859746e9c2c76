//! The exchange twin: Binance and OKX to the extent that a collector sees them.
//!
//! An [`Exchange`] is one market of one venue. It walks synthetic order books, prints trades,
//! and serves both in the venue's own words: paths and routes, requests with their acks and
//! errors, pings and deadlines, quotas, the end of a connection's life, REST snapshots that fit
//! the diffs. On request it misbehaves: every [`Fault`] strikes by a [`Schedule`] that a seed
//! determines, and the [`Ledger`] holds what was done to whom, so that a client can be judged.
//!
//! It is sans-IO: time is an argument, bytes come in by calls and go out by calls, and what a
//! socket layer has to do comes out as [`Command`]s. [`Server`] is the socket layer for real ones.

mod account;
mod answer;
mod bad_answer;
mod bars;
mod binance;
mod book;
mod broken;
mod calendar;
mod client;
mod decimal;
mod delivery;
mod desk;
mod door;
mod exchange;
mod fault;
mod figures;
mod gate;
mod instrument;
mod ledger;
mod market;
mod news;
mod okx;
mod outlet;
mod publish;
mod random;
mod rest;
mod rules;
mod sentiment;
mod serve;
mod sign;
mod strike;
mod tape;
mod tls;
mod toll;
mod upgrade;
mod uri;

pub use bad_answer::BadAnswer;
pub use broken::{BadFrame, BadJson};
pub use exchange::{Command, ConnectionId, Exchange, Options};
pub use fault::{Fault, FaultPlan, Reach, Schedule, UnknownFault};
pub use gate::{BadUpgrade, HangUp};
pub use instrument::{Instrument, InvalidInstrument};
pub use ledger::{Count, Disorder, FaultEntry, Ledger, Omission, RouteEntry};
pub use news::Ids;
pub use rules::{Allowance, Ping, Rules};
pub use serve::{CertificateError, Certificates, Server, wall_clock};
pub use sign::Sign;
pub use tls::{Flaw, HandshakeFault, RecordFault};
