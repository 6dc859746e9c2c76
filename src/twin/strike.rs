//! Faults as they strike.

use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::market::{Channel, Market};

use super::client::{Client, Conduct};
use super::desk::{Flow, Subscription};
use super::door::DoorKind;
use super::exchange::{Command, ConnectionId, Exchange, Transport};
use super::fault::{Fault, Reach};
use super::ledger::FaultEntry;
use super::news::Unit;
use super::rules::Rules;
use super::tls::RecordFault;
use super::{binance, okx};

/// A fault that finds nobody to strike tries again after this.
const RETRY: Duration = Duration::from_millis(200);
/// Faults that wait for somebody to strike.
const MAX_WAITING: usize = 64;

/// Faults that lie in wait at a time.
const MAX_GATES: usize = 256;

/// A fault that lies in wait for the next client on a route.
#[derive(Clone, Copy, Debug)]
pub(super) struct Gate {
    route: &'static str,
    kind: GateKind,
}

#[derive(Clone, Copy, Debug)]
enum GateKind {
    /// Upgrades are refused; the span begins with the first attempt.
    Status {
        status: u16,
        pause: Duration,
        until: Option<Time>,
    },
    /// The next subscription goes wrong.
    Mishap(Mishap),
}

/// What can befall a request for a subscription.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    LostAck,
    LostRequest,
    RefusedAck,
}

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
            Reach::Connection => return (route, names(&flows)),
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
            Fault::Cut => self.end(id, Command::Close(id)),
            Fault::Reset => self.end(id, Command::Reset(id)),
            Fault::HalfClose => self.hold(at, id, Command::HalfClose(id)),
            Fault::Stall => self.hold(at, id, Command::Stall(id)),
            Fault::StallWithPings => {
                self.with(id, |client, _| client.conduct = Conduct::Dataless);
            }
            Fault::SilentStream => self.turn(id, streams, Flow::Silent),
            Fault::MissingUpdates(count) => self.turn(id, streams, Flow::Omitting(count)),
            Fault::Status(status, pause) => self.lie_in_wait(
                id,
                GateKind::Status {
                    status,
                    pause,
                    until: None,
                },
            ),
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

    /// Cuts the connection and waits for the next one on its route.
    fn lie_in_wait(&mut self, id: ConnectionId, kind: GateKind) {
        let route = self.clients.get(&id).map_or("", |client| client.desk.route);
        if self.gates.len() < MAX_GATES {
            self.gates.push(Gate { route, kind });
        }
        self.end(id, Command::Close(id));
    }

    pub(super) fn hold(&mut self, at: Time, id: ConnectionId, command: Command) {
        let until = at + self.linger;
        self.with(id, |client, _| client.hold(until));
        self.commands.push_back(command);
    }

    fn turn(&mut self, id: ConnectionId, streams: &[String], flow: Flow) {
        self.with(id, |client, _| {
            let held = client.desk.subscriptions.iter_mut();
            for held in held.filter(|held| streams.contains(&held.name)) {
                held.flow = flow;
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
            Market::BinanceSpot | Market::BinanceUsdm => {
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

    /// Whether upgrades on a route are refused now: the status, and for how long still.
    pub(super) fn status_gate(&mut self, now: Time, route: &str) -> Option<(u16, Duration)> {
        let found =
            self.gates
                .iter_mut()
                .enumerate()
                .find_map(|(place, gate)| match &mut gate.kind {
                    GateKind::Status {
                        status,
                        pause,
                        until,
                    } if gate.route == route => {
                        let until = *until.get_or_insert(now + *pause);
                        Some((place, *status, until.since(now)))
                    }
                    GateKind::Status { .. } | GateKind::Mishap(_) => None,
                });
        let (place, status, left) = found?;
        if left.is_zero() {
            self.gates.remove(place);
            return None;
        }
        Some((status, left))
    }

    /// What befalls this request of a client, if anything does.
    pub(super) fn mishap(&mut self, id: ConnectionId, is_subscribe: bool) -> Option<Mishap> {
        let route = self.clients.get(&id)?.desk.route;
        let kind = |gate: &Gate| match gate.kind {
            GateKind::Mishap(mishap) if is_subscribe && gate.route == route => Some(mishap),
            GateKind::Mishap(_) | GateKind::Status { .. } => None,
        };
        let place = self.gates.iter().position(|gate| kind(gate).is_some())?;
        kind(&self.gates.remove(place))
    }
}

/// Whether a fault can strike this client: it is served, and it has what the fault touches.
fn is_victim(client: &Client, fault: Fault) -> bool {
    let touches = match fault.reach() {
        Reach::Sequence => tells_of_loss,
        Reach::Connection | Reach::Stream => flows,
    };
    client.is_unharmed() && client.desk.subscriptions.iter().any(touches)
}

fn flows(held: &Subscription) -> bool {
    held.delivered > 0 && held.flow == Flow::Flowing
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
                    | Channel::Trades
                    | Channel::Books
                    | Channel::Books50L2Tbt
                    | Channel::BooksL2Tbt
            )
        )
}
