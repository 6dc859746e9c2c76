//! Instruments: `contractInfo`, and the rows of REST `exchangeInfo`.
//!
//! Sources: "Contract Info Stream", "Exchange Information".

use alloc::borrow::ToOwned;
use alloc::string::String;

use super::Dialect;
use super::figures::{Told, said};
use super::message::words;
use crate::market::{Channel, Contract, ContractStyle, Decimal, Instrument, InstrumentType, Wide};
use crate::time::UnixNanos;
use crate::venue::decode::Problem;
use crate::venue::found::{Figures, Found, Row};
use crate::venue::json::{
    Blank, Fail, Is, Later, Pools, Reader, Scan, Source, Span, Stamp, Value, record,
};

words! {
    ContractInfoEvent "contractInfo",
}

/// When a contract expires that never does: 2100-12-25 08:00 UTC.
const NEVER: UnixNanos = UnixNanos::from_nanos(4_133_404_800_000_000_000);

record! {
    /// `!contractInfo`
    ContractInfo {
        "e" _event: Is<ContractInfoEvent>,
        "E" sent: Stamp,
        "s" symbol: Span,
        "ps" pair: Option<Span>,
        "ct" kind: Option<Span>,
        "dt" expires: Option<Stamp>,
        "ot" listed: Option<Stamp>,
        "cs" state: Span,
        "bks" _brackets: Option<Later>,
        "st" symbol_type: Option<i64>,
    }
}

record! {
    /// A row of `symbols` of `exchangeInfo`.
    Symbol {
        "symbol" name: Span,
        "pair" pair: Option<Span>,
        "contractType" kind: Option<Span>,
        "deliveryDate" expires: Option<Stamp>,
        "onboardDate" listed: Option<Stamp>,
        "status" state: Option<Span>,
        "contractStatus" contract_state: Option<Span>,
        "contractSize" contract_size: Option<Decimal>,
        "marginAsset" settle: Option<Span>,
        "baseAsset" base: Span,
        "quoteAsset" quote: Span,
        "filters" filters: Filters,
    }
}

record! {
    /// One of `filters`.
    Filter {
        "filterType" kind: Span,
        "tickSize" price_step: Option<Blank<Wide>>,
        "stepSize" quantity_step: Option<Blank<Wide>>,
        "minQty" least_quantity: Option<Blank<Wide>>,
    }
}

/// What `filters` say of steps.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Filters {
    price_step: Option<Wide>,
    quantity_step: Option<Wide>,
    least_quantity: Option<Wide>,
}

impl Value for Filters {
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        scan.in_any_order(pools)
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        let mut filters = Self::default();
        reader.each("filters", |reader| {
            let filter = Filter::read(reader, pools)?;
            match reader.text_at(filter.kind, pools) {
                "PRICE_FILTER" => filters.price_step = step(filter.price_step),
                "LOT_SIZE" => {
                    filters.quantity_step = step(filter.quantity_step);
                    filters.least_quantity = step(filter.least_quantity);
                }
                _ => {}
            }
            Ok(())
        })?;
        Ok(filters)
    }
}

/// A step, if there is one: a filter that is off has zeros.
fn step(field: Option<Blank<Wide>>) -> Option<Wide> {
    field?.0.filter(|step| !step.is_zero())
}

/// The row of one symbol of `exchangeInfo`.
pub(super) fn read_symbol(
    reader: &mut Reader<'_>,
    dialect: Dialect,
    found: &mut Found,
) -> Result<Row, Fail> {
    let symbol: Symbol = reader.value(&mut found.pools)?;
    let instrument = symbol.instrument(dialect, reader.whole(), &found.pools);
    Ok(Row {
        instrument: symbol.name,
        exchange_time: None,
        sent_time: None,
        body: found.push_figures(Figures::Instrument(instrument)),
    })
}

impl Symbol {
    fn instrument(self, dialect: Dialect, text: &str, pools: &Pools) -> Instrument {
        let of = |span: Option<Span>| span.map_or("", |span| span.of(text, pools));
        let kind = match dialect {
            Dialect::Spot => InstrumentType::Spot,
            Dialect::Usdm | Dialect::Coinm => contract_kind(of(self.kind)),
        };
        Instrument {
            kind,
            state: of(self.state.or(self.contract_state)).to_owned(),
            pair: of(self.pair).to_owned(),
            base: of(Some(self.base)).to_owned(),
            quote: of(Some(self.quote)).to_owned(),
            settle: of(self.settle).to_owned(),
            price_step: self.filters.price_step,
            quantity_step: self.filters.quantity_step,
            least_quantity: self.filters.least_quantity,
            contract: self
                .contract_size
                .map(|size| contract(size, of(Some(self.quote)))),
            listed: date(self.listed),
            expires: date(self.expires),
        }
    }
}

/// A contract of COIN-M: a fixed value in US dollars, settled in the base currency.
fn contract(size: Decimal, quote: &str) -> Contract {
    Contract {
        value: size,
        multiplier: Decimal::ONE,
        currency: quote.to_owned(),
        style: ContractStyle::Inverse,
    }
}

impl Told for ContractInfo {
    fn symbol_type(&self) -> Option<i64> {
        self.symbol_type
    }

    fn tell(self, text: &str, channel: Channel, found: &mut Found) -> Result<Channel, Problem> {
        let of = |span: Span| span.of(text, &found.pools).to_owned();
        let instrument = Instrument {
            kind: self.kind.map_or(InstrumentType::Other, |kind| {
                contract_kind(kind.of(text, &found.pools))
            }),
            state: of(self.state),
            pair: self.pair.map(of).unwrap_or_default(),
            base: String::new(),
            quote: String::new(),
            settle: String::new(),
            price_step: None,
            quantity_step: None,
            least_quantity: None,
            contract: None,
            listed: date(self.listed),
            expires: date(self.expires),
        };
        let figures = Figures::Instrument(instrument);
        said(found, self.symbol, self.sent, figures).map(|()| channel)
    }
}

/// `PERPETUAL`, `TRADIFI_PERPETUAL`, `CURRENT_QUARTER`, `NEXT_QUARTER`, `CURRENT_QUARTER
/// DELIVERING`, `CURRENT_MONTH`, …; empty before the first trade.
fn contract_kind(word: &str) -> InstrumentType {
    if word.contains("PERPETUAL") {
        InstrumentType::Swap
    } else if word.contains("QUARTER") || word.contains("MONTH") {
        InstrumentType::Futures
    } else {
        InstrumentType::Other
    }
}

/// A date, if it is one: none is written as 0, never as the year 2100.
fn date(stamp: Option<Stamp>) -> Option<UnixNanos> {
    let date = stamp?.0;
    (date != NEVER && date != UnixNanos::from_nanos(0)).then_some(date)
}
