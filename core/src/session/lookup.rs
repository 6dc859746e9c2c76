//! From a message to its stream, without work that grows with the number of streams.

use hashbrown::HashTable;

use super::stream::Stream;
use crate::market::Channel;

/// The places of streams, found by channel and instrument; upper and lower case are the same.
///
/// The hash has a fixed seed and is of the instrument alone, which has few channels: the keys
/// are ours, a peer can only ask for them.
#[derive(Clone, Debug, Default)]
pub(super) struct Lookup {
    places: HashTable<u32>,
}

impl Lookup {
    /// The table of `streams`; of equal ones the first is found.
    pub(super) fn new<'a>(streams: impl Iterator<Item = &'a Stream> + Clone) -> Self {
        let mut lookup = Self::default();
        for (place, stream) in (0..).zip(streams.clone()) {
            let hash_of = |stream: &Stream| hash(stream.instrument.as_bytes());
            let rehash = |&place: &u32| streams.clone().nth(place as usize).map_or(0, hash_of);
            lookup.places.insert_unique(hash_of(stream), place, rehash);
        }
        lookup
    }

    /// Where the stream stands, if it is one of ours; `at` gives the stream at a place.
    #[inline]
    pub(super) fn find<'a>(
        &self,
        channel: Channel,
        instrument: &str,
        at: impl Fn(usize) -> Option<&'a Stream>,
    ) -> Option<usize> {
        let is_it = |&place: &u32| {
            at(place as usize).is_some_and(|stream| {
                stream.channel == channel && is_same(&stream.instrument, instrument)
            })
        };
        let found = self.places.find(hash(instrument.as_bytes()), is_it);
        found.map(|&place| place as usize)
    }
}

#[inline]
fn is_same(ours: &str, theirs: &str) -> bool {
    ours == theirs || ours.eq_ignore_ascii_case(theirs)
}

/// Eight bytes from each end, case folded: the names of one venue's instruments differ there.
#[inline]
fn hash(name: &[u8]) -> u64 {
    let (first, last) = match (name.first_chunk(), name.last_chunk()) {
        (Some(&first), Some(&last)) => (u64::from_le_bytes(first), u64::from_le_bytes(last)),
        (None, _) | (_, None) => (short(name), 0),
    };
    mix(mix(name.len() as u64, first), last)
}

/// Up to seven bytes.
fn short(name: &[u8]) -> u64 {
    name.iter()
        .fold(0, |word, &byte| word << 8 | u64::from(byte))
}

#[inline]
const fn mix(hash: u64, word: u64) -> u64 {
    /// Sets the bit in which ASCII letters differ by case.
    const FOLD: u64 = 0x2020_2020_2020_2020;
    /// 2^64 divided by the golden ratio, odd (Knuth, volume 3, section 6.4).
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    // The high bits of a product are the well mixed ones; the table begins with the low ones.
    (hash.rotate_left(5) ^ (word | FOLD))
        .wrapping_mul(GOLDEN)
        .rotate_left(32)
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
