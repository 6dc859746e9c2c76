//! Frames written by hand, and what a decoder makes of them, as values that can be compared.

use marketprism_core::ReceiveBuffer;
use marketprism_core::ws::{Decoder, Item, Limits, Role, Violation, deflate};

use super::splits::same_however_cut;

pub(crate) const FIN: u8 = 0x80;
pub(crate) const RSV1: u8 = 0x40;
pub(crate) const CONTINUATION: u8 = 0x0;
pub(crate) const TEXT: u8 = 0x1;
pub(crate) const BINARY: u8 = 0x2;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;

/// A frame from a server, written without the code under test.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![first];
    write_length(&mut out, 0, payload.len());
    out.extend(payload);
    out
}

/// A frame from a client.
pub(crate) fn masked(first: u8, payload: &[u8]) -> Vec<u8> {
    let key = [0xA5, 0x0F, 0x33, 0xC1];
    let mut out = vec![first];
    write_length(&mut out, 0x80, payload.len());
    out.extend(key);
    out.extend(payload.iter().zip(key.iter().cycle()).map(|(b, k)| b ^ k));
    out
}

fn write_length(out: &mut Vec<u8>, masked: u8, len: usize) {
    match len {
        0..126 => out.push(masked | len as u8),
        126..0x1_0000 => {
            out.push(masked | 126);
            out.extend((len as u16).to_be_bytes());
        }
        _ => {
            out.push(masked | 127);
            out.extend((len as u64).to_be_bytes());
        }
    }
}

/// An [`Item`] that owns what it carries, or the end of all items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Got {
    Text(String),
    Binary(Vec<u8>),
    Ping(Vec<u8>),
    Pong(Vec<u8>),
    Close(Option<(u16, String)>),
    Violation(Violation),
}

impl From<Item<'_>> for Got {
    fn from(item: Item<'_>) -> Self {
        match item {
            Item::Text(text) => Self::Text(text.into()),
            Item::Binary(bytes) => Self::Binary(bytes.into()),
            Item::Ping(payload) => Self::Ping(payload.into()),
            Item::Pong(payload) => Self::Pong(payload.into()),
            Item::Close(close) => Self::Close(close.map(|c| (c.code, c.reason.into()))),
        }
    }
}

pub(crate) fn text(text: &str) -> Got {
    Got::Text(text.into())
}

/// How a stream is decoded.
#[derive(Clone, Copy)]
pub(crate) struct Setup {
    pub(crate) role: Role,
    pub(crate) limits: Limits,
    pub(crate) deflate: Option<deflate::Agreement>,
}

impl Setup {
    pub(crate) const CLIENT: Self = Self {
        role: Role::Client,
        limits: Limits::DEFAULT,
        deflate: None,
    };
    pub(crate) const SERVER: Self = Self {
        role: Role::Server,
        ..Self::CLIENT
    };

    /// What a stream decodes to, checked to be the same however it is cut.
    pub(crate) fn decode(self, stream: &[u8]) -> Vec<Got> {
        same_however_cut(stream, |chunks| self.decode_chunks(chunks))
    }

    /// What these chunks decode to. A violation ends it, and is asked for once more.
    pub(crate) fn decode_chunks(self, chunks: &[&[u8]]) -> Vec<Got> {
        let largest = chunks.iter().map(|chunk| chunk.len()).max();
        let mut rx = ReceiveBuffer::with_capacity(largest.unwrap_or(0));
        let mut decoder = Decoder::new(self.role, self.limits, self.deflate);
        let mut got = Vec::new();
        for chunk in chunks {
            fill(&mut rx, chunk);
            loop {
                match decoder.next(&mut rx) {
                    Ok(Some(item)) => got.push(item.into()),
                    Ok(None) => break,
                    Err(violation) => {
                        assert_eq!(decoder.next(&mut rx), Err(violation));
                        got.push(Got::Violation(violation));
                        return got;
                    }
                }
            }
            assert!(rx.is_empty(), "what has been decoded is taken");
        }
        got
    }
}

/// What a socket's read would do.
pub(crate) fn fill(rx: &mut ReceiveBuffer, bytes: &[u8]) {
    rx.spare()[..bytes.len()].copy_from_slice(bytes);
    rx.commit(bytes.len());
}
