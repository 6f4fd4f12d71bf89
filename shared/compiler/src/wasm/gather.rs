//! What is computed of a whole list: tests, counts, sums, extremes. It must never lose a fault of
//! an element that was asked for.

use facts::HEADER_ROW_COUNT;
use wasm_encoder::ValType;

use super::code::{Label, Local, Size};
use super::emit::{Compiled, Element, Emitter, slots};
use super::number::comparison_of;
use super::walk::is_list;
use super::wide::Wide;
use crate::typed::{Body, Comparison, Expr, Fault, Kind, Type};

impl<'p> Emitter<'p> {
    /// Jumps as soon as one element's body is `decisive`; raises the first fault when none is.
    pub(super) fn search(
        &mut self,
        expr: &'p Expr,
        body: &'p Body,
        to: Label,
        decisive: bool,
    ) -> Compiled<()> {
        let mark = self.before(expr, &body.list, Some(&body.each))?;
        let faults = self.analysis.can_fault(&body.list) || self.analysis.can_fault(&body.each);
        let pending = faults.then(|| self.local(ValType::I32));
        if let Some(pending) = pending {
            self.code(&format!("i32 0 set {pending}"));
        }
        self.each(&body.list, pending, &mut |emitter, element| {
            emitter.bind(body.variable, element);
            emitter.branch(&body.each, to, decisive)
        })?;
        if let Some(pending) = pending {
            self.raise_pending(pending);
            self.function.free(&[pending]);
        }
        self.after(mark);
        Ok(())
    }

    pub(super) fn exists_one(&mut self, expr: &'p Expr, body: &'p Body) -> Compiled<()> {
        let mark = self.before(expr, &body.list, Some(&body.each))?;
        let count = self.local(ValType::I32);
        self.code(&format!("i32 0 set {count}"));
        self.each(&body.list, None, &mut |emitter, element| {
            emitter.bind(body.variable, element);
            let skip = emitter.block();
            emitter.branch(&body.each, skip, false)?;
            emitter.code(&format!("get {count} i32 1 i32.add set {count} end"));
            Ok(())
        })?;
        self.after(mark);
        self.code(&format!("get {count} i32 1 i32.eq"));
        self.function.free(&[count]);
        Ok(())
    }

    pub(super) fn size(&mut self, value: &'p Expr) -> Compiled<()> {
        if !is_list(value) {
            self.expr(value)?;
            if value.ty == Type::Text {
                let size = self.analysis.bytes(value);
                self.call("characters", Size::Fixed(size));
            } else {
                let length = self.local(ValType::I32);
                self.code(&format!("set {length} drop get {length} extend_u"));
                self.function.free(&[length]);
            }
            return Ok(());
        }
        if value.kind == Kind::History {
            self.code(&format!("i32 0 i64.load32_u @{HEADER_ROW_COUNT}"));
            return Ok(());
        }
        if self.count_by_time(value)? {
            return Ok(());
        }
        let mark = self.before(value, value, None)?;
        let count = self.local(ValType::I64);
        self.code(&format!("i64 0 set {count}"));
        self.each(value, None, &mut |emitter, _| {
            emitter.code(&format!("get {count} i64 1 i64.add set {count}"));
            Ok(())
        })?;
        self.after(mark);
        self.push(&[count]);
        self.function.free(&[count]);
        Ok(())
    }

    pub(super) fn sum(&mut self, list: &'p Expr, expr: &'p Expr) -> Compiled<()> {
        let can_fault = self.faults_itself(expr, &[]);
        let mark = self.before(expr, list, None)?;
        let sum: Vec<Local> = slots(&expr.ty).iter().map(|slot| self.local(*slot)).collect();
        for local in &sum {
            self.code(&format!("i64 0 set {local}"));
        }
        self.each(list, None, &mut |emitter, element| {
            if let [low, high] = sum.as_slice() {
                if can_fault {
                    emitter.push(&sum);
                    emitter.push_element(&element)?;
                    emitter.call("add", Size::Fixed(0));
                    emitter.raise();
                    emitter.set_all(&sum);
                    return Ok(());
                }
                let wide = emitter.wide_element(&element)?;
                emitter.low(wide);
                emitter.code(&format!("get {low} i64.add tee {low}"));
                emitter.low(wide);
                emitter.code("i64.lt_u extend_u");
                emitter.high(wide);
                emitter.code(&format!("i64.add get {high} i64.add set {high}"));
                return Ok(());
            }
            emitter.push(&sum);
            emitter.push_element(&element)?;
            emitter.add_up(expr, can_fault);
            emitter.set_all(&sum);
            Ok(())
        })?;
        self.after(mark);
        self.push(&sum);
        self.function.free(&sum);
        Ok(())
    }

    fn add_up(&mut self, expr: &Expr, can_fault: bool) {
        match (&expr.ty, can_fault) {
            (_, false) => self.code("i64.add"),
            (Type::Int, _) => self.checked_sum(true),
            (Type::Uint, _) => {
                let (y, sum) = (self.local(ValType::I64), self.local(ValType::I64));
                self.code(&format!("tee {y} i64.add tee {sum} get {sum} get {y} i64.lt_u"));
                self.raise_if(Fault::Overflow);
                self.function.free(&[y, sum]);
            }
            _ => {
                self.code("i64.add");
                self.hold_inside(&expr.ty);
            }
        }
    }

    fn wide_element(&mut self, element: &Element<'p>) -> Compiled<Wide> {
        match element {
            Element::Again(value) => self.wide(value),
            Element::Locals(locals) => Ok(Wide::Locals(locals[0], locals[1])),
            Element::Row(local) => Ok(Wide::Memory(*local, 0)),
        }
    }

    /// The smallest or largest element.
    pub(super) fn extreme(
        &mut self,
        largest: bool,
        list: &'p Expr,
        expr: &'p Expr,
    ) -> Compiled<()> {
        let mark = self.before(expr, list, None)?;
        let best: Vec<Local> = slots(&expr.ty).iter().map(|slot| self.local(*slot)).collect();
        let found = self.local(ValType::I32);
        let size = self.analysis.bytes(expr);
        let is_text = matches!(expr.ty, Type::Text | Type::Bytes);
        // A text that was put together may be overwritten by the next one.
        let buffer =
            if is_text && !is_lasting(list) { Some(self.buffer(size, expr.span)?) } else { None };
        self.code(&format!("i32 0 set {found}"));
        self.each(list, None, &mut |emitter, element| {
            emitter.push_element(&element)?;
            let now: Vec<Local> = emitter.keep(&expr.ty);
            let (skip, take) = (emitter.block(), emitter.block());
            emitter.code(&format!("get {found} i32.eqz br_if {take}"));
            emitter.better(&now, &best, largest, expr, size);
            emitter.code(&format!("i32.eqz br_if {skip} end"));
            if let (Some(to), [p, l]) = (buffer, now.as_slice()) {
                emitter.code(&format!("i32 @{to} get {p} get {l} memory.copy {size}"));
                emitter.code(&format!("i32 @{to} set {p}"));
            }
            emitter.push(&now);
            emitter.set_all(&best);
            emitter.code(&format!("i32 1 set {found} end"));
            emitter.function.free(&now);
            Ok(())
        })?;
        self.after(mark);
        self.code(&format!("get {found} i32.eqz"));
        self.raise_if(Fault::Empty);
        self.push(&best);
        self.function.free(&best);
        self.function.free(&[found]);
        Ok(())
    }

    /// Pushes whether one value is below (or above) another.
    fn better(&mut self, now: &[Local], best: &[Local], largest: bool, expr: &Expr, size: u64) {
        let wanted = if largest { Comparison::Greater } else { Comparison::Less };
        match (&expr.ty, now, best) {
            (Type::Text | Type::Bytes, ..) => {
                self.push(now);
                self.push(best);
                self.call("text_cmp", Size::Fixed(size));
                self.code(if largest { "i32 0 i32.gt_s" } else { "i32 0 i32.lt_s" });
            }
            (_, [a, b], [c, d]) => {
                let range = self.analysis.range(expr);
                let (x, y) = (Wide::Locals(*a, *b), Wide::Locals(*c, *d));
                self.compare_halves(wanted, x, y, (range, range));
            }
            _ => {
                self.push(now);
                self.push(best);
                self.code(&comparison_of(wanted, &expr.ty));
            }
        }
    }
}

/// Whether the texts of a list stay where they are.
fn is_lasting(list: &Expr) -> bool {
    let mut lasting = true;
    super::walk::visit(list, &mut |part| {
        lasting &= !matches!(part.kind, Kind::Arithmetic(..) | Kind::Call(..) | Kind::Let(_));
    });
    lasting
}
