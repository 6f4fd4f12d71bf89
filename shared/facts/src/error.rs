//! The one error of this crate: where, what was expected, what came, and what to do. It must
//! never repeat more than `ERROR_CHARS_MAX` characters of the caller's data, nor a raw control
//! character of it, nor any of a salt.

use std::borrow::Cow;

use crate::ERROR_CHARS_MAX;

/// Why a request was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}: expected {expected}, found {found}", place(path))]
pub struct FactsError {
    kind: ErrorKind,
    path: String,
    expected: Cow<'static, str>,
    found: Cow<'static, str>,
    remedy: Cow<'static, str>,
}

/// The kinds of refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The body is longer than `REQUEST_BYTES_MAX`.
    BodyTooLarge,
    /// The body is not UTF-8.
    NotUtf8,
    /// The body is not one JSON value.
    Syntax,
    /// `metadata` nests deeper than `METADATA_DEPTH_MAX`.
    TooDeep,
    /// A JSON value of the wrong type.
    WrongType,
    /// A key that this object does not have.
    UnknownField,
    /// A key that came twice.
    DuplicateField,
    /// A required key that did not come, or came empty.
    MissingField,
    /// A name outside a closed list: type, direction, jurisdiction, domain.
    UnknownName,
    /// Not an amount in plain decimal digits, or not one of that currency.
    Amount,
    /// Neither an active ISO 4217 code nor a listed token.
    Currency,
    /// Not an ISO 3166-1 alpha-2 code.
    Country,
    /// Not a time as RFC 3339 writes it, or outside 1970 to 9999.
    Time,
    /// Not a day as `YYYY-MM-DD`, or outside 1850 to 9999.
    Date,
    /// Not an integer of the range.
    Number,
    /// A text that is too long or has control characters.
    Text,
    /// Not lower-case hexadecimal of the right length.
    Hex,
    /// An array with too many or too few elements.
    Count,
    /// A history row later than the time of evaluation.
    AfterAsOf,
    /// An embedded message that is not well-formed, of a kind that is not read, or more than
    /// one transfer.
    Message,
    /// A fact that the message and the transaction beside it state differently.
    Contradiction,
    /// The record would be longer than `RECORD_BYTES_MAX`.
    RecordTooLarge,
}

impl FactsError {
    /// What kind of refusal this is.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// Where: a path such as `history[3].currency`; empty for the whole body.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// What was expected there.
    pub fn expected(&self) -> &str {
        &self.expected
    }

    /// What came, cut to `ERROR_CHARS_MAX` characters.
    pub fn found(&self) -> &str {
        &self.found
    }

    /// What the caller can do about it, in a few words.
    pub fn remedy(&self) -> &str {
        &self.remedy
    }

    /// A refusal of the whole body. What is said of the caller's data must be `shown`.
    pub fn new(
        kind: ErrorKind,
        expected: impl Into<Cow<'static, str>>,
        found: impl Into<Cow<'static, str>>,
        remedy: impl Into<Cow<'static, str>>,
    ) -> Self {
        let (expected, found, remedy) = (expected.into(), found.into(), remedy.into());
        FactsError { kind, path: String::new(), expected, found, remedy }
    }

    /// The same refusal at `path`.
    pub fn at(mut self, path: String) -> Self {
        self.path = path;
        self
    }
}

/// The caller's text in back quotes, cut and escaped.
pub fn shown(text: &str) -> String {
    format!("`{}`", clipped(text))
}

/// The caller's text, cut and escaped.
pub(crate) fn clipped(text: &str) -> String {
    let mut out = String::new();
    let mut chars = text.chars();
    for c in chars.by_ref().take(ERROR_CHARS_MAX) {
        if is_plain(c) { out.push(c) } else { out.extend(c.escape_unicode()) }
    }
    if chars.next().is_some() {
        out.push('…');
    }
    out
}

/// Which known name the caller may have meant, as a remedy; the whole list when none is near.
pub fn suggestion(came: &str, known: &[&'static str]) -> String {
    match nearest(came, known) {
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("use one of: {}", known.join(", ")),
    }
}

/// The nearest of `known`, when it is near enough to be meant.
fn nearest(came: &str, known: &[&'static str]) -> Option<&'static str> {
    if let Some(name) = known.iter().find(|name| name.eq_ignore_ascii_case(came)) {
        return Some(name);
    }
    if came.len() > COMPARED_BYTES_MAX {
        return None;
    }
    let near = known.iter().map(|name| (edit_distance(came.as_bytes(), name.as_bytes()), *name));
    let (distance, name) = near.min()?;
    (distance <= DISTANCE_MAX && distance < name.len().min(came.len())).then_some(name)
}

/// How messages call a path.
fn place(path: &str) -> &str {
    if path.is_empty() { "request body" } else { path }
}

/// Levenshtein distance, one row at a time.
fn edit_distance(a: &[u8], b: &[u8]) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let replace = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = replace.min(diagonal + 1).min(row[j] + 1);
        }
    }
    row[b.len()]
}

/// Neither a control character nor one that reorders or hides its neighbours on a terminal.
fn is_plain(c: char) -> bool {
    !c.is_control()
        && !matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}')
}

const COMPARED_BYTES_MAX: usize = 32;
const DISTANCE_MAX: usize = 3;
