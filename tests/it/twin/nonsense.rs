//! Whatever clients send, and in whatever pieces: the exchange answers in the venue's form or
//! not at all, and goes on.

use std::time::Duration;

use marketprism::twin::{Exchange, Options};
use marketprism_core::market::Market;
use marketprism_core::{ReceiveBuffer, Time};
use proptest::prelude::*;
use serde_json::Value;

use super::wire::{Stage, World};

fn market() -> impl Strategy<Value = Market> {
    prop::sample::select(Market::ALL.to_vec())
}

/// Texts on the edge of being requests.
fn request() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\\",
        "null",
        "true",
        "-1",
        "1e400",
        "0.5",
        "\"method\"",
        "\"SUBSCRIBE\"",
        "\"UNSUBSCRIBE\"",
        "\"GET_PROPERTY\"",
        "\"params\"",
        "\"id\"",
        "\"op\"",
        "\"subscribe\"",
        "\"args\"",
        "\"channel\"",
        "\"books\"",
        "\"instId\"",
        "\"BTC-USDT\"",
        "\"btcusdt@trade\"",
        "\"combined\"",
        "ping",
        "\u{1F600}",
        "\u{0}",
    ]);
    prop::collection::vec(word, 0..24).prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn bytes_without_sense_end_a_connection_and_nothing_else(
        market in market(),
        pieces in prop::collection::vec(prop::collection::vec(any::<u8>(), 1..200), 1..8),
    ) {
        let mut exchange = Exchange::new(market, Options::new(market), 1);
        let id = exchange.accept(Time::ZERO);
        let mut rx = ReceiveBuffer::with_capacity(256);
        for piece in &pieces {
            rx.spare()[..piece.len()].copy_from_slice(piece);
            rx.commit(piece.len());
            exchange.receive(Time::ZERO, id, &mut rx);
            prop_assert!(rx.is_empty());
        }
        exchange.handle_timeout(Time::ZERO + Duration::from_secs(30));
        prop_assert!(exchange.poll_command().is_some());
    }

    #[test]
    fn every_answer_to_nonsense_is_one_of_the_venues(
        market in market(),
        requests in prop::collection::vec(request(), 1..5),
    ) {
        let path = match market {
            Market::BinanceSpot | Market::BinanceCoinm => "/ws",
            Market::BinanceUsdm => "/public/ws",
            Market::Okx => "/ws/v5/public",
        };
        let mut world = World::of(market);
        let peer = world.connect(path);
        for request in &requests {
            for answer in world.ask(peer, request) {
                let pong = request == "ping" && answer == "pong";
                let json = serde_json::from_str::<Value>(&answer).is_ok_and(|json| json.is_object());
                prop_assert!(pong || json, "{request} {answer}");
            }
        }
        prop_assert_eq!(world.peers[peer].stage(), Stage::Open);
    }
}
