//! After warm-up decoding allocates nothing, by either way of reading.

use marketprism_core::market::Market;
use marketprism_core::venue::{Decoded, Decoder};

const MESSAGES: [(Market, &str); 9] = [
    (
        Market::BinanceSpot,
        r#"{"stream":"bnbbtc@aggTrade","data":{"e":"aggTrade","E":1672515782136,"s":"BNBBTC","a":12345,"p":"0.00100000","q":"100","f":100,"l":105,"T":1672515782135,"m":false,"M":true}}"#,
    ),
    (
        Market::BinanceSpot,
        r#"{"stream":"bnbbtc@depth5@100ms","data":{"lastUpdateId":160,"bids":[["0.0024","10"]],"asks":[["0.0026","100"]]}}"#,
    ),
    (
        Market::BinanceSpot,
        r#"{"stream":"bnbusdt@bookTicker","data":{"u":400900217,"s":"BNBUSDT","b":"25.35190000","B":"31.21000000","a":"25.36520000","A":"40.66000000"}}"#,
    ),
    (
        Market::BinanceUsdm,
        r#"{"stream":"btcusdt@depth@0ms","data":{"e":"depthUpdate","E":1571889248277,"T":1571889248276,"s":"BTCUSDT","U":390497796,"u":390497878,"pu":390497794,"b":[["7403.89","0.002"]],"a":[["7405.96","3.340"]],"ps":"BTCUSDT","st":1}}"#,
    ),
    (
        Market::BinanceUsdm,
        r#"{"code":2,"msg":"Invalid request: unknown variant \"x\"","id":4}"#,
    ),
    (
        Market::Okx,
        r#"{"arg":{"channel":"trades","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","tradeId":"130639474","px":"42219.9","sz":"0.12060306","side":"buy","ts":"1630048897897","count":"3","source":"0","seqId":1234}]}"#,
    ),
    (
        Market::Okx,
        r#"{"arg":{"channel":"books","instId":"BTC-USDT"},"action":"update","data":[{"asks":[],"bids":[["8476.97","0","0","0"]],"ts":"1597026383185","checksum":0,"seqId":123457,"prevSeqId":123456}]}"#,
    ),
    (
        Market::Okx,
        r#"{"arg":{"channel":"tickers","instId":"BTC-USDT"},"data":[{"instType":"SPOT","instId":"BTC-USDT","last":"1","lastSz":"1","askPx":"1","askSz":"1","bidPx":"1","bidSz":"1","open24h":"1","high24h":"1","low24h":"1","sodUtc0":"1","sodUtc8":"1","volCcy24h":"1","vol24h":"1","ts":"1652459223003"}]}"#,
    ),
    (Market::Okx, "pong"),
];

#[test]
fn decoding_and_lending_allocate_nothing_after_warm_up() {
    for (market, text) in MESSAGES {
        let mut decoder = Decoder::new(market);
        // The pass in the expected order; the general reader; the general reader with escapes.
        let spaced = format!(" {text}");
        let escaped = spaced
            .replace("BTC", "\\u0042TC")
            .replace("bnb", "\\u0062nb");
        let broken = text.replace('}', "");
        for text in [text, &spaced, &escaped, &broken] {
            read(&mut decoder, text);
            let counted = allocation_counter::measure(|| {
                for _ in 0..100 {
                    read(&mut decoder, text);
                }
            });
            assert_eq!(counted.count_total, 0, "{text}");
        }
    }
}

fn read(decoder: &mut Decoder, text: &str) {
    if let Ok(Decoded::Events { count, .. }) = decoder.decode(text) {
        for index in 0..count {
            assert!(decoder.event(text, index).is_some());
        }
    }
    std::hint::black_box(decoder.control(text));
    std::hint::black_box(decoder.kind(text));
}
