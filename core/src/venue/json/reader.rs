//! The general reader: any order, white space, escapes.

use super::scan::is_blank;
use super::{Fail, Pools, Span, Value};
use crate::venue::decode::Problem;

/// Nesting of a message, at most. No venue nests deeper than 6.
const MAX_DEPTH: usize = 32;

/// The longest key that can be one of ours.
const MAX_KEY: usize = 24;

/// A cursor that takes whatever JSON allows.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// The key of a member, unescaped. One that is longer than any of ours equals none of ours.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Key {
    bytes: [u8; MAX_KEY],
    length: usize,
}

/// Where in an object or array the reader stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Members {
    First,
    Next,
    Over,
}

/// What kind of value comes next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Object,
    Array,
    Text,
    Number,
    Word,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self::at(text, 0)
    }

    /// A reader that begins somewhere within the text.
    pub(crate) const fn at(text: &'a str, at: usize) -> Self {
        Self { text, at }
    }

    pub(crate) const fn message(&self) -> &'a str {
        self.text
    }

    pub(crate) const fn offset(&self) -> usize {
        self.at
    }

    /// The message is over.
    pub(crate) fn end(&self) -> Result<(), Fail> {
        if is_blank(self.rest()) {
            Ok(())
        } else {
            Err(self.fail(Problem::Syntax))
        }
    }

    /// Begins an object.
    pub(crate) fn object(&mut self) -> Result<Members, Fail> {
        self.expect(b'{', Problem::Type)?;
        Ok(Members::First)
    }

    /// The next key of an object, up to the value; `None` at its end.
    pub(crate) fn key(&mut self, members: &mut Members) -> Result<Option<Key>, Fail> {
        if self.next(members, b'}')? {
            return self.member().map(Some);
        }
        Ok(None)
    }

    /// A key and its colon.
    pub(crate) fn member(&mut self) -> Result<Key, Fail> {
        self.expect(b'"', Problem::Syntax)?;
        let mut key = Key {
            bytes: [0; MAX_KEY],
            length: 0,
        };
        self.characters(|character| key.push(character))?;
        self.expect(b':', Problem::Syntax)?;
        Ok(key)
    }

    /// Begins an array.
    pub(crate) fn array(&mut self) -> Result<Members, Fail> {
        self.expect(b'[', Problem::Type)?;
        Ok(Members::First)
    }

    /// Whether an array has a further element; the reader then stands before it.
    pub(crate) fn element(&mut self, members: &mut Members) -> Result<bool, Fail> {
        self.next(members, b']')
    }

    /// The next element of an array, or what it is when the array has ended before it.
    pub(crate) fn part<T: Value>(
        &mut self,
        key: &'static str,
        members: &mut Members,
        pools: &mut Pools,
    ) -> Result<T, Fail> {
        if self.element(members)? {
            return T::read(self, pools).map_err(|fail| fail.named(key));
        }
        self.required(key, None)
    }

    /// Reads the value of a field that must come once only.
    pub(crate) fn field<T: Value>(
        &mut self,
        key: &'static str,
        field: &mut Option<T>,
        pools: &mut Pools,
    ) -> Result<(), Fail> {
        if field.is_some() {
            return Err(self.fail(Problem::Duplicate).named(key));
        }
        *field = Some(T::read(self, pools).map_err(|fail| fail.named(key))?);
        Ok(())
    }

    /// The value of a field, or what it is when absent.
    pub(crate) fn required<T: Value>(
        &self,
        key: &'static str,
        field: Option<T>,
    ) -> Result<T, Fail> {
        field
            .or_else(T::absent)
            .ok_or_else(|| self.fail(Problem::Missing).named(key))
    }

    /// Where the values of these members of an object stand. Passes the whole object.
    pub(crate) fn outline<const N: usize>(
        &mut self,
        keys: &[&'static str; N],
    ) -> Result<[Option<usize>; N], Fail> {
        let mut places = [None; N];
        let mut members = self.object()?;
        while let Some(key) = self.key(&mut members)? {
            let known = keys.iter().zip(&mut places);
            for (name, place) in known.filter(|(name, _)| **name == key.as_str()) {
                if place.is_some() {
                    return Err(self.fail(Problem::Duplicate).named(name));
                }
                *place = Some(self.at);
            }
            self.skip()?;
        }
        Ok(places)
    }

    /// What comes next, if it can be a value at all.
    pub(crate) fn kind(&mut self) -> Result<Kind, Fail> {
        self.blank();
        match self.rest().first() {
            Some(b'{') => Ok(Kind::Object),
            Some(b'[') => Ok(Kind::Array),
            Some(b'"') => Ok(Kind::Text),
            Some(b'-' | b'0'..=b'9') => Ok(Kind::Number),
            Some(b't' | b'f' | b'n') => Ok(Kind::Word),
            _ => Err(self.fail(Problem::Syntax)),
        }
    }

    /// Passes a value of any kind.
    pub(crate) fn skip(&mut self) -> Result<(), Fail> {
        self.skip_within(MAX_DEPTH)
    }

    /// A text: where it stands, unescaped if need be.
    pub(crate) fn text(&mut self, pools: &mut Pools) -> Result<Span, Fail> {
        self.expect(b'"', Problem::Type)?;
        let start = self.at;
        let kept = pools.scratch.len();
        self.characters(|character| pools.scratch.push(character))?;
        let end = self.at - 1;
        let written = self.text.get(start..end).unwrap_or_default();
        if written.contains('\\') {
            return Ok(pools.kept_since(kept));
        }
        pools.scratch.truncate(kept);
        Ok(Span::in_message(start, end))
    }

    /// A number, with or without quotes around it, to be parsed by the caller.
    pub(crate) fn number<'p>(&mut self, pools: &'p mut Pools) -> Result<&'p str, Fail>
    where
        'a: 'p,
    {
        match self.kind()? {
            Kind::Text => Ok(self.text(pools)?.of(self.text, pools)),
            Kind::Number => self.bare_number(),
            Kind::Object | Kind::Array | Kind::Word => Err(self.fail(Problem::Type)),
        }
    }

    /// The number of a request, if it is one of ours: they are numbers, quoted or not.
    pub(crate) fn request_id(&mut self, pools: &mut Pools) -> Result<Option<u64>, Fail> {
        if self.null()? {
            return Ok(None);
        }
        self.number(pools).map(|text| text.parse().ok())
    }

    /// `true`, `false` or `null`.
    pub(crate) fn word(&mut self) -> Result<&'a str, Fail> {
        if self.kind()? != Kind::Word {
            return Err(self.fail(Problem::Type));
        }
        let found = ["true", "false", "null"]
            .into_iter()
            .find(|word| self.rest().starts_with(word.as_bytes()));
        let word = found.ok_or_else(|| self.fail(Problem::Syntax))?;
        self.at += word.len();
        Ok(word)
    }

    /// Whether `null` comes next; takes it.
    pub(crate) fn null(&mut self) -> Result<bool, Fail> {
        let null = self.kind()? == Kind::Word && self.rest().starts_with(b"null");
        if null {
            self.at += 4;
        }
        Ok(null)
    }

    /// Takes a value of any kind and returns it as it is written.
    pub(crate) fn raw(&mut self) -> Result<Span, Fail> {
        self.blank();
        let start = self.at;
        self.skip()?;
        Ok(Span::in_message(start, self.at))
    }

    /// The text at a place.
    pub(crate) fn text_at<'p>(&self, span: Span, pools: &'p Pools) -> &'p str
    where
        'a: 'p,
    {
        span.of(self.text, pools)
    }

    /// A failure here.
    pub(crate) const fn fail(&self, problem: Problem) -> Fail {
        Fail {
            offset: self.at,
            field: "",
            problem,
        }
    }

    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn blank(&mut self) {
        let blank = |byte: &&u8| matches!(byte, b' ' | b'\t' | b'\n' | b'\r');
        self.at += self.rest().iter().take_while(blank).count();
    }

    fn expect(&mut self, byte: u8, otherwise: Problem) -> Result<(), Fail> {
        // What is no value at all is a fault of syntax whatever was expected.
        if otherwise == Problem::Type {
            self.kind()?;
        }
        self.blank();
        if self.rest().first() != Some(&byte) {
            return Err(self.fail(otherwise));
        }
        self.at += 1;
        Ok(())
    }

    /// Passes the comma before a further member, or the closing bracket.
    fn next(&mut self, members: &mut Members, close: u8) -> Result<bool, Fail> {
        if *members == Members::Over {
            return Ok(false);
        }
        self.blank();
        if self.rest().first() == Some(&close) {
            self.at += 1;
            *members = Members::Over;
            return Ok(false);
        }
        if *members == Members::Next {
            self.expect(b',', Problem::Syntax)?;
        }
        *members = Members::Next;
        Ok(true)
    }

    fn skip_within(&mut self, depth: usize) -> Result<(), Fail> {
        let kind = self.kind()?;
        let Some(deeper) = depth.checked_sub(1) else {
            return Err(self.fail(Problem::TooDeep));
        };
        match kind {
            Kind::Object => {
                let mut members = self.object()?;
                while self.key(&mut members)?.is_some() {
                    self.skip_within(deeper)?;
                }
            }
            Kind::Array => {
                let mut members = self.array()?;
                while self.element(&mut members)? {
                    self.skip_within(deeper)?;
                }
            }
            Kind::Text => {
                self.expect(b'"', Problem::Syntax)?;
                self.characters(|_| ())?;
            }
            Kind::Number => {
                self.bare_number()?;
            }
            Kind::Word => {
                self.word()?;
            }
        }
        Ok(())
    }

    /// The characters of a text, behind its opening quote, unescaped; takes the closing quote.
    fn characters(&mut self, mut each: impl FnMut(char)) -> Result<(), Fail> {
        let text = self.text.get(self.at..).unwrap_or_default();
        let mut characters = text.char_indices();
        while let Some((place, character)) = characters.next() {
            match character {
                '"' => {
                    self.at += place + 1;
                    return Ok(());
                }
                '\\' => match unescape(&mut characters) {
                    Some(character) => each(character),
                    None => {
                        self.at += place;
                        return Err(self.fail(Problem::Syntax));
                    }
                },
                '\0'..='\u{1f}' => {
                    self.at += place;
                    return Err(self.fail(Problem::Syntax));
                }
                _ => each(character),
            }
        }
        self.at = self.text.len();
        Err(self.fail(Problem::Syntax))
    }

    /// A number without quotes, in JSON's grammar.
    fn bare_number(&mut self) -> Result<&'a str, Fail> {
        self.blank();
        let start = self.at;
        self.at += usize::from(self.rest().starts_with(b"-"));
        let zero = self.rest().starts_with(b"0");
        let whole = self.pass_digits();
        let mut valid = whole > 0 && (whole == 1 || !zero);
        if self.rest().starts_with(b".") {
            self.at += 1;
            valid &= self.pass_digits() > 0;
        }
        if self.rest().starts_with(b"e") || self.rest().starts_with(b"E") {
            self.at += 1;
            let signed = matches!(self.rest().first(), Some(b'+' | b'-'));
            self.at += usize::from(signed);
            valid &= self.pass_digits() > 0;
        }
        if !valid {
            return Err(self.fail(Problem::Syntax));
        }
        Ok(self.text.get(start..self.at).unwrap_or_default())
    }

    fn pass_digits(&mut self) -> usize {
        let digits = self.rest().iter().take_while(|byte| byte.is_ascii_digit());
        let count = digits.count();
        self.at += count;
        count
    }
}

impl Key {
    pub(crate) fn as_str(&self) -> &str {
        self.bytes
            .get(..self.length)
            .and_then(|bytes| core::str::from_utf8(bytes).ok())
            .unwrap_or_default()
    }

    fn push(&mut self, character: char) {
        let mut encoded = [0; 4];
        for byte in character.encode_utf8(&mut encoded).bytes() {
            if let Some(place) = self.bytes.get_mut(self.length) {
                *place = byte;
            }
            self.length = self.length.saturating_add(1);
        }
    }
}

/// What stands behind a backslash (RFC 8259 section 7); `None` for what does not stand there.
fn unescape(characters: &mut core::str::CharIndices<'_>) -> Option<char> {
    let (_, character) = characters.next()?;
    Some(match character {
        '"' | '\\' | '/' => character,
        'b' => '\u{8}',
        'f' => '\u{c}',
        'n' => '\n',
        'r' => '\r',
        't' => '\t',
        'u' => return unescape_unit(characters),
        _ => return None,
    })
}

/// A UTF-16 code unit in four hexadecimal digits, or a pair of them for one character.
fn unescape_unit(characters: &mut core::str::CharIndices<'_>) -> Option<char> {
    let unit = hexadecimal(characters)?;
    if !(0xD800..0xDC00).contains(&unit) {
        return char::from_u32(unit);
    }
    let (_, '\\') = characters.next()? else {
        return None;
    };
    let (_, 'u') = characters.next()? else {
        return None;
    };
    let low = hexadecimal(characters)?.checked_sub(0xDC00)?;
    if low >= 0x400 {
        return None;
    }
    char::from_u32(0x1_0000 + ((unit - 0xD800) << 10) + low)
}

fn hexadecimal(characters: &mut core::str::CharIndices<'_>) -> Option<u32> {
    let mut value = 0;
    for _ in 0..4 {
        let (_, digit) = characters.next()?;
        value = value * 16 + digit.to_digit(16)?;
    }
    Some(value)
}
