//! From the tree to values: each key is asked for by name and type, and whatever is wrong is
//! told with its path.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::{Flaw, Place};
use super::yaml::{Entry, Node, Value};

/// The longest timer: 30 days.
pub(super) const MILLIS_MAX: u64 = 30 * 24 * 3600 * 1000;

/// A value with the path of keys that leads to it.
#[derive(Clone, Copy)]
pub(super) struct Field<'n> {
    path: Path<'n>,
    pub(super) place: Place,
    value: &'n Value,
}

/// The keys from the top of the file down to a value.
#[derive(Clone, Copy)]
enum Path<'n> {
    Top,
    Key(&'n Field<'n>, &'n str),
    Index(&'n Field<'n>, usize),
}

impl fmt::Display for Path<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Top => Ok(()),
            Self::Key(parent, key) if matches!(parent.path, Path::Top) => write!(f, "{key}"),
            Self::Key(parent, key) => write!(f, "{}.{key}", parent.path),
            Self::Index(parent, index) => write!(f, "{}[{index}]", parent.path),
        }
    }
}

impl<'n> Field<'n> {
    pub(super) fn top(node: &'n Node) -> Self {
        Self {
            path: Path::Top,
            place: node.place,
            value: &node.value,
        }
    }

    /// A refusal of this value: `` `path` message ``.
    pub(super) fn refuse(&self, message: impl fmt::Display) -> Flaw {
        let message = match self.path {
            Path::Top => format!("the file {message}"),
            Path::Key(..) | Path::Index(..) => format!("`{}` {message}", self.path),
        };
        Flaw::at(self.place, message)
    }

    /// The refusal of a value that is not what the key takes.
    pub(super) fn expected(&self, what: impl fmt::Display) -> Flaw {
        let found: &dyn fmt::Display = match self.value {
            Value::Nothing => &"nothing",
            Value::Text(text) => &Shown(text),
            Value::List(_) => &"a list",
            Value::Mapping(_) => &"a mapping",
        };
        self.refuse(format_args!("must be {what}, not {found}"))
    }

    /// The value of a text.
    pub(super) fn text(&self) -> Result<&'n str, Flaw> {
        match self.value {
            Value::Text(text) if !text.is_empty() => Ok(text),
            Value::Text(_) | Value::Nothing | Value::List(_) | Value::Mapping(_) => {
                Err(self.expected("a text"))
            }
        }
    }

    /// One of `choices`, by name.
    pub(super) fn choice<T: Copy>(&self, choices: &[(&str, T)]) -> Result<T, Flaw> {
        let names = || choices.iter().map(|(name, _)| *name);
        let Value::Text(text) = self.value else {
            return Err(self.expected(format_args!("one of {}", Listed(names()))));
        };
        match choices.iter().find(|(name, _)| name == text) {
            Some((_, choice)) => Ok(*choice),
            None => Err(self.unknown(text, names(), names())),
        }
    }

    /// The refusal of a name that is none of `names`, of which `allowed` tells.
    pub(super) fn unknown<'a>(
        &self,
        name: &str,
        names: impl Iterator<Item = &'a str>,
        allowed: impl Iterator<Item = &'a str> + Clone,
    ) -> Flaw {
        let (shown, hint) = (Shown(name), Hint(nearest(name, names)));
        self.refuse(format_args!(
            "cannot be {shown}{hint}; allowed: {}",
            Listed(allowed)
        ))
    }

    /// A whole number within `range`.
    pub(super) fn count(&self, range: RangeInclusive<u64>) -> Result<u64, Flaw> {
        self.number(&range, "a whole number")
    }

    /// A duration in whole milliseconds, one at least and 30 days at the most.
    pub(super) fn millis(&self) -> Result<Duration, Flaw> {
        self.number(&(1..=MILLIS_MAX), "a whole number of milliseconds")
            .map(Duration::from_millis)
    }

    /// The same, or `off`.
    pub(super) fn millis_or_off(&self) -> Result<Option<Duration>, Flaw> {
        match self.value {
            Value::Text(text) if text == "off" => Ok(None),
            Value::Text(_) | Value::Nothing | Value::List(_) | Value::Mapping(_) => self
                .number(&(1..=MILLIS_MAX), "`off` or a whole number of milliseconds")
                .map(|millis| Some(Duration::from_millis(millis))),
        }
    }

    fn number(&self, range: &RangeInclusive<u64>, what: &str) -> Result<u64, Flaw> {
        let digits = match self.value {
            Value::Text(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text,
            Value::Text(_) | Value::Nothing | Value::List(_) | Value::Mapping(_) => "",
        };
        match digits.parse() {
            Ok(number) if range.contains(&number) => Ok(number),
            Ok(_) | Err(_) => {
                let (least, most) = (range.start(), range.end());
                Err(self.expected(format_args!("{what} from {least} to {most}")))
            }
        }
    }

    /// The members of a list, one at least.
    pub(super) fn list(&'n self) -> Result<Vec<Self>, Flaw> {
        let Value::List(nodes) = self.value else {
            return Err(self.expected("a list"));
        };
        if nodes.is_empty() {
            return Err(self.refuse("must not be an empty list"));
        }
        let members = nodes.iter().enumerate().map(|(index, node)| Self {
            path: Path::Index(self, index),
            place: node.place,
            value: &node.value,
        });
        Ok(members.collect())
    }

    /// Every entry of a mapping whose keys are free.
    pub(super) fn entries(&'n self) -> Result<Vec<(&'n str, Place, Self)>, Flaw> {
        let Value::Mapping(entries) = self.value else {
            return Err(self.expected("a mapping"));
        };
        let fields = entries
            .iter()
            .map(|entry| (&*entry.key, entry.place, self.member(entry)));
        Ok(fields.collect())
    }

    /// A mapping whose keys must all be among `known`.
    pub(super) fn mapping(&'n self, known: &[&str]) -> Result<Mapping<'n>, Flaw> {
        let Value::Mapping(entries) = self.value else {
            return Err(self.expected(format_args!(
                "a mapping of {}",
                Listed(known.iter().copied())
            )));
        };
        for entry in entries {
            if !known.contains(&&*entry.key) {
                return Err(self.unknown_key(entry, known));
            }
        }
        Ok(Mapping {
            field: self,
            entries,
        })
    }

    fn unknown_key(&self, entry: &Entry, known: &[&str]) -> Flaw {
        let hint = Hint(nearest(&entry.key, known.iter().copied()));
        let allowed = Listed(known.iter().copied());
        let (key, member) = (Shown(&entry.key), self.member(entry));
        let owner = match member.path {
            Path::Key(parent, _) if !matches!(parent.path, Path::Top) => {
                format!(" of `{}`", parent.path)
            }
            Path::Top | Path::Key(..) | Path::Index(..) => String::new(),
        };
        let message = format!("{key} is not a key{owner}{hint}; allowed: {allowed}");
        Flaw::at(entry.place, message)
    }

    fn member<'a>(&'a self, entry: &'a Entry) -> Field<'a> {
        Field {
            path: Path::Key(self, &entry.key),
            place: entry.node.place,
            value: &entry.node.value,
        }
    }
}

/// A mapping whose keys have been checked.
pub(super) struct Mapping<'n> {
    field: &'n Field<'n>,
    entries: &'n [Entry],
}

impl<'n> Mapping<'n> {
    /// The value of `key`; a key without a value counts as absent.
    pub(super) fn optional(&self, key: &str) -> Option<Field<'n>> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        match entry.node.value {
            Value::Nothing => None,
            Value::Text(_) | Value::List(_) | Value::Mapping(_) => Some(self.field.member(entry)),
        }
    }

    pub(super) fn required(&self, key: &str) -> Result<Field<'n>, Flaw> {
        self.optional(key)
            .ok_or_else(|| self.field.refuse(format_args!("needs the key `{key}`")))
    }
}

/// A text of the file, shortened so that a sentence stays a sentence.
struct Shown<'a>(&'a str);

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const CHARS_MAX: usize = 60;
        let shown: String = self.0.chars().take(CHARS_MAX).collect();
        let ellipsis = if shown.len() < self.0.len() {
            "…"
        } else {
            ""
        };
        write!(f, "`{}{ellipsis}`", shown.escape_debug())
    }
}

/// Names in a row.
struct Listed<I>(I);

impl<'a, I: Iterator<Item = &'a str> + Clone> fmt::Display for Listed<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.0.clone().enumerate() {
            let comma = if index == 0 { "" } else { ", " };
            write!(f, "{comma}{name}")?;
        }
        Ok(())
    }
}

/// What was probably meant.
struct Hint<'a>(Option<&'a str>);

impl fmt::Display for Hint<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(name) => write!(f, " (did you mean `{name}`?)"),
            None => Ok(()),
        }
    }
}

/// The name nearest to `name`, if a few slips of the finger explain the difference.
pub(crate) fn nearest<'a>(name: &str, names: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    const SLIPS_MAX: usize = 3;
    if name.len() > 64 {
        return None;
    }
    let slips_max = SLIPS_MAX.min(name.chars().count() / 2);
    names
        .map(|candidate| {
            let slips = strsim::osa_distance(&name.to_lowercase(), &candidate.to_lowercase());
            (slips, candidate)
        })
        .filter(|(slips, _)| *slips <= slips_max)
        .min_by_key(|(slips, _)| *slips)
        .map(|(_, candidate)| candidate)
}
