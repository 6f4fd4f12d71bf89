//! Examples: a request as a caller would send it, and what the rule has to say of it. Numbers keep
//! their digits: nothing goes through a float.

use rules::Outcome;

use super::header::Header;
use super::report::{Fields, Report};
use super::rule::outcome_of;
use crate::draft::Located;
use crate::typed::Span;
use crate::yaml::{Node, Value};

/// An example.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Example {
    /// Its name, unique in the file.
    pub name: Located,
    /// The outcome that the author expects.
    pub outcome: Outcome,
    /// The reason that the author expects, when written.
    pub reason: Option<String>,
    pub(crate) request: Node,
}

impl Example {
    /// The request's bytes. Scope may be left out: it is then the rule's own.
    pub fn body(&self, header: &Header) -> Vec<u8> {
        body(&self.request, header)
    }

    /// The rows of its history.
    pub(crate) fn history(&self) -> &[Node] {
        let Value::Map(entries) = &self.request.value else { return &[] };
        match entries.iter().find(|(key, _)| key.text == "history").map(|(_, node)| &node.value) {
            Some(Value::List(rows)) => rows,
            _ => &[],
        }
    }

    /// Where it stands.
    pub fn span(&self) -> Span {
        self.name.span()
    }
}

const KEYS: [&str; 4] = ["name", "request", "outcome", "reason"];

/// The examples of a rule file.
pub(crate) fn read_all(fields: &Fields<'_>, report: &mut Report) -> Vec<Example> {
    let Some(node) = report.required(fields, "examples") else { return Vec::new() };
    let list = report.list("a list of examples", node);
    if list.is_empty() {
        let hint = "a rule without examples is not built";
        report.pack(node.span, "at least one example", "none", hint);
    }
    let mut examples: Vec<Example> = Vec::with_capacity(list.len());
    for node in list {
        let Some(example) = read(node, report) else { continue };
        if examples.iter().any(|known| known.name.text == example.name.text) {
            let found = format!("{} twice", facts::shown(&example.name.text));
            report.pack(example.span(), "a name of its own for each example", found, "rename one");
        }
        examples.push(example);
    }
    examples
}

fn read(node: &Node, report: &mut Report) -> Option<Example> {
    let fields = report.fields("an example", &KEYS, node)?;
    let name = report.required_text(&fields, "name");
    let request = report.required(&fields, "request");
    let request = request.filter(|node| is_request(node, report));
    let outcome = report.required_text(&fields, "outcome");
    let outcome = outcome.and_then(|text| match text.text.as_str() {
        // A rule may be written to overflow, and an example may say so.
        "error" => Some(Outcome::Error),
        _ => outcome_of(&text, report),
    });
    let reason = report.optional_text(&fields, "reason").map(|text| text.text.trim().to_owned());
    Some(Example { name: name?, outcome: outcome?, reason, request: request?.clone() })
}

/// Whether a request has the keys of one. What else is in it, the caller's own reader says.
fn is_request(node: &Node, report: &mut Report) -> bool {
    let Value::Map(entries) = &node.value else {
        return report.fields("a request", &REQUEST_KEYS, node).is_some();
    };
    if let Some(key) = split_number(node) {
        let hint = "write numbers without separators, such as `15000.00`";
        let found = format!("the key {}", facts::shown(&key.text));
        report.pack(key.span(), "a name before the colon", found, hint);
        return false;
    }
    let misplaced: Vec<&Located> =
        entries.iter().map(|(key, _)| key).filter(|key| is_of_transaction(&key.text)).collect();
    let Some(first) = misplaced.first() else {
        return report.fields("a request", &REQUEST_KEYS, node).is_some();
    };
    let names: Vec<String> = misplaced.iter().map(|key| facts::shown(&key.text)).collect();
    let found = format!("{} beside it", names.join(", "));
    let hint = format!("put it inside: `transaction: {{ {}: … }}`", first.text);
    report.pack(first.span(), "facts inside `transaction`", found, hint);
    false
}

fn is_of_transaction(key: &str) -> bool {
    let names = facts::FIELDS.iter().filter_map(|field| field.name.strip_prefix("transaction."));
    !REQUEST_KEYS.contains(&key)
        && names.chain(["id", "currency", "source", "destination"]).any(|name| name == key)
}

/// The second part of `amount: 15,000.00` between braces.
fn split_number(node: &Node) -> Option<&Located> {
    match &node.value {
        Value::List(list) => list.iter().find_map(split_number),
        Value::Map(entries) => entries.iter().find_map(|(key, value)| {
            let digits = key.text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
            let is_tail = digits && !key.text.is_empty() && value.value == Value::Null;
            is_tail.then_some(key).or_else(|| split_number(value))
        }),
        _ => None,
    }
}

/// Keys of a request that an example may have.
const REQUEST_KEYS: [&str; 10] = [
    "transaction",
    "history",
    "as_of",
    "jurisdictions",
    "domains",
    "metadata",
    "nonce",
    "salt",
    "message",
    "format",
];

/// A request as bytes.
pub(crate) fn body(request: &Node, header: &Header) -> Vec<u8> {
    let mut json = String::with_capacity(256);
    let Value::Map(entries) = &request.value else { return Vec::new() };
    json.push('{');
    for (key, value) in entries {
        write_text(&key.text, &mut json);
        json.push(':');
        write(&key.text, value, &mut json);
        json.push(',');
    }
    for (key, own) in [("jurisdictions", &header.jurisdiction), ("domains", &header.domain)] {
        if !entries.iter().any(|(name, _)| name.text == key) {
            write_text(key, &mut json);
            json.push_str(":[");
            write_text(own, &mut json);
            json.push_str("],");
        }
    }
    json.pop();
    json.push('}');
    json.into_bytes()
}

/// A piece in one line; JSON is YAML too.
pub(crate) fn flow(node: &Node) -> String {
    let mut json = String::new();
    write("", node, &mut json);
    json
}

fn write(key: &str, node: &Node, json: &mut String) {
    match &node.value {
        Value::Null => json.push_str("null"),
        Value::Text { text, plain: true } if is_json_literal(&text.text, key) => {
            json.push_str(&text.text);
        }
        Value::Text { text, .. } => write_text(&text.text, json),
        Value::List(list) => {
            json.push('[');
            for (index, node) in list.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write(key, node, json);
            }
            json.push(']');
        }
        Value::Map(entries) => {
            json.push('{');
            for (index, (key, node)) in entries.iter().enumerate() {
                if index > 0 {
                    json.push(',');
                }
                write_text(&key.text, json);
                json.push(':');
                write(&key.text, node, json);
            }
            json.push('}');
        }
    }
}

/// `true`, `false`, and amounts as JSON spells numbers; all else is a text, so that an account
/// may be written without quotes.
fn is_json_literal(text: &str, key: &str) -> bool {
    if text == "true" || text == "false" {
        return true;
    }
    if key != "amount" {
        return false;
    }
    let digits = text.strip_prefix('-').unwrap_or(text);
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, "0"));
    let plain = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    plain(whole) && plain(fraction) && (whole == "0" || !whole.starts_with('0'))
}

fn write_text(text: &str, json: &mut String) {
    // A text is always JSON.
    json.push_str(&serde_json::Value::from(text).to_string());
}
