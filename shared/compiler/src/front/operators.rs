//! Operators between values: comparison, membership, arithmetic. It must never compare or add what
//! is not of one kind, nor amounts of two currencies.

use super::ast::{Ast, Node};
use super::checker::{Checked, Checker, needs_hint};
use super::kinds::{self, PRODUCT_SCALE_MAX};
use crate::ErrorKind;
use crate::typed::{Comparison, Expr, Kind, Operator, Type};

impl Checker<'_> {
    /// Two operands; a literal takes the type of the other. Their types may still differ.
    pub(super) fn operands(
        &mut self,
        left: &Ast,
        right: &Ast,
        hint: Option<&Type>,
    ) -> Checked<(Expr, Expr)> {
        let (a, b) = if needs_hint(left) && !needs_hint(right) {
            let b = self.expr(right, hint);
            let a = self.expr(left, b.as_ref().ok().map(|b| &b.ty).or(hint));
            (a?, b?)
        } else {
            let a = self.expr(left, hint);
            let b = self.expr(right, a.as_ref().ok().map(|a| &a.ty).or(hint));
            (a?, b?)
        };
        for (ast, expr, other) in [(left, &a, &b), (right, &b, &a)] {
            if expr.ty == Type::AnyMoney {
                let currency = match other.ty {
                    Type::Money(currency, _) => Some(currency),
                    _ => None,
                };
                return self.unknown_currency(ast, expr, currency);
            }
        }
        Ok((a, b))
    }

    pub(super) fn comparison(
        &mut self,
        ast: &Ast,
        how: Comparison,
        left: &Ast,
        right: &Ast,
    ) -> Checked<Expr> {
        let (a, b) = self.operands(left, right, None)?;
        let (a, b) = match kinds::unify(a, b) {
            Ok(pair) => pair,
            Err(pair) => return self.mismatch(left, &pair.0.ty, right, &pair.1.ty, how),
        };
        let equality = matches!(how, Comparison::Equal | Comparison::NotEqual);
        if equality && !kinds::has_equality(&a.ty) {
            let words = self.words(left);
            let hint = match &a.ty {
                Type::Hit(_) => format!("compare a part of it: `{words}.found`, `{words}.score`"),
                _ => "compare a column of it".to_owned(),
            };
            return self.wrong_type(left, "values that can be equal", &a.ty, hint);
        }
        if !equality && !kinds::is_ordered(&a.ty) {
            let hint = match a.ty {
                Type::List(_) => "compare its size, or loop with `all` or `exists`",
                _ => "codes and names have no order: use `==` or `in […]`",
            };
            return self.wrong_type(left, "values with an order", &a.ty, hint);
        }
        if matches!(a.ty, Type::List(_)) {
            let is_literal = |expr: &Expr| matches!(expr.kind, Kind::List(_));
            if !is_literal(&a) && !is_literal(&b) {
                let hint = "compare sizes and elements with `all` or `exists`";
                return self.wrong_type(right, "a list literal on one side", &b.ty, hint);
            }
            self.consume(&a, left)?;
            self.consume(&b, right)?;
        }
        Ok(self.node(ast, Kind::Compare(how, Box::new(a), Box::new(b)), Type::Bool))
    }

    pub(super) fn membership(&mut self, ast: &Ast, left: &Ast, right: &Ast) -> Checked<Expr> {
        if let Node::Call(None, name, arguments) = &right.node
            && name == "list"
        {
            return self.in_list(ast, left, right, arguments);
        }
        let (a, list) = if needs_hint(left) {
            let list = self.value(right, None)?;
            let element = element_of(&list.ty).cloned();
            (self.value(left, element.as_ref())?, list)
        } else {
            let a = self.value(left, None)?;
            let hint = Type::List(Box::new(a.ty.clone()));
            let list = self.value(right, Some(&hint))?;
            (a, list)
        };
        let Some(element) = element_of(&list.ty).cloned() else {
            let words = (self.words(left), self.words(right));
            let hint = match list.ty {
                Type::Text => format!("write `{}.contains({})`", words.1, words.0),
                _ => format!("write `{} == {}`, or put it in `[…]`", words.0, words.1),
            };
            return self.wrong_type(right, "a list after `in`", &list.ty, hint);
        };
        let both = kinds::common(&a.ty, &element).and_then(|ty| {
            let all = Type::List(Box::new(ty.clone()));
            Some((kinds::coerce(a.clone(), &ty)?, kinds::coerce(list.clone(), &all)?))
        });
        let (a, list) = match both {
            Some(both) if kinds::has_equality(&both.0.ty) => both,
            _ => return self.mismatch(left, &a.ty, right, &element, Comparison::Equal),
        };
        self.consume(&list, right)?;
        Ok(self.node(ast, Kind::In(Box::new(a), Box::new(list)), Type::Bool))
    }

    pub(super) fn negate(&mut self, ast: &Ast, operand: &Ast) -> Checked<Expr> {
        let expr = self.value(operand, None)?;
        let ty = expr.ty.clone();
        let signed = matches!(ty, Type::Int | Type::Duration | Type::Decimal(_) | Type::Money(..));
        if !signed {
            return self.wrong_type(operand, "a number with a sign after `-`", &ty, "");
        }
        Ok(self.node(ast, Kind::Negate(Box::new(expr)), ty))
    }

    pub(super) fn arithmetic(
        &mut self,
        ast: &Ast,
        how: Operator,
        left: &Ast,
        right: &Ast,
        hint: Option<&Type>,
    ) -> Checked<Expr> {
        // Only lists take the type of what stands beside the sum; codes are not added.
        let hint = hint.filter(|hint| matches!(hint, Type::List(_)));
        let (a, b) = self.operands(left, right, hint)?;
        match how {
            Operator::Add | Operator::Subtract => self.sum_of(ast, how, (left, a), (right, b)),
            Operator::Multiply => self.product_of(ast, (left, a), (right, b)),
            Operator::Divide | Operator::Remainder => {
                self.quotient_of(ast, how, (left, a), (right, b))
            }
        }
    }

    fn sum_of(
        &mut self,
        ast: &Ast,
        how: Operator,
        (left, a): (&Ast, Expr),
        (right, b): (&Ast, Expr),
    ) -> Checked<Expr> {
        let add = how == Operator::Add;
        match (&a.ty, &b.ty) {
            (Type::Time, Type::Duration) => return Ok(self.operation(ast, how, a, b, Type::Time)),
            (Type::Duration, Type::Time) if add => {
                return Ok(self.operation(ast, how, b, a, Type::Time));
            }
            (Type::Time, Type::Time) if !add => {
                return Ok(self.operation(ast, how, a, b, Type::Duration));
            }
            _ => {}
        }
        let (a, b) = match kinds::unify(a, b) {
            Ok(pair) => pair,
            Err(pair) => return self.arithmetic_mismatch(how, left, right, &pair),
        };
        let allowed = match &a.ty {
            Type::Int | Type::Uint | Type::Duration | Type::Decimal(_) | Type::Money(..) => true,
            Type::Text | Type::Bytes => add,
            Type::List(element) => add && kinds::can_be_element(element),
            _ => false,
        };
        if !allowed {
            return self.arithmetic_mismatch(how, left, right, &(a, b));
        }
        let ty = a.ty.clone();
        let sum = self.operation(ast, how, a, b, ty);
        if self.length_max(&sum) > LIST_LENGTH_MAX && matches!(sum.ty, Type::List(_)) {
            let expected = format!("a list of at most {LIST_LENGTH_MAX} elements");
            let found = self.quote(ast);
            return self.fail(ErrorKind::TooLarge, ast, expected, found, "join fewer lists");
        }
        Ok(sum)
    }

    fn product_of(
        &mut self,
        ast: &Ast,
        (left, a): (&Ast, Expr),
        (right, b): (&Ast, Expr),
    ) -> Checked<Expr> {
        let how = Operator::Multiply;
        let (ty, swapped) = match (&a.ty, &b.ty) {
            (Type::Int, Type::Int) | (Type::Uint, Type::Uint) => (a.ty.clone(), false),
            (Type::Decimal(x), Type::Decimal(y)) => (Type::Decimal(x + y), false),
            (Type::Money(currency, x), Type::Decimal(y)) => (Type::Money(*currency, x + y), false),
            (Type::Decimal(x), Type::Money(currency, y)) => (Type::Money(*currency, x + y), true),
            _ => return self.arithmetic_mismatch(how, left, right, &(a, b)),
        };
        if let Type::Decimal(scale) | Type::Money(_, scale) = ty
            && scale > PRODUCT_SCALE_MAX
        {
            let expected = format!("at most {PRODUCT_SCALE_MAX} decimal places");
            let hint = "round a factor first: `round(x, 6, \"half_even\")`";
            let found = format!("{}, with {scale}", self.quote(ast));
            return self.fail(ErrorKind::TooLarge, ast, expected, found, hint);
        }
        let (a, b) = if swapped { (b, a) } else { (a, b) };
        Ok(self.operation(ast, how, a, b, ty))
    }

    fn quotient_of(
        &mut self,
        ast: &Ast,
        how: Operator,
        (left, a): (&Ast, Expr),
        (right, b): (&Ast, Expr),
    ) -> Checked<Expr> {
        match (&a.ty, &b.ty) {
            (Type::Int, Type::Int) | (Type::Uint, Type::Uint) => {
                let ty = a.ty.clone();
                Ok(self.operation(ast, how, a, b, ty))
            }
            (Type::Decimal(_) | Type::Money(..), _) if how == Operator::Divide => {
                let (x, y) = (self.words(left), self.words(right));
                let hint = format!("say how it rounds: `div({x}, {y}, 2, \"half_even\")`");
                let found = self.typed_quote(left, &a.ty);
                self.fail(ErrorKind::Type, ast, "int / int", found, hint)
            }
            _ => self.arithmetic_mismatch(how, left, right, &(a, b)),
        }
    }

    fn operation(&self, ast: &Ast, how: Operator, a: Expr, b: Expr, ty: Type) -> Expr {
        self.node(ast, Kind::Arithmetic(how, Box::new(a), Box::new(b)), ty)
    }

    /// Refuses a pair that is not of one type, and says how to make it one.
    pub(super) fn mismatch<T>(
        &mut self,
        left: &Ast,
        left_ty: &Type,
        right: &Ast,
        right_ty: &Type,
        how: Comparison,
    ) -> Checked<T> {
        // The literal of the two is the one to change.
        let change_left = is_constant(left) && !is_constant(right);
        let (ast, ty, other, other_ty) = if change_left {
            (left, left_ty, right, right_ty)
        } else {
            (right, right_ty, left, left_ty)
        };
        let kind = match (ty, other_ty) {
            (Type::Money(..), Type::Money(..)) => ErrorKind::Currency,
            _ => ErrorKind::Type,
        };
        let equality = matches!(how, Comparison::Equal | Comparison::NotEqual);
        let hint = self.conversion_hint(ast, ty, other, other_ty, equality);
        let expected = format!("{}, like {}", kinds::a(other_ty), self.quote(other));
        let found = self.typed_quote(ast, ty);
        self.fail(kind, ast, expected, found, hint)
    }

    fn arithmetic_mismatch<T>(
        &mut self,
        how: Operator,
        left: &Ast,
        right: &Ast,
        (a, b): &(Expr, Expr),
    ) -> Checked<T> {
        let symbol = ["+", "-", "*", "/", "%"][how as usize];
        let change_left = is_constant(left) && !is_constant(right);
        let (ast, ty, other, other_ty) =
            if change_left { (left, &a.ty, right, &b.ty) } else { (right, &b.ty, left, &a.ty) };
        let hint = match (how, ty, other_ty) {
            (Operator::Multiply, Type::Int | Type::Uint, Type::Decimal(_) | Type::Money(..)) => {
                let words = self.words(ast);
                if is_constant(ast) {
                    format!("write `dec(\"{words}\")`")
                } else {
                    "amounts are multiplied by decimals, such as `dec(\"1.5\")`".to_owned()
                }
            }
            _ if ty == other_ty => format!("`{symbol}` does not exist for them"),
            _ => self.conversion_hint(ast, ty, other, other_ty, false),
        };
        let expected = format!("values that `{symbol}` takes");
        let found = format!("{} and {}", kinds::a(&a.ty), kinds::a(&b.ty));
        let kind = match (ty, other_ty) {
            (Type::Money(..), Type::Money(..)) if ty != other_ty => ErrorKind::Currency,
            _ => ErrorKind::Type,
        };
        self.fail(kind, ast, expected, found, hint)
    }
}

/// Most elements of a joined list.
const LIST_LENGTH_MAX: usize = 2 * facts::HISTORY_ROWS_MAX;

/// Whether the author wrote a value down here.
pub(super) fn is_constant(ast: &Ast) -> bool {
    match &ast.node {
        Node::Int(_) | Node::Uint(_) | Node::Text(_) | Node::Bytes(_) | Node::Bool(_) => true,
        Node::List(elements) => elements.iter().all(is_constant),
        Node::Negate(operand) => is_constant(operand),
        Node::Call(None, name, arguments) => name != "screen" && arguments.iter().all(is_constant),
        _ => false,
    }
}

fn element_of(ty: &Type) -> Option<&Type> {
    match ty {
        Type::List(element) => Some(element),
        _ => None,
    }
}
