//! What one machine has asked for over REST, and how far each request has come.

use alloc::collections::VecDeque;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use rand_chacha::ChaCha8Rng;
use rand_core::{Rng, SeedableRng};

use super::request::{Credential, Method, Priority, Request, Wish};
use crate::connection::{Action, Endpoint, FetchId, fraction};
use crate::time::Time;
use crate::venue::Cost;

/// What a request may take, all in all.
const WITHIN: Duration = Duration::from_secs(10);

/// An answer is awaited so much longer than the shell may take: its clock starts later than ours.
const GRACE: Duration = Duration::from_secs(5);

/// The first wait before a request that has failed is made again, at the longest; it doubles.
const RETRY: Duration = Duration::from_secs(1);

/// The longest such wait.
const RETRY_CAP: Duration = Duration::from_secs(60);

/// The draws of a machine's requests are not those of its connection, which has the same seed.
const STREAM: u64 = 0x7265_7374;

/// What is to be asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Errand {
    pub(crate) method: Method,
    pub(crate) target: String,
    pub(crate) cost: Cost,
    pub(crate) priority: Priority,
    pub(crate) credential: Option<Credential>,
}

impl Errand {
    /// A question that anybody may ask.
    pub(crate) const fn question(target: String, cost: Cost, priority: Priority) -> Self {
        Self {
            method: Method::Get,
            target,
            cost,
            priority,
            credential: None,
        }
    }
}

/// A request, and what it is for.
#[derive(Clone, Debug)]
pub(crate) struct Ticket<T> {
    pub(crate) job: T,
    /// How often it has been sent.
    pub(crate) attempts: u32,
    id: FetchId,
    errand: Errand,
    since: Time,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Waits for leave; stands among the wishes.
    Wished,
    /// Leave was given. The answer is due.
    Out { due: Time },
    /// It has failed, and is wished for again then.
    Resting { until: Time },
}

/// The requests of one machine; as many as it was given room for.
#[derive(Clone, Debug)]
pub(crate) struct Desk<T> {
    endpoint: Endpoint,
    capacity: usize,
    last: FetchId,
    /// In the order of their numbers.
    wishes: Vec<Wish>,
    tickets: Vec<Ticket<T>>,
    /// What the shell has yet to hear of.
    actions: VecDeque<FetchId>,
    rng: ChaCha8Rng,
}

impl<T> Desk<T> {
    /// An empty desk. Requests go to `endpoint`, below its path.
    pub(crate) fn new(endpoint: Endpoint, capacity: usize, seed: [u8; 32]) -> Self {
        let mut rng = ChaCha8Rng::from_seed(seed);
        rng.set_stream(STREAM);
        Self {
            endpoint,
            capacity,
            last: FetchId::default(),
            wishes: Vec::new(),
            tickets: Vec::new(),
            actions: VecDeque::new(),
            rng,
        }
    }

    pub(crate) const fn endpoint(&self) -> &Endpoint {
        &self.endpoint
    }

    /// Puts a request among the wishes; whether there was room.
    pub(crate) fn ask(&mut self, now: Time, errand: Errand, job: T) -> bool {
        self.ask_not_before(now, now, errand, job)
    }

    /// Likewise, once a time has come.
    pub(crate) fn ask_not_before(
        &mut self,
        now: Time,
        until: Time,
        errand: Errand,
        job: T,
    ) -> bool {
        if self.tickets.len() >= self.capacity {
            return false;
        }
        self.last = self.last.next();
        let ticket = Ticket {
            job,
            attempts: 0,
            id: self.last,
            errand,
            since: now.max(until),
            stage: Stage::Resting { until },
        };
        match until <= now {
            true => self.wish(ticket),
            false => self.tickets.push(ticket),
        }
        true
    }

    fn wish(&mut self, mut ticket: Ticket<T>) {
        ticket.stage = Stage::Wished;
        let Errand { cost, priority, .. } = ticket.errand;
        self.wishes.push(Wish {
            id: ticket.id,
            allowance: cost.allowance,
            weight: cost.weight,
            priority,
            since: ticket.since,
        });
        self.tickets.push(ticket);
    }

    /// What waits for leave, in the order of the numbers.
    pub(crate) fn wishes(&self) -> &[Wish] {
        &self.wishes
    }

    /// Leave for a wish; for anything else it means nothing.
    pub(crate) fn grant(&mut self, now: Time, id: FetchId) {
        let Some(place) = self.wishes.iter().position(|wish| wish.id == id) else {
            return;
        };
        self.wishes.remove(place);
        if let Some(ticket) = self.tickets.iter_mut().find(|ticket| ticket.id == id) {
            ticket.attempts = ticket.attempts.saturating_add(1);
            let due = now + (WITHIN + GRACE);
            ticket.stage = Stage::Out { due };
        }
        self.actions.push_back(id);
    }

    pub(crate) fn poll_action(&mut self) -> Option<Action> {
        self.actions.pop_front().map(Action::Fetch)
    }

    /// The request, while its answer is awaited.
    pub(crate) fn request(&self, id: FetchId) -> Option<Request<'_>> {
        let ticket = self.tickets.iter().find(|ticket| ticket.id == id)?;
        matches!(ticket.stage, Stage::Out { .. }).then_some(Request {
            method: ticket.errand.method,
            endpoint: &self.endpoint,
            path_and_query: &ticket.errand.target,
            timeout: WITHIN,
            body_limit: ticket.errand.cost.body_limit,
            credential: ticket.errand.credential,
        })
    }

    /// Takes out what an answer is for, unless nobody awaits it any more, or the shell has not
    /// been given the question.
    pub(crate) fn take(&mut self, id: FetchId) -> Option<Ticket<T>> {
        if self.actions.contains(&id) {
            return None;
        }
        let out = |ticket: &Ticket<T>| ticket.id == id && matches!(ticket.stage, Stage::Out { .. });
        let place = self.tickets.iter().position(out)?;
        Some(self.tickets.remove(place))
    }

    /// Takes out one whose answer is overdue.
    pub(crate) fn overdue(&mut self, now: Time) -> Option<Ticket<T>> {
        let late = |ticket: &Ticket<T>| matches!(ticket.stage, Stage::Out { due } if due <= now);
        let place = self.tickets.iter().position(late)?;
        Some(self.tickets.remove(place))
    }

    /// Puts back what has failed, to be asked again after a while.
    pub(crate) fn put_back(&mut self, now: Time, mut ticket: Ticket<T>) {
        let doublings = ticket.attempts.saturating_sub(1).min(30);
        let longest = RETRY.saturating_mul(1 << doublings).min(RETRY_CAP);
        // At least a tenth of it: a venue in trouble is not to be asked at once.
        let wait = longest / 10 + fraction(longest - longest / 10, self.rng.next_u64());
        ticket.stage = Stage::Resting { until: now + wait };
        self.tickets.push(ticket);
    }

    /// Wishes again for what has rested long enough.
    pub(crate) fn resume(&mut self, now: Time) {
        let rested =
            |ticket: &Ticket<T>| matches!(ticket.stage, Stage::Resting { until } if until <= now);
        while let Some(place) = self.tickets.iter().position(rested) {
            let mut ticket = self.tickets.remove(place);
            // The answer to an earlier attempt may still come.
            self.last = self.last.next();
            ticket.id = self.last;
            self.wish(ticket);
        }
    }

    /// When the next of them is overdue or has rested, if any is out or rests.
    pub(crate) fn wake(&self) -> Option<Time> {
        let wakes = self.tickets.iter().filter_map(|ticket| match ticket.stage {
            Stage::Wished => None,
            Stage::Out { due: at } | Stage::Resting { until: at } => Some(at),
        });
        wakes.min()
    }

    /// Forgets some of them. What the shell was to send it finds withdrawn.
    pub(crate) fn forget(&mut self, which: impl Fn(&T) -> bool) {
        let wishes = &mut self.wishes;
        self.tickets.retain(|ticket| {
            let goes = which(&ticket.job);
            if goes {
                wishes.retain(|wish| wish.id != ticket.id);
            }
            !goes
        });
    }

    /// What is asked for, in whatever stage.
    pub(crate) fn jobs(&self) -> impl Iterator<Item = &T> {
        self.tickets.iter().map(|ticket| &ticket.job)
    }

    /// A share of this duration, drawn anew each time.
    pub(crate) fn draw(&mut self, within: Duration) -> Duration {
        fraction(within, self.rng.next_u64())
    }

    #[cfg(test)]
    pub(crate) fn is_idle(&self) -> bool {
        self.tickets.is_empty() && self.actions.is_empty()
    }
}
