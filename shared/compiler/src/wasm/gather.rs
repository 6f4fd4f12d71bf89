//! What is computed of a whole list: tests, counts, sums, extremes, elements.

use facts::{HEADER_ROW_COUNT, ROW_BYTES};
use wasm_encoder::ValType;

use super::analysis::{bounds, is_inside};
use super::code::{Label, Local, Size};
use super::emit::{Compiled, Emitter, is_constant, not_supported, slots};
use super::number::comparison_of;
use super::stream::slot_bytes;
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
            emitter.bindings.insert(body.variable, element);
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
            emitter.bindings.insert(body.variable, element);
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

    fn wide_element(&mut self, element: &super::emit::Element<'p>) -> Compiled<Wide> {
        use super::emit::Element;
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
        let buffer = if is_text && !is_lasting(list) { Some(self.buffer(size, expr.span)?) } else { None };
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

    /// Whether a value is an element of a list.
    pub(super) fn is_in(&mut self, value: &'p Expr, list: &'p Expr, expr: &'p Expr) -> Compiled<()> {
        if is_list(value) {
            return Err(not_supported(expr.span, "a value that is no list", "a list"));
        }
        if let Kind::List(all) = &self.resolve(list).kind
            && all.iter().all(is_constant)
            && let Some(numbers) = small_numbers(all)
        {
            return self.in_numbers(value, &numbers);
        }
        // The value is evaluated first, and once.
        self.expr(value)?;
        let wanted = self.keep(&value.ty);
        let mark = self.before(expr, list, None)?;
        let (end, found) = (self.label(), self.label());
        self.code(&format!("block32 {end} block {found}"));
        let pending = self.analysis.can_fault(list).then(|| self.local(ValType::I32));
        if let Some(pending) = pending {
            self.code(&format!("i32 0 set {pending}"));
        }
        let size = self.analysis.bytes(value);
        self.each(list, pending, &mut |emitter, element| {
            emitter.push_element(&element)?;
            emitter.equal_to(&wanted, &value.ty, size);
            emitter.code(&format!("br_if {found}"));
            Ok(())
        })?;
        if let Some(pending) = pending {
            self.raise_pending(pending);
            self.function.free(&[pending]);
        }
        self.after(mark);
        self.code(&format!("i32 0 br {end} end i32 1 end"));
        self.function.free(&wanted);
        Ok(())
    }

    /// Pushes whether the value on the stack equals the one in locals.
    fn equal_to(&mut self, other: &[Local], ty: &Type, size: u64) {
        match (ty, other) {
            (Type::Text | Type::Bytes, _) => {
                self.push(other);
                self.call("text_eq", Size::Fixed(size));
            }
            (_, [low, high]) => {
                let local = self.local(ValType::I64);
                self.code(&format!("get {high} i64.xor set {local} get {low} i64.xor"));
                self.code(&format!("get {local} i64.or i64.eqz"));
                self.function.free(&[local]);
            }
            _ => {
                self.number_of(ty);
                self.push(other);
                self.number_of(ty);
                self.code(&comparison_of(Comparison::Equal, ty));
            }
        }
    }

    /// Whether a code is one of a few numbers below 32: one bit each.
    fn in_numbers(&mut self, value: &'p Expr, numbers: &[u32]) -> Compiled<()> {
        let (least, most) =
            (numbers.iter().min().copied().unwrap_or(0), numbers.iter().max().copied().unwrap_or(0));
        let bits = numbers.iter().fold(0_u32, |bits, number| bits | 1 << number);
        if bits.count_ones() == most - least + 1 {
            self.expr(value)?;
            self.code(&format!("i32 {least} i32.sub i32 {} i32.lt_u", most - least + 1));
            return Ok(());
        }
        self.code(&format!("i32 {}", bits as i32));
        self.expr(value)?;
        self.code("i32.shr_u i32 1 i32.and");
        Ok(())
    }

    /// The element at an index. The index is evaluated first; no element after it is asked for.
    pub(super) fn index(&mut self, list: &'p Expr, at: &'p Expr, expr: &'p Expr) -> Compiled<()> {
        self.expr(at)?;
        let left = self.local(ValType::I64);
        if list.kind == Kind::History {
            self.code(&format!("tee {left} i32 0 i64.load32_u @{HEADER_ROW_COUNT} i64.ge_u"));
            self.raise_if(Fault::Range);
            let first = facts::FIXED_BYTES;
            self.code(&format!("get {left} wrap i32 {ROW_BYTES} i32.mul i32 @{first} i32.add"));
            self.function.free(&[left]);
            return Ok(());
        }
        self.code(&format!("tee {left} i64 0 i64.lt_s"));
        self.raise_if(Fault::Range);
        let mark = self.before(expr, list, None)?;
        let locals: Vec<Local> = slots(&expr.ty).iter().map(|slot| self.local(*slot)).collect();
        let found = self.block();
        self.each(list, None, &mut |emitter, element| {
            let skip = emitter.block();
            emitter.code(&format!("get {left} i64 1 i64.sub tee {left} i64 0 i64.ge_s"));
            emitter.code(&format!("br_if {skip}"));
            emitter.push_element(&element)?;
            emitter.set_all(&locals);
            emitter.code(&format!("br {found} end"));
            Ok(())
        })?;
        self.after(mark);
        self.code("i32 1");
        self.raise_if(Fault::Range);
        self.end();
        self.push(&locals);
        self.function.free(&locals);
        self.function.free(&[left]);
        Ok(())
    }

    /// Whether two lists are equal, of which one is a literal of constants or of what cannot fault.
    pub(super) fn equal_lists(&mut self, a: &'p Expr, b: &'p Expr) -> Compiled<()> {
        let literal = |list: &'p Expr| match &self.resolve(list).kind {
            Kind::List(all) if all.iter().all(|one| !self.analysis.can_fault(one)) => {
                Some(all.as_slice())
            }
            _ => None,
        };
        let (all, list) = match (literal(b), literal(a)) {
            (Some(all), _) => (all, a),
            (None, Some(all)) => (all, b),
            (None, None) => {
                let found = "two other lists";
                return Err(not_supported(a.span, "a list literal of plain values", found));
            }
        };
        if all.iter().any(|one| self.analysis.traces(one)) {
            return Err(not_supported(a.span, "a list literal of plain values", "a list's answer"));
        }
        let array = match all.first() {
            Some(first) => self.array(
                u64::from(slot_bytes(&first.ty)) * all.len() as u64,
                first.span,
            )?,
            None => 0,
        };
        let stride = all.first().map_or(0, |first| slot_bytes(&first.ty)) as i32;
        for (at, one) in (0..).zip(all) {
            self.expr(one)?;
            self.store_at(array + at * stride, &one.ty);
        }
        let (end, differ) = (self.label(), self.label());
        self.code(&format!("block32 {end} block {differ}"));
        let mark = self.before(a, list, None)?;
        let at = self.local(ValType::I32);
        let limit = array + stride * all.len() as i32;
        self.code(&format!("i32 @{array} set {at}"));
        self.each(list, None, &mut |emitter, element| {
            emitter.push_element(&element)?;
            let Some(first) = all.first() else {
                emitter.code(&format!("br {differ}"));
                return Ok(());
            };
            let value = emitter.keep(&first.ty);
            emitter.code(&format!("get {at} i32 @{limit} i32.eq br_if {differ}"));
            emitter.load_from(at, &first.ty);
            let size = all.iter().map(|one| emitter.analysis.bytes(one)).max().unwrap_or(0);
            emitter.equal_to(&value, &first.ty, size);
            emitter.code(&format!("i32.eqz br_if {differ}"));
            emitter.code(&format!("get {at} i32 {stride} i32.add set {at}"));
            emitter.function.free(&value);
            Ok(())
        })?;
        self.after(mark);
        self.code(&format!("get {at} i32 @{limit} i32.eq br {end} end i32 0 end"));
        self.function.free(&[at]);
        Ok(())
    }

    /// Stores the value on the stack in a buffer.
    fn store_at(&mut self, place: i32, ty: &Type) {
        let locals = self.keep(ty);
        let mut place = place;
        for (local, slot) in locals.iter().zip(slots(ty)) {
            let (name, bytes) = if *slot == ValType::I64 { ("i64", 8) } else { ("i32", 4) };
            self.code(&format!("i32 0 get {local} {name}.store @{place}"));
            place += bytes;
        }
        self.function.free(&locals);
    }

    /// Pushes the value at the address in a local.
    fn load_from(&mut self, at: Local, ty: &Type) {
        let mut offset = 0;
        for slot in slots(ty) {
            let (name, bytes) = if *slot == ValType::I64 { ("i64", 8) } else { ("i32", 4) };
            self.code(&format!("get {at} {name}.load {offset}"));
            offset += bytes;
        }
    }

    /// How many different elements.
    pub(super) fn count_distinct(&mut self, list: &'p Expr) -> Compiled<()> {
        let Type::List(ty) = &list.ty else {
            return Err(not_supported(list.span, "a list", "a value"));
        };
        if matches!(**ty, Type::Code(_)) {
            return self.count_bits(list);
        }
        if **ty == Type::Counterparty {
            return self.count_marks(list);
        }
        let most = self.analysis.most(list);
        let place = self.array(most * 16, list.span)?;
        let mark = self.before(list, list, None)?;
        let at = self.local(ValType::I32);
        self.code(&format!("i32 @{place} set {at}"));
        self.each(list, None, &mut |emitter, element| {
            emitter.code(&format!("get {at}"));
            emitter.push_element(&element)?;
            if slots(ty) == [ValType::I32] {
                emitter.code("extend_u");
            }
            emitter.code(&format!("i64.store 0 get {at} i32 8 i32.add set {at}"));
            Ok(())
        })?;
        self.after(mark);
        let other = place + most as i32 * 8;
        self.code(&format!("i32 @{place} i32 @{other} get {at} i32 @{place} i32.sub"));
        self.code("i32 3 i32.shr_u");
        let size = if self.analysis.is_history(list) { Size::Rows } else { Size::Fixed(most) };
        self.call("distinct", size);
        self.function.free(&[at]);
        Ok(())
    }

    /// Codes are below 64: one bit each.
    fn count_bits(&mut self, list: &'p Expr) -> Compiled<()> {
        let mark = self.before(list, list, None)?;
        let seen = self.local(ValType::I64);
        self.code(&format!("i64 0 set {seen}"));
        self.each(list, None, &mut |emitter, element| {
            emitter.code("i64 1");
            emitter.push_element(&element)?;
            emitter.code(&format!("extend_u i64.shl get {seen} i64.or set {seen}"));
            Ok(())
        })?;
        self.after(mark);
        self.code(&format!("get {seen} i64.popcnt"));
        self.function.free(&[seen]);
        Ok(())
    }

    /// Counterparties are numbered from 1 to at most the number of rows: one byte each.
    fn count_marks(&mut self, list: &'p Expr) -> Compiled<()> {
        if self.loops > 0 {
            return Err(not_supported(list.span, "distinct counterparties once", "in a loop"));
        }
        let place = self.array(facts::HISTORY_ROWS_MAX as u64 + 1, list.span)?;
        let mark = self.before(list, list, None)?;
        let (count, at) = (self.local(ValType::I64), self.local(ValType::I32));
        self.code(&format!("i64 0 set {count}"));
        self.each(list, None, &mut |emitter, element| {
            emitter.push_element(&element)?;
            emitter.number_of(&Type::Counterparty);
            emitter.code(&format!("tee {at} i32.load8_u @{place} i32.eqz if"));
            emitter.code(&format!("get {at} i32 1 i32.store8 @{place}"));
            emitter.code(&format!("get {count} i64 1 i64.add set {count} end"));
            Ok(())
        })?;
        self.after(mark);
        self.push(&[count]);
        self.function.free(&[count, at]);
        Ok(())
    }
}

/// The numbers of constants that are all codes below 32.
fn small_numbers(all: &[Expr]) -> Option<Vec<u32>> {
    let number = |one: &Expr| match (&one.kind, &one.ty) {
        (Kind::Int(value), Type::Code(_)) => u32::try_from(*value).ok().filter(|at| *at < 32),
        _ => None,
    };
    if all.is_empty() { None } else { all.iter().map(number).collect() }
}

/// Whether the texts of a list stay where they are.
fn is_lasting(list: &Expr) -> bool {
    let mut lasting = true;
    super::walk::visit(list, &mut |part| {
        lasting &= !matches!(part.kind, Kind::Arithmetic(..) | Kind::Call(..) | Kind::Let(_));
    });
    lasting
}

/// Whether a sum of 64 bits can leave its type.
#[allow(dead_code)]
fn fits(range: super::analysis::Range, ty: &Type) -> bool {
    is_inside(range, bounds(ty))
}
