//! Instruments: what they are, in which steps they are quoted, what a contract is worth.

use alloc::string::String;

use super::{Decimal, Wide};
use crate::time::UnixNanos;

/// An instrument as its venue describes it. What is left out or empty is `None`, or an empty
/// text.
#[derive(Clone, Debug, PartialEq)]
pub struct Instrument {
    /// What kind it is.
    pub kind: InstrumentType,
    /// Its state, in the venue's word: `TRADING`, `live`, …
    pub state: String,
    /// The pair (Binance futures) or the underlying (OKX `uly`).
    pub pair: String,
    /// Base currency.
    pub base: String,
    /// Quote currency.
    pub quote: String,
    /// The currency in which profit is paid.
    pub settle: String,
    /// Prices are multiples of this.
    pub price_step: Option<Wide>,
    /// Quantities are multiples of this.
    pub quantity_step: Option<Wide>,
    /// The least quantity of an order.
    pub least_quantity: Option<Wide>,
    /// What a contract is worth; `None` where quantities are in base currency.
    pub contract: Option<Contract>,
    /// When trading began or begins.
    pub listed: Option<UnixNanos>,
    /// When it expires.
    pub expires: Option<UnixNanos>,
}

/// What a contract is worth.
#[derive(Clone, Debug, PartialEq)]
pub struct Contract {
    /// How much of `currency` one contract stands for (COIN-M `contractSize`, OKX `ctVal`).
    pub value: Decimal,
    /// By which that is to be multiplied (OKX `ctMult`; 1 on COIN-M).
    pub multiplier: Decimal,
    /// The currency of `value`.
    pub currency: String,
    /// In which direction its worth moves.
    pub style: ContractStyle,
}

/// In which direction the worth of a contract moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ContractStyle {
    /// A contract is a fixed quantity of base currency.
    Linear,
    /// A contract is a fixed value in quote currency.
    Inverse,
}

impl ContractStyle {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Linear => "linear",
            Self::Inverse => "inverse",
        }
    }
}

/// A kind of instrument (OKX `instType`; Binance `contractType`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum InstrumentType {
    /// `SPOT`.
    Spot,
    /// `MARGIN`.
    Margin,
    /// `SWAP`: perpetual.
    Swap,
    /// `FUTURES`: expiring.
    Futures,
    /// `OPTION`.
    Option,
    /// One that was not documented when this was written.
    Other,
}

impl InstrumentType {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Spot => "spot",
            Self::Margin => "margin",
            Self::Swap => "swap",
            Self::Futures => "futures",
            Self::Option => "option",
            Self::Other => "other",
        }
    }
}
