//! The key of an account's stream on Binance's futures markets: got before the socket is dialled,
//! renewed as long as it is needed, got anew when it is gone. The key itself is never here: whoever
//! holds the secrets keeps it, and signs the target of the upgrade request with it.
//!
//! Sources: "Start User Data Stream", "Keepalive User Data Stream" (USD-M and COIN-M). A key is valid
//! for 60 minutes after it was got or renewed. Nobody else's use of the account is disturbed: getting
//! a key returns the one there is, and we never give it back.

use core::time::Duration;

use super::event::VenueError;
use super::notes::Note;
use super::statistics::add;
use super::{Purpose, Session};
use crate::connection::{Input, Phase};
use crate::rest::{Credential, Errand, Method, Priority, Ticket};
use crate::time::Time;
use crate::venue::{self, Control, Decoded, Reason, Rejection};

/// A key is renewed so long after it was got or renewed, at the latest.
const RENEWED: Duration = Duration::from_secs(30 * 60);

/// Up to so much earlier, so that sessions begun together do not renew theirs together.
const EARLIER: Duration = Duration::from_secs(3 * 60);

/// A key that was not renewed is gone after so long (documented).
const VALID: Duration = Duration::from_secs(60 * 60);

/// Binance, "Error Code" (futures): this listenKey does not exist.
const GONE: i64 = -1125;

/// How far the key has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ListenKey {
    /// No stream of the session needs one.
    Needless,
    /// There is none. It is asked for before anything is dialled.
    Missing,
    /// Whoever holds the secrets has one.
    Held {
        /// When it is to be renewed.
        renew_at: Time,
        /// When it is gone unless it is renewed.
        until: Time,
        /// Whether the socket there is was opened with it.
        used: Used,
    },
}

/// Whether a key has opened the socket there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Used {
    NotYet,
    Here,
}

/// What becomes of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyChange {
    /// There is one, so the account's stream can be opened.
    Obtained,
    /// It could not be had; it is asked for again. Nothing of the account is heard until then.
    NotObtained(Rejection),
    /// It is good for another hour.
    Renewed,
    /// It could not be renewed; that is tried again until it is gone.
    NotRenewed(Rejection),
    /// It is gone: another is got, and the stream is opened anew with it.
    Ended,
}

impl KeyChange {
    /// The stable name, for output.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Obtained => "obtained",
            Self::NotObtained(_) => "not_obtained",
            Self::Renewed => "renewed",
            Self::NotRenewed(_) => "not_renewed",
            Self::Ended => "ended",
        }
    }
}

impl Session {
    /// Sees to it that there is a key, and that it is renewed in time.
    pub(super) fn tend_key(&mut self, now: Time) {
        let is_asked_for = |job: &Purpose| matches!(job, Purpose::ObtainKey | Purpose::RenewKey);
        if self.fetches.jobs().any(is_asked_for) || self.connection.phase() == Phase::Stopped {
            return;
        }
        let (method, at, purpose) = match self.key {
            ListenKey::Needless => return,
            ListenKey::Missing => (Method::Post, now, Purpose::ObtainKey),
            ListenKey::Held { renew_at, .. } => (Method::Put, renew_at, Purpose::RenewKey),
        };
        let mut target = self.fetches.endpoint().path.clone();
        let Some(cost) = venue::write_listen_key(self.market, &mut target) else {
            return;
        };
        let errand = Errand {
            method,
            target,
            cost,
            priority: Priority::Snapshot,
            credential: Some(Credential::ListenKey),
        };
        self.fetches.ask_not_before(now, at, errand, purpose);
    }

    /// When the key is gone.
    pub(super) const fn key_due(&self) -> Option<Time> {
        match self.key {
            ListenKey::Held { until, .. } => Some(until),
            ListenKey::Needless | ListenKey::Missing => None,
        }
    }

    /// The venue has answered a request for a key, or for its renewal; the key itself is struck out.
    pub(super) fn key_answered(
        &mut self,
        now: Time,
        ticket: Ticket<Purpose>,
        (status, text): (u16, &str),
    ) {
        if (200..300).contains(&status) {
            add(&mut self.streams.statistics.fetched, 1);
            return self.key_held(now, ticket.job);
        }
        let decoder = self.reader.decoder_mut();
        let rejection = match decoder.decode(text) {
            Ok(Decoded::Control) => match decoder.control(text) {
                Some(Control::Refused { rejection, .. }) => rejection,
                _ => unknown(),
            },
            Ok(_) | Err(_) => unknown(),
        };
        match (ticket.job, rejection.code) {
            (Purpose::RenewKey, GONE) => self.key_ended(now),
            _ => self.key_failed(now, ticket, rejection),
        }
    }

    /// There is no answer, or one that says not now.
    pub(super) fn key_unanswered(&mut self, now: Time, ticket: Ticket<Purpose>) {
        self.key_failed(now, ticket, VenueError::unanswered().rejection);
    }

    fn key_held(&mut self, now: Time, job: Purpose) {
        let used = match (job, self.key) {
            (Purpose::RenewKey, ListenKey::Held { used, .. }) => used,
            _ => Used::NotYet,
        };
        let change = match job == Purpose::RenewKey {
            true => KeyChange::Renewed,
            false => KeyChange::Obtained,
        };
        let earlier = self.fetches.draw(EARLIER);
        self.key = ListenKey::Held {
            renew_at: now + (RENEWED - earlier),
            until: now + VALID,
            used,
        };
        self.streams.notes.push(Note::Key(change));
        self.connection.handle(now, Input::Permit);
        self.take_statuses(now);
    }

    fn key_failed(&mut self, now: Time, ticket: Ticket<Purpose>, rejection: Rejection) {
        add(&mut self.streams.statistics.fetches_failed, 1);
        let change = match ticket.job == Purpose::RenewKey {
            true => KeyChange::NotRenewed(rejection),
            false => KeyChange::NotObtained(rejection),
        };
        self.streams.notes.push(Note::Key(change));
        self.fetches.put_back(now, ticket);
    }

    /// The key is gone: another is asked for, and the socket is replaced once there is one.
    pub(super) fn key_ended(&mut self, now: Time) {
        if !matches!(self.key, ListenKey::Held { .. }) {
            return;
        }
        self.streams.notes.push(Note::Key(KeyChange::Ended));
        self.forget_key(now);
        self.renew(now);
    }

    /// There is no key any more, as far as we know.
    pub(super) fn forget_key(&mut self, now: Time) {
        self.key = ListenKey::Missing;
        self.fetches.forget(|job| *job == Purpose::RenewKey);
        self.connection.handle(now, Input::Withhold);
    }

    /// The upgrade request has been given the key.
    pub(super) const fn key_used(&mut self) {
        if let ListenKey::Held { used, .. } = &mut self.key {
            *used = Used::Here;
        }
    }

    /// A socket stands. One that was opened with a key that is gone tells nothing of the account.
    pub(super) fn check_key(&mut self, now: Time) {
        let is_stale = match self.key {
            ListenKey::Needless
            | ListenKey::Held {
                used: Used::Here, ..
            } => false,
            ListenKey::Missing
            | ListenKey::Held {
                used: Used::NotYet, ..
            } => true,
        };
        if is_stale {
            self.renew(now);
        }
    }

    /// The socket is gone. The upgrade succeeds with a key that is gone too, so whether it is still
    /// good is asked by renewing it.
    pub(super) fn doubt_key(&mut self, now: Time) {
        if let ListenKey::Held { renew_at, used, .. } = &mut self.key {
            *renew_at = now;
            *used = Used::NotYet;
            self.fetches.forget(|job| *job == Purpose::RenewKey);
        }
    }
}

const fn unknown() -> Rejection {
    Rejection {
        code: 0,
        reason: Reason::Unknown,
    }
}
