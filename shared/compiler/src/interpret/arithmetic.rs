//! Arithmetic of each type. Every result that does not fit is a fault; it must never wrap.

use super::value::Datum;
use super::{Machine, Stop, ratio};
use crate::typed::{
    DURATION_MS_MAX, Expr, Fault, Operator, Rounding, TIME_MS_MAX, TIME_MS_MIN, Type,
};

/// A value when `ty` holds it.
pub(super) fn bounded(number: i64, ty: &Type, fault: Fault) -> Result<i64, Fault> {
    let fits = match ty {
        Type::Time => (TIME_MS_MIN..=TIME_MS_MAX).contains(&number),
        Type::Duration => (-DURATION_MS_MAX..=DURATION_MS_MAX).contains(&number),
        _ => true,
    };
    if fits { Ok(number) } else { Err(fault) }
}

/// The scale of a `Decimal` or `Money`.
pub(super) fn scale(ty: &Type) -> u8 {
    match ty {
        Type::Decimal(scale) | Type::Money(_, scale) => *scale,
        _ => 0,
    }
}

/// A mantissa at another scale, rounded when that is smaller.
pub(super) fn rescaled(
    mantissa: i128,
    from: u8,
    to: u8,
    rounding: Rounding,
) -> Result<i128, Fault> {
    ratio::quotient(&[mantissa], &[1], i32::from(to) - i32::from(from), rounding)
}

/// One operator on two values; `ty` is the type of the result.
pub(super) fn apply(
    operator: Operator,
    left: Datum,
    right: Datum,
    ty: &Type,
) -> Result<Datum, Stop> {
    let overflow = Fault::Overflow;
    let datum = match (left, right) {
        (Datum::Int(a), Datum::Int(b)) => {
            let number = integers(operator, a, b)?;
            Datum::Int(bounded(number, ty, overflow)?)
        }
        (Datum::Uint(a), Datum::Uint(b)) => Datum::Uint(naturals(operator, a, b)?),
        (Datum::Number(a), Datum::Number(b)) => Datum::Number(match operator {
            Operator::Add => a.checked_add(b).ok_or(overflow)?,
            Operator::Subtract => a.checked_sub(b).ok_or(overflow)?,
            Operator::Multiply => a.checked_mul(b).ok_or(overflow)?,
            _ => return Err(Stop::Broken("division of decimals")),
        }),
        (Datum::Text(a), Datum::Text(b)) if operator == Operator::Add => {
            Datum::Text(format!("{a}{b}").into())
        }
        (Datum::Bytes(a), Datum::Bytes(b)) if operator == Operator::Add => {
            Datum::Bytes([&*a, &*b].concat().into())
        }
        _ => return Err(Stop::Broken("operands of an operator")),
    };
    Ok(datum)
}

fn integers(operator: Operator, a: i64, b: i64) -> Result<i64, Fault> {
    let by_zero = || if b == 0 { Fault::DivideByZero } else { Fault::Overflow };
    match operator {
        Operator::Add => a.checked_add(b).ok_or(Fault::Overflow),
        Operator::Subtract => a.checked_sub(b).ok_or(Fault::Overflow),
        Operator::Multiply => a.checked_mul(b).ok_or(Fault::Overflow),
        Operator::Divide => a.checked_div(b).ok_or_else(by_zero),
        Operator::Remainder if b == -1 => Ok(0),
        Operator::Remainder => a.checked_rem(b).ok_or_else(by_zero),
    }
}

fn naturals(operator: Operator, a: u64, b: u64) -> Result<u64, Fault> {
    match operator {
        Operator::Add => a.checked_add(b).ok_or(Fault::Overflow),
        Operator::Subtract => a.checked_sub(b).ok_or(Fault::Overflow),
        Operator::Multiply => a.checked_mul(b).ok_or(Fault::Overflow),
        Operator::Divide => a.checked_div(b).ok_or(Fault::DivideByZero),
        Operator::Remainder => a.checked_rem(b).ok_or(Fault::DivideByZero),
    }
}

/// The value with its sign changed.
pub(super) fn negated(value: Datum, ty: &Type) -> Result<Datum, Stop> {
    match value {
        Datum::Int(number) => {
            let number = number.checked_neg().ok_or(Fault::Overflow)?;
            Ok(Datum::Int(bounded(number, ty, Fault::Overflow)?))
        }
        Datum::Number(number) => Ok(Datum::Number(number.checked_neg().ok_or(Fault::Overflow)?)),
        _ => Err(Stop::Broken("operand of a sign")),
    }
}

/// The value without its sign.
pub(super) fn absolute(value: Datum, ty: &Type) -> Result<Datum, Stop> {
    match value {
        Datum::Int(number) if number < 0 => negated(value, ty),
        Datum::Number(number) if number < 0 => negated(value, ty),
        Datum::Int(_) | Datum::Number(_) => Ok(value),
        _ => Err(Stop::Broken("operand of abs")),
    }
}

impl<'p> Machine<'p> {
    /// Sum of a list.
    pub(super) fn sum(&mut self, list: &'p Expr, ty: &Type) -> Result<Datum, Stop> {
        let mut sum = match ty {
            Type::Uint => Datum::Uint(0),
            Type::Decimal(_) | Type::Money(..) => Datum::Number(0),
            _ => Datum::Int(0),
        };
        self.each_value(list, &mut |_, value| {
            sum = apply(Operator::Add, sum.clone(), value, ty)?;
            Ok(())
        })?;
        Ok(sum)
    }
}
