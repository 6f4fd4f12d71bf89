//! Why a program decided as it did: the value of each part of each condition that was evaluated.
//! It must never evaluate anything that the program itself does not.

use super::eval::Answer;
use super::value::{Datum, shown};
use super::{Facts, Lists, Machine, Stop};
use crate::typed::{Expr, Kind, Program, Span, missing_name};

/// Most parts of one condition; the ones that are first complete stay.
pub const PARTS_MAX: usize = 1024;

/// One case that was tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Number of the case.
    pub case: usize,
    /// Where its condition stands.
    pub span: Span,
    /// How it came out: `true`, `false` or a fault in words.
    pub value: String,
    /// Its parts that have been evaluated outside of loops, the innermost first, without constants.
    /// What a let stands for is here where it was first used.
    pub parts: Vec<Part>,
}

/// A part of a condition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    /// Where it stands.
    pub span: Span,
    /// Its value as people read it, or a fault in words.
    pub value: String,
}

/// The cases that a program tries for a record, up to the one that decides. None when the record
/// is not a canonical one.
pub fn explain(program: &Program, record: &[u8], lists: &dyn Lists) -> Vec<Step> {
    let Ok(facts) = Facts::read(record) else {
        return Vec::new();
    };
    let mut machine = Machine::new(program, &facts, lists);
    let mut steps = Vec::new();
    for (index, case) in program.cases.iter().enumerate() {
        machine.parts = Some(Vec::new());
        let answer = machine.eval(&case.when);
        steps.push(Step {
            case: index,
            span: case.when.span,
            value: words(&answer, &case.when, program),
            parts: machine.parts.take().unwrap_or_default(),
        });
        if answer != Ok(Datum::Bool(false)) {
            break;
        }
    }
    steps
}

impl<'p> Machine<'p> {
    /// Keeps what an expression gave, when somebody wants to know.
    pub(super) fn note(&mut self, expr: &'p Expr, answer: &Answer<Datum>) {
        let is_wanted = self.loops == 0 && !expr.is_constant();
        let program = self.program;
        if let Some(parts) = self.parts.as_mut().filter(|parts| parts.len() < PARTS_MAX)
            && is_wanted
        {
            parts.push(Part { span: expr.span, value: words(answer, expr, program) });
        }
    }
}

impl Expr {
    /// Whether it is a constant as it stands.
    pub(crate) fn is_constant(&self) -> bool {
        match &self.kind {
            Kind::Bool(_)
            | Kind::Int(_)
            | Kind::Uint(_)
            | Kind::Text(_)
            | Kind::Bytes(_)
            | Kind::Decimal(_) => true,
            Kind::List(elements) => elements.iter().all(Expr::is_constant),
            _ => false,
        }
    }
}

fn words(answer: &Answer<Datum>, expr: &Expr, program: &Program) -> String {
    match answer {
        Ok(datum) => match (shown(datum, &expr.ty), datum) {
            (Some(Ok(value)), _) => value.to_string(),
            (_, Datum::Uint(number)) => number.to_string(),
            (_, Datum::Bytes(bytes)) => format!("{} bytes", bytes.len()),
            (_, Datum::List(elements)) => format!("{} elements", elements.len()),
            (_, Datum::Row(index)) => format!("history[{index}]"),
            (_, Datum::Hit(None)) => "no hit".to_owned(),
            (_, Datum::Hit(Some((score, entry)))) => format!("entry {entry}, score {score}"),
            _ => String::new(),
        },
        Err(Stop::Fault(fault)) if fault.is_missing() => {
            format!("absent: {}", missing_name(*fault, program))
        }
        Err(Stop::Fault(fault)) => format!("fault {}: {fault:?}", fault.code()),
        Err(Stop::Trace) => "more events than a trace may have".to_owned(),
        Err(Stop::Trap) => "a text too long to ask a list for".to_owned(),
        Err(Stop::Broken(what)) => format!("broken: {what}"),
    }
}
