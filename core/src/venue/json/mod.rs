//! JSON as the venues write it.
//!
//! A venue's messages come from one writer, so their members arrive in one order. Each kind of
//! message is described once, by [`record!`](record), as an ordered list of fields: key, name,
//! type. That description drives two ways of reading:
//!
//! * [`Scan`]: one forward pass in the expected order, comparing whole keys. Optional members may
//!   be absent, and members that the description does not know are stepped over.
//! * [`Reader`]: any order, white space, escapes. It is asked the moment the scan meets anything
//!   else, and it alone knows what is wrong with a message.
//!
//! Whatever the scan accepts, the reader reads to the same result.

mod loose;
mod reader;
mod scan;
mod value;

use alloc::string::String;
use alloc::vec::Vec;

use super::decode::{DecodeError, Problem};
use crate::market::{Channel, Level};

pub(crate) use loose::{Digits, Unordered};
pub(crate) use reader::{Kind, Reader};
pub(crate) use scan::Scan;
pub(crate) use value::{Blank, FourLevels, Ignored, Is, Later, PairLevels, Quoted, Stamp, Word};

/// Levels of one message, at most: several times what the deepest book of any venue holds.
const MAX_LEVELS: usize = 50_000;

/// A place in the message, or in the decoder's scratch for a text that had to be unescaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Span {
    start: u32,
    end: u32,
    home: Home,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Home {
    #[default]
    Message,
    Scratch,
}

/// Consecutive levels in [`Pools`].
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Run {
    start: u32,
    end: u32,
}

/// What has no fixed size: kept by the decoder and used again for each message.
#[derive(Debug, Default)]
#[cfg_attr(test, derive(Clone))]
pub(crate) struct Pools {
    levels: Vec<Level>,
    scratch: String,
}

/// Why the reader gave up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Fail {
    pub(crate) offset: usize,
    pub(crate) field: &'static str,
    pub(crate) problem: Problem,
}

/// Not what the scan expected; ask the reader.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unexpected;

/// A value that can stand behind a key.
pub(crate) trait Value: Sized {
    /// Reads it in the form in which the venue writes it.
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self>;

    /// Reads it in any form.
    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail>;

    /// What it is when the key is missing; `None` if it must not be.
    #[inline(always)]
    fn absent() -> Option<Self> {
        None
    }
}

/// One of the two ways of reading, so that what is read where is written down once.
pub(crate) trait Source {
    type Error;

    fn value<T: Value>(&mut self, pools: &mut Pools) -> Result<T, Self::Error>;

    /// Whether an array comes next.
    fn is_array(&mut self) -> Result<bool, Self::Error>;

    /// Goes through an array of the name `field`, element by element.
    fn each(
        &mut self,
        field: &'static str,
        element: impl FnMut(&mut Self) -> Result<(), Self::Error>,
    ) -> Result<(), Self::Error>;

    /// The same way of reading, at a place that was passed over.
    fn at(&self, place: Later) -> Self;

    /// The same way of reading, at the same place: what it reads is still to come.
    fn ahead(&self) -> Self;

    /// The whole message.
    fn whole(&self) -> &str;

    /// What to say where a value reads well and yet cannot be taken.
    fn refuse(&self, problem: Problem) -> Self::Error;
}

impl Source for Scan<'_> {
    type Error = Unexpected;

    #[inline(always)]
    fn value<T: Value>(&mut self, pools: &mut Pools) -> Result<T, Unexpected> {
        T::scan(self, pools).ok_or(Unexpected)
    }

    #[inline(always)]
    fn is_array(&mut self) -> Result<bool, Unexpected> {
        Ok(self.peek() == Some(b'['))
    }

    #[inline(always)]
    fn each(
        &mut self,
        _: &'static str,
        mut element: impl FnMut(&mut Self) -> Result<(), Unexpected>,
    ) -> Result<(), Unexpected> {
        self.literal(b"[").ok_or(Unexpected)?;
        if self.literal(b"]").is_some() {
            return Ok(());
        }
        loop {
            element(self)?;
            if self.literal(b",").is_none() {
                return self.literal(b"]").ok_or(Unexpected);
            }
        }
    }

    fn at(&self, place: Later) -> Self {
        self.back_at(place.0)
    }

    fn ahead(&self) -> Self {
        *self
    }

    fn whole(&self) -> &str {
        self.message()
    }

    fn refuse(&self, _: Problem) -> Unexpected {
        Unexpected
    }
}

impl Source for Reader<'_> {
    type Error = Fail;

    fn value<T: Value>(&mut self, pools: &mut Pools) -> Result<T, Fail> {
        T::read(self, pools)
    }

    fn is_array(&mut self) -> Result<bool, Fail> {
        Ok(self.kind()? == Kind::Array)
    }

    fn each(
        &mut self,
        field: &'static str,
        mut element: impl FnMut(&mut Self) -> Result<(), Fail>,
    ) -> Result<(), Fail> {
        let mut members = self.array().map_err(|fail| fail.named(field))?;
        while self.element(&mut members)? {
            element(self)?;
        }
        Ok(())
    }

    fn at(&self, place: Later) -> Self {
        Self::at(self.message(), place.0)
    }

    fn ahead(&self) -> Self {
        *self
    }

    fn whole(&self) -> &str {
        self.message()
    }

    fn refuse(&self, problem: Problem) -> Fail {
        self.fail(problem)
    }
}

impl Span {
    /// A place in the message.
    #[inline(always)]
    pub(crate) const fn in_message(start: usize, end: usize) -> Self {
        Self {
            start: start as u32,
            end: end as u32,
            home: Home::Message,
        }
    }

    /// The first `length` bytes of it.
    #[inline(always)]
    pub(crate) const fn prefix(self, length: usize) -> Self {
        Self {
            end: self.start + length as u32,
            ..self
        }
    }

    /// How many bytes.
    pub(crate) const fn len(self) -> usize {
        (self.end - self.start) as usize
    }

    /// Whether there is no text.
    pub(crate) const fn is_empty(self) -> bool {
        self.start == self.end
    }

    /// The text at this place.
    pub(crate) fn of<'a>(self, text: &'a str, pools: &'a Pools) -> &'a str {
        let home = match self.home {
            Home::Message => text,
            Home::Scratch => pools.scratch.as_str(),
        };
        home.get(self.start as usize..self.end as usize)
            .unwrap_or_default()
    }
}

impl Pools {
    /// Forgets everything but the memory.
    #[inline(always)]
    pub(crate) fn clear(&mut self) {
        self.levels.clear();
        self.scratch.clear();
    }

    /// Adds a level, or says that there are too many.
    #[inline(always)]
    pub(crate) fn push(&mut self, level: Level) -> Option<()> {
        if self.levels.len() >= MAX_LEVELS {
            return None;
        }
        self.levels.push(level);
        Some(())
    }

    /// Where the next level will stand.
    #[inline(always)]
    pub(crate) const fn mark(&self) -> usize {
        self.levels.len()
    }

    /// The levels since a mark.
    #[inline(always)]
    pub(crate) const fn since(&self, mark: usize) -> Run {
        Run {
            start: mark as u32,
            end: self.levels.len() as u32,
        }
    }

    /// The levels of a run.
    pub(crate) fn levels(&self, run: Run) -> &[Level] {
        self.levels
            .get(run.start as usize..run.end as usize)
            .unwrap_or_default()
    }

    /// Keeps a text that does not stand in the message.
    pub(crate) fn keep(&mut self, text: &str) -> Span {
        let start = self.scratch.len();
        self.scratch.push_str(text);
        self.kept_since(start)
    }

    /// Keeps the texts of two places with something between them.
    pub(crate) fn keep_joined(&mut self, text: &str, left: Span, by: &str, right: Span) -> Span {
        let start = self.scratch.len();
        self.append(text, left);
        self.scratch.push_str(by);
        self.append(text, right);
        self.kept_since(start)
    }

    /// Keeps the text of a place in ASCII upper case.
    pub(crate) fn keep_upper_case(&mut self, text: &str, span: Span) -> Span {
        let start = self.scratch.len();
        self.append(text, span);
        if let Some(kept) = self.scratch.get_mut(start..) {
            kept.make_ascii_uppercase();
        }
        self.kept_since(start)
    }

    fn append(&mut self, text: &str, span: Span) {
        let place = span.start as usize..span.end as usize;
        match span.home {
            Home::Message => self.scratch.push_str(text.get(place).unwrap_or_default()),
            Home::Scratch => self.scratch.extend_from_within(place),
        }
    }

    /// The text kept since the scratch had this length.
    fn kept_since(&self, start: usize) -> Span {
        Span {
            start: start as u32,
            end: self.scratch.len() as u32,
            home: Home::Scratch,
        }
    }
}

impl Run {
    /// How many levels.
    pub(crate) const fn len(self) -> usize {
        (self.end - self.start) as usize
    }
}

impl Fail {
    pub(crate) const TOO_LONG: Self = Self {
        offset: 0,
        field: "",
        problem: Problem::TooMany,
    };

    /// The error of a message whose channel is not known.
    pub(crate) const fn at_large(self) -> DecodeError {
        DecodeError {
            channel: None,
            offset: self.offset,
            field: self.field,
            problem: self.problem,
        }
    }

    /// The error of a channel's message.
    pub(crate) const fn of_channel(self, channel: Channel) -> DecodeError {
        DecodeError {
            channel: Some(channel),
            offset: self.offset,
            field: self.field,
            problem: self.problem,
        }
    }

    /// Names the field, unless a field within it has been named.
    pub(crate) const fn named(mut self, field: &'static str) -> Self {
        if self.field.is_empty() {
            self.field = field;
        }
        self
    }
}

/// Describes an object: its fields in the order in which the venue writes them. An `Option` may
/// be absent; what is not listed is ignored.
macro_rules! record {
    ($(#[$about:meta])* $name:ident { $($key:literal $field:ident: $value:ty,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name {
            $(pub(crate) $field: $value,)+
        }

        impl $name {
            const KEYS: &'static [&'static str] = &[$($key),+];
        }

        impl $crate::venue::json::Value for $name {
            #[inline(always)]
            fn scan(
                scan: &mut $crate::venue::json::Scan<'_>,
                pools: &mut $crate::venue::json::Pools,
            ) -> Option<Self> {
                let mut object = scan.object(Self::KEYS);
                $(let $field = object.field(
                    concat!("{\"", $key, "\":").as_bytes(),
                    concat!(",\"", $key, "\":").as_bytes(),
                    pools,
                )?;)+
                object.end()?;
                Some(Self { $($field),+ })
            }

            fn read(
                reader: &mut $crate::venue::json::Reader<'_>,
                pools: &mut $crate::venue::json::Pools,
            ) -> Result<Self, $crate::venue::json::Fail> {
                $(let mut $field = None;)+
                let mut members = reader.object()?;
                while let Some(key) = reader.key(&mut members)? {
                    match key.as_str() {
                        $($key => reader.field($key, &mut $field, pools)?,)+
                        _ => reader.skip()?,
                    }
                }
                Ok(Self { $($field: reader.required($key, $field)?),+ })
            }
        }
    };
}

/// Describes an array whose elements mean each something else, in their order. An `Option` at the
/// end may be absent; what follows is ignored.
macro_rules! tuple {
    ($(#[$about:meta])* $name:ident { $($key:literal $field:ident: $value:ty,)+ }) => {
        $(#[$about])*
        #[derive(Clone, Copy, Debug)]
        pub(crate) struct $name {
            $(pub(crate) $field: $value,)+
        }

        impl $crate::venue::json::Value for $name {
            #[inline(always)]
            fn scan(
                scan: &mut $crate::venue::json::Scan<'_>,
                pools: &mut $crate::venue::json::Pools,
            ) -> Option<Self> {
                let mut members = scan.array()?;
                $(let $field = scan.part(&mut members, pools)?;)+
                scan.literal(b"]")?;
                Some(Self { $($field),+ })
            }

            fn read(
                reader: &mut $crate::venue::json::Reader<'_>,
                pools: &mut $crate::venue::json::Pools,
            ) -> Result<Self, $crate::venue::json::Fail> {
                let mut members = reader.array()?;
                $(let $field = reader.part($key, &mut members, pools)?;)+
                while reader.element(&mut members)? {
                    reader.skip()?;
                }
                Ok(Self { $($field),+ })
            }
        }
    };
}

/// A value that is a word: what it stands for, or `None` if it is none of ours.
macro_rules! named {
    ($name:ident, $known:expr) => {
        impl $crate::venue::json::Value for $name {
            #[inline(always)]
            fn scan(
                scan: &mut $crate::venue::json::Scan<'_>,
                pools: &mut $crate::venue::json::Pools,
            ) -> Option<Self> {
                let span =
                    <$crate::venue::json::Span as $crate::venue::json::Value>::scan(scan, pools)?;
                $known(scan.text_at(span)).map(Self)
            }

            fn read(
                reader: &mut $crate::venue::json::Reader<'_>,
                pools: &mut $crate::venue::json::Pools,
            ) -> Result<Self, $crate::venue::json::Fail> {
                reader.one_of(pools, |word| $known(word).map(Self))
            }
        }
    };
}

pub(crate) use named;
pub(crate) use record;
pub(crate) use tuple;
