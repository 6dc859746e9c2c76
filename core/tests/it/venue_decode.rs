//! The two ways of reading a message agree with each other and with the reference.

use std::hint::black_box;

use marketprism_core::market::Market;
use marketprism_core::venue::{DecodeError, Decoder};
use proptest::prelude::*;
use serde_json::Value;

use crate::account_events;
use crate::binance_events;
use crate::okx_events;
use crate::reference::{reference, show};

pub(crate) const SPOT: Market = Market::BinanceSpot;
pub(crate) const USDM: Market = Market::BinanceUsdm;
pub(crate) const OKX: Market = Market::Okx;

/// One message of each kind and form, written as the venues write them.
pub(crate) const MESSAGES: [(Market, &str); 22] = [
    (
        SPOT,
        r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":true,"M":true}}"#,
    ),
    (
        SPOT,
        r#"{"e":"trade","E":1723161255343,"s":"BTCUSDT","t":3735683259,"p":"61837.63000000","q":"0.02000000","T":1723161255342,"m":false}"#,
    ),
    (
        SPOT,
        r#"{"stream":"bnbbtc@aggTrade","data":{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.00100000","q":"100","f":100,"l":105,"T":1672515782135,"m":false,"M":true}}"#,
    ),
    (
        SPOT,
        r#"{"stream":"bnbbtc@depth@100ms","data":{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[["0.0024","10"],["0.0023","0"]],"a":[["0.0026","100"]]}}"#,
    ),
    (
        SPOT,
        r#"{"stream":"bnbbtc@depth","data":{"e":"depthUpdate","E":1672515782136,"s":"BNBBTC","U":157,"u":160,"b":[],"a":[]}}"#,
    ),
    (
        SPOT,
        r#"{"stream":"bnbbtc@depth5@100ms","data":{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}}"#,
    ),
    (
        SPOT,
        r#"{"stream":"bnbusdt@bookTicker","data":{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}}"#,
    ),
    (
        SPOT,
        r#"{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}"#,
    ),
    (
        USDM,
        r#"{"stream":"btcusdt@trade","data":{"e":"trade","E":1680652700455,"T":1680652700452,"s":"BTCUSDT","t":3535186032,"p":"28145.10","q":"0.002","X":"MARKET","m":true}}"#,
    ),
    (
        USDM,
        r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1616000000005,"a":5933014,"s":"BTCUSDT","p":"0.001","q":"100","nq":"90","f":100,"l":105,"T":1616000000001,"m":true,"st":1}}"#,
    ),
    (
        USDM,
        r#"{"stream":"btcusdt@aggTrade","data":{"e":"aggTrade","E":1616000000005,"s":"BTCUSDT","a":5933014,"p":"0.001","q":"100","f":100,"l":105,"T":1616000000001,"m":true}}"#,
    ),
    (
        USDM,
        r#"{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1571889248277,"T":1571889248276,"s":"BTCUSDT","U":390497796,"u":390497878,"pu":390497794,"b":[["7403.89","0.002"]],"a":[["7405.96","3.340"]],"ps":"BTCUSDT","st":1}}"#,
    ),
    (
        USDM,
        r#"{"stream":"btcusdt@depth20@500ms","data":{"e":"depthUpdate","E":1571889248277,"T":1571889248276,"s":"BTCUSDT","U":390497796,"u":390497878,"pu":390497794,"b":[["7403.89","0.002"]],"a":[["7405.96","3.340"]]}}"#,
    ),
    (
        USDM,
        r#"{"stream":"bnbusdt@bookTicker","data":{"e":"bookTicker","u":400900217,"s":"BNBUSDT","ps":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000","T":1568014460891,"E":1568014460893,"st":1}}"#,
    ),
    (
        OKX,
        r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3","source":"0","seqId":1234},{"instId":"BTC-USDT","tradeId":"130639475","px":"42219.8","sz":"1","side":"sell","ts":"1630048897898"}]}"#,
    ),
    (
        OKX,
        r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"snapshot","data":[{"asks":[["8476.98","415","0","13"]],"bids":[["8476.97","256","0","12"],["8476.96","1","0","1"]],"ts":"1597026383085","checksum":-855196043,"seqId":123456,"prevSeqId":-1}]}"#,
    ),
    (
        OKX,
        r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],"bids":[["8476.97","0","0","0"]],"ts":"1597026383185","checksum":0,"prevSeqId":123456,"seqId":123457}]}"#,
    ),
    (
        OKX,
        r#"{"arg":{"channel":"bbo-tbt","instId":"BCH-USDT-SWAP"},"data":[{"asks":[["111.06","55154","0","2"]],"bids":[["111.05","57745","0","2"]],"ts":"1670324386802","seqId":363996337}]}"#,
    ),
    (
        OKX,
        r#"{"arg":{"channel":"bbo-tbt","instId":"BCH-USDT-SWAP"},"data":[{"asks":[],"bids":[["111.05","57745","0","2"]],"ts":"1670324386802"}]}"#,
    ),
    (
        OKX,
        r#"{"arg":{"channel":"tickers","instId":"BTC-USD-220527"},"data":[{"instType":"FUTURES","instId":"BTC-USD-220527","last":"30218.8","lastSz":"1","askPx":"30220.1","askSz":"3","bidPx":"30210.4","bidSz":"4","open24h":"29571.4","high24h":"31003.3","low24h":"27930.8","sodUtc0":"28935.3","sodUtc8":"30320.5","volCcy24h":"2620.289","vol24h":"12345678901234567890123.5","ts":"1652459223003"}]}"#,
    ),
    (
        OKX,
        r#"{"arg":{"channel":"tickers","instId":"NEW-USDT"},"data":[{"instType":"SPOT","instId":"NEW-USDT","last":"","lastSz":"","askPx":"","askSz":"","bidPx":"","bidSz":"","open24h":"","high24h":"","low24h":"","sodUtc0":"","sodUtc8":"","volCcy24h":"0","vol24h":"0","ts":"1652459223003"}]}"#,
    ),
    (
        OKX,
        r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[]}"#,
    ),
];

/// The same, and those that have a table of their own.
pub(crate) fn messages() -> Vec<(Market, &'static str)> {
    let okx = okx_events::MESSAGES.map(|text| (OKX, text));
    let binance = binance_events::MESSAGES.map(|(market, text, ..)| (market, text));
    let account = account_events::MESSAGES.map(|(market, text, _)| (market, text));
    let of_markets = MESSAGES.into_iter().chain(okx).chain(binance);
    of_markets.chain(account).collect()
}

/// The events of the message decoded last, as text.
pub(crate) fn events(decoder: &Decoder, text: &str) -> Vec<String> {
    (0..)
        .map_while(|index| decoder.event(text, index))
        .map(|event| show(&event))
        .collect()
}

/// The same message in another order, with white space, escapes and members unknown to anybody.
pub(crate) fn scrambled(tree: &Value, seed: u64) -> String {
    let mut out = String::new();
    Scrambler(Random(seed)).value(tree, &mut out);
    out
}

/// An xorshift generator.
pub(crate) struct Random(pub(crate) u64);

impl Random {
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        let mut x = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        x = (x ^ (x >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        x = (x ^ (x >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        self.0 = x ^ (x >> 31);
        self.0 as usize % bound
    }
}

/// What it decides of a message.
struct Scrambler(Random);

impl Scrambler {
    fn value(&mut self, tree: &Value, out: &mut String) {
        self.space(out);
        match tree {
            Value::Object(members) => {
                let mut members: Vec<_> = members.iter().collect();
                for last in (1..members.len()).rev() {
                    let other = self.0.below(last + 1);
                    members.swap(last, other);
                }
                out.push('{');
                if self.0.below(4) == 0 {
                    out.push_str("\"zz\":[{\"deep\":[null,-1.5e3]}],");
                }
                for (place, (key, value)) in members.into_iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    self.space(out);
                    self.text(key, out);
                    self.space(out);
                    out.push(':');
                    self.value(value, out);
                }
                // An object that has nothing else must not end in a comma.
                if out.ends_with(',') {
                    out.push_str("\"zy\":0");
                }
                out.push('}');
            }
            Value::Array(elements) => {
                out.push('[');
                for (place, element) in elements.iter().enumerate() {
                    if place > 0 {
                        out.push(',');
                    }
                    self.value(element, out);
                }
                out.push(']');
            }
            Value::String(text) => self.text(text, out),
            Value::Null | Value::Bool(_) | Value::Number(_) => out.push_str(&tree.to_string()),
        }
        self.space(out);
    }

    fn space(&mut self, out: &mut String) {
        out.push_str(["", "", "", "", " ", "\n", "\t", " \r\n"][self.0.below(8)]);
    }

    fn text(&mut self, text: &str, out: &mut String) {
        out.push('"');
        for character in text.chars() {
            match self.0.below(40) {
                0 => {
                    let mut units = [0; 2];
                    for unit in character.encode_utf16(&mut units) {
                        out.push_str(&format!("\\u{unit:04x}"));
                    }
                }
                _ => out.push_str(&serde_json::to_string(&character).unwrap().replace('"', "")),
            }
        }
        out.push('"');
    }
}

#[test]
fn every_message_is_the_same_in_any_order_and_as_the_reference_reads_it() {
    for (market, text) in messages() {
        let tree: Value = serde_json::from_str(text).unwrap();
        let mut decoder = Decoder::new(market);
        let decoded = decoder.decode(text);
        let expected = events(&decoder, text);
        assert_eq!(reference(market, &tree), Some(expected.clone()), "{text}");
        for seed in 0..200 {
            let scrambled = scrambled(&tree, seed);
            assert_eq!(decoder.decode(&scrambled), decoded, "{scrambled}");
            assert_eq!(events(&decoder, &scrambled), expected, "{scrambled}");
        }
    }
}

#[test]
fn what_the_venues_may_add_is_stepped_over_without_leaving_the_pass() {
    for (market, text) in [MESSAGES[3], MESSAGES[8], MESSAGES[11], MESSAGES[14]] {
        let tree: Value = serde_json::from_str(text).unwrap();
        let expected = reference(market, &tree).unwrap();
        let added = text
            .replacen(",\"s\":", ",\"new\":[1,{\"s\":null}],\"s\":", 1)
            .replacen(",\"px\":", ",\"new\":\"\\\"\",\"px\":", 1);
        assert_ne!(added, text);
        let mut decoder = Decoder::new(market);
        assert!(decoder.decode(&added).is_ok());
        assert_eq!(events(&decoder, &added), expected);
        assert_eq!(decoder.fallbacks(), 0, "{added}");
    }
}

/// Both ways must agree, whatever the text.
fn agree(market: Market, text: &str) {
    let mut decoder = Decoder::new(market);
    let plain = decoder.decode(text);
    let found = events(&decoder, text);
    if text == "pong" {
        return;
    }
    let spaced = format!(" {text}");
    let general = decoder.decode(&spaced);
    let shifted = general.map_err(|error| DecodeError {
        offset: error.offset - 1,
        ..error
    });
    match (plain, general) {
        (Err(_), Err(error)) if error.offset == 0 => {}
        _ => assert_eq!(plain, shifted, "{text}"),
    }
    assert_eq!(found, events(&decoder, &spaced), "{text}");
    // Lending the wrong text must not harm.
    for wrong in ["", "ä", "{\"e\":"] {
        events(&decoder, wrong);
        black_box((decoder.control(wrong), decoder.kind(wrong)));
    }
}

proptest! {
    #[test]
    fn any_text_is_read_or_refused_and_both_ways_agree(text in ".*") {
        for market in Market::ALL {
            agree(market, &text);
        }
    }

    #[test]
    fn a_message_with_changes_is_read_or_refused_and_both_ways_agree(
        message in any::<prop::sample::Index>(),
        changes in prop::collection::vec((any::<prop::sample::Index>(), 0..4_u8, any::<u8>()), 1..6),
    ) {
        let (market, text) = *message.get(&messages());
        let mut bytes = text.as_bytes().to_vec();
        for (place, kind, byte) in changes {
            let at = place.index(bytes.len());
            let other = bytes[usize::from(byte) % bytes.len()];
            match kind {
                0 => bytes[at] = byte,
                1 => bytes.insert(at, other),
                2 => bytes[at] = other,
                _ => { bytes.remove(at); }
            }
        }
        agree(market, &String::from_utf8_lossy(&bytes));
    }

    #[test]
    fn a_message_in_any_order_is_the_same(message in any::<prop::sample::Index>(), seed: u64) {
        let (market, text) = *message.get(&messages());
        let tree: Value = serde_json::from_str(text).unwrap();
        let scrambled = scrambled(&tree, seed);
        let mut decoder = Decoder::new(market);
        let expected = decoder.decode(text);
        prop_assert_eq!(decoder.decode(&scrambled), expected);
        prop_assert_eq!(Some(events(&decoder, &scrambled)), reference(market, &tree));
    }
}
