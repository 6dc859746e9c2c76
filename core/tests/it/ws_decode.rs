//! Frames in, messages out: what is accepted, what is refused, and that no cut makes a
//! difference.

use marketprism_core::ReceiveBuffer;
use marketprism_core::ws::{Decoder, Item, Limits, Role, Violation};

use crate::support::wire::{
    BINARY, CLOSE, CONTINUATION, FIN, Got, PING, PONG, RSV1, Setup, TEXT, fill, frame, masked, text,
};

/// One of everything, in either direction's frames.
fn one_of_everything(frame: fn(u8, &[u8]) -> Vec<u8>) -> Vec<u8> {
    [
        frame(FIN | TEXT, b""),
        frame(FIN | TEXT, "κόσμε €".as_bytes()),
        frame(FIN | PING, b"are you there?"),
        frame(FIN | BINARY, &[0, 0xFF, 0x80]),
        frame(TEXT, b"fr\xE2"),
        frame(FIN | PONG, b""),
        frame(CONTINUATION, b""),
        frame(CONTINUATION, b"\x82"),
        frame(FIN | PING, b"!"),
        frame(FIN | CONTINUATION, b"\xACg"),
        frame(FIN | BINARY, &[7; 126]),
        frame(FIN | CLOSE, b"\x03\xE8done"),
        frame(FIN | TEXT, b"ignored"),
    ]
    .concat()
}

fn everything_decoded() -> Vec<Got> {
    vec![
        text(""),
        text("κόσμε €"),
        Got::Ping(b"are you there?".into()),
        Got::Binary(vec![0, 0xFF, 0x80]),
        Got::Pong(Vec::new()),
        Got::Ping(b"!".into()),
        text("fr€g"),
        Got::Binary(vec![7; 126]),
        Got::Close(Some((1000, "done".into()))),
    ]
}

#[test]
fn a_client_decodes_one_of_everything_however_it_is_cut() {
    let stream = one_of_everything(frame);
    assert_eq!(Setup::CLIENT.decode(&stream), everything_decoded());
}

#[test]
fn a_server_decodes_one_of_everything_however_it_is_cut() {
    let stream = one_of_everything(masked);
    assert_eq!(Setup::SERVER.decode(&stream), everything_decoded());
}

#[test]
fn each_violation_is_noticed_by_its_name_however_it_is_cut() {
    let table: &[(&str, &[u8], Violation)] = &[
        ("RSV2", &[0xA1, 0], Violation::ReservedBits),
        ("RSV3", &[0x91, 0], Violation::ReservedBits),
        (
            "RSV1 without an extension",
            &[0xC1, 0],
            Violation::ReservedBits,
        ),
        ("RSV1 on a ping", &[0xC9, 0], Violation::ReservedBits),
        (
            "RSV1 on a continuation",
            &[0x01, 0, 0xC0, 0],
            Violation::ReservedBits,
        ),
        ("opcode 3", &[0x83, 0], Violation::ReservedOpcode),
        ("opcode 11", &[0x8B, 0], Violation::ReservedOpcode),
        ("fragmented ping", &[0x09, 0], Violation::FragmentedControl),
        ("fragmented close", &[0x08, 0], Violation::FragmentedControl),
        (
            "ping of 126 bytes",
            &[0x89, 126, 0, 126],
            Violation::ControlTooLong,
        ),
        (
            "close with a 64-bit length",
            &[0x88, 127],
            Violation::ControlTooLong,
        ),
        (
            "continuation first",
            &[0x80, 0],
            Violation::UnexpectedContinuation,
        ),
        (
            "message in a message",
            &[0x01, 0, 0x82, 0],
            Violation::ExpectedContinuation,
        ),
        (
            "masked by a server",
            &[0x81, 0x80, 0, 0, 0, 0],
            Violation::Masked,
        ),
        (
            "125 in 16 bits",
            &[0x82, 126, 0, 125],
            Violation::NonMinimalLength,
        ),
        (
            "65535 in 64 bits",
            &[0x82, 127, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF],
            Violation::NonMinimalLength,
        ),
        (
            "the highest bit of a length",
            &[0x82, 127, 0x80, 0, 0, 0, 0, 0, 0, 0],
            Violation::OversizedLength,
        ),
        (
            "a length beyond any memory",
            &[0x82, 127, 0x7F, 0, 0, 0, 0, 0, 0, 0],
            Violation::MessageTooBig,
        ),
        (
            "text that is not",
            &[0x81, 3, b'a', 0xFF, b'b'],
            Violation::InvalidUtf8,
        ),
        (
            "text that ends in a character",
            &[0x81, 2, 0xE2, 0x82],
            Violation::InvalidUtf8,
        ),
        (
            "fragments that end in a character",
            &[0x01, 2, 0xE2, 0x82, 0x80, 0],
            Violation::InvalidUtf8,
        ),
        (
            "a surrogate across fragments",
            &[0x01, 1, 0xED, 0x00, 1, 0xA0, 0x80, 1, 0x80],
            Violation::InvalidUtf8,
        ),
        ("close of one byte", &[0x88, 1, 3], Violation::CloseLength),
        (
            "close code 1005",
            &[0x88, 2, 0x03, 0xED],
            Violation::CloseCode,
        ),
        (
            "close code 999",
            &[0x88, 2, 0x03, 0xE7],
            Violation::CloseCode,
        ),
        (
            "close code 5000",
            &[0x88, 2, 0x13, 0x88],
            Violation::CloseCode,
        ),
        (
            "close reason that is not text",
            &[0x88, 3, 0x03, 0xE8, 0xFF],
            Violation::CloseReason,
        ),
    ];
    let before = frame(FIN | TEXT, b"before");
    for (name, bytes, violation) in table {
        let stream = [&before, *bytes, b"\x81\x05after"].concat();
        let expected = [text("before"), Got::Violation(*violation)];
        assert_eq!(Setup::CLIENT.decode(&stream), expected, "{name}");
    }
}

#[test]
fn a_server_refuses_a_frame_that_is_not_masked() {
    let stream = [masked(FIN | TEXT, b"a"), frame(FIN | TEXT, b"b")].concat();
    let expected = [text("a"), Got::Violation(Violation::Unmasked)];
    assert_eq!(Setup::SERVER.decode(&stream), expected);
}

#[test]
fn each_violation_has_the_close_code_of_the_rfc() {
    let table = [
        (1002, Violation::ReservedBits),
        (1002, Violation::ReservedOpcode),
        (1002, Violation::FragmentedControl),
        (1002, Violation::ControlTooLong),
        (1002, Violation::UnexpectedContinuation),
        (1002, Violation::ExpectedContinuation),
        (1002, Violation::Masked),
        (1002, Violation::Unmasked),
        (1002, Violation::NonMinimalLength),
        (1002, Violation::OversizedLength),
        (1002, Violation::CloseLength),
        (1002, Violation::CloseCode),
        (1007, Violation::CloseReason),
        (1007, Violation::InvalidUtf8),
        (1007, Violation::Deflate),
        (1009, Violation::MessageTooBig),
        (1009, Violation::TooManyFragments),
    ];
    for (code, violation) in table {
        assert_eq!(violation.close_code(), code, "{violation:?}");
        assert!(!violation.to_string().is_empty());
    }
}

const SMALL: Limits = Limits {
    max_message: 10,
    max_frame: 8,
    max_fragments: 3,
    max_handshake: 0,
};

fn small(stream: &[u8]) -> Vec<Got> {
    let setup = Setup {
        limits: SMALL,
        ..Setup::CLIENT
    };
    setup.decode(stream)
}

#[test]
fn limits_are_met_exactly() {
    let stream = [
        frame(FIN | TEXT, b"12345678"),
        frame(BINARY, b"12345"),
        frame(CONTINUATION, b"1234"),
        frame(FIN | CONTINUATION, b"1"),
    ];
    let expected = [text("12345678"), Got::Binary(b"1234512341".into())];
    assert_eq!(small(&stream.concat()), expected);
}

#[test]
fn limits_are_applied_to_the_header_before_any_payload() {
    let table: &[(&str, Vec<u8>, Violation)] = &[
        ("frame", vec![0x82, 9], Violation::MessageTooBig),
        (
            "frame of 126",
            vec![0x82, 126, 0, 126],
            Violation::MessageTooBig,
        ),
        (
            "message",
            [frame(TEXT, b"12345"), vec![0x80, 6]].concat(),
            Violation::MessageTooBig,
        ),
        (
            "fragments",
            [frame(TEXT, b""), frame(0, b""), frame(0, b""), vec![0, 0]].concat(),
            Violation::TooManyFragments,
        ),
    ];
    for (name, stream, violation) in table {
        assert_eq!(small(stream), [Got::Violation(*violation)], "{name}");
    }
}

#[test]
fn a_control_frame_is_not_bound_by_the_limits_of_messages() {
    let stream = frame(FIN | PING, &[1; 20]);
    assert_eq!(small(&stream), [Got::Ping(vec![1; 20])]);
}

#[test]
fn invalid_text_is_refused_inside_a_frame_that_is_still_arriving() {
    let mut rx = ReceiveBuffer::with_capacity(64);
    let mut decoder = Decoder::new(Role::Client, Limits::DEFAULT, None);
    fill(&mut rx, b"\x81\x10\xCE\xBA\xF4");
    assert_eq!(decoder.next(&mut rx), Ok(None));
    fill(&mut rx, b"\x90");
    assert_eq!(decoder.next(&mut rx), Err(Violation::InvalidUtf8));
}

#[test]
fn a_text_that_is_not_lent_is_not_checked_and_one_that_is_stays_refused() {
    let mut rx = ReceiveBuffer::with_capacity(64);
    let mut decoder = Decoder::new(Role::Client, Limits::DEFAULT, None);
    fill(&mut rx, b"\x81\x01\xFF\x81\x01\xFF\x81\x01a");
    assert!(matches!(decoder.find(&mut rx), Ok(Some(_))));
    let found = decoder.find(&mut rx).unwrap().unwrap();
    assert_eq!(decoder.lend(&rx, found), Err(Violation::InvalidUtf8));
    assert_eq!(decoder.find(&mut rx), Err(Violation::InvalidUtf8));
}

#[test]
fn what_is_found_in_one_buffer_is_harmless_in_another() {
    let mut rx = ReceiveBuffer::with_capacity(64);
    let mut decoder = Decoder::new(Role::Client, Limits::DEFAULT, None);
    fill(&mut rx, b"\x81\x05hello");
    let found = decoder.find(&mut rx).unwrap().unwrap();
    let other = ReceiveBuffer::with_capacity(2);
    assert_eq!(decoder.lend(&other, found), Ok(Item::Text("")));
}

#[test]
fn a_message_larger_than_the_buffer_arrives_whole() {
    let payload: Vec<u8> = (0..200_000_u32).map(|i| (i % 251) as u8).collect();
    for (setup, stream) in [
        (Setup::CLIENT, frame(FIN | BINARY, &payload)),
        (Setup::SERVER, masked(FIN | BINARY, &payload)),
    ] {
        for size in [1, 7, 4096, 65_537] {
            let chunks: Vec<&[u8]> = stream.chunks(size).collect();
            let got = setup.decode_chunks(&chunks);
            assert!(got == [Got::Binary(payload.clone())], "in chunks of {size}");
        }
    }
}

#[test]
fn starting_anew_forgets_what_was_under_way() {
    let mut rx = ReceiveBuffer::with_capacity(64);
    let mut decoder = Decoder::new(Role::Client, Limits::DEFAULT, None);
    let beginnings: [&[u8]; 4] = [b"\x81", b"\x81\x05he", b"\x01\x02he\x80", b"\x83\x00"];
    for beginning in beginnings {
        fill(&mut rx, beginning);
        let refused = decoder.next(&mut rx).is_err();
        assert_eq!(refused, beginning == b"\x83\x00");
        decoder.restart(None);
        fill(&mut rx, b"\x81\x02hi");
        assert_eq!(decoder.next(&mut rx), Ok(Some(Item::Text("hi"))));
    }
}

#[test]
fn compressed_bits_need_an_agreement() {
    let expected = [Got::Violation(Violation::ReservedBits)];
    assert_eq!(
        Setup::CLIENT.decode(&frame(FIN | RSV1 | TEXT, b"\x00")),
        expected
    );
}
