//! Answers to HTTP requests that open no WebSocket.

use marketprism_core::ws::handshake::Response;

/// Status, header fields and body of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: u16,
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

    pub(super) fn field(mut self, name: &'static str, value: impl ToString) -> Self {
        self.fields.push((name, value.to_string()));
        self
    }

    /// The bytes to send; the connection ends with them.
    pub(super) fn bytes(&self) -> Vec<u8> {
        let begun = Response::new(self.status).field("Connection", "close");
        let fields = self.fields.iter();
        fields
            .fold(begun, |response, (name, value)| response.field(name, value))
            .body(self.body.as_bytes())
    }
}
