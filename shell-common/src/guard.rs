//! Striking secrets out of what a peer sends, before anybody reads it.

use zeroize::Zeroizing;

/// What is written over a secret.
const STRUCK: u8 = b'*';

/// So many bytes of a secret at the end of a read are taken for its beginning and struck out; fewer
/// give nothing away, and more stand in no message by accident.
const BEGINNING: usize = 8;

/// A secret, and how much of it the last read ended with. It has no `Debug`.
pub(crate) struct Guard {
    secret: Zeroizing<String>,
    /// For each length of a beginning, how much of it is a beginning again.
    borders: Vec<usize>,
    matched: usize,
}

impl Guard {
    /// Watches for a secret; one that is too short to be told from other words is not watched for.
    pub(crate) fn of(secret: Zeroizing<String>) -> Option<Self> {
        (secret.len() >= BEGINNING).then(|| Self {
            borders: borders(secret.as_bytes()),
            secret,
            matched: 0,
        })
    }

    pub(crate) fn is_of(&self, secret: &str) -> bool {
        *self.secret == secret
    }

    /// Strikes the secret out of the next bytes of a stream, wherever reads cut it.
    pub(crate) fn strike(&mut self, bytes: &mut [u8]) {
        let mut place = 0;
        while let Some(&byte) = bytes.get(place) {
            place += 1;
            self.step(byte);
            if self.matched == self.secret.len() {
                strike_before(bytes, place, self.matched);
                self.matched = 0;
            }
        }
        if self.matched >= BEGINNING {
            strike_before(bytes, place, self.matched);
        }
    }

    /// How much of the secret the stream ends with once this byte has come (Knuth, Morris, Pratt).
    fn step(&mut self, byte: u8) {
        let secret = self.secret.as_bytes();
        while self.matched > 0 && secret.get(self.matched) != Some(&byte) {
            let shorter = self.borders.get(self.matched - 1);
            self.matched = shorter.copied().unwrap_or_default();
        }
        if secret.get(self.matched) == Some(&byte) {
            self.matched += 1;
        }
    }
}

/// Strikes out the last `count` bytes before a place, as far as they are here.
fn strike_before(bytes: &mut [u8], place: usize, count: usize) {
    let range = place.saturating_sub(count)..place;
    bytes.get_mut(range).unwrap_or_default().fill(STRUCK);
}

fn borders(secret: &[u8]) -> Vec<usize> {
    let mut borders = vec![0; secret.len().min(1)];
    let mut length = 0;
    for byte in secret.iter().skip(1) {
        while length > 0 && secret.get(length) != Some(byte) {
            length = borders.get(length - 1).copied().unwrap_or_default();
        }
        length += usize::from(secret.get(length) == Some(byte));
        borders.push(length);
    }
    borders
}

/// Takes the value of `listenKey` out of an answer and strikes it out there. An answer that
/// should have one and has none that can be found is emptied.
pub(crate) fn take_listen_key(body: &mut Vec<u8>) -> Option<Zeroizing<String>> {
    let place = find_listen_key(body);
    let Some(value) = place.and_then(|place| body.get_mut(place)) else {
        body.clear();
        body.extend_from_slice(b"{}");
        return None;
    };
    let key = str::from_utf8(value).ok();
    let key = key.map(|key| Zeroizing::new(key.to_owned()));
    value.fill(STRUCK);
    key
}

/// Where the value stands: letters and digits, which need no escape in JSON or in a URL.
fn find_listen_key(body: &[u8]) -> Option<std::ops::Range<usize>> {
    const NAME: &[u8] = br#""listenKey""#;
    let name = body.windows(NAME.len()).position(|part| part == NAME)?;
    let mut place = name + NAME.len();
    for expected in *b":\"" {
        let rest = body.get(place..)?;
        place += rest.iter().position(|byte| !byte.is_ascii_whitespace())?;
        if body.get(place) != Some(&expected) {
            return None;
        }
        place += 1;
    }
    let rest = body.get(place..)?;
    let length = rest.iter().position(|byte| !byte.is_ascii_alphanumeric())?;
    let is_whole = length > 0 && rest.get(length) == Some(&b'"');
    is_whole.then_some(place..place + length)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(secret: &str) -> Guard {
        Guard::of(Zeroizing::new(secret.to_owned())).unwrap()
    }

    /// What is left of a stream that is cut at these places.
    fn struck(secret: &str, stream: &str, cuts: &[usize]) -> String {
        let mut guard = guard(secret);
        let mut bytes = stream.as_bytes().to_vec();
        let mut rest = &mut bytes[..];
        let mut taken = 0;
        for &cut in cuts {
            let (part, behind) = rest.split_at_mut(cut - taken);
            guard.strike(part);
            (rest, taken) = (behind, cut);
        }
        guard.strike(rest);
        String::from_utf8(bytes).unwrap()
    }

    #[test]
    fn a_secret_is_struck_out_wherever_reads_cut_it() {
        let (secret, stream) = ("aabaabaac012", "aabaabaabaac012,aabaabaac012aabaabaac0");
        let whole = struck(secret, stream, &[]);
        // The last one may be the beginning of another.
        assert_eq!(whole, "aab************,**********************");
        for first in 0..=stream.len() {
            for second in first..=stream.len() {
                let left = struck(secret, stream, &[first, second]);
                assert_eq!(left.len(), stream.len());
                assert!(!left.contains(&secret[BEGINNING..]), "{left}");
            }
        }
    }

    #[test]
    fn what_only_begins_like_a_secret_is_left_alone() {
        let stream = "01234567 0123456 1234567 012345";
        assert_eq!(struck("012345678", stream, &[9, 12, 20]), stream);
        assert!(Guard::of(Zeroizing::new("1234567".to_owned())).is_none());
    }

    #[test]
    fn the_key_of_an_answer_is_taken_out_of_it() {
        for (body, key, left) in [
            (
                r#"{"listenKey":"aB3"}"#,
                Some("aB3"),
                r#"{"listenKey":"***"}"#,
            ),
            (
                r#"{ "listenKey" : "aB3", "more": 1}"#,
                Some("aB3"),
                r#"{ "listenKey" : "***", "more": 1}"#,
            ),
            ("{}", None, "{}"),
            (r#"{"listenKey":""}"#, None, "{}"),
            (r#"{"listenKey":"a&b"}"#, None, "{}"),
            (r#"{"listenKey":7}"#, None, "{}"),
            (r#"{"listenKey":"aB"#, None, "{}"),
            ("hush", None, "{}"),
        ] {
            let mut bytes = body.as_bytes().to_vec();
            let taken = take_listen_key(&mut bytes);
            assert_eq!(taken.as_deref().map(String::as_str), key, "{body}");
            assert_eq!(String::from_utf8(bytes).unwrap(), left);
        }
    }
}
