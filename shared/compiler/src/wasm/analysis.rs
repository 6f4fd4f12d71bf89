//! What is known of an expression before it runs: its bounds, its longest text, whether it can
//! fault, whether the trace sees it. It must never promise more than holds for every record.

use std::cell::RefCell;
use std::collections::BTreeMap;

use facts::{Field, FieldKind};

use super::range::{
    Range, TIME_MAX, TIME_MIN, bounds, is_inside, join, part_range, rise, scale, scaled,
};
use super::walk::{is_list, parts, variables};
use crate::typed::{Column, Expr, Function, Kind, Operator, Program, Type};

/// Most text bytes of one value.
const TEXT_MAX: u64 = u32::MAX as u64;

/// Something that a condition has established.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Known {
    /// A field is present, by bit.
    Fact(u8),
    /// A column is present in the row of a variable.
    Column(Column, usize),
}

/// What was found of a let.
#[derive(Debug, Clone, Copy)]
struct Found {
    range: Range,
    faults: bool,
    traces: bool,
    bytes: u64,
    /// Fewest and most elements of a list, and whether it is made from the history.
    size: (u64, u64),
    is_history: bool,
}

/// Answers questions about a program's expressions.
#[derive(Debug)]
pub(super) struct Analysis<'p> {
    pub(super) program: &'p Program,
    lists: BTreeMap<usize, &'p Expr>,
    lets: Vec<Found>,
    /// What holds where code is emitted now.
    pub(super) known: Vec<Known>,
    /// Bounds and longest texts of loop variables, once they were asked for.
    ranges: RefCell<BTreeMap<usize, Range>>,
    lengths: RefCell<BTreeMap<usize, u64>>,
}

impl<'p> Analysis<'p> {
    pub(super) fn new(program: &'p Program) -> Self {
        let lists = variables(program);
        let mut analysis = Self {
            program,
            lists,
            lets: Vec::new(),
            known: Vec::new(),
            ranges: RefCell::default(),
            lengths: RefCell::default(),
        };
        for known in &program.lets {
            let value = &known.value;
            let found = Found {
                range: analysis.range(value),
                faults: analysis.can_fault(value),
                traces: analysis.traces(value),
                bytes: analysis.bytes(value),
                size: (analysis.least(value), analysis.most(value)),
                is_history: analysis.is_history(value),
            };
            analysis.lets.push(found);
        }
        analysis
    }

    /// Whether the expression's evaluation may end without a value.
    pub(super) fn can_fault(&self, expr: &Expr) -> bool {
        let own = match &expr.kind {
            Kind::Fact(field) => !self.is_present(field),
            Kind::Column(column, row) => {
                let known = variable(row).map(|row| Known::Column(*column, row));
                is_optional(*column) && known.is_none_or(|known| !self.known.contains(&known))
            }
            Kind::Let(at) => return self.lets.get(*at).is_none_or(|found| found.faults),
            Kind::Arithmetic(operator, a, b) => self.arithmetic_faults(*operator, expr, a, b),
            Kind::Rescale(_) | Kind::Negate(_) | Kind::Sum(_) => {
                !is_inside(self.raw_range(expr), bounds(&expr.ty))
            }
            Kind::Extreme(_, list) => self.least(list) == 0,
            Kind::Index(..) => true,
            Kind::Call(function, arguments) => self.call_faults(*function, expr, arguments),
            _ => false,
        };
        own || parts(expr).into_iter().any(|part| self.can_fault(part))
    }

    fn arithmetic_faults(&self, operator: Operator, expr: &Expr, a: &Expr, b: &Expr) -> bool {
        match operator {
            Operator::Divide | Operator::Remainder => {
                let (low, high) = self.range(b);
                let is_zero = low <= 0 && high >= 0;
                let wraps = low <= -1 && self.range(a).0 == i64::MIN.into();
                is_zero || (operator == Operator::Divide && wraps && expr.ty == Type::Int)
            }
            _ => {
                let is_number = !matches!(expr.ty, Type::Text | Type::Bytes | Type::List(_));
                is_number && !is_inside(self.raw_range(expr), bounds(&expr.ty))
            }
        }
    }

    fn call_faults(&self, function: Function, expr: &Expr, arguments: &[Expr]) -> bool {
        match function {
            Function::ToInt | Function::ToUint => match arguments {
                [text] if text.ty == Type::Text => true,
                [number] => !is_inside(self.range(number), bounds(&expr.ty)),
                _ => true,
            },
            Function::ToTime
            | Function::Divide(_)
            | Function::Convert(..)
            | Function::Day(_)
            | Function::BusinessDay(_) => true,
            Function::Absolute | Function::Round(_) => {
                !is_inside(self.raw_range(expr), bounds(&expr.ty))
            }
            _ => false,
        }
    }

    /// Whether a host call in it writes to the trace.
    pub(super) fn traces(&self, expr: &Expr) -> bool {
        match &expr.kind {
            Kind::InList(..) | Kind::Screen(_) | Kind::ScreenId(..) => true,
            Kind::Let(at) => self.lets.get(*at).is_none_or(|found| found.traces),
            _ => parts(expr).into_iter().any(|part| self.traces(part)),
        }
    }

    pub(super) fn is_present(&self, field: &Field) -> bool {
        // Id, type and amount are in every record.
        field.bit < 3 || self.known.contains(&Known::Fact(field.bit))
    }

    /// Most elements of a list.
    pub(super) fn most(&self, list: &Expr) -> u64 {
        match &list.kind {
            Kind::History => facts::HISTORY_ROWS_MAX as u64,
            Kind::List(all) => all.len() as u64,
            Kind::Loop(_, body) => self.most(&body.list),
            Kind::Let(at) => self.lets.get(*at).map_or(0, |found| found.size.1),
            Kind::Arithmetic(_, a, b) => self.most(a).saturating_add(self.most(b)),
            Kind::Conditional(_, a, b) => self.most(a).max(self.most(b)),
            _ => facts::HISTORY_ROWS_MAX as u64,
        }
    }

    /// Fewest elements of a list.
    fn least(&self, list: &Expr) -> u64 {
        match &list.kind {
            Kind::List(all) => all.len() as u64,
            Kind::Loop(crate::typed::Loop::Map, body) => self.least(&body.list),
            Kind::Let(at) => self.lets.get(*at).map_or(0, |found| found.size.0),
            Kind::Arithmetic(_, a, b) => self.least(a).saturating_add(self.least(b)),
            Kind::Conditional(_, a, b) => self.least(a).min(self.least(b)),
            _ => 0,
        }
    }

    /// Whether a list is the history or made from it.
    pub(super) fn is_history(&self, list: &Expr) -> bool {
        match &list.kind {
            Kind::History => true,
            Kind::Loop(_, body) => self.is_history(&body.list),
            Kind::Let(at) => self.lets.get(*at).is_some_and(|found| found.is_history),
            Kind::Arithmetic(_, a, b) | Kind::Conditional(_, a, b) => {
                self.is_history(a) || self.is_history(b)
            }
            _ => false,
        }
    }

    /// What holds for every element of a list.
    fn of_elements<T>(
        &self,
        list: &Expr,
        of: &dyn Fn(&Expr) -> T,
        join: &dyn Fn(T, T) -> T,
        other: T,
    ) -> T {
        match &list.kind {
            Kind::List(all) => all.iter().map(of).reduce(join).unwrap_or(other),
            Kind::Loop(crate::typed::Loop::Map, body) => of(&body.each),
            Kind::Loop(_, body) => self.of_elements(&body.list, of, join, other),
            Kind::Let(at) => match self.program.lets.get(*at) {
                Some(known) => self.of_elements(&known.value, of, join, other),
                None => other,
            },
            _ => other,
        }
    }

    /// Most bytes of a text.
    pub(super) fn bytes(&self, expr: &Expr) -> u64 {
        let most = |list: &Expr| self.of_elements(list, &|e| self.bytes(e), &u64::max, TEXT_MAX);
        match &expr.kind {
            Kind::Text(text) => text.len() as u64,
            Kind::Bytes(bytes) => bytes.len() as u64,
            Kind::Fact(field) => field_bytes(field),
            Kind::Absent(fields) => fields.iter().map(|field| field.name.len() as u64 + 2).sum(),
            Kind::TextOf(_) => facts::TEXT_BYTES_MAX as u64,
            Kind::Let(at) => self.lets.get(*at).map_or(TEXT_MAX, |found| found.bytes),
            Kind::Variable(at) => {
                let known = self.lengths.borrow().get(at).copied();
                let length = || self.lists.get(at).map_or(TEXT_MAX, |list| most(list));
                let length = known.unwrap_or_else(length);
                self.lengths.borrow_mut().insert(*at, length);
                length
            }
            Kind::Extreme(_, list) | Kind::Index(list, _) => most(list),
            Kind::Arithmetic(_, a, b) => self.bytes(a).saturating_add(self.bytes(b)),
            Kind::Conditional(_, a, b) => self.bytes(a).max(self.bytes(b)),
            Kind::Call(Function::ToText, arguments) => match arguments.as_slice() {
                [text] if text.ty == Type::Text => self.bytes(text),
                _ => NUMBER_BYTES,
            },
            Kind::Call(_, arguments) => arguments.first().map_or(0, |text| self.bytes(text)),
            _ => 0,
        }
    }

    /// Bounds of a number's value.
    pub(super) fn range(&self, expr: &Expr) -> Range {
        let (low, high) = self.raw_range(expr);
        let (least, most) = bounds(&expr.ty);
        if low > most || high < least {
            return (least, most);
        }
        (low.max(least), high.min(most))
    }

    /// Bounds of a number before it is held against its type's own.
    fn raw_range(&self, expr: &Expr) -> Range {
        let all = bounds(&expr.ty);
        if is_list(expr) {
            return all;
        }
        let element =
            |list: &Expr, ty: &Type| self.of_elements(list, &|e| self.range(e), &join, bounds(ty));
        match &expr.kind {
            Kind::Int(value) => ((*value).into(), (*value).into()),
            Kind::Uint(value) => ((*value).into(), (*value).into()),
            Kind::Decimal(value) => (*value, *value),
            Kind::AsOf | Kind::Column(Column::Timestamp, _) => (0, TIME_MAX.into()),
            Kind::Fact(field) if field.kind == FieldKind::Time => (0, TIME_MAX.into()),
            Kind::Let(at) => self.lets.get(*at).map_or(all, |found| found.range),
            Kind::Variable(at) => {
                let known = self.ranges.borrow().get(at).copied();
                let range = || self.lists.get(at).map_or(all, |list| element(list, &expr.ty));
                let range = known.unwrap_or_else(range);
                self.ranges.borrow_mut().insert(*at, range);
                range
            }
            Kind::Narrow(amount) => self.amount_range(amount, expr),
            Kind::Rescale(a) => scaled(self.range(a), rise(&a.ty, &expr.ty)),
            Kind::Negate(a) => {
                let (low, high) = self.range(a);
                (high.saturating_neg(), low.saturating_neg())
            }
            Kind::Arithmetic(operator, a, b) => self.arithmetic(*operator, a, b, all),
            Kind::Conditional(_, a, b) => join(self.range(a), self.range(b)),
            Kind::Size(a) if is_list(a) => (0, self.most(a).into()),
            Kind::Size(a) => (0, self.bytes(a).into()),
            Kind::Sum(list) => {
                let (low, high) = element(list, &expr.ty);
                let most = i128::from(self.most(list));
                (low.saturating_mul(most).min(0), high.saturating_mul(most).max(0))
            }
            Kind::Extreme(_, list) | Kind::Index(list, _) => element(list, &expr.ty),
            Kind::CountDistinct(list) => (0, self.most(list).into()),
            Kind::HitScore(_) => (0, 10_000),
            Kind::Call(function, arguments) => self.call_range(*function, expr, arguments),
            _ => all,
        }
    }

    /// Bounds of the elements of a list.
    pub(super) fn element_range(&self, list: &Expr, ty: &Type) -> Range {
        self.of_elements(list, &|e| self.range(e), &join, bounds(ty))
    }

    /// Amounts of the record have at most 18 digits before the point and no sign.
    fn amount_range(&self, amount: &Expr, expr: &Expr) -> Range {
        let direct = matches!(amount.kind, Kind::Fact(_) | Kind::Column(..) | Kind::Variable(_));
        match (direct, scale(&expr.ty)) {
            (true, scale) => {
                let digits = facts::INTEGER_DIGITS_MAX as u32 + u32::from(scale);
                (0, 10_i128.checked_pow(digits).map_or(i128::MAX, |most| most - 1))
            }
            _ => bounds(&expr.ty),
        }
    }

    fn arithmetic(&self, operator: Operator, a: &Expr, b: &Expr, all: Range) -> Range {
        let ((a_low, a_high), (b_low, b_high)) = (self.range(a), self.range(b));
        match operator {
            Operator::Add => (a_low.saturating_add(b_low), a_high.saturating_add(b_high)),
            Operator::Subtract => (a_low.saturating_sub(b_high), a_high.saturating_sub(b_low)),
            Operator::Multiply => {
                let pairs = [(a_low, b_low), (a_low, b_high), (a_high, b_low), (a_high, b_high)];
                let products = pairs.map(|(a, b)| a.saturating_mul(b));
                let low = products.iter().min().copied().unwrap_or(i128::MIN);
                (low, products.iter().max().copied().unwrap_or(i128::MAX))
            }
            Operator::Divide if a_low >= 0 && b_low >= 0 => (0, a_high),
            Operator::Remainder if a_low >= 0 && b_low >= 0 => (0, a_high.min(b_high)),
            Operator::Divide | Operator::Remainder => all,
        }
    }

    fn call_range(&self, function: Function, expr: &Expr, arguments: &[Expr]) -> Range {
        let all = bounds(&expr.ty);
        let Some(first) = arguments.first() else { return all };
        match function {
            Function::TimePart(part, _) => part_range(part),
            Function::Absolute => {
                let (low, high) = self.range(first);
                let most = low.saturating_neg().max(high);
                (if low > 0 { low } else { 0 }, most)
            }
            Function::ToInt if first.ty == Type::Time => {
                (i128::from(TIME_MIN / 1000), i128::from(TIME_MAX / 1000))
            }
            Function::ToInt | Function::ToUint if first.ty != Type::Text => self.range(first),
            Function::Round(_) => {
                let rise = rise(&first.ty, &expr.ty);
                let (low, high) = self.range(first);
                if rise >= 0 {
                    return scaled((low, high), rise);
                }
                let unit = 10_i128.checked_pow(rise.unsigned_abs()).unwrap_or(i128::MAX);
                (low / unit - 1, high / unit + 1)
            }
            Function::Day(at) | Function::BusinessDay(at) => {
                let calendar = self.program.calendars.get(at as usize);
                calendar.map_or(all, |known| (known.first_day.into(), known.last_day.into()))
            }
            _ => all,
        }
    }
}

fn variable(expr: &Expr) -> Option<usize> {
    match expr.kind {
        Kind::Variable(at) => Some(at),
        _ => None,
    }
}

fn is_optional(column: Column) -> bool {
    matches!(column, Column::Direction | Column::Counterparty | Column::CounterpartyCountry)
}

fn field_bytes(field: &Field) -> u64 {
    let name = field.name.rsplit('.').next().unwrap_or_default();
    facts::text_bytes_max(name) as u64
}

/// Bytes of a 64-bit number in decimal.
const NUMBER_BYTES: u64 = 20;
