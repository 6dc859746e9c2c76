//! What can happen.

use core::fmt;

/// One of the two sessions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Who {
    First,
    Second,
}

impl Who {
    pub(super) const BOTH: [Self; 2] = [Self::First, Self::Second];
}

/// One thing that happens, with all that follows from it at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The clock moves to the next deadline. Until there, streams speak that can.
    Pass,
    /// Something happens to one session.
    To(Who, Turn),
}

/// What happens to one session.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    /// The user starts it.
    Start,
    /// The far end takes the dial.
    Accept,
    /// It answers the upgrade request with 101.
    Upgrade,
    /// It carries out the oldest request and acknowledges it.
    Answer,
    /// It sends the subscribed stream's first message.
    Speak,
    /// It does its part of the close handshake and ends the stream.
    Part,
    /// The shell confirms that the socket is gone; the wait that is drawn then is this long.
    Release(Draw),
    /// One of these.
    Trouble(Trouble),
}

/// How much of the backoff is waited.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Draw {
    Short,
    Long,
}

/// What can go wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Trouble {
    /// The user stops the session.
    Stop,
    /// The dial is refused.
    RefuseDial,
    /// From now on nothing gets through on this socket, in either direction, for ever: a dial
    /// or an upgrade that hangs, or silence.
    Vanish,
    /// The upgrade is refused with 429 and `Retry-After`.
    Ban,
    /// The upgrade is refused with 503 and `Retry-After`.
    Overload,
    /// The stream ends.
    End,
    /// The connection is reset.
    Reset,
    /// A request is carried out and the answer is lost.
    LoseAnswer,
    /// A request is lost.
    LoseRequest,
    /// A request is refused.
    RefuseRequest,
    /// The stream is not sent on this connection any more, whatever is acknowledged.
    Mute,
    /// The far end closes.
    Close,
    /// The venue announces that it will.
    Announce,
}

impl Trouble {
    pub(super) const ALL: [Self; 13] = [
        Self::Stop,
        Self::RefuseDial,
        Self::Vanish,
        Self::Ban,
        Self::Overload,
        Self::End,
        Self::Reset,
        Self::LoseAnswer,
        Self::LoseRequest,
        Self::RefuseRequest,
        Self::Mute,
        Self::Close,
        Self::Announce,
    ];
}

impl Step {
    pub(super) const fn is_trouble(self) -> bool {
        matches!(self, Self::To(_, Turn::Trouble(_)))
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Pass => f.write_str("time passes"),
            Self::To(who, turn) => write!(f, "{who}: {}", turn.words()),
        }
    }
}

impl fmt::Display for Who {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::First => "first",
            Self::Second => "second",
        })
    }
}

impl Turn {
    const fn words(self) -> &'static str {
        match self {
            Self::Start => "the user starts it",
            Self::Accept => "the far end takes the dial",
            Self::Upgrade => "the far end upgrades",
            Self::Answer => "the far end carries out a request",
            Self::Speak => "the far end sends a message",
            Self::Part => "the far end closes as well",
            Self::Release(Draw::Short) => "the socket is released, the backoff is short",
            Self::Release(Draw::Long) => "the socket is released, the backoff is long",
            Self::Trouble(trouble) => trouble.words(),
        }
    }
}

impl Trouble {
    const fn words(self) -> &'static str {
        match self {
            Self::Stop => "the user stops it",
            Self::RefuseDial => "the dial is refused",
            Self::Vanish => "nothing gets through any more",
            Self::Ban => "the upgrade is refused with 429 and a time",
            Self::Overload => "the upgrade is refused with 503 and a time",
            Self::End => "the far end ends the stream",
            Self::Reset => "the far end resets",
            Self::LoseAnswer => "a request is carried out and its answer is lost",
            Self::LoseRequest => "a request is lost",
            Self::RefuseRequest => "a request is refused",
            Self::Mute => "the stream is silent from now on",
            Self::Close => "the far end sends a close frame",
            Self::Announce => "the far end announces that it will close",
        }
    }
}
