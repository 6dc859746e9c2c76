//! What contracts stand for: both values stand in a line, the venue's and that in base currency.

use marketprism_core::market::{self, Body, Contract, Decimal, Event, Liquidation, Listed, Wide};
use serde::Serialize;

use super::Text;

/// What the figures of a line are worth, where they count contracts. What cannot be told is left
/// out.
#[derive(Clone, Copy, Default, Serialize)]
pub(super) struct Worth<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    contract_value: Option<Text<Wide>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    contract_currency: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_quantity: Option<Text<Wide>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_last_filled: Option<Text<Wide>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    base_filled: Option<Text<Wide>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quote_quantity: Option<Text<Wide>>,
    #[serde(skip_serializing_if = "core::ops::Not::not")]
    rounded: bool,
}

impl<'a> Worth<'a> {
    pub(super) fn of(event: &Event<'_>, listed: Option<&'a Listed>) -> Self {
        let Some(contract) = listed.and_then(Listed::contract) else {
            return Self::default();
        };
        match event.body {
            Body::Trade(trade) => {
                Self::quantity(contract.worth(trade.quantity.into(), Some(trade.price)))
            }
            Body::OpenInterest(interest) => Self::quantity(contract.worth(interest.quantity, None)),
            Body::Liquidation(liquidation) => Self::liquidation(contract, liquidation),
            // Of levels and of what is told of the best of them there are too many to tell each.
            Body::Book(_) | Body::Ticker(_) => Self::unit(contract),
            // A venue tells volumes in both units by itself.
            Body::Candle(_)
            | Body::MarkPrice(_)
            | Body::IndexPrice(_)
            | Body::Funding(_)
            | Body::PriceLimit(_)
            | Body::Ratio(_)
            | Body::Instrument(_)
            | Body::Order(_)
            | Body::Fill(_)
            | Body::Balance(_)
            | Body::Position(_) => Self::default(),
        }
    }

    fn quantity(worth: market::Worth) -> Self {
        Self {
            base_quantity: worth.base.map(Text),
            quote_quantity: worth.quote.map(Text),
            rounded: worth.rounded,
            ..Self::default()
        }
    }

    fn liquidation(contract: &Contract, liquidation: &Liquidation) -> Self {
        let average = liquidation.average_price;
        let price = average.filter(|price| !price.is_zero());
        let price = price.unwrap_or(liquidation.price);
        let worth = |contracts: Decimal| contract.worth(contracts.into(), Some(price));
        let (last, all) = (
            liquidation.last_filled.map(worth),
            liquidation.filled.map(worth),
        );
        let whole = worth(liquidation.quantity);
        let rounded = [Some(whole), last, all].into_iter().flatten();
        Self {
            base_last_filled: last.and_then(|worth| worth.base).map(Text),
            base_filled: all.and_then(|worth| worth.base).map(Text),
            rounded: rounded.into_iter().any(|worth| worth.rounded),
            ..Self::quantity(whole)
        }
    }

    fn unit(contract: &'a Contract) -> Self {
        Self {
            contract_value: contract.value_of(Decimal::ONE.into()).map(Text),
            contract_currency: Some(&contract.currency),
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use allocation_counter::measure;
    use marketprism_core::UnixNanos;
    use marketprism_core::market::{Catalog, Channel, Market};
    use marketprism_core::venue::{Asked, Decoded, Decoder, Query};

    use crate::ndjson::{Origin, Place, write_market};

    const COINM: &str = r#"{"symbols":[{"symbol":"BTCUSD_PERP","contractType":"PERPETUAL","baseAsset":"BTC","quoteAsset":"USD","marginAsset":"BTC","contractSize":100,"filters":[]}]}"#;

    const OKX: &str = r#"{"code":"0","msg":"","data":[
        {"instId":"ETH-USDT-SWAP","instType":"SWAP","ctVal":"0.1","ctMult":"1","ctValCcy":"ETH","ctType":"linear","settleCcy":"USDT"},
        {"instId":"BTC-USD-SWAP","instType":"SWAP","ctVal":"100","ctMult":"1","ctValCcy":"USD","ctType":"inverse","settleCcy":"BTC"},
        {"instId":"BTC-USD-261225","instType":"FUTURES","ctVal":"100","ctMult":"1","ctValCcy":"USD","ctType":"inverse","settleCcy":"BTC","expTime":"1798185600000"}]}"#;

    /// What the list of a market has told.
    fn catalog(market: Market, channel: Channel, list: &str) -> Catalog {
        let mut decoder = Decoder::new(market);
        let asked = Asked::Poll(channel);
        let query = Query {
            asked,
            instrument: "",
        };
        let Ok(Decoded::Events { count, .. }) = decoder.decode_answer(query, list) else {
            panic!("{list}");
        };
        let mut catalog = Catalog::new();
        for event in (0..count).filter_map(|index| decoder.event(list, index)) {
            let Body::Instrument(instrument) = event.body else {
                panic!("{event:?}");
            };
            let added = catalog.add(event.instrument, instrument, UnixNanos::default());
            assert_eq!(added, Ok(()));
        }
        catalog
    }

    fn of(market: Market) -> Catalog {
        match market {
            Market::Okx => catalog(market, Channel::Instruments, OKX),
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                catalog(market, Channel::ExchangeInfo, COINM)
            }
        }
    }

    /// The line of the first event of a message, and how often memory was taken to write it.
    fn line(market: Market, message: &str) -> (String, u64) {
        let catalog = of(market);
        let mut decoder = Decoder::new(market);
        decoder.decode(message).unwrap();
        let event = decoder.event(message, 0).unwrap();
        let mut out = Vec::with_capacity(4096);
        let taken = measure(|| {
            let listed = catalog.find(event.instrument);
            let place = Place::default();
            write_market(&mut out, Origin::default(), &event, place, listed);
        });
        (String::from_utf8(out).unwrap(), taken.count_total)
    }

    #[test]
    fn what_counts_contracts_is_told_in_base_currency_as_well_and_takes_no_memory() {
        let table = [
            (
                Market::Okx,
                r#"{"arg":{"channel":"trades","instId":"ETH-USDT-SWAP"},"data":[{"instId":"ETH-USDT-SWAP","tradeId":"7","px":"2500.1","sz":"12.5","side":"buy","ts":"1700000000000","count":"1"}]}"#,
                r#"{"kind":"trade","venue":"okx","market":"okx","instrument":"ETH-USDT-SWAP","symbol":"ETH/USDT:USDT","channel":"trades","exchange_ns":1700000000000000000,"id":7,"first_id":7,"last_id":7,"price":"2500.1","quantity":"12.5","aggressor":"buy","base_quantity":"1.25"}"#,
            ),
            (
                Market::Okx,
                r#"{"arg":{"channel":"trades","instId":"BTC-USD-SWAP"},"data":[{"instId":"BTC-USD-SWAP","tradeId":"8","px":"30000","sz":"2","side":"sell","ts":"1700000000000","count":"1"}]}"#,
                r#"{"kind":"trade","venue":"okx","market":"okx","instrument":"BTC-USD-SWAP","symbol":"BTC/USD:BTC","channel":"trades","exchange_ns":1700000000000000000,"id":8,"first_id":8,"last_id":8,"price":"30000","quantity":"2","aggressor":"sell","base_quantity":"0.006666666667","quote_quantity":"200","rounded":true}"#,
            ),
            (
                Market::BinanceCoinm,
                r#"{"stream":"btcusd_perp@aggTrade","data":{"e":"aggTrade","E":1700000000001,"a":9,"s":"BTCUSD_PERP","p":"50000.0","q":"3","f":20,"l":21,"T":1700000000000,"m":true}}"#,
                r#"{"kind":"trade","venue":"binance","market":"binance-coinm","instrument":"BTCUSD_PERP","symbol":"BTC/USD:BTC","channel":"aggTrade","exchange_ns":1700000000000000000,"sent_ns":1700000000001000000,"id":9,"first_id":20,"last_id":21,"price":"50000.0","quantity":"3","aggressor":"sell","base_quantity":"0.006000000000","quote_quantity":"300"}"#,
            ),
            (
                Market::BinanceCoinm,
                r#"{"stream":"btcusd_perp@forceOrder","data":{"e":"forceOrder","E":1700000000001,"o":{"s":"BTCUSD_PERP","ps":"BTCUSD","S":"SELL","o":"LIMIT","f":"IOC","q":"6","p":"40000","ap":"50000","X":"FILLED","l":"1","z":"3","T":1700000000000}}}"#,
                r#"{"kind":"liquidation","venue":"binance","market":"binance-coinm","instrument":"BTCUSD_PERP","symbol":"BTC/USD:BTC","channel":"forceOrder","exchange_ns":1700000000000000000,"sent_ns":1700000000001000000,"side":"sell","price":"40000","average_price":"50000","quantity":"6","last_filled":"1","filled":"3","base_quantity":"0.012000000000","base_last_filled":"0.002000000000","base_filled":"0.006000000000","quote_quantity":"600"}"#,
            ),
            (
                Market::Okx,
                r#"{"arg":{"channel":"open-interest","instId":"BTC-USD-261225"},"data":[{"instId":"BTC-USD-261225","instType":"FUTURES","oi":"236871","oiCcy":"789.5","ts":"1700000000000"}]}"#,
                r#"{"kind":"open_interest","venue":"okx","market":"okx","instrument":"BTC-USD-261225","symbol":"BTC/USD:BTC-261225","channel":"open-interest","exchange_ns":1700000000000000000,"quantity":"236871","base":"789.5","quote_quantity":"23687100"}"#,
            ),
            (
                Market::Okx,
                r#"{"arg":{"channel":"bbo-tbt","instId":"ETH-USDT-SWAP"},"data":[{"asks":[["2500.2","3","0","1"]],"bids":[["2500.1","4","0","2"]],"ts":"1700000000000","seqId":5}]}"#,
                r#"{"kind":"book","venue":"okx","market":"okx","instrument":"ETH-USDT-SWAP","symbol":"ETH/USDT:USDT","channel":"bbo-tbt","exchange_ns":1700000000000000000,"book":"top","depth":1,"last":5,"bids":[["2500.1","4",2]],"asks":[["2500.2","3",1]],"contract_value":"0.1","contract_currency":"ETH"}"#,
            ),
        ];
        for (market, message, expected) in table {
            let (line, taken) = line(market, message);
            assert_eq!(line, format!("{expected}\n"));
            assert_eq!(taken, 0, "{line}");
        }
    }

    #[test]
    fn what_the_list_does_not_have_is_told_as_the_venue_tells_it() {
        let message = r#"{"arg":{"channel":"trades","instId":"SOL-USD-SWAP"},"data":[{"instId":"SOL-USD-SWAP","tradeId":"8","px":"30","sz":"2","side":"sell","ts":"1700000000000","count":"1"}]}"#;
        let (line, _) = line(Market::Okx, message);
        assert!(!line.contains("symbol") && !line.contains("base_quantity"));
    }
}
