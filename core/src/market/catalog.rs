//! What the venue's own list of instruments says of a name: its currencies, and what a contract
//! is worth. Nothing is ever read out of a name.

use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt;

use super::{Contract, ContractStyle, Decimal, Instrument, InstrumentType, Wide};
use crate::time::UnixNanos;

/// Digits behind the point of a quantity that has to be rounded.
pub const ROUNDED_DIGITS: u8 = 12;

/// The instruments of one market, built from what its channels of instruments tell.
#[derive(Clone, Debug, Default)]
pub struct Catalog {
    instruments: BTreeMap<String, Instrument>,
    names: BTreeMap<Symbol, String>,
}

/// What an instrument is, whatever its venue calls it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Symbol {
    /// What kind it is.
    pub kind: InstrumentType,
    /// Base currency.
    pub base: String,
    /// Quote currency.
    pub quote: String,
    /// The currency in which profit is paid; empty where nothing is settled.
    pub settle: String,
    /// When it expires.
    pub expires: Option<UnixNanos>,
}

/// Two instruments that are the same by all that is known of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Collision {
    /// What both are.
    pub symbol: Box<Symbol>,
    /// The venue's names of them.
    pub names: [String; 2],
}

/// A quantity in base currency.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BaseQuantity {
    /// The quantity.
    pub base: Wide,
    /// What it is worth in quote currency, exactly, where contracts are of a fixed value.
    pub quote: Option<Wide>,
    /// Whether `base` had to be rounded (half up, to [`ROUNDED_DIGITS`]): a value divided by a
    /// price has no end of digits.
    pub rounded: bool,
}

/// Why a quantity cannot be told in base currency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Inconvertible {
    /// The list has no such instrument.
    Unknown,
    /// Contracts of a fixed value need a price above zero.
    Price,
    /// More digits than can be held.
    Overflow,
}

impl Catalog {
    /// An empty catalog.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes an instrument in, or what has changed of it. What says neither base nor quote
    /// currency (a notice of a listing) changes nothing: the list comes with more.
    ///
    /// # Errors
    ///
    /// [`Collision`] if another instrument is the same by all that is known of both. Nothing is
    /// changed then.
    pub fn add(&mut self, name: &str, instrument: &Instrument) -> Result<(), Collision> {
        let Some(symbol) = instrument.symbol() else {
            return Ok(());
        };
        // Margin is another way of trading what is listed as spot, under the same name.
        if symbol.kind == InstrumentType::Margin && self.instruments.contains_key(name) {
            return Ok(());
        }
        if symbol.is_unique() {
            self.claim(symbol, name)?;
        }
        self.instruments.insert(name.to_owned(), instrument.clone());
        Ok(())
    }

    fn claim(&mut self, symbol: Symbol, name: &str) -> Result<(), Collision> {
        match self.names.get(&symbol) {
            Some(other) if other != name => Err(Collision {
                names: [other.clone(), name.to_owned()],
                symbol: Box::new(symbol),
            }),
            Some(_) => Ok(()),
            None => {
                self.names.retain(|_, held| held != name);
                self.names.insert(symbol, name.to_owned());
                Ok(())
            }
        }
    }

    /// What the list says of a name.
    #[must_use]
    pub fn instrument(&self, name: &str) -> Option<&Instrument> {
        self.instruments.get(name)
    }

    /// The venue's name of what this is.
    #[must_use]
    pub fn name(&self, symbol: &Symbol) -> Option<&str> {
        self.names.get(symbol).map(String::as_str)
    }

    /// A quantity of an instrument in base currency. The price is needed where contracts are of a
    /// fixed value.
    ///
    /// # Errors
    ///
    /// [`Inconvertible`] says why not.
    pub fn base_quantity(
        &self,
        name: &str,
        quantity: Decimal,
        price: Option<Decimal>,
    ) -> Result<BaseQuantity, Inconvertible> {
        let instrument = self.instrument(name).ok_or(Inconvertible::Unknown)?;
        let Some(contract) = &instrument.contract else {
            return Ok(BaseQuantity::exact(quantity.into()));
        };
        let worth = contract.worth(quantity).ok_or(Inconvertible::Overflow)?;
        match contract.style {
            ContractStyle::Linear => Ok(BaseQuantity::exact(worth)),
            ContractStyle::Inverse => {
                let price = price.filter(|price| price.mantissa() > 0);
                let price = price.ok_or(Inconvertible::Price)?;
                let (base, rounded) = divided(worth, price).ok_or(Inconvertible::Overflow)?;
                Ok(BaseQuantity {
                    base,
                    quote: Some(worth),
                    rounded,
                })
            }
        }
    }
}

impl Contract {
    /// What so many contracts stand for, in its currency; `None` beyond 38 digits.
    #[must_use]
    pub fn worth(&self, contracts: Decimal) -> Option<Wide> {
        let parts = [contracts, self.value, self.multiplier];
        let mut mantissa: i128 = 1;
        let mut scale: u8 = 0;
        for part in parts {
            mantissa = mantissa.checked_mul(i128::from(part.mantissa()))?;
            scale = scale.checked_add(part.scale())?;
        }
        Wide::new(mantissa, scale)
    }
}

impl Instrument {
    /// What it is; `None` if its currencies are not told. OKX leaves those of derivatives to the
    /// contract.
    #[must_use]
    pub fn symbol(&self) -> Option<Symbol> {
        let (base, quote) = match &self.contract {
            _ if !self.base.is_empty() => (&self.base, &self.quote),
            Some(contract) => match contract.style {
                ContractStyle::Linear => (&contract.currency, &self.settle),
                ContractStyle::Inverse => (&self.settle, &contract.currency),
            },
            None => return None,
        };
        (!base.is_empty() && !quote.is_empty()).then(|| Symbol {
            kind: self.kind,
            base: base.clone(),
            quote: quote.clone(),
            settle: self.settle.clone(),
            expires: self.expires,
        })
    }
}

impl Symbol {
    /// Whether no two instruments can rightly share it. Options differ by their strike, and of
    /// kinds that are not known nothing can be said.
    const fn is_unique(&self) -> bool {
        match self.kind {
            InstrumentType::Spot
            | InstrumentType::Margin
            | InstrumentType::Swap
            | InstrumentType::Futures => true,
            InstrumentType::Option | InstrumentType::Other => false,
        }
    }
}

impl BaseQuantity {
    const fn exact(base: Wide) -> Self {
        Self {
            base,
            quote: None,
            rounded: false,
        }
    }
}

/// A value divided by a price, and whether it had to be rounded; `None` beyond 38 digits.
fn divided(value: Wide, price: Decimal) -> Option<(Wide, bool)> {
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

impl fmt::Display for Symbol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}", self.kind.name(), self.base, self.quote)?;
        if !self.settle.is_empty() {
            write!(f, " settled in {}", self.settle)?;
        }
        match self.expires {
            Some(time) => write!(f, " until {}", time.as_nanos()),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Collision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [one, other] = &self.names;
        write!(f, "`{one}` and `{other}` are both {}", self.symbol)
    }
}

impl core::error::Error for Collision {}

impl fmt::Display for Inconvertible {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Unknown => "the venue's list has no such instrument",
            Self::Price => "a price above zero is needed",
            Self::Overflow => "a number with too many digits",
        })
    }
}

impl core::error::Error for Inconvertible {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

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

    fn contract(value: &str, multiplier: &str, currency: &str, style: ContractStyle) -> Contract {
        Contract {
            value: number(value),
            multiplier: number(multiplier),
            currency: currency.to_owned(),
            style,
        }
    }

    fn swap(settle: &str, contract: Contract) -> Instrument {
        Instrument {
            contract: Some(contract),
            ..instrument(InstrumentType::Swap, "", "", settle)
        }
    }

    fn catalog() -> Catalog {
        let linear = contract("0.01", "1", "BTC", ContractStyle::Linear);
        let inverse = contract("100", "1", "USD", ContractStyle::Inverse);
        let spot = instrument(InstrumentType::Spot, "BTC", "USDT", "");
        let mut catalog = Catalog::new();
        for (name, instrument) in [
            ("BTCUSDT", &spot),
            ("BTC-USDT-SWAP", &swap("USDT", linear)),
            ("BTC-USD-SWAP", &swap("BTC", inverse)),
        ] {
            assert_eq!(catalog.add(name, instrument), Ok(()));
        }
        catalog
    }

    #[test]
    fn a_quantity_in_base_currency_is_exact_where_it_can_be_and_says_where_it_is_not() {
        let catalog = catalog();
        let convert = |name, quantity, price: &str| {
            let price = price.parse().ok();
            let amount = catalog.base_quantity(name, number(quantity), price);
            amount.map(|amount| (amount.base.to_string(), amount.quote, amount.rounded))
        };
        let usd = |text: &str| text.parse::<Wide>().ok();
        let exact = |text: &str| Ok((text.to_string(), None, false));
        assert_eq!(convert("BTCUSDT", "0.50", ""), exact("0.50"));
        assert_eq!(convert("BTC-USDT-SWAP", "12.5", ""), exact("0.125"));
        let table = [
            ("3", "50000", "0.006000000000", "300", false),
            ("1", "30000", "0.003333333333", "100", true),
            ("2", "30000", "0.006666666667", "200", true),
            ("1", "0.5", "200.000000000000", "100", false),
        ];
        for (contracts, price, base, quote, rounded) in table {
            let expected = Ok((base.to_string(), usd(quote), rounded));
            assert_eq!(convert("BTC-USD-SWAP", contracts, price), expected);
        }
    }

    #[test]
    fn what_cannot_be_converted_says_why() {
        let mut catalog = catalog();
        let huge = contract(
            "9223372036854775807",
            "9223372036854775807",
            "X",
            ContractStyle::Linear,
        );
        assert_eq!(catalog.add("X", &swap("USDT", huge)), Ok(()));
        let table = [
            ("NONE", "1", Inconvertible::Unknown),
            ("BTC-USD-SWAP", "0", Inconvertible::Price),
            ("BTC-USD-SWAP", "-1", Inconvertible::Price),
            ("X", "1", Inconvertible::Overflow),
        ];
        for (name, price, why) in table {
            let converted = catalog.base_quantity(name, number("4"), Some(number(price)));
            assert_eq!(converted, Err(why), "{name}");
        }
        let without = catalog.base_quantity("BTC-USD-SWAP", number("1"), None);
        assert_eq!(without, Err(Inconvertible::Price));
    }

    #[test]
    fn a_name_is_found_by_what_it_is_and_two_of_the_same_are_refused_by_both_names() {
        let mut catalog = catalog();
        let spot = instrument(InstrumentType::Spot, "BTC", "USDT", "");
        let name = spot.symbol().and_then(|symbol| catalog.name(&symbol));
        assert_eq!(name, Some("BTCUSDT"));
        assert_eq!(catalog.add("BTCUSDT", &spot), Ok(()), "told again");
        let told = catalog
            .add("XBTUSDT", &spot)
            .map_err(|error| error.to_string());
        let both = "`BTCUSDT` and `XBTUSDT` are both spot BTC/USDT";
        assert_eq!(told, Err(both.to_owned()));
        assert_eq!(catalog.instrument("XBTUSDT"), None);
        let margin = instrument(InstrumentType::Margin, "BTC", "USDT", "");
        assert_eq!(catalog.add("BTCUSDT", &margin), Ok(()));
        let kind = catalog
            .instrument("BTCUSDT")
            .map(|instrument| instrument.kind);
        assert_eq!(kind, Some(InstrumentType::Spot));
        let notice = instrument(InstrumentType::Swap, "", "", "");
        assert_eq!(catalog.add("BTCUSDT", &notice), Ok(()));
        assert_eq!(catalog.instrument("BTCUSDT"), Some(&spot));
    }

    #[test]
    fn the_currencies_of_a_contract_stand_in_for_those_that_are_not_told() {
        let inverse = contract("100", "1", "USD", ContractStyle::Inverse);
        let symbol = swap("BTC", inverse).symbol();
        let symbol = symbol.map(|symbol| symbol.to_string());
        assert_eq!(symbol.as_deref(), Some("swap BTC/USD settled in BTC"));
    }
}
