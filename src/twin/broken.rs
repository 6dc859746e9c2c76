//! What a broken server, or something broken in between, says: frames against RFC 6455 and texts
//! that are no message of the venue.

use serde_json::Value;

/// A frame against the protocol.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BadFrame {
    /// Reserved bits are set although nothing was agreed on (RFC 6455 section 5.2).
    ReservedBits,
    /// The opcode has no meaning (RFC 6455 section 5.2).
    ReservedOpcode,
    /// A length that takes more bytes than it needs (RFC 6455 section 5.2).
    LongForm,
    /// A length with its highest bit set (RFC 6455 section 5.2).
    ImpossibleLength,
    /// The header of a frame of an exabyte.
    Exabyte,
    /// The header of a frame one byte longer than clients usually allow: 16 MiB.
    TooLong,
    /// A text that is not UTF-8 (RFC 6455 section 8.1).
    InvalidUtf8,
    /// A ping that is not the whole of its message (RFC 6455 section 5.4).
    FragmentedControl,
    /// A ping with 126 bytes (RFC 6455 section 5.5).
    LongControl,
    /// A masked frame (RFC 6455 section 5.1).
    Masked,
    /// A continuation of nothing (RFC 6455 section 5.4).
    StrayContinuation,
    /// A message within a message (RFC 6455 section 5.4).
    InterruptedMessage,
    /// A close frame with a code that must not be sent (RFC 6455 section 7.4.1).
    CloseCode,
}

impl BadFrame {
    /// Each kind.
    pub const ALL: [Self; 13] = [
        Self::ReservedBits,
        Self::ReservedOpcode,
        Self::LongForm,
        Self::ImpossibleLength,
        Self::Exabyte,
        Self::TooLong,
        Self::InvalidUtf8,
        Self::FragmentedControl,
        Self::LongControl,
        Self::Masked,
        Self::StrayContinuation,
        Self::InterruptedMessage,
        Self::CloseCode,
    ];

    /// The name of the fault.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::ReservedBits => "reserved-bits",
            Self::ReservedOpcode => "reserved-opcode",
            Self::LongForm => "long-form-length",
            Self::ImpossibleLength => "impossible-length",
            Self::Exabyte => "exabyte-length",
            Self::TooLong => "too-long-message",
            Self::InvalidUtf8 => "invalid-utf8",
            Self::FragmentedControl => "fragmented-control",
            Self::LongControl => "long-control",
            Self::Masked => "masked-frame",
            Self::StrayContinuation => "stray-continuation",
            Self::InterruptedMessage => "interrupted-message",
            Self::CloseCode => "bad-close-code",
        }
    }

    /// The frame on the wire.
    pub(super) fn bytes(self) -> Vec<u8> {
        match self {
            Self::ReservedBits => b"\xb1\x02{}".to_vec(),
            Self::ReservedOpcode => b"\x83\x02{}".to_vec(),
            Self::LongForm => b"\x81\x7e\x00\x02{}".to_vec(),
            Self::ImpossibleLength => b"\x81\x7f\x80\x00\x00\x00\x00\x00\x00\x02".to_vec(),
            Self::Exabyte => b"\x81\x7f\x0d\xe0\xb6\xb3\xa7\x64\x00\x00".to_vec(),
            Self::TooLong => b"\x81\x7f\x00\x00\x00\x00\x01\x00\x00\x01".to_vec(),
            Self::InvalidUtf8 => b"\x81\x0a{\"e\":\"\xc3\x28\"}".to_vec(),
            Self::FragmentedControl => b"\x09\x00".to_vec(),
            Self::LongControl => [&b"\x89\x7e\x00\x7e"[..], &[b'p'; 126]].concat(),
            Self::Masked => b"\x81\x82\x01\x02\x03\x04\x7a\x7f".to_vec(),
            Self::StrayContinuation => b"\x80\x02{}".to_vec(),
            Self::InterruptedMessage => b"\x01\x01{\x81\x02{}".to_vec(),
            Self::CloseCode => b"\x88\x02\x03\xed".to_vec(),
        }
    }
}

/// A text in the place of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BadJson {
    /// The first half of the message.
    Cut,
    /// Something else altogether: the page of a proxy.
    Garbage,
    /// The message with every number replaced by something that is none.
    WrongTypes,
}

impl BadJson {
    /// Each kind.
    pub const ALL: [Self; 3] = [Self::Cut, Self::Garbage, Self::WrongTypes];

    /// The name of the fault.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Cut => "cut-json",
            Self::Garbage => "garbage",
            Self::WrongTypes => "wrong-types",
        }
    }

    /// What comes instead of this message.
    pub(super) fn instead_of(self, text: &str) -> String {
        match self {
            Self::Cut => text.chars().take(text.chars().count() / 2).collect(),
            Self::Garbage => "<html><head><title>502 Bad Gateway</title></head></html>".to_owned(),
            Self::WrongTypes => serde_json::from_str(text)
                .map_or_else(|_| String::new(), |value| numberless(value).to_string()),
        }
    }
}

/// The same value with an empty object in the place of each number, printed as a string or not.
fn numberless(value: Value) -> Value {
    match value {
        Value::Number(_) => Value::Object(serde_json::Map::new()),
        Value::String(text) if text.parse::<f64>().is_ok() => Value::Object(serde_json::Map::new()),
        Value::Array(items) => items.into_iter().map(numberless).collect(),
        Value::Object(fields) => fields
            .into_iter()
            .map(|(key, value)| (key, numberless(value)))
            .collect(),
        value @ (Value::Null | Value::Bool(_) | Value::String(_)) => value,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_text_is_no_message_any_more_and_always_the_same() {
        let text = r#"{"stream":"a@trade","data":{"t":7,"p":"0.5","m":true,"b":[["1","2"]]}}"#;
        assert_eq!(BadJson::Cut.instead_of(text), text[..text.len() / 2]);
        assert!(serde_json::from_str::<Value>(&BadJson::Garbage.instead_of(text)).is_err());
        assert_eq!(
            BadJson::WrongTypes.instead_of(text),
            r#"{"data":{"b":[[{},{}]],"m":true,"p":{},"t":{}},"stream":"a@trade"}"#
        );
    }
}
