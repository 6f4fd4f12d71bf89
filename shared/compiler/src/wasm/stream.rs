//! Lists as streams: each element is made when its consumer asks for it, filters and maps run in
//! the same loop, and no list is ever stored. It must never ask for an element after the consumer
//! knows its answer.

use facts::{FIXED_BYTES, HEADER_ROW_COUNT, ROW_BYTES};
use wasm_encoder::ValType;

use super::code::{Label, Local, Op, Trips};
use super::emit::{Compiled, Element, Emitter, is_constant, not_supported, slots, too_large};
use super::walk::{is_list, parts, visit};
use crate::typed::{Expr, Kind, Loop, Operator, Type};

/// Most instructions of a function to which a loop is added: far more than fit in a module.
const OPS_MAX: usize = 65_536;

/// What a consumer does with an element; it falls through when it wants the next one.
pub(super) type Consumer<'c, 'p> = dyn FnMut(&mut Emitter<'p>, Element<'p>) -> Compiled<()> + 'c;

impl<'p> Emitter<'p> {
    /// Writes a loop over a list. With a pending fault's local, a fault of an element or of the
    /// consumer is kept there and the loop goes on; without, it goes to the handler.
    pub(super) fn each(
        &mut self,
        list: &'p Expr,
        pending: Option<Local>,
        consumer: &mut Consumer<'_, 'p>,
    ) -> Compiled<()> {
        if self.function.ops.len() > OPS_MAX {
            let expected = format!("a function of at most {OPS_MAX} instructions");
            return Err(too_large(list.span, expected, "more".to_owned(), "join fewer lists"));
        }
        match &list.kind {
            Kind::History => self.rows(pending, consumer),
            Kind::List(all) => self.literal(all, pending, consumer),
            Kind::Loop(Loop::Filter, body) => {
                self.each(&body.list, pending, &mut |emitter, element| {
                    emitter.bind(body.variable, element.clone());
                    let skip = emitter.block();
                    emitter.scoped(|emitter| {
                        emitter.branch(&body.each, skip, false)?;
                        consumer(emitter, element)
                    })?;
                    emitter.end();
                    Ok(())
                })
            }
            Kind::Loop(Loop::Map, body) => {
                self.each(&body.list, pending, &mut |emitter, element| {
                    emitter.bind(body.variable, element);
                    let element = emitter.element(&body.each)?;
                    consumer(emitter, element)
                })
            }
            Kind::Let(at) => match self.program().lets.get(*at) {
                Some(known) => self.each(&known.value, pending, consumer),
                None => Err(not_supported(list.span, "a let of the program", "another")),
            },
            Kind::Arithmetic(Operator::Add, a, b) => {
                self.each(a, pending, consumer)?;
                self.each(b, pending, consumer)
            }
            Kind::Conditional(condition, then, other) => {
                let (done, not) = (self.block(), self.block());
                self.scoped(|emitter| {
                    emitter.choose(condition, not, pending)?;
                    emitter.each(then, pending, consumer)
                })?;
                self.code(&format!("br {done} end"));
                self.each(other, pending, consumer)?;
                self.end();
                Ok(())
            }
            _ => Err(not_supported(list.span, "a list that is not in a list", "a list of lists")),
        }
    }

    /// Jumps when the condition of a conditional list does not hold. A fault of it ends the list:
    /// the first fault of what came before is the answer, and only without one that of it.
    fn choose(&mut self, condition: &'p Expr, not: Label, pending: Option<Local>) -> Compiled<()> {
        let Some(pending) = pending.filter(|_| self.analysis.can_fault(condition)) else {
            return self.branch(condition, not, false);
        };
        let (chosen, failed) = (self.block(), self.block());
        self.handled(failed, |emitter| emitter.branch(condition, not, false))?;
        self.code(&format!("br {chosen} end"));
        self.remember(pending, false);
        self.raise_pending(pending);
        self.end();
        Ok(())
    }

    /// An element made by an expression.
    pub(super) fn element(&mut self, value: &'p Expr) -> Compiled<Element<'p>> {
        if is_list(value) {
            return Err(not_supported(value.span, "elements that are no lists", "a list"));
        }
        if value.ty == Type::Row {
            return Ok(Element::Row(self.row(value)?));
        }
        if is_read(value) && !self.analysis.can_fault(value) {
            return Ok(Element::Again(self.resolve(value)));
        }
        self.expr(value)?;
        Ok(Element::Locals(self.keep(&value.ty)))
    }

    /// Pushes an element's value.
    pub(super) fn push_element(&mut self, element: &Element<'p>) -> Compiled<()> {
        match element {
            Element::Row(local) => self.push(&[*local]),
            Element::Locals(locals) => self.push(locals),
            Element::Again(value) => self.expr(value)?,
        }
        Ok(())
    }

    /// Runs the consumer in a block of its own; its faults are kept when there is where to.
    fn consume(
        &mut self,
        pending: Option<Local>,
        write: &mut dyn FnMut(&mut Self) -> Compiled<()>,
    ) -> Compiled<()> {
        let Some(pending) = pending else { return self.scoped(write) };
        let (next, failed) = (self.block(), self.block());
        self.handled(failed, |emitter| emitter.scoped(write))?;
        self.code(&format!("br {next} end"));
        self.remember(pending, false);
        self.end();
        Ok(())
    }

    fn rows(&mut self, pending: Option<Local>, consumer: &mut Consumer<'_, 'p>) -> Compiled<()> {
        let (row, end) = (self.local(ValType::I32), self.local(ValType::I32));
        let exit = self.block();
        self.code(&format!("i32 @{FIXED_BYTES} tee {row}"));
        self.code(&format!("i32 0 i32.load @{HEADER_ROW_COUNT} i32 {ROW_BYTES} i32.mul i32.add"));
        self.code(&format!("tee {end} get {row} i32.eq br_if {exit}"));
        let next = self.begin(Trips::Rows);
        self.consume(pending, &mut |emitter| consumer(emitter, Element::Row(row)))?;
        self.code(&format!("get {row} i32 {ROW_BYTES} i32.add tee {row} get {end} i32.ne"));
        self.code(&format!("br_if {next} end end"));
        self.function.free(&[row, end]);
        Ok(())
    }

    pub(super) fn begin(&mut self, trips: Trips) -> Label {
        let next = self.label();
        let span = Some(self.span);
        self.function.push(Op::Loop(next, trips, span));
        next
    }

    /// A loop over a literal: constants stand in the data, others are made one after another.
    fn literal(
        &mut self,
        all: &'p [Expr],
        pending: Option<Local>,
        consumer: &mut Consumer<'_, 'p>,
    ) -> Compiled<()> {
        match all {
            [] => Ok(()),
            [one] => self.consume(pending, &mut |emitter| {
                let element = emitter.element(one)?;
                consumer(emitter, element)
            }),
            [first, ..] if all.iter().all(is_constant) => {
                let stride = slot_bytes(&first.ty);
                let bytes: Vec<u8> = all.iter().flat_map(|one| self.bytes_of(one)).collect();
                let start = self.builder.constant(&bytes);
                let end = start + bytes.len() as u32;
                let at = self.local(ValType::I32);
                let locals: Vec<Local> =
                    slots(&first.ty).iter().map(|slot| self.local(*slot)).collect();
                self.code(&format!("i32 {start} set {at}"));
                let next = self.begin(Trips::Times(all.len() as u64));
                let mut offset = 0;
                for (local, slot) in locals.iter().zip(slots(&first.ty)) {
                    let (name, bytes) = if *slot == ValType::I64 { ("i64", 8) } else { ("i32", 4) };
                    self.code(&format!("get {at} {name}.load {offset} set {local}"));
                    offset += bytes;
                }
                let element = Element::Locals(locals);
                self.consume(pending, &mut |emitter| consumer(emitter, element.clone()))?;
                self.code(&format!("get {at} i32 {stride} i32.add tee {at} i32 {end} i32.ne"));
                self.code(&format!("br_if {next} end"));
                self.function.free(&[at]);
                Ok(())
            }
            [first, ..] => self.switch(all, &first.ty, pending, consumer),
        }
    }

    fn switch(
        &mut self,
        all: &'p [Expr],
        ty: &Type,
        pending: Option<Local>,
        consumer: &mut Consumer<'_, 'p>,
    ) -> Compiled<()> {
        let count = all.len();
        let at = self.local(ValType::I32);
        let locals: Vec<Local> = slots(ty).iter().map(|slot| self.local(*slot)).collect();
        self.code(&format!("i32 0 set {at}"));
        let next = self.begin(Trips::Times(count as u64));
        self.consume(pending, &mut |emitter| {
            let made = emitter.block();
            let arms: Vec<Label> = all.iter().map(|_| emitter.block()).collect();
            emitter.code(&format!("get {at}"));
            // The innermost block is the first element's.
            let labels: Vec<Label> = arms.iter().rev().copied().collect();
            let last = labels.last().copied().unwrap_or_default();
            emitter.function.push(Op::Table(labels, last));
            for one in all {
                emitter.end();
                emitter.expr(one)?;
                emitter.set_all(&locals);
                emitter.code(&format!("br {made}"));
            }
            emitter.end();
            let is_row = *ty == Type::Row;
            let element = match locals.first() {
                Some(row) if is_row => Element::Row(*row),
                _ => Element::Locals(locals.clone()),
            };
            consumer(emitter, element)
        })?;
        self.code(&format!("get {at} i32 1 i32.add tee {at} i32 {count} i32.ne br_if {next} end"));
        self.function.free(&[at]);
        Ok(())
    }

    /// A constant as it stands in an array in the data.
    pub(super) fn bytes_of(&mut self, constant: &Expr) -> Vec<u8> {
        match &constant.kind {
            Kind::Bool(value) => u32::from(*value).to_le_bytes().into(),
            Kind::Int(value) if slot_bytes(&constant.ty) == 4 => {
                (*value as u32).to_le_bytes().into()
            }
            Kind::Int(value) => value.to_le_bytes().into(),
            Kind::Uint(value) => value.to_le_bytes().into(),
            Kind::Decimal(value) => value.to_le_bytes().into(),
            Kind::Text(text) => self.text_bytes(text.as_bytes()),
            Kind::Bytes(bytes) => self.text_bytes(bytes),
            _ => Vec::new(),
        }
    }

    fn text_bytes(&mut self, text: &[u8]) -> Vec<u8> {
        let address = self.builder.constant(text);
        let length = text.len() as u32;
        address.to_le_bytes().into_iter().chain(length.to_le_bytes()).collect()
    }

    /// Begins a loop of the source: what does not change in it is computed before it. The answer
    /// is what `after` needs.
    pub(super) fn before(
        &mut self,
        expr: &'p Expr,
        list: &'p Expr,
        each: Option<&'p Expr>,
    ) -> Compiled<usize> {
        let mark = self.hoisted.len();
        if self.loops == 0 {
            let mut found = Fixed::default();
            self.fixed_in_list(list, &mut found);
            if let Some(each) = each {
                self.fixed(each, &mut found);
            }
            for value in found.values {
                self.expr(value)?;
                let locals = self.keep(&value.ty);
                self.hoisted.push((value, locals));
            }
            for age in found.ages {
                self.bound(age);
            }
            self.span = expr.span;
        }
        self.loops += 1;
        Ok(mark)
    }

    pub(super) fn after(&mut self, mark: usize) {
        self.loops -= 1;
        for (_, locals) in self.hoisted.drain(mark..) {
            self.function.free(&locals);
        }
        if self.loops == 0 {
            self.forget_ages();
        }
    }

    fn fixed_in_list(&self, list: &'p Expr, found: &mut Fixed<'p>) {
        match &list.kind {
            Kind::Loop(_, body) => {
                self.fixed_in_list(&body.list, found);
                self.fixed(&body.each, found);
            }
            Kind::Let(at) if !found.lets.contains(at) => {
                found.lets.push(*at);
                if let Some(known) = self.program().lets.get(*at) {
                    self.fixed_in_list(&known.value, found);
                }
            }
            Kind::Arithmetic(_, a, b) => {
                self.fixed_in_list(a, found);
                self.fixed_in_list(b, found);
            }
            _ => {}
        }
    }

    /// The largest parts of a loop's body that do not change in it, are worth a local and cannot
    /// fault.
    fn fixed(&self, expr: &'p Expr, found: &mut Fixed<'p>) {
        let is_worth = !is_list(expr) && !is_read(expr) && !matches!(expr.kind, Kind::Not(_));
        if is_worth && self.is_fixed(expr) {
            found.values.push(expr);
            return;
        }
        if self.age(expr).is_some() {
            found.ages.push(expr);
            return;
        }
        if is_list(expr) {
            self.fixed_in_list(expr, found);
            return;
        }
        for part in parts(expr) {
            self.fixed(part, found);
        }
    }

    pub(super) fn is_fixed(&self, expr: &'p Expr) -> bool {
        let mut fixed = true;
        let mut own = Vec::new();
        visit(expr, &mut |part| {
            if let Kind::Loop(_, body) = &part.kind {
                own.push(body.variable);
            }
        });
        visit(expr, &mut |part| match part.kind {
            Kind::Variable(at) => fixed &= own.contains(&at),
            Kind::Screen(_) | Kind::ScreenId(..) | Kind::InList(..) => fixed = false,
            _ => {}
        });
        fixed && !self.analysis.can_fault(expr) && !self.analysis.traces(expr)
    }
}

/// What does not change in a loop, what is held against it, and the lets of lists that were looked
/// into.
#[derive(Default)]
struct Fixed<'p> {
    values: Vec<&'p Expr>,
    ages: Vec<&'p Expr>,
    lets: Vec<usize>,
}

/// Whether an expression only reads something.
fn is_read(expr: &Expr) -> bool {
    match &expr.kind {
        Kind::Column(_, inner)
        | Kind::HasColumn(_, inner)
        | Kind::CurrencyOf(inner)
        | Kind::TextOf(inner)
        | Kind::Narrow(inner) => is_read(inner),
        Kind::Fact(_) | Kind::HasFact(_) | Kind::AsOf | Kind::Variable(_) => true,
        _ => is_constant(expr),
    }
}

/// Bytes of a value in an array.
pub(super) fn slot_bytes(ty: &Type) -> u32 {
    slots(ty).iter().map(|slot| if *slot == ValType::I64 { 8 } else { 4 }).sum()
}
