//! News on their way to those who subscribed.

use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::market::Market;

use super::delivery::{Delivery, Pace};
use super::exchange::{ConnectionId, Exchange};
use super::news::{Clock, News};
use super::tape::Diff;

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
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                (1008, "Slow client")
            }
            Market::Okx => (4005, "Write buffer full"),
        };
        client.close(at, &self.rules, code, reason);
    }
}
