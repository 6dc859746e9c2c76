//! The words of a scenario: what is done, one step after another, and what must follow.
//!
//! A line is a step and a word says whose. `with` sets a timer or a limit; `tell` hands inputs to
//! the machine, or has the application send; `far` is the far end, which does something or waits
//! for something. `then`, `asks` and `says` are what must follow: a transition, an action,
//! an event. `do` stands for the lines of a `block`. Steps that must fall into one moment stand
//! on one line, divided by ` | `.

use std::fmt;
use std::time::Duration;

use crate::place::Place;

/// One scenario, as read.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    pub(crate) settings: Vec<Setting>,
    pub(crate) steps: Vec<Step>,
}

/// A setting that differs from those of every scenario, by its name and words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Setting {
    pub(crate) name: String,
    pub(crate) value: String,
}

/// One line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Step {
    /// The machine is told these in one moment.
    Tell(Vec<Order>),
    Far(Far),
    Expect(Line),
}

/// What the machine is told by its shell or its application.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Order {
    Start,
    Stop,
    Renew,
    Hold(Duration),
    Stay(Duration),
    Withhold,
    Permit,
    /// What a shell says of the socket with this number, true or not.
    Report(Report, u32),
    Text(String),
    /// A binary message of so many bytes.
    Bytes(usize),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Report {
    Dialed,
    DialFailed,
    Eof,
    Broken,
    Released,
}

impl Report {
    pub(crate) const ALL: [Self; 5] = [
        Self::Dialed,
        Self::DialFailed,
        Self::Eof,
        Self::Broken,
        Self::Released,
    ];
}

/// What the far end does, or waits for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Far {
    /// Dials are taken, refused or left without an answer from now on.
    Listens,
    Refuses,
    Ignores,
    Accepts,
    Expects(Item),
    /// These in one piece.
    Sends(Vec<Piece>),
    /// The end of its side of the stream.
    Ends,
    Resets,
}

/// What the far end receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    Request,
    Text(String),
    /// A binary message of so many bytes.
    Bytes(usize),
    Ping,
    Pong(String),
    /// 1005 stands for one without a code.
    Close(u16),
    /// The socket is closed.
    End,
}

/// What the far end sends.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Piece {
    /// The answer to the request, with this status; 101 accepts it.
    Answer(u16, Option<u32>),
    /// 101, but with the accept key of another request.
    WrongKey,
    /// Part of an answer that goes no further.
    HalfAnswer,
    Text(String),
    Binary(Vec<u8>),
    Ping(String),
    Pong(String),
    Close(Option<u16>),
    /// These bytes, whatever they mean.
    Raw(Vec<u8>),
}

/// A line of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Line {
    Then(Transition),
    Asks(Asked),
    /// An event, in the words of the trace.
    Says(String),
}

/// What happened to the machine, and what came of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Transition {
    pub(crate) from: Place,
    pub(crate) stimulus: String,
    /// Where it stands then, if elsewhere.
    pub(crate) to: Option<Place>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Dial(u32),
    Drop(u32),
    Sign(u32),
}

impl Scenario {
    /// The transitions and actions that must follow, and then the events.
    pub(crate) fn expected(&self) -> [Vec<Line>; 2] {
        let lines = self.steps.iter().filter_map(|step| match step {
            Step::Expect(line) => Some(line.clone()),
            Step::Tell(_) | Step::Far(_) => None,
        });
        let (said, done) = lines.partition(Line::is_event);
        [done, said]
    }

    /// The words of a setting, if the scenario has it.
    pub(crate) fn setting(&self, name: &str) -> Option<&str> {
        let found = self.settings.iter().find(|setting| setting.name == name);
        found.map(|setting| setting.value.as_str())
    }
}

impl Line {
    pub(crate) const fn is_event(&self) -> bool {
        matches!(self, Self::Says(_))
    }
}

impl fmt::Display for Scenario {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "scenario {}", self.name)?;
        for setting in &self.settings {
            writeln!(f, "    with {} {}", setting.name, setting.value)?;
        }
        for step in &self.steps {
            writeln!(f, "    {step}")?;
        }
        Ok(())
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tell(orders) => divided(f, "tell ", orders),
            Self::Far(far) => write!(f, "far {far}"),
            Self::Expect(line) => line.fmt(f),
        }
    }
}

fn divided(f: &mut fmt::Formatter<'_>, word: &str, parts: &[impl fmt::Display]) -> fmt::Result {
    f.write_str(word)?;
    for (index, part) in parts.iter().enumerate() {
        write!(f, "{}{part}", if index == 0 { "" } else { " | " })?;
    }
    Ok(())
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Start => f.write_str("Start"),
            Self::Stop => f.write_str("Stop"),
            Self::Renew => f.write_str("Renew"),
            Self::Hold(time) => write!(f, "Hold {}ms", time.as_millis()),
            Self::Stay(time) => write!(f, "Stay {}ms", time.as_millis()),
            Self::Withhold => f.write_str("Withhold"),
            Self::Permit => f.write_str("Permit"),
            Self::Report(report, epoch) => write!(f, "{report:?} {epoch}"),
            Self::Text(text) => write!(f, "Text {text}"),
            Self::Bytes(count) => write!(f, "Bytes {count}"),
        }
    }
}

impl fmt::Display for Far {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Listens => f.write_str("listens"),
            Self::Refuses => f.write_str("refuses"),
            Self::Ignores => f.write_str("ignores"),
            Self::Accepts => f.write_str("accepts"),
            Self::Expects(item) => write!(f, "expects {item}"),
            Self::Sends(pieces) => divided(f, "sends ", pieces),
            Self::Ends => f.write_str("ends"),
            Self::Resets => f.write_str("resets"),
        }
    }
}

impl fmt::Display for Item {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Request => f.write_str("request"),
            Self::Text(text) => write!(f, "text {text}"),
            Self::Bytes(count) => write!(f, "bytes {count}"),
            Self::Ping => f.write_str("ping"),
            Self::Pong(text) => write!(f, "pong {text}"),
            Self::Close(code) => write!(f, "close {code}"),
            Self::End => f.write_str("end"),
        }
    }
}

impl fmt::Display for Piece {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answer(status, None) => write!(f, "{status}"),
            Self::Answer(status, Some(after)) => write!(f, "{status} after {after}"),
            Self::WrongKey => f.write_str("wrong key"),
            Self::HalfAnswer => f.write_str("half an answer"),
            Self::Text(text) => write!(f, "text {text}"),
            Self::Binary(bytes) => write!(f, "binary {}", Hex(bytes)),
            Self::Ping(text) => write!(f, "ping {text}"),
            Self::Pong(text) => write!(f, "pong {text}"),
            Self::Close(None) => f.write_str("close"),
            Self::Close(Some(code)) => write!(f, "close {code}"),
            Self::Raw(bytes) => write!(f, "hex {}", Hex(bytes)),
        }
    }
}

struct Hex<'a>(&'a [u8]);

impl fmt::Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Display for Line {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Then(transition) => write!(f, "then {transition}"),
            Self::Asks(Asked::Dial(epoch)) => write!(f, "asks dial {epoch}"),
            Self::Asks(Asked::Drop(epoch)) => write!(f, "asks drop {epoch}"),
            Self::Asks(Asked::Sign(epoch)) => write!(f, "asks sign {epoch}"),
            Self::Says(event) => write!(f, "says {event}"),
        }
    }
}

impl fmt::Display for Transition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.from.name(), self.stimulus)?;
        match self.to {
            Some(to) => write!(f, " -> {}", to.name()),
            None => Ok(()),
        }
    }
}
