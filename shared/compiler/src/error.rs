//! Why a rule was not compiled. Every error says where, what was expected, what came and what to
//! do about it.

use std::fmt;

use crate::typed::Span;

/// One problem in a rule's source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CompileError {
    /// File, as the caller named it; empty when there is none.
    pub file: String,
    /// Where.
    pub span: Span,
    /// What kind of problem.
    pub kind: ErrorKind,
    /// What was expected.
    pub expected: String,
    /// What came.
    pub found: String,
    /// What to do, often with the nearest name.
    pub hint: String,
}

/// Kinds of problems.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The text does not follow the grammar.
    Syntax,
    /// A name that nobody defined.
    UnknownName,
    /// An expression of the wrong type.
    Type,
    /// Amounts of different or unknown currencies.
    Currency,
    /// A literal that is not a value of its type.
    Literal,
    /// Part of CEL that is left out (LANGUAGE.md says why).
    NotSupported,
    /// Larger, deeper or costlier than allowed.
    TooLarge,
    /// A pack's YAML or its content.
    Pack,
    /// A decision table with a gap or an overlap.
    Table,
    /// An example, or a missing boundary example.
    Example,
}

impl CompileError {
    /// A problem of a pack's, or another source's, YAML or its content.
    pub fn pack(
        file: &str,
        span: Span,
        expected: impl Into<String>,
        found: impl Into<String>,
        hint: impl Into<String>,
    ) -> Self {
        Self {
            file: file.to_owned(),
            span,
            kind: ErrorKind::Pack,
            expected: expected.into(),
            found: found.into(),
            hint: hint.into(),
        }
    }
}

impl fmt::Display for CompileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Span { line, column, .. } = self.span;
        if !self.file.is_empty() {
            write!(f, "{}:", self.file)?;
        }
        write!(f, "{line}:{column}: expected {}, found {}", self.expected, self.found)?;
        if !self.hint.is_empty() {
            write!(f, "; {}", self.hint)?;
        }
        Ok(())
    }
}

impl std::error::Error for CompileError {}
