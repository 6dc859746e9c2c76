//! Values of which no more is read than is told.

use super::reader::Kind;
use super::value::integer;
use super::{Fail, Pools, Reader, Scan, Span, Value};

/// A whole number that is kept as it is written, quoted or not: numbers of orders have more digits
/// than some readers of our output hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Digits(pub(crate) Span);

/// An object of many members, of which few are told, in no order that is known.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Unordered<T>(pub(crate) T);

impl Value for Digits {
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        let start = scan.offset();
        i64::scan(scan, pools)?;
        Some(Self(Span::in_message(start, scan.offset())))
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        let before = *reader;
        let span = if reader.kind()? == Kind::Text {
            reader.text(pools)?
        } else {
            reader.raw()?
        };
        let whole = integer(reader.text_at(span, pools));
        whole.map_err(|problem| before.fail(problem))?;
        Ok(Self(span))
    }
}

impl<T: Value> Value for Unordered<T> {
    fn scan(scan: &mut Scan<'_>, pools: &mut Pools) -> Option<Self> {
        scan.in_any_order(pools).map(Self)
    }

    fn read(reader: &mut Reader<'_>, pools: &mut Pools) -> Result<Self, Fail> {
        T::read(reader, pools).map(Self)
    }
}
