//! Messages of the public channels.

use std::fmt::Write as _;
use std::time::Duration;

use marketprism_core::market::{Channel, DayStart, Interval, Scope};

use crate::twin::bars::Bar;
use crate::twin::book::{Level, Side, Top};
use crate::twin::decimal::{Printed, Style};
use crate::twin::instrument::Kind;
use crate::twin::market::{Print, Step, SyntheticMarket};
use crate::twin::news::{Clock, Ids, Message, News, join};
use crate::twin::tape::Diff;

/// Minutes of a day.
const DAY: u64 = 24 * 60;

/// The interval at which a channel tells of the book, if it does; zero is as it happens.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the others speak as it happens, or not at all"
)]
pub(in crate::twin) const fn cadence(channel: Channel) -> Option<Duration> {
    match channel {
        Channel::Books | Channel::Books5 | Channel::Tickers => Some(Duration::from_millis(100)),
        Channel::Books50L2Tbt | Channel::BooksL2Tbt => Some(Duration::ZERO),
        _ => None,
    }
}

/// Levels a side in the snapshot of a channel.
#[expect(clippy::wildcard_enum_match_arm, reason = "one channel has fewer")]
const fn levels(channel: Channel) -> usize {
    match channel {
        Channel::Books50L2Tbt => 50,
        _ => 400,
    }
}

/// What a channel says to the news, each without its `arg`.
pub(in crate::twin) fn messages(
    book: &SyntheticMarket,
    channel: Channel,
    news: News<'_>,
    clock: Clock,
) -> Vec<Message> {
    let writer = Writer {
        book,
        stamp: clock.stamp(news.at()),
    };
    match (news, channel) {
        (News::Step(step), Channel::Trades) => {
            let prints = step.prints.iter();
            prints.map(|print| writer.trade(step, print)).collect()
        }
        (News::Step(step), Channel::TradesAll) => {
            let fills = |print| writer.fills(print);
            step.prints.iter().flat_map(fills).collect()
        }
        (News::Pulse(pulse), Channel::LiquidationOrders) => {
            let print = pulse.liquidation.iter();
            print.map(|print| writer.liquidation(print)).collect()
        }
        (News::Pulse(pulse), Channel::Instruments) if pulse.terms => {
            let row = instrument(book);
            vec![Message::plain(format!(r#""data":[{row}]"#))]
        }
        (News::Step(step), Channel::BboTbt) => {
            let top = step.top.iter();
            top.map(|top| writer.top(step.update, top)).collect()
        }
        (
            News::Interval {
                cadence: at,
                diff: Some(diff),
                ..
            },
            channel,
        ) if cadence(channel) == Some(at) => {
            if channel.begins_with_snapshot() {
                vec![writer.update(diff)]
            } else if diff.levels.is_empty() {
                Vec::new()
            } else if channel == Channel::Books5 {
                vec![writer.best_five(diff.last)]
            } else {
                writer.ticker().into_iter().collect()
            }
        }
        _ => Vec::new(),
    }
}

/// The fills of a print, newest first, with their numbers.
pub(super) fn past(book: &SyntheticMarket, stamp: u64, print: &Print) -> Vec<(u64, String)> {
    let instrument = book.instrument().id();
    let (price, side) = (price(book, print.price), side(print));
    let fill = |(id, filled): &(u64, u64)| {
        let filled = quantity(book, *filled);
        let row = format!(
            r#"{{"instId":"{instrument}","tradeId":"{id}","px":"{price}","sz":"{filled}","side":"{side}","source":"0","ts":"{stamp}"}}"#
        );
        (*id, row)
    };
    print.fills.iter().rev().map(fill).collect()
}

/// The snapshot that a channel of books begins with.
pub(in crate::twin) fn snapshot(
    book: &SyntheticMarket,
    channel: Channel,
    news: News<'_>,
    clock: Clock,
) -> Message {
    let writer = Writer {
        book,
        stamp: clock.stamp(news.at()),
    };
    let side = |side| rows(book, book.book().best_first(side).take(levels(channel)));
    let (bids, asks) = (side(Side::Bid), side(Side::Ask));
    Message::plain(writer.books("snapshot", &bids, &asks, book.update(), None))
}

/// The message as it goes to a client.
pub(in crate::twin) fn envelope(stream: &str, payload: &str) -> String {
    let (channel, subject) = stream.split_once(':').unwrap_or((stream, ""));
    let known: Option<Channel> = channel.parse().ok();
    let uid = match known.is_some_and(Channel::is_private) {
        true => r#","uid":"614488474791111""#,
        false => "",
    };
    let about = match known.map(Channel::scope) {
        Some(Scope::Market) => String::new(),
        Some(Scope::InstrumentType | Scope::AnyType) => format!(r#","instType":"{subject}""#),
        Some(Scope::Instrument | Scope::Pair | Scope::Contract) | None => {
            format!(r#","instId":"{subject}""#)
        }
    };
    format!(r#"{{"arg":{{"channel":"{channel}"{about}{uid}}},{payload}}}"#)
}

/// The name of a kind of instrument.
pub(super) const fn kind_name(kind: Kind) -> &'static str {
    match kind {
        Kind::Spot => "SPOT",
        Kind::Perpetual => "SWAP",
    }
}

/// An instrument as its list has it.
pub(super) fn instrument(book: &SyntheticMarket) -> String {
    let instrument = book.instrument();
    let (id, kind) = (instrument.id(), kind_name(instrument.kind()));
    let (base, quote) = (instrument.base(), instrument.quote());
    let (settle, pair) = (instrument.settle(), instrument.pair());
    let of_spot = format!(
        r#""baseCcy":"{base}","quoteCcy":"{quote}","settleCcy":"","instFamily":"","uly":"","ctVal":"","ctMult":"","ctValCcy":"","ctType":"""#
    );
    let terms = instrument.contract().map_or(of_spot, |contract| {
        let value = trimmed(contract.value, contract.scale);
        let (of, style) = match contract.inverse {
            true => (quote, "inverse"),
            false => (base, "linear"),
        };
        format!(
            r#""baseCcy":"","quoteCcy":"","settleCcy":"{settle}","instFamily":"{pair}","uly":"{pair}","ctVal":"{value}","ctMult":"1","ctValCcy":"{of}","ctType":"{style}""#
        )
    });
    let (tick, lot) = (price(book, 1), quantity(book, 1));
    format!(
        r#"{{"instType":"{kind}","instId":"{id}",{terms},"tickSz":"{tick}","lotSz":"{lot}","minSz":"{lot}","listTime":"1606468572000","expTime":"","state":"live","ruleType":"normal"}}"#
    )
}

pub(super) struct Writer<'a> {
    pub(super) book: &'a SyntheticMarket,
    pub(super) stamp: u64,
}

impl Writer<'_> {
    fn trade(&self, step: &Step, print: &Print) -> Message {
        let (first, last) = print.trades();
        let count = print.fills.len();
        let instrument = self.book.instrument().id();
        let (price, quantity) = (
            price(self.book, print.price),
            quantity(self.book, print.quantity()),
        );
        let side = side(print);
        let (stamp, sequence) = (self.stamp, step.update);
        let payload = format!(
            r#""data":[{{"instId":"{instrument}","tradeId":"{last}","px":"{price}","sz":"{quantity}","side":"{side}","ts":"{stamp}","count":"{count}","source":"0","seqId":{sequence}}}]"#
        );
        Message::numbered(payload, Ids { first, last })
    }

    /// Every fill for itself.
    fn fills(&self, print: &Print) -> Vec<Message> {
        let message = |(id, row)| {
            let (first, last) = (id, id);
            Message::numbered(format!(r#""data":[{row}]"#), Ids { first, last })
        };
        let rows = past(self.book, self.stamp, print);
        rows.into_iter().rev().map(message).collect()
    }

    fn liquidation(&self, print: &Print) -> Message {
        let (instrument, stamp) = (self.book.instrument(), self.stamp);
        let (id, pair) = (instrument.id(), instrument.pair());
        let kind = kind_name(instrument.kind());
        let (side, held) = match print.resting {
            Side::Bid => ("sell", "long"),
            Side::Ask => ("buy", "short"),
        };
        let price = price(self.book, print.price);
        let size = quantity(self.book, print.quantity());
        Message::plain(format!(
            r#""data":[{{"details":[{{"bkLoss":"0","bkPx":"{price}","ccy":"","posSide":"{held}","side":"{side}","sz":"{size}","ts":"{stamp}"}}],"instFamily":"{pair}","instId":"{id}","instType":"{kind}","uly":"{pair}"}}]"#
        ))
    }

    /// The best five levels.
    fn best_five(&self, update: u64) -> Message {
        let (instrument, stamp) = (self.book.instrument().id(), self.stamp);
        let side = |side| rows(self.book, self.book.book().best_first(side).take(5));
        let (asks, bids) = (side(Side::Ask), side(Side::Bid));
        Message::plain(format!(
            r#""data":[{{"asks":{asks},"bids":{bids},"instId":"{instrument}","ts":"{stamp}","seqId":{update}}}]"#
        ))
    }

    fn top(&self, update: u64, Top { bid, ask }: &Top) -> Message {
        let (asks, bids) = (rows(self.book, [*ask]), rows(self.book, [*bid]));
        let stamp = self.stamp;
        let payload =
            format!(r#""data":[{{"asks":{asks},"bids":{bids},"ts":"{stamp}","seqId":{update}}}]"#);
        Message::plain(payload)
    }

    fn update(&self, diff: &Diff) -> Message {
        let of = |side| diff.levels.iter().filter(move |(of, _)| *of == side);
        let bids = rows(self.book, of(Side::Bid).rev().map(|(_, level)| *level));
        let asks = rows(self.book, of(Side::Ask).map(|(_, level)| *level));
        let payload = self.books("update", &bids, &asks, diff.last, Some(diff.previous));
        // An empty update says that there is nothing to lose.
        let ids = (diff.last != diff.previous).then(|| Ids {
            first: diff.previous + 1,
            last: diff.last,
        });
        Message {
            payload,
            ids,
            void: false,
        }
    }

    fn books(
        &self,
        action: &str,
        bids: &str,
        asks: &str,
        sequence: u64,
        previous: Option<u64>,
    ) -> String {
        let previous = previous.map_or_else(|| "-1".to_owned(), |previous| previous.to_string());
        let stamp = self.stamp;
        format!(
            r#""action":"{action}","data":[{{"asks":{asks},"bids":{bids},"ts":"{stamp}","checksum":0,"seqId":{sequence},"prevSeqId":{previous}}}]"#
        )
    }

    fn ticker(&self) -> Option<Message> {
        let Top { bid, ask } = self.book.book().top()?;
        let instrument = self.book.instrument();
        let (id, kind) = (instrument.id(), kind_name(instrument.kind()));
        let day = self.book.bars().window(DAY);
        let price = |units| price(self.book, units);
        let quantity = |units| quantity(self.book, units);
        let (last, last_size) = (price(day.close), quantity(day.last_quantity));
        let (ask_price, ask_size) = (price(ask.price), quantity(ask.resting.quantity));
        let (bid_price, bid_size) = (price(bid.price), quantity(bid.resting.quantity));
        let (open, high, low) = (price(day.open), price(day.high), price(day.low));
        let [utc, utc8] = DayStart::ALL.map(|start| {
            let today = self.book.bars().candle(Interval::D1, start);
            price(today.map_or(day.open, |(today, _)| today.open))
        });
        let (volume, in_currency) = (quantity(day.volume), volume_currency(self.book, &day));
        let stamp = self.stamp;
        let payload = format!(
            r#""data":[{{"instType":"{kind}","instId":"{id}","last":"{last}","lastSz":"{last_size}","askPx":"{ask_price}","askSz":"{ask_size}","bidPx":"{bid_price}","bidSz":"{bid_size}","open24h":"{open}","high24h":"{high}","low24h":"{low}","sodUtc0":"{utc}","sodUtc8":"{utc8}","volCcy24h":"{in_currency}","vol24h":"{volume}","ts":"{stamp}"}}]"#
        );
        Some(Message::plain(payload))
    }
}

/// A volume in the other currency: quote currency of spot, base currency of contracts.
pub(super) fn volume_currency(book: &SyntheticMarket, bar: &Bar) -> Printed {
    let instrument = book.instrument();
    match instrument.contract() {
        Some(contract) if !contract.inverse => trimmed(
            bar.volume.saturating_mul(contract.value),
            instrument.quantity_scale() + contract.scale,
        ),
        Some(_) | None => trimmed(bar.turnover, instrument.turnover_scale()),
    }
}

/// A volume in quote currency.
pub(super) fn volume_quote(book: &SyntheticMarket, bar: &Bar) -> Printed {
    let instrument = book.instrument();
    match instrument.contract() {
        Some(contract) if contract.inverse => trimmed(
            bar.volume.saturating_mul(contract.value),
            instrument.quantity_scale() + contract.scale,
        ),
        Some(contract) => trimmed(
            bar.turnover.saturating_mul(contract.value),
            instrument.turnover_scale() + contract.scale,
        ),
        None => trimmed(bar.turnover, instrument.turnover_scale()),
    }
}

/// The side of the taker.
const fn side(print: &Print) -> &'static str {
    match print.resting {
        Side::Bid => "sell",
        Side::Ask => "buy",
    }
}

/// Levels as rows of price, quantity, a zero of old times, and the number of orders.
pub(super) fn rows(book: &SyntheticMarket, levels: impl IntoIterator<Item = Level>) -> String {
    let mut out = String::from("[");
    join(&mut out, levels, |out, level| {
        let (price, resting) = (price(book, level.price), level.resting);
        let (quantity, orders) = (quantity(book, resting.quantity), resting.orders);
        // Writing to a string cannot fail.
        write!(out, r#"["{price}","{quantity}","0","{orders}"]"#).unwrap_or_default();
    });
    out.push(']');
    out
}

pub(super) fn price(book: &SyntheticMarket, units: u64) -> Printed {
    trimmed(units, book.instrument().price_scale())
}

pub(super) fn quantity(book: &SyntheticMarket, units: u64) -> Printed {
    trimmed(units, book.instrument().quantity_scale())
}

pub(super) const fn trimmed(units: u64, scale: u8) -> Printed {
    Printed {
        units,
        scale,
        style: Style::Trimmed,
    }
}
