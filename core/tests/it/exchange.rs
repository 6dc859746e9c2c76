//! A small exchange behind the simulated network: it speaks the control protocol of Binance or
//! OKX, sends numbered data, and misbehaves as told.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use marketprism_core::market::{Market, Venue};
use marketprism_core::ws::{Item, Limits, Server, ServerEvent};
use marketprism_core::{ReceiveBuffer, Time};
use serde_json::Value;

use crate::sim::{Answer, End, Peer};

/// The exchange, for one connection at a time. Streams are named `btcusdt@trade` on Binance and
/// `trades:BTC-USDT` or `instruments:SWAP` on OKX.
pub(crate) struct Exchange {
    market: Market,
    server: Option<Server>,
    rx: ReceiveBuffer,
    end: Option<End>,
    streams: BTreeMap<String, Line>,
    /// Time between two messages of a stream; it can be set for single ones.
    pub(crate) every: Duration,
    pub(crate) every_of: BTreeMap<String, Duration>,
    /// These speak for a quarter of such a period and are quiet for the rest of it.
    pub(crate) bursts: BTreeMap<String, Duration>,
    /// What it does wrong.
    pub(crate) wrongs: Wrongs,
    /// What it has seen.
    pub(crate) account: Account,
    /// Time between two pings.
    pub(crate) ping_every: Option<Duration>,
    next_ping: Time,
}

/// A subscribed stream.
struct Line {
    next: Time,
    begun: Begun,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Begun {
    No,
    Yes,
}

/// What the exchange does wrong.
#[derive(Clone, Debug, Default)]
pub(crate) struct Wrongs {
    /// So many requests are carried out and not acknowledged.
    pub(crate) lost_acks: u32,
    /// So many requests are not even read.
    pub(crate) lost_requests: u32,
    /// A request with one of these is refused: as a whole by Binance, by OKX the stream alone.
    pub(crate) refused: BTreeSet<String>,
    /// OKX: a request with a refused stream is refused as a whole.
    pub(crate) refuses_all: bool,
    /// OKX: refusals name the stream.
    pub(crate) names_refused: bool,
    /// Refusals have no number of the request.
    pub(crate) hides_id: bool,
    /// The code of refusals.
    pub(crate) code: i64,
    /// These are acknowledged and never send.
    pub(crate) silent: BTreeSet<String>,
    /// OKX: logins are answered with this, if with anything.
    pub(crate) login: Option<Option<&'static str>>,
    /// No data at all.
    pub(crate) mute: bool,
    /// These messages of streams are left out.
    pub(crate) missing: BTreeSet<(String, i64)>,
    /// These are sent twice.
    pub(crate) twice: BTreeSet<(String, i64)>,
}

/// What the exchange has seen.
#[derive(Clone, Debug, Default)]
pub(crate) struct Account {
    /// The requests of all connections.
    pub(crate) requests: Vec<Request>,
    /// When each frame came, and on which connection.
    pub(crate) frames: Vec<(u32, Time)>,
    /// Streams that were subscribed while they were subscribed.
    pub(crate) ghosts: Vec<String>,
    /// The logins of all connections: when they came, and on which connection.
    pub(crate) logins: Vec<(u32, Time)>,
    /// Text pings.
    pub(crate) text_pings: u32,
    pub(crate) pings: u32,
    pub(crate) pongs: u32,
    /// Connections so far.
    pub(crate) connections: u32,
}

/// A request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) at: Time,
    pub(crate) connection: u32,
    pub(crate) subscribes: bool,
    pub(crate) streams: Vec<String>,
    pub(crate) bytes: usize,
}

impl Exchange {
    pub(crate) fn new(market: Market) -> Self {
        Self {
            market,
            server: None,
            rx: ReceiveBuffer::with_capacity(256 << 10),
            end: None,
            streams: BTreeMap::new(),
            every: Duration::from_millis(500),
            every_of: BTreeMap::new(),
            bursts: BTreeMap::new(),
            wrongs: Wrongs {
                code: if market == Market::Okx { 60018 } else { 2 },
                ..Wrongs::default()
            },
            account: Account::default(),
            ping_every: None,
            next_ping: Time::MAX,
        }
    }

    /// Sends a message as it stands; whoever takes nothing more is cut off.
    pub(crate) fn say(&mut self, text: &str) {
        if let Some(server) = &mut self.server
            && server.queue().text(text).is_err()
        {
            self.end.get_or_insert(End::Reset);
        }
    }

    /// Ends the connection.
    pub(crate) fn cut(&mut self, end: End) {
        self.end = self.server.is_some().then_some(end);
    }

    /// Forgets a subscription and says nothing.
    pub(crate) fn forget(&mut self, stream: &str) {
        self.streams.remove(stream);
    }

    fn read(&mut self, now: Time) {
        let Some(mut server) = self.server.take() else {
            return;
        };
        let mut texts = Vec::new();
        let mut asked = false;
        loop {
            match server.next(&mut self.rx) {
                Ok(Some(ServerEvent::Request(_))) => asked = true,
                Ok(Some(ServerEvent::Item(item))) => {
                    // The venue counts pings, pongs and requests.
                    if !matches!(item, Item::Close(_)) {
                        self.account.frames.push((self.account.connections, now));
                    }
                    match item {
                        Item::Text(text) => texts.push(text.to_owned()),
                        Item::Pong(_) => self.account.pongs += 1,
                        Item::Binary(_) | Item::Ping(_) | Item::Close(_) => {}
                    }
                }
                Ok(None) if asked => {
                    server.accept(None).expect("a valid request");
                    asked = false;
                }
                Ok(None) => break,
                Err(error) => panic!("the client broke the protocol: {error}"),
            }
        }
        self.server = Some(server);
        for text in texts {
            self.obey(now, &text);
        }
    }

    fn obey(&mut self, now: Time, text: &str) {
        if text == "ping" {
            self.account.text_pings += 1;
            return self.say("pong");
        }
        let value: Value = serde_json::from_str(text).expect("JSON");
        if value["op"] == "login" {
            return self.log_in(now);
        }
        let (request, id) = self.parse(now, text, &value);
        self.account.requests.push(request.clone());
        if self.wrongs.lost_requests > 0 {
            self.wrongs.lost_requests -= 1;
            return;
        }
        let is_refused = |stream: &&String| {
            let there = !request.subscribes && self.streams.contains_key(*stream);
            self.wrongs.refused.contains(*stream) && !there
        };
        let refused: Vec<_> = request.streams.iter().filter(is_refused).cloned().collect();
        let whole = self.market.venue() == Venue::Binance || self.wrongs.refuses_all;
        if !refused.is_empty() {
            self.refuse(&id, &refused[0]);
            if whole && request.subscribes {
                return;
            }
        }
        let done = request
            .streams
            .iter()
            .filter(|stream| !refused.contains(stream));
        let done: Vec<_> = done.cloned().collect();
        for stream in &done {
            self.carry_out(now, request.subscribes, stream);
        }
        if self.wrongs.lost_acks > 0 {
            self.wrongs.lost_acks -= 1;
            return;
        }
        self.acknowledge(&id, &request, &done);
    }

    fn log_in(&mut self, now: Time) {
        self.account.logins.push((self.account.connections, now));
        let agreed = r#"{"event":"login","code":"0","msg":"","connId":"a"}"#;
        if let Some(answer) = self.wrongs.login.unwrap_or(Some(agreed)) {
            self.say(answer);
        }
    }

    fn parse(&self, now: Time, text: &str, value: &Value) -> (Request, String) {
        let (verb, list) = match self.market.venue() {
            Venue::Binance => (&value["method"], &value["params"]),
            Venue::Okx => (&value["op"], &value["args"]),
        };
        let name = |stream: &Value| match stream.as_str() {
            Some(name) => name.to_owned(),
            None => {
                let channel = stream["channel"].as_str().expect("a channel");
                let about = stream[key_of(channel)].as_str();
                format!("{channel}:{}", about.expect("what it is about"))
            }
        };
        let verb = verb.as_str().expect("a verb").to_lowercase();
        assert!(verb == "subscribe" || verb == "unsubscribe", "{text}");
        let request = Request {
            at: now,
            connection: self.account.connections,
            subscribes: verb == "subscribe",
            streams: list.as_array().expect("streams").iter().map(name).collect(),
            bytes: text.len(),
        };
        (request, value["id"].to_string())
    }

    fn carry_out(&mut self, now: Time, subscribes: bool, stream: &str) {
        if !subscribes {
            self.streams.remove(stream);
            return;
        }
        // OKX sends the present state at once.
        let next = match self.market.venue() {
            Venue::Binance => self.next_message(now, stream),
            Venue::Okx => now + Duration::from_millis(10),
        };
        let line = Line {
            next,
            begun: Begun::No,
        };
        if self.streams.insert(stream.to_owned(), line).is_some() {
            self.account.ghosts.push(stream.to_owned());
        }
    }

    fn refuse(&mut self, id: &str, stream: &str) {
        let code = self.wrongs.code;
        let id = if self.wrongs.hides_id {
            String::new()
        } else {
            format!(r#","id":{id}"#)
        };
        let message = match (self.market.venue(), self.wrongs.names_refused) {
            (Venue::Binance, _) => {
                format!(r#"{{"code":{code},"msg":"Invalid request: no such thing"{id}}}"#)
            }
            (Venue::Okx, false) => format!(
                r#"{{"event":"error","code":"{code}","msg":"Invalid request"{id},"connId":"a"}}"#
            ),
            (Venue::Okx, true) => {
                let (channel, instrument) = stream.split_once(':').expect("an OKX stream");
                format!(
                    r#"{{"event":"error","code":"{code}","msg":"Wrong URL or channel:{channel},{}:{instrument} doesn't exist."{id},"connId":"a"}}"#,
                    key_of(channel)
                )
            }
        };
        self.say(&message);
    }

    fn acknowledge(&mut self, id: &str, request: &Request, done: &[String]) {
        if self.market.venue() == Venue::Binance {
            return self.say(&format!(r#"{{"result":null,"id":{id}}}"#));
        }
        let event = if request.subscribes {
            "subscribe"
        } else {
            "unsubscribe"
        };
        for stream in done {
            let arg = argument(stream);
            self.say(&format!(
                r#"{{"id":{id},"event":"{event}","arg":{arg},"connId":"a"}}"#
            ));
        }
    }

    fn next_message(&self, now: Time, stream: &str) -> Time {
        let every = self.every(stream).as_nanos() as u64;
        Time::from_nanos((now.as_nanos() / every + 1) * every)
    }

    /// The number of the message at this moment, unless the stream is quiet then. Numbers do not
    /// count on while it is.
    fn number(&self, at: Time, stream: &str) -> Option<i64> {
        let every = self.every(stream).as_nanos() as u64;
        let tick = at.as_nanos() / every;
        let Some(period) = self.bursts.get(stream) else {
            return Some(tick as i64);
        };
        let period = period.as_nanos() as u64 / every;
        let burst = period / 4;
        let number = tick / period * burst + tick % period;
        (tick % period < burst).then_some(number as i64)
    }

    fn every(&self, stream: &str) -> Duration {
        self.every_of.get(stream).copied().unwrap_or(self.every)
    }

    /// Sends what is due. The number of a message is its moment, so that what is not sent is
    /// missing.
    fn speak(&mut self, now: Time) {
        let due = |(_, line): &(&String, &Line)| line.next <= now;
        let due: Vec<_> = self
            .streams
            .iter()
            .filter(due)
            .map(|(name, _)| name.clone())
            .collect();
        for stream in due {
            let every = self.every(&stream);
            let line = self.streams.get_mut(&stream).expect("it is due");
            let at = line.next;
            let tick = at.as_nanos() / every.as_nanos() as u64;
            line.next = Time::from_nanos((tick + 1) * every.as_nanos() as u64);
            let begun = line.begun;
            let Some(number) = self.number(at, &stream) else {
                continue;
            };
            self.streams.get_mut(&stream).expect("it is due").begun = Begun::Yes;
            let key = (stream.clone(), number);
            let speaks = !self.wrongs.mute
                && !self.wrongs.silent.contains(&stream)
                && !self.wrongs.missing.contains(&key);
            if speaks {
                let text = message(self.market, &stream, number, begun);
                self.say(&text);
                if self.wrongs.twice.contains(&key) {
                    self.say(&text);
                }
            }
        }
    }
}

/// The message number `number` of a stream.
fn message(market: Market, stream: &str, number: i64, begun: Begun) -> String {
    if market == Market::Okx {
        return okx_message(stream, number, begun);
    }
    let (symbol, channel) = stream.split_once('@').expect("a Binance stream");
    let symbol = symbol.to_uppercase();
    let data = match channel.split('@').next() {
        Some("trade") => format!(
            r#"{{"e":"trade","E":1,"s":"{symbol}","t":{number},"p":"1.5","q":"2","T":1,"m":true,"M":true}}"#
        ),
        Some("aggTrade") => format!(
            r#"{{"e":"aggTrade","E":1,"s":"{symbol}","a":{number},"p":"1.5","q":"2","f":1,"l":1,"T":1,"m":true}}"#
        ),
        Some("depth") if market == Market::BinanceSpot => format!(
            r#"{{"e":"depthUpdate","E":1,"s":"{symbol}","U":{number},"u":{number},"b":[["1.5","2"]],"a":[]}}"#
        ),
        Some("depth") => format!(
            r#"{{"e":"depthUpdate","E":1,"T":1,"s":"{symbol}","U":{number},"u":{number},"pu":{},"b":[["1.5","2"]],"a":[]}}"#,
            number - 1
        ),
        _ if market == Market::BinanceSpot => {
            format!(r#"{{"u":{number},"s":"{symbol}","b":"1.5","B":"1","a":"2","A":"1"}}"#)
        }
        _ => format!(
            r#"{{"e":"bookTicker","u":{number},"s":"{symbol}","b":"1.5","B":"1","a":"2","A":"1","T":1,"E":1}}"#
        ),
    };
    format!(r#"{{"stream":"{stream}","data":{data}}}"#)
}

/// What an argument of OKX calls that which the channel is about.
fn key_of(channel: &str) -> &'static str {
    match channel {
        "liquidation-orders" | "instruments" => "instType",
        _ => "instId",
    }
}

/// The argument of an OKX stream.
fn argument(stream: &str) -> String {
    let (channel, about) = stream.split_once(':').expect("an OKX stream");
    let key = key_of(channel);
    format!(r#"{{"channel":"{channel}","{key}":"{about}"}}"#)
}

fn okx_message(stream: &str, number: i64, begun: Begun) -> String {
    let (channel, about) = stream.split_once(':').expect("an OKX stream");
    let (action, previous) = match begun {
        Begun::No => ("snapshot", -1),
        Begun::Yes => ("update", number - 1),
    };
    let action = match channel {
        "books" | "books-l2-tbt" | "books50-l2-tbt" => format!(r#","action":"{action}""#),
        _ => String::new(),
    };
    let row = okx_row(channel, about, number, previous);
    let arg = argument(stream);
    format!(r#"{{"arg":{arg}{action},"data":[{row}]}}"#)
}

fn okx_row(channel: &str, about: &str, number: i64, previous: i64) -> String {
    match channel {
        "trades" => format!(
            r#"{{"instId":"{about}","tradeId":"{number}","px":"1.5","sz":"2","side":"buy","ts":"1","count":"1","source":"0","seqId":{number}}}"#
        ),
        "trades-all" => format!(
            r#"{{"instId":"{about}","tradeId":"{number}","px":"1.5","sz":"2","side":"buy","source":"0","ts":"1"}}"#
        ),
        "books" | "books-l2-tbt" | "books50-l2-tbt" => format!(
            r#"{{"asks":[["2","1","0","1"]],"bids":[],"ts":"1","checksum":0,"prevSeqId":{previous},"seqId":{number}}}"#
        ),
        "books5" => format!(
            r#"{{"asks":[["2","1","0","1"]],"bids":[["1","1","0","1"]],"instId":"{about}","ts":"{number}","seqId":{number}}}"#
        ),
        "tickers" => format!(
            r#"{{"instType":"SWAP","instId":"{about}","last":"1","lastSz":"1","askPx":"2","askSz":"1","bidPx":"1","bidSz":"1","open24h":"1","high24h":"1","low24h":"1","sodUtc0":"1","sodUtc8":"1","volCcy24h":"1","vol24h":"1","ts":"{number}"}}"#
        ),
        "index-tickers" => format!(
            r#"{{"instId":"{about}","idxPx":"1.5","open24h":"1","high24h":"1","low24h":"1","sodUtc0":"1","sodUtc8":"1","ts":"{number}"}}"#
        ),
        "funding-rate" => format!(
            r#"{{"fundingRate":"0.0001","fundingTime":"1","instId":"{about}","instType":"SWAP","nextFundingRate":"","ts":"{number}"}}"#
        ),
        "mark-price" => {
            format!(r#"{{"instId":"{about}","instType":"SWAP","markPx":"1.5","ts":"{number}"}}"#)
        }
        "price-limit" => format!(
            r#"{{"buyLmt":"2","enabled":true,"instId":"{about}","instType":"SWAP","sellLmt":"1","ts":"{number}"}}"#
        ),
        "open-interest" => format!(
            r#"{{"instId":"{about}","instType":"SWAP","oi":"7","oiCcy":"0.07","oiUsd":"7000","ts":"{number}"}}"#
        ),
        "liquidation-orders" => format!(
            r#"{{"details":[{{"bkLoss":"0","bkPx":"1.5","ccy":"","posSide":"net","side":"buy","sz":"13","ts":"{number}"}}],"instFamily":"A-USDT","instId":"A-USDT-{about}","instType":"{about}","uly":"A-USDT"}}"#
        ),
        "instruments" => format!(
            r#"{{"instId":"A-USDT-{about}","instType":"{about}","state":"live","tickSz":"0.1"}}"#
        ),
        _ if channel.starts_with("candle") => {
            format!(r#"["{number}","1","2","0.5","1.5","10","15","15","0"]"#)
        }
        _ if channel.contains("candle") => format!(r#"["{number}","1","2","0.5","1.5","0"]"#),
        _ => format!(
            r#"{{"asks":[["2","1","0","1"]],"bids":[["1","1","0","1"]],"ts":"{number}","seqId":{number}}}"#
        ),
    }
}

impl Peer for Exchange {
    fn dialed(&mut self, now: Time) -> Answer {
        self.server = Some(Server::new(Limits::DEFAULT, 1 << 20, None));
        self.account.connections += 1;
        self.streams.clear();
        self.rx.clear();
        self.end = None;
        self.next_ping = self.ping_every.map_or(Time::MAX, |every| now + every);
        Answer::Accept
    }

    fn received(&mut self, now: Time, bytes: &[u8]) {
        if self.server.is_some() {
            self.rx.spare()[..bytes.len()].copy_from_slice(bytes);
            self.rx.commit(bytes.len());
            self.read(now);
        }
    }

    fn left(&mut self, _: Time) {
        self.server = None;
        self.streams.clear();
        self.next_ping = Time::MAX;
    }

    fn poll_timeout(&self) -> Option<Time> {
        let next = self.streams.values().map(|line| line.next).min();
        let next = next.unwrap_or(Time::MAX).min(self.next_ping);
        (self.server.is_some() && next < Time::MAX).then_some(next)
    }

    fn handle_timeout(&mut self, now: Time) {
        self.speak(now);
        if self.next_ping <= now
            && let (Some(server), Some(every)) = (&mut self.server, self.ping_every)
        {
            self.account.pings += 1;
            server.queue().ping(b"are you there").expect("room");
            self.next_ping = now + every;
        }
    }

    fn transmit(&mut self) -> Vec<u8> {
        let mut bytes = Vec::new();
        let Some(server) = &mut self.server else {
            return bytes;
        };
        while !server.transmit().is_empty() {
            let len = server.transmit().len();
            bytes.extend_from_slice(server.transmit());
            server.transmitted(len);
        }
        if server.is_over() {
            self.end = Some(End::Fin);
        }
        bytes
    }

    fn end(&mut self) -> Option<End> {
        let end = self.end.take();
        if end.is_some() {
            self.server = None;
            self.streams.clear();
        }
        end
    }
}
