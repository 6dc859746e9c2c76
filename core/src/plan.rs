//! From what is wanted to as few sessions as the venues' limits allow.
//!
//! The plan is a pure function of the set of wishes: their order, and how the set came about,
//! change nothing. Streams are sorted and dealt out in runs, so one wish more or less moves at
//! most one stream over each border between two sessions of the same endpoint (two where books
//! are counted apart), and none where one session is enough.

use alloc::collections::{BTreeMap, BTreeSet};
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::connection::Endpoint;
use crate::market::{Channel, Content, Market, Scope};
use crate::session::Stream;
use crate::venue::{self, Operation, Profile, RequestError, Route, RouteName};

/// One thing that somebody wants to receive.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Wanted {
    /// The market.
    pub market: Market,
    /// The venue's name of the instrument, or of what else the channel's [`Scope`] says; upper and
    /// lower case mean the same. A channel of the whole market takes none, whatever stands here.
    pub instrument: String,
    /// The channel.
    pub channel: Channel,
}

impl Wanted {
    const fn is_polled(&self) -> bool {
        self.market.polls(self.channel)
    }

    /// In its one spelling.
    fn stream(&self) -> Stream {
        let instrument = match self.channel.scope() {
            Scope::Market => String::new(),
            Scope::Instrument
            | Scope::Pair
            | Scope::Contract
            | Scope::InstrumentType
            | Scope::AnyType => self.instrument.to_ascii_uppercase(),
        };
        Stream {
            channel: self.channel,
            instrument,
        }
    }

    fn misnamed(&self) -> PlanError {
        PlanError::Instrument {
            market: self.market,
            scope: self.channel.scope(),
            instrument: self.instrument.clone(),
        }
    }
}

/// How much one session may carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Streams, all channels together.
    pub streams: usize,
    /// Streams with a whole book behind them (OKX `books` and its faster kin).
    pub books: usize,
}

impl Limits {
    /// Our own limits for a market, below what the venue allows.
    #[must_use]
    pub const fn of(market: Market) -> Self {
        let streams = Profile::of(market).streams;
        match market {
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => Self {
                streams,
                books: streams,
            },
            // OKX, "Connection count limit": fewer than 30 of the 400-level channels on one
            // connection are recommended.
            Market::Okx => Self { streams, books: 29 },
        }
    }
}

/// One session: where it connects and what it subscribes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionPlan {
    /// Its stable name, such as `binance-usdm-public-1`.
    pub name: String,
    /// The market.
    pub market: Market,
    /// The endpoint's name.
    pub route: RouteName,
    /// Where to dial; the venue's own endpoint unless changed afterwards.
    pub endpoint: Endpoint,
    /// What to subscribe to.
    pub streams: Vec<Stream>,
}

/// What is asked for over REST again and again, because no stream of the market serves it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollPlan {
    /// Its stable name, such as `binance-usdm-polls`.
    pub name: String,
    /// The market.
    pub market: Market,
    /// What to ask for.
    pub streams: Vec<Stream>,
    /// The instruments that its lists are expected to have, in the order of their names.
    pub expected: Vec<String>,
    /// Which of the instruments in its lists are told.
    pub told: Told,
}

/// Which instruments of a list are told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Told {
    /// Those that are expected.
    Expected,
    /// All.
    All,
}

/// Why there is no plan.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PlanError {
    /// The market does not offer the channel.
    UnknownChannel {
        /// The market.
        market: Market,
        /// The channel.
        channel: Channel,
    },
    /// This cannot be the name of what the channel is about, or is too long for a request.
    Instrument {
        /// The market.
        market: Market,
        /// What the channel is about.
        scope: Scope,
        /// The name.
        instrument: String,
    },
    /// A limit of zero leaves no place for anything.
    NoRoom(Market),
}

/// What of it is polled, market by market; it needs no session.
///
/// # Errors
///
/// If something that is polled cannot be asked for.
pub fn polls(wanted: &[Wanted]) -> Result<Vec<PollPlan>, PlanError> {
    let mut groups = BTreeMap::<Market, BTreeSet<Stream>>::new();
    let polled = wanted.iter().filter(|wish| wish.is_polled());
    for wish in polled {
        let stream = wish.stream();
        let name = stream.subscription().instrument;
        if name.is_empty() && wish.channel.scope() != Scope::Market {
            return Err(wish.misnamed());
        }
        groups.entry(wish.market).or_default().insert(stream);
    }
    let plan = |(market, streams): (Market, BTreeSet<_>)| PollPlan {
        name: format!("{market}-polls"),
        market,
        streams: streams.into_iter().collect(),
        expected: Vec::new(),
        told: Told::All,
    };
    Ok(groups.into_iter().map(plan).collect())
}

/// The lists of instruments that tell what is wanted apart and what its contracts are worth, market
/// by market.
///
/// Of Binance spot only what is wanted by name is asked for: its list is long, and it has no
/// contracts. OKX has a list for each type, and no name tells its type; options have lists by
/// families, which no stream names, so nothing is known of them.
#[must_use]
pub fn lists(wanted: &[Wanted]) -> Vec<PollPlan> {
    let list = |market| Needed::of(market, wanted).plan(market);
    Market::ALL.into_iter().filter_map(list).collect()
}

/// So many instruments are asked for by name in one question.
const NAMES_MAX: usize = 100;

/// The types of OKX that have one list each, and whose names are no others'.
const LISTED_TYPES: [&str; 3] = ["SPOT", "SWAP", "FUTURES"];

/// What has to be known of the instruments of a market.
#[derive(Debug, Default)]
struct Needed {
    names: BTreeSet<String>,
    types: BTreeSet<String>,
    /// Whether instruments come that nobody has named.
    unnamed: bool,
}

impl Needed {
    fn of(market: Market, wanted: &[Wanted]) -> Self {
        let mut needed = Self::default();
        let wishes = wanted.iter().filter(|wish| wish.market == market);
        let tells_itself =
            |channel: Channel| matches!(channel.content(), Content::Instruments | Content::Account);
        for wish in wishes.filter(|wish| !tells_itself(wish.channel)) {
            needed.add(wish);
        }
        needed
    }

    fn add(&mut self, wish: &Wanted) {
        let is_coinm = wish.market == Market::BinanceCoinm;
        match (wish.channel.scope(), wish.channel.content()) {
            // Statistics of COIN-M are of pairs, and mark prices may be.
            (Scope::Instrument, Content::Ratios) if is_coinm => {}
            (Scope::Instrument, Content::MarkPrices) if is_coinm => self.unnamed = true,
            (Scope::Instrument, _) => {
                self.names.insert(wish.stream().instrument);
            }
            (Scope::InstrumentType, _) => {
                self.types.insert(wish.stream().instrument);
                self.unnamed = true;
            }
            (Scope::Market, _) => self.unnamed = true,
            (Scope::Pair | Scope::Contract | Scope::AnyType, _) => {}
        }
    }

    fn plan(self, market: Market) -> Option<PollPlan> {
        let streams = match market {
            Market::BinanceSpot => self.by_name(),
            Market::BinanceUsdm | Market::BinanceCoinm => self.whole(),
            Market::Okx => self.by_type(),
        };
        (!streams.is_empty()).then(|| PollPlan {
            name: format!("{market}-instruments"),
            market,
            streams,
            expected: self.names.into_iter().collect(),
            told: match self.unnamed {
                true => Told::All,
                false => Told::Expected,
            },
        })
    }

    fn by_name(&self) -> Vec<Stream> {
        let names: Vec<_> = self.names.iter().map(String::as_str).collect();
        let questions = names.chunks(NAMES_MAX).map(|names| Stream {
            instrument: names.join(","),
            channel: Channel::ExchangeInfo,
        });
        questions.collect()
    }

    fn whole(&self) -> Vec<Stream> {
        let whole = Stream {
            instrument: String::new(),
            channel: Channel::ExchangeInfo,
        };
        let is_needed = self.unnamed || !self.names.is_empty();
        is_needed.then_some(whole).into_iter().collect()
    }

    fn by_type(&self) -> Vec<Stream> {
        let named = LISTED_TYPES.iter().filter(|_| !self.names.is_empty());
        let told = self.types.iter().map(String::as_str);
        let types: BTreeSet<_> = named.copied().chain(told).collect();
        let lists = types.into_iter().filter(|name| *name != "OPTION");
        let list = |name: &str| Stream {
            instrument: name.to_string(),
            channel: Channel::Instruments,
        };
        lists.map(list).collect()
    }
}

/// Makes the plan: sessions in the order of markets, endpoints and numbers. What is wanted twice
/// is planned once, and what is polled is left to [`polls`].
///
/// ```
/// use marketprism_core::market::{Channel, Market};
/// use marketprism_core::plan::{Limits, Wanted, plan};
///
/// let wanted = [Channel::Trades, Channel::Books].map(|channel| Wanted {
///     market: Market::Okx,
///     instrument: "BTC-USDT".into(),
///     channel,
/// });
/// let sessions = plan(&wanted, Limits::of).unwrap();
/// assert_eq!(sessions.len(), 1);
/// assert_eq!(sessions[0].name, "okx-public-1");
/// ```
///
/// # Errors
///
/// If something wanted cannot be subscribed to, or if a limit is zero.
pub fn plan(
    wanted: &[Wanted],
    limits: impl Fn(Market) -> Limits,
) -> Result<Vec<SessionPlan>, PlanError> {
    let mut groups = BTreeMap::<(Market, RouteName), (Route, BTreeSet<Stream>)>::new();
    for wish in wanted.iter().filter(|wish| !wish.is_polled()) {
        let (route, stream) = resolve(wish)?;
        let group = groups.entry((wish.market, route.name));
        let (_, streams) = group.or_insert_with(|| (route, BTreeSet::new()));
        streams.insert(stream);
    }
    let mut sessions = Vec::new();
    for ((market, _), (route, streams)) in groups {
        let hands = deal(streams, limits(market)).ok_or(PlanError::NoRoom(market))?;
        let numbered = hands.into_iter().zip(1..);
        sessions.extend(numbered.map(|(streams, number)| session(market, route, number, streams)));
    }
    Ok(sessions)
}

/// Where a wish belongs, and the stream in its one spelling.
fn resolve(wish: &Wanted) -> Result<(Route, Stream), PlanError> {
    let profile = Profile::of(wish.market);
    let unknown = PlanError::UnknownChannel {
        market: wish.market,
        channel: wish.channel,
    };
    let Some(route) = profile.route(wish.channel) else {
        return Err(unknown);
    };
    let stream = wish.stream();
    if !wish.market.is_asked_for(wish.channel) {
        return Ok((*route, stream));
    }
    let alone = [stream.subscription()];
    let mut request = String::new();
    let subscribe = Operation::Subscribe;
    let written = venue::encode(
        wish.market,
        subscribe,
        u64::MAX,
        alone,
        profile.request_bytes,
        &mut request,
    );
    match written {
        Ok(_) => Ok((*route, stream)),
        Err(RequestError::NotOffered(_)) => Err(unknown),
        Err(RequestError::Instrument(_) | RequestError::TooLong) => Err(wish.misnamed()),
    }
}

/// Deals the streams out to as few sessions as the limits allow; `None` if they allow none.
///
/// Books go first, in runs; the others fill the places that are left, in runs as well.
fn deal(streams: BTreeSet<Stream>, limits: Limits) -> Option<Vec<Vec<Stream>>> {
    if limits.streams == 0 || limits.books == 0 {
        return None;
    }
    let books_each = limits.books.min(limits.streams);
    let total = streams.len();
    let (books, others): (Vec<_>, Vec<_>) = streams
        .into_iter()
        .partition(|stream| stream.channel.begins_with_snapshot());
    let sessions = total
        .div_ceil(limits.streams)
        .max(books.len().div_ceil(books_each));
    let (mut books, mut others) = (books.into_iter(), others.into_iter());
    let hands = (0..sessions).map(|_| {
        let mut hand: Vec<_> = books.by_ref().take(books_each).collect();
        let room = limits.streams - hand.len();
        hand.extend(others.by_ref().take(room));
        hand.sort();
        hand
    });
    Some(hands.collect())
}

fn session(market: Market, route: Route, number: u32, streams: Vec<Stream>) -> SessionPlan {
    let place = match route.name {
        RouteName::Stream => market.name().to_string(),
        RouteName::Public
        | RouteName::Market
        | RouteName::Business
        | RouteName::Private
        | RouteName::Api => {
            format!("{market}-{}", route.name.name())
        }
    };
    SessionPlan {
        name: format!("{place}-{number}"),
        market,
        route: route.name,
        endpoint: route.endpoint(),
        streams,
    }
}

impl fmt::Display for PlanError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::UnknownChannel { market, channel } => {
                write!(f, "{market} has no channel `{channel}`; it has")?;
                let mut families = market.families().into_iter();
                families.try_for_each(|family| write!(f, " {family}"))
            }
            Self::Instrument {
                market,
                scope,
                instrument,
            } => write!(
                f,
                "`{}` cannot be the name of {scope} on {market}",
                instrument.escape_debug()
            ),
            Self::NoRoom(market) => {
                write!(
                    f,
                    "a session on {market} must be allowed at least one stream"
                )
            }
        }
    }
}

impl core::error::Error for PlanError {}
