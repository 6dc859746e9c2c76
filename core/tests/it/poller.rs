//! What is polled: when it is asked for, and that no row is told twice.

use std::time::Duration;

use marketprism_core::connection::{Action, Input, Phase, Status, Timer};
use marketprism_core::market::{Body, Channel, Market};
use marketprism_core::plan::{Limits, PlanError, Wanted, plan, polls};
use marketprism_core::poller::{PollSettings, Poller, Turns};
use marketprism_core::rest::{Answer, FetchFault, FetchId};
use marketprism_core::session::{Change, Event, Heard};
use marketprism_core::{Machine, Time, UnixNanos};

const SECOND: u64 = 1_000_000_000;

/// Midnight of some day, to which periods are aligned.
const MIDNIGHT: u64 = 1_700_006_400;

/// A poller, a clock whose origin is at midnight, and what was heard.
struct World {
    poller: Poller,
    now: Time,
    heard: Vec<String>,
}

impl World {
    fn new(market: Market, instrument: &str, channel: Channel) -> Self {
        let wanted = [Wanted {
            market,
            instrument: instrument.into(),
            channel,
        }];
        let plan = polls(&wanted).unwrap().remove(0);
        let mut poller = Poller::new(plan, &PollSettings::of(market), [5; 32]).unwrap();
        let now = Time::from_nanos(100 * SECOND);
        poller.handle(now, Input::Start);
        Self {
            poller,
            now,
            heard: Vec::new(),
        }
    }

    fn ratios() -> Self {
        Self::new(Market::Okx, "btc-usdt-swap", Channel::OkxAccountRatio)
    }

    fn unix(&self) -> UnixNanos {
        UnixNanos::from_nanos(MIDNIGHT * SECOND + self.now.as_nanos())
    }

    /// Waits for the next question, takes it, and says how long that took.
    fn question(&mut self) -> (Duration, FetchId) {
        let began = self.now;
        loop {
            if let Some(wish) = self.poller.wishes().first().copied() {
                self.poller.grant(self.now, wish.id);
                assert_eq!(self.poller.poll_action(), Some(Action::Fetch(wish.id)));
                return (self.now.since(began), wish.id);
            }
            let (at, timer) = self.poller.poll_timeout().unwrap();
            assert_eq!(timer, Timer::Fetch);
            self.now = at;
            self.poller.handle(at, Input::Timeout);
        }
    }

    fn answer(&mut self, id: FetchId, answer: Result<&str, FetchFault>) -> Vec<String> {
        let answer = answer.map(|body| Answer {
            status: 200,
            retry_after: None,
            used_weight: None,
            body: body.as_bytes(),
        });
        let (now, unix, heard) = (self.now, self.unix(), &mut self.heard);
        let mut each = |event: Heard<'_>| heard.push(words(&event.event));
        self.poller.fetched(now, unix, id, answer, &mut each);
        std::mem::take(heard)
    }

    fn ask(&mut self, body: &str) -> (Duration, Vec<String>) {
        let (waited, id) = self.question();
        (waited, self.answer(id, Ok(body)))
    }

    fn drain(&mut self) -> Vec<String> {
        let (unix, heard) = (self.unix(), &mut self.heard);
        self.poller
            .drain_events(unix, &mut |event| heard.push(words(&event.event)));
        std::mem::take(heard)
    }
}

fn words(event: &Event<'_>) -> String {
    match event {
        Event::Market(event) => {
            let Body::Ratio(ratio) = event.body else {
                return format!("{:?}", event.body);
            };
            let seconds = event.exchange_time.unwrap().as_nanos() / SECOND - MIDNIGHT;
            format!("{} {} at {seconds}", event.subject, ratio.ratio)
        }
        Event::Subscription {
            change: Change::Refused(error),
            ..
        } => format!("refused {}", error.rejection.code),
        Event::Subscription { change, .. } => change.name().to_owned(),
        Event::Status(status) => status.name().to_owned(),
        other @ (Event::OutOfOrder { .. }
        | Event::Backfilled(_)
        | Event::Gap(_)
        | Event::Book { .. }
        | Event::Filled { .. }
        | Event::Unfillable { .. }
        | Event::Notice(_)
        | Event::Key(_)
        | Event::Undecoded(_)) => format!("{other:?}"),
    }
}

/// An answer with a row for each of these ends of a period, the newest first as OKX has it.
fn rows(periods: &[u64]) -> String {
    let rows = periods.iter().map(|period| {
        let millis = (MIDNIGHT + period * 300) * 1000;
        format!(r#"["{millis}","1.{period}"]"#)
    });
    let rows: Vec<_> = rows.collect();
    format!(r#"{{"code":"0","msg":"","data":[{}]}}"#, rows.join(","))
}

#[test]
fn a_ratio_is_asked_for_shortly_after_the_end_of_each_period() {
    let mut world = World::ratios();
    let (waited, said) = world.ask(&rows(&[0]));
    assert!(waited <= Duration::from_secs(5), "{waited:?}");
    assert_eq!(said, ["live", "BTC-USDT-SWAP 1.0 at 0"]);
    for period in 1..20 {
        let (_, said) = world.ask(&rows(&[period, period - 1]));
        let into = world.now.as_nanos() / SECOND - period * 300;
        assert!((20..=25).contains(&into), "{into} s into the period");
        assert_eq!(
            said,
            [format!("BTC-USDT-SWAP 1.{period} at {}", period * 300)]
        );
    }
}

#[test]
fn no_row_is_told_twice_and_those_that_were_missed_are_told_in_order() {
    let mut world = World::ratios();
    // What was there before is not told.
    assert_eq!(
        world.ask(&rows(&[3, 2, 1])).1[1..],
        ["BTC-USDT-SWAP 1.3 at 900"]
    );
    assert_eq!(world.ask(&rows(&[3, 2, 1])).1, [""; 0]);
    let (_, said) = world.ask(&rows(&[6, 5, 4, 3, 2]));
    let expected = [4, 5, 6].map(|period| format!("BTC-USDT-SWAP 1.{period} at {}", period * 300));
    assert_eq!(said, expected);
    assert_eq!(world.ask(&rows(&[6, 5])).1, [""; 0]);
    assert_eq!(
        world.ask(&rows(&[5, 4])).1,
        [""; 0],
        "an older answer, from another cache"
    );
}

#[test]
fn a_row_that_is_late_is_asked_for_again_soon_but_not_for_ever() {
    let mut world = World::ratios();
    world.ask(&rows(&[0]));
    let waits: Vec<u64> = (0..7).map(|_| world.ask(&rows(&[0])).0.as_secs()).collect();
    assert!((200..=230).contains(&waits[0]), "{waits:?}");
    assert_eq!(waits[1..5], [15; 4]);
    assert!(waits[5] > 200 && waits[6] > 200, "{waits:?}");
}

#[test]
fn what_the_venue_refuses_is_said_and_asked_for_again_much_later() {
    let mut world = World::ratios();
    let refused = r#"{"code":"51001","msg":"Instrument ID does not exist","data":[]}"#;
    assert_eq!(world.ask(refused).1, ["refused 51001"]);
    let (waited, said) = world.ask(refused);
    assert_eq!((waited, said), (Duration::from_secs(300), Vec::new()));
    assert_eq!(world.ask(&rows(&[2])).1[0], "live");
    assert_eq!(world.poller.statistics().fetches_refused, 2);
}

#[test]
fn what_fails_is_asked_for_again_and_then_said_to_be_silent() {
    let mut world = World::ratios();
    world.ask(&rows(&[0]));
    for attempt in 1..=5 {
        let (waited, id) = world.question();
        assert!(attempt == 1 || waited < Duration::from_secs(20));
        let said = world.answer(id, Err(FetchFault::Protocol));
        let expected: &[&str] = if attempt == 5 { &["silent"] } else { &[] };
        assert_eq!(said, expected);
    }
    let (waited, said) = world.ask(&rows(&[1]));
    assert!(waited > Duration::from_secs(60), "its next turn");
    assert_eq!(said[0], "live");
}

#[test]
fn a_poller_that_is_stopped_asks_for_nothing_and_starts_again() {
    let mut world = World::ratios();
    assert_eq!(world.poller.phase(), Phase::Open);
    let (_, id) = world.question();
    world.poller.handle(world.now, Input::Stop);
    assert_eq!(world.poller.phase(), Phase::Stopped);
    assert_eq!(world.drain(), [Status::Stopped.name()]);
    assert_eq!(world.poller.poll_timeout(), None);
    assert_eq!(world.answer(id, Ok(&rows(&[0]))), [""; 0], "too late");
    assert_eq!(world.poller.request(id), None);
    world.poller.handle(world.now, Input::Start);
    assert_eq!(world.ask(&rows(&[0])).1.len(), 2);
}

#[test]
fn each_channel_has_its_turns() {
    let settings = PollSettings::of(Market::BinanceUsdm);
    let every = |seconds| Turns::Every(Duration::from_secs(seconds));
    let aligned = Turns::Aligned {
        period: Duration::from_secs(300),
        after: Duration::from_secs(20),
    };
    let table = [
        (Channel::OpenInterest, every(30)),
        (Channel::ExchangeInfo, every(3600)),
        (Channel::TopPositionRatio, aligned),
        (Channel::TopAccountRatio, aligned),
        (Channel::AccountRatio, aligned),
    ];
    for (channel, turns) in table {
        assert_eq!(settings.turns(channel), turns, "{channel}");
    }
}

fn wanted(market: Market, instruments: &[&str], channels: &[&str]) -> Vec<Wanted> {
    let each = instruments.iter().flat_map(|instrument| {
        channels.iter().map(move |channel| Wanted {
            market,
            instrument: (*instrument).into(),
            channel: channel.parse().unwrap(),
        })
    });
    each.collect()
}

/// Spot and derivatives of two venues: books, trades, funding, open interest, liquidations and
/// the ratios of long and short.
fn matrix() -> Vec<Wanted> {
    let coins = ["BTCUSDT", "ETHUSDT"];
    let usdm = [
        "depth@100ms",
        "aggTrade",
        "markPrice@1s",
        "forceOrder",
        "openInterest",
        "topLongShortPositionRatio",
        "topLongShortAccountRatio",
        "globalLongShortAccountRatio",
    ];
    let swaps = [
        "books",
        "trades",
        "funding-rate",
        "open-interest",
        "long-short-account-ratio-contract",
        "long-short-position-ratio-contract-top-trader",
    ];
    [
        wanted(Market::BinanceSpot, &coins, &["depth@100ms", "trade"]),
        wanted(Market::BinanceUsdm, &coins, &usdm),
        wanted(Market::Okx, &["BTC-USDT", "ETH-USDT"], &["books", "trades"]),
        wanted(Market::Okx, &["BTC-USDT-SWAP", "ETH-USDT-SWAP"], &swaps),
        wanted(Market::Okx, &["SWAP"], &["liquidation-orders"]),
    ]
    .concat()
}

#[test]
fn every_kind_of_figure_of_two_venues_needs_at_most_five_sessions_and_all_of_it_is_planned() {
    let wanted = matrix();
    let sessions = plan(&wanted, Limits::of).unwrap();
    assert!(sessions.len() <= 5, "{} sessions", sessions.len());
    let polled = polls(&wanted).unwrap();
    let names: Vec<_> = polled.iter().map(|plan| plan.name.as_str()).collect();
    assert_eq!(names, ["binance-usdm-polls", "okx-polls"]);
    let streamed: usize = sessions.iter().map(|plan| plan.streams.len()).sum();
    let asked: usize = polled.iter().map(|plan| plan.streams.len()).sum();
    assert_eq!(streamed + asked, wanted.len());
    assert_eq!(asked, 2 * 4 + 2 * 2);
}

#[test]
fn what_is_polled_is_planned_once_and_has_to_have_a_name() {
    let twice = wanted(
        Market::BinanceUsdm,
        &["btcusdt", "BTCUSDT"],
        &["openInterest"],
    );
    assert_eq!(polls(&twice).unwrap()[0].streams.len(), 1);
    assert_eq!(plan(&twice, Limits::of), Ok(Vec::new()));
    let nameless = wanted(Market::BinanceUsdm, &[""], &["openInterest"]);
    assert!(matches!(
        polls(&nameless),
        Err(PlanError::Instrument { .. })
    ));
    let all = wanted(Market::BinanceSpot, &["whatever"], &["exchangeInfo"]);
    assert_eq!(polls(&all).unwrap()[0].streams[0].instrument, "");
    let elsewhere = wanted(Market::Okx, &["BTC-USDT"], &["openInterest"]);
    assert!(
        plan(&elsewhere, Limits::of).is_err(),
        "OKX has no such channel"
    );
}
