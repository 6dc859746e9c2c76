//! What can go wrong, and when it does.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::market::Market;

use super::bad_answer::BadAnswer;
use super::broken::{BadFrame, BadJson};
use super::gate::{BadUpgrade, HangUp};
use super::random::{Purpose, Random};
use super::tls::{HandshakeFault, RecordFault};

/// A fault: what the exchange, or what stands between, does to its clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Fault {
    /// A close frame with this code, then the end of the stream.
    Close(u16),
    /// A close frame with this code, after which the far end stays open and says nothing.
    CloseAndHang(u16),
    /// The end of the stream without a close frame, both directions at once; TLS is closed in good
    /// order before.
    Cut,
    /// A TCP reset.
    Reset,
    /// The end of the stream, without close_notify where there is TLS, after which the far end
    /// stays open and says nothing.
    HalfClose,
    /// Nothing is sent any more and nothing is read.
    Stall,
    /// Pings and pongs go on, requests are answered, and no data comes.
    StallWithPings,
    /// One stream falls silent while the others go on.
    SilentStream,
    /// The connection is cut, and upgrades are refused with this HTTP status for so long after
    /// the first attempt, which is what `Retry-After` says.
    Status(u16, Duration),
    /// The connection is cut, and answers over REST go wrong in this way, for so long after the
    /// first request.
    Rest(BadAnswer, Duration),
    /// The connection is cut, and the next subscription takes effect without being acknowledged.
    LostAck,
    /// The connection is cut, and the next subscription request vanishes.
    LostRequest,
    /// The connection is cut, and the next subscription request is refused.
    RefusedAck,
    /// So many messages of one stream whose ids tell of a loss are left out.
    MissingUpdates(u32),
    /// The connection is reset and nobody listens for so long.
    Refuse(Duration),
    /// The connection is reset, and connects go without any answer for so long: each SYN is
    /// dropped (where the system is not Linux: nobody accepts).
    DroppedSyn(Duration),
    /// The connection is cut, and each that is accepted is reset, for so long after the first.
    ResetOnAccept(Duration),
    /// Nothing is read any more, so that the client's writes pile up, while data go on; and after
    /// so long the end.
    Unread(Duration),
    /// The connection is cut, and each handshake of TLS goes wrong, for so long after the first
    /// connection that is accepted.
    Handshake(HandshakeFault, Duration),
    /// The records of TLS go wrong.
    Record(RecordFault),
    /// The notice of a shutdown, and later the cut.
    Notice,
    /// The connection has reached the end of its life and is cut.
    Lifetime,
    /// The connection is cut, and the next upgrade goes wrong.
    Upgrade(BadUpgrade),
    /// The connection is cut, and the next ones are taken and ended again, for so long after the
    /// first attempt.
    HangUp(HangUp, Duration),
    /// A frame against the protocol, and no data behind it.
    Frame(BadFrame),
    /// So many messages of one stream whose ids tell of a loss come as something unreadable.
    Json(BadJson, u32),
    /// So many messages of one stream whose ids tell of it come twice.
    DuplicatedUpdates(u32),
    /// So many times two messages of one stream whose ids tell of it change places.
    ReorderedUpdates(u32),
    /// One message of a stream whose ids tell of it comes behind so many that follow it.
    LateUpdate(u32),
    /// So many bytes go out one at a time.
    SingleBytes(u32),
    /// So many pings at once.
    PingFlood(u32),
    /// For so long the markets of the client's streams change 200,000 times a second each.
    DataFlood(Duration),
}

impl Fault {
    /// Each kind of fault, with moderate numbers where it has any.
    #[must_use]
    pub fn catalogue() -> Vec<Self> {
        let pause = Duration::from_secs(2);
        let mut all = vec![
            Self::Close(1000),
            Self::Close(1001),
            Self::CloseAndHang(1001),
            Self::Cut,
            Self::Reset,
            Self::HalfClose,
            Self::Stall,
            Self::StallWithPings,
            Self::SilentStream,
            Self::Status(429, pause),
            Self::Status(418, pause),
            Self::Status(503, pause),
            Self::LostAck,
            Self::LostRequest,
            Self::RefusedAck,
            Self::MissingUpdates(3),
            Self::Refuse(pause),
            Self::DroppedSyn(pause),
            Self::ResetOnAccept(pause),
            Self::Unread(pause),
            Self::Notice,
            Self::Lifetime,
            Self::Upgrade(BadUpgrade::Unanswered),
            Self::Upgrade(BadUpgrade::Slow(Duration::from_millis(500))),
            Self::Upgrade(BadUpgrade::Unfinished),
            Self::Upgrade(BadUpgrade::WrongKey),
            Self::HangUp(HangUp::BeforeAnswer, pause),
            Self::HangUp(HangUp::AfterAnswer, pause),
            Self::DuplicatedUpdates(3),
            Self::ReorderedUpdates(2),
            Self::LateUpdate(5),
            Self::SingleBytes(4096),
            Self::PingFlood(500),
            Self::DataFlood(Duration::from_millis(50)),
        ];
        all.extend(BadFrame::ALL.map(Self::Frame));
        all.extend(BadJson::ALL.map(|bad| Self::Json(bad, 3)));
        all.extend(BadAnswer::ALL.map(|bad| Self::Rest(bad, pause)));
        all.extend(HandshakeFault::ALL.map(|kind| Self::Handshake(kind, pause)));
        all.extend(RecordFault::ALL.map(Self::Record));
        all
    }

    /// The same fault, lasting for so long if it is one that lasts.
    #[must_use]
    pub const fn lasting(self, span: Duration) -> Self {
        match self {
            Self::Status(status, _) => Self::Status(status, span),
            Self::Rest(bad, _) => Self::Rest(bad, span),
            Self::Refuse(_) => Self::Refuse(span),
            Self::DroppedSyn(_) => Self::DroppedSyn(span),
            Self::ResetOnAccept(_) => Self::ResetOnAccept(span),
            Self::Unread(_) => Self::Unread(span),
            Self::Handshake(kind, _) => Self::Handshake(kind, span),
            Self::HangUp(when, _) => Self::HangUp(when, span),
            Self::Close(_)
            | Self::Cut
            | Self::Reset
            | Self::HalfClose
            | Self::Stall
            | Self::StallWithPings
            | Self::SilentStream
            | Self::LostAck
            | Self::LostRequest
            | Self::RefusedAck
            | Self::MissingUpdates(_)
            | Self::Record(_)
            | Self::Notice
            | Self::CloseAndHang(_)
            | Self::Lifetime
            | Self::Upgrade(_)
            | Self::Frame(_)
            | Self::Json(..)
            | Self::DuplicatedUpdates(_)
            | Self::ReorderedUpdates(_)
            | Self::LateUpdate(_)
            | Self::SingleBytes(_)
            | Self::PingFlood(_)
            | Self::DataFlood(_) => self,
        }
    }

    /// Whether it takes TLS to have it.
    #[must_use]
    pub const fn needs_tls(self) -> bool {
        matches!(self, Self::Handshake(..) | Self::Record(_))
    }

    /// Whether a market can have it: futures of Binance document no notice, OKX no end of a connection's life.
    #[must_use]
    pub const fn applies_to(self, market: Market) -> bool {
        !matches!(
            (self, market),
            (Self::Notice, Market::BinanceUsdm | Market::BinanceCoinm)
                | (Self::Lifetime, Market::Okx)
        )
    }

    /// The name, for people and for configuration. Two of the same kind with different numbers
    /// share it, except that a status is part of its name.
    #[must_use]
    pub fn name(self) -> String {
        let name = match self {
            Self::Close(code) => return format!("close-{code}"),
            Self::CloseAndHang(_) => "close-and-hang",
            Self::Cut => "cut",
            Self::Reset => "reset",
            Self::HalfClose => "half-close",
            Self::Stall => "stall",
            Self::StallWithPings => "stall-with-pings",
            Self::SilentStream => "silent-stream",
            Self::Status(status, _) => return format!("status-{status}"),
            Self::Rest(bad, _) => return bad.name(),
            Self::LostAck => "lost-ack",
            Self::LostRequest => "lost-request",
            Self::RefusedAck => "refused-ack",
            Self::MissingUpdates(_) => "missing-updates",
            Self::Refuse(_) => "refuse",
            Self::DroppedSyn(_) => "dropped-syn",
            Self::ResetOnAccept(_) => "reset-on-accept",
            Self::Unread(_) => "unread",
            Self::Handshake(kind, _) => kind.name(),
            Self::Record(kind) => kind.name(),
            Self::Notice => "notice",
            Self::Lifetime => "lifetime",
            Self::Upgrade(bad) => bad.name(),
            Self::HangUp(when, _) => when.name(),
            Self::Frame(bad) => bad.name(),
            Self::Json(bad, _) => bad.name(),
            Self::DuplicatedUpdates(_) => "duplicated-updates",
            Self::ReorderedUpdates(_) => "reordered-updates",
            Self::LateUpdate(_) => "late-update",
            Self::SingleBytes(_) => "one-byte-at-a-time",
            Self::PingFlood(_) => "ping-flood",
            Self::DataFlood(_) => "data-flood",
        };
        name.to_owned()
    }

    /// What it touches.
    #[must_use]
    pub const fn reach(self) -> Reach {
        match self {
            Self::SilentStream => Reach::Stream,
            Self::MissingUpdates(_)
            | Self::Json(..)
            | Self::DuplicatedUpdates(_)
            | Self::ReorderedUpdates(_)
            | Self::LateUpdate(_) => Reach::Sequence,
            Self::SingleBytes(_) | Self::PingFlood(_) | Self::DataFlood(_) => Reach::Line,
            Self::Close(_)
            | Self::CloseAndHang(_)
            | Self::Cut
            | Self::Reset
            | Self::HalfClose
            | Self::Stall
            | Self::StallWithPings
            | Self::Status(..)
            | Self::Rest(..)
            | Self::LostAck
            | Self::LostRequest
            | Self::RefusedAck
            | Self::Refuse(_)
            | Self::DroppedSyn(_)
            | Self::ResetOnAccept(_)
            | Self::Unread(_)
            | Self::Handshake(..)
            | Self::Record(_)
            | Self::Notice
            | Self::Lifetime
            | Self::Upgrade(_)
            | Self::HangUp(..)
            | Self::Frame(_) => Reach::Connection,
        }
    }
}

/// What a fault touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// A connection with all its streams, which only another connection can make good.
    Connection,
    /// A connection with all its streams; it goes on.
    Line,
    /// One stream; the connection goes on.
    Stream,
    /// One stream whose ids tell of a loss; the connection goes on.
    Sequence,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name())
    }
}

/// A name that is no fault's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnknownFault;

impl fmt::Display for UnknownFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unknown fault")
    }
}

impl std::error::Error for UnknownFault {}

impl FromStr for Fault {
    type Err = UnknownFault;

    /// Finds a fault of the [`catalogue`](Self::catalogue) by its name.
    fn from_str(name: &str) -> Result<Self, UnknownFault> {
        let named = |fault: &Self| fault.name() == name;
        Self::catalogue()
            .into_iter()
            .find(named)
            .ok_or(UnknownFault)
    }
}

/// Which faults strike and how often.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultPlan {
    /// The faults to choose from; each comes once before any comes again.
    pub kinds: Vec<Fault>,
    /// The time between two of them, on average.
    pub mean: Duration,
    /// None before this.
    pub from: Time,
    /// None from this on.
    pub until: Time,
    /// No more than so many.
    pub most: u64,
}

impl FaultPlan {
    /// Every fault there is, one each `mean` on average.
    #[must_use]
    pub fn every(mean: Duration) -> Self {
        Self {
            kinds: Fault::catalogue(),
            mean,
            from: Time::ZERO + mean,
            until: Time::MAX,
            most: u64::MAX,
        }
    }
}

/// The faults of one market in the order of their times: a matter of plan and seed alone.
///
/// ```
/// use std::time::Duration;
/// use marketprism::twin::{FaultPlan, Schedule};
/// use marketprism_core::market::Market;
///
/// let plan = FaultPlan::every(Duration::from_secs(3));
/// let faults = |seed| Schedule::new(Market::Okx, plan.clone(), seed).take(50);
/// assert!(faults(1).eq(faults(1)));
/// assert!(!faults(1).eq(faults(2)));
/// ```
#[derive(Clone, Debug)]
pub struct Schedule {
    plan: FaultPlan,
    /// Kinds that wait for TLS.
    secure: Vec<Fault>,
    random: Random,
    next: Time,
    bag: Vec<Fault>,
}

impl Schedule {
    /// The schedule of a market that is served in plain text.
    #[must_use]
    pub fn new(market: Market, mut plan: FaultPlan, seed: u64) -> Self {
        plan.kinds.retain(|fault| fault.applies_to(market));
        let secure = plan.kinds.extract_if(.., |fault| fault.needs_tls());
        Self {
            secure: secure.collect(),
            next: plan.from,
            random: Random::new(seed, Purpose::Schedule),
            bag: Vec::new(),
            plan,
        }
    }

    /// The schedule of the same market served over TLS, whose own faults strike as well.
    #[must_use]
    pub fn over_tls(mut self) -> Self {
        self.plan.kinds.append(&mut self.secure);
        self
    }

    /// When the next fault strikes; `None` when there are no more.
    #[must_use]
    pub fn next_time(&self) -> Option<Time> {
        let is_over = self.plan.kinds.is_empty() || self.plan.most == 0;
        (!is_over && self.next < self.plan.until).then_some(self.next)
    }
}

impl Iterator for Schedule {
    type Item = (Time, Fault);

    fn next(&mut self) -> Option<(Time, Fault)> {
        let at = self.next_time()?;
        self.plan.most = self.plan.most.saturating_sub(1);
        self.next = at
            + self
                .random
                .around(self.plan.mean)
                .max(Duration::from_millis(1));
        if self.bag.is_empty() {
            self.bag.clone_from(&self.plan.kinds);
            self.random.shuffle(&mut self.bag);
        }
        Some((at, self.bag.pop()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(market: Market, count: usize, seed: u64) -> Vec<(Time, Fault)> {
        let plan = FaultPlan::every(Duration::from_secs(2));
        Schedule::new(market, plan, seed).take(count).collect()
    }

    #[test]
    fn every_fault_is_found_again_by_its_name() {
        for fault in Fault::catalogue() {
            assert_eq!(fault.name().parse(), Ok(fault));
        }
        assert_eq!("meteor".parse::<Fault>(), Err(UnknownFault));
    }

    #[test]
    fn each_kind_comes_once_before_any_comes_again() {
        let plan = FaultPlan::every(Duration::from_secs(2));
        let (secure, plain): (Vec<_>, Vec<_>) = Fault::catalogue()
            .into_iter()
            .partition(|fault| fault.needs_tls());
        let schedule = Schedule::new(Market::BinanceSpot, plan, 3);
        for (schedule, mut all) in [
            (schedule.clone(), plain.clone()),
            (schedule.over_tls(), [plain, secure].concat()),
        ] {
            let mut kinds: Vec<_> = schedule.take(all.len()).map(|(_, kind)| kind).collect();
            kinds.sort();
            all.sort();
            assert_eq!(kinds, all);
        }
    }

    #[test]
    fn times_rise_and_keep_their_mean() {
        let faults = faults(Market::BinanceSpot, 500, 4);
        assert!(faults.is_sorted_by(|(a, _), (b, _)| a < b));
        let last = faults.last().map(|(at, _)| at.as_nanos() / 1_000_000_000);
        assert!(
            last.is_some_and(|last| (950..1050).contains(&last)),
            "{last:?}"
        );
    }

    #[test]
    fn nothing_strikes_outside_the_plan() {
        let mut plan = FaultPlan::every(Duration::from_secs(2));
        plan.from = Time::ZERO + Duration::from_secs(5);
        plan.until = Time::ZERO + Duration::from_secs(20);
        let faults: Vec<_> = Schedule::new(Market::Okx, plan.clone(), 1).collect();
        assert!((5..=15).contains(&faults.len()));
        assert!(
            faults
                .iter()
                .all(|(at, _)| *at >= plan.from && *at < plan.until)
        );
        plan.most = 3;
        let faults = Schedule::new(Market::Okx, plan.clone(), 1);
        assert_eq!(faults.count(), 3);
        plan.kinds.clear();
        assert_eq!(Schedule::new(Market::Okx, plan, 1).next(), None);
    }

    #[test]
    fn a_market_has_only_what_it_documents() {
        for (market, fault) in [
            (Market::BinanceUsdm, Fault::Notice),
            (Market::Okx, Fault::Lifetime),
        ] {
            let drawn = faults(market, 200, 1);
            assert!(drawn.iter().all(|(_, other)| *other != fault));
        }
    }

    #[test]
    fn every_fault_is_documented_by_its_name() {
        let page = include_str!("../../docs/FAULTS.md");
        for fault in Fault::catalogue() {
            assert!(page.contains(&format!("`{fault}`")), "{fault}");
        }
    }

    #[test]
    fn no_two_faults_share_a_name() {
        let mut names: Vec<_> = Fault::catalogue().into_iter().map(Fault::name).collect();
        names.sort_unstable();
        assert!(names.windows(2).all(|pair| pair[0] != pair[1]), "{names:?}");
        let plain = |name: &String| {
            name.bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-'))
        };
        assert!(names.iter().all(plain));
    }
}
