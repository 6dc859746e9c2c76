//! The driver over loopback, against a far end that plays one act for each connection.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::io::{self, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use marketprism_core::ReceiveBuffer;
use marketprism_core::connection::{
    Cause, Config, Connection, Endpoint, Event, Fault, Retry, Status, Timer,
};
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::ws::{Item, Limits, Server, ServerEvent};
use marketprism_mio::Driver;

/// How one connection goes, once it is accepted.
#[derive(Clone, Copy, Debug)]
enum Act {
    /// Never answers.
    Silent,
    /// Says this and ends the stream.
    Fin(&'static str),
    /// Says this and echoes until the client closes.
    Echo(&'static str),
    /// Says something every 50 ms, so many times, and waits for the client to close.
    Chatter(u32),
    /// Says more than anybody can take in, for as long as the socket lives.
    Flood,
}

fn peer(acts: impl Into<Vec<Act>>) -> (SocketAddr, JoinHandle<io::Result<()>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let acts = acts.into();
    let thread = thread::spawn(move || {
        let mut earlier = Vec::new();
        for act in acts {
            let (stream, _) = listener.accept()?;
            earlier.iter().for_each(assert_closed);
            earlier.push(stream.try_clone()?);
            played(act, stream)?;
        }
        Ok(())
    });
    (address, thread)
}

/// Panics unless the client has closed its end: it does before it dials again.
fn assert_closed(mut stream: &TcpStream) {
    stream.set_nonblocking(true).unwrap();
    let mut rest = [0; 4096];
    while let Ok(1..) = stream.read(&mut rest) {}
    let end = stream.read(&mut rest).map_err(|error| error.kind());
    assert_ne!(end, Err(ErrorKind::WouldBlock), "two sockets at once");
}

fn played(act: Act, mut stream: TcpStream) -> io::Result<()> {
    let mut server = Server::new(Limits::DEFAULT, 16 << 20, None);
    let mut rx = ReceiveBuffer::with_capacity(16 << 10);
    loop {
        flush(&mut server, &mut stream)?;
        if server.is_over() {
            return stream.shutdown(Shutdown::Write);
        }
        let count = stream.read(rx.spare())?;
        if count == 0 {
            return Ok(());
        }
        rx.commit(count);
        while let Some(event) = server.next(&mut rx).map_err(io::Error::other)? {
            match (event, act) {
                (ServerEvent::Request(_), Act::Silent) => return wait_for_the_end(stream),
                (ServerEvent::Request(_), Act::Chatter(times)) => {
                    server.accept(None).unwrap();
                    for number in 0..times {
                        server.queue().text(&number.to_string()).unwrap();
                        flush(&mut server, &mut stream)?;
                        thread::sleep(Duration::from_millis(50));
                    }
                }
                (ServerEvent::Request(_), Act::Flood) => {
                    server.accept(None).unwrap();
                    return flood(&mut server, &mut stream);
                }
                (ServerEvent::Request(_), Act::Fin(text) | Act::Echo(text)) => {
                    server.accept(None).unwrap();
                    server.queue().text(text).unwrap();
                    if let Act::Fin(_) = act {
                        flush(&mut server, &mut stream)?;
                        return stream.shutdown(Shutdown::Write);
                    }
                }
                (ServerEvent::Item(Item::Text(text)), _) => {
                    let text = text.to_owned();
                    server.queue().text(&text).unwrap();
                }
                (ServerEvent::Item(_), _) => {}
            }
        }
    }
}

fn flush(server: &mut Server, stream: &mut TcpStream) -> io::Result<()> {
    while !server.transmit().is_empty() {
        let count = stream.write(server.transmit())?;
        server.transmitted(count);
    }
    Ok(())
}

/// Ends, by an error of the system, when the client has closed.
fn flood(server: &mut Server, stream: &mut TcpStream) -> io::Result<()> {
    flush(server, stream)?;
    for _ in 0..10_000 {
        server.queue().text("more").unwrap();
    }
    while stream.write_all(server.transmit()).is_ok() {}
    Ok(())
}

fn wait_for_the_end(mut stream: TcpStream) -> io::Result<()> {
    let mut rest = [0; 4096];
    while stream.read(&mut rest)? > 0 {}
    Ok(())
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Heard {
    Open,
    Down(Cause),
    Text(String),
}

fn heard(event: Event<'_>) -> Option<Heard> {
    match event {
        Event::Status(Status::Open { .. }) => Some(Heard::Open),
        Event::Status(Status::Down { cause, .. }) => Some(Heard::Down(cause)),
        Event::Text(text) => Some(Heard::Text(text.into())),
        Event::Status(_) | Event::Binary(_) => None,
    }
}

fn driver(address: SocketAddr) -> (Driver<Connection>, MachineId) {
    let mut fleet = Fleet::new();
    let id = fleet.add(connection(address), None);
    (Driver::new(fleet).unwrap(), id)
}

fn connection(address: SocketAddr) -> Connection {
    let mut config = Config::new(Endpoint {
        host: address.ip().to_string(),
        port: address.port(),
        tls: false,
        path: "/".into(),
    });
    config.upgrade = Duration::from_millis(100);
    config.close = Duration::from_millis(500);
    config.transmit = 8 << 20;
    config.retry = Retry {
        initial: Duration::from_millis(2),
        cap: Duration::from_millis(5),
        ..config.retry
    };
    config.heartbeat.probe_after = Duration::from_millis(400);
    config.heartbeat.silence_after = Duration::from_millis(800);
    Connection::new("test", config, [1; 32]).unwrap()
}

/// A driver of one connection to each of these, and their ids.
fn driver_of_two(addresses: [SocketAddr; 2]) -> (Driver<Connection>, [MachineId; 2]) {
    let mut fleet = Fleet::new();
    let ids = addresses.map(|address| fleet.add(connection(address), None));
    (Driver::new(fleet).unwrap(), ids)
}

#[test]
fn a_socket_that_always_has_more_does_not_starve_another() {
    let ((one, flooding), (two, chatting)) = (peer([Act::Flood]), peer([Act::Chatter(5)]));
    let (mut driver, [_, modest]) = driver_of_two([one, two]);
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        driver
            .turn(&mut |id, event| all.extend(heard(event).filter(|_| id == modest)))
            .unwrap();
        // The sixth is the last number, or the end for lack of it.
        if all.len() >= 6 || matches!(all[..], [.., Heard::Down(_)]) {
            driver.stop();
        }
    }
    let numbers = (0..5).map(|number: u32| Heard::Text(number.to_string()));
    let mut expected = vec![Heard::Open];
    expected.extend(numbers);
    expected.push(Heard::Down(Cause::Stopped));
    assert_eq!(all, expected);
    flooding.join().unwrap().unwrap();
    chatting.join().unwrap().unwrap();
}

#[test]
fn a_handler_that_takes_its_time_costs_no_connection() {
    let ((one, first), (two, second)) = (peer([Act::Chatter(30)]), peer([Act::Chatter(30)]));
    let (mut driver, [_, slow]) = driver_of_two([one, two]);
    let (mut texts, mut downs) = (0, Vec::new());
    driver.start();
    while !driver.stopped() {
        driver
            .turn(&mut |id, event| match heard(event) {
                Some(Heard::Text(number)) => {
                    texts += 1;
                    if id == slow && number == "4" {
                        thread::sleep(Duration::from_millis(1200));
                    }
                }
                Some(Heard::Down(cause)) => downs.push(cause),
                Some(Heard::Open) | None => {}
            })
            .unwrap();
        if texts == 60 || !downs.is_empty() {
            driver.stop();
        }
    }
    assert_eq!((texts, downs), (60, vec![Cause::Stopped; 2]));
    first.join().unwrap().unwrap();
    second.join().unwrap().unwrap();
}

#[test]
fn each_end_of_a_socket_has_its_cause_and_is_followed_by_the_next_dial() {
    let (address, peer) = peer([Act::Fin("fin"), Act::Silent, Act::Echo("end")]);
    let (mut driver, _) = driver(address);
    let stopper = driver.stopper();
    let mut all = Vec::new();
    driver
        .run(|_, event| {
            all.extend(heard(event));
            if all.last() == Some(&Heard::Text("end".into())) {
                stopper.stop().unwrap();
            }
        })
        .unwrap();
    let expected = [
        Heard::Open,
        Heard::Text("fin".into()),
        Heard::Down(Cause::Eof),
        Heard::Down(Cause::Lost(Timer::Upgrade)),
        Heard::Open,
        Heard::Text("end".into()),
        Heard::Down(Cause::Stopped),
    ];
    assert_eq!(all, expected);
    peer.join().unwrap().unwrap();
}

#[test]
fn a_message_larger_than_every_buffer_goes_out_in_parts_and_comes_in_whole() {
    let (address, peer) = peer([Act::Echo("welcome")]);
    let (mut driver, id) = driver(address);
    let long = "x".repeat(6 << 20);
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        let before = all.len();
        driver
            .turn(&mut |_, event| all.extend(heard(event)))
            .unwrap();
        if all[before..].contains(&Heard::Open) {
            let now = driver.now();
            let connection = driver.fleet().machine_mut(id).unwrap();
            connection.send_text(now, &long).unwrap();
        }
        if all.len() == 3 {
            driver.stop();
        }
    }
    assert!(all[2] == Heard::Text(long));
    assert_eq!(all[3..], [Heard::Down(Cause::Stopped)]);
    peer.join().unwrap().unwrap();
}

#[test]
fn a_port_where_nobody_listens_refuses_and_the_stop_of_a_wait_is_heard() {
    let address = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let (mut driver, _) = driver(address);
    let mut all = Vec::new();
    driver.start();
    while !driver.stopped() {
        driver
            .turn(&mut |_, event| {
                if let Event::Status(status) = event {
                    all.push(status);
                }
            })
            .unwrap();
        if matches!(all[..], [.., Status::Waiting { .. } | Status::Stopped]) {
            driver.stop();
        }
    }
    let down = Cause::Fault(Fault::Refused);
    assert!(matches!(all[1], Status::Down { cause, .. } if cause == down));
    assert_eq!(all.last(), Some(&Status::Stopped));
}
