//! Reading keys of a mapping, and all that is wrong with them at once. It must never let an
//! unknown key pass.

use crate::draft::Located;
pub(crate) use crate::front::did_you_mean;
use crate::typed::Span;
use crate::yaml::{Node, Value};
use crate::{CompileError, ErrorKind};

/// The problems of one file, in the order in which they were found.
#[derive(Debug)]
pub(crate) struct Report {
    file: String,
    /// What was found.
    pub(crate) errors: Vec<CompileError>,
}

impl Report {
    /// Nothing found in `file` yet.
    pub(crate) fn of(file: &str) -> Self {
        Self { file: file.to_owned(), errors: Vec::new() }
    }

    /// A problem with the pack's content.
    pub(crate) fn pack(
        &mut self,
        span: Span,
        expected: impl Into<String>,
        found: impl Into<String>,
        hint: impl Into<String>,
    ) {
        self.errors.push(CompileError::pack(&self.file, span, expected, found, hint));
    }

    /// A problem of another kind.
    pub(crate) fn add(
        &mut self,
        kind: ErrorKind,
        span: Span,
        expected: impl Into<String>,
        found: impl Into<String>,
        hint: impl Into<String>,
    ) {
        let error = CompileError::pack(&self.file, span, expected, found, hint);
        self.errors.push(CompileError { kind, ..error });
    }

    /// The value when nothing is wrong.
    pub(crate) fn finish<T>(self, value: Option<T>) -> Result<T, Vec<CompileError>> {
        match value {
            Some(value) if self.errors.is_empty() => Ok(value),
            _ => {
                let mut errors = self.errors;
                errors.sort_by_key(|error| (error.span.line, error.span.column));
                Err(errors)
            }
        }
    }

    /// A scalar.
    pub(crate) fn text(&mut self, what: &str, node: &Node) -> Option<Located> {
        if let Value::Text { text, .. } = &node.value {
            return Some(text.clone());
        }
        let hint = match &node.value {
            Value::Null => "write a value; quote a text that begins with `!`, `#`, `{` or `[`",
            _ => "quote a text that begins with `{` or `[`",
        };
        self.pack(node.span, what, node.describe(), hint);
        None
    }

    /// A list; nothing is an empty one.
    pub(crate) fn list<'n>(&mut self, what: &str, node: &'n Node) -> &'n [Node] {
        match &node.value {
            Value::List(list) => return list,
            Value::Null => {}
            _ => self.pack(node.span, what, node.describe(), "write a list: `[a, b]`"),
        }
        &[]
    }

    /// The texts of a list.
    pub(crate) fn texts(&mut self, what: &str, node: &Node) -> Vec<Located> {
        let list = self.list(&format!("a list of {what}"), node);
        list.iter().filter_map(|entry| self.text(what, entry)).collect()
    }

    /// A mapping that has none but these keys.
    pub(crate) fn fields<'n>(
        &mut self,
        what: &'static str,
        known: &[&str],
        node: &'n Node,
    ) -> Option<Fields<'n>> {
        let Value::Map(entries) = &node.value else {
            let hint = format!("its keys are {}", known.join(", "));
            self.pack(node.span, what, node.describe(), hint);
            return None;
        };
        for (key, _) in entries {
            if !known.contains(&key.text.as_str()) {
                let hint = match key.text.starts_with(|c: char| c.is_ascii_digit()) {
                    // `{ value: 10,000.00 USD }` is two entries.
                    true => "write numbers without separators, such as `10000.00`".to_owned(),
                    false => did_you_mean(&key.text, known.iter().copied()),
                };
                let found = format!("the key {}", facts::shown(&key.text));
                self.pack(key.span(), format!("a key of {what}"), found, hint);
            }
        }
        Some(Fields { what, entries, span: node.span })
    }

    /// The value of a required key.
    pub(crate) fn required<'n>(&mut self, fields: &Fields<'n>, key: &str) -> Option<&'n Node> {
        let found = fields.find(key);
        if found.is_none() {
            let expected = format!("the key `{key}`");
            let hint = match key {
                "otherwise" => {
                    "add what the rule says when no case holds:\n  otherwise:\n    \
                                reason: \"not more than the threshold\""
                }
                "examples" if fields.what == "a rule file" => {
                    "add what a caller would send and what the rule says of it:\n  examples:\n    \
                     - { name: a wire, outcome: pass, request: { transaction: { id: t, \
                     type: wire_transfer, amount: \"5.00\", currency: USD } } }"
                }
                _ => "add it",
            };
            self.pack(fields.span, expected, format!("{} without it", fields.what), hint);
        }
        found
    }

    /// The text of a required key.
    pub(crate) fn required_text(&mut self, fields: &Fields<'_>, key: &str) -> Option<Located> {
        let node = self.required(fields, key)?;
        self.text(&format!("a text for `{key}`"), node)
    }

    /// The text of a key that may be left out.
    pub(crate) fn optional_text(&mut self, fields: &Fields<'_>, key: &str) -> Option<Located> {
        let node = fields.find(key).filter(|node| node.value != Value::Null)?;
        self.text(&format!("a text for `{key}`"), node)
    }

    /// A value that another crate parses, with its words about what is wrong.
    pub(crate) fn parsed<T>(
        &mut self,
        text: &Located,
        parse: impl FnOnce(&str) -> Result<T, facts::FactsError>,
    ) -> Option<T> {
        let fault = match parse(&text.text) {
            Ok(value) => return Some(value),
            Err(fault) => fault,
        };
        self.pack(text.span(), fault.expected(), fault.found(), fault.remedy());
        None
    }

    /// One of a closed list of names.
    pub(crate) fn named<T>(
        &mut self,
        what: &str,
        text: &Located,
        names: &[&str],
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let parsed = parse(&text.text);
        if parsed.is_none() {
            let hint = did_you_mean(&text.text, names.iter().copied());
            self.pack(text.span(), what, facts::shown(&text.text), hint);
        }
        parsed
    }
}

/// A mapping whose keys are known.
pub(crate) struct Fields<'n> {
    what: &'static str,
    entries: &'n [(Located, Node)],
    /// Where it stands.
    pub(crate) span: Span,
}

impl<'n> Fields<'n> {
    /// The value of a key.
    pub(crate) fn find(&self, key: &str) -> Option<&'n Node> {
        self.entries.iter().find(|(name, _)| name.text == key).map(|(_, node)| node)
    }

    /// The key itself, for errors about it.
    pub(crate) fn key(&self, key: &str) -> Option<&'n Located> {
        self.entries.iter().find(|(name, _)| name.text == key).map(|(name, _)| name)
    }
}
