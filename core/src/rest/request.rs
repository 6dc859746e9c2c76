//! What goes out and what comes back, as a shell sees it.

use core::fmt;
use core::time::Duration;

use simdutf8::basic::from_utf8;

use crate::connection::{Endpoint, Fault, FetchId};
use crate::time::Time;
use crate::venue::Allowance;

/// A request over HTTP/1.1 without a body, lent until its answer is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// What is to be done there.
    pub method: Method,
    /// Where to connect.
    pub endpoint: &'a Endpoint,
    /// The target of the request, whole: begins with a slash, percent-encoded.
    pub path_and_query: &'a str,
    /// How long everything together may take, the lookup of the host's name included.
    pub timeout: Duration,
    /// The longest body that is taken, in bytes.
    pub body_limit: usize,
    /// What whoever holds the secrets has to add, if anything.
    pub credential: Option<Credential>,
}

/// What a request is to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Method {
    /// Fetch something.
    Get,
    /// Make something.
    Post,
    /// Renew something.
    Put,
}

/// What a machine does not have and a request needs. The shell's caller has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Credential {
    /// Binance: the header `X-MBX-APIKEY` with the name of the key. The answer names a `listenKey`,
    /// which is as good as a password: it stays with whoever holds the secrets, and is struck out of
    /// the body before anybody else sees it.
    ListenKey,
}

/// An answer, whatever its status. Redirections are answers too and are not followed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// `Retry-After`, where it is a number of seconds.
    pub retry_after: Option<Duration>,
    /// `X-MBX-USED-WEIGHT-1M`: what the venue has counted for this address.
    pub used_weight: Option<u32>,
    /// The body.
    pub body: &'a [u8],
}

/// Why there is no answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FetchFault {
    /// The operating system or TLS.
    Io(Fault),
    /// The body is longer than the request allows.
    TooLarge,
    /// The answer is not HTTP/1.1.
    Protocol,
    /// Nobody was free to send it, or it was withdrawn before it was sent.
    Unsent,
}

/// What a status means for the request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Outcome {
    /// The body is what was asked for, or the venue's word on why it is not.
    Body,
    /// Not now; the same may be asked again.
    Later,
    /// The venue says no, and says so in the body.
    Refused,
}

impl Answer<'_> {
    /// The body, if it is for whoever asked and is text: what was asked for, or the venue's word
    /// on why it is not.
    pub(crate) fn text(&self) -> Option<&str> {
        match self.outcome() {
            Outcome::Body | Outcome::Refused => from_utf8(self.body).ok(),
            Outcome::Later => None,
        }
    }

    /// What it means. Binance: 403, 418 and 429 speak of the address, 5xx of the venue's troubles.
    const fn outcome(&self) -> Outcome {
        match self.status {
            200..=299 => Outcome::Body,
            403 | 408 | 418 | 425 | 429 | 500.. => Outcome::Later,
            _ => Outcome::Refused,
        }
    }
}

/// What is served first where not all can be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// A book is of no use until it comes.
    Snapshot,
    /// Trades that were missed.
    Backfill,
    /// Figures that come again.
    Poll,
}

/// A request that waits for leave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wish {
    /// Its number.
    pub id: FetchId,
    /// What it draws on.
    pub allowance: Allowance,
    /// How much.
    pub weight: u32,
    /// Who goes first.
    pub priority: Priority,
    /// Since when it has been wanted: of equals the oldest goes first.
    pub since: Time,
}

impl fmt::Display for FetchFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Io(fault) => fault.fmt(f),
            Self::TooLarge => f.write_str("the answer is longer than allowed"),
            Self::Protocol => f.write_str("the answer is not HTTP"),
            Self::Unsent => f.write_str("the request was not sent"),
        }
    }
}

impl core::error::Error for FetchFault {}
