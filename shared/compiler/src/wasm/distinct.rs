//! How many different elements a list has. What is counted decides how: a bit for each code, a byte
//! for each of a few thousand values, a comparison with the one before in a sorted list, and
//! sorting for all others. Never a hash table: its worst case has no bound worth the name.

use facts::Currency;
use wasm_encoder::ValType;

use super::code::{Local, Size, Trips};
use super::emit::{Compiled, Element, Emitter, not_supported, slots};
use crate::typed::{Column, Expr, Kind, Loop, Type};

/// Most values that get a byte each.
const MARKS_MAX: i128 = 16_384;
/// Two capital letters as the record holds them: the first, and how many numbers from it on.
const COUNTRY_FIRST: u32 = 0x4141;
const COUNTRY_COUNT: u64 = 0x1919 + 1;
/// Binary digits of a currency's place.
const CURRENCY_BITS: u32 = 13;

impl<'p> Emitter<'p> {
    /// How many different elements.
    pub(super) fn count_distinct(&mut self, list: &'p Expr) -> Compiled<()> {
        let Type::List(ty) = &list.ty else {
            return Err(not_supported(list.span, "a list", "a value"));
        };
        match &**ty {
            Type::Code(_) => self.count_bits(list),
            Type::Counterparty => {
                let count = facts::HISTORY_ROWS_MAX as u64 + 1;
                self.count_marks(list, count, &mut |emitter, element| {
                    emitter.push_element(element)?;
                    emitter.number_of(&Type::Counterparty);
                    Ok(())
                })
            }
            Type::Country => self.count_marks(list, COUNTRY_COUNT, &mut |emitter, element| {
                emitter.push_element(element)?;
                emitter.code(&format!("i32 {COUNTRY_FIRST} i32.sub"));
                Ok(())
            }),
            Type::CurrencyCode => match currency_factor() {
                Some(factor) => {
                    let shift = 32 - CURRENCY_BITS;
                    self.count_marks(list, 1 << CURRENCY_BITS, &mut |emitter, element| {
                        emitter.push_element(element)?;
                        emitter.code(&format!("i32 {factor} i32.mul i32 {shift} i32.shr_u"));
                        Ok(())
                    })
                }
                None => self.count_sorted(list, ty),
            },
            Type::Time if self.is_ascending(list) => self.count_changes(list),
            _ => self.count_numbers(list, ty),
        }
    }

    fn count_numbers(&mut self, list: &'p Expr, ty: &Type) -> Compiled<()> {
        let (low, high) = self.analysis.element_range(list, ty);
        match (i64::try_from(low), u64::try_from(high.saturating_sub(low))) {
            (Ok(low), Ok(span)) if i128::from(span) < MARKS_MAX => {
                self.count_marks(list, span + 1, &mut |emitter, element| {
                    emitter.push_element(element)?;
                    emitter.code(&format!("i64 {low} i64.sub wrap"));
                    Ok(())
                })
            }
            _ => self.count_sorted(list, ty),
        }
    }

    /// Whether the elements are the times of history rows, in their order.
    fn is_ascending(&self, list: &'p Expr) -> bool {
        fn rows(list: &Expr) -> bool {
            match &list.kind {
                Kind::History => true,
                Kind::Loop(Loop::Filter, body) => rows(&body.list),
                _ => false,
            }
        }
        let Kind::Loop(Loop::Map, body) = &self.resolve(list).kind else { return false };
        let is_time = match &body.each.kind {
            Kind::Column(Column::Timestamp, row) => row.kind == Kind::Variable(body.variable),
            _ => false,
        };
        is_time && rows(self.resolve(&body.list))
    }

    fn count_changes(&mut self, list: &'p Expr) -> Compiled<()> {
        let mark = self.before(list, list, None)?;
        let [count, last, now] = [ValType::I64; 3].map(|ty| self.local(ty));
        self.code(&format!("i64 0 set {count} i64 -1 set {last}"));
        self.each(list, None, &mut |emitter, element| {
            emitter.push_element(&element)?;
            emitter.code(&format!("tee {now} get {last} i64.ne extend_u get {count} i64.add"));
            emitter.code(&format!("set {count} get {now} set {last}"));
            Ok(())
        })?;
        self.after(mark);
        self.push(&[count]);
        self.function.free(&[count, last, now]);
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

    /// A byte for each value; `number` pushes an element's place among so many.
    fn count_marks(
        &mut self,
        list: &'p Expr,
        places: u64,
        number: &mut dyn FnMut(&mut Self, &Element<'p>) -> Compiled<()>,
    ) -> Compiled<()> {
        let place = self.array(places, list.span)?;
        if self.loops > 0 {
            self.code(&format!("i32 @{place} i32 0 i32 {places} memory.fill {places}"));
        }
        let mark = self.before(list, list, None)?;
        let (count, at) = (self.local(ValType::I64), self.local(ValType::I32));
        self.code(&format!("i64 0 set {count}"));
        self.each(list, None, &mut |emitter, element| {
            number(emitter, &element)?;
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

    fn count_sorted(&mut self, list: &'p Expr, ty: &Type) -> Compiled<()> {
        let most = self.analysis.most(list);
        let place = self.array(most * 16, list.span)?;
        let count = self.local(ValType::I64);
        let mark = self.before(list, list, None)?;
        // A round of one, so that the report shows collecting and sorting together.
        self.begin(Trips::Times(1));
        let at: Local = self.local(ValType::I32);
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
        let other = place + most as i32 * 8;
        self.code(&format!("i32 @{place} i32 @{other} get {at} i32 @{place} i32.sub"));
        self.code("i32 3 i32.shr_u");
        let size = if self.analysis.is_history(list) { Size::Rows } else { Size::Fixed(most) };
        self.call("distinct", size);
        self.code(&format!("set {count} end get {count}"));
        self.after(mark);
        self.function.free(&[at, count]);
        Ok(())
    }
}

/// A factor that gives every currency a place of its own: the upper bits of code × factor.
fn currency_factor() -> Option<i32> {
    let codes: Vec<u32> = Currency::all().map(Currency::packed).collect();
    // Odd numbers in a fixed order, so that the answer is the same everywhere.
    let factors = (0..10_000_u32).map(|at| at.wrapping_mul(0x9e37_79b8) | 1);
    let mut places = Vec::new();
    for factor in factors {
        places.clear();
        places.extend(codes.iter().map(|code| code.wrapping_mul(factor) >> (32 - CURRENCY_BITS)));
        places.sort_unstable();
        if places.windows(2).all(|pair| pair[0] != pair[1]) {
            return Some(factor as i32);
        }
    }
    None
}
