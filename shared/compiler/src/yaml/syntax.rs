//! What is wrong with a text that is no YAML, in words for somebody who writes rules. It must never
//! repeat advice of the YAML reader: that is meant for programmers.

use crate::CompileError;
use crate::typed::Span;

/// What the YAML reader says, as our error. The span is where it stopped.
pub(super) fn explain(file: &str, source: &str, mut span: Span, said: &str) -> CompileError {
    if span.line == 0 {
        span = Span::WHOLE_FILE;
    }
    span.length = span.length.min(source.len() as u32);
    let said = said.lines().next().unwrap_or_default();
    let said = said.split(" at line ").next().unwrap_or_default();
    if let Some(key) = said.strip_prefix("duplicate mapping key: ") {
        let key = key.split(", set ").next().unwrap_or_default();
        let found = format!("the duplicate key {}", facts::shown(key));
        return CompileError::pack(file, span, "each key once", found, "remove one of the two");
    }
    if said.contains("multiple YAML documents") {
        let hint = "remove the line `---`, or write a file for each";
        return CompileError::pack(
            file,
            span,
            "one document in a file",
            "another after `---`",
            hint,
        );
    }
    let before = lines_before(source, span.line);
    if said.contains("mapping values are not allowed")
        && let Some((line, word)) = glued(&before)
    {
        let number = span.line - 1 - line as u32;
        let column = before.get(line).map_or(1, |text| blanks(text) as u32 + 1);
        let span = Span { line: number, column, length: word.chars().count() as u32 };
        let hint = format!("write `{}`", word.replacen(':', ": ", 1));
        return CompileError::pack(file, span, "a blank after the colon", facts::shown(word), hint);
    }
    let here = source.lines().nth(span.line as usize - 1).unwrap_or_default();
    let found = said.split("; use ").next().unwrap_or_default();
    CompileError::pack(file, span, "YAML", found, hint(said, here))
}

/// The one thing to try first.
fn hint(said: &str, line: &str) -> &'static str {
    let indent = line.len() - line.trim_start().len();
    let is_tab = said.contains("tabs disallowed") || line[..indent].contains('\t');
    if is_tab && !said.contains("bracket") {
        return "indent with blanks: a tab is not allowed there";
    }
    if said.contains("mapping values are not allowed") && line.matches(": ").count() > 1 {
        return "quote a text that has `: ` in it";
    }
    let known = HINTS.iter().find(|(part, _)| said.contains(part));
    known.map_or("", |(_, hint)| hint)
}

/// Parts of what the YAML reader says, and what to do.
const HINTS: [(&str, &str); 17] = [
    ("mapping values are not allowed", INDENT),
    ("did not find expected key", INDENT),
    ("did not find expected '-'", INDENT),
    ("multiline quoted scalar", "close the quote of the text that begins above"),
    ("illegal placement of ':'", "close the bracket that is open above"),
    ("unclosed bracket", "close the bracket, or quote a text that begins with `{` or `[`"),
    ("misplaced bracket", "remove the bracket, or quote a text that begins with one"),
    ("unsupported tag", "quote a text that begins with `!`"),
    ("unknown anchor", "quote a text that begins with `*`"),
    ("unexpected character", "quote a text that begins with this character, or remove it"),
    ("trailing content", "put the whole text between quotes"),
    ("unknown escape", "between double quotes write `\\\\` for a `\\`, or use single quotes"),
    ("block scalar", "quote a text that begins with `|` or `>`"),
    ("limit exceeded", "write the texts out instead of `*name`"),
    ("udget", "write the texts out instead of `*name`"),
    ("merge value", "write the keys out instead of `<<`"),
    ("a key is a text", "write `key: value`, where the key is a word"),
];
const INDENT: &str = "indent like the line above, or quote a text that has `: ` in it";

/// The lines above, from the nearest.
fn lines_before(source: &str, line: u32) -> Vec<&str> {
    let mut lines: Vec<&str> = source.lines().take(line.saturating_sub(1) as usize).collect();
    lines.reverse();
    lines
}

fn blanks(line: &str) -> usize {
    line.chars().take_while(|c| *c == ' ').count()
}

/// `outcome:report` on the nearest line that is not blank, and how far above.
fn glued<'s>(before: &[&'s str]) -> Option<(usize, &'s str)> {
    let index = before.iter().position(|line| !line.trim().is_empty())?;
    let word = before[index].trim();
    let (key, value) = word.split_once(':')?;
    let is_key =
        !key.is_empty() && key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    (is_key && !value.is_empty() && !value.starts_with(' ')).then_some((index, word))
}
