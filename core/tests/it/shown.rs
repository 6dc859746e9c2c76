//! Figures as text: each as `name=value`, in a fixed order, what is absent left out. The numbers
//! stand there as they are printed, so that they are compared character by character.

use std::fmt::{Display, Write as _};

use marketprism_core::market::{
    Body, Candle, Contract, Funding, IndexPrice, Instrument, InstrumentType, Liquidation,
    MarkPrice, OpenInterest, PriceLimit, Ratio, Ticker,
};
use marketprism_core::time::UnixNanos;

use crate::shown_account::{show_balance, show_fill, show_order, show_position};

/// A text that grows by one figure after the other.
pub(crate) struct Figures(String);

impl Figures {
    pub(crate) fn of(kind: &str) -> Self {
        Self(kind.to_owned())
    }

    pub(crate) fn put(mut self, name: &str, value: Option<impl Display>) -> Self {
        if let Some(value) = value {
            write!(self.0, " {name}={value}").unwrap();
        }
        self
    }

    pub(crate) fn time(self, name: &str, time: Option<UnixNanos>) -> Self {
        self.put(name, time.map(UnixNanos::as_nanos))
    }

    /// A text that is empty where there is none.
    pub(crate) fn word(self, name: &str, word: &str) -> Self {
        self.put(name, Some(word).filter(|word| !word.is_empty()))
    }

    pub(crate) fn done(self) -> String {
        self.0
    }
}

/// What is told in figures, as text; `None` for trades and books.
pub(crate) fn figures(body: &Body<'_>) -> Option<String> {
    Some(match body {
        Body::Trade(_) | Body::Book(_) => return None,
        Body::Candle(candle) => show_candle(candle),
        Body::Ticker(ticker) => show_ticker(ticker),
        Body::MarkPrice(price) => show_mark(price),
        Body::IndexPrice(price) => show_index(price),
        Body::Funding(funding) => show_funding(funding),
        Body::PriceLimit(limit) => show_limit(limit),
        Body::OpenInterest(interest) => show_interest(interest),
        Body::Liquidation(liquidation) => show_liquidation(liquidation),
        Body::Ratio(ratio) => show_ratio(ratio),
        Body::Instrument(instrument) => show_instrument(instrument),
        Body::Order(order) => show_order(order),
        Body::Fill(fill) => show_fill(fill),
        Body::Balance(balance) => show_balance(balance),
        Body::Position(position) => show_position(position),
    })
}

fn show_candle(candle: &Candle) -> String {
    Figures::of("candle")
        .put("interval", Some(candle.interval.label()))
        .time("open_time", Some(candle.open_time))
        .time("close_time", candle.close_time)
        .put("open", Some(candle.open))
        .put("high", Some(candle.high))
        .put("low", Some(candle.low))
        .put("close", Some(candle.close))
        .put("volume", candle.volume)
        .put("volume_currency", candle.volume_currency)
        .put("volume_quote", candle.volume_quote)
        .put("taker_buy_volume", candle.taker_buy_volume)
        .put(
            "taker_buy_volume_currency",
            candle.taker_buy_volume_currency,
        )
        .put("trades", candle.trades)
        .put("first_id", candle.first_id)
        .put("last_id", candle.last_id)
        .put("closed", candle.closed)
        .done()
}

fn show_ticker(ticker: &Ticker) -> String {
    Figures::of("ticker")
        .put("window", Some(ticker.window.label()))
        .put("type", ticker.instrument_type.map(InstrumentType::name))
        .put("last", ticker.last)
        .put("last_quantity", ticker.last_quantity)
        .put("ask_price", ticker.ask_price)
        .put("ask_quantity", ticker.ask_quantity)
        .put("bid_price", ticker.bid_price)
        .put("bid_quantity", ticker.bid_quantity)
        .put("open", ticker.open)
        .put("high", ticker.high)
        .put("low", ticker.low)
        .put("before", ticker.before)
        .put("open_utc0", ticker.open_utc0)
        .put("open_utc8", ticker.open_utc8)
        .put("change", ticker.change)
        .put("change_percent", ticker.change_percent)
        .put("average", ticker.average)
        .put("volume", ticker.volume)
        .put("volume_currency", ticker.volume_currency)
        .time("open_time", ticker.open_time)
        .time("close_time", ticker.close_time)
        .put("first_id", ticker.first_id)
        .put("last_id", ticker.last_id)
        .put("trades", ticker.trades)
        .done()
}

fn show_mark(price: &MarkPrice) -> String {
    Figures::of("mark_price")
        .put("mark", Some(price.mark))
        .put("average", price.average)
        .put("index", price.index)
        .put("settlement", price.settlement)
        .done()
}

fn show_index(price: &IndexPrice) -> String {
    Figures::of("index_price")
        .put("price", Some(price.price))
        .put("open_24h", price.open_24h)
        .put("high_24h", price.high_24h)
        .put("low_24h", price.low_24h)
        .put("open_utc0", price.open_utc0)
        .put("open_utc8", price.open_utc8)
        .done()
}

fn show_funding(funding: &Funding) -> String {
    Figures::of("funding")
        .put("rate", Some(funding.rate))
        .time("time", funding.time)
        .time("next_time", funding.next_time)
        .put("next_rate", funding.next_rate)
        .put("min_rate", funding.min_rate)
        .put("max_rate", funding.max_rate)
        .put("interest_rate", funding.interest_rate)
        .put("premium", funding.premium)
        .put("impact_value", funding.impact_value)
        .put("settled_rate", funding.settled_rate)
        .put("settled", funding.settled)
        .done()
}

fn show_limit(limit: &PriceLimit) -> String {
    Figures::of("price_limit")
        .put("highest_buy", limit.highest_buy)
        .put("lowest_sell", limit.lowest_sell)
        .put("enabled", limit.enabled)
        .done()
}

fn show_interest(interest: &OpenInterest) -> String {
    Figures::of("open_interest")
        .put("quantity", Some(interest.quantity))
        .put("base", interest.base)
        .put("usd", interest.usd)
        .done()
}

fn show_liquidation(liquidation: &Liquidation) -> String {
    Figures::of("liquidation")
        .put("side", Some(liquidation.side.name()))
        .put("price", Some(liquidation.price))
        .put("average_price", liquidation.average_price)
        .put("quantity", Some(liquidation.quantity))
        .put("last_filled", liquidation.last_filled)
        .put("filled", liquidation.filled)
        .put("loss", liquidation.loss)
        .done()
}

fn show_ratio(ratio: &Ratio) -> String {
    Figures::of("ratio")
        .put("of", Some(ratio.of.name()))
        .put("ratio", Some(ratio.ratio))
        .put("long", ratio.long)
        .put("short", ratio.short)
        .done()
}

fn show_instrument(instrument: &Instrument) -> String {
    let shown = Figures::of("instrument")
        .put("type", Some(instrument.kind.name()))
        .word("state", &instrument.state)
        .word("pair", &instrument.pair)
        .word("base", &instrument.base)
        .word("quote", &instrument.quote)
        .word("settle", &instrument.settle)
        .put("price_step", instrument.price_step)
        .put("quantity_step", instrument.quantity_step)
        .put("least_quantity", instrument.least_quantity)
        .time("listed", instrument.listed)
        .time("expires", instrument.expires);
    match &instrument.contract {
        Some(contract) => show_contract(shown, contract),
        None => shown.done(),
    }
}

fn show_contract(shown: Figures, contract: &Contract) -> String {
    shown
        .put("value", Some(contract.value))
        .put("multiplier", Some(contract.multiplier))
        .word("currency", &contract.currency)
        .put("style", Some(contract.style.name()))
        .done()
}
