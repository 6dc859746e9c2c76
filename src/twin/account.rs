//! The one account that a twin knows, and the keys by which Binance's futures markets open its
//! stream ("Start User Data Stream", "Keepalive User Data Stream", "Close User Data Stream").

use std::fmt::Write as _;

use marketprism_core::Time;
use marketprism_core::market::{Channel, Market};

use super::answer::Answer;
use super::desk::Flow;
use super::exchange::Exchange;
use super::news::{About, Feed, Unit};

/// The name of the account's key on Binance. It guards nothing.
pub(super) const API_KEY: &str = "twin-binance-key";

/// What the stream of an account is called among a client's streams, whatever key has opened it.
const STREAM: &str = "userData";

const NO_KEY: &str = r#"{"code":-2014,"msg":"API-key format invalid."}"#;
const GONE: &str = r#"{"code":-1125,"msg":"This listenKey does not exist."}"#;

/// Who asks over REST, and for what to be done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Caller {
    pub(super) method: String,
    pub(super) api_key: Option<String>,
}

/// A key that is valid.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ListenKey {
    key: String,
    pub(super) until: Time,
}

/// Whether a path is that of the keys.
pub(super) fn is_of_keys(market: Market, path: &str) -> bool {
    match market {
        Market::BinanceUsdm => path == "/fapi/v1/listenKey",
        Market::BinanceCoinm => path == "/dapi/v1/listenKey",
        Market::BinanceSpot | Market::Okx => false,
    }
}

impl Exchange {
    /// Makes a key, or renews or ends the one there is.
    pub(super) fn listen_key(&mut self, now: Time, caller: &Caller) -> Answer {
        if caller.api_key.as_deref() != Some(API_KEY) {
            return Answer::json(401, NO_KEY);
        }
        let until = now + self.rules.listen_key;
        match (caller.method.as_str(), &mut self.listen_key) {
            ("POST", None) => {
                let key = self.new_key();
                self.ledger.listen_key_made(&key);
                self.listen_key.insert(ListenKey { key, until }).answer()
            }
            ("POST" | "PUT", Some(held)) => {
                held.until = until;
                held.answer()
            }
            ("DELETE", Some(_)) => {
                self.listen_key = None;
                Answer::json(200, "{}")
            }
            _ => Answer::json(400, GONE),
        }
    }

    /// Letters and digits, as many as the venue's have.
    fn new_key(&mut self) -> String {
        let mut key = String::new();
        for _ in 0..8 {
            let part = self.random.below(1 << 32);
            write!(key, "{part:08x}").unwrap_or_default();
        }
        key
    }

    /// The stream that a part of a target opens, if it is the account's.
    pub(super) fn account_stream(&self, name: &str) -> Option<(&'static str, Feed)> {
        let held = self.listen_key.as_ref()?;
        let feed = Feed {
            about: About::Everything,
            channel: Channel::UserData,
        };
        (held.key == name).then_some((STREAM, feed))
    }

    /// The key has not been renewed: its streams say so, and then nothing more. The sockets stay.
    pub(super) fn expire_listen_key(&mut self, at: Time) {
        let Some(ListenKey { key, .. }) = self.listen_key.take() else {
            return;
        };
        let stamp = self.clock(Unit::Millis).stamp(at);
        let word = format!(r#"{{"e":"listenKeyExpired","E":{stamp},"listenKey":"{key}"}}"#);
        let mut told = Vec::new();
        for (id, client) in &mut self.clients {
            let mut held = client.desk.subscriptions.iter_mut();
            if let Some(stream) = held.find(|held| held.name == STREAM) {
                stream.flow = Flow::Silent;
                told.push(*id);
            }
        }
        for id in told {
            self.reply(at, id, std::slice::from_ref(&word));
        }
    }
}

impl ListenKey {
    fn answer(&self) -> Answer {
        Answer::json(200, &format!(r#"{{"listenKey":"{}"}}"#, self.key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::twin::exchange::Options;
    use std::time::Duration;

    fn caller(method: &str, api_key: &str) -> Caller {
        Caller {
            method: method.to_owned(),
            api_key: Some(api_key.to_owned()),
        }
    }

    #[test]
    fn a_key_is_made_renewed_and_gone() {
        let mut exchange = Exchange::new(Market::BinanceUsdm, Options::new(Market::BinanceUsdm), 1);
        let ask = |exchange: &mut Exchange, minutes: u64, method| {
            let now = Time::ZERO + Duration::from_secs(60 * minutes);
            exchange.handle_timeout(now);
            exchange.listen_key(now, &caller(method, API_KEY))
        };
        let stranger = exchange.listen_key(Time::ZERO, &caller("POST", "another"));
        assert_eq!(stranger, Answer::json(401, NO_KEY));
        assert_eq!(ask(&mut exchange, 0, "PUT"), Answer::json(400, GONE));
        let made = ask(&mut exchange, 1, "POST");
        assert_eq!(ask(&mut exchange, 50, "POST"), made, "the one there is");
        assert_eq!(ask(&mut exchange, 109, "PUT"), made);
        assert_eq!(ask(&mut exchange, 170, "PUT"), Answer::json(400, GONE));
        let anew = ask(&mut exchange, 171, "POST");
        assert_ne!(anew, made);
        assert_eq!(ask(&mut exchange, 172, "DELETE"), Answer::json(200, "{}"));
        assert_eq!(ask(&mut exchange, 173, "PUT"), Answer::json(400, GONE));
        assert_eq!(exchange.ledger.listen_keys().len(), 2);
    }
}
