//! The client's side: the request, and the check of the answer.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::fmt::Write as _;
use core::time::Duration;

use httparse::{EMPTY_HEADER, Status};

use super::extensions::{elements, is_token};
use super::fields::Fields;
use super::head::{Head, parse_error};
use super::{Accept, HandshakeError, MAX_FIELDS, VERSION, accept, encode};
use crate::buffer::ReceiveBuffer;
use crate::ws::deflate;

/// A client's upgrade request (RFC 6455 section 4.1).
#[derive(Clone, Copy, Debug)]
pub struct Request<'a> {
    /// Host name or address literal, without brackets.
    pub host: &'a str,
    /// TCP port; left out of `Host` where it is the scheme's own.
    pub port: u16,
    /// Whether TLS is spoken, which makes 443 the scheme's port instead of 80.
    pub tls: bool,
    /// Path and query; begins with a slash.
    pub path: &'a str,
    /// Further header fields, names and values.
    pub headers: &'a [(&'a str, &'a str)],
    /// Subprotocols, the preferred one first.
    pub protocols: &'a [&'a str],
    /// The offer of permessage-deflate, if any.
    pub deflate: Option<deflate::Config>,
}

/// The part of a [`Request`] that cannot be written: it is not allowed where it stands, and could
/// smuggle in header fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum InvalidRequest {
    /// The host is empty or has characters that no host has.
    Host,
    /// The path does not begin with a slash, or has white space, control characters, `#` or
    /// characters beyond ASCII.
    Path,
    /// A header field's name is not a token, is one that the handshake sets itself, or its value
    /// has control characters.
    Header,
    /// A subprotocol is not a token, or is listed twice.
    Protocol,
}

impl fmt::Display for InvalidRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Host => "the host is not valid",
            Self::Path => "the path is not valid",
            Self::Header => "a header field is not valid",
            Self::Protocol => "a subprotocol is not valid",
        })
    }
}

impl core::error::Error for InvalidRequest {}

/// The fields that the handshake sets itself.
const OWN_FIELDS: [&str; 9] = [
    "Host",
    "Upgrade",
    "Connection",
    "Content-Length",
    "Transfer-Encoding",
    "Sec-WebSocket-Key",
    "Sec-WebSocket-Version",
    "Sec-WebSocket-Extensions",
    "Sec-WebSocket-Protocol",
];

impl Request<'_> {
    /// Writes the request. `nonce` is random and used for this request alone.
    ///
    /// # Errors
    /// The part that cannot be written.
    pub fn write(&self, nonce: [u8; 16]) -> Result<Vec<u8>, InvalidRequest> {
        self.check()?;
        let mut out = String::with_capacity(256);
        self.write_text(&key(nonce), &mut out).unwrap_or_default();
        Ok(out.into_bytes())
    }

    /// Whether the request can be written.
    ///
    /// # Errors
    /// The part that cannot.
    pub fn check(&self) -> Result<(), InvalidRequest> {
        let is_host = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:%".contains(&byte);
        if self.host.is_empty() || !self.host.bytes().all(is_host) {
            return Err(InvalidRequest::Host);
        }
        let is_path = |byte: u8| byte.is_ascii_graphic() && byte != b'#';
        if !self.path.starts_with('/') || !self.path.bytes().all(is_path) {
            return Err(InvalidRequest::Path);
        }
        if !self
            .headers
            .iter()
            .all(|(name, value)| is_field(name, value))
        {
            return Err(InvalidRequest::Header);
        }
        let is_new = |at: usize, name| !self.protocols.iter().take(at).any(|p| *p == name);
        let mut protocols = self.protocols.iter().enumerate();
        if !protocols.all(|(at, name)| is_token(name) && is_new(at, *name)) {
            return Err(InvalidRequest::Protocol);
        }
        Ok(())
    }

    fn write_text(&self, key: &[u8; 24], out: &mut String) -> fmt::Result {
        write!(out, "GET {} HTTP/1.1\r\nHost: ", self.path)?;
        self.write_host(out)?;
        let key = core::str::from_utf8(key).unwrap_or_default();
        write!(
            out,
            "\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
             Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: {VERSION}\r\n"
        )?;
        if let [first, rest @ ..] = self.protocols {
            write!(out, "Sec-WebSocket-Protocol: {first}")?;
            rest.iter()
                .try_for_each(|protocol| write!(out, ", {protocol}"))?;
            out.push_str("\r\n");
        }
        if let Some(deflate) = self.deflate {
            out.push_str("Sec-WebSocket-Extensions: ");
            deflate.write_offer(out);
            out.push_str("\r\n");
        }
        for (name, value) in self.headers {
            write!(out, "{name}: {value}\r\n")?;
        }
        out.push_str("\r\n");
        Ok(())
    }

    /// An IPv6 address stands in brackets (RFC 3986 section 3.2.2).
    fn write_host(&self, out: &mut String) -> fmt::Result {
        if self.host.contains(':') {
            write!(out, "[{}]", self.host)?;
        } else {
            out.push_str(self.host);
        }
        match (self.tls, self.port) {
            (true, 443) | (false, 80) => Ok(()),
            (true | false, port) => write!(out, ":{port}"),
        }
    }
}

fn is_field(name: &str, value: &str) -> bool {
    let is_own = OWN_FIELDS.iter().any(|own| own.eq_ignore_ascii_case(name));
    let is_value = |byte: u8| byte == b'\t' || !byte.is_ascii_control();
    is_token(name) && !is_own && value.bytes().all(is_value)
}

/// `Sec-WebSocket-Key`: 16 bytes in base64.
fn key(nonce: [u8; 16]) -> [u8; 24] {
    encode(&nonce)
}

/// Checks the answer to a [`Request`] as it arrives.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub struct ResponseReader {
    head: Head,
    expected: Expected,
}

/// What a valid answer depends on.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Expected {
    accept: Accept,
    protocols: Vec<String>,
    deflate: Option<deflate::Config>,
}

/// An upgrade that has succeeded. What the server sent after it is left in the receive buffer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Upgraded {
    /// The compression that was agreed on.
    pub deflate: Option<deflate::Agreement>,
    /// The subprotocol that the server chose.
    pub protocol: Option<String>,
}

/// An upgrade that has not.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Refused {
    /// The server answered with another status than 101, and perhaps with how long to wait
    /// (`Retry-After` in seconds; a date in it is ignored).
    Status(u16, Option<Duration>),
    /// The answer is not a valid upgrade.
    Invalid(HandshakeError),
}

impl From<HandshakeError> for Refused {
    fn from(error: HandshakeError) -> Self {
        Self::Invalid(error)
    }
}

impl ResponseReader {
    /// Expects the answer to `request` as it was written with `nonce`, of up to `max` bytes.
    #[must_use]
    pub fn new(request: &Request<'_>, nonce: [u8; 16], max: usize) -> Self {
        Self {
            head: Head::new(max),
            expected: Expected {
                accept: accept(&key(nonce)),
                protocols: request
                    .protocols
                    .iter()
                    .map(|name| String::from(*name))
                    .collect(),
                deflate: request.deflate,
            },
        }
    }

    /// Takes the head of the answer; `None` as long as it is incomplete, and then the buffer is
    /// empty. Interim answers before it are passed over (RFC 9110 section 15.2).
    ///
    /// # Errors
    /// The connection is not upgraded and must be dropped.
    pub fn read(&mut self, rx: &mut ReceiveBuffer) -> Result<Option<Upgraded>, Refused> {
        while let Some(head) = self.head.read(rx)? {
            if let Some(upgraded) = self.expected.read(head)? {
                return Ok(Some(upgraded));
            }
            self.head.clear();
        }
        Ok(None)
    }
}

impl Expected {
    /// `None` for an interim answer: the final one is still to come.
    fn read(&self, head: &[u8]) -> Result<Option<Upgraded>, Refused> {
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        let mut response = httparse::Response::new(&mut fields);
        match response.parse(head).map_err(parse_error)? {
            Status::Complete(size) if size == head.len() => {}
            Status::Complete(_) | Status::Partial => return Err(HandshakeError::Syntax.into()),
        }
        let fields = Fields(response.headers);
        match response.code {
            Some(101) => {}
            Some(100..=199) => return Ok(None),
            Some(status) => return Err(Refused::Status(status, retry_after(fields))),
            None => return Err(HandshakeError::Syntax.into()),
        }
        if response.version != Some(1) {
            return Err(HandshakeError::HttpVersion.into());
        }
        self.check(fields).map(Some).map_err(Refused::Invalid)
    }

    /// The checks of RFC 6455 section 4.1, in the order of their listing there.
    fn check(&self, fields: Fields<'_, '_>) -> Result<Upgraded, HandshakeError> {
        let upgrade = fields.one("Upgrade", HandshakeError::Upgrade)?;
        if !upgrade.is_some_and(|value| value.eq_ignore_ascii_case("websocket")) {
            return Err(HandshakeError::Upgrade);
        }
        if !fields.lists("Connection", "upgrade") {
            return Err(HandshakeError::Connection);
        }
        let accept = fields.one("Sec-WebSocket-Accept", HandshakeError::Accept)?;
        if accept.map(str::as_bytes) != Some(&self.accept) {
            return Err(HandshakeError::Accept);
        }
        Ok(Upgraded {
            deflate: self.check_extensions(fields)?,
            protocol: self.check_protocol(fields)?,
        })
    }

    fn check_extensions(
        &self,
        fields: Fields<'_, '_>,
    ) -> Result<Option<deflate::Agreement>, HandshakeError> {
        let mut agreement = None;
        for value in fields.all("Sec-WebSocket-Extensions") {
            let value = core::str::from_utf8(value).map_err(|_| HandshakeError::Extension)?;
            for element in elements(value) {
                let answer = self
                    .deflate
                    .and_then(|config| config.agree_as_client(element));
                let answer = answer.ok_or(HandshakeError::Extension)?;
                if agreement.replace(answer).is_some() {
                    return Err(HandshakeError::Extension);
                }
            }
        }
        Ok(agreement)
    }

    fn check_protocol(&self, fields: Fields<'_, '_>) -> Result<Option<String>, HandshakeError> {
        let Some(chosen) = fields.one("Sec-WebSocket-Protocol", HandshakeError::Protocol)? else {
            return Ok(None);
        };
        let requested = self.protocols.iter().find(|name| name.as_str() == chosen);
        requested.cloned().map(Some).ok_or(HandshakeError::Protocol)
    }
}

/// `Retry-After` in seconds (RFC 9110 section 10.2.3). More than can be represented is as much
/// as can be, as RFC 9111 section 1.2.2 has it for seconds.
fn retry_after(fields: Fields<'_, '_>) -> Option<Duration> {
    let value = core::str::from_utf8(fields.all("Retry-After").next()?).ok()?;
    let is_number = !value.is_empty() && value.bytes().all(|byte| byte.is_ascii_digit());
    is_number.then(|| Duration::from_secs(value.parse().unwrap_or(u64::MAX)))
}
