//! Problems of a pack for people: where, the line itself, what to do.

use std::fmt::Write as _;

use compiler::CompileError;
use compiler::pack::Files;

/// All problems, each with its source line and a caret.
pub(crate) fn describe(files: &dyn Files, errors: &[CompileError]) -> String {
    let mut text = String::new();
    for error in errors {
        let source = files.read(&error.file).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        one(&mut text, error, source.as_deref());
    }
    let files: std::collections::BTreeSet<_> = errors.iter().map(|error| &error.file).collect();
    let (problems, files) = (counted(errors.len(), "problem"), counted(files.len(), "file"));
    let _ = write!(text, "{problems} in {files}");
    text
}

/// `1 file`, `2 files`.
pub(crate) fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}

fn one(text: &mut String, error: &CompileError, source: Option<&str>) {
    let CompileError { file, span, expected, found, hint, .. } = error;
    let (line, column) = (span.line, span.column);
    // Writing to a String does not fail.
    let _ = writeln!(text, "{file}:{line}:{column}: expected {expected}, found {found}");
    let written = source.and_then(|source| source.lines().nth(line.max(1) as usize - 1));
    if let Some(written) = written.filter(|_| line > 0) {
        let (number, gap) = (line.to_string(), line.to_string().len());
        let (written, column) = cut(written, column.max(1) as usize);
        let room = written.chars().count().saturating_sub(column - 1).max(1);
        let carets = "^".repeat((span.length.max(1) as usize).min(room));
        let indent: String = written.chars().take(column - 1).map(blank).collect();
        let _ = writeln!(text, "  {number} | {written}");
        let _ = writeln!(text, "  {:gap$} | {indent}{carets}", "");
    }
    for line in hint.lines() {
        // Lines that are meant to be copied stand alone.
        let mark = if line.starts_with(' ') { "    " } else { "  = " };
        let _ = writeln!(text, "{mark}{line}");
    }
    text.push('\n');
}

/// A tab stays one, so that the caret stands under its text.
fn blank(c: char) -> char {
    if c == '\t' { c } else { ' ' }
}

/// A part of a long line around the column, and the column in it.
fn cut(written: &str, column: usize) -> (String, usize) {
    let count = written.chars().count();
    if count <= LINE_CHARS_MAX {
        return (written.to_owned(), column);
    }
    let start = column.saturating_sub(LINE_CHARS_MAX / 2).min(count - LINE_CHARS_MAX);
    (written.chars().skip(start).take(LINE_CHARS_MAX).collect(), column - start)
}

/// Longest source line that is shown whole, in characters.
const LINE_CHARS_MAX: usize = 160;
