//! A whole session of ours, opened and subscribed in memory: exactly what a shell would drive.

use marketprism_core::connection::{Action, Input};
use marketprism_core::market::{Channel, Market, Speed};
use marketprism_core::plan::{Limits, Wanted, plan};
use marketprism_core::session::{Event, Session, Settings};
use marketprism_core::ws::{self, Item, Server, ServerEvent};
use marketprism_core::{ReceiveBuffer, Time, UnixNanos};
use serde_json::Value;

use crate::traffic::{CHUNK, Feed};

const NOW: Time = Time::ZERO;

/// A session on the streams of the traffic, open and acknowledged, with the feed that it reads.
pub struct Whole {
    session: Session,
    rx: ReceiveBuffer,
    feed: Feed,
}

impl Whole {
    /// Opens it; `feed` stands at its beginning.
    #[must_use]
    pub fn open(feed: Feed) -> Self {
        let mut whole = Self {
            session: session(),
            rx: ReceiveBuffer::with_capacity(CHUNK),
            feed,
        };
        whole.session.handle(NOW, Input::Start);
        let Some(Action::Dial(epoch)) = whole.session.poll_action() else {
            panic!("a session that starts dials");
        };
        whole.session.handle(NOW, Input::Dialed(epoch));
        whole.shake_hands();
        whole
    }

    /// Plays the server until nobody has anything more to say.
    fn shake_hands(&mut self) {
        let mut server = Server::new(ws::Limits::DEFAULT, CHUNK, None);
        let mut rx = ReceiveBuffer::with_capacity(CHUNK);
        while !self.session.transmit().is_empty() {
            let count = pour(self.session.transmit(), &mut rx);
            self.session.transmitted(NOW, count);
            while let Some(answer) = request(&mut server, &mut rx) {
                match answer {
                    Answer::Upgrade => server.accept(None).unwrap_or_else(|e| panic!("{e}")),
                    Answer::Text(text) => {
                        server
                            .queue()
                            .text(&text)
                            .unwrap_or_else(|e| panic!("{e:?}"));
                    }
                }
            }
            let count = pour(server.transmit(), &mut self.rx);
            server.transmitted(count);
            self.receive(&mut |_| {});
        }
    }

    /// Hands over the events of the next `count` messages.
    pub fn drain(&mut self, count: u64, each: &mut impl FnMut(&Event<'_>)) {
        let until = self.session.statistics().messages + count;
        while self.session.statistics().messages < until {
            let count = self.feed.fill(self.rx.spare());
            self.rx.commit(count);
            self.receive(each);
        }
    }

    fn receive(&mut self, each: &mut impl FnMut(&Event<'_>)) {
        let mut drain = self
            .session
            .receive(NOW, UnixNanos::default(), &mut self.rx);
        while let Some(event) = drain.next() {
            each(&event);
        }
    }
}

enum Answer {
    Upgrade,
    Text(String),
}

fn request(server: &mut Server, rx: &mut ReceiveBuffer) -> Option<Answer> {
    match server.next(rx).unwrap_or_else(|e| panic!("{e}"))? {
        ServerEvent::Request(_) => Some(Answer::Upgrade),
        ServerEvent::Item(Item::Text(text)) => {
            let request: Value = serde_json::from_str(text).unwrap_or_else(|e| panic!("{e}"));
            Some(Answer::Text(format!(
                r#"{{"result":null,"id":{}}}"#,
                request["id"]
            )))
        }
        ServerEvent::Item(other) => panic!("not a request: {other:?}"),
    }
}

fn session() -> Session {
    let channels = [
        Channel::AggTrade,
        Channel::Depth(Speed::Ms100),
        Channel::BookTicker,
    ];
    let wanted = channels.map(|channel| Wanted {
        market: Market::BinanceSpot,
        instrument: "BTCUSDT".into(),
        channel,
    });
    let plan = plan(&wanted, Limits::of)
        .unwrap_or_else(|e| panic!("{e}"))
        .remove(0);
    let settings = Settings::of(&plan);
    Session::new(plan, settings, [7; 32]).unwrap_or_else(|e| panic!("{e}"))
}

fn pour(bytes: &[u8], into: &mut ReceiveBuffer) -> usize {
    let room = into.spare();
    let count = bytes.len().min(room.len());
    room[..count].copy_from_slice(&bytes[..count]);
    into.commit(count);
    count
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::traffic::Traffic;

    #[test]
    fn a_whole_session_turns_every_message_into_one_event_in_order() {
        let traffic = Traffic::mixed(1_000, 5);
        let mut whole = Whole::open(traffic.feed());
        let mut market = 0;
        let mut other = Vec::new();
        whole.drain(1_000, &mut |event| match event {
            Event::Market(_) => market += 1,
            Event::Subscription { .. } | Event::Book { .. } => {}
            event => other.push(format!("{event:.60?}")),
        });
        assert_eq!(other, Vec::<String>::new());
        assert_eq!(market, 1_000);
    }
}
