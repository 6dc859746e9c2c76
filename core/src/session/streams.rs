//! What a message does to its stream: the state behind the way in.

use super::entry::Entry;
use super::event::{Change, Event, Gap, Notice, VenueError};
use super::login::{Answer, Login};
use super::notes::{Note, Notes, Step};
use super::sequence::{Disorder, GapCause, Numbers, Verdict};
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
    pub(super) login: Login,
    pub(super) statistics: Statistics,
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
                if needs_snapshot(event) {
                    self.subscriptions.broken(now, place);
                }
                Judged::InOrder
            }
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

    /// Takes an acknowledgement, a refusal or a notice.
    pub(super) fn obey(&mut self, now: Time, control: Control<'_>) -> Then {
        add(&mut self.statistics.control, 1);
        let (subscriptions, notes) = (&mut self.subscriptions, &mut self.notes);
        match control {
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
                match self.login.answer_in(rejection).filter(|_| id.is_none()) {
                    Some(Answer::Agreed) => self.logged_in(),
                    Some(Answer::Refused) => self.login_failed(now, error),
                    None => self.refused(now, id, subject, error),
                }
            }
            Control::Shutdown { sent_time } => {
                self.notice(Notice::Shutdown { sent_time });
                return Then::Renew;
            }
            Control::Notice { code, .. } => self.notice(Notice::Other { code }),
            Control::LoggedIn => self.logged_in(),
            // Private channels, and answers to questions that we do not ask.
            Control::Answer { .. }
            | Control::ConnectionCount { .. }
            | Control::ConnectionRefused { .. }
            | Control::Pong => {}
        }
        Then::GoOn
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

    fn logged_in(&mut self) {
        if self.login.agreed() {
            self.subscriptions.admit();
        }
    }

    /// The connection is gone, and everything that stood on it.
    pub(super) fn closed(&mut self, now: Time) {
        self.login.forget();
        self.subscriptions.closed(now);
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
            Note::Notice(notice) => Event::Notice(notice),
            Note::Subscription { stream, step } => tell_step(entry(stream)?, step)?,
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
        | Body::Instrument(_) => false,
    }
}
