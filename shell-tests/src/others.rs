//! Against servers that this project did not write: the Python package `websockets` and the npm
//! package `ws`, as `tests/peers.sh` installs them.

use std::io::{BufRead, BufReader};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use marketprism_core::connection::{Cause, Connection, Event, Fault, Status};
use marketprism_core::fleet::MachineId;
use marketprism_core::ws::deflate;

use crate::heard::{config, driver, webpki};
use crate::{Drive, Shell};

/// A server in a process of its own.
struct Server {
    process: Child,
    address: SocketAddr,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

/// Where `tests/peers.sh` puts the packages: in the folder that the test was built in.
fn installed() -> PathBuf {
    let test = std::env::current_exe().unwrap();
    let target = test.ancestors().nth(3).unwrap();
    std::env::var_os("MARKETPRISM_PEERS").map_or_else(|| target.join("peers"), PathBuf::from)
}

fn websockets() -> Option<Server> {
    let python = installed().join("venv/bin/python");
    let mut command = Command::new(&python);
    command.arg(script("websockets_echo.py"));
    started(command, &python)
}

fn ws() -> Option<Server> {
    let modules = installed().join("node_modules");
    let mut command = Command::new("node");
    command.arg(script("ws_echo.js")).env("NODE_PATH", &modules);
    started(command, &modules.join("ws"))
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("peers")
        .join(name)
}

/// `None`, and a word about it, where the package is missing and not required.
fn started(mut command: Command, needed: &Path) -> Option<Server> {
    if !needed.exists() {
        let required = std::env::var("MARKETPRISM_REQUIRE_PEERS").is_ok_and(|value| value == "1");
        assert!(!required, "missing: {}", needed.display());
        println!("skipped: {} is missing (tests/peers.sh)", needed.display());
        return None;
    }
    let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut process = piped.spawn().unwrap();
    let mut line = String::new();
    let mut stdout = BufReader::new(process.stdout.take().unwrap());
    stdout.read_line(&mut line).unwrap();
    let port: u16 = line.trim().parse().unwrap();
    Some(Server {
        process,
        address: SocketAddr::from(([127, 0, 0, 1], port)),
    })
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Said {
    Text(String),
    Binary(Vec<u8>),
    Open,
    Down(Cause),
}

fn said(event: Event<'_>) -> Option<Said> {
    match event {
        Event::Text(text) => Some(Said::Text(text.into())),
        Event::Binary(bytes) => Some(Said::Binary(bytes.into())),
        Event::Status(Status::Open { .. }) => Some(Said::Open),
        Event::Status(Status::Down { cause, .. }) => Some(Said::Down(cause)),
        Event::Status(_) => None,
    }
}

/// A talk with a server, one thing after the other.
struct Talk<D> {
    driver: D,
    id: MachineId,
}

impl<D: Drive<Connection>> Talk<D> {
    fn with<S>(server: &Server, deflate: Option<deflate::Config>) -> Self
    where
        S: Shell<Driver<Connection> = D>,
    {
        let mut config = config(server.address);
        config.upgrade = Duration::from_secs(20);
        config.deflate = deflate;
        config.transmit = 2 << 20;
        let (mut driver, id) = driver::<S>(config, webpki());
        driver.start();
        Self { driver, id }
    }

    fn say(&mut self, message: &Said) {
        let now = self.driver.now();
        let connection = self.driver.fleet().machine_mut(self.id).unwrap();
        match message {
            Said::Text(text) => connection.send_text(now, text).unwrap(),
            Said::Binary(bytes) => connection.send_binary(now, bytes).unwrap(),
            Said::Open | Said::Down(_) => unreachable!("not a message"),
        }
    }

    /// The next thing said.
    fn hear(&mut self) -> Said {
        let mut next = Vec::new();
        while next.is_empty() {
            self.driver.turn(&mut |_, event| next.extend(said(event)));
        }
        assert_eq!(next.len(), 1, "one at a time: {next:?}");
        next.remove(0)
    }

    fn ask(&mut self, question: &str) -> Said {
        self.say(&Said::Text(question.into()));
        self.hear()
    }

    fn echoes(&mut self) {
        let long: String = "MarketPrism \u{1F4C8} "
            .chars()
            .cycle()
            .take(300_000)
            .collect();
        let noise: Vec<u8> = (0..300_000_u32)
            .map(|index| (index.wrapping_mul(2_654_435_761) >> 24) as u8)
            .collect();
        let messages = [
            Said::Text(String::new()),
            Said::Text("short".into()),
            Said::Text("short".into()),
            Said::Binary(vec![0; 126]),
            Said::Binary(noise),
            Said::Text(long),
        ];
        for message in messages {
            self.say(&message);
            assert!(self.hear() == message);
        }
    }
}

fn conversation<S: Shell>(server: Option<Server>) {
    let Some(server) = server else { return };
    for deflate in [None, Some(deflate::Config::default())] {
        let mut talk = Talk::with::<S>(&server, deflate);
        assert_eq!(talk.hear(), Said::Open);
        talk.echoes();
        assert_eq!(talk.ask("ping"), Said::Text("ponged".into()));
        assert_eq!(talk.ask("close"), Said::Down(Cause::Peer(4001)));
        assert_eq!(talk.hear(), Said::Open);
        let aborted = talk.ask("abort");
        let causes = [Cause::Eof, Cause::Fault(Fault::Reset)];
        assert!(causes.map(Said::Down).contains(&aborted), "{aborted:?}");
        assert_eq!(talk.hear(), Said::Open);
        talk.driver.stop();
        assert_eq!(talk.hear(), Said::Down(Cause::Stopped));
        while !talk.driver.stopped() {
            talk.driver.turn(&mut |_, _| {});
        }
    }
}

pub fn we_get_on_with_websockets_for_python<S: Shell>() {
    conversation::<S>(websockets());
}

pub fn we_get_on_with_ws_for_node<S: Shell>() {
    conversation::<S>(ws());
}
