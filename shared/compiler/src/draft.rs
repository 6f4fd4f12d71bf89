//! One rule as its author wrote it, read from YAML but not understood yet: the checker turns it
//! into a typed program. Every piece of source knows where it stands in the file.

use rules::{Outcome, Severity};

use crate::data::{Calendar, Rates};

/// A piece of source text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Located {
    /// The text.
    pub text: String,
    /// Line in the file where it begins, from 1.
    pub line: u32,
    /// Column in characters where it begins, from 1.
    pub column: u32,
}

/// A parameter: a constant with a name and a type.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Param {
    /// Its name; rules write `params.name`.
    pub name: Located,
    /// `int`, `bool`, `string`, `duration`, `timestamp`, `decimal`, `money`, `country`,
    /// `[string]`, `[country]`, `[currency]`, `[int]`, `[decimal]`, `[money]`, `type` or `[type]`
    /// (transaction types).
    pub ty: Located,
    /// Its value in the form of its type: `10000.00 USD`, `24h`, `[a, b]` (see LANGUAGE.md).
    pub value: Vec<Located>,
    /// Whether the value was written as a YAML list.
    pub is_list: bool,
}

/// A case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftCase {
    /// The condition.
    pub when: Located,
    /// What follows.
    pub decision: DraftDecision,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DraftDecision {
    /// Outcome.
    pub outcome: Outcome,
    /// How grave.
    pub severity: Severity,
    /// Text with `{expression}` for values; `{{` and `}}` are braces.
    pub reason: Located,
}

/// One rule as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    /// Parameters in the order of the file.
    pub params: Vec<Param>,
    /// Named expressions in the order of the file.
    pub lets: Vec<(Located, Located)>,
    /// Cases in the order of the file.
    pub cases: Vec<DraftCase>,
    /// When no case holds.
    pub otherwise: DraftDecision,
    /// Severity of a missing fact.
    pub missing_severity: Severity,
    /// Ids of plain lists and of lists of names that the rule may ask, sorted.
    pub lists: Vec<String>,
    /// Calendars that it may use.
    pub calendars: Vec<Calendar>,
    /// Rate tables that it may use.
    pub rates: Vec<Rates>,
}
