//! What one side sends is what the other receives: any messages, fragments, compression and cuts.

use marketprism_core::ws::deflate::{Agreement, Context, Side, WindowBits};
use marketprism_core::ws::{Limits, Message, Role, TransmitQueue};
use proptest::prelude::*;

use crate::support::wire::{Got, Setup};

fn side() -> impl Strategy<Value = Side> {
    let context = prop_oneof![Just(Context::Takeover), Just(Context::Fresh)];
    let bits = (8..=15_u8).prop_filter_map("8 to 15", WindowBits::new);
    (context, bits).prop_map(|(context, window_bits)| Side {
        context,
        window_bits,
    })
}

fn message() -> impl Strategy<Value = Got> {
    let repetitive = ("[a-f]{1,12}", 1..200_usize).prop_map(|(word, times)| word.repeat(times));
    prop_oneof![
        any::<String>().prop_map(Got::Text),
        repetitive.prop_map(Got::Text),
        prop::collection::vec(any::<u8>(), 0..600).prop_map(Got::Binary),
        prop::collection::vec(any::<u8>(), 0..=125).prop_map(Got::Ping),
        prop::collection::vec(any::<u8>(), 0..=125).prop_map(Got::Pong),
    ]
}

fn send(queue: &mut TransmitQueue, message: &Got, sizes: &[usize], out: &mut Vec<u8>) {
    let sizes = sizes.iter().copied();
    match message {
        Got::Text(text) => queue.fragmented(Message::Text(text), sizes).unwrap(),
        Got::Binary(bytes) => queue.fragmented(Message::Binary(bytes), sizes).unwrap(),
        Got::Ping(payload) => queue.ping(payload).unwrap(),
        Got::Pong(payload) => queue.pong(payload).unwrap(),
        Got::Close(_) | Got::Violation(_) => {}
    }
    while !queue.bytes().is_empty() {
        out.extend_from_slice(queue.bytes());
        queue.written(queue.bytes().len());
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn what_one_side_sends_the_other_receives(
        messages in prop::collection::vec(
            (message(), prop::collection::vec(0..300_usize, 0..6)),
            1..12,
        ),
        deflate in prop::option::of(side()),
        role in prop_oneof![Just(Role::Client), Just(Role::Server)],
        chunk in 1..700_usize,
    ) {
        let mut queue = match role {
            Role::Client => TransmitQueue::client(1 << 20, [5; 32]),
            Role::Server => TransmitQueue::server(1 << 20),
        };
        let ours = deflate.map(|ours| Agreement { ours, theirs: Side::DEFAULT });
        let theirs = deflate.map(|theirs| Agreement { ours: Side::DEFAULT, theirs });
        queue.compress(ours);
        let mut stream = Vec::new();
        for (message, sizes) in &messages {
            send(&mut queue, message, sizes, &mut stream);
        }
        let setup = Setup {
            role: match role {
                Role::Client => Role::Server,
                Role::Server => Role::Client,
            },
            limits: Limits::DEFAULT,
            deflate: theirs,
        };
        let expected: Vec<_> = messages.into_iter().map(|(message, _)| message).collect();
        let chunks: Vec<&[u8]> = stream.chunks(chunk).collect();
        prop_assert_eq!(&setup.decode_chunks(&chunks), &expected);
        prop_assert_eq!(&setup.decode_chunks(&[&stream]), &expected);
    }

    #[test]
    fn no_bytes_make_a_decoder_panic_and_no_cut_makes_a_difference(
        bytes in prop::collection::vec(any::<u8>(), 0..120),
        cuts in (0..120_usize, 0..120_usize),
        compressed in any::<bool>(),
    ) {
        let agreement = Agreement { ours: Side::DEFAULT, theirs: Side::DEFAULT };
        for role in [Role::Client, Role::Server] {
            let limits = Limits { max_message: 64, ..Limits::DEFAULT };
            let setup = Setup { role, limits, deflate: compressed.then_some(agreement) };
            let first = cuts.0.min(cuts.1).min(bytes.len());
            let second = cuts.0.max(cuts.1).min(bytes.len());
            let chunks = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            prop_assert_eq!(setup.decode_chunks(&chunks), setup.decode_chunks(&[&bytes]));
        }
    }
}
