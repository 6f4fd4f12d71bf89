//! Decimals and amounts: 128 bits in two halves. The upper halves are left out only where the
//! bounds of the operands show that they can never matter.

use facts::ROW_MANTISSA;
use wasm_encoder::ValType;

use super::code::{Label, Local, Size};
use super::emit::{Compiled, Element, Emitter, too_large};
use super::number::is_short;
use super::range::{is_inside, rise, scale};
use crate::typed::{Column, Comparison, Expr, Kind, Operator, Rounding, Span, Type};

/// Where the halves of a number can be read, as often as needed.
#[derive(Debug, Clone, Copy)]
pub(super) enum Wide {
    Constant(i128),
    /// In the record.
    Record(u32),
    /// At an offset from the address in a local.
    Memory(Local, u32),
    Locals(Local, Local),
}

impl<'p> Emitter<'p> {
    /// Evaluates a number for reading its halves.
    pub(super) fn wide(&mut self, expr: &'p Expr) -> Compiled<Wide> {
        if let Some(locals) = self.is_hoisted(expr) {
            return Ok(Wide::Locals(locals[0], locals[1]));
        }
        let expr = self.resolve(expr);
        match &expr.kind {
            Kind::Decimal(value) => Ok(Wide::Constant(*value)),
            Kind::Variable(at) => match self.bindings.get(at) {
                Some(Element::Locals(locals)) => Ok(Wide::Locals(locals[0], locals[1])),
                _ => self.kept(expr),
            },
            Kind::Narrow(amount) => {
                let amount = self.resolve(amount);
                match &amount.kind {
                    Kind::Fact(field) if self.analysis.is_present(field) => {
                        Ok(Wide::Record(field.offset))
                    }
                    Kind::Column(Column::Amount, row) => {
                        Ok(Wide::Memory(self.row(row)?, ROW_MANTISSA))
                    }
                    _ => {
                        self.expr(amount)?;
                        let address = self.local(ValType::I32);
                        self.code(&format!("set {address}"));
                        Ok(Wide::Memory(address, 0))
                    }
                }
            }
            _ => self.kept(expr),
        }
    }

    fn kept(&mut self, expr: &'p Expr) -> Compiled<Wide> {
        self.expr(expr)?;
        let locals = self.keep(&expr.ty);
        Ok(Wide::Locals(locals[0], locals[1]))
    }

    pub(super) fn low(&mut self, wide: Wide) {
        let text = match wide {
            Wide::Constant(value) => format!("i64 {}", value as i64),
            Wide::Record(offset) => format!("i32 0 i64.load @{offset}"),
            Wide::Memory(local, offset) => format!("get {local} i64.load {offset}"),
            Wide::Locals(low, _) => format!("get {low}"),
        };
        self.code(&text);
    }

    pub(super) fn high(&mut self, wide: Wide) {
        let text = match wide {
            Wide::Constant(value) => format!("i64 {}", (value >> 64) as i64),
            Wide::Record(offset) => format!("i32 0 i64.load @{}", offset + 8),
            Wide::Memory(local, offset) => format!("get {local} i64.load {}", offset + 8),
            Wide::Locals(_, high) => format!("get {high}"),
        };
        self.code(&text);
    }

    pub(super) fn both(&mut self, wide: Wide) {
        self.low(wide);
        self.high(wide);
    }

    /// Pushes a constant, an amount or a rescaled number.
    pub(super) fn push_wide(&mut self, expr: &'p Expr) -> Compiled<()> {
        let Kind::Rescale(inner) = &expr.kind else {
            let wide = self.wide(expr)?;
            self.both(wide);
            return Ok(());
        };
        let unit = power(rise(&inner.ty, &expr.ty), expr.span)?;
        let can_fault = self.faults_itself(expr, &[inner]);
        self.times(inner, unit, can_fault)
    }

    /// Pushes a number times a constant that is above zero.
    fn times(&mut self, a: &'p Expr, unit: i128, can_fault: bool) -> Compiled<()> {
        let range = self.analysis.range(a);
        match u64::try_from(unit) {
            Ok(1) => self.expr(a),
            Ok(unit) if is_short(range) && !can_fault => {
                let wide = self.wide(a)?;
                self.low(wide);
                self.code(&format!("i64 {}", unit as i64));
                self.call("widen", Size::Fixed(0));
                Ok(())
            }
            _ => {
                self.expr(a)?;
                self.both(Wide::Constant(unit));
                self.call("mul", Size::Fixed(0));
                self.settle(can_fault);
                Ok(())
            }
        }
    }

    pub(super) fn wide_arithmetic(
        &mut self,
        operator: Operator,
        a: &'p Expr,
        b: &'p Expr,
        expr: &'p Expr,
    ) -> Compiled<()> {
        let can_fault = self.faults_itself(expr, &[a, b]);
        match operator {
            Operator::Add if !can_fault => {
                let (a, b) = (self.wide(a)?, self.wide(b)?);
                let low = self.local(ValType::I64);
                self.low(a);
                self.low(b);
                self.code(&format!("i64.add tee {low}"));
                self.high(a);
                self.high(b);
                self.code(&format!("i64.add get {low}"));
                self.low(b);
                self.code("i64.lt_u extend_u i64.add");
                self.function.free(&[low]);
                return Ok(());
            }
            _ => {}
        }
        self.expr(a)?;
        self.expr(b)?;
        match operator {
            Operator::Add => self.call("add", Size::Fixed(0)),
            Operator::Subtract => self.call("sub", Size::Fixed(0)),
            _ => self.call("mul", Size::Fixed(0)),
        }
        self.settle(can_fault);
        Ok(())
    }

    pub(super) fn compare_wide(
        &mut self,
        comparison: Comparison,
        a: &'p Expr,
        b: &'p Expr,
    ) -> Compiled<()> {
        let ranges = (self.analysis.range(a), self.analysis.range(b));
        let (x, y) = (self.wide(a)?, self.wide(b)?);
        self.compare_halves(comparison, x, y, ranges);
        Ok(())
    }

    /// Pushes whether two numbers compare so.
    pub(super) fn compare_halves(
        &mut self,
        comparison: Comparison,
        x: Wide,
        y: Wide,
        (of_x, of_y): (super::range::Range, super::range::Range),
    ) {
        match comparison {
            Comparison::Equal | Comparison::NotEqual => {
                self.low(x);
                self.low(y);
                if is_short(of_x) && is_short(of_y) {
                    self.code("i64.eq");
                } else {
                    self.code("i64.xor");
                    self.high(x);
                    self.high(y);
                    self.code("i64.xor i64.or i64.eqz");
                }
            }
            Comparison::Less | Comparison::GreaterOrEqual => self.less(x, y, of_x, of_y),
            Comparison::Greater | Comparison::LessOrEqual => self.less(y, x, of_y, of_x),
        }
        if matches!(
            comparison,
            Comparison::NotEqual | Comparison::GreaterOrEqual | Comparison::LessOrEqual
        ) {
            self.code("i32.eqz");
        }
    }

    fn less(&mut self, x: Wide, y: Wide, of_x: super::range::Range, of_y: super::range::Range) {
        self.low(x);
        self.low(y);
        self.code("i64.lt_u");
        match (is_short(of_x), is_short(of_y)) {
            (true, true) => {}
            (false, true) if of_x.0 >= 0 => {
                self.high(x);
                self.code("i64.eqz i32.and");
            }
            (true, false) if of_y.0 >= 0 => {
                self.high(y);
                self.code("i64.eqz i32.eqz i32.or");
            }
            _ => {
                self.high(x);
                self.high(y);
                self.code("i64.lt_s");
                self.high(x);
                self.high(y);
                self.code("i64.eq select");
            }
        }
    }

    /// The constant that an amount is compared with, if that is a number of 64 bits and the amount
    /// is none but never below zero: then its upper half alone may decide.
    pub(super) fn limit(&self, comparison: Comparison, a: &'p Expr, b: &'p Expr) -> Option<u64> {
        let is_order = !matches!(comparison, Comparison::Equal | Comparison::NotEqual);
        let Kind::Decimal(limit) = self.resolve(b).kind else { return None };
        let range = self.analysis.range(a);
        let is_long = is_order && range.0 >= 0 && !is_short(range);
        u64::try_from(limit).ok().filter(|_| is_long)
    }

    /// Jumps when it is `sense` that an amount compares so with a limit.
    pub(super) fn branch_on_limit(
        &mut self,
        comparison: Comparison,
        a: &'p Expr,
        limit: u64,
        (to, sense): (Label, bool),
    ) -> Compiled<()> {
        let (is_above, with, without) = match comparison {
            Comparison::Less => (false, "lt_u", "ge_u"),
            Comparison::LessOrEqual => (false, "le_u", "gt_u"),
            Comparison::GreaterOrEqual => (true, "ge_u", "lt_u"),
            _ => (true, "gt_u", "le_u"),
        };
        let amount = self.wide(a)?;
        let end = self.block();
        self.high(amount);
        self.code(&format!("i64.eqz i32.eqz br_if {}", if is_above == sense { to } else { end }));
        self.low(amount);
        let order = if sense { with } else { without };
        self.code(&format!("i64 {} i64.{order} br_if {to} end", limit as i64));
        Ok(())
    }

    pub(super) fn absolute(&mut self, inner: &'p Expr, expr: &'p Expr) -> Compiled<()> {
        let can_fault = self.faults_itself(expr, &[inner]);
        self.expr(inner)?;
        if matches!(expr.ty, Type::Decimal(_) | Type::Money(..)) {
            self.call("absolute", Size::Fixed(0));
            self.settle(can_fault);
            return Ok(());
        }
        let (value, sign) = (self.local(ValType::I64), self.local(ValType::I64));
        self.code(&format!("tee {value} get {value} i64 63 i64.shr_s tee {sign} i64.xor"));
        self.code(&format!("get {sign} i64.sub"));
        if can_fault {
            self.code(&format!("tee {value} get {value} i64 0 i64.lt_s"));
            self.raise_if(crate::typed::Fault::Overflow);
        }
        self.function.free(&[value, sign]);
        Ok(())
    }

    pub(super) fn round(
        &mut self,
        rounding: Rounding,
        inner: &'p Expr,
        expr: &'p Expr,
    ) -> Compiled<()> {
        let can_fault = self.faults_itself(expr, &[inner]);
        let rise = rise(&inner.ty, &expr.ty);
        let unit = power(rise, expr.span)?;
        if rise >= 0 {
            return self.times(inner, unit, can_fault);
        }
        self.expr(inner)?;
        self.both(Wide::Constant(unit));
        self.code(&format!("i32 {}", mask(rounding)));
        self.call("divide", Size::Fixed(0));
        self.settle(can_fault);
        Ok(())
    }

    /// a ÷ b to the node's scale: a × 10^e ÷ b, where e = scale of the node + scale of b − scale of
    /// a. The intermediate is exact; a fault is raised when the result does not fit.
    pub(super) fn divide(
        &mut self,
        rounding: Rounding,
        a: &'p Expr,
        b: &'p Expr,
        expr: &'p Expr,
    ) -> Compiled<()> {
        let places = i32::from(scale(&expr.ty)) + i32::from(scale(&b.ty)) - i32::from(scale(&a.ty));
        let unit = power(places, expr.span)?;
        let a_range = self.analysis.range(a);
        self.expr(a)?;
        let divisor = self.wide(b)?;
        let (low, high) = self.analysis.range(b);
        if low <= 0 && high >= 0 {
            self.low(divisor);
            self.high(divisor);
            self.code("i64.or i64.eqz");
            self.raise_if(crate::typed::Fault::DivideByZero);
        }
        let fits = is_inside(
            (a_range.0.saturating_mul(unit), a_range.1.saturating_mul(unit)),
            (i128::MIN, i128::MAX),
        );
        let mask = mask(rounding);
        if places < 0 {
            self.both(divisor);
            self.both(Wide::Constant(unit));
            self.code(&format!("i32 {mask}"));
            self.call("divide_down", Size::Fixed(0));
        } else if unit == 1 || fits {
            if unit > 1 {
                self.both(Wide::Constant(unit));
                self.call("mul", Size::Fixed(0));
                self.code("drop");
            }
            self.both(divisor);
            self.code(&format!("i32 {mask}"));
            self.call("divide", Size::Fixed(0));
        } else {
            self.both(Wide::Constant(unit));
            self.both(divisor);
            self.code(&format!("i32 {mask}"));
            self.call("scale", Size::Fixed(bits(unit)));
        }
        self.raise();
        Ok(())
    }
}

/// Binary digits of a number.
pub(super) fn bits(number: i128) -> u64 {
    u64::from(128 - number.leading_zeros())
}

/// 10 to that power, or to its negative.
pub(super) fn power(places: i32, span: Span) -> Compiled<i128> {
    10_i128.checked_pow(places.unsigned_abs()).ok_or_else(|| {
        let expected = "at most 38 decimal places between two scales".to_owned();
        let found = format!("{} places", places.unsigned_abs());
        too_large(span, expected, found, "round the operands first")
    })
}

/// What `finish` is to do: bits 0 to 3 for plus, 4 to 7 for minus; of each four, below half, half
/// after an even digit, half after an odd one, above half; a set bit rounds away from zero.
pub(super) fn mask(rounding: Rounding) -> u32 {
    match rounding {
        Rounding::HalfEven => 0b1100_1100,
        Rounding::HalfUp => 0b1110_1110,
        Rounding::HalfDown => 0b1000_1000,
        Rounding::Up => 0b1111_1111,
        Rounding::Down => 0,
        Rounding::Ceiling => 0b0000_1111,
        Rounding::Floor => 0b1111_0000,
    }
}
