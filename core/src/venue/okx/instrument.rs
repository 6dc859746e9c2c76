//! Instruments, row by row.

use alloc::string::String;

use super::figures::given;
use super::{Head, Told};
use crate::market::{Contract, ContractStyle, Decimal, Instrument, InstrumentType, Wide};
use crate::venue::decode::Problem;
use crate::venue::found::{Figures, Found, Row};
use crate::venue::json::{Blank, Ignored, Quoted, Span, Stamp, record};

record! {
    /// A row of `instruments`. One that is not listed yet has most fields empty.
    InstrumentRow {
        "alias" _alias: Option<Ignored>,
        "auctionEndTime" _auction: Option<Ignored>,
        "baseCcy" base: Option<Span>,
        "category" _category: Option<Ignored>,
        "contTdSwTime" _continuous: Option<Ignored>,
        "ctMult" multiplier: Option<Blank<Decimal>>,
        "ctType" style: Option<Span>,
        "ctVal" value: Option<Blank<Decimal>>,
        "ctValCcy" currency: Option<Span>,
        "expTime" expires: Option<Blank<Quoted<Stamp>>>,
        "instFamily" _family: Option<Ignored>,
        "instId" instrument: Span,
        "instType" kind: InstrumentType,
        "listTime" listed: Option<Blank<Quoted<Stamp>>>,
        "lotSz" quantity_step: Option<Blank<Wide>>,
        "minSz" least_quantity: Option<Blank<Wide>>,
        "quoteCcy" quote: Option<Span>,
        "ruleType" _rule: Option<Ignored>,
        "settleCcy" settle: Option<Span>,
        "state" state: Option<Span>,
        "stk" _strike: Option<Ignored>,
        "tickSz" price_step: Option<Blank<Wide>>,
        "uly" pair: Option<Span>,
    }
}

impl Told for InstrumentRow {
    fn row(self, _: Head, text: &str, found: &mut Found) -> Result<Row, Problem> {
        let of = |span: Option<Span>| {
            let text = span.map(|span| span.of(text, &found.pools));
            String::from(text.unwrap_or_default())
        };
        let instrument = Instrument {
            kind: self.kind,
            state: of(self.state),
            pair: of(self.pair),
            base: of(self.base),
            quote: of(self.quote),
            settle: of(self.settle),
            price_step: given(self.price_step),
            quantity_step: given(self.quantity_step),
            least_quantity: given(self.least_quantity),
            contract: self.contract(&of(self.style), of),
            listed: given(self.listed).map(|time| time.0.0),
            expires: given(self.expires).map(|time| time.0.0),
        };
        Ok(Row {
            instrument: self.instrument,
            exchange_time: None,
            sent_time: None,
            body: found.push_figures(Figures::Instrument(instrument)),
        })
    }
}

impl InstrumentRow {
    /// What a contract is worth, where the instrument has contracts of a known style.
    fn contract(&self, style: &str, of: impl FnOnce(Option<Span>) -> String) -> Option<Contract> {
        let style = match style {
            "inverse" => ContractStyle::Inverse,
            // Options have no style: theirs stand for a quantity of `ctValCcy`.
            "linear" | "" => ContractStyle::Linear,
            _ => return None,
        };
        Some(Contract {
            value: given(self.value)?,
            multiplier: given(self.multiplier)?,
            currency: of(self.currency),
            style,
        })
    }
}
