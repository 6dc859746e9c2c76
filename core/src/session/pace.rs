//! How often a stream speaks, learned from the stream itself.

use core::time::Duration;

use crate::time::Time;

/// A stream that has not spoken so often has not told its pace.
const ENOUGH: u8 = 8;
/// The longest pause is remembered for one to two of these.
const WINDOW: Duration = Duration::from_secs(900);
/// A stream is overdue when it pauses so many times as long as it ever did lately.
const FACTOR: u32 = 4;

/// The longest pause between two messages lately.
///
/// The longest and not the mean: trades come in bursts, and a quiet market that pauses as long
/// as it always does is not silent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    last: Option<Time>,
    cut: Cut,
    seen: u8,
    longest: Duration,
    longest_before: Duration,
    window_began: Time,
}

/// Whether the stream was cut since its last message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Yes,
    No,
}

impl Pace {
    pub(super) const fn new() -> Self {
        Self {
            last: None,
            cut: Cut::No,
            seen: 0,
            longest: Duration::ZERO,
            longest_before: Duration::ZERO,
            window_began: Time::ZERO,
        }
    }

    /// A message has come.
    pub(super) fn touch(&mut self, now: Time) {
        if now.since(self.window_began) > WINDOW {
            self.window_began = now;
            self.longest_before = self.longest;
            self.longest = Duration::ZERO;
        }
        if let (Some(last), Cut::No) = (self.last, self.cut) {
            self.longest = self.longest.max(now.since(last));
            self.seen = self.seen.saturating_add(1);
        }
        self.last = Some(now);
        self.cut = Cut::No;
    }

    /// The stream was cut; the pause until its next message is not its own.
    pub(super) const fn interrupt(&mut self) {
        self.cut = Cut::Yes;
    }

    /// When the last message came.
    pub(super) const fn last(&self) -> Option<Time> {
        self.last
    }

    /// A pause of this length is beyond anything the stream does by itself; `None` until it has
    /// spoken often enough to tell.
    pub(super) fn beyond_belief(&self) -> Option<Duration> {
        let longest = self.longest.max(self.longest_before);
        (self.seen >= ENOUGH).then(|| longest.saturating_mul(FACTOR))
    }

    /// How long a pause may be before the stream counts as silent.
    pub(super) fn patience(&self, floor: Duration, cap: Duration) -> Duration {
        self.beyond_belief()
            .map_or(cap, |pause| pause.max(floor).min(cap))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const FLOOR: Duration = Duration::from_secs(10);
    const CAP: Duration = Duration::from_secs(300);

    fn at(seconds: u64) -> Time {
        Time::ZERO + Duration::from_secs(seconds)
    }

    fn spoken(every: u64, times: u64) -> Pace {
        let mut pace = Pace::new();
        (0..=times).for_each(|n| pace.touch(at(n * every)));
        pace
    }

    #[test]
    fn patience_is_the_cap_until_the_pace_is_known() {
        assert_eq!(spoken(1, 7).patience(FLOOR, CAP), CAP);
        assert_eq!(spoken(1, 8).patience(FLOOR, CAP), FLOOR);
    }

    #[test]
    fn patience_follows_the_longest_pause_between_floor_and_cap() {
        assert_eq!(spoken(5, 20).patience(FLOOR, CAP), Duration::from_secs(20));
        assert_eq!(spoken(100, 20).patience(FLOOR, CAP), CAP);
        let mut bursts = spoken(1, 20);
        bursts.touch(at(20 + 9));
        (0..5000).for_each(|_| bursts.touch(at(20 + 9)));
        assert_eq!(bursts.patience(FLOOR, CAP), Duration::from_secs(36));
    }

    #[test]
    fn a_pause_of_long_ago_is_forgotten() {
        let mut pace = spoken(30, 10);
        (0..2000).for_each(|n| pace.touch(at(300 + n)));
        assert_eq!(pace.patience(FLOOR, CAP), FLOOR);
    }

    #[test]
    fn the_pause_of_an_interruption_is_not_learned() {
        let mut pace = spoken(1, 20);
        pace.interrupt();
        pace.touch(at(250));
        assert_eq!(pace.last(), Some(at(250)));
        assert_eq!(pace.beyond_belief(), Some(Duration::from_secs(4)));
    }
}
