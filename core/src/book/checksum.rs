//! The checksum that OKX sent with its books.

use core::fmt::{self, Write};

use flate2::Crc;

use super::Book;
use crate::market::{Level, Side};

/// So many levels of each side count.
const LEVELS: usize = 25;

/// CRC-32 of `bid:quantity:ask:quantity:…`; where one side ends, the other goes on alone.
pub(super) fn of(book: &Book) -> i32 {
    let mut text = Summed::default();
    let mut bids = book.levels(Side::Buy).take(LEVELS);
    let mut asks = book.levels(Side::Sell).take(LEVELS);
    loop {
        let (bid, ask) = (bids.next(), asks.next());
        if bid.is_none() && ask.is_none() {
            return text.crc.sum().cast_signed();
        }
        for level in [bid, ask].into_iter().flatten() {
            text.add(level);
        }
    }
}

/// A text of which only the checksum is kept.
#[derive(Default)]
struct Summed {
    crc: Crc,
}

impl Summed {
    fn add(&mut self, level: &Level) {
        let colon = if self.crc.amount() == 0 { "" } else { ":" };
        // Nothing that is written here can fail.
        _ = write!(self, "{colon}{}:{}", level.price, level.quantity);
    }
}

impl Write for Summed {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.crc.update(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::market;
    use crate::market::BookKind;
    use alloc::string::String;

    fn level(price: &str, quantity: &str) -> Level {
        Level::new(price.parse().unwrap(), quantity.parse().unwrap())
    }

    fn checksum(bids: &[Level], asks: &[Level]) -> i32 {
        let mut book = Book::new(100);
        let message = market::Book {
            kind: BookKind::Snapshot,
            first: None,
            last: None,
            previous: None,
            checksum: None,
            bids,
            asks,
        };
        book.apply(&message).unwrap();
        book.checksum()
    }

    fn sum(text: &str) -> i32 {
        let mut crc = Crc::new();
        crc.update(text.as_bytes());
        crc.sum().cast_signed()
    }

    #[test]
    fn crc_is_the_one_of_ieee() {
        // The check value of CRC-32/ISO-HDLC.
        assert_eq!(sum("123456789"), 0xcbf4_3926_u32.cast_signed());
    }

    #[test]
    fn sides_take_turns_and_the_longer_one_goes_on_alone() {
        let bids = [level("3366.10", "7"), level("3366", "6.0")];
        let asks = [level("3366.8", "9")];
        assert_eq!(checksum(&bids, &asks), sum("3366.10:7:3366.8:9:3366:6.0"));
        assert_eq!(checksum(&[], &asks), sum("3366.8:9"));
        assert_eq!(checksum(&[], &[]), 0);
    }

    #[test]
    fn what_lies_below_the_25th_level_does_not_count() {
        let bids: alloc::vec::Vec<_> = (0..30)
            .rev()
            .map(|price| level(&alloc::format!("{}", price + 1), "1"))
            .collect();
        let shown = bids
            .iter()
            .take(25)
            .map(|level| alloc::format!("{}:1", level.price));
        let text = shown.collect::<alloc::vec::Vec<String>>().join(":");
        assert_eq!(checksum(&bids, &[]), sum(&text));
    }
}
