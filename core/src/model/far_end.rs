//! The far end of one session's socket: as much of a venue as one stream needs.

use alloc::collections::VecDeque;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::mem;

use serde_json::Value;

use super::{Key, RETRY_AFTER};
use crate::buffer::ReceiveBuffer;
use crate::connection::Epoch;
use crate::market::Venue;
use crate::venue::{Operation, RequestId};
use crate::ws::handshake::{Response, ServerRequest};
use crate::ws::{CloseFrame, Decoder, Item, Limits, Role, TransmitQueue};

/// Every message is shorter than this.
pub(super) const BYTES: usize = 4096;

/// One line between a session and its venue, as the shell and the venue see it.
#[derive(Clone, Debug)]
pub(super) struct Line {
    pub(super) venue: Venue,
    /// The name of the stream, as requests and messages have it.
    pub(super) stream: String,
    pub(super) socket: Socket,
    pub(super) stage: Stage,
    /// Nothing gets through any more.
    pub(super) vanished: bool,
    /// The stream is not sent.
    pub(super) muted: bool,
    /// The client's close frame has come; ours is sent.
    pub(super) they_closed: bool,
    pub(super) we_closed: bool,
    /// We have ended the stream.
    pub(super) ended: bool,
    /// Requests that have not been looked at.
    pub(super) requests: VecDeque<Request>,
    pub(super) subscribed: bool,
    /// Messages of the stream so far, on all sockets.
    spoken: u64,
}

/// What the shell holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Socket {
    None,
    Live(Epoch),
    /// It is closed, and the session has yet to hear it.
    Dropped(Epoch),
}

/// How far the far end has come.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// No socket, or a dial under way.
    Dialing,
    /// The upgrade request, as far as it has come.
    Asked(Vec<u8>),
    Open,
}

/// A request of the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Request {
    pub(super) text: String,
    pub(super) operation: Operation,
    pub(super) id: RequestId,
}

/// How a request is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reply {
    Done,
    Refused,
}

impl Line {
    pub(super) fn new(venue: Venue, stream: String) -> Self {
        Self {
            venue,
            stream,
            socket: Socket::None,
            stage: Stage::Dialing,
            vanished: false,
            muted: false,
            they_closed: false,
            we_closed: false,
            ended: false,
            requests: VecDeque::new(),
            subscribed: false,
            spoken: 0,
        }
    }

    /// Another socket, or none: what was on the last one is forgotten.
    pub(super) fn replace(&mut self, socket: Socket) {
        *self = Self {
            socket,
            spoken: self.spoken,
            ..Self::new(self.venue, mem::take(&mut self.stream))
        };
    }

    /// Whether the far end can say anything.
    pub(super) fn is_reachable(&self) -> bool {
        matches!(self.socket, Socket::Live(_)) && !self.vanished && !self.ended
    }

    /// Whether messages flow both ways.
    pub(super) fn is_open(&self) -> bool {
        let closed = self.they_closed || self.we_closed;
        self.is_reachable() && self.stage == Stage::Open && !closed
    }

    /// Whether the stream is sent.
    pub(super) fn streams(&self) -> bool {
        self.is_open() && self.subscribed && !self.muted
    }

    /// Takes in what the client has written, and returns what is answered at once.
    pub(super) fn received(&mut self, bytes: &[u8]) -> Vec<u8> {
        let mut out = TransmitQueue::server(BYTES);
        let reachable = self.is_reachable();
        match &mut self.stage {
            _ if !reachable => {}
            Stage::Dialing => panic!("bytes for a socket that is not connected"),
            Stage::Asked(head) => head.extend_from_slice(bytes),
            Stage::Open => self.read(bytes, &mut out),
        }
        out.bytes().to_vec()
    }

    fn read(&mut self, bytes: &[u8], out: &mut TransmitQueue) {
        let mut rx = filled(bytes);
        let mut decoder = Decoder::new(Role::Server, Limits::DEFAULT, None);
        while let Some(item) = decoder
            .next(&mut rx)
            .expect("a client that keeps the rules")
        {
            match item {
                Item::Text("ping") => out.text("pong").expect("room"),
                Item::Text(text) => self.requests.push_back(Request::of(text)),
                Item::Ping(payload) => out.pong(payload).expect("room"),
                Item::Close(_) => self.they_closed = true,
                Item::Pong(_) | Item::Binary(_) => {}
            }
        }
    }

    /// The answer to the upgrade request.
    pub(super) fn upgrade(&mut self) -> Vec<u8> {
        let Stage::Asked(head) = mem::replace(&mut self.stage, Stage::Open) else {
            panic!("nothing was asked for");
        };
        let request = ServerRequest::parse(&head).expect("a request");
        let upgrade = request.upgrade().expect("a valid request");
        upgrade.expect("an upgrade").accept(None, None).0
    }

    /// Its refusal.
    pub(super) fn refuse_upgrade(status: u16) -> Vec<u8> {
        let after = RETRY_AFTER.as_secs().to_string();
        Response::new(status).field("Retry-After", &after).body(b"")
    }

    /// Takes the oldest request.
    pub(super) fn take_request(&mut self) -> Request {
        self.requests.pop_front().expect("a request")
    }

    /// Does what a request asks for, and says whether nothing was asked for twice.
    pub(super) fn carry_out(&mut self, request: &Request) -> bool {
        let subscribes = request.operation == Operation::Subscribe;
        let before = mem::replace(&mut self.subscribed, subscribes);
        !(before && subscribes)
    }

    pub(super) fn reply(&self, request: &Request, reply: Reply) -> String {
        let Request { operation, id, .. } = request;
        let event = match operation {
            Operation::Subscribe => "subscribe",
            Operation::Unsubscribe => "unsubscribe",
        };
        match (self.venue, reply) {
            (Venue::Binance, Reply::Done) => format!(r#"{{"result":null,"id":{id}}}"#),
            (Venue::Binance, Reply::Refused) => {
                format!(r#"{{"code":2,"msg":"Invalid request","id":{id}}}"#)
            }
            (Venue::Okx, Reply::Done) => {
                let arg = self.argument();
                format!(r#"{{"id":"{id}","event":"{event}","arg":{arg},"connId":"a"}}"#)
            }
            (Venue::Okx, Reply::Refused) => format!(
                r#"{{"event":"error","code":"60018","msg":"Invalid request","id":"{id}","connId":"a"}}"#
            ),
        }
    }

    /// The next message of the stream.
    pub(super) fn speak(&mut self) -> String {
        self.spoken += 1;
        let number = self.spoken;
        let name = &self.stream;
        match self.venue {
            Venue::Binance => format!(
                r#"{{"stream":"{}@trade","data":{{"e":"trade","E":1,"s":"{name}","t":{number},"p":"1.5","q":"2","T":1,"m":true,"M":true}}}}"#,
                name.to_lowercase()
            ),
            Venue::Okx => format!(
                r#"{{"arg":{},"data":[{{"instId":"{name}","tradeId":"{number}","px":"1.5","sz":"2","side":"buy","ts":"1","count":"1","source":"0","seqId":{number}}}]}}"#,
                self.argument()
            ),
        }
    }

    /// The notice that the connection is about to be closed.
    pub(super) const fn announce(&self) -> &'static str {
        match self.venue {
            Venue::Binance => r#"{"e":"serverShutdown","E":1}"#,
            Venue::Okx => r#"{"event":"notice","code":"64008","msg":"Soon.","connId":"a"}"#,
        }
    }

    /// Our close frame, unless it has been sent.
    pub(super) fn close(&mut self) -> Vec<u8> {
        let mut out = TransmitQueue::server(BYTES);
        if !mem::replace(&mut self.we_closed, true) {
            let close = CloseFrame {
                code: 1001,
                reason: "",
            };
            out.close(Some(close)).expect("room");
        }
        out.bytes().to_vec()
    }

    fn argument(&self) -> String {
        format!(r#"{{"channel":"trades","instId":"{}"}}"#, self.stream)
    }

    /// What the future depends on; `last` is the number of the client's last request.
    pub(super) fn key(&self, last: RequestId, key: &mut Key) {
        key.number(match self.socket {
            Socket::None => 0,
            Socket::Live(_) => 1,
            Socket::Dropped(_) => 2,
        });
        key.number(match &self.stage {
            Stage::Dialing => 0,
            Stage::Asked(_) => 1,
            Stage::Open => 2,
        });
        for flag in [
            self.vanished,
            self.muted,
            self.they_closed,
            self.we_closed,
            self.ended,
            self.subscribed,
        ] {
            key.flag(flag);
        }
        key.number(self.requests.len());
        for request in &self.requests {
            key.number(last - request.id);
            key.flag(request.operation == Operation::Subscribe);
        }
    }
}

impl Request {
    fn of(text: &str) -> Self {
        let value: Value = serde_json::from_str(text).expect("JSON");
        let verb = value["method"].as_str().or_else(|| value["op"].as_str());
        let operation = match verb.expect("a verb").to_lowercase().as_str() {
            "subscribe" => Operation::Subscribe,
            "unsubscribe" => Operation::Unsubscribe,
            other => panic!("{other} is no request"),
        };
        // OKX wants it as text.
        let id = value["id"]
            .as_str()
            .map_or_else(|| value["id"].as_u64(), |id| id.parse().ok());
        Self {
            text: text.into(),
            operation,
            id: id.expect("a number"),
        }
    }
}

/// A message as it goes over the wire.
pub(super) fn framed(text: &str) -> Vec<u8> {
    let mut out = TransmitQueue::server(BYTES);
    out.text(text).expect("room");
    out.bytes().to_vec()
}

/// A receive buffer with these bytes.
pub(super) fn filled(bytes: &[u8]) -> ReceiveBuffer {
    let mut rx = ReceiveBuffer::with_capacity(BYTES);
    rx.spare()[..bytes.len()].copy_from_slice(bytes);
    rx.commit(bytes.len());
    rx
}
