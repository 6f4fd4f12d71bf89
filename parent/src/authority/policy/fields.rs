//! Keys of a mapping: each known, each once, none left over in silence; and values that say where
//! they stand when they are wrong.

use std::fmt::Display;

use compiler::draft::Located;
use compiler::typed::Span;
use compiler::yaml::{Node, Value};
use compiler::{CompileError, did_you_mean};
use crypto::VerifyingKey;
use facts::Millis;

use super::super::arguments;

type Read<T> = Result<T, CompileError>;

/// A mapping being read.
pub(super) struct Fields<'n> {
    file: &'n str,
    span: Span,
    entries: Vec<(&'n Located, &'n Node)>,
}

impl<'n> Fields<'n> {
    /// Refuses keys that are not `known`, or, with `registers`, `pcr0` to `pcr31`.
    pub(super) fn of(
        file: &'n str,
        node: &'n Node,
        known: &[&str],
        registers: bool,
    ) -> Read<Fields<'n>> {
        let Value::Map(map) = &node.value else {
            let hint = format!("keys: {}", known.join(", "));
            return Err(CompileError::pack(file, node.span, "a mapping", node.describe(), hint));
        };
        let mut entries: Vec<(&Located, &Node)> = Vec::new();
        for (key, value) in map {
            let name = key.text.as_str();
            if !(known.contains(&name) || (registers && register(name).is_some())) {
                let first_register = registers.then_some("pcr0");
                let expected = known.iter().copied().chain(first_register);
                let hint = match did_you_mean(name, expected.clone()) {
                    none if none.is_empty() => {
                        format!("known keys: {}", expected.collect::<Vec<_>>().join(", "))
                    }
                    hint => hint,
                };
                return Err(CompileError::pack(
                    file,
                    key.span(),
                    "a known key",
                    format!("`{name}`"),
                    hint,
                ));
            }
            if entries.iter().any(|(other, _)| other.text == name) {
                let (found, hint) = (format!("`{name}` again"), "write it once");
                return Err(CompileError::pack(file, key.span(), "each key once", found, hint));
            }
            entries.push((key, value));
        }
        Ok(Self { file, span: node.span, entries })
    }

    /// A key's value, unless it is absent or empty.
    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        let entry = self.entries.iter().find(|(name, _)| name.text == key);
        entry.map(|(_, node)| *node).filter(|node| !matches!(node.value, Value::Null))
    }

    pub(super) fn need(&self, key: &str) -> Read<&'n Node> {
        self.get(key).ok_or_else(|| {
            let found = format!("no `{key}`");
            CompileError::pack(self.file, self.span, format!("a key `{key}`"), found, "add it")
        })
    }

    /// The registers, by index.
    pub(super) fn registers(&self) -> impl Iterator<Item = (u8, &'n Node)> {
        self.entries.iter().filter_map(|(name, node)| Some((register(&name.text)?, *node)))
    }

    pub(super) fn file(&self) -> &'n str {
        self.file
    }

    /// Entries of a list; none where the key is absent.
    pub(super) fn list(&self, key: &str) -> Read<&'n [Node]> {
        match self.get(key) {
            None => Ok(&[]),
            Some(Node { value: Value::List(list), .. }) => Ok(list),
            Some(other) => {
                let hint = format!("write `{key}:` and below it lines that begin with `- `");
                Err(CompileError::pack(self.file, other.span, "a list", other.describe(), hint))
            }
        }
    }

    pub(super) fn text(&self, key: &str) -> Read<String> {
        text(self.file, self.need(key)?).map(str::to_owned)
    }

    pub(super) fn parsed<T, E: Display>(
        &self,
        key: &str,
        expected: &str,
        parse: impl FnOnce(&str) -> Result<T, E>,
    ) -> Read<T> {
        parsed(self.file, self.need(key)?, expected, parse)
    }

    pub(super) fn time(&self, key: &str) -> Read<Millis> {
        self.parsed(key, "a time such as 2026-01-01T00:00:00Z", Millis::parse)
    }

    pub(super) fn key(&self, key: &str) -> Read<VerifyingKey> {
        self.parsed(key, "a did:key", VerifyingKey::from_did_key)
    }

    pub(super) fn number(&self, key: &str) -> Read<u64> {
        self.parsed(key, "a whole number", str::parse::<u64>)
    }

    /// A span of time, or `default` where the key is absent.
    pub(super) fn duration_ms(&self, key: &str, default: u64) -> Read<u64> {
        match self.get(key) {
            None => Ok(default),
            Some(node) => {
                let expected = "a time such as 30s, 5m or 12h";
                Ok(parsed(self.file, node, expected, arguments::duration)?.ms)
            }
        }
    }
}

pub(super) fn text<'n>(file: &str, node: &'n Node) -> Read<&'n str> {
    match &node.value {
        Value::Text { text, .. } => Ok(&text.text),
        _ => Err(CompileError::pack(file, node.span, "a text", node.describe(), "")),
    }
}

pub(super) fn parsed<T, E: Display>(
    file: &str,
    node: &Node,
    expected: &str,
    parse: impl FnOnce(&str) -> Result<T, E>,
) -> Read<T> {
    parse(text(file, node)?).map_err(|error| {
        CompileError::pack(file, node.span, expected, node.describe(), error.to_string())
    })
}

/// `pcr16` is 16.
fn register(name: &str) -> Option<u8> {
    let index = name.strip_prefix("pcr")?.parse::<u8>().ok()?;
    (index < 32 && name == format!("pcr{index}")).then_some(index)
}
