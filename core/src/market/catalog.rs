//! What the venue's own list of instruments says of a name: what it is called everywhere, and what
//! a contract is worth. Nothing is ever read out of a name.

use alloc::borrow::ToOwned;
use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::String;
use core::fmt;

use super::{Contract, ContractStyle, Decimal, Instrument, InstrumentType, Wide};
use crate::time::{Day, UnixNanos};

/// Digits behind the point of a quantity that has to be rounded.
pub const ROUNDED_DIGITS: u8 = 12;

/// So many instruments are known at the most; the largest market has 3,500.
const INSTRUMENTS_MAX: usize = 20_000;

/// The instruments of one market, built from what its channels of instruments tell.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    /// By the venue's names.
    listed: BTreeMap<String, Listed>,
    /// The venue's names by the symbols.
    names: BTreeMap<String, String>,
}

/// An instrument of the list.
#[derive(Clone, Debug, PartialEq)]
pub struct Listed {
    symbol: Option<String>,
    contract: Option<Contract>,
    told: UnixNanos,
}

/// Two instruments that are the same by all that is known of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision {
    /// What both are.
    pub symbol: String,
    /// The venue's name of the one that was there.
    pub held: String,
    /// The venue's name of the one that was refused.
    pub refused: String,
}

/// What a number of contracts stands for. What cannot be told is `None`: the base where contracts
/// are of a fixed value and there is no price above zero, and whatever has too many digits.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Worth {
    /// The quantity in base currency.
    pub base: Option<Wide>,
    /// The quantity in quote currency, exactly, where contracts are of a fixed value.
    pub quote: Option<Wide>,
    /// Whether `base` had to be rounded (half up, to [`ROUNDED_DIGITS`]): a value divided by a
    /// price has no end of digits.
    pub rounded: bool,
}

impl Catalog {
    /// An empty catalog.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            listed: BTreeMap::new(),
            names: BTreeMap::new(),
        }
    }

    /// Takes an instrument in, or what has changed of it, as it was told at a time. What says
    /// nothing of currencies (a notice of a listing) changes nothing: the list comes with more.
    /// What was told at an earlier time gives way: an instrument can be renamed.
    ///
    /// # Errors
    ///
    /// [`Collision`] if another instrument, told at the same time, is the same by all that is known
    /// of both. Nothing is changed then.
    pub fn add(
        &mut self,
        name: &str,
        instrument: &Instrument,
        told: UnixNanos,
    ) -> Result<(), Collision> {
        let known = self.listed.get(name);
        let is_full = self.listed.len() >= INSTRUMENTS_MAX && known.is_none();
        if instrument.currencies().is_none() || is_full {
            return Ok(());
        }
        let symbol = instrument.symbol();
        if let Some(symbol) = &symbol {
            self.claim(symbol, name, told)?;
        }
        let listed = Listed {
            symbol,
            contract: instrument.contract.clone(),
            told,
        };
        let before = self.listed.insert(name.to_owned(), listed);
        let before = before.and_then(|listed| listed.symbol);
        if let Some(before) = before.filter(|before| self.name(before) == Some(name))
            && self.symbol(name) != Some(&before)
        {
            self.names.remove(&before);
        }
        Ok(())
    }

    fn claim(&mut self, symbol: &str, name: &str, told: UnixNanos) -> Result<(), Collision> {
        let holder = self.names.get(symbol).filter(|holder| *holder != name);
        if let Some(holder) = holder {
            let is_told = |listed: &Listed| listed.told >= told;
            if self.listed.get(holder).is_some_and(is_told) {
                return Err(Collision {
                    symbol: symbol.to_owned(),
                    held: holder.clone(),
                    refused: name.to_owned(),
                });
            }
            self.listed.remove(holder);
        }
        self.names.insert(symbol.to_owned(), name.to_owned());
        Ok(())
    }

    /// What the list says of a name.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Listed> {
        self.listed.get(name)
    }

    /// The venue's name of what has this symbol.
    #[must_use]
    pub fn name(&self, symbol: &str) -> Option<&str> {
        self.names.get(symbol).map(String::as_str)
    }

    fn symbol(&self, name: &str) -> Option<&str> {
        self.find(name)?.symbol()
    }
}

impl Listed {
    /// Its symbol, which no other instrument of the market has; see [`Instrument::symbol`].
    #[must_use]
    pub fn symbol(&self) -> Option<&str> {
        self.symbol.as_deref()
    }

    /// What a contract is worth; `None` where quantities are in base currency.
    #[must_use]
    pub const fn contract(&self) -> Option<&Contract> {
        self.contract.as_ref()
    }
}

impl Contract {
    /// What so many contracts are worth in the contract's currency; `None` beyond 38 digits.
    #[must_use]
    pub fn value_of(&self, contracts: Wide) -> Option<Wide> {
        let (mut mantissa, mut scale) = (contracts.mantissa(), contracts.scale());
        for part in [self.value, self.multiplier] {
            mantissa = mantissa.checked_mul(i128::from(part.mantissa()))?;
            scale = scale.checked_add(part.scale())?;
        }
        Wide::new(mantissa, scale)
    }

    /// What so many contracts stand for at a price.
    #[must_use]
    pub fn worth(&self, contracts: Wide, price: Option<Decimal>) -> Worth {
        let value = self.value_of(contracts);
        match self.style {
            ContractStyle::Linear => Worth {
                base: value,
                ..Worth::default()
            },
            ContractStyle::Inverse => {
                let divided = value.and_then(|value| divided(value, price?));
                Worth {
                    base: divided.map(|(base, _)| base),
                    quote: value,
                    rounded: divided.is_some_and(|(_, rounded)| rounded),
                }
            }
        }
    }
}

impl Instrument {
    /// Base and quote currency; `None` if they are not told. OKX leaves those of derivatives to
    /// the contract.
    fn currencies(&self) -> Option<(&str, &str)> {
        let (base, quote) = match &self.contract {
            _ if !self.base.is_empty() => (&self.base, &self.quote),
            Some(contract) => match contract.style {
                ContractStyle::Linear => (&contract.currency, &self.settle),
                ContractStyle::Inverse => (&self.settle, &contract.currency),
            },
            None => return None,
        };
        (!base.is_empty() && !quote.is_empty()).then_some((base, quote))
    }

    /// What it is, in a form that is the same for every venue: `BTC/USDT` what is traded itself,
    /// `BTC/USDT:USDT` a perpetual contract and the currency in which profit is paid,
    /// `BTC/USD:BTC-261225` one that expires, and on which day (UTC). `None` where that does not
    /// tell one from the other (options) or is not known.
    #[must_use]
    pub fn symbol(&self) -> Option<String> {
        let (base, quote) = self.currencies()?;
        let settle = Some(&self.settle).filter(|settle| !settle.is_empty());
        match self.kind {
            InstrumentType::Spot | InstrumentType::Margin => Some(format!("{base}/{quote}")),
            InstrumentType::Swap => Some(format!("{base}/{quote}:{}", settle?)),
            InstrumentType::Futures => {
                let (year, month, day) = Day::of(self.expires?).date();
                let (settle, year) = (settle?, year % 100);
                Some(format!(
                    "{base}/{quote}:{settle}-{year:02}{month:02}{day:02}"
                ))
            }
            InstrumentType::Option | InstrumentType::Other => None,
        }
    }
}

/// A value divided by a price above zero, and whether it had to be rounded; `None` beyond 38 digits.
fn divided(value: Wide, price: Decimal) -> Option<(Wide, bool)> {
    if price.mantissa() <= 0 {
        return None;
    }
    let digits = i32::from(price.scale()) + i32::from(ROUNDED_DIGITS) - i32::from(value.scale());
    let power = 10_i128.checked_pow(digits.unsigned_abs())?;
    let price = i128::from(price.mantissa());
    let (above, below) = match digits >= 0 {
        true => (value.mantissa().checked_mul(power)?, price),
        false => (value.mantissa(), price.checked_mul(power)?),
    };
    let rest = above.checked_rem_euclid(below)?;
    let up = i128::from(rest.checked_mul(2)? >= below);
    let mantissa = above.checked_div_euclid(below)?.checked_add(up)?;
    Some((Wide::new(mantissa, ROUNDED_DIGITS)?, rest != 0))
}

impl fmt::Display for Collision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            symbol,
            held,
            refused,
        } = self;
        write!(f, "`{held}` and `{refused}` are both {symbol}")
    }
}

impl core::error::Error for Collision {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    const EARLY: UnixNanos = UnixNanos::from_nanos(1);
    const LATE: UnixNanos = UnixNanos::from_nanos(2);

    fn number(text: &str) -> Decimal {
        text.parse().unwrap_or_default()
    }

    fn instrument(kind: InstrumentType, base: &str, quote: &str, settle: &str) -> Instrument {
        Instrument {
            kind,
            state: "TRADING".to_owned(),
            pair: String::new(),
            base: base.to_owned(),
            quote: quote.to_owned(),
            settle: settle.to_owned(),
            price_step: None,
            quantity_step: None,
            least_quantity: None,
            contract: None,
            listed: None,
            expires: None,
        }
    }

    fn spot(base: &str) -> Instrument {
        instrument(InstrumentType::Spot, base, "USDT", "")
    }

    fn contract(value: &str, multiplier: &str, currency: &str, style: ContractStyle) -> Contract {
        Contract {
            value: number(value),
            multiplier: number(multiplier),
            currency: currency.to_owned(),
            style,
        }
    }

    fn linear() -> Contract {
        contract("0.1", "0.1", "BTC", ContractStyle::Linear)
    }

    fn inverse() -> Contract {
        contract("100", "1", "USD", ContractStyle::Inverse)
    }

    fn swap(settle: &str, contract: Contract) -> Instrument {
        Instrument {
            contract: Some(contract),
            ..instrument(InstrumentType::Swap, "", "", settle)
        }
    }

    #[test]
    fn a_quantity_in_base_currency_is_exact_where_it_can_be_and_says_where_it_is_not() {
        let convert = |contract: Contract, quantity, price: &str| {
            let quantity = Wide::from(number(quantity));
            let worth = contract.worth(quantity, price.parse().ok());
            let text = |value: Option<Wide>| value.map(|value| value.to_string());
            (text(worth.base), text(worth.quote), worth.rounded)
        };
        let some = |text: &str| Some(text.to_owned());
        let exact = (some("0.125"), None, false);
        assert_eq!(convert(linear(), "12.5", ""), exact);
        assert_eq!(convert(linear(), "12.5", "0"), exact, "no price is needed");
        let table = [
            ("3", "50000", some("0.006000000000"), "300", false),
            ("1", "30000", some("0.003333333333"), "100", true),
            ("2", "30000", some("0.006666666667"), "200", true),
            ("1", "0.5", some("200.000000000000"), "100", false),
            ("4", "", None, "400", false),
            ("4", "0", None, "400", false),
            ("4", "-1", None, "400", false),
        ];
        for (contracts, price, base, quote, rounded) in table {
            let expected = (base, some(quote), rounded);
            assert_eq!(convert(inverse(), contracts, price), expected);
        }
        let most = "9223372036854775807";
        let huge = |style| contract(most, most, "X", style);
        let nothing = (None, None, false);
        assert_eq!(convert(huge(ContractStyle::Linear), "4", "1"), nothing);
        assert_eq!(convert(huge(ContractStyle::Inverse), "4", "1"), nothing);
    }

    #[test]
    fn a_symbol_says_what_it_is_and_nothing_where_that_is_not_known() {
        let dated = |kind, expires| Instrument {
            expires,
            ..instrument(kind, "BTC", "USD", "BTC")
        };
        let christmas = Some(UnixNanos::from_nanos(1_798_185_600_000_000_000));
        let table = [
            (spot("BTC"), Some("BTC/USDT")),
            (
                instrument(InstrumentType::Margin, "BTC", "USDT", ""),
                Some("BTC/USDT"),
            ),
            (swap("USDT", linear()), Some("BTC/USDT:USDT")),
            (swap("BTC", inverse()), Some("BTC/USD:BTC")),
            // A perpetual contract that is about to be delisted has a last day as well.
            (dated(InstrumentType::Swap, christmas), Some("BTC/USD:BTC")),
            (
                dated(InstrumentType::Futures, christmas),
                Some("BTC/USD:BTC-261225"),
            ),
            (dated(InstrumentType::Futures, None), None),
            (dated(InstrumentType::Option, christmas), None),
            (instrument(InstrumentType::Swap, "BTC", "USD", ""), None),
            (instrument(InstrumentType::Swap, "", "", "USD"), None),
        ];
        for (instrument, symbol) in table {
            assert_eq!(instrument.symbol().as_deref(), symbol, "{instrument:?}");
        }
    }

    #[test]
    fn a_name_is_found_by_its_symbol_and_two_of_the_same_are_refused_by_both_names() {
        let mut catalog = Catalog::new();
        assert_eq!(catalog.add("BTCUSDT", &spot("BTC"), EARLY), Ok(()));
        assert_eq!(catalog.name("BTC/USDT"), Some("BTCUSDT"));
        assert_eq!(catalog.add("BTCUSDT", &spot("BTC"), EARLY), Ok(()), "again");
        let margin = instrument(InstrumentType::Margin, "BTC", "USDT", "");
        assert_eq!(catalog.add("BTCUSDT", &margin, EARLY), Ok(()), "likewise");
        let told = catalog.add("XBTUSDT", &spot("BTC"), EARLY);
        let told = told.map_err(|error| error.to_string());
        let both = "`BTCUSDT` and `XBTUSDT` are both BTC/USDT";
        assert_eq!(told, Err(both.to_owned()));
        assert_eq!(catalog.find("XBTUSDT"), None);
        let notice = instrument(InstrumentType::Swap, "", "", "");
        assert_eq!(catalog.add("BTCUSDT", &notice, EARLY), Ok(()));
        assert_eq!(catalog.symbol("BTCUSDT"), Some("BTC/USDT"));
    }

    #[test]
    fn what_is_renamed_takes_its_symbol_along_and_what_becomes_another_gives_its_own_back() {
        let mut catalog = Catalog::new();
        assert_eq!(catalog.add("OLD", &spot("BTC"), EARLY), Ok(()));
        assert_eq!(catalog.add("NEW", &spot("BTC"), LATE), Ok(()));
        assert_eq!(catalog.name("BTC/USDT"), Some("NEW"));
        assert_eq!(catalog.find("OLD"), None);
        assert!(catalog.add("OLD", &spot("BTC"), LATE).is_err(), "both live");
        assert_eq!(catalog.add("NEW", &spot("ETH"), LATE), Ok(()));
        assert_eq!(catalog.name("BTC/USDT"), None);
        assert_eq!(catalog.name("ETH/USDT"), Some("NEW"));
        assert_eq!(catalog.add("OLD", &spot("BTC"), LATE), Ok(()));
    }

    #[test]
    fn a_list_without_end_fills_no_memory() {
        let mut catalog = Catalog::new();
        for number in 0..=INSTRUMENTS_MAX {
            let base = number.to_string();
            assert_eq!(catalog.add(&base, &spot(&base), EARLY), Ok(()));
        }
        assert_eq!(catalog.listed.len(), INSTRUMENTS_MAX);
    }
}
