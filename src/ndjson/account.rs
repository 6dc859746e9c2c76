//! Lines of the account. What a venue leaves out is left out here.

use marketprism_core::market::{
    Balance, Fill, Liquidity, MarginMode, Order, Page, Position, PositionSide,
};
use serde::ser::SerializeMap;

use super::figures::{Members, Tell};

impl Tell for Order<'_> {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        let figures = self.figures;
        to.text("id", self.id)?;
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
        to.put("id", Some(self.id))?;
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
        to.text("id", self.id)?;
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
