//! Chance from a seed, in integers only, so that every machine draws the same.

use std::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

/// What a sequence of draws is for. Each purpose has a sequence of its own, so that what a
/// client does can never change the market that it watches.
#[derive(Clone, Copy, Debug)]
pub(super) enum Purpose {
    /// The walk of the instrument with this index.
    Market(u32),
    /// What is said about the instrument with this index besides.
    Figures(u32),
    /// When faults strike, and which.
    Schedule,
    /// Whom they strike, and names of connections.
    Exchange,
}

impl Purpose {
    const fn stream(self) -> u64 {
        match self {
            Self::Schedule => 0,
            Self::Exchange => 1,
            Self::Market(index) => 2 + index as u64,
            Self::Figures(index) => (1 << 33) + index as u64,
        }
    }
}

/// A sequence of draws.
#[derive(Clone, Debug)]
pub(super) struct Random(ChaCha8Rng);

impl Random {
    pub(super) fn new(seed: u64, purpose: Purpose) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(purpose.stream());
        Self(rng)
    }

    /// A number below `bound`; 0 for a bound of 0.
    pub(super) fn below(&mut self, bound: u64) -> u64 {
        let wide = u128::from(self.0.next_u64()) * u128::from(bound);
        // The upper half of a 128-bit product is below `bound`, so nothing is cut off.
        (wide >> 64) as u64
    }

    /// A number from `low` to `high`, both included.
    pub(super) fn between(&mut self, low: u64, high: u64) -> u64 {
        low + self.below(high.saturating_sub(low).saturating_add(1))
    }

    /// Whether something that happens `times` in a thousand happens now.
    pub(super) fn per_mille(&mut self, times: u64) -> bool {
        self.below(1000) < times
    }

    /// One of the items.
    pub(super) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let index = self.below(items.len() as u64);
        items.get(usize::try_from(index).ok()?)
    }

    /// A span of `mean` on average: from half of it to half more.
    pub(super) fn around(&mut self, mean: Duration) -> Duration {
        let mean = u64::try_from(mean.as_nanos()).unwrap_or(u64::MAX);
        Duration::from_nanos((mean / 2).saturating_add(self.below(mean)))
    }

    /// Puts the items in an order of chance.
    pub(super) fn shuffle<T>(&mut self, items: &mut [T]) {
        for last in (1..items.len()).rev() {
            let other = self.below(last as u64 + 1);
            items.swap(last, usize::try_from(other).unwrap_or(last));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn draws_stay_in_their_range_and_reach_its_ends() {
        let mut random = Random::new(1, Purpose::Exchange);
        let mut seen = [0u32; 4];
        for _ in 0..1000 {
            seen[random.between(3, 6) as usize - 3] += 1;
        }
        assert!(seen.iter().all(|&count| count > 150), "{seen:?}");
        assert_eq!(random.below(0), 0);
        assert_eq!(random.below(1), 0);
    }

    #[test]
    fn spans_keep_their_mean() {
        let mut random = Random::new(2, Purpose::Schedule);
        let mean = Duration::from_secs(2);
        let spans: Vec<_> = (0..1000).map(|_| random.around(mean)).collect();
        assert!(
            spans
                .iter()
                .all(|span| *span >= mean / 2 && *span <= mean * 3 / 2)
        );
        let average = spans.iter().sum::<Duration>() / 1000;
        assert!(
            average > mean * 95 / 100 && average < mean * 105 / 100,
            "{average:?}"
        );
    }

    #[test]
    fn purposes_do_not_share_their_draws() {
        let draw = |purpose| Random::new(7, purpose).below(u64::MAX);
        assert_eq!(draw(Purpose::Market(0)), draw(Purpose::Market(0)));
        assert_ne!(draw(Purpose::Market(0)), draw(Purpose::Market(1)));
        assert_ne!(draw(Purpose::Market(0)), draw(Purpose::Figures(0)));
        assert_ne!(draw(Purpose::Schedule), draw(Purpose::Exchange));
    }

    #[test]
    fn a_shuffle_keeps_what_it_orders() {
        let mut items: Vec<u32> = (0..20).collect();
        Random::new(3, Purpose::Schedule).shuffle(&mut items);
        assert_ne!(items, (0..20).collect::<Vec<_>>());
        items.sort_unstable();
        assert_eq!(items, (0..20).collect::<Vec<_>>());
    }
}
