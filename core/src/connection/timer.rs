//! The timer table: one row for each thing a deadline can be for, so nothing is armed twice.

use super::io::Timer;
use crate::time::Time;

impl Timer {
    /// How many rows the table has.
    const COUNT: usize = Self::Weight as usize + 1;

    /// Every row, in the order of the enum; the compiler checks the number.
    pub(crate) const ALL: [Self; Self::COUNT] = [
        Self::Connect,
        Self::Upgrade,
        Self::Probe,
        Self::Silence,
        Self::Data,
        Self::Close,
        Self::Retry,
        Self::Stable,
        Self::Rotate,
        Self::Quota,
        Self::Session,
        Self::Fetch,
        Self::Weight,
    ];
}

/// All deadlines of one connection.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct TimerTable([Option<Time>; Timer::COUNT]);

impl TimerTable {
    pub(super) const fn arm(&mut self, timer: Timer, at: Time) {
        self.0[timer as usize] = Some(at);
    }

    pub(super) const fn disarm(&mut self, timer: Timer) {
        self.0[timer as usize] = None;
    }

    pub(super) const fn deadline(&self, timer: Timer) -> Option<Time> {
        self.0[timer as usize]
    }

    /// Disarms every row but [`Timer::Session`], which belongs to the layer above.
    pub(super) const fn disarm_all(&mut self) {
        let session = self.deadline(Timer::Session);
        self.0 = [None; Timer::COUNT];
        self.0[Timer::Session as usize] = session;
    }

    /// The earliest deadline; of equal ones the first in the order of the enum.
    pub(super) fn next(&self) -> Option<(Time, Timer)> {
        let armed = Timer::ALL.iter().zip(&self.0);
        armed
            .filter_map(|(&timer, at)| at.map(|at| (at, timer)))
            .min()
    }

    /// Takes the earliest row whose deadline has passed.
    pub(super) fn expired(&mut self, now: Time) -> Option<Timer> {
        let (at, timer) = self.next()?;
        (at <= now).then(|| {
            self.disarm(timer);
            timer
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn at(nanos: u64) -> Time {
        Time::from_nanos(nanos)
    }

    #[test]
    fn every_row_has_its_own_place() {
        for (place, timer) in Timer::ALL.into_iter().enumerate() {
            assert_eq!(timer as usize, place);
        }
    }

    #[test]
    fn the_earliest_deadline_comes_first_and_ties_follow_the_enum() {
        let mut table = TimerTable::default();
        assert_eq!(table.next(), None);
        table.arm(Timer::Session, at(5));
        table.arm(Timer::Retry, at(7));
        table.arm(Timer::Data, at(5));
        assert_eq!(table.next(), Some((at(5), Timer::Data)));
        assert_eq!(table.expired(at(4)), None);
        assert_eq!(table.expired(at(5)), Some(Timer::Data));
        assert_eq!(table.expired(at(9)), Some(Timer::Session));
        assert_eq!(table.expired(at(9)), Some(Timer::Retry));
        assert_eq!(table.expired(at(9)), None);
    }

    #[test]
    fn disarming_all_leaves_the_row_of_the_layer_above() {
        let mut table = TimerTable::default();
        table.arm(Timer::Probe, at(1));
        table.arm(Timer::Session, at(2));
        table.disarm_all();
        assert_eq!(table.next(), Some((at(2), Timer::Session)));
    }
}
