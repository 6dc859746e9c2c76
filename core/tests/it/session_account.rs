//! Streams of accounts: what opens them, what keeps them open, and what is told when that fails.

use std::time::Duration;

use marketprism_core::connection::{Action, Cause, FetchId, Input, Phase, Status, Timer};
use marketprism_core::market::Market;
use marketprism_core::rest::{Answer, Credential, FetchFault, Method};
use marketprism_core::session::{Access, Change, Event, Heard, Session, Settings};
use marketprism_core::venue::{Challenge, Unsigned};
use marketprism_core::ws::{Item, Limits, Server, ServerEvent};
use marketprism_core::{Machine, ReceiveBuffer, Time, UnixNanos};

use crate::session_world::plan_of;

/// What stands for a key in these tests.
const KEY: &str = "pqia91ma19a5s61cv6a81va65sdf19v8";
const MINUTE: Duration = Duration::from_secs(60);
/// The venue's words after a key was got or renewed, as the core sees them.
const STRUCK: &str = r#"{"listenKey":"********************************"}"#;

/// A session whose network, signer and REST interface are the test.
struct Line {
    session: Session,
    server: Option<Server>,
    now: Time,
    signer: fn(Challenge) -> Result<String, Unsigned>,
    /// What was asked to be signed.
    challenges: Vec<Challenge>,
    /// Targets of upgrade requests, and texts that were sent.
    asked: Vec<String>,
    /// Requests over REST that wait for an answer.
    fetches: Vec<(FetchId, Method)>,
    said: Vec<String>,
}

fn signer(challenge: Challenge) -> Result<String, Unsigned> {
    match challenge == Challenge::Target {
        true => Ok(KEY.to_owned()),
        false => Ok(format!("{challenge:?}")),
    }
}

impl Line {
    fn new(market: Market, channels: &[&str], change: impl FnOnce(&mut Settings)) -> Self {
        let plan = plan_of(market, &["ANY"], channels);
        let mut settings = Settings::of(&plan);
        change(&mut settings);
        let mut line = Self {
            session: Session::new(plan, settings, [7; 32]).unwrap(),
            server: None,
            now: Time::from_nanos(1),
            signer,
            challenges: Vec::new(),
            asked: Vec::new(),
            fetches: Vec::new(),
            said: Vec::new(),
        };
        line.session.handle(line.now, Input::Start);
        line.settle();
        line
    }

    /// Does what the session wants done until it wants nothing more.
    fn settle(&mut self) {
        loop {
            while let Some(wish) = self.session.wishes().first().copied() {
                self.session.grant(self.now, wish.id);
            }
            let written = self.write();
            let Some(action) = self.session.poll_action() else {
                if !written {
                    break;
                }
                continue;
            };
            self.perform(action);
        }
        let said = &mut self.said;
        let received = UnixNanos::from_nanos(1);
        self.session
            .drain_events(received, &mut |heard| said.extend(words(&heard)));
    }

    fn perform(&mut self, action: Action) {
        let now = self.now;
        match action {
            Action::Dial(epoch) => {
                self.server = Some(Server::new(Limits::DEFAULT, 4096, None));
                self.session.handle(now, Input::Dialed(epoch));
            }
            Action::Drop(epoch) => {
                self.server = None;
                self.session.handle(now, Input::Released(epoch));
            }
            Action::Sign(epoch) => {
                let challenge = self.session.challenge().expect("something to sign");
                self.challenges.push(challenge);
                let answer = (self.signer)(challenge);
                let answer = answer.as_deref().map_err(|unsigned| *unsigned);
                self.session.signed(now, epoch, answer);
            }
            Action::Fetch(id) => {
                let request = self.session.request(id).expect("a request");
                assert_eq!(request.credential, Some(Credential::ListenKey));
                assert_eq!(request.path_and_query, "/fapi/v1/listenKey");
                self.fetches.push((id, request.method));
            }
        }
    }

    /// Takes what the session writes to the server; whether there was anything.
    fn write(&mut self) -> bool {
        let Some(server) = &mut self.server else {
            return false;
        };
        let bytes = self.session.transmit().to_vec();
        let mut rx = filled(&bytes);
        self.session.transmitted(self.now, bytes.len());
        while let Some(event) = server.next(&mut rx).unwrap() {
            match event {
                ServerEvent::Request(request) => {
                    self.asked.push(request.target.to_owned());
                    server.accept(None).unwrap();
                }
                ServerEvent::Item(Item::Text(text)) => self.asked.push(text.to_owned()),
                ServerEvent::Item(Item::Close(_) | Item::Ping(_) | Item::Pong(_)) => {}
                ServerEvent::Item(other @ Item::Binary(_)) => panic!("{other:?}"),
            }
        }
        let heard = self.hear();
        heard || !bytes.is_empty()
    }

    /// Lets the session hear what the server has written; whether that was anything.
    fn hear(&mut self) -> bool {
        let Some(server) = &mut self.server else {
            return false;
        };
        let bytes = server.transmit().to_vec();
        server.transmitted(bytes.len());
        let over = server.is_over();
        if !bytes.is_empty() {
            let (said, received) = (&mut self.said, UnixNanos::from_nanos(1));
            let mut rx = filled(&bytes);
            let each = &mut |heard: Heard<'_>| said.extend(words(&heard));
            Machine::receive(&mut self.session, self.now, received, &mut rx, each);
        }
        if over && let Some(epoch) = self.session.connection().epoch() {
            self.session.handle(self.now, Input::Eof(epoch));
        }
        !bytes.is_empty()
    }

    /// The server says something.
    fn say(&mut self, text: &str) {
        let server = self.server.as_mut().expect("a socket");
        server.queue().text(text).unwrap();
        self.hear();
        self.settle();
    }

    /// The server cuts the connection.
    fn cut(&mut self) {
        let epoch = self.session.connection().epoch().unwrap();
        self.session.handle(self.now, Input::Eof(epoch));
        self.settle();
    }

    /// What becomes of the request that has waited longest.
    fn answer(&mut self, answer: Result<(u16, &str), FetchFault>) -> Method {
        let (id, method) = self.fetches.remove(0);
        let answer = answer.map(|(status, body)| Answer {
            status,
            retry_after: None,
            used_weight: None,
            body: body.as_bytes(),
        });
        let (said, received) = (&mut self.said, UnixNanos::from_nanos(1));
        let each = &mut |heard: Heard<'_>| said.extend(words(&heard));
        self.session.fetched(self.now, received, id, answer, each);
        self.settle();
        method
    }

    /// Time passes; the far end keeps the connection alive meanwhile.
    fn wait(&mut self, span: Duration) {
        let end = self.now + span;
        loop {
            let next = self.session.poll_timeout();
            let due = next.filter(|&(at, _)| at <= end);
            self.now = due.map_or(end, |(at, _)| self.now.max(at));
            if let Some((_, Timer::Probe | Timer::Silence)) = due
                && let Some(server) = &mut self.server
            {
                server.queue().ping(b"").unwrap();
                self.hear();
            }
            if due.is_some() {
                self.session.handle(self.now, Input::Timeout);
            }
            self.settle();
            if due.is_none() {
                return;
            }
        }
    }

    /// Waits until something is asked for over REST, and says what comes of it.
    fn next_answer(&mut self, answer: Result<(u16, &str), FetchFault>) -> Method {
        while self.fetches.is_empty() {
            self.wait(Duration::from_secs(1));
        }
        self.answer(answer)
    }

    /// What was said since the last time.
    fn said(&mut self) -> Vec<String> {
        let said = std::mem::take(&mut self.said);
        said.iter().map(|words| words.trim().to_owned()).collect()
    }
}

fn filled(bytes: &[u8]) -> ReceiveBuffer {
    let mut rx = ReceiveBuffer::with_capacity(bytes.len());
    rx.spare().copy_from_slice(bytes);
    rx.commit(bytes.len());
    rx
}

fn words(heard: &Heard<'_>) -> Option<String> {
    if let Event::Key(change) = heard.event {
        return Some(format!("key {}", change.name()));
    }
    if let Event::Notice(notice) = heard.event {
        return Some(format!("{notice:?}"));
    }
    if let Event::Status(Status::Down { cause, .. }) = heard.event {
        return Some(format!("down: {cause}"));
    }
    if let Event::Subscription { stream, change } = heard.event {
        let step = change.name();
        return Some(match change {
            Change::Refused(error) => format!("{stream} {step}: {error}"),
            Change::Requested { .. }
            | Change::Confirmed
            | Change::Live
            | Change::Silent
            | Change::Renewing
            | Change::Mute
            | Change::Unlisted => format!("{stream} {step}"),
        });
    }
    matches!(heard.event, Event::Status(Status::Open { .. })).then(|| "open".to_owned())
}

fn agreed(id: u64) -> String {
    format!(r#"{{"id":{id},"status":200,"result":{{"subscriptionId":0}}}}"#)
}

const ENDED: &str =
    r#"{"subscriptionId":0,"event":{"e":"eventStreamTerminated","E":1728973001334}}"#;

#[test]
fn one_signed_request_subscribes_to_an_account_of_spot_and_each_connection_signs_anew() {
    let mut line = Line::new(Market::BinanceSpot, &["userData"], |_| {});
    assert_eq!(line.asked, ["/ws-api/v3", "BinanceSubscribe(1)"]);
    assert_eq!(line.said(), ["open"]);
    line.say(&agreed(1));
    assert_eq!(line.said(), ["userData confirmed"]);
    line.wait(10 * MINUTE);
    assert_eq!(
        line.said(),
        [""; 0],
        "an account that does nothing is told nothing"
    );
    line.cut();
    line.wait(Duration::from_secs(2));
    let again = [
        Challenge::BinanceSubscribe(1),
        Challenge::BinanceSubscribe(2),
    ];
    assert_eq!(line.challenges, again);
    line.said();
    line.say(&agreed(1));
    assert_eq!(line.said(), [""; 0], "the answer of another connection");
    line.say(&agreed(2));
    assert_eq!(line.said(), ["userData confirmed"]);
}

#[test]
fn an_account_that_is_told_no_more_is_subscribed_to_anew_on_the_same_connection() {
    let mut line = Line::new(Market::BinanceSpot, &["userData"], |_| {});
    line.say(&agreed(1));
    line.said();
    line.say(ENDED);
    let said = line.said();
    assert!(said[0].starts_with("AccountEnded"), "{said:?}");
    assert_eq!(said[1..], ["userData renewing"]);
    line.wait(Duration::from_secs(1));
    line.say(&agreed(2));
    assert_eq!(line.said(), ["userData confirmed"]);
    assert_eq!(line.asked.last().unwrap(), "BinanceSubscribe(2)");
}

#[test]
fn a_key_that_may_log_in_does_and_then_subscribes() {
    let mut line = Line::new(Market::BinanceSpot, &["userData"], |settings| {
        settings.access = Access::Login;
    });
    assert_eq!(line.asked, ["/ws-api/v3", "BinanceLogon(1)"]);
    line.say(r#"{"id":1,"status":200,"result":{"apiKey":"***","authorizedSince":1649729878532}}"#);
    assert_eq!(
        line.asked[2],
        r#"{"id":2,"method":"userDataStream.subscribe"}"#
    );
    line.say(&agreed(2));
    assert_eq!(
        line.said(),
        ["open", "userData requested", "userData confirmed"]
    );
    line.say(ENDED);
    line.wait(Duration::from_secs(1));
    assert_eq!(
        line.asked[3],
        r#"{"id":3,"method":"userDataStream.subscribe"}"#
    );
}

#[test]
fn a_signature_that_the_venue_refuses_is_told_and_tried_again() {
    let mut line = Line::new(Market::BinanceSpot, &["userData"], |_| {});
    line.said();
    line.say(r#"{"id":1,"status":400,"error":{"code":-1022,"msg":"Signature for this request is not valid."}}"#);
    assert_eq!(
        line.said(),
        ["userData refused: login (code -1022): Signature for this request is not valid."]
    );
    line.wait(
        Settings::of(&plan_of(Market::BinanceSpot, &[""], &["userData"]))
            .timing
            .quarantine,
    );
    assert_eq!(line.challenges.len(), 2);
}

fn futures() -> Line {
    Line::new(Market::BinanceUsdm, &["userData"], |_| {})
}

/// One that has its key and its socket.
fn opened() -> Line {
    let mut line = futures();
    assert_eq!(line.answer(Ok((200, STRUCK))), Method::Post);
    line.said();
    line
}

#[test]
fn there_is_no_dial_before_there_is_a_key_and_the_connection_is_the_subscription() {
    let mut line = futures();
    assert!(line.server.is_none());
    line.wait(Duration::from_secs(5));
    assert_eq!(line.session.connection().phase(), Phase::Waiting);
    assert_eq!(line.answer(Ok((200, STRUCK))), Method::Post);
    let target = format!(
        "/private/ws?listenKey={KEY}&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE/listenKeyExpired"
    );
    assert_eq!(line.asked, [target]);
    assert_eq!(line.challenges, [Challenge::Target]);
    assert_eq!(line.said(), ["key obtained", "open", "userData confirmed"]);
}

#[test]
fn a_key_that_cannot_be_had_is_asked_for_again_and_nothing_is_dialled() {
    let mut line = futures();
    let refused = r#"{"code":-2015,"msg":"Invalid API-key, IP, or permissions for action."}"#;
    for answer in [Ok((401, refused)), Err(FetchFault::Protocol), Ok((503, ""))] {
        line.next_answer(answer);
        assert_eq!(line.said(), ["key not_obtained"]);
        assert!(line.server.is_none());
    }
    line.next_answer(Ok((200, STRUCK)));
    assert_eq!(line.said(), ["key obtained", "open", "userData confirmed"]);
}

#[test]
fn a_key_is_renewed_twice_an_hour_and_the_stream_goes_on() {
    let mut line = opened();
    for _ in 0..5 {
        line.wait(26 * MINUTE);
        let then = line.now;
        assert_eq!(line.fetches.len(), 0);
        assert_eq!(line.next_answer(Ok((200, STRUCK))), Method::Put);
        assert!(line.now.since(then) <= 4 * MINUTE);
        assert_eq!(line.said(), ["key renewed"]);
    }
    assert_eq!(line.asked.len(), 1, "one socket");
}

#[test]
fn a_renewal_that_fails_is_told_and_after_an_hour_the_key_counts_as_gone() {
    let mut line = opened();
    let mut said = Vec::new();
    while line.asked.len() == 1 {
        match line.fetches.first() {
            Some((_, Method::Put)) => line.answer(Err(FetchFault::Protocol)),
            Some(_) => line.answer(Ok((200, STRUCK))),
            None => Method::Get,
        };
        line.wait(Duration::from_secs(1));
        said.extend(line.said());
    }
    assert_eq!(said[0], "key not_renewed");
    said.dedup();
    assert_eq!(said[1], "key ended");
    let opened = ["open".to_owned(), "userData confirmed".to_owned()];
    assert!(said.ends_with(&opened), "{said:?}");
    assert!(line.now > Time::from_nanos(1) + 60 * MINUTE);
}

#[test]
fn a_key_that_is_gone_is_got_anew_and_opens_another_socket() {
    let gone = r#"{"code":-1125,"msg":"This listenKey does not exist."}"#;
    let expired = r#"{"e":"listenKeyExpired","E":1736996475556,"listenKey":"****"}"#;
    for noticed in ["by the renewal", "by the stream"] {
        let mut line = opened();
        line.wait(20 * MINUTE);
        match noticed {
            "by the stream" => line.say(expired),
            _ => assert_eq!(line.next_answer(Ok((400, gone))), Method::Put),
        }
        let said = line.said();
        assert!(said.contains(&"key ended".to_owned()), "{said:?}");
        assert_eq!(line.next_answer(Ok((200, STRUCK))), Method::Post);
        line.wait(MINUTE);
        assert_eq!(line.asked.len(), 2, "{noticed}");
        let said = line.said();
        let opened = ["open".to_owned(), "userData confirmed".to_owned()];
        assert!(said.ends_with(&opened), "{said:?}");
    }
}

#[test]
fn after_a_cut_the_key_serves_again_and_is_renewed_at_once() {
    let mut line = opened();
    line.cut();
    assert_eq!(line.answer(Ok((200, STRUCK))), Method::Put);
    line.wait(MINUTE);
    assert_eq!(line.challenges, [Challenge::Target; 2]);
    assert_eq!(line.asked.len(), 2);
    assert_eq!(line.fetches.len(), 0);
}

#[test]
fn a_target_that_nobody_signs_has_another_key_got_for_it() {
    let mut line = futures();
    line.signer = |_| Err(Unsigned);
    line.answer(Ok((200, STRUCK)));
    let cause = Cause::Unsigned;
    assert_eq!(
        line.said(),
        ["key obtained".to_owned(), format!("down: {cause}")]
    );
    line.signer = signer;
    assert_eq!(line.asked, [""; 0], "no dial without a key");
    assert_eq!(line.next_answer(Ok((200, STRUCK))), Method::Post);
    line.wait(MINUTE);
    assert_eq!(line.asked.len(), 1);
}

#[test]
fn a_session_that_is_stopped_asks_for_nothing_and_begins_with_a_key_again() {
    let mut line = opened();
    line.session.handle(line.now, Input::Stop);
    line.settle();
    line.wait(2 * 60 * MINUTE);
    assert_eq!(line.session.connection().phase(), Phase::Stopped);
    assert_eq!(line.fetches.len(), 0);
    line.session.handle(line.now, Input::Start);
    line.settle();
    assert!(line.server.is_none());
    assert_eq!(line.answer(Ok((200, STRUCK))), Method::Post);
    assert_eq!(line.asked.len(), 2);
}

#[test]
fn channels_of_an_account_of_okx_are_asked_for_behind_its_login() {
    let channels = ["account", "orders", "balance_and_position"];
    let mut line = Line::new(Market::Okx, &channels, |_| {});
    assert_eq!(line.asked, ["/ws/v5/private", "OkxLogin"]);
    line.say(r#"{"event":"login","code":"0","msg":"","connId":"a"}"#);
    assert_eq!(
        line.asked[2],
        r#"{"id":"1","op":"subscribe","args":[{"channel":"account"},{"channel":"balance_and_position"},{"channel":"orders","instType":"ANY"}]}"#
    );
    line.said();
    for arg in [
        r#"{"channel":"orders","instType":"ANY"}"#,
        r#"{"channel":"account"}"#,
        r#"{"channel":"balance_and_position"}"#,
    ] {
        line.say(&format!(
            r#"{{"id":"1","event":"subscribe","arg":{arg},"connId":"a"}}"#
        ));
    }
    assert_eq!(
        line.said(),
        [
            "ANY orders confirmed",
            "account confirmed",
            "balance_and_position confirmed"
        ]
    );
    line.say(r#"{"event":"channel-conn-count","channel":"orders","connCount":"30","connId":"a"}"#);
    assert_eq!(line.said(), [""; 0]);
    line.say(
        r#"{"event":"channel-conn-count-error","channel":"orders","connCount":"30","connId":"a"}"#,
    );
    assert_eq!(
        line.said(),
        [
            "ANY orders refused: conflicts with another channel (code 0): too many connections of the account have it"
        ]
    );
}
