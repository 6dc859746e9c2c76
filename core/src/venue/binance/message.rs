//! The messages, field by field, in the order in which Binance writes them.

use crate::market::{BookKind, Decimal, Side, Trade as Fill};
use crate::venue::found::{BookRow, Row, RowBody, TradeRow};
use crate::venue::json::{Run, Span, Stamp};

/// Event types, each a type of its own.
macro_rules! words {
    ($($name:ident $text:literal,)+) => {
        $(
            #[derive(Clone, Copy, Debug)]
            pub(crate) struct $name;

            impl $crate::venue::json::Word for $name {
                const TEXT: &'static str = $text;
                const QUOTED: &'static [u8] = concat!("\"", $text, "\"").as_bytes();
            }
        )+
    };
}

pub(super) use words;

words! {
    TradeEvent "trade",
    AggTradeEvent "aggTrade",
    BlockTradeEvent "blockTrade",
    BookTickerEvent "bookTicker",
    DepthEvent "depthUpdate",
}

/// `m`: the buyer is the maker, so the taker sells.
pub(super) const fn aggressor(buyer_is_maker: bool) -> Side {
    if buyer_is_maker {
        Side::Sell
    } else {
        Side::Buy
    }
}

/// A single fill; an aggregate says which fills it stands for.
#[inline(always)]
pub(super) const fn fill(
    id: i64,
    price: Decimal,
    quantity: Decimal,
    aggressor: Side,
) -> Fill<'static> {
    Fill {
        id,
        first_id: Some(id),
        last_id: Some(id),
        price,
        quantity,
        quantity_without_rpi: None,
        aggressor,
        execution: None,
        source: None,
        sequence: None,
    }
}

/// The row of a trade.
#[inline(always)]
const fn traded(
    instrument: Span,
    traded: Stamp,
    sent: Stamp,
    trade: Fill<'static>,
    execution: Option<Span>,
) -> Row {
    Row {
        instrument,
        exchange_time: Some(traded.0),
        sent_time: Some(sent.0),
        body: RowBody::Trade(TradeRow { trade, execution }),
    }
}

/// A change of the book, or its best levels.
fn book(kind: BookKind, last: i64, bids: Run, asks: Run) -> BookRow {
    BookRow {
        kind,
        first: None,
        last: Some(last),
        previous: None,
        checksum: None,
        bids,
        asks,
    }
}

/// Spot: "WebSocket Streams for Binance".
pub(super) mod spot {
    use super::{
        AggTradeEvent, BlockTradeEvent, DepthEvent, TradeEvent, aggressor, book, fill, traded,
    };
    use crate::market::{BookKind, Decimal, DepthLevels, Level, Trade as Fill};
    use crate::venue::found::{BookRow, Row, RowBody};
    use crate::venue::json::{Ignored, Is, PairLevels, Pools, Span, Stamp, record};

    record! {
        /// `<symbol>@trade`
        Trade {
            "e" _event: Is<TradeEvent>,
            "E" sent: Stamp,
            "s" symbol: Span,
            "t" id: i64,
            "p" price: Decimal,
            "q" quantity: Decimal,
            "T" traded: Stamp,
            "m" buyer_is_maker: bool,
            "M" _ignore: Option<Ignored>,
        }
    }

    record! {
        /// `<symbol>@aggTrade`
        AggTrade {
            "e" _event: Is<AggTradeEvent>,
            "E" sent: Stamp,
            "s" symbol: Span,
            "a" id: i64,
            "p" price: Decimal,
            "q" quantity: Decimal,
            "f" first_id: i64,
            "l" last_id: i64,
            "T" traded: Stamp,
            "m" buyer_is_maker: bool,
            "M" _ignore: Option<Ignored>,
        }
    }

    record! {
        /// `<symbol>@blockTrade`
        BlockTrade {
            "e" _event: Is<BlockTradeEvent>,
            "E" sent: Stamp,
            "s" symbol: Span,
            "t" id: i64,
            "p" price: Decimal,
            "q" quantity: Decimal,
            "T" traded: Stamp,
            "m" buyer_is_maker: bool,
        }
    }

    record! {
        /// `<symbol>@bookTicker`
        BookTicker {
            "u" update: i64,
            "s" symbol: Span,
            "b" bid: Decimal,
            "B" bid_quantity: Decimal,
            "a" ask: Decimal,
            "A" ask_quantity: Decimal,
        }
    }

    record! {
        /// `<symbol>@depth`
        Depth {
            "e" _event: Is<DepthEvent>,
            "E" sent: Stamp,
            "s" symbol: Span,
            "U" first: i64,
            "u" last: i64,
            "b" bids: PairLevels,
            "a" asks: PairLevels,
        }
    }

    record! {
        /// `<symbol>@depth<levels>`, and the answer of REST `depth`
        PartialDepth {
            "lastUpdateId" last: i64,
            "bids" bids: PairLevels,
            "asks" asks: PairLevels,
        }
    }

    impl Trade {
        #[inline(always)]
        pub(crate) fn row(self) -> Row {
            let taker = aggressor(self.buyer_is_maker);
            let trade = fill(self.id, self.price, self.quantity, taker);
            traded(self.symbol, self.traded, self.sent, trade, None)
        }
    }

    impl AggTrade {
        #[inline(always)]
        pub(crate) fn row(self) -> Row {
            let taker = aggressor(self.buyer_is_maker);
            let trade = Fill {
                first_id: Some(self.first_id),
                last_id: Some(self.last_id),
                ..fill(self.id, self.price, self.quantity, taker)
            };
            traded(self.symbol, self.traded, self.sent, trade, None)
        }
    }

    impl BlockTrade {
        pub(crate) fn row(self) -> Row {
            let taker = aggressor(self.buyer_is_maker);
            let trade = fill(self.id, self.price, self.quantity, taker);
            traded(self.symbol, self.traded, self.sent, trade, None)
        }
    }

    impl BookTicker {
        #[inline(always)]
        pub(crate) fn row(self, pools: &mut Pools) -> Option<Row> {
            let bid = Level::new(self.bid, self.bid_quantity);
            let ask = Level::new(self.ask, self.ask_quantity);
            Some(Row {
                instrument: self.symbol,
                exchange_time: None,
                sent_time: None,
                body: RowBody::Book(BookRow::top(pools, self.update, bid, ask)?),
            })
        }
    }

    impl Depth {
        #[inline(always)]
        pub(crate) fn row(self) -> Row {
            Row {
                instrument: self.symbol,
                exchange_time: None,
                sent_time: Some(self.sent.0),
                body: RowBody::Book(BookRow {
                    first: Some(self.first),
                    ..book(BookKind::Delta, self.last, self.bids.0, self.asks.0)
                }),
            }
        }
    }

    impl PartialDepth {
        pub(crate) fn row(self, instrument: Span, levels: DepthLevels) -> Row {
            let kind = BookKind::Top(levels.count());
            Row {
                instrument,
                exchange_time: None,
                sent_time: None,
                body: RowBody::Book(book(kind, self.last, self.bids.0, self.asks.0)),
            }
        }
    }
}

/// USD-M: "Websocket Market Streams". `ps` is the pair, `st` the market (1 USD-M, 2 COIN-M), both
/// since 2026-06-30.
pub(super) mod usdm {
    use super::{
        AggTradeEvent, BookTickerEvent, DepthEvent, TradeEvent, aggressor, book, fill, traded,
    };
    use crate::market::{BookKind, Decimal, Level, Trade as Fill};
    use crate::venue::found::{BookRow, Row, RowBody};
    use crate::venue::json::{Is, PairLevels, Pools, Span, Stamp, record};

    record! {
        /// `<symbol>@trade`; undocumented
        Trade {
            "e" _event: Is<TradeEvent>,
            "E" sent: Stamp,
            "T" traded: Stamp,
            "s" symbol: Span,
            "t" id: i64,
            "p" price: Decimal,
            "q" quantity: Decimal,
            "X" execution: Option<Span>,
            "m" buyer_is_maker: bool,
        }
    }

    record! {
        /// `<symbol>@aggTrade`
        AggTrade {
            "e" _event: Is<AggTradeEvent>,
            "E" sent: Stamp,
            "a" id: i64,
            "s" symbol: Span,
            "p" price: Decimal,
            "q" quantity: Decimal,
            "nq" quantity_without_rpi: Option<Decimal>,
            "f" first_id: i64,
            "l" last_id: i64,
            "T" traded: Stamp,
            "m" buyer_is_maker: bool,
            "st" _symbol_type: Option<i64>,
        }
    }

    record! {
        /// `<symbol>@bookTicker`
        BookTicker {
            "e" _event: Is<BookTickerEvent>,
            "u" update: i64,
            "s" symbol: Span,
            "ps" _pair: Option<Span>,
            "b" bid: Decimal,
            "B" bid_quantity: Decimal,
            "a" ask: Decimal,
            "A" ask_quantity: Decimal,
            "T" changed: Stamp,
            "E" sent: Stamp,
            "st" symbol_type: Option<i64>,
        }
    }

    record! {
        /// `<symbol>@depth` and `<symbol>@depth<levels>`
        Depth {
            "e" _event: Is<DepthEvent>,
            "E" sent: Stamp,
            "T" changed: Stamp,
            "s" symbol: Span,
            "U" first: i64,
            "u" last: i64,
            "pu" previous: i64,
            "b" bids: PairLevels,
            "a" asks: PairLevels,
            "ps" _pair: Option<Span>,
            "st" _symbol_type: Option<i64>,
        }
    }

    impl Trade {
        #[inline(always)]
        pub(crate) fn row(self) -> Row {
            let taker = aggressor(self.buyer_is_maker);
            let trade = fill(self.id, self.price, self.quantity, taker);
            traded(self.symbol, self.traded, self.sent, trade, self.execution)
        }
    }

    impl AggTrade {
        #[inline(always)]
        pub(crate) fn row(self) -> Row {
            let taker = aggressor(self.buyer_is_maker);
            let trade = Fill {
                first_id: Some(self.first_id),
                last_id: Some(self.last_id),
                quantity_without_rpi: self.quantity_without_rpi,
                ..fill(self.id, self.price, self.quantity, taker)
            };
            traded(self.symbol, self.traded, self.sent, trade, None)
        }
    }

    impl BookTicker {
        #[inline(always)]
        pub(crate) fn row(self, pools: &mut Pools) -> Option<Row> {
            let bid = Level::new(self.bid, self.bid_quantity);
            let ask = Level::new(self.ask, self.ask_quantity);
            Some(Row {
                instrument: self.symbol,
                exchange_time: Some(self.changed.0),
                sent_time: Some(self.sent.0),
                body: RowBody::Book(BookRow::top(pools, self.update, bid, ask)?),
            })
        }
    }

    impl Depth {
        #[inline(always)]
        pub(crate) fn row(self, kind: BookKind) -> Row {
            Row {
                instrument: self.symbol,
                exchange_time: Some(self.changed.0),
                sent_time: Some(self.sent.0),
                body: RowBody::Book(BookRow {
                    first: Some(self.first),
                    previous: Some(self.previous),
                    ..book(kind, self.last, self.bids.0, self.asks.0)
                }),
            }
        }
    }
}

/// COIN-M: "Websocket Market Streams". Trades are written as those of USD-M.
pub(super) mod coinm {
    use super::usdm;
    use super::{BookTickerEvent, DepthEvent};
    use crate::market::{BookKind, Decimal};
    use crate::venue::found::Row;
    use crate::venue::json::{Is, PairLevels, Pools, Span, Stamp, record};

    record! {
        /// `<symbol>@bookTicker`
        BookTicker {
            "u" update: i64,
            "e" event: Is<BookTickerEvent>,
            "s" symbol: Span,
            "ps" pair: Option<Span>,
            "b" bid: Decimal,
            "B" bid_quantity: Decimal,
            "a" ask: Decimal,
            "A" ask_quantity: Decimal,
            "T" changed: Stamp,
            "E" sent: Stamp,
            "st" symbol_type: Option<i64>,
        }
    }

    record! {
        /// `<symbol>@depth` and `<symbol>@depth<levels>`
        Depth {
            "e" event: Is<DepthEvent>,
            "E" sent: Stamp,
            "T" changed: Stamp,
            "s" symbol: Span,
            "ps" pair: Option<Span>,
            "U" first: i64,
            "u" last: i64,
            "pu" previous: i64,
            "b" bids: PairLevels,
            "a" asks: PairLevels,
            "st" symbol_type: Option<i64>,
        }
    }

    impl BookTicker {
        #[inline(always)]
        pub(crate) fn row(self, pools: &mut Pools) -> Option<Row> {
            let same = usdm::BookTicker {
                _event: self.event,
                update: self.update,
                symbol: self.symbol,
                _pair: self.pair,
                bid: self.bid,
                bid_quantity: self.bid_quantity,
                ask: self.ask,
                ask_quantity: self.ask_quantity,
                changed: self.changed,
                sent: self.sent,
                symbol_type: self.symbol_type,
            };
            same.row(pools)
        }
    }

    impl Depth {
        #[inline(always)]
        pub(crate) fn row(self, kind: BookKind) -> Row {
            let same = usdm::Depth {
                _event: self.event,
                sent: self.sent,
                changed: self.changed,
                symbol: self.symbol,
                first: self.first,
                last: self.last,
                previous: self.previous,
                bids: self.bids,
                asks: self.asks,
                _pair: self.pair,
                _symbol_type: self.symbol_type,
            };
            same.row(kind)
        }
    }
}
