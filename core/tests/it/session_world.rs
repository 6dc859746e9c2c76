//! A session, a small exchange and the network between them; and what was said, written down.

use std::collections::BTreeMap;
use std::time::Duration;

use marketprism_core::connection::{Action, Cause, Input, Status};
use marketprism_core::market::Market;
use marketprism_core::plan::{Limits, SessionPlan, Wanted, plan};
use marketprism_core::rest::Answer;
use marketprism_core::session::{
    BookState, Change, Event, Heard, Session, Settings, StreamState, Undecoded,
};
use marketprism_core::{Machine, Time, UnixNanos};

use crate::exchange::Exchange;
use crate::sim::Sim;

/// What a session has said, without what it borrowed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Said {
    Step(String, &'static str),
    Refused(String, String),
    Market(String),
    OutOfOrder(String, &'static str),
    Gap(String, Option<(i64, i64)>, &'static str),
    Book(String, BookState),
    Backfilled(String, Option<i64>),
    Settled(String, (i64, i64), &'static str),
    Open,
    Down(Cause),
    Notice(String),
    Undecoded(String),
}

impl Said {
    pub(crate) fn of(event: Event<'_>) -> Option<Self> {
        let name = |event: marketprism_core::market::Event<'_>| {
            format!("{} {}", event.subject, event.channel)
        };
        Some(match event {
            Event::Market(event) => Self::Market(name(event)),
            Event::OutOfOrder {
                event, disorder, ..
            } => Self::OutOfOrder(name(event), disorder.name()),
            Event::Subscription { stream, change } => {
                if let Change::Refused(error) = change {
                    return Some(Self::Refused(stream.to_string(), error.to_string()));
                }
                Self::Step(stream.to_string(), change.name())
            }
            Event::Gap(gap) => {
                let missing = gap.missing.map(|missing| (missing.from, missing.to));
                Self::Gap(gap.stream.to_string(), missing, gap.cause.name())
            }
            Event::Book { stream, state } => Self::Book(stream.to_string(), state),
            Event::Backfilled(event) => Self::Backfilled(name(event), event.body.number()),
            Event::Filled { stream, missing } => {
                Self::Settled(stream.to_string(), (missing.from, missing.to), "filled")
            }
            Event::Unfillable {
                stream,
                missing,
                why,
            } => Self::Settled(stream.to_string(), (missing.from, missing.to), why.name()),
            Event::Notice(notice) => Self::Notice(format!("{notice:?}")),
            Event::Key(change) => Self::Notice(format!("key {}", change.name())),
            Event::Undecoded(Undecoded::Malformed(error)) => Self::Undecoded(error.to_string()),
            Event::Undecoded(other) => Self::Undecoded(format!("{other:?}")),
            Event::Status(Status::Open { .. }) => Self::Open,
            Event::Status(Status::Down { cause, .. }) => Self::Down(cause),
            Event::Status(_) => return None,
        })
    }
}

/// A hole: stream, numbers, cause.
pub(crate) type Hole<'a> = (&'a str, Option<(i64, i64)>, &'static str);

/// The world of one session.
pub(crate) struct World {
    pub(crate) sim: Sim<Session, Exchange>,
    pub(crate) said: Vec<(Time, Said)>,
}

/// A plan of one session for these channels of each of these instruments.
pub(crate) fn plan_of(market: Market, instruments: &[&str], channels: &[&str]) -> SessionPlan {
    let wanted: Vec<_> = instruments
        .iter()
        .flat_map(|instrument| channels.iter().map(move |channel| (instrument, channel)))
        .map(|(instrument, channel)| Wanted {
            market,
            instrument: (*instrument).into(),
            channel: channel.parse().expect("a channel"),
        })
        .collect();
    let mut sessions = plan(&wanted, Limits::of).expect("a plan");
    assert_eq!(sessions.len(), 1);
    sessions.remove(0)
}

impl World {
    pub(crate) fn new(market: Market, instruments: &[&str], channels: &[&str]) -> Self {
        Self::with(market, instruments, channels, |_| {})
    }

    pub(crate) fn with(
        market: Market,
        instruments: &[&str],
        channels: &[&str],
        change: impl FnOnce(&mut Settings),
    ) -> Self {
        let plan = plan_of(market, instruments, channels);
        let mut settings = Settings::of(&plan);
        change(&mut settings);
        let session = Session::new(plan, settings, [7; 32]).expect("a session");
        Self {
            sim: Sim::new(session, Exchange::new(market)),
            said: Vec::new(),
        }
    }

    pub(crate) fn start(&mut self) {
        self.input(Input::Start);
    }

    pub(crate) fn input(&mut self, input: Input) {
        let said = &mut self.said;
        self.sim.input(input, &mut |now, heard| {
            said.extend(Said::of(heard.event).map(|what| (now, what)));
        });
    }

    pub(crate) fn run(&mut self, time: Duration) {
        let said = &mut self.said;
        self.sim.run_for(time, &mut |now, heard| {
            said.extend(Said::of(heard.event).map(|what| (now, what)));
        });
    }

    /// Gives leave to the oldest wish and answers it; what was asked for, if anything was.
    pub(crate) fn reply(&mut self, status: u16, body: &str) -> Option<String> {
        let (now, session) = (self.sim.now, &mut self.sim.machine);
        let id = session.wishes().first()?.id;
        session.grant(now, id);
        assert_eq!(session.poll_action(), Some(Action::Fetch(id)));
        let asked = session.request(id)?.path_and_query.to_owned();
        let answer = Answer {
            status,
            retry_after: None,
            used_weight: None,
            body: body.as_bytes(),
        };
        let received = UnixNanos::from_nanos(now.as_nanos());
        let said = &mut self.said;
        let mut each = |heard: Heard<'_>| {
            said.extend(Said::of(heard.event).map(|what| (now, what)));
        };
        session.fetched(now, received, id, Ok(answer), &mut each);
        session.drain_events(received, &mut each);
        Some(asked)
    }

    pub(crate) fn exchange(&mut self) -> &mut Exchange {
        &mut self.sim.peer
    }

    pub(crate) fn states(&self) -> BTreeMap<String, StreamState> {
        let subscriptions = self.sim.machine.subscriptions();
        subscriptions
            .map(|(stream, state)| (stream.to_string(), state))
            .collect()
    }

    #[track_caller]
    pub(crate) fn expect_all_live(&self) {
        let states = self.states();
        assert!(
            states.values().all(|&state| state == StreamState::Live),
            "{states:?}"
        );
    }

    /// When something was said, in order.
    pub(crate) fn times(&self, what: &Said) -> Vec<Time> {
        let said = self.said.iter().filter(|(_, said)| said == what);
        said.map(|&(at, _)| at).collect()
    }

    /// The steps of a stream's subscription.
    pub(crate) fn steps(&self, stream: &str) -> Vec<&'static str> {
        let mut steps = Vec::new();
        for (_, said) in &self.said {
            if let Said::Step(name, step) = said
                && name == stream
            {
                steps.push(*step);
            }
            if let Said::Refused(name, _) = said
                && name == stream
            {
                steps.push("refused");
            }
        }
        steps
    }

    /// The holes: stream, numbers, cause.
    pub(crate) fn gaps(&self) -> Vec<Hole<'_>> {
        let mut gaps = Vec::new();
        for (_, said) in &self.said {
            if let Said::Gap(stream, missing, cause) = said {
                gaps.push((stream.as_str(), *missing, *cause));
            }
        }
        gaps
    }

    pub(crate) fn count(&self, stream: &str) -> usize {
        let of_it = |(_, said): &&(Time, Said)| *said == Said::Market(stream.into());
        self.said.iter().filter(of_it).count()
    }

    pub(crate) fn forget(&mut self) {
        self.said.clear();
        self.sim.peer.account.requests.clear();
    }
}

pub(crate) const fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

pub(crate) const fn millis(millis: u64) -> Duration {
    Duration::from_millis(millis)
}
