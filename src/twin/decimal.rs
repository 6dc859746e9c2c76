//! Exact decimals as text: a count of units and the number of decimals of a unit.

use std::fmt;

/// How a venue prints a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    /// With this many decimals at least (Binance spot: eight).
    Padded(u8),
    /// Without zeros at the end (OKX).
    Trimmed,
}

/// `units` of `10^-scale`, to be printed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Printed {
    pub(super) units: u64,
    pub(super) scale: u8,
    pub(super) style: Style,
}

impl fmt::Display for Printed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (units, scale) = match self.style {
            Style::Padded(_) => (self.units, self.scale),
            Style::Trimmed => trim(self.units, self.scale),
        };
        let one = 10u64.saturating_pow(u32::from(scale));
        write!(f, "{}", units / one)?;
        let padding = match self.style {
            Style::Padded(places) => places.saturating_sub(scale),
            Style::Trimmed => 0,
        };
        if scale == 0 && padding == 0 {
            return Ok(());
        }
        f.write_str(".")?;
        if scale > 0 {
            write!(f, "{:0width$}", units % one, width = usize::from(scale))?;
        }
        (0..padding).try_for_each(|_| f.write_str("0"))
    }
}

/// The same with a sign.
#[derive(Clone, Copy, Debug)]
pub(super) struct Signed {
    pub(super) units: i64,
    pub(super) scale: u8,
    pub(super) style: Style,
}

impl fmt::Display for Signed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.units < 0 {
            f.write_str("-")?;
        }
        let printed = Printed {
            units: self.units.unsigned_abs(),
            scale: self.scale,
            style: self.style,
        };
        printed.fmt(f)
    }
}

const fn trim(mut units: u64, mut scale: u8) -> (u64, u8) {
    while scale > 0 && units.is_multiple_of(10) {
        units /= 10;
        scale -= 1;
    }
    (units, scale)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn print(units: u64, scale: u8, style: Style) -> String {
        Printed {
            units,
            scale,
            style,
        }
        .to_string()
    }

    #[test]
    fn numbers_are_printed_as_the_venues_print_them() {
        let cases = [
            (2_535_190, 5, Style::Padded(8), "25.35190000"),
            (6_710_010, 2, Style::Padded(2), "67100.10"),
            (6_710_010, 2, Style::Trimmed, "67100.1"),
            (671_000, 1, Style::Trimmed, "67100"),
            (415, 0, Style::Trimmed, "415"),
            (415, 0, Style::Padded(0), "415"),
            (415, 0, Style::Padded(3), "415.000"),
            (7, 3, Style::Padded(3), "0.007"),
            (0, 8, Style::Trimmed, "0"),
            (0, 3, Style::Padded(3), "0.000"),
        ];
        for (units, scale, style, text) in cases {
            assert_eq!(print(units, scale, style), text);
        }
    }

    #[test]
    fn what_is_below_zero_has_a_sign() {
        let print = |units| {
            Signed {
                units,
                scale: 4,
                style: Style::Trimmed,
            }
            .to_string()
        };
        assert_eq!(
            [print(-75), print(0), print(10_500)],
            ["-0.0075", "0", "1.05"]
        );
    }
}
