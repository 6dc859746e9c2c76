//! What a message was found to hold: values and places, until somebody borrows it.

use alloc::vec::Vec;

use super::account::Told;
use super::control::{Control, Rejection, RequestId, Subject};
use super::decode::Decoded;
use super::json::{Pools, Run, Span};
use crate::market::{
    Body, Book, BookKind, Candle, Channel, Event, Funding, IndexPrice, Instrument, Level,
    Liquidation, MarkPrice, Market, OpenInterest, PriceLimit, Ratio, Scope, Ticker, Trade, Venue,
};
use crate::time::UnixNanos;

/// Events of one message, at most.
const MAX_ROWS: usize = 10_000;

/// Bytes in the name of an instrument, at most, and in any text that an account is told. Every
/// event of a message may repeat it, so one of megabytes would weigh thousands of times what it
/// did on the wire.
const MAX_NAME: usize = 128;

/// What the message decoded last holds.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Found {
    pub(super) pools: Pools,
    rows: Vec<Row>,
    figures: Vec<Figures>,
    account: Vec<Told>,
    spent: Vec<Row>,
    foreign: usize,
    control: Option<ControlRow>,
    kind: Name,
    /// What the stream is about, where that is not the instrument of each row.
    subject: Option<Span>,
}

/// An event whose texts are places.
#[derive(Clone, Copy, Debug)]
pub(super) struct Row {
    pub(super) instrument: Span,
    pub(super) exchange_time: Option<UnixNanos>,
    pub(super) sent_time: Option<UnixNanos>,
    pub(super) body: RowBody,
}

/// What an account is told of, and when.
#[derive(Clone, Copy, Debug)]
pub(super) struct About {
    pub(super) instrument: Span,
    pub(super) exchange_time: Option<UnixNanos>,
    pub(super) sent_time: Option<UnixNanos>,
}

#[derive(Clone, Copy, Debug)]
pub(super) enum RowBody {
    Trade(TradeRow),
    Book(BookRow),
    /// Where in the figures found.
    Figures(u32),
    /// Where in what an account was found to be told.
    Account(u32),
}

/// What is told in figures. They are large, and what is hot has none.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) enum Figures {
    Candle(Candle),
    Ticker(Ticker),
    MarkPrice(MarkPrice),
    IndexPrice(IndexPrice),
    Funding(Funding),
    PriceLimit(PriceLimit),
    OpenInterest(OpenInterest),
    Liquidation(Liquidation),
    Ratio(Ratio),
    Instrument(Instrument),
}

/// A trade and the place of its only text.
#[derive(Clone, Copy, Debug)]
pub(super) struct TradeRow {
    pub(super) trade: Trade<'static>,
    pub(super) execution: Option<Span>,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct BookRow {
    pub(super) kind: BookKind,
    pub(super) first: Option<i64>,
    pub(super) last: Option<i64>,
    pub(super) previous: Option<i64>,
    pub(super) checksum: Option<i32>,
    pub(super) bids: Run,
    pub(super) asks: Run,
}

/// What a message calls itself.
#[derive(Clone, Copy, Debug)]
pub(super) enum Name {
    Printed(Span),
    Ours(&'static str),
}

/// A control message whose texts are places.
#[derive(Clone, Copy, Debug)]
pub(super) enum ControlRow {
    Ack(Option<RequestId>),
    Answer(Option<RequestId>, Span),
    Subscribed(Option<RequestId>, SubjectRow),
    Unsubscribed(Option<RequestId>, SubjectRow),
    Refused(Option<RequestId>, i64, Span),
    Shutdown(Option<UnixNanos>),
    AccountEnded(Option<UnixNanos>),
    Notice(u32, Span),
    LoggedIn,
    ConnectionCount(Span, u32),
    ConnectionRefused(Span, u32),
    Pong,
}

#[derive(Clone, Copy, Debug)]
pub(super) struct SubjectRow {
    pub(super) channel: Span,
    pub(super) instrument: Span,
}

impl Default for Name {
    fn default() -> Self {
        Self::Ours("")
    }
}

impl Found {
    #[inline(always)]
    pub(super) fn clear(&mut self) {
        self.pools.clear();
        self.rows.clear();
        self.figures.clear();
        self.account.clear();
        self.spent.clear();
        self.foreign = 0;
        self.control = None;
        self.kind = Name::Ours("");
        self.subject = None;
    }

    /// Adds an event, unless it is a trade number spent without a trade; `None` if there are too
    /// many.
    #[inline(always)]
    pub(super) fn push(&mut self, row: Row) -> Option<()> {
        let rows = match row.body {
            RowBody::Trade(TradeRow { trade, .. })
                if trade.price.is_zero() && trade.quantity.is_zero() =>
            {
                &mut self.spent
            }
            RowBody::Trade(_) | RowBody::Book(_) | RowBody::Figures(_) | RowBody::Account(_) => {
                &mut self.rows
            }
        };
        if rows.len() >= MAX_ROWS || row.instrument.len() > MAX_NAME {
            return None;
        }
        rows.push(row);
        Some(())
    }

    /// Keeps figures for the row that is pushed next.
    pub(super) fn push_figures(&mut self, figures: Figures) -> RowBody {
        self.figures.push(figures);
        RowBody::Figures((self.figures.len() - 1) as u32)
    }

    /// Adds what an account is told of something; `None` if there is too much of it.
    pub(super) fn push_account(&mut self, about: About, told: Told) -> Option<()> {
        if told.longest_text() > MAX_NAME {
            return None;
        }
        let row = Row {
            instrument: about.instrument,
            exchange_time: about.exchange_time,
            sent_time: about.sent_time,
            body: RowBody::Account(self.account.len() as u32),
        };
        self.push(row)?;
        self.account.push(told);
        Some(())
    }

    /// Leaves out a row of another market.
    pub(super) const fn leave_out(&mut self) {
        self.foreign += 1;
    }

    /// Says what the stream is about, where that is not the instrument of each row.
    pub(super) const fn set_subject(&mut self, subject: Span) {
        self.subject = Some(subject);
    }

    /// Puts the events into the order in which a stream would have brought them: by their
    /// numbers, and by their times where they have none.
    pub(super) fn put_in_order(&mut self) {
        let number = |body: &RowBody| match body {
            RowBody::Trade(row) => Some(row.trade.id),
            RowBody::Book(row) => row.last,
            RowBody::Figures(_) | RowBody::Account(_) => None,
        };
        self.rows
            .sort_unstable_by_key(|row| (number(&row.body), row.exchange_time));
    }

    /// What to say of the events found.
    #[inline(always)]
    pub(super) const fn events(&self, channel: Channel) -> Decoded {
        Decoded::Events {
            channel,
            count: self.rows.len(),
            spent: self.spent.len(),
            foreign: self.foreign,
        }
    }

    pub(super) const fn set_control(&mut self, control: ControlRow) {
        self.control = Some(control);
    }

    pub(super) const fn set_kind(&mut self, kind: Name) {
        self.kind = kind;
    }

    pub(super) fn kind<'a>(&'a self, text: &'a str) -> &'a str {
        match self.kind {
            Name::Printed(span) => span.of(text, &self.pools),
            Name::Ours(name) => name,
        }
    }

    pub(super) fn event<'a>(
        &'a self,
        market: Market,
        channel: Channel,
        text: &'a str,
        index: usize,
    ) -> Option<Event<'a>> {
        self.lend(market, channel, text, self.rows.get(index)?)
    }

    pub(super) fn spent<'a>(
        &'a self,
        market: Market,
        channel: Channel,
        text: &'a str,
        index: usize,
    ) -> Option<Event<'a>> {
        self.lend(market, channel, text, self.spent.get(index)?)
    }

    fn lend<'a>(
        &'a self,
        market: Market,
        channel: Channel,
        text: &'a str,
        row: &Row,
    ) -> Option<Event<'a>> {
        let body = match row.body {
            RowBody::Trade(row) => Body::Trade(Trade {
                execution: row.execution.map(|span| span.of(text, &self.pools)),
                ..row.trade
            }),
            RowBody::Book(row) => Body::Book(self.book(row)),
            RowBody::Figures(index) => self.figures.get(index as usize)?.body(),
            RowBody::Account(index) => self.account.get(index as usize)?.lend(text, &self.pools),
        };
        let instrument = row.instrument.of(text, &self.pools);
        let subject = match (channel.scope(), self.subject) {
            (Scope::Market, _) => "",
            (_, Some(subject)) => subject.of(text, &self.pools),
            (_, None) => instrument,
        };
        Some(Event {
            market,
            channel,
            instrument,
            subject,
            exchange_time: row.exchange_time,
            sent_time: row.sent_time,
            body,
        })
    }

    fn book(&self, row: BookRow) -> Book<'_> {
        Book {
            kind: row.kind,
            first: row.first,
            last: row.last,
            previous: row.previous,
            checksum: row.checksum,
            bids: self.pools.levels(row.bids),
            asks: self.pools.levels(row.asks),
        }
    }

    pub(super) fn control<'a>(&'a self, venue: Venue, text: &'a str) -> Option<Control<'a>> {
        let of = |span: Span| span.of(text, &self.pools);
        let subject = |row: SubjectRow| Subject {
            channel: of(row.channel),
            instrument: of(row.instrument),
        };
        Some(match self.control? {
            ControlRow::Ack(id) => Control::Ack { id },
            ControlRow::Answer(id, result) => Control::Answer {
                id,
                result: of(result),
            },
            ControlRow::Subscribed(id, row) => Control::Subscribed {
                id,
                subject: subject(row),
            },
            ControlRow::Unsubscribed(id, row) => Control::Unsubscribed {
                id,
                subject: subject(row),
            },
            ControlRow::Refused(id, code, message) => Control::Refused {
                id,
                rejection: Rejection::new(venue, code),
                message: of(message),
                subject: Subject::in_message(of(message)),
            },
            ControlRow::Shutdown(sent_time) => Control::Shutdown { sent_time },
            ControlRow::AccountEnded(sent_time) => Control::AccountEnded { sent_time },
            ControlRow::Notice(code, message) => Control::Notice {
                code,
                message: of(message),
            },
            ControlRow::LoggedIn => Control::LoggedIn,
            ControlRow::ConnectionCount(channel, count) => Control::ConnectionCount {
                channel: of(channel),
                count,
            },
            ControlRow::ConnectionRefused(channel, count) => Control::ConnectionRefused {
                channel: of(channel),
                count,
            },
            ControlRow::Pong => Control::Pong,
        })
    }
}

impl Figures {
    const fn body(&self) -> Body<'_> {
        match self {
            Self::Candle(candle) => Body::Candle(candle),
            Self::Ticker(ticker) => Body::Ticker(ticker),
            Self::MarkPrice(price) => Body::MarkPrice(price),
            Self::IndexPrice(price) => Body::IndexPrice(price),
            Self::Funding(funding) => Body::Funding(funding),
            Self::PriceLimit(limit) => Body::PriceLimit(limit),
            Self::OpenInterest(interest) => Body::OpenInterest(interest),
            Self::Liquidation(liquidation) => Body::Liquidation(liquidation),
            Self::Ratio(ratio) => Body::Ratio(ratio),
            Self::Instrument(instrument) => Body::Instrument(instrument),
        }
    }
}

impl BookRow {
    /// The best bid and ask alone; a side without quantity has no orders.
    #[inline(always)]
    pub(super) fn top(pools: &mut Pools, last: i64, bid: Level, ask: Level) -> Option<Self> {
        let mut side = |level: Level| {
            let mark = pools.mark();
            if !level.quantity.is_zero() {
                pools.push(level)?;
            }
            Some(pools.since(mark))
        };
        Some(Self {
            kind: BookKind::Top(1),
            first: None,
            last: Some(last),
            previous: None,
            checksum: None,
            bids: side(bid)?,
            asks: side(ask)?,
        })
    }
}
