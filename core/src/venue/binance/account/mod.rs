//! What an account is told: orders, what was filled of them, balances, positions.
//!
//! Sources: "User Data Streams for Binance" (spot), "User Data Streams" (USD-M and COIN-M). The
//! order of the fields is that of recorded messages, and that of the documents for what has not been
//! recorded: changes and locks of balances, margin calls. Members between those that are told here
//! come and go with the kind of order, and are stepped over.

mod balance;
mod order;

use self::balance::{
    AccountUpdate, BalanceUpdate, ExternalLockUpdate, MarginCall, OutboundAccountPosition,
};
use self::order::{AlgoUpdate, ExecutionReport, OrderTradeUpdate};
use crate::market::{Channel, PositionSide, Wide};
use crate::venue::account::Told;
use crate::venue::decode::Problem;
use crate::venue::found::{About, Found};
use crate::venue::json::{Fail, Pools, Reader, Scan, Source, Span, Stamp, Value, named};

/// What a message for an account calls itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    ExecutionReport,
    OutboundAccountPosition,
    BalanceUpdate,
    ExternalLockUpdate,
    OrderTradeUpdate,
    AlgoUpdate,
    AccountUpdate,
    MarginCall,
}

/// The kind of the message that stands here, as far as that is to be known before it is read.
#[derive(Clone, Copy, Debug)]
struct KindOf(Kind);

/// `ps`: which position an order changes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ways(PositionSide);

named!(Ways, position_side);

impl Kind {
    /// The kind that calls itself so. `TRADE_LITE` is none of them: it tells of fills that
    /// `ORDER_TRADE_UPDATE` tells of too, later and in full, and each fill is told once.
    pub(super) fn named(word: &str) -> Option<Self> {
        match word {
            "executionReport" => Some(Self::ExecutionReport),
            "outboundAccountPosition" => Some(Self::OutboundAccountPosition),
            "balanceUpdate" => Some(Self::BalanceUpdate),
            "externalLockUpdate" => Some(Self::ExternalLockUpdate),
            "ORDER_TRADE_UPDATE" => Some(Self::OrderTradeUpdate),
            "ALGO_UPDATE" => Some(Self::AlgoUpdate),
            "ACCOUNT_UPDATE" => Some(Self::AccountUpdate),
            "MARGIN_CALL" => Some(Self::MarginCall),
            _ => None,
        }
    }
}

impl Value for KindOf {
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        scan.literal(b"{\"e\":")?;
        let name = Span::scan(scan, pools)?;
        Kind::named(scan.text_at(name)).map(Self)
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        let [event] = reader.outline(&["e"])?;
        let event = event.ok_or_else(|| reader.fail(Problem::Missing).named("e"))?;
        Reader::at(reader.message(), event).one_of(pools, |word| Kind::named(word).map(Self))
    }
}

/// A message for an account.
trait Tells: Value {
    /// Adds what it tells.
    fn tell<S: Source>(self, source: &S, found: &mut Found) -> Result<(), S::Error>;
}

/// Reads what an account is told.
pub(super) fn tell<S: Source>(source: &mut S, found: &mut Found) -> Result<Channel, S::Error> {
    let kind: KindOf = source.ahead().value(&mut found.pools)?;
    let read = match kind.0 {
        Kind::ExecutionReport => read::<S, ExecutionReport>,
        Kind::OutboundAccountPosition => read::<S, OutboundAccountPosition>,
        Kind::BalanceUpdate => read::<S, BalanceUpdate>,
        Kind::ExternalLockUpdate => read::<S, ExternalLockUpdate>,
        Kind::OrderTradeUpdate => read::<S, OrderTradeUpdate>,
        Kind::AlgoUpdate => read::<S, AlgoUpdate>,
        Kind::AccountUpdate => read::<S, AccountUpdate>,
        Kind::MarginCall => read::<S, MarginCall>,
    };
    read(source, found).map(|()| Channel::UserData)
}

fn read<S: Source, T: Tells>(source: &mut S, found: &mut Found) -> Result<(), S::Error> {
    let message: T = source.value(&mut found.pools)?;
    message.tell(source, found)
}

/// The words of a message.
#[derive(Clone, Copy)]
struct Words<'a> {
    text: &'a str,
    found: &'a Found,
}

impl<'a> Words<'a> {
    fn at(self, span: Span) -> &'a str {
        span.of(self.text, &self.found.pools)
    }

    /// A text, unless it says that there is nothing to tell.
    fn told(self, span: Span) -> Span {
        if matches!(self.at(span), "NONE" | "0" | "-1") {
            return Span::default();
        }
        span
    }

    fn told_if(self, span: Option<Span>) -> Span {
        span.map(|span| self.told(span)).unwrap_or_default()
    }

    /// Whether a part of an order has just been filled: by a trade, or by a liquidation, which
    /// calls itself `CALCULATED`.
    fn is_fill(self, execution: Span, quantity: Wide) -> bool {
        matches!(self.at(execution), "TRADE" | "CALCULATED") && !quantity.is_zero()
    }
}

const fn about(instrument: Span, changed: Option<Stamp>, sent: Stamp) -> About {
    About {
        instrument,
        exchange_time: Stamp::given(changed),
        sent_time: Some(sent.0),
    }
}

fn push<S: Source>(
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
        "BOTH" => Some(PositionSide::Net),
        "LONG" => Some(PositionSide::Long),
        "SHORT" => Some(PositionSide::Short),
        _ => None,
    }
}
