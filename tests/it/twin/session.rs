//! The core's sessions against the twin in virtual time: an hour of every fault, and afterwards
//! everything flows again, nothing was doubled, and each hole was told of.

use std::time::Duration;

use marketprism::twin::{Command, ConnectionId, Exchange, Fault, FaultPlan, Options};
use marketprism_core::connection::{Action, Epoch, Fault as SocketFault, Input, Retry};
use marketprism_core::market::{Channel, Market, Speed};
use marketprism_core::plan::{Limits, Wanted, plan};
use marketprism_core::session::{Heard, Session, Settings};
use marketprism_core::{Machine as _, ReceiveBuffer, Time, UnixNanos};

use super::told::{Told, judge};

const SECOND: Duration = Duration::from_secs(1);

/// A socket between a session and the exchange.
struct Wire {
    epoch: Epoch,
    /// The exchange's end; `None` where the exchange has closed it.
    far: Option<ConnectionId>,
    flow: Flow,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Flow {
    Both,
    /// The exchange writes out what it has left, then ends.
    Closing,
    /// Nothing goes from the exchange to the client any more.
    Up,
    /// Nothing goes from the client to the exchange any more.
    Down,
    None,
}

/// What becomes of a dial.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Listening {
    Yes,
    /// It is refused.
    No,
    /// Nothing.
    Never,
}

struct Party {
    session: Session,
    wire: Option<Wire>,
    told: Told,
}

struct Play {
    exchange: Exchange,
    parties: Vec<Party>,
    listening: Listening,
    now: Time,
    rx: ReceiveBuffer,
}

fn channels(market: Market) -> Vec<Channel> {
    match market {
        Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => vec![
            Channel::Trade,
            Channel::AggTrade,
            Channel::BookTicker,
            Channel::Depth(Speed::Ms100),
        ],
        Market::Okx => vec![
            Channel::Trades,
            Channel::Books,
            Channel::BboTbt,
            Channel::Tickers,
        ],
    }
}

impl Play {
    fn new(market: Market, faults: FaultPlan, seed: u64) -> Self {
        let mut options = Options::new(market);
        options.pace = Duration::from_millis(300);
        options.linger = SECOND * 90;
        options.rules = options.rules.compressed(6);
        options.faults = Some(faults);
        let wanted: Vec<Wanted> = options
            .instruments
            .iter()
            .take(2)
            .flat_map(|instrument| {
                channels(market).into_iter().map(|channel| Wanted {
                    market,
                    instrument: instrument.id().to_owned(),
                    channel,
                })
            })
            .collect();
        let plans = plan(&wanted, Limits::of).unwrap();
        let parties = plans.into_iter().map(|plan| {
            let mut settings = Settings::of(&plan);
            settings.connection.heartbeat.probe_after = SECOND * 3;
            settings.connection.heartbeat.silence_after = SECOND * 6;
            settings.connection.retry = Retry {
                initial: SECOND / 2,
                cap: SECOND * 4,
                ..settings.connection.retry
            };
            settings.connection.data = Some(SECOND * 12);
            settings.timing.ack = SECOND * 3;
            settings.timing.first_data = SECOND * 10;
            settings.timing.silence_floor = SECOND * 8;
            settings.timing.silence_cap = SECOND * 20;
            settings.timing.quarantine = SECOND * 5;
            settings.timing.quarantine_cap = SECOND * 10;
            Party {
                session: Session::new(plan, settings, [5; 32]).unwrap(),
                wire: None,
                told: Told::default(),
            }
        });
        let mut play = Self {
            exchange: Exchange::new(market, options, seed),
            parties: parties.collect(),
            listening: Listening::Yes,
            now: Time::ZERO,
            rx: ReceiveBuffer::with_capacity(1 << 20),
        };
        for party in &mut play.parties {
            party.session.handle(Time::ZERO, Input::Start);
        }
        play
    }

    fn run(&mut self, until: Time) {
        while self.now < until {
            self.settle();
            let own = self
                .parties
                .iter()
                .filter_map(|party| party.session.poll_timeout());
            let next = own
                .map(|(at, _)| at)
                .chain(self.exchange.poll_timeout())
                .min();
            self.now = next.unwrap_or(until).min(until).max(self.now);
            self.exchange.handle_timeout(self.now);
            for party in &mut self.parties {
                if party
                    .session
                    .poll_timeout()
                    .is_some_and(|(at, _)| at <= self.now)
                {
                    party.session.handle(self.now, Input::Timeout);
                }
            }
        }
    }

    /// Carries bytes and obeys both sides until neither has anything to do.
    fn settle(&mut self) {
        for _ in 0..12 {
            for place in 0..self.parties.len() {
                self.act(place);
                self.carry(place);
            }
            while let Some(command) = self.exchange.poll_command() {
                self.obey(command);
            }
        }
    }

    fn act(&mut self, place: usize) {
        let Self {
            exchange,
            parties,
            listening,
            now,
            ..
        } = self;
        let party = &mut parties[place];
        while let Some(action) = party.session.poll_action() {
            match action {
                Action::Dial(epoch) => {
                    assert!(party.wire.is_none(), "a second socket");
                    match *listening {
                        Listening::Yes => {
                            let far = Some(exchange.accept(*now));
                            party.wire = Some(Wire {
                                epoch,
                                far,
                                flow: Flow::Both,
                            });
                            party.session.handle(*now, Input::Dialed(epoch));
                        }
                        Listening::No => {
                            let failed = Input::DialFailed(epoch, SocketFault::Refused);
                            party.session.handle(*now, failed);
                        }
                        Listening::Never => {}
                    }
                }
                Action::Drop(epoch) => {
                    if let Some(far) = party.wire.take().and_then(|wire| wire.far) {
                        exchange.closed(*now, far);
                    }
                    party.session.handle(*now, Input::Released(epoch));
                }
                Action::Sign(_) | Action::Fetch(_) => {
                    panic!("no stream here needs more than its socket")
                }
            }
        }
        party.drain();
    }

    fn carry(&mut self, place: usize) {
        let Self {
            exchange,
            parties,
            now,
            rx,
            ..
        } = self;
        let party = &mut parties[place];
        let Some((far, epoch, flow)) = party
            .wire
            .as_ref()
            .and_then(|wire| Some((wire.far?, wire.epoch, wire.flow)))
        else {
            return;
        };
        let up = party.session.transmit().to_vec();
        if !up.is_empty() && !matches!(flow, Flow::None | Flow::Down) {
            party.session.transmitted(*now, up.len());
            fill(rx, &up);
            exchange.receive(*now, far, rx);
        }
        if matches!(flow, Flow::Both | Flow::Down | Flow::Closing) {
            while let down @ [_, ..] = exchange.transmit(far) {
                let count = down.len();
                fill(rx, down);
                exchange.transmitted(*now, far, count);
                party.receive(*now, rx);
            }
        }
        if flow == Flow::Closing && exchange.transmit(far).is_empty() {
            party.turn(Flow::Up);
            party.session.handle(*now, Input::Eof(epoch));
        }
    }

    fn obey(&mut self, command: Command) {
        let now = self.now;
        let of = |parties: &mut Vec<Party>, id| -> Option<usize> {
            let far = |party: &Party| party.wire.as_ref().and_then(|wire| wire.far);
            parties.iter().position(|party| far(party) == Some(id))
        };
        match command {
            Command::Deafen => self.listening = Listening::No,
            Command::Overflow => self.listening = Listening::Never,
            Command::Listen => self.listening = Listening::Yes,
            Command::Close(id) => {
                if let Some(place) = of(&mut self.parties, id) {
                    self.parties[place].turn(Flow::Closing);
                }
            }
            Command::HalfClose(id) => {
                if let Some(place) = of(&mut self.parties, id) {
                    let epoch = self.parties[place].turn(Flow::Up);
                    self.parties[place].session.handle(now, Input::Eof(epoch));
                }
            }
            Command::Stall(id) => {
                if let Some(place) = of(&mut self.parties, id) {
                    self.parties[place].turn(Flow::None);
                }
            }
            Command::Unread(id) => {
                if let Some(place) = of(&mut self.parties, id) {
                    self.parties[place].turn(Flow::Down);
                }
            }
            Command::Handshake(..) | Command::Record(..) => unreachable!("there is no TLS"),
            Command::Drop(id) | Command::Reset(id) => {
                let place = of(&mut self.parties, id);
                self.exchange.closed(now, id);
                if let Some(place) = place {
                    let party = &mut self.parties[place];
                    let epoch = party.turn(Flow::None);
                    party.wire.as_mut().unwrap().far = None;
                    let broken = Input::Broken(epoch, SocketFault::Reset);
                    party.session.handle(now, broken);
                }
            }
        }
    }
}

impl Party {
    fn turn(&mut self, flow: Flow) -> Epoch {
        let wire = self.wire.as_mut().unwrap();
        wire.flow = flow;
        wire.epoch
    }

    fn receive(&mut self, now: Time, rx: &mut ReceiveBuffer) {
        let Self { session, told, .. } = self;
        let mut hear = |heard: Heard<'_>| told.hear(&heard);
        marketprism_core::Machine::receive(session, now, stamp(now), rx, &mut hear);
    }

    fn drain(&mut self) {
        let Self { session, told, .. } = self;
        session.drain_events(UnixNanos::default(), &mut |heard: Heard<'_>| {
            told.hear(&heard);
        });
    }
}

fn stamp(now: Time) -> UnixNanos {
    UnixNanos::from_nanos(now.as_nanos())
}

fn fill(rx: &mut ReceiveBuffer, bytes: &[u8]) {
    rx.clear();
    rx.spare()[..bytes.len()].copy_from_slice(bytes);
    rx.commit(bytes.len());
}

#[test]
fn an_hour_of_every_fault_leaves_nothing_broken_and_nothing_untold() {
    for market in Market::ALL {
        let hour = Time::ZERO + SECOND * 3600;
        let kinds = Fault::catalogue().into_iter();
        let kinds: Vec<_> = kinds
            .filter(|fault| fault.applies_to(market) && !fault.needs_tls())
            .collect();
        let faults = FaultPlan {
            kinds: kinds.clone(),
            mean: SECOND * 25,
            from: Time::ZERO + SECOND * 20,
            until: hour,
            most: u64::MAX,
        };
        let mut play = Play::new(market, faults, 3);
        play.run(hour + SECOND * 120);
        let ledger = play.exchange.ledger();
        assert!(
            ledger.faults().len() > 100,
            "{market}: {}",
            ledger.faults().len()
        );
        let open: Vec<_> = ledger.unrecovered().collect();
        assert!(open.is_empty(), "{market}: {open:#?}");
        for (route, entry) in ledger.routes() {
            assert_eq!(entry.sockets.most, 1, "{market} {route}");
        }
        assert!(ledger.omissions().len() > 10, "{market}");
        assert!(ledger.disorders().len() > 5, "{market}");
        let told: Vec<_> = play.parties.iter().map(|party| &party.told).collect();
        judge(&told, ledger);
        let unreadable = ledger.faults().iter().map(|entry| {
            if let Fault::Json(_, count) = entry.fault {
                count as usize
            } else {
                0
            }
        });
        let undecoded = told.iter().map(|told| told.undecoded.len());
        let (sent, said) = (unreadable.sum::<usize>(), undecoded.sum::<usize>());
        assert!(said > 0 && said <= sent, "{market}: {said} of {sent}");
        for fault in kinds {
            assert!(
                ledger.faults().iter().any(|entry| entry.fault == fault),
                "{market}: {fault}"
            );
        }
    }
}
