//! The rules of the venues' servers.

use std::time::Duration;

use marketprism::twin::{Command, Options, Ping};
use marketprism_core::Time;
use marketprism_core::market::Market;
use marketprism_core::ws::handshake::Refused;

use super::wire::{Stage, World};

const SECOND: Duration = Duration::from_secs(1);

fn at(seconds: u64) -> Time {
    Time::ZERO + SECOND * u32::try_from(seconds).unwrap()
}

/// A market where nothing is traded, so that hours pass quickly.
fn quiet(market: Market) -> Options {
    Options {
        instruments: Vec::new(),
        ..Options::new(market)
    }
}

#[test]
fn binance_pings_and_lets_those_live_who_answer() {
    for (market, path, every) in [
        (Market::BinanceSpot, "/ws/btcusdt@depth", 20),
        (Market::BinanceUsdm, "/public/ws/btcusdt@depth", 180),
    ] {
        let mut world = World::new(market, quiet(market), 1);
        let peer = world.connect(path);
        world.run(SECOND * 3600);
        let pings = &world.peers[peer].pings;
        assert_eq!(pings.len(), 3600 / every);
        assert_eq!(pings[0].0, at(every as u64));
        assert_eq!(world.peers[peer].ended, None);
    }
}

#[test]
fn who_does_not_answer_a_ping_is_cut_after_the_deadline() {
    let mut world = World::new(Market::BinanceSpot, quiet(Market::BinanceSpot), 1);
    let peer = world.connect("/ws/btcusdt@depth");
    world.peers[peer].answers = false;
    world.run(SECOND * 79);
    // Pongs that copy no ping's payload do not keep the connection alive.
    world.send_pong(peer, "");
    assert_eq!(world.peers[peer].ended, None);
    world.run(SECOND * 2);
    let id = world.peers[peer].id;
    assert_eq!(world.peers[peer].ended, Some((at(80), Command::Close(id))));
    assert_eq!(world.peers[peer].close, None);
}

#[test]
fn a_ping_that_falls_due_while_data_is_written_neither_doubles_it_nor_is_lost() {
    let mut options = Options::new(Market::BinanceSpot);
    options.pace = Duration::from_millis(10);
    options.rules.ping = Some(Ping {
        every: Duration::from_millis(250),
        within: SECOND,
    });
    let mut world = World::new(Market::BinanceSpot, options, 1);
    let peer = world.connect("/ws/btcusdt@bookTicker");
    for round in 1..=40 {
        world.now = world.now + Duration::from_millis(249);
        world.exchange.handle_timeout(world.now);
        world.read_during(peer, Duration::from_millis(1));
        let peer = &world.peers[peer];
        assert_eq!((peer.violation, peer.pings.len()), (None, round));
    }
    let texts: Vec<_> = world.peers[peer]
        .texts
        .iter()
        .map(|(_, text)| text)
        .collect();
    let sent = world.exchange.ledger().messages();
    assert_eq!(u64::try_from(texts.len()).unwrap(), sent);
    assert!(texts.windows(2).all(|pair| pair[0] != pair[1]));
    assert!(sent > 300, "{sent}");
}

#[test]
fn a_binance_connection_lives_24_hours() {
    let mut world = World::new(Market::BinanceSpot, quiet(Market::BinanceSpot), 1);
    let peer = world.connect("/ws");
    world.run(SECOND * 90_000);
    let id = world.peers[peer].id;
    assert_eq!(
        world.peers[peer].ended,
        Some((at(86_400), Command::Close(id)))
    );
}

#[test]
fn a_frame_too_many_within_a_second_ends_the_connection_with_1008() {
    for (market, path, allowed) in [
        (Market::BinanceSpot, "/ws", 5),
        (Market::BinanceUsdm, "/public/ws", 10),
    ] {
        let mut world = World::of(market);
        let peer = world.connect(path);
        for _ in 0..allowed {
            world.send_pong(peer, "");
        }
        world.run(SECOND);
        for _ in 0..allowed {
            world.send_pong(peer, "");
        }
        assert_eq!(world.peers[peer].close, None, "{market}");
        world.send_pong(peer, "");
        assert_eq!(world.peers[peer].close, Some(1008), "{market}");
        assert!(world.peers[peer].ended.is_some());
    }
}

#[test]
fn binance_ignores_a_request_longer_than_4096_bytes() {
    let mut world = World::of(Market::BinanceSpot);
    let peer = world.connect("/ws");
    let request = |fill: usize| {
        let name = "x".repeat(fill);
        format!(r#"{{"method":"SUBSCRIBE","params":["{name}"],"id":1}}"#)
    };
    let frame = request(0).len();
    assert_eq!(world.ask(peer, &request(4096 - frame)).len(), 1);
    assert_eq!(world.ask(peer, &request(4097 - frame)).len(), 0);
    assert_eq!(world.peers[peer].ended, None);
}

#[test]
fn okx_closes_an_idle_connection_after_30_seconds() {
    let mut world = World::of(Market::Okx);
    let idle = world.connect("/ws/v5/public");
    let pinging = world.connect("/ws/v5/public");
    for _ in 0..4 {
        world.run(SECOND * 25);
        world.send(pinging, "ping");
    }
    assert_eq!(world.peers[idle].close, Some(4004));
    assert_eq!(world.peers[idle].ended.map(|(at, _)| at), Some(at(30)));
    assert_eq!(world.peers[pinging].ended, None);
}

#[test]
fn okx_takes_480_requests_an_hour_and_counts_no_pings() {
    let mut world = World::new(Market::Okx, Options::new(Market::Okx), 1);
    let peer = world.connect("/ws/v5/public");
    let request = r#"{"op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"}]}"#;
    for _ in 0..480 {
        world.send(peer, "ping");
        assert!(world.ask(peer, request)[0].contains(r#""event":"subscribe""#));
    }
    let refused = world.ask(peer, request);
    assert!(
        refused[0].contains(r#""event":"error","code":"60014""#),
        "{refused:?}"
    );
}

#[test]
fn okx_closes_on_a_request_of_more_than_64_kib_with_1009() {
    let mut world = World::of(Market::Okx);
    let peer = world.connect("/ws/v5/public");
    world.send(peer, &" ".repeat(65 << 10));
    assert_eq!(world.peers[peer].close, Some(1009));
}

#[test]
fn connections_beyond_the_allowance_are_refused_with_429() {
    let mut world = World::of(Market::Okx);
    for _ in 0..3 {
        let peer = world.connect("/ws/v5/public");
        assert_eq!(world.peers[peer].stage(), Stage::Open);
    }
    let peer = world.connect("/ws/v5/public");
    let refused = Stage::Refused(Refused::Status(429, Some(SECOND)));
    assert_eq!(world.peers[peer].stage(), refused);
    world.run(SECOND);
    let peer = world.connect("/ws/v5/public");
    assert_eq!(world.peers[peer].stage(), Stage::Open);
    let route = world
        .exchange
        .ledger()
        .routes()
        .next()
        .map(|(name, entry)| (name, *entry));
    let (name, entry) = route.unwrap();
    assert_eq!((name, entry.upgrades, entry.refusals), ("public", 4, 1));
    assert_eq!(
        (entry.sockets.live, entry.sockets.most, entry.sockets.total),
        (4, 4, 5)
    );
}

#[test]
fn who_asks_for_nothing_is_dropped() {
    let mut world = World::of(Market::BinanceSpot);
    let id = world.exchange.accept(world.now);
    world.exchange.handle_timeout(at(9));
    assert_eq!(world.exchange.poll_command(), None);
    world.exchange.handle_timeout(at(10));
    assert_eq!(world.exchange.poll_command(), Some(Command::Drop(id)));
    world.exchange.closed(at(10), id);
    assert_eq!(world.exchange.ledger().sockets().live, 0);
}

#[test]
fn a_client_that_does_not_read_is_dropped_and_holds_a_bounded_backlog() {
    for (market, path, code) in [
        (Market::BinanceSpot, "/ws/btcusdt@depth@100ms", 1008u16),
        (Market::BinanceUsdm, "/public/ws/btcusdt@depth@0ms", 1008),
    ] {
        let mut options = Options::new(market);
        options.rules.backlog = 20_000;
        options.rules.ping = None;
        let mut world = World::new(market, options, 1);
        let peer = world.connect(path);
        let id = world.peers[peer].id;
        world.exchange.handle_timeout(at(600));
        let waiting = world.exchange.transmit(id);
        assert!(
            (10_000..20_200).contains(&waiting.len()),
            "{}",
            waiting.len()
        );
        let close = [0x88, 13, code.to_be_bytes()[0], code.to_be_bytes()[1]];
        assert_eq!(waiting[waiting.len() - 15..][..4], close);
        assert_eq!(world.exchange.poll_command(), Some(Command::Drop(id)));
    }
}
