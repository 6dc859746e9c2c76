//! The reconnecting client over real sockets, against a far end that misbehaves.

use std::net::SocketAddr;
use std::pin::Pin;
use std::time::Duration;

use marketprism_core::connection::{
    Cause, Config, Connection, Endpoint, Event, Fault, Heartbeat, Refusal, Retry, SendError,
    Status, Timer,
};
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_tokio::{Driver, Tls};

use crate::peer::{Act, Peer};

/// What a machine said, owned.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Heard {
    Open,
    Down(Cause),
    Text(String),
    Binary(usize),
}

pub(crate) fn heard(event: Event<'_>) -> Option<Heard> {
    match event {
        Event::Status(Status::Open { .. }) => Some(Heard::Open),
        Event::Status(Status::Down { cause, .. }) => Some(Heard::Down(cause)),
        Event::Status(_) => None,
        Event::Text(text) => Some(Heard::Text(text.into())),
        Event::Binary(bytes) => Some(Heard::Binary(bytes.len())),
    }
}

pub(crate) fn text(text: &str) -> Heard {
    Heard::Text(text.into())
}

/// Settings in which every deadline comes soon.
pub(crate) fn config(address: SocketAddr) -> Config {
    let mut config = Config::new(Endpoint {
        host: address.ip().to_string(),
        port: address.port(),
        tls: false,
        path: "/".into(),
    });
    config.connect = Duration::from_millis(500);
    config.upgrade = Duration::from_millis(200);
    config.close = Duration::from_millis(500);
    config.retry = Retry {
        initial: Duration::from_millis(2),
        cap: Duration::from_millis(5),
        ..config.retry
    };
    config
}

/// A driver of one connection.
pub(crate) fn driver(config: Config, tls: Tls) -> (Driver<Connection>, MachineId) {
    let mut fleet = Fleet::new();
    let id = fleet.add(Connection::new("test", config, [1; 32]).unwrap(), None);
    (Driver::new(fleet, tls), id)
}

pub(crate) fn webpki() -> Tls {
    Tls::webpki().unwrap()
}

/// Runs until something is heard that is to be the last, then stops in good order; everything
/// that was heard.
pub(crate) async fn heard_until(driver: &mut Driver<Connection>, last: Heard) -> Vec<Heard> {
    let mut all = Vec::new();
    driver.start();
    let listening = async {
        while !driver.stopped() {
            let begin = all.len();
            driver.turn(&mut |_, event| all.extend(heard(event))).await;
            if all[begin..].contains(&last) {
                driver.stop();
            }
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(20), listening).await;
    assert!(in_time.is_ok(), "only {all:?}");
    all
}

#[tokio::test]
async fn each_end_of_a_socket_has_its_cause_and_is_followed_by_the_next_dial() {
    let peer = Peer::plain([
        Act::Fin("fin"),
        Act::Torn("torn"),
        Act::Reset("reset"),
        Act::Close("close", 1001),
        Act::Refuse(503),
        Act::Silent,
        Act::Echo("end"),
    ]);
    let (mut driver, _) = driver(config(peer.address), webpki());
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
        Heard::Down(Cause::Refused(Refusal::Status(503, None))),
        Heard::Down(Cause::Lost(Timer::Upgrade)),
        Heard::Open,
        text("end"),
        Heard::Down(Cause::Stopped),
    ];
    assert_eq!(all, expected);
    peer.finished();
}

#[tokio::test]
async fn what_arrives_before_the_end_is_heard_after_a_stop_too() {
    let peer = Peer::plain([Act::Late(5_000)]);
    let (mut driver, _) = driver(config(peer.address), webpki());
    let all = heard_until(&mut driver, text("0")).await;
    let numbers = (0..5_000).map(|number: u32| text(&number.to_string()));
    let expected: Vec<Heard> = [Heard::Open]
        .into_iter()
        .chain(numbers)
        .chain([Heard::Down(Cause::Stopped)])
        .collect();
    assert_eq!(all, expected);
    peer.finished();
}

#[tokio::test]
async fn a_dial_that_fails_says_why() {
    let closed = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap()
    };
    let cases = [
        ("127.0.0.1", closed.port(), Fault::Refused),
        // Broadcast: there is no route for TCP.
        ("255.255.255.255", 9, Fault::Unreachable),
        ("host.invalid", 9, Fault::Resolve),
    ];
    for (host, port, fault) in cases {
        let mut config = config(closed);
        config.endpoint.host = host.into();
        config.endpoint.port = port;
        let (mut driver, _) = driver(config, webpki());
        let down = Heard::Down(Cause::Fault(fault));
        let all = heard_until(&mut driver, down.clone()).await;
        assert_eq!(all.first(), Some(&down), "{host}");
    }
}

#[tokio::test]
async fn a_message_larger_than_every_buffer_goes_out_in_parts_and_comes_in_whole() {
    const SIZE: usize = 12 << 20;
    let peer = Peer::plain([Act::Slow(SIZE)]);
    let mut config = config(peer.address);
    config.transmit = SIZE + 64;
    let (mut driver, id) = driver(config, webpki());
    let mut heard_all = Vec::new();
    driver.start();
    let long = "x".repeat(SIZE);
    let mut waits = true;
    while !driver.stopped() {
        driver
            .turn(&mut |_, event| heard_all.extend(heard(event)))
            .await;
        if waits && heard_all.contains(&Heard::Open) {
            waits = false;
            let now = driver.now();
            let connection = driver.fleet().machine_mut(id).unwrap();
            connection.send_text(now, &long).unwrap();
            assert_eq!(connection.send_text(now, &long), Err(SendError::Full));
        }
        if heard_all.len() == 3 {
            driver.stop();
        }
    }
    let expected = [
        Heard::Open,
        Heard::Binary(SIZE),
        text(&long),
        Heard::Down(Cause::Stopped),
    ];
    assert!(heard_all == expected, "{} events", heard_all.len());
    peer.finished();
}

#[tokio::test]
async fn silence_is_noticed_by_the_core_and_ends_the_socket() {
    let peer = Peer::plain([Act::Mute, Act::Echo("again")]);
    let mut config = config(peer.address);
    config.heartbeat = Heartbeat {
        probe_after: Duration::from_millis(20),
        silence_after: Duration::from_millis(40),
        ..config.heartbeat
    };
    let (mut driver, _) = driver(config, webpki());
    let all = heard_until(&mut driver, text("again")).await;
    let lost = Heard::Down(Cause::Lost(Timer::Silence));
    assert_eq!(all[..3], [Heard::Open, lost, Heard::Open]);
    peer.finished();
}

#[tokio::test]
async fn a_stop_that_ends_a_wait_at_once_is_heard_too_however_often_it_is_repeated() {
    let mut config = config(SocketAddr::from(([255, 255, 255, 255], 9)));
    config.retry.initial = Duration::from_secs(3600);
    config.retry.cap = config.retry.initial;
    let (mut driver, _) = driver(config, webpki());
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        driver
            .turn(&mut |_, event| match event {
                Event::Status(status) => all.push(status),
                Event::Text(_) | Event::Binary(_) => {}
            })
            .await;
        if matches!(all[..], [.., Status::Waiting { .. } | Status::Stopped]) {
            driver.stop();
        }
    }
    assert_eq!(all.last(), Some(&Status::Stopped));
}

#[tokio::test]
async fn a_run_stops_in_good_order_when_asked() {
    let peer = Peer::plain([Act::Echo("welcome")]);
    let (mut driver, _) = driver(config(peer.address), webpki());
    let (welcomed, stop) = tokio::sync::oneshot::channel();
    let (mut welcomed, mut all) = (Some(welcomed), Vec::new());
    driver
        .run(
            |_, event| {
                all.extend(heard(event));
                if all.contains(&text("welcome"))
                    && let Some(welcomed) = welcomed.take()
                {
                    welcomed.send(()).unwrap();
                }
            },
            stop,
        )
        .await;
    let down = Heard::Down(Cause::Stopped);
    assert_eq!(all, [Heard::Open, text("welcome"), down]);
    peer.finished();
}

#[tokio::test]
async fn a_stream_yields_owned_events_and_ends_with_the_last_machine() {
    let peer = Peer::plain([Act::Fin("one"), Act::Echo("two")]);
    let (driver, _) = driver(config(peer.address), webpki());
    let mut events = driver.events(|_, event| heard(event));
    let mut all = Vec::new();
    while let Some(event) = next(&mut events).await {
        if event == text("two") {
            events.driver().stop();
        }
        all.push(event);
    }
    let expected = [
        Heard::Open,
        text("one"),
        Heard::Down(Cause::Eof),
        Heard::Open,
        text("two"),
        Heard::Down(Cause::Stopped),
    ];
    assert_eq!(all, expected);
    assert_eq!(next(&mut events).await, None);
    peer.finished();
}

async fn next<S: futures_core::Stream + Unpin>(stream: &mut S) -> Option<S::Item> {
    std::future::poll_fn(|cx| Pin::new(&mut *stream).poll_next(cx)).await
}

#[tokio::test]
async fn a_handler_that_takes_its_time_costs_no_connection() {
    let peers = [(); 2].map(|()| Peer::plain([Act::Chatter(30)]));
    let mut fleet = Fleet::new();
    let [_, slow] = [0, 1].map(|index: usize| {
        let mut config = config(peers[index].address);
        config.heartbeat.probe_after = Duration::from_millis(400);
        config.heartbeat.silence_after = Duration::from_millis(800);
        fleet.add(Connection::new("test", config, [1; 32]).unwrap(), None)
    });
    let mut driver = Driver::new(fleet, webpki());
    let (mut texts, mut downs) = (0, Vec::new());
    driver.start();
    while !driver.stopped() {
        let listen = &mut |id, event: Event<'_>| match heard(event) {
            Some(Heard::Text(number)) => {
                texts += 1;
                if id == slow && number == "4" {
                    std::thread::sleep(Duration::from_millis(1200));
                }
            }
            Some(Heard::Down(cause)) => downs.push(cause),
            Some(Heard::Open | Heard::Binary(_)) | None => {}
        };
        driver.turn(listen).await;
        if texts == 60 || !downs.is_empty() {
            driver.stop();
        }
    }
    assert_eq!((texts, downs), (60, vec![Cause::Stopped; 2]));
    peers.into_iter().for_each(Peer::finished);
}
