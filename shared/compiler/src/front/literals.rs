//! Literals with the type of what they stand beside: texts that mean codes, lists of one type. It
//! must never let a code through that nothing can have.

use facts::{CodeSet, Country, Currency};

use super::ast::{Ast, Node};
use super::checker::{Checked, Checker, LIST_ELEMENTS_MAX, Reported, needs_hint};
use super::kinds;
use super::spelling;
use crate::ErrorKind;
use crate::typed::{Expr, Kind, Type};

/// Why a code is refused: what was expected and what to do.
pub(super) struct CodeError {
    pub expected: String,
    pub hint: String,
}

/// The number of a code by its name.
pub(super) fn code(set: CodeSet, name: &str) -> Result<i64, CodeError> {
    let found = set.names().iter().find(|(_, known)| *known == name);
    found.map(|(number, _)| i64::from(*number)).ok_or_else(|| {
        let names: Vec<&str> = set.names().iter().map(|(_, known)| *known).collect();
        let hint = spelling::did_you_mean(name, names.iter().copied());
        CodeError { expected: kinds::a(&Type::Code(set)), hint }
    })
}

/// A country, packed.
pub(super) fn country(text: &str) -> Result<i64, CodeError> {
    Country::parse(text).map(|country| country.packed().into()).map_err(|error| {
        let hint = match spelling::country_code(text) {
            Some(code) => format!("write \"{code}\""),
            None => error.remedy().to_owned(),
        };
        CodeError { expected: "an ISO 3166-1 code of two letters".to_owned(), hint }
    })
}

/// A currency, packed.
pub(super) fn currency(text: &str) -> Result<i64, CodeError> {
    Currency::parse(text).map(|currency| currency.packed().into()).map_err(|error| CodeError {
        expected: error.expected().to_owned(),
        hint: error.remedy().to_owned(),
    })
}

impl Checker<'_> {
    pub(super) fn text(&mut self, ast: &Ast, text: &str, hint: Option<&Type>) -> Checked<Expr> {
        let (number, ty) = match hint {
            Some(Type::Code(set)) => (code(*set, text), Type::Code(*set)),
            Some(Type::Country) => (country(text), Type::Country),
            Some(Type::CurrencyCode) => (currency(text), Type::CurrencyCode),
            _ => return Ok(self.node(ast, Kind::Text(text.to_owned()), Type::Text)),
        };
        match number {
            Ok(number) => Ok(self.node(ast, Kind::Int(number), ty)),
            Err(CodeError { expected, hint }) => {
                let found = self.quote(ast);
                self.fail(ErrorKind::Literal, ast, expected, found, hint)
            }
        }
    }

    pub(super) fn list(
        &mut self,
        ast: &Ast,
        elements: &[Ast],
        hint: Option<&Type>,
    ) -> Checked<Expr> {
        if elements.len() > LIST_ELEMENTS_MAX {
            let expected = format!("a list of at most {LIST_ELEMENTS_MAX} elements");
            let hint = "keep it as a list of the rulebook and write `x in list(\"…\")`";
            let found = format!("{} elements", elements.len());
            return self.fail(ErrorKind::TooLarge, ast, expected, found, hint);
        }
        let hint = match hint {
            Some(Type::List(element)) => Some((**element).clone()),
            _ => None,
        };
        let (typed, hint) = self.elements(elements, hint)?;
        // An empty list of nothing known is one of ints, as good as any other.
        let mut ty = match typed.first() {
            Some(first) => first.ty.clone(),
            None => hint.unwrap_or(Type::Int),
        };
        for (element, expr) in elements.iter().zip(&typed) {
            if !kinds::can_be_element(&expr.ty) {
                let expected = "values in a list";
                return self.wrong_type(element, expected, &expr.ty, "list a column of it");
            }
            match kinds::common(&ty, &expr.ty) {
                Some(common) => ty = common,
                None => {
                    let expected = format!("{}, like the elements before it", kinds::a(&ty));
                    let hint = "a list has elements of one type";
                    return self.wrong_type(element, expected, &expr.ty, hint);
                }
            }
        }
        let coerced: Option<Vec<Expr>> =
            typed.into_iter().map(|each| kinds::coerce(each, &ty)).collect();
        match coerced {
            Some(all) => Ok(self.node(ast, Kind::List(all), Type::List(Box::new(ty)))),
            None => {
                let expected = "elements that fit into one type";
                let found = self.quote(ast);
                self.fail(ErrorKind::TooLarge, ast, expected, found, "write fewer decimals")
            }
        }
    }

    /// The typed elements, and the type that an empty list has. The element that tells most about
    /// the type is checked first: one that is no bare literal, else the deepest list.
    fn elements(
        &mut self,
        elements: &[Ast],
        mut hint: Option<Type>,
    ) -> Checked<(Vec<Expr>, Option<Type>)> {
        let deepest = elements.iter().enumerate().filter(|(_, each)| is_list(each));
        let telling = match elements.iter().position(|element| !needs_hint(element)) {
            _ if hint.is_some() => None,
            None => deepest.max_by_key(|(_, element)| element.height).map(|(index, _)| index),
            found => found,
        };
        let mut typed: Vec<Option<Expr>> = vec![None; elements.len()];
        let order = telling.into_iter().chain((0..elements.len()).filter(|i| Some(*i) != telling));
        for index in order {
            let expr = self.value(&elements[index], hint.as_ref()).ok();
            if Some(index) == telling {
                hint = expr.as_ref().map(|expr| expr.ty.clone());
            }
            typed[index] = expr;
        }
        let typed: Option<Vec<Expr>> = typed.into_iter().collect();
        typed.map(|typed| (typed, hint)).ok_or(Reported)
    }
}

fn is_list(ast: &Ast) -> bool {
    matches!(ast.node, Node::List(_))
}
