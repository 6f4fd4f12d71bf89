//! What a rule file says about the rule as a whole: name, scope, dates, source of law.

use facts::{Date, Domain, Jurisdiction, Millis};
use rules::{NAME_BYTES_MAX, PROSE_BYTES_MAX};

use super::report::{Fields, Report};
use crate::draft::Located;
use crate::yaml::{Node, Value};

/// The head of a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Header {
    /// Identifier, such as `us.bsa.ctr`.
    pub id: String,
    /// Version, such as `1.0.0`.
    pub version: String,
    /// One line for people.
    pub title: String,
    /// Jurisdiction, such as `US`.
    pub jurisdiction: String,
    /// Domain, such as `AML`.
    pub domain: String,
    /// First instant in force.
    pub effective_from: Millis,
    /// First instant no longer in force.
    pub effective_to: Option<Millis>,
    /// The law it comes from, in one text.
    pub citation: String,
}

/// Its keys.
pub(crate) const KEYS: [&str; 8] = [
    "id",
    "version",
    "title",
    "jurisdiction",
    "domain",
    "effective_from",
    "effective_to",
    "citation",
];

const CITATION_KEYS: [&str; 5] = ["law", "url", "read", "seen", "note"];

/// The head, or what is wrong with it.
pub(crate) fn read(fields: &Fields<'_>, report: &mut Report) -> Option<Header> {
    let id = name(fields, "id", report);
    let id = id.filter(|id| is_id(id, report));
    let version = name(fields, "version", report);
    let title = prose(fields, "title", report);
    let jurisdiction = report.required_text(fields, "jurisdiction");
    let jurisdiction = jurisdiction.and_then(|text| report.parsed(&text, Jurisdiction::parse));
    let domain = report.required_text(fields, "domain");
    let domain = domain.and_then(|text| report.parsed(&text, Domain::parse));
    let from = report.required_text(fields, "effective_from");
    let from = from.and_then(|text| report.parsed(&text, Millis::parse));
    let to = report.optional_text(fields, "effective_to");
    let end = to.as_ref().and_then(|text| report.parsed(text, Millis::parse));
    if let (Some(from), Some(end), Some(text)) = (from, end, &to)
        && end <= from
    {
        let hint = "effective_to is the first instant at which the rule is no longer in force";
        report.pack(text.span(), format!("a time after {from}"), end.to_string(), hint);
    }
    let citation = report.required(fields, "citation");
    let citation = citation.and_then(|node| citation_of(node, report));
    Some(Header {
        id: id?.text,
        version: version?.text,
        title: title?.text,
        jurisdiction: jurisdiction?.as_str().to_owned(),
        domain: domain?.as_str().to_owned(),
        effective_from: from?,
        effective_to: end,
        citation: citation?,
    })
}

/// A text of a bundle's name length.
pub(crate) fn name(fields: &Fields<'_>, key: &str, report: &mut Report) -> Option<Located> {
    bounded(fields, key, NAME_BYTES_MAX, report)
}

/// A text of a bundle's prose length.
pub(crate) fn prose(fields: &Fields<'_>, key: &str, report: &mut Report) -> Option<Located> {
    bounded(fields, key, PROSE_BYTES_MAX, report)
}

/// Whether a text is an identifier.
pub(crate) fn is_id(id: &Located, report: &mut Report) -> bool {
    let known = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    let sound =
        id.text.starts_with(|c: char| c.is_ascii_alphanumeric()) && id.text.chars().all(known);
    if !sound {
        let expected = "an identifier of lower-case letters, digits, `.`, `-` and `_`";
        report.pack(id.span(), expected, facts::shown(&id.text), "such as us.bsa.ctr");
    }
    sound
}

fn bounded(
    fields: &Fields<'_>,
    key: &str,
    bytes_max: usize,
    report: &mut Report,
) -> Option<Located> {
    let text = report.required_text(fields, key)?;
    is_bounded(&text, key, bytes_max, report).then_some(text)
}

fn is_bounded(text: &Located, key: &str, bytes_max: usize, report: &mut Report) -> bool {
    let length = text.text.len();
    let fits = (1..=bytes_max).contains(&length);
    if !fits {
        let expected = format!("1 to {bytes_max} bytes for `{key}`");
        report.pack(text.span(), expected, format!("{length} bytes"), "");
    }
    fits
}

/// `law; url; read date, primary source; note`: one text, always put together the same way.
fn citation_of(node: &Node, report: &mut Report) -> Option<String> {
    if let Value::Text { text, .. } = &node.value {
        return is_bounded(text, "citation", PROSE_BYTES_MAX, report).then(|| text.text.clone());
    }
    let fields = report.fields("a citation", &CITATION_KEYS, node)?;
    let law = prose(&fields, "law", report);
    let url = report.optional_text(&fields, "url");
    if let Some(url) = url.as_ref().filter(|url| !is_url(&url.text)) {
        let found = facts::shown(&url.text);
        report.pack(url.span(), "an address that begins with https://", found, "");
    }
    let read = report.required_text(&fields, "read");
    let read = read.and_then(|text| report.parsed(&text, Date::parse));
    let seen = report.required_text(&fields, "seen")?;
    let seen = report.named(
        "`primary`, or `secondary` when only a summary was read",
        &seen,
        &["primary", "secondary"],
        |name| Some(name.to_owned()).filter(|name| name == "primary" || name == "secondary"),
    );
    let note = report.optional_text(&fields, "note");
    let mut parts = vec![law?.text];
    parts.extend(url.map(|url| url.text));
    parts.push(format!("read {}, {} source", read?, seen?));
    parts.extend(note.map(|note| note.text.trim().to_owned()));
    let text =
        Located { text: parts.join("; "), line: fields.span.line, column: fields.span.column };
    is_bounded(&text, "citation", PROSE_BYTES_MAX, report).then_some(text.text)
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
}
