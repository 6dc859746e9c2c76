//! After warm-up a session allocates nothing for a message, a hole in a sequence, a duplicate, a
//! ping or a deadline. It counts every allocation of its thread, so it has a binary of its own.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use allocation_counter::measure;
use marketprism_core::connection::{Action, Input};
use marketprism_core::market::Market;
use marketprism_core::plan::{Limits, Wanted, plan};
use marketprism_core::session::{Event, Session, Settings, StreamState};
use marketprism_core::ws::{self, Server, ServerEvent};
use marketprism_core::{ReceiveBuffer, Time, UnixNanos};

const SYMBOLS: usize = 50;

/// A session and the server that it is connected to, without a network between them.
struct Pair {
    session: Session,
    server: Server,
    now: Time,
    to_client: ReceiveBuffer,
    to_server: ReceiveBuffer,
    heard: Heard,
}

/// What the session has said.
#[derive(Default)]
struct Heard {
    market: u64,
    gaps: u64,
    duplicates: u64,
}

impl Pair {
    fn new() -> Self {
        let wanted: Vec<_> = (0..SYMBOLS)
            .flat_map(|symbol| ["trade", "depth@100ms"].map(|channel| (symbol, channel)))
            .map(|(symbol, channel)| Wanted {
                market: Market::BinanceSpot,
                instrument: format!("COIN{symbol}USDT"),
                channel: channel.parse().unwrap(),
            })
            .collect();
        let plan = plan(&wanted, Limits::of).unwrap().remove(0);
        let settings = Settings::of(&plan);
        Self {
            session: Session::new(plan, settings, [3; 32]).unwrap(),
            server: Server::new(ws::Limits::DEFAULT, 1 << 20, None),
            now: Time::from_nanos(1),
            to_client: ReceiveBuffer::with_capacity(1 << 16),
            to_server: ReceiveBuffer::with_capacity(1 << 16),
            heard: Heard::default(),
        }
    }

    fn connect(&mut self) {
        self.session.handle(self.now, Input::Start);
        let Some(Action::Dial(epoch)) = self.session.poll_action() else {
            panic!("no dial");
        };
        self.session.handle(self.now, Input::Dialed(epoch));
        for _ in 0..4 {
            self.exchange();
        }
    }

    /// Carries the bytes both ways once.
    fn exchange(&mut self) {
        let sent = carry(self.session.transmit(), &mut self.to_server);
        self.session.transmitted(self.now, sent);
        let mut asked = false;
        while let Some(event) = self.server.next(&mut self.to_server).unwrap() {
            asked |= matches!(event, ServerEvent::Request(_));
        }
        if asked {
            self.server.accept(None).unwrap();
        }
        let sent = carry(self.server.transmit(), &mut self.to_client);
        self.server.transmitted(sent);
        let received = UnixNanos::from_nanos(self.now.as_nanos());
        let mut drain = self
            .session
            .receive(self.now, received, &mut self.to_client);
        while let Some(event) = drain.next() {
            match event {
                Event::Market(_) => self.heard.market += 1,
                Event::OutOfOrder { .. } => self.heard.duplicates += 1,
                Event::Gap(_) => self.heard.gaps += 1,
                Event::Status(_)
                | Event::Backfilled(_)
                | Event::Filled { .. }
                | Event::Unfillable { .. }
                | Event::Subscription { .. }
                | Event::Book { .. }
                | Event::Notice(_)
                | Event::Key(_)
                | Event::Undecoded(_) => {}
            }
        }
    }

    /// One round of messages: every stream speaks, some numbers are missing, some come twice.
    fn round(&mut self, messages: &[String]) {
        for message in messages {
            self.server.queue().text(message).unwrap();
        }
        self.server.queue().ping(b"there?").unwrap();
        self.exchange();
        self.exchange();
        self.now = self.now + Duration::from_millis(700);
        while let Some((_, _)) = self.session.poll_timeout().filter(|due| due.0 <= self.now) {
            self.session.handle(self.now, Input::Timeout);
        }
    }
}

fn carry(bytes: &[u8], rx: &mut ReceiveBuffer) -> usize {
    let spare = rx.spare();
    let count = bytes.len().min(spare.len());
    spare[..count].copy_from_slice(&bytes[..count]);
    rx.commit(count);
    count
}

fn messages(round: usize) -> Vec<String> {
    // Every tenth round leaves a number out, every seventh says it again.
    let number = round * 2 + usize::from(round.is_multiple_of(10)) - usize::from(round % 7 == 3);
    let mut messages = Vec::new();
    for symbol in 0..SYMBOLS {
        let lower = format!("coin{symbol}usdt");
        let upper = lower.to_uppercase();
        for number in [number, number + 1] {
            messages.push(format!(
                r#"{{"stream":"{lower}@trade","data":{{"e":"trade","E":1,"s":"{upper}","t":{number},"p":"1.5","q":"2","T":1,"m":true,"M":true}}}}"#
            ));
            messages.push(format!(
                r#"{{"stream":"{lower}@depth@100ms","data":{{"e":"depthUpdate","E":1,"s":"{upper}","U":{number},"u":{number},"b":[["1.5","2"],["1.4","0"]],"a":[["1.6","2"]]}}}}"#
            ));
        }
    }
    messages
}

#[test]
fn a_session_allocates_nothing_after_warm_up() {
    let mut pair = Pair::new();
    pair.connect();
    let rounds: Vec<_> = (1..100).map(messages).collect();
    let (warm_up, measured) = rounds.split_at(20);
    warm_up.iter().for_each(|messages| pair.round(messages));
    let live = |(_, state)| state == StreamState::Live;
    assert!(pair.session.subscriptions().all(live));
    let before = pair.heard.market;
    for messages in measured {
        let gaps = pair.heard.gaps;
        let counted = measure(|| pair.round(messages)).count_total;
        // What is missing is asked for over REST, and a request has to be written.
        let requests = pair.heard.gaps - gaps;
        assert!(counted <= requests * 4, "{counted} for {requests} gaps");
    }
    assert!(
        pair.heard.market - before > 10_000,
        "{}",
        pair.heard.market - before
    );
    assert!(pair.heard.gaps > 100, "{}", pair.heard.gaps);
    assert!(pair.heard.duplicates > 100, "{}", pair.heard.duplicates);
}
