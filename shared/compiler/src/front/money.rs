//! Functions of amounts, decimals and calendars. It must never let a division or a conversion
//! through that does not say how it rounds, unless LANGUAGE.md says so for it.

use facts::Currency;

use super::ast::{Ast, Node};
use super::checker::{Checked, Checker};
use super::constant::{self, ROUNDINGS, SCALE_MAX};
use super::spelling::did_you_mean;
use crate::ErrorKind;
use crate::typed::{Expr, Function, Kind, Rounding, Type};

impl Checker<'_> {
    /// `usd("1.00")`; the code is that of a currency.
    pub(super) fn amount(&mut self, ast: &Ast, digits: &Ast, code: &str) -> Checked<Expr> {
        let text = self.digits(digits, "\"100.00\"")?;
        let read = constant::currency(code)
            .and_then(|currency| Ok((constant::amount(text, currency)?, currency)));
        match read {
            Ok((mantissa, currency)) => {
                let ty = Type::Money(currency, currency.exponent());
                Ok(self.node(ast, Kind::Decimal(mantissa), ty))
            }
            Err(hint) => {
                let expected = format!("an amount in {code}");
                let found = self.quote(digits);
                self.fail(ErrorKind::Literal, digits, expected, found, hint)
            }
        }
    }

    pub(super) fn decimal(&mut self, ast: &Ast, digits: &Ast) -> Checked<Expr> {
        let text = self.digits(digits, "\"1.5\"")?;
        match constant::decimal(text) {
            Ok((mantissa, scale)) => {
                Ok(self.node(ast, Kind::Decimal(mantissa), Type::Decimal(scale)))
            }
            Err(hint) => {
                let found = self.quote(digits);
                self.fail(ErrorKind::Literal, digits, "a decimal number", found, hint)
            }
        }
    }

    fn digits<'t>(&mut self, ast: &'t Ast, sample: &str) -> Checked<&'t str> {
        if let Node::Int(number) = ast.node {
            let hint = format!("write \"{number}\" with quotes");
            let found = self.quote(ast);
            return self.fail(ErrorKind::Type, ast, "digits between quotes", found, hint);
        }
        self.literal(ast, "digits", sample)
    }

    pub(super) fn absolute(&mut self, ast: &Ast, argument: &Ast) -> Checked<Expr> {
        let value = self.value(argument, None)?;
        let ty = value.ty.clone();
        match ty {
            Type::Int | Type::Duration | Type::Decimal(_) | Type::Money(..) => {
                Ok(self.node(ast, Kind::Call(Function::Absolute, vec![value]), ty))
            }
            _ => self.wrong_type(argument, "a number with a sign", &ty, ""),
        }
    }

    pub(super) fn round(
        &mut self,
        ast: &Ast,
        argument: &Ast,
        scale: &Ast,
        mode: &Ast,
    ) -> Checked<Expr> {
        let value = self.value(argument, None)?;
        let (scale, rounding) = (self.scale(scale)?, self.rounding(mode)?);
        let ty = match value.ty {
            Type::Decimal(_) => Type::Decimal(scale),
            Type::Money(currency, _) => Type::Money(currency, scale),
            _ => return self.wrong_type(argument, "a decimal or an amount", &value.ty, ""),
        };
        Ok(self.node(ast, Kind::Call(Function::Round(rounding), vec![value]), ty))
    }

    pub(super) fn divided(
        &mut self,
        ast: &Ast,
        [a, b]: [&Ast; 2],
        scale: &Ast,
        mode: &Ast,
    ) -> Checked<Expr> {
        let (first, second) = self.operands(a, b, None)?;
        let (scale, rounding) = (self.scale(scale)?, self.rounding(mode)?);
        let ty = match (&first.ty, &second.ty) {
            (Type::Decimal(_), Type::Decimal(_)) => Type::Decimal(scale),
            (Type::Money(currency, _), Type::Decimal(_)) => Type::Money(*currency, scale),
            (Type::Money(from, _), Type::Money(to, _)) if from == to => Type::Decimal(scale),
            (Type::Decimal(_) | Type::Money(..), _) => {
                let hint = match (&second.ty, &b.node) {
                    (Type::Int, Node::Int(number)) => format!("write `dec(\"{number}\")`"),
                    _ => "amounts are divided by decimals or amounts of their currency".to_owned(),
                };
                return self.wrong_type(b, "a divisor for it", &second.ty, hint);
            }
            _ => {
                let hint = "ints are divided with `/`";
                return self.wrong_type(a, "a decimal or an amount", &first.ty, hint);
            }
        };
        Ok(self.node(ast, Kind::Call(Function::Divide(rounding), vec![first, second]), ty))
    }

    pub(super) fn convert(
        &mut self,
        ast: &Ast,
        amount: &Ast,
        to: &Ast,
        table: &Ast,
        mode: Option<&Ast>,
    ) -> Checked<Expr> {
        let value = self.expr(amount, None)?;
        let rounding = match mode {
            Some(mode) => self.rounding(mode)?,
            None => Rounding::HalfEven,
        };
        if !matches!(value.ty, Type::AnyMoney | Type::Money(..)) {
            return self.wrong_type(amount, "an amount", &value.ty, "");
        }
        let code = self.literal(to, "a currency", "\"USD\"")?;
        let currency = match constant::currency(code) {
            Ok(currency) => currency,
            Err(hint) => {
                let found = self.quote(to);
                let expected = "an active ISO 4217 code or a listed digital token";
                return self.fail(ErrorKind::Literal, to, expected, found, hint);
            }
        };
        let id = self.literal(table, "a rate table", "\"ecb.daily\"")?;
        let rates = self.rates;
        let Some(number) = rates.iter().position(|rates| rates.id == id) else {
            let known: Vec<&str> = rates.iter().map(|rates| rates.id.as_str()).collect();
            return self.unknown_id(table, "rates", id, &known);
        };
        self.check_rate(table, number, currency)?;
        let ty = Type::Money(currency, currency.exponent());
        let function = Function::Convert(number as u32, rounding);
        Ok(self.node(ast, Kind::Call(function, vec![value]), ty))
    }

    /// Refuses a table that can never give the target.
    fn check_rate(&mut self, ast: &Ast, number: usize, currency: Currency) -> Checked<()> {
        let rates = &self.rates[number].rates;
        if rates.iter().any(|(known, ..)| *known == currency) {
            return Ok(());
        }
        let found = self.quote(ast);
        let expected = format!("a table with a rate of {currency}");
        self.fail(ErrorKind::Currency, ast, expected, found, "use another table")
    }

    pub(super) fn day(
        &mut self,
        ast: &Ast,
        time: &Ast,
        calendar: &Ast,
        business: bool,
    ) -> Checked<Expr> {
        let time = self.exactly(time, &Type::Time, "")?;
        let id = self.literal(calendar, "a calendar", "\"us.federal-eastern\"")?;
        let calendars = self.calendars;
        let Some(number) = calendars.iter().position(|calendar| calendar.id == id) else {
            let known: Vec<&str> = calendars.iter().map(|calendar| calendar.id.as_str()).collect();
            return self.unknown_id(calendar, "calendars", id, &known);
        };
        let number = number as u32;
        let function = if business { Function::BusinessDay(number) } else { Function::Day(number) };
        Ok(self.node(ast, Kind::Call(function, vec![time]), Type::Int))
    }

    /// Refuses an id that the rule does not list under `key`.
    pub(super) fn unknown_id<T>(
        &mut self,
        ast: &Ast,
        key: &str,
        id: &str,
        known: &[&str],
    ) -> Checked<T> {
        let hint = match did_you_mean(id, known.iter().copied()) {
            hint if hint.is_empty() => format!("add it to `{key}:` of the rule"),
            hint if hint.starts_with("known") => {
                format!("{hint}; or add it to `{key}:` of the rule")
            }
            hint => hint,
        };
        let found = self.quote(ast);
        let expected = format!("an id of `{key}:` of the rule");
        self.fail(ErrorKind::UnknownName, ast, expected, found, hint)
    }

    fn scale(&mut self, ast: &Ast) -> Checked<u8> {
        let scale = match self.expr(ast, None)?.kind {
            Kind::Int(scale) => u8::try_from(scale).ok().filter(|scale| *scale <= SCALE_MAX),
            _ => None,
        };
        match scale {
            Some(scale) => Ok(scale),
            None => {
                let expected = format!("decimal places, a constant from 0 to {SCALE_MAX}");
                let found = self.quote(ast);
                self.fail(ErrorKind::Literal, ast, expected, found, "write a number such as `2`")
            }
        }
    }

    fn rounding(&mut self, ast: &Ast) -> Checked<Rounding> {
        let name = self.literal(ast, "a rounding", "\"half_even\"")?;
        match constant::rounding(name) {
            Some(rounding) => Ok(rounding),
            None => {
                let hint = did_you_mean(name, ROUNDINGS.map(|(known, _)| known));
                let found = self.quote(ast);
                self.fail(ErrorKind::Literal, ast, "a rounding", found, hint)
            }
        }
    }
}
