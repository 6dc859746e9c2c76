//! News on their way to those who subscribed.

use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::market::Market;

use super::delivery::{Delivery, Pace, rhythm};
use super::desk::Subscription;
use super::exchange::{ConnectionId, Exchange};
use super::market::next_beat;
use super::news::{BEAT, Clock, Markets, News, Place, Unit};
use super::tape::Diff;

impl Exchange {
    pub(super) fn publish_interval(
        &mut self,
        index: usize,
        at: Time,
        cadence: Duration,
        diff: Option<&Diff>,
    ) {
        self.publish(Place::Own(index), News::Interval { at, cadence, diff });
    }

    /// Tells news to every client that asked for them.
    pub(super) fn publish(&mut self, place: Place, news: News<'_>) {
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
                markets: Markets {
                    own: &self.books,
                    aside: &self.aside,
                },
                clock: Clock {
                    origin: self.origin,
                    unit: client.desk.unit,
                },
                id: *id,
            };
            if delivery.deliver(client, place, news) == Pace::TooSlow {
                slow.push(*id);
            }
        }
        for id in slow {
            self.drop_slow(news.at(), id);
        }
    }

    /// A beat of the streams that speak at a rhythm; there is another while anybody has one.
    pub(super) fn beat(&mut self, at: Time) {
        let millis = self.clock(Unit::Millis).millis(at);
        let beat = u64::try_from(BEAT.as_millis()).unwrap_or(u64::MAX);
        let number = millis / beat;
        self.publish(Place::Everywhere, News::Beat { at, number });
        self.beat = None;
        self.keep_beat(at);
    }

    /// Sees to it that there are beats if anybody has streams that need them.
    pub(super) fn keep_beat(&mut self, now: Time) {
        let market = self.market;
        let needs = |held: &Subscription| {
            let feed = held.feed;
            feed.is_some_and(|feed| rhythm(market, feed.channel).is_some())
        };
        let mut clients = self.clients.values();
        if self.beat.is_none() && clients.any(|client| client.desk.subscriptions.iter().any(needs))
        {
            self.beat = Some(next_beat(self.origin, now, BEAT));
        }
    }

    /// A client whose backlog has reached its limit is told so behind it, and dropped if it does
    /// not come to read that in time.
    pub(super) fn drop_slow(&mut self, at: Time, id: ConnectionId) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let (code, reason) = match self.market {
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                (1008, "Slow client")
            }
            Market::Okx => (4005, "Write buffer full"),
        };
        client.close(at, &self.rules, code, reason);
    }
}
