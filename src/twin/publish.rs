//! News on their way to those who subscribed.

use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::market::Market;

use super::client::Client;
use super::desk::{Flow, Subscription};
use super::exchange::{ConnectionId, Exchange};
use super::ledger::{Ledger, Omission};
use super::market::SyntheticMarket;
use super::news::{Clock, Message, News};
use super::rules::Rules;
use super::tape::Diff;
use super::{binance, okx};

/// Whether a client keeps up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Pace {
    KeepsUp,
    TooSlow,
}

impl Exchange {
    pub(super) fn publish_interval(
        &mut self,
        index: usize,
        at: Time,
        cadence: Duration,
        diff: Option<&Diff>,
    ) {
        self.publish(index, News::Interval { at, cadence, diff });
    }

    /// Tells the news of an instrument to every client that asked for them.
    pub(super) fn publish(&mut self, index: usize, news: News<'_>) {
        let Some(book) = self.books.get(index) else {
            return;
        };
        let mut slow = Vec::new();
        for (id, client) in self
            .clients
            .iter_mut()
            .filter(|(_, client)| client.is_served())
        {
            let mut delivery = Delivery {
                market: self.market,
                rules: &self.rules,
                ledger: &mut self.ledger,
                book,
                clock: Clock {
                    origin: self.origin,
                    unit: client.desk.unit,
                },
                id: *id,
            };
            if delivery.deliver(client, index, news) == Pace::TooSlow {
                slow.push(*id);
            }
        }
        for id in slow {
            self.drop_slow(news.at(), id);
        }
    }

    /// A client whose backlog has reached its limit is told so behind it, and dropped if it does
    /// not come to read that in time.
    pub(super) fn drop_slow(&mut self, at: Time, id: ConnectionId) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let (code, reason) = match self.market {
            Market::BinanceSpot | Market::BinanceUsdm => (1008, "Slow client"),
            Market::Okx => (4005, "Write buffer full"),
        };
        client.close(at, &self.rules, code, reason);
    }
}

/// The way of the news to one client.
struct Delivery<'a> {
    market: Market,
    rules: &'a Rules,
    ledger: &'a mut Ledger,
    book: &'a SyntheticMarket,
    clock: Clock,
    id: ConnectionId,
}

impl Delivery<'_> {
    fn deliver(&mut self, client: &mut Client, index: usize, news: News<'_>) -> Pace {
        // Taken out, so that the rest of the client can be used meanwhile.
        let mut held = std::mem::take(&mut client.desk.subscriptions);
        let about = |held: &&mut Subscription| {
            held.flow != Flow::Silent && held.feed.is_some_and(|feed| feed.instrument == index)
        };
        let mut pace = Pace::KeepsUp;
        for subscription in held.iter_mut().filter(about) {
            for message in self.messages(subscription, news) {
                if pace == Pace::KeepsUp {
                    pace = self.send(client, subscription, message, news.at());
                }
            }
        }
        client.desk.subscriptions = held;
        pace
    }

    fn messages(&self, held: &Subscription, news: News<'_>) -> Vec<Message> {
        let Some(feed) = held.feed else {
            return Vec::new();
        };
        match self.market {
            Market::BinanceSpot | Market::BinanceUsdm => {
                binance::data::messages(self.market, self.book, feed.channel, news, self.clock)
            }
            Market::Okx => {
                let first = held.delivered == 0 && feed.channel.begins_with_snapshot();
                match (first, news) {
                    (false, _) => okx::data::messages(self.book, feed.channel, news, self.clock),
                    // Only there does the update behind it say that it follows.
                    (true, News::Interval { cadence, .. })
                        if okx::data::cadence(feed.channel) == Some(cadence) =>
                    {
                        vec![okx::data::snapshot(
                            self.book,
                            feed.channel,
                            news,
                            self.clock,
                        )]
                    }
                    (true, News::Interval { .. } | News::Step(_)) => Vec::new(),
                }
            }
        }
    }

    fn send(
        &mut self,
        client: &mut Client,
        held: &mut Subscription,
        message: Message,
        at: Time,
    ) -> Pace {
        if let (Flow::Omitting(left), Some(ids)) = (held.flow, message.ids) {
            held.flow = match left {
                0 | 1 => Flow::Flowing,
                _ => Flow::Omitting(left - 1),
            };
            self.ledger.omitted(Omission {
                at,
                connection: self.id,
                instrument: self.book.instrument().id().to_owned(),
                stream: held.name.clone(),
                ids,
                followed: None,
            });
            return Pace::KeepsUp;
        }
        let text = match self.market {
            Market::BinanceSpot | Market::BinanceUsdm => {
                binance::data::envelope(client.desk.wrapped, &held.name, message.payload)
            }
            Market::Okx => okx::data::envelope(&held.name, &message.payload),
        };
        if client.server.queue().text(&text).is_err() {
            return Pace::TooSlow;
        }
        held.delivered += 1;
        client.pushed(at, self.rules);
        self.ledger.sent(at, self.id, &held.name);
        Pace::KeepsUp
    }
}
