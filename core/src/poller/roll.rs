//! The instruments that lists are expected to have.

use alloc::string::String;
use alloc::vec::Vec;

use crate::market::Channel;
use crate::plan::Told;
use crate::session::Stream;

/// Who is expected, and who has answered.
#[derive(Debug)]
pub(super) struct Roll {
    /// In the order of their names.
    expected: Vec<Expected>,
    told: Told,
}

#[derive(Debug)]
struct Expected {
    stream: Stream,
    presence: Presence,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Presence {
    Unknown,
    Listed,
    Missing,
    /// Missing, and that has been told.
    Told,
}

impl Roll {
    /// `expected` is in the order of the names; the channel is that of the lists.
    pub(super) fn new(lists: &[Stream], expected: Vec<String>, told: Told) -> Self {
        let channel = lists.first().map_or(Channel::ExchangeInfo, |of| of.channel);
        let expect = |instrument| Expected {
            stream: Stream {
                instrument,
                channel,
            },
            presence: Presence::Unknown,
        };
        Self {
            expected: expected.into_iter().map(expect).collect(),
            told,
        }
    }

    pub(super) const fn len(&self) -> usize {
        self.expected.len()
    }

    pub(super) fn stream(&self, place: usize) -> Option<&Stream> {
        self.expected.get(place).map(|expected| &expected.stream)
    }

    /// A list has this instrument; whether that is to be told.
    pub(super) fn call(&mut self, name: &str) -> bool {
        let expected = self.find(name);
        let is_expected = expected.is_some();
        if let Some(expected) = expected {
            expected.presence = Presence::Listed;
        }
        is_expected || self.told == Told::All
    }

    /// No list has this instrument any more.
    pub(super) fn strike(&mut self, name: &str) {
        if let Some(expected) = self.find(name)
            && expected.presence != Presence::Told
        {
            expected.presence = Presence::Missing;
        }
    }

    /// The next that no list has, which has not been told; to be asked once all lists are there.
    pub(super) fn next_missing(&mut self) -> Option<usize> {
        let untold = |of: &Expected| matches!(of.presence, Presence::Unknown | Presence::Missing);
        let place = self.expected.iter().position(untold)?;
        self.expected.get_mut(place)?.presence = Presence::Told;
        Some(place)
    }

    fn find(&mut self, name: &str) -> Option<&mut Expected> {
        let by_name = |of: &Expected| of.stream.instrument.as_str().cmp(name);
        let place = self.expected.binary_search_by(by_name).ok()?;
        self.expected.get_mut(place)
    }
}
