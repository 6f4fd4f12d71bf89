//! YAML as a tree in which every piece knows where it stands and how it was written. It must never
//! guess a type: `NO` is a text, `9999.99` keeps its digits, and what a piece means is for the
//! reader of its key to say.

mod syntax;

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_saphyr::{Location, Spanned};

use crate::CompileError;
use crate::draft::Located;
use crate::typed::Span;

/// A piece of YAML.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    /// Where it begins.
    pub span: Span,
    /// What it is.
    pub value: Value,
}

/// What a piece is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    /// Nothing, `~` or `null`.
    Null,
    /// A text; `plain` when it stands without quotes.
    Text {
        /// Its characters.
        text: Located,
        /// Whether it was written without quotes.
        plain: bool,
    },
    /// A sequence.
    List(Vec<Node>),
    /// A mapping in the order of the file.
    Map(Vec<(Located, Node)>),
}

impl Node {
    /// The tree of a YAML document of at most `bytes_max` bytes; `file` is its name in errors.
    pub fn parse(file: &str, source: &str, bytes_max: usize) -> Result<Node, CompileError> {
        if source.len() > bytes_max {
            let found = format!("{} bytes", source.len());
            let expected = format!("a file of at most {bytes_max} bytes");
            return Err(CompileError::pack(file, Span::default(), expected, found, ""));
        }
        // Else the country NO would be a boolean, and `!a && b` the tag `!a`, an anchor and `b`.
        let options = serde_saphyr::options! {
            strict_booleans: true,
            reject_unsupported_tags: true,
            with_snippet: false,
            // An alias stands for a few lines, not for a file.
            alias_limits: serde_saphyr::alias_limits! {
                max_total_replayed_events: REPLAYED_EVENTS_MAX,
            },
        };
        let raw: Result<Spanned<Raw>, _> = serde_saphyr::from_str_with_options(source, options);
        let raw = raw.map_err(|error| refused(file, source, &error))?;
        Ok(node(raw, &Source { text: source, lines: line_starts(source) }))
    }

    /// What it is, for errors.
    pub fn describe(&self) -> String {
        match &self.value {
            Value::Null => "nothing".to_owned(),
            Value::Text { text, .. } => facts::shown(&text.text),
            Value::List(_) => "a list".to_owned(),
            Value::Map(_) => "a mapping".to_owned(),
        }
    }
}

impl Located {
    /// Where the text stands: its first line.
    pub fn span(&self) -> Span {
        let first = self.text.lines().next().unwrap_or_default();
        let length = u32::try_from(first.chars().count()).unwrap_or(u32::MAX);
        Span { line: self.line, column: self.column, length }
    }
}

/// What the YAML reader calls back with; texts of plain scalars are read from the file again.
enum Raw {
    Null,
    Plain,
    Text(String),
    List(Vec<Spanned<Raw>>),
    Map(Vec<(Spanned<Raw>, Spanned<Raw>)>),
}

impl<'de> Deserialize<'de> for Raw {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(RawVisitor)
    }
}

struct RawVisitor;

impl<'de> Visitor<'de> for RawVisitor {
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

/// The file, for what the YAML reader does not say.
struct Source<'s> {
    text: &'s str,
    lines: Vec<usize>,
}

fn node(raw: Spanned<Raw>, source: &Source<'_>) -> Node {
    let span = span_of(&raw.defined);
    let value = match raw.value {
        Raw::Null => Value::Null,
        Raw::Plain => Value::Text { text: source.plain(&raw.defined), plain: true },
        Raw::Text(text) => source.text(text, &raw.defined),
        Raw::List(list) => Value::List(list.into_iter().map(|raw| node(raw, source)).collect()),
        Raw::Map(map) => {
            let entry = |(key, value)| match node(key, source).value {
                Value::Text { text, .. } => Some((text, node(value, source))),
                _ => None,
            };
            Value::Map(map.into_iter().filter_map(entry).collect())
        }
    };
    Node { span, value }
}

impl Source<'_> {
    /// The characters of a scalar as they stand in the file.
    fn slice(&self, at: &Location) -> &str {
        let start = at.span().byte_offset().and_then(|start| usize::try_from(start).ok());
        let length = at.span().byte_len().and_then(|length| usize::try_from(length).ok());
        let rest = start.and_then(|start| self.text.get(start..)).unwrap_or_default();
        length.and_then(|length| rest.get(..length)).unwrap_or_default()
    }

    fn plain(&self, at: &Location) -> Located {
        let Span { line, column, .. } = span_of(at);
        Located { text: self.slice(at).trim().to_owned(), line, column }
    }

    /// A text begins after its quote, or on the line after `|` or `>`.
    fn text(&self, text: String, at: &Location) -> Value {
        let Span { line, column, .. } = span_of(at);
        let (line, column, plain) = match self.slice(at).as_bytes().first() {
            Some(b'"' | b'\'') => (line, column + 1, false),
            Some(b'|' | b'>') => {
                let (line, column) = self.block_start(line);
                (line, column, false)
            }
            _ => (line, column, true),
        };
        Value::Text { text: Located { text, line, column }, plain }
    }

    /// The first character of a block scalar whose header stands on `line`.
    fn block_start(&self, line: u32) -> (u32, u32) {
        let below = (line..).zip(self.lines.iter().skip(line as usize));
        for (above, start) in below {
            let rest = &self.text[*start..];
            let first = rest.lines().next().unwrap_or_default();
            let indent = first.len() - first.trim_start_matches(' ').len();
            if indent < first.len() {
                return (above + 1, indent as u32 + 1);
            }
        }
        (line, 1)
    }
}

fn line_starts(text: &str) -> Vec<usize> {
    let after = text.bytes().enumerate().filter(|(_, byte)| *byte == b'\n').map(|(at, _)| at + 1);
    std::iter::once(0).chain(after).collect()
}

fn span_of(at: &Location) -> Span {
    let number = |value: u64| u32::try_from(value).unwrap_or(u32::MAX);
    Span { line: number(at.line()), column: number(at.column()), length: number(at.span().len()) }
}

/// What the YAML reader says, as our error.
fn refused(file: &str, source: &str, error: &serde_saphyr::Error) -> CompileError {
    let error = error.without_snippet();
    let span = error.location().map(|at| span_of(&at)).unwrap_or_default();
    syntax::explain(file, source, span, &error.to_string())
}

/// Most pieces that all aliases of a file stand for.
const REPLAYED_EVENTS_MAX: usize = 20_000;
