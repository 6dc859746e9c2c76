//! The order books that a session keeps: what they wait for, what breaks them, what heals them.

use marketprism_core::book::{Break, Cause, Refusal};
use marketprism_core::connection::Action;
use marketprism_core::market::{Market, Missing, Side};
use marketprism_core::rest::Answer;
use marketprism_core::session::BookState;
use marketprism_core::{Machine, UnixNanos};

use crate::session_world::{Said, World, millis, seconds};
use crate::sim::End;

const BTC: &str = "BTCUSDT depth@100ms";
const ETH: &str = "ETHUSDT depth@100ms";

/// The streams in the order of the plan.
const BTC_PLACE: usize = 0;
const ETH_PLACE: usize = 1;

/// The stream says something every half second; the number tells when.
fn world(instruments: &[&str]) -> World {
    let mut world = World::new(Market::BinanceSpot, instruments, &["depth@100ms"]);
    world.run(seconds(10));
    world.start();
    world.run(millis(3_100));
    world
}

impl World {
    /// What was told of a stream's book since this was last asked.
    fn books(&mut self, stream: &str) -> Vec<BookState> {
        let states = self.said.iter().filter_map(|(_, said)| {
            if let Said::Book(name, state) = said
                && name == stream
            {
                return Some(*state);
            }
            None
        });
        let states = states.collect();
        self.said
            .retain(|(_, said)| !matches!(said, Said::Book(name, _) if name == stream));
        states
    }

    /// Gives leave to the oldest wish and has it answered; what was asked.
    fn answer(&mut self, body: &str) -> String {
        let session = &mut self.sim.machine;
        let (now, id) = (self.sim.now, session.wishes()[0].id);
        session.grant(now, id);
        assert_eq!(session.poll_action(), Some(Action::Fetch(id)));
        let asked = session.request(id).unwrap().path_and_query.to_owned();
        let answer = Answer {
            status: 200,
            retry_after: None,
            used_weight: None,
            body: body.as_bytes(),
        };
        let said = &mut self.said;
        session.fetched(
            now,
            UnixNanos::from_nanos(7),
            id,
            Ok(answer),
            &mut |heard| {
                said.extend(Said::of(heard.event).map(|what| (now, what)));
            },
        );
        asked
    }

    fn snapshot(&mut self, last: i64) -> String {
        self.answer(&format!(
            r#"{{"lastUpdateId":{last},"bids":[["1.4","1"]],"asks":[["1.6","1"]]}}"#
        ))
    }

    fn wishes(&self) -> usize {
        self.sim.machine.wishes().len()
    }

    fn has_book(&self, place: usize) -> bool {
        self.sim.machine.book(place).is_some()
    }
}

fn synchronised(last: i64) -> BookState {
    BookState::Synchronised { last: Some(last) }
}

fn gap(number: i64) -> BookState {
    let missing = Missing {
        from: number,
        to: number,
    };
    BookState::Broken(Break {
        missing: Some(missing),
        cause: Cause::Gap,
    })
}

#[test]
fn a_book_is_asked_for_once_its_changes_come_and_lent_behind_them() {
    let mut world = world(&["BTCUSDT"]);
    assert_eq!(world.books(BTC), [BookState::Waiting]);
    assert!(!world.has_book(BTC_PLACE));
    assert_eq!(world.wishes(), 1);
    let lent = world.count(BTC);
    let asked = world.snapshot(24);
    assert_eq!(asked, "/api/v3/depth?symbol=BTCUSDT&limit=1000");
    assert_eq!(world.count(BTC), lent + 1, "the snapshot");
    assert_eq!(world.books(BTC), [synchronised(26)]);
    let best = world.sim.machine.book(BTC_PLACE).unwrap().best(Side::Buy);
    assert_eq!(best.unwrap().price.to_string(), "1.5");
    world.run(seconds(60));
    assert_eq!(world.books(BTC), []);
    assert_eq!((world.wishes(), world.gaps().len()), (0, 0));
    let statistics = world.sim.machine.statistics();
    assert_eq!(
        (statistics.books_synchronised, statistics.books_broken),
        (1, 0)
    );
}

#[test]
fn a_snapshot_older_than_the_changes_is_refused_not_lent_and_asked_for_again_after_a_while() {
    let mut world = world(&["BTCUSDT"]);
    let lent = world.count(BTC);
    world.snapshot(5);
    let refused = BookState::Refused(Refusal::OlderThanChanges);
    assert_eq!(world.books(BTC), [BookState::Waiting, refused]);
    assert_eq!((world.count(BTC), world.wishes()), (lent, 0));
    world.run(millis(1_000));
    assert_eq!(world.wishes(), 1);
    world.snapshot(27);
    assert_eq!(world.books(BTC), [synchronised(28)]);
}

#[test]
fn a_hole_breaks_one_book_and_a_snapshot_of_that_one_heals_it() {
    let mut world = world(&["BTCUSDT", "ETHUSDT"]);
    let mut asked = [world.snapshot(25), world.snapshot(25)];
    asked.sort();
    assert!(asked[0].contains("BTCUSDT") && asked[1].contains("ETHUSDT"));
    let key = ("btcusdt@depth@100ms".to_owned(), 40);
    world.exchange().wrongs.missing.insert(key);
    world.run(seconds(10));
    assert_eq!(
        world.books(BTC),
        [BookState::Waiting, synchronised(26), gap(40)]
    );
    assert!(!world.has_book(BTC_PLACE) && world.has_book(ETH_PLACE));
    assert_eq!(world.wishes(), 1);
    assert!(world.snapshot(42).contains("BTCUSDT"));
    assert_eq!(world.books(BTC), [synchronised(46)]);
    assert_eq!(world.books(ETH), [BookState::Waiting, synchronised(26)]);
}

#[test]
fn a_book_that_keeps_breaking_is_asked_for_more_and_more_seldom() {
    let mut world = world(&["BTCUSDT"]);
    for third in 0..2000 {
        let key = ("btcusdt@depth@100ms".to_owned(), third * 3);
        world.exchange().wrongs.missing.insert(key);
    }
    let mut snapshots = 0;
    for _ in 0..900 {
        if world.wishes() > 0 {
            snapshots += 1;
            let now = i64::try_from(world.sim.now.as_nanos() / 500_000_000).unwrap();
            world.snapshot(now);
        }
        world.run(seconds(1));
    }
    assert!((5..40).contains(&snapshots), "{snapshots} in 15 minutes");
}

#[test]
fn without_leave_to_ask_changes_flow_and_the_book_waits() {
    let mut world = world(&["BTCUSDT"]);
    world.run(seconds(600));
    assert_eq!(world.books(BTC), [BookState::Waiting]);
    assert_eq!((world.count(BTC), world.wishes()), (1_206, 1));
    world.expect_all_live();
}

#[test]
fn what_the_venue_refuses_is_asked_for_again_much_later() {
    let mut world = world(&["BTCUSDT"]);
    world.answer(r#"{"code":-1121,"msg":"Invalid symbol."}"#);
    world.run(seconds(295));
    assert_eq!(world.wishes(), 0);
    world.run(seconds(10));
    assert_eq!(world.wishes(), 1);
}

#[test]
fn a_book_goes_with_its_connection_and_comes_with_the_next() {
    let mut world = world(&["BTCUSDT"]);
    world.snapshot(25);
    world.exchange().cut(End::Reset);
    world.run(seconds(10));
    assert_eq!(
        world.books(BTC),
        [BookState::Waiting, synchronised(26), BookState::Waiting]
    );
    assert!(!world.has_book(BTC_PLACE));
    world.snapshot(40);
    assert!(world.has_book(BTC_PLACE));
}

#[test]
fn a_book_that_comes_in_the_stream_is_not_asked_for_and_healed_by_the_next_subscription() {
    let mut world = World::new(Market::Okx, &["BTC-USDT"], &["books"]);
    let key = ("books:BTC-USDT".to_owned(), 10);
    world.exchange().wrongs.missing.insert(key);
    world.start();
    world.run(seconds(4));
    let books = "BTC-USDT books";
    assert_eq!(world.books(books), [synchronised(0)]);
    world.run(seconds(10));
    let states = world.books(books);
    assert_eq!(states[0], gap(10));
    assert!(matches!(states[1..], [BookState::Synchronised { .. }]));
    assert_eq!(world.wishes(), 0);
    assert!(world.has_book(0));
}
