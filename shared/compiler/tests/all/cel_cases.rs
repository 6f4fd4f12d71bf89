//! The CEL conformance cases: read from the corpus and sorted into those that this language runs,
//! those that its checker must refuse, and those that use a part of CEL that is left out. The
//! rules of sorting are those of LANGUAGE.md, section 11; no case is named.

use std::path::PathBuf;

use compiler::CompileError;
use compiler::front::{Scope, check_condition_in};
use compiler::typed::Program;

use super::cel_sort::{left_out, names_of};
use super::textproto::{self, Node};

/// What a case wants.
#[derive(Debug, Clone, PartialEq)]
pub enum Expected {
    /// The expression equals this literal.
    Value(String),
    /// An error: the checker refuses, or the evaluation ends in a fault.
    Fault,
    /// The case is for evaluators without a checker: the checker must refuse it.
    Refused,
    /// It uses what LANGUAGE.md leaves out, for that reason.
    Skipped(&'static str),
}

/// One case.
#[derive(Debug, Clone)]
pub struct CelCase {
    /// File, section and name.
    pub name: String,
    /// The expression.
    pub expr: String,
    /// What its variables are bound to: names and literals.
    pub bindings: Vec<(String, String)>,
    /// What it wants.
    pub expected: Expected,
}

impl CelCase {
    /// A program whose one condition says that the expression has the expected value. Of a case
    /// that wants a fault, the condition compares the expression with something of its type.
    pub fn program(&self) -> Result<Program, CompileError> {
        match &self.expected {
            Expected::Value(literal) => self.compared(literal),
            _ => self.compared("[]").or_else(|_| self.compared("the_value")),
        }
    }

    fn compared(&self, literal: &str) -> Result<Program, CompileError> {
        let mut lets = self.bindings.clone();
        // A let of its own: parentheses around it would be one level more of nesting.
        lets.push(("the_value".to_owned(), self.expr.clone()));
        let scope = Scope { lets, ..Scope::default() };
        check_condition_in(&format!("the_value == {literal}"), &scope)
    }
}

/// All cases of all files, or `None` where the corpus is absent.
pub fn cel_cases() -> Option<Vec<CelCase>> {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/corpora/cel-spec");
    let mut paths: Vec<PathBuf> =
        std::fs::read_dir(root).ok()?.map(|entry| entry.expect("entry").path()).collect();
    paths.sort();
    let mut cases = Vec::new();
    for path in paths.iter().filter(|path| path.extension().is_some_and(|e| e == "textproto")) {
        let file = textproto::read(&std::fs::read_to_string(path).expect("a readable file"));
        for section in file.all("section") {
            let place = format!("{}/{}", file.text("name"), section.text("name"));
            cases.extend(section.all("test").map(|test| case(&place, test)));
        }
    }
    Some(cases)
}

fn case(place: &str, test: &Node) -> CelCase {
    let expr = test.text("expr");
    let name = format!("{place}/{}", test.text("name"));
    let used = names_of(&expr);
    let mut bindings = Vec::new();
    let mut reason = left_out(&expr);
    if !test.text("container").is_empty() {
        reason = reason.or(Some("container"));
    }
    for binding in test.all("bindings") {
        let key = binding.text("key");
        let value = binding.first("value").and_then(|value| value.first("value"));
        match value.map(literal) {
            // What nothing uses need not be bound, and keywords cannot be.
            _ if !used.contains(&key) || ["true", "false", "null"].contains(&key.as_str()) => {
                if key.contains('.') {
                    reason = reason.or(Some("container"));
                }
            }
            Some(Ok(literal)) => bindings.push((key, literal)),
            Some(Err(why)) => reason = reason.or(Some(why)),
            None => reason = reason.or(Some("message")),
        }
    }
    let typed = test.first("typed_result").and_then(|typed| typed.first("result"));
    let wants_error = test.first("eval_error").is_some() || test.first("any_eval_errors").is_some();
    let expected = match test.first("value").or(typed).map(literal) {
        Some(Err(why)) => Expected::Skipped(reason.unwrap_or(why)),
        _ if reason.is_some() => Expected::Skipped(reason.unwrap_or_default()),
        _ if test.text("disable_check") == "true" => Expected::Refused,
        _ if wants_error => Expected::Fault,
        Some(Ok(literal)) => Expected::Value(literal),
        None if test.first("typed_result").is_some() => Expected::Skipped("message"),
        None => Expected::Value("true".to_owned()),
    };
    CelCase { name, expr, bindings, expected }
}

/// A value of the corpus as a literal of CEL, or why there is none.
fn literal(value: &Node) -> Result<String, &'static str> {
    let Node::Message(fields) = value else { return Err("message") };
    let Some((kind, value)) = fields.first() else { return Err("message") };
    let bytes = |value: &Node| match value {
        Node::Bytes(bytes) => bytes.clone(),
        _ => Vec::new(),
    };
    match (kind.as_str(), value) {
        ("int64_value" | "bool_value", Node::Word(word)) => Ok(word.clone()),
        ("uint64_value", Node::Word(word)) => Ok(format!("{word}u")),
        ("bytes_value", _) => {
            let escaped: String =
                bytes(value).iter().map(|byte| format!("\\x{byte:02x}")).collect();
            Ok(format!("b\"{escaped}\""))
        }
        ("string_value", _) => {
            let text = String::from_utf8(bytes(value)).expect("UTF-8 text");
            let escaped: String =
                text.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect();
            Ok(format!("\"{escaped}\""))
        }
        ("list_value", list) => {
            let elements: Vec<String> =
                list.all("values").map(literal).collect::<Result<_, _>>()?;
            Ok(format!("[{}]", elements.join(", ")))
        }
        ("double_value", _) => Err("double"),
        ("null_value", _) => Err("null"),
        ("map_value", _) => Err("map"),
        ("type_value", _) => Err("type value"),
        _ => Err("message"),
    }
}
