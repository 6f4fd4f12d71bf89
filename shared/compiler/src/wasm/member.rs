//! Elements of lists: membership, elements by index, lists that are equal. It must never evaluate
//! an operand before the one to its left, nor ask for an element after the answer.

use facts::{HEADER_ROW_COUNT, ROW_BYTES};
use wasm_encoder::ValType;

use super::code::{Label, Local, Size};
use super::emit::{Compiled, Emitter, not_supported, slots};
use super::number::comparison_of;
use super::stream::slot_bytes;
use super::walk::is_list;
use crate::typed::{Comparison, Expr, Fault, Kind, Type};

impl<'p> Emitter<'p> {
    /// Whether a value is an element of a list.
    pub(super) fn is_in(
        &mut self,
        value: &'p Expr,
        list: &'p Expr,
        expr: &'p Expr,
    ) -> Compiled<()> {
        if is_list(value) {
            return Err(not_supported(expr.span, "a value that is no list", "a list"));
        }
        if let Some(numbers) = self.numbers_of(list) {
            return self.in_numbers(value, &numbers);
        }
        if self.amounts_of(list).is_some() {
            return self.condition(expr);
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
                self.equal_texts(Size::Fixed(size));
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

    /// The codes of a list, if it is a literal of codes below 32.
    pub(super) fn numbers_of(&self, list: &'p Expr) -> Option<Vec<u32>> {
        match &self.resolve(list).kind {
            Kind::List(all) => small_numbers(all),
            _ => None,
        }
    }

    /// The amounts of a list, in order, if it is a literal of constants that fit 63 bits.
    pub(super) fn amounts_of(&self, list: &'p Expr) -> Option<Vec<i64>> {
        let narrow = |one: &Expr| match one.kind {
            Kind::Decimal(mantissa) => i64::try_from(mantissa).ok().filter(|narrow| *narrow >= 0),
            _ => None,
        };
        let Kind::List(all) = &self.resolve(list).kind else { return None };
        let mut amounts: Vec<i64> = all.iter().map(narrow).collect::<Option<_>>()?;
        amounts.sort_unstable();
        amounts.dedup();
        Some(amounts).filter(|amounts| !amounts.is_empty())
    }

    /// Jumps to `to` when it is `sense` that an amount is one of a few: its upper half is looked at
    /// once.
    pub(super) fn branch_in_amounts(
        &mut self,
        value: &'p Expr,
        amounts: &[i64],
        to: Label,
        sense: bool,
    ) -> Compiled<()> {
        let wanted = self.wide(value)?;
        let other = self.block();
        let (found, not) = if sense { (to, other) } else { (other, to) };
        self.high(wanted);
        self.code(&format!("i64.eqz i32.eqz br_if {not}"));
        let number = self.local(ValType::I64);
        self.low(wanted);
        self.code(&format!("set {number}"));
        self.seek(number, amounts, found, not);
        self.end();
        self.function.free(&[number]);
        Ok(())
    }

    /// Jumps to `found` when the number in a local is one of those in order, else to `not`. A long
    /// list is halved, so this is as deep as its length has binary digits.
    fn seek(&mut self, number: Local, all: &[i64], found: Label, not: Label) {
        if all.len() <= SEEK_MAX {
            for one in all {
                self.code(&format!("get {number} i64 {one} i64.eq br_if {found}"));
            }
            self.code(&format!("br {not}"));
            return;
        }
        let (below, from) = all.split_at(all.len() / 2);
        let upper = self.block();
        self.code(&format!("get {number} i64 {} i64.ge_u br_if {upper}", from[0]));
        self.seek(number, below, found, not);
        self.end();
        self.seek(number, from, found, not);
    }

    /// Whether a code is one of a few numbers below 32: one bit each.
    fn in_numbers(&mut self, value: &'p Expr, numbers: &[u32]) -> Compiled<()> {
        let (least, most) = (
            numbers.iter().min().copied().unwrap_or(0),
            numbers.iter().max().copied().unwrap_or(0),
        );
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
            Some(first) => {
                self.array(u64::from(slot_bytes(&first.ty)) * all.len() as u64, first.span)?
            }
            None => 0,
        };
        let stride = all.first().map_or(0, |first| slot_bytes(&first.ty)) as i32;
        for (at, one) in (0..).zip(all) {
            self.expr(one)?;
            self.store_at(array + at * stride, &one.ty);
        }
        let mark = self.before(a, list, None)?;
        let (at, differs) = (self.local(ValType::I32), self.local(ValType::I32));
        let limit = array + stride * all.len() as i32;
        self.code(&format!("i32 @{array} set {at} i32 0 set {differs}"));
        self.each(list, None, &mut |emitter, element| {
            emitter.push_element(&element)?;
            let value = emitter.keep(element_type(list));
            let (next, unequal) = (emitter.block(), emitter.block());
            if let Some(first) = all.first() {
                let size = all.iter().map(|one| emitter.analysis.bytes(one)).max().unwrap_or(0);
                emitter.code(&format!("get {at} i32 @{limit} i32.eq br_if {unequal}"));
                emitter.load_from(Some(at), 0, &first.ty);
                emitter.equal_to(&value, &first.ty, size);
                emitter.code(&format!("get {at} i32 {stride} i32.add set {at} br_if {next}"));
            }
            emitter.code(&format!("end i32 1 set {differs} end"));
            emitter.function.free(&value);
            Ok(())
        })?;
        self.after(mark);
        // Every element is asked for, so that a fault after the first difference is seen.
        self.code(&format!("get {at} i32 @{limit} i32.eq get {differs} i32.gt_u"));
        self.function.free(&[at, differs]);
        Ok(())
    }

    /// Stores the value on the stack in a buffer.
    pub(super) fn store_at(&mut self, place: i32, ty: &Type) {
        let locals = self.keep(ty);
        let mut place = place;
        for (local, slot) in locals.iter().zip(slots(ty)) {
            let (name, bytes) = if *slot == ValType::I64 { ("i64", 8) } else { ("i32", 4) };
            self.code(&format!("i32 0 get {local} {name}.store @{place}"));
            place += bytes;
        }
        self.function.free(&locals);
    }

    /// Pushes the value at the address in a local, or in a buffer.
    pub(super) fn load_from(&mut self, at: Option<Local>, place: i32, ty: &Type) {
        let mut place = place;
        for slot in slots(ty) {
            let (name, bytes) = if *slot == ValType::I64 { ("i64", 8) } else { ("i32", 4) };
            self.code(&match at {
                Some(at) => format!("get {at} {name}.load {place}"),
                None => format!("i32 0 {name}.load @{place}"),
            });
            place += bytes;
        }
    }
}

/// Most numbers that are looked at one after another.
const SEEK_MAX: usize = 4;

/// The numbers of constants that are all codes below 32.
fn small_numbers(all: &[Expr]) -> Option<Vec<u32>> {
    let number = |one: &Expr| match (&one.kind, &one.ty) {
        (Kind::Int(value), Type::Code(_)) => u32::try_from(*value).ok().filter(|at| *at < 32),
        _ => None,
    };
    if all.is_empty() { None } else { all.iter().map(number).collect() }
}

/// The type of a list's elements.
fn element_type(list: &Expr) -> &Type {
    match &list.ty {
        Type::List(element) => element,
        other => other,
    }
}
