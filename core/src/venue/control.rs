//! What a venue says besides data: acknowledgements, refusals, notices.

use crate::market::Venue;
use crate::time::UnixNanos;

/// The number of a request, echoed by the venue.
pub type RequestId = u64;

/// A message that is not market data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Control<'a> {
    /// Binance: the request has been carried out (`{"result":null,"id":1}`). It proves nothing
    /// about data: streams that do not exist are acknowledged too.
    Ack {
        /// Which request.
        id: Option<RequestId>,
    },
    /// Binance: an answer with content, such as a list of subscriptions.
    Answer {
        /// Which request.
        id: Option<RequestId>,
        /// The content, as JSON.
        result: &'a str,
    },
    /// OKX: one argument of a request has been subscribed to.
    Subscribed {
        /// Which request.
        id: Option<RequestId>,
        /// Which argument.
        subject: Subject<'a>,
    },
    /// OKX: one argument of a request has been unsubscribed from.
    Unsubscribed {
        /// Which request.
        id: Option<RequestId>,
        /// Which argument.
        subject: Subject<'a>,
    },
    /// A request, or one argument of it, has been refused.
    Refused {
        /// Which request, if the venue says so; else match by order.
        id: Option<RequestId>,
        /// Why.
        rejection: Rejection,
        /// The venue's words.
        message: &'a str,
        /// Which argument, if the venue's words tell.
        subject: Option<Subject<'a>>,
    },
    /// The venue is about to close this connection (Binance `serverShutdown`, OKX notice 64008).
    Shutdown {
        /// When the venue said so, if it tells.
        sent_time: Option<UnixNanos>,
    },
    /// OKX: any other notice.
    Notice {
        /// Its number.
        code: u32,
        /// The venue's words.
        message: &'a str,
    },
    /// OKX: logged in.
    LoggedIn,
    /// OKX: how many connections this account has to a private channel.
    ConnectionCount {
        /// The channel.
        channel: &'a str,
        /// How many.
        count: u32,
    },
    /// OKX: too many connections to a private channel; this subscription does not hold.
    ConnectionRefused {
        /// The channel.
        channel: &'a str,
        /// How many there are.
        count: u32,
    },
    /// Binance: no more of the account is told on this connection (`listenKeyExpired` of futures,
    /// `eventStreamTerminated` of spot).
    AccountEnded {
        /// When the venue said so.
        sent_time: Option<UnixNanos>,
    },
    /// OKX: the answer to the text `ping`.
    Pong,
}

/// What an OKX message speaks about, in the venue's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject<'a> {
    /// The channel's name.
    pub channel: &'a str,
    /// The instrument's name; empty where the channel is not of one instrument.
    pub instrument: &'a str,
}

/// A venue's refusal.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Rejection {
    /// The venue's number for it.
    pub code: i64,
    /// What it means.
    pub reason: Reason,
}

/// What a refusal means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The request is not one that the venue understands.
    Malformed,
    /// The channel or the instrument does not exist, or the channel is not on this path.
    NoSuchStream,
    /// The channel is served on another path.
    WrongPath,
    /// Logging in is needed, or has failed.
    Login,
    /// The account's tier is too low.
    Tier,
    /// The channel conflicts with another one subscribed to on this connection.
    Conflict,
    /// Too many requests.
    TooFrequent,
    /// The venue failed.
    Venue,
    /// A number that we do not know.
    Unknown,
}

impl Rejection {
    /// Reads a code of a venue.
    #[must_use]
    pub const fn new(venue: Venue, code: i64) -> Self {
        let reason = match venue {
            Venue::Binance => binance_reason(code),
            Venue::Okx => okx_reason(code),
        };
        Self { code, reason }
    }
}

/// Binance, "Error Messages" of the WebSocket streams: 0 unknown property, 1 value must be
/// Boolean, 2 invalid request, 3 invalid JSON; below zero the codes of REST and WebSocket API.
const fn binance_reason(code: i64) -> Reason {
    match code {
        0..=3 => Reason::Malformed,
        -1121 => Reason::NoSuchStream,
        -1003 | -1015 => Reason::TooFrequent,
        -1000 | -1001 | -1008..=-1006 => Reason::Venue,
        -1002 | -1022 | -2014 | -2015 => Reason::Login,
        _ => Reason::Unknown,
    }
}

/// OKX v5, "Error Code", sections REST API (five digits from 50000 on) and WebSocket.
const fn okx_reason(code: i64) -> Reason {
    match code {
        50014 | 51000 => Reason::Malformed,
        51001 => Reason::NoSuchStream,
        50011 | 50061 => Reason::TooFrequent,
        50001 | 50004 | 50013 | 50026 => Reason::Venue,
        60012 | 60013 | 60019 | 60027 | 60033 | 64000 => Reason::Malformed,
        60008 | 60018 => Reason::NoSuchStream,
        60028 | 64001 | 64002 => Reason::WrongPath,
        60004..=60007 | 60009 | 60011 | 60024 | 60031 | 60032 => Reason::Login,
        60029 | 60030 | 60034 | 64003 => Reason::Tier,
        64004 => Reason::Conflict,
        60014 | 60023 => Reason::TooFrequent,
        63999 | 64007 => Reason::Venue,
        _ => Reason::Unknown,
    }
}

impl Reason {
    /// A few words for logs and tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Malformed => "malformed request",
            Self::NoSuchStream => "no such channel or instrument",
            Self::WrongPath => "channel on another path",
            Self::Login => "login",
            Self::Tier => "account tier too low",
            Self::Conflict => "conflicts with another channel",
            Self::TooFrequent => "too many requests",
            Self::Venue => "failure of the venue",
            Self::Unknown => "unknown code",
        }
    }
}

impl<'a> Subject<'a> {
    /// Finds the argument in the words of an OKX error: "Wrong URL or
    /// channel:trades,instId:FOO-BAR doesn't exist." Channels of a type of instrument have an
    /// `instType` there.
    #[must_use]
    pub fn in_message(message: &'a str) -> Option<Self> {
        let (_, rest) = message.split_once("channel:")?;
        let (channel, rest) = rest.split_once(',')?;
        let of_instrument = rest.strip_prefix("instId:");
        let rest = of_instrument.or_else(|| rest.strip_prefix("instType:"))?;
        let end = rest
            .find(|c: char| c.is_whitespace() || c == ',')
            .unwrap_or(rest.len());
        let instrument = rest.get(..end)?.trim_end_matches('.');
        Some(Self {
            channel,
            instrument,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_by_venue() {
        let table = [
            (Venue::Binance, 2, Reason::Malformed),
            (Venue::Binance, -1003, Reason::TooFrequent),
            (Venue::Binance, 60012, Reason::Unknown),
            (Venue::Okx, 60012, Reason::Malformed),
            (Venue::Okx, 60018, Reason::NoSuchStream),
            (Venue::Okx, 64001, Reason::WrongPath),
            (Venue::Okx, 64003, Reason::Tier),
            (Venue::Okx, 64004, Reason::Conflict),
            (Venue::Okx, 60014, Reason::TooFrequent),
            (Venue::Okx, 60009, Reason::Login),
            (Venue::Okx, 64007, Reason::Venue),
            (Venue::Okx, 50011, Reason::TooFrequent),
            (Venue::Okx, 51001, Reason::NoSuchStream),
            (Venue::Okx, 2, Reason::Unknown),
        ];
        for (venue, code, reason) in table {
            let rejection = Rejection::new(venue, code);
            assert_eq!((rejection.code, rejection.reason), (code, reason));
        }
    }

    #[test]
    fn the_subject_is_found_in_the_words_of_an_error() {
        let message = "Wrong URL or channel:trades,instId:FOO-BAR doesn't exist. Please use the \
                       correct URL, channel and parameters referring to API document.";
        let subject = Subject {
            channel: "trades",
            instrument: "FOO-BAR",
        };
        assert_eq!(Subject::in_message(message), Some(subject));
        assert_eq!(
            Subject::in_message("channel:trades,instId:FOO-BAR."),
            Some(subject)
        );
        let of_type = Subject {
            channel: "instruments",
            instrument: "SPOT",
        };
        assert_eq!(
            Subject::in_message("channel:instruments,instType:SPOT doesn't exist."),
            Some(of_type)
        );
        for message in [
            "",
            "Invalid request: {}",
            "channel:",
            "channel:a,uly:BTC-USD",
        ] {
            assert_eq!(Subject::in_message(message), None, "{message}");
        }
    }
}
