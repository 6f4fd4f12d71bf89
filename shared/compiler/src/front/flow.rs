//! Which currency an amount is known to have at a place of the rule. An amount is only taken as
//! one in a currency after an expression that is not false unless it is. It must never establish
//! a currency from an expression that could be a fault instead.

use facts::Currency;

use super::checker::Checker;
use crate::typed::{Column, Comparison, Expr, Kind, Loop, Type};

/// What has a currency.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The transaction.
    Transaction,
    /// A row that a loop's variable holds.
    Variable(usize),
    /// The history row of that index.
    Row(i64),
}

type Known = Vec<(Place, Currency)>;

impl Checker<'_> {
    /// Runs `check` where `known` holds.
    pub fn knowing<T>(&mut self, known: Known, check: impl FnOnce(&mut Self) -> T) -> T {
        let before = self.known.len();
        self.known.extend(known);
        let result = check(self);
        self.known.truncate(before);
        result
    }

    /// The currency that `place` is known to have here.
    pub fn known_currency(&self, place: Place) -> Option<Currency> {
        self.known.iter().rev().find(|(known, _)| *known == place).map(|(_, currency)| *currency)
    }

    /// What a row expression stands for.
    pub fn row_place(&self, row: &Expr) -> Option<Place> {
        match &row.kind {
            Kind::Variable(number) => Some(Place::Variable(*number)),
            Kind::Let(index) => self.row_place(&self.lets.get(*index)?.value),
            Kind::Index(list, index) => match (&self.behind_let(list).kind, &index.kind) {
                (Kind::History, Kind::Int(index)) => Some(Place::Row(*index)),
                _ => None,
            },
            _ => None,
        }
    }

    /// What has the amount or the currency that the expression gives.
    pub fn money_place(&self, expr: &Expr) -> Option<Place> {
        match &expr.kind {
            Kind::Fact(_) if expr.ty == Type::AnyMoney => Some(Place::Transaction),
            Kind::Column(Column::Amount | Column::Currency, row) => self.row_place(row),
            Kind::CurrencyOf(amount) | Kind::Narrow(amount) => self.money_place(amount),
            Kind::Let(index) => self.money_place(&self.lets.get(*index)?.value),
            _ => None,
        }
    }

    /// The expression that a let stands for.
    pub fn behind_let<'e>(&'e self, expr: &'e Expr) -> &'e Expr {
        match &expr.kind {
            Kind::Let(index) => match self.lets.get(*index) {
                Some(of) => self.behind_let(&of.value),
                None => expr,
            },
            _ => expr,
        }
    }

    /// The currencies that hold when the expression is `truth`, or is a fault that leaves the
    /// whole no other answer.
    pub fn established(&self, expr: &Expr, truth: bool) -> Known {
        match (&expr.kind, truth) {
            (Kind::And(a, b), true) | (Kind::Or(a, b), false) => {
                let mut both = self.established(a, truth);
                for known in self.established(b, truth) {
                    if !both.contains(&known) {
                        both.push(known);
                    }
                }
                both
            }
            (Kind::And(a, b), false) | (Kind::Or(a, b), true) => {
                let other = self.established(b, truth);
                let either = self.established(a, truth).into_iter();
                either.filter(|known| other.contains(known)).collect()
            }
            (Kind::Not(a), _) => self.established(a, !truth),
            (Kind::Let(index), _) => match self.facts.get(*index) {
                Some(facts) => facts.when[usize::from(!truth)].clone(),
                None => Known::new(),
            },
            (Kind::Compare(Comparison::Equal, a, b), true)
            | (Kind::Compare(Comparison::NotEqual, a, b), false) => self.same_currency(a, b),
            (Kind::In(a, list), true) => match &self.behind_let(list).kind {
                Kind::List(elements) => match elements.as_slice() {
                    [first, rest @ ..] if rest.iter().all(|each| each.kind == first.kind) => {
                        self.same_currency(a, first)
                    }
                    _ => Known::new(),
                },
                _ => Known::new(),
            },
            _ => Known::new(),
        }
    }

    fn same_currency(&self, a: &Expr, b: &Expr) -> Known {
        if a.ty != Type::CurrencyCode || b.ty != Type::CurrencyCode {
            return Known::new();
        }
        let places = [self.money_place(a), self.money_place(b)];
        let currency = self.currency_of(a).or_else(|| self.currency_of(b));
        let Some(currency) = currency else { return Known::new() };
        places.into_iter().flatten().map(|place| (place, currency)).collect()
    }

    /// The currency that an expression of type `CurrencyCode` is known to give.
    fn currency_of(&self, expr: &Expr) -> Option<Currency> {
        match self.behind_let(expr).kind {
            Kind::Int(packed) => Currency::from_packed(u32::try_from(packed).ok()?),
            _ => self.known_currency(self.money_place(expr)?),
        }
    }

    /// The currency that each row of a list is known to have.
    pub fn rows_currency(&self, list: &Expr) -> Option<Currency> {
        match &list.kind {
            Kind::Loop(Loop::Filter, body) => {
                let place = Place::Variable(body.variable);
                let known = self.established(&body.each, true);
                let found = known.iter().rev().find(|(known, _)| *known == place);
                found.map(|(_, currency)| *currency).or_else(|| self.rows_currency(&body.list))
            }
            Kind::Let(index) => self.rows_currency(&self.lets.get(*index)?.value),
            _ => None,
        }
    }
}
