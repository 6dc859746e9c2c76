//! Answers of the OKX REST interface, checked by hand.

use marketprism_core::market::{Body, BookKind, Channel, Content, Counted, Event};
use marketprism_core::venue::{
    Asked, Control, Decoded, Decoder, Problem, Query, Reason, Rejection,
};

use crate::venue_decode::OKX;
use crate::venue_events::{decimal, level, millis};

const BOOK: &str = r#"{"code":"0","msg":"","data":[{"asks":[["41006.8","0.60038921","0","1"]],"bids":[["41006.3","0.30178218","0","2"],["41006.2","0.1","0","1"]],"ts":"1629966436396","seqId":3235851742}]}"#;
const TRADES: &str = r#"{"code":"0","msg":"","data":[{"instId":"BTC-USDT","side":"sell","sz":"0.00001","source":"0","px":"29963.2","tradeId":"242720721","ts":"1654161646974"},{"instId":"BTC-USDT","side":"buy","sz":"0.5","source":"1","px":"29964.1","tradeId":"242720720","ts":"1654161641568"}]}"#;
const RATIOS: &str =
    r#"{"code":"0","data":[["1701417600000","1.1739"],["1701417300000","0.1236"]],"msg":""}"#;

const fn of(asked: Asked, instrument: &str) -> Query<'_> {
    Query { asked, instrument }
}

/// The events of an answer, handed over one by one.
fn answered(query: Query<'_>, text: &str, mut each: impl FnMut(usize, Event<'_>)) {
    let mut decoder = Decoder::new(OKX);
    let Ok(Decoded::Events { channel, count, .. }) = decoder.decode_answer(query, text) else {
        panic!("no events: {text}");
    };
    assert_eq!(channel, query.asked.channel());
    for index in 0..count {
        each(index, decoder.event(text, index).unwrap());
    }
}

#[test]
fn a_book_that_was_asked_for_is_a_snapshot_of_its_instrument() {
    let query = of(Asked::Book(Channel::Books), "BTC-USDT");
    let mut count = 0;
    answered(query, BOOK, |_, event| {
        count += 1;
        assert_eq!((event.instrument, event.subject), ("BTC-USDT", "BTC-USDT"));
        assert_eq!(event.exchange_time, millis(1_629_966_436_396));
        let Body::Book(book) = event.body else {
            panic!("{event:?}");
        };
        assert_eq!(book.kind, BookKind::Snapshot);
        let numbers = (book.first, book.last, book.previous, book.checksum);
        assert_eq!(numbers, (None, Some(3_235_851_742), None, None));
        let bids = [
            level("41006.3", "0.30178218", Some(2)),
            level("41006.2", "0.1", Some(1)),
        ];
        assert_eq!(book.bids, bids);
        assert_eq!(book.asks, [level("41006.8", "0.60038921", Some(1))]);
    });
    assert_eq!(count, 1);
}

#[test]
fn trades_that_were_asked_for_come_oldest_first() {
    for channel in [Channel::TradesAll, Channel::Trades] {
        let (from, to) = (242_720_720, 242_720_721);
        let query = of(Asked::Trades { channel, from, to }, "BTC-USDT");
        let mut ids = Vec::new();
        answered(query, TRADES, |index, event| {
            let Body::Trade(trade) = event.body else {
                panic!("{event:?}");
            };
            ids.push(trade.id);
            if index == 0 {
                assert_eq!(event.exchange_time, millis(1_654_161_641_568));
                assert_eq!((event.instrument, event.subject), ("BTC-USDT", "BTC-USDT"));
                assert_eq!(trade.price, decimal("29964.1"));
                assert_eq!(trade.quantity, decimal("0.5"));
                assert_eq!((trade.aggressor.name(), trade.source), ("buy", Some(1)));
                let of_one = (channel == Channel::TradesAll).then_some(trade.id);
                assert_eq!((trade.first_id, trade.last_id), (of_one, of_one));
            }
        });
        assert_eq!(ids, [242_720_720, 242_720_721]);
    }
}

#[test]
fn ratios_say_what_they_count_and_come_oldest_first() {
    let table = [
        (Channel::OkxAccountRatio, Counted::Accounts),
        (Channel::OkxTopAccountRatio, Counted::TopAccounts),
        (Channel::OkxTopPositionRatio, Counted::TopPositions),
    ];
    for (channel, counted) in table {
        let mut found = Vec::new();
        let query = of(Asked::Poll(channel), "BTC-USDT-SWAP");
        answered(query, RATIOS, |_, event| {
            assert_eq!(event.instrument, "BTC-USDT-SWAP");
            let Body::Ratio(&ratio) = event.body else {
                panic!("{event:?}");
            };
            assert_eq!((ratio.of, ratio.long, ratio.short), (counted, None, None));
            found.push((event.exchange_time, ratio.ratio));
        });
        let expected = [
            (millis(1_701_417_300_000), decimal("0.1236")),
            (millis(1_701_417_600_000), decimal("1.1739")),
        ];
        assert_eq!(found, expected);
    }
}

#[test]
fn a_refusal_over_rest_is_a_control_message() {
    let text = r#"{"code":"51001","msg":"Instrument ID doesn't exist.","data":[]}"#;
    let mut decoder = Decoder::new(OKX);
    let query = of(Asked::Book(Channel::Books), "FOO-BAR");
    assert_eq!(decoder.decode_answer(query, text), Ok(Decoded::Control));
    let expected = Control::Refused {
        id: None,
        rejection: Rejection {
            code: 51001,
            reason: Reason::NoSuchStream,
        },
        message: "Instrument ID doesn't exist.",
        subject: None,
    };
    assert_eq!(decoder.control(text), Some(expected));
    assert_eq!(decoder.event(text, 0), None);
}

#[test]
fn what_is_no_answer_is_an_error_or_unknown_and_lends_nothing() {
    let query = of(Asked::Poll(Channel::OkxAccountRatio), "BTC-USDT-SWAP");
    let mut decoder = Decoder::new(OKX);
    for text in ["{}", "3", "\"\"", r#"{"data":[]}"#] {
        let decoded = decoder.decode_answer(query, text);
        assert_eq!(decoded, Ok(Decoded::Unknown), "{text}");
    }
    let table = [
        ("<html>", "", Problem::Syntax),
        (r#"{"code":"0","msg":""}"#, "data", Problem::Missing),
        (r#"{"code":"0","data":{}}"#, "data", Problem::Type),
        (r#"{"code":"zero","data":[]}"#, "code", Problem::Number),
        (
            r#"{"code":"0","data":[["1701417300000"]]}"#,
            "ratio",
            Problem::Missing,
        ),
        (r#"{"code":"0","data":[]} 3"#, "", Problem::Syntax),
        (r#"[["1701417300000","1"]"#, "", Problem::Syntax),
    ];
    for (text, field, problem) in table {
        let error = decoder.decode_answer(query, text).unwrap_err();
        assert_eq!((error.field, error.problem), (field, problem), "{text}");
        assert_eq!(error.channel, Some(Channel::OkxAccountRatio));
        assert_eq!(decoder.event(text, 0), None);
    }
}

#[test]
fn no_question_about_any_channel_breaks_on_any_of_the_answers() {
    let mut decoder = Decoder::new(OKX);
    for channel in Channel::all() {
        let asked = match channel.content() == Content::Changes {
            true => Asked::Book(channel),
            false => Asked::Poll(channel),
        };
        for text in [BOOK, TRADES, RATIOS, "[]"] {
            if let Ok(Decoded::Events { count, .. }) = decoder.decode_answer(of(asked, "X"), text) {
                assert!((0..count).all(|index| decoder.event(text, index).is_some()));
            }
        }
    }
}
