//! A policy's YAML as a tree in which every piece knows where it stands and how it was written.
//! It must never guess a type: a digest of digits only is still a digest.

use std::fmt;

use compiler::typed::Span;
use compiler::{CompileError, ErrorKind};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

/// Largest source, in bytes.
const SOURCE_BYTES_MAX: usize = 1 << 20;
/// Most pieces that all aliases of a file stand for.
const REPLAYED_EVENTS_MAX: usize = 20_000;

/// A piece of YAML and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) span: Span,
    pub(super) value: Value,
}

/// What a piece is.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Null,
    Text(String),
    List(Vec<Node>),
    Map(Vec<(String, Span, Node)>),
}

impl Node {
    pub(super) fn parse(file: &str, source: &str) -> Result<Node, CompileError> {
        if source.len() > SOURCE_BYTES_MAX {
            let found = format!("{} bytes", source.len());
            let expected = format!("at most {SOURCE_BYTES_MAX} bytes");
            return Err(problem(file, Span::default(), expected, found, ""));
        }
        let options = serde_saphyr::options! {
            strict_booleans: true,
            reject_unsupported_tags: true,
            with_snippet: false,
            alias_limits: serde_saphyr::alias_limits! {
                max_total_replayed_events: REPLAYED_EVENTS_MAX,
            },
        };
        let raw: Result<Spanned<Raw>, _> = serde_saphyr::from_str_with_options(source, options);
        let raw = raw.map_err(|error| {
            let error = error.without_snippet();
            let span = error.location().map(|at| span_of(&at)).unwrap_or_default();
            problem(file, span, "YAML", error.to_string(), "look at this line's spaces and colons")
        })?;
        Ok(placed(raw, source))
    }

    /// What it is, for errors.
    pub(super) fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Text(text) => format!("{:?}", text.chars().take(80).collect::<String>()),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }
}

/// A problem of a source.
pub(super) fn problem(
    file: &str,
    span: Span,
    expected: impl Into<String>,
    found: impl Into<String>,
    hint: impl Into<String>,
) -> CompileError {
    CompileError {
        file: file.to_owned(),
        span,
        kind: ErrorKind::Pack,
        expected: expected.into(),
        found: found.into(),
        hint: hint.into(),
    }
}

enum Raw {
    Null,
    /// Written without quotes, taken for a number or a boolean: read from the source again.
    Plain,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Pieces)
    }
}

struct Pieces;

impl<'de> Visitor<'de> for Pieces {
    type Value = Raw;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("YAML")
    }

    fn visit_unit<E>(self) -> Result<Raw, E> {
        Ok(Raw::Null)
    }

    fn visit_bool<E>(self, _: bool) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_i64<E>(self, _: i64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_u64<E>(self, _: u64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_i128<E>(self, _: i128) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_u128<E>(self, _: u128) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_f64<E>(self, _: f64) -> Result<Raw, E> {
        Ok(Raw::Plain)
    }

    fn visit_str<E>(self, text: &str) -> Result<Raw, E> {
        Ok(Raw::Text(text.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut list = Vec::new();
        while let Some(entry) = entries.next_element()? {
            list.push(entry);
        }
        Ok(Raw::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Raw, A::Error> {
        let mut map: Vec<(Spanned<Raw>, Spanned<Raw>)> = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<Raw>>()? {
            if !matches!(key.value, Raw::Text(_) | Raw::Plain) {
                return Err(A::Error::custom("a key is a text"));
            }
            map.push((key, entries.next_value()?));
        }
        Ok(Raw::Map(map))
    }
}

fn placed(raw: Spanned<Raw>, source: &str) -> Node {
    let span = span_of(&raw.defined);
    let text = |raw: &Raw, at: &Location| match raw {
        Raw::Text(text) => Some(text.clone()),
        Raw::Plain => Some(slice(source, at).trim().to_owned()),
        _ => None,
    };
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Plain | Raw::Text(_) => {
            Value::Text(text(&raw.value, &raw.defined).unwrap_or_default())
        }
        Raw::List(list) => Value::List(list.into_iter().map(|raw| placed(raw, source)).collect()),
        Raw::Map(map) => {
            let entry = |(key, value): (Spanned<Raw>, Spanned<Raw>)| {
                let name = text(&key.value, &key.defined)?;
                Some((name, span_of(&key.defined), placed(value, source)))
            };
            Value::Map(map.into_iter().filter_map(entry).collect())
        }
    };
    Node { span, value }
}

fn slice<'s>(source: &'s str, at: &Location) -> &'s str {
    let number = |value: Option<u64>| value.and_then(|value| usize::try_from(value).ok());
    let (start, length) = (number(at.span().byte_offset()), number(at.span().byte_len()));
    let rest = start.and_then(|start| source.get(start..)).unwrap_or_default();
    length.and_then(|length| rest.get(..length)).unwrap_or_default()
}

fn span_of(at: &Location) -> Span {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Span { line: number(at.line()), column: number(at.column()), length: number(at.span().len()) }
}
