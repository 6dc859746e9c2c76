//! Orders, what was filled of them, and orders that wait for a condition.

use super::{Tells, Ways, Words, about, push};
use crate::market::{FillFigures, Liquidity, OrderFigures, OrderState, Wide};
use crate::venue::account::{FillRow, OrderRow, Told};
use crate::venue::binance::figures::CapitalSide;
use crate::venue::found::{About, Found};
use crate::venue::json::{Blank, Digits, Ignored, Source, Span, Stamp, record};

record! {
    /// `executionReport`
    ExecutionReport {
        "e" _event: Ignored,
        "E" sent: Stamp,
        "s" symbol: Span,
        "c" client_id: Span,
        "S" side: CapitalSide,
        "o" kind: Span,
        "f" time_in_force: Span,
        "q" quantity: Wide,
        "p" price: Wide,
        "P" stop_price: Wide,
        "g" list: Digits,
        "C" original_client_id: Span,
        "x" execution: Span,
        "X" state: Span,
        "r" reason: Span,
        "i" id: Digits,
        "l" last_quantity: Wide,
        "z" filled: Wide,
        "L" last_price: Wide,
        "n" fee: Option<Wide>,
        "N" fee_currency: Option<Span>,
        "T" traded: Stamp,
        "t" trade: i64,
        "m" is_maker: bool,
        "O" created: Stamp,
        "Z" filled_quote: Wide,
        "Y" last_quote: Wide,
    }
}

record! {
    /// `ORDER_TRADE_UPDATE`
    OrderTradeUpdate {
        "e" _event: Ignored,
        "T" traded: Stamp,
        "E" sent: Stamp,
        "o" order: FuturesOrder,
    }
}

record! {
    /// `"o"` of `ORDER_TRADE_UPDATE`
    FuturesOrder {
        "s" symbol: Span,
        "c" client_id: Span,
        "S" side: CapitalSide,
        "o" kind: Span,
        "f" time_in_force: Span,
        "q" quantity: Wide,
        "p" price: Wide,
        "ap" average_price: Wide,
        "sp" stop_price: Wide,
        "x" execution: Span,
        "X" state: Span,
        "i" id: Digits,
        "l" last_quantity: Wide,
        "z" filled: Wide,
        "L" last_price: Wide,
        "n" fee: Option<Wide>,
        "N" fee_currency: Option<Span>,
        "T" traded: Stamp,
        "t" trade: i64,
        "m" is_maker: bool,
        "R" reduce_only: bool,
        "ps" position: Ways,
        "rp" realised_profit: Wide,
        "pP" _price_protection: Option<bool>,
        "si" strategy: Option<Digits>,
        "ss" _sub_strategy: Option<i64>,
        "st" _strategy_type: Option<Ignored>,
        "V" _self_trade: Option<Ignored>,
        "pm" _price_match: Option<Ignored>,
        "gtd" _good_till: Option<i64>,
        "er" reason: Option<Span>,
    }
}

record! {
    /// `ALGO_UPDATE`: orders that wait for a condition.
    AlgoUpdate {
        "e" _event: Ignored,
        "T" changed: Stamp,
        "E" sent: Stamp,
        "o" order: AlgoOrder,
    }
}

record! {
    /// `"o"` of `ALGO_UPDATE`
    AlgoOrder {
        "caid" client_id: Span,
        "aid" id: Digits,
        "at" _type: Option<Ignored>,
        "o" kind: Span,
        "s" symbol: Span,
        "S" side: CapitalSide,
        "ps" position: Ways,
        "f" time_in_force: Span,
        "q" quantity: Wide,
        "X" state: Span,
        "ai" _order: Option<Ignored>,
        "ap" average_price: Option<Blank<Wide>>,
        "aq" filled: Option<Blank<Wide>>,
        "act" _actual_kind: Option<Ignored>,
        "tp" stop_price: Wide,
        "p" price: Wide,
        "V" _self_trade: Option<Ignored>,
        "wt" _working_type: Option<Ignored>,
        "pm" _price_match: Option<Ignored>,
        "cp" _close_position: Option<bool>,
        "pP" _price_protection: Option<bool>,
        "R" reduce_only: Option<bool>,
        "tt" _triggered: Option<i64>,
        "gtd" _good_till: Option<i64>,
        "rm" reason: Option<Span>,
    }
}

impl Tells for ExecutionReport {
    fn tell<S: Source>(self, source: &S, found: &mut Found) -> Result<(), S::Error> {
        let words = Words {
            text: source.whole(),
            found,
        };
        let order = self.order(words);
        let fill = words
            .is_fill(self.execution, self.last_quantity)
            .then(|| self.fill(order.client_id));
        let about = about(self.symbol, Some(self.traded), self.sent);
        push(source, found, about, Told::Order(order))?;
        fill.map_or(Ok(()), |fill| push(source, found, about, Told::Fill(fill)))
    }
}

impl ExecutionReport {
    fn order(&self, words: Words<'_>) -> OrderRow {
        // A request to cancel has a name of its own, and the order's stands beside it.
        let renamed = !self.original_client_id.is_empty();
        OrderRow {
            id: self.id.0,
            client_id: if renamed {
                self.original_client_id
            } else {
                self.client_id
            },
            parent_id: words.told(self.list.0),
            kind: self.kind,
            time_in_force: self.time_in_force,
            state_word: self.state,
            execution: self.execution,
            reason: words.told(self.reason),
            figures: OrderFigures {
                side: self.side.0,
                state: order_state(words.at(self.state)),
                conditional: false,
                position_side: None,
                margin_mode: None,
                reduce_only: None,
                price: Some(self.price),
                stop_price: Some(self.stop_price),
                average_price: None,
                quantity: self.quantity,
                filled: Some(self.filled),
                filled_quote: Some(self.filled_quote),
                created: Some(self.created.0),
            },
        }
    }

    fn fill(&self, client_id: Span) -> FillRow {
        FillRow {
            id: self.trade,
            order_id: self.id.0,
            client_id,
            fee_currency: self.fee_currency.unwrap_or_default(),
            figures: FillFigures {
                side: self.side.0,
                liquidity: Some(liquidity(self.is_maker)),
                position_side: None,
                price: self.last_price,
                quantity: self.last_quantity,
                quote_quantity: Some(self.last_quote),
                fee: self.fee,
                realised_profit: None,
                count: None,
            },
        }
    }
}

impl Tells for OrderTradeUpdate {
    fn tell<S: Source>(self, source: &S, found: &mut Found) -> Result<(), S::Error> {
        let words = Words {
            text: source.whole(),
            found,
        };
        let Self { order, sent, .. } = self;
        let row = order.row(words);
        let fill = words
            .is_fill(order.execution, order.last_quantity)
            .then(|| order.fill());
        let about = about(order.symbol, Some(self.traded), sent);
        push(source, found, about, Told::Order(row))?;
        // The fill's own time, which is the message's wherever both have been seen.
        let about = About {
            exchange_time: Some(order.traded.0),
            ..about
        };
        fill.map_or(Ok(()), |fill| push(source, found, about, Told::Fill(fill)))
    }
}

impl FuturesOrder {
    fn row(&self, words: Words<'_>) -> OrderRow {
        OrderRow {
            id: self.id.0,
            client_id: self.client_id,
            parent_id: words.told_if(self.strategy.map(|id| id.0)),
            kind: self.kind,
            time_in_force: self.time_in_force,
            state_word: self.state,
            execution: self.execution,
            reason: words.told_if(self.reason),
            figures: OrderFigures {
                side: self.side.0,
                state: order_state(words.at(self.state)),
                conditional: false,
                position_side: Some(self.position.0),
                margin_mode: None,
                reduce_only: Some(self.reduce_only),
                price: Some(self.price),
                stop_price: Some(self.stop_price),
                average_price: Some(self.average_price),
                quantity: self.quantity,
                filled: Some(self.filled),
                filled_quote: None,
                created: None,
            },
        }
    }

    fn fill(&self) -> FillRow {
        FillRow {
            id: self.trade,
            order_id: self.id.0,
            client_id: self.client_id,
            fee_currency: self.fee_currency.unwrap_or_default(),
            figures: FillFigures {
                side: self.side.0,
                liquidity: Some(liquidity(self.is_maker)),
                position_side: Some(self.position.0),
                price: self.last_price,
                quantity: self.last_quantity,
                quote_quantity: None,
                fee: self.fee,
                realised_profit: Some(self.realised_profit),
                count: None,
            },
        }
    }
}

impl Tells for AlgoUpdate {
    fn tell<S: Source>(self, source: &S, found: &mut Found) -> Result<(), S::Error> {
        let order = self.order;
        let words = Words {
            text: source.whole(),
            found,
        };
        let row = OrderRow {
            id: order.id.0,
            client_id: order.client_id,
            parent_id: Span::default(),
            kind: order.kind,
            time_in_force: order.time_in_force,
            state_word: order.state,
            execution: Span::default(),
            reason: words.told_if(order.reason),
            figures: OrderFigures {
                side: order.side.0,
                state: conditional_state(words.at(order.state)),
                conditional: true,
                position_side: Some(order.position.0),
                margin_mode: None,
                reduce_only: order.reduce_only,
                price: Some(order.price),
                stop_price: Some(order.stop_price),
                average_price: order.average_price.and_then(|price| price.0),
                quantity: order.quantity,
                filled: order.filled.and_then(|filled| filled.0),
                filled_quote: None,
                created: None,
            },
        };
        let about = about(order.symbol, Some(self.changed), self.sent);
        push(source, found, about, Told::Order(row))
    }
}

const fn liquidity(is_maker: bool) -> Liquidity {
    if is_maker {
        Liquidity::Maker
    } else {
        Liquidity::Taker
    }
}

fn order_state(word: &str) -> OrderState {
    match word {
        "PENDING_NEW" => OrderState::Pending,
        "NEW" | "NEW_INSURANCE" | "NEW_ADL" => OrderState::Open,
        "PARTIALLY_FILLED" => OrderState::PartiallyFilled,
        "FILLED" => OrderState::Filled,
        "CANCELED" => OrderState::Cancelled,
        "REJECTED" => OrderState::Rejected,
        "EXPIRED" | "EXPIRED_IN_MATCH" => OrderState::Expired,
        _ => OrderState::Other,
    }
}

/// The state of an order that waits for a condition: `FINISHED` when the order that it became is
/// over.
fn conditional_state(word: &str) -> OrderState {
    match word {
        "NEW" => OrderState::Pending,
        "TRIGGERING" | "TRIGGERED" | "FINISHED" => OrderState::Triggered,
        other => order_state(other),
    }
}
