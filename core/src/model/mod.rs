//! Two sessions in one fleet, all that can happen to them up to a number of troubles, and what
//! must hold whatever happens: the production transitions themselves, searched breadth first.
//!
//! What is searched is a [`World`]: a real [`Fleet`](crate::fleet::Fleet) of two real
//! [`Session`](crate::session::Session)s under one budget of dials, with a shell, a far end and a
//! user for each. They talk in real bytes. A step is one thing that happens; whatever follows at
//! once (actions taken, bytes written, pings answered) belongs to it.
//!
//! # What is abstracted
//!
//! - *Time.* Every duration is a multiple of [`UNIT`], and the clock moves from deadline to
//!   deadline, rounded up to a unit: a shell may wake late. A state knows how far ahead each
//!   deadline is and not what o'clock it is. That is finer than the order of deadlines alone, and
//!   it has to be: two states with deadlines in the same order part ways as soon as one waits
//!   for three of another's periods.
//! - *Chance.* The one draw that matters, the backoff after a release, is short or long as the
//!   search chooses.
//! - *Counters* are cut where they have no further effect.
//! - *The network* carries whole messages, one after another, and time passes only when nobody
//!   has anything to do: slowness is a trouble like others. How streams are cut, how queues fill
//!   and how quotas of frames hold is searched elsewhere, one connection at a time.
//!
//! `key` says what a state is made of; that two states with equal keys have the same future is a
//! test.
//!
//! # Why the search is our own
//!
//! The model checker of the field, stateright, says of its properties that hold eventually that
//! they are judged on paths without a cycle, and of nothing that they hold from every state. That
//! is the very question here: from wherever troubles have led, does each way through a quiet
//! network lead back? It takes the whole graph and one pass backwards, after a search that is
//! forty lines.

mod far_end;
mod key;
mod laws;
mod search;
mod step;
mod story;
mod tests;
mod world;

use core::time::Duration;

pub(crate) use key::Key;

use crate::connection::{Config, Heartbeat, Quota, Retry};
use crate::market::Market;
use crate::plan::{Limits, SessionPlan, Wanted, plan};
use crate::session::{Settings, Timing};

/// Every duration is a multiple of this.
const UNIT: Duration = Duration::from_secs(5);

/// Both may dial at once, and one of them once more.
const DIALS: Quota = Quota {
    count: 3,
    per: units(6),
};

/// What a server that bars the address, or is overloaded, asks for.
const RETRY_AFTER: Duration = units(2);

const fn units(count: u32) -> Duration {
    UNIT.saturating_mul(count)
}

/// One session for one stream.
fn plan_of(market: Market, instrument: &str) -> SessionPlan {
    let channel = match market {
        Market::Okx => "trades",
        Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => "trade",
    };
    let wanted = Wanted {
        market,
        instrument: instrument.into(),
        channel: channel.parse().expect("a channel"),
    };
    let mut sessions = plan(&[wanted], Limits::of).expect("a plan");
    sessions.remove(0)
}

/// The market's settings with durations of few units, and each counter and duration that could
/// grow with a cap that is soon reached.
fn settings(plan: &SessionPlan) -> Settings {
    let ours = Settings::of(plan);
    let connection = Config {
        connect: units(2),
        upgrade: units(2),
        heartbeat: Heartbeat {
            probe_after: units(2),
            silence_after: units(4),
            ..ours.connection.heartbeat
        },
        data: Some(units(8)),
        close: units(1),
        retry: Retry {
            initial: units(2),
            cap: units(4),
            stable_after: units(4),
            retry_after_cap: units(12),
        },
        rotate: None,
        messages: None,
        pong_reserve: 0,
        dials: Some(DIALS),
        ..ours.connection
    };
    Settings {
        connection,
        timing: Timing {
            ack: units(2),
            settle: units(1),
            // Of one length, so that it does not matter which of them is asked.
            first_data: units(3),
            silence_floor: units(3),
            silence_cap: units(3),
            retry: units(1),
            retry_cap: units(1),
            attempts: 2,
            quarantine: units(6),
            quarantine_cap: units(6),
            stable_after: units(4),
        },
        requests: Quota {
            count: 100,
            per: Duration::from_secs(1),
        },
        ..ours
    }
}
