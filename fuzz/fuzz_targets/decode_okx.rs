//! Any text as a message or an answer of OKX.
#![no_main]

mod both_ways;

use libfuzzer_sys::fuzz_target;
use marketprism_core::market::{Channel, Market};
use marketprism_core::venue::Asked;

/// One question for each form that answers have.
const QUESTIONS: [(Asked, &str); 5] = [
    (Asked::Book(Channel::Books), "BTC-USDT"),
    (
        Asked::Trades {
            channel: Channel::TradesAll,
            from: 1,
            to: 100,
        },
        "BTC-USDT",
    ),
    (Asked::Poll(Channel::OkxOpenInterest), "BTC-USDT-SWAP"),
    (Asked::Poll(Channel::OkxTopAccountRatio), "BTC-USDT-SWAP"),
    (Asked::Poll(Channel::Instruments), "SWAP"),
];

fuzz_target!(|text: &str| both_ways::check(Market::Okx, text, &QUESTIONS));
