//! Request targets: path and query, percent-decoded.

/// The target of an HTTP request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Target {
    pub(super) path: String,
    query: Vec<(String, String)>,
}

impl Target {
    /// Takes a target apart; what cannot be decoded stays as it stands.
    pub(super) fn parse(target: &str) -> Self {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let pairs = query.split('&').filter(|pair| !pair.is_empty());
        let pair = |pair: &str| {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(key), decode(value))
        };
        Self {
            path: decode(path),
            query: pairs.map(pair).collect(),
        }
    }

    /// The value of a parameter.
    pub(super) fn parameter(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// Percent-decoding (RFC 3986 section 2.1).
fn decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        rest = match (first, escaped(after)) {
            (b'%', Some((byte, after))) => {
                bytes.push(byte);
                after
            }
            _ => {
                bytes.push(*first);
                after
            }
        };
    }
    String::from_utf8(bytes).unwrap_or_else(|_| text.to_owned())
}

fn escaped(rest: &[u8]) -> Option<(u8, &[u8])> {
    let [high, low, after @ ..] = rest else {
        return None;
    };
    let digit = |byte: &u8| char::from(*byte).to_digit(16);
    let value = digit(high)? * 16 + digit(low)?;
    Some((u8::try_from(value).ok()?, after))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_taken_apart_and_decoded() {
        let target = Target::parse("/stream?streams=btcusdt%40trade/a&x&limit=5");
        assert_eq!(target.path, "/stream");
        assert_eq!(target.parameter("streams"), Some("btcusdt@trade/a"));
        assert_eq!(target.parameter("x"), Some(""));
        assert_eq!(target.parameter("limit"), Some("5"));
        assert_eq!(target.parameter("none"), None);
    }

    #[test]
    fn what_cannot_be_decoded_stays() {
        for text in ["%", "%4", "%zz", "%ff"] {
            assert_eq!(decode(text), text);
        }
        assert_eq!(decode("%E5%B8%81"), "币");
    }
}
