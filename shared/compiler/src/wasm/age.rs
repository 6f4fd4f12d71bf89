//! The age of a history row, `as_of - r.timestamp`, held against a constant in a loop: two bounds
//! are computed before the loop, and each row's time is held against them. It must never lose the
//! fault of an age that no duration can hold.

use facts::{FIXED_BYTES, HEADER_AS_OF, HEADER_ROW_COUNT, ROW_TIMESTAMP};
use wasm_encoder::ValType;

use super::code::{Label, Local, Size};
use super::emit::{Compiled, Emitter};
use super::range::DURATION_MAX;
use crate::typed::{Column, Comparison, Expr, Fault, Kind, Loop, Operator, Type};

/// A comparison of a row's age with a constant, in a loop.
#[derive(Debug, Clone, Copy)]
pub(super) struct Age<'p> {
    /// The comparison.
    pub(super) expr: &'p Expr,
    /// The time of a row whose age is the constant.
    bound: Local,
    /// The earliest time whose age is a duration.
    first: Local,
}

impl<'p> Emitter<'p> {
    /// The constant and the row's time, when a condition compares a row's age with a constant. No
    /// row is later than `as_of` (ABI.md, section 3), so an age is never below zero.
    pub(super) fn age(&self, expr: &'p Expr) -> Option<(i64, &'p Expr)> {
        let Kind::Compare(comparison, age, limit) = &expr.kind else { return None };
        let (age, Kind::Int(limit)) = (self.resolve(age), &self.resolve(limit).kind) else {
            return None;
        };
        let Kind::Arithmetic(Operator::Subtract, now, then) = &age.kind else { return None };
        let (now, then) = (self.resolve(now), self.resolve(then));
        let is_order = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let is_age = age.ty == Type::Duration
            && now.kind == Kind::AsOf
            && matches!(then.kind, Kind::Column(Column::Timestamp, _));
        (is_order && is_age && limit.abs() <= DURATION_MAX).then_some((*limit, then))
    }

    /// Computes the bounds of an age's comparison.
    pub(super) fn bound(&mut self, expr: &'p Expr) {
        let Some((limit, _)) = self.age(expr) else { return };
        let [bound, first] = [limit, DURATION_MAX].map(|before| {
            let local = self.local(ValType::I64);
            self.code(&format!("i32 0 i64.load @{HEADER_AS_OF} i64 {before} i64.sub set {local}"));
            local
        });
        self.ages.push(Age { expr, bound, first });
    }

    /// Pushes how many rows there are, if all that a list asks of them is how their age compares
    /// with a constant, or their time with one that is the same for all: rows are in the order of
    /// their times, so the place is found by halving. The first row is the oldest, so no other is
    /// the first whose age is no duration.
    pub(super) fn count_by_time(&mut self, list: &'p Expr) -> Compiled<bool> {
        let Kind::Loop(Loop::Filter, body) = &self.resolve(list).kind else { return Ok(false) };
        let each = self.resolve(&body.each);
        let Kind::Compare(comparison, a, b) = &each.kind else { return Ok(false) };
        let age = self.age(each);
        let then = age.map_or_else(|| self.resolve(a), |(_, then)| then);
        let is_own = match &then.kind {
            Kind::Column(Column::Timestamp, row) => row.kind == Kind::Variable(body.variable),
            _ => false,
        };
        if !is_own || self.resolve(&body.list).kind != Kind::History {
            return Ok(false);
        }
        // Which side of the bound is counted, and whether the bound is on the earlier side.
        let (is_later, is_earlier_bound) = match (comparison, age) {
            (Comparison::Less, Some(_)) | (Comparison::Greater, None) => (true, true),
            (Comparison::LessOrEqual, Some(_)) | (Comparison::GreaterOrEqual, None) => {
                (true, false)
            }
            (Comparison::Greater, Some(_)) | (Comparison::Less, None) => (false, false),
            (Comparison::GreaterOrEqual, Some(_)) | (Comparison::LessOrEqual, None) => {
                (false, true)
            }
            _ => return Ok(false),
        };
        if age.is_none() && !self.is_fixed(b) {
            return Ok(false);
        }
        let oldest = FIXED_BYTES + ROW_TIMESTAMP;
        if age.is_some() {
            let known = self.block();
            self.code(&format!("i32 0 i32.load @{HEADER_ROW_COUNT} i32.eqz br_if {known}"));
            self.code(&format!("i32 0 i64.load @{oldest} i32 0 i64.load @{HEADER_AS_OF}"));
            self.code(&format!("i64 {DURATION_MAX} i64.sub i64.lt_s"));
            self.raise_if(Fault::Overflow);
            self.end();
        }
        if is_later {
            self.code(&format!("i32 0 i64.load32_u @{HEADER_ROW_COUNT}"));
        }
        match age {
            Some((limit, _)) => {
                self.code(&format!("i32 0 i64.load @{HEADER_AS_OF} i64 {limit} i64.sub"));
            }
            None => self.expr(b)?,
        }
        if !is_earlier_bound {
            self.code("i64 1 i64.sub");
        }
        self.code(&format!("i32 @{oldest} i32 0 i32.load @{HEADER_ROW_COUNT}"));
        self.call("rows_until", Size::Rows);
        if is_later {
            self.code("i64.sub");
        }
        Ok(true)
    }

    /// Ends what holds in the outermost loop.
    pub(super) fn forget_ages(&mut self) {
        for age in std::mem::take(&mut self.ages) {
            self.function.free(&[age.bound, age.first]);
        }
    }

    /// Jumps to `to` when the comparison is `sense`. A row that is young enough has no fault, so
    /// only the others are held against the second bound.
    pub(super) fn branch_on_age(&mut self, age: Age<'p>, to: Label, sense: bool) -> Compiled<()> {
        let Age { expr, bound, first } = age;
        let (Kind::Compare(comparison, ..), Some((_, then))) = (&expr.kind, self.age(expr)) else {
            return Ok(());
        };
        // Younger than the constant, or as old at most, is a later time.
        let (later, is_younger) = match comparison {
            Comparison::Less => ("gt_s", true),
            Comparison::GreaterOrEqual => ("gt_s", false),
            Comparison::LessOrEqual => ("ge_s", true),
            _ => ("ge_s", false),
        };
        let jumps_when_younger = sense == is_younger;
        let younger = if jumps_when_younger { to } else { self.block() };
        let time = self.local(ValType::I64);
        self.expr(then)?;
        self.code(&format!("tee {time} get {bound} i64.{later} br_if {younger}"));
        self.code(&format!("get {time} get {first} i64.lt_s"));
        self.raise_if(Fault::Overflow);
        if !jumps_when_younger {
            self.code(&format!("br {to} end"));
        }
        self.function.free(&[time]);
        Ok(())
    }
}
