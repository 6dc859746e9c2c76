//! Lists of instruments: which are asked for, that others can wait for them, and that it is told
//! what they do not have.

use std::time::Duration;

use marketprism_core::connection::{Action, Input, Phase};
use marketprism_core::market::{Body, Market};
use marketprism_core::plan::{PollPlan, Told, Wanted, lists};
use marketprism_core::poller::{PollSettings, Poller};
use marketprism_core::rest::{Answer, FetchFault, FetchId};
use marketprism_core::session::{Change, Event, Heard};
use marketprism_core::{Machine, Time, UnixNanos};

fn wanted(market: Market, instruments: &[&str], channel: &str) -> Vec<Wanted> {
    let wish = |instrument: &&str| Wanted {
        market,
        instrument: (*instrument).into(),
        channel: channel.parse().unwrap(),
    };
    instruments.iter().map(wish).collect()
}

fn only(wanted: &[Wanted]) -> PollPlan {
    let mut plans = lists(wanted);
    assert_eq!(plans.len(), 1, "{plans:?}");
    plans.remove(0)
}

/// A poller of lists, its clock, and what was heard.
struct World {
    poller: Poller,
    now: Time,
}

impl World {
    fn new(plan: PollPlan) -> Self {
        let settings = PollSettings::of(plan.market);
        let mut world = Self {
            poller: Poller::new(plan, &settings, [5; 32]).unwrap(),
            now: Time::from_nanos(1_000_000_000),
        };
        assert_eq!(world.poller.phase(), Phase::Stopped);
        world.poller.handle(world.now, Input::Start);
        world
    }

    /// The next questions.
    fn questions(&mut self) -> Vec<(String, FetchId)> {
        while self.poller.wishes().is_empty() {
            self.pass();
        }
        let wishes = self.poller.wishes().to_vec();
        let mut questions = Vec::new();
        for wish in wishes {
            self.poller.grant(self.now, wish.id);
            assert_eq!(self.poller.poll_action(), Some(Action::Fetch(wish.id)));
            let request = self.poller.request(wish.id).unwrap();
            questions.push((request.path_and_query.to_owned(), wish.id));
        }
        questions
    }

    /// Lets the time pass until its next deadline.
    fn pass(&mut self) {
        let (at, _) = self.poller.poll_timeout().unwrap();
        self.now = at;
        self.poller.handle(at, Input::Timeout);
    }

    fn answer(&mut self, id: FetchId, status: u16, body: &str) -> Vec<String> {
        self.fetched(
            id,
            Ok(Answer {
                status,
                retry_after: None,
                used_weight: None,
                body: body.as_bytes(),
            }),
        )
    }

    fn fetched(&mut self, id: FetchId, answer: Result<Answer<'_>, FetchFault>) -> Vec<String> {
        let mut heard = Vec::new();
        let mut each = |event: Heard<'_>| heard.push(words(&event.event));
        let unix = UnixNanos::from_nanos(self.now.as_nanos());
        self.poller.fetched(self.now, unix, id, answer, &mut each);
        heard
    }

    fn drain(&mut self) -> Vec<String> {
        let mut heard = Vec::new();
        let mut each = |event: Heard<'_>| heard.push(words(&event.event));
        self.poller.drain_events(UnixNanos::default(), &mut each);
        heard
    }
}

fn words(event: &Event<'_>) -> String {
    if let Event::Market(event) = event {
        assert!(matches!(event.body, Body::Instrument(_)), "{event:?}");
        return event.instrument.to_owned();
    }
    let Event::Subscription { stream, change } = event else {
        return format!("{event:?}");
    };
    if let Change::Refused(error) = change {
        return format!("refused {stream}: {}", error.rejection.code);
    }
    format!("{} {stream}", change.name())
}

fn okx(names: &[&str]) -> String {
    let rows = names.iter().map(|name| {
        format!(
            r#"{{"instId":"{name}","instType":"SWAP","ctVal":"0.1","ctMult":"1","ctValCcy":"ETH","ctType":"linear","settleCcy":"USDT"}}"#
        )
    });
    let rows: Vec<_> = rows.collect();
    format!(r#"{{"code":"0","msg":"","data":[{}]}}"#, rows.join(","))
}

fn spot(names: &[&str]) -> String {
    let rows = names.iter().map(|name| {
        format!(r#"{{"symbol":"{name}","baseAsset":"A","quoteAsset":"B","filters":[]}}"#)
    });
    let rows: Vec<_> = rows.collect();
    format!(r#"{{"symbols":[{}]}}"#, rows.join(","))
}

const NO_SUCH: &str = r#"{"code":-1121,"msg":"Invalid symbol."}"#;

#[test]
fn each_market_is_asked_for_what_it_has_to_tell() {
    let streams = |wanted: &[Wanted]| {
        let streams = lists(wanted).into_iter().flat_map(|plan| plan.streams);
        streams
            .map(|stream| stream.to_string())
            .collect::<Vec<_>>()
            .join("; ")
    };
    let table = [
        (
            Market::BinanceSpot,
            &["ethusdt", "BTCUSDT"][..],
            "trade",
            "BTCUSDT,ETHUSDT exchangeInfo",
        ),
        (Market::BinanceSpot, &[""], "!miniTicker@arr", ""),
        (Market::BinanceSpot, &["BTCUSDT"], "exchangeInfo", ""),
        (
            Market::BinanceUsdm,
            &["BTCUSDT"],
            "aggTrade",
            " exchangeInfo",
        ),
        (
            Market::BinanceUsdm,
            &[""],
            "!forceOrder@arr",
            " exchangeInfo",
        ),
        (Market::BinanceUsdm, &[""], "!contractInfo", ""),
        (
            Market::BinanceUsdm,
            &["BTCUSDT_PERPETUAL"],
            "continuousKline_1m",
            "",
        ),
        (Market::BinanceCoinm, &["BTCUSD"], "indexPrice", ""),
        (
            Market::BinanceCoinm,
            &["BTCUSD"],
            "markPrice",
            " exchangeInfo",
        ),
        (
            Market::Okx,
            &["BTC-USDT-SWAP"],
            "trades",
            "FUTURES instruments; SPOT instruments; SWAP instruments",
        ),
        (
            Market::Okx,
            &["SWAP"],
            "liquidation-orders",
            "SWAP instruments",
        ),
        (Market::Okx, &["OPTION"], "liquidation-orders", ""),
        (Market::Okx, &["SWAP"], "instruments", ""),
        (Market::Okx, &["BTC-USDT"], "index-tickers", ""),
    ];
    for (market, instruments, channel, expected) in table {
        let wanted = wanted(market, instruments, channel);
        assert_eq!(streams(&wanted), expected, "{market} {channel}");
    }
}

#[test]
fn only_instruments_that_somebody_wants_by_name_are_expected() {
    let plan = only(&wanted(Market::Okx, &["b", "a", "B"], "trades"));
    assert_eq!(plan.name, "okx-instruments");
    assert_eq!(
        (plan.expected, plan.told),
        (vec!["A".into(), "B".into()], Told::Expected)
    );
    let both = [
        wanted(Market::BinanceCoinm, &["BTCUSD_PERP"], "aggTrade"),
        wanted(Market::BinanceCoinm, &["ETHUSD"], "markPrice"),
        wanted(
            Market::BinanceCoinm,
            &["SOLUSD"],
            "topLongShortPositionRatio",
        ),
    ];
    let plan = only(&both.concat());
    assert_eq!(
        (plan.expected, plan.told),
        (vec!["BTCUSD_PERP".into()], Told::All)
    );
}

#[test]
fn many_names_are_several_questions() {
    let names: Vec<_> = (100..350).map(|number| format!("COIN{number}")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let plan = only(&wanted(Market::BinanceSpot, &names, "trade"));
    let counts = plan
        .streams
        .iter()
        .map(|stream| stream.instrument.split(',').count());
    assert_eq!(counts.collect::<Vec<_>>(), [100, 100, 50]);
    assert_eq!(plan.expected, names);
}

#[test]
fn lists_are_asked_for_at_once_and_can_be_waited_for() {
    let plan = only(&wanted(Market::Okx, &["ETH-USDT-SWAP"], "trades"));
    let mut world = World::new(plan);
    let began = world.now;
    let questions = world.questions();
    assert_eq!(world.now, began);
    let targets: Vec<_> = questions
        .iter()
        .map(|(target, _)| target.as_str())
        .collect();
    let expected = ["FUTURES", "SPOT", "SWAP"]
        .map(|name| format!("/api/v5/public/instruments?instType={name}"));
    assert_eq!(targets, expected);
    let lists = [&["X"][..], &["Y"], &["OTHER-SWAP", "ETH-USDT-SWAP"]];
    for ((_, id), names) in questions.iter().zip(lists) {
        assert_eq!(world.poller.phase(), Phase::Connecting);
        let heard = world.answer(*id, 200, &okx(names));
        let is_last = names.len() == 2;
        assert_eq!(
            heard.last().unwrap() == "ETH-USDT-SWAP",
            is_last,
            "{heard:?}"
        );
        assert_eq!(
            heard.len(),
            if is_last { 2 } else { 1 },
            "others are not told"
        );
    }
    assert_eq!(world.poller.phase(), Phase::Open);
    // An hour later they are asked for again.
    world.questions();
    assert!(world.now.since(began) > Duration::from_secs(3000));
}

#[test]
fn nobody_waits_for_a_list_that_cannot_be_had_and_it_is_asked_for_until_it_can() {
    let wishes = wanted(Market::BinanceUsdm, &["BTCUSDT", "NONE"], "aggTrade");
    let mut world = World::new(only(&wishes));
    let (_, mut id) = world.questions().remove(0);
    let heard = world.fetched(id, Err(FetchFault::Protocol));
    assert_eq!(heard, ["silent  exchangeInfo"]);
    assert_eq!(world.poller.phase(), Phase::Open);
    for _ in 0..20 {
        let before = world.now;
        id = world.questions().remove(0).1;
        assert!(world.now.since(before) <= Duration::from_secs(300));
        assert_eq!(world.answer(id, 503, ""), [""; 0]);
    }
    id = world.questions().remove(0).1;
    let heard = world.answer(id, 200, &spot(&["BTCUSDT"]));
    let expected = [
        "live  exchangeInfo",
        "BTCUSDT",
        "unlisted NONE exchangeInfo",
    ];
    assert_eq!(heard, expected);
}

#[test]
fn nobody_waits_longer_than_five_seconds() {
    let mut world = World::new(only(&wanted(Market::BinanceUsdm, &["BTCUSDT"], "aggTrade")));
    let began = world.now;
    let (_, id) = world.questions().remove(0);
    assert_eq!(world.poller.phase(), Phase::Connecting);
    world.pass();
    assert_eq!(world.now.since(began), Duration::from_secs(5));
    assert_eq!(world.poller.phase(), Phase::Open);
    assert_eq!(world.drain(), ["silent  exchangeInfo"]);
    let heard = world.answer(id, 200, &spot(&["BTCUSDT"]));
    assert_eq!(
        heard,
        ["live  exchangeInfo", "BTCUSDT"],
        "it came after all"
    );
}

#[test]
fn what_no_list_has_is_told_once_all_are_there() {
    let wishes = wanted(Market::Okx, &["ETH-USDT-SWAP", "ETH-USDT-SWPA"], "trades");
    let mut world = World::new(only(&wishes));
    let questions = world.questions();
    let mut heard = Vec::new();
    for (place, (_, id)) in questions.iter().enumerate() {
        assert!(
            !heard
                .iter()
                .any(|words: &String| words.starts_with("unlisted"))
        );
        let names: &[&str] = if place == 2 { &["ETH-USDT-SWAP"] } else { &[] };
        heard.extend(world.answer(*id, 200, &okx(names)));
    }
    assert_eq!(heard.last().unwrap(), "unlisted ETH-USDT-SWPA instruments");
}

#[test]
fn one_name_that_is_refused_is_found_and_costs_the_others_nothing() {
    let names = ["A", "B", "C", "D", "E", "F", "G"];
    let mut world = World::new(only(&wanted(Market::BinanceSpot, &names, "trade")));
    let mut heard = Vec::new();
    let mut asked = 0;
    while world.poller.phase() == Phase::Connecting {
        for (target, id) in world.questions() {
            asked += 1;
            let (_, symbols) = target.split_once("symbols=%5B").unwrap();
            let symbols = symbols.trim_end_matches("%5D").replace("%22", "");
            let symbols: Vec<_> = symbols.split("%2C").collect();
            heard.extend(match symbols.contains(&"E") {
                true => world.answer(id, 400, NO_SUCH),
                false => world.answer(id, 200, &spot(&symbols)),
            });
        }
    }
    heard.retain(|words| !words.starts_with("live"));
    heard.sort();
    let expected = ["A", "B", "C", "D", "F", "G", "unlisted E exchangeInfo"];
    assert_eq!(heard, expected);
    assert!(asked <= 7, "{asked}");
    // Once it is listed it is told.
    loop {
        let (target, id) = world.questions().remove(0);
        if target.ends_with("%5B%22E%22%5D") {
            assert_eq!(
                world.answer(id, 200, &spot(&["E"])),
                ["live E exchangeInfo", "E"]
            );
            return;
        }
    }
}
