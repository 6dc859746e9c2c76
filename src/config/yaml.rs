//! YAML text to a tree that remembers where everything stands.
//!
//! The tree knows text, lists and mappings and nothing else: what a text means is decided by the
//! key that it belongs to, so `NO` stays a text and `1e3` never becomes a float on the way.
//! Anchors, aliases and tags are refused, which leaves nothing that could expand.

use std::borrow::Cow;

use saphyr_parser::{Event, Marker, Parser, ScalarStyle, ScanError, Span, StrInput, Tag};

use super::error::{Flaw, Place};

/// How deep lists and mappings may nest; a configuration needs six.
const DEPTH_MAX: usize = 16;
/// How many keys a mapping may hold; the largest has one for each session.
const KEYS_MAX: usize = 1000;

/// A value and where it begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) place: Place,
    pub(super) value: Value,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing stands there, or `null`.
    Nothing,
    Text(String),
    List(Vec<Node>),
    Mapping(Vec<Entry>),
}

/// One `key: value` of a mapping.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

/// Reads the one document of `text`.
pub(super) fn parse(text: &str) -> Result<Node, Flaw> {
    let mut events = Events {
        parser: Parser::new_from_str(text),
        depth: 0,
    };
    let mut document = None;
    loop {
        let (event, span) = events.next()?;
        match event {
            Event::StreamEnd => return document.ok_or_else(empty),
            Event::DocumentStart(_) if document.is_some() => {
                return Err(Flaw::at(
                    place(&span.start),
                    "a second document begins here; one file holds one document",
                ));
            }
            Event::DocumentStart(_) => {
                let (event, span) = events.next()?;
                document = Some(events.node(event, span)?);
            }
            Event::StreamStart | Event::DocumentEnd | Event::Nothing => {}
            Event::Alias(_)
            | Event::Scalar(..)
            | Event::SequenceStart(..)
            | Event::SequenceEnd
            | Event::MappingStart(..)
            | Event::MappingEnd => {
                return Err(Flaw::at(
                    place(&span.start),
                    "this is outside of any document",
                ));
            }
        }
    }
}

fn empty() -> Flaw {
    let start = Place { line: 1, column: 1 };
    Flaw::at(
        start,
        "the file is empty; it must hold a mapping with the key `collect`",
    )
}

struct Events<'t> {
    parser: Parser<'t, StrInput<'t>>,
    depth: usize,
}

impl<'t> Events<'t> {
    fn next(&mut self) -> Result<(Event<'t>, Span), Flaw> {
        match self.parser.next_event() {
            Some(Ok(event)) => Ok(event),
            Some(Err(error)) => Err(not_yaml(&error)),
            None => Ok((Event::StreamEnd, Span::default())),
        }
    }

    fn node(&mut self, event: Event<'t>, span: Span) -> Result<Node, Flaw> {
        let place = place(&span.start);
        let value = match event {
            Event::Scalar(text, style, anchor, tag) => {
                refuse_extras(place, anchor, tag.as_deref())?;
                scalar(text, style)
            }
            Event::SequenceStart(anchor, tag) => {
                refuse_extras(place, anchor, tag.as_deref())?;
                self.nested(place, Self::list)?
            }
            Event::MappingStart(anchor, tag) => {
                refuse_extras(place, anchor, tag.as_deref())?;
                self.nested(place, Self::mapping)?
            }
            Event::Alias(_) => {
                return Err(Flaw::at(
                    place,
                    "an alias (`*name`) stands here; write the value itself",
                ));
            }
            Event::Nothing
            | Event::StreamStart
            | Event::StreamEnd
            | Event::DocumentStart(_)
            | Event::DocumentEnd
            | Event::SequenceEnd
            | Event::MappingEnd => return Err(Flaw::at(place, "a value is missing here")),
        };
        Ok(Node { place, value })
    }

    fn nested(
        &mut self,
        place: Place,
        read: fn(&mut Self) -> Result<Value, Flaw>,
    ) -> Result<Value, Flaw> {
        if self.depth == DEPTH_MAX {
            let message = format!("lists and mappings nest deeper than {DEPTH_MAX} levels here");
            return Err(Flaw::at(place, message));
        }
        self.depth += 1;
        let value = read(self);
        self.depth -= 1;
        value
    }

    fn list(&mut self) -> Result<Value, Flaw> {
        let mut nodes = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::SequenceEnd {
                return Ok(Value::List(nodes));
            }
            nodes.push(self.node(event, span)?);
        }
    }

    fn mapping(&mut self) -> Result<Value, Flaw> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if event == Event::MappingEnd {
                return Ok(Value::Mapping(entries));
            }
            let (place, key) = self.key(event, span)?;
            if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let line = first.place.line;
                let message = format!("the key `{key}` stood on line {line} already");
                return Err(Flaw::at(place, message));
            }
            if entries.len() == KEYS_MAX {
                let message = format!("this mapping holds more than {KEYS_MAX} keys");
                return Err(Flaw::at(place, message));
            }
            let (event, span) = self.next()?;
            let node = self.node(event, span)?;
            entries.push(Entry { key, place, node });
        }
    }

    fn key(&mut self, event: Event<'t>, span: Span) -> Result<(Place, String), Flaw> {
        let Node { place, value } = self.node(event, span)?;
        match value {
            Value::Text(key) => Ok((place, key)),
            Value::Nothing | Value::List(_) | Value::Mapping(_) => {
                Err(Flaw::at(place, "a key must be a plain text"))
            }
        }
    }
}

fn scalar(text: Cow<'_, str>, style: ScalarStyle) -> Value {
    let plain = style == ScalarStyle::Plain;
    if plain && matches!(&*text, "" | "~" | "null" | "Null" | "NULL") {
        Value::Nothing
    } else {
        Value::Text(text.into_owned())
    }
}

fn refuse_extras(place: Place, anchor: usize, tag: Option<&Tag>) -> Result<(), Flaw> {
    if anchor != 0 {
        let message = "an anchor (`&name`) stands here; write the value out where it is needed";
        return Err(Flaw::at(place, message));
    }
    match tag {
        Some(tag) => {
            let message = format!("the tag `{tag}` stands here; tags are not used");
            Err(Flaw::at(place, message))
        }
        None => Ok(()),
    }
}

fn not_yaml(error: &ScanError) -> Flaw {
    let message = format!("this is not YAML: {}", error.info());
    Flaw::at(place(error.marker()), message)
}

fn place(marker: &Marker) -> Place {
    Place {
        line: marker.line(),
        column: marker.col() + 1,
    }
}
