//! Any text, for every market: it is read or refused, and a blank in front, which only the general
//! reader takes, changes nothing but the place of the error.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marketprism_core::market::{Event, Market};
use marketprism_core::venue::{DecodeError, Decoder};

fuzz_target!(|text: &str| {
    for market in Market::ALL {
        // The answer to a text ping is no JSON, so it may not have a blank in front.
        if text != "pong" {
            compare(market, text);
        }
    }
});

fn compare(market: Market, text: &str) {
    let spaced = format!(" {text}");
    let (mut plain, mut general) = (Decoder::new(market), Decoder::new(market));
    match (plain.decode(text), general.decode(&spaced)) {
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
