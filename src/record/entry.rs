//! The entries of a log: what a session was given.

use marketprism_core::connection::{Epoch, Fault, Input};
use marketprism_core::rest::{Answer, FetchFault, FetchId};
use marketprism_core::tap::Given;
use marketprism_core::{Time, UnixNanos};

use super::wire::{Bytes, Flaw, Put, Take, fold_sign, put_counted, put_number, unfold_sign};

/// What one read can bring, at the most; shells read into 64 KiB.
pub(super) const RECEIVED_MAX: usize = 1 << 20;

/// The longest body that any request over REST allows.
const FETCHED_MAX: usize = 24 << 20;

/// The longest request that is signed, far beyond any venue's.
const SIGNED_MAX: usize = 64 << 10;

/// The kinds of entries.
const INPUT: u8 = 0;
const RECEIVED: u8 = 1;
const TRANSMITTED: u8 = 2;
const DRAINED: u8 = 3;
const ACTION: u8 = 4;
const SIGNED: u8 = 5;
const GRANTED: u8 = 6;
const FETCHED: u8 = 7;

/// The times of a session's last entry; each entry holds the difference.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Stamps {
    now: u64,
    received: u64,
}

/// What a session was given, read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Entry<'a> {
    Input {
        now: Time,
        input: Input,
    },
    Received {
        now: Time,
        received: UnixNanos,
        bytes: &'a [u8],
    },
    /// So many bytes have been written. The session has the bytes themselves.
    Transmitted {
        now: Time,
        count: usize,
    },
    Drained {
        received: UnixNanos,
    },
    /// An action was taken. The session has it.
    Action,
    /// A request was signed, so many bytes long, or nobody could sign it. What it said is secret.
    Signed {
        now: Time,
        epoch: Epoch,
        length: Option<usize>,
    },
    Granted {
        now: Time,
        id: FetchId,
    },
    Fetched {
        now: Time,
        received: UnixNanos,
        id: FetchId,
        answer: Result<Answer<'a>, FetchFault>,
    },
}

impl Stamps {
    /// Where the session's time stands.
    pub(super) const fn now(self) -> Time {
        Time::from_nanos(self.now)
    }

    pub(super) fn put(&mut self, given: Given<'_>, out: &mut Vec<u8>) {
        match given {
            Given::Input { now, input } => {
                out.push(INPUT);
                self.put_now(now, out);
                input.put(out);
            }
            Given::Received {
                now,
                received,
                bytes,
            } => {
                out.push(RECEIVED);
                self.put_now(now, out);
                self.put_received(received, out);
                put_counted(bytes, out);
            }
            Given::Transmitted { now, count, .. } => {
                out.push(TRANSMITTED);
                self.put_now(now, out);
                count.put(out);
            }
            Given::Signed { now, epoch, answer } => {
                out.push(SIGNED);
                self.put_now(now, out);
                (epoch, answer.ok()).put(out);
            }
            Given::Granted { now, id } => {
                out.push(GRANTED);
                self.put_now(now, out);
                id.put(out);
            }
            Given::Fetched {
                now,
                received,
                id,
                answer,
            } => {
                out.push(FETCHED);
                self.put_now(now, out);
                self.put_received(received, out);
                id.put(out);
                put_answer(answer, out);
            }
            Given::Drained { received } => {
                out.push(DRAINED);
                self.put_received(received, out);
            }
        }
    }

    pub(super) fn put_action(out: &mut Vec<u8>) {
        out.push(ACTION);
    }

    pub(super) fn take<'a>(&mut self, from: &mut Bytes<'a>) -> Result<Entry<'a>, Flaw> {
        Ok(match u8::take(from)? {
            INPUT => Entry::Input {
                now: self.take_now(from)?,
                input: Take::take(from)?,
            },
            RECEIVED => Entry::Received {
                now: self.take_now(from)?,
                received: self.take_received(from)?,
                bytes: moderate(from.counted()?)?,
            },
            TRANSMITTED => Entry::Transmitted {
                now: self.take_now(from)?,
                count: Take::take(from)?,
            },
            DRAINED => Entry::Drained {
                received: self.take_received(from)?,
            },
            ACTION => Entry::Action,
            SIGNED => Entry::Signed {
                now: self.take_now(from)?,
                epoch: Take::take(from)?,
                length: take_length(from)?,
            },
            GRANTED => Entry::Granted {
                now: self.take_now(from)?,
                id: Take::take(from)?,
            },
            FETCHED => Entry::Fetched {
                now: self.take_now(from)?,
                received: self.take_received(from)?,
                id: Take::take(from)?,
                answer: take_answer(from)?,
            },
            _ => return Err(Flaw("has an entry of an unknown kind")),
        })
    }

    fn put_now(&mut self, now: Time, out: &mut Vec<u8>) {
        put_step(&mut self.now, now.as_nanos(), out);
    }

    fn take_now(&mut self, from: &mut Bytes<'_>) -> Result<Time, Flaw> {
        take_step(&mut self.now, from).map(Time::from_nanos)
    }

    fn put_received(&mut self, received: UnixNanos, out: &mut Vec<u8>) {
        put_step(&mut self.received, received.as_nanos(), out);
    }

    fn take_received(&mut self, from: &mut Bytes<'_>) -> Result<UnixNanos, Flaw> {
        take_step(&mut self.received, from).map(UnixNanos::from_nanos)
    }
}

/// A difference in either direction: wall clocks jump.
fn put_step(last: &mut u64, next: u64, out: &mut Vec<u8>) {
    let step = next.wrapping_sub(*last).cast_signed();
    put_number(fold_sign(step.into()), out);
    *last = next;
}

fn take_step(last: &mut u64, from: &mut Bytes<'_>) -> Result<u64, Flaw> {
    let step = unfold_sign(u64::take(from)?);
    *last = last.wrapping_add(step.cast_unsigned());
    Ok(*last)
}

fn put_answer(answer: Result<Answer<'_>, FetchFault>, out: &mut Vec<u8>) {
    match answer {
        Ok(answer) => {
            out.push(0);
            let Answer {
                status,
                retry_after,
                used_weight,
                body,
            } = answer;
            (status, (retry_after, used_weight)).put(out);
            put_counted(body, out);
        }
        Err(FetchFault::Io(fault)) => (1_u8, fault).put(out),
        Err(FetchFault::TooLarge) => out.push(2),
        Err(FetchFault::Protocol) => out.push(3),
        Err(FetchFault::Unsent) => out.push(4),
    }
}

fn take_answer<'a>(from: &mut Bytes<'a>) -> Result<Result<Answer<'a>, FetchFault>, Flaw> {
    Ok(match u8::take(from)? {
        0 => Ok(Answer {
            status: Take::take(from)?,
            retry_after: Take::take(from)?,
            used_weight: Take::take(from)?,
            body: match from.counted()? {
                body if body.len() > FETCHED_MAX => {
                    return Err(Flaw("has a longer answer than any venue gives"));
                }
                body => body,
            },
        }),
        1 => Err(FetchFault::Io(Fault::take(from)?)),
        2 => Err(FetchFault::TooLarge),
        3 => Err(FetchFault::Protocol),
        4 => Err(FetchFault::Unsent),
        _ => return Err(Flaw("has an unknown code")),
    })
}

fn moderate(bytes: &[u8]) -> Result<&[u8], Flaw> {
    match bytes.len() > RECEIVED_MAX {
        true => Err(Flaw("has a longer read than any shell makes")),
        false => Ok(bytes),
    }
}

fn take_length(from: &mut Bytes<'_>) -> Result<Option<usize>, Flaw> {
    match Take::take(from)? {
        Some(length) if length > SIGNED_MAX => {
            Err(Flaw("has a longer request than any venue takes"))
        }
        length => Ok(length),
    }
}

impl Put for Input {
    fn put(&self, out: &mut Vec<u8>) {
        match self {
            Self::Start => out.push(0),
            Self::Dialed(epoch) => (1_u8, epoch).put(out),
            Self::DialFailed(epoch, fault) => (2_u8, (epoch, fault)).put(out),
            Self::Eof(epoch) => (3_u8, epoch).put(out),
            Self::Broken(epoch, fault) => (4_u8, (epoch, fault)).put(out),
            Self::Released(epoch) => (5_u8, epoch).put(out),
            Self::Timeout => out.push(6),
            Self::Renew => out.push(7),
            Self::Hold(until) => (8_u8, until).put(out),
            Self::Stop => out.push(9),
            Self::Stay(until) => (10_u8, until).put(out),
            Self::Withhold => out.push(11),
            Self::Permit => out.push(12),
        }
    }
}

impl Take for Input {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        Ok(match u8::take(from)? {
            0 => Self::Start,
            1 => Self::Dialed(Take::take(from)?),
            2 => Self::DialFailed(Take::take(from)?, Fault::take(from)?),
            3 => Self::Eof(Take::take(from)?),
            4 => Self::Broken(Take::take(from)?, Fault::take(from)?),
            5 => Self::Released(Take::take(from)?),
            6 => Self::Timeout,
            7 => Self::Renew,
            8 => Self::Hold(Time::from_nanos(Take::take(from)?)),
            9 => Self::Stop,
            10 => Self::Stay(Time::from_nanos(Take::take(from)?)),
            11 => Self::Withhold,
            12 => Self::Permit,
            _ => return Err(Flaw("has an unknown input")),
        })
    }
}

impl Take for Epoch {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        u32::take(from).map(Self::from_number)
    }
}

impl Take for FetchId {
    fn take(from: &mut Bytes<'_>) -> Result<Self, Flaw> {
        u32::take(from).map(Self::from_number)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    const EPOCH: Epoch = Epoch::from_number(300);

    fn back(given: Given<'_>) -> (Stamps, Vec<u8>) {
        let mut bytes = Vec::new();
        let mut stamps = Stamps {
            now: 1_000,
            received: 5,
        };
        stamps.put(given, &mut bytes);
        (stamps, bytes)
    }

    fn taken(bytes: &[u8]) -> (Stamps, Result<Entry<'_>, Flaw>) {
        let mut stamps = Stamps {
            now: 1_000,
            received: 5,
        };
        let entry = stamps.take(&mut Bytes::new(bytes));
        (stamps, entry)
    }

    #[test]
    fn every_input_comes_back() {
        let inputs = [
            Input::Start,
            Input::Dialed(EPOCH),
            Input::DialFailed(EPOCH, Fault::Resolve),
            Input::Eof(EPOCH),
            Input::Broken(EPOCH, Fault::Other),
            Input::Released(EPOCH),
            Input::Timeout,
            Input::Renew,
            Input::Hold(Time::MAX),
            Input::Withhold,
            Input::Permit,
            Input::Stop,
            Input::Stay(Time::MAX),
        ];
        for (input, now) in inputs
            .into_iter()
            .zip([0, 999, 1_000, 1_001, u64::MAX].iter().cycle())
        {
            let now = Time::from_nanos(*now);
            let (stamps, bytes) = back(Given::Input { now, input });
            let expected = Ok(Entry::Input { now, input });
            assert_eq!(taken(&bytes), (stamps, expected));
        }
    }

    #[test]
    fn what_was_read_comes_back_and_what_was_written_as_its_count() {
        let (now, received) = (Time::from_nanos(1_500), UnixNanos::from_nanos(3));
        let bytes = b"as it came";
        let given = Given::Received {
            now,
            received,
            bytes,
        };
        let expected = Entry::Received {
            now,
            received,
            bytes,
        };
        assert_eq!(taken(&back(given).1).1, Ok(expected));
        let count = bytes.len();
        let bytes = Some(&bytes[..]);
        let written = back(Given::Transmitted { now, count, bytes }).1;
        assert_eq!(taken(&written).1, Ok(Entry::Transmitted { now, count }));
        assert_eq!(written.len(), 4, "not a byte of what was written");
        let (epoch, length) = (EPOCH, Some(count));
        let answer = Ok(count);
        let signed = back(Given::Signed { now, epoch, answer }).1;
        let expected = Entry::Signed { now, epoch, length };
        assert_eq!(taken(&signed).1, Ok(expected));
        let id = FetchId::from_number(7);
        let granted = back(Given::Granted { now, id }).1;
        assert_eq!(taken(&granted).1, Ok(Entry::Granted { now, id }));
        let asked = back(Given::Drained { received }).1;
        assert_eq!(taken(&asked).1, Ok(Entry::Drained { received }));
    }

    #[test]
    fn every_answer_comes_back_and_so_does_every_reason_that_there_is_none() {
        let (now, received) = (Time::from_nanos(1_500), UnixNanos::from_nanos(3));
        let id = FetchId::from_number(7);
        let answer = |status, retry_after, used_weight, body| Answer {
            status,
            retry_after,
            used_weight,
            body,
        };
        let answers = [
            Ok(answer(200, None, None, &b"{}"[..])),
            Ok(answer(429, Some(Duration::from_secs(30)), Some(6001), b"")),
            Err(FetchFault::Io(Fault::TimedOut)),
            Err(FetchFault::TooLarge),
            Err(FetchFault::Protocol),
            Err(FetchFault::Unsent),
        ];
        for answer in answers {
            let given = Given::Fetched {
                now,
                received,
                id,
                answer,
            };
            let expected = Entry::Fetched {
                now,
                received,
                id,
                answer,
            };
            assert_eq!(taken(&back(given).1).1, Ok(expected));
        }
    }

    #[test]
    fn what_no_shell_does_is_refused() {
        let mut long = vec![RECEIVED, 0, 0];
        put_counted(&vec![0; RECEIVED_MAX + 1], &mut long);
        let mut signed = vec![SIGNED, 0, 1, 1];
        (SIGNED_MAX + 1).put(&mut signed);
        let mut fetched = vec![FETCHED, 0, 0, 1, 0, 200, 1, 0, 0];
        put_counted(&vec![0; FETCHED_MAX + 1], &mut fetched);
        let table: [(&[u8], &str); 7] = [
            (&fetched, "has a longer answer than any venue gives"),
            (&[FETCHED, 0, 0, 1, 77], "has an unknown code"),
            (&signed, "has a longer request than any venue takes"),
            (&long, "has a longer read than any shell makes"),
            (&[77], "has an entry of an unknown kind"),
            (&[INPUT, 0, 77], "has an unknown input"),
            (&[INPUT, 0, 4, 1, 77], "has an unknown code"),
        ];
        for (bytes, flaw) in table {
            assert_eq!(taken(bytes).1, Err(Flaw(flaw)));
        }
    }
}
