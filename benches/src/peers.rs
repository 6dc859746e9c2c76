//! The peers of framing behind one trait: each reads a [`Feed`] and hands over text messages, in order,
//! checked to be UTF-8.

use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll, Waker};

use boomnet::ws::{Websocket, WebsocketFrame};
use fastwebsockets::OpCode;
use futures_core::Stream;
use tokio_websockets::{ClientBuilder, WebSocketStream};

use marketprism_core::ReceiveBuffer;
use marketprism_core::ws::{Decoder, Item, Limits, Role};

use crate::traffic::{CHUNK, Feed};

/// A text message, checked to be UTF-8.
pub enum Text<'a> {
    /// By a peer whose type says so.
    Str(&'a str),
    /// By a peer whose type does not, and lets its owner write instead.
    Bytes(&'a mut [u8]),
}

/// A client after its upgrade.
pub trait Framing {
    /// What the tables call it.
    const NAME: &'static str;

    /// A client that reads from `feed`.
    fn over(feed: Feed) -> Self;

    /// Takes the next `count` messages in.
    fn drain(&mut self, count: usize, each: &mut impl FnMut(Text<'_>));
}

/// Ours: lent from a buffer of the loop's own.
pub struct MarketPrism {
    feed: Feed,
    rx: ReceiveBuffer,
    decoder: Decoder,
}

impl Framing for MarketPrism {
    const NAME: &'static str = "marketprism";

    fn over(feed: Feed) -> Self {
        Self {
            feed,
            rx: ReceiveBuffer::with_capacity(CHUNK),
            decoder: Decoder::new(Role::Client, Limits::DEFAULT, None),
        }
    }

    fn drain(&mut self, count: usize, each: &mut impl FnMut(Text<'_>)) {
        let mut left = count;
        while left > 0 {
            match self.decoder.next(&mut self.rx) {
                Ok(Some(Item::Text(text))) => {
                    each(Text::Str(text));
                    left -= 1;
                }
                Ok(None) => {
                    let count = self.feed.fill(self.rx.spare());
                    self.rx.commit(count);
                }
                other => panic!("not a text message: {other:?}"),
            }
        }
    }
}

/// The blocking client most others are measured by; it hands over messages that own their bytes.
pub struct Tungstenite(tungstenite::WebSocket<Feed>);

impl Framing for Tungstenite {
    const NAME: &'static str = "tungstenite";

    fn over(feed: Feed) -> Self {
        let role = tungstenite::protocol::Role::Client;
        Self(tungstenite::WebSocket::from_raw_socket(feed, role, None))
    }

    fn drain(&mut self, count: usize, each: &mut impl FnMut(Text<'_>)) {
        for _ in 0..count {
            match self.0.read() {
                Ok(tungstenite::Message::Text(text)) => each(Text::Str(&text)),
                other => panic!("not a text message: {other:?}"),
            }
        }
    }
}

/// Frames only; messages whose text it has checked own a slice of its buffer.
pub struct FastWebSockets(fastwebsockets::WebSocket<Feed>);

impl Framing for FastWebSockets {
    const NAME: &'static str = "fastwebsockets";

    fn over(feed: Feed) -> Self {
        let role = fastwebsockets::Role::Client;
        Self(fastwebsockets::WebSocket::after_handshake(feed, role))
    }

    fn drain(&mut self, count: usize, each: &mut impl FnMut(Text<'_>)) {
        for _ in 0..count {
            match now(self.0.read_frame()) {
                Ok(mut frame) if frame.opcode == OpCode::Text && frame.fin => {
                    each(Text::Bytes(frame.payload.to_mut()));
                }
                other => panic!("not a text message: {:?}", other.map(|frame| frame.opcode)),
            }
        }
    }
}

/// A tokio client as a stream of messages.
pub struct TokioWebSockets(WebSocketStream<Feed>);

impl Framing for TokioWebSockets {
    const NAME: &'static str = "tokio-websockets";

    fn over(feed: Feed) -> Self {
        Self(ClientBuilder::new().take_over(feed))
    }

    fn drain(&mut self, count: usize, each: &mut impl FnMut(Text<'_>)) {
        for _ in 0..count {
            match now(poll_fn(|context| Pin::new(&mut self.0).poll_next(context))) {
                Some(Ok(message)) if message.is_text() => {
                    each(Text::Str(message.as_text().unwrap_or_default()));
                }
                other => panic!("not a text message: {other:?}"),
            }
        }
    }
}

/// A batch of frames lent from its buffer, neither assembled nor checked: the check of UTF-8 is added here.
pub struct Boomnet(Websocket<Feed>);

impl Framing for Boomnet {
    const NAME: &'static str = "boomnet";

    fn over(feed: Feed) -> Self {
        Self(Websocket::new_with_handshake_complete(feed))
    }

    fn drain(&mut self, count: usize, each: &mut impl FnMut(Text<'_>)) {
        let mut left = count;
        while left > 0 {
            let mut batch = self
                .0
                .read_batch()
                .unwrap_or_else(|error| panic!("{error}"));
            // The rest of a batch that is not asked for stays for the next call.
            while left > 0 {
                match batch.receive_next() {
                    Some(Ok(WebsocketFrame::Text(true, bytes))) => {
                        each(Text::Str(utf8(bytes)));
                        left -= 1;
                    }
                    Some(_) => panic!("not a text message"),
                    None => break,
                }
            }
        }
    }
}

fn utf8(bytes: &[u8]) -> &str {
    simdutf8::basic::from_utf8(bytes).unwrap_or_else(|error| panic!("{error}"))
}

/// The outcome of a future that never has to wait: a [`Feed`] is always ready.
fn now<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(outcome) => outcome,
        Poll::Pending => panic!("a feed is always ready"),
    }
}
