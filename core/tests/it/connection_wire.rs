//! The reconnecting client over real frames: what goes out, what comes in, and in which order.

use std::time::Duration;

use marketprism_core::connection::{
    Action, Cause, Config, ConfigError, Connection, Endpoint, Epoch, Event, Fault, Heartbeat,
    Input, Phase, Ping, Quota, Refusal, Rotate, SendError, Status, Timer,
};
use marketprism_core::ws::handshake::{InvalidRequest, Response};
use marketprism_core::ws::{
    CloseFrame, Item, Limits, Server, ServerError, ServerEvent, Violation, deflate,
};
use marketprism_core::{ReceiveBuffer, Time};
use proptest::prelude::*;

const SEED: [u8; 32] = [7; 32];

fn config() -> Config {
    Config::new(Endpoint {
        host: "feed.example".into(),
        port: 443,
        tls: true,
        path: "/ws?streams=a".into(),
    })
}

const fn after(seconds: u64) -> Time {
    Time::from_nanos(seconds * 1_000_000_000)
}

/// A client and a server, face to face.
struct Pair {
    now: Time,
    client: Connection,
    server: Server,
    client_rx: ReceiveBuffer,
    server_rx: ReceiveBuffer,
    epoch: Epoch,
    /// What the application and the server have heard.
    heard: Vec<String>,
    received: Vec<String>,
}

impl Pair {
    /// The request is under way.
    fn upgrading(config: Config) -> Self {
        let now = after(1);
        let mut client = Connection::new("pair", config, SEED).expect("valid settings");
        client.handle(now, Input::Start);
        let Some(Action::Dial(epoch)) = client.poll_action() else {
            panic!("a dial is due");
        };
        client.handle(now, Input::Dialed(epoch));
        Self {
            now,
            client,
            server: Server::new(Limits::DEFAULT, 1 << 20, Some(deflate::Config::default())),
            client_rx: ReceiveBuffer::with_capacity(1 << 20),
            server_rx: ReceiveBuffer::with_capacity(1 << 20),
            epoch,
            heard: Vec::new(),
            received: Vec::new(),
        }
    }

    /// The upgrade is through, and its statuses are forgotten.
    fn open(config: Config) -> Self {
        let mut pair = Self::upgrading(config);
        pair.reach_server();
        pair.reach_client();
        assert_eq!(pair.client.phase(), Phase::Open);
        pair.heard.clear();
        pair
    }

    /// Everything that the client has to say reaches the server.
    fn reach_server(&mut self) {
        let bytes = written(&mut self.client, self.now);
        fill(&mut self.server_rx, &bytes);
        loop {
            match self.server.next(&mut self.server_rx) {
                Ok(Some(ServerEvent::Request(_))) => {}
                Ok(Some(ServerEvent::Item(item))) => {
                    self.received.push(format!("{item:?}"));
                    continue;
                }
                Ok(None) => break,
                Err(error) => {
                    self.received.push(format!("{error}"));
                    break;
                }
            }
            self.server.accept(None).expect("a valid request");
        }
    }

    /// Everything that the server has to say reaches the client.
    fn reach_client(&mut self) {
        let bytes = said(&mut self.server);
        self.hear(&bytes);
    }

    fn hear(&mut self, bytes: &[u8]) {
        fill(&mut self.client_rx, bytes);
        self.heard
            .extend(drain(&mut self.client, self.now, &mut self.client_rx));
    }

    fn input(&mut self, input: Input) {
        self.client.handle(self.now, input);
    }

    fn statuses(&mut self) -> Vec<Status> {
        core::iter::from_fn(|| self.client.poll_status()).collect()
    }
}

fn fill(rx: &mut ReceiveBuffer, bytes: &[u8]) {
    rx.spare()[..bytes.len()].copy_from_slice(bytes);
    rx.commit(bytes.len());
}

fn written(client: &mut Connection, now: Time) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !client.transmit().is_empty() {
        let len = client.transmit().len();
        bytes.extend_from_slice(client.transmit());
        client.transmitted(now, len);
    }
    bytes
}

fn said(server: &mut Server) -> Vec<u8> {
    let mut bytes = Vec::new();
    while !server.transmit().is_empty() {
        let len = server.transmit().len();
        bytes.extend_from_slice(server.transmit());
        server.transmitted(len);
    }
    bytes
}

fn drain(client: &mut Connection, now: Time, rx: &mut ReceiveBuffer) -> Vec<String> {
    let mut events = Vec::new();
    let mut drain = client.receive(now, rx);
    while let Some(event) = drain.next() {
        events.push(format!("{event:?}"));
    }
    assert!(rx.is_empty(), "a drained buffer is empty");
    events
}

const fn close(code: u16) -> Option<CloseFrame<'static>> {
    Some(CloseFrame { code, reason: "" })
}

#[test]
fn the_request_names_host_path_and_further_headers() {
    let mut config = config();
    config.headers = vec![("User-Agent".into(), "marketprism".into())];
    let mut pair = Pair::upgrading(config);
    let request = String::from_utf8(written(&mut pair.client, pair.now)).unwrap();
    assert!(
        request.starts_with("GET /ws?streams=a HTTP/1.1\r\n"),
        "{request}"
    );
    assert!(request.contains("\r\nHost: feed.example\r\n"), "{request}");
    assert!(
        request.contains("\r\nUser-Agent: marketprism\r\n"),
        "{request}"
    );
    assert!(!request.contains("Extensions"), "{request}");
}

#[test]
fn no_two_requests_use_the_same_key() {
    let mut pair = Pair::upgrading(config());
    let first = written(&mut pair.client, pair.now);
    pair.input(Input::Eof(pair.epoch));
    assert_eq!(pair.client.poll_action(), Some(Action::Drop(pair.epoch)));
    pair.input(Input::Released(pair.epoch));
    pair.now = pair.client.poll_timeout().unwrap().0;
    pair.input(Input::Timeout);
    let Some(Action::Dial(epoch)) = pair.client.poll_action() else {
        panic!("a dial is due");
    };
    pair.input(Input::Dialed(epoch));
    assert_ne!(first, written(&mut pair.client, pair.now));
}

#[test]
fn what_follows_the_upgrade_in_the_same_read_are_frames() {
    let mut pair = Pair::upgrading(config());
    pair.reach_server();
    pair.server.queue().text("first").unwrap();
    pair.reach_client();
    let epoch = pair.epoch;
    let expected = [
        format!("{:?}", Event::Status(Status::Dialing { epoch, attempt: 1 })),
        format!("{:?}", Event::Status(Status::Open { epoch })),
        format!("{:?}", Event::Text("first")),
    ];
    assert_eq!(pair.heard, expected);
}

#[test]
fn compression_is_used_if_it_is_offered_and_granted() {
    let mut config = config();
    config.deflate = Some(deflate::Config::default());
    let mut pair = Pair::open(config);
    let text = "again and again and again and again and again";
    pair.server.queue().text(text).unwrap();
    let bytes = said(&mut pair.server);
    assert!(bytes.len() < text.len());
    pair.hear(&bytes);
    assert_eq!(pair.heard, [format!("{:?}", Event::Text(text))]);
    pair.client.send_text(pair.now, text).unwrap();
    assert!(pair.client.transmit().len() < text.len());
    pair.reach_server();
    assert_eq!(pair.received, [format!("{:?}", Item::Text(text))]);
}

#[test]
fn a_ping_is_answered_once_with_its_payload_ahead_of_what_is_not_begun() {
    let mut pair = Pair::open(config());
    pair.client.send_text(pair.now, "begun").unwrap();
    pair.client.transmitted(pair.now, 0);
    pair.server.queue().ping(b"\x00 payload \xFF").unwrap();
    pair.reach_client();
    pair.reach_server();
    pair.reach_server();
    let expected = [
        format!("{:?}", Item::Pong(b"\x00 payload \xFF")),
        format!("{:?}", Item::Text("begun")),
    ];
    assert_eq!(pair.received, expected);
    assert!(pair.heard.is_empty(), "pings are not for the application");
}

#[test]
fn pongs_go_behind_a_frame_that_is_begun() {
    let mut pair = Pair::open(config());
    pair.client.send_text(pair.now, "begun").unwrap();
    let first = pair.client.transmit()[..3].to_vec();
    pair.client.transmitted(pair.now, 3);
    pair.server.queue().ping(b"?").unwrap();
    pair.reach_client();
    fill(&mut pair.server_rx, &first);
    pair.reach_server();
    let expected = [Item::Text("begun"), Item::Pong(b"?")].map(|item| format!("{item:?}"));
    assert_eq!(pair.received, expected);
}

#[test]
fn a_spent_quota_leaves_only_the_newest_ping_to_be_answered() {
    let mut config = config();
    config.messages = Some(Quota {
        count: 3,
        per: Duration::from_secs(1),
    });
    config.pong_reserve = 1;
    let mut pair = Pair::open(config);
    pair.client.send_text(pair.now, "1").unwrap();
    pair.client.send_text(pair.now, "2").unwrap();
    let refused = pair.client.send_text(pair.now, "3");
    let until = pair.now + Duration::from_secs(1);
    assert_eq!(refused, Err(SendError::Quota { until }));
    for payload in [b"a", b"b", b"c"] {
        pair.server.queue().ping(payload).unwrap();
    }
    pair.reach_client();
    pair.reach_server();
    let once = [Item::Pong(b"a"), Item::Text("1"), Item::Text("2")];
    assert_eq!(pair.received, once.map(|item| format!("{item:?}")));

    let (at, timer) = pair.client.poll_timeout().unwrap();
    assert_eq!((at, timer), (until, Timer::Quota));
    pair.received.clear();
    pair.now = at;
    pair.input(Input::Timeout);
    pair.reach_server();
    assert_eq!(pair.received, [format!("{:?}", Item::Pong(b"c"))]);
}

#[test]
fn a_full_transmit_reserve_leaves_only_the_newest_ping_to_be_answered() {
    let mut pair = Pair::open(config());
    for number in 0..100_u8 {
        pair.server.queue().ping(&[number]).unwrap_or_default();
        pair.reach_client();
    }
    pair.reach_server();
    let pongs = pair.received.len();
    assert!((2..20).contains(&pongs), "{pongs} pongs");
    assert_eq!(
        pair.received.last(),
        Some(&format!("{:?}", Item::Pong(&[99])))
    );
}

#[test]
fn silence_is_asked_about_once_and_then_believed() {
    let mut pair = Pair::open(config());
    let opened = pair.now;
    assert_eq!(
        pair.client.poll_timeout(),
        Some((opened + Duration::from_secs(20), Timer::Probe))
    );
    pair.now = opened + Duration::from_secs(20);
    pair.input(Input::Timeout);
    pair.reach_server();
    assert_eq!(pair.received, [format!("{:?}", Item::Ping(b""))]);
    assert_eq!(
        pair.client.poll_timeout(),
        Some((opened + Duration::from_secs(30), Timer::Silence))
    );
    pair.now = opened + Duration::from_secs(30);
    pair.input(Input::Timeout);
    let (epoch, cause) = (pair.epoch, Cause::Lost(Timer::Silence));
    assert_eq!(pair.statuses(), [Status::Down { epoch, cause }]);
    assert_eq!(pair.client.poll_action(), Some(Action::Drop(epoch)));
    assert_eq!(
        pair.client.transmit(),
        b"",
        "nobody would hear a close frame"
    );
}

#[test]
fn any_byte_ends_the_silence() {
    let mut pair = Pair::open(config());
    pair.server.queue().text("long").unwrap();
    let bytes = said(&mut pair.server);
    pair.now = pair.now + Duration::from_secs(19);
    pair.hear(&bytes[..1]);
    assert!(pair.heard.is_empty());
    let probe = pair.now + Duration::from_secs(20);
    assert_eq!(pair.client.poll_timeout(), Some((probe, Timer::Probe)));
}

#[test]
fn a_text_ping_expects_a_text_pong_that_nobody_else_hears() {
    let mut config = config();
    config.heartbeat.ping = Ping::Text {
        ping: "ping",
        pong: "pong",
    };
    config.data = Some(Duration::from_secs(25));
    let mut pair = Pair::open(config);
    let opened = pair.now;
    pair.now = opened + Duration::from_secs(20);
    pair.input(Input::Timeout);
    pair.reach_server();
    assert_eq!(pair.received, [format!("{:?}", Item::Text("ping"))]);
    pair.server.queue().text("pong").unwrap();
    pair.reach_client();
    assert!(pair.heard.is_empty(), "{:?}", pair.heard);
    // It is a sign of life, but not data.
    let starved = opened + Duration::from_secs(25);
    assert_eq!(pair.client.poll_timeout(), Some((starved, Timer::Data)));
}

#[test]
fn a_peer_that_pings_but_sends_no_data_is_left_in_good_order() {
    let mut pair = Pair::open(config());
    let opened = pair.now;
    for _ in 0..30 {
        pair.now = pair.now + Duration::from_secs(10);
        pair.server.queue().ping(b"alive").unwrap();
        pair.reach_client();
        pair.reach_server();
    }
    pair.received.clear();
    assert_eq!(pair.now, opened + Duration::from_secs(300));
    pair.input(Input::Timeout);
    pair.reach_server();
    assert_eq!(pair.received, [format!("{:?}", Item::Close(close(1000)))]);
    pair.reach_client();
    let (epoch, cause) = (pair.epoch, Cause::Lost(Timer::Data));
    let down = Event::Status(Status::Down { epoch, cause });
    assert_eq!(pair.heard, [format!("{down:?}")]);
}

#[test]
fn the_peers_close_is_echoed_behind_its_last_words_and_the_peer_ends_the_stream() {
    for (sent, code) in [(close(1012), 1012), (None, 1005)] {
        let mut pair = Pair::open(config());
        pair.server.queue().text("last words").unwrap();
        pair.server.queue().close(sent).unwrap();
        pair.reach_client();
        let epoch = pair.epoch;
        let cause = Cause::Peer(code);
        let expected = [
            format!("{:?}", Event::Text("last words")),
            format!("{:?}", Event::Status(Status::Down { epoch, cause })),
        ];
        assert_eq!(pair.heard, expected);
        assert_eq!(pair.client.phase(), Phase::Closing);
        assert_eq!(
            pair.client.poll_action(),
            None,
            "the server ends the stream first"
        );
        pair.reach_server();
        assert_eq!(pair.received, [format!("{:?}", Item::Close(sent))]);
        pair.input(Input::Eof(epoch));
        assert_eq!(pair.client.poll_action(), Some(Action::Drop(epoch)));
    }
}

#[test]
fn the_echo_is_written_even_if_the_peer_has_ended_the_stream() {
    let mut pair = Pair::open(config());
    pair.server.queue().close(close(1001)).unwrap();
    pair.reach_client();
    pair.input(Input::Eof(pair.epoch));
    assert_eq!(pair.client.phase(), Phase::Closing);
    assert_eq!(pair.client.poll_action(), None);
    pair.reach_server();
    assert_eq!(pair.received, [format!("{:?}", Item::Close(close(1001)))]);
    assert_eq!(pair.client.poll_action(), Some(Action::Drop(pair.epoch)));
}

#[test]
fn a_stop_flushes_what_is_queued_and_says_goodbye() {
    let mut pair = Pair::open(config());
    pair.client.send_text(pair.now, "last request").unwrap();
    pair.input(Input::Stop);
    assert_eq!(
        pair.client.send_text(pair.now, "more"),
        Err(SendError::NotOpen)
    );
    pair.reach_server();
    let expected = [Item::Text("last request"), Item::Close(close(1000))];
    assert_eq!(pair.received, expected.map(|item| format!("{item:?}")));
    // What the peer sent before it heard of it still counts; nothing is answered any more.
    pair.hear(b"\x81\x05still\x89\x00");
    assert_eq!(pair.heard, [format!("{:?}", Event::Text("still"))]);
    assert_eq!(pair.client.transmit(), b"");
    pair.reach_client();
    pair.input(Input::Eof(pair.epoch));
    assert_eq!(pair.client.poll_action(), Some(Action::Drop(pair.epoch)));
    pair.input(Input::Released(pair.epoch));
    assert_eq!(pair.statuses(), [Status::Stopped]);
    assert_eq!(pair.client.poll_timeout(), None);
}

#[test]
fn a_peer_that_does_not_answer_a_close_is_dropped_at_the_deadline() {
    let mut pair = Pair::open(config());
    pair.input(Input::Stop);
    assert_eq!(
        pair.client.poll_timeout(),
        Some((pair.now + Duration::from_secs(5), Timer::Close))
    );
    pair.now = pair.now + Duration::from_secs(5);
    pair.input(Input::Timeout);
    assert_eq!(pair.client.poll_action(), Some(Action::Drop(pair.epoch)));
    assert_eq!(pair.client.transmit(), b"");
}

#[test]
fn a_start_during_the_goodbye_brings_the_connection_back() {
    let mut pair = Pair::open(config());
    pair.input(Input::Stop);
    pair.input(Input::Start);
    pair.reach_server();
    pair.reach_client();
    pair.input(Input::Eof(pair.epoch));
    assert_eq!(pair.client.poll_action(), Some(Action::Drop(pair.epoch)));
    assert_eq!(pair.client.poll_action(), None);
    pair.input(Input::Released(pair.epoch));
    assert!(matches!(pair.client.poll_action(), Some(Action::Dial(_))));
}

#[test]
fn a_violation_is_named_to_the_application_and_to_the_peer() {
    let table: [(&[u8], Violation); 4] = [
        (b"\x83\x00", Violation::ReservedOpcode),
        (b"\x81\x81\x00\x00\x00\x00a", Violation::Masked),
        (b"\x81\x02\xC3\x28", Violation::InvalidUtf8),
        (b"\x88\x02\x00\x01", Violation::CloseCode),
    ];
    for (bytes, violation) in table {
        let mut pair = Pair::open(config());
        pair.client.send_text(pair.now, "queued").unwrap();
        pair.hear(&[b"\x81\x04good", bytes, b"\x81\x04late"].concat());
        let (epoch, cause) = (pair.epoch, Cause::Violation(violation));
        let expected = [
            format!("{:?}", Event::Text("good")),
            format!("{:?}", Event::Status(Status::Down { epoch, cause })),
        ];
        assert_eq!(pair.heard, expected);
        pair.reach_server();
        let told = [
            Item::Text("queued"),
            Item::Close(close(violation.close_code())),
        ];
        assert_eq!(pair.received, told.map(|item| format!("{item:?}")));
        pair.hear(b"\x81\x04late");
        assert_eq!(pair.heard.len(), 2, "nothing counts after a violation");
    }
}

#[test]
fn a_refusal_tells_its_status_and_its_pause_is_kept() {
    for (status, shared) in [(429, true), (418, true), (403, true), (503, false)] {
        let mut pair = Pair::upgrading(config());
        let answer = Response::new(status)
            .field("Retry-After", "1000")
            .body(b"busy");
        pair.hear(&answer);
        let pause = Duration::from_secs(1000);
        let cause = Cause::Refused(Refusal::Status(status, Some(pause)));
        let down = Event::Status(Status::Down {
            epoch: pair.epoch,
            cause,
        });
        assert_eq!(pair.heard.last(), Some(&format!("{down:?}")));
        assert_eq!(pair.client.poll_action(), Some(Action::Drop(pair.epoch)));
        pair.input(Input::Released(pair.epoch));
        let until = pair.now + pause;
        assert_eq!(pair.statuses(), [Status::Waiting { until }]);
        assert_eq!(pair.client.held_until() == until, shared, "{status}");
    }
}

#[test]
fn a_pause_beyond_the_cap_is_cut() {
    let mut config = config();
    config.retry.retry_after_cap = Duration::from_secs(600);
    let mut pair = Pair::upgrading(config);
    pair.hear(&Response::new(503).field("Retry-After", "1000000").body(b""));
    assert_eq!(pair.client.poll_action(), Some(Action::Drop(pair.epoch)));
    pair.input(Input::Released(pair.epoch));
    let until = pair.now + Duration::from_secs(600);
    assert_eq!(pair.client.poll_timeout(), Some((until, Timer::Retry)));
}

#[test]
fn bytes_without_a_socket_are_thrown_away() {
    let mut pair = Pair::open(config());
    pair.input(Input::Broken(pair.epoch, Fault::Reset));
    pair.statuses();
    pair.hear(b"\x81\x04late");
    assert!(pair.heard.is_empty());
    assert_eq!(pair.client.phase(), Phase::Releasing);
}

#[test]
fn a_message_that_does_not_fit_is_refused_whole() {
    let mut config = config();
    config.transmit = 1000;
    let mut pair = Pair::open(config);
    let long = "x".repeat(2000);
    assert_eq!(pair.client.send_text(pair.now, &long), Err(SendError::Full));
    assert_eq!(pair.client.transmit(), b"");
    pair.client.send_binary(pair.now, b"short").unwrap();
    pair.reach_server();
    assert_eq!(pair.received, [format!("{:?}", Item::Binary(b"short"))]);
}

/// A server's whole side of a conversation, as bytes.
fn conversation() -> Vec<u8> {
    let mut pair = Pair::upgrading(config());
    pair.reach_server();
    let mut bytes = said(&mut pair.server);
    bytes.extend_from_slice(b"\x81\x05hello\x89\x04ping\x01\x02fr\x00\x02ag\x8A\x00\x80\x04ment");
    bytes.extend_from_slice(b"\x82\x7E\x01\x00");
    bytes.extend_from_slice(&[0xAB; 256]);
    bytes.extend_from_slice(b"\x88\x05\x03\xE8bye");
    bytes
}

/// What a client hears and answers if the conversation reaches it in these pieces.
fn told_in_pieces<'a>(pieces: impl IntoIterator<Item = &'a [u8]>) -> (Vec<String>, Vec<u8>) {
    let mut pair = Pair::upgrading(config());
    written(&mut pair.client, pair.now);
    for piece in pieces {
        pair.hear(piece);
    }
    let answers = written(&mut pair.client, pair.now);
    (pair.heard, answers)
}

#[test]
fn every_split_is_the_same_conversation() {
    let bytes = conversation();
    let whole = told_in_pieces([&bytes[..]]);
    assert_eq!(whole.0.len(), 6, "{:?}", whole.0);
    assert_eq!(told_in_pieces(bytes.chunks(1)), whole, "byte by byte");
    for cut in 0..=bytes.len() {
        let (head, tail) = bytes.split_at(cut);
        assert_eq!(told_in_pieces([head, tail]), whole, "cut at {cut}");
    }
    for first in (0..=bytes.len()).step_by(7) {
        for second in first..=bytes.len() {
            let pieces = [&bytes[..first], &bytes[first..second], &bytes[second..]];
            assert_eq!(told_in_pieces(pieces), whole, "cut at {first} and {second}");
        }
    }
}

#[test]
fn a_guard_given_up_early_replays_nothing_and_loses_nothing() {
    let bytes = conversation();
    let whole = told_in_pieces([&bytes[..]]);
    let mut pair = Pair::upgrading(config());
    written(&mut pair.client, pair.now);
    fill(&mut pair.client_rx, &bytes);
    let mut heard = Vec::new();
    loop {
        let mut drain = pair.client.receive(pair.now, &mut pair.client_rx);
        match drain.next().map(|event| format!("{event:?}")) {
            Some(event) => heard.push(event),
            None => break,
        }
    }
    assert_eq!(heard, whole.0);
}

#[test]
fn settings_that_cannot_work_are_refused_by_name() {
    type Change = fn(&mut Config);
    let table: [(Change, ConfigError); 12] = [
        (|c| c.connect = Duration::ZERO, ConfigError::Zero("connect")),
        (|c| c.close = Duration::ZERO, ConfigError::Zero("close")),
        (|c| c.data = Some(Duration::ZERO), ConfigError::Zero("data")),
        (
            |c| c.retry.initial = Duration::ZERO,
            ConfigError::Zero("retry.initial"),
        ),
        (
            |c| c.retry.cap = Duration::from_millis(1),
            ConfigError::RetryBeyondCap,
        ),
        (
            |c| {
                c.heartbeat = Heartbeat {
                    probe_after: Duration::from_secs(30),
                    ..c.heartbeat
                };
            },
            ConfigError::ProbeAfterSilence,
        ),
        (
            |c| {
                c.rotate = Some(Rotate {
                    after: Duration::from_secs(1),
                    spread: Duration::from_secs(1),
                    ahead: Duration::ZERO,
                });
            },
            ConfigError::SpreadBeyondRotation,
        ),
        (
            |c| {
                c.dials = Some(Quota {
                    count: 0,
                    per: Duration::from_secs(1),
                });
            },
            ConfigError::Quota("dials"),
        ),
        (
            |c| {
                c.messages = Some(Quota {
                    count: 5,
                    per: Duration::from_secs(1),
                });
                c.pong_reserve = 5;
            },
            ConfigError::Reserve,
        ),
        (|c| c.transmit = 100, ConfigError::Transmit),
        (
            |c| c.endpoint.path = "ws".into(),
            ConfigError::Request(InvalidRequest::Path),
        ),
        (
            |c| c.headers = vec![("Evil\r\nHeader".into(), String::new())],
            ConfigError::Request(InvalidRequest::Header),
        ),
    ];
    for (change, expected) in table {
        let mut config = config();
        change(&mut config);
        assert_eq!(Connection::new("bad", config, SEED).err(), Some(expected));
        assert!(!expected.to_string().is_empty());
    }
}

/// Something to do to a connection, whatever its state.
#[derive(Clone, Debug)]
enum Poke {
    Input(u8),
    Bytes(Vec<u8>),
    Frames,
    Pass(u32),
    Send(usize),
    Write(usize),
}

fn poke() -> impl Strategy<Value = Poke> {
    prop_oneof![
        4 => any::<u8>().prop_map(Poke::Input),
        1 => prop::collection::vec(any::<u8>(), 0..64).prop_map(Poke::Bytes),
        2 => Just(Poke::Frames),
        2 => (0_u32..400_000).prop_map(Poke::Pass),
        1 => (0_usize..70_000).prop_map(Poke::Send),
        2 => (0_usize..300).prop_map(Poke::Write),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, failure_persistence: None, ..ProptestConfig::default() })]

    /// Whatever happens: no panic, one socket, silence without one, bounded waiting.
    #[test]
    fn nothing_upsets_it(pokes in prop::collection::vec(poke(), 1..400)) {
        let mut now = after(1);
        let mut client = Connection::new("poked", config(), SEED).unwrap();
        let mut rx = ReceiveBuffer::with_capacity(4096);
        let mut epoch = None;
        for poke in pokes {
            match poke {
                Poke::Input(number) => client.handle(now, an_input(number, epoch)),
                Poke::Bytes(bytes) => {
                    fill(&mut rx, &bytes);
                    drain(&mut client, now, &mut rx);
                }
                Poke::Frames => {
                    fill(&mut rx, b"\x81\x05hello\x89\x04ping");
                    drain(&mut client, now, &mut rx);
                }
                Poke::Pass(millis) => {
                    now = now + Duration::from_millis(millis.into());
                    client.handle(now, Input::Timeout);
                }
                Poke::Send(len) => {
                    client.send_binary(now, &vec![0; len]).unwrap_or_default();
                }
                Poke::Write(len) => client.transmitted(now, len),
            }
            while let Some(action) = client.poll_action() {
                match action {
                    Action::Dial(dialed) => {
                        prop_assert_eq!(epoch.replace(dialed), None, "a second socket");
                    }
                    Action::Drop(dropped) => {
                        prop_assert_eq!(epoch.take(), Some(dropped));
                        client.handle(now, Input::Released(dropped));
                    }
                    Action::Sign(_) | Action::Fetch(_) => {
                        prop_assert!(false, "a bare connection asks for nothing else");
                    }
                }
            }
            prop_assert!(epoch.is_some() || client.transmit().is_empty());
            prop_assert!(client.transmit().len() < 100_000);
            let stopped = client.phase() == Phase::Stopped;
            prop_assert!(stopped || client.poll_timeout().is_some());
        }
    }
}

fn an_input(number: u8, epoch: Option<Epoch>) -> Input {
    match (number % 10, epoch) {
        (0..=2, _) => Input::Start,
        (3, _) => Input::Renew,
        (4, _) if number > 200 => Input::Stop,
        (5 | 6, Some(epoch)) => Input::Dialed(epoch),
        (7, Some(epoch)) if number > 128 => Input::Eof(epoch),
        (8, Some(epoch)) if number > 128 => Input::Broken(epoch, Fault::Reset),
        (9, Some(epoch)) if number > 128 => Input::DialFailed(epoch, Fault::Refused),
        _ => Input::Timeout,
    }
}

#[test]
fn the_server_never_sees_a_violation() {
    let mut pair = Pair::open(config());
    for length in [0, 1, 125, 126, 65_535] {
        pair.client
            .send_binary(pair.now, &vec![1; length])
            .unwrap_or_default();
        pair.reach_server();
    }
    let complaint = ServerError::Violation(Violation::Unmasked).to_string();
    assert!(!pair.received.contains(&complaint));
    assert_eq!(pair.received.len(), 4, "the last is longer than the queue");
}
