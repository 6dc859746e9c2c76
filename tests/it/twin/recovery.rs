//! A session of the tokio shell against a twin whose TCP or TLS goes wrong: why it says that it
//! is down, that it comes back, and that it never holds more than one socket.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use marketprism::twin::{Fault, Flaw, HandshakeFault, RecordFault};
use marketprism_core::connection::{Cause, Fault as SocketFault, Retry, Status, Timer};
use marketprism_core::fleet::{Fleet, MachineId};
use marketprism_core::market::{Channel, Market, Speed};
use marketprism_core::plan::{Limits, SessionPlan, Wanted, plan};
use marketprism_core::session::{Event, Heard, Session, Settings, StreamState};
use marketprism_tokio::{Driver, Tls};

use super::place::{Place, Transport, run_over};

/// How long a fault lasts that does not end at once.
const SPAN: Duration = Duration::from_millis(700);
/// How long a dial may take; less than the span, so that one that hangs is given up within it.
const CONNECT: Duration = Duration::from_millis(400);

const EOF: Cause = Cause::Eof;
const RESET: Cause = Cause::Fault(SocketFault::Reset);
const TLS: Cause = Cause::Fault(SocketFault::Tls);
const CERTIFICATE: Cause = Cause::Fault(SocketFault::Certificate);
const HANGS: Cause = Cause::Lost(Timer::Connect);

/// A session with the twin, and what it says.
struct Scene {
    place: Place,
    driver: Driver<Session>,
    causes: Vec<Cause>,
}

impl Scene {
    /// Every stream flows.
    async fn streaming(place: Place) -> Self {
        let mut fleet = Fleet::new();
        let plan = plan_for(&place);
        let settings = settings(&plan);
        fleet.add(Session::new(plan, settings, [4; 32]).unwrap(), None);
        let mut scene = Self {
            driver: Driver::new(fleet, trust(&place)),
            place,
            causes: Vec::new(),
        };
        scene.driver.start();
        while !scene.flows() {
            scene.turn().await;
        }
        scene
    }

    async fn turn(&mut self) {
        let causes = &mut self.causes;
        let mut each = |_: MachineId, heard: Heard<'_>| {
            if let Event::Status(Status::Down { cause, .. }) = heard.event {
                causes.push(cause);
            }
        };
        self.place.serve(self.driver.turn(&mut each)).await;
        let held = self.held();
        assert!(held.len() <= 1, "{held:#?}");
    }

    fn flows(&mut self) -> bool {
        let fleet = self.driver.fleet();
        let mut sessions = fleet.ids().filter_map(|id| fleet.machine(id));
        sessions.all(|session| {
            let mut streams = session.subscriptions();
            streams.all(|(_, state)| state == StreamState::Live)
        })
    }

    /// Lets a fault strike and waits until all is as before; returns why the session was down.
    async fn strike(&mut self, fault: Fault) -> Vec<Cause> {
        self.place.server.inject(fault);
        let recovered = |place: &Place| {
            let faults = place.server.ledger().faults();
            !faults.is_empty() && faults.iter().all(|entry| entry.recovered.is_some())
        };
        while !(recovered(&self.place) && self.flows()) {
            self.turn().await;
        }
        std::mem::take(&mut self.causes)
    }

    async fn stop(mut self) {
        self.driver.stop();
        while !self.driver.stopped() {
            self.turn().await;
        }
        self.place.until_live(0).await;
        assert_eq!(self.place.server.ledger().sockets().most, 1);
        assert_eq!(self.held(), [""; 0]);
    }

    fn held(&self) -> Vec<String> {
        held(self.place.server.address().port())
    }
}

fn plan_for(place: &Place) -> SessionPlan {
    let wanted = [Channel::BookTicker, Channel::Depth(Speed::Ms100)].map(|channel| Wanted {
        market: Market::BinanceSpot,
        instrument: "BTCUSDT".to_owned(),
        channel,
    });
    let mut plan = plan(&wanted, Limits::of).unwrap().remove(0);
    plan.endpoint.host = "127.0.0.1".to_owned();
    plan.endpoint.port = place.server.address().port();
    plan.endpoint.tls = place.transport == Transport::Tls;
    plan
}

fn settings(plan: &SessionPlan) -> Settings {
    let mut settings = Settings::of(plan);
    settings.connection.connect = CONNECT;
    settings.connection.retry = Retry {
        initial: Duration::from_millis(20),
        cap: Duration::from_millis(100),
        ..settings.connection.retry
    };
    settings
}

fn trust(place: &Place) -> Tls {
    let name = format!("recovery-{}.pem", place.server.address().port());
    let path = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
    place.certificates.write_authority(&path).unwrap();
    let tls = Tls::ca_file(&path).unwrap();
    fs::remove_file(&path).unwrap();
    tls
}

/// The sockets of this process that lead to a port, whatever their state (Linux; none elsewhere).
fn held(port: u16) -> Vec<String> {
    let own: BTreeSet<String> = fs::read_dir("/proc/self/fd")
        .into_iter()
        .flatten()
        .filter_map(|entry| fs::read_link(entry.ok()?.path()).ok())
        .map(|link| link.display().to_string())
        .collect();
    let to_port = |line: &str| {
        let mut fields = line.split_ascii_whitespace();
        let remote = fields.nth(2)?.ends_with(&format!(":{port:04X}"));
        let inode = fields.nth(6).filter(|_| remote)?.to_owned();
        let is_own = own.contains(&format!("socket:[{inode}]"));
        is_own.then(|| (inode, line.to_owned()))
    };
    let table = fs::read_to_string("/proc/self/net/tcp").unwrap_or_default();
    // The table is read in parts: what moves in it meanwhile can stand in two of them.
    let sockets: BTreeMap<String, String> = table.lines().filter_map(to_port).collect();
    sockets.into_values().collect()
}

/// Strikes a session over this transport. It is down because of `first`, and as long as the
/// fault lasts because of `then`.
fn recovers(transport: Transport, fault: Fault, first: Cause, then: Option<Cause>) {
    run_over(transport, async |place| {
        let mut scene = Scene::streaming(place).await;
        let causes = scene.strike(fault).await;
        let later: BTreeSet<_> = causes
            .iter()
            .skip(1)
            .map(|cause| format!("{cause:?}"))
            .collect();
        let expected = then.map(|cause| format!("{cause:?}"));
        assert_eq!(causes.first(), Some(&first), "{fault} over {transport:?}");
        assert_eq!(
            later,
            expected.into_iter().collect(),
            "{fault} over {transport:?}"
        );
        scene.stop().await;
    });
}

#[test]
fn a_session_outlives_a_far_end_that_resets_whom_it_accepts() {
    for transport in [Transport::Tcp, Transport::Tls] {
        recovers(transport, Fault::ResetOnAccept(SPAN), EOF, Some(RESET));
    }
}

/// Elsewhere the connects do not hang.
#[cfg(target_os = "linux")]
#[test]
fn a_session_outlives_dropped_syns() {
    for transport in [Transport::Tcp, Transport::Tls] {
        recovers(transport, Fault::DroppedSyn(SPAN), RESET, Some(HANGS));
    }
}

#[test]
fn a_session_outlives_a_far_end_that_does_not_read() {
    for transport in [Transport::Tcp, Transport::Tls] {
        recovers(transport, Fault::Unread(SPAN), EOF, None);
    }
}

#[test]
fn a_session_outlives_handshakes_that_go_wrong() {
    for (kind, cause) in [
        (HandshakeFault::Hang, HANGS),
        (HandshakeFault::HangMidway, HANGS),
        (HandshakeFault::Cut, TLS),
        (HandshakeFault::PlainHttp, TLS),
        (HandshakeFault::Certificate(Flaw::WrongName), CERTIFICATE),
        (HandshakeFault::Certificate(Flaw::Expired), CERTIFICATE),
        (
            HandshakeFault::Certificate(Flaw::UnknownAuthority),
            CERTIFICATE,
        ),
    ] {
        recovers(
            Transport::Tls,
            Fault::Handshake(kind, SPAN),
            EOF,
            Some(cause),
        );
    }
}

#[test]
fn a_session_outlives_records_that_go_wrong() {
    for (kind, cause) in [
        (RecordFault::Cut, EOF),
        (RecordFault::Corrupt, TLS),
        (RecordFault::Garbage, TLS),
        (RecordFault::Alert, TLS),
        (RecordFault::CloseNotify, EOF),
    ] {
        recovers(Transport::Tls, Fault::Record(kind), cause, None);
    }
}
