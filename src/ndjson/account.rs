//! Lines of the account. What a venue leaves out is left out here. None of them has an `id`: lines
//! that have one stand in the order of a stream.

use marketprism_core::market::{
    Balance, Fill, Liquidity, MarginMode, Order, Page, Position, PositionSide,
};
use serde::ser::SerializeMap;

use super::figures::{Members, Tell};

impl Tell for Order<'_> {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        let figures = self.figures;
        to.text("order_id", self.id)?;
        to.text("client_id", self.client_id)?;
        to.text("parent_id", self.parent_id)?;
        to.put("side", Some(figures.side.name()))?;
        to.text("type", self.kind)?;
        to.text("time_in_force", self.time_in_force)?;
        to.put("state", Some(figures.state.name()))?;
        to.text("venue_state", self.state_word)?;
        to.text("execution", self.execution)?;
        to.text("reason", self.reason)?;
        to.put("conditional", Some(true).filter(|_| figures.conditional))?;
        to.position_side(figures.position_side)?;
        to.margin_mode(figures.margin_mode)?;
        to.put("reduce_only", figures.reduce_only)?;
        to.wide("price", figures.price)?;
        to.wide("stop_price", figures.stop_price)?;
        to.wide("average_price", figures.average_price)?;
        to.wide("quantity", Some(figures.quantity))?;
        to.wide("filled", figures.filled)?;
        to.wide("filled_quote", figures.filled_quote)?;
        to.time("created_ns", figures.created)
    }
}

impl Tell for Fill<'_> {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        let figures = self.figures;
        to.put("trade_id", Some(self.id))?;
        to.text("order_id", self.order_id)?;
        to.text("client_id", self.client_id)?;
        to.put("side", Some(figures.side.name()))?;
        to.put("liquidity", figures.liquidity.map(Liquidity::name))?;
        to.position_side(figures.position_side)?;
        to.wide("price", Some(figures.price))?;
        to.wide("quantity", Some(figures.quantity))?;
        to.wide("quote_quantity", figures.quote_quantity)?;
        to.wide("fee", figures.fee)?;
        to.text("fee_currency", self.fee_currency)?;
        to.wide("realised_profit", figures.realised_profit)?;
        to.put("count", figures.count)
    }
}

impl Tell for Balance<'_> {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        let figures = self.figures;
        to.text("currency", self.currency)?;
        to.text("reason", self.reason)?;
        to.page(figures.page)?;
        to.wide("total", figures.total)?;
        to.wide("available", figures.available)?;
        to.wide("locked", figures.locked)?;
        to.wide("cross", figures.cross)?;
        to.wide("change", figures.change)?;
        to.wide("locked_change", figures.locked_change)?;
        to.wide("equity", figures.equity)?;
        to.wide("equity_usd", figures.equity_usd)?;
        to.wide("available_equity", figures.available_equity)?;
        to.wide("ordered", figures.ordered)?;
        to.wide("unrealised_profit", figures.unrealised_profit)?;
        to.wide("liability", figures.liability)?;
        to.wide("interest", figures.interest)?;
        to.wide("margin_ratio", figures.margin_ratio)
    }
}

impl Tell for Position<'_> {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        let figures = self.figures;
        to.text("position_id", self.id)?;
        to.text("currency", self.currency)?;
        to.text("reason", self.reason)?;
        to.page(figures.page)?;
        to.position_side(Some(figures.side))?;
        to.wide("quantity", Some(figures.quantity))?;
        to.margin_mode(figures.margin_mode)?;
        to.wide("entry_price", figures.entry_price)?;
        to.wide("break_even_price", figures.break_even_price)?;
        to.wide("mark_price", figures.mark_price)?;
        to.wide("liquidation_price", figures.liquidation_price)?;
        to.wide("leverage", figures.leverage)?;
        to.wide("margin", figures.margin)?;
        to.wide("initial_margin", figures.initial_margin)?;
        to.wide("maintenance_margin", figures.maintenance_margin)?;
        to.wide("margin_ratio", figures.margin_ratio)?;
        to.wide("unrealised_profit", figures.unrealised_profit)?;
        to.wide("realised_profit", figures.realised_profit)?;
        to.wide("fee", figures.fee)?;
        to.wide("funding", figures.funding)?;
        to.put("trade_id", figures.trade_id)?;
        to.put("deleveraging", figures.deleveraging)?;
        to.time("created_ns", figures.created)
    }
}

impl<M: SerializeMap> Members<M> {
    fn position_side(&mut self, side: Option<PositionSide>) -> Result<(), M::Error> {
        self.put("position_side", side.map(PositionSide::name))
    }

    fn margin_mode(&mut self, mode: Option<MarginMode>) -> Result<(), M::Error> {
        self.put("margin_mode", mode.map(MarginMode::name))
    }

    fn page(&mut self, page: Option<Page>) -> Result<(), M::Error> {
        self.put("page", page.map(|page| page.number))?;
        self.put("last_page", page.map(|page| page.last))
    }
}

#[cfg(test)]
mod tests {
    use marketprism_core::market::Market;
    use marketprism_core::venue::Decoder;

    use crate::ndjson::{EventLine, Origin, Place, write_market};

    /// The lines of a message.
    fn lines(market: Market, text: &str) -> Vec<String> {
        let mut decoder = Decoder::new(market);
        decoder.decode(text).unwrap();
        let events = (0..).map_while(|index| decoder.event(text, index));
        let line = |event| {
            let mut out = Vec::new();
            write_market(&mut out, Origin::default(), &event, Place::default(), None);
            let line = String::from_utf8(out).unwrap();
            assert_documented(&line);
            // Nothing of an account has a place among the numbers of a stream.
            let read = EventLine::read(line.as_bytes()).unwrap();
            assert_eq!(read.numbers(event.channel), None);
            line
        };
        events.map(line).collect()
    }

    /// The kind has a section, and every member stands in it, unless all lines have it.
    fn assert_documented(line: &str) {
        let page = include_str!("../../docs/EVENTS.md");
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        let members = value.as_object().unwrap();
        let heading = format!("\n### `{}`", members["kind"].as_str().unwrap());
        let (before, section) = page.split_once(&heading).unwrap();
        let section = section.split("\n#").next().unwrap();
        let (of_all, _) = before.split_once("\n### `trade`").unwrap();
        for key in members.keys() {
            let name = format!("`{key}`");
            assert!(section.contains(&name) || of_all.contains(&name), "{key}");
        }
    }

    #[test]
    fn an_order_and_what_was_filled_of_it_are_two_lines() {
        let text = r#"{"e":"ORDER_TRADE_UPDATE","T":1790000000080,"E":1790000000081,"o":{"s":"BTCUSDT","c":"TEST","S":"BUY","o":"LIMIT","f":"GTD","q":"0.003","p":"7100.50","ap":"7100.25","sp":"0","x":"TRADE","X":"PARTIALLY_FILLED","i":8886775,"l":"0.001","z":"0.002","L":"7100.00","n":"-0.01","N":"USDT","T":1790000000079,"t":12345678,"m":true,"R":false,"ps":"SHORT","rp":"12.34","si":2000000184830109,"er":"0"}}"#;
        let head = r#""venue":"binance","market":"binance-usdm","instrument":"BTCUSDT","subject":"","channel":"userData""#;
        assert_eq!(
            lines(Market::BinanceUsdm, text),
            [
                format!(
                    r#"{{"kind":"order",{head},"exchange_ns":1790000000080000000,"sent_ns":1790000000081000000,"order_id":"8886775","client_id":"TEST","parent_id":"2000000184830109","side":"buy","type":"LIMIT","time_in_force":"GTD","state":"partially_filled","venue_state":"PARTIALLY_FILLED","execution":"TRADE","position_side":"short","reduce_only":false,"price":"7100.50","stop_price":"0","average_price":"7100.25","quantity":"0.003","filled":"0.002"}}"#
                ) + "\n",
                format!(
                    r#"{{"kind":"fill",{head},"exchange_ns":1790000000079000000,"sent_ns":1790000000081000000,"trade_id":12345678,"order_id":"8886775","client_id":"TEST","side":"buy","liquidity":"maker","position_side":"short","price":"7100.00","quantity":"0.001","fee":"-0.01","fee_currency":"USDT","realised_profit":"12.34"}}"#
                ) + "\n",
            ]
        );
    }

    #[test]
    fn balances_and_positions_say_which_page_of_a_snapshot_they_stand_on() {
        let account = r#"{"arg":{"channel":"account","uid":"44"},"eventType":"snapshot","curPage":1,"lastPage":false,"data":[{"availEq":"55444.1","details":[{"availBal":"1","availEq":"2","cashBal":"3","ccy":"USDT","eq":"4","eqUsd":"5","frozenBal":"6","interest":"7","liab":"8","mgnRatio":"9","ordFrozen":"10","uTime":"1790000000230","upl":"-11"}],"mgnRatio":"","totalEq":"55868.06","uTime":"1790000000232","upl":"-1.5"}]}"#;
        let positions = r#"{"arg":{"channel":"positions","instType":"ANY","uid":"7"},"eventType":"snapshot","curPage":2,"lastPage":true,"data":[{"adl":"1","avgPx":"2566.31","bePx":"2353.949","ccy":"ETH","cTime":"1790000000245","fee":"-0.0001","fundingFee":"0.00002","imr":"0.5","instId":"ETH-USD-261225","lever":"10","liqPx":"2352.84","margin":"0.0003","markPx":"2353.849","mgnMode":"isolated","mgnRatio":"11.7","mmr":"0.00003","pTime":"1790000000252","pos":"1","posId":"307","posSide":"long","realizedPnl":"0.001","tradeId":"109844","uTime":"1790000000250","upl":"-0.000001"}]}"#;
        let head = r#""venue":"okx","market":"okx""#;
        assert_eq!(
            lines(Market::Okx, account),
            [
                format!(
                    r#"{{"kind":"balance",{head},"instrument":"","channel":"account","exchange_ns":1790000000232000000,"reason":"snapshot","page":1,"last_page":false,"equity_usd":"55868.06","available_equity":"55444.1","unrealised_profit":"-1.5"}}"#
                ) + "\n",
                format!(
                    r#"{{"kind":"balance",{head},"instrument":"","channel":"account","exchange_ns":1790000000230000000,"currency":"USDT","reason":"snapshot","page":1,"last_page":false,"total":"3","available":"1","locked":"6","equity":"4","equity_usd":"5","available_equity":"2","ordered":"10","unrealised_profit":"-11","liability":"8","interest":"7","margin_ratio":"9"}}"#
                ) + "\n",
            ]
        );
        assert_eq!(
            lines(Market::Okx, positions),
            [format!(
                r#"{{"kind":"position",{head},"instrument":"ETH-USD-261225","subject":"ANY","channel":"positions","exchange_ns":1790000000250000000,"sent_ns":1790000000252000000,"position_id":"307","currency":"ETH","reason":"snapshot","page":2,"last_page":true,"position_side":"long","quantity":"1","margin_mode":"isolated","entry_price":"2566.31","break_even_price":"2353.949","mark_price":"2353.849","liquidation_price":"2352.84","leverage":"10","margin":"0.0003","initial_margin":"0.5","maintenance_margin":"0.00003","margin_ratio":"11.7","unrealised_profit":"-0.000001","realised_profit":"0.001","fee":"-0.0001","funding":"0.00002","trade_id":109844,"deleveraging":1,"created_ns":1790000000245000000}}"#
            ) + "\n"]
        );
    }
}
