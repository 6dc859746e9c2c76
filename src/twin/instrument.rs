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
    price: u64,
    price_scale: u8,
    lot: u64,
    quantity_scale: u8,
}

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
        let quantity_scale = match market {
            Market::BinanceSpot => 5,
            Market::BinanceUsdm | Market::BinanceCoinm => 3,
            Market::Okx => 4,
        };
        Self {
            id,
            price,
            price_scale,
            lot,
            quantity_scale,
        }
    }

    /// The venue's name.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.id
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
    fn any_other_name_gives_an_instrument_with_a_price() {
        for id in ["DOGEUSDT", "x", "BTC-USD_UM-SWAP", "1000PEPEUSDT"] {
            let instrument = Instrument::new(Market::BinanceSpot, id).unwrap();
            assert!(instrument.home() >= 10_000);
            assert_eq!(instrument.id(), id.to_ascii_uppercase());
        }
    }
}
