//! Requests over REST: what a machine wants fetched is fetched, whatever the far end does.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use marketprism_core::connection::Fault;
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::rest::{Credential, FetchFault, Method};
use marketprism_shell::Signer;
use rustls::{ServerConnection, StreamOwned};

use crate::asker::{Asker, Got};
use crate::descriptors::sockets_to;
use crate::heard::webpki;
use crate::trust::Authority;
use crate::{Drive, Shell};

/// What a server does with one request after another, on as many connections as it takes.
#[derive(Clone, Copy, Debug)]
enum Reply {
    /// This, and the connection stays.
    Raw(&'static str),
    /// So many bytes of body.
    Long(usize),
    /// Half of an answer, and then nothing.
    Stuck,
    /// An answer that repeats the first line of the request and the name of the key that came with
    /// it, and names what that opens.
    Opens(&'static str),
    /// The connection ends without an answer.
    Gone,
    /// An answer once as many requests have come as stand here.
    Together(usize),
}

/// A server for HTTP on loopback.
struct Server {
    address: SocketAddr,
    accepted: Arc<AtomicUsize>,
    thread: JoinHandle<()>,
}

const HELLO: &str = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";

impl Server {
    /// Serves so many connections, each with all of these replies in turn.
    fn plain(connections: usize, replies: &'static [Reply]) -> Self {
        Self::start(connections, replies, None)
    }

    fn start(
        connections: usize,
        replies: &'static [Reply],
        tls: Option<Arc<rustls::ServerConfig>>,
    ) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let accepted = Arc::new(AtomicUsize::new(0));
        let (count, asked) = (Arc::clone(&accepted), Arc::new(AtomicUsize::new(0)));
        let thread = thread::spawn(move || {
            let serve = |_| {
                let (stream, _) = listener.accept().unwrap();
                count.fetch_add(1, Ordering::SeqCst);
                let (tls, asked) = (tls.clone(), Arc::clone(&asked));
                thread::spawn(move || match tls {
                    Some(config) => {
                        let connection = ServerConnection::new(config).unwrap();
                        converse(StreamOwned::new(connection, stream), replies, &asked);
                    }
                    None => converse(stream, replies, &asked),
                })
            };
            let served: Vec<_> = (0..connections).map(serve).collect();
            for thread in served {
                thread.join().unwrap();
            }
        });
        Self {
            address,
            accepted,
            thread,
        }
    }

    fn accepted(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

/// Answers request after request until the client is gone.
fn converse(mut stream: impl Read + Write, replies: &[Reply], asked: &AtomicUsize) {
    for reply in replies.iter().cycle() {
        let Some(head) = read_head(&mut stream) else {
            return;
        };
        asked.fetch_add(1, Ordering::SeqCst);
        let written = match reply {
            Reply::Raw(text) => stream.write_all(text.as_bytes()),
            Reply::Long(size) => {
                let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {size}\r\n\r\n");
                let written = stream.write_all(head.as_bytes());
                written.and_then(|()| stream.write_all(&vec![b'x'; *size]))
            }
            Reply::Stuck => {
                let half = "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf";
                stream.write_all(half.as_bytes()).unwrap();
                stream.flush().unwrap();
                let _until_the_client_goes = stream.read(&mut [0; 64]);
                return;
            }
            Reply::Opens(listen_key) => {
                let body = format!(
                    r#"{{"asked":"{} by {}","listenKey":"{listen_key}"}}"#,
                    head.lines().next().unwrap_or_default(),
                    api_key(&head).unwrap_or("nobody")
                );
                let length = body.len();
                write!(
                    stream,
                    "HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n{body}"
                )
            }
            Reply::Gone => return,
            Reply::Together(count) => {
                while asked.load(Ordering::SeqCst) < *count {
                    thread::sleep(Duration::from_millis(1));
                }
                stream.write_all(HELLO.as_bytes())
            }
        };
        if written.and_then(|()| stream.flush()).is_err() {
            return;
        }
    }
}

fn api_key(head: &str) -> Option<&str> {
    let fields = head.lines().filter_map(|line| line.split_once(": "));
    let mut named = fields.filter(|(name, _)| name.eq_ignore_ascii_case("x-mbx-apikey"));
    named.next().map(|(_, value)| value)
}

/// Reads up to the blank line, if there is one.
fn read_head(stream: &mut impl Read) -> Option<String> {
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        match stream.read(&mut byte) {
            Ok(1) => head.push(byte[0]),
            Ok(_) | Err(_) => return None,
        }
    }
    String::from_utf8(head).ok()
}

/// A driver with one machine, which has asked for nothing yet.
fn driver<S: Shell>(asker: Asker, at_once: usize) -> (S::Driver<Asker>, MachineId) {
    let mut fleet = Fleet::new();
    fleet.set_fetches_at_once(at_once);
    let id = fleet.add(asker, None);
    let mut driver = S::Driver::new(fleet, webpki());
    driver.start();
    (driver, id)
}

/// Asks, and turns until everything is answered.
fn ask(driver: &mut impl Drive<Asker>, id: MachineId, paths: &[&str]) -> Vec<Got> {
    let now = driver.now();
    let before = driver.fleet().machine(id).unwrap().got.len();
    driver.fleet().with(now, id, |machine| {
        paths.iter().for_each(|path| machine.ask(path));
    });
    answered(driver, id, before + paths.len())
}

fn answered(driver: &mut impl Drive<Asker>, id: MachineId, count: usize) -> Vec<Got> {
    loop {
        let got = &driver.fleet().machine(id).unwrap().got;
        if got.len() >= count {
            return got.clone();
        }
        driver.turn(&mut |_, ()| {});
    }
}

pub fn what_is_asked_over_rest_is_answered_with_status_head_and_body<S: Shell>() {
    const ANSWERS: &[Reply] = &[
        Reply::Raw(HELLO),
        Reply::Raw(
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n",
        ),
        Reply::Raw(
            "HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\nContent-Length: 0\r\n\r\n",
        ),
        // It bars the address: nothing would be sent behind it.
        Reply::Raw(
            "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 17\r\nX-MBX-USED-WEIGHT-1M: 6001\r\n\
             Content-Length: 2\r\n\r\n{}",
        ),
    ];
    let server = Server::plain(1, ANSWERS);
    let (mut driver, id) = driver::<S>(Asker::to(server.address), 1);
    let got = ask(&mut driver, id, &["/a", "/b?c=%20d", "/e", "/f"]);
    let seconds = Duration::from_secs;
    let expected = [
        Ok((200, None, None, "hello".into())),
        Ok((200, None, None, "abcde".into())),
        Ok((302, None, None, String::new())),
        Ok((429, Some(seconds(17)), Some(6001), "{}".into())),
    ];
    assert_eq!(got, expected);
    assert_eq!(server.accepted(), 1, "one connection serves them all");
    drop(driver);
    server.thread.join().unwrap();
}

pub fn each_way_in_which_a_request_fails_has_its_name<S: Shell>() {
    let cases: [(&'static [Reply], FetchFault); 4] = [
        (&[Reply::Long(5_000)], FetchFault::TooLarge),
        (&[Reply::Stuck], FetchFault::Io(Fault::TimedOut)),
        (
            &[Reply::Raw("SSH-2.0-none of it\r\n\r\n")],
            FetchFault::Protocol,
        ),
        (
            &[Reply::Raw("HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n")],
            FetchFault::Protocol,
        ),
    ];
    for (replies, fault) in cases {
        let server = Server::plain(1, replies);
        let mut asker = Asker::to(server.address);
        asker.body_limit = 4_999;
        asker.timeout = match fault {
            FetchFault::Io(_) => Duration::from_millis(200),
            FetchFault::TooLarge | FetchFault::Protocol | FetchFault::Unsent => {
                Duration::from_secs(30)
            }
        };
        let (mut driver, id) = driver::<S>(asker, 1);
        assert_eq!(ask(&mut driver, id, &["/"]), [Err(fault)]);
        drop(driver);
        server.thread.join().unwrap();
    }
}

pub fn a_connection_that_is_refused_or_ends_fails_and_the_next_request_has_another<S: Shell>() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let (mut nobody, id) = driver::<S>(Asker::to(closed), 1);
    let refused = Err(FetchFault::Io(Fault::Refused));
    assert_eq!(ask(&mut nobody, id, &["/"]), [refused]);
    let server = Server::plain(3, &[Reply::Raw(HELLO), Reply::Gone]);
    let (mut driver, id) = driver::<S>(Asker::to(server.address), 1);
    let got = ask(&mut driver, id, &["/1", "/2", "/3", "/4", "/5"]);
    let worked = got.iter().filter(|got| got.is_ok()).count();
    assert_eq!((got.len(), worked), (5, 3), "{got:?}");
    assert_eq!(server.accepted(), 3);
    drop(driver);
    server.thread.join().unwrap();
}

pub fn requests_are_made_side_by_side_but_never_more_than_there_are_connections<S: Shell>() {
    let server = Server::plain(
        2,
        &[Reply::Together(2), Reply::Raw(HELLO), Reply::Raw(HELLO)],
    );
    let (mut driver, id) = driver::<S>(Asker::to(server.address), 2);
    let got = ask(&mut driver, id, &["/1", "/2", "/3", "/4", "/5"]);
    assert!(got.iter().all(Result::is_ok), "{got:?}");
    assert_eq!(server.accepted(), 2);
    assert!(sockets_to(server.address).is_none_or(|sockets| sockets <= 2));
    drop(driver);
    server.thread.join().unwrap();
}

pub fn what_cannot_be_handed_over_is_answered_at_once<S: Shell>() {
    let server = Server::plain(1, &[Reply::Raw(HELLO)]);
    let mut asker = Asker::to(server.address);
    asker.withdraws = true;
    let (mut driver, id) = driver::<S>(asker, 1);
    assert_eq!(ask(&mut driver, id, &["/"]), [Err(FetchFault::Unsent)]);
    driver.fleet().machine_mut(id).unwrap().withdraws = false;
    assert!(ask(&mut driver, id, &["/"])[1].is_ok());
    drop(driver);
    server.thread.join().unwrap();
}

pub fn a_connection_with_nothing_to_do_is_closed<S: Shell>() {
    let server = Server::plain(2, &[Reply::Raw(HELLO)]);
    let (mut driver, id) = driver::<S>(Asker::to(server.address), 1);
    assert!(ask(&mut driver, id, &["/"])[0].is_ok());
    while sockets_to(server.address).is_some_and(|sockets| sockets > 0) {
        thread::sleep(Duration::from_millis(20));
    }
    assert!(ask(&mut driver, id, &["/"])[1].is_ok());
    let known = sockets_to(server.address).is_some();
    assert_eq!(server.accepted(), if known { 2 } else { 1 });
    drop(driver);
    if known {
        server.thread.join().unwrap();
    }
}

pub fn requests_trust_whom_the_machine_trusts<S: Shell>() {
    let Authority { tls, server } = Authority::of("127.0.0.1");
    let server = Server::start(2, &[Reply::Raw(HELLO)], Some(Arc::new(server)));
    let mut asker = Asker::to(server.address);
    asker.endpoint.tls = true;
    let (mut driver, id) = driver::<S>(asker, 1);
    let stranger = ask(&mut driver, id, &["/"]);
    assert_eq!(stranger, [Err(FetchFault::Io(Fault::Certificate))]);
    driver.set_tls(id, tls);
    assert!(ask(&mut driver, id, &["/"])[1].is_ok());
    drop(driver);
    server.thread.join().unwrap();
}

pub fn a_key_goes_with_the_request_and_what_it_opens_stays_with_the_signer<S: Shell>() {
    let server = Server::plain(1, &[Reply::Opens("pqia91ma19a5s61cv6a81va65sdf19v8")]);
    let mut asker = Asker::to(server.address);
    asker.credential = Some(Credential::ListenKey);
    let (mut driver, id) = driver::<S>(asker, 1);
    assert_eq!(
        ask(&mut driver, id, &["/"]),
        [Err(FetchFault::Unsent)],
        "nobody has a key"
    );
    driver.set_signer(Signer::default().with_api_key("name-of-a-key".to_owned()));
    for method in [Method::Post, Method::Put] {
        driver.fleet().machine_mut(id).unwrap().method = method;
        ask(&mut driver, id, &["/listenKey"]);
    }
    let bodies = ["POST", "PUT"].map(|method| {
        let asked = format!("{method} /listenKey HTTP/1.1 by name-of-a-key");
        let struck = "*".repeat(32);
        format!(r#"{{"asked":"{asked}","listenKey":"{struck}"}}"#)
    });
    let got = answered(&mut driver, id, 3);
    let expected = bodies.map(|body| Ok((200, None, None, body)));
    assert_eq!(got.get(1..).unwrap(), expected);
    drop(driver);
    server.thread.join().unwrap();
}

pub fn a_slow_answer_holds_up_nobody<S: Shell>() {
    let slow = Server::plain(1, &[Reply::Stuck]);
    let quick = Server::plain(1, &[Reply::Raw(HELLO)]);
    let mut fleet = Fleet::new();
    let mut asker = Asker::to(slow.address);
    asker.timeout = Duration::from_secs(3_600);
    asker.ask("/");
    fleet.add(asker, None);
    let id = fleet.add(Asker::to(quick.address), None);
    let mut driver = S::Driver::new(fleet, webpki());
    driver.start();
    for count in 1..=20 {
        let got = ask(&mut driver, id, &["/"]);
        assert_eq!(got.len(), count);
    }
    // The thread that waits for ever has the far end of this; it ends with the process.
    drop(driver);
    quick.thread.join().unwrap();
    drop(TcpStream::connect(slow.address));
}
