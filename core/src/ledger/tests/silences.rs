//! Pauses beyond a stream's rhythm.

use alloc::vec::Vec;
use core::time::Duration;

use super::Book;
use crate::ledger::{Note, Standing, Verdict};
use crate::market::{Channel, Market};
use crate::session::GapCause;

const MINUTE: Duration = Duration::from_secs(60);

/// A stream that has spoken every so often, for so many times.
fn spoken(channel: Channel, every: Duration, times: i64) -> (Book, i64) {
    let mut book = Book::of(Market::Okx, channel);
    for id in 1..=times {
        book.pass(every);
        speak(&mut book, channel, id);
    }
    (book, times)
}

fn speak(book: &mut Book, channel: Channel, id: i64) {
    match channel == Channel::Tickers {
        true => book.data(None, Standing::InOrder),
        false => book.trade(id),
    }
}

fn silences(book: &Book) -> Vec<(Duration, bool)> {
    let days = book.days();
    let silences = days.iter().flat_map(|day| &day.silences);
    let told = silences.map(|silence| {
        let end = silence.until.map_or(book.now, |until| until.as_nanos());
        let pause = Duration::from_nanos(end - silence.since.as_nanos());
        (pause, silence.until.is_some())
    });
    told.collect()
}

#[test]
fn a_pause_beyond_the_rhythm_is_a_silence_and_a_quiet_market_has_none() {
    for (every, pause, is_silence) in [
        (Duration::from_secs(1), Duration::from_secs(9), false),
        (Duration::from_secs(1), Duration::from_secs(11), true),
        (Duration::from_millis(10), Duration::from_secs(9), false),
        (Duration::from_secs(30), MINUTE, false),
        (Duration::from_secs(30), 3 * MINUTE, true),
        (3 * MINUTE, 11 * MINUTE, false),
    ] {
        let (mut book, _) = spoken(Channel::Tickers, every, 2000);
        book.pass(pause);
        speak(&mut book, Channel::Tickers, 0);
        let expected: &[_] = if is_silence { &[(pause, true)] } else { &[] };
        assert_eq!(silences(&book), expected, "{every:?} {pause:?}");
        let verdict = if is_silence {
            Verdict::Silent
        } else {
            Verdict::Whole
        };
        assert_eq!(book.days().last().unwrap().verdict, verdict);
    }
}

#[test]
fn a_stream_that_is_not_known_for_long_is_never_silent() {
    let (mut book, _) = spoken(Channel::Tickers, Duration::from_secs(1), 30);
    book.pass(MINUTE);
    speak(&mut book, Channel::Tickers, 0);
    assert_eq!(silences(&book), []);
}

#[test]
fn a_silence_is_harmless_where_the_next_number_follows() {
    let (mut book, last) = spoken(Channel::Trades, Duration::from_secs(1), 100);
    book.pass(MINUTE);
    speak(&mut book, Channel::Trades, last + 1);
    assert_eq!(silences(&book), [(MINUTE, true)]);
    assert_eq!(book.day().verdict, Verdict::Whole);
}

#[test]
fn what_is_told_to_be_missing_is_no_silence() {
    let (mut book, _) = spoken(Channel::Tickers, Duration::from_secs(1), 100);
    book.pass(MINUTE);
    book.gap(None, GapCause::Connection);
    speak(&mut book, Channel::Tickers, 0);
    assert_eq!(silences(&book), []);
    assert_eq!(book.day().verdict, Verdict::Gaps);
}

#[test]
fn a_stream_that_never_speaks_again_is_silent_to_the_end_unless_it_was_stopped() {
    for (stopped, verdict) in [(false, Verdict::Silent), (true, Verdict::Whole)] {
        let (mut book, last) = spoken(Channel::Trades, Duration::from_secs(1), 100);
        if stopped {
            book.note(Note::Stopped);
        }
        book.pass(60 * MINUTE);
        book.note(Note::Alive);
        assert_eq!(book.day().verdict, verdict);
        assert_eq!(silences(&book).is_empty(), stopped);
        // The pause while it was stopped is nobody's rhythm.
        speak(&mut book, Channel::Trades, last + 1);
        book.pass(MINUTE);
        speak(&mut book, Channel::Trades, last + 2);
        assert!(silences(&book).contains(&(MINUTE, true)) == stopped);
    }
}

#[test]
fn a_silence_over_days_stands_on_each_of_them() {
    let (mut book, _) = spoken(Channel::Tickers, Duration::from_secs(1), 100);
    book.pass(24 * 60 * MINUTE);
    book.note(Note::Alive);
    let days = book.days();
    assert_eq!(days.len(), 2);
    assert!(days.iter().all(|day| day.verdict == Verdict::Silent));
}
