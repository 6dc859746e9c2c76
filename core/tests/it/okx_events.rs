//! One message of each OKX channel that has a table of its own, checked by hand, every field.

use marketprism_core::market::{
    Body, Book, BookKind, Candle, Channel, Contract, ContractStyle, DayStart, Event, Funding,
    IndexPrice, Instrument, InstrumentType, Interval, Liquidation, MarkPrice, OpenInterest,
    PriceLimit, Side, Trade, Wide,
};
use marketprism_core::venue::{Control, Decoded, Decoder, Problem, Subject};

use crate::venue_decode::OKX;
use crate::venue_events::{decimal, level, millis, one};

/// Written as the venue writes them.
pub(crate) const MESSAGES: [&str; 21] = [
    r#"{"arg":{"channel":"trades-all","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639475","px":"42219.9","sz":"0.12060306","side":"sell","source":"1","ts":"1630048897897"}]}"#,
    r#"{"arg":{"channel":"trades-all","instId":"BSV-USDT"},"data":[{"instId":"BSV-USDT","tradeId":"84834540","px":"42.53","sz":"3.5","side":"buy","ts":"1697760012018"}]}"#,
    r#"{"arg":{"channel":"books5","instId":"BCH-USDT-SWAP"},"data":[{"asks":[["111.06","55154","0","2"],["111.07","53276","0","1"]],"bids":[["111.05","57745","0","2"]],"instId":"BCH-USDT-SWAP","ts":"1670324386802","seqId":363996337}]}"#,
    r#"{"arg":{"channel":"candle1Dutc","instId":"BTC-USDT"},"data":[["1629993600000","42500","48199.9","41006.1","41006.2","3587.41204591","166741046.22583129","166741046.22583130","0"]]}"#,
    r#"{"arg":{"channel":"candle1m","instId":"BTC-USD-220624"},"data":[["1654154580000","29901.6","29921.2","29901.5","29921.1","166","0.554"]]}"#,
    r#"{"arg":{"channel":"mark-price-candle1H","instId":"BTC-USD-190628"},"data":[["1597026383085","3.721","3.743","3.677","3.708","1"]]}"#,
    r#"{"arg":{"channel":"index-candle3M","instId":"BTC-USD"},"data":[["1597026383085","3811.31","3811.33","3811.30","3811.32"],["1597026443085","3811.32","3811.34","3811.31","3811.33","0"]]}"#,
    r#"{"arg":{"channel":"index-tickers","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","idxPx":"64280.5","open24h":"63848.2","high24h":"64360.7","low24h":"63265.6","sodUtc0":"63465.3","sodUtc8":"","ts":"1785870839965"}]}"#,
    r#"{"arg":{"channel":"funding-rate","instId":"BTC-USD-SWAP"},"data":[{"formulaType":"withRate","fundingRate":"-0.0001875391284828","fundingTime":"1700726400000","impactValue":"10000.0000000000000000","instId":"BTC-USD-SWAP","instType":"SWAP","interestRate":"0.0001000000000000","maxFundingRate":"0.00375","method":"current_period","minFundingRate":"-0.00376","nextFundingRate":"","nextFundingTime":"1700755200000","premium":"0.0001233824646391","prevFundingTime":"1700697600000","settFundingRate":"0.0001699799259033","settState":"settled","ts":"1700724675402"}]}"#,
    r#"{"arg":{"channel":"funding-rate","instId":"BTC-USD-SWAP"},"data":[{"fundingRate":"0.0000734174532792","fundingTime":"1646323200000","instId":"BTC-USD-SWAP","instType":"SWAP","nextFundingRate":"0.0001163723201488"}]}"#,
    r#"{"arg":{"channel":"mark-price","instId":"LTC-USD-190628"},"data":[{"instId":"LTC-USD-190628","instType":"FUTURES","markPx":"0.109","ts":"1597026383085"}]}"#,
    r#"{"arg":{"channel":"price-limit","instId":"LTC-USD-190628"},"data":[{"buyLmt":"300.5","enabled":true,"instId":"LTC-USD-190628","instType":"FUTURES","sellLmt":"200.25","ts":"1597026383085"}]}"#,
    r#"{"arg":{"channel":"price-limit","instId":"LTC-USD-190628"},"data":[{"buyLmt":"","instId":"LTC-USD-190628","sellLmt":"","ts":"1597026383086","enabled":false}]}"#,
    r#"{"arg":{"channel":"open-interest","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP","instType":"SWAP","oi":"2216113.01000000021","oiCcy":"22161.1301000000001","oiUsd":"1939251795.54769000004","ts":"1743041250440"}]}"#,
    r#"{"arg":{"channel":"open-interest","instId":"FIL-USDT-220325"},"data":[{"instId":"FIL-USDT-220325","instType":"FUTURES","oi":"236871","oiCcy":"23687.1","ts":"1640131202886"}]}"#,
    r#"{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{"bkLoss":"0.5","bkPx":"0.007831","ccy":"","posSide":"short","side":"buy","sz":"13","ts":"1692266434010"},{"bkLoss":"","bkPx":"0.007832","ccy":"","posSide":"net","side":"sell","sz":"14.5","ts":"1692266434009"}],"instFamily":"IOST-USDT","instId":"IOST-USDT-SWAP","instType":"SWAP","uly":"IOST-USDT"}]}"#,
    r#"{"arg":{"channel":"instruments","instType":"FUTURES"},"data":[{"alias":"this_week","auctionEndTime":"","baseCcy":"","category":"1","contTdSwTime":"1704876947000","ctMult":"1","ctType":"inverse","ctVal":"100","ctValCcy":"USD","expTime":"1746777600000","futureSettlement":false,"instFamily":"BTC-USD","instId":"BTC-USD-250509","instIdCode":1000000000,"instType":"FUTURES","lever":"20","listTime":"1745568600466","lotSz":"1","maxIcebergSz":"1000000.0000000000000000","maxLmtAmt":"20000000","minSz":"2","openType":"call_auction","optType":"","quoteCcy":"","ruleType":"normal","settleCcy":"BTC","state":"live","stk":"","tickSz":"0.1","uly":"BTC-USD","upcChg":[{"param":"tickSz","newValue":"0.0001","effTime":"1704876947000"}]}]}"#,
    r#"{"arg":{"channel":"instruments","instType":"SPOT"},"data":[{"alias":"","auctionEndTime":"","baseCcy":"BTC","category":"1","ctMult":"","ctType":"","ctVal":"","ctValCcy":"","expTime":"","instFamily":"","instId":"BTC-USDT","instType":"SPOT","lever":"10","listTime":"1548133413000","lotSz":"0.00000001","minSz":"0.00001","optType":"","quoteCcy":"USDT","ruleType":"normal","settleCcy":"","state":"live","stk":"","tickSz":"0.1","uly":""},{"alias":"","baseCcy":"","category":"","ctMult":"","ctType":"","ctVal":"","ctValCcy":"","expTime":"","instFamily":"","instId":"SOON-USDT","instType":"SPOT","listTime":"","lotSz":"","minSz":"","quoteCcy":"","settleCcy":"","state":"preopen","tickSz":"","uly":""}]}"#,
    r#"{"arg":{"channel":"instruments","instType":"OPTION"},"data":[{"baseCcy":"","ctMult":"0.01","ctType":"","ctVal":"1","ctValCcy":"BTC","instId":"BTC-USD-261225-100000-C","instType":"OPTION","settleCcy":"BTC","state":"rebase","tickSz":"0.0001","uly":"BTC-USD"}]}"#,
    r#"{"arg":{"channel":"mark-price","instId":"LTC-USD-190628"},"data":[]}"#,
    r#"{"arg":{"channel":"liquidation-orders","instType":"FUTURES"},"data":[{"details":[],"instFamily":"XRP-USD","instId":"XRP-USD-230929","instType":"FUTURES","uly":"XRP-USD"}]}"#,
];

/// What everything about one instrument has in common.
fn event<'a>(
    channel: Channel,
    instrument: &'a str,
    time: Option<u64>,
    body: Body<'a>,
) -> Event<'a> {
    Event {
        market: OKX,
        channel,
        instrument,
        subject: instrument,
        exchange_time: time.and_then(millis),
        sent_time: None,
        body,
    }
}

fn wide(text: &str) -> Option<Wide> {
    Some(text.parse().unwrap())
}

#[test]
fn every_fill_has_every_field() {
    let trade = Trade {
        id: 130_639_475,
        first_id: Some(130_639_475),
        last_id: Some(130_639_475),
        price: decimal("42219.9"),
        quantity: decimal("0.12060306"),
        quantity_without_rpi: None,
        aggressor: Side::Sell,
        execution: None,
        source: Some(1),
        sequence: None,
    };
    one(OKX, MESSAGES[0], |found| {
        let time = Some(1_630_048_897_897);
        let expected = event(Channel::TradesAll, "BTC-USDT", time, Body::Trade(trade));
        assert_eq!(found, expected);
    });
    one(OKX, MESSAGES[1], |found| {
        let trade = Trade {
            id: 84_834_540,
            first_id: Some(84_834_540),
            last_id: Some(84_834_540),
            price: decimal("42.53"),
            quantity: decimal("3.5"),
            aggressor: Side::Buy,
            source: None,
            ..trade
        };
        let time = Some(1_697_760_012_018);
        let expected = event(Channel::TradesAll, "BSV-USDT", time, Body::Trade(trade));
        assert_eq!(found, expected);
    });
}

#[test]
fn the_five_best_levels_have_every_field() {
    one(OKX, MESSAGES[2], |found| {
        let book = Book {
            kind: BookKind::Top(5),
            first: None,
            last: Some(363_996_337),
            previous: None,
            checksum: None,
            bids: &[level("111.05", "57745", Some(2))],
            asks: &[
                level("111.06", "55154", Some(2)),
                level("111.07", "53276", Some(1)),
            ],
        };
        let time = Some(1_670_324_386_802);
        let expected = event(Channel::Books5, "BCH-USDT-SWAP", time, Body::Book(book));
        assert_eq!(found, expected);
    });
}

/// A candle of a price alone.
fn candle(interval: Interval, open_time: u64, prices: [&str; 4]) -> Candle {
    let [open, high, low, close] = prices.map(decimal);
    Candle {
        interval,
        open_time: millis(open_time).unwrap(),
        close_time: None,
        open,
        high,
        low,
        close,
        volume: None,
        volume_currency: None,
        volume_quote: None,
        taker_buy_volume: None,
        taker_buy_volume_currency: None,
        trades: None,
        first_id: None,
        last_id: None,
        closed: None,
    }
}

#[test]
fn a_candle_of_trades_has_every_field_in_its_long_and_its_short_form() {
    one(OKX, MESSAGES[3], |found| {
        let prices = ["42500", "48199.9", "41006.1", "41006.2"];
        let long = Candle {
            volume: wide("3587.41204591"),
            volume_currency: wide("166741046.22583129"),
            volume_quote: wide("166741046.22583130"),
            closed: Some(false),
            ..candle(Interval::D1, 1_629_993_600_000, prices)
        };
        let channel = Channel::Candle(Interval::D1, DayStart::Utc);
        assert_eq!(found, event(channel, "BTC-USDT", None, Body::Candle(&long)));
    });
    one(OKX, MESSAGES[4], |found| {
        let prices = ["29901.6", "29921.2", "29901.5", "29921.1"];
        let short = Candle {
            volume: wide("166"),
            volume_currency: wide("0.554"),
            ..candle(Interval::M1, 1_654_154_580_000, prices)
        };
        let channel = Channel::Candle(Interval::M1, DayStart::Utc8);
        let expected = event(channel, "BTC-USD-220624", None, Body::Candle(&short));
        assert_eq!(found, expected);
    });
    let closed = MESSAGES[3].replace(r#","0"]"#, r#","1"]"#);
    one(OKX, &closed, |found| {
        assert!(matches!(found.body, Body::Candle(candle) if candle.closed == Some(true)));
    });
    let more = MESSAGES[3].replace(r#","0"]"#, r#","1",{"new":[]}]"#);
    one(OKX, &more, |found| {
        assert!(matches!(found.body, Body::Candle(candle) if candle.closed == Some(true)));
    });
}

#[test]
fn candles_of_mark_and_index_prices_have_every_field() {
    one(OKX, MESSAGES[5], |found| {
        let prices = ["3.721", "3.743", "3.677", "3.708"];
        let closed = Candle {
            closed: Some(true),
            ..candle(Interval::H1, 1_597_026_383_085, prices)
        };
        let channel = Channel::MarkPriceCandle(Interval::H1, DayStart::Utc8);
        let expected = event(channel, "BTC-USD-190628", None, Body::Candle(&closed));
        assert_eq!(found, expected);
    });
    let mut decoder = Decoder::new(OKX);
    assert!(decoder.decode(MESSAGES[6]).is_ok());
    let channel = Channel::IndexCandle(Interval::Month3, DayStart::Utc8);
    let prices = ["3811.31", "3811.33", "3811.30", "3811.32"];
    let old = candle(Interval::Month3, 1_597_026_383_085, prices);
    let expected = event(channel, "BTC-USD", None, Body::Candle(&old));
    assert_eq!(decoder.event(MESSAGES[6], 0), Some(expected));
    let prices = ["3811.32", "3811.34", "3811.31", "3811.33"];
    let new = Candle {
        closed: Some(false),
        ..candle(Interval::Month3, 1_597_026_443_085, prices)
    };
    let expected = event(channel, "BTC-USD", None, Body::Candle(&new));
    assert_eq!(decoder.event(MESSAGES[6], 1), Some(expected));
    assert_eq!(decoder.event(MESSAGES[6], 2), None);
}

#[test]
fn an_index_has_every_field() {
    one(OKX, MESSAGES[7], |found| {
        let price = IndexPrice {
            price: decimal("64280.5"),
            open_24h: Some(decimal("63848.2")),
            high_24h: Some(decimal("64360.7")),
            low_24h: Some(decimal("63265.6")),
            open_utc0: Some(decimal("63465.3")),
            open_utc8: None,
        };
        let time = Some(1_785_870_839_965);
        let body = Body::IndexPrice(&price);
        assert_eq!(found, event(Channel::IndexTickers, "BTC-USDT", time, body));
    });
}

#[test]
fn a_funding_rate_has_every_field_and_once_had_few() {
    one(OKX, MESSAGES[8], |found| {
        let funding = Funding {
            rate: wide("-0.0001875391284828").unwrap(),
            time: millis(1_700_726_400_000),
            next_time: millis(1_700_755_200_000),
            next_rate: None,
            min_rate: wide("-0.00376"),
            max_rate: wide("0.00375"),
            interest_rate: wide("0.0001000000000000"),
            premium: wide("0.0001233824646391"),
            impact_value: wide("10000.0000000000000000"),
            settled_rate: wide("0.0001699799259033"),
            settled: Some(true),
        };
        let time = Some(1_700_724_675_402);
        let body = Body::Funding(&funding);
        assert_eq!(
            found,
            event(Channel::FundingRate, "BTC-USD-SWAP", time, body)
        );
    });
    one(OKX, MESSAGES[9], |found| {
        let funding = Funding {
            rate: wide("0.0000734174532792").unwrap(),
            time: millis(1_646_323_200_000),
            next_time: None,
            next_rate: wide("0.0001163723201488"),
            min_rate: None,
            max_rate: None,
            interest_rate: None,
            premium: None,
            impact_value: None,
            settled_rate: None,
            settled: None,
        };
        let body = Body::Funding(&funding);
        assert_eq!(
            found,
            event(Channel::FundingRate, "BTC-USD-SWAP", None, body)
        );
    });
    for (word, settled) in [("processing", Some(false)), ("", None), ("new", None)] {
        let text = MESSAGES[8].replace("\"settled\"", &format!("\"{word}\""));
        one(OKX, &text, |found| {
            assert!(matches!(found.body, Body::Funding(funding) if funding.settled == settled));
        });
    }
}

#[test]
fn a_mark_price_has_every_field() {
    one(OKX, MESSAGES[10], |found| {
        let price = MarkPrice {
            mark: decimal("0.109"),
            average: None,
            index: None,
            settlement: None,
        };
        let time = Some(1_597_026_383_085);
        let body = Body::MarkPrice(&price);
        assert_eq!(
            found,
            event(Channel::OkxMarkPrice, "LTC-USD-190628", time, body)
        );
    });
}

#[test]
fn a_price_limit_has_every_field_and_may_be_off() {
    one(OKX, MESSAGES[11], |found| {
        let limit = PriceLimit {
            highest_buy: Some(decimal("300.5")),
            lowest_sell: Some(decimal("200.25")),
            enabled: Some(true),
        };
        let time = Some(1_597_026_383_085);
        let body = Body::PriceLimit(&limit);
        assert_eq!(
            found,
            event(Channel::PriceLimit, "LTC-USD-190628", time, body)
        );
    });
    one(OKX, MESSAGES[12], |found| {
        let limit = PriceLimit {
            highest_buy: None,
            lowest_sell: None,
            enabled: Some(false),
        };
        let time = Some(1_597_026_383_086);
        let body = Body::PriceLimit(&limit);
        assert_eq!(
            found,
            event(Channel::PriceLimit, "LTC-USD-190628", time, body)
        );
    });
}

#[test]
fn open_interest_has_every_field() {
    one(OKX, MESSAGES[13], |found| {
        let interest = OpenInterest {
            quantity: wide("2216113.01000000021").unwrap(),
            base: wide("22161.1301000000001"),
            usd: wide("1939251795.54769000004"),
        };
        let time = Some(1_743_041_250_440);
        let body = Body::OpenInterest(&interest);
        assert_eq!(
            found,
            event(Channel::OkxOpenInterest, "BTC-USDT-SWAP", time, body)
        );
    });
    one(OKX, MESSAGES[14], |found| {
        let interest = OpenInterest {
            quantity: wide("236871").unwrap(),
            base: wide("23687.1"),
            usd: None,
        };
        assert_eq!(found.body, Body::OpenInterest(&interest));
    });
}

#[test]
fn each_liquidation_of_a_row_is_an_event_of_the_stream_of_its_type() {
    let text = MESSAGES[15];
    let mut decoder = Decoder::new(OKX);
    assert!(matches!(
        decoder.decode(text),
        Ok(Decoded::Events { count: 2, .. })
    ));
    let liquidation = Liquidation {
        side: Side::Buy,
        price: decimal("0.007831"),
        average_price: None,
        quantity: decimal("13"),
        last_filled: None,
        filled: None,
        loss: wide("0.5"),
    };
    let expected = |time, liquidation| Event {
        subject: "SWAP",
        ..event(
            Channel::LiquidationOrders,
            "IOST-USDT-SWAP",
            Some(time),
            Body::Liquidation(liquidation),
        )
    };
    assert_eq!(
        decoder.event(text, 0),
        Some(expected(1_692_266_434_010, &liquidation))
    );
    let other = Liquidation {
        side: Side::Sell,
        price: decimal("0.007832"),
        quantity: decimal("14.5"),
        loss: None,
        ..liquidation
    };
    assert_eq!(
        decoder.event(text, 1),
        Some(expected(1_692_266_434_009, &other))
    );
    assert_eq!(decoder.event(text, 2), None);
}

#[test]
fn an_instrument_has_every_field() {
    one(OKX, MESSAGES[16], |found| {
        let instrument = Instrument {
            kind: InstrumentType::Futures,
            state: "live".to_owned(),
            pair: "BTC-USD".to_owned(),
            base: String::new(),
            quote: String::new(),
            settle: "BTC".to_owned(),
            price_step: wide("0.1"),
            quantity_step: wide("1"),
            least_quantity: wide("2"),
            contract: Some(Contract {
                value: decimal("100"),
                multiplier: decimal("1"),
                currency: "USD".to_owned(),
                style: ContractStyle::Inverse,
            }),
            listed: millis(1_745_568_600_466),
            expires: millis(1_746_777_600_000),
        };
        let expected = Event {
            subject: "FUTURES",
            ..event(
                Channel::Instruments,
                "BTC-USD-250509",
                None,
                Body::Instrument(&instrument),
            )
        };
        assert_eq!(found, expected);
    });
}

#[test]
fn what_is_not_known_of_an_instrument_is_left_out() {
    let text = MESSAGES[17];
    let mut decoder = Decoder::new(OKX);
    assert!(decoder.decode(text).is_ok());
    let spot = Instrument {
        kind: InstrumentType::Spot,
        state: "live".to_owned(),
        pair: String::new(),
        base: "BTC".to_owned(),
        quote: "USDT".to_owned(),
        settle: String::new(),
        price_step: wide("0.1"),
        quantity_step: wide("0.00000001"),
        least_quantity: wide("0.00001"),
        contract: None,
        listed: millis(1_548_133_413_000),
        expires: None,
    };
    let body = |index| decoder.event(text, index).unwrap().body;
    assert_eq!(body(0), Body::Instrument(&spot));
    let soon = Instrument {
        state: "preopen".to_owned(),
        base: String::new(),
        quote: String::new(),
        price_step: None,
        quantity_step: None,
        least_quantity: None,
        listed: None,
        ..spot
    };
    assert_eq!(body(1), Body::Instrument(&soon));
}

#[test]
fn a_contract_has_the_style_that_the_venue_names_and_options_are_linear() {
    let contract = |text: &str| {
        let mut decoder = Decoder::new(OKX);
        assert!(decoder.decode(text).is_ok());
        let Body::Instrument(instrument) = decoder.event(text, 0).unwrap().body else {
            panic!("no instrument: {text}");
        };
        instrument.contract.clone()
    };
    let option = Contract {
        value: decimal("1"),
        multiplier: decimal("0.01"),
        currency: "BTC".to_owned(),
        style: ContractStyle::Linear,
    };
    assert_eq!(contract(MESSAGES[18]), Some(option.clone()));
    let linear = MESSAGES[18].replace(r#""ctType":"""#, r#""ctType":"linear""#);
    assert_eq!(contract(&linear), Some(option));
    // What a contract of a style unknown to us is worth cannot be said.
    let unknown = MESSAGES[18].replace(r#""ctType":"""#, r#""ctType":"cubic""#);
    assert_eq!(contract(&unknown), None);
}

#[test]
fn an_acknowledgement_names_the_type_where_the_stream_is_of_one() {
    let text = r#"{"id":"7","event":"subscribe","arg":{"channel":"liquidation-orders","instType":"SWAP"},"connId":"a4d3ae55"}"#;
    let mut decoder = Decoder::new(OKX);
    assert_eq!(decoder.decode(text), Ok(Decoded::Control));
    let expected = Control::Subscribed {
        id: Some(7),
        subject: Subject {
            channel: "liquidation-orders",
            instrument: "SWAP",
        },
    };
    assert_eq!(decoder.control(text), Some(expected));
}

#[test]
fn what_cannot_be_an_event_is_an_error_that_names_the_field() {
    let table = [
        (3, r#""42500""#, r#""4250a""#, "o", Problem::Number),
        (3, r#","0"]"#, r#","2"]"#, "confirm", Problem::Value),
        (5, r#","3.708","1"]"#, "]", "c", Problem::Missing),
        (
            15,
            r#""side":"buy""#,
            r#""side":"both""#,
            "side",
            Problem::Value,
        ),
        (15, r#""bkPx":"0.007832","#, "", "bkPx", Problem::Missing),
        (
            15,
            r#""details":["#,
            r#""details":"","d":["#,
            "details",
            Problem::Type,
        ),
        (
            13,
            r#""oi":"2216113.01000000021""#,
            r#""oi":"""#,
            "oi",
            Problem::Number,
        ),
        (3, r#","instId":"BTC-USDT""#, "", "", Problem::Missing),
        (
            16,
            r#""instType":"FUTURES","lever""#,
            r#""lever""#,
            "instType",
            Problem::Missing,
        ),
    ];
    for (message, from, to, field, problem) in table {
        let text = MESSAGES[message].replacen(from, to, 1);
        assert_ne!(text, MESSAGES[message]);
        let error = Decoder::new(OKX).decode(&text).unwrap_err();
        assert_eq!((error.field, error.problem), (field, problem), "{text}");
        assert!(error.channel.is_some(), "{text}");
    }
}

#[test]
fn candles_that_the_venue_does_not_have_are_unknown() {
    for name in [
        "candle8H",
        "candle1mutc",
        "candles",
        "index-candle",
        "sprd-candle",
    ] {
        let text = MESSAGES[4].replace("candle1m", name);
        let mut decoder = Decoder::new(OKX);
        let expected = match name {
            "sprd-candle" => Decoded::Unhandled,
            _ => Decoded::Unknown,
        };
        assert_eq!(decoder.decode(&text), Ok(expected), "{name}");
        assert_eq!(decoder.kind(&text), name);
    }
}
