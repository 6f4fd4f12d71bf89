//! The front end: from the source of a rule to a typed program, or to what its author has to
//! change. It must never panic, take more than linear time in the source for long, or let through
//! a program whose meaning LANGUAGE.md does not give.

mod asks;
mod ast;
mod calls;
mod checker;
mod constant;
mod conversions;
mod flow;
mod kinds;
mod lex;
mod lists;
mod literal;
mod literals;
mod money;
mod names;
mod operators;
mod params;
mod parse;
mod program;
mod reason;
mod signatures;
mod source;
mod spelling;

use crate::CompileError;
use crate::data::{Calendar, Rates};
use crate::draft::{Draft, DraftCase, DraftDecision, Located, Param};
use crate::typed::Program;
use rules::{Outcome, Severity};

pub use checker::{ERRORS_MAX, LIST_ELEMENTS_MAX};
pub use lex::TEXT_BYTES_MAX;
pub use params::{param_value, type_name};
pub use parse::{LEVELS_MAX, NESTING_MAX};
pub use program::{CASES_MAX, LETS_MAX, TYPED_LEVELS_MAX, check};
pub use reason::VALUES_MAX;
pub(crate) use source::COMPOSED_LINE;
pub use source::SOURCE_BYTES_MAX;
pub use spelling::did_you_mean;
pub(crate) use spelling::param_and_other_names;

/// Whether a text is one expression by itself, so that it can stand between brackets.
pub(crate) fn parse_alone(text: &Located) -> Result<(), CompileError> {
    parse::parse(&source::Source::new(text)?).map(|_| ())
}

/// What a condition may name besides facts.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// Parameters.
    pub params: Vec<Param>,
    /// Names and sources of lets, each using only earlier ones.
    pub lets: Vec<(String, String)>,
    /// Ids of lists.
    pub lists: Vec<String>,
    /// Calendars.
    pub calendars: Vec<Calendar>,
    /// Rate tables.
    pub rates: Vec<Rates>,
}

/// A program that answers `report` when the condition holds and `pass` when it does not.
pub fn check_condition(source: &str) -> Result<Program, CompileError> {
    check_condition_in(source, &Scope::default())
}

/// The same where the condition may use `scope`.
pub fn check_condition_in(source: &str, scope: &Scope) -> Result<Program, CompileError> {
    let at_start = |text: &str| Located { text: text.to_owned(), line: 1, column: 1 };
    let decision = |outcome, reason| DraftDecision {
        outcome,
        severity: Severity::Info,
        reason: at_start(reason),
    };
    let when = at_start(source);
    let draft = Draft {
        params: scope.params.clone(),
        lets: scope.lets.iter().map(|(name, text)| (at_start(name), at_start(text))).collect(),
        cases: vec![DraftCase { when, decision: decision(Outcome::Report, "the condition holds") }],
        otherwise: decision(Outcome::Pass, "the condition does not hold"),
        missing_severity: Severity::Info,
        lists: scope.lists.clone(),
        calendars: scope.calendars.clone(),
        rates: scope.rates.clone(),
    };
    check(&draft).map_err(|mut errors| errors.swap_remove(0))
}
