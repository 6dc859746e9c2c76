//! Liquidations.
//!
//! Source: "Liquidation Order Streams" and "All Market Liquidation Order Streams" (USD-M and
//! COIN-M).

use super::figures::{CapitalSide, Told, given};
use super::message::words;
use crate::market::{Channel, Decimal, Liquidation};
use crate::venue::decode::Problem;
use crate::venue::found::{Figures, Found, Row};
use crate::venue::json::{Blank, Is, Span, Stamp, record};

words! {
    ForceOrderEvent "forceOrder",
}

record! {
    /// `"o"` of `forceOrder`
    Order {
        "s" symbol: Span,
        "ps" _pair: Option<Span>,
        "S" side: CapitalSide,
        "o" _kind: Option<Span>,
        "f" _time_in_force: Option<Span>,
        "q" quantity: Decimal,
        "p" price: Decimal,
        "ap" average_price: Option<Blank<Decimal>>,
        "X" _status: Option<Span>,
        "l" last_filled: Option<Blank<Decimal>>,
        "z" filled: Option<Blank<Decimal>>,
        "T" traded: Stamp,
    }
}

record! {
    /// `<symbol>@forceOrder`
    ForceOrder {
        "e" _event: Is<ForceOrderEvent>,
        "E" sent: Stamp,
        "o" order: Order,
        "ps" _pair: Option<Span>,
        "st" symbol_type: Option<i64>,
    }
}

impl Told for ForceOrder {
    fn symbol_type(&self) -> Option<i64> {
        self.symbol_type
    }

    fn tell(self, _: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem> {
        let order = self.order;
        let liquidation = Liquidation {
            side: order.side.0,
            price: order.price,
            average_price: given(order.average_price),
            quantity: order.quantity,
            last_filled: given(order.last_filled),
            filled: given(order.filled),
            loss: None,
        };
        let body = found.push_figures(Figures::Liquidation(liquidation));
        let row = Row {
            instrument: order.symbol,
            exchange_time: Some(order.traded.0),
            sent_time: Some(self.sent.0),
            body,
        };
        let pushed = found.push(row).ok_or(Problem::TooMany);
        pushed.map(|()| channel)
    }
}
