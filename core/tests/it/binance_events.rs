//! One message of each channel and market of Binance that is told in figures, each read by hand
//! once. Those of trades and books stand in `venue_events`.

use marketprism_core::market::Market;
use marketprism_core::venue::{Decoded, Decoder};

use crate::venue_decode::events;

const SPOT: Market = Market::BinanceSpot;
const USDM: Market = Market::BinanceUsdm;
const COINM: Market = Market::BinanceCoinm;

/// Whose message, the message, what is told of each event, and how many rows were another
/// market's.
type Told = (Market, &'static str, &'static [&'static str], usize);

/// One message of each channel and form.
pub(crate) const MESSAGES: [Told; 27] = [
    (
        SPOT,
        r#"{"stream":"bnbbtc@blockTrade","data":{"e":"blockTrade","E":1772582137360,"s":"BNBBTC","t":582,"p":"0.05200000","q":"5838.00000000","T":1772582137358,"m":true}}"#,
        &[
            "binance-spot blockTrade BNBBTC/BNBBTC Some(1772582137358000000) Some(1772582137360000000) trade 582 Some(582) Some(582) 0.05200000 5838.00000000 None sell None None None",
        ],
        0,
    ),
    (
        SPOT,
        r#"{"stream":"bnbbtc@kline_4h@+08:00","data":{"e":"kline","E":1672515782136,"s":"BNBBTC","k":{"t":1672515780000,"T":1672530179999,"s":"BNBBTC","i":"4h","f":100,"L":200,"o":"0.0010","c":"0.0020","h":"0.0025","l":"0.0015","v":"1000","n":101,"x":false,"q":"1.0000","V":"500","Q":"0.500","B":"123456"}}}"#,
        &[
            "binance-spot kline_4h@+08:00 BNBBTC/BNBBTC None Some(1672515782136000000) candle interval=4h open_time=1672515780000000000 close_time=1672530179999000000 open=0.0010 high=0.0025 low=0.0015 close=0.0020 volume=1000 volume_currency=1.0000 taker_buy_volume=500 taker_buy_volume_currency=0.500 trades=101 first_id=100 last_id=200 closed=false",
        ],
        0,
    ),
    (
        USDM,
        r#"{"e":"kline","E":1638747660000,"s":"BTCUSDT","k":{"t":1638747600000,"T":1638747659999,"s":"BTCUSDT","i":"1m","f":1,"L":2,"o":"1.1","c":"1.2","h":"1.3","l":"1.0","v":"7","n":2,"x":true,"q":"8.4","V":"3","Q":"3.6","B":"0"}}"#,
        &[
            "binance-usdm kline_1m BTCUSDT/BTCUSDT None Some(1638747660000000000) candle interval=1m open_time=1638747600000000000 close_time=1638747659999000000 open=1.1 high=1.3 low=1.0 close=1.2 volume=7 volume_currency=8.4 taker_buy_volume=3 taker_buy_volume_currency=3.6 trades=2 first_id=1 last_id=2 closed=true",
        ],
        0,
    ),
    (
        USDM,
        r#"{"stream":"btcusdt_next_quarter@continuousKline_1M","data":{"e":"continuous_kline","E":1607443058651,"ps":"BTCUSDT","ct":"NEXT_QUARTER","k":{"t":1607443020000,"T":1607443079999,"i":"1M","f":116467658886,"L":116468012423,"o":"18787.00","c":"18804.04","h":"18804.05","l":"18786.54","v":"197.664","n":543,"x":false,"q":"3715253.19494","V":"184.769","Q":"3472925.84746","B":"0"}}}"#,
        &[
            "binance-usdm continuousKline_1M BTCUSDT_NEXT_QUARTER/BTCUSDT_NEXT_QUARTER None Some(1607443058651000000) candle interval=1M open_time=1607443020000000000 close_time=1607443079999000000 open=18787.00 high=18804.05 low=18786.54 close=18804.04 volume=197.664 volume_currency=3715253.19494 taker_buy_volume=184.769 taker_buy_volume_currency=3472925.84746 trades=543 first_id=116467658886 last_id=116468012423 closed=false",
        ],
        0,
    ),
    (
        COINM,
        r#"{"stream":"btcusd@indexPriceKline_5m","data":{"e":"indexPrice_kline","E":1591267070033,"ps":"BTCUSD","k":{"t":1591266900000,"T":1591267199999,"s":"0","i":"5m","f":1591267000000,"L":1591267070000,"o":"9542.2190","c":"9542.5040","h":"9542.7160","l":"9542.0404","v":"0","n":60,"x":false,"q":"0","V":"0","Q":"0","B":"0"}}}"#,
        &[
            "binance-coinm indexPriceKline_5m BTCUSD/BTCUSD None Some(1591267070033000000) candle interval=5m open_time=1591266900000000000 close_time=1591267199999000000 open=9542.2190 high=9542.7160 low=9542.0404 close=9542.5040 volume=0 volume_currency=0 taker_buy_volume=0 taker_buy_volume_currency=0 trades=60 first_id=1591267000000 last_id=1591267070000 closed=false",
        ],
        0,
    ),
    (
        COINM,
        r#"{"stream":"btcusd_perp@markPriceKline_1h","data":{"e":"markPrice_kline","E":1591267398004,"ps":"BTCUSD","k":{"t":1591264800000,"T":1591268399999,"s":"BTCUSD_PERP","i":"1h","f":5,"L":6,"o":"1.5","c":"2.5","h":"3.5","l":"0.5","v":"0","n":9,"x":true,"q":"0","V":"0","Q":"0","B":"0"}}}"#,
        &[
            "binance-coinm markPriceKline_1h BTCUSD_PERP/BTCUSD_PERP None Some(1591267398004000000) candle interval=1h open_time=1591264800000000000 close_time=1591268399999000000 open=1.5 high=3.5 low=0.5 close=2.5 volume=0 volume_currency=0 taker_buy_volume=0 taker_buy_volume_currency=0 trades=9 first_id=5 last_id=6 closed=true",
        ],
        0,
    ),
    (
        SPOT,
        r#"{"stream":"bnbbtc@ticker","data":{"e":"24hrTicker","E":1672515782136,"s":"BNBBTC","p":"-0.0015","P":"-250.00","w":"0.0018","x":"0.0009","c":"0.0025","Q":"10","b":"0.0024","B":"11","a":"0.0026","A":"100","o":"0.0010","h":"0.0027","l":"0.0008","v":"10000","q":"18","O":1672429382136,"C":1672515782135,"F":7,"L":18150,"n":18144}}"#,
        &[
            "binance-spot ticker BNBBTC/BNBBTC None Some(1672515782136000000) ticker window=1d last=0.0025 last_quantity=10 ask_price=0.0026 ask_quantity=100 bid_price=0.0024 bid_quantity=11 open=0.0010 high=0.0027 low=0.0008 before=0.0009 change=-0.0015 change_percent=-250.00 average=0.0018 volume=10000 volume_currency=18 open_time=1672429382136000000 close_time=1672515782135000000 first_id=7 last_id=18150 trades=18144",
        ],
        0,
    ),
    (
        USDM,
        r#"{"stream":"!ticker@arr","data":[{"e":"24hrTicker","E":1790000000001,"s":"BTCUSDT","ps":"BTCUSDT","p":"1","P":"2","w":"3","c":"4","Q":"5","o":"6","h":"7","l":"8","v":"9","q":"10","O":1789913600001,"C":1790000000000,"F":11,"L":12,"n":13,"st":1},{"e":"24hrTicker","E":1790000000001,"s":"BTCUSD_PERP","ps":"BTCUSD","p":"1","P":"2","w":"3","c":"4","Q":"5","o":"6","h":"7","l":"8","v":"9","q":"10","O":1789913600001,"C":1790000000000,"F":11,"L":12,"n":13,"st":2}]}"#,
        &[
            "binance-usdm !ticker@arr /BTCUSDT None Some(1790000000001000000) ticker window=1d last=4 last_quantity=5 open=6 high=7 low=8 change=1 change_percent=2 average=3 volume=9 volume_currency=10 open_time=1789913600001000000 close_time=1790000000000000000 first_id=11 last_id=12 trades=13",
        ],
        1,
    ),
    (
        COINM,
        r#"[{"e":"24hrTicker","E":1790000000001,"s":"BTCUSDT","ps":"BTCUSDT","p":"1","P":"2","w":"3","c":"4","Q":"5","o":"6","h":"7","l":"8","v":"9","q":"10","O":1789913600001,"C":1790000000000,"F":11,"L":12,"n":13,"st":1}]"#,
        &[],
        1,
    ),
    (
        SPOT,
        r#"{"stream":"!miniTicker@arr","data":[{"e":"24hrMiniTicker","E":1672515782136,"s":"币安人生USDT","c":"0.0025","o":"0.0010","h":"0.0026","l":"0.0009","v":"10000","q":"18"},{"e":"24hrMiniTicker","E":1672515782137,"s":"NEW","c":"","o":"","h":"","l":"","v":"0","q":"0"}]}"#,
        &[
            "binance-spot !miniTicker@arr /币安人生USDT None Some(1672515782136000000) ticker window=1d last=0.0025 open=0.0010 high=0.0026 low=0.0009 volume=10000 volume_currency=18",
            "binance-spot !miniTicker@arr /NEW None Some(1672515782137000000) ticker window=1d volume=0 volume_currency=0",
        ],
        0,
    ),
    (
        COINM,
        r#"{"stream":"adausd_perp@miniTicker","data":{"e":"24hrMiniTicker","E":1654860761653,"s":"ADAUSD_PERP","ps":"ADAUSD","c":"0.61447","o":"0.64631","h":"0.65259","l":"0.60408","v":"7642134","q":"121333448.45021203","st":2}}"#,
        &[
            "binance-coinm miniTicker ADAUSD_PERP/ADAUSD_PERP None Some(1654860761653000000) ticker window=1d last=0.61447 open=0.64631 high=0.65259 low=0.60408 volume=7642134 volume_currency=121333448.45021203",
        ],
        0,
    ),
    (
        SPOT,
        r#"{"stream":"bnbbtc@ticker_4h","data":{"e":"4hTicker","E":1672515782136,"s":"BNBBTC","p":"0.0015","P":"2.5","o":"0.0010","h":"0.0025","l":"0.0011","c":"0.0024","w":"0.0018","v":"10000","q":"18","O":1672501382136,"C":1672515782136,"F":3,"L":18150,"n":18148}}"#,
        &[
            "binance-spot ticker_4h BNBBTC/BNBBTC None Some(1672515782136000000) ticker window=4h last=0.0024 open=0.0010 high=0.0025 low=0.0011 change=0.0015 change_percent=2.5 average=0.0018 volume=10000 volume_currency=18 open_time=1672501382136000000 close_time=1672515782136000000 first_id=3 last_id=18150 trades=18148",
        ],
        0,
    ),
    (
        SPOT,
        r#"[{"e":"1hTicker","E":1672515782136,"s":"BNBBTC","p":"0.0015","P":"2.5","o":"0.0010","h":"0.0025","l":"0.0011","c":"0.0024","w":"0.0018","v":"10000","q":"18","O":1672512182136,"C":1672515782136,"F":3,"L":4,"n":2}]"#,
        &[
            "binance-spot !ticker_1h@arr /BNBBTC None Some(1672515782136000000) ticker window=1h last=0.0024 open=0.0010 high=0.0025 low=0.0011 change=0.0015 change_percent=2.5 average=0.0018 volume=10000 volume_currency=18 open_time=1672512182136000000 close_time=1672515782136000000 first_id=3 last_id=4 trades=2",
        ],
        0,
    ),
    (
        SPOT,
        r#"{"stream":"btcusdt@avgPrice","data":{"e":"avgPrice","E":1693907033000,"s":"BTCUSDT","i":"5m","w":"25776.86000000","T":1693907032213}}"#,
        &[
            "binance-spot avgPrice BTCUSDT/BTCUSDT None Some(1693907033000000000) ticker window=5m average=25776.86000000 close_time=1693907032213000000",
        ],
        0,
    ),
    (
        USDM,
        r#"{"stream":"btcusdt@markPrice@1s","data":{"e":"markPriceUpdate","E":1562305380000,"s":"BTCUSDT","p":"11794.15000000","ap":"11794.16000000","P":"11784.25641265","i":"11784.62659091","r":"-0.00038167","T":1562306400000,"st":1}}"#,
        &[
            "binance-usdm markPrice@1s BTCUSDT/BTCUSDT None Some(1562305380000000000) mark_price mark=11794.15000000 average=11794.16000000 index=11784.62659091 settlement=11784.25641265",
            "binance-usdm markPrice@1s BTCUSDT/BTCUSDT None Some(1562305380000000000) funding rate=-0.00038167 time=1562306400000000000",
        ],
        0,
    ),
    (
        COINM,
        r#"{"stream":"btcusd@markPrice","data":[{"e":"markPriceUpdate","E":1596095725000,"s":"BTCUSD_201225","p":"10934.62615417","P":"10962.17178236","r":"","T":0},{"e":"markPriceUpdate","E":1596095725000,"s":"BTCUSD_PERP","p":"11012.31359011","P":"10962.17178236","r":"0.00000000","T":1596096000000}]}"#,
        &[
            "binance-coinm markPrice BTCUSD/BTCUSD_201225 None Some(1596095725000000000) mark_price mark=10934.62615417 settlement=10962.17178236",
            "binance-coinm markPrice BTCUSD/BTCUSD_PERP None Some(1596095725000000000) mark_price mark=11012.31359011 settlement=10962.17178236",
            "binance-coinm markPrice BTCUSD/BTCUSD_PERP None Some(1596095725000000000) funding rate=0.00000000 time=1596096000000000000",
        ],
        0,
    ),
    (
        USDM,
        r#"{"stream":"!markPrice@arr@1s","data":[{"e":"markPriceUpdate","E":1562305380000,"s":"ETHUSDT","p":"1.5","T":0}]}"#,
        &[
            "binance-usdm !markPrice@arr@1s /ETHUSDT None Some(1562305380000000000) mark_price mark=1.5",
        ],
        0,
    ),
    (
        COINM,
        r#"{"stream":"btcusd@indexPrice","data":{"e":"indexPriceUpdate","E":1591261236000,"s":"BTCUSD","p":"9636.57860000"}}"#,
        &[
            "binance-coinm indexPrice BTCUSD/BTCUSD None Some(1591261236000000000) index_price price=9636.57860000",
        ],
        0,
    ),
    (
        COINM,
        r#"[{"e":"indexPriceUpdate","E":1591261236000,"i":"BTCUSD","p":"9636.57860000"},{"e":"indexPriceUpdate","E":1591261236000,"i":"ETHUSD","p":"1.5"}]"#,
        &[
            "binance-coinm indexPrice BTCUSD/BTCUSD None Some(1591261236000000000) index_price price=9636.57860000",
            "binance-coinm indexPrice ETHUSD/ETHUSD None Some(1591261236000000000) index_price price=1.5",
        ],
        0,
    ),
    (
        USDM,
        r#"{"stream":"btcusdt@forceOrder","data":{"e":"forceOrder","E":1568014460893,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.015","p":"9910","ap":"9911","X":"FILLED","l":"0.014","z":"0.013","T":1568014460892},"ps":"BTCUSDT","st":1}}"#,
        &[
            "binance-usdm forceOrder BTCUSDT/BTCUSDT Some(1568014460892000000) Some(1568014460893000000) liquidation side=sell price=9910 average_price=9911 quantity=0.015 last_filled=0.014 filled=0.013",
        ],
        0,
    ),
    (
        COINM,
        r#"{"stream":"!forceOrder@arr","data":{"e":"forceOrder","E":1591154240950,"o":{"s":"BTCUSD_200925","ps":"BTCUSD","S":"BUY","o":"LIMIT","f":"IOC","q":"1","p":"9425.5","ap":"9496.5","X":"FILLED","l":"1","z":"1","T":1591154240949},"st":2}}"#,
        &[
            "binance-coinm !forceOrder@arr /BTCUSD_200925 Some(1591154240949000000) Some(1591154240950000000) liquidation side=buy price=9425.5 average_price=9496.5 quantity=1 last_filled=1 filled=1",
        ],
        0,
    ),
    (
        USDM,
        r#"{"stream":"!contractInfo","data":{"e":"contractInfo","E":1669356423908,"s":"IOTAUSDT","ps":"IOTAUSDT","ct":"PERPETUAL","dt":4133404800000,"ot":1569398400000,"cs":"SETTLING","bks":[{"bs":1,"bnf":0,"bnc":5000,"mmr":0.01,"cf":0,"mi":21,"ma":50}],"st":1}}"#,
        &[
            "binance-usdm !contractInfo /IOTAUSDT None Some(1669356423908000000) instrument type=swap state=SETTLING pair=IOTAUSDT listed=1569398400000000000",
        ],
        0,
    ),
    (
        COINM,
        r#"{"e":"contractInfo","E":1669356423908,"s":"BTCUSD_230630","ps":"BTCUSD","ct":"NEXT_QUARTER","dt":1688112000000,"ot":1672387200000,"cs":"TRADING"}"#,
        &[
            "binance-coinm !contractInfo /BTCUSD_230630 None Some(1669356423908000000) instrument type=futures state=TRADING pair=BTCUSD listed=1672387200000000000 expires=1688112000000000000",
        ],
        0,
    ),
    (
        USDM,
        r#"{"stream":"!bookTicker","data":{"e":"bookTicker","u":400900217,"s":"BTCUSD_PERP","ps":"BTCUSD","b":"25.3","B":"31","a":"25.4","A":"40","T":1568014460891,"E":1568014460893,"st":2}}"#,
        &[],
        1,
    ),
    (
        COINM,
        r#"{"stream":"!bookTicker","data":{"u":400900217,"e":"bookTicker","s":"BTCUSD_PERP","ps":"BTCUSD","b":"25.3","B":"31","a":"25.4","A":"40","T":1568014460891,"E":1568014460893,"st":2}}"#,
        &[
            "binance-coinm !bookTicker /BTCUSD_PERP Some(1568014460891000000) Some(1568014460893000000) top1 None Some(400900217) None None bids 25.3x31/None asks 25.4x40/None",
        ],
        0,
    ),
    (
        USDM,
        r#"{"stream":"btcusdt@rpiDepth@500ms","data":{"e":"depthUpdate","E":1571889248277,"T":1571889248276,"s":"BTCUSDT","U":390497796,"u":390497878,"pu":390497794,"b":[["7403.89","0.002"]],"a":[["7405.96","0"]],"ps":"BTCUSDT","st":1}}"#,
        &[
            "binance-usdm rpiDepth@500ms BTCUSDT/BTCUSDT Some(1571889248276000000) Some(1571889248277000000) delta Some(390497796) Some(390497878) Some(390497794) None bids 7403.89x0.002/None asks 7405.96x0/None",
        ],
        0,
    ),
    (
        COINM,
        r#"{"stream":"btcusd_perp@depth5@100ms","data":{"e":"depthUpdate","E":1591269996801,"T":1591269996646,"s":"BTCUSD_PERP","ps":"BTCUSD","U":17276694,"u":17276701,"pu":17276678,"b":[["9523.0","5"]],"a":[["9524.6","2"]],"st":2}}"#,
        &[
            "binance-coinm depth5@100ms BTCUSD_PERP/BTCUSD_PERP Some(1591269996646000000) Some(1591269996801000000) top5 Some(17276694) Some(17276701) Some(17276678) None bids 9523.0x5/None asks 9524.6x2/None",
        ],
        0,
    ),
];

#[test]
fn every_channel_tells_every_field() {
    for (market, text, expected, others) in MESSAGES {
        let mut decoder = Decoder::new(market);
        let Ok(Decoded::Events {
            count,
            spent: 0,
            foreign,
            ..
        }) = decoder.decode(text)
        else {
            panic!("{text}");
        };
        assert_eq!(events(&decoder, text), expected);
        assert_eq!((count, foreign), (expected.len(), others), "{text}");
        // As Binance writes it: all in one pass.
        assert_eq!(decoder.fallbacks(), 0, "{text}");
    }
}
