//! Logging in, where a stream needs it: asked for, signed by whoever holds the secrets, sent,
//! answered.

use core::time::Duration;

use super::settings::Access;
use crate::connection::{Action, Epoch};
use crate::market::Venue;
use crate::time::Time;
use crate::venue::{Challenge, Reason, Rejection, RequestId};

/// How far the login on this connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Login {
    by: By,
    /// The number of the request, where it has one.
    id: RequestId,
    stage: Stage,
    /// Whether the shell has yet to hear that something is to be signed.
    action: Option<Epoch>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Not logged in, and nothing is under way.
    Out,
    /// The signature is awaited.
    Asked {
        epoch: Epoch,
        due: Time,
    },
    /// The venue's answer is awaited.
    Sent {
        due: Time,
    },
    In,
}

/// What a login is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum By {
    Okx,
    BinanceSubscription,
    BinanceLogon,
}

/// What the venue has said of the login.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Answer {
    Agreed,
    Refused,
}

/// OKX, "Error Code": too many logins.
const TOO_MANY: i64 = 60023;

/// OKX, "Error Code": logged in already, by a request whose answer came too late or not at all.
const REPEATED: i64 = 60031;

impl Login {
    pub(super) const fn new(venue: Venue, access: Access) -> Self {
        let by = match (venue, access) {
            (Venue::Okx, _) => By::Okx,
            (Venue::Binance, Access::Subscription) => By::BinanceSubscription,
            (Venue::Binance, Access::Login | Access::Target) => By::BinanceLogon,
        };
        Self {
            by,
            id: 0,
            stage: Stage::Out,
            action: None,
        }
    }

    /// The connection is gone, and the login with it; or it has come to nothing.
    pub(super) const fn forget(&mut self) {
        self.stage = Stage::Out;
        self.action = None;
    }

    pub(super) fn is_out(&self) -> bool {
        self.stage == Stage::Out
    }

    /// Asks for a signature, and for everything to be done by `due`.
    pub(super) const fn ask(&mut self, epoch: Epoch, id: RequestId, due: Time) {
        self.id = id;
        self.stage = Stage::Asked { epoch, due };
        self.action = Some(epoch);
    }

    pub(super) fn poll_action(&mut self) -> Option<Action> {
        self.action.take().map(Action::Sign)
    }

    /// What is to be signed, while somebody is asked.
    pub(super) const fn challenge(&self) -> Option<Challenge> {
        match self.stage {
            Stage::Asked { .. } => Some(match self.by {
                By::Okx => Challenge::OkxLogin,
                By::BinanceSubscription => Challenge::BinanceSubscribe(self.id),
                By::BinanceLogon => Challenge::BinanceLogon(self.id),
            }),
            Stage::Out | Stage::Sent { .. } | Stage::In => None,
        }
    }

    /// Whether a signature for the socket of this epoch is awaited.
    pub(super) fn awaits(&self, of: Epoch) -> bool {
        matches!(self.stage, Stage::Asked { epoch, .. } if epoch == of)
    }

    /// The request has been sent.
    pub(super) fn sent(&mut self, now: Time, within: Duration) {
        self.stage = Stage::Sent { due: now + within };
    }

    /// The venue has agreed; whether that was awaited.
    pub(super) fn agreed(&mut self) -> bool {
        let awaited = matches!(self.stage, Stage::Sent { .. });
        if awaited {
            self.stage = Stage::In;
        }
        awaited
    }

    /// Whether an answer to the request with this number is the answer to the login.
    pub(super) fn is_answered_by(&self, id: Option<RequestId>) -> bool {
        let is_out = matches!(self.stage, Stage::Sent { .. });
        is_out && self.by != By::Okx && id == Some(self.id)
    }

    /// What a refusal says of the login, if it is the answer to it. On OKX a login has no number, and
    /// no other request of ours is refused for such reasons.
    pub(super) fn answer_in(&self, id: Option<RequestId>, rejection: Rejection) -> Option<Answer> {
        match (self.by, self.stage, id) {
            (By::Okx, Stage::Sent { .. }, None) => match (rejection.code, rejection.reason) {
                (REPEATED, _) => Some(Answer::Agreed),
                (TOO_MANY, _) | (_, Reason::Login) => Some(Answer::Refused),
                _ => None,
            },
            _ => self.is_answered_by(id).then_some(Answer::Refused),
        }
    }

    /// When it is overdue.
    pub(super) const fn due(&self) -> Option<Time> {
        match self.stage {
            Stage::Asked { due, .. } | Stage::Sent { due } => Some(due),
            Stage::Out | Stage::In => None,
        }
    }
}
