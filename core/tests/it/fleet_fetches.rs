//! Who may fetch what when: allowances shared by all machines of a fleet.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use marketprism_core::connection::{Action, Endpoint, Epoch, Fault, Input, Phase, Timer};
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::rest::{
    Allowance, Answer, FetchFault, FetchId, Method, Priority, Request, Wish,
};
use marketprism_core::{Machine, ReceiveBuffer, Time, UnixNanos};
use proptest::prelude::*;

/// A machine that wishes for what it is told to, and keeps what it is given.
#[derive(Debug)]
struct Wisher {
    endpoint: Endpoint,
    wishes: Vec<Wish>,
    last: FetchId,
    actions: VecDeque<FetchId>,
    answered: Vec<(FetchId, Result<u16, FetchFault>)>,
}

impl Wisher {
    fn new() -> Self {
        Self {
            endpoint: Endpoint {
                host: "rest.example".into(),
                port: 443,
                tls: true,
                path: String::new(),
            },
            wishes: Vec::new(),
            last: FetchId::default(),
            actions: VecDeque::new(),
            answered: Vec::new(),
        }
    }

    fn wish(&mut self, since: Time, allowance: Allowance, weight: u32, priority: Priority) {
        self.last = FetchId::from_number(self.last.number() + 1);
        self.wishes.push(Wish {
            id: self.last,
            allowance,
            weight,
            priority,
            since,
        });
    }
}

impl Machine for Wisher {
    type Event<'a> = ();

    fn handle(&mut self, _: Time, _: Input) {}

    fn receive(
        &mut self,
        _: Time,
        _: UnixNanos,
        _: &mut ReceiveBuffer,
        _: &mut impl FnMut(Self::Event<'_>),
    ) {
    }

    fn drain_events(&mut self, _: UnixNanos, _: &mut impl FnMut(Self::Event<'_>)) {}

    fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front().map(Action::Fetch)
    }

    fn wishes(&self) -> &[Wish] {
        &self.wishes
    }

    fn grant(&mut self, _: Time, id: FetchId) {
        self.wishes.retain(|wish| wish.id != id);
        self.actions.push_back(id);
    }

    fn request(&self, _: FetchId) -> Option<Request<'_>> {
        Some(Request {
            method: Method::Get,
            endpoint: &self.endpoint,
            path_and_query: "/",
            timeout: Duration::from_secs(1),
            body_limit: 1,
            credential: None,
        })
    }

    fn fetched(
        &mut self,
        _: Time,
        _: UnixNanos,
        id: FetchId,
        answer: Result<Answer<'_>, FetchFault>,
        _: &mut impl FnMut(Self::Event<'_>),
    ) {
        self.answered.push((id, answer.map(|answer| answer.status)));
    }

    fn transmit(&self) -> &[u8] {
        &[]
    }

    fn transmitted(&mut self, _: Time, _: usize) {}

    fn poll_timeout(&self) -> Option<(Time, Timer)> {
        None
    }

    fn phase(&self) -> Phase {
        Phase::Stopped
    }

    fn epoch(&self) -> Option<Epoch> {
        None
    }

    fn held_until(&self) -> Time {
        Time::ZERO
    }

    fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    fn name(&self) -> &str {
        "wisher"
    }
}

/// A fleet, its clock, and a shell that answers when it is told to.
struct World {
    now: Time,
    fleet: Fleet<Wisher>,
    /// When each request left, and what it drew.
    left: Vec<(Time, MachineId, FetchId)>,
    out: VecDeque<(MachineId, FetchId)>,
}

const OK: u16 = 200;

impl World {
    fn new(machines: usize, at_once: usize) -> (Self, Vec<MachineId>) {
        let mut fleet = Fleet::new();
        fleet.set_fetches_at_once(at_once);
        let ids = (0..machines).map(|_| fleet.add(Wisher::new(), None));
        let ids = ids.collect();
        let world = Self {
            now: Time::from_nanos(1),
            fleet,
            left: Vec::new(),
            out: VecDeque::new(),
        };
        (world, ids)
    }

    fn wish(&mut self, id: MachineId, allowance: Allowance, weight: u32, priority: Priority) {
        let now = self.now;
        self.fleet.with(now, id, |machine| {
            machine.wish(now, allowance, weight, priority);
        });
    }

    /// Does what there is to do now.
    fn turn(&mut self) {
        loop {
            self.fleet.handle_timeouts(self.now);
            let mut idle = true;
            while let Some((id, action)) = self.fleet.poll_action() {
                idle = false;
                if let Action::Fetch(fetch) = action {
                    self.left.push((self.now, id, fetch));
                    self.out.push_back((id, fetch));
                }
            }
            let due = self.fleet.poll_timeout();
            if idle && due.is_none_or(|(at, ..)| at > self.now) {
                return;
            }
        }
    }

    fn answer(&mut self, answer: Result<Answer<'_>, FetchFault>) -> Option<(MachineId, FetchId)> {
        let (id, fetch) = self.out.pop_front()?;
        let received = UnixNanos::default();
        self.fleet
            .fetched(self.now, received, id, fetch, answer, &mut |_, ()| {});
        self.turn();
        Some((id, fetch))
    }

    fn agree(&mut self) -> Option<(MachineId, FetchId)> {
        self.answer(Ok(status(OK, None)))
    }

    /// Answers everything at once, until nothing is left or a deadline has to be waited for.
    fn serve(&mut self) {
        self.turn();
        while self.agree().is_some() {}
    }
}

fn status(status: u16, seconds: Option<u64>) -> Answer<'static> {
    Answer {
        status,
        retry_after: seconds.map(Duration::from_secs),
        used_weight: None,
        body: b"",
    }
}

#[test]
fn there_are_never_more_requests_under_way_than_there_are_connections() {
    let (mut world, ids) = World::new(2, 2);
    for id in [ids[0], ids[1], ids[0], ids[1], ids[0]] {
        world.wish(id, Allowance::BinanceSpot, 5, Priority::Snapshot);
    }
    world.turn();
    assert_eq!(world.out.len(), 2);
    world.agree();
    assert_eq!((world.out.len(), world.left.len()), (2, 3));
    world.answer(Err(FetchFault::Io(Fault::Reset)));
    assert_eq!((world.out.len(), world.left.len()), (2, 4));
    world.serve();
    assert_eq!((world.out.len(), world.left.len()), (0, 5));
}

#[test]
fn snapshots_go_before_trades_and_these_before_polls_and_of_equals_the_oldest() {
    let (mut world, ids) = World::new(2, 1);
    let spot = Allowance::BinanceSpot;
    // Something under way, so that all others wait.
    world.wish(ids[0], spot, 1, Priority::Poll);
    world.turn();
    let waits = [
        (ids[1], Priority::Poll),
        (ids[0], Priority::Backfill),
        (ids[1], Priority::Snapshot),
        (ids[0], Priority::Snapshot),
        (ids[0], Priority::Poll),
    ];
    for (id, priority) in waits {
        world.now = world.now + Duration::from_millis(1);
        world.wish(id, spot, 1, priority);
        world.turn();
    }
    world.serve();
    let order: Vec<_> = world.left.iter().map(|(_, id, _)| *id).collect();
    assert_eq!(order, [ids[0], ids[1], ids[0], ids[0], ids[1], ids[0]]);
    let numbers: Vec<_> = world.left.iter().map(|(.., id)| id.number()).collect();
    assert_eq!(numbers, [1, 2, 3, 2, 1, 4]);
}

#[test]
fn who_asks_for_much_is_not_overtaken_by_those_who_ask_for_little() {
    let (mut world, ids) = World::new(1, 1);
    let spot = Allowance::BinanceSpot;
    let pace = spot.pace();
    world.wish(ids[0], spot, pace.count - 10, Priority::Poll);
    world.serve();
    world.wish(ids[0], spot, 250, Priority::Poll);
    world.turn();
    for _ in 0..5 {
        world.now = world.now + Duration::from_millis(1);
        world.wish(ids[0], spot, 1, Priority::Poll);
        world.serve();
    }
    assert_eq!(world.left.len(), 1, "what asks for little waits behind it");
    let (at, id, timer) = world.fleet.poll_timeout().unwrap();
    assert_eq!((id, timer), (ids[0], Timer::Weight));
    assert_eq!(at, world.left[0].0 + pace.per);
    world.now = at;
    world.serve();
    assert_eq!(world.left.len(), 7);
}

#[test]
fn what_one_is_barred_from_is_closed_to_all_and_what_bans_the_address_to_the_whole_site() {
    let cases = [
        // Over the limit: of this allowance.
        (429, Some(30), 30, 0),
        (429, None, 300, 0),
        // Banned, or stopped by the firewall: everything of the site.
        (418, Some(120), 120, 120),
        (418, None, 120, 120),
        (403, None, 300, 300),
        // Three days at the most.
        (418, Some(1_000_000), 259_200, 259_200),
        // The venue's troubles, if it says for how long.
        (503, Some(5), 5, 0),
        (503, None, 0, 0),
    ];
    for (code, after, barred, site) in cases {
        let (mut world, ids) = World::new(2, 4);
        world.wish(ids[0], Allowance::BinanceStatistics, 1, Priority::Poll);
        world.turn();
        world.answer(Ok(status(code, after)));
        let began = world.now;
        world.wish(ids[1], Allowance::BinanceStatistics, 1, Priority::Poll);
        world.wish(ids[1], Allowance::BinanceFutures, 1, Priority::Poll);
        world.wish(ids[1], Allowance::BinanceSpot, 1, Priority::Poll);
        let mut waited = BTreeMap::new();
        while waited.len() < 3 {
            world.turn();
            for (at, _, id) in world.left.drain(..).filter(|(_, id, _)| *id == ids[1]) {
                waited.insert(id.number(), at.since(began).as_secs());
            }
            if let Some((at, ..)) = world.fleet.poll_timeout() {
                world.now = world.now.max(at);
            }
        }
        let expected = BTreeMap::from([(1, barred), (2, site), (3, 0)]);
        assert_eq!(waited, expected, "{code} {after:?}");
    }
}

#[test]
fn a_venue_that_says_nothing_of_how_long_is_left_alone_twice_as_long_each_time() {
    let (mut world, ids) = World::new(1, 1);
    let mut waits = Vec::new();
    for code in [418, 418, 418, 200, 418] {
        world.wish(ids[0], Allowance::BinanceSpot, 1, Priority::Poll);
        let began = world.now;
        world.turn();
        while world.out.is_empty() {
            world.now = world.fleet.poll_timeout().unwrap().0;
            world.turn();
        }
        waits.push(world.now.since(began).as_secs());
        world.answer(Ok(status(code, None)));
    }
    world.wish(ids[0], Allowance::BinanceSpot, 1, Priority::Poll);
    world.turn();
    let (at, ..) = world.fleet.poll_timeout().unwrap();
    waits.push(at.since(world.now).as_secs());
    assert_eq!(waits, [0, 120, 240, 480, 0, 120]);
}

#[test]
fn what_others_have_spent_from_the_address_is_taken_in() {
    let (mut world, ids) = World::new(1, 1);
    let spot = Allowance::BinanceSpot;
    world.wish(ids[0], spot, 5, Priority::Poll);
    world.turn();
    world.answer(Ok(Answer {
        used_weight: Some(5_900),
        ..status(OK, None)
    }));
    world.wish(ids[0], spot, 5, Priority::Poll);
    world.turn();
    let (at, ..) = world.fleet.poll_timeout().unwrap();
    assert_eq!(at, world.now + spot.quota().per, "all of it is spent");
    // The statistics have no such count; what is told there is about something else.
    let statistics = Allowance::BinanceStatistics;
    world.wish(ids[0], statistics, 1, Priority::Poll);
    world.turn();
    world.answer(Ok(Answer {
        used_weight: Some(5_900),
        ..status(OK, None)
    }));
    world.wish(ids[0], statistics, 1, Priority::Poll);
    let before = world.left.len();
    world.serve();
    assert_eq!(world.left.len(), before + 1);
}

#[test]
fn an_answer_that_is_told_twice_frees_one_place() {
    let (mut world, ids) = World::new(1, 1);
    for _ in 0..3 {
        world.wish(ids[0], Allowance::OkxBooks, 1, Priority::Snapshot);
    }
    world.turn();
    let first = *world.out.front().unwrap();
    world.agree();
    world.out.push_front(first);
    world.agree();
    assert_eq!(world.out.len(), 1);
}

#[test]
fn every_allowance_lies_below_what_its_venue_documents_and_leaves_no_burst() {
    // Counted in any window of so many milliseconds.
    let documented = [
        (Allowance::BinanceSpot, 6000, 60_000),
        (Allowance::BinanceFutures, 2400, 60_000),
        (Allowance::BinanceStatistics, 1000, 300_000),
        (Allowance::OkxBooks, 40, 2_000),
        (Allowance::OkxTrades, 20, 2_000),
        (Allowance::OkxInstruments, 20, 2_000),
        (Allowance::OkxStatistics, 5, 2_000),
    ];
    assert!(documented.map(|(of, ..)| of) == Allowance::ALL);
    for (allowance, most, per) in documented {
        let (quota, pace) = (allowance.quota(), allowance.pace());
        assert!(quota.count * 100 <= most * 80, "{}", allowance.name());
        assert!(quota.per >= Duration::from_millis(per));
        assert!(pace.count < quota.count && pace.per < quota.per);
        // Even at its fastest it can spend all that it has in time.
        let periods = quota.per.as_millis() / pace.per.as_millis();
        assert!(u128::from(pace.count) * periods >= u128::from(quota.count));
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever is wished for and answered, no window of any allowance holds more than it may,
    /// nothing leaves while the address is barred, and everything leaves in the end.
    #[test]
    fn no_allowance_is_exceeded_and_no_bar_broken(
        steps in prop::collection::vec((0_usize..3, 0_usize..7, 1_u32..250, 0_u8..8), 1..300)
    ) {
        let (mut world, ids) = World::new(3, 4);
        let mut drawn = BTreeMap::new();
        let mut barred: Vec<(Allowance, Time, Time)> = Vec::new();
        for (who, which, weight, what) in steps {
            let allowance = Allowance::ALL[which];
            let weight = weight.min(allowance.pace().count);
            match what {
                0..=3 => {
                    let priority = [Priority::Snapshot, Priority::Backfill, Priority::Poll][who];
                    world.wish(ids[who], allowance, weight, priority);
                    let number = world.fleet.machine(ids[who]).unwrap().last;
                    drawn.insert((ids[who], number), (allowance, weight));
                }
                4 => world.now = world.now + Duration::from_millis(u64::from(weight) * 20),
                5 => world.now = world.fleet.poll_timeout().map_or(world.now, |(at, ..)| world.now.max(at)),
                6 => {
                    let answer = world.answer(Ok(status(429, Some(u64::from(weight)))));
                    if let Some(answered) = answer {
                        let until = world.now + Duration::from_secs(u64::from(weight));
                        barred.push((drawn[&answered].0, world.now, until));
                    }
                }
                _ => drop(world.agree()),
            }
            world.turn();
        }
        world.serve();
        while let Some((at, ..)) = world.fleet.poll_timeout() {
            world.now = world.now.max(at);
            world.serve();
        }
        prop_assert_eq!(world.left.len(), drawn.len(), "everything leaves in the end");
        for allowance in Allowance::ALL {
            let spent: Vec<_> = world.left.iter()
                .map(|(at, id, fetch)| (*at, drawn[&(*id, *fetch)]))
                .filter(|(_, (of, _))| *of == allowance)
                .map(|(at, (_, weight))| (at, weight))
                .collect();
            for quota in [allowance.quota(), allowance.pace()] {
                for (index, &(begin, _)) in spent.iter().enumerate() {
                    let inside = spent[index..].iter().take_while(|(at, _)| at.since(begin) < quota.per);
                    let sum: u32 = inside.map(|(_, weight)| weight).sum();
                    prop_assert!(sum <= quota.count, "{} spends {}", allowance.name(), sum);
                }
            }
            for (_, from, until) in barred.iter().filter(|(of, ..)| *of == allowance) {
                let within = spent.iter().filter(|(at, _)| at > from && at < until);
                prop_assert_eq!(within.count(), 0, "{} is barred", allowance.name());
            }
        }
    }
}
