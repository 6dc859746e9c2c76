//! What to collect: markets, instruments, channels, and over how many lines.

use marketprism_core::lines::{self, Line};
use marketprism_core::market::{Channel, Market, Scope};
use marketprism_core::plan::{self, Limits, PlanError, PollPlan, SessionPlan, Wanted, plan, polls};

use super::error::Flaw;
use super::fields::{Field, Mapping};

/// How many streams may be wanted in all.
const STREAMS_MAX: usize = 20_000;

/// What is wanted.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    /// On the first line: everything.
    first: Vec<Wanted>,
    /// On the second line: what is wanted over two.
    second: Vec<Wanted>,
}

impl Wishes {
    pub(super) fn read(collect: &Field<'_>) -> Result<Self, Flaw> {
        let mut read = Self::default();
        for item in collect.list()? {
            read.entry(&item)?;
            if read.first.len() + read.second.len() > STREAMS_MAX {
                let message = format!("asks for more than {STREAMS_MAX} streams in all");
                return Err(collect.refuse(message));
            }
        }
        Ok(read)
    }

    /// The sessions of the first line, then those of the second.
    pub(super) fn plan(
        &self,
        limits: impl Fn(Market) -> Limits,
    ) -> Result<Vec<(SessionPlan, Line)>, PlanError> {
        let first = plan(&self.first, &limits)?;
        let second = plan(&self.second, &limits)?;
        let second = second.into_iter().map(|mut session| {
            session.name.push_str("-b");
            (session, Line::B)
        });
        let first = first.into_iter().map(|session| (session, Line::A));
        Ok(first.chain(second).collect())
    }

    /// What is polled. Two lines have it once.
    pub(super) fn polls(&self) -> Result<Vec<PollPlan>, PlanError> {
        polls(&self.first)
    }

    /// The lists that tell what is wanted.
    pub(super) fn lists(&self) -> Vec<PollPlan> {
        plan::lists(&self.first)
    }

    fn entry(&mut self, item: &Field<'_>) -> Result<(), Flaw> {
        let mapping = item.mapping(&["market", "instruments", "channels", "lines"])?;
        let markets = Market::ALL.map(|market| (market.name(), market));
        let market = mapping.required("market")?.choice(&markets)?;
        let channels = mapping.required("channels")?;
        let channels = channels.list()?;
        let channels = channels.iter().map(|field| read_channel(field, market));
        let channels = channels.collect::<Result<Vec<_>, _>>()?;
        let wishes = read_wishes(&mapping, market, &channels)?;
        if read_lines(&mapping, market, &channels)? == Line::ALL.len() {
            self.second.extend_from_slice(&wishes);
        }
        self.first.extend(wishes);
        Ok(())
    }
}

/// How many sessions are to bring each stream: two only where what they bring can be merged.
fn read_lines(mapping: &Mapping<'_>, market: Market, channels: &[Channel]) -> Result<usize, Flaw> {
    let Some(field) = mapping.optional("lines") else {
        return Ok(1);
    };
    let lines = field.choice(&[("1", 1), ("2", 2)])?;
    let comparable = |&channel: &Channel| lines::comparable(market, channel);
    match channels.iter().try_for_each(comparable) {
        Err(reason) if lines > 1 => Err(field.refuse(format_args!("cannot be 2: {reason}"))),
        Ok(()) | Err(_) => Ok(lines),
    }
}

/// What an entry asks for, instrument by instrument. Channels of the whole market, and of the whole
/// account, need none.
fn read_wishes(
    mapping: &Mapping<'_>,
    market: Market,
    channels: &[Channel],
) -> Result<Vec<Wanted>, Flaw> {
    if mapping.optional("instruments").is_none() {
        let whole = channels.iter().map(|channel| match channel.scope() {
            Scope::Market => Some(""),
            Scope::AnyType => Some("ANY"),
            Scope::Instrument | Scope::Pair | Scope::Contract | Scope::InstrumentType => None,
        });
        if let Some(whole) = whole.collect::<Option<Vec<_>>>() {
            let wish = |(name, channel)| wishes(market, name, std::slice::from_ref(channel));
            return Ok(whole.into_iter().zip(channels).flat_map(wish).collect());
        }
    }
    let instruments = mapping.required("instruments")?;
    let instruments = instruments.list()?;
    let mut wishes = Vec::new();
    for field in &instruments {
        wishes.extend(read_instrument(field, market, channels)?);
    }
    Ok(wishes)
}

fn wishes(market: Market, instrument: &str, channels: &[Channel]) -> Vec<Wanted> {
    let wish = |&channel: &Channel| Wanted {
        market,
        instrument: instrument.to_owned(),
        channel,
    };
    channels.iter().map(wish).collect()
}

fn read_channel(field: &Field<'_>, market: Market) -> Result<Channel, Flaw> {
    let text = field.text()?;
    let offered = Channel::all().filter(|channel| market.offers(*channel));
    let names: Vec<_> = offered
        .map(|channel| (channel.to_string(), channel))
        .collect();
    match names.iter().find(|(name, _)| name == text) {
        Some((_, channel)) => Ok(*channel),
        None => {
            let names = names.iter().map(|(name, _)| name.as_str());
            Err(field.unknown(text, names, market.families().into_iter()))
        }
    }
}

fn read_instrument(
    field: &Field<'_>,
    market: Market,
    channels: &[Channel],
) -> Result<Vec<Wanted>, Flaw> {
    let wishes = wishes(market, field.text()?, channels);
    match plan(&wishes, Limits::of).and_then(|_| polls(&wishes)) {
        Ok(_) => Ok(wishes),
        Err(error) => Err(field.refuse(format_args!("is no instrument: {error}"))),
    }
}
