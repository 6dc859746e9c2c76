//! Logging in: for whom it is needed, when it is asked for, and what comes of one that fails.

use std::collections::BTreeSet;
use std::time::Duration;

use marketprism_core::connection::{Action, Epoch, Input, Quota};
use marketprism_core::market::Market;
use marketprism_core::session::{Session, Settings, StreamState};
use marketprism_core::tap::{Given, Tap, Tapped};
use marketprism_core::venue::{Challenge, Unsigned};
use marketprism_core::ws::{Item, Limits, Server, ServerEvent};
use marketprism_core::{Machine, ReceiveBuffer, Time, UnixNanos};

use crate::session_world::{World, plan_of, seconds};
use crate::sim::End;

const OPEN: &str = "BTC-USDT trades";
const CLOSED: [&str; 2] = ["BTC-USDT books-l2-tbt", "BTC-USDT books50-l2-tbt"];
const LOGIN: &str =
    r#"{"op":"login","args":[{"apiKey":"KEY","passphrase":"HUSH","timestamp":"7","sign":"S"}]}"#;

fn world() -> World {
    let channels = ["trades", "books-l2-tbt", "books50-l2-tbt"];
    let mut world = World::new(Market::Okx, &["BTC-USDT"], &channels);
    world.sim.signature = Ok(LOGIN.into());
    world
}

fn state(world: &World, stream: &str) -> StreamState {
    world.states()[stream]
}

#[test]
fn streams_that_need_a_login_are_asked_for_behind_it_and_the_others_at_once() {
    let mut world = world();
    world.start();
    world.run(seconds(5));
    world.expect_all_live();
    let account = &world.exchange().account;
    let [(1, login)] = account.logins[..] else {
        panic!("{:?}", account.logins);
    };
    let [first, second] = &account.requests[..] else {
        panic!("{:?}", account.requests);
    };
    assert_eq!(first.streams, ["trades:BTC-USDT"]);
    assert!(first.at <= login && login < second.at);
    let asked: BTreeSet<_> = second.streams.iter().map(String::as_str).collect();
    assert_eq!(
        asked,
        BTreeSet::from(["books-l2-tbt:BTC-USDT", "books50-l2-tbt:BTC-USDT"])
    );
    assert_eq!(world.gaps(), []);
}

#[test]
fn nobody_is_asked_for_a_signature_that_no_stream_needs() {
    let mut world = World::new(Market::Okx, &["BTC-USDT"], &["trades", "books"]);
    world.sim.signature = Ok(LOGIN.into());
    world.start();
    world.run(seconds(5));
    world.expect_all_live();
    assert_eq!(world.exchange().account.logins, []);
}

#[test]
fn each_connection_logs_in_for_itself() {
    let mut world = world();
    world.start();
    world.run(seconds(5));
    world.exchange().cut(End::Fin);
    world.run(seconds(10));
    world.expect_all_live();
    let logins = world.exchange().account.logins.iter();
    let connections: Vec<_> = logins.map(|(connection, _)| *connection).collect();
    assert_eq!(connections, [1, 2]);
}

#[test]
fn a_login_that_fails_harms_no_other_stream_and_is_tried_again() {
    let refusals = [
        Some(r#"{"event":"error","code":"60009","msg":"Login failed.","connId":"a"}"#),
        Some(r#"{"event":"error","code":"60005","msg":"Invalid apiKey","connId":"a"}"#),
        Some(
            r#"{"event":"error","code":"60023","msg":"Bulk login requests too frequent","connId":"a"}"#,
        ),
        None,
    ];
    for refusal in refusals {
        let mut world = world();
        world.exchange().wrongs.login = Some(refusal);
        world.start();
        world.run(seconds(20));
        assert_eq!(state(&world, OPEN), StreamState::Live, "{refusal:?}");
        for stream in CLOSED {
            assert_eq!(world.steps(stream), ["refused"], "{refusal:?}");
        }
        let asked = world.exchange().account.requests.len();
        assert_eq!(asked, 1, "nothing is asked for without a login");
        world.exchange().wrongs.login = None;
        world.run(
            Settings::of(&plan_of(Market::Okx, &["BTC-USDT"], &["trades"]))
                .timing
                .quarantine,
        );
        world.expect_all_live();
        assert_eq!(world.exchange().account.logins.len(), 2);
    }
}

#[test]
fn what_nobody_signs_is_refused_in_plain_words() {
    let mut world = world();
    world.sim.signature = Err(Unsigned);
    world.start();
    world.run(seconds(5));
    assert_eq!(state(&world, OPEN), StreamState::Live);
    for stream in CLOSED {
        assert_eq!(state(&world, stream), StreamState::Refused);
    }
    let said = format!("{:?}", world.said);
    assert!(said.contains("nobody has signed the login"), "{said}");
    assert_eq!(world.exchange().account.logins, []);
}

#[test]
fn one_who_is_logged_in_already_is_logged_in() {
    let mut world = world();
    let repeated = r#"{"event":"error","code":"60031","msg":"The WebSocket endpoint does not allow multiple or repeated logins.","connId":"a"}"#;
    world.exchange().wrongs.login = Some(Some(repeated));
    world.start();
    world.run(seconds(5));
    world.expect_all_live();
}

#[test]
fn a_login_that_finds_the_quota_spent_is_signed_anew_and_not_refused() {
    let channels = ["trades", "books-l2-tbt"];
    let mut world = World::with(Market::Okx, &["BTC-USDT"], &channels, |settings| {
        settings.connection.messages = Some(Quota {
            count: 2,
            per: seconds(2),
        });
    });
    world.sim.signature = Ok(LOGIN.into());
    world.start();
    world.run(seconds(20));
    world.expect_all_live();
    assert_eq!(
        world.steps("BTC-USDT books-l2-tbt"),
        ["requested", "confirmed", "live"]
    );
    assert_eq!(world.exchange().account.logins.len(), 1);
}

/// A session that is open and has asked for a signature, and the server at its other end.
struct Pair {
    session: Tapped<Session, Ear>,
    server: Server,
    rx: ReceiveBuffer,
    epoch: Epoch,
}

/// Keeps every byte that it is told was written, and the sizes of what it was told was signed.
#[derive(Debug, Default)]
struct Ear {
    written: Vec<u8>,
    kept_back: usize,
    signed: Vec<Result<usize, Unsigned>>,
}

impl Tap<Session> for Ear {
    fn given(&mut self, given: Given<'_>) {
        match given {
            Given::Transmitted {
                bytes: Some(bytes), ..
            } => self.written.extend(bytes),
            Given::Transmitted { count, .. } => self.kept_back += count,
            Given::Signed { answer, .. } => self.signed.push(answer),
            Given::Input { .. }
            | Given::Received { .. }
            | Given::Granted { .. }
            | Given::Fetched { .. }
            | Given::Drained { .. } => {}
        }
    }

    fn action(&mut self, _: Action) {}

    fn event(&mut self, _: &marketprism_core::session::Heard<'_>) {}

    fn settled(&mut self, _: &Session) {}
}

const NOW: Time = Time::from_nanos(1);

impl Pair {
    fn open() -> Self {
        let plan = plan_of(Market::Okx, &["BTC-USDT"], &["trades", "books-l2-tbt"]);
        let settings = Settings::of(&plan);
        let session = Session::new(plan, settings, [7; 32]).unwrap();
        let mut session = Tapped::new(session, Ear::default());
        session.handle(NOW, Input::Start);
        let Some(Action::Dial(epoch)) = session.poll_action() else {
            panic!("it dials");
        };
        session.handle(NOW, Input::Dialed(epoch));
        let mut pair = Self {
            session,
            server: Server::new(Limits::DEFAULT, 1 << 16, None),
            rx: ReceiveBuffer::with_capacity(1 << 16),
            epoch,
        };
        pair.write();
        assert!(matches!(pair.next(), Some(Heard::Request)));
        pair.server.accept(None).unwrap();
        pair.answer();
        assert_eq!(pair.session.poll_action(), Some(Action::Sign(epoch)));
        pair
    }

    /// Everything that the session wants written reaches the server.
    fn write(&mut self) {
        while !self.session.transmit().is_empty() {
            let len = self.session.transmit().len();
            self.rx.spare()[..len].copy_from_slice(self.session.transmit());
            self.rx.commit(len);
            self.session.transmitted(NOW, len);
        }
    }

    fn next(&mut self) -> Option<Heard> {
        match self.server.next(&mut self.rx).unwrap()? {
            ServerEvent::Request(_) => Some(Heard::Request),
            ServerEvent::Item(Item::Text(text)) => Some(Heard::Text(text.to_owned())),
            ServerEvent::Item(item) => panic!("{item:?}"),
        }
    }

    /// Everything that the server wants written reaches the session.
    fn answer(&mut self) {
        let mut rx = ReceiveBuffer::with_capacity(1 << 16);
        let len = self.server.transmit().len();
        rx.spare()[..len].copy_from_slice(self.server.transmit());
        rx.commit(len);
        self.server.transmitted(len);
        let received = UnixNanos::from_nanos(1);
        self.session.receive(NOW, received, &mut rx, &mut |_| {});
    }
}

enum Heard {
    Request,
    Text(String),
}

#[test]
fn a_signature_reaches_the_venue_and_nobody_else() {
    let mut pair = Pair::open();
    pair.write();
    assert_eq!(pair.session.challenge(), Some(Challenge::OkxLogin));
    pair.session.signed(NOW, pair.epoch, Ok(LOGIN));
    assert_eq!(pair.session.challenge(), None);
    let shown = format!("{:?}", pair.session);
    assert!(!shown.contains("HUSH"));
    // Whoever has the masked bytes has the key beside them.
    let frame = format!("{:?}", pair.session.transmit());
    assert!(!shown.contains(frame.trim_matches(['[', ']'])), "{shown}");
    pair.write();
    let mut texts = Vec::new();
    while let Some(Heard::Text(text)) = pair.next() {
        texts.push(text);
    }
    assert_eq!(texts.last().map(String::as_str), Some(LOGIN));
    let ear = pair.session.tap();
    assert_eq!(ear.signed, [Ok(LOGIN.len())]);
    assert_eq!(
        ear.kept_back,
        LOGIN.len() + 6 + 2 * usize::from(LOGIN.len() > 125)
    );
    let before = ear.written.len();
    // What comes after it may be told again.
    pair.server
        .queue()
        .text(r#"{"event":"login","code":"0","msg":"","connId":"a"}"#)
        .unwrap();
    pair.answer();
    pair.write();
    assert!(pair.session.tap().written.len() > before);
}

#[test]
fn a_signature_that_nobody_awaits_is_thrown_away() {
    let mut pair = Pair::open();
    pair.write();
    pair.session.handle(NOW, Input::Eof(pair.epoch));
    assert_eq!(pair.session.challenge(), None);
    pair.session.signed(NOW, pair.epoch, Ok(LOGIN));
    assert_eq!(pair.session.transmit(), b"");
    let mut other = Pair::open();
    other.write();
    other.session.signed(NOW, Epoch::default(), Ok(LOGIN));
    assert_eq!(other.session.transmit(), b"");
    other.session.signed(NOW, other.epoch, Ok(LOGIN));
    other.write();
    other.session.signed(NOW, other.epoch, Ok(LOGIN));
    assert_eq!(other.session.transmit(), b"", "once is enough");
}

#[test]
fn a_signature_that_never_comes_is_given_up() {
    let mut pair = Pair::open();
    pair.write();
    let Some((at, _)) = pair.session.poll_timeout() else {
        panic!("it would wait for ever");
    };
    assert!(at.since(NOW) <= Duration::from_secs(10));
    let mut now = at;
    while pair.session.challenge().is_some() {
        pair.session.handle(now, Input::Timeout);
        now = pair.session.poll_timeout().map_or(now, |(at, _)| at);
        assert!(now.since(NOW) <= Duration::from_secs(60));
    }
}
