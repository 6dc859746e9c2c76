//! What an account is told: an order a second, filled at once, and what it leaves ("User Data
//! Streams").

use marketprism_core::market::Market;

use super::data::printed;
use crate::twin::market::SyntheticMarket;
use crate::twin::news::{Beat, Clock, Markets, Message};

/// What the account's stream says at its beat.
pub(super) fn messages(markets: Markets<'_>, beat: Beat, clock: Clock) -> Vec<Message> {
    let Some(book) = markets.own.first() else {
        return Vec::new();
    };
    let teller = Teller {
        book,
        millis: clock.millis(beat.at),
    };
    let payloads = match book.market() {
        Market::BinanceSpot | Market::Okx => [teller.execution(), teller.balance()],
        Market::BinanceUsdm | Market::BinanceCoinm => [teller.order(), teller.account()],
    };
    payloads.into_iter().map(Message::plain).collect()
}

struct Teller<'a> {
    book: &'a SyntheticMarket,
    millis: u64,
}

impl Teller<'_> {
    /// The number of the order, and of the trade that has filled it.
    const fn number(&self) -> u64 {
        self.millis / 1000
    }

    fn price(&self) -> String {
        let scale = self.book.instrument().price_scale();
        printed(self.book.market(), self.book.bars().price(), scale).to_string()
    }

    fn quantity(&self) -> String {
        let instrument = self.book.instrument();
        let (lot, scale) = (instrument.lot(), instrument.quantity_scale());
        printed(self.book.market(), lot, scale).to_string()
    }

    fn execution(&self) -> String {
        let (id, number, at) = (self.book.instrument().id(), self.number(), self.millis);
        let (price, quantity) = (self.price(), self.quantity());
        format!(
            r#"{{"subscriptionId":0,"event":{{"e":"executionReport","E":{at},"s":"{id}","c":"twin-{number}","S":"BUY","o":"LIMIT","f":"GTC","q":"{quantity}","p":"{price}","P":"0.00000000","F":"0.00000000","g":-1,"C":"","x":"TRADE","X":"FILLED","r":"NONE","i":{number},"l":"{quantity}","z":"{quantity}","L":"{price}","n":"0","N":null,"T":{at},"t":{number},"I":{number},"w":false,"m":false,"M":false,"O":{at},"Z":"{price}","Y":"{price}","Q":"0.00000000","W":{at},"V":"NONE"}}}}"#
        )
    }

    fn balance(&self) -> String {
        let (quote, at) = (self.book.instrument().quote(), self.millis);
        format!(
            r#"{{"subscriptionId":0,"event":{{"e":"outboundAccountPosition","E":{at},"u":{at},"B":[{{"a":"{quote}","f":"{}.00000000","l":"0.00000000"}}]}}}}"#,
            self.number() % 100_000
        )
    }

    fn order(&self) -> String {
        let instrument = self.book.instrument();
        let (id, settle) = (instrument.id(), instrument.settle());
        let (number, at) = (self.number(), self.millis);
        let (price, quantity) = (self.price(), self.quantity());
        format!(
            r#"{{"e":"ORDER_TRADE_UPDATE","T":{at},"E":{at},"o":{{"s":"{id}","c":"twin-{number}","S":"SELL","o":"LIMIT","f":"GTC","q":"{quantity}","p":"{price}","ap":"{price}","sp":"0","x":"TRADE","X":"FILLED","i":{number},"l":"{quantity}","z":"{quantity}","L":"{price}","n":"0.01","N":"{settle}","T":{at},"t":{number},"b":"0","a":"0","m":true,"R":false,"wt":"CONTRACT_PRICE","ot":"LIMIT","ps":"BOTH","cp":false,"rp":"0","pP":false,"si":0,"ss":0,"V":"EXPIRE_MAKER","pm":"NONE","gtd":0}}}}"#
        )
    }

    fn account(&self) -> String {
        let instrument = self.book.instrument();
        let (id, settle) = (instrument.id(), instrument.settle());
        let (at, price, quantity) = (self.millis, self.price(), self.quantity());
        format!(
            r#"{{"e":"ACCOUNT_UPDATE","T":{at},"E":{at},"a":{{"B":[{{"a":"{settle}","wb":"{}.5","cw":"100.25","bc":"0"}}],"P":[{{"s":"{id}","pa":"-{quantity}","ep":"{price}","cr":"0","up":"0.5","mt":"cross","iw":"0","ps":"BOTH","ma":"{settle}","bep":"{price}"}}],"m":"ORDER"}}}}"#,
            self.number() % 100_000
        )
    }
}
