//! REST: requests that open no WebSocket, one after the other on connections that stay.

use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::market::Market;

use super::answer::Answer;
use super::exchange::{Command, ConnectionId, Exchange};
use super::news::Unit;
use super::toll::Passage;
use super::uri::Target;
use super::{binance, okx};

/// Answers on one connection; the last says that there will be no more.
const MAX_ANSWERS: u32 = 1000;

/// What becomes of a connection behind an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum After {
    /// It awaits another request.
    Stay,
    /// It ends.
    Close,
}

impl Exchange {
    /// Answers a request, and awaits another one unless the client wants no more.
    pub(super) fn serve_rest(
        &mut self,
        now: Time,
        id: ConnectionId,
        target: &Target,
        after: After,
    ) {
        if let Some(bad) = self.bad_answer(now) {
            return self.answer_badly(now, id, target, bad, after);
        }
        let answer = self.rest(now, target);
        self.reply_over_rest(now, id, &answer, after);
    }

    /// Says this, and awaits another request unless the client wants no more.
    pub(super) fn reply_over_rest(
        &mut self,
        now: Time,
        id: ConnectionId,
        answer: &Answer,
        after: After,
    ) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        client.answered += 1;
        match after {
            After::Stay if client.answered < MAX_ANSWERS => {
                // A backlog that is full of answers has a client that reads none.
                match client.server.respond(&answer.bytes(After::Stay)) {
                    Ok(()) => client.stay(now, &self.rules),
                    Err(_) => self.end(id, Command::Close(id)),
                }
            }
            After::Stay | After::Close => self.respond(now, id, answer),
        }
    }

    /// Answers, and closes once the answer is out.
    pub(super) fn respond(&mut self, now: Time, id: ConnectionId, answer: &Answer) {
        self.finish(now, id, &answer.bytes(After::Close));
    }

    /// Sends these bytes, and closes once they are out.
    pub(super) fn finish(&mut self, now: Time, id: ConnectionId, bytes: &[u8]) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        // Where the queue has no room, the end alone is the answer.
        client.server.respond(bytes).unwrap_or_default();
        client.end(now, &self.rules);
        self.end(id, Command::Close(id));
    }

    pub(super) fn rest(&mut self, now: Time, target: &Target) -> Answer {
        let toll = match self.market {
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                binance::rest::toll(self.market, &self.rules, target)
            }
            Market::Okx => okx::rest::toll(&self.rules, target),
        };
        let Some(toll) = toll else {
            return Answer::json(404, "");
        };
        match self.tolls.pay(now, toll, self.rules.ban) {
            Passage::Free => self.granted(now, target),
            Passage::TooMany(left) => self.refused(now, 429, left),
            Passage::Banned(left) => self.refused(now, 418, left),
        }
    }

    fn granted(&mut self, now: Time, target: &Target) -> Answer {
        self.ledger.snapshot_served();
        let stamp = self.clock(Unit::Millis).stamp(now);
        match self.market {
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                let used = self.tolls.used(binance::rest::WEIGHT);
                binance::rest::answer(self.market, &self.books, target, stamp)
                    .field("X-MBX-USED-WEIGHT-1M", used)
            }
            Market::Okx => okx::rest::answer(&self.books, target, stamp),
        }
    }

    pub(super) fn refused(&self, now: Time, status: u16, left: Duration) -> Answer {
        match self.market {
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                let until = self.clock(Unit::Millis).stamp(now + left);
                binance::rest::too_many(status, until).field("Retry-After", seconds(left))
            }
            Market::Okx => Answer::json(status, okx::rest::TOO_MANY),
        }
    }
}

/// Whole seconds, rounded up, as `Retry-After` has them (RFC 9110 section 10.2.3).
pub(super) fn seconds(left: Duration) -> u64 {
    left.as_secs() + u64::from(left.subsec_nanos() > 0)
}
