//! How values become bytes, in logs and under the digest: the same bytes on every machine, in
//! every build. `docs/RECORDING.md` describes it for other readers.

use std::time::Duration;

/// A value that has its bytes.
pub(super) trait Put {
    /// Appends them.
    fn put(&self, out: &mut Vec<u8>);
}

/// A value that can be read back. Nothing that a file claims is believed before the bytes for it
/// are there, so no file can make a reader take more memory than a multiple of its own length.
pub(super) trait Take: Sized {
    /// Takes it from the front.
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw>;
}

/// Why bytes cannot be read: a few words that follow "it".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Flaw(pub(super) &'static str);

/// Bytes that are taken from the front.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bytes<'a>(&'a [u8]);

impl<'a> Bytes<'a> {
    pub(super) const fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn slice(&mut self, count: usize) -> Result<&'a [u8], Flaw> {
        let (taken, rest) = self
            .0
            .split_at_checked(count)
            .ok_or(Flaw("ends too early"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<[u8; N], Flaw> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(Flaw("ends too early"))?;
        self.0 = rest;
        Ok(*taken)
    }

    /// The bytes whose count stands before them.
    pub(super) fn counted(&mut self) -> Result<&'a [u8], Flaw> {
        let count = usize::take(self)?;
        self.slice(count)
    }
}

/// Seven bits a byte, the lowest first; the highest bit says that more follow.
pub(super) fn put_number(mut number: u128, out: &mut Vec<u8>) {
    while let low @ 0x80.. = number {
        out.push(low.to_le_bytes()[0] | 0x80);
        number >>= 7;
    }
    out.push(number.to_le_bytes()[0]);
}

fn take_number(from: &mut Bytes<'_>) -> Result<u64, Flaw> {
    let mut number = 0_u64;
    for shift in (0..64).step_by(7) {
        let [byte] = from.array()?;
        let low = u64::from(byte & 0x7f);
        if low << shift >> shift != low {
            break;
        }
        number |= low << shift;
        if byte & 0x80 == 0 {
            return Ok(number);
        }
    }
    Err(Flaw("has a number beyond 64 bits"))
}

/// Signs go to the lowest bit, so that small numbers of either sign are short.
pub(super) const fn fold_sign(number: i128) -> u128 {
    (number << 1 ^ number >> 127).cast_unsigned()
}

pub(super) const fn unfold_sign(number: u64) -> i64 {
    (number >> 1).cast_signed() ^ -(number & 1).cast_signed()
}

impl Put for u8 {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(*self);
    }
}

impl Take for u8 {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        let [byte] = from.array()?;
        Ok(byte)
    }
}

macro_rules! unsigned {
    ($($type:ty),*) => {$(
        impl Put for $type {
            fn put(&self, out: &mut Vec<u8>) {
                put_number((*self).into(), out);
            }
        }

        impl Take for $type {
            fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
                take_number(from)?.try_into().map_err(|_| Flaw("has a number out of range"))
            }
        }
    )*};
}

unsigned!(u16, u32, u64);

impl Put for usize {
    fn put(&self, out: &mut Vec<u8>) {
        put_number(*self as u128, out);
    }
}

impl Take for usize {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        let number = take_number(from)?;
        Self::try_from(number).map_err(|_| Flaw("has a number out of range"))
    }
}

macro_rules! signed {
    ($($type:ty),*) => {$(
        impl Put for $type {
            fn put(&self, out: &mut Vec<u8>) {
                put_number(fold_sign((*self).into()), out);
            }
        }
    )*};
}

signed!(i32, i64, i128);

impl Take for i64 {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        take_number(from).map(unfold_sign)
    }
}

impl Put for bool {
    fn put(&self, out: &mut Vec<u8>) {
        out.push(u8::from(*self));
    }
}

impl Take for bool {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        match u8::take(from)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(Flaw("has an unknown code")),
        }
    }
}

impl Put for [u8; 32] {
    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self);
    }
}

impl Take for [u8; 32] {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        from.array()
    }
}

impl Put for str {
    fn put(&self, out: &mut Vec<u8>) {
        put_counted(self.as_bytes(), out);
    }
}

impl Put for String {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_str().put(out);
    }
}

impl Take for String {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        let bytes = from.counted()?;
        let text = str::from_utf8(bytes).map_err(|_| Flaw("has a text that is not UTF-8"))?;
        Ok(text.to_owned())
    }
}

/// Bytes behind their count.
pub(super) fn put_counted(bytes: &[u8], out: &mut Vec<u8>) {
    bytes.len().put(out);
    out.extend_from_slice(bytes);
}

impl Put for Duration {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_secs().put(out);
        self.subsec_nanos().put(out);
    }
}

impl Take for Duration {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        let (seconds, nanos) = (u64::take(from)?, u32::take(from)?);
        match nanos {
            0..1_000_000_000 => Ok(Self::new(seconds, nanos)),
            1_000_000_000.. => Err(Flaw("has a number out of range")),
        }
    }
}

impl<T: Put> Put for Option<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.is_some().put(out);
        if let Some(value) = self {
            value.put(out);
        }
    }
}

impl<T: Take> Take for Option<T> {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        match bool::take(from)? {
            true => T::take(from).map(Some),
            false => Ok(None),
        }
    }
}

impl<T: Put> Put for [T] {
    fn put(&self, out: &mut Vec<u8>) {
        self.len().put(out);
        for item in self {
            item.put(out);
        }
    }
}

impl<T: Put> Put for Vec<T> {
    fn put(&self, out: &mut Vec<u8>) {
        self.as_slice().put(out);
    }
}

impl<T: Take> Take for Vec<T> {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        let count = usize::take(from)?;
        if count > from.len() {
            return Err(Flaw("ends too early"));
        }
        (0..count).map(|_| T::take(from)).collect()
    }
}

impl<T: Put + ?Sized> Put for &T {
    fn put(&self, out: &mut Vec<u8>) {
        T::put(self, out);
    }
}

impl<A: Put, B: Put> Put for (A, B) {
    fn put(&self, out: &mut Vec<u8>) {
        self.0.put(out);
        self.1.put(out);
    }
}

/// A structure is its fields, in the order given here. A field that is not named does not compile.
macro_rules! put_fields {
    ($($type:ty { $($field:ident),* $(,)? })*) => {$(
        impl Put for $type {
            fn put(&self, out: &mut Vec<u8>) {
                let Self { $($field),* } = self;
                $($field.put(out);)*
            }
        }
    )*};
}

/// The same, to be read back.
macro_rules! fields {
    ($($type:ty { $($field:ident),* $(,)? })*) => {$(
        put_fields! { $type { $($field),* } }

        impl Take for $type {
            fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
                $(let $field = Take::take(from)?;)*
                Ok(Self { $($field),* })
            }
        }
    )*};
}

/// A choice is its code. A variant that is not named does not compile, and a code, once given,
/// keeps its meaning.
macro_rules! codes {
    ($($type:ty { $($variant:ident = $code:literal),* $(,)? })*) => {$(
        impl Put for $type {
            fn put(&self, out: &mut Vec<u8>) {
                out.push(match self {
                    $(Self::$variant => $code,)*
                });
            }
        }

        impl Take for $type {
            fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
                match u8::take(from)? {
                    $($code => Ok(Self::$variant),)*
                    _ => Err(Flaw("has an unknown code")),
                }
            }
        }
    )*};
}

/// A choice is its stable name.
macro_rules! put_names {
    ($($type:ty),* $(,)?) => {$(
        impl Put for $type {
            fn put(&self, out: &mut Vec<u8>) {
                self.name().put(out);
            }
        }
    )*};
}

pub(super) use {codes, fields, put_fields, put_names};

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(value: &impl Put) -> Vec<u8> {
        let mut out = Vec::new();
        value.put(&mut out);
        out
    }

    #[test]
    fn numbers_are_as_short_as_they_are_small_and_come_back() {
        for (number, expected) in [(0_u64, vec![0]), (127, vec![127]), (300, vec![0xac, 2])] {
            assert_eq!(bytes(&number), expected);
        }
        for shift in 0..64 {
            for number in [1 << shift, (1 << shift) - 1, u64::MAX >> shift] {
                let bytes = bytes(&number);
                assert_eq!(u64::take(&mut Bytes::new(&bytes)), Ok(number));
            }
        }
    }

    #[test]
    fn numbers_beyond_their_type_are_refused() {
        let table: [(&[u8], &str); 3] = [
            (&[0xff; 10], "has a number beyond 64 bits"),
            (&[0xff, 0xff, 0xff], "ends too early"),
            (&[], "ends too early"),
        ];
        for (bytes, flaw) in table {
            assert_eq!(u64::take(&mut Bytes::new(bytes)), Err(Flaw(flaw)));
        }
        let beyond = bytes(&70_000_u32);
        let refused = Err(Flaw("has a number out of range"));
        assert_eq!(u16::take(&mut Bytes::new(&beyond)), refused);
    }

    #[test]
    fn signs_come_back() {
        for number in [0, 1, -1, 63, -64, i64::MAX, i64::MIN] {
            let bytes = bytes(&number);
            let folded = u64::take(&mut Bytes::new(&bytes)).unwrap();
            assert_eq!(unfold_sign(folded), number);
        }
        assert_eq!(bytes(&-1_i64), [1]);
        assert_eq!(bytes(&i128::MIN).len(), 19);
    }

    #[test]
    fn a_count_that_the_bytes_cannot_hold_takes_no_memory() {
        let mut claim = bytes(&u64::MAX);
        claim.push(0);
        let refused = Err(Flaw("ends too early"));
        assert_eq!(Vec::<u8>::take(&mut Bytes::new(&claim)), refused);
        assert_eq!(
            String::take(&mut Bytes::new(&claim)),
            Err(Flaw("ends too early"))
        );
    }
}
