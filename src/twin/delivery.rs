//! The way of the news to one client, and what faults do to them there.

use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::market::{Channel, Market};

use super::client::Client;
use super::desk::{Disturbance, Flow, Kept, Subscription};
use super::exchange::ConnectionId;
use super::ledger::{Disorder, Ledger, Omission};
use super::news::{About, Beat, Clock, Feed, Ids, Markets, Message, News, Place, is_due};
use super::rules::Rules;
use super::{binance, okx};

/// Whether a client keeps up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Pace {
    KeepsUp,
    TooSlow,
}

/// The way of the news to one client.
pub(super) struct Delivery<'a> {
    pub(super) market: Market,
    pub(super) rules: &'a Rules,
    pub(super) ledger: &'a mut Ledger,
    pub(super) markets: Markets<'a>,
    pub(super) clock: Clock,
    pub(super) id: ConnectionId,
}

impl Delivery<'_> {
    /// Tells the news from a place to a client.
    pub(super) fn deliver(&mut self, client: &mut Client, place: Place, news: News<'_>) -> Pace {
        // Taken out, so that the rest of the client can be used meanwhile.
        let mut held = std::mem::take(&mut client.desk.subscriptions);
        let about = |held: &&mut Subscription| {
            held.flow != Flow::Silent && held.feed.is_some_and(|feed| feed.about.is_at(place))
        };
        let mut pace = Pace::KeepsUp;
        for subscription in held.iter_mut().filter(about) {
            for message in self.messages(subscription, place, news) {
                if pace == Pace::KeepsUp {
                    pace = self.send(client, subscription, message, news.at());
                }
            }
        }
        client.desk.subscriptions = held;
        pace
    }

    fn messages(&self, held: &Subscription, place: Place, news: News<'_>) -> Vec<Message> {
        let Some(feed) = held.feed else {
            return Vec::new();
        };
        if let News::Beat { at, number } = news {
            return self.beat(held, feed, at, number);
        }
        let book = self.markets.at(place);
        let Some(book) = book.filter(|book| feed.about.takes(book.instrument().kind())) else {
            return Vec::new();
        };
        match self.market {
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                binance::data::messages(book, feed.channel, news, self.clock)
            }
            Market::Okx => {
                let first = held.delivered == 0 && feed.channel.begins_with_snapshot();
                match (first, news) {
                    (false, _) => okx::data::messages(book, feed.channel, news, self.clock),
                    // Only there does the update behind it say that it follows.
                    (true, News::Interval { cadence, .. })
                        if okx::data::cadence(feed.channel) == Some(cadence) =>
                    {
                        vec![okx::data::snapshot(book, feed.channel, news, self.clock)]
                    }
                    (true, _) => Vec::new(),
                }
            }
        }
    }

    /// What a stream that speaks at a rhythm says at this beat. OKX says how things stand as soon
    /// as it is asked.
    fn beat(&self, held: &Subscription, feed: Feed, at: Time, number: u64) -> Vec<Message> {
        let Some(rhythm) = rhythm(self.market, feed.channel) else {
            return Vec::new();
        };
        let every = self.rules.rhythm(rhythm);
        let begins = self.market == Market::Okx && held.delivered == 0;
        if !begins && !is_due(every, number) {
            return Vec::new();
        }
        let beat = Beat { at, every };
        match self.market {
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                binance::figures::messages(self.markets, feed, beat, self.clock)
            }
            Market::Okx => okx::figures::messages(self.markets, feed, beat, self.clock),
        }
    }

    /// Sends a message, or does with it what a fault has in mind for its stream.
    fn send(
        &mut self,
        client: &mut Client,
        held: &mut Subscription,
        message: Message,
        at: Time,
    ) -> Pace {
        let ids = message.ids.filter(|_| !message.void);
        let (Flow::Disturbed { how, kept, .. }, Some(ids)) = (&mut held.flow, ids) else {
            return self.put(client, held, &message, at);
        };
        match (*how, kept) {
            (_, Some(kept)) => {
                kept.behind = kept.behind.saturating_sub(1);
                let pace = self.put(client, held, &message, at);
                pace.max(self.release(client, held, at))
            }
            (Disturbance::Omitted, None) => {
                held.flow.count_down();
                self.omit(held, ids, at)
            }
            (Disturbance::Spoiled(bad), None) => {
                held.flow.count_down();
                let text = bad.instead_of(&self.text(client, held, &message));
                self.omit(held, ids, at).max(push(client, &text))
            }
            (Disturbance::Doubled, None) => self.double(client, held, &message, at),
            (Disturbance::KeptBack { behind }, kept @ None) => {
                *kept = Some(Kept {
                    message,
                    since: held.reached,
                    behind,
                });
                self.omit(held, ids, at)
            }
        }
    }

    /// Sends a message in its place.
    fn put(
        &mut self,
        client: &mut Client,
        held: &mut Subscription,
        message: &Message,
        at: Time,
    ) -> Pace {
        let pace = push(client, &self.text(client, held, message));
        if pace == Pace::KeepsUp {
            held.delivered += 1;
            held.reached = message.ids.map(|ids| ids.last).or(held.reached);
            client.pushed(at, self.rules);
            self.ledger.sent(at, self.id, &held.name, message.ids);
            if held.flow == Flow::Flowing && client.outlet.is_free() {
                self.ledger.flowed(at, self.id, &held.name);
            }
        }
        pace
    }

    fn omit(&mut self, held: &Subscription, ids: Ids, at: Time) -> Pace {
        self.ledger.omitted(Omission {
            at,
            connection: self.id,
            instrument: self.instrument(held),
            stream: held.name.clone(),
            ids,
            followed: None,
        });
        Pace::KeepsUp
    }

    fn double(
        &mut self,
        client: &mut Client,
        held: &mut Subscription,
        message: &Message,
        at: Time,
    ) -> Pace {
        let since = held.reached;
        let pace = self.put(client, held, message, at);
        held.flow.count_down();
        pace.max(self.repeat(client, held, (message, since), at))
    }

    /// Sends what was kept back, once enough has gone by.
    fn release(&mut self, client: &mut Client, held: &mut Subscription, at: Time) -> Pace {
        let Flow::Disturbed { kept, .. } = &mut held.flow else {
            return Pace::KeepsUp;
        };
        let Some(Kept { message, since, .. }) = kept.take_if(|kept| kept.behind == 0) else {
            return Pace::KeepsUp;
        };
        held.flow.count_down();
        self.repeat(client, held, (&message, since), at)
    }

    /// Sends a message out of its place: behind what was sent after it, or once more.
    fn repeat(
        &mut self,
        client: &mut Client,
        held: &Subscription,
        (message, since): (&Message, Option<u64>),
        at: Time,
    ) -> Pace {
        let pace = push(client, &self.text(client, held, message));
        if let (Pace::KeepsUp, Some(ids), Some(reached)) = (pace, message.ids, held.reached) {
            self.ledger.disordered(Disorder {
                at,
                connection: self.id,
                instrument: self.instrument(held),
                stream: held.name.clone(),
                ids,
                since: since.unwrap_or_else(|| ids.first.saturating_sub(1)),
                reached,
            });
        }
        pace
    }

    /// The instrument of a stream whose messages have ids.
    fn instrument(&self, held: &Subscription) -> String {
        let about = held.feed.map_or(About::Everything, |feed| feed.about);
        let book = self.markets.about(about).next();
        book.map_or_else(String::new, |book| book.instrument().id().to_owned())
    }

    fn text(&self, client: &Client, held: &Subscription, message: &Message) -> String {
        match self.market {
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                let payload = message.payload.clone();
                binance::data::envelope(client.desk.wrapped, &held.name, payload)
            }
            Market::Okx => okx::data::envelope(&held.name, &message.payload),
        }
    }
}

/// How often a channel speaks, if it does so at a rhythm.
pub(super) fn rhythm(market: Market, channel: Channel) -> Option<Duration> {
    match market {
        Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
            binance::figures::rhythm(market, channel)
        }
        Market::Okx => okx::figures::rhythm(channel),
    }
}

fn push(client: &mut Client, text: &str) -> Pace {
    match client.server.queue().text(text) {
        Ok(()) => Pace::KeepsUp,
        Err(_) => Pace::TooSlow,
    }
}
