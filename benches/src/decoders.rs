//! The peers of decoding behind one trait: each turns the text of a message of a known kind into its model.

use marketprism_core::market::Market;
use marketprism_core::venue::{Decoded, Decoder};
use simd_json::Buffers;

use crate::models::{Combined, Depth, Kind, Message, TextDepth, TextTop, TextTrade, Top, Trade};
use crate::peers::Text;

/// A JSON library with serde's models on top.
pub trait Decoding: Default {
    /// What the tables call it.
    const NAME: &'static str;

    /// Decodes one message and hands it over.
    fn decode(&mut self, text: Text<'_>, each: impl FnOnce(Message<'_>));
}

/// Calls `$read` for the model of the kind that `$bytes` is of.
macro_rules! typed {
    ($bytes:expr, $each:expr, $read:expr) => {
        match Kind::of($bytes) {
            Some(Kind::Trade) => {
                let Combined::<Trade<'_>> { data } = $read.unwrap_or_else(|e| panic!("{e}"));
                $each(Message::Trade(data));
            }
            Some(Kind::Depth) => {
                let Combined::<Depth<'_>> { data } = $read.unwrap_or_else(|e| panic!("{e}"));
                $each(Message::Depth(data));
            }
            Some(Kind::Top) => {
                let Combined::<Top<'_>> { data } = $read.unwrap_or_else(|e| panic!("{e}"));
                $each(Message::Top(data));
            }
            None => panic!("a stream that nobody subscribed to"),
        }
    };
}

/// Ours.
pub struct MarketPrism(Decoder);

impl Default for MarketPrism {
    fn default() -> Self {
        Self(Decoder::new(Market::BinanceSpot))
    }
}

impl Decoding for MarketPrism {
    const NAME: &'static str = "marketprism";

    fn decode(&mut self, text: Text<'_>, each: impl FnOnce(Message<'_>)) {
        let text = match text {
            Text::Str(text) => text,
            Text::Bytes(bytes) => {
                simdutf8::basic::from_utf8(bytes).unwrap_or_else(|e| panic!("{e}"))
            }
        };
        match self.0.decode(text) {
            Ok(Decoded::Events { count: 1, .. }) => {}
            other => panic!("not one event: {other:?}"),
        }
        if let Some(event) = self.0.event(text, 0) {
            each(Message::Event(event));
        }
    }
}

/// sonic-rs that leaves prices and quantities as text: less than the task, and so a bound.
#[derive(Default)]
pub struct SonicRsText;

impl Decoding for SonicRsText {
    const NAME: &'static str = "sonic-rs, numbers left as text";

    fn decode(&mut self, text: Text<'_>, each: impl FnOnce(Message<'_>)) {
        let Text::Str(text) = text else {
            panic!("asked for text only");
        };
        match Kind::of(text.as_bytes()) {
            Some(Kind::Trade) => {
                let combined: Combined<TextTrade<'_>> =
                    sonic_rs::from_str(text).unwrap_or_else(|e| panic!("{e}"));
                each(Message::TextTrade(combined.data));
            }
            Some(Kind::Depth) => {
                let combined: Combined<TextDepth<'_>> =
                    sonic_rs::from_str(text).unwrap_or_else(|e| panic!("{e}"));
                each(Message::TextDepth(combined.data));
            }
            Some(Kind::Top) => {
                let combined: Combined<TextTop<'_>> =
                    sonic_rs::from_str(text).unwrap_or_else(|e| panic!("{e}"));
                each(Message::TextTop(combined.data));
            }
            None => panic!("a stream that nobody subscribed to"),
        }
    }
}

/// The one that everybody knows.
#[derive(Default)]
pub struct SerdeJson;

impl Decoding for SerdeJson {
    const NAME: &'static str = "serde_json";

    fn decode(&mut self, text: Text<'_>, each: impl FnOnce(Message<'_>)) {
        match text {
            Text::Str(text) => typed!(text.as_bytes(), each, serde_json::from_str(text)),
            Text::Bytes(bytes) => typed!(bytes, each, serde_json::from_slice(bytes)),
        }
    }
}

/// SIMD on demand, from bytes that it leaves as they are.
#[derive(Default)]
pub struct SonicRs;

impl Decoding for SonicRs {
    const NAME: &'static str = "sonic-rs";

    fn decode(&mut self, text: Text<'_>, each: impl FnOnce(Message<'_>)) {
        match text {
            Text::Str(text) => typed!(text.as_bytes(), each, sonic_rs::from_str(text)),
            Text::Bytes(bytes) => typed!(bytes, each, sonic_rs::from_slice(bytes)),
        }
    }
}

/// Likewise.
#[derive(Default)]
pub struct Flexon;

impl Decoding for Flexon {
    const NAME: &'static str = "flexon";

    fn decode(&mut self, text: Text<'_>, each: impl FnOnce(Message<'_>)) {
        match text {
            Text::Str(text) => typed!(text.as_bytes(), each, flexon::from_str(text)),
            Text::Bytes(bytes) => typed!(bytes, each, flexon::from_slice(bytes)),
        }
    }
}

/// Two passes, in place: text that may not be written to is copied first, into room that is kept.
#[derive(Default)]
pub struct SimdJson {
    room: Vec<u8>,
    buffers: Buffers,
}

impl Decoding for SimdJson {
    const NAME: &'static str = "simd-json";

    fn decode(&mut self, text: Text<'_>, each: impl FnOnce(Message<'_>)) {
        let Self { room, buffers } = self;
        let bytes = match text {
            Text::Str(text) => {
                room.clear();
                room.extend_from_slice(text.as_bytes());
                room.as_mut_slice()
            }
            Text::Bytes(bytes) => bytes,
        };
        typed!(
            bytes,
            each,
            simd_json::serde::from_slice_with_buffers(bytes, buffers)
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::models::Digest;
    use crate::traffic::Traffic;

    fn digest<D: Decoding>(traffic: &Traffic, writable: bool) -> Digest {
        let (mut decoder, mut digest) = (D::default(), Digest::default());
        for message in &traffic.messages {
            let mut bytes = message.clone().into_bytes();
            let text = match writable {
                true => Text::Bytes(&mut bytes),
                false => Text::Str(message),
            };
            decoder.decode(text, |message| digest.message(&message));
        }
        digest
    }

    #[test]
    fn all_decoders_read_the_same() {
        let traffic = Traffic::mixed(200, 11);
        let expected = digest::<SerdeJson>(&traffic, false);
        assert_eq!(expected.messages, 200);
        assert!(expected.levels > 1_000);
        for writable in [false, true] {
            assert_eq!(digest::<SerdeJson>(&traffic, writable), expected);
            assert_eq!(digest::<MarketPrism>(&traffic, writable), expected);
            assert_eq!(digest::<SonicRs>(&traffic, writable), expected);
            assert_eq!(digest::<SimdJson>(&traffic, writable), expected);
            assert_eq!(digest::<Flexon>(&traffic, writable), expected);
        }
    }
}
