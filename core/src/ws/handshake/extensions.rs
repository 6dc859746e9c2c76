//! The grammar of `Sec-WebSocket-Extensions` (RFC 6455 section 9.1).

/// One element of the list: an extension and its parameters.
#[derive(Clone, Copy, Debug)]
pub(in crate::ws) struct Element<'a> {
    pub(in crate::ws) name: &'a str,
    params: Option<&'a str>,
}

/// A parameter; the value without its quotes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::ws) struct Param<'a> {
    pub(in crate::ws) name: &'a str,
    pub(in crate::ws) value: Option<&'a str>,
}

impl<'a> Element<'a> {
    /// The parameters; `None` stands for one that does not follow the grammar.
    pub(in crate::ws) fn params(self) -> impl Iterator<Item = Option<Param<'a>>> {
        self.params
            .into_iter()
            .flat_map(|params| split(params, ';'))
            .map(param)
    }
}

/// The elements of one header field's value. Empty ones are skipped, as RFC 9110 section 5.6.1
/// asks of recipients.
pub(in crate::ws) fn elements(value: &str) -> impl Iterator<Item = Element<'_>> {
    split(value, ',')
        .filter(|element| !element.trim().is_empty())
        .map(|element| {
            let (name, params) = match element.split_once(';') {
                Some((name, params)) => (name, Some(params)),
                None => (element, None),
            };
            Element {
                name: name.trim_matches(BLANK),
                params,
            }
        })
}

const BLANK: [char; 2] = [' ', '\t'];

fn param(text: &str) -> Option<Param<'_>> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(unquoted(value.trim_matches(BLANK))?)),
        None => (text, None),
    };
    let name = name.trim_matches(BLANK);
    is_token(name).then_some(Param { name, value })
}

/// A value may be quoted if what is inside is a token.
fn unquoted(value: &str) -> Option<&str> {
    let inside = match value.strip_prefix('"') {
        Some(rest) => rest.strip_suffix('"')?,
        None => value,
    };
    is_token(inside).then_some(inside)
}

/// A token of RFC 9110 section 5.6.2.
pub(super) fn is_token(text: &str) -> bool {
    let is_tchar = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !text.is_empty() && text.bytes().all(is_tchar)
}

/// Splits at `separator` wherever it does not stand between quotes.
fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut quoted = Quoted::No;
    text.split(move |c| {
        if c == '"' {
            quoted = quoted.toggled();
        }
        c == separator && quoted == Quoted::No
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Quoted {
    Yes,
    No,
}

impl Quoted {
    const fn toggled(self) -> Self {
        match self {
            Self::Yes => Self::No,
            Self::No => Self::Yes,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn params(value: &str) -> Vec<Option<Param<'_>>> {
        elements(value).flat_map(Element::params).collect()
    }

    #[test]
    fn lists_are_split_outside_of_quotes() {
        let names: Vec<_> = elements("a; x=\"1,2;3\", ,b ;y,\tc")
            .map(|e| e.name)
            .collect();
        assert_eq!(names, ["a", "b", "c"]);
    }

    #[test]
    fn parameters_may_be_quoted_and_spaced() {
        let value = Some("10");
        for text in ["e;p=10", "e; p=\"10\"", "e ;\tp = 10 "] {
            assert_eq!(params(text), [Some(Param { name: "p", value })], "{text}");
        }
        assert_eq!(
            params("e;p"),
            [Some(Param {
                name: "p",
                value: None
            })]
        );
    }

    #[test]
    fn what_is_not_a_token_is_not_a_parameter() {
        for text in [
            "e;",
            "e;=1",
            "e;p=",
            "e;p=\"",
            "e;p=\"1",
            "e;p=\"1 2\"",
            "e;p q",
        ] {
            assert_eq!(params(text), [None], "{text}");
        }
    }
}
