//! The exchange: markets, clients and faults as one pure machine.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::time::Duration;

use marketprism_core::market::Market;
use marketprism_core::ws::handshake::ServerRequest;
use marketprism_core::ws::{Item, ServerEvent};
use marketprism_core::{ReceiveBuffer, Time, UnixNanos};

use super::account::{Caller, ListenKey};
use super::bad_answer::Spell;
use super::client::{Client, Deadline, Stage};
use super::desk::{Access, Desk};
use super::door::Door;
use super::fault::{Fault, FaultPlan, Schedule};
use super::gate::Gate;
use super::instrument::Instrument;
use super::ledger::Ledger;
use super::market::{Listing, SyntheticMarket};
use super::news::{Clock, News, Place, Unit};
use super::random::{Purpose, Random};
use super::rest::After;
use super::rules::{Rules, Window};
use super::tls::{HandshakeFault, RecordFault};
use super::toll::Tolls;
use super::upgrade::Wish;

/// Sockets at a time; more are dropped at once.
const MAX_CLIENTS: usize = 4096;
/// The number of the first market of the venue's other one.
const ASIDE: u32 = 1 << 16;
/// How much longer its markets take for a change.
const LEISURE: u32 = 10;

/// How a twin is set up.
#[derive(Clone, Debug)]
pub struct Options {
    /// What is traded.
    pub instruments: Vec<Instrument>,
    /// The time between two changes of an instrument's book, on average.
    pub pace: Duration,
    /// What the servers do and forbid.
    pub rules: Rules,
    /// Faults, if any.
    pub faults: Option<FaultPlan>,
    /// The wall-clock time at [`Time::ZERO`].
    pub origin: UnixNanos,
    /// How long a fault holds on to a socket that its client does not give up.
    pub linger: Duration,
}

impl Options {
    /// A market with its well-known instruments, 20 changes a second each, its documented rules
    /// and no faults, at the beginning of 2026.
    #[must_use]
    pub fn new(market: Market) -> Self {
        Self {
            instruments: Instrument::defaults(market),
            pace: Duration::from_millis(50),
            rules: Rules::of(market),
            faults: None,
            origin: UnixNanos::from_nanos(1_767_225_600_000_000_000),
            linger: Duration::from_secs(300),
        }
    }
}

/// A socket of the exchange, from [`Exchange::accept`] until [`Exchange::closed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ConnectionId(u64);

impl fmt::Display for ConnectionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "#{}", self.0)
    }
}

/// What the socket layer is to do. Every socket ends with a call of [`Exchange::closed`],
/// whoever ended it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub enum Command {
    /// Write what [`Exchange::transmit`] holds, end the sending direction, and close once the
    /// client has ended its own. One that does not is dropped later, by another command.
    Close(ConnectionId),
    /// Close at once.
    Drop(ConnectionId),
    /// Close by a TCP reset.
    Reset(ConnectionId),
    /// End the sending direction and keep the socket; what still comes in is read and thrown
    /// away, and at its end the socket is closed.
    HalfClose(ConnectionId),
    /// Neither write nor read; close once the client has gone.
    Stall(ConnectionId),
    /// Write as ever and do not read; close once the client has gone.
    Unread(ConnectionId),
    /// Let the TLS handshake, which has not begun, go wrong. Only [over TLS](Exchange::over_tls).
    Handshake(ConnectionId, HandshakeFault),
    /// Let the next record of TLS go wrong. Only [over TLS](Exchange::over_tls).
    Record(ConnectionId, RecordFault),
    /// Close the listening socket, so that connects are refused.
    Deafen,
    /// Neither accept nor refuse, so that connects hang.
    Overflow,
    /// Listen as at first, after either.
    Listen,
}

/// What carries the bytes of an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Transport {
    Plain,
    Tls,
}

/// One market of an exchange, serving any number of clients.
///
/// It has no socket and no clock. Times and bytes come in by calls; bytes and [`Command`]s go
/// out. What it does is a matter of its options, its seed and these calls alone; and the market
/// itself, its prices and ids, is a matter of options and seed alone, unless a flood hurries it.
///
/// ```
/// use marketprism::twin::{Exchange, Options};
/// use marketprism_core::market::Market;
/// use marketprism_core::{ReceiveBuffer, Time};
///
/// let mut exchange = Exchange::new(Market::BinanceSpot, Options::new(Market::BinanceSpot), 1);
/// let client = exchange.accept(Time::ZERO);
/// let mut rx = ReceiveBuffer::with_capacity(1024);
/// let request = b"GET /api/v3/depth?symbol=BTCUSDT HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// rx.spare()[..request.len()].copy_from_slice(request);
/// rx.commit(request.len());
/// exchange.receive(Time::ZERO, client, &mut rx);
/// assert!(exchange.transmit(client).starts_with(b"HTTP/1.1 200 OK\r\n"));
/// ```
#[derive(Debug)]
pub struct Exchange {
    pub(super) market: Market,
    pub(super) rules: Rules,
    pub(super) linger: Duration,
    pub(super) origin: UnixNanos,
    pub(super) instruments: Vec<Instrument>,
    pub(super) books: Vec<SyntheticMarket>,
    /// What the venue's other market of futures trades: streams of all markets show it as well.
    pub(super) aside: Vec<SyntheticMarket>,
    /// When streams that speak at a rhythm are looked at next.
    pub(super) beat: Option<Time>,
    pub(super) clients: BTreeMap<ConnectionId, Client>,
    pub(super) commands: VecDeque<Command>,
    pub(super) ledger: Ledger,
    pub(super) random: Random,
    pub(super) transport: Transport,
    pub(super) gates: Vec<Gate>,
    pub(super) spells: VecDeque<Spell>,
    pub(super) doors: VecDeque<Door>,
    pub(super) connects: Window,
    pub(super) tolls: Tolls,
    /// What opens the account's stream, while it is valid.
    pub(super) listen_key: Option<ListenKey>,
    pub(super) listen_at: Option<Time>,
    pub(super) waiting: VecDeque<Fault>,
    pub(super) retry_at: Option<Time>,
    schedule: Option<Schedule>,
    now: Time,
    next_id: u64,
}

/// What happens next. Where several things happen at one time, they do so in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    Step(Place),
    Pulse(Place),
    Flush(usize, usize),
    Beat,
    KeyExpires,
    Listen,
    Strike,
    Retry,
    Client(ConnectionId, Deadline),
}

/// What a client sent, apart from the buffer it came in.
enum Heard {
    Request {
        target: String,
        wish: Wish,
        caller: Caller,
    },
    Text(String),
    Pong(Vec<u8>),
    Close,
    Other,
}

impl Exchange {
    /// An exchange of one market.
    #[must_use]
    pub fn new(market: Market, options: Options, seed: u64) -> Self {
        let listing = |number: u32, market| Listing {
            market,
            pace: options.pace,
            origin: options.origin,
            seed,
            number,
            watched: true,
        };
        let books = (0..).zip(&options.instruments).map(|(number, instrument)| {
            SyntheticMarket::new(listing(number, market), instrument.clone())
        });
        let other = neighbour(market).filter(|_| !options.instruments.is_empty());
        let aside = (ASIDE..).zip(other.into_iter().flat_map(Instrument::defaults));
        let aside = aside.map(|(number, instrument)| {
            let listing = Listing {
                pace: options.pace.saturating_mul(LEISURE),
                watched: false,
                ..listing(number, other.unwrap_or(market))
            };
            SyntheticMarket::new(listing, instrument)
        });
        let faults = options.faults;
        Self {
            market,
            rules: options.rules,
            linger: options.linger,
            origin: options.origin,
            books: books.collect(),
            aside: aside.collect(),
            beat: None,
            instruments: options.instruments,
            clients: BTreeMap::new(),
            commands: VecDeque::new(),
            ledger: Ledger::new(market),
            random: Random::new(seed, Purpose::Exchange),
            transport: Transport::Plain,
            gates: Vec::new(),
            spells: VecDeque::new(),
            doors: VecDeque::new(),
            connects: Window::default(),
            tolls: Tolls::default(),
            listen_key: None,
            listen_at: None,
            waiting: VecDeque::new(),
            retry_at: None,
            schedule: faults.map(|plan| Schedule::new(market, plan, seed)),
            now: Time::ZERO,
            next_id: 0,
        }
    }

    /// The same exchange with its bytes in TLS, so that faults of TLS can strike. To be said before
    /// anything else; [`Server`](super::Server) does where it has certificates.
    #[must_use]
    pub fn over_tls(mut self) -> Self {
        self.transport = Transport::Tls;
        self.schedule = self.schedule.map(Schedule::over_tls);
        self
    }

    /// The market that it serves.
    #[must_use]
    pub const fn market(&self) -> Market {
        self.market
    }

    /// What it has done so far.
    #[must_use]
    pub const fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    /// A client has connected.
    pub fn accept(&mut self, now: Time) -> ConnectionId {
        self.advance(now);
        let id = ConnectionId(self.next_id);
        self.next_id += 1;
        let name = self.random.below(1 << 32);
        let desk = Desk {
            name: format!("{name:08x}"),
            route: "",
            wrapped: false,
            unit: Unit::Millis,
            subscriptions: Vec::new(),
            access: Access::Public,
        };
        self.ledger.socket_opened();
        self.clients
            .insert(id, Client::new(self.now, &self.rules, desk));
        if self.clients.len() > MAX_CLIENTS {
            self.end(id, Command::Drop(id));
        } else {
            self.meet(self.now, id);
        }
        id
    }

    /// Bytes have come from a client; all of them are taken.
    pub fn receive(&mut self, now: Time, id: ConnectionId, rx: &mut ReceiveBuffer) {
        self.advance(now);
        while let Some(heard) = self.next_heard(id, rx) {
            self.hear(id, heard);
        }
        rx.clear();
        self.settle(id);
    }

    /// A client's socket is closed, whoever closed it. The second call for a socket does nothing.
    pub fn closed(&mut self, now: Time, id: ConnectionId) {
        self.advance(now);
        if let Some(client) = self.clients.remove(&id) {
            let route = client.desk.route;
            self.ledger
                .socket_closed((!route.is_empty()).then_some(route));
        }
    }

    /// What to write to a client next.
    #[must_use]
    pub fn transmit(&self, id: ConnectionId) -> &[u8] {
        self.clients.get(&id).map_or(&[], Client::transmit)
    }

    /// The first `count` bytes of [`transmit`](Self::transmit) have been written.
    pub fn transmitted(&mut self, now: Time, id: ConnectionId, count: usize) {
        // Before anything else: a ping that has become due goes ahead of what was lent.
        if let Some(client) = self.clients.get_mut(&id) {
            client.transmitted(count);
        }
        self.advance(now);
        self.settle(id);
    }

    /// What the socket layer is to do next.
    pub fn poll_command(&mut self) -> Option<Command> {
        self.commands.pop_front()
    }

    /// When [`handle_timeout`](Self::handle_timeout) is to be called next.
    #[must_use]
    pub fn poll_timeout(&self) -> Option<Time> {
        self.next_due().map(|(at, _)| at)
    }

    /// Time has come to `now`: everything up to it happens, each thing at its own time.
    pub fn handle_timeout(&mut self, now: Time) {
        self.advance(now);
    }

    /// Lets a fault strike at once, chosen by whoever tests a client, besides those of the plan. One
    /// that needs TLS is passed over without it.
    pub fn inject(&mut self, now: Time, fault: Fault) {
        self.advance(now);
        self.strike_or_wait(self.now, fault);
    }

    fn advance(&mut self, now: Time) {
        while let Some((at, due)) = self.next_due().filter(|(at, _)| *at <= now) {
            self.now = self.now.max(at);
            self.happen(at, due);
        }
        self.now = self.now.max(now);
    }

    fn next_due(&self) -> Option<(Time, Due)> {
        let own = self.books.iter().enumerate();
        let places = own.clone().map(|(index, book)| (Place::Own(index), book));
        let aside = self.aside.iter().enumerate();
        let places = places.chain(aside.map(|(index, book)| (Place::Aside(index), book)));
        let walks = places.flat_map(|(place, book)| {
            [
                (book.next_step(), Due::Step(place)),
                (book.next_pulse(), Due::Pulse(place)),
            ]
        });
        let flushes = own.filter_map(|(index, book)| {
            let (at, tape) = book.next_flush()?;
            Some((at, Due::Flush(index, tape)))
        });
        let clients = self.clients.iter().filter_map(|(id, client)| {
            let (at, what) = client.due()?;
            Some((at, Due::Client(*id, what)))
        });
        let once = [
            self.beat.map(|at| (at, Due::Beat)),
            self.listen_key
                .as_ref()
                .map(|held| (held.until, Due::KeyExpires)),
            self.listen_at.map(|at| (at, Due::Listen)),
            self.schedule
                .as_ref()
                .and_then(Schedule::next_time)
                .map(|at| (at, Due::Strike)),
            self.retry_at.map(|at| (at, Due::Retry)),
        ];
        walks
            .chain(flushes)
            .chain(clients)
            .chain(once.into_iter().flatten())
            .min()
    }

    fn happen(&mut self, at: Time, due: Due) {
        match due {
            Due::Step(place) => self.step(place),
            Due::Pulse(place) => self.pulse(place),
            Due::Beat => self.beat(at),
            Due::KeyExpires => self.expire_listen_key(at),
            Due::Flush(index, tape) => self.flush(at, index, tape),
            Due::Listen => {
                self.listen_at = None;
                self.commands.push_back(Command::Listen);
            }
            Due::Strike => {
                let next = self.schedule.as_mut().and_then(Iterator::next);
                if let Some((_, fault)) = next {
                    self.strike_or_wait(at, fault);
                }
            }
            Due::Retry => self.retry(at),
            Due::Client(id, what) => self.client_due(at, id, what),
        }
    }

    fn step(&mut self, place: Place) {
        let Some(book) = self.book_mut(place) else {
            return;
        };
        let step = book.step();
        let diff = book.flush_always();
        self.publish(place, News::Step(&step));
        if let (Place::Own(index), Some(diff)) = (place, diff) {
            self.publish_interval(index, step.at, Duration::ZERO, Some(&diff));
        }
    }

    fn pulse(&mut self, place: Place) {
        if let Some(book) = self.book_mut(place) {
            let pulse = book.pulse();
            self.publish(place, News::Pulse(&pulse));
        }
    }

    fn book_mut(&mut self, place: Place) -> Option<&mut SyntheticMarket> {
        match place {
            Place::Own(index) => self.books.get_mut(index),
            Place::Aside(index) => self.aside.get_mut(index),
            Place::Everywhere => None,
        }
    }

    fn flush(&mut self, at: Time, index: usize, tape: usize) {
        let flushed = self.books.get_mut(index).and_then(|book| book.flush(tape));
        if let Some((cadence, diff)) = flushed {
            self.publish_interval(index, at, cadence, diff.as_ref());
        }
    }

    fn client_due(&mut self, at: Time, id: ConnectionId, what: Deadline) {
        let stamp = self.clock(Unit::Millis).stamp(at);
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        client.forget(what);
        match what {
            Deadline::Ping => client.ping(at, &self.rules, stamp),
            Deadline::Beat => client.beat(at),
            Deadline::Idle => client.close(at, &self.rules, 4004, "No data received in 30s."),
            Deadline::Patience | Deadline::Linger => self.end(id, Command::Drop(id)),
            Deadline::Pong | Deadline::Cut => self.end(id, Command::Close(id)),
        }
    }

    fn next_heard(&mut self, id: ConnectionId, rx: &mut ReceiveBuffer) -> Option<Heard> {
        let client = self
            .clients
            .get_mut(&id)
            .filter(|client| client.is_heard())?;
        match client.server.next(rx) {
            Ok(Some(event)) => Some(Heard::from(event)),
            Ok(None) => None,
            Err(_) => {
                client.end(self.now, &self.rules);
                None
            }
        }
    }

    fn hear(&mut self, id: ConnectionId, heard: Heard) {
        let (now, counted) = (self.now, !matches!(heard, Heard::Request { .. }));
        if counted && !self.count_frame(id) {
            return;
        }
        match heard {
            Heard::Request {
                target,
                wish,
                caller,
            } => self.request(now, id, &target, (wish, &caller)),
            Heard::Text(text) => self.command_text(now, id, &text),
            Heard::Pong(payload) => {
                if let Some(client) = self.clients.get_mut(&id) {
                    client.pong(&payload);
                }
            }
            Heard::Close => {
                if let Some(client) = self.clients.get_mut(&id) {
                    client.end(now, &self.rules);
                }
            }
            Heard::Other => {}
        }
    }

    /// Ends a connection whose work is done.
    fn settle(&mut self, id: ConnectionId) {
        let Some(client) = self.clients.get(&id) else {
            return;
        };
        if client.stage != Stage::Over && client.is_heard() && client.is_done() {
            self.end(id, Command::Close(id));
        }
    }

    /// Has the socket layer end a connection.
    pub(super) fn end(&mut self, id: ConnectionId, command: Command) {
        if let Some(client) = self.clients.get_mut(&id) {
            match command {
                Command::Close(_) => client.over(self.now, &self.rules),
                Command::Drop(_)
                | Command::Reset(_)
                | Command::HalfClose(_)
                | Command::Stall(_)
                | Command::Unread(_)
                | Command::Handshake(..)
                | Command::Record(..)
                | Command::Deafen
                | Command::Overflow
                | Command::Listen => client.dropped(),
            }
            self.commands.push_back(command);
        }
    }

    pub(super) const fn now(&self) -> Time {
        self.now
    }

    /// The wall clock with this unit.
    pub(super) const fn clock(&self, unit: Unit) -> Clock {
        Clock {
            origin: self.origin,
            unit,
        }
    }
}

/// The venue's other market of futures.
const fn neighbour(market: Market) -> Option<Market> {
    match market {
        Market::BinanceUsdm => Some(Market::BinanceCoinm),
        Market::BinanceCoinm => Some(Market::BinanceUsdm),
        Market::BinanceSpot | Market::Okx => None,
    }
}

/// What a request is for: whether to keep the connection is the client's to say (RFC 9112
/// section 9.3).
fn wish(request: &ServerRequest<'_>) -> Wish {
    let closes = |field: &str| field.eq_ignore_ascii_case("close");
    match request.upgrade() {
        Ok(None) if request.header("Connection").is_some_and(closes) => Wish::Answer(After::Close),
        Ok(None) => Wish::Answer(After::Stay),
        Ok(Some(_)) | Err(_) => Wish::Upgrade,
    }
}

impl From<ServerEvent<'_>> for Heard {
    fn from(event: ServerEvent<'_>) -> Self {
        match event {
            ServerEvent::Request(request) => Self::Request {
                target: request.target.to_owned(),
                wish: wish(&request),
                caller: Caller {
                    method: request.method.to_owned(),
                    api_key: request.header("X-MBX-APIKEY").map(str::to_owned),
                },
            },
            ServerEvent::Item(Item::Text(text)) => Self::Text(text.to_owned()),
            ServerEvent::Item(Item::Pong(payload)) => Self::Pong(payload.to_vec()),
            ServerEvent::Item(Item::Close(_)) => Self::Close,
            ServerEvent::Item(Item::Binary(_) | Item::Ping(_)) => Self::Other,
        }
    }
}
