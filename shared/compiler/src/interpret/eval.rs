//! One expression to its value: each node as the typed program describes it, operands from left
//! to right. It must never evaluate what the language says is not evaluated, because list calls
//! stand in the trace.

use std::collections::BTreeMap;

use super::value::{Datum, order, unpack};
use super::{Event, Facts, Lists, Part, TEXT_VALUE_BYTES_MAX, TRACE_EVENTS_MAX, arithmetic};
use crate::typed::{
    Column, Comparison, Expr, Fault, Kind, Loop, Program, Rounding, Screening, Type,
};

/// Why an evaluation stopped.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Stop {
    /// An expression has no value. `&&`, `||` and some loops absorb it.
    Fault(Fault),
    /// One event too many; nothing absorbs it.
    Trace,
    /// A list was asked for a text that is too long; nothing absorbs it.
    Trap,
    /// The program is not well-typed; nothing absorbs it.
    Broken(&'static str),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Stop {
        Stop::Fault(fault)
    }
}

/// A value, or why there is none.
pub(super) type Answer<T> = Result<T, Stop>;

/// A program that runs over facts.
pub(crate) struct Machine<'p> {
    pub(super) program: &'p Program,
    pub(super) facts: &'p Facts,
    pub(super) lists: &'p dyn Lists,
    pub(super) events: Vec<Event>,
    /// Lets that have been used, by number.
    lets: BTreeMap<usize, Result<Datum, Fault>>,
    /// Loop variables, by number.
    pub(super) variables: BTreeMap<usize, Datum>,
    /// Loops around the expression that is evaluated now.
    pub(super) loops: usize,
    /// What `explain` collects.
    pub(super) parts: Option<Vec<Part>>,
}

impl<'p> Machine<'p> {
    pub(crate) fn new(program: &'p Program, facts: &'p Facts, lists: &'p dyn Lists) -> Self {
        Machine {
            program,
            facts,
            lists,
            events: Vec::new(),
            lets: BTreeMap::new(),
            variables: BTreeMap::new(),
            loops: 0,
            parts: None,
        }
    }

    /// The value of an expression.
    pub(crate) fn eval(&mut self, expr: &'p Expr) -> Answer<Datum> {
        let answer = self.eval_kind(expr);
        self.note(expr, &answer);
        answer
    }

    /// The value of an expression of type `Bool`.
    pub(super) fn truth(&mut self, expr: &'p Expr) -> Answer<bool> {
        match self.eval(expr)? {
            Datum::Bool(flag) => Ok(flag),
            _ => Err(Stop::Broken("a condition")),
        }
    }

    /// Adds an event to the trace.
    pub(super) fn record(&mut self, event: Event) -> Answer<()> {
        if self.events.len() == TRACE_EVENTS_MAX {
            return Err(Stop::Trace);
        }
        self.events.push(event);
        Ok(())
    }

    fn eval_kind(&mut self, expr: &'p Expr) -> Answer<Datum> {
        if expr.is_stream() {
            return self.collected(expr).map(Datum::List);
        }
        match &expr.kind {
            Kind::Bool(flag) => Ok(Datum::Bool(*flag)),
            Kind::Int(number) => Ok(Datum::Int(*number)),
            Kind::Uint(number) => Ok(Datum::Uint(*number)),
            Kind::Text(text) => Ok(Datum::Text(text.as_str().into())),
            Kind::Bytes(bytes) => Ok(Datum::Bytes(bytes.as_slice().into())),
            Kind::Decimal(mantissa) => Ok(Datum::Number(*mantissa)),
            Kind::AsOf => Ok(Datum::Int(self.facts.as_of)),
            Kind::Fact(field) => {
                let fault = Fault::Missing(field.bit);
                self.facts.field(field).cloned().ok_or(fault.into())
            }
            Kind::HasFact(field) => Ok(Datum::Bool(self.facts.field(field).is_some())),
            Kind::Absent(fields) => {
                let absent = fields.iter().filter(|field| self.facts.field(field).is_none());
                let names: Vec<&str> = absent.map(|field| field.name).collect();
                Ok(Datum::Text(names.join(", ").into()))
            }
            Kind::Column(column, row) => {
                let found = self.column(*column, row)?;
                found.ok_or(Fault::MissingColumn(*column).into())
            }
            Kind::HasColumn(column, row) => Ok(Datum::Bool(self.column(*column, row)?.is_some())),
            Kind::Let(index) => self.eval_let(*index),
            Kind::Variable(number) => {
                self.variables.get(number).cloned().ok_or(Stop::Broken("a variable"))
            }
            Kind::CurrencyOf(_) | Kind::Narrow(_) | Kind::Rescale(_) | Kind::TextOf(_) => {
                self.eval_conversion(expr)
            }
            Kind::Not(operand) => Ok(Datum::Bool(!self.truth(operand)?)),
            Kind::Negate(operand) => arithmetic::negated(self.eval(operand)?, &expr.ty),
            Kind::Arithmetic(operator, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                arithmetic::apply(*operator, left, right, &expr.ty)
            }
            Kind::Compare(comparison, left, right) => {
                let (left, right) = (self.eval(left)?, self.eval(right)?);
                compare(*comparison, &left, &right).map(Datum::Bool)
            }
            Kind::And(left, right) => self.either(left, right, false),
            Kind::Or(left, right) => self.either(left, right, true),
            Kind::Conditional(condition, then, otherwise) => {
                let chosen = if self.truth(condition)? { then } else { otherwise };
                self.eval(chosen)
            }
            Kind::InList(list, operand) => self.in_list(*list, operand),
            Kind::Screen(screening) => self.screen(screening),
            Kind::ScreenId(list, operand) => {
                let text = self.asked(operand)?;
                let hit = self.lists.screen_id(*list, &text);
                self.hit(*list, 0, hit)
            }
            Kind::HitFound(_) | Kind::HitScore(_) | Kind::HitEntry(_) => self.eval_hit(expr),
            Kind::Call(function, operands) => self.call(*function, operands, &expr.ty),
            _ => self.consume(expr),
        }
    }

    /// The value of a let that is no list, computed when first used.
    fn eval_let(&mut self, index: usize) -> Answer<Datum> {
        if let Some(known) = self.lets.get(&index) {
            return known.clone().map_err(Stop::Fault);
        }
        let known = self.program.lets.get(index).ok_or(Stop::Broken("a let"))?;
        // Loops around the use are not around the let.
        let loops = std::mem::take(&mut self.loops);
        let item = self.item(&known.value);
        self.loops = loops;
        let item = item?;
        self.lets.insert(index, item.clone());
        item.map_err(Stop::Fault)
    }

    /// `&&` and `||`: `decisive` on either side wins over a fault on the other.
    fn either(&mut self, left: &'p Expr, right: &'p Expr, decisive: bool) -> Answer<Datum> {
        let first = self.item(left)?;
        if first == Ok(Datum::Bool(decisive)) {
            return Ok(Datum::Bool(decisive));
        }
        let second = self.item(right)?;
        if second == Ok(Datum::Bool(decisive)) {
            return Ok(Datum::Bool(decisive));
        }
        first.and(second).map_err(Stop::Fault)
    }

    /// The value or the fault of an expression; what nothing absorbs stays an error.
    pub(super) fn item(&mut self, expr: &'p Expr) -> Answer<Result<Datum, Fault>> {
        match self.eval(expr) {
            Ok(datum) => Ok(Ok(datum)),
            Err(Stop::Fault(fault)) => Ok(Err(fault)),
            Err(stop) => Err(stop),
        }
    }

    fn column(&mut self, column: Column, row: &'p Expr) -> Answer<Option<Datum>> {
        let Datum::Row(index) = self.eval(row)? else {
            return Err(Stop::Broken("a row"));
        };
        let row = self.facts.rows.get(index).ok_or(Stop::Broken("a row's index"))?;
        Ok(match column {
            Column::Timestamp => Some(Datum::Int(row.timestamp)),
            Column::Kind => Some(Datum::Int(row.kind.into())),
            Column::Amount => Some(Datum::Amount(row.amount)),
            Column::Currency => Some(Datum::Int(row.amount.currency.packed().into())),
            Column::Direction => row.direction.map(|code| Datum::Int(code.into())),
            Column::Counterparty => {
                let known = row.counterparty.as_ref();
                known.map(|(number, text)| Datum::Counterparty(*number, text.clone()))
            }
            Column::CounterpartyCountry => {
                row.counterparty_country.map(|country| Datum::Int(country.packed().into()))
            }
        })
    }

    fn eval_conversion(&mut self, expr: &'p Expr) -> Answer<Datum> {
        let (Kind::CurrencyOf(operand)
        | Kind::Narrow(operand)
        | Kind::Rescale(operand)
        | Kind::TextOf(operand)) = &expr.kind
        else {
            return Err(Stop::Broken("a conversion"));
        };
        match (&expr.kind, self.eval(operand)?, &operand.ty, &expr.ty) {
            (Kind::CurrencyOf(_), Datum::Amount(amount), ..) => {
                Ok(Datum::Int(amount.currency.packed().into()))
            }
            (Kind::CurrencyOf(_), _, Type::Money(currency, _), _) => {
                Ok(Datum::Int(currency.packed().into()))
            }
            (Kind::Narrow(_), Datum::Amount(amount), _, Type::Money(currency, scale))
                if amount.currency == *currency && amount.scale == *scale =>
            {
                Ok(Datum::Number(amount.mantissa))
            }
            (Kind::Rescale(_), Datum::Number(mantissa), from, to) => {
                let (from, to) = (arithmetic::scale(from), arithmetic::scale(to));
                let mantissa = arithmetic::rescaled(mantissa, from, to, Rounding::Down)?;
                Ok(Datum::Number(mantissa))
            }
            (Kind::TextOf(_), Datum::Counterparty(_, text), ..) => Ok(Datum::Text(text)),
            _ => Err(Stop::Broken("a conversion's operand")),
        }
    }

    /// The text of a `Text` or a `Country` that a list is asked for.
    fn asked(&mut self, operand: &'p Expr) -> Answer<String> {
        let text = match self.eval(operand)? {
            Datum::Text(text) => text.to_string(),
            Datum::Int(packed) if operand.ty == Type::Country => unpack(packed),
            _ => return Err(Stop::Broken("a text")),
        };
        if text.len() <= TEXT_VALUE_BYTES_MAX { Ok(text) } else { Err(Stop::Trap) }
    }

    fn in_list(&mut self, list: u32, operand: &'p Expr) -> Answer<Datum> {
        let text = self.asked(operand)?;
        let found = self.lists.contains(list, &text);
        self.record(Event::List { list, found })?;
        Ok(Datum::Bool(found))
    }

    fn screen(&mut self, screening: &'p Screening) -> Answer<Datum> {
        let name = match self.eval(&screening.name)? {
            Datum::Text(name) => name,
            _ => return Err(Stop::Broken("a name")),
        };
        let birth = match &screening.birth {
            None => None,
            Some(birth) => match self.item(birth)? {
                Ok(Datum::Int(ms)) => i32::try_from(ms.div_euclid(facts::DAY_MS as i64)).ok(),
                Ok(_) => return Err(Stop::Broken("a birth date")),
                Err(Fault::Missing(_)) => None,
                Err(fault) => return Err(fault.into()),
            },
        };
        if name.len() > TEXT_VALUE_BYTES_MAX || !self.lists.sees_whole(&name, screening.mode) {
            return Err(Stop::Trap);
        }
        let Screening { list, threshold, mode, .. } = *screening;
        let hit = self.lists.screen(list, &name, birth, threshold, mode);
        self.hit(list, u32::from(threshold) | (mode as u32) << 16, hit)
    }

    fn hit(&mut self, list: u32, options: u32, hit: Option<(u16, u32)>) -> Answer<Datum> {
        self.record(Event::Screen { list, options, hit })?;
        Ok(Datum::Hit(hit))
    }

    fn eval_hit(&mut self, expr: &'p Expr) -> Answer<Datum> {
        let (Kind::HitFound(operand) | Kind::HitScore(operand) | Kind::HitEntry(operand)) =
            &expr.kind
        else {
            return Err(Stop::Broken("a hit"));
        };
        let (Datum::Hit(hit), Type::Hit(list)) = (self.eval(operand)?, &operand.ty) else {
            return Err(Stop::Broken("a hit's operand"));
        };
        Ok(match (&expr.kind, hit) {
            (Kind::HitFound(_), hit) => Datum::Bool(hit.is_some()),
            (Kind::HitScore(_), hit) => Datum::Int(hit.map_or(0, |(score, _)| score.into())),
            (_, None) => Datum::Text("none".into()),
            (_, Some((_, entry))) => Datum::Text(self.lists.entry_id(*list, entry).into()),
        })
    }
}

impl Expr {
    /// Whether its elements come one after another rather than as a value.
    pub(super) fn is_stream(&self) -> bool {
        match &self.kind {
            Kind::List(_) | Kind::History | Kind::Loop(Loop::Filter | Loop::Map, _) => true,
            Kind::Let(_) | Kind::Conditional(..) | Kind::Arithmetic(..) => {
                matches!(self.ty, Type::List(_))
            }
            _ => false,
        }
    }
}

fn compare(comparison: Comparison, left: &Datum, right: &Datum) -> Answer<bool> {
    let by_order = || order(left, right).ok_or(Stop::Broken("operands of a comparison"));
    Ok(match comparison {
        Comparison::Equal => left == right,
        Comparison::NotEqual => left != right,
        Comparison::Less => by_order()?.is_lt(),
        Comparison::LessOrEqual => by_order()?.is_le(),
        Comparison::Greater => by_order()?.is_gt(),
        Comparison::GreaterOrEqual => by_order()?.is_ge(),
    })
}
