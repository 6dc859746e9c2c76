//! Exact decimals: an integer mantissa and a scale. No floats.

use core::cmp::Ordering;
use core::fmt;
use core::str::FromStr;

/// The largest scale: 10³⁸ is the largest power of ten in 128 bits.
const MAX_SCALE: u8 = 38;

/// Digits that fit 64 bits whatever they are.
pub(crate) const SAFE_DIGITS: usize = 18;

/// An exact decimal in 16 bytes: `mantissa / 10^scale`.
///
/// The scale is kept as printed, so `0.00100000` is shown again as `0.00100000`; comparison is by
/// value, so it equals `0.001`.
///
/// ```
/// use marketprism_core::market::Decimal;
///
/// let price: Decimal = "61837.64000000".parse()?;
/// assert_eq!(price.mantissa(), 6_183_764_000_000);
/// assert_eq!(price.scale(), 8);
/// assert_eq!(price, "61837.64".parse()?);
/// # Ok::<(), marketprism_core::market::NumberError>(())
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Decimal {
    mantissa: i64,
    scale: u8,
}

/// An exact decimal of up to 38 digits, for fields where venues print more than 64 bits hold.
#[derive(Clone, Copy, Debug, Default)]
pub struct Wide {
    mantissa: i128,
    scale: u8,
}

/// Why a text is not a number that we can hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum NumberError {
    /// Not `-?digits(.digits)?`. Exponents are refused: no venue prints them.
    Form,
    /// More digits than the type holds.
    Overflow,
}

impl Decimal {
    /// Zero.
    pub const ZERO: Self = Self {
        mantissa: 0,
        scale: 0,
    };

    /// One.
    pub const ONE: Self = Self {
        mantissa: 1,
        scale: 0,
    };

    /// `mantissa / 10^scale`, or `None` where the scale is beyond 38.
    #[must_use]
    pub const fn new(mantissa: i64, scale: u8) -> Option<Self> {
        if scale <= MAX_SCALE {
            Some(Self { mantissa, scale })
        } else {
            None
        }
    }

    /// The integer before scaling.
    #[must_use]
    pub const fn mantissa(self) -> i64 {
        self.mantissa
    }

    /// How many digits stand behind the point.
    #[must_use]
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Whether it is zero, at whatever scale.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Reads plain notation: `-?digits(.digits)?`, the whole of `text`.
    ///
    /// # Errors
    ///
    /// [`NumberError::Form`] for any other notation, [`NumberError::Overflow`] beyond 64 bits.
    pub fn parse(text: &[u8]) -> Result<Self, NumberError> {
        if let Some((number, [])) = Self::scan(text) {
            return Ok(number);
        }
        let (mantissa, scale) = parse_any(text)?;
        let mantissa = i64::try_from(mantissa).map_err(|_| NumberError::Overflow)?;
        Ok(Self { mantissa, scale })
    }

    /// The number at the front of `text`, eight digits at a time, and what follows it. `None`
    /// says only that this way cannot read it; [`parse`](Self::parse) knows why.
    #[inline(always)]
    pub(crate) fn scan(text: &[u8]) -> Option<(Self, &[u8])> {
        let (negative, text) = match text.strip_prefix(b"-") {
            Some(digits) => (true, digits),
            None => (false, text),
        };
        let (whole, whole_len, rest) = few_digits(text)?;
        let (mantissa, scale, rest) = match rest.strip_prefix(b".") {
            Some(rest) => {
                let (fraction, scale, rest) = fraction_digits(rest)?;
                if whole_len + scale > SAFE_DIGITS {
                    return None;
                }
                let power = POWERS.get(scale)?;
                (whole * power + fraction, scale, rest)
            }
            None => (whole, 0, rest),
        };
        let mantissa = mantissa.cast_signed();
        let number = Self {
            mantissa: if negative { -mantissa } else { mantissa },
            scale: scale as u8,
        };
        Some((number, rest))
    }
}

impl Decimal {
    /// Compares with a number of a larger scale: OKX leaves out zeros at the end, so the prices of
    /// one book differ in that.
    fn cmp_finer(self, fine: Self) -> Ordering {
        let power = POWERS.get(usize::from(fine.scale - self.scale));
        let power = power.and_then(|&power| i64::try_from(power).ok());
        match power.and_then(|power| self.mantissa.checked_mul(power)) {
            Some(mantissa) => mantissa.cmp(&fine.mantissa),
            None => compare_upscaled(self.into(), fine.into()),
        }
    }
}

impl Wide {
    /// `mantissa / 10^scale`, or `None` where the scale is beyond 38.
    #[must_use]
    pub const fn new(mantissa: i128, scale: u8) -> Option<Self> {
        if scale <= MAX_SCALE {
            Some(Self { mantissa, scale })
        } else {
            None
        }
    }

    /// The integer before scaling.
    #[must_use]
    pub const fn mantissa(self) -> i128 {
        self.mantissa
    }

    /// How many digits stand behind the point.
    #[must_use]
    pub const fn scale(self) -> u8 {
        self.scale
    }

    /// Whether it is zero, at whatever scale.
    #[must_use]
    pub const fn is_zero(self) -> bool {
        self.mantissa == 0
    }

    /// Reads plain notation: `-?digits(.digits)?`, the whole of `text`.
    ///
    /// # Errors
    ///
    /// [`NumberError::Form`] for any other notation, [`NumberError::Overflow`] beyond 128 bits.
    pub fn parse(text: &[u8]) -> Result<Self, NumberError> {
        if let Some((number, [])) = Decimal::scan(text) {
            return Ok(number.into());
        }
        let (mantissa, scale) = parse_any(text)?;
        Ok(Self { mantissa, scale })
    }

    /// The number at the front of `text` and what follows it, as [`Decimal::scan`].
    #[inline]
    pub(crate) fn scan(text: &[u8]) -> Option<(Self, &[u8])> {
        if let Some((number, rest)) = Decimal::scan(text) {
            return Some((number.into(), rest));
        }
        let end = text
            .iter()
            .position(|byte| !matches!(byte, b'-' | b'.' | b'0'..=b'9'))?;
        let (number, rest) = text.split_at_checked(end)?;
        Some((Self::parse(number).ok()?, rest))
    }
}

/// Powers of ten that fit 64 bits.
pub(crate) const POWERS: [u64; 20] = {
    let mut powers = [1; 20];
    let mut exponent = 1;
    while exponent < powers.len() {
        powers[exponent] = powers[exponent - 1] * 10;
        exponent += 1;
    }
    powers
};

/// A run of 1 to 18 digits, often many, eight at a time: its value, its length, what follows.
#[inline(always)]
pub(crate) fn digits(text: &[u8]) -> Option<(u64, usize, &[u8])> {
    let Some((chunk, rest)) = text.split_first_chunk::<8>() else {
        return few_digits(text);
    };
    let word = u64::from_le_bytes(*chunk);
    let length = leading_digits(word);
    if length < 8 {
        let rest = text.get(length..)?;
        return (length > 0).then(|| (first_digits(word, length), length, rest));
    }
    more_digits(digits_of_eight(word), rest)
}

/// What follows the first eight digits.
#[inline(always)]
fn more_digits(first: u64, text: &[u8]) -> Option<(u64, usize, &[u8])> {
    if !text.first().is_some_and(u8::is_ascii_digit) {
        return Some((first, 8, text));
    }
    if let Some(chunk) = text.first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        let length = leading_digits(word);
        if length < 8 {
            let power = POWERS.get(length)?;
            let rest = text.get(length..)?;
            return Some((first * power + first_digits(word, length), length + 8, rest));
        }
    }
    let (value, length, rest) = few_digits(text)?;
    if length + 8 > SAFE_DIGITS {
        return None;
    }
    Some((first * POWERS.get(length)? + value, length + 8, rest))
}

/// A run of digits behind the point: eight where the venue pads to eight, else few.
#[inline(always)]
fn fraction_digits(text: &[u8]) -> Option<(u64, usize, &[u8])> {
    if let Some((chunk, rest)) = text.split_first_chunk::<8>() {
        let word = u64::from_le_bytes(*chunk);
        if other_bytes(word) == 0 {
            return more_digits(digits_of_eight(word), rest);
        }
    }
    few_digits(text)
}

/// A run of 1 to 18 digits, often few, one at a time: the processor guesses where the run ends and
/// goes on, which is faster than to wait for what eight at a time would compute.
#[inline(always)]
fn few_digits(text: &[u8]) -> Option<(u64, usize, &[u8])> {
    let mut value: u64 = 0;
    let mut length = 0;
    for byte in text {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            break;
        }
        // Wraps only beyond eighteen digits, which are refused.
        value = value.wrapping_mul(10).wrapping_add(u64::from(digit));
        length += 1;
    }
    if length == 0 || length > SAFE_DIGITS {
        return None;
    }
    Some((value, length, text.get(length..)?))
}

/// Marks bytes that are no digits by their high bits; exact for the first one, and for whether
/// there is one.
///
/// Adding 0x46 sets the high bit of a byte above `9`, subtracting 0x30 that of a byte below `0`
/// or above 0xAF. Carries and borrows only run upwards, past the first byte that is no digit,
/// which is all that is asked for.
#[inline(always)]
const fn other_bytes(word: u64) -> u64 {
    const HIGH: u64 = 0x8080_8080_8080_8080;
    let above = word.wrapping_add(0x4646_4646_4646_4646);
    let below = word.wrapping_sub(0x3030_3030_3030_3030);
    (above | below) & HIGH
}

/// How many bytes from the front of a little-endian word are digits.
#[inline(always)]
const fn leading_digits(word: u64) -> usize {
    (other_bytes(word).trailing_zeros() / 8) as usize
}

/// The value of the first `length` digits of a word, fewer than eight.
#[inline(always)]
const fn first_digits(word: u64, length: usize) -> u64 {
    // Shifted to the end of the word; what moves in are zeros, which count as digits.
    digits_of_eight(word << (56 - 8 * length as u32) << 8)
}

/// The value of eight digits: pairs, then fours, then all, each in one multiplication.
#[inline(always)]
const fn digits_of_eight(word: u64) -> u64 {
    let ones = word & 0x0F0F_0F0F_0F0F_0F0F;
    let pairs = (ones.wrapping_mul(0x0A01) >> 8) & 0x00FF_00FF_00FF_00FF;
    let fours = (pairs.wrapping_mul(0x0064_0001) >> 16) & 0x0000_FFFF_0000_FFFF;
    fours.wrapping_mul(0x0000_2710_0000_0001) >> 32
}

/// Any number that fits 128 bits, one digit after the other.
fn parse_any(text: &[u8]) -> Result<(i128, u8), NumberError> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let mut mantissa: i128 = 0;
    let mut point = None;
    for (place, byte) in digits.iter().enumerate() {
        match byte {
            b'0'..=b'9' => {
                mantissa = mantissa
                    .checked_mul(10)
                    .and_then(|mantissa| mantissa.checked_add(i128::from(byte - b'0')))
                    .ok_or(NumberError::Overflow)?;
            }
            b'.' if point.is_none() && place > 0 => point = Some(place),
            _ => return Err(NumberError::Form),
        }
    }
    let scale = match point {
        Some(place) => digits.len() - place - 1,
        None => 0,
    };
    if digits.is_empty() || (point.is_some() && scale == 0) {
        return Err(NumberError::Form);
    }
    let scale = u8::try_from(scale).map_err(|_| NumberError::Overflow)?;
    if scale > MAX_SCALE {
        return Err(NumberError::Overflow);
    }
    let negative = digits.len() < text.len();
    Ok((if negative { -mantissa } else { mantissa }, scale))
}

/// Compares by value.
fn compare(left: Wide, right: Wide) -> Ordering {
    match left.scale.cmp(&right.scale) {
        Ordering::Equal => left.mantissa.cmp(&right.mantissa),
        Ordering::Less => compare_upscaled(left, right),
        Ordering::Greater => compare_upscaled(right, left).reverse(),
    }
}

/// Compares where `coarse` has the smaller scale.
fn compare_upscaled(coarse: Wide, fine: Wide) -> Ordering {
    let power = 10_i128.pow(u32::from(fine.scale - coarse.scale));
    match coarse.mantissa.checked_mul(power) {
        Some(mantissa) => mantissa.cmp(&fine.mantissa),
        // Beyond 128 bits it is farther from zero than anything that fits.
        None => coarse.mantissa.cmp(&0),
    }
}

impl From<Decimal> for Wide {
    fn from(number: Decimal) -> Self {
        Self {
            mantissa: i128::from(number.mantissa),
            scale: number.scale,
        }
    }
}

impl Ord for Decimal {
    #[inline]
    fn cmp(&self, other: &Self) -> Ordering {
        match self.scale.cmp(&other.scale) {
            Ordering::Equal => self.mantissa.cmp(&other.mantissa),
            Ordering::Less => self.cmp_finer(*other),
            Ordering::Greater => other.cmp_finer(*self).reverse(),
        }
    }
}

impl Ord for Wide {
    fn cmp(&self, other: &Self) -> Ordering {
        compare(*self, *other)
    }
}

impl PartialOrd for Decimal {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialOrd for Wide {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Decimal {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl PartialEq for Wide {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Decimal {}

impl Eq for Wide {}

impl FromStr for Decimal {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        Self::parse(text.as_bytes())
    }
}

impl FromStr for Wide {
    type Err = NumberError;

    fn from_str(text: &str) -> Result<Self, NumberError> {
        Self::parse(text.as_bytes())
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        Wide::from(*self).fmt(f)
    }
}

impl fmt::Display for Wide {
    /// Plain notation with all digits of the scale.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // 39 digits of a mantissa, or a zero and 38 digits, and the point.
        let mut text = [b'0'; 41];
        let mut start = text.len();
        let mut left = self.mantissa.unsigned_abs();
        let mut written = 0;
        while left > 0 || written <= self.scale {
            if written == self.scale && written > 0 {
                start -= 1;
                text[start] = b'.';
            }
            start -= 1;
            text[start] = b'0' + (left % 10) as u8;
            left /= 10;
            written += 1;
        }
        let digits = core::str::from_utf8(&text[start..]).map_err(|_| fmt::Error)?;
        f.pad_integral(self.mantissa >= 0, "", digits)
    }
}

impl fmt::Display for NumberError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Form => "not a plain decimal number",
            Self::Overflow => "too many digits",
        })
    }
}

impl core::error::Error for NumberError {}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::{String, ToString};
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn plain_notation_is_shown_again_as_printed() {
        for text in [
            "0",
            "1",
            "-1",
            "0.1",
            "-0.5",
            "0.00100000",
            "61837.64000000",
            "1.54698000",
            "12345678",
            "123456789",
            "1234567890123456",
            "12345678.12345678",
            "0.00000000",
            "9223372036854775807",
            "-9223372036854775808",
            "92233720368.54775807",
            "0.00000000000000000000000000000000000001",
        ] {
            assert_eq!(decimal(text).to_string(), text);
            assert_eq!(text.parse::<Wide>().unwrap().to_string(), text);
        }
        let wide = "-17014118346046923173168730371588.4105727";
        assert_eq!(wide.parse::<Wide>().unwrap().to_string(), wide);
    }

    #[test]
    fn other_notations_are_refused() {
        for text in [
            "",
            "-",
            "+1",
            ".",
            ".5",
            "5.",
            "-.5",
            "1e5",
            "1E-7",
            "1.2.3",
            " 1",
            "1 ",
            "1,5",
            "0x1",
            "NaN",
            "--1",
            "1-",
            "١",
            "12345678:",
            "/2345678",
            "1.12345678x",
        ] {
            assert_eq!(text.parse::<Decimal>(), Err(NumberError::Form), "{text:?}");
            assert_eq!(text.parse::<Wide>(), Err(NumberError::Form), "{text:?}");
        }
    }

    #[test]
    fn what_does_not_fit_is_refused_and_never_wrong() {
        for text in [
            "9223372036854775808",
            "-9223372036854775809",
            "922337203685.47758080",
            "10000000000000000000",
            "0.000000000000000000000000000000000000001",
        ] {
            assert_eq!(
                text.parse::<Decimal>(),
                Err(NumberError::Overflow),
                "{text}"
            );
        }
        for text in [
            "170141183460469231731687303715884105728",
            "0.000000000000000000000000000000000000001",
        ] {
            assert_eq!(text.parse::<Wide>(), Err(NumberError::Overflow), "{text}");
        }
    }

    #[test]
    fn comparison_is_by_value() {
        let ordered = [
            "-9223372036854775808",
            "-1.1",
            "-1",
            "-0.00000000000000000000000000000000000001",
            "0",
            "0.00000000000000000000000000000000000001",
            "0.1",
            "0.10000001",
            "1",
            "1.5",
            "9223372036854775807",
        ];
        for (i, left) in ordered.iter().enumerate() {
            for (j, right) in ordered.iter().enumerate() {
                assert_eq!(
                    decimal(left).cmp(&decimal(right)),
                    i.cmp(&j),
                    "{left} {right}"
                );
            }
        }
        assert_eq!(decimal("0.00100000"), decimal("0.001"));
        assert_eq!(decimal("-0.0"), Decimal::ZERO);
    }

    #[test]
    fn every_length_before_and_behind_the_point_is_read_at_every_place_in_the_text() {
        for whole in 1..=10 {
            for fraction in 0..=10 {
                let mut text: String = "9876543210".chars().take(whole).collect();
                if fraction > 0 {
                    text.push('.');
                    text.extend("1234567890".chars().take(fraction));
                }
                for padding in 0..12 {
                    let padded = format!("{text}\"{}", "7".repeat(padding));
                    let (number, rest) = Wide::scan(padded.as_bytes()).unwrap();
                    assert_eq!(number.to_string(), text);
                    assert_eq!(rest.len(), padding + 1);
                }
            }
        }
    }

    #[test]
    fn a_scale_that_cannot_be_shown_is_refused() {
        assert_eq!(Decimal::new(1, 39), None);
        assert_eq!(Wide::new(1, 39), None);
        let smallest = Wide::new(i128::MIN, 38).unwrap().to_string();
        assert_eq!(smallest, "-1.70141183460469231731687303715884105728");
    }

    #[test]
    fn width_is_honoured() {
        assert_eq!(format!("{:>8}", decimal("-1.50")), "   -1.50");
        assert_eq!(format!("{:<8}|", decimal("1.50")), "1.50    |");
    }

    proptest! {
        #[test]
        fn the_fast_way_reads_what_the_slow_way_reads(
            text in "-?[0-9]{0,20}(\\.[0-9]{0,20})?[^0-9]{0,1}"
        ) {
            let slow = parse_any(text.as_bytes());
            let fast = Decimal::scan(text.as_bytes()).filter(|(_, rest)| rest.is_empty());
            if let Some((number, _)) = fast {
                prop_assert_eq!(slow, Ok((i128::from(number.mantissa), number.scale)));
            }
            let expected = slow.and_then(|(mantissa, scale)| {
                let mantissa = i64::try_from(mantissa).map_err(|_| NumberError::Overflow)?;
                Ok((mantissa, scale))
            });
            let parsed = Decimal::parse(text.as_bytes());
            prop_assert_eq!(parsed.map(|number| (number.mantissa, number.scale)), expected);
        }

        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            let known = [Decimal::parse(&bytes).is_ok(), Wide::parse(&bytes).is_ok()];
            prop_assert!(known[1] || !known[0], "what fits 64 bits fits 128 bits");
        }

        #[test]
        fn text_and_number_are_the_same_thing(mantissa: i64, scale in 0_u8..=38) {
            let number = Decimal::new(mantissa, scale).unwrap();
            let again: Decimal = number.to_string().parse().unwrap();
            prop_assert_eq!((again.mantissa, again.scale), (mantissa, scale));
        }
    }
}
