//! The list of instruments ("Exchange information").

use marketprism_core::market::Market;

use super::data::Writer;
use crate::twin::market::SyntheticMarket;

/// These instruments of a market.
pub(super) fn list(market: Market, books: &[&SyntheticMarket], stamp: u64) -> String {
    let rows: Vec<String> = books.iter().map(|book| row(market, book, stamp)).collect();
    let rows = rows.join(",");
    let weight = match market {
        Market::BinanceSpot | Market::Okx => 6000,
        Market::BinanceUsdm | Market::BinanceCoinm => 2400,
    };
    format!(
        r#"{{"timezone":"UTC","serverTime":{stamp},"rateLimits":[{{"rateLimitType":"REQUEST_WEIGHT","interval":"MINUTE","intervalNum":1,"limit":{weight}}}],"exchangeFilters":[],"symbols":[{rows}]}}"#
    )
}

fn row(market: Market, book: &SyntheticMarket, stamp: u64) -> String {
    let instrument = book.instrument();
    let writer = Writer::new(book, stamp);
    let symbol = writer.symbol();
    let (base, quote) = (instrument.base(), instrument.quote());
    let terms = match market {
        Market::BinanceSpot | Market::Okx => {
            r#""status":"TRADING","baseAssetPrecision":8,"quotePrecision":8,"isSpotTradingAllowed":true"#
                .to_owned()
        }
        Market::BinanceUsdm => contract(book, r#""status":"TRADING""#),
        Market::BinanceCoinm => {
            let size = instrument.contract().map_or(0, |contract| contract.value);
            let state = format!(r#""contractStatus":"TRADING","contractSize":{size}"#);
            contract(book, &state)
        }
    };
    let (tick, step) = (writer.price(1), writer.quantity(1));
    format!(
        r#"{{"symbol":"{symbol}","baseAsset":"{base}","quoteAsset":"{quote}",{terms},"filters":[{{"filterType":"PRICE_FILTER","minPrice":"{tick}","maxPrice":"1000000","tickSize":"{tick}"}},{{"filterType":"LOT_SIZE","minQty":"{step}","maxQty":"1000000","stepSize":"{step}"}}]}}"#
    )
}

fn contract(book: &SyntheticMarket, state: &str) -> String {
    let instrument = book.instrument();
    let (pair, margin) = (instrument.pair(), instrument.settle());
    let (price, quantity) = (instrument.price_scale(), instrument.quantity_scale());
    format!(
        r#""pair":"{pair}","contractType":"PERPETUAL","deliveryDate":4133404800000,"onboardDate":1569398400000,{state},"marginAsset":"{margin}","pricePrecision":{price},"quantityPrecision":{quantity},"underlyingType":"COIN""#
    )
}
