//! Everything that the twin says is read by the decoder that reads the venues.

use std::collections::BTreeMap;
use std::time::Duration;

use marketprism::twin::Options;
use marketprism_core::market::{Channel, Market, Scope};
use marketprism_core::venue::{
    Asked, Decoded, Decoder, Operation, Profile, Query, RouteName, Subscription, encode,
};

use super::wire::World;

/// What a channel is asked about.
fn subject(market: Market, channel: Channel) -> &'static str {
    match (market, channel.scope()) {
        (_, Scope::Market) => "",
        (_, Scope::InstrumentType | Scope::AnyType) => "SWAP",
        (Market::Okx, Scope::Instrument) => "BTC-USDT-SWAP",
        (Market::Okx, Scope::Pair | Scope::Contract) => "BTC-USDT",
        (Market::BinanceCoinm, Scope::Instrument) => "BTCUSD_PERP",
        (Market::BinanceCoinm, Scope::Pair) => "BTCUSD",
        (Market::BinanceCoinm, Scope::Contract) => "BTCUSD_PERPETUAL",
        (Market::BinanceSpot | Market::BinanceUsdm, Scope::Contract) => "BTCUSDT_PERPETUAL",
        (Market::BinanceSpot | Market::BinanceUsdm, Scope::Instrument | Scope::Pair) => "BTCUSDT",
    }
}

/// The channels of an endpoint that everybody may have.
fn channels(market: Market, route: RouteName) -> Vec<Channel> {
    let of_route = |channel: &Channel| market.route(*channel) == Some(route);
    let all = Channel::all().filter(of_route);
    all.filter(|channel| !channel.needs_login()).collect()
}

/// Asks for all of them, and returns how many requests that took.
fn subscribe(world: &mut World, peer: usize, market: Market, channels: &[Channel]) -> usize {
    let mut rest = channels;
    let (mut text, mut requests) = (String::new(), 0);
    while !rest.is_empty() {
        let wanted = rest.iter().map(|channel| Subscription {
            channel: *channel,
            instrument: subject(market, *channel),
        });
        let id = requests as u64 + 1;
        let fit = encode(market, Operation::Subscribe, id, wanted, 4000, &mut text).unwrap();
        world.send(peer, &text);
        rest = &rest[fit..];
        requests += 1;
    }
    requests
}

#[test]
fn every_message_of_every_channel_is_read_and_none_stays_silent() {
    for market in Market::ALL {
        for route in Profile::of(market).routes {
            let mut options = Options::new(market);
            options.pace = Duration::from_millis(200);
            options.rules.idle = None;
            let mut world = World::new(market, options, 11);
            let peer = world.connect(route.path);
            let wanted = channels(market, route.name);
            let requests = subscribe(&mut world, peer, market, &wanted);
            world.run(Duration::from_secs(600));
            let mut decoder = Decoder::new(market);
            let (mut events, mut controls) = (BTreeMap::<Channel, usize>::new(), 0);
            for (_, text) in &world.peers[peer].texts {
                match decoder.decode(text) {
                    Ok(Decoded::Events { channel, count, .. }) => {
                        *events.entry(channel).or_default() += count;
                    }
                    Ok(Decoded::Control) => controls += 1,
                    other => panic!("{market} {other:?}: {text}"),
                }
            }
            let replies = if market == Market::Okx {
                wanted.len()
            } else {
                requests
            };
            assert_eq!(controls, replies, "{market} {}", route.path);
            let silent: Vec<&Channel> = wanted
                .iter()
                .filter(|channel| !events.contains_key(channel))
                .collect();
            assert!(silent.is_empty(), "{market} {}: {silent:?}", route.path);
        }
    }
}

#[test]
fn every_answer_over_rest_is_read() {
    let cases = [
        (
            Market::BinanceSpot,
            Channel::ExchangeInfo,
            "/api/v3/exchangeInfo",
            2,
        ),
        (
            Market::BinanceUsdm,
            Channel::ExchangeInfo,
            "/fapi/v1/exchangeInfo",
            2,
        ),
        (
            Market::BinanceCoinm,
            Channel::ExchangeInfo,
            "/dapi/v1/exchangeInfo",
            2,
        ),
        (
            Market::BinanceUsdm,
            Channel::OpenInterest,
            "/fapi/v1/openInterest?symbol=BTCUSDT",
            1,
        ),
        (
            Market::BinanceCoinm,
            Channel::OpenInterest,
            "/dapi/v1/openInterest?symbol=BTCUSD_PERP",
            1,
        ),
        (
            Market::BinanceUsdm,
            Channel::TopPositionRatio,
            "/futures/data/topLongShortPositionRatio?symbol=BTCUSDT&period=5m&limit=3",
            3,
        ),
        (
            Market::BinanceCoinm,
            Channel::TopPositionRatio,
            "/futures/data/topLongShortPositionRatio?pair=BTCUSD&period=5m&limit=3",
            3,
        ),
        (
            Market::Okx,
            Channel::OkxTopAccountRatio,
            "/api/v5/rubik/stat/contracts/long-short-account-ratio-contract-top-trader?instId=BTC-USDT-SWAP&limit=4",
            4,
        ),
    ];
    for (market, channel, target, rows) in cases {
        let answer = World::new(market, Options::new(market), 12).get(target);
        let (_, body) = answer.split_once("\r\n\r\n").unwrap();
        let query = Query {
            asked: Asked::Poll(channel),
            instrument: subject(market, channel),
        };
        match Decoder::new(market).decode_answer(query, body) {
            Ok(Decoded::Events { count, .. }) => assert_eq!(count, rows, "{target}"),
            other => panic!("{market} {other:?}: {body}"),
        }
    }
}
