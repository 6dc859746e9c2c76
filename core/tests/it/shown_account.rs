//! What an account is told, as text, in the manner of [`shown`](crate::shown).

use marketprism_core::market::{
    Balance, Fill, Liquidity, MarginMode, Order, Page, Position, PositionSide,
};

use crate::shown::Figures;

pub(crate) fn show_order(order: &Order<'_>) -> String {
    let figures = order.figures;
    Figures::of("order")
        .word("id", order.id)
        .word("client_id", order.client_id)
        .word("parent_id", order.parent_id)
        .word("kind", order.kind)
        .word("time_in_force", order.time_in_force)
        .word("state_word", order.state_word)
        .word("execution", order.execution)
        .word("reason", order.reason)
        .put("side", Some(figures.side.name()))
        .put("state", Some(figures.state.name()))
        .put("conditional", Some(figures.conditional))
        .put(
            "position_side",
            figures.position_side.map(PositionSide::name),
        )
        .put("margin_mode", figures.margin_mode.map(MarginMode::name))
        .put("reduce_only", figures.reduce_only)
        .put("price", figures.price)
        .put("stop_price", figures.stop_price)
        .put("average_price", figures.average_price)
        .put("quantity", Some(figures.quantity))
        .put("filled", figures.filled)
        .put("filled_quote", figures.filled_quote)
        .time("created", figures.created)
        .done()
}

pub(crate) fn show_fill(fill: &Fill<'_>) -> String {
    let figures = fill.figures;
    Figures::of("fill")
        .put("id", Some(fill.id))
        .word("order_id", fill.order_id)
        .word("client_id", fill.client_id)
        .word("fee_currency", fill.fee_currency)
        .put("side", Some(figures.side.name()))
        .put("liquidity", figures.liquidity.map(Liquidity::name))
        .put(
            "position_side",
            figures.position_side.map(PositionSide::name),
        )
        .put("price", Some(figures.price))
        .put("quantity", Some(figures.quantity))
        .put("quote_quantity", figures.quote_quantity)
        .put("fee", figures.fee)
        .put("realised_profit", figures.realised_profit)
        .put("count", figures.count)
        .done()
}

pub(crate) fn show_balance(balance: &Balance<'_>) -> String {
    let figures = balance.figures;
    Figures::of("balance")
        .word("currency", balance.currency)
        .word("reason", balance.reason)
        .page(figures.page)
        .put("total", figures.total)
        .put("available", figures.available)
        .put("locked", figures.locked)
        .put("cross", figures.cross)
        .put("change", figures.change)
        .put("locked_change", figures.locked_change)
        .put("equity", figures.equity)
        .put("equity_usd", figures.equity_usd)
        .put("available_equity", figures.available_equity)
        .put("ordered", figures.ordered)
        .put("unrealised_profit", figures.unrealised_profit)
        .put("liability", figures.liability)
        .put("interest", figures.interest)
        .put("margin_ratio", figures.margin_ratio)
        .done()
}

pub(crate) fn show_position(position: &Position<'_>) -> String {
    let figures = position.figures;
    Figures::of("position")
        .word("id", position.id)
        .word("currency", position.currency)
        .word("reason", position.reason)
        .page(figures.page)
        .put("side", Some(figures.side.name()))
        .put("quantity", Some(figures.quantity))
        .put("margin_mode", figures.margin_mode.map(MarginMode::name))
        .put("entry_price", figures.entry_price)
        .put("break_even_price", figures.break_even_price)
        .put("mark_price", figures.mark_price)
        .put("liquidation_price", figures.liquidation_price)
        .put("leverage", figures.leverage)
        .put("margin", figures.margin)
        .put("initial_margin", figures.initial_margin)
        .put("maintenance_margin", figures.maintenance_margin)
        .put("margin_ratio", figures.margin_ratio)
        .put("unrealised_profit", figures.unrealised_profit)
        .put("realised_profit", figures.realised_profit)
        .put("fee", figures.fee)
        .put("funding", figures.funding)
        .put("trade_id", figures.trade_id)
        .put("deleveraging", figures.deleveraging)
        .time("created", figures.created)
        .done()
}

impl Figures {
    fn page(self, page: Option<Page>) -> Self {
        self.put("page", page.map(|page| page.number))
            .put("last_page", page.map(|page| page.last))
    }
}
