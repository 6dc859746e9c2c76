//! What an account is told: an order a second, filled at once, and what it leaves ("Account
//! channel", "Positions channel", "Balance and position channel", "Order channel", "Fills channel").

use marketprism_core::market::Channel;

use super::data::{kind_name, price, quantity};
use crate::twin::market::SyntheticMarket;
use crate::twin::news::{Beat, Clock, Markets, Message};

/// What an account's channel says at its beat.
pub(super) fn messages(
    markets: Markets<'_>,
    channel: Channel,
    beat: Beat,
    clock: Clock,
) -> Vec<Message> {
    let Some(book) = markets.own.last() else {
        return Vec::new();
    };
    let teller = Teller {
        book,
        millis: clock.millis(beat.at),
    };
    let payload = teller.payload(channel);
    payload.map(Message::plain).into_iter().collect()
}

struct Teller<'a> {
    book: &'a SyntheticMarket,
    millis: u64,
}

impl Teller<'_> {
    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "the others are nobody's account"
    )]
    fn payload(&self, channel: Channel) -> Option<String> {
        let envelope = r#""eventType":"event_update","#;
        Some(match channel {
            Channel::Orders => format!(r#""data":[{}]"#, self.order()),
            Channel::Fills => format!(r#""data":[{}]"#, self.fill()),
            Channel::Account => format!(r#"{envelope}"data":[{}]"#, self.account()),
            Channel::Positions => format!(r#"{envelope}"data":[{}]"#, self.position()),
            Channel::BalanceAndPosition => format!(r#""data":[{}]"#, self.both()),
            _ => return None,
        })
    }

    /// The number of the order, and of the trade that has filled it.
    const fn number(&self) -> u64 {
        self.millis / 1000
    }

    fn order(&self) -> String {
        let instrument = self.book.instrument();
        let (id, kind) = (instrument.id(), kind_name(instrument.kind()));
        let (number, at) = (self.number(), self.millis);
        let price = price(self.book, self.book.bars().price());
        let quantity = quantity(self.book, instrument.lot());
        format!(
            r#"{{"accFillSz":"{quantity}","algoId":"","avgPx":"{price}","cancelSource":"","category":"normal","ccy":"","clOrdId":"twin{number}","cTime":"{at}","execType":"T","fee":"0","feeCcy":"USDT","fillFee":"-0.01","fillFeeCcy":"USDT","fillPnl":"0","fillPx":"{price}","fillSz":"{quantity}","fillTime":"{at}","instId":"{id}","instType":"{kind}","lever":"3","ordId":"{number}","ordType":"limit","posSide":"net","px":"{price}","reduceOnly":"false","side":"buy","state":"filled","sz":"{quantity}","tdMode":"cross","tradeId":"{number}","uTime":"{at}"}}"#
        )
    }

    fn fill(&self) -> String {
        let (id, number, at) = (self.book.instrument().id(), self.number(), self.millis);
        let price = price(self.book, self.book.bars().price());
        let quantity = quantity(self.book, self.book.instrument().lot());
        format!(
            r#"{{"instId":"{id}","fillSz":"{quantity}","fillPx":"{price}","side":"buy","ts":"{at}","ordId":"{number}","clOrdId":"twin{number}","tradeId":"{number}","execType":"T","count":"1"}}"#
        )
    }

    fn account(&self) -> String {
        let (at, number) = (self.millis, self.number() % 100_000);
        format!(
            r#"{{"adjEq":"{number}","availEq":"{number}","details":[{{"availBal":"{number}","availEq":"{number}","cashBal":"{number}","ccy":"USDT","eq":"{number}","eqUsd":"{number}","frozenBal":"0","interest":"","liab":"","mgnRatio":"","ordFrozen":"0","upl":"0","uTime":"{at}"}}],"imr":"0","mgnRatio":"","totalEq":"{number}","uTime":"{at}","upl":"0"}}"#
        )
    }

    fn position(&self) -> String {
        let instrument = self.book.instrument();
        let (id, kind, at) = (instrument.id(), kind_name(instrument.kind()), self.millis);
        let price = price(self.book, self.book.bars().price());
        let quantity = quantity(self.book, instrument.lot());
        format!(
            r#"{{"adl":"1","avgPx":"{price}","bePx":"{price}","ccy":"USDT","cTime":"{at}","fee":"0","fundingFee":"0","imr":"","instId":"{id}","instType":"{kind}","lever":"3","liqPx":"","margin":"","markPx":"{price}","mgnMode":"cross","mgnRatio":"","mmr":"","pos":"{quantity}","posId":"1","posSide":"net","pTime":"{at}","realizedPnl":"0","tradeId":"{}","upl":"0","uTime":"{at}"}}"#,
            self.number()
        )
    }

    fn both(&self) -> String {
        let instrument = self.book.instrument();
        let (id, kind, at) = (instrument.id(), kind_name(instrument.kind()), self.millis);
        let (number, price) = (self.number(), price(self.book, self.book.bars().price()));
        let quantity = quantity(self.book, instrument.lot());
        format!(
            r#"{{"pTime":"{at}","eventType":"filled","balData":[{{"ccy":"USDT","cashBal":"{number}","uTime":"{at}"}}],"posData":[{{"posId":"1","tradeId":"{number}","instId":"{id}","instType":"{kind}","mgnMode":"cross","avgPx":"{price}","ccy":"USDT","posSide":"net","pos":"{quantity}","uTime":"{at}"}}],"trades":[{{"instId":"{id}","tradeId":"{number}"}}]}}"#
        )
    }
}
