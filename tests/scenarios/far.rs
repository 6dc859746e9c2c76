//! The far end, without IO: what it sends in bytes, and what it has received in words.

use std::collections::VecDeque;

use marketprism_core::ReceiveBuffer;
use marketprism_core::ws::handshake::{RequestReader, Response};
use marketprism_core::ws::{self, CloseFrame, Decoder, Limits, Role, TransmitQueue};

use crate::language::{Item, Piece};

/// A server of one connection that does what it is told and nothing by itself.
#[derive(Debug)]
pub(crate) struct FarEnd {
    reader: RequestReader,
    decoder: Decoder,
    stage: Stage,
    received: VecDeque<Item>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Request,
    Frames,
}

impl FarEnd {
    pub(crate) fn new() -> Self {
        Self {
            reader: RequestReader::new(Limits::DEFAULT.max_handshake),
            decoder: Decoder::new(Role::Server, Limits::DEFAULT, None),
            stage: Stage::Request,
            received: VecDeque::new(),
        }
    }

    /// Takes in what has come.
    pub(crate) fn feed(&mut self, bytes: &[u8]) -> Result<(), String> {
        let mut rx = ReceiveBuffer::with_capacity(bytes.len());
        rx.spare().copy_from_slice(bytes);
        rx.commit(bytes.len());
        if self.stage == Stage::Request {
            match self.reader.read(&mut rx) {
                Ok(Some(_)) => self.received.push_back(Item::Request),
                Ok(None) => return Ok(()),
                Err(error) => return Err(format!("a request that is none: {error}")),
            }
            self.stage = Stage::Frames;
        }
        loop {
            match self.decoder.next(&mut rx) {
                Ok(Some(found)) => self.received.push_back(item(&found)),
                Ok(None) => return Ok(()),
                Err(violation) => return Err(format!("frames that are none: {violation}")),
            }
        }
    }

    /// What has been received first and not been asked for yet.
    pub(crate) fn next(&mut self) -> Option<Item> {
        self.received.pop_front()
    }

    /// What is to be sent, in one piece.
    pub(crate) fn bytes(&self, pieces: &[Piece]) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        for piece in pieces {
            bytes.extend(self.piece(piece)?);
        }
        Ok(bytes)
    }

    fn piece(&self, piece: &Piece) -> Result<Vec<u8>, String> {
        let mut queue = TransmitQueue::server(1 << 20);
        let queued = match piece {
            Piece::Answer(101, _) => return self.accepted(),
            Piece::WrongKey => {
                let other = Self::asked_by(OTHER_REQUEST)?;
                return other.accepted();
            }
            Piece::Answer(status, after) => return Ok(refusal(*status, *after)),
            Piece::HalfAnswer => return Ok(b"HTTP/1.1 101 Switching Pro".to_vec()),
            Piece::Raw(bytes) => return Ok(bytes.clone()),
            Piece::Text(text) => queue.text(text),
            Piece::Binary(bytes) => queue.binary(bytes),
            Piece::Ping(text) => queue.ping(text.as_bytes()),
            Piece::Pong(text) => queue.pong(text.as_bytes()),
            Piece::Close(code) => queue.close(code.map(|code| CloseFrame { code, reason: "" })),
        };
        match queued {
            Ok(()) => Ok(queue.bytes().to_vec()),
            Err(ws::Full) => Err(format!("`{piece}` is too long")),
        }
    }

    fn asked_by(request: &[u8]) -> Result<Self, String> {
        let mut other = Self::new();
        other.feed(request)?;
        Ok(other)
    }

    fn accepted(&self) -> Result<Vec<u8>, String> {
        let request = self.reader.request().map_err(|error| error.to_string())?;
        match request.upgrade() {
            Ok(Some(upgrade)) => Ok(upgrade.accept(None, None).0),
            Ok(None) => Err("the request asks for no upgrade".into()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// An upgrade request with a key of its own (the one of RFC 6455 section 1.2).
const OTHER_REQUEST: &[u8] = b"GET / HTTP/1.1\r\nHost: other\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
    Sec-WebSocket-Version: 13\r\n\r\n";

fn refusal(status: u16, after: Option<u32>) -> Vec<u8> {
    let response = Response::new(status);
    let response = match after {
        Some(seconds) => response.field("Retry-After", &seconds.to_string()),
        None => response,
    };
    response.body(b"")
}

fn item(found: &ws::Item<'_>) -> Item {
    let text = |bytes| String::from_utf8_lossy(bytes).into_owned();
    match found {
        ws::Item::Text(text) => Item::Text((*text).to_owned()),
        ws::Item::Binary(bytes) => Item::Bytes(bytes.len()),
        ws::Item::Ping(_) => Item::Ping,
        ws::Item::Pong(payload) => Item::Pong(text(payload)),
        ws::Item::Close(close) => Item::Close(close.map_or(1005, |close| close.code)),
    }
}
