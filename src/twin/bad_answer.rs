//! How answers over REST go wrong.

use std::mem;
use std::time::Duration;

use marketprism_core::Time;

use super::answer::Answer;
use super::exchange::{Command, ConnectionId, Exchange};
use super::market::SyntheticMarket;
use super::rest::After;
use super::uri::Target;

/// Faults of answers that lie in wait at a time.
const MAX_SPELLS: usize = 16;

/// How the answers to REST requests can go wrong, for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum BadAnswer {
    /// A refusal with this HTTP status, and in `Retry-After` how long it goes on, where the venue
    /// says so.
    Status(u16),
    /// None comes.
    Unanswered,
    /// The connection ends in the middle of the body.
    CutShort,
    /// The page of a proxy.
    Page,
    /// What was true when the fault struck.
    Old,
}

impl BadAnswer {
    /// Each kind.
    pub const ALL: [Self; 7] = [
        Self::Status(418),
        Self::Status(429),
        Self::Status(503),
        Self::Unanswered,
        Self::CutShort,
        Self::Page,
        Self::Old,
    ];

    /// The name of the fault.
    #[must_use]
    pub fn name(self) -> String {
        let name = match self {
            Self::Status(status) => return format!("rest-{status}"),
            Self::Unanswered => "rest-unanswered",
            Self::CutShort => "rest-cut-short",
            Self::Page => "rest-page",
            Self::Old => "rest-old",
        };
        name.to_owned()
    }
}

/// A while of bad answers, from the first request on.
#[derive(Clone, Debug)]
pub(super) struct Spell {
    bad: BadAnswer,
    span: Duration,
    until: Option<Time>,
    /// The markets as they were when it was cast.
    books: Vec<SyntheticMarket>,
}

impl Exchange {
    /// Cuts the connection, so that there is something to ask for, and lets the answers go wrong.
    pub(super) fn cast(&mut self, id: ConnectionId, bad: BadAnswer, span: Duration) {
        if self.spells.len() < MAX_SPELLS {
            let books = match bad {
                BadAnswer::Old => self.books.clone(),
                BadAnswer::Status(_)
                | BadAnswer::Unanswered
                | BadAnswer::CutShort
                | BadAnswer::Page => Vec::new(),
            };
            self.spells.push_back(Spell {
                bad,
                span,
                until: None,
                books,
            });
        }
        self.end(id, Command::Close(id));
    }

    /// How the answer to a request goes wrong now, if it does, and for how long still.
    pub(super) fn bad_answer(&mut self, now: Time) -> Option<(BadAnswer, Duration)> {
        while let Some(spell) = self.spells.front_mut() {
            let until = *spell.until.get_or_insert(now + spell.span);
            let left = until.since(now);
            if !left.is_zero() {
                return Some((spell.bad, left));
            }
            self.spells.pop_front();
        }
        None
    }

    /// Answers in this way.
    pub(super) fn answer_badly(
        &mut self,
        now: Time,
        id: ConnectionId,
        target: &Target,
        (bad, left): (BadAnswer, Duration),
        after: After,
    ) {
        match bad {
            BadAnswer::Status(status) => {
                let answer = match status {
                    418 | 429 => self.refused(now, status, left),
                    _ => Answer::json(status, ""),
                };
                self.reply_over_rest(now, id, &answer, after);
            }
            BadAnswer::Unanswered => {}
            BadAnswer::CutShort => {
                let answer = self.rest(now, target);
                self.cut_short(now, id, &answer);
            }
            BadAnswer::Page => self.reply_over_rest(now, id, &page(), after),
            BadAnswer::Old => {
                let answer = self.as_it_was(now, target);
                self.reply_over_rest(now, id, &answer, after);
            }
        }
    }

    /// The answer as it would have been when the fault struck.
    fn as_it_was(&mut self, now: Time, target: &Target) -> Answer {
        let Some(mut spell) = self.spells.pop_front() else {
            return self.rest(now, target);
        };
        mem::swap(&mut self.books, &mut spell.books);
        let answer = self.rest(now, target);
        mem::swap(&mut self.books, &mut spell.books);
        self.spells.push_front(spell);
        answer
    }

    fn cut_short(&mut self, now: Time, id: ConnectionId, answer: &Answer) {
        let bytes = answer.bytes(After::Stay);
        let half = bytes.len() - answer.len() / 2;
        self.finish(now, id, bytes.get(..half).unwrap_or_default());
    }
}

fn page() -> Answer {
    Answer::page("<html><head><title>502 Bad Gateway</title></head></html>")
}
