//! Questions to lists: plain membership and screening. It must never let a list through that the
//! rule does not name, nor a threshold that is not fixed.

use facts::FieldKind;

use super::ast::{Ast, Node};
use super::checker::{Checked, Checker};
use super::kinds;
use super::spelling::did_you_mean;
use crate::ErrorKind;
use crate::typed::{Expr, Kind, Mode, Screening, Type};

/// Highest score and so highest threshold.
const SCORE_MAX: i64 = 10_000;

impl Checker<'_> {
    /// The number of a list by its id.
    fn list_number(&mut self, ast: &Ast) -> Checked<u32> {
        let id = self.literal(ast, "the id of a list", "\"us.ofac.sdn\"")?;
        let lists = self.lists;
        match lists.iter().position(|known| known == id) {
            Some(number) => Ok(number as u32),
            None => {
                let known: Vec<&str> = lists.iter().map(String::as_str).collect();
                self.unknown_id(ast, "lists", id, &known)
            }
        }
    }

    pub(super) fn in_list(
        &mut self,
        ast: &Ast,
        left: &Ast,
        right: &Ast,
        arguments: &[Ast],
    ) -> Checked<Expr> {
        let [id] = arguments else {
            let found = self.quote(right);
            return self.fail(ErrorKind::Type, right, "`x in list(\"id\")`", found, "");
        };
        let value = self.value(left, None)?;
        let number = self.list_number(id)?;
        let value = match value.ty {
            Type::Text | Type::Country => value,
            Type::Counterparty => kinds::coerce(value.clone(), &Type::Text).unwrap_or(value),
            _ => {
                let hint = "lists hold text: write the values in `[…]` instead";
                return self.wrong_type(left, "a string or a country", &value.ty, hint);
            }
        };
        Ok(self.node(ast, Kind::InList(number, Box::new(value)), Type::Bool))
    }

    pub(super) fn screen_id(&mut self, ast: &Ast, list: &Ast, text: &Ast) -> Checked<Expr> {
        let number = self.list_number(list)?;
        let text = self.as_text(text)?;
        Ok(self.node(ast, Kind::ScreenId(number, Box::new(text)), Type::Hit(number)))
    }

    /// `rest`: threshold, then optionally a date of birth, then optionally a mode.
    pub(super) fn screen(
        &mut self,
        ast: &Ast,
        list: &Ast,
        name: &Ast,
        rest: &[Ast],
    ) -> Checked<Expr> {
        let list = self.list_number(list)?;
        let name = self.as_text(name)?;
        let threshold = self.threshold(&rest[0])?;
        let (birth, mode) = match &rest[1..] {
            [] => (None, None),
            [mode] if matches!(mode.node, Node::Text(_)) => (None, Some(mode)),
            [birth] => (Some(birth), None),
            [birth, mode, ..] => (Some(birth), Some(mode)),
        };
        let birth = match birth {
            Some(birth) => Some(self.birth(birth)?),
            None => None,
        };
        let mode = match mode {
            Some(mode) => self.mode(mode)?,
            None => Mode::Default,
        };
        let screening = Box::new(Screening { list, name, birth, threshold, mode });
        Ok(self.node(ast, Kind::Screen(screening), Type::Hit(list)))
    }

    fn threshold(&mut self, ast: &Ast) -> Checked<u16> {
        let expr = self.expr(ast, None)?;
        if let Kind::Int(score @ 1..=SCORE_MAX) = expr.kind
            && expr.ty == Type::Int
        {
            return Ok(score as u16);
        }
        let expected = format!("a threshold, a constant int from 1 to {SCORE_MAX}");
        let hint = "scores are in hundredths of a percent: 85 % is `8500`";
        let found = self.quote(ast);
        self.fail(ErrorKind::Literal, ast, expected, found, hint)
    }

    fn birth(&mut self, ast: &Ast) -> Checked<Expr> {
        let expr = self.expr(ast, None)?;
        if let Kind::Fact(field) = expr.kind
            && field.kind == FieldKind::Date
        {
            return Ok(expr);
        }
        let hint = "write `source.birth_date` or `destination.birth_date`, or leave it out";
        self.wrong_type(ast, "a fact that is a date of birth", &expr.ty, hint)
    }

    fn mode(&mut self, ast: &Ast) -> Checked<Mode> {
        let name = self.literal(ast, "a mode", "\"ofac\"")?;
        match MODES.iter().find(|(known, _)| *known == name) {
            Some((_, mode)) => Ok(*mode),
            None => {
                let hint = did_you_mean(name, MODES.map(|(known, _)| known));
                let found = self.quote(ast);
                self.fail(ErrorKind::Literal, ast, "a mode of screening", found, hint)
            }
        }
    }
}

const MODES: [(&str, Mode); 3] =
    [("default", Mode::Default), ("ofac", Mode::Ofac), ("jaro-winkler", Mode::JaroWinkler)];
