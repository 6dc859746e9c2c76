//! Any bytes, decoded whole and cut: the same items, and the same violation at the end.
#![no_main]

use libfuzzer_sys::fuzz_target;
use marketprism_core::ReceiveBuffer;
use marketprism_core::ws::deflate::{Agreement, Context, Side};
use marketprism_core::ws::{Decoder, Limits, Role};

const LIMITS: Limits = Limits {
    max_message: 1 << 10,
    max_frame: 1 << 9,
    max_fragments: 8,
    max_handshake: 0,
};

fuzz_target!(|input: &[u8]| {
    let [settings, size, stream @ ..] = input else {
        return;
    };
    let whole = decode(*settings, [stream].into_iter());
    assert_eq!(decode(*settings, stream.chunks(1)), whole);
    let size = usize::from(*size).max(1);
    assert_eq!(decode(*settings, stream.chunks(size)), whole);
});

/// The items as text, and the violation that ended them.
fn decode<'a>(settings: u8, chunks: impl Iterator<Item = &'a [u8]>) -> Vec<String> {
    let mut decoder = decoder(settings);
    let mut rx = ReceiveBuffer::with_capacity(1 << 16);
    let mut items = Vec::new();
    for chunk in chunks {
        let count = chunk.len().min(rx.spare().len());
        rx.spare()[..count].copy_from_slice(&chunk[..count]);
        rx.commit(count);
        loop {
            match decoder.next(&mut rx) {
                Ok(Some(item)) => items.push(format!("{item:?}")),
                Ok(None) => break,
                Err(violation) => {
                    items.push(format!("{violation:?}"));
                    return items;
                }
            }
        }
        assert!(rx.is_empty());
    }
    items
}

fn decoder(settings: u8) -> Decoder {
    let role = match settings & 1 {
        0 => Role::Client,
        _ => Role::Server,
    };
    let context = match settings & 2 {
        0 => Context::Takeover,
        _ => Context::Fresh,
    };
    let side = Side {
        context,
        ..Side::DEFAULT
    };
    let agreement = Agreement {
        ours: side,
        theirs: side,
    };
    Decoder::new(role, LIMITS, (settings & 4 == 0).then_some(agreement))
}
