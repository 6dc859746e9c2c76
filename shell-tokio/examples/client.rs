//! The core as a WebSocket client that keeps itself connected: for any server, without a word
//! of exchanges.
//!
//! ```sh
//! cargo run -p marketprism-tokio --example client -- ws://127.0.0.1:9001/ hello
//! ```
//!
//! Prints what the server says and what becomes of the connection, sends the further arguments
//! each time that the connection is up, and closes in good order on Ctrl-C.

use std::error::Error;
use std::pin::pin;

use marketprism_core::connection::{Config, Connection, Endpoint, Event, Status};
use marketprism_core::fleet::Fleet;
use marketprism_tokio::{Driver, Tls};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let mut arguments = std::env::args().skip(1);
    let url = arguments.next().unwrap_or_default();
    let greetings: Vec<String> = arguments.collect();

    // Everything has a default: deadlines, heartbeat, backoff. `Config` has them all.
    let config =
        Config::new(endpoint(&url).ok_or("usage: client ws[s]://HOST[:PORT][/PATH] TEXT...")?);
    let mut seed = [0; 32];
    // Masks and handshake keys are to be unpredictable; the core has no randomness of its own.
    std::io::Read::read_exact(&mut std::fs::File::open("/dev/urandom")?, &mut seed)?;

    let mut fleet = Fleet::new();
    let id = fleet.add(Connection::new(url, config, seed)?, None);
    let mut driver = Driver::new(fleet, Tls::webpki()?);
    let mut interrupted = pin!(async { tokio::signal::ctrl_c().await.is_ok() });
    let mut asked = false;

    driver.start();
    while !driver.stopped() {
        let mut open = false;
        let mut hear = |_, event: Event<'_>| {
            open |= matches!(event, Event::Status(Status::Open { .. }));
            match event {
                Event::Status(status) => eprintln!("{status:?}"),
                Event::Text(text) => println!("{text}"),
                Event::Binary(bytes) => println!("{} bytes", bytes.len()),
            }
        };
        tokio::select! {
            // A turn may be dropped at any time; nothing is lost.
            () = driver.turn(&mut hear) => {}
            _ = &mut interrupted, if !asked => {
                asked = true;
                driver.stop();
            }
        }
        if open {
            let now = driver.now();
            for text in &greetings {
                if let Some(connection) = driver.fleet().machine_mut(id) {
                    connection.send_text(now, text)?;
                }
            }
        }
    }
    Ok(())
}

/// What a URL names: enough of one for an example.
fn endpoint(url: &str) -> Option<Endpoint> {
    let (scheme, rest) = url.split_once("://")?;
    let (tls, default) = match scheme {
        "ws" => (false, 80),
        "wss" => (true, 443),
        _ => return None,
    };
    let (authority, path) = rest.split_once('/').unwrap_or((rest, ""));
    let (host, port) = match authority.rsplit_once(':') {
        Some((host, port)) => (host, port.parse().ok()?),
        None => (authority, default),
    };
    Some(Endpoint {
        host: host.into(),
        port,
        tls,
        path: format!("/{path}"),
    })
}
