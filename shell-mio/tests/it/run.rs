//! What only this shell offers: a loop that other threads wake and stop.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::channel;
use std::thread;

use marketprism_core::connection::{Cause, Connection};
use marketprism_core::fleet::Fleet;
use marketprism_mio::Driver;
use marketprism_shell_tests::heard::{Heard, config, connection, heard, text, webpki};
use marketprism_shell_tests::peer::{Act, Peer};
use marketprism_shell_tests::within_a_minute;

fn driver(address: SocketAddr) -> Driver<Connection> {
    let mut fleet = Fleet::new();
    fleet.add(connection(config(address)), None);
    Driver::new(fleet, webpki()).unwrap()
}

#[test]
fn a_run_stops_in_good_order_when_another_thread_asks() {
    within_a_minute(|| {
        let peer = Peer::plain([Act::Echo("welcome")]);
        let mut driver = driver(peer.address);
        let stopper = driver.stopper();
        let (welcomed, welcome) = channel();
        let stopping = thread::spawn(move || {
            welcome.recv().unwrap();
            stopper.stop().unwrap();
        });
        let mut all = Vec::new();
        driver
            .run(|_, event| {
                all.extend(heard(event));
                if all.last() == Some(&text("welcome")) {
                    welcomed.send(()).unwrap();
                }
            })
            .unwrap();
        let down = Heard::Down(Cause::Stopped);
        assert_eq!(all, [Heard::Open, text("welcome"), down]);
        stopping.join().unwrap();
        peer.finished();
    });
}

#[test]
fn a_run_that_was_asked_to_stop_before_it_began_dials_nobody() {
    within_a_minute(|| {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let mut driver = driver(listener.local_addr().unwrap());
        driver.stopper().stop().unwrap();
        let mut all = Vec::new();
        driver.run(|_, event| all.extend(heard(event))).unwrap();
        assert_eq!(all, [Heard::Down(Cause::Stopped)]);
        listener.set_nonblocking(true).unwrap();
        let nobody = listener.accept().map_err(|error| error.kind());
        assert_eq!(nobody.unwrap_err(), ErrorKind::WouldBlock);
    });
}

#[test]
fn a_bell_ends_the_wait_however_early_it_rings() {
    within_a_minute(|| {
        // Nothing is dialled: nothing else would ever end a wait.
        let mut driver = Driver::<Connection>::new(Fleet::new(), webpki()).unwrap();
        let bell = driver.bell();
        bell.ring().unwrap();
        driver.turn(&mut |_, _| {}).unwrap();
        let (waiting, waits) = channel();
        let ringing = thread::spawn(move || {
            for () in waits {
                bell.ring().unwrap();
            }
        });
        for _ in 0..1000 {
            waiting.send(()).unwrap();
            driver.turn(&mut |_, _| {}).unwrap();
        }
        drop(waiting);
        ringing.join().unwrap();
    });
}
