//! Orders of an account, and what was filled of them.
//!
//! Sources: "OKX API guide", "WS / Order channel" and "WS / Fills channel". The members are read in
//! any order, as those of balances and positions are.

use super::account::{Mode, Ways, about, push};
use super::figures::given;
use crate::market::{FillFigures, Liquidity, OrderFigures, OrderState, Side, Wide};
use crate::time::UnixNanos;
use crate::venue::account::{FillRow, OrderRow, Told};
use crate::venue::decode::Problem;
use crate::venue::found::{About, Found};
use crate::venue::json::{Blank, Quoted, Source, Span, Stamp, Unordered, named, record};

record! {
    /// A row of `orders`.
    Order {
        "accFillSz" filled: Blank<Wide>,
        "algoId" algo: Option<Span>,
        "avgPx" average_price: Blank<Wide>,
        "cancelSource" reason: Option<Span>,
        "clOrdId" client_id: Span,
        "cTime" created: Quoted<Stamp>,
        "execType" liquidity: Option<Blank<Liquid>>,
        "fillFee" fill_fee: Option<Blank<Wide>>,
        "fillFeeCcy" fill_fee_currency: Option<Span>,
        "fillPnl" fill_profit: Option<Blank<Wide>>,
        "fillPx" fill_price: Blank<Wide>,
        "fillSz" fill_quantity: Blank<Wide>,
        "fillTime" fill_time: Blank<Quoted<Stamp>>,
        "instId" instrument: Span,
        "ordId" id: Span,
        "ordType" kind: Span,
        "posSide" position: Option<Blank<Ways>>,
        "px" price: Blank<Wide>,
        "reduceOnly" reduce_only: Option<Blank<Truth>>,
        "side" side: Side,
        "state" state: Span,
        "sz" quantity: Wide,
        "tdMode" mode: Option<Blank<Mode>>,
        "tradeId" trade: Blank<Quoted<i64>>,
        "uTime" changed: Quoted<Stamp>,
    }
}

record! {
    /// A row of `fills`.
    Fill {
        "instId" instrument: Span,
        "fillSz" quantity: Wide,
        "fillPx" price: Wide,
        "side" side: Side,
        "ts" filled: Quoted<Stamp>,
        "ordId" order: Span,
        "clOrdId" client_id: Option<Span>,
        "tradeId" id: Quoted<i64>,
        "execType" liquidity: Option<Blank<Liquid>>,
        "count" count: Option<Blank<Quoted<i64>>>,
    }
}

/// `execType`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Liquid(Liquidity);

/// `"true"` or `"false"`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Truth(bool);

named!(Liquid, liquidity);
named!(Truth, truth);

/// Reads a row of `orders`: an order, and the part of it that has just been filled.
pub(super) fn order<S: Source>(source: &mut S, found: &mut Found) -> Result<(), S::Error> {
    let Unordered(order): Unordered<Order> = source.value(&mut found.pools)?;
    let about = about(order.instrument, order.changed);
    let row = order.row(source, found);
    push(source, found, about, Told::Order(row))?;
    let fill = order.fill();
    let Some((fill, time)) = fill.map_err(|problem| source.refuse(problem))? else {
        return Ok(());
    };
    let about = About {
        exchange_time: time,
        ..about
    };
    push(source, found, about, Told::Fill(fill))
}

impl Order {
    fn row<S: Source>(&self, source: &S, found: &Found) -> OrderRow {
        let state = self.state.of(source.whole(), &found.pools);
        OrderRow {
            id: self.id,
            client_id: self.client_id,
            parent_id: self.algo.unwrap_or_default(),
            kind: self.kind,
            time_in_force: Span::default(),
            state_word: self.state,
            execution: Span::default(),
            reason: self.reason.unwrap_or_default(),
            figures: OrderFigures {
                side: self.side,
                state: order_state(state),
                conditional: false,
                position_side: given(self.position).map(|ways| ways.0),
                margin_mode: given(self.mode).map(|mode| mode.0),
                reduce_only: given(self.reduce_only).map(|truth| truth.0),
                price: self.price.0,
                stop_price: None,
                average_price: self.average_price.0,
                quantity: self.quantity,
                filled: self.filled.0,
                filled_quote: None,
                created: Some(self.created.0.0),
            },
        }
    }

    /// What has just been filled of it, and when. A row without the number of a trade tells of
    /// none, whatever else it repeats.
    fn fill(&self) -> Result<Option<(FillRow, Option<UnixNanos>)>, Problem> {
        let (Some(Quoted(id)), Some(price), Some(quantity)) =
            (self.trade.0, self.fill_price.0, self.fill_quantity.0)
        else {
            return Ok(None);
        };
        if quantity.is_zero() {
            return Ok(None);
        }
        let fee = given(self.fill_fee).map(|fee| paid(fee).ok_or(Problem::Overflow));
        let figures = FillFigures {
            side: self.side,
            liquidity: given(self.liquidity).map(|liquidity| liquidity.0),
            position_side: given(self.position).map(|ways| ways.0),
            price,
            quantity,
            quote_quantity: None,
            fee: fee.transpose()?,
            realised_profit: given(self.fill_profit),
            count: None,
        };
        let fill = FillRow {
            id,
            order_id: self.id,
            client_id: self.client_id,
            fee_currency: self.fill_fee_currency.unwrap_or_default(),
            figures,
        };
        Ok(Some((fill, self.fill_time.0.map(|time| time.0.0))))
    }
}

/// Reads a row of `fills`.
pub(super) fn fill<S: Source>(source: &mut S, found: &mut Found) -> Result<(), S::Error> {
    let Unordered(fill): Unordered<Fill> = source.value(&mut found.pools)?;
    let row = FillRow {
        id: fill.id.0,
        order_id: fill.order,
        client_id: fill.client_id.unwrap_or_default(),
        fee_currency: Span::default(),
        figures: FillFigures {
            side: fill.side,
            liquidity: given(fill.liquidity).map(|liquidity| liquidity.0),
            position_side: None,
            price: fill.price,
            quantity: fill.quantity,
            quote_quantity: None,
            fee: None,
            realised_profit: None,
            count: given(fill.count).map(|count| count.0),
        },
    };
    let about = about(fill.instrument, fill.filled);
    push(source, found, about, Told::Fill(row))
}

/// What the account pays: OKX writes what is charged below zero.
fn paid(fee: Wide) -> Option<Wide> {
    Wide::new(fee.mantissa().checked_neg()?, fee.scale())
}

fn order_state(word: &str) -> OrderState {
    match word {
        "live" => OrderState::Open,
        "partially_filled" => OrderState::PartiallyFilled,
        "filled" => OrderState::Filled,
        "canceled" | "mmp_canceled" => OrderState::Cancelled,
        _ => OrderState::Other,
    }
}

fn liquidity(word: &str) -> Option<Liquidity> {
    match word {
        "M" => Some(Liquidity::Maker),
        "T" => Some(Liquidity::Taker),
        _ => None,
    }
}

fn truth(word: &str) -> Option<bool> {
    match word {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}
