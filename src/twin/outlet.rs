//! The way out to a client, as a fault may have it: bytes of its own, and a measure of how many
//! go at a time.

use std::time::Duration;

use marketprism_core::Time;

/// Into how many parts a slow answer is divided.
const PARTS: u32 = 16;

/// What stands between the queue of a server and its socket.
#[derive(Debug, Default)]
pub(super) struct Outlet {
    /// Bytes that go ahead of the queue.
    ahead: Vec<u8>,
    measure: Measure,
}

/// How much goes out at a time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Measure {
    #[default]
    Free,
    /// One byte, for so many bytes still.
    Single(u32),
    /// So many bytes for now; so many more with every beat, for so many beats.
    Slow {
        room: usize,
        share: usize,
        beats: u32,
        every: Duration,
    },
}

impl Outlet {
    /// What to write next, ahead of or from the queue.
    pub(super) fn lend<'a>(&'a self, queued: &'a [u8]) -> &'a [u8] {
        let bytes = match self.ahead.as_slice() {
            [] => queued,
            ahead => ahead,
        };
        let most = match self.measure {
            Measure::Free => bytes.len(),
            Measure::Single(_) => 1,
            Measure::Slow { room, .. } => room,
        };
        bytes.get(..most).unwrap_or(bytes)
    }

    /// So many bytes have been written; returns how many of them the queue has lent.
    pub(super) fn written(&mut self, count: usize) -> usize {
        match &mut self.measure {
            Measure::Free => {}
            Measure::Single(left) => *left = left.saturating_sub(1),
            Measure::Slow { room, .. } => *room = room.saturating_sub(count),
        }
        if self.measure == Measure::Single(0) {
            self.measure = Measure::Free;
        }
        let own = count.min(self.ahead.len());
        self.ahead.drain(..own);
        count - own
    }

    /// The bytes that go ahead of the queue.
    pub(super) const fn ahead(&mut self) -> &mut Vec<u8> {
        &mut self.ahead
    }

    /// Whether nothing stands in the way of the queue.
    pub(super) fn is_free(&self) -> bool {
        self.ahead.is_empty() && self.measure == Measure::Free
    }

    /// Lets so many bytes go out one by one.
    pub(super) const fn single(&mut self, bytes: u32) {
        self.measure = Measure::Single(bytes);
    }

    /// Lets so many bytes go out evenly over a span; returns the time of the first beat.
    pub(super) fn slow(&mut self, now: Time, bytes: usize, span: Duration) -> Time {
        let every = span / PARTS;
        self.measure = Measure::Slow {
            room: 0,
            share: bytes.div_ceil(PARTS as usize),
            beats: PARTS,
            every,
        };
        now + every
    }

    /// A beat of a slow answer; returns the time of the next one.
    pub(super) fn beat(&mut self, now: Time) -> Option<Time> {
        let Measure::Slow {
            room,
            share,
            beats,
            every,
        } = &mut self.measure
        else {
            return None;
        };
        *room += *share;
        *beats = beats.saturating_sub(1);
        let next = (*beats > 0).then_some(now + *every);
        if next.is_none() {
            self.measure = Measure::Free;
        }
        next
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_ahead_go_first_and_only_so_many_at_a_time() {
        let mut outlet = Outlet::default();
        outlet.ahead().extend(b"ab");
        outlet.single(3);
        let mut seen: Vec<u8> = Vec::new();
        let mut queued = &b"cdef"[..];
        for expected in [1, 1, 1, 3] {
            let lent = outlet.lend(queued).to_vec();
            assert_eq!(lent.len(), expected);
            seen.extend(&lent);
            queued = &queued[outlet.written(lent.len())..];
        }
        assert_eq!(seen, b"abcdef");
        assert!(outlet.is_free());
    }

    #[test]
    fn a_slow_answer_takes_its_span() {
        let mut outlet = Outlet::default();
        let mut next = Some(outlet.slow(Time::ZERO, 100, Duration::from_secs(4)));
        let (mut queued, mut last) = (vec![0; 100], Time::ZERO);
        while let Some(now) = next {
            assert!(outlet.lend(&queued).len() <= 7);
            last = now;
            next = outlet.beat(now);
            let lent = outlet.lend(&queued).len();
            queued.drain(..outlet.written(lent));
        }
        assert_eq!(last, Time::ZERO + Duration::from_secs(4));
        assert!(queued.is_empty() && outlet.is_free());
    }
}
