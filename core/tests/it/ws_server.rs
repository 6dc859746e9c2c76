//! The server role put together.

use marketprism_core::ReceiveBuffer;
use marketprism_core::ws::handshake::{HandshakeError, Response};
use marketprism_core::ws::{
    CloseFrame, Limits, Server, ServerError, ServerEvent, Violation, deflate,
};

use crate::support::splits::same_however_cut;
use crate::support::wire::{CLOSE, FIN, Got, PING, PONG, RSV1, TEXT, fill, frame, masked, text};

const UPGRADE: &[u8] =
    b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
const ACCEPTED: &[u8] = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\
    Connection: Upgrade\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";

/// A server that accepts upgrades and answers everything else with 404.
struct Echo {
    server: Server,
    rx: ReceiveBuffer,
    got: Vec<Got>,
    requests: Vec<String>,
    error: Option<ServerError>,
    sent: Vec<u8>,
}

impl Echo {
    fn new(deflate: Option<deflate::Config>) -> Self {
        Self {
            server: Server::new(Limits::DEFAULT, 1 << 16, deflate),
            rx: ReceiveBuffer::with_capacity(1 << 12),
            got: Vec::new(),
            requests: Vec::new(),
            error: None,
            sent: Vec::new(),
        }
    }

    fn receive(&mut self, bytes: &[u8]) {
        fill(&mut self.rx, bytes);
        loop {
            match self.server.next(&mut self.rx) {
                Ok(None) => break,
                Ok(Some(ServerEvent::Item(item))) => self.got.push(item.into()),
                Ok(Some(ServerEvent::Request(request))) => {
                    self.requests.push(request.target.into());
                    let wants_upgrade = matches!(request.upgrade(), Ok(Some(_)));
                    if wants_upgrade {
                        self.server.accept(None).unwrap();
                    } else {
                        self.server.respond(&Response::new(404).body(b"")).unwrap();
                    }
                }
                Err(error) => {
                    self.error = Some(error);
                    break;
                }
            }
        }
        self.write();
    }

    fn write(&mut self) {
        while !self.server.transmit().is_empty() {
            self.sent.extend_from_slice(self.server.transmit());
            self.server.transmitted(self.server.transmit().len());
        }
    }
}

/// What a server received and sent, however the bytes are cut.
fn serve(stream: &[u8]) -> (Vec<Got>, Option<ServerError>, Vec<u8>, bool) {
    same_however_cut(stream, |chunks| {
        let mut echo = Echo::new(None);
        chunks.iter().for_each(|chunk| echo.receive(chunk));
        (echo.got, echo.error, echo.sent, echo.server.is_over())
    })
}

#[test]
fn pings_and_close_frames_are_answered_however_they_are_cut() {
    let stream = [
        UPGRADE,
        &masked(FIN | PING, b"1"),
        &masked(FIN | TEXT, b"a"),
        &masked(FIN | PING, b"2"),
        &masked(FIN | CLOSE, b"\x03\xE9bye"),
        &masked(FIN | TEXT, b"ignored"),
    ];
    let (got, error, sent, over) = serve(&stream.concat());
    let close = Got::Close(Some((1001, "bye".into())));
    assert_eq!(
        got,
        [
            Got::Ping(b"1".into()),
            text("a"),
            Got::Ping(b"2".into()),
            close
        ]
    );
    let expected = [
        ACCEPTED,
        &frame(FIN | PONG, b"1"),
        &frame(FIN | PONG, b"2"),
        &frame(FIN | CLOSE, b"\x03\xE9bye"),
    ];
    assert_eq!((error, sent, over), (None, expected.concat(), true));
}

#[test]
fn a_violation_is_told_to_the_peer_and_repeated_to_the_owner() {
    let stream = [
        UPGRADE,
        &masked(FIN | TEXT, b"\xFF"),
        &masked(FIN | PING, b""),
    ]
    .concat();
    let (got, error, sent, over) = serve(&stream);
    let expected = ServerError::Violation(Violation::InvalidUtf8);
    assert_eq!((got, error), (Vec::new(), Some(expected)));
    let close = frame(FIN | CLOSE, b"\x03\xEF");
    assert_eq!((sent, over), ([ACCEPTED, &close].concat(), true));
}

#[test]
fn what_was_queued_before_a_violation_goes_out_before_the_close_frame() {
    let mut echo = Echo::new(None);
    echo.receive(UPGRADE);
    echo.sent.clear();
    echo.receive(&[masked(FIN | PING, b"1"), masked(0x83, b"")].concat());
    let expected = [frame(FIN | PONG, b"1"), frame(FIN | CLOSE, b"\x03\xEA")];
    assert_eq!(echo.sent, expected.concat());
}

#[test]
fn an_invalid_request_is_answered_by_its_status() {
    let (got, error, sent, over) = serve(b"GET / HTTP/1.0\r\nHost: a\r\n\r\n");
    let expected = ServerError::Handshake(HandshakeError::HttpVersion);
    assert_eq!((got, error, over), (Vec::new(), Some(expected), true));
    assert!(sent.starts_with(b"HTTP/1.1 505 HTTP Version Not Supported\r\n"));
}

#[test]
fn requests_can_follow_each_other_until_one_is_upgraded() {
    let mut echo = Echo::new(None);
    let get = b"GET /depth HTTP/1.1\r\nHost: a\r\n\r\n";
    echo.receive(&[get, get, UPGRADE, &masked(FIN | TEXT, b"a")].concat());
    assert_eq!(echo.requests, ["/depth", "/depth", "/ws"]);
    assert_eq!(echo.got, [text("a")]);
    let answer = b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(echo.sent, [answer, answer, ACCEPTED].concat());
}

#[test]
fn a_request_waits_for_its_answer() {
    let mut server = Server::new(Limits::DEFAULT, 1 << 16, None);
    assert_eq!(server.accept(None), Err(HandshakeError::Upgrade));
    assert!(server.respond(b"").is_err());
    let mut rx = ReceiveBuffer::with_capacity(1 << 10);
    fill(&mut rx, &[UPGRADE, &masked(FIN | TEXT, b"a")].concat());
    assert!(matches!(
        server.next(&mut rx),
        Ok(Some(ServerEvent::Request(_)))
    ));
    assert!(matches!(server.next(&mut rx), Ok(None)));
    assert!(!rx.is_empty(), "what follows the request waits too");
    server.accept(None).unwrap();
    assert!(matches!(
        server.next(&mut rx),
        Ok(Some(ServerEvent::Item(_)))
    ));
}

#[test]
fn a_close_of_ours_waits_for_the_answer_and_is_not_answered_again() {
    let mut echo = Echo::new(None);
    echo.receive(UPGRADE);
    echo.server
        .queue()
        .close(Some(CloseFrame {
            code: 1000,
            reason: "",
        }))
        .unwrap();
    echo.write();
    assert!(!echo.server.is_over());
    echo.receive(&masked(FIN | PING, b"late"));
    echo.receive(&masked(FIN | CLOSE, b"\x03\xE8"));
    assert!(echo.server.is_over());
    assert_eq!(
        echo.sent,
        [ACCEPTED, &frame(FIN | CLOSE, b"\x03\xE8")].concat()
    );
}

#[test]
fn only_the_newest_pings_are_answered_when_the_reserve_is_exhausted() {
    let mut echo = Echo::new(None);
    echo.receive(UPGRADE);
    echo.sent.clear();
    let pings: Vec<_> = (0..20).map(|n| masked(FIN | PING, &[n])).collect();
    echo.receive(&pings.concat());
    let expected: Vec<_> = (0..15)
        .chain([19])
        .map(|n| frame(FIN | PONG, &[n]))
        .collect();
    assert_eq!(echo.sent, expected.concat());
}

#[test]
fn compression_is_granted_where_it_is_offered() {
    let request = String::from_utf8_lossy(UPGRADE).replace(
        "\r\n\r\n",
        "\r\nSec-WebSocket-Extensions: permessage-deflate\r\n\r\n",
    );
    let mut echo = Echo::new(Some(deflate::Config::default()));
    echo.receive(request.as_bytes());
    let hello = [0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00];
    echo.receive(&masked(FIN | RSV1 | TEXT, &hello));
    assert_eq!(echo.got, [text("Hello")]);
    echo.sent.clear();
    echo.server.queue().text("Hello").unwrap();
    echo.write();
    assert_eq!(echo.sent, frame(FIN | RSV1 | TEXT, &hello));
}
