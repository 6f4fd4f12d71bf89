//! Lists: loops over them, their size, sums and the like. It must never let through a loop over
//! history inside another, nor two names for one thing.

use facts::HISTORY_ROWS_MAX;

use super::ast::{Ast, Node};
use super::checker::{Checked, Checker, Frame, LIST_ELEMENTS_MAX};
use super::flow::Place;
use super::kinds;
use crate::ErrorKind;
use crate::typed::{Body, Expr, Kind, Loop, Type};

/// Most loops inside one another.
pub(super) const LOOPS_MAX: usize = 2;

impl Checker<'_> {
    /// A method of a list; `None` when there is no such.
    pub(super) fn list_method(
        &mut self,
        ast: &Ast,
        target: &Ast,
        name: &str,
        arguments: &[Ast],
    ) -> Option<Checked<Expr>> {
        let result = match (name, arguments) {
            ("all", [variable, body]) => self.quantifier(ast, Loop::All, target, variable, body),
            ("exists", [variable, body]) => {
                self.quantifier(ast, Loop::Exists, target, variable, body)
            }
            ("exists_one" | "existsOne", [variable, body]) => {
                self.quantifier(ast, Loop::ExistsOne, target, variable, body)
            }
            ("filter", [variable, body]) => self.filter(ast, target, variable, body),
            ("map", [variable, body]) => {
                self.iterated(target).and_then(|list| self.map(ast, list, variable, body))
            }
            ("map", [variable, condition, body]) => self
                .filter(ast, target, variable, condition)
                .and_then(|list| self.map(ast, list, variable, body)),
            ("count", [variable, body]) => {
                self.filter(ast, target, variable, body).and_then(|list| self.size_of(ast, list))
            }
            ("sum" | "min" | "max" | "distinct", [variable, body]) => self
                .iterated(target)
                .and_then(|list| self.map(ast, list, variable, body))
                .and_then(|list| self.folded(ast, body, name, list, true)),
            ("sum" | "min" | "max", []) => {
                self.iterated(target).and_then(|list| self.folded(ast, target, name, list, false))
            }
            ("size" | "count", []) => {
                if let Node::Call(Some(inner), name, none) = &target.node
                    && name == "distinct"
                    && none.is_empty()
                {
                    return Some(
                        self.iterated(inner)
                            .and_then(|list| self.folded(ast, inner, "distinct", list, false)),
                    );
                }
                return None;
            }
            ("distinct", []) => {
                let hint = format!("write `{}.size()`", self.words(ast));
                let found = self.quote(ast);
                self.fail(ErrorKind::Type, ast, "the number of different elements", found, hint)
            }
            _ => return None,
        };
        Some(result)
    }

    /// A list to loop over.
    fn iterated(&mut self, target: &Ast) -> Checked<Expr> {
        let list = self.value(target, None)?;
        if matches!(list.ty, Type::List(_)) {
            self.consume(&list, target)?;
            return Ok(list);
        }
        let hint = match list.ty {
            Type::Row => "loop over `history`, not over one row",
            _ => "loops run over lists and `history`",
        };
        self.wrong_type(target, "a list", &list.ty, hint)
    }

    /// Refuses to read all of a list that is as long as history inside a loop over history.
    pub(super) fn consume(&mut self, list: &Expr, ast: &Ast) -> Checked<()> {
        let inside = self.frames.iter().any(|frame| frame.over_history);
        if !inside || self.length_max(list) <= LIST_ELEMENTS_MAX {
            return Ok(());
        }
        let expected = "no loop over history inside another";
        let hint = "compute the inner one in `let` and use its name here";
        let found = self.quote(ast);
        self.fail(ErrorKind::TooLarge, ast, expected, found, hint)
    }

    /// Most elements that a list can have.
    pub(super) fn length_max(&self, list: &Expr) -> usize {
        match &list.kind {
            Kind::History => HISTORY_ROWS_MAX,
            Kind::List(elements) => elements.len(),
            Kind::Loop(_, body) => self.length_max(&body.list),
            Kind::Arithmetic(_, a, b) => self.length_max(a).saturating_add(self.length_max(b)),
            Kind::Conditional(_, a, b) => self.length_max(a).max(self.length_max(b)),
            Kind::Let(index) => self.facts.get(*index).map_or(0, |facts| facts.length_max),
            // An element of a list of lists, which only literals are.
            _ => LIST_ELEMENTS_MAX,
        }
    }

    /// The body of a loop, checked with its variable.
    fn body(
        &mut self,
        list: Expr,
        variable: &Ast,
        collects: bool,
        check: impl FnOnce(&mut Self) -> Checked<Expr>,
    ) -> Checked<Box<Body>> {
        let Node::Name(name) = &variable.node else {
            let found = self.quote(variable);
            let hint = "name the variable first: `.exists(r, r.amount …)`";
            return self.fail(ErrorKind::Syntax, variable, "the name of a variable", found, hint);
        };
        self.check_new_name(variable, name)?;
        if self.frames.len() >= LOOPS_MAX {
            let expected = format!("at most {LOOPS_MAX} loops inside one another");
            let hint = "compute the inner one in `let` and use its name here";
            let found = "another".to_owned();
            return self.fail(ErrorKind::TooLarge, variable, expected, found, hint);
        }
        let Type::List(element) = list.ty.clone() else {
            return Err(super::checker::Reported);
        };
        let number = self.variables;
        self.variables += 1;
        let over_history = self.length_max(&list) > LIST_ELEMENTS_MAX;
        let known = self.rows_currency(&list).map(|currency| (Place::Variable(number), currency));
        let (name, ty) = (name.clone(), *element);
        self.frames.push(Frame { name, number, ty, over_history, collects });
        let each = self.knowing(known.into_iter().collect(), check);
        self.frames.pop();
        Ok(Box::new(Body { list, variable: number, each: each? }))
    }

    fn quantifier(
        &mut self,
        ast: &Ast,
        how: Loop,
        target: &Ast,
        variable: &Ast,
        body: &Ast,
    ) -> Checked<Expr> {
        let list = self.iterated(target)?;
        let body = self.body(list, variable, false, |checker| checker.bool(body))?;
        Ok(self.node(ast, Kind::Loop(how, body), Type::Bool))
    }

    fn filter(
        &mut self,
        ast: &Ast,
        target: &Ast,
        variable: &Ast,
        condition: &Ast,
    ) -> Checked<Expr> {
        let list = self.iterated(target)?;
        let ty = list.ty.clone();
        let body = self.body(list, variable, false, |checker| checker.bool(condition))?;
        Ok(self.node(ast, Kind::Loop(Loop::Filter, body), ty))
    }

    fn map(&mut self, ast: &Ast, list: Expr, variable: &Ast, each: &Ast) -> Checked<Expr> {
        let body = self.body(list, variable, true, |checker| {
            let value = checker.value(each, None)?;
            match &value.ty {
                Type::Row | Type::Hit(_) | Type::List(_) => {
                    let hint = "take a column or a part of it";
                    checker.wrong_type(each, "a single value for each element", &value.ty, hint)
                }
                _ => Ok(value),
            }
        })?;
        let ty = Type::List(Box::new(body.each.ty.clone()));
        Ok(self.node(ast, Kind::Loop(Loop::Map, body), ty))
    }

    fn size_of(&mut self, ast: &Ast, list: Expr) -> Checked<Expr> {
        Ok(self.node(ast, Kind::Size(Box::new(list)), Type::Int))
    }

    /// `size(x)` and `x.size()`.
    pub(super) fn size(&mut self, ast: &Ast, argument: &Ast) -> Checked<Expr> {
        let expr = self.value(argument, None)?;
        match &expr.ty {
            Type::List(_) => {
                if !matches!(self.behind_let(&expr).kind, Kind::History) {
                    self.consume(&expr, argument)?;
                }
                self.size_of(ast, expr)
            }
            Type::Text | Type::Bytes => self.size_of(ast, expr),
            Type::Counterparty => {
                let text = kinds::coerce(expr.clone(), &Type::Text).unwrap_or(expr);
                self.size_of(ast, text)
            }
            ty => {
                let ty = ty.clone();
                self.wrong_type(argument, "a list, a string or bytes", &ty, "")
            }
        }
    }

    /// The sum, smallest, largest or number of different elements of a list.
    /// `each` when `of` gives an element, not the list.
    fn folded(&mut self, ast: &Ast, of: &Ast, name: &str, list: Expr, each: bool) -> Checked<Expr> {
        let Type::List(element) = list.ty.clone() else {
            return Err(super::checker::Reported);
        };
        let element = *element;
        let list = Box::new(list);
        let is_sum = kinds::is_measured(&element) && element != Type::Time;
        let expected = match name {
            "sum" if is_sum => return Ok(self.node(ast, Kind::Sum(list), element)),
            "sum" => "numbers, durations or amounts to add",
            "min" | "max" if kinds::is_measured(&element) => {
                return Ok(self.node(ast, Kind::Extreme(name == "max", list), element));
            }
            "min" | "max" => "numbers, times, durations or amounts to compare",
            _ if is_countable(&element) => {
                return Ok(self.node(ast, Kind::CountDistinct(list), Type::Int));
            }
            _ => "codes, counterparties, ints or times to tell apart",
        };
        let hint = match element {
            Type::Row => format!("say of what: `.{name}(r, r.…)`"),
            _ => String::new(),
        };
        let shown = if each { element } else { Type::List(Box::new(element)) };
        let found = self.typed_quote(of, &shown);
        self.fail(ErrorKind::Type, ast, expected, found, hint)
    }

    pub(super) fn index(&mut self, ast: &Ast, list: &Ast, index: &Ast) -> Checked<Expr> {
        let list_expr = self.value(list, None)?;
        let Type::List(element) = list_expr.ty.clone() else {
            let hint = "only lists have elements";
            return self.wrong_type(list, "a list before `[`", &list_expr.ty, hint);
        };
        if !matches!(self.behind_let(&list_expr).kind, Kind::History) {
            self.consume(&list_expr, list)?;
        }
        let index = self.exactly(index, &Type::Int, "elements are counted from 0")?;
        let kind = Kind::Index(Box::new(list_expr), Box::new(index));
        Ok(self.node(ast, kind, *element))
    }
}

fn is_countable(ty: &Type) -> bool {
    let code = matches!(ty, Type::Code(_) | Type::Country | Type::CurrencyCode);
    code || matches!(ty, Type::Int | Type::Counterparty | Type::Time)
}
