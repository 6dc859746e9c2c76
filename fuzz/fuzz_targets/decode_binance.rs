//! Any text as a message or an answer of Binance, for each of its markets.
#![no_main]

mod both_ways;

use libfuzzer_sys::fuzz_target;
use marketprism_core::market::{Channel, Market, Speed};
use marketprism_core::venue::Asked;

const MARKETS: [Market; 3] = [
    Market::BinanceSpot,
    Market::BinanceUsdm,
    Market::BinanceCoinm,
];

/// One question for each form that answers have.
const QUESTIONS: [(Asked, &str); 6] = [
    (Asked::Book(Channel::Depth(Speed::Ms100)), "BTCUSDT"),
    (trades(Channel::AggTrade), "BTCUSDT"),
    (trades(Channel::Trade), "BTCUSDT"),
    (Asked::Poll(Channel::OpenInterest), "BTCUSDT"),
    (Asked::Poll(Channel::TopPositionRatio), "BTCUSDT"),
    (Asked::Poll(Channel::ExchangeInfo), ""),
];

const fn trades(channel: Channel) -> Asked {
    Asked::Trades {
        channel,
        from: 1,
        to: 100,
    }
}

fuzz_target!(|text: &str| {
    for market in MARKETS {
        both_ways::check(market, text, &QUESTIONS);
    }
});
