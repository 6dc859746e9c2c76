//! Logging in, where a stream needs it: asked for, signed by whoever holds the secrets, sent,
//! answered.

use core::time::Duration;

use crate::connection::{Action, Epoch};
use crate::time::Time;
use crate::venue::{Challenge, Reason, Rejection};

/// How far the login on this connection has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Login {
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
    pub(super) const fn new() -> Self {
        Self {
            stage: Stage::Out,
            action: None,
        }
    }

    /// The connection is gone, and the login with it; or it has come to nothing.
    pub(super) const fn forget(&mut self) {
        *self = Self::new();
    }

    pub(super) fn is_out(&self) -> bool {
        self.stage == Stage::Out
    }

    /// Asks for a signature, and for everything to be done by `due`.
    pub(super) const fn ask(&mut self, epoch: Epoch, due: Time) {
        self.stage = Stage::Asked { epoch, due };
        self.action = Some(epoch);
    }

    pub(super) fn poll_action(&mut self) -> Option<Action> {
        self.action.take().map(Action::Sign)
    }

    /// What is to be signed, while somebody is asked.
    pub(super) const fn challenge(&self) -> Option<Challenge> {
        match self.stage {
            Stage::Asked { .. } => Some(Challenge::OkxLogin),
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

    /// What a refusal that names no request says of the login, if it is the answer to it: no other
    /// request of ours is refused for such reasons.
    pub(super) const fn answer_in(&self, rejection: Rejection) -> Option<Answer> {
        if !matches!(self.stage, Stage::Sent { .. }) {
            return None;
        }
        match (rejection.code, rejection.reason) {
            (REPEATED, _) => Some(Answer::Agreed),
            (TOO_MANY, _) | (_, Reason::Login) => Some(Answer::Refused),
            _ => None,
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
