//! Books to compare ours with, and what happens to books.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use marketprism_core::book::{Book, Rule};
use marketprism_core::market::{self, Body, BookKind, Decimal, Level, Market, Side};
use marketprism_core::venue::{Decoded, Decoder};

/// One that keeps a book.
pub trait Keeper: Default {
    const NAME: &'static str;

    fn apply(&mut self, message: &market::Book<'_>);

    /// The best levels of a side, best first: what a reader asks for after each change.
    fn top(&self, side: Side, count: usize, each: impl FnMut(&Level));
}

/// A message that owns its levels.
#[derive(Clone)]
pub struct Message {
    kind: BookKind,
    bids: Vec<Level>,
    asks: Vec<Level>,
}

impl Message {
    fn of(book: &market::Book<'_>) -> Self {
        Self {
            kind: book.kind,
            bids: book.bids.to_vec(),
            asks: book.asks.to_vec(),
        }
    }

    #[must_use]
    pub fn as_book(&self) -> market::Book<'_> {
        market::Book {
            kind: self.kind,
            first: None,
            last: None,
            previous: None,
            checksum: None,
            bids: &self.bids,
            asks: &self.asks,
        }
    }

    #[must_use]
    pub fn levels(&self) -> u64 {
        (self.bids.len() + self.asks.len()) as u64
    }
}

/// Ours: blocks of at most 64 levels.
pub struct MarketPrism(Book);

impl Default for MarketPrism {
    fn default() -> Self {
        Self(Book::new(1 << 20))
    }
}

impl Keeper for MarketPrism {
    const NAME: &'static str = "marketprism";

    fn apply(&mut self, message: &market::Book<'_>) {
        assert!(self.0.apply(message).is_ok());
    }

    fn top(&self, side: Side, count: usize, each: impl FnMut(&Level)) {
        self.0.levels(side).take(count).for_each(each);
    }
}

/// The map of the standard library.
#[derive(Default)]
pub struct Tree {
    bids: BTreeMap<Decimal, Level>,
    asks: BTreeMap<Decimal, Level>,
}

impl Keeper for Tree {
    const NAME: &'static str = "BTreeMap";

    fn apply(&mut self, message: &market::Book<'_>) {
        for (levels, changes) in [
            (&mut self.bids, message.bids),
            (&mut self.asks, message.asks),
        ] {
            if message.kind != BookKind::Delta {
                levels.clear();
            }
            for level in changes {
                match level.quantity.is_zero() {
                    true => levels.remove(&level.price),
                    false => levels.insert(level.price, *level),
                };
            }
        }
    }

    fn top(&self, side: Side, count: usize, each: impl FnMut(&Level)) {
        match side {
            Side::Buy => self.bids.values().rev().take(count).for_each(each),
            Side::Sell => self.asks.values().take(count).for_each(each),
        }
    }
}

/// One sorted vector a side, the best at its end.
#[derive(Default)]
pub struct Flat {
    bids: Vec<Level>,
    asks: Vec<Level>,
}

fn set(levels: &mut Vec<Level>, level: &Level, order: impl Fn(Decimal) -> Ordering) {
    // From the top in doubling steps, then by halves.
    let (mut end, mut step) = (levels.len(), 1);
    let start = loop {
        let start = end.saturating_sub(step);
        if start == 0 || order(levels[start].price).is_le() {
            break start;
        }
        (end, step) = (start, step * 2);
    };
    let found = levels[start..end].binary_search_by(|known| order(known.price));
    match (found, level.quantity.is_zero()) {
        (Ok(at), true) => {
            levels.remove(start + at);
        }
        (Ok(at), false) => levels[start + at] = *level,
        (Err(_), true) => {}
        (Err(at), false) => levels.insert(start + at, *level),
    }
}

impl Keeper for Flat {
    const NAME: &'static str = "sorted vector";

    fn apply(&mut self, message: &market::Book<'_>) {
        for (side, levels, changes) in [
            (Side::Buy, &mut self.bids, message.bids),
            (Side::Sell, &mut self.asks, message.asks),
        ] {
            if message.kind != BookKind::Delta {
                levels.clear();
            }
            for level in changes {
                match side {
                    Side::Buy => set(levels, level, |one| one.cmp(&level.price)),
                    Side::Sell => set(levels, level, |one| level.price.cmp(&one)),
                }
            }
        }
    }

    fn top(&self, side: Side, count: usize, each: impl FnMut(&Level)) {
        let levels = match side {
            Side::Buy => &self.bids,
            Side::Sell => &self.asks,
        };
        levels.iter().rev().take(count).for_each(each);
    }
}

/// A book and what happens to it.
pub struct Story {
    pub name: String,
    pub start: Message,
    pub changes: Vec<Message>,
}

/// Books of so many levels a side and changes of ten levels, made from a seed: near the top, or
/// anywhere.
#[must_use]
pub fn synthetic(depth: u64, near: bool) -> Story {
    let mut draw = Draw(7);
    let side = |from: u64| {
        (0..depth)
            .map(|index| level(from + 2 * index, 1))
            .collect::<Vec<_>>()
    };
    // Best first: bids fall from the middle, asks rise from it.
    let middle = 10 * depth;
    let mut bids = side(middle - 2 * depth);
    bids.reverse();
    let start = Message {
        kind: BookKind::Snapshot,
        bids,
        asks: side(middle + 2),
    };
    let reach = if near { 20 } else { 2 * depth };
    let changes = (0..2_000).map(|_| {
        let mut rows = |upward: bool| {
            let row = |_| {
                let away = draw.below(reach);
                let price = if upward {
                    middle + 2 + away
                } else {
                    middle - 2 - away
                };
                // Every other price is in the snapshot; half of all changes remove.
                level(price, draw.below(2))
            };
            (0..5).map(row).collect::<Vec<_>>()
        };
        Message {
            kind: BookKind::Delta,
            bids: rows(false),
            asks: rows(true),
        }
    });
    let place = if near { "near the top" } else { "anywhere" };
    Story {
        name: format!("book of {depth} levels, changes {place}"),
        changes: changes.collect(),
        start,
    }
}

fn level(price: u64, quantity: u64) -> Level {
    let number = |value: u64, scale| Decimal::new(value.cast_signed(), scale).unwrap_or_default();
    Level::new(number(price, 2), number(quantity, 3))
}

struct Draw(u64);

impl Draw {
    fn below(&mut self, limit: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % limit
    }
}

/// Recorded sessions of one book each, from `MARKETPRISM_RECORDINGS` or from beside the
/// workspace; none where there are no recordings.
#[must_use]
pub fn recorded() -> Vec<Story> {
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../shared/recordings");
    let root = std::env::var_os("MARKETPRISM_RECORDINGS").map_or(beside, PathBuf::from);
    let sessions = [
        ("binance-spot", "btcusdt", Market::BinanceSpot),
        ("binance-usdm", "btcusdt", Market::BinanceUsdm),
    ];
    let mut stories = Vec::new();
    for (folder, symbol, market) in sessions {
        let file = format!("{folder}/session-hftbacktest-2024-08/{symbol}_20240808.ndjson");
        match fs::read_to_string(root.join(&file)) {
            Ok(text) => stories.push(story(
                format!("book of {folder} {symbol}, recorded"),
                market,
                &text,
            )),
            Err(_) => println!("skipped: there is no recording {file}"),
        }
    }
    stories
}

fn story(name: String, market: Market, text: &str) -> Story {
    let mut decoder = Decoder::new(market);
    let mut start = None;
    let mut changes = Vec::new();
    for line in text.lines() {
        if line.starts_with("{\"lastUpdateId\"") {
            start = Some(snapshot(line));
            changes.clear();
        }
        if !matches!(decoder.decode(line), Ok(Decoded::Events { count: 1, .. })) {
            continue;
        }
        let event = decoder.event(line, 0);
        if let Some(event) = event
            && Rule::of(event.market, event.channel).is_some()
            && let Body::Book(book) = event.body
        {
            changes.push(Message::of(&book));
        }
    }
    Story {
        name,
        start: start.unwrap_or_else(|| snapshot("{}")),
        changes,
    }
}

fn snapshot(text: &str) -> Message {
    let tree: serde_json::Value = serde_json::from_str(text).unwrap_or_default();
    let side = |name: &str| {
        let rows = tree[name].as_array().into_iter().flatten();
        let number = |cell: &serde_json::Value| cell.as_str()?.parse().ok();
        rows.filter_map(|row| Some(Level::new(number(&row[0])?, number(&row[1])?)))
            .collect()
    };
    Message {
        kind: BookKind::Snapshot,
        bids: side("bids"),
        asks: side("asks"),
    }
}
