//! A whole rule: parameters, lets, cases, reasons. It must never give a program from a rule in
//! which anything was refused.

use rules::{Outcome, Reason};

use super::ast::Ast;
use super::checker::{Checked, Checker, ERRORS_MAX, LetFacts, Meaning, Reported};
use super::flow::Faults;
use super::kinds;
use super::params::{self, param_value};
use super::parse::parse;
use super::source::{Source, error};
use crate::draft::{Draft, DraftDecision, Located};
use crate::fold::parts;
use crate::typed::{Case, Decision, Expr, Kind, Let, Program, Type};
use crate::{CompileError, ErrorKind};

/// Most lets of a rule.
pub const LETS_MAX: usize = 64;
/// Most cases of a rule.
pub const CASES_MAX: usize = 64;
/// Most levels of a typed expression with its lets put in.
pub const TYPED_LEVELS_MAX: usize = 192;

/// Most nodes of an amount that is written out where its let is used: copies of copies double.
const AMOUNT_NODES_MAX: usize = 256;

/// The reason of a rule that ends in `missing_data`.
const MISSING: &str = "{0} is absent, so the rule cannot be decided";

/// The typed program of a rule, or up to `ERRORS_MAX` problems in the order of its text.
pub fn check(draft: &Draft) -> Result<Program, Vec<CompileError>> {
    let mut checker = Checker {
        source: Source::cut(&draft.otherwise.reason, 0, 0),
        errors: Vec::new(),
        params: Vec::new(),
        names: Vec::new(),
        lets: Vec::new(),
        facts: Vec::new(),
        lists: &draft.lists,
        calendars: &draft.calendars,
        rates: &draft.rates,
        frames: Vec::new(),
        known: Vec::new(),
        variables: 0,
    };
    let program = checker.program(draft);
    let mut errors = checker.errors;
    errors.truncate(ERRORS_MAX);
    match program {
        Ok(program) if errors.is_empty() => Ok(program),
        _ if !errors.is_empty() => Err(errors),
        _ => {
            let span = params::span(&draft.otherwise.reason);
            let hint = "please report this: a refusal without a reason is a bug";
            Err(vec![error(ErrorKind::Pack, span, "a rule", "one that was refused", hint)])
        }
    }
}

/// Nodes of an expression, where a let counts as one.
fn nodes(expr: &Expr) -> usize {
    1 + parts(&expr.kind).into_iter().map(nodes).sum::<usize>()
}

/// Whether the expression itself, not a let that it uses, asks a list.
fn asks_list(expr: &Expr) -> bool {
    matches!(expr.kind, Kind::InList(..) | Kind::Screen(_) | Kind::ScreenId(..))
        || parts(&expr.kind).into_iter().any(asks_list)
}

impl Checker<'_> {
    fn program(&mut self, draft: &Draft) -> Checked<Program> {
        self.check_counts(draft);
        for param in &draft.params {
            self.param_of(param, draft);
        }
        for (name, _) in &draft.lets {
            if self.new_let(name).is_ok() {
                self.names.push((name.text.clone(), Meaning::Later));
            }
        }
        for (name, value) in &draft.lets {
            let meaning = self.let_of(name, value).unwrap_or(Meaning::Broken);
            if let Some(known) = self.names.iter_mut().find(|(known, _)| *known == name.text) {
                known.1 = meaning;
            }
        }
        let mut reasons = Vec::new();
        let mut cases = Vec::new();
        for case in &draft.cases {
            let when = self.root(&case.when, |checker, ast| {
                let when = checker.bool(ast)?;
                checker.checked_levels(ast, when)
            });
            let known = when.as_ref().map(|when| self.established(when, true, Faults::End));
            let decision = self.knowing(known.unwrap_or_default(), |checker| {
                checker.decision(&case.decision, &mut reasons)
            });
            if let (Ok(when), Ok(decision)) = (when, decision) {
                cases.push(Case { when, decision });
            }
        }
        let otherwise = self.decision(&draft.otherwise, &mut reasons)?;
        let missing = Reason { severity: draft.missing_severity, template: MISSING.to_owned() };
        let missing_reason = self.reason_code(&draft.otherwise.reason, missing, &mut reasons)?;
        Ok(Program {
            lets: std::mem::take(&mut self.lets),
            cases,
            otherwise,
            reasons,
            missing_reason,
            lists: draft.lists.clone(),
            calendars: draft.calendars.clone(),
            rates: draft.rates.clone(),
        })
    }

    fn check_counts(&mut self, draft: &Draft) {
        let place = draft.cases.first().map_or(&draft.otherwise.reason, |case| &case.when);
        for (what, found, max) in
            [("lets", draft.lets.len(), LETS_MAX), ("cases", draft.cases.len(), CASES_MAX)]
        {
            if found > max {
                let expected = format!("at most {max} {what}");
                let hint = "split the rule";
                let span = params::span(place);
                let found = found.to_string();
                self.errors.push(error(ErrorKind::TooLarge, span, expected, found, hint));
            }
        }
    }

    fn param_of(&mut self, param: &crate::draft::Param, draft: &Draft) {
        let twice = draft.params.iter().filter(|other| other.name.text == param.name.text).count();
        let value = params::check_name(&param.name).and_then(|()| param_value(param));
        let value = value.map_err(|error| self.errors.push(error)).ok();
        let known = self.params.iter().any(|(name, _)| *name == param.name.text);
        if twice > 1 && known {
            let found = facts::shown(&param.name.text);
            let span = params::span(&param.name);
            let hint = "each parameter has its own name";
            self.errors.push(error(ErrorKind::Pack, span, "a new name", found, hint));
            return;
        }
        self.params.push((param.name.text.clone(), value));
    }

    /// Refuses a name that a let may not have.
    fn new_let(&mut self, name: &Located) -> Checked<()> {
        if let Err(error) = params::check_name(name) {
            self.errors.push(error);
            return Err(Reported);
        }
        self.source = Source::cut(name, 0, name.text.chars().count());
        let node = super::ast::Node::Name(name.text.clone());
        let ast = Ast::new(node, 0, name.text.chars().count());
        self.check_new_name(&ast, &name.text)
    }

    fn let_of(&mut self, name: &Located, value: &Located) -> Checked<Meaning> {
        let expr = self.root(value, |checker, ast| {
            let expr = checker.expr(ast, None)?;
            if matches!(expr.ty, Type::List(_)) && asks_list(&expr) {
                let expected = "a let of a list that asks no list of the rulebook";
                let hint = "put the question where the list is used, or make the let a bool";
                return checker.wrong_type(ast, expected, &expr.ty, hint);
            }
            if expr.ty == Type::AnyMoney && nodes(&expr) > AMOUNT_NODES_MAX {
                let expected = format!("an amount of at most {AMOUNT_NODES_MAX} parts");
                let hint = "name the row or its index in a `let` of its own";
                let found = "more, with the amounts of other lets put in";
                return checker.fail(ErrorKind::TooLarge, ast, expected, found, hint);
            }
            checker.checked_levels(ast, expr)
        })?;
        if expr.ty == Type::AnyMoney {
            return Ok(Meaning::Amount(expr));
        }
        let facts = LetFacts {
            levels: self.levels(&expr),
            length_max: self.length_max(&expr),
            when: self.establishes(&expr),
        };
        self.facts.push(facts);
        self.lets.push(Let { name: name.text.clone(), value: expr });
        Ok(Meaning::Let(self.lets.len() - 1))
    }

    /// Parses and checks one source.
    fn root(
        &mut self,
        located: &Located,
        check: impl FnOnce(&mut Self, &Ast) -> Checked<Expr>,
    ) -> Checked<Expr> {
        let parsed = Source::new(located).and_then(|source| {
            self.source = source;
            parse(&self.source)
        });
        match parsed {
            Ok(ast) => check(self, &ast),
            Err(error) => {
                self.errors.push(error);
                Err(Reported)
            }
        }
    }

    /// Levels of an expression, where a let counts as what it stands for.
    fn levels(&self, expr: &Expr) -> usize {
        let own = match expr.kind {
            Kind::Let(index) => self.facts.get(index).map_or(0, |facts| facts.levels),
            _ => 0,
        };
        let below = parts(&expr.kind).into_iter().map(|part| self.levels(part)).max();
        1 + own.max(below.unwrap_or(0))
    }

    /// The expression, when it is not too deep with its lets put in.
    pub(super) fn checked_levels(&mut self, ast: &Ast, expr: Expr) -> Checked<Expr> {
        if self.levels(&expr) <= TYPED_LEVELS_MAX {
            return Ok(expr);
        }
        let expected = format!("at most {TYPED_LEVELS_MAX} levels, with lets put in");
        let found = format!("more, as {}", kinds::a(&expr.ty));
        let hint = "let fewer lets build upon one another";
        self.fail(ErrorKind::TooLarge, ast, expected, found, hint)
    }

    fn decision(&mut self, draft: &DraftDecision, reasons: &mut Vec<Reason>) -> Checked<Decision> {
        let (template, values) = self.reason(&draft.reason)?;
        if draft.outcome == Outcome::Error {
            let span = params::span(&draft.reason);
            let expected = "pass, report, review, block or missing_data";
            let hint = "only the machine ends a rule in `error`";
            self.errors.push(error(ErrorKind::Pack, span, expected, "`error`", hint));
            return Err(Reported);
        }
        let reason = Reason { severity: draft.severity, template };
        let reason = self.reason_code(&draft.reason, reason, reasons)?;
        Ok(Decision { outcome: draft.outcome, reason, values })
    }

    /// The code of a reason; equal ones have one.
    fn reason_code(
        &mut self,
        place: &Located,
        reason: Reason,
        reasons: &mut Vec<Reason>,
    ) -> Checked<u16> {
        let span = params::span(place);
        if reason.template.len() > rules::PROSE_BYTES_MAX {
            let expected = format!("a reason of at most {} bytes", rules::PROSE_BYTES_MAX);
            let found = format!("{} bytes", reason.template.len());
            self.errors.push(error(ErrorKind::TooLarge, span, expected, found, "shorten it"));
            return Err(Reported);
        }
        if let Some(code) = reasons.iter().position(|known| *known == reason) {
            return Ok(code as u16);
        }
        if reasons.len() == rules::REASONS_MAX {
            let expected = format!("at most {} different reasons", rules::REASONS_MAX);
            let found = "more".to_owned();
            let hint = "one of them is that of a missing fact; let cases share the others";
            self.errors.push(error(ErrorKind::TooLarge, span, expected, found, hint));
            return Err(Reported);
        }
        reasons.push(reason);
        Ok((reasons.len() - 1) as u16)
    }
}
