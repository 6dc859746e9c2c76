//! What a message does to its stream: the state behind the way in.

use alloc::collections::VecDeque;

use super::backfill::{Holes, Unfillable, is_numbered};
use super::books::{BookState, Books, Outcome};
use super::entry::Entry;
use super::event::{Change, Event, Gap, Notice, VenueError};
use super::login::{Answer, Login};
use super::notes::{Note, Notes, Step};
use super::sequence::{Disorder, GapCause, Numbers, Verdict};
use super::settings::Access;
use super::statistics::{Statistics, add};
use super::subscriptions::Subscriptions;
use crate::market::{self, Body, BookKind, Missing};
use crate::time::{Time, UnixNanos};
use crate::venue::{Control, RequestId, Subject};

/// The streams of a session, and what is to be said and counted about them.
#[derive(Debug)]
#[cfg_attr(test, derive(Clone))]
pub(super) struct Streams {
    pub(super) subscriptions: Subscriptions,
    pub(super) notes: Notes,
    pub(super) books: Books,
    pub(super) login: Login,
    pub(super) access: Access,
    pub(super) statistics: Statistics,
    /// Streams whose next missing trades are to be asked for.
    pub(super) seeking: VecDeque<usize>,
}

/// What an event is to its stream.
#[derive(Clone, Copy, Debug)]
pub(super) enum Judged {
    InOrder,
    OutOfOrder {
        disorder: Disorder,
        last: Option<i64>,
    },
    Stray,
}

/// What a control message asks of the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use]
pub(super) enum Then {
    GoOn,
    Renew,
    /// The key that has opened the connection is gone.
    GetKey,
}

impl Streams {
    /// Finds the event's stream and takes the event in there.
    pub(super) fn judge(
        &mut self,
        now: Time,
        received: UnixNanos,
        event: &market::Event<'_>,
    ) -> Judged {
        let place = self.subscriptions.find(event.channel, event.subject);
        let Some(place) = place else {
            add(&mut self.statistics.stray, 1);
            return Judged::Stray;
        };
        let Some(entry) = self.subscriptions.entry_mut(place) else {
            return Judged::Stray;
        };
        let (since, last) = (entry.heard, entry.sequence.last());
        entry.heard = received;
        let verdict = entry.sequence.observe(event);
        entry.touch(now, verdict);
        self.subscriptions.data(now, place, &mut self.notes);
        match verdict {
            Verdict::Follows => Judged::InOrder,
            Verdict::OutOfOrder(disorder) => {
                add(&mut self.statistics.out_of_order, 1);
                self.disordered(place, event, disorder);
                Judged::OutOfOrder { disorder, last }
            }
            Verdict::Gap(missing, cause) => {
                add(&mut self.statistics.gaps, 1);
                let stream = place;
                self.notes.push(Note::Gap {
                    stream,
                    missing,
                    cause,
                    since,
                });
                if let Some(missing) = missing.filter(|_| is_numbered(event.channel)) {
                    self.seek(place, missing);
                }
                if needs_snapshot(event) {
                    self.subscriptions.broken(now, place);
                }
                Judged::InOrder
            }
        }
    }

    /// What is missing is to be asked for.
    pub(super) fn seek(&mut self, stream: usize, missing: Missing) {
        let Some(entry) = self.subscriptions.entry_mut(stream) else {
            return;
        };
        match entry.holes.push(missing) {
            Ok(()) => self.seeking.push_back(stream),
            Err(why) => self.settled(stream, missing, Some(why)),
        }
    }

    /// The next of what is missing of a stream; what is over is told and taken out.
    pub(super) fn sought(&mut self, stream: usize) -> Option<Missing> {
        loop {
            let holes = &mut self.subscriptions.entry_mut(stream)?.holes;
            let Some((missing, unfillable)) = holes.over() else {
                return holes.rest();
            };
            self.settled(stream, missing, unfillable);
        }
    }

    /// Trades that were asked for do not come: their gap stays, and the next one is looked at.
    pub(super) fn give_up(&mut self, stream: usize, asked: Missing, why: Unfillable) {
        let Some(entry) = self.subscriptions.entry_mut(stream) else {
            return;
        };
        let about = entry.holes.is_about(asked);
        if let Some(missing) = about.then(|| entry.holes.give_up()).flatten() {
            self.settled(stream, missing, Some(why));
        }
        self.seeking.push_back(stream);
    }

    /// Nothing is asked for any more.
    pub(super) fn seek_no_more(&mut self) {
        self.seeking.clear();
        for stream in 0..self.subscriptions.entries().len() {
            if let Some(entry) = self.subscriptions.entry_mut(stream) {
                entry.holes.clear();
            }
        }
    }

    fn settled(&mut self, stream: usize, missing: Missing, unfillable: Option<Unfillable>) {
        self.notes.push(Note::Settled {
            stream,
            missing,
            unfillable,
        });
    }

    /// What comes late need not be asked for; where the venue counts anew, nothing can be.
    fn disordered(&mut self, stream: usize, event: &market::Event<'_>, disorder: Disorder) {
        let Some(entry) = self.subscriptions.entry_mut(stream) else {
            return;
        };
        if disorder != Disorder::Reset {
            if let Some(numbers) = Numbers::of(event) {
                entry.holes.came_late(numbers);
            }
            return;
        }
        let mut given_up = core::mem::replace(&mut entry.holes, Holes::new());
        while let Some(missing) = given_up.give_up() {
            self.settled(stream, missing, Some(Unfillable::Gone));
        }
    }

    /// Takes in a row that is no news. That it uses up its numbers is told, or whoever counts them
    /// would miss them.
    pub(super) fn spend(&mut self, now: Time, received: UnixNanos, event: &market::Event<'_>) {
        let place = self.subscriptions.find(event.channel, event.subject);
        let judged = self.judge(now, received, event);
        if let (Some(stream), Judged::InOrder, Some(numbers)) = (place, judged, Numbers::of(event))
        {
            let missing = Some(Missing {
                from: numbers.first,
                to: numbers.last,
            });
            self.notes.push(Note::Gap {
                stream,
                missing,
                cause: GapCause::Spent,
                since: received,
            });
        }
    }

    /// The stream's book takes in an event that is being lent; what became of it is told behind
    /// the event.
    pub(super) fn keep(&mut self, now: Time, event: &market::Event<'_>) {
        let Body::Book(message) = event.body else {
            return;
        };
        let Some(place) = self.subscriptions.find(event.channel, event.subject) else {
            return;
        };
        let Some(outcome) = self.books.apply(now, place, &message) else {
            return;
        };
        self.kept(place, outcome);
        if outcome.is_to_be_renewed {
            self.subscriptions.broken(now, place);
        }
    }

    /// Likewise a snapshot that was asked for; whether it can be used.
    pub(super) fn keep_answer(
        &mut self,
        now: Time,
        place: usize,
        event: &market::Event<'_>,
    ) -> bool {
        let Body::Book(message) = event.body else {
            return true;
        };
        let Some(outcome) = self.books.answer(now, place, &message) else {
            return true;
        };
        self.kept(place, outcome);
        !matches!(outcome.state, Some(BookState::Refused(_)))
    }

    fn kept(&mut self, stream: usize, outcome: Outcome) {
        let Some(state) = outcome.state else {
            return;
        };
        match state {
            BookState::Synchronised { .. } => add(&mut self.statistics.books_synchronised, 1),
            BookState::Broken(_) => add(&mut self.statistics.books_broken, 1),
            BookState::Waiting | BookState::Crossed { .. } | BookState::Refused(_) => {}
        }
        self.notes.push(Note::Book { stream, state });
    }

    /// Takes an acknowledgement, a refusal or a notice.
    pub(super) fn obey(&mut self, now: Time, control: Control<'_>) -> Then {
        add(&mut self.statistics.control, 1);
        let (subscriptions, notes) = (&mut self.subscriptions, &mut self.notes);
        match control {
            Control::Ack { id } if self.login.is_answered_by(id) => self.logged_in(now),
            Control::Ack { id } => subscriptions.acknowledged(now, id, notes),
            Control::Subscribed { subject, .. } => {
                if let Some(place) = place(subscriptions, subject) {
                    subscriptions.subscribed(now, place, notes);
                }
            }
            Control::Unsubscribed { subject, .. } => {
                if let Some(place) = place(subscriptions, subject) {
                    subscriptions.unsubscribed(now, place, notes);
                }
            }
            Control::Refused {
                id,
                rejection,
                message,
                subject,
            } => {
                let error = VenueError::new(rejection, message);
                match self.login.answer_in(id, rejection) {
                    Some(Answer::Agreed) => self.logged_in(now),
                    Some(Answer::Refused) => self.login_failed(now, error),
                    None => self.refused(now, id, subject, error),
                }
            }
            Control::Shutdown { sent_time } => {
                self.notice(Notice::Shutdown { sent_time });
                return Then::Renew;
            }
            Control::Notice { code, .. } => self.notice(Notice::Other { code }),
            Control::LoggedIn => self.logged_in(now),
            Control::ConnectionRefused { channel, .. } => self.crowded_out(now, channel),
            Control::AccountEnded { sent_time } => {
                self.notice(Notice::AccountEnded { sent_time });
                if self.access == Access::Target {
                    return Then::GetKey;
                }
                self.account_ended(now);
            }
            // Answers to questions that we do not ask.
            Control::Answer { .. } | Control::ConnectionCount { .. } | Control::Pong => {}
        }
        Then::GoOn
    }

    /// The account has too many connections with this channel: what was acknowledged is refused.
    fn crowded_out(&mut self, now: Time, channel: &str) {
        let refused = |entry: &Entry| entry.stream.channel.family() == channel;
        for place in 0..self.subscriptions.entries().len() {
            if self.subscriptions.entries().get(place).is_some_and(refused) {
                let error = VenueError::crowded_out();
                self.subscriptions
                    .refused(now, place, error, &mut self.notes);
            }
        }
    }

    /// The venue tells no more of the account on this connection, until it is asked for again.
    fn account_ended(&mut self, now: Time) {
        if self.access == Access::Subscription {
            self.login.forget();
        }
        let subscriptions = &mut self.subscriptions;
        subscriptions.account_ended(now, self.access, &mut self.notes);
    }

    fn refused(
        &mut self,
        now: Time,
        id: Option<RequestId>,
        subject: Option<Subject<'_>>,
        error: VenueError,
    ) {
        let (subscriptions, notes) = (&mut self.subscriptions, &mut self.notes);
        match subject.and_then(|subject| place(subscriptions, subject)) {
            Some(place) => subscriptions.refused(now, place, error, notes),
            None => subscriptions.request_refused(now, id, error, notes),
        }
    }

    fn logged_in(&mut self, now: Time) {
        if self.login.agreed() {
            self.admitted(now);
        }
    }

    /// What is served to holders of keys may be asked for, or is subscribed already.
    fn admitted(&mut self, now: Time) {
        self.subscriptions.admit();
        match self.access {
            Access::Login => {}
            Access::Subscription | Access::Target => {
                self.subscriptions.confirm_private(now, &mut self.notes);
            }
        }
    }

    /// The connection stands.
    pub(super) fn opened(&mut self, now: Time) {
        self.subscriptions.opened(now);
        if self.access == Access::Target {
            self.admitted(now);
        }
    }

    /// The connection is gone, and everything that stood on it.
    pub(super) fn closed(&mut self, now: Time) {
        self.login.forget();
        self.subscriptions.closed(now);
        let notes = &mut self.notes;
        self.books.interrupt(|stream| {
            let state = BookState::Waiting;
            notes.push(Note::Book { stream, state });
        });
    }

    /// The login has come to nothing: what waits for it is refused, and tries again as refused
    /// streams do.
    pub(super) fn login_failed(&mut self, now: Time, error: VenueError) {
        self.login.forget();
        self.subscriptions.shut_out(now, &error, &mut self.notes);
    }

    /// Lends a note the names it speaks of.
    pub(super) fn tell(&self, note: Note) -> Option<Event<'_>> {
        let entry = |place: usize| self.subscriptions.entries().get(place);
        Some(match note {
            Note::Status(status) => Event::Status(status),
            Note::Settled {
                stream,
                missing,
                unfillable,
            } => {
                let stream = &entry(stream)?.stream;
                match unfillable {
                    Some(why) => Event::Unfillable {
                        stream,
                        missing,
                        why,
                    },
                    None => Event::Filled { stream, missing },
                }
            }
            Note::Notice(notice) => Event::Notice(notice),
            Note::Key(change) => Event::Key(change),
            Note::Subscription { stream, step } => tell_step(entry(stream)?, step)?,
            Note::Book { stream, state } => {
                let stream = &entry(stream)?.stream;
                Event::Book { stream, state }
            }
            Note::Gap {
                stream,
                missing,
                cause,
                since,
            } => {
                let stream = &entry(stream)?.stream;
                Event::Gap(Gap {
                    stream,
                    missing,
                    cause,
                    since,
                })
            }
        })
    }

    fn notice(&mut self, notice: Notice) {
        add(&mut self.statistics.notices, 1);
        self.notes.push(Note::Notice(notice));
    }
}

fn tell_step(entry: &Entry, step: Step) -> Option<Event<'_>> {
    let change = match step {
        Step::Requested { attempt } => Change::Requested { attempt },
        Step::Confirmed => Change::Confirmed,
        Step::Live => Change::Live,
        Step::Silent => Change::Silent,
        Step::Renewing => Change::Renewing,
        Step::Mute => Change::Mute,
        Step::Refused => Change::Refused(entry.refusal.as_ref()?),
    };
    let stream = &entry.stream;
    Some(Event::Subscription { stream, change })
}

/// The stream that the venue speaks of, if it is one of ours.
fn place(subscriptions: &Subscriptions, subject: Subject<'_>) -> Option<usize> {
    let channel = subject.channel.parse().ok()?;
    subscriptions.find(channel, subject.instrument)
}

/// Whether a change of a book cannot be used without what is missing before it, and only a new
/// subscription brings that.
const fn needs_snapshot(event: &market::Event<'_>) -> bool {
    match event.body {
        Body::Book(book) => {
            event.channel.begins_with_snapshot() && matches!(book.kind, BookKind::Delta)
        }
        Body::Trade(_)
        | Body::Candle(_)
        | Body::Ticker(_)
        | Body::MarkPrice(_)
        | Body::IndexPrice(_)
        | Body::Funding(_)
        | Body::PriceLimit(_)
        | Body::OpenInterest(_)
        | Body::Liquidation(_)
        | Body::Ratio(_)
        | Body::Instrument(_)
        | Body::Order(_)
        | Body::Fill(_)
        | Body::Balance(_)
        | Body::Position(_) => false,
    }
}
