//! A year of one connection, in seconds.

use std::time::{Duration, Instant};

use marketprism_core::Time;
use marketprism_core::connection::{
    Config, Connection, Endpoint, Event, Input, Phase, Quota, Rotate, Status,
};

use super::sim::faults::Schedule;
use super::sim::feed::{Feed, Habits, Tally};
use super::sim::{Sim, Trace};

const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// What an application would know at the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Story {
    opened: u64,
    downs: u64,
    stops: u64,
    messages: u64,
    longest_gap: Duration,
    last_message: Option<Time>,
}

impl Story {
    fn hear(&mut self, now: Time, event: &Event<'_>) {
        match event {
            Event::Status(Status::Open { .. }) => self.opened += 1,
            Event::Status(Status::Down { .. }) => self.downs += 1,
            Event::Status(Status::Stopped) => self.stops += 1,
            Event::Status(Status::Dialing { .. } | Status::Waiting { .. }) => {}
            Event::Text(_) | Event::Binary(_) => {
                self.messages += 1;
                let gap = self
                    .last_message
                    .map_or(Duration::ZERO, |last| now.since(last));
                self.longest_gap = self.longest_gap.max(gap);
                self.last_message = Some(now);
            }
        }
    }
}

fn config() -> Config {
    let endpoint = Endpoint {
        host: "feed.example".into(),
        port: 443,
        tls: true,
        path: "/ws".into(),
    };
    Config {
        rotate: Some(Rotate {
            after: Duration::from_secs(23 * 3600),
            spread: Duration::from_secs(3600),
            ahead: Duration::ZERO,
        }),
        messages: Some(Quota {
            count: 5,
            per: Duration::from_secs(1),
        }),
        pong_reserve: 1,
        dials: Some(Quota {
            count: 300,
            per: Duration::from_secs(300),
        }),
        ..Config::new(endpoint)
    }
}

fn live(seed: u8, time: Duration) -> (Trace, Story, Tally, u64) {
    let connection = Connection::new("year", config(), [seed; 32]).expect("a valid configuration");
    let habits = Habits {
        data: Duration::from_secs(10),
        ping: Duration::from_secs(180),
    };
    let schedule = Schedule::new(u64::from(seed), Duration::from_secs(600));
    let mut sim = Sim::new(connection, Feed::new(habits, Some(schedule)));
    let mut story = Story::default();
    let mut hear = |now: Time, event: Event<'_>| story.hear(now, &event);
    sim.input(Input::Start, &mut hear);
    sim.run_for(time, &mut hear);
    sim.input(Input::Stop, &mut hear);
    sim.run_for(Duration::from_secs(30), &mut hear);
    assert_eq!(sim.machine.phase(), Phase::Stopped);
    assert!(!sim.is_live(), "a stopped connection has no socket");
    (sim.trace, story, sim.peer.tally, sim.dials)
}

#[test]
fn a_year_of_faults_passes_with_one_socket_and_one_trace() {
    let started = Instant::now();
    let (trace, story, tally, dials) = live(1, YEAR);
    println!(
        "a year in {:?}: {trace:?} {story:?} {tally:?} {dials} dials",
        started.elapsed()
    );
    // Ten minutes on average, and a cut every day.
    assert!((51_000..55_000).contains(&tally.troubles), "{tally:?}");
    assert_eq!(
        story.downs, dials,
        "every dial comes to an end that is told"
    );
    // An upgrade that is cut before its answer arrives opens nothing.
    assert!(story.opened <= tally.upgrades && story.opened > tally.upgrades - 10);
    assert_eq!(story.stops, 1);
    assert_eq!(tally.wrong_pongs, 0);
    assert!(tally.pongs <= tally.pings);
    // 60 s of outage, 10 s until a dial is given up, backoff and 300 s without data.
    assert!(story.longest_gap < Duration::from_secs(1200), "{story:?}");
    let whole = YEAR.as_secs() / 10;
    assert!(story.messages > whole * 85 / 100, "{story:?}");
    assert_eq!(live(1, YEAR).0, trace, "the same seed, the same year");
}

#[test]
fn another_seed_is_another_month() {
    let month = YEAR / 12;
    assert_ne!(live(2, month).0.hash, live(3, month).0.hash);
}
