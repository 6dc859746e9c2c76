//! Balances and positions.

use super::{Tells, Ways, about, push};
use crate::market::{BalanceFigures, MarginMode, PositionFigures, Wide};
use crate::venue::account::{BalanceRow, PositionRow, Told};
use crate::venue::found::Found;
use crate::venue::json::{Blank, Ignored, Later, Source, Span, Stamp, named, record};

record! {
    /// `outboundAccountPosition`
    OutboundAccountPosition {
        "e" event: Span,
        "E" sent: Stamp,
        "u" changed: Stamp,
        "B" balances: Later,
    }
}

record! {
    /// One of its balances.
    SpotBalance {
        "a" currency: Span,
        "f" available: Wide,
        "l" locked: Wide,
    }
}

record! {
    /// `balanceUpdate`
    BalanceUpdate {
        "e" event: Span,
        "E" sent: Stamp,
        "a" currency: Span,
        "d" change: Wide,
        "T" cleared: Stamp,
    }
}

record! {
    /// `externalLockUpdate`
    ExternalLockUpdate {
        "e" event: Span,
        "E" sent: Stamp,
        "a" currency: Span,
        "d" locked_change: Wide,
        "T" cleared: Stamp,
    }
}

record! {
    /// `ACCOUNT_UPDATE`
    AccountUpdate {
        "e" _event: Ignored,
        "T" changed: Stamp,
        "E" sent: Stamp,
        "a" update: Update,
    }
}

record! {
    /// `"a"` of `ACCOUNT_UPDATE`
    Update {
        "B" balances: Option<Later>,
        "P" positions: Option<Later>,
        "m" reason: Span,
        "S" symbol: Option<Span>,
    }
}

record! {
    /// One of its balances.
    FuturesBalance {
        "a" currency: Span,
        "wb" total: Wide,
        "cw" cross: Wide,
        "bc" change: Option<Wide>,
    }
}

record! {
    /// One of its positions.
    FuturesPosition {
        "s" symbol: Span,
        "pa" quantity: Wide,
        "ep" entry_price: Wide,
        "cr" realised_profit: Wide,
        "up" unrealised_profit: Wide,
        "mt" mode: Mode,
        "iw" margin: Wide,
        "ps" side: Ways,
        "ma" currency: Option<Span>,
        "bep" break_even_price: Option<Blank<Wide>>,
    }
}

record! {
    /// `MARGIN_CALL`. What is left of the cross wallet has no currency there, and is not told.
    MarginCall {
        "e" event: Span,
        "E" sent: Stamp,
        "p" positions: Later,
    }
}

record! {
    /// One of its positions.
    CalledPosition {
        "s" symbol: Span,
        "ps" side: Ways,
        "pa" quantity: Wide,
        "mt" mode: Mode,
        "iw" margin: Wide,
        "mp" mark_price: Wide,
        "up" unrealised_profit: Wide,
        "mm" maintenance_margin: Wide,
    }
}

/// `mt`: how the margin of a position is held.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode(MarginMode);

named!(Mode, |word| Some(margin_mode(word)));

impl Tells for OutboundAccountPosition {
    fn tell<S: Source>(self, source: &S, found: &mut Found) -> Result<(), S::Error> {
        let about = about(Span::default(), Some(self.changed), self.sent);
        source.at(self.balances).each("B", |source| {
            let held: SpotBalance = source.value(&mut found.pools)?;
            let figures = BalanceFigures {
                available: Some(held.available),
                locked: Some(held.locked),
                ..BalanceFigures::default()
            };
            let told = balance(held.currency, self.event, figures);
            push(source, found, about, told)
        })
    }
}

impl Tells for BalanceUpdate {
    fn tell<S: Source>(self, source: &S, found: &mut Found) -> Result<(), S::Error> {
        let about = about(Span::default(), Some(self.cleared), self.sent);
        let figures = BalanceFigures {
            change: Some(self.change),
            ..BalanceFigures::default()
        };
        let told = balance(self.currency, self.event, figures);
        push(source, found, about, told)
    }
}

impl Tells for ExternalLockUpdate {
    fn tell<S: Source>(self, source: &S, found: &mut Found) -> Result<(), S::Error> {
        let about = about(Span::default(), Some(self.cleared), self.sent);
        let figures = BalanceFigures {
            locked_change: Some(self.locked_change),
            ..BalanceFigures::default()
        };
        let told = balance(self.currency, self.event, figures);
        push(source, found, about, told)
    }
}

impl Tells for AccountUpdate {
    fn tell<S: Source>(self, source: &S, found: &mut Found) -> Result<(), S::Error> {
        let Self {
            update,
            changed,
            sent,
            ..
        } = self;
        if let Some(balances) = update.balances {
            // Funding says of which instrument it was.
            let about = about(update.symbol.unwrap_or_default(), Some(changed), sent);
            source.at(balances).each("B", |source| {
                let balance: FuturesBalance = source.value(&mut found.pools)?;
                push(source, found, about, balance.told(update.reason))
            })?;
        }
        let Some(positions) = update.positions else {
            return Ok(());
        };
        source.at(positions).each("P", |source| {
            let position: FuturesPosition = source.value(&mut found.pools)?;
            let about = about(position.symbol, Some(changed), sent);
            push(source, found, about, position.told(update.reason))
        })
    }
}

impl FuturesBalance {
    fn told(self, reason: Span) -> Told {
        let figures = BalanceFigures {
            total: Some(self.total),
            cross: Some(self.cross),
            change: self.change,
            ..BalanceFigures::default()
        };
        balance(self.currency, reason, figures)
    }
}

impl FuturesPosition {
    fn told(self, reason: Span) -> Told {
        position(
            self.currency.unwrap_or_default(),
            reason,
            PositionFigures {
                margin_mode: Some(self.mode.0),
                entry_price: Some(self.entry_price),
                break_even_price: self.break_even_price.and_then(|price| price.0),
                margin: Some(self.margin),
                unrealised_profit: Some(self.unrealised_profit),
                realised_profit: Some(self.realised_profit),
                ..PositionFigures::of(self.side.0, self.quantity)
            },
        )
    }
}

impl Tells for MarginCall {
    fn tell<S: Source>(self, source: &S, found: &mut Found) -> Result<(), S::Error> {
        source.at(self.positions).each("p", |source| {
            let called: CalledPosition = source.value(&mut found.pools)?;
            let about = about(called.symbol, None, self.sent);
            push(source, found, about, called.told(self.event))
        })
    }
}

impl CalledPosition {
    fn told(self, reason: Span) -> Told {
        position(
            Span::default(),
            reason,
            PositionFigures {
                margin_mode: Some(self.mode.0),
                mark_price: Some(self.mark_price),
                margin: Some(self.margin),
                maintenance_margin: Some(self.maintenance_margin),
                unrealised_profit: Some(self.unrealised_profit),
                ..PositionFigures::of(self.side.0, self.quantity)
            },
        )
    }
}

const fn balance(currency: Span, reason: Span, figures: BalanceFigures) -> Told {
    Told::Balance(BalanceRow {
        currency,
        reason,
        figures,
    })
}

fn position(currency: Span, reason: Span, figures: PositionFigures) -> Told {
    Told::Position(PositionRow {
        id: Span::default(),
        currency,
        reason,
        figures,
    })
}

fn margin_mode(word: &str) -> MarginMode {
    match word {
        "cross" | "CROSSED" => MarginMode::Cross,
        "isolated" | "ISOLATED" => MarginMode::Isolated,
        _ => MarginMode::Other,
    }
}
