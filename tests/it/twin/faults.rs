//! Each fault does what it says, and the ledger tells of it.

use std::time::Duration;

use marketprism::twin::{Command, ConnectionId, Fault, FaultPlan, Options};
use marketprism_core::market::Market;
use marketprism_core::ws::handshake::Refused;
use serde_json::Value;

use super::wire::{Stage, World};

const SECOND: Duration = Duration::from_secs(1);
pub(super) const SPOT: &str =
    "/stream?streams=btcusdt@trade/btcusdt@bookTicker/btcusdt@depth@100ms";

/// A spot exchange with one client to which data flows, struck by a fault.
pub(super) fn struck(fault: Fault) -> World {
    let mut world = World::of(Market::BinanceSpot);
    world.connect(SPOT);
    world.run(SECOND * 5);
    world.exchange.inject(world.now, fault);
    world.run(Duration::from_millis(1));
    let entry = &world.exchange.ledger().faults()[0];
    assert_eq!((entry.fault, entry.connection), (fault, world.peers[0].id));
    assert_eq!(entry.recovered, None);
    world
}

pub(super) fn ended(world: &World) -> Option<Command> {
    world.peers[0].ended.map(|(_, command)| command)
}

pub(super) fn recovered(world: &World) -> bool {
    world.exchange.ledger().faults()[0].recovered.is_some()
}

#[test]
fn a_clean_close_says_its_code_and_ends_once_answered() {
    for code in [1000, 1001] {
        let mut world = struck(Fault::Close(code));
        assert_eq!(world.peers[0].close, Some(code));
        assert_eq!(ended(&world), Some(Command::Close(world.peers[0].id)));
        world.connect(SPOT);
        world.run(SECOND * 5);
        assert!(recovered(&world));
    }
}

#[test]
fn cut_reset_half_close_and_stall_are_the_socket_layers_to_do() {
    type Order = fn(ConnectionId) -> Command;
    let cases: [(Fault, Order); 4] = [
        (Fault::Cut, Command::Close),
        (Fault::Reset, Command::Reset),
        (Fault::HalfClose, Command::HalfClose),
        (Fault::Stall, Command::Stall),
    ];
    for (fault, command) in cases {
        let mut world = struck(fault);
        let id = world.peers[0].id;
        assert_eq!(ended(&world), Some(command(id)));
        assert_eq!(world.peers[0].close, None);
        world.run(SECOND * 5);
        assert!(world.exchange.transmit(id).is_empty());
        assert!(!recovered(&world));
        world.connect(SPOT);
        world.run(SECOND * 5);
        assert!(recovered(&world));
    }
}

#[test]
fn a_held_socket_is_given_up_in_the_end() {
    let mut world = struck(Fault::HalfClose);
    let id = world.peers[0].id;
    world.run(SECOND * 299);
    assert_eq!(world.exchange.ledger().sockets().live, 1);
    world.run(SECOND * 2);
    assert_eq!(ended(&world), Some(Command::Drop(id)));
    assert_eq!(world.exchange.ledger().sockets().live, 0);
}

#[test]
fn a_stall_with_pings_answers_everything_and_brings_no_data() {
    let mut world = struck(Fault::StallWithPings);
    let (data, pings) = (world.peers[0].texts.len(), world.peers[0].pings.len());
    world.run(SECOND * 60);
    let request = r#"{"method":"LIST_SUBSCRIPTIONS","id":1}"#;
    assert_eq!(world.ask(0, request).len(), 1);
    assert_eq!(world.peers[0].texts.len(), data + 1);
    assert_eq!(world.peers[0].pings.len(), pings + 3);
    assert_eq!(ended(&world), None);
    assert!(!recovered(&world));

    let mut okx = World::of(Market::Okx);
    let peer = okx.connect("/ws/v5/public");
    okx.send(
        peer,
        r#"{"op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"}]}"#,
    );
    okx.run(SECOND * 10);
    okx.exchange.inject(okx.now, Fault::StallWithPings);
    for _ in 0..4 {
        okx.run(SECOND * 25);
        assert_eq!(okx.ask(peer, "ping"), ["pong"]);
    }
    assert_eq!(okx.peers[peer].ended, None);
}

#[test]
fn one_stream_falls_silent_until_it_is_taken_anew() {
    let mut world = struck(Fault::SilentStream);
    let name = world.exchange.ledger().faults()[0].streams[0].clone();
    let quiet = |world: &World| world.peers[0].texts_with(&name).len();
    let (before, all) = (quiet(&world), world.peers[0].texts.len());
    world.run(SECOND * 10);
    assert_eq!(quiet(&world), before);
    assert!(world.peers[0].texts.len() > all + 50);
    // A stream that stands is not begun anew by asking for it once more.
    world.send(
        0,
        &format!(r#"{{"method":"SUBSCRIBE","params":["{name}"],"id":1}}"#),
    );
    world.run(SECOND * 5);
    assert_eq!(quiet(&world), before);
    world.send(
        0,
        &format!(r#"{{"method":"UNSUBSCRIBE","params":["{name}"],"id":2}}"#),
    );
    world.send(
        0,
        &format!(r#"{{"method":"SUBSCRIBE","params":["{name}"],"id":3}}"#),
    );
    world.run(SECOND * 5);
    assert!(quiet(&world) > before);
    assert!(recovered(&world));
}

#[test]
fn upgrades_are_refused_with_a_status_from_the_first_attempt_on() {
    for status in [429, 418, 503] {
        let mut world = struck(Fault::Status(status, SECOND * 3));
        assert_eq!(ended(&world), Some(Command::Close(world.peers[0].id)));
        world.run(SECOND * 60);
        for (waited, left) in [(0, 3), (1, 2), (1, 1)] {
            world.run(SECOND * waited);
            let peer = world.connect(SPOT);
            let refused = Refused::Status(status, Some(SECOND * left));
            assert_eq!(world.peers[peer].stage(), Stage::Refused(refused));
        }
        world.run(SECOND);
        let peer = world.connect(SPOT);
        assert_eq!(world.peers[peer].stage(), Stage::Open);
        world.run(SECOND * 5);
        assert!(recovered(&world));
    }
}

#[test]
fn a_request_loses_its_ack_or_itself_or_is_refused() {
    let subscribe = r#"{"method":"SUBSCRIBE","params":["btcusdt@bookTicker"],"id":7}"#;
    let cases = [
        (Fault::LostAck, "", true),
        (Fault::LostRequest, "", false),
        (Fault::RefusedAck, r#"{"code":2,"msg":"#, false),
    ];
    for (fault, reply, takes_effect) in cases {
        let mut world = struck(fault);
        let peer = world.connect("/stream");
        let replies = world.ask(peer, subscribe);
        assert_eq!(replies.concat().get(..reply.len()), Some(reply), "{fault}");
        assert_eq!(replies.is_empty(), reply.is_empty());
        world.run(SECOND * 5);
        assert_eq!(
            !world.peers[peer]
                .texts_with("btcusdt@bookTicker\"")
                .is_empty(),
            takes_effect,
            "{fault}"
        );
        // The next request is served as it should be.
        assert_eq!(world.ask(peer, subscribe), [r#"{"result":null,"id":7}"#]);
    }
}

#[test]
fn okx_requests_meet_the_same_mishaps() {
    let subscribe =
        r#"{"id":"7","op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"}]}"#;
    for (fault, part) in [
        (Fault::LostAck, ""),
        (Fault::LostRequest, ""),
        (
            Fault::RefusedAck,
            r#"{"id":"7","event":"error","code":"64007""#,
        ),
    ] {
        let mut world = World::of(Market::Okx);
        let first = world.connect("/ws/v5/public");
        world.send(first, subscribe);
        world.run(SECOND * 5);
        world.exchange.inject(world.now, fault);
        let peer = world.connect("/ws/v5/public");
        assert_eq!(world.ask(peer, "ping"), ["pong"]);
        let reply = world.ask(peer, subscribe).concat();
        assert!(
            reply.starts_with(part) && reply.is_empty() == part.is_empty(),
            "{reply}"
        );
        world.run(SECOND * 5);
        let flows = !world.peers[peer].texts_with(r#""data""#).is_empty();
        assert_eq!(flows, fault == Fault::LostAck);
    }
}

#[test]
fn updates_that_are_left_out_are_in_the_ledger_and_nowhere_else() {
    for (market, path) in [
        (Market::BinanceSpot, "/ws/btcusdt@depth@100ms"),
        (Market::BinanceUsdm, "/public/ws/btcusdt@depth@100ms"),
        (Market::BinanceSpot, "/ws/btcusdt@trade"),
        (Market::BinanceUsdm, "/market/ws/btcusdt@aggTrade"),
    ] {
        let mut world = World::of(market);
        let struck = world.connect(path);
        let whole = world.connect(path);
        world.run(SECOND * 5);
        world.exchange.inject(world.now, Fault::MissingUpdates(3));
        world.run(SECOND * 10);
        let ledger = world.exchange.ledger();
        let omissions = ledger.omissions();
        assert_eq!(omissions.len(), 3);
        let victim = [struck, whole]
            .into_iter()
            .find(|peer| world.peers[*peer].id == omissions[0].connection);
        let victim = victim.unwrap();
        let other = struck + whole - victim;
        let texts = |peer: usize| -> Vec<String> {
            world.peers[peer]
                .texts
                .iter()
                .map(|(_, text)| text.clone())
                .collect()
        };
        let missing: Vec<String> = texts(other)
            .into_iter()
            .filter(|text| !texts(victim).contains(text))
            .collect();
        assert_eq!(missing.len(), 3);
        for (text, omission) in missing.iter().zip(omissions) {
            let event: Value = serde_json::from_str(text).unwrap();
            let id = |keys: [&str; 3]| keys.iter().find_map(|key| event[key].as_u64());
            assert_eq!(Some(omission.ids.first), id(["U", "t", "a"]));
            assert_eq!(Some(omission.ids.last), id(["u", "t", "a"]));
            assert_eq!(omission.instrument, "BTCUSDT");
            assert!(path.ends_with(&omission.stream));
            assert!(omission.followed.is_some());
        }
        assert!(ledger.faults()[0].recovered.is_some());
    }
}

#[test]
fn okx_updates_that_are_left_out_break_the_chain() {
    let mut world = World::of(Market::Okx);
    let peer = world.connect("/ws/v5/public");
    world.send(
        peer,
        r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#,
    );
    world.run(SECOND * 5);
    world.exchange.inject(world.now, Fault::MissingUpdates(2));
    world.run(SECOND * 5);
    let data = world.peers[peer].texts_with(r#""data""#).into_iter();
    let data: Vec<Value> = data
        .map(|text| serde_json::from_str(text).unwrap())
        .collect();
    let breaks: Vec<_> = data
        .windows(2)
        .map(|pair| {
            (
                pair[0]["data"][0]["seqId"].as_u64(),
                pair[1]["data"][0]["prevSeqId"].as_u64(),
            )
        })
        .filter(|(before, previous)| before != previous)
        .collect();
    let omissions = world.exchange.ledger().omissions();
    assert_eq!((omissions.len(), breaks.len()), (2, 1));
    assert_eq!(breaks[0].0, Some(omissions[0].ids.first - 1));
    assert_eq!(breaks[0].1, Some(omissions[1].ids.last));
    assert_eq!(omissions[0].stream, "books:BTC-USDT");
}

#[test]
fn nobody_listens_for_a_while() {
    let mut world = struck(Fault::Refuse(SECOND * 4));
    assert_eq!(ended(&world), Some(Command::Reset(world.peers[0].id)));
    assert!(!world.listening);
    world.run(Duration::from_millis(3998));
    assert!(!world.listening);
    world.run(Duration::from_millis(2));
    assert!(world.listening);
}

#[test]
fn whoever_connects_is_reset_for_a_span_that_begins_with_the_first() {
    let mut world = struck(Fault::ResetOnAccept(SECOND * 3));
    assert_eq!(ended(&world), Some(Command::Close(world.peers[0].id)));
    world.run(SECOND * 60);
    for _ in 0..3 {
        let peer = world.connect(SPOT);
        let reset = Command::Reset(world.peers[peer].id);
        assert_eq!(
            world.peers[peer].ended.map(|(_, command)| command),
            Some(reset)
        );
        world.run(SECOND);
    }
    let peer = world.connect(SPOT);
    assert_eq!(world.peers[peer].stage(), Stage::Open);
    world.run(SECOND * 5);
    assert!(recovered(&world));
}

#[test]
fn who_is_not_read_is_served_on_and_dropped_in_the_end() {
    let mut world = struck(Fault::Unread(SECOND * 4));
    let before = world.peers[0].texts.len();
    world.run(SECOND * 3);
    assert!(world.peers[0].texts.len() > before + 20);
    // Who is struck already is spared.
    world.exchange.inject(world.now, Fault::Reset);
    assert_eq!(world.exchange.ledger().faults().len(), 1);
    world.run(SECOND * 2);
    assert_eq!(ended(&world), Some(Command::Drop(world.peers[0].id)));
    assert!(!recovered(&world));
}

#[test]
fn a_notice_comes_in_the_form_of_the_connection_and_then_the_cut() {
    let mut world = struck(Fault::Notice);
    let notice = world.peers[0].texts_with("serverShutdown");
    assert!(
        notice[0].starts_with(
            r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1767225605"#
        )
    );
    world.run(SECOND * 29);
    assert_eq!(ended(&world), None);
    world.run(SECOND);
    assert_eq!(ended(&world), Some(Command::Close(world.peers[0].id)));
    assert_eq!(world.peers[0].close, None);

    let mut raw = World::of(Market::BinanceSpot);
    let peer = raw.connect("/ws/btcusdt@bookTicker");
    raw.run(SECOND * 5);
    raw.exchange.inject(raw.now, Fault::Notice);
    raw.run(SECOND);
    let notice = raw.peers[peer].texts_with("serverShutdown");
    assert_eq!(notice, [r#"{"e":"serverShutdown","E":1767225605000}"#]);

    let mut okx = World::of(Market::Okx);
    let peer = okx.connect("/ws/v5/public");
    okx.send(
        peer,
        r#"{"op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"}]}"#,
    );
    okx.run(SECOND * 5);
    okx.exchange.inject(okx.now, Fault::Notice);
    okx.run(SECOND * 59);
    let notice = okx.peers[peer].texts_with("64008");
    assert!(notice[0].starts_with(
        r#"{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":""#
    ));
    assert_eq!(okx.peers[peer].ended, None);
    okx.run(SECOND);
    assert!(okx.peers[peer].ended.is_some());
}

#[test]
fn a_fault_without_a_victim_waits_for_one() {
    let mut world = World::of(Market::BinanceSpot);
    world.exchange.inject(world.now, Fault::Reset);
    world.run(SECOND * 5);
    assert!(world.exchange.ledger().faults().is_empty());
    let peer = world.connect(SPOT);
    world.run(SECOND * 2);
    assert_eq!(
        world.peers[peer].ended.map(|(_, command)| command),
        Some(Command::Reset(world.peers[peer].id))
    );
}

/// A world in which clients come back at once, for a minute under every fault.
fn under_fire(market: Market, seed: u64) -> World {
    let mut options = Options::new(market);
    options.faults = Some(FaultPlan::every(SECOND));
    options.rules.notice = SECOND;
    let mut world = World::new(market, options, seed);
    for second in 0..120u32 {
        let peers = &world.peers;
        let gone = peers
            .last()
            .is_none_or(|peer| peer.ended.is_some() || matches!(peer.stage(), Stage::Refused(_)));
        // Who is stalled with live pings gives up as well, by its own clock.
        let stale = peers.last().is_some_and(|peer| {
            peer.last_with("data")
                .is_none_or(|at| world.now.since(at) > SECOND * 3)
        });
        if stale && !gone {
            let last = world.peers.len() - 1;
            world.hang_up(last);
        }
        if (gone || stale) && world.listening {
            let path = if market == Market::Okx {
                "/ws/v5/public"
            } else {
                "/stream"
            };
            let peer = world.connect(path);
            if world.peers[peer].stage() == Stage::Open {
                world.send(peer, if market == Market::Okx {
                    r#"{"op":"subscribe","args":[{"channel":"trades","instId":"BTC-USDT"},{"channel":"books","instId":"BTC-USDT"}]}"#
                } else {
                    r#"{"method":"SUBSCRIBE","params":["btcusdt@bookTicker","btcusdt@depth@100ms"],"id":1}"#
                });
            }
        }
        world.run(Duration::from_millis(937 + u64::from(second % 3)));
    }
    world
}

#[test]
fn one_seed_is_one_history_to_the_byte() {
    for market in [Market::BinanceSpot, Market::Okx] {
        let bytes = |world: &World| -> Vec<Vec<u8>> {
            world.peers.iter().map(|peer| peer.bytes.clone()).collect()
        };
        let (first, second) = (under_fire(market, 5), under_fire(market, 5));
        assert_eq!(bytes(&first), bytes(&second));
        assert_eq!(
            first.exchange.ledger().faults(),
            second.exchange.ledger().faults()
        );
        assert!(first.exchange.ledger().faults().len() > 30, "{market}");
        let other = under_fire(market, 6);
        assert_ne!(bytes(&first), bytes(&other));
        assert_ne!(
            first.exchange.ledger().faults(),
            other.exchange.ledger().faults()
        );
    }
}

#[test]
fn what_a_client_does_never_changes_the_market() {
    let last = |busy: bool| {
        let mut world = World::of(Market::BinanceSpot);
        for second in 0..20 {
            if busy {
                let peer = world.connect(SPOT);
                world.exchange.inject(world.now, Fault::Reset);
                world.run(Duration::from_millis(100 + second));
                assert!(world.peers[peer].stage() == Stage::Open);
            }
            let next = marketprism_core::Time::ZERO + SECOND * u32::try_from(second + 1).unwrap();
            world.run(next.since(world.now));
        }
        world.get("/api/v3/depth?symbol=BTCUSDT&limit=5000")
    };
    assert_eq!(last(false), last(true));
}
