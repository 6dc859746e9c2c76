//! TLS: whom we trust, and how it ends.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use marketprism_core::connection::{Cause, Config, Connection, Fault, Timer};
use marketprism_core::fleet::Fleet;
use marketprism_tokio::{Alpn, Driver, Tls};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;

use crate::loopback::{Heard, config, driver, heard, heard_until, text, webpki};
use crate::peer::{Act, Peer};

/// An authority of our own and a server that it vouches for.
struct Authority {
    tls: Tls,
    server: ServerConfig,
}

/// `name` tells the CA files of the tests apart; `host` is what the server is called.
fn authority(name: &str, host: &str) -> Authority {
    let mut params = CertificateParams::new([]).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let root = params.self_signed(&key).unwrap();
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}.pem"));
    std::fs::write(&path, root.pem()).unwrap();

    let own = KeyPair::generate().unwrap();
    let leaf = CertificateParams::new([host.to_owned()]).unwrap();
    let leaf = leaf.signed_by(&own, &Issuer::new(params, key)).unwrap();
    let server = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![leaf.into()], own.into())
        .unwrap();
    Authority {
        tls: Tls::ca_file(path).unwrap(),
        server,
    }
}

fn secure(peer: &Peer) -> Config {
    let mut config = config(peer.address);
    config.endpoint.tls = true;
    config
}

#[tokio::test]
async fn each_end_of_a_tls_stream_has_its_cause() {
    let Authority { tls, server } = authority("ends", "127.0.0.1");
    // FIN without close_notify is an end of file like any other.
    let acts = [
        Act::Fin("fin"),
        Act::Torn("torn"),
        Act::Reset("reset"),
        Act::Close("close", 1001),
        Act::Silent,
        Act::Echo("end"),
    ];
    let peer = Peer::tls(acts, Arc::new(server));
    let (mut driver, _) = driver(secure(&peer), tls);
    let all = heard_until(&mut driver, text("end")).await;
    let expected = [
        Heard::Open,
        text("fin"),
        Heard::Down(Cause::Eof),
        Heard::Open,
        text("torn"),
        Heard::Down(Cause::Eof),
        Heard::Open,
        text("reset"),
        Heard::Down(Cause::Fault(Fault::Reset)),
        Heard::Open,
        text("close"),
        Heard::Down(Cause::Peer(1001)),
        Heard::Down(Cause::Lost(Timer::Upgrade)),
        Heard::Open,
        text("end"),
        Heard::Down(Cause::Stopped),
    ];
    assert_eq!(all, expected);
    peer.finished();
}

#[tokio::test]
async fn a_large_message_passes_through_tls_in_both_directions() {
    const SIZE: usize = 4 << 20;
    let Authority { tls, server } = authority("large", "127.0.0.1");
    let peer = Peer::tls([Act::Slow(SIZE)], Arc::new(server));
    let mut config = secure(&peer);
    config.transmit = SIZE + 64;
    let (mut driver, id) = driver(config, tls);
    let long = "x".repeat(SIZE);
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        let before = all.len();
        driver.turn(&mut |_, event| all.extend(heard(event))).await;
        if all[before..].contains(&Heard::Open) {
            let now = driver.now();
            let connection = driver.fleet().machine_mut(id).unwrap();
            connection.send_text(now, &long).unwrap();
        }
        if all[before..].contains(&text(&long)) {
            driver.stop();
        }
    }
    assert!(all[1..3] == [Heard::Binary(SIZE), text(&long)]);
    peer.finished();
}

#[tokio::test]
async fn a_certificate_that_is_not_trusted_is_refused() {
    let ours = authority("ours", "127.0.0.1");
    let theirs = authority("theirs", "127.0.0.1");
    let elsewhere = authority("elsewhere", "elsewhere.example");
    let cases = [
        ("another authority", theirs.server, ours.tls),
        ("an authority of our own", ours.server, webpki()),
        ("another name", elsewhere.server, elsewhere.tls),
    ];
    for (case, server, tls) in cases {
        let peer = Peer::tls([Act::Silent], Arc::new(server));
        let (mut driver, _) = driver(secure(&peer), tls);
        let refused = Heard::Down(Cause::Fault(Fault::Certificate));
        let all = heard_until(&mut driver, refused.clone()).await;
        assert_eq!(all, [refused], "{case}");
    }
}

#[tokio::test]
async fn a_far_end_that_speaks_no_tls_is_noticed() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let peer = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().unwrap();
        let mut hello = [0; 4096];
        assert!(stream.read(&mut hello).unwrap() > 0);
        stream
            .write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n")
            .unwrap();
        // Read to the end, so that the answer is not lost to a reset.
        while matches!(stream.read(&mut hello), Ok(count) if count > 0) {}
        let (mut stream, _) = listener.accept().unwrap();
        assert!(stream.read(&mut hello).unwrap() > 0);
    });
    let mut config = config(address);
    config.endpoint.tls = true;
    let (mut driver, _) = driver(config, webpki());
    let mut faults = Vec::new();
    driver.start();
    while faults.len() < 2 {
        driver
            .turn(&mut |_, event| faults.extend(heard(event)))
            .await;
    }
    // The second one hangs up in the middle of the handshake.
    let fault = Heard::Down(Cause::Fault(Fault::Tls));
    assert_eq!(faults[..2], [fault.clone(), fault]);
    peer.join().unwrap();
}

#[tokio::test]
async fn a_handshake_that_hangs_is_ended_by_the_core_and_its_socket_closed() {
    let peer = Peer::plain([Act::Silent, Act::Silent]);
    let mut config = secure(&peer);
    config.connect = Duration::from_millis(50);
    let (mut driver, _) = driver(config, webpki());
    let lost = Heard::Down(Cause::Lost(Timer::Connect));
    let mut all = Vec::new();
    driver.start();
    while all.len() < 2 {
        driver.turn(&mut |_, event| all.extend(heard(event))).await;
    }
    assert_eq!(all, [lost.clone(), lost]);
    peer.finished();
}

#[tokio::test]
async fn each_machine_trusts_whom_it_is_told_to() {
    let (one, two) = (authority("one", "127.0.0.1"), authority("two", "127.0.0.1"));
    let peers = [
        Peer::tls([Act::Echo("one")], Arc::new(one.server)),
        Peer::tls([Act::Echo("two")], Arc::new(two.server)),
    ];
    let mut fleet = Fleet::new();
    let ids = peers.each_ref().map(|peer| {
        let connection = Connection::new("test", secure(peer), [1; 32]);
        fleet.add(connection.unwrap(), None)
    });
    let mut driver = Driver::new(fleet, one.tls);
    driver.set_tls(ids[1], two.tls);
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        driver
            .turn(&mut |id, event| all.extend(heard(event).map(|event| (id, event))))
            .await;
        let both = [(ids[0], text("one")), (ids[1], text("two"))];
        if both.iter().all(|event| all.contains(event)) {
            driver.stop();
        }
    }
    peers.into_iter().for_each(Peer::finished);
}

#[tokio::test]
async fn an_application_protocol_is_offered_only_when_asked_for() {
    let Authority { tls, mut server } = authority("alpn", "127.0.0.1");
    let http1 = tls.clone().offering(Alpn::Http1);
    server.alpn_protocols = vec![b"h2".to_vec()];
    let only_h2 = Arc::new(server.clone());
    server.alpn_protocols.push(b"http/1.1".to_vec());
    let both = Arc::new(server);
    let welcome = text("welcome");
    let refused = Heard::Down(Cause::Fault(Fault::Tls));
    let cases = [
        (&tls, &only_h2, Act::Echo("welcome"), &welcome),
        (&http1, &both, Act::Echo("welcome"), &welcome),
        (&http1, &only_h2, Act::Silent, &refused),
    ];
    for (tls, server, act, last) in cases {
        let peer = Peer::tls([act], Arc::clone(server));
        let (mut driver, _) = driver(secure(&peer), tls.clone());
        let all = heard_until(&mut driver, last.clone()).await;
        assert!(all.contains(last));
        peer.finished();
    }
}
