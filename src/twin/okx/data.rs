//! Messages of the public channels.

use std::fmt::Write as _;
use std::time::Duration;

use marketprism_core::market::Channel;

use crate::twin::book::{Level, Side, Top};
use crate::twin::decimal::{Printed, Style};
use crate::twin::market::{Print, Step, SyntheticMarket};
use crate::twin::news::{Clock, Ids, Message, News, join};
use crate::twin::tape::Diff;

/// The interval at which a channel tells of the book, if it does; zero is as it happens.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "the others speak as it happens, or not at all"
)]
pub(in crate::twin) const fn cadence(channel: Channel) -> Option<Duration> {
    match channel {
        Channel::Books | Channel::Tickers => Some(Duration::from_millis(100)),
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
            } else {
                writer.ticker().into_iter().collect()
            }
        }
        _ => Vec::new(),
    }
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
    let (channel, instrument) = stream.split_once(':').unwrap_or((stream, ""));
    format!(r#"{{"arg":{{"channel":"{channel}","instId":"{instrument}"}},{payload}}}"#)
}

struct Writer<'a> {
    book: &'a SyntheticMarket,
    stamp: u64,
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
        let side = match print.resting {
            Side::Bid => "sell",
            Side::Ask => "buy",
        };
        let (stamp, sequence) = (self.stamp, step.update);
        let payload = format!(
            r#""data":[{{"instId":"{instrument}","tradeId":"{last}","px":"{price}","sz":"{quantity}","side":"{side}","ts":"{stamp}","count":"{count}","source":"0","seqId":{sequence}}}]"#
        );
        Message::numbered(payload, Ids { first, last })
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
        let instrument = self.book.instrument().id();
        let kind = if instrument.ends_with("-SWAP") {
            "SWAP"
        } else {
            "SPOT"
        };
        let day = self.book.day();
        let price = |units| price(self.book, units);
        let quantity = |units| quantity(self.book, units);
        let (last, last_size) = (price(day.last), quantity(day.last_quantity));
        let (ask_price, ask_size) = (price(ask.price), quantity(ask.resting.quantity));
        let (bid_price, bid_size) = (price(bid.price), quantity(bid.resting.quantity));
        let (open, high, low) = (price(day.open), price(day.high), price(day.low));
        let (turnover, volume) = (self.turnover(), quantity(day.volume));
        let stamp = self.stamp;
        let payload = format!(
            r#""data":[{{"instType":"{kind}","instId":"{instrument}","last":"{last}","lastSz":"{last_size}","askPx":"{ask_price}","askSz":"{ask_size}","bidPx":"{bid_price}","bidSz":"{bid_size}","open24h":"{open}","high24h":"{high}","low24h":"{low}","sodUtc0":"{open}","sodUtc8":"{open}","volCcy24h":"{turnover}","vol24h":"{volume}","ts":"{stamp}"}}]"#
        );
        Some(Message::plain(payload))
    }

    fn turnover(&self) -> Printed {
        let instrument = self.book.instrument();
        let scale = instrument.price_scale() + instrument.quantity_scale();
        trimmed(self.book.day().turnover, scale)
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

fn price(book: &SyntheticMarket, units: u64) -> Printed {
    trimmed(units, book.instrument().price_scale())
}

fn quantity(book: &SyntheticMarket, units: u64) -> Printed {
    trimmed(units, book.instrument().quantity_scale())
}

const fn trimmed(units: u64, scale: u8) -> Printed {
    Printed {
        units,
        scale,
        style: Style::Trimmed,
    }
}
