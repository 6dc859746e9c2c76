//! The wire of one connection: the upgrade request, the frames that wait, the peer's last ping.

use alloc::string::String;
use alloc::vec::Vec;

use rand_chacha::ChaCha12Rng;
use rand_core::{Rng, SeedableRng};

use super::config::{Config, ConfigError, Target};
use super::heartbeat::Ping;
use super::io::{Endpoint, Refusal};
use super::phase::{Control, NoRoom, Wire};
use crate::buffer::ReceiveBuffer;
use crate::ws::handshake::{Refused, Request, ResponseReader, Upgraded};
use crate::ws::{CloseFrame, Full, TransmitQueue, deflate};

/// The wire of one connection.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Link {
    endpoint: Endpoint,
    target: Target,
    headers: Vec<(String, String)>,
    deflate: Option<deflate::Config>,
    max_handshake: usize,
    ping: Ping,
    nonces: ChaCha12Rng,
    /// The nonce of this socket.
    nonce: [u8; 16],
    queue: TransmitQueue,
    reader: Option<ResponseReader>,
    newest_ping: Payload,
}

/// The payload of a control frame: at most 125 bytes (RFC 6455 section 5.5).
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
struct Payload {
    bytes: [u8; 125],
    len: usize,
}

impl Payload {
    const EMPTY: Self = Self {
        bytes: [0; 125],
        len: 0,
    };

    fn copy(payload: &[u8]) -> Self {
        let mut copy = Self::EMPTY;
        for (place, &byte) in copy.bytes.iter_mut().zip(payload) {
            *place = byte;
            copy.len += 1;
        }
        copy
    }

    fn filled(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }
}

impl Link {
    /// A wire without a socket. The seed decides handshake keys and masks.
    pub(super) fn new(config: Config, seed: [u8; 32]) -> Result<Self, ConfigError> {
        let mut nonces = ChaCha12Rng::from_seed(seed);
        let mut masks = [0; 32];
        nonces.fill_bytes(&mut masks);
        let link = Self {
            endpoint: config.endpoint,
            target: config.target,
            headers: config.headers,
            deflate: config.deflate,
            max_handshake: config.limits.max_handshake,
            ping: config.heartbeat.ping,
            nonces,
            nonce: [0; 16],
            queue: TransmitQueue::client(config.transmit, masks),
            reader: None,
            newest_ping: Payload::EMPTY,
        };
        link.check(config.transmit)?;
        Ok(link)
    }

    /// Whether the request can be written, and fits.
    fn check(&self, capacity: usize) -> Result<(), ConfigError> {
        let headers = self.headers();
        match self.request(&self.endpoint.path, &headers).write([0; 16]) {
            Ok(head) if head.len() <= capacity => Ok(()),
            Ok(_) => Err(ConfigError::Transmit),
            Err(invalid) => Err(ConfigError::Request(invalid)),
        }
    }

    pub(super) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    pub(super) fn transmit(&self) -> &[u8] {
        self.queue.bytes()
    }

    pub(super) fn written(&mut self, count: usize) {
        self.queue.written(count);
    }

    pub(super) fn text(&mut self, text: &str) -> Result<(), Full> {
        self.queue.text(text)
    }

    pub(super) fn binary(&mut self, bytes: &[u8]) -> Result<(), Full> {
        self.queue.binary(bytes)
    }

    /// The text that answers a text ping, where pings are text.
    pub(super) const fn text_pong(&self) -> Option<&'static str> {
        match self.ping {
            Ping::Text { pong, .. } => Some(pong),
            Ping::Frame => None,
        }
    }

    /// Keeps what the newest ping says: the answer must say the same.
    pub(super) fn note_ping(&mut self, payload: &[u8]) {
        self.newest_ping = Payload::copy(payload);
    }

    /// Takes in the answer to the upgrade request; `None` while it is incomplete.
    pub(super) fn read_answer(
        &mut self,
        rx: &mut ReceiveBuffer,
    ) -> Result<Option<Upgraded>, Refusal> {
        let Some(reader) = &mut self.reader else {
            return Ok(None);
        };
        match reader.read(rx) {
            Ok(Some(upgraded)) => {
                self.queue.compress(upgraded.deflate);
                Ok(Some(upgraded))
            }
            Ok(None) => Ok(None),
            Err(Refused::Status(status, retry_after)) => Err(Refusal::Status(status, retry_after)),
            Err(Refused::Invalid(error)) => Err(Refusal::Handshake(error)),
        }
    }

    fn headers(&self) -> Vec<(&str, &str)> {
        let headers = self.headers.iter();
        headers
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect()
    }

    /// Queues the request with a secret in its target; whether it is fit for one, and there is room.
    pub(super) fn sign(&mut self, secret: &str) -> bool {
        let is_fit = !secret.is_empty() && secret.bytes().all(|byte| byte.is_ascii_alphanumeric());
        let path = self.endpoint.path.replacen('*', secret, 1);
        is_fit && self.queue_request(&path)
    }

    fn queue_request(&mut self, path: &str) -> bool {
        let headers = self.headers();
        let written = self.request(path, &headers).write(self.nonce);
        written.is_ok_and(|head| self.queue.handshake(&head).is_ok())
    }

    fn request<'a>(&'a self, path: &'a str, headers: &'a [(&'a str, &'a str)]) -> Request<'a> {
        Request {
            host: &self.endpoint.host,
            port: self.endpoint.port,
            tls: self.endpoint.tls,
            path,
            headers,
            protocols: &[],
            deflate: self.deflate,
        }
    }
}

impl Wire for Link {
    fn connect(&mut self) {
        self.queue.restart();
        self.nonces.fill_bytes(&mut self.nonce);
        let headers = self.headers();
        let request = self.request(&self.endpoint.path, &headers);
        let reader = ResponseReader::new(&request, self.nonce, self.max_handshake);
        self.reader = Some(reader);
        if self.target == Target::Plain {
            // The same request was written, and fitted, when the connection was made.
            let path = self.endpoint.path.clone();
            self.queue_request(&path);
        }
    }

    fn control(&mut self, control: Control) -> Result<(), NoRoom> {
        let queued = match (control, self.ping) {
            (Control::Pong, _) => self.queue.pong(self.newest_ping.filled()),
            (Control::Ping, Ping::Frame) => self.queue.ping(&[]),
            (Control::Ping, Ping::Text { ping, .. }) => self.queue.text(ping),
        };
        queued.map_err(|Full| NoRoom)
    }

    fn close(&mut self, code: u16) {
        const WITHOUT_CODE: u16 = 1005;
        let close = (code != WITHOUT_CODE).then_some(CloseFrame { code, reason: "" });
        // Refused only if one has been queued already.
        self.queue.close(close).unwrap_or_default();
    }

    fn is_flushed(&self) -> bool {
        self.queue.is_empty()
    }

    fn clear(&mut self) {
        self.queue.restart();
        self.reader = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_kept_up_to_the_length_of_a_control_frame() {
        let long = [7; 200];
        assert_eq!(Payload::EMPTY.filled(), b"");
        assert_eq!(Payload::copy(b"abc").filled(), b"abc");
        assert_eq!(Payload::copy(&long).filled(), &long[..125]);
    }
}
