//! permessage-deflate (RFC 7692): what is inflated, what is refused, and what is sent.

use flate2::{Compress, Compression, FlushCompress};
use marketprism_core::ws::deflate::{Agreement, Context, Side, WindowBits};
use marketprism_core::ws::{Limits, Message, Role, TransmitQueue, Violation};

use crate::support::wire::{
    BINARY, CONTINUATION, FIN, Got, PING, RSV1, Setup, TEXT, frame, masked, text,
};

const TAKEOVER: Agreement = Agreement {
    ours: Side::DEFAULT,
    theirs: Side::DEFAULT,
};
const FRESH: Side = Side {
    context: Context::Fresh,
    window_bits: WindowBits::MAX,
};

const COMPRESSED: Setup = Setup {
    deflate: Some(TAKEOVER),
    ..Setup::CLIENT
};

/// `Hello` as in RFC 7692 section 7.2.3.1.
const HELLO: &[u8] = &[0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];

#[test]
fn the_examples_of_the_rfc_decode_however_they_are_cut() {
    let deflated = FIN | RSV1 | TEXT;
    let stored = [
        0x00, 0x05, 0x00, 0xFA, 0xFF, 0x48, 0x65, 0x6C, 0x6C, 0x6F, 0x00,
    ];
    let last_block = [0xF3, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00, 0x00];
    let two_blocks = [
        0xF2, 0x48, 0x05, 0x00, 0x00, 0x00, 0xFF, 0xFF, 0xCA, 0xC9, 0xC9, 0x07, 0x00,
    ];
    let table = [
        ("7.2.3.1, one block", frame(deflated, HELLO)),
        (
            "7.2.3.1, fragmented",
            [frame(RSV1 | TEXT, &HELLO[..3]), frame(FIN, &HELLO[3..])].concat(),
        ),
        ("7.2.3.3, not compressed", frame(deflated, &stored)),
        ("7.2.3.4, BFINAL", frame(deflated, &last_block)),
        ("7.2.3.5, two blocks", frame(deflated, &two_blocks)),
        (
            "a message that is not compressed",
            frame(FIN | TEXT, b"Hello"),
        ),
    ];
    for (name, stream) in table {
        let twice = [stream.clone(), frame(FIN | PING, b""), stream].concat();
        let expected = [text("Hello"), Got::Ping(Vec::new()), text("Hello")];
        assert_eq!(COMPRESSED.decode(&twice), expected, "{name}");
    }
    let shared_window = [
        frame(deflated, HELLO),
        frame(deflated, &[0xF2, 0x00, 0x11, 0x00, 0x00]),
    ];
    assert_eq!(
        COMPRESSED.decode(&shared_window.concat()),
        [text("Hello"), text("Hello")]
    );
    assert_eq!(COMPRESSED.decode(&frame(deflated, &[0x00])), [text("")]);
}

#[test]
fn without_context_takeover_a_message_cannot_refer_to_the_one_before() {
    let setup = Setup {
        deflate: Some(Agreement {
            theirs: FRESH,
            ..TAKEOVER
        }),
        ..Setup::CLIENT
    };
    let deflated = FIN | RSV1 | TEXT;
    let stream = [
        frame(deflated, HELLO),
        frame(deflated, HELLO),
        frame(deflated, &[0xF2, 0x00, 0x11, 0x00, 0x00]),
    ];
    let expected = [
        text("Hello"),
        text("Hello"),
        Got::Violation(Violation::Deflate),
    ];
    assert_eq!(setup.decode(&stream.concat()), expected);
}

#[test]
fn each_violation_inside_a_compressed_message_is_noticed_however_it_is_cut() {
    let not_text = deflated(b"a\xFFb");
    let cut_character = deflated(b"a\xE2\x82");
    let table = [
        (
            "an invalid block",
            frame(FIN | RSV1 | BINARY, &[0x07]),
            Violation::Deflate,
        ),
        (
            "text that is not",
            frame(FIN | RSV1 | TEXT, &not_text),
            Violation::InvalidUtf8,
        ),
        (
            "a cut character",
            frame(FIN | RSV1 | TEXT, &cut_character),
            Violation::InvalidUtf8,
        ),
        (
            "RSV1 on a ping",
            frame(FIN | RSV1 | PING, b""),
            Violation::ReservedBits,
        ),
        (
            "RSV1 on a continuation",
            [
                frame(RSV1 | TEXT, HELLO),
                frame(FIN | RSV1 | CONTINUATION, b""),
            ]
            .concat(),
            Violation::ReservedBits,
        ),
        (
            "RSV2",
            frame(FIN | 0x20 | TEXT, b""),
            Violation::ReservedBits,
        ),
    ];
    for (name, bytes, violation) in table {
        let stream = [frame(FIN | RSV1 | TEXT, HELLO), bytes].concat();
        let expected = [text("Hello"), Got::Violation(violation)];
        assert_eq!(COMPRESSED.decode(&stream), expected, "{name}");
    }
}

#[test]
fn a_bomb_is_refused_at_the_limit_of_messages() {
    let limits = Limits {
        max_message: 10_000,
        ..Limits::DEFAULT
    };
    let setup = Setup {
        limits,
        ..COMPRESSED
    };
    let fits = frame(FIN | RSV1 | BINARY, &deflated(&[0; 10_000]));
    let bomb = frame(FIN | RSV1 | BINARY, &deflated(&[0; 10_001]));
    let got = setup.decode(&[fits, bomb].concat());
    let expected = [
        Got::Binary(vec![0; 10_000]),
        Got::Violation(Violation::MessageTooBig),
    ];
    assert!(got == expected);

    let huge = frame(FIN | RSV1 | BINARY, &deflated(&vec![0; 50_000_000]));
    let got = setup.decode_chunks(&[&huge]);
    assert_eq!(got, [Got::Violation(Violation::MessageTooBig)]);
}

#[test]
fn what_fits_is_judged_before_what_does_not() {
    let limits = Limits {
        max_message: 4,
        ..Limits::DEFAULT
    };
    let setup = Setup {
        limits,
        ..COMPRESSED
    };
    let table: [(&[u8], Violation); 3] = [
        (b"a\xFFbcdef", Violation::InvalidUtf8),
        (b"abc\xE2\x82\xACf", Violation::MessageTooBig),
        (b"abcd\xFF", Violation::MessageTooBig),
    ];
    for (payload, violation) in table {
        let stream = frame(FIN | RSV1 | TEXT, &deflated(payload));
        assert_eq!(
            setup.decode(&stream),
            [Got::Violation(violation)],
            "{payload:02x?}"
        );
    }
}

#[test]
fn a_server_inflates_what_a_client_masked() {
    let setup = Setup {
        deflate: Some(TAKEOVER),
        ..Setup::SERVER
    };
    let stream = [
        masked(FIN | RSV1 | TEXT, HELLO),
        masked(FIN | RSV1 | TEXT, HELLO),
    ]
    .concat();
    assert_eq!(setup.decode(&stream), [text("Hello"), text("Hello")]);
}

#[test]
fn the_example_of_the_rfc_is_what_is_sent() {
    let mut queue = TransmitQueue::server(1024);
    queue.compress(Some(TAKEOVER));
    queue.text("Hello").unwrap();
    queue.text("Hello").unwrap();
    queue.text("").unwrap();
    let expected = [
        frame(FIN | RSV1 | TEXT, HELLO),
        frame(FIN | RSV1 | TEXT, &[0xF2, 0x00, 0x11, 0x00, 0x00]),
        frame(FIN | RSV1 | TEXT, &[0x00]),
    ];
    assert_eq!(queue.bytes(), expected.concat());
}

#[test]
fn what_is_sent_stays_within_the_window_that_was_agreed_on() {
    // A text that repeats after 2000 bytes: a window of 512 sees nothing of it.
    let mut seed = 1_u32;
    let noise: String = std::iter::repeat_with(|| {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        char::from(b' ' + (seed >> 24) as u8 % 64)
    })
    .take(2000)
    .collect();
    let size = |bits| {
        let mut queue = TransmitQueue::server(1 << 20);
        let window_bits = WindowBits::new(bits).unwrap();
        let ours = Side {
            window_bits,
            ..Side::DEFAULT
        };
        queue.compress(Some(Agreement { ours, ..TAKEOVER }));
        queue.text(&noise).unwrap();
        queue.text(&noise).unwrap();
        queue.bytes().len()
    };
    let sizes = [8, 9, 10, 11, 12, 15].map(size);
    // 8: not compressed at all, because zlib cannot keep to it.
    assert_eq!(sizes[0], 2 * (noise.len() + 4));
    assert!(sizes[1] > 3000 && sizes[2] > 3000, "{sizes:?}");
    assert!(sizes[4] < 1800 && sizes[5] < 1800, "{sizes:?}");
}

#[test]
fn a_message_that_cannot_be_sent_leaves_no_trace_in_the_compressor() {
    let mut queue = TransmitQueue::server(200);
    queue.compress(Some(TAKEOVER));
    let long = "Hello".repeat(100);
    assert!(queue.text(&long).is_err());
    queue.text("Hello").unwrap();
    assert_eq!(queue.bytes(), frame(FIN | RSV1 | TEXT, HELLO));
}

#[test]
fn fragments_are_compressed_as_one_message() {
    let mut queue = TransmitQueue::server(1024);
    queue.compress(Some(TAKEOVER));
    let message = "to be or not to be".repeat(5);
    queue
        .fragmented(Message::Text(&message), [1, 0, 30])
        .unwrap();
    let stream = queue.bytes();
    assert_eq!(stream[0], RSV1 | TEXT);
    assert_eq!(COMPRESSED.decode(stream), [text(&message)]);
    assert_eq!(COMPRESSED.role, Role::Client);
}

/// A message's payload, compressed without the code under test.
fn deflated(payload: &[u8]) -> Vec<u8> {
    let mut stream = Compress::new(Compression::best(), false);
    let mut out = Vec::with_capacity(payload.len() + 100);
    stream
        .compress_vec(payload, &mut out, FlushCompress::Sync)
        .unwrap();
    assert!(out.ends_with(&[0, 0, 0xFF, 0xFF]));
    out.truncate(out.len() - 4);
    out
}
