//! Lines of what is told in figures. What a venue leaves out is left out here.

use marketprism_core::UnixNanos;
use marketprism_core::market::{
    Candle, Contract, Decimal, Funding, IndexPrice, Instrument, InstrumentType, Liquidation,
    MarkPrice, OpenInterest, PriceLimit, Ratio, Ticker, Wide,
};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::Text;

/// Figures as the members of a line.
pub(super) struct Figures<'a, T>(pub(super) &'a T);

impl<T: Tell> Serialize for Figures<'_, T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut members = Members(serializer.serialize_map(None)?);
        self.0.tell(&mut members)?;
        members.0.end()
    }
}

/// Tells its figures one by one.
pub(super) trait Tell {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error>;
}

/// The members of a line that is being written.
pub(super) struct Members<M>(M);

impl<M: SerializeMap> Members<M> {
    pub(super) fn put<T: Serialize>(
        &mut self,
        key: &'static str,
        value: Option<T>,
    ) -> Result<(), M::Error> {
        match value {
            Some(value) => self.0.serialize_entry(key, &value),
            None => Ok(()),
        }
    }

    fn decimal(&mut self, key: &'static str, value: Option<Decimal>) -> Result<(), M::Error> {
        self.put(key, value.map(Text))
    }

    pub(super) fn wide(&mut self, key: &'static str, value: Option<Wide>) -> Result<(), M::Error> {
        self.put(key, value.map(Text))
    }

    pub(super) fn time(
        &mut self,
        key: &'static str,
        value: Option<UnixNanos>,
    ) -> Result<(), M::Error> {
        self.put(key, value.map(UnixNanos::as_nanos))
    }

    /// A text that is empty where there is none.
    pub(super) fn text(&mut self, key: &'static str, value: &str) -> Result<(), M::Error> {
        self.put(key, Some(value).filter(|text| !text.is_empty()))
    }
}

impl Tell for Candle {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        to.put("interval", Some(self.interval.label()))?;
        to.time("open_ns", Some(self.open_time))?;
        to.time("close_ns", self.close_time)?;
        to.decimal("open", Some(self.open))?;
        to.decimal("high", Some(self.high))?;
        to.decimal("low", Some(self.low))?;
        to.decimal("close", Some(self.close))?;
        to.wide("volume", self.volume)?;
        to.wide("volume_currency", self.volume_currency)?;
        to.wide("volume_quote", self.volume_quote)?;
        to.wide("taker_buy_volume", self.taker_buy_volume)?;
        to.wide("taker_buy_volume_currency", self.taker_buy_volume_currency)?;
        to.put("trades", self.trades)?;
        to.put("first_id", self.first_id)?;
        to.put("last_id", self.last_id)?;
        to.put("closed", self.closed)
    }
}

impl Tell for Ticker {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        to.put("window", Some(self.window.label()))?;
        to.put(
            "instrument_type",
            self.instrument_type.map(InstrumentType::name),
        )?;
        to.decimal("last", self.last)?;
        to.decimal("last_quantity", self.last_quantity)?;
        to.decimal("ask_price", self.ask_price)?;
        to.decimal("ask_quantity", self.ask_quantity)?;
        to.decimal("bid_price", self.bid_price)?;
        to.decimal("bid_quantity", self.bid_quantity)?;
        to.decimal("open", self.open)?;
        to.decimal("high", self.high)?;
        to.decimal("low", self.low)?;
        to.decimal("before", self.before)?;
        to.decimal("open_utc0", self.open_utc0)?;
        to.decimal("open_utc8", self.open_utc8)?;
        to.decimal("change", self.change)?;
        to.decimal("change_percent", self.change_percent)?;
        to.decimal("average", self.average)?;
        to.wide("volume", self.volume)?;
        to.wide("volume_currency", self.volume_currency)?;
        to.time("open_ns", self.open_time)?;
        to.time("close_ns", self.close_time)?;
        to.put("first_id", self.first_id)?;
        to.put("last_id", self.last_id)?;
        to.put("trades", self.trades)
    }
}

impl Tell for MarkPrice {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        to.decimal("mark", Some(self.mark))?;
        to.decimal("average", self.average)?;
        to.decimal("index", self.index)?;
        to.decimal("settlement", self.settlement)
    }
}

impl Tell for IndexPrice {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        to.decimal("price", Some(self.price))?;
        to.decimal("open_24h", self.open_24h)?;
        to.decimal("high_24h", self.high_24h)?;
        to.decimal("low_24h", self.low_24h)?;
        to.decimal("open_utc0", self.open_utc0)?;
        to.decimal("open_utc8", self.open_utc8)
    }
}

impl Tell for Funding {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        to.wide("rate", Some(self.rate))?;
        to.time("funding_ns", self.time)?;
        to.time("next_funding_ns", self.next_time)?;
        to.wide("next_rate", self.next_rate)?;
        to.wide("min_rate", self.min_rate)?;
        to.wide("max_rate", self.max_rate)?;
        to.wide("interest_rate", self.interest_rate)?;
        to.wide("premium", self.premium)?;
        to.wide("impact_value", self.impact_value)?;
        to.wide("settled_rate", self.settled_rate)?;
        to.put("settled", self.settled)
    }
}

impl Tell for PriceLimit {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        to.decimal("highest_buy", self.highest_buy)?;
        to.decimal("lowest_sell", self.lowest_sell)?;
        to.put("enabled", self.enabled)
    }
}

impl Tell for OpenInterest {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        to.wide("quantity", Some(self.quantity))?;
        to.wide("base", self.base)?;
        to.wide("usd", self.usd)
    }
}

impl Tell for Liquidation {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        to.put("side", Some(self.side.name()))?;
        to.decimal("price", Some(self.price))?;
        to.decimal("average_price", self.average_price)?;
        to.decimal("quantity", Some(self.quantity))?;
        to.decimal("last_filled", self.last_filled)?;
        to.decimal("filled", self.filled)?;
        to.wide("loss", self.loss)
    }
}

impl Tell for Ratio {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        to.put("of", Some(self.of.name()))?;
        to.decimal("ratio", Some(self.ratio))?;
        to.decimal("long", self.long)?;
        to.decimal("short", self.short)
    }
}

impl Tell for Instrument {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        to.put("type", Some(self.kind.name()))?;
        to.text("state", &self.state)?;
        to.text("pair", &self.pair)?;
        to.text("base", &self.base)?;
        to.text("quote", &self.quote)?;
        to.text("settle", &self.settle)?;
        to.wide("price_step", self.price_step)?;
        to.wide("quantity_step", self.quantity_step)?;
        to.wide("least_quantity", self.least_quantity)?;
        to.put("contract", self.contract.as_ref().map(Figures))?;
        to.time("listed_ns", self.listed)?;
        to.time("expires_ns", self.expires)
    }
}

impl Tell for Contract {
    fn tell<M: SerializeMap>(&self, to: &mut Members<M>) -> Result<(), M::Error> {
        to.decimal("value", Some(self.value))?;
        to.decimal("multiplier", Some(self.multiplier))?;
        to.text("currency", &self.currency)?;
        to.put("style", Some(self.style.name()))
    }
}
