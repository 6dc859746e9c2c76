//! The account of what the twin did, for whoever judges a client by it.

use std::collections::{BTreeMap, VecDeque};

use marketprism_core::Time;
use marketprism_core::market::Market;

use super::exchange::ConnectionId;
use super::fault::{Fault, Reach};
use super::news::Ids;

/// Entries of one kind that are kept; those that come after are only counted.
const MAX_ENTRIES: usize = 100_000;
/// Entries that wait for their end; the oldest ones give up.
const MAX_WAITING: usize = 4096;

/// What happened at one exchange.
#[derive(Clone, Debug)]
pub struct Ledger {
    market: Market,
    faults: Vec<FaultEntry>,
    omissions: Vec<Omission>,
    disorders: Vec<Disorder>,
    routes: BTreeMap<&'static str, RouteEntry>,
    sockets: Count,
    numbers: BTreeMap<String, Vec<Ids>>,
    messages: u64,
    snapshots: u64,
    unlisted: u64,
    listen_keys: Vec<String>,
    /// Places of the faults that wait for streams, and of the omissions that wait for a message.
    open: Waiting,
    unfollowed: Waiting,
}

/// Places of entries that are not complete yet, the oldest first.
#[derive(Clone, Debug, Default)]
struct Waiting(VecDeque<usize>);

impl Waiting {
    fn push(&mut self, place: usize) {
        if self.0.len() >= MAX_WAITING {
            self.0.pop_front();
        }
        self.0.push_back(place);
    }
}

/// A fault that struck.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultEntry {
    /// When.
    pub at: Time,
    /// What.
    pub fault: Fault,
    /// Whom.
    pub connection: ConnectionId,
    /// The route that the connection came on (`public`, `market`, `stream`).
    pub route: &'static str,
    /// The streams that it touched, in the client's words (`btcusdt@trade`; for OKX
    /// `trades:BTC-USDT`).
    pub streams: Vec<String>,
    /// Those of them that have not flowed since.
    pub waiting: Vec<String>,
    /// When the last of them flowed again.
    pub recovered: Option<Time>,
}

/// An update that did not come in its place: its ids are used up, and were sent to this client
/// later at best.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Omission {
    /// When.
    pub at: Time,
    /// From whom.
    pub connection: ConnectionId,
    /// The instrument, as its market prints it.
    pub instrument: String,
    /// The stream, in the client's words.
    pub stream: String,
    /// The ids that are missing: update ids, trade ids, or ids of aggregates.
    pub ids: Ids,
    /// When the next message of the stream went out on the same connection, from which the
    /// client can tell.
    pub followed: Option<Time>,
}

/// An update that was sent out of its place: once more, or behind others that follow it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Disorder {
    /// When.
    pub at: Time,
    /// To whom.
    pub connection: ConnectionId,
    /// The instrument, as its market prints it.
    pub instrument: String,
    /// The stream, in the client's words.
    pub stream: String,
    /// Its ids.
    pub ids: Ids,
    /// The last id that was sent before the place where it belongs.
    pub since: u64,
    /// The last id that was sent before it.
    pub reached: u64,
}

/// How many there are, and how many there were at the most.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Count {
    /// At this moment.
    pub live: u32,
    /// At the most.
    pub most: u32,
    /// In all.
    pub total: u64,
}

impl Count {
    fn enter(&mut self) {
        self.live += 1;
        self.total += 1;
        self.most = self.most.max(self.live);
    }

    fn leave(&mut self) {
        self.live = self.live.saturating_sub(1);
    }
}

/// What happened on one route.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct RouteEntry {
    /// Sockets that asked for an upgrade, from the request until the socket was gone.
    pub sockets: Count,
    /// Upgrades that were granted.
    pub upgrades: u64,
    /// Upgrades that were refused.
    pub refusals: u64,
}

impl Ledger {
    pub(super) const fn new(market: Market) -> Self {
        Self {
            market,
            faults: Vec::new(),
            omissions: Vec::new(),
            disorders: Vec::new(),
            routes: BTreeMap::new(),
            sockets: Count {
                live: 0,
                most: 0,
                total: 0,
            },
            numbers: BTreeMap::new(),
            messages: 0,
            snapshots: 0,
            unlisted: 0,
            listen_keys: Vec::new(),
            open: Waiting(VecDeque::new()),
            unfollowed: Waiting(VecDeque::new()),
        }
    }

    /// The market that this is about.
    #[must_use]
    pub const fn market(&self) -> Market {
        self.market
    }

    /// The faults that struck, in order.
    #[must_use]
    pub fn faults(&self) -> &[FaultEntry] {
        &self.faults
    }

    /// The updates that were left out, in order.
    #[must_use]
    pub fn omissions(&self) -> &[Omission] {
        &self.omissions
    }

    /// The updates that were sent out of their places, in order.
    #[must_use]
    pub fn disorders(&self) -> &[Disorder] {
        &self.disorders
    }

    /// The keys that were made for the account's stream, oldest first.
    #[must_use]
    pub fn listen_keys(&self) -> &[String] {
        &self.listen_keys
    }

    pub(super) fn listen_key_made(&mut self, key: &str) {
        self.listen_keys.push(key.to_owned());
    }

    /// What happened on each route that was asked for.
    pub fn routes(&self) -> impl Iterator<Item = (&'static str, &RouteEntry)> {
        self.routes.iter().map(|(route, entry)| (*route, entry))
    }

    /// Sockets of every kind.
    #[must_use]
    pub const fn sockets(&self) -> Count {
        self.sockets
    }

    /// Data messages that were sent.
    #[must_use]
    pub const fn messages(&self) -> u64 {
        self.messages
    }

    /// The numbers that were sent in a stream, in the client's words, to whomever, each message in
    /// its place and in the order of sending.
    #[must_use]
    pub fn numbers(&self, stream: &str) -> &[Ids] {
        self.numbers.get(stream).map_or(&[], Vec::as_slice)
    }

    /// REST snapshots that were served.
    #[must_use]
    pub const fn snapshots(&self) -> u64 {
        self.snapshots
    }

    /// Faults, omissions, disorders and numbers beyond what the ledger has room for.
    #[must_use]
    pub const fn unlisted(&self) -> u64 {
        self.unlisted
    }

    /// Faults after which not everything has flowed again yet.
    pub fn unrecovered(&self) -> impl Iterator<Item = &FaultEntry> {
        self.faults.iter().filter(|entry| entry.recovered.is_none())
    }

    pub(super) fn socket_opened(&mut self) {
        self.sockets.enter();
    }

    pub(super) fn socket_closed(&mut self, route: Option<&'static str>) {
        self.sockets.leave();
        if let Some(route) = route {
            self.route(route).sockets.leave();
        }
    }

    pub(super) fn upgrade_asked(&mut self, route: &'static str) {
        self.route(route).sockets.enter();
    }

    pub(super) fn upgrade_granted(&mut self, route: &'static str) {
        self.route(route).upgrades += 1;
    }

    pub(super) fn upgrade_refused(&mut self, route: &'static str) {
        self.route(route).refusals += 1;
    }

    pub(super) fn snapshot_served(&mut self) {
        self.snapshots += 1;
    }

    fn route(&mut self, route: &'static str) -> &mut RouteEntry {
        self.routes.entry(route).or_default()
    }

    pub(super) fn fault(&mut self, entry: FaultEntry) {
        if self.faults.len() < MAX_ENTRIES {
            self.open.push(self.faults.len());
            self.faults.push(entry);
        } else {
            self.unlisted += 1;
        }
    }

    pub(super) fn omitted(&mut self, omission: Omission) {
        if self.omissions.len() < MAX_ENTRIES {
            self.unfollowed.push(self.omissions.len());
            self.omissions.push(omission);
        } else {
            self.unlisted += 1;
        }
    }

    pub(super) fn disordered(&mut self, disorder: Disorder) {
        if self.disorders.len() < MAX_ENTRIES {
            self.disorders.push(disorder);
        } else {
            self.unlisted += 1;
        }
    }

    /// A data message of a stream went out in its place.
    pub(super) fn sent(
        &mut self,
        now: Time,
        connection: ConnectionId,
        stream: &str,
        ids: Option<Ids>,
    ) {
        self.messages += 1;
        if let Some(ids) = ids {
            self.note_numbers(stream, ids);
        }
        let omissions = &mut self.omissions;
        self.unfollowed.0.retain(|place| {
            let omission = omissions.get_mut(*place);
            omission.is_some_and(|omission| !omission.followed_by(now, connection, stream))
        });
    }

    fn note_numbers(&mut self, stream: &str, ids: Ids) {
        if !self.numbers.contains_key(stream) {
            self.numbers.insert(stream.to_owned(), Vec::new());
        }
        let Some(sent) = self.numbers.get_mut(stream) else {
            return;
        };
        let has_room = sent.len() < MAX_ENTRIES;
        match sent.last_mut() {
            Some(last) if last.last + 1 == ids.first => last.last = ids.last,
            Some(_) | None if has_room => sent.push(ids),
            Some(_) | None => self.unlisted += 1,
        }
    }

    /// A stream flows as it should.
    pub(super) fn flowed(&mut self, now: Time, connection: ConnectionId, stream: &str) {
        let faults = &mut self.faults;
        self.open.0.retain(|place| {
            let entry = faults.get_mut(*place);
            entry.is_some_and(|entry| !entry.flowed(now, connection, stream))
        });
    }
}

impl Omission {
    /// Takes note of a message; says whether the client can tell of the omission by it.
    fn followed_by(&mut self, now: Time, connection: ConnectionId, stream: &str) -> bool {
        let follows = self.connection == connection && self.stream == stream;
        if follows {
            self.followed = Some(now);
        }
        follows
    }
}

impl FaultEntry {
    /// Takes note of a message; says whether everything flows again.
    fn flowed(&mut self, now: Time, connection: ConnectionId, stream: &str) -> bool {
        if connection == self.connection && self.fault.reach() == Reach::Connection {
            return false;
        }
        self.waiting.retain(|waiting| waiting != stream);
        if self.waiting.is_empty() {
            self.recovered = Some(now);
        }
        self.waiting.is_empty()
    }
}
