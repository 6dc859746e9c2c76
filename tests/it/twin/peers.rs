//! Clients that this project did not write.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;

use marketprism::twin::{Certificates, Exchange, Options, Server};
use marketprism_core::market::Market;
use serde_json::Value;

/// Subscribes with the Python package `websockets`, prints what comes, and ends with a clean
/// close. Arguments: URL, authority, request, number of messages.
const CLIENT: &str = r#"
import asyncio, ssl, sys, websockets
async def main(url, authority, request, count):
    trust = ssl.create_default_context(cafile=authority)
    async with websockets.connect(url, ssl=trust) as socket:
        await socket.send(request)
        await socket.ping()
        for _ in range(int(count)):
            print(await socket.recv())
    print(socket.close_code)
asyncio.run(main(*sys.argv[1:]))
"#;

/// A Python that has the package, or `None`.
fn python() -> Option<PathBuf> {
    let target = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/peers");
    let peers = std::env::var_os("MARKETPRISM_PEERS").map_or(target, PathBuf::from);
    let candidates = [peers.join("venv/bin/python"), PathBuf::from("python3")];
    candidates.into_iter().find(|python| {
        let probe = Command::new(python)
            .args(["-c", "import websockets"])
            .output();
        probe.is_ok_and(|output| output.status.success())
    })
}

#[test]
fn the_python_websockets_client_subscribes_and_gets_data() {
    let Some(python) = python() else {
        let required = std::env::var_os("MARKETPRISM_REQUIRE_PEERS").is_some();
        assert!(!required, "the Python package websockets is required here");
        eprintln!("skipped: no Python with the package websockets; see tests/peers.sh");
        return;
    };
    let cases = [
        (
            Market::BinanceSpot,
            "/stream",
            r#"{"method":"SUBSCRIBE","params":["btcusdt@depth@100ms"],"id":1}"#,
            r#"{"result":null,"id":1}"#,
            "data",
        ),
        (
            Market::Okx,
            "/ws/v5/public",
            r#"{"op":"subscribe","args":[{"channel":"books","instId":"BTC-USDT"}]}"#,
            r#"{"event":"subscribe","arg":{"channel":"books","instId":"BTC-USDT"},"connId":""#,
            "data",
        ),
    ];
    for (market, path, request, ack, key) in cases {
        let lines = lines_of(&python, market, path, request);
        assert!(lines[0].starts_with(ack), "{}", lines[0]);
        for line in &lines[1..20] {
            let message: Value = serde_json::from_str(line).unwrap();
            assert!(message.get(key).is_some(), "{line}");
        }
        assert_eq!(lines[20..], ["1000"]);
    }
}

/// Serves until the client has ended, and returns what it printed.
fn lines_of(python: &PathBuf, market: Market, path: &str, request: &str) -> Vec<String> {
    let certificates = Certificates::generate().unwrap();
    let folder = std::env::temp_dir().join(format!("marketprism-peers-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let authority = folder.join(format!("{market}.pem"));
    certificates.write_authority(&authority).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let lines = runtime.block_on(async {
        let exchange = Exchange::new(market, Options::new(market), 1);
        let address = "127.0.0.1:0".parse().unwrap();
        let mut server = Server::bind(exchange, address, Some(&certificates)).unwrap();
        let url = format!("wss://127.0.0.1:{}{path}", server.address().port());
        let mut child = Command::new(python)
            .args(["-c", CLIENT, &url])
            .arg(&authority)
            .args([request, "20"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (done, ended) = tokio::sync::oneshot::channel();
        let (sender, lines) = mpsc::channel();
        let reader = thread::spawn(move || {
            for line in output.lines() {
                sender.send(line.unwrap()).unwrap();
            }
            done.send(()).unwrap();
        });
        server.run(async { ended.await.unwrap() }).await.unwrap();
        reader.join().unwrap();
        assert!(child.wait().unwrap().success());
        assert_eq!(server.ledger().sockets().most, 1);
        lines.into_iter().collect()
    });
    std::fs::remove_dir_all(&folder).unwrap();
    lines
}
