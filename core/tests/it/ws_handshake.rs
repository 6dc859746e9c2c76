//! The opening handshake, both sides: every header missing, repeated, in another case, with other
//! spacing, in a list, wrong, too long, and cut at every byte. The conformance suite of others
//! has no case for any of it.

use std::time::Duration;

use marketprism_core::ReceiveBuffer;
use marketprism_core::ws::deflate::{Agreement, Config, Context, Side, WindowBits};
use marketprism_core::ws::handshake::{
    HandshakeError, InvalidRequest, Refused, Request, RequestReader, Response, ResponseReader,
    Upgraded,
};

use crate::support::splits::same_however_cut;
use crate::support::wire::fill;

/// The nonce of RFC 6455 section 1.3, whose key and answer are known.
const NONCE: [u8; 16] = *b"the sample nonce";
const MAX: usize = 400;

const REQUEST: Request<'_> = Request {
    host: "example.com",
    port: 80,
    tls: false,
    path: "/ws?a=b",
    headers: &[],
    protocols: &[],
    deflate: None,
};

const WITH_PROTOCOLS: Request<'_> = Request {
    protocols: &["v1.json", "v2.json"],
    ..REQUEST
};

const WITH_DEFLATE: Request<'_> = Request {
    deflate: Some(Config {
        ours: Side::DEFAULT,
        theirs: Side::DEFAULT,
    }),
    ..REQUEST
};

fn written(request: &Request<'_>) -> String {
    String::from_utf8(request.write(NONCE).unwrap()).unwrap()
}

#[test]
fn a_request_is_written_as_the_rfc_asks() {
    let expected = "GET /ws?a=b HTTP/1.1\r\n\
        Host: example.com\r\n\
        Upgrade: websocket\r\n\
        Connection: Upgrade\r\n\
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
        Sec-WebSocket-Version: 13\r\n\
        \r\n";
    assert_eq!(written(&REQUEST), expected);
}

#[test]
fn the_host_carries_a_port_that_is_not_the_schemes_own() {
    let table = [
        ("example.com", 80, false, "example.com"),
        ("example.com", 443, true, "example.com"),
        ("example.com", 443, false, "example.com:443"),
        ("example.com", 80, true, "example.com:80"),
        ("127.0.0.1", 9001, false, "127.0.0.1:9001"),
        ("::1", 443, true, "[::1]"),
        ("2001:db8::2", 9443, true, "[2001:db8::2]:9443"),
    ];
    for (host, port, tls, expected) in table {
        let request = Request {
            host,
            port,
            tls,
            ..REQUEST
        };
        let expected = format!("\r\nHost: {expected}\r\n");
        assert!(written(&request).contains(&expected), "{expected}");
    }
}

#[test]
fn a_request_carries_what_it_is_given() {
    let narrow = Side {
        context: Context::Fresh,
        window_bits: WindowBits::new(10).unwrap(),
    };
    let request = Request {
        headers: &[("Authorization", "Bearer x"), ("User-Agent", "y")],
        deflate: Some(Config {
            ours: narrow,
            theirs: narrow,
        }),
        ..WITH_PROTOCOLS
    };
    let expected = "Sec-WebSocket-Protocol: v1.json, v2.json\r\n\
        Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; \
        client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=10\r\n\
        Authorization: Bearer x\r\nUser-Agent: y\r\n\r\n";
    assert!(
        written(&request).ends_with(expected),
        "{}",
        written(&request)
    );
    let offer = "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n";
    assert!(written(&WITH_DEFLATE).contains(offer));
}

#[test]
fn nothing_that_could_smuggle_in_a_field_is_written() {
    let table = [
        (
            Request {
                host: "",
                ..REQUEST
            },
            InvalidRequest::Host,
        ),
        (
            Request {
                host: "a\r\nb",
                ..REQUEST
            },
            InvalidRequest::Host,
        ),
        (
            Request {
                host: "a b",
                ..REQUEST
            },
            InvalidRequest::Host,
        ),
        (
            Request {
                host: "[::1]",
                ..REQUEST
            },
            InvalidRequest::Host,
        ),
        (
            Request {
                path: "",
                ..REQUEST
            },
            InvalidRequest::Path,
        ),
        (
            Request {
                path: "ws",
                ..REQUEST
            },
            InvalidRequest::Path,
        ),
        (
            Request {
                path: "/a b",
                ..REQUEST
            },
            InvalidRequest::Path,
        ),
        (
            Request {
                path: "/a\r\n",
                ..REQUEST
            },
            InvalidRequest::Path,
        ),
        (
            Request {
                path: "/a#b",
                ..REQUEST
            },
            InvalidRequest::Path,
        ),
        (
            Request {
                path: "/é",
                ..REQUEST
            },
            InvalidRequest::Path,
        ),
        (
            Request {
                headers: &[("", "a")],
                ..REQUEST
            },
            InvalidRequest::Header,
        ),
        (
            Request {
                headers: &[("a b", "a")],
                ..REQUEST
            },
            InvalidRequest::Header,
        ),
        (
            Request {
                headers: &[("a", "b\r\nc: d")],
                ..REQUEST
            },
            InvalidRequest::Header,
        ),
        (
            Request {
                headers: &[("a", "\0")],
                ..REQUEST
            },
            InvalidRequest::Header,
        ),
        (
            Request {
                headers: &[("host", "a")],
                ..REQUEST
            },
            InvalidRequest::Header,
        ),
        (
            Request {
                headers: &[("sec-websocket-key", "a")],
                ..REQUEST
            },
            InvalidRequest::Header,
        ),
        (
            Request {
                protocols: &[""],
                ..REQUEST
            },
            InvalidRequest::Protocol,
        ),
        (
            Request {
                protocols: &["a,b"],
                ..REQUEST
            },
            InvalidRequest::Protocol,
        ),
        (
            Request {
                protocols: &["a", "a"],
                ..REQUEST
            },
            InvalidRequest::Protocol,
        ),
    ];
    for (request, error) in table {
        assert_eq!(request.write(NONCE), Err(error), "{request:?}");
        assert!(!error.to_string().is_empty());
    }
}

const UPGRADE: &str = "Upgrade: websocket";
const CONNECTION: &str = "Connection: Upgrade";
const ACCEPT: &str = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

fn head(lines: &[&str]) -> String {
    let mut head = lines.join("\r\n");
    head.push_str("\r\n\r\n");
    head
}

fn answer(lines: &[&str]) -> String {
    let status = ["HTTP/1.1 101 Switching Protocols"];
    head(&[&status, lines].concat())
}

/// What a client makes of an answer, and what it leaves in the buffer.
type Outcome = (Result<Option<Upgraded>, Refused>, Vec<u8>);

fn read_chunks(request: &Request<'_>, chunks: &[&[u8]]) -> Outcome {
    let mut reader = ResponseReader::new(request, NONCE, MAX);
    let mut rx = ReceiveBuffer::with_capacity(1000);
    let mut outcome = Ok(None);
    for chunk in chunks {
        fill(&mut rx, chunk);
        if outcome == Ok(None) {
            outcome = reader.read(&mut rx);
        }
    }
    let left = match outcome {
        Ok(_) => rx.filled().to_vec(),
        Err(_) => Vec::new(),
    };
    (outcome, left)
}

fn read(request: &Request<'_>, answer: &str) -> Result<Option<Upgraded>, Refused> {
    let stream = [answer.as_bytes(), b"\x81\x02hi"].concat();
    let (outcome, left) = same_however_cut(&stream, |chunks| read_chunks(request, chunks));
    if let Ok(Some(_)) = outcome {
        assert_eq!(left, b"\x81\x02hi", "the first frames stay in the buffer");
    }
    outcome
}

fn plain() -> Upgraded {
    Upgraded {
        deflate: None,
        protocol: None,
    }
}

#[test]
fn valid_answers_are_accepted_however_they_are_written_and_cut() {
    let table: &[&[&str]] = &[
        &[UPGRADE, CONNECTION, ACCEPT],
        &[ACCEPT, CONNECTION, UPGRADE],
        &[
            "upgrade: WebSocket",
            "connection: upgrade",
            &ACCEPT.replace("Sec-WebSocket-Accept", "SEC-WEBSOCKET-ACCEPT"),
        ],
        &[
            "Upgrade:websocket",
            "Connection:  \t Upgrade  ",
            &ACCEPT.replace(": ", ":   "),
        ],
        &[UPGRADE, "Connection: keep-alive, Upgrade", ACCEPT],
        &[UPGRADE, "Connection: keep-alive,,upgrade ,x", ACCEPT],
        &[UPGRADE, "Connection: keep-alive", CONNECTION, ACCEPT],
        &[
            "Server: x",
            "Date: now",
            UPGRADE,
            CONNECTION,
            ACCEPT,
            "X-Empty:",
        ],
        &[UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Extensions:"],
    ];
    for lines in table {
        assert_eq!(
            read(&REQUEST, &answer(lines)),
            Ok(Some(plain())),
            "{lines:?}"
        );
    }
    let no_reason = head(&["HTTP/1.1 101", UPGRADE, CONNECTION, ACCEPT]);
    assert_eq!(read(&REQUEST, &no_reason), Ok(Some(plain())));
}

#[test]
fn invalid_answers_are_refused_by_name_however_they_are_cut() {
    use HandshakeError as E;
    let table: &[(&[&str], E)] = &[
        (&[CONNECTION, ACCEPT], E::Upgrade),
        (&["Upgrade: h2c", CONNECTION, ACCEPT], E::Upgrade),
        (&["Upgrade: websocket2", CONNECTION, ACCEPT], E::Upgrade),
        (&["Upgrade: web socket", CONNECTION, ACCEPT], E::Upgrade),
        (&["Upgrade: h2c, websocket", CONNECTION, ACCEPT], E::Upgrade),
        (&["Upgrade:", CONNECTION, ACCEPT], E::Upgrade),
        (&[UPGRADE, UPGRADE, CONNECTION, ACCEPT], E::Upgrade),
        (&[UPGRADE, ACCEPT], E::Connection),
        (&[UPGRADE, "Connection: close", ACCEPT], E::Connection),
        (&[UPGRADE, "Connection: Upgraded", ACCEPT], E::Connection),
        (
            &[UPGRADE, "Connection: keep-alive Upgrade", ACCEPT],
            E::Connection,
        ),
        (&[UPGRADE, CONNECTION], E::Accept),
        (&[UPGRADE, CONNECTION, ACCEPT, ACCEPT], E::Accept),
        (
            &[
                UPGRADE,
                CONNECTION,
                "Sec-WebSocket-Accept: S3pPLMBiTxaQ9kYGzzhZRbK+xOo=",
            ],
            E::Accept,
        ),
        (
            &[
                UPGRADE,
                CONNECTION,
                "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo",
            ],
            E::Accept,
        ),
        (&[UPGRADE, CONNECTION, "Sec-WebSocket-Accept:"], E::Accept),
        (
            &[
                UPGRADE,
                CONNECTION,
                "Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==",
            ],
            E::Accept,
        ),
        (
            &[
                UPGRADE,
                CONNECTION,
                ACCEPT,
                "Sec-WebSocket-Protocol: v1.json",
            ],
            E::Protocol,
        ),
        (
            &[
                UPGRADE,
                CONNECTION,
                ACCEPT,
                "Sec-WebSocket-Extensions: permessage-deflate",
            ],
            E::Extension,
        ),
        (
            &[UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Extensions: x"],
            E::Extension,
        ),
        (&[UPGRADE, "Connection Upgrade", ACCEPT], E::Syntax),
        (&[UPGRADE, " folded", CONNECTION, ACCEPT], E::Syntax),
        (&["Upgrade : websocket", CONNECTION, ACCEPT], E::Syntax),
        (&["Upgrade: web\0socket", CONNECTION, ACCEPT], E::Syntax),
    ];
    for (lines, error) in table {
        let refused = Err(Refused::Invalid(*error));
        assert_eq!(read(&REQUEST, &answer(lines)), refused, "{lines:?}");
    }
    let others = [
        (
            head(&["HTTP/1.0 101 OK", UPGRADE, CONNECTION, ACCEPT]),
            E::HttpVersion,
        ),
        (
            head(&["HTTP/2 101 OK", UPGRADE, CONNECTION, ACCEPT]),
            E::HttpVersion,
        ),
        (head(&["SSH-2.0-OpenSSH_9.9"]), E::HttpVersion),
        (head(&["HTTP/1.1 1O1 OK", UPGRADE]), E::Syntax),
        (
            "HTTP/1.1 101 OK\n\nHTTP/1.1 101 OK\r\n\r\n".into(),
            E::Syntax,
        ),
        (answer(&vec!["a: b"; 65]), E::TooManyFields),
    ];
    for (answer, error) in others {
        let outcome = read_chunks(&REQUEST, &[answer.as_bytes()]).0;
        let outcome = if answer.len() < MAX {
            read(&REQUEST, &answer)
        } else {
            outcome
        };
        let expected = if answer.len() > MAX {
            E::TooLong
        } else {
            error
        };
        assert_eq!(outcome, Err(Refused::Invalid(expected)), "{answer}");
    }
}

#[test]
fn other_statuses_surface_with_the_delay_that_they_ask_for() {
    let seconds = |n| Some(Duration::from_secs(n));
    let table = [
        (
            "HTTP/1.1 429 Too Many Requests",
            "Retry-After: 120",
            429,
            seconds(120),
        ),
        (
            "HTTP/1.1 418 I'm a teapot",
            "retry-after:0",
            418,
            seconds(0),
        ),
        (
            "HTTP/1.1 503",
            "Retry-After: 18446744073709551616",
            503,
            seconds(u64::MAX),
        ),
        (
            "HTTP/1.1 503 Busy",
            "Retry-After: Fri, 31 Dec 1999 23:59:59 GMT",
            503,
            None,
        ),
        ("HTTP/1.1 503 Busy", "Retry-After: -1", 503, None),
        ("HTTP/1.1 503 Busy", "Retry-After:", 503, None),
        ("HTTP/1.0 502 Bad Gateway", "Content-Length: 0", 502, None),
        ("HTTP/1.1 200 OK", UPGRADE, 200, None),
        ("HTTP/1.1 301 Moved", "Location: /", 301, None),
    ];
    for (line, field, status, delay) in table {
        let refused = Err(Refused::Status(status, delay));
        assert_eq!(read(&REQUEST, &head(&[line, field])), refused, "{line}");
    }
}

#[test]
fn interim_answers_are_passed_over() {
    let interim = [
        head(&["HTTP/1.1 100 Continue"]),
        head(&["HTTP/1.1 103 Early Hints", "Link: </>"]),
    ];
    let interim = interim.concat();
    let accepted = answer(&[UPGRADE, CONNECTION, ACCEPT]);
    let both = [&*interim, &accepted].concat();
    assert_eq!(read(&REQUEST, &both), Ok(Some(plain())));
    let refused = head(&["HTTP/1.1 429", "Retry-After: 1"]);
    let both = [&*interim, &refused].concat();
    let expected = Err(Refused::Status(429, Some(Duration::from_secs(1))));
    assert_eq!(read(&REQUEST, &both), expected);
    assert_eq!(read(&REQUEST, &interim), Ok(None), "the answer is awaited");
}

#[test]
fn an_answer_that_is_too_long_is_refused_as_soon_as_it_is() {
    let filler = format!("X: {}", "x".repeat(MAX));
    let long = answer(&[UPGRADE, CONNECTION, ACCEPT, &filler]);
    let refused = Err(Refused::Invalid(HandshakeError::TooLong));
    for size in [1, 7, 399, 400, 401, 1000] {
        let chunks: Vec<&[u8]> = long.as_bytes().chunks(size).collect();
        assert_eq!(
            read_chunks(&REQUEST, &chunks).0,
            refused,
            "in chunks of {size}"
        );
    }
    let base = answer(&[UPGRADE, CONNECTION, ACCEPT, "X: "]).len();
    let fits = answer(&[
        UPGRADE,
        CONNECTION,
        ACCEPT,
        &format!("X: {}", "x".repeat(MAX - base)),
    ]);
    assert_eq!(fits.len(), MAX);
    for size in [1, MAX] {
        let chunks: Vec<&[u8]> = fits.as_bytes().chunks(size).collect();
        assert_eq!(read_chunks(&REQUEST, &chunks).0, Ok(Some(plain())));
    }
}

#[test]
fn a_requested_subprotocol_may_be_chosen() {
    let with = |lines: &[&str]| {
        read(
            &WITH_PROTOCOLS,
            &answer(&[&[UPGRADE, CONNECTION, ACCEPT], lines].concat()),
        )
    };
    let chosen = |name: &str| Upgraded {
        protocol: Some(name.into()),
        ..plain()
    };
    assert_eq!(with(&[]), Ok(Some(plain())));
    assert_eq!(
        with(&["Sec-WebSocket-Protocol: v1.json"]),
        Ok(Some(chosen("v1.json")))
    );
    assert_eq!(
        with(&["sec-websocket-protocol:v2.json "]),
        Ok(Some(chosen("v2.json")))
    );
    let refused = Err(Refused::Invalid(HandshakeError::Protocol));
    assert_eq!(with(&["Sec-WebSocket-Protocol: V1.json"]), refused);
    assert_eq!(with(&["Sec-WebSocket-Protocol: v3.json"]), refused);
    assert_eq!(with(&["Sec-WebSocket-Protocol: v1.json, v2.json"]), refused);
    assert_eq!(with(&["Sec-WebSocket-Protocol: v1.json"; 2]), refused);
    assert_eq!(with(&["Sec-WebSocket-Protocol:"]), refused);
}

fn bits(bits: u8) -> WindowBits {
    WindowBits::new(bits).unwrap()
}

fn side(context: Context, window: u8) -> Side {
    Side {
        context,
        window_bits: bits(window),
    }
}

const KEEP: Context = Context::Takeover;
const FRESH: Context = Context::Fresh;

fn negotiated(config: Config, extensions: &str) -> Result<Option<Agreement>, Refused> {
    let request = Request {
        deflate: Some(config),
        ..REQUEST
    };
    let extensions = format!("Sec-WebSocket-Extensions: {extensions}");
    let answer = answer(&[UPGRADE, CONNECTION, ACCEPT, &extensions]);
    let (outcome, _) = read_chunks(&request, &[answer.as_bytes()]);
    outcome.map(|upgraded| upgraded.unwrap().deflate)
}

#[test]
fn a_client_takes_what_a_server_may_answer_to_its_offer() {
    let any = Config::default();
    let narrow = Config {
        ours: side(FRESH, 12),
        theirs: side(FRESH, 10),
    };
    let table = [
        (any, "permessage-deflate", side(KEEP, 15), side(KEEP, 15)),
        (any, "Permessage-Deflate", side(KEEP, 15), side(KEEP, 15)),
        (
            any,
            "permessage-deflate; server_no_context_takeover",
            side(KEEP, 15),
            side(FRESH, 15),
        ),
        (
            any,
            "permessage-deflate;client_no_context_takeover",
            side(FRESH, 15),
            side(KEEP, 15),
        ),
        (
            any,
            "permessage-deflate; server_max_window_bits=8",
            side(KEEP, 15),
            side(KEEP, 8),
        ),
        (
            any,
            "permessage-deflate; client_max_window_bits=\"9\"",
            side(KEEP, 9),
            side(KEEP, 15),
        ),
        (
            any,
            "permessage-deflate; client_max_window_bits=8",
            side(KEEP, 8),
            side(KEEP, 15),
        ),
        (
            narrow,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=9",
            side(FRESH, 12),
            side(FRESH, 9),
        ),
        (
            narrow,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=15",
            side(FRESH, 12),
            side(FRESH, 10),
        ),
    ];
    for (config, extensions, ours, theirs) in table {
        let agreed = Ok(Some(Agreement { ours, theirs }));
        assert_eq!(negotiated(config, extensions), agreed, "{extensions}");
    }
}

#[test]
fn a_client_refuses_what_is_no_answer_to_its_offer() {
    let any = Config::default();
    let narrow = Config {
        ours: Side::DEFAULT,
        theirs: side(FRESH, 10),
    };
    let table = [
        (any, "permessage-deflate, permessage-deflate"),
        (any, "x-webkit-deflate-frame"),
        (any, "permessage-deflate, x"),
        (any, "permessage-deflate; unknown"),
        (any, "permessage-deflate; server_no_context_takeover=1"),
        (
            any,
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
        ),
        (any, "permessage-deflate; server_max_window_bits"),
        (any, "permessage-deflate; client_max_window_bits"),
        (any, "permessage-deflate; server_max_window_bits=7"),
        (any, "permessage-deflate; server_max_window_bits=16"),
        (any, "permessage-deflate; server_max_window_bits=010"),
        (any, "permessage-deflate; server_max_window_bits=+9"),
        (any, "permessage-deflate; server_max_window_bits="),
        (
            any,
            "permessage-deflate; client_max_window_bits=10; client_max_window_bits=10",
        ),
        (any, "permessage-deflate;"),
        (narrow, "permessage-deflate; server_max_window_bits=10"),
        (narrow, "permessage-deflate; server_no_context_takeover"),
        (
            narrow,
            "permessage-deflate; server_no_context_takeover; server_max_window_bits=11",
        ),
    ];
    let refused = Err(Refused::Invalid(HandshakeError::Extension));
    for (config, extensions) in table {
        assert_eq!(negotiated(config, extensions), refused, "{extensions}");
    }
}

const GET: &str = "GET /ws?a=b HTTP/1.1";
const HOST: &str = "Host: localhost";
const KEY: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
const VERSION: &str = "Sec-WebSocket-Version: 13";

/// What a server makes of a request: nothing yet, an upgrade or none, or an error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Nothing,
    Upgrade,
    Other,
    Refused(HandshakeError),
}

fn asked_chunks(chunks: &[&[u8]]) -> Asked {
    let mut reader = RequestReader::new(MAX);
    let mut rx = ReceiveBuffer::with_capacity(1000);
    for chunk in chunks {
        fill(&mut rx, chunk);
        match reader.read(&mut rx) {
            Ok(None) => {}
            Ok(Some(request)) => {
                return match request.upgrade() {
                    Ok(Some(_)) => Asked::Upgrade,
                    Ok(None) => Asked::Other,
                    Err(error) => Asked::Refused(error),
                };
            }
            Err(error) => return Asked::Refused(error),
        }
    }
    Asked::Nothing
}

fn asked(lines: &[&str]) -> Asked {
    same_however_cut(head(lines).as_bytes(), asked_chunks)
}

#[test]
fn requests_are_told_apart_however_they_are_written_and_cut() {
    let upgrades: &[&[&str]] = &[
        &[GET, HOST, UPGRADE, CONNECTION, KEY, VERSION],
        &[GET, VERSION, KEY, CONNECTION, UPGRADE, HOST],
        &[
            GET,
            "host:a",
            "upgrade:WEBSOCKET",
            "connection:UPGRADE",
            KEY,
            "sec-websocket-version:  13 ",
        ],
        &[
            GET,
            HOST,
            "Upgrade: h2c, websocket",
            "Connection: keep-alive, Upgrade",
            KEY,
            VERSION,
        ],
        &[
            GET,
            HOST,
            "Upgrade: h2c",
            UPGRADE,
            "Connection: x",
            CONNECTION,
            KEY,
            VERSION,
        ],
        &[
            GET,
            HOST,
            UPGRADE,
            CONNECTION,
            KEY,
            VERSION,
            "Content-Length: 0",
        ],
    ];
    for lines in upgrades {
        assert_eq!(asked(lines), Asked::Upgrade, "{lines:?}");
    }
    let others: &[&[&str]] = &[
        &[GET, HOST],
        &["GET / HTTP/1.1", HOST, "Upgrade: h2c", CONNECTION],
        &["POST /x HTTP/1.1", HOST, "Content-Length: 0"],
    ];
    for lines in others {
        assert_eq!(asked(lines), Asked::Other, "{lines:?}");
    }
    assert_eq!(
        asked_chunks(&[b"GET / HTTP/1.1\r\nHost: a\r\n"]),
        Asked::Nothing
    );
}

#[test]
fn invalid_requests_are_refused_by_name_however_they_are_cut() {
    use HandshakeError as E;
    let table: &[(&[&str], E, u16)] = &[
        (
            &["POST /ws HTTP/1.1", HOST, UPGRADE, CONNECTION, KEY, VERSION],
            E::Method,
            405,
        ),
        (
            &["GET /ws HTTP/1.0", HOST, UPGRADE, CONNECTION, KEY, VERSION],
            E::HttpVersion,
            505,
        ),
        (
            &["GET /ws HTTP/2.0", HOST, UPGRADE, CONNECTION, KEY, VERSION],
            E::HttpVersion,
            505,
        ),
        (&["GET  /ws HTTP/1.1", HOST], E::Syntax, 400),
        (&["GET /ws", HOST], E::Syntax, 400),
        (&[GET, UPGRADE, CONNECTION, KEY, VERSION], E::Host, 400),
        (
            &[GET, "Host:", UPGRADE, CONNECTION, KEY, VERSION],
            E::Host,
            400,
        ),
        (
            &[GET, HOST, HOST, UPGRADE, CONNECTION, KEY, VERSION],
            E::Host,
            400,
        ),
        (&[GET, HOST, UPGRADE, KEY, VERSION], E::Connection, 400),
        (
            &[GET, HOST, UPGRADE, "Connection: close", KEY, VERSION],
            E::Connection,
            400,
        ),
        (&[GET, HOST, UPGRADE, CONNECTION, VERSION], E::Key, 400),
        (
            &[GET, HOST, UPGRADE, CONNECTION, KEY, KEY, VERSION],
            E::Key,
            400,
        ),
        (
            &[
                GET,
                HOST,
                UPGRADE,
                CONNECTION,
                "Sec-WebSocket-Key:",
                VERSION,
            ],
            E::Key,
            400,
        ),
        (
            &[
                GET,
                HOST,
                UPGRADE,
                CONNECTION,
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ",
                VERSION,
            ],
            E::Key,
            400,
        ),
        (
            &[
                GET,
                HOST,
                UPGRADE,
                CONNECTION,
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j",
                VERSION,
            ],
            E::Key,
            400,
        ),
        (
            &[
                GET,
                HOST,
                UPGRADE,
                CONNECTION,
                "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=",
                VERSION,
            ],
            E::Key,
            400,
        ),
        (
            &[
                GET,
                HOST,
                UPGRADE,
                CONNECTION,
                "Sec-WebSocket-Key: !Ghl!HNhbXBsZSBub25jZQ==",
                VERSION,
            ],
            E::Key,
            400,
        ),
        (&[GET, HOST, UPGRADE, CONNECTION, KEY], E::Version, 426),
        (
            &[
                GET,
                HOST,
                UPGRADE,
                CONNECTION,
                KEY,
                "Sec-WebSocket-Version: 8",
            ],
            E::Version,
            426,
        ),
        (
            &[
                GET,
                HOST,
                UPGRADE,
                CONNECTION,
                KEY,
                "Sec-WebSocket-Version: 13, 8",
            ],
            E::Version,
            426,
        ),
        (
            &[GET, HOST, UPGRADE, CONNECTION, KEY, VERSION, VERSION],
            E::Version,
            426,
        ),
        (&[GET, HOST, "Content-Length: 1"], E::Body, 413),
        (&[GET, HOST, "Content-Length: x"], E::Body, 413),
        (&[GET, HOST, "Transfer-Encoding: chunked"], E::Body, 413),
        (&[GET, "Host : a"], E::Syntax, 400),
    ];
    for (lines, error, status) in table {
        assert_eq!(asked(lines), Asked::Refused(*error), "{lines:?}");
        assert_eq!(error.status(), *status, "{error:?}");
        assert!(!error.to_string().is_empty());
    }
    let long = head(&[GET, HOST, &format!("X: {}", "x".repeat(MAX))]);
    let too_long = Asked::Refused(HandshakeError::TooLong);
    for size in [1, 100, 1000] {
        let chunks: Vec<&[u8]> = long.as_bytes().chunks(size).collect();
        assert_eq!(asked_chunks(&chunks), too_long);
    }
    let many = head(&[&[GET, HOST][..], &["a:"; 64]].concat());
    assert_eq!(
        asked_chunks(&[many.as_bytes()]),
        Asked::Refused(HandshakeError::TooManyFields)
    );
}

/// Reads a request and hands it over.
fn with_request<T>(lines: &[&str], look: impl FnOnce(&RequestReader) -> T) -> T {
    let mut rx = ReceiveBuffer::with_capacity(1000);
    fill(&mut rx, head(lines).as_bytes());
    let mut reader = RequestReader::new(1000);
    assert!(matches!(reader.read(&mut rx), Ok(Some(_))));
    look(&reader)
}

#[test]
fn a_request_can_be_looked_into() {
    with_request(
        &["GET /a/b?c=d?e HTTP/1.1", HOST, "X-Y:  z ", "x-y: later"],
        |reader| {
            let request = reader.request().unwrap();
            assert_eq!((request.method, request.target), ("GET", "/a/b?c=d?e"));
            assert_eq!((request.path(), request.query()), ("/a/b", Some("c=d?e")));
            assert_eq!(request.header("x-Y"), Some("z"));
            assert_eq!(request.header("none"), None);
        },
    );
    with_request(&["GET / HTTP/1.1", HOST], |reader| {
        let request = reader.request().unwrap();
        assert_eq!((request.path(), request.query()), ("/", None));
    });
}

#[test]
fn a_server_accepts_as_the_rfc_asks() {
    let lines = [GET, HOST, UPGRADE, CONNECTION, KEY, VERSION];
    let protocols = "Sec-WebSocket-Protocol: a, b,,c";
    with_request(&[&lines[..], &[protocols]].concat(), |reader| {
        let request = reader.request().unwrap();
        let upgrade = request.upgrade().unwrap().unwrap();
        assert_eq!(upgrade.protocols().collect::<Vec<_>>(), ["a", "b", "c"]);
        let (bytes, agreement) = upgrade.accept(Some("b"), Some(Config::default()));
        let expected = answer(&[UPGRADE, CONNECTION, ACCEPT, "Sec-WebSocket-Protocol: b"]);
        assert_eq!(String::from_utf8(bytes).unwrap(), expected);
        assert_eq!(agreement, None);
    });
}

/// What a server answers to an offer, and what is agreed on.
fn granted(config: Config, offers: &[&str]) -> (Option<String>, Option<Agreement>) {
    let offers: Vec<_> = offers
        .iter()
        .map(|o| format!("Sec-WebSocket-Extensions: {o}"))
        .collect();
    let mut lines = vec![GET, HOST, UPGRADE, CONNECTION, KEY, VERSION];
    lines.extend(offers.iter().map(String::as_str));
    with_request(&lines, |reader| {
        let request = reader.request().unwrap();
        let (bytes, agreement) = request
            .upgrade()
            .unwrap()
            .unwrap()
            .accept(None, Some(config));
        let head = String::from_utf8(bytes).unwrap();
        let mut fields = head
            .lines()
            .filter_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
        (fields.next().map(String::from), agreement)
    })
}

#[test]
fn a_server_grants_the_first_alternative_that_it_can() {
    let any = Config::default();
    let narrow = Config {
        ours: side(FRESH, 10),
        theirs: side(FRESH, 9),
    };
    let table: &[(Config, &[&str], &str, Side, Side)] = &[
        (
            any,
            &["permessage-deflate"],
            "permessage-deflate",
            side(KEEP, 15),
            side(KEEP, 15),
        ),
        (
            any,
            &["permessage-deflate; client_max_window_bits"],
            "permessage-deflate",
            side(KEEP, 15),
            side(KEEP, 15),
        ),
        (
            any,
            &["permessage-deflate; client_max_window_bits=9; server_max_window_bits=\"8\""],
            "permessage-deflate; server_max_window_bits=8; client_max_window_bits=9",
            side(KEEP, 8),
            side(KEEP, 9),
        ),
        (
            any,
            &["permessage-deflate; server_no_context_takeover;client_no_context_takeover"],
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover",
            side(FRESH, 15),
            side(FRESH, 15),
        ),
        (
            any,
            &[
                "x, permessage-deflate; unknown",
                "permessage-deflate; server_max_window_bits, permessage-deflate; server_max_window_bits=12, permessage-deflate",
            ],
            "permessage-deflate; server_max_window_bits=12",
            side(KEEP, 12),
            side(KEEP, 15),
        ),
        (
            narrow,
            &["permessage-deflate; client_max_window_bits; server_max_window_bits=12"],
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10; client_max_window_bits=9",
            side(FRESH, 10),
            side(FRESH, 9),
        ),
        (
            narrow,
            &["permessage-deflate"],
            "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10",
            side(FRESH, 10),
            side(FRESH, 15),
        ),
    ];
    for (config, offers, answer, ours, theirs) in table {
        let (ours, theirs) = (*ours, *theirs);
        let expected = (
            Some(String::from(*answer)),
            Some(Agreement { ours, theirs }),
        );
        assert_eq!(granted(*config, offers), expected, "{offers:?}");
    }
    let declined: [&[&str]; 5] = [
        &[],
        &["permessage-bzip2"],
        &["permessage-deflate; server_max_window_bits=7"],
        &["permessage-deflate; client_max_window_bits=16"],
        &["permessage-deflate; client_no_context_takeover; client_no_context_takeover"],
    ];
    for offers in declined {
        assert_eq!(granted(any, offers), (None, None), "{offers:?}");
    }
}

#[test]
fn what_a_server_grants_its_client_takes() {
    let contexts = [KEEP, FRESH];
    let windows = [8, 9, 12, 15];
    let sides: Vec<_> = contexts
        .iter()
        .flat_map(|c| windows.map(|w| side(*c, w)))
        .collect();
    let configs: Vec<_> = sides
        .iter()
        .flat_map(|ours| {
            sides.iter().map(|theirs| Config {
                ours: *ours,
                theirs: *theirs,
            })
        })
        .collect();
    for client in &configs {
        let request = written(&Request {
            deflate: Some(*client),
            ..REQUEST
        });
        let offer = request
            .lines()
            .find_map(|line| line.strip_prefix("Sec-WebSocket-Extensions: "));
        for server in &configs {
            let (answer, agreed) = granted(*server, &[offer.unwrap()]);
            let agreed = agreed.unwrap();
            let expected = Agreement {
                ours: agreed.theirs,
                theirs: agreed.ours,
            };
            let taken = negotiated(*client, &answer.unwrap());
            let taken = taken.unwrap().unwrap();
            assert_eq!(taken.theirs, expected.theirs);
            assert_eq!(taken.ours.context, expected.ours.context);
            assert!(taken.ours.window_bits <= expected.ours.window_bits);
        }
    }
}

#[test]
fn answers_are_written_whole_and_smuggle_nothing_in() {
    let bytes = Response::new(429)
        .field("Retry-After", "7")
        .body(b"slow down");
    let expected =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 7\r\nContent-Length: 9\r\n\r\nslow down";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    let bytes = Response::new(299).field("A\r\nB", "c\r\nD: e").body(b"");
    let expected = "HTTP/1.1 299 \r\nAB: cD: e\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(String::from_utf8(bytes).unwrap(), expected);
    let refusal = String::from_utf8(Response::refusal(HandshakeError::Version)).unwrap();
    assert!(refusal.starts_with("HTTP/1.1 426 Upgrade Required\r\n"));
    assert!(refusal.contains("\r\nSec-WebSocket-Version: 13\r\n"));
}
