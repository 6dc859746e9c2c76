//! Messages of the market-data streams ("Detailed Stream information").

use std::fmt::Write as _;

use marketprism_core::market::{Channel, DepthLevels, Market, Speed};

use crate::twin::book::{Level, Side, Top};
use crate::twin::decimal::{Printed, Style};
use crate::twin::figures::Block;
use crate::twin::market::{Print, Step, SyntheticMarket};
use crate::twin::news::{Clock, Ids, Message, News, join};
use crate::twin::tape::{Diff, cadence};

/// What a channel says to the news of an instrument; often nothing.
pub(in crate::twin) fn messages(
    book: &SyntheticMarket,
    channel: Channel,
    news: News<'_>,
    clock: Clock,
) -> Vec<Message> {
    let writer = Writer::new(book, clock.stamp(news.at()));
    let market = book.market();
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
        (
            News::Interval { cadence, diff, .. },
            Channel::Depth(speed) | Channel::RpiDepth(speed),
        ) => {
            let diff = diff.filter(|_| speaks(market, speed, cadence));
            diff.iter().map(|diff| writer.diff(diff)).collect()
        }
        (News::Interval { cadence, diff, .. }, Channel::DepthPartial(levels, speed)) => {
            let diff = diff.filter(|_| speaks(market, speed, cadence));
            diff.iter()
                .map(|diff| writer.partial(diff, levels))
                .collect()
        }
        (News::Pulse(pulse), Channel::BlockTrade) => {
            let block = pulse.block.iter();
            block.map(|block| writer.block(block)).collect()
        }
        (News::Pulse(pulse), Channel::ForceOrder | Channel::AllForceOrders) => {
            let print = pulse.liquidation.iter();
            print.map(|print| writer.liquidation(print)).collect()
        }
        (News::Pulse(pulse), Channel::ContractInfo) if pulse.terms => vec![writer.terms()],
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

pub(super) struct Writer<'a> {
    pub(super) market: Market,
    pub(super) book: &'a SyntheticMarket,
    pub(super) stamp: u64,
}

impl<'a> Writer<'a> {
    pub(super) const fn new(book: &'a SyntheticMarket, stamp: u64) -> Self {
        Self {
            market: book.market(),
            book,
            stamp,
        }
    }

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
                r#"{{"e":"trade","E":{stamp},"T":{stamp},"s":"{symbol}","t":{id},"p":"{price}","q":"{quantity}","X":"MARKET","m":{maker}{}}}"#,
                self.kind()
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
            r#"{{"e":"trade","E":{stamp},"T":{stamp},"s":"{symbol}","t":{id},"p":"0","q":"0","X":"NA","m":false{}}}"#,
            self.kind()
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
            Market::BinanceUsdm => format!(
                r#"{{"e":"aggTrade","E":{stamp},"s":"{symbol}","a":{id},"p":"{price}","q":"{quantity}","nq":"{quantity}","f":{first},"l":{last},"T":{stamp},"m":{maker}{}}}"#,
                self.kind()
            ),
            Market::BinanceCoinm => format!(
                r#"{{"e":"aggTrade","E":{stamp},"s":"{symbol}","a":{id},"p":"{price}","q":"{quantity}","f":{first},"l":{last},"T":{stamp},"m":{maker}{}}}"#,
                self.kind()
            ),
            Market::BinanceSpot | Market::Okx => format!(
                r#"{{"e":"aggTrade","E":{stamp},"s":"{symbol}","a":{id},"p":"{price}","q":"{quantity}","f":{first},"l":{last},"T":{stamp},"m":{maker},"M":true}}"#
            ),
        };
        told(payload, id, id)
    }

    pub(super) fn top(&self, update: u64, Top { bid, ask }: &Top) -> Message {
        let Self { stamp, .. } = self;
        let symbol = self.symbol();
        let (bid_price, bid_quantity) = self.level(bid);
        let (ask_price, ask_quantity) = self.level(ask);
        let levels = format!(
            r#""b":"{bid_price}","B":"{bid_quantity}","a":"{ask_price}","A":"{ask_quantity}""#
        );
        let payload = match self.market {
            Market::BinanceUsdm | Market::BinanceCoinm => format!(
                r#"{{"e":"bookTicker","u":{update},"E":{stamp},"T":{stamp},"s":"{symbol}",{levels}{}{}}}"#,
                self.pair(),
                self.kind()
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
                r#"{{"e":"depthUpdate","E":{stamp},"T":{stamp},"s":"{symbol}","U":{first},"u":{last},"pu":{previous},"b":{bids},"a":{asks}{}{}}}"#,
                self.pair(),
                self.kind()
            ),
            Market::BinanceSpot | Market::Okx => format!(
                r#"{{"e":"depthUpdate","E":{stamp},"s":"{symbol}","U":{first},"u":{last},"b":{bids},"a":{asks}}}"#
            ),
        }
    }

    /// A trade outside the book.
    fn block(&self, block: &Block) -> Message {
        let Self { stamp, .. } = self;
        let (symbol, id, maker) = (self.symbol(), block.id, !block.bought);
        let (price, quantity) = (self.price(block.price), self.quantity(block.quantity));
        Message::plain(format!(
            r#"{{"e":"blockTrade","E":{stamp},"s":"{symbol}","t":{id},"p":"{price}","q":"{quantity}","T":{stamp},"m":{maker}}}"#
        ))
    }

    fn liquidation(&self, print: &Print) -> Message {
        let Self { stamp, .. } = self;
        let symbol = self.symbol();
        let (price, quantity) = (self.price(print.price), self.quantity(print.quantity()));
        let side = match print.resting {
            Side::Bid => "SELL",
            Side::Ask => "BUY",
        };
        let (pair, kind) = (self.pair(), self.kind());
        let inner = match self.market {
            Market::BinanceCoinm => pair.as_str(),
            Market::BinanceSpot | Market::BinanceUsdm | Market::Okx => "",
        };
        Message::plain(format!(
            r#"{{"e":"forceOrder","E":{stamp},"o":{{"s":"{symbol}","S":"{side}","o":"LIMIT","f":"IOC","q":"{quantity}","p":"{price}","ap":"{price}","X":"FILLED","l":"{quantity}","z":"{quantity}","T":{stamp}{inner}}}{pair}{kind}}}"#
        ))
    }

    /// The terms of a contract, which never ends.
    fn terms(&self) -> Message {
        let Self { stamp, .. } = self;
        let (symbol, pair, kind) = (self.symbol(), self.pair(), self.kind());
        Message::plain(format!(
            r#"{{"e":"contractInfo","E":{stamp},"s":"{symbol}","ct":"PERPETUAL","dt":4133404800000,"ot":1569398400000,"cs":"TRADING","bks":[{{"bs":1,"bnf":0,"bnc":5000,"mmr":0.01,"cf":0,"mi":21,"ma":50}}]{pair}{kind}}}"#
        ))
    }

    /// Which market of futures it belongs to, as the venue says it since 2026-06-30.
    pub(super) fn kind(&self) -> &'static str {
        match self.market {
            Market::BinanceUsdm => r#","st":1"#,
            Market::BinanceCoinm => r#","st":2"#,
            Market::BinanceSpot | Market::Okx => "",
        }
    }

    /// The pair of a contract.
    pub(super) fn pair(&self) -> String {
        match self.market {
            Market::BinanceUsdm | Market::BinanceCoinm => {
                format!(r#","ps":"{}""#, self.book.instrument().pair())
            }
            Market::BinanceSpot | Market::Okx => String::new(),
        }
    }

    pub(super) fn symbol(&self) -> &str {
        self.book.instrument().id()
    }

    pub(super) fn price(&self, units: u64) -> Printed {
        price(self.market, self.book, units)
    }

    pub(super) fn quantity(&self, units: u64) -> Printed {
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

/// Spot prints eight decimals, futures those of the instrument's grid.
pub(super) const fn printed(market: Market, units: u64, scale: u8) -> Printed {
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
pub(super) fn buyer_is_maker(print: &Print) -> bool {
    print.resting == Side::Bid
}

const fn told(payload: String, first: u64, last: u64) -> Message {
    Message::numbered(payload, Ids { first, last })
}
