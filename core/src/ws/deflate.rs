//! The negotiation of permessage-deflate (RFC 7692 section 7.1).

use core::fmt;
use core::fmt::Write as _;

use alloc::string::String;

use super::handshake::extensions::{Element, Param};

const NAME: &str = "permessage-deflate";
const SERVER_FRESH: &str = "server_no_context_takeover";
const CLIENT_FRESH: &str = "client_no_context_takeover";
const SERVER_BITS: &str = "server_max_window_bits";
const CLIENT_BITS: &str = "client_max_window_bits";

/// Whether the compressor's window outlives a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Context {
    /// A message may refer to those before it ("context takeover"): better compression.
    Takeover,
    /// Each message starts with an empty window ("no context takeover").
    Fresh,
}

/// The base-2 logarithm of a window's size: 8 to 15.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct WindowBits(u8);

impl WindowBits {
    /// 32 KiB, what DEFLATE allows.
    pub const MAX: Self = Self(15);

    /// A window of 2 to the power of `bits` bytes; `None` outside of 8 to 15.
    #[must_use]
    pub const fn new(bits: u8) -> Option<Self> {
        match bits {
            8..=15 => Some(Self(bits)),
            _ => None,
        }
    }

    /// The logarithm.
    #[must_use]
    pub const fn bits(self) -> u8 {
        self.0
    }

    /// A decimal number without leading zeros (RFC 7692 section 7.1.2).
    fn parse(value: &str) -> Option<Self> {
        match value.as_bytes() {
            [b'1'..=b'9', ..] => value.parse().ok().and_then(Self::new),
            _ => None,
        }
    }
}

impl fmt::Display for WindowBits {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// How one side compresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Side {
    /// Whether its window outlives a message.
    pub context: Context,
    /// The size of its window.
    pub window_bits: WindowBits,
}

impl Side {
    /// What the extension does unless told otherwise.
    pub const DEFAULT: Self = Self {
        context: Context::Takeover,
        window_bits: WindowBits::MAX,
    };
}

impl Default for Side {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// What we would like: offered as a client, granted as a server.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Config {
    /// How we compress, at the most.
    pub ours: Side,
    /// How the peer is asked to compress, at the most.
    pub theirs: Side,
}

impl Config {
    /// What the extension does unless told otherwise.
    pub const DEFAULT: Self = Self {
        ours: Side::DEFAULT,
        theirs: Side::DEFAULT,
    };
}

/// What the handshake agreed on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Agreement {
    /// How we compress.
    pub ours: Side,
    /// How the peer compresses.
    pub theirs: Side,
}

/// The parameters of one `permessage-deflate` element, either side's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Params {
    server_fresh: Option<()>,
    client_fresh: Option<()>,
    server_bits: Option<WindowBits>,
    client_bits: Option<ClientBits>,
}

/// `client_max_window_bits`, which in an offer may stand without a value (RFC 7692 section
/// 7.1.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum ClientBits {
    Any,
    AtMost(WindowBits),
}

impl Params {
    /// `None` for another extension, and for parameters that are unknown, invalid or given twice
    /// (RFC 7692 section 7.1).
    fn parse(element: Element<'_>) -> Option<Self> {
        if !element.name.eq_ignore_ascii_case(NAME) {
            return None;
        }
        let mut params = Self::default();
        for param in element.params() {
            params.set(param?)?;
        }
        Some(params)
    }

    fn set(&mut self, Param { name, value }: Param<'_>) -> Option<()> {
        match (name, value) {
            (SERVER_FRESH, None) => put(&mut self.server_fresh, ()),
            (CLIENT_FRESH, None) => put(&mut self.client_fresh, ()),
            (SERVER_BITS, Some(value)) => put(&mut self.server_bits, WindowBits::parse(value)?),
            (CLIENT_BITS, None) => put(&mut self.client_bits, ClientBits::Any),
            (CLIENT_BITS, Some(value)) => {
                let bits = ClientBits::AtMost(WindowBits::parse(value)?);
                put(&mut self.client_bits, bits)
            }
            _ => None,
        }
    }

    fn write(self, out: &mut String) {
        out.push_str(NAME);
        let flags = [
            (self.server_fresh, SERVER_FRESH),
            (self.client_fresh, CLIENT_FRESH),
        ];
        for (_, name) in flags.into_iter().filter(|(flag, _)| flag.is_some()) {
            out.push_str("; ");
            out.push_str(name);
        }
        if let Some(bits) = self.server_bits {
            write_bits(out, SERVER_BITS, bits);
        }
        match self.client_bits {
            Some(ClientBits::AtMost(bits)) => write_bits(out, CLIENT_BITS, bits),
            Some(ClientBits::Any) => {
                out.push_str("; ");
                out.push_str(CLIENT_BITS);
            }
            None => {}
        }
    }
}

/// Sets what has not been set yet.
fn put<T>(slot: &mut Option<T>, value: T) -> Option<()> {
    match slot.replace(value) {
        Some(_) => None,
        None => Some(()),
    }
}

fn write_bits(out: &mut String, name: &str, bits: WindowBits) {
    // Writing to a `String` does not fail.
    write!(out, "; {name}={bits}").unwrap_or_default();
}

/// A flag for what deviates from the default.
fn fresh(side: Side) -> Option<()> {
    (side.context == Context::Fresh).then_some(())
}

fn context(fresh: Option<()>) -> Context {
    match fresh {
        Some(()) => Context::Fresh,
        None => Context::Takeover,
    }
}

fn narrowed(bits: WindowBits) -> Option<WindowBits> {
    (bits < WindowBits::MAX).then_some(bits)
}

impl Config {
    /// Appends a client's offer. Our own window may always be limited by the server.
    pub(super) fn write_offer(self, out: &mut String) {
        self.offer().write(out);
    }

    fn offer(self) -> Params {
        Params {
            server_fresh: fresh(self.theirs),
            client_fresh: fresh(self.ours),
            server_bits: narrowed(self.theirs.window_bits),
            client_bits: Some(
                narrowed(self.ours.window_bits).map_or(ClientBits::Any, ClientBits::AtMost),
            ),
        }
    }

    /// What a server's answer to our offer amounts to; `None` if it is no answer to it (RFC 7692
    /// section 7.1).
    pub(super) fn agree_as_client(self, answer: Element<'_>) -> Option<Agreement> {
        let answer = Params::parse(answer)?;
        let theirs = Side {
            context: context(answer.server_fresh),
            window_bits: answer.server_bits.unwrap_or(WindowBits::MAX),
        };
        let granted = theirs.window_bits <= self.theirs.window_bits
            && (theirs.context == Context::Fresh || self.theirs.context == Context::Takeover);
        if !granted {
            return None;
        }
        let window_bits = match answer.client_bits {
            None => self.ours.window_bits,
            Some(ClientBits::AtMost(bits)) => bits.min(self.ours.window_bits),
            Some(ClientBits::Any) => return None,
        };
        let context = context(answer.client_fresh.or_else(|| fresh(self.ours)));
        Some(Agreement {
            ours: Side {
                context,
                window_bits,
            },
            theirs,
        })
    }

    /// Accepts one element of a client's offer as a server, and appends the answer; `None`
    /// declines it.
    pub(super) fn agree_as_server(self, offer: Element<'_>, out: &mut String) -> Option<Agreement> {
        let offer = Params::parse(offer)?;
        let answer = self.answer(offer);
        answer.write(out);
        let theirs = match answer.client_bits {
            Some(ClientBits::AtMost(bits)) => bits,
            Some(ClientBits::Any) | None => WindowBits::MAX,
        };
        Some(Agreement {
            ours: Side {
                context: context(answer.server_fresh),
                window_bits: answer.server_bits.unwrap_or(WindowBits::MAX),
            },
            theirs: Side {
                context: context(answer.client_fresh),
                window_bits: theirs,
            },
        })
    }

    /// A client's window can be limited only if it said that it understands (RFC 7692 section
    /// 7.1.2.2).
    fn answer(self, offer: Params) -> Params {
        let server_bits = offer
            .server_bits
            .map(|bits| bits.min(self.ours.window_bits))
            .or_else(|| narrowed(self.ours.window_bits));
        let client_bits = match offer.client_bits {
            Some(ClientBits::AtMost(bits)) => Some(bits.min(self.theirs.window_bits)),
            Some(ClientBits::Any) => narrowed(self.theirs.window_bits),
            None => None,
        };
        Params {
            server_fresh: offer.server_fresh.or_else(|| fresh(self.ours)),
            client_fresh: offer.client_fresh.or_else(|| fresh(self.theirs)),
            server_bits,
            client_bits: client_bits.map(ClientBits::AtMost),
        }
    }
}
