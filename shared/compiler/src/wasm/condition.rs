//! Conditions as jumps. It must never let a fault win over what decides without it.

use wasm_encoder::ValType;

use super::analysis::Known;
use super::code::{Label, Local};
use super::emit::{Compiled, Emitter};
use super::walk::parts;
use crate::typed::{Comparison, Expr, Kind, Loop};

impl<'p> Emitter<'p> {
    /// Jumps to `to` when the condition is `sense`; falls through when it is not. What an `and`
    /// establishes holds after it fell through; callers end that where paths meet.
    pub(super) fn branch(&mut self, expr: &'p Expr, to: Label, sense: bool) -> Compiled<()> {
        if self.is_hoisted(expr).is_some() {
            return self.branch_on_value(expr, to, sense);
        }
        let expr = self.resolve(expr);
        if let Some(age) = self.ages.iter().find(|age| std::ptr::eq(age.expr, expr)).copied() {
            return self.branch_on_age(age, to, sense);
        }
        match &expr.kind {
            Kind::Bool(value) => {
                if *value == sense {
                    self.code(&format!("br {to}"));
                }
                Ok(())
            }
            Kind::Not(inner) => self.branch(inner, to, !sense),
            Kind::And(..) | Kind::Or(..) => {
                let absorbing = matches!(expr.kind, Kind::Or(..));
                let mut operands = Vec::new();
                flatten(expr, absorbing, &mut operands);
                self.deciding(to, sense, absorbing, |emitter, to| {
                    emitter.chain(operands, to, absorbing)
                })
            }
            Kind::Loop(Loop::All, body) => self.deciding(to, sense, false, |emitter, to| {
                emitter.scoped(|emitter| emitter.search(expr, body, to, false))
            }),
            Kind::Loop(Loop::Exists, body) => self.deciding(to, sense, true, |emitter, to| {
                emitter.scoped(|emitter| emitter.search(expr, body, to, true))
            }),
            Kind::Conditional(condition, then, other) => {
                self.scoped(|emitter| {
                    let (done, not) = (emitter.block(), emitter.block());
                    emitter.branch(condition, not, false)?;
                    emitter.branch(then, to, sense)?;
                    emitter.code(&format!("br {done} end"));
                    Ok(done)
                })?;
                self.scoped(|emitter| emitter.branch(other, to, sense))?;
                self.end();
                Ok(())
            }
            Kind::In(value, list) => match self.amounts_of(list) {
                Some(amounts) => self.branch_in_amounts(value, &amounts, to, sense),
                None => self.branch_on_value(expr, to, sense),
            },
            Kind::Compare(comparison, a, b) => match self.limit(*comparison, a, b) {
                Some(limit) => self.branch_on_limit(*comparison, a, limit, (to, sense)),
                None => self.branch_on_value(expr, to, sense),
            },
            _ => self.branch_on_value(expr, to, sense),
        }
    }

    fn branch_on_value(&mut self, expr: &'p Expr, to: Label, sense: bool) -> Compiled<()> {
        self.expr(expr)?;
        let not = if sense { "" } else { "i32.eqz" };
        self.code(&format!("{not} br_if {to}"));
        Ok(())
    }

    /// Writes something that jumps when its answer is `decisive`, for a jump on `sense`.
    fn deciding(
        &mut self,
        to: Label,
        sense: bool,
        decisive: bool,
        write: impl FnOnce(&mut Self, Label) -> Compiled<()>,
    ) -> Compiled<()> {
        if sense == decisive {
            return write(self, to);
        }
        let decided = self.block();
        self.scoped(|emitter| write(emitter, decided))?;
        self.code(&format!("br {to} end"));
        Ok(())
    }

    /// Pushes a condition's value.
    pub(super) fn condition(&mut self, expr: &'p Expr) -> Compiled<()> {
        let (end, not) = (self.label(), self.label());
        self.code(&format!("block32 {end} block {not}"));
        self.scoped(|emitter| emitter.branch(expr, not, false))?;
        self.code(&format!("i32 1 br {end} end i32 0 end"));
        Ok(())
    }

    /// Jumps when one operand is `absorbing`; raises the first fault when none is; else falls
    /// through.
    fn chain(&mut self, operands: Vec<&'p Expr>, to: Label, absorbing: bool) -> Compiled<()> {
        let operands = self.in_order(operands);
        let faulty = operands.iter().filter(|operand| self.analysis.can_fault(operand)).count();
        let mut pending: Option<Local> = None;
        for (at, operand) in operands.iter().enumerate() {
            if !absorbing && self.is_implied(operand, &operands[at + 1..]) {
                self.establish(operand, absorbing);
                continue;
            }
            let is_last = at + 1 == operands.len();
            if !self.analysis.can_fault(operand) || (is_last && pending.is_none()) {
                self.branch(operand, to, absorbing)?;
                self.establish(operand, absorbing);
                continue;
            }
            let is_first = pending.is_none();
            let local = match pending {
                Some(local) => local,
                None => {
                    let local = self.local(ValType::I32);
                    if faulty > 0 {
                        self.code(&format!("i32 0 set {local}"));
                    }
                    pending = Some(local);
                    local
                }
            };
            let (next, failed) = (self.block(), self.block());
            self.scoped(|emitter| {
                emitter.handled(failed, |emitter| emitter.branch(operand, to, absorbing))
            })?;
            self.code(&format!("br {next} end"));
            self.remember(local, is_first);
            self.end();
        }
        if let Some(local) = pending {
            self.raise_pending(local);
            self.function.free(&[local]);
        }
        Ok(())
    }

    /// Keeps the fault that was raised, unless there is an earlier one.
    pub(super) fn remember(&mut self, pending: Local, is_first: bool) {
        let fault = self.fault;
        if is_first {
            self.code(&format!("get {fault} set {pending}"));
        } else {
            self.code(&format!("get {pending} get {fault} get {pending} select set {pending}"));
        }
    }

    /// Raises the fault that was kept, if there is one.
    pub(super) fn raise_pending(&mut self, pending: Local) {
        self.code(&format!("get {pending}"));
        self.raise_again();
    }

    /// Cheap operands that cannot fault go first: then fewer faults have to be kept. When the
    /// trace sees one of them, the order stays.
    fn in_order(&self, operands: Vec<&'p Expr>) -> Vec<&'p Expr> {
        if operands.iter().any(|operand| self.analysis.traces(operand)) {
            return operands;
        }
        let is_early =
            |operand: &&'p Expr| self.is_cheap(operand) && !self.analysis.can_fault(operand);
        let (early, late): (Vec<_>, Vec<_>) = operands.into_iter().partition(is_early);
        early.into_iter().chain(late).collect()
    }

    /// Whether an expression is a few instructions.
    fn is_cheap(&self, expr: &'p Expr) -> bool {
        match &expr.kind {
            Kind::In(value, list) => {
                let is_short = self.amounts_of(list).is_some() || self.numbers_of(list).is_some();
                is_short && self.is_cheap(value)
            }
            Kind::Loop(..)
            | Kind::Let(_)
            | Kind::Call(..)
            | Kind::Sum(_)
            | Kind::Extreme(..)
            | Kind::CountDistinct(_)
            | Kind::History
            | Kind::Index(..) => false,
            _ => parts(expr).into_iter().all(|part| self.is_cheap(part)),
        }
    }

    /// Whether a column's presence need not be asked, since a later operand of the same `and` asks
    /// for a value: an absent column is 0, and that is none.
    fn is_implied(&self, operand: &'p Expr, later: &[&'p Expr]) -> bool {
        let Kind::HasColumn(asked, row) = &self.resolve(operand).kind else { return false };
        let is_value = |operand: &&'p Expr| match &self.resolve(operand).kind {
            Kind::Compare(Comparison::Equal, a, b) => {
                let is_set = matches!(self.resolve(b).kind, Kind::Int(value) if value != 0);
                let Kind::Column(column, of) = &self.resolve(a).kind else { return false };
                is_set && column == asked && of.kind == row.kind
            }
            _ => false,
        };
        matches!(row.kind, Kind::Variable(_))
            && later.iter().any(is_value)
            && !later.iter().any(|operand| self.analysis.traces(operand))
    }

    /// Takes note of what holds when a condition is not `absorbing`.
    fn establish(&mut self, operand: &'p Expr, absorbing: bool) {
        let operand = self.resolve(operand);
        match &operand.kind {
            Kind::HasFact(field) if !absorbing => {
                self.analysis.known.push(Known::Fact(field.bit));
            }
            Kind::HasColumn(column, row) if !absorbing => {
                if let Kind::Variable(row) = row.kind {
                    self.analysis.known.push(Known::Column(*column, row));
                }
            }
            Kind::Not(inner) if absorbing => self.establish(inner, false),
            _ => {}
        }
    }
}

/// The operands of nested `and`s or `or`s, from left to right.
fn flatten<'p>(expr: &'p Expr, or: bool, operands: &mut Vec<&'p Expr>) {
    match &expr.kind {
        Kind::And(a, b) if !or => [a, b].into_iter().for_each(|part| flatten(part, or, operands)),
        Kind::Or(a, b) if or => [a, b].into_iter().for_each(|part| flatten(part, or, operands)),
        _ => operands.push(expr),
    }
}
