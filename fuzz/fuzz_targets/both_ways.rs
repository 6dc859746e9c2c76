//! What every decoder owes, whatever it reads: a text is read or refused, a blank in front, which
//! only the general reader takes, changes nothing but the place of the error, and whatever is
//! counted is lent.

use marketprism_core::market::{Event, Market};
use marketprism_core::venue::{Asked, DecodeError, Decoded, Decoder, Query};

/// Reads the text as a message, and as the answer to each question.
pub fn check(market: Market, text: &str, questions: &[(Asked, &str)]) {
    // The answer to a text ping is no JSON, so it may not have a blank in front.
    if text != "pong" {
        compare(market, text, |decoder, text| decoder.decode(text));
    }
    for (asked, instrument) in questions {
        let query = Query {
            asked: *asked,
            instrument,
        };
        compare(market, text, |decoder, text| {
            decoder.decode_answer(query, text)
        });
    }
}

fn compare(
    market: Market,
    text: &str,
    read: impl Fn(&mut Decoder, &str) -> Result<Decoded, DecodeError>,
) {
    let spaced = format!(" {text}");
    let (mut plain, mut general) = (Decoder::new(market), Decoder::new(market));
    let decoded = read(&mut plain, text);
    match (decoded, read(&mut general, &spaced)) {
        (Ok(decoded), Ok(again)) => assert_eq!(decoded, again),
        (Err(error), Err(again)) => assert_eq!(what(error), what(again)),
        (decoded, again) => panic!("{decoded:?} against {again:?}"),
    }
    assert_eq!(plain.control(text), general.control(&spaced));
    assert_eq!(plain.kind(text), general.kind(&spaced));
    assert!(lent(&plain, text).eq(lent(&general, &spaced)));
    let counted = match decoded {
        Ok(Decoded::Events { count, .. }) => count,
        _ => 0,
    };
    assert_eq!(lent(&plain, text).count(), counted);
}

fn what(error: DecodeError) -> DecodeError {
    DecodeError { offset: 0, ..error }
}

fn lent<'a>(decoder: &'a Decoder, text: &'a str) -> impl Iterator<Item = Event<'a>> {
    (0..).map_while(|index| decoder.event(text, index))
}
