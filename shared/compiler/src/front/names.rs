//! What names mean: facts, columns of rows, parameters, lets, loop variables. It must never take a
//! name that could mean two things.

use facts::{Field, FieldKind};

use super::ast::{Ast, Node};
use super::checker::{Checked, Checker, Meaning, Reported};
use super::spelling::{self, did_you_mean, nearest};
use crate::ErrorKind;
use crate::fold::parts_mut;
use crate::typed::{Column, Expr, Kind, Type};

/// Names that no let and no loop variable may have.
pub(super) const ROOTS: [&str; 6] =
    ["transaction", "source", "destination", "history", "as_of", "params"];

impl Checker<'_> {
    pub(super) fn name(&mut self, ast: &Ast, name: &str) -> Checked<Expr> {
        if let Some(frame) = self.frames.iter().rev().find(|frame| frame.name == name) {
            let (kind, ty) = (Kind::Variable(frame.number), frame.ty.clone());
            return Ok(self.node(ast, kind, ty));
        }
        match self.names.iter().find(|(known, _)| known == name).map(|(_, meaning)| meaning) {
            Some(Meaning::Let(index)) => {
                let ty = self.lets[*index].value.ty.clone();
                return Ok(self.node(ast, Kind::Let(*index), ty));
            }
            Some(Meaning::Amount(amount)) => {
                let mut amount = amount.clone();
                amount.span = self.source.span(ast.start, ast.end);
                self.renumber(&mut amount);
                return Ok(self.narrowed(amount));
            }
            Some(Meaning::Broken) => return Err(Reported),
            Some(Meaning::Later) => {
                let expected = "a name that is defined before its use";
                let found = self.quote(ast);
                let hint = format!("move `{name}` up in `let`");
                return self.fail(ErrorKind::UnknownName, ast, expected, found, hint);
            }
            None => {}
        }
        match name {
            "as_of" => Ok(self.node(ast, Kind::AsOf, Type::Time)),
            "history" => Ok(self.node(ast, Kind::History, Type::List(Box::new(Type::Row)))),
            _ => self.unknown_name(ast, name),
        }
    }

    /// Gives the loops in a copy numbers of their own.
    fn renumber(&mut self, expr: &mut Expr) {
        if let Kind::Loop(_, body) = &mut expr.kind {
            let (old, new) = (body.variable, self.variables);
            self.variables += 1;
            body.variable = new;
            rename(&mut body.each, old, new);
        }
        for part in parts_mut(&mut expr.kind) {
            self.renumber(part);
        }
    }

    fn unknown_name(&mut self, ast: &Ast, name: &str) -> Checked<Expr> {
        let found = self.quote(ast);
        if ROOTS.contains(&name) {
            let expected = format!("a name after `{name}.`");
            let known = if name == "params" { self.param_names() } else { fields_of(name) };
            let hint = format!("known: {}", known.join(", "));
            return self.fail(ErrorKind::UnknownName, ast, expected, found, hint);
        }
        let hint = self.name_hint(name);
        self.fail(ErrorKind::UnknownName, ast, "a known name", found, hint)
    }

    fn name_hint(&self, name: &str) -> String {
        if self.params.iter().any(|(known, _)| known == name) {
            return format!("write `params.{name}`");
        }
        let mut fields = facts::FIELDS.iter().map(|field| field.name);
        let ends = |path: &&str| path.split_once('.').is_some_and(|(_, last)| last == name);
        if let Some(path) = fields.find(ends) {
            return format!("write `{path}`");
        }
        let frames = self.frames.iter().map(|frame| frame.name.as_str());
        let lets = self.names.iter().map(|(name, _)| name.as_str());
        if is_code(name) {
            return format!("text stands between quotes: write `\"{name}\"`");
        }
        let near = nearest(name, frames.chain(lets).chain(ROOTS));
        if let Some(near) = near {
            return format!("did you mean `{near}`?");
        }
        match name.to_ascii_lowercase().as_str() {
            "not" => "write `!` instead of `not`".to_owned(),
            "currency" => "write `transaction.currency`".to_owned(),
            "now" | "today" => "the time of evaluation is `as_of`".to_owned(),
            "null" | "none" | "nil" => "write `has(…)` or `!has(…)`".to_owned(),
            _ => "facts begin with `transaction.`, `source.` or `destination.`; text stands \
                  between quotes"
                .to_owned(),
        }
    }

    fn param_names(&self) -> Vec<&str> {
        self.params.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// Whether the name is that of a loop variable or a let here.
    fn is_local(&self, name: &str) -> bool {
        self.frames.iter().any(|frame| frame.name == name)
            || self.names.iter().any(|(known, _)| known == name)
    }

    pub(super) fn member(&mut self, ast: &Ast, base: &Ast, name: &str) -> Checked<Expr> {
        if let Some(path) = ast.path()
            && !self.is_local(path[0])
            && ROOTS.contains(&path[0])
        {
            return match path[0] {
                "params" => self.param(ast, &path),
                "history" => self.history_member(ast, name),
                "as_of" => self.no_member(ast, base, &Type::Time, name),
                _ => self.fact(ast, &path),
            };
        }
        if let Some(path) = ast.path()
            && !self.is_local(path[0])
            && self.lists.contains(&path.join("."))
        {
            let hint = format!("write `list(\"{}\")`", path.join("."));
            let found = self.quote(ast);
            return self.fail(ErrorKind::UnknownName, ast, "a known name", found, hint);
        }
        let base_expr = self.expr(base, None)?;
        match base_expr.ty {
            Type::Row => self.column(ast, base_expr, name),
            Type::Hit(_) => {
                let base = Box::new(base_expr);
                let (kind, ty) = match name {
                    "found" => (Kind::HitFound(base), Type::Bool),
                    "score" => (Kind::HitScore(base), Type::Int),
                    "entry" => return self.entry_in_condition(ast),
                    _ => {
                        let hint = did_you_mean(name, ["found", "score", "entry"]);
                        let expected = "a part of a screening result";
                        let found = format!("`{name}`");
                        let part = self.last_name(ast, name);
                        return self.fail(ErrorKind::UnknownName, &part, expected, found, hint);
                    }
                };
                Ok(self.node(ast, kind, ty))
            }
            ty => self.no_member(ast, base, &ty, name),
        }
    }

    /// The name at the end of an expression, for an error that is about it alone.
    fn last_name(&self, ast: &Ast, name: &str) -> Ast {
        let start = ast.end.saturating_sub(name.len());
        Ast::new(Node::Name(name.to_owned()), start, ast.end)
    }

    fn entry_in_condition(&mut self, ast: &Ast) -> Checked<Expr> {
        let found = self.quote(ast);
        let expected = "`.entry` by itself in a reason";
        let hint = "conditions use `.found` and `.score`";
        self.fail(ErrorKind::Type, ast, expected, found, hint)
    }

    fn no_member(&mut self, ast: &Ast, base: &Ast, ty: &Type, name: &str) -> Checked<Expr> {
        let words = self.words(base);
        let hint = match ty {
            Type::List(element) if **element == Type::Row => {
                format!("a list has no columns: `{words}.exists(r, r.{name} …)`")
            }
            Type::AnyMoney | Type::Money(..) if name == "currency" => {
                "the currency stands beside the amount: `transaction.currency`, `r.currency`"
                    .to_owned()
            }
            _ if METHODS.contains(&name) => format!("write `{words}.{name}()`"),
            _ => String::new(),
        };
        let expected = "a history row or a screening result before the point";
        let found = self.typed_quote(base, ty);
        self.fail(ErrorKind::Type, ast, expected, found, hint)
    }

    fn history_member(&mut self, ast: &Ast, name: &str) -> Checked<Expr> {
        let expected = "one row, or a loop over the rows";
        let hint = format!("write `history.exists(r, r.{name} …)` or `history[0].{name}`");
        let found = self.quote(ast);
        self.fail(ErrorKind::Type, ast, expected, found, hint)
    }

    fn param(&mut self, ast: &Ast, path: &[&str]) -> Checked<Expr> {
        let known = self.params.iter().find(|(name, _)| *name == path[1]);
        match known {
            Some((_, Some(constant))) if path.len() == 2 => {
                let mut constant = constant.clone();
                constant.span = self.source.span(ast.start, ast.end);
                Ok(constant)
            }
            Some((_, None)) => Err(Reported),
            Some(_) => {
                let found = self.quote(ast);
                let hint = format!("write `params.{}`", path[1]);
                self.fail(ErrorKind::UnknownName, ast, "a parameter", found, hint)
            }
            None => {
                let names: Vec<String> = self.params.iter().map(|(name, _)| name.clone()).collect();
                let hint = match names.as_slice() {
                    [] => "the rule has no `params`: add it there".to_owned(),
                    names => did_you_mean(path[1], names.iter().map(String::as_str)),
                };
                let found = self.quote(ast);
                self.fail(ErrorKind::UnknownName, ast, "a parameter of this rule", found, hint)
            }
        }
    }

    fn fact(&mut self, ast: &Ast, path: &[&str]) -> Checked<Expr> {
        let name = path.join(".");
        if name == "transaction.currency" {
            let amount = Field::named("transaction.amount").expect("a field of the record");
            let amount = self.node(ast, Kind::Fact(amount), Type::AnyMoney);
            return Ok(self.node(ast, Kind::CurrencyOf(Box::new(amount)), Type::CurrencyCode));
        }
        if let Some(field) = Field::named(&name) {
            let fact = self.node(ast, Kind::Fact(field), field_type(field));
            return Ok(self.narrowed(fact));
        }
        let found = self.quote(ast);
        let nested = path.get(1..).map(|rest| rest.join(".")).unwrap_or_default();
        let hint = if Field::named(&nested).is_some() {
            format!("write `{nested}`")
        } else if path.len() == 2 && Column::ALL.iter().any(|column| column.name() == path[1]) {
            format!("`{0}` is a column of history rows: `history.exists(r, r.{0} …)`", path[1])
        } else if path.get(2) == Some(&"currency") {
            "write `transaction.currency`".to_owned()
        } else {
            let names = facts::FIELDS.iter().map(|field| field.name);
            match nearest(&name, names.chain(["transaction.currency"])) {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("known: {}", fields_of(path[0]).join(", ")),
            }
        };
        self.fail(ErrorKind::UnknownName, ast, "a known fact", found, hint)
    }

    fn column(&mut self, ast: &Ast, row: Expr, name: &str) -> Checked<Expr> {
        let Some(column) = Column::ALL.into_iter().find(|column| column.name() == name) else {
            let hint = did_you_mean(name, Column::ALL.map(Column::name));
            let found = format!("`{name}`");
            let part = self.last_name(ast, name);
            return self.fail(ErrorKind::UnknownName, &part, "a column of history", found, hint);
        };
        let expr = self.node(ast, Kind::Column(column, Box::new(row)), column.ty());
        Ok(self.narrowed(expr))
    }

    /// The amount in its currency, where that is known.
    fn narrowed(&self, amount: Expr) -> Expr {
        if amount.ty != Type::AnyMoney {
            return amount;
        }
        let known = self.money_place(&amount).and_then(|place| self.known_currency(place));
        let Some(currency) = known else { return amount };
        let ty = Type::Money(currency, currency.exponent());
        let span = amount.span;
        Expr { kind: Kind::Narrow(Box::new(amount)), ty, span }
    }

    /// `has(x)`.
    pub(super) fn has(&mut self, ast: &Ast, argument: &Ast) -> Checked<Expr> {
        if matches!(&argument.node, Node::Member(..)) {
            let known = std::mem::take(&mut self.known);
            let expr = self.expr(argument, None);
            self.known = known;
            let kind = match expr?.kind {
                Kind::Fact(field) => Some(Kind::HasFact(field)),
                Kind::CurrencyOf(amount) => match amount.kind {
                    Kind::Fact(field) => Some(Kind::HasFact(field)),
                    _ => None,
                },
                Kind::Column(column, row) => Some(Kind::HasColumn(column, row)),
                _ => None,
            };
            if let Some(kind) = kind {
                return Ok(self.node(ast, kind, Type::Bool));
            }
        }
        let expected = "a fact or a column of a row, such as `source.name`";
        let hint = "only facts and columns can be absent";
        let found = self.quote(argument);
        self.fail(ErrorKind::Type, argument, expected, found, hint)
    }

    /// `absent(a, b)`.
    pub(super) fn absent(&mut self, ast: &Ast, arguments: &[Ast]) -> Checked<Expr> {
        let mut fields = Vec::new();
        for argument in arguments {
            let field = argument.path().and_then(|path| Field::named(&path.join(".")));
            let Some(field) = field else {
                let before = self.errors.len();
                let is_known = self.expr(argument, None).is_ok();
                if !is_known && self.errors.len() > before {
                    return Err(Reported);
                }
                let found = self.quote(argument);
                let hint = "name facts such as `source.name`; for columns use `has(r.…)`";
                return self.fail(ErrorKind::Type, argument, "a fact", found, hint);
            };
            fields.push(field);
        }
        let names = fields.iter().map(|field| field.name.len() + 2).sum::<usize>();
        if fields.is_empty() || names > ABSENT_BYTES_MAX + 2 {
            let expected =
                format!("1 or more facts, with names of {ABSENT_BYTES_MAX} bytes at most");
            let found = format!("{} facts", fields.len());
            let hint = "ask for fewer at once";
            return self.fail(ErrorKind::TooLarge, ast, expected, found, hint);
        }
        Ok(self.node(ast, Kind::Absent(fields), Type::Text))
    }

    /// Refuses a name that a let or a loop variable may not have. The span is that of `ast`.
    pub(super) fn check_new_name(&mut self, ast: &Ast, name: &str) -> Checked<()> {
        let hint = if ROOTS.contains(&name) {
            format!("`{name}` is a fact's name: choose another")
        } else if self.is_local(name) {
            format!("`{name}` is taken: choose another, names are not hidden by others")
        } else if spelling::RESERVED.contains(&name) || super::parse::KEYWORDS.contains(&name) {
            "this word is reserved by CEL: choose another".to_owned()
        } else {
            return Ok(());
        };
        self.fail(ErrorKind::UnknownName, ast, "a new name", format!("`{name}`"), hint)
    }
}

fn rename(expr: &mut Expr, old: usize, new: usize) {
    if let Kind::Variable(number) = &mut expr.kind
        && *number == old
    {
        *number = new;
    }
    for part in parts_mut(&mut expr.kind) {
        rename(part, old, new);
    }
}

/// The type of a field of the record.
fn field_type(field: &Field) -> Type {
    match field.kind {
        FieldKind::Text => Type::Text,
        FieldKind::Code(set) => Type::Code(set),
        FieldKind::Money => Type::AnyMoney,
        FieldKind::Time | FieldKind::Date => Type::Time,
        FieldKind::Packed => Type::Country,
        FieldKind::Flag => Type::Bool,
    }
}

fn fields_of(root: &str) -> Vec<&'static str> {
    let of_root = |name: &&str| name.split_once('.').is_some_and(|(first, _)| first == root);
    let mut names: Vec<&str> =
        facts::FIELDS.iter().map(|field| field.name).filter(of_root).collect();
    if root == "transaction" {
        names.push("transaction.currency");
    }
    names
}

/// Whether a name is a code that somebody forgot to put between quotes.
fn is_code(name: &str) -> bool {
    use facts::CodeSet::{Direction, PartyKind, Pep, Risk, TransactionType};
    let sets = [TransactionType, Direction, PartyKind, Pep, Risk];
    sets.iter().any(|set| set.names().iter().any(|(_, known)| *known == name))
        || facts::Currency::parse(name).is_ok()
        || facts::Country::parse(name).is_ok()
}

const ABSENT_BYTES_MAX: usize = 256;

/// Methods without arguments that look like parts of a value.
const METHODS: [&str; 9] =
    ["size", "count", "sum", "min", "max", "trim", "getFullYear", "getMonth", "getHours"];
