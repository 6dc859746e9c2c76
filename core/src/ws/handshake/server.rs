//! The server's side: the request, and what answers it.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use httparse::{EMPTY_HEADER, Header, Status};

use super::extensions::elements;
use super::fields::Fields;
use super::head::{Head, parse_error};
use super::{HandshakeError, MAX_FIELDS, VERSION, accept};
use crate::buffer::ReceiveBuffer;
use crate::ws::deflate;

/// Collects a client's request as it arrives.
#[derive(Debug)]
pub struct RequestReader {
    head: Head,
}

impl RequestReader {
    /// Expects a request with a head of up to `max` bytes.
    #[must_use]
    pub const fn new(max: usize) -> Self {
        Self {
            head: Head::new(max),
        }
    }

    /// Takes the head of the request; `None` as long as it is incomplete, and then the buffer is
    /// empty. What the client sent after it is left there.
    ///
    /// # Errors
    /// It is not a request that can be answered in substance; [`HandshakeError::status`] says
    /// how to refuse it.
    pub fn read(
        &mut self,
        rx: &mut ReceiveBuffer,
    ) -> Result<Option<ServerRequest<'_>>, HandshakeError> {
        match self.head.read(rx)? {
            Some(head) => ServerRequest::parse(head).map(Some),
            None => Ok(None),
        }
    }

    /// The request that was read, once more.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub fn request(&self) -> Result<ServerRequest<'_>, HandshakeError> {
        ServerRequest::parse(self.head.bytes())
    }

    /// Expects another request on the same connection.
    pub fn restart(&mut self) {
        self.head.clear();
    }
}

/// A client's request: for an upgrade, or for anything else that HTTP has.
#[derive(Clone, Debug)]
pub struct ServerRequest<'a> {
    /// The method, for instance `GET`.
    pub method: &'a str,
    /// Path and query.
    pub target: &'a str,
    fields: Vec<Header<'a>>,
}

impl<'a> ServerRequest<'a> {
    /// Parses the head of a request, the empty line at its end included.
    ///
    /// # Errors
    /// It is not HTTP/1.1, does not name one host (RFC 9112 section 3.2), or has a body, which
    /// neither an upgrade nor a query of market data needs.
    pub fn parse(head: &'a [u8]) -> Result<Self, HandshakeError> {
        let mut fields = [EMPTY_HEADER; MAX_FIELDS];
        let mut request = httparse::Request::new(&mut fields);
        match request.parse(head).map_err(parse_error)? {
            Status::Complete(size) if size == head.len() => {}
            Status::Complete(_) | Status::Partial => return Err(HandshakeError::Syntax),
        }
        if request.version != Some(1) {
            return Err(HandshakeError::HttpVersion);
        }
        let (Some(method), Some(target)) = (request.method, request.path) else {
            return Err(HandshakeError::Syntax);
        };
        let parsed = Self {
            method,
            target,
            fields: request.headers.to_vec(),
        };
        parsed.check()?;
        Ok(parsed)
    }

    fn check(&self) -> Result<(), HandshakeError> {
        let host = self.fields().one("Host", HandshakeError::Host)?;
        if host.is_none_or(str::is_empty) {
            return Err(HandshakeError::Host);
        }
        let length = self.fields().one("Content-Length", HandshakeError::Body)?;
        let coded = self.fields().all("Transfer-Encoding").next().is_some();
        if coded || !matches!(length, None | Some("0")) {
            return Err(HandshakeError::Body);
        }
        Ok(())
    }

    /// The path, without the query.
    #[must_use]
    pub fn path(&self) -> &'a str {
        self.target
            .split_once('?')
            .map_or(self.target, |(path, _)| path)
    }

    /// The query, without the question mark.
    #[must_use]
    pub fn query(&self) -> Option<&'a str> {
        self.target.split_once('?').map(|(_, query)| query)
    }

    /// The value of the first header field with this name, if it is text.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&'a str> {
        let named = |field: &&Header<'_>| field.name.eq_ignore_ascii_case(name);
        let value = self.fields.iter().find(named)?.value;
        core::str::from_utf8(value.trim_ascii()).ok()
    }

    /// The upgrade to WebSocket that is asked for; `None` for any other request.
    ///
    /// # Errors
    /// An upgrade is asked for, but not as RFC 6455 section 4.2.1 wants it;
    /// [`HandshakeError::status`] says how to refuse it.
    pub fn upgrade(&self) -> Result<Option<Upgrade<'_>>, HandshakeError> {
        let fields = self.fields();
        if !fields.lists("Upgrade", "websocket") {
            return Ok(None);
        }
        if self.method != "GET" {
            return Err(HandshakeError::Method);
        }
        if !fields.lists("Connection", "upgrade") {
            return Err(HandshakeError::Connection);
        }
        let version = fields.one("Sec-WebSocket-Version", HandshakeError::Version)?;
        if version != Some(VERSION) {
            return Err(HandshakeError::Version);
        }
        let key = fields.one("Sec-WebSocket-Key", HandshakeError::Key)?;
        let key = key.filter(|key| is_key(key)).ok_or(HandshakeError::Key)?;
        Ok(Some(Upgrade { key, fields }))
    }

    fn fields(&self) -> Fields<'_, 'a> {
        Fields(&self.fields)
    }
}

/// Whether a key is 16 bytes in base64 (RFC 6455 section 4.2.1).
fn is_key(key: &str) -> bool {
    let mut nonce = [0; 18];
    STANDARD.decode_slice(key, &mut nonce) == Ok(16)
}

/// A valid request for an upgrade.
#[derive(Clone, Copy, Debug)]
pub struct Upgrade<'a> {
    key: &'a str,
    fields: Fields<'a, 'a>,
}

impl<'a> Upgrade<'a> {
    /// The subprotocols that the client speaks, its preferred one first.
    pub fn protocols(&self) -> impl Iterator<Item = &'a str> {
        self.fields
            .all("Sec-WebSocket-Protocol")
            .filter_map(|value| core::str::from_utf8(value).ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .filter(|protocol| !protocol.is_empty())
    }

    /// Accepts: the bytes to answer with, and the compression that `config` agrees to. `protocol`
    /// is one of [`protocols`](Self::protocols).
    #[must_use]
    pub fn accept(
        &self,
        protocol: Option<&str>,
        config: Option<deflate::Config>,
    ) -> (Vec<u8>, Option<deflate::Agreement>) {
        let mut extensions = String::new();
        let agreement = config.and_then(|config| self.agree(config, &mut extensions));
        let accept = accept(self.key.as_bytes());
        let mut response = Response::new(101)
            .field("Upgrade", "websocket")
            .field("Connection", "Upgrade")
            .field(
                "Sec-WebSocket-Accept",
                core::str::from_utf8(&accept).unwrap_or_default(),
            );
        if agreement.is_some() {
            response = response.field("Sec-WebSocket-Extensions", &extensions);
        }
        if let Some(protocol) = protocol {
            response = response.field("Sec-WebSocket-Protocol", protocol);
        }
        (response.head(), agreement)
    }

    /// Accepts the first alternative in the client's offer that can be accepted (RFC 7692 section
    /// 5.1: they stand in the order of the client's preference).
    fn agree(&self, config: deflate::Config, out: &mut String) -> Option<deflate::Agreement> {
        self.fields
            .all("Sec-WebSocket-Extensions")
            .filter_map(|value| core::str::from_utf8(value).ok())
            .flat_map(elements)
            .find_map(|element| config.agree_as_server(element, out))
    }
}

/// An HTTP answer.
#[derive(Clone, Debug)]
pub struct Response {
    text: String,
}

impl Response {
    /// An answer with this status.
    #[must_use]
    pub fn new(status: u16) -> Self {
        let mut text = String::with_capacity(256);
        // Writing to a `String` does not fail.
        write!(text, "HTTP/1.1 {status} {}\r\n", reason(status)).unwrap_or_default();
        Self { text }
    }

    /// Refuses a request as its error asks for, and says why in the body.
    #[must_use]
    pub fn refusal(error: HandshakeError) -> Vec<u8> {
        let response = Self::new(error.status()).field("Connection", "close");
        let response = if error == HandshakeError::Version {
            response.field("Sec-WebSocket-Version", VERSION)
        } else if error == HandshakeError::Method {
            response.field("Allow", "GET")
        } else {
            response
        };
        let mut body = String::new();
        writeln!(body, "{error}").unwrap_or_default();
        response
            .field("Content-Type", "text/plain")
            .body(body.as_bytes())
    }

    /// Adds a header field. Control characters in it are left out, so that a value cannot
    /// smuggle in another field.
    #[must_use]
    pub fn field(mut self, name: &str, value: &str) -> Self {
        self.text.extend(name.chars().filter(|c| !c.is_control()));
        self.text.push_str(": ");
        self.text.extend(value.chars().filter(|c| !c.is_control()));
        self.text.push_str("\r\n");
        self
    }

    /// The bytes of the answer, with a body.
    #[must_use]
    pub fn body(mut self, body: &[u8]) -> Vec<u8> {
        write!(self.text, "Content-Length: {}\r\n", body.len()).unwrap_or_default();
        let mut bytes = self.head();
        bytes.extend_from_slice(body);
        bytes
    }

    /// The bytes of an answer that has no body by its nature.
    fn head(mut self) -> Vec<u8> {
        self.text.push_str("\r\n");
        self.text.into_bytes()
    }
}

/// The phrase for a status (RFC 9110 section 15, RFC 6585); it may be empty.
const fn reason(status: u16) -> &'static str {
    match status {
        101 => "Switching Protocols",
        200 => "OK",
        400 => "Bad Request",
        403 => "Forbidden",
        404 => "Not Found",
        405 => "Method Not Allowed",
        413 => "Content Too Large",
        418 => "I'm a teapot",
        426 => "Upgrade Required",
        429 => "Too Many Requests",
        431 => "Request Header Fields Too Large",
        500 => "Internal Server Error",
        503 => "Service Unavailable",
        505 => "HTTP Version Not Supported",
        _ => "",
    }
}
