//! From a message to its stream, without work that grows with the number of streams.

use core::hash::{Hash, Hasher};

use hashbrown::HashTable;

use super::stream::Stream;
use crate::market::Channel;

/// Sets the bit in which ASCII letters differ by case.
const FOLD: u64 = 0x2020_2020_2020_2020;

/// The places of streams, found by channel and instrument; upper and lower case are the same.
///
/// The hash has a fixed seed: the keys are ours, a peer can only ask for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookup {
    places: HashTable<u32>,
}

impl Lookup {
    /// The table of `streams`; of equal ones the first is found.
    pub(super) fn new<'a>(streams: impl Iterator<Item = &'a Stream> + Clone) -> Self {
        let mut lookup = Self::default();
        for (place, stream) in (0..).zip(streams.clone()) {
            let rehash = |&place: &u32| streams.clone().nth(place as usize).map_or(0, hash_of);
            lookup.places.insert_unique(hash_of(stream), place, rehash);
        }
        lookup
    }

    /// Where the stream stands, if it is one of ours; `at` gives the stream at a place.
    pub(super) fn find<'a>(
        &self,
        channel: Channel,
        instrument: &str,
        at: impl Fn(usize) -> Option<&'a Stream>,
    ) -> Option<usize> {
        let is_it = |&place: &u32| {
            at(place as usize).is_some_and(|stream| {
                stream.channel == channel && stream.instrument.eq_ignore_ascii_case(instrument)
            })
        };
        let found = self.places.find(hash(channel, instrument), is_it);
        found.map(|&place| place as usize)
    }
}

fn hash_of(stream: &Stream) -> u64 {
    hash(stream.channel, &stream.instrument)
}

fn hash(channel: Channel, instrument: &str) -> u64 {
    let mut hasher = Multiply(0);
    channel.hash(&mut hasher);
    for chunk in instrument.as_bytes().chunks(8) {
        hasher.add(word(chunk) | FOLD);
    }
    hasher.finish()
}

fn word(bytes: &[u8]) -> u64 {
    let mut word = [0; 8];
    for (to, from) in word.iter_mut().zip(bytes) {
        *to = *from;
    }
    u64::from_le_bytes(word)
}

/// One multiplication a word: enough for keys that nobody attacks.
struct Multiply(u64);

impl Multiply {
    const fn add(&mut self, word: u64) {
        // The constant is 2^64 divided by the golden ratio, odd (Knuth, volume 3, section 6.4).
        self.0 = (self.0.rotate_left(5) ^ word).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    }
}

impl Hasher for Multiply {
    fn write(&mut self, bytes: &[u8]) {
        bytes.chunks(8).for_each(|chunk| self.add(word(chunk)));
    }

    fn finish(&self) -> u64 {
        // The table takes its low bits for the place; the high ones are the well mixed ones.
        self.0.rotate_left(26)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::vec::Vec;

    #[test]
    fn every_stream_is_found_and_no_other() {
        let channels = [Channel::Trade, Channel::AggTrade, Channel::BookTicker];
        let streams: Vec<_> = (0..500)
            .flat_map(|n| channels.map(|channel| (channel, format!("COIN{n}USDT"))))
            .map(|(channel, instrument)| Stream {
                instrument,
                channel,
            })
            .collect();
        let lookup = Lookup::new(streams.iter());
        let find = |channel, name: &str| lookup.find(channel, name, |place| streams.get(place));
        for (place, stream) in streams.iter().enumerate() {
            assert_eq!(find(stream.channel, &stream.instrument), Some(place));
            let lower = stream.instrument.to_lowercase();
            assert_eq!(find(stream.channel, &lower), Some(place));
            assert_eq!(find(Channel::Books, &stream.instrument), None);
        }
        assert_eq!(find(Channel::Trade, "COIN500USDT"), None);
        assert_eq!(find(Channel::Trade, ""), None);
    }
}
