//! What the numbers of a stream say about its completeness.
//!
//! | Stream | Rule | Source |
//! | --- | --- | --- |
//! | Binance `trade`, `aggTrade`; OKX `trades-all` | the number of each row is the one before it plus one (not so the fills `f`…`l` of a USD-M aggregate: liquidation and RPI fills are left out) | spot web-socket-streams.md; USD-M "Aggregate Trade Streams" |
//! | Binance spot `depth` | `U` is the last `u` plus one | spot "How to manage a local order book correctly" |
//! | Binance futures `depth`, `rpiDepth` | `pu` is the last `u`; `U` may lie anywhere behind it | USD-M "How to manage a local order book correctly" |
//! | Binance `depth<N>`, `bookTicker` | the update number rises and skips | each message is whole, so nothing else matters |
//! | OKX `trades` | `tradeId - count + 1` is the last `tradeId` plus one | OKX "Trades channel" (aggregated since 2023-11) |
//! | OKX `books` | `prevSeqId` is the last `seqId`; equal numbers are a heartbeat, a lower `seqId` a reset by maintenance, `prevSeqId` -1 a snapshot | OKX "Sequence ID" |
//! | OKX `bbo-tbt`, `books5` | `seqId` rises and skips; lower with a newer `ts` it was reset | OKX "Sequence ID" |
//! | all others | no numbers that follow each other | |

use crate::market::{Body, BookKind, Channel, Content, Event, Market, Missing};
use crate::time::UnixNanos;

/// So many stale messages in a row are no disorder but a new count.
const STALE_IN_A_ROW: u8 = 32;

/// How the messages of a stream are numbered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Rule {
    /// Each begins where the one before it ended.
    Consecutive,
    /// Each names the one before it.
    Chained,
    /// The numbers rise and skip; an equal number is a repetition.
    Rising,
    /// The numbers rise and skip; an equal number is the same state, sent again on purpose.
    Polled,
    /// There are none.
    Unnumbered,
}

impl Rule {
    pub(crate) const fn of(market: Market, channel: Channel) -> Self {
        match (channel.content(), channel, market) {
            // Agreed outside the book, and numbered together with all other trades.
            (_, Channel::BlockTrade, _) => Self::Rising,
            (Content::Trades, ..) | (_, Channel::Depth(_), Market::BinanceSpot) => {
                Self::Consecutive
            }
            (Content::Changes, ..) => Self::Chained,
            (_, Channel::DepthPartial(..), _) => Self::Polled,
            // The best levels of every instrument: each has numbers of its own.
            (_, Channel::AllBookTickers, _) => Self::Unnumbered,
            (Content::Top, ..) => Self::Rising,
            (
                Content::Candles
                | Content::Tickers
                | Content::MarkPrices
                | Content::IndexPrices
                | Content::Funding
                | Content::PriceLimits
                | Content::OpenInterest
                | Content::Liquidations
                | Content::Ratios
                | Content::Instruments
                | Content::Account,
                ..,
            ) => Self::Unnumbered,
        }
    }
}

/// Why messages are missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GapCause {
    /// They did not come although the subscription stood.
    Missing,
    /// The connection was down.
    Connection,
    /// The stream was subscribed anew on the same connection.
    Resubscription,
    /// Nobody listened: the program had been stopped, or was killed.
    Restart,
    /// Nothing is missing: the venue has used the numbers up for rows that are no news (Binance
    /// USD-M `trade` with a price of zero).
    Spent,
}

impl GapCause {
    /// Every cause.
    pub const ALL: [Self; 5] = [
        Self::Missing,
        Self::Connection,
        Self::Resubscription,
        Self::Restart,
        Self::Spent,
    ];

    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Missing => "missing",
            Self::Connection => "connection",
            Self::Resubscription => "resubscription",
            Self::Restart => "restart",
            Self::Spent => "spent",
        }
    }
}

/// How a message stands out of the order of its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Disorder {
    /// It has the number of the message before it: it says nothing new.
    Duplicate,
    /// Its number is lower: it comes late, or again.
    Stale,
    /// It begins before the end of what is known and ends behind it: partly new.
    Overlap,
    /// The venue began to count anew: it is new, and the order goes on from here.
    Reset,
}

impl Disorder {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Duplicate => "duplicate",
            Self::Stale => "stale",
            Self::Overlap => "overlap",
            Self::Reset => "reset",
        }
    }
}

/// What a message's numbers mean.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It follows the one before it, or is the first.
    Follows,
    /// It is new, but what should stand before it is missing: these numbers where the stream
    /// has numbers.
    Gap(Option<Missing>, GapCause),
    /// It stands out of order.
    OutOfOrder(Disorder),
}

/// The numbers that a message stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Numbers {
    /// The first.
    pub first: i64,
    /// The last.
    pub last: i64,
    /// The last number of the message before it, where messages name it; `None` for a snapshot.
    pub previous: Option<i64>,
}

impl Numbers {
    /// Those of a trade: an aggregate of Binance counts itself, a row of OKX counts its fills.
    #[must_use]
    pub fn of_trade(channel: Channel, id: i64, first_id: Option<i64>) -> Self {
        let first = first_id.filter(|_| channel == Channel::Trades);
        Self {
            first: first.unwrap_or(id),
            last: id,
            previous: None,
        }
    }

    /// Those of a book or a change of one that covers these updates.
    #[must_use]
    pub fn of_book(kind: BookKind, first: Option<i64>, last: i64, previous: Option<i64>) -> Self {
        Self {
            first: first.unwrap_or(last),
            last,
            previous: previous.filter(|_| kind != BookKind::Snapshot),
        }
    }

    /// Those of a message, or `None` where it tells none.
    #[must_use]
    pub fn of(event: &Event<'_>) -> Option<Self> {
        match event.body {
            Body::Trade(trade) => Some(Self::of_trade(event.channel, trade.id, trade.first_id)),
            Body::Book(book) => {
                let last = book.last?;
                Some(Self::of_book(book.kind, book.first, last, book.previous))
            }
            Body::Candle(_)
            | Body::Ticker(_)
            | Body::MarkPrice(_)
            | Body::IndexPrice(_)
            | Body::Funding(_)
            | Body::PriceLimit(_)
            | Body::OpenInterest(_)
            | Body::Liquidation(_)
            | Body::Ratio(_)
            | Body::Instrument(_)
            | Body::Order(_)
            | Body::Fill(_)
            | Body::Balance(_)
            | Body::Position(_) => None,
        }
    }
}

/// Where a message stands in its stream.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Place {
    first: i64,
    last: i64,
    previous: Option<i64>,
    time: Option<UnixNanos>,
}

/// The sequence of one stream.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sequence {
    rule: Rule,
    last: Option<i64>,
    /// Exchange time of the last message, to know a reset from a late message.
    time: Option<UnixNanos>,
    interrupted: Option<GapCause>,
    stale_in_a_row: u8,
    /// Whether anything has come at all.
    begun: bool,
}

impl Sequence {
    pub(crate) const fn new(rule: Rule) -> Self {
        Self {
            rule,
            last: None,
            time: None,
            interrupted: None,
            stale_in_a_row: 0,
            begun: false,
        }
    }

    /// Goes on where somebody else stopped: after this number, if it is known, and its time.
    pub(crate) const fn resume(&mut self, last: Option<i64>, time: Option<UnixNanos>) {
        (self.last, self.time, self.begun) = (last, time, true);
        self.interrupted = Some(GapCause::Restart);
    }

    /// The last number seen.
    pub(crate) const fn last(&self) -> Option<i64> {
        self.last
    }

    /// What comes next comes after an interruption of this kind. The first one counts.
    pub(crate) const fn interrupt(&mut self, cause: GapCause) {
        if self.begun && self.interrupted.is_none() {
            self.interrupted = Some(cause);
        }
    }

    /// Takes the next message of the stream and tells what its numbers mean.
    pub(crate) fn observe(&mut self, event: &Event<'_>) -> Verdict {
        let verdict = match place(self.rule, event) {
            Some(place) => self.judge(place),
            None => self.judge_unnumbered(),
        };
        self.begun = true;
        match verdict {
            // It tells nothing about what came in between.
            Verdict::OutOfOrder(Disorder::Duplicate | Disorder::Stale) => {}
            Verdict::Follows | Verdict::Gap(..) | Verdict::OutOfOrder(_) => self.interrupted = None,
        }
        verdict
    }

    /// Whether the pause before this message cannot have been the stream's own: it missed
    /// something, as far as its numbers tell, or its connection was down.
    pub(crate) const fn shows_loss(&self, verdict: Verdict) -> bool {
        match (verdict, self.rule) {
            (Verdict::Gap(_, GapCause::Connection | GapCause::Restart), _)
            | (Verdict::Gap(..), Rule::Consecutive | Rule::Chained) => true,
            (Verdict::Gap(..), Rule::Rising | Rule::Polled | Rule::Unnumbered)
            | (Verdict::Follows | Verdict::OutOfOrder(_), _) => false,
        }
    }

    /// Without numbers only an interruption tells that something may be missing.
    const fn judge_unnumbered(&self) -> Verdict {
        match self.interrupted {
            Some(cause) => Verdict::Gap(None, cause),
            None => Verdict::Follows,
        }
    }

    fn judge(&mut self, place: Place) -> Verdict {
        let verdict = match self.last {
            Some(last) => self.compare(last, place),
            None => self.judge_unnumbered(),
        };
        self.advance(verdict, place)
    }

    fn compare(&self, last: i64, place: Place) -> Verdict {
        match self.rule {
            Rule::Consecutive => self.consecutive(last, place),
            Rule::Chained => self.chained(last, place),
            Rule::Rising | Rule::Polled => self.rising(last, place),
            Rule::Unnumbered => Verdict::Follows,
        }
    }

    fn consecutive(&self, last: i64, place: Place) -> Verdict {
        if place.last <= last {
            return behind(last, place);
        }
        if let Some(missing) = Missing::between(last, place.first) {
            return self.gap(missing);
        }
        self.overlap(place.first <= last)
    }

    fn chained(&self, last: i64, place: Place) -> Verdict {
        let Some(previous) = place.previous else {
            return self.snapshot(last, place);
        };
        if previous == last {
            return match place.last < last {
                true => Verdict::OutOfOrder(Disorder::Reset),
                false => Verdict::Follows,
            };
        }
        if place.last <= last {
            return behind(last, place);
        }
        if let Some(missing) = Missing::behind(last, previous) {
            return self.gap(missing);
        }
        self.overlap(true)
    }

    /// A snapshot replaces what is known; what it skipped is missing all the same.
    fn snapshot(&self, last: i64, place: Place) -> Verdict {
        match Missing::between(last, place.last) {
            Some(missing) => self.gap(missing),
            None if place.last < last => Verdict::OutOfOrder(Disorder::Reset),
            None => Verdict::Follows,
        }
    }

    fn rising(&self, last: i64, place: Place) -> Verdict {
        if place.last > last {
            let missing = Missing::between(last, place.last);
            return match (self.interrupted, missing) {
                (Some(_), Some(missing)) => self.gap(missing),
                (None, _) | (_, None) => Verdict::Follows,
            };
        }
        if place.last == last && self.rule == Rule::Polled {
            return Verdict::Follows;
        }
        if place.last < last && place.time > self.time && self.time.is_some() {
            return Verdict::OutOfOrder(Disorder::Reset);
        }
        behind(last, place)
    }

    fn gap(&self, missing: Missing) -> Verdict {
        Verdict::Gap(Some(missing), self.interrupted.unwrap_or(GapCause::Missing))
    }

    /// An overlap is disorder, except right after an interruption: another server of the venue
    /// cuts its updates at other points.
    const fn overlap(&self, overlaps: bool) -> Verdict {
        match (overlaps, self.interrupted) {
            (true, None) => Verdict::OutOfOrder(Disorder::Overlap),
            (false, _) | (_, Some(_)) => Verdict::Follows,
        }
    }

    /// Moves on, unless the message lies behind; too many of those in a row are a new count.
    fn advance(&mut self, verdict: Verdict, place: Place) -> Verdict {
        if verdict == Verdict::OutOfOrder(Disorder::Duplicate) {
            return verdict;
        }
        let stale = verdict == Verdict::OutOfOrder(Disorder::Stale);
        if stale && self.stale_in_a_row < STALE_IN_A_ROW {
            self.stale_in_a_row += 1;
            return verdict;
        }
        self.stale_in_a_row = 0;
        self.last = Some(place.last);
        self.time = place.time;
        match stale {
            true => Verdict::OutOfOrder(Disorder::Reset),
            false => verdict,
        }
    }
}

const fn behind(last: i64, place: Place) -> Verdict {
    Verdict::OutOfOrder(match place.last == last {
        true => Disorder::Duplicate,
        false => Disorder::Stale,
    })
}

/// Where the message stands, or `None` where it tells no number.
fn place(rule: Rule, event: &Event<'_>) -> Option<Place> {
    if rule == Rule::Unnumbered {
        return None;
    }
    let Numbers {
        first,
        last,
        previous,
    } = Numbers::of(event)?;
    Some(Place {
        first,
        last,
        previous,
        time: event.exchange_time,
    })
}
