//! Clients of an exchange without sockets: bytes are carried by hand, and time jumps.

use std::time::Duration;

use marketprism::twin::{Command, ConnectionId, Exchange, Options};
use marketprism_core::market::Market;
use marketprism_core::ws::handshake::{Refused, Request, ResponseReader};
use marketprism_core::ws::{CloseFrame, Decoder, Item, Limits, Role, TransmitQueue, Violation};
use marketprism_core::{ReceiveBuffer, Time};

/// An exchange and its clients.
pub(super) struct World {
    pub(super) exchange: Exchange,
    pub(super) now: Time,
    pub(super) peers: Vec<Peer>,
    /// Whether the exchange listens.
    pub(super) listening: bool,
}

/// A client that obeys and remembers.
pub(super) struct Peer {
    pub(super) id: ConnectionId,
    reader: ResponseReader,
    decoder: Decoder,
    queue: TransmitQueue,
    stage: Stage,
    /// Everything that was received, as it was.
    pub(super) bytes: Vec<u8>,
    /// When it was received, and in which pieces.
    pub(super) pieces: Vec<(Time, usize)>,
    pub(super) texts: Vec<(Time, String)>,
    pub(super) pings: Vec<(Time, String)>,
    pub(super) pongs: u32,
    /// The code of the exchange's close frame.
    pub(super) close: Option<u16>,
    /// What the exchange broke the protocol by.
    pub(super) violation: Option<Violation>,
    /// How the socket ended.
    pub(super) ended: Option<(Time, Command)>,
    /// Whether it answers pings.
    pub(super) answers: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    Asking,
    Open,
    Refused(Refused),
    Plain,
}

const NONCE: [u8; 16] = [7; 16];

impl World {
    pub(super) fn new(market: Market, options: Options, seed: u64) -> Self {
        Self {
            exchange: Exchange::new(market, options, seed),
            now: Time::ZERO,
            peers: Vec::new(),
            listening: true,
        }
    }

    pub(super) fn of(market: Market) -> Self {
        Self::new(market, Options::new(market), 1)
    }

    /// Connects and asks for an upgrade.
    pub(super) fn connect(&mut self, path: &str) -> usize {
        let request = Request {
            host: "localhost",
            port: 80,
            tls: false,
            path,
            headers: &[],
            protocols: &[],
            deflate: None,
        };
        let reader = ResponseReader::new(&request, NONCE, 16 << 10);
        let head = request.write(NONCE).unwrap();
        self.join(reader, Stage::Asking, &head)
    }

    /// Connects, sends a plain HTTP request and wants no more; returns the answer.
    pub(super) fn get(&mut self, target: &str) -> String {
        let head = format!("GET {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n");
        let peer = self.join_plain(&head);
        let answer = String::from_utf8(self.peers[peer].bytes.clone()).unwrap();
        assert!(self.peers[peer].ended.is_some());
        answer
    }

    /// Connects and sends plain HTTP.
    pub(super) fn join_plain(&mut self, head: &str) -> usize {
        let request = Request {
            host: "localhost",
            port: 80,
            tls: false,
            path: "/",
            headers: &[],
            protocols: &[],
            deflate: None,
        };
        let reader = ResponseReader::new(&request, NONCE, 16 << 10);
        self.join(reader, Stage::Plain, head.as_bytes())
    }

    /// Sends more plain HTTP, and returns what came back at once.
    pub(super) fn say(&mut self, peer: usize, head: &str) -> String {
        let before = self.peers[peer].bytes.len();
        self.peers[peer].queue.handshake(head.as_bytes()).unwrap();
        self.carry();
        String::from_utf8(self.peers[peer].bytes[before..].to_vec()).unwrap()
    }

    fn join(&mut self, reader: ResponseReader, stage: Stage, head: &[u8]) -> usize {
        let id = self.exchange.accept(self.now);
        let mut queue = TransmitQueue::client(1 << 20, [3; 32]);
        queue.handshake(head).unwrap();
        self.peers.push(Peer {
            id,
            reader,
            decoder: Decoder::new(Role::Client, Limits::DEFAULT, None),
            queue,
            stage,
            bytes: Vec::new(),
            pieces: Vec::new(),
            texts: Vec::new(),
            pings: Vec::new(),
            pongs: 0,
            close: None,
            violation: None,
            ended: None,
            answers: true,
        });
        self.carry();
        self.peers.len() - 1
    }

    /// Sends a text message and carries everything that follows from it at once.
    pub(super) fn send(&mut self, peer: usize, text: &str) {
        self.peers[peer].queue.text(text).unwrap();
        self.carry();
    }

    /// Sends a text message and returns what came back at once.
    pub(super) fn ask(&mut self, peer: usize, text: &str) -> Vec<String> {
        let before = self.peers[peer].texts.len();
        self.send(peer, text);
        let replies = self.peers[peer].texts[before..].iter();
        replies.map(|(_, text)| text.clone()).collect()
    }

    pub(super) fn send_pong(&mut self, peer: usize, payload: &str) {
        self.peers[peer].queue.pong(payload.as_bytes()).unwrap();
        self.carry();
    }

    /// Lets time pass.
    pub(super) fn run(&mut self, span: Duration) {
        let end = self.now + span;
        while let Some(next) = self.exchange.poll_timeout().filter(|next| *next <= end) {
            self.now = self.now.max(next);
            self.exchange.handle_timeout(self.now);
            self.carry();
        }
        self.now = end;
        self.exchange.handle_timeout(end);
        self.carry();
    }

    /// Lets a client read what waits for it; while that is written, time passes.
    pub(super) fn read_during(&mut self, peer: usize, span: Duration) {
        let id = self.peers[peer].id;
        let bytes = self.exchange.transmit(id).to_vec();
        self.now = self.now + span;
        self.exchange.transmitted(self.now, id, bytes.len());
        self.peers[peer].take(self.now, &bytes);
        self.carry();
    }

    /// The client gives its socket up.
    pub(super) fn hang_up(&mut self, peer: usize) {
        let id = self.peers[peer].id;
        self.peers[peer].ended = Some((self.now, Command::Drop(id)));
        self.exchange.closed(self.now, id);
    }

    /// Carries bytes both ways and obeys commands until nothing is left to do.
    fn carry(&mut self) {
        for _ in 0..20 {
            for peer in 0..self.peers.len() {
                self.carry_one(peer);
            }
            while let Some(command) = self.exchange.poll_command() {
                self.obey(command);
            }
        }
    }

    fn carry_one(&mut self, peer: usize) {
        let Self {
            exchange,
            now,
            peers,
            ..
        } = self;
        let peer = &mut peers[peer];
        if peer.ended.is_some() {
            return;
        }
        let sent = peer.queue.bytes().to_vec();
        if !sent.is_empty() {
            peer.queue.written(sent.len());
            exchange.receive(*now, peer.id, &mut filled(&sent));
        }
        loop {
            let bytes = exchange.transmit(peer.id).to_vec();
            if bytes.is_empty() {
                return;
            }
            exchange.transmitted(*now, peer.id, bytes.len());
            peer.take(*now, &bytes);
        }
    }

    fn obey(&mut self, command: Command) {
        match command {
            Command::Close(id) => {
                for peer in 0..self.peers.len() {
                    if self.peers[peer].id == id {
                        self.carry_one(peer);
                    }
                }
                self.finish(id, command);
                self.exchange.closed(self.now, id);
            }
            Command::Drop(id) | Command::Reset(id) => {
                self.finish(id, command);
                self.exchange.closed(self.now, id);
            }
            Command::HalfClose(id) | Command::Stall(id) => self.finish(id, command),
            // Nothing here goes by way of TLS or through the system's buffers.
            Command::Unread(_) | Command::Handshake(..) | Command::Record(..) => {}
            Command::Deafen | Command::Overflow => self.listening = false,
            Command::Listen => self.listening = true,
        }
    }

    fn finish(&mut self, id: ConnectionId, command: Command) {
        let now = self.now;
        if let Some(peer) = self.peers.iter_mut().find(|peer| peer.id == id) {
            peer.ended = Some((now, command));
        }
    }
}

impl Peer {
    fn take(&mut self, now: Time, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.pieces.push((now, bytes.len()));
        let mut rx = filled(bytes);
        if self.stage == Stage::Asking {
            match self.reader.read(&mut rx) {
                Ok(None) => return,
                Ok(Some(_)) => self.stage = Stage::Open,
                Err(refused) => self.stage = Stage::Refused(refused),
            }
        }
        if self.stage != Stage::Open {
            return;
        }
        while self.violation.is_none() {
            let item = match self.decoder.next(&mut rx) {
                Ok(Some(item)) => item,
                Ok(None) => return,
                Err(violation) => {
                    let code = violation.close_code();
                    self.violation = Some(violation);
                    let close = Some(CloseFrame { code, reason: "" });
                    return self.queue.close(close).unwrap();
                }
            };
            match item {
                Item::Text(text) => self.texts.push((now, text.to_owned())),
                Item::Binary(_) => panic!("an exchange sends text"),
                Item::Ping(payload) => {
                    self.pings
                        .push((now, String::from_utf8(payload.to_vec()).unwrap()));
                    if self.answers {
                        let queue = &mut self.queue;
                        let answer = queue.pong(payload);
                        answer
                            .or_else(|_| queue.replace_pong(payload))
                            .unwrap_or_default();
                    }
                }
                Item::Pong(_) => self.pongs += 1,
                Item::Close(close) => {
                    self.close = close.map(|close| close.code);
                    self.queue.close(close).unwrap_or_default();
                }
            }
        }
    }

    pub(super) fn stage(&self) -> Stage {
        self.stage
    }

    /// The texts in which this occurs.
    pub(super) fn texts_with(&self, part: &str) -> Vec<&str> {
        let texts = self.texts.iter().map(|(_, text)| text.as_str());
        texts.filter(|text| text.contains(part)).collect()
    }

    /// When the last text came in which this occurs.
    pub(super) fn last_with(&self, part: &str) -> Option<Time> {
        let mut texts = self.texts.iter().rev();
        texts
            .find(|(_, text)| text.contains(part))
            .map(|(at, _)| *at)
    }
}

fn filled(bytes: &[u8]) -> ReceiveBuffer {
    let mut rx = ReceiveBuffer::with_capacity(bytes.len());
    rx.spare().copy_from_slice(bytes);
    rx.commit(bytes.len());
    rx
}
