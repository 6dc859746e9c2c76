//! Messages that are not data, not decoded, unknown, or wrong.

use marketprism_core::market::Channel;
use marketprism_core::time::UnixNanos;
use marketprism_core::venue::{
    Control, DecodeError, Decoded, Decoder, Problem, Reason, Rejection, Subject,
};
use serde_json::Value;

use crate::venue_decode::{MESSAGES, OKX, SPOT, USDM};

#[test]
fn control_messages_are_typed() {
    let btc = Subject {
        channel: "books",
        instrument: "BTC-USDT",
    };
    let no_such = "Wrong URL or channel:trades,instId:FOO-BAR doesn't exist.";
    let ended = Control::AccountEnded {
        sent_time: UnixNanos::from_millis(1_770_123_456_789),
    };
    let shutdown = Control::Shutdown {
        sent_time: UnixNanos::from_millis(1_770_123_456_789),
    };
    let table = [
        (
            SPOT,
            r#"{"result":null,"id":1}"#,
            Control::Ack { id: Some(1) },
        ),
        (
            SPOT,
            r#"{ "id": "7", "result": null }"#,
            Control::Ack { id: Some(7) },
        ),
        (
            USDM,
            r#"{"result":null,"id":null}"#,
            Control::Ack { id: None },
        ),
        (
            SPOT,
            r#"{"result":["btcusdt@aggTrade"],"id":3}"#,
            Control::Answer {
                id: Some(3),
                result: r#"["btcusdt@aggTrade"]"#,
            },
        ),
        (
            SPOT,
            r#"{"code":2,"msg":"Invalid request: \"x\"","id":4}"#,
            Control::Refused {
                id: Some(4),
                rejection: Rejection {
                    code: 2,
                    reason: Reason::Malformed,
                },
                message: "Invalid request: \"x\"",
                subject: None,
            },
        ),
        (
            SPOT,
            r#"{"error":{"code":3,"msg":"Invalid JSON"}}"#,
            Control::Refused {
                id: None,
                rejection: Rejection {
                    code: 3,
                    reason: Reason::Malformed,
                },
                message: "Invalid JSON",
                subject: None,
            },
        ),
        (
            SPOT,
            r#"{"id":"1","status":418,"error":{"code":-1003,"msg":"banned","data":{}}}"#,
            Control::Refused {
                id: Some(1),
                rejection: Rejection {
                    code: -1003,
                    reason: Reason::TooFrequent,
                },
                message: "banned",
                subject: None,
            },
        ),
        (
            SPOT,
            r#"{"e":"serverShutdown","E":1770123456789}"#,
            shutdown,
        ),
        (
            SPOT,
            r#"{"stream":"!serverShutdown","data":{"e":"serverShutdown","E":1770123456789}}"#,
            shutdown,
        ),
        (
            SPOT,
            r#"{"event":{"e":"serverShutdown","E":1770123456789}}"#,
            shutdown,
        ),
        (
            SPOT,
            r#"{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1770123456789}}"#,
            ended,
        ),
        (
            USDM,
            r#"{"e":"listenKeyExpired","E":"1770123456789","listenKey":"SECRET"}"#,
            ended,
        ),
        (
            USDM,
            r#"{"stream":"SECRET","data":{"e":"listenKeyExpired","E":1770123456789,"listenKey":"SECRET"}}"#,
            ended,
        ),
        (
            SPOT,
            r#"{"id":"1","status":200,"result":{"subscriptionId":0},"rateLimits":[]}"#,
            Control::Ack { id: Some(1) },
        ),
        (
            SPOT,
            r#"{"id":2,"status":200,"result":{"apiKey":"KEY","authorizedSince":1770123456789}}"#,
            Control::Ack { id: Some(2) },
        ),
        (
            SPOT,
            r#"{"id":"3","status":400,"error":{"code":-1022,"msg":"Signature for this request is not valid."}}"#,
            Control::Refused {
                id: Some(3),
                rejection: Rejection {
                    code: -1022,
                    reason: Reason::Login,
                },
                message: "Signature for this request is not valid.",
                subject: None,
            },
        ),
        (OKX, "pong", Control::Pong),
        (
            OKX,
            r#"{"id":"1512","event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4d3ae55"}"#,
            Control::Subscribed {
                id: Some(1512),
                subject: btc,
            },
        ),
        (
            OKX,
            r#"{"event":"unsubscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":"a4d3ae55"}"#,
            Control::Unsubscribed {
                id: None,
                subject: btc,
            },
        ),
        (
            OKX,
            r#"{"id":"abc","event":"error","code":"60018","msg":"Wrong URL or channel:trades,instId:FOO-BAR doesn't exist.","connId":"a"}"#,
            Control::Refused {
                id: None,
                rejection: Rejection {
                    code: 60018,
                    reason: Reason::NoSuchStream,
                },
                message: no_such,
                subject: Some(Subject {
                    channel: "trades",
                    instrument: "FOO-BAR",
                }),
            },
        ),
        (
            OKX,
            r#"{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service upgrade. Please reconnect.","connId":"a4d3ae55"}"#,
            Control::Shutdown { sent_time: None },
        ),
        (
            OKX,
            r#"{"event":"notice","code":"64999","msg":"news"}"#,
            Control::Notice {
                code: 64999,
                message: "news",
            },
        ),
        (
            OKX,
            r#"{"event":"login","code":"0","msg":"","connId":"a4d3ae55"}"#,
            Control::LoggedIn,
        ),
        (
            OKX,
            r#"{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"abcd1234"}"#,
            Control::ConnectionCount {
                channel: "orders",
                count: 2,
            },
        ),
        (
            OKX,
            r#"{"event":"channel-conn-count-error","channel":"orders","connCount":"30","connId":"a"}"#,
            Control::ConnectionRefused {
                channel: "orders",
                count: 30,
            },
        ),
    ];
    for (market, text, expected) in table {
        let mut decoder = Decoder::new(market);
        assert_eq!(decoder.decode(text), Ok(Decoded::Control), "{text}");
        assert_eq!(decoder.control(text), Some(expected));
        assert_eq!(decoder.event(text, 0), None);
    }
}

#[test]
fn what_is_not_decoded_is_named_and_what_is_unknown_is_called_so() {
    let table = [
        (
            SPOT,
            r#"{"stream":"btcusdt@referencePrice","data":{"e":"referencePrice","s":"BTCUSDT"}}"#,
            Decoded::Unhandled,
            "referencePrice",
        ),
        (
            USDM,
            r#"{"stream":"defiusdt@compositeIndex","data":{"e":"compositeIndex"}}"#,
            Decoded::Unhandled,
            "compositeIndex",
        ),
        (
            USDM,
            r#"[{"e":"assetIndexUpdate"}]"#,
            Decoded::Unhandled,
            "assetIndexUpdate",
        ),
        (
            USDM,
            r#"{"stream":"!assetIndex@arr","data":[{"e":"assetIndexUpdate"}]}"#,
            Decoded::Unhandled,
            "assetIndexUpdate",
        ),
        (
            SPOT,
            r#"{"subscriptionId":0,"event":{"e":"listStatus"}}"#,
            Decoded::Unhandled,
            "listStatus",
        ),
        (
            SPOT,
            r#"{"e":"novelty","E":1}"#,
            Decoded::Unknown,
            "novelty",
        ),
        (
            SPOT,
            r#"{"stream":"btcusdt@novelty","data":{}}"#,
            Decoded::Unknown,
            "btcusdt@novelty",
        ),
        (
            SPOT,
            r#"{"stream":"btcusdt@books","data":{}}"#,
            Decoded::Unknown,
            "btcusdt@books",
        ),
        (SPOT, r#"{"stream":"a","data":3}"#, Decoded::Unknown, ""),
        (SPOT, r#"{"event":7}"#, Decoded::Unknown, ""),
        (SPOT, "{}", Decoded::Unknown, ""),
        (SPOT, "[]", Decoded::Unknown, ""),
        (SPOT, "[1]", Decoded::Unknown, ""),
        (SPOT, "3", Decoded::Unknown, ""),
        (
            OKX,
            r#"{"arg":{"channel":"sprd-candle1m","sprdId":"BTC-USDT_BTC-USDT-SWAP"},"data":[]}"#,
            Decoded::Unhandled,
            "sprd-candle1m",
        ),
        (
            OKX,
            r#"{"arg":{"channel":"opt-summary","instFamily":"BTC-USD"},"data":[]}"#,
            Decoded::Unhandled,
            "opt-summary",
        ),
        (
            OKX,
            r#"{"arg":{"channel":"novelty"},"data":[]}"#,
            Decoded::Unknown,
            "novelty",
        ),
        (OKX, r#"{"event":"novelty"}"#, Decoded::Unknown, "novelty"),
        (OKX, r#"{"op":"subscribe","args":[]}"#, Decoded::Unknown, ""),
        (OKX, "null", Decoded::Unknown, ""),
    ];
    for (market, text, expected, kind) in table {
        let mut decoder = Decoder::new(market);
        assert_eq!(decoder.decode(text), Ok(expected), "{text}");
        assert_eq!(decoder.kind(text), kind, "{text}");
        assert_eq!(decoder.control(text), None);
    }
}

#[test]
fn what_is_wrong_with_a_message_is_said_with_channel_field_and_place() {
    let trade = MESSAGES[0].1;
    let channel = Some(Channel::Trade);
    let change = |from: &str, to: &str| {
        assert!(trade.contains(from), "{from}");
        trade.replacen(from, to, 1)
    };
    let table = [
        (
            change(",\"t\":3735683259", ""),
            channel,
            "t",
            Problem::Missing,
        ),
        (
            change("\"t\":", "\"t\":1,\"t\":"),
            channel,
            "t",
            Problem::Duplicate,
        ),
        (
            change("\"61837.63000000\"", "\"6.1e4\""),
            channel,
            "p",
            Problem::Number,
        ),
        (
            change("\"61837.63000000\"", "\"\""),
            channel,
            "p",
            Problem::Number,
        ),
        (
            change("\"61837.63000000\"", "null"),
            channel,
            "p",
            Problem::Type,
        ),
        (
            change("\"61837.63000000\"", "\"99999999999999999999\""),
            channel,
            "p",
            Problem::Overflow,
        ),
        (
            change("3735683259", "99999999999999999999"),
            channel,
            "t",
            Problem::Overflow,
        ),
        (change("3735683259", "1.5"), channel, "t", Problem::Number),
        (
            change("\"m\":true", "\"m\":\"true\""),
            channel,
            "m",
            Problem::Type,
        ),
        (
            change("\"m\":true", "\"m\":null"),
            channel,
            "m",
            Problem::Type,
        ),
        (
            change("\"e\":\"trade\"", "\"e\":\"aggTrade\""),
            channel,
            "e",
            Problem::Value,
        ),
        (
            change("\"s\":\"BTCUSDT\"", "\"s\":1"),
            channel,
            "s",
            Problem::Type,
        ),
        (
            change("3735683259", "03735683259"),
            None,
            "",
            Problem::Syntax,
        ),
        (change("}}", "}"), None, "", Problem::Syntax),
        (change("}}", "}}}"), None, "", Problem::Syntax),
        (change("}}", "},}"), None, "", Problem::Syntax),
        (
            change("\"data\"", "\"stream\":\"\",\"data\""),
            None,
            "stream",
            Problem::Duplicate,
        ),
        (String::new(), None, "", Problem::Syntax),
        ("pong".to_owned(), None, "", Problem::Syntax),
        (
            format!("{{\"a\":{}1{}}}", "[".repeat(40), "]".repeat(40)),
            None,
            "",
            Problem::TooDeep,
        ),
        ("{\"e\":\"tr\\ude\"}".to_owned(), None, "", Problem::Syntax),
        ("{\"e\":\"\\ud800x\"}".to_owned(), None, "", Problem::Syntax),
        ("{\"e\":\"a\nb\"}".to_owned(), None, "", Problem::Syntax),
    ];
    for (text, channel, field, problem) in table {
        let mut decoder = Decoder::new(SPOT);
        let error = decoder.decode(&text).unwrap_err();
        let DecodeError { offset, .. } = error;
        assert_eq!(
            (error.channel, error.field, error.problem),
            (channel, field, problem),
            "{text}"
        );
        assert!(offset <= text.len());
        assert!(decoder.decode(trade).is_ok(), "the next message is read");
    }
    let text = change("\"61837.63000000\"", "\"x\"");
    let error = Decoder::new(SPOT).decode(&text).unwrap_err();
    assert_eq!(error.offset, text.find("\"x\"").unwrap());
    assert_eq!(
        error.to_string(),
        format!(
            "trade: not a plain number, field `p`, at byte {}",
            error.offset
        )
    );
}

#[test]
fn okx_rows_that_cannot_be_are_refused() {
    let trades = MESSAGES[14].1;
    let books = MESSAGES[15].1;
    let table = [
        (
            trades.replacen("\"buy\"", "\"long\"", 1),
            "side",
            Problem::Value,
        ),
        (
            trades.replacen("\"count\":\"3\"", "\"count\":\"-9223372036854775808\"", 1),
            "",
            Problem::Value,
        ),
        (
            trades.replacen("\"count\":\"3\"", "\"count\":\"0\"", 1),
            "",
            Problem::Value,
        ),
        (
            trades.replacen("\"count\":\"3\"", "\"count\":\"-5\"", 1),
            "",
            Problem::Value,
        ),
        (
            trades.replacen("\"source\":\"0\"", "\"source\":\"256\"", 1),
            "",
            Problem::Value,
        ),
        (
            books.replacen("-855196043", "9999999999", 1),
            "",
            Problem::Value,
        ),
        (
            books.replacen("\"snapshot\"", "\"patch\"", 1),
            "action",
            Problem::Value,
        ),
        (
            books.replacen("\"action\":\"snapshot\",", "", 1),
            "action",
            Problem::Missing,
        ),
        (
            books.replacen(",\"0\",\"13\"", ",\"0\"", 1),
            "asks",
            Problem::Missing,
        ),
        (
            books.replacen("\"13\"", "\"-1\"", 1),
            "asks",
            Problem::Overflow,
        ),
        (books.replacen("[{", "{", 1), "data", Problem::Type),
    ];
    for (text, field, problem) in table {
        // The last entry is no JSON any more, which is found first.
        let expected = match serde_json::from_str::<Value>(&text) {
            Ok(_) => (field, problem),
            Err(_) => ("", Problem::Syntax),
        };
        let error = Decoder::new(OKX).decode(&text).unwrap_err();
        assert_eq!((error.field, error.problem), expected, "{text}");
    }
}

#[test]
fn more_levels_than_any_book_has_are_refused() {
    let many = vec![r#"["1","1"]"#; 50_001].join(",");
    let text = MESSAGES[3]
        .1
        .replacen("[[\"0.0026\",\"100\"]]", &format!("[{many}]"), 1);
    let error = Decoder::new(SPOT).decode(&text).unwrap_err();
    assert_eq!((error.field, error.problem), ("a", Problem::TooMany));
}

#[test]
fn a_name_longer_than_any_instrument_has_is_refused() {
    let row = r#"{"asks":[],"bids":[],"ts":"1","seqId":1}"#;
    let message = |length| {
        let name = "X".repeat(length);
        format!(r#"{{"arg":{{"channel":"bbo-tbt","instId":"{name}"}},"data":[{row},{row}]}}"#)
    };
    let mut decoder = Decoder::new(OKX);
    assert!(decoder.decode(&message(128)).is_ok());
    let error = decoder.decode(&message(129)).unwrap_err();
    assert_eq!(error.problem, Problem::TooMany);
    assert!(decoder.event(&message(129), 0).is_none());
}
