//! From what is wanted to sessions.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use marketprism_core::market::{Channel, Market, Scope};
use marketprism_core::plan::{Limits, PlanError, SessionPlan, Wanted, plan};
use marketprism_core::session::{Session, Settings, Stream, Timing};
use proptest::prelude::*;

fn wanted(market: Market, instrument: &str, channel: &str) -> Wanted {
    Wanted {
        market,
        instrument: instrument.into(),
        channel: channel.parse().expect("a channel"),
    }
}

fn names(sessions: &[SessionPlan]) -> Vec<&str> {
    sessions
        .iter()
        .map(|session| session.name.as_str())
        .collect()
}

/// Which session each stream is in.
fn homes(sessions: &[SessionPlan]) -> BTreeMap<(Market, String), String> {
    let streams = |session: &SessionPlan| {
        let home = session.name.clone();
        let key = |stream: &_| (session.market, format!("{stream}"));
        session
            .streams
            .iter()
            .map(key)
            .map(move |key| (key, home.clone()))
            .collect::<Vec<_>>()
    };
    sessions.iter().flat_map(streams).collect()
}

#[test]
fn two_venues_two_markets_two_symbols_trades_and_books_make_four_sessions() {
    let mut wishes = Vec::new();
    for symbol in ["BTCUSDT", "ETHUSDT"] {
        wishes.push(wanted(Market::BinanceSpot, symbol, "trade"));
        wishes.push(wanted(Market::BinanceSpot, symbol, "depth@100ms"));
        wishes.push(wanted(Market::BinanceUsdm, symbol, "aggTrade"));
        wishes.push(wanted(Market::BinanceUsdm, symbol, "depth@100ms"));
    }
    for instrument in ["BTC-USDT", "ETH-USDT", "BTC-USDT-SWAP", "ETH-USDT-SWAP"] {
        wishes.push(wanted(Market::Okx, instrument, "trades"));
        wishes.push(wanted(Market::Okx, instrument, "books"));
    }
    let sessions = plan(&wishes, Limits::of).unwrap();
    let expected = [
        "binance-spot-1",
        "binance-usdm-public-1",
        "binance-usdm-market-1",
        "okx-public-1",
    ];
    assert_eq!(names(&sessions), expected);
    let streams: Vec<_> = sessions
        .iter()
        .map(|session| session.streams.len())
        .collect();
    assert_eq!(streams, [4, 2, 2, 8]);
    assert_eq!(sessions[1].endpoint.path, "/public/stream");
    assert_eq!(sessions[2].endpoint.path, "/market/stream");
    assert!(
        sessions
            .iter()
            .all(|session| session.endpoint.tls && session.endpoint.port == 443)
    );
}

#[test]
fn what_is_wanted_twice_or_in_other_letters_is_planned_once() {
    let wishes = [
        wanted(Market::BinanceSpot, "btcusdt", "trade"),
        wanted(Market::BinanceSpot, "BTCUSDT", "trade"),
        wanted(Market::BinanceSpot, "BtcUsdt", "trade"),
    ];
    let sessions = plan(&wishes, Limits::of).unwrap();
    assert_eq!(sessions.len(), 1);
    assert_eq!(sessions[0].streams.len(), 1);
    assert_eq!(sessions[0].streams[0].instrument, "BTCUSDT");
}

#[test]
fn nothing_wanted_is_no_session() {
    assert_eq!(plan(&[], Limits::of), Ok(Vec::new()));
}

#[test]
fn what_cannot_be_had_is_refused_in_one_sentence() {
    let spot = Market::BinanceSpot;
    let no_room = |_| Limits {
        streams: 0,
        books: 1,
    };
    let trade = wanted(spot, "BTCUSDT", "trade");
    assert_eq!(plan(&[trade], no_room), Err(PlanError::NoRoom(spot)));
    let error = plan(&[wanted(spot, "BTCUSDT", "books")], Limits::of).unwrap_err();
    assert_eq!(
        error,
        PlanError::UnknownChannel {
            market: spot,
            channel: Channel::Books
        }
    );
    let sentence = error.to_string();
    assert!(sentence.starts_with("binance-spot has no channel `books`; it has trade aggTrade"));
    assert!(sentence.contains(" depth20 ") && !sentence.contains("bbo-tbt"));
    for name in ["", "BTC USDT", "BTC\"", "a@b", "\n"] {
        let error = plan(&[wanted(spot, name, "trade")], Limits::of).unwrap_err();
        assert!(
            matches!(error, PlanError::Instrument { .. }),
            "{name:?}: {error}"
        );
        assert_eq!(error.to_string().lines().count(), 1);
    }
    let long = "A".repeat(5000);
    assert!(plan(&[wanted(spot, &long, "trade")], Limits::of).is_err());
}

#[test]
fn books_of_okx_are_spread_so_that_no_session_has_thirty() {
    let mut wishes = Vec::new();
    for number in 0..60 {
        let instrument = format!("COIN{number}-USDT");
        wishes.push(wanted(Market::Okx, &instrument, "books"));
        wishes.push(wanted(Market::Okx, &instrument, "trades"));
    }
    let sessions = plan(&wishes, Limits::of).unwrap();
    assert_eq!(sessions.len(), 3, "60 books need three sessions of 29");
    for session in &sessions {
        let books = |stream: &&Stream| stream.channel == Channel::Books;
        assert!(session.streams.iter().filter(books).count() <= 29);
        assert!(session.streams.len() <= 100);
    }
}

#[test]
fn every_planned_session_can_be_made() {
    let mut wishes = Vec::new();
    for market in Market::ALL {
        let offered = Channel::all().filter(|&channel| market.route(channel).is_some());
        wishes.extend(offered.map(|channel| Wanted {
            market,
            instrument: match channel.scope() {
                Scope::InstrumentType | Scope::AnyType => "SWAP".into(),
                Scope::Instrument | Scope::Pair | Scope::Contract | Scope::Market => {
                    "BTC-USDT".into()
                }
            },
            channel,
        }));
    }
    for session in plan(&wishes, Limits::of).unwrap() {
        let settings = Settings::of(&session);
        let made = Session::new(session.clone(), settings, [1; 32]);
        assert!(made.is_ok(), "{}", session.name);
    }
}

#[test]
fn a_channel_takes_the_name_of_what_it_is_about_and_no_other() {
    let table = [
        ("liquidation-orders", "swap", Ok("SWAP liquidation-orders")),
        ("liquidation-orders", "BTC-USDT-SWAP", Err(())),
        ("index-tickers", "BTC-USDT", Ok("BTC-USDT index-tickers")),
        ("trades", "", Err(())),
    ];
    for (channel, instrument, expected) in table {
        let planned = plan(&[wanted(Market::Okx, instrument, channel)], Limits::of);
        let stream = planned.map(|sessions| sessions[0].streams[0].to_string());
        assert_eq!(stream.as_deref().map_err(|_| ()), expected, "{channel}");
    }
    let whole = ["BTCUSDT", "ETHUSDT", ""]
        .map(|name| wanted(Market::BinanceUsdm, name, "!markPrice@arr@1s"));
    let sessions = plan(&whole, Limits::of).unwrap();
    assert_eq!(sessions[0].streams.len(), 1, "of the whole market, once");
    assert_eq!(sessions[0].streams[0].instrument, "");
}

#[test]
fn a_stream_on_the_wrong_endpoint_makes_no_session() {
    let wishes = [wanted(Market::BinanceUsdm, "BTCUSDT", "aggTrade")];
    let mut session = plan(&wishes, Limits::of).unwrap().remove(0);
    session.streams[0].channel = Channel::BookTicker;
    let settings = Settings::of(&session);
    let error = Session::new(session, settings, [1; 32]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "BTCUSDT bookTicker: the market has no channel bookTicker"
    );
}

#[test]
fn a_plan_that_was_tampered_with_makes_no_session() {
    let wishes = [wanted(Market::Okx, "BTC-USDT", "trades")];
    let session = plan(&wishes, Limits::of).unwrap().remove(0);
    let refused = |streams: Vec<Stream>| {
        let plan = SessionPlan {
            streams,
            ..session.clone()
        };
        let settings = Settings::of(&plan);
        Session::new(plan, settings, [1; 32])
            .unwrap_err()
            .to_string()
    };
    assert_eq!(refused(vec![]), "there is nothing to subscribe to");
    let mut lower = session.streams[0].clone();
    lower.instrument = "btc-usdt".into();
    let twice = vec![session.streams[0].clone(), lower];
    assert_eq!(refused(twice), "btc-usdt trades is wanted twice");
}

#[test]
fn deadlines_without_any_time_make_no_session() {
    type Slot = fn(&mut Timing) -> &mut Duration;
    let slots: [(&str, Slot); 6] = [
        ("ack", |timing| &mut timing.ack),
        ("first_data", |timing| &mut timing.first_data),
        ("silence_floor", |timing| &mut timing.silence_floor),
        ("silence_cap", |timing| &mut timing.silence_cap),
        ("quarantine", |timing| &mut timing.quarantine),
        ("quarantine_cap", |timing| &mut timing.quarantine_cap),
    ];
    let wishes = [wanted(Market::Okx, "BTC-USDT", "trades")];
    let plan = plan(&wishes, Limits::of).unwrap().remove(0);
    for (name, slot) in slots {
        let mut settings = Settings::of(&plan);
        *slot(&mut settings.timing) = Duration::ZERO;
        let refused = Session::new(plan.clone(), settings, [1; 32]).unwrap_err();
        assert_eq!(
            refused.to_string(),
            format!("`{name}` must be longer than zero")
        );
    }
}

#[test]
fn requests_that_could_never_be_queued_make_no_session() {
    let wishes = [wanted(Market::Okx, "BTC-USDT", "trades")];
    let plan = plan(&wishes, Limits::of).unwrap().remove(0);
    let mut settings = Settings::of(&plan);
    settings.connection.transmit = settings.request_bytes + 14;
    Session::new(plan.clone(), settings.clone(), [1; 32]).unwrap();
    settings.request_bytes += 1;
    let refused = Session::new(plan, settings, [1; 32]).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "`transmit` must have room for `request_bytes` and a header"
    );
}

const CHANNELS: [(Market, &str); 8] = [
    (Market::BinanceSpot, "trade"),
    (Market::BinanceSpot, "bookTicker"),
    (Market::BinanceUsdm, "trade"),
    (Market::BinanceUsdm, "aggTrade"),
    (Market::Okx, "trades"),
    (Market::Okx, "books"),
    (Market::Okx, "bbo-tbt"),
    (Market::Okx, "tickers"),
];

prop_compose! {
    fn wish()(place in 0..CHANNELS.len(), number in 0_u32..30) -> Wanted {
        let (market, channel) = CHANNELS[place];
        wanted(market, &format!("COIN{number}"), channel)
    }
}

const SMALL: Limits = Limits {
    streams: 10,
    books: 4,
};

proptest! {
    #[test]
    fn every_wish_is_planned_once_within_the_limits_in_as_few_sessions_as_can_be(
        wishes in prop::collection::vec(wish(), 0..200),
    ) {
        let sessions = plan(&wishes, |_| SMALL).unwrap();
        let set: BTreeSet<_> = wishes.iter().cloned().collect();
        let planned: usize = sessions.iter().map(|session| session.streams.len()).sum();
        prop_assert_eq!(planned, set.len());
        prop_assert_eq!(homes(&sessions).len(), set.len());
        let mut groups = BTreeMap::<_, (usize, usize, usize)>::new();
        for session in &sessions {
            let books = session.streams.iter().filter(|s| s.channel == Channel::Books).count();
            prop_assert!((1..=SMALL.streams).contains(&session.streams.len()));
            prop_assert!(books <= SMALL.books);
            let group = groups.entry((session.market, session.route)).or_default();
            *group = (group.0 + 1, group.1 + session.streams.len(), group.2 + books);
        }
        for (sessions, streams, books) in groups.into_values() {
            let least = streams.div_ceil(SMALL.streams).max(books.div_ceil(SMALL.books));
            prop_assert_eq!(sessions, least);
        }
    }

    #[test]
    fn the_order_of_wishes_changes_nothing(
        (wishes, shuffled) in prop::collection::vec(wish(), 0..100)
            .prop_flat_map(|wishes| (Just(wishes.clone()), Just(wishes).prop_shuffle())),
    ) {
        prop_assert_eq!(plan(&wishes, |_| SMALL), plan(&shuffled, |_| SMALL));
    }

    #[test]
    fn one_wish_more_moves_at_most_one_stream_of_each_kind_over_each_border(
        wishes in prop::collection::vec(wish(), 0..200),
        more in wish(),
    ) {
        let before = plan(&wishes, |_| SMALL).unwrap();
        let mut wishes = wishes;
        wishes.push(more);
        let after = plan(&wishes, |_| SMALL).unwrap();
        let (old, new) = (homes(&before), homes(&after));
        let moved = old.iter().filter(|(stream, home)| new.get(*stream) != Some(*home)).count();
        prop_assert!(moved <= 2 * after.len(), "{moved} moved");
    }

    #[test]
    fn where_one_session_is_enough_nothing_moves(
        wishes in prop::collection::vec(wish(), 0..100),
        more in wish(),
    ) {
        let before = homes(&plan(&wishes, Limits::of).unwrap());
        let mut wishes = wishes;
        wishes.push(more);
        let after = homes(&plan(&wishes, Limits::of).unwrap());
        for (stream, home) in before {
            prop_assert_eq!(after.get(&stream), Some(&home));
        }
    }
}
