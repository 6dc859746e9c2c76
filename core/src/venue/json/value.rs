//! The types of fields.

use core::marker::PhantomData;

use super::reader::Kind;
use super::{Fail, Pools, Reader, Run, Scan, Span, Value};
use crate::market::{Decimal, InstrumentType, Level, NumberError, Side, Wide, digits};
use crate::time::UnixNanos;
use crate::venue::decode::Problem;

/// A value that the venue writes between quotes although it is a number.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Quoted<T>(pub(crate) T);

/// A value that the venue may leave empty: `""`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Blank<T>(pub(crate) Option<T>);

/// A wall-clock time in milliseconds, or in microseconds where those were asked for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stamp(pub(crate) UnixNanos);

/// A value that is documented and means nothing.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ignored;

/// A value that is read when the object around it has been: where it stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Later(pub(super) usize);

/// A text that is always the same.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Is<W>(PhantomData<W>);

/// Which text.
pub(crate) trait Word: Copy + core::fmt::Debug {
    /// The text.
    const TEXT: &'static str;
    /// The text between quotes.
    const QUOTED: &'static [u8];
}

/// Levels of `["price","quantity"]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct PairLevels(pub(crate) Run);

/// Levels of `["price","quantity","0","orders"]`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct FourLevels(pub(crate) Run);

impl<T: Value> Value for Option<T> {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        let before = *scan;
        if let Some(value) = T::scan(scan, pools) {
            return Some(Some(value));
        }
        *scan = before;
        scan.literal(b"null").map(|()| None)
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        if reader.null()? {
            return Ok(None);
        }
        T::read(reader, pools).map(Some)
    }

    #[inline(always)]
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Value> Value for Quoted<T> {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        scan.literal(b"\"")?;
        let value = T::scan(scan, pools)?;
        scan.literal(b"\"")?;
        Some(Self(value))
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        T::read(reader, pools).map(Self)
    }
}

impl<T: Value> Value for Blank<T> {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        if scan.literal(b"\"\"").is_some() {
            return Some(Self(None));
        }
        T::scan(scan, pools).map(|value| Self(Some(value)))
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        let before = *reader;
        if reader.kind()? == Kind::Text && reader.text(pools)?.is_empty() {
            return Ok(Self(None));
        }
        *reader = before;
        T::read(reader, pools).map(|value| Self(Some(value)))
    }
}

impl Value for i64 {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, _: &mut Pools) -> Option<Self> {
        let negative = scan.literal(b"-").is_some();
        let zero = scan.peek()? == b'0';
        let (value, length) =
            scan.take(|text| digits(text).map(|(value, length, rest)| ((value, length), rest)))?;
        // JSON has no leading zeros.
        if zero && length > 1 {
            return None;
        }
        // Eighteen digits at most.
        let value = value.cast_signed();
        Some(if negative { -value } else { value })
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        let before = *reader;
        let parsed = integer(reader.number(pools)?);
        parsed.map_err(|problem| before.fail(problem))
    }
}

impl Value for Decimal {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, _: &mut Pools) -> Option<Self> {
        scan.literal(b"\"")?;
        let number = scan.take(Self::scan)?;
        scan.literal(b"\"")?;
        Some(number)
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        let before = *reader;
        let parsed = Self::parse(reader.number(pools)?.as_bytes());
        parsed.map_err(|error| before.fail(error.into()))
    }
}

impl Value for Wide {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, _: &mut Pools) -> Option<Self> {
        scan.literal(b"\"")?;
        let number = scan.take(Self::scan)?;
        scan.literal(b"\"")?;
        Some(number)
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        let before = *reader;
        let parsed = Self::parse(reader.number(pools)?.as_bytes());
        parsed.map_err(|error| before.fail(error.into()))
    }
}

impl Value for Stamp {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        stamp(i64::scan(scan, pools)?).map(Self)
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        let before = *reader;
        let count = i64::read(reader, pools)?;
        let nanos = stamp(count).ok_or_else(|| before.fail(Problem::Overflow))?;
        Ok(Self(nanos))
    }
}

impl Stamp {
    /// The time of a field that may be missing.
    pub(crate) const fn given(field: Option<Self>) -> Option<UnixNanos> {
        match field {
            Some(stamp) => Some(stamp.0),
            None => None,
        }
    }
}

impl Value for bool {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, _: &mut Pools) -> Option<Self> {
        if scan.literal(b"true").is_some() {
            return Some(true);
        }
        scan.literal(b"false").map(|()| false)
    }

    fn read(reader: &mut Reader<'_>, _: &mut Pools) -> Result<Self, Fail> {
        let before = *reader;
        match reader.word()? {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(before.fail(Problem::Type)),
        }
    }
}

impl Value for Span {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, _: &mut Pools) -> Option<Self> {
        scan.literal(b"\"")?;
        scan.plain_text()
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        reader.text(pools)
    }
}

impl<W: Word> Value for Is<W> {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, _: &mut Pools) -> Option<Self> {
        scan.literal(W::QUOTED)?;
        Some(Self(PhantomData))
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        let known = |word: &str| (word == W::TEXT).then_some(Self(PhantomData));
        reader.one_of(pools, known)
    }
}

impl Value for Side {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, _: &mut Pools) -> Option<Self> {
        if scan.literal(b"\"buy\"").is_some() {
            return Some(Self::Buy);
        }
        scan.literal(b"\"sell\"").map(|()| Self::Sell)
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        reader.one_of(pools, |word| match word {
            "buy" => Some(Self::Buy),
            "sell" => Some(Self::Sell),
            _ => None,
        })
    }
}

impl Value for InstrumentType {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        let span = Span::scan(scan, pools)?;
        Some(instrument_type(scan.text_at(span)))
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        reader.one_of(pools, |word| Some(instrument_type(word)))
    }
}

impl Value for Ignored {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        match scan.peek()? {
            b'"' => Span::scan(scan, pools).map(|_| Self),
            _ => bool::scan(scan, pools).map(|_| Self),
        }
    }

    fn read(reader: &mut Reader<'_>, _: &mut Pools) -> Result<Self, Fail> {
        reader.skip().map(|()| Self)
    }
}

impl Value for Later {
    fn scan(scan: &mut Scan<'_>, _: &mut Pools) -> Option<Self> {
        let place = scan.offset();
        scan.skip()?;
        Some(Self(place))
    }

    fn read(reader: &mut Reader<'_>, _: &mut Pools) -> Result<Self, Fail> {
        let place = reader.offset();
        reader.skip()?;
        Ok(Self(place))
    }
}

impl Value for PairLevels {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        scan_levels(scan, pools, |scan| {
            scan.literal(b"[\"")?;
            let price = scan.take(Decimal::scan)?;
            scan.literal(b"\",\"")?;
            let quantity = scan.take(Decimal::scan)?;
            scan.literal(b"\"]")?;
            Some(Level::new(price, quantity))
        })
        .map(Self)
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        read_levels(reader, pools, |reader, members, pools| {
            let (price, quantity) = read_pair(reader, members, pools)?;
            Ok(Level::new(price, quantity))
        })
        .map(Self)
    }
}

impl Value for FourLevels {
    #[inline(always)]
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        scan_levels(scan, pools, |scan| {
            scan.literal(b"[\"")?;
            let price = scan.take(Decimal::scan)?;
            scan.literal(b"\",\"")?;
            let quantity = scan.take(Decimal::scan)?;
            scan.literal(b"\",\"0\",\"")?;
            let orders = scan.take(|text| digits(text).map(|(value, _, rest)| (value, rest)))?;
            scan.literal(b"\"]")?;
            Some(Level {
                price,
                quantity,
                orders: Some(u32::try_from(orders).ok()?),
            })
        })
        .map(Self)
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        read_levels(reader, pools, |reader, members, pools| {
            let (price, quantity) = read_pair(reader, members, pools)?;
            // Once the quantity of liquidation orders; always 0 for years.
            if !reader.element(members)? {
                return Err(reader.fail(Problem::Missing));
            }
            reader.skip()?;
            if !reader.element(members)? {
                return Err(reader.fail(Problem::Missing));
            }
            let orders = i64::read(reader, pools)?;
            let orders = u32::try_from(orders).map_err(|_| reader.fail(Problem::Overflow))?;
            Ok(Level {
                price,
                quantity,
                orders: Some(orders),
            })
        })
        .map(Self)
    }
}

/// An array of levels, all of one form.
#[inline(always)]
fn scan_levels(
    scan: &mut Scan<'_>,
    pools: &mut Pools,
    level: impl Fn(&mut Scan<'_>) -> Option<Level>,
) -> Option<Run> {
    let mark = pools.mark();
    scan.literal(b"[")?;
    if scan.literal(b"]").is_some() {
        return Some(pools.since(mark));
    }
    loop {
        let level = level(scan)?;
        pools.push(level)?;
        if scan.literal(b",").is_none() {
            scan.literal(b"]")?;
            return Some(pools.since(mark));
        }
    }
}

fn read_levels(
    reader: &mut Reader<'_>,
    pools: &mut Pools,
    level: impl Fn(&mut Reader<'_>, &mut super::reader::Members, &mut Pools) -> Result<Level, Fail>,
) -> Result<Run, Fail> {
    let mark = pools.mark();
    let mut rows = reader.array()?;
    while reader.element(&mut rows)? {
        let mut members = reader.array()?;
        let level = level(reader, &mut members, pools)?;
        // What venues may add to a level some day is ignored, as unknown members are.
        while reader.element(&mut members)? {
            reader.skip()?;
        }
        pools
            .push(level)
            .ok_or_else(|| reader.fail(Problem::TooMany))?;
    }
    Ok(pools.since(mark))
}

fn read_pair(
    reader: &mut Reader<'_>,
    members: &mut super::reader::Members,
    pools: &mut Pools,
) -> Result<(Decimal, Decimal), Fail> {
    let mut number = || {
        if reader.element(members)? {
            Decimal::read(reader, pools)
        } else {
            Err(reader.fail(Problem::Missing))
        }
    };
    Ok((number()?, number()?))
}

impl Reader<'_> {
    /// A text that must be one of a few.
    pub(crate) fn one_of<T>(
        &mut self,
        pools: &mut Pools,
        known: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, Fail> {
        let before = *self;
        let span = self.text(pools)?;
        known(self.text_at(span, pools)).ok_or_else(|| before.fail(Problem::Value))
    }
}

pub(super) fn integer(text: &str) -> Result<i64, Problem> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(Problem::Number);
    }
    // Only a number that is too large is left to fail.
    text.parse().map_err(|_| Problem::Overflow)
}

/// Milliseconds until the year 5138 are fewer than 10¹⁴; microseconds have been more since 1973.
/// A message does not say which it has: the URL did.
#[inline(always)]
fn stamp(count: i64) -> Option<UnixNanos> {
    let count = u64::try_from(count).ok()?;
    if count < 100_000_000_000_000 {
        return UnixNanos::from_millis(count);
    }
    count.checked_mul(1000).map(UnixNanos::from_nanos)
}

fn instrument_type(word: &str) -> InstrumentType {
    match word {
        "SPOT" => InstrumentType::Spot,
        "MARGIN" => InstrumentType::Margin,
        "SWAP" => InstrumentType::Swap,
        "FUTURES" => InstrumentType::Futures,
        "OPTION" => InstrumentType::Option,
        _ => InstrumentType::Other,
    }
}

impl From<NumberError> for Problem {
    fn from(error: NumberError) -> Self {
        match error {
            NumberError::Form => Self::Number,
            NumberError::Overflow => Self::Overflow,
        }
    }
}
