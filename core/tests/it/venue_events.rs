//! One message of each kind, checked by hand, every field.

use marketprism_core::market::{
    Body, Book, BookKind, Channel, Decimal, DepthLevels, Event, InstrumentType, Interval, Level,
    Market, Side, Speed, Ticker, Trade,
};
use marketprism_core::time::UnixNanos;
use marketprism_core::venue::{Decoded, Decoder};

use crate::venue_decode::{MESSAGES, OKX, SPOT, USDM};

pub(crate) fn decimal(text: &str) -> Decimal {
    text.parse().unwrap()
}

pub(crate) fn level(price: &str, quantity: &str, orders: Option<u32>) -> Level {
    Level {
        price: decimal(price),
        quantity: decimal(quantity),
        orders,
    }
}

pub(crate) fn millis(millis: u64) -> Option<UnixNanos> {
    UnixNanos::from_millis(millis)
}

/// Decodes a message of one event and hands it over.
pub(crate) fn one(market: Market, text: &str, check: impl FnOnce(Event<'_>)) {
    let mut decoder = Decoder::new(market);
    match decoder.decode(text) {
        Ok(Decoded::Events { count: 1, .. }) => check(decoder.event(text, 0).unwrap()),
        other => panic!("{other:?}: {text}"),
    }
}

/// A trade of one fill with nothing special about it.
fn fill(id: i64, price: &str, quantity: &str, aggressor: Side) -> Trade<'static> {
    Trade {
        id,
        first_id: Some(id),
        last_id: Some(id),
        price: decimal(price),
        quantity: decimal(quantity),
        quantity_without_rpi: None,
        aggressor,
        execution: None,
        source: None,
        sequence: None,
    }
}

#[test]
fn a_spot_trade_has_every_field() {
    one(SPOT, MESSAGES[0].1, |event| {
        let expected = Event {
            market: SPOT,
            channel: Channel::Trade,
            instrument: "BTCUSDT",
            subject: "BTCUSDT",
            exchange_time: millis(1_723_161_255_342),
            sent_time: millis(1_723_161_255_343),
            body: Body::Trade(fill(3_735_683_259, "61837.63", "0.02", Side::Sell)),
        };
        assert_eq!(event, expected);
    });
    one(SPOT, MESSAGES[1].1, |event| {
        let bought = fill(3_735_683_259, "61837.63", "0.02", Side::Buy);
        assert_eq!(event.body, Body::Trade(bought));
    });
}

#[test]
fn a_spot_aggregate_trade_has_every_field() {
    one(SPOT, MESSAGES[2].1, |event| {
        let expected = Event {
            market: SPOT,
            channel: Channel::AggTrade,
            instrument: "BNBBTC",
            subject: "BNBBTC",
            exchange_time: millis(1_672_515_782_135),
            sent_time: millis(1_672_515_782_136),
            body: Body::Trade(Trade {
                first_id: Some(100),
                last_id: Some(105),
                ..fill(12345, "0.001", "100", Side::Buy)
            }),
        };
        assert_eq!(event, expected);
    });
}

#[test]
fn a_spot_change_of_the_book_has_every_field() {
    one(SPOT, MESSAGES[3].1, |event| {
        let expected = Event {
            market: SPOT,
            channel: Channel::Depth(Speed::Ms100),
            instrument: "BNBBTC",
            subject: "BNBBTC",
            exchange_time: None,
            sent_time: millis(1_672_515_782_136),
            body: Body::Book(Book {
                kind: BookKind::Delta,
                first: Some(157),
                last: Some(160),
                previous: None,
                checksum: None,
                bids: &[level("0.0024", "10", None), level("0.0023", "0", None)],
                asks: &[level("0.0026", "100", None)],
            }),
        };
        assert_eq!(event, expected);
    });
}

#[test]
fn a_spot_partial_depth_takes_its_symbol_from_the_stream() {
    let fast = Channel::DepthPartial(DepthLevels::Five, Speed::Ms100);
    one(SPOT, MESSAGES[5].1, |event| {
        let expected = Event {
            market: SPOT,
            channel: fast,
            instrument: "BNBBTC",
            subject: "BNBBTC",
            exchange_time: None,
            sent_time: None,
            body: Body::Book(Book {
                kind: BookKind::Top(5),
                first: None,
                last: Some(160),
                previous: None,
                checksum: None,
                bids: &[level("0.0024", "10", None)],
                asks: &[level("0.0026", "100", None)],
            }),
        };
        assert_eq!(event, expected);
    });
    let unicode = MESSAGES[5].1.replace("bnbbtc", "币安人生usdt");
    one(SPOT, &unicode, |event| {
        assert_eq!(event.instrument, "币安人生USDT");
    });
    let escaped = MESSAGES[5].1.replace("bnbbtc", "\\u5e01usdt");
    one(SPOT, &escaped, |event| {
        assert_eq!(event.instrument, "币USDT");
    });
}

#[test]
fn a_partial_depth_outside_a_combined_stream_is_known_by_its_size() {
    let raw = r#"{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}"#;
    one(SPOT, raw, |event| {
        let channel = Channel::DepthPartial(DepthLevels::Five, Speed::Default);
        assert_eq!((event.channel, event.instrument), (channel, ""));
    });
    let mut decoder = Decoder::new(USDM);
    assert_eq!(decoder.decode(raw), Ok(Decoded::Unhandled));
    assert_eq!(decoder.kind(raw), "depth snapshot");
    let many = vec![r#"["1","1"]"#; 21].join(",");
    let rest = format!(r#"{{"lastUpdateId":160,"bids":[{many}],"asks":[]}}"#);
    assert_eq!(Decoder::new(SPOT).decode(&rest), Ok(Decoded::Unhandled));
}

#[test]
fn a_spot_best_bid_and_ask_has_every_field() {
    for text in [MESSAGES[6].1, MESSAGES[7].1] {
        one(SPOT, text, |event| {
            let expected = Event {
                market: SPOT,
                channel: Channel::BookTicker,
                instrument: "BNBUSDT",
                subject: "BNBUSDT",
                exchange_time: None,
                sent_time: None,
                body: Body::Book(Book {
                    kind: BookKind::Top(1),
                    first: None,
                    last: Some(400_900_217),
                    previous: None,
                    checksum: None,
                    bids: &[level("25.3519", "31.21", None)],
                    asks: &[level("25.3652", "40.66", None)],
                }),
            };
            assert_eq!(event, expected);
        });
    }
}

#[test]
fn a_side_without_orders_is_empty() {
    let text = MESSAGES[6]
        .1
        .replace("25.35190000", "0.00000000")
        .replace("31.21000000", "0.00000000");
    one(SPOT, &text, |event| {
        let Body::Book(book) = event.body else {
            panic!()
        };
        assert_eq!((book.bids.len(), book.asks.len()), (0, 1));
    });
}

#[test]
fn a_usdm_trade_has_every_field() {
    one(USDM, MESSAGES[8].1, |event| {
        let expected = Event {
            market: USDM,
            channel: Channel::Trade,
            instrument: "BTCUSDT",
            subject: "BTCUSDT",
            exchange_time: millis(1_680_652_700_452),
            sent_time: millis(1_680_652_700_455),
            body: Body::Trade(Trade {
                execution: Some("MARKET"),
                ..fill(3_535_186_032, "28145.10", "0.002", Side::Sell)
            }),
        };
        assert_eq!(event, expected);
    });
}

#[test]
fn a_trade_number_spent_without_a_trade_is_left_out_and_counted() {
    let text = MESSAGES[8]
        .1
        .replace("28145.10", "0")
        .replace("0.002", "0")
        .replace("MARKET", "NA");
    let spent = Decoded::Events {
        channel: Channel::Trade,
        count: 0,
        spent: 1,
        foreign: 0,
    };
    let mut decoder = Decoder::new(USDM);
    for text in [text.clone(), format!(" {text}")] {
        assert_eq!(decoder.decode(&text), Ok(spent));
        assert_eq!(decoder.event(&text, 0), None);
    }
    let free = MESSAGES[8].1.replace("28145.10", "0");
    one(USDM, &free, |event| {
        let Body::Trade(trade) = event.body else {
            panic!()
        };
        assert!(
            trade.price.is_zero(),
            "a quantity at a price of zero is the venue's to explain"
        );
    });
}

#[test]
fn a_usdm_aggregate_trade_has_every_field() {
    one(USDM, MESSAGES[9].1, |event| {
        let expected = Event {
            market: USDM,
            channel: Channel::AggTrade,
            instrument: "BTCUSDT",
            subject: "BTCUSDT",
            exchange_time: millis(1_616_000_000_001),
            sent_time: millis(1_616_000_000_005),
            body: Body::Trade(Trade {
                first_id: Some(100),
                last_id: Some(105),
                quantity_without_rpi: Some(decimal("90")),
                ..fill(5_933_014, "0.001", "100", Side::Sell)
            }),
        };
        assert_eq!(event, expected);
    });
}

#[test]
fn a_usdm_change_of_the_book_has_every_field() {
    let body = |kind| {
        Body::Book(Book {
            kind,
            first: Some(390_497_796),
            last: Some(390_497_878),
            previous: Some(390_497_794),
            checksum: None,
            bids: &[],
            asks: &[],
        })
    };
    let partial = Channel::DepthPartial(DepthLevels::Twenty, Speed::Ms500);
    let table = [
        (11, Channel::Depth(Speed::Ms0), BookKind::Delta),
        (12, partial, BookKind::Top(20)),
    ];
    for (message, channel, kind) in table {
        one(USDM, MESSAGES[message].1, |event| {
            let Body::Book(book) = event.body else {
                panic!()
            };
            assert_eq!(book.bids, [level("7403.89", "0.002", None)]);
            assert_eq!(book.asks, [level("7405.96", "3.340", None)]);
            let bare = Book {
                bids: &[],
                asks: &[],
                ..book
            };
            let expected = Event {
                market: USDM,
                channel,
                instrument: "BTCUSDT",
                subject: "BTCUSDT",
                exchange_time: millis(1_571_889_248_276),
                sent_time: millis(1_571_889_248_277),
                body: body(kind),
            };
            let event = Event {
                body: Body::Book(bare),
                ..event
            };
            assert_eq!(event, expected);
        });
    }
}

#[test]
fn a_usdm_best_bid_and_ask_has_every_field() {
    one(USDM, MESSAGES[13].1, |event| {
        assert_eq!(event.channel, Channel::BookTicker);
        assert_eq!(event.instrument, "BNBUSDT");
        assert_eq!(event.exchange_time, millis(1_568_014_460_891));
        assert_eq!(event.sent_time, millis(1_568_014_460_893));
        let Body::Book(book) = event.body else {
            panic!()
        };
        assert_eq!(
            (book.kind, book.last),
            (BookKind::Top(1), Some(400_900_217))
        );
        assert_eq!(book.bids, [level("25.3519", "31.21", None)]);
        assert_eq!(book.asks, [level("25.3652", "40.66", None)]);
    });
}

#[test]
fn okx_trades_have_every_field() {
    let text = MESSAGES[14].1;
    let mut decoder = Decoder::new(OKX);
    let two = Decoded::Events {
        channel: Channel::Trades,
        count: 2,
        spent: 0,
        foreign: 0,
    };
    assert_eq!(decoder.decode(text), Ok(two));
    let event = |time, trade| Event {
        market: OKX,
        channel: Channel::Trades,
        instrument: "BTC-USDT",
        subject: "BTC-USDT",
        exchange_time: millis(time),
        sent_time: None,
        body: Body::Trade(trade),
    };
    let first = Trade {
        first_id: Some(130_639_472),
        source: Some(0),
        sequence: Some(1234),
        ..fill(130_639_474, "42219.9", "0.12060306", Side::Buy)
    };
    let second = Trade {
        first_id: None,
        last_id: None,
        ..fill(130_639_475, "42219.8", "1", Side::Sell)
    };
    assert_eq!(
        decoder.event(text, 0),
        Some(event(1_630_048_897_897, first))
    );
    assert_eq!(
        decoder.event(text, 1),
        Some(event(1_630_048_897_898, second))
    );
    assert_eq!(decoder.event(text, 2), None);
}

#[test]
fn okx_books_have_every_field() {
    fn event(time: u64, book: Book<'_>) -> Event<'_> {
        Event {
            market: OKX,
            channel: Channel::Books,
            instrument: "BTC-USDT",
            subject: "BTC-USDT",
            exchange_time: millis(time),
            sent_time: None,
            body: Body::Book(book),
        }
    }
    one(OKX, MESSAGES[15].1, |found| {
        let bids = [
            level("8476.97", "256", Some(12)),
            level("8476.96", "1", Some(1)),
        ];
        let asks = [level("8476.98", "415", Some(13))];
        let snapshot = Book {
            kind: BookKind::Snapshot,
            first: None,
            last: Some(123_456),
            previous: Some(-1),
            checksum: Some(-855_196_043),
            bids: &bids,
            asks: &asks,
        };
        assert_eq!(found, event(1_597_026_383_085, snapshot));
    });
    one(OKX, MESSAGES[16].1, |found| {
        let bids = [level("8476.97", "0", Some(0))];
        let update = Book {
            kind: BookKind::Delta,
            first: None,
            last: Some(123_457),
            previous: Some(123_456),
            checksum: Some(0),
            bids: &bids,
            asks: &[],
        };
        assert_eq!(found, event(1_597_026_383_185, update));
    });
}

#[test]
fn the_okx_best_bid_and_ask_has_every_field() {
    one(OKX, MESSAGES[17].1, |found| {
        let expected = Event {
            market: OKX,
            channel: Channel::BboTbt,
            instrument: "BCH-USDT-SWAP",
            subject: "BCH-USDT-SWAP",
            exchange_time: millis(1_670_324_386_802),
            sent_time: None,
            body: Body::Book(Book {
                kind: BookKind::Top(1),
                first: None,
                last: Some(363_996_337),
                previous: None,
                checksum: None,
                bids: &[level("111.05", "57745", Some(2))],
                asks: &[level("111.06", "55154", Some(2))],
            }),
        };
        assert_eq!(found, expected);
    });
}

#[test]
fn an_okx_ticker_has_every_field_and_what_is_left_empty_is_none() {
    one(OKX, MESSAGES[19].1, |event| {
        let expected = Ticker {
            window: Interval::D1,
            instrument_type: Some(InstrumentType::Futures),
            last: Some(decimal("30218.8")),
            last_quantity: Some(decimal("1")),
            ask_price: Some(decimal("30220.1")),
            ask_quantity: Some(decimal("3")),
            bid_price: Some(decimal("30210.4")),
            bid_quantity: Some(decimal("4")),
            open: Some(decimal("29571.4")),
            high: Some(decimal("31003.3")),
            low: Some(decimal("27930.8")),
            open_utc0: Some(decimal("28935.3")),
            open_utc8: Some(decimal("30320.5")),
            volume: Some("12345678901234567890123.5".parse().unwrap()),
            volume_currency: Some("2620.289".parse().unwrap()),
            before: None,
            change: None,
            change_percent: None,
            average: None,
            open_time: None,
            close_time: None,
            first_id: None,
            last_id: None,
            trades: None,
        };
        assert_eq!(event.body, Body::Ticker(&expected));
        assert_eq!(event.exchange_time, millis(1_652_459_223_003));
    });
    one(OKX, MESSAGES[20].1, |event| {
        let Body::Ticker(ticker) = event.body else {
            panic!()
        };
        assert_eq!(
            (ticker.last, ticker.ask_price, ticker.open_utc8),
            (None, None, None)
        );
    });
}

#[test]
fn microseconds_are_told_from_milliseconds() {
    let text = MESSAGES[0].1.replace("1723161255342", "1723161255342123");
    one(SPOT, &text, |event| {
        let nanos = event.exchange_time.map(UnixNanos::as_nanos);
        assert_eq!(nanos, Some(1_723_161_255_342_123_000));
    });
}
