//! After warm-up decoding allocates nothing, by either way of reading.

use marketprism_core::market::Market;
use marketprism_core::venue::{Decoded, Decoder};

const MESSAGES: [(Market, &str); 23] = [
    (
        Market::BinanceSpot,
        r#"{"subscriptionId":0,"event":{"e":"executionReport","E":1790000000021,"s":"BNBBTC","c":"mine-2","S":"SELL","o":"LIMIT","f":"GTC","q":"7.0","p":"0.0012","P":"0.0","g":-1,"C":"","x":"TRADE","X":"FILLED","r":"NONE","i":99912345678,"l":"2.5","z":"7.0","L":"0.0011","n":"0.1","N":"BNB","T":1790000000020,"t":65043716,"m":true,"O":1790000000001,"Z":"0.0048","Y":"0.0029"}}"#,
    ),
    (
        Market::BinanceUsdm,
        r#"{"e":"ACCOUNT_UPDATE","T":1790000000110,"E":1790000000111,"a":{"B":[{"a":"USDT","wb":"12","cw":"1","bc":"5"}],"P":[{"s":"BTCUSDT","pa":"20","ep":"6563.6","cr":"0","up":"2850.2","mt":"cross","iw":"0","ps":"BOTH"}],"m":"ORDER"}}"#,
    ),
    (
        Market::Okx,
        r#"{"arg":{"channel":"positions","instType":"SWAP"},"eventType":"snapshot","curPage":1,"lastPage":true,"data":[{"instId":"BTC-USDT-SWAP","mgnMode":"cross","pTime":"1790000000262","pos":"-3.5","posId":"8","posSide":"net","uTime":"1790000000260","upl":""}]}"#,
    ),
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
    (
        Market::BinanceSpot,
        r#"{"stream":"bnbbtc@kline_4h@+08:00","data":{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672530179999,"s":"BNBBTC","i":"4h","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0015","v":"1000","n":101,"x":false,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}}"#,
    ),
    (
        Market::BinanceSpot,
        r#"{"stream":"bnbbtc@ticker","data":{"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"-0.0015","P":"-250.00","w":"0.0018","x":"0.0009","c":"0.0025","Q":"10","b":"0.0024","B":"11","a":"0.0026","A":"100","o":"0.0010","h":"0.0027","l":"0.0008","v":"10000","q":"18","O":1672429382136,"C":1672515782135,"F":7,"L":18150,"n":18144}}"#,
    ),
    (
        Market::BinanceCoinm,
        r#"{"stream":"adausd_perp@miniTicker","data":{"e":"24hrMiniTicker","E":1654860761653,"s":"ADAUSD_PERP","ps":"ADAUSD","c":"0.61447","o":"0.64631","h":"0.65259","l":"0.60408","v":"7642134","q":"121333448.45021203","st":2}}"#,
    ),
    (
        Market::BinanceUsdm,
        r#"{"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15000000","ap":"11794.16000000","P":"11784.25641265","i":"11784.62659091","r":"-0.00038167","T":1562306400000,"st":1}}"#,
    ),
    (
        Market::BinanceUsdm,
        r#"{"stream":"btcusdt@forceOrder","data":{"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.015","p":"9910","ap":"9911","X":"FILLED","l":"0.014","z":"0.013","T":1568014460892},"ps":"BTCUSDT","st":1}}"#,
    ),
    (
        Market::Okx,
        r#"{"arg":{"channel":"candle1Dutc","instId":"BTC-USDT"},"data":[["1629993600000","42500","48199.9","41006.1","41006.2","3587.41204591","166741046.22583129","166741046.22583130","0"]]}"#,
    ),
    (
        Market::Okx,
        r#"{"arg":{"channel":"funding-rate","instId":"BTC-USD-SWAP"},"data":[{"formulaType":"withRate","fundingRate":"-0.0001875391284828","fundingTime":"1700726400000","impactValue":"10000.0000000000000000","instId":"BTC-USD-SWAP","instType":"SWAP","interestRate":"0.0001000000000000","maxFundingRate":"0.00375","method":"current_period","minFundingRate":"-0.00376","nextFundingRate":"","nextFundingTime":"1700755200000","premium":"0.0001233824646391","prevFundingTime":"1700697600000","settFundingRate":"0.0001699799259033","settState":"settled","ts":"1700724675402"}]}"#,
    ),
    (
        Market::Okx,
        r#"{"arg":{"channel":"mark-price","instId":"LTC-USD-190628"},"data":[{"instId":"LTC-USD-190628","instType":"FUTURES","markPx":"0.109","ts":"1597026383085"}]}"#,
    ),
    (
        Market::Okx,
        r#"{"arg":{"channel":"open-interest","instId":"BTC-USDT-SWAP"},"data":[{"instId":"BTC-USDT-SWAP","instType":"SWAP","oi":"2216113.01000000021","oiCcy":"22161.1301000000001","oiUsd":"1939251795.54769000004","ts":"1743041250440"}]}"#,
    ),
    (
        Market::Okx,
        r#"{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{"bkLoss":"0.5","bkPx":"0.007831","ccy":"","posSide":"short","side":"buy","sz":"13","ts":"1692266434010"},{"bkLoss":"","bkPx":"0.007832","ccy":"","posSide":"net","side":"sell","sz":"14.5","ts":"1692266434009"}],"instFamily":"IOST-USDT","instId":"IOST-USDT-SWAP","instType":"SWAP","uly":"IOST-USDT"}]}"#,
    ),
    (
        Market::Okx,
        r#"{"arg":{"channel":"index-tickers","instId":"BTC-USDT"},"data":[{"instId":"BTC-USDT","idxPx":"64280.5","open24h":"63848.2","high24h":"64360.7","low24h":"63265.6","sodUtc0":"63465.3","sodUtc8":"","ts":"1785870839965"}]}"#,
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
        // The text of a pong is no JSON: it has one way of being written.
        let is_json = text.starts_with('{');
        for (text, is_read) in [
            (text, true),
            (&spaced, is_json),
            (&escaped, is_json),
            (&broken, !is_json),
        ] {
            assert_eq!(read(&mut decoder, text), is_read, "{text}");
            let counted = allocation_counter::measure(|| {
                for _ in 0..100 {
                    read(&mut decoder, text);
                }
            });
            assert_eq!(counted.count_total, 0, "{text}");
        }
    }
}

/// Decodes a message and lends all that is in it; whether it is one that is known.
fn read(decoder: &mut Decoder, text: &str) -> bool {
    let decoded = decoder.decode(text);
    if let Ok(Decoded::Events { count, .. }) = decoded {
        for index in 0..count {
            assert!(decoder.event(text, index).is_some());
        }
    }
    std::hint::black_box(decoder.control(text));
    std::hint::black_box(decoder.kind(text));
    matches!(decoded, Ok(Decoded::Events { .. } | Decoded::Control))
}
