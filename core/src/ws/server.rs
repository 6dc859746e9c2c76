//! The server role put together: handshake, decoder, transmit queue, pongs and the close
//! handshake. No time: deadlines are for whoever drives it.

use core::fmt;

use super::handshake::{HandshakeError, RequestReader, Response, ServerRequest};
use super::{
    CloseFrame, Decoder, Found, Full, Item, Kind, Limits, Role, TransmitQueue, Violation, deflate,
};
use crate::buffer::ReceiveBuffer;

/// One connection seen from the server.
///
/// Read into a [`ReceiveBuffer`], call [`next`](Self::next) until it returns `None`, write
/// [`transmit`](Self::transmit), and close the socket once [`is_over`](Self::is_over) (RFC 6455
/// section 7.1.1: the server closes first). A request is to be answered before the next call, by
/// [`accept`](Self::accept) or [`respond`](Self::respond).
///
/// ```
/// use marketprism_core::ReceiveBuffer;
/// use marketprism_core::ws::handshake::Response;
/// use marketprism_core::ws::{Limits, Server, ServerEvent};
///
/// let mut rx = ReceiveBuffer::with_capacity(1024);
/// let request = b"GET /time HTTP/1.1\r\nHost: localhost\r\n\r\n";
/// rx.spare()[..request.len()].copy_from_slice(request);
/// rx.commit(request.len());
///
/// let mut server = Server::new(Limits::DEFAULT, 1 << 20, None);
/// while let Some(event) = server.next(&mut rx)? {
///     match event {
///         ServerEvent::Request(request) if matches!(request.upgrade(), Ok(Some(_))) => {
///             server.accept(None)?;
///         }
///         ServerEvent::Request(_) => server.respond(&Response::new(404).body(b""))?,
///         ServerEvent::Item(_) => {}
///     }
/// }
/// assert!(server.transmit().starts_with(b"HTTP/1.1 404 Not Found\r\n"));
/// # Ok::<(), Box<dyn core::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Server {
    stage: Stage,
    reader: RequestReader,
    decoder: Decoder,
    queue: TransmitQueue,
    deflate: Option<deflate::Config>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// A request is awaited.
    Request,
    /// A request awaits its answer.
    Answer,
    Open,
    Closed,
    Failed(ServerError),
}

/// What a server has received.
#[derive(Clone, Debug)]
pub enum ServerEvent<'a> {
    /// A request, for an upgrade or for anything else.
    Request(ServerRequest<'a>),
    /// A message or a control frame. A ping has been answered already, and so has a close frame,
    /// unless it was the answer to ours.
    Item(Item<'a>),
}

/// Why a connection has failed. The peer is told: by an HTTP status, or a close frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ServerError {
    /// The request cannot be answered in substance.
    Handshake(HandshakeError),
    /// The peer broke the protocol.
    Violation(Violation),
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Handshake(error) => error.fmt(f),
            Self::Violation(violation) => violation.fmt(f),
        }
    }
}

impl core::error::Error for ServerError {}

impl Server {
    /// A connection that has just been accepted. The transmit queue holds up to `capacity` bytes
    /// of messages; `deflate` is what is granted to clients that offer compression.
    #[must_use]
    pub fn new(limits: Limits, capacity: usize, deflate: Option<deflate::Config>) -> Self {
        Self {
            stage: Stage::Request,
            reader: RequestReader::new(limits.max_handshake),
            decoder: Decoder::new(Role::Server, limits, None),
            queue: TransmitQueue::server(capacity),
            deflate,
        }
    }

    /// The next thing that was received. On `None` the buffer is empty, unless a request awaits
    /// its answer.
    ///
    /// # Errors
    /// The connection has failed, and every further call says so again.
    pub fn next<'a>(
        &'a mut self,
        rx: &'a mut ReceiveBuffer,
    ) -> Result<Option<ServerEvent<'a>>, ServerError> {
        match self.stage {
            Stage::Request => self.next_request(rx),
            Stage::Answer => Ok(None),
            Stage::Open => self.next_item(rx),
            Stage::Closed => {
                rx.clear();
                Ok(None)
            }
            Stage::Failed(error) => {
                rx.clear();
                Err(error)
            }
        }
    }

    /// Accepts the upgrade that the last request asks for. `protocol` is one of those requested.
    ///
    /// # Errors
    /// No request awaits an answer, or it does not ask for a valid upgrade; then answer by
    /// [`Response::refusal`].
    pub fn accept(&mut self, protocol: Option<&str>) -> Result<(), HandshakeError> {
        if self.stage != Stage::Answer {
            return Err(HandshakeError::Upgrade);
        }
        let request = self.reader.request()?;
        let upgrade = request.upgrade()?.ok_or(HandshakeError::Upgrade)?;
        let (head, agreement) = upgrade.accept(protocol, self.deflate);
        self.queue
            .handshake(&head)
            .map_err(|Full| HandshakeError::TooLong)?;
        self.queue.compress(agreement);
        self.decoder.restart(agreement);
        self.stage = Stage::Open;
        Ok(())
    }

    /// Answers the last request with the bytes of a [`Response`] and awaits the next one.
    ///
    /// # Errors
    /// [`Full`]: the transmit queue has no room, or no request awaits an answer.
    pub fn respond(&mut self, response: &[u8]) -> Result<(), Full> {
        if self.stage != Stage::Answer {
            return Err(Full);
        }
        self.queue.handshake(response)?;
        self.reader.restart();
        self.stage = Stage::Request;
        Ok(())
    }

    /// Where messages are queued once the upgrade is accepted.
    pub const fn queue(&mut self) -> &mut TransmitQueue {
        &mut self.queue
    }

    /// What to write next; empty when there is nothing.
    #[must_use]
    pub fn transmit(&self) -> &[u8] {
        self.queue.bytes()
    }

    /// Declares that the first `count` bytes of [`transmit`](Self::transmit) have been written.
    pub fn transmitted(&mut self, count: usize) {
        self.queue.written(count);
    }

    /// Whether the socket is to be closed: the connection is closed or has failed, and all has
    /// been written.
    #[must_use]
    pub fn is_over(&self) -> bool {
        matches!(self.stage, Stage::Closed | Stage::Failed(_)) && self.queue.is_empty()
    }

    fn next_request<'a>(
        &'a mut self,
        rx: &mut ReceiveBuffer,
    ) -> Result<Option<ServerEvent<'a>>, ServerError> {
        match self.reader.read(rx) {
            Ok(None) => Ok(None),
            Ok(Some(request)) => {
                self.stage = Stage::Answer;
                Ok(Some(ServerEvent::Request(request)))
            }
            Err(error) => {
                rx.clear();
                self.stage = Stage::Failed(ServerError::Handshake(error));
                // A queue too small for an answer leaves the peer without one.
                self.queue
                    .handshake(&Response::refusal(error))
                    .unwrap_or_default();
                Err(ServerError::Handshake(error))
            }
        }
    }

    fn next_item<'a>(
        &'a mut self,
        rx: &'a mut ReceiveBuffer,
    ) -> Result<Option<ServerEvent<'a>>, ServerError> {
        let found = match self.decoder.find(rx) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(None),
            Err(violation) => return Err(fail(&mut self.queue, &mut self.stage, violation)),
        };
        self.answer(rx, found);
        match self.decoder.lend(rx, found) {
            Ok(item) => Ok(Some(ServerEvent::Item(item))),
            Err(violation) => Err(fail(&mut self.queue, &mut self.stage, violation)),
        }
    }

    /// Answers what the protocol itself answers. A close frame that follows ours is the answer.
    fn answer(&mut self, rx: &ReceiveBuffer, found: Found) {
        if !matches!(found.kind(), Kind::Ping | Kind::Close) {
            return;
        }
        match self.decoder.lend(rx, found) {
            // After a close frame of ours nothing is answered any more.
            Ok(Item::Ping(payload)) => {
                self.queue
                    .pong(payload)
                    .or_else(|Full| self.queue.replace_pong(payload))
                    .unwrap_or_default();
            }
            Ok(Item::Close(close)) => {
                self.queue.close(close).unwrap_or_default();
                self.stage = Stage::Closed;
            }
            Ok(Item::Text(_) | Item::Binary(_) | Item::Pong(_)) | Err(_) => {}
        }
    }
}

/// Fails the connection (RFC 6455 section 7.1.7) by a close frame that says why. What was queued
/// before is still written: it answers what came before the violation.
fn fail(queue: &mut TransmitQueue, stage: &mut Stage, violation: Violation) -> ServerError {
    let error = ServerError::Violation(violation);
    *stage = Stage::Failed(error);
    let code = violation.close_code();
    // Refused only when a close frame is on its way already.
    queue
        .close(Some(CloseFrame { code, reason: "" }))
        .unwrap_or_default();
    error
}
