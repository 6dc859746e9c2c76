//! TLS: whom we trust, and how it ends.

use std::io::{Read, Write};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use marketprism_core::connection::{Cause, Config, Fault, Timer};
use marketprism_core::fleet::Fleet;
use marketprism_shell::Alpn;
use rustls::version::{TLS12, TLS13};

use crate::heard::{Heard, config, connection, driver, heard, heard_until, text, webpki};
use crate::loopback::{ENDS, FLOOD, descriptors_are_closed, the_second_is_heard};
use crate::peer::{Act, Peer};
use crate::trust::Authority;
use crate::{Drive, Shell};

fn secure(peer: &Peer) -> Config {
    let mut config = config(peer.address);
    config.endpoint.tls = true;
    config
}

pub fn each_end_of_a_tls_stream_has_its_cause<S: Shell>() {
    let Authority { tls, server } = Authority::of("127.0.0.1");
    // FIN without close_notify is an end of file like any other.
    let acts = [
        Act::Fin("fin"),
        Act::Torn("torn"),
        Act::Reset("reset"),
        Act::Close("close", 1001),
        Act::Garbage("garbage"),
        Act::Silent,
        Act::Echo("end"),
    ];
    let peer = Peer::tls(acts, Arc::new(server));
    let (mut driver, _) = driver::<S>(secure(&peer), tls);
    let all = heard_until(&mut driver, &text("end"));
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
        Heard::Open,
        text("garbage"),
        Heard::Down(Cause::Fault(Fault::Tls)),
        Heard::Down(Cause::Lost(Timer::Upgrade)),
        Heard::Open,
        text("end"),
        Heard::Down(Cause::Stopped),
    ];
    assert_eq!(all, expected);
    peer.finished();
}

pub fn a_large_message_passes_through_tls_in_both_directions<S: Shell>() {
    const SIZE: usize = 4 << 20;
    let Authority { tls, server } = Authority::of("127.0.0.1");
    let peer = Peer::tls([Act::Slow(SIZE)], Arc::new(server));
    let mut config = secure(&peer);
    config.transmit = SIZE + 64;
    let (mut driver, id) = driver::<S>(config, tls);
    let long = "x".repeat(SIZE);
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        let before = all.len();
        driver.turn(&mut |_, event| all.extend(heard(event)));
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

pub fn a_certificate_that_is_not_trusted_is_refused<S: Shell>() {
    let ours = Authority::of("127.0.0.1");
    let theirs = Authority::of("127.0.0.1");
    let elsewhere = Authority::of("elsewhere.example");
    let cases = [
        ("another authority", theirs.server, ours.tls),
        ("an authority of our own", ours.server, webpki()),
        ("another name", elsewhere.server, elsewhere.tls),
    ];
    for (case, server, tls) in cases {
        let peer = Peer::tls([Act::Silent], Arc::new(server));
        let (mut driver, _) = driver::<S>(secure(&peer), tls);
        let refused = Heard::Down(Cause::Fault(Fault::Certificate));
        let all = heard_until(&mut driver, &refused.clone());
        assert_eq!(all, [refused], "{case}");
    }
}

pub fn a_far_end_that_speaks_no_tls_is_noticed<S: Shell>() {
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
    let (mut driver, _) = driver::<S>(config, webpki());
    let mut faults = Vec::new();
    driver.start();
    while faults.len() < 2 {
        driver.turn(&mut |_, event| faults.extend(heard(event)));
    }
    // The second one hangs up in the middle of the handshake.
    let fault = Heard::Down(Cause::Fault(Fault::Tls));
    assert_eq!(faults[..2], [fault.clone(), fault]);
    peer.join().unwrap();
}

pub fn a_handshake_that_hangs_is_ended_by_the_core_and_its_socket_closed<S: Shell>() {
    let peer = Peer::plain([Act::Silent, Act::Silent]);
    let mut config = secure(&peer);
    config.connect = Duration::from_millis(50);
    let (mut driver, _) = driver::<S>(config, webpki());
    let lost = Heard::Down(Cause::Lost(Timer::Connect));
    let mut all = Vec::new();
    driver.start();
    while all.len() < 2 {
        driver.turn(&mut |_, event| all.extend(heard(event)));
    }
    assert_eq!(all, [lost.clone(), lost]);
    peer.finished();
}

pub fn each_machine_trusts_whom_it_is_told_to<S: Shell>() {
    let (one, two) = (Authority::of("127.0.0.1"), Authority::of("127.0.0.1"));
    let peers = [
        Peer::tls([Act::Echo("one")], Arc::new(one.server)),
        Peer::tls([Act::Echo("two")], Arc::new(two.server)),
    ];
    let mut fleet = Fleet::new();
    let ids = peers
        .each_ref()
        .map(|peer| fleet.add(connection(secure(peer)), None));
    let mut driver = S::Driver::new(fleet, one.tls);
    driver.set_tls(ids[1], two.tls);
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        driver.turn(&mut |id, event| all.extend(heard(event).map(|event| (id, event))));
        let both = [(ids[0], text("one")), (ids[1], text("two"))];
        if both.iter().all(|event| all.contains(event)) {
            driver.stop();
        }
    }
    peers.into_iter().for_each(Peer::finished);
}

pub fn an_application_protocol_is_offered_only_when_asked_for<S: Shell>() {
    let Authority { tls, mut server } = Authority::of("127.0.0.1");
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
        let (mut driver, _) = driver::<S>(secure(&peer), tls.clone());
        let all = heard_until(&mut driver, &last.clone());
        assert!(all.contains(last));
        peer.finished();
    }
}

pub fn what_comes_in_one_piece_is_heard_whole_though_the_socket_is_silent_afterwards<S: Shell>() {
    // Small records and large ones, more than is read at once, and then not another byte.
    const SIZE: usize = 200_000;
    let Authority { tls, server } = Authority::of("127.0.0.1");
    let peer = Peer::tls([Act::Burst(20_000, SIZE)], Arc::new(server));
    let (mut driver, _) = driver::<S>(secure(&peer), tls);
    let all = heard_until(&mut driver, &Heard::Binary(SIZE));
    let numbers = (0..20_000).map(|number: u32| text(&number.to_string()));
    let expected: Vec<Heard> = [Heard::Open]
        .into_iter()
        .chain(numbers)
        .chain([Heard::Binary(SIZE), Heard::Down(Cause::Stopped)])
        .collect();
    assert!(all == expected, "{} events", all.len());
    peer.finished();
}

pub fn a_certificate_may_name_a_host_or_an_address<S: Shell>() {
    for host in ["localhost", "127.0.0.1"] {
        let Authority { tls, server } = Authority::of(host);
        let peer = Peer::tls([Act::Echo("welcome")], Arc::new(server));
        let mut config = secure(&peer);
        config.endpoint.host = host.into();
        let (mut driver, _) = driver::<S>(config, tls);
        let all = heard_until(&mut driver, &text("welcome"));
        assert_eq!(all[..2], [Heard::Open, text("welcome")], "{host}");
        peer.finished();
    }
}

pub fn both_versions_of_tls_are_spoken_and_sessions_resumed<S: Shell>() {
    for version in [&TLS12, &TLS13] {
        let Authority { tls, server } = Authority::speaking("127.0.0.1", &[version]);
        let acts = [Act::Close("first", 1000), Act::Resumed("second")];
        let peer = Peer::tls(acts, Arc::new(server));
        let (mut driver, _) = driver::<S>(secure(&peer), tls);
        let all = heard_until(&mut driver, &text("second"));
        let down = Heard::Down(Cause::Peer(1000));
        assert_eq!(all[1..3], [text("first"), down], "{version:?}");
        peer.finished();
    }
}

pub fn keys_are_changed_when_the_far_end_asks_for_it<S: Shell>() {
    let Authority { tls, server } = Authority::of("127.0.0.1");
    let peer = Peer::tls([Act::Rekey("0")], Arc::new(server));
    let (mut driver, id) = driver::<S>(secure(&peer), tls);
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        let begin = all.len();
        driver.turn(&mut |_, event| all.extend(heard(event)));
        let Some(Heard::Text(number)) = all[begin..].last() else {
            continue;
        };
        let next = number.parse::<u32>().unwrap() + 1;
        if next > 20 {
            driver.stop();
            continue;
        }
        let now = driver.now();
        let connection = driver.fleet().machine_mut(id).unwrap();
        connection.send_text(now, &next.to_string()).unwrap();
    }
    let numbers = (0..=20).map(|number: u32| text(&number.to_string()));
    let expected: Vec<Heard> = [Heard::Open]
        .into_iter()
        .chain(numbers)
        .chain([Heard::Down(Cause::Stopped)])
        .collect();
    assert_eq!(all, expected);
    peer.finished();
}

pub fn what_is_released_over_tls_has_no_descriptor_any_more<S: Shell>() {
    let Authority { tls, server } = Authority::of("127.0.0.1");
    let peer = Peer::tls(ENDS, Arc::new(server));
    descriptors_are_closed::<S>(peer.address, secure(&peer), tls);
    peer.finished();
}

pub fn a_tls_stream_that_always_has_more_does_not_starve_another<S: Shell>() {
    let Authority { tls, server } = Authority::of("127.0.0.1");
    let server = Arc::new(server);
    let peers = FLOOD.map(|act| Peer::tls([act], Arc::clone(&server)));
    let configs = peers.each_ref().map(secure);
    the_second_is_heard::<S>(configs, tls);
    peers.into_iter().for_each(Peer::finished);
}
