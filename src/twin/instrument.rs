//! What is traded: names, price steps and lots, all in integers.

use std::fmt;

use marketprism_core::market::Market;

/// The longest name of an instrument.
const MAX_ID: usize = 64;

/// An instrument of the twin: its venue's name for it, and the grid that its prices and
/// quantities lie on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Instrument {
    id: String,
    kind: Kind,
    pair: String,
    base: String,
    quote: String,
    price: u64,
    price_scale: u8,
    lot: u64,
    quantity_scale: u8,
    contract: Option<Contract>,
}

/// What kind of instrument it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// The thing itself.
    Spot,
    /// A contract on it that never ends.
    Perpetual,
}

/// What one contract is worth, where quantities are contracts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Contract {
    /// In units of `10^-scale`.
    pub(super) value: u64,
    pub(super) scale: u8,
    /// Whether the value is in quote currency, so that its worth in base currency moves.
    pub(super) inverse: bool,
}

/// Decimals of the base currency that inverse contracts are worth.
const BASE_SCALE: u8 = 8;
/// The quote currencies that Binance's names end in.
const QUOTES: [&str; 6] = ["USDT", "USDC", "FDUSD", "USD", "BTC", "ETH"];

/// Why there can be no such instrument.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct InvalidInstrument;

impl fmt::Display for InvalidInstrument {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "an instrument's name has 1 to {MAX_ID} characters, letters, digits, - and _ only"
        )
    }
}

impl std::error::Error for InvalidInstrument {}

impl Instrument {
    /// An instrument with this name, as its market prints it (`BTCUSDT`, `BTC-USDT-SWAP`).
    ///
    /// Price level and grid are those of the coin where it is a well-known one, otherwise drawn
    /// from the name.
    ///
    /// # Errors
    ///
    /// [`InvalidInstrument`] for a name that no venue would print.
    pub fn new(market: Market, id: &str) -> Result<Self, InvalidInstrument> {
        let named = (1..=MAX_ID).contains(&id.len())
            && id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'));
        if !named {
            return Err(InvalidInstrument);
        }
        Ok(Self::on_grid(market, id.to_ascii_uppercase()))
    }

    /// The instruments that a market has unless told otherwise.
    #[must_use]
    pub fn defaults(market: Market) -> Vec<Self> {
        let ids: &[&str] = match market {
            Market::BinanceSpot | Market::BinanceUsdm => &["BTCUSDT", "ETHUSDT"],
            Market::BinanceCoinm => &["BTCUSD_PERP", "ETHUSD_PERP"],
            Market::Okx => &["BTC-USDT", "ETH-USDT", "BTC-USDT-SWAP", "ETH-USDT-SWAP"],
        };
        ids.iter()
            .map(|id| Self::on_grid(market, (*id).to_owned()))
            .collect()
    }

    fn on_grid(market: Market, id: String) -> Self {
        let (price, price_scale, lot) = match id.get(..3) {
            Some("BTC") => (6_710_000, 2, 1),
            Some("ETH") => (248_000, 2, 10),
            Some("SOL") => (14_250, 2, 100),
            _ => (10_000 + name_hash(&id) % 90_000, 4, 1_000),
        };
        let kind = match market {
            Market::BinanceSpot => Kind::Spot,
            Market::Okx if !id.ends_with("-SWAP") => Kind::Spot,
            Market::BinanceUsdm | Market::BinanceCoinm | Market::Okx => Kind::Perpetual,
        };
        let pair = pair(market, &id).to_owned();
        let (base, quote) = currencies(market, &pair);
        let contract = contract(market, kind, base, quote);
        let quantity_scale = match (market, kind) {
            (Market::BinanceSpot, _) => 5,
            (Market::BinanceUsdm, _) => 3,
            (Market::BinanceCoinm, _) => 0,
            (Market::Okx, Kind::Spot) => 4,
            (Market::Okx, Kind::Perpetual) => 2,
        };
        Self {
            kind,
            base: base.to_owned(),
            quote: quote.to_owned(),
            pair,
            id,
            price,
            price_scale,
            lot,
            quantity_scale,
            contract,
        }
    }

    /// The venue's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
    }

    pub(super) const fn kind(&self) -> Kind {
        self.kind
    }

    /// The pair that it is a contract on (`BTCUSD`), or the index (OKX `BTC-USDT`).
    pub(super) fn pair(&self) -> &str {
        &self.pair
    }

    pub(super) fn base(&self) -> &str {
        &self.base
    }

    pub(super) fn quote(&self) -> &str {
        &self.quote
    }

    /// The currency in which profit is paid.
    pub(super) fn settle(&self) -> &str {
        match self.contract {
            Some(Contract { inverse: true, .. }) => &self.base,
            Some(Contract { inverse: false, .. }) | None => &self.quote,
        }
    }

    /// What a contract is worth; `None` where quantities are in base currency.
    pub(super) const fn contract(&self) -> Option<Contract> {
        self.contract
    }

    /// What a quantity is worth at a price: price times quantity, and base currency where
    /// contracts are worth a fixed sum of quote currency.
    pub(super) fn turnover(&self, price: u64, quantity: u64) -> u64 {
        let (value, scale) = match self.contract {
            Some(Contract {
                value,
                scale,
                inverse: true,
            }) => (value, scale),
            Some(Contract { inverse: false, .. }) | None => return price.saturating_mul(quantity),
        };
        let sum = u128::from(quantity) * u128::from(value);
        let up = 10u128.pow(u32::from(BASE_SCALE + self.price_scale));
        let down = u128::from(price.max(1)) * 10u128.pow(u32::from(scale + self.quantity_scale));
        u64::try_from(sum.saturating_mul(up) / down).unwrap_or(u64::MAX)
    }

    /// Decimals of what [`turnover`](Self::turnover) gives.
    pub(super) const fn turnover_scale(&self) -> u8 {
        match self.contract {
            Some(Contract { inverse: true, .. }) => BASE_SCALE,
            Some(Contract { inverse: false, .. }) | None => self.price_scale + self.quantity_scale,
        }
    }

    /// Where the walk of its price begins, and what it is drawn back to: in price steps.
    pub(super) const fn home(&self) -> u64 {
        self.price
    }

    /// Decimals of a price; one price step is the last of them.
    pub(super) const fn price_scale(&self) -> u8 {
        self.price_scale
    }

    /// The unit of what people trade at once.
    pub(super) const fn lot(&self) -> u64 {
        self.lot
    }

    /// Decimals of a quantity.
    pub(super) const fn quantity_scale(&self) -> u8 {
        self.quantity_scale
    }
}

fn pair(market: Market, id: &str) -> &str {
    match market {
        Market::BinanceSpot | Market::BinanceUsdm => id,
        Market::BinanceCoinm => id.split_once('_').map_or(id, |(pair, _)| pair),
        Market::Okx => id.strip_suffix("-SWAP").unwrap_or(id),
    }
}

/// Base and quote currency of a pair.
fn currencies(market: Market, pair: &str) -> (&str, &str) {
    let split = match market {
        Market::Okx => pair.split_once('-'),
        Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => QUOTES
            .iter()
            .find_map(|quote| Some((pair.strip_suffix(quote)?, *quote))),
    };
    split.unwrap_or((pair, ""))
}

/// COIN-M and inverse contracts of OKX: 100 dollars of bitcoin, 10 of anything else. Linear ones
/// of OKX: a hundredth of a bitcoin, a tenth of an ether, one of anything else.
fn contract(market: Market, kind: Kind, base: &str, quote: &str) -> Option<Contract> {
    let dollars = if base == "BTC" { 100 } else { 10 };
    let coins = match base {
        "BTC" => (1, 2),
        "ETH" => (1, 1),
        _ => (1, 0),
    };
    let (value, scale, inverse) = match (market, kind) {
        (Market::BinanceSpot | Market::BinanceUsdm, _) | (Market::Okx, Kind::Spot) => return None,
        (Market::BinanceCoinm, _) => (dollars, 0, true),
        (Market::Okx, Kind::Perpetual) if quote == "USD" => (dollars, 0, true),
        (Market::Okx, Kind::Perpetual) => (coins.0, coins.1, false),
    };
    Some(Contract {
        value,
        scale,
        inverse,
    })
}

/// FNV-1a: any fixed function of the name does.
fn name_hash(name: &str) -> u64 {
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_no_venue_prints_are_refused() {
        for id in ["", "BTC/USDT", "BTC USDT", "\"", &"A".repeat(65)] {
            assert_eq!(
                Instrument::new(Market::Okx, id),
                Err(InvalidInstrument),
                "{id}"
            );
        }
    }

    #[test]
    fn what_a_quantity_is_worth_depends_on_the_contract() {
        let of = |market, id| Instrument::new(market, id).unwrap();
        let spot = of(Market::BinanceSpot, "BTCUSDT");
        assert_eq!(
            (spot.turnover(6_710_000, 3), spot.turnover_scale()),
            (20_130_000, 7)
        );
        assert_eq!(
            (spot.base(), spot.quote(), spot.settle()),
            ("BTC", "USDT", "USDT")
        );
        // Two contracts of 100 USD at 50,000 USD are 0.004 BTC.
        let coin = of(Market::BinanceCoinm, "BTCUSD_PERP");
        assert_eq!(
            (coin.turnover(5_000_000, 2), coin.turnover_scale()),
            (400_000, 8)
        );
        assert_eq!((coin.pair(), coin.settle()), ("BTCUSD", "BTC"));
        let swap = of(Market::Okx, "ETH-USDT-SWAP");
        let linear = Contract {
            value: 1,
            scale: 1,
            inverse: false,
        };
        assert_eq!(swap.contract(), Some(linear));
        assert_eq!(
            (swap.pair(), swap.base(), swap.settle()),
            ("ETH-USDT", "ETH", "USDT")
        );
    }

    #[test]
    fn any_other_name_gives_an_instrument_with_a_price() {
        for id in ["DOGEUSDT", "x", "BTC-USD_UM-SWAP", "1000PEPEUSDT"] {
            let instrument = Instrument::new(Market::BinanceSpot, id).unwrap();
            assert!(instrument.home() >= 10_000);
            assert_eq!(instrument.id(), id.to_ascii_uppercase());
        }
    }
}
