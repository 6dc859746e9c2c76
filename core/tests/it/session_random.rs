//! Random troubles: whatever happens, the rules hold, and once it is over everything is live.

use marketprism_core::connection::Quota;
use marketprism_core::market::Market;
use proptest::prelude::*;

use crate::session_world::{World, millis, seconds};
use crate::sim::End;

/// A trouble, and how long it lasts.
#[derive(Clone, Debug)]
enum Trouble {
    LoseAcks(u32),
    LoseRequests(u32),
    Refuse(usize),
    RefuseAll(usize),
    Silence(usize),
    Forget(usize),
    Mute,
    Reset,
    Fin,
    Announce,
    Garbage,
    Calm,
}

fn trouble() -> impl Strategy<Value = (Trouble, u64)> {
    let kind = prop_oneof![
        (1_u32..4).prop_map(Trouble::LoseAcks),
        (1_u32..4).prop_map(Trouble::LoseRequests),
        (0_usize..6).prop_map(Trouble::Refuse),
        (0_usize..6).prop_map(Trouble::RefuseAll),
        (0_usize..6).prop_map(Trouble::Silence),
        (0_usize..6).prop_map(Trouble::Forget),
        Just(Trouble::Mute),
        Just(Trouble::Reset),
        Just(Trouble::Fin),
        Just(Trouble::Announce),
        Just(Trouble::Garbage),
        Just(Trouble::Calm),
    ];
    (kind, 1_u64..60)
}

fn streams(market: Market) -> Vec<String> {
    let (instruments, names): (&[&str], _) = match market {
        Market::Okx => (&["AAA-USDT", "BBB-USDT", "CCC-USDT"], ["trades:", "books:"]),
        Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => (
            &["aaausdt", "bbbusdt", "cccusdt"],
            ["@trade", "@bookTicker"],
        ),
    };
    let name = |instrument: &&str, part: &&str| match market {
        Market::Okx => format!("{part}{instrument}"),
        Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
            format!("{instrument}{part}")
        }
    };
    let pairs = instruments
        .iter()
        .flat_map(|i| names.iter().map(move |n| (i, n)));
    pairs
        .map(|(instrument, part)| name(instrument, part))
        .collect()
}

fn world(market: Market) -> World {
    let settings = |settings: &mut marketprism_core::session::Settings| {
        settings.timing.first_data = seconds(30);
        settings.timing.silence_cap = seconds(60);
        settings.timing.quarantine = seconds(20);
        settings.timing.quarantine_cap = seconds(120);
        settings.timing.retry_cap = seconds(20);
        settings.connection.retry.cap = seconds(10);
    };
    match market {
        Market::Okx => {
            let instruments = ["AAA-USDT", "BBB-USDT", "CCC-USDT"];
            World::with(market, &instruments, &["trades", "books"], settings)
        }
        Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
            let instruments = ["AAAUSDT", "BBBUSDT", "CCCUSDT"];
            World::with(market, &instruments, &["trade", "bookTicker"], settings)
        }
    }
}

fn strike(world: &mut World, streams: &[String], trouble: &Trouble) {
    let exchange = world.exchange();
    match trouble {
        Trouble::LoseAcks(count) => exchange.wrongs.lost_acks = *count,
        Trouble::LoseRequests(count) => exchange.wrongs.lost_requests = *count,
        Trouble::Refuse(place) => drop(exchange.wrongs.refused.insert(streams[*place].clone())),
        Trouble::RefuseAll(place) => {
            exchange.wrongs.refused.insert(streams[*place].clone());
            exchange.wrongs.refuses_all = true;
        }
        Trouble::Silence(place) => drop(exchange.wrongs.silent.insert(streams[*place].clone())),
        Trouble::Forget(place) => exchange.forget(&streams[*place]),
        Trouble::Mute => exchange.wrongs.mute = true,
        Trouble::Reset => exchange.cut(End::Reset),
        Trouble::Fin => exchange.cut(End::Fin),
        Trouble::Calm => {}
        Trouble::Announce => exchange.say(r#"{"e":"serverShutdown","E":1}"#),
        Trouble::Garbage => exchange.say("{\"event\":\"error\"}"),
    }
}

fn calm(world: &mut World) {
    let exchange = world.exchange();
    let code = exchange.wrongs.code;
    exchange.wrongs = crate::exchange::Wrongs {
        code,
        ..Default::default()
    };
}

fn survive(market: Market, troubles: &[(Trouble, u64)]) -> Result<(), TestCaseError> {
    let streams = streams(market);
    let mut world = world(market);
    world.start();
    let mut deaf = 0;
    for (trouble, time) in troubles {
        // A venue that is deaf for long may be subscribed twice in the end.
        deaf += usize::from(matches!(trouble, Trouble::LoseRequests(_)));
        if deaf <= 1 || !matches!(trouble, Trouble::LoseRequests(_)) {
            strike(&mut world, &streams, trouble);
        }
        world.run(seconds(*time));
        world.said.clear();
    }
    calm(&mut world);
    // The longest quarantine, and the way back from it.
    world.run(seconds(600));
    let states = world.states();
    let live = |state| state == marketprism_core::session::StreamState::Live;
    prop_assert!(states.values().all(|&state| live(state)), "{states:?}");
    prop_assert_eq!(&world.exchange().account.ghosts, &Vec::<String>::new());
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn once_troubles_cease_every_stream_is_live_and_subscribed_once_on_binance(
        troubles in prop::collection::vec(trouble(), 0..25),
    ) {
        survive(Market::BinanceSpot, &troubles)?;
    }

    #[test]
    fn once_troubles_cease_every_stream_is_live_and_subscribed_once_on_okx(
        troubles in prop::collection::vec(trouble(), 0..25),
    ) {
        survive(Market::Okx, &troubles)?;
    }

    #[test]
    fn no_window_of_time_holds_more_requests_than_the_quota(
        troubles in prop::collection::vec(trouble(), 0..15),
        count in 1_u32..6,
        per in 1_u64..120,
        ping in 300_u64..3000,
    ) {
        let streams = streams(Market::Okx);
        let quota = Quota { count, per: seconds(per) };
        let mut world = World::with(
            Market::Okx,
            &["AAA-USDT", "BBB-USDT", "CCC-USDT"],
            &["trades", "books"],
            |settings| {
                settings.requests = quota;
                settings.connection.messages = Some(Quota { count: 3, per: seconds(1) });
                settings.request_bytes = 120;
            },
        );
        world.exchange().ping_every = Some(millis(ping));
        world.start();
        for (trouble, time) in &troubles {
            strike(&mut world, &streams, trouble);
            world.run(seconds(*time));
        }
        let account = &world.exchange().account;
        for connection in 1..=account.connections {
            let times: Vec<_> = account
                .requests
                .iter()
                .filter(|request| request.connection == connection)
                .map(|request| request.at)
                .collect();
            let count = count as usize;
            for window in times.windows(count + 1) {
                prop_assert!(window[count].since(window[0]) >= seconds(per));
            }
            let frames: Vec<_> = account.frames.iter().filter(|(of, _)| *of == connection).collect();
            for window in frames.windows(4) {
                prop_assert!(window[3].1.since(window[0].1) >= seconds(1));
            }
        }
    }
}
