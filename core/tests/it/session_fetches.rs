//! What a session asks for over REST: when, how often, and until when.

use std::time::Duration;

use marketprism_core::connection::{Action, Cause, Fault, Input, Timer};
use marketprism_core::market::Market;
use marketprism_core::rest::{Allowance, Answer, FetchFault, FetchId, Priority};
use marketprism_core::session::{Missing, Purpose, Session, Settings};
use marketprism_core::{Machine, Time, UnixNanos};

use crate::session_world::plan_of;

const RECEIVED: UnixNanos = UnixNanos::from_nanos(7);

/// A session that has been started, and its clock. Leave is given by the test.
struct World {
    session: Session,
    now: Time,
}

const TRADE: usize = 0;
const DEPTH: usize = 1;

impl World {
    /// With trades (first) and changes of a book.
    fn new() -> Self {
        let plan = plan_of(Market::BinanceSpot, &["BTCUSDT"], &["depth@100ms", "trade"]);
        let mut settings = Settings::of(&plan);
        settings.rest.path = "/base".into();
        // The dial hangs, so that nothing but the requests has a deadline that matters.
        settings.connection.connect = Duration::from_secs(1 << 30);
        let mut session = Session::new(plan, settings, [3; 32]).unwrap();
        let now = Time::from_nanos(1);
        session.handle(now, Input::Start);
        assert!(matches!(session.poll_action(), Some(Action::Dial(_))));
        let place = |channel: &str| {
            let mut streams = session.subscriptions();
            streams.position(|(stream, _)| stream.channel.to_string() == channel)
        };
        assert_eq!(
            (place("depth@100ms"), place("trade")),
            (Some(DEPTH), Some(TRADE))
        );
        Self { session, now }
    }

    fn ask(&mut self, purpose: Purpose) -> bool {
        self.session.ask(self.now, purpose)
    }

    /// Gives leave to the oldest wish and takes the action.
    fn leave(&mut self) -> Option<FetchId> {
        let wish = *self.session.wishes().first()?;
        self.session.grant(self.now, wish.id);
        assert_eq!(self.session.poll_action(), Some(Action::Fetch(wish.id)));
        Some(wish.id)
    }

    fn answer(&mut self, id: FetchId, answer: Result<Answer<'_>, FetchFault>) {
        self.session
            .fetched(self.now, RECEIVED, id, answer, &mut |_| {});
    }

    /// The clock moves on to the next deadline of a request; how long that took.
    fn wait(&mut self) -> Option<Duration> {
        loop {
            let (at, timer) = self.session.poll_timeout()?;
            let waited = at.since(self.now);
            self.now = at;
            self.session.handle(at, Input::Timeout);
            if timer == Timer::Fetch {
                return Some(waited);
            }
            while let Some(Action::Drop(epoch)) = self.session.poll_action() {
                self.session.handle(at, Input::Released(epoch));
            }
        }
    }
}

const MISSING: Missing = Missing { from: 100, to: 149 };

fn status(status: u16) -> Answer<'static> {
    Answer {
        status,
        retry_after: None,
        used_weight: None,
        body: b"",
    }
}

#[test]
fn a_request_is_wished_for_and_sent_once_leave_is_given() {
    let mut world = World::new();
    assert!(world.ask(Purpose::Trades(TRADE, MISSING)));
    world.now = world.now + Duration::from_secs(1);
    assert!(world.ask(Purpose::Snapshot(DEPTH)));
    let wishes: Vec<_> = world.session.wishes().to_vec();
    let drawn = wishes
        .iter()
        .map(|wish| (wish.allowance, wish.weight, wish.priority));
    let spot = Allowance::BinanceSpot;
    assert!(drawn.eq([
        (spot, 25, Priority::Backfill),
        (spot, 50, Priority::Snapshot)
    ]));
    assert_eq!(
        world.session.request(wishes[0].id),
        None,
        "nobody has given leave"
    );
    let id = world.leave().unwrap();
    let request = world.session.request(id).unwrap();
    assert_eq!(
        request.path_and_query,
        "/base/api/v3/historicalTrades?symbol=BTCUSDT&fromId=100&limit=50"
    );
    assert_eq!(request.endpoint.host, "api.binance.com");
    assert!(request.timeout <= Duration::from_secs(10) && request.body_limit >= 1 << 20);
    assert_eq!(world.session.wishes().len(), 1);
}

#[test]
fn one_request_at_a_time_is_made_for_a_stream_and_none_that_the_venue_does_not_offer() {
    let mut world = World::new();
    assert!(world.ask(Purpose::Trades(TRADE, MISSING)));
    assert!(!world.ask(Purpose::Trades(TRADE, MISSING)));
    assert!(
        !world.ask(Purpose::Trades(DEPTH, MISSING)),
        "changes have no trades"
    );
    assert!(!world.ask(Purpose::Snapshot(99)), "no such stream");
    assert!(world.ask(Purpose::Snapshot(DEPTH)));
    assert_eq!(world.session.wishes().len(), 2);
}

#[test]
fn what_fails_is_asked_for_again_after_waits_that_grow_up_to_a_minute() {
    let failures: [Result<Answer<'_>, FetchFault>; 6] = [
        Ok(status(503)),
        Ok(status(429)),
        Ok(status(418)),
        Err(FetchFault::Io(Fault::Reset)),
        Err(FetchFault::TooLarge),
        Err(FetchFault::Unsent),
    ];
    let mut world = World::new();
    world.ask(Purpose::Snapshot(DEPTH));
    for (times, failure) in failures.into_iter().cycle().take(20).enumerate() {
        let id = world.leave().unwrap();
        world.answer(id, failure);
        assert_eq!(world.session.wishes(), []);
        let waited = world.wait().unwrap();
        let longest = Duration::from_secs(1 << times.min(10)).min(Duration::from_secs(60));
        assert!(waited <= longest, "{times}: {waited:?}");
        assert!(waited >= longest / 10, "{times}: {waited:?}");
        let since = world.session.wishes()[0].since;
        assert_eq!(since, Time::from_nanos(1), "it keeps its age");
    }
    assert_eq!(world.session.statistics().fetches_failed, 20);
}

#[test]
fn trades_that_are_not_to_be_had_are_given_up() {
    let mut world = World::new();
    world.ask(Purpose::Trades(TRADE, MISSING));
    let mut sent = 0;
    while let Some(id) = world.leave() {
        sent += 1;
        world.answer(id, Ok(status(503)));
        if sent < 8 {
            world.wait();
        }
    }
    assert_eq!(sent, 8);
    assert!(
        world.ask(Purpose::Trades(TRADE, MISSING)),
        "the next hole is another"
    );
}

#[test]
fn an_answer_that_comes_too_late_is_counted_and_changes_nothing() {
    let mut world = World::new();
    world.ask(Purpose::Snapshot(DEPTH));
    let id = world.leave().unwrap();
    assert_eq!(
        world.wait(),
        Some(Duration::from_secs(15)),
        "its own deadline"
    );
    assert_eq!(world.session.statistics().fetches_failed, 1);
    world.answer(id, Ok(status(200)));
    assert_eq!(world.session.statistics().fetches_late, 1);
    world.wait();
    assert_ne!(world.leave(), Some(id), "it is asked for again");
}

#[test]
fn an_answer_before_the_action_is_taken_is_none() {
    let mut world = World::new();
    world.ask(Purpose::Snapshot(DEPTH));
    let id = world.session.wishes()[0].id;
    world.answer(id, Ok(status(503)));
    world.session.grant(world.now, id);
    world.answer(id, Ok(status(503)));
    assert_eq!(world.session.statistics().fetches_failed, 0);
    assert_eq!(world.session.poll_action(), Some(Action::Fetch(id)));
    world.answer(id, Ok(status(503)));
    assert_eq!(world.session.statistics().fetches_failed, 1);
}

#[test]
fn snapshots_go_with_the_connection_and_everything_with_the_session() {
    let mut world = World::new();
    world.ask(Purpose::Snapshot(DEPTH));
    world.ask(Purpose::Trades(TRADE, MISSING));
    let id = world.leave().unwrap();
    let epoch = world.session.connection().epoch().unwrap();
    let failed = Input::DialFailed(epoch, Fault::Refused);
    world.session.handle(world.now, failed);
    assert_eq!(world.session.request(id), None, "it was for a snapshot");
    assert_eq!(world.session.wishes().len(), 1, "trades are still missed");
    let mut said = Vec::new();
    world.session.drain_events(RECEIVED, &mut |heard| {
        said.push(format!("{:?}", heard.event));
    });
    let down = format!("{:?}", Cause::Fault(Fault::Refused));
    assert!(said.iter().any(|said| said.contains(&down)), "{said:?}");
    world.session.handle(world.now, Input::Stop);
    assert_eq!(world.session.poll_action(), Some(Action::Drop(epoch)));
    world.session.handle(world.now, Input::Released(epoch));
    assert_eq!(world.session.wishes(), []);
    assert_eq!(world.session.poll_timeout(), None);
}
