//! What an account is told of its balances and positions.
//!
//! Sources: "OKX API guide", "Account channel", "Positions channel", "Balance and position
//! channel". Rows have up to seventy members, of which the documents tell no order that binds, so
//! they are read in any.

use super::figures::given;
use crate::market::{BalanceFigures, MarginMode, Page, PositionFigures, PositionSide, Wide};
use crate::venue::account::{BalanceRow, PositionRow, Told};
use crate::venue::decode::Problem;
use crate::venue::found::{About, Found};
use crate::venue::json::{
    Blank, Fail, Later, Pools, Quoted, Reader, Scan, Source, Span, Stamp, Unordered, Value, named,
    record,
};

record! {
    /// The row of `account`.
    Account {
        "availEq" available: Option<Blank<Wide>>,
        "details" details: Later,
        "mgnRatio" margin_ratio: Option<Blank<Wide>>,
        "totalEq" equity: Option<Blank<Wide>>,
        "uTime" told: Quoted<Stamp>,
        "upl" unrealised_profit: Option<Blank<Wide>>,
    }
}

record! {
    /// One of its currencies.
    Currency {
        "availBal" available: Option<Blank<Wide>>,
        "availEq" available_equity: Option<Blank<Wide>>,
        "cashBal" total: Option<Blank<Wide>>,
        "ccy" currency: Span,
        "eq" equity: Option<Blank<Wide>>,
        "eqUsd" equity_usd: Option<Blank<Wide>>,
        "frozenBal" locked: Option<Blank<Wide>>,
        "interest" interest: Option<Blank<Wide>>,
        "liab" liability: Option<Blank<Wide>>,
        "mgnRatio" margin_ratio: Option<Blank<Wide>>,
        "ordFrozen" ordered: Option<Blank<Wide>>,
        "upl" unrealised_profit: Option<Blank<Wide>>,
        "uTime" changed: Quoted<Stamp>,
    }
}

record! {
    /// A row of `positions`, and of the positions of `balance_and_position`, which have fewer
    /// members.
    Position {
        "adl" deleveraging: Option<Blank<Quoted<i64>>>,
        "avgPx" entry_price: Option<Blank<Wide>>,
        "bePx" break_even_price: Option<Blank<Wide>>,
        "ccy" currency: Option<Span>,
        "cTime" created: Option<Blank<Quoted<Stamp>>>,
        "fee" fee: Option<Blank<Wide>>,
        "fundingFee" funding: Option<Blank<Wide>>,
        "imr" initial_margin: Option<Blank<Wide>>,
        "instId" instrument: Span,
        "lever" leverage: Option<Blank<Wide>>,
        "liqPx" liquidation_price: Option<Blank<Wide>>,
        "margin" margin: Option<Blank<Wide>>,
        "markPx" mark_price: Option<Blank<Wide>>,
        "mgnMode" mode: Option<Blank<Mode>>,
        "mgnRatio" margin_ratio: Option<Blank<Wide>>,
        "mmr" maintenance_margin: Option<Blank<Wide>>,
        "pos" quantity: Wide,
        "posId" id: Span,
        "posSide" side: Ways,
        "pTime" sent: Option<Blank<Quoted<Stamp>>>,
        "realizedPnl" realised_profit: Option<Blank<Wide>>,
        "tradeId" trade: Option<Blank<Quoted<i64>>>,
        "upl" unrealised_profit: Option<Blank<Wide>>,
        "uTime" changed: Quoted<Stamp>,
    }
}

record! {
    /// The row of `balance_and_position`. Of its trades it tells no more than their numbers, which
    /// `orders` tells too.
    Both {
        "pTime" sent: Quoted<Stamp>,
        "eventType" reason: Span,
        "balData" balances: Option<Later>,
        "posData" positions: Option<Later>,
    }
}

record! {
    /// One of its balances.
    Cash {
        "ccy" currency: Span,
        "cashBal" total: Wide,
        "uTime" changed: Quoted<Stamp>,
    }
}

/// `posSide`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways(pub(super) PositionSide);

/// `tdMode` and `mgnMode`
#[derive(Clone, Copy, Debug)]
pub(crate) struct Mode(pub(super) MarginMode);

named!(Ways, position_side);
named!(Mode, |word| Some(margin_mode(word)));
/// What is told before the rows of an account's channel.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Envelope {
    /// `eventType`: `snapshot` or `event_update`.
    pub(super) reason: Span,
    /// Where among its pages a snapshot stands.
    pub(super) page: Option<Page>,
}

/// Where the members of an [`Envelope`] stand in a message.
#[derive(Clone, Copy)]
pub(super) struct Members {
    pub(super) reason: Option<usize>,
    pub(super) page: Option<usize>,
    pub(super) last: Option<usize>,
}

impl Envelope {
    /// Reads it where the venue writes it, between `arg` and `data`, if it stands there.
    pub(super) fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        if scan.literal(b",\"eventType\":").is_none() {
            return Some(Self::default());
        }
        let reason = Span::scan(scan, pools)?;
        if scan.literal(b",\"curPage\":").is_none() {
            return Some(Self { reason, page: None });
        }
        let number = i64::scan(scan, pools)?;
        scan.literal(b",\"lastPage\":")?;
        let last = bool::scan(scan, pools)?;
        let page = Some(Page { number, last });
        Some(Self { reason, page })
    }
}

impl Members {
    /// Reads the envelope in any order.
    pub(super) fn read(self, text: &str, pools: &mut Pools) -> Result<Envelope, Fail> {
        let reason = member(text, "eventType", self.reason, pools)?;
        let number = member(text, "curPage", self.page, pools)?;
        let last = member(text, "lastPage", self.last, pools)?;
        let page = match (number, last) {
            (Some(number), Some(last)) => Some(Page { number, last }),
            _ => None,
        };
        Ok(Envelope {
            reason: reason.unwrap_or_default(),
            page,
        })
    }
}

fn member<T: Value>(
    text: &str,
    key: &'static str,
    place: Option<usize>,
    pools: &mut Pools,
) -> Result<Option<T>, Fail> {
    let read = place.map(|place| T::read(&mut Reader::at(text, place), pools));
    read.transpose().map_err(|fail| fail.named(key))
}

/// Reads the row of `account`: the account as a whole, and each of its currencies.
pub(super) fn balances<S: Source>(
    source: &mut S,
    envelope: Envelope,
    found: &mut Found,
) -> Result<(), S::Error> {
    let Unordered(account): Unordered<Account> = source.value(&mut found.pools)?;
    let whole = BalanceFigures {
        page: envelope.page,
        equity_usd: given(account.equity),
        available_equity: given(account.available),
        unrealised_profit: given(account.unrealised_profit),
        margin_ratio: given(account.margin_ratio),
        ..BalanceFigures::default()
    };
    let told = balance(Span::default(), envelope.reason, whole);
    push(source, found, about(Span::default(), account.told), told)?;
    source.at(account.details).each("details", |source| {
        let Unordered(currency): Unordered<Currency> = source.value(&mut found.pools)?;
        let figures = BalanceFigures {
            page: envelope.page,
            ..currency.figures()
        };
        let told = balance(currency.currency, envelope.reason, figures);
        push(
            source,
            found,
            about(Span::default(), currency.changed),
            told,
        )
    })
}

impl Currency {
    fn figures(&self) -> BalanceFigures {
        BalanceFigures {
            page: None,
            total: given(self.total),
            available: given(self.available),
            locked: given(self.locked),
            cross: None,
            change: None,
            locked_change: None,
            equity: given(self.equity),
            equity_usd: given(self.equity_usd),
            available_equity: given(self.available_equity),
            ordered: given(self.ordered),
            unrealised_profit: given(self.unrealised_profit),
            liability: given(self.liability),
            interest: given(self.interest),
            margin_ratio: given(self.margin_ratio),
        }
    }
}

/// Reads a row of `positions`.
pub(super) fn position<S: Source>(
    source: &mut S,
    envelope: Envelope,
    found: &mut Found,
) -> Result<(), S::Error> {
    let Unordered(position): Unordered<Position> = source.value(&mut found.pools)?;
    let about = About {
        sent_time: given(position.sent).map(|sent| sent.0.0),
        ..about(position.instrument, position.changed)
    };
    push(source, found, about, position.told(envelope))
}

impl Position {
    fn told(&self, envelope: Envelope) -> Told {
        Told::Position(PositionRow {
            id: self.id,
            currency: self.currency.unwrap_or_default(),
            reason: envelope.reason,
            figures: PositionFigures {
                page: envelope.page,
                margin_mode: given(self.mode).map(|mode| mode.0),
                entry_price: given(self.entry_price),
                break_even_price: given(self.break_even_price),
                mark_price: given(self.mark_price),
                liquidation_price: given(self.liquidation_price),
                leverage: given(self.leverage),
                margin: given(self.margin),
                initial_margin: given(self.initial_margin),
                maintenance_margin: given(self.maintenance_margin),
                margin_ratio: given(self.margin_ratio),
                unrealised_profit: given(self.unrealised_profit),
                realised_profit: given(self.realised_profit),
                fee: given(self.fee),
                funding: given(self.funding),
                trade_id: given(self.trade).map(|trade| trade.0),
                deleveraging: given(self.deleveraging).map(|place| place.0),
                created: given(self.created).map(|time| time.0.0),
                ..PositionFigures::of(self.side.0, self.quantity)
            },
        })
    }
}

/// Reads the row of `balance_and_position`.
pub(super) fn both<S: Source>(source: &mut S, found: &mut Found) -> Result<(), S::Error> {
    let Unordered(both): Unordered<Both> = source.value(&mut found.pools)?;
    let sent_time = Some(both.sent.0.0);
    if let Some(balances) = both.balances {
        source.at(balances).each("balData", |source| {
            let Unordered(cash): Unordered<Cash> = source.value(&mut found.pools)?;
            let figures = BalanceFigures {
                total: Some(cash.total),
                ..BalanceFigures::default()
            };
            let about = About {
                sent_time,
                ..about(Span::default(), cash.changed)
            };
            push(
                source,
                found,
                about,
                balance(cash.currency, both.reason, figures),
            )
        })?;
    }
    let Some(positions) = both.positions else {
        return Ok(());
    };
    let envelope = Envelope {
        reason: both.reason,
        page: None,
    };
    source.at(positions).each("posData", |source| {
        let Unordered(position): Unordered<Position> = source.value(&mut found.pools)?;
        let about = About {
            sent_time,
            ..about(position.instrument, position.changed)
        };
        push(source, found, about, position.told(envelope))
    })
}

pub(super) const fn about(instrument: Span, changed: Quoted<Stamp>) -> About {
    About {
        instrument,
        exchange_time: Some(changed.0.0),
        sent_time: None,
    }
}

const fn balance(currency: Span, reason: Span, figures: BalanceFigures) -> Told {
    Told::Balance(BalanceRow {
        currency,
        reason,
        figures,
    })
}

pub(super) fn push<S: Source>(
    source: &S,
    found: &mut Found,
    about: About,
    told: Told,
) -> Result<(), S::Error> {
    let pushed = found.push_account(about, told);
    pushed.ok_or_else(|| source.refuse(Problem::TooMany))
}

fn position_side(word: &str) -> Option<PositionSide> {
    match word {
        "net" => Some(PositionSide::Net),
        "long" => Some(PositionSide::Long),
        "short" => Some(PositionSide::Short),
        _ => None,
    }
}

fn margin_mode(word: &str) -> MarginMode {
    match word {
        "cross" => MarginMode::Cross,
        "isolated" => MarginMode::Isolated,
        "cash" => MarginMode::Cash,
        _ => MarginMode::Other,
    }
}
