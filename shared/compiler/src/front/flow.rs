//! Which currency an amount is known to have at a place of the rule. An amount is only taken as
//! one in a currency after an expression that is not false unless it is. It must never establish
//! a currency from a fault, unless the same fault meets whoever reads the amount.

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

/// Currencies of places. Each holds unless the place is absent; then reading it is a fault too.
pub(super) type Known = Vec<(Place, Currency)>;

/// What stands after an evaluation that gave no truth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Faults {
    /// Nothing: the fault ends the whole, as that of a condition before `?`, of a filter, of a
    /// case.
    End,
    /// What follows is evaluated all the same, as the right side of `&&` and `||`.
    GoOn,
}

/// What a condition establishes: when true and when false, and what follows a fault.
pub(super) type Establishes = [[Known; 2]; 2];

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

    /// The currencies that hold where the expression is `truth`; with `Faults::GoOn` also where it
    /// is a fault.
    pub fn established(&self, expr: &Expr, truth: bool, faults: Faults) -> Known {
        match (&expr.kind, truth) {
            (Kind::And(a, b), true) | (Kind::Or(a, b), false) => {
                let mut both = self.established(a, truth, faults);
                for known in self.established(b, truth, faults) {
                    if !both.contains(&known) {
                        both.push(known);
                    }
                }
                both
            }
            (Kind::And(a, b), false) | (Kind::Or(a, b), true) => {
                let other = self.established(b, truth, faults);
                let either = self.established(a, truth, faults).into_iter();
                either.filter(|known| other.contains(known)).collect()
            }
            (Kind::Not(a), _) => self.established(a, !truth, faults),
            (Kind::Let(index), _) => match self.facts.get(*index) {
                Some(facts) => facts.when[usize::from(!truth)][faults as usize].clone(),
                None => Known::new(),
            },
            (Kind::Compare(Comparison::Equal, a, b), true)
            | (Kind::Compare(Comparison::NotEqual, a, b), false) => {
                self.same_currency(a, b, faults)
            }
            (Kind::In(a, list), true) => match &self.behind_let(list).kind {
                Kind::List(elements) => match elements.as_slice() {
                    [first, rest @ ..] if rest.iter().all(|each| each.kind == first.kind) => {
                        self.same_currency(a, first, faults)
                    }
                    _ => Known::new(),
                },
                _ => Known::new(),
            },
            _ => Known::new(),
        }
    }

    /// What a let establishes where it is used.
    pub fn establishes(&self, expr: &Expr) -> Establishes {
        let of = |truth, faults| self.established(expr, truth, faults);
        [true, false].map(|truth| [of(truth, Faults::End), of(truth, Faults::GoOn)])
    }

    /// What follows from two codes being the same. When one is absent nothing was compared: then
    /// the other is known only if the evaluation ends there.
    fn same_currency(&self, a: &Expr, b: &Expr, faults: Faults) -> Known {
        if a.ty != Type::CurrencyCode || b.ty != Type::CurrencyCode {
            return Known::new();
        }
        let mut known = Known::new();
        for (of, other) in [(a, b), (b, a)] {
            if faults == Faults::End || self.is_always_there(other) {
                known.extend(self.money_place(of).zip(self.currency_of(other)));
            }
        }
        known
    }

    /// Whether a code, a constant or that of a place, can always be read.
    fn is_always_there(&self, expr: &Expr) -> bool {
        match self.money_place(expr) {
            Some(Place::Transaction | Place::Variable(_)) => true,
            Some(Place::Row(_)) => false,
            None => matches!(self.behind_let(expr).kind, Kind::Int(_)),
        }
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
                let known = self.established(&body.each, true, Faults::End);
                let found = known.iter().rev().find(|(known, _)| *known == place);
                found.map(|(_, currency)| *currency).or_else(|| self.rows_currency(&body.list))
            }
            Kind::Let(index) => self.rows_currency(&self.lets.get(*index)?.value),
            _ => None,
        }
    }
}
