//! Functions of values. Each is written from its line in the typed program; it must never give a
//! value where the language gives a fault.

use super::arithmetic::{absolute, bounded, rescaled, scale};
use super::eval::{Answer, Machine, Stop};
use super::value::Datum;
use super::{clock, ratio};
use crate::typed::{Expr, Fault, Function, Rounding, Type};

/// What `Trim` takes away.
const WHITE_SPACE: [char; 6] = [' ', '\t', '\n', '\x0b', '\x0c', '\r'];
const BROKEN: Stop = Stop::Broken("operands of a function");

impl<'p> Machine<'p> {
    /// Evaluates the operands from left to right, then the function.
    pub(super) fn call(
        &mut self,
        function: Function,
        operands: &'p [Expr],
        ty: &Type,
    ) -> Answer<Datum> {
        let mut values = Vec::new();
        for operand in operands {
            values.push(self.eval(operand)?);
        }
        let first = operands.first().map(|operand| &operand.ty).ok_or(BROKEN)?;
        match (function, values.as_slice()) {
            (Function::Contains, [Datum::Text(a), Datum::Text(b)]) => {
                Ok(Datum::Bool(a.contains(&**b)))
            }
            (Function::StartsWith, [Datum::Text(a), Datum::Text(b)]) => {
                Ok(Datum::Bool(a.starts_with(&**b)))
            }
            (Function::EndsWith, [Datum::Text(a), Datum::Text(b)]) => {
                Ok(Datum::Bool(a.ends_with(&**b)))
            }
            (Function::LowerAscii, [Datum::Text(a)]) => {
                Ok(Datum::Text(a.to_ascii_lowercase().into()))
            }
            (Function::UpperAscii, [Datum::Text(a)]) => {
                Ok(Datum::Text(a.to_ascii_uppercase().into()))
            }
            (Function::Trim, [Datum::Text(a)]) => {
                Ok(Datum::Text(a.trim_matches(WHITE_SPACE).into()))
            }
            (Function::ToText, [value]) => to_text(value),
            (Function::ToInt, [value]) => Ok(Datum::Int(to_int(value, first)?)),
            (Function::ToUint, [value]) => Ok(Datum::Uint(to_uint(value)?)),
            (Function::ToTime, [Datum::Int(seconds)]) => {
                let ms = seconds.checked_mul(1000).ok_or(Fault::Range)?;
                Ok(Datum::Int(bounded(ms, &Type::Time, Fault::Range)?))
            }
            (Function::TimePart(part, offset), [Datum::Int(ms)]) => {
                Ok(Datum::Int(clock::part_of_time(part, *ms, offset)))
            }
            (Function::DurationPart(part), [Datum::Int(ms)]) => {
                Ok(Datum::Int(clock::part_of_duration(part, *ms)))
            }
            (Function::Absolute, [value]) => absolute(value.clone(), ty),
            (Function::Round(rounding), [Datum::Number(mantissa)]) => {
                Ok(Datum::Number(rescaled(*mantissa, scale(first), scale(ty), rounding)?))
            }
            (Function::Divide(rounding), [Datum::Number(a), Datum::Number(b)]) => {
                let second = operands.get(1).map_or(0, |operand| scale(&operand.ty));
                let tens = i32::from(scale(ty)) + i32::from(second) - i32::from(scale(first));
                Ok(Datum::Number(ratio::quotient(&[*a], &[*b], tens, rounding)?))
            }
            (Function::Convert(table, rounding), [value]) => {
                self.convert(table, rounding, value, first, ty)
            }
            (Function::Day(number), [Datum::Int(ms)]) => {
                let calendar = self.program.calendars.get(number as usize).ok_or(BROKEN)?;
                Ok(Datum::Int(clock::day(calendar, *ms)?))
            }
            (Function::BusinessDay(number), [Datum::Int(ms)]) => {
                let calendar = self.program.calendars.get(number as usize).ok_or(BROKEN)?;
                Ok(Datum::Int(clock::business_day(calendar, *ms)?))
            }
            _ => Err(BROKEN),
        }
    }

    fn convert(
        &self,
        table: u32,
        rounding: Rounding,
        value: &Datum,
        from: &Type,
        to: &Type,
    ) -> Answer<Datum> {
        let (mantissa, source, source_scale) = match (value, from) {
            (Datum::Amount(amount), _) => (amount.mantissa, amount.currency, amount.scale),
            (Datum::Number(mantissa), Type::Money(currency, scale)) => {
                (*mantissa, *currency, *scale)
            }
            _ => return Err(BROKEN),
        };
        let Type::Money(target, target_scale) = to else {
            return Err(BROKEN);
        };
        let rates = &self.program.rates.get(table as usize).ok_or(BROKEN)?.rates;
        let rate = |wanted| {
            let known = rates.iter().find(|(currency, ..)| *currency == wanted);
            known.map(|(_, rate, scale)| (*rate, *scale)).ok_or(Fault::MissingRate(table))
        };
        let (source_rate, source_rate_scale) = rate(source)?;
        let (target_rate, target_rate_scale) = rate(*target)?;
        // Each number counts with 10 to the minus of its own scale, the answer too.
        let tens = i32::from(*target_scale) - i32::from(source_scale)
            + i32::from(source_rate_scale)
            - i32::from(target_rate_scale);
        let converted = ratio::quotient(&[mantissa, target_rate], &[source_rate], tens, rounding)?;
        Ok(Datum::Number(converted))
    }
}

fn to_text(value: &Datum) -> Answer<Datum> {
    let text = match value {
        Datum::Int(number) => number.to_string(),
        Datum::Uint(number) => number.to_string(),
        Datum::Bool(flag) => flag.to_string(),
        Datum::Text(text) => return Ok(Datum::Text(text.clone())),
        _ => return Err(BROKEN),
    };
    Ok(Datum::Text(text.into()))
}

fn to_int(value: &Datum, ty: &Type) -> Answer<i64> {
    match value {
        Datum::Int(ms) if *ty == Type::Time => Ok(ms.div_euclid(1000)),
        Datum::Int(number) => Ok(*number),
        Datum::Uint(number) => i64::try_from(*number).map_err(|_| Fault::Range.into()),
        Datum::Text(text) => {
            let digits = text.strip_prefix('-').unwrap_or(text);
            plain_digits(digits)?;
            text.parse().map_err(|_| Fault::Range.into())
        }
        _ => Err(BROKEN),
    }
}

fn to_uint(value: &Datum) -> Answer<u64> {
    match value {
        Datum::Int(number) => u64::try_from(*number).map_err(|_| Fault::Range.into()),
        Datum::Uint(number) => Ok(*number),
        Datum::Text(text) => {
            plain_digits(text)?;
            text.parse().map_err(|_| Fault::Range.into())
        }
        _ => Err(BROKEN),
    }
}

fn plain_digits(text: &str) -> Result<(), Fault> {
    let sound = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if sound { Ok(()) } else { Err(Fault::Range) }
}
