//! The reconnecting client over real sockets, against a far end that misbehaves.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};
use std::time::{Duration, Instant};

use marketprism_core::Machine;
use marketprism_core::connection::{
    Cause, Config, Event, Fault, Heartbeat, Input, Phase, Refusal, SendError, Status, Timer,
};
use marketprism_core::fleet::Fleet;
use marketprism_shell::Tls;

use crate::descriptors::sockets_to;
use crate::heard::{Heard, config, connection, driver, heard, heard_until, text, webpki};
use crate::peer::{Act, Peer};
use crate::pipe::Pipe;
use crate::{Drive, Shell};

pub fn each_end_of_a_socket_has_its_cause_and_is_followed_by_the_next_dial<S: Shell>() {
    let peer = Peer::plain([
        Act::Fin("fin"),
        Act::Torn("torn"),
        Act::Reset("reset"),
        Act::Close("close", 1001),
        Act::Refuse(503),
        Act::Silent,
        Act::Echo("end"),
    ]);
    let (mut driver, _) = driver::<S>(config(peer.address), webpki());
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
        Heard::Down(Cause::Refused(Refusal::Status(503, None))),
        Heard::Down(Cause::Lost(Timer::Upgrade)),
        Heard::Open,
        text("end"),
        Heard::Down(Cause::Stopped),
    ];
    assert_eq!(all, expected);
    peer.finished();
}

pub fn what_arrives_before_the_end_is_heard_after_a_stop_too<S: Shell>() {
    let peer = Peer::plain([Act::Late(5_000)]);
    let (mut driver, _) = driver::<S>(config(peer.address), webpki());
    let all = heard_until(&mut driver, &text("0"));
    let numbers = (0..5_000).map(|number: u32| text(&number.to_string()));
    let expected: Vec<Heard> = [Heard::Open]
        .into_iter()
        .chain(numbers)
        .chain([Heard::Down(Cause::Stopped)])
        .collect();
    assert_eq!(all, expected);
    peer.finished();
}

pub fn a_dial_that_fails_says_why<S: Shell>() {
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
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
        let (mut driver, _) = driver::<S>(config, webpki());
        let down = Heard::Down(Cause::Fault(fault));
        let all = heard_until(&mut driver, &down.clone());
        assert_eq!(all.first(), Some(&down), "{host}");
    }
}

pub fn a_message_larger_than_every_buffer_goes_out_in_parts_and_comes_in_whole<S: Shell>() {
    const SIZE: usize = 12 << 20;
    let peer = Peer::plain([Act::Slow(SIZE)]);
    let mut config = config(peer.address);
    config.transmit = SIZE + 64;
    let (mut driver, id) = driver::<S>(config, webpki());
    let mut heard_all = Vec::new();
    driver.start();
    let long = "x".repeat(SIZE);
    let mut waits = true;
    while !driver.stopped() {
        driver.turn(&mut |_, event| heard_all.extend(heard(event)));
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

pub fn silence_is_noticed_by_the_core_and_ends_the_socket<S: Shell>() {
    let peer = Peer::plain([Act::Mute, Act::Echo("again")]);
    let mut config = config(peer.address);
    config.heartbeat = Heartbeat {
        probe_after: Duration::from_millis(200),
        silence_after: Duration::from_millis(400),
        ..config.heartbeat
    };
    let (mut driver, _) = driver::<S>(config, webpki());
    let all = heard_until(&mut driver, &text("again"));
    let lost = Heard::Down(Cause::Lost(Timer::Silence));
    assert_eq!(all[..3], [Heard::Open, lost, Heard::Open]);
    peer.finished();
}

pub fn a_stop_that_ends_a_wait_at_once_is_heard_too_however_often_it_is_repeated<S: Shell>() {
    let mut config = config(SocketAddr::from(([255, 255, 255, 255], 9)));
    config.retry.initial = Duration::from_secs(3600);
    config.retry.cap = config.retry.initial;
    let (mut driver, _) = driver::<S>(config, webpki());
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        driver.turn(&mut |_, event| match event {
            Event::Status(status) => all.push(status),
            Event::Text(_) | Event::Binary(_) => {}
        });
        if matches!(all[..], [.., Status::Waiting { .. } | Status::Stopped]) {
            driver.stop();
        }
    }
    assert_eq!(all.last(), Some(&Status::Stopped));
}

pub fn a_handler_that_takes_its_time_costs_no_connection<S: Shell>() {
    let peers = [(); 2].map(|()| Peer::plain([Act::Chatter(30)]));
    let mut fleet = Fleet::new();
    let [_, slow] = [0, 1].map(|index: usize| {
        let mut config = config(peers[index].address);
        config.heartbeat.probe_after = Duration::from_millis(400);
        config.heartbeat.silence_after = Duration::from_millis(800);
        fleet.add(connection(config), None)
    });
    let mut driver = S::Driver::new(fleet, webpki());
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
        driver.turn(listen);
        if texts == 60 || !downs.is_empty() {
            driver.stop();
        }
    }
    assert_eq!((texts, downs), (60, vec![Cause::Stopped; 2]));
    peers.into_iter().for_each(Peer::finished);
}

pub fn a_socket_that_always_has_more_does_not_starve_another<S: Shell>() {
    let peers = FLOOD.map(|act| Peer::plain([act]));
    let configs = peers.each_ref().map(|peer| config(peer.address));
    the_second_is_heard::<S>(configs, webpki());
    peers.into_iter().for_each(Peer::finished);
}

/// One that always has more, and a modest one.
pub(crate) const FLOOD: [Act; 2] = [Act::Flood("more"), Act::Chatter(5)];

/// Panics unless all of the second's numbers are heard, and in time.
pub(crate) fn the_second_is_heard<S: Shell>(configs: [Config; 2], tls: Tls) {
    let mut fleet = Fleet::new();
    let [_, modest] = configs.map(|config| fleet.add(connection(config), None));
    let mut driver = S::Driver::new(fleet, tls);
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        driver.turn(&mut |id, event| all.extend(heard(event).filter(|_| id == modest)));
        // The sixth is the last number, or the end for lack of it.
        if all.len() >= 6 || matches!(all[..], [.., Heard::Down(_)]) {
            driver.stop();
        }
    }
    let numbers = (0..5).map(|number: u32| text(&number.to_string()));
    let mut expected = vec![Heard::Open];
    expected.extend(numbers);
    expected.push(Heard::Down(Cause::Stopped));
    assert_eq!(all, expected);
}

pub fn a_machine_that_joins_later_is_served_too<S: Shell>() {
    let peers = ["early", "late"].map(|text| Peer::plain([Act::Echo(text)]));
    let (mut driver, _) = driver::<S>(config(peers[0].address), webpki());
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        let begin = all.len();
        driver.turn(&mut |_, event| all.extend(heard(event)));
        if all[begin..].contains(&text("early")) {
            let late = connection(config(peers[1].address));
            let id = driver.fleet().add(late, None);
            driver.handle(id, Input::Start);
        }
        if all[begin..].contains(&text("late")) {
            driver.stop();
        }
    }
    peers.into_iter().for_each(Peer::finished);
}

pub fn what_is_released_has_no_descriptor_any_more<S: Shell>() {
    let peer = Peer::plain(ENDS);
    descriptors_are_closed::<S>(peer.address, config(peer.address), webpki());
    peer.finished();
}

/// One of each way in which a socket can end.
pub(crate) const ENDS: [Act; 7] = [
    Act::Fin("fin"),
    Act::Torn("torn"),
    Act::Reset("reset"),
    Act::Close("close", 1001),
    Act::Garbage("garbage"),
    Act::Silent,
    Act::Echo("end"),
];

/// Panics if there is ever a socket without a live one in the machine, or more than one.
pub(crate) fn descriptors_are_closed<S: Shell>(peer: SocketAddr, config: Config, tls: Tls) {
    let (mut driver, id) = driver::<S>(config, tls);
    driver.start();
    while !driver.stopped() {
        let mut all = Vec::new();
        driver.turn(&mut |_, event| all.extend(heard(event)));
        let live = driver.fleet().machine(id).unwrap().epoch().is_some();
        let held = sockets_to(peer).unwrap_or(0);
        assert!(held <= usize::from(live), "{held} sockets after {all:?}");
        if all.contains(&text("end")) {
            driver.stop();
        }
    }
}

pub fn the_core_is_told_when_its_deadline_has_passed_and_not_earlier<S: Shell>() {
    let peer = Peer::plain([Act::Silent]);
    let period = Duration::from_millis(50);
    let mut fleet = Fleet::new();
    let id = fleet.add(Pipe::ticking(period).to(peer.address), None);
    let mut driver = S::Driver::new(fleet, webpki());
    let begin = Instant::now();
    driver.start();
    while driver.fleet().machine(id).unwrap().ticks < 3 {
        driver.turn(&mut |_, _| {});
    }
    assert!(begin.elapsed() >= period * 3);
    driver.stop();
    while !driver.stopped() {
        driver.turn(&mut |_, _| {});
    }
    peer.finished();
}

pub fn a_deadline_is_not_held_against_a_socket_that_has_not_been_asked<S: Shell>() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let period = Duration::from_secs(1);
    let mut fleet = Fleet::new();
    let id = fleet.add(
        Pipe::ticking(period).to(listener.local_addr().unwrap()),
        None,
    );
    let mut driver = S::Driver::new(fleet, webpki());
    let mut count = 0;
    driver.start();
    while driver.fleet().machine(id).unwrap().phase() != Phase::Open {
        driver.turn(&mut |_, _| {});
    }
    let (mut far, _) = listener.accept().unwrap();
    far.write_all(b"one").unwrap();
    while count < 3 {
        driver.turn(&mut |_, bytes| count += bytes.len());
    }
    // The deadline passes while nobody looks, and what puts it off has arrived.
    far.write_all(b"two").unwrap();
    std::thread::sleep(period + period / 2);
    while count < 6 {
        driver.turn(&mut |_, bytes| count += bytes.len());
    }
    assert_eq!(driver.fleet().machine(id).unwrap().ticks, 0);
}
