//! One message of each kind that tells an account of itself, for each market, each read by hand
//! once.

use marketprism_core::market::Market;
use marketprism_core::venue::{Decoded, Decoder, Problem};

use crate::venue_decode::{OKX, SPOT, USDM, events};

const COINM: Market = Market::BinanceCoinm;

/// Whose message, the message, and what is told of each event.
type Told = (Market, &'static str, &'static [&'static str]);

/// One message of each kind and form, written as the venues write them.
pub(crate) const MESSAGES: [Told; 28] = [
    (
        SPOT,
        r#"{"subscriptionId":0,"event":{"e":"executionReport","E":1790000000011,"s":"币安人生USDT","c":"mine-1","S":"BUY","o":"LIMIT_MAKER","f":"GTC","q":"12.50000000","p":"0.06580000","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"NEW","X":"NEW","r":"NONE","i":1281722417,"l":"0.00000000","z":"0.00000000","L":"0.00000000","n":"0","N":null,"T":1790000000010,"t":-1,"I":2623837866,"w":true,"m":false,"M":false,"O":1790000000009,"Z":"0.00000000","Y":"0.00000000","Q":"0.00000000","W":1790000000009,"V":"EXPIRE_MAKER"}}"#,
        &[
            "binance-spot userData /币安人生USDT Some(1790000000010000000) Some(1790000000011000000) order id=1281722417 client_id=mine-1 kind=LIMIT_MAKER time_in_force=GTC state_word=NEW execution=NEW side=buy state=open conditional=false price=0.06580000 stop_price=0.00000000 quantity=12.50000000 filled=0.00000000 filled_quote=0.00000000 created=1790000000009000000",
        ],
    ),
    (
        SPOT,
        r#"{"e":"executionReport","E":1790000000021,"s":"BNBBTC","c":"mine-2","S":"SELL","o":"STOP_LOSS_LIMIT","f":"IOC","q":"7.00000000","p":"0.00120000","P":"0.00121000","F":"0.00000000","g":582,"C":"","x":"TRADE","X":"PARTIALLY_FILLED","r":"NONE","i":99912345678,"l":"2.50000000","z":"4.00000000","L":"0.00119900","n":"0.00000639","N":"BNB","T":1790000000020,"t":65043716,"I":2623801879,"w":false,"m":true,"M":true,"O":1790000000001,"Z":"0.00480000","Y":"0.00299750","Q":"0.00000000","W":1790000000002,"V":"NONE"}"#,
        &[
            "binance-spot userData /BNBBTC Some(1790000000020000000) Some(1790000000021000000) order id=99912345678 client_id=mine-2 parent_id=582 kind=STOP_LOSS_LIMIT time_in_force=IOC state_word=PARTIALLY_FILLED execution=TRADE side=sell state=partially_filled conditional=false price=0.00120000 stop_price=0.00121000 quantity=7.00000000 filled=4.00000000 filled_quote=0.00480000 created=1790000000001000000",
            "binance-spot userData /BNBBTC Some(1790000000020000000) Some(1790000000021000000) fill id=65043716 order_id=99912345678 client_id=mine-2 fee_currency=BNB side=sell liquidity=maker price=0.00119900 quantity=2.50000000 quote_quantity=0.00299750 fee=0.00000639",
        ],
    ),
    (
        SPOT,
        r#"{"subscriptionId":3,"event":{"e":"executionReport","E":1790000000031,"s":"BNBBTC","c":"request-9","S":"SELL","o":"TRAILING","f":"GTC","q":"7.00000000","p":"0.00120000","P":"0.00000000","d":4,"F":"0.00000000","g":-1,"C":"mine-2","x":"CANCELED","X":"CANCELED","r":"STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY","i":99912345678,"l":"0.00000000","z":"4.00000000","L":"0.00000000","n":"0","N":null,"T":1790000000030,"t":-1,"v":3,"I":2623801880,"w":false,"m":false,"M":false,"O":1790000000001,"Z":"0.00480000","Y":"0.00000000","Q":"0.00000000","V":"NONE"}}"#,
        &[
            "binance-spot userData /BNBBTC Some(1790000000030000000) Some(1790000000031000000) order id=99912345678 client_id=mine-2 kind=TRAILING time_in_force=GTC state_word=CANCELED execution=CANCELED reason=STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY side=sell state=cancelled conditional=false price=0.00120000 stop_price=0.00000000 quantity=7.00000000 filled=4.00000000 filled_quote=0.00480000 created=1790000000001000000",
        ],
    ),
    (
        SPOT,
        r#"{"subscriptionId":0,"event":{"e":"outboundAccountPosition","E":1790000000041,"u":1790000000040,"B":[{"a":"BNB","f":"0.00594843","l":"1.00000000"},{"a":"币安人生","f":"7.08944059","l":"0.00000000"}]}}"#,
        &[
            "binance-spot userData / Some(1790000000040000000) Some(1790000000041000000) balance currency=BNB reason=outboundAccountPosition available=0.00594843 locked=1.00000000",
            "binance-spot userData / Some(1790000000040000000) Some(1790000000041000000) balance currency=币安人生 reason=outboundAccountPosition available=7.08944059 locked=0.00000000",
        ],
    ),
    (
        SPOT,
        r#"{"subscriptionId":0,"event":{"e":"balanceUpdate","E":1790000000051,"a":"BTC","d":"-100.00000000","T":1790000000050}}"#,
        &[
            "binance-spot userData / Some(1790000000050000000) Some(1790000000051000000) balance currency=BTC reason=balanceUpdate change=-100.00000000",
        ],
    ),
    (
        SPOT,
        r#"{"e":"externalLockUpdate","E":1790000000061,"a":"NEO","d":"10.00000000","T":1790000000060}"#,
        &[
            "binance-spot userData / Some(1790000000060000000) Some(1790000000061000000) balance currency=NEO reason=externalLockUpdate locked_change=10.00000000",
        ],
    ),
    (
        USDM,
        r#"{"e":"ORDER_TRADE_UPDATE","T":1790000000070,"E":1790000000071,"o":{"s":"BTCUSDT","c":"TEST","S":"SELL","o":"TRAILING_STOP_MARKET","f":"GTC","q":"0.001","p":"0","ap":"0","sp":"7103.04","x":"NEW","X":"NEW","i":8886774,"l":"0","z":"0","L":"0","T":1790000000070,"t":0,"b":"0","a":"9.91","m":false,"R":true,"wt":"CONTRACT_PRICE","ot":"TRAILING_STOP_MARKET","ps":"LONG","cp":false,"AP":"7476.89","cr":"5.0","rp":"0","pP":false,"si":0,"ss":0,"V":"EXPIRE_TAKER","pm":"OPPONENT","gtd":0,"er":"0"}}"#,
        &[
            "binance-usdm userData /BTCUSDT Some(1790000000070000000) Some(1790000000071000000) order id=8886774 client_id=TEST kind=TRAILING_STOP_MARKET time_in_force=GTC state_word=NEW execution=NEW side=sell state=open conditional=false position_side=long reduce_only=true price=0 stop_price=7103.04 average_price=0 quantity=0.001 filled=0",
        ],
    ),
    (
        USDM,
        r#"{"e":"ORDER_TRADE_UPDATE","T":1790000000080,"E":1790000000081,"o":{"s":"BTCUSDT","c":"TEST","S":"BUY","o":"LIMIT","f":"GTD","q":"0.003","p":"7100.50","ap":"7100.25","sp":"0","x":"TRADE","X":"PARTIALLY_FILLED","i":8886775,"l":"0.001","z":"0.002","L":"7100.00","n":"-0.01","N":"USDT","T":1790000000079,"t":12345678,"b":"7.1005","a":"0","m":true,"R":false,"wt":"CONTRACT_PRICE","ot":"STOP","ps":"SHORT","cp":false,"rp":"12.34","pP":false,"si":2000000184830109,"ss":-1,"st":"ALGO_CONDITION","V":"EXPIRE_MAKER","pm":"NONE","gtd":1790000600000,"er":"0"}}"#,
        &[
            "binance-usdm userData /BTCUSDT Some(1790000000080000000) Some(1790000000081000000) order id=8886775 client_id=TEST parent_id=2000000184830109 kind=LIMIT time_in_force=GTD state_word=PARTIALLY_FILLED execution=TRADE side=buy state=partially_filled conditional=false position_side=short reduce_only=false price=7100.50 stop_price=0 average_price=7100.25 quantity=0.003 filled=0.002",
            "binance-usdm userData /BTCUSDT Some(1790000000079000000) Some(1790000000081000000) fill id=12345678 order_id=8886775 client_id=TEST fee_currency=USDT side=buy liquidity=maker position_side=short price=7100.00 quantity=0.001 fee=-0.01 realised_profit=12.34",
        ],
    ),
    (
        USDM,
        r#"{"e":"ORDER_TRADE_UPDATE","T":1790000000090,"E":1790000000091,"o":{"s":"BTCUSDT","c":"autoclose-1","S":"SELL","o":"LIMIT","f":"IOC","q":"0.5","p":"6900","ap":"6901.5","sp":"0","x":"CALCULATED","X":"FILLED","i":8886776,"l":"0.5","z":"0.5","L":"6901.5","n":"1.72","N":"USDT","T":1790000000090,"t":12345679,"b":"0","a":"0","m":false,"R":false,"wt":"CONTRACT_PRICE","ot":"LIMIT","ps":"BOTH","cp":false,"rp":"-99.5","pP":false,"si":0,"ss":0,"V":"NONE","pm":"NONE","gtd":0,"er":"0"}}"#,
        &[
            "binance-usdm userData /BTCUSDT Some(1790000000090000000) Some(1790000000091000000) order id=8886776 client_id=autoclose-1 kind=LIMIT time_in_force=IOC state_word=FILLED execution=CALCULATED side=sell state=filled conditional=false position_side=net reduce_only=false price=6900 stop_price=0 average_price=6901.5 quantity=0.5 filled=0.5",
            "binance-usdm userData /BTCUSDT Some(1790000000090000000) Some(1790000000091000000) fill id=12345679 order_id=8886776 client_id=autoclose-1 fee_currency=USDT side=sell liquidity=taker position_side=net price=6901.5 quantity=0.5 fee=1.72 realised_profit=-99.5",
        ],
    ),
    (
        USDM,
        r#"{"e":"ORDER_TRADE_UPDATE","T":1790000000100,"E":1790000000101,"o":{"s":"ETHUSDT","c":"late","S":"BUY","o":"LIMIT","f":"FOK","q":"1","p":"2000","ap":"0","sp":"0","x":"EXPIRED","X":"EXPIRED_IN_MATCH","i":8886777,"l":"0","z":"0","L":"0","n":"0","N":"USDT","T":1790000000100,"t":0,"b":"0","a":"0","m":false,"R":false,"wt":"CONTRACT_PRICE","ot":"LIMIT","ps":"BOTH","cp":false,"rp":"0","pP":false,"si":0,"ss":0,"V":"EXPIRE_TAKER","pm":"NONE","gtd":0,"er":"6"}}"#,
        &[
            "binance-usdm userData /ETHUSDT Some(1790000000100000000) Some(1790000000101000000) order id=8886777 client_id=late kind=LIMIT time_in_force=FOK state_word=EXPIRED_IN_MATCH execution=EXPIRED reason=6 side=buy state=expired conditional=false position_side=net reduce_only=false price=2000 stop_price=0 average_price=0 quantity=1 filled=0",
        ],
    ),
    (
        USDM,
        r#"{"e":"ACCOUNT_UPDATE","T":1790000000110,"E":1790000000111,"a":{"B":[{"a":"USDT","wb":"122624.12345678","cw":"100.12345678","bc":"50.5"},{"a":"BUSD","wb":"1","cw":"0","bc":"-49.5"}],"P":[{"s":"BTCUSDT","pa":"20","ep":"6563.66500","cr":"0","up":"2850.21200","mt":"isolated","iw":"13200.70726908","ps":"LONG","ma":"USDT","bep":"6563.6"},{"s":"BTCUSDT","pa":"-10","ep":"6563.86000","cr":"-45.04","up":"-1423.15600","mt":"cross","iw":"0","ps":"SHORT","ma":"USDT","bep":"6563.7"}],"m":"ORDER"}}"#,
        &[
            "binance-usdm userData / Some(1790000000110000000) Some(1790000000111000000) balance currency=USDT reason=ORDER total=122624.12345678 cross=100.12345678 change=50.5",
            "binance-usdm userData / Some(1790000000110000000) Some(1790000000111000000) balance currency=BUSD reason=ORDER total=1 cross=0 change=-49.5",
            "binance-usdm userData /BTCUSDT Some(1790000000110000000) Some(1790000000111000000) position currency=USDT reason=ORDER side=long quantity=20 margin_mode=isolated entry_price=6563.66500 break_even_price=6563.6 margin=13200.70726908 unrealised_profit=2850.21200 realised_profit=0",
            "binance-usdm userData /BTCUSDT Some(1790000000110000000) Some(1790000000111000000) position currency=USDT reason=ORDER side=short quantity=-10 margin_mode=cross entry_price=6563.86000 break_even_price=6563.7 margin=0 unrealised_profit=-1423.15600 realised_profit=-45.04",
        ],
    ),
    (
        USDM,
        r#"{"e":"ACCOUNT_UPDATE","T":1790000000120,"E":1790000000121,"a":{"B":[{"a":"USDT","wb":"122624","cw":"100","bc":"-0.125"}],"P":[],"m":"FUNDING_FEE","S":"BTCUSDT"}}"#,
        &[
            "binance-usdm userData /BTCUSDT Some(1790000000120000000) Some(1790000000121000000) balance currency=USDT reason=FUNDING_FEE total=122624 cross=100 change=-0.125",
        ],
    ),
    (
        USDM,
        r#"{"e":"MARGIN_CALL","E":1790000000131,"cw":"3.16812045","p":[{"s":"ETHUSDT","ps":"LONG","pa":"1.327","mt":"CROSSED","iw":"0","mp":"187.17127","up":"-1.166074","mm":"1.614445"}]}"#,
        &[
            "binance-usdm userData /ETHUSDT None Some(1790000000131000000) position reason=MARGIN_CALL side=long quantity=1.327 margin_mode=cross mark_price=187.17127 margin=0 maintenance_margin=1.614445 unrealised_profit=-1.166074",
        ],
    ),
    (
        USDM,
        r#"{"e":"ALGO_UPDATE","T":1790000000140,"E":1790000000141,"o":{"caid":"mine-7","aid":2000000184830109,"at":"CONDITIONAL","o":"TAKE_PROFIT","s":"BNBUSDT","S":"SELL","ps":"BOTH","f":"GTC","q":"0.01","X":"NEW","ai":"","ap":"","aq":"0.00000","act":"0","tp":"750.5","p":"750","V":"EXPIRE_MAKER","wt":"CONTRACT_PRICE","pm":"NONE","cp":false,"pP":false,"R":true,"tt":0,"gtd":0,"rm":""}}"#,
        &[
            "binance-usdm userData /BNBUSDT Some(1790000000140000000) Some(1790000000141000000) order id=2000000184830109 client_id=mine-7 kind=TAKE_PROFIT time_in_force=GTC state_word=NEW side=sell state=pending conditional=true position_side=net reduce_only=true price=750 stop_price=750.5 quantity=0.01 filled=0.00000",
        ],
    ),
    (
        USDM,
        r#"{"e":"ALGO_UPDATE","T":1790000000150,"E":1790000000151,"o":{"caid":"mine-8","aid":2000000184830110,"at":"CONDITIONAL","o":"STOP_MARKET","s":"BNBUSDT","S":"BUY","ps":"SHORT","f":"GTC","q":"0.02","X":"REJECTED","ai":"","ap":"0.00000","aq":"0.00000","act":"0","tp":"760","p":"0","V":"EXPIRE_MAKER","wt":"MARK_PRICE","pm":"NONE","cp":false,"pP":false,"R":false,"tt":1790000000149,"gtd":0,"rm":"Reduce Only reject"}}"#,
        &[
            "binance-usdm userData /BNBUSDT Some(1790000000150000000) Some(1790000000151000000) order id=2000000184830110 client_id=mine-8 kind=STOP_MARKET time_in_force=GTC state_word=REJECTED reason=Reduce Only reject side=buy state=rejected conditional=true position_side=short reduce_only=false price=0 stop_price=760 average_price=0.00000 quantity=0.02 filled=0.00000",
        ],
    ),
    (
        COINM,
        r#"{"e":"ORDER_TRADE_UPDATE","T":1790000000160,"E":1790000000161,"i":"SfsR","o":{"s":"BTCUSD_200925","c":"TEST","S":"SELL","o":"MARKET","f":"GTC","q":"2","p":"0","ap":"9910.1","sp":"0","x":"TRADE","X":"FILLED","i":8886774,"l":"1","z":"2","L":"9910.2","n":"0.00000504","N":"BTC","T":1790000000160,"t":52897735,"b":"0","a":"0","m":false,"R":false,"wt":"CONTRACT_PRICE","ot":"MARKET","ps":"BOTH","cp":false,"ma":"BTC","rp":"-0.00001","pP":false,"si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","er":"0"}}"#,
        &[
            "binance-coinm userData /BTCUSD_200925 Some(1790000000160000000) Some(1790000000161000000) order id=8886774 client_id=TEST kind=MARKET time_in_force=GTC state_word=FILLED execution=TRADE side=sell state=filled conditional=false position_side=net reduce_only=false price=0 stop_price=0 average_price=9910.1 quantity=2 filled=2",
            "binance-coinm userData /BTCUSD_200925 Some(1790000000160000000) Some(1790000000161000000) fill id=52897735 order_id=8886774 client_id=TEST fee_currency=BTC side=sell liquidity=taker position_side=net price=9910.2 quantity=1 fee=0.00000504 realised_profit=-0.00001",
        ],
    ),
    (
        COINM,
        r#"{"e":"ACCOUNT_UPDATE","T":1790000000170,"E":1790000000171,"i":"SfsR","a":{"B":[{"a":"BTC","wb":"1.22624","cw":"1.00012","bc":"0"}],"P":[{"s":"BTCUSD_200925","pa":"-100","ep":"9910.2","cr":"0.0002","up":"0.0001","mt":"cross","iw":"0","ps":"BOTH","bep":"9911"}],"m":"ORDER"}}"#,
        &[
            "binance-coinm userData / Some(1790000000170000000) Some(1790000000171000000) balance currency=BTC reason=ORDER total=1.22624 cross=1.00012 change=0",
            "binance-coinm userData /BTCUSD_200925 Some(1790000000170000000) Some(1790000000171000000) position reason=ORDER side=net quantity=-100 margin_mode=cross entry_price=9910.2 break_even_price=9911 margin=0 unrealised_profit=0.0001 realised_profit=0.0002",
        ],
    ),
    (
        COINM,
        r#"{"e":"MARGIN_CALL","E":1790000000181,"i":"SfsR","cw":"3.16812045","p":[{"s":"BTCUSD_200925","ps":"SHORT","pa":"-132","mt":"ISOLATED","iw":"0.5","mp":"9187.17127","up":"-0.00166074","mm":"0.001614445"}]}"#,
        &[
            "binance-coinm userData /BTCUSD_200925 None Some(1790000000181000000) position reason=MARGIN_CALL side=short quantity=-132 margin_mode=isolated mark_price=9187.17127 margin=0.5 maintenance_margin=0.001614445 unrealised_profit=-0.00166074",
        ],
    ),
    (
        OKX,
        r#"{"arg":{"channel":"orders","instType":"ANY","uid":"614488474791936"},"data":[{"accFillSz":"0.002","algoClOrdId":"","algoId":"","amendResult":"","avgPx":"31527.15","cancelSource":"","category":"normal","ccy":"","clOrdId":"mine1","code":"0","cTime":"1790000000180","execType":"M","fee":"-0.05","feeCcy":"USDT","fillFee":"-0.02522168","fillFeeCcy":"USDT","fillNotionalUsd":"31.50818374","fillPx":"31527.1","fillSz":"0.001","fillPnl":"0.01","fillTime":"1790000000190","instId":"BTC-USDT","instType":"SPOT","lever":"0","msg":"","notionalUsd":"31.50818374","ordId":"2452197707845865472","ordType":"limit","pnl":"0","posSide":"","px":"31527.2","reduceOnly":"false","reqId":"","side":"sell","source":"","state":"partially_filled","sz":"0.003","tag":"","tdMode":"cash","tgtCcy":"","attachAlgoOrds":[],"tradeId":"242589207","uTime":"1790000000191","linkedAlgoOrd":{"algoId":""}}]}"#,
        &[
            "okx orders ANY/BTC-USDT Some(1790000000191000000) None order id=2452197707845865472 client_id=mine1 kind=limit state_word=partially_filled side=sell state=partially_filled conditional=false margin_mode=cash reduce_only=false price=31527.2 average_price=31527.15 quantity=0.003 filled=0.002 created=1790000000180000000",
            "okx orders ANY/BTC-USDT Some(1790000000190000000) None fill id=242589207 order_id=2452197707845865472 client_id=mine1 fee_currency=USDT side=sell liquidity=maker price=31527.1 quantity=0.001 fee=0.02522168 realised_profit=0.01",
        ],
    ),
    (
        OKX,
        r#"{"arg":{"channel":"orders","instType":"SWAP","uid":"614488474791936"},"data":[{"accFillSz":"0","algoId":"9007199254740993","avgPx":"0","cancelSource":"","clOrdId":"","cTime":"1790000000200","execType":"","fee":"0","feeCcy":"USDT","fillFee":"0","fillFeeCcy":"","fillPx":"","fillSz":"0","fillPnl":"0","fillTime":"","instId":"BTC-USDT-SWAP","instType":"SWAP","ordId":"2452197707845865473","ordType":"post_only","posSide":"long","px":"100","reduceOnly":"true","side":"buy","state":"live","sz":"1.5","tdMode":"isolated","tradeId":"","uTime":"1790000000201"},{"accFillSz":"0.5","avgPx":"99.5","cancelSource":"1","clOrdId":"b","cTime":"1790000000200","execType":"T","fillFee":"0.001","fillFeeCcy":"USDT","fillPx":"","fillSz":"0","fillPnl":"0","fillTime":"","instId":"ETH-USDT-SWAP","instType":"SWAP","ordId":"2452197707845865474","ordType":"market","posSide":"net","px":"","side":"buy","state":"mmp_canceled","sz":"1","tdMode":"cross","tradeId":"","uTime":"1790000000202"}]}"#,
        &[
            "okx orders SWAP/BTC-USDT-SWAP Some(1790000000201000000) None order id=2452197707845865473 parent_id=9007199254740993 kind=post_only state_word=live side=buy state=open conditional=false position_side=long margin_mode=isolated reduce_only=true price=100 average_price=0 quantity=1.5 filled=0 created=1790000000200000000",
            "okx orders SWAP/ETH-USDT-SWAP Some(1790000000202000000) None order id=2452197707845865474 client_id=b kind=market state_word=mmp_canceled reason=1 side=buy state=cancelled conditional=false position_side=net margin_mode=cross average_price=99.5 quantity=1 filled=0.5 created=1790000000200000000",
        ],
    ),
    (
        OKX,
        r#"{"arg":{"channel":"orders","instType":"FUTURES"},"data":[{"accFillSz":"4","avgPx":"60000.25","clOrdId":"","cTime":"1790000000210","execType":"T","fillFee":"0.00000002","fillFeeCcy":"BTC","fillPx":"60000.5","fillSz":"2","fillPnl":"-0.0001","fillTime":"1790000000211","instId":"BTC-USD-261225","ordId":"7","ordType":"ioc","posSide":"short","px":"60000","reduceOnly":"","side":"sell","state":"filled","sz":"4","tdMode":"cross","tradeId":"9","uTime":"1790000000212"}]}"#,
        &[
            "okx orders FUTURES/BTC-USD-261225 Some(1790000000212000000) None order id=7 kind=ioc state_word=filled side=sell state=filled conditional=false position_side=short margin_mode=cross price=60000 average_price=60000.25 quantity=4 filled=4 created=1790000000210000000",
            "okx orders FUTURES/BTC-USD-261225 Some(1790000000211000000) None fill id=9 order_id=7 fee_currency=BTC side=sell liquidity=taker position_side=short price=60000.5 quantity=2 fee=-0.00000002 realised_profit=-0.0001",
        ],
    ),
    (
        OKX,
        r#"{"arg":{"channel":"fills","uid":"614488474791111"},"data":[{"instId":"BTC-USDT-SWAP","fillSz":"100","fillPx":"70000","side":"buy","ts":"1790000000220","ordId":"680800019749904384","clOrdId":"1234567890","tradeId":"12345","execType":"T","count":"10"}]}"#,
        &[
            "okx fills /BTC-USDT-SWAP Some(1790000000220000000) None fill id=12345 order_id=680800019749904384 client_id=1234567890 side=buy liquidity=taker price=70000 quantity=100 count=10",
        ],
    ),
    (
        OKX,
        r#"{"arg":{"channel":"account","uid":"44"},"eventType":"snapshot","curPage":1,"lastPage":false,"data":[{"adjEq":"55444.12216906034","availEq":"55444.12216906034","details":[{"availBal":"4734.371190691436","availEq":"4734.371190691435","borrowFroz":"0","cashBal":"4750.426970691436","ccy":"USDT","coinUsdPrice":"0.99927","collateralEnabled":false,"eq":"4892.951170691435","eqUsd":"4889.379316336831","frozenBal":"158.57998","interest":"0.25","liab":"3","mgnRatio":"12.5","ordFrozen":"1.5","uTime":"1790000000230","upl":"-7.475800000000003"},{"availBal":"","availEq":"","cashBal":"1","ccy":"BTC","eq":"1","eqUsd":"","frozenBal":"0","interest":"","liab":"","mgnRatio":"","ordFrozen":"0","uTime":"1790000000231","upl":""}],"imr":"0","mgnRatio":"","totalEq":"55868.06403501676","uTime":"1790000000232","upl":"-1.5"}]}"#,
        &[
            "okx account / Some(1790000000232000000) None balance reason=snapshot page=1 last_page=false equity_usd=55868.06403501676 available_equity=55444.12216906034 unrealised_profit=-1.5",
            "okx account / Some(1790000000230000000) None balance currency=USDT reason=snapshot page=1 last_page=false total=4750.426970691436 available=4734.371190691436 locked=158.57998 equity=4892.951170691435 equity_usd=4889.379316336831 available_equity=4734.371190691435 ordered=1.5 unrealised_profit=-7.475800000000003 liability=3 interest=0.25 margin_ratio=12.5",
            "okx account / Some(1790000000231000000) None balance currency=BTC reason=snapshot page=1 last_page=false total=1 locked=0 equity=1 ordered=0",
        ],
    ),
    (
        OKX,
        r#"{"arg":{"channel":"account","uid":"44"},"eventType":"event_update","data":[{"availEq":"","details":[],"totalEq":"1","uTime":"1790000000240"}]}"#,
        &["okx account / Some(1790000000240000000) None balance reason=event_update equity_usd=1"],
    ),
    (
        OKX,
        r#"{"arg":{"channel":"positions","instType":"ANY","uid":"77982378738415879"},"eventType":"snapshot","curPage":2,"lastPage":true,"data":[{"adl":"1","availPos":"1","avgPx":"2566.31","cTime":"1790000000245","ccy":"ETH","imr":"0.5","instId":"ETH-USD-261225","instType":"FUTURES","interest":"0","last":"2566.22","bePx":"2353.949","lever":"10","liqPx":"2352.8496681818233","markPx":"2353.849","margin":"0.0003896645377994","mgnMode":"isolated","mgnRatio":"11.731726509588816","mmr":"0.0000311811092368","notionalUsd":"2276.2546609009605","optVal":"","pTime":"1790000000252","pos":"1","posCcy":"","posId":"307173036051017730","posSide":"long","tradeId":"109844","uTime":"1790000000250","upl":"-0.0000009932766034","realizedPnl":"0.001","pnl":"0.0011","fee":"-0.0001","fundingFee":"0.00002","closeOrderAlgo":[{"algoId":"123"}]}]}"#,
        &[
            "okx positions ANY/ETH-USD-261225 Some(1790000000250000000) Some(1790000000252000000) position id=307173036051017730 currency=ETH reason=snapshot page=2 last_page=true side=long quantity=1 margin_mode=isolated entry_price=2566.31 break_even_price=2353.949 mark_price=2353.849 liquidation_price=2352.8496681818233 leverage=10 margin=0.0003896645377994 initial_margin=0.5 maintenance_margin=0.0000311811092368 margin_ratio=11.731726509588816 unrealised_profit=-0.0000009932766034 realised_profit=0.001 fee=-0.0001 funding=0.00002 trade_id=109844 deleveraging=1 created=1790000000245000000",
        ],
    ),
    (
        OKX,
        r#"{"arg":{"channel":"positions","instType":"SWAP","uid":"7"},"eventType":"event_update","data":[{"adl":"","avgPx":"","cTime":"1790000000255","ccy":"USDT","imr":"","instId":"BTC-USDT-SWAP","instType":"SWAP","lever":"","liqPx":"","markPx":"","margin":"","mgnMode":"cross","mgnRatio":"","mmr":"","pTime":"1790000000262","pos":"-3.5","posId":"8","posSide":"net","tradeId":"","uTime":"1790000000260","upl":""}]}"#,
        &[
            "okx positions SWAP/BTC-USDT-SWAP Some(1790000000260000000) Some(1790000000262000000) position id=8 currency=USDT reason=event_update side=net quantity=-3.5 margin_mode=cross created=1790000000255000000",
        ],
    ),
    (
        OKX,
        r#"{"arg":{"channel":"positions","instType":"ANY","uid":"7"},"eventType":"snapshot","curPage":1,"lastPage":true,"data":[]}"#,
        &[],
    ),
    (
        OKX,
        r#"{"arg":{"channel":"balance_and_position","uid":"77982378738415879"},"data":[{"pTime":"1790000000272","eventType":"filled","balData":[{"ccy":"BTC","cashBal":"1.5","uTime":"1790000000270"}],"posData":[{"posId":"1111111111","tradeId":"2","instId":"BTC-USD-261225","instType":"FUTURES","mgnMode":"cross","posSide":"short","pos":"10","ccy":"BTC","posCcy":"","avgPx":"3320","uTime":"1790000000271"}],"trades":[{"instId":"BTC-USD-261225","tradeId":"2"}]}]}"#,
        &[
            "okx balance_and_position / Some(1790000000270000000) Some(1790000000272000000) balance currency=BTC reason=filled total=1.5",
            "okx balance_and_position /BTC-USD-261225 Some(1790000000271000000) Some(1790000000272000000) position id=1111111111 currency=BTC reason=filled side=short quantity=10 margin_mode=cross entry_price=3320 trade_id=2",
        ],
    ),
];

#[test]
fn every_message_for_an_account_tells_every_field() {
    for (market, text, expected) in MESSAGES {
        let mut decoder = Decoder::new(market);
        let Ok(Decoded::Events { count, channel, .. }) = decoder.decode(text) else {
            panic!("{text}");
        };
        assert!(channel.is_private(), "{text}");
        assert_eq!(events(&decoder, text), expected);
        assert_eq!(count, expected.len(), "{text}");
        // As the venue writes it: all in one pass.
        assert_eq!(decoder.fallbacks(), 0, "{text}");
    }
}

#[test]
fn the_key_that_names_the_stream_of_an_account_is_lent_to_nobody() {
    const KEY: &str = "pqia91ma19a5s61cv6a81va65sdf19v8a65a1a5s61cv6a81va65sdf19v8a65a1";
    let told = [
        r#"{"e":"ORDER_TRADE_UPDATE"}"#,
        r#"{"e":"TRADE_LITE"}"#,
        r#"{"e":"trade"}"#,
        r#"{"e":"listenKeyExpired","E":1790000000000,"listenKey":"KEY"}"#,
        r#"{"e":"NEWS"}"#,
        r#"{"news":1}"#,
        r#"[{"e":"NEWS"}]"#,
        "[]",
        "1",
    ];
    let (_, update, expected) = MESSAGES[7];
    for market in [USDM, COINM, SPOT] {
        let mut decoder = Decoder::new(market);
        for data in told.into_iter().chain([update]) {
            let text = format!(r#"{{"stream":"KEY","data":{data}}}"#).replace("KEY", KEY);
            let decoded = decoder.decode(&text);
            let lent = format!(
                "{decoded:?} {:?} {:?} {:?}",
                events(&decoder, &text),
                decoder.control(&text),
                decoder.kind(&text),
            );
            assert!(!lent.contains(KEY), "{lent}");
        }
        let found = events(
            &decoder,
            &format!(r#"{{"stream":"{KEY}","data":{update}}}"#),
        );
        assert_eq!(found.len(), expected.len());
    }
}

#[test]
fn what_is_known_and_tells_no_event_is_counted_by_its_name() {
    let messages = [
        // The same fills as ORDER_TRADE_UPDATE, earlier and with fewer figures.
        r#"{"e":"TRADE_LITE","E":1790000000001,"T":1790000000000,"s":"BTCUSDT","q":"0.001","p":"0","m":false,"c":"TEST","S":"BUY","L":"64089.20","l":"0.001","t":109100866,"i":8886774}"#,
        r#"{"e":"ACCOUNT_CONFIG_UPDATE","E":1790000000001,"T":1790000000000,"ac":{"s":"BTCUSDT","l":25}}"#,
        r#"{"e":"STRATEGY_UPDATE","T":1790000000000,"E":1790000000001,"su":{"si":1,"st":"GRID"}}"#,
        r#"{"e":"GRID_UPDATE","T":1790000000000,"E":1790000000001,"gu":{"si":1,"st":"GRID"}}"#,
        r#"{"e":"CONDITIONAL_ORDER_TRIGGER_REJECT","E":1790000000001,"T":1790000000000,"or":{"s":"ETHUSDT","i":1,"r":"why"}}"#,
        r#"{"subscriptionId":0,"event":{"e":"listStatus","E":1790000000001,"s":"ETHBTC","g":2,"c":"OCO","l":"EXEC_STARTED","L":"EXECUTING","r":"NONE","C":"mine","T":1790000000000,"O":[]}}"#,
    ];
    for text in messages {
        let mut decoder = Decoder::new(USDM);
        assert_eq!(decoder.decode(text), Ok(Decoded::Unhandled), "{text}");
        assert!(text.contains(decoder.kind(text)) && !decoder.kind(text).is_empty());
    }
}

#[test]
fn what_an_account_cannot_have_been_told_is_an_error_that_names_the_field() {
    let told = |number: usize| (MESSAGES[number].0, MESSAGES[number].1);
    let table = [
        (
            told(1),
            r#""t":65043716"#,
            r#""t":"x""#,
            "t",
            Problem::Number,
        ),
        (
            told(1),
            r#""S":"SELL""#,
            r#""S":"BOTH""#,
            "S",
            Problem::Value,
        ),
        (told(1), r#""i":99912345678,"#, "", "i", Problem::Missing),
        (
            told(1),
            r#""i":99912345678"#,
            r#""i":1.5"#,
            "i",
            Problem::Number,
        ),
        (
            told(7),
            r#""ps":"SHORT""#,
            r#""ps":"UP""#,
            "ps",
            Problem::Value,
        ),
        (told(10), r#""wb":"1","#, "", "wb", Problem::Missing),
        (told(18), r#""M""#, r#""X""#, "execType", Problem::Value),
        (
            told(18),
            r#""-0.02522168","fillFeeCcy""#,
            r#""1e5","fillFeeCcy""#,
            "fillFee",
            Problem::Number,
        ),
        (
            told(22),
            r#""curPage":1"#,
            r#""curPage":true"#,
            "curPage",
            Problem::Type,
        ),
        (told(24), r#""pos":"1","#, "", "pos", Problem::Missing),
    ];
    for ((market, text), from, to, field, problem) in table {
        assert!(text.contains(from), "{from}");
        let error = Decoder::new(market).decode(&text.replacen(from, to, 1));
        let error = error.expect_err(from);
        assert_eq!((error.field, error.problem), (field, problem), "{to}");
    }
}

#[test]
fn a_text_that_no_venue_sends_is_refused_before_every_event_repeats_it() {
    let (market, text, _) = MESSAGES[10];
    let long = format!(r#""m":"{}""#, "x".repeat(129));
    let error = Decoder::new(market).decode(&text.replacen(r#""m":"ORDER""#, &long, 1));
    assert_eq!(error.expect_err("too long").problem, Problem::TooMany);
}
