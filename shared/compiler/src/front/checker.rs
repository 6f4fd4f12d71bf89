//! The state of a check: what names mean here, what is known, what went wrong. It must never stop
//! at the first problem of a rule, nor report one problem twice.

use facts::Currency;

use super::ast::{Ast, Binary, Node};
use super::flow::{Establishes, Faults, Known, Place};
use super::kinds;
use super::source::{Source, error};
use crate::data::{Calendar, Rates};
use crate::typed::{Comparison, Expr, Kind, Let, Type};
use crate::{CompileError, ErrorKind};

/// Most problems that one check reports.
pub const ERRORS_MAX: usize = 16;
/// Most elements of a list literal.
pub const LIST_ELEMENTS_MAX: usize = 64;

/// A problem that stands in the checker's list.
#[derive(Debug)]
pub(super) struct Reported;

pub(super) type Checked<T> = Result<T, Reported>;

/// What a name of `let` means.
#[derive(Debug)]
pub(super) enum Meaning {
    /// The let of that index in the program.
    Let(usize),
    /// An amount of unknown currency, put in where the name is used.
    Amount(Expr),
    /// It was refused.
    Broken,
    /// It comes later.
    Later,
}

/// What the check found out about a let.
#[derive(Debug)]
pub(super) struct LetFacts {
    pub levels: usize,
    /// Most elements, of a list.
    pub length_max: usize,
    pub when: Establishes,
}

/// A loop that the checked expression is in.
#[derive(Debug)]
pub(super) struct Frame {
    pub name: String,
    pub number: usize,
    pub ty: Type,
    pub over_history: bool,
    /// Whether the loop takes a value of each element, so that no condition can precede it.
    pub collects: bool,
}

pub(super) struct Checker<'a> {
    pub source: Source,
    pub errors: Vec<CompileError>,
    /// `None` for a parameter that was refused.
    pub params: Vec<(String, Option<Expr>)>,
    pub names: Vec<(String, Meaning)>,
    pub lets: Vec<Let>,
    /// What is worth knowing of each let, so that it is looked into once.
    pub facts: Vec<LetFacts>,
    pub lists: &'a [String],
    pub calendars: &'a [Calendar],
    pub rates: &'a [Rates],
    pub frames: Vec<Frame>,
    pub known: Known,
    pub variables: usize,
}

impl Checker<'_> {
    /// Adds a problem of the expression.
    pub fn fail<T>(
        &mut self,
        kind: ErrorKind,
        ast: &Ast,
        expected: impl Into<String>,
        found: impl Into<String>,
        hint: impl Into<String>,
    ) -> Checked<T> {
        let span = self.source.span(ast.start, ast.end);
        self.errors.push(error(kind, span, expected, found, hint));
        Err(Reported)
    }

    /// Adds a problem of the expression's type.
    pub fn wrong_type<T>(
        &mut self,
        ast: &Ast,
        expected: impl Into<String>,
        ty: &Type,
        hint: impl Into<String>,
    ) -> Checked<T> {
        let found = self.typed_quote(ast, ty);
        self.fail(ErrorKind::Type, ast, expected, found, hint)
    }

    /// The expression's own text, in back quotes.
    pub fn quote(&self, ast: &Ast) -> String {
        self.source.quote(ast.start, ast.end)
    }

    /// The expression's own text without quotes, for a hint.
    pub fn words(&self, ast: &Ast) -> String {
        self.quote(ast).trim_matches('`').to_owned()
    }

    pub fn typed_quote(&self, ast: &Ast, ty: &Type) -> String {
        format!("{}, {}", self.quote(ast), kinds::a(ty))
    }

    pub fn node(&self, ast: &Ast, kind: Kind, ty: Type) -> Expr {
        Expr { kind, ty, span: self.source.span(ast.start, ast.end) }
    }

    /// A typed expression. `hint` is the type that its neighbour has, for literals that take it.
    pub fn expr(&mut self, ast: &Ast, hint: Option<&Type>) -> Checked<Expr> {
        let expr = match &ast.node {
            Node::Bool(value) => self.node(ast, Kind::Bool(*value), Type::Bool),
            Node::Int(value) => self.node(ast, Kind::Int(*value), Type::Int),
            Node::Uint(value) => self.node(ast, Kind::Uint(*value), Type::Uint),
            Node::Bytes(value) => self.node(ast, Kind::Bytes(value.clone()), Type::Bytes),
            Node::Text(text) => self.text(ast, text, hint)?,
            Node::Name(name) => self.name(ast, name)?,
            Node::Member(base, name) => self.member(ast, base, name)?,
            Node::Call(None, name, arguments) => self.function(ast, name, arguments)?,
            Node::Call(Some(target), name, arguments) => {
                self.method(ast, target, name, arguments)?
            }
            Node::Index(list, index) => self.index(ast, list, index)?,
            Node::List(elements) => self.list(ast, elements, hint)?,
            Node::Not(operand) => {
                let operand = self.bool(operand)?;
                self.node(ast, Kind::Not(Box::new(operand)), Type::Bool)
            }
            Node::Negate(operand) => self.negate(ast, operand)?,
            Node::Conditional(condition, then, other) => {
                self.conditional(ast, [condition, then, other], hint)?
            }
            Node::Binary(operator, left, right) => match operator {
                Binary::And => self.logical(ast, left, right, true)?,
                Binary::Or => self.logical(ast, left, right, false)?,
                Binary::In => self.membership(ast, left, right)?,
                Binary::Compare(how) => self.comparison(ast, *how, left, right)?,
                Binary::Arithmetic(how) => self.arithmetic(ast, *how, left, right, hint)?,
            },
        };
        Ok(expr)
    }

    /// An expression whose value is used: not an amount of unknown currency.
    pub fn value(&mut self, ast: &Ast, hint: Option<&Type>) -> Checked<Expr> {
        let expr = self.expr(ast, hint)?;
        if expr.ty == Type::AnyMoney {
            return self.unknown_currency(ast, &expr, None);
        }
        Ok(expr)
    }

    /// An expression of type `Bool`.
    pub fn bool(&mut self, ast: &Ast) -> Checked<Expr> {
        let expr = self.expr(ast, None)?;
        if expr.ty == Type::Bool {
            return Ok(expr);
        }
        let words = self.words(ast);
        let hint = match &expr.ty {
            Type::Hit(_) => format!("write `{words}.found`"),
            Type::List(_) => format!("write `{words}.size() > 0` or `{words}.exists(x, …)`"),
            _ if super::operators::is_constant(ast) => "a constant is no condition".to_owned(),
            Type::Text => format!("compare it: `{words} == \"…\"`, or `has({words})`"),
            _ => "compare it with something, for example with `==` or `>`".to_owned(),
        };
        self.wrong_type(ast, "a bool", &expr.ty, hint)
    }

    /// An expression that becomes text without loss.
    pub fn as_text(&mut self, ast: &Ast) -> Checked<Expr> {
        let expr = self.value(ast, None)?;
        let ty = expr.ty.clone();
        match kinds::coerce(expr, &Type::Text) {
            Some(text) => Ok(text),
            None => {
                let words = self.words(ast);
                let hint = match ty {
                    Type::Int | Type::Uint | Type::Bool => format!("write `string({words})`"),
                    Type::Code(_) | Type::Country | Type::CurrencyCode => {
                        "codes are compared with `==` or `in`, not taken apart".to_owned()
                    }
                    _ => String::new(),
                };
                self.wrong_type(ast, "a string", &ty, hint)
            }
        }
    }

    /// An expression of exactly that type.
    pub fn exactly(&mut self, ast: &Ast, ty: &Type, hint: &str) -> Checked<Expr> {
        let expr = self.value(ast, None)?;
        if expr.ty == *ty {
            return Ok(expr);
        }
        self.wrong_type(ast, kinds::a(ty), &expr.ty, hint)
    }

    /// A constant text such as the id of a list.
    pub fn literal<'t>(&mut self, ast: &'t Ast, what: &str, sample: &str) -> Checked<&'t str> {
        match &ast.node {
            Node::Text(text) => Ok(text),
            _ => {
                let found = self.quote(ast);
                let hint = format!("write it between quotes, such as {sample}");
                self.fail(ErrorKind::Type, ast, format!("{what} as a constant"), found, hint)
            }
        }
    }

    /// Refuses an amount of unknown currency; says what to add. `other` is the currency that it is
    /// used with.
    pub fn unknown_currency<T>(
        &mut self,
        ast: &Ast,
        amount: &Expr,
        other: Option<Currency>,
    ) -> Checked<T> {
        let currency = other.map_or("USD".to_owned(), |currency| currency.to_string());
        let hint = match self.money_place(amount) {
            Some(Place::Variable(number)) => {
                let frame = self.frames.iter().find(|frame| frame.number == number);
                let name = frame.map_or("r", |frame| frame.name.as_str());
                let filter = format!(".filter({name}, {name}.currency == \"{currency}\")");
                if frame.is_some_and(|frame| frame.collects) {
                    format!("filter the rows before: `{filter}`")
                } else {
                    format!("write `{name}.currency == \"{currency}\" &&` before it, or `{filter}`")
                }
            }
            Some(Place::Row(index)) => {
                format!("write `history[{index}].currency == \"{currency}\" &&` before it")
            }
            _ => {
                let rates = self.rates.first().map_or("…", |rates| rates.id.as_str());
                format!(
                    "write `transaction.currency == \"{currency}\" &&` before it, or \
                     `convert({}, \"{currency}\", \"{rates}\")`",
                    self.words(ast)
                )
            }
        };
        let found = self.quote(ast);
        let expected = "an amount whose currency the rule has established";
        let found = format!("{found}, in a currency that only the data know");
        self.fail(ErrorKind::Currency, ast, expected, found, hint)
    }

    fn logical(&mut self, ast: &Ast, left: &Ast, right: &Ast, and: bool) -> Checked<Expr> {
        let first = self.bool(left);
        let second = match &first {
            Ok(first) => {
                let known = self.established(first, and, Faults::GoOn);
                self.knowing(known, |checker| checker.bool(right))
            }
            Err(Reported) => {
                // What the left side establishes is not known: do not complain about it twice.
                let before = self.errors.len();
                let second = self.bool(right);
                let mut index = 0;
                self.errors.retain(|error| {
                    index += 1;
                    index <= before || error.kind != ErrorKind::Currency
                });
                second
            }
        };
        let (first, second) = (Box::new(first?), Box::new(second?));
        let kind = if and { Kind::And(first, second) } else { Kind::Or(first, second) };
        Ok(self.node(ast, kind, Type::Bool))
    }

    fn conditional(
        &mut self,
        ast: &Ast,
        [condition, then, other]: [&Ast; 3],
        hint: Option<&Type>,
    ) -> Checked<Expr> {
        let condition = self.bool(condition)?;
        let known = self.established(&condition, true, Faults::End);
        let not_known = self.established(&condition, false, Faults::End);
        // A literal takes the type of the other branch.
        let (then_expr, other_expr) = if needs_hint(then) && !needs_hint(other) {
            let second = self.knowing(not_known, |c| c.value(other, hint))?;
            (self.knowing(known, |c| c.value(then, Some(&second.ty)))?, second)
        } else {
            let first = self.knowing(known, |c| c.value(then, hint))?;
            let second = self.knowing(not_known, |c| c.value(other, Some(&first.ty)))?;
            (first, second)
        };
        let is_value = |ty: &Type| kinds::can_be_element(ty);
        if !is_value(&then_expr.ty) {
            let expected = "a single value or a list of values";
            return self.wrong_type(then, expected, &then_expr.ty, "choose after taking values");
        }
        match kinds::unify(then_expr, other_expr) {
            Ok((then, other)) => {
                let ty = then.ty.clone();
                let (condition, then) = (Box::new(condition), Box::new(then));
                let kind = Kind::Conditional(condition, then, Box::new(other));
                Ok(self.node(ast, kind, ty))
            }
            Err(pair) => self.mismatch(then, &pair.0.ty, other, &pair.1.ty, Comparison::Equal),
        }
    }
}

/// Whether the type of an expression is better read off its neighbour: text literals, which can
/// mean codes, and lists of nothing else.
pub(super) fn needs_hint(ast: &Ast) -> bool {
    match &ast.node {
        Node::Text(_) => true,
        Node::List(elements) => elements.iter().all(needs_hint),
        Node::Conditional(_, then, other) => needs_hint(then) && needs_hint(other),
        _ => false,
    }
}
