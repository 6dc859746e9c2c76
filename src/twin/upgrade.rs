//! What clients ask for: upgrades and subscriptions.

use std::time::Duration;

use marketprism_core::Time;
use marketprism_core::market::Market;

use super::account::{Caller, is_of_keys};
use super::answer::Answer;
use super::client::{Conduct, Stage};
use super::desk::Opening;
use super::exchange::{Command, ConnectionId, Exchange};
use super::gate::{BadUpgrade, Barrier, HangUp, Mishap};
use super::news::{Feed, Unit};
use super::rest::{After, seconds};
use super::rules::Verdict;
use super::uri::Target;
use super::{binance, okx};

/// Binance heeds no request longer than this and says nothing about it (as observed).
const MAX_BINANCE_REQUEST: usize = 4096;

/// What a request is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// To speak WebSocket.
    Upgrade,
    /// To be answered.
    Answer(After),
}

impl Exchange {
    /// An HTTP request has come.
    pub(super) fn request(
        &mut self,
        now: Time,
        id: ConnectionId,
        target: &str,
        (wish, caller): (Wish, &Caller),
    ) {
        let target = Target::parse(target);
        if let Wish::Answer(after) = wish {
            if is_of_keys(self.market, &target.path) {
                let answer = self.listen_key(now, caller);
                return self.reply_over_rest(now, id, &answer, after);
            }
            return self.serve_rest(now, id, &target, after);
        }
        let Some(opening) = self.opening(&target) else {
            return self.respond(now, id, &Answer::json(404, ""));
        };
        let route = opening.route;
        if let Some(client) = self.clients.get_mut(&id) {
            client.desk.route = route;
        }
        self.ledger.upgrade_asked(route);
        match self.barrier(now, route) {
            Some((Barrier::Status(status), left)) => {
                self.refuse(now, id, route, &refused(status, left));
            }
            Some((Barrier::HangUp(HangUp::BeforeAnswer), _)) => {
                self.ledger.upgrade_refused(route);
                self.end(id, Command::Close(id));
            }
            Some((Barrier::HangUp(HangUp::AfterAnswer), _)) => {
                self.open(now, id, opening);
                self.end(id, Command::Close(id));
            }
            None => match self.connects.count(now, self.rules.connects) {
                Verdict::Within => self.open(now, id, opening),
                Verdict::Beyond(left) => self.refuse(now, id, route, &refused(429, left)),
            },
        }
    }

    fn refuse(&mut self, now: Time, id: ConnectionId, route: &'static str, answer: &Answer) {
        self.ledger.upgrade_refused(route);
        self.respond(now, id, answer);
    }

    fn opening(&self, target: &Target) -> Option<Opening> {
        match self.market {
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                binance::open(self.market, target)
            }
            Market::Okx => okx::open(target),
        }
    }

    fn open(&mut self, now: Time, id: ConnectionId, opening: Opening) {
        let names = opening.streams.iter();
        let streams: Vec<_> = names.map(|name| self.named(opening.route, name)).collect();
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        if client.server.accept(None).is_err() {
            return self.respond(now, id, &Answer::json(400, ""));
        }
        client.open(now, &self.rules);
        client.desk.wrapped = opening.wrapped;
        client.desk.unit = opening.unit;
        for (name, feed) in streams {
            client.desk.subscribe(&name, feed);
        }
        self.keep_beat(now);
        match self.bad_upgrade(opening.route) {
            None => self.ledger.upgrade_granted(opening.route),
            Some(BadUpgrade::Slow(span)) => {
                self.ledger.upgrade_granted(opening.route);
                self.with(id, |client, _| client.slow(now, span));
            }
            Some(
                bad @ (BadUpgrade::Unanswered | BadUpgrade::Unfinished | BadUpgrade::WrongKey),
            ) => {
                self.ledger.upgrade_refused(opening.route);
                self.spoil_answer(now, id, bad);
            }
        }
    }

    /// A stream that a path subscribes to: its name, and what it tells. A key is no name.
    fn named(&self, route: &str, name: &str) -> (String, Option<Feed>) {
        match self.account_stream(name) {
            Some((name, feed)) => (name.to_owned(), Some(feed)),
            None => {
                let feed = binance::stream(self.market, route, &self.instruments, name);
                (name.to_owned(), feed)
            }
        }
    }

    /// Spoils the answer that is on its way, so that the upgrade does not come about.
    fn spoil_answer(&mut self, now: Time, id: ConnectionId, bad: BadUpgrade) {
        let until = now + self.linger;
        self.with(id, |client, _| {
            client.say(&[]);
            let answer = client.outlet.ahead();
            match bad {
                BadUpgrade::Unanswered => answer.clear(),
                BadUpgrade::Slow(_) | BadUpgrade::Unfinished => answer.truncate(answer.len() / 2),
                BadUpgrade::WrongKey => {
                    spoil_key(answer);
                    client.conduct = Conduct::Dataless;
                    return;
                }
            }
            client.hold(until);
        });
    }

    /// Counts a frame; a client that has sent too many is sent away.
    pub(super) fn count_frame(&mut self, id: ConnectionId) -> bool {
        let now = self.now();
        let Some(client) = self.clients.get_mut(&id) else {
            return false;
        };
        if client.stage != Stage::Open {
            return true;
        }
        match client.frames.count(now, self.rules.frames) {
            Verdict::Within => true,
            Verdict::Beyond(_) => {
                client.close(now, &self.rules, 1008, "Too many requests");
                false
            }
        }
    }

    /// A text message has come.
    pub(super) fn command_text(&mut self, now: Time, id: ConnectionId, text: &str) {
        match self.market {
            Market::BinanceSpot | Market::BinanceUsdm | Market::BinanceCoinm => {
                self.binance_text(now, id, text);
            }
            Market::Okx => self.okx_text(now, id, text),
        }
        self.keep_beat(now);
    }

    fn binance_text(&mut self, now: Time, id: ConnectionId, text: &str) {
        if text.len() > MAX_BINANCE_REQUEST {
            return;
        }
        let millis = self.clock(Unit::Millis).stamp(now);
        if let Some(client) = self.clients.get_mut(&id)
            && client.desk.route == "api"
        {
            let answer = binance::api::answer(&mut client.desk, millis, text);
            return self.reply(now, id, &[answer]);
        }
        let mishap = self.mishap(id, binance::request::is_subscribe(text));
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let replies = match mishap {
            Some(Mishap::LostRequest) => return,
            Some(Mishap::RefusedAck) => binance::request::refusal(text),
            Some(Mishap::LostAck) | None => {
                let (market, desk) = (self.market, &mut client.desk);
                binance::request::answer(market, &self.instruments, desk, text)
            }
        };
        if mishap != Some(Mishap::LostAck) {
            self.reply(now, id, &[replies]);
        }
    }

    fn okx_text(&mut self, now: Time, id: ConnectionId, text: &str) {
        if text == "ping" {
            return self.reply(now, id, &["pong".to_owned()]);
        }
        let seconds_now = self.clock(Unit::Millis).stamp(now) / 1000;
        let mishap = self.mishap(id, okx::request::is_subscribe(text));
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        let within = client.requests.count(now, self.rules.requests);
        let replies = match (within, mishap) {
            (Verdict::Beyond(_), _) => vec![okx::request::too_frequent(&client.desk, text)],
            (_, Some(Mishap::LostRequest)) => return,
            (_, Some(Mishap::RefusedAck)) => vec![okx::request::refusal(&client.desk, text)],
            (_, Some(Mishap::LostAck) | None) => {
                okx::request::answers(&self.instruments, &mut client.desk, seconds_now, text)
            }
        };
        if mishap != Some(Mishap::LostAck) {
            self.reply(now, id, &replies);
        }
    }

    pub(super) fn reply(&mut self, now: Time, id: ConnectionId, replies: &[String]) {
        let Some(client) = self.clients.get_mut(&id) else {
            return;
        };
        if client.stage != Stage::Open || client.conduct == Conduct::Dead {
            return;
        }
        for reply in replies {
            if client.server.queue().text(reply).is_err() {
                return self.drop_slow(now, id);
            }
        }
        client.pushed(now, &self.rules);
    }
}

/// Makes another key of the one in this answer: its first character is another one.
fn spoil_key(answer: &mut [u8]) {
    const FIELD: &[u8] = b"Sec-WebSocket-Accept: ";
    let place = answer.windows(FIELD.len()).position(|bytes| bytes == FIELD);
    if let Some(first) = place.and_then(|place| answer.get_mut(place + FIELD.len())) {
        *first = if *first == b'A' { b'B' } else { b'A' };
    }
}

fn refused(status: u16, left: Duration) -> Answer {
    Answer::json(status, "").field("Retry-After", seconds(left))
}
