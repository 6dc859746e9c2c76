//! How often a stream speaks, learned from the stream itself.

use core::time::Duration;

use crate::time::Time;

/// A stream that has not spoken so often has no habit.
const ENOUGH: u8 = 8;
/// Pauses are remembered for one to two of these.
const WINDOW: Duration = Duration::from_secs(900);
/// A pause is beyond the habit when it is so many times as long as the longest one.
const FACTOR: u32 = 4;
/// A habit has to be known for so many times as long as the pause that it is to judge: a burst
/// says little about what comes after it.
const EVIDENCE: u32 = 5;

/// The longest pause between two messages lately.
///
/// The longest and not the mean: trades come in bursts, and a quiet market that pauses as long
/// as it always does is not silent.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pace {
    last: Option<Time>,
    cut: Cut,
    seen: u8,
    longest: Duration,
    longest_before: Duration,
    window_began: Time,
    memory_began: Time,
}

/// Whether the stream was cut since its last message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Cut {
    Yes,
    No,
}

impl Pace {
    pub(crate) const fn new() -> Self {
        Self {
            last: None,
            cut: Cut::No,
            seen: 0,
            longest: Duration::ZERO,
            longest_before: Duration::ZERO,
            window_began: Time::ZERO,
            memory_began: Time::ZERO,
        }
    }

    /// A message has come.
    pub(crate) fn touch(&mut self, now: Time) {
        match (self.last, self.cut) {
            (Some(last), Cut::No) => self.learn(now.since(last)),
            (Some(_), Cut::Yes) => {}
            (None, _) => (self.window_began, self.memory_began) = (now, now),
        }
        if now.since(self.window_began) > WINDOW {
            (self.memory_began, self.window_began) = (self.window_began, now);
            (self.longest_before, self.longest) = (self.longest, Duration::ZERO);
        }
        self.seen = self.seen.saturating_add(1);
        self.last = Some(now);
        self.cut = Cut::No;
    }

    /// The stream is cut; the pause until its next message may not be its own.
    pub(crate) const fn interrupt(&mut self) {
        self.cut = Cut::Yes;
    }

    /// The last message before the stream was cut, if it is cut.
    pub(crate) fn cut_after(&self) -> Option<Time> {
        self.last.filter(|_| self.cut == Cut::Yes)
    }

    /// The stream has paused so long by itself.
    pub(crate) fn learn(&mut self, pause: Duration) {
        self.longest = self.longest.max(pause);
    }

    /// When the last message came.
    pub(crate) const fn last(&self) -> Option<Time> {
        self.last
    }

    /// How long a pause may be before it is beyond the habit of the stream, `floor` at least;
    /// `None` as long as no habit is known.
    pub(crate) fn habit(&self, floor: Duration) -> Option<Duration> {
        let longest = self.longest.max(self.longest_before);
        let pause = longest.saturating_mul(FACTOR).max(floor);
        (self.seen >= ENOUGH && self.can_judge(pause)).then_some(pause)
    }

    /// Whether the stream is known for long enough to say anything about a pause of this length.
    pub(crate) fn can_judge(&self, pause: Duration) -> bool {
        let known = self.last.map(|last| last.since(self.memory_began));
        known.is_some_and(|known| known >= pause.saturating_mul(EVIDENCE))
    }

    /// How long a pause may be before the stream counts as silent.
    pub(crate) fn patience(&self, floor: Duration, cap: Duration) -> Duration {
        self.habit(floor).map_or(cap, |pause| pause.min(cap))
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
    fn patience_is_the_cap_until_the_habit_is_known_for_long_enough() {
        assert_eq!(spoken(8, 6).patience(FLOOR, CAP), CAP, "too few");
        assert_eq!(
            spoken(1, 49).patience(FLOOR, CAP),
            CAP,
            "too short for the floor"
        );
        assert_eq!(spoken(1, 50).patience(FLOOR, CAP), FLOOR);
        assert_eq!(
            spoken(10, 19).patience(FLOOR, CAP),
            CAP,
            "too short for 40 s"
        );
        assert_eq!(spoken(10, 20).patience(FLOOR, CAP), Duration::from_secs(40));
    }

    #[test]
    fn patience_follows_the_longest_pause_between_floor_and_cap() {
        assert_eq!(spoken(5, 80).patience(FLOOR, CAP), Duration::from_secs(20));
        assert_eq!(spoken(100, 20).patience(FLOOR, CAP), CAP);
        let mut bursts = spoken(1, 200);
        bursts.touch(at(200 + 9));
        (0..5000).for_each(|_| bursts.touch(at(200 + 9)));
        assert_eq!(bursts.patience(FLOOR, CAP), Duration::from_secs(36));
    }

    #[test]
    fn a_pause_of_long_ago_is_forgotten() {
        let mut pace = spoken(30, 10);
        (0..2000).for_each(|n| pace.touch(at(300 + n)));
        assert_eq!(pace.patience(FLOOR, CAP), FLOOR);
    }

    #[test]
    fn the_pause_of_an_interruption_is_learned_only_if_it_was_its_own() {
        let mut pace = spoken(1, 100);
        pace.interrupt();
        assert_eq!(pace.cut_after(), Some(at(100)));
        pace.touch(at(120));
        assert_eq!(pace.cut_after(), None);
        assert_eq!(pace.patience(FLOOR, CAP), FLOOR);
        pace.learn(Duration::from_secs(5));
        assert_eq!(pace.patience(FLOOR, CAP), Duration::from_secs(20));
    }

    #[test]
    fn a_short_acquaintance_cannot_judge_a_long_pause() {
        let pace = spoken(1, 100);
        assert!(pace.can_judge(Duration::from_secs(20)));
        assert!(!pace.can_judge(Duration::from_secs(21)));
    }
}
