//! The traffic of all benches: messages in the shapes of Binance spot's combined streams, made from a
//! seed, and the feed that hands them out 16 KB at a time without a system call.

use std::fmt::Write as _;
use std::io;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context, Poll};

use boomnet::stream::ReadHint;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// What one read of a socket gives at the most.
pub const CHUNK: usize = 16 * 1024;

/// Messages, and the frames in which a server would send them.
pub struct Traffic {
    /// The payloads, in order.
    pub messages: Vec<String>,
    /// The same as unmasked text frames, one behind the other.
    pub wire: Rc<[u8]>,
}

impl Traffic {
    /// `count` messages: 60 % trades of about 200 bytes, 30 % book updates of 1 to 4 KB, uniformly,
    /// 10 % book tops of about 150 bytes, shuffled.
    #[must_use]
    pub fn mixed(count: usize, seed: u64) -> Self {
        let mut market = Market::new(seed);
        let mut kinds: Vec<usize> = (0..count).map(|i| i * 10 / count).collect();
        market.rng.shuffle(&mut kinds);
        let message = |kind| match kind {
            0..6 => market.trade(),
            6..9 => {
                let size = market.rng.between(1_000, 4_000);
                market.depth_of_size(size)
            }
            _ => market.top(),
        };
        let messages = kinds.into_iter().map(message).collect();
        Self::framed(messages)
    }

    fn framed(messages: Vec<String>) -> Self {
        let mut wire = Vec::new();
        for message in &messages {
            append_text_frame(&mut wire, message.as_bytes());
        }
        Self {
            messages,
            wire: wire.into(),
        }
    }

    /// A feed of this traffic, from its beginning.
    #[must_use]
    pub fn feed(&self) -> Feed {
        Feed {
            wire: Rc::clone(&self.wire),
            at: 0,
        }
    }
}

/// RFC 6455 section 5.2: FIN, text, unmasked as from a server.
fn append_text_frame(wire: &mut Vec<u8>, payload: &[u8]) {
    wire.push(0x81);
    match u16::try_from(payload.len()) {
        Ok(short @ 0..126) => wire.push(short as u8),
        Ok(medium) => {
            wire.push(126);
            wire.extend(medium.to_be_bytes());
        }
        Err(_) => {
            wire.push(127);
            wire.extend((payload.len() as u64).to_be_bytes());
        }
    }
    wire.extend(payload);
}

/// An endless socket in memory: each read gives what is left of the traffic, [`CHUNK`] at the most, and
/// behind its end it starts anew. What is written to it vanishes.
pub struct Feed {
    wire: Rc<[u8]>,
    at: usize,
}

impl Feed {
    /// Fills the front of `room` as one read of a socket would.
    pub fn fill(&mut self, room: &mut [u8]) -> usize {
        let rest = &self.wire[self.at..];
        let count = room.len().min(CHUNK).min(rest.len());
        room[..count].copy_from_slice(&rest[..count]);
        self.at = if count == rest.len() {
            0
        } else {
            self.at + count
        };
        count
    }
}

impl io::Read for Feed {
    fn read(&mut self, room: &mut [u8]) -> io::Result<usize> {
        Ok(self.fill(room))
    }
}

impl io::Write for Feed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl ReadHint for Feed {
    fn read_hint(&self) -> bool {
        true
    }
}

impl AsyncRead for Feed {
    fn poll_read(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        room: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let feed = self.get_mut();
        let rest = &feed.wire[feed.at..];
        let count = room.remaining().min(CHUNK).min(rest.len());
        room.put_slice(&rest[..count]);
        feed.at = if count == rest.len() {
            0
        } else {
            feed.at + count
        };
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Feed {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// A market that trades by itself: prices walk, numbers count on, times pass.
pub struct Market {
    rng: Rng,
    millis: u64,
    trade: u64,
    update: u64,
    top: u64,
    /// In cents.
    price: u64,
}

impl Market {
    /// The market of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self {
            rng: Rng(seed),
            millis: 1_767_225_600_000,
            trade: 3_912_004_117,
            update: 61_450_337_004,
            top: 61_450_337_004,
            price: 9_143_712,
        }
    }

    /// An `aggTrade` message.
    pub fn trade(&mut self) -> String {
        self.step();
        self.trade += 1;
        let (first, last) = (self.trade * 2, self.trade * 2 + self.rng.between(0, 3));
        format!(
            r#"{{"stream":"btcusdt@aggTrade","data":{{"e":"aggTrade","E":{},"s":"BTCUSDT","a":{},"p":"{}","q":"{}","f":{first},"l":{last},"T":{},"m":{},"M":true}}}}"#,
            self.millis + 1,
            self.trade,
            price(self.price),
            quantity(self.rng.between(1, 400_000)),
            self.millis,
            self.rng.between(0, 1) == 0,
        )
    }

    /// A `bookTicker` message.
    pub fn top(&mut self) -> String {
        self.step();
        self.top += self.rng.between(1, 40);
        format!(
            r#"{{"stream":"btcusdt@bookTicker","data":{{"u":{},"s":"BTCUSDT","b":"{}","B":"{}","a":"{}","A":"{}"}}}}"#,
            self.top,
            price(self.price),
            quantity(self.rng.between(1_000, 900_000_000)),
            price(self.price + 1),
            quantity(self.rng.between(1_000, 900_000_000)),
        )
    }

    /// A `depthUpdate` message with as many levels as fit `size` bytes.
    pub fn depth_of_size(&mut self, size: u64) -> String {
        // 32 bytes a level, with its comma, and about 140 around them.
        self.depth(size.saturating_sub(140) / 32)
    }

    /// A `depthUpdate` message with `levels` levels, split between bids and asks.
    pub fn depth(&mut self, levels: u64) -> String {
        self.step();
        let first = self.update + 1;
        self.update += levels.max(1);
        let bids = self.levels(levels / 2, u64::saturating_sub);
        let asks = self.levels(levels - levels / 2, u64::saturating_add);
        format!(
            r#"{{"stream":"btcusdt@depth@100ms","data":{{"e":"depthUpdate","E":{},"s":"BTCUSDT","U":{first},"u":{},"b":[{bids}],"a":[{asks}]}}}}"#,
            self.millis, self.update,
        )
    }

    fn levels(&mut self, count: u64, away: fn(u64, u64) -> u64) -> String {
        let mut out = String::new();
        let mut distance = 0;
        for i in 0..count {
            distance += self.rng.between(1, 60);
            let gone = self.rng.between(0, 3) == 0;
            let amount = if gone {
                0
            } else {
                self.rng.between(1, 500_000_000)
            };
            let comma = if i == 0 { "" } else { "," };
            let _ = write!(
                out,
                r#"{comma}["{}","{}"]"#,
                price(away(self.price, distance)),
                quantity(amount)
            );
        }
        out
    }

    fn step(&mut self) {
        self.millis += self.rng.between(0, 20);
        self.price = self.price + self.rng.between(0, 200) - 100;
    }
}

fn price(cents: u64) -> String {
    format!("{}.{:02}000000", cents / 100, cents % 100)
}

fn quantity(units: u64) -> String {
    format!("{}.{:08}", units / 100_000_000, units % 100_000_000)
}

/// SplitMix64.
struct Rng(u64);

impl Rng {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// A number from `low` to `high`, both included.
    fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.next() % (high - low + 1)
    }

    fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            items.swap(last, self.between(0, last as u64) as usize);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mix_has_the_sizes_it_claims() {
        let traffic = Traffic::mixed(1_000, 7);
        let (mut trades, mut depths, mut tops) = (0, 0, 0);
        for message in &traffic.messages {
            match message.len() {
                190..=215 if message.contains("@aggTrade") => trades += 1,
                900..=4_100 if message.contains("@depth") => depths += 1,
                135..=165 if message.contains("@bookTicker") => tops += 1,
                other => panic!("{other} bytes: {message}"),
            }
        }
        assert_eq!((trades, depths, tops), (600, 300, 100));
    }

    #[test]
    fn one_seed_gives_one_traffic() {
        assert_eq!(Traffic::mixed(100, 3).wire, Traffic::mixed(100, 3).wire);
        assert_ne!(Traffic::mixed(100, 3).wire, Traffic::mixed(100, 4).wire);
    }
}
