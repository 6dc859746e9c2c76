//! Answers of Binance over REST, each read by hand once.

use marketprism_core::market::{Channel, Market, Speed};
use marketprism_core::venue::{Asked, Control, Decoded, Decoder, Problem, Query, Reason};
use serde_json::Value;

use crate::venue_decode::{events, scrambled};

const SPOT: Market = Market::BinanceSpot;
const USDM: Market = Market::BinanceUsdm;
const COINM: Market = Market::BinanceCoinm;

const DEPTH: Asked = Asked::Book(Channel::Depth(Speed::Ms100));

/// What is asked of whom, the answer, and the events in it.
const ANSWERS: [(Market, Asked, &str, &str, &[&str]); 13] = [
    (
        SPOT,
        DEPTH,
        "币安人生USDT",
        r#"{"lastUpdateId":160,"bids":[["0.0024","10"],["0.0022","3.5"]],"asks":[["0.0026","100"]]}"#,
        &[
            "binance-spot depth@100ms 币安人生USDT/币安人生USDT None None snapshot None Some(160) None None bids 0.0024x10/None 0.0022x3.5/None asks 0.0026x100/None",
        ],
    ),
    (
        USDM,
        DEPTH,
        "BTCUSDT",
        r#"{"lastUpdateId":1027024,"E":1589436922972,"T":1589436922959,"bids":[["4.00","431.0"]],"asks":[]}"#,
        &[
            "binance-usdm depth@100ms BTCUSDT/BTCUSDT Some(1589436922959000000) Some(1589436922972000000) snapshot None Some(1027024) None None bids 4.00x431.0/None asks",
        ],
    ),
    (
        COINM,
        DEPTH,
        "BTCUSD_PERP",
        r#"{"lastUpdateId":16769853,"E":1591250106370,"T":1591250106368,"symbol":"BTCUSD_PERP","pair":"BTCUSD","bids":[],"asks":[["9638.0","44"]]}"#,
        &[
            "binance-coinm depth@100ms BTCUSD_PERP/BTCUSD_PERP Some(1591250106368000000) Some(1591250106370000000) snapshot None Some(16769853) None None bids asks 9638.0x44/None",
        ],
    ),
    (
        SPOT,
        trades(Channel::AggTrade, 26_129, 26_130),
        "BNBBTC",
        r#"[{"a":26129,"p":"0.01633102","q":"4.70443515","f":27781,"l":27783,"T":1498793709153,"m":true,"M":true},{"a":26130,"p":"0.01633200","q":"1","f":27784,"l":27784,"T":1498793709154,"m":false,"M":true},{"a":26131,"p":"1","q":"1","f":27785,"l":27785,"T":1498793709155,"m":false,"M":true}]"#,
        &[
            "binance-spot aggTrade BNBBTC/BNBBTC Some(1498793709153000000) None trade 26129 Some(27781) Some(27783) 0.01633102 4.70443515 None sell None None None",
            "binance-spot aggTrade BNBBTC/BNBBTC Some(1498793709154000000) None trade 26130 Some(27784) Some(27784) 0.01633200 1 None buy None None None",
        ],
    ),
    (
        USDM,
        trades(Channel::AggTrade, 5, 6),
        "BTCUSDT",
        r#"[{"a":5,"p":"1.5","q":"2","nq":"1.9","f":8,"l":9,"T":1498793709153,"m":true}]"#,
        &[
            "binance-usdm aggTrade BTCUSDT/BTCUSDT Some(1498793709153000000) None trade 5 Some(8) Some(9) 1.5 2 Some(\"1.9\") sell None None None",
        ],
    ),
    (
        SPOT,
        trades(Channel::Trade, 28_457, 28_457),
        "BTCUSDT",
        r#"[{"id":28457,"price":"4.00000100","qty":"12.00000000","quoteQty":"48.000012","time":1499865549590,"isBuyerMaker":true,"isBestMatch":true}]"#,
        &[
            "binance-spot trade BTCUSDT/BTCUSDT Some(1499865549590000000) None trade 28457 Some(28457) Some(28457) 4.00000100 12.00000000 None sell None None None",
        ],
    ),
    (
        COINM,
        trades(Channel::Trade, 1, i64::MAX),
        "BTCUSD_200626",
        r#"[{"id":28457,"price":"9635.0","qty":"1","baseQty":"0.01037883","time":1591250192508,"isBuyerMaker":false}]"#,
        &[
            "binance-coinm trade BTCUSD_200626/BTCUSD_200626 Some(1591250192508000000) None trade 28457 Some(28457) Some(28457) 9635.0 1 None buy None None None",
        ],
    ),
    (
        USDM,
        Asked::Poll(Channel::OpenInterest),
        "BTCUSDT",
        r#"{"openInterest":"10659.509","symbol":"BTCUSDT","time":1589437530011}"#,
        &[
            "binance-usdm openInterest BTCUSDT/BTCUSDT Some(1589437530011000000) None open_interest quantity=10659.509",
        ],
    ),
    (
        COINM,
        Asked::Poll(Channel::OpenInterest),
        "BTCUSD_200626",
        r#"{"symbol":"BTCUSD_200626","pair":"BTCUSD","openInterest":"15004","contractType":"CURRENT_QUARTER","time":1591261042378}"#,
        &[
            "binance-coinm openInterest BTCUSD_200626/BTCUSD_200626 Some(1591261042378000000) None open_interest quantity=15004",
        ],
    ),
    (
        USDM,
        Asked::Poll(Channel::TopAccountRatio),
        "BTCUSDT",
        r#"[{"symbol":"BTCUSDT","longShortRatio":"1.8105","longAccount":"0.6442","shortAccount":"0.3558","timestamp":1583139600000},{"symbol":"BTCUSDT","longShortRatio":"0.5576","longAccount":"0.3580","shortAccount":"0.6420","timestamp":"1583139900000"}]"#,
        &[
            "binance-usdm topLongShortAccountRatio BTCUSDT/BTCUSDT Some(1583139600000000000) None ratio of=top_accounts ratio=1.8105 long=0.6442 short=0.3558",
            "binance-usdm topLongShortAccountRatio BTCUSDT/BTCUSDT Some(1583139900000000000) None ratio of=top_accounts ratio=0.5576 long=0.3580 short=0.6420",
        ],
    ),
    (
        USDM,
        Asked::Poll(Channel::AccountRatio),
        "BTCUSDT",
        r#"[{"symbol":"BTCUSDT","longAccount":"0.5795","longShortRatio":"1.3781","shortAccount":"0.4205","timestamp":1602403200000}]"#,
        &[
            "binance-usdm globalLongShortAccountRatio BTCUSDT/BTCUSDT Some(1602403200000000000) None ratio of=accounts ratio=1.3781 long=0.5795 short=0.4205",
        ],
    ),
    (
        COINM,
        Asked::Poll(Channel::TopPositionRatio),
        "BTCUSD",
        r#"[{"pair":"BTCUSD","longShortRatio":"0.7869","longPosition":"0.6442","shortPosition":"0.4404","timestamp":1592870400000}]"#,
        &[
            "binance-coinm topLongShortPositionRatio BTCUSD/BTCUSD Some(1592870400000000000) None ratio of=top_positions ratio=0.7869 long=0.6442 short=0.4404",
        ],
    ),
    (
        SPOT,
        Asked::Poll(Channel::ExchangeInfo),
        "",
        r#"{"timezone":"UTC","serverTime":1565246363776,"rateLimits":[{"limit":6000}],"symbols":[{"symbol":"ETHBTC","status":"TRADING","baseAsset":"ETH","baseAssetPrecision":8,"quoteAsset":"BTC","orderTypes":["LIMIT"],"filters":[{"filterType":"LOT_SIZE","minQty":"0.00010000","maxQty":"100000.00000000","stepSize":"0.00020000"},{"filterType":"PRICE_FILTER","minPrice":"0.00000100","tickSize":"0.00000100"},{"filterType":"MARKET_LOT_SIZE","minQty":"7","stepSize":"0.00000000"}]},{"symbol":"币安人生USDT","status":"BREAK","baseAsset":"币安人生","quoteAsset":"USDT","filters":[{"filterType":"PRICE_FILTER","tickSize":"0.00000000"}]}]}"#,
        &[
            "binance-spot exchangeInfo /ETHBTC None None instrument type=spot state=TRADING base=ETH quote=BTC price_step=0.00000100 quantity_step=0.00020000 least_quantity=0.00010000",
            "binance-spot exchangeInfo /币安人生USDT None None instrument type=spot state=BREAK base=币安人生 quote=USDT",
        ],
    ),
];

const fn trades(channel: Channel, from: i64, to: i64) -> Asked {
    Asked::Trades { channel, from, to }
}

#[test]
fn every_answer_is_read_whatever_order_its_members_come_in() {
    for (market, asked, instrument, text, expected) in ANSWERS {
        let query = Query { asked, instrument };
        let mut decoder = Decoder::new(market);
        let decoded = decoder.decode_answer(query, text);
        let all = Decoded::Events {
            channel: asked.channel(),
            count: expected.len(),
            spent: 0,
            foreign: 0,
        };
        assert_eq!(decoded, Ok(all), "{text}");
        assert_eq!(events(&decoder, text), expected);
        let tree: Value = serde_json::from_str(text).unwrap();
        for seed in 0..50 {
            let scrambled = scrambled(&tree, seed);
            assert_eq!(decoder.decode_answer(query, &scrambled), decoded);
            assert_eq!(events(&decoder, &scrambled), expected, "{scrambled}");
        }
    }
}

#[test]
fn contracts_are_described_with_their_size_and_their_dates() {
    let usdm = r#"{"symbols":[{"symbol":"BTCUSDT_260925","pair":"BTCUSDT","contractType":"NEXT_QUARTER","deliveryDate":1790323200000,"onboardDate":1774598400000,"status":"TRADING","baseAsset":"BTC","quoteAsset":"USDT","marginAsset":"USDT","filters":[{"tickSize":"0.1","filterType":"PRICE_FILTER"},{"stepSize":"0.001","filterType":"LOT_SIZE","minQty":"0.002"}]}]}"#;
    let coinm = r#"{"symbols":[{"symbol":"BTCUSD_PERP","pair":"BTCUSD","contractType":"PERPETUAL","deliveryDate":4133404800000,"onboardDate":1597042800000,"contractStatus":"TRADING","contractSize":100,"marginAsset":"BTC","baseAsset":"BTC","quoteAsset":"USD","filters":[]}]}"#;
    let query = Query {
        asked: Asked::Poll(Channel::ExchangeInfo),
        instrument: "",
    };
    let table = [
        (
            USDM,
            usdm,
            "binance-usdm exchangeInfo /BTCUSDT_260925 None None instrument type=futures state=TRADING pair=BTCUSDT base=BTC quote=USDT settle=USDT price_step=0.1 quantity_step=0.001 least_quantity=0.002 listed=1774598400000000000 expires=1790323200000000000",
        ),
        (
            COINM,
            coinm,
            "binance-coinm exchangeInfo /BTCUSD_PERP None None instrument type=swap state=TRADING pair=BTCUSD base=BTC quote=USD settle=BTC listed=1597042800000000000 value=100 multiplier=1 currency=USD style=inverse",
        ),
    ];
    for (market, text, expected) in table {
        let mut decoder = Decoder::new(market);
        assert!(decoder.decode_answer(query, text).is_ok());
        assert_eq!(events(&decoder, text), [expected]);
    }
}

#[test]
fn a_refused_query_is_a_refusal() {
    let text = r#"{"code":-1121,"msg":"Invalid symbol."}"#;
    for (market, asked, instrument, ..) in ANSWERS {
        let mut decoder = Decoder::new(market);
        let query = Query { asked, instrument };
        assert_eq!(decoder.decode_answer(query, text), Ok(Decoded::Control));
        let Some(Control::Refused {
            rejection, message, ..
        }) = decoder.control(text)
        else {
            panic!()
        };
        assert_eq!(
            (rejection.code, rejection.reason),
            (-1121, Reason::NoSuchStream)
        );
        assert_eq!(message, "Invalid symbol.");
        assert_eq!(decoder.event(text, 0), None);
    }
}

#[test]
fn an_answer_of_another_kind_is_an_error_that_says_where() {
    let mut decoder = Decoder::new(SPOT);
    let query = Query {
        asked: DEPTH,
        instrument: "BTCUSDT",
    };
    for (text, field, problem) in [
        ("<html>", "", Problem::Syntax),
        ("", "", Problem::Syntax),
        ("[]", "", Problem::Type),
        ("{}", "lastUpdateId", Problem::Missing),
        (
            r#"{"lastUpdateId":1,"bids":[["1","x"]],"asks":[]}"#,
            "bids",
            Problem::Number,
        ),
        (
            r#"{"lastUpdateId":1,"bids":[],"asks":[]}]"#,
            "",
            Problem::Syntax,
        ),
    ] {
        let error = decoder.decode_answer(query, text).unwrap_err();
        assert_eq!((error.field, error.problem), (field, problem), "{text}");
        assert_eq!(decoder.event(text, 0), None);
    }
    let instruments = Query {
        asked: Asked::Poll(Channel::ExchangeInfo),
        instrument: "",
    };
    let error = decoder.decode_answer(instruments, "{}").unwrap_err();
    assert_eq!((error.field, error.problem), ("symbols", Problem::Missing));
}
