//! Lists: their elements come one after another, each when it is asked for, each a value or a
//! fault; and the nodes that consume them. It must never ask for an element after the answer is
//! known.

use std::collections::BTreeSet;
use std::ops::ControlFlow;

use super::eval::{Answer, Machine, Stop};
use super::value::{Datum, order};
use crate::typed::{Body, Expr, Fault, Kind, Loop, Operator};

/// An element.
pub(super) type Item = Result<Datum, Fault>;
/// Whether the next element is wanted.
type Flow = ControlFlow<()>;

impl<'p> Machine<'p> {
    /// Gives the elements of a list to `take` until it wants no more.
    pub(super) fn each(
        &mut self,
        list: &'p Expr,
        take: &mut dyn FnMut(&mut Self, Item) -> Answer<Flow>,
    ) -> Answer<Flow> {
        match &list.kind {
            Kind::List(elements) => {
                for element in elements {
                    let item = self.item(element)?;
                    if take(self, item)?.is_break() {
                        return Ok(Flow::Break(()));
                    }
                }
                Ok(Flow::Continue(()))
            }
            Kind::History => {
                for index in 0..self.facts.rows.len() {
                    if take(self, Ok(Datum::Row(index)))?.is_break() {
                        return Ok(Flow::Break(()));
                    }
                }
                Ok(Flow::Continue(()))
            }
            Kind::Loop(Loop::Filter, body) => {
                self.each(&body.list, &mut |me, item| match me.body(body, item.clone())? {
                    Ok(Datum::Bool(true)) => take(me, item),
                    Ok(Datum::Bool(false)) => Ok(Flow::Continue(())),
                    Ok(_) => Err(Stop::Broken("a filter's condition")),
                    Err(fault) => take(me, Err(fault)),
                })
            }
            Kind::Loop(Loop::Map, body) => self.each(&body.list, &mut |me, item| {
                let item = me.body(body, item)?;
                take(me, item)
            }),
            Kind::Let(index) => {
                let known = self.program.lets.get(*index).ok_or(Stop::Broken("a let"))?;
                self.each(&known.value, take)
            }
            Kind::Conditional(condition, then, otherwise) => {
                let chosen = if self.truth(condition)? { then } else { otherwise };
                self.each(chosen, take)
            }
            Kind::Arithmetic(Operator::Add, left, right) => match self.each(left, take)? {
                Flow::Continue(()) => self.each(right, take),
                Flow::Break(()) => Ok(Flow::Break(())),
            },
            _ => match self.eval(list)? {
                Datum::List(elements) => {
                    for element in elements {
                        if take(self, Ok(element))?.is_break() {
                            return Ok(Flow::Break(()));
                        }
                    }
                    Ok(Flow::Continue(()))
                }
                _ => Err(Stop::Broken("a list")),
            },
        }
    }

    /// The body for one element; a faulting element is a fault of its body.
    fn body(&mut self, body: &'p Body, item: Item) -> Answer<Item> {
        let datum = match item {
            Ok(datum) => datum,
            Err(fault) => return Ok(Err(fault)),
        };
        self.variables.insert(body.variable, datum);
        self.loops += 1;
        let item = self.item(&body.each);
        self.loops -= 1;
        item
    }

    /// Gives the elements to `take`; the first fault is the answer.
    pub(super) fn each_value(
        &mut self,
        list: &'p Expr,
        take: &mut dyn FnMut(&mut Self, Datum) -> Answer<()>,
    ) -> Answer<()> {
        self.each(list, &mut |me, item| {
            take(me, item?)?;
            Ok(Flow::Continue(()))
        })
        .map(|_| ())
    }

    /// The elements as one value.
    pub(super) fn collected(&mut self, list: &'p Expr) -> Answer<Vec<Datum>> {
        let mut elements = Vec::new();
        self.each_value(list, &mut |_, datum| {
            elements.push(datum);
            Ok(())
        })?;
        Ok(elements)
    }

    /// Nodes that make one value out of a list.
    pub(super) fn consume(&mut self, expr: &'p Expr) -> Answer<Datum> {
        match &expr.kind {
            Kind::Loop(Loop::All, body) => {
                self.decided(&body.list, false, &mut |me, item| me.body(body, item))
            }
            Kind::Loop(Loop::Exists, body) => {
                self.decided(&body.list, true, &mut |me, item| me.body(body, item))
            }
            Kind::Loop(Loop::ExistsOne, body) => self.exists_one(body),
            Kind::In(element, list) => {
                let wanted = self.eval(element)?;
                self.decided(list, true, &mut |_, item| {
                    Ok(item.map(|datum| Datum::Bool(datum == wanted)))
                })
            }
            Kind::Size(operand) => self.size(operand),
            Kind::Sum(list) => self.sum(list, &expr.ty),
            Kind::Extreme(largest, list) => self.extreme(*largest, list),
            Kind::CountDistinct(list) => self.count_distinct(list),
            Kind::Index(list, index) => self.index(list, index),
            _ => Err(Stop::Broken("a node")),
        }
    }

    /// Asks each element until one answers `decisive`; that wins over faults, else the first
    /// fault is the answer.
    fn decided(
        &mut self,
        list: &'p Expr,
        decisive: bool,
        ask: &mut dyn FnMut(&mut Self, Item) -> Answer<Item>,
    ) -> Answer<Datum> {
        let mut first_fault = None;
        let flow = self.each(list, &mut |me, item| {
            match ask(me, item)? {
                Ok(Datum::Bool(flag)) if flag == decisive => return Ok(Flow::Break(())),
                Ok(Datum::Bool(_)) => {}
                Ok(_) => return Err(Stop::Broken("a loop's condition")),
                Err(fault) => first_fault = first_fault.or(Some(fault)),
            }
            Ok(Flow::Continue(()))
        });
        match (flow, first_fault) {
            (Ok(Flow::Break(())), _) => Ok(Datum::Bool(decisive)),
            (Ok(Flow::Continue(())), None) => Ok(Datum::Bool(!decisive)),
            (Ok(Flow::Continue(())) | Err(Stop::Fault(_)), Some(fault)) => Err(fault.into()),
            (Err(stop), _) => Err(stop),
        }
    }

    fn exists_one(&mut self, body: &'p Body) -> Answer<Datum> {
        let mut count = 0;
        self.each_value(&body.list, &mut |me, datum| {
            if me.body(body, Ok(datum))?? == Datum::Bool(true) {
                count += 1;
            }
            Ok(())
        })?;
        Ok(Datum::Bool(count == 1))
    }

    fn size(&mut self, operand: &'p Expr) -> Answer<Datum> {
        if matches!(operand.ty, crate::typed::Type::List(_)) {
            let mut count = 0;
            self.each_value(operand, &mut |_, _| {
                count += 1;
                Ok(())
            })?;
            return Ok(Datum::Int(count));
        }
        match self.eval(operand)? {
            Datum::Text(text) => Ok(Datum::Int(text.chars().count() as i64)),
            Datum::Bytes(bytes) => Ok(Datum::Int(bytes.len() as i64)),
            _ => Err(Stop::Broken("operand of size")),
        }
    }

    fn extreme(&mut self, largest: bool, list: &'p Expr) -> Answer<Datum> {
        let mut best: Option<Datum> = None;
        self.each_value(list, &mut |_, datum| {
            let better = match &best {
                None => true,
                Some(best) => {
                    let order = order(&datum, best).ok_or(Stop::Broken("operands of min, max"))?;
                    if largest { order.is_gt() } else { order.is_lt() }
                }
            };
            if better {
                best = Some(datum);
            }
            Ok(())
        })?;
        best.ok_or(Fault::Empty.into())
    }

    fn count_distinct(&mut self, list: &'p Expr) -> Answer<Datum> {
        let mut seen = BTreeSet::new();
        self.each_value(list, &mut |_, datum| {
            seen.insert(match datum {
                Datum::Int(number) => number,
                Datum::Counterparty(number, _) => number.into(),
                _ => return Err(Stop::Broken("operand of distinct")),
            });
            Ok(())
        })?;
        Ok(Datum::Int(seen.len() as i64))
    }

    /// The index is evaluated first, so that no element after it is asked for.
    fn index(&mut self, list: &'p Expr, index: &'p Expr) -> Answer<Datum> {
        let Datum::Int(mut left) = self.eval(index)? else {
            return Err(Stop::Broken("an index"));
        };
        if left < 0 {
            return Err(Fault::Range.into());
        }
        let mut found = None;
        let flow = self.each(list, &mut |_, item| {
            let datum = item?;
            if left == 0 {
                found = Some(datum);
                return Ok(Flow::Break(()));
            }
            left -= 1;
            Ok(Flow::Continue(()))
        })?;
        found.filter(|_| flow.is_break()).ok_or(Fault::Range.into())
    }
}
