//! What of an account a message was found to hold: figures, and the places of its texts.

use super::json::{Pools, Span};
use crate::market::{
    Balance, BalanceFigures, Body, Fill, FillFigures, Order, OrderFigures, Position,
    PositionFigures,
};

/// What an account is told, and where its texts stand.
#[derive(Clone, Copy, Debug)]
pub(super) enum Told {
    Order(OrderRow),
    Fill(FillRow),
    Balance(BalanceRow),
    Position(PositionRow),
}

#[derive(Clone, Copy, Debug)]
pub(super) struct OrderRow {
    pub(super) id: Span,
    pub(super) client_id: Span,
    pub(super) parent_id: Span,
    pub(super) kind: Span,
    pub(super) time_in_force: Span,
    pub(super) state_word: Span,
    pub(super) execution: Span,
    pub(super) reason: Span,
    pub(super) figures: OrderFigures,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct FillRow {
    pub(super) id: i64,
    pub(super) order_id: Span,
    pub(super) client_id: Span,
    pub(super) fee_currency: Span,
    pub(super) figures: FillFigures,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct BalanceRow {
    pub(super) currency: Span,
    pub(super) reason: Span,
    pub(super) figures: BalanceFigures,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct PositionRow {
    pub(super) id: Span,
    pub(super) currency: Span,
    pub(super) reason: Span,
    pub(super) figures: PositionFigures,
}

impl Told {
    pub(super) fn lend<'a>(&'a self, text: &'a str, pools: &'a Pools) -> Body<'a> {
        match self {
            Self::Order(order) => Body::Order(order.lend(text, pools)),
            Self::Fill(fill) => Body::Fill(fill.lend(text, pools)),
            Self::Balance(balance) => Body::Balance(balance.lend(text, pools)),
            Self::Position(position) => Body::Position(position.lend(text, pools)),
        }
    }

    /// Bytes in its longest text.
    pub(super) fn longest_text(&self) -> usize {
        let longest = |texts: &[Span]| texts.iter().map(|text| text.len()).max();
        let longest = match self {
            Self::Order(order) => longest(&order.texts()),
            Self::Fill(fill) => longest(&[fill.order_id, fill.client_id, fill.fee_currency]),
            Self::Balance(balance) => longest(&[balance.currency, balance.reason]),
            Self::Position(position) => longest(&[position.id, position.currency, position.reason]),
        };
        longest.unwrap_or_default()
    }
}

impl OrderRow {
    const fn texts(&self) -> [Span; 8] {
        [
            self.id,
            self.client_id,
            self.parent_id,
            self.kind,
            self.time_in_force,
            self.state_word,
            self.execution,
            self.reason,
        ]
    }

    fn lend<'a>(&'a self, text: &'a str, pools: &'a Pools) -> Order<'a> {
        Order {
            id: self.id.of(text, pools),
            client_id: self.client_id.of(text, pools),
            parent_id: self.parent_id.of(text, pools),
            kind: self.kind.of(text, pools),
            time_in_force: self.time_in_force.of(text, pools),
            state_word: self.state_word.of(text, pools),
            execution: self.execution.of(text, pools),
            reason: self.reason.of(text, pools),
            figures: &self.figures,
        }
    }
}

impl FillRow {
    fn lend<'a>(&'a self, text: &'a str, pools: &'a Pools) -> Fill<'a> {
        Fill {
            id: self.id,
            order_id: self.order_id.of(text, pools),
            client_id: self.client_id.of(text, pools),
            fee_currency: self.fee_currency.of(text, pools),
            figures: &self.figures,
        }
    }
}

impl BalanceRow {
    fn lend<'a>(&'a self, text: &'a str, pools: &'a Pools) -> Balance<'a> {
        Balance {
            currency: self.currency.of(text, pools),
            reason: self.reason.of(text, pools),
            figures: &self.figures,
        }
    }
}

impl PositionRow {
    fn lend<'a>(&'a self, text: &'a str, pools: &'a Pools) -> Position<'a> {
        Position {
            id: self.id.of(text, pools),
            currency: self.currency.of(text, pools),
            reason: self.reason.of(text, pools),
            figures: &self.figures,
        }
    }
}
