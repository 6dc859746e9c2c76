//! Answers to HTTP requests that open no WebSocket.

use marketprism_core::ws::handshake::Response;

use super::rest::After;

/// Status, header fields and body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    status: u16,
    fields: Vec<(&'static str, String)>,
    body: String,
}

impl Answer {
    /// An answer in JSON.
    pub(super) fn json(status: u16, body: &str) -> Self {
        Self {
            status,
            fields: vec![("Content-Type", "application/json".to_owned())],
            body: body.to_owned(),
        }
    }

    /// A page for people.
    pub(super) fn page(body: &str) -> Self {
        Self {
            status: 200,
            fields: vec![("Content-Type", "text/html".to_owned())],
            body: body.to_owned(),
        }
    }

    /// The length of the body in bytes.
    pub(super) const fn len(&self) -> usize {
        self.body.len()
    }

    pub(super) fn field(mut self, name: &'static str, value: impl ToString) -> Self {
        self.fields.push((name, value.to_string()));
        self
    }

    /// The bytes to send, and in them what becomes of the connection.
    pub(super) fn bytes(&self, after: After) -> Vec<u8> {
        let begun = Response::new(self.status);
        let begun = match after {
            After::Stay => begun,
            After::Close => begun.field("Connection", "close"),
        };
        let fields = self.fields.iter();
        fields
            .fold(begun, |response, (name, value)| response.field(name, value))
            .body(self.body.as_bytes())
    }
}
