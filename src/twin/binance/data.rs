//! Messages of the market-data streams ("Detailed Stream information").

use std::fmt::Write as _;

use marketprism_core::market::{Channel, DepthLevels, Market, Speed};

use crate::twin::book::{Level, Side, Top};
use crate::twin::decimal::{Printed, Style};
use crate::twin::market::{Print, Step, SyntheticMarket};
use crate::twin::news::{Clock, Ids, Message, News, join};
use crate::twin::tape::{Diff, cadence};

/// What a channel of this market says to the news; often nothing.
pub(in crate::twin) fn messages(
    market: Market,
    book: &SyntheticMarket,
    channel: Channel,
    news: News<'_>,
    clock: Clock,
) -> Vec<Message> {
    let writer = Writer {
        market,
        book,
        stamp: clock.stamp(news.at()),
    };
    match (news, channel) {
        (News::Step(step), Channel::Trade) => writer.trades(step),
        (News::Step(step), Channel::AggTrade) => step
            .prints
            .iter()
            .map(|print| writer.aggregate(print))
            .collect(),
        (News::Step(step), Channel::BookTicker) => {
            let top = step.top.iter();
            top.map(|top| writer.top(step.update, top)).collect()
        }
        (News::Interval { cadence, diff, .. }, Channel::Depth(speed)) => {
            let diff = diff.filter(|_| speaks(market, speed, cadence));
            diff.iter().map(|diff| writer.diff(diff)).collect()
        }
        (News::Interval { cadence, diff, .. }, Channel::DepthPartial(levels, speed)) => {
            let diff = diff.filter(|_| speaks(market, speed, cadence));
            diff.iter()
                .map(|diff| writer.partial(diff, levels))
                .collect()
        }
        _ => Vec::new(),
    }
}

/// The payload as it goes to a client.
pub(in crate::twin) fn envelope(wrapped: bool, stream: &str, payload: String) -> String {
    if wrapped {
        let stream = serde_json::Value::from(stream);
        format!(r#"{{"stream":{stream},"data":{payload}}}"#)
    } else {
        payload
    }
}

fn speaks(market: Market, speed: Speed, interval: std::time::Duration) -> bool {
    cadence(market, speed) == Some(interval)
}

struct Writer<'a> {
    market: Market,
    book: &'a SyntheticMarket,
    stamp: u64,
}

impl Writer<'_> {
    fn trades(&self, step: &Step) -> Vec<Message> {
        let mut messages: Vec<Message> = step.spent.iter().map(|id| self.spent(*id)).collect();
        for print in &step.prints {
            let fills = print.fills.iter();
            messages.extend(fills.map(|(id, quantity)| self.trade(print, *id, *quantity)));
        }
        messages
    }

    fn trade(&self, print: &Print, id: u64, quantity: u64) -> Message {
        let Self { stamp, .. } = self;
        let symbol = self.symbol();
        let (price, quantity) = (self.price(print.price), self.quantity(quantity));
        let maker = buyer_is_maker(print);
        let payload = match self.market {
            Market::BinanceUsdm | Market::BinanceCoinm => format!(
                r#"{{"e":"trade","E":{stamp},"T":{stamp},"s":"{symbol}","t":{id},"p":"{price}","q":"{quantity}","X":"MARKET","m":{maker},"st":1}}"#
            ),
            Market::BinanceSpot | Market::Okx => format!(
                r#"{{"e":"trade","E":{stamp},"s":"{symbol}","t":{id},"p":"{price}","q":"{quantity}","T":{stamp},"m":{maker},"M":true}}"#
            ),
        };
        told(payload, id, id)
    }

    /// A trade id that was used up without a trade.
    fn spent(&self, id: u64) -> Message {
        let Self { stamp, .. } = self;
        let symbol = self.symbol();
        let payload = format!(
            r#"{{"e":"trade","E":{stamp},"T":{stamp},"s":"{symbol}","t":{id},"p":"0","q":"0","X":"NA","m":false,"st":1}}"#
        );
        Message {
            void: true,
            ..told(payload, id, id)
        }
    }

    fn aggregate(&self, print: &Print) -> Message {
        let Self { stamp, .. } = self;
        let (symbol, id) = (self.symbol(), print.aggregate);
        let (price, quantity) = (self.price(print.price), self.quantity(print.quantity()));
        let (first, last) = print.trades();
        let maker = buyer_is_maker(print);
        let payload = match self.market {
            Market::BinanceUsdm | Market::BinanceCoinm => format!(
                r#"{{"e":"aggTrade","E":{stamp},"s":"{symbol}","a":{id},"p":"{price}","q":"{quantity}","nq":"{quantity}","f":{first},"l":{last},"T":{stamp},"m":{maker},"st":1}}"#
            ),
            Market::BinanceSpot | Market::Okx => format!(
                r#"{{"e":"aggTrade","E":{stamp},"s":"{symbol}","a":{id},"p":"{price}","q":"{quantity}","f":{first},"l":{last},"T":{stamp},"m":{maker},"M":true}}"#
            ),
        };
        told(payload, id, id)
    }

    fn top(&self, update: u64, Top { bid, ask }: &Top) -> Message {
        let Self { stamp, .. } = self;
        let symbol = self.symbol();
        let (bid_price, bid_quantity) = self.level(bid);
        let (ask_price, ask_quantity) = self.level(ask);
        let levels = format!(
            r#""b":"{bid_price}","B":"{bid_quantity}","a":"{ask_price}","A":"{ask_quantity}""#
        );
        let payload = match self.market {
            Market::BinanceUsdm | Market::BinanceCoinm => format!(
                r#"{{"e":"bookTicker","u":{update},"E":{stamp},"T":{stamp},"s":"{symbol}","ps":"{symbol}",{levels},"st":1}}"#
            ),
            Market::BinanceSpot | Market::Okx => {
                format!(r#"{{"u":{update},"s":"{symbol}",{levels}}}"#)
            }
        };
        Message::plain(payload)
    }

    fn diff(&self, diff: &Diff) -> Message {
        let of = |side| diff.levels.iter().filter(move |(of, _)| *of == side);
        // Bids are told from the best down, as asks are from the best up.
        let bids = of(Side::Bid).rev().map(|(_, level)| *level);
        let asks = of(Side::Ask).map(|(_, level)| *level);
        let payload = self.depth_update(diff, self.levels(bids), self.levels(asks));
        told(payload, diff.first, diff.last)
    }

    fn partial(&self, diff: &Diff, levels: DepthLevels) -> Message {
        let count = usize::from(levels.count());
        let side = |side| self.levels(self.book.book().best_first(side).take(count));
        let (bids, asks) = (side(Side::Bid), side(Side::Ask));
        let payload = match self.market {
            Market::BinanceUsdm | Market::BinanceCoinm => self.depth_update(diff, bids, asks),
            Market::BinanceSpot | Market::Okx => {
                let update = diff.last;
                format!(r#"{{"lastUpdateId":{update},"bids":{bids},"asks":{asks}}}"#)
            }
        };
        Message::plain(payload)
    }

    fn depth_update(&self, diff: &Diff, bids: String, asks: String) -> String {
        let Self { stamp, .. } = self;
        let Diff {
            first,
            last,
            previous,
            ..
        } = diff;
        let symbol = self.symbol();
        match self.market {
            Market::BinanceUsdm | Market::BinanceCoinm => format!(
                r#"{{"e":"depthUpdate","E":{stamp},"T":{stamp},"s":"{symbol}","U":{first},"u":{last},"pu":{previous},"b":{bids},"a":{asks},"ps":"{symbol}","st":1}}"#
            ),
            Market::BinanceSpot | Market::Okx => format!(
                r#"{{"e":"depthUpdate","E":{stamp},"s":"{symbol}","U":{first},"u":{last},"b":{bids},"a":{asks}}}"#
            ),
        }
    }

    fn symbol(&self) -> &str {
        self.book.instrument().id()
    }

    fn price(&self, units: u64) -> Printed {
        price(self.market, self.book, units)
    }

    fn quantity(&self, units: u64) -> Printed {
        quantity(self.market, self.book, units)
    }

    fn level(&self, level: &Level) -> (Printed, Printed) {
        (
            self.price(level.price),
            self.quantity(level.resting.quantity),
        )
    }

    fn levels(&self, levels: impl Iterator<Item = Level>) -> String {
        rows(self.market, self.book, levels)
    }
}

/// Levels as rows of price and quantity.
pub(super) fn rows(
    market: Market,
    book: &SyntheticMarket,
    levels: impl Iterator<Item = Level>,
) -> String {
    let mut out = String::from("[");
    join(&mut out, levels, |out, level| {
        let price = price(market, book, level.price);
        let quantity = quantity(market, book, level.resting.quantity);
        // Writing to a string cannot fail.
        write!(out, r#"["{price}","{quantity}"]"#).unwrap_or_default();
    });
    out.push(']');
    out
}

fn price(market: Market, book: &SyntheticMarket, units: u64) -> Printed {
    printed(market, units, book.instrument().price_scale())
}

fn quantity(market: Market, book: &SyntheticMarket, units: u64) -> Printed {
    printed(market, units, book.instrument().quantity_scale())
}

/// Spot prints eight decimals, USD-M those of the instrument's grid.
const fn printed(market: Market, units: u64, scale: u8) -> Printed {
    let places = match market {
        Market::BinanceSpot => 8,
        Market::BinanceUsdm | Market::BinanceCoinm | Market::Okx => scale,
    };
    Printed {
        units,
        scale,
        style: Style::Padded(places),
    }
}

/// The buyer is the maker where bids were taken from.
fn buyer_is_maker(print: &Print) -> bool {
    print.resting == Side::Bid
}

const fn told(payload: String, first: u64, last: u64) -> Message {
    Message::numbered(payload, Ids { first, last })
}
