//! Functions of texts, numbers and times. They must never read a place that their arguments do not
//! name, nor round where the meaning does not.

use wasm_encoder::ValType;

use super::code::Size;
use super::emit::{Compiled, Emitter, not_supported};
use super::range::{TIME_MAX, TIME_MIN};
use crate::data::Calendar;
use crate::typed::{Expr, Fault, Function, Span, TimePart, Type};

/// Bytes of a 64-bit number in decimal, with its sign, and a spare.
const DECIMAL_BYTES: u64 = 24;
/// Milliseconds of a minute.
const MINUTE_MS: i64 = 60_000;
/// Milliseconds of a day.
const DAY_MS: i64 = facts::DAY_MS as i64;
/// Days that one word of a map of days shows at least.
const WORD_DAYS: u64 = 24;

impl<'p> Emitter<'p> {
    pub(super) fn function(
        &mut self,
        function: Function,
        arguments: &'p [Expr],
        expr: &'p Expr,
    ) -> Compiled<()> {
        match (function, arguments) {
            (Function::Contains, [a, b]) => self.text_test("contains", a, b),
            (Function::StartsWith, [a, b]) => self.text_test("starts_with", a, b),
            (Function::EndsWith, [a, b]) => self.text_test("ends_with", a, b),
            (Function::LowerAscii, [text]) => self.letters(text, b'A', expr),
            (Function::UpperAscii, [text]) => self.letters(text, b'a', expr),
            (Function::Trim, [text]) => {
                self.expr(text)?;
                let size = self.analysis.bytes(text);
                self.call("trim", Size::Fixed(size));
                Ok(())
            }
            (Function::ToText, [value]) => self.text_from(value),
            (Function::ToInt, [value]) => self.int_from(value, expr),
            (Function::ToUint, [value]) => self.uint_from(value, expr),
            (Function::ToTime, [seconds]) => self.time_from(seconds),
            (Function::TimePart(part, offset), [time]) => self.time_part(part, offset, time),
            (Function::DurationPart(part), [duration]) => {
                self.expr(duration)?;
                self.code(match part {
                    TimePart::Hours => "i64 3600000 i64.div_s",
                    TimePart::Minutes => "i64 60000 i64.div_s",
                    TimePart::Seconds => "i64 1000 i64.div_s",
                    _ => "i64 1000 i64.rem_s",
                });
                Ok(())
            }
            (Function::Absolute, [value]) => self.absolute(value, expr),
            (Function::Round(rounding), [value]) => self.round(rounding, value, expr),
            (Function::Divide(rounding), [a, b]) => self.divide(rounding, a, b, expr),
            (Function::Convert(table, rounding), [amount]) => {
                self.convert(table, rounding, amount, expr)
            }
            (Function::Day(at), [time]) => self.day(at, time, expr.span, false),
            (Function::BusinessDay(at), [time]) => self.day(at, time, expr.span, true),
            _ => Err(not_supported(expr.span, "a function with its arguments", "others")),
        }
    }

    fn text_test(&mut self, name: &str, a: &'p Expr, b: &'p Expr) -> Compiled<()> {
        let (text, part) = (self.analysis.bytes(a), self.analysis.bytes(b));
        self.expr(a)?;
        self.expr(b)?;
        let size = if name == "contains" { text } else { text.min(part) };
        self.call(name, Size::Fixed(size));
        Ok(())
    }

    fn letters(&mut self, text: &'p Expr, first: u8, expr: &Expr) -> Compiled<()> {
        let size = self.analysis.bytes(text);
        let to = self.buffer(size, expr.span)?;
        self.expr(text)?;
        self.code(&format!("i32 @{to} i32 {first}"));
        self.call("letters", Size::Fixed(size));
        Ok(())
    }

    /// Pushes two texts, one after the other in a buffer.
    pub(super) fn join(&mut self, a: &'p Expr, b: &'p Expr, expr: &Expr) -> Compiled<()> {
        let size = self.analysis.bytes(expr);
        let to = self.buffer(size, expr.span)?;
        self.expr(a)?;
        self.expr(b)?;
        self.code(&format!("i32 @{to}"));
        self.call("join", Size::Fixed(size));
        Ok(())
    }

    fn text_from(&mut self, value: &'p Expr) -> Compiled<()> {
        match value.ty {
            Type::Text => self.expr(value),
            Type::Bool => {
                self.expr(value)?;
                self.flag_text();
                Ok(())
            }
            _ => {
                let end = self.buffer(DECIMAL_BYTES, value.span)? + DECIMAL_BYTES as i32;
                self.expr(value)?;
                let number = self.local(ValType::I64);
                if value.ty == Type::Uint {
                    self.code("i32 0");
                } else {
                    self.code(&format!("tee {number} get {number} i64 63 i64.shr_s i64.xor"));
                    self.code(&format!("get {number} i64 63 i64.shr_s i64.sub"));
                    self.code(&format!("get {number} i64 0 i64.lt_s"));
                }
                self.function.free(&[number]);
                self.code(&format!("i32 @{end}"));
                let (low, high) = self.analysis.range(value);
                let most = low.unsigned_abs().max(high.unsigned_abs());
                let digits = most.checked_ilog10().unwrap_or(0);
                self.call("decimal", Size::Fixed(digits.into()));
                Ok(())
            }
        }
    }

    /// A flag on top of the stack to `true` or `false`, which stand side by side.
    pub(super) fn flag_text(&mut self) {
        let texts = self.builder.constant(b"truefalse");
        let flag = self.local(ValType::I32);
        self.code(&format!("set {flag} i32 {texts} i32 {} get {flag} select", texts + 4));
        self.code(&format!("i32 5 get {flag} i32.sub"));
        self.function.free(&[flag]);
    }

    fn int_from(&mut self, value: &'p Expr, expr: &'p Expr) -> Compiled<()> {
        let can_fault = self.faults_itself(expr, &[value]);
        self.expr(value)?;
        match value.ty {
            Type::Text => self.parse(value, true),
            Type::Uint if can_fault => self.hold_positive(),
            Type::Time => {
                self.code("i64 1000");
                self.call("floor_div", Size::Fixed(0));
            }
            _ => {}
        }
        Ok(())
    }

    fn uint_from(&mut self, value: &'p Expr, expr: &'p Expr) -> Compiled<()> {
        let can_fault = self.faults_itself(expr, &[value]);
        self.expr(value)?;
        match value.ty {
            Type::Text => self.parse(value, false),
            Type::Int if can_fault => self.hold_positive(),
            _ => {}
        }
        Ok(())
    }

    fn parse(&mut self, text: &'p Expr, signed: bool) {
        let size = self.analysis.bytes(text);
        self.code(&format!("i32 {}", i32::from(signed)));
        self.call("parse", Size::Fixed(size));
        self.raise();
    }

    /// Raises a fault when the top bit of the number on top of the stack is set.
    pub(super) fn hold_positive(&mut self) {
        let number = self.local(ValType::I64);
        self.code(&format!("tee {number} get {number} i64 0 i64.lt_s"));
        self.raise_if(Fault::Range);
        self.function.free(&[number]);
    }

    fn time_from(&mut self, seconds: &'p Expr) -> Compiled<()> {
        let (least, most) = (TIME_MIN / 1000, TIME_MAX / 1000);
        self.expr(seconds)?;
        let number = self.local(ValType::I64);
        self.code(&format!("tee {number} i64 1000 i64.mul"));
        self.code(&format!("get {number} i64 {least} i64.sub i64 {} i64.gt_u", most - least));
        self.raise_if(Fault::Range);
        self.function.free(&[number]);
        Ok(())
    }

    fn time_part(&mut self, part: TimePart, offset: i32, time: &'p Expr) -> Compiled<()> {
        self.expr(time)?;
        if offset != 0 {
            self.code(&format!("i64 {} i64.add", i64::from(offset) * MINUTE_MS));
        }
        let none = Size::Fixed(0);
        let within = |emitter: &mut Self, of: i64, unit: i64| {
            emitter.code(&format!("i64 {of}"));
            emitter.call("floor_rem", none);
            if unit > 1 {
                emitter.code(&format!("i64 {unit} i64.div_u"));
            }
        };
        match part {
            TimePart::Hours => within(self, DAY_MS, 3_600_000),
            TimePart::Minutes => within(self, 3_600_000, MINUTE_MS),
            TimePart::Seconds => within(self, MINUTE_MS, 1000),
            TimePart::Milliseconds => within(self, 1000, 1),
            _ => {
                self.code(&format!("i64 {DAY_MS}"));
                self.call("floor_div", none);
                let civil = match part {
                    TimePart::DayOfWeek => {
                        self.code("i64 4 i64.add i64 7");
                        self.call("floor_rem", none);
                        return Ok(());
                    }
                    TimePart::Year => 0,
                    TimePart::Month => 1,
                    TimePart::Date | TimePart::DayOfMonth => 2,
                    _ => 3,
                };
                self.code(&format!("i32 {civil}"));
                self.call("civil", none);
                if part == TimePart::DayOfMonth {
                    self.code("i64 1 i64.sub");
                }
            }
        }
        Ok(())
    }

    /// Days since 1970 of the local date, or of the business day that the time counts for. Inside,
    /// time is counted from the calendar's first day: then one comparison tells what is outside.
    fn day(&mut self, at: u32, time: &'p Expr, span: Span, business: bool) -> Compiled<()> {
        let program = self.program();
        let Some(calendar) = program.calendars.get(at as usize) else {
            return Err(not_supported(span, "a calendar of the rule", "another"));
        };
        let first = i64::from(calendar.first_day);
        let days = (i64::from(calendar.last_day) - first + 1).max(0);
        let local = self.local(ValType::I64);
        self.expr(time)?;
        self.zone(calendar, local);
        self.code(&format!("i64 {} i64.sub tee {local}", first * DAY_MS));
        self.code(&format!("i64 {} i64.ge_u", days * DAY_MS));
        self.raise_if(Fault::Calendar);
        self.code(&format!("get {local} i64 {DAY_MS} i64.div_u"));
        if business {
            if calendar.cutoff_minute < 1440 {
                let cutoff = i64::from(calendar.cutoff_minute) * MINUTE_MS;
                self.code(&format!("get {local} i64 {DAY_MS} i64.rem_u i64 {cutoff} i64.ge_u"));
                self.code("extend_u i64.add");
            }
            self.next_business_day(calendar, days);
        }
        self.code(&format!("i64 {first} i64.add"));
        self.function.free(&[local]);
        Ok(())
    }

    /// The first business day at or after the day on the stack, both counted from the first day.
    /// The map holds a bit for each day, so one word shows the next three weeks and more.
    fn next_business_day(&mut self, calendar: &Calendar, days: i64) {
        let map = self.builder.constant(&business_days(calendar, days));
        let pause = longest_pause(calendar, days);
        if pause > WORD_DAYS {
            self.code(&format!("i32 {map} i64 {days}"));
            self.call("business", Size::Fixed(pause + 1));
            self.raise();
            return;
        }
        let (day, bits) = (self.local(ValType::I64), self.local(ValType::I32));
        self.code(&format!("tee {day} i64 3 i64.shr_u wrap i32.load {map}"));
        self.code(&format!("get {day} wrap i32 7 i32.and i32.shr_u tee {bits} i32.eqz"));
        self.raise_if(Fault::Calendar);
        self.code(&format!("get {bits} i32.ctz extend_u get {day} i64.add"));
        self.function.free(&[day, bits]);
    }

    /// A time on top of the stack to the milliseconds of its local date and time.
    fn zone(&mut self, calendar: &Calendar, time: u32) {
        match calendar.offsets.as_slice() {
            [] => {}
            [(_, minutes)] => {
                self.code(&format!("i64 {} i64.add", i64::from(*minutes) * MINUTE_MS));
            }
            all => {
                let row = |(at, minutes): &(i64, i16)| {
                    at.to_le_bytes().into_iter().chain(minutes.to_le_bytes())
                };
                let bytes: Vec<u8> = all.iter().flat_map(row).collect();
                let table = self.builder.constant(&bytes);
                self.code(&format!("tee {time} get {time} i32 {table} i32 {}", all.len()));
                self.call("zone", Size::Fixed(all.len() as u64));
                self.code(&format!("i64 {MINUTE_MS} i64.mul i64.add"));
            }
        }
    }
}

/// A bit for each day of the calendar, set on business days.
fn business_days(calendar: &Calendar, days: i64) -> Vec<u8> {
    // A word may be read at the day after the last.
    let mut map = vec![0_u8; days.div_euclid(8) as usize + 5];
    for at in 0..days {
        let day = i64::from(calendar.first_day) + at;
        let week_day = (day + 4).rem_euclid(7);
        let is_holiday =
            i32::try_from(day).is_ok_and(|day| calendar.holidays.binary_search(&day).is_ok());
        if calendar.weekend >> week_day & 1 == 0 && !is_holiday {
            map[(at / 8) as usize] |= 1 << (at % 8);
        }
    }
    map
}

/// Most days without a business day, one after another.
fn longest_pause(calendar: &Calendar, days: i64) -> u64 {
    let map = business_days(calendar, days);
    let (mut longest, mut now) = (0, 0);
    for at in 0..days {
        let is_open = map[(at / 8) as usize] >> (at % 8) & 1 == 1;
        now = if is_open { 0 } else { now + 1 };
        longest = longest.max(now);
    }
    longest
}
