//! From text to scenarios; an error names the line.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::language::{
    Asked, Far, Item, Line, Order, Piece, Report, Scenario, Setting, Step, Transition,
};
use crate::place::{Place, TABLE};

/// What is wrong, and where.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ParseError {
    line: usize,
    what: String,
}

impl fmt::Display for ParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}: {}", self.line, self.what)
    }
}

type Found<T> = Result<T, String>;

/// Reads scenarios, file after file. A line that begins with `#` is a remark.
#[derive(Default)]
pub(crate) struct Reader {
    pub(crate) scenarios: Vec<Scenario>,
    /// Lines that stand for others, with `$1` to `$9` for the words behind the name.
    blocks: BTreeMap<String, Vec<String>>,
    /// The block that is being read.
    block: Option<String>,
}

impl Reader {
    /// Reads a file. Blocks of earlier files are known.
    pub(crate) fn read(&mut self, text: &str) -> Result<(), ParseError> {
        let lines = text.lines().count();
        let read = text.lines().enumerate().try_for_each(|(index, line)| {
            let read = self.line(line.trim());
            read.map_err(|what| ParseError {
                line: index + 1,
                what,
            })
        });
        read.and_then(|()| {
            self.close()
                .map_err(|what| ParseError { line: lines, what })
        })
    }

    fn line(&mut self, line: &str) -> Found<()> {
        if line.is_empty() || line.starts_with('#') {
            return Ok(());
        }
        match line.split_once(' ') {
            Some(("scenario", name)) => self.scenario(name),
            Some(("block", name)) => {
                self.close()?;
                self.block = Some(name.into());
                match self.blocks.insert(name.into(), Vec::new()) {
                    None => Ok(()),
                    Some(_) => Err(format!("a second block `{name}`")),
                }
            }
            _ => match self
                .block
                .as_ref()
                .and_then(|name| self.blocks.get_mut(name))
            {
                Some(block) => {
                    block.push(line.into());
                    Ok(())
                }
                None => self.step(line),
            },
        }
    }

    fn scenario(&mut self, name: &str) -> Found<()> {
        self.close()?;
        self.block = None;
        if self.scenarios.iter().any(|known| known.name == name) {
            return Err(format!("a second scenario `{name}`"));
        }
        self.scenarios.push(Scenario {
            name: name.into(),
            settings: Vec::new(),
            steps: Vec::new(),
        });
        Ok(())
    }

    /// A scenario is over when its machine has stopped: nothing can follow that is not seen.
    fn close(&self) -> Found<()> {
        let (Some(scenario), None) = (self.scenarios.last(), &self.block) else {
            return Ok(());
        };
        let [done, _] = scenario.expected();
        let stands = done.iter().rev().find_map(|line| match line {
            Line::Then(transition) => Some(transition.to.unwrap_or(transition.from)),
            Line::Asks(_) | Line::Says(_) => None,
        });
        match stands {
            Some(Place::Stopped) => Ok(()),
            _ => Err(format!("`{}` does not end in Stopped", scenario.name)),
        }
    }

    fn step(&mut self, line: &str) -> Found<()> {
        if let Some(call) = line.strip_prefix("do ") {
            return self.expand(call);
        }
        let Some(scenario) = self.scenarios.last_mut() else {
            return Err("no scenario has begun".into());
        };
        let (word, rest) = first(line);
        match word {
            "with" => {
                let (name, value) = first(rest);
                scenario.settings.push(Setting {
                    name: name.into(),
                    value: value.into(),
                });
            }
            "tell" => scenario.steps.push(Step::Tell(parts(rest, order)?)),
            "far" => scenario.steps.push(Step::Far(far(rest)?)),
            "then" => {
                let line = Line::Then(transition(rest)?);
                scenario.steps.push(Step::Expect(line));
            }
            "asks" => {
                let line = Line::Asks(asked(rest)?);
                scenario.steps.push(Step::Expect(line));
            }
            "says" => {
                let line = Line::Says(rest.into());
                scenario.steps.push(Step::Expect(line));
            }
            _ => return Err(format!("`{word}` begins no line")),
        }
        Ok(())
    }

    fn expand(&mut self, call: &str) -> Found<()> {
        let (name, words) = first(call);
        let Some(lines) = self.blocks.get(name).cloned() else {
            return Err(format!("no block `{name}`"));
        };
        for mut line in lines {
            for (index, word) in words.split_whitespace().enumerate() {
                line = line.replace(&format!("${}", index + 1), word);
            }
            if line.contains('$') {
                return Err(format!("block `{name}` needs another word: `{line}`"));
            }
            self.step(&line)?;
        }
        Ok(())
    }
}

/// The first word, and what stands behind it.
fn first(text: &str) -> (&str, &str) {
    let (word, rest) = text.split_once(' ').unwrap_or((text, ""));
    (word, rest.trim())
}

fn parts<T>(text: &str, read: impl Fn(&str) -> Found<T>) -> Found<Vec<T>> {
    text.split(" | ").map(|part| read(part.trim())).collect()
}

fn order(text: &str) -> Found<Order> {
    let (word, rest) = first(text);
    if let Some(report) = Report::ALL.iter().find(|r| format!("{r:?}") == word) {
        return Ok(Order::Report(*report, number(rest)?));
    }
    Ok(match word {
        "Start" => Order::Start,
        "Stop" => Order::Stop,
        "Renew" => Order::Renew,
        "Hold" => Order::Hold(duration(rest)?),
        "Stay" => Order::Stay(duration(rest)?),
        "Withhold" => Order::Withhold,
        "Permit" => Order::Permit,
        "Text" => Order::Text(rest.into()),
        "Bytes" => Order::Bytes(number(rest)?),
        _ => return Err(format!("`{word}` cannot be told")),
    })
}

fn far(text: &str) -> Found<Far> {
    let (word, rest) = first(text);
    Ok(match word {
        "listens" => Far::Listens,
        "refuses" => Far::Refuses,
        "ignores" => Far::Ignores,
        "accepts" => Far::Accepts,
        "expects" => Far::Expects(item(rest)?),
        "sends" => Far::Sends(parts(rest, piece)?),
        "ends" => Far::Ends,
        "resets" => Far::Resets,
        _ => return Err(format!("the far end does not know `{word}`")),
    })
}

fn item(text: &str) -> Found<Item> {
    let (word, rest) = first(text);
    Ok(match word {
        "request" => Item::Request,
        "text" => Item::Text(rest.into()),
        "bytes" => Item::Bytes(number(rest)?),
        "ping" => Item::Ping,
        "pong" => Item::Pong(rest.into()),
        "close" => Item::Close(number(rest)?),
        "end" => Item::End,
        _ => return Err(format!("`{word}` is nothing to expect")),
    })
}

fn piece(text: &str) -> Found<Piece> {
    let (word, rest) = first(text);
    if let Ok(status) = word.parse() {
        let after = rest.strip_prefix("after ").map(number).transpose()?;
        return Ok(Piece::Answer(status, after));
    }
    Ok(match word {
        "wrong" => Piece::WrongKey,
        "half" => Piece::HalfAnswer,
        "text" => Piece::Text(rest.into()),
        "binary" => Piece::Binary(hex(rest)?),
        "ping" => Piece::Ping(rest.into()),
        "pong" => Piece::Pong(rest.into()),
        "close" if rest.is_empty() => Piece::Close(None),
        "close" => Piece::Close(Some(number(rest)?)),
        "hex" => Piece::Raw(hex(rest)?),
        _ => return Err(format!("`{word}` is nothing to send")),
    })
}

fn transition(text: &str) -> Found<Transition> {
    let (happened, to) = match text.split_once(" -> ") {
        Some((happened, to)) => (happened, Some(place(to)?)),
        None => (text, None),
    };
    let (from, stimulus) = first(happened);
    let (name, _) = first(stimulus);
    if !TABLE.lines().any(|row| first(row.trim()).0 == name) || name.is_empty() {
        return Err(format!("`{name}` is no stimulus"));
    }
    Ok(Transition {
        from: place(from)?,
        stimulus: stimulus.into(),
        to,
    })
}

fn place(name: &str) -> Found<Place> {
    Place::named(name).ok_or_else(|| format!("`{name}` is no place"))
}

fn asked(text: &str) -> Found<Asked> {
    match first(text) {
        ("dial", epoch) => Ok(Asked::Dial(number(epoch)?)),
        ("drop", epoch) => Ok(Asked::Drop(number(epoch)?)),
        ("sign", epoch) => Ok(Asked::Sign(number(epoch)?)),
        (word, _) => Err(format!("`{word}` is no action")),
    }
}

pub(crate) fn number<T: std::str::FromStr>(text: &str) -> Found<T> {
    text.parse().map_err(|_| format!("`{text}` is no number"))
}

/// A number of `ms` or `s`.
pub(crate) fn duration(text: &str) -> Found<Duration> {
    if let Some(millis) = text.strip_suffix("ms") {
        return Ok(Duration::from_millis(number(millis)?));
    }
    match text.strip_suffix('s') {
        Some(seconds) => Ok(Duration::from_secs(number(seconds)?)),
        None => Err(format!("`{text}` has no unit")),
    }
}

fn hex(text: &str) -> Found<Vec<u8>> {
    let digits: String = text.split_whitespace().collect();
    let bytes = (0..digits.len()).step_by(2).map(|at| {
        let pair = digits.get(at..at + 2)?;
        u8::from_str_radix(pair, 16).ok()
    });
    let bytes: Option<Vec<u8>> = bytes.collect();
    bytes.ok_or_else(|| format!("`{text}` is not written in hex"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenarios(text: &str) -> Result<Vec<Scenario>, ParseError> {
        let mut reader = Reader::default();
        reader.read(text)?;
        Ok(reader.scenarios)
    }

    const WHOLE: &str = "
        # how it begins
        block starts
            tell Start
            then Stopped Start -> Connecting
            asks dial $1
        scenario everything in its words
            with retry 5ms
            far refuses
            do starts 1
            tell Hold 20ms | Text hello | Bytes 10 | Broken 1
            far listens
            far ignores
            far accepts
            far expects request
            far sends 101 | 503 after 3 | wrong key | half an answer | text a b | binary 00ff
            far sends ping x | pong  | close | close 1001 | hex 8901
            far expects close 1005
            far expects pong x
            far expects bytes 10
            far expects end
            far ends
            far resets
            then Connecting connect -> Releasing
            then Waiting Hold
            asks drop 1
            says down 1: connection refused
            then Waiting Stop -> Stopped
    ";

    #[test]
    fn a_scenario_is_printed_as_it_is_written() {
        let read = scenarios(WHOLE).unwrap();
        assert_eq!(read[0].steps.len(), 22);
        let printed = read[0].to_string();
        assert_eq!(scenarios(&printed).unwrap(), read, "{printed}");
    }

    #[test]
    fn what_is_wrong_is_told_with_its_line() {
        for (text, error) in [
            ("tell Start", "line 1: no scenario has begun"),
            ("scenario a\n\ntell Begin", "line 3: `Begin` cannot be told"),
            (
                "scenario a\nfar sleeps",
                "line 2: the far end does not know `sleeps`",
            ),
            (
                "scenario a\nfar sends hex 1",
                "line 2: `1` is not written in hex",
            ),
            (
                "scenario a\nfar expects close x",
                "line 2: `x` is no number",
            ),
            ("scenario a\ntell Hold 5", "line 2: `5` has no unit"),
            (
                "scenario a\nthen Open Sneeze",
                "line 2: `Sneeze` is no stimulus",
            ),
            ("scenario a\nthen Above Eof", "line 2: `Above` is no place"),
            ("scenario a\nasks why", "line 2: `why` is no action"),
            ("scenario a\nsleep 5", "line 2: `sleep` begins no line"),
            ("scenario a\ndo it", "line 2: no block `it`"),
            ("block a\nblock a", "line 2: a second block `a`"),
            (
                "scenario a\nthen Open Ping",
                "line 2: `a` does not end in Stopped",
            ),
        ] {
            let found = scenarios(text).map_err(|error| error.to_string());
            assert_eq!(found, Err(error.to_owned()), "{text}");
        }
    }

    #[test]
    fn a_block_that_lacks_a_word_is_an_error() {
        let text = "block dials\nasks dial $1\nscenario a\ndo dials";
        let error = scenarios(text).unwrap_err().to_string();
        assert_eq!(
            error,
            "line 4: block `dials` needs another word: `asks dial $1`"
        );
    }
}
