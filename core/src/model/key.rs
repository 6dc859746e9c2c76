//! What a state's future depends on, as bytes: two states with equal keys are one to the search.

use alloc::vec::Vec;

use super::UNIT;
use crate::time::Time;

/// A key that is being written.
///
/// Times are told from the present, in whole units: the clock of the model stands at multiples
/// of [`UNIT`] only, so a deadline that lies between two of them is met at the later one. What is
/// past is one with the present.
#[derive(Debug)]
pub(crate) struct Key {
    now: Time,
    bytes: Vec<u8>,
}

impl Key {
    /// The state at this time.
    pub(crate) const fn at(now: Time) -> Self {
        Self {
            now,
            bytes: Vec::new(),
        }
    }

    /// The present of the state.
    pub(crate) const fn now(&self) -> Time {
        self.now
    }

    /// A small number.
    pub(crate) fn number(&mut self, number: impl TryInto<u8>) {
        let number = number.try_into().ok();
        self.bytes.push(number.expect("a range that is small"));
    }

    /// Whether something is so.
    pub(crate) fn flag(&mut self, flag: bool) {
        self.bytes.push(flag.into());
    }

    /// An instant that matters only if it is still to come.
    pub(crate) fn time(&mut self, at: Time) {
        let ahead = at.since(self.now).as_nanos();
        self.number(ahead.div_ceil(UNIT.as_nanos()));
    }

    /// A deadline, if there is one.
    pub(crate) fn deadline(&mut self, at: Option<Time>) {
        match at {
            Some(at) => self.time(at),
            None => self.bytes.push(u8::MAX),
        }
    }

    /// Several instants.
    pub(crate) fn times(&mut self, times: impl Iterator<Item = Time>) {
        let place = self.bytes.len();
        self.bytes.push(0);
        times.for_each(|at| self.time(at));
        let count = self.bytes.len() - place - 1;
        self.bytes[place] = u8::try_from(count).expect("a few");
    }

    /// The key.
    pub(crate) fn finish(self) -> Vec<u8> {
        self.bytes
    }
}
