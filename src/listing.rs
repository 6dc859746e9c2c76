//! What the venues' lists say of the instruments that lines are about, and what is wrong with
//! them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use marketprism_core::market::{Body, Catalog, Collision, Content, Listed, Market, Scope};
use marketprism_core::session::{Change, Event, Heard, Reached};

use crate::config::Planned;
use crate::failure::Failure;
use crate::ndjson::Writer;

/// So many troubles are kept for the verdict.
const TROUBLES_MAX: usize = 1000;

/// The lists of all markets, as they have been told so far.
#[derive(Debug, Default)]
pub(crate) struct Listing {
    catalogs: BTreeMap<Market, Catalog>,
    troubles: Vec<Trouble>,
}

/// Why what is to be collected cannot be what was meant, or cannot be told in full.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// The venue's lists have no such instrument.
    Unlisted(Market, String),
    /// Two of its instruments cannot be told apart.
    Collision(Market, Collision),
    /// A list cannot be had yet.
    Silent(Market),
}

/// What becomes of instruments that the venue's lists do not have.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Unlisted {
    /// Nothing is collected until the configuration has been corrected.
    #[default]
    Refuse,
    /// It is told.
    Tell,
}

impl Listing {
    /// Appends the lines of an event of a writer's session, which may tell of instruments.
    pub(crate) fn write(&mut self, writer: &Writer, out: &mut Vec<u8>, heard: &Heard<'_>) {
        if let Some(collision) = self.hear(writer.market(), heard) {
            writer.collision(out, heard.received, &collision);
        }
        let listed = self.of(&heard.event);
        writer.event(out, heard.received, &heard.event, listed);
    }

    /// What the lists say of the instrument that an event is about.
    pub(crate) fn of(&self, event: &Event<'_>) -> Option<&Listed> {
        let (Event::Market(event) | Event::OutOfOrder { event, .. } | Event::Backfilled(event)) =
            event
        else {
            return None;
        };
        match event.channel.scope() {
            // The name of an index may be that of an instrument as well.
            Scope::Pair | Scope::Contract => None,
            Scope::Instrument | Scope::InstrumentType | Scope::AnyType | Scope::Market => {
                self.catalogs.get(&event.market)?.find(event.instrument)
            }
        }
    }

    /// Takes in what an event says of the instruments of its market.
    fn hear(&mut self, market: Market, heard: &Heard<'_>) -> Option<Collision> {
        match &heard.event {
            Event::Market(event) => {
                let Body::Instrument(instrument) = event.body else {
                    return None;
                };
                let catalog = self.catalogs.entry(market).or_default();
                let added = catalog.add(event.instrument, instrument, heard.received);
                let collision = added.err()?;
                self.note(Trouble::Collision(market, collision.clone()));
                Some(collision)
            }
            Event::Subscription { stream, change }
                if stream.channel.content() == Content::Instruments =>
            {
                match change {
                    Change::Unlisted => {
                        let name = stream.instrument.clone();
                        self.note(Trouble::Unlisted(market, name));
                    }
                    Change::Silent | Change::Refused(_) => self.note(Trouble::Silent(market)),
                    Change::Requested { .. }
                    | Change::Confirmed
                    | Change::Live
                    | Change::Renewing
                    | Change::Mute => {}
                }
                None
            }
            Event::OutOfOrder { .. }
            | Event::Backfilled(_)
            | Event::Status(_)
            | Event::Subscription { .. }
            | Event::Gap(_)
            | Event::Book { .. }
            | Event::Filled { .. }
            | Event::Unfillable { .. }
            | Event::Notice(_)
            | Event::Key(_)
            | Event::Undecoded(_) => None,
        }
    }

    fn note(&mut self, trouble: Trouble) {
        if self.troubles.len() < TROUBLES_MAX && !self.troubles.contains(&trouble) {
            self.troubles.push(trouble);
        }
    }

    /// Judges the lists before anything is collected: what is to be told to people, unless it
    /// must not begin.
    ///
    /// # Errors
    ///
    /// Two instruments cannot be told apart, or one is not listed that should be.
    pub(crate) fn judge(&self, strictness: &Strictness) -> Result<&[Trouble], Failure> {
        let grave = |trouble: &&Trouble| strictness.refuses(trouble);
        match self.troubles.iter().find(grave) {
            Some(trouble) => Err(Failure::Instruments(trouble.to_string())),
            None => Ok(&self.troubles),
        }
    }
}

/// Which troubles are reason enough not to begin.
#[derive(Debug)]
pub(crate) struct Strictness {
    unlisted: Unlisted,
    /// Instruments that have been collected before: they were listed once.
    collected: BTreeSet<(Market, String)>,
}

impl Strictness {
    pub(crate) fn of(unlisted: Unlisted, sessions: &[Planned]) -> Self {
        let names = |planned: &Planned| {
            let market = planned.plan.market;
            let name = move |reached: &Reached| (market, reached.stream.instrument.clone());
            planned
                .settings
                .reached
                .iter()
                .map(name)
                .collect::<Vec<_>>()
        };
        Self {
            unlisted,
            collected: sessions.iter().flat_map(names).collect(),
        }
    }

    fn refuses(&self, trouble: &Trouble) -> bool {
        match trouble {
            Trouble::Collision(..) => true,
            Trouble::Unlisted(market, name) => {
                let is_known = self.collected.contains(&(*market, name.clone()));
                self.unlisted == Unlisted::Refuse && !is_known
            }
            Trouble::Silent(_) => false,
        }
    }
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unlisted(Market::Okx, name) => write!(
                f,
                "okx has no instrument `{name}` in its lists of SPOT, SWAP and FUTURES (options are in none of them: `unlisted: tell` lets them pass)"
            ),
            Self::Unlisted(market, name) => {
                write!(f, "{market} has no instrument `{name}` in its list")
            }
            Self::Collision(market, collision) => {
                write!(
                    f,
                    "instruments of {market} cannot be told apart: {collision}"
                )
            }
            Self::Silent(market) => write!(
                f,
                "the list of instruments of {market} cannot be had yet: until it comes, lines have neither symbols nor base quantities"
            ),
        }
    }
}
