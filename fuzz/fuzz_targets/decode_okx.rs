//! Any text as a message or an answer of OKX: it is read or refused, a blank in front changes
//! nothing but the place of the error, and whatever is counted is lent.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marketprism_core::market::{Channel, Event, Market};
use marketprism_core::venue::{Asked, DecodeError, Decoded, Decoder, Query};

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

fuzz_target!(|text: &str| {
    // The answer to a text ping is no JSON, so it may not have a blank in front.
    if text != "pong" {
        compare(text, |decoder, text| decoder.decode(text));
    }
    for (asked, instrument) in QUESTIONS {
        let query = Query { asked, instrument };
        compare(text, |decoder, text| decoder.decode_answer(query, text));
    }
});

fn compare(text: &str, read: impl Fn(&mut Decoder, &str) -> Result<Decoded, DecodeError>) {
    let spaced = format!(" {text}");
    let (mut plain, mut general) = (Decoder::new(Market::Okx), Decoder::new(Market::Okx));
    match (read(&mut plain, text), read(&mut general, &spaced)) {
        (Ok(decoded), Ok(again)) => assert_eq!(decoded, again),
        (Err(error), Err(again)) => assert_eq!(what(error), what(again)),
        (decoded, again) => panic!("{decoded:?} against {again:?}"),
    }
    assert_eq!(plain.control(text), general.control(&spaced));
    assert_eq!(plain.kind(text), general.kind(&spaced));
    assert!(lent(&plain, text).eq(lent(&general, &spaced)));
}

fn what(error: DecodeError) -> DecodeError {
    DecodeError { offset: 0, ..error }
}

fn lent<'a>(decoder: &'a Decoder, text: &'a str) -> impl Iterator<Item = Event<'a>> {
    (0..).map_while(|index| decoder.event(text, index))
}
