//! Faults as they strike.

use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::market::{Channel, Market};

use super::client::{Client, Conduct};
use super::desk::{Disturbance, Flow, Subscription};
use super::door::DoorKind;
use super::exchange::{Command, ConnectionId, Exchange, Transport};
use super::fault::{Fault, Reach};
use super::gate::{Barrier, GateKind, Mishap};
use super::ledger::FaultEntry;
use super::news::{Place, Unit};
use super::rules::Rules;
use super::tls::RecordFault;
use super::{binance, okx};

/// A fault that finds nobody to strike tries again after this.
const RETRY: Duration = Duration::from_millis(200);
/// Faults that wait for somebody to strike.
const MAX_WAITING: usize = 64;

impl Exchange {
    /// Lets a fault strike a client, or keeps it until there is one.
    pub(super) fn strike_or_wait(&mut self, at: Time, fault: Fault) {
        if fault.needs_tls() && self.transport == Transport::Plain {
            return;
        }
        if !self.strike(at, fault) && self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(fault);
            self.retry_at.get_or_insert(at + RETRY);
        }
    }

    /// Tries the fault that has waited longest.
    pub(super) fn retry(&mut self, at: Time) {
        self.retry_at = None;
        if let Some(fault) = self.waiting.pop_front()
            && !self.strike(at, fault)
        {
            self.waiting.push_front(fault);
        }
        if !self.waiting.is_empty() {
            self.retry_at = Some(at + RETRY);
        }
    }

    fn strike(&mut self, at: Time, fault: Fault) -> bool {
        let victims: Vec<ConnectionId> = self
            .clients
            .iter()
            .filter(|(_, client)| is_victim(client, fault))
            .map(|(id, _)| *id)
            .collect();
        let Some(&id) = self.random.pick(&victims) else {
            return false;
        };
        let (route, streams) = self.touched(id, fault);
        self.ledger.fault(FaultEntry {
            at,
            fault,
            connection: id,
            route,
            waiting: streams.clone(),
            streams: streams.clone(),
            recovered: None,
        });
        self.befall(at, id, fault, &streams);
        true
    }

    /// The route of a client and those of its streams that a fault touches: all, or one of those
    /// that it can touch.
    fn touched(&mut self, id: ConnectionId, fault: Fault) -> (&'static str, Vec<String>) {
        let Some(client) = self.clients.get(&id) else {
            return ("", Vec::new());
        };
        let names = |of: &dyn Fn(&Subscription) -> bool| -> Vec<String> {
            let held = client.desk.subscriptions.iter().filter(|held| of(held));
            held.map(|held| held.name.clone()).collect()
        };
        let route = client.desk.route;
        let one_of = match fault.reach() {
            Reach::Connection | Reach::Line => return (route, names(&flows)),
            Reach::Stream => names(&flows),
            Reach::Sequence => names(&tells_of_loss),
        };
        (
            route,
            self.random.pick(&one_of).into_iter().cloned().collect(),
        )
    }

    fn befall(&mut self, at: Time, id: ConnectionId, fault: Fault, streams: &[String]) {
        match fault {
            Fault::Close(code) => self.with(id, |client, rules| client.close(at, rules, code, "")),
            Fault::CloseAndHang(code) => self.close_and_hang(at, id, code),
            Fault::Cut => self.end(id, Command::Close(id)),
            Fault::Reset => self.end(id, Command::Reset(id)),
            Fault::HalfClose => self.hold(at, id, Command::HalfClose(id)),
            Fault::Stall => self.hold(at, id, Command::Stall(id)),
            Fault::StallWithPings => {
                self.with(id, |client, _| client.conduct = Conduct::Dataless);
            }
            Fault::SilentStream => self.turn(id, streams, Flow::Silent),
            Fault::MissingUpdates(count) => self.disturb(id, streams, Disturbance::Omitted, count),
            Fault::Json(bad, count) => self.disturb(id, streams, Disturbance::Spoiled(bad), count),
            Fault::DuplicatedUpdates(count) => {
                self.disturb(id, streams, Disturbance::Doubled, count);
            }
            Fault::ReorderedUpdates(count) => {
                self.disturb(id, streams, Disturbance::KeptBack { behind: 1 }, count);
            }
            Fault::LateUpdate(behind) => {
                self.disturb(id, streams, Disturbance::KeptBack { behind }, 1);
            }
            Fault::Status(status, pause) => {
                self.lie_in_wait(id, GateKind::barrier(Barrier::Status(status), pause));
            }
            Fault::HangUp(when, pause) => {
                self.lie_in_wait(id, GateKind::barrier(Barrier::HangUp(when), pause));
            }
            Fault::Upgrade(bad) => self.lie_in_wait(id, GateKind::Upgrade(bad)),
            Fault::Rest(bad, span) => self.cast(id, bad, span),
            Fault::LostAck => self.lie_in_wait(id, GateKind::Mishap(Mishap::LostAck)),
            Fault::LostRequest => self.lie_in_wait(id, GateKind::Mishap(Mishap::LostRequest)),
            Fault::RefusedAck => self.lie_in_wait(id, GateKind::Mishap(Mishap::RefusedAck)),
            Fault::Refuse(pause) => self.leave(at, id, Command::Deafen, pause),
            Fault::DroppedSyn(pause) => self.leave(at, id, Command::Overflow, pause),
            Fault::ResetOnAccept(span) => self.put_door(id, DoorKind::Reset, span),
            Fault::Handshake(kind, span) => self.put_door(id, DoorKind::Handshake(kind), span),
            Fault::Unread(span) => self.doom(at + span, Command::Unread(id), id),
            Fault::Record(kind) => self.spoil(at, id, kind),
            Fault::Notice => self.announce(at, id),
            Fault::Lifetime => self.with(id, |client, _| client.cut_at(at)),
            Fault::Frame(bad) => self.with(id, |client, _| {
                client.say(&bad.bytes());
                client.conduct = Conduct::Dataless;
            }),
            Fault::SingleBytes(count) => self.with(id, |client, _| client.outlet.single(count)),
            Fault::PingFlood(count) => self.with(id, |client, _| client.say(&pings(count))),
            Fault::DataFlood(span) => self.flood(at, id, span),
        }
    }

    /// Resets the connection and treats connects in this way until the pause is over.
    fn leave(&mut self, at: Time, id: ConnectionId, command: Command, pause: Duration) {
        self.end(id, Command::Reset(id));
        self.commands.push_back(command);
        self.listen_at = self.listen_at.max(Some(at + pause));
    }

    fn spoil(&mut self, at: Time, id: ConnectionId, kind: RecordFault) {
        let command = Command::Record(id, kind);
        match kind {
            RecordFault::Cut | RecordFault::Corrupt | RecordFault::Garbage => {
                self.doom(at + self.linger, command, id);
            }
            RecordFault::Alert | RecordFault::CloseNotify => self.hold(at, id, command),
        }
    }

    /// Something befalls the connection of which the exchange does not know; it is dropped in
    /// the end if nobody else ends it.
    fn doom(&mut self, until: Time, command: Command, id: ConnectionId) {
        self.with(id, |client, _| client.doom(until));
        self.commands.push_back(command);
    }

    pub(super) fn hold(&mut self, at: Time, id: ConnectionId, command: Command) {
        let until = at + self.linger;
        self.with(id, |client, _| client.hold(until));
        self.commands.push_back(command);
    }

    /// Lets the close frame out, and nothing else any more.
    fn close_and_hang(&mut self, at: Time, id: ConnectionId, code: u16) {
        let until = at + self.linger;
        self.with(id, |client, rules| {
            client.close(at, rules, code, "");
            client.say(&[]);
            client.hold(until);
        });
    }

    /// Hurries the markets that a client watches.
    fn flood(&mut self, at: Time, id: ConnectionId, span: Duration) {
        let Some(client) = self.clients.get(&id) else {
            return;
        };
        for feed in client
            .desk
            .subscriptions
            .iter()
            .filter_map(|held| held.feed)
        {
            for (index, book) in self.books.iter_mut().enumerate() {
                if feed.about.is_at(Place::Own(index)) {
                    book.hurry(at, at + span);
                }
            }
        }
    }

    fn disturb(&mut self, id: ConnectionId, streams: &[String], how: Disturbance, times: u32) {
        let kept = None;
        self.turn(id, streams, Flow::Disturbed { how, times, kept });
    }

    fn turn(&mut self, id: ConnectionId, streams: &[String], flow: Flow) {
        self.with(id, |client, _| {
            let held = client.desk.subscriptions.iter_mut();
            for held in held.filter(|held| streams.contains(&held.name)) {
                held.flow = flow.clone();
            }
        });
    }

    /// Says that the server will shut down, and cuts the connection later.
    fn announce(&mut self, at: Time, id: ConnectionId) {
        let stamp = self.clock(Unit::Millis).stamp(at);
        let cut = at + self.rules.notice;
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        client.cut_at(cut);
        let notice = match self.market {
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                let payload = format!(r#"{{"e":"serverShutdown","E":{stamp}}}"#);
                binance::data::envelope(client.desk.wrapped, "!serverShutdown", payload)
            }
            Market::Okx => okx::request::notice(&client.desk),
        };
        self.reply(at, id, &[notice]);
    }

    pub(super) fn with(&mut self, id: ConnectionId, act: impl FnOnce(&mut Client, &Rules)) {
        if let Some(client) = self.clients.get_mut(&id) {
            act(client, &self.rules);
        }
    }
}

/// Whether a fault can strike this client: it is served, and it has what the fault touches.
fn is_victim(client: &Client, fault: Fault) -> bool {
    let touches = match fault.reach() {
        Reach::Sequence => tells_of_loss,
        Reach::Connection | Reach::Line | Reach::Stream => flows,
    };
    client.is_unharmed() && client.desk.subscriptions.iter().any(touches)
}

/// So many pings, each with its number.
fn pings(count: u32) -> Vec<u8> {
    let ping = |number: u32| format!("\u{8}{number:08x}").into_bytes();
    let frame = |number: u32| [&[0x89][..], &ping(number)].concat();
    (0..count).flat_map(frame).collect()
}

/// Whether a stream flows, so that it can be seen when it does not. Of one that speaks seldom
/// nobody could tell.
fn flows(held: &Subscription) -> bool {
    let sparse = held.feed.is_some_and(|feed| feed.channel.is_sparse());
    held.delivered > 0 && held.flow == Flow::Flowing && !sparse
}

/// Whether the ids of a stream tell of a loss.
fn tells_of_loss(held: &Subscription) -> bool {
    let channel = held.feed.map(|feed| feed.channel);
    flows(held)
        && matches!(
            channel,
            Some(
                Channel::Trade
                    | Channel::AggTrade
                    | Channel::Depth(_)
                    | Channel::RpiDepth(_)
                    | Channel::Trades
                    | Channel::TradesAll
                    | Channel::Books
                    | Channel::Books50L2Tbt
                    | Channel::BooksL2Tbt
            )
        )
}
