//! What is queued goes out whole, in the right order, however the writes are cut.

use marketprism_core::ws::{CloseFrame, Full, Message, TransmitQueue};
use proptest::prelude::*;

use crate::support::wire::{
    BINARY, CLOSE, CONTINUATION, FIN, Got, PING, PONG, Setup, TEXT, frame, text,
};

/// Everything that waits, written in pieces of `size`.
fn drain(queue: &mut TransmitQueue, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    while !queue.bytes().is_empty() {
        let count = queue.bytes().len().min(size);
        out.extend_from_slice(&queue.bytes()[..count]);
        queue.written(count);
    }
    assert!(queue.is_empty());
    out
}

#[test]
fn a_server_sends_frames_as_the_rfc_draws_them() {
    let mut queue = TransmitQueue::server(200_000);
    let payload = vec![7; 70_000];
    queue.text("hello").unwrap();
    queue.binary(&payload[..126]).unwrap();
    queue.binary(&payload).unwrap();
    queue
        .fragmented(Message::Text("abcdef"), [2, 0, 3])
        .unwrap();
    queue.fragmented(Message::Binary(b"xy"), [2]).unwrap();
    queue.close(None).unwrap();
    let expected = [
        frame(FIN | TEXT, b"hello"),
        frame(FIN | BINARY, &payload[..126]),
        frame(FIN | BINARY, &payload),
        frame(TEXT, b"ab"),
        frame(CONTINUATION, b""),
        frame(CONTINUATION, b"cde"),
        frame(FIN | CONTINUATION, b"f"),
        frame(FIN | BINARY, b"xy"),
        frame(FIN | CLOSE, b""),
    ];
    assert!(drain(&mut queue, usize::MAX) == expected.concat());
}

#[test]
fn a_client_masks_with_keys_of_its_seed_and_no_two_alike() {
    let messages = ["hello", "hello", "hello"];
    let sent = |seed| {
        let mut queue = TransmitQueue::client(1024, seed);
        messages
            .iter()
            .try_for_each(|text| queue.text(text))
            .unwrap();
        drain(&mut queue, 5)
    };
    let stream = sent([1; 32]);
    assert_eq!(stream, sent([1; 32]));
    assert_ne!(stream, sent([2; 32]));
    assert_eq!(Setup::SERVER.decode(&stream), messages.map(text));
    let keys: Vec<_> = stream
        .chunks(11)
        .map(|frame| frame[2..6].to_vec())
        .collect();
    assert!(keys[0] != keys[1] && keys[1] != keys[2] && keys[0] != keys[2]);
}

#[test]
fn control_frames_go_ahead_of_every_frame_that_is_not_begun() {
    for begun in 0..=7 {
        let mut queue = TransmitQueue::server(1024);
        queue.text("first").unwrap();
        queue.text("second").unwrap();
        let mut out = queue.bytes()[..begun].to_vec();
        queue.written(begun);
        queue.pong(b"1").unwrap();
        queue.ping(b"2").unwrap();
        out.extend(drain(&mut queue, 3));
        let mut expected = vec![frame(FIN | PONG, b"1"), frame(FIN | PING, b"2")];
        let place = if begun == 0 { expected.len() } else { 0 };
        expected.insert(place, frame(FIN | TEXT, b"first"));
        expected.push(frame(FIN | TEXT, b"second"));
        assert_eq!(out, expected.concat(), "{begun} bytes written");
    }
}

#[test]
fn messages_cannot_take_the_reserve_of_control_frames_nor_the_other_way() {
    let mut queue = TransmitQueue::server(10);
    assert_eq!(queue.text("more than 8"), Err(Full));
    queue.text("12345678").unwrap();
    assert_eq!(queue.text(""), Err(Full));
    let pings = (0..100)
        .take_while(|_| queue.ping(&[0; 125]).is_ok())
        .count();
    assert_eq!(pings, 16);
    assert_eq!(queue.pong(b""), Err(Full));
    assert_eq!(queue.replace_pong(b""), Err(Full));
    let begun = queue.bytes()[..1].to_vec();
    queue.written(1);
    assert_eq!(
        queue.ping(b""),
        Err(Full),
        "a place is free once its frame is written"
    );
    queue
        .close(Some(CloseFrame {
            code: 1000,
            reason: "",
        }))
        .unwrap();
    let got = Setup::CLIENT.decode_chunks(&[&begun, &drain(&mut queue, 100)]);
    assert_eq!(got.len(), 18);
    assert_eq!(got.last(), Some(&Got::Close(Some((1000, String::new())))));
}

#[test]
fn a_close_frame_is_the_last() {
    let mut queue = TransmitQueue::server(1024);
    queue.text("before").unwrap();
    let close = CloseFrame {
        code: 1001,
        reason: "bye",
    };
    queue.close(Some(close)).unwrap();
    assert!(queue.is_closed());
    assert_eq!(queue.close(None), Err(Full));
    assert_eq!(queue.text("after"), Err(Full));
    assert_eq!(queue.ping(b""), Err(Full));
    assert_eq!(queue.pong(b""), Err(Full));
    assert_eq!(queue.replace_pong(b""), Err(Full));
    assert_eq!(queue.handshake(b""), Err(Full));
    let expected = [
        frame(FIN | TEXT, b"before"),
        frame(FIN | CLOSE, b"\x03\xE9bye"),
    ];
    assert_eq!(drain(&mut queue, 1), expected.concat());
    assert_eq!(queue.text("after"), Err(Full), "written or not");
}

#[test]
fn a_close_frame_carries_what_may_be_sent_and_what_fits() {
    let reason = "é".repeat(62);
    let cut = [b"\x03\xE8", "é".repeat(61).as_bytes()].concat();
    let table: [(Option<CloseFrame<'_>>, &[u8]); 5] = [
        (None, b""),
        (
            Some(CloseFrame {
                code: 1005,
                reason: "none",
            }),
            b"",
        ),
        (
            Some(CloseFrame {
                code: 999,
                reason: "",
            }),
            b"",
        ),
        (
            Some(CloseFrame {
                code: 4999,
                reason: "",
            }),
            b"\x13\x87",
        ),
        (
            Some(CloseFrame {
                code: 1000,
                reason: &reason,
            }),
            &cut,
        ),
    ];
    for (close, payload) in table {
        let mut queue = TransmitQueue::server(0);
        queue.close(close).unwrap();
        assert_eq!(queue.bytes(), frame(FIN | CLOSE, payload), "{close:?}");
    }
}

#[test]
fn only_the_newest_of_the_waiting_pongs_can_be_replaced() {
    let mut queue = TransmitQueue::server(1024);
    assert!(!queue.has_unsent_pong());
    queue.replace_pong(b"a").unwrap();
    assert!(queue.has_unsent_pong());
    queue.replace_pong(b"longer").unwrap();
    queue.ping(b"p").unwrap();
    queue.replace_pong(b"b").unwrap();
    let expected = [frame(FIN | PING, b"p"), frame(FIN | PONG, b"b")].concat();
    assert_eq!(queue.bytes(), expected);
    queue.written(3);
    assert!(queue.has_unsent_pong());
    queue.written(1);
    assert!(!queue.has_unsent_pong());
    queue.replace_pong(b"c").unwrap();
    assert!(queue.has_unsent_pong());
    let rest = [&expected[4..], &frame(FIN | PONG, b"c")].concat();
    assert_eq!(drain(&mut queue, 2), rest);
    assert!(!queue.has_unsent_pong());
}

#[test]
fn starting_anew_forgets_everything() {
    let mut queue = TransmitQueue::server(1024);
    queue.text("old").unwrap();
    queue.pong(b"old").unwrap();
    queue.written(1);
    queue.close(None).unwrap();
    queue.restart();
    assert!(queue.is_empty() && !queue.is_closed() && !queue.has_unsent_pong());
    queue.text("new").unwrap();
    assert_eq!(drain(&mut queue, 2), frame(FIN | TEXT, b"new"));
}

#[test]
fn nothing_overtakes_the_handshake() {
    let mut queue = TransmitQueue::server(20);
    assert_eq!(queue.handshake(&[b'x'; 21]), Err(Full));
    queue.handshake(b"HTTP ").unwrap();
    queue.handshake(b"head").unwrap();
    assert_eq!(queue.handshake(&[b'x'; 12]), Err(Full));
    queue.text("a").unwrap();
    queue.pong(b"1").unwrap();
    assert_eq!(queue.handshake(b"late"), Err(Full));
    let frames = [frame(FIN | PONG, b"1"), frame(FIN | TEXT, b"a")].concat();
    assert_eq!(drain(&mut queue, 2), [&b"HTTP head"[..], &frames].concat());
}

#[test]
fn endless_empty_fragments_are_refused() {
    let mut queue = TransmitQueue::server(1024);
    let endless = std::iter::repeat(0);
    assert_eq!(queue.fragmented(Message::Text("a"), endless), Err(Full));
    assert!(queue.is_empty());
}

/// What can be done to a queue.
#[derive(Clone, Debug)]
enum Op {
    Text(String),
    Fragmented(Vec<u8>, Vec<usize>),
    Ping(u8),
    Pong(u8),
    ReplacePong(u8),
    Written(usize),
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        "[a-zé€]{0,20}".prop_map(Op::Text),
        (
            prop::collection::vec(any::<u8>(), 0..40),
            prop::collection::vec(0..9_usize, 0..5)
        )
            .prop_map(|(bytes, sizes)| Op::Fragmented(bytes, sizes)),
        any::<u8>().prop_map(Op::Ping),
        any::<u8>().prop_map(Op::Pong),
        any::<u8>().prop_map(Op::ReplacePong),
        (0..50_usize).prop_map(Op::Written),
    ]
}

/// The messages and the pongs that were accepted, in order.
#[derive(Default)]
struct Accepted {
    messages: Vec<Got>,
    pongs: Vec<u8>,
}

impl Accepted {
    fn apply(&mut self, queue: &mut TransmitQueue, op: Op, out: &mut Vec<u8>) {
        match op {
            Op::Text(message) => {
                if queue.text(&message).is_ok() {
                    self.messages.push(Got::Text(message));
                }
            }
            Op::Fragmented(bytes, sizes) => {
                if queue.fragmented(Message::Binary(&bytes), sizes).is_ok() {
                    self.messages.push(Got::Binary(bytes));
                }
            }
            Op::Ping(payload) => queue.ping(&[payload]).unwrap_or_default(),
            Op::Pong(payload) => {
                if queue.pong(&[payload]).is_ok() {
                    self.pongs.push(payload);
                }
            }
            Op::ReplacePong(payload) => {
                let replaces = queue.has_unsent_pong();
                if queue.replace_pong(&[payload]).is_ok() {
                    if replaces {
                        self.pongs.pop();
                    }
                    self.pongs.push(payload);
                }
            }
            Op::Written(count) => {
                let count = count.min(queue.bytes().len());
                out.extend_from_slice(&queue.bytes()[..count]);
                queue.written(count);
            }
        }
    }
}

proptest! {
    #[test]
    fn whatever_is_done_to_a_queue_its_bytes_are_what_was_accepted(
        ops in prop::collection::vec(op(), 1..60),
        client in any::<bool>(),
    ) {
        let (mut queue, setup) = match client {
            true => (TransmitQueue::client(300, [9; 32]), Setup::SERVER),
            false => (TransmitQueue::server(300), Setup::CLIENT),
        };
        let (mut accepted, mut out) = (Accepted::default(), Vec::new());
        for op in ops {
            accepted.apply(&mut queue, op, &mut out);
        }
        queue.close(None).unwrap();
        out.extend(drain(&mut queue, 7));

        let mut got = setup.decode_chunks(&[&out]);
        prop_assert_eq!(got.pop(), Some(Got::Close(None)));
        let (mut pongs, mut messages) = (Vec::new(), Vec::new());
        for got in got {
            if let Got::Pong(payload) = got {
                pongs.extend(payload);
            } else if let Got::Text(_) | Got::Binary(_) = got {
                messages.push(got);
            }
        }
        prop_assert_eq!(pongs, accepted.pongs);
        prop_assert_eq!(messages, accepted.messages);
    }
}
