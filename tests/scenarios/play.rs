//! How a scenario is played: one step after another, each awaited before the next.

use std::fmt::Write as _;

use crate::far::FarEnd;
use crate::language::{Far, Item, Line, Order, Scenario, Step};
use crate::trace::{Log, Trace};

/// Where scenarios are played: a network with a far end on the one side and a machine, driven by
/// a shell, on the other.
pub(crate) trait Stage {
    fn log(&self) -> &Log;
    /// Tells the machine all of these in one moment.
    fn tell(&mut self, orders: &[Order]) -> Result<(), String>;
    /// What becomes of dials from now on.
    fn receive_dials(&mut self, how: Reception) -> Result<(), String>;
    /// Waits for a dial and takes it.
    fn accept(&mut self) -> Result<(), String>;
    /// Waits for bytes from the machine, or for the end of its socket.
    fn read(&mut self) -> Result<Read, String>;
    fn write(&mut self, bytes: &[u8]);
    fn end(&mut self, how: End);
    /// Waits until the trace has come so far; whether it has.
    fn wait(&mut self, until: &dyn Fn(&Trace) -> bool) -> bool;
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Reception {
    Listening,
    Refusing,
    Ignoring,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Read {
    Bytes(Vec<u8>),
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    Fin,
    Reset,
}

/// What became of a scenario on one stage.
#[derive(Clone, Debug)]
pub(crate) struct Outcome {
    pub(crate) trace: Trace,
    /// Why it could not be played to its end.
    pub(crate) stuck: Option<String>,
}

/// Plays a scenario. What has been asserted by then and what not is for the reader of the outcome.
pub(crate) fn play(scenario: &Scenario, stage: &mut impl Stage) -> Outcome {
    let mut player = Player {
        stage,
        far: None,
        seen: [0; 2],
    };
    let stuck = scenario.steps.iter().find_map(|step| {
        let played = player.step(step);
        played.err().map(|what| format!("at `{step}`: {what}"))
    });
    let stuck = stuck.or_else(|| player.leave().err());
    let trace = player.stage.log().read().clone();
    Outcome { trace, stuck }
}

struct Player<'a, S> {
    stage: &'a mut S,
    far: Option<FarEnd>,
    /// How many lines of each kind have been awaited.
    seen: [usize; 2],
}

impl<S: Stage> Player<'_, S> {
    fn step(&mut self, step: &Step) -> Result<(), String> {
        match step {
            Step::Tell(orders) => self.stage.tell(orders),
            Step::Expect(line) => self.expect(line),
            Step::Far(far) => self.far(far),
        }
    }

    /// Waits for the next line of this kind, which must be this one.
    fn expect(&mut self, line: &Line) -> Result<(), String> {
        let [done, said] = &mut self.seen;
        let (index, lines): (_, fn(&Trace) -> &Vec<Line>) = match line.is_event() {
            true => (said, |trace| &trace.said),
            false => (done, |trace| &trace.done),
        };
        let place = *index;
        *index += 1;
        let come = self.stage.wait(&|trace| lines(trace).len() > place);
        let trace = self.stage.log().read();
        match lines(&trace).get(place) {
            Some(found) if found == line => Ok(()),
            Some(found) => Err(format!("but `{found}`")),
            None => Err(format!("nothing came of it (waited: {})", !come)),
        }
    }

    fn far(&mut self, far: &Far) -> Result<(), String> {
        match far {
            Far::Listens => self.stage.receive_dials(Reception::Listening),
            Far::Refuses => self.stage.receive_dials(Reception::Refusing),
            Far::Ignores => self.stage.receive_dials(Reception::Ignoring),
            Far::Accepts => {
                self.leave()?;
                self.stage.accept()?;
                self.far = Some(FarEnd::new());
                Ok(())
            }
            Far::Sends(pieces) => {
                let bytes = self.end()?.bytes(pieces)?;
                self.stage.write(&bytes);
                Ok(())
            }
            Far::Expects(item) => match self.next()? {
                found if found == *item => Ok(()),
                found => Err(format!("but `{found}`")),
            },
            Far::Ends => {
                self.stage.end(End::Fin);
                Ok(())
            }
            Far::Resets => {
                self.stage.end(End::Reset);
                self.far = None;
                Ok(())
            }
        }
    }

    fn end(&mut self) -> Result<&mut FarEnd, String> {
        self.far.as_mut().ok_or_else(|| "no connection".into())
    }

    /// What the far end receives next.
    fn next(&mut self) -> Result<Item, String> {
        loop {
            if let Some(item) = self.end()?.next() {
                return Ok(item);
            }
            match self.stage.read()? {
                Read::Bytes(bytes) => self.end()?.feed(&bytes)?,
                Read::End => {
                    self.far = None;
                    return Ok(Item::End);
                }
            }
        }
    }

    /// A connection is left behind: the machine must have closed it, and said nothing more.
    fn leave(&mut self) -> Result<(), String> {
        if self.far.is_none() {
            return Ok(());
        }
        let found = self.next()?;
        if found == Item::End {
            return Ok(());
        }
        Err(format!("`{found}`, which no line expects"))
    }
}

/// How a trace differs from what must follow; nothing if it does not.
pub(crate) fn difference(expected: &[Line], found: &[Line]) -> Option<String> {
    if expected == found {
        return None;
    }
    let same = expected.iter().zip(found).take_while(|(e, f)| e == f);
    let same = same.count();
    let mut text = String::new();
    let mut lines = |mark, lines: &[Line]| {
        for line in lines {
            writeln!(text, "  {mark} {line}").unwrap_or_default();
        }
    };
    lines(' ', &expected[same.saturating_sub(4)..same]);
    lines('-', &expected[same..]);
    lines('+', &found[same..]);
    Some(text)
}
