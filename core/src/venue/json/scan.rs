//! The forward pass in the expected order.

use super::reader::Members;
use super::{Pools, Reader, Span, Value};

const ONES: u64 = 0x0101_0101_0101_0101;
const HIGH: u64 = 0x8080_8080_8080_8080;

/// A cursor that knows what comes next. Each method returns `None` where something else comes,
/// after which the scan is given up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scan<'a> {
    text: &'a str,
    rest: &'a [u8],
}

/// An object that is being scanned.
pub(crate) struct Object<'s, 'a> {
    scan: &'s mut Scan<'a>,
    keys: &'static [&'static str],
    place: Place,
}

/// Where in an object the scan stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Open,
    Behind,
}

impl<'a> Scan<'a> {
    pub(crate) const fn new(text: &'a str) -> Self {
        Self {
            text,
            rest: text.as_bytes(),
        }
    }

    pub(crate) const fn message(&self) -> &'a str {
        self.text
    }

    /// Bytes taken so far.
    #[inline(always)]
    pub(crate) const fn offset(&self) -> usize {
        self.text.len() - self.rest.len()
    }

    /// Takes exactly these bytes.
    #[inline(always)]
    pub(crate) fn literal(&mut self, literal: &[u8]) -> Option<()> {
        self.rest = self.rest.strip_prefix(literal)?;
        Some(())
    }

    /// Takes what `parse` takes from the front.
    #[inline(always)]
    pub(crate) fn take<T>(
        &mut self,
        parse: impl FnOnce(&'a [u8]) -> Option<(T, &'a [u8])>,
    ) -> Option<T> {
        let (value, rest) = parse(self.rest)?;
        self.rest = rest;
        Some(value)
    }

    /// The next byte.
    #[inline(always)]
    pub(crate) fn peek(&self) -> Option<u8> {
        self.rest.first().copied()
    }

    /// A text without escapes, behind its opening quote; takes the closing quote too.
    #[inline(always)]
    pub(crate) fn plain_text(&mut self) -> Option<Span> {
        let start = self.offset();
        let length = plain_length(self.rest)?;
        let (quote, rest) = self.rest.get(length..)?.split_first()?;
        self.rest = rest;
        (*quote == b'"').then(|| Span::in_message(start, start + length))
    }

    /// The message's text at a place that this scan has passed.
    #[inline(always)]
    pub(crate) fn text_at(&self, span: Span) -> &'a str {
        self.text
            .get(span.start as usize..span.end as usize)
            .unwrap_or_default()
    }

    /// Begins an array.
    #[inline(always)]
    pub(crate) fn array(&mut self) -> Option<Members> {
        self.literal(b"[")?;
        Some(Members::First)
    }

    /// The next element of an array, or what it is when the array has ended before it.
    #[inline(always)]
    pub(crate) fn part<T: Value>(&mut self, members: &mut Members, pools: &mut Pools) -> Option<T> {
        if *members != Members::First && self.literal(b",").is_none() {
            return T::absent();
        }
        *members = Members::Next;
        T::scan(self, pools)
    }

    /// The same pass, standing at a place that it has passed over.
    pub(crate) fn back_at(&self, place: usize) -> Self {
        Self {
            text: self.text,
            rest: self.text.as_bytes().get(place..).unwrap_or_default(),
        }
    }

    /// Passes a value of any kind, as the reader would.
    pub(crate) fn skip(&mut self) -> Option<()> {
        let mut reader = Reader::at(self.text, self.offset());
        reader.skip().ok()?;
        self.rest = self.text.as_bytes().get(reader.offset()..)?;
        Some(())
    }

    /// A value that the venue writes in no fixed order, as the reader reads it.
    pub(crate) fn in_any_order<T: Value>(&mut self, pools: &mut Pools) -> Option<T> {
        let mut reader = Reader::at(self.text, self.offset());
        let value = T::read(&mut reader, pools).ok()?;
        self.rest = self.text.as_bytes().get(reader.offset()..)?;
        Some(value)
    }

    /// Begins an object whose members are `keys`.
    #[inline(always)]
    pub(crate) const fn object(&mut self, keys: &'static [&'static str]) -> Object<'_, 'a> {
        Object {
            scan: self,
            keys,
            place: Place::Open,
        }
    }

    /// The message is over.
    #[inline(always)]
    pub(crate) fn end(&self) -> Option<()> {
        (self.rest.is_empty() || is_blank(self.rest)).then_some(())
    }
}

impl Object<'_, '_> {
    /// The next field, whose key is `open` at the beginning of the object and `behind` anywhere
    /// else.
    #[inline(always)]
    pub(crate) fn field<T: Value>(
        &mut self,
        open: &'static [u8],
        behind: &'static [u8],
        pools: &mut Pools,
    ) -> Option<T> {
        loop {
            let key = match self.place {
                Place::Open => open,
                Place::Behind => behind,
            };
            if self.scan.literal(key).is_some() {
                self.place = Place::Behind;
                return T::scan(self.scan, pools);
            }
            if let Some(absent) = T::absent() {
                return Some(absent);
            }
            self.step_over()?;
        }
    }

    /// The end of the object.
    #[inline(always)]
    pub(crate) fn end(mut self) -> Option<()> {
        while self.scan.literal(b"}").is_none() {
            self.step_over()?;
        }
        Some(())
    }

    /// Passes a member that the description does not know, as the reader would.
    #[cold]
    fn step_over(&mut self) -> Option<()> {
        let open = match self.place {
            Place::Open => b"{",
            Place::Behind => b",",
        };
        self.scan.literal(open)?;
        let mut reader = Reader::at(self.scan.text, self.scan.offset());
        let key = reader.member().ok()?;
        if self.keys.contains(&key.as_str()) {
            return None;
        }
        *self.scan = self.scan.back_at(reader.offset());
        self.scan.skip()?;
        self.place = Place::Behind;
        Some(())
    }
}

/// How many bytes come before a quote, an escape or a control character.
#[inline(always)]
fn plain_length(text: &[u8]) -> Option<usize> {
    let mut length = 0;
    while let Some(chunk) = text.get(length..)?.first_chunk::<8>() {
        let found = special(u64::from_le_bytes(*chunk));
        if found != 0 {
            return Some(length + (found.trailing_zeros() / 8) as usize);
        }
        length += 8;
    }
    let tail = text.get(length..)?;
    let place = tail
        .iter()
        .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))?;
    Some(length + place)
}

/// Marks the first byte that is a quote, a backslash or below 0x20 by its high bit. What is
/// marked behind the first may be wrong, because borrows run upwards.
#[inline(always)]
const fn special(word: u64) -> u64 {
    let quote = word ^ (ONES * b'"' as u64);
    let escape = word ^ (ONES * b'\\' as u64);
    let quotes = quote.wrapping_sub(ONES) & !quote;
    let escapes = escape.wrapping_sub(ONES) & !escape;
    let controls = word.wrapping_sub(ONES * 0x20) & !word;
    (quotes | escapes | controls) & HIGH
}

/// Only white space is left.
pub(super) fn is_blank(rest: &[u8]) -> bool {
    rest.iter()
        .all(|byte| matches!(byte, b' ' | b'\t' | b'\n' | b'\r'))
}
