//! Arithmetic and comparisons of 64-bit numbers and codes; those of 128 bits are in `wide`. A check
//! is left out only where the bounds of the operands show that it can never fail.

use facts::ROW_COUNTERPARTY_NUMBER;
use wasm_encoder::ValType;

use super::code::Size;
use super::emit::{Compiled, Emitter, slots};
use super::range::{bounds, is_inside};
use super::walk::is_list;
use crate::typed::{Comparison, Expr, Fault, Kind, Operator, Type};

impl<'p> Emitter<'p> {
    pub(super) fn arithmetic(
        &mut self,
        operator: Operator,
        a: &'p Expr,
        b: &'p Expr,
        expr: &'p Expr,
    ) -> Compiled<()> {
        match &expr.ty {
            Type::Text | Type::Bytes => self.join(a, b, expr),
            Type::Decimal(_) | Type::Money(..) => self.wide_arithmetic(operator, a, b, expr),
            Type::Uint => self.unsigned(operator, a, b, expr),
            _ => self.signed(operator, a, b, expr),
        }
    }

    fn signed(
        &mut self,
        operator: Operator,
        a: &'p Expr,
        b: &'p Expr,
        expr: &'p Expr,
    ) -> Compiled<()> {
        let can_fault = self.faults_itself(expr, &[a, b]);
        self.expr(a)?;
        self.expr(b)?;
        match operator {
            Operator::Add if !can_fault => self.code("i64.add"),
            Operator::Subtract if !can_fault => self.code("i64.sub"),
            Operator::Multiply if !can_fault => self.code("i64.mul"),
            Operator::Add | Operator::Subtract if expr.ty != Type::Int => {
                let name = if operator == Operator::Add { "add" } else { "sub" };
                self.code(&format!("i64.{name}"));
                self.hold_inside(&expr.ty);
            }
            Operator::Add | Operator::Subtract => self.checked_sum(operator == Operator::Add),
            Operator::Multiply => {
                self.call("mul64", Size::Fixed(0));
                self.raise();
            }
            Operator::Divide => {
                self.divisor(b, self.analysis.range(b));
                if can_fault && self.analysis.range(a).0 == i64::MIN.into() {
                    let (x, y) = (self.local(ValType::I64), self.local(ValType::I64));
                    let min = i64::MIN;
                    self.code(&format!("set {y} tee {x} i64 {min} i64.eq get {y} i64 -1 i64.eq"));
                    self.code("i32.and");
                    self.raise_if(Fault::Overflow);
                    self.code(&format!("get {x} get {y}"));
                    self.function.free(&[x, y]);
                }
                self.code("i64.div_s");
            }
            Operator::Remainder => {
                self.divisor(b, self.analysis.range(b));
                self.code("i64.rem_s");
            }
        }
        Ok(())
    }

    fn unsigned(
        &mut self,
        operator: Operator,
        a: &'p Expr,
        b: &'p Expr,
        expr: &'p Expr,
    ) -> Compiled<()> {
        let can_fault = self.faults_itself(expr, &[a, b]);
        self.expr(a)?;
        self.expr(b)?;
        match operator {
            Operator::Add if !can_fault => self.code("i64.add"),
            Operator::Subtract if !can_fault => self.code("i64.sub"),
            Operator::Multiply if !can_fault => self.code("i64.mul"),
            Operator::Add => {
                let (y, sum) = (self.local(ValType::I64), self.local(ValType::I64));
                self.code(&format!("tee {y} i64.add tee {sum} get {sum} get {y} i64.lt_u"));
                self.raise_if(Fault::Overflow);
                self.function.free(&[y, sum]);
            }
            Operator::Subtract => {
                let (x, y) = (self.local(ValType::I64), self.local(ValType::I64));
                self.code(&format!("set {y} tee {x} get {y} i64.lt_u"));
                self.raise_if(Fault::Overflow);
                self.code(&format!("get {x} get {y} i64.sub"));
                self.function.free(&[x, y]);
            }
            Operator::Multiply => {
                self.call("widen", Size::Fixed(0));
                self.code("i64.eqz i32.eqz");
                self.raise_if(Fault::Overflow);
            }
            Operator::Divide | Operator::Remainder => {
                self.divisor(b, self.analysis.range(b));
                let name = if operator == Operator::Divide { "div_u" } else { "rem_u" };
                self.code(&format!("i64.{name}"));
            }
        }
        Ok(())
    }

    /// Whether an operation faults of itself, its operands aside.
    pub(super) fn faults_itself(&self, expr: &'p Expr, parts: &[&'p Expr]) -> bool {
        let parts = parts.iter().any(|part| self.analysis.can_fault(part));
        // With operands that fault the answer is not known: it may.
        parts || self.analysis.can_fault(expr)
    }

    /// Raises a fault when the divisor on top of the stack may be zero and is.
    fn divisor(&mut self, divisor: &'p Expr, (low, high): super::range::Range) {
        if low <= 0 && high >= 0 {
            let y = self.local(slots(&divisor.ty)[0]);
            self.code(&format!("tee {y} get {y} i64.eqz"));
            self.raise_if(Fault::DivideByZero);
            self.function.free(&[y]);
        }
    }

    /// Sum or difference of two numbers on the stack.
    pub(super) fn checked_sum(&mut self, is_sum: bool) {
        let [x, y, z] = [ValType::I64; 3].map(|ty| self.local(ty));
        let (name, other) = if is_sum { ("add", z) } else { ("sub", x) };
        // Overflow: the result's sign is neither operand's (of a difference: see the names).
        self.code(&format!("set {y} tee {x} get {y} i64.{name} tee {z} get {x} get {z} i64.xor"));
        self.code(&format!("get {y} get {other} i64.xor i64.and i64 0 i64.lt_s"));
        self.raise_if(Fault::Overflow);
        self.function.free(&[x, y, z]);
    }

    /// Raises a fault when the number on top of the stack is outside of its type.
    pub(super) fn hold_inside(&mut self, ty: &Type) {
        let (low, high) = bounds(ty);
        let value = self.local(ValType::I64);
        self.code(&format!(
            "tee {value} get {value} i64 {low} i64.sub i64 {} i64.gt_u",
            high - low
        ));
        let fault = Fault::Overflow;
        self.raise_if(fault);
        self.function.free(&[value]);
    }

    pub(super) fn negate(&mut self, inner: &'p Expr, expr: &'p Expr) -> Compiled<()> {
        let can_fault = self.faults_itself(expr, &[inner]);
        if slots(&expr.ty).len() == 2 {
            self.code("i64 0 i64 0");
            self.expr(inner)?;
            self.call("sub", Size::Fixed(0));
            self.settle(can_fault);
            return Ok(());
        }
        self.code("i64 0");
        self.expr(inner)?;
        if can_fault && expr.ty == Type::Int {
            self.checked_sum(false);
        } else {
            self.code("i64.sub");
        }
        Ok(())
    }

    /// Takes the fault that a helper left on top of the stack.
    pub(super) fn settle(&mut self, can_fault: bool) {
        if can_fault {
            self.raise();
        } else {
            self.code("drop");
        }
    }

    pub(super) fn compare(
        &mut self,
        comparison: Comparison,
        a: &'p Expr,
        b: &'p Expr,
    ) -> Compiled<()> {
        if is_list(a) {
            self.equal_lists(a, b)?;
            if comparison == Comparison::NotEqual {
                self.code("i32.eqz");
            }
            return Ok(());
        }
        match &a.ty {
            Type::Text | Type::Bytes => return self.compare_texts(comparison, a, b),
            Type::Decimal(_) | Type::Money(..) => return self.compare_wide(comparison, a, b),
            _ => {}
        }
        self.expr(a)?;
        self.number_of(&a.ty);
        if let Kind::Int(0) = self.resolve(b).kind
            && comparison == Comparison::Equal
        {
            let bits = if slots(&b.ty) == [ValType::I32] { 32 } else { 64 };
            self.code(&format!("i{bits}.eqz"));
            return Ok(());
        }
        self.expr(b)?;
        self.number_of(&b.ty);
        self.code(&comparison_of(comparison, &a.ty));
        Ok(())
    }

    /// What two values of a type are compared by: of a counterparty, its number.
    pub(super) fn number_of(&mut self, ty: &Type) {
        if *ty == Type::Counterparty {
            self.code(&format!("i32.load {ROW_COUNTERPARTY_NUMBER}"));
        }
    }

    /// Two texts on the stack to whether they are equal: most differ in length already.
    pub(super) fn equal_texts(&mut self, size: Size) {
        let [p, l, q, m] = [ValType::I32; 4].map(|ty| self.local(ty));
        self.code(&format!("set {m} set {q} set {l} set {p} get {l} get {m} i32.eq if32"));
        self.code(&format!("get {p} get {q} get {l}"));
        self.call("bytes_eq", size);
        self.code("else i32 0 end");
        self.function.free(&[p, l, q, m]);
    }

    fn compare_texts(&mut self, comparison: Comparison, a: &'p Expr, b: &'p Expr) -> Compiled<()> {
        let size = Size::Fixed(self.analysis.bytes(a).min(self.analysis.bytes(b)));
        self.expr(a)?;
        self.expr(b)?;
        match comparison {
            Comparison::Equal => self.equal_texts(size),
            Comparison::NotEqual => {
                self.equal_texts(size);
                self.code("i32.eqz");
            }
            _ => {
                self.call("text_cmp", size);
                self.code(&format!("i32 0 i32.{}_s", order(comparison)));
            }
        }
        Ok(())
    }
}

/// The instruction that compares two values of one slot.
pub(super) fn comparison_of(comparison: Comparison, ty: &Type) -> String {
    let bits = if slots(ty) == [ValType::I32] { 32 } else { 64 };
    let sign = match ty {
        Type::Int | Type::Time | Type::Duration => "_s",
        _ => "_u",
    };
    match comparison {
        Comparison::Equal | Comparison::NotEqual => format!("i{bits}.{}", order(comparison)),
        _ => format!("i{bits}.{}{sign}", order(comparison)),
    }
}

fn order(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::Equal => "eq",
        Comparison::NotEqual => "ne",
        Comparison::Less => "lt",
        Comparison::LessOrEqual => "le",
        Comparison::Greater => "gt",
        Comparison::GreaterOrEqual => "ge",
    }
}

/// Whether all values of a range are unsigned 64-bit numbers.
pub(super) fn is_short(range: super::range::Range) -> bool {
    is_inside(range, (0, u64::MAX.into()))
}
